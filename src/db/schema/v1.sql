-- Step 1: the inventory, what people set, and the journal of uses.
-- A step that was released is never edited: what comes later is another file, appended in schema.rs.
--
-- Paths are BLOBs of raw bytes, because a file name need not be UTF-8. Times are milliseconds since the epoch, those
-- named _ns nanoseconds. dev, ino and figures that a header claims are u64 kept bit for bit in a signed column.

CREATE TABLE meta (
    name TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Places that were scanned, and how the last look went.
CREATE TABLE root (
    path BLOB PRIMARY KEY NOT NULL,
    store TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('read', 'unavailable')),
    reason TEXT,
    last_scan INTEGER NOT NULL,
    CHECK ((state = 'read') = (reason IS NULL))
) STRICT, WITHOUT ROWID;

-- What a person loads. `subject` is the key that settings and uses hang on: the content, or the last known content,
-- or the id of a model that never had a readable header. The columns from `path` on repeat what the artifacts say,
-- so that a list of ten thousand models needs no other table.
CREATE TABLE model (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    subject TEXT NOT NULL,
    name TEXT NOT NULL,
    store TEXT NOT NULL,
    root BLOB NOT NULL,
    repo TEXT,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    content TEXT,
    shards_expected INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    path BLOB NOT NULL,
    architecture TEXT,
    family TEXT,
    quant TEXT,
    bits_per_weight REAL,
    parameters INTEGER,
    context_length INTEGER,
    size INTEGER NOT NULL,
    allocated INTEGER NOT NULL,
    weights INTEGER NOT NULL,
    chat_template INTEGER NOT NULL CHECK (chat_template IN (0, 1)),
    shards INTEGER NOT NULL,
    mmproj INTEGER NOT NULL CHECK (mmproj IN (0, 1))
) STRICT;

CREATE INDEX model_root ON model (root);
CREATE INDEX model_content ON model (content) WHERE content IS NOT NULL;

-- One file of a model, in load order.
CREATE TABLE artifact (
    number INTEGER PRIMARY KEY,
    model INTEGER NOT NULL REFERENCES model (number) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    path BLOB NOT NULL,
    target BLOB,
    dev INTEGER NOT NULL,
    ino INTEGER NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    allocated INTEGER NOT NULL,
    role TEXT NOT NULL,
    shard_no INTEGER,
    expected_sha256 TEXT,
    UNIQUE (model, position)
) STRICT;

CREATE INDEX artifact_path ON artifact (path);
CREATE INDEX artifact_target ON artifact (target) WHERE target IS NOT NULL;
CREATE INDEX artifact_identity ON artifact (dev, ino);

-- What the header of a file says, as JSON, or why it cannot be read. Apart from `artifact`, which every scan reads
-- from end to end and which stays small this way.
CREATE TABLE artifact_header (
    artifact INTEGER PRIMARY KEY REFERENCES artifact (number) ON DELETE CASCADE,
    facts TEXT,
    problem TEXT,
    CHECK ((facts IS NULL) <> (problem IS NULL))
) STRICT;

-- Further entries of the same store that lead to the same bytes.
CREATE TABLE artifact_entry (
    artifact INTEGER NOT NULL REFERENCES artifact (number) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    path BLOB NOT NULL,
    PRIMARY KEY (artifact, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX artifact_entry_path ON artifact_entry (path);

-- What a person set. Outlives the model: it comes back with it.
CREATE TABLE setting (
    subject TEXT PRIMARY KEY NOT NULL,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    pinned INTEGER NOT NULL CHECK (pinned IN (0, 1)),
    tier TEXT,
    alias TEXT,
    note TEXT
) STRICT, WITHOUT ROWID;

-- Every use of a model through this program.
CREATE TABLE use_journal (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    subject TEXT NOT NULL,
    model TEXT NOT NULL,
    at INTEGER NOT NULL,
    source TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    outcome TEXT NOT NULL
) STRICT;

CREATE INDEX use_journal_subject ON use_journal (subject, number);

-- The sums of the journal, which stay when old rows of it are let go.
CREATE TABLE use_total (
    subject TEXT PRIMARY KEY NOT NULL,
    last_used INTEGER NOT NULL,
    use_count INTEGER NOT NULL,
    last_source TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The figures of each scan, in models.
CREATE TABLE scan (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    added INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    moved INTEGER NOT NULL,
    gone INTEGER NOT NULL,
    unchanged INTEGER NOT NULL,
    unavailable INTEGER NOT NULL,
    skipped INTEGER NOT NULL
) STRICT;
