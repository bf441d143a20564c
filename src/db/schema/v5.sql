-- Step 5: what llama.cpp said that a model takes, by the identity of its main file and the settings asked for.
CREATE TABLE fit (
    dev INTEGER NOT NULL,
    ino INTEGER NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    settings TEXT NOT NULL,
    devices TEXT NOT NULL,
    PRIMARY KEY (dev, ino, settings)
) STRICT, WITHOUT ROWID;
