-- What intake has put into done/ and refused/: each file, and each sheet about one, by identity, so that
-- nothing is deleted or replaced because of its name alone.

CREATE TABLE filed (
    id         INTEGER PRIMARY KEY,
    batch_id   INTEGER,           -- NULL: refused before there was a batch
    sheet      INTEGER NOT NULL,  -- 1: written by us about a file
    folder     TEXT NOT NULL,     -- absolute
    name       TEXT,              -- NULL: filed before names were stored, and found by identity only
    device     INTEGER NOT NULL,
    inode      INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    mtime_ns   INTEGER NOT NULL,
    filed_ms   INTEGER NOT NULL,
    watched    INTEGER NOT NULL,  -- 1: a later run checks whether it has grown since
    UNIQUE (folder, name)
) STRICT;

CREATE INDEX filed_by_file ON filed (inode, device);
CREATE INDEX filed_watched ON filed (id) WHERE watched;

INSERT INTO filed (batch_id, sheet, folder, device, inode, size_bytes, mtime_ns, filed_ms, watched)
SELECT id, 0,
       CASE filing WHEN 2 THEN rtrim(rtrim(rtrim(path, replace(path, '/', '')), '/'),
                                     replace(path, '/', ''))
                   ELSE rtrim(path, replace(path, '/', '')) END
           || iif(state = 'refused', 'refused', 'done'),
       device, inode, size_bytes, mtime_ns, filed_ms, 0
FROM batch
WHERE filing <> 0 AND filed_ms IS NOT NULL AND unfiled_ms IS NULL AND path IS NOT NULL
  AND state IN ('open', 'done', 'refused');

ALTER TABLE batch DROP COLUMN unfiled_ms;

-- A refusal by --max-errors or --min-rows has an exit status of its own.
ALTER TABLE batch ADD COLUMN over_limit INTEGER NOT NULL DEFAULT 0;
UPDATE batch SET over_limit = 1
WHERE state = 'refused' AND (reason LIKE '% rows are rejected%, and --max-errors allows %'
                             OR reason LIKE '% rows, and --min-rows asks for %');
