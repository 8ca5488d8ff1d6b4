#!/usr/bin/env bats
# Applied updates are looked up in the audit log. The ledger of the simulator proves which of them it has.

load lib

setup() {
    in_a_folder
    unset ROWFERRY_AUDIT
}

# verdicts: `missing 2, verified 8`
verdicts() {
    sql "SELECT coalesce(group_concat(v, ', '), '') FROM (SELECT verdict || ' ' || count(*) AS v FROM audit
         GROUP BY verdict ORDER BY verdict)"
}

# audits: how many requests the audit log got
audits() {
    jq -r .kind requests | grep -c -x audit || true
}

# Each verdict is what the API shows of the job, as it is now: its entries, asked for record by record.
verdicts_are_right() {
    local token job id record version shown verdict

    token=$(curl -s -u sim-client:sim-secret -d grant_type=client_credentials \
        --data-urlencode 'scope=customobjects:write customobjects:read' "$GENESYS_ENVIRONMENT/oauth/token" |
        jq -r .access_token)
    while IFS='|' read -r job id record version verdict; do
        shown=$(curl -sf -G -H "Authorization: Bearer $token" --data-urlencode "entityIds=$record" \
            "$GENESYS_ENVIRONMENT/api/v2/customobjects/schemas/InventoryItem/records/auditlogs?pageSize=500" |
            jq -r --arg id "$id" --argjson version "$version" '.entities |
                if any(.[]; .requestCorrelationId == $id) then "verified"
                elif any(.[]; .version == $version and (.requestCorrelationId | type == "string")) then "mismatch"
                elif any(.[]; .version == $version) then "verified" else "missing" end')
        same "$job $shown" "$job $verdict"
        # whatever the log shows, the update is in the ledger
        grep -q "\"correlation_id\":\"$id\"" ledger
    done < <(sql "SELECT j.id, j.correlation_id, j.record_id, j.server_version, a.verdict FROM audit a
                  JOIN job j ON j.id = a.job_id")
}

gaps() {
    sql "SELECT group_concat(row_no || ' ' || verdict, ', ') FROM (SELECT * FROM audit_gap ORDER BY job_id)"
}

@test "a run ends with a look at the audit log, 25 records a request" {
    start_sim
    batch_file inbox/InventoryItem-1.csv 60
    ends 0 run_inbox --json
    same 'verified 60' "$(verdicts)"
    same '60 0 0' "$(summary '[.audited, .audit_missing, .audit_mismatch] | join(" ")')"
    same 3 "$(audits)"
    same '["update",2]' "$(sql "SELECT json_array(entry ->> 'action', entry ->> 'version') FROM audit LIMIT 1")"
    same '60|0|60' "$(sql "SELECT verified, due, (SELECT count(*) FROM audit) FROM batch_audit")"
    # there is nothing left to ask, for anybody
    ends 0 rowferry audit
    ends 0 run_inbox
    ends 0 rowferry drain
    same 3 "$(audits)"
    verdicts_are_right
}

@test "the log lags: what it does not show yet is asked again, in rounds" {
    start_sim --audit-lag-ms 1500
    batch_file inbox/InventoryItem-1.csv 60
    ends 0 run_inbox
    same 'verified 60' "$(verdicts)"
    [ "$(audits)" -le 15 ]
    verdicts_are_right
}

@test "an update that the log never shows is missing after --audit-wait, exit 3, and stays applied" {
    start_sim --distort audit:lost=0.2
    batch_file inbox/InventoryItem-1.csv 40
    ends 3 run_inbox --audit-wait 2 --json
    [[ "$(verdicts)" =~ ^missing\ [1-9][0-9]*,\ verified\ [1-9][0-9]*$ ]]
    same 40 "$(summary .audited)"
    same "$(sql "SELECT count(*) FROM audit_gap")" "$(summary .audit_missing)"
    verdicts_are_right
    same 40 "$(sql "SELECT count(*) FROM job WHERE state = 'applied'")"
    # audit asks again for these, and nothing else; a gap stays a gap
    before=$(audits)
    ends 3 rowferry audit --rate none --audit-wait 1
    same $((before + 1)) "$(audits)"
    verdicts_are_right
    setting distort=none
    ends 0 rowferry audit --rate none
    same 'verified 40' "$(verdicts)"
}

@test "a gap is in status, history, export, the metrics and the summary" {
    start_sim --distort audit:lost=1
    batch_file inbox/InventoryItem-1.csv 1
    ends 3 run_inbox --audit-wait 0 --metrics-file m.prom
    holds "$output" 'audit log: 1 missing'
    holds "$output" 'SELECT * FROM audit_gap WHERE batch_id = 1'
    grep -q '^rowferry_audits{.*verdict="missing"} 1$' m.prom
    ends 0 rowferry status 1
    holds "$output" 'audit log: 1 missing'
    ends 0 rowferry status
    holds "$(tr -s ' \n' ' ' <<<"$output")" 'an update is not in the audit log'
    ends 0 rowferry status --json
    same '1 1 0 0' "$(jq -r 'select(.event == "batch") | [.audited, .audit_missing, .audit_mismatch, .audits_due] |
        join(" ")' <<<"$output")"
    ends 0 rowferry history A-1
    holds "$output" 'audit log: missing'
    setting distort=none
    ends 0 rowferry audit
    ends 0 rowferry history A-1 --json
    same 'verified A-1' "$(jq -r 'select(.event == "audit") | .verdict + " " + (.entry | fromjson | .entityId)' <<<"$output")"
    ends 0 rowferry export 1 --format ndjson
    same verified "$(jq -r .outcome.audit <<<"$output")"
}

@test "an entry for our version that is another's is a mismatch, with the entry" {
    start_sim --distort audit:other-id=0.3
    batch_file inbox/InventoryItem-1.csv 40
    ends 3 run_inbox --json
    [[ "$(verdicts)" =~ ^mismatch\ [1-9][0-9]*,\ verified\ [1-9][0-9]*$ ]]
    same "$(sql 'SELECT count(*) FROM audit_gap')" "$(summary .audit_mismatch)"
    verdicts_are_right
    same 0e0e0e0e-0e0e-4e0e-8e0e-0e0e0e0e0e0e \
        "$(sql "SELECT DISTINCT entry ->> 'requestCorrelationId' FROM audit WHERE verdict = 'mismatch'")"
    # it is final
    before=$(audits)
    ends 3 rowferry audit --rate none
    same "$before" "$(audits)"
}

@test "an entry without an id is ours where the answer gave the version, and shows nothing of one in doubt" {
    # the answers to the first two are lost; a GET shows that they were applied
    start_sim --distort audit:no-id=1 --distort audit:other-user=1 --fault cut-after=1 --fault-limit 2
    batch_file inbox/InventoryItem-1.csv 5
    ends 3 run_inbox --concurrency 1 --audit-wait 1
    same '1 missing, 2 missing' "$(gaps)"
    same 'missing 2, verified 3' "$(verdicts)"
}

@test "an audit log that fails leaves the jobs applied and the audits due, exit 5" {
    local answer

    start_sim
    batch_file inbox/InventoryItem-1.csv 60
    setting answer=audit:=500
    ends 5 run_inbox --max-retries 1 --json
    same 60 "$(sql "SELECT count(*) FROM job WHERE state = 'applied'")"
    same '' "$(verdicts)"
    same 0 "$(summary .audited)"
    holds "$output" 'run inbox'
    [ "$(audits)" -le 12 ]
    for answer in 404 405 301; do
        setting "answer=audit:=$answer"
        ends 5 rowferry audit --rate none --max-retries 0
        holds "$stderr" "$answer"
    done
    same '' "$(verdicts)"
    setting 'answer=audit:=0&fault=get:html-200-after=1'
    ends 5 rowferry audit --rate none --max-retries 0
    holds "$stderr" 'is not a page of the audit log'
    setting 'fault=none&fault=get:cut-after=0.5'
    # the next run takes them up, though it has nothing to send
    ends 0 run_inbox --max-retries 10
    same 'verified 60' "$(verdicts)"
    setting fault=none
    verdicts_are_right
}

@test "a client that is not allowed to read the audit log ends the run with 6" {
    start_sim --answer audit:=403
    batch_file inbox/InventoryItem-1.csv 30
    ends 6 run_inbox
    [ "$(audits)" -le 40 ]
    holds "$stderr" 'the API does not let us read the audit log: 403'
    same 30 "$(sql "SELECT count(*) FROM job WHERE state = 'applied'")"
    same '' "$(verdicts)"
    setting answer=audit:=0
    ends 0 run_inbox
    same 'verified 30' "$(verdicts)"
}

@test "one record that is refused does not keep the others from being looked up" {
    start_sim --answer audit:A-30=403
    batch_file inbox/InventoryItem-1.csv 60
    # asked for alone, it is the first id of its request
    setting answer=audit:A-26=403
    ends 5 run_inbox --max-retries 0
    same 'verified 58' "$(verdicts)"
    same '26 applied, 30 applied' "$(sql "SELECT group_concat(row_no || ' ' || state, ', ') FROM job
        WHERE id NOT IN (SELECT job_id FROM audit)")"
}

@test "a token that is refused is replaced, and a 429 is waited for" {
    start_sim --answer 'audit:=401*1' --answer 'audit:A-26=429*1'
    batch_file inbox/InventoryItem-1.csv 60
    ends 0 run_inbox
    same 'verified 60' "$(verdicts)"
    same '1 1' "$(jq -r 'select(.kind == "audit") | .status' requests | sort | uniq -c |
        awk '$2 != 200 {printf "%s%s", s, $1; s = " "}')"
}

@test "a pause beyond --max-wait parks the audits, and a later run continues" {
    start_sim --retry-after 60 --answer 'audit:=429*1'
    batch_file inbox/InventoryItem-1.csv 30
    ends 5 run_inbox --max-wait 1 --concurrency 1
    same '' "$(verdicts)"
    before=$(audits)
    ends 5 rowferry audit --max-wait 1
    same "$before" "$(audits)"
    ends 0 run_inbox --max-wait 1 --ignore-pause
    same 'verified 30' "$(verdicts)"
}

@test "ids with a comma are asked for alone" {
    start_sim
    batch_file inbox/InventoryItem-1.csv 4
    sed -i 's/^A-2,/"x,y",/; s/^A-3,/"x",/' inbox/InventoryItem-1.csv
    ends 0 run_inbox
    same 'verified 4' "$(verdicts)"
    same 3 "$(audits)"
    verdicts_are_right
}

@test "--audit-ids says for how many records a request asks" {
    start_sim
    batch_file inbox/InventoryItem-1.csv 21
    ends 0 run_inbox --audit-ids 7
    same 3 "$(audits)"
}

@test "a sample is chosen by correlation id: the same updates each time" {
    local first

    start_sim
    batch_file inbox/InventoryItem-1.csv 200
    ends 0 run_inbox --audit 20%
    first=$(sql 'SELECT group_concat(job_id) FROM audit')
    [ "$(sql 'SELECT count(*) BETWEEN 20 AND 65 FROM audit')" = 1 ]
    ends 0 rowferry audit --rate none --audit 20%
    same "$first" "$(sql 'SELECT group_concat(job_id) FROM audit')"
    sql 'DELETE FROM audit; UPDATE batch_audit SET verified = 0'
    ends 0 rowferry audit --rate none --audit 20%
    same "$first" "$(sql 'SELECT group_concat(job_id) FROM audit')"
    ends 0 rowferry audit --rate none
    same 'verified 200' "$(verdicts)"
}

@test "--audit none asks nothing, and binds no later audit" {
    start_sim
    batch_file inbox/InventoryItem-1.csv 5
    ends 0 run_inbox --audit none
    same 0 "$(audits)"
    ends 0 run_inbox
    same 0 "$(audits)"
    export ROWFERRY_AUDIT=none
    ends 0 rowferry audit --rate none
    same 'verified 5' "$(verdicts)"
}

@test "audit --batch looks up one batch" {
    start_sim
    batch_file inbox/InventoryItem-1.csv 3
    batch_file inbox/InventoryItem-2.csv 3 B
    ends 0 run_inbox --audit none
    ends 0 rowferry audit --batch 2
    same 3 "$(sql "SELECT count(*) FROM audit WHERE job_id / 1000000000 = 2")"
    same 'verified 3' "$(verdicts)"
    ends 2 rowferry audit --batch 7
    holds "$stderr" 'there is no batch 7'
    rm rowferry.db*
    ends 2 rowferry audit
    holds "$stderr" 'does not exist'
}

@test "drain looks up what it applied, also in one batch alone" {
    start_sim
    batch_file InventoryItem-1.csv 3
    batch_file InventoryItem-2.csv 3 B
    ends 0 rowferry ingest InventoryItem-1.csv InventoryItem-2.csv
    setting answer=audit:=500
    ends 5 rowferry drain --batch 2 --rate none --max-retries 0
    setting answer=audit:=0
    ends 0 rowferry drain --batch 2 --rate none
    same 'verified 3' "$(verdicts)"
    ends 0 rowferry drain --rate none
    same 'verified 6' "$(verdicts)"
}

@test "pages are followed by nextUri, and by pageNumber against the total" {
    local kind

    for kind in no-metadata no-next no-total; do # the first is none of an audit page
        start_sim
        batch_file inbox/InventoryItem-$kind.csv 1 "$kind"
        for _ in $(seq 60); do
            someone_else "$kind-1" '{"quantity":1}'
        done
        sed -i 's/,1,WH/,61,WH/' inbox/InventoryItem-$kind.csv
        [ $kind = no-metadata ] || setting "distort=audit:$kind=1"
        ends 0 run_inbox
        same 3 "$(audits)"
        same verified "$(sql "SELECT verdict FROM audit ORDER BY job_id DESC LIMIT 1")"
        stop_sim
        rm requests
    done
}

@test "pages that repeat prove nothing" {
    start_sim --distort audit:repeated-page=1
    batch_file inbox/InventoryItem-1.csv 1
    for _ in $(seq 60); do
        someone_else A-1 '{"quantity":1}'
    done
    sed -i 's/,1,WH/,61,WH/' inbox/InventoryItem-1.csv
    ends 5 run_inbox --audit-wait 0 --max-retries 1
    holds "$stderr" 'its pages repeat or do not end'
    same '' "$(verdicts)"
    [ "$(audits)" -le 10 ]
    setting distort=none
    ends 0 run_inbox
    same 'verified 1' "$(verdicts)"
}

@test "pages that never end are asked for once in a run" {
    start_sim --distort audit:endless=1
    batch_file inbox/InventoryItem-1.csv 30
    ends 5 run_inbox --audit-wait 0 --max-retries 5 --audit-ids 30
    holds "$stderr" 'its pages repeat or do not end'
    holds "$stderr" '30 of them are still to be looked up'
    same '' "$(verdicts)"
    same 1000 "$(audits)"
    same 1 "$(sql 'SELECT due FROM batch_audit')"
    setting distort=none
    ends 0 run_inbox
    same 'verified 30' "$(verdicts)"
}

@test "several jobs of one record each get their own entry" {
    start_sim
    batch_file inbox/InventoryItem-1.csv 9
    sed -i 's/^A-[0-9]*,1/A-1,1/' inbox/InventoryItem-1.csv
    ends 0 run_inbox
    same 'verified 9' "$(verdicts)"
    same 9 "$(sql "SELECT count(DISTINCT entry ->> 'version') FROM audit")"
    verdicts_are_right
}

@test "a signal ends the audits, and the next run continues" {
    start_sim --audit-lag-ms 3000
    batch_file inbox/InventoryItem-1.csv 30
    "$BIN/rowferry" run inbox --min-age 0 --rate none >out 2>&1 3>&- &
    pid=$!
    eventually asked_once
    kill $pid
    wait $pid && status=0 || status=$?
    same 143 "$status"
    same 1 "$(sql 'SELECT due FROM batch_audit')"
    ends 0 rowferry status
    holds "$output" 'not all applied updates are looked up yet'
    ends 0 run_inbox
    same 'verified 30' "$(verdicts)"
}

asked_once() {
    [ -f requests ] && [ "$(audits)" -ge 1 ]
}

@test "a kill in the middle loses no verdict and repeats none" {
    start_sim --latency-ms 20
    batch_file inbox/InventoryItem-1.csv 400
    ends 0 run_inbox --audit none
    sql 'UPDATE batch_audit SET due = 1'
    for _ in 1 2 3; do
        "$BIN/rowferry" audit --rate none --concurrency 1 --audit-ids 5 >out 2>&1 3>&- &
        pid=$!
        sleep 0.5
        kill -9 $pid
        wait $pid 2>/dev/null || true
    done
    [ "$(sql 'SELECT count(*) BETWEEN 1 AND 399 FROM audit')" = 1 ]
    same "$(sql 'SELECT count(*) FROM audit')" "$(sql 'SELECT verified FROM batch_audit')"
    before=$(sql 'SELECT count(*) FROM audit') asked=$(audits)
    ends 0 rowferry audit --rate none
    same 'verified 400' "$(verdicts)"
    same $(((400 - before + 24) / 25)) $(($(audits) - asked))
    verdicts_are_right
}

@test "a run that applied nothing reports nothing about the audit log" {
    start_sim --answer token:=401
    batch_file inbox/InventoryItem-1.csv 3
    ends 6 run_inbox
    same 1 "$(sql 'SELECT due FROM batch_audit')"
    [[ $output != *"audit log"* ]]
    ends 0 rowferry status
    [[ $output != *"audit log"* ]]
}
