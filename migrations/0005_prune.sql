-- Batches of which `prune` has left the batch itself, its counters and its hash.
--
-- Its rows are deleted a little at a time: from pruned_ms on the views show none of them, and from emptied_ms
-- on there are none.
--
-- batch.filing has more values from here on: 0 the file was named itself, 1 it was in an inbox, 2 in a
-- sub-folder of one, 3 in either, and was left there (--keep).

ALTER TABLE batch ADD COLUMN pruned_ms INTEGER;
ALTER TABLE batch ADD COLUMN emptied_ms INTEGER;
ALTER TABLE batch ADD COLUMN unfiled_ms INTEGER;  -- when `prune --files` deleted its file in done/

DROP VIEW job;
DROP VIEW batch_summary;
DROP VIEW rejection;
DROP VIEW failed_job;
DROP VIEW rejection_by_field;
DROP VIEW server_rejection_by_field;

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
LEFT JOIN job_state s ON s.job_id = r.id
WHERE b.pruned_ms IS NULL;

CREATE VIEW batch_summary AS
SELECT b.id AS batch_id, b.source, b.schema, b.state, b.rows_read, b.rows_rejected, b.rows_discarded,
       t.pending + t.sending + t.unknown + t.applied + t.unchanged + t.conflict + t.refused
           + t.failed + t.dismissed + t.cancelled AS jobs,
       t.pending, t.sending, t.unknown, t.applied, t.unchanged, t.conflict, t.refused, t.failed,
       t.dismissed, t.cancelled,
       strftime('%Y-%m-%dT%H:%M:%fZ', b.created_ms / 1000.0, 'unixepoch') AS started,
       strftime('%Y-%m-%dT%H:%M:%fZ', b.finished_ms / 1000.0, 'unixepoch') AS finished,
       strftime('%Y-%m-%dT%H:%M:%fZ', b.pruned_ms / 1000.0, 'unixepoch') AS pruned
FROM batch b
JOIN batch_tally t ON t.batch_id = b.id;

CREATE VIEW rejection AS
SELECT r.batch_id, b.source, r.row_no, r.line_no, r.record_id,
       (SELECT group_concat(CASE v.field WHEN '' THEN v.message ELSE v.field || ': ' || v.message END,
                            '; ')
        FROM violation v
        WHERE v.batch_id = r.batch_id AND v.row_no = r.row_no) AS messages
FROM rejected_row r
JOIN batch b ON b.id = r.batch_id
WHERE b.pruned_ms IS NULL;

CREATE VIEW failed_job AS
SELECT s.job_id AS job_id, b.id AS batch_id, s.job_id % 1000000000 AS row_no, b.schema AS schema,
       k.record_id AS record_id, s.state AS state, s.http_status AS http_status,
       s.error_code AS error_code, s.error_message AS error_message, s.attempts AS attempts,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.updated_ms / 1000.0, 'unixepoch') AS updated
FROM batch b
JOIN job_state s ON s.state IN ('failed', 'refused') AND s.job_id > b.id * 1000000000
                AND s.job_id < (b.id + 1) * 1000000000 AND b.id = s.job_id / 1000000000
JOIN job_row r ON r.id = s.job_id
JOIN record_job k ON k.record_id = r.record_id AND k.job_id = r.id
WHERE b.pruned_ms IS NULL;

CREATE VIEW rejection_by_field AS
SELECT b.schema AS schema, t.field AS field, t.rule AS rule, sum(t.rows) AS rows
FROM rejection_tally t
JOIN batch b ON b.id = t.batch_id
WHERE b.pruned_ms IS NULL
GROUP BY b.schema, t.field, t.rule;

CREATE VIEW server_rejection_by_field AS
SELECT b.schema AS schema, t.field AS field, t.code AS code, sum(t.rows) AS rows
FROM (SELECT job_id / 1000000000 AS batch_id, field, code, count(DISTINCT job_id) AS rows
      FROM server_violation
      GROUP BY job_id / 1000000000, field, code) t
JOIN batch b ON b.id = t.batch_id
WHERE b.pruned_ms IS NULL
GROUP BY b.schema, t.field, t.code;
