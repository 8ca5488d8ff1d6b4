# Faults on the wire, each with its verdict, exit status and message. `row` and its columns are in
# faults.bash; faults of the login are in logins.bats.
load lib
load faults

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
        "PUT: transfer closed with * bytes remaining to read > $OURS" ''
}

@test "update: no answer before" {
    row '--fault stall-before=1' '--timeout 1' 0 'applied 1' \
        "PUT: $TIMED_OUT 0 bytes received > $LOST > PUT 200" ''
}

@test "update: no answer after" {
    row '--fault stall-after=1' '--timeout 1' 0 'applied 1' \
        "PUT: $TIMED_OUT 0 bytes received > $OURS" ''
}

@test "update: lands late, after it was read back" {
    row '--fault late=1 --late-ms 300' '' 0 'applied 1' \
        "PUT: $CLOSED > $LOST > PUT 409: The record was changed * > $OURS" ''
}

@test "update: repeated 500s leave the job for the next run" {
    row '--fault 500-before=1 --fault-limit 9' '--max-retries 1' 5 'pending 1' \
        "PUT 500: * > $LOST > PUT 500: * > $LOST" ''
}

@test "update: a service that fails every row does not cost every row its attempts" {
    # the first retry is due after a second, long after the budget is spent: whether 20 rows were
    # sent, or a few more that were in flight, depends on the timing
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
    read_back truncate-after '' 'GET: transfer closed with *'
}

@test "read-back: no answer" {
    read_back stall-before '--timeout 1' "GET: $TIMED_OUT 0 bytes received"
}

@test "read-back: a Content-Length of half the body" {
    read_back short-length-after '' 'GET 200: HTTP 200 with a body that is not a JSON object *'
}

@test "read-back: JSON that is not UTF-8" {
    read_back utf8-after '' 'GET 200: HTTP 200 with a body that is not a record ("{"note":"\\xc3(\\xff"*'
}

@test "read-back: JSON 10000 deep" {
    read_back deep-after '' 'GET 200: HTTP 200 with a body that is not a JSON object ("{"note":\[\[\[*'
}

@test "read-back: a body that never ends" {
    read_back endless-after '' 'GET: the answer is longer than 1048576 bytes'
}

@test "read-back: a redirect ends the run, and the job is read back next time" {
    row '--fault cut-after=1 --fault get:redirect=1 --fault-limit 2' '' 2 'unknown 1' \
        "PUT: $CLOSED > GET 307: *" 'answered 307 to a read-back (*): it does not look like the API; check --environment'
}

# ---- hostile answers -----------------------------------------------------------------------

@test "hostile: 100 KiB of headers" {
    row '--fault flood-after=1' '' 0 'applied 1' \
        "PUT: the answer's headers are longer than 65536 bytes > $OURS" ''
}

@test "hostile: a body that never ends" {
    row '--fault endless-after=1' '' 0 'applied 1' \
        "PUT: the answer is longer than 1048576 bytes > $OURS" ''
}

@test "hostile: nothing after the headers" {
    row '--fault halt-after=1' '--timeout 1' 0 'applied 1' \
        "PUT: $TIMED_OUT 0 out of * bytes received > $OURS" ''
}

@test "hostile: a Content-Length of half the body" {
    row '--fault short-length-after=1' '' 0 'applied 1' \
        "PUT 200: HTTP 200 with a body that is not a JSON object (\"{\"id\":\"A-1\"*) > $OURS" ''
}

@test "hostile: JSON that is not UTF-8" {
    row '--fault utf8-after=1' '' 0 'applied 1' \
        "PUT 200: HTTP 200 with a body that is not a record (\"{\"note\":\"*) > $OURS" ''
}

@test "hostile: JSON 10000 deep" {
    row '--fault deep-after=1' '' 0 'applied 1' \
        "PUT 200: HTTP 200 with a body that is not a JSON object (\"{\"note\":\[\[*) > $OURS" ''
}

@test "hostile: an answer before the request is complete" {
    ROW_BYTES=400000 row '--answer early:A=413' '' 3 'refused 1' 'PUT 413: The request body is larger *' ''
    same '["put",413,false]' "$(jq -c 'select(.kind == "put") | [.kind, .status, .applied]' requests)"
}

@test "hostile: 200 for an update without a record" {
    row '--answer put:=200 --answer get:=200' '--max-retries 1' 5 'unknown 1' \
        'PUT 200: HTTP 200 with a body that is not a record ("{}") > GET 200: HTTP 200 with a record that lacks a version, which is a whole number, at "/version"*' ''
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

# ---- compressed answers ---------------------------------------------------------------------

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

@test "coded: the text of an error is read" {
    ROWS=3 row '--answer A-2=422 --distort put:gzip=1' '' 3 'applied 2, refused 1' \
        'PUT 200 > PUT 422: The record violates its schema. > PUT 200' ''
}

@test "coded: the size limit counts decoded bytes" {
    row '--distort put:bomb=1' '' 0 'applied 1' \
        "PUT: the answer is longer than 1048576 bytes > $OURS" ''
}

@test "coded: half a body, or an unknown coding, is read back" {
    row '--distort put:broken-gzip=1' '' 0 'applied 1' "PUT 200: * > $OURS" ''
    stop_sim
    rm -rf inbox rowferry.db* ledger requests
    row '--distort put:unknown-coding=1' '' 0 'applied 1' "PUT: Unrecognized content encoding * > $OURS" ''
}

@test "coded: a login whose answer has no end when decoded" {
    HEAL=distort=none row '--distort token:bomb=1' '' 2 'pending 1' '' \
        'the answer is longer than 1048576 bytes'
}

# ---- a proxy that cannot be used -----------------------------------------------------------

# wrong_proxy VARIABLE VALUE: status 2 with the name of the variable, before anything is sent, and no
# password in any output
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

@test "proxy: loopback is reached without one, so that a wrong one does not matter" {
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

@test "hostile: all faults at once still end with every row applied once" {
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
    ledger_agrees
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
        'PUT 422: HTTP 422 with a body that is not a JSON object *' ''
}

@test "refused: 422 with JSON that is not UTF-8" {
    row '--answer =422 --fault utf8-after=1' '' 3 'refused 1' 'PUT 422: The record violates its schema.' ''
    same 2 "$(sql 'SELECT count(*) FROM server_violation')"
}

@test "refused: a conflict without any other update" {
    row '--base-version 2' '' 3 'conflict 1' 'PUT 409: The record was changed * > GET 200: *' ''
}

# ---- names in paths ------------------------------------------------------------------------

@test "record ids and schema names are sent as one path segment, whatever they contain" {
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

@test "record ids that a URL cannot carry are rejected at intake" {
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
        grep -q -- "row '--fault $kind=1" "$BATS_TEST_DIRNAME"/{faults,logins}.bats ||
            { echo "no row: $kind"; return 1; }
    done < <("$BIN/genesys-sim" --help | sed -n '/^Kinds of faults/,/^$/s/^  \([a-z0-9-]*\) .*/\1/p')
}
