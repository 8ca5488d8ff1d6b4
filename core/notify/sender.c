#include "core/notify/sender.h"

#include "core/base/clock.h"
#include "core/base/crash.h"
#include "core/base/mem.h"
#include "core/http/governor.h"
#include "core/http/url.h"
#include "core/notify/health.h"
#include "core/notify/payload.h"
#include "core/store/runs.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <xxhash.h>

#define SCOPE "erp " /* and a hash of the endpoint, which can hold a secret */

enum {
    FIELDS = 4,
    FIELD_SIZE = 64,
    FAILURES_MAX = 20, /* in a row, of a sender that ends */
};

/* A delivery on its way. */
struct flight {
    struct delivery delivery;
    bool is_used;
    int64_t departed_us;
    struct buf body, signature;
    char idempotency_key[FIELD_SIZE], id[FIELD_SIZE], timestamp[FIELD_SIZE];
    struct http_field fields[FIELDS + 1];
};

struct sender {
    struct store *store;
    struct sender_options options;
    struct http_pool *pool;
    struct governor governor;
    struct health health;
    struct payload_reader reader;
    struct flight *flights;
    unsigned in_flight;
    struct delivery_outcome *outcomes; /* to be settled, at most one for each flight */
    struct flight **settled;
    unsigned outcome_count;
    struct delivery_list due;
    char scope[sizeof SCOPE + 16]; /* of the pause */
    int64_t asked_until_ms;        /* to be stored; 0: nothing is */
    struct sender_counts counts;
    enum sender_end end;
    char problem[DELIVERY_ERROR_SIZE];
    unsigned short dice[3];
};

/* Whether it has only what a URL may hold as it is (RFC 3986 section 2): no blank, no letter beyond
 * ASCII. */
static bool is_written_whole(const char *endpoint)
{
    while (*endpoint > ' ' && *endpoint < 127)
        endpoint++;
    return *endpoint == '\0';
}

bool sender_check(const char *endpoint, struct err *err)
{
    struct url url;
    bool is_plain;

    if (!url_parse(span_of(endpoint), &url) || !is_written_whole(endpoint) ||
        (strncasecmp(endpoint, "http://", 7) != 0 && strncasecmp(endpoint, "https://", 8) != 0))
        return err_set(err, ERR_CONFIG,
                       "the ERP's endpoint must be a URL: https://HOST[:PORT]/PATH");
    is_plain = url.scheme.size == 4;
    if (url.has_user)
        return err_set(err, ERR_CONFIG,
                       "the ERP's endpoint must not hold a user name or a password");
    if (is_plain && !url_host_is_loopback(url.host))
        return err_set(err, ERR_CONFIG,
                       "the ERP's endpoint '%s' is plain http to another host: use https",
                       endpoint);
    return true;
}

struct sender *sender_open(struct store *store, const struct sender_options *options,
                           struct err *err)
{
    struct sender *sender = mem_calloc(1, sizeof *sender);
    unsigned slots = options->concurrency;
    int64_t seed = clock_monotonic_us();

    sender->store = store;
    sender->options = *options;
    sender->pool = http_pool_open(&(struct http_options){.slots = slots,
                                                         .ca_file = options->ca_file,
                                                         .user_agent = options->user_agent},
                                  err);
    sender->flights = mem_calloc(slots, sizeof *sender->flights);
    sender->outcomes = mem_calloc(slots, sizeof *sender->outcomes);
    sender->settled = mem_calloc(slots, sizeof(struct flight *));
    sender->due.max = 2 * (size_t)slots;
    sender->due.items = mem_calloc(sender->due.max, sizeof *sender->due.items);
    memcpy(sender->dice, &seed, sizeof sender->dice);
    governor_init(&sender->governor, 0);
    snprintf(sender->scope, sizeof sender->scope, SCOPE "%016" PRIx64,
             (uint64_t)XXH3_64bits(options->endpoint, strlen(options->endpoint)));
    if (sender->pool)
        return sender;
    sender_close(sender);
    return NULL;
}

void sender_close(struct sender *sender)
{
    if (!sender)
        return;
    http_pool_close(sender->pool);
    for (unsigned i = 0; i < sender->options.concurrency; i++) {
        delivery_release(&sender->flights[i].delivery);
        buf_release(&sender->flights[i].body);
        buf_release(&sender->flights[i].signature);
    }
    payload_reader_release(&sender->reader);
    free(sender->flights);
    free(sender->outcomes);
    free(sender->settled);
    free(sender->due.items);
    free(sender);
}

bool sender_begin(struct sender *sender, struct err *err)
{
    int64_t now_ms = clock_now_ms(), wait_ms;
    struct pause_info pause;

    if (!deliveries_begin(sender->store, now_ms, err) ||
        !pause_read(sender->store, sender->scope, now_ms, &pause, err))
        return false;
    wait_ms = pause.until_ms - now_ms;
    if (wait_ms <= 0)
        return true;
    snprintf(sender->problem, sizeof sender->problem, "%.*s", DELIVERY_ERROR_SIZE - 1,
             pause.reason);
    if (sender->options.max_wait_ms > 0 && wait_ms > sender->options.max_wait_ms)
        sender->end = SENDER_PARKED;
    governor_pause(&sender->governor, clock_monotonic_us() + wait_ms * 1000);
    return true;
}

void sender_use_keys(struct sender *sender, const struct signature_keys *keys)
{
    sender->options.keys = keys;
}

void sender_wake(struct sender *sender)
{
    http_pool_wake(sender->pool);
}

const struct sender_counts *sender_counts(const struct sender *sender)
{
    return &sender->counts;
}

const char *sender_trouble(const struct sender *sender)
{
    return sender->problem;
}

/* --- what an answer means --- */

/* 4xx says that this request is wrong, but for those that concern the moment; a redirect is never
 * followed. */
static bool is_final(long status)
{
    return status >= 300 && status < 500 && status != 408 && status != 425 && status != 429;
}

static void describe(const struct http_answer *answer, char out[DELIVERY_ERROR_SIZE])
{
    char shown[DELIVERY_ERROR_SIZE - 32];
    struct span body = answer->body;

    if (answer->end != HTTP_DONE && !is_final(answer->status)) {
        snprintf(out, DELIVERY_ERROR_SIZE, "%s", answer->error);
        return;
    }
    str_printable(body, shown, sizeof shown);
    snprintf(out, DELIVERY_ERROR_SIZE, "status %ld%s%s", answer->status, body.size ? ": " : "",
             shown);
}

void sender_settle(struct delivery_outcome *outcome, const struct http_answer *answer,
                   unsigned tries, double dice, int64_t now_ms)
{
    int64_t wait_ms = SENDER_BACKOFF_MAX_MS;
    bool has_status = answer->end == HTTP_DONE || answer->end == HTTP_TOO_LARGE;

    outcome->http_status = (int)answer->status;
    outcome->error[0] = '\0';
    outcome->not_before_ms = 0;
    if (has_status && answer->status >= 200 && answer->status < 300) {
        outcome->state = DELIVERY_DELIVERED;
        return;
    }
    describe(answer, outcome->error);
    if (has_status && is_final(answer->status)) {
        outcome->state = DELIVERY_FAILED;
        return;
    }
    outcome->state = DELIVERY_PENDING;
    if (tries < 20 && (int64_t)SENDER_BACKOFF_MS << tries < wait_ms)
        wait_ms = (int64_t)SENDER_BACKOFF_MS << tries;
    outcome->not_before_ms = now_ms + wait_ms + (int64_t)(dice * (double)wait_ms / 2);
}

/* The ERP asks all of us to wait. */
static void note_refusal(struct sender *sender, const struct http_answer *answer, int64_t now_us)
{
    int64_t wait_us = answer->retry_after_ms < 0 ? -1 : answer->retry_after_ms * 1000;
    const int64_t most_us = (int64_t)SENDER_WAIT_MAX_MS * 1000;

    sender->counts.throttled++;
    if (wait_us > most_us)
        wait_us = most_us;
    if (wait_us > 0)
        sender->asked_until_ms = clock_now_ms() + wait_us / 1000;
    if (sender->options.max_wait_ms > 0 && answer->retry_after_ms > sender->options.max_wait_ms)
        sender->end = SENDER_PARKED;
    governor_refused(&sender->governor,
                     &(struct governor_refusal){now_us - answer->latency_us, wait_us},
                     erand48(sender->dice), now_us);
}

/* Without an answer that helps. For a sender that ends, another try of a record shows something
 * while no record has shown that the ERP works. */
static void note_failure(struct sender *sender, const struct flight *flight, int64_t now_us)
{
    struct health *health = &sender->health;
    bool ends = sender->options.max_tries > 0;

    health_failed(health, flight->departed_us,
                  flight->delivery.tries == 0 || (ends && health->worked_us == 0),
                  erand48(sender->dice), now_us);
    if (ends && health->failures >= FAILURES_MAX && sender->end == SENDER_AT_WORK)
        sender->end = SENDER_EXHAUSTED;
}

static void note_answer(struct sender *sender, const struct http_answer *answer,
                        const struct delivery_outcome *outcome)
{
    const struct flight *flight = answer->context;
    int64_t now_us = clock_monotonic_us();
    bool refused = answer->status == 429 || (answer->status == 503 && answer->retry_after_ms >= 0);

    if (answer->end == HTTP_DONE)
        histogram_add(&sender->counts.latency_us, (uint64_t)answer->latency_us);
    if (outcome->error[0])
        memcpy(sender->problem, outcome->error, sizeof sender->problem);
    switch (outcome->state) {
    case DELIVERY_DELIVERED:
    case DELIVERY_FAILED: /* it works, and refuses this one */
        sender->counts.delivered += outcome->state == DELIVERY_DELIVERED;
        sender->counts.failed += outcome->state == DELIVERY_FAILED;
        health_worked(&sender->health, now_us);
        governor_accepted(&sender->governor, flight->departed_us, now_us);
        return;
    case DELIVERY_PENDING:
        break;
    }
    sender->counts.retried++;
    if (answer->end == HTTP_UNTRUSTED && sender->options.max_tries > 0)
        sender->end = SENDER_UNTRUSTED;
    if (refused)
        note_refusal(sender, answer, now_us);
    else
        note_failure(sender, flight, now_us);
}

static void take_answers(struct sender *sender)
{
    struct http_answer *answer;

    while ((answer = http_pool_next(sender->pool))) {
        struct flight *flight = answer->context;
        struct delivery_outcome *outcome = &sender->outcomes[sender->outcome_count];

        outcome->id = flight->delivery.id;
        outcome->attempts = flight->delivery.attempts + 1;
        sender_settle(outcome, answer, flight->delivery.tries, erand48(sender->dice),
                      clock_now_ms());
        note_answer(sender, answer, outcome);
        http_pool_release(sender->pool, answer);
        sender->settled[sender->outcome_count++] = flight;
    }
}

/* Stores how long the ERP asks to wait, for later runs. */
static bool keep_pause(struct sender *sender, struct err *err)
{
    char reason[DELIVERY_ERROR_SIZE + 64], until[CLOCK_ISO_SIZE];
    int64_t until_ms = sender->asked_until_ms;

    if (!until_ms)
        return true;
    sender->asked_until_ms = 0;
    snprintf(reason, sizeof reason, "%s" PAUSE_UNTIL "%s", sender->problem,
             clock_iso(until_ms, until));
    snprintf(sender->problem, sizeof sender->problem, "%.*s", DELIVERY_ERROR_SIZE - 1, reason);
    return pause_write(sender->store, sender->scope, clock_now_ms(), until_ms, reason,
                       sender->options.run_id, err);
}

static bool settle(struct sender *sender, struct err *err)
{
    if (sender->outcome_count == 0)
        return true;
    crash_point(CRASH_DELIVERY_ANSWERED);
    if (!deliveries_settle(sender->store, sender->outcomes, sender->outcome_count, clock_now_ms(),
                           err) ||
        !keep_pause(sender, err))
        return false;
    crash_point(CRASH_DELIVERY_SETTLED);
    for (unsigned i = 0; i < sender->outcome_count; i++)
        sender->settled[i]->is_used = false;
    sender->in_flight -= sender->outcome_count;
    sender->outcome_count = 0;
    return true;
}

/* --- what leaves --- */

/* The header fields that name the delivery: the same however often it is sent. */
static void make_fields(struct sender *sender, struct flight *flight)
{
    char key[2 * NOTIFICATION_KEY_SIZE + 1];
    int64_t now_s = clock_now_ms() / 1000;

    str_hex(flight->delivery.key, NOTIFICATION_KEY_SIZE, key);
    memset(flight->fields, 0, sizeof flight->fields);
    snprintf(flight->idempotency_key, FIELD_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", key, key + 8,
             key + 12, key + 16, key + 20);
    flight->fields[0] = (struct http_field){"Idempotency-Key", flight->idempotency_key};
    if (!sender->options.keys)
        return;
    snprintf(flight->id, FIELD_SIZE, "msg_%s", key);
    snprintf(flight->timestamp, FIELD_SIZE, "%" PRId64, now_s);
    buf_reset(&flight->signature);
    signature_make(sender->options.keys, flight->id, now_s, buf_span(&flight->body),
                   &flight->signature);
    flight->fields[1] = (struct http_field){"webhook-id", flight->id};
    flight->fields[2] = (struct http_field){"webhook-timestamp", flight->timestamp};
    flight->fields[3] = (struct http_field){"webhook-signature", buf_text(&flight->signature)};
}

static bool make_body(struct sender *sender, struct flight *flight, struct err *err)
{
    char problem[PAYLOAD_PROBLEM_SIZE];
    struct payload payload;

    if (!payload_read(&sender->reader, buf_span(&flight->delivery.body), NULL, &payload, problem))
        return err_set(err, ERR_INTERNAL, "notification %" PRId64 " cannot be read again: %s",
                       flight->delivery.id, problem);
    buf_reset(&flight->body);
    payload_for_erp(&payload, &flight->body);
    return true;
}

static bool start(struct sender *sender, struct flight *flight, struct err *err)
{
    if (!make_body(sender, flight, err))
        return false;
    make_fields(sender, flight);
    if (!http_pool_start(sender->pool,
                         &(struct http_request){
                             .method = HTTP_POST,
                             .url = sender->options.endpoint,
                             .content_type = "application/json",
                             .fields = flight->fields,
                             .body = buf_span(&flight->body),
                             .timeout_ms = SENDER_TIMEOUT_MS,
                             .context = flight,
                         },
                         err))
        return false;
    flight->is_used = true;
    sender->in_flight++;
    flight->departed_us = clock_monotonic_us();
    governor_departed(&sender->governor, flight->departed_us);
    crash_point(CRASH_DELIVERY_STARTED);
    return true;
}

/* One that is free; there is one while fewer are in flight than may be. */
static struct flight *find_free(struct sender *sender)
{
    struct flight *flight = sender->flights;

    while (flight->is_used)
        flight++;
    return flight;
}

static bool is_in_flight(const struct sender *sender, int64_t id)
{
    for (unsigned i = 0; i < sender->options.concurrency; i++)
        if (sender->flights[i].is_used && sender->flights[i].delivery.id == id)
            return true;
    return false;
}

static bool record_is_in_flight(const struct sender *sender, struct span record_id)
{
    for (unsigned i = 0; i < sender->options.concurrency; i++)
        if (sender->flights[i].is_used &&
            span_equal(buf_span(&sender->flights[i].delivery.record_id), record_id))
            return true;
    return false;
}

/* How many may be in flight of deliveries that were tried before: what hangs again and again leaves
 * slots for others. */
static unsigned repeated_max(const struct sender *sender)
{
    return (sender->options.concurrency + 1) / 2;
}

static unsigned repeated_in_flight(const struct sender *sender)
{
    unsigned count = 0;

    for (unsigned i = 0; i < sender->options.concurrency; i++)
        count += sender->flights[i].is_used && sender->flights[i].delivery.tries > 0;
    return count;
}

/* Whether a delivery may leave now; *wait_us: until it may, if that is sooner. */
static bool may_leave(const struct sender *sender, const struct delivery_due *due, int64_t *wait_us)
{
    int64_t health_us =
        sender->options.max_tries > 0
            ? 0
            : health_wait_us(&sender->health, !due->is_repeated, clock_monotonic_us());

    if (health_us > 0 && (*wait_us == 0 || health_us < *wait_us))
        *wait_us = health_us;
    return health_us == 0 &&
           !(due->is_repeated && repeated_in_flight(sender) >= repeated_max(sender)) &&
           !is_in_flight(sender, due->id);
}

/* What is due, into sender->due. In trouble, the sample is what has not been tried, from the other
 * end: there may be many records in a row that fail. */
static bool find_due(struct sender *sender, int64_t now_ms, int64_t *next_due_ms, struct err *err)
{
    bool ends = sender->options.max_tries > 0;

    sender->due.count = 0;
    *next_due_ms = 0;
    if (health_in_trouble(&sender->health) &&
        (ends || health_wait_us(&sender->health, true, clock_monotonic_us()) == 0) &&
        !deliveries_newest(sender->store, now_ms, &sender->due, err))
        return false;
    return sender->due.count > 0 ||
           deliveries_due(sender->store, now_ms, ends ? sender->options.max_tries : INT_MAX,
                          &sender->due, 2 * (size_t)repeated_max(sender), next_due_ms, err);
}

/* Starts what is due; *wait_ms: until more is, at most. */
static bool send_due(struct sender *sender, int *wait_ms, struct err *err)
{
    bool is_careful = health_in_trouble(&sender->health) && sender->options.max_tries == 0;
    unsigned most = is_careful ? 1 : sender->options.concurrency;
    int64_t now_ms = clock_now_ms(), wait_us, next_due_ms;

    if (sender->in_flight >= most) /* the next answer makes room */
        return true;
    if (!find_due(sender, now_ms, &next_due_ms, err))
        return false;
    wait_us = governor_wait_us(&sender->governor, clock_monotonic_us());
    for (size_t i = 0; i < sender->due.count && sender->in_flight < most && wait_us == 0; i++) {
        struct flight *flight = find_free(sender);
        int64_t health_us = 0;

        if (!may_leave(sender, &sender->due.items[i], &health_us)) {
            if (health_us > 0 && health_us / 1000 < *wait_ms)
                *wait_ms = (int)(health_us / 1000) + 1;
            continue;
        }
        if (!delivery_read(sender->store, sender->due.items[i].id, &flight->delivery, err))
            return false;
        if (record_is_in_flight(sender, buf_span(&flight->delivery.record_id)))
            continue;
        if (!start(sender, flight, err))
            return false;
        wait_us = governor_wait_us(&sender->governor, clock_monotonic_us());
    }
    if (sender->due.count > 0 && wait_us > 0 && wait_us / 1000 < *wait_ms)
        *wait_ms = (int)(wait_us / 1000) + 1;
    if (next_due_ms > 0 && next_due_ms - now_ms < *wait_ms)
        *wait_ms = (int)(next_due_ms - now_ms) + 1;
    if (sender->due.count == 0 && next_due_ms == 0 && sender->in_flight == 0 &&
        sender->end == SENDER_AT_WORK)
        sender->end = SENDER_DONE;
    return true;
}

bool sender_turn(struct sender *sender, bool stopping, int wait_ms, int fd, enum sender_end *end,
                 struct err *err)
{
    if (sender->end == SENDER_DONE)
        sender->end = SENDER_AT_WORK;
    take_answers(sender);
    if (!settle(sender, err))
        return false;
    if (stopping || sender->end != SENDER_AT_WORK)
        stopping = true;
    else if (!send_due(sender, &wait_ms, err))
        return false;
    *end = stopping && sender->in_flight > 0           ? SENDER_AT_WORK
           : stopping && sender->end == SENDER_AT_WORK ? SENDER_DONE
                                                       : sender->end;
    if (*end == SENDER_AT_WORK || (!stopping && sender->options.max_tries == 0))
        return http_pool_wait(sender->pool, wait_ms, fd, err);
    return true;
}
