-- For wrk: notifications of 50000 records, each with other fields, a millisecond after the one before. All
-- have the same size, so that little is done for each: the generator shares the cores with the server.
local body = '{"action":"update","schemaName":"InventoryItem","record":{"id":"WH-%d-%05d",' ..
    '"modifiedTime":"2026-11-29T%02d:%02d:%02d.%03dZ","modifiedBy":{"id":"00000000-0000-4000-8000-000000000000"},' ..
    '"fields":{"sku":"WH-1042","quantity":1%08d,"price":45.5,"status":"active","warehouseLocation":"A-12-04"}}}'
local format, floor = string.format, math.floor
local count, request_form = 0, nil

function setup(thread) thread:set("salt", os.time()) end

function init()
    local first = format(body, salt, 0, 0, 0, 0, 0, 0)

    request_form = wrk.format("POST", "/", { ["Content-Type"] = "application/json" }, first):sub(1, -#first - 1) .. body
end

function request()
    local s

    count = count + 1
    s = floor(count / 1000) % 86400
    return format(request_form, salt, count % 50000, floor(s / 3600), floor(s / 60) % 60, s % 60, count % 1000, count)
end
