# The limits of the server and of the run: pace, pauses and maximum times.
load lib

# requests EXPRESSION: how many requests in the record of the server it is true for
requests() {
    jq -s "map(select($1)) | length" requests
}

@test "without --rate the limit of the server is found, with few requests refused" {
    start_sim --rate-limit 50/s --latency-ms 5
    batch_file InventoryItem-a.csv 300
    ends 0 rowferry ingest InventoryItem-a.csv
    ends 0 rowferry drain --rate none --json
    same 300 "$(summary .applied)"
    same "$(requests '.status == 429')" "$(summary .throttled)"
    # 8 in flight at the first 429, and a few later: not 8 in each of the seconds that this takes
    [ "$(summary .throttled)" -ge 1 ]
    [ "$(summary .throttled)" -le 24 ]
}

@test "a rate below the limit of the server is never refused" {
    start_sim --rate-limit 50/s
    batch_file InventoryItem-a.csv 120
    ends 0 rowferry ingest InventoryItem-a.csv
    ends 0 rowferry drain --rate 40/s --json
    same "120 0" "$(summary '"\(.applied) \(.throttled)"')"
}

@test "a 429 with a date or a message is obeyed as well" {
    local form

    for form in date message; do
        start_sim --rate-limit 20/s --retry-after $form
        batch_file InventoryItem-$form.csv 30 $form
        ends 0 rowferry ingest InventoryItem-$form.csv
        ends 0 rowferry drain --rate none --json
        same 30 "$(sql "SELECT count(*) FROM job WHERE state = 'applied' AND record_id LIKE '$form-%'")"
        [ "$(summary .throttled)" -le 24 ]
        stop_sim
    done
}

@test "a limit that falls midway is followed" {
    start_sim --rate-limit 100/s --latency-ms 5
    batch_file InventoryItem-a.csv 250
    ends 0 rowferry ingest InventoryItem-a.csv
    "$BIN/rowferry" drain --rate 100/s --json >out 2>&1 3>&- &
    eventually enough_applied 100
    curl -s -X POST "$GENESYS_ENVIRONMENT/sim/config?rate-limit=25/s" >/dev/null
    wait $!
    same 250 "$(tail -n 1 out | jq .applied)"
    [ "$(requests '.status == 429')" -ge 1 ]
    [ "$(requests '.status == 429')" -le 60 ]
}

enough_applied() {
    [ -e ledger ] && [ "$(wc -l <ledger)" -ge "$1" ]
}

@test "a pause stored by an earlier run is waited for, without a request before its end" {
    start_sim
    batch_file InventoryItem-a.csv 3
    ends 0 rowferry ingest InventoryItem-a.csv
    until=$(($(date +%s%3N) + 2000))
    sql "INSERT INTO pause (scope, not_before_ms, reason, run_id) VALUES ('api', $until, 'the API asked', 1)"
    ends 0 rowferry drain
    holds "$stderr" "s: the API asked"
    same 0 "$(requests ".at_ms < $until")"
    same 3 "$(requests '.kind == "put"')"
    # a pause that is over is removed by the next run that has something to send
    batch_file InventoryItem-b.csv 1 B
    ends 0 rowferry ingest InventoryItem-b.csv
    ends 0 rowferry drain
    same 0 "$(sql 'SELECT count(*) FROM pause')"
}

@test "a pause longer than --max-wait ends the run with 5, before any request" {
    start_sim
    batch_file InventoryItem-a.csv 3
    ends 0 rowferry ingest InventoryItem-a.csv
    sql "INSERT INTO pause (scope, not_before_ms, reason, run_id)
         VALUES ('api', $(($(date +%s%3N) + 7200000)), 'the API asked', 1)"
    ends 5 rowferry drain --json
    holds "$stderr" "longer than --max-wait 15m: the API asked"
    same "0 3 5" "$(summary '"\(.requests) \(.pending) \(.exit_status)"')"
    same 0 "$(requests true)"
}

@test "a stored pause has scope, time, reason and run" {
    start_sim --rate-limit 2/h --retry-after 7200
    batch_file InventoryItem-a.csv 5
    ends 0 rowferry ingest InventoryItem-a.csv
    ends 5 rowferry drain --rate none
    same "api|1|2" "$(sql "SELECT scope, not_before_ms > strftime('%s', 'now') * 1000 + 7100000, run_id FROM pause")"
    holds "$(sql 'SELECT reason FROM pause')" "the API answered 429, and asks to wait until 2"
    same "applied|2
pending|3" "$(sql 'SELECT state, count(*) FROM job GROUP BY state')"
}

@test "a service that fails every request ends the run with 5 before the attempts of every job are used up" {
    start_sim --answer =503
    batch_file InventoryItem-a.csv 300
    ends 0 rowferry ingest InventoryItem-a.csv
    ends 5 rowferry drain --rate none
    holds "$stderr" "the API answers, but too few requests succeed for their retries (last: "
    # 20 retries empty the budget; 8 are in flight
    [ "$(requests '.kind == "put"')" -ge 20 ]
    [ "$(requests '.kind == "put"')" -le 28 ]
    same "pending|300" "$(sql 'SELECT state, count(*) FROM job GROUP BY state')"
    same 1 "$(sql 'SELECT max(attempts) FROM job')"
}

@test "--max-time settles what is in flight, reports what is left, and ends 5" {
    start_sim --latency-ms 20
    batch_file inbox/InventoryItem-a.csv 400
    ends 5 rowferry run --min-age 0 --rate 20/s --max-time 3
    holds "$stderr" "stopped at --max-time; everything so far is kept"
    holds "$output" " requests left, about "
    holds "$output" "To resume, run the same command again:
  $BIN/rowferry run --min-age 0 --rate 20/s --max-time 3"
    same 0 "$(sql "SELECT count(*) FROM job WHERE state IN ('sending', 'unknown')")"
    [ "$(sql "SELECT count(*) FROM job WHERE state = 'applied'")" -ge 1 ]
    same "$(sql "SELECT count(*) FROM job WHERE state = 'applied'")" "$(wc -l <ledger)"
    ROWFERRY_MAX_TIME=5m ends 0 rowferry run --min-age 0 --rate none
    same "applied|400" "$(sql 'SELECT state, count(*) FROM job GROUP BY state')"
    same 400 "$(requests '.kind == "put"')"
}

@test "the forecast for what is left uses the pace learned from the API" {
    start_sim --rate-limit 100/s --latency-ms 5
    batch_file InventoryItem-a.csv 600
    ends 0 rowferry ingest InventoryItem-a.csv
    ends 5 rowferry drain --rate none --max-time 2
    [[ $output =~ [0-9]+\ requests\ left,\ about\ [0-9.]+\ s\ at\ [0-9]+\.[0-9]/s,\ as\ the\ API\ allows ]]
    curl -s -X POST "$GENESYS_ENVIRONMENT/sim/config?rate-limit=none" >/dev/null
    ends 5 rowferry drain --rate 5/s --max-time 1 --json
    same true "$(summary '(.seconds_left * 5 | round) == .requests_left')"
}

@test "--max-time also ends a wait for the API" {
    start_sim --rate-limit 2/h --retry-after 600
    batch_file InventoryItem-a.csv 5
    ends 0 rowferry ingest InventoryItem-a.csv
    ends 5 rowferry drain --rate none --max-time 2 --json
    holds "$stderr" "stopped at --max-time"
    same "2 3 5" "$(summary '"\(.applied) \(.pending) \(.exit_status)"')"
    same "$BIN/rowferry drain --rate none --max-time 2 --json" "$(summary .next)"
}

@test "--max-time ends an intake whose input is silent" {
    mkfifo silent
    exec 9<>silent
    echo record_id,version,sku >&9
    ends 5 rowferry ingest - --schema InventoryItem --format csv --max-time 1 <silent
    exec 9>&-
    holds "$stderr" "stopped at --max-time; everything so far is kept"
    same loading "$(sql 'SELECT state FROM batch')"
}

@test "--max-time is a duration of at least a second" {
    ends 2 rowferry drain --max-time 0
    holds "$stderr" "--max-time: '0' is not a time from 1s to "
    ends 2 rowferry validate --max-time 5 x.csv
    holds "$stderr" "option '--max-time' is not for \`validate\`: see rowferry validate --help"
}

@test "a Retry-After of more than a day counts as a day" {
    local wait

    for wait in 86401 2147483647; do
        rm -f rowferry.db*
        start_sim --rate-limit 2/h --retry-after "$wait"
        batch_file InventoryItem-a.csv 3
        ends 0 rowferry ingest InventoryItem-a.csv
        ends 5 rowferry drain --rate none
        same 1 "$(sql "SELECT not_before_ms BETWEEN (strftime('%s', 'now') + 86300) * 1000
            AND (strftime('%s', 'now') + 86401) * 1000 FROM pause")"
        stop_sim
    done
}

@test "--ignore-pause removes a stored pause, and sends at once" {
    start_sim
    batch_file InventoryItem-a.csv 3
    ends 0 rowferry ingest InventoryItem-a.csv
    sql "INSERT INTO pause (scope, not_before_ms, reason, run_id)
         VALUES ('api', $(($(date +%s%3N) + 7200000)), 'the API asked', 1)"
    ends 5 rowferry drain
    ends 0 rowferry drain --ignore-pause --json
    holds "$output$stderr" "is ignored: the API asked"
    same 3 "$(summary .applied)"
    same 0 "$(sql 'SELECT count(*) FROM pause')"
}

throttled() {
    [ "$(requests '.status == 429')" -ge 1 ]
}

@test "a pause ended by a signal is stored, and reported once with its end" {
    start_sim --rate-limit 2/h --retry-after 600
    batch_file InventoryItem-a.csv 5
    ends 0 rowferry ingest InventoryItem-a.csv
    "$BIN/rowferry" drain --rate none --json >out 2>&1 3>&- &
    eventually throttled
    sleep 1.5
    kill "$!"
    wait "$!" || true
    same 1 "$(grep notice out | grep -c 'waiting [0-9]* s: the API answered 429.* (until 20.*Z)')"
    same "1|1" "$(sql "SELECT not_before_ms > (strftime('%s', 'now') + 500) * 1000,
        not_before_ms - set_ms BETWEEN 500000 AND 600000 FROM pause")"
    before=$(requests true)
    ends 5 rowferry drain --max-wait 60s
    holds "$stderr" "the API answered 429, and asks to wait until 20"
    same "$before" "$(requests true)"
}

@test "a clock that was ahead for one run delays nothing" {
    needs_clock
    start_sim --answer =503
    batch_file InventoryItem-a.csv 20
    ends 0 rowferry ingest InventoryItem-a.csv
    ends 5 with_clock 2592000000 "$BIN/rowferry" drain --rate 5/s --max-time 1
    [ "$(sql "SELECT count(*) FROM job WHERE not_before_ms > (strftime('%s', 'now') + 2500000) * 1000")" -ge 1 ]
    ends 0 rowferry doctor
    holds "$output" "1 run begins in the future, the last at"
    holds "$output" "jobs are put off until a time in the future"
    stop_sim
    start_sim
    ends 0 rowferry drain --rate none
    holds "$stderr" "the clock was ahead when an earlier run stored times"
    same "applied|20" "$(sql 'SELECT state, count(*) FROM job GROUP BY state')"
}

@test "a pause set by a clock that was ahead keeps its intended length" {
    needs_clock
    start_sim --rate-limit 2/h --retry-after 3600
    batch_file InventoryItem-a.csv 5
    ends 0 rowferry ingest InventoryItem-a.csv
    ends 5 with_clock 2592000000 "$BIN/rowferry" drain --rate none
    ends 0 rowferry doctor
    holds "$output" "the stored pause ends 30d 0h too late"
    ends 5 rowferry drain
    holds "$stderr" "the clock was ahead when a pause was stored: it ends at 20"
    local end
    end=$(sql "SELECT strftime('%Y-%m-%dT%H:%M', not_before_ms / 1000, 'unixepoch') FROM pause")
    holds "$stderr" "the API answered 429, and asks to wait until $end"
    holds "$(sql 'SELECT reason FROM pause')" "asks to wait until $end"
    same 1 "$(sql "SELECT not_before_ms <= (strftime('%s', 'now') + 3601) * 1000 FROM pause")"
}
