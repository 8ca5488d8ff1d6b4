# One file of InventoryItem as an ERP would export it, and what is to become of each of its rows.
#
# In: the rows asked for so far, SERIAL RECORD KIND FIELDS with tabs between. Out: to `file` the
# export, and the rows to `asked` in the same form. A row's serial number is in its warehouseLocation.
#
#   rows, rejects (percent that break a rule of the schema; with 0 the server refuses none either),
#   seed, format (csv, ndjson)
#   heads=N           so many rows at the start whose records the server forbids for ever (403), and as
#                     many that it redirects (301)
#   same=N            percent of rows with the values that their record has by then, which are not sent
#   torn=1            the file will be cut short and refused as a whole: nothing of it may be sent
#
# KIND: valid; rejected (never sent); refused (the simulator answers 422); torn; same.
# A file holds several rows of most records. Each has the version that the record had when the file
# was made, or the one that it has after the rows before it; both must end as an unbroken chain.
BEGIN {
    FS = OFS = "\t"
    srand(seed)
    refusals = rejects > 0 ? 1 : 0
    if (format == "csv")
        print "record_id,version,sku,quantity,price,status,warehouseLocation" >file
}

{
    serial = $1
    if ($3 == "valid") {
        version[$2]++
        last[$2] = $4
    }
}

# The last valid row of the record again, its price in other digits.
function put_same(record, before, value)
{
    split(last[record], value, /[":,{}]+/)
    if (format == "csv")
        printf "%s,%d,%s,%d,%.3f,active,%s\n", record, before, value[3], value[5], value[7], value[11] >file
    else
        printf "{\"recordId\":\"%s\",\"version\":%d,\"fields\":%s}\n", record, before, last[record] >file
    print serial, record, "same", last[record] >>asked
}

function put(record, before, sku, quantity, price, fields)
{
    kind = record ~ /^NO/ ? "refused" : kind
    fields = sprintf("{\"sku\":\"%s\",\"quantity\":%d,\"price\":%.2f,\"status\":\"active\"," \
        "\"warehouseLocation\":\"S-%d\"}", sku, quantity, price, serial)
    if (format == "csv")
        printf "%s,%d,%s,%d,%.2f,active,S-%d\n", record, before, sku, quantity, price, serial >file
    else
        printf "{\"recordId\":\"%s\",\"version\":%d,\"fields\":%s}\n", record, before, fields >file
    print serial, record, kind, fields >>asked
    if (kind == "valid")
        last[record] = fields
}

END {
    for (i = 1; i <= 2 * heads; i++) {
        serial++
        put((i % 2 ? "NO403-" : "NO301-") serial, 1, sprintf("WH-%04d", serial % 10000), 1, 1)
    }
    for (i = 1; i <= rows; i++) {
        serial++
        record = "R-" int(rand() * 300)
        dice = rand() * 100
        kind = dice < rejects ? "rejected" : dice < rejects + refusals ? "refused" : "valid"
        if (torn)
            kind = "torn"
        if (kind == "refused")
            record = "BAD-" serial
        before = 1 + version[record]
        if (rand() < 0.5)
            before += earlier[record]
        if (kind == "valid" && record in last && rand() * 100 < same) {
            put_same(record, before)
            continue
        }
        put(record, before, (dice < rejects ? "wh-" : "WH-") sprintf("%04d", serial % 10000),
            serial % 500, serial % 97 + 0.5)
        if (kind == "valid")
            earlier[record]++
    }
}
