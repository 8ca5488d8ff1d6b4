# `validate --suggest`: a schema file that fits a file for which nothing is declared.
load lib

DATA=$BATS_TEST_DIRNAME/data/suggest

# suggested FILE: the schema file that is suggested for it, in schema/, named as the file needs it
suggested() {
    local name=${1##*/}

    mkdir -p suggested
    ends 0 rowferry validate --suggest "$1"
    printf '%s\n' "$output" >"suggested/${name%%[-.]*}.json"
}

# reads FILE ROWS: with its suggested schema file, validate accepts each of them
reads() {
    suggested "$1"
    holds "$stderr" "all $2 rows are accepted"
    ends 0 rowferry validate --schemas suggested "$1"
    holds "$output" "$2 accepted, 0 rejected"
}

# fields FILE: of the jobs that ingest makes, a line each
fields() {
    rm -f rowferry.db*
    ends 0 rowferry ingest --schemas suggested "$1"
    sql "SELECT record_id || ' ' || fields FROM job ORDER BY id"
}

@test "a DATEV file: a line before the header row, windows-1252, decimal comma" {
    reads "$DATA/Buchung-datev.csv" 4
    same 'RE-2026-0003 {"Umsatz (ohne Soll/Haben-Kz)":12345.67,"Soll/Haben-Kennzeichen":"S","Konto":8400,"Gegenkonto":10003,"Belegdatum":"2026-11-30","Buchungstext":"Straßenbau, Abschnitt 2","Festschreibung":0}' \
        "$(fields "$DATA/Buchung-datev.csv" | sed -n 3p)"
}

@test "an SAP list: trailing minus, blanks, an empty date, a sum after the last row" {
    reads "$DATA/Bestand-sap.csv" 4
    same 'M-000117 {"Werk":1000,"Bestand":1234.000,"Wert":12345.60,"Letzte Bewegung":"2026-11-01","MEINS":"ST"}
M-000118 {"Werk":1000,"Bestand":-12.500,"Wert":-120.00,"Letzte Bewegung":"2026-10-30","MEINS":"ST"}
M-000119 {"Werk":1000,"Bestand":0.000,"Wert":0.00,"MEINS":"ST"}
M-000120 {"Werk":1000,"Bestand":100.250,"Wert":1000.00,"Letzte Bewegung":"2025-01-15","MEINS":"ST"}' \
        "$(fields "$DATA/Bestand-sap.csv")"
}

@test "a Business Central export: title lines, grouped digits, words for true and false" {
    reads "$DATA/Artikel-bc.csv" 3
    same '1896-S {"Beschreibung":"ATHEN Schreibtisch","Lagerbestand":1204,"VK-Preis":1005.80,"Gesperrt":false}' \
        "$(fields "$DATA/Artikel-bc.csv" | head -n 1)"
}

@test "a MySQL tab file: quotes are characters, backslash N is absent, times without a zone" {
    export TZ=Europe/Berlin
    reads "$DATA/Rohr-mysql.tsv" 3
    holds "$(cat suggested/Rohr.json)" "does not name the zone"
    same 'a1 {"name":"Rohr 16\" lang","length":16,"changed":"2026-11-01T10:00:00+01:00"}
a2 {"name":"Rohr 12\"","length":12}' "$(fields "$DATA/Rohr-mysql.tsv" | head -n 2)"
}

@test "a sqlcmd export: NULL, and a count after the last row" {
    reads "$DATA/Lager-sqlcmd.csv" 3
    same 'k-2 {}' "$(fields "$DATA/Lager-sqlcmd.csv" | sed -n 2p)"
}

@test "headings of a word and a digit" {
    printf 'Nr;d1;d2\nA-1;1,5;2\nA-2;2,5;3\n' >Wert-1.csv
    reads Wert-1.csv 2
    same 'A-2 {"d1":2.5,"d2":3}' "$(fields Wert-1.csv | tail -n 1)"
}

@test "a line of dashes under the header row" {
    printf 'id|name|qty\n---+----+---\na1|one|1\na2|two|2\n(2 rows)\n' >Psql-1.csv
    reads Psql-1.csv 2
    holds "$(cat suggested/Psql.json)" '"comment": "---"'
    printf 'id;name;qty\n--;----;---\na1;one;1\na2;two;2\n' >Sqlcmd-1.csv
    reads Sqlcmd-1.csv 2
    holds "$(cat suggested/Sqlcmd.json)" '"comment": "--;----;---"'
    # undeclared, such a line is rejected with what to declare
    for file in suggested/Psql.json suggested/Sqlcmd.json; do
        jq 'del(."x-rowferry".csv.comment)' "$file" >changed.json
        mv changed.json "$file"
    done
    ends 3 rowferry validate --schemas suggested Psql-1.csv
    holds "$output" 'is a line of dashes; if it is under the header row, declare "csv": {"comment": "---"}'
    ends 3 rowferry validate --schemas suggested Sqlcmd-1.csv
    holds "$output" 'is a line of dashes; if it is under the header row, declare "csv": {"comment": "--;----;---"}'
}

@test "an Excel text file: UTF-16, sep=, an amount with its currency" {
    reads "$DATA/Preis-excel.csv" 3
    same '0013 {"Menge":7,"Preis":1250.00}' "$(fields "$DATA/Preis-excel.csv" | sed -n 2p)"
}

@test "an unusual delimiter, comments, rows that end early" {
    reads "$DATA/Teil-tilde.csv" 5
    same 'x5 {"text":"five"}' "$(fields "$DATA/Teil-tilde.csv" | tail -n 1)"
}

@test "an American export: parentheses, month first, every cell in quotes" {
    reads "$DATA/Account-us.csv" 3
    same 'A-2 {"Opened":"2026-11-23","Balance":-12.00,"Active":false}
A-3 {"Balance":250000.00,"Active":true}' "$(fields "$DATA/Account-us.csv" | tail -n 2)"
}

@test "Swiss amounts with a typographic apostrophe between thousands" {
    printf 'record_id;version;price;stock\nA-1;1;1’234.50;12’000\nA-2;1;99.95;1’234’567\n' >Thing-1.csv
    suggested Thing-1.csv
    holds "$output" '"price": {"thousands": "’"}'
    holds "$output" '"stock": {"thousands": "’"}'
}

@test "an old DOS program's code page" {
    reads "$DATA/Kunde-dos.csv" 3
    same '1002 {"NAME":"Bäckerei Weiß","ORT":"Düsseldorf","UMSATZ":7.50}' \
        "$(fields "$DATA/Kunde-dos.csv" | sed -n 2p)"
}

@test "percent, zeros before a price, and an ambiguous date" {
    reads "$DATA/Rabatt-sap.csv" 3
    holds "$(cat suggested/Rabatt.json)" "03/04/2026 in line 2 may also be MM/DD/YYYY"
    same '0002 {"RABATT":12.5,"GUELTIG_AB":"2026-06-05","EK":100.00}' \
        "$(fields "$DATA/Rabatt-sap.csv" | sed -n 2p)"
}

@test "NDJSON: types and formats of the members" {
    reads "$DATA/Ticket-api.ndjson" 2
    same '{"subject":{"type":"string"},"due":{"type":"string","format":"date"},"hours":{"type":"number"},"tags":{"type":"array"},"closed":{"type":"boolean"},"owner":{"type":"null"}}' \
        "$(jq -c .properties suggested/Ticket.json)"
}

@test "every sample batch is read as its own schema file reads it" {
    local file accepted

    for file in "$TOP"/sample-batches/*; do
        accepted=$(rowferry validate --json "$file" 2>/dev/null | jq -r 'select(.message_type == "summary") | .jobs')
        suggested "$file"
        run --separate-stderr rowferry validate --json --schemas suggested "$file"
        [ "$(summary .jobs)" -ge "$accepted" ] || {
            echo "$file: $(summary .jobs) rows with the suggested schema file, $accepted with its own"
            return 1
        }
    done
}

@test "ambiguities become comments with an example" {
    printf 'id;q;code\na;1,204;007\nb;12;012\n' >x.csv
    suggested x.csv
    holds "$output" '1,204 in line 2 may also be written as'
    holds "$output" 'digits with zeros before them are kept as a text'
    printf 'id,n\na,1\nb,2\nc,3\nd,4\ne,5\nf,six\n' >y.csv
    suggested y.csv
    holds "$output" 'a text because of \"six\" in line 7; 5 of 6 values look like numbers'
}

@test "with --json a suggestion is one line of JSON, and nothing is written" {
    printf 'id,n\na,1\n' >x.csv
    ends 0 rowferry validate --json --suggest x.csv
    same '["schema","x.csv",1,1,"integer"]' \
        "$(printf '%s\n' "$output" | jq -c 'select(.message_type == "schema") | [.message_type, .file, .rows, .accepted, .schema.properties.n.type]')"
    same 0 "$(summary .exit_status)"
    same $'schema\nx.csv' "$(ls -I 'separate-*')"
}

@test "a file that cannot be read is an error that says what to do" {
    ends 2 rowferry validate --suggest - </dev/null
    holds "$stderr" "standard input cannot be read twice: save it to a file and name that"
    ends 2 rowferry validate --suggest nothing.csv
    holds "$stderr" "'nothing.csv' does not exist: check its path"
    printf '1,2,3\n4,5,6\n' >x.csv
    ends 3 rowferry validate --suggest x.csv
    holds "$stderr" "x.csv: none of the first 30 lines is a header row"
    : >y.csv
    ends 3 rowferry validate --suggest y.csv
    holds "$stderr" "y.csv: the file is empty"
    lacks "$stderr" "30 lines"
    printf '\xef\xbb\xbf' >y.csv
    ends 3 rowferry validate --suggest y.csv
    holds "$stderr" "y.csv: the file is empty"
}

@test "a row with record_id is the header row in spite of other evidence" {
    local text
    for text in 'record_id,version,d1,d2\nA-1,1,x,y\nA-2,1,x,z\n' \
        'record_id;version;name;\nA-1;1;x;\nA-2;1\nA-3;1;y;;;\n' \
        'record_id,version,na me,"x,y",,z\nA-1,1,5,1,,2\n' \
        "record_id,version,name\nA-1,1,\"$(printf 'z\\n%.0s' {1..150})\"\nA-2,1,y\n"; do
        printf "$text" >Thing-1.csv
        suggested Thing-1.csv
        lacks "$output" '"columns"'
        lacks "$output" skipLines
        lacks "$output" footer
        holds "$output" '"version": "required"'
    done
}

@test "a heading is named as it is read, with its own quotes or doubled ones" {
    printf 'record_id\tsay ""x"" now\ta\na\t5" b\t1\nb\t7" c\t2\n' >x.tsv
    suggested x.tsv
    holds "$stderr" "all 2 rows are accepted"
    same '["say \"\"x\"\" now","a"]' "$(printf '%s\n' "$output" | jq -c '.properties | keys_unsorted')"
    printf 'record_id,"say ""x"" now"\na,5\n' >y.csv
    suggested y.csv
    same '["say \"x\" now"]' "$(printf '%s\n' "$output" | jq -c '.properties | keys_unsorted')"
}
