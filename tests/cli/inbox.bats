# The inbox: which files are ready, where they go, and that a kill at any point neither loses a file
# nor reads one twice.
load lib

setup() {
    in_a_folder
    MOUNTS=()
}

teardown() {
    local folder

    stop_sim
    for folder in "${MOUNTS[@]}"; do
        umount "$folder"
    done
    rm -rf "${ELSEWHERE:-}"
}

# rows FILE COUNT WRONG [PREFIX]: a CSV of InventoryItem of which every WRONG-th row is rejected (and
# all but the first of every 500, where WRONG is `most`)
rows() {
    mkdir -p "$(dirname "$1")"
    awk -v rows="$2" -v wrong="$3" -v prefix="${4:-A}" 'BEGIN {
        print "record_id,version,sku,quantity"
        for (i = 1; i <= rows; i++) {
            bad = wrong == "most" ? i % 500 != 1 : wrong && i % wrong == 0
            printf "%s-%d,1,WH-%04d,%d\n", prefix, i, i % 10000, bad ? -1 : i % 500
        }
    }' >"$1"
}

# everything below a folder, one per line
below() {
    (cd "$1" && find . -mindepth 1 -printf '%P\n' | LC_ALL=C sort)
}

# Runs as a user who is not root, which only root can become.
as_nobody() {
    "${AS_NOBODY[@]}" "$BIN/rowferry" "$@"
}

become_nobody() {
    [ "$(id -u)" -eq 0 ] || skip 'only root can be another user'
    AS_NOBODY=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_SUITE_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")" "$BATS_TEST_TMPDIR"
    chown 65534:65534 .
    export ROWFERRY_DB=$PWD/rowferry.db
}

### a kill at every point

# killed POINT [PASSAGE]: one run that ends there; sets KILLED to 137, or to its status if it did not
killed() {
    KILLED=0
    { ROWFERRY_CRASH=$1:${2:-1} timeout 120 "$BIN/rowferry" run inbox --min-age 0 --rate none >out 2>&1; } 2>/dev/null ||
        KILLED=$?
}

# Checks the state after the last run, whatever came before it: $1 the file in the inbox, $2 the
# number of valid rows.
each_row_once() {
    local name=${1##*/} folder=

    [ "$1" = "$name" ] || folder=${1%/*}$'\n'
    same ok "$(sql 'PRAGMA integrity_check')"
    same "1|1" "$(sql 'SELECT count(*), sum(filed_ms > 0) FROM batch')"
    if [ "$2" -eq 0 ]; then
        same "${folder}refused
refused/$name
refused/$name.error.txt" "$(below inbox)"
        same "refused|0" "$(sql 'SELECT state, jobs FROM batch_summary')"
        [ -s "inbox/refused/$name.error.txt" ]
    else
        same "${folder:+$folder}done
done/$name
done/$name.errors.tsv
done/$name.rejected.csv" "$(below inbox | LC_ALL=C sort -r | LC_ALL=C sort)"
        same "done|$2" "$(sql 'SELECT state, applied FROM batch_summary')"
        same "$(sql 'SELECT rows_rejected + 1 FROM batch_summary')" "$(wc -l <"inbox/done/$name.rejected.csv")"
        same "$(sql 'SELECT count(*) + 1 FROM violation')" "$(wc -l <"inbox/done/$name.errors.tsv")"
    fi
    same "$2 $2" "$(grep -c "\"$PREFIX-" ledger || true) $(jq -r .id ledger | grep "^$PREFIX-" | sort -u | wc -l)"
}

# killed_at_all FILE POINT...: one kill and two for each; the function `make_file` makes the file with
# records $PREFIX-... and sets VALID to the number of valid rows
killed_at_all() {
    local file=$1 point times i ended twice=0 reached=0

    shift
    start_sim
    for point in "$@"; do
        for times in 1 2; do
            rm -rf inbox rowferry.db*
            PREFIX=R$((++reached))
            make_file "$point"
            ended=
            for ((i = 1; i <= times; i++)); do
                killed $point
                [ $KILLED -eq 137 ] && continue
                [ $i -gt 1 ] || { echo "$point was not reached: $KILLED"; cat out; return 1; }
                ended=$KILLED
            done
            [ $times -eq 1 ] || [ -n "$ended" ] || twice=$((twice + 1))
            run --separate-stderr run_inbox
            echo "$point, killed $times times: $status after ${ended:-a kill} $stderr"
            # rows of work that was finished before a command starts are not its own
            case $VALID:$point:$ended in
            0:file-recorded:*) same "${ended:+0 }0" "${ended:+$ended }$status" ;;
            *:[0-9]*) same "3 0" "$ended $status" ;;
            *) same 3 "$status" ;;
            esac
            each_row_once "$file" "$VALID"
        done
    done
    # a recovery passes most points again
    [ "$twice" -ge 5 ]
}

LOADING_POINTS='batch-begun chunk-committed batch-read keys-committed batch-opened'
REFUSING_POINTS='batch-begun chunk-committed batch-refused discard-committed'
FILING_POINTS='folder-made sheet-written sheet-renamed file-renamed file-moved file-recorded'

@test "killed at any point, a file with rejected rows is read once" {
    needs_crash_points
    make_file() {
        local count=20 wrong=4

        VALID=15
        [ "$1" != chunk-committed ] || count=16900 wrong=most VALID=34
        rows inbox/InventoryItem-a.csv $count $wrong "$PREFIX"
    }
    # also the second of the sheets
    killed_at_all InventoryItem-a.csv $LOADING_POINTS $FILING_POINTS 'sheet-written 2' 'sheet-renamed 2'
}

@test "killed at any point, a file that is refused is refused once" {
    needs_crash_points
    make_file() {
        VALID=0
        rows all.csv 17500 most "$PREFIX"
        mkdir inbox
        gzip -c all.csv | head -c -20 >inbox/InventoryItem-a.csv.gz
    }
    killed_at_all InventoryItem-a.csv.gz $REFUSING_POINTS $FILING_POINTS
}

@test "killed at any point, a file of a sub-folder is read once" {
    needs_crash_points
    make_file() {
        local count=20 wrong=4

        VALID=15
        [ "$1" != chunk-committed ] || count=16900 wrong=most VALID=34
        rows inbox/InventoryItem/export.csv $count $wrong "$PREFIX"
    }
    killed_at_all InventoryItem/export.csv $LOADING_POINTS $FILING_POINTS
}

@test "these are all points of the intake" {
    needs_crash_points
    same "$(tr ' ' '\n' <<<"$LOADING_POINTS $REFUSING_POINTS $FILING_POINTS" | sort -u)" \
        "$(tr ' ' '\n' <<<"$CRASH_POINTS" | grep -E '^(batch|chunk|keys|discard|folder|sheet|file)-' | sort)"
}

### ready or not

@test "a file that a process has open for writing is left for later, exit 5" {
    start_sim
    rows inbox/InventoryItem-a.csv 5 0
    rows inbox/InventoryItem-b.csv 5 0 B
    exec {writer}>>inbox/InventoryItem-a.csv
    run --separate-stderr run_inbox --json
    [ "$status" -ne 0 ] || skip 'no leases for this user on this file system'
    same 5 "$status"
    holds "$output" '"message": "inbox/InventoryItem-a.csv is still open for writing: run the same command again when it is complete"'
    same "1 1" "$(summary '"\(.files) \(.files_growing)"')"
    exec {writer}>&-
    ends 0 run_inbox
    same 10 "$(wc -l <ledger)"
}

### sub-folders

@test "a sub-folder named like a schema sets the schema, and its files go to the same done/" {
    start_sim
    rows inbox/InventoryItem/export.csv 10 5
    rows inbox/InventoryItem-b.csv 4 0 B
    mkdir inbox/Invoices inbox/.git
    ends 3 run_inbox
    holds "$stderr" 'inbox/Invoices is a folder without a schema of that name: ignored'
    lacks "$stderr" .git
    holds "$stderr" 'inbox/done/export.csv.rejected.csv has the rejected rows: fix them and put the file into inbox/InventoryItem;'
    same "inbox/InventoryItem-b.csv|InventoryItem
inbox/InventoryItem/export.csv|InventoryItem" "$(sql 'SELECT source, schema FROM batch ORDER BY id')"
    same ".git
InventoryItem
Invoices
done
done/InventoryItem-b.csv
done/export.csv
done/export.csv.errors.tsv
done/export.csv.rejected.csv" "$(below inbox)"
    sed 's/,-1$/,1/' inbox/done/export.csv.rejected.csv >inbox/InventoryItem/export.csv
    ends 0 run_inbox
    same 14 "$(jq -r .id ledger | sort -u | wc -l)"
    [ -e inbox/done/export.3.csv ]
}

@test "an invalid schema file blocks its sub-folder, and --schema overrides the folder" {
    start_sim
    rows inbox/InventoryItem/export.csv 5 0
    rows inbox/CustomerAccount/export.csv 5 0 C
    ends 0 run_inbox --schema InventoryItem
    same InventoryItem "$(sql 'SELECT DISTINCT schema FROM batch')"
    rows inbox/InventoryItem/export.csv 6 0 D
    echo '{"type": 5}' >schema/InventoryItem.json
    ends 2 run_inbox
    holds "$stderr" 'held back: inbox/InventoryItem/export.csv: schema/InventoryItem.json: '
    [ -e inbox/InventoryItem/export.csv ]
}

@test "a sub-folder on another file system is named and not read" {
    start_sim
    mkdir -p inbox/InventoryItem
    mount -t tmpfs -o size=1m tmpfs inbox/InventoryItem 2>/dev/null || skip 'no right to mount'
    MOUNTS+=("$PWD/inbox/InventoryItem")
    rows inbox/InventoryItem/export.csv 5 0
    rows inbox/InventoryItem-b.csv 5 0 B
    ends 2 run_inbox
    holds "$stderr" 'inbox/InventoryItem is on another file system, so that no file of it can move to done/'
    same "inbox/InventoryItem-b.csv" "$(sql 'SELECT source FROM batch')"
    [ -e inbox/InventoryItem/export.csv ]
    # it works as an inbox by itself
    ends 0 rowferry run inbox/InventoryItem --min-age 0 --rate none --schema InventoryItem
    [ -e inbox/InventoryItem/done/export.csv ]
}

@test "files that cannot be moved out of a mounted folder are named each time and read once" {
    local night

    start_sim
    mkdir -p inbox/InventoryItem other
    mount --bind other inbox/InventoryItem 2>/dev/null || skip 'no right to mount'
    MOUNTS+=("$PWD/inbox/InventoryItem")
    rows inbox/InventoryItem/a.csv 5 0
    rows inbox/InventoryItem/b.csv 5 0 B
    for night in 1 2 3; do
        ends 2 run_inbox
        holds "$stderr" 'inbox/InventoryItem/b.csv to '
        holds "$stderr" 'they are different file systems: move the file by hand'
        same 2 "$(sql 'SELECT count(*) FROM batch')"
    done
    same 10 "$(wc -l <ledger)"
}

### whose they are

@test "users who can write a file to the inbox can read its sheets" {
    start_sim
    rows inbox/InventoryItem-a.csv 10 5
    chmod 640 inbox/InventoryItem-a.csv
    printf 'record_id,skuu\n' >inbox/InventoryItem-b.csv
    chmod 664 inbox/InventoryItem-b.csv
    chmod 2775 inbox
    ends 3 run_inbox
    same "2775 done
640 done/InventoryItem-a.csv
640 done/InventoryItem-a.csv.errors.tsv
640 done/InventoryItem-a.csv.rejected.csv
2775 refused
664 refused/InventoryItem-b.csv
644 refused/InventoryItem-b.csv.error.txt" "$(cd inbox && find . -mindepth 1 -printf '%m %P\n' | LC_ALL=C sort -k2)"
    same 600 "$(stat -c %a rowferry.db)"
}

@test "a sub-folder that this user cannot read is exit 3, and the others are read" {
    become_nobody
    start_sim
    rows inbox/InventoryItem/a.csv 5 0
    rows inbox/InventoryItem-b.csv 5 0 B
    chown -R 65534:65534 inbox
    chown 0:0 inbox/InventoryItem
    chmod 700 inbox/InventoryItem
    ends 3 as_nobody run inbox --min-age 0 --rate none
    holds "$stderr" 'inbox/InventoryItem cannot be read: let this user read the folder, then run the same command again'
    [ -e inbox/done/InventoryItem-b.csv ]
}

@test "a file that this user cannot read is named with what to do" {
    become_nobody
    start_sim
    rows inbox/InventoryItem-a.csv 5 0
    chmod 600 inbox/InventoryItem-a.csv
    chmod 777 inbox
    ends 3 as_nobody run inbox --min-age 0 --rate none
    holds "$stderr" 'left alone: inbox/InventoryItem-a.csv: cannot read inbox/InventoryItem-a.csv: Permission denied: let this user read it, then run the same command again'
    [ -e inbox/InventoryItem-a.csv ]
}

@test "files that cannot leave a sticky folder are named each time and read once" {
    local night

    become_nobody
    start_sim
    rows inbox/InventoryItem-a.csv 5 0
    rows inbox/InventoryItem-b.csv 5 0 B
    chmod 1777 inbox
    for night in 1 2 3; do
        ends 2 as_nobody run inbox --min-age 0 --rate none
        holds "$stderr" 'InventoryItem-b.csv: Operation not permitted: only its owner can move a file out of a sticky folder'
        same 2 "$(sql 'SELECT count(*) FROM batch')"
    done
    same 10 "$(wc -l <ledger)"
    chmod 777 inbox
    ends 0 as_nobody run inbox --min-age 0 --rate none
    same 2 "$(sql 'SELECT count(*) FROM batch WHERE filed_ms > 0')"
    same "done
done/InventoryItem-a.csv
done/InventoryItem-b.csv" "$(below inbox)"
}

@test "files of a read-only inbox are read once, and each run says what to do" {
    become_nobody
    start_sim
    rows inbox/InventoryItem-a.csv 5 0
    chmod 755 inbox
    ends 2 as_nobody run inbox --min-age 0 --rate none
    holds "$stderr" 'cannot create folder inbox/done: Permission denied: let this user write in inbox'
    ends 2 as_nobody run inbox --min-age 0 --rate none
    same "1 5" "$(sql 'SELECT count(*) FROM batch') $(wc -l <ledger)"
}

### where it is

@test "an inbox on another file system than the database and the working directory" {
    local place=/dev/shm

    start_sim
    [ "$(stat -c %d /dev/shm)" != "$(stat -c %d .)" ] || place=/tmp
    [ "$(stat -c %d $place)" != "$(stat -c %d .)" ] || skip 'there is one file system'
    ELSEWHERE=$(mktemp -d $place/inbox.XXXXXX)
    rows "$ELSEWHERE/InventoryItem-a.csv" 10 5
    printf 'record_id,skuu\n' >"$ELSEWHERE/InventoryItem-b.csv"
    ends 3 rowferry run "$ELSEWHERE" --min-age 0 --rate none
    same "done
done/InventoryItem-a.csv
done/InventoryItem-a.csv.errors.tsv
done/InventoryItem-a.csv.rejected.csv
refused
refused/InventoryItem-b.csv
refused/InventoryItem-b.csv.error.txt" "$(below "$ELSEWHERE")"
    same 8 "$(wc -l <ledger)"
}

@test "an inbox can be a link, end in a slash, or be the current folder; single files stay" {
    local path

    start_sim
    mkdir inbox
    ln -s inbox link
    for path in link link/ inbox/// ./inbox "$PWD/inbox/." inbox/../inbox; do
        rows inbox/InventoryItem-a.csv 5 0 "$(echo "$path" | tr -c 'A-Za-z\n' _)"
        ends 0 rowferry run "$path" --min-age 0 --rate none
        [ ! -e inbox/InventoryItem-a.csv ]
    done
    rows inbox/InventoryItem-a.csv 5 0 dot
    (cd inbox && ends 0 rowferry run . --min-age 0 --rate none --db ../rowferry.db --schemas ../schema)
    [ ! -e inbox/InventoryItem-a.csv ]
    same 7 "$(find inbox/done -type f | wc -l)"
    rows inbox/InventoryItem-a.csv 5 0 named
    ends 0 rowferry run inbox/InventoryItem-a.csv --rate none
    ends 0 rowferry run inbox/InventoryItem-a.csv --rate none
    holds "$stderr" 'was read before, as batch 8'
    [ -e inbox/InventoryItem-a.csv ]
    same 40 "$(wc -l <ledger)"
}

@test "names of any bytes are read, moved, and printed without control characters" {
    local names=($'InventoryItem-new\nline.csv' $'InventoryItem-\e[31m.csv' $'InventoryItem-\xff\xfe.csv'
        'InventoryItem- sp ace .csv' 'InventoryItem-%s%n.csv' "InventoryItem-$(printf 'n%.0s' {1..237}).csv")
    local night n=0 name dash=$'-rf\t.csv'

    start_sim
    mkdir -p inbox/InventoryItem
    for night in 1 2 3; do
        for name in "${names[@]}"; do
            rows "inbox/$name" 4 2 "N$((++n))"
        done
        rows "./inbox/InventoryItem/$dash" 4 2 "N$((++n))"
        ends 3 run_inbox
        same 0 "$(printf '%s' "$stderr$output" | tr -d '\n' | grep -c -a -P '[\x00-\x1f\x7f]' || true)"
    done
    same "21|21" "$(sql 'SELECT count(*), sum(filed_ms > 0) FROM batch')"
    same 42 "$(wc -l <ledger)"
    same 63 "$(find inbox/done -type f -printf x | wc -c)"
    same "" "$(find inbox -maxdepth 1 -type f)"
    [ -e "inbox/done/${dash%.csv}.8.csv.rejected.csv" ]
}

### known or not

@test "A, B and A again are three batches, and a refused file is never a duplicate" {
    local file batch

    start_sim
    rows A 5 0
    rows B 5 0 B
    mkdir inbox
    for file in A B A A; do
        cp $file inbox/InventoryItem-x.csv
        # the third time, the values of A are older than those on the server
        run --separate-stderr run_inbox
    done
    holds "$stderr" "'inbox/InventoryItem-x.csv' was read before, as batch 3; --force reads it again"
    same 0 "$status"
    same "1
2
3" "$(sql 'SELECT id FROM batch')"
    same "InventoryItem-x.2.csv
InventoryItem-x.3.2.csv
InventoryItem-x.3.csv
InventoryItem-x.csv" "$(below inbox/done)"
    for batch in 4 5; do
        printf 'record_id,skuu\n' >inbox/InventoryItem-x.csv
        ends 3 run_inbox
        same "refused" "$(sql "SELECT state FROM batch WHERE id = $batch")"
    done
    cp A inbox/InventoryItem-x.csv
    ends 0 run_inbox
    holds "$stderr" 'was read before, as batch 3'
    cp A inbox/InventoryItem-x.csv
    ends 0 run_inbox --force
    same 6 "$(sql 'SELECT max(id) FROM batch')"
}

@test "a file is a duplicate while its first batch is still open" {
    rows inbox/InventoryItem-a.csv 5 0
    export GENESYS_ENVIRONMENT=http://127.0.0.1:1 GENESYS_CLIENT_ID=x GENESYS_CLIENT_SECRET=y
    ends 5 run_inbox --max-retries 0
    rows inbox/InventoryItem-a.csv 5 0
    ends 5 run_inbox --max-retries 0
    holds "$stderr" 'was read before, as batch 1'
    same "1|open" "$(sql 'SELECT count(*), state FROM batch')"
    [ -e inbox/done/InventoryItem-a.1.csv ]
}

@test "--keep leaves files in place, and none is read twice, with one or two per schema" {
    local night

    start_sim
    rows inbox/InventoryItem-a.csv 10 5
    rows inbox/InventoryItem-b.csv 5 0 B
    rows inbox/InventoryItem/c.csv 5 0 C
    before=$(below inbox)
    ends 3 run_inbox --keep
    for night in 2 3; do
        ends 0 run_inbox --keep
        holds "$stderr" "'inbox/InventoryItem-a.csv' was read before, as batch 1"
        holds "$stderr" "'inbox/InventoryItem/c.csv' was read before, as batch 3"
    done
    same "$before" "$(below inbox)"
    ends 0 run_inbox
    same "InventoryItem
done
done/InventoryItem-a.csv
done/InventoryItem-a.csv.errors.tsv
done/InventoryItem-a.csv.rejected.csv
done/InventoryItem-b.csv
done/c.csv" "$(below inbox)"
    same "3 18" "$(sql 'SELECT count(*) FROM batch') $(wc -l <ledger)"
}

@test "a file after a crash before the move is not a duplicate, nor with --keep" {
    needs_crash_points
    start_sim
    rows inbox/InventoryItem-a.csv 5 0
    killed batch-opened
    same 137 $KILLED
    ends 0 run_inbox --keep
    holds "$stderr" 'was read before, as batch 1'
    [ -e inbox/InventoryItem-a.csv ]
    rows inbox/InventoryItem-b.csv 5 0 B
    ends 0 run_inbox --keep
    ends 0 run_inbox --keep
    ends 0 run_inbox
    same "2 10" "$(sql 'SELECT count(*) FROM batch') $(wc -l <ledger)"
    same "done
done/InventoryItem-a.csv
done/InventoryItem-b.csv" "$(below inbox)"
}

### asked again after the move

# Reads a file in the background, and waits until it is being read. Sets RUN.
read_in_background() {
    rows inbox/InventoryItem-a.csv 300000 most
    "$BIN/rowferry" run inbox --min-age 0 --rate none >out 2>&1 3>&- &
    RUN=$!
    eventually is_being_read
}

is_being_read() {
    [ "$(sqlite3 -batch rowferry.db "SELECT state FROM batch" 2>&1)" = loading ]
}

@test "a file that is opened for writing while it is read stays in the inbox and is named" {
    local writer code

    start_sim
    read_in_background
    exec {writer}>>inbox/InventoryItem-a.csv
    wait "$RUN" && code=0 || code=$?
    same 5 "$code"
    grep -q 'inbox/InventoryItem-a.csv is still open for writing: run the same command again when it is complete' out || skip 'no leases here'
    [ -e inbox/InventoryItem-a.csv ]
    same "" "$(sql 'SELECT filed_ms FROM batch')"
    exec {writer}>&-
    ends 0 run_inbox
    [ ! -e inbox/InventoryItem-a.csv ]
    same "1|1" "$(sql 'SELECT count(*), sum(filed_ms > 0) FROM batch')"
}

@test "a file that replaces another one while that is read is not moved unread" {
    local code

    start_sim
    rows later.csv 5 0 B
    read_in_background
    mv later.csv inbox/InventoryItem-a.csv
    wait "$RUN" || true
    ends 0 run_inbox
    same 5 "$(sql "SELECT count(*) FROM job WHERE record_id LIKE 'B-%'")"
}

### whose names they are

@test "rejected rows that are put into the inbox again are not overwritten as a sheet" {
    start_sim
    rows inbox/InventoryItem-a.csv 4 2
    ends 3 run_inbox
    sed 's/,-1$/,1/' inbox/done/InventoryItem-a.csv.rejected.csv >fixed
    rm inbox/done/InventoryItem-a.csv.rejected.csv
    mv fixed inbox/InventoryItem-a.csv.rejected.csv
    ends 0 run_inbox
    [ -e inbox/done/InventoryItem-a.csv.rejected.csv ]
    # a file of the first name, whose sheet would get that name
    rm inbox/done/InventoryItem-a.csv
    rows inbox/InventoryItem-a.csv 4 2 B
    ends 3 run_inbox
    holds "$(cat inbox/done/InventoryItem-a.csv.rejected.csv)" A-2
    holds "$(cat inbox/done/InventoryItem-a.csv.3.rejected.csv)" B-2
}

@test "a file that --keep left and a later run moves gets its sheets" {
    start_sim
    rows inbox/InventoryItem-a.csv 4 2
    ends 3 run_inbox --keep
    same InventoryItem-a.csv "$(below inbox)"
    ends 0 run_inbox
    same "done
done/InventoryItem-a.csv
done/InventoryItem-a.csv.errors.tsv
done/InventoryItem-a.csv.rejected.csv" "$(below inbox)"
    same "2" "$(grep -c -- -1 inbox/done/InventoryItem-a.csv.rejected.csv)"
    same 2 "$(wc -l <ledger)"
}

@test "a refused file that stays is refused once, until its schema or the options change" {
    local night

    start_sim
    printf 'record_id,version,skuu\nA-1,1,x\n' >inbox-file
    mkdir inbox
    mv inbox-file inbox/InventoryItem-a.csv
    for night in 1 2 3; do
        ends 3 run_inbox --keep
        holds "$stderr" 'unknown column'
        same 1 "$(sql 'SELECT count(*) FROM batch')"
    done
    ends 3 run_inbox --keep --delimiter ,
    same 2 "$(sql 'SELECT count(*) FROM batch')"
    jq '.properties.skuu = {"type": "string"}' schema/InventoryItem.json >changed
    mv changed schema/InventoryItem.json
    run --separate-stderr run_inbox --keep
    same 3 "$(sql 'SELECT count(*) FROM batch')"
}

@test "a refused file that cannot be moved is refused once" {
    local night

    become_nobody
    start_sim
    printf 'record_id,version,skuu\nA-1,1,x\n' >refused.csv
    mkdir inbox
    mv refused.csv inbox/InventoryItem-a.csv
    chmod 1777 inbox
    for night in 1 2 3; do
        ends 2 as_nobody run inbox --min-age 0 --rate none
        holds "$stderr" 'Operation not permitted'
        same 1 "$(sql 'SELECT count(*) FROM batch')"
    done
    chmod 777 inbox
    ends 3 as_nobody run inbox --min-age 0 --rate none
    same "refused
refused/InventoryItem-a.csv
refused/InventoryItem-a.csv.error.txt" "$(below inbox)"
    ends 0 as_nobody run inbox --min-age 0 --rate none
}

### what an earlier command left

@test "an unfinished file is read with its own options, not with those of the next command" {
    needs_crash_points
    start_sim
    rows inbox/InventoryItem-a.csv 40000 10
    killed chunk-committed
    same 137 $KILLED
    sed 's/,/;/g' inbox/InventoryItem-a.csv | sed 's/^A-/B-/' | head -n 3 >other.csv
    run --separate-stderr rowferry ingest --schema InventoryItem --delimiter ';' --max-errors 0 --min-rows 2 other.csv
    same "1|open|36000
2|open|2" "$(sql 'SELECT batch_id, state, jobs FROM batch_summary')"
}

@test "files of a schema wait for an earlier unfinished one" {
    needs_crash_points
    start_sim
    rows inbox/InventoryItem-a.csv 40000 0
    sed -i 's/^record_id,version/record_id/; s/^\(A-[0-9]*\),1,/\1,/' inbox/InventoryItem-a.csv
    jq '."x-rowferry".version = "fetch"' schema/InventoryItem.json >changed
    mv changed schema/InventoryItem.json
    killed chunk-committed
    same 137 $KILLED
    mv inbox/InventoryItem-a.csv away
    mkdir inbox/InventoryItem-a.csv
    printf 'record_id,sku,quantity\nA-1,WH-7777,7\n' >inbox/InventoryItem-b.csv
    ends 5 run_inbox
    holds "$stderr" 'inbox/InventoryItem-b.csv waits for batch 1, whose file inbox/InventoryItem-a.csv is not read completely'
    same 1 "$(sql 'SELECT count(*) FROM batch')"
    rmdir inbox/InventoryItem-a.csv
    head -n 20000 away >inbox/InventoryItem-a.csv
    run --separate-stderr run_inbox --max-time 60
    same 7 "$(record A-1 | jq '.[1].quantity')"
}

### what is not ours

@test "temporary names, markers and desktop files are not read, counted and named once" {
    local name

    start_sim
    rows inbox/InventoryItem-a.csv 4 0
    for name in InventoryItem-b.csv.1a2b.partial InventoryItem-b.csv.crdownload InventoryItem-b.csv.writing \
        InventoryItem-b.csv~ InventoryItem-a.csv.done _SUCCESS desktop.ini Thumbs.db notes.xlsx .hidden; do
        rows "inbox/$name" 2 0 B
    done
    ends 0 run_inbox --json
    same "1 9" "$(summary '"\(.files) \(.files_left)"')"
    same 1 "$(grep -c 'InventoryItem-b.csv.1a2b.partial' <<<"$output")"
    holds "$output" 'left alone: inbox/InventoryItem-a.csv.done, inbox/InventoryItem-b.csv.1a2b.partial'
    [ -e inbox/InventoryItem-b.csv.1a2b.partial ]
    # the rename of the writer works, and the file is read
    mv inbox/InventoryItem-b.csv.1a2b.partial inbox/InventoryItem-b.csv
    ends 0 run_inbox
    same 6 "$(wc -l <ledger)"
}

@test "--ignore skips files by pattern" {
    start_sim
    rows inbox/InventoryItem-a.csv 4 0
    rows inbox/InventoryItem-test-a.csv 4 0 B
    rows inbox/other.csv 4 0 C
    ends 0 run_inbox --ignore 'InventoryItem-test-*,o*.csv' --json
    same "1 2" "$(summary '"\(.files) \(.files_left)"')"
    same 4 "$(wc -l <ledger)"
    ROWFERRY_IGNORE='*' ends 0 run_inbox
}

@test "an export in a format that is not read is refused, with advice" {
    local ending

    start_sim
    mkdir inbox
    for ending in xlsx xls ods zip json xml txt; do
        echo x >"inbox/InventoryItem-1.$ending"
        echo x >"inbox/other.$ending"
    done
    ends 3 run_inbox --json
    same "7 7 7" "$(summary '"\(.files) \(.files_refused) \(.files_left)"')"
    for ending in xlsx xls ods zip json xml txt; do
        [ -e "inbox/refused/InventoryItem-1.$ending" ]
        [ -e "inbox/other.$ending" ]
    done
    holds "$(cat inbox/refused/InventoryItem-1.xlsx.error.txt)" 'save it as CSV'
    holds "$(cat inbox/refused/InventoryItem-1.json.error.txt)" "jq -c '.[]'"
    holds "$(cat inbox/refused/InventoryItem-1.txt.error.txt)" 'rename it to .csv'
}

@test "--done-file: a file waits for its marker, and both are filed" {
    start_sim
    rows inbox/InventoryItem-a.csv 4 0
    rows inbox/InventoryItem-b.csv 4 0 B
    touch inbox/InventoryItem-a.csv.done
    ends 5 run_inbox --done-file .done
    holds "$stderr" 'inbox/InventoryItem-b.csv has no marker yet (--done-file): run the same command again when it is complete'
    same "InventoryItem-b.csv
done
done/InventoryItem-a.csv
done/InventoryItem-a.csv.done" "$(below inbox)"
    touch inbox/InventoryItem-b.done
    ends 0 run_inbox --done-file .done
    same "done
done/InventoryItem-a.csv
done/InventoryItem-a.csv.done
done/InventoryItem-b.csv
done/InventoryItem-b.done" "$(below inbox)"
    same 8 "$(wc -l <ledger)"
    ends 0 rowferry prune --older-than 0s --files --yes
    same done "$(below inbox)"
    ends 2 run_inbox --done-file a/b
}

@test "--max-time leaves time to read and send what is ready while a marker is missing" {
    start_sim
    rows inbox/InventoryItem-a.csv 4 0
    touch inbox/InventoryItem-a.csv.done
    rows inbox/InventoryItem-b.csv 4 0 B
    ends 5 rowferry run --min-age 1 --rate none --done-file .done --max-time 12
    holds "$stderr" 'inbox/InventoryItem-b.csv has no marker yet'
    lacks "$stderr" 'stopped at --max-time'
    same 4 "$(wc -l <ledger)"
}

@test "a checksum next to a file is compared before anything is read" {
    start_sim
    rows inbox/InventoryItem-a.csv 4 0
    rows inbox/InventoryItem-b.csv 4 0 B
    rows inbox/InventoryItem-c.csv 4 0 C
    (cd inbox && md5sum InventoryItem-a.csv >InventoryItem-a.csv.md5)
    (cd inbox && sha256sum --tag InventoryItem-b.csv | tr a-f A-F >InventoryItem-b.csv.sha256)
    (cd inbox && sha256sum InventoryItem-c.csv | cut -c -64 >InventoryItem-c.csv.sha256)
    head -n 3 inbox/InventoryItem-c.csv >cut && cp inbox/InventoryItem-c.csv whole && cp cut inbox/InventoryItem-c.csv
    ends 5 run_inbox --json
    holds "$output" 'inbox/InventoryItem-c.csv: its SHA256 sum is not the one in InventoryItem-c.csv.sha256: it is left for the next run'
    same "3 1 0" "$(summary '"\(.files) \(.files_held) \(.files_left)"')"
    same 8 "$(wc -l <ledger)"
    [ -e inbox/done/InventoryItem-a.csv.md5 ]
    [ -e inbox/done/InventoryItem-b.csv.sha256 ]
    cp whole inbox/InventoryItem-c.csv
    ends 0 run_inbox
    same 12 "$(wc -l <ledger)"
    [ -e inbox/done/InventoryItem-c.csv.sha256 ]
    # only the sum in the checksum file counts
    rows inbox/InventoryItem-d.csv 4 0 D
    echo 'no sum' >inbox/InventoryItem-d.csv.sha512
    ends 5 run_inbox
    holds "$stderr" 'InventoryItem-d.csv.sha512 holds no SHA512 sum of 128 hexadecimal digits: write it as sha512sum(1) does, in ASCII or UTF-8, or delete it to have the file read as it is'
    local text
    (cd inbox && sha512sum InventoryItem-d.csv) >sum
    for text in '' "$(cut -c -127 sum)" "$(cut -c -128 sum)0" "$(cut -c -128 sum | sed 's/../& /g')"; do
        printf '%s' "$text" >inbox/InventoryItem-d.csv.sha512
        ends 5 run_inbox
        holds "$stderr" 'InventoryItem-d.csv.sha512 holds no SHA512 sum'
    done
    iconv -f UTF-8 -t UTF-16 sum >inbox/InventoryItem-d.csv.sha512
    ends 5 run_inbox
    holds "$stderr" 'InventoryItem-d.csv.sha512 holds no SHA512 sum'
    tr 0-9 1-90 <sum >inbox/InventoryItem-d.csv.sha512
    ends 5 run_inbox
    holds "$stderr" 'its SHA512 sum is not the one in InventoryItem-d.csv.sha512'
    rm inbox/InventoryItem-d.csv.sha512
    ends 0 run_inbox
}

@test "too few files are exit 4, and those that exist are read" {
    start_sim
    rows inbox/InventoryItem-a.csv 4 0
    ends 4 run_inbox --min-files 2
    holds "$stderr" '1 file was in the inbox, fewer than --min-files 2'
    same 4 "$(wc -l <ledger)"
    rows inbox/InventoryItem-b.csv 4 0 B
    ends 0 run_inbox --min-files 1
    ends 4 run_inbox --min-files 1
}

### links

@test "a link to a file is followed, and still leads there after filing" {
    start_sim
    mkdir -p inbox/..2026 inbox/.exports inbox/InventoryItem
    rows inbox/..2026/InventoryItem-a.csv 4 2
    ln -s ..2026 inbox/..data
    ln -s ..data/InventoryItem-a.csv inbox/InventoryItem-a.csv
    rows inbox/.exports/b.csv 4 0 B
    ln -s ../.exports/b.csv inbox/InventoryItem/current.csv
    rows inbox/.exports/c.csv 4 0 C
    ln -s "$PWD/inbox/.exports/c.csv" inbox/InventoryItem-c.csv
    ends 3 run_inbox
    same 10 "$(wc -l <ledger)"
    same "InventoryItem-a.csv
InventoryItem-a.csv.errors.tsv
InventoryItem-a.csv.rejected.csv
InventoryItem-c.csv
current.csv" "$(below inbox/done)"
    for name in InventoryItem-a.csv InventoryItem-c.csv current.csv; do
        [ -L "inbox/done/$name" ]
        [ -s "inbox/done/$name" ]
    done
    [ -e inbox/.exports/b.csv ]
    same "" "$(find inbox -maxdepth 2 -name '*.csv' -path '*/InventoryItem*' -not -path '*/done/*' -not -path '*/..*' -print)"
    # a file that was read is known, even through a link
    ln -s ../.exports/b.csv inbox/InventoryItem/current.csv
    ends 0 run_inbox
    same 10 "$(wc -l <ledger)"
    ends 0 rowferry prune --older-than 0s --files --yes
    same "" "$(below inbox/done)"
    [ -s inbox/..2026/InventoryItem-a.csv ]
}

@test "any other link is named, counted, and exit 3" {
    start_sim
    rows inbox/InventoryItem-a.csv 4 0
    ln -s nowhere.csv inbox/InventoryItem-b.csv
    ln -s /proc/self/status inbox/InventoryItem-c.csv
    ln -s /etc inbox/etc
    ends 3 run_inbox --json
    same 3 "$(summary .files_left)"
    holds "$output" 'inbox/InventoryItem-b.csv is a link that is not followed: link to a regular file of the same owner on the file system of the inbox'
    same 4 "$(wc -l <ledger)"
    [ -L inbox/InventoryItem-b.csv ]
}

### the same night

@test "files that arrive while the run sends are read in the same run" {
    start_sim --latency-ms 20
    rows inbox/InventoryItem-a.csv 100 0
    rows later.csv 5 0 B
    "$BIN/rowferry" run inbox --min-age 0 --rate none --concurrency 2 --json >out 2>err 3>&- &
    RUN=$!
    eventually [ -s ledger ]
    mv later.csv inbox/InventoryItem-b.csv
    wait "$RUN" || { cat out err; return 1; }
    same 105 "$(wc -l <ledger)"
    same "2 105 105" "$(tail -n 1 out | jq -r '"\(.files) \(.applied) \(.requests)"')"
    same "done
done/InventoryItem-a.csv
done/InventoryItem-b.csv" "$(below inbox)"
}

@test "files that stay are not read again in the same run" {
    start_sim
    rows inbox/InventoryItem-a.csv 4 0
    printf 'record_id,skuu\n' >inbox/InventoryItem-b.csv
    ends 3 run_inbox --keep --json
    same "2 1 4" "$(summary '"\(.files) \(.files_refused) \(.applied)"')"
}

### a file that grows after it was filed

@test "a filed file that grows is named with what to do, and its new rows are read" {
    start_sim
    printf 'record_id,version,sku,quantity\nA-1,1,WH-1042,1\nA-2,1,WH-1042,2\nA-3,1,WH-1042,3' >InventoryItem-a.csv
    mkdir inbox
    mv InventoryItem-a.csv inbox
    ends 0 run_inbox
    same 3 "$(wc -l <ledger)"
    # the rest arrives; the last row was complete
    printf '\nA-4,1,WH-1042,4\nA-5,1,WH-1042,x\nA-6,1,WH-1042,6\n' >>inbox/done/InventoryItem-a.csv
    ends 3 run_inbox
    holds "$stderr" "'$PWD/inbox/done/InventoryItem-a.csv' grew by 49 bytes after it was read as batch 1 (78 bytes then, 127 now)"
    holds "$stderr" "read the rest with $BIN/rowferry ingest --rate none --tail $PWD/inbox/done/InventoryItem-a.csv"
    ends 3 run_inbox
    ends 3 rowferry ingest --tail inbox/done/InventoryItem-a.csv
    same "2|3|1|2" "$(sql 'SELECT batch_id, rows_read, rows_rejected, jobs FROM batch_summary WHERE batch_id = 2')"
    same "1 A-4
3 A-6" "$(sql "SELECT row_no || ' ' || record_id FROM job WHERE batch_id = 2 ORDER BY id")"
    ends 3 rowferry drain --rate none
    ends 0 run_inbox
    same "A-1 A-2 A-3 A-4 A-6" "$(jq -r .id ledger | sort | tr '\n' ' ' | sed 's/ $//')"
    ends 0 rowferry ingest --tail inbox/done/InventoryItem-a.csv
    holds "$stderr" "'inbox/done/InventoryItem-a.csv' has nothing new: it was read before, as batch 2"
    lacks "$stderr" grew
    lacks "$stderr" --force
}

@test "a row that was cut off is read again when its rest has arrived" {
    start_sim
    mkdir inbox
    printf 'record_id,version,sku,quantity\nA-1,1,WH-1042,1\nA-2,1,WH' >inbox/InventoryItem-a.csv
    ends 3 run_inbox
    printf -- '-1042,2\nA-3,1,WH-1042,3\n' >>inbox/done/InventoryItem-a.csv
    ends 3 run_inbox
    ends 0 rowferry ingest --tail inbox/done/InventoryItem-a.csv
    ends 0 rowferry drain --rate none
    same "A-1 A-2 A-3" "$(jq -r .id ledger | sort | tr '\n' ' ' | sed 's/ $//')"
}

@test "a grown file that is back in the inbox is read from where the last read ended" {
    start_sim
    rows inbox/InventoryItem-a.csv 4 0
    ends 0 run_inbox
    mv inbox/done/InventoryItem-a.csv inbox
    rows more 8 0
    tail -n 4 more >>inbox/InventoryItem-a.csv
    ends 0 run_inbox
    holds "$stderr" 'inbox/InventoryItem-a.csv grew since it was read as batch 1: only what came since is read'
    same 8 "$(wc -l <ledger)"
}

@test "a filed file that was changed is named again, and --tail does not read it" {
    start_sim
    rows inbox/InventoryItem-a.csv 4 0
    ends 0 run_inbox
    rows inbox/done/InventoryItem-a.csv 5 0 B
    ends 3 run_inbox
    holds "$stderr" "inbox/done/InventoryItem-a.csv' "
    ends 3 rowferry ingest --tail inbox/done/InventoryItem-a.csv
    holds "$stderr" 'does not begin with what batch 1 has read of it'
    ends 2 rowferry ingest --tail inbox/done/nothing.csv
    rows other.csv 2 0
    ends 2 rowferry ingest --tail other.csv
    holds "$stderr" 'other.csv is not a file that this database has put into done/'
    same 4 "$(wc -l <ledger)"
}

@test "killed at any point, rows that were added later are read once" {
    local point

    needs_crash_points
    rows all.csv 40010 0
    for point in batch-begun chunk-committed batch-read batch-opened; do
        rm -rf inbox rowferry.db*
        mkdir inbox
        head -n 11 all.csv >inbox/InventoryItem-a.csv
        export GENESYS_ENVIRONMENT=http://127.0.0.1:1 GENESYS_CLIENT_ID=x GENESYS_CLIENT_SECRET=y
        ends 5 run_inbox --max-retries 0
        tail -n +12 all.csv >>inbox/done/InventoryItem-a.csv
        KILLED=0
        { ROWFERRY_CRASH=$point "$BIN/rowferry" ingest --tail inbox/done/InventoryItem-a.csv >out 2>&1; } 2>/dev/null || KILLED=$?
        same 137 "$KILLED"
        ends 0 rowferry ingest --tail inbox/done/InventoryItem-a.csv
        same "2|40000|40010" "$(sql 'SELECT max(batch_id), max(row_no), count(DISTINCT record_id) FROM job')"
        same 40010 "$(sql 'SELECT count(*) FROM job')"
        ends 5 run_inbox --max-retries 0
        lacks "$stderr" grew
    done
}

@test "if writers cannot be seen, a file must be older, and doctor reports that" {
    become_nobody
    rows inbox/InventoryItem-a.csv 4 0
    chmod 777 inbox
    run --separate-stderr as_nobody doctor inbox
    holds "$output" '--min-age is 30s: this user cannot see who writes the files'
    run --separate-stderr rowferry doctor inbox
    holds "$output" '--min-age is 2s: this user can see who writes the files'
}

@test "the run waits for a file that is too young, not for one that is old enough" {
    local begun=$SECONDS

    start_sim
    rows inbox/InventoryItem-a.csv 4 0
    touch -d '1 hour ago' inbox/InventoryItem-a.csv
    ends 0 rowferry run inbox --rate none --min-age 20s
    [ $((SECONDS - begun)) -lt 15 ]
    rows inbox/InventoryItem-b.csv 4 0 B
    ends 0 rowferry run inbox --rate none --min-age 3s
    same 8 "$(wc -l <ledger)"
}
