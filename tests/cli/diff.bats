# What rows would change on the server (diff): it reads, and sends nothing.
load lib

schema() {
    jq --argjson settings "$1" '."x-rowferry" += $settings' "$TOP/schema/InventoryItem.json" \
        >schema/InventoryItem.json
}

# A-1 differs, A-2 is the same, A-3 has moved on, A-4 has another member
records() {
    cat >records <<'JSON'
{"schema":"InventoryItem","id":"A-1","version":1,"fields":{"sku":"WH-1042","quantity":7.00,"price":1.50,"status":"a\tb"}}
{"schema":"InventoryItem","id":"A-2","version":1,"fields":{"sku":"WH-1042","quantity":2,"price":1.5,"status":"active"}}
{"schema":"InventoryItem","id":"A-3","version":2,"fields":{"sku":"WH-1042","quantity":3,"price":9}}
{"schema":"InventoryItem","id":"A-4","version":1,"fields":{"sku":"WH-1042","quantity":4,"price":1.50,"status":"active","note":"x"}}
JSON
}

# The differences as `ROW RECORD VERSION VERDICT FIELD:THEIRS>OURS ...`
differences() {
    jq -r 'select(.message_type == "difference") | "\(.row) \(.record_id) \(.version) \(.verdict)"
        + ([.changes[] | " \(.field):\(.theirs)>\(.ours)"] | add // "")' <<<"$output" |
        sed 's/7\.00/7/; s/1\.50/1.5/' # jq 1.7 keeps digits, 1.6 does not
}

# Everything in the database that a drain would change
jobs_as_they_are() {
    sqlite3 rowferry.db '.dump job_row' '.dump job_state' '.dump attempt' '.dump batch_tally' '.dump rebase'
}

@test "a batch is compared field by field, and nothing is sent" {
    local before

    records
    start_sim --records records --only-seeded
    batch_file InventoryItem-1.csv 5
    rowferry ingest -q InventoryItem-1.csv
    before=$(jobs_as_they_are)
    ends 3 rowferry diff 1 --rate none --json
    same '1 A-1 1 update quantity:7>1 status:a	b>active
2 A-2 1 unchanged
3 A-3 2 conflict price:9>1.5 status:null>active
4 A-4 1 update note:x>null
5 A-5 null missing' "$(differences)"
    # to the letter
    same '{"message_type": "difference", "row": 1, "record_id": "A-1", "version": 1, "verdict": "update", "changes": [{"field": "quantity", "ours": 1, "theirs": 7.00}, {"field": "status", "ours": "active", "theirs": "a\tb"}]}' \
        "$(head -n 1 <<<"$output")"
    same '2 1 1 1 0' "$(summary '"\(.would_update) \(.would_not) \(.missing) \(.conflicts) \(.unread)"')"
    same "$before" "$(jobs_as_they_are)"
    same 0 "$(grep -c '"kind":"put"' requests)"
    same 5 "$(grep -c '"kind":"get"' requests)"
}

@test "a file is compared as its batch would be, and not stored" {
    local batch

    records
    start_sim --records records --only-seeded
    batch_file InventoryItem-1.csv 5
    echo 'A-6,1,bad,1,1,active' >>InventoryItem-1.csv
    ends 3 rowferry ingest -q InventoryItem-1.csv
    ends 3 rowferry diff 1 --rate none --json
    batch=$(differences)
    ends 3 rowferry diff InventoryItem-1.csv --rate none --json --summary summary.json
    same "$batch" "$(differences)"
    same '6 1 2' "$(jq -r '"\(.rows_read) \(.rows_rejected) \(.would_update)"' summary.json)"
    holds "$output" '1 row would be rejected: rowferry validate shows why'
    same 1 "$(sql 'SELECT count(*) FROM batch')"
    ends 2 rowferry diff nothing.csv
    ends 2 rowferry diff 99
    ends 2 rowferry diff 1 InventoryItem-1.csv
}

@test "people see values cut to the width of the terminal, and counts by field" {
    needs_a_terminal
    records
    sed -i 's/"a\\tb"/"a long text that does not fit into its half of the line, whatever is done"/' records
    start_sim --records records
    batch_file InventoryItem-1.csv 4
    rowferry ingest -q InventoryItem-1.csv
    ends 3 rowferry diff 1 --rate none
    holds "$output" 'status                    "a long text that does not fit into its half of the line, whatever is done" -> "active"'
    holds "$output" '1/3 A-3: conflict, version 2: the row has version 1, the record 2'
    holds "$output" '    note                      "x" -> (none)'
    lacks "$output" 'A-2'
    holds "$output" '         2  status'
    holds "$output" '4 rows: 2 to update, 1 unchanged, 1 in conflict'
    ends 3 rowferry diff 1 --rate none --verbose
    holds "$output" '1/2 A-2: unchanged, version 1'
    run script -qec "stty cols 60 rows 24; NO_COLOR=1 $(printf '%q ' "$BIN/rowferry" diff 1 --rate none)" typescript
    holds "$output" '    status                    "a long te... -> "active"'
    run script -qec "stty cols 60 rows 24; TERM=xterm $(printf '%q ' "$BIN/rowferry" diff 1 --rate none)" typescript
    holds "$output" $'conflict\033[0m, version 2'
}

@test "a conflict that was settled with ours is compared as it will be sent" {
    start_sim
    someone_else A-1 '{"quantity":99}'
    batch_file InventoryItem-1.csv 1
    ends 0 rowferry ingest InventoryItem-1.csv
    ends 3 rowferry drain --rate none
    ends 0 rowferry resolve 1/1 --ours
    ends 0 rowferry diff 1 --rate none --json
    same '1 0' "$(summary '"\(.would_update) \(.conflicts)"')"
    ends 0 rowferry drain --rate none
    same 3 "$(record A-1 | jq '.[0]')"
}

@test "with fetch, what the update would carry is compared" {
    schema '{"version": "fetch"}'
    records
    echo '{"schema":"InventoryItem","id":"A-5","version":3,"fields":{"quantity":5}}' >>records
    start_sim --records records --only-seeded
    cat >InventoryItem-1.csv <<'CSV'
record_id,quantity,price,status
A-1,1,,
A-2,2.0,,
A-3,,20000,
A-4,4,,"active"
A-5,,,reserved
A-5,0,,
A-6,1,,
CSV
    rowferry ingest -q InventoryItem-1.csv
    ends 3 rowferry diff 1 --rate none --json
    same '1 A-1 1 update quantity:7>1
2 A-2 1 unchanged
3 A-3 2 update price:9>20000
4 A-4 1 unchanged
5 A-5 3 update status:null>reserved
6 A-5 4 conflict quantity:5>0
7 A-6 null missing' "$(differences)"
    ends 3 rowferry diff 1 --rate none
    holds "$output" '1/6 A-5: conflict, version 4: status cannot be reserved when quantity is zero'
}

@test "a later row of a record is compared with what the earlier one leaves" {
    records
    start_sim --records records
    cat >InventoryItem-1.csv <<'CSV'
record_id,version,sku,quantity,price,status
A-1,1,WH-1042,8,1.50,active
A-1,1,WH-1042,9,1.50,active
A-1,2,WH-1042,9,1.50,active
A-1,9,WH-1042,10,1.50,active
A-3,1,WH-1042,1,1.50,active
A-3,2,WH-1042,2,1.50,active
CSV
    ends 2 rowferry diff InventoryItem-1.csv
    rowferry ingest -q InventoryItem-1.csv
    ends 3 rowferry diff InventoryItem-1.csv --rate none --json --concurrency 1
    same '1 A-1 1 update
2 A-1 2 update
3 A-1 3 unchanged
4 A-1 3 conflict
5 A-3 2 conflict
6 A-3 2 update' "$(differences | cut -d ' ' -f 1-4)"
    same 2 "$(grep -c '"kind":"get"' requests)"
    # what a drain then does with them
    ends 3 rowferry drain --rate none
    same 'applied applied applied conflict conflict applied' "$(sql 'SELECT state FROM job ORDER BY id' | paste -sd ' ')"
}

@test "what was read is kept as known, so that the next drain reads nothing" {
    schema '{"version": "known"}'
    records
    start_sim --records records
    batch_file InventoryItem-1.csv 4
    sed -i 's/,version//; s/,1,WH/,WH/' InventoryItem-1.csv
    rowferry ingest -q InventoryItem-1.csv
    ends 0 rowferry diff 1 --rate none
    same 4 "$(grep -c '"kind":"get"' requests)"
    same 4 "$(sql "SELECT count(*) FROM known_record WHERE source = 'get'")"
    # known by now, but for --read
    ends 0 rowferry diff 1 --rate none
    same 4 "$(grep -c '"kind":"get"' requests)"
    ends 0 rowferry diff 1 --rate none --read
    same 8 "$(grep -c '"kind":"get"' requests)"
    ends 0 rowferry drain --rate none
    same 8 "$(grep -c '"kind":"get"' requests)"
    same 'applied unchanged applied unchanged' "$(sql 'SELECT state FROM job ORDER BY id' | paste -sd ' ')"
}

@test "with keepBefore, what diff has read is what the drain keeps" {
    schema '{"version": "known", "keepBefore": true}'
    records
    start_sim --records records
    batch_file InventoryItem-1.csv 1
    sed -i 's/,version//; s/,1,WH/,WH/' InventoryItem-1.csv
    rowferry ingest -q InventoryItem-1.csv
    ends 0 rowferry diff 1 --rate none
    ends 0 rowferry drain --rate none
    same 1 "$(grep -c '"kind":"get"' requests)"
    ends 0 rowferry export 1 --undo
    same '{"undo": true, "recordId": "A-1", "version": 2, "fields": {"sku":"WH-1042","quantity":7.00,"price":1.50,"status":"a\tb"}}' "$output"
    # what our own update left is not what a read shows
    sed 's/,1,1.50/,5,1.50/' InventoryItem-1.csv >InventoryItem-2.csv
    rowferry ingest -q InventoryItem-2.csv
    ends 0 rowferry drain --rate none
    same 2 "$(grep -c '"kind":"get"' requests)"
}

@test "a record that cannot be read is status 5, and the others are compared" {
    records
    start_sim --records records --answer get:A-2=500 --answer get:A-3=403
    batch_file InventoryItem-1.csv 4
    rowferry ingest -q InventoryItem-1.csv
    ends 5 rowferry diff 1 --rate none --max-retries 1 --json
    same $'1 A-1 1\n4 A-4 1' "$(differences | cut -d ' ' -f 1-3)"
    same 2 "$(summary .unread)"
    holds "$output" 'row 3 cannot be compared: 403'
    ends 5 rowferry diff 1 --rate none --max-retries 1
    holds "$stderr" '2 rows were not compared, because their records could not be read'
}

@test "a client without permission to read is status 6" {
    start_sim --answer get:A-=403
    batch_file InventoryItem-1.csv 3
    rowferry ingest -q InventoryItem-1.csv
    ends 6 rowferry diff 1 --rate none
    holds "$stderr" 'the API does not let us read records: 403'
    batch_file InventoryItem-1.csv 300
    ends 6 rowferry diff InventoryItem-1.csv --rate none
    [ "$(grep -c '"kind":"get"' requests)" -lt 100 ]
}

@test "a pause is kept, and limits are learned as by drain" {
    records
    start_sim --records records --rate-limit 2/s --retry-after 1
    batch_file InventoryItem-1.csv 4
    rowferry ingest -q InventoryItem-1.csv
    ends 3 rowferry diff 1 --rate none --json
    same 4 "$(differences | wc -l)"
    setting 'rate-limit=1/h&retry-after=3000'
    ends 5 rowferry diff 1 --rate none --max-wait 5
    ends 5 rowferry diff 1 --rate none --max-wait 5
    holds "$stderr" 'parked for'
    same 1 "$(sql 'SELECT count(*) FROM pause')"
}

@test "while a drain sends, diff names it and exits 7" {
    start_sim --latency-ms 200
    batch_file InventoryItem-1.csv 60
    rowferry ingest -q InventoryItem-1.csv
    "$BIN/rowferry" drain --rate none --concurrency 1 -q 3>&- &
    eventually grep -q '"kind":"put"' requests
    ends 7 rowferry diff 1 --rate none
    holds "$stderr" 'is sending from this database'
    kill $!
    wait $! || true
}

@test "diff, run, export --undo and run end where they began" {
    local plan

    schema '{"keepBefore": true, "version": "fetch"}'
    records
    start_sim --records records
    batch_file InventoryItem-1.csv 4
    rowferry ingest -q InventoryItem-1.csv
    ends 0 rowferry diff 1 --rate none --json
    plan=$(differences | cut -d ' ' -f 1,2,4-)
    ends 0 rowferry drain --rate none
    ends 0 rowferry diff InventoryItem-1.csv --rate none --json
    same 4 "$(summary .would_not)"
    rowferry export 1 --undo >InventoryItem-undo.ndjson 2>notes
    # the plan of the undo is the plan of the batch, the other way round
    ends 0 rowferry diff InventoryItem-undo.ndjson --rate none --json
    same 2 "$(summary .would_update)"
    ends 0 rowferry ingest InventoryItem-undo.ndjson
    ends 0 rowferry drain --rate none
    ends 0 rowferry diff InventoryItem-1.csv --rate none --json
    same "$plan" "$(differences | cut -d ' ' -f 1,2,4-)"
}

@test "a server that is not the API is status 2, one that only fails is status 5" {
    start_sim --answer get:A-=301
    batch_file InventoryItem-1.csv 300
    rowferry ingest -q InventoryItem-1.csv
    ends 2 rowferry diff 1 --rate none
    holds "$stderr" 'answered 301'
    holds "$stderr" 'it does not look like the API; check --environment'
    stop_sim
    start_sim --answer get:A-=500
    ends 5 rowferry diff 1 --rate none --max-retries 100
    holds "$stderr" 'too few requests succeed for their retries'
    [ "$(grep -c '"kind":"get"' requests)" -lt 150 ]
}

@test "a signal, or a drain that begins, ends the comparison" {
    local status=0

    start_sim --latency-ms 100
    batch_file InventoryItem-1.csv 200
    rowferry ingest -q InventoryItem-1.csv
    "$BIN/rowferry" diff 1 --rate none --concurrency 1 --json >out 2>err 3>&- &
    eventually grep -q difference out
    kill -TERM $!
    wait $! || status=$?
    same 143 "$status"
    output=$(cat out)
    same 143 "$(summary .exit_status)"
    [ "$(summary .would_update)" -gt 0 ]
    "$BIN/rowferry" diff 1 --rate none --concurrency 1 --json >out 2>err 3>&- &
    eventually grep -q difference out
    timeout 3 "$BIN/rowferry" drain --rate none --concurrency 1 -q 3>&- || true
    status=0
    wait $! || status=$?
    same 7 "$status"
    holds "$(cat err)" 'is sending from this database, at the pace that reads would share'
}

@test "standard input and an undo file are compared as well" {
    records
    start_sim --records records
    batch_file InventoryItem-1.csv 4
    rowferry ingest -q InventoryItem-1.csv
    ends 3 rowferry diff - --schema InventoryItem --format csv --rate none --json <InventoryItem-1.csv
    same '2 1 0 1' "$(summary '"\(.would_update) \(.would_not) \(.missing) \(.conflicts)"')"
    echo '{"undo": true, "recordId": "A-4", "version": 1, "fields": {"sku":"WH-1042","quantity":4,"price":1.50,"status":"active"}}' \
        >InventoryItem-undo.ndjson
    schema '{"version": "fetch"}'
    # whole, although the schema file merges
    ends 0 rowferry diff InventoryItem-undo.ndjson --rate none --json
    same '1 A-4 1 update note:x>null' "$(differences)"
    rowferry ingest -q InventoryItem-undo.ndjson
    ends 0 rowferry diff 2 --rate none --json
    same '1 A-4 1 update note:x>null' "$(differences)"
}
