# A database that was lost, put back or copied: whatever its age, each row is applied once by the
# simulator's ledger, none becomes a conflict, and each ends `applied` or `unchanged`.
#
#   COPIES_ROUNDS=20   rounds of the tests whose moments are random (default 1)
load lib

declare -gA relays=()
namespaces=()

teardown() {
    stop_sim
    leave_namespaces
}

# needs_namespaces NAME...: makes them, each with a way to the simulator and to nothing else
needs_namespaces() {
    local name line

    { ip netns list >/dev/null && ip netns add "$1-$$"; } 2>/dev/null ||
        skip 'ip netns cannot make a network namespace here'
    for name in "$@"; do
        [ "$name" = "$1" ] || ip netns add "$name-$$"
        namespaces+=("$name-$$")
        ip -n "$name-$$" link set lo up
        mkfifo "$name.ready"
        "$BIN/relay" "/var/run/netns/$name-$$" "${GENESYS_ENVIRONMENT##*:}" >"$name.ready" 3>&- &
        relays[$name]=$!
        read -r line <"$name.ready"
        [ "$line" = ready ]
    done
}

leave_namespaces() {
    local name

    for name in "${!relays[@]}"; do
        kill -KILL "${relays[$name]}" 2>/dev/null || true
    done
    for name in "${namespaces[@]}"; do
        ip netns del "$name"
    done
}

# night [RECORDS [PREFIX]]: rows of one record: single ones, chained ones (5, 5, 5 and 5, 6, 7), and
# such whose last row has the values of the first. The same with versions that are fetched or known.
night() {
    local i values mode

    mkdir -p inbox
    for mode in fetch known; do
        jq ".\"x-rowferry\".version = \"$mode\"" schema/InventoryItem.json >"schema/$mode.json"
    done
    echo record_id,version,sku,quantity,price,status >inbox/InventoryItem-a.csv
    for ((i = 1; i <= ${1:-6}; i++)); do
        echo "one-$2$i,5,WH-1042,$i,1.50,active"
        printf '%s\n' "same-$2$i,5,WH-1042,1,1.50,active" "next-$2$i,5,WH-1042,1,1.50,active" \
            "same-$2$i,5,WH-1042,2,1.50,active" "next-$2$i,6,WH-1042,2,1.50,active" \
            "same-$2$i,5,WH-1042,3,1.50,active" "next-$2$i,7,WH-1042,3,1.50,active"
        for values in 1 2 1; do
            echo "back-$2$i,5,WH-1042,$values,1.50,active"
        done
    done >>inbox/InventoryItem-a.csv
    for mode in fetch known; do
        cut -d , -f 1,3- inbox/InventoryItem-a.csv | sed "2,\$s/^/$mode-/" >inbox/$mode-a.csv
    done
    rows=$(tail -q -n +2 inbox/*.csv | wc -l)
    touch -d '1 hour ago' inbox/*.csv
    rm -rf files
    cp -rp inbox files
}

# Drains until nothing is left, of a database that others may drain, too.
drain_all() {
    local i

    for ((i = 0; i < 20; i++)); do
        run --separate-stderr rowferry drain --rate none --audit-wait 20 "$@"
        [ "$status" -eq 5 ] || return 0
    done
}

# each_once [DATABASE...]: by the ledger each row was applied, and none twice; by each database each
# row is applied or unchanged, and what it calls applied is in the ledger with that version.
each_once() {
    local database

    jq -r 'select(.foreign | not) | "\(.correlation_id) \(.id) \(.version)"' ledger | sort >applied
    for database in "${@:-rowferry.db}"; do
        same "" "$(sqlite3 "$database" "SELECT batch_id || '/' || row_no, record_id, state, error_message
            FROM job WHERE state NOT IN ('applied', 'unchanged')")"
        same "$rows" "$(sqlite3 "$database" 'SELECT count(*) FROM job')"
        same "" "$(sqlite3 "$database" "SELECT correlation_id || ' ' || record_id || ' ' || server_version
            FROM job WHERE state = 'applied'" | sort | comm -23 - applied)"
    done
    same "" "$(cut -d ' ' -f 1 applied | uniq -d | head -3)"
    same "$rows" "$(wc -l <applied)"
}

# in_background DATABASE [OPTION...]: drains it, as $!; what it says goes to DATABASE.out. HOST=NAME:
# in that namespace.
in_background() {
    ${HOST:+ip netns exec "$HOST-$$"} "$BIN/rowferry" drain --db "$1" --rate none --audit-wait 20 "${@:2}" \
        >"$1.out" 2>&1 3>&- &
}

# applied N: so many updates are in the ledger
applied() {
    [ "$(wc -l <ledger)" -ge "$1" ]
}

# copy FROM TO: a consistent copy, also during a run
copy() {
    rm -f "$2" "$2-wal" "$2-shm"
    sqlite3 "$1" ".timeout 5000" ".backup $2"
}

# changed_before [PREFIX]: rows of these records are changed by somebody else first, whose updates
# have ids
changed_before() {
    local i record serial=0

    for ((i = 1; i <= 4; i++)); do
        for record in one same; do
            someone_else "$record-$1$i" '{"sku":"WH-9999","quantity":7,"price":2.5,"status":"active"}' \
                "$(printf '11111111-2222-4333-8444-%04d%08d' "${1%-}" $((++serial)))"
        done
    done
}

@test "an empty database reads the same files again, and every row is applied already" {
    local batch

    start_sim --base-version 5 --audit-lag-ms 300
    night
    ends 0 run_inbox
    each_once
    rm rowferry.db*
    cp -p files/* inbox
    ends 0 run_inbox
    each_once
    same "" "$(sql "SELECT * FROM job WHERE state = 'unchanged'")"
    # what diff reads of the records comes from the other database, and is not built on
    rm rowferry.db*
    ends 0 rowferry ingest files/*.csv
    for batch in 1 2 3; do
        run rowferry diff $batch --rate none
        [ "$status" -lt 4 ]
    done
    ends 0 drain_all
    each_once
    ends 0 rowferry ingest --force inbox/done/fetch-a.csv
    same "0 1" "$(sql "SELECT group_concat(occurrence, ' ') FROM batch WHERE schema = 'fetch'")"
}

@test "the rows of a grown file have the ids that the whole file gives them" {
    start_sim --base-version 5
    night 2
    rm inbox/fetch-a.csv inbox/known-a.csv
    head -n 5 files/InventoryItem-a.csv >inbox/InventoryItem-a.csv
    ends 0 run_inbox
    cp files/InventoryItem-a.csv inbox/done/grown
    cat inbox/done/grown >inbox/done/InventoryItem-a.csv
    ends 0 rowferry ingest --tail inbox/done/InventoryItem-a.csv
    ends 0 drain_all
    sql "SELECT correlation_id FROM job WHERE batch_id = 2 ORDER BY id" >rest
    same 16 "$(wc -l <rest)"
    rm -r rowferry.db* inbox/done
    cp files/InventoryItem-a.csv inbox
    run run_inbox --audit-wait 1
    sql "SELECT correlation_id FROM job WHERE row_no > 4 ORDER BY id" | diff - rest
}

@test "a copy from before the file was read, from the middle of the drain, and from after it" {
    start_sim --base-version 5 --audit-lag-ms 300 --latency-ms 4
    night
    changed_before
    sqlite3 rowferry.db "" # none at first
    rm -f rowferry.db
    mkdir none
    ends 0 run rowferry run none --min-age 0
    copy rowferry.db before.db
    ends 0 rowferry ingest inbox/*.csv
    copy rowferry.db read.db
    in_background rowferry.db --on-conflict rebase
    eventually applied $((rows / 4 + 8))
    copy rowferry.db early.db
    eventually applied $((rows / 2 + 8))
    copy rowferry.db late.db
    wait $!
    each_once
    copy rowferry.db after.db
    for moment in read early late after; do
        copy $moment.db rowferry.db
        ends 0 drain_all --on-conflict rebase
        each_once
    done
    copy before.db rowferry.db
    ends 0 run_inbox --on-conflict rebase --audit-wait 20
    each_once
}

@test "a database that lost its -wal" {
    start_sim --base-version 5 --audit-lag-ms 300 --latency-ms 4
    night
    ends 0 rowferry ingest inbox/*.csv
    in_background rowferry.db
    eventually applied $((rows / 2))
    kill -9 $!
    wait $! || true
    [ -s rowferry.db-wal ]
    rm rowferry.db-wal rowferry.db-shm
    ends 0 drain_all
    each_once
}

@test "two copies are drained at the same time" {
    local round one two

    start_sim --base-version 5 --audit-lag-ms 300 --latency-ms 4
    night
    changed_before
    ends 0 rowferry ingest inbox/*.csv
    copy rowferry.db one.db
    copy rowferry.db two.db
    in_background one.db --on-conflict rebase
    one=$!
    in_background two.db --on-conflict rebase
    two=$!
    wait $one $two
    # what was in doubt for both, because both had it in hand
    for round in one two; do
        ends 0 drain_all --db $round.db --on-conflict rebase
    done
    each_once one.db two.db
}

# The simulator applies what is on its way when the link is cut, and what arrives later. The host
# that was cut off is drained again at the end.
@test "two hosts in two network namespaces drain copies at the same time, and one is cut off midway" {
    local round one two

    start_sim --base-version 5 --audit-lag-ms 300 --latency-ms 8
    needs_namespaces one two
    for ((round = 1; round <= ${COPIES_ROUNDS:-1}; round++)); do
        : >ledger
        rm -rf inbox ./*.db ./*.db-*
        night 6 "$round-"
        changed_before "$round-"
        ends 0 rowferry ingest inbox/*.csv
        copy rowferry.db one.db
        copy rowferry.db two.db
        HOST=one in_background one.db --on-conflict rebase --timeout 1 --max-retries 1
        one=$!
        HOST=two in_background two.db --on-conflict rebase
        two=$!
        eventually applied $((8 + rows / 4 + RANDOM % (rows / 2)))
        kill -STOP "${relays[one]}"
        [ $((round % 2)) -eq 1 ] || kill -KILL $one
        sleep "$((round % 3))"
        kill -CONT "${relays[one]}"
        wait $two
        wait $one || true
        ends 0 drain_all --db two.db --on-conflict rebase
        ends 0 drain_all --db one.db --on-conflict rebase
        each_once one.db two.db
    done
}

@test "rounds of an older copy, with rowferry killed at a random moment" {
    local round

    start_sim --base-version 5 --audit-lag-ms 300 --latency-ms 8
    for ((round = 1; round <= ${COPIES_ROUNDS:-1}; round++)); do
        : >ledger
        rm -rf inbox ./*.db ./*.db-*
        night 6 "$round-"
        changed_before "$round-"
        ends 0 rowferry ingest inbox/*.csv
        in_background rowferry.db --on-conflict rebase
        eventually applied $((8 + RANDOM % (rows / 2)))
        copy rowferry.db copy.db
        eventually applied $((8 + rows / 2 + RANDOM % (rows / 2)))
        kill -KILL $!
        wait $! || true
        copy copy.db rowferry.db
        ends 0 drain_all --on-conflict rebase
        each_once
        # and again without any database, with the files dropped again
        rm rowferry.db*
        ends 0 run_inbox --on-conflict rebase --audit-wait 20
        each_once
    done
}
