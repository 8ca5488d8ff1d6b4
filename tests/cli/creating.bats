#!/usr/bin/env bats
# Rows that create their records, by the write (`upsert`) or by a request of its own (`create`), when no
# answer comes and somebody else writes the record in between: with a token in the body, an ETag and
# without a lock, one by one and in bulk. The simulator's ledger says who was there and how often.
load lib

BULK='{"method":"POST","path":"/rest-version-bulk","list":"/documents","max":7,"item":{"id":"{id}"},
    "results":{"list":"","id":"/id","status":"/status","error":"/error","record":"/record"}}'

setup() {
    in_a_folder
    rm -f schema/*.json
    mkdir inbox
    export ROWFERRY_RATE=none ROWFERRY_TIMEOUT=1 ROWFERRY_AUDIT=none
    object BodyUpsert '{"preset":"rest-version","write":{"path":"/rest-version/{id}"},"missing":"upsert"}' fetch
    object BodyCreate '{"preset":"rest-version","write":{"path":"/rest-version/{id}"},
        "missing":{"method":"POST","path":"/rest-version","body":{"id":"{id}"}}}' fetch
    object BulkUpsert '{"preset":"rest-version","write":{"path":"/rest-version/{id}"},"missing":"upsert","bulk":'"$BULK}" fetch
    object TagUpsert '{"preset":"rest-etag","write":{"method":"PUT","path":"/rest-etag/{id}","absent":"clear"},"missing":"upsert"}' fetch
    object TagCreate '{"preset":"rest-etag","write":{"method":"PUT","path":"/rest-etag/{id}","absent":"clear"},
        "missing":{"method":"POST","path":"/rest-etag","body":{"id":"{id}"}}}' fetch
    object PlainUpsert '{"preset":"rest-plain","write":{"method":"PUT","path":"/rest-plain/{id}","absent":"clear"},"missing":"upsert"}'
    object PlainCreate '{"preset":"rest-plain","write":{"method":"PUT","path":"/rest-plain/{id}","absent":"clear"},
        "missing":{"method":"POST","path":"/rest-plain","body":{"id":"{id}"}}}'
}

teardown() {
    stop_sim
}

# object NAME TARGET [VERSION]: a schema file, and a file with one row of that record id
object() {
    printf '{"properties":{"a":{"type":"integer"}},"x-rowferry":{"write":"replace","target":%s%s}}\n' "$2" \
        "${3:+,\"version\":\"$3\"}" >"schema/$1.json"
    printf 'record_id,a\n%s,1\n' "$1" >"inbox/$1-1.csv"
    OBJECTS+=" $1"
}

# unanswered FAULT: a run that is killed while no create has been answered
unanswered() {
    start_sim --only-seeded --upsert
    setting "fault=$1=1"
    "$BIN/rowferry" run inbox --min-age 0 --timeout 60 --concurrency 16 >run.out 2>&1 3>&- &
    eventually all_stall
    kill -KILL $!
    { wait $! || true; } 2>/dev/null
    setting fault=none
    same '7' "$(sql "SELECT count(*) FROM job WHERE state = 'sending'")"
}

all_stall() {
    curl -s "$GENESYS_ENVIRONMENT/sim/stats" | jq -e '[.faults[]] | add >= 7' >/dev/null
}

# of NAME: the resource of an object's record
of() {
    case $1 in B*) echo rest-version ;; T*) echo rest-etag ;; P*) echo rest-plain ;; esac
}

# foreign VALUE: somebody else writes all records, which are there
foreign() {
    local name

    for name in $OBJECTS; do
        curl -sf -o answer -X POST "$GENESYS_ENVIRONMENT/sim/records/$(of "$name")/$name" -d "{\"fields\":{\"a\":$1}}"
    done
}

# foreign_creates VALUE: somebody else creates them, with a login of their own
foreign_creates() {
    local name token

    token=$(curl -s -u sim-client:sim-secret -d grant_type=client_credentials \
        --data-urlencode 'scope=customobjects:write customobjects:read' "$GENESYS_ENVIRONMENT/oauth/token" |
        jq -r .access_token)
    for name in $OBJECTS; do
        curl -sf -o answer -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
            -d "{\"id\":\"$name\",\"a\":$1}" "$GENESYS_ENVIRONMENT/$(of "$name")"
    done
}

# What happened to the rows, and who wrote each record: NAME STATE VALUE...
ended() {
    local name

    for name in $OBJECTS; do
        echo "$name $(sql "SELECT state FROM job WHERE record_id = '$name'") $(jq -r "select(.id == \"$name\").fields.a" ledger | xargs)"
    done
}

# all STATE VALUE...: what ended says, the same of all objects
all() {
    same "$(for name in $OBJECTS; do echo "$name $*"; done)" "$(ended)"
}

@test "nothing landed, and nobody wrote: it is created" {
    unanswered stall-before
    ends 0 rowferry run inbox --min-age 0
    all applied 1
}

@test "it landed, and nobody wrote since: it is not created again" {
    unanswered stall-after
    ends 0 rowferry run inbox --min-age 0
    all applied 1
    same 0 "$(sql "SELECT count(*) FROM attempt WHERE method = 'PUT' AND http_status")"
}

# Whether our create came first cannot be seen: without a lock the last writer wins.
decided() {
    ends 3 rowferry run inbox --min-age 0
    same "$(for name in $OBJECTS; do
        case $name in P*) echo "$name applied $1 1" ;; *) echo "$name conflict $1" ;; esac
    done)" "$(ended)"
    same '5 unproven 9' "$(sql "SELECT count(*), evidence, server_record ->> '\$.fields.a' FROM conflict" | tr '|' ' ')"
}

@test "nothing landed, and somebody else created the record: a conflict, unproven" {
    unanswered stall-before
    foreign_creates 9
    decided 9
}

@test "it landed, and somebody else wrote since: the same, and nothing twice" {
    unanswered stall-after
    foreign 9
    decided '1 9'
}

@test "nothing landed, and somebody else created it with our values: there is nothing to do" {
    unanswered stall-before
    foreign_creates 1
    ends 0 rowferry run inbox --min-age 0
    all applied 1
}
