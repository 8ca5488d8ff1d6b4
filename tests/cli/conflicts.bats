# Records that someone else changes, too: read-backs, the audit log, conflicts and decisions.
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

@test "an update that landed and was overwritten is found in the audit log" {
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

@test "an id with a comma is asked about alone, as one id" {
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

@test "an update that did not land, followed by two others, is a proven conflict" {
    in_doubt cut-before
    someone_else A-1 '{"sku":"XX-0001"}' $OTHER
    someone_else A-1 '{"sku":"XX-0002"}' $OTHER
    ends 3 run_inbox
    same "conflict|409|3" "$(sql 'SELECT state, http_status, server_version FROM job')"
    same "someone else changed the record: version 1 was submitted, the server has 3" \
        "$(sql 'SELECT error_message FROM job')"
    same "1|3|proven|XX-0002" "$(sql "SELECT submitted_version, server_version, evidence,
        server_record ->> '\$.fields.sku' FROM conflict")"
    same "the audit log has the next version under another id" \
        "$(sql "SELECT evidence FROM attempt ORDER BY id DESC LIMIT 1")"
}

@test "an audit log that never has the entry leaves an unproven conflict for a decision" {
    in_doubt cut-after --audit-lag-ms 600000
    someone_else A-1 '{"sku":"XX-0001"}' $OTHER
    ends 3 run_inbox --audit-wait 1 --on-conflict rebase
    same "conflict|1" "$(sql 'SELECT state, attempts FROM job')"
    same "unproven|NULL" "$(sql "SELECT evidence, coalesce(resolution, 'NULL') FROM conflict")"
    holds "$(sql "SELECT evidence FROM attempt ORDER BY id DESC LIMIT 1")" unproven
}

# The attempt before the refusal may have landed: only a read-back can show that it did not.
@test "a refusal in doubt is read back, and keeps what the server said" {
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

@test "a question to the audit log survives a crash" {
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

@test "--on-conflict dismiss keeps theirs and dismisses the job" {
    start_sim
    batch_file inbox/InventoryItem-a.csv 2
    someone_else A-1 '{"sku":"XX-0001"}'
    ends 0 run_inbox --on-conflict dismiss --json
    same "1 1 0" "$(summary '"\(.applied) \(.dismissed) \(.conflict)"')"
    same "dismiss|proven" "$(sql 'SELECT resolution, evidence FROM conflict')"
    same '[2,{"sku":"XX-0001"}]' "$(record A-1)"
}

@test "--on-conflict rebase merges our fields into theirs" {
    start_sim
    batch_file inbox/InventoryItem-a.csv 1
    someone_else A-1 '{"sku":"XX-0001","note":"theirs","weight":1.250}'
    ends 0 run_inbox --on-conflict rebase --json
    same "1 0" "$(summary '"\(.applied) \(.conflict)"')"
    same '[3,{"note":"theirs","price":1.5,"quantity":1,"sku":"WH-1042","status":"active","weight":1.25}]' \
        "$(record A-1)"
    same "rebase" "$(sql 'SELECT resolution FROM conflict')"
    same "1|3" "$(sql 'SELECT version, server_version FROM job')"
    # what was sent is stored in addition to the row
    holds "$(sql 'SELECT fields FROM rebase')" '"weight":1.250'
    same 0 "$(sql 'SELECT count(*) FROM open_conflict')"
}

@test "a rebase that breaks a rule of the schema is parked with the message of the rule" {
    start_sim
    mkdir inbox
    printf 'record_id,version,status\nA-1,1,reserved\n' >inbox/InventoryItem-a.csv
    someone_else A-1 '{"sku":"WH-1042","quantity":0,"price":2}'
    ends 3 run_inbox --on-conflict rebase
    same "conflict" "$(sql 'SELECT state FROM job')"
    holds "$(sql 'SELECT error_message FROM job')" "status cannot be reserved when quantity is zero"
    same '[2,{"price":2,"quantity":0,"sku":"WH-1042"}]' "$(record A-1)"
}

# fetching [WRITE]: makes the schema fetch versions
fetching() {
    jq ".[\"x-rowferry\"] += {version: \"fetch\", write: \"${1:-merge}\"}" \
        "$TOP/schema/InventoryItem.json" >schema/InventoryItem.json
}

@test "version: fetch reads the record first, and merges the row into it" {
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
    # a second file with the same values changes nothing
    cp inbox/done/InventoryItem-a.csv inbox/InventoryItem-b.csv
    echo >>inbox/InventoryItem-b.csv
    ends 0 run_inbox --json
    same "1 0" "$(summary '"\(.unchanged) \(.applied)"')"
    same "unchanged|0|NULL" "$(sql "SELECT state, attempts, coalesce(sent_version, 'NULL')
        FROM job WHERE batch_id = 2")"
}

@test "write: replace sends only the fields of the row" {
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
    # the record is not really newer: the read-back shows it, and the update is sent again
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

@test "a drain without the schema file that a fetch needs reports it, and loses nothing" {
    start_sim
    fetching
    batch_file inbox/InventoryItem-a.csv 1
    ends 0 rowferry ingest inbox/InventoryItem-a.csv
    mv schema away
    ends 2 rowferry drain
    holds "$stderr" "schema/InventoryItem.json: cannot be read: No such file or directory"
    same pending "$(sql 'SELECT state FROM job')"
    mv away schema
    ends 0 rowferry drain
    same applied "$(sql 'SELECT state FROM job')"
}

@test "a version that the record never had is a conflict, after a second look" {
    start_sim
    mkdir inbox
    printf 'record_id,version,status\nA-1,5,active\nA-2,1,active\n' >inbox/InventoryItem-a.csv
    ends 3 run_inbox --on-conflict rebase
    same "conflict|409|1|1" "$(sql 'SELECT state, http_status, attempts, server_version FROM job
        WHERE row_no = 1')"
    same "version 5 was submitted, the record is at 1: check where the file's versions come from" \
        "$(sql 'SELECT error_message FROM job WHERE row_no = 1')"
    same "5|1|ahead|NULL" "$(sql "SELECT submitted_version, server_version, evidence,
        coalesce(resolution, 'NULL') FROM conflict")"
    same "PUT|409
GET|200
GET|200" "$(sql 'SELECT method, http_status FROM attempt WHERE job_id % 10 = 1 ORDER BY id')"
    same 1 "$(wc -l <ledger)"
}

@test "a record that seems ahead for a moment, because reads lag, is not a conflict" {
    start_sim --read-lag-ms 700
    batch_file inbox/InventoryItem-a.csv 1
    for i in 1 2 3 4; do someone_else A-1 "{\"quantity\":$i}"; done
    sed -i 's/^A-1,[0-9]*/A-1,5/' inbox/InventoryItem-a.csv
    setting fault=cut-before=1
    setting fault-limit=1
    ends 0 run_inbox
    same applied "$(sql 'SELECT state FROM job')"
    same 1 "$(jq -c 'select(.foreign | not)' ledger | wc -l)"
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

# --- servers that lose ids, values, fields and pages; the ledger shows what was applied ---

# Our updates in the ledger.
ours() {
    jq -c 'select(.foreign | not)' ledger | wc -l
}

# The update landed, its answer was lost, somebody else overwrote it, and record or log have no id.
# lost_id SCOPE:KIND WAY
lost_id() {
    rm -rf rowferry.db* inbox ledger requests
    in_doubt cut-after
    someone_else A-1 '{"sku":"XX-0001"}' $OTHER
    setting "distort=$1=1"
    ends 3 run_inbox --audit-wait 1 --on-conflict "$2"
    same "conflict|unproven|NULL" "$(sql "SELECT j.state, c.evidence, coalesce(resolution, 'NULL')
        FROM job j JOIN conflict c ON c.job_id = j.id")"
    same 1 "$(ours)"
    same '[3,{"sku":"XX-0001"}]' "$(record A-1)"
    stop_sim
}

@test "a landed update whose audit entry has no id is never applied twice" {
    local kind

    for kind in no-id blank-id garbled-id; do
        lost_id audit:$kind rebase
    done
    holds "$(sql 'SELECT evidence FROM attempt ORDER BY id DESC LIMIT 1')" \
        "unproven: the audit log has the next version without a correlation id"
}

@test "a landed update whose audit entry has no id is never dismissed" {
    local kind

    for kind in no-id blank-id garbled-id; do
        lost_id audit:$kind dismiss
    done
}

@test "a landed update whose record shows no id is recognised by its values" {
    local kind

    for kind in no-id blank-id garbled-id upper-id no-metadata; do
        rm -rf rowferry.db* inbox ledger requests
        in_doubt cut-after --distort get:$kind=1
        ends 0 run_inbox --on-conflict rebase
        same "applied|2" "$(sql 'SELECT state, server_version FROM job')"
        same 1 "$(ours)"
        stop_sim
    done
}

@test "our id is recognised in capitals, in the record and in the audit log" {
    in_doubt cut-after --distort audit:upper-id=1 --distort get:upper-id=1
    someone_else A-1 '{"sku":"XX-0001"}' $OTHER
    ends 0 run_inbox --on-conflict rebase
    same applied "$(sql 'SELECT state FROM job')"
}

@test "an answer without an id or with a garbled one is applied by its version" {
    start_sim --distort put:garbled-id=1
    batch_file inbox/InventoryItem-a.csv 2
    ends 0 run_inbox
    setting distort=none
    setting distort=put:no-metadata=1
    batch_file inbox/InventoryItem-b.csv 2 B
    ends 0 run_inbox
    same "applied|4" "$(sql 'SELECT state, count(*) FROM job GROUP BY state')"
    same 4 "$(ours)"
}

# The entries of A-1 for versions 2 to 4: ours, ours without its id, and somebody else's.
@test "an audit entry without an id is ours where earlier ones of ours have its user" {
    start_sim --seed 3
    batch_file inbox/InventoryItem-a.csv 1
    ends 0 run_inbox
    setting fault=cut-after=1
    setting fault=get:500-before=1
    sed 's/^A-1,1/A-1,2/' inbox/done/InventoryItem-a.csv >inbox/InventoryItem-b.csv
    touch -d '1 hour ago' inbox/InventoryItem-b.csv
    ends 5 run_inbox --max-retries 0
    setting fault=none
    someone_else A-1 '{"sku":"XX-0001"}' $OTHER
    setting distort=audit:no-id=0.5
    ends 0 run_inbox --audit-wait 1 --on-conflict rebase
    same "applied|3" "$(sql 'SELECT state, server_version FROM job WHERE batch_id = 2')"
    same "the audit log has the next version by our own user, without a correlation id" \
        "$(sql 'SELECT evidence FROM attempt ORDER BY id DESC LIMIT 1')"
    same 2 "$(ours)"
}

@test "a fetched record without fields removes nothing" {
    local kind

    for kind in no-fields null-fields text-fields array-fields; do
        rm -rf rowferry.db* inbox ledger requests
        start_sim --distort get:$kind=1
        fetching
        mkdir inbox
        printf 'record_id,sku,quantity,price,status\nA-1,WH-1042,1,1.50,active\n' \
            >inbox/InventoryItem-a.csv
        someone_else A-1 '{"note":"theirs"}'
        ends 5 run_inbox --max-retries 1
        same 0 "$(ours)"
        setting distort=none
        ends 0 run_inbox
        same '[3,{"note":"theirs","price":1.5,"quantity":1,"sku":"WH-1042","status":"active"}]' \
            "$(record A-1)"
        stop_sim
    done
}

@test "the audit log is read to its total, whether or not a next page is named" {
    local kind i

    for kind in no-next no-total high-total low-total; do
        rm -rf rowferry.db* inbox ledger requests
        in_doubt cut-after --distort audit:$kind=1
        # entries come in the order of their versions: this puts ours far down
        for i in {1..60}; do
            someone_else A-1 "{\"quantity\":$i}" $OTHER
        done
        ends 0 run_inbox
        same applied "$(sql 'SELECT state FROM job')"
        stop_sim
    done
}

@test "an audit log that answers with the same page for ever is not followed" {
    in_doubt cut-after --distort audit:no-id=1 --distort audit:repeated-page=1
    local i
    for i in {1..60}; do
        someone_else A-1 "{\"quantity\":$i}" $OTHER
    done
    ends 3 run_inbox --audit-wait 1 --on-conflict rebase
    same unproven "$(sql 'SELECT evidence FROM conflict')"
    [ "$(jq -r .kind requests | grep -c -x audit)" -le 12 ]
}

# --- records that hold our values already ---

@test "a conflict without any difference is unchanged" {
    start_sim
    batch_file inbox/InventoryItem-a.csv 3
    someone_else A-1 '{"sku":"WH-1042","quantity":1,"price":1.5,"status":"active","note":"theirs"}' \
        $OTHER
    for i in 1 2; do
        someone_else A-2 '{"sku":"WH-1042","quantity":2.0,"price":15e-1,"status":"active"}'
    done
    ends 0 run_inbox --json
    same "2 1 0" "$(summary '"\(.unchanged) \(.applied) \(.conflict)"')"
    same "the record holds these values already|2" "$(sql "SELECT evidence, count(*) FROM attempt
        WHERE evidence IS NOT NULL GROUP BY evidence")"
    same 0 "$(sql 'SELECT count(*) FROM conflict')"
    same 1 "$(ours)"
}

@test "write: replace is unchanged only if the record holds nothing else" {
    start_sim
    jq '.["x-rowferry"] += {write: "replace"}' "$TOP/schema/InventoryItem.json" \
        >schema/InventoryItem.json
    batch_file inbox/InventoryItem-a.csv 2
    someone_else A-1 '{"sku":"WH-1042","quantity":1,"price":1.5,"status":"active","note":"theirs"}'
    someone_else A-2 '{"sku":"WH-1042","quantity":2,"price":1.5,"status":"active"}'
    ends 3 run_inbox
    same "A-1|conflict
A-2|unchanged" "$(sql 'SELECT record_id, state FROM job ORDER BY id')"
}

@test "rows of the next full export that have not changed are unchanged" {
    start_sim
    batch_file inbox/InventoryItem-a.csv 20
    ends 0 run_inbox
    sed 's/^A-7,1,WH-1042/A-7,1,WH-7777/' inbox/done/InventoryItem-a.csv >inbox/InventoryItem-b.csv
    touch -d '1 hour ago' inbox/InventoryItem-b.csv
    ends 3 run_inbox
    same "conflict|1
unchanged|19" "$(sql 'SELECT state, count(*) FROM job WHERE batch_id = 2 GROUP BY state')"
    same "our own 1/7 changed the record: version 1 was submitted, the server has 2" \
        "$(sql "SELECT error_message FROM job WHERE state = 'conflict'")"
    same 20 "$(ours)"
}

@test "a database restored to before a run applies nothing twice" {
    local way

    for way in park rebase dismiss; do
        rm -rf rowferry.db* inbox ledger requests copy.db
        start_sim --fault 503-before=1
        batch_file inbox/InventoryItem-a.csv 3
        # now every job has its id
        ends 5 run_inbox --max-retries 0
        sqlite3 rowferry.db "VACUUM INTO 'copy.db'"
        setting fault=none
        ends 0 run_inbox
        someone_else A-2 '{"sku":"XX-0001"}' $OTHER
        someone_else A-3 '{"sku":"XX-0001"}' $OTHER
        someone_else A-3 '{"sku":"XX-0002"}' $OTHER
        rm rowferry.db*
        mv copy.db rowferry.db
        chmod 600 rowferry.db
        ends 0 rowferry drain --rate none --on-conflict $way
        same "applied|3" "$(sql 'SELECT state, count(*) FROM job GROUP BY state')"
        same 3 "$(ours)"
        stop_sim
    done
}

@test "a failed job shows the answer to its update" {
    start_sim --answer put:A-1=500 --answer put:A-2=503
    batch_file inbox/InventoryItem-a.csv 3
    ends 3 run_inbox --max-attempts 2
    same "A-1|failed|500|2
A-2|failed|503|2" "$(sql 'SELECT record_id, state, http_status, attempts FROM failed_job ORDER BY 1')"
    holds "$(sql "SELECT error_message FROM failed_job WHERE record_id = 'A-1'")" \
        "; the record's version shows that it did not land"
    same "$(sql "SELECT DISTINCT error FROM attempt WHERE http_status = 500")" \
        "$(sql "SELECT substr(error_message, 1, instr(error_message, ';') - 1) FROM failed_job
            WHERE record_id = 'A-1'")"
    [ -n "$(sql "SELECT error_code FROM failed_job WHERE record_id = 'A-1'")" ]
}

@test "the summary counts bad answers by status, code and message" {
    start_sim --answer put:A-1=500 --answer put:A-2=422
    batch_file inbox/InventoryItem-a.csv 3
    ends 3 run_inbox --max-attempts 2 --summary summary.json
    same "$(sql "SELECT http_status || '|' || count(*) || '|' || error FROM attempt
        WHERE http_status <> 200 GROUP BY http_status, error ORDER BY count(*) DESC")" \
        "$(jq -r '.answers[] | "\(.status)|\(.count)|\(.message)"' summary.json)"
    holds "$output" " 2 x 500 "
    holds "$output" " 1 x 422 "
    # the code, too
    same "$(sql "SELECT error_code FROM job WHERE state = 'failed'")" \
        "$(jq -r '.answers[0].code' summary.json)"
}
