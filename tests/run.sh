#!/bin/bash
# Runs the tests that `make test` has built: run.sh [unit|fuzz|cli|quick], all without an argument;
# quick is all but the command tests that take longest.
#
#   PROFILE=asan           whose binaries, build/PROFILE (default release)
#   TESTS='store drain'    only the test files whose names hold one of these words
#   FILTER='429'           only the tests whose names hold this text
#   TEST_JOBS=1            test files at the same time (default: two more than twice the cores; many only wait)
#
# A line a test file, the output of those that fail, and `N passed, N failed` at the end. Every
# process of a sanitizer profile writes its reports to a folder, and a report fails the test file
# during which it came, whatever became of the process.
set -u
cd "$(dirname "$0")/.." || exit 2
top=$PWD
export PROFILE=${PROFILE:-release}
build=$top/build/$PROFILE
out=$build/test-output

# What a developer has set for real work is not for tests.
for name in $(compgen -e | grep -E '^(ROWFERRY|GENESYS|GENESYSCLOUD|ERP|BATS)_'); do
    unset "$name"
done
unset NO_COLOR TERM_PROGRAM http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
export ROWFERRY_BIN=$build
export LC_ALL=C.UTF-8 TERM=dumb CMOCKA_MESSAGE_OUTPUT=TAP

# run_one FILE: one test file, into OUT/NAME.log (what it wrote) and OUT/NAME.count (passed, failed,
# skipped, seconds). Its own process, so that several can run.
run_one() {
    local file=$1 name log status started=$SECONDS command passed failed skipped planned missing
    name=$(basename "$file")
    log=$out/$name.log
    mkdir -p "$out/$name.reports"
    local reports="log_path=$out/$name.reports/report:exitcode=99"
    export ASAN_OPTIONS="$reports:detect_leaks=1:detect_stack_use_after_return=1:check_initialization_order=1"
    export UBSAN_OPTIONS="$reports:print_stacktrace=1"
    export TSAN_OPTIONS="$reports:second_deadlock_stack=1"
    case $file in
    *.bats) command=(timeout -k 10 1800 bats --tap ${FILTER:+-f "$FILTER"} "$file") ;;
    *_fuzz.c) command=(timeout -k 10 600 "$build/fuzz/${name%.c}" "tests/fuzz/corpus/${name%_fuzz.c}") ;;
    *) command=(timeout -k 10 600 "$build/unit/$(basename "$file" .c)") ;;
    esac
    "${command[@]}" >"$log" 2>&1 </dev/null
    status=$?

    # Both write TAP; what a test prints itself can come before a result on its line.
    passed=$(grep -oE '(not )?ok [0-9]+ .*' "$log" | grep -E '^ok ' | grep -ciEv '# skip')
    skipped=$(grep -oE '(not )?ok [0-9]+ .*' "$log" | grep -ciE '# skip')
    failed=$(grep -oE 'not ok [0-9]+ .*' "$log" | grep -ciEv '# skip')
    planned=$(grep -oE '^1\.\.[0-9]+' "$log" | awk -F. '{ n += $3 } END { print n + 0 }')
    missing=$((planned - passed - failed - skipped))
    if [ "$missing" -gt 0 ]; then
        echo "# $name ended with status $status before $missing of $planned tests" >>"$log"
        failed=$((failed + missing))
    elif [ "$planned" -eq 0 ] && [ "$failed" -eq 0 ] && [ -n "${FILTER:-}" ]; then
        status=0 # no test of this file has such a name
    elif [ "$planned" -eq 0 ] && [ "$failed" -eq 0 ]; then
        echo "# $name ended with status $status and holds no test" >>"$log"
        failed=1
    elif [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
        echo "# $name ended with status $status" >>"$log"
        failed=1
    fi
    if [ -n "$(ls -A "$out/$name.reports")" ]; then
        echo "# sanitizer reports during $name:" >>"$log"
        head -n 60 "$out/$name.reports"/* >>"$log"
        [ "$failed" -gt 0 ] || failed=1
    fi
    echo "$passed $failed $skipped $((SECONDS - started))" >"$out/$name.count"

    if [ "$failed" -eq 0 ] && [ -n "${FILTER:-}" ] && [ "$((passed + skipped))" -eq 0 ]; then
        return
    fi
    if [ "$failed" -eq 0 ]; then
        printf '  %-36s %4d ok%s, %d s\n' "$name" "$passed" \
            "$([ "$skipped" -gt 0 ] && echo ", $skipped skipped")" $((SECONDS - started))
        return
    fi
    printf '  %-36s %4d ok, %d FAILED\n' "$name" "$passed" "$failed"
    grep -vE '^([^#]*[^#a-z ])?ok [0-9]+ ' "$log" | tail -n 200 | sed 's/^/    /'
}

if [ "${1:-}" = --one ]; then
    run_one "$2"
    exit 0
fi

# In memory where there is room: no test is about a power cut, and many would only wait for a disk.
if [ -z "${TMPDIR:-}" ] && [ "$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)" -gt 8000000 ] 2>/dev/null &&
    TMPDIR=$(mktemp -d /dev/shm/rf.XXXXXX 2>/dev/null); then
    export TMPDIR
    chmod 755 "$TMPDIR" # some tests are another user
    trap 'rm -rf "$TMPDIR"' EXIT
fi

kinds=${1:-unit fuzz cli}
# begun first, so that nothing waits for one alone; quick leaves them out
slow=' faults logins crash disk locks options watch night pace sim export listen audit bulk inbox '
quick=
if [ "$kinds" = quick ]; then
    kinds='unit fuzz cli'
    quick=1
fi
files=()
for kind in $kinds; do
    case $kind in
    unit) pattern='tests/unit/*_test.c' ;;
    fuzz) pattern='tests/fuzz/*_fuzz.c' ;;
    cli) pattern='tests/cli/*.bats' ;;
    *)
        echo "usage: run.sh [unit|fuzz|cli|quick]" >&2
        exit 2
        ;;
    esac
    for file in $pattern; do
        [ -e "$file" ] || continue
        if [ -n "${TESTS:-}" ] && ! grep -qF "$(tr ' ' '\n' <<<"$TESTS")" <<<"$(basename "$file")"; then
            continue
        fi
        if [[ $slow != *" $(basename "$file" .bats) "* ]]; then
            files+=("$file")
        elif [ -z "$quick" ]; then
            files=("$file" "${files[@]}")
        fi
    done
done

rm -rf "$out"
mkdir -p "$out"
echo "tests: profile $PROFILE, ${#files[@]} file(s)"
# Command tests mostly wait, and the others mostly compute, so that both go on at once; whoever finds no
# more of its own kind helps with the other.
printf '%s\n' "${files[@]}" | grep '\.bats$' >"$out/waiting"
printf '%s\n' "${files[@]}" | grep -v '\.bats$' >"$out/computing"

# Takes the first file off the first of these lists that is not empty; 1 if all are.
take() {
    local list file
    exec 9>>"$out/lock"
    flock 9
    for list; do
        if read -r file <"$out/$list"; then
            sed -i 1d "$out/$list"
            echo "$file"
            return
        fi
    done
    return 1
}

work() {
    local file
    while file=$(take "$@"); do
        "$top/tests/run.sh" --one "$file"
    done
}

trap ': >"$out/waiting" >"$out/computing"; exit 130' INT TERM # nothing more begins
jobs=${TEST_JOBS:-$(($(nproc) * 2 + 2))}
for ((i = 1; i < jobs; i++)); do
    if [ "$i" -le $(((jobs + 1) / 3)) ]; then work computing waiting & else work waiting computing & fi
done
work waiting computing
wait

passed=0 failed=0 skipped=0
for file in "${files[@]}"; do
    if ! read -r p f s _ <"$out/$(basename "$file").count"; then
        echo "  $(basename "$file"): no result"
        p=0 f=1 s=0
    fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
if [ "$skipped" -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
