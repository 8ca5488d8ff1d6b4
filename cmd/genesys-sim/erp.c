#include "cmd/genesys-sim/erp.h"

#include "cmd/genesys-sim/strict.h"
#include "core/base/mem.h"
#include "core/row/json.h"

static bool is_optional_string(struct span value)
{
    return !value.data || strict_is_string(value) || span_is(value, "null");
}

/* Reads the body that docs/api.md describes; route gets schema and record id. */
static bool read_body(struct route *route, struct span body, struct err *err)
{
    static const char *const names[] = {"source",     "schemaName", "recordId", "timestamp",
                                        "modifiedBy", "fields",     NULL};
    struct strict_object object;
    struct span schema, time;

    if (!strict_check(body, err) || !strict_split(&object, body, err))
        return false;
    schema = strict_find(&object, "schemaName");
    route->schema = is_optional_string(schema) && !strict_is_string(schema) ? mem_strdup("")
                                                                            : strict_text(schema);
    route->id = strict_text(strict_find(&object, "recordId"));
    if (!route->schema || !route->id)
        return err_set(err, ERR_INPUT, "schemaName must be a string or null, recordId a string");
    if (!span_is(strict_find(&object, "source"), "\"genesys-cloud\""))
        return err_set(err, ERR_INPUT, "source must be \"genesys-cloud\"");
    time = strict_find(&object, "timestamp");
    if ((!is_optional_string(time) && !json_is_number(time)) ||
        !is_optional_string(strict_find(&object, "modifiedBy")))
        return err_set(err, ERR_INPUT, "timestamp and modifiedBy must be strings");
    if (!strict_is_object(strict_find(&object, "fields")))
        return err_set(err, ERR_INPUT, "fields must be an object");
    return strict_only(&object, names, err);
}

void erp_read(struct request *request)
{
    request->payload_ok = read_body(&request->route, buf_span(&request->body), &request->problem);
}

static bool is_signed(const struct sim *sim, const struct request *request)
{
    const char *secret = sim->options->erp_secret;
    struct buf expected = {0};
    bool signed_so;

    if (!secret)
        return true;
    if (!request->webhook_id || !request->webhook_timestamp || !request->webhook_signature)
        return false;
    webhooks_sign(secret, request->webhook_id, request->webhook_timestamp, buf_span(&request->body),
                  &expected);
    signed_so = request_lists(request->webhook_signature, buf_span(&expected));
    buf_release(&expected);
    return signed_so;
}

void erp_answer(struct sim *sim, struct request *request)
{
    if (!is_signed(sim, request)) {
        answer_error(&request->answer, 401, "bad.signature", "The signature is missing or wrong.",
                     NULL);
        return;
    }
    if (!request_has_payload(request) ||
        sim_answer_fixed(sim, request, ANSWER_ERP, request->route.id))
        return;
    request->applied = true;
    answer_json(&request->answer, 200);
    buf_append_text(&request->answer.body, "{\"accepted\":true}");
}
