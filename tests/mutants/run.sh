#!/bin/bash
# Shows how much the unit tests notice: changes one line of the core at a time (a comparison, a sign,
# a return value, a dropped call), builds the unit tests that tests/coverage.map names for the file,
# and runs them. A mutant that no test notices survives and is printed.
#
#   COUNT=200   mutants, chosen at random of all that compile to other code
#   SEED=1      which ones
#   FILES=...   sources to change (default: core/job, core/store, core/drain, core/http/governor.c)
#   JOBS=2      at the same time, each in its own copy under build/mutants/
#
# The status is 1 if fewer than 90 of 100 are noticed. tests/mutants/known lists survivors that change
# nothing anybody could observe, as FILE<tab>NEW TEXT<tab>REASON; they count as noticed.
set -u
cd "$(dirname "$0")/../.." || exit 2
COUNT=${COUNT:-200} SEED=${SEED:-1} JOBS=${JOBS:-$(nproc)}
FILES=${FILES:-$(ls core/job/*.c core/store/*.c core/drain/*.c core/http/governor.c)}
work=$PWD/build/mutants
mkdir -p "$work"
# builds in a copy of the tree; memory that is not freed is noticed, and a place beyond an array
build=(make PROFILE=mutant LDFLAGS_mutant=-fsanitize=leak
    CFLAGS_mutant='-O1 -DROWFERRY_CRASH_POINTS -Wno-error -fsanitize=bounds -fsanitize-undefined-trap-on-error')

# Puts a copy of the tree in order and compiles it, so that a mutant costs one file and its tests.
prepare() {
    local copy=$work/$1
    mkdir -p "$copy"
    rm -rf "$copy"/{core,cmd,tests,migrations,targets}
    git ls-files -z core cmd tests migrations targets schema sample-batches README.md docs Makefile |
        xargs -0 cp -p --parents -t "$copy"
    "${build[@]}" -C "$copy" -j1 build/mutant/librowferry.a >"$copy/build.log" 2>&1 || { tail -n 20 "$copy/build.log"; exit 2; }
}

# The unit tests of a source file; what runs commands is left out.
tests_of() {
    awk -F': *' -v file="$1" '$1 == file { print $2 }' tests/coverage.map | tr ' ' '\n' | grep '_test$'
}

# Builds tests in a copy and runs them, until one fails (1) or cannot be built (2); its name is in
# $test. Processor time is limited: on a busy machine a test may take long without being in a loop.
pass() {
    for test; do
        "${build[@]}" "build/mutant/unit/$test" >build.log 2>&1 || return 2
        (ulimit -t 60; exec timeout 900 "build/mutant/unit/$test" >/dev/null 2>&1 </dev/null) || return 1
    done
}

# Tries one mutant; prints `killed TEST`, `survived`, or `same` where it does not compile or compiles
# to the same code.
try() {
    local copy=$work/$1 file=$2 line=$3 text=$4 object test
    object=build/mutant/${file%.c}.o
    cp "$file" "$copy/$file.original"
    cp "$copy/$object" "$copy/$object.original"
    awk -v at="$line" -v file="$copy/$file.text" 'NR == at { getline text <file; print text; next } { print }' \
        "$file" >"$copy/$file" 2>/dev/null
    (
        cd "$copy" || exit 2
        if ! "${build[@]}" "$object" >/dev/null 2>&1 ||
            cmp -s "$object" "$object.original"; then
            echo same
            exit
        fi
        # shellcheck disable=SC2046
        pass $(cd "$OLDPWD" && tests_of "$file")
        case $? in
        0) echo survived ;;
        1) echo "killed $test" ;;
        *) echo same ;;
        esac
    )
    mv "$copy/$file.original" "$copy/$file"
    touch "$copy/$file"
    mv "$copy/$object.original" "$copy/$object"
    touch "$copy/$object"
}

# Works on the candidates whose turn it is until its share of COUNT is decided.
worker() {
    local number=$1 share=$2 decided=0 file line text verdict by test good=' '
    while [ "$decided" -lt "$share" ] && IFS=$'\t' read -r file line text <&3; do
        printf '%s\n' "$text" >"$work/$number/$file.text"
        read -r verdict by <<<"$(try "$number" "$file" "$line" "$text")"
        [ "$verdict" = same ] && continue
        # a test that fails anyway does not notice anything
        if [ "$verdict" = killed ] && [[ $good != *" $by "* ]]; then
            (cd "$work/$number" && pass "$by") || { echo "$by fails without a mutant" >&2; return 2; }
            good+="$by "
        fi
        decided=$((decided + 1))
        if [ "$verdict" = survived ] && awk -F'\t' -v file="$file" -v text="${text#"${text%%[! ]*}"}" \
            '$1 == file && $2 == text { found = 1 } END { exit !found }' tests/mutants/known; then
            verdict=known
        fi
        printf '%s\t%s:%s\t%s\n' "$verdict" "$file" "$line" "${text#"${text%%[! ]*}"}"
    done 3< <(awk -v jobs="$JOBS" -v number="$number" 'NR % jobs == number' "$work/candidates")
}

# shellcheck disable=SC2086
awk -f tests/mutants/candidates.awk $FILES |
    awk -v seed="$SEED" 'BEGIN { srand(seed) } { printf "%.9f\t%s\n", rand(), $0 }' | sort | cut -f 2- >"$work/candidates"
rm -f "$work"/result*
echo "mutants: $COUNT of $(wc -l <"$work/candidates"), seed $SEED"
for ((number = 0; number < JOBS; number++)); do
    : >"$work/result.$number"
    (prepare "$number" && worker "$number" $(((COUNT + number) / JOBS)) >"$work/result.$number") &
done
wait
cat "$work"/result.* | sort >"$work/result"
grep '^survived' "$work/result"
awk -F'\t' -v count="$COUNT" '{ n[$1]++ } END {
    all = NR; noticed = n["killed"] + n["known"]
    printf "%d mutants: %d killed, %d known to change nothing, %d survived\n", all, n["killed"], n["known"], n["survived"]
    exit !(all == count && noticed * 100 >= all * 90) }' "$work/result"
