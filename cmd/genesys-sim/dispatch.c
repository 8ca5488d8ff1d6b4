#include "cmd/genesys-sim/dispatch.h"

#include "cmd/genesys-sim/audit.h"
#include "cmd/genesys-sim/contacts.h"
#include "cmd/genesys-sim/control.h"
#include "cmd/genesys-sim/erp.h"
#include "cmd/genesys-sim/login.h"
#include "cmd/genesys-sim/put_get.h"
#include "cmd/genesys-sim/resource.h"
#include "cmd/genesys-sim/sim.h"
#include "core/base/clock.h"
#include "core/base/mem.h"

#include <stdlib.h>

enum { FLOOD_SIZE = 100 << 10, DEEP = 10000 };

static void (*const handlers[ROUTE_KINDS])(struct sim *, struct request *) = {
    [ROUTE_TOKEN] = login_answer,     [ROUTE_PUT] = put_answer,
    [ROUTE_GET] = get_answer,         [ROUTE_AUDIT] = audit_answer,
    [ROUTE_ERP] = erp_answer,         [ROUTE_READ] = resource_read,
    [ROUTE_REPLACE] = resource_write, [ROUTE_MERGE] = resource_write,
    [ROUTE_CREATE] = resource_write,  [ROUTE_ENRICH] = contacts_enrich,
    [ROUTE_BULK] = contacts_bulk,     [ROUTE_LOOKUP] = contacts_lookup,
};

/* Checks the token or key. False when the answer is an error. */
static bool knows(struct sim *sim, struct request *request)
{
    struct span token = span_of(request->authorization);
    struct buf message = {0};

    if (sim->options->api_key) {
        if (request->key && strcmp(request->key, strchr(sim->options->api_key, ':') + 1) == 0)
            return true;
        buf_printf(&message, "Unknown key: %s", request->key ? request->key : "none");
        answer_error(&request->answer, 401, NULL, buf_text(&message), NULL);
        buf_release(&message);
        return false;
    }
    if (!token.data || !str_starts(token.data, "Bearer ")) {
        answer_error(&request->answer, 401, "authentication.required",
                     "No authentication bearer token specified in authorization header.", NULL);
        return false;
    }
    if (tokens_accept(&sim->tokens, span_from(token, strlen("Bearer ")), clock_monotonic_us()))
        return true;
    answer_error(&request->answer, 401, NULL, NULL, NULL);
    return false;
}

/* The scope of every other route is put. */
static const struct fault_rule *draw(struct sim *sim, struct request *request)
{
    static const enum fault_scope scopes[ROUTE_KINDS] = {
        [ROUTE_PUT] = FAULT_SCOPE_PUT,     [ROUTE_GET] = FAULT_SCOPE_GET,
        [ROUTE_AUDIT] = FAULT_SCOPE_GET,   [ROUTE_ERP] = FAULT_SCOPE_ERP,
        [ROUTE_TOKEN] = FAULT_SCOPE_TOKEN, [ROUTE_READ] = FAULT_SCOPE_GET,
        [ROUTE_LOOKUP] = FAULT_SCOPE_GET,
    };
    int kind = faults_draw(&sim->options->faults, scopes[request->route.kind],
                           (uint64_t)sim->options->seed, request->seq);

    if (kind < 0 || sim->options->fault_limit == 0)
        return NULL;
    if (fault_rule(kind)->effect == FAULT_RESET_REUSED && request->client->served == 0)
        return NULL;
    sim->stats.faults[kind]++;
    if (sim->options->fault_limit > 0)
        sim->options->fault_limit--;
    return fault_rule(kind);
}

static void lace_deep(struct answer *answer)
{
    struct buf member = {0};

    buf_append_text(&member, "\"note\":");
    for (unsigned i = 0; i < DEEP; i++)
        buf_append_char(&member, '[');
    for (unsigned i = 0; i < DEEP; i++)
        buf_append_char(&member, ']');
    answer_lace(answer, buf_span(&member));
    buf_release(&member);
}

/* Replaces the answer by that of the fault. */
static void spoil(struct sim *sim, struct request *request, const struct fault_rule *rule)
{
    struct answer *answer = &request->answer;

    switch (rule->effect) {
    case FAULT_CUT:
        answer->end = ANSWER_CUT;
        break;
    case FAULT_RESET_REUSED:
        answer->end = ANSWER_RESET;
        break;
    case FAULT_STATUS:
    case FAULT_STATUS_WAIT:
        answer_error(answer, rule->status, NULL, NULL, NULL);
        if (rule->effect == FAULT_STATUS_WAIT)
            answer_header(answer, "Retry-After", "1");
        break;
    case FAULT_THROTTLE:
        sim_answer_throttled(sim, request, pace_wait_ms(&sim->options->rate_limit, request->at_ms));
        break;
    case FAULT_HTML:
        answer_html(answer, rule->status);
        break;
    case FAULT_TRUNCATE:
        answer->end = ANSWER_BROKEN;
        break;
    case FAULT_STALL:
        request->delay_us += sim->options->stall_ms * 1000;
        if (rule->moment == FAULT_BEFORE)
            answer->end = ANSWER_CUT;
        break;
    case FAULT_REDIRECT:
        answer_error(answer, rule->status, NULL, NULL, NULL);
        answer_header(answer, "Location", "/moved");
        break;
    case FAULT_FLOOD:
        answer_raw(answer, FLOOD_SIZE, answer->body.size, answer->body.size);
        break;
    case FAULT_ENDLESS:
        answer->end = ANSWER_ENDLESS;
        break;
    case FAULT_HALT:
        request->delay_us += sim->options->stall_ms * 1000;
        answer_raw(answer, 0, answer->body.size, 0);
        break;
    case FAULT_SHORT:
        answer_raw(answer, 0, answer->body.size / 2, answer->body.size);
        break;
    case FAULT_BAD_UTF8:
        answer_lace(answer, span_of("\"note\":\"\xC3\x28\xFF\""));
        break;
    case FAULT_DEEP:
        lace_deep(answer);
        break;
    }
}

static void handle(struct sim *sim, struct request *request)
{
    const struct route *route = &request->route;
    const struct fault_rule *rule;
    int64_t wait_ms;
    bool is_api;

    if (route->kind == ROUTE_OTHER) {
        answer_error(&request->answer, route->status, NULL, route->problem, NULL);
        if (route->status == 405)
            answer_header(&request->answer, "Allow", "%s", route->allow);
        return;
    }
    is_api = route->kind == ROUTE_PUT || route->kind == ROUTE_GET || route->kind == ROUTE_AUDIT ||
             (route->kind >= ROUTE_READ && route->kind < ROUTE_SIM_STATS);
    if (is_api && !knows(sim, request))
        return;
    if (is_api && !pace_take(&sim->options->rate_limit, request->at_ms, &wait_ms)) {
        sim_answer_throttled(sim, request, wait_ms);
        return;
    }
    rule = draw(sim, request);
    if (!rule || rule->moment == FAULT_AFTER)
        handlers[route->kind](sim, request);
    if (!rule)
        return;
    request->fault = rule->name;
    request->late = rule->moment == FAULT_LATE &&
                    ((route->kind >= ROUTE_REPLACE && route->kind <= ROUTE_BULK) ||
                     (route->kind == ROUTE_PUT && request->payload_ok &&
                      !options_answer(sim->options, ANSWER_PUT, route->id, false)));
    spoil(sim, request, rule);
}

/* Encodes the body of a complete answer if that is drawn. */
static void code_answer(struct sim *sim, struct request *request)
{
    static const struct {
        enum route_kind route;
        enum distort_scope scope;
    } coded[] = {
        {ROUTE_PUT, DISTORT_PUT},     {ROUTE_GET, DISTORT_GET},   {ROUTE_AUDIT, DISTORT_AUDIT},
        {ROUTE_TOKEN, DISTORT_TOKEN}, {ROUTE_READ, DISTORT_GET},  {ROUTE_LOOKUP, DISTORT_GET},
        {ROUTE_REPLACE, DISTORT_PUT}, {ROUTE_MERGE, DISTORT_PUT}, {ROUTE_CREATE, DISTORT_PUT},
        {ROUTE_ENRICH, DISTORT_PUT},  {ROUTE_BULK, DISTORT_PUT}};
    const char *coding = NULL;

    if (request->answer.end != ANSWER_WHOLE || !request->answer.body.size)
        return;
    for (size_t i = 0; i < sizeof coded / sizeof *coded; i++)
        if (coded[i].route == request->route.kind)
            coding = distort_code(&sim->options->distortions, coded[i].scope, request->seq,
                                  &request->answer.body);
    if (coding)
        answer_header(&request->answer, "Content-Encoding", "%s", coding);
}

static void log_request(struct sim *sim, struct request *request)
{
    enum answer_end end = request->answer.end;
    bool named = request->route.kind == ROUTE_PUT || request->route.kind == ROUTE_ERP;
    struct ledger_request line = {
        .seq = request->seq,
        .kind = route_name(request->route.kind),
        .schema = request->route.schema,
        .id = request->route.id,
        .version = named ? request->payload.version : -1,
        .correlation_id = request->payload.correlation_id,
        .status = end == ANSWER_CUT || end == ANSWER_RESET ? 0 : request->answer.status,
        .applied = request->applied,
        .rows = request->rows,
        .fault = request->fault,
        .connection = request->client->number,
        .at_ms = request->at_ms,
    };

    if (request->route.kind == ROUTE_ERP && request->payload_ok) {
        line.body = buf_span(&request->body);
        line.idempotency_key = request->idempotency_key;
        line.webhook_id = request->webhook_id;
    }
    if (!sim->failed && !ledger_add_request(&sim->ledger, &line, &sim->err))
        sim->failed = true;
}

/* An update that is applied after its connection was closed. */
struct late {
    struct request request;
    char *if_match, *if_none_match;
};

static void run_late(void *context, void *subject, bool stopping)
{
    struct late *late = subject;
    struct request *request = &late->request;

    if (!stopping && request->route.kind == ROUTE_PUT)
        put_apply(context, request->seq, &request->route, &request->payload);
    else if (!stopping)
        handlers[request->route.kind](context, request);
    request_release(request);
    free(late->if_match);
    free(late->if_none_match);
    free(late);
}

static char *copy_of(const char *text)
{
    return text ? mem_strdup(text) : NULL;
}

/* Moves route and body out of the request; the spans of payload point into the body. */
static void postpone(struct sim *sim, struct request *request)
{
    static const struct client nobody;
    struct late *late = mem_calloc(1, sizeof *late);

    late->if_match = copy_of(request->if_match);
    late->if_none_match = copy_of(request->if_none_match);
    late->request = (struct request){
        .content_type = "application/json",
        .if_match = late->if_match,
        .if_none_match = late->if_none_match,
        .client = &nobody,
        .body = request->body,
        .body_size = request->body_size,
        .seq = request->seq,
        .at_ms = request->at_ms,
        .route = request->route,
        .payload = request->payload,
    };
    late->request.route.query = (struct span){0};
    request->route = (struct route){0};
    request->body = (struct buf){0};
    timers_add(&sim->timers, (struct timer){.due_us = clock_monotonic_us() + request->delay_us +
                                                      sim->options->late_ms * 1000,
                                            .run = run_late,
                                            .context = sim,
                                            .subject = late});
}

void dispatch_begin(struct sim *sim, struct request *request)
{
    route_find(&request->route, request->method, request->target);
    request->early =
        request->route.kind == ROUTE_PUT &&
        options_answer(sim->options, ANSWER_EARLY, request->route.id, request->client->served > 0);
}

void dispatch_end(struct sim *sim, const struct request *request)
{
    if (request->seq && request->route.kind == ROUTE_TOKEN)
        sim->stats.logins--;
}

void dispatch_answer(struct sim *sim, struct request *request)
{
    uint64_t seed = ~(uint64_t)sim->options->seed;

    answer_init(&request->answer, faults_mix(seed, sim->context_seq),
                faults_mix(seed, sim->context_seq + 1));
    sim->context_seq += 2;
    request->at_ms = clock_now_ms();
    sim->stats.requests[request->route.kind]++;
    if (request->route.kind >= ROUTE_SIM_STATS) {
        control_answer(sim, request);
        return;
    }
    request->seq = ++sim->request_seq;
    request->payload.version = -1;
    if (request->route.kind == ROUTE_PUT && request->body_size <= BODY_MAX)
        request->payload_ok =
            payload_read(&request->payload, buf_span(&request->body), &request->problem);
    if (request->route.kind == ROUTE_ERP && request->body_size <= BODY_MAX)
        erp_read(request);
    if (request->route.kind == ROUTE_TOKEN && ++sim->stats.logins > sim->stats.logins_peak)
        sim->stats.logins_peak = sim->stats.logins;
    handle(sim, request);
    code_answer(sim, request);
    /* without this header libmicrohttpd adds the current time */
    if (sim->options->date_offset_s)
        answer_date(&request->answer, "Date", request->at_ms + sim->options->date_offset_s * 1000);
    log_request(sim, request);
    if (request->early && request->answer.end == ANSWER_WHOLE)
        answer_raw(&request->answer, 0, request->answer.body.size, request->answer.body.size);
    request->delay_us += sim->options->latency_ms * 1000;
    if (request->route.kind == ROUTE_TOKEN)
        request->delay_us += sim->options->login_latency_ms * 1000;
    if (request->route.kind == ROUTE_ERP)
        request->delay_us += sim->options->erp_latency_ms * 1000;
    if (request->late)
        postpone(sim, request);
    if (sim->failed)
        request->answer.end = ANSWER_CUT;
}
