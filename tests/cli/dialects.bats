#!/usr/bin/env bats
# Files as ERP systems write them: through validate, ingest and run, to payloads and rejected files.
load lib
load article

german() {
    iconv -f UTF-8 -t CP1252 <<'CSV' | sed 's/$/\r/'
Artikel;Stand;Name;Preis;Bestand;Gezählt;Gesperrt;Bemerkung
A-1;3;Türgriff, weiß;1.234,50;2.000;24.11.2026;ja;€ 5 "netto"
A-2;1;"Schlüssel; groß";0,99;12;01.01.2026;N;
A-3;1;Öse;12.50;1;31.04.2026;vielleicht;früher 12,–
CSV
}

@test "a German export becomes JSON, and its bad row keeps its bytes" {
    schema "$GERMAN"
    mkdir inbox
    german | sed 's/ "netto"//' >inbox/Article-1.csv
    touch -d '1 hour ago' inbox/Article-1.csv
    ends 3 rowferry validate inbox/Article-1.csv
    holds "$output" 'Article-1.csv:4: A-3: price: must be a number like 1.234,50, is "12.50"'
    holds "$output" 'A-3: counted: must be a day of the calendar as DD.MM.YYYY, is "31.04.2026"'
    holds "$output" 'A-3: blocked: must be "ja", "J", "nein" or "N", is "vielleicht"'
    run rowferry run --min-age 0 --environment http://127.0.0.1:9
    [ -e inbox/done/Article-1.csv.rejected.csv ]
    same "$(head -n 1 inbox/done/Article-1.csv; tail -n 1 inbox/done/Article-1.csv)" \
        "$(cat inbox/done/Article-1.csv.rejected.csv)"
    same '{"name":"Türgriff, weiß","price":1234.50,"stock":2000,"counted":"2026-11-24","blocked":true}
{"name":"Schlüssel; groß","price":0.99,"stock":12,"counted":"2026-01-01","blocked":false}' \
        "$(sqlite3 rowferry.db 'SELECT fields FROM job ORDER BY row_no')"
    # fixed and put into the inbox again
    sed -e 's/12\.50/12,50/' -e 's/31\.04/30.04/' -e 's/vielleicht/nein/' \
        inbox/done/Article-1.csv.rejected.csv >Article-1.fixed.csv
    ends 0 rowferry ingest Article-1.fixed.csv
    same '{"name":"Öse","price":12.50,"stock":1,"counted":"2026-04-30","blocked":false}' \
        "$(sqlite3 rowferry.db 'SELECT fields FROM job WHERE batch_id = 2')"
}

@test "bytes that are not UTF-8 refuse the file with their place and a guess" {
    schema ''
    printf 'record_id,version,name\nA-1,1,T\xfcr\n' >Article-1.csv
    ends 3 rowferry validate Article-1.csv
    holds "$stderr" 'Article-1.csv: line 2, column 8: byte 0xfc is not UTF-8 (looks like windows-1252; declare it with "csv": {"encoding": "windows-1252"} under x-rowferry in the schema file)'
    schema '"csv": {"encoding": "windows-1252"}'
    ends 0 rowferry validate Article-1.csv
    printf 'record_id,version,name\nA-1,1,T\x81r\n' >Article-1.csv
    ends 3 rowferry validate Article-1.csv
    holds "$stderr" 'Article-1.csv: line 2, column 8: byte 0x81 is not windows-1252'
}

@test "UTF-16 is detected by its byte order mark, also in its rejected file" {
    local kind

    schema ''
    for kind in LE BE; do
        rm -rf inbox rowferry.db*
        mkdir inbox
        printf '\xEF\xBB\xBFrecord_id;version;name;price\nA-1;1;Tür;1.5\nA-2;1;"zwei\nZeilen";no\nA-3;1;ß;no' |
            iconv -f UTF-8 -t UTF-16$kind >inbox/Article-1.csv
        touch -d '1 hour ago' inbox/Article-1.csv
        run rowferry run --min-age 0 --environment http://127.0.0.1:9
        holds "$output" "Article-1.csv: the delimiter is ';', as its header row shows"
        same '{"name":"Tür","price":1.5}' "$(sqlite3 rowferry.db 'SELECT fields FROM job')"
        same $'\uFEFFrecord_id;version;name;price\nA-2;1;"zwei\nZeilen";no\nA-3;1;ß;no' \
            "$(iconv -f UTF-16$kind -t UTF-8 inbox/done/Article-1.csv.rejected.csv)"
        cp inbox/done/Article-1.csv.rejected.csv Article-2.csv
        ends 3 rowferry validate Article-2.csv
        holds "$output" '1 file, 2 rows: 0 accepted, 2 rejected'
    done
}

@test "the delimiter comes from the option, the schema file, the name, or the header row" {
    schema ''
    printf 'record_id;version;name\nA-1;1;a,b\n' >Article-1.csv
    ends 0 rowferry validate Article-1.csv
    holds "$stderr" "Article-1.csv: the delimiter is ';', as its header row shows"
    ends 0 rowferry validate --delimiter ';' Article-1.csv
    same '' "$stderr"
    holds "$output" "rowferry ingest --delimiter ';' Article-1.csv"
    ends 3 rowferry validate --delimiter , Article-1.csv
    holds "$stderr" "the header row is one cell and holds ';'; if that is the delimiter, declare \"csv\": {\"delimiter\": \";\"} under x-rowferry in the schema file, or give --delimiter"
    schema '"csv": {"delimiter": "|"}'
    ends 3 rowferry validate Article-1.csv
    ends 0 rowferry validate --delimiter ';' Article-1.csv
    schema ''
    printf 'record_id\tversion\tname\nA-1\t1\ta;b\n' >Article-2.tsv
    ends 0 rowferry validate Article-2.tsv
    same '' "$stderr"
    ends 0 rowferry validate --delimiter tab Article-2.tsv
    ends 0 rowferry validate --delimiter '\t' Article-2.tsv
    printf 'record_id,version,name\n' >Article-3.tsv
    ends 3 rowferry validate Article-3.tsv
    holds "$stderr" "the header row is one cell and holds ','"
    ends 2 rowferry validate --delimiter x Article-1.csv
    holds "$stderr" "--delimiter: 'x' is not a delimiter: use one byte like , ; | ~, or tab, or U+0001"
}

@test "a header row that fits two delimiters is refused with what to declare" {
    schema '"columns": {"record_id,tags": "record_id", "tags;name": null}, "version": "required"'
    printf 'record_id,tags;name\n' >Article-1.csv
    ends 3 rowferry validate Article-1.csv
    holds "$stderr" "Article-1.csv: line 1: the header row can be read with ',' and with ';' between cells; declare \"csv\": {\"delimiter\": ...} under x-rowferry in the schema file, or give --delimiter"
}

@test "columns for one property, or for nothing, refuse the file" {
    schema '"columns": {"Name": "name"}'
    echo record_id,version,Name,name >Article-1.csv
    ends 3 rowferry validate Article-1.csv
    holds "$stderr" 'Article-1.csv: line 1: columns "Name" and "name" both fill "name"'
    echo 'record_id;version;Name;Nome' >Article-1.csv
    ends 3 rowferry validate Article-1.csv
    holds "$stderr" "line 1: with ';' between cells: unknown column \"Nome\""
}

@test "an invalid declaration holds back the files of its object" {
    schema '"formats": {"price": {"date": "DD.MM.YY"}}'
    echo record_id,version >Article-1.csv
    ends 2 rowferry validate Article-1.csv
    holds "$stderr" 'schema/Article.json: #/x-rowferry/formats/price/date: is for a property that can be a string'
}

@test "gzip is detected by content, known by its own bytes, and its rejected rows are uncompressed" {
    schema ''
    mkdir inbox
    printf 'record_id,version,name,price\nA-1,1,a,1\nA-2,1,b,-1\n' | gzip >inbox/Article-1.csv.gz
    printf '{"recordId":"B-1","version":1,"fields":{}}\n' | gzip >inbox/Article-2.ndjson.gz
    printf 'record_id,version\nC-1,1\n' >inbox/Article-3.csv.gz
    touch -d '1 hour ago' inbox/*
    cp inbox/Article-3.csv.gz inbox/Article-2.ndjson.gz .
    run rowferry run --min-age 0 --environment http://127.0.0.1:9
    same 'A-1 B-1 C-1' "$(sqlite3 rowferry.db "SELECT group_concat(record_id, ' ') FROM job")"
    same $'record_id,version,name,price\nA-2,1,b,-1' "$(cat inbox/done/Article-1.csv.gz.rejected.csv)"
    ends 0 rowferry ingest Article-3.csv.gz
    holds "$stderr" "Article-3.csv.gz' was read before, as batch 3"
    piped() { rowferry ingest - --schema Article --format ndjson <Article-2.ndjson.gz; }
    ends 0 piped
    ends 0 piped
    holds "$stderr" "'-' was read before, as batch 4"
    ends 0 rowferry ingest Article-2.ndjson.gz
    holds "$stderr" "Article-2.ndjson.gz' was read before, as batch 4"
}

@test "a gzip file that is cut off or damaged is refused as a whole" {
    schema ''
    { echo record_id,version; seq -f 'A-%g,1' 1 50000; } | gzip >whole.gz
    head -c 20000 whole.gz >Article-1.csv.gz
    ends 3 rowferry ingest Article-1.csv.gz
    holds "$stderr" 'refused: Article-1.csv.gz: the gzip data is cut off: the file ends within it'
    same '0 refused' "$(sqlite3 rowferry.db 'SELECT count(job.id), batch.state FROM batch LEFT JOIN job ON job.batch_id = batch.id' | tr '|' ' ')"
    { head -c 20000 whole.gz; printf 'XXXXXXXXXXXXXXXX'; tail -c +20017 whole.gz; } >Article-2.csv.gz
    ends 3 rowferry validate Article-2.csv.gz
    holds "$stderr" 'Article-2.csv.gz: the gzip data is damaged after byte'
}

@test "a column without a type gets it from its listed values" {
    mkdir -p schema
    cat >schema/Article.json <<'JSON'
{"$schema": "http://json-schema.org/draft-06/schema#",
 "properties": {"level": {"enum": [1, 2]}, "active": {"const": true},
                "map": {"enum": [false, "inline"]}, "kind": {"$ref": "#/definitions/kind"}},
 "definitions": {"kind": {"anyOf": [{"const": 5}, {"const": null}]}}}
JSON
    printf '%s\n' record_id,version,level,active,map,kind A-1,1,1,true,false,5 A-2,1,2,true,inline,null \
        A-3,1,3,true,false,5 A-4,1,1,yes,true,5 >Article-1.csv
    ends 3 rowferry ingest Article-1.csv
    same '{"level":1,"active":true,"map":false,"kind":5}
{"level":2,"active":true,"map":"inline","kind":null}' "$(sqlite3 rowferry.db 'SELECT fields FROM job ORDER BY row_no')"
    same '3|level|enum|must be one of 1, 2, is 3
4|active|type|must be true or false, is "yes"; if that is meant, declare "formats": {"active": {"boolean": {"true": [...], "false": [...]}}} under x-rowferry
4|map|enum|must be one of false, "inline", is true' \
        "$(sqlite3 rowferry.db 'SELECT row_no, field, rule, message FROM violation ORDER BY row_no, field')"
    ends 0 rowferry export 1 --format csv
    holds "$output" 'A-2,1,2,true,inline,null'
    sed -i 's/"inline"\]/"false"]/' schema/Article.json
    ends 2 rowferry validate Article-1.csv
    holds "$stderr" '#/properties/map: lists strings that look like its other values, which CSV cells cannot distinguish: add "type"'
}

@test "an integer of draft-04 has no fraction, in a cell as in JSON" {
    mkdir -p schema
    echo '{"$schema": "http://json-schema.org/draft-04/schema#", "properties": {"n": {"type": "integer"}}}' >schema/Article.json
    printf '%s\n' record_id,version,n A-1,1,5 A-2,1,5.0 A-3,1,1e2 A-4,1,-0 >Article-1.csv
    ends 3 rowferry validate Article-1.csv
    holds "$output" 'Article-1.csv:3: A-2: n: must be an integer, is 5.0'
    holds "$output" 'Article-1.csv:4: A-3: n: must be an integer, is 1e2'
    lacks "$output" A-4
    sed -i s/draft-04/draft-07/ schema/Article.json
    ends 0 rowferry validate Article-1.csv
}
