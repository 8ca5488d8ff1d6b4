# InventoryItem rows: awk -v count=N [-v shuffled=1] [-v first=N] [-v format=F] [-v base=URL] -f rows.awk </dev/null
# Row n has the values that limit_drain.c sends; the ids of a shuffled file follow no order. Formats: csv,
# declared (the same rows as a German export writes them), ndjson, and the updates themselves: curl (a configuration file) and lines (URL, tab, body).
BEGIN {
    if (format == "")
        format = "csv"
    if (format == "csv")
        print "record_id,version,sku,quantity,price,status,warehouseLocation"
    if (format == "declared")
        printf "Lagerbestand\n# Halle 1\nArtikel;Fassung;sku;Menge;Preis;status;Lagerort;Bemerkung\n"
    for (n = first + 0; n < first + count; n++) {
        key = shuffled ? (n * 2654435761) % 4294967296 : n
        id = sprintf("%04x%04x-0000-4000-8000-%012x", int(key / 65536), key % 65536, n)
        sku = sprintf("WH-%04d", n % 10000)
        price = sprintf("%d.%02d", n % 90 + 1, n % 100)
        place = sprintf("%c-%02d-%02d", 65 + n % 26, n % 20, n % 30)
        if (format == "csv") {
            printf "%s,1,%s,%d,%s,active,%s\n", id, sku, n % 500, price, place
            continue
        }
        if (format == "declared") {
            sub(/\./, ",", price)
            printf " %s ;1;%s;%06d;%s EUR;active;%s;N/A\n", id, sku, n % 500, price, place
            continue
        }
        fields = sprintf("{\"sku\":\"%s\",\"quantity\":%d,\"price\":%s,\"status\":\"active\",\"warehouseLocation\":\"%s\"}",
                         sku, n % 500, price, place)
        if (format == "ndjson") {
            printf "{\"recordId\":\"%s\",\"version\":1,\"fields\":%s}\n", id, fields
            continue
        }
        body = sprintf("{\"version\":1,\"fields\":%s,\"metadata\":{\"tags\":[\"api-update\"],\"source\":\"rowferry\"," \
                       "\"requestCorrelationId\":\"%08x-1111-4222-8333-%012x\"}}", fields, n, n)
        url = base "/api/v2/customobjects/schemas/InventoryItem/records/" id
        if (format == "lines") {
            printf "%s\t%s\n", url, body
            continue
        }
        gsub(/"/, "\\\"", body)
        printf "%surl = \"%s\"\nrequest = PUT\nheader = \"Content-Type: application/json\"\ndata = \"%s\"\noutput = /dev/null\n",
               (n > first ? "next\n" : ""), url, body
    }
    if (format == "declared")
        print "***END OF FILE***"
}
