-- When a pause was set, so that one that was set by a clock that was ahead is not longer than intended. NULL:
-- by an earlier version.
ALTER TABLE pause ADD COLUMN set_ms INTEGER;
