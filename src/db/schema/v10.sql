-- Step 10: the death of an executor is counted apart from that of a worker, which alone speaks against a task.
--
-- What was counted as a crash until now were deaths of executors.
ALTER TABLE task ADD COLUMN interruptions INTEGER NOT NULL DEFAULT 0;
UPDATE task SET interruptions = crashes, crashes = 0 WHERE crashes > 0;
UPDATE attempt SET ending = 'interrupted' WHERE ending = 'crashed';

DROP INDEX task_backoff;
CREATE INDEX task_backoff ON task (until) WHERE state = 'scheduled' AND attempts + crashes + interruptions > 0;
