#!/usr/bin/env bats
# Each preset against Prism with the published document of its API: requests that it takes, and each documented
# error, forced in the target's own path, with the outcome of the row.
load lib
load npm
load servers

setup() {
    in_a_folder
    rm -f schema/*.json
    echo 'Bearer key-of-ours' >key
    chmod 600 key
    export ROWFERRY_API_KEY_FILE=key ROWFERRY_RATE=none ROWFERRY_MAX_RETRIES=0 ROWFERRY_MAX_WAIT=1s ROWFERRY_TIMEOUT=5
    export UUID=0c0c0c0c-1111-4222-8333-444444444444
}

teardown() {
    stop_servers
}

# night ROW: sends a row, and prints its outcome
night() {
    rm -f rowferry.db* Row.ndjson
    printf '%s\n' "$1" >Row.ndjson
    rowferry ingest --schema Row Row.ndjson >ingest.out 2>&1 || { cat ingest.out; return 1; }
    rowferry drain >drain.out 2>&1
    echo "$? $(sql "SELECT j.state || ' ' || coalesce((SELECT group_concat(method || ' ' || coalesce(http_status, '-'), ' > ')
        FROM attempt WHERE job_id = j.id), '-') FROM job j")"
}

# forced NAME ROW SETTINGS TARGET: reads `QUERY|OUTCOME` lines; the query is that of the write
forced() {
    local name=$1 row=$2 settings=$3 target=$4 query expected

    while IFS='|' read -r query expected; do
        jq -n --argjson t "$target" --argjson s "$settings" --arg q "$query" \
            '{properties: {name: {type: "string"}, title: {type: "string"}, n: {type: "string"}, queue: {type: "string"}, grade: {type: "integer"}},
              "x-rowferry": ($s + {target: ($t | .write.path += (if $q == "" then "" else "?" + $q end))})}' >schema/Row.json
        same "$name $query|$expected" "$name $query|$(night "$row")"
    done
}

@test "requests are taken, and documented errors mean what they say" {
    start_prism all.yaml
    export GENESYS_ENVIRONMENT=$PRISM
    forced 'users' '{"recordId":"'$UUID'","fields":{"title":"Dr."}}' '{"version":"fetch"}' \
        '{"preset":"genesys-users","write":{"path":"/api/v2/users/{id}"}}' <<'END'
|0 applied GET 200 > PUT 200
__code=400&__example=general_conflict|5 pending GET 200 > PUT 400 > GET 200 > PUT 400 > GET 200 > PUT 400 > GET 200
__code=400&__example=general_bad_request|3 refused GET 200 > PUT 400
__code=403|6 pending GET 200 > PUT 403
__code=404|3 refused GET 200 > PUT 404
__code=409|5 pending GET 200 > PUT 409 > GET 200 > PUT 409 > GET 200 > PUT 409 > GET 200
__code=429|5 pending GET 200 > PUT 429
__code=503|5 pending GET 200 > PUT 503
__code=504|5 pending GET 200 > PUT 504 > GET 200
END
    forced 'groups' '{"recordId":"'$UUID'","fields":{"name":"Sales 2"}}' '{"version":"fetch"}' \
        '{"preset":"genesys-groups","write":{"path":"/api/v2/groups/{id}"}}' <<'END'
|0 applied GET 200 > PUT 200
__code=400&__example=general_conflict|5 pending GET 200 > PUT 400 > GET 200 > PUT 400 > GET 200 > PUT 400 > GET 200
__code=404|3 refused GET 200 > PUT 404
END
    forced 'scim' '{"recordId":"'$UUID'","fields":{"title":"Dr."}}' '{"version":"fetch"}' \
        '{"preset":"genesys-scim-users","write":{"path":"/api/v2/scim/v2/users/{id}"}}' <<'END'
|0 applied GET 200 > PUT 200
__code=400&__example=invalidVers|5 pending GET 200 > PUT 400 > GET 200 > PUT 400 > GET 200 > PUT 400 > GET 200
__code=400&__example=bad_request|3 refused GET 200 > PUT 400
__code=409|5 pending GET 200 > PUT 409 > GET 200 > PUT 409 > GET 200 > PUT 409 > GET 200
END
    forced 'contacts' '{"recordId":"4711","fields":{"n":"x"}}' '{}' \
        '{"preset":"genesys-external-contacts","params":{"source":"'$UUID'"},"write":{"path":"/api/v2/externalcontacts/contacts/enrich"}}' <<'END'
|0 applied PUT 200
__code=201|0 applied PUT 201
__code=404|3 refused PUT 404 > PUT 404
__code=409&__example=matching_contact_found|3 refused PUT 409
__code=409&__example=request_conflict|5 pending PUT 409
__code=422&__example=validation_failed|3 refused PUT 422
END
    forced 'organizations' '{"recordId":"4711","fields":{"name":"ACME"}}' '{}' \
        '{"preset":"genesys-external-organizations","params":{"source":"'$UUID'"},"write":{"path":"/api/v2/externalcontacts/organizations/enrich"}}' <<'END'
|0 applied PUT 200
__code=409|5 pending PUT 409
__code=422&__example=custom_fields_validation_failed|3 refused PUT 422
END
    forced 'rows' '{"recordId":"k1","fields":{"queue":"vip"}}' '{}' \
        '{"preset":"genesys-datatable-rows","params":{"table":"'$UUID'"},"write":{"path":"/api/v2/flows/datatables/{table}/rows/{id}"}}' <<'END'
|0 applied GET 200 > PUT 200
__code=400&__example=flows_datatables_schema_exception|3 refused GET 200 > PUT 400
__code=404&__example=flows_datatables_row_not_found|0 applied GET 200 > PUT 404 > PUT 200
__code=404&__example=flows_datatables_table_not_found|2 pending GET 200 > PUT 404
__code=409&__example=request_conflict|5 pending GET 200 > PUT 409
__code=503|5 unknown GET 200 > PUT 503
END
    forced 'user attributes' '{"recordId":"'$UUID'","fields":{"grade":3}}' '{}' \
        '{"preset":"genesys-user-attributes","params":{"attributeSchema":"'$UUID'"},"write":{"path":"/api/v2/users/{id}/customattributes"}}' <<'END'
|0 applied PUT 200
__code=204|0 applied PUT 204
__code=400|3 refused PUT 400
__code=404&__example=not_found|0 applied PUT 404 > PUT 200
__code=404&__example=user_custom_attributes_schema_not_found|2 pending PUT 404
END
    forced 'conversation attributes' '{"recordId":"'$UUID'","conversation":"'$UUID'","fields":{"n":"1"}}' '{"version":"fetch"}' \
        '{"preset":"genesys-conversation-attributes","params":{"attributeSchema":"'$UUID'"},"write":{"path":"/api/v2/conversations/{conversation}/customattributes"}}' <<'END'
|0 applied GET 200 > PUT 200
__code=400&__example=conversation_custom_attributes_schema_validation_error|3 refused GET 200 > PUT 400
__code=404&__example=conversation_custom_attributes_schema_not_found|2 pending GET 200 > PUT 404
__code=409&__example=conversation_custom_attributes_version_conflict|5 pending GET 200 > PUT 409 > GET 200 > PUT 409 > GET 200 > PUT 409 > GET 200
__code=409&__example=request_conflict|5 pending GET 200 > PUT 409
END
    forced 'workitems' '{"recordId":"'$UUID'","fields":{"name":"Return 1"}}' '{}' \
        '{"preset":"genesys-workitems","write":{"path":"/api/v2/taskmanagement/workitems/{id}"}}' <<'END'
|0 applied GET 200 > PUT 200
__code=400&__example=invalid_input_no_change|0 unchanged GET 200 > PUT 400
__code=400&__example=db_transaction_cancelled|5 pending GET 200 > PUT 400
__code=400&__example=service_limit_workitem_updates_per_minute_limit_reached|5 pending GET 200 > PUT 400
__code=409&__example=request_conflict|3 refused GET 200 > PUT 409
__code=422&__example=schema_error_invalid_instance|3 refused GET 200 > PUT 422
END
    forced 'outbound' '{"recordId":"c1","fields":{"n":"+1"}}' '{"write":"replace"}' \
        '{"preset":"genesys-outbound-contacts","params":{"list":"'$UUID'"},"write":{"path":"/api/v2/outbound/contactlists/{list}/contacts/{id}"}}' <<'END'
|0 applied GET 200 > PUT 200
__code=400&__example=contact_does_not_exist|3 refused GET 200 > PUT 400
__code=400&__example=contact_list_clear_in_progress|5 pending GET 200 > PUT 400
__code=404&__example=contact_list_not_found|2 pending GET 200 > PUT 404
__code=404&__example=resource_not_found|3 refused GET 200 > PUT 404
END
}
