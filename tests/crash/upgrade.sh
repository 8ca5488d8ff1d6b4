#!/bin/bash
# Upgrades of a database that earlier versions wrote, killed in place of one write after another and
# run again. `make test` runs it with a few jobs (tests/cli/upgrade.bats); at full size:
#
#   make PROFILE=debug all build/debug/full_disk.so
#   JOBS=5000000 FROM='2 14' SPREAD=1 tests/crash/upgrade.sh
#
#   B=build/debug     the programs
#   JOBS=200          jobs of the database, of which nine tenths have been sent
#   FROM='1 2 ...'    the versions that it had before (default: each one)
#   SPREAD=100        kills at writes N = 1, 2, ... and from SPREAD on N + N / SPREAD each; the process
#                     is killed until the upgrade needs fewer writes than N
#   WORK=FOLDER       where it works; deleted at the end if all went well
#
# After each kill the same command finishes; then the database is whole, has all rows that it had and
# is what an upgrade without a kill makes of it. A disk without enough room is noticed before
# anything is written, or with the database as it was.
set -eu -o pipefail
TOP=$(cd "$(dirname "$0")/../.." && pwd)
BIN=$(cd "$TOP/${B:-build/debug}" && pwd)
JOBS=${JOBS:-200}
SPREAD=${SPREAD:-100}
WORK=${WORK:-$TOP/build/upgrade}
MIGRATIONS=("$TOP"/migrations/*.sql)
export LC_ALL=C ROWFERRY_AUDIT=none

fail() {
    echo "upgrade: FAILED in $WORK: $*" >&2
    exit 1
}

# Makes full.db of the newest version: jobs in every state, attempts, conflicts, rejected rows.
make_full() {
    awk -v count="$JOBS" -f "$TOP/tests/bench/rows.awk" </dev/null >InventoryItem-1.csv
    awk -v count=$((JOBS / 50 + 2)) 'BEGIN {
        print "record_id,version,sku,quantity,price,status,warehouseLocation"
        for (i = 1; i <= count; i++) print "bad-" i ",1,WH-0001," (i % 2 ? "-1" : "x") ",1.00,active,A-01-01"
    }' >InventoryItem-2.csv
    "$BIN/rowferry" ingest -q --db full.db --schemas "$TOP/schema" InventoryItem-1.csv InventoryItem-2.csv >ingest.out 2>&1 ||
        [ $? -eq 3 ] || fail 'ingest'
    sqlite3 full.db >sql.out <<SQL
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -100000;
BEGIN;
CREATE TEMP TABLE sent AS
    SELECT id AS job_id, version, id % 1000000000 AS n FROM job_row WHERE id % 1000000000 <= $JOBS * 9 / 10;
INSERT INTO job_state (job_id, state, attempts, not_before_ms, sent_version, server_version, http_status,
                       correlation_id, updated_ms)
SELECT job_id, CASE n % 40 WHEN 0 THEN 'failed' WHEN 1 THEN 'conflict' WHEN 2 THEN 'pending' WHEN 3 THEN 'sending'
                           WHEN 4 THEN 'unknown' WHEN 5 THEN 'refused' ELSE 'applied' END,
       1, iif(n % 40 IN (2, 4), 0, NULL), version, version + 1, 200, randomblob(16), 1790000000000 + n FROM sent;
INSERT INTO attempt (job_id, run_id, method, started_ms, ended_ms, latency_us, sent_version, http_status)
SELECT job_id, 1, 'PUT', 1790000000000 + n, 1790000000010 + n, 10000, version, 200 FROM sent;
INSERT INTO attempt (job_id, run_id, method, started_ms, sent_version)
SELECT job_id, 1, 'PUT', 1790000000000 + n, version FROM sent WHERE n % 40 = 4;
INSERT INTO server_violation (job_id, field, code, message)
SELECT job_id, 'sku', 'INVALID', 'is not right' FROM sent WHERE n % 40 = 5;
INSERT INTO conflict (job_id, submitted_version, server_version, server_record, detected_ms)
SELECT job_id, version, version + 3, '{"version":4,"fields":{"sku":"WH-1"}}', 1790000000000 FROM sent WHERE n % 40 = 1;
INSERT INTO audit (job_id, verdict, checked_ms, run_id)
SELECT job_id, 'verified', 1790000000000, 1 FROM sent WHERE n % 40 > 5 AND n % 3 = 0;
UPDATE batch_tally SET
    next_job_id = (SELECT max(job_id) + 1 FROM sent),
    (applied, failed, conflict, sending, unknown, refused) =
        (SELECT sum(state = 'applied'), sum(state = 'failed'), sum(state = 'conflict'), sum(state = 'sending'),
                sum(state = 'unknown'), sum(state = 'refused') FROM job_state)
WHERE batch_id = 1;
UPDATE batch_tally SET pending = pending - applied - failed - conflict - sending - unknown - refused
WHERE batch_id = 1;
COMMIT;
SQL
}

# old_database VERSION: makes old.db, which has the first VERSION migrations, and of full.db what they have
# columns for
old_database() {
    local pragmas="PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -100000;"

    rm -f old.db*
    {
        echo "PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL; $pragmas"
        cat "${MIGRATIONS[@]:0:$1}"
        echo "PRAGMA user_version = $1; PRAGMA application_id = $((0x52665279));"
    } | sqlite3 old.db >sql.out
    sqlite3 old.db "ATTACH 'full.db' AS f" "
        SELECT 'INSERT OR REPLACE INTO main.' || t.name || ' (' || group_concat(c.name) || ') SELECT '
               || group_concat(c.name) || ' FROM f.' || t.name || ';'
        FROM main.sqlite_schema t
        JOIN pragma_table_info(t.name, 'main') c
        JOIN pragma_table_info(t.name, 'f') d ON d.name = c.name
        WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' GROUP BY t.name" >copy.sql
    {
        echo "ATTACH 'full.db' AS f; $pragmas BEGIN;"
        cat copy.sql
        echo 'COMMIT; PRAGMA main.journal_mode = WAL;'
    } | sqlite3 old.db >sql.out
}

# contents DATABASE REFERENCE: checksum of the rows of all tables and columns that both have
contents() {
    sqlite3 "$1" "ATTACH '$2' AS r" "
        SELECT 'SELECT ''' || t || ''', ' || group_concat(c) || ' FROM ' || t || ' ORDER BY 2, 3;'
        FROM (SELECT t.name AS t, c.name AS c
              FROM r.sqlite_schema t
              JOIN pragma_table_info(t.name, 'main') c
              JOIN pragma_table_info(t.name, 'r') d ON d.name = c.name
              WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.name, c.pk = 0, c.pk, c.name)
        GROUP BY t" |
        sqlite3 -bail -quote "$1" | cksum
}

upgrade() {
    # a sanitizer's library wants to be the first, and is not
    ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 LD_PRELOAD=$BIN/full_disk.so \
        "$BIN/rowferry" status --db new.db
}

# Puts a copy of old.db in the place of new.db.
begin_again() {
    rm -f new.db*
    cp old.db new.db
}

# check WHAT: new.db is whole, and what an upgrade without a kill has made
check() {
    [ "$(sqlite3 new.db 'PRAGMA user_version; PRAGMA integrity_check')" = "${#MIGRATIONS[@]}"$'\n'ok ] ||
        fail "$1: not whole, or not at the newest version"
    sqlite3 new.db 'SELECT type, name, sql FROM sqlite_schema ORDER BY 1, 2' | cmp - schema.upgraded ||
        fail "$1: another schema"
    [ "$(contents new.db new.db)" = "$(cat contents.upgraded)" ] || fail "$1: rows are not those of an upgrade without a kill"
}

# Upgrades once without a kill, and says what that took.
upgrade_once() {
    local peak=0 bytes begun

    begin_again
    begun=$EPOCHREALTIME
    upgrade >status.out &
    while kill -0 $! 2>/dev/null; do
        bytes=$({ stat -c %s new.db new.db-wal 2>/dev/null || true; } | awk '{ n += $1 } END { print n }')
        [ "$bytes" -le "$peak" ] || peak=$bytes
        sleep 0.02
    done
    wait $! || fail 'the upgrade'
    awk -v from="$begun" -v to="$EPOCHREALTIME" -v peak="$peak" -v old="$(stat -c %s old.db)" -v new="$(stat -c %s new.db)" \
        'BEGIN { printf "%.2f s, %.1f MB before, %.1f MB after, %.1f MB at most with the log", to - from, old / 1e6, new / 1e6, peak / 1e6 }'
    sqlite3 new.db 'SELECT type, name, sql FROM sqlite_schema ORDER BY 1, 2' >schema.upgraded
    contents new.db new.db >contents.upgraded
    [ "$(contents new.db old.db)" = "$(contents old.db new.db)" ] || fail 'rows are lost or changed'
    check 'without a kill'
}

# Kills the upgrade in place of its N-th write, for each N.
upgrade_killed() {
    local n status kills=0

    for ((n = 1; ; n += 1 + n / SPREAD)); do
        begin_again
        status=0
        KILL_AT_WRITE=$n upgrade >status.out 2>&1 || status=$?
        [ $status -eq 137 ] || break
        kills=$((kills + 1))
        upgrade >status.out || fail "after a kill at write $n"
        check "killed at write $n"
    done
    [ $status -eq 0 ] || fail "status $status at write $n"
    [ $kills -gt 3 ] || fail "only $kills kills"
    echo "; $kills kills"
}

rm -rf "$WORK"
mkdir -p "$WORK"
cd "$WORK"
make_full
for version in ${FROM:-$(seq 1 $((${#MIGRATIONS[@]} - 1)))}; do
    old_database "$version"
    printf 'from version %d: ' "$version"
    upgrade_once
    upgrade_killed
done
cd "$TOP"
rm -rf "$WORK"
