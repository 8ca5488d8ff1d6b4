# Copies of the database: complete, checked, private, made during a run, and put back.
load lib

teardown() {
    stop_sim
}

# database ROWS [MEGABYTES]: rowferry.db with a batch that waits, and so much that fills it
database() {
    batch_file InventoryItem-a.csv "$1"
    ends 0 rowferry ingest InventoryItem-a.csv
    [ -z "${2:-}" ] || sql "INSERT INTO rejected_row(batch_id, row_no, line_no, record_id, raw)
        SELECT 1, value + 100000, value + 100000, 'x', zeroblob(1000000) FROM generate_series(1, $2)"
}

# What is in a database, and in a copy
content() {
    sqlite3 -batch "$1" "SELECT (SELECT count(*) FROM job), (SELECT count(*) FROM attempt), (SELECT max(id) FROM run)"
}

# in_the_middle SIGNAL: sends it to a backup to copies/ as soon as that has begun to write
in_the_middle() {
    local pid status=0

    "$BIN/rowferry" backup copies/ 2>errors &
    pid=$!
    eventually compgen -G 'copies/*.tmp' >found
    kill "-$1" "$pid"
    wait "$pid" || status=$?
    return "$status"
}

@test "a backup needs a database and a place" {
    ends 2 rowferry backup
    holds "$stderr" "no file or folder is named: see rowferry backup --help"
    ends 2 rowferry backup copy.db --json
    holds "$stderr" "database rowferry.db does not exist"
    same "backup 2" "$(summary '"\(.command) \(.exit_status)"')"
    database 2
    ends 2 rowferry backup nowhere/
    same "rowferry: error: folder 'nowhere/' cannot be used: No such file or directory: create it, or name another" \
        "$stderr"
    ends 2 rowferry backup nowhere/copy.db
    ends 2 rowferry backup - >out
    same "rowferry: error: '-' is not a place for a copy, which is written to a file and checked there: name a file, or a folder that ends with /" \
        "$stderr"
    [ ! -e - ]
    ends 2 rowferry backup rowferry.db
    same "rowferry: error: '$PWD/rowferry.db' is the database itself: name another file" "$stderr"
    ends 2 rowferry backup schema/InventoryItem.json
    holds "$stderr" "is not a database of rowferry"
    ends 2 rowferry backup copy.db --keep 3
    same "rowferry: error: --keep needs a folder, and 'copy.db' is not one: name copy.db/" "$stderr"
    ends 2 rowferry backup copies/ --keep 0
    [ ! -e copy.db ]
}

@test "a file is written as a whole, for its owner alone, and replaced" {
    database 30
    umask 0
    ends 0 rowferry backup copy.db
    [[ $output == *" copied to $PWD/copy.db in "* ]]
    same "600 1" "$(stat -c '%a %h' copy.db)"
    same "$(content rowferry.db)" "$(content copy.db)"
    sql "DELETE FROM run"
    ends 0 rowferry backup copy.db
    holds "$output" "in place of the earlier copy"
    same "$(content rowferry.db)" "$(content copy.db)"
    ends 0 rowferry backup copy.db --json
    same "replaced $(stat -c %s copy.db) $PWD/copy.db" \
        "$(jq -r 'select(.message_type == "row") | "\(.outcome) \(.bytes) \(.file)"' <<<"$output")"
    same 0 "$(summary .exit_status)"
    ends 0 rowferry backup -q copy.db
    same "" "$output$stderr"
    same "" "$(find . -name 'copy.db?*')"
}

@test "a folder gets copies with their time, of which the newest are kept" {
    local i

    database 3
    mkdir copies
    ends 0 rowferry backup copies/rowferry-2020-01-01T000000Z.db
    ends 0 rowferry backup copies/rowferry-2020-02-30T000000Z.db
    touch copies/rowferry-2026.db copies/other-2020-01-01T000000Z.db copies/rowferry-2020-01-02T000000Z.db
    for i in 1 2 3; do
        ends 0 rowferry backup copies
    done
    same 6 "$(ls copies | grep -cE '^rowferry-[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{6}Z(-[23])?\.db$')"
    ends 0 rowferry backup copies/ --keep 2
    holds "$output" "; deleted 3 old copies"
    same 6 "$(ls copies | wc -l)"
    ends 0 rowferry backup copies/ --keep 1 --json
    same "written deleted deleted" \
        "$(jq -r 'select(.message_type == "row") | .outcome' <<<"$output" | paste -sd ' ')"
    # what no backup wrote stays: an impossible date, and a file that is not a database
    same "other-2020-01-01T000000Z.db rowferry-2020-01-02T000000Z.db rowferry-2020-02-30T000000Z.db rowferry-2026.db" "$(ls copies | grep -v -- "-$(date -u +%Y)-" | paste -sd ' ')"
    ends 0 rowferry backup copies/ --every 1h
    holds "$stderr" "nothing to do: the newest copy in '$PWD/copies' is "
    same 5 "$(ls copies | wc -l)"
    sleep 1.1
    ends 0 rowferry backup copies/ --every 1s
    same 6 "$(ls copies | wc -l)"
}

@test "a backup neither changes nor upgrades the database" {
    database 3
    sql "PRAGMA user_version = 3; PRAGMA wal_checkpoint(TRUNCATE)" >checkpoint
    cp rowferry.db before.db
    ends 0 rowferry backup copy.db
    cmp before.db rowferry.db
    same 3 "$(sqlite3 copy.db 'PRAGMA user_version')"
    sql "PRAGMA user_version = 3000"
    ends 8 rowferry backup copy.db
    holds "$stderr" "was written by a newer rowferry"
    same 3 "$(sqlite3 copy.db 'PRAGMA user_version')"
}

@test "a damaged database is found, and the earlier copy stays" {
    database 300
    ends 0 rowferry backup copy.db
    cp copy.db before.db
    sql "PRAGMA wal_checkpoint(TRUNCATE)" >checkpoint
    dd if=/dev/zero of=rowferry.db bs=4096 seek=7 count=3 conv=notrunc status=none
    ends 8 rowferry backup copy.db
    cmp before.db copy.db
    same "" "$(find . -name '*.tmp')"
}

@test "a disk that is full on the way leaves the earlier copy, and nothing else" {
    local bytes

    database 3000
    ends 0 rowferry backup copy.db
    cp copy.db before.db
    [ "$(stat -c %s rowferry.db)" -gt 300000 ]
    for bytes in 100000 200000; do
        ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 FULL_DISK_AT=$bytes \
            LD_PRELOAD=$BIN/full_disk.so ends 8 "$BIN/rowferry" backup copy.db
        holds "$stderr" "cannot write $PWD/copy.db."
        holds "$stderr" "free space there, or name another file"
        cmp before.db copy.db
        same "" "$(find . -name '*.tmp')"
    done
}

@test "a signal in the middle leaves nothing, and what a kill left is deleted by the next" {
    database 3 100
    mkdir copies
    run in_the_middle TERM
    same 143 "$status"
    same "" "$(ls copies)"
    run in_the_middle KILL
    same 137 "$status"
    [[ $(ls copies) == rowferry.*.tmp ]]
    ends 0 rowferry backup copies/
    [[ $(ls copies) == rowferry-*Z.db ]]
}

@test "the bar shows how far a copy is" {
    needs_a_terminal
    database 3 120
    # it is stopped in the middle for longer than the bar stays as it is
    cat >watched <<'END'
"$BIN/rowferry" backup copy.db &
until compgen -G 'copy.db.*.tmp'; do :; done
kill -STOP $!
sleep 0.4
kill -CONT $!
wait $!
END
    TERM=xterm BIN=$BIN script -qec "stty cols 80 rows 24; bash watched" typescript >screen
    grep -aqE '\[#*\.*\] +[0-9]+%  [0-9.]+ [kM]B of 12[0-9] MB' screen
}

@test "a copy that is put next to the log of another database is refused" {
    database 3
    ends 0 rowferry backup copy.db
    sqlite3 rowferry.db "INSERT INTO run(command, version, started_ms) VALUES('run', 'x', 1)" \
        '.shell cp rowferry.db-wal kept-wal'
    [ -s kept-wal ]
    cp copy.db rowferry.db
    cp kept-wal rowferry.db-wal
    ends 8 rowferry status
    holds "$stderr" "rowferry.db is a copy, and $PWD/rowferry.db-wal is of the database that was there before"
    ends 8 rowferry backup other.db
    rm rowferry.db-wal
    ends 0 rowferry status
    same "$(content copy.db)" "$(content rowferry.db)"
    ends 0 rowferry status # in WAL mode now
}
