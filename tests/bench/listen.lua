-- For wrk: notifications of 50000 records, each with other fields.
local count = 0

function setup(thread) thread:set("salt", os.time()) end

function request()
    count = count + 1
    return wrk.format("POST", "/", { ["Content-Type"] = "application/json" }, string.format(
        '{"action":"update","schemaName":"InventoryItem","record":{"id":"WH-%d-%d",' ..
        '"modifiedTime":"2026-11-29T10:00:00.000Z","modifiedBy":{"id":"00000000-0000-4000-8000-000000000000"},' ..
        '"fields":{"sku":"WH-1042","quantity":%d,"price":45.5,"status":"active","warehouseLocation":"A-12-04"}}}',
        salt, count % 50000, count))
end
