-- Step 11: whether a task that names its model may be answered by another one. Those that were queued before may not.
ALTER TABLE task ADD COLUMN fallback INTEGER NOT NULL DEFAULT 0;
