# Shared by the tests of the simulator, which are independent of rowferry.

BIN=${ROWFERRY_BIN:-$BATS_TEST_DIRNAME/../../build/release}

setup() {
    SIM=
    cd "$BATS_TEST_TMPDIR"
}

teardown() {
    [ -z "$SIM" ] || kill "$SIM" 2>/dev/null || true
}

# Starts a simulator with ledger and requests in the current folder; sets URL and TOKEN.
start() {
    rm -f ready
    mkfifo ready
    "$BIN/genesys-sim" --with-parent --max-seconds 300 --ledger ledger --requests requests "$@" \
        >ready 3>&- &
    SIM=$!
    read -r _ _ URL <ready
    [[ $URL =~ ^https?://127\.0\.0\.1: ]]
    TOKEN=none
}

login() {
    curl -s -u sim-client:sim-secret -d grant_type=client_credentials \
        --data-urlencode 'scope=customobjects:write customobjects:read' "$URL/oauth/token"
}

start_and_login() {
    start "$@"
    TOKEN=$(login | jq -r .access_token)
}

request() {
    CURL=0
    rm -f body head
    STATUS=$(curl -s -m 20 -X "$1" -H "Authorization: Bearer $TOKEN" -o body -D head -w '%{http_code}' \
        "${@:3}" "$URL$2") || CURL=$?
}

control() {
    curl -sf "${@:2}" "$URL/sim/$1"
}

# last ledger|requests FILTER: the last line through jq.
last() {
    tail -n 1 "$1" | jq -c "$2"
}

eventually() {
    local deadline=$((SECONDS + 20))
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
    done
}

fails() {
    ! "$@"
}
