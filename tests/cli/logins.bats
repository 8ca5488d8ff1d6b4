# Credentials, logins, certificates and tokens that fail, each with its verdict, exit status and message.
# row and its columns are in faults.bash.
load lib
load faults

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

# ---- credentials ---------------------------------------------------------------------------

@test "credentials: a 403 that concerns one record" {
    ROWS=3 row '--answer A-1=403' '' 3 'applied 2, refused 1' \
        'PUT 403: You do not have permission * > PUT 200 > PUT 200' ''
}

@test "credentials: a 403 that concerns us" {
    ROWS=9 row '--answer =403' '' 6 'pending 9' 'PUT 403: * > PUT 403: * > PUT 403: *' \
        'the API refused us with 403 missing.permissions (You do not have permission to perform the requested action.): give the OAuth client a role with the custom objects permissions, or check that --environment is the organisation that the client belongs to; no job was lost'
}

# mixed STATUS DENIED DOUBTFUL SUCCEEDING: that many rows are answered 403, 500 and 200
mixed() {
    local i

    mkdir -p inbox
    start_sim --answer D-=403 --answer put:U-=500 --answer get:U-=500
    rm -rf rowferry.db* inbox/*
    {
        echo record_id,version,sku,quantity,price,status
        for ((i = 1; i <= $2; i++)); do echo "D-$i,1,WH-1042,$i,1.50,active"; done
        for ((i = 1; i <= $3; i++)); do echo "U-$i,1,WH-1042,$i,1.50,active"; done
        for ((i = 1; i <= $4; i++)); do echo "S-$i,1,WH-1042,$i,1.50,active"; done
    } >inbox/InventoryItem-1.csv
    touch -d '1 hour ago' inbox/InventoryItem-1.csv
    run_inbox --max-retries 0
    same "$1" "$status" || { printf "%s\n" "$output" "$stderr"; return 1; }
    stop_sim
}

@test "credentials: few 403s among answers that show nothing are not the client's" {
    # what was answered 500 may have been accepted
    mixed 5 1 2 0
    same 'pending 1
unknown 2' "$(sql "SELECT state || ' ' || count(*) FROM job GROUP BY state")"
    lacks "$stderr" 'the API refused us with 403'
    holds "$output" '1 x 403'
    mixed 5 3 4 0
    mixed 6 5 2 0
    holds "$stderr" 'the API refused us with 403'
    mixed 6 30 1 0
    mixed 5 30 2 1
    same 'applied 1
refused 30
unknown 2' "$(sql "SELECT state || ' ' || count(*) FROM job GROUP BY state")"
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

@test "credentials: a client that is not allowed to log in" {
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
    ledger_agrees
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
        "login at http://127.0.0.1:*: $2: this is not a login of the platform: check --environment and --login-url"
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

@test "certificate: self-signed" {
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
    ledger_agrees
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
