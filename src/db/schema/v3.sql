-- Step 3: every byte that a store holds, and why.

-- One file, or the sum of several of one owner. Files of models are here as well as in `artifact`: there is what a
-- person loads, here is what the disk holds. A model in a plain folder has no row: the folder is all there is to say.
CREATE TABLE holding (
    number INTEGER PRIMARY KEY,
    store TEXT NOT NULL,
    root BLOB NOT NULL,
    owner TEXT,
    path BLOB NOT NULL,
    files INTEGER NOT NULL,
    dev INTEGER,
    ino INTEGER,
    size INTEGER NOT NULL,
    mtime_ns INTEGER,
    ctime_ns INTEGER,
    allocated INTEGER NOT NULL,
    links INTEGER NOT NULL,
    class TEXT NOT NULL,
    why TEXT NOT NULL,
    expected_sha256 TEXT,
    CHECK ((dev IS NULL) = (ino IS NULL) AND (dev IS NULL) = (mtime_ns IS NULL) AND (dev IS NULL) = (ctime_ns IS NULL))
) STRICT;

CREATE INDEX holding_path ON holding (path);
CREATE INDEX holding_inode ON holding (dev, ino) WHERE dev IS NOT NULL;

-- A folder that was read as a whole, and a digest of what it held: most scans find what the last one found.
CREATE TABLE survey (
    folder BLOB PRIMARY KEY NOT NULL,
    digest BLOB NOT NULL
) STRICT, WITHOUT ROWID;
