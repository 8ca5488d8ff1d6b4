# `version: known`: what is known of records saves requests, and what is wrong about it is found.
load lib
load notify

teardown() {
    drop_listen
    stop_sim
}

# knowing [MEMBERS]: the schema asks for it, with further members of x-rowferry
knowing() {
    jq ".[\"x-rowferry\"] += {version: \"known\"} + ${1:-{\}}" \
        "$TOP/schema/InventoryItem.json" >schema/InventoryItem.json
}

# night NAME QUANTITY...: a file of rows A-1, A-2, ... with these quantities, read and sent; the
# summary is in $output. The status is NIGHT, or 0, with --max-retries RETRIES, or 3.
night() {
    local name=$1 i=0 quantity

    shift
    mkdir -p inbox
    {
        echo record_id,sku,quantity,price,status
        for quantity in "$@"; do
            i=$((i + 1))
            echo "A-$i,WH-1042,$quantity,1.50,active"
        done
    } >"inbox/InventoryItem-$name.csv"
    ends "${NIGHT:-0}" run_inbox --json --force --max-retries "${RETRIES:-3}"
}

# sent KIND [ID]: how many requests of that kind (for that record) the simulator has got
sent() {
    jq -r --arg id "${2:-}" "select(.kind == \"$1\" and (\$id == \"\" or .id == \$id)) | .kind" requests | wc -l
}

# What is known of a record: VERSION|FIELDS|SOURCE
known() {
    sql "SELECT coalesce(version, '-'), json_extract(fields, '\$.quantity'), source FROM known_record WHERE record_id = '$1'"
}

# ages RECORD DAYS: what is known of it was seen so much earlier
ages() {
    sql "UPDATE known SET seen_ms = seen_ms - $2 * 86400000, since_ms = since_ms - $2 * 86400000 WHERE record_id = '$1'"
}

@test "the second night fetches nothing, and sends what changed in the file" {
    start_sim --base-version 3
    knowing
    night a 1 2 3 4
    same '4 0 8 0 4 0' "$(summary '"\(.applied) \(.unchanged) \(.requests) \(.skipped) \(.fetched) \(.drifted)"')"
    same '4|2|put' "$(known A-2)"
    night b 1 2 5 4
    same '1 3 1 3 0 0' "$(summary '"\(.applied) \(.unchanged) \(.requests) \(.skipped) \(.fetched) \(.drifted)"')"
    same '5|5|put' "$(known A-3)"
    same '[5,{"price":1.5,"quantity":5,"sku":"WH-1042","status":"active"}]' "$(record A-3)"
    # nothing changed: no request, not even for a token
    stop_sim
    printf 'record_id,sku,quantity,price,status\nA-1,WH-1042,1.0,1.5,active\n' >inbox/InventoryItem-c.csv
    ends 0 run_inbox --json --metrics-file metrics.prom
    same '1 0 1' "$(summary '"\(.unchanged) \(.requests) \(.skipped)"')"
    grep -q '^rowferry_run_rows_skipped{.*} 1$' metrics.prom
    same 0 "$(sql 'SELECT count(*) FROM attempt WHERE job_id > 3000000000')"
    ends 0 rowferry history A-1
    holds "$output" 'state: unchanged, server version 4, by what was known: no request was sent'
    ends 0 rowferry status
    holds "$output" 'known: 4 records of InventoryItem, seen '
    ends 0 rowferry status --json
    same 'InventoryItem 4' "$(jq -r 'select(.event == "known") | "\(.schema) \(.records)"' <<<"$output")"
    run rowferry doctor
    holds "$output" 'known: 4 records of InventoryItem, seen '
}

@test "the summary for people says what was skipped, fetched and found changed" {
    start_sim
    knowing
    night a 1 2 3
    someone_else A-2 '{"quantity":9}'
    printf 'record_id,quantity\nA-1,1\nA-2,7\nA-4,4\n' >inbox/InventoryItem-b.csv
    ends 0 run_inbox
    holds "$output" '1 row skipped, whose values are known to be there; 2 fetched; 1 changed by somebody else since they were known'
}

@test "a version in the file is ignored, with a notice" {
    start_sim
    knowing
    batch_file inbox/InventoryItem-a.csv 2
    ends 0 run_inbox
    holds "$stderr" 'its versions are ignored: the schema file has them fetched'
    batch_file inbox/InventoryItem-b.csv 3
    ends 0 run_inbox --json
    same '2 1' "$(summary '"\(.skipped) \(.applied)"')"
    printf '{"recordId":"A-1","version":77,"fields":{"quantity":1.00}}\n{"recordId":"A-2","fields":{"quantity":8}}\n' \
        >inbox/InventoryItem-c.ndjson
    ends 0 run_inbox --json
    same '1 1 1' "$(summary '"\(.skipped) \(.applied) \(.requests)"')"
}

@test "a 409 on a known version is not a conflict: the record is fetched, and the row sent" {
    start_sim
    knowing
    night a 1 2 3
    someone_else A-2 '{"quantity":9,"note":"theirs"}'
    night b 1 5 3
    same '1 0 2 1 1' "$(summary '"\(.applied) \(.conflict) \(.skipped) \(.fetched) \(.drifted)"')"
    same '[4,{"note":"theirs","price":1.5,"quantity":5,"sku":"WH-1042","status":"active"}]' "$(record A-2)"
    same '4|5|put' "$(known A-2)"
    # the other fields of the record are known now, and kept
    night c 1 6 3
    same '1 1' "$(summary '"\(.applied) \(.requests)"')"
    same '[5,{"note":"theirs","price":1.5,"quantity":6,"sku":"WH-1042","status":"active"}]' "$(record A-2)"
    # the other change was the same as ours
    someone_else A-3 '{"sku":"WH-1042","quantity":8,"price":1.50,"status":"active"}'
    night d 1 6 8
    same '0 3 2' "$(summary '"\(.applied) \(.unchanged) \(.skipped)"')"
    same '3' "$(record A-3 | jq '.[0]')"
}

@test "what our own updates changed, of another copy or before a restore, has not drifted" {
    start_sim
    knowing
    night a 1 2 3 4
    sql ".backup copy.db"
    night b 1 5 6 4
    cp copy.db rowferry.db
    rm -f rowferry.db-wal rowferry.db-shm
    someone_else A-3 '{"quantity":9}'
    # A-2 is as the lost database left it, A-3 was changed by somebody else after it
    night b 1 5 6 4
    same '2 0 2 1' "$(summary '"\(.applied) \(.conflict) \(.skipped) \(.drifted)"')"
    # A-4 comes due and is read: it is as another copy left it
    sql ".backup copy.db"
    night c 1 5 6 7
    cp copy.db rowferry.db
    rm -f rowferry.db-wal rowferry.db-shm
    ages A-4 31
    night c 1 5 6 7
    same '1 0' "$(summary '"\(.applied) \(.drifted)"')"
}

@test "a record that moves on before each update is fetched three times, and then parked" {
    start_sim
    knowing
    night a 1
    setting 'answer=put:A-1=409'
    NIGHT=5 RETRIES=0 night b 2
    same '3' "$(sql "SELECT rounds FROM rebase WHERE job_id > 2000000000")"
    setting 'answer=put:A-1=0'
    ends 0 rowferry drain --rate none
    same '[3,{"price":1.5,"quantity":2,"sku":"WH-1042","status":"active"}]' "$(record A-1)"
    same '3|2|put' "$(known A-1)"
}

@test "write: replace skips only records without other fields" {
    start_sim
    knowing '{write: "replace"}'
    night a 1 2
    someone_else A-2 '{"sku":"WH-1042","quantity":2,"price":1.50,"status":"active","note":"theirs"}'
    night b 1 2
    same '2' "$(summary .skipped)" # nobody has reported it
    sql "DELETE FROM known_record WHERE record_id = 'A-2'"
    night c 1 2
    same '1 1' "$(summary '"\(.skipped) \(.fetched)"')"
    same '[4,{"price":1.5,"quantity":2,"sku":"WH-1042","status":"active"}]' "$(record A-2)"
    # merged into it, the note would be kept, and the row be there already
    someone_else A-2 '{"sku":"WH-1042","quantity":2,"price":1.50,"status":"active","note":"theirs"}'
    sql "DELETE FROM known_record WHERE record_id = 'A-2'"
    knowing
    night d 1 2
    same '5|2|get' "$(known A-2)"
    same '1 2' "$(summary '"\(.skipped) \(.unchanged)"')"
    knowing '{write: "replace"}'
    night e 1 2
    same '1 0' "$(summary '"\(.applied) \(.fetched)"')"
    same '[6,{"price":1.5,"quantity":2,"sku":"WH-1042","status":"active"}]' "$(record A-2)"
}

@test "unchanged: send sends rows whose values are there, known or fetched" {
    start_sim
    knowing '{unchanged: "send"}'
    night a 1
    night b 1
    same '1 0 1' "$(summary '"\(.applied) \(.skipped) \(.requests)"')"
    sql 'DELETE FROM known_record'
    night c 1.0
    same '1 0 2' "$(summary '"\(.applied) \(.skipped) \(.requests)"')"
    same 4 "$(record A-1 | jq '.[0]')"
}

@test "what is known counts for half of knownFor to all of it" {
    start_sim
    knowing '{knownFor: "30d"}'
    night a 1 2 3 4 5 6
    someone_else A-2 '{"quantity":9}'
    someone_else A-3 '{"quantity":9}'
    ages A-1 14
    ages A-2 31
    ages A-5 31
    night b 1 2 3 4 5 6
    # A-2 is found changed; that A-3 is, is still to come
    same '4 2 1 1 1' "$(summary '"\(.skipped) \(.fetched) \(.drifted) \(.applied) \(.unchanged - .skipped)"')"
    same 2 "$(record A-2 | jq '.[1].quantity')"
    ages A-3 31
    knowing '{knownFor: 0}'
    night c 1 2 3 4 5 6
    same '6 0' "$(summary '"\(.skipped) \(.fetched)"')"
    # 120 records of one age between half and all: some count
    knowing
    sql "INSERT INTO known WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120) SELECT 'InventoryItem',
        'B-' || i, 1, json_object('quantity', i), (unixepoch() - 22.5 * 86400) * 1000, 0, 'get' FROM n"
    { echo record_id,quantity; for i in {1..120}; do echo "B-$i,$i"; done; } >inbox/InventoryItem-d.csv
    ends 0 run_inbox --json
    summary .skipped
    [ "$(summary '.skipped > 30 and .skipped < 90 and .skipped + .fetched == 120')" = true ]
}

# dated_night N: night N of 300 rows, of which each night changes 15, N days from now
dated_night() {
    mkdir -p inbox
    awk -v night="$1" 'BEGIN {
        print "record_id,sku,quantity,price,status"
        for (i = 1; i <= 300; i++)
            printf "A-%d,WH-1042,%d,1.50,active\n", i, 1 + (night >= i % 20)
    }' >"inbox/InventoryItem-$1.csv"
    : >requests
    ends 0 with_clock $(($1 * 86400000)) "$BIN/rowferry" run inbox --min-age 0 --rate none --json
    jq -r --argjson night "$1" 'select(.kind == "get" or .kind == "put") | "\(.id) \($night)"' requests >>nights
}

@test "a night sends what changed and reads the due share, and foreign changes are found within knownFor" {
    local n due

    needs_clock
    start_sim --base-version 1
    knowing '{knownFor: "10d"}'
    dated_night 0
    # rows that the file does not change in nights 1 to 12
    for n in 15 16 17; do
        someone_else "A-$n" '{"quantity":99}'
    done
    for n in {1..12}; do
        due=$(sql "SELECT count(*) FROM known WHERE seen_ms <= (unixepoch() + ($n - 5) * 86400 + 60) * 1000")
        dated_night "$n"
        summary '"\(.requests) \(.fetched) \(.drifted)"'
        # 15 rows changed; what is younger than half of knownFor is never read
        same "15 true" "$(summary "\"\(.applied - .drifted) \(.fetched <= $due and .requests <= 15 + $due + 3)\"")"
        # a full load does not come due in one night
        [ "$(summary .fetched)" -le 120 ]
        echo "$(summary .drifted)" >>drifted
    done
    same 3 "$(awk '{ n += $1 } END { print n }' drifted)"
    for n in 15 16 17; do
        same 1 "$(record "A-$n" | jq '.[1].quantity')"
        same 1 "$(jq -r "select(.id == \"A-$n\") | .foreign // false" ledger | tail -n 2 | grep -c true)"
    done
    # by night 10, each record has been read or updated in the last ten nights
    same 300 "$(awk '$2 >= 1 && $2 <= 10 && !($1 in seen) { seen[$1]; n++ } END { print n }' nights)"
    same 300 "$(awk '$2 >= 3 && !($1 in seen) { seen[$1]; n++ } END { print n }' nights)"
    same "0" "$(sql "SELECT count(*) FROM job WHERE state NOT IN ('applied', 'unchanged')")"
}

@test "rows of one record follow each other by what the one before made known" {
    start_sim
    knowing
    night a 1 1
    printf 'record_id,quantity\nA-1,2\nA-1,2\nA-1,3\nA-2,1\nA-2,5\nA-2,1\nA-2,1.0\nA-3,4\nA-3,4\nA-3,4\n' >inbox/InventoryItem-b.csv
    ends 0 run_inbox --json
    same '2|applied
2|unchanged
3|applied
1|unchanged
5|applied
1|applied
1.0|unchanged
4|applied
4|unchanged
4|unchanged' "$(sql "SELECT fields -> '\$.quantity', state FROM job WHERE batch_id = 2 ORDER BY row_no")"
    same '6 1 5' "$(summary '"\(.requests) \(.fetched) \(.skipped)"')"
    same '[4,3] [4,1] [2,4]' "$(echo $(for id in 1 2 3; do record A-$id | jq -c '[.[0], .[1].quantity]'; done))"
    # a row waits for one of an earlier batch that is not sent yet
    setting 'answer=put:A-1=503'
    NIGHT=5 RETRIES=0 night c 9
    printf 'record_id,quantity\nA-1,3\n' >inbox/InventoryItem-d.csv
    ends 5 run_inbox --json --max-retries 0
    same 'pending' "$(sql "SELECT state FROM job WHERE batch_id = 4")"
    setting 'answer=put:A-1=0'
    ends 0 rowferry drain --rate none
    same 'applied|applied' "$(sql "SELECT (SELECT state FROM job WHERE batch_id = 3), state FROM job WHERE batch_id = 4")"
    same 3 "$(record A-1 | jq '.[1].quantity')"
}

@test "an update in doubt makes its record unknown until it is read back" {
    start_sim
    knowing
    night a 1 2
    setting fault=cut-after=1
    setting fault=get:500-before=1
    NIGHT=5 RETRIES=0 night b 1 5
    same '2|1|put' "$(known A-1)"
    same '' "$(known A-2)"
    # given up, and still unknown: the same values as before are not taken for there
    ends 3 rowferry drain --rate none --max-attempts 1
    same 'failed' "$(sql "SELECT state FROM job WHERE batch_id = 2 AND row_no = 2")"
    setting fault=none
    night c 1 2
    same '1 1 1' "$(summary '"\(.skipped) \(.fetched) \(.applied)"')"
    same 2 "$(record A-2 | jq '.[1].quantity')"
}

@test "a record that is gone is not known any more" {
    start_sim
    knowing
    night a 1 2
    setting 'answer=all:A-2=404:not.found'
    NIGHT=3 night b 1 3
    same 'refused' "$(sql "SELECT state FROM job WHERE batch_id = 2 AND row_no = 2")"
    same '' "$(known A-2)"
    setting 'answer=all:A-2=0'
    night c 1 2
    same '1 1' "$(summary '"\(.skipped) \(.unchanged - .skipped)"')"
}

@test "what a notification reports counts: fields without a version" {
    local now

    now=$(date -u -d '+6 minutes' +%Y-%m-%dT%H:%M:%SZ)
    start_sim
    knowing
    night a 1 2 3
    someone_else A-1 '{"quantity":7}'
    someone_else A-2 '{"quantity":8}'
    { notification A-1 7 "$now"; notification A-2 8 "$now"; } | sed 's/"n"/"quantity"/' >notes
    ends 5 rowferry forward notes
    same '-|7|notification' "$(known A-1)"
    ages A-1 1
    ages A-2 1
    # A-1 has the row's value, and for A-2 the version is missing
    printf 'record_id,quantity\nA-1,7\nA-2,2\nA-3,3\n' >inbox/InventoryItem-b.csv
    ends 5 run_inbox --json # the deliveries are left
    same '2 1 1 0' "$(summary '"\(.skipped) \(.fetched) \(.applied) \(.drifted)"')"
    same '[4,2]' "$(record A-2 | jq -c '[.[0], .[1].quantity]')"
    same '4|2|put' "$(known A-2)"
    # one that is older than what is known changes nothing, one that can be either makes unknown
    { notification A-1 1 2020-01-01T00:00:00Z; notification A-2 1 2020-01-01T00:00:00Z
      notification A-3 9 "$(date -u +%Y-%m-%dT%H:%M:%SZ)"; } | sed 's/"n"/"quantity"/' >notes
    ends 5 rowferry forward notes
    same '-|7|notification 4|2|put ' "$(known A-1) $(known A-2) $(known A-3)"
}

@test "the echo of our own update leaves its version known" {
    start_sim
    knowing
    night a 1
    sql "SELECT updated_ms FROM job" >updated
    printf '{"action":"update","schemaName":"InventoryItem","record":{"id":"A-1","modifiedTime":"%s","modifiedBy":{"id":"sim-client"},"fields":{"price":1.5,"quantity":1.0,"sku":"WH-1042","status":"active"}}}\n' \
        "$(date -u -d "@$(($(cat updated) / 1000))" +%Y-%m-%dT%H:%M:%SZ)" >notes
    ends 0 rowferry forward notes
    same 'echo' "$(sql 'SELECT state FROM notification')"
    same '2|1|put' "$(known A-1)"
}

@test "webhooks during a night keep what it makes known, and one about another change counts" {
    start_sim
    knowing
    start_listen
    setting "webhook-url=$HOOK"
    batch_file inbox/InventoryItem-a.csv 100
    ends 0 run_inbox
    eventually notified echo 100
    same 'put|100|100' "$(sql 'SELECT source, count(*), count(version) FROM known_record GROUP BY source')"
    someone_else A-7 '{"quantity":70}'
    eventually notified accepted 1
    # too near to our own update for two clocks, so that the record is read
    sed 's/^A-9,1,WH-1042,9,/A-9,1,WH-1042,10,/' inbox/done/InventoryItem-a.csv >inbox/InventoryItem-b.csv
    ends 5 run_inbox --json # the delivery is left
    same '98 1 2 3 0' "$(summary '"\(.skipped) \(.fetched) \(.applied) \(.requests) \(.drifted)"')"
    same 7 "$(record A-7 | jq '.[1].quantity')"
}

# notified STATE COUNT
notified() {
    [ "$(sql "SELECT count(*) FROM notification WHERE state = '$1'")" -eq "$2" ]
}

@test "pruned batches leave what is known, and a person can delete it" {
    start_sim
    knowing
    night a 1 2
    ends 0 rowferry prune --older-than 0s --yes
    same 0 "$(sql 'SELECT count(*) FROM job')"
    night b 1 3
    same '1 1 1' "$(summary '"\(.skipped) \(.applied) \(.requests)"')"
    sql "DELETE FROM known_record WHERE record_id = 'A-1'"
    night c 1 3
    same '1 1 1' "$(summary '"\(.skipped) \(.fetched) \(.requests)"')"
}

@test "other schemas know nothing, and settings that fit no version are errors" {
    start_sim
    batch_file inbox/InventoryItem-a.csv 2
    ends 0 run_inbox
    same 0 "$(sql 'SELECT count(*) FROM known')"
    jq '."x-rowferry" += {version: "fetch"}' "$TOP/schema/InventoryItem.json" >schema/InventoryItem.json
    night b 1 2
    same '0 2 0' "$(summary '"\(.skipped) \(.fetched) \(.drifted)"')"
    same 0 "$(sql 'SELECT count(*) FROM known')"
    jq '."x-rowferry" += {version: "fetch", knownFor: "1d"}' "$TOP/schema/InventoryItem.json" >schema/InventoryItem.json
    NIGHT=2 night c 1
    holds "$stderr" '#/x-rowferry/knownFor: is for "version": "known"'
}

@test "updates that another version setting sends make what was known of the schema unknown" {
    local other

    start_sim
    for other in '{version: "fetch"}' '{version: "known", unchanged: "send"}'; do
        knowing
        night first 1 2
        knowing "$other"
        night second 5 6
        knowing
        night third 1 2
        same '0 2' "$(summary '"\(.skipped) \(.applied)"')"
        same '[1,2]' "$(for i in 1 2; do record A-$i | jq '.[1].quantity'; done | jq -sc .)"
    done
}

@test "known records belong to one API and one client" {
    start_sim
    knowing
    night first 1 2
    stop_sim
    rm -f ledger requests
    start_sim --client-id another
    export GENESYS_CLIENT_ID=another
    night third 1 2
    holds "$stderr" 'what was known of its records is forgotten'
    same '0 2' "$(summary '"\(.skipped) \(.applied)"')"
    night fourth 1 2
    same '2 0' "$(summary '"\(.skipped) \(.applied)"')"
}

@test "the example of the guide is understood" {
    start_sim
    jq --argjson own "{$(sed -n 's/^    \("x-rowferry": {"version": "known".*}\)$/\1/p' "$TOP/docs/guide.md")}" \
        '."x-rowferry" += $own["x-rowferry"]' "$TOP/schema/InventoryItem.json" >schema/InventoryItem.json
    night a 1
    night b 1
    same 1 "$(summary .skipped)"
}

@test "20000 rows that are known to be there are skipped in a moment" {
    local begun

    knowing
    awk 'BEGIN { print "record_id,sku,quantity,price,status"; for (i = 1; i <= 20000; i++) print "A-" i ",WH-1042," i % 100 ",1.50,active" }' >InventoryItem-1.csv
    ends 0 rowferry ingest InventoryItem-1.csv
    sql "INSERT INTO known SELECT 'InventoryItem', record_id, 1, fields, created_ms, created_ms, 'get' FROM job"
    export GENESYS_ENVIRONMENT=http://127.0.0.1:1 GENESYS_CLIENT_ID=x GENESYS_CLIENT_SECRET=x
    begun=$SECONDS
    ends 0 rowferry drain --json
    same '20000 0' "$(summary '"\(.skipped) \(.requests)"')"
    [ $((SECONDS - begun)) -lt 20 ] # about 0.3 s; a turn for each row would take minutes
}
