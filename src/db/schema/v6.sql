-- The queue: tasks, their texts, their attempts and their results. Whether inference is on stands in `meta`.
--
-- Numbers of tasks come from a counter in `meta` and are never used twice. A finished task keeps its row and its texts
-- until retention takes them. Texts stand apart from `task`, whose rows are rewritten with every step.

-- A CASE and not `state IN (…)`, for which SQLite would build a small table for every row that is inserted.
-- `until` is when a scheduled task is due and when the lease of a running one ends. `ready` is its place among those of
-- one priority. Exactly the running have an owner, exactly the finished a time of it.
CREATE TABLE task (
    id INTEGER PRIMARY KEY,
    batch TEXT NOT NULL,
    key TEXT,
    state TEXT NOT NULL,
    priority INTEGER NOT NULL,
    ready INTEGER NOT NULL,
    wish_model TEXT,
    wish_tier TEXT,
    created INTEGER NOT NULL,
    not_before INTEGER,
    deadline INTEGER,
    timeout_ms INTEGER,
    max_attempts INTEGER NOT NULL,
    until INTEGER,
    owner TEXT,
    since INTEGER,
    finished INTEGER,
    token INTEGER NOT NULL,
    round INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    crashes INTEGER NOT NULL,
    swaps INTEGER NOT NULL,
    model TEXT,
    error_kind TEXT,
    error TEXT,
    bytes INTEGER NOT NULL,
    CHECK (CASE state
        WHEN 'queued' THEN until IS NULL AND owner IS NULL AND since IS NULL AND finished IS NULL
        WHEN 'scheduled' THEN until IS NOT NULL AND owner IS NULL AND since IS NULL AND finished IS NULL
        WHEN 'running' THEN until IS NOT NULL AND owner IS NOT NULL AND since IS NOT NULL AND finished IS NULL
        WHEN 'done' THEN until IS NULL AND owner IS NULL AND since IS NULL AND finished IS NOT NULL
        WHEN 'failed' THEN until IS NULL AND owner IS NULL AND since IS NULL AND finished IS NOT NULL
        WHEN 'cancelled' THEN until IS NULL AND owner IS NULL AND since IS NULL AND finished IS NOT NULL
        ELSE 0 END),
    CHECK ((error_kind IS NULL) = (error IS NULL))
) STRICT;

CREATE UNIQUE INDEX task_key ON task (batch, key) WHERE key IS NOT NULL;
-- In the order of the claim, once over all and once within each wish. What is not due yet is in neither.
CREATE INDEX task_ready ON task (priority DESC, ready, id) WHERE state = 'queued';
CREATE INDEX task_wish ON task (wish_model, wish_tier, priority DESC, ready, id) WHERE state = 'queued';
CREATE INDEX task_due ON task (until) WHERE state = 'scheduled';
CREATE INDEX task_backoff ON task (until) WHERE state = 'scheduled' AND attempts > 0;
CREATE INDEX task_lease ON task (until) WHERE state = 'running';
CREATE INDEX task_deadline ON task (deadline) WHERE deadline IS NOT NULL AND state IN ('queued', 'scheduled');
CREATE INDEX task_finished ON task (finished, id, bytes) WHERE finished IS NOT NULL;

CREATE TABLE task_request (
    task INTEGER PRIMARY KEY REFERENCES task (id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE task_result (
    task INTEGER PRIMARY KEY REFERENCES task (id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    finish_reason TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    prompt_ms INTEGER NOT NULL,
    generate_ms INTEGER NOT NULL,
    model TEXT NOT NULL,
    model_name TEXT NOT NULL
) STRICT;

CREATE TABLE attempt (
    task INTEGER NOT NULL REFERENCES task (id) ON DELETE CASCADE,
    token INTEGER NOT NULL,
    round INTEGER NOT NULL,
    owner TEXT NOT NULL,
    model TEXT,
    started INTEGER NOT NULL,
    ended INTEGER,
    ending TEXT,
    error_kind TEXT,
    error TEXT,
    PRIMARY KEY (task, token),
    CHECK ((ended IS NULL) = (ending IS NULL)),
    CHECK ((error_kind IS NULL) = (error IS NULL))
) STRICT, WITHOUT ROWID;
