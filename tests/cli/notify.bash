# For the tests of notifications: a listener, and what is posted to it.

# notification ID N [TIME]: an update of InventoryItem ID, whose fields are {"n": N}
notification() {
    printf '{"action":"update","schemaName":"InventoryItem","record":{"id":"%s","modifiedTime":"%s",' \
        "$1" "${3:-2026-11-29T10:00:00.000Z}"
    printf '"modifiedBy":{"id":"somebody"},"fields":{"n":%s}}}\n' "$2"
}

# start_listen [OPTION...]: on a free port, or on the address LISTEN_ON, by the command RUN_BY; sets LISTEN (the process)
# and HOOK (its URL). What it says is in listen.err, its summary in listen.out.
start_listen() {
    rm -f listen.err
    ${RUN_BY:-} "$BIN/rowferry" listen "${LISTEN_ON:-0}" "$@" >listen.out 2>listen.err 3>&- &
    LISTEN=$!
    eventually grep -q 'listening on' listen.err || { cat listen.err; return 1; }
    HOOK=$(sed -n 's/.*listening on \(http[^ ]*\).*/\1/p' listen.err)/
}

# stop_listen [STATUS]: by SIGTERM
stop_listen() {
    local status=0

    kill -TERM "$LISTEN"
    wait "$LISTEN" || status=$?
    LISTEN=
    same "${1:-143}" "$status"
}

drop_listen() {
    [ -z "${LISTEN:-}" ] || kill -9 "$LISTEN" 2>/dev/null || true
    [ -z "${LISTEN:-}" ] || wait "$LISTEN" 2>/dev/null || true
    LISTEN=
}

# posts STATUS BODY [OPTION-OF-CURL...]: the answer's body is in `answer`
posts() {
    local expected=$1 body=$2

    shift 2
    same "$expected" "$(curl -s -o answer -w '%{http_code}' --max-time 20 --data-binary "$body" "$@" "$HOOK")"
}

# sign SECRET ID TIMESTAMP BODY: the value of webhook-signature; SECRET is plain text
sign() {
    printf 'v1,%s' "$(printf '%s.%s.%s' "$2" "$3" "$4" | openssl dgst -sha256 -hmac "$1" -binary | base64)"
}

# posts_signed STATUS SECRET ID TIMESTAMP BODY [BODY-THAT-IS-SIGNED]
posts_signed() {
    posts "$1" "$5" -H "webhook-id: $3" -H "webhook-timestamp: $4" \
        -H "webhook-signature: $(sign "$2" "$3" "$4" "${6:-$5}")"
}

# What the ERP has taken, in order: `ID N`
erp_got() {
    jq -r 'select(.kind == "erp" and .applied) | "\(.id) \(.body.fields.n)"' requests
}

delivered() {
    [ "$(sql "SELECT count(*) FROM delivery WHERE state = 'delivered'")" -eq "$1" ]
}
