#!/bin/bash
# The crash test, `make crash`: `rowferry run` against a simulator with every kind of fault, killed
# with SIGKILL again and again, and run again until all is done. The simulator's ledger decides.
#
#   B=build/debug     the programs
#   KILLS=1000        as many kills; then every named crash point once, in a scene of its own
#   SEED=N            of moments, rows and faults (default: the clock); moments depend on the machine
#   ROUND=50          as many kills of one database and one simulator
#   WITHOUT='PART..'  leaves out: ids (dropped or garbled), lag (of reads), heads (rows at the head of
#                     each file that are always answered 403 or 301), 429, clock (steps of the client's),
#                     known (every second round, the schema has `version: known`)
#   KEEP=1            the schema has `keepBefore` in every round, not only in every third
#   WORK=FOLDER       where it works and what it leaves of a failure (default build/crash)
#
# After each kill: what the server saw has its attempt row, no job says `applied` that is not, what is
# known of a record, or was kept before an update, is what it had, the database is whole. At the end of
# each round: every valid row is applied exactly once, in the order of the files for each record, and
# nothing else. At least half of the kills whose run had a right
# clock must have hit requests in flight: the server saw them, and their end is not on record. Then a
# listener is killed a fifth as often (listen.bash), and a run and a listener on one database a tenth as often
# (echoes.bash), and a run over targets with every kind of lock likewise (locks.bash).
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd)
BIN=$(cd "$TOP/${B:-build/debug}" && pwd) || exit 2
KILLS=${KILLS:-1000}
FIRST_SEED=${SEED:-$EPOCHSECONDS}
WORK=${WORK:-$TOP/build/crash}
KILLS_A_ROUND=${ROUND:-50} ROWS_LEFT_MIN=500 MOMENT_MS=150
. "$TOP/tests/crash/lib.bash"
. "$TOP/tests/crash/points.bash"
. "$TOP/tests/crash/listen.bash"
. "$TOP/tests/crash/echoes.bash"
. "$TOP/tests/crash/locks.bash"

for name in $(compgen -e | grep -E '^(ROWFERRY|GENESYS|GENESYSCLOUD|ERP)_'); do
    unset "$name"
done

kills=0 timed=0 hits=0 hard_hits=0 held=0 at_points=0 rounds=0 ended=0
RANDOM=$((FIRST_SEED % 32768))
pace=

fail() {
    echo "crash: FAILED in $PWD (SEED=$FIRST_SEED, round $rounds, kill $kills): $*" >&2
    exit 1
}

# Returns when the server has seen a request for a record since `begun` was made, or when process $1
# has ended.
wait_for_a_request() {
    until [ requests -nt begun ] && [[ $(tail -n 1 requests) != *'"kind":"token"'* ]]; do
        kill -0 "$1" 2>/dev/null || return
        read -r -t 0.002 <>clock
    done
}

random_ms() {
    read -r -t "$(printf '0.%03d' $((RANDOM % $1)))" <>clock
}

# One of the crash points that every run with requests passes, early or late; the others have their
# scenes.
choose_point() {
    local places=(drain-recovered:1 token-taken:1 turn-written:20 turn-committed:20 claims-taken:10
        turn-ready:10 audit-started:5 audits-written:2 request-started:60 answer-taken:60 answer-decided:60)

    [ -n "$CRASH_POINTS" ] || return
    point=${places[RANDOM % ${#places[@]}]}
    point=${point%:*}:$((1 + RANDOM % ${point#*:}))
}

# Waits for process $1 to end at its crash point; 1 if it lives on for a second.
ends_by_itself() {
    local i

    for ((i = 0; i < 200; i++)); do
        kill -0 "$1" 2>/dev/null || return 0
        read -r -t 0.005 <>clock
    done
    return 1
}

# The client's clock is right, or in a quarter of the cases wrong.
choose_clock() {
    local ms=$((RANDOM % 4 ? 0 : CRASH_CLOCKS[RANDOM % ${#CRASH_CLOCKS[@]}]))

    with clock || return 0
    set_clock $ms
    [ $ms -eq 0 ] || stepped=1
}

# One run, killed: at some moment from its start on, or from its first request on; every sixth at a
# crash point. Sets status, begun_ms and killed_ms.
run_and_kill() {
    local dice=$((RANDOM % 8)) point= pid

    : >begun
    begun_ms=$((${EPOCHREALTIME/./} / 1000))
    [ $((kills % 6)) -ne 5 ] || choose_point
    stepped=0
    choose_clock
    at_the_clock env ${point:+ROWFERRY_CRASH=$point} "$BIN/rowferry" "${CRASH_RUN[@]}" >out 2>&1 &
    pid=$!
    if [ -n "$point" ] && ends_by_itself $pid; then
        at_points=$((at_points + 1))
    else
        [ $dice -lt 2 ] || wait_for_a_request $pid
        [ $((RANDOM % 4)) -ne 0 ] || choose_clock
        [ -n "$point" ] || random_ms $MOMENT_MS
    fi
    killed_ms=$((${EPOCHREALTIME/./} / 1000))
    kill -9 $pid 2>/dev/null
    { wait $pid; status=$?; } 2>/dev/null
}

# Files enough that the next runs have something to send.
feed_when_low() {
    local left

    left=$(rows_left)
    while [ "$left" -lt $ROWS_LEFT_MIN ]; do
        feed $((100 + RANDOM % 200)) csv
        feed $((100 + RANDOM % 200)) ndjson
        left=$((left + 300))
    done
}

# One kill, and what it left. A run that ends by itself, because there is little to do or too much
# fails, is none.
one_kill() {
    local open unanswered before=$at_points

    feed_when_low
    run_and_kill
    case $status in
    137) ;;
    0 | 3 | 5)
        at_points=$before
        ended=$((ended + 1))
        return
        ;;
    *) fail "a run ended by itself with status $status: $(tail -n 3 out)" ;;
    esac
    kills=$((kills + 1))
    check kill.sql || fail 'after the kill'
    # what was in flight is found by comparing the times of both sides
    [ $stepped -eq 0 ] || return 0
    timed=$((timed + 1))
    read -r open unanswered < <(in_flight $begun_ms $killed_ms)
    held=$((held + open))
    [ "$open" -eq 0 ] || hits=$((hits + 1))
    [ "$unanswered" -eq 0 ] || hard_hits=$((hard_hits + 1))
}

# How each request that ended without an answer worth the name was settled: by the evidence of the
# next read-back of its record, or else by the answer to the next PUT.
tell_endings() {
    sqlite3 -batch witness.db "ATTACH 'file:copy.db' AS found" >>"$WORK/endings" "
        SELECT r.fault || '|' || coalesce((SELECT evidence FROM found.attempt a
                WHERE a.job_id = j.id AND a.method = 'GET' AND a.started_ms >= r.at_ms
                  AND a.evidence IS NOT NULL ORDER BY a.id LIMIT 1),
            CASE j.state WHEN 'applied' THEN 'the answer to the next PUT'
                         ELSE 'the answer to the next PUT: ' || j.state END)
        FROM request r JOIN found.job j ON j.correlation_id = r.correlation_id
        WHERE r.kind = 'put' AND r.fault IS NOT NULL AND r.record_id LIKE 'R-%';
        SELECT iif(EXISTS (SELECT 1 FROM request r JOIN found.job j
                USING (correlation_id) WHERE j.id = a.job_id AND r.kind = 'put' AND r.at_ms >= a.started_ms
                  AND r.at_ms < coalesce((SELECT min(b.started_ms) FROM found.attempt b
                      WHERE b.job_id = a.job_id AND b.id > a.id), r.at_ms + 1)),
                'killed in flight|', 'killed before the server saw it|') || coalesce((SELECT evidence FROM found.attempt b
                WHERE b.job_id = a.job_id AND b.method = 'GET' AND b.id > a.id
                  AND b.evidence IS NOT NULL ORDER BY b.id LIMIT 1), 'the answer to the next PUT')
        FROM found.attempt a JOIN found.job j ON j.id = a.job_id
        WHERE a.ended_ms IS NULL AND a.method = 'PUT' AND j.record_id LIKE 'R-%';"
}

one_round() {
    local until=$((kills + KILLS_A_ROUND))

    [ $until -le "$KILLS" ] || until=$KILLS
    rounds=$((rounds + 1))
    SEED=$((FIRST_SEED + rounds * 1000))
    LATENCY_MS=40 # so that there is nearly always something in flight
    world_begin "$WORK/round-$rounds" $SEED || fail 'the simulator does not start'
    [ $((rounds % 2)) -eq 1 ] || ! with known || world_knows
    { [ $((rounds % 3)) -ne 0 ] && [ -z "${KEEP:-}" ]; } || world_keeps
    rm -f clock
    mkfifo clock
    ! with heads || HEADS=1
    world_faults "${CRASH_FAULTS[@]}" && world_is_odd || fail 'the simulator does not take the faults'
    while [ $kills -lt $until ]; do
        [ $SECONDS -lt $deadline ] || fail "not done after $SECONDS s"
        one_kill
    done
    # 429s that come by chance, whatever the pace, slow a run down to a few requests a second
    world_change 'fault=429=0&fault=get:429=0' || fail 'the simulator does not go on without 429s'
    world_is_right || fail 'at the end of the round'
    tell_endings
    world_end
    cd "$WORK" && rm -rf "round-$rounds"
}

scenes() {
    local point passage files what folder=

    [ -n "$CRASH_POINTS" ] || fail 'this build has no crash points; the debug profile has'
    scenes_are_complete || fail 'tests/crash/points.bash is not complete'
    SEED=$FIRST_SEED
    LATENCY_MS=5 HEADS=0
    while read -r point passage files what; do
        [ -n "$point" ] || continue
        if [ -z "$folder" ] || [ "$what" = new ] || [ "$what" = pruned ] ||
            [ "$what" = notes ]; then
            world_end
            folder=$WORK/scene-$point
            world_begin "$folder" $SEED || fail 'the simulator does not start'
        fi
        play_scene "$point" "$passage" "$files" "$what" || fail "the scene of $point"
    done <<<"$CRASH_SCENES"
    world_end
    cd "$WORK" && rm -rf scene-*
    echo "crash: $(wc -w <<<"$CRASH_POINTS") crash points, each reached, killed at, and put right"
}

print_result() {
    echo "crash: $kills kills in $rounds rounds ($at_points at crash points), $SECONDS s; $ended runs ended by themselves"
    echo "crash: $hits of $timed kills at a right clock hit requests in flight ($held requests); at $hard_hits of them the server had not answered all yet"
    echo 'crash: requests without an answer to rely on, by what happened and what settled them:'
    sort "$WORK/endings" | uniq -c | sort -k2,2 -k1,1rn | sed 's/^/  /; s/|/: /'
}

kill_often() {
    deadline=$((SECONDS + 120 + KILLS * 3))
    [ -n "$CRASH_POINTS" ] || echo 'crash: this build has no crash points (the debug profile has): random moments alone'
    while [ $kills -lt "$KILLS" ]; do
        one_round
    done
    print_result
    [ $((hits * 2)) -ge $timed ] ||
        fail "only $hits of $timed kills hit requests in flight: it proves too little"
}

# A million random servers, in simulated time, next to the kills, which wait most of the time.
play_pace() {
    ROWFERRY_GOVERNOR_HISTORIES=1000000 nice timeout 3600 "$TOP/build/release/unit/governor_fuzz_test" \
        >"$WORK/pace.out" 2>&1 &
    pace=$!
}

end_pace() {
    [ -n "$pace" ] || return 0
    wait "$pace" || fail "the governor: $(tail -n 20 "$WORK/pace.out")"
    pace=
    echo 'crash: the governor uses a million random servers well'
}

finish() {
    [ -z "$pace" ] || kill "$pace" 2>/dev/null
    world_end
}

trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
rm -rf "$WORK"
mkdir -p "$WORK"
: >"$WORK/endings"
echo "crash: SEED=$FIRST_SEED, $BIN"
find_crash_points
[ "${1:-pace}" != pace ] || play_pace
[ "${1:-kills}" != kills ] || kill_often
[ "${1:-points}" != points ] || scenes
[ "${1:-listen}" != listen ] || listen_round $((KILLS / 5 + 1))
[ "${1:-echoes}" != echoes ] || echo_round $((KILLS / 10 + 1))
[ "${1:-locks}" != locks ] || lock_round $((KILLS / 10 + 1))
end_pace
