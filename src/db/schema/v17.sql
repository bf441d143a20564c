-- Step 17: what the daemon knows of its servers, for the time after its next start. `subject`: the content of a model, as
-- for settings, or `service:NAME`. `loaded`: whether it was loaded when this was saved.
CREATE TABLE server_hint (
    subject TEXT NOT NULL,
    purpose TEXT NOT NULL,
    last_access INTEGER,
    access_count INTEGER NOT NULL,
    load_ms INTEGER,
    loaded INTEGER NOT NULL CHECK (loaded IN (0, 1)),
    saved INTEGER NOT NULL,
    PRIMARY KEY (subject, purpose)
) STRICT, WITHOUT ROWID;

CREATE INDEX use_journal_at ON use_journal (at);
