-- After a kill, for targets with any lock: `found` is a copy of the database as the kill left it. A line for each
-- fault. `kind` of what was asked for is the lock.
CREATE TEMP TABLE sent AS
SELECT j.record_id, a.method, count(*) AS n
FROM found.attempt a JOIN found.job j ON j.id = a.job_id GROUP BY 1, 2;
CREATE INDEX temp.sent_record ON sent (record_id);

SELECT iif(method = 'GET', 'reads of ', 'writes of ') || record_id || ' reached the server ' || count(*)
       || ' times, with fewer attempts'
FROM (SELECT record_id, iif(kind IN ('get', 'read', 'lookup'), 'GET', 'PUT') AS method FROM request
      WHERE record_id IS NOT NULL) r
GROUP BY record_id, method
HAVING count(*) > coalesce((SELECT n FROM sent s WHERE (s.record_id, s.method) = (r.record_id, r.method)), 0);

SELECT sum(coalesce(rows, 1)) || ' rows reached the server in writes, with fewer attempts'
FROM request WHERE kind NOT IN ('get', 'read', 'lookup', 'token', 'audit')
HAVING sum(coalesce(rows, 1)) > (SELECT sum(n) FROM sent WHERE method = 'PUT');

SELECT 'job S-' || serial || ' of ' || record_id || ' is `' || state || '`, and the server never did that'
FROM (SELECT record_id, state, CAST(substr(fields ->> 'note', 3) AS INTEGER) AS serial FROM found.job) j
WHERE state IN ('applied', 'unchanged')
AND NOT EXISTS (SELECT 1 FROM ledger l WHERE (l.record_id, l.serial) = (j.record_id, j.serial));

SELECT 'row S-' || serial || ' of ' || record_id || ' was applied ' || count(*) || ' times, which its lock (' || kind
       || ') can prevent'
FROM ledger JOIN asked USING (record_id, serial) WHERE kind <> 'none' GROUP BY serial
HAVING count(*) > 1 AND (kind <> 'later' OR serial <> (SELECT serial FROM ledger l WHERE l.record_id = ledger.record_id ORDER BY seq LIMIT 1));

SELECT 'update ' || l.seq || ' of ' || l.record_id || ' was never asked for: ' || l.fields
FROM ledger l LEFT JOIN asked a USING (record_id, serial) WHERE a.serial IS NULL;

SELECT record_id || ': row S-' || serial || ' was applied after S-' || before FROM
    (SELECT record_id, serial, lag(serial) OVER (PARTITION BY record_id ORDER BY seq) AS before FROM ledger)
WHERE serial < before;
