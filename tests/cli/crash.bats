# SIGKILL, and what else takes the ground from under a run: a full disk, a database that cannot be
# written, is locked, or is in use. tests/crash has the harness; its judge is the server's ledger.
load lib
. "$TOP/tests/crash/lib.bash"
. "$TOP/tests/crash/points.bash"

SEED=1

# SQLite waits 30 s for a lock. The runs that do so are started first and looked at last.
setup_file() {
    local name

    cd "$BATS_FILE_TMPDIR" || return 1
    for name in $(compgen -e | grep -E '^(ROWFERRY|GENESYS|GENESYSCLOUD|ERP)_' | grep -v ROWFERRY_BIN); do
        unset "$name"
    done
    world_begin locked-from-the-start 1
    feed 200 csv 0
    rowferry ingest inbox/InventoryItem-000001.csv 2>/dev/null
    hold_the_database
    end_later drain --rate none
    echo "$SIM" >sim
    cd ..
    world_begin locked-on-the-way 1
    feed 1000 csv
    end_later "${CRASH_RUN[@]}"
    eventually applied 50
    hold_the_database
    echo "$SIM" >sim
    export -p | grep GENESYS_ >settings
}

teardown_file() {
    local pid

    for pid in $(cat "$BATS_FILE_TMPDIR"/*/{sim,shell} 2>/dev/null); do
        kill "$pid" 2>/dev/null || true
    done
}

teardown() {
    [ ! -e shell ] || kill "$(cat shell)"
    world_end
    [ -z "${MOUNT:-}" ] || umount "$MOUNT"
}

applied() {
    [ "$(wc -l <ledger)" -ge "$1" ]
}

# An sqlite3 shell in a transaction, which reads SHELL_IN; its process id goes to the file `shell`.
hold_the_database() {
    mkfifo commands held
    sqlite3 rowferry.db <commands >held 2>&1 3>&- &
    echo $! >shell
    exec {SHELL_IN}>commands
    printf '.timeout 20000\nBEGIN IMMEDIATE;\nSELECT 1;\n' >&$SHELL_IN
    read -r <held
}

# rowferry in the background: its status goes to the fifo `ended`, what it says to `said`.
end_later() {
    mkfifo ended
    {
        local code=0

        rowferry "$@" >said 2>&1 || code=$?
        echo $code >ended
    } 3>&- &
}

small_disk() {
    MOUNT=$BATS_TEST_TMPDIR/disk
    mkdir "$MOUNT"
    mount -t tmpfs -o size="$1" tmpfs "$MOUNT" 2>/dev/null || {
        MOUNT=
        skip 'no right to mount a small file system'
    }
    DB=$MOUNT/rowferry.db
    export ROWFERRY_DB=$DB
}

@test "25 kills at random moments lose nothing and send nothing twice" {
    B=${BIN#"$TOP/"} KILLS=25 WORK=$BATS_TEST_TMPDIR/crash ends 0 "$TOP/tests/crash/run.sh" kills
    holds "$output" "crash: 25 kills in 1 rounds"
    printf '%s\n' "$output" | sed 's/^/# /' >&3
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

@test "the judge sees a row that is missing, doubled, in the wrong order, or never asked for" {
    world_begin world 1
    feed 200 csv
    world_is_right
    # both updates of a record that has two
    read -r record first second < <(sqlite3 -separator ' ' judge.db 'SELECT record_id, min(seq), max(seq)
        FROM ledger GROUP BY record_id HAVING count(*) = 2 LIMIT 1')
    cp judge.db good.db
    tampered "DELETE FROM ledger WHERE seq = $first" "of $record was applied 0 times"
    tampered "INSERT INTO ledger SELECT 9999, record_id, version + 1, version, correlation_id, fields, serial
        FROM ledger WHERE seq = $second" "of $record was applied 2 times"
    tampered "UPDATE ledger SET serial = (SELECT sum(serial) FROM ledger WHERE seq IN ($first, $second)) - serial
        WHERE seq IN ($first, $second)" "was applied after S-"
    tampered "UPDATE ledger SET fields = json_set(fields, '\$.price', 0.01) WHERE seq = $first" \
        "of $record was never asked for"
    tampered "UPDATE ledger SET submitted = 0 WHERE seq = $second" "$record: version 3 follows 2"
    cp good.db judge.db
    sed -i '1d' asked
    run judge end.sql
    holds "$output" "was never asked for"
}

# tampered SQL FAULT: with that done to the judge's book of the server, it says so
tampered() {
    cp good.db judge.db
    sqlite3 judge.db "$1"
    run judge end.sql
    same 1 "$status"
    holds "$output" "$2"
}

@test "the judge sees a request without an attempt, and a job that says more than is true" {
    world_begin world 1
    feed 50 csv
    world_is_right
    sqlite3 rowferry.db "DELETE FROM attempt WHERE id = 7"
    run judge kill.sql
    same 1 "$status"
    holds "$output" "reached the server 1 times, with fewer attempts"
    sqlite3 rowferry.db "UPDATE job_state SET server_version = 77 WHERE state = 'applied'"
    run judge kill.sql
    holds "$output" 'says `applied`, and the server never did that'
}

@test "a disk that fills up again and again on the way loses nothing" {
    local megabytes full=0

    small_disk 1m
    world_begin world 1
    world_faults "${CRASH_FAULTS[@]}"
    feed 1500 csv
    feed 1500 ndjson
    for megabytes in 1 2 3 4 5; do
        mount -o remount,size=${megabytes}m "$MOUNT"
        run --separate-stderr rowferry "${CRASH_RUN[@]}"
        [ "$status" -eq 8 ] || break
        full=$((full + 1))
        holds "$stderr" "free space on that disk, then run the same command again"
        judge kill.sql
    done
    [ "$full" -ge 2 ]
    # it was the drain that met the full disk, not the intake alone
    [ "$(wc -l <ledger)" -gt 0 ]
    [ "$(rows_left)" -gt 0 ]
    mount -o remount,size=64m "$MOUNT"
    world_is_right
}

@test "a disk that is full for all writes from some byte on loses nothing" {
    local bytes

    world_begin world 1
    world_faults "${CRASH_FAULTS[@]}"
    feed 1500 csv
    feed 1500 ndjson
    for bytes in 100000 700000 900000 400000; do
        # a sanitizer's library wants to be the first, and is not
        ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 FULL_DISK_AT=$bytes \
            LD_PRELOAD=$BIN/full_disk.so ends 8 "$BIN/rowferry" "${CRASH_RUN[@]}"
        holds "$stderr" "free space on that disk, then run the same command again"
        judge kill.sql
    done
    # it was the drain that met the full disk, not the intake alone
    [ "$(wc -l <ledger)" -gt 0 ]
    [ "$(rows_left)" -gt 0 ]
    world_is_right
}

@test "a database on a read-only file system ends 8 with what to do, and nothing is sent" {
    small_disk 8m
    world_begin world 1
    feed 20 csv 0
    ends 0 rowferry ingest inbox/InventoryItem-000001.csv
    mount -o remount,ro "$MOUNT"
    ends 8 rowferry drain --rate none
    holds "$stderr" "database $DB: open: unable to open database file: the file or its folder cannot be opened or written by this user"
    [ ! -s requests ]
    mount -o remount,rw "$MOUNT"
    ends 0 rowferry drain --rate none
    same 20 "$(wc -l <ledger)"
}

@test "a database that this user may not write ends 8 with what to do" {
    local as=()

    world_begin world 1
    feed 20 csv 0
    ends 0 rowferry ingest inbox/InventoryItem-000001.csv
    chmod 444 rowferry.db
    if [ "$(id -u)" -eq 0 ]; then
        as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
        chmod 755 "$BATS_RUN_TMPDIR" "$BATS_SUITE_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")" "$BATS_TEST_TMPDIR"
        chown -R 65534:65534 .
    fi
    ends 8 "${as[@]}" "$BIN/rowferry" drain --rate none
    holds "$stderr" "make the file and its folder writable for this user"
    [ ! -s requests ]
}

@test "a second drain at the same time ends 7 and names the run that has it" {
    world_begin world 1
    feed 2000 csv 0
    ends 0 rowferry ingest inbox/InventoryItem-000001.csv
    "$BIN/rowferry" drain --rate none >said 2>&1 3>&- &
    eventually applied 20
    ends 7 rowferry drain --rate none
    started=$(sqlite3 rowferry.db "SELECT started FROM run_summary WHERE run_id = 2")
    holds "$stderr" "another process is draining $PWD/rowferry.db (run 2, started $started, process $!): wait for it to end"
    ends 7 rowferry run inbox --min-age 0 --rate none
    holds "$stderr" "(run 2, started $started, process $!)"
    wait $!
    same 2000 "$(wc -l <ledger)"
    same 2000 "$(jq -r .correlation_id ledger | sort -u | wc -l)"
}

@test "a lock that is given up in time is waited for" {
    world_begin world 1
    feed 20 csv 0
    ends 0 rowferry ingest inbox/InventoryItem-000001.csv
    hold_the_database
    end_later drain --rate none
    # it has the database open, and gets no further
    eventually opened_by_another
    echo 'ROLLBACK;' >&$SHELL_IN
    read -r -t 60 status <>ended
    same 0 "$status"
    same 20 "$(wc -l <ledger)"
}

opened_by_another() {
    [ "$(find /proc/[0-9]*/fd -lname "$PWD/rowferry.db-shm" 2>/dev/null | cut -d / -f 3 | sort -u | wc -l)" -ge 2 ]
}

@test "a database that a shell holds for too long ends 8, and its process is named" {
    cd "$BATS_FILE_TMPDIR/locked-from-the-start"
    read -r -t 90 status <>ended
    cat said
    same 8 "$status"
    holds "$(cat said)" "database $PWD/rowferry.db: begin the run: database is locked: waited 30 seconds for process $(cat shell) (sqlite3); end its transaction, then run the same command again"
    [ ! -s requests ]
    kill "$(cat shell)"
    rm shell
}

@test "a database that is held amid a drain ends 8, and the next run puts things right" {
    cd "$BATS_FILE_TMPDIR/locked-on-the-way"
    read -r -t 90 status <>ended
    cat said
    same 8 "$status"
    holds "$(cat said)" "begin: database is locked: waited 30 seconds for process $(cat shell) (sqlite3); end its transaction"
    kill "$(cat shell)"
    rm shell
    . ./settings
    judge kill.sql
    world_is_right
}
