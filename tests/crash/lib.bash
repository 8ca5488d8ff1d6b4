# Parts of the crash test: a folder with an inbox, and a simulator whose ledger decides what is true.
# The caller sets BIN (the folder of the programs) and TOP (of the project).
#
# Checks look at a copy of the database only, so that the next run finds what the kill left, with a
# write-ahead log that nobody has read yet.

LATENCY_MS=10 STALL_MS=1500
DB=rowferry.db
CRASH_RUN=(run inbox --min-age 0 --rate none --concurrency 16 --timeout 1 --max-retries 2 --max-attempts 1000
    --audit-wait 2)

# Every way in which an answer can be lost, before and after the server did what was asked.
CRASH_FAULTS=(cut-before=0.015 cut-after=0.015 reset-reused-after=0.015 408-before=0.005
    500-before=0.005 500-after=0.01 502-before=0.005 502-after=0.01 503-before=0.005
    504-before=0.005 504-after=0.01 html-before=0.005 html-after=0.005 html-200-after=0.005
    truncate-after=0.015 stall-before=0.002 stall-after=0.002 late=0.005 401=0.002
    get:cut-before=0.02 get:500-before=0.02 get:truncate-after=0.01 get:stall-before=0.002
    token:cut-before=0.02 token:500-before=0.02)

# Ids, metadata and fields that a server drops or spoils, in records, answers and audit entries, each
# for itself; pages that do not lead on; coded bodies.
CRASH_DISTORTIONS=(put:no-id=0.1 put:blank-id=0.1 put:garbled-id=0.1 put:no-metadata=0.1
    put:null-fields=0.05 get:no-id=0.1 get:blank-id=0.1 get:garbled-id=0.1 get:upper-id=0.1
    get:no-metadata=0.05 get:no-fields=0.02 get:null-fields=0.02 get:text-fields=0.02
    get:array-fields=0.02 audit:no-id=0.2 audit:blank-id=0.1 audit:garbled-id=0.1 audit:no-user=0.1
    audit:other-user=0.1 audit:no-next=0.3 audit:repeated-page=0.1 audit:low-total=0.1
    put:gzip=0.05 put:deflate=0.05 get:gzip=0.05 get:broken-gzip=0.01 token:gzip=0.5)

# Milliseconds that the client's clock can be wrong by.
CRASH_CLOCKS=(-2592000000 -86400000 -3600000 -5000 5000 3600000 86400000 2592000000)

# with PART: whether the caller left this part of what can go wrong in, by WITHOUT='PART ...'
with() {
    [[ " ${WITHOUT:-} " != *" $1 "* ]]
}

# set_clock MS: how wrong the client's clock is from now on
set_clock() {
    echo "$1" >clock-offset
}

# The program by the client's clock; a sanitizer's library wants to be the first, and is not.
at_the_clock() {
    ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 CLOCK_STEP_FILE=$PWD/clock-offset \
        LD_PRELOAD=$BIN/clock_step.so exec "$@"
}

# world_begin FOLDER SEED [OPTION-OF-GENESYS-SIM...]: the working directory is in it afterwards
world_begin() {
    local seed=$2

    unset ROWFERRY_AUDIT # as in run_to_the_end
    mkdir -p "$1/inbox" && cd "$1" || return 1
    shift 2
    cp -r "$TOP/schema" schema
    : >asked
    : >ledger
    : >requests
    : >counted
    set_clock 0
    sqlite3 witness.db <"$TOP/tests/crash/witness.sql"
    rm -f ready
    mkfifo ready
    "$BIN/genesys-sim" --with-parent --max-seconds 1800 --ledger ledger --requests requests \
        --latency-ms "$LATENCY_MS" --stall-ms "$STALL_MS" --late-ms 200 --seed "$seed" \
        --answer BAD-=422 --answer NO403-=403 --answer NO301-=301 "$@" >ready 2>sim-errors 3>&- &
    SIM=$!
    read -r -t 20 _ _ URL <ready
    [[ ${URL:-} == http://127.0.0.1:* ]] || { cat sim-errors; return 1; }
    export GENESYS_ENVIRONMENT=$URL GENESYS_CLIENT_ID=sim-client GENESYS_CLIENT_SECRET=sim-secret
    FED=0
    SAME=0
}

# From now on, the schema file has `version: known`, and a tenth of the rows has nothing new.
world_knows() {
    SAME=10
    jq '."x-rowferry".version = "known"' "$TOP/schema/InventoryItem.json" >schema/InventoryItem.json
}

# From now on, the schema file has `keepBefore`, whatever else it has.
world_keeps() {
    jq '."x-rowferry".keepBefore = true' schema/InventoryItem.json >keeping && mv keeping schema/InventoryItem.json
}

world_end() {
    [ -z "${SIM:-}" ] || kill "$SIM" 2>/dev/null || true
    [ -z "${SIM:-}" ] || wait "$SIM" 2>/dev/null || true
    SIM=
}

# The faults of every kind from now on; without an argument: none.
world_faults() {
    local query='fault=none' fault

    for fault in "$@"; do
        query+="&fault=$fault"
    done
    world_change "$query"
}

# Everything else that a server can do, of the parts that are left in.
world_is_odd() {
    local query='retry-after=1' distortion

    # what is fetched three times within a lag is a conflict by right
    ! with lag || [ "$SAME" -gt 0 ] || query+='&read-lag-ms=300'
    ! with 429 || query+='&fault=429=0.002&fault=get:429=0.002'
    for distortion in "${CRASH_DISTORTIONS[@]}"; do
        ! with ids || query+="&distort=$distortion"
    done
    world_change "$query"
}

world_change() {
    curl -sf -X POST "$URL/sim/config?$1" >/dev/null || { echo "the simulator does not take $1"; return 1; }
}

# feed ROWS FORMAT [PERCENT-OF-REJECTS [torn]]: one file more in the inbox
feed() {
    local name

    FED=$((FED + 1))
    name=$(printf 'InventoryItem-%06d.%s' $FED "$2")
    : >asked.new
    awk -v rows="$1" -v format="$2" -v rejects="${3:-3}" -v torn="${4:+1}" -v file="$name" \
        -v heads="${HEADS:-0}" -v same="${SAME:-0}" -v asked=asked.new -v seed=$((SEED + FED)) -f "$TOP/tests/crash/feed.awk" asked
    cat asked.new >>asked
    if [ -n "${4:-}" ]; then
        gzip -c "$name" | head -c -20 >"inbox/$name.gz"
        rm "$name"
    else
        mv "$name" "inbox/$name"
    fi
}

# Rows that were asked for and are not yet in the ledger.
rows_left() {
    echo $(($(grep -c '	valid	' asked) - $(wc -l <ledger)))
}

copy_database() {
    rm -f copy.db*
    cp "$DB" copy.db && { [ ! -e "$DB-wal" ] || cp "$DB-wal" copy.db-wal; }
}

# Takes into witness.db what the simulator wrote since the last time.
witness_take_in() {
    local seen applied

    read -r seen applied < <(sqlite3 -separator ' ' witness.db 'SELECT (SELECT coalesce(max(seq), 0)
        FROM request), (SELECT coalesce(max(seq), 0) FROM ledger)')
    sqlite3 -batch witness.db <<SQL
.bail on
.mode ascii
.separator "\037" "\n"
.import "|tail -n +$((seen + 1)) requests" line
BEGIN;
INSERT INTO request SELECT text->>'seq', text->>'kind', text->>'id', text->>'version',
    text->>'correlation_id', text->>'status', text->>'fault', text->>'at_ms',
    text->>'rows' FROM line;
DELETE FROM line;
COMMIT;
.import "|tail -n +$((applied + 1)) ledger" line
BEGIN;
INSERT INTO ledger SELECT text->>'seq', text->>'id', text->>'version', text->>'submitted_version',
    text->>'correlation_id', text->'fields', CAST(substr(text, instr(text, '"S-') + 3) AS INTEGER)
FROM line;
DELETE FROM line;
DELETE FROM asked;
COMMIT;
.separator "\t" "\n"
.import asked asked
SQL
}

# check FILE.sql: 1 with the faults on stdout if there are any
check() {
    local faults

    if [ ! -e "$DB" ] || ! copy_database || [ "$(sqlite3 copy.db 'PRAGMA user_version')" -lt 14 ]; then
        [ -s requests ] || return 0
        echo 'requests left, and there is no table to record them in'
        return 1
    fi
    witness_take_in || { echo "what the simulator wrote cannot be read"; return 1; }
    faults=$(sqlite3 -batch witness.db "ATTACH 'file:copy.db' AS found" ".read $TOP/tests/crash/$1" \
        'PRAGMA found.integrity_check' 2>&1 | head -n 20)
    [ "$faults" = ok ] || { printf '%s\n' "${faults%ok}"; return 1; }
}

# Of the run that began at BEGUN_MS and was killed at KILLED_MS: how many requests were in flight,
# which is that the server saw them and their end is not on record; and how many of them the server
# had not answered yet, since it sits on each for LATENCY_MS.
in_flight() {
    [ "$(sqlite3 copy.db 'PRAGMA user_version' 2>/dev/null || echo 0)" -gt 0 ] || { echo '0 0'; return; }
    sqlite3 -separator ' ' witness.db "ATTACH 'file:copy.db' AS found" "
        SELECT (SELECT count(*) FROM found.attempt a JOIN found.job j ON j.id = a.job_id
                WHERE a.started_ms >= $1 AND a.ended_ms IS NULL AND EXISTS (SELECT 1 FROM request r
                    WHERE r.at_ms >= a.started_ms AND (r.kind, r.correlation_id) = ('put', j.correlation_id)
                      AND a.method = 'PUT'
                    UNION ALL SELECT 1 FROM request r
                    WHERE r.at_ms >= a.started_ms AND (r.kind, r.record_id) = ('get', j.record_id)
                      AND a.method = 'GET')),
               (SELECT count(*) FROM request WHERE kind IN ('put', 'get')
                AND at_ms BETWEEN $1 AND $2 AND at_ms + $LATENCY_MS > $2)"
}

# The same command again until nothing is left; 1 unless it ends 0 or 3 within 40 runs. Where rows are
# left that the server forbids or redirects, and of others none, or so few that faults met each of
# them, a run cannot know that it is not all rows (status 6 or 2), until a file with others comes.
run_to_the_end() {
    unset ROWFERRY_AUDIT # the audits are checked, too; tests/cli/lib.bash switches them off
    local i status

    set_clock 0
    for ((i = 0; i < 40; i++)); do
        (at_the_clock timeout -s KILL 300 "$BIN/rowferry" "${CRASH_RUN[@]}") >out 2>&1
        status=$?
        [ $status -ne 5 ] || continue
        if [[ $status == [26] ]] && [ "${HEADS:-0}" -gt 0 ] && few_others_are_left; then
            HEADS=0 feed 30 csv 0
            continue
        fi
        [ $status -ne 0 ] && [ $status -ne 3 ] || return 0
        break
    done
    echo "it ended with status $status after $((i + 1)) runs:"
    tail -n 5 out
    return 1
}

# Fewer than the program tries before it says so (TRIAL_JOBS).
few_others_are_left() {
    [ "$(sqlite3 "$DB" "SELECT count(*) FROM job WHERE state IN ('pending', 'sending', 'unknown')
        AND record_id NOT LIKE 'NO___-%'")" -lt 20 ]
}

# The inbox is empty, every file is where it belongs, and with it what a person needs.
files_are_filed() {
    local file name

    for file in inbox/* inbox/*/.rowferry.tmp; do
        [ -f "$file" ] || continue
        echo "not filed: $file"
        return 1
    done
    while IFS='|' read -r name rows; do
        [ "$rows" -eq "$(grep -c 'S-[0-9]' inbox/done/"$name".rejected.*)" ] || {
            echo "$name: $rows rows were rejected, and the file next to it has others"
            return 1
        }
    done < <(sqlite3 copy.db "SELECT replace(source, 'inbox/', ''), rows_rejected FROM batch
        WHERE state = 'done' AND rows_rejected > 0")
}

# Runs to the end and checks everything. 1 with the reasons on stdout.
world_is_right() {
    run_to_the_end && check kill.sql && check end.sql && files_are_filed
}
