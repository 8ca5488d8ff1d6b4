-- What was asked for, and what the simulator saw and applied: the checks compare the database with it.
CREATE TABLE asked (serial INTEGER PRIMARY KEY, record_id TEXT, kind TEXT, fields TEXT);
CREATE TABLE request (seq INTEGER PRIMARY KEY, kind TEXT, record_id TEXT, version INTEGER,
    correlation_id TEXT, status INTEGER, fault TEXT, at_ms INTEGER, rows INTEGER);
CREATE TABLE ledger (seq INTEGER PRIMARY KEY, record_id TEXT, version INTEGER, submitted INTEGER,
    correlation_id TEXT, fields TEXT, serial INTEGER);
CREATE TABLE line (text TEXT);
CREATE INDEX request_put ON request (correlation_id, version) WHERE kind = 'put';
CREATE INDEX request_get ON request (record_id) WHERE kind = 'get';
CREATE INDEX ledger_record ON ledger (record_id, seq);
CREATE INDEX ledger_serial ON ledger (serial);
CREATE INDEX ledger_correlation ON ledger (correlation_id);

-- What went wrong in the ledger: a line each, none when all is well.
CREATE VIEW wrong AS
SELECT 'row S-' || serial || ' of ' || record_id || ' was applied '
       || (SELECT count(*) FROM ledger l WHERE l.serial = asked.serial) || ' times' AS text
FROM asked WHERE kind = 'valid' AND (SELECT count(*) FROM ledger l WHERE l.serial = asked.serial) <> 1
UNION ALL
SELECT 'update ' || l.seq || ' of ' || l.record_id || ' was never asked for: ' || l.fields
FROM ledger l LEFT JOIN asked a ON a.serial = l.serial AND a.kind = 'valid'
     AND a.record_id = l.record_id AND json(a.fields) = json(l.fields)
WHERE a.serial IS NULL
UNION ALL
SELECT record_id || ': version ' || version || ' follows ' || before FROM
    (SELECT record_id, version, submitted,
            lag(version, 1, 1) OVER (PARTITION BY record_id ORDER BY seq) AS before FROM ledger)
WHERE submitted <> before OR version <> before + 1
UNION ALL
SELECT record_id || ': row S-' || serial || ' was applied after S-' || before FROM
    (SELECT record_id, serial, lag(serial) OVER (PARTITION BY record_id ORDER BY seq) AS before
     FROM ledger)
WHERE serial < before;
