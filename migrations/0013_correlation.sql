-- Correlation ids that are made of schema, content, occurrence and row (docs/database.md).

-- How many earlier batches with jobs the database has of this schema and content; set when the batch is
-- opened. NULL: it has no jobs, or is not opened.
ALTER TABLE batch ADD COLUMN occurrence INTEGER;

-- Rows of the file that earlier batches have read; row_no counts after them.
ALTER TABLE batch ADD COLUMN rows_before INTEGER NOT NULL DEFAULT 0;

UPDATE batch SET occurrence = o.earlier
FROM (SELECT id, row_number() OVER (PARTITION BY schema, content_hash ORDER BY id) - 1 AS earlier
      FROM batch WHERE state IN ('open', 'done') AND rows_read > rows_rejected) o
WHERE batch.id = o.id;

CREATE INDEX batch_by_content ON batch (schema, content_hash) WHERE occurrence IS NOT NULL;

-- 1: the record held the update of a later job of ours that this database has not sent, so that another
-- copy of it has sent more.
ALTER TABLE arbitration ADD COLUMN is_copied INTEGER NOT NULL DEFAULT 0;
-- The entry of another update for the version in question, from a page before.
ALTER TABLE arbitration ADD COLUMN entry TEXT;
