-- Step 4: the keep hints that a person added, in the order in which they were.
CREATE TABLE keep_hint (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    hint TEXT NOT NULL UNIQUE,
    at INTEGER NOT NULL
) STRICT;
