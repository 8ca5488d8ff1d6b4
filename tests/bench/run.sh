#!/bin/bash
# `make bench`: each of our figures next to its reference, measured in turns, medians of several runs.
# tests/bench/README.md says what the references leave out. Markdown goes to standard output, and both
# build/bench/results.md and build/bench/results.json keep the last figures.
#
#   BENCH_RUNS=5             runs of each
#   BENCH_ROWS=1000000       rows of the file for ingest and validate
#   BENCH_JOBS=100000        jobs of the drain, and rows of the bulk requests
#   BENCH_ORDERS='sequential shuffled'    record ids of the file
#   BENCH_NIGHT=100000       rows of the night, of which 5% changed
#   BENCH_SECONDS=10         of load on the listener, in each run
#   BENCH_ONLY='ingest ...'  which figures (FIGURES below has all)
#   BENCH_KEEP=1             leaves the databases in build/bench/work.*
set -u
cd "$(dirname "$0")/../.." || exit 2
PATH=$PATH:/usr/sbin
FIGURES='ingest ndjson validate settings drain tls http2 curl parallel latency backlog start known prune backup memory listen night bulk'
runs=${BENCH_RUNS:-5} rows=${BENCH_ROWS:-1000000} jobs=${BENCH_JOBS:-100000}
orders=${BENCH_ORDERS:-sequential shuffled} only=${BENCH_ONLY:-$FIGURES}
bin=$PWD/build/release
dir=$PWD/build/bench
work=
nginx=
server=
simulator=
export LC_ALL=C

for name in $(compgen -e | grep -E '^(ROWFERRY|GENESYS|GENESYSCLOUD)_'); do
    unset "$name"
done

die() {
    echo "bench: $*" >&2
    exit 1
}

finish() {
    if [ -n "$nginx" ]; then
        kill "$nginx" 2>/dev/null
        wait "$nginx" 2>/dev/null
    fi
    [ -z "$simulator" ] || kill "$simulator" 2>/dev/null
    [ -z "$server" ] || kill -9 "$server" 2>/dev/null
    [ -n "${BENCH_KEEP:-}" ] || [ -z "$work" ] || rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM
mkdir -p "$dir"
work=$(mktemp -d "$dir/work.XXXXXX") || exit 1

# rows_file ORDER COUNT [FORMAT]: prints the name of the file, which is made once
rows_file() {
    local format=${3:-csv} file shuffled=0
    file=$dir/InventoryItem-$1-$2.$format
    [ "$1" = shuffled ] && shuffled=1
    if [ ! -s "$file" ] || [ tests/bench/rows.awk -nt "$file" ]; then
        awk -v count="$2" -v shuffled=$shuffled -v format="$format" -f tests/bench/rows.awk </dev/null \
            >"$file.$$" && mv "$file.$$" "$file" || die "no room for $file"
    fi
    cat "$file" >/dev/null
    echo "$file"
}

# measure NAME COMMAND...: one run, whose figures are added to NAME. Its output is shown only if it
# fails.
measure() {
    sync
    measure_now "$@"
}

# The same while others write, who would wait for the sync.
measure_now() {
    local name=$1
    shift
    if ! "$bin/measure" "$work/one" timeout 600 "$@" >"$work/output" 2>&1; then
        cat "$work/output" >&2
        die "failed: $*"
    fi
    cat "$work/one" >>"$work/$name"
}

# median NAME FIELD: of the runs so far; fields: 1 seconds, 2 processor seconds, 3 KiB
median() {
    cut -d' ' -f"$2" "$work/$1" | sort -n | awk '{ line[NR] = $0 } END { print line[int((NR + 1) / 2)] }'
}

# title TEXT: begins the table of a figure
title() {
    figure_title=$1
    printf '\n### %s\n\n| | per s | wall s | processor s | MiB |\n|---|---:|---:|---:|---:|\n' "$1"
}

# line NAME COUNT TITLE
line() {
    local wall cpu kib
    wall=$(median "$1" 1) cpu=$(median "$1" 2) kib=$(median "$1" 3)
    awk -v n="$2" -v t="$3" -v w="$wall" -v c="$cpu" -v k="$kib" \
        'BEGIN { printf "| %s | %.0f | %.2f | %.2f | %.1f |\n", t, n / w, w, c, k / 1024 }'
    jq -cn --arg figure "$figure_title" --arg what "$3" --argjson count "$2" --argjson wall_s "$wall" \
        --argjson processor_s "$cpu" --argjson peak_kib "$kib" '$ARGS.named' >>"$json"
}

# ratio OURS REFERENCE [COUNTS] [TARGETS]: how much faster we are, per row if the COUNTS ('OURS REFERENCE')
# differ. TARGETS: text
ratio() {
    local wall cpu ours reference
    read -r ours reference <<<"${3:-1 1}"
    wall=$(awk -v o="$(median "$1" 1)" -v r="$(median "$2" 1)" -v n="$ours" -v m="$reference" 'BEGIN { print r * n / (o * m) }')
    cpu=$(awk -v o="$(median "$1" 2)" -v r="$(median "$2" 2)" -v n="$ours" -v m="$reference" 'BEGIN { print r * n / (o * m) }')
    printf '| ratio%s | | %.2fx | %.2fx | |\n' "${4:+ (target: $4)}" "$wall" "$cpu"
    jq -cn --arg figure "$figure_title" --argjson wall_ratio "$wall" --argjson processor_ratio "$cpu" \
        --arg target "${4:-}" '$ARGS.named' >>"$json"
}

# single TITLE NUMBER UNIT [TARGET]: a figure that is one number, in a row of the table
single() {
    printf '| %s%s | | %s %s | | |\n' "$1" "${4:+ (target: $4)}" "$2" "$3"
    jq -cn --arg figure "$figure_title" --arg what "$1" --argjson value "$2" --arg unit "$3" \
        --arg target "${4:-}" '$ARGS.named' >>"$json"
}

# expect NUMBER DATABASE SQL: a figure counts only if the work was done
expect() {
    local found
    found=$(sqlite3 "$2" "$3" 2>&1)
    [ "$found" = "$1" ] || die "$1 expected, but $3 says $found"
}

ours_ingest() {
    rm -f "$work"/r.db*
    measure "$1" "$bin/rowferry" ingest -q --db "$work/r.db" --schemas schema "$2"
}

sqlite_import() {
    rm -f "$work"/s.db*
    measure "$1" sqlite3 "$work/s.db" 'PRAGMA journal_mode=WAL' \
        'CREATE TABLE item(record_id, version, sku, quantity, price, status, warehouseLocation)' \
        ".import --csv --skip 1 $2 item"
}

bench_ingest() {
    local order file i
    for order in $orders; do
        file=$(rows_file "$order" "$rows") || exit 1
        for ((i = 0; i < runs; i++)); do
            ours_ingest "ingest-$order" "$file"
            sqlite_import "import-$order" "$file"
        done
        expect "$rows" "$work/r.db" 'SELECT sum(pending) FROM batch_summary'
        expect "$rows" "$work/s.db" 'SELECT count(*) FROM item'
        title "ingest of $rows CSV rows, record ids $order"
        line "ingest-$order" "$rows" 'rowferry ingest'
        line "import-$order" "$rows" 'sqlite3 .import'
        ratio "ingest-$order" "import-$order" '' '1.3x, processor 1.0x'
    done
    rm -f "$work"/[rs].db*
}

# NDJSON next to json_extract over the same lines: each line is one cell, then the columns are taken out.
bench_ndjson() {
    local file i
    file=$(rows_file sequential "$rows" ndjson) || exit 1
    for ((i = 0; i < runs; i++)); do
        ours_ingest ndjson "$file"
        rm -f "$work"/s.db*
        measure extract sqlite3 "$work/s.db" 'PRAGMA journal_mode=WAL' \
            'CREATE TABLE item(record_id, version, sku, quantity, price, status, warehouseLocation)' \
            'CREATE TEMP TABLE line(text)' '.mode ascii' '.separator "\001" "\n"' ".import $file line" \
            "INSERT INTO item SELECT text ->> '\$.recordId', text ->> '\$.version', text ->> '\$.fields.sku',
             text ->> '\$.fields.quantity', text ->> '\$.fields.price', text ->> '\$.fields.status',
             text ->> '\$.fields.warehouseLocation' FROM line"
    done
    expect "$rows" "$work/r.db" 'SELECT sum(pending) FROM batch_summary'
    expect "$rows" "$work/s.db" 'SELECT count(sku) FROM item'
    title "ingest of $rows NDJSON rows"
    line ndjson "$rows" 'rowferry ingest'
    line extract "$rows" 'sqlite3 json_extract'
    ratio ndjson extract '' 'processor 1.5x'
    rm -f "$work"/[rs].db*
}

bench_validate() {
    local file i
    file=$(rows_file sequential "$rows") || exit 1
    for ((i = 0; i < runs; i++)); do
        measure validate "$bin/rowferry" validate -q --schemas schema "$file"
        measure mlr mlr --icsv --ojson cat "$file"
    done
    title "validate of $rows CSV rows"
    line validate "$rows" 'rowferry validate'
    line mlr "$rows" 'mlr --icsv --ojson cat'
    ratio validate mlr '' 'processor 8x'
}

# The same rows as a German export writes them, and every setting that reads it. `quote` excludes others.
bench_settings() {
    local i plain file folder=$work/settings
    plain=$(rows_file sequential "$rows") || exit 1
    file=$(rows_file sequential "$rows" declared) || exit 1
    mkdir -p "$folder"
    cp "$file" "$work/InventoryItem.csv"
    jq '."x-rowferry" += {trim: true, recordId: {pattern: "^[0-9a-f-]+$"},
        csv: {delimiter: ";", encoding: "ISO-8859-15", skipLines: 1, comment: "#", footer: "^[*]+END", absent: ["N/A"],
              quotedEmpty: "absent", shortRows: "absent", longRows: "empty", maxFieldBytes: 1000, maxFieldLines: 2},
        columns: {Artikel: "record_id", Fassung: "version", Menge: "quantity", Preis: "price",
                  Lagerort: "warehouseLocation", Bemerkung: null},
        formats: {price: {decimal: ",", thousands: ".", sign: "trailing", unit: "EUR"},
                  quantity: {padding: "0"}, status: {absent: ["none"]}}}' \
        schema/InventoryItem.json >"$folder/InventoryItem.json"
    for ((i = 0; i < runs; i++)); do
        measure declared "$bin/rowferry" validate -q --schemas "$folder" "$work/InventoryItem.csv"
        measure plain "$bin/rowferry" validate -q --schemas schema "$plain"
    done
    title "validate of $rows CSV rows, every setting declared"
    line declared "$rows" 'every setting'
    line plain "$rows" 'no setting'
    ratio declared plain '' 'processor 0.63x, which is 1.6x the time'
}

# A process of its own in a folder of its own, which listens on port, port + 1 (TLS) and port + 2 (TLS
# with HTTP/2). If a port is in use, nginx says so, and another one is tried.
start_nginx() {
    local try
    [ -z "$nginx" ] || return 0
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/key.pem" \
        -out "$work/cert.pem" -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
        >"$work/openssl.out" 2>&1 || die "$(cat "$work/openssl.out")"
    for try in 1 2 3 4 5 6 7 8; do
        port=$((20000 + RANDOM % 40000))
        sed -e "s|@DIR@|$work|g" -e "s|@PORT@|$port|" -e "s|@TLS@|$((port + 1))|" \
            -e "s|@HTTP2@|$((port + 2))|" tests/bench/nginx.conf >"$work/nginx.conf"
        nginx -p "$work" -c "$work/nginx.conf" -e "$work/error.log" >"$work/nginx.out" 2>&1 &
        nginx=$!
        for ((i = 0; i < 100; i++)); do
            kill -0 "$nginx" 2>/dev/null || break
            curl -s -o "$work/answer" --noproxy '*' "http://127.0.0.1:$port/oauth/token" &&
                grep -q bench-token "$work/answer" && return
            sleep 0.1
        done
        kill "$nginx" 2>/dev/null
        wait "$nginx" 2>/dev/null
        nginx=
    done
    cat "$work/error.log" >&2
    die "nginx does not start"
}

# fill NAME COUNT [SCHEMAS]: makes a database of that many pending jobs
fill() {
    local file
    file=$(rows_file sequential "$2") || exit 1
    rm -f "$work/$1.db"*
    "$bin/rowferry" ingest -q --db "$work/$1.db" --schemas "${3:-schema}" "$file" 2>"$work/said" ||
        die "ingest failed: $(cat "$work/said")"
    sqlite3 "$work/$1.db" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
}

# ours_drain NAME DATABASE URL [SCHEMAS CONCURRENCY]: drains a copy of the database
ours_drain() {
    rm -f "$work"/d.db*
    cp "$work/$2.db" "$work/d.db"
    measure "$1" env GENESYS_CLIENT_ID=sim-client GENESYS_CLIENT_SECRET=sim-secret \
        ROWFERRY_CA_FILE="$work/cert.pem" \
        "$bin/rowferry" drain -q --db "$work/d.db" --schemas "${4:-schema}" --environment "$3" \
        --concurrency "${5:-64}" --rate none --audit none
}

# drain_pairs NAME URL TITLE TARGET
drain_pairs() {
    local i
    start_nginx
    [ -e "$work/full.db" ] || fill full "$jobs"
    for ((i = 0; i < runs; i++)); do
        ours_drain "$1" full "$2"
        measure "limit-$1" env CA_FILE="$work/cert.pem" "$bin/limit_drain" "$2" "$jobs" 64
    done
    expect "$jobs" "$work/d.db" 'SELECT sum(applied) FROM batch_summary'
    title "drain of $jobs jobs, concurrency 64, nginx on loopback$3"
    line "$1" "$jobs" 'rowferry drain'
    line "limit-$1" "$jobs" 'bare curl_multi loop'
    ratio "$1" "limit-$1" '' "$4"
}

bench_drain() {
    start_nginx
    drain_pairs drain "http://127.0.0.1:$port" '' '0.9x, processor 0.85x'
}

bench_tls() {
    start_nginx
    drain_pairs tls "https://127.0.0.1:$((port + 1))" ', TLS' 'processor 0.8x'
}

bench_http2() {
    start_nginx
    drain_pairs http2 "https://127.0.0.1:$((port + 2))" ', HTTP/2' 'processor 0.8x'
}

# updates COUNT FORMAT: what the jobs of a file send, as a configuration file of curl or as one URL and
# body a line
updates() {
    awk -v count="$1" -v format="$2" -v base="http://127.0.0.1:$port" -f tests/bench/rows.awk </dev/null
}

# The command line's own parallel mode, which keeps no state.
bench_curl() {
    local i count=$((jobs / 5))
    start_nginx
    [ -e "$work/full.db" ] || fill full "$jobs"
    updates "$count" curl >"$work/curl.conf"
    for ((i = 0; i < runs; i++)); do
        ours_drain curl-ours full "http://127.0.0.1:$port"
        measure curl-theirs curl --parallel --parallel-max 64 --noproxy '*' -s -K "$work/curl.conf" -o "$work/curl.out"
    done
    title "drain, concurrency 64, next to curl --parallel"
    line curl-ours "$jobs" 'rowferry drain'
    line curl-theirs "$count" 'curl --parallel'
    ratio curl-ours curl-theirs "$jobs $count" '1.5x'
}

# What people write first: a process for each job.
bench_parallel() {
    local i count=${BENCH_PARALLEL:-2000}
    start_nginx
    fill lines $count
    updates $count lines >"$work/lines"
    for ((i = 0; i < runs; i++)); do
        ours_drain parallel-ours lines "http://127.0.0.1:$port"
        rm -f "$work/joblog"
        measure parallel-theirs sh -c "parallel -q --will-cite --joblog '$work/joblog' -j64 --colsep '\t' \
            curl -s -X PUT -H \"Content-Type: application/json\" -o /dev/null -d {2} {1} <'$work/lines'"
    done
    expect $count "$work/d.db" 'SELECT sum(applied) FROM batch_summary'
    title "$count jobs next to GNU parallel and curl"
    line parallel-ours $count 'rowferry drain'
    line parallel-theirs $count 'parallel --joblog -j64 curl'
    ratio parallel-ours parallel-theirs '' '50x'
}

# 64 requests in flight that take 100 ms each are at most 640 a second.
bench_latency() {
    local url i count=12800
    fill slow $count
    for ((i = 0; i < runs; i++)); do
        rm -f "$work/ready"
        mkfifo "$work/ready"
        # a new one each time, on which no record has been updated yet
        "$bin/genesys-sim" --with-parent --max-seconds 600 --latency-ms 100 >"$work/ready" &
        simulator=$!
        read -r _ _ url <"$work/ready"
        ours_drain latency slow "$url"
        kill "$simulator"
        simulator=
    done
    expect $count "$work/d.db" 'SELECT sum(applied) FROM batch_summary'
    title "drain of $count jobs, concurrency 64, a server that takes 100 ms"
    line latency $count 'rowferry drain'
    single 'share of 640 a second' "$(awk -v n=$count -v s="$(median latency 1)" 'BEGIN { printf "%.2f", n / s / 640 }')" ''
}

# Whether a job costs more if many wait.
bench_backlog() {
    local i
    start_nginx
    fill few 10000
    fill many 1000000
    for ((i = 0; i < runs; i++)); do
        ours_drain few few "http://127.0.0.1:$port"
        ours_drain many many "http://127.0.0.1:$port"
    done
    expect 1000000 "$work/d.db" 'SELECT sum(applied) FROM batch_summary'
    title "drain of all jobs, concurrency 64, nginx on loopback"
    line few 10000 '10000 pending'
    line many 1000000 '1000000 pending'
    single 'time per job, of that with 10000' \
        "$(awk -v f="$(median few 1)" -v m="$(median many 1)" 'BEGIN { printf "%.2f", m / f / 100 }')" x
    single 'peak memory' "$(awk -v k="$(median many 3)" 'BEGIN { printf "%.1f", k / 1024 }')" MiB '32 MiB'
}

# first_request DATABASE: how many ms after the start of the process the first attempt begins
first_request() {
    local began
    rm -f "$work"/d.db*
    cp "$work/$1.db" "$work/d.db"
    cat "$work/d.db" >/dev/null
    began=$(date +%s%3N)
    GENESYS_CLIENT_ID=sim-client GENESYS_CLIENT_SECRET=sim-secret timeout -s TERM 60 "$bin/rowferry" drain -q \
        --db "$work/d.db" --environment "http://127.0.0.1:$port" --rate 10/s --max-time 1 --audit none >"$work/output" 2>&1
    sqlite3 "$work/d.db" "SELECT min(started_ms) - $began FROM attempt" >>"$work/first-$1"
}

# From the start of a drain to its first request, with few jobs and with 5 million in 3001 open batches.
bench_start() {
    local i file folder=$work/start
    start_nginx
    fill few 10000
    fill deep 5000000
    mkdir -p "$folder"
    for ((i = 0; i < 3000; i++)); do
        printf 'record_id,version,sku,quantity,price,status,warehouseLocation\nextra-%d,1,WH-0001,1,1.00,active,A-01-01\n' \
            $i >"$folder/InventoryItem-$i.csv"
    done
    "$bin/rowferry" ingest -q --db "$work/deep.db" --schemas schema "$folder"/*.csv || die 'ingest failed'
    sqlite3 "$work/deep.db" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
    for ((i = 0; i < runs; i++)); do
        first_request few
        first_request deep
    done
    title 'from the start of a drain to its first request'
    single '10000 pending' "$(median first-few 1)" ms
    single '5003000 pending in 3001 batches' "$(median first-deep 1)" ms "+100 ms"
    rm -rf "$work"/deep.db* "$folder"
}

# Files that are known: a rerun reads each once for its hash. A schema each, because a file is known as
# long as no other one of its schema came after it.
bench_known() {
    local i folder=$work/inbox
    mkdir -p "$folder/schema"
    for ((i = 0; i < 100; i++)); do
        cp schema/InventoryItem.json "$folder/schema/Item$i.json"
        awk -v count=10000 -v first=$((i * 10000)) -f tests/bench/rows.awk </dev/null >"$folder/Item$i.csv"
    done
    "$bin/rowferry" ingest -q --db "$work/k.db" --schemas "$folder/schema" "$folder"/*.csv || die 'ingest failed'
    for ((i = 0; i < runs; i++)); do
        measure known "$bin/rowferry" ingest -q --db "$work/k.db" --schemas "$folder/schema" "$folder"/*.csv
        measure cksum cksum "$folder"/*.csv
    done
    expect 100 "$work/k.db" 'SELECT count(*) FROM batch'
    title 'a rerun over 100 known files'
    line known 1000000 'rowferry ingest'
    line cksum 1000000 'cksum'
    ratio known cksum '' '2x the time'
    rm -rf "$work"/k.db* "$folder"
}

# Once, because it takes minutes.
bench_memory() {
    local file
    file=$(rows_file sequential 10000000) || exit 1
    ours_ingest memory "$file"
    expect 10000000 "$work/r.db" 'SELECT sum(pending) FROM batch_summary'
    title 'ingest of 10000000 rows'
    line memory 10000000 'rowferry ingest'
    single 'peak memory' "$(awk -v k="$(median memory 3)" 'BEGIN { printf "%.1f", k / 1024 }')" MiB '48 MiB'
    rm -f "$work"/r.db* "$file"
}

# How long a drain waits for a prune of BENCH_ROWS jobs at the same time, and how much of the file is
# free afterwards. It runs once, because it takes minutes.
bench_prune() {
    local file drain db=$work/p.db
    start_nginx
    export GENESYS_CLIENT_ID=sim-client GENESYS_CLIENT_SECRET=sim-secret
    fill p "$rows"
    "$bin/rowferry" drain -q --db "$db" --environment "http://127.0.0.1:$port" --concurrency 64 \
        --rate none --audit none || die 'the drain before failed'
    file=$(rows_file shuffled "$rows") || exit 1
    "$bin/rowferry" ingest -q --db "$db" --schemas schema "$file" || die 'ingest failed'
    BEGIN_WAITS=$work/waits LD_PRELOAD=$bin/begin_waits.so "$bin/rowferry" drain -q --db "$db" \
        --environment "http://127.0.0.1:$port" --rate 1000/s --audit none >"$work/drained" 2>&1 &
    drain=$!
    rm -f "$work/prune"
    measure prune "$bin/rowferry" prune -q --db "$db" --older-than 0s --yes
    kill -0 $drain || die 'the drain ended before the prune did'
    kill $drain
    wait $drain
    unset GENESYS_CLIENT_ID GENESYS_CLIENT_SECRET
    expect "$rows" "$db" 'SELECT sum(applied) FROM batch_summary WHERE pruned IS NOT NULL'
    title "prune of $rows jobs during a drain of 1000/s"
    line prune "$rows" 'rowferry prune'
    single 'the drain waited at most' "$(cut -d' ' -f1 "$work/waits")" ms
    single '99.9% of its waits are below' "$(cut -d' ' -f2 "$work/waits")" ms
    single 'free in the file' "$(sqlite3 "$db" \
        'SELECT round(100.0 * freelist_count / page_count, 1) FROM pragma_freelist_count, pragma_page_count')" %
    rm -f "$work"/p.db*
}

# drained NAME COMMAND...: a drain of 1000/s of the database b.db next to the command; what it waited
# for is added to NAME
drained() {
    local name=$1 drain
    shift
    sync
    GENESYS_CLIENT_ID=sim-client GENESYS_CLIENT_SECRET=sim-secret BEGIN_WAITS=$work/waits \
        LD_PRELOAD=$bin/begin_waits.so "$bin/rowferry" drain -q --db "$work/b.db" \
        --environment "http://127.0.0.1:$port" --rate 1000/s --audit none >"$work/drained" 2>&1 &
    drain=$!
    sleep 1
    "$@"
    kill -0 $drain || die 'the drain ended before the backup did'
    kill $drain
    wait $drain
    cat "$work/waits" >>"$work/$name"
}

# highest NAME FIELD
highest() {
    cut -d' ' -f"$2" "$work/$1" | sort -n | tail -n 1
}

# How long the transactions of a drain take next to a backup of 1.5 GB, and without it for as long.
bench_backup() {
    local i name rounds=$((runs < 3 ? runs : 3)) db=$work/b.db
    start_nginx
    fill b $((rounds * 50000))
    sqlite3 "$db" 'PRAGMA journal_mode=OFF' 'PRAGMA synchronous=OFF' \
        "INSERT INTO known SELECT 'Other', 'R-' || value, 1, '{\"text\":\"' || hex(zeroblob(450)) || '\"}', 1, 1, 'get'
         FROM generate_series(1, 1400000)" 'PRAGMA journal_mode=WAL' >"$work/output" || die 'the database was not filled'
    # all but the first replace the one before
    for ((i = 0; i < rounds; i++)); do
        drained copied measure_now copying "$bin/rowferry" backup -q --db "$db" "$work/copy.db"
        drained alone sleep "$(median copying 1)"
    done
    title "a drain of 1000/s next to a backup of $(($(stat -c %s "$db") / 1000000)) MB"
    line copying "$(($(stat -c %s "$db") / 1000000))" 'rowferry backup, MB'
    for name in copied alone; do
        single "BEGIN $name, longest" "$(highest $name 1)" ms '50 ms'
        single "BEGIN $name, 99.9% are below" "$(highest $name 2)" ms
        single "COMMIT $name, longest of $(awk '{ n += $6 } END { print n }' "$work/$name")" "$(highest $name 4)" ms '50 ms'
        single "COMMIT $name, 99.9% are below" "$(highest $name 5)" ms
    done
    rm -f "$db"* "$work/copy.db"
}

# load_server NAME DATABASE TABLE COMMAND...: wrk against a server that says where it listens; NAME gets
# the requests a second, the 99th percentile in ms, and the server's processor time for each in
# microseconds. What was answered must be in the table, if there is one.
load_server() {
    local name=$1 db=$2 table=$3 url answered ticks

    shift 3
    rm -f "$db"*
    : >"$work/server"
    "$@" >/dev/null 2>"$work/server" &
    server=$!
    for _ in {1..100}; do
        url=$(sed -n 's/.*listening on //p' "$work/server")
        [ -z "$url" ] || break
        sleep 0.1
    done
    [ -n "$url" ] || die "the server does not start: $(cat "$work/server")"
    wrk -t1 -c256 -d"${BENCH_SECONDS:-10}" --latency -s tests/bench/listen.lua "$url" >"$work/wrk" ||
        die 'wrk failed'
    ticks=$(awk '{ print $14 + $15 }' "/proc/$server/stat")
    kill -9 "$server"
    wait "$server" 2>/dev/null
    server=
    ! grep -q 'Non-2xx' "$work/wrk" || die "$(cat "$work/wrk")"
    answered=$(sed -n 's/^ *\([0-9]*\) requests in .*/\1/p' "$work/wrk")
    [ -z "$table" ] || [ "$(sqlite3 "$db" "SELECT count(*) FROM $table")" -ge "$answered" ] ||
        die "$answered were answered, and not all of them are in $db"
    awk -v us="$(awk -v ticks="$ticks" -v hz="$(getconf CLK_TCK)" -v n="$answered" 'BEGIN { printf "%.1f", ticks / hz / n * 1e6 }')" '
        /^ *99%/ { sub(/ms$/, "", $2); if (sub(/s$/, "", $2)) $2 *= 1000; p = $2 }
        /^Requests\/sec/ { print $2, p, us }' "$work/wrk" >>"$work/$name"
}

# load_line NAME TITLE [TARGET TARGET-OF-THE-PERCENTILE]
load_line() {
    single "$2" "$(median "$1" 1)" '/s' "${3:-}"
    single "$2, 99th percentile" "$(median "$1" 2)" ms "${4:-}"
    single "$2, processor time of each" "$(median "$1" 3)" us
}

# load_ratio NAME TITLE [TARGET]: how ours compares, by requests a second and by processor time
load_ratio() {
    single "ratio to $2" "$(awk -v o="$(median ours 1)" -v n="$(median "$1" 1)" 'BEGIN { printf "%.2f", o / n }')" x "${3:-}"
    single "ratio to $2, by processor time" "$(awk -v o="$(median ours 3)" -v n="$(median "$1" 3)" 'BEGIN { printf "%.2f", n / o }')" x
}

# Notifications that are answered after their commit, at 256 connections; killed at the end of each run.
bench_listen() {
    local i modules=$dir/node

    rm -f "$work/ours" "$work/bare" "$work/node" "$work/rows"
    if command -v npm >/dev/null && [ ! -d "$modules/node_modules/better-sqlite3" ]; then
        mkdir -p "$modules"
        (cd "$modules" && npm install --silent --no-audit --no-fund better-sqlite3@12) >/dev/null 2>&1 ||
            rm -rf "$modules/node_modules"
    fi
    for ((i = 0; i < runs; i++)); do
        load_server ours "$work/l.db" notification "$bin/rowferry" listen 0 --db "$work/l.db"
        load_server bare "$work/l.db" '' "$bin/limit_listen"
        [ -d "$modules/node_modules/better-sqlite3" ] || continue
        load_server node "$work/n.db" body node tests/bench/listen.mjs "$modules" "$work/n.db" body
        load_server rows "$work/n.db" notification node tests/bench/listen.mjs "$modules" "$work/n.db" rows
    done
    title 'notifications at 256 connections, answered after the commit'
    load_line ours 'rowferry listen' '10000/s' '100 ms'
    load_line bare 'libmicrohttpd, nothing stored'
    load_ratio bare 'libmicrohttpd, nothing stored'
    if [ -s "$work/node" ]; then
        load_line node 'Node, bodies alone'
        load_line rows 'Node, the same rows'
        load_ratio node 'bodies alone' 3x
        load_ratio rows 'the same rows'
    else
        echo '| Node with better-sqlite3 | | not measured: npm cannot install it here | | |'
    fi
    rm -f "$work"/[ln].db*
}

# night NAME NUMBER VERSION: reads the file of that night, in which one row of twenty is another than in
# that of the night before, and drains it under a schema with that `version`
night() {
    local file=$work/InventoryItem-night-$2.csv

    jq --arg version "$3" '."x-rowferry".version = $version' schema/InventoryItem.json >"$work/schema/InventoryItem.json"
    awk -F, -v OFS=, -v night="$2" 'NR > 1 && NR % 20 < night { $4++ } 1' "$(rows_file sequential "$night_rows")" >"$file"
    "$bin/rowferry" ingest -q --db "$work/night.db" --schemas "$work/schema" "$file" || die 'ingest failed'
    drain_counted "$1" night "$work/schema" "$url" "$night_limit"
}

# drain_counted NAME DATABASE SCHEMAS URL LIMIT: one drain, whose requests are in $work/NAME-requests
drain_counted() {
    rm -f "$work/$1"
    measure "$1" env GENESYS_CLIENT_ID=sim-client GENESYS_CLIENT_SECRET=sim-secret \
        "$bin/rowferry" drain --json --db "$work/$2.db" --schemas "$3" --environment "$4" \
        --concurrency 64 --rate "$5" --audit none
    tail -n 1 "$work/output" | jq .requests >"$work/$1-requests"
}

# requests_line NAME COUNT TITLE [TARGET]: with what the requests would take at the platform's limit
requests_line() {
    local requests
    requests=$(cat "$work/$1-requests")
    line "$1" "$2" "$3"
    single "$3, requests" "$requests" '' "${4:-}"
    single "$3, at 300 requests a minute" "$(awk -v r="$requests" 'BEGIN { printf "%.1f", r / 300 }')" min
}

# start_simulator LIMIT: sets $url
start_simulator() {
    rm -f "$work/ready"
    mkfifo "$work/ready"
    "$bin/genesys-sim" --with-parent --max-seconds 3600 --rate-limit "$1" >"$work/ready" &
    simulator=$!
    read -r _ _ url <"$work/ready"
}

stop_simulator() {
    kill "$simulator"
    simulator=
}

# A full export of which 5% changed, one night after the other, at a limit that is 1000 times the platform's.
bench_night() {
    local night_rows=${BENCH_NIGHT:-100000} night_limit=300000/m url

    rm -f "$work"/night.db*
    mkdir -p "$work/schema"
    start_simulator "$night_limit"
    night required 1 required
    expect "$night_rows" "$work/night.db" 'SELECT sum(applied) FROM batch_summary'
    night fetch 2 fetch
    night cold 3 known
    night warm 4 known
    expect $((night_rows / 20)) "$work/night.db" 'SELECT applied FROM batch_summary ORDER BY batch_id DESC LIMIT 1'
    measure loop python3 tests/bench/loop.py "$url" "$work/InventoryItem-night-4.csv"
    cp "$work/output" "$work/loop-requests"
    stop_simulator
    title "a night of $night_rows rows, 5% of them changed, at $night_limit"
    requests_line required "$night_rows" 'version: required'
    requests_line fetch "$night_rows" 'version: fetch'
    requests_line cold "$night_rows" 'version: known, nothing known yet'
    requests_line warm "$night_rows" 'version: known'
    requests_line loop "$night_rows" 'a loop of GET and PUT, one connection'
    rm -f "$work"/night.db*
}

# bulk_schema NAME SETTINGS: a folder schema-NAME with a schema file that has these in `x-rowferry`
bulk_schema() {
    mkdir -p "$work/schema-$1"
    jq --argjson settings "$2" '."x-rowferry" = $settings' schema/InventoryItem.json \
        >"$work/schema-$1/InventoryItem.json"
}

# bulk_requests NAME ROWS TITLE: the requests that all rows need under that schema, ROWS in each
bulk_requests() {
    fill "$1" "$jobs" "$work/schema-$1"
    drain_counted "$1" "$1" "$work/schema-$1" "$url" 120000/m
    expect "$jobs" "$work/$1.db" 'SELECT sum(applied) FROM batch_summary'
    requests_line "$1" "$jobs" "$3" "$((jobs / $2)), 3% more at most"
    rm -f "$work/$1".db*
}

# What is stored of each row at least, before the request leaves and after: four statements for all rows.
bulk_written() {
    rm -f "$work"/s.db*
    cp "$work/rows.db" "$work/s.db"
    measure written sqlite3 "$work/s.db" \
        "INSERT INTO job_state (job_id, state, attempts, run_id, correlation_id, updated_ms)
         SELECT id, 'sending', 1, 2, randomblob(16), 1796000000000 FROM job_row" \
        "INSERT INTO attempt (run_id, started_ms, method, job_id)
         SELECT 2, 1796000000000, 'PUT', job_id FROM job_state" \
        "UPDATE job_state SET state = 'applied', http_status = 200, updated_ms = 1796000000001 WHERE state = 'sending'" \
        'UPDATE attempt SET ended_ms = 1796000000001, latency_us = 1000, http_status = 200 WHERE ended_ms IS NULL'
    expect "$jobs" "$work/s.db" "SELECT count(*) FROM attempt WHERE http_status = 200"
}

# Requests of many rows: how many requests there are at a limit that is 400 times the platform's, and what
# a row takes at full speed.
bench_bulk() {
    local i url
    bulk_schema single '{"target": {"preset": "genesys-external-contacts", "params": {"source": "s"}, "bulk": null}}'
    bulk_schema enrich '{"target": {"preset": "genesys-external-contacts", "params": {"source": "s"}}}'
    bulk_schema outbound \
        '{"write": "replace", "target": {"preset": "genesys-outbound-contacts", "params": {"list": "L"}}}'
    start_simulator 120000/m
    title "$jobs rows at 120000 requests a minute"
    bulk_requests single 1 'external contacts one by one'
    bulk_requests enrich 10 'external contacts, 10 a request'
    bulk_requests outbound 1000 'outbound contacts, 1000 a request'
    stop_simulator

    start_nginx
    fill rows "$jobs" "$work/schema-outbound"
    for ((i = 0; i < runs; i++)); do
        ours_drain bulk rows "http://127.0.0.1:$port" "$work/schema-outbound" 8
        measure limit-bulk "$bin/limit_drain" "http://127.0.0.1:$port" $((jobs / 1000)) 8 1000
        bulk_written
    done
    expect "$jobs" "$work/d.db" 'SELECT sum(applied) FROM batch_summary'
    title "drain of $jobs rows, 1000 a request, concurrency 8, nginx on loopback"
    line bulk "$jobs" 'rowferry drain'
    line limit-bulk "$jobs" 'bare curl_multi loop'
    line written "$jobs" 'sqlite3, what is stored of the rows'
    ratio bulk limit-bulk '' 'processor 0.7x'
    rm -f "$work"/rows.db* "$work"/s.db*
}

# machine: what the figures were measured on
machine() {
    local load
    load=$(cut -d' ' -f1 /proc/loadavg)
    echo "## Figures of $(date -u +%F), rowferry $("$bin/rowferry" --version | cut -d' ' -f2)"
    echo
    echo "Medians of $runs, alternating. $(nproc) cores ($(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)), load"
    echo "$load at the start; Linux $(uname -r), SQLite $(sqlite3 --version | cut -d' ' -f1), $(curl --version |
        sed -n '1s/.*\(libcurl[^ ]*\).*/\1/p'), $(nginx -v 2>&1 | sed 's/.*: //')."
    awk -v busy="$load" 'BEGIN { exit busy < 0.7 }' &&
        echo "This machine is busy: wall times are less reliable than processor times."
}

for figure in $only; do
    declare -F "bench_$figure" >/dev/null || die "no figure '$figure': choose from $FIGURES"
done
json=$dir/results.json
: >"$json"
{
    trap finish EXIT # of this subshell, in which the servers start
    machine
    for figure in $only; do
        "bench_$figure" || exit 1
    done
} | tee "$dir/results.md"
exit "${PIPESTATUS[0]}"
