-- At the end: the ledger, and what the database (`found`) says of it. A line for each fault.
SELECT text FROM wrong;

SELECT 'the database says ' || coalesce(group_concat(state || ' ' || n, ', '), 'nothing') || '; asked for: '
       || (SELECT group_concat(kind || ' ' || n, ', ') FROM
              (SELECT kind, count(*) AS n FROM asked GROUP BY kind ORDER BY kind))
FROM (SELECT state, count(*) AS n FROM found.job GROUP BY state ORDER BY state)
HAVING coalesce(sum(n) FILTER (WHERE state = 'applied'), 0)
           <> (SELECT count(*) FROM asked WHERE kind = 'valid')
    OR coalesce(sum(n) FILTER (WHERE state = 'refused'), 0)
           <> (SELECT count(*) FROM asked WHERE kind = 'refused')
    OR coalesce(sum(n) FILTER (WHERE state = 'unchanged'), 0)
           <> (SELECT count(*) FROM asked WHERE kind = 'same')
    OR coalesce(sum(n) FILTER (WHERE state NOT IN ('applied', 'refused', 'unchanged')), 0) <> 0;

SELECT record_id || ' is known at version ' || version || ', which is not its last one'
FROM found.known_record k
WHERE version <> coalesce((SELECT max(version) FROM ledger l WHERE l.record_id = k.record_id), 1);

-- A read that shows less than the update carries is repeated, so that nearly always something is kept.
SELECT 'of ' || count(*) || ' updates, what was there before is not known of ' || count(*) FILTER (WHERE b.size IS NULL
       OR b.version <> j.server_version - 1)
FROM found.batch k JOIN found.job j ON j.batch_id = k.id AND j.state = 'applied'
LEFT JOIN found.before_update b ON b.job_id = j.id WHERE k.keeps_before
HAVING count(*) FILTER (WHERE b.size IS NULL OR b.version <> j.server_version - 1) * 20 > count(*);

SELECT 'rejected are ' || count(*) || ' rows'
FROM found.rejected_row JOIN found.batch ON id = batch_id WHERE state = 'done'
HAVING count(*) <> (SELECT count(*) FROM asked WHERE kind = 'rejected');

SELECT record_id || ' version ' || server_version || ' is ' || state || ', and not in the ledger'
FROM found.job j WHERE state = 'applied' AND NOT EXISTS
    (SELECT 1 FROM ledger l WHERE l.record_id = j.record_id AND l.version = j.server_version
                              AND l.correlation_id = j.correlation_id);

SELECT 'batch ' || b.batch_id || ' (' || b.source || ') is ' || b.state || ', filed at '
       || coalesce(filed_ms, 'no time')
FROM found.batch_summary b JOIN found.batch r ON r.id = b.batch_id
WHERE b.state NOT IN ('done', 'refused') OR filed_ms IS NULL
   OR b.rows_read <> b.rows_rejected + b.rows_discarded + b.jobs;

SELECT count(*) || ' applied jobs were not looked up in the audit log'
FROM found.job j WHERE state = 'applied' AND NOT EXISTS (SELECT 1 FROM found.audit WHERE job_id = j.id)
HAVING count(*) > 0;
