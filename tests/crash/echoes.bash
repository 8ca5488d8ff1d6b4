# Updates of our own and changes by others, of the same records, while `listen` and `run` are killed again and
# again on one database. The simulator reports both: what is ours is an echo and never reaches the ERP, what
# others changed reaches it, in the order of its record. Uses listen.bash.

ECHO_FAULTS=(put:cut-after=0.05 put:500-after=0.03 put:cut-before=0.03 put:truncate-after=0.03 get:cut-before=0.03)
ECHO_RUN=(run inbox --min-age 0 --rate none --concurrency 4 --timeout 1 --max-retries 2 --max-attempts 1000
    --max-errors 100% --audit none)

# Three rows more for the records that others change.
feed_own() {
    local i

    FED=$((FED + 1))
    {
        echo record_id,sku,quantity,price,status,warehouseLocation
        for i in 1 2 3; do
            echo "N-$((RANDOM % LISTEN_RECORDS)),WH-0001,$((FED * 3 + i)),0.5,active,S-$FED-$i"
        done
    } >own
    mv own "inbox/InventoryItem-$(printf %06d $FED).csv"
}

run_own() {
    "$BIN/rowferry" "${ECHO_RUN[@]}" --erp-endpoint "$URL/erp" >run.out 2>&1
}

# Both are killed, at moments of their own.
kill_both() {
    local run

    choose_listener_point
    listener ${point:+ROWFERRY_CRASH=$point}
    feed_own
    run_own &
    run=$!
    change_records "$LISTEN_CHANGES" || return
    random_ms $LISTEN_MOMENT_MS
    [ $((RANDOM % 2)) -eq 0 ] || { pkill -9 -P $run; random_ms $LISTEN_MOMENT_MS; }
    kill -9 $LISTENER 2>/dev/null
    random_ms $LISTEN_MOMENT_MS
    pkill -9 -P $run
    { wait $LISTENER $run; } 2>/dev/null
    all_accepted_are_stored
}

# Those of the notifications that were answered 2xx, by record and content.
accepted() {
    jq -r --arg by "$1" 'select(.status >= 200 and .status < 300 and (.body.record.modifiedBy.id == "sim-client") ==
        ($by == "us")) | [.id, .body.record.fields.n, .body.record.fields.warehouseLocation] | @tsv' notifications | sort -u
}

# stored CONDITION
stored() {
    sqlite3 -separator '	' copy.db "SELECT record_id, body ->> '$.record.fields.n',
        body ->> '$.record.fields.warehouseLocation' FROM notification WHERE $1" | sort -u
}

all_accepted_are_stored() {
    local lost

    [ -f notifications ] && copy_database || return 0
    lost=$({ accepted us; accepted others; } | sort -u | comm -23 - <(stored 1))
    [ -z "$lost" ] || { echo "answered 2xx, and lost: $lost"; return 1; }
}

# Updates of our own that the API applied: the ledger has the changes by others, too.
own_applied() {
    echo $(($(wc -l <ledger) - changes))
}

# Whether each update of the ledger and each change by others was accepted, and nothing is left to deliver.
all_has_arrived() {
    [ "$(accepted us | wc -l)" -eq "$(own_applied)" ] &&
        [ "$(accepted others | cut -f 2 | sort -u | wc -l)" -eq $changes ] &&
        [ "$(sqlite3 "$DB" 'SELECT count(*) FROM delivery WHERE state = '"'pending'")" -eq 0 ]
}

echoes_are_right() {
    local i wrong status

    world_change fault=none || return
    listener
    for ((i = 0; i < 20; i++)); do
        run_own
        status=$?
        [ $status -eq 5 ] || [ $status -eq 7 ] || break
    done
    [ $status -eq 0 ] || [ $status -eq 3 ] || { echo "run ended with $status"; tail -n 5 run.out; return 1; }
    for ((i = 0; i < 600; i++)); do
        ! all_has_arrived || break
        read -r -t 0.1 <>clock
    done
    kill -TERM $LISTENER
    wait $LISTENER
    all_has_arrived || { echo "of $(own_applied) updates and $changes changes arrived $(accepted us | wc -l) and
        $(accepted others | cut -f 2 | sort -u | wc -l)"; return 1; }
    all_accepted_are_stored || return
    wrong=$(accepted us | comm -23 - <(stored "state = 'echo'"))
    [ -z "$wrong" ] || { echo "updates of our own that are not echoes: $wrong"; return 1; }
    wrong=$(accepted others | comm -23 - <(stored "state = 'accepted'"))
    [ -z "$wrong" ] || { echo "changes by others that are not accepted: $wrong"; return 1; }
    jq -s 'map(select(.kind == "erp" and .applied))' requests >got
    [ "$(jq 'any(.[]; .body.modifiedBy == "sim-client")' got)" = false ] ||
        { echo 'the ERP got an update of our own'; return 1; }
    jq 'group_by(.id) | map(map(.body.fields.n))' got >numbers
    wrong=$(jq -c --argjson n $changes '(flatten | unique) != [range(1; $n + 1)] or any(.[]; . != sort)' numbers)
    [ "$wrong" = false ] || { echo "the ERP got $(jq -c . numbers)"; return 1; }
    [ "$(sqlite3 "$DB" 'PRAGMA integrity_check')" = ok ]
}

# echo_round KILLS: in a folder of its own
echo_round() {
    local left=$1 changes=0 PORT= LISTENER= point

    LATENCY_MS=10
    world_begin "$WORK/echoes" "$FIRST_SEED" --notifications notifications --distort webhook:duplicated=0.1 ||
        fail 'the simulator does not start'
    rm -f clock
    mkfifo clock
    jq '."x-rowferry" = {"version": "fetch"}' schema/InventoryItem.json >own && mv own schema/InventoryItem.json
    world_faults "${LISTEN_FAULTS[@]}" "${ECHO_FAULTS[@]}" || fail 'the simulator does not take the faults'
    while [ $((left--)) -gt 0 ]; do
        kill_both 2>>killed || fail "run and listener that were killed, $left kills before the end"
    done
    echoes_are_right || fail 'at the end of the echoes'
    echo "crash: run and a listener were killed $1 times amid $changes changes by others and $(own_applied) of our own: each of ours is an echo, and the ERP got all others in their order"
    world_end
    cd "$WORK" && rm -rf echoes
}
