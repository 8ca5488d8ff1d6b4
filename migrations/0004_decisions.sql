-- What persons decide: jobs that are tried again, jobs that are withdrawn.
--
-- From here on a row of job_state may stand beyond batch_tally.next_job_id, where a job was sent ahead
-- of its batch because a later batch waits for it; and a batch that was emptied by `cancel` is done in
-- no run (finished_run_id NULL).

-- How many of the attempts came before the last decision: the ceiling over all runs counts from there.
ALTER TABLE job_state ADD COLUMN attempts_before INTEGER NOT NULL DEFAULT 0;
