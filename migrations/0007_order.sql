-- Jobs that a decision (`retry`, `resolve`) opened again after they had been at their end, until they
-- are at their end again. All other jobs were claimed only when nothing earlier of their record was
-- open, so that the order of a record's jobs is known from the job before.
CREATE TABLE reopened_job (
    record_id TEXT NOT NULL,
    job_id    INTEGER NOT NULL,
    PRIMARY KEY (record_id, job_id)
) STRICT, WITHOUT ROWID;

-- Which of the open jobs these are was not written down so far.
INSERT INTO reopened_job (record_id, job_id)
SELECT r.record_id, r.id
FROM job_state s
JOIN job_row r ON r.id = s.job_id
WHERE s.state IN ('pending', 'sending', 'unknown');
