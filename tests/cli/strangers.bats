#!/usr/bin/env bats
# Nights against servers that are not ours, with kills and with a proxy that cuts connections, compared
# with the contents of these servers: nothing lost, nothing twice.
#
#   NIGHT_ROWS=10000   rows of each file (default 100)
#   NIGHT_KILLS=50     kills of a night (default 4)
#   NIGHT_SEED=7       of the proxy
load lib
load npm
load servers

ROWS=${NIGHT_ROWS:-100}

setup() {
    in_a_folder
    rm -rf schema/*
    mkdir inbox
    echo 'Bearer key-of-ours' >key
    chmod 600 key
    export ROWFERRY_API_KEY_FILE=key ROWFERRY_RATE=none ROWFERRY_AUDIT=none ROWFERRY_TIMEOUT=5
}

teardown() {
    stop_servers
}

# schema TARGET: of object Row
schema() {
    printf '{"type":"object","properties":{"name":{"type":"string"},"price":{"type":"number"}},
        "x-rowferry":{"version":"fetch","write":"replace","target":%s}}\n' "$1" >schema/Row.json
}

# night NAME PRICE: a file with all records, in a new order each night
night() {
    {
        echo record_id,name,price
        seq "$ROWS" | awk -v price="$2" '{ printf "r%d,%s n%d,%d.50\n", $1, (price % 2 ? "odd" : "even"), $1, price }' |
            sort -R --random-source=<(yes "$2")
    } >"inbox/Row-$1.csv"
    touch -d '1 hour ago' "inbox/Row-$1.csv"
}

# rows PRICE: the fields of r1, r2, ... as the server should have them, with sorted names
rows() {
    seq "$ROWS" | awk -v price="$1" \
        '{ printf "{\"name\":\"%s n%d\",\"price\":%d.5}\n", (price % 2 ? "odd" : "even"), $1, price }'
}

# weather: runs that are killed, runs that are only cut, and runs in calm, until nothing is left
weather() {
    local kill status=9

    export GENESYS_ENVIRONMENT=$URL
    for ((kill = 0; kill < ${NIGHT_KILLS:-4}; kill++)); do
        "$BIN/rowferry" run inbox --min-age 0 >run.out 2>&1 3>&- &
        sleep "0.$((RANDOM % 7 + 3))"
        kill -KILL $! 2>/dev/null || true
        wait $! 2>/dev/null || true
    done 2>/dev/null
    # the retry budget or the retries of a job can end a run
    for ((kill = 0; kill < 3; kill++)); do
        run --separate-stderr rowferry run inbox --min-age 0
        [[ $status = [035] ]] || { echo "status $status: $output $stderr"; return 1; }
    done
    heal
    until [ "$status" = 0 ]; do
        [ $((kill++)) -lt 30 ] || { echo "$status $output $stderr"; sql 'SELECT * FROM job LIMIT 5'; return 1; }
        sleep 0.5
        run --separate-stderr rowferry run inbox --min-age 0
    done
    end_cutting
    echo "cut: $CUTS, $(sql 'SELECT count(*) FROM attempt') attempts"
    same "applied $((ROWS * 2))" \
        "$(sql "SELECT state || ' ' || count(*) FROM job GROUP BY state")"
}

@test "lighttpd: a PUT under If-Match, creations included" {
    local i

    schema '{"preset":"rest-etag","write":{"method":"PUT","path":"/{id}","absent":"clear"},"missing":"upsert"}'
    mkdir site
    for ((i = 1; i <= ROWS; i += 2)); do echo '{"name":"old"}' >site/r$i; done
    start_webdav
    start_cutting "${NIGHT_SEED:-1}" 0.03 0.05 0.03
    night a 7
    night b 8
    weather
    stop_servers
    same "$(rows 8)" "$(cd site && seq -f 'r%.0f' "$ROWS" | xargs jq -cS .)"
    # each record was written twice, once a night
    same "$ROWS" "$(grep -cE '^PUT 20[14] ' access.log | awk '{ print $1 / 2 }')"
    same '' "$(grep -E '^PUT 20[14] ' access.log | sort | uniq -c | awk '$1 > 2')"
}

# contents: what the database of express-pouchdb has to hold after both nights: each record with the
# fields of the second one. The first part of a revision counts the writes.
contents() {
    curl -s "$DIRECT/rows/_all_docs?include_docs=true" >all
    same "$ROWS" "$(jq '.rows | length' all)"
    same "$(rows 8 | sort)" \
        "$(jq -cS '.rows[].doc | del(._id, ._rev)' all | sort)"
    same 2 "$(jq -r '.rows[].doc._rev | split("-")[0]' all | sort -u | xargs)"
}

# Two nights through the cutting proxy, and what is there after them
couch_nights() {
    start_couch
    start_cutting "${NIGHT_SEED:-1}" 0.03 0.05 0.03
    night a 7
    night b 8
    weather
    contents
}

@test "express-pouchdb: a PUT with _rev, creations included" {
    schema '{"preset":"rest-version","write":{"path":"/rows/{id}"},"missing":"upsert",
        "lock":{"read":"/_rev","write":"/_rev","answer":"/rev"}}'
    couch_nights
}

@test "express-pouchdb: _bulk_docs with _rev, creations included" {
    schema '{"preset":"rest-bulk","write":{"path":"/rows/{id}"},"bulk":{"path":"/rows/_bulk_docs"}}'
    couch_nights
    # several rows have one answer
    same 1 "$(sql "SELECT count(*) > 4 * count(DISTINCT ended_ms || ' ' || latency_us) FROM attempt
        WHERE method = 'PUT' AND http_status")"
}
