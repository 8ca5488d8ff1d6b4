-- After a kill: `found` is a copy of the database as the kill left it. A line for each fault.
CREATE TEMP TABLE sent AS
SELECT j.record_id, j.correlation_id, a.method, a.sent_version, count(*) AS n
FROM found.attempt a JOIN found.job j ON j.id = a.job_id GROUP BY 1, 2, 3, 4;
CREATE INDEX temp.sent_put ON sent (correlation_id, sent_version);
CREATE INDEX temp.sent_get ON sent (record_id);

SELECT 'PUT of version ' || version || ' to ' || record_id || ' reached the server ' || count(*)
       || ' times, with fewer attempts'
FROM request r WHERE kind = 'put' GROUP BY record_id, correlation_id, version
HAVING count(*) > coalesce((SELECT sum(n) FROM sent s WHERE s.correlation_id = r.correlation_id
                            AND s.sent_version = r.version AND s.method = 'PUT'), 0);

SELECT 'GET of ' || record_id || ' reached the server ' || count(*) || ' times, with fewer attempts'
FROM request r WHERE kind = 'get' GROUP BY record_id
HAVING count(*) > coalesce((SELECT sum(n) FROM sent s WHERE s.record_id = r.record_id
                            AND s.method = 'GET'), 0);

SELECT 'job of ' || record_id || ' says `applied`, and the server never did that'
FROM found.job j WHERE state = 'applied' AND NOT EXISTS
    (SELECT 1 FROM ledger l WHERE l.record_id = j.record_id AND l.version = j.server_version);

-- Also in the middle of everything, what is known of a record is what it had at that version.
SELECT record_id || ' is known to have ' || fields || ' at version ' || version || ', and never had'
FROM found.known_record k WHERE iif(version = 1, json(fields) <> '{}', NOT EXISTS
    (SELECT 1 FROM ledger l WHERE l.record_id = k.record_id AND l.version = k.version
                              AND json(l.fields) = json(k.fields)));

-- What was kept before an update is what the record had at the version that the update carries.
SELECT 'job of ' || record_id || ' keeps ' || sqlar_uncompress(b.fields, b.size) || ' of version ' || b.version
       || ', and the record never had that then'
FROM found.before_update b JOIN found.job j ON j.id = b.job_id WHERE b.size IS NOT NULL
AND json(sqlar_uncompress(b.fields, b.size)) IS NOT iif(b.version = 1, '{}',
    (SELECT json(l.fields) FROM ledger l WHERE l.record_id = j.record_id AND l.version = b.version));

SELECT 'job of ' || record_id || ' is `unchanged`, and the record had other values'
FROM found.job j WHERE state = 'unchanged' AND NOT EXISTS
    (SELECT 1 FROM ledger l WHERE l.record_id = j.record_id AND l.version = j.server_version
                              AND l.serial = substr(j.fields->>'warehouseLocation', 3));

SELECT 'batch ' || batch_id || ': the row counts do not add up'
FROM found.batch_summary WHERE state IN ('open', 'done') AND rows_read <> rows_rejected + jobs;

SELECT 'batch ' || batch_id || ': its audits are counted wrong' FROM found.batch_audit u
WHERE (verified, missing, mismatch) IS NOT
    (SELECT count(*) FILTER (WHERE verdict = 'verified'), count(*) FILTER (WHERE verdict = 'missing'),
            count(*) FILTER (WHERE verdict = 'mismatch')
     FROM found.audit a WHERE a.job_id > u.batch_id * 1000000000 AND a.job_id < (u.batch_id + 1) * 1000000000);

-- Nobody else changes a record, and an entry without an id is ours where a PUT was answered.
SELECT 'job of ' || record_id || ' is ' || verdict || ' in the audit log, and the server did that by an update'
FROM found.audit a JOIN found.job j ON j.id = a.job_id
WHERE verdict = 'mismatch'
   OR verdict = 'missing' AND (SELECT method FROM found.attempt t WHERE t.job_id = j.id ORDER BY id DESC LIMIT 1) = 'PUT'
   OR NOT EXISTS (SELECT 1 FROM ledger l WHERE l.correlation_id = j.correlation_id);
