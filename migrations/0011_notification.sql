-- What the platform reports about records, and its way to the ERP. The checks do without IN, for whose list SQLite
-- makes a temporary table with each row.

-- Each notification once. reason: why it is not accepted, or which job it is the echo of.
CREATE TABLE notification (
    id          INTEGER PRIMARY KEY,
    received_ms INTEGER NOT NULL,
    action      TEXT NOT NULL,
    schema      TEXT NOT NULL,      -- '' where the notification names none
    record_id   TEXT NOT NULL,
    body        TEXT NOT NULL,      -- JSON, as it came
    state       TEXT NOT NULL CHECK (state = 'accepted' OR state = 'not_accepted' OR state = 'echo'),
    reason      TEXT,
    same_key    BLOB NOT NULL,      -- 16 bytes: notifications that count as the same have the same
    modified_ms INTEGER NOT NULL,   -- modifiedTime; received_ms where there is none
    job_id      INTEGER             -- of an echo: the job that made the change; of an accepted
                                    -- notification: the job whose end decides whether it is an echo
) STRICT;

CREATE UNIQUE INDEX notification_same ON notification (same_key);
CREATE INDEX notification_by_record ON notification (record_id);
CREATE INDEX notification_echo ON notification (job_id) WHERE state = 'echo';
CREATE INDEX notification_waiting ON notification (job_id)
    WHERE job_id IS NOT NULL AND state = 'accepted';

-- The outbox: one row for each notification that goes to the ERP. Of a record's pending deliveries, only
-- the first has a time; the others (and one whose notification may still turn out to be an echo) wait.
CREATE TABLE outbox (
    id              INTEGER PRIMARY KEY,    -- of the notification
    state           TEXT NOT NULL CHECK (state = 'pending' OR state = 'delivered' OR state = 'failed'),
    attempts        INTEGER NOT NULL DEFAULT 0,
    attempts_before INTEGER NOT NULL DEFAULT 0, -- of these, before the last run that delivers began
    not_before_ms   INTEGER,                -- when due; NULL: waits, or is at its end
    http_status     INTEGER,                -- of the last answer
    error           TEXT,                   -- why the last attempt delivered nothing
    updated_ms      INTEGER NOT NULL
) STRICT;

CREATE INDEX outbox_open ON outbox (not_before_ms) WHERE state <> 'delivered';

CREATE VIEW delivery AS
SELECT id, id AS notification_id, state, attempts, not_before_ms, http_status, error, updated_ms
FROM outbox;

-- Counters, changed in the transaction that changes what they count. One row.
CREATE TABLE notification_tally (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    accepted     INTEGER NOT NULL,
    not_accepted INTEGER NOT NULL,
    echo         INTEGER NOT NULL,
    pending      INTEGER NOT NULL,          -- deliveries
    delivered    INTEGER NOT NULL,
    failed       INTEGER NOT NULL
) STRICT;

INSERT INTO notification_tally VALUES (1, 0, 0, 0, 0, 0, 0);

-- Notifications that have not reached the ERP.
CREATE VIEW undelivered AS
SELECT d.id AS notification_id,
       strftime('%Y-%m-%dT%H:%M:%fZ', n.received_ms / 1000.0, 'unixepoch') AS received,
       n.schema AS schema, n.record_id AS record_id, d.state AS state, d.attempts AS attempts,
       d.http_status AS http_status, d.error AS error
FROM outbox d
JOIN notification n ON n.id = d.id
WHERE d.state <> 'delivered';
