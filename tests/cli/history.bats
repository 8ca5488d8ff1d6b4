# What people can ask: the queries of docs/database.md, `rowferry history` and `rowferry status`.
load lib

# one_row FILE ID VERSION
one_row() {
    printf 'record_id,version,sku,quantity,price,status\n%s,%s,WH-1042,7,1.50,active\n' "$2" "$3" >"$1"
}

# A database with something in it for every query of docs/database.md: five batches, the last with 813 rows
# of which one is rejected, one refused, one in conflict; its row 812 is record ber-wh-1042.
a_week() {
    local i

    start_sim --answer A-809=422
    one_row InventoryItem-1.csv ber-wh-1042 1
    for i in 2 3 4; do
        one_row InventoryItem-$i.csv "B-$i" 1
    done
    ends 0 rowferry run InventoryItem-?.csv --rate none
    batch_file InventoryItem-5.csv 811
    sed -i '11s/WH-1042,10,1.50/wrong,10,-1/' InventoryItem-5.csv
    printf 'ber-wh-1042,2,WH-1042,8,1.50,active\nA-813,1,wrong,1,1.50,active\n' >>InventoryItem-5.csv
    someone_else A-30 '{"sku":"XX-0001"}'
    ends 3 rowferry run InventoryItem-5.csv --rate none
}

# The document's query of that title, as it is written there
documented_query() {
    awk -v title="-- $1" '
        /^## / { inside = $0 == "## Queries" }
        found && /^$|^```/ { exit }
        found { print }
        inside && $0 == title { found = 1 }' "$TOP/docs/database.md"
}

# answers TITLE EXPECTED: the document's query gives that, on rowferry.db
answers() {
    local query

    query=$(documented_query "$1")
    holds "$query" ';'
    echo "$1" >>asked
    same "$2" "$(sql "$query" | masked)"
}

# What differs from run to run: times, durations, ids, the folder of the program
masked() {
    sed -E -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]{3})?Z/MOMENT/g' \
        -e 's/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/ID/g' -e 's/[0-9]+\.[0-9] ms/N ms/' \
        -e "s|$BIN/|BIN/|; s|$PWD/|FOLDER/|"
}

@test "every query of docs/database.md answers" {
    a_week
    answers "the last batches" "5|InventoryItem-5.csv|InventoryItem|done|813|2|0|811|0|0|0|809|0|1|1|0|0|0|MOMENT|MOMENT|
4|InventoryItem-4.csv|InventoryItem|done|1|0|0|1|0|0|0|1|0|0|0|0|0|0|MOMENT|MOMENT|
3|InventoryItem-3.csv|InventoryItem|done|1|0|0|1|0|0|0|1|0|0|0|0|0|0|MOMENT|MOMENT|
2|InventoryItem-2.csv|InventoryItem|done|1|0|0|1|0|0|0|1|0|0|0|0|0|0|MOMENT|MOMENT|
1|InventoryItem-1.csv|InventoryItem|done|1|0|0|1|0|0|0|1|0|0|0|0|0|0|MOMENT|MOMENT|"
    answers "one record's history" "InventoryItem-1.csv|1|1|1|2|applied|MOMENT
InventoryItem-5.csv|812|2|2|3|applied|MOMENT"
    answers "one batch's failures: what the API did not take" \
        "809|A-809|refused|422|validation.failed|The record violates its schema."
    answers "open conflicts" "5|30|InventoryItem|A-30|1|2"
    answers "both sides of one batch's conflicts, a line for each field that differs" \
        '30|A-30|sku|"WH-1042"|"XX-0001"
30|A-30|quantity|30|
30|A-30|price|1.50|
30|A-30|status|"active"|'
    sql "UPDATE run SET latency_p95_ms = 1.5" # whatever it took
    sql "INSERT INTO run (command, version, started_ms) VALUES ('run', '0', (unixepoch() - 40 * 86400) * 1000)"
    answers "the runs of the last month" "1|run|MOMENT|0|4|1.5|0.0|0
2|run|MOMENT|3|812|1.5|0.00246305418719212|0"
    answers "rejections by field: which rule costs the most rows" "InventoryItem|sku|pattern|2
InventoryItem|price|exclusiveMinimum|1"
    answers "the same, of one batch" "sku|pattern|2
price|exclusiveMinimum|1"
    answers "the same, of what the API did not take" "InventoryItem|||1
InventoryItem|quantity|minimum|1"
    answers "why rows of a batch were not sent" \
        '11|A-10|sku: must match ^[A-Z]{2}-\d{4}$, is "wrong"; price: must be more than 0, is -1
814|A-813|sku: must match ^[A-Z]{2}-\d{4}$, is "wrong"'
    answers "what the record of one row held before our update" ""
    sql "UPDATE attempt SET latency_us = 1500"
    answers "every request of one row (batch 5, row 812), with the id that support asks for" \
        "PUT|2|200|||1500|ID"
    # the document has no other queries
    same "$(sed -n '/^## Queries/,$s/^-- //p' "$TOP/docs/database.md")" "$(cat asked)"
}

@test "history shows the events of a record in order" {
    a_week
    ends 0 rowferry resolve --ours 5/30
    ends 3 rowferry drain --rate none
    same applied "$(sql "SELECT state FROM job WHERE id = 5000000030")"
    output=$(for id in ber-wh-1042 A-10 A-809 A-30; do
        rowferry history $id | masked
    done)
    golden history.txt
    ends 0 rowferry history A-10 -v
    holds "$output" "row rejected"
    ends 0 rowferry history A-30 --verbose
    holds "$output" '{"sku":"WH-1042","quantity":30,"price":1.50,"status":"active"}'
}

@test "history --json writes one line per event" {
    a_week
    ends 0 rowferry resolve --theirs 5/30
    ends 0 rowferry history A-30 --json
    same "read request request conflict settled state" "$(printf '%s\n' "$output" |
        jq -r 'select(.message_type == "row") | .event' | xargs)"
    holds "$output" '"fields": {"sku":"WH-1042","quantity":30,"price":1.50,"status":"active"}'
    same '{"at":"MOMENT","event":"read","job":"5/30","line":31,"message_type":"row","record_id":"A-30","schema":"InventoryItem","source":"InventoryItem-5.csv","version":1}
{"at":"MOMENT","event":"conflict","job":"5/30","message_type":"row","record_id":"A-30","schema":"InventoryItem","server_version":2,"submitted_version":1}
{"at":"MOMENT","event":"settled","job":"5/30","message_type":"row","record_id":"A-30","resolution":"theirs","schema":"InventoryItem"}' \
        "$(printf '%s\n' "$output" | jq -cS 'select(.event == "read" or .event == "conflict" or .event == "settled") | del(.fields)' | masked)"
    same 0 "$(summary .exit_status)"
    # also of rejected rows, and of what the server says about fields
    ends 0 rowferry history A-10 --json
    same 'sku: must match ^[A-Z]{2}-\d{4}$, is "wrong"; price: must be more than 0, is -1' \
        "$(printf '%s\n' "$output" | jq -r 'select(.event == "rejected") | .messages')"
    ends 0 rowferry history A-809 --json
    same 'sku must match pattern XX-0000; quantity: quantity cannot be negative' \
        "$(printf '%s\n' "$output" | jq -r 'select(.event == "state") | .server_violations')"
}

@test "history shows a record id of several objects for each, or for the one in --schema" {
    one_row InventoryItem-1.csv same-1 1
    printf 'record_id,version\nsame-1,4\n' >CustomerAccount-1.csv
    echo '{"type": "object"}' >schema/CustomerAccount.json
    ends 0 rowferry ingest InventoryItem-1.csv CustomerAccount-1.csv
    ends 0 rowferry history same-1
    same "CustomerAccount same-1

  MOMENT  2/1  row read: version 4, line 2 of
                                 CustomerAccount-1.csv
  MOMENT  2/1  state: pending

InventoryItem same-1

  MOMENT  1/1  row read: version 1, line 2 of
                                 InventoryItem-1.csv
  MOMENT  1/1  state: pending" "$(printf '%s\n' "$output" | masked)"
    ends 0 rowferry history same-1 --schema InventoryItem
    lacks "$output" CustomerAccount
    ends 2 rowferry history same-1 --schema Other
    same "rowferry: error: record 'same-1' of Other has no row in '$PWD/rowferry.db': check its id" "$stderr"
}

@test "history of an unknown record, or without a database, ends 2" {
    ends 2 rowferry history nobody
    holds "$stderr" "database rowferry.db does not exist"
    one_row InventoryItem-1.csv A-1 1
    ends 0 rowferry ingest InventoryItem-1.csv
    ends 2 rowferry history a-1 --json
    same "rowferry: error: record 'a-1' has no row in '$PWD/rowferry.db': check its id" "$stderr"
    same 2 "$(summary .exit_status)"
    ends 2 rowferry history
    same "rowferry: error: no record is named: see rowferry history --help" "$stderr"
    ends 2 rowferry history A-1 A-2
    same "rowferry: error: unexpected argument 'A-2': see rowferry history --help" "$stderr"
}

@test "names and values from a file cannot send escapes to the terminal" {
    printf '{"recordId":"--x","version":1,"fields":{"sku":"\\u001b[31m"}}\n' \
        >$'InventoryItem-\e[1m.ndjson'
    ends 3 rowferry ingest InventoryItem-*.ndjson
    ends 0 rowferry history -- --x
    holds "$output" 'InventoryItem-\x1b[1m.ndjson'
    lacks "$output" $'\e'
    ends 0 rowferry status
    lacks "$output" $'\e'
}

# --- status ---------------------------------------------------------------------------------------

# screen [ARGUMENT...]: what status shows on a terminal of 80 columns
screen() {
    needs_a_terminal
    ends 0 env NO_COLOR=1 script -qec "stty cols 80 rows 24; $(printf '%q ' "$BIN/rowferry" status "$@")" \
        typescript
    output=$(printf '%s\n' "$output" | tr -d '\r' | masked)
}

@test "status fits on one screen, with unfinished batches first" {
    local i

    start_sim --answer A-2=422
    for i in $(seq 10 39); do
        batch_file InventoryItem-2026-11-$i.csv 5 "R$i"
    done
    sed -i '4s/WH-1042/wrong/' InventoryItem-2026-11-39.csv
    sed -i '3s/R38-2/A-2/' InventoryItem-2026-11-38.csv
    ends 3 rowferry ingest InventoryItem-*.csv
    for i in 2 3; do
        someone_else "R37-$i" '{"sku":"XX-0001"}'
    done
    for i in $(seq 1 30); do
        [ $i = 3 ] || [ $i = 27 ] || rowferry drain -q --rate none --batch $i >>drained || true
    done
    sql "UPDATE run SET ended_ms = 1795000000000, requests = 7"
    screen
    golden status.txt
    same 24 "$(printf '%s\n' "$output" | awk 'END { print NR <= 24 ? 24 : NR }')"
    sql "INSERT INTO pause (scope, not_before_ms, reason, run_id) VALUES ('api', (unixepoch() + 7201) * 1000, 'the API asks us to wait', 3)"
    screen
    holds "$output" "parked until MOMENT, for another 2h 0m
  the API asks us to wait"
    holds "$output" "To send them, when that time is over:
  BIN/rowferry drain"
    # scripts get every batch
    same 30 "$(rowferry status --json | jq -s 'map(select(.event == "batch")) | length')"
}

@test "status says who is at work, and proposes no command that would have to wait" {
    start_sim --latency-ms 50
    batch_file InventoryItem-1.csv 100
    ends 0 rowferry ingest InventoryItem-1.csv
    "$BIN/rowferry" drain --rate none --concurrency 1 >out 2>&1 3>&- &
    local pid=$!
    sending() { [ "$(sql 'SELECT applied > 0 FROM batch_tally')" = 1 ]; }
    eventually sending
    kill -STOP $pid
    ends 0 rowferry status
    holds "$(printf '%s\n' "$output" | masked)" "sending: run 2, started MOMENT, process $pid"
    lacks "$output" "To send them:"
    ends 0 rowferry status --json
    same 1 "$(printf '%s\n' "$output" | jq 'select(.event == "last_run") | .run')"
    same "drain run 2" "$(printf '%s\n' "$output" |
        jq -r 'select(.event == "at_work") | "\(.command) \(.holder[:5])"')"
    same null "$(summary .next)"
    kill -KILL $pid
    wait $pid || true
    ends 0 rowferry status
    lacks "$output" "sending:"
    holds "$(printf '%s\n' "$output" | masked)" "last run: 2 (drain), started MOMENT, has not ended
  it is not working: it was killed, or waits for a file to be complete"
    same null "$(rowferry status --json | jq 'select(.event == "last_run") | .exit_status')"
    holds "$output" "To send them:
  $BIN/rowferry drain"
}

# --- slow readers of the output -----------------------------------------------------------------

# reads_slowly COMMAND...: runs it with a reader that waits; meanwhile the write-ahead log can be
# emptied, and then the rest is read
reads_slowly() {
    local line reader

    rm -f pipe
    mkfifo pipe
    "$BIN/rowferry" "$@" >pipe 3>&- &
    exec {reader}<pipe
    read -r line <&$reader
    sql "UPDATE batch SET reason = 'changed' WHERE id = 1"
    same "0" "$(sqlite3 rowferry.db 'PRAGMA busy_timeout = 200' 'PRAGMA wal_checkpoint(TRUNCATE)' | tail -n 1 | cut -d '|' -f 1)"
    kill -0 $!
    wc -l <&$reader >rest
    exec {reader}<&-
    wait $!
}

@test "no read of the database stays open while the output waits for its reader" {
    one_row InventoryItem-1.csv A 1
    ends 0 rowferry ingest InventoryItem-1.csv
    sql "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
         INSERT INTO attempt (job_id, run_id, method, started_ms, error)
         SELECT (SELECT min(id) FROM job), 1, 'PUT', i, hex(zeroblob(100)) FROM n"
    reads_slowly history A --json
    same 60002 "$(cat rest)" # and the one that was read first: row, requests, state, summary
    reads_slowly history A
    sql "WITH RECURSIVE n(i) AS (VALUES (2) UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
         INSERT INTO batch (id, source, schema, format, content_hash, size_bytes, state, created_ms,
             loaded_run_id, device, inode, mtime_ns, schema_hash, options, filing)
         SELECT i, 'x.csv', 'InventoryItem', 'csv', '', 1, 'done', 1, 1, 0, 0, 0, '', '', 0 FROM n;
         INSERT INTO batch_tally (batch_id, next_job_id) SELECT id, 0 FROM batch WHERE id > 1"
    reads_slowly status --json
}

@test "a reader that closes the pipe is not an error, a full disk is" {
    one_row InventoryItem-1.csv A 1
    ends 0 rowferry ingest InventoryItem-1.csv
    sql "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
         INSERT INTO attempt (job_id, run_id, method, started_ms)
         SELECT (SELECT min(id) FROM job), 1, 'PUT', i FROM n"
    ends 0 bash -c 'set -o pipefail; "$@" | head -n 1' - "$BIN/rowferry" history A
    ends 2 bash -c '"$@" >/dev/full' - "$BIN/rowferry" history A
    holds "$stderr" "cannot write to standard output: No space left on device"
    TMPDIR=/nowhere ends 0 rowferry history A
}
