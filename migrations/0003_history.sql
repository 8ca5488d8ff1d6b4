-- Answers questions about failures, rejections and single records at once, however many jobs there are.
-- room: violation rejected_row server_violation

-- Jobs that failed or were refused: few, and found without reading the jobs of their batch.
CREATE INDEX job_failed ON job_state (job_id, state) WHERE state IN ('failed', 'refused');

CREATE VIEW failed_job AS
SELECT s.job_id AS job_id, b.id AS batch_id, s.job_id % 1000000000 AS row_no, b.schema AS schema,
       k.record_id AS record_id, s.state AS state, s.http_status AS http_status,
       s.error_code AS error_code, s.error_message AS error_message, s.attempts AS attempts,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.updated_ms / 1000.0, 'unixepoch') AS updated
FROM batch b
JOIN job_state s ON s.state IN ('failed', 'refused') AND s.job_id > b.id * 1000000000
                AND s.job_id < (b.id + 1) * 1000000000 AND b.id = s.job_id / 1000000000
JOIN job_row r ON r.id = s.job_id
JOIN record_job k ON k.record_id = r.record_id AND k.job_id = r.id;

-- Rejected rows by what is wrong with them, counted in the transaction that rejects them: a night
-- can have millions. A row counts once for each field and rule that it breaks.
CREATE TABLE rejection_tally (
    batch_id INTEGER NOT NULL,
    field    TEXT NOT NULL,
    rule     TEXT NOT NULL,
    rows     INTEGER NOT NULL,
    PRIMARY KEY (batch_id, field, rule)
) STRICT, WITHOUT ROWID;

INSERT INTO rejection_tally (batch_id, field, rule, rows)
SELECT batch_id, field, rule, count(DISTINCT row_no) FROM violation GROUP BY batch_id, field, rule;

CREATE VIEW rejection_by_field AS
SELECT b.schema AS schema, t.field AS field, t.rule AS rule, sum(t.rows) AS rows
FROM rejection_tally t
JOIN batch b ON b.id = t.batch_id
GROUP BY b.schema, t.field, t.rule;

-- A record's rejected rows are part of its history. Like record_job, entered as one sorted run when
-- a batch has been read; rejection_id is what the id of a job would be.
CREATE TABLE record_rejection (
    record_id    TEXT NOT NULL,
    rejection_id INTEGER NOT NULL,
    PRIMARY KEY (record_id, rejection_id)
) STRICT, WITHOUT ROWID;

INSERT INTO record_rejection (record_id, rejection_id)
SELECT r.record_id, r.batch_id * 1000000000 + r.row_no
FROM rejected_row r
JOIN batch b ON b.id = r.batch_id AND b.state IN ('open', 'done')
WHERE r.record_id IS NOT NULL
ORDER BY 1, 2;

-- In the order in which the view counts.
CREATE INDEX server_violation_by_field
    ON server_violation (job_id / 1000000000, field, code, job_id);

CREATE VIEW server_rejection_by_field AS
SELECT b.schema AS schema, t.field AS field, t.code AS code, sum(t.rows) AS rows
FROM (SELECT job_id / 1000000000 AS batch_id, field, code, count(DISTINCT job_id) AS rows
      FROM server_violation
      GROUP BY job_id / 1000000000, field, code) t
JOIN batch b ON b.id = t.batch_id
GROUP BY b.schema, t.field, t.code;
