# The fault matrix: what can go wrong on the wire and at the login, each with its verdict, exit
# status and message, while the simulator's ledger shows that every update was applied once. A test
# is a row:
#
#   row SIM OPTIONS EXIT STATES ATTEMPTS MESSAGE
#
#   SIM       options of the simulator; --fault-limit 1 unless they name another
#   OPTIONS   of `rowferry run`, after --rate none --concurrency 1; @ means 127.0.0.1:PORT
#   EXIT      status
#   STATES    of the jobs at the end
#   ATTEMPTS  of the jobs one after the other: METHOD [STATUS][: ERROR OR EVIDENCE], as a pattern
#   MESSAGE   a part of stderr; where it is empty, stderr has no warning or error
#
# ROWS=3 before a row: as many records, A-1 to A-3, instead of one. Where jobs are left pending or
# unknown, the row ends with the fault gone and the same command again: 0, all of them applied.
# HEAL=KEY=VALUE: what the simulator has to be given for that, besides the end of faults and fixed
# answers. HEAL=none: nothing heals it.

CLOSED='the connection closed before an answer came'
OURS='GET 200: the record carries our correlation id'
LOST="GET 200: the record's version shows that it did not land"
TIMED_OUT='Operation timed out after * milliseconds with'
HTML='HTTP * with a body that is not a JSON object ("<html>*")'
AGAIN='then run the same command again; nothing was lost'

# matches PATTERN TEXT
matches() {
    # shellcheck disable=SC2053 # a pattern is meant
    [[ $2 == $1 ]] || { printf 'expected: %s\nis:       %s\n' "$1" "$2"; return 1; }
}

states() {
    sql "SELECT group_concat(line, ', ') FROM
         (SELECT state || ' ' || count(*) AS line FROM job GROUP BY state ORDER BY state)"
}

attempts() {
    sql "SELECT group_concat(line, ' > ') FROM
         (SELECT method || coalesce(' ' || http_status, '') ||
                 coalesce(': ' || nullif(coalesce(nullif(error, ''), evidence), ''), '') AS line
          FROM attempt ORDER BY job_id, id)"
}

# The ledger has every applied update once, and nothing else except updates of jobs that are still
# unknown.
ledger_agrees() {
    local unknown

    unknown=$(sql "SELECT json_group_array(record_id) FROM job WHERE state = 'unknown'")
    same "$(jq -r --argjson unknown "$unknown" 'select(.foreign | not) |
            select(.id | IN($unknown[]) | not) | "\(.id) \(.version)"' ledger | sort)" \
        "$(sql "SELECT record_id || ' ' || server_version FROM job WHERE state = 'applied'" | sort)"
    same "" "$(jq -r 'select(.foreign | not) | .correlation_id' ledger | sort | uniq -d)"
}

# lengthen FILE BYTES: its last row gets a cell of so many bytes
lengthen() {
    sed -i '1s/$/,warehouseLocation/' "$1"
    printf ',%*s\n' "$2" '' >>"$1"
    sed -i '2{N;s/\n//}' "$1"
}

heal() {
    curl -sf -o /dev/null -X POST "$GENESYS_ENVIRONMENT/sim/config?$1"
}

run_inbox() {
    run --separate-stderr rowferry run inbox --min-age 0 --rate none --concurrency 1 "$@"
}

row() {
    local simulator options

    read -ra simulator <<<"$1"
    start_sim --fault-limit 1 "${simulator[@]}"
    read -ra options <<<"${2//@/${GENESYS_ENVIRONMENT#*//}}"
    batch_file inbox/InventoryItem-a.csv "${ROWS:-1}"
    [ -z "${ROW_BYTES:-}" ] || lengthen inbox/InventoryItem-a.csv "$ROW_BYTES"
    run_inbox "${options[@]}"
    printf '%s\n' "$stderr"
    same "$3" "$status"
    matches "$4" "$(states)"
    matches "$5" "$(attempts)"
    if [ -n "$6" ]; then
        matches "*$6*" "$stderr"
    else
        matches 'rowferry: created the database */rowferry.db' "$stderr"
    fi
    ledger_agrees
    [ "$(sql "SELECT count(*) FROM job WHERE state IN ('pending', 'unknown')")" -gt 0 ] || return 0
    [ "${HEAL:-}" != none ] || return 0
    heal "fault=none&answer=all:=0&answer=token:=0${HEAL:+&$HEAL}"
    run_inbox
    same "0 applied ${ROWS:-1}" "$status $(states)"
    ledger_agrees
}
