#include "cmd/genesys-sim/sim.h"

#include "cmd/genesys-sim/strict.h"
#include "core/base/clock.h"

#include <stdio.h>

bool sim_open(struct sim *sim, struct options *options, struct err *err)
{
    *sim = (struct sim){
        .options = options,
        .records = {.base_version = options->base_version, .only_seeded = options->only_seeded},
        .ledger = LEDGER_CLOSED,
    };
    webhooks_init(&sim->webhooks, options, &sim->ledger);
    if (options->records_path && !records_load(&sim->records, options->records_path, err))
        return false;
    return ledger_open(&sim->ledger,
                       (const char *const[]){[LEDGER_UPDATES] = options->ledger_path,
                                             [LEDGER_REQUESTS] = options->requests_path,
                                             [LEDGER_NOTIFICATIONS] = options->notifications_path},
                       err);
}

void sim_close(struct sim *sim)
{
    webhooks_release(&sim->webhooks);
    timers_release(&sim->timers);
    records_release(&sim->records);
    tokens_revoke(&sim->tokens);
    ledger_close(&sim->ledger);
}

bool sim_apply(struct sim *sim, struct ledger_update *update, struct span metadata)
{
    struct audit_entry audit = {.foreign = update->foreign};

    update->at_ms = audit.at_ms = clock_now_ms();
    audit.visible_ms = audit.at_ms + sim->options->audit_lag_ms;
    snprintf(audit.correlation_id, sizeof audit.correlation_id, "%s",
             update->correlation_id ? update->correlation_id : "");
    if (sim->failed || !ledger_add_update(&sim->ledger, update, &sim->err)) {
        sim->failed = true;
        return false;
    }
    records_update(&sim->records, update->schema, update->id,
                   update->state.data ? update->state : update->fields, metadata, &audit,
                   sim->options->read_lag_ms);
    webhooks_add(&sim->webhooks, update, metadata);
    if (update->foreign)
        sim->stats.foreign++;
    else
        sim->stats.applied++;
    return true;
}

enum update_result sim_update(struct sim *sim, struct ledger_update *update, struct span metadata)
{
    int64_t version = records_version(&sim->records, update->schema, update->id);

    if (version < 0)
        return UPDATE_MISSING;
    if (version != update->submitted_version)
        return UPDATE_CONFLICT;
    return sim_apply(sim, update, metadata) ? UPDATE_APPLIED : UPDATE_FAILED;
}

/* Appends metadata with the correlation id as drawn for n. */
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

/* The correlation id of one version is distorted in the same way each time; the rest is drawn per
 * request. */
void sim_answer_record(struct sim *sim, struct request *request, enum distort_scope scope,
                       int64_t at_ms)
{
    static const char *const fields[DISTORT_KINDS] = {
        [DISTORT_NO_FIELDS] = "",
        [DISTORT_NULL_FIELDS] = ",\"fields\":null",
        [DISTORT_TEXT_FIELDS] = ",\"fields\":\"{}\"",
        [DISTORT_ARRAY_FIELDS] = ",\"fields\":[]",
    };
    const struct route *route = &request->route;
    const struct record *record = records_find(&sim->records, route->schema, route->id);
    const struct record_state *state = record ? record_at(record, at_ms) : NULL;
    struct distortions *distortions = &sim->options->distortions;
    struct buf *out = &request->answer.body;
    enum distort_kind kind;

    if (!record && sim->records.only_seeded) {
        answer_error(&request->answer, 404, NULL, NULL, NULL);
        return;
    }
    answer_json(&request->answer, 200);
    buf_append_text(out, "{\"id\":\"");
    buf_append_json(out, span_of(route->id));
    buf_printf(out, "\",\"version\":%lld",
               (long long)(state ? state->version : sim->records.base_version));
    kind =
        distort_draw_one(distortions, scope, DISTORT_NO_FIELDS, DISTORT_ARRAY_FIELDS, request->seq);
    if (kind < DISTORT_KINDS)
        buf_append_text(out, fields[kind]);
    else
        buf_printf(out, ",\"fields\":%s", state && state->fields ? state->fields : "{}");
    if (state && state->metadata &&
        !distort_draws(distortions, scope, DISTORT_NO_METADATA, request->seq))
        append_metadata(out, sim, scope, record->hash + (uint64_t)state->version, state->metadata);
    buf_append_char(out, '}');
}

void sim_answer_throttled(struct sim *sim, struct request *request, int64_t wait_ms)
{
    const struct options *options = sim->options;
    struct answer *answer = &request->answer;
    int64_t seconds = (wait_ms + 999) / 1000, offset_ms = options->date_offset_s * 1000;
    char message[ANSWER_VALUE_SIZE];

    if (options->wait_form == WAIT_FIXED)
        seconds = options->retry_after_s;
    snprintf(message, sizeof message,
             "Rate limit exceeded the maximum. Retry the request in [%lld] seconds",
             (long long)seconds);
    sim->stats.throttled++;
    if (request->route.kind == ROUTE_TOKEN) {
        snprintf(message, sizeof message, "rate limit exceeded, retry in %lld seconds",
                 (long long)seconds);
        answer_login_error(answer, 400, "invalid_request", message);
        if (options->wait_form == WAIT_FIXED)
            answer_header(answer, "Retry-After", "%lld", (long long)seconds);
        return;
    }
    answer_error(answer, 429, NULL, options->wait_form == WAIT_NONE ? NULL : message, NULL);
    if (options->wait_form == WAIT_SECONDS || options->wait_form == WAIT_FIXED)
        answer_header(answer, "Retry-After", "%lld", (long long)seconds);
    if (options->wait_form == WAIT_DATE)
        answer_date(answer, "Retry-After", request->at_ms + offset_ms + wait_ms);
}

/* Returns the members of a 422 (docs/api.md): strings and objects in validationErrors, or the
 * general members instead. */
static const char *violations(const char *code)
{
    if (code && strcmp(code, "details") == 0)
        return "\"details\":[{\"errorCode\":\"minimum\",\"fieldName\":\"quantity\"}]";
    if (code && strcmp(code, "errors") == 0)
        return "\"errors\":[{\"code\":\"minimum\",\"message\":\"quantity cannot be negative\"}]";
    return "\"validationErrors\":[\"sku must match pattern XX-0000\",{\"field\":\"quantity\","
           "\"code\":\"minimum\",\"message\":\"quantity cannot be negative\"}]";
}

bool sim_answer_fixed(struct sim *sim, struct request *request, enum answer_scope scope,
                      const char *id)
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
        sim_answer_throttled(sim, request, 1000);
    } else {
        answer_error(answer, fixed->status, fixed->code, NULL, NULL);
        if (fixed->status < 400)
            answer_header(answer, "Location", "/moved");
        if (fixed->status == 407)
            answer_header(answer, "Proxy-Authenticate", "Basic realm=\"proxy\"");
    }
    return true;
}
