# Shared by the tests of the command line. In a .bats file: `load lib`; setup and teardown are here
# for the files that need no others. Another setup() begins with `in_a_folder`.
#
#   ROWFERRY_BIN      the folder of the binaries (default build/release)
#   UPDATE_GOLDEN=1   golden files are written instead of compared

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
BIN=${ROWFERRY_BIN:-$TOP/build/release}
bats_require_minimum_version 1.5.0

# A fresh folder with the project's schemas in it, and no setting from outside.
in_a_folder() {
    local name

    for name in $(compgen -e | grep -E '^(ROWFERRY|GENESYS|GENESYSCLOUD|ERP)_' || true); do
        unset "$name"
    done
    export ROWFERRY_AUDIT=none # audit.bats says otherwise
    SIM=
    cd "$BATS_TEST_TMPDIR" || return 1
    cp -r "$TOP/schema" schema
}

setup() {
    in_a_folder
}

teardown() {
    stop_sim
}

rowferry() {
    "$BIN/rowferry" "$@"
}

# The commands of the program
commands() {
    rowferry --help | sed -n '/^Commands$/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p'
}

# ends STATUS COMMAND...: runs it, with output, stderr and status as `run --separate-stderr` sets
# them, and shows all of it when the status is another.
ends() {
    local expected=$1

    shift
    run --separate-stderr "$@"
    if [ "$status" -ne "$expected" ]; then
        printf 'status %s instead of %s: %s\n%s\n%s\n' "$status" "$expected" "$*" "$output" "$stderr"
        return 1
    fi
}

# same EXPECTED ACTUAL
same() {
    [ "$1" = "$2" ] && return
    diff -u <(printf '%s\n' "$1") <(printf '%s\n' "$2")
}

# holds TEXT PART: PART is in TEXT, as it is
holds() {
    case $1 in
    *"$2"*) return 0 ;; # not the status of what was before an || of the caller
    esac
    printf 'nothing of the kind "%s" in:\n%s\n' "$2" "$1"
    return 1
}

lacks() {
    ! holds "$1" "$2" >/dev/null || {
        printf '"%s" is in:\n%s\n' "$2" "$1"
        return 1
    }
}

# fails_with STATUS ERROR ARGUMENT...: rowferry ends so, with that error and nothing else
fails_with() {
    ends "$1" rowferry "${@:3}"
    same "rowferry: error: $2" "$stderr"
    same "" "$output"
}

# golden NAME: $output is what tests/golden/NAME holds
golden() {
    local file=$TOP/tests/golden/$1

    if [ -n "${UPDATE_GOLDEN:-}" ]; then
        printf '%s\n' "$output" >"$file"
    fi
    diff -u "$file" <(printf '%s\n' "$output")
}

# summary EXPRESSION: of jq, over the summary line in $output, which is its last line
summary() {
    printf '%s\n' "$output" | tail -n 1 | jq -r "select(.message_type == \"summary\") | $1"
}

# batch_file FILE ROWS [LETTER]: a CSV of InventoryItem without a fault; records A-1, A-2, ...
batch_file() {
    local i

    mkdir -p "$(dirname "$1")"
    echo record_id,version,sku,quantity,price,status >"$1"
    for ((i = 1; i <= $2; i++)); do
        echo "${3:-A}-$i,1,WH-1042,$i,1.50,active"
    done >>"$1"
    touch -d '1 hour ago' "$1"
}

# Starts a simulator, its `ledger` and `requests` next to the test; sets SIM (its process) and the
# environment and credentials of rowferry. More options of genesys-sim as arguments.
start_sim() {
    local url

    rm -f sim-ready
    mkfifo sim-ready
    "$BIN/genesys-sim" --with-parent --max-seconds 300 --ledger ledger --requests requests "$@" \
        >sim-ready 2>sim-errors 3>&- &
    SIM=$!
    read -r _ _ url <sim-ready
    [[ $url =~ ^https?://127\.0\.0\.1: ]] || { cat sim-errors; return 1; }
    export GENESYS_ENVIRONMENT=$url GENESYS_CLIENT_ID=sim-client GENESYS_CLIENT_SECRET=sim-secret
}

stop_sim() {
    [ -z "$SIM" ] || kill "$SIM" 2>/dev/null || true
    [ -z "$SIM" ] || wait "$SIM" 2>/dev/null || true
    SIM=
}

# eventually COMMAND...: until it succeeds, at most 20 s, or TRIES
eventually() {
    local deadline=$((SECONDS + ${TRIES:-20}))

    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
    done
}

run_inbox() {
    rowferry run inbox --min-age 0 --rate none "$@"
}

sql() {
    sqlite3 -batch rowferry.db "$1"
}

# The rows as the database has them: BATCH/ROW STATE
states() {
    sql "SELECT batch_id || '/' || row_no || ' ' || state FROM job ORDER BY id"
}

# setting KEY=VALUE[&...]: of the simulator, while it runs
setting() {
    curl -sf -o answer -X POST "$GENESYS_ENVIRONMENT/sim/config?$1"
}

# someone_else ID FIELDS [CORRELATION]: updates the record without our knowledge
someone_else() {
    curl -sf -o answer -X POST "$GENESYS_ENVIRONMENT/sim/records/InventoryItem/$1" \
        -d "{\"fields\":$2${3:+,\"correlationId\":\"$3\"}}"
}

# record ID: as the server has it, `VERSION FIELDS` with sorted names
record() {
    curl -sf "$GENESYS_ENVIRONMENT/sim/records/InventoryItem/$1" | jq -cS '[.version, .fields]'
}

# with_clock MS COMMAND...: runs it with a wall clock that is MS ahead
with_clock() {
    echo "$1" >clock_step
    shift
    CLOCK_STEP_FILE=$PWD/clock_step LD_PRELOAD=$BIN/clock_step.so "$@"
}

needs_clock() {
    [ -e "$BIN/clock_step.so" ] || skip "there is no clock to preload"
    [[ $BIN != *asan* && $BIN != *tsan* ]] || skip "a sanitizer is preloaded first"
}

# Sets CRASH_POINTS; a build without them (release) skips the test by name.
needs_crash_points() {
    . "$TOP/tests/crash/points.bash"
    find_crash_points || skip "the $(basename "$BIN") build has no crash points; debug and asan have"
}

# script(1) plays the terminal; not where it is missing, or has none to give.
needs_a_terminal() {
    script -qec true /dev/null >/dev/null 2>&1 || skip 'script(1) can make no terminal here'
}

# fields_of N: of the first N records as the server has them, byte for byte
fields_of() {
    local i

    for ((i = 1; i <= $1; i++)); do
        curl -sf "$GENESYS_ENVIRONMENT/sim/records/InventoryItem/A-$i" |
            sed 's/.*"fields":\(.*}\)}$/\1/; s/,"metadata":.*//'
    done
}
