#!/usr/bin/env bats
# The servers of servers.bash, by themselves: that they are what the tests of targets take them for.
load lib
load npm
load servers

teardown() {
    stop_servers
}

# ask METHOD PATH [BODY] [curl options]: sets STATUS; the answer is in body, its headers in head
ask() {
    STATUS=$(curl -s -m 20 -X "$1" -H 'Authorization: Bearer x' ${3:+-H 'Content-Type: application/json' -d "$3"} \
        "${@:4}" -o body -D head -w '%{http_code}' "$URL$2") || STATUS=000
}

etag() {
    tr -d '\r' <head | sed -n 's/^ETag: //Ip'
}

@test "lighttpd holds a PUT to If-Match, and changes the ETag with each" {
    local first

    start_webdav
    ask PUT /A '{"a":1}'
    same 201 "$STATUS"
    ask GET /A
    first=$(etag)
    same '200 {"a":1}' "$STATUS $(cat body)"
    ask PUT /A '{"a":2}' -H "If-Match: $first"
    same 204 "$STATUS"
    [ "$(etag)" != "$first" ]
    ask PUT /A '{"a":3}' -H "If-Match: $first"
    same 412 "$STATUS"
    ask PUT /A '{"a":3}' -H 'If-None-Match: *'
    same 412 "$STATUS"
    ask GET /A
    same '200 {"a":2}' "$STATUS $(cat body)"
    ask GET /B
    same 404 "$STATUS"
    stop_servers # it writes its log at the end
    same 'PUT 201 /A PUT 204 /A PUT 412 /A PUT 412 /A' "$(grep PUT access.log | xargs)"
}

@test "express-pouchdb holds a PUT and each row of _bulk_docs to _rev" {
    local rev

    start_couch
    ask PUT /rows/k%2F1 '{"a":1}'
    same 201 "$STATUS"
    rev=$(jq -r .rev body)
    ask PUT /rows/k%2F1 '{"a":2}'
    same '409 conflict' "$STATUS $(jq -r .error body)"
    ask POST /rows/_bulk_docs '{"docs":[{"_id":"x"},{"_id":"k/1","a":3},{"_id":"k/1","_rev":"'"$rev"'","a":4}]}'
    same '201 [["x",true,null],["k/1",null,"conflict"],["k/1",true,null]]' \
        "$STATUS $(jq -c '[.[] | [.id, .ok, .error]]' body)"
    ask GET /rows/k%2F1
    same '200 4' "$STATUS $(jq .a body)"
    ask GET /rows/none
    same 404 "$STATUS"
}

@test "the proxy cuts before the server, before the answer and within it, and says how often" {
    local i there=0 answered=0

    start_webdav
    start_cutting 7 0.2 0.3 0
    for i in {1..40}; do
        ask PUT /r$i '{"a":1}'
        [ "$STATUS" = 000 ] || answered=$((answered + 1))
        [ ! -e site/r$i ] || there=$((there + 1))
    done
    [ "$answered" -gt 5 ]
    [ "$there" -gt $((answered + 5)) ]
    [ "$there" -lt 38 ]
    heal
    for i in {1..10}; do
        ask PUT /s$i '{"a":1}'
        same 201 "$STATUS"
    done
    end_cutting
    same "$((40 - there)) $((there - answered)) 0" "$(printf %s "$CUTS" | jq -r '"\(.unsent) \(.lost) \(.half)"')"
    URL=$DIRECT
    start_cutting 7 0 0 1
    head -c 3000 /dev/zero | tr '\0' x >site/s1
    ask GET /s1
    same 000 "$STATUS"
    [ "$(wc -c <body)" -lt 3000 ]
}
