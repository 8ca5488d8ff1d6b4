#!/usr/bin/env bats
# Every kind of target against the simulator, whose ledger has each write that it applied: with every
# kind of fault, somebody else's changes, and kills.
load lib

# KIND LOCKED TARGET: what the simulator plays; locked: yes, no, or `later`, after a write has created it
kinds() {
    cat <<'END'
rest-version yes {"preset":"rest-version","write":{"path":"/rest-version/{id}"}}
rest-etag yes {"preset":"rest-etag","write":{"path":"/rest-etag/{id}"}}
rest-plain no {"preset":"rest-plain","write":{"path":"/rest-plain/{id}"}}
genesys-users yes "genesys-users"
genesys-groups yes "genesys-groups"
genesys-datatable-rows no {"preset":"genesys-datatable-rows","params":{"table":"t1"}}
genesys-conversation-attributes later {"preset":"genesys-conversation-attributes","params":{"conversation":"c1","attributeSchema":"s1"}}
genesys-external-contacts no {"preset":"genesys-external-contacts","params":{"source":"erp"}}
genesys-external-organizations no {"preset":"genesys-external-organizations","params":{"source":"erp"}}
END
}

setup() {
    local kind locked target

    in_a_folder
    rm -rf schema/*
    mkdir inbox
    while read -r kind locked target; do
        printf '{"type":"object","properties":{"name":{"type":"string"},"note":{"type":"string"}},"x-rowferry":{%s"target":%s}}\n' \
            "$([ "$locked" = no ] || echo '"version":"fetch",')" "$target" >"schema/${kind//-/_}.json"
    done < <(kinds)
}

# night NAME: a file for each kind, ROWS rows of records r1, r2, ...
night() {
    local kind

    while read -r kind _; do
        {
            echo record_id,name,note
            seq "$ROWS" | awk -v night="$1" '{ printf "r%d,%s n%d,x\n", $1, night, $1 }'
        } >"inbox/${kind//-/_}-$1.csv"
        touch -d '1 hour ago' "inbox/${kind//-/_}-$1.csv"
    done < <(kinds)
}

# Runs until nothing is left, at most 15 times
run_all() {
    local i

    for i in {1..15}; do
        run --separate-stderr run_inbox --max-retries 1 --timeout 1 "$@"
        [ "$status" != 0 ] || return 0
        [ "$status" = 5 ] || break
    done
    echo "$status $output $stderr"
    sql "SELECT b.schema, j.state, j.http_status, j.error_code FROM job j JOIN batch b ON b.id = j.batch_id WHERE j.state <> 'applied' LIMIT 9"
    return 1
}

# writes NIGHT: `KIND WRITES RECORDS` of our updates in the ledger that carry this night's name
writes() {
    jq -r --arg night "$1 " 'select((tojson | contains("\"" + $night)) and (.foreign | not)) |
        (.schema | split("/")[0]) + " " + .id' ledger | sort | uniq -c |
        awk '{ n[$2] += $1; r[$2]++ } END { for (k in n) print k, n[k], r[k] }' | sort
}

@test "every kind of target is written once" {
    ROWS=5
    start_sim
    night first
    run_all
    same "$(kinds | awk '{ print $1, 5, 5 }' | sort)" "$(writes first)"
    night second
    run_all
    same "$(kinds | awk '{ print $1, 5, 5 }' | sort)" "$(writes second)"
}

# twice NIGHT: the kinds with a lock whose rows were written more often than once, or not at all
twice() {
    local kind locked

    while read -r kind locked _; do
        [ "$locked" = no ] || [ "$1 $locked" = 'first later' ] || writes "$1" | grep "^$kind " | grep -v " $ROWS $ROWS\$" || true
    done < <(kinds)
}

# contents NIGHT: `KIND RECORDS` as the server has them, with the values of this night
contents() {
    local kind schema n

    while read -r kind _; do
        schema=$(jq -r .schema ledger | grep -m 1 "^$kind\(/\|\$\)")
        for ((n = 1; n <= ROWS; n++)); do
            curl -sf "$GENESYS_ENVIRONMENT/sim/records/${schema//\//%2F}/r$n"
        done | jq -r --arg night "$1 " --arg kind "$kind" \
            'select(.fields | tojson | contains("\"" + $night)) | $kind'
    done < <(kinds) | sort | uniq -c | awk '{ print $2, $1 }'
}

@test "with every kind of fault and kills, nothing is lost, and nothing is written twice where a lock allows it" {
    local fault faults=() night pause

    ROWS=${NIGHT_ROWS:-5}
    for fault in cut-before cut-after 500-after 502-before 503-retry 504-after html-200-after truncate-after late; do
        faults+=(--fault "put:$fault=0.03")
    done
    start_sim "${faults[@]}" --fault get:500-after=0.05 --fault get:cut-after=0.05 --late-ms 300 --fault put:429=0.01 \
        --retry-after 0 --seed "${SEED:-5}"
    for night in first second; do
        night $night
        for pause in 0.3 0.5; do
            "$BIN/rowferry" run inbox --min-age 0 --rate none --timeout 1 >killed 2>&1 3>&- &
            sleep $pause
            kill -KILL $! 2>/dev/null || true
            wait $! || true
        done 2>/dev/null
        run_all
        sleep 0.4
        same '' "$(twice $night)"
        same "$(kinds | awk -v rows=$ROWS '{ print $1, rows }' | sort)" "$(contents $night)"
    done
    [ "$(curl -s "$GENESYS_ENVIRONMENT/sim/stats" | jq ".faults | add")" -gt 10 ]
}
