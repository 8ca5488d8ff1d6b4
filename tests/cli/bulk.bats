#!/usr/bin/env bats
# Rows that go out in requests of several, against the simulator: its ledger says what was applied, and
# its list of requests how many there were.
load lib

setup() {
    in_a_folder
    rm -f schema/*.json
    mkdir inbox
    export ROWFERRY_RATE=none ROWFERRY_TIMEOUT=2 GENESYS_EXTERNAL_SOURCE=s GENESYS_CONTACT_LIST=L
}

teardown() {
    stop_sim
}

# contacts NAME FIRST LAST [VALUE]: a file of external contacts
contacts() {
    {
        echo record_id,lastName,city
        seq "$2" "$3" | awk -v value="${4:-x}" '{ print "c" $1 ",n" $1 "," value }'
    } >"inbox/Contact-$1.csv"
    touch -d '1 hour ago' "inbox/Contact-$1.csv"
}

enrich() {
    printf '{"properties":{"lastName":{"type":"string"},"city":{"type":"string"}},
        "x-rowferry":{"target":{"preset":"genesys-external-contacts","params":{"source":"s"}%s}}}\n' "${1:+,$1}" >schema/Contact.json
}

night() {
    ends "$1" rowferry run inbox --min-age 0
}

# The rows of each bulk request that was applied or answered, in order
sizes() {
    jq -r 'select(.kind == "bulk") | .rows' requests | xargs
}

# What the ledger has, a line each: id and fields
applied() {
    jq -r '[.id, .fields.lastName, .fields.address.city] | join(",")' ledger
}

@test "rows go out ten at a time, and each has its attempt" {
    enrich
    contacts 1 1 103
    start_sim
    night 0
    same "3 $(yes 10 | head -n 10 | xargs)" "$(sizes | xargs -n 1 | sort -n | xargs)"
    same 'bulk token' "$(jq -r .kind requests | sort -u | xargs)"
    same "$(seq 1 103 | awk '{ print "c" $1 ",n" $1 ",x" }' | sort)" "$(applied | sort)"
    same '103|applied' "$(sql 'SELECT count(*), state FROM job GROUP BY state')"
    same '103|201' "$(sql 'SELECT count(*), http_status FROM attempt GROUP BY http_status')"
}

@test "the forecast counts requests of several rows, not rows" {
    enrich
    contacts 1 1 103
    ends 0 rowferry ingest inbox/Contact-1.csv --rate 5/s
    holds "$output" '11 requests left, about 2.2 s at 5/s'
    ends 0 rowferry status --json --rate 5/s
    same '11 2.2' "$(summary '[.requests_left, .seconds_left] | join(" ")')"
    start_sim
    night 0
    ends 0 rowferry status --json
    same 0 "$(summary .requests_left)"
}

# outbound: schema file of contacts of the list L; contact lists take 1000 in a request
outbound() {
    printf '{"properties":{"lastName":{"type":"string"},"city":{"type":"string"}},
        "x-rowferry":{"write":"replace","target":{"preset":"genesys-outbound-contacts","params":{"list":"L"}%s}}}\n' \
        "${1:+,$1}" >schema/Contact.json
}

# pairs FIRST LAST [VALUE]: what contacts has in the ledger, sorted
pairs() {
    seq "$1" "$2" | awk -v value="${3:-x}" '{ print "c" $1 ",n" $1 "," value }' | sort
}

# What the ledger has of an outbound list
written() {
    jq -r '[.id, .fields.lastName, .fields.city] | join(",")' ledger
}

states() {
    sql "SELECT group_concat(n || ' ' || state, ', ') FROM (SELECT count(*) AS n, state FROM job GROUP BY state ORDER BY state)"
}

# after_faults FILES: runs until nothing is left
after_faults() {
    local i

    setting fault=none
    for ((i = 0; i < 20; i++)); do
        run --separate-stderr rowferry run inbox --min-age 0
        [ "$status" != 0 ] || return 0
        sleep 0.3
    done
    echo "$status $output $stderr"
    return 1
}

@test "rows of one record are in different requests, in the order of the file" {
    enrich
    { echo record_id,lastName,city; for i in 1 2 3; do for k in 1 2 3 4 5; do echo "c$k,n$k,$i"; done; done; } >inbox/Contact-1.csv
    start_sim
    night 0
    same '5 5 5' "$(sizes)"
    same "$(for k in 1 2 3 4 5; do printf 'c%d,n%d,%d\n' $k $k 1 $k $k 2 $k $k 3; done)" "$(applied | sort -t, -k1,1 -s)"
}

@test "a request whose answer is lost is settled row by row, and nothing is sent twice" {
    enrich
    contacts 1 1 20
    start_sim --fault cut-after=1 --fault-limit 1
    night 0
    same '10 10' "$(sizes)"
    same "$(pairs 1 20)" "$(applied | sort)"
    same '10 lookup' "$(jq -r 'select(.kind == "lookup").kind' requests | uniq -c | xargs)"
    same '10|the record holds our fields' "$(sql "SELECT count(*), evidence FROM attempt WHERE method = 'GET' GROUP BY evidence")"
}

@test "a row that no result names, or two, or another one, is read back; a refused one is refused" {
    enrich
    contacts 1 1 10
    start_sim --answer c2=202 --answer c3=204:never*1 --answer c4=202:twice --answer c5=202:other --answer c6=422:validation.failed
    night 3
    same '9 applied, 1 refused' "$(states)"
    same "$(pairs 1 10 | grep -v c6,)" "$(applied | sort)"
    same '1/2|applied|PUT,GET
1/3|applied|PUT,GET,GET,PUT
1/4|applied|PUT,GET
1/5|applied|PUT,GET
1/6|refused|PUT' "$(sql "SELECT '1/' || row_no, job.state, group_concat(method) FROM job JOIN attempt ON job_id = job.id
        WHERE row_no BETWEEN 2 AND 6 GROUP BY job.id")"
    same '1|422|validation.failed' "$(sql "SELECT attempts, http_status, error_code FROM job WHERE state = 'refused'")"
    same 'the answer to several rows does not name this one
the answer to several rows names this one more than once' "$(sql 'SELECT DISTINCT error FROM attempt WHERE error LIKE "the answer%" ORDER BY 1')"
}

@test "one wrong row among 1000 is found by halves, and the others are not refused" {
    outbound
    contacts 1 1 1000
    start_sim --answer c618=400:invalid.value
    night 3
    same '999 applied, 1 refused' "$(states)"
    same "$(pairs 1 1000 | grep -v c618,)" "$(written | sort)"
    same 21 "$(sizes | wc -w)"
    same '400|invalid.value|1' "$(sql "SELECT http_status, error_code, attempts - attempts_before FROM job_state WHERE state = 'refused'")"
    # it says nothing about how many rows a request can have
    contacts 2 1 1000 y
    : >requests
    setting answer=c=0
    night 0
    same 1000 "$(sizes)"
}

@test "a maximum that nobody published is found once, and then kept" {
    outbound
    contacts 1 1 1000
    start_sim --bulk-max 100
    ends 0 rowferry run inbox --min-age 0 --concurrency 1
    same "$(pairs 1 1000)" "$(written | sort)"
    same '1000 applied' "$(states)"
    contacts 2 1001 3000
    : >requests
    ends 0 rowferry run inbox --min-age 0 --concurrency 1
    # at most two are split at a time
    [ "$(sizes | wc -w)" -le 80 ] || { sizes; false; }
    same '0 rows' "$(sql 'SELECT count(*) FROM job_state WHERE attempts - attempts_before > 1') rows"
}

@test "requests are full, also where fewer rows can be in hand than there are slots for" {
    outbound
    contacts 1 1 12000
    start_sim --latency-ms 50
    ends 0 rowferry run inbox --min-age 0 --concurrency 64
    same "$(yes 1000 | head -n 12 | xargs)" "$(sizes)"
    same '12000 applied' "$(states)"
}

@test "rows of a request that did not arrive are sent again together, when all have been read" {
    outbound
    contacts 1 1 300
    start_sim --fault cut-before=1 --fault-limit 1 --latency-ms 20
    ends 0 rowferry run inbox --min-age 0 --timeout 1 --concurrency 8
    same '300 applied' "$(states)"
    same "$(pairs 1 300)" "$(written | sort)"
    # each row has its own delay: the lost request, and as many as there are seconds
    [ "$(sizes | wc -w)" -le 20 ] || { sizes; false; }
}

@test "a 429 and a 503 in the middle are about the whole request" {
    enrich
    contacts 1 1 200
    start_sim --fault 429=0.2 --fault 503-before=0.1 --fault 408-before=0.1 --fault 401=0.05 --retry-after 0 --seed 3
    run rowferry run inbox --min-age 0
    after_faults
    same '200 applied' "$(states)"
    same "$(pairs 1 200)" "$(applied | sort -u)"
    same '' "$(applied | sort | uniq -d)"
}

@test "rows that are tried again go out together" {
    enrich
    contacts 1 1 60
    start_sim --fault put:408-before=1 --fault-limit 6
    night 0
    # 12, or one or two more where a second begins between the read-backs
    [ "$(grep -c '"kind":"bulk"' requests)" -le 15 ]
    same "$(pairs 1 60)" "$(applied | sort)"
}

@test "SIGTERM gives back what has not left" {
    enrich
    contacts 1 1 2000
    start_sim --latency-ms 100
    "$BIN/rowferry" run inbox --min-age 0 --concurrency 2 >run.out 2>&1 3>&- &
    sleep 0.7
    kill -TERM $!
    wait $! && same 143 0 || same 143 $?
    same 0 "$(sql "SELECT count(*) FROM job WHERE state IN ('sending', 'unknown')")"
    night 0
    same "$(pairs 1 2000)" "$(applied | sort)"
    same '2000 applied' "$(states)"
}

@test "nights with kills, lost answers and odd results: nothing lost, nothing twice" {
    local i

    outbound
    mv schema/Contact.json schema/Lead.json
    enrich
    contacts 1 1 300
    sed 's/^c/l/' inbox/Contact-1.csv >inbox/Lead-1.csv
    printf '{"properties":{"lastName":{"type":"string"},"city":{"type":"string"}},"x-rowferry":{"target":{"preset":"rest-plain","write":{"path":"/rest-plain/{id}"}}}}' >schema/Other.json
    sed 's/^c/o/' inbox/Contact-1.csv >inbox/Other-1.csv
    start_sim --fault cut-after=0.1 --fault cut-before=0.1 --fault html-200-after=0.05 --fault truncate-after=0.05 \
        --fault 500-after=0.05 --fault deep-after=0.03 --fault utf8-after=0.03 --fault get:cut-after=0.05 \
        --answer c11=202 --answer c22=202:twice --answer c33=202:other --latency-ms 5 --seed 5
    for i in 1 2 3 4 5 6; do
        "$BIN/rowferry" run inbox --min-age 0 --concurrency 4 >run.out 2>&1 3>&- &
        sleep 0.$((i + 2))
        kill -KILL $! && wait $! || true
    done 2>/dev/null
    after_faults
    same '900 applied' "$(states)"
    same "$(seq 1 300 | awk '{ print "genesys-external-contacts/s,c" $1; print "genesys-outbound-contacts/L,l" $1; print "rest-plain,o" $1 }' | sort)" \
        "$(jq -r '[.schema, .id] | join(",")' ledger | sort -u)"
    # ... by their values, which no lock keeps from being applied again
    same 0 "$(jq -r '[.schema, .id, .fields] | tostring' ledger | sort -u | wc -l | awk '{ print $1 - 900 }')"
}

@test "a row that is denied is found by halves, whether others were taken before or not" {
    outbound
    contacts 1 1 2000
    start_sim --answer c1500=403:missing.division
    night 3
    same '1999 applied, 1 refused' "$(states)"
    same "$(pairs 1 2000 | grep -v c1500,)" "$(written | sort)"
    same '403|missing.division' "$(sql "SELECT http_status, error_code FROM job_state WHERE state = 'refused'")"
    # the list is there: a 404 to one request is about one of its rows
    contacts 2 5001 5100
    setting 'answer=c5050=404:resource.not.found'
    night 3
    same '2098 applied, 2 refused' "$(states)"
    same "$(pairs 5001 5100 | grep -v c5050,)" "$(written | grep -E '^c5[01][0-9]{2},' | sort)"
}

@test "a request that is denied as a whole stops the run, and its rows stay pending" {
    outbound
    contacts 1 1 3000
    start_sim --answer c=403
    night 6
    holds "$stderr" 'the API refused us with 403'
    same '3000 pending' "$(states)"
    [ "$(sizes | wc -w)" -le 12 ]
    setting answer=c=0
    night 0
    same "$(pairs 1 3000)" "$(written | sort)"
}

@test "a body has at most 512000 bytes, and an answer can have more than one MB" {
    local wide

    outbound
    wide=$(head -c 3000 /dev/zero | tr '\0' w)
    contacts 1 1 400 "$wide"
    start_sim
    night 0
    same '400 applied' "$(states)"
    [ "$(sizes | wc -w)" -le 4 ]
    jq -e 'select(.kind == "bulk") | .rows <= 170' requests >rows
}

@test "SIGTERM and kills while a refused request is sent again in halves" {
    local i

    outbound
    contacts 1 1 600
    start_sim --answer c5=400:invalid.value --latency-ms 30
    for i in 1 2 3 4 5 6; do
        "$BIN/rowferry" run inbox --min-age 0 --concurrency 2 >run.out 2>&1 3>&- &
        sleep 0.3
        if [ $((i % 2)) = 0 ]; then kill -TERM $!; else kill -KILL $!; fi
        wait $! || true
    done 2>/dev/null
    for ((i = 0; i < 10; i++)); do
        run --separate-stderr rowferry run inbox --min-age 0
        [ "$status" != 3 ] || break
    done
    # c5, c50 to c59, c500 to c599
    same '489 applied, 111 refused' "$(states)"
    same "$(pairs 1 600 | grep -v '^c5' | cut -d, -f1)" "$(written | cut -d, -f1 | sort -u)"
    same 0 "$(sql "SELECT count(*) FROM attempt WHERE ended_ms IS NULL AND job_id NOT IN (SELECT job_id FROM job_state WHERE doubt)")"
}

@test "rows with different columns are in different requests, when these name the record" {
    printf '{"properties":{"lastName":{"type":"string"},"city":{"type":"string"}},
        "x-rowferry":{"target":{"preset":"genesys-external-contacts","params":{"source":{"column":"source"}}}}}\n' >schema/Contact.json
    {
        echo source,record_id,lastName
        for i in 1 2 3; do for k in 1 2 3 4; do echo "s$i,c$k,n$i$k"; done; done
    } >inbox/Contact-1.csv
    touch -d '1 hour ago' inbox/Contact-1.csv
    start_sim
    night 0
    same '4 4 4' "$(sizes)"
    same "$(for i in 1 2 3; do for k in 1 2 3 4; do echo "genesys-external-contacts/s$i c$k n$i$k"; done; done)" \
        "$(jq -r '[.schema, .id, .fields.lastName] | join(" ")' ledger | sort)"
    # in any order in the file
    seq 1 120 | awk 'BEGIN { print "source,record_id,lastName" } { print "s" $1 % 3 ",d" $1 ",n" }' >inbox/Contact-2.csv
    touch -d '1 hour ago' inbox/Contact-2.csv
    : >requests
    night 0
    same "$(yes 10 | head -n 12 | xargs)" "$(sizes)"
    same 120 "$(jq -r 'select(.id | startswith("d")) | .id' ledger | sort -u | wc -l)"
}

@test "without bulk in the description, rows go one by one" {
    enrich '"bulk":null'
    contacts 1 1 5
    start_sim
    night 0
    same '5 enrich' "$(jq -r 'select(.kind != "token").kind' requests | uniq -c | xargs)"
    ends 0 rowferry doctor
    lacks "$output" 'in one request'
    enrich
    run --separate-stderr rowferry doctor
    holds "$output" 'up to 10 rows are sent in one request'
    holds "$(tr -s ' \n' ' ' <<<"$output")" 'Contact: its target takes at most 512000 bytes an update'
}

@test "the pace holds for requests, not for rows" {
    enrich
    contacts 1 1 100
    start_sim
    ROWFERRY_RATE=5/s ends 0 rowferry run inbox --min-age 0
    same '10' "$(sizes | wc -w)"
    # the first two may leave at once
    jq -s 'map(select(.kind == "bulk").at_ms) | .[9] - .[0] | . > 1400 and . < 10000' requests | grep -x true
    same '100 applied' "$(states)"
    same '10 0' "$(sql 'SELECT requests, throttled FROM run ORDER BY id DESC LIMIT 1' | tr '|' ' ')"
}

@test "a schema file that is removed or replaced while a run reads it ends the run, and not a row" {
    local next

    # a sanitizer's library wants to be the first, and is not
    export ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0
    start_sim
    for next in '' '"bulk":null' '"bulk":{"max":5}'; do
        enrich
        contacts 1 1 12
        ends 0 rowferry ingest inbox/Contact-1.csv
        if [ "$next" ]; then
            cp schema/Contact.json kept
            enrich "$next"
            mv schema/Contact.json schema/Contact.json.next
            mv kept schema/Contact.json
        fi
        SWAP_PATH=schema/Contact.json LD_PRELOAD=$BIN/swap_file.so ends 2 "$BIN/rowferry" drain
        holds "$stderr" 'the schema file of Contact was replaced or removed while it was read'
        same '12|pending' "$(sql 'SELECT count(*), state FROM job GROUP BY state')"
        same '' "$(sizes)"
        enrich
        ends 0 rowferry drain
        same '12|applied' "$(sql 'SELECT count(*), state FROM job GROUP BY state')"
        rm rowferry.db*
        : >requests
    done
}
