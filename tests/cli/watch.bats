# Monitoring: the summary and the metrics as files, the command of --on-failure, the log, the bar.
load lib

# night: a run of 20 rows that are applied, one that is refused, one that is rejected: status 3
mixed_night() {
    batch_file inbox/InventoryItem-a.csv 20
    echo 'refused-1,1,WH-1042,1,1.50,active' >>inbox/InventoryItem-a.csv
    echo 'A-99,1,WH-1042,many,1.50,active' >>inbox/InventoryItem-a.csv
    touch -d '1 hour ago' inbox/InventoryItem-a.csv
}

# in_background COMMAND...: its output goes to the files out and err; sets WORKER
in_background() {
    "$@" >out 2>err 3>&- &
    WORKER=$!
}

# ends_in_background STATUS: WORKER ends with it
ends_in_background() {
    local status=0

    wait "$WORKER" || status=$?
    [ "$status" = "$1" ] && return
    echo "status $status instead of $1"
    cat out err
    return 1
}

has_begun() {
    [ -s "$1" ]
}

# --summary

@test "the summary file is the summary line of --json" {
    start_sim --answer refused=400
    mixed_night
    ends 3 rowferry run --rate none --json --summary summary.json
    same "$(printf '%s\n' "$output" | tail -n 1)" "$(cat summary.json)"
    same "3 20 1 1" "$(jq -r '"\(.exit_status) \(.applied) \(.refused) \(.rows_rejected)"' summary.json)"
    same 600 "$(stat -c %a summary.json)"
    same "summary.json" "$(ls | grep summary)"
}

@test "the summary file of the last run is replaced" {
    echo old >summary.json
    mkdir inbox
    ROWFERRY_SUMMARY=summary.json ends 0 rowferry run
    same "run 0" "$(jq -r '"\(.command) \(.exit_status)"' summary.json)"
}

@test "a summary is written although the command fails before its run begins" {
    ends 2 rowferry drain --summary summary.json
    same "drain null 2" "$(jq -r '"\(.command) \(.run) \(.exit_status)"' summary.json)"
    rm summary.json
    ends 2 rowferry run --summary summary.json --conc 4
    same "run null 2" "$(jq -r '"\(.command) \(.run) \(.exit_status)"' summary.json)"
    rm summary.json
    ROWFERRY_SUMMARY=summary.json ROWFERRY_CONCURRENCY=many ends 2 rowferry run
    same 2 "$(jq -r .exit_status summary.json)"
    rm summary.json
    ends 0 rowferry run --summary summary.json --help
    [ ! -e summary.json ]
}

@test "a run that is stopped writes its summary" {
    start_sim --latency-ms 50
    batch_file inbox/InventoryItem-a.csv 200
    in_background "$BIN/rowferry" run --rate none --summary summary.json
    eventually has_begun ledger
    kill -TERM "$WORKER"
    ends_in_background 143
    same "143 200" "$(jq -r '"\(.exit_status) \(.applied + .pending)"' summary.json)"
}

@test "a summary that cannot be written changes exit status 0 to 2, and no other" {
    mkdir inbox
    ends 2 rowferry run --json --summary none/summary.json
    holds "$stderr" "rowferry: error: cannot write none/summary.json: No such file or directory"
    same 2 "$(summary .exit_status)"
    start_sim --answer refused=400
    mixed_night
    ends 3 rowferry run --rate none --json --summary /dev/null
    holds "$stderr" "rowferry: error: cannot write /dev/null: it is not a regular file"
    same 3 "$(summary .exit_status)"
    [ -c /dev/null ]
}

@test "the files have the exit status of the command" {
    mkdir inbox
    ends 2 sh -c "'$BIN/rowferry' run --summary summary.json --metrics-file m.prom >/dev/full"
    same 2 "$(jq -r .exit_status summary.json)"
    same 2 "$(metric rowferry_last_exit_status)"
}

# --metrics-file

# metric NAME [LABEL]: its value in m.prom
metric() {
    awk -v name="$1" -v label="${2:-}" '
        index($0, name "{") == 1 && index($0, label) { print $NF }' m.prom
}

# Checks that m.prom has the exposition format: each family in one piece with HELP and TYPE before its
# samples, each sample once, buckets that grow up to the count.
well_formed() {
    awk '
        function wrong(what) { print FNR ": " what ": " $0; bad = 1 }
        /^# HELP / { if ($3 in helped) wrong("again"); helped[$3] = 1; family = $3; next }
        /^# TYPE / { if ($3 != family || $4 !~ /^(gauge|histogram)$/) wrong("type"); kind = $4; next }
        !/^rowferry_[a-z_]+\{([a-z]+="[^"\\]*",?)+\} -?[0-9.]+(e[+-]?[0-9]+)?$/ { wrong("sample"); next }
        {
            name = $1; sub(/\{.*/, "", name)
            if (kind == "histogram") sub(/_(bucket|sum|count)$/, "", name)
            if (name != family) wrong("outside its family")
            if ($1 in seen) wrong("twice")
            seen[$1] = 1
        }
        /_bucket\{/ { if ($NF < last) wrong("shrinks"); last = $NF }
        /_count\{/ { if ($NF != last) wrong("not the last bucket") }
        END { exit bad || !FNR }' "$1"
}

@test "the metrics file has the values of the database, in the format of Prometheus" {
    local state

    start_sim --answer refused=400 --rate-limit 10/s
    mixed_night
    ends 3 rowferry run --rate none --metrics-file m.prom
    well_formed m.prom
    same 644 "$(stat -c %a m.prom)"
    for state in pending sending unknown applied unchanged conflict refused failed dismissed cancelled; do
        same "$(sql "SELECT count(*) FROM job WHERE state = '$state'")" \
            "$(metric rowferry_jobs "state=\"$state\"")"
    done
    same 1 "$(metric rowferry_batches 'state="done"')"
    same "$(sql 'SELECT requests FROM run')" "$(metric rowferry_run_requests)"
    same "$(sql 'SELECT requests FROM run')" "$(metric rowferry_run_request_duration_seconds_count)"
    same "$(sql 'SELECT throttled FROM run')" "$(metric rowferry_run_throttled)"
    same 20 "$(metric rowferry_run_responses 'class="2xx"')"
    same "$(sql 'SELECT requests - 20 FROM run')" "$(metric rowferry_run_responses 'class="4xx"')"
    same "22 1" "$(metric rowferry_run_rows_read) $(metric rowferry_run_rows_rejected)"
    same "3 0 0" "$(metric rowferry_last_exit_status) $(metric rowferry_run_active) $(metric rowferry_parked_until_timestamp_seconds)"
    same "$(sql 'SELECT ended_ms FROM run')" \
        "$(metric rowferry_last_finish_timestamp_seconds | awk '{ printf "%.0f", 1000 * $1 }')"
    holds "$(cat m.prom)" "database=\"$(realpath rowferry.db)\",command=\"run\""
    if command -v promtool >/dev/null; then promtool check metrics <m.prom; fi
}

@test "the last success stays when the next run fails" {
    start_sim
    batch_file InventoryItem-a.csv 2
    ends 0 rowferry run --rate none --metrics-file m.prom InventoryItem-a.csv
    success=$(metric rowferry_last_success_timestamp_seconds)
    same "$(sql 'SELECT ended_ms FROM run')" "$(awk "BEGIN { printf \"%.0f\", 1000 * $success }")"
    stop_sim
    batch_file InventoryItem-b.csv 2 B
    ends 5 rowferry run --max-retries 0 --metrics-file m.prom InventoryItem-b.csv
    well_formed m.prom
    same "$success 5" "$(metric rowferry_last_success_timestamp_seconds) $(metric rowferry_last_exit_status)"
    # another command has no success yet
    ends 5 rowferry drain --max-retries 0 --metrics-file m.prom
    same "" "$(metric rowferry_last_success_timestamp_seconds)"
}

@test "without a database the metrics show the failure, and omit unknown values" {
    echo 'no database at all, but long enough to be looked at' >rowferry.db
    mkdir inbox
    ends 8 rowferry run --metrics-file m.prom
    well_formed m.prom
    same 8 "$(metric rowferry_last_exit_status)"
    lacks "$(cat m.prom)" rowferry_jobs
    lacks "$(cat m.prom)" rowferry_last_success
    holds "$(cat m.prom)" "database=\"$(realpath rowferry.db)\""
}

@test "files of two databases and two commands have no sample twice" {
    batch_file InventoryItem-a.csv 1
    ends 0 rowferry ingest --metrics-file a.prom InventoryItem-a.csv
    ends 2 rowferry drain --metrics-file b.prom
    ends 0 rowferry ingest --db other.db --metrics-file c.prom InventoryItem-a.csv
    same "" "$(cat ./*.prom | grep -v '^#' | sed 's/ [^ ]*$//' | sort | uniq -d)"
}

is_active() {
    [ "$(metric rowferry_run_active 2>/dev/null)" = 1 ]
}

@test "a run that works is marked as active, with the exit status of the last run" {
    start_sim --latency-ms 50
    mkdir inbox
    ends 0 rowferry run --metrics-file m.prom
    batch_file inbox/InventoryItem-a.csv 200
    in_background "$BIN/rowferry" run --rate none --metrics-file m.prom
    eventually is_active
    well_formed m.prom
    same 0 "$(metric rowferry_last_exit_status)"
    eventually has_begun ledger
    kill -TERM "$WORKER"
    ends_in_background 143
    same "0 143" "$(metric rowferry_run_active) $(metric rowferry_last_exit_status)"
}

@test "a metrics file that cannot be written is reported once, and changes exit status 0 to 2 at the end" {
    mkdir inbox
    ends 2 rowferry run --metrics-file none/m.prom
    same 2 "$(grep -c 'cannot write none/m.prom: No such file or directory' <<<"$stderr")"
    same 1 "$(grep -c 'error: cannot write' <<<"$stderr")"
}

# --on-failure

@test "the command of --on-failure gets the summary and the status, and its output goes to stderr" {
    start_sim --answer refused=400
    mixed_night
    ends 3 rowferry run --rate none --json --summary summary.json \
        --on-failure 'echo "status $ROWFERRY_EXIT_STATUS"; cat >got'
    same "$(cat summary.json)" "$(cat got)"
    holds "$stderr" "status 3"
    lacks "$output" "status 3"
}

@test "--on-failure does not run after a success" {
    mkdir inbox
    ends 0 rowferry run --on-failure 'touch called'
    [ ! -e called ]
}

@test "the command of --on-failure never changes the exit status" {
    ends 2 rowferry drain --on-failure 'exit 0'
    same 1 "$(printf '%s\n' "$stderr" | wc -l)"
    ends 2 rowferry drain --on-failure 'exit 9'
    holds "$stderr" "rowferry: the command of --on-failure ended with exit status 9"
    ends 2 rowferry drain --on-failure 'kill -KILL $$'
    holds "$stderr" "rowferry: the command of --on-failure was killed by signal 9"
    ends 2 rowferry drain --on-failure 'no-such-command-anywhere'
    holds "$stderr" "ended with exit status 127"
}

@test "--on-failure runs after a wrong command line" {
    ROWFERRY_ON_FAILURE='cat >got' ends 2 rowferry run --no-such-option
    same 2 "$(jq .exit_status got)"
    rm got
    echo 'ROWFERRY_RATE=fast' >.env
    ROWFERRY_ON_FAILURE='cat >got' ends 2 rowferry run
    same 2 "$(jq .exit_status got)"
    rm got
    ROWFERRY_ON_FAILURE='cat >got' ends 0 rowferry run --help
    [ ! -e got ]
}

@test "the environment of --on-failure has no secret and not itself" {
    export GENESYS_CLIENT_SECRET=hush-1 GENESYSCLOUD_OAUTHCLIENT_SECRET=hush-2 GENESYS_CLIENT_ID=me
    ROWFERRY_ON_FAILURE='env >got' ends 2 rowferry drain
    lacks "$(cat got)" hush
    lacks "$(cat got)" ROWFERRY_ON_FAILURE
    holds "$(cat got)" GENESYS_CLIENT_ID=me
    holds "$(cat got)" ROWFERRY_EXIT_STATUS=2
}

@test "the command of --on-failure runs after everything else: locks, files, descriptors" {
    start_sim --answer refused=400
    mixed_night
    ends 3 rowferry run --rate none --summary summary.json --metrics-file m.prom --on-failure \
        "ls -l /proc/self/fd >fds; test -s summary.json && test -s m.prom && '$BIN/rowferry' drain && touch fine"
    [ -e fine ]
    lacks "$(cat fds)" rowferry.db
    lacks "$(cat fds)" socket
}

@test "a command of --on-failure that hangs ends with rowferry" {
    in_background "$BIN/rowferry" drain --on-failure 'echo $$ >hook; exec sleep 100000'
    eventually has_begun hook
    kill -TERM "$WORKER"
    ends_in_background 2
    holds "$(cat err)" "rowferry: the command of --on-failure was ended by signal 15"
    ! kill -0 "$(cat hook)" 2>/dev/null
}

# --log-format

@test "a log in JSON has one object per line, with time, level, run and command" {
    start_sim --answer refused=400
    mixed_night
    ends 3 rowferry run --rate none --log-format json
    same "" "$(printf '%s\n' "$stderr" | jq -r 'select((.time | test("^[0-9]{4}-[0-9-]+T[0-9:]+[.][0-9]{3}Z$")
        | not) or (.level | IN("error", "notice", "debug") | not) or .command != "run" or (.message | length) == 0)')"
    same "null
1" "$(printf '%s\n' "$stderr" | jq -r .run | uniq)"
    same "began
file
batch
ended" "$(printf '%s\n' "$stderr" | jq -r '.event // empty')"
    same "1 22 1 loaded" "$(printf '%s\n' "$stderr" |
        jq -r 'select(.event == "file") | "\(.batch) \(.rows_read) \(.rows_rejected) \(.outcome)"')"
    same "1 done 20 1" "$(printf '%s\n' "$stderr" |
        jq -r 'select(.event == "batch") | "\(.batch) \(.state) \(.applied) \(.refused)"')"
    same "3 20" "$(printf '%s\n' "$stderr" |
        jq -r 'select(.event == "ended") | .summary | "\(.exit_status) \(.applied)"')"
}

@test "a log in text has one line per event, whatever the name of a file" {
    local name=$'InventoryItem-a\nb\033[31m.csv'

    batch_file "$name" 2
    ROWFERRY_LOG_FORMAT=text ends 0 rowferry ingest "$name"
    same "" "$(printf '%s\n' "$stderr" |
        grep -vE '^[0-9-]{10}T[0-9:.]{12}Z (error|notice|debug) (run=1 )?[^[:cntrl:]]+$')"
    holds "$stderr" 'run=1 InventoryItem-a\nb\x1b[31m.csv: loaded: 2 rows, 0 rejected, batch 1'
    ROWFERRY_LOG_FORMAT=json ends 0 rowferry ingest --db other.db "$name"
    same "$name" "$(printf '%s\n' "$stderr" | jq -r 'select(.event == "file") | .source + "x"' | sed '$s/x$//')"
}

@test "errors are logged with their kind, also those of the command line" {
    ends 2 rowferry drain --log-format json
    same "error config 2" "$(printf '%s\n' "$stderr" | head -n 1 | jq -r '"\(.level) \(.kind) \(.exit_status)"')"
    ends 2 rowferry drain --log-format=json --no-such-option
    same "unknown option '--no-such-option': see rowferry drain --help" \
        "$(printf '%s\n' "$stderr" | head -n 1 | jq -r .message)"
    ROWFERRY_LOG_FORMAT=json ends 2 rowferry run --rate fast
    same "error ended" "$(printf '%s\n' "$stderr" | jq -r '.event // .level' | paste -sd ' ')"
    ends 2 rowferry run --log-format xml
    holds "$stderr" "--log-format: 'xml' is not text or json"
}

@test "a wait that the API asks for is in the log with its end" {
    start_sim --rate-limit 2/h --retry-after 7200
    batch_file InventoryItem-a.csv 5
    ends 0 rowferry ingest InventoryItem-a.csv
    ends 5 rowferry drain --rate none --log-format json
    same "$(sql 'SELECT not_before_ms / 1000 FROM pause')" "$(printf '%s\n' "$stderr" |
        jq -r 'select(.event == "parked") | .until | sub("[.][0-9]+Z$"; "Z") | fromdate')"
    [ "$(printf '%s\n' "$stderr" | jq -r 'select(.event == "throttled") | .throttled')" -ge 1 ]
}

@test "a pause is in the log with its end and its reason" {
    start_sim
    batch_file InventoryItem-a.csv 1
    ends 0 rowferry ingest InventoryItem-a.csv
    until=$(($(date +%s) + 300))
    sql "INSERT INTO pause (scope, not_before_ms, reason, run_id) VALUES ('api', ${until}000, 'the API asked', 1)"
    ends 5 rowferry drain --max-time 1 --log-format json
    same "an earlier run was asked to wait" "$(printf '%s\n' "$stderr" | jq -r 'select(.event == "paused") | .reason')"
}

@test "with --json, stdout has its lines and the log has its events" {
    mkdir inbox
    ends 0 rowferry run --json --log-format json
    same "notice summary" "$(printf '%s\n' "$output" | jq -r .message_type | paste -sd ' ')"
    same "began ended" "$(printf '%s\n' "$stderr" | jq -r '.event // empty' | paste -sd ' ')"
}

@test "with --quiet the log has only errors" {
    mkdir inbox
    ends 0 rowferry run -q --log-format json
    same "" "$stderr"
}

@test "retry, resolve, cancel and validate can be logged, and refuse --summary" {
    local command

    batch_file InventoryItem-a.csv 1
    ends 0 rowferry validate --log-format json InventoryItem-a.csv
    ends 0 rowferry ingest InventoryItem-a.csv
    for command in 'retry 1' 'resolve --all --ours' 'cancel 1'; do
        ends 0 rowferry $command --yes --log-format json
        same 0 "$(printf '%s\n' "$stderr" | jq -s 'map(select(.level == "error")) | length')"
    done
    for command in validate retry resolve cancel; do
        ends 2 rowferry $command --summary summary.json
        holds "$stderr" "option '--summary' is not for \`$command\`"
    done
}

# The bar

# on_screen COLUMNS COMMAND...: the lines that a terminal of that width shows on stderr, rewritten ones
# included; the last is `end` if nothing is left on the line
on_screen() {
    TERM=xterm script -qec "stty cols $1 rows 24; $(printf '%q ' "${@:2}") 2>&1 >/dev/null; echo end" /dev/null |
        tr '\r' '\n' | sed $'s/\033\\[K//g'
}

wide_lines() {
    awk -v columns="$1" 'length($0) >= columns'
}

@test "a bar is shown on a terminal, exactly as wide as the terminal" {
    local columns screen

    needs_a_terminal
    start_sim --latency-ms 20 --rate-limit 40/s
    for columns in 80 40 24; do
        batch_file InventoryItem-a.csv 150 "R$columns"
        ends 0 rowferry ingest InventoryItem-a.csv
        screen=$(on_screen "$columns" "$BIN/rowferry" drain --rate none)
        same "" "$(printf '%s\n' "$screen" | wide_lines "$columns")"
        [ "$(printf '%s\n' "$screen" | grep -cE '^\[#*\.*\] +[0-9]+%')" -ge 3 ]
        [ "$columns" = 24 ] || holds "$screen" " of 150 jobs"
        [ "$columns" != 80 ] || holds "$screen" "throttled: "
        same end "$(printf '%s\n' "$screen" | grep -v '^$' | tail -n 1)"
    done
}

@test "the bar shows the pace of --rate and a pause" {
    needs_a_terminal
    start_sim
    batch_file InventoryItem-a.csv 25
    ends 0 rowferry ingest InventoryItem-a.csv
    sql "INSERT INTO pause (scope, not_before_ms, reason, run_id)
         VALUES ('api', $(($(date +%s%3N) + 2500)), 'the API asked', 1)"
    screen=$(on_screen 100 "$BIN/rowferry" drain --rate 5/s)
    holds "$screen" " s: an earlier run was asked to wait"
    screen=$(printf '%s\n' "$screen" | grep -v paused)
    holds "$screen" "/s as --rate"
}

@test "there is no bar on a dumb terminal, with a log or with JSON" {
    local words

    needs_a_terminal
    start_sim --latency-ms 20
    for words in 'env TERM=dumb @' '@ --log-format text' '@ --json' '@ --quiet'; do
        rm -f rowferry.db*
        batch_file InventoryItem-a.csv 100
        ends 0 rowferry ingest InventoryItem-a.csv
        screen=$(on_screen 80 ${words/@/"$BIN/rowferry" drain --rate none})
        lacks "$screen" "of 100 jobs"
        lacks "$screen" $'\033'
    done
}
