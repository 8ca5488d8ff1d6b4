-- Batches and their rows, jobs and their states, and runs.
--
-- What intake writes (job_row, record_job, rejected_row, violation) is written once and never
-- updated; what changes is in narrow tables (job_state, batch_tally). A job's id is
-- BATCH * 1000000000 + ROW: 5000000812 is row 812 of batch 5.

CREATE TABLE run (
    id                  INTEGER PRIMARY KEY,
    command             TEXT NOT NULL,
    version             TEXT NOT NULL,
    started_ms          INTEGER NOT NULL,
    ended_ms            INTEGER,
    exit_status         INTEGER,
    requests            INTEGER NOT NULL DEFAULT 0,
    latency_avg_ms      REAL NOT NULL DEFAULT 0,
    latency_p50_ms      REAL NOT NULL DEFAULT 0,
    latency_p95_ms      REAL NOT NULL DEFAULT 0,
    latency_p99_ms      REAL NOT NULL DEFAULT 0,
    error_rate          REAL NOT NULL DEFAULT 0,
    validation_failures INTEGER NOT NULL DEFAULT 0,
    throttled           INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE batch (
    id              INTEGER PRIMARY KEY,
    source          TEXT NOT NULL,          -- as the user named it
    schema          TEXT NOT NULL,
    format          TEXT NOT NULL,
    content_hash    TEXT NOT NULL,          -- XXH3-128; '' until the end of standard input
    size_bytes      INTEGER NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('loading', 'open', 'done', 'refused')),
    reason          TEXT,                   -- why it was refused
    rows_read       INTEGER NOT NULL DEFAULT 0,
    rows_rejected   INTEGER NOT NULL DEFAULT 0,
    rows_discarded  INTEGER NOT NULL DEFAULT 0,
    created_ms      INTEGER NOT NULL,
    finished_ms     INTEGER,
    loaded_run_id   INTEGER NOT NULL,       -- the run that read it last
    finished_run_id INTEGER,                -- the run in which it became done or refused
    path            TEXT,                   -- absolute; NULL: standard input
    device          INTEGER NOT NULL,
    inode           INTEGER NOT NULL,
    mtime_ns        INTEGER NOT NULL,
    schema_hash     TEXT NOT NULL,
    options         TEXT NOT NULL,
    bytes_done      INTEGER NOT NULL DEFAULT 0,
    lines_done      INTEGER NOT NULL DEFAULT 0,
    prefix_hash     TEXT NOT NULL DEFAULT '',
    header          BLOB,                   -- a CSV header row, for the rejected file
    filing          INTEGER NOT NULL,       -- 1: from an inbox folder, to be moved after intake
    filed_ms        INTEGER
) STRICT;

CREATE INDEX batch_unfinished ON batch (id) WHERE state IN ('loading', 'open');
CREATE INDEX batch_by_schema ON batch (schema, id);

-- Counters, which change in the same transaction as the jobs that they count. Every job below next_job_id
-- has a row in job_state. The others have none: they are pending and were never claimed.
CREATE TABLE batch_tally (
    batch_id    INTEGER PRIMARY KEY,
    next_job_id INTEGER NOT NULL,
    pending     INTEGER NOT NULL DEFAULT 0,
    sending     INTEGER NOT NULL DEFAULT 0,
    unknown     INTEGER NOT NULL DEFAULT 0,
    applied     INTEGER NOT NULL DEFAULT 0,
    unchanged   INTEGER NOT NULL DEFAULT 0,
    conflict    INTEGER NOT NULL DEFAULT 0,
    refused     INTEGER NOT NULL DEFAULT 0,
    failed      INTEGER NOT NULL DEFAULT 0,
    dismissed   INTEGER NOT NULL DEFAULT 0,
    cancelled   INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE job_row (
    id        INTEGER PRIMARY KEY,
    line_no   INTEGER NOT NULL,
    record_id TEXT NOT NULL,
    version   INTEGER,
    fields    TEXT NOT NULL,
    tags      TEXT
) STRICT;

-- The index on record ids. It is entered as one sorted run when a batch has been read: an index of job_row
-- would be entered row by row, at random places, which costs many times as much.
CREATE TABLE record_job (
    record_id TEXT NOT NULL,
    job_id    INTEGER NOT NULL,
    PRIMARY KEY (record_id, job_id)
) STRICT, WITHOUT ROWID;

-- A job's current state; its row is inserted with the first claim.
CREATE TABLE job_state (
    job_id         INTEGER PRIMARY KEY,
    state          TEXT NOT NULL,
    attempts       INTEGER NOT NULL DEFAULT 0,  -- PUTs that may have been sent
    readbacks      INTEGER NOT NULL DEFAULT 0,  -- GETs without an answer, since the last that had one
    doubt          INTEGER NOT NULL DEFAULT 0,  -- 1: an earlier attempt may have been applied
    unsettled      INTEGER NOT NULL DEFAULT 0,  -- 1: failed, and a request may have been applied
    not_before_ms  INTEGER,                     -- when due; NULL: in hand, waiting, or final
    waits_for      INTEGER,                     -- an earlier job of the same record; 0: the next run
    run_id         INTEGER,                     -- the run that run_retries counts for
    run_retries    INTEGER NOT NULL DEFAULT 0,
    sent_version   INTEGER,
    server_version INTEGER,
    http_status    INTEGER,
    correlation_id BLOB,                        -- 16 bytes, stored before the first request
    error_code     TEXT,
    error_message  TEXT,
    updated_ms     INTEGER NOT NULL
) STRICT;

-- Due jobs by batch, so that the jobs of a parked batch are not read to find those of another.
CREATE INDEX job_due ON job_state (job_id / 1000000000, not_before_ms)
    WHERE state IN ('pending', 'unknown') AND not_before_ms IS NOT NULL;
CREATE INDEX job_waiting ON job_state (waits_for) WHERE waits_for IS NOT NULL;

CREATE TABLE rejected_row (
    batch_id  INTEGER NOT NULL,
    row_no    INTEGER NOT NULL,
    line_no   INTEGER NOT NULL,
    record_id TEXT,
    raw       BLOB NOT NULL,
    PRIMARY KEY (batch_id, row_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE violation (
    batch_id INTEGER NOT NULL,
    row_no   INTEGER NOT NULL,
    place    INTEGER NOT NULL,
    field    TEXT NOT NULL,
    rule     TEXT NOT NULL,
    message  TEXT NOT NULL,
    PRIMARY KEY (batch_id, row_no, place)
) STRICT, WITHOUT ROWID;

-- One request of a job. Its row exists before the request is sent; ended_ms NULL: nobody saw its end.
CREATE TABLE attempt (
    id                 INTEGER PRIMARY KEY,
    job_id             INTEGER NOT NULL,
    run_id             INTEGER NOT NULL,
    method             TEXT NOT NULL,
    started_ms         INTEGER NOT NULL,
    ended_ms           INTEGER,
    latency_us         INTEGER,
    sent_version       INTEGER,
    http_status        INTEGER,
    error              TEXT,
    evidence           TEXT,
    correlation_header TEXT
) STRICT;

CREATE INDEX attempt_by_job ON attempt (job_id);

CREATE TABLE conflict (
    id                INTEGER PRIMARY KEY,
    job_id            INTEGER NOT NULL,
    submitted_version INTEGER,
    server_version    INTEGER,
    server_record     TEXT,
    resolution        TEXT,
    detected_ms       INTEGER NOT NULL,
    resolved_ms       INTEGER
) STRICT;

CREATE INDEX conflict_by_job ON conflict (job_id);

CREATE TABLE server_violation (
    id      INTEGER PRIMARY KEY,
    job_id  INTEGER NOT NULL,
    field   TEXT NOT NULL,
    code    TEXT NOT NULL,
    message TEXT NOT NULL
) STRICT;

CREATE INDEX server_violation_by_job ON server_violation (job_id);

CREATE TABLE pause (
    scope         TEXT PRIMARY KEY,
    not_before_ms INTEGER NOT NULL,
    reason        TEXT NOT NULL,
    run_id        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row for each job, as soon as its batch is open. A WHERE on batch_id is a range of job_row's key, one
-- on record_id uses record_job, and one on id is a look-up.
CREATE VIEW job AS
SELECT r.id                                AS id,
       b.id                                AS batch_id,
       r.id % 1000000000                   AS row_no,
       r.line_no                           AS line_no,
       k.record_id                         AS record_id,
       r.version                           AS version,
       r.fields                            AS fields,
       r.tags                              AS tags,
       coalesce(s.state, 'pending')        AS state,
       coalesce(s.attempts, 0)             AS attempts,
       s.not_before_ms                     AS not_before_ms,
       CASE WHEN s.correlation_id IS NOT NULL THEN
           lower(substr(hex(s.correlation_id), 1, 8) || '-' || substr(hex(s.correlation_id), 9, 4)
               || '-' || substr(hex(s.correlation_id), 13, 4) || '-'
               || substr(hex(s.correlation_id), 17, 4) || '-'
               || substr(hex(s.correlation_id), 21)) END AS correlation_id,
       s.http_status                       AS http_status,
       s.sent_version                      AS sent_version,
       s.server_version                    AS server_version,
       s.error_code                        AS error_code,
       s.error_message                     AS error_message,
       coalesce(s.unsettled, 0)            AS unsettled,
       b.created_ms                        AS created_ms,
       coalesce(s.updated_ms, b.created_ms) AS updated_ms,
       b.schema                            AS schema,
       b.source                            AS source
FROM batch b
JOIN job_row r ON r.id > b.id * 1000000000 AND r.id < (b.id + 1) * 1000000000
              AND b.id = r.id / 1000000000
JOIN record_job k ON k.record_id = r.record_id AND k.job_id = r.id
LEFT JOIN job_state s ON s.job_id = r.id;

CREATE VIEW job_history AS
SELECT id AS job_id, batch_id, source, row_no, line_no, schema, record_id, version, sent_version,
       server_version, state, http_status, error_code, error_message, attempts, correlation_id,
       fields,
       strftime('%Y-%m-%dT%H:%M:%fZ', created_ms / 1000.0, 'unixepoch') AS created,
       strftime('%Y-%m-%dT%H:%M:%fZ', updated_ms / 1000.0, 'unixepoch') AS updated
FROM job;

CREATE VIEW batch_summary AS
SELECT b.id AS batch_id, b.source, b.schema, b.state, b.rows_read, b.rows_rejected, b.rows_discarded,
       t.pending + t.sending + t.unknown + t.applied + t.unchanged + t.conflict + t.refused
           + t.failed + t.dismissed + t.cancelled AS jobs,
       t.pending, t.sending, t.unknown, t.applied, t.unchanged, t.conflict, t.refused, t.failed,
       t.dismissed, t.cancelled,
       strftime('%Y-%m-%dT%H:%M:%fZ', b.created_ms / 1000.0, 'unixepoch') AS started,
       strftime('%Y-%m-%dT%H:%M:%fZ', b.finished_ms / 1000.0, 'unixepoch') AS finished
FROM batch b
JOIN batch_tally t ON t.batch_id = b.id;

CREATE VIEW run_summary AS
SELECT id AS run_id, command,
       strftime('%Y-%m-%dT%H:%M:%fZ', started_ms / 1000.0, 'unixepoch') AS started,
       strftime('%Y-%m-%dT%H:%M:%fZ', ended_ms / 1000.0, 'unixepoch') AS ended,
       exit_status, requests, latency_avg_ms, latency_p50_ms, latency_p95_ms, latency_p99_ms,
       error_rate, validation_failures, throttled
FROM run;

CREATE VIEW rejection AS
SELECT r.batch_id, b.source, r.row_no, r.line_no, r.record_id,
       (SELECT group_concat(CASE v.field WHEN '' THEN v.message ELSE v.field || ': ' || v.message END,
                            '; ')
        FROM violation v
        WHERE v.batch_id = r.batch_id AND v.row_no = r.row_no) AS messages
FROM rejected_row r
JOIN batch b ON b.id = r.batch_id;
