#!/usr/bin/env bats
# Every preset against Prism, which holds each request to the published document of its API, and gives
# any documented answer that a path asks for (`?__code=409&__example=NAME`). Prism keeps nothing.
load lib
load npm
load servers

U=3fa85f64-5717-4562-b3fc-2c963f66afa6
S=8c811cc6-003e-40c0-a35c-c38a72534bff

setup() {
    in_a_folder
    rm -rf schema/*
    mkdir inbox
    export ROWFERRY_RATE=none ROWFERRY_AUDIT=none GENESYS_CLIENT_ID=client GENESYS_CLIENT_SECRET=secret
    # one Prism for all tests of the file
    if [ ! -e "$BATS_FILE_TMPDIR/url" ]; then
        cd "$BATS_FILE_TMPDIR"
        start_prism all.yaml
        echo "$PRISM" >url
        echo "$SERVERS" >process
        cd - >/dev/null
    fi
    GENESYS_ENVIRONMENT=$(cat "$BATS_FILE_TMPDIR/url")
    export GENESYS_ENVIRONMENT
    : >"$BATS_FILE_TMPDIR/prism.out"
}

teardown() {
    : # Prism goes on
}

teardown_file() {
    [ ! -e "$BATS_FILE_TMPDIR/process" ] || kill $(cat "$BATS_FILE_TMPDIR/process")
}

# What Prism found wrong with requests
violations() {
    grep -a 'Violation: request' "$BATS_FILE_TMPDIR/prism.out" || true
}

# OBJECT STATE of each row, and with a second query the code or status of its last answer, or all answers
ended() {
    sql "SELECT batch.schema || ' ' || job.state ${1:-} FROM job JOIN batch ON batch.id = batch_id ORDER BY 1"
}

CODES="|| ' ' || coalesce(job.error_code, job.http_status)"
UNANSWERED="|| (SELECT group_concat(' ' || method || coalesce(' ' || http_status, ''), '') FROM attempt WHERE job_id = job.id)"
ANSWERS="|| (SELECT group_concat(' ' || method || ' ' || http_status, '') FROM attempt WHERE job_id = job.id)"

# object NAME TARGET PROPERTIES HEADER ROW: a schema file, and a file of one row in the inbox. TARGET is
# JSON; PROPERTIES are names with types: `title:string`.
object() {
    local property properties

    for property in $3; do
        properties+=${properties:+,}$(printf '"%s":{"type":"%s"}' "${property%:*}" "${property#*:}")
    done
    printf '{"type":"object","properties":{%s},"x-rowferry":{"target":%s%s}}\n' "$properties" "$2" \
        "${EXTRA:-}" >"schema/$1.json"
    printf '%s\n%s\n' "$4" "$5" >"inbox/$1-a.csv"
}

# variant NAME PRESET [OVER [VERSION]]: the object of a preset, with its file. OVER is JSON that is applied over
# the target; with VERSION, the row names one instead of fetching it.
variant() {
    local over=${3:-'{}'} params='{}' EXTRA='' properties header row

    case $2 in
    guide) EXTRA=',"version":"fetch"' properties='sku:string quantity:integer' \
        header=record_id,sku,quantity row=ber-wh-1042,WH-1042,150 ;;
    genesys-external-contacts) params='{"source":"'$S'"}' \
        properties='firstName:string workPhone:string city:string tier_text:string' \
        header=record_id,firstName,workPhone,city,tier_text row='row-1,Ada,+49 30 1,Berlin,gold' ;;
    genesys-external-organizations) params='{"source":"'$S'"}' \
        properties='name:string phone:string revenue:integer type_text:string' \
        header=record_id,name,phone,revenue,type_text row='row-1,Example,+49 30 1,5,Retail' ;;
    genesys-datatable-rows) params='{"table":"'$S'"}' properties='opens:string stock:integer' \
        header=record_id,opens,stock row=store-17,08:00,5 ;;
    genesys-users) EXTRA=',"version":"fetch"' properties='title:string manager:string' \
        header=record_id,title,manager row="$U,Dr.,$S" ;;
    genesys-groups) EXTRA=',"version":"fetch"' properties='name:string visibility:string' \
        header=record_id,name,visibility row="$U,Sale,public" ;;
    genesys-user-attributes) params='{"attributeSchema":"'$S'"}' \
        properties='cost_center_text:string fte_number:number' \
        header=record_id,cost_center_text,fte_number row="$U,4711,0.50" ;;
    genesys-conversation-attributes) EXTRA=',"version":"fetch"' params='{"attributeSchema":"'$S'"}' \
        properties='order_number_text:string amount_number:number' \
        header=record_id,conversation,order_number_text,amount_number row="claim,$U,A-17,13.5" ;;
    genesys-workitems) properties='name:string priority:integer order_number_text:string' \
        header=record_id,name,priority,order_number_text row="$U,Return 4711,6,A-17" ;;
    genesys-outbound-contacts) params='{"list":"'$U'"}' properties='lead:string n:integer' \
        header=record_id,lead,n row=L-100042,100042,5 ;;
    genesys-scim-users) EXTRA=',"version":"fetch"' properties='title:string active:boolean' \
        header=record_id,title,active row="$U,Dr.,true" ;;
    rest-version) EXTRA=',"version":"fetch"' properties='name:string price:number' \
        over=$(jq -nc --argjson over "$over" '{write: {path: "/generic/versioned/{id}"}} * $over') \
        header=record_id,name,price row=a,y,1.50 ;;
    rest-etag) EXTRA=',"version":"fetch"' properties='displayName:string unitPrice:number' \
        over=$(jq -nc --argjson over "$over" '{write: {path: "/generic/tagged/{id}"}} * $over') \
        header=record_id,displayName,unitPrice row=a,y,1.50 ;;
    rest-plain) properties='city:string tier:string' \
        over=$(jq -nc --argjson over "$over" \
            '{write: {path: "/generic/objects/{id}"}, fields: "/properties"} * $over') \
        header=record_id,city,tier row=a,Bonn,gold ;;
    esac
    [ -z "${4:-}" ] ||
        EXTRA='' header=record_id,version,${header#*,} row=${row%%,*},$4,${row#*,}
    object "$1" "$(jq -nc --arg preset "$2" --argjson params "$params" --argjson over "$over" \
        '{preset: $preset, params: $params} * $over')" "$properties" "$header" "$row"
}

PRESETS='guide genesys-external-contacts genesys-external-organizations genesys-datatable-rows genesys-users
    genesys-groups genesys-user-attributes genesys-conversation-attributes genesys-workitems
    genesys-outbound-contacts genesys-scim-users rest-version rest-etag rest-plain'

# ask METHOD PATH BODY: sets STATUS; the answer is in body, its headers in head
ask() {
    STATUS=$(curl -s -m 20 -X "$1" -H 'Authorization: Bearer x' -H 'Content-Type: application/json' -d "$3" \
        -o body -D head -w '%{http_code}' "$GENESYS_ENVIRONMENT$2")
}

@test "Prism takes right requests, refuses wrong ones, and gives the answer that is asked for" {
    local user=/api/v2/users/0c0c0c0c-1111-4222-8333-444444444444

    ask PATCH $user '{"version":3,"title":"Dr."}'
    same 200 "$STATUS"
    ask PATCH $user '{"title":"Dr."}' # version is required
    same 400 "$STATUS"
    holds "$(cat head)" 'sl-violations'
    ask PATCH "$user?__code=409" '{"version":3}'
    same '409 general.conflict' "$STATUS $(jq -r .code body)"
}

@test "the requests of every preset are right" {
    local preset

    for preset in $PRESETS; do
        variant "${preset//-/_}" "$preset"
    done
    ends 0 rowferry run inbox --min-age 0
    same "$(for preset in $PRESETS; do echo "${preset//-/_} applied"; done | sort)" "$(ended)"
    same '' "$(violations)"
}

# path_of PRESET: of its writes, in the documents
path_of() {
    case $1 in
    rest-version) echo '/generic/versioned/{id}' ;;
    rest-etag) echo '/generic/tagged/{id}' ;;
    rest-plain) echo '/generic/objects/{id}' ;;
    *) jq -r .write.path "$TOP/targets/$1.json" ;;
    esac
}

# forced: objects from lines `NAME PRESET CODE EXAMPLE|- [VERSION]`, whose writes are answered so, and one
# that succeeds, so that nothing looks as if every request were refused
forced() {
    local name preset code example version

    variant fine rest-plain
    while read -r name preset code example version; do
        variant "$name" "$preset" "$(jq -nc --arg path \
            "$(path_of "$preset")?__code=$code$([ "$example" = - ] || echo "&__example=$example")" \
            '{write: {path: $path}, bulk: null}')" "$version"
    done
}

@test "201 and 204 are successes" {
    forced <<'END'
a1 genesys-external-contacts 201 -
b1 genesys-user-attributes 204 -
END
    ends 0 rowferry run inbox --min-age 0
    same 'a1 applied PUT 201
b1 applied PUT 204
fine applied PUT 200' "$(ended "$ANSWERS")"
}

@test "errors that refuse a row" {
    forced <<'END'
a1 genesys-external-contacts 409 matching_contact_found
a2 genesys-external-contacts 422 validation_failed
a3 genesys-external-contacts 404 matching_contact_not_found
b1 genesys-external-organizations 422 custom_fields_validation_failed
c1 genesys-datatable-rows 400 flows_datatables_schema_exception
c2 genesys-datatable-rows 400 flows_datatables_too_many_rows
d1 genesys-users 404 general_resource_not_found
d2 genesys-users 400 general_bad_request
e1 genesys-groups 404 not_found
f1 genesys-user-attributes 400 user_custom_attributes_schema_validation_error
h1 genesys-workitems 409 pre_check_cannot_update_terminated_workitem
h2 genesys-workitems 422 schema_error_invalid_instance
h3 genesys-workitems 404 not_found_error
h4 genesys-workitems 400 invalid_input_no_change
i1 genesys-outbound-contacts 400 invalid_contact_columns
i2 genesys-outbound-contacts 404 resource_not_found
i3 genesys-outbound-contacts 400 contact_does_not_exist
g1 genesys-conversation-attributes 400 conversation_custom_attributes_invalid_id
g2 genesys-conversation-attributes 400 conversation_custom_attributes_schema_validation_error
h5 genesys-workitems 409 request_conflict
j2 genesys-scim-users 400 bad_request
j1 genesys-scim-users 404 not_found
k1 rest-version 404 -
l1 rest-etag 404 -
m1 rest-plain 404 -
m2 rest-plain 409 -
m3 rest-plain 403 -
n1 guide 422 -
n2 guide 404 -
END
    ends 3 rowferry run inbox --min-age 0 --max-retries 0
    same '' "$(violations)"
    same 'a1 refused matching.contact.found
a2 refused validation.failed
a3 refused matching.contact.not.found
b1 refused custom.fields.validation.failed
c1 refused flows.datatables.schema.exception
c2 refused flows.datatables.too.many.rows
d1 refused general.resource.not.found
d2 refused general.bad.request
e1 refused not.found
f1 refused user.custom.attributes.schema.validation.error
fine applied 200
g1 refused conversation.custom.attributes.invalid.id
g2 refused conversation.custom.attributes.schema.validation.error
h1 refused pre.check.cannot.update.terminated.workitem
h2 refused schema.error.invalid.instance
h3 refused not.found.error
h4 unchanged 400
h5 refused request.conflict
i1 refused invalid.contact.columns
i2 refused resource.not.found
i3 refused contact.does.not.exist
j1 refused not.found
j2 refused bad.request
k1 refused not.found
l1 refused Internal_RecordNotFound
m1 refused NOT_FOUND
m2 refused CONFLICT
m3 refused missing.permissions
n1 refused 422
n2 refused not.found' "$(ended "$CODES")"
}

@test "errors that are conflicts" {
    forced <<'END'
a1 genesys-users 400 general_conflict 3
a2 genesys-users 409 general_conflict 3
b1 genesys-groups 400 general_conflict 2
c1 rest-version 409 - 3
d1 guide 409 - 3
h1 genesys-conversation-attributes 409 conversation_custom_attributes_version_conflict 3
e1 genesys-scim-users 400 invalidVers
e2 genesys-scim-users 409 stale
f1 rest-etag 412 -
f2 rest-etag 409 -
g1 genesys-users 409 general_conflict
END
    ends 5 rowferry run inbox --min-age 0 --max-retries 0 --audit-wait 1
    same '' "$(violations)"
    # a version that the record does not have is a conflict; a version that it still has did not land
    same 'a1 conflict PUT 400 GET 200
a2 conflict PUT 409 GET 200
b1 conflict GET 200 PUT 400 GET 200
c1 conflict GET 200 PUT 409 GET 200
d1 conflict PUT 409
e1 pending GET 200 PUT 400 GET 200
e2 pending GET 200 PUT 409 GET 200
f1 pending GET 200 PUT 412 GET 200
f2 pending GET 200 PUT 409 GET 200
fine applied PUT 200
g1 pending GET 200 PUT 409 GET 200
h1 conflict GET 200 PUT 409 GET 200' "$(ended "$ANSWERS" | cut -d' ' -f1-8 | sed 's/^d1 conflict PUT 409 .*/d1 conflict PUT 409/')"
}

# Without a lock, a 503 is read back first.
@test "errors after which a row is sent again" {
    forced <<'END'
a1 genesys-external-contacts 409 request_conflict
b1 genesys-external-organizations 409 request_conflict
c1 genesys-datatable-rows 409 request_conflict
d1 genesys-outbound-contacts 400 contact_list_clear_in_progress
d2 genesys-outbound-contacts 400 contact_bulk_operation_in_progress
e1 genesys-workitems 400 db_transaction_cancelled
e2 genesys-conversation-attributes 409 request_conflict
f1 rest-version 503 -
f2 genesys-users 504 -
g1 rest-plain 503 -
g2 genesys-datatable-rows 503 -
END
    ends 5 rowferry run inbox --min-age 0 --max-retries 0
    same 'a1 pending PUT 409
b1 pending PUT 409
c1 pending GET 200 PUT 409
d1 pending GET 200 PUT 400
d2 pending GET 200 PUT 400
e1 pending GET 200 PUT 400
e2 pending GET 200 PUT 409
f1 pending GET 200 PUT 503
f2 pending GET 200 PUT 504 GET 200
fine applied PUT 200
g1 unknown PUT 503
g2 unknown GET 200 PUT 503' "$(ended "$ANSWERS")"
}

@test "errors that stop the run" {
    local status_wanted line seen

    while read -r status_wanted line; do
        rm -rf inbox rowferry.db*
        mkdir inbox
        forced <<<"a $line"
        rm inbox/fine-a.csv
        ends "$status_wanted" rowferry run inbox --min-age 0 --max-retries 0 --max-wait 1s
        same 'a pending' "$(ended)"
    done <<'END'
2 genesys-datatable-rows 404 flows_datatables_table_not_found
2 genesys-user-attributes 404 user_custom_attributes_schema_not_found
2 genesys-outbound-contacts 404 contact_list_not_found
2 genesys-conversation-attributes 404 conversation_custom_attributes_schema_not_found
2 rest-etag 428 -
5 genesys-workitems 400 service_limit_workitem_updates_per_minute_limit_reached
5 genesys-workitems 400 service_limit_per_day_maximum_updated_limit_reached
5 rest-plain 429 -
5 genesys-users 429 -
6 genesys-users 403 -
END
}

@test "a row that is missing is created, and one that exists after all is written" {
    variant a genesys-datatable-rows '{"write":{"path":"/api/v2/flows/datatables/{table}/rows/{id}?__code=404&__example=flows_datatables_row_not_found"}}'
    variant b genesys-datatable-rows '{"write":{"path":"/api/v2/flows/datatables/{table}/rows/{id}?__code=404&__example=flows_datatables_row_not_found"},
        "missing":{"path":"/api/v2/flows/datatables/{table}/rows?__code=409&__example=flows_datatables_not_unique"}}'
    variant c genesys-user-attributes '{"write":{"path":"/api/v2/users/{id}/customattributes?__code=404&__example=not_found"}}'
    ends 3 rowferry run inbox --min-age 0 --max-retries 0
    same 'a applied GET 200 PUT 404 PUT 200
b refused GET 200 PUT 404 PUT 409 GET 200 PUT 404
c applied PUT 404 PUT 200' "$(ended "$ANSWERS")"
}

# several: objects from lines `NAME PRESET CODE EXAMPLE|-`, two rows of each, whose bulk requests are answered
# so, and one that succeeds
several() {
    local name preset code example path

    variant fine rest-plain
    while read -r name preset code example; do
        path=$(jq -r .bulk.path "$TOP/targets/$preset.json")
        case $path in *\?*) path+='&' ;; *) path+='?' ;; esac
        variant "$name" "$preset" "$(jq -nc --arg path \
            "${path}__code=$code$([ "$example" = - ] || echo "&__example=$example")" '{bulk: {path: $path}}')"
        sed '1d; s/^[^,]*/row-2/' "inbox/$name-a.csv" >second
        cat second >>"inbox/$name-a.csv"
        without_reads "$name"
    done
}

# without_reads OBJECT: an outbound contact is replaced, so that nothing is read before
without_reads() {
    ! grep -q outbound "schema/$1.json" || printf '%s\n' "$(jq -c '."x-rowferry".write = "replace"' "schema/$1.json")" >"schema/$1.json"
}

# The answer of the documents names row-1, which was taken, and row-2, which was not.
@test "several rows in a request: each has its own result" {
    variant a genesys-external-contacts
    variant b genesys-external-organizations
    variant c genesys-outbound-contacts
    printf 'row-2,Bob,,Bonn,gold\nrow-3,Cid,,Trier,gold\n' >>inbox/a-a.csv
    printf 'row-2,Other,,5,Retail\n' >>inbox/b-a.csv
    printf 'L-100043,100043,5\n' >>inbox/c-a.csv
    without_reads c
    ends 5 rowferry run inbox --min-age 0 --max-retries 0 --timeout 1
    same '' "$(violations)"
    # row-3 and L-100043 are not named: they are read, twice, and what Prism shows is something else
    same 'a applied PUT 200
a pending PUT GET 200 GET 200
a refused PUT 422
b applied PUT 200
b refused PUT 422
c applied PUT 200
c pending PUT GET 200 GET 200' "$(ended "$UNANSWERED")"
    same 'validation.failed workEmail no e-mail address' \
        "$(sql "SELECT DISTINCT job.error_code || ' ' || field || ' ' || message FROM job JOIN server_violation ON job_id = job.id")"
}

@test "several rows in a request: errors that refuse it" {
    several <<'END'
a1 genesys-external-contacts 422 validation_failed
a2 genesys-external-contacts 422 custom_fields_validation_failed
b1 genesys-external-organizations 422 validation_failed
c1 genesys-outbound-contacts 400 invalid_update
c2 genesys-outbound-contacts 400 contact_missing_columns
c3 genesys-outbound-contacts 400 invalid_contact_columns
c4 genesys-outbound-contacts 400 too_many_contacts_added
c5 genesys-outbound-contacts 400 contact_does_not_exist
c6 genesys-outbound-contacts 404 resource_not_found
END
    ends 3 rowferry run inbox --min-age 0 --max-retries 0
    same '' "$(violations)"
    # a contact that does not exist is sent again, because the request creates; how often depends on
    # the rows that its request had
    same 'a1 refused validation.failed PUT 422 PUT 422
a2 refused custom.fields.validation.failed PUT 422 PUT 422
b1 refused validation.failed PUT 422 PUT 422
c1 refused invalid.update PUT 400 PUT 400
c2 refused contact.missing.columns PUT 400 PUT 400
c3 refused invalid.contact.columns PUT 400 PUT 400
c4 refused too.many.contacts.added PUT 400 PUT 400
c5 refused contact.does.not.exist PUT 400 PUT 400 again
c6 refused resource.not.found PUT 404 PUT 404
fine applied 200 PUT 200' "$(ended "$CODES $ANSWERS" | uniq | sed -E 's/( PUT 400 PUT 400)( PUT 400){1,2}$/\1 again/')"
}

@test "several rows in a request: errors after which they are sent again" {
    several <<'END'
a1 genesys-external-contacts 503 -
b1 genesys-external-organizations 504 -
c1 genesys-outbound-contacts 400 contact_list_clear_in_progress
c2 genesys-outbound-contacts 400 contact_bulk_operation_in_progress
c3 genesys-outbound-contacts 503 -
END
    ends 5 rowferry run inbox --min-age 0 --max-retries 0 --timeout 1
    # after a 503 the next run reads first; a 504 has been read twice, and is sent by the next run
    same '' "$(violations)"
    same 'a1 unknown PUT 503
b1 pending PUT 504 GET 200 GET 200
c1 pending PUT 400
c2 pending PUT 400
c3 unknown PUT 503
fine applied PUT 200' "$(ended "$ANSWERS" | uniq)"
}

@test "several rows in a request: errors that stop the run" {
    local status_wanted line

    while read -r status_wanted line; do
        rm -rf inbox rowferry.db*
        mkdir inbox
        several <<<"a $line"
        rm inbox/fine-a.csv
        ends "$status_wanted" rowferry run inbox --min-age 0 --max-retries 0 --max-wait 1s
        same 'a pending a pending' "$(ended | xargs)"
    done <<'END'
2 genesys-outbound-contacts 404 contact_list_not_found
5 genesys-outbound-contacts 429 -
5 genesys-external-contacts 429 -
6 genesys-external-contacts 403 -
6 genesys-external-organizations 401 -
END
}
