-- What is decided about a record that someone else changed, and what the audit log is asked about.

ALTER TABLE conflict ADD COLUMN evidence TEXT;  -- proven: our update did not land; unproven: it may have

CREATE INDEX conflict_open ON conflict (job_id) WHERE resolved_ms IS NULL;

-- What a job sends where that is not what its row says: its fields laid over the record as it was
-- fetched. A row is there from the decision to fetch on, and stays as what was sent.
CREATE TABLE rebase (
    job_id  INTEGER PRIMARY KEY,
    rounds  INTEGER NOT NULL,   -- fetches so far
    version INTEGER,            -- as fetched; NULL: a fetch comes next
    fields  TEXT                -- what the PUT carries; NULL with version
) STRICT;

-- Jobs whose record has moved on beyond the version that their PUT can have made: the audit log is
-- asked whose that version was. A row is there while it is asked.
CREATE TABLE arbitration (
    job_id         INTEGER PRIMARY KEY,
    since_ms       INTEGER NOT NULL,
    page           INTEGER NOT NULL DEFAULT 1,
    look_ms        INTEGER,     -- of a page behind the first one: when that was asked for
    server_version INTEGER,     -- of the record as a GET showed it; NULL: it is gone
    server_record  TEXT
) STRICT;

-- Conflicts that wait for a decision, a line for each field in which the two sides differ; one line
-- without a field where they differ in the version alone. Values are JSON text.
CREATE VIEW open_conflict AS
WITH side AS (
    SELECT c.job_id, r.record_id, c.submitted_version, c.server_version, c.detected_ms,
           coalesce(b.fields, r.fields) AS ours,
           CASE WHEN json_type(c.server_record, '$.fields') = 'object'
                THEN c.server_record -> '$.fields' ELSE '{}' END AS theirs
    FROM conflict c
    JOIN job_row r ON r.id = c.job_id
    LEFT JOIN rebase b ON b.job_id = c.job_id AND b.fields IS NOT NULL
    WHERE c.resolved_ms IS NULL
), difference AS (
    -- names are compared as they are meant, not as they are written. No path leads to one that is
    -- written with a backslash: such a value is written anew, which may cost digits
    SELECT s.job_id, o.key AS field,
           CASE WHEN instr(o.fullkey, '\') = 0 THEN s.ours -> o.fullkey
                WHEN o.type IN ('object', 'array') THEN o.value
                WHEN o.type IN ('true', 'false', 'null') THEN o.type
                ELSE json_quote(o.value) END AS ours,
           CASE WHEN t.key IS NULL THEN NULL
                WHEN instr(t.fullkey, '\') = 0 THEN s.theirs -> t.fullkey
                WHEN t.type IN ('object', 'array') THEN t.value
                WHEN t.type IN ('true', 'false', 'null') THEN t.type
                ELSE json_quote(t.value) END AS theirs,
           o.type AS our_type, o.value AS our_value, t.type AS their_type, t.value AS their_value
    FROM side s JOIN json_each(s.ours) o LEFT JOIN json_each(s.theirs) t ON t.key = o.key
    UNION ALL
    SELECT s.job_id, t.key, NULL,
           CASE WHEN instr(t.fullkey, '\') = 0 THEN s.theirs -> t.fullkey
                WHEN t.type IN ('object', 'array') THEN t.value
                WHEN t.type IN ('true', 'false', 'null') THEN t.type
                ELSE json_quote(t.value) END,
           NULL, NULL, t.type, t.value
    FROM side s JOIN json_each(s.theirs) t LEFT JOIN json_each(s.ours) o ON o.key = t.key
    WHERE o.key IS NULL
)
SELECT s.job_id AS job_id, s.job_id / 1000000000 AS batch_id, s.job_id % 1000000000 AS row_no,
       b.schema AS schema, s.record_id AS record_id, s.submitted_version AS submitted_version,
       s.server_version AS server_version, d.field AS field, d.ours AS ours, d.theirs AS theirs,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.detected_ms / 1000.0, 'unixepoch') AS detected
FROM side s
JOIN batch b ON b.id = s.job_id / 1000000000
LEFT JOIN difference d ON d.job_id = s.job_id
      -- numbers by value; whole ones by their digits, of which they may have more than SQLite's have
      AND CASE WHEN d.our_type = 'integer' AND d.their_type = 'integer' THEN d.ours <> d.theirs
               WHEN d.our_type IN ('integer', 'real') AND d.their_type IN ('integer', 'real')
               THEN d.our_value <> d.their_value
               ELSE d.our_type IS NOT d.their_type OR d.our_value IS NOT d.their_value END;
