# --max-errors and --min-rows: when a file as a whole is not to be trusted.
load lib

setup() {
    in_a_folder
    mkdir inbox
    {
        echo record_id,version,sku
        printf 'A-%d,1,WH-0001\nB-%d,1,bad\n' 1 1 2 2 3 3 4 4 5 5
    } >inbox/InventoryItem-a.csv
}

@test "a file with more rejected rows than --max-errors is refused as a whole and ends 4" {
    start_sim
    ends 4 rowferry run inbox --min-age 0 --rate none --max-errors 3 --json
    holds "$stderr" "refused: inbox/InventoryItem-a.csv: 4 rows are rejected so far, and --max-errors allows 3: fix the file, or raise the limit"
    same "0 4" "$(summary '"\(.requests) \(.exit_status)"')"
    [ -e inbox/refused/InventoryItem-a.csv ]
    [ ! -e inbox/refused/InventoryItem-a.csv.rejected.csv ]
    holds "$(cat inbox/refused/InventoryItem-a.csv.error.txt)" "--max-errors allows 3"
    # the fourth bad row is the eighth of the file; what was read until then is accounted for
    same "refused|8|4|4|0" "$(sql 'SELECT state, rows_read, rows_rejected, rows_discarded, jobs FROM batch_summary')"
    same 4 "$(sql 'SELECT count(*) FROM rejection')"
    same 0 "$(sql 'SELECT (SELECT count(*) FROM job_row) + (SELECT count(*) FROM record_job)')"
    [ ! -s ledger ]
}

@test "as many rejected rows as --max-errors are allowed" {
    start_sim
    ends 3 rowferry run inbox --min-age 0 --rate none --max-errors 5 --json
    same "5 5" "$(summary '"\(.rows_rejected) \(.applied)"')"
}

@test "a share is checked at the end of the file" {
    ends 4 rowferry ingest inbox/InventoryItem-a.csv --max-errors 49%
    holds "$stderr" "5 of 10 rows are rejected, and --max-errors allows 49%"
    same "refused|10|5|5" "$(sql 'SELECT state, rows_read, rows_rejected, rows_discarded FROM batch_summary')"
    ends 3 rowferry ingest inbox/InventoryItem-a.csv --max-errors 50%
    same "open|5" "$(sql 'SELECT state, jobs FROM batch_summary WHERE batch_id = 2')"
}

@test "a file with fewer rows than --min-rows is refused, a refused file is never known" {
    ends 4 rowferry ingest inbox/InventoryItem-a.csv --min-rows 11
    holds "$stderr" "it has 10 rows, but --min-rows requires 11: is the export complete?"
    ends 3 rowferry ingest inbox/InventoryItem-a.csv --min-rows 10
    same "refused
open" "$(sql 'SELECT state FROM batch ORDER BY id')"
}

@test "validate checks the same limits" {
    ends 4 rowferry validate inbox/InventoryItem-a.csv --max-errors 4
    holds "$stderr" "5 rows are rejected so far, and --max-errors allows 4"
    ends 3 rowferry validate inbox/InventoryItem-a.csv --max-errors 5
}

@test "an invalid limit is reported" {
    ends 2 rowferry ingest inbox/InventoryItem-a.csv --max-errors many
    holds "$stderr" "'many' is not a number or a percentage of rows: use 100 or 5%"
    ends 2 rowferry ingest inbox/InventoryItem-a.csv --max-errors 101%
}

@test "a refused file that could not be filed at once ends 4 again, when it is" {
    touch inbox/refused
    ends 2 rowferry run inbox --min-age 0 --max-errors 4
    same refused "$(sql 'SELECT state FROM batch WHERE id = 1')"
    same "" "$(sql 'SELECT filed_ms FROM batch WHERE id = 1')"
    rm inbox/refused
    # without the limit: it is the batch that was refused by one
    start_sim
    ends 4 rowferry run inbox --min-age 0 --rate none
    holds "$stderr" "refused: inbox/InventoryItem-a.csv: 5 rows are rejected so far, and --max-errors allows 4"
    [ -e inbox/refused/InventoryItem-a.csv ]
    same 1 "$(sql 'SELECT count(*) FROM batch')"
    ends 0 rowferry run inbox --min-age 0 --rate none
}
