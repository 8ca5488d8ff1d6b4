#!/usr/bin/env bats
# Rows are written with their outcome, and can be loaded again.
load lib
load article

bats_require_minimum_version 1.5.0

TAIL=rowferry_job,rowferry_state,rowferry_http_status,rowferry_server_version,rowferry_error_code,rowferry_error,rowferry_attempts,rowferry_updated,rowferry_audit,rowferry_raw

# what a batch holds, without what names the batch or the line; of rows whose form was wrong in batch
# 1, that they are rejected
rows_of() {
    sqlite3 rowferry.db "SELECT row_no, record_id, version, fields, tags FROM job WHERE batch_id = $1
        UNION ALL SELECT r.row_no, iif(v.rule IS NULL, r.record_id, ''), 'rejected',
            iif(v.rule IS NULL, messages, ''), NULL
        FROM rejection r
        LEFT JOIN violation v ON v.batch_id = 1 AND v.row_no = r.row_no AND v.rule = 'row'
        WHERE r.batch_id = $1 ORDER BY 1"
}

# taken_back FILE [OPTION...]: the file, its export, and the export of that are the same rows
taken_back() {
    local file=$1 schema status name extension=${1##*.}

    shift
    name=$(basename "$file")
    schema=${name%%-*}
    rm -f rowferry.db*
    run rowferry ingest "$file"
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ]
    ends 0 rowferry export 1 "$@"
    rowferry export 1 "$@" >"$schema-again.$extension" 2>/dev/null
    run rowferry ingest "$schema-again.$extension"
    holds "$output" 'an export: what it says of an earlier batch is ignored'
    same "$(rows_of 1)" "$(rows_of 2)"
    rowferry export 2 "$@" 2>/dev/null >"$schema-third.$extension"
    run rowferry ingest --force "$schema-third.$extension"
    same "$(rows_of 1)" "$(rows_of 3)"
    same "$(sed 1q "$schema-again.$extension" | cut -d '"' -f 1)" \
        "$(sed 1q "$schema-third.$extension" | cut -d '"' -f 1)"
}

german() {
    cat <<'CSV'
Artikel;Stand;Name;Preis;Bestand;Gezählt;Gesperrt;Bemerkung
A-1;3;Türgriff, weiß;1.234,50;2.000;24.11.2026;ja;früher
A-2;1;"Schlüssel; ""groß""
zweizeilig";0,99;null;01.01.2026;N;
A-3;1;Öse;12.50;1;31.04.2026;vielleicht;"früher 12,–"
A-4;1;"";-1,5;;;;
A-5;1;ohne Rest
A-6;1;"offen;1;1;;;
A-7;1;€;1;1;;J;
CSV
}

@test "exports of the samples load as the same rows" {
    local file

    for file in "$TOP"/sample-batches/*.csv "$TOP"/sample-batches/*.ndjson; do
        taken_back "$file"
    done
}

@test "a German file is written in its own forms, and loads again" {
    schema "$GERMAN"
    german | iconv -f UTF-8 -t CP1252 | sed 's/$/\r/' >Article-1.csv
    taken_back Article-1.csv
    same "Artikel;Stand;Name;Preis;Bestand;Gezählt;Gesperrt;Bemerkung;${TAIL//,/;}
A-1;3;Türgriff, weiß;1234,50;2000;24.11.2026;ja;;1/1;pending;;;;;0;" \
        "$(iconv -f CP1252 -t UTF-8 Article-again.csv | sed -n '1p;2s/[^;]*;;$//p')"
    # rejected rows keep their cells; text that is not a row of cells does no harm
    iconv -f CP1252 -t UTF-8 Article-again.csv >shown
    grep -qF 'A-3;1;Öse;12.50;1;31.04.2026;vielleicht;"früher 12,–";1/3;rejected;' shown
    grep -qF 'A-4;1;"";-1,5;;;;;1/4;rejected;' shown
    grep -qE '^;;;;;;;;1/5;rejected;.*;"A-5;1;ohne Rest"$' shown
    grep -qE '^;;;;;;;;1/6;rejected;.*;"A-6;1;""offen;1;1;;;"$' shown
}

@test "exports of files with BOM, UTF-16, tabs and compression load again" {
    schema ''
    printf '\xef\xbb\xbfrecord_id,version,name\r\nA-1,1,"Tür, ""x"""\r\nA-2,,\r\n' >Article-1.csv
    taken_back Article-1.csv
    printf '\xef\xbb\xbfrecord_id\tversion\tname\nA-1\t1\tTür 📦, weiß\nA-2\t\t\nA-3\n' |
        iconv -f UTF-8 -t UTF-16LE >Article-1.csv
    taken_back Article-1.csv
    printf 'record_id|version|name\nA-1|1|"a|b"\n' >Article-1.csv
    taken_back Article-1.csv
    schema '"csv": {"encoding": "UTF-16"}'
    printf '\xef\xbb\xbfrecord_id,version,name\nA-1,1,Tür\nA-2,x,"ü, ""\n"\n' |
        iconv -f UTF-8 -t UTF-16BE >Article-1.csv
    taken_back Article-1.csv
    gzip Article-again.csv
    ends 3 rowferry ingest --force Article-again.csv.gz
    same "$(rows_of 1)" "$(rows_of 4)"
}

@test "a file read with --delimiter is written with the delimiter that the schema file declares" {
    schema '"csv": {"delimiter": ","}'
    printf 'record_id;version;name\nA-1;1;a,b\nA-2;x;"c;d"\nA-3;y;e,f\n' >Article-1.csv
    ends 3 rowferry ingest --delimiter ';' Article-1.csv
    ends 0 rowferry export 1
    same "record_id,version,name,$TAIL
A-1,1,\"a,b\"
A-2,x,\"c;d\"
A-3,y,\"e,f\"" "$(printf '%s\n' "$output" | sed '2,$s/,1\/.*//')"
}

@test "jobs are the same in the other format" {
    schema "$GERMAN"
    german | sed '/A-[3456]/d' | iconv -f UTF-8 -t CP1252 >Article-1.csv
    ends 0 rowferry ingest Article-1.csv
    rowferry export 1 --format ndjson >Article-2.ndjson
    ends 0 rowferry ingest Article-2.ndjson
    rowferry export 2 --format csv >Article-3.csv
    same 'Artikel;Stand;Name;Preis;Bestand;Gezählt;Gesperrt;sizes;tags' \
        "$(sed -n 's/;rowferry_job.*//p' <(iconv -f CP1252 -t UTF-8 Article-3.csv))"
    ends 0 rowferry ingest Article-3.csv
    same "$(rows_of 1)" "$(rows_of 2)"
    same "$(rows_of 1)" "$(rows_of 3)"
}

@test "NDJSON has the fields as they were loaded, and the outcome next to them" {
    echo '{"recordId":"a","version":5,"fields":{ "sku":"WH-1042", "price": 1.50},"tags":["x"]}' >InventoryItem-1.ndjson
    echo '{"recordId":"b","fields":{}}' >>InventoryItem-1.ndjson
    ends 3 rowferry ingest InventoryItem-1.ndjson
    ends 0 rowferry export 1
    same '{"recordId": "a", "version": 5, "fields": { "sku":"WH-1042", "price": 1.50}, "tags": ["x"], "outcome": {"job": "1/1", "state": "pending", "attempts": 0, "updated": "T"}}
{"recordId":"b", "fields":{}, "outcome": {"job": "1/2", "state": "rejected", "error": "version: is missing; it is required for optimistic locking", "updated": "T"}}' \
        "$(sed -E 's/"20[^"]*"/"T"/' <<<"$output")"
    same "rowferry: batch 1: 1 job and 1 rejected row" "$stderr"
}

@test "the outcome of each row is written, and --state selects by it" {
    start_sim
    batch_file InventoryItem-1.csv 3
    sed -i 's/^A-2,1,WH-1042/A-2,1,WH-1/' InventoryItem-1.csv
    ends 3 rowferry ingest InventoryItem-1.csv
    ends 3 rowferry drain --rate none
    ends 0 rowferry export 1 --state applied
    same 'A-1,1,WH-1042,1,1.50,active,1/1,applied,200,2,,,1,T,,
A-3,1,WH-1042,3,1.50,active,1/3,applied,200,2,,,1,T,,' \
        "$(sed -n '2,$s/20[0-9-]*T[0-9:.]*Z/T/p' <<<"$output")"
    same "$(rowferry export 1 2>/dev/null)" \
        "$(rowferry export 1 --state applied,conflict,refused,failed,unchanged,rejected 2>/dev/null)"
    same 1 "$(rowferry export 1 --state rejected 2>/dev/null | grep -c ,1/2,rejected,)"
    same 2 "$(rowferry export 1 --state jobs 2>/dev/null | grep -c ',1/[13],')"
    same 1 "$(rowferry export 1 --state pending 2>/dev/null | wc -l)"
    fails_with 2 "--state: 'failed,done' is not a list of states: use, separated by commas, pending, sending, unknown, applied, unchanged, conflict, refused, failed, dismissed, cancelled, rejected, jobs, all" \
        export 1 --state failed,done
}

@test "a refused row has what the server says about its fields" {
    start_sim --answer A-2=422
    batch_file InventoryItem-1.csv 2
    ends 0 rowferry ingest InventoryItem-1.csv
    ends 3 rowferry drain --rate none
    same 'validation.failed,The record violates its schema. (sku must match pattern XX-0000; quantity: quantity cannot be negative)' \
        "$(rowferry export 1 --state refused 2>/dev/null | sed -n '2s/.*,\(validation.*\)),1,.*/\1)/p')"
}

@test "--json writes one line per row, and the summary" {
    batch_file InventoryItem-1.csv 2
    printf 'A-3,1,"open\n' >>InventoryItem-1.csv
    ends 3 rowferry ingest InventoryItem-1.csv
    ends 0 rowferry export 1 --json
    same '1/1 pending A-1 1.50
1/2 pending A-2 1.50
1/3 rejected A-3 A-3,1,"open' "$(jq -r 'select(.message_type == "row") |
        "\(.outcome.job) \(.outcome.state) \(.recordId) \(.fields.price // .outcome.raw)"' \
        <<<"$(sed 's/1\.50/"1.50"/' <<<"$output")")"
    same '3 1 2 2 0' "$(summary '"\(.rows_read) \(.rows_rejected) \(.jobs) \(.pending) \(.exit_status)"')"
    ends 2 rowferry export 1 --json --format csv
    holds "$stderr" '--json writes JSON lines, not CSV: leave out --json or --format csv'
}

@test "--for-spreadsheet changes formulas, reports it, and the file does not load again" {
    schema ''
    printf 'record_id,version,name,price\n=1+1,1,"@x, ""y""",5\nA-2,1,  =2,-7\nA-3,1,a=b,1\n' >Article-1.csv
    ends 3 rowferry ingest Article-1.csv
    rowferry export 1 --for-spreadsheet >Article-look.csv
    same $'\xef\xbb\xbf'"record_id,version,name,price,$TAIL,rowferry_for_spreadsheet
'=1+1,1,\"'@x, \"\"y\"\"\",5
A-2,1,'  =2,-7
A-3,1,a=b,1" "$(sed '2,$s/,1\/.*//' Article-look.csv)"
    mkdir inbox
    gzip <Article-look.csv >Article-other.csv.gz
    local file refusal='this file was exported with --for-spreadsheet, which changes cells; export it again without'
    for file in Article-look.csv Article-other.csv.gz; do
        ends 3 rowferry ingest "$file"
        holds "$stderr" "$file: line 1: $refusal"
        ends 3 rowferry validate "$file"
        holds "$stderr" "$file: line 1: $refusal"
    done
    mv Article-look.csv inbox/Article-2.csv
    start_sim
    ends 3 rowferry run --db other.db --min-age 0
    holds "$stderr" "$refusal"
    [ -e inbox/refused/Article-2.csv ]
}

@test "formats that do not go together are refused with a remedy" {
    batch_file InventoryItem-1.csv 1
    echo A-2,1 >>InventoryItem-1.csv
    ends 3 rowferry ingest InventoryItem-1.csv
    fails_with 2 'batch 1: rejected rows can only be written in the format of their file: use --format csv, or leave them out with --state jobs' \
        export 1 --format ndjson
    ends 0 rowferry export 1 --format ndjson --state jobs
    fails_with 2 '--for-spreadsheet writes CSV only: leave out --format ndjson' \
        export 1 --format ndjson --for-spreadsheet
    ends 2 rowferry export 1 --json --for-spreadsheet
    holds "$stderr" '--for-spreadsheet writes CSV only: leave out --json'
    echo '{"recordId":"a","version":5,"fields":{"ean":1}}' >InventoryItem-2.ndjson
    ends 0 rowferry ingest InventoryItem-2.ndjson
    fails_with 2 'batch 2: row 1: ean: there is no column for it; use --format ndjson' \
        export 2 --format csv
}

@test "a batch that does not exist, or is still being read, is exit 2" {
    fails_with 2 'database rowferry.db does not exist: `rowferry run` or `rowferry ingest` creates it, --db or ROWFERRY_DB names another' export 1
    batch_file InventoryItem-1.csv 1
    ends 0 rowferry ingest InventoryItem-1.csv
    fails_with 2 "there is no batch 7 in '$PWD/rowferry.db': \`rowferry status\` lists them" export 7
    fails_with 2 "'x' is not a batch: use its number, which \`rowferry status\` lists" export x
    fails_with 2 'no batch is named: see rowferry export --help' export
    sqlite3 rowferry.db "UPDATE batch SET state = 'loading'"
    fails_with 2 'batch 1 is still being read: export it when that has ended' export 1
}

@test "a column that the schema file no longer has is an error for CSV, not for NDJSON" {
    schema ''
    printf 'record_id,version,name\nA-1,1,a\n' >Article-1.csv
    ends 0 rowferry ingest Article-1.csv
    sed -i '/"name"/d' schema/Article.json
    fails_with 2 'the columns do not fit the current schema file (--format ndjson needs none): batch 1: line 1: unknown column "name": not a property of schema Article; add it to the schema or remove it from the file' \
        export 1
    ends 0 rowferry export 1 --format ndjson
    # a column whose name only looks like one of an export
    printf 'record_id,version,rowferry_else\nA-1,1,a\n' >Article-2.csv
    ends 3 rowferry ingest Article-2.csv
    holds "$stderr" 'unknown column "rowferry_else"'
}

@test "output that cannot be written is an error" {
    batch_file InventoryItem-1.csv 5000
    ends 0 rowferry ingest InventoryItem-1.csv
    ends 2 bash -c '"$0" export 1 >/dev/full' "$BIN/rowferry"
    same 'rowferry: error: cannot write to standard output: No space left on device' "$stderr"
    { rowferry export 1 2>messages || echo $? >status; } | :
    same 2 "$(cat status)"
    same 'rowferry: error: cannot write to standard output: Broken pipe' "$(cat messages)"
}

@test "a slow reader blocks neither a signal nor the database" {
    local pid status=0

    batch_file InventoryItem-1.csv 20000
    ends 0 rowferry ingest InventoryItem-1.csv
    mkfifo pipe
    "$BIN/rowferry" export 1 >pipe 2>messages 3>&- &
    pid=$!
    exec 7<pipe
    # it has begun, and waits as soon as the pipe is full
    read -r <&7
    eventually grep -q '^State:.*S' "/proc/$pid/status"
    same 0 "$(sqlite3 rowferry.db 'PRAGMA wal_checkpoint(TRUNCATE)' | cut -d '|' -f 1)"
    kill -TERM "$pid"
    wait "$pid" || status=$?
    same 143 "$status"
    exec 7<&-
    holds "$(cat messages)" 'stopped by SIGTERM'
}

@test "an export is complete while a drain works" {
    start_sim --latency-ms 5
    batch_file InventoryItem-1.csv 400
    ends 0 rowferry ingest InventoryItem-1.csv
    rowferry drain --rate none >drained 2>&1 3>&- &
    eventually [ -s requests ]
    for _ in 1 2 3 4 5; do
        same "$(seq -f 1/%.0f 400)" \
            "$(rowferry export 1 --format ndjson 2>/dev/null | jq -r .outcome.job)"
    done
    wait $!
    same 400 "$(rowferry export 1 --state applied 2>/dev/null | grep -c ,applied,)"
}
