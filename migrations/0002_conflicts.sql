-- What is decided about a record that someone else changed, and what the audit log is asked about.

ALTER TABLE conflict ADD COLUMN evidence TEXT;  -- proven: our update was not applied; unproven: it may be

CREATE INDEX conflict_open ON conflict (job_id) WHERE resolved_ms IS NULL;

-- What a job sends if that is not what its row says: its fields, merged into the record as it was fetched.
-- The row is inserted when a fetch is decided, and kept as what was sent.
CREATE TABLE rebase (
    job_id  INTEGER PRIMARY KEY,
    rounds  INTEGER NOT NULL,   -- fetches so far
    version INTEGER,            -- as fetched; NULL: a fetch comes next
    fields  TEXT                -- what the PUT carries; NULL with version
) STRICT;

-- Jobs whose record has moved on beyond the version that their PUT may have made: the audit log is
-- asked whose that version was. A row is there while it is asked.
CREATE TABLE arbitration (
    job_id         INTEGER PRIMARY KEY,
    since_ms       INTEGER NOT NULL,
    page           INTEGER NOT NULL DEFAULT 1,
    look_ms        INTEGER,     -- of a page after the first one: when that was asked for
    server_version INTEGER,     -- of the record as a GET showed it; NULL: it is gone
    server_record  TEXT
) STRICT;

-- Conflicts that wait for a decision, a line for each field in which the two sides differ; one line
-- without a field where they differ in the version alone. Values are JSON text, as either side wrote
-- them. The differences are listed conflict by conflict (d), so that only those are compared that are
-- asked for, by job, batch or record.
CREATE VIEW open_conflict AS
SELECT s.job_id AS job_id, s.batch_id AS batch_id, s.job_id % 1000000000 AS row_no,
       s.schema AS schema, s.record_id AS record_id, s.submitted_version AS submitted_version,
       s.server_version AS server_version, d.value ->> 0 AS field, d.value ->> 1 AS ours,
       d.value ->> 2 AS theirs,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.detected_ms / 1000.0, 'unixepoch') AS detected
FROM (
    SELECT c.job_id, b.id AS batch_id, b.schema, k.record_id, c.submitted_version, c.server_version,
           c.detected_ms, coalesce(l.fields, r.fields) AS ours,
           CASE WHEN json_type(c.server_record, '$.fields') = 'object'
                THEN c.server_record END AS record
    FROM batch b
    JOIN conflict c ON c.resolved_ms IS NULL AND c.job_id > b.id * 1000000000
                   AND c.job_id < (b.id + 1) * 1000000000 AND b.id = c.job_id / 1000000000
    JOIN job_row r ON r.id = c.job_id
    JOIN record_job k ON k.record_id = r.record_id AND k.job_id = r.id
    LEFT JOIN rebase l ON l.job_id = c.job_id
) s
LEFT JOIN json_each((
    SELECT json_group_array(json_array(
               field,
               -- no path reaches a name that is written with a backslash: such a value is
               -- written again, and can lose digits
               CASE WHEN our_path IS NULL THEN NULL
                    WHEN instr(our_path, '\') = 0 THEN s.ours -> our_path
                    WHEN our_type IN ('object', 'array') THEN our_value
                    WHEN our_type IN ('true', 'false', 'null') THEN our_type
                    ELSE json_quote(our_value) END || '',
               CASE WHEN their_path IS NULL THEN NULL
                    WHEN instr(their_path, '\') = 0 THEN s.record -> their_path
                    WHEN their_type IN ('object', 'array') THEN their_value
                    WHEN their_type IN ('true', 'false', 'null') THEN their_type
                    ELSE json_quote(their_value) END || ''))
    FROM (
        -- names are compared as they are meant, not as they are written
        SELECT o.key AS field, o.fullkey AS our_path, o.type AS our_type, o.value AS our_value,
               t.fullkey AS their_path, t.type AS their_type, t.value AS their_value
        FROM json_each(s.ours) o LEFT JOIN json_each(s.record, '$.fields') t ON t.key = o.key
        UNION ALL
        SELECT t.key, NULL, NULL, NULL, t.fullkey, t.type, t.value
        FROM json_each(s.record, '$.fields') t LEFT JOIN json_each(s.ours) o ON o.key = t.key
        WHERE o.key IS NULL
    )
    -- numbers by value; whole ones by their digits, of which they may have more than SQLite's have
    WHERE CASE WHEN our_type = 'integer' AND their_type = 'integer'
               THEN our_value <> their_value
                    OR (s.ours -> our_path) <> (s.record -> their_path)
               WHEN our_type IN ('integer', 'real') AND their_type IN ('integer', 'real')
               THEN our_value <> their_value
               ELSE our_type IS NOT their_type OR our_value IS NOT their_value END
)) d;
