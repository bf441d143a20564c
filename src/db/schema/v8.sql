-- Step 8: who changed what, when, why and how much. Rows are added and, when they are old, taken away; never changed.
-- `at` is in ms since the epoch. NULL is what could not be read or does not apply.
CREATE TABLE history (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    user TEXT,
    login TEXT,
    pid INTEGER NOT NULL,
    process TEXT,
    parent TEXT,
    unit TEXT,
    command TEXT,
    action TEXT NOT NULL,
    model TEXT,
    name TEXT,
    path BLOB,
    reason TEXT,
    apparent INTEGER,
    allocated INTEGER,
    freed INTEGER,
    detail TEXT
) STRICT;

CREATE INDEX history_at ON history (at);

-- Every model that a row is about: the one it names, and those that a scan found changed.
CREATE TABLE history_model (
    model TEXT NOT NULL,
    history INTEGER NOT NULL REFERENCES history (number) ON DELETE CASCADE,
    PRIMARY KEY (model, history)
) STRICT, WITHOUT ROWID;

CREATE INDEX history_model_of ON history_model (history);
