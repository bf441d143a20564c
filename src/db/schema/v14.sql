-- Step 14: the ledger of models in memory, and what a model took when it was loaded last.
--
-- A row counts against the memory of its place until it is removed: by its owner, or by anybody once owner and worker
-- are gone. A process is identified by its number and its start time (proc(5)), within one boot and one pid namespace.
CREATE TABLE load (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    host TEXT NOT NULL,
    boot TEXT NOT NULL,
    namespace INTEGER NOT NULL,
    owner_pid INTEGER NOT NULL,
    owner_start INTEGER NOT NULL,
    who TEXT NOT NULL,
    worker_pid INTEGER,
    worker_start INTEGER,
    model TEXT NOT NULL,
    name TEXT NOT NULL,
    purpose TEXT NOT NULL,
    state TEXT NOT NULL,
    since INTEGER NOT NULL,
    CHECK ((worker_pid IS NULL) = (worker_start IS NULL))
) STRICT;

CREATE TABLE load_bytes (
    load INTEGER NOT NULL REFERENCES load (id) ON DELETE CASCADE,
    device TEXT NOT NULL,
    reserved INTEGER NOT NULL,
    measured INTEGER,
    PRIMARY KEY (load, device)
) STRICT, WITHOUT ROWID;

-- The largest memory that a process with this model was found to hold, by the identity of the main file and the settings
-- of the load.
CREATE TABLE footprint (
    dev INTEGER NOT NULL,
    ino INTEGER NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    settings TEXT NOT NULL,
    devices TEXT NOT NULL,
    PRIMARY KEY (dev, ino, settings)
) STRICT, WITHOUT ROWID;
