# The scene in which each crash point of core/base/crash.c is reached, one line each: the point, the
# passage at which the process ends, what waits in the inbox, and what else is to be so.
#
#   rows      three files with a few rows, some of them wrong
#   long      a file of more rows than a chunk holds, nearly all of them wrong; as many of the others
#             are applied as are refused, which shows that the refusals are not our fault
#   torn      the same, cut short, so that it is refused when some of it is in
#   new       the database is not there yet
#   killed    an earlier run was killed amid its requests
#   limited   the API asks to wait for longer than --max-wait
#   changed   an earlier run was killed amid the reading of the file, and then the schema file changed
#   pruned    the run has come to its end, and it is a prune that is killed
#   notes     a file of notifications for the ERP, and it is a forward that is killed
CRASH_SCENES='
database-made       1    rows  new
database-set-up     1    rows  new
run-begun           1    rows
batch-begun         2    rows
batch-read          2    rows
keys-committed      1    rows
batch-opened        2    rows
folder-made         1    rows  new
sheet-written       1    rows
sheet-renamed       1    rows
file-renamed        1    rows
file-moved          2    rows
file-recorded       1    rows
drain-recovered     1    rows  killed
recover-committed   1    rows  killed
token-taken         1    rows
turn-written        3    rows
turn-committed      3    rows
claims-taken        2    rows
request-started     40   rows
answer-taken        25   rows
answer-decided       25   rows
turn-ready          2    rows
pause-written       1    rows  limited
audits-begun        1    rows
audit-started       3    rows
audit-answered      2    rows
audits-written      1    rows
audits-done         1    rows
run-ended           1    rows
chunk-committed     1    long
batch-refused       1    torn
discard-committed   1    torn
rejects-forgotten   1    long  changed
prune-marked        1    rows  pruned
prune-committed     1    rows  pruned
notification-read       1  none  notes
notification-committed  1  none  notes
delivery-started        7  none  notes
delivery-answered       2  none  notes
delivery-settled        2  none  notes
'

# Is this a build with crash points? Sets CRASH_POINTS, their names.
find_crash_points() {
    CRASH_POINTS=$(ROWFERRY_CRASH=list "$BIN/rowferry" 2>&1 | sed -n "s/.*'list' is not one of: //p")
    [ -n "$CRASH_POINTS" ]
}

# Every point has a scene, and every scene a point.
scenes_are_complete() {
    diff <(tr ' ' '\n' <<<"$CRASH_POINTS" | sort) <(awk 'NF { print $1 }' <<<"$CRASH_SCENES" | sort)
}

# crash_at POINT PASSAGE [OPTION...]: runs, and 1 if that did not end by SIGKILL
crash_at() {
    local point=$1:$2 status

    shift 2
    # the braces keep the shell's own word about it out of the report
    { ROWFERRY_CRASH=$point timeout 120 "$BIN/rowferry" "${CRASH_RUN[@]}" "$@" >out 2>&1; } 2>/dev/null
    status=$?
    [ $status -eq 137 ] || { echo "$point was not reached: status $status"; tail -n 5 out; return 1; }
}

# The files of a scene.
feed_scene() {
    case $1 in
    rows)
        feed 60 csv 5
        feed 60 ndjson 5
        feed 30 csv 5
        ;;
    long) feed 18000 csv 98 ;;
    torn)
        feed 40 csv
        feed 18000 csv 99 torn
        ;;
    esac
}

# play_prune POINT PASSAGE: a prune of all that was sent, killed; the next one, which leaves no row;
# and the files again, which are known
play_prune() {
    local CRASH_RUN=(prune --older-than 0s --yes) left applied

    crash_at "$1" "$2" || return
    "$BIN/rowferry" "${CRASH_RUN[@]}" >out 2>&1 || { cat out; return 1; }
    left=$(sqlite3 "$DB" 'PRAGMA integrity_check; SELECT count(*) FROM batch WHERE emptied_ms IS NULL;
        SELECT (SELECT count(*) FROM job_row) + (SELECT count(*) FROM attempt)
             + (SELECT count(*) FROM record_job) + (SELECT count(*) FROM rejected_row)' | tr '\n' ' ')
    [ "$left" = 'ok 0 0 ' ] || { echo "the next prune left $left"; return 1; }
    applied=$(wc -l <ledger)
    cp -p inbox/done/InventoryItem-??????.{csv,ndjson} inbox || return
    CRASH_RUN=(run inbox --min-age 0) && run_to_the_end || return
    [ "$applied" -eq "$(wc -l <ledger)" ] || { echo 'files were read again after a prune'; return 1; }
}

# play_forward POINT PASSAGE: a forward of 40 notifications of 5 records, killed; the next one, after
# which the ERP has each of them, and those of a record in their order
play_forward() {
    local CRASH_RUN=(forward notes.ndjson --erp-endpoint "$URL/erp" --concurrency 4) wrong

    seq 40 | jq -c '{action: "update", schemaName: "InventoryItem", record: {id: "N-\(. % 5)",
        modifiedTime: "2026-11-29T10:00:\(. + 10).000Z", modifiedBy: {id: "u"}, fields: {n: .}}}' >notes.ndjson
    crash_at "$1" "$2" || return
    "$BIN/rowferry" "${CRASH_RUN[@]}" >out 2>&1 || { cat out; return 1; }
    [ "$(sqlite3 "$DB" 'PRAGMA integrity_check; SELECT count(*) FROM undelivered')" = $'ok\n0' ] ||
        { echo 'notifications were left'; return 1; }
    # the ERP has each, and a repeated one only before the next of its record
    jq -s 'map(select(.kind == "erp" and .applied)) | group_by(.id) | map(map(.body.fields.n))' requests >got
    wrong=$(jq -c '(flatten | unique) != [range(1; 41)] or any(.[]; . != sort)' got)
    [ "$wrong" = false ] || { echo "the ERP got $(jq -c . got)"; return 1; }
}

# play_scene POINT PASSAGE FILES WHAT: the kill, what it left, and the way from there to the end
play_scene() {
    local limit=()

    feed_scene "$3"
    case $4 in
    killed) crash_at answer-taken 5 || return ;;
    changed)
        crash_at chunk-committed 1 || return
        echo >>schema/InventoryItem.json
        ;;
    limited)
        world_change 'rate-limit=3/h&retry-after=2' || return
        limit=(--max-wait 1)
        ;;
    pruned)
        world_is_right && play_prune "$1" "$2"
        return
        ;;
    notes)
        play_forward "$1" "$2"
        return
        ;;
    esac
    crash_at "$1" "$2" "${limit[@]}" || return
    [ "$4" != limited ] || world_change rate-limit=none || return
    check kill.sql && world_is_right
}
