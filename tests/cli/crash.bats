# SIGKILL at every moment. tests/crash has the harness; the server's ledger decides.
load lib
. "$TOP/tests/crash/lib.bash"
. "$TOP/tests/crash/points.bash"
. "$TOP/tests/crash/locks.bash"

SEED=1

teardown() {
    world_end
}

@test "25 kills at random moments lose nothing and send nothing twice" {
    B=${BIN#"$TOP/"} KILLS=25 ROUND=13 WORK=$BATS_TEST_TMPDIR/crash ends 0 "$TOP/tests/crash/run.sh" kills
    holds "$output" "crash: 25 kills in 2 rounds"
    printf '%s\n' "$output" | sed 's/^/# /' >&3
}

@test "5 kills with keepBefore keep what the server had before each update" {
    B=${BIN#"$TOP/"} KILLS=5 KEEP=1 WITHOUT=heads WORK=$BATS_TEST_TMPDIR/crash ends 0 "$TOP/tests/crash/run.sh" kills
    holds "$output" "crash: 5 kills in 1 rounds"
}

@test "5 kills with targets of every kind of lock lose nothing, and send nothing twice that a lock can prevent" {
    B=${BIN#"$TOP/"} LOCK_ROWS=8 KILLS=40 SEED=7 WORK=$BATS_TEST_TMPDIR/crash ends 0 "$TOP/tests/crash/run.sh" locks
    holds "$output" "crash: targets with every kind of lock were killed 5 times"
}

@test "the checks of locks see a row that is missing, twice, in the wrong order, or not what its job says" {
    world_begin world 1 --records <(lock_seeds) "${LOCK_SIM[@]}"
    lock_schemas
    feed_locks 12
    CRASH_RUN=("${LOCK_RUN[@]}")
    run_to_the_end || { cat out; false; }
    check locks.sql && check locks-end.sql
    cp witness.db good.db
    read -r record first second < <(sqlite3 -separator ' ' witness.db "SELECT record_id, min(seq), max(seq)
        FROM ledger WHERE record_id LIKE 'Body-%' GROUP BY record_id HAVING count(*) = 2 LIMIT 1")
    tampered_lock locks-end.sql "DELETE FROM ledger WHERE seq = $first" "of $record (body) is \`applied\`, and its row is not in the ledger"
    tampered_lock locks.sql "DELETE FROM ledger WHERE seq = $first" 'is `applied`, and the server never did that'
    tampered_lock locks.sql "INSERT INTO ledger SELECT 9999, record_id, version, submitted, correlation_id, fields, serial
        FROM ledger WHERE seq = $second" "of $record was applied 2 times, which its lock (body) can prevent"
    tampered_lock locks.sql "UPDATE ledger SET serial = (SELECT sum(serial) FROM ledger WHERE seq IN ($first, $second)) - serial
        WHERE seq IN ($first, $second)" "$record: row S-"
    tampered_lock locks.sql "INSERT INTO ledger SELECT 9999, 'X', version, submitted, correlation_id, fields, serial
        FROM ledger WHERE seq = $second" "of X was never asked for"
    sqlite3 rowferry.db "DELETE FROM attempt WHERE id IN (SELECT max(a.id) FROM attempt a
        JOIN job j ON j.id = job_id WHERE record_id LIKE 'Body-%' GROUP BY a.method)"
    cp good.db witness.db
    run check locks.sql
    holds "$output" 'writes of '
    holds "$output" 'reads of '
}

# tampered_lock CHECK SQL FAULT: with that done to witness.db, the check reports the fault
tampered_lock() {
    cp good.db witness.db
    sqlite3 witness.db "$2"
    run check "$1"
    same 1 "$status"
    holds "$output" "$3"
}

@test "every crash point is reached, and the run after it puts things right" {
    needs_crash_points
    B=${BIN#"$TOP/"} WORK=$BATS_TEST_TMPDIR/crash ends 0 "$TOP/tests/crash/run.sh" points
    holds "$output" "crash points, each reached, killed at, and put right"
}

@test "kills between claim and request use up no attempts" {
    local passage

    needs_crash_points
    world_begin world 1
    feed 1 csv 0
    # from the second run on: a read-back, then the update
    for passage in 1 2 2 2; do
        crash_at claims-taken $passage --max-attempts 3 || return
        same 1 "$(sqlite3 rowferry.db "SELECT count(*) FROM job WHERE state = 'sending'")"
    done
    same 0 "$(grep -c '"kind":"put"' requests)"
    ends 0 rowferry "${CRASH_RUN[@]}" --max-attempts 3
    same 'applied|1' "$(sqlite3 rowferry.db 'SELECT state, attempts FROM job')"
    same "4|rowferry was killed before it started this request" "$(sqlite3 rowferry.db "SELECT count(*), error
        FROM attempt WHERE method = 'PUT' AND http_status IS NULL GROUP BY error")"
    world_is_right
}

@test "the build that is shipped cannot be killed through its environment, the others can" {
    local status_expected=137

    [ "$(basename "$BIN")" != release ] || status_expected=0
    world_begin world 1
    feed 10 csv 0
    ROWFERRY_CRASH=batch-opened ends $status_expected rowferry "${CRASH_RUN[@]}"
}

@test "the checks see a row that is missing, doubled, in the wrong order, or never asked for" {
    world_begin world 1
    feed 200 csv
    world_is_right
    # both updates of a record that has two
    read -r record first second < <(sqlite3 -separator ' ' witness.db 'SELECT record_id, min(seq), max(seq)
        FROM ledger GROUP BY record_id HAVING count(*) = 2 LIMIT 1')
    cp witness.db good.db
    tampered "DELETE FROM ledger WHERE seq = $first" "of $record was applied 0 times"
    tampered "INSERT INTO ledger SELECT 9999, record_id, version + 1, version, correlation_id, fields, serial
        FROM ledger WHERE seq = $second" "of $record was applied 2 times"
    tampered "UPDATE ledger SET serial = (SELECT sum(serial) FROM ledger WHERE seq IN ($first, $second)) - serial
        WHERE seq IN ($first, $second)" "was applied after S-"
    tampered "UPDATE ledger SET fields = json_set(fields, '\$.price', 0.01) WHERE seq = $first" \
        "of $record was never asked for"
    tampered "UPDATE ledger SET submitted = 0 WHERE seq = $second" "$record: version 3 follows 2"
    cp good.db witness.db
    sed -i '1d' asked
    run check end.sql
    holds "$output" "was never asked for"
}

# tampered SQL FAULT: with that done to witness.db, the checks report the fault
tampered() {
    cp good.db witness.db
    sqlite3 witness.db "$1"
    run check end.sql
    same 1 "$status"
    holds "$output" "$2"
}

@test "the checks see a request without an attempt, and a job that says more than is true" {
    world_begin world 1
    feed 50 csv
    world_is_right
    sqlite3 rowferry.db "DELETE FROM attempt WHERE id = 7"
    run check kill.sql
    same 1 "$status"
    holds "$output" "reached the server 1 times, with fewer attempts"
    sqlite3 rowferry.db "UPDATE job_state SET server_version = 77 WHERE state = 'applied'"
    run check kill.sql
    holds "$output" 'says `applied`, and the server never did that'
}

@test "the checks see something kept that was not there, and too little that was kept" {
    world_begin world 1
    world_keeps
    feed 60 csv 0
    world_is_right
    cp rowferry.db good.db
    kept_wrong "UPDATE before_update SET fields = CAST('{\"a\":1}' AS BLOB), size = 7 WHERE version > 1" kill.sql \
        'keeps {"a":1} of version 2'
    kept_wrong "UPDATE before_update SET version = version + 1" kill.sql ', and the record never had that then'
    kept_wrong "DELETE FROM before_update WHERE job_id % 3 = 0" end.sql 'what was there before is not known of '
}

# kept_wrong SQL CHECK FAULT: with that done to the database, the check reports the fault
kept_wrong() {
    rm -f rowferry.db-wal rowferry.db-shm
    cp good.db rowferry.db
    sqlite3 rowferry.db "$1"
    run check "$2"
    same 1 "$status"
    holds "$output" "$3"
}

@test "the checks see something known that never was, that is old, and a row that was skipped wrongly" {
    world_begin world 1
    world_knows
    feed 150 csv
    feed 250 ndjson
    world_is_right
    [ "$(sqlite3 rowferry.db "SELECT count(*) FROM job WHERE state = 'unchanged'")" -gt 3 ]
    copy_database
    cp copy.db good.db
    knows_wrong "UPDATE known SET version = version + 1" kill.sql 'is known to have {'
    knows_wrong "UPDATE known SET fields = json_set(fields, '\$.quantity', -1)" kill.sql ', and never had'
    knows_wrong "UPDATE known SET version = 1, fields = '{}'" end.sql 'which is not its last one'
    knows_wrong "UPDATE job_state SET server_version = 1 WHERE state = 'unchanged'" kill.sql \
        'is `unchanged`, and the record had other values'
}

# knows_wrong SQL CHECK FAULT: with that done to the database, the check reports the fault
knows_wrong() {
    rm -f rowferry.db*
    cp good.db rowferry.db
    sqlite3 rowferry.db "$1"
    run check "$2"
    same 1 "$status"
    holds "$output" "$3"
}
