# The fault matrix: what can go wrong on the wire and at the login, each with its verdict, exit
# status and message, and with the simulator's ledger as the witness that every update was applied
# once. A test is a row:
#
#   row SIM OPTIONS EXIT STATES ATTEMPTS MESSAGE
#
#   SIM       options of the simulator; --fault-limit 1 unless they name another
#   OPTIONS   of `rowferry run`, after --rate none --concurrency 1; @ stands for 127.0.0.1:PORT
#   EXIT      status
#   STATES    of the jobs at the end
#   ATTEMPTS  of the jobs one after the other: METHOD [STATUS][: ERROR OR EVIDENCE], as a pattern
#   MESSAGE   a part of what stderr says; where it is empty, stderr says nothing of note
#
# ROWS=3 before a row: as many records, A-1 to A-3, instead of one. Where jobs are left pending or
# unknown, the row ends with the fault gone and the same command again: 0, all of them applied.
# HEAL=KEY=VALUE: what has to be told to the simulator for that, beside the end of faults and fixed
# answers. HEAL=none: nothing heals it.
load lib

CLOSED='the connection closed before an answer came'
OURS='GET 200: the record carries our correlation id'
LOST="GET 200: the record's version shows that it did not land"
TIMED_OUT='Operation timed out after * milliseconds with'
HTML='HTTP * with a body that is no JSON object ("<html>*")'
AGAIN='then run the same command again; nothing was lost'

# A key, and certificates for 127.0.0.1: good.pem signed by ca.pem, which also signs expired.pem and
# elsewhere.pem, of another host; self.pem signed by itself.
setup_file() {
    local ip=subjectAltName=IP:127.0.0.1 name

    cd "$BATS_FILE_TMPDIR" || return 1
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out ca.pem \
        -days 2 -subj /CN=ca 2>errors || { cat errors; return 1; }
    openssl req -x509 -key key.pem -out self.pem -days 2 -subj /CN=self -addext $ip
    for name in good:2:$ip expired:-1:$ip elsewhere:2:subjectAltName=DNS:elsewhere.example; do
        IFS=: read -r name days extension <<<"$name"
        openssl req -new -key key.pem -subj "/CN=$name" -out request.pem
        openssl x509 -req -in request.pem -CA ca.pem -CAkey key.pem -CAcreateserial -days "$days" \
            -extfile <(echo "$extension") -out "$name.pem" 2>errors || { cat errors; return 1; }
    done
}

setup() {
    in_a_folder
    TLS=$BATS_FILE_TMPDIR
}

# matches PATTERN TEXT
matches() {
    # shellcheck disable=SC2053 # a pattern is meant
    [[ $2 == $1 ]] || { printf 'expected: %s\nis:       %s\n' "$1" "$2"; return 1; }
}

states() {
    sql "SELECT group_concat(line, ', ') FROM
         (SELECT state || ' ' || count(*) AS line FROM job GROUP BY state ORDER BY state)"
}

attempts() {
    sql "SELECT group_concat(line, ' > ') FROM
         (SELECT method || coalesce(' ' || http_status, '') ||
                 coalesce(': ' || nullif(coalesce(nullif(error, ''), evidence), ''), '') AS line
          FROM attempt ORDER BY job_id, id)"
}

# What was applied is in the ledger and nothing else is, but for jobs that are still unknown; and
# nothing is there twice.
books_agree() {
    local unknown

    unknown=$(sql "SELECT json_group_array(record_id) FROM job WHERE state = 'unknown'")
    same "$(jq -r --argjson unknown "$unknown" 'select(.foreign | not) |
            select(.id | IN($unknown[]) | not) | "\(.id) \(.version)"' ledger | sort)" \
        "$(sql "SELECT record_id || ' ' || server_version FROM job WHERE state = 'applied'" | sort)"
    same "" "$(jq -r 'select(.foreign | not) | .correlation_id' ledger | sort | uniq -d)"
}

# lengthen FILE BYTES: its last row gets a cell of so many bytes
lengthen() {
    sed -i '1s/$/,warehouseLocation/' "$1"
    printf ',%*s\n' "$2" '' >>"$1"
    sed -i '2{N;s/\n//}' "$1"
}

heal() {
    curl -sf -o /dev/null -X POST "$GENESYS_ENVIRONMENT/sim/config?$1"
}

run_inbox() {
    run --separate-stderr rowferry run inbox --min-age 0 --rate none --concurrency 1 "$@"
}

row() {
    local simulator options

    read -ra simulator <<<"$1"
    start_sim --fault-limit 1 "${simulator[@]}"
    read -ra options <<<"${2//@/${GENESYS_ENVIRONMENT#*//}}"
    batch_file inbox/InventoryItem-a.csv "${ROWS:-1}"
    [ -z "${ROW_BYTES:-}" ] || lengthen inbox/InventoryItem-a.csv "$ROW_BYTES"
    run_inbox "${options[@]}"
    printf '%s\n' "$stderr"
    same "$3" "$status"
    matches "$4" "$(states)"
    matches "$5" "$(attempts)"
    if [ -n "$6" ]; then
        matches "*$6*" "$stderr"
    else
        matches 'rowferry: made the database */rowferry.db' "$stderr"
    fi
    books_agree
    [ "$(sql "SELECT count(*) FROM job WHERE state IN ('pending', 'unknown')")" -gt 0 ] || return 0
    [ "${HEAL:-}" != none ] || return 0
    heal "fault=none&answer=all:=0&answer=token:=0${HEAL:+&$HEAL}"
    run_inbox
    same "0 applied ${ROWS:-1}" "$status $(states)"
    books_agree
}

# ---- the server fails before or after it has applied an update ------------------------------

@test "update: cut before" {
    row '--fault cut-before=1' '' 0 'applied 1' "PUT: $CLOSED > $LOST > PUT 200" ''
}

@test "update: cut after" {
    row '--fault cut-after=1' '' 0 'applied 1' "PUT: $CLOSED > $OURS" ''
}

@test "update: a reused connection reset after" {
    row '--fault reset-reused-after=1' '' 0 'applied 1' "PUT: $CLOSED > $OURS" ''
}

@test "update: 408" {
    row '--fault 408-before=1' '' 0 'applied 1' 'PUT 408: The request timed out. > PUT 200' ''
}

@test "update: 500 before" {
    row '--fault 500-before=1' '' 0 'applied 1' "PUT 500: The server * > $LOST > PUT 200" ''
}

@test "update: 500 after" {
    row '--fault 500-after=1' '' 0 'applied 1' "PUT 500: The server * > $OURS" ''
}

@test "update: 502 before" {
    row '--fault 502-before=1' '' 0 'applied 1' "PUT 502: The server * > $LOST > PUT 200" ''
}

@test "update: 502 after" {
    row '--fault 502-after=1' '' 0 'applied 1' "PUT 502: The server * > $OURS" ''
}

@test "update: 503" {
    row '--fault 503-before=1' '' 0 'applied 1' 'PUT 503: The service * > PUT 200' ''
}

@test "update: 503 with Retry-After" {
    row '--fault 503-retry=1' '' 0 'applied 1' 'PUT 503: The service * > PUT 200' ''
}

@test "update: 429 with Retry-After" {
    row '--fault 429=1' '' 0 'applied 1' 'PUT 429: Rate limit exceeded * > PUT 200' ''
}

@test "update: 429 with a date, with words, with nothing" {
    local how

    for how in date message none; do
        row "--fault 429=1 --retry-after $how" '' 0 'applied 1' 'PUT 429: Rate limit exceeded * > PUT 200' ''
        stop_sim
        rm -r rowferry.db* inbox ledger requests
    done
}

@test "update: 429 beyond --max-wait parks the run" {
    HEAL=none row '--fault 429=1 --retry-after 3600' '' 5 'pending 1' 'PUT 429: *' \
        'parked for *, longer than --max-wait 15m: the API answered 429, and asks to wait until 2*'
    run_inbox
    same "5 pending 1" "$status $(states)"
    same 2 "$(wc -l <requests)"
}

@test "update: 504 before" {
    row '--fault 504-before=1' '' 0 'applied 1' "PUT 504: The request * > $LOST > PUT 200" ''
}

@test "update: 504 after" {
    row '--fault 504-after=1' '' 0 'applied 1' "PUT 504: The request * > $OURS" ''
}

@test "update: a gateway's page before" {
    row '--fault html-before=1' '' 0 'applied 1' "PUT 502: $HTML > $LOST > PUT 200" ''
}

@test "update: a gateway's page after" {
    row '--fault html-after=1' '' 0 'applied 1' "PUT 502: $HTML > $OURS" ''
}

@test "update: a gateway's page with 200 after" {
    row '--fault html-200-after=1' '' 0 'applied 1' "PUT 200: $HTML > $OURS" ''
}

@test "update: an answer that breaks off" {
    row '--fault truncate-after=1' '' 0 'applied 1' \
        "PUT 200: transfer closed with * bytes remaining to read > $OURS" ''
}

@test "update: silence before" {
    row '--fault stall-before=1' '--timeout 1' 0 'applied 1' \
        "PUT: $TIMED_OUT 0 bytes received > $LOST > PUT 200" ''
}

@test "update: silence after" {
    row '--fault stall-after=1' '--timeout 1' 0 'applied 1' \
        "PUT: $TIMED_OUT 0 bytes received > $OURS" ''
}

@test "update: one that lands late, after it was read back" {
    row '--fault late=1 --late-ms 300' '' 0 'applied 1' \
        "PUT: $CLOSED > $LOST > PUT 409: The record was changed * > $OURS" ''
}

@test "update: nothing but 500 leaves the job for the next run" {
    row '--fault 500-before=1 --fault-limit 9' '--max-retries 1' 5 'pending 1' \
        "PUT 500: * > $LOST > PUT 500: * > $LOST" ''
}

@test "update: a service that fails every row does not cost every row its attempts" {
    # the first retry is due after a second, long after the budget is spent: whether 20 rows were
    # sent or a few more that were on their way is not told beforehand
    ROWS=60 row '--fault 500-before=1 --fault get:500-before=1 --fault-limit 9999' '' 5 \
        'pending [34]?, unknown [12]?' 'PUT 500: *' \
        'the API answers, but too few requests succeed for their retries (last: The server encountered an unexpected condition.)'
}

# ---- the read-back fails -------------------------------------------------------------------

# The update is cut after it was applied; then the first read-back meets the fault.
read_back() {
    row "--fault cut-after=1 --fault get:$1=1 --fault-limit 2 --stall-ms 4000" "$2" 0 'applied 1' \
        "PUT: $CLOSED > $3 > $OURS" ''
}

@test "read-back: cut" {
    read_back cut-before '' 'GET: Empty reply from server'
}

@test "read-back: 500" {
    read_back 500-before '' 'GET 500: The server *'
}

@test "read-back: 503 with Retry-After" {
    read_back 503-retry '' 'GET 503: The service *'
}

@test "read-back: 401" {
    read_back 401 '' 'GET 401: Invalid login credentials.'
}

@test "read-back: 429" {
    read_back 429 '' 'GET 429: Rate limit *'
}

@test "read-back: a gateway's page with 200" {
    read_back html-200-after '' "GET 200: $HTML"
}

@test "read-back: an answer that breaks off" {
    read_back truncate-after '' 'GET 200: transfer closed with *'
}

@test "read-back: silence" {
    read_back stall-before '--timeout 1' "GET: $TIMED_OUT 0 bytes received"
}

@test "read-back: a Content-Length of half the body" {
    read_back short-length-after '' 'GET 200: HTTP 200 with a body that is no JSON object *'
}

@test "read-back: JSON that is not UTF-8" {
    read_back utf8-after '' 'GET 200: HTTP 200 with a body that is no record ("{"note":"\\xc3(\\xff"*'
}

@test "read-back: JSON 10000 deep" {
    read_back deep-after '' 'GET 200: HTTP 200 with a body that is no JSON object ("{"note":\[\[\[*'
}

@test "read-back: a body that never ends" {
    read_back endless-after '' 'GET 200: the answer is longer than 1048576 bytes'
}

@test "read-back: a redirect ends the run, and the job is read back next time" {
    row '--fault cut-after=1 --fault get:redirect=1 --fault-limit 2' '' 2 'unknown 1' \
        "PUT: $CLOSED > GET 307: *" 'answered 307 to a read-back (*): it does not look like the API; check --environment'
}

# ---- hostile answers -----------------------------------------------------------------------

@test "hostile: 100 KiB of headers" {
    row '--fault flood-after=1' '' 0 'applied 1' \
        "PUT 200: the answer's headers are longer than 65536 bytes > $OURS" ''
}

@test "hostile: a body that never ends" {
    row '--fault endless-after=1' '' 0 'applied 1' \
        "PUT 200: the answer is longer than 1048576 bytes > $OURS" ''
}

@test "hostile: silence after the headers" {
    row '--fault halt-after=1' '--timeout 1' 0 'applied 1' \
        "PUT 200: $TIMED_OUT 0 out of * bytes received > $OURS" ''
}

@test "hostile: a Content-Length of half the body" {
    row '--fault short-length-after=1' '' 0 'applied 1' \
        "PUT 200: HTTP 200 with a body that is no JSON object (\"{\"id\":\"A-1\"*) > $OURS" ''
}

@test "hostile: JSON that is not UTF-8" {
    row '--fault utf8-after=1' '' 0 'applied 1' \
        "PUT 200: HTTP 200 with a body that is no record (\"{\"note\":\"*) > $OURS" ''
}

@test "hostile: JSON 10000 deep" {
    row '--fault deep-after=1' '' 0 'applied 1' \
        "PUT 200: HTTP 200 with a body that is no JSON object (\"{\"note\":\[\[*) > $OURS" ''
}

@test "hostile: an answer before the request is complete" {
    ROW_BYTES=400000 row '--answer early:A=413' '' 3 'refused 1' 'PUT 413: The request body is larger *' ''
    same '["put",413,false]' "$(jq -c 'select(.kind == "put") | [.kind, .status, .applied]' requests)"
}

@test "hostile: 200 for an update, and no record" {
    row '--answer put:=200 --answer get:=200' '--max-retries 1' 5 'unknown 1' \
        'PUT 200: HTTP 200 with a body that is no record ("{}") > GET 200: HTTP 200 with a body that is no record ("{}")*' ''
}

@test "hostile: 204 for an update that was not applied" {
    row '--answer put:=204' '--max-retries 0' 5 'pending 1' "PUT 204: HTTP 204 without a body > $LOST" ''
}

@test "hostile: a redirect is not followed" {
    row '--fault redirect=1' '' 2 'pending 1' 'PUT 307: *' \
        'answered 307 to an update (*): it does not look like the API; check --environment'
    same 0 "$(jq -r 'select(.kind == "other") | .kind' requests | wc -l)"
}

@test "hostile: 405" {
    row '--answer =405' '' 2 'pending 1' 'PUT 405: *' \
        'answered 405 to an update (The method is not allowed *): it does not look like the API; check --environment'
}

@test "hostile: 501" {
    row '--answer =501' '' 2 'pending 1' 'PUT 501: *' 'answered 501 to an update (*): it does not look like the API'
}

# ---- answers with a Content-Encoding -------------------------------------------------------

# coded_everywhere KIND
coded_everywhere() {
    row "--distort put:$1=1 --distort get:$1=1 --distort audit:$1=1 --distort token:$1=1 --fault cut-after=1" \
        '' 0 'applied 1' "PUT: $CLOSED > $OURS" ''
}

@test "coded: gzip, deflate and Brotli are decoded in every answer" {
    local kind

    curl -V | grep -q brotli || skip "libcurl decodes no Brotli here"
    for kind in gzip deflate br; do
        coded_everywhere $kind
        stop_sim
        rm -rf inbox rowferry.db* ledger requests
    done
}

@test "coded: what an error says is read" {
    ROWS=3 row '--answer A-2=422 --distort put:gzip=1' '' 3 'applied 2, refused 1' \
        'PUT 200 > PUT 422: The record violates its schema. > PUT 200' ''
}

@test "coded: the ceiling counts what is decoded" {
    row '--distort put:bomb=1' '' 0 'applied 1' \
        "PUT 200: the answer is longer than 1048576 bytes > $OURS" ''
}

@test "coded: half a body, or a coding that is not known, is read back" {
    row '--distort put:broken-gzip=1' '' 0 'applied 1' "PUT 200: * > $OURS" ''
    stop_sim
    rm -rf inbox rowferry.db* ledger requests
    row '--distort put:unknown-coding=1' '' 0 'applied 1' "PUT 200: Unrecognized content encoding * > $OURS" ''
}

@test "coded: a login whose answer has no end when decoded" {
    HEAL=distort=none row '--distort token:bomb=1' '' 2 'pending 1' '' \
        'the answer is longer than 1048576 bytes'
}

# ---- a proxy that cannot be used -----------------------------------------------------------

# wrong_proxy VARIABLE VALUE: status 2 with the variable, before anything is sent, and no password
# anywhere
wrong_proxy() {
    local text

    rm -rf inbox rowferry.db*
    batch_file inbox/InventoryItem-a.csv 1
    for command in "run inbox --min-age 0 --json --log-format json" "drain" "doctor -v" "doctor --json"; do
        # shellcheck disable=SC2086 # words of a command
        run --separate-stderr env "$1=$2" GENESYS_ENVIRONMENT=https://api.mypurecloud.de \
            GENESYS_CLIENT_ID=a GENESYS_CLIENT_SECRET=b "$BIN/rowferry" $command
        same 2 "$status"
        text=$output$stderr
        holds "$text" "$1 is not the URL of a proxy"
        lacks "$text" Sec
        lacks "$text" ret@
    done
    [ ! -e rowferry.db ] || lacks "$(sqlite3 rowferry.db .dump)" Sec
}

@test "proxy: one that does not parse is status 2 with the variable's name, and no password is shown" {
    wrong_proxy https_proxy 'http://user:Sec#ret@proxy.invalid:3128'
    wrong_proxy HTTPS_PROXY 'http://user:Sec/ret@proxy.invalid:3128'
    wrong_proxy all_proxy 'http://user:Sec?ret@proxy.invalid:3128'
    wrong_proxy ALL_PROXY 'http://user:Sec@ret@proxy.invalid:3128'
    wrong_proxy https_proxy 'http://user:Sec ret@proxy.invalid:3128'
    wrong_proxy https_proxy 'http://user:Secret@proxy.invalid:99999'
    wrong_proxy https_proxy 'http://user:Secret@proxy.invalid:http'
    wrong_proxy https_proxy 'gopher://user:Secret@proxy.invalid:70'
    wrong_proxy https_proxy 'http://user:1/Secret@proxy.invalid:70'
}

@test "proxy: loopback is reached without one, so what it says does not matter" {
    export http_proxy='http://user:Sec#ret@proxy.invalid:3128' ALL_PROXY=nonsense://
    row '' '' 0 'applied 1' 'PUT 200' ''
    ends 0 rowferry doctor inbox
}

@test "proxy: a user name and a password in a setting are not shown by doctor" {
    ends 2 rowferry doctor --environment 'https://user:Sec#ret@api.example'
    lacks "$output$stderr" Sec
    ends 2 env GENESYS_ENVIRONMENT=https://user:Secret@api.example "$BIN/rowferry" doctor -v
    lacks "$output$stderr" Sec
}

@test "hostile: all of it at once, for updates and read-backs, ends with every row applied once" {
    local kind faults=() i

    for kind in flood endless halt short-length utf8 deep html-200 truncate; do
        faults+=(--fault "$kind-after=0.03" --fault "get:$kind-after=0.03")
    done
    start_sim "${faults[@]}" --stall-ms 3000
    batch_file inbox/InventoryItem-a.csv 400
    for ((i = 0; i < 5; i++)); do
        run --separate-stderr rowferry run inbox --min-age 0 --rate none --timeout 1
        [ "$status" -eq 5 ] || break
    done
    same "0 applied 400" "$status $(states)"
    same "$(sql 'SELECT count(*) FROM attempt')" "$(jq -r .kind requests | grep -c -v token)"
    books_agree
}

# ---- rows that the server refuses ----------------------------------------------------------

@test "refused: 400 for one row" {
    ROWS=3 row '--answer A-2=400' '' 3 'applied 2, refused 1' 'PUT 200 > PUT 400: * > PUT 200' ''
}

@test "refused: 404 for one row" {
    ROWS=3 row '--answer A-2=404' '' 3 'applied 2, refused 1' 'PUT 200 > PUT 404: * > PUT 200' ''
}

@test "refused: 413 for one row" {
    ROWS=3 row '--answer A-2=413' '' 3 'applied 2, refused 1' 'PUT 200 > PUT 413: * > PUT 200' ''
}

@test "refused: 422 for one row" {
    ROWS=3 row '--answer A-2=422' '' 3 'applied 2, refused 1' 'PUT 200 > PUT 422: * > PUT 200' ''
    same 'quantity minimum' "$(sql "SELECT field || ' ' || code FROM server_violation WHERE field <> ''")"
}

@test "refused: 422 with JSON 10000 deep" {
    row '--answer =422 --fault deep-after=1' '' 3 'refused 1' \
        'PUT 422: HTTP 422 with a body that is no JSON object *' ''
}

@test "refused: 422 with JSON that is not UTF-8" {
    row '--answer =422 --fault utf8-after=1' '' 3 'refused 1' 'PUT 422: The record violates its schema.' ''
    same 2 "$(sql 'SELECT count(*) FROM server_violation')"
}

@test "refused: a conflict that nobody's update explains" {
    row '--base-version 2' '' 3 'conflict 1' 'PUT 409: The record was changed * > GET 200: *' ''
}

# ---- credentials ---------------------------------------------------------------------------

@test "credentials: a 403 that concerns one record" {
    ROWS=3 row '--answer A-1=403' '' 3 'applied 2, refused 1' \
        'PUT 403: You do not have permission * > PUT 200 > PUT 200' ''
}

@test "credentials: a 403 that concerns us" {
    ROWS=9 row '--answer =403' '' 6 'pending 9' 'PUT 403: * > PUT 403: * > PUT 403: *' \
        'the API refused us with 403 missing.permissions (You do not have permission to perform the requested action.): give the OAuth client a role with the custom objects permissions, or check that --environment is the organisation that the client belongs to; no job was lost'
}

@test "credentials: 401 once costs one new token" {
    row '--fault 401=1' '' 0 'applied 1' 'PUT 401: Invalid login credentials. > PUT 200' ''
    same 2 "$(jq -r .kind requests | grep -c token)"
}

@test "credentials: 401 whatever the token" {
    row '--answer all:=401' '' 6 'pending 1' 'PUT 401: * > PUT 401: *' \
        'the API refused us with 401 bad.credentials (Invalid login credentials.): check the OAuth client and the address that it may be used from; no job was lost'
    same 3 "$(jq -r .kind requests | grep -c token)" # the third is the next run's
}

@test "credentials: ip.not.authorized asks for no other token" {
    ROWS=3 row '--answer =401:ip.not.authorized' '' 6 'pending 3' 'PUT 401: *' \
        'the API refused us with 401 ip.not.authorized (*): check the OAuth client and the address that it may be used from'
    same 2 "$(jq -r .kind requests | grep -c token)" # the second is the next run's
}

@test "credentials: a disabled client" {
    row '--answer token:sim=401:invalid_client' '' 6 'pending 1' '' \
        'login at http://127.0.0.1:*: HTTP 401 invalid_client (*): wrong client secret: check GENESYS_CLIENT_SECRET, and that the client is active'
}

@test "credentials: a client that may not log in" {
    row '--answer token:=403' '' 6 'pending 1' '' \
        'HTTP 403 access_denied (*): the client may not log in: check that it is active, and --environment'
}

@test "credentials: a client without a role" {
    row '--answer token:=400:unauthorized_client' '' 6 'pending 1' '' \
        "HTTP 400 unauthorized_client (*): check that the client is of the type 'client credentials' and has a role"
}

@test "credentials: an unknown client, or one of another region" {
    HEAL=none row '--client-id other' '' 6 'pending 1' '' \
        'login at http://127.0.0.1:*: HTTP 400 invalid_client (client not found): unknown client, or a client of another region: check GENESYS_CLIENT_ID and --environment'
}

@test "credentials: a wrong secret" {
    HEAL=client-secret=sim-secret row '--client-secret other' '' 6 'pending 1' '' \
        'HTTP 401 invalid_client (authentication failed): wrong client secret: check GENESYS_CLIENT_SECRET'
}

@test "credentials: a token of another region" {
    HEAL=none row '--jwt-issuer https://login.mypurecloud.de' '' 2 'pending 1' '' \
        'the token was issued by https://login.mypurecloud.de, which does not belong to 127.0.0.1: check --environment'
}

@test "credentials: the login's rate limit is waited for" {
    row '--fault token:429=1 --retry-after 1' '' 0 'applied 1' 'PUT 200' \
        'login at http://127.0.0.1:*: HTTP 400 invalid_request (rate limit exceeded, retry in 1 seconds): too many tokens were asked for: asking again in 1 s'
}

@test "credentials: the login's rate limit without a time is waited for a minute" {
    local code=0

    start_sim --fault token:429=1
    batch_file inbox/InventoryItem-a.csv 1
    "$BIN/rowferry" run inbox --min-age 0 >out 2>errors 3>&- &
    eventually grep -q 'too many tokens were asked for: asking again in 60 s' errors
    kill -INT $!
    wait $! || code=$?
    same "130 pending 1" "$code $(states)"
    same 1 "$(jq -r .kind requests | grep -c token)"
}

@test "credentials: the login's rate limit beyond --max-wait parks the run" {
    HEAL=none row '--fault token:429=1 --retry-after 3600' '' 5 'pending 1' '' \
        'parked for *, longer than --max-wait 15m: login at http://127.0.0.1:*: HTTP 400 invalid_request (rate limit exceeded, retry in 3600 seconds): too many tokens were asked for, and asks to wait until 2*'
    run_inbox
    same "5 pending 1" "$status $(states)"
    same 1 "$(wc -l <requests)"
}

@test "credentials: a 403 for a read-back while nothing has succeeded" {
    row '--fault cut-after=1 --answer get:=403' '' 6 'unknown 1' "PUT: $CLOSED > GET 403: *" \
        'the API refused us with 403 missing.permissions (*): give the OAuth client a role *'
}

@test "credentials: a 403 for every read-back, though updates succeed" {
    ROWS=3 row '--fault cut-after=1 --answer get:=403' '' 6 'applied 2, unknown 1' \
        "PUT: $CLOSED > GET 403: * > PUT 200 > PUT 200" \
        'the API refused us with 403 missing.permissions (*): give the OAuth client a role *'
}

@test "credentials: a client disabled midway" {
    start_sim --token-lifetime 1
    batch_file inbox/InventoryItem-a.csv 2000
    "$BIN/rowferry" run inbox --min-age 0 --rate 100/s >out 2>errors 3>&- &
    eventually [ -s ledger ]
    heal answer=token:=401:invalid_client
    local code=0
    wait $! || code=$?
    same 6 "$code"
    holds "$(cat errors)" 'wrong client secret: check GENESYS_CLIENT_SECRET, and that the client is active'
    matches 'applied *, pending *' "$(states)"
    books_agree
}

# ---- the login fails -----------------------------------------------------------------------

# login FAULT OPTIONS TROUBLE: the first login meets the fault, the second works
login() {
    row "--fault token:$1=1" "$2" 0 'applied 1' 'PUT 200' \
        "login at http://127.0.0.1:*: $3: asking again in 1 s"
    same 2 "$(jq -r .kind requests | grep -c token)"
}

# no_login FAULT TROUBLE: the run ends
no_login() {
    row "--fault token:$1=1" '' 2 'pending 1' '' \
        "login at http://127.0.0.1:*: $2: this is no login of the platform: check --environment and --login-url"
}

@test "login: cut" {
    login cut-before '' 'Empty reply from server'
}

@test "login: 503" {
    login 503-before '' 'HTTP 503: the login is out of order'
}

@test "login: 503 with Retry-After" {
    login 503-retry '' 'HTTP 503: the login is out of order'
}

@test "login: a gateway's page" {
    login html-before '' 'HTTP 502: the login is out of order'
}

@test "login: an answer that breaks off" {
    login truncate-after '' 'transfer closed with * bytes remaining to read'
}

@test "login: silence" {
    login stall-before '--timeout 1' "$TIMED_OUT 0 bytes received"
}

@test "login: silence after the headers" {
    login halt-after '--timeout 1' "$TIMED_OUT 0 out of * bytes received"
}

@test "login: 100 KiB of headers" {
    login flood-after '' "the answer's headers are longer than 65536 bytes"
}

@test "login: JSON that is not UTF-8, where it does not matter" {
    row '--fault token:utf8-after=1' '' 0 'applied 1' 'PUT 200' ''
}

@test "login: a gateway's page with 200" {
    no_login html-200-after 'HTTP 200 without an access_token'
}

@test "login: a redirect" {
    no_login redirect 'HTTP 307'
    same 0 "$(jq -r .kind requests | grep -c other)"
}

@test "login: a Content-Length of half the body" {
    no_login short-length-after 'HTTP 200 without an access_token'
}

@test "login: JSON 10000 deep" {
    no_login deep-after 'HTTP 200 without an access_token'
}

@test "login: a body that never ends" {
    no_login endless-after 'the answer is longer than 1048576 bytes'
}

@test "login: nothing but 503" {
    row '--fault token:503-before=1 --fault-limit 9' '--max-retries 1' 5 'pending 1' '' \
        "no token: login at http://127.0.0.1:*: HTTP 503: the login is out of order: check the network, --environment and --login-url, $AGAIN"
}

# ---- nothing is reached --------------------------------------------------------------------

@test "unreachable: the login's port is closed" {
    row '' '--environment http://127.0.0.1:1 --max-retries 0' 5 'pending 1' '' \
        "no token: login at http://127.0.0.1:1: Failed to connect *: check the network, --environment and --login-url, $AGAIN"
}

@test "unreachable: the API's port is closed" {
    row '' '--environment http://127.0.0.1:1 --login-url http://@ --max-retries 0' 5 'pending 1' 'PUT: Failed to connect *' \
        "cannot reach http://127.0.0.1:1: Failed to connect *: check the network and --environment, $AGAIN"
}

@test "unreachable: no TLS where https is asked for" {
    row '' '--environment https://@ --login-url http://@ --max-retries 0' 5 'pending 1' 'PUT: *' \
        "cannot reach https://127.0.0.1:*: *SSL*[! ]: check the network and --environment, $AGAIN"
}

# ---- certificates --------------------------------------------------------------------------

# untrusted CERTIFICATE OPTIONS WHY
untrusted() {
    HEAL=none row "--tls-cert $TLS/$1.pem --tls-key $TLS/key.pem" "$2" 2 'pending 1' '' \
        "login at https://127.0.0.1:*: the server's certificate is not trusted ($3): check --environment, or name the authority that signed it with --ca-file"
    same "" "$(cat requests)"
}

@test "certificate: signed by itself" {
    untrusted self '' 'SSL certificate problem: self-signed certificate'
}

@test "certificate: signed by an authority that the system does not know" {
    untrusted good '' 'SSL certificate problem: unable to get local issuer certificate'
}

@test "certificate: signed by another authority than --ca-file holds" {
    untrusted good "--ca-file $TLS/self.pem" 'SSL certificate problem: *'
}

@test "certificate: expired" {
    untrusted expired "--ca-file $TLS/ca.pem" 'SSL certificate problem: certificate has expired'
}

@test "certificate: of another host" {
    untrusted elsewhere "--ca-file $TLS/ca.pem" "SSL: no alternative certificate subject name matches target host name '127.0.0.1'"
}

@test "certificate: --ca-file holds no certificate" {
    : >empty.pem
    untrusted good '--ca-file empty.pem' 'error *'
}

@test "certificate: --ca-file does not exist" {
    HEAL=none row '' '--ca-file nowhere.pem' 2 'pending 1' '' 'certificate file nowhere.pem: No such file or directory'
}

@test "certificate: one that --ca-file's authority signed is taken" {
    row "--tls-cert $TLS/good.pem --tls-key $TLS/key.pem" "--ca-file $TLS/ca.pem" 0 'applied 1' 'PUT 200' ''
}

@test "certificate: one that is --ca-file itself is taken" {
    row "--tls-cert $TLS/self.pem --tls-key $TLS/key.pem" "--ca-file $TLS/self.pem" 0 'applied 1' 'PUT 200' ''
}

@test "certificate: of the API alone, where the login is another host" {
    local login

    start_sim
    login=$SIM login_url=$GENESYS_ENVIRONMENT
    start_sim --tls-cert "$TLS/self.pem" --tls-key "$TLS/key.pem"
    batch_file inbox/InventoryItem-a.csv 1
    run_inbox --login-url "$login_url"
    kill "$login"
    same "2 pending 1" "$status $(states)"
    matches "*the certificate of $GENESYS_ENVIRONMENT is not trusted: SSL certificate problem: self-signed certificate: name the authority that signed it with --ca-file, or check --environment" "$stderr"
}

# ---- tokens that do not live long ----------------------------------------------------------

@test "tokens of four seconds are renewed before their end while updates go on" {
    start_sim --token-lifetime 4 --fault token:stall-after=1 --stall-ms 500
    batch_file inbox/InventoryItem-a.csv 400
    ends 0 rowferry run inbox --min-age 0 --rate 100/s
    same "applied 400" "$(states)"
    same 0 "$(jq .status requests | grep -c 401)"
    same 1 "$(curl -s "$GENESYS_ENVIRONMENT/sim/stats" | jq .logins_peak)"
    # two at least; each renewal at 80% at the earliest; with updates while its answer is awaited
    jq -s -e '[.[] | select(.kind == "token") | .at_ms] as $tokens | [.[] | select(.kind == "put") | .at_ms] as $puts
        | ($tokens | length) >= 2
        and ([range(1; $tokens | length)] | all(. as $i | $tokens[$i] - $tokens[$i - 1] >= 3100
            and ($puts | any(. >= $tokens[$i] and . < $tokens[$i] + 500))))' requests
    books_agree
}

@test "a pace slower than a token's life still gets every row through" {
    start_sim --token-lifetime 1
    batch_file inbox/InventoryItem-a.csv 4
    ends 0 rowferry run inbox --min-age 0 --rate 60/m
    same "applied 4" "$(states)"
    [ "$(jq -r .kind requests | grep -c token)" -le 5 ]
}

@test "many updates in flight that are all refused ask for three tokens, one at a time" {
    start_sim --answer all:=401 --latency-ms 20
    batch_file inbox/InventoryItem-a.csv 200
    ends 6 rowferry run inbox --min-age 0 --rate none --concurrency 32
    same "pending 200" "$(states)"
    same "3 1" "$(curl -s "$GENESYS_ENVIRONMENT/sim/stats" | jq -r '"\(.tokens) \(.logins_peak)"')"
}

# ---- names in paths ------------------------------------------------------------------------

@test "record ids and schema names go out as one path segment, whatever they hold" {
    local ids=(a/../b '?' '#' %2f 'a b' ... '..;' ';' + '&=' ü日本 A,B '"q"' 'a\b' ./ /.. %00 '%' : @ '{}' '~')

    start_sim
    mv schema/InventoryItem.json 'schema/Stück & Gut?.json'
    mkdir inbox
    {
        echo '"record_id","version","sku"'
        for id in "${ids[@]}"; do
            printf '"%s",1,WH-1042\n' "${id//\"/\"\"}"
        done
    } >'inbox/Stück & Gut?-a.csv'
    ends 0 rowferry run inbox --min-age 0 --rate none
    same "$(printf '%s\n' "${ids[@]}" | sort)" "$(jq -r .id ledger | sort)"
    same 'Stück & Gut?' "$(jq -r .schema ledger | uniq)"
}

@test "record ids that no encoding can save are rejected at intake" {
    start_sim
    mkdir inbox
    printf 'record_id,version,sku\n%s,1,WH-1042\n' . >inbox/InventoryItem-a.csv
    printf '%s,1,WH-1042\n' .. auditlogs '""' good >>inbox/InventoryItem-a.csv
    ends 3 rowferry run inbox --min-age 0 --rate none
    same '.|..|auditlogs|' "$(sql "SELECT group_concat(coalesce(record_id, ''), '|') FROM
        (SELECT record_id FROM rejected_row ORDER BY row_no)")"
    same good "$(jq -r .id ledger)"
    same 1 "$(jq -r .kind requests | grep -c put)"
}

# ---- the table itself ----------------------------------------------------------------------

@test "every kind of fault that the simulator knows has a row" {
    local kind

    while read -r kind; do
        grep -q -- "row '--fault $kind=1" "$BATS_TEST_FILENAME" ||
            { echo "no row: $kind"; return 1; }
    done < <("$BIN/genesys-sim" --help | sed -n '/^Kinds of faults/,/^$/s/^  \([a-z0-9-]*\) .*/\1/p')
}

# ---- a lock file that a tidy hand deletes ----------------------------------------------------

@test "lock: a drain whose lock file is deleted stops with 7, and the books stay right" {
    start_sim --latency-ms 200
    batch_file inbox/InventoryItem-a.csv 300
    ends 0 rowferry ingest inbox/InventoryItem-a.csv
    rowferry drain --rate 40/s >first.out 2>first &
    local first=$! status=0
    eventually ten_requests
    rm rowferry.db.drain
    run rowferry drain --rate 40/s
    wait "$first" || status=$?
    same 7 "$status"
    [[ $(cat first) == *"lock $PWD/rowferry.db.drain was deleted or replaced"* ||
        $(cat first) == *"was changed by another process while it was in hand"* ]]
    run rowferry drain --rate none
    same "0 applied 300" "$status $(states)"
    books_agree
    same "" "$(sql "SELECT batch_id FROM batch_tally WHERE applied <> 300 OR sending <> 0")"
}

ten_requests() {
    [ "$(wc -l <requests)" -ge 10 ]
}

@test "lock: an intake whose lock file is deleted stops with 7, and the file is read once" {
    batch_file inbox/InventoryItem-a.csv 300
    mkfifo rows
    rowferry ingest --schema InventoryItem --format csv - <rows >first.out 2>first &
    local first=$! status=0
    exec 9>rows
    eventually test -e rowferry.db.intake
    head -n 200 inbox/InventoryItem-a.csv >&9
    rm rowferry.db.intake
    sleep 1.1
    tail -n +201 inbox/InventoryItem-a.csv >&9
    exec 9>&-
    wait "$first" || status=$?
    same 7 "$status"
    holds "$(cat first)" "lock $PWD/rowferry.db.intake was deleted or replaced"
}

is_loading() {
    [ "$(sql "SELECT state FROM batch")" = loading ]
}

@test "lock: two intakes without their lock file end with 7, whoever of them finds out" {
    batch_file inbox/InventoryItem-a.csv 300
    batch_file InventoryItem-b.csv 5
    mkfifo rows
    rowferry ingest --schema InventoryItem --format csv - <rows >first.out 2>first &
    local first=$! status=0
    exec 9>rows
    head -n 200 inbox/InventoryItem-a.csv >&9
    eventually is_loading
    rm rowferry.db.intake
    # it cannot go on with standard input, and refuses that batch
    run -3 rowferry ingest InventoryItem-b.csv
    tail -n +201 inbox/InventoryItem-a.csv >&9
    exec 9>&-
    wait "$first" || status=$?
    same 7 "$status"
    # where a second has passed since it took the lock, it sees that the file is gone
    grep -qE 'batch 1 was changed by another process|was deleted or replaced' first
}

# A pipe that is quiet: the reading thread sees the signal before the main thread takes it.
stopped_at_a_pipe() {
    local command=$1 signal=$2 want=$3 status=0 pid
    mkfifo "pipe-$command-$signal"
    "$BIN/rowferry" "$command" --schema InventoryItem --format csv --json - \
        <"pipe-$command-$signal" >out 2>err &
    pid=$!
    exec 9>"pipe-$command-$signal"
    head -n 3 InventoryItem-a.csv >&9
    eventually waits_for_input "$pid"
    kill "-$signal" "$pid"
    wait "$pid" || status=$?
    exec 9>&-
    same "$command: $want" "$command: $status"
    holds "$(cat err)" "stopped by SIG$signal"
    holds "$(tail -n 1 out)" "\"exit_status\": $want"
}

# Process $1 has read what there was, and looks for signals.
waits_for_input() {
    grep -q signalfd <(ls -l "/proc/$1/fd" 2>/dev/null) && sleep 0.3
}

@test "a signal that comes while a pipe is quiet is the cause that is reported" {
    local command
    batch_file InventoryItem-a.csv 20
    for command in ingest validate; do
        stopped_at_a_pipe $command HUP 129
        stopped_at_a_pipe $command INT 130
        stopped_at_a_pipe $command TERM 143
    done
}
