#!/usr/bin/env bats
# Files as real exports are: what is declared is read right and written the same way, what is not is
# rejected with words that say what to declare.
load lib
load article

# fields: of all jobs, in the order of the rows
fields() {
    sqlite3 rowferry.db 'SELECT fields FROM job ORDER BY id'
}

# article FILE: standard input becomes schema/Article's file
article() {
    cat >"$1"
    touch -d '1 hour ago' "$1"
}

# said FILE: status and everything that validate says of it
said() {
    run rowferry validate "$1"
}

# back FILE...: what was ingested as batch 1 comes back the same through `export`
back() {
    rowferry export 1 >"Article-again.${1:-csv}" 2>said.txt || { cat said.txt; return 1; }
    ends "${2:-0}" rowferry ingest "Article-again.${1:-csv}"
    same "$(sqlite3 rowferry.db 'SELECT record_id, version, tags, fields FROM job WHERE batch_id = 1 ORDER BY id')" \
        "$(sqlite3 rowferry.db 'SELECT record_id, version, tags, fields FROM job WHERE batch_id = 2 ORDER BY id')"
}

@test "A1: an encoding is advised only without evidence against it" {
    schema ''
    printf 'record_id,version,name\nA-1,1,K\xfcche\n' | article Article-1.csv
    said Article-1.csv
    [ "$status" -eq 3 ]
    holds "$output" 'byte 0xfc is not UTF-8 (looks like windows-1252; declare it with "csv": {"encoding": "windows-1252"}'
    printf 'record_id,version,name\nA-1,1,K\x81che\n' | article Article-1.csv
    said Article-1.csv
    holds "$output" 'byte 0x81 is not UTF-8 (looks like CP850; declare it with "csv": {"encoding": "CP850"}'
    lacks "$output" windows-1252
    printf 'record_id,version,name\nA-1,1,caf\xe9\n' | article Article-1.csv
    said Article-1.csv
    holds "$output" 'looks like windows-1252 or CP850'
}

@test "A1: a row in another encoding is rejected alone, a file that is cut off as a whole" {
    schema ''
    printf 'record_id,version,name\nA-1,1,Küche\nA-2,1,K\xfcche\nA-3,1,x\n' | article Article-1.csv
    ends 3 rowferry validate Article-1.csv
    holds "$output" 'Article-1.csv:3: A-2: is in another encoding: byte 0xfc (line 3, column 8) is not UTF-8, as the rest of the file is'
    lacks "$output" windows-1252
    holds "$output" '3 rows: 2 accepted, 1 rejected'
    ends 3 rowferry ingest Article-1.csv
    same '{"name":"Küche"}
{"name":"x"}' "$(fields)"
    printf 'record_id,version,name\nA-1,1,Küche\nA-2,1,K\xc3' | article Article-2.csv
    ends 3 rowferry ingest Article-2.csv
    holds "$stderr" 'Article-2.csv: line 3, column 8: the file ends within a UTF-8 character: it is cut off'
    same 'refused' "$(sqlite3 rowferry.db 'SELECT state FROM batch WHERE id = 2')"
    printf '{"recordId":"a","version":1,"fields":{}}\n{"recordId":"\xe2\x82' | article Article-3.ndjson
    ends 3 rowferry ingest Article-3.ndjson
    holds "$stderr" 'the file ends within a UTF-8 character'
}

@test "A1: what is not text is recognized by its first bytes" {
    local kind words

    schema '"csv": {"encoding": "windows-1252"}'
    while read -r kind words; do
        printf "$kind" | article Article-1.csv
        ends 3 rowferry validate Article-1.csv
        holds "$stderr" "$words"
        lacks "$stderr" declare
    done <<'KINDS'
PK\3\4\24\0\6\0\10\0record_id Article-1.csv: is a ZIP archive, perhaps an Excel workbook (.xlsx): save it as "CSV UTF-8"
\320\317\21\340\241\261\32\341\0\0 is an Excel 97 workbook
%%PDF-1.7\n is a PDF document
SQLite\40format\0403\0\20\0 is an SQLite database
\211PNG\r\n\32\n is a PNG image
\377\330\377\340\0 is a JPEG image
7z\274\257\47\34 is a 7-Zip archive
BZh91AY\46SY\1 is a bzip2 file
\50\265\57\375\4 is a Zstandard file
\177ELF\2\1\1 is a program
\231\205\203\226\231\204\155\211\204\153\245\205\231\242\211\226\225 is text in EBCDIC
<!DOCTYPE\40html><html> is an HTML page
\357\273\277\r\n\40<HTML><body> is an HTML page
PAR1\25\4\25 is a Parquet file
\1\2\3\4\5\6\7\10\16\17 is not text
KINDS
    printf 'PK\3\4\24\0\6\0' | gzip | article Article-1.csv.gz
    ends 3 rowferry validate Article-1.csv.gz
    holds "$stderr" 'is a ZIP archive'
    local json
    for json in '[{"recordId":"a","fields":{}}]' '\357\273\277 [\r\n {\n"recordId":"a"}]'; do
        printf "$json" | article Article-1.csv
        ends 3 rowferry validate Article-1.csv
        holds "$stderr" "Article-1.csv: is a JSON array, not CSV: convert it with jq -c '.[]', and use its output as .ndjson"
        ends 3 rowferry validate --suggest Article-1.csv
        holds "$stderr" 'Article-1.csv: is a JSON array'
    done
    for json in '{"recordId":"a","fields":{}}\n' '{\n "recordId": "a"\n}\n'; do
        printf "$json" | article Article-1.csv
        ends 3 rowferry validate Article-1.csv
        holds "$stderr" 'Article-1.csv: is JSON, not CSV: rename it to .ndjson; where an object continues on the next line, convert it with jq -c . first'
        lacks "$stderr" quote
    done
    schema '"columns": {"[record]": "record_id"}'
    printf '[record],version\nA-1,1\n' | article Article-1.csv
    ends 0 rowferry validate Article-1.csv
    # a heading that begins like one is none
    printf 'ORCID;record_id;version\nx;A-1;1\n' | article Article-2.csv
    schema '"columns": {"ORCID": "name"}'
    ends 0 rowferry validate Article-2.csv
}

@test "A1: CP850, CP437 and UTF-16 without a byte order mark are read and written as declared" {
    local encoding

    for encoding in CP850 CP437 UTF-16LE UTF-16BE ISO-8859-15; do
        rm -f rowferry.db*
        schema "\"csv\": {\"encoding\": \"$encoding\"}"
        printf 'record_id;version;name\nA-1;1;Küche "ß"\nA-2;1;é\n' | tr -d '"' |
            iconv -f UTF-8 -t $encoding | article Article-1.csv
        ends 0 rowferry ingest Article-1.csv
        same '{"name":"Küche ß"}
{"name":"é"}' "$(fields)"
        back
        holds "$(iconv -f $encoding -t UTF-8 Article-again.csv)" 'A-1;1;Küche ß;1/1;pending'
    done
}

@test "A2: a declared encoding whose bytes are all UTF-8 refuses the file, unless --force is given" {
    local encoding

    for encoding in windows-1252 ISO-8859-1 ISO-8859-15 CP850 CP437; do
        rm -f rowferry.db*
        schema "\"csv\": {\"encoding\": \"$encoding\"}"
        { printf 'record_id,version,name\nA-1,1,Küche\n'; seq -f 'B-%g,1,x' 20000; echo 'A-2,1,Tür'; } |
            article Article-1.csv
        ends 3 rowferry ingest Article-1.csv
        holds "$stderr" "all its bytes above 0x7f are UTF-8 (2 characters), but the schema file declares $encoding"
        holds "$stderr" '--force'
        same '0|refused' "$(sqlite3 rowferry.db 'SELECT (SELECT count(*) FROM job), state FROM batch')"
        ends 3 rowferry validate Article-1.csv
        ends 0 rowferry validate --force Article-1.csv
        ends 0 rowferry ingest --force Article-1.csv
        printf 'record_id,version,name\nA-1,1,Küche\n' | article Article-2.csv
        ends 0 rowferry ingest Article-2.csv
        holds "$stderr" "its only character above 0x7f would be UTF-8, too, and is read as $encoding"
        schema "\"csv\": {\"encoding\": \"$encoding\"}, \"columns\": {\"Größe\": \"name\"}"
        printf 'record_id,version,Größe\nA-1,1,x\n' | article Article-3.csv
        ends 3 rowferry ingest Article-3.csv
        holds "$stderr" "its bytes above 0x7f are UTF-8, but the schema file declares $encoding"
    done
}

@test "A2: UTF-8 is reported if UTF-16 is declared" {
    local encoding

    for encoding in UTF-16 UTF-16LE UTF-16BE; do
        schema "\"csv\": {\"encoding\": \"$encoding\"}"
        printf 'record_id,version,name\nA-1,1,Küche\n' | article Article-1.csv
        ends 3 rowferry validate Article-1.csv
        holds "$stderr" "is not $encoding, as the schema file declares, but UTF-8: remove \"encoding\" from it"
    done
}

@test "A3: record ids with invisible characters are rejected, or trimmed if declared" {
    schema ''
    printf 'record_id,version,name\n%s,1,x\nA-2 ,1,x\n A-3,1,x\nA-4%s,1,x\nA%s-5,1,x\nA-6,1,x\n' \
        $'\u200bA-1' $'\u00a0' $'\u2066' | article Article-1.csv
    ends 3 rowferry validate --json Article-1.csv
    same 'record_id must not hold U+200B, which is invisible
record_id must not end with a blank (U+0020)
record_id must not begin with a blank (U+0020)
record_id must not end with a blank (U+00A0)
record_id must not hold U+2066, which is invisible' \
        "$(printf '%s\n' "$output" | jq -r 'select(.message_type == "row") | .violations[] | .rule + " " + (.message | sub(";.*"; ""))')"
    schema '"trim": true, "recordId": {"pattern": "^[A-Z]-[0-9]+$"}'
    printf 'record_id,version,name,tags\n A-1\u00a0,1, x ,\t a ; b\n"A-2 ",1," x ",\nB2,1,x,\n' | article Article-1.csv
    ends 3 rowferry validate Article-1.csv
    holds "$output" 'Article-1.csv:4: B2: record_id: must match the pattern "^[A-Z]-[0-9]+$", is "B2"'
    ends 3 rowferry ingest Article-1.csv
    same 'A-1|["a","b"]|{"name":"x"}
A-2||{"name":" x "}' "$(sqlite3 rowferry.db 'SELECT record_id, tags, fields FROM job ORDER BY id')"
    same 'record_id' "$(sqlite3 rowferry.db 'SELECT rule FROM violation')"
    back csv 3
}

@test "A4: invisible characters are escaped in messages, and a blank at an end is reported" {
    schema ''
    printf 'record_id,version,name,price\nA-1,1,x,1\u00a0000\nA-2,1,x,\u200b5\nA-3,1,x,"5 "\n' | article Article-1.csv
    ends 3 rowferry validate Article-1.csv
    holds "$output" 'price: must be a number, is "1\u00a0000"'
    holds "$output" 'price: must be a number, is "\u200b5"'
    holds "$output" 'price: must be a number, is "5 " (ends with a blank)'
    printf 'record_id,version,pr\u00adice\n' | article Article-1.csv
    ends 3 rowferry validate Article-1.csv
    holds "$stderr" 'unknown column "pr\u00adice"'
}

@test "A5: a repeated header row, and a byte order mark at the start of a later line, are rejected" {
    schema '"version": "fetch"'
    printf '\ufeffrecord_id,name\nA-1,x\n\ufeffrecord_id,name\nA-2,y\nrecord_id,name\n\ufeffA-3,z\n' | article Article-1.csv
    ends 3 rowferry ingest Article-1.csv
    same 'A-1|{"name":"x"}
A-2|{"name":"y"}' "$(sqlite3 rowferry.db 'SELECT record_id, fields FROM job ORDER BY id')"
    same '2|row|begins with a byte order mark (U+FEFF) and repeats the header row: two files were concatenated: remove it
4|row|repeats the header row: remove it, or export a single file
5|row|begins with a byte order mark (U+FEFF): two files were concatenated: remove it' \
        "$(sqlite3 rowferry.db 'SELECT row_no, rule, message FROM violation ORDER BY row_no')"
}

@test "A6: lines before and after the table are skipped as declared" {
    schema '"csv": {"skipLines": 2, "comment": "#", "footer": "^(Total|\\*\\*\\*END)|rows affected"}'
    printf 'Stock of a day\n\n# columns\nrecord_id,version,name\nA-1,1,x\n#A-2,1,y\nTotal,1,in the middle\n"# A-3",1,z\nTotal,,7\n\n***END OF FILE***\n(2 rows affected)\n' | article Article-1.csv
    ends 0 rowferry ingest Article-1.csv
    holds "$stderr" 'Article-1.csv: 3 lines left out as its footer, from line 9 on'
    same 'A-1|{"name":"x"}
Total|{"name":"in the middle"}
# A-3|{"name":"z"}' "$(sqlite3 rowferry.db 'SELECT record_id, fields FROM job ORDER BY id')"
    back
    same 'Stock of a day' "$(head -n 1 Article-again.csv)"
    same '"# A-3",1,z' "$(sed -n 6p Article-again.csv | cut -d, -f 1-3)"
}

@test "A6: the lines of a cell before the footer are not counted as footer" {
    schema '"csv": {"footer": "^Total"}'
    printf 'record_id,version,name\nA-1,1,"a\n\nTotal 1\nTotal 2"\nTotal 3\n' | article Article-1.csv
    ends 0 rowferry ingest Article-1.csv
    holds "$stderr" 'Article-1.csv: 1 line left out as its footer, from line 6 on'
    same '{"name":"a\n\nTotal 1\nTotal 2"}' "$(fields)"
}

@test "A11: lines of a cell that is not closed are not short rows" {
    schema '"version": "fetch", "csv": {"shortRows": "absent", "maxFieldLines": 3}'
    printf 'record_id,name,price\nA-1,"%s",1\nA-2\nA-3,y,2\nA-4\nA-5,"open\nA-6\nA-7,y,1\nA-8\n' \
        $'A-9\nA-9,x\nA-9\nA-9\nz' | article Article-1.csv
    ends 3 rowferry ingest Article-1.csv
    same 'A-2 A-3 A-4 A-7 A-8' "$(sql "SELECT group_concat(record_id, ' ') FROM job")"
    holds "$(sql 'SELECT message FROM violation')" 'may be a line of the cell before it that is not closed: short rows are accepted again after one of 3 cells'
}

@test "A6: a row that reads like the footer is written so that it is a row" {
    schema '"csv": {"footer": "^Total"}'
    printf 'record_id,version,name\nA-1,1,x\nTotal,1,y\nA-2,1,z\n' | article Article-1.csv
    ends 0 rowferry ingest Article-1.csv
    rowferry export 1 --state pending | grep -v A-2 >Article-2.csv
    ends 0 rowferry ingest Article-2.csv
    same 'A-1 Total' "$(sqlite3 rowferry.db "SELECT group_concat(record_id, ' ') FROM job WHERE batch_id = 2")"
}

@test "A6: Excel's sep= line declares the delimiter, and rejected rows keep it" {
    schema ''
    mkdir inbox
    printf 'sep=~\r\nrecord_id~version~price\r\nA-1~1~2\r\nA-2~1~x\r\n' | article inbox/Article-1.csv
    run rowferry run --min-age 0 --environment http://127.0.0.1:9
    same '{"price":2}' "$(fields)"
    same $'sep=~\r\nrecord_id~version~price\r\nA-2~1~x\r' "$(cat inbox/done/*.rejected.csv)"
    printf '"SEP=|"\nrecord_id|version\nA-3|1\n' | article Article-2.csv
    ends 0 rowferry validate Article-2.csv
    schema '"csv": {"delimiter": ";"}'
    ends 3 rowferry validate Article-2.csv
    holds "$stderr" "line 1: sep= says that '|' is between cells, but ';' is declared"
}

@test "A6: undeclared lines before the header row are reported with what to declare" {
    schema '"columns": {"Artikel": "record_id"}'
    printf '"EXTF";700;21;"Buchungsstapel"\nArtikel;version\nA-1;1\n' | article Article-1.csv
    ends 3 rowferry validate Article-1.csv
    holds "$stderr" 'line 2 holds "Artikel": if that is the header row, declare "csv": {"skipLines": 1}'
    printf '# a\n# b\n\nArtikel,version\nA-1,1\n' | article Article-1.csv
    ends 3 rowferry validate Article-1.csv
    holds "$stderr" 'line 4 holds "Artikel": if that is the header row, declare "csv": {"comment": "#"}, or {"skipLines": 3}'
    schema '"columns": {"Artikel": "record_id"}, "csv": {"skipLines": 1}'
    printf '"EXTF";700;21;"Buchungsstapel"\nArtikel;version\nA-1;1\n' | article Article-1.csv
    ends 0 rowferry validate Article-1.csv
}

@test "A7: words and empty quotes are absent if declared" {
    schema ''
    printf 'record_id,version,name,price,stock\nA-1,1,NULL,"",\\N\n' | article Article-1.csv
    ends 3 rowferry validate Article-1.csv
    holds "$output" 'price: must be a number, is ""; an empty cell without quotes is absent, and "csv": {"quotedEmpty": "absent"}'
    holds "$output" 'declare "formats": {"stock": {"absent": ["\\N"]}}'
    schema '"csv": {"absent": ["NULL", "\\N"], "quotedEmpty": "absent"},
            "formats": {"counted": {"date": "YYYYMMDD", "absent": ["00000000"]}, "name": {"absent": ["-"]}}'
    printf 'record_id,version,name,price,stock,counted,tags\nA-1,1,NULL,"",\\N,00000000,"NULL"\n"A-2","1","","1","","20261123",""\nA-3,1,-,-,1,,\n\\N,1,x,,,,\n' | article Article-1.csv
    ends 3 rowferry ingest Article-1.csv
    same 'A-1||{}
A-2||{"price":1,"counted":"2026-11-23"}' "$(sqlite3 rowferry.db 'SELECT record_id, tags, fields FROM job ORDER BY id')"
    same '3|price|type
4|record_id|record_id' "$(sqlite3 rowferry.db 'SELECT row_no, field, rule FROM violation ORDER BY row_no')"
    back csv 3
}

@test "A8: numbers with signs, padding, units and groups are read as declared and written back" {
    schema '"csv": {"delimiter": ";"}, "formats": {"price": {"decimal": ",", "thousands": ".", "sign": "trailing", "padding": "0", "unit": "€"}, "stock": {"thousands": "."}}'
    sed -i 's/"exclusiveMinimum": 0/"title": ""/' schema/Article.json
    printf 'record_id;version;price;stock\nA-1;1;1.234,56-;1.234\nA-2;1;0000012,50;1234\nA-3;1;12,50 €;\nA-4;1;€ 0012,5-;\nA-5;1;-5;1.5\n' | article Article-1.csv
    ends 3 rowferry ingest Article-1.csv
    same '{"price":-1234.56,"stock":1234}
{"price":12.50,"stock":1234}
{"price":12.50}
{"price":-12.5}' "$(fields)"
    same 'price|must be a number like 1.234,50, negative as 5-, padded with zeros, with or without "€", is "-5"
stock|must be an integer like 1.234, is "1.5"' "$(sqlite3 rowferry.db 'SELECT field, message FROM violation ORDER BY field')"
    back csv 3
    same '1234,56- €' "$(sed -n 2p Article-again.csv | cut -d';' -f 3)"
    schema '"formats": {"price": {"sign": "parentheses", "thousands": " ", "padding": " "}, "stock": {"sign": "leading"}}'
    sed -i 's/"exclusiveMinimum": 0/"title": ""/' schema/Article.json
    printf 'record_id,version,price,stock\nA-1,1,(1 234.5),+5\nA-2,1,"  1\u202f234.5 ",-5\nA-3,1,  (5),1\nA-4,1,-5,1\n' | article Article-2.csv
    rm -f rowferry.db*
    ends 3 rowferry ingest Article-2.csv
    same '{"price":-1234.5,"stock":5}
{"price":1234.5,"stock":-5}
{"price":-5,"stock":1}' "$(fields)"
    back csv 3
}

@test "A8: undeclared numbers stay rejected, and the message names the settings" {
    local cell words

    schema ''
    while IFS='|' read -r cell words; do
        printf 'record_id;version;price\nA-1;1;%s\n' "$cell" | article Article-1.csv
        ends 3 rowferry validate Article-1.csv
        holds "$output" "declare \"formats\": {\"price\": $words} under x-rowferry"
    done <<'CELLS'
1.234,56-|{"decimal": ",", "thousands": ".", "sign": "trailing"}
0000012,50|{"decimal": ",", "padding": "0"}
     12,50 |{"decimal": ",", "padding": " "}
+12,50|{"decimal": ",", "sign": "leading"}
(12,50)|{"decimal": ",", "sign": "parentheses"}
12,50 €|{"decimal": ",", "unit": "€"}
5,0 %|{"decimal": ",", "unit": "%"}
USD 1,234.50|{"thousands": ",", "unit": "USD"}
1'234.50|{"thousands": "'"}
1’234.50|{"thousands": "’"}
-1’234’567|{"thousands": "’"}
CHF 1’234,50|{"decimal": ",", "thousands": "’", "unit": "CHF"}
1 234 567|{"thousands": " "}
#N/A|{"absent": ["#N/A"]}
CELLS
}

@test "A9: unnamed columns are ignored while they are empty; ignored columns can share a name" {
    schema '"columns": {"x": null}'
    printf 'record_id;version;x;name;x;;\nA-1;1;a;n;b;;\nA-2;1;;n;;;""\nA-3;1;;n;;c;\n' | article Article-1.csv
    ends 3 rowferry ingest Article-1.csv
    same 'A-1 A-2' "$(sqlite3 rowferry.db "SELECT group_concat(record_id, ' ') FROM job")"
    same 'row|column 6 has no name, but holds "c"; name it in the header row, or declare "columns": {"": null} under x-rowferry to ignore it' \
        "$(sqlite3 rowferry.db 'SELECT rule, message FROM violation')"
    back csv 3
    schema '"columns": {"x": null, "": null}'
    ends 0 rowferry validate Article-1.csv
}

@test "A10: a local time of a declared zone becomes a date-time, and local time again" {
    schema '"formats": {"counted": {"datetime": "DD.MM.YYYY hh:mm:ss", "zone": "Europe/Berlin"}}'
    sed -i 's/"counted": {"type": "string"}/"counted": {"type": "string", "format": "date-time"}/' schema/Article.json
    printf 'record_id,version,counted\nA-1,1,23.11.2026 10:00:00\nA-2,1,01.07.2026 00:30:00\nA-3,1,29.03.2026 02:30:00\nA-4,1,25.10.2026 02:30:00\nA-5,1,23.11.2026 24:00:00\nA-6,1,15.08.2077 12:00:00\n' | article Article-1.csv
    ends 3 rowferry ingest Article-1.csv
    same '{"counted":"2026-11-23T10:00:00+01:00"}
{"counted":"2026-07-01T00:30:00+02:00"}
{"counted":"2077-08-15T12:00:00+02:00"}' "$(fields)"
    same '3|format|must be a local time as DD.MM.YYYY hh:mm:ss, is "29.03.2026 02:30:00", which never came, as clocks were put forward over it
4|format|must be a local time as DD.MM.YYYY hh:mm:ss, is "25.10.2026 02:30:00", which came twice, as clocks were put back: "fold": "earlier" or "later" says which is meant
5|format|must be a local time as DD.MM.YYYY hh:mm:ss, is "23.11.2026 24:00:00"' \
        "$(sqlite3 rowferry.db 'SELECT row_no, rule, message FROM violation ORDER BY row_no')"
    back csv 3
    same '23.11.2026 10:00:00' "$(sed -n 2p Article-again.csv | cut -d, -f 3)"
    rm -f rowferry.db*
    schema '"formats": {"counted": {"datetime": "YYYY-MM-DDThh:mm", "zone": "America/New_York", "fold": "later"}}'
    printf 'record_id,version,counted\nA-1,1,2026-11-01T01:30\nA-2,1,2026-07-01T00:30\n' | article Article-1.csv
    ends 0 rowferry ingest Article-1.csv
    same '{"counted":"2026-11-01T01:30:00-05:00"}
{"counted":"2026-07-01T00:30:00-04:00"}' "$(fields)"
    back
}

@test "A10: an undeclared date or date-time stays rejected, and the message names the setting" {
    local format cell words

    while IFS='|' read -r format cell words; do
        schema ''
        sed -i "s/\"counted\": {\"type\": \"string\"}/\"counted\": {\"type\": \"string\", \"format\": \"$format\"}/" schema/Article.json
        printf 'record_id;version;counted\nA-1;1;%s\n' "$cell" | article Article-1.csv
        ends 3 rowferry validate Article-1.csv
        holds "$output" "if that is meant, declare \"formats\": {\"counted\": {$words}} under x-rowferry"
    done <<'CELLS'
date-time|23.11.2026 10:00:00|"datetime": "DD.MM.YYYY hh:mm:ss", "zone": ...
date-time|2026-11-23 10:00|"datetime": "YYYY-MM-DD hh:mm", "zone": ...
date|23.11.2026|"date": "DD.MM.YYYY"
date|11/23/2026|"date": "MM/DD/YYYY"
date|20261123|"date": "YYYYMMDD"
date|00000000|"absent": ["00000000"]
date|NULL|"absent": ["NULL"]
CELLS
}

@test "A11: text without quoting, and other delimiters, are read as declared and written back" {
    local delimiter

    schema '"csv": {"quote": null, "delimiter": "\t"}'
    printf 'record_id\tversion\tname\nA-1\t1\tRohr 16" lang\nA-2\t1\t"x"\nA-3\t1\t\n' | article Article-1.csv
    ends 0 rowferry ingest Article-1.csv
    same '{"name":"Rohr 16\" lang"}
{"name":"\"x\""}
{}' "$(fields)"
    back
    same $'A-1\t1\tRohr 16" lang' "$(sed -n 2p Article-again.csv | cut -f 1-3)"
    for delimiter in '~' '^' $'\001' ':' '!' ' ' $'\177' $'\037'; do
        rm -f rowferry.db*
        schema ''
        printf 'record_id%sversion%sname\nA-1%s1%s"x%sy"\n' "$delimiter" "$delimiter" "$delimiter" "$delimiter" "$delimiter" | article Article-1.csv
        ends 3 rowferry validate Article-1.csv
        holds "$stderr" 'declare "csv": {"delimiter": "'
        schema "\"csv\": {\"delimiter\": $(jq -n --arg d "$delimiter" '$d')}"
        ends 0 rowferry ingest Article-1.csv
        same "$(jq -nc --arg d "x${delimiter}y" '{name: $d}')" "$(fields | jq -c .)"
        back
    done
    schema ''
    ends 0 rowferry validate --delimiter U+001F Article-1.csv
    schema '"csv": {"delimiter": "x"}'
    ends 2 rowferry validate Article-1.csv
    holds "$stderr" '#/x-rowferry/csv/delimiter'
}

@test "A11, A15: rows with missing or surplus empty cells are read if declared" {
    schema ''
    printf 'record_id,version,name,price\nA-1,1\nA-2,1,x\nA-3,1,x,2,,\nA-4,1,x,2,,y\n' | article Article-1.csv
    ends 3 rowferry validate Article-1.csv
    holds "$output" '2 cells, but the header row has 4; where empty cells at the end are left out, declare "csv": {"shortRows": "absent"}'
    holds "$output" '6 cells, but the header row has 4; those in excess are empty: declare "csv": {"longRows": "empty"}'
    schema '"csv": {"shortRows": "absent", "longRows": "empty"}'
    ends 3 rowferry ingest Article-1.csv
    same '{}
{"name":"x"}
{"name":"x","price":2}' "$(fields)"
    same '4|6 cells, but the header row has 4' "$(sqlite3 rowferry.db 'SELECT row_no, message FROM violation')"
    back csv 3
}

@test "A12: other JSON is refused with the command that converts it" {
    schema ''
    printf '[\n{"recordId": "A-1", "version": 1, "fields": {}},\n{"recordId": "A-2", "version": 1, "fields": {}}\n]\n' | article Article-1.ndjson
    ends 3 rowferry ingest Article-1.ndjson
    holds "$stderr" "is a JSON array, but NDJSON has one object per line: convert it with jq -c '.[]'"
    same 0 "$(sqlite3 rowferry.db 'SELECT count(*) FROM job')"
    jq -c '.[]' Article-1.ndjson | article Article-2.ndjson
    ends 0 rowferry ingest Article-2.ndjson
    jq . Article-2.ndjson | article Article-3.ndjson
    ends 3 rowferry ingest Article-3.ndjson
    holds "$stderr" 'convert it with jq -c .'
    printf '\ufeff' | cat - Article-2.ndjson | iconv -f UTF-8 -t UTF-16LE | article Article-4.ndjson
    ends 3 rowferry validate Article-4.ndjson
    holds "$stderr" 'is UTF-16, but NDJSON must be UTF-8: convert it with iconv -f UTF-16 -t UTF-8'
    printf '\ufeff\036{"recordId": "A-1", "version": 1, "fields": {}}\n\036{"recordId": "A-2", "version": 1, "fields": {}}\n' | article Article-5.ndjson
    ends 0 rowferry validate Article-5.ndjson
    printf '{"recordId": "A-1", "version": 1, "fields": {}}\n\ufeff{"recordId": "A-2", "version": 1, "fields": {}}\n' | article Article-6.ndjson
    ends 3 rowferry validate Article-6.ndjson
    holds "$output" 'begins with a byte order mark (U+FEFF), which is allowed only at the beginning of a file'
}

@test "A13: Ctrl-Z after the last line is not a row in any encoding" {
    local encoding
    for encoding in windows-1252 ISO-8859-1 ISO-8859-15 CP850 CP437 UTF-16LE UTF-16BE; do
        schema "\"csv\": {\"encoding\": \"$encoding\"}"
        printf 'record_id,version,name\nA-1,1,Gr\u00fcn\n\x1a' | iconv -t "$encoding" >Article-1.csv
        ends 0 rowferry validate Article-1.csv
        holds "$output" '1 row: 1 accepted'
        holds "$stderr" '0x1A (Ctrl-Z), is left out'
    done
}

@test "A13: Ctrl-Z at the end is ignored, NUL bytes are reported, UTF-16 without a byte order mark is guessed" {
    schema ''
    printf 'record_id,version,name\r\nA-1,1,x\r\n\032' | article Article-1.csv
    ends 0 rowferry ingest Article-1.csv
    holds "$stderr" 'Article-1.csv: its last byte, 0x1A (Ctrl-Z), is left out'
    same '{"name":"x"}' "$(fields)"
    printf 'record_id,version,name\nA-1,1,x\nA-2,1\0\0\0\0' | article Article-2.csv
    ends 3 rowferry validate Article-2.csv
    holds "$output" 'Article-2.csv:3: A-2: holds 4 NUL bytes, the first at byte 36 of the file'
    printf 'record_id;version\nA-1;1\n' | iconv -f UTF-8 -t UTF-16BE | article Article-3.csv
    ends 3 rowferry validate Article-3.csv
    holds "$stderr" 'looks like UTF-16 without a byte order mark: declare "csv": {"encoding": "UTF-16BE"}'
}

@test "A14: a byte order mark in a schema file and in a secret file is skipped" {
    schema ''
    printf '\ufeff' | cat - schema/Article.json >marked
    mv marked schema/Article.json
    printf 'record_id,version,name\nA-1,1,x\n' | article Article-1.csv
    ends 0 rowferry ingest Article-1.csv
    start_sim
    printf '\ufeffsim-secret\r\n' >secret
    chmod 600 secret
    unset GENESYS_CLIENT_SECRET
    ends 0 rowferry drain --client-secret-file secret --audit none
    same applied "$(sqlite3 rowferry.db 'SELECT state FROM job')"
}

@test "A15: a cell with too many line breaks is reported with the setting that allows them" {
    schema ''
    { printf 'record_id,version,name\nA-1,1,"'; seq 129; printf '"\n'; } | article Article-1.csv
    ends 3 rowferry validate Article-1.csv
    holds "$output" '"csv": {"maxFieldLines": N} under x-rowferry allows more'
    schema '"csv": {"maxFieldLines": 200}'
    ends 0 rowferry validate Article-1.csv
    schema '"csv": {"maxFieldBytes": 20}'
    ends 3 rowferry validate Article-1.csv
    holds "$output" '"csv": {"maxFieldBytes": N} under x-rowferry allows more'
}

@test "CR CR LF is reported" {
    schema ''
    printf 'record_id,version,name\r\r\nA-1,1,x\r\r\n' | article Article-1.csv
    ends 3 rowferry validate Article-1.csv
    holds "$stderr" 'ends with CR CR LF'
    printf 'record_id,version,name\nA-1,1,x\r\r\n' | article Article-1.csv
    ends 3 rowferry validate Article-1.csv
    holds "$output" 'ends with CR CR LF'
}

# Each literal block of the manual page with two blank lines in it: settings, a file, the fields of its
# rows, into files 1.settings, 1.csv, 1.fields and so on.
examples() {
    awk '/^\.Bd -literal/ { inside = 1; part = 1; n++; next }
         /^\.Ed/ { inside = 0 }
         inside && /^$/ { part++; next }
         inside { gsub(/\\e/, "\\"); print > (n (part == 1 ? ".settings" : part == 2 ? ".csv" : ".fields")) }' \
        "$TOP/cmd/rowferry/share/rowferry-schema.5"
}

@test "the examples of rowferry-schema(5) are read as they say" {
    local fields n count=0

    examples
    for fields in *.fields; do
        n=${fields%.fields}
        rm -f rowferry.db*
        schema "$(cat "$n.settings")"
        sed -i 's/"exclusiveMinimum": 0/"title": ""/' schema/Article.json
        article "Article-$n.csv" <"$n.csv"
        ends 0 rowferry ingest "Article-$n.csv"
        same "$(cat "$fields")" "$(fields)"
        back
        count=$((count + 1))
    done
    [ "$count" -ge 13 ]
}

@test "the settings of docs/guide.md can be declared together" {
    mkdir -p guide
    jq '.properties += {"countedOn": {"type": "string"}, "changedAt": {"type": "string"}} | del(."x-rowferry")' \
        <(schema ''; cat schema/Article.json) >guide/bare.json
    { echo '{'; sed -n '/^"x-rowferry": {/,/^}/p' "$TOP/docs/guide.md"; echo '}'; } >guide/settings.json
    jq -s '.[0] * .[1]' guide/bare.json guide/settings.json >schema/Article.json
    printf 'Artikel;version;Preis;Bemerkung;countedOn;changedAt;blocked\nA-1;1;1.234,50- EUR;x;00.00.0000;23.11.2026 10:00:00;ja\nTotal;;1\n' | article Article-1.csv
    sed -i 's/"exclusiveMinimum": 0/"title": ""/' schema/Article.json
    ends 0 rowferry ingest Article-1.csv
    same '{"price":-1234.50,"changedAt":"2026-11-23T10:00:00+01:00","blocked":true}' "$(fields)"
    back
}

@test "an NDJSON batch is exported as NDJSON, also when its schema file is gone" {
    echo '{"recordId":"A-1","version":1,"fields":{"sku":"WH-1042"}}' >InventoryItem-1.ndjson
    ends 0 rowferry ingest -q InventoryItem-1.ndjson
    ends 0 rowferry export 1
    holds "$output" '{"recordId": "A-1", "version": 1, "fields": {"sku":"WH-1042"}, "outcome"'
    rm schema/InventoryItem.json
    ends 0 rowferry export 1
    holds "$output" '{"recordId": "A-1", "version": 1, "fields": {"sku":"WH-1042"}, "outcome"'
}
