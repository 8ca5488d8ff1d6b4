-- Jobs that a decision (`retry`, `resolve`) opened again, until they are at their end again. All other jobs
-- were claimed only when nothing earlier of their record was open, so that the job before shows the order of
-- a record's jobs.
CREATE TABLE reopened_job (
    record_id TEXT NOT NULL,
    job_id    INTEGER NOT NULL,
    PRIMARY KEY (record_id, job_id)
) STRICT, WITHOUT ROWID;

-- room: record_job

-- So far nothing says which of the open jobs these are.
INSERT INTO reopened_job (record_id, job_id)
SELECT r.record_id, r.id
FROM job_state s
JOIN job_row r ON r.id = s.job_id
WHERE s.state IN ('pending', 'sending', 'unknown');
