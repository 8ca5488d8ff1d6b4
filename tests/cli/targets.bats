#!/usr/bin/env bats
# Rows that update other resources than custom objects, against the simulator with its own ledger, and against
# Prism with the published documents. strangers.bats has nights against servers that are not ours.
load lib
load npm
load servers

setup() {
    in_a_folder
    rm -f schema/*.json
    mkdir inbox
    export ROWFERRY_RATE=none ROWFERRY_TIMEOUT=1
}

teardown() {
    stop_servers
    stop_sim
}

# schema NAME TARGET [SETTINGS]: an object with properties a and b
schema() {
    printf '{"properties":{"a":{"type":"integer"},"b":{"type":"string"}},"x-rowferry":{"target":%s%s}}\n' \
        "$2" "${3:+,$3}" >"schema/$1.json"
}

file() {
    cat >"inbox/$1"
    touch -d '1 hour ago' "inbox/$1"
}

night() {
    ends "$1" rowferry run inbox --min-age 0
}

# What the simulator's ledger holds, a line each: resource, id, fields
applied() {
    jq -cS '[.schema, .id, .fields]' ledger
}

@test "every preset has a schema file that loads" {
    local file name

    export GENESYS_EXTERNAL_SOURCE=s GENESYS_DATATABLE=t GENESYS_USER_SCHEMA=u \
        GENESYS_CONVERSATION_SCHEMA=c GENESYS_CONTACT_LIST=l
    same "$(cd "$TOP/targets" && ls)" "$(cd "$TOP/schema/examples" && ls)"
    for file in "$TOP"/schema/examples/*.json; do
        cp "$file" schema/
        holds "$(<"$TOP/docs/targets.md")" "| \`$(basename "$file" .json)\` |"
        name=$(basename "$file" .json)-1.csv
        if [[ $name == *conversation* ]]; then echo conversation,record_id; elif [[ $name == *plain* ]]; then echo shop,record_id; else
            echo record_id,version; fi >"$name"
        ends 0 rowferry validate "$name"
    done
    # ... and at most 40 lines
    same '' "$(wc -l "$TOP"/targets/*.json | awk '$1 > 40 && $2 != "total"')"
}

@test "an opaque version, an ETag, no lock: rows of one record in order, each once" {
    schema Version '{"preset":"rest-version","write":{"path":"/rest-version/{id}"}}' '"version":"fetch"'
    schema Etag '{"preset":"rest-etag","write":{"path":"/rest-etag/{id}"}}' '"version":"fetch"'
    schema Plain '{"preset":"rest-plain","write":{"path":"/rest-plain/{id}"}}'
    start_sim
    for name in Version Etag Plain; do
        printf 'record_id,a,b\nA,1,x\nB,2,y\nA,3,\nA,4,z\n' | file $name-1.csv
    done
    night 0
    holds "$stderr" 'Plain-1.csv: its target has no lock: the last writer wins'
    same "$(for name in etag plain version; do
        printf '["rest-%s","A",%s]\n' $name '{"a":1,"b":"x"}' $name '{"a":4,"b":"z"}'
        [ $name = version ] && printf '["rest-version","A",{"a":3,"b":"x"}]\n' ||
            printf '["rest-%s","A",{"a":3}]\n' $name
        printf '["rest-%s","B",{"a":2,"b":"y"}]\n' $name
    done | sort)" "$(applied | sort)"
    same '12 applied' "$(sql 'SELECT count(*), state FROM job GROUP BY state' | tr '|' ' ')"
    # the tokens are kept as they came
    same 4 "$(sql "SELECT count(*) FROM attempt WHERE sent_token LIKE '\"________________\"' AND method = 'PUT'
        AND job_id / 1000000000 = (SELECT id FROM batch WHERE schema = 'Version')")"
    same 8 "$(sql 'SELECT count(*) FROM job_state WHERE server_token IS NOT NULL')"
    # nothing is looked up in a log that is not there
    ROWFERRY_AUDIT=all ends 0 rowferry audit
    same '' "$(sql 'SELECT batch_id FROM batch_audit WHERE run_id IS NOT NULL')"
}

@test "a row of several columns names its record, and is refused without one of them" {
    schema Conv '{"preset":"genesys-conversation-attributes","params":{"attributeSchema":{"env":"CONV_SCHEMA"}}}' '"version":"fetch"'
    start_sim
    echo 'record_id,a' | file Conv-1.csv
    printf 'conversation,record_id,a\nC/1,A,1\n,B,2\n..,C,3\n' | file Conv-2.csv
    printf '{"recordId":"A","conversation":"C/1","fields":{"a":4}}\n{"recordId":"B","fields":{"a":5}}\n' | file Conv-3.ndjson
    night 2
    holds "$stderr" '/target/params/attributeSchema: the environment variable "CONV_SCHEMA" is not set'
    echo 'CONV_SCHEMA=s1' >.env
    night 3
    holds "$(cat inbox/refused/Conv-1.csv.error.txt)" 'no column "conversation", which names the record together with "record_id"'
    same '2|conversation|is missing; it is part of what names the record
3|conversation|must not be . or .., which no path can hold
2|conversation|is missing; it is part of what names the record' \
        "$(sql 'SELECT row_no, field, message FROM violation ORDER BY batch_id, row_no')"
    same '["genesys-conversation-attributes/C/1","A",{"customAttributes":{"a":1},"schemaId":"s1"}]
["genesys-conversation-attributes/C/1","A",{"customAttributes":{"a":4},"schemaId":"s1"}]' "$(applied)"
    ends 0 rowferry export 2 --state applied --format ndjson
    same '["A","C/1",{"a":1}]' "$(jq -c '[.recordId, .conversation, .fields]' <<<"$output")"
    ends 0 rowferry export 2 --state applied
    holds "$output" 'C/1,A,1,'
    ends 0 rowferry history C%2F1/A
    holds "$output" applied
}

@test "jobs are not sent by other columns than their record ids are made of" {
    local params text

    start_sim
    schema Price '{"preset":"rest-plain","params":{"a":{"column":"shop"},"z":{"column":"zone"}},
        "write":{"path":"/rest-plain/{a}-{z}-{id}"}}'
    printf 'shop,zone,record_id,b\ns1,z1,7,x\n' >Price-1.csv
    ends 0 rowferry ingest Price-1.csv
    same '[["a","shop"],["z","zone"]]' "$(sql 'SELECT target_columns FROM batch')"
    while IFS='|' read -r params text; do
        schema Price '{"preset":"rest-plain","params":'"$params"',"write":{"path":"/rest-plain/{a}-{z}-{id}"}}'
        for command in drain 'diff 1' 'export 1'; do
            ends 2 rowferry $command
            holds "$stderr" "the schema file of Price fills the parameters of its target from other columns than when batch 1 was read, $text instead of [[\"a\",\"shop\"],[\"z\",\"zone\"]]: change \`params\` back, or run \`rowferry cancel 1\`, then ingest the file again"
        done
    done <<'END'
{"a":{"column":"zone"},"z":{"column":"shop"}}|[["a","zone"],["z","shop"]]
{"z":{"column":"zone"},"a":{"column":"shop"}}|[["z","zone"],["a","shop"]]
{"a":{"column":"shop"},"z":"z9"}|[["a","shop"]]
{"a":"s9","z":"z9"}|[]
END
    same pending "$(sql 'SELECT state FROM job')"
    schema Price '{"preset":"rest-plain","params":{"a":{"column":"shop"},"z":{"column":"zone"}},
        "write":{"path":"/rest-plain/{a}-{z}-{id}"}}'
    ends 0 rowferry diff 1
    # what an earlier version read is not guessed
    sql 'UPDATE batch SET target_columns = NULL'
    for command in drain 'diff 1' 'export 1'; do
        ends 2 rowferry $command
        holds "$stderr" 'batch 1 of Price was read by an earlier version, which did not store the columns that fill the parameters of its target: run `rowferry cancel 1`, then ingest its file again'
    done
    ends 0 rowferry cancel 1 --yes
    ends 0 rowferry ingest --force Price-1.csv
    ends 0 rowferry drain
    same '["rest-plain","s1-z1-7",{"b":"x"}]' "$(applied)"
    ends 0 rowferry export 2
    holds "$output" 's1,z1,7,x'
}

# limited EXAMPLE: a schema file Item with the "x-rowferry" of a text
limited() {
    printf '{"properties":{"a":{"type":"string"},"b":{"type":"string"},"c":{"type":"string"}},%s}' "$1" |
        jq . >schema/Item.json
}

@test "what is beyond the limits of a target is refused before anything is sent" {
    local example command

    # the example of docs/targets.md
    example=$(grep -A 1 '^```json$' "$TOP/docs/targets.md" | grep '"limits"')
    limited "${example/items/rest-plain}"
    start_sim
    printf 'record_id,a,b,c\n1,x,,\n2,x,y,z\n3,%s,y,\n4,x,y,\n' "$(printf '%060d' 0)" >Item-1.csv
    for command in validate ingest; do
        run --separate-stderr rowferry $command Item-1.csv
        same 3 "$status"
    done
    same "2||limits|has 3 fields, and the target takes 2 (\`fields\` of its \`limits\`): leave columns out, or leave their cells empty
3||limits|would be sent with 76 bytes, and the target takes 60 in a request (\`bytes\` of its \`limits\`): shorten its fields, of which \"a\" is the longest" \
        "$(sql 'SELECT row_no, field, rule, message FROM violation ORDER BY row_no')"
    ends 3 rowferry drain
    same '["1",{"a":"x"}]
["4",{"a":"x","b":"y"}]' "$(jq -cS '[.id, .fields]' ledger)"
    # three rows are enough, and a rejected one does not count
    { echo record_id,a,b,c && printf '%d,x,,\n' 1 2 3 && echo 4,x,y,z; } >Item-2.csv
    run --separate-stderr rowferry ingest Item-2.csv
    same 3 "$status"
    { cat Item-2.csv && echo 5,x,,; } >Item-3.csv
    for command in validate ingest; do
        ends 4 rowferry $command Item-3.csv
        holds "$stderr" 'Item-3.csv: it has more rows than its target can hold, which is 3 (`rows` of its `limits`): divide the rows among several targets, or raise the limit if the target takes more'
    done
    same 'refused|0' "$(sql 'SELECT state, (SELECT count(*) FROM job WHERE batch_id = batch.id) FROM batch WHERE id = 3')"
    # of many rows, no more are read than that takes
    { echo record_id,a && seq -f '%g,x' 300000; } >Item-4.csv
    ends 4 rowferry ingest Item-4.csv
    [ "$(sql 'SELECT rows_read FROM batch WHERE id = 4')" -lt 100000 ]
    # without limits the same rows are taken
    limited '"x-rowferry":{"target":{"preset":"rest-plain","write":{"path":"/rest-plain/{id}"}}}'
    ends 0 rowferry validate Item-1.csv
    ends 0 rowferry validate Item-3.csv
}

@test "the example of rowferry-schema(5) with limits is one, and data tables have theirs" {
    local columns

    limited "\"x-rowferry\":{$(sed -n '/^"target": {$/,/^}$/p' "$TOP/cmd/rowferry/share/rowferry-schema.5")}"
    printf 'record_id,a,b\n1,x,y\n2,x,\n3,,\n4,,\n' >Item-1.csv
    ends 4 rowferry validate Item-1.csv
    holds "$stderr" 'it has more rows than its target can hold, which is 2'
    sed -i '$d' Item-1.csv
    run --separate-stderr rowferry validate Item-1.csv
    same 3 "$status"
    holds "$output$stderr" 'has 2 fields, and the target takes 1'
    columns=$(seq -s , -f 'f%g' 51)
    seq -f 'f%g' 51 | jq -Rn '{properties: ([inputs | {(.): {type: "integer"}}] | add),
        "x-rowferry": {target: {preset: "genesys-datatable-rows", params: {table: "t"}}}}' >schema/Item.json
    { echo "record_id,$columns" && seq -s , 0 51 && echo "1,,$(seq -s , 50)"; } >Item-1.csv
    run --separate-stderr rowferry validate Item-1.csv
    same 3 "$status"
    holds "$output$stderr" 'has 51 fields, and the target takes 50'
    { echo record_id,f1 && seq -f '%g,1' 5001; } >Item-1.csv
    ends 4 rowferry validate Item-1.csv
    sed -i '$d' Item-1.csv
    ends 0 rowferry validate Item-1.csv
}

@test "what the server keeps is not sent, what it clears is read and sent back" {
    schema Keep '{"preset":"rest-plain","write":{"path":"/rest-plain/{id}"}}'
    schema Clear '{"preset":"rest-plain","write":{"method":"PUT","path":"/rest-plain/{id}","absent":"clear","back":["/other/z","/other","/other"]}}'
    schema Whole '{"preset":"rest-plain","write":{"method":"PUT","path":"/rest-plain/{id}","absent":"clear"}}' '"write":"replace"'
    printf '{"schema":"rest-plain","id":"%s","version":1,"fields":{"a":1,"b":"x","other":{"z":[1.5]},"gone":true}}\n' K C W >seeds
    start_sim --records seeds
    printf 'record_id,a\nK,2\n' | file Keep-1.csv
    printf 'record_id,a\nC,2\n' | file Clear-1.csv
    printf 'record_id,a\nW,2\n' | file Whole-1.csv
    night 0
    same '["rest-plain","C",{"a":2,"b":"x","other":{"z":[1.5]}}]
["rest-plain","K",{"a":2}]
["rest-plain","W",{"a":2}]' "$(applied | sort)"
}

@test "a token and a mark among the fields are sent once, and not as the record had them" {
    schema Deep '{"write":{"method":"PUT","path":"/rest-plain/{id}"},"fields":"/d","mark":"/d/m",
        "lock":{"read":"/d/v","write":"/d/v","answer":null}}' '"version":"fetch"'
    printf '{"schema":"rest-plain","id":"D","version":1,"fields":{"d":{"v":7,"m":"old","b":"x","z":1}}}\n' >seeds
    start_sim --records seeds
    printf 'record_id,a\nD,2\n' | file Deep-1.csv
    night 0
    # of a member that is twice in a body, the simulator takes the last
    same '{"a":2,"b":"x","m":true,"v":7,"z":1}' \
        "$(jq -cS '.fields.d | .m |= test("^[0-9a-f-]{36}$")' ledger)"
}

@test "records that are missing are created, by the write or by a request of their own" {
    schema Row '{"preset":"genesys-datatable-rows","params":{"table":"T"}}'
    schema Refuse '{"preset":"rest-etag","write":{"path":"/rest-etag/{id}"}}' '"version":"fetch"'
    schema Upsert '{"preset":"rest-version","write":{"path":"/rest-version/{id}"},"missing":"upsert"}' '"version":"fetch","write":"replace"'
    start_sim --only-seeded --upsert
    for name in Row Refuse Upsert; do
        printf 'record_id,a\nA,1\nA,2\n' | file $name-1.csv
    done
    night 3
    same 'Refuse|refused|404|2
Row|applied|200|2
Upsert|applied|200|1
Upsert|applied|201|1' "$(sql 'SELECT schema, state, http_status, count(*) FROM job GROUP BY 1, 2, 3 ORDER BY 1, 2, 3')"
    same '["genesys-datatable-rows/T","A",{"a":1}]
["genesys-datatable-rows/T","A",{"a":2}]
["rest-version","A",{"a":1}]
["rest-version","A",{"a":2}]' "$(applied | sort)"
}

@test "an error whose code cannot be read does not stop the run or refuse the row" {
    schema Row '{"preset":"genesys-datatable-rows","params":{"table":"T"}}'
    schema Group '{"preset":"genesys-groups"}' '"version":"fetch"'
    start_sim --answer put:G=400:general.conflict*1 --distort get:broken-gzip=1
    printf 'record_id,a\nA,1\n' | file Row-1.csv
    night 5
    same 'pending|404|(unreadable)' "$(sql 'SELECT state, http_status, error_code FROM job')"
    setting 'distort=none&distort=put:broken-gzip=1'
    printf 'record_id,a\nG,1\n' | file Group-1.csv
    rowferry ingest inbox/Group-1.csv
    ends 5 rowferry drain --max-retries 0
    setting distort=none
    ends 0 rowferry drain
    same '["genesys-datatable-rows/T","A",{"a":1}]
["genesys-groups","G",{"a":1}]' "$(applied | sort)"
}

@test "an error that breaks off refuses nothing" {
    schema Group '{"preset":"genesys-groups"}' '"version":"fetch"'
    start_sim --answer put:G=400:general.conflict*1 --fault truncate-after=1 --fault-limit 1
    printf 'record_id,a\nG,1\n' | file Group-1.csv
    night 0
    same '["genesys-groups","G",{"a":1}]' "$(applied)"
    same '|transfer closed' "$(sql "SELECT http_status, substr(error, 1, 15) FROM attempt WHERE method = 'PUT' LIMIT 1")"
}

@test "a read that shows less than an earlier row of ours made is not a conflict" {
    schema Version '{"preset":"rest-version","write":{"path":"/rest-version/{id}"}}' '"version":"fetch"'
    schema Upsert '{"preset":"rest-version","write":{"path":"/rest-version/{id}"},"missing":"upsert"}' '"version":"fetch"'
    schema Etag '{"preset":"rest-etag","write":{"method":"PUT","path":"/rest-etag/{id}","absent":"clear"},"missing":"upsert"}' '"version":"fetch"'
    schema Row '{"preset":"genesys-datatable-rows","params":{"table":"T"}}'
    printf '{"schema":"rest-version","id":"Version","version":1,"fields":{}}\n' >seeds
    start_sim --records seeds --only-seeded --upsert --read-lag-ms 700
    for name in Version Upsert Etag Row; do
        printf "record_id,a\n$name,1\n$name,2\n$name,3\n" | file $name-1.csv
    done
    night 0
    same '12 applied' "$(sql 'SELECT count(*), state FROM job GROUP BY state' | tr '|' ' ')"
    same 12 "$(applied | wc -l)"
    for name in Version Upsert Etag Row; do
        same '1 2 3' "$(jq -r "select(.id == \"$name\").fields.a" ledger | xargs)"
    done
}

@test "somebody else's change is a conflict with an opaque lock, and none without a lock" {
    schema Version '{"preset":"rest-version","write":{"path":"/rest-version/{id}"}}' '"version":"required"'
    start_sim
    printf 'record_id,version,a\nA,7,1\n' | file Version-1.csv
    night 3
    same 'conflict|409|someone else changed the record since it was read' \
        "$(sql 'SELECT state, http_status, error_message FROM job')"
    same '7' "$(sql 'SELECT submitted_version FROM conflict')"
    ends 0 rowferry resolve 1/1 --ours --yes
    ends 0 rowferry drain
    same '["rest-version","A",{"a":1}]' "$(applied)"
}

is_sent() {
    [ "$(sql "SELECT count(*) FROM attempt WHERE method = 'PUT'" 2>/dev/null)" = 1 ]
}

@test "a conflict of tokens that are not numbers shows the tokens" {
    schema Etag '{"preset":"rest-etag","write":{"path":"/rest-etag/{id}"}}' '"version":"fetch"'
    printf '{"schema":"rest-etag","id":"A","version":1,"fields":{"a":5}}\n' >seeds
    start_sim --records seeds --fault stall-before=1 --fault-limit 1 --stall-ms 60000
    printf 'record_id,a\nA,1\n' | file Etag-1.csv
    "$BIN/rowferry" run inbox --min-age 0 --timeout 60 >out 2>err 3>&- &
    eventually is_sent
    sleep 0.3 # until the update has left
    kill -KILL $!
    curl -sf -d '{"fields":{"a":9}}' "$GENESYS_ENVIRONMENT/sim/records/rest-etag/A" >record
    ends 3 rowferry drain
    same '||conflict' "$(sql 'SELECT submitted_version, conflict.server_version, state FROM conflict JOIN job ON job.id = job_id')"
    ends 0 rowferry resolve 1/1 --ours --dry-run
    [[ $output =~ 'version "'[0-9a-f]{16}'" against "'[0-9a-f]{16}'", differing in a' ]]
    lacks "$output" 'gone'
    ends 0 rowferry history A
    holds "$output" 'conflict: the record has another token'
    lacks "$output" 'version 0'
}

@test "a record without its token or its fields is named so, with where they were looked for" {
    schema Etag '{"preset":"rest-etag","write":{"path":"/rest-version/{id}"}}' '"version":"fetch"'
    schema Deep '{"write":{"method":"PUT","path":"/rest-plain/{id}"},"fields":"/d/e"}'
    start_sim
    printf 'record_id,a\nA,1\n' | file Etag-1.csv
    printf 'record_id,a\nA,1\n' | file Deep-1.csv
    ROWFERRY_MAX_RETRIES=0 night 5
    same 'Deep|HTTP 200 with a record that lacks an object with fields at "/d/e"
Etag|HTTP 200 with a record that lacks the token of the lock in the header field ETag' \
        "$(sql "SELECT schema, a.error FROM attempt a JOIN job ON job.id = job_id WHERE method = 'GET' GROUP BY 1 ORDER BY 1")"
    printf 'record_id,a\nA,1\n' >Deep-2.csv
    run rowferry diff Deep-2.csv
    holds "$output$stderr" 'the record lacks an object with fields at "/d/e"'
}

@test "an item of an array is read, and cannot be a place to write at" {
    schema Item '{"preset":"rest-plain","write":{"path":"/rest-plain/{id}"},"fields":{"at":{"a":"/list/0/a"}}}'
    printf '{"schema":"rest-plain","id":"A","version":1,"fields":{"list":[{"a":0},{"a":1}]}}\n' >seeds
    start_sim --records seeds
    printf 'record_id,a\nA,1\n' | file Item-1.csv
    night 2
    holds "$stderr" '/target/fields/at/a: leads to item 0 of an array, and items cannot be sent one by one: give the place of the whole array'
    schema Item '{"preset":"rest-plain","write":{"path":"/rest-plain/{id}"},"read":{"as":{"a":"/list/1/a"}}}'
    ends 0 rowferry diff inbox/Item-1.csv
    holds "$output" '1 unchanged'
}

@test "an answer that stops the run leaves the jobs pending" {
    schema Row '{"preset":"genesys-datatable-rows","params":{"table":"T"},"answers":{"404":"stop","404 flows.datatables.row.not.found":"stop"}}'
    start_sim --only-seeded
    printf 'record_id,a\nA,1\n' | file Row-1.csv
    night 2
    holds "$stderr" 'the API answered 404 flows.datatables.row.not.found'
    holds "$stderr" 'to a row of Row: check "target" in its schema file'
    same pending "$(sql 'SELECT state FROM job')"
    # the schema file is read again
    schema Row '{"preset":"genesys-datatable-rows","params":{"table":"T"}}'
    ends 0 rowferry drain
    same '["genesys-datatable-rows/T","A",{"a":1}]' "$(applied)"
    # ... and needed
    printf 'record_id,a\nA,2\n' | file Row-2.csv
    ends 0 rowferry ingest inbox/Row-2.csv
    rm schema/Row.json
    ends 2 rowferry drain
    holds "$stderr" 'the schema file of Row is missing or wrong'
}

@test "a path that is wrong refuses no row of an upsert or a create" {
    local target

    start_sim --only-seeded
    for target in '"missing":"upsert"' '"missing":{"method":"POST","path":"/nowhere?id={id}"}'; do
        schema Row '{"preset":"rest-plain","write":{"path":"/nowhere/{id}"},'"$target"'}'
        { echo record_id,a && seq -f 'A%g,1' 25; } >Row-1.csv
        ends 0 rowferry ingest Row-1.csv
        ends 2 rowferry drain
        holds "$stderr" '404'
        same '25 pending' "$(sql 'SELECT count(*), state FROM job GROUP BY state' | tr '|' ' ')"
        rm rowferry.db*
    done
}

@test "settings that the lock or the target does not allow are errors with their pointer" {
    local case settings target text

    touch X.csv
    echo record_id >X-1.csv
    export ROWFERRY_DOT=.
    while IFS='|' read -r target settings text; do
        schema X "$target" "$settings"
        ends 2 rowferry validate X-1.csv
        holds "$stderr" "$text"
    done <<'END'
{"preset":"rest-etag","write":{"path":"/x/{id}"}}||#/x-rowferry/version: must be "fetch"
{"preset":"rest-etag","write":{"path":"/x/{id}"}}|"version":"known"|#/x-rowferry/version: cannot be "known"
{"preset":"rest-plain","write":{"path":"/x/{id}"}}|"write":"replace"|#/x-rowferry/write: cannot be "replace"
{"preset":"rest-plain","write":{"path":"/x/{id}"}}|"keepBefore":true|#/x-rowferry/keepBefore: needs a target
{"preset":"rest-plain","write":{"path":"/x/{key}"}}||#/x-rowferry/target/write/path: nothing fills {key}
{"preset":"rest-plain","write":{"path":"/x/{id}"},"mark":"/a"}||#/x-rowferry/target/mark: shares a place
{"preset":"rest-etag","write":{"path":"/x/{id}","headers":{"if-match":"*"}}}|"version":"fetch"|#/x-rowferry/target/lock/write: is a header field that "headers" of the write has too
{"preset":"rest-plain","write":{"path":"/x/{id}","headers":{"content-length":"3"}}}||#/x-rowferry/target/write/headers/content-length: is not for a target: requests have it already
{"preset":"rest-plain","write":{"path":"/x/{id}","headers":{"Authorization":"k"}}}||#/x-rowferry/target/write/headers/Authorization: is not for a target: the login, or --api-key-file
{"preset":"rest-plain","write":{"path":"/x/../{id}"}}||#/x-rowferry/target/write/path: must not have a segment . or ..
{"preset":"rest-plain","write":{"path":"/x/{id}/."}}||#/x-rowferry/target/write/path: must not have a segment . or ..
{"preset":"rest-plain","write":{"path":"/x/{t}/{id}"},"params":{"t":".."}}||#/x-rowferry/target/write/path: cannot have ".." in place of {t}
{"preset":"rest-plain","write":{"path":"/x/{t}/{id}"},"params":{"t":{"env":"ROWFERRY_DOT"}}}||#/x-rowferry/target/write/path: cannot have "." in place of {t}
{"preset":"rest-plain","write":{"path":"/x/{t}/{id}"},"params":{"t":{"column":"version"}}}||#/x-rowferry/target/params/t: cannot be the column "version"
{"preset":"rest-plain","write":{"path":"/x/{id}"},"params":{"t":{"column":"c"}}}||#/x-rowferry/target/write: does not name the record: use {t} in path or body, because its column
{"preset":"rest-plain","write":{"path":"/x/{id}?p={t}"},"params":{"t":{"column":"c"}}}||#/x-rowferry/target/read: does not name the record: use {t} in path or body
{"preset":"rest-plain","write":{"path":"/x/{id}"},"fields":{"each":{"list":"/l","item":{"p":"{path}","v":"={value}"}}}}||#/x-rowferry/target/fields/each/item: has {value} within a text
{"preset":"rest-plain","write":{"path":"/x/{id}","back":[""]}}||#/x-rowferry/target/write/back/0: cannot be the whole record
"genesys-user"||#/x-rowferry/target: "genesys-user" is not a preset
END
    schema X '{"preset":"rest-plain","write":{"path":"/x.y/.{id}/...?a=/../"}}'
    ends 0 rowferry validate X-1.csv
    schema X '{"preset":"rest-plain","write":{"path":"/x/{id}"}}'
    run --separate-stderr rowferry doctor
    holds "$(tr -s ' \n' ' ' <<<"$output")" 'X: its target (rest-plain) has no lock: the last writer wins'
}

@test "a field in the place of the token, of the id or of a constant rejects its row" {
    schema Version '{"preset":"rest-version","write":{"path":"/rest-version/{id}","body":{"kind":"K","deep":{"k":1}}}}' '"version":"fetch"'
    schema Bulk '{"preset":"rest-bulk","write":{"path":"/rows/{id}"},"bulk":{"path":"/rows/_bulk_docs"},"mark":"/ours"}' \
        '"version":"fetch","write":"replace"'
    printf '{"recordId":"A","fields":{"a":1,"%s":9}}\n' version kind deep other fields | file Version-1.ndjson
    printf '{"recordId":"A","fields":{"a":1,"%s":"9"}}\n' _rev _id ours version kind | file Bulk-1.ndjson
    ends 3 rowferry ingest inbox/*.ndjson
    same 'Bulk 1 _rev target
Bulk 2 _id target
Bulk 3 ours target
Version 1 version target
Version 2 kind target
Version 3 deep target' "$(sql "SELECT schema || ' ' || row_no || ' ' || field || ' ' || rule FROM violation JOIN batch
        ON batch.id = batch_id ORDER BY schema, row_no")"
    # a property of that name can have another place
    printf '{"properties":{"a":{"type":"integer"},"version":{"type":"integer"}},"x-rowferry":{"version":"fetch","target":{
        "preset":"rest-version","write":{"path":"/rest-version/{id}"},"fields":{"at":{"version":"/other"}}}}}\n' >schema/Version.json
    printf '{"recordId":"A","fields":{"a":1,"%s":9}}\n' version other | file Version-2.ndjson
    ends 3 rowferry ingest inbox/Version-2.ndjson
    same '2 other' "$(sql 'SELECT row_no, field FROM violation WHERE batch_id = 3' | tr '|' ' ')"
}
