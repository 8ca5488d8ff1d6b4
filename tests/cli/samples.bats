#!/usr/bin/env bats
# The files in sample-batches/ are accepted and rejected as documented, and `make demo` uses them.
load lib

setup() {
    in_a_folder
    SAMPLES=$TOP/sample-batches
}

# found FILE: `rule field` of every violation, sorted, each pair once
found() {
    rowferry validate --json "$1" |
        jq -r 'select(.message_type == "row") | .violations[] | "\(.rule) \(.field)"' | sort -u
}

@test "every sample file has the expected number of accepted and rejected rows" {
    local file accepted rejected

    while read -r file accepted rejected; do
        run --separate-stderr rowferry validate --json "$SAMPLES/$file"
        same "$file $accepted $rejected" "$file $(summary '"\(.rows_read - .rows_rejected) \(.rows_rejected)"')"
    done <<'TABLE'
InventoryItem-2026-11-23.csv 14 0
InventoryItem-2026-11-23-stocktake.csv 2 24
InventoryItem-2026-11-23-corrections.ndjson 6 15
CustomerAccount-2026-11-23.csv 7 12
CustomerAccount-2026-11-23-changes.ndjson 2 3
TABLE
    same 5 "$(ls "$SAMPLES" | wc -l)"
}

@test "the samples break each rule of their schema, of the reserved columns and of NDJSON" {
    same "check price
check status
exclusiveMinimum price
minimum quantity
pattern sku
record_id record_id
row 
type price
type quantity
version version" "$(found "$SAMPLES/InventoryItem-2026-11-23-stocktake.csv")"
    same "check status
minimum quantity
pattern sku
record_id record_id
row 
type price
type quantity
version version" "$(found "$SAMPLES/InventoryItem-2026-11-23-corrections.ndjson")"
}

@test "the first sample still has its BOM, its CRLF and its newline in a cell" {
    local file=$SAMPLES/InventoryItem-2026-11-23.csv

    same efbbbf "$(head -c 3 "$file" | od -An -tx1 | tr -d ' ')"
    same "$(wc -l <"$file")" "$(grep -c $'\r$' "$file")"
    same 16 "$(wc -l <"$file")"
}

@test "digits and letters of the samples reach the payload as they are" {
    ends 0 rowferry ingest -q "$SAMPLES/InventoryItem-2026-11-23.csv"
    ends 3 rowferry ingest -q "$SAMPLES/InventoryItem-2026-11-23-corrections.ndjson"
    fields() {
        sqlite3 rowferry.db "SELECT fields FROM job WHERE record_id = '$1'"
    }
    holds "$(fields ber-wh-1042)" '"price":45.50'
    holds "$(fields ber-wh-1045)" '"warehouseLocation":"B-01-01\r\nupper shelf, behind the \"green\" door"'
    lacks "$(fields ham-pk-2002)" warehouseLocation
    holds "$(fields ham-pk-2003)" '"warehouseLocation":""'
    holds "$(fields ber-wh-1050)" '"price": 45.50'
    holds "$(fields ber-wh-1051)" '"quantity": 1e2'
    holds "$(fields ber-wh-1052)" '"price": 12.340000000000000000001'
    holds "$(fields ber-wh-1052)" '"ean": 12345678901234567890'
    holds "$(fields ber-wh-1053)" '"dimensions": {"width": 12.50, "height": 3}'
}

@test "make demo shows a run with applied jobs and keeps its database" {
    B=$BIN ends 0 "$TOP/tests/lib/demo.sh"
    holds "$output" '(exit status 3)'
    holds "$output" 'Done: 28 updates applied'
    [[ $output =~ cd\ (build/demo/night\.[A-Za-z0-9]+) ]]
    same 28 "$(sqlite3 "$TOP/${BASH_REMATCH[1]}/rowferry.db" 'SELECT sum(applied) FROM batch_summary')"
    rm -r "$TOP/${BASH_REMATCH[1]}"
}
