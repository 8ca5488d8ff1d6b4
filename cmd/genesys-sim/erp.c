/* POST /erp: stands in for the ERP endpoint that webhook notifications are forwarded to. */
#include "cmd/genesys-sim/handlers.h"
#include "cmd/genesys-sim/sim.h"
#include "cmd/genesys-sim/strict.h"

static bool is_optional_string(struct span value)
{
    return !value.data || strict_is_string(value) || span_is(value, "null");
}

/* The body of API section 1, `ERP out`; the route takes the schema's name and the record's id. */
static bool read_body(struct route *route, struct span body, struct err *err)
{
    static const char *const names[] = {"source",     "schemaName", "recordId", "timestamp",
                                        "modifiedBy", "fields",     NULL};
    struct strict_object object;

    if (!strict_check(body, err) || !strict_split(&object, body, err))
        return false;
    route->schema = strict_text(strict_find(&object, "schemaName"));
    route->id = strict_text(strict_find(&object, "recordId"));
    if (!route->schema || !route->id)
        return err_set(err, ERR_INPUT, "schemaName and recordId must be strings");
    if (!span_is(strict_find(&object, "source"), "\"genesys-cloud\""))
        return err_set(err, ERR_INPUT, "source must be \"genesys-cloud\"");
    if (!is_optional_string(strict_find(&object, "timestamp")) ||
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

void erp_answer(struct sim *sim, struct request *request)
{
    struct answer *answer = &request->answer;

    if (!media_type_is(request->content_type, "application/json")) {
        answer_error(answer, 400, NULL, "Content-Type must be application/json.", NULL);
    } else if (request->body_size > BODY_MAX) {
        answer_error(answer, 413, NULL, NULL, NULL);
    } else if (!request->payload_ok) {
        answer_error(answer, 400, "invalid.payload", request->problem.text, NULL);
    } else if (!fixed_answer(sim, request, ANSWER_ERP, request->route.id)) {
        request->applied = true;
        answer_json(answer, 200);
        buf_append_text(&answer->body, "{\"accepted\":true}");
    }
}
