#!/bin/bash
# Fuzzes each target for some seconds: run.sh SECONDS [TARGET...], programs as `make fuzz` builds
# them. What is found lies in build/fuzz/findings and makes the status 1; what covers something new
# stays in build/fuzz/corpus/TARGET and is where the next run begins.
#
# A finding becomes a file of tests/fuzz/corpus/TARGET with a name that says what it is. What reaches
# code that nothing there reaches yet is added to it by
#   build/fuzz/fuzz/TARGET_fuzz -merge=1 -use_counters=0 tests/fuzz/corpus/TARGET build/fuzz/corpus/TARGET
set -u
cd "$(dirname "$0")/../.." || exit 2
seconds=$1
shift
[ $# -gt 0 ] || set -- csv ndjson schema check
build=build/fuzz
# a short quarantine keeps the memory of small inputs in the cache
export ASAN_OPTIONS=${ASAN_OPTIONS:-quarantine_size_mb=8:malloc_context_size=8}
mkdir -p $build/findings $build/log
status=0
for target in "$@"; do
    case $target in
    check) dictionary=schema ;;
    *) dictionary=$target ;;
    esac
    if [ ! -x "$build/fuzz/${target}_fuzz" ]; then
        echo "fuzz: no target $target" >&2
        exit 2
    fi
    mkdir -p "$build/corpus/$target"
    echo "fuzz: $target for $seconds s (log: $build/log/$target.log)"
    # 20 s is far more than an input may take with sanitizers on: it bounds what a row may cost
    if "$build/fuzz/${target}_fuzz" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 \
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
