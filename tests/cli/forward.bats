# `rowferry forward`, and how notifications reach the ERP.
load lib
load notify

@test "each notification reaches the ERP once, in order for each record" {
    local i

    start_sim
    for i in {1..60}; do
        notification "R-$((i % 7))" "$i" "2026-11-29T10:00:$i.000Z"
    done >notes.ndjson
    ends 0 rowferry forward notes.ndjson --erp-endpoint "$GENESYS_ENVIRONMENT/erp" --json
    same '60 0 60 0 0' "$(summary '"\(.notifications) \(.notifications_repeated) \(.delivered) \(.deliveries_failed) \(.deliveries_pending)"')"
    same 60 "$(erp_got | wc -l)"
    for i in {0..6}; do
        same "$(erp_got | grep "^R-$i " | sort -n -k2)" "$(erp_got | grep "^R-$i ")"
    done
    same '' "$(sql 'SELECT * FROM undelivered')"
    # the guide's form
    same '["fields","modifiedBy","recordId","schemaName","source","timestamp"]' \
        "$(jq -c 'select(.kind == "erp") | .body | keys' requests | sort -u)"
    # the same file again, whatever way it is written
    jq -c '.record.fields.n |= . * 1.0 | {record, action, schemaName}' notes.ndjson >again.ndjson
    ends 0 rowferry forward again.ndjson --erp-endpoint "$GENESYS_ENVIRONMENT/erp" --json
    same '0 60 0' "$(summary '"\(.notifications) \(.notifications_repeated) \(.delivered)"')"
    same 60 "$(erp_got | wc -l)"
}

@test "without an endpoint they are stored, and a later run delivers them" {
    start_sim
    notification A 1 >notes
    ends 5 rowferry forward - <notes
    holds "$stderr" '1 notification stored and not delivered: set --erp-endpoint or ERP_ENDPOINT'
    same '1|A|pending|0' "$(sql 'SELECT notification_id, record_id, state, attempts FROM undelivered')"
    mkdir inbox
    ERP_ENDPOINT=$GENESYS_ENVIRONMENT/erp ends 0 run_inbox --json
    same 1 "$(summary .delivered)"
    same 'A 1' "$(erp_got)"
}

@test "other actions are stored with the reason and not delivered" {
    start_sim
    { notification A 1 | sed 's/update/create/'; echo '{"action":"update","record":{"id":".."}}'; } >notes
    ends 0 rowferry forward notes --erp-endpoint "$GENESYS_ENVIRONMENT/erp"
    holds "$output" '2 notifications stored, 2 not accepted'
    same 'create|not_accepted|its action is not `update`
update|not_accepted|record.id cannot be the id of a record' "$(sql 'SELECT action, state, reason FROM notification')"
    same '' "$(erp_got)"
}

@test "lines that are not notifications are named, and exit 3; the others are stored" {
    { notification A 1; echo 'x'; printf '{"action":"update","record":{"id":"\xff"}}\n'; echo; notification B 2; } >notes
    { head -c 1100000 /dev/zero | tr '\0' x; echo; notification C 3; echo '{"action":"update"}'; } >>notes
    printf '%s' "$(notification D 4)" >>notes # without a line end
    start_sim
    ends 3 rowferry forward notes --erp-endpoint "$GENESYS_ENVIRONMENT/erp"
    holds "$stderr" 'line 2: the body is not JSON'
    holds "$stderr" 'line 3: the body is not JSON'
    holds "$stderr" 'line 6: longer than 1048576 bytes'
    holds "$stderr" 'line 8: the body is not a notification'
    same 'A B C D' "$(sql 'SELECT record_id FROM notification ORDER BY id' | tr '\n' ' ' | sed 's/ $//')"
}

@test "an ERP that is down is exit 5, and one that comes back gets all of it in order" {
    local i

    start_sim
    setting 'answer=erp:=500'
    for i in 1 2 3; do notification A $i; done >notes
    ends 5 rowferry forward notes \
        --erp-endpoint "$GENESYS_ENVIRONMENT/erp" --max-retries 2
    holds "$stderr" "status 500"
    # the first alone is tried, twice: the others of its record come after it
    same 2 "$(grep -c '"kind":"erp"' requests)"
    same '1|2|500
2|0|
3|0|' "$(sql 'SELECT notification_id, attempts, http_status FROM undelivered ORDER BY 1')"
    setting 'answer=erp:=0'
    ends 0 rowferry forward /dev/null --erp-endpoint "$GENESYS_ENVIRONMENT/erp"
    same 'A 1
A 2
A 3' "$(erp_got)"
}

@test "however many records fail first, a run delivers the others" {
    local i

    start_sim
    for i in {1..30}; do
        setting "answer=erp:BAD$i=500"
        notification "BAD$i" 1
    done >notes
    for i in {1..40}; do notification "A$i" 1; done >>notes
    ends 5 rowferry forward notes --erp-endpoint "$GENESYS_ENVIRONMENT/erp"
    holds "$stderr" '30 notifications not delivered'
    same 40 "$(erp_got | grep -c '^A')"
    same 30 "$(sql "SELECT count(*) FROM undelivered WHERE state = 'pending' AND attempts BETWEEN 1 AND 3")"
}

@test "what the ERP refuses is final, exit 3, and retry --deliveries sends it again" {
    start_sim
    setting 'answer=erp:BAD=422'
    { notification BAD 1; notification GOOD 2; notification BAD 3; } >notes
    ends 3 rowferry forward notes --erp-endpoint "$GENESYS_ENVIRONMENT/erp"
    holds "$output" 'rowferry retry --deliveries'
    same 'GOOD 2' "$(erp_got)"
    same '1|failed|422
3|failed|422' "$(sql 'SELECT notification_id, state, http_status FROM undelivered ORDER BY 1')"
    ends 0 rowferry forward /dev/null --erp-endpoint "$GENESYS_ENVIRONMENT/erp"
    ends 0 rowferry retry --deliveries --dry-run
    holds "$output" '2 deliveries would be sent again'
    ends 2 rowferry retry --deliveries </dev/null
    ends 0 rowferry retry --deliveries --yes
    holds "$output" '2 deliveries to be sent again'
    setting 'answer=erp:BAD=0'
    ends 0 rowferry forward /dev/null --erp-endpoint "$GENESYS_ENVIRONMENT/erp"
    same 'GOOD 2
BAD 1
BAD 3' "$(erp_got)"
    ends 0 rowferry retry --deliveries --all --yes
    holds "$output" 'no delivery failed'
}

@test "retry --deliveries puts back what is chosen, and shows what the ERP has from later" {
    start_sim
    setting 'answer=erp:BAD=422*2'
    { notification BAD-1 1; notification BAD-2 2; notification BAD-1 3; } >notes
    ends 3 rowferry forward notes --erp-endpoint "$GENESYS_ENVIRONMENT/erp" --concurrency 1
    ends 0 rowferry retry --deliveries --dry-run --record BAD-1
    holds "$output" "; the ERP has the record's later notification 3
1 delivery would be sent again"
    lacks "$output" BAD-2
    ends 0 rowferry retry --deliveries --record BAD-2 --json
    same '2 null' "$(head -n 1 <<<"$output" | jq -r '"\(.notification_id) \(.later_delivered)"')"
    ends 0 rowferry retry --deliveries --since 1h --dry-run
    holds "$output" '1 delivery would be sent again'
    sql 'UPDATE outbox SET updated_ms = updated_ms - 7200000'
    ends 0 rowferry retry --deliveries --since 1h --yes
    same 'no delivery failed' "$output"
    ends 0 rowferry forward /dev/null --erp-endpoint "$GENESYS_ENVIRONMENT/erp"
    same '1|failed' "$(sql 'SELECT notification_id, state FROM undelivered')"
    # what chooses jobs is refused
    fails_with 2 '--deliveries does not take a batch: use --record or --since, or neither' retry --deliveries 1
    fails_with 2 '--state is for jobs, not for --deliveries: leave one of them out' retry --deliveries --state failed
}

@test "answers that say nothing are tried again under the same key" {
    start_sim
    setting 'answer=erp:A=503*1'
    setting 'answer=erp:B=408*1'
    setting 'answer=erp:C=425*1'
    setting 'answer=erp:D=429*1'
    { notification A 1; notification B 2; notification C 3; notification D 4; } >notes
    ends 0 rowferry forward notes --erp-endpoint "$GENESYS_ENVIRONMENT/erp" --max-retries 5
    same 'A 1
B 2
C 3
D 4' "$(erp_got | sort)"
}

@test "schema name and time reach the ERP as they came, and as null where there is none" {
    start_sim
    echo '{"action":"update","record":{"id":"A","modifiedTime":5,"modifiedBy":{"id":7},"fields":{"n":1}}}' >notes
    echo '{"action":"update","record":{"id":"B","modifiedTime":5,"fields":{"n":1}}}' >>notes
    echo '{"action":"update","record":{"id":"B","modifiedTime":6,"fields":{"n":1}}}' >>notes
    ends 0 rowferry forward notes --erp-endpoint "$GENESYS_ENVIRONMENT/erp"
    same '[null,"A",5,"7"]
[null,"B",5,null]
[null,"B",6,null]' "$(jq -c 'select(.kind == "erp").body | [.schemaName, .recordId, .timestamp, .modifiedBy]' requests |
        sort)"
}

# erp_asked: requests that the ERP got
erp_asked() {
    jq -r .kind requests | grep -c -x erp || true
}

@test "a later run keeps to what the ERP's Retry-After asks for" {
    start_sim --retry-after 600
    setting 'answer=erp:A=429*1'
    notification A 1 >notes
    ends 5 rowferry forward notes --erp-endpoint "$GENESYS_ENVIRONMENT/erp" --max-wait 1m
    [[ $stderr =~ 'asks to wait longer than --max-wait (status 429'.*', and asks to wait until 2'.*'): after that time' ]]
    notification B 2 >notes
    ends 5 rowferry forward notes --erp-endpoint "$GENESYS_ENVIRONMENT/erp" --max-wait 1m
    holds "$stderr" 'asks to wait longer than --max-wait'
    holds "$stderr" 'status 429'
    same 1 "$(erp_asked)"
    # another ERP has not asked for anything
    ends 3 rowferry forward /dev/null --erp-endpoint "$GENESYS_ENVIRONMENT/other"
    ends 0 rowferry retry --deliveries --yes
    sql "UPDATE pause SET not_before_ms = not_before_ms - 600000 + 2500, set_ms = set_ms - 600000 + 2500
         WHERE scope LIKE 'erp%'"
    before=$(date +%s%N)
    ends 0 rowferry forward /dev/null --erp-endpoint "$GENESYS_ENVIRONMENT/erp" --max-wait 1m
    same 'A 1
B 2' "$(erp_got | sort)"
}

@test "deliveries are signed as the ERP checks it, and their key never changes" {
    printf 'whsec_%s\n' "$(printf 'a secret of the ERP' | base64)" >secret
    chmod 600 secret
    start_sim --erp-secret "$(cat secret)"
    setting 'answer=erp:A=500*2'
    notification A 1 | ends 0 rowferry forward - --erp-endpoint "$GENESYS_ENVIRONMENT/erp" \
        --erp-secret-file secret --max-retries 5
    same 'A 1' "$(erp_got)"
    # unsigned, the ERP refuses
    notification B 1 | ends 3 rowferry forward - --erp-endpoint "$GENESYS_ENVIRONMENT/erp"
    same 'B|401' "$(sql 'SELECT record_id, http_status FROM undelivered')"
    # reported by the command that it failed in, as a batch is
    ends 0 rowferry forward /dev/null --erp-endpoint "$GENESYS_ENVIRONMENT/erp"
    ends 0 rowferry status
    holds "$output" '1 failed'
}

@test "an endpoint must be https or local, and a secret file private" {
    notification A 1 >notes
    ends 2 rowferry forward notes --erp-endpoint http://erp.example.com/
    holds "$stderr" 'use https'
    echo secret >secret
    chmod 644 secret
    ends 2 rowferry forward notes --erp-endpoint 'http://127.0.0.1:1/a b'
    holds "$stderr" 'must be a URL'
    ends 2 rowferry forward notes --erp-endpoint https://127.0.0.1:1/ --erp-secret-file secret
    holds "$stderr" '--erp-secret-file'
    ends 2 rowferry forward nothing
    ends 2 rowferry forward
}

@test "updates of our own come back as echoes, and those of others reach the ERP" {
    local time

    start_sim
    batch_file inbox/InventoryItem-1.csv 2
    ends 0 run_inbox
    time=$(date -u +%Y-%m-%dT%H:%M:%S.000Z)
    {
        # ours, by its fields and its time
        jq -nc --arg t "$time" '{action: "update", schemaName: "InventoryItem", record: {id: "A-1", modifiedTime: $t,
            modifiedBy: {id: "x"}, fields: {sku: "WH-1042", quantity: 1.0, price: 1.5, status: "active"}}}'
        # somebody else's
        notification A-2 7 "$time"
    } >notes
    ends 0 rowferry forward notes --erp-endpoint "$GENESYS_ENVIRONMENT/erp"
    same 'A-1|echo|our own update, job 1/1
A-2|accepted|' "$(sql 'SELECT record_id, state, reason FROM notification')"
    same 'A-2 7' "$(erp_got)"
    # asked for, echoes are delivered
    sed 's/A-1/A-2/; s/1.0,/2,/' notes | head -n 1 >more
    ends 0 rowferry forward more --erp-endpoint "$GENESYS_ENVIRONMENT/erp" --echo deliver
    same 3 "$(sql 'SELECT count(*) FROM notification')"
    same 2 "$(erp_got | wc -l)"
}

@test "a notification whose record has an update in doubt waits, and the message says for what" {
    start_sim
    setting 'fault=put:cut-before=1'
    setting 'answer=get:A-1=500'
    batch_file inbox/InventoryItem-1.csv 1
    ends 5 run_inbox --max-retries 1
    same unknown "$(sql 'SELECT state FROM job')"
    jq -nc --arg t "$(date -u +%Y-%m-%dT%H:%M:%SZ)" '{action: "update", schemaName: "InventoryItem", record: {id: "A-1",
        modifiedTime: $t, fields: {sku: "WH-1042", quantity: 1, price: 1.5, status: "active"}}}' >notes
    ends 5 rowferry forward notes --erp-endpoint "$GENESYS_ENVIRONMENT/erp"
    holds "$stderr" '1 notification not delivered before it is known whether an update of the same record arrived: run `rowferry drain` first'
    same '' "$(erp_got)"
}

@test "a run leaves deliveries to the process that has their lock" {
    start_sim
    notification A 1 | ends 5 rowferry forward -
    mkdir inbox
    exec {held}>rowferry.db.delivery
    flock "$held"
    ERP_ENDPOINT=$GENESYS_ENVIRONMENT/erp ends 0 run_inbox
    same '' "$(erp_got)"
    exec {held}>&-
    ERP_ENDPOINT=$GENESYS_ENVIRONMENT/erp ends 0 run_inbox
    same 'A 1' "$(erp_got)"
}

@test "a dead ERP holds up no update, and a dead API no delivery" {
    start_sim
    notification A 1 | ends 5 rowferry forward -
    batch_file inbox/InventoryItem-1.csv 5
    ERP_ENDPOINT=http://127.0.0.1:1/ ends 5 run_inbox --max-retries 1
    same 5 "$(sql "SELECT count(*) FROM job WHERE state = 'applied'")"
    batch_file inbox/InventoryItem-2.csv 2 B
    ERP_ENDPOINT=$GENESYS_ENVIRONMENT/erp GENESYS_ENVIRONMENT=http://127.0.0.1:1 ends 5 run_inbox --max-retries 1
    same 'A 1' "$(erp_got)"
    same 2 "$(sql "SELECT count(*) FROM job WHERE state = 'pending'")"
}

@test "history, status and the metrics file say what happened to notifications" {
    start_sim
    setting 'answer=erp:BAD=422'
    { notification A 1; notification BAD 2; notification C 3 | sed 's/update/delete/'; } >notes
    ends 3 rowferry forward notes --erp-endpoint "$GENESYS_ENVIRONMENT/erp" --metrics-file metrics.prom
    grep -q '^rowferry_deliveries{.*state="failed"} 1' metrics.prom
    grep -q '^rowferry_notifications{.*state="not_accepted"} 1' metrics.prom
    ends 0 rowferry history A
    holds "$output" 'notification 1: accepted, delivery delivered'
    ends 0 rowferry history BAD --json
    same '{"event":"notification","notification":2,"state":"accepted","delivery":"failed","attempts":1,"http_status":422}' \
        "$(jq -c 'select(.event == "notification") | {event, notification, state, delivery, attempts, http_status}' <<<"$output")"
    ends 0 rowferry history C
    holds "$output" 'notification 3: not_accepted'
    ends 0 rowferry status
    holds "$output" 'notifications: 2 accepted, 1 not accepted, 1 delivered, 1 failed'
    ends 0 rowferry status --json
    same 1 "$(jq -r 'select(.event == "notifications") | .failed' <<<"$output")"
}

@test "what notifications report is known of schemas that ask for it, by the newest" {
    jq '."x-rowferry".version = "known"' schema/InventoryItem.json >changed && mv changed schema/InventoryItem.json
    notification A 1 2026-11-29T10:00:01Z >notes
    notification A 3 2026-11-29T10:00:03Z >>notes
    notification A 2 2026-11-29T10:00:02Z >>notes
    notification B 1 2026-11-29T10:00:01Z >>notes
    notification B 1 2026-11-29T10:00:02Z | sed 's/update/delete/' >>notes
    notification C 1 | sed 's/InventoryItem/CustomerAccount/' >>notes
    ends 5 rowferry forward notes
    same 'InventoryItem|A||{"n":3}|2026-11-29 10:00:03|notification' "$(sql "SELECT schema, record_id, version, fields,
        datetime(seen_ms / 1000, 'unixepoch'), source FROM known_record")"
    # such a schema is read as one with \`fetch\`
    echo record_id,sku,quantity,price,status >InventoryItem-1.csv
    echo A,WH-1042,1,1.50,active >>InventoryItem-1.csv
    start_sim
    ends 0 rowferry ingest InventoryItem-1.csv
    ends 0 rowferry drain --rate none
    same applied "$(sql 'SELECT state FROM job')"
}

@test "prune deletes old notifications, but for those that the ERP has not taken" {
    start_sim
    setting 'answer=erp:BAD=422'
    { for i in {1..40}; do notification A "$i"; done; notification BAD 1; notification C 1 | sed 's/update/delete/'; } >notes
    ends 3 rowferry forward notes --erp-endpoint "$GENESYS_ENVIRONMENT/erp"
    ends 0 rowferry prune --older-than 1h --yes
    same 42 "$(sql 'SELECT count(*) FROM notification')"
    ends 0 rowferry prune --older-than 0s --dry-run
    holds "$output" '41 notifications'
    ends 2 rowferry prune --older-than 0s </dev/null
    ends 0 rowferry prune --older-than 0s --yes
    holds "$output" '41 notifications'
    same 'BAD|failed' "$(sql 'SELECT n.record_id, d.state FROM notification n JOIN delivery d ON d.id = n.id')"
    same '1|1|0|0|0|0|1' "$(sql 'SELECT * FROM notification_tally')"
}
