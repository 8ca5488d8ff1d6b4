# An InventoryItem file: awk -v count=N [-v shuffled=1] -f rows.awk </dev/null
# Row n has the values that limit_drain.c sends; the ids of a shuffled file follow no order.
BEGIN {
    print "record_id,version,sku,quantity,price,status,warehouseLocation"
    for (n = 0; n < count; n++) {
        id = shuffled ? (n * 2654435761) % 4294967296 : n
        printf "%04x%04x-0000-4000-8000-%012x,1,WH-%04d,%d,%d.%02d,active,%c-%02d-%02d\n",
            int(id / 65536), id % 65536, n, n % 10000, n % 500, n % 90 + 1, n % 100,
            65 + n % 26, n % 20, n % 30
    }
}
