#!/usr/bin/env bats
# The simulator against docs/api.md, independently of rowferry.

load sim

API=/api/v2/customobjects/schemas
JOB_ID=0c0c0c0c-1111-4222-8333-444444444444
META='"metadata":{"tags":["erp-sync"],"source":"rowferry","requestCorrelationId":"'$JOB_ID'"}'

# put ID VERSION [curl options]: writes the answer to file body and its headers to head, and sets
# STATUS (000 without an answer) and CURL, the exit status of curl.
put() {
    put_raw "$1" '{"version":'"$2"',"fields":{"price":45.50},'"$META"'}' "${@:3}"
}

put_raw() {
    printf %s "$2" >sent
    request PUT "$API/Inv/records/$1" -H 'Content-Type: application/json' --data-binary @sent "${@:3}"
}

get() {
    request GET "$API/Inv/records/$1" "${@:2}"
}

# ---- the table ------------------------------------------------------------------------------

# Sends one case of the table; CASE, LINE, BODY and EXPECTED hold its parts.
run_case() {
    local method path header options=() status

    read -r method path <<<"${LINE[0]}"
    for header in "${LINE[@]:1}"; do
        case $header in
        @bearer) options+=(-H "Authorization: Bearer $TOKEN") ;;
        @json) options+=(-H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json') ;;
        @login) options+=(-u sim-client:sim-secret) ;;
        *) options+=(-H "$header") ;;
        esac
    done
    if [ -n "$BODY" ]; then
        printf %s "${BODY//\$META/$META}" >sent
        options+=(--data-binary @sent)
    fi
    curl -s --path-as-is -m 10 -X "$method" "${options[@]}" -o body \
        -w '{"status":%{http_code},"headers":%{header_json}}' "$URL${path/#API/$API}" >meta
    status=${EXPECTED%% *}
    jq -s '.[0] + {body: .[1]}' meta body >answer
    if ! jq -e --argjson status "$status" '.status == $status and ('"${EXPECTED#* }"')' answer \
        >verdict; then
        printf '%s\nexpected: %s\nanswer: %s\n' "$CASE" "$EXPECTED" "$(jq -c . answer)"
        FAILED=$((FAILED + 1))
    fi
    COUNT=$((COUNT + 1))
}

@test "every request of the table gets the documented answer" {
    local text
    start_and_login
    CASE='' BODY='' COUNT=0 FAILED=0 LINE=() in_body=
    while IFS= read -r text; do
        case $text in
        '### '*) CASE=${text#'### '} LINE=() BODY='' in_body= ;;
        '=> '*) EXPECTED=${text#'=> '} && run_case && CASE= ;;
        '') in_body=1 ;;
        *)
            [ -n "$CASE" ] || continue
            if [ -n "$in_body" ]; then BODY+=$text; else LINE+=("$text"); fi
            ;;
        esac
    done <"$BATS_TEST_DIRNAME/data/sim-requests.txt"
    echo "$FAILED of $COUNT cases failed"
    [ "$COUNT" -gt 80 ]
    [ "$FAILED" -eq 0 ]
}

# ---- requests that a table cannot hold ------------------------------------------------------

@test "a body of 512000 bytes is accepted, one byte more is 413" {
    start_and_login
    local frame='{"version":1,"fields":{"text":""},'$META'}' filler
    filler=$(head -c $((512000 - ${#frame})) /dev/zero | tr '\0' x)
    put_raw big "${frame/\"\"/\"$filler\"}"
    [ "$STATUS" = 200 ]
    put_raw big "${frame/\"\"/\"x$filler\"}"
    [ "$STATUS" = 413 ]
    [ "$(jq -r .code body)" = request.entity.too.large ]
    [ "$(last requests '[.kind, .status, .applied]')" = '["put",413,false]' ]
}

@test "control characters and bytes that are not UTF-8 are 400" {
    start_and_login
    put_raw x '{"version":1,"fields":{"a":"'$'\t''"},'"$META"'}'
    [ "$STATUS" = 400 ]
    put_raw x '{"version":1,"fields":{"a":"'$'\xff''"},'"$META"'}'
    [ "$STATUS" = 400 ]
    put_raw x '{"version":1,"fields":{"a":"'$'\xed\xa0\x80''"},'"$META"'}'
    [ "$STATUS" = 400 ]
}

@test "nesting deeper than 100 levels is 400" {
    start_and_login
    local open close
    open=$(printf '[%.0s' {1..98}) close=$(printf ']%.0s' {1..98})
    put_raw x '{"version":1,"fields":{"a":'"$open$close"'},'"$META"'}'
    [ "$STATUS" = 200 ]
    put_raw x '{"version":2,"fields":{"a":['"$open$close"']},'"$META"'}'
    [ "$STATUS" = 400 ]
}

@test "the ledger keeps the digits of fields, and requests has the outcome of each request" {
    start_and_login
    put_raw A%2F1 '{"version":1,
 "fields":{"price":45.50, "n":123456789012345678901234567890},'"$META"'}'
    [ "$STATUS" = 200 ]
    grep -F '"price":45.50, "n":123456789012345678901234567890' ledger
    grep -F '"price":45.50' body
    [ "$(last ledger 'del(.at_ms, .fields)')" = '{"seq":1,"request":2,"schema":"Inv","id":"A/1","version":2,"submitted_version":1,"correlation_id":"'$JOB_ID'","source":"rowferry","foreign":false}' ]
    [ "$(last requests 'del(.at_ms)')" = '{"seq":2,"kind":"put","schema":"Inv","id":"A/1","version":1,"correlation_id":"'$JOB_ID'","status":200,"applied":true,"fault":null,"connection":2}' ]
    put A%2F1 1
    [ "$(last requests '[.status, .applied]')" = '[409,false]' ]
    [ "$(wc -l <ledger)" -eq 1 ]
    [ "$(jq -s length requests)" -eq 3 ]
}

@test "with --bare-conflicts a conflict does not give the version" {
    start_and_login --bare-conflicts
    put A 7
    [ "$STATUS" = 409 ]
    [ "$(jq 'has("version")' body)" = false ]
}

@test "requests has the body of an ERP notification" {
    start
    request POST /erp -H 'Content-Type: application/json' \
        -d '{"source":"genesys-cloud","schemaName":"Inv","recordId":"A","fields":{"price":45.50}}'
    [ "$STATUS" = 200 ]
    [ "$(last requests '[.kind, .schema, .id, .applied]')" = '["erp","Inv","A",true]' ]
    grep -F '"price":45.50' requests
}

# ---- tokens ---------------------------------------------------------------------------------

@test "a token expires at the end of its lifetime, to the fraction of a second" {
    start_and_login --token-lifetime 0.4
    [ "$(login | jq .expires_in)" = 1 ]
    get A
    [ "$STATUS" = 200 ]
    refused() { get A && [ "$STATUS" = 401 ]; }
    eventually refused
}

@test "revoked tokens are refused, a new one is accepted" {
    start_and_login
    control revoke -X POST
    get A
    [ "$STATUS" = 401 ]
    TOKEN=$(login | jq -r .access_token)
    get A
    [ "$STATUS" = 200 ]
}

@test "with an issuer the token is a JWT that names it" {
    start_and_login --jwt-issuer https://login.mypurecloud.de
    local claims=${TOKEN#*.}
    claims=${claims%%.*}
    while [ $((${#claims} % 4)) -ne 0 ]; do claims+==; done
    [ "$(tr _- /+ <<<"$claims" | base64 -d | jq -r .iss)" = https://login.mypurecloud.de ]
    get A
    [ "$STATUS" = 200 ]
}

@test "beyond the login limit is 400 invalid_request with a description" {
    start --token-limit 1/h
    login | jq -e .access_token
    login | jq -e '.error == "invalid_request" and (.description | startswith("rate limit exceeded"))'
}

@test "a fixed Retry-After applies to the login too" {
    start --token-limit 1/h --retry-after 7
    login | jq -e .access_token
    curl -s -o body -D head -u sim-client:sim-secret -d grant_type=client_credentials "$URL/oauth/token"
    [ "$(header Retry-After)" = 7 ]
    [ "$(jq -r .error body)" = invalid_request ]
}

@test "logins in flight at the same time are counted" {
    start --latency-ms 300
    local first
    login >first &
    first=$!
    login >second &
    wait $! $first
    login >third
    [ "$(control stats | jq -c '[.tokens, .logins_peak]')" = '[3,2]' ]
}

@test "other credentials can be set" {
    start --client-id other --client-secret 'pass:word'
    login | jq -e '.error == "invalid_client"'
    curl -s -u other:pass:word -d grant_type=client_credentials \
        --data-urlencode 'scope=customobjects:write customobjects:read' "$URL/oauth/token" |
        jq -e .access_token
}

# ---- the rate limit -------------------------------------------------------------------------

header() {
    tr -d '\r' <head | sed -n "s/^$1: //Ip"
}

@test "beyond the rate limit is 429 with Retry-After in seconds" {
    start_and_login --rate-limit 2/h
    get A
    put A 1
    [ "$STATUS" = 200 ]
    put A 2
    [ "$STATUS" = 429 ]
    [ "$(header Retry-After)" -ge 1 ]
    [ "$(header Retry-After)" -le 3600 ]
    [ "$(jq -r .code body)" = too.many.requests ]
    get A
    [ "$STATUS" = 429 ]
    [ "$(control stats | jq .throttled)" = 2 ]
    [ "$(wc -l <ledger)" -eq 1 ]
}

@test "--date-offset moves the Date of answers" {
    local ahead

    start_and_login --date-offset 7200
    get A
    ahead=$(($(date -d "$(header Date)" +%s) - $(date +%s)))
    [ $ahead -ge 7100 ]
    [ $ahead -le 7201 ]
}

@test "Retry-After as a date, in the body's message only, fixed, or nowhere" {
    start_and_login --rate-limit 1/h --retry-after date
    get A
    get A
    [ "$STATUS" = 429 ]
    [[ $(header Retry-After) == *GMT ]]
    local wait=$(($(date -d "$(header Retry-After)" +%s) - $(date -d "$(header Date)" +%s)))
    [ $wait -ge 1 ]
    [ $wait -le 3601 ]
    control 'config?retry-after=message' -X POST
    get A
    [ -z "$(header Retry-After)" ]
    [[ $(jq -r .message body) =~ Retry\ the\ request\ in\ \[[0-9]+\]\ seconds ]]
    control 'config?retry-after=7200' -X POST
    get A
    [ "$(header Retry-After)" = 7200 ]
    control 'config?retry-after=none' -X POST
    get A
    [ "$STATUS" = 429 ]
    [ -z "$(header Retry-After)" ]
    [[ $(jq -r .message body) != *seconds* ]]
}

@test "the next window lets requests through again" {
    start_and_login --rate-limit 1/s
    throttled() { get A && [ "$STATUS" = 429 ]; }
    passes() { get A && [ "$STATUS" = 200 ]; }
    eventually throttled
    eventually passes
}

# ---- faults ---------------------------------------------------------------------------------

@test "cut-before: no answer and no update; cut-after: an update without an answer" {
    start_and_login --fault cut-before=1
    put A 1
    [ "$CURL" = 52 ]
    [ "$(last requests '[.status, .applied, .fault, .version]')" = '[0,false,"cut-before",1]' ]
    [ ! -s ledger ]
    control 'config?fault=none&fault=cut-after=1' -X POST
    put A 1
    [ "$CURL" = 52 ]
    [ "$(last requests '[.status, .applied, .fault]')" = '[0,true,"cut-after"]' ]
    [ "$(last ledger .version)" = 2 ]
    get A
    [ "$(jq .version body)" = 2 ]
}

@test "reset-reused-after makes curl send an update twice on a reused connection" {
    start_and_login --fault reset-reused-after=1
    printf '{"version":1,"fields":{},%s}' "$META" >sent
    curl -s -X PUT -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
        --data-binary @sent -o first -o second "$URL$API/Inv/records/A" "$URL$API/Inv/records/B"
    [ "$(jq -s -c 'map(select(.kind == "put") | [.id, .status, .applied, .fault])' requests)" = \
        '[["A",200,true,null],["B",0,true,"reset-reused-after"],["B",409,false,null]]' ]
    [ "$(jq .version second)" = 2 ]
    [ "$(jq -s length ledger)" = 2 ]
}

@test "each status fault gives its status, and applies the update only if it ends in -after" {
    start_and_login
    local kind status id=0
    for kind in 408-before 500-before 500-after 502-before 502-after 503-before 503-retry \
        504-before 504-after html-before html-after html-200-after 401 429; do
        control "config?fault=none&fault=$kind=1" -X POST
        status=${kind%%-*}
        [ "${kind%%-*}" != html ] || status=502
        [ "$kind" != html-200-after ] || status=200
        id=$((id + 1))
        put "$id" 1
        [ "$STATUS" = "$status" ]
        if [[ $kind == html* ]]; then
            grep -q '<html>' body
            [ "$(header Content-Type)" = text/html ]
        else
            jq -e --argjson status "$status" '.status == $status and .contextId' body
        fi
        if [[ $kind == *-after ]]; then
            [ "$(last ledger .id)" = "\"$id\"" ]
        else
            fails grep -F "\"id\":\"$id\"" ledger
        fi
    done
    control 'config?fault=none&fault=503-retry=1' -X POST
    put X 1
    [ "$(header Retry-After)" = 1 ]
}

@test "truncate-after declares more than it sends" {
    start_and_login --fault truncate-after=1
    put A 1
    [ "$CURL" = 18 ]
    [ "$(wc -c <body)" -gt 0 ]
    [ "$(wc -c <body)" -lt "$(header Content-Length)" ]
    [ "$(last ledger .version)" = 2 ]
}

@test "redirect has a Location and is not applied" {
    start_and_login --fault redirect=1
    put A 1
    [ "$STATUS" = 307 ]
    [ "$(header Location)" = /moved ]
    [ ! -s ledger ]
}

@test "flood-after sends 100 KiB of headers before the answer" {
    start_and_login --fault flood-after=1
    put A 1
    [ "$STATUS" = 200 ]
    [ "$(jq .version body)" = 2 ]
    [ "$(wc -c <head)" -gt 102400 ]
}

@test "endless-after continues until the client closes" {
    start_and_login --fault endless-after=1
    printf '{"version":1,"fields":{},%s}' "$META" >sent
    curl -s -X PUT -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
        --data-binary @sent "$URL$API/Inv/records/A" | head -c 3000000 >body
    [ "$(wc -c <body)" -eq 3000000 ]
    [ "$(jq .version body)" = 2 ]
    [ "$(last ledger .version)" = 2 ]
    get A
    [ "$STATUS" = 200 ]
}

@test "halt-after sends the headers and no more" {
    start_and_login --fault halt-after=1 --stall-ms 200
    put A 1 -w '%{http_code} %{time_total}'
    [ "$CURL" = 18 ]
    [[ $STATUS =~ ^200\ 0\.[2-9] ]]
    [ "$(header Content-Length)" -gt 100 ]
    [ ! -s body ]
    [ "$(last ledger .version)" = 2 ]
}

@test "short-length-after sends more than it declares" {
    start_and_login --fault short-length-after=1
    put A 1
    [ "$CURL" = 0 ]
    [ "$(wc -c <body)" -eq "$(header Content-Length)" ]
    fails jq . body
    put A 2 --ignore-content-length
    [ "$(jq .version body)" = 3 ]
    [ "$(wc -c <body)" -gt "$(header Content-Length)" ]
}

@test "utf8-after and deep-after make a good answer unreadable" {
    start_and_login --fault utf8-after=1
    put A 1
    [ "$STATUS" = 200 ]
    fails iconv -f UTF-8 body
    [ "$(iconv -c -f UTF-8 body | jq .version)" = 2 ]
    control 'config?fault=none&fault=deep-after=1' -X POST
    put B 1
    [ "$(tr -cd '[' <body | wc -c)" -ge 10000 ]
    [ "$(sed -E 's/"note":\[+\]+,//' body | jq .version)" = 2 ]
    [ "$(jq -s -c 'map(.id)' ledger)" = '["A","B"]' ]
}

@test "an early answer is sent before the body, which is then read and ignored" {
    start_and_login --answer early:E=413
    printf 'PUT %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 5\r\n\r\n' \
        "$API/Inv/records/E1" "$TOKEN" >head
    exec 4<>"/dev/tcp/127.0.0.1/${URL##*:}"
    cat head >&4
    read -r -t 20 answer <&4
    [[ $answer == "HTTP/1.1 413 "* ]]
    printf '12345' >&4
    timeout 20 cat <&4 >rest
    exec 4>&-
    tail -n 1 rest | jq -e '.status == 413'
    [ "$(last requests '[.status, .applied, .id]')" = '[413,false,"E1"]' ]
    put F 1
    [ "$STATUS" = 200 ]
}

@test "there are at most --fault-limit faults" {
    start_and_login --fault 500-before=1 --fault get:500-before=1 --fault-limit 2
    put A 1
    get A
    put A 1
    put B 1
    [ "$(jq -s -c 'map(select(.kind != "token") | .status)' requests)" = '[500,500,200,200]' ]
    control 'config?fault-limit=1' -X POST
    put C 1
    [ "$STATUS" = 500 ]
}

@test "stall-before ends without an answer, stall-after with one" {
    start_and_login --fault stall-before=1 --stall-ms 200
    put A 1
    [ "$CURL" = 52 ]
    [ ! -s ledger ]
    control 'config?fault=none&fault=stall-after=1' -X POST
    put A 1 -w '%{http_code} %{time_total}'
    [[ $STATUS =~ ^200\ 0\.[2-9] ]]
    [ "$(last ledger .version)" = 2 ]
}

@test "a stalled request delays neither others nor the end of the simulator" {
    start_and_login --fault stall-before=1 --stall-ms 60000
    put A 1 &
    local stalled=$!
    seen() { [ "$(control stats | jq '.faults["stall-before"]')" = 1 ]; }
    eventually seen
    get A
    [ "$STATUS" = 200 ]
    kill "$SIM"
    wait "$SIM"
    wait "$stalled"
    SIM=
}

@test "a late update is applied after the connection was closed" {
    start_and_login --fault late=1 --late-ms 300
    put A 1
    [ "$CURL" = 52 ]
    [ "$(control records/Inv/A | jq .version)" = 1 ]
    landed() { [ "$(control records/Inv/A | jq .version)" = 2 ]; }
    eventually landed
    [ "$(last ledger '[.id, .correlation_id]')" = '["A","'$JOB_ID'"]' ]
}

@test "a late update of an old version changes nothing" {
    start_and_login --fault late=1 --late-ms 200
    put A 1
    control records/Inv/A -d '{"fields":{"who":"other"}}'
    put B 1
    landed() { [ "$(control records/Inv/B | jq .version)" = 2 ]; }
    eventually landed
    [ "$(jq -s -c 'map([.id, .foreign])' ledger)" = '[["A",true],["B",false]]' ]
}

@test "faults of reads do not apply to updates" {
    start_and_login --fault get:500-before=1
    get A
    [ "$STATUS" = 500 ]
    request GET "$API/Inv/records/auditlogs?entityIds=A"
    [ "$STATUS" = 500 ]
    put A 1
    [ "$STATUS" = 200 ]
}

@test "faults of the login and of the ERP endpoint" {
    start --fault token:503-before=1 --fault erp:cut-after=1
    [ "$(login | jq .status)" = 503 ]
    request POST /erp -H 'Content-Type: application/json' \
        -d '{"source":"genesys-cloud","schemaName":"Inv","recordId":"A","fields":{}}'
    [ "$CURL" = 52 ]
    [ "$(last requests '[.kind, .applied, .fault]')" = '["erp",true,"cut-after"]' ]
}

@test "the same seed draws the same faults, another seed draws others" {
    draws() {
        rm -f requests
        start_and_login --fault 500-before=0.3 --fault 503-before=0.3 --seed "$1"
        local i
        for i in {1..30}; do put "r$i" 1; done
        kill "$SIM"
        wait "$SIM"
        jq -s -c 'map(.fault)' requests
    }
    draws 7 >first
    draws 7 >second
    draws 8 >third
    cmp first second
    fails cmp -s first third
    grep -q 500-before first
    grep -q 503-before first
}

# ---- fixed answers, foreign writers, the rest -----------------------------------------------

@test "fixed answers by prefix of the record id, for updates, reads or both" {
    start_and_login --answer R403-=403 --answer R422-=422 --answer get:G=404 --answer all:N=404 \
        --answer M=302 --answer I=401:ip.not.authorized --answer Z=501 --answer E=200 \
        --answer D=422:details --answer P=403 --answer Pok=0
    put R403-1 1
    [ "$STATUS" = 403 ]
    put R422-1 1
    [ "$STATUS" = 422 ]
    jq -e '.validationErrors | (.[0] | type) == "string" and (.[1] | has("field") and has("code") and has("message"))' body
    put D1 1
    jq -e '(has("validationErrors") | not) and .details[0].errorCode and .details[0].fieldName' body
    get R422-1
    [ "$STATUS" = 200 ]
    get G1
    [ "$STATUS" = 404 ]
    put G1 1
    [ "$STATUS" = 200 ]
    put N 1
    [ "$STATUS" = 404 ]
    get N
    [ "$STATUS" = 404 ]
    put M 1
    [ "$STATUS" = 302 ]
    [ "$(header Location)" = /moved ]
    put I 1
    [ "$STATUS" = 401 ]
    [ "$(jq -r .code body)" = ip.not.authorized ]
    put Z 1
    [ "$STATUS" = 501 ]
    put E 1
    [ "$STATUS" = 200 ]
    [ "$(cat body)" = '{}' ]
    put P1 1
    [ "$STATUS" = 403 ]
    put Pok 1
    [ "$STATUS" = 200 ]
    [ "$(jq -s -c 'map(.id)' ledger)" = '["G1","Pok"]' ]
}

@test "fixed answers of the login, by prefix of the client id" {
    start --answer token:sim=401:invalid_client
    [ "$(login | jq -r .error)" = invalid_client ]
    [ "$(last requests '[.kind, .status]')" = '["token",401]' ]
    control 'config?answer=token:=0' -X POST
    login | jq -e .access_token
    control 'config?answer=token:other=403' -X POST
    login | jq -e .access_token
}

@test "an empty prefix applies to every record" {
    start_and_login --answer =403
    put A 1
    [ "$STATUS" = 403 ]
    put B 1
    [ "$STATUS" = 403 ]
}

@test "a foreign update raises the version and is in ledger and audit log" {
    start_and_login
    control records/Inv/A%2F1 -d '{"fields":{"who":"other"}}' |
        jq -e '.version == 2 and .fields == {"who": "other"} and (has("metadata") | not)'
    [ "$(last ledger '[.id, .version, .foreign, .correlation_id]')" = '["A/1",2,true,null]' ]
    control records/Inv/A%2F1 -d '{"fields":{},"correlationId":"11111111-2222-4333-8444-555555555555"}' |
        jq -e '.version == 3 and .metadata.requestCorrelationId == "11111111-2222-4333-8444-555555555555"'
    put A%2F1 1
    [ "$STATUS" = 409 ]
    request GET "$API/Inv/records/auditlogs?entityIds=A%2F1"
    jq -e '[.entities[].requestCorrelationId] == [null, "11111111-2222-4333-8444-555555555555"]' body
}

@test "audit entries are visible after --audit-lag-ms" {
    start_and_login --audit-lag-ms 400
    put A 1
    total() {
        request GET "$API/Inv/records/auditlogs?entityIds=A"
        [ "$(jq .total body)" = "$1" ]
    }
    total 0
    eventually total 1
}

@test "nextUri leads through all audit pages" {
    start_and_login
    local i uri="$API/Inv/records/auditlogs?entityIds=A%2F1,B&pageSize=3" pages=0
    for i in {1..4}; do
        put A%2F1 "$i"
        put B "$i"
    done
    : >versions
    while [ "$uri" != null ]; do
        request GET "$uri"
        jq -r '.entities[] | "\(.entityId) \(.version)"' body >>versions
        uri=$(jq -r .nextUri body)
        pages=$((pages + 1))
    done
    [ $pages -eq 3 ]
    [ "$(sort -u versions | wc -l)" -eq 8 ]
}

@test "seeded records are as in the file; with --only-seeded others do not exist" {
    cat >seeds <<'EOF'
{"schema":"Inv","id":"A/1","version":5,"fields":{"price":45.50},"metadata":{"tags":[]}}
{"schema":"Inv","id":"B","version":0,"fields":{}}
EOF
    start_and_login --records seeds --only-seeded
    get A%2F1
    jq -e '.version == 5 and .metadata == {"tags": []}' body
    grep -F 45.50 body
    put B 0
    [ "$(jq .version body)" = 1 ]
    put C 1
    [ "$STATUS" = 404 ]
    get C
    [ "$STATUS" = 404 ]
}

@test "every answer is delayed by the latency, independently of others" {
    start_and_login --latency-ms 500 --base-version 9
    local begin end jobs=()
    begin=$(date +%s%N)
    for i in {1..10}; do
        curl -s -o "out$i" -H "Authorization: Bearer $TOKEN" "$URL$API/Inv/records/r$i" &
        jobs+=($!)
    done
    wait "${jobs[@]}"
    end=$(date +%s%N)
    [ $(((end - begin) / 1000000)) -ge 500 ]
    [ $(((end - begin) / 1000000)) -lt 4500 ]
    [ "$(jq .version out10)" = 9 ]
}

@test "statistics count requests, updates, faults, tokens and connections" {
    start_and_login --fault 500-after=1
    put A 1
    get A
    request GET "$API/Inv/records/auditlogs?entityIds=A"
    request GET /nothing
    control stats | jq -e '.requests == {"other": 1, "token": 1, "put": 1, "get": 1, "audit": 1, "erp": 0, "read": 0, "replace": 0, "merge": 0,
         "create": 0, "enrich": 0, "bulk": 0, "lookup": 0, "total": 5} and
        .applied == 1 and .foreign == 0 and .faults["500-after"] == 1 and .tokens == 1 and .throttled == 0 and .connections >= 5'
    [ "$(wc -l <requests)" -eq 5 ]
}

# ---- distorted answers ----------------------------------------------------------------------

@test "the correlation id can be missing, blank, garbled or in upper case, for PUT and GET separately" {
    local id='.metadata.requestCorrelationId'
    start_and_login --distort put:no-id=1 --distort get:blank-id=1
    put A 1
    jq -e '.version == 2 and (.metadata | has("requestCorrelationId") | not) and .metadata.source == "rowferry"' body
    get A
    jq -e "$id"' == "" and .metadata.tags == ["erp-sync"]' body
    control 'config?distort=none&distort=get:garbled-id=1&distort=put:upper-id=1' -X POST
    put A 2
    jq -e "$id == \"${JOB_ID^^}\"" body
    get A
    jq -e ".metadata | has(\"requestCorrelationId\") and .requestCorrelationId != \"$JOB_ID\"" body
    cp body before
    get A
    cmp body before
    [ "$(last ledger '[.version, .correlation_id]')" = "[3,\"$JOB_ID\"]" ]
    control records/Inv/A | jq -e "$id == \"$JOB_ID\""
    control stats | jq -e '.distortions["garbled-id"] == 2 and .distortions["no-id"] == 1'
}

@test "an id that is dropped by chance is missing in every GET of that version" {
    local i dropped=0
    start_and_login --distort get:no-id=0.5
    for i in {1..40}; do
        put "A$i" 1
        get "A$i"
        jq -r .metadata.requestCorrelationId body >one
        get "A$i"
        jq -r .metadata.requestCorrelationId body >other
        cmp one other
        [ "$(cat one)" != null ] || dropped=$((dropped + 1))
    done
    [ $dropped -gt 5 ]
    [ $dropped -lt 35 ]
}

@test "records without metadata, and with fields that are not an object" {
    start_and_login --distort get:no-metadata=1
    put A 1
    jq -e 'has("metadata")' body
    get A
    jq -e '(has("metadata") | not) and .fields.price == 45.5' body
    shape() {
        control "config?distort=none&distort=get:$1-fields=1" -X POST
        get A
        jq -e ".version == 2 and ($2)" body
    }
    shape no 'has("fields") | not'
    shape null 'has("fields") and .fields == null'
    shape text '.fields == "{}"'
    shape array '.fields == []'
}

@test "with --read-lag-ms a GET shows an older state of the record" {
    start_and_login --read-lag-ms 1500
    local begin
    put A 1
    begin=$(date +%s%N)
    get A
    jq -e '.version == 1 and .fields == {}' body
    put A 2
    [ "$STATUS" = 200 ]
    [ "$(jq .version body)" = 3 ]
    put A 2
    [ "$(jq .version body)" = 3 ]
    control records/Inv/A | jq -e '.version == 3'
    shows() {
        get A
        [ "$(jq .version body)" = "$1" ]
    }
    eventually shows 3
    [ $((($(date +%s%N) - begin) / 1000000)) -ge 1400 ]
    control 'config?read-lag-ms=0' -X POST
    put A 3
    shows 4
}

@test "audit entries without id or user, or with wrong ones" {
    local entries="$API/Inv/records/auditlogs?entityIds=A"
    start_and_login --distort audit:no-id=1 --distort audit:no-user=1
    put A 1
    control records/Inv/A -d '{"fields":{}}'
    request GET "$entries"
    jq -e '.entities | length == 2 and all(.[]; has("requestCorrelationId") or has("user") | not)' body
    shape() {
        control "config?distort=none&distort=audit:$1=1" -X POST
        request GET "$entries"
        jq -e "$2" body
    }
    shape blank-id '[.entities[].requestCorrelationId] == ["", null]'
    shape garbled-id '.entities[0] | has("requestCorrelationId") and .requestCorrelationId != "'$JOB_ID'"'
    shape other-user '[.entities[].user.id] == ["someone-else", "sim-client"]'
    shape our-user '[.entities[].user.id] == ["sim-client", "sim-client"]'
}

@test "audit pages without a next one, repeated pages, and wrong totals" {
    local i entries="$API/Inv/records/auditlogs?entityIds=A&pageSize=2"
    start_and_login --distort audit:no-next=1
    for i in {1..5}; do put A "$i"; done
    request GET "$entries"
    jq -e '(has("nextUri") | not) and .total == 5 and (.entities | length) == 2' body
    shape() {
        control "config?distort=none&distort=audit:$1=1" -X POST
        request GET "$entries&pageNumber=$2"
        jq -e "$3" body
    }
    shape repeated-page 2 '[.entities[].version] == [2, 3] and .pageNumber == 2'
    shape endless 9 '(.entities | length) == 2 and has("nextUri") and (has("total") | not)'
    shape no-total 1 'has("total") | not'
    shape low-total 1 '.total == 2'
    shape high-total 1 '.total == 11'
}

@test "encoded bodies, and encodings that curl cannot decode" {
    start_and_login --distort get:gzip=1 --distort put:deflate=1 --distort audit:br=1
    control 'config?distort=token:gzip=1' -X POST
    login | gunzip | jq -e .access_token
    put A 1 --compressed
    [ "$(header Content-Encoding)" = deflate ]
    [ "$(jq .version body)" = 2 ]
    get A --compressed
    [ "$(header Content-Encoding)" = gzip ]
    [ "$(jq .version body)" = 2 ]
    request GET "$API/Inv/records/auditlogs?entityIds=A" --compressed
    [ "$(header Content-Encoding)" = br ]
    [ "$(jq .total body)" = 1 ]
    control 'config?distort=none&distort=get:bomb=1' -X POST
    get A --compressed
    [ "$(jq .version body)" = 2 ]
    [ "$(stat -c %s body)" -gt 67000000 ]
    control 'config?distort=none&distort=get:broken-gzip=1' -X POST
    get A --compressed
    fails jq -e .version body
    control 'config?distort=none&distort=get:unknown-coding=1' -X POST
    get A
    [ "$(header Content-Encoding)" = x-unheard-of ]
}

@test "fixed answers for the next N requests, for reused connections, and for the audit log" {
    start_and_login --answer 'A=421*2' --answer audit:A=403 --answer get:B=425:too.early@reused
    put A 1
    [ "$STATUS $(jq -r .code body)" = '421 misdirected.request' ]
    put A 1
    [ "$STATUS" = 421 ]
    put A 1
    [ "$STATUS" = 200 ]
    request GET "$API/Inv/records/auditlogs?entityIds=A,B"
    [ "$STATUS" = 403 ]
    request GET "$API/Inv/records/auditlogs?entityIds=B,A"
    [ "$STATUS" = 200 ]
    [ "$(curl -s -H "Authorization: Bearer $TOKEN" -w '%{http_code} ' -o out "$URL/nothing" \
        -o out "$URL$API/Inv/records/B")" = '404 425 ' ]
    get B
    [ "$STATUS" = 200 ]
    control 'config?answer=P=407' -X POST
    put P 1
    [ "$STATUS" = 407 ]
    [ -n "$(header Proxy-Authenticate)" ]
}

@test "a token may have expired when it arrives" {
    start --token-lifetime 0.2 --login-latency-ms 400 --expires-in 0
    TOKEN=none
    login >answer
    [ "$(jq .expires_in answer)" = 0 ]
    TOKEN=$(jq -r .access_token answer)
    get A
    [ "$STATUS" = 401 ]
}

@test "the rate limit can be changed at run time" {
    start_and_login --rate-limit 2/h --retry-after 60
    put A 1
    put A 2
    put A 3
    [ "$STATUS $(header Retry-After)" = '429 60' ]
    control 'config?rate-limit=4/h' -X POST
    put A 3
    [ "$STATUS" = 200 ]
    control 'config?rate-limit=1/h&retry-after=5' -X POST
    put A 4
    put A 5
    [ "$STATUS $(header Retry-After)" = '429 5' ]
}

# --- notifications and the ERP -------------------------------------------------------------------

SECRET=whsec_$(printf 'a key of thirty-two bytes, or so.' | base64 -w0)

# hmac TEXT: HMAC-SHA256 by the bytes of SECRET, in hexadecimal
hmac() {
    printf %s "$1" | openssl dgst -sha256 -mac HMAC -macopt \
        "hexkey:$(base64 -d <<<"${SECRET#whsec_}" | od -An -v -tx1 | tr -d ' \n')" | sed 's/.* //'
}

# change ID [FIELDS]: somebody else changes the record
change() {
    curl -sf -o /dev/null -X POST "$URL/sim/records/Inv/$1" -d "{\"fields\":${2:-{\}}}"
}

# Sets --webhook-url to the simulator's own /erp, which answers 200 to everything.
notify_itself() {
    start_and_login --notifications notifications --fault erp:html-200-after=1 "$@"
    curl -sf -o /dev/null -X POST "$URL/sim/config?webhook-url=$URL/erp"
}

# notified NUMBER: so many lines are in the ledger of notifications
notified() {
    [ -f notifications ] && [ "$(wc -l <notifications)" -eq "$1" ]
}

@test "a change of a record is notified, with its metadata and both signatures" {
    local id time body

    notify_itself --webhook-secret "$SECRET"
    put A 1
    change B '{"price":7}'
    eventually notified 2
    jq -es --arg id "$JOB_ID" 'sort_by(.number) | map([.id, .attempt, .status, .body.action, .body.schemaName,
            .body.record.id, .body.record.modifiedBy.id, .body.record.fields.price,
            .body.record.metadata.requestCorrelationId]) == [
        ["A", 1, 200, "update", "Inv", "A", "sim-client", 45.50, $id],
        ["B", 1, 200, "update", "Inv", "B", "someone-else", 7, null]]' notifications
    while IFS=$'\t' read -r id time; do
        body=$(grep "$id" notifications | sed 's/.*,"body":\(.*\)}$/\1/')
        [ "$(grep "$id" notifications | jq -r .hub)" = "sha256=$(hmac "$body")" ]
        [ "$(grep "$id" notifications | jq -r .signature)" = \
            "v1,$(hmac "$id.$time.$body" | tr a-f A-F | basenc --base16 -d | base64 -w0)" ]
    done < <(jq -r '[.webhook_id, .timestamp] | @tsv' notifications)
}

@test "notifications can be lost, duplicated, unsigned, without an id or without metadata" {
    local row

    for row in 'lost 0' 'duplicated 2' 'unsigned 1' 'no-webhook-id 1' 'bad-signature 1' 'no-metadata 1'; do
        rm -f notifications
        notify_itself --webhook-secret "$SECRET" --distort "webhook:${row% *}=1"
        put A 1
        [ "$STATUS" = 200 ]
        if [ "${row#* }" = 0 ]; then
            sleep 0.2
            [ ! -s notifications ]
        else
            eventually notified "${row#* }"
        fi
        case ${row% *} in
        duplicated) [ "$(jq -r .webhook_id notifications | uniq | wc -l)" = 1 ] ;;
        unsigned) [ "$(last notifications '[.hub, .signature, .webhook_id != null]')" = '[null,null,true]' ] ;;
        no-webhook-id) [ "$(last notifications '[.hub != null, .signature, .webhook_id]')" = '[true,null,null]' ] ;;
        bad-signature) [ "$(last notifications .hub)" != "\"sha256=$(hmac "$(last notifications .body)")\"" ] ;;
        no-metadata) [ "$(last notifications .body.record.metadata)" = null ] ;;
        esac
        kill "$SIM"
        wait "$SIM"
    done
}

@test "a notification can come after the next one, or alone after a while" {
    notify_itself --distort webhook:reordered=0.5 --seed 2
    for i in 1 2 3 4 5 6 7 8; do
        change R "{\"n\":$i}"
    done
    eventually notified 8
    [ "$(jq -r .body.record.fields.n notifications | sort -n | tr '\n' ' ')" = '1 2 3 4 5 6 7 8 ' ]
    [ "$(jq -r .body.record.fields.n notifications | tr '\n' ' ')" != '1 2 3 4 5 6 7 8 ' ]
}

@test "a notification waits, and is sent again until it is answered 2xx, before others of its record" {
    local begun

    start_and_login --notifications notifications --webhook-delay-ms 300 --webhook-retries 2
    curl -sf -o /dev/null -X POST "$URL/sim/config?webhook-url=$URL/nowhere"
    begun=$(date +%s%3N)
    change A '{"n":1}'
    change A '{"n":2}'
    change B '{"n":3}'
    eventually notified 2
    [ $(($(jq -r .at_ms notifications | sort -n | head -n 1) - begun)) -ge 295 ]
    [ "$(jq -c '[.id, .attempt, .status]' notifications | sort | tr '\n' ' ')" = '["A",1,404] ["B",1,404] ' ]
    curl -sf -o /dev/null -X POST "$URL/sim/config?webhook-url=$URL/erp&fault=erp:html-200-after=1"
    eventually notified 5
    [ "$(jq -c 'select(.id == "A") | [.body.record.fields.n, .attempt, .status]' notifications | tr '\n' ' ')" = \
        '[1,1,404] [1,2,200] [2,1,200] ' ]
    # nobody listens
    curl -sf -o /dev/null -X POST "$URL/sim/config?webhook-url=http://127.0.0.1:1/&webhook-retries=0"
    change C
    eventually notified 6
    last notifications '.status == 0 and (.error | length > 0)' | grep -qx true
}

@test "the ledger shows keys and ids of what the ERP got, and the ERP can ask for signatures" {
    local body='{"source":"genesys-cloud","schemaName":"Inv","recordId":"A","timestamp":"2026-01-01T00:00:00Z","modifiedBy":"x","fields":{}}'
    local signature

    start --erp-secret "$SECRET" --erp-latency-ms 300
    signature=v1,$(hmac "msg_1.1700000000.$body" | tr a-f A-F | basenc --base16 -d | base64 -w0)
    request POST /erp -H 'Content-Type: application/json' -d "$body"
    [ "$STATUS" = 401 ]
    request POST /erp -H 'Content-Type: application/json' -d "$body" -H 'webhook-id: msg_1' \
        -H 'webhook-timestamp: 1700000001' -H "webhook-signature: $signature"
    [ "$STATUS" = 401 ]
    [ "$(last requests '[.status, .applied]')" = '[401,false]' ]
    request POST /erp -H 'Content-Type: application/json' -d "$body" -H 'webhook-id: msg_1' -w '%{time_total} %{http_code}' \
        -H 'webhook-timestamp: 1700000000' -H "webhook-signature: $signature" -H 'Idempotency-Key: k-1'
    [ "${STATUS##* }" = 200 ]
    [[ $STATUS == 0.[3-9]* ]]
    [ "$(last requests '[.applied, .idempotency_key, .webhook_id, .body.recordId]')" = '[true,"k-1","msg_1","A"]' ]
}

# ---- the process ----------------------------------------------------------------------------

@test "a wrong option is exit 2 and is named" {
    refused() {
        local message=$1
        shift
        run "$BIN/genesys-sim" "$@"
        [ "$status" -eq 2 ]
        [ "$output" = "genesys-sim: $message" ]
    }
    refused "unknown option '--prot'" --prot 1
    refused "--port needs a value" --port
    refused "--only-seeded takes no value" --only-seeded=1
    refused "--port: 'x' is not a whole number from 0 to 65535" --port x
    refused "--token-lifetime: 'soon' is not a number of seconds" --token-lifetime=soon
    refused "--rate-limit: '5' is not N/s, N/m, N/h or none" --rate-limit 5
    refused "--fault: unknown kind of fault in 'cut=1'" --fault cut=1
    refused "--fault: 'cut-after=2' needs a probability from 0 to 1" --fault cut-after=2
    refused "--fault: 'cut-after=0.6': the probabilities add up to more than 1" \
        --fault cut-before=0.6 --fault cut-after=0.6
    refused "--answer: 'A=99' needs a status from 200 to 599, or 0" --answer A=99
    refused "--answer: 'A' is not PREFIX=STATUS[:CODE]" --answer A
    refused "--retry-after: 'x' is not seconds, date, message, none or a number" --retry-after x
    refused "cannot read none: No such file or directory" --records none
    refused "cannot write /none/ledger: No such file or directory" --ledger /none/ledger
    printf '{"schema":"S","id":"a","version":1,"fields":{}}\n{}\n' >seeds
    refused "seeds: line 2: version must be an integer, 0 or more" --records seeds
}

@test "https with the certificate and key that are given" {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem \
        -days 2 -subj /CN=sim -addext subjectAltName=IP:127.0.0.1 2>/dev/null
    start --tls-cert cert.pem --tls-key key.pem
    [[ $URL == https://* ]]
    export CURL_CA_BUNDLE=$PWD/cert.pem
    TOKEN=$(login | jq -r .access_token)
    put A 1
    [ "$STATUS" = 200 ]
    unset CURL_CA_BUNDLE
    put A 2
    [ "$CURL" = 60 ]
}

@test "a certificate without a key, or an invalid one, is exit 2" {
    : >empty
    run "$BIN/genesys-sim" --tls-cert empty
    [ "$status" -eq 2 ]
    [ "$output" = "genesys-sim: --tls-cert and --tls-key must be given together" ]
    run "$BIN/genesys-sim" --tls-cert none --tls-key empty
    [ "$status" -eq 2 ]
    [ "$output" = "genesys-sim: cannot read none: No such file or directory" ]
    run "$BIN/genesys-sim" --tls-cert empty --tls-key empty
    [ "$status" -eq 2 ]
    [[ $output == *"cannot start the HTTP server with this certificate and key" ]]
}

@test "a port that is taken is exit 2" {
    start
    run "$BIN/genesys-sim" --port "${URL##*:}"
    [ "$status" -eq 2 ]
    [[ $output == *"cannot listen on 127.0.0.1:${URL##*:}: Address already in use"* ]]
}

@test "a wrong change at run time is 400 and names the option" {
    start
    run curl -s -X POST "$URL/sim/config?port=1"
    [ "$(jq -r .message <<<"$output")" = "'port' cannot be changed at run time" ]
    run curl -s -X POST "$URL/sim/config?fault=cut=1"
    [ "$(jq -r .message <<<"$output")" = "fault: unknown kind of fault in 'cut=1'" ]
}

@test "--help lists options, faults and control requests" {
    run "$BIN/genesys-sim" --help
    [ "$status" -eq 0 ]
    [[ $output == *--token-lifetime*reset-reused-after*garbled-id*/sim/config* ]]
}

@test "SIGTERM and SIGINT end it with 0 and without a message" {
    local signal
    for signal in TERM INT; do
        start 2>errors
        kill -s "$signal" "$SIM"
        wait "$SIM"
        SIM=
        [ ! -s errors ]
    done
}

@test "it ends after --max-seconds, and with its parent by --with-parent" {
    start --max-seconds 1
    wait "$SIM"
    SIM=
    mkfifo child
    bash -c '"$1" --with-parent >child & read -r _ <child; echo $!' - "$BIN/genesys-sim" >pid
    SIM=$(cat pid)
    gone() { fails kill -0 "$SIM" 2>/dev/null; }
    eventually gone
    SIM=
}

@test "a ledger that cannot be written ends it with 1 and without an answer" {
    [ -w /dev/full ] || skip
    rm -f ready
    mkfifo ready
    "$BIN/genesys-sim" --with-parent --ledger /dev/full >ready 2>errors 3>&- &
    SIM=$!
    read -r _ _ URL <ready
    TOKEN=$(login | jq -r .access_token)
    put A 1
    [ "$CURL" = 52 ]
    wait "$SIM" || [ $? -eq 1 ]
    SIM=
    [ "$(cat errors)" = "genesys-sim: cannot write to the ledger: No space left on device" ]
}

@test "it listens on the loopback only" {
    start
    local port=${URL##*:} hex
    hex=$(printf %04X "$port")
    grep -q "0100007F:$hex 00000000:0000 0A" /proc/net/tcp
    fails grep -q "00000000:$hex 00000000:0000 0A" /proc/net/tcp
}
