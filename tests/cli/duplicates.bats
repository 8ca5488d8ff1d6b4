# Several rows of one file for the same record: what validate says of them, and how they are sent.
load lib

setup() {
    in_a_folder
    mkdir inbox
}

# rows VERSION...: a file with so many rows of record A-1, each of another quantity, and one of B-1
rows() {
    local version quantity=0

    {
        echo record_id,version,sku,quantity,warehouseLocation
        echo B-1,5,WH-0009,9,
        for version; do
            echo "A-1,$version,WH-0001,$((++quantity)),"
        done
    } >inbox/InventoryItem-a.csv
}

# ledger_of RECORD: `quantity>version` of each update that the server applied, in its order
ledger_of() {
    jq -r --arg id "$1" 'select(.id == $id) | "\(.fields.quantity)>\(.version)"' ledger | paste -s -d ' '
}

# attempts_of RECORD: `row:version sent` of each PUT, in the order in which they left
attempts_of() {
    sqlite3 rowferry.db "SELECT group_concat((job_id % 1000000000) || ':' || sent_version, ' ') FROM
        (SELECT a.job_id, a.sent_version FROM attempt a JOIN job j ON j.id = a.job_id
         WHERE j.record_id = '$1' AND a.method = 'PUT' ORDER BY a.id)"
}

night() {
    rowferry run inbox --min-age 0 --rate none --json
}

@test "versions 5, 5, 5 of one record are sent as 5, 6, 7" {
    start_sim --base-version 5
    rows 5 5 5
    ends 0 night
    same "1>6 2>7 3>8" "$(ledger_of A-1)"
    same "2:5 3:6 4:7" "$(attempts_of A-1)"
    same "9>6" "$(ledger_of B-1)"
}

@test "versions 5, 5, 6 of one record are sent as 5, 6, 7" {
    start_sim --base-version 5
    rows 5 5 6
    ends 0 night
    same "1>6 2>7 3>8" "$(ledger_of A-1)"
    same "2:5 3:6 4:7" "$(attempts_of A-1)"
}

@test "if the server refuses the second of three rows, the third takes its version" {
    start_sim --base-version 5
    rows 5 5 5
    # more than the server takes (413), in the second row alone, and found by nobody before it
    jq '."x-rowferry".target = {preset: "guide", limits: null}' schema/InventoryItem.json >s &&
        mv s schema/InventoryItem.json
    awk -v long="$(printf '%0104000d' 0)" 'NR == 4 { $0 = $0 long long long long long } { print }' \
        inbox/InventoryItem-a.csv >long
    mv long inbox/InventoryItem-a.csv
    ends 3 night
    same "1>6 3>7" "$(ledger_of A-1)"
    same "2:5 3:6 4:6" "$(attempts_of A-1)"
    same "2|applied
3|refused
4|applied" "$(sqlite3 rowferry.db "SELECT row_no, state FROM job WHERE record_id = 'A-1' ORDER BY id")"
    same "refused|413" "$(sqlite3 rowferry.db "SELECT state, http_status FROM job WHERE row_no = 3")"
}

@test "a version that does not follow is sent as declared, and the server decides" {
    start_sim --base-version 5
    rows 5 4 5
    ends 3 night
    same "1>6 3>7" "$(ledger_of A-1)"
    same "2:5 3:4 4:6" "$(attempts_of A-1)"
    same conflict "$(sqlite3 rowferry.db "SELECT state FROM job WHERE row_no = 3")"
}

@test "validate reports several rows of one record and accepts them" {
    rows 5 5 5
    ends 0 rowferry validate inbox/InventoryItem-a.csv
    same "rowferry: inbox/InventoryItem-a.csv: record A-1 has 3 rows (lines 3, 4 and 5): they go out in this order, each with the version that the one before came back with" "$stderr"
    ends 0 rowferry validate -q inbox/InventoryItem-a.csv
    same "" "$output$stderr"
    [ ! -e rowferry.db ]
}

@test "validate says which of them would conflict" {
    rows 5 4 5
    ends 0 rowferry validate inbox/InventoryItem-a.csv
    holds "$stderr" "; but version 4 of line 4 is not one of 5 to 6: this row goes out as declared, and would conflict"
}

@test "validate --json has a notice for each such record, and row lines for rejected rows only" {
    rows 5 5
    echo B-1,5,WH-0009,-1, >>inbox/InventoryItem-a.csv
    echo B-1,5,WH-0009,1, >>inbox/InventoryItem-a.csv
    ends 3 rowferry validate --json inbox/InventoryItem-a.csv
    same 'inbox/InventoryItem-a.csv: record A-1 has 2 rows (lines 3 and 4): they go out in this order, each with the version that the one before came back with
inbox/InventoryItem-a.csv: record B-1 has 2 rows (lines 2 and 6): they go out in this order, each with the version that the one before came back with' \
        "$(printf '%s\n' "$output" | jq -r 'select(.message_type == "notice") | .message')"
    same 5 "$(printf '%s\n' "$output" | jq -r 'select(.message_type == "row") | .line')"
}
