#!/usr/bin/env bats
# The documents show what the programs print. In README.md and docs/, a block that begins with
# ```console is a transcript: its `$ ` lines are run in order, in one folder for each document, and
# what they print must be what is shown there. A line `...` means that lines are left out.
# UPDATE_GOLDEN=1 (make golden) writes the new output into the document.
load lib

# A folder as the documents describe it: an inbox, schema files, and the API with records at version 5
setup() {
    in_a_folder
    mkdir inbox
    unset ROWFERRY_AUDIT
    start_sim --base-version 5 --answer put:ber-wh-1048=422
    BIN=$(cd "$BIN" && pwd)
    FOLDER=$PWD
}

# What differs from run to run and from machine to machine
masked() {
    sed -E -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]{3})?Z/MOMENT/g' \
        -e 's/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/ID/g' -e 's/[0-9]+(\.[0-9])? (m?s)\b/N \2/g' \
        -e 's/([0-9]+[hm] )+[0-9]+s\b/N s/g' -e 's/^latency .*/latency/' -e 's/night\.[A-Za-z0-9]+/night.X/g' -e 's/127\.0\.0\.1:[0-9]+/HOST/g' \
        -e 's/[0-9]+ [MGT]B free/N GB free/' -e 's/[ \t]+$//'
}

# perform COMMAND: runs it in this shell; `performed` is what the document may show of its output
perform() {
    eval "(exit $last); $1" >"$FOLDER/performed" 2>&1
    last=$?
    performed=$(sed -e "s|$FOLDER|/srv/erp|g" -e "s|$BIN/||g" -e 's/[ \t\r]*$//' "$FOLDER/performed")
}

# shown EXPECTED ACTUAL: prints EXPECTED if ACTUAL is that, with lines left out at each `...`, else ACTUAL
shown() {
    local pattern

    pattern=$(masked <<<"$1")
    if [[ $pattern == *...* ]] && [[ $(masked <<<"$2") == $(sed -e 's/[][*?\\]/\\&/g' -e 's/^\.\.\.$/*/' <<<"$pattern") ]]; then
        printf '%s\n' "$1"
    elif [ -n "$2" ]; then
        printf '%s\n' "$2"
    fi
}

# replay DOCUMENT: prints it with what its transcripts print now
replay() {
    local line inside='' command='' expected='' last=0 performed

    finish() {
        if [ -n "$command" ]; then
            perform "$command"
            shown "$expected" "$performed"
        fi
        command='' expected=''
    }
    while IFS= read -r line; do
        case $inside$line in
        'console$ '*)
            finish
            command=${line#'$ '}
            ;;
        'console> '*) command+=$'\n'${line#'> '} ;;
        'console```')
            finish
            inside=
            ;;
        console*)
            expected+=${expected:+$'\n'}$line
            continue
            ;;
        '```console') inside=console ;;
        esac
        printf '%s\n' "$line"
    done <"$1"
}

# true_to_life DOCUMENT: its transcripts are what the programs print
true_to_life() {
    rowferry() { "$BIN/rowferry" "$@"; }
    make() { B=$BIN "$TOP/tests/lib/demo.sh"; }
    set +e
    replay "$TOP/$1" >"$FOLDER/replayed"
    set -e
    cd "$FOLDER"
    [ -z "${UPDATE_GOLDEN:-}" ] || diff -q <(masked <"$TOP/$1") <(masked <replayed) >/dev/null || cp replayed "$TOP/$1"
    diff -u --label "$1" --label 'what the programs print now' <(masked <"$TOP/$1") <(masked <replayed) || {
        echo 'If that is meant, `make golden TESTS=documents` writes it into the document.'
        return 1
    }
}

@test "the transcripts of README.md are true" {
    true_to_life README.md
    [[ $(cat performed) =~ cd\ (build/demo/night\.[A-Za-z0-9]+) ]]
    rm -r "$TOP/${BASH_REMATCH[1]}"
}

@test "the transcripts of docs/guide.md are true" {
    cp "$BATS_TEST_DIRNAME"/data/guide/* .
    touch -d '1 hour ago' ./*.csv
    export ERP_ENDPOINT=$GENESYS_ENVIRONMENT/erp
    someone_else ber-wh-1047 '{"sku":"WH-1047","quantity":12,"price":22.22,"status":"blocked"}'
    true_to_life docs/guide.md
}

@test "docs/database.md lists the tables and views that there are, and their columns" {
    local name columns

    ends 0 rowferry ingest -q "$TOP/sample-batches/InventoryItem-2026-11-23.csv"
    sed -n '/^```text/,/^```/{/^```/!p}' "$TOP/docs/database.md" | tr -d '\n' | sed 's/) */)\n/g' >listed
    while IFS='()' read -r name columns; do
        sql "SELECT $columns FROM $name LIMIT 0"
    done <listed
    # no view is missing there
    same "" "$(sql "SELECT name FROM sqlite_master WHERE type = 'view'" | grep -vxFf <(cut -d'(' -f1 listed) || true)"
}

@test "docs/operations.md lists the metrics that there are" {
    batch_file inbox/InventoryItem-1.csv 1
    ends 3 run_inbox --metrics-file rowferry.prom # its version is out of date
    ends 0 run_inbox --metrics-file rowferry.prom
    same "$(sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' rowferry.prom | sort)" \
        "$(sed -n '/^## Metrics/,/^## /s/^| \(`rowferry_[^|]*\) |.*/\1/p' "$TOP/docs/operations.md" | grep -o 'rowferry_[a-z_]*' | sort)"
}

@test "the functions in docs/design.md are in the files that it names" {
    local function file count=0

    while read -r function file; do
        grep -qE "^[a-z].*\b$function\(" "$TOP/$file" || { echo "$file has no $function"; return 1; }
        count=$((count + 1))
    done < <(sed -n '/^## The life of a row/,/^## /s/^| [^|]*| `\([a-z_]*\)` | `\([a-z/_.]*\)` |$/\1 \2/p' "$TOP/docs/design.md")
    [ "$count" -ge 15 ]
}

@test "every command in the documents and the manual pages is understood" {
    local command count=0

    while read -r command; do
        eval "ends 0 $command --help"
        count=$((count + 1))
    done < <({
        sed -nE 's/^    (.*&& )?(sudo -u rowferry )?(rowferry [^#|>&\\]*).*/\3/p' "$TOP"/README.md "$TOP"/docs/*.md
        sed -nE 's/^(\.Dl .*\| |\.Dl )?(sudo -u rowferry )?(rowferry [^#|>&\\]*).*/\3/p' "$TOP"/cmd/rowferry/share/*.1.in
    } | sort -u)
    [ "$count" -ge 20 ]
}

@test "docs/operations.md lists the metrics of listen" {
    local url pid

    export ERP_ENDPOINT=$GENESYS_ENVIRONMENT/erp
    "$BIN/rowferry" listen 0 2>listening 3>&- &
    pid=$!
    eventually grep -q 'http://' listening
    url=$(grep -om 1 'http://[0-9.:]*' listening)
    curl -sf "$url/metrics" >metrics
    kill $pid
    same "$(sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' metrics | sort)" \
        "$(sed -n '/^## Listening/,/^## /s/^| \(`rowferry_[^|]*\) |.*/\1/p' "$TOP/docs/operations.md" | grep -o 'rowferry_[a-z_]*' | sort)"
}
