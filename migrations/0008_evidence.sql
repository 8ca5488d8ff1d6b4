-- What the assessment of evidence needs from one request to the next.

-- 1: a read-back showed no newer version than the one that was sent, and is repeated once, because a
-- read can lag.
ALTER TABLE job_state ADD COLUMN looks_again INTEGER NOT NULL DEFAULT 0;

ALTER TABLE arbitration ADD COLUMN was_there INTEGER NOT NULL DEFAULT 0;  -- 1: the record held our values
ALTER TABLE arbitration ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;       -- entries on the pages so far
ALTER TABLE arbitration ADD COLUMN page_hash INTEGER NOT NULL DEFAULT 0;  -- of the last page
ALTER TABLE arbitration ADD COLUMN entry_user TEXT;  -- who made the version, by an entry without an id
ALTER TABLE arbitration ADD COLUMN own_user TEXT;    -- who made updates of ours, by other entries

-- What the audit log has for the version after the one submitted: its entry; JSON's null where there
-- is none. NULL: it was not asked.
ALTER TABLE conflict ADD COLUMN audit_entry TEXT;
