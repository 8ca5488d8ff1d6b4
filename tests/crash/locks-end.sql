-- At the end, for targets with any lock: each row was applied, and the database says so.
CREATE TEMP TABLE ended AS
SELECT record_id, state, error_message, CAST(substr(fields ->> 'note', 3) AS INTEGER) AS serial FROM found.job;

SELECT 'row S-' || serial || ' of ' || record_id || ' (' || kind || ') is `applied`, and its row is not in the ledger'
FROM ended JOIN asked USING (record_id, serial)
WHERE state = 'applied' AND serial NOT IN (SELECT serial FROM ledger);

SELECT 'row S-' || serial || ' of ' || record_id || ' (' || kind || ') is `' || state || '`: ' || coalesce(error_message, '')
FROM ended JOIN asked USING (record_id, serial) WHERE state <> 'applied'
-- where an answer has no token, nothing shows that a read before it lagged
EXCEPT SELECT 'row S-' || serial || ' of ' || record_id || ' (' || kind || ') is `conflict`: ' || error_message
FROM ended JOIN asked USING (record_id, serial)
WHERE kind IN ('later', 'silent') AND error_message = 'the record has changed, and it is not known who did that';

SELECT 'asked for were ' || (SELECT count(*) FROM asked) || ' rows, and the database has ' || count(*)
FROM ended HAVING count(*) <> (SELECT count(*) FROM asked);

-- The only rows that may be applied twice: without a lock, a read-back that comes after --timeout decides.
SELECT 'of ' || count(*) || ' rows without a lock, ' || sum(times > 1) || ' were applied twice'
FROM (SELECT (SELECT count(*) FROM ledger l WHERE l.serial = asked.serial) AS times FROM asked WHERE kind IN ('none', 'later'))
HAVING sum(times > 1) > 2 + count(*) / 50;
