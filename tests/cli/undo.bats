# What records held before our updates, and putting it back (keepBefore, export --undo).
load lib

# schema SETTINGS: of the object InventoryItem, as JSON
schema() {
    jq --argjson settings "$1" '."x-rowferry" = $settings' "$TOP/schema/InventoryItem.json" \
        >schema/InventoryItem.json
}

# Records that no row of ours could have made: other members, other digits, a value that the schema
# file would reject.
odd_records() {
    cat >records <<'JSON'
{"schema":"InventoryItem","id":"A-1","version":1,"fields":{"sku":"WH-1001","quantity":7.00,"note":"caf\u00e9 \"x\"\\","big":12345678901234567890.10}}
{"schema":"InventoryItem","id":"A-2","version":1,"fields":{"sku":"not a sku","quantity":-2,"price":1e2,"deep":{"a":[1, 2.0,null]}}}
{"schema":"InventoryItem","id":"A-3","version":2,"fields":{"quantity":0.0}}
{"schema":"InventoryItem","id":"A-4","version":1,"fields":{}}
JSON
}

# Two rows of A-2, one of a version that A-3 does not have any more
rows() {
    cat >"$1" <<'CSV'
record_id,version,sku,quantity,price,status
A-1,1,WH-1042,10,1.50,active
A-2,1,WH-1042,11,1.50,active
A-2,1,WH-1042,12,1.50,active
A-3,1,WH-1042,13,1.50,active
A-4,1,WH-1042,14,1.50,active
CSV
}

undo() {
    rowferry export "$@" --undo 2>notes
}

@test "run, export --undo and run bring the records back, byte for byte" {
    local settings before

    odd_records
    for settings in '{"keepBefore": true}' '{"keepBefore": true, "write": "replace"}' \
        '{"keepBefore": true, "version": "fetch"}' \
        '{"keepBefore": true, "version": "fetch", "write": "replace"}'; do
        schema "$settings"
        start_sim --records records
        before=$(fields_of 4)
        rows InventoryItem-1.csv
        rowferry ingest -q InventoryItem-1.csv
        run rowferry drain --rate none
        [ "$before" != "$(fields_of 4)" ]
        undo 1 >InventoryItem-undo.ndjson
        ends 0 rowferry ingest InventoryItem-undo.ndjson
        ends 0 rowferry drain --rate none
        same "$before" "$(fields_of 4)" || return
        # and forth again
        undo 2 >InventoryItem-redo.ndjson
        ends 0 rowferry ingest InventoryItem-redo.ndjson
        ends 0 rowferry drain --rate none
        same 12 "$(record A-2 | jq '.[1].quantity')"
        stop_sim
        rm -f rowferry.db* ledger requests ./*.ndjson
    done
}

@test "a change by someone else since is a conflict, and the only one" {
    schema '{"keepBefore": true, "version": "fetch"}'
    odd_records
    start_sim --records records
    before=$(fields_of 4 | sed 1d)
    rows InventoryItem-1.csv
    ends 0 rowferry ingest InventoryItem-1.csv
    ends 0 rowferry drain --rate none
    undo 1 >InventoryItem-undo.ndjson
    someone_else A-1 '{"quantity":99}'
    ends 0 rowferry ingest InventoryItem-undo.ndjson
    ends 3 rowferry drain --rate none
    same $'A-1 conflict\nA-2 applied\nA-3 applied\nA-4 applied' \
        "$(sql "SELECT record_id || ' ' || state FROM job WHERE batch_id = 2 ORDER BY record_id")"
    same '[3,{"quantity":99}]' "$(record A-1)"
    same "$before" "$(fields_of 4 | sed 1d)"
    # ours, after all: all of it, although the schema file merges
    ends 0 rowferry resolve --ours --batch 2
    ends 0 rowferry drain --rate none
    same '{"sku":"WH-1001","quantity":7.00,"note":"caf\u00e9 \"x\"\\","big":12345678901234567890.10}' \
        "$(fields_of 1)"
}

@test "--on-conflict rebase puts nothing back over a later change" {
    schema '{"keepBefore": true, "version": "fetch"}'
    odd_records
    start_sim --records records
    rows InventoryItem-1.csv
    ends 0 rowferry ingest InventoryItem-1.csv
    ends 0 rowferry drain --rate none
    undo 1 >InventoryItem-undo.ndjson
    someone_else A-1 '{"quantity":99}'
    ends 0 rowferry ingest InventoryItem-undo.ndjson
    ends 3 rowferry drain --rate none --on-conflict rebase
    same 'A-1 conflict' \
        "$(sql "SELECT record_id || ' ' || state FROM job WHERE batch_id = 2 AND state <> 'applied'")"
    same '[3,{"quantity":99}]' "$(record A-1)"
}

@test "fields that an update added count as a difference to what is put back" {
    schema '{"keepBefore": true, "version": "fetch"}'
    start_sim
    batch_file InventoryItem-1.csv 1
    rowferry ingest -q InventoryItem-1.csv
    rowferry drain --rate none -q
    undo 1 >InventoryItem-undo.ndjson
    same '{"undo": true, "recordId": "A-1", "version": 2, "fields": {}}' "$(cat InventoryItem-undo.ndjson)"
    someone_else A-1 '{"sku":"WH-1042","more":1}'
    rowferry ingest -q InventoryItem-undo.ndjson
    # the record has all of {}, and more
    ends 3 rowferry drain --rate none
    same conflict "$(sql 'SELECT state FROM job WHERE batch_id = 2')"
}

@test "lost answers, delays and refusals change nothing about what is kept" {
    local before

    schema '{"keepBefore": true}'
    start_sim --stall-ms 300 --fault cut-after=0.2 --fault 503-before=0.05 --fault 504-after=0.1 \
        --fault get:500-before=0.1 --fault get:cut-before=0.1
    batch_file InventoryItem-0.csv 20
    sed -i 's/1.50,active/0.10,active/' InventoryItem-0.csv
    rowferry ingest -q InventoryItem-0.csv
    eventually rowferry drain --rate none --max-attempts 100 -q
    before=$(fields_of 20)
    sed 's/,1,WH-1042/,2,WH-7042/' InventoryItem-0.csv >InventoryItem-1.csv
    rowferry ingest -q InventoryItem-1.csv
    eventually rowferry drain --rate none --max-attempts 100 -q
    undo 2 >InventoryItem-undo.ndjson
    same 20 "$(wc -l <InventoryItem-undo.ndjson)"
    rowferry ingest -q InventoryItem-undo.ndjson
    eventually rowferry drain --rate none --max-attempts 100 -q
    same "$before" "$(fields_of 20)"
}

@test "jobs are chosen by state and record, and those without a change are counted" {
    schema '{"keepBefore": true}'
    odd_records
    start_sim --records records
    rows InventoryItem-1.csv
    rowferry ingest -q InventoryItem-1.csv
    ends 3 rowferry drain --rate none
    ends 0 rowferry export 1 --undo
    same 3 "${#lines[@]}"
    same 'rowferry: batch 1: 3 records, which 4 jobs changed; left out: 1 job without a change' "$stderr"
    ends 0 rowferry export 1 --undo --record A-2
    same '{"undo": true, "recordId": "A-2", "version": 3, "fields": {"sku":"not a sku","quantity":-2,"price":1e2,"deep":{"a":[1, 2.0,null]}}}' \
        "$output"
    ends 0 rowferry export 1 --undo --state conflict
    same '' "$output"
    ends 0 rowferry export 1 --record A-3
    same 2 "${#lines[@]}"
    ends 2 rowferry export 1 --undo --format csv
    holds "$stderr" '--undo writes NDJSON only: leave out --format csv'
}

@test "jobs that are not at their end, or failed in doubt, are named as such" {
    schema '{"keepBefore": true, "version": "known"}'
    start_sim
    batch_file InventoryItem-1.csv 4
    rowferry ingest -q InventoryItem-1.csv
    ends 0 rowferry export 1 --undo
    same '' "$output"
    same 'rowferry: batch 1: 0 records, which 0 jobs changed
rowferry: batch 1: left out: 4 jobs still to be sent or read back: cancel or drain the batch, and export again' "$stderr"
    # what diff has read is kept, so that the drain reads only what it is in doubt about
    rowferry diff 1 --rate none -q >/dev/null
    setting 'fault=500-after=1&fault-limit=1&answer=get:A-=500'
    ends 3 rowferry drain --rate none --max-attempts 1
    same "failed|1" "$(sql "SELECT state, unsettled FROM job WHERE state <> 'applied'")"
    ends 3 rowferry export 1 --undo
    same 3 "${#lines[@]}"
    same 'rowferry: batch 1: 3 records, which 3 jobs changed
rowferry: batch 1: left out: 1 failed job that may have changed the record: `rowferry retry` the batch, drain it, and export again' "$stderr"
}

@test "what could not be kept is named, and the rest is put back" {
    schema '{"keepBefore": true}'
    start_sim --answer get:A-2=404
    batch_file InventoryItem-1.csv 3
    rowferry ingest -q InventoryItem-1.csv
    ends 0 rowferry drain --rate none
    ends 3 rowferry export 1 --undo
    same 2 "${#lines[@]}"
    holds "$stderr" 'batch 1: it is not known what the record held before 1 job: 1/2'
}

@test "a read that lags is repeated before the update is sent" {
    schema '{"keepBefore": true}'
    start_sim --read-lag-ms 300
    batch_file InventoryItem-1.csv 1
    sed 's/,1,WH-1042,1,/,2,WH-1042,2,/' InventoryItem-1.csv >InventoryItem-2.csv
    rowferry ingest -q InventoryItem-1.csv InventoryItem-2.csv
    ends 0 rowferry drain --rate none
    ends 0 rowferry export 2 --undo
    same '{"undo": true, "recordId": "A-1", "version": 3, "fields": {"sku":"WH-1042","quantity":1,"price":1.50,"status":"active"}}' \
        "$output"
}

@test "without keepBefore nothing is fetched and nothing can be put back" {
    start_sim
    batch_file InventoryItem-1.csv 2
    rowferry ingest -q InventoryItem-1.csv
    rowferry drain --rate none -q
    same 0 "$(grep -c '"kind":"get"' requests)"
    ends 2 rowferry export 1 --undo
    holds "$stderr" 'batch 1: what its records held before was not kept: set "keepBefore": true in the schema file'
}

@test "what is kept can be read with sqlite3, and goes with its batch" {
    schema '{"keepBefore": true}'
    odd_records
    start_sim --records records
    batch_file InventoryItem-1.csv 1
    rowferry ingest -q InventoryItem-1.csv
    rowferry drain --rate none -q
    same "$(sed 's/.*"fields"://; s/}$//; q' records)" \
        "$(sql 'SELECT sqlar_uncompress(fields, size) FROM before_update')"
    ends 0 rowferry prune --older-than 0s --yes
    same 0 "$(sql 'SELECT count(*) FROM before_update')"
}

@test "an export of a batch that undoes can be loaded as one that undoes" {
    schema '{"keepBefore": true, "version": "fetch"}'
    start_sim
    batch_file InventoryItem-1.csv 2
    rowferry ingest -q InventoryItem-1.csv
    rowferry drain --rate none -q
    undo 1 >InventoryItem-undo.ndjson
    ends 0 rowferry validate InventoryItem-undo.ndjson
    lacks "$stderr" 'versions are ignored'
    rowferry ingest -q InventoryItem-undo.ndjson
    rowferry drain --rate none -q
    rowferry export 2 >InventoryItem-again.ndjson 2>/dev/null
    sed 1d InventoryItem-undo.ndjson | sed 's/"undo": true, //' >>InventoryItem-again.ndjson
    ends 3 rowferry validate InventoryItem-again.ndjson
    same 1 "$(grep -c ':3: A-2: "undo": true must be in each line of a file, or in none' <<<"$output")"
}
