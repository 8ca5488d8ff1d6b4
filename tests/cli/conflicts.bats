# Records that someone else changes too: what is proven, who is asked, and what becomes of it.
load lib

# An update of A-1 with version 1 whose answer was lost, and whose read-backs fail so far.
# in_doubt FAULT [OPTION...]: cut-after when it landed, cut-before when not
in_doubt() {
    start_sim --fault "$1=1" --fault get:500-before=1 "${@:2}"
    batch_file inbox/InventoryItem-a.csv 1
    ends 5 run_inbox --max-retries 0
    same "unknown|1" "$(sql 'SELECT state, attempts FROM job')"
    setting fault=none
}

OTHER=11111111-2222-4333-8444-555555555555

@test "an update that landed and was written over is found in the audit log" {
    in_doubt cut-after
    someone_else A-1 '{"sku":"XX-0001"}' $OTHER
    ends 0 run_inbox
    same "applied|2" "$(sql 'SELECT state, server_version FROM job')"
    same "the record has moved on beyond the next version
the audit log has the next version with our correlation id; superseded since" \
        "$(sql "SELECT evidence FROM attempt WHERE evidence IS NOT NULL ORDER BY id")"
    same 0 "$(sql 'SELECT count(*) FROM conflict')"
    same 0 "$(sql 'SELECT count(*) FROM arbitration')"
}

@test "the audit log is waited for, because it lags" {
    in_doubt cut-after --audit-lag-ms 1500
    someone_else A-1 '{"sku":"XX-0001"}' $OTHER
    ends 0 run_inbox
    same "applied|2" "$(sql 'SELECT state, server_version FROM job')"
}

@test "an entry far down the audit log is found on its page" {
    local i

    in_doubt cut-after
    for i in {1..60}; do
        someone_else A-1 "{\"quantity\":$i}" $OTHER
    done
    ends 0 run_inbox
    same "applied|2" "$(sql 'SELECT state, server_version FROM job')"
}

@test "an id with a comma is asked about by itself, as one id" {
    start_sim --fault cut-after=1 --fault get:500-before=1
    mkdir inbox
    printf 'record_id,version,status\n"A,1",1,active\nA,1,active\n' >inbox/InventoryItem-a.csv
    ends 5 run_inbox --max-retries 0
    setting fault=none
    someone_else A%2C1 '{"sku":"XX-0001"}' $OTHER
    someone_else A '{"sku":"XX-0001"}' $OTHER
    ends 0 run_inbox
    same "applied|2" "$(sql 'SELECT state, count(*) FROM job GROUP BY state')"
    same 2 "$(jq -r .kind requests | grep -c -x audit)"
}

@test "an update that did not land and was written over twice is a proven conflict" {
    in_doubt cut-before
    someone_else A-1 '{"sku":"XX-0001"}' $OTHER
    someone_else A-1 '{"sku":"XX-0002"}' $OTHER
    ends 3 run_inbox
    same "conflict|409|3" "$(sql 'SELECT state, http_status, server_version FROM job')"
    same "someone else changed the record: version 1 was submitted, the server has 3" \
        "$(sql 'SELECT error_message FROM job')"
    same "1|3|proven|XX-0002" "$(sql "SELECT submitted_version, server_version, evidence,
        server_record ->> '\$.fields.sku' FROM conflict")"
    same "the audit log has the next version as another's" \
        "$(sql "SELECT evidence FROM attempt ORDER BY id DESC LIMIT 1")"
}

@test "an audit log that stays silent leaves the conflict unproven, for a person" {
    in_doubt cut-after --audit-lag-ms 600000
    someone_else A-1 '{"sku":"XX-0001"}' $OTHER
    ends 3 run_inbox --audit-wait 1 --on-conflict rebase
    same "conflict|1" "$(sql 'SELECT state, attempts FROM job')"
    same "unproven|NULL" "$(sql "SELECT evidence, coalesce(resolution, 'NULL') FROM conflict")"
    holds "$(sql "SELECT evidence FROM attempt ORDER BY id DESC LIMIT 1")" unproven
}

# The attempt before the refusal may have landed: only a read-back can tell that it did not.
@test "what is refused in doubt is read back, and keeps what the server said" {
    start_sim --fault 503-before=1
    batch_file inbox/InventoryItem-a.csv 1
    ends 5 run_inbox --max-retries 0
    setting fault=none
    setting answer=put:A-1%3D422
    ends 3 run_inbox
    same "refused|422|2" "$(sql 'SELECT state, http_status, attempts FROM job')"
    same "PUT|503
PUT|422
GET|200" "$(sql 'SELECT method, http_status FROM attempt ORDER BY id')"
    same "the server refused it, and the record's version shows that it did not land before" \
        "$(sql 'SELECT evidence FROM attempt ORDER BY id DESC LIMIT 1')"
    same "$(sql 'SELECT error FROM attempt WHERE http_status = 422')" \
        "$(sql 'SELECT error_message FROM job')"
}

@test "a question to the audit log outlives a crash" {
    in_doubt cut-after --audit-lag-ms 600000
    someone_else A-1 '{"sku":"XX-0001"}' $OTHER
    "$BIN/rowferry" run inbox --min-age 0 --rate none >out 2>&1 3>&- &
    local pid=$!
    asked() { [ "$(sql 'SELECT count(*) FROM arbitration')" = 1 ]; }
    eventually asked
    kill -9 $pid
    wait $pid || true
    same unknown "$(sql 'SELECT state FROM job')"
    ends 3 run_inbox --audit-wait 1
    same 1 "$(sql 'SELECT count(*) FROM conflict')"
    same 0 "$(sql 'SELECT count(*) FROM arbitration')"
}

@test "a conflict is parked, and shown field by field" {
    start_sim
    batch_file inbox/InventoryItem-a.csv 1
    someone_else A-1 '{"sku":"WH-1042","quantity":9,"price":1.5,"note":"theirs"}'
    ends 3 run_inbox
    same '1|1|A-1|1|2|note||"theirs"
1|1|A-1|1|2|quantity|1|9
1|1|A-1|1|2|status|"active"|' "$(sql 'SELECT batch_id, row_no, record_id, submitted_version,
        server_version, field, ours, theirs FROM open_conflict ORDER BY field')"
}

@test "--on-conflict dismiss leaves theirs, and is done" {
    start_sim
    batch_file inbox/InventoryItem-a.csv 2
    someone_else A-1 '{"sku":"XX-0001"}'
    ends 0 run_inbox --on-conflict dismiss --json
    same "1 1 0" "$(summary '"\(.applied) \(.dismissed) \(.conflict)"')"
    same "dismiss|proven" "$(sql 'SELECT resolution, evidence FROM conflict')"
    same '[2,{"sku":"XX-0001"}]' "$(record A-1)"
}

@test "--on-conflict rebase lays our fields over theirs" {
    start_sim
    batch_file inbox/InventoryItem-a.csv 1
    someone_else A-1 '{"sku":"XX-0001","note":"theirs","weight":1.250}'
    ends 0 run_inbox --on-conflict rebase --json
    same "1 0" "$(summary '"\(.applied) \(.conflict)"')"
    same '[3,{"note":"theirs","price":1.5,"quantity":1,"sku":"WH-1042","status":"active","weight":1.25}]' \
        "$(record A-1)"
    same "rebase" "$(sql 'SELECT resolution FROM conflict')"
    same "1|3" "$(sql 'SELECT version, server_version FROM job')"
    # what was sent is kept beside what the row says
    holds "$(sql 'SELECT fields FROM rebase')" '"weight":1.250'
    same 0 "$(sql 'SELECT count(*) FROM open_conflict')"
}

@test "a rebase that breaks a rule of the schema is parked with the rule's words" {
    start_sim
    mkdir inbox
    printf 'record_id,version,status\nA-1,1,reserved\n' >inbox/InventoryItem-a.csv
    someone_else A-1 '{"sku":"WH-1042","quantity":0,"price":2}'
    ends 3 run_inbox --on-conflict rebase
    same "conflict" "$(sql 'SELECT state FROM job')"
    holds "$(sql 'SELECT error_message FROM job')" "status cannot be reserved when quantity is zero"
    same '[2,{"price":2,"quantity":0,"sku":"WH-1042"}]' "$(record A-1)"
}

# fetching [WRITE]: the schema has its versions fetched
fetching() {
    jq ".[\"x-rowferry\"] += {version: \"fetch\", write: \"${1:-merge}\"}" \
        "$TOP/schema/InventoryItem.json" >schema/InventoryItem.json
}

@test "version: fetch reads the record first, and lays the row over it" {
    start_sim
    fetching
    mkdir inbox
    printf 'record_id,sku,quantity,price,status\nA-1,WH-1042,1,1.50,active\n' \
        >inbox/InventoryItem-a.csv
    someone_else A-1 '{"note":"theirs"}'
    ends 0 run_inbox
    same '[3,{"note":"theirs","price":1.5,"quantity":1,"sku":"WH-1042","status":"active"}]' \
        "$(record A-1)"
    same "applied|2|3|1" "$(sql 'SELECT state, sent_version, server_version, attempts FROM job')"
    # a second file with the same values finds them there
    cp inbox/done/InventoryItem-a.csv inbox/InventoryItem-b.csv
    echo >>inbox/InventoryItem-b.csv
    ends 0 run_inbox --json
    same "1 0" "$(summary '"\(.unchanged) \(.applied)"')"
    same "unchanged|0|NULL" "$(sql "SELECT state, attempts, coalesce(sent_version, 'NULL')
        FROM job WHERE batch_id = 2")"
}

@test "write: replace sends the row's fields alone" {
    start_sim
    fetching replace
    batch_file inbox/InventoryItem-a.csv 1
    someone_else A-1 '{"note":"theirs"}'
    ends 0 run_inbox
    holds "$stderr" "its versions are ignored: the schema file has them fetched"
    same '[3,{"price":1.5,"quantity":1,"sku":"WH-1042","status":"active"}]' "$(record A-1)"
}

@test "a fetch that meets a newer version fetches again, three times at most" {
    start_sim --answer put:A-1=409
    fetching
    batch_file inbox/InventoryItem-a.csv 2
    ends 5 run_inbox --max-retries 0
    # the record is not newer in truth: the read-back finds that out, and it is sent again
    same "A-2|applied" "$(sql "SELECT record_id, state FROM job WHERE row_no = 2")"
    same 3 "$(sql "SELECT rounds FROM rebase WHERE job_id % 1000000000 = 1")"
}

@test "a record that is not there is refused by its fetch" {
    start_sim --only-seeded
    fetching
    batch_file inbox/InventoryItem-a.csv 1
    ends 3 run_inbox
    same "refused|404|0" "$(sql 'SELECT state, http_status, attempts FROM job')"
    same 0 "$(jq -r .kind requests | grep -c -x put || true)"
}

@test "a drain without the schema file that a fetch needs says so, and loses nothing" {
    start_sim
    fetching
    batch_file inbox/InventoryItem-a.csv 1
    ends 0 rowferry ingest inbox/InventoryItem-a.csv
    mv schema away
    ends 2 rowferry drain
    holds "$stderr" "schema/InventoryItem.json: No such file or directory"
    same pending "$(sql 'SELECT state FROM job')"
    mv away schema
    ends 0 rowferry drain
    same applied "$(sql 'SELECT state FROM job')"
}

@test "a version that the record never had is told as such" {
    start_sim
    mkdir inbox
    printf 'record_id,version,status\nA-1,5,active\n' >inbox/InventoryItem-a.csv
    ends 5 run_inbox --max-retries 0
    same "pending|version 5 was submitted, and the record is only at 1: check where the file's versions come from" \
        "$(sql 'SELECT state, error_message FROM job')"
}

@test "rows of one record follow each other where versions are fetched" {
    start_sim
    fetching
    mkdir inbox
    printf 'record_id,sku,quantity,price,status\nA-1,WH-0001,1,1,active\nA-1,WH-0002,2,1,active\nA-1,WH-0003,3,1,active\n' \
        >inbox/InventoryItem-a.csv
    ends 0 run_inbox
    same "1 2
2 3
3 4" "$(jq -r 'select(.foreign | not) | "\(.submitted_version) \(.version)"' ledger)"
    same "applied|3" "$(sql 'SELECT state, count(*) FROM job GROUP BY state')"
}
