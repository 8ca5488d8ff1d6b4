-- What people decide: jobs that are tried again, jobs that are withdrawn.
--
-- From here on job_state can have rows beyond batch_tally.next_job_id: of jobs that were sent ahead of their
-- batch because a later batch waits for them. A batch that `cancel` emptied is done in no run
-- (finished_run_id NULL).

-- How many of the attempts came before the last decision: --max-attempts counts from there.
ALTER TABLE job_state ADD COLUMN attempts_before INTEGER NOT NULL DEFAULT 0;
