-- Takes the state out of the condition of the index of due jobs: only those have a time. An update of the state alone,
-- which is how most jobs end, no longer opens the index and compares words.
-- room: job_state

DROP INDEX job_due;
CREATE INDEX job_due ON job_state (job_id / 1000000000, not_before_ms) WHERE not_before_ms IS NOT NULL;
