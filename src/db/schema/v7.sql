-- Step 7: what folders looked like when they were read whole, so that an unchanged one need not be read again.
-- A stamp vouches for what its folder's survey recorded, and goes with it.
CREATE TABLE stamp (
    folder BLOB PRIMARY KEY NOT NULL REFERENCES survey (folder) ON DELETE CASCADE,
    format INTEGER NOT NULL,
    files INTEGER NOT NULL,
    known BLOB NOT NULL,
    found BLOB NOT NULL,
    entries BLOB NOT NULL
) STRICT, WITHOUT ROWID;
