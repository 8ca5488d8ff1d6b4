-- What records hold, as far as it is known, of schemas with `version: known`: a row for each record. A row without
-- fields says that something has happened to the record since since_ms, and that it is unknown what. With a rowid, so
-- that records which are sent together are stored together.
CREATE TABLE known (
    schema    TEXT NOT NULL,
    record_id TEXT NOT NULL,
    version   INTEGER,              -- NULL: a notification reports fields and no version
    fields    TEXT,                 -- a JSON object
    seen_ms   INTEGER NOT NULL,     -- when it held them; by the server's clock after a notification
    since_ms  INTEGER NOT NULL,     -- what was asked for before this, by our clock, does not replace it
    source    TEXT NOT NULL CHECK (source = 'put' OR source = 'get' OR source = 'notification'),
    UNIQUE (schema, record_id)
) STRICT;

CREATE VIEW known_record AS
SELECT schema, record_id, version, fields, seen_ms, source FROM known WHERE fields IS NOT NULL;

-- so that a person can have rowferry forget records
CREATE TRIGGER known_record_forget INSTEAD OF DELETE ON known_record
BEGIN
    DELETE FROM known WHERE schema = OLD.schema AND record_id = OLD.record_id;
END;
