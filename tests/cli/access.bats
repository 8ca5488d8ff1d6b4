#!/usr/bin/env bats
# Tokens of another login than the environment's, and a fixed key instead of a token.
load lib
load npm

setup() {
    in_a_folder
    SERVER=
}

teardown() {
    [ -z "$SERVER" ] || kill "$SERVER" 2>/dev/null || true
    stop_sim
}

# key_file FILE TEXT
key_file() {
    printf '%s\n' "$2" >"$1"
    chmod 600 "$1"
}

# Nothing that rowferry writes has the secret.
keeps() {
    lacks "$output $stderr $(sqlite3 rowferry.db .dump)" "$1"
}

# ---- another login -------------------------------------------------------------------------

# start_login ID SECRET: oidc-provider; sets TOKEN_URL
start_login() {
    needs_npm oidc-provider@9.13.3
    mkfifo ready
    node "$TOP/tests/lib/oidc.mjs" "$NODE_MODULES" "$1" "$2" >ready 2>login-errors 3>&- &
    SERVER=$!
    read -r -t 20 _ _ TOKEN_URL <ready || { cat login-errors; return 1; }
    TOKEN_URL+=/token
    export GENESYS_CLIENT_ID=$1 GENESYS_CLIENT_SECRET=$2
}

# login_finding: what doctor finds about the login, `OUTCOME TEXT`
login_finding() {
    run --separate-stderr rowferry doctor --json "$@"
    printf '%s\n' "$output" | jq -r 'select(.check == "login") | "\(.outcome) \(.text)"'
}

@test "oidc-provider gives a token for an id and a secret with special characters" {
    start_login 'cl ient:1/+' 'p+l/u s=%&ä'
    export GENESYS_ENVIRONMENT=http://127.0.0.1:1
    # that server takes VSCHAR alone (RFC 6749 appendix A), so it refuses the last one
    holds "$(login_finding --token-url "$TOKEN_URL")" "failed login at $TOKEN_URL: HTTP 400 invalid_request"
    kill "$SERVER"
    rm ready
    start_login 'cl ient:1/+' 'p+l/u s=%&'
    holds "$(login_finding --token-url "$TOKEN_URL")" "fine $TOKEN_URL gave a token after "
    holds "$(login_finding --token-url "$TOKEN_URL" --scope 'read write')" "fine $TOKEN_URL gave"
    holds "$(login_finding --token-url "$TOKEN_URL" --scope 'read admin')" \
        "failed login at $TOKEN_URL: HTTP 400 invalid_scope ("
    holds "$(login_finding --token-url "$TOKEN_URL" --scope admin)" \
        "the client may not have this scope: check --scope"
    GENESYS_CLIENT_SECRET='p l/u s=%&'
    holds "$(login_finding --token-url "$TOKEN_URL")" \
        "failed login at $TOKEN_URL: HTTP 401 invalid_client"
}

@test "a token URL is asked for tokens, and its path and query are sent as they are" {
    start_sim --client-id 'a:b' --client-secret 'p+l/u s=%ü'
    export GENESYS_CLIENT_ID='a:b' GENESYS_CLIENT_SECRET='p+l/u s=%ü'
    batch_file inbox/InventoryItem-a.csv 1
    ends 0 run_inbox --token-url "$GENESYS_ENVIRONMENT/oauth/token?x=1" \
        --scope 'customobjects:write customobjects:read'
    same 1 "$(wc -l <ledger)"
    keeps 'p+l/u'
    batch_file inbox/InventoryItem-b.csv 1 B
    ends 2 run_inbox --token-url "$GENESYS_ENVIRONMENT/login/here?x=1"
    holds "$stderr" "login at $GENESYS_ENVIRONMENT/login/here: HTTP 404: this is not a token endpoint: check --token-url"
    lacks "$stderr" 'x=1'
    # a scope of custom objects is not asked for at another login
    ends 6 run_inbox --token-url "$GENESYS_ENVIRONMENT/oauth/token"
    holds "$stderr" "HTTP 400 invalid_scope"
    ends 6 run_inbox --scope ''
    holds "$stderr" "HTTP 400 invalid_scope"
    ROWFERRY_TOKEN_URL=$GENESYS_ENVIRONMENT/oauth/token \
        ROWFERRY_SCOPE='customobjects:write customobjects:read' ends 0 run_inbox
}

@test "a token URL of another domain needs the option, and https" {
    ROWFERRY_TOKEN_URL=https://login.example.com/t ends 2 rowferry drain
    holds "$stderr" "token URL 'https://login.example.com' is of another domain than the API 'https://api.mypurecloud.com', and would receive the client secret: give it as the option --token-url if that is meant"
    ends 2 rowferry drain --token-url https://login.example.com/t
    holds "$stderr" "database rowferry.db does not exist"
    ends 2 rowferry drain --token-url http://login.example.com/t
    holds "$stderr" "token URL 'http://login.example.com/t' is plain http, which is for loopback alone: write https"
}

# ---- a key ---------------------------------------------------------------------------------

@test "a key is sent instead of a token, in the header field that is named" {
    start_sim --api-key 'X-Api-Key:key-of-ours'
    unset GENESYS_CLIENT_ID GENESYS_CLIENT_SECRET
    key_file key key-of-ours
    batch_file inbox/InventoryItem-a.csv 2
    ends 0 run_inbox --api-key-file key --api-key-header X-Api-Key -v
    same 2 "$(wc -l <ledger)"
    same 'put put' "$(jq -r .kind requests | xargs)"
    keeps key-of-ours
    batch_file inbox/InventoryItem-b.csv 2 B
    ROWFERRY_API_KEY=key-of-ours ROWFERRY_API_KEY_HEADER=x-api-key ends 0 run_inbox
    same 4 "$(wc -l <ledger)"
    keeps key-of-ours
    export ROWFERRY_API_KEY_FILE=key
    same "fine no token is needed; what was used: the key from ROWFERRY_API_KEY_FILE as X-Api-Key, at the environment $GENESYS_ENVIRONMENT" \
        "$(login_finding --api-key-header X-Api-Key)"
    # with a login too it is not clear which is meant
    ROWFERRY_TOKEN_URL=$GENESYS_ENVIRONMENT/oauth/token ends 2 rowferry drain
    holds "$stderr" '--api-key-file (or ROWFERRY_API_KEY) and --token-url (or ROWFERRY_TOKEN_URL) are both set'
    ROWFERRY_API_KEY=key-of-ours ends 0 rowferry doctor --api-key-header X-Api-Key
    holds "$output" "ROWFERRY_API_KEY, which is not shown"
    keeps key-of-ours
}

@test "a 401 to a key is final, and a key that is repeated in an answer is starred out" {
    start_sim --api-key 'Authorization:Bearer right-key'
    key_file key 'Bearer wrong-key-of-ours'
    batch_file inbox/InventoryItem-a.csv 2
    echo '  ' >blank
    chmod 600 blank
    ends 2 run_inbox --api-key-file blank
    holds "$stderr" "--api-key-file: 'blank' is empty: it must have the key"
    ends 6 run_inbox --api-key-file key --concurrency 1
    holds "$stderr" "the API refused us with 401 bad.credentials (Unknown key: Bearer *****************): check the API key, and the header field that it belongs in; no job was lost"
    same 'put' "$(jq -r .kind requests | xargs)"
    same 'pending 2' "$(sql "SELECT state || ' ' || count(*) FROM job GROUP BY state")"
    keeps wrong-key-of-ours
    ends 6 rowferry doctor --api-key-file key
    holds "$output" "check the key, and --api-key-header"
    keeps wrong-key-of-ours
    key_file key 'Bearer right-key'
    ends 0 run_inbox --api-key-file key
    same 2 "$(wc -l <ledger)"
}

@test "a key is a secret: file mode, arguments, .env and --on-failure" {
    key_file key key-of-ours
    chmod 640 key
    ends 2 rowferry drain --api-key-file key
    same "rowferry: error: --api-key-file: 'key' has the key and others can read it (mode 0640): run chmod 600 key" "$stderr"
    ends 2 rowferry drain --api-key key-of-ours
    same "rowferry: error: unknown option '--api-key': a secret is never an argument, use ROWFERRY_API_KEY or --api-key-file" "$stderr"
    ends 2 rowferry drain --api-key-file nowhere
    same "rowferry: error: --api-key-file: there is no file 'nowhere': name the file of the key" "$stderr"
    printf 'ROWFERRY_API_KEY=key-of-ours\n' >.env
    chmod 644 .env
    ends 2 rowferry drain
    holds "$stderr" "others can read it"
    chmod 600 .env
    ROWFERRY_API_KEY=key-of-ours ends 2 rowferry run nowhere --on-failure 'env >seen'
    lacks "$(cat seen)" key-of-ours
    for name in 'X Key' Host content-type 'x:y'; do
        ends 2 rowferry drain --api-key-file key --api-key-header "$name"
        holds "$stderr" "--api-key-header: '$name' is not "
    done
}
