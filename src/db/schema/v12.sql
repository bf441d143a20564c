-- Step 12: damaged, unsupported and unreadable are three things, and what `verify` found speaks for a file.
--
-- `nature` says which of them `problem` is. `again` marks headers that the next scan reads anew although their files have
-- not changed: those that could not be read, and all that an older version judged.
ALTER TABLE artifact_header ADD COLUMN nature TEXT;
ALTER TABLE artifact_header ADD COLUMN again INTEGER NOT NULL DEFAULT 1 CHECK (again IN (0, 1));
CREATE INDEX artifact_header_again ON artifact_header (artifact) WHERE again = 1;

-- Until then nothing that an older version called damaged is taken for proven damage: it made no difference between what
-- is broken and what it did not know.
UPDATE model SET state = 'unsupported',
    reason = 'an older version said: ' || coalesce(reason, state) || '; `modelctl scan` looks at it anew'
WHERE state IN ('damaged', 'truncated');

-- What was found wrong when the content of a file was read, for exactly these bytes: another hash than the one on record,
-- or that the disk does not hand it over.
CREATE TABLE finding (
    dev INTEGER NOT NULL,
    ino INTEGER NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    what TEXT NOT NULL,
    detail TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (dev, ino)
) STRICT, WITHOUT ROWID;
