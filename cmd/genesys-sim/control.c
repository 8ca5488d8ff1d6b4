#include "cmd/genesys-sim/control.h"

#include "cmd/genesys-sim/strict.h"

#include <stdlib.h>

static void answer_stats(const struct sim *sim, struct answer *answer)
{
    struct buf *body = &answer->body;
    uint64_t total = 0;

    answer_json(answer, 200);
    buf_append_text(body, "{\"requests\":{");
    for (int i = 0; i < ROUTE_SIM_STATS; i++) {
        buf_printf(body, "\"%s\":%llu,", route_name((enum route_kind)i),
                   (unsigned long long)sim->stats.requests[i]);
        total += sim->stats.requests[i];
    }
    buf_printf(body, "\"total\":%llu},\"faults\":{", (unsigned long long)total);
    for (int i = 0; i < FAULT_KINDS; i++)
        buf_printf(body, "%s\"%s\":%llu", i ? "," : "", fault_rule(i)->name,
                   (unsigned long long)sim->stats.faults[i]);
    buf_append_text(body, "},\"distortions\":{");
    for (int i = 0; i < DISTORT_KINDS; i++)
        buf_printf(body, "%s\"%s\":%llu", i ? "," : "", distort_name((enum distort_kind)i),
                   (unsigned long long)sim->options->distortions.drawn[i]);
    buf_printf(body,
               "},\"applied\":%llu,\"foreign\":%llu,\"throttled\":%llu,\"tokens\":%llu,"
               "\"logins_peak\":%llu,\"connections\":%llu,\"records\":%zu}",
               (unsigned long long)sim->stats.applied, (unsigned long long)sim->stats.foreign,
               (unsigned long long)sim->stats.throttled, (unsigned long long)sim->tokens.issued,
               (unsigned long long)sim->stats.logins_peak,
               (unsigned long long)sim->stats.connections, sim->records.count);
}

/* Reads {"fields", "correlationId"?}. Without the id the record gets no metadata. */
static bool read_foreign(struct payload *payload, struct span body, struct err *err)
{
    static const char *const names[] = {"fields", "correlationId", NULL};
    struct strict_object object;
    struct span id;

    *payload = (struct payload){.version = -1};
    if (!strict_check(body, err) || !strict_split(&object, body, err) ||
        !strict_only(&object, names, err))
        return false;
    payload->fields = strict_find(&object, "fields");
    id = strict_find(&object, "correlationId");
    if (!strict_is_object(payload->fields))
        return err_set(err, ERR_INPUT, "fields must be an object");
    if (id.data && !payload_uuid(id, payload->correlation_id))
        return err_set(err, ERR_INPUT, "correlationId must be a UUID");
    return true;
}

static void foreign_update(struct sim *sim, struct request *request)
{
    const struct route *route = &request->route;
    struct payload *payload = &request->payload;
    struct ledger_update update = {.schema = route->schema, .id = route->id, .foreign = true};
    struct buf metadata = {0};
    enum update_result result;

    if (request->body_size > BODY_MAX ||
        !read_foreign(payload, buf_span(&request->body), &request->problem)) {
        answer_error(&request->answer, 400, NULL, request->problem.text, NULL);
        return;
    }
    if (payload->correlation_id[0])
        buf_printf(&metadata,
                   "{\"tags\":[],\"source\":\"someone-else\",\"requestCorrelationId\":\"%s\"}",
                   payload->correlation_id);
    update.submitted_version = records_version(&sim->records, route->schema, route->id);
    update.correlation_id = payload->correlation_id;
    update.fields = payload->fields;
    result = sim_update(sim, &update, buf_span(&metadata));
    buf_release(&metadata);
    if (result == UPDATE_APPLIED)
        sim_answer_record(sim, request, DISTORT_SCOPES, INT64_MAX);
    else
        answer_error(&request->answer, result == UPDATE_MISSING ? 404 : 500, NULL, NULL, NULL);
}

static bool change(struct sim *sim, struct span name, struct span value, struct err *err)
{
    char *key = route_decode(name, false), *text = route_decode(value, false);
    bool ok = key && text ? options_change(sim->options, key, text, err)
                          : err_set(err, ERR_CONFIG, "the query is not percent-encoded UTF-8");

    free(key);
    free(text);
    return ok;
}

/* Options before an invalid one stay changed. */
static void change_options(struct sim *sim, struct request *request)
{
    struct span rest = request->route.query, name, value;
    unsigned changed = 0;

    while (route_next_pair(&rest, &name, &value)) {
        if (!change(sim, name, value, &request->problem)) {
            answer_error(&request->answer, 400, NULL, request->problem.text, NULL);
            return;
        }
        changed++;
    }
    answer_json(&request->answer, 200);
    buf_printf(&request->answer.body, "{\"changed\":%u}", changed);
}

void control_answer(struct sim *sim, struct request *request)
{
    switch ((int)request->route.kind) {
    case ROUTE_SIM_STATS:
        answer_stats(sim, &request->answer);
        break;
    case ROUTE_SIM_READ:
        sim_answer_record(sim, request, DISTORT_SCOPES, INT64_MAX);
        break;
    case ROUTE_SIM_WRITE:
        foreign_update(sim, request);
        break;
    case ROUTE_SIM_REVOKE:
        tokens_revoke(&sim->tokens);
        answer_json(&request->answer, 200);
        buf_append_text(&request->answer.body, "{}");
        break;
    case ROUTE_SIM_CONFIG:
        change_options(sim, request);
        break;
    default:
        answer_error(&request->answer, 404, NULL, NULL, NULL);
    }
}
