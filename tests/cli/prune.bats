# Old batches are pruned, with their files in done/; open and undecided batches stay, and a drain that
# works meanwhile is not disturbed.
load lib

teardown() {
    [ -z "${SHELL_PID:-}" ] || kill "$SHELL_PID" 2>/dev/null || true
    stop_sim
}

# night ROWS [LETTER]: loads a file of the inbox and sends it
night() {
    batch_file "inbox/InventoryItem-${2:-a}.csv" "$1" "${2:-A}"
    ends 0 rowferry run inbox --min-age 0 --rate none
}

applied() {
    [ "$(wc -l <ledger)" -ge "$1" ]
}

# left: for each batch its rows in any table, and whether it counts as pruned
left() {
    sql "SELECT b.id, (SELECT count(*) FROM job_row WHERE id / 1000000000 = b.id)
             + (SELECT count(*) FROM attempt WHERE job_id / 1000000000 = b.id)
             + (SELECT count(*) FROM rejected_row WHERE batch_id = b.id), pruned_ms IS NOT NULL
         FROM batch b"
}

@test "an age and a database are required" {
    ends 2 rowferry prune
    same "rowferry: error: no age is given: use --older-than 90d; see rowferry prune --help" "$stderr"
    ends 2 rowferry prune --older-than 90d
    holds "$stderr" "database rowferry.db does not exist"
    ends 2 rowferry prune --older-than soon
    holds "$stderr" "soon"
}

@test "a dry run shows what would be pruned, and changes nothing" {
    start_sim
    night 30
    sql .dump >before
    ends 0 rowferry prune --older-than 0s --files --dry-run
    same "  BATCH  FINISHED                    ROWS  FILE
      1  TIME          30  inbox/InventoryItem-a.csv

files:
$PWD/inbox/done/InventoryItem-a.csv

1 batch would be pruned, with 30 rows and 1 file" "$(sed -E 's/[0-9-]{10}T[0-9:]{8}Z/TIME/' <<<"$output")"
    ends 0 rowferry prune --older-than 0s --files --dry-run --json
    same '1 would_prune null 30
1 would_delete null null' "$(jq -r 'select(.message_type == "row") | "\(.batch) \(.outcome) \(.reason) \(.rows)"' <<<"$output")"
    same prune "$(summary .command)"
    diff before <(sql .dump)
    [ -e inbox/done/InventoryItem-a.csv ]
    ends 0 rowferry prune --older-than 1h --dry-run
    same "0 batches would be pruned, with 0 rows" "$output"
}

@test "nothing is pruned without confirmation" {
    start_sim
    night 30
    ends 2 rowferry prune --older-than 0s
    holds "$stderr" "cannot ask 'prune 1 batch with 30 jobs?' without a terminal: use --yes"
    same "1|60|0" "$(left)"
    ends 0 rowferry prune --older-than 0s --yes
    holds "$output" "1 batch pruned, 30 rows"
    holds "$output" "rowferry.db: "
    same "1|0|1" "$(left)"
    [ -e inbox/done/InventoryItem-a.csv ]
    ends 0 rowferry prune --older-than 0s
    holds "$output" "0 batches pruned, 0 rows"
    ends 0 rowferry prune --older-than 0s -q
    same "" "$output"
}

@test "open and undecided batches stay, and are listed with what to do" {
    start_sim
    batch_file InventoryItem-c.csv 3 C
    for record in C-1 C-2 C-3; do
        someone_else $record '{"sku":"XX-0001"}'
    done
    ends 3 rowferry run InventoryItem-c.csv --rate none
    batch_file InventoryItem-o.csv 2 O
    ends 0 rowferry ingest InventoryItem-o.csv
    same "1|done
2|open" "$(sql 'SELECT id, state FROM batch')"
    ends 0 rowferry prune --older-than 0s --yes
    holds "$output" "batch 1 stays: 3 conflicts wait for a decision (--ours or --theirs):
  $BIN/rowferry resolve --batch 1 --ours --dry-run"
    holds "$output" "0 batches pruned, 0 rows; 1 batch stays"
    ends 0 rowferry prune --older-than 0s --yes --json
    same "1 stays conflict 3" \
        "$(jq -r 'select(.message_type == "row") | "\(.batch) \(.outcome) \(.reason) \(.conflicts)"' <<<"$output")"
    ends 0 rowferry resolve --theirs --batch 1 --yes
    ends 0 rowferry prune --older-than 0s --yes --db rowferry.db
    same "1|0|1
2|2|0" "$(left)"
}

@test "a batch whose updates are still to be looked up in the audit log stays" {
    export ROWFERRY_AUDIT=all
    start_sim
    batch_file InventoryItem-a.csv 2
    curl -sf -X POST "$GENESYS_ENVIRONMENT/sim/config?answer=audit:A-=500"
    ends 5 rowferry run InventoryItem-a.csv --rate none --audit-wait 1s --max-retries 0
    ends 0 rowferry prune --older-than 0s --yes
    holds "$output" "batch 1 stays: its updates are still to be looked up in the audit log (or prune with --audit none):
  $BIN/rowferry audit --batch 1"
    ends 0 rowferry prune --older-than 0s --yes --json
    same "1 stays audit" \
        "$(jq -r 'select(.message_type == "row") | "\(.batch) \(.outcome) \(.reason)"' <<<"$output")"
    ends 0 rowferry prune --older-than 0s --dry-run --audit none
    lacks "$output" stays
    curl -sf -X POST "$GENESYS_ENVIRONMENT/sim/config?answer=audit:A-=0"
    ends 0 rowferry audit --rate none
    ends 0 rowferry prune --older-than 0s --yes
    same "1|0|1" "$(left)"
}

@test "files in done/ are deleted with the files next to them, if they did not change" {
    start_sim
    batch_file inbox/InventoryItem-a.csv 5
    echo A-bad,x,WH-1042,1,1.50,active >>inbox/InventoryItem-a.csv
    batch_file inbox/InventoryItem-b.csv 5 B
    batch_file inbox/InventoryItem-c.csv 5 C
    touch -d '1 hour ago' inbox/*
    ends 3 rowferry run inbox --min-age 0 --rate none
    echo fixed >>inbox/done/InventoryItem-b.csv
    rm inbox/done/InventoryItem-c.csv
    ends 0 rowferry prune --older-than 0s --files --yes
    holds "$output" "3 batches pruned, 16 rows and 1 file"
    holds "$stderr" "'$PWD/inbox/done/InventoryItem-b.csv' was changed after it was filed, and is kept"
    same InventoryItem-b.csv "$(ls inbox/done)"
}

@test "all files of one name are deleted, and the dry run lists the same" {
    local night

    start_sim
    for night in 1 2 3 4 5; do
        batch_file inbox/InventoryItem-a.csv 5 N$night
        ends 0 rowferry run inbox --min-age 0 --rate none
    done
    batch_file inbox/InventoryItem-a.csv 5 N5 # known
    ends 0 rowferry run inbox --min-age 0 --rate none
    same 6 "$(find inbox/done -type f | wc -l)"
    mv inbox/done/InventoryItem-a.3.csv inbox/done/kept.csv
    echo mine >inbox/done/InventoryItem-a.3.csv
    ends 0 rowferry prune --older-than 0s --files --dry-run --json
    rehearsed=$(jq -r 'select(.file) | "\(.batch) \(.file | sub(".*/"; ""))"' <<<"$output")
    same "1 InventoryItem-a.csv
2 InventoryItem-a.2.csv
3 kept.csv
4 InventoryItem-a.4.csv
5 InventoryItem-a.5.csv
5 InventoryItem-a.5.2.csv" "$rehearsed"
    ends 0 rowferry prune --older-than 0s --files --yes --json
    same "$rehearsed" "$(jq -r 'select(.file) | "\(.batch) \(.file | sub(".*/"; ""))"' <<<"$output")"
    same InventoryItem-a.3.csv "$(ls inbox/done)"
    same 0 "$(sql 'SELECT count(*) FROM filed')"
}

@test "refused files are deleted too, with or without a batch" {
    start_sim
    mkdir inbox
    printf 'record_id,skuu\n' >inbox/InventoryItem-a.csv
    printf 'record_id,skuu\n' >inbox/Nobody-a.csv
    ends 3 rowferry run inbox --min-age 0 --rate none
    same 4 "$(find inbox/refused -type f | wc -l)"
    ends 0 rowferry prune --older-than 1h --files --yes
    same 4 "$(find inbox/refused -type f | wc -l)"
    ends 0 rowferry prune --older-than 0s --files --yes
    holds "$output" "1 batch pruned, 0 rows and 2 files"
    same 0 "$(find inbox/refused -type f | wc -l)"
}

@test "a sheet that was edited stays, and so does another file with the name of a sheet" {
    start_sim
    batch_file inbox/InventoryItem-a.csv 2
    echo A-bad,x,WH-1042,1,1.50,active >>inbox/InventoryItem-a.csv
    batch_file inbox/InventoryItem-b.csv 2 B
    echo B-bad,x,WH-1042,1,1.50,active >>inbox/InventoryItem-b.csv
    touch -d '1 hour ago' inbox/*
    ends 3 rowferry run inbox --min-age 0 --rate none
    mv inbox/done/InventoryItem-a.csv.rejected.csv inbox/
    sed -i 's/,x,/,1,/' inbox/InventoryItem-a.csv.rejected.csv
    ends 0 rowferry run inbox --min-age 0 --rate none
    sed -i 's/,x,/,1,/' inbox/done/InventoryItem-b.csv.rejected.csv
    sql 'UPDATE batch SET finished_ms = 1 WHERE id < 3; UPDATE filed SET filed_ms = 1 WHERE batch_id < 3'
    ends 0 rowferry prune --older-than 1h --files --yes
    holds "$stderr" "'$PWD/inbox/done/InventoryItem-b.csv.rejected.csv' was changed after it was filed, and is kept"
    same "InventoryItem-a.csv.rejected.csv
InventoryItem-b.csv.rejected.csv" "$(ls inbox/done)"
}

@test "files of batches that were pruned without --files can be deleted later" {
    start_sim
    night 5
    ends 0 rowferry prune --older-than 0s --yes
    [ -e inbox/done/InventoryItem-a.csv ]
    ends 2 rowferry prune --older-than 0s --files
    holds "$stderr" "cannot ask 'delete 1 file?' without a terminal: use --yes"
    ends 0 rowferry prune --older-than 0s --files --yes
    same "" "$(ls inbox/done)"
}

@test "a file is still recognised after its batch was pruned" {
    start_sim
    night 5
    ends 0 rowferry prune --older-than 0s --files --yes
    batch_file inbox/InventoryItem-again.csv 5
    ends 0 rowferry run inbox --min-age 0 --rate none --json
    same "1 0" "$(summary '"\(.files_known) \(.requests)"')"
    same 5 "$(wc -l <ledger)"
}

@test "commands report that a batch was pruned" {
    local today

    start_sim
    night 5
    ends 0 rowferry prune --older-than 0s --yes
    today=$(sql "SELECT date(pruned_ms / 1000, 'unixepoch') FROM batch")
    ends 0 rowferry status 1
    holds "$output" "pruned on $today: its rows are deleted, its counts are kept"
    for command in "retry 1" "cancel 1" "resolve --ours --batch 1" "resolve --ours 1/3"; do
        # shellcheck disable=SC2086
        ends 2 rowferry $command
        same "rowferry: error: batch 1 was pruned on $today: its rows are deleted" "$stderr"
    done
}

@test "a drain that works meanwhile sends all it has, once" {
    start_sim --latency-ms 5
    night 4000
    batch_file InventoryItem-b.csv 3000 B
    ends 0 rowferry ingest InventoryItem-b.csv
    rowferry drain --rate none --json >drained 2>&1 3>&- &
    drain=$!
    eventually applied 4001
    ends 0 rowferry prune --older-than 0s --yes
    wait $drain
    same "1|0|1
2|6000|0" "$(left)"
    same "3000 0" "$(tail -n 1 drained | jq -r '"\(.applied) \(.exit_status)"')"
    same 7000 "$(jq -r .correlation_id ledger | sort -u | wc -l)"
    same 7000 "$(wc -l <ledger)"
    same ok "$(sql 'PRAGMA integrity_check')"
}

# A signal that comes while it waits for the database ends it afterwards.
@test "stopped by SIGTERM it prints the command that resumes, and that resumes" {
    start_sim
    night 20
    night 20 b
    mkfifo commands held
    sqlite3 rowferry.db <commands >held 2>&1 3>&- &
    SHELL_PID=$!
    exec {hold}>commands
    printf 'BEGIN IMMEDIATE;\nSELECT 1;\n' >&$hold
    read -r <held
    "$BIN/rowferry" prune --older-than 0s --yes >out 2>&1 3>&- {hold}>&- &
    prune=$!
    eventually grep -q InventoryItem-b out
    kill -TERM $prune
    printf 'COMMIT;\n.quit\n' >&$hold
    code=0
    wait $prune || code=$?
    same 143 $code
    holds "$(cat out)" "To resume, run the same command again:
  $BIN/rowferry prune --older-than 0s --yes"
    same 2 "$(sql 'SELECT count(*) FROM batch WHERE pruned_ms IS NOT NULL')"
    ends 0 rowferry prune --older-than 90d
    holds "$output" "inbox/InventoryItem-b.csv (begun before)"
    same "1|0|1
2|0|1" "$(left)"
}

@test "for a database that cannot shrink it prints the command that shrinks it" {
    sqlite3 rowferry.db 'PRAGMA application_id = 1382437497; CREATE TABLE x(y); DROP TABLE x'
    start_sim
    night 5
    ends 0 rowferry prune --older-than 0s --yes
    holds "$output" "it was created without auto_vacuum and cannot shrink; "
    holds "$output" "  sqlite3 rowferry.db 'PRAGMA auto_vacuum = INCREMENTAL; VACUUM'"
}
