#include "cmd/genesys-sim/put_get.h"

#include "cmd/genesys-sim/strict.h"
#include "core/base/mem.h"

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

/* Appends the members of an item but its id, as the body of a PUT. */
static void append_payload(struct buf *out, const struct strict_object *item)
{
    const char *before = "{";

    for (size_t i = 0; i < item->count; i++) {
        const struct strict_member *member = &item->member[i];

        if (span_is(member->name, "id"))
            continue;
        buf_printf(out, "%s\"%.*s\":", before, (int)member->name.size, member->name.data);
        buf_append_span(out, member->value);
        before = ",";
    }
    buf_append_char(out, '}');
}

/* Answers one of several records, and appends the result. False: it has no id. */
static bool put_item(struct sim *sim, struct request *request, struct span text, struct buf *out)
{
    struct request one = {.client = request->client,
                          .content_type = request->content_type,
                          .seq = request->seq,
                          .at_ms = request->at_ms,
                          .route = {.kind = ROUTE_PUT}};
    struct strict_object item;
    struct err err;

    if (!strict_split(&item, text, &err) || !(one.route.id = strict_text(strict_find(&item, "id"))))
        return false;
    one.route.schema = mem_strdup(request->route.schema);
    append_payload(&one.body, &item);
    one.body_size = one.body.size;
    one.payload_ok = payload_read(&one.payload, buf_span(&one.body), &one.problem);
    put_answer(sim, &one);
    request->applied = request->applied || one.applied;
    buf_append_text(out, out->size ? ",{\"id\":\"" : "[{\"id\":\"");
    buf_append_json(out, span_of(one.route.id));
    buf_printf(out, "\",\"status\":%u,\"%s\":%s}", one.answer.status,
               one.answer.status < 300 ? "record" : "error",
               one.answer.body.size ? buf_text(&one.answer.body) : "null");
    request_release(&one);
    return true;
}

void put_several(struct sim *sim, struct request *request)
{
    const int64_t max = sim->options->bulk_max;
    struct span records = {0}, rest, item;
    struct strict_object body;
    struct buf results = {0};
    struct err err;
    bool fine = true;

    if (strict_check(buf_span(&request->body), &err) &&
        strict_split(&body, buf_span(&request->body), &err))
        records = strict_find(&body, "records");
    for (rest = records; strict_next(&rest, &item);)
        request->rows++;
    if (max && request->rows > max) {
        answer_error(&request->answer, 413, "request.entity.too.large", NULL, NULL);
        return;
    }
    for (rest = records; fine && !sim->failed && strict_next(&rest, &item);)
        fine = put_item(sim, request, item, &results);
    answer_json(&request->answer, 200);
    buf_append_span(&request->answer.body, buf_span(&results));
    buf_append_char(&request->answer.body, ']');
    if (sim->failed)
        request->answer.end = ANSWER_CUT;
    else if (!fine || !results.size)
        answer_error(&request->answer, 400, "bad.request", "records must have items with ids.",
                     NULL);
    buf_release(&results);
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
