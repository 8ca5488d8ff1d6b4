# Failed and refused jobs are sent again, jobs that were never sent are withdrawn, and a drain of one
# batch also sends the rows that its rows wait for.
load lib

# refused_batch ROWS [LETTER]: a batch of so many rows that the API refused; then the API is fixed
refused_batch() {
    batch_file "InventoryItem-${2:-a}.csv" "$1" "${2:-A}"
    setting "answer=${2:-A}-=422:details"
    ends 3 rowferry run "InventoryItem-${2:-a}.csv" --rate none
    setting "answer=${2:-A}-=0"
}

@test "a refused row is sent by the next drain, and the old answer is gone" {
    start_sim
    refused_batch 1
    holds "$output" 'The jobs that the API refused, which `rowferry retry 1` sends again:'
    [ "$(sql 'SELECT count(*) FROM server_violation')" -gt 0 ]
    ends 0 rowferry retry 1
    same "1 job to be sent again

  BATCH  STATE  ROWS  PENDING  FILE
      1  open      1        1  InventoryItem-a.csv

To send them:
  $BIN/rowferry drain" "$output"
    ends 0 rowferry drain --rate none
    same "applied|2" "$(sql 'SELECT state, attempts FROM job')"
    same "422
200" "$(sql 'SELECT http_status FROM attempt ORDER BY id')"
    same 0 "$(sql 'SELECT count(*) FROM server_violation')"
    same done "$(sql 'SELECT state FROM batch')"
    same 1 "$(jq -r .version ledger | wc -l)"
    ends 0 rowferry retry 1
    same "no matching job failed or was refused" "$output"
}

@test "a failed job that may have reached the API is read back, and not sent twice" {
    start_sim --fault 500-after=1 --fault get:500-before=1
    batch_file InventoryItem-a.csv 1
    ends 3 rowferry run InventoryItem-a.csv --rate none --max-attempts 1
    same "failed|1" "$(sql 'SELECT state, unsettled FROM job')"
    setting fault=none
    ends 0 rowferry retry 1 --json
    same "retried failed unknown" "$(printf '%s\n' "$output" |
        jq -r 'select(.message_type == "row") | "\(.outcome) \(.state) \(.new_state)"')"
    ends 0 rowferry drain --rate none
    same "applied|1" "$(sql 'SELECT state, attempts FROM job')"
    same 1 "$(jq -r .version ledger | wc -l)"
}

@test "a job that used all attempts gets all of them again" {
    start_sim --fault 500-before=1
    batch_file InventoryItem-a.csv 1
    ends 3 rowferry run InventoryItem-a.csv --rate none --max-attempts 2 --max-retries 9
    same "failed|2|0" "$(sql 'SELECT state, attempts, unsettled FROM job')"
    setting 'fault=none&fault=500-before=1&fault-limit=1'
    ends 0 rowferry retry 1
    ends 0 rowferry drain --rate none --max-attempts 2 --max-retries 9
    same "applied|4" "$(sql 'SELECT state, attempts FROM job')"
    same 1 "$(jq -r .version ledger | wc -l)"
}

@test "jobs are chosen by batch, state, age and record, and more than one needs confirmation" {
    start_sim
    refused_batch 2
    refused_batch 2 B
    ends 2 rowferry retry --all </dev/null
    same "rowferry: error: cannot ask 'retry 4 jobs?' without a terminal: use --yes, or --dry-run to see what would be done" \
        "$stderr"
    ends 0 rowferry retry --all --dry-run
    same "1/1 InventoryItem A-1: refused, sent again
1/2 InventoryItem A-2: refused, sent again
2/1 InventoryItem B-1: refused, sent again
2/2 InventoryItem B-2: refused, sent again

4 jobs would be sent again" "$output"
    same "refused|4" "$(sql 'SELECT state, count(*) FROM job GROUP BY state')"
    ends 0 rowferry retry 1 --state failed
    same "no matching job failed or was refused" "$output"
    ends 0 rowferry retry --all --record A-2
    ends 0 rowferry retry 2 --yes --state refused
    sql "UPDATE job_state SET updated_ms = updated_ms - 7200000 WHERE job_id = 1000000001"
    ends 0 rowferry retry --all --since 1h
    same "1/1 refused
1/2 pending
2/1 pending
2/2 pending" "$(states)"
    ends 0 rowferry retry --all --since 3h
    same "pending|4" "$(sql 'SELECT state, count(*) FROM job GROUP BY state')"
}

@test "a superseded row stays and is named" {
    start_sim
    refused_batch 2
    batch_file InventoryItem-b.csv 1
    ends 0 rowferry run InventoryItem-b.csv --rate none
    ends 3 rowferry retry 1
    same "1/1 InventoryItem A-1: superseded by 2/1, which is applied

1 job to be sent again, 1 job stays as it is
rows that a later row has superseded stay, unless --even-if-superseded" "$(printf '%s\n' "$output" | head -4)"
    same "1/1 refused
1/2 pending
2/1 applied" "$(states)"
    ends 0 rowferry retry 1 --even-if-superseded
    same "1/1 pending" "$(states | head -1)"
}

@test "jobs that were never sent are withdrawn and listed, and jobs that waited for them are sent" {
    start_sim
    batch_file InventoryItem-a.csv 2
    batch_file InventoryItem-b.csv 1
    ends 0 rowferry ingest InventoryItem-a.csv InventoryItem-b.csv
    ends 2 rowferry cancel 1 </dev/null
    holds "$stderr" "cannot ask 'withdraw 2 jobs of batch 1?' without a terminal: use --yes"
    ends 0 rowferry cancel 1 --dry-run
    holds "$output" "2 jobs would be withdrawn"
    ends 0 rowferry cancel 1 --yes
    same "1/1 InventoryItem A-1: withdrawn
1/2 InventoryItem A-2: withdrawn

2 jobs withdrawn

  BATCH  STATE  ROWS  CANCELLED  FILE
      1  done      2          2  InventoryItem-a.csv" "$output"
    ends 0 rowferry drain --rate none
    same "1/1 cancelled
1/2 cancelled
2/1 applied" "$(states)"
    same 1 "$(jq -r .version ledger | wc -l)"
    ends 0 rowferry cancel 1
    same "rowferry: batch 1 is done: nothing is left to withdraw" "$stderr"
}

@test "a job that was sent is not withdrawn" {
    start_sim --fault 500-after=1 --fault get:500-before=1
    batch_file InventoryItem-a.csv 1
    ends 5 rowferry run InventoryItem-a.csv --rate none --max-retries 0
    same "1/1 unknown" "$(states)"
    ends 3 rowferry cancel 1 --json
    same "not_withdrawn unknown" "$(printf '%s\n' "$output" |
        jq -r 'select(.message_type == "row") | "\(.outcome) \(.state)"')"
    same "1/1 unknown" "$(states)"
}

@test "a batch is cancelled while a drain sends it, and each row is either sent or withdrawn" {
    start_sim --latency-ms 20
    batch_file InventoryItem-a.csv 3000
    ends 0 rowferry ingest InventoryItem-a.csv
    "$BIN/rowferry" drain --rate none --concurrency 2 >out 2>&1 3>&- &
    local pid=$!
    sending() { [ "$(sql 'SELECT applied > 10 FROM batch_tally')" = 1 ]; }
    eventually sending
    # 3 if a request was in flight at that moment
    run --separate-stderr rowferry cancel 1 --yes --json
    [[ $status == [03] ]]
    local withdrawn
    withdrawn=$(printf '%s\n' "$output" | grep -c '"outcome": "withdrawn"')
    [ "$withdrawn" -gt 1000 ]
    wait $pid
    ends 0 rowferry drain --rate none
    same "$withdrawn|$((3000 - withdrawn))|done" \
        "$(sql 'SELECT cancelled, applied, state FROM batch_summary')"
    same $((3000 - withdrawn)) "$(jq -r .id ledger | sort -u | wc -l)"
    same $((3000 - withdrawn)) "$(jq -r .version ledger | wc -l)"
}

@test "drain --batch sends the earlier rows that its own wait for, and reports it" {
    start_sim
    batch_file InventoryItem-a.csv 3
    ends 0 rowferry ingest InventoryItem-a.csv
    printf 'record_id,version,sku,quantity,price,status\nA-2,2,WH-0002,7,1.50,active\n' \
        >InventoryItem-b.csv
    ends 0 rowferry ingest InventoryItem-b.csv
    ends 0 rowferry drain --batch 2 --rate none
    holds "$stderr" "rows of batch 2 wait for earlier rows of their records in other batches: those are sent first"
    same "1/1 pending
1/2 applied
1/3 pending
2/1 applied" "$(states)"
    ends 0 rowferry drain --rate none
    lacks "$stderr" "wait for earlier rows"
    same "applied|4" "$(sql 'SELECT state, count(*) FROM job GROUP BY state')"
    same 4 "$(jq -r .version ledger | wc -l)"
}

# refused MESSAGE COMMAND...

@test "missing and contradicting arguments are refused" {
    fails_with 2 "no batch is named: name a batch, or use --all; see rowferry retry --help" retry
    fails_with 2 "a batch and --all cannot be used together: name a batch, or use --all; see rowferry retry --help" retry 5 --all
    fails_with 2 "'5/1' is not a batch: use its number, which \`rowferry status\` lists" retry 5/1
    fails_with 2 "--state: 'applied' is not a list of states: use, separated by commas, refused, failed" retry 5 --state applied
    fails_with 2 "--since: 'monday' is not a duration: use 90, 90s, 15m, 4h or 90d" retry 5 --since monday
    fails_with 2 "no batch is named: see rowferry cancel --help" cancel
    start_sim
    refused_batch 1
    fails_with 2 "there is no batch 9 in '$PWD/rowferry.db': \`rowferry status\` lists them" retry 9
    fails_with 2 "there is no batch 9 in '$PWD/rowferry.db': \`rowferry status\` lists them" cancel 9
}
