# A person settles conflicts: with our rows or with theirs; other rows are left alone.
load lib

resolve() {
    rowferry resolve "$@"
}

# conflicts ROWS [BATCH-LETTER]: a batch of so many rows, all in conflict
conflicts() {
    local i

    batch_file "InventoryItem-${2:-a}.csv" "$1" "${2:-A}"
    for ((i = 1; i <= $1; i++)); do
        someone_else "${2:-A}-$i" '{"sku":"XX-0001","note":"theirs"}'
    done
    ends 3 rowferry run "InventoryItem-${2:-a}.csv" --rate none
    same "conflict|$1" "$(sql "SELECT state, count(*) FROM job
        WHERE batch_id = (SELECT max(id) FROM batch) GROUP BY state")"
}

@test "with --ours the next drain sets the fields of the row in the record" {
    start_sim
    conflicts 1
    holds "$output" 'The conflicts, which `rowferry resolve` settles:
  sqlite3 rowferry.db "SELECT * FROM open_conflict WHERE batch_id = 1"'
    ends 0 resolve --ours 1/1
    same "1 conflict settled with ours

  BATCH  STATE  ROWS  PENDING  FILE
      1  open      1        1  InventoryItem-a.csv

To send them:
  $BIN/rowferry drain" "$output"
    same "ours|1" "$(sql 'SELECT resolution, resolved_ms IS NOT NULL FROM conflict')"
    # somebody else changes the record meanwhile: the record of that moment counts
    someone_else A-1 '{"sku":"XX-0002","weight":1.250}'
    ends 0 rowferry drain --rate none
    same '[4,{"price":1.5,"quantity":1,"sku":"WH-1042","status":"active","weight":1.25}]' \
        "$(record A-1)"
    same "applied|4|2" "$(sql 'SELECT state, server_version, attempts FROM job')"
    same done "$(sql 'SELECT state FROM batch')"
    same 0 "$(sql 'SELECT count(*) FROM open_conflict')"
}

@test "theirs dismisses the row and sends nothing" {
    start_sim
    conflicts 2
    ends 0 resolve --theirs 1/2
    same "1 conflict settled with theirs

  BATCH  STATE  ROWS  CONFLICT  DISMISSED  FILE
      1  done      2         1          1  InventoryItem-a.csv" "$output"
    same "1/1 conflict
1/2 dismissed" "$(states)"
    same theirs "$(sql "SELECT resolution FROM conflict WHERE resolved_ms IS NOT NULL")"
    same '[2,{"note":"theirs","sku":"XX-0001"}]' "$(record A-2)"
    same 0 "$(sql 'SELECT count(*) FROM rebase')"
}

@test "a batch or all are settled with --yes, and no other rows" {
    start_sim
    conflicts 2
    conflicts 3 B
    ends 0 resolve --theirs --batch 1 --yes --json
    same "2 0 3" "$(summary '"\(.dismissed) \(.conflict) \(.exit_status + 3)"')"
    same "1/1 settled theirs
1/2 settled theirs" "$(printf '%s\n' "$output" |
        jq -r 'select(.message_type == "row") | "\(.job) \(.outcome) \(.resolution)"')"
    same "2/1 conflict
2/2 conflict
2/3 conflict" "$(states | grep ^2/)"
    ends 0 resolve --ours --all --yes --json
    same "3 2 null" "$(summary '"\(.pending) \(.dismissed + 2) \(.run)"')"
    holds "$(summary .next)" "rowferry drain"
    ends 0 rowferry drain --rate none
    same "2/1 applied
2/2 applied
2/3 applied" "$(states | grep ^2/)"
    ends 0 resolve --ours --all
    same "no conflict waits for a decision" "$output"
}

@test "more than one conflict is not settled without confirmation" {
    start_sim
    conflicts 2
    ends 2 resolve --theirs --all </dev/null
    same "rowferry: error: cannot ask 'settle 2 conflicts with theirs?' without a terminal: use --yes, or --dry-run to see what would be done" \
        "$stderr"
    same "" "$output"
    ends 2 resolve --theirs 1/1 1/2 < <(echo y)
    same 2 "$(sql 'SELECT conflict FROM batch_tally')"
    # a job that is named twice counts once
    ends 0 resolve --theirs 1/1 1/1 </dev/null
    same "1/1 dismissed
1/2 conflict" "$(states)"
}

# on_terminal ANSWER COMMAND...: the command's terminal gets that line
on_terminal() {
    printf '%s\n' "$1" | script -qec "$(printf '%q ' "${@:2}")" typescript
}

@test "on a terminal it asks, and only y means yes" {
    needs_a_terminal
    start_sim
    conflicts 2
    ends 3 on_terminal n "$BIN/rowferry" resolve --theirs --all
    holds "$output" "rowferry: settle 2 conflicts with theirs? [y/N] "
    holds "$output" "rowferry: nothing is changed"
    same 2 "$(sql 'SELECT conflict FROM batch_tally')"
    ends 0 on_terminal y "$BIN/rowferry" resolve --theirs --all
    same 2 "$(sql 'SELECT dismissed FROM batch_tally')"
}

@test "Ctrl-C at the question ends it, and nothing is changed" {
    needs_a_terminal
    start_sim
    conflicts 2
    mkfifo keys
    script -qefc "$BIN/rowferry resolve --theirs --all" typescript <keys >out 2>&1 3>&- &
    local pid=$! status=0
    exec 4>keys
    asked() { grep -qF "[y/N]" typescript 2>/dev/null; }
    eventually asked
    printf '\003' >&4
    wait $pid || status=$?
    exec 4>&-
    same 130 "$status"
    holds "$(cat out)" "stopped by SIGINT"
    same 2 "$(sql 'SELECT conflict FROM batch_tally')"
}

@test "--dry-run shows both sides of each, and changes nothing" {
    start_sim
    conflicts 2
    someone_else A-3 '{"sku":"WH-1042","quantity":4,"price":1.5,"status":"active"}'
    batch_file InventoryItem-c.csv 1 A
    sed -i 's/^A-1,1,WH-1042,1/A-3,1,WH-1042,3/' InventoryItem-c.csv
    ends 3 rowferry run InventoryItem-c.csv --rate none
    sql .dump >before
    ends 0 resolve --ours --all --dry-run
    same "1/1 InventoryItem A-1: version 1 against 2, differing in sku, quantity, price, status, note
1/2 InventoryItem A-2: version 1 against 2, differing in sku, quantity, price, status, note
2/1 InventoryItem A-3: version 1 against 2, differing in quantity

3 conflicts would be settled with ours" "$output"
    ends 0 resolve --ours --all --dry-run --json
    same '["1/1",1,2,["note","price","quantity","sku","status"]]
["1/2",1,2,["note","price","quantity","sku","status"]]
["2/1",1,2,["quantity"]]' "$(printf '%s\n' "$output" | jq -c 'select(.message_type == "row") |
        [.job, .submitted_version, .server_version, (.fields | sort)]')"
    sql .dump >after
    diff before after
}

@test "--dry-run shows a limited number of jobs to people, all to scripts" {
    start_sim
    conflicts 60
    ends 0 resolve --theirs --all --dry-run
    same 50 "$(printf '%s\n' "$output" | grep -c "^1/")"
    holds "$output" "and 10 more

60 conflicts would be settled with theirs"
    ends 0 resolve --theirs --all --dry-run --json
    same 60 "$(printf '%s\n' "$output" | grep -c '"outcome": "settled"')"
}

@test "an older row does not replace a newer one, unless --even-if-superseded" {
    start_sim
    conflicts 2
    printf 'record_id,version,sku,quantity,price,status\nA-1,2,WH-0002,7,1.50,active\n' \
        >InventoryItem-new.csv
    ends 0 rowferry run InventoryItem-new.csv --rate none
    same "2/1 applied" "$(states | grep ^2/)"
    ends 3 resolve --ours --batch 1 --yes
    same "1/1 InventoryItem A-1: superseded by 2/1, which is applied

1 conflict settled with ours, 1 job stays as it is
rows that a later row has superseded stay, unless --even-if-superseded" "$(printf '%s\n' "$output" | head -4)"
    same "1/1 conflict
1/2 pending
2/1 applied" "$(states)"
    ends 3 resolve --ours 1/1 --json
    same "superseded 2/1" "$(printf '%s\n' "$output" |
        jq -r 'select(.message_type == "row") | "\(.outcome) \(.superseded_by)"')"
    same 3 "$(summary .exit_status)"
    ends 0 resolve --ours 1/1 --even-if-superseded
    same "1/1 pending" "$(states | head -1)"
}

@test "a job that is not in conflict is named with its state" {
    start_sim
    batch_file InventoryItem-a.csv 2
    ends 0 rowferry run InventoryItem-a.csv --rate none
    ends 3 resolve --theirs 1/1
    same "1/1 InventoryItem A-1: is applied, not in conflict

0 conflicts settled with theirs, 1 job stays as it is" "$(printf '%s\n' "$output" | head -3)"
}

@test "a job that does not exist is reported, and then nothing is settled" {
    ends 2 resolve --theirs 1/1
    holds "$stderr" "database rowferry.db does not exist"
    start_sim
    conflicts 1
    ends 2 resolve --theirs 1/1 1/2 7/1
    same "rowferry: error: job 1/2 does not exist in '$PWD/rowferry.db': check batch and row
rowferry: error: there is no batch 7 in '$PWD/rowferry.db': \`rowferry status\` lists them" "$stderr"
    ends 2 resolve --theirs --batch 9 --json
    same 2 "$(summary .exit_status)"
    holds "$stderr" "there is no batch 9 in '$PWD/rowferry.db'"
    same "1/1 conflict" "$(states)"
}

# refused MESSAGE ARGUMENT...

@test "missing and contradicting arguments are refused" {
    local job

    fails_with 2 "neither --ours nor --theirs is given: use one of them; see rowferry resolve --help" resolve 1/1
    fails_with 2 "--ours and --theirs cannot be used together: use one of them; see rowferry resolve --help" resolve 1/1 --ours --theirs
    fails_with 2 "--even-if-superseded cannot be used with --theirs: use --ours" resolve 1/1 --theirs --even-if-superseded
    fails_with 2 "no job is named: name jobs (5/812), or use --batch or --all; see rowferry resolve --help" resolve --ours
    fails_with 2 "jobs are selected in several ways: name jobs (5/812), or use --batch or --all; see rowferry resolve --help" \
        resolve --ours --all --batch 5
    fails_with 2 "jobs are selected in several ways: name jobs (5/812), or use --batch or --all; see rowferry resolve --help" \
        resolve --ours --all 5/812
    for job in 5 5/ /812 5/0 0/1 5/x 5/812/1 5/1000000000 -; do
        fails_with 2 "'$job' is not a job: write BATCH/ROW, like 5/812" resolve --ours "$job"
    done
}

@test "jobs that are settled while a drain runs are sent by it or by the next one" {
    start_sim --latency-ms 20
    conflicts 20
    batch_file InventoryItem-z.csv 200 Z
    ends 0 rowferry ingest InventoryItem-z.csv
    "$BIN/rowferry" drain --rate none --concurrency 2 >out 2>&1 3>&- &
    local pid=$!
    sending() { [ "$(sql 'SELECT applied > 10 FROM batch_tally WHERE batch_id = 2')" = 1 ]; }
    eventually sending
    same 1 "$(sql 'SELECT pending > 0 FROM batch_tally WHERE batch_id = 2')"
    ends 0 resolve --ours --batch 1 --yes
    wait $pid
    ends 0 rowferry drain --rate none
    same "applied|220" "$(sql 'SELECT state, count(*) FROM job GROUP BY state')"
    same "done|2" "$(sql 'SELECT state, count(*) FROM batch GROUP BY state')"
    # each of our rows once
    same 220 "$(jq -r 'select(.foreign | not) | .version' ledger | wc -l)"
    same "" "$(sql "SELECT batch_id FROM batch_summary WHERE rows_read <> jobs + rows_rejected")"
}
