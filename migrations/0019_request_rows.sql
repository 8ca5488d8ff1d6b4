-- How many rows of a batch one request takes at most, for the number of requests that are left. NULL: one, or the
-- batch was read by an earlier version and it is not known.
ALTER TABLE batch ADD COLUMN request_rows INTEGER;
