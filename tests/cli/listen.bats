# `rowferry listen`: what it answers, what it stores, and what no sender can do to it.
load lib
load notify
load npm

teardown() {
    drop_listen
    stop_sim
}

@test "what is posted is stored before it is answered, and delivered as it goes" {
    start_sim
    start_listen --erp-endpoint "$GENESYS_ENVIRONMENT/erp"
    posts 200 "$(notification A 1)"
    same '{"status":"stored"}' "$(cat answer)"
    same 'A|accepted' "$(sql 'SELECT record_id, state FROM notification')"
    eventually delivered 1
    posts 200 "$(notification A 2)"
    eventually delivered 2
    same 'A 1
A 2' "$(erp_got)"
    stop_listen
    holds "$(cat listen.out)" '2 notifications stored, 2 delivered to the ERP'
    same '143' "$(sql "SELECT exit_status FROM run WHERE command = 'listen'")"
}

all_tried_twice() {
    [ "$(sql "SELECT min(attempts) FROM delivery WHERE state = 'pending'")" -ge 2 ]
}

@test "records that the ERP always answers 500 hold up no others" {
    local i began

    start_sim
    for i in 1 2 3 4 5 6 7 8; do setting "answer=erp:BAD$i=500"; done
    start_listen --erp-endpoint "$GENESYS_ENVIRONMENT/erp"
    for i in 1 2 3 4 5 6 7 8; do posts 200 "$(notification "BAD$i" 1)"; done
    began=$SECONDS
    for i in 1 2 3 4 5; do posts 200 "$(notification A $i)"; done
    for i in 1 2 3 4 5; do posts 200 "$(notification "C$i" 1)"; done
    eventually delivered 10
    [ $((SECONDS - began)) -lt 15 ]
    # those that fail are tried again, ever less often
    eventually all_tried_twice
    began=$SECONDS
    for i in 1 2 3 4 5; do posts 200 "$(notification A "1$i")"; done
    eventually delivered 15
    [ $((SECONDS - began)) -lt 10 ]
    same 8 "$(sql "SELECT count(*) FROM delivery WHERE state = 'pending'")"
    stop_listen
}

@test "a clock that is set back holds up no delivery" {
    needs_clock
    start_sim
    setting 'answer=erp:=500'
    echo 86400000 >clock_step
    # a program, not a function: LISTEN has to be the listener itself
    RUN_BY="env CLOCK_STEP_FILE=$PWD/clock_step LD_PRELOAD=$BIN/clock_step.so" \
        start_listen --erp-endpoint "$GENESYS_ENVIRONMENT/erp"
    posts 200 "$(notification A 1)"
    posts 200 "$(notification A 2)"
    posts 200 "$(notification B 1)"
    eventually eval "[ \"\$(sql 'SELECT count(*) FROM delivery WHERE attempts > 0')\" -ge 2 ]"
    echo 0 >clock_step
    setting 'answer=erp:=0'
    eventually delivered 3
    posts 200 "$(notification C 1)"
    eventually delivered 4
    stop_listen
}

@test "the same notification again is answered 2xx and stored once" {
    start_listen
    posts 200 "$(notification A 1)"
    posts 200 "$(notification A 1.0)"
    same '{"status":"known"}' "$(cat answer)"
    posts 200 "$(notification A 1 2026-11-29T11:00:00+01:00)"
    same '{"status":"known"}' "$(cat answer)"
    # with an id, that alone decides
    posts 200 "$(notification A 1)" -H 'webhook-id: m1'
    same '{"status":"stored"}' "$(cat answer)"
    posts 200 "$(notification B 2)" -H 'webhook-id: m1'
    same '{"status":"known"}' "$(cat answer)"
    same 2 "$(sql 'SELECT count(*) FROM notification')"
}

@test "each wrong request has its status, and none is stored" {
    local path

    start_listen
    posts 400 'x'
    holds "$(cat answer)" '{"error":"the body is not JSON'
    posts 400 ''
    posts 400 '{}'
    holds "$(cat answer)" 'not a notification'
    posts 400 "$(notification A 1) $(notification B 1)"
    printf '{"action":"\xc3\x28","record":{"id":"a"}}' >body
    posts 400 @body
    posts 405 '' -X GET
    for path in healthz metrics; do
        same 405 "$(curl -s -o answer -D headers -w '%{http_code}' -d x "$HOOK$path")"
        holds "$(cat headers)" 'Allow: GET, HEAD'
    done
    same 405 "$(curl -s -o answer -D headers -w '%{http_code}' -X PUT -d x "$HOOK")"
    holds "$(cat headers)" 'Allow: POST'
    same 404 "$(curl -s -o answer -w '%{http_code}' -d x "${HOOK}erp")"
    same 404 "$(curl -s -o answer -w '%{http_code}' "${HOOK}healthz/")"
    same 0 "$(sql 'SELECT count(*) FROM notification')"
}

@test "a request target in absolute form is its path" {
    start_listen
    posts 200 "$(notification A 1)" --request-target "$HOOK"
    posts 200 "$(notification B 1)" --request-target "HTTP://example.com"
    same '{"status":"ok"}' "$(curl -s --request-target "${HOOK}healthz" "$HOOK")"
    same 404 "$(curl -s -o answer -w '%{http_code}' --request-target "${HOOK}x" "$HOOK")"
    same 404 "$(curl -s -o answer -w '%{http_code}' --request-target "/http://a/healthz" "$HOOK")"
    same 2 "$(sql 'SELECT count(*) FROM notification')"
}

@test "a body with a coding that is not known is refused with that status" {
    start_listen
    notification A 1 | gzip >body.gz
    same 415 "$(curl -s -o answer -D headers -w '%{http_code}' --data-binary @body.gz -H 'Content-Encoding: gzip' "$HOOK")"
    grep -qi '^Accept-Encoding: identity' headers
    holds "$(cat answer)" Content-Encoding
    for coding in gzip 'gzip, chunked' x; do
        same 501 "$(curl -s -m 5 -o answer -D headers -w '%{http_code}' --data-binary @body.gz -H 'Content-Length:' \
            -H "Transfer-Encoding: $coding" "$HOOK")"
        grep -qi '^Connection: close' headers
    done
    posts 200 "$(notification A 1)" -H 'Content-Encoding: identity'
    posts 200 "$(notification B 1)" -H 'Transfer-Encoding: Chunked'
}

# refuses STATUS HEADER: what is sent with the fields of HEADER, each with its \r\n, is answered with
# the status, and then the connection is closed. VERSION is that of HTTP.
refuses() {
    local port=${HOOK%/} ended=0

    printf "POST / HTTP/${VERSION:-1.1}\r\n$2\r\n"'2c\r\n{"action":"update","record":{"id":"smuggled"}}\r\n0\r\n\r\n' >sent
    exec 9<>"/dev/tcp/127.0.0.1/${port##*:}"
    cat sent >&9
    timeout 5 cat <&9 >answer 2>/dev/null || ended=$? # 1: reset, with something that was not read
    exec 9>&-
    [ "$ended" -ne 124 ] || { echo "open after: $2"; return 1; }
    same "HTTP/1.1 $1" "$(head -1 answer | cut -c 1-12)" || { echo "for: $2"; return 1; }
}

@test "a header that does not say where the request ends is 400, and the connection is closed" {
    local chunked='Transfer-Encoding: chunked\r\n' host='Host: x\r\n'

    start_listen
    refuses 400 "$host${chunked}Content-Length: 4\r\n"
    refuses 400 "${host}Content-Length: 54\r\n$chunked"
    refuses 400 "$host$chunked$chunked"
    refuses 400 "$host${chunked}Transfer-Encoding: gzip\r\n"
    VERSION=1.0 refuses 400 "$host$chunked"
    refuses 400 "${host}Content-Length: 54\r\nContent-Length: 3\r\n"
    refuses 400 "${host}Content-Length: 54\r\nContent-Length: 54\r\n"
    refuses 400 "${host}Content-Length: 54, 54\r\n"
    refuses 400 "${host}Content-Length: +54\r\n"
    refuses 400 "${host}Content-Length : 54\r\n"
    refuses 400 "${host}Content-Length: 54\r\nTransfer-Encoding : chunked\r\n"
    # folded
    refuses 400 "${host}Content-Length: 5\r\n 4\r\n"
    refuses 400 "${host}Content-Length: 54\r\nTransfer-Encoding:\r\n chunked\r\n"
    refuses 400 "${host}Content-Length: 54\r\nX: a\rTransfer-Encoding: chunked\r\n"
    # neither
    refuses 400 "$host"
    same 0 "$(sql 'SELECT count(*) FROM notification')"
}

@test "a request has one Host, but of HTTP/1.0 it can have none" {
    local chunked='Transfer-Encoding: chunked\r\n'

    start_listen
    refuses 400 "$chunked"
    holds "$(cat answer)" 'a request needs one Host header field'
    VERSION=1.2 refuses 400 "$chunked"
    refuses 400 "${chunked}Host: a\r\nHost: a\r\n"
    refuses 400 "${chunked}Host: a b\r\n"
    refuses 400 "${chunked}Host: a@b\r\n"
    same 0 "$(sql 'SELECT count(*) FROM notification')"
    VERSION=1.0 refuses 400 'Content-Length: 3\r\n'
    holds "$(cat answer)" 'not JSON'
    posts 200 "$(notification A 1)" -H 'Host: [::1]:80'
    posts 200 "$(notification B 1)" -H 'Host;'
    posts 200 "$(notification C 1)" --http1.0 -H 'Host:'
}

@test "a body of 1048576 bytes is taken, one more is 413 however it is sent" {
    notification A '"x"' | tr -d '\n' >small
    awk -v pad=$((1048576 - $(wc -c <small))) '{ printf "%s", $0; while (pad-- > 0) printf " " }' small >most
    same 1048576 "$(wc -c <most)"
    start_listen
    posts 200 @most
    { cat most; echo; } >more
    posts 413 @more
    posts 413 @more -H 'Transfer-Encoding: chunked'
    posts 413 @more -H 'Expect: 100-continue'
    posts 413 @more -H 'Expect:'
    head -c 40000000 /dev/zero >huge
    posts 413 @huge
    same 1 "$(sql 'SELECT count(*) FROM notification')"
    posts 200 "$(notification B 1)"
}

@test "off loopback it needs a secret; a name, a port or an address that is wrong is exit 2" {
    ends 2 rowferry listen 0.0.0.0:0
    holds "$stderr" '--webhook-secret-file'
    ends 2 rowferry listen '[::]:0'
    ends 2 rowferry listen
    ends 2 rowferry listen 70000
    ends 2 rowferry listen ::1:80
    ends 2 rowferry listen no.such.host.invalid:80
    ends 2 rowferry listen 0 --tls-cert x
    start_listen
    ends 2 rowferry listen "${HOOK//[^0-9:]/}" --db other.db
    ends 2 rowferry listen "$(sed 's|.*:\([0-9]*\)/|\1|' <<<"$HOOK")" --db other.db
    holds "$stderr" 'Address already in use'
}

@test "with a secret, only what is signed with it is stored" {
    local now body

    now=$(date +%s)
    body=$(notification A 1)
    printf 'old secret\nnew secret\n' >secret
    chmod 600 secret
    LISTEN_ON=0.0.0.0:0 start_listen --webhook-secret-file secret
    HOOK=${HOOK/0.0.0.0/127.0.0.1}
    posts 401 "$body"
    holds "$(cat answer)" 'not signed'
    posts_signed 401 'another' m1 "$now" "$body"
    holds "$(cat answer)" 'the signature is wrong'
    posts_signed 401 'new secret' m1 "$now" "$(notification B 1)" "$body"
    posts_signed 401 'new secret' m1 $((now - 400)) "$body"
    holds "$(cat answer)" '5 minutes'
    posts_signed 401 'new secret' m1 $((now + 400)) "$body"
    posts_signed 401 'new secret' m1 soon "$body"
    posts 401 "$body" -H "X-Hub-Signature-256: sha256=00"
    same 0 "$(sql 'SELECT count(*) FROM notification')"
    # any of the keys; an exact replay is answered the same and stored once
    posts_signed 200 'new secret' m1 "$now" "$body"
    posts_signed 200 'new secret' m1 "$now" "$body"
    same '{"status":"known"}' "$(cat answer)"
    posts_signed 200 'old secret' m2 "$now" "$body"
    # replayed under another id or time
    posts 401 "$body" -H 'webhook-id: m3' -H "webhook-timestamp: $now" \
        -H "webhook-signature: $(sign 'new secret' m1 "$now" "$body")"
    posts 401 "$body" -H 'webhook-id: m1' -H "webhook-timestamp: $((now + 1))" \
        -H "webhook-signature: $(sign 'new secret' m1 "$now" "$body")"
    # the other header is enough, in hexadecimal or base64
    posts 200 "$(notification C 1)" -H "X-Hub-Signature-256: sha256=$(printf '%s' "$(notification C 1)" |
        openssl dgst -sha256 -hmac 'old secret' -r | cut -d' ' -f1)"
    posts 200 "$(notification D 1)" -H "X-Hub-Signature-256: sha256=$(printf '%s' "$(notification D 1)" |
        openssl dgst -sha256 -hmac 'new secret' -binary | base64)"
    # an id that this header does not cover makes no second one of it
    posts 200 "$(notification D 1)" -H 'webhook-id: other' -H "X-Hub-Signature-256: sha256=$(printf '%s' "$(notification D 1)" |
        openssl dgst -sha256 -hmac 'new secret' -binary | base64)"
    same '{"status":"known"}' "$(cat answer)"
    same 4 "$(sql 'SELECT count(*) FROM notification')"
    lacks "$(cat listen.err) $(sqlite3 rowferry.db .dump)" 'new secret'
}

# signed_with SECRET STATUS: whether a new notification that is signed with it is answered so
signed_with() {
    local body id=m$RANDOM$RANDOM now

    now=$(date +%s)
    body=$(notification "$id" 1)
    [ "$2" = "$(curl -s -o answer -w '%{http_code}' --data-binary "$body" -H "webhook-id: $id" \
        -H "webhook-timestamp: $now" -H "webhook-signature: $(sign "$1" "$id" "$now" "$body")" "$HOOK")" ]
}

@test "a secret file that changes is read again, and one that is unusable leaves the old secrets" {
    (umask 077; echo first >secret)
    start_listen --webhook-secret-file secret
    signed_with first 200
    signed_with second 401
    printf 'first\nsecond\n' >secret
    eventually signed_with second 200
    signed_with first 200
    same 1 "$(grep -c "'secret' was read again" listen.err)"
    : >secret
    eventually grep -q "stay in use: --webhook-secret-file: 'secret' is empty" listen.err
    signed_with second 200
    printf 'third\n' >secret
    chmod 644 secret
    eventually grep -q "stay in use: .*chmod 600 secret" listen.err
    signed_with third 401
    chmod 600 secret
    eventually signed_with third 200
    signed_with second 401
    rm secret
    eventually grep -q "stay in use: .*no file 'secret'" listen.err
    signed_with third 200
    (umask 077; echo fourth >secret.new && mv secret.new secret)
    eventually signed_with fourth 200
    same 3 "$(grep -c 'stay in use' listen.err)"
    stop_listen
}

@test "the secret of deliveries is read again while listen runs" {
    (umask 077; echo first >secret)
    start_sim --erp-secret first
    start_listen --erp-endpoint "$GENESYS_ENVIRONMENT/erp" --erp-secret-file secret
    posts 200 "$(notification A 1)"
    eventually delivered 1
    printf 'first\nsecond\n' >secret
    eventually grep -q "'secret' was read again" listen.err
    setting 'erp-secret=second'
    posts 200 "$(notification A 2)"
    eventually delivered 2
    same 0 "$(sql "SELECT count(*) FROM delivery WHERE state = 'failed'")"
    stop_listen
}

@test "signatures agree with the npm package standardwebhooks, in both directions" {
    local secret now

    needs_npm standardwebhooks@1.0.0
    ln -s "$NODE_MODULES" .
    secret=whsec_$(printf 'a key of 24 bytes, so so' | base64)
    echo "$secret" >secret
    chmod 600 secret
    cat >sign.mjs <<'END'
import { Webhook } from "standardwebhooks";
import { createServer } from "node:http";
const [secret, hook] = process.argv.slice(2), webhook = new Webhook(secret);
const body = JSON.stringify({ action: "update", record: { id: "ä-1", fields: { n: 1 } } });
const now = new Date();
// their signature, checked by us; ours comes back to this server, checked by them
const server = createServer((request, response) => {
    let text = "";
    request.on("data", (part) => (text += part));
    request.on("end", () => {
        try {
            console.log("delivered", JSON.stringify(webhook.verify(text, request.headers)));
            response.writeHead(204).end();
        } catch (fault) {
            console.log("refused", fault.message);
            response.writeHead(401).end();
        }
        server.close();
    });
});
server.listen(Number(process.argv[4]), "127.0.0.1", async () => {
    const headers = { "webhook-id": "msg_ä", "webhook-timestamp": String(Math.floor(now / 1000)) };
    headers["webhook-id"] = "msg_1";
    headers["webhook-signature"] = webhook.sign("msg_1", now, body);
    console.log("answered", (await fetch(hook, { method: "POST", body, headers })).status);
});
END
    start_listen --webhook-secret-file secret --erp-secret-file secret --erp-endpoint http://127.0.0.1:18577/
    ends 0 timeout 20 node sign.mjs "$secret" "$HOOK" 18577
    holds "$output" 'answered 200'
    holds "$output" 'delivered {"source":"genesys-cloud"'
}

@test "an ERP that takes nothing is reported once, and once when it works again" {
    start_sim
    setting 'answer=erp:A=500'
    start_listen --erp-endpoint "$GENESYS_ENVIRONMENT/erp"
    posts 200 "$(notification A 1)"
    eventually grep -q 'deliveries to the ERP fail and are tried again: status 500' listen.err
    setting 'answer=erp:A=0'
    eventually grep -q 'deliveries to the ERP work again' listen.err
    stop_listen
    same 2 "$(grep -c 'deliveries to the ERP' listen.err)"
}

@test "the first metrics after a start count what is in the database" {
    { notification A 1; notification B 2; } | ends 5 rowferry forward -
    start_listen
    holds "$(curl -sf "${HOOK}metrics")" 'rowferry_deliveries{state="pending"} 2'
    stop_listen
}

@test "healthz and metrics answer monitoring" {
    start_sim
    start_listen --erp-endpoint "$GENESYS_ENVIRONMENT/erp"
    same '{"status":"ok"}' "$(curl -sf "${HOOK}healthz")"
    posts 200 "$(notification A 1)"
    posts 200 "$(notification A 1)"
    posts 400 x
    eventually delivered 1
    is_counted() { curl -sf "${HOOK}metrics" | grep -q 'deliveries{state="delivered"} 1'; }
    eventually is_counted
    curl -sf "${HOOK}metrics" >metrics
    grep -qx 'rowferry_notification_requests_total{result="stored"} 1' metrics
    grep -qx 'rowferry_notification_requests_total{result="repeated"} 1' metrics
    grep -qx 'rowferry_notification_requests_total{result="refused"} 1' metrics
    same 200 "$(curl -sI -o answer -w '%{http_code}' "${HOOK}metrics")"
}

@test "TLS by certificate and key" {
    local address

    openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
        -addext subjectAltName=IP:127.0.0.1 2>/dev/null
    fails_with 2 "there is no file 'gone.pem': name one with the certificate or its key (PEM)" \
        listen 0 --tls-cert gone.pem --tls-key key.pem
    chmod 644 key.pem
    ends 2 rowferry listen 0 --tls-cert cert.pem --tls-key key.pem
    chmod 600 key.pem
    start_listen --tls-cert cert.pem --tls-key key.pem
    [[ $HOOK == https://* ]]
    posts 200 "$(notification A 1)" --cacert cert.pem
    curl -sf --cacert cert.pem "${HOOK}healthz"
    address=${HOOK#https://}
    openssl s_client -tls1_2 -cipher ALL:@SECLEVEL=0 -connect "${address%/}" </dev/null >handshake 2>&1
    # RFC 8996
    run openssl s_client -tls1_1 -cipher ALL:@SECLEVEL=0 -connect "${address%/}" </dev/null
    [ "$status" -ne 0 ]
    run curl -s --max-time 5 "${HOOK/https/http}healthz"
    [ "$status" -ne 0 ]
    stop_listen
    openssl genrsa -out key.pem 2048 2>/dev/null
    echo x >cert.pem
    ends 2 rowferry listen 0 --tls-cert cert.pem --tls-key key.pem
}

@test "a socket that systemd hands over is served" {
    command -v systemd-socket-activate >/dev/null || skip 'systemd-socket-activate is not there'
    systemd-socket-activate -l 127.0.0.1:18578 "$BIN/rowferry" listen >listen.out 2>listen.err 3>&- &
    LISTEN=$!
    HOOK=http://127.0.0.1:18578/
    eventually curl -s -o answer --max-time 5 "${HOOK}healthz"
    posts 200 "$(notification A 1)"
    holds "$(cat listen.err)" 'listening on http://127.0.0.1:18578'
    stop_listen
}

@test "SIGKILL under load: nothing that was answered 2xx is missing" {
    local i pids=()

    start_listen
    for i in 1 2 3 4; do
        { for n in {1..2000}; do
            printf 'url = "%s"\ndata = "%s"\noutput = /dev/null\nwrite-out = "%%{http_code} W%s-%s\\n"\n' \
                "$HOOK" "$(notification "W$i-$n" "$n" | sed 's/"/\\"/g')" "$i" "$n"
            [ "$n" -eq 2000 ] || echo next
        done; } >"config$i"
        curl -s --max-time 20 -K "config$i" >"answered$i" 2>/dev/null 3>&- &
        pids+=($!)
    done
    eventually eval '[ "$(cat answered? | grep -c ^200)" -gt 600 ]'
    kill -9 "$LISTEN"
    wait "${pids[@]}" || true
    drop_listen
    cat answered? | awk '$1 == 200 { print $2 }' | sort >promised
    [ "$(wc -l <promised)" -lt 8000 ]
    start_listen
    posts 200 "$(notification last 1)"
    sql 'SELECT record_id FROM notification' | sort >stored
    same '' "$(comm -23 promised stored)"
}

@test "SIGTERM answers what has come and ends with 143" {
    local status=0

    start_listen
    # half a body, and the other half after the signal
    exec {half}<>"/dev/tcp/127.0.0.1/$(sed 's|.*:\([0-9]*\)/|\1|' <<<"$HOOK")"
    printf 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %s\r\n\r\n{"action":' "$(notification A 1 | wc -c)" >&"$half"
    sleep 0.3
    kill -TERM "$LISTEN"
    sleep 0.3
    notification A 1 | cut -c 11- >&"$half"
    read -r -t 5 answer <&"$half"
    holds "$answer" '200 OK'
    exec {half}>&-
    wait "$LISTEN" || status=$?
    LISTEN=
    same 143 "$status"
    same A "$(sql 'SELECT record_id FROM notification')"
}

@test "thousands of idle connections keep nobody out and cost no memory that grows" {
    local i fds=() port before after

    ulimit -n 6000 || skip 'too few descriptors'
    # the address sanitizer keeps what was freed, which would count as memory that grows
    export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1
    start_listen
    port=$(sed 's|.*:\([0-9]*\)/|\1|' <<<"$HOOK")
    posts 200 "$(notification A 1)"
    rss() { awk '/^VmRSS/ { print $2 }' "/proc/$LISTEN/status"; }
    for i in {1..1500}; do exec {fd}<>"/dev/tcp/127.0.0.1/$port" && fds+=("$fd"); done
    posts 200 "$(notification B 1)"
    before=$(rss)
    for i in {1..4000}; do exec {fd}<>"/dev/tcp/127.0.0.1/$port" && fds+=("$fd"); done
    posts 200 "$(notification C 1)"
    after=$(rss)
    echo "resident: $before kB, then $after kB"
    [ "$after" -lt $((before + 8000)) ]
    for fd in "${fds[@]}"; do exec {fd}>&-; done
    same 3 "$(sql 'SELECT count(*) FROM notification')"
}

@test "a header may take 10 s, a body 30 s, an idle connection 60 s" {
    local port idle header body began=$SECONDS

    start_listen
    port=$(sed 's|.*:\([0-9]*\)/|\1|' <<<"$HOOK")
    exec {idle}<>"/dev/tcp/127.0.0.1/$port" {header}<>"/dev/tcp/127.0.0.1/$port" {body}<>"/dev/tcp/127.0.0.1/$port"
    printf 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n' >&"$body"
    # slow-loris: a byte now and then
    { printf 'POST / HTTP/1.1\r\n' && while sleep 1 && printf 'X' ; do :; done; } >&"$header" 2>/dev/null &
    { while sleep 2 && printf ' '; do :; done; } >&"$body" 2>/dev/null &
    read -r -t 20 answer <&"$header"
    holds "$answer" 408
    [ $((SECONDS - began)) -ge 9 ] && [ $((SECONDS - began)) -le 15 ]
    read -r -t 30 answer <&"$body"
    holds "$answer" 408
    [ $((SECONDS - began)) -ge 29 ] && [ $((SECONDS - began)) -le 36 ]
    run ! read -r -t 1 answer <&"$idle"
    read -r -t 40 answer <&"$idle" || true
    [ $((SECONDS - began)) -ge 59 ] && [ $((SECONDS - began)) -le 66 ]
    same '' "$answer"
}

@test "a database that is moved away or replaced is 503, until it is back" {
    start_listen
    posts 200 "$(notification A 1)"
    mv rowferry.db elsewhere.db
    posts 503 "$(notification B 1)"
    holds "$(cat answer)" 'could not be stored'
    eventually grep -q 'was moved, deleted or replaced' listen.err
    same 503 "$(curl -s -o answer -w '%{http_code}' "${HOOK}healthz")"
    cp elsewhere.db rowferry.db
    posts 503 "$(notification B 1)"
    mv elsewhere.db rowferry.db
    posts 200 "$(notification B 1)"
    eventually curl -sf -o answer "${HOOK}healthz"
    posts 200 "$(notification C 1)"
    same 'A B C' "$(sql 'SELECT record_id FROM notification ORDER BY id' | tr '\n' ' ' | sed 's/ $//')"
    stop_listen
}

@test "a failing database is 503, and the listener continues when it works again" {
    start_listen
    posts 200 "$(notification A 1)"
    # a full disk for that process alone: its files may not grow
    prlimit --pid "$LISTEN" --fsize=1:unlimited || skip 'prlimit is not there'
    posts 503 "$(notification B 1)"
    same 503 "$(curl -s -o answer -w '%{http_code}' "${HOOK}healthz")"
    prlimit --pid "$LISTEN" --fsize=unlimited
    posts 200 "$(notification B 1)"
    curl -sf -o answer "${HOOK}healthz"
    same 2 "$(sql 'SELECT count(*) FROM notification')"
}
