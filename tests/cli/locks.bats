# A database or a lock that somebody else holds: waited for, or status 7 or 8 with the holder's name.
load lib
load faults
. "$TOP/tests/crash/lib.bash"

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
    check kill.sql
    world_is_right
}

@test "lock: a drain whose lock file is deleted stops with 7, and the row counts stay right" {
    start_sim --latency-ms 200
    batch_file inbox/InventoryItem-a.csv 300
    ends 0 rowferry ingest inbox/InventoryItem-a.csv
    rowferry drain --rate 40/s >first.out 2>first &
    local first=$! status=0
    eventually ten_requests
    rm rowferry.db.drain
    run rowferry drain --rate 40/s
    wait "$first" || status=$?
    same 7 "$status"
    [[ $(cat first) == *"lock $PWD/rowferry.db.drain was deleted or replaced"* ||
        $(cat first) == *"was changed by another process while this one worked on it"* ]]
    run rowferry drain --rate none
    same "0 applied 300" "$status $(states)"
    ledger_agrees
    same "" "$(sql "SELECT batch_id FROM batch_tally WHERE applied <> 300 OR sending <> 0")"
}

ten_requests() {
    [ "$(wc -l <requests)" -ge 10 ]
}

@test "lock: an intake whose lock file is deleted stops with 7, and the file is read once" {
    batch_file inbox/InventoryItem-a.csv 300
    mkfifo rows
    rowferry ingest --schema InventoryItem --format csv - <rows >first.out 2>first &
    local first=$! status=0
    exec 9>rows
    eventually test -e rowferry.db.intake
    head -n 200 inbox/InventoryItem-a.csv >&9
    rm rowferry.db.intake
    sleep 1.1
    tail -n +201 inbox/InventoryItem-a.csv >&9
    exec 9>&-
    wait "$first" || status=$?
    same 7 "$status"
    holds "$(cat first)" "lock $PWD/rowferry.db.intake was deleted or replaced"
}

is_loading() {
    [ "$(sql "SELECT state FROM batch")" = loading ]
}

@test "lock: two intakes without their lock file end with 7, whoever of them finds out" {
    batch_file inbox/InventoryItem-a.csv 300
    batch_file InventoryItem-b.csv 5
    mkfifo rows
    rowferry ingest --schema InventoryItem --format csv - <rows >first.out 2>first &
    local first=$! status=0
    exec 9>rows
    head -n 200 inbox/InventoryItem-a.csv >&9
    eventually is_loading
    rm rowferry.db.intake
    # it cannot go on with standard input, and refuses that batch
    run -3 rowferry ingest InventoryItem-b.csv
    tail -n +201 inbox/InventoryItem-a.csv >&9
    exec 9>&-
    wait "$first" || status=$?
    same 7 "$status"
    # where a second has passed since it took the lock, it sees that the file is gone
    grep -qE 'batch 1 was changed by another process|was deleted or replaced' first
}

# A pipe that is quiet: the reading thread sees the signal before the main thread takes it.
stopped_at_a_pipe() {
    local command=$1 signal=$2 want=$3 status=0 pid
    mkfifo "pipe-$command-$signal"
    "$BIN/rowferry" "$command" --schema InventoryItem --format csv --json - \
        <"pipe-$command-$signal" >out 2>err &
    pid=$!
    exec 9>"pipe-$command-$signal"
    head -n 3 InventoryItem-a.csv >&9
    eventually waits_for_input "$pid"
    kill "-$signal" "$pid"
    wait "$pid" || status=$?
    exec 9>&-
    same "$command: $want" "$command: $status"
    holds "$(cat err)" "stopped by SIG$signal"
    holds "$(tail -n 1 out)" "\"exit_status\": $want"
}

# Process $1 has read what there was, and looks for signals.
waits_for_input() {
    grep -q signalfd <(ls -l "/proc/$1/fd" 2>/dev/null) && sleep 0.3
}

@test "a signal that comes while a pipe is quiet is the cause that is reported" {
    local command
    batch_file InventoryItem-a.csv 20
    for command in ingest validate; do
        stopped_at_a_pipe $command HUP 129
        stopped_at_a_pipe $command INT 130
        stopped_at_a_pipe $command TERM 143
    done
}
