-- Targets of rows other than the guide's (docs/targets.md), and locks that are not versions.

-- NULL: the guide's, which needs no schema file when jobs are sent
ALTER TABLE batch ADD COLUMN target TEXT;

-- What an update carries beyond `version`, which is NULL where the token is not a whole number, or where there
-- is none.
ALTER TABLE rebase ADD COLUMN token TEXT;       -- of the lock, as it was read: JSON text, or a header field
ALTER TABLE rebase ADD COLUMN under TEXT;       -- what of the record goes back with the fields: a JSON object
ALTER TABLE rebase ADD COLUMN creates INTEGER NOT NULL DEFAULT 0; -- 1, 2: the record was not there, once or twice

-- The tokens of locks that are not versions: what was sent, and what the answer showed.
ALTER TABLE attempt ADD COLUMN sent_token TEXT;
ALTER TABLE job_state ADD COLUMN server_token TEXT;
