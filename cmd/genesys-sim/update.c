/* PUT and GET of one record (API section 1), and the answers that an option fixes. */
#include "cmd/genesys-sim/handlers.h"
#include "cmd/genesys-sim/sim.h"
#include "core/base/clock.h"

#include <stdio.h>
#include <strings.h>

bool media_type_is(const char *value, const char *type)
{
    size_t size = strlen(type);

    return value && strncasecmp(value, type, size) == 0 &&
           (value[size] == '\0' || value[size] == ';' || value[size] == ' ');
}

void record_append(struct buf *out, const struct sim *sim, const char *id,
                   const struct record *record)
{
    buf_append_text(out, "{\"id\":\"");
    buf_append_json(out, span_of(id));
    buf_printf(out, "\",\"version\":%lld,\"fields\":",
               (long long)(record ? record->version : sim->records.base_version));
    buf_append_text(out, record && record->fields ? record->fields : "{}");
    if (record && record->metadata) {
        buf_append_text(out, ",\"metadata\":");
        buf_append_text(out, record->metadata);
    }
    buf_append_char(out, '}');
}

enum update_result update_apply(struct sim *sim, struct ledger_update *update, struct span metadata,
                                const struct record **record)
{
    int64_t version = records_version(&sim->records, update->schema, update->id);
    struct audit_entry audit = {.foreign = update->foreign};

    if (version < 0)
        return UPDATE_MISSING;
    if (version != update->submitted_version)
        return UPDATE_CONFLICT;
    update->at_ms = audit.at_ms = clock_now_ms();
    audit.visible_ms = audit.at_ms + sim->options->audit_lag_ms;
    snprintf(audit.correlation_id, sizeof audit.correlation_id, "%s", update->correlation_id);
    if (sim->failed || !ledger_add_update(&sim->ledger, update, &sim->err)) {
        sim->failed = true;
        return UPDATE_FAILED;
    }
    *record =
        records_update(&sim->records, update->schema, update->id, update->fields, metadata, &audit);
    if (update->foreign)
        sim->stats.foreign++;
    else
        sim->stats.applied++;
    return UPDATE_APPLIED;
}

/* API section 1, 422: strings and objects in validationErrors, or the general members instead. */
static const char *violations(const char *code)
{
    if (code && strcmp(code, "details") == 0)
        return "\"details\":[{\"errorCode\":\"minimum\",\"fieldName\":\"quantity\"}]";
    if (code && strcmp(code, "errors") == 0)
        return "\"errors\":[{\"code\":\"minimum\",\"message\":\"quantity cannot be negative\"}]";
    return "\"validationErrors\":[\"sku must match pattern XX-0000\",{\"field\":\"quantity\","
           "\"code\":\"minimum\",\"message\":\"quantity cannot be negative\"}]";
}

bool fixed_answer(struct sim *sim, struct request *request)
{
    static const enum answer_scope scopes[ROUTE_KINDS] = {
        [ROUTE_PUT] = ANSWER_PUT,
        [ROUTE_GET] = ANSWER_GET,
        [ROUTE_ERP] = ANSWER_ERP,
    };
    const struct fixed_answer *fixed =
        options_answer(sim->options, request->early ? ANSWER_EARLY : scopes[request->route.kind],
                       request->route.id);
    struct answer *answer = &request->answer;

    if (!fixed)
        return false;
    if (fixed->status < 300) {
        answer_json(answer, fixed->status);
        if (fixed->status != 204)
            buf_append_text(&answer->body, "{}");
    } else if (fixed->status == 422) {
        bool place = fixed->code && !strchr(fixed->code, '.');

        answer_error(answer, 422, place ? NULL : fixed->code, NULL, violations(fixed->code));
    } else if (fixed->status == 429) {
        throttle_answer(sim, request, 1000);
    } else {
        answer_error(answer, fixed->status, fixed->code, NULL, NULL);
        if (fixed->status < 400)
            answer_header(answer, "Location", "/moved");
    }
    return true;
}

static void conflict_answer(const struct sim *sim, struct request *request)
{
    char version[64];

    snprintf(version, sizeof version, "\"version\":%lld",
             (long long)records_version(&sim->records, request->route.schema, request->route.id));
    answer_error(&request->answer, 409, NULL, NULL, sim->options->bare_conflicts ? NULL : version);
}

static void apply(struct sim *sim, struct request *request)
{
    const struct payload *payload = &request->payload;
    const struct record *record = NULL;
    struct ledger_update update = {
        .request = request->seq,
        .schema = request->route.schema,
        .id = request->route.id,
        .submitted_version = payload->version,
        .correlation_id = payload->correlation_id,
        .fields = payload->fields,
        .source = payload->source,
    };

    switch (update_apply(sim, &update, payload->metadata, &record)) {
    case UPDATE_APPLIED:
        request->applied = true;
        answer_json(&request->answer, 200);
        record_append(&request->answer.body, sim, request->route.id, record);
        break;
    case UPDATE_MISSING:
        answer_error(&request->answer, 404, NULL, NULL, NULL);
        break;
    case UPDATE_CONFLICT:
        conflict_answer(sim, request);
        break;
    case UPDATE_FAILED:
        request->answer.end = ANSWER_CUT;
        break;
    }
}

void put_answer(struct sim *sim, struct request *request)
{
    struct answer *answer = &request->answer;

    if (fixed_answer(sim, request))
        return;
    if (request->route.query.data)
        answer_error(answer, 400, NULL, "The path takes no query.", NULL);
    else if (!media_type_is(request->content_type, "application/json"))
        answer_error(answer, 400, NULL, "Content-Type must be application/json.", NULL);
    else if (request->body_size > BODY_MAX)
        answer_error(answer, 413, NULL, NULL, NULL);
    else if (!request->payload_ok)
        answer_error(answer, 400, "invalid.payload", request->problem.text, NULL);
    else
        apply(sim, request);
}

void get_answer(struct sim *sim, struct request *request)
{
    const struct route *route = &request->route;
    struct answer *answer = &request->answer;

    if (fixed_answer(sim, request))
        return;
    if (route->query.data) {
        answer_error(answer, 400, NULL, "The path takes no query.", NULL);
    } else if (records_version(&sim->records, route->schema, route->id) < 0) {
        answer_error(answer, 404, NULL, NULL, NULL);
    } else {
        answer_json(answer, 200);
        record_append(&answer->body, sim, route->id,
                      records_find(&sim->records, route->schema, route->id));
    }
}
