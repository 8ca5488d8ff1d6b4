-- What the audit log of the API shows of applied jobs.

-- A job has a row as soon as there is a verdict: verified (the log has our update), missing (it has not,
-- though --audit-wait is over), mismatch (it has another update for our version). entry is the text of the
-- log's entry; NULL where it is missing. Only a job that is missing is looked up again.
CREATE TABLE audit (
    job_id     INTEGER PRIMARY KEY,
    verdict    TEXT NOT NULL CHECK (verdict = 'verified' OR verdict = 'missing' OR verdict = 'mismatch'),
    entry      TEXT,
    checked_ms INTEGER NOT NULL,
    run_id     INTEGER NOT NULL
) STRICT;

CREATE INDEX audit_open ON audit (job_id) WHERE verdict <> 'verified';

-- The audits of a batch, counted in the transaction that writes them. due: a drain was asked to look its
-- jobs up and has not finished; later runs go on. run_id: the run that looked last.
CREATE TABLE batch_audit (
    batch_id INTEGER PRIMARY KEY,
    due      INTEGER NOT NULL,
    run_id   INTEGER,
    verified INTEGER NOT NULL DEFAULT 0,
    missing  INTEGER NOT NULL DEFAULT 0,
    mismatch INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX batch_audit_due ON batch_audit (batch_id) WHERE due;
CREATE INDEX batch_audit_run ON batch_audit (run_id, batch_id);

CREATE VIEW audit_gap AS
SELECT a.job_id AS job_id, b.id AS batch_id, a.job_id % 1000000000 AS row_no, b.schema AS schema,
       k.record_id AS record_id, a.verdict AS verdict,
       strftime('%Y-%m-%dT%H:%M:%fZ', a.checked_ms / 1000.0, 'unixepoch') AS checked
FROM batch b
JOIN audit a ON a.verdict <> 'verified' AND a.job_id > b.id * 1000000000
            AND a.job_id < (b.id + 1) * 1000000000 AND b.id = a.job_id / 1000000000
JOIN job_row r ON r.id = a.job_id
JOIN record_job k ON k.record_id = r.record_id AND k.job_id = r.id
WHERE b.pruned_ms IS NULL;
