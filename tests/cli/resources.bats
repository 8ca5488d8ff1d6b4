#!/usr/bin/env bats
# The simulator's other resources: opaque versions, ETags, no lock, records that a write creates, bulk.
# Independent of rowferry.
load sim

# send METHOD PATH [BODY] [curl options]
send() {
    if [ -n "${3:-}" ]; then
        printf %s "$3" >sent
        request "$1" "$2" -H 'Content-Type: application/json' --data-binary @sent "${@:4}"
    else
        request "$1" "$2" "${@:4}"
    fi
}

# answers EXPECTED: `STATUS BODY`, without what differs from answer to answer
answers() {
    local actual

    actual="$STATUS $(jq -cS 'if type == "object" then del(.message, .contextId, .details, .errors, .status) else . end' body 2>/dev/null || true)"
    [ "$actual" = "$1" ] || { printf 'expected %s\nanswer   %s\n' "$1" "$actual"; return 1; }
}

etag() {
    tr -d '\r' <head | sed -n 's/^ETag: //Ip'
}

@test "rest-version: an opaque version in the body is wanted, checked and answered" {
    local old

    start_and_login
    send GET /rest-version/A
    [ "$STATUS" = 200 ]
    old=$(jq -c .version body)
    [[ $old =~ ^\"[0-9a-f]{16}\"$ ]]
    send PUT /rest-version/A '{"sku":"X","n":1.50,"version":'"$old"'}'
    [ "$(jq -c '[.id, .sku, .n, .version != '"$old"']' body)" = '["A","X",1.5,true]' ]
    send PUT /rest-version/A '{"sku":"Y","version":'"$old"'}'
    answers '409 {"code":"version.conflict"}'
    send PUT /rest-version/A '{"sku":"Y"}'
    answers '400 {"code":"bad.request"}'
    send GET /rest-version/A
    # a PATCH keeps what is not sent, a PUT does not, and null takes away
    send PATCH /rest-version/A '{"m":null,"n":null,"o":{"p":1},"version":'"$(jq -c .version body)"'}'
    [ "$(jq -cS 'del(.version)' body)" = '{"id":"A","o":{"p":1},"sku":"X"}' ]
    send PUT /rest-version/A '{"q":1,"version":'"$(jq -c .version body)"'}'
    [ "$(jq -cS 'del(.version)' body)" = '{"id":"A","q":1}' ]
    grep -F '"n":1.50' ledger
    [ "$(jq -c '[.schema, .id, .fields]' ledger)" = '["rest-version","A",{"sku":"X","n":1.5}]
["rest-version","A",{"m":null,"n":null,"o":{"p":1}}]
["rest-version","A",{"q":1}]' ]
    [ "$(jq -r '[.kind, .id, .status, .applied] | @tsv' requests | tail -n 2)" = $'merge\tA\t200\ttrue\nreplace\tA\t200\ttrue' ]
}

@test "rest-version, rest-etag and rest-plain: POST creates once, PUT with --upsert" {
    local kind

    start_and_login --only-seeded
    for kind in rest-version rest-etag rest-plain; do
        send GET /$kind/A
        [ "$STATUS" = 404 ]
        send PUT /$kind/A '{"a":1}'
        [ "$STATUS" = 404 ]
        send POST /$kind '{"id":"A","a":1}'
        [ "$STATUS" = 201 ]
        [ "$(jq -c '[.id, .a]' body)" = '["A",1]' ]
        send POST /$kind '{"id":"A","a":2}'
        answers '409 {"code":"already.exists"}'
        send POST /$kind '{"a":2}'
        [ "$STATUS" = 400 ]
        send PUT /$kind/A '{"id":"B","a":2}'
        [ "$STATUS" = 400 ]
    done
    [ "$(jq -r .schema ledger | xargs)" = 'rest-version rest-etag rest-plain' ]
    kill "$SIM"
    start_and_login --only-seeded --upsert
    for kind in rest-version rest-etag rest-plain; do
        send PUT /$kind/A '{"a":1}'
        [ "$STATUS" = 201 ]
        send PATCH /$kind/B '{"a":1}'
        [ "$STATUS" = 404 ]
        send PUT /$kind/B '{"a":1,"version":"x"}' -H 'If-Match: "x"'
        [ "$STATUS" = $([ $kind = rest-plain ] && echo 201 || echo 404) ]
        send PUT /$kind/A '{"a":2}'
        [ "$STATUS" = $([ $kind = rest-plain ] && echo 200 || { [ $kind = rest-etag ] && echo 428 || echo 409; }) ]
    done
}

@test "rest-etag: If-Match is wanted and checked, and a PUT answers with the ETag alone" {
    local tag

    start_and_login --upsert
    send GET /rest-etag/A
    tag=$(etag)
    [[ $tag =~ ^\"[0-9a-f]{16}\"$ ]]
    [ "$(jq -c . body)" = '{"id":"A"}' ]
    send PUT /rest-etag/A '{"a":1}'
    answers '428 {"code":"precondition.required"}'
    send PUT /rest-etag/A '{"a":1}' -H "If-Match: $tag"
    [ "$STATUS $(cat body 2>/dev/null)" = '204 ' ]
    [ "$(etag)" != "$tag" ]
    send PATCH /rest-etag/A '{"b":2}' -H "If-Match: $tag"
    answers '412 {"code":"precondition.failed"}'
    send GET /rest-etag/A
    send PATCH /rest-etag/A '{"b":2}' -H "If-Match: $(etag)"
    answers '200 {"a":1,"b":2,"id":"A"}'
    send PUT /rest-etag/A '{"b":2}' -H 'If-None-Match: *'
    [ "$STATUS" = 412 ]
}

@test "genesys-users: the version rises by more than 1, and a manager is read as an object" {
    local version

    start_and_login
    send GET /api/v2/users/U
    version=$(jq .version body)
    send PATCH /api/v2/users/U '{"title":"Dr.","manager":"M","version":'"$version"'}'
    [ "$(jq -cS 'del(.version)' body)" = '{"id":"U","manager":{"id":"M"},"title":"Dr."}' ]
    [ "$(jq .version body)" -gt $((version + 1)) ]
    send PATCH /api/v2/users/U '{"title":"x","version":'"$((version + 1))"'}'
    answers '409 {"code":"general.conflict"}'
    send PATCH /api/v2/users/U '{"title":"x"}'
    answers '400 {"code":"bad.request"}'
    send GET /api/v2/groups/G
    send PUT /api/v2/groups/G '{"name":"n","version":1}'
    answers '400 {"code":"general.conflict"}'
    send DELETE /api/v2/users/U
    [ "$STATUS" = 405 ]
}

@test "genesys-datatable-rows: POST creates, PUT replaces, and GET is brief unless asked" {
    local rows=/api/v2/flows/datatables/t1/rows

    start_and_login
    send GET "$rows/K%2F1?showbrief=false"
    answers '404 {"code":"flows.datatables.row.not.found"}'
    send PUT $rows/K%2F1 '{"key":"K/1","queue":"a"}'
    answers '404 {"code":"flows.datatables.row.not.found"}'
    send POST $rows '{"key":"K/1","queue":"a"}'
    answers '200 {"key":"K/1","queue":"a"}'
    send POST $rows '{"key":"K/1","queue":"b"}'
    answers '409 {"code":"flows.datatables.not.unique"}'
    send PUT $rows/K%2F1 '{"key":"K/1","hours":8}'
    answers '200 {"hours":8,"key":"K/1"}'
    send PUT $rows/K%2F1 '{"key":"K/2"}'
    answers '400 {"code":"bad.request"}'
    send PUT $rows/K%2F1 '{"hours":8}'
    answers '400 {"code":"bad.request"}'
    send GET $rows/K%2F1
    answers '200 {"key":"K/1"}'
    send GET "$rows/K%2F1?showbrief=false"
    answers '200 {"hours":8,"key":"K/1"}'
    [ "$(last ledger '[.schema, .id]')" = '["genesys-datatable-rows/t1","K/1"]' ]
    send GET "/api/v2/flows/datatables/t2/rows/K%2F1?showbrief=false"
    [ "$STATUS" = 404 ]
}

@test "genesys-conversation-attributes: PUT creates, checks a version if there is one, and answers none" {
    local path=/api/v2/conversations/c1/customattributes

    start_and_login
    send PUT $path '{"id":"A","schemaId":"s","customAttributes":{"a":1}}'
    answers '201 {"id":"A"}'
    send PUT $path '{"id":"A","customAttributes":{"a":2},"version":1}'
    answers '409 {"code":"conversation.custom.attributes.version.conflict"}'
    send GET $path/A
    send PUT $path '{"id":"A","customAttributes":{"a":2},"version":'"$(jq .version body)"'}'
    answers '200 {"id":"A"}'
    send PUT $path '{"id":"A","customAttributes":{"a":3}}'
    answers '200 {"id":"A"}'
    send GET $path/A
    [ "$(jq -cS 'del(.version)' body)" = '{"customAttributes":{"a":3},"id":"A"}' ]
}

# contact KEY FIELDS [RULES]: the body of an enrichment
contact() {
    printf '{"id":"%s","action":"Upsert","matchingIdentifiers":[{"type":"ExternalId","value":"%s","externalSource":{"id":"erp"}}],"contact":%s,"fieldRules":{"rules":[%s]}}' \
        "$1" "$1" "$2" "${3:-}"
}

lookup() {
    send POST /api/v2/externalcontacts/identifierlookup/contacts \
        '{"type":"ExternalId","value":"'"$1"'","externalSource":{"id":"erp"}}'
}

@test "genesys-external-contacts: enrich creates, keeps what is not sent, and obeys its rules" {
    local path=/api/v2/externalcontacts/contacts/enrich

    start_and_login
    lookup K1
    answers '404 {"code":"not.found"}'
    send POST $path "$(contact K1 '{"firstName":" Ann ","workPhone":{"display":"+49 (30) 1"},"tags":["a"]}')"
    [ "$STATUS" = 201 ]
    send POST $path "$(contact K1 '{"firstName":null,"lastName":"B","tags":["b"],"customFields":{"n":1.5}}')"
    [ "$STATUS" = 200 ]
    lookup K1
    [ "$(jq -cS 'del(.id, .type)' body)" = '{"customFields":{"n":1.5},"firstName":"Ann","lastName":"B","tags":["a","b"],"workPhone":{"display":"+49301","userInput":"+49 (30) 1"}}' ]
    send POST $path "$(contact K1 '{"firstName":null,"tags":["c"]}' '{"field":"$.firstName","action":"AlwaysUseProvided"},{"field":"$.tags","action":"AlwaysUseProvided","arrayAction":"Replace"}')"
    [ "$(jq -cS '[has("firstName"), .tags]' body)" = '[false,["c"]]' ]
    send POST $path "$(contact K2 '{}' | sed s/Upsert/Update/)"
    answers '404 {"code":"matching.contact.not.found"}'
    send POST $path "$(contact K1 '{}' | sed s/Upsert/Insert/)"
    answers '409 {"code":"matching.contact.found"}'
    send POST /api/v2/externalcontacts/organizations/enrich \
        "$(contact O '{}' | sed s/contact/externalOrganization/)"
    answers '422 {"code":"validation.failed"}'
    send POST $path '{"contact":{}}'
    [ "$STATUS" = 400 ]
    [ "$(last ledger '[.schema, .id]')" = '["genesys-external-contacts/erp","K1"]' ]
    [ "$(wc -l <ledger)" = 3 ]
}

@test "genesys-external-contacts: a bulk request takes 10, and answers for each in another order" {
    local path=/api/v2/externalcontacts/bulk/contacts/enrich items i

    start_and_login --answer put:B=422:validation.failed --answer put:N=202
    send POST $path '{"entities":['"$(contact A1 '{"a":1}'),$(contact B1 '{}'),$(contact N1 '{}'),$(contact A2 '{"a":2}')"']}'
    [ "$(jq -cS '[.errorCount, [.results[] | [.id, .success, .status, .error.code, .entity.a]]]' body)" = \
        '[1,[["A2",true,201,null,2],["B1",false,422,"validation.failed",null],["A1",true,201,null,1]]]' ]
    [ "$(jq -r .id ledger | sort | xargs)" = 'A1 A2 N1' ]
    [ "$(last requests '[.kind, .rows, .applied]')" = '["bulk",4,true]' ]
    for i in {1..11}; do items+="${items:+,}$(contact "C$i" '{}')"; done
    send POST $path '{"entities":['"$items"']}'
    answers '400 {"code":"bad.request"}'
    [ "$(wc -l <ledger)" = 3 ]
}

@test "genesys-outbound-contacts: a bulk request takes 1000, creates, and one that is wrong refuses it" {
    local list=/api/v2/outbound/contactlists/l1/contacts

    start_and_login --answer put:B=400:contact.list.clear.in.progress
    send PUT $list/A '{"contactListId":"l1","data":{"a":"1"}}'
    answers '404 {"code":"resource.not.found"}'
    jq -nc '[range(1000) | {id: "A\(.)", contactListId: "l1", data: {n: "\(.)"}}]' >sent
    request POST "$list?doNotQueue=true" -H 'Content-Type: application/json' --data-binary @sent
    [ "$STATUS $(jq -c '[length, .[7].id, .[7].data, .[7].callable]' body)" = '200 [1000,"A7",{"n":"7"},true]' ]
    [ "$(wc -l <ledger)" = 1000 ]
    [ "$(last requests '[.kind, .rows]')" = '["bulk",1000]' ]
    jq -nc '[range(1001) | {id: "A\(.)", contactListId: "l1", data: {}}]' >sent
    request POST $list -H 'Content-Type: application/json' --data-binary @sent
    answers '400 {"code":"bad.request"}'
    send POST $list '[{"id":"A1","contactListId":"l1","data":{}},{"id":"A2","contactListId":"l1","data":{"n":1}}]'
    answers '400 {"code":"invalid.value"}'
    send POST $list '[{"id":"A1","contactListId":"l1","data":{}},{"id":"B2","contactListId":"l1","data":{}}]'
    answers '400 {"code":"contact.list.clear.in.progress"}'
    [ "$(wc -l <ledger)" = 1000 ]
    send PUT $list/A7 '{"contactListId":"l1","callable":false,"data":{"m":"1"}}'
    [ "$STATUS" = 200 ]
    send GET $list/A7
    answers '200 {"callable":false,"contactListId":"l1","data":{"m":"1"},"id":"A7"}'
}

@test "faults, late updates, the rate limit and foreign changes reach these resources too" {
    local kind path version

    start_and_login --late-ms 100
    curl -sf -X POST "$URL/sim/config?fault=cut-after=1" >/dev/null
    send PATCH /rest-plain/A '{"a":1}'
    [ "$STATUS" = 000 ]
    [ "$(last requests '[.fault, .status, .applied]')" = '["cut-after",0,true]' ]
    curl -sf -X POST "$URL/sim/config?fault=none&fault=late=1" >/dev/null
    send PATCH /rest-plain/B '{"a":1}'
    send POST /api/v2/externalcontacts/bulk/contacts/enrich '{"entities":['"$(contact K '{}')"']}'
    [ "$STATUS" = 000 ]
    late() { [ "$(jq -r .id ledger | xargs)" = 'A B K' ]; }
    eventually late
    curl -sf -X POST "$URL/sim/config?fault=none&fault=429=1" >/dev/null
    send POST /api/v2/outbound/contactlists/l/contacts '[]'
    [ "$STATUS" = 429 ]
    curl -sf -X POST "$URL/sim/config?fault=none&fault=get:500-after=1" >/dev/null
    send GET /rest-plain/A
    [ "$STATUS" = 500 ]
    curl -sf -X POST "$URL/sim/config?fault=none&rate-limit=1/h" >/dev/null
    send GET /rest-plain/A
    send GET /rest-plain/A
    [ "$STATUS" = 429 ]
    # somebody else
    kill "$SIM"
    start_and_login
    send GET /rest-etag/A
    version=$(etag)
    control records/rest-etag/A -X POST -d '{"fields":{"a":7}}' >/dev/null
    control records/genesys-datatable-rows%2Ft1/K -X POST -d '{"fields":{"a":7}}' >/dev/null
    send PATCH /rest-etag/A '{"b":1}' -H "If-Match: $version"
    [ "$STATUS" = 412 ]
    send GET '/api/v2/flows/datatables/t1/rows/K?showbrief=false'
    answers '200 {"a":7,"key":"K"}'
    [ "$(last ledger .foreign)" = true ]
    # without a token
    TOKEN=none
    send GET /rest-etag/A
    [ "$STATUS" = 401 ]
}
