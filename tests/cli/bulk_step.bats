#!/usr/bin/env bats
# Custom objects in requests of several rows, as an API with a version that rises by 1 could take them:
# `version: known`, keepBefore and the audit log, compared with the simulator's records and ledger.
load lib

setup() {
    in_a_folder
    mkdir inbox
}

teardown() {
    stop_sim
}

# schema [SETTINGS]: of InventoryItem, ten rows in a request
schema() {
    jq --argjson settings "${1:-{\}}" '."x-rowferry" += {target: {preset: "guide", bulk: {method: "POST",
        path: "/records-bulk/{schema}", list: "/records", max: 10,
        item: {id: "{id}", metadata: {tags: "{tags}", source: "{source}"}},
        results: {list: "", id: "/id", status: "/status", error: "/error", record: "/record"}}}} + $settings' \
        "$TOP/schema/InventoryItem.json" >schema/InventoryItem.json
}

# night NAME STATUS QUANTITY...: reads and sends a file of rows A-1, A-2, ... with these quantities
night() {
    local name=$1 status=$2 i=0 quantity

    shift 2
    {
        echo record_id,sku,quantity,price,status
        for quantity in "$@"; do echo "A-$((++i)),WH-1042,$quantity,1.50,active"; done
    } >"inbox/InventoryItem-$name.csv"
    : >requests
    ends "$status" run_inbox --json
}

# The requests since the night began: kinds with their numbers, without those for tokens
asked() {
    jq -r 'select(.kind != "token") | .kind' requests | sort | uniq -c | xargs
}

# The rows of each bulk request
sizes() {
    jq -r 'select(.kind == "bulk") | .rows' requests | xargs
}

known() {
    sql "SELECT coalesce(version, '-'), json_extract(fields, '\$.quantity'), source FROM known_record WHERE record_id = '$1'"
}

@test "what is known of records saves the reads, and only what changed is sent" {
    schema '{"version": "known"}'
    start_sim --base-version 3
    night a 0 $(seq 1 25)
    same '3 bulk 25 get' "$(asked)"
    same '25 0 28 0 25 0' "$(summary '"\(.applied) \(.unchanged) \(.requests) \(.skipped) \(.fetched) \(.drifted)"')"
    same '4|2|put' "$(known A-2)"
    night b 0 101 $(seq 2 24) 125
    same '1 bulk' "$(asked)"
    same 2 "$(sizes)"
    same '2 23 1 23 0 0' "$(summary '"\(.applied) \(.unchanged) \(.requests) \(.skipped) \(.fetched) \(.drifted)"')"
    same '5|101|put' "$(known A-1)"
    same '5|125|put' "$(known A-25)"
    same '4|2|put' "$(known A-2)"
    same '27 27' "$(jq -r .id ledger | wc -l) $(jq -r '"\(.id) \(.version)"' ledger | sort -u | wc -l)"
}

@test "what somebody else has changed is found by the result of its row, and read again" {
    schema '{"version": "known"}'
    start_sim
    night a 0 1 2 3 4
    someone_else A-3 '{"sku":"WH-9999","quantity":9,"color":"red"}'
    night b 0 11 12 13 4
    same '2 bulk 1 get' "$(asked)"
    same '3 1' "$(sizes)"
    same '3 1' "$(summary '"\(.applied) \(.skipped)"')"
    same '[4,{"color":"red","price":1.5,"quantity":13,"sku":"WH-1042","status":"active"}]' "$(record A-3)"
    same '4|13|put' "$(known A-3)"
    same '3|11|put' "$(known A-1)"
}

@test "a request that is lost, before it is applied and after: what is known stays right" {
    local fault quantity=10

    schema '{"version": "known"}'
    start_sim
    night a 0 1 2 3 4
    for fault in cut-before cut-after; do
        setting fault=none && setting "fault=$fault=1" && setting fault-limit=1
        quantity=$((quantity + 1))
        night "$fault" 0 $quantity $quantity 3 4
        # the two rows are read back; what did not land is sent again
        case $fault in
        cut-before) same '2 bulk 2 get' "$(asked)" ;;
        cut-after) same '1 bulk 2 get' "$(asked)" ;;
        esac
    done
    same '4|12|get' "$(known A-2)"
    same '[4,12]' "$(record A-2 | jq -c '[.[0], .[1].quantity]')"
    same '3 3 1 1' "$(jq -r .id ledger | sort | uniq -c | awk '{ print $1 }' | xargs)"
}

@test "the audit log is asked for each row of a request" {
    schema '{"version": "fetch"}'
    unset ROWFERRY_AUDIT
    start_sim
    night a 0 $(seq 1 60)
    same '60 0 0' "$(summary '[.audited, .audit_missing, .audit_mismatch] | join(" ")')"
    same 'verified 60' "$(sql 'SELECT verdict, count(*) FROM audit GROUP BY verdict' | tr '|' ' ')"
    same '3 audit 6 bulk 60 get' "$(asked)"
}

# in_doubt FAULT: an update of A-1 and A-2 whose answer was lost, and whose read-backs fail so far
in_doubt() {
    schema
    start_sim --fault "$1=1" --fault get:500-before=1
    batch_file inbox/InventoryItem-a.csv 2
    ends 5 run_inbox --max-retries 0
    same 'unknown 2' "$(sql 'SELECT state, count(*) FROM job GROUP BY state' | tr '|' ' ')"
    same 1 "$(jq -r 'select(.kind == "bulk").kind' requests | wc -l)"
    : >requests
    setting fault=none
    someone_else A-1 '{"sku":"XX-0001"}' 11111111-2222-4333-8444-555555555555
    someone_else A-1 '{"sku":"XX-0002"}' 11111111-2222-4333-8444-555555555555
}

@test "the audit log decides on a row of a lost request that was overwritten" {
    in_doubt cut-after
    ends 0 run_inbox
    same 'A-1 applied 2
A-2 applied 2' "$(sql "SELECT record_id || ' ' || state || ' ' || server_version FROM job")"
    holds "$(sql 'SELECT evidence FROM attempt')" 'the audit log has the next version with our correlation id; superseded since'
    same '2' "$(jq -r 'select(.correlation_id != "11111111-2222-4333-8444-555555555555").id' ledger | wc -l)"
}

@test "a row that did not land, followed by two others, is a conflict; its neighbour is sent again" {
    in_doubt cut-before
    ends 3 run_inbox
    same 'A-1 conflict 3
A-2 applied 2' "$(sql "SELECT record_id || ' ' || state || ' ' || server_version FROM job")"
    same 'proven' "$(sql 'SELECT evidence FROM conflict')"
    same 1 "$(sizes)"
}

# Two rows of A-2; A-3 is at another version than the row says.
@test "keepBefore keeps what each row of a request replaced, and export --undo brings it back" {
    local settings before

    cat >records <<'JSON'
{"schema":"InventoryItem","id":"A-1","version":1,"fields":{"sku":"WH-1001","quantity":7.00,"note":"caf\u00e9 \"x\"\\","big":12345678901234567890.10}}
{"schema":"InventoryItem","id":"A-2","version":1,"fields":{"sku":"not a sku","quantity":-2,"price":1e2,"deep":{"a":[1, 2.0,null]}}}
{"schema":"InventoryItem","id":"A-3","version":2,"fields":{"quantity":0.0}}
{"schema":"InventoryItem","id":"A-4","version":1,"fields":{}}
JSON
    for settings in '{"keepBefore": true}' '{"keepBefore": true, "version": "fetch", "write": "replace"}' \
        '{"keepBefore": true, "version": "known"}'; do
        schema "$settings"
        start_sim --records records
        before=$(fields_of 4)
        {
            echo record_id,version,sku,quantity,price,status
            for row in A-1,1 A-2,1 A-2,1 A-3,1 A-4,1; do echo "$row,WH-1042,1$((i++)),1.50,active"; done
        } >InventoryItem-1.csv
        rowferry ingest -q InventoryItem-1.csv
        run rowferry drain --rate none
        [ "$before" != "$(fields_of 4)" ]
        [ "$(sizes | wc -w)" -ge 2 ]
        rowferry export 1 --undo >InventoryItem-undo.ndjson 2>notes
        ends 0 rowferry ingest InventoryItem-undo.ndjson
        ends 0 rowferry drain --rate none
        same "$before" "$(fields_of 4)"
        same '' "$(jq -r 'select(.kind != "get" and .kind != "bulk" and .kind != "token").kind' requests)"
        stop_sim
        rm -f rowferry.db* ledger requests ./*.ndjson
    done
}
