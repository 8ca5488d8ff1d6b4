#!/bin/bash
# Fuzzes each target: run.sh SECONDS [TARGET...], programs as `make fuzz` builds them. With RUNS=N in
# the environment each target makes N executions instead, however long they take. Inputs that show a
# fault are in build/fuzz/findings and make the status 1; inputs that reach new code are kept in
# build/fuzz/corpus/TARGET, where the next run begins.
#
# A finding becomes a file of tests/fuzz/corpus/TARGET, named after what it shows. Inputs that reach
# code that none of these files reaches are added by
#   build/fuzz/fuzz/TARGET_fuzz -merge=1 -use_counters=0 tests/fuzz/corpus/TARGET build/fuzz/corpus/TARGET
set -u
cd "$(dirname "$0")/../.." || exit 2
seconds=$1
shift
[ $# -gt 0 ] || set -- csv ndjson schema check
build=build/fuzz
# Freed memory that stays out of the cache, and short stacks of allocations: run the program alone on a
# finding for longer ones.
export ASAN_OPTIONS=${ASAN_OPTIONS:-quarantine_size_mb=1:malloc_context_size=1}
if [ -n "${RUNS:-}" ]; then
    limit="$RUNS executions" bound=-runs=$RUNS
else
    limit="$seconds s" bound=-max_total_time=$seconds
fi
mkdir -p $build/findings $build/log
status=0
for target in "$@"; do
    # bytes of an input: a file that is longer reaches no more code, and takes longer
    case $target in
    check | schema) dictionary=schema longest=4096 ;;
    *) dictionary=$target longest=800 ;;
    esac
    if [ ! -x "$build/fuzz/${target}_fuzz" ]; then
        echo "fuzz: no target $target" >&2
        exit 2
    fi
    mkdir -p "$build/corpus/$target"
    echo "fuzz: $target for $limit (log: $build/log/$target.log)"
    # 20 s is far more than an input may take with sanitizers on: it bounds what a row may cost
    if "$build/fuzz/${target}_fuzz" "$bound" -max_len=$longest -timeout=20 -rss_limit_mb=2048 \
        -print_final_stats=1 -entropic_scale_per_exec_time=1 -dict="tests/fuzz/$dictionary.dict" \
        -artifact_prefix="$build/findings/$target-" \
        "$build/corpus/$target" "tests/fuzz/corpus/$target" >"$build/log/$target.log" 2>&1; then
        grep -E 'DONE|number_of_executed_units' "$build/log/$target.log"
    else
        echo "fuzz: $target: FINDING"
        tail -n 60 "$build/log/$target.log"
        status=1
    fi
done
exit $status
