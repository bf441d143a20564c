-- Step 2: which bytes were read whole, and what their sha256 was.
-- One row per inode: the identity says whether the hash still speaks of what lies there now.
CREATE TABLE verified (
    dev INTEGER NOT NULL,
    ino INTEGER NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (dev, ino)
) STRICT, WITHOUT ROWID;
