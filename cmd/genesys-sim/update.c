/* PUT and GET of one record (API section 1), and the answers that an option fixes. */
#include "cmd/genesys-sim/handlers.h"
#include "cmd/genesys-sim/sim.h"
#include "cmd/genesys-sim/strict.h"
#include "core/base/clock.h"

#include <stdio.h>
#include <strings.h>

bool media_type_is(const char *value, const char *type)
{
    size_t size = strlen(type);

    return value && strncasecmp(value, type, size) == 0 &&
           (value[size] == '\0' || value[size] == ';' || value[size] == ' ');
}

static void append_head(struct buf *out, const struct sim *sim, const char *id,
                        const struct record_state *state)
{
    buf_append_text(out, "{\"id\":\"");
    buf_append_json(out, span_of(id));
    buf_printf(out, "\",\"version\":%lld",
               (long long)(state ? state->version : sim->records.base_version));
}

void record_append(struct buf *out, const struct sim *sim, const char *id,
                   const struct record_state *state)
{
    append_head(out, sim, id, state);
    buf_append_text(out, ",\"fields\":");
    buf_append_text(out, state && state->fields ? state->fields : "{}");
    if (state && state->metadata) {
        buf_append_text(out, ",\"metadata\":");
        buf_append_text(out, state->metadata);
    }
    buf_append_char(out, '}');
}

/* metadata with the correlation id as it is drawn for n. */
static void append_metadata(struct buf *out, struct sim *sim, enum distort_scope scope, uint64_t n,
                            const char *metadata)
{
    struct strict_object object;
    struct err err;
    bool first = true;

    if (!strict_split(&object, span_of(metadata), &err))
        return;
    buf_append_text(out, ",\"metadata\":{");
    for (size_t i = 0; i < object.count; i++) {
        const struct strict_member *member = &object.member[i];
        size_t start = out->size;

        if (!first)
            buf_append_char(out, ',');
        if (span_is(member->name, "requestCorrelationId")) {
            if (!distort_append_id(&sim->options->distortions, scope, n, out, member->value)) {
                out->size = start;
                continue;
            }
        } else {
            buf_append_char(out, '"');
            buf_append_span(out, member->name);
            buf_append_text(out, "\":");
            buf_append_span(out, member->value);
        }
        first = false;
    }
    buf_append_char(out, '}');
}

/* The record as a distorting server shows it: the id of one version always in the same way, the
 * rest drawn by request. */
static void answer_record(struct sim *sim, struct request *request, enum distort_scope scope,
                          const struct record *record, const struct record_state *state)
{
    static const char *const fields[DISTORT_KINDS] = {
        [DISTORT_NO_FIELDS] = "",
        [DISTORT_NULL_FIELDS] = ",\"fields\":null",
        [DISTORT_TEXT_FIELDS] = ",\"fields\":\"{}\"",
        [DISTORT_ARRAY_FIELDS] = ",\"fields\":[]",
    };
    struct distortions *distortions = &sim->options->distortions;
    struct buf *out = &request->answer.body;
    enum distort_kind kind =
        distort_draw_one(distortions, scope, DISTORT_NO_FIELDS, DISTORT_ARRAY_FIELDS, request->seq);

    answer_json(&request->answer, 200);
    append_head(out, sim, request->route.id, state);
    if (kind < DISTORT_KINDS) {
        buf_append_text(out, fields[kind]);
    } else {
        buf_append_text(out, ",\"fields\":");
        buf_append_text(out, state && state->fields ? state->fields : "{}");
    }
    if (state && state->metadata &&
        !distort_draws(distortions, scope, DISTORT_NO_METADATA, request->seq))
        append_metadata(out, sim, scope, record->hash + (uint64_t)state->version, state->metadata);
    buf_append_char(out, '}');
}

enum update_result update_apply(struct sim *sim, struct ledger_update *update, struct span metadata,
                                const struct record_state **state)
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
    *state = &records_update(&sim->records, update->schema, update->id, update->fields, metadata,
                             &audit, sim->options->read_lag_ms)
                  ->now;
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

bool fixed_answer(struct sim *sim, struct request *request, enum answer_scope scope, const char *id)
{
    struct fixed_answer *fixed =
        options_answer(sim->options, scope, id, request->client->served > 0);
    struct answer *answer = &request->answer;

    if (!fixed)
        return false;
    if (fixed->times > 0)
        fixed->times--;
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
        if (fixed->status == 407)
            answer_header(answer, "Proxy-Authenticate", "Basic realm=\"proxy\"");
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
    const struct record_state *state = NULL;
    struct ledger_update update = {
        .request = request->seq,
        .schema = request->route.schema,
        .id = request->route.id,
        .submitted_version = payload->version,
        .correlation_id = payload->correlation_id,
        .fields = payload->fields,
        .source = payload->source,
    };

    switch (update_apply(sim, &update, payload->metadata, &state)) {
    case UPDATE_APPLIED:
        request->applied = true;
        answer_record(sim, request, DISTORT_PUT,
                      records_find(&sim->records, update.schema, update.id), state);
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

    if (fixed_answer(sim, request, request->early ? ANSWER_EARLY : ANSWER_PUT, request->route.id))
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

    if (fixed_answer(sim, request, ANSWER_GET, route->id))
        return;
    if (route->query.data) {
        answer_error(answer, 400, NULL, "The path takes no query.", NULL);
    } else if (records_version(&sim->records, route->schema, route->id) < 0) {
        answer_error(answer, 404, NULL, NULL, NULL);
    } else {
        const struct record *record = records_find(&sim->records, route->schema, route->id);

        answer_record(sim, request, DISTORT_GET, record,
                      record ? record_at(record, request->at_ms - sim->options->read_lag_ms)
                             : NULL);
    }
}
