#!/usr/bin/env bats
# Patterns of schema files mean what ECMA-262 says: V8 is asked where Node.js is there.
load lib

@test "random patterns match what they match in V8" {
    command -v node >/dev/null || skip "node is not there"
    for seed in 1 2 3; do
        node "$TOP/tests/lib/patterns.mjs" . "$seed"
        run rowferry validate --json Pattern.ndjson
        jq -r 'select(.message_type == "row") | .row as $row | .violations[]
               | select(.rule == "pattern") | "\($row) \(.field) \(.message)"' <<<"$output" >found.txt
        # what takes too many steps is rejected, be it a match or not
        grep 'takes too many steps' found.txt | cut -d ' ' -f 1,2 >given_up.txt || true
        [ "$(wc -l <given_up.txt)" -lt 40 ]
        same "$(sort -u expected.txt given_up.txt)" "$(cut -d ' ' -f 1,2 found.txt | sort)"
    done
}
