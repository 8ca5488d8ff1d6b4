#!/bin/bash
# `make bench`: each of our figures next to its reference, measured in turns, the median of several
# runs. The references are the best that a program can do that stores nothing of what we store.
#
#   BENCH_RUNS=3             runs of each
#   BENCH_ROWS=1000000       rows of the file for ingest and validate
#   BENCH_JOBS=100000        jobs of the drain
#   BENCH_ORDERS='sequential shuffled'    record ids of the file
#   BENCH_SECONDS=10         of load on the listener, in each run
#   BENCH_ONLY='ingest validate drain latency backlog prune listen'    which figures
#   BENCH_KEEP=1             leaves the databases in build/bench/work.*
set -u
cd "$(dirname "$0")/../.." || exit 2
PATH=$PATH:/usr/sbin
runs=${BENCH_RUNS:-3} rows=${BENCH_ROWS:-1000000} jobs=${BENCH_JOBS:-100000}
orders=${BENCH_ORDERS:-sequential shuffled} only=${BENCH_ONLY:-ingest validate drain latency backlog prune listen}
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

# rows_file ORDER COUNT: prints the name of the file, which is made once
rows_file() {
    local file=$dir/InventoryItem-$1-$2.csv shuffled=0
    [ "$1" = shuffled ] && shuffled=1
    if [ ! -s "$file" ] || [ tests/bench/rows.awk -nt "$file" ]; then
        awk -v count="$2" -v shuffled=$shuffled -f tests/bench/rows.awk </dev/null >"$file.$$" &&
            mv "$file.$$" "$file" || die "no room for $file"
    fi
    cat "$file" >/dev/null
    echo "$file"
}

# measure NAME COMMAND...: one run, whose figures are added to NAME. Its output is shown only if it
# fails.
measure() {
    local name=$1
    shift
    sync
    if ! "$bin/measure" "$work/one" timeout 600 "$@" >"$work/output" 2>&1; then
        cat "$work/output" >&2
        die "failed: $*"
    fi
    cat "$work/one" >>"$work/$name"
}

# median NAME: prints seconds, cpu seconds and KiB of the median run
median() {
    sort -n "$work/$1" | awk '{ line[NR] = $0 } END { print line[int((NR + 1) / 2)] }'
}

# line NAME COUNT TITLE
line() {
    median "$1" | awk -v count="$2" -v title="$3" \
        '{ printf "  %-22s %9.0f /s %8.2f s %8.2f cpu s %7.1f MiB\n", title, count / $1, $1, $2, $3 / 1024 }'
}

# ratio OURS REFERENCE
ratio() {
    echo "$(median "$1") $(median "$2")" | awk '{ printf "  %-22s %9.2f x\n", "ratio", $5 / $1 }'
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
        echo "ingest of $rows CSV rows, record ids $order"
        line "ingest-$order" "$rows" 'rowferry ingest'
        line "import-$order" "$rows" 'sqlite3 .import'
        ratio "ingest-$order" "import-$order"
    done
    rm -f "$work"/[rs].db*
}

bench_validate() {
    local file i
    file=$(rows_file sequential "$rows") || exit 1
    for ((i = 0; i < runs; i++)); do
        measure validate "$bin/rowferry" validate -q --schemas schema "$file"
        measure mlr mlr --icsv --ojson cat "$file"
    done
    echo "validate of $rows CSV rows"
    line validate "$rows" 'rowferry validate'
    line mlr "$rows" 'mlr --icsv --ojson cat'
    ratio validate mlr
}

# A process of its own in a folder of its own. If the port is in use, nginx says so, and another one
# is tried.
start_nginx() {
    local try
    for try in 1 2 3 4 5 6 7 8; do
        port=$((20000 + RANDOM % 40000))
        sed -e "s|@DIR@|$work|g" -e "s|@PORT@|$port|" tests/bench/nginx.conf >"$work/nginx.conf"
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

# fill NAME COUNT: makes a database of that many pending jobs
fill() {
    local file
    file=$(rows_file sequential "$2") || exit 1
    rm -f "$work/$1.db"*
    "$bin/rowferry" ingest -q --db "$work/$1.db" --schemas schema "$file" || die "ingest failed"
    sqlite3 "$work/$1.db" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
}

# ours_drain NAME DATABASE URL: drains a copy of the database
ours_drain() {
    rm -f "$work"/d.db*
    cp "$work/$2.db" "$work/d.db"
    measure "$1" env GENESYS_CLIENT_ID=sim-client GENESYS_CLIENT_SECRET=sim-secret \
        "$bin/rowferry" drain -q --db "$work/d.db" --environment "$3" --concurrency 64 --rate none --audit none
}

bench_drain() {
    local i
    start_nginx
    fill full "$jobs"
    for ((i = 0; i < runs; i++)); do
        ours_drain drain full "http://127.0.0.1:$port"
        measure limit "$bin/limit_drain" "http://127.0.0.1:$port" "$jobs" 64
    done
    expect "$jobs" "$work/d.db" 'SELECT sum(applied) FROM batch_summary'
    echo "drain of $jobs jobs, concurrency 64, nginx on loopback"
    line drain "$jobs" 'rowferry drain'
    line limit "$jobs" 'bare curl_multi loop'
    ratio drain limit
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
    echo "drain of $count jobs, concurrency 64, a server that takes 100 ms"
    line latency $count 'rowferry drain'
    median latency | awk -v count=$count '{ printf "  %-22s %9.2f of 640 /s\n", "share", count / $1 / 640 }'
}

# Whether a job costs more if many wait.
bench_backlog() {
    local i
    [ -n "$nginx" ] || start_nginx
    fill few 10000
    fill many 1000000
    for ((i = 0; i < runs; i++)); do
        ours_drain few few "http://127.0.0.1:$port"
        ours_drain many many "http://127.0.0.1:$port"
    done
    expect 1000000 "$work/d.db" 'SELECT sum(applied) FROM batch_summary'
    echo "drain of all jobs, concurrency 64, nginx on loopback"
    line few 10000 '10000 pending'
    line many 1000000 '1000000 pending'
    echo "$(median few) $(median many)" |
        awk '{ printf "  %-22s %9.2f x\n", "time per job", ($5 / 1000000) / ($1 / 10000) }'
}

# How long a drain waits for a prune of BENCH_ROWS jobs at the same time, and how much of the file is
# free afterwards. It runs once, because it takes minutes.
bench_prune() {
    local file drain db=$work/p.db
    [ -n "$nginx" ] || start_nginx
    export GENESYS_CLIENT_ID=sim-client GENESYS_CLIENT_SECRET=sim-secret
    fill p "$rows"
    "$bin/rowferry" drain -q --db "$db" --environment "http://127.0.0.1:$port" --concurrency 64 \
        --rate none || die 'the drain before failed'
    file=$(rows_file shuffled "$rows") || exit 1
    "$bin/rowferry" ingest -q --db "$db" --schemas schema "$file" || die 'ingest failed'
    BEGIN_WAITS=$work/waits LD_PRELOAD=$bin/begin_waits.so "$bin/rowferry" drain -q --db "$db" \
        --environment "http://127.0.0.1:$port" --rate 1000/s >"$work/drained" 2>&1 &
    drain=$!
    rm -f "$work/prune"
    measure prune "$bin/rowferry" prune -q --db "$db" --older-than 0s --yes
    kill -0 $drain || die 'the drain ended before the prune did'
    kill $drain
    wait $drain
    unset GENESYS_CLIENT_ID GENESYS_CLIENT_SECRET
    expect "$rows" "$db" 'SELECT sum(applied) FROM batch_summary WHERE pruned IS NOT NULL'
    echo "prune of $rows jobs during a drain of 1000/s"
    line prune "$rows" 'rowferry prune'
    awk '{ printf "  %-22s %9.1f ms at most, 99.9%% of %d below %.1f ms\n", "the drain waited", $1, $3, $2 }' \
        "$work/waits"
    sqlite3 "$db" 'SELECT 100.0 * freelist_count / page_count FROM pragma_freelist_count, pragma_page_count' |
        awk '{ printf "  %-22s %9.1f %%\n", "free in the file", $1 }'
    rm -f "$work"/p.db*
}

# load_server NAME DATABASE TABLE COMMAND...: wrk against a server that says where it listens; NAME gets
# the requests a second and the 99th percentile in ms. What was answered must be in the table.
load_server() {
    local name=$1 db=$2 table=$3 url answered

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
    kill -9 "$server"
    wait "$server" 2>/dev/null
    server=
    ! grep -q 'Non-2xx' "$work/wrk" || die "$(cat "$work/wrk")"
    answered=$(sed -n 's/^ *\([0-9]*\) requests in .*/\1/p' "$work/wrk")
    [ "$(sqlite3 "$db" "SELECT count(*) FROM $table")" -ge "$answered" ] ||
        die "$answered were answered, and not all of them are in $db"
    awk '/^ *99%/ { sub(/ms$/, "", $2); if (sub(/s$/, "", $2)) $2 *= 1000; p = $2 }
        /^Requests\/sec/ { print $2, p }' "$work/wrk" >>"$work/$name"
}

# load_line NAME TITLE
load_line() {
    median "$1" | awk -v title="$2" '{ printf "  %-22s %9.0f /s %8.1f ms p99\n", title, $1, $2 }'
}

# Notifications that are answered after their commit, at 256 connections; killed at the end of each run.
bench_listen() {
    local i modules=$dir/node

    rm -f "$work/ours" "$work/node" "$work/rows"
    if command -v npm >/dev/null && [ ! -d "$modules/node_modules/better-sqlite3" ]; then
        mkdir -p "$modules"
        (cd "$modules" && npm install --silent --no-audit --no-fund better-sqlite3@12) >/dev/null 2>&1 ||
            rm -rf "$modules/node_modules"
    fi
    for ((i = 0; i < runs; i++)); do
        load_server ours "$work/l.db" notification "$bin/rowferry" listen 0 --db "$work/l.db"
        [ -d "$modules/node_modules/better-sqlite3" ] || continue
        load_server node "$work/n.db" body node tests/bench/listen.mjs "$modules" "$work/n.db" body
        load_server rows "$work/n.db" notification node tests/bench/listen.mjs "$modules" "$work/n.db" rows
    done
    echo 'notifications at 256 connections, answered after the commit'
    load_line ours 'rowferry listen'
    if [ -s "$work/node" ]; then
        load_line node 'Node, bodies alone'
        load_line rows 'Node, the same rows'
        paste -d' ' <(median ours) <(median node) <(median rows) |
            awk '{ printf "  %-22s %9.1f and %.1f\n", "ratios", $1 / $3, $1 / $5 }'
    else
        echo '  Node with better-sqlite3: not measured, npm cannot install it here'
    fi
    rm -f "$work"/[ln].db*
}

load=$(cut -d' ' -f1 /proc/loadavg)
echo "median of $runs, alternating; $(nproc) cores, load $load; SQLite $(sqlite3 --version | cut -d' ' -f1)"
awk -v busy="$load" 'BEGIN { exit busy < 0.7 }' &&
    echo "(this machine is busy: the figures and the ratios are less reliable)"
for figure in $only; do
    case $figure in
    ingest | validate | drain | latency | backlog | prune | listen) "bench_$figure" ;;
    *) die "no figure '$figure': ingest, validate, drain, latency, backlog, prune, listen" ;;
    esac
done
