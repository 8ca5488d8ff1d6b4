-- When a pause was set, so that one that a wrong clock has put into the future is no longer than it was
-- meant to be. NULL: by an earlier version.
ALTER TABLE pause ADD COLUMN set_ms INTEGER;
