-- Step 13: which roots a person or a known place named; the others were found inside of them. A folder is no root of its
-- own for having a store somewhere in it, and a root around a named one is too wide to be pruned as a whole.
ALTER TABLE root ADD COLUMN named INTEGER NOT NULL DEFAULT 0 CHECK (named IN (0, 1));

-- Plain folders are never found by themselves.
UPDATE root SET named = 1 WHERE store = 'dir';
