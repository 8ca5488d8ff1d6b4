# A night from end to end: files in, updates out, checked with the ledger of the simulator.
load lib

teardown() {
    stop_sim
    [ -z "${MOUNT:-}" ] || umount "$MOUNT"
}

# many FILE ROWS: a correct file of InventoryItem
many() {
    mkdir -p "$(dirname "$1")"
    awk -v rows="$2" 'BEGIN {
        print "record_id,version,sku,quantity,price,status,warehouseLocation"
        for (i = 1; i <= rows; i++)
            printf "item-%07d,1,WH-%04d,%d,%.2f,active,A-%02d\n", i, i % 10000, i % 500, i % 100 + 0.5, i % 99
    }' >"$1"
}

# The same in the background, as $!, for signals; its output goes to `out`.
in_background() {
    "$BIN/rowferry" run inbox --min-age 0 --rate none "$@" >out 2>&1 3>&- &
}

# requests KIND...: how many of them the server received
requests() {
    jq -r .kind requests | grep -c -x -E "$(IFS='|'; echo "$*")" || true
}

# The ledger and the database agree on every record and version, and nothing was applied twice.
ledger_agrees() {
    jq -r 'select(.foreign | not) | [.id, .version, .correlation_id] | join(" ")' ledger | sort >ledger.txt
    sql "SELECT record_id || ' ' || server_version || ' ' || correlation_id FROM job
         WHERE state = 'applied'" | sort >jobs.txt
    diff ledger.txt jobs.txt >differences || { head -5 differences; return 1; }
    same "" "$(jq -r 'select(.foreign | not) | .correlation_id' ledger | sort | uniq -d | head -3)"
    same "" "$(sql 'SELECT * FROM batch_summary WHERE rows_read <> rows_rejected + rows_discarded + jobs')"
}

@test "a night applies every row once, and the same command again sends nothing" {
    start_sim
    many inbox/InventoryItem-a.csv 3000
    ends 0 run_inbox --json
    same "3000 3000 3000 0" "$(summary '"\(.rows_read) \(.jobs) \(.applied) \(.exit_status)"')"
    same 3000 "$(requests put)"
    ledger_agrees
    [ -e inbox/done/InventoryItem-a.csv ]
    ends 0 run_inbox --json
    same "0 0" "$(summary '"\(.requests) \(.exit_status)"')"
    same 3000 "$(requests put get)"
}

@test "answers lost on reused connections are read back, not sent twice" {
    start_sim --fault reset-reused-after=0.05
    many inbox/InventoryItem-a.csv 2000
    ends 0 run_inbox --json
    same "2000 0" "$(summary '"\(.applied) \(.conflict)"')"
    same "$(sql 'SELECT count(*) FROM attempt')" "$(requests put get)"
    same 2000 "$(requests put)"
    [ "$(requests get)" -gt 20 ]
    ledger_agrees
}

@test "every fault at once ends with every row applied once" {
    local i

    start_sim --fault cut-after=0.02 --fault cut-before=0.02 --fault 500-after=0.01 \
        --fault 500-before=0.01 --fault 503-before=0.01 --fault 504-after=0.01 \
        --fault html-after=0.01 --fault html-200-after=0.01 --fault truncate-after=0.01 \
        --fault 401=0.005 --fault stall-after=0.002 --fault late=0.005 --late-ms 100 \
        --stall-ms 3000 --fault get:500-before=0.05 --fault get:cut-before=0.02
    many inbox/InventoryItem-a.csv 1500
    for ((i = 0; i < 5; i++)); do
        run --separate-stderr run_inbox --timeout 1
        [ "$status" -eq 5 ] || break
    done
    same 0 "$status"
    same "applied|1500" "$(sql 'SELECT state, count(*) FROM job GROUP BY state')"
    same "$(sql 'SELECT count(*) FROM attempt')" "$(requests put get)"
    ledger_agrees
}

@test "kill -9 in the middle of a drain, and the same command again" {
    local i in_flight=0 pid

    start_sim --latency-ms 2 --fault cut-after=0.01
    many inbox/InventoryItem-a.csv 3000
    for ((i = 1; i <= 4; i++)); do
        in_background
        pid=$!
        eventually enough_applied $((i * 300))
        kill -9 $pid
        wait $pid || true
        [ "$(sql "SELECT count(*) FROM job WHERE state = 'sending'")" -eq 0 ] || in_flight=$((in_flight + 1))
        [ "$(requests put get)" -le "$(sql 'SELECT count(*) FROM attempt')" ]
    done
    [ "$in_flight" -ge 2 ]
    ends 0 run_inbox
    same "applied|3000" "$(sql 'SELECT state, count(*) FROM job GROUP BY state')"
    same ok "$(sql 'PRAGMA integrity_check')"
    ledger_agrees
}

enough_applied() {
    [ -e ledger ] && [ "$(wc -l <ledger)" -ge "$1" ]
}

@test "rows of one record are sent in file order, each with the version that the last one got" {
    start_sim --base-version 5
    mkdir inbox
    {
        echo record_id,version,sku,quantity
        echo A-1,5,WH-0001,1
        echo B-1,5,WH-0001,1
        echo A-1,5,WH-0002,2
        echo A-1,5,WH-0003,3
    } >inbox/InventoryItem-a.csv
    ends 0 run_inbox
    same "1 6
2 7
3 8" "$(jq -r 'select(.id == "A-1") | "\(.fields.quantity) \(.version)"' ledger)"
    same "5|6|7" "$(sql "SELECT group_concat(sent_version, '|') FROM
        (SELECT sent_version FROM job WHERE record_id = 'A-1' ORDER BY id)")"
}

@test "a version that the record has not reached is sent once, read back twice, and in conflict" {
    start_sim --base-version 5
    mkdir inbox
    printf 'record_id,version,sku\nA-1,9,WH-0001\n' >inbox/InventoryItem-a.csv
    ends 3 run_inbox --max-retries 0 --max-attempts 4
    same "conflict|1|0" "$(sql 'SELECT state, attempts, unsettled FROM job')"
    same 2 "$(jq -r .kind requests | grep -c -x get)"
    [ ! -s ledger ]
}

@test "a record changed by someone else is a conflict, and both sides are kept" {
    start_sim --base-version 5
    mkdir inbox
    printf 'record_id,version,sku\nA-1,5,WH-0001\nA-2,5,WH-0002\n' >inbox/InventoryItem-a.csv
    curl -s "$GENESYS_ENVIRONMENT/sim/records/InventoryItem/A-1" -d '{"fields": {"sku": "XX-9999"}}' >/dev/null
    ends 3 run_inbox
    same "A-1|conflict|6
A-2|applied|6" "$(sql 'SELECT record_id, state, server_version FROM job ORDER BY id')"
    same "5|6|XX-9999" "$(sql "SELECT submitted_version, server_version,
        json_extract(server_record, '\$.fields.sku') FROM conflict")"
    ends 0 run_inbox
    same 3 "$(requests put get)"
}

@test "the violations of a refused row are stored, and the other rows are sent" {
    start_sim --answer BAD-=422 --answer GONE-=404 --answer OWN-=403
    mkdir inbox
    printf 'record_id,version,sku\nA-1,1,WH-0001\nBAD-1,1,WH-0002\nGONE-1,1,WH-0003\nOWN-1,1,WH-0004\n' \
        >inbox/InventoryItem-a.csv
    ends 3 run_inbox --json
    same "1 3" "$(summary '"\(.applied) \(.refused)"')"
    same "BAD-1|422
GONE-1|404
OWN-1|403" "$(sql "SELECT record_id, http_status FROM job WHERE state = 'refused' ORDER BY id")"
    same 2 "$(sql 'SELECT count(*) FROM server_violation')"
    ends 0 run_inbox
}

@test "a 429 holds all requests as long as it says" {
    start_sim --rate-limit 20/s
    many inbox/InventoryItem-a.csv 60
    ends 0 run_inbox --json
    same 60 "$(summary .applied)"
    [ "$(summary .throttled)" -ge 1 ]
    # 8 in flight when the first 429 comes, and the two seconds that 60 take at 20 a second
    [ "$(summary .throttled)" -le 30 ]
    ledger_agrees
}

@test "a wait beyond --max-wait parks the run, and a rerun sends nothing before its time" {
    start_sim --rate-limit 2/h --retry-after 3600
    many inbox/InventoryItem-a.csv 5
    ends 5 run_inbox
    holds "$stderr" "asks to wait until"
    before=$(requests token put)
    ends 5 run_inbox
    same "$before" "$(requests token put)"
    same 1 "$(sql 'SELECT count(*) FROM pause')"
}

@test "tokens that live for half a second are renewed without a lost row" {
    start_sim --token-lifetime 0.5 --latency-ms 5
    many inbox/InventoryItem-a.csv 2000
    ends 0 run_inbox
    [ "$(requests token)" -ge 2 ]
    ledger_agrees
}

@test "a token revoked midway costs one new token" {
    start_sim --latency-ms 5
    many inbox/InventoryItem-a.csv 2000
    in_background
    eventually enough_applied 300
    curl -s -X POST "$GENESYS_ENVIRONMENT/sim/revoke" >/dev/null
    wait $!
    same 2 "$(requests token)"
    ledger_agrees
}

@test "the first SIGINT settles what is in flight and ends 130" {
    local code=0

    start_sim --latency-ms 20
    many inbox/InventoryItem-a.csv 3000
    in_background --json
    eventually enough_applied 100
    kill -INT $!
    wait $! || code=$?
    same 130 "$code"
    same 0 "$(sql "SELECT count(*) FROM job WHERE state IN ('sending', 'unknown')")"
    same 130 "$(tail -n 1 out | jq .exit_status)"
    same "$(sql 'SELECT count(*) FROM attempt')" "$(requests put get)"
    ledger_agrees
}

@test "SIGHUP settles what is in flight, prints the summary, and ends 129; under nohup it is ignored" {
    local code=0

    start_sim --latency-ms 20
    many inbox/InventoryItem-a.csv 2000
    in_background --json --metrics-file metrics --on-failure 'cat >hook; echo "$ROWFERRY_EXIT_STATUS" >>hook'
    eventually enough_applied 100
    kill -HUP $!
    wait $! || code=$?
    same 129 "$code"
    same 129 "$(tail -n 1 out | jq .exit_status)"
    same 129 "$(tail -n 1 hook)"
    grep -q '^rowferry_run_active.* 0' metrics
    holds "$(cat out)" 'stopped by SIGHUP'
    same 0 "$(sql "SELECT count(*) FROM job WHERE state IN ('sending', 'unknown')")"
    trap '' HUP
    in_background --json
    trap - HUP
    eventually enough_applied 300
    kill -HUP $!
    wait $!
    same 0 "$(tail -n 1 out | jq .exit_status)"
    same 2000 "$(sql "SELECT count(*) FROM job WHERE state = 'applied'")"
    ledger_agrees
}

@test "a second drain of the same database ends 7 and names the first" {
    local pid

    start_sim --latency-ms 20
    many inbox/InventoryItem-a.csv 3000
    in_background
    pid=$!
    eventually enough_applied 50
    ends 7 rowferry drain --rate none
    holds "$stderr" "run 1, started 2"
    kill -INT $pid
    wait $pid || true
}

@test "a closed port ends 5 with nothing lost" {
    many inbox/InventoryItem-a.csv 5
    export GENESYS_ENVIRONMENT=http://127.0.0.1:1 GENESYS_CLIENT_ID=x GENESYS_CLIENT_SECRET=y
    ends 5 run_inbox --max-retries 1
    holds "$stderr" "Couldn't connect to server: check the network, --environment and --login-url, then run the same command again; nothing was lost"
    same "pending|5" "$(sql 'SELECT state, count(*) FROM job GROUP BY state')"
}

@test "a wrong secret ends 6, and with the right one the run continues" {
    start_sim
    many inbox/InventoryItem-a.csv 5
    GENESYS_CLIENT_SECRET=wrong ends 6 run_inbox
    holds "$stderr" "wrong client secret: check GENESYS_CLIENT_SECRET"
    same "pending|5" "$(sql 'SELECT state, count(*) FROM job GROUP BY state')"
    ends 0 run_inbox
    ledger_agrees
}

@test "a 403 for everything ends 6 with advice" {
    start_sim --answer =403
    many inbox/InventoryItem-a.csv 20
    ends 6 run_inbox
    holds "$stderr" "give the OAuth client a role with the custom objects permissions"
    same "pending|20" "$(sql 'SELECT state, count(*) FROM job GROUP BY state')"
}

@test "an address that is not allowed ends 6 without asking for another token" {
    start_sim --answer =401:ip.not.authorized
    many inbox/InventoryItem-a.csv 20
    ends 6 run_inbox
    same 1 "$(requests token)"
}

@test "a redirect is not followed and ends 2" {
    start_sim --answer =302
    many inbox/InventoryItem-a.csv 20
    ends 2 run_inbox
    holds "$stderr" "answered 302 to an update"
    same "pending|20" "$(sql 'SELECT state, count(*) FROM job GROUP BY state')"
}

@test "a full disk ends 8, and with room again nothing is missing" {
    MOUNT=$BATS_TEST_TMPDIR/small
    mkdir "$MOUNT"
    mount -t tmpfs -o size=3m tmpfs "$MOUNT" 2>/dev/null || { MOUNT=; skip "no right to mount a small file system"; }
    start_sim
    many inbox/InventoryItem-a.csv 20000
    ends 8 run_inbox --db "$MOUNT/rowferry.db"
    holds "$stderr" "free space on that disk, then run the same command again"
    [ -e inbox/InventoryItem-a.csv ]
    mount -o remount,size=64m "$MOUNT"
    ends 0 run_inbox --db "$MOUNT/rowferry.db" --json
    same 20000 "$(summary .applied)"
    same 20000 "$(jq -r .id ledger | sort -u | wc -l)"
    same 20000 "$(wc -l <ledger)"
}

@test "an unreadable file is named and stays, and the others are loaded: 3" {
    start_sim
    many inbox/InventoryItem-a.csv 5
    many inbox/InventoryItem-b.csv 5
    chmod 000 inbox/InventoryItem-a.csv
    chmod 755 "$BATS_TEST_TMPDIR"
    if [ "$(id -u)" -eq 0 ]; then
        chmod 755 "$BATS_RUN_TMPDIR" "$BATS_SUITE_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")" 2>/dev/null || true
        chown -R 65534:65534 inbox .
        chown 0:0 inbox/InventoryItem-a.csv
        ends 3 setpriv --reuid=65534 --regid=65534 --clear-groups "$BIN/rowferry" run inbox --min-age 0 --rate none
    else
        ends 3 run_inbox
    fi
    holds "$stderr" "InventoryItem-a.csv"
    [ -e inbox/InventoryItem-a.csv ]
    [ -e inbox/done/InventoryItem-b.csv ]
    same 5 "$(wc -l <ledger)"
}

@test "a schema with an unknown keyword holds back only its own files" {
    start_sim
    many inbox/InventoryItem-a.csv 5
    cp "$TOP/sample-batches/CustomerAccount-2026-11-23.csv" inbox/
    jq '.properties.sku.minimun = "base64"' schema/InventoryItem.json >changed
    mv changed schema/InventoryItem.json
    ends 2 run_inbox
    holds "$stderr" 'schema/InventoryItem.json: #/properties/sku/minimun: the keyword "minimun" is not supported: did you mean "minimum"?'
    [ -e inbox/InventoryItem-a.csv ]
    [ -e inbox/done/CustomerAccount-2026-11-23.csv ]
}

@test "an unknown column refuses the file, with the reason in a file next to it" {
    start_sim
    mkdir inbox
    printf 'record_id,version,skuu\nA-1,1,WH-0001\n' >inbox/InventoryItem-a.csv
    ends 3 run_inbox
    holds "$(cat inbox/refused/InventoryItem-a.csv.error.txt)" 'line 1: unknown column "skuu"'
    [ -e inbox/refused/InventoryItem-a.csv ]
    same 0 "$(sql 'SELECT count(*) FROM job')"
    same refused "$(sql 'SELECT state FROM batch')"
}

@test "a file of rejected rows can be corrected and put into the inbox again" {
    start_sim
    mkdir inbox
    printf 'record_id,version,sku,quantity\r\nA-1,1,wh-0001,"1"\r\nA-2,1,WH-0002,2\r\nA-3,1,WH-0003,-4\r\n' \
        >inbox/InventoryItem-a.csv
    ends 3 run_inbox
    same "A-1|sku: must match ^[A-Z]{2}-\\d{4}\$, is \"wh-0001\"
A-3|quantity: must be at least 0, is -4" "$(sql 'SELECT record_id, messages FROM rejection ORDER BY row_no')"
    sed -e 's/wh-/WH-/' -e 's/,-4/,4/' inbox/done/InventoryItem-a.csv.rejected.csv >inbox/InventoryItem-b.csv
    same 3 "$(wc -l <inbox/InventoryItem-b.csv)"
    ends 0 run_inbox
    same 3 "$(wc -l <ledger)"
    ledger_agrees
}

@test "a known file is moved to done and sends nothing; --force loads it again" {
    start_sim
    many inbox/InventoryItem-a.csv 5
    ends 0 run_inbox
    many inbox/InventoryItem-again.csv 5
    ends 0 run_inbox
    holds "$stderr" "batch 1"
    [ -e inbox/done/InventoryItem-again.csv ]
    same 5 "$(wc -l <ledger)"
    many inbox/InventoryItem-again.csv 5
    # the record is no longer at version 1, but holds the values
    ends 0 run_inbox --force
    same "unchanged|5" "$(sql 'SELECT state, count(*) FROM job WHERE batch_id = 2 GROUP BY state')"
    same 5 "$(wc -l <ledger)"
}

@test "secret and token are nowhere that others could read" {
    local pid

    start_sim --latency-ms 20 --client-secret 'S3cret-Needle'
    many inbox/InventoryItem-a.csv 1000
    export GENESYS_CLIENT_SECRET=S3cret-Needle
    in_background -v
    pid=$!
    eventually enough_applied 20
    tr '\0' ' ' <"/proc/$pid/cmdline" >cmdline
    same "" "$(grep -l S3cret-Needle cmdline || true)"
    # while it runs, the write-ahead log contains everything that was written
    cp rowferry.db rowferry.db-wal .. 2>/dev/null || true
    kill -INT $pid
    wait $pid || true
    [ "$(sql 'SELECT pending FROM batch_summary')" -gt 0 ]
    GENESYS_CLIENT_SECRET=S3cret-Needleless ends 6 rowferry drain --rate none -v
    printf '%s\n%s\n' "$output" "$stderr" >>out
    same "" "$(grep -l -a S3cret-Needle out rowferry.db* ../rowferry.db* || true)"
    base64=$(printf 'sim-client:S3cret-Needle' | base64)
    same "" "$(grep -l -a -F "${base64%%=*}" out rowferry.db* ../rowferry.db* || true)"
    same "" "$(grep -l -a -i bearer out rowferry.db* ../rowferry.db* || true)"
}

@test "a database of somebody else, or of a newer version, is not touched" {
    sqlite3 rowferry.db 'CREATE TABLE theirs (a)'
    before=$(cksum <rowferry.db)
    many inbox/InventoryItem-a.csv 5
    ends 8 run_inbox
    holds "$stderr" "belongs to another program"
    same "$before" "$(cksum <rowferry.db)"
    [ -e inbox/InventoryItem-a.csv ]
}
