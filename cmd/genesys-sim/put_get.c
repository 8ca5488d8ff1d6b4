#include "cmd/genesys-sim/put_get.h"

enum update_result put_apply(struct sim *sim, uint64_t seq, const struct route *route,
                             const struct payload *payload)
{
    struct ledger_update update = {
        .request = seq,
        .schema = route->schema,
        .id = route->id,
        .submitted_version = payload->version,
        .correlation_id = payload->correlation_id,
        .fields = payload->fields,
        .source = payload->source,
    };

    return sim_update(sim, &update, payload->metadata);
}

static void apply_and_answer(struct sim *sim, struct request *request)
{
    const struct route *route = &request->route;
    char version[64];

    switch (put_apply(sim, request->seq, route, &request->payload)) {
    case UPDATE_APPLIED:
        request->applied = true;
        sim_answer_record(sim, request, DISTORT_PUT, INT64_MAX);
        break;
    case UPDATE_MISSING:
        answer_error(&request->answer, 404, NULL, NULL, NULL);
        break;
    case UPDATE_CONFLICT:
        snprintf(version, sizeof version, "\"version\":%lld",
                 (long long)records_version(&sim->records, route->schema, route->id));
        answer_error(&request->answer, 409, NULL, NULL,
                     sim->options->bare_conflicts ? NULL : version);
        break;
    case UPDATE_FAILED:
        request->answer.end = ANSWER_CUT;
        break;
    }
}

void put_answer(struct sim *sim, struct request *request)
{
    const struct route *route = &request->route;

    if (sim_answer_fixed(sim, request, request->early ? ANSWER_EARLY : ANSWER_PUT, route->id))
        return;
    if (route->query.data)
        answer_error(&request->answer, 400, NULL, "The path takes no query.", NULL);
    else if (request_has_payload(request))
        apply_and_answer(sim, request);
}

void get_answer(struct sim *sim, struct request *request)
{
    const struct route *route = &request->route;

    if (sim_answer_fixed(sim, request, ANSWER_GET, route->id))
        return;
    if (route->query.data)
        answer_error(&request->answer, 400, NULL, "The path takes no query.", NULL);
    else
        sim_answer_record(sim, request, DISTORT_GET, request->at_ms - sim->options->read_lag_ms);
}
