-- At the end, for targets with any lock: each row was applied, and the database says so.
CREATE TEMP TABLE ended AS
SELECT record_id, state, error_message, CAST(substr(fields ->> 'note', 3) AS INTEGER) AS serial FROM found.job;

SELECT 'row S-' || serial || ' of ' || record_id || ' (' || kind || ') was never applied'
FROM asked WHERE serial NOT IN (SELECT serial FROM ledger);

SELECT 'row S-' || serial || ' of ' || record_id || ' is `' || state || '`: ' || coalesce(error_message, '')
FROM ended WHERE state <> 'applied';

SELECT 'asked for were ' || (SELECT count(*) FROM asked) || ' rows, and the database has ' || count(*)
FROM ended HAVING count(*) <> (SELECT count(*) FROM asked);
