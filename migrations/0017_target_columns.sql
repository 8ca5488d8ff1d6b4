-- Which columns of the file the record ids of a batch are made of (docs/database.md#tables). NULL: its target is the
-- guide's, or it is not known.
ALTER TABLE batch ADD COLUMN target_columns TEXT;

-- Each column makes a part of the record id, with a slash after it.
UPDATE batch SET target_columns = '[]' WHERE target IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM job_row WHERE id > batch.id * 1000000000 AND id < (batch.id + 1) * 1000000000
    AND instr(record_id, '/'));
