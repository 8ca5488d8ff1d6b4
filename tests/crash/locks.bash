# Rows of targets with every kind of lock in one database, while `run` is killed again and again. The simulator's
# ledger decides: no row is lost, the rows of a record are applied in their order, and each once. Only where a
# target has no lock, a row can be applied twice, and only next to itself.

# OBJECT LOCK TARGET. A record's id begins with its object's name. LOCK:
#   step, body (an opaque token), header (ETag), none
#   silent   a token in the body that no answer to a write shows
#   later    likewise, and the write that creates the record has none
#   ,seeded  the records are there before
CRASH_LOCKS='
Step          step,seeded    "guide"
Body          body,seeded    {"preset":"rest-version","write":{"path":"/rest-version/{id}"}}
Mute          silent,seeded  {"preset":"rest-version","write":{"path":"/rest-version/{id}"},"lock":{"answer":null}}
User          body,seeded    "genesys-users"
Group         body,seeded    "genesys-groups"
Upsert        body           {"preset":"rest-version","write":{"path":"/rest-version/{id}"},"missing":"upsert"}
Create        body           {"preset":"rest-version","write":{"path":"/rest-version/{id}"},"missing":{"method":"POST","path":"/rest-version","body":{"id":"{id}"}}}
Tag           header,seeded  {"preset":"rest-etag","write":{"path":"/rest-etag/{id}"}}
TagUpsert     header         {"preset":"rest-etag","write":{"method":"PUT","path":"/rest-etag/{id}","absent":"clear"},"missing":"upsert"}
TagCreate     header         {"preset":"rest-etag","write":{"path":"/rest-etag/{id}"},"missing":{"method":"POST","path":"/rest-etag","body":{"id":"{id}"}}}
Plain         none,seeded    {"preset":"rest-plain","write":{"path":"/rest-plain/{id}"}}
Marked        none,seeded    {"preset":"rest-plain","write":{"path":"/rest-plain/{id}"},"mark":"/mark"}
PlainUpsert   none           {"preset":"rest-plain","write":{"method":"PUT","path":"/rest-plain/{id}","absent":"clear"},"missing":"upsert"}
TableRow      none           {"preset":"genesys-datatable-rows","params":{"table":"t"}}
Attribute     later          {"preset":"genesys-conversation-attributes","params":{"conversation":"c","attributeSchema":"s"}}
Contact       none           {"preset":"genesys-external-contacts","params":{"source":"erp"}}
Organization  none           {"preset":"genesys-external-organizations","params":{"source":"erp"}}
Outbound      none           {"preset":"genesys-outbound-contacts","params":{"list":"l"}}
Several       body,seeded    {"preset":"rest-version","write":{"path":"/rest-version/{id}"},"bulk":BULK}
SeveralUpsert body           {"preset":"rest-version","write":{"path":"/rest-version/{id}"},"missing":"upsert","bulk":BULK}
'
CRASH_LOCKS=${CRASH_LOCKS//BULK/'{"method":"POST","path":"/rest-version-bulk","list":"/documents","max":7,"item":{"id":"{id}"},"results":{"list":"","id":"/id","status":"/status","error":"/error","record":"/record"}}'}
LOCK_RECORDS=20
# Contacts that a bulk request applies, and does not name, names twice or by another id; one that it neither
# applies nor names, for some time. A request with more than 8 rows is answered 413.
LOCK_SIM=(--only-seeded --upsert --bulk-max 8 --answer Contact-3=202 --answer Contact-4=202:twice
    --answer Contact-5=202:other --answer Contact-6=204:never*3 --answer Outbound-3=400:contact.list.clear.in.progress*4)
LOCK_RUN=(run inbox --min-age 0 --rate none --concurrency 16 --timeout 1 --max-retries 2 --max-attempts 1000
    --audit none)

# Lines of CRASH_LOCKS with the resource of the simulator for `seeded` ones.
lock_seeds() {
    local object lock target resource

    while read -r object lock target; do
        [[ $lock == *,seeded ]] || continue
        case $target in
        '"guide"') resource=$object ;;
        \"*) resource=${target//\"/} ;;
        *) resource=$(jq -r .preset <<<"$target") ;;
        esac
        seq "$LOCK_RECORDS" | jq -c --arg schema "$resource" --arg object "$object" \
            '{schema: $schema, id: "\($object)-\(.)", version: 1, fields: {}}'
    done <<<"$CRASH_LOCKS"
}

lock_schemas() {
    local object lock target

    rm -r schema/*
    while read -r object lock target; do
        [ -z "$object" ] || jq -n --argjson target "$target" --arg lock "${lock%,*}" '
            {type: "object", properties: {name: {type: "string"}, note: {type: "string"}},
             "x-rowferry": ({target: $target} + if $lock == "none" then {} else {version: "fetch"} end)}' \
            >"schema/$object.json"
    done <<<"$CRASH_LOCKS"
}

# feed_locks ROWS: one file more for each object, in the formats by turns. A row's serial number is in its note.
feed_locks() {
    local object lock target format

    FED=$((FED + 1))
    format=$([ $((FED % 2)) -eq 0 ] && echo csv || echo ndjson)
    while read -r object lock target; do
        [ -n "$object" ] || continue
        awk -v rows="$1" -v object="$object" -v lock="${lock%,*}" -v format=$format -v records="$LOCK_RECORDS" \
            -v serial="$(wc -l <asked)" -v seed=$((SEED + FED)) '
            BEGIN {
                srand(seed)
                line = "{\"recordId\":\"%s\",\"fields\":{\"name\":\"n%d\",\"note\":\"S-%d\"}}\n"
                if (format == "csv")
                    line = "%s,n%d,S-%d\n"
                if (format == "csv")
                    print "record_id,name,note"
                for (; rows > 0; rows--) {
                    record = object "-" (1 + int(rand() * records))
                    printf line, record, rows % 3, ++serial
                    print serial "\t" record "\t" lock "\t" >>"asked"
                }
            }' >feeding || return
        mv feeding "inbox/$object-$(printf %06d $FED).$format"
    done <<<"$CRASH_LOCKS"
}

feed_locks_when_low() {
    while [ $(($(wc -l <asked) - $(wc -l <ledger))) -lt $((${LOCK_ROWS:-30} * 20)) ]; do
        feed_locks "${LOCK_ROWS:-30}" || return
    done
}

# Attempts that a kill left without an end.
lock_attempts_open() {
    sqlite3 copy.db 'SELECT count(*) FROM attempt WHERE ended_ms IS NULL' 2>/dev/null || echo 0
}

one_lock_kill() {
    feed_locks_when_low || fail 'no rows'
    run_and_kill
    case $status in
    137) ;;
    0 | 3 | 5) return ;;
    *) fail "a run ended by itself with status $status: $(tail -n 12 out)" ;;
    esac
    left=$((left - 1))
    check locks.sql || fail 'after the kill'
    [ "$(lock_attempts_open)" -eq 0 ] || lock_hits=$((lock_hits + 1))
}

# By lock: rows, and how many of them were applied twice or more often.
print_repeats() {
    sqlite3 -separator ' ' witness.db "SELECT kind || ' ' || sum(times > 1) || '/' || count(*) FROM
        (SELECT kind, (SELECT count(*) FROM ledger l WHERE l.serial = asked.serial) AS times FROM asked)
        GROUP BY kind ORDER BY kind" | paste -sd ' ' | sed 's/ \([^ ]*\) / \1, /g'
}

# lock_round KILLS: in a folder of its own
lock_round() {
    local left=$1 lock_hits=0 CRASH_RUN=("${LOCK_RUN[@]}")

    SEED=$FIRST_SEED LATENCY_MS=10
    mkdir -p "$WORK"
    lock_seeds >"$WORK/seeds"
    world_begin "$WORK/locks" "$SEED" --records "$WORK/seeds" "${LOCK_SIM[@]}" ||
        fail 'the simulator does not start'
    rm -f clock
    mkfifo clock
    lock_schemas
    world_faults "${CRASH_FAULTS[@]}" && locks_are_odd || fail 'the simulator does not take the faults'
    while [ $left -gt 0 ]; do
        one_lock_kill
    done
    world_change 'fault=429=0&fault=get:429=0' || fail 'the simulator does not go on without 429s'
    run_to_the_end && check locks.sql && check locks-end.sql || fail 'at the end of the locks'
    echo "crash: targets with every kind of lock were killed $1 times ($lock_hits amid requests): no row is lost, all are in order; applied twice, by lock: $(print_repeats); $(sqlite3 "$DB" "SELECT count(*) FROM job WHERE state = 'conflict'") are unproven conflicts"
    world_end
    cd "$WORK" && rm -rf locks seeds
}

locks_are_odd() {
    local coding query="retry-after=1"

    ! with lag || query+="&read-lag-ms=300"
    ! with 429 || query+='&fault=429=0.002&fault=get:429=0.002'
    for coding in put:gzip=0.05 put:deflate=0.05 get:gzip=0.05 get:broken-gzip=0.01 token:gzip=0.5; do
        query+="&distort=$coding"
    done
    world_change "$query"
}
