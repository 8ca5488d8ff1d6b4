# A listener that is killed again and again, while the simulator reports changes and its ERP fails. What was
# answered 2xx is in the database, and reaches the ERP at least once and in the order of its record.

LISTEN_CHANGES=12 LISTEN_RECORDS=5 LISTEN_MOMENT_MS=200

# In which an answer of the ERP is lost or is an error that is tried again.
LISTEN_FAULTS=(erp:cut-before=0.05 erp:cut-after=0.05 erp:500-before=0.03 erp:500-after=0.03
    erp:503-before=0.02 erp:truncate-after=0.03 erp:504-after=0.02)

# listener [ENV...]: starts it, at the same port each time; sets LISTENER
listener() {
    env "$@" "$BIN/rowferry" listen "${PORT:-0}" --erp-endpoint "$URL/erp" --concurrency 4 >listener.out 2>listener.log &
    LISTENER=$!
    until grep -q 'listening on' listener.log; do
        kill -0 $LISTENER 2>/dev/null || return
        read -r -t 0.01 <>clock
    done
    [ -n "${PORT:-}" ] && return
    PORT=$(sed -n 's/.*listening on .*:\([0-9]*\).*/\1/p' listener.log)
    world_change "webhook-url=http://127.0.0.1:$PORT/&webhook-retries=100000"
}

# change_records N: somebody else changes records, the next N times
change_records() {
    local i config=

    for ((i = 0; i < $1; i++)); do
        changes=$((changes + 1))
        config+="next
url = \"$URL/sim/records/InventoryItem/N-$((RANDOM % LISTEN_RECORDS))\"
data = \"{\\\"fields\\\":{\\\"n\\\":$changes}}\"
output = answer
"
    done
    curl -sf -K - <<<"${config#next}" || { echo 'the simulator does not change a record'; return 1; }
}

# One of its crash points, or none.
choose_listener_point() {
    local places=(notification-read:5 notification-committed:5 delivery-started:15 delivery-answered:15
        delivery-settled:8)

    point=
    [ -n "$CRASH_POINTS" ] && [ $((RANDOM % 3)) -eq 0 ] || return
    point=${places[RANDOM % ${#places[@]}]}
    point=${point%:*}:$((1 + RANDOM % ${point#*:}))
}

kill_listener() {
    local point

    choose_listener_point
    listener ${point:+ROWFERRY_CRASH=$point}
    change_records "$LISTEN_CHANGES" || return
    if [ -n "$point" ] && ends_by_itself $LISTENER; then
        at_points=$((at_points + 1))
    else
        random_ms $LISTEN_MOMENT_MS
    fi
    kill -9 $LISTENER 2>/dev/null
    { wait $LISTENER; } 2>/dev/null
    what_was_accepted_is_stored
}

# The ids that were answered 2xx, each with its record and number: each is in the database.
what_was_accepted_is_stored() {
    local lost

    [ -f notifications ] && copy_database || return 0
    lost=$(jq -r 'select(.status >= 200 and .status < 300) | [.id, .body.record.fields.n] | @tsv' notifications | sort -u |
        comm -23 - <(sqlite3 -separator '	' copy.db "SELECT record_id, body ->> '$.record.fields.n' FROM notification
            WHERE state = 'accepted'" | sort -u))
    [ -z "$lost" ] || { echo "answered 2xx, and lost: $lost"; return 1; }
}

all_is_delivered() {
    [ "$(jq -r 'select(.status >= 200 and .status < 300) | .number' notifications | sort -u | wc -l)" -eq $changes ] &&
        [ "$(sqlite3 "$DB" 'SELECT count(*) FROM undelivered')" -eq 0 ]
}

# Without faults, until everything has arrived; then what the ERP got is checked.
listener_is_right() {
    local i wrong

    world_change fault=none || return
    listener
    for ((i = 0; i < 1200; i++)); do
        ! all_is_delivered || break
        read -r -t 0.1 <>clock
    done
    kill -TERM $LISTENER
    wait $LISTENER
    [ $? -eq 143 ] || { echo 'the listener did not end with 143'; tail -n 3 listener.log; return 1; }
    all_is_delivered || { echo "not all of $changes changes were delivered"; return 1; }
    what_was_accepted_is_stored || return
    jq -s 'map(select(.kind == "erp" and .applied)) | group_by(.id) | map(map(.body.fields.n))' requests >got
    wrong=$(jq -c --argjson n $changes '(flatten | unique) != [range(1; $n + 1)] or any(.[]; . != sort)' got)
    [ "$wrong" = false ] || { echo "the ERP got $(jq -c . got)"; return 1; }
    # whatever was sent again had the key that it had before
    wrong=$(jq -s 'map(select(.kind == "erp")) | group_by(.body.fields.n) | map(map(.idempotency_key) | unique | length) |
        any(. != 1)' requests)
    [ "$wrong" = false ] || { echo 'a notification was delivered with two keys'; return 1; }
    [ "$(sqlite3 "$DB" 'PRAGMA integrity_check')" = ok ]
}

# listen_round KILLS: in a folder of its own
listen_round() {
    local left=$1 changes=0 PORT= LISTENER=

    world_begin "$WORK/listen" "$FIRST_SEED" --notifications notifications --distort webhook:duplicated=0.1 ||
        fail 'the simulator does not start'
    rm -f clock
    mkfifo clock
    world_faults "${LISTEN_FAULTS[@]}" || fail 'the simulator does not take the faults'
    while [ $((left--)) -gt 0 ]; do
        kill_listener 2>>killed || fail "a listener that was killed, $left kills before the end"
    done
    listener_is_right || fail 'at the end of the listener'
    echo "crash: a listener was killed $1 times ($at_points at crash points) amid $changes changes: none that was answered 2xx is lost, and the ERP got each in its order"
    world_end
    cd "$WORK" && rm -rf listen
}
