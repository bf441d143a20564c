-- Step 9: fewer pages are written for a task that is taken and done, since every page is waited for.
--
-- An attempt that is under way stands in the row of its task alone, which says all of it (owner, since, token, round,
-- model), and comes into `attempt` when it ends; one that ended well comes into the row of its result. Open rows that
-- an older program left, or still writes, are passed over.
DELETE FROM attempt WHERE ended IS NULL;

ALTER TABLE task_result ADD COLUMN token INTEGER;
ALTER TABLE task_result ADD COLUMN round INTEGER;
ALTER TABLE task_result ADD COLUMN owner TEXT;
ALTER TABLE task_result ADD COLUMN started INTEGER;

-- The first of all that are due is the best of the firsts of each wish.
DROP INDEX task_ready;
-- A renewal does not move a task in it, as it did where the end of the lease was the key.
DROP INDEX task_lease;
CREATE INDEX task_running ON task (id) WHERE state = 'running';
