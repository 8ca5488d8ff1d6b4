#!/bin/bash
# `make bench-count`: instructions a row, a job, a row of a bulk request and a notification, counted by
# callgrind over fixed inputs, which does not depend on what else the machine does. Fails if a figure is more than 3% above tests/bench/counts.txt;
# BENCH_UPDATE=1 writes that file. The server is not counted.
set -u
cd "$(dirname "$0")/../.." || exit 2
bin=$PWD/build/release
figures=tests/bench/counts.txt
work=$(mktemp -d "${TMPDIR:-/tmp}/bench-count.XXXXXX") || exit 1
simulator=
export LC_ALL=C

for name in $(compgen -e | grep -E '^(ROWFERRY|GENESYS|GENESYSCLOUD)_'); do
    unset "$name"
done

finish() {
    [ -z "$simulator" ] || kill "$simulator" 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

die() {
    echo "bench-count: $*" >&2
    exit 1
}

# [status=N] count NAME ROWS COMMAND...: adds 'NAME INSTRUCTIONS-PER-ROW' to the figures of this run
count() {
    local name=$1 rows=$2
    shift 2
    timeout 600 valgrind --tool=callgrind --callgrind-out-file="$work/out" "$@" >"$work/log" 2>&1
    [ $? = "${status:-0}" ] ||
        die "failed: $* $(tail -n 5 "$work/log")"
    sed -n 's/^summary: //p; s/^totals: //p' "$work/out" | head -n 1 |
        awk -v name="$name" -v rows="$rows" '{ printf "%s %.0f\n", name, $1 / rows }' >>"$work/found"
}

# the databases are made before, because their migrations would count
for format in csv ndjson; do
    awk -v count=1 -v first=20000 -f tests/bench/rows.awk </dev/null >"$work/InventoryItem-first.csv"
    "$bin/rowferry" ingest -q --db "$work/$format.db" --schemas schema "$work/InventoryItem-first.csv" ||
        die 'the database is not made'
    awk -v count=20000 -v format=$format -f tests/bench/rows.awk </dev/null >"$work/InventoryItem.$format"
    count "ingest-$format" 20000 "$bin/rowferry" ingest -q --db "$work/$format.db" --schemas schema "$work/InventoryItem.$format"
done
count validate-csv 20000 "$bin/rowferry" validate -q --schemas schema "$work/InventoryItem.csv"

for ((i = 0; i < 5000; i++)); do
    printf '{"action":"update","schemaName":"InventoryItem","record":{"id":"WH-%d","modifiedTime":"2026-11-29T10:00:%02d.%03dZ","fields":{"sku":"WH-1042","quantity":%d,"price":45.5,"status":"active"}}}\n' \
        $((i % 4000)) $((i / 1000)) $((i % 1000)) $i
done >"$work/notifications.ndjson"
"$bin/rowferry" forward --db "$work/notifications.db" - </dev/null >"$work/log" 2>&1 || die "$(cat "$work/log")"
# without an ERP, the deliveries stay
status=5 count forward 5000 "$bin/rowferry" forward --db "$work/notifications.db" "$work/notifications.ndjson"
[ "$(sqlite3 "$work/notifications.db" 'SELECT count(*) FROM undelivered')" = 5000 ] || die 'not all notifications were stored'

awk -v count=2000 -f tests/bench/rows.awk </dev/null >"$work/InventoryItem-jobs.csv"
"$bin/rowferry" ingest -q --db "$work/jobs.db" --schemas schema "$work/InventoryItem-jobs.csv" >"$work/log" 2>&1 ||
    die "$(cat "$work/log")"
mkfifo "$work/ready"
"$bin/genesys-sim" --with-parent --max-seconds 600 >"$work/ready" 2>"$work/sim.log" &
simulator=$!
read -r _ _ url <"$work/ready"
GENESYS_CLIENT_ID=sim-client GENESYS_CLIENT_SECRET=sim-secret count drain 2000 "$bin/rowferry" drain -q \
    --db "$work/jobs.db" --environment "$url" --concurrency 8 --rate none --audit none
[ "$(sqlite3 "$work/jobs.db" 'SELECT sum(applied) FROM batch_summary')" = 2000 ] || die 'not all jobs were applied'

# 1000 rows a request
mkdir "$work/several"
jq '."x-rowferry" = {write: "replace", target: {preset: "genesys-outbound-contacts", params: {list: "L"}}}' \
    schema/InventoryItem.json >"$work/several/InventoryItem.json"
awk -v count=5000 -f tests/bench/rows.awk </dev/null >"$work/InventoryItem-rows.csv"
"$bin/rowferry" ingest -q --db "$work/rows.db" --schemas "$work/several" "$work/InventoryItem-rows.csv" >"$work/log" 2>&1 ||
    die "$(cat "$work/log")"
GENESYS_CLIENT_ID=sim-client GENESYS_CLIENT_SECRET=sim-secret count bulk 5000 "$bin/rowferry" drain -q \
    --db "$work/rows.db" --schemas "$work/several" --environment "$url" --concurrency 8 --rate none --audit none
[ "$(sqlite3 "$work/rows.db" 'SELECT sum(applied) FROM batch_summary')" = 5000 ] || die 'not all rows were applied'

if [ "${BENCH_UPDATE:-}" = 1 ]; then
    cp "$work/found" "$figures"
fi
awk '
    NR == FNR { before[$1] = $2; next }
    {
        change = $1 in before ? ($2 / before[$1] - 1) * 100 : 0
        printf "%-14s %8d instructions, %+.1f%% of what is in '"$figures"'\n", $1, $2, change
        if (change > 3)
            worse = worse " " $1
    }
    END {
        if (worse != "") {
            print "bench-count: more than 3% above:" worse ". Find out why, or say why and set BENCH_UPDATE=1"
            exit 1
        }
    }' "$figures" "$work/found"
