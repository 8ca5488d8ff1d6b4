-- What records held before our updates (`keepBefore` in the schema file), and batches that undo others.

ALTER TABLE batch ADD COLUMN keeps_before INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batch ADD COLUMN undoes INTEGER NOT NULL DEFAULT 0;  -- 1: its file is from `export --undo`

-- A job has a row as soon as a GET has shown its record. An update with version v can only replace version v,
-- so that fields is what it replaced where the server answered with version + 1. As in SQLite's archives,
-- sqlar_uncompress(fields, size) is the text: fields is a zlib stream, or the text itself where that is not
-- longer. NULL: the record was not at that version, or was not there.
CREATE TABLE before_update (
    job_id  INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,   -- that the update carries
    size    INTEGER,            -- of the text, in bytes
    fields  BLOB
) STRICT;
