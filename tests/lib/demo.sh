#!/bin/bash
# `make demo`: one nightly run over sample-batches/, against the simulator on a free loopback port.
# B is the folder of the programs. Ends 0 if jobs were applied and the run ended as it should.
set -u
cd "$(dirname "$0")/../.." || exit 2
top=$PWD
bin=$(cd "${B:-build/release}" && pwd) || exit 2

# Without the reader's own settings: this must never talk to anything but the simulator.
for name in $(compgen -e | grep -E '^(ROWFERRY|GENESYS|GENESYSCLOUD|ERP)_'); do
    unset "$name"
done

fail() {
    echo "demo: $*" >&2
    exit 1
}

title() {
    printf '\n== %s\n' "$*"
}

# show COMMAND...: prints it as a reader would type it, and runs it
show() {
    local word
    printf '$'
    for word in "$@"; do
        case $word in
        *' '*) printf ' "%s"' "$word" ;;
        *) printf ' %s' "${word#"$bin"/}" ;;
        esac
    done
    printf '\n'
    "$@" 2>&1
}

mkdir -p build/demo
folder=$(mktemp -d build/demo/night.XXXXXX) && mkdir "$folder/inbox" && cd "$folder" || exit 2
cp "$top"/sample-batches/* inbox/
ln -s "$top/schema" schema

sim= listener=
trap 'kill $listener $sim 2>/dev/null' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkfifo ready
# Every record has version 5 there; one account is refused, whatever is sent.
"$bin/genesys-sim" --with-parent --max-seconds 900 --base-version 5 --answer put:acc-100205=422 \
    --ledger ledger.ndjson --requests requests.ndjson >ready 2>simulator.log &
sim=$!
read -r -t 20 _ _ url <ready
rm ready
[[ ${url:-} == http://127.0.0.1:* ]] || fail "the simulator does not start: $(cat simulator.log)"
(umask 077 && cat >.env) <<ENV
GENESYS_ENVIRONMENT=$url
GENESYS_CLIENT_ID=sim-client
GENESYS_CLIENT_SECRET=sim-secret
ENV

title "A simulator of the API listens on $url; these files wait in $folder/inbox"
ls inbox

title 'A listener for what the platform reports, which delivers it to an ERP (the simulator plays that too)'
(umask 077 && echo a-secret-of-both >webhook-secret)
echo "$ rowferry listen 0 --webhook-secret-file webhook-secret --erp-endpoint $url/erp"
"$bin/rowferry" listen 0 --webhook-secret-file webhook-secret --erp-endpoint "$url/erp" >listener.out 2>listener.log &
listener=$!
until grep -q 'listening on' listener.log; do
    kill -0 $listener 2>/dev/null || fail "the listener does not start: $(cat listener.log)"
    sleep 0.1
done
grep 'listening on' listener.log
hook=$(sed -n 's/.*listening on //p' listener.log)/
curl -sf -o answer -X POST "$url/sim/config?webhook-url=$hook&webhook-secret=a-secret-of-both" ||
    fail 'the simulator does not take the address of the listener'

title 'The nightly run'
show "$bin/rowferry" run --rate none
status=$?
echo "(exit status $status)"
[ "$status" -eq 3 ] || fail "the run ended with status $status; 3 was expected"
cat <<'TEXT'

Status 3 is right here: everything was read and sent, and some rows did not get through. The samples
hold bad rows on purpose (one for each rule), two rows whose version is out of date (conflicts), and
one that the simulator refuses.
TEXT

title 'The status of every batch'
show "$bin/rowferry" status

title 'What happened to a record with three rows, version 5 each'
show sqlite3 -column -header rowferry.db \
    "SELECT row_no, line_no, version, sent_version, server_version, state FROM job_history
   WHERE record_id = 'ber-wh-1046'"

title 'What the server did not accept, and why'
show sqlite3 -column -header rowferry.db \
    "SELECT record_id, state, http_status, error_message FROM job_history
   WHERE state NOT IN ('applied', 'unchanged')"

applied=$(sqlite3 rowferry.db 'SELECT sum(applied) FROM batch_summary')
in_ledger=$(wc -l <ledger.ndjson)
[ "${applied:-0}" -gt 0 ] || fail 'no job was applied'
[ "$applied" -eq "$in_ledger" ] ||
    fail "$applied jobs are applied in the database, but $in_ledger in the simulator's ledger"

title "What the platform's audit log has of these updates"
show sqlite3 -column -header rowferry.db \
    "SELECT verdict, count(*) AS jobs, entry AS for_example FROM audit GROUP BY verdict"
verified=$(sqlite3 rowferry.db "SELECT count(*) FROM audit WHERE verdict = 'verified'")
[ "$verified" -eq "$applied" ] || fail "$applied jobs are applied, but $verified are verified in the audit log"

title 'Somebody else changes a record on the platform, and the change reaches the ERP'
curl -sf -o answer -X POST "$url/sim/records/InventoryItem/ber-wh-1042" \
    -d '{"fields": {"sku": "WH-1042", "quantity": 7, "price": 45.5, "status": "blocked"}}' ||
    fail 'the simulator does not change the record'
for ((i = 0; i < 200; i++)); do
    [ "$(sqlite3 rowferry.db "SELECT count(*) > $applied AND (SELECT count(*) FROM undelivered) = 0
        FROM notification")" -eq 0 ] || break
    sleep 0.1
done
kill -TERM $listener && wait $listener
[ $? -eq 143 ] || fail 'the listener did not end as it should'
listener=
cat listener.out
show sqlite3 -column -header rowferry.db \
    "SELECT state, count(*) AS notifications, min(reason) AS for_example FROM notification GROUP BY state"
printf '\nThe ERP got: '
sed -n 's/.*"kind":"erp".*"body":\(.*\)}$/\1/p' requests.ndjson
echoes=$(sqlite3 rowferry.db "SELECT count(*) FROM notification WHERE state = 'echo'")
[ "$(grep -c '"kind":"erp"' requests.ndjson)" -eq 1 ] || fail 'the ERP did not get the one change that is not ours'

[ "$echoes" -eq "$applied" ] || fail "$applied jobs are applied, but $echoes notifications are their echoes"

title "Done: $applied updates applied, and the simulator's own ledger counts as many"
cat <<TEXT
The database is kept, so that you can look further:

  cd $folder
  sqlite3 rowferry.db "SELECT source, line_no, messages FROM rejection"
  sqlite3 -column -header rowferry.db "SELECT * FROM run_summary"
  sqlite3 -column -header rowferry.db "SELECT job_id, method, sent_version, http_status, latency_us FROM attempt"

The files are in inbox/done, with the rejected rows next to them, to be fixed and put into the inbox again.
TEXT
