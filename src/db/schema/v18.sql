-- Step 18: which roots were named on a command line: a scan that names none looks in them again.
ALTER TABLE root ADD COLUMN remembered INTEGER NOT NULL DEFAULT 0 CHECK (remembered IN (0, 1));

-- Files that were made to share their space with an equal one, and how each was before: what an undo needs. A row is
-- written before the file is touched. `how` is `reflink` or `hard-link`; `undone` is null while it is in force.
CREATE TABLE share (
    number INTEGER PRIMARY KEY,
    run TEXT NOT NULL,
    at INTEGER NOT NULL,
    how TEXT NOT NULL CHECK (how IN ('reflink', 'hard-link')),
    name TEXT NOT NULL,
    kept BLOB NOT NULL,
    path BLOB NOT NULL,
    size INTEGER NOT NULL,
    mode INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    gid INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    undone INTEGER
) STRICT;
