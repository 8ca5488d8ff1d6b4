/* What an answer of the ERP means for a delivery, which endpoints are taken, and a sender whose ERP
 * answers as a list says, by a clock that only waiting moves. */
#include "core/notify/sender.h"

#include "core/base/mem.h"
#include "core/notify/health.h"
#include "core/store/notification.h"
#include "tests/lib/fault_sql.h"
#include "tests/lib/store_fixture.h"
#include "tests/unit/clock_scene.h"

#include "core/store/db.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOW_MS = 5000000 };

static struct delivery_outcome settle(enum http_end end, long status, unsigned tries, double dice)
{
    struct http_answer answer = {.end = end, .status = status, .retry_after_ms = -1};
    struct delivery_outcome outcome = {0};

    if (end != HTTP_DONE)
        snprintf(answer.error, sizeof answer.error, "cut off");
    sender_settle(&outcome, &answer, tries, dice, NOW_MS);
    return outcome;
}

static void a_status_delivers_fails_or_is_tried_again(void **state)
{
    static const struct {
        int status;
        enum delivery_state state;
    } cases[] = {
        {200, DELIVERY_DELIVERED}, {201, DELIVERY_DELIVERED}, {204, DELIVERY_DELIVERED},
        {299, DELIVERY_DELIVERED}, {301, DELIVERY_FAILED},    {308, DELIVERY_FAILED},
        {400, DELIVERY_FAILED},    {401, DELIVERY_FAILED},    {404, DELIVERY_FAILED},
        {408, DELIVERY_PENDING},   {409, DELIVERY_FAILED},    {422, DELIVERY_FAILED},
        {425, DELIVERY_PENDING},   {429, DELIVERY_PENDING},   {499, DELIVERY_FAILED},
        {500, DELIVERY_PENDING},   {501, DELIVERY_PENDING},   {503, DELIVERY_PENDING},
        {599, DELIVERY_PENDING},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct delivery_outcome outcome = settle(HTTP_DONE, cases[i].status, 0, 0);

        assert_int_equal(outcome.state, cases[i].state);
        assert_int_equal(outcome.http_status, cases[i].status);
        assert_int_equal(outcome.error[0] != '\0', outcome.state != DELIVERY_DELIVERED);
    }
}

static void without_a_complete_answer_it_is_tried_again(void **state)
{
    static const enum http_end ends[] = {HTTP_NEVER_LEFT, HTTP_UNTRUSTED, HTTP_CUT, HTTP_PROXY};

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const struct delivery_outcome outcome = settle(ends[i], 0, 0, 0);

        assert_int_equal(outcome.state, DELIVERY_PENDING);
        assert_string_equal(outcome.error, "cut off");
        assert_int_equal(outcome.http_status, 0);
    }
    /* a status that came before the connection broke promises nothing */
    assert_int_equal(settle(HTTP_CUT, 200, 0, 0).state, DELIVERY_PENDING);
    assert_int_equal(settle(HTTP_CUT, 400, 0, 0).state, DELIVERY_PENDING);
    /* of an answer that is too long, the status is enough */
    assert_int_equal(settle(HTTP_TOO_LARGE, 200, 0, 0).state, DELIVERY_DELIVERED);
    assert_int_equal(settle(HTTP_TOO_LARGE, 500, 0, 0).state, DELIVERY_PENDING);
}

static int64_t wait_of(unsigned tries, double dice)
{
    return settle(HTTP_DONE, 500, tries, dice).not_before_ms - NOW_MS;
}

static void waits_double_from_a_second_and_have_a_ceiling(void **state)
{
    (void)state;
    assert_int_equal(wait_of(0, 0), 1000);
    assert_int_equal(wait_of(1, 0), 2000);
    assert_int_equal(wait_of(2, 0), 4000);
    assert_int_equal(wait_of(8, 0), 256000);
    assert_int_equal(wait_of(9, 0), 300000);
    assert_int_equal(wait_of(63, 0), 300000);
    assert_int_equal(wait_of(4000000000U, 0), 300000);
    /* jitter: up to half as much again */
    assert_int_equal(wait_of(0, 1), 1500);
    assert_int_equal(wait_of(1, 0.5), 2500);
}

static void an_error_shows_what_the_erp_said(void **state)
{
    struct http_answer answer = {.end = HTTP_DONE, .status = 422, .retry_after_ms = -1};
    struct delivery_outcome outcome = {0};

    (void)state;
    answer.body = span_of("no such \x1b[1m item");
    sender_settle(&outcome, &answer, 0, 0, NOW_MS);
    assert_string_equal(outcome.error, "status 422: no such \\x1b[1m item");
}

static void endpoints_are_https_or_local(void **state)
{
    static const struct {
        const char *url;
        bool fine;
    } cases[] = {
        {"https://erp.example.com/hook?a=b", true},
        {"http://127.0.0.1:8080/erp", true},
        {"http://localhost/erp", true},
        {"http://[::1]:9/erp", true},
        {"http://erp.example.com/hook", false},
        {"https://user:password@erp.example.com/", false},
        {"erp.example.com", false},
        {"ftp://erp.example.com/", false},
        {"https://erp.example.com/a b", false},
        {"https://erp.example.com/\xC3\xA4", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};

        assert_int_equal(sender_check(cases[i].url, &err), cases[i].fine);
        if (!cases[i].fine)
            assert_int_equal(err.kind, ERR_CONFIG);
        assert_null(strstr(err.text, "password@"));
    }
}

/* --- a sender and its ERP --- */

enum { SLOTS = 4 };

/* One answer; the last of a list counts for all that follow. */
struct reply {
    enum http_end end;
    long status;
    int64_t retry_after_s; /* -1: none is named */
    const char *body;
};

static struct world {
    struct fixture *fixture;
    const struct reply *replies;
    unsigned reply_count, requests;
    struct http_answer flights[SLOTS];
    bool is_used[SLOTS], is_done[SLOTS];
    unsigned most_in_flight;
    struct buf sent;      /* `SECOND KEY BODY`, a line for each request */
    struct buf fields;    /* of the last request, `NAME: VALUE`, a line each */
    unsigned char number; /* of notifications */
    bool cannot_open, cannot_start;
    bool has_bad; /* records whose name begins with x are answered 500, whatever the list says */
    long start_s;
} world;

struct http_pool *http_pool_open(const struct http_options *options, struct err *err)
{
    assert_true(options->slots <= SLOTS);
    if (world.cannot_open)
        err_set(err, ERR_CONFIG, "no such certificate file");
    return world.cannot_open ? NULL : (struct http_pool *)(void *)&world;
}

void http_pool_close(struct http_pool *pool)
{
    (void)pool;
    memset(world.is_used, 0, sizeof world.is_used);
}

void http_pool_wake(struct http_pool *pool)
{
    (void)pool;
}

static bool is_bad(const char *text, size_t size)
{
    static const char name[] = "\"recordId\":\"x";

    return memmem(text, size, name, sizeof name - 1) != NULL;
}

bool http_pool_start(struct http_pool *pool, const struct http_request *request, struct err *err)
{
    unsigned slot = 0, in_flight = 1,
             at = world.requests < world.reply_count ? world.requests : world.reply_count - 1;
    static const struct reply bad = {HTTP_DONE, 500, -1, NULL};
    const struct reply *reply = &world.replies[at];

    (void)pool;
    if (world.cannot_start)
        return err_set(err, ERR_INTERNAL, "libcurl is broken");
    if (world.has_bad && is_bad((const char *)request->body.data, request->body.size))
        reply = &bad;
    while (world.is_used[slot])
        slot++;
    for (unsigned i = 0; i < SLOTS; i++)
        in_flight += world.is_used[i];
    if (in_flight > world.most_in_flight)
        world.most_in_flight = in_flight;
    world.requests++;
    assert_string_equal(request->url, "https://erp/hook");
    assert_int_equal(request->method, HTTP_POST);
    buf_printf(&world.sent, "%ld %.*s\n", skipped_s - world.start_s, (int)request->body.size,
               request->body.data);
    buf_reset(&world.fields);
    for (const struct http_field *field = request->fields; field->name; field++)
        buf_printf(&world.fields, "%s: %s\n", field->name, field->value);
    world.flights[slot] = (struct http_answer){
        .context = request->context,
        .end = reply->end,
        .status = reply->status,
        .body = span_of(reply->body ? reply->body : ""),
        .retry_after_ms = reply->retry_after_s < 0 ? -1 : reply->retry_after_s * 1000,
        .latency_us = 1000,
        .slot = slot,
    };
    if (reply->end != HTTP_DONE)
        snprintf(world.flights[slot].error, HTTP_ERROR_SIZE, "cut off");
    world.is_used[slot] = true;
    world.is_done[slot] = false;
    return true;
}

bool http_pool_wait(struct http_pool *pool, int timeout_ms, int fd, struct err *err)
{
    bool found = false;

    (void)pool, (void)fd, (void)err;
    for (unsigned i = 0; i < SLOTS; i++) {
        found = found || world.is_used[i];
        world.is_done[i] = world.is_used[i];
    }
    if (!found)
        skipped_s += (timeout_ms + 999) / 1000;
    return true;
}

struct http_answer *http_pool_next(struct http_pool *pool)
{
    (void)pool;
    for (unsigned i = 0; i < SLOTS; i++)
        if (world.is_used[i] && world.is_done[i])
            return &world.flights[i];
    return NULL;
}

void http_pool_release(struct http_pool *pool, struct http_answer *answer)
{
    (void)pool;
    world.is_used[answer->slot] = false;
}

static int begin(void **state)
{
    void *fixture;

    world = (struct world){0};
    fixture_begin(&fixture);
    world.fixture = fixture;
    *state = fixture;
    return 0;
}

static int end(void **state)
{
    buf_release(&world.sent);
    buf_release(&world.fields);
    return fixture_end(state);
}

static bool is_foreign(void *context, const struct notification *notification,
                       struct notification_verdict *verdict, struct err *err)
{
    (void)context, (void)notification, (void)err;
    *verdict = (struct notification_verdict){NOTIFICATION_FOREIGN, 0};
    return true;
}

/* Stores a notification for each word, `RECORD` or `RECORD=BODY`. */
static void notify(const char *words)
{
    const struct notification_decider decider = {.decide = is_foreign};

    while (*words) {
        size_t size = strcspn(words, " "), id = strcspn(words, "= ");
        char body[256];
        struct notification notification = {.action = span_of("update"),
                                            .schema = span_of("Item"),
                                            .record_id = {words, id}},
                            *list[] = {&notification};

        notification.key[0] = ++world.number;
        snprintf(body, sizeof body,
                 "{\"action\":\"update\",\"schemaName\":\"Item\",\"record\":{\"id\":\"%.*s\","
                 "\"modifiedTime\":\"2026-11-29T10:00:00Z\",\"fields\":{\"n\":%u}}}",
                 (int)id, words, world.number);
        notification.body =
            id < size ? (struct span){words + id + 1, size - id - 1} : span_of(body);
        assert_true(
            notifications_add(world.fixture->store, list, 1, &decider, 1, &world.fixture->err));
        words += size;
        words += strspn(words, " ");
    }
}

static struct sender_options usual(void)
{
    return (struct sender_options){.endpoint = "https://erp/hook",
                                   .user_agent = "test",
                                   .concurrency = SLOTS,
                                   .max_tries = 3,
                                   .run_id = 1};
}

/* Sends until the sender ends, or for so many turns. */
static enum sender_end play(const struct sender_options *options, const struct reply *replies,
                            unsigned count, unsigned turns, struct sender_counts *counts)
{
    struct sender *sender = sender_open(world.fixture->store, options, &world.fixture->err);
    enum sender_end end = SENDER_AT_WORK;

    assert_non_null(sender);
    world.replies = replies;
    world.reply_count = count;
    world.requests = world.most_in_flight = 0;
    world.start_s = skipped_s;
    buf_reset(&world.sent);
    assert_true(sender_begin(sender, &world.fixture->err));
    for (unsigned i = 0; i < turns && end == SENDER_AT_WORK; i++)
        if (!sender_turn(sender, false, 1000, -1, &end, &world.fixture->err))
            fail_msg("%s", world.fixture->err.text);
    *counts = *sender_counts(sender);
    sender_close(sender);
    return end;
}

static const char *deliveries(void)
{
    return fixture_ask(world.fixture,
                       "SELECT coalesce(group_concat(n || ' ' || state, ', '), '') FROM (SELECT "
                       "count(*) AS n, state FROM outbox GROUP BY state)");
}

static void records_in_order_and_several_at_a_time(void **state)
{
    static const struct reply fine = {HTTP_DONE, 200, -1, NULL};
    struct signature_keys *keys = signature_keys_read(span_of("secret"), &world.fixture->err);
    struct sender_options options = usual();
    struct sender_counts counts;
    const char *first;

    (void)state;
    options.keys = keys;
    notify("a b a c d e a");
    assert_int_equal(play(&options, &fine, 1, 100, &counts), SENDER_DONE);
    assert_int_equal(counts.delivered, 7);
    assert_int_equal(counts.latency_us.sum, 7000);
    assert_string_equal(deliveries(), "7 delivered");
    assert_int_equal(world.most_in_flight, SLOTS);
    /* the three of record a, by the number in their fields */
    first = strstr(buf_text(&world.sent), "\"n\":1}");
    assert_non_null(first);
    first = strstr(first, "\"n\":3}");
    assert_non_null(first);
    assert_non_null(strstr(first, "\"n\":7}"));
    assert_non_null(
        strstr(buf_text(&world.fields), "Idempotency-Key: 07000000-0000-0000-0000-0000"));
    assert_non_null(strstr(buf_text(&world.fields), "webhook-id: msg_0700000000"));
    assert_non_null(strstr(buf_text(&world.fields), "webhook-timestamp: "));
    assert_non_null(strstr(buf_text(&world.fields), "webhook-signature: v1,"));
    signature_keys_free(keys);
    /* unsigned without keys */
    options.keys = NULL;
    notify("a");
    assert_int_equal(play(&options, &fine, 1, 100, &counts), SENDER_DONE);
    assert_null(strstr(buf_text(&world.fields), "webhook"));
}

static const struct {
    struct reply replies[3];
    unsigned max_tries;
    int64_t max_wait_ms;
    enum sender_end end;
    unsigned requests, failed, retried, throttled;
    const char *deliveries;
} endings[] = {
    /* each is tried three times */
    {{{HTTP_DONE, 500, -1, NULL}, {HTTP_DONE, 500, -1, NULL}, {HTTP_DONE, 500, -1, NULL}},
     3,
     0,
     SENDER_DONE,
     18,
     0,
     18,
     0,
     "6 pending"},
    /* a budget for all: what is tried again costs 5 of 100 */
    {{{HTTP_CUT, 0, -1, NULL}, {HTTP_CUT, 0, -1, NULL}, {HTTP_CUT, 0, -1, NULL}},
     9,
     0,
     SENDER_EXHAUSTED,
     0,
     0,
     0,
     0,
     "6 pending"},
    {{{HTTP_DONE, 422, -1, NULL}, {HTTP_DONE, 301, -1, NULL}, {HTTP_DONE, 200, -1, NULL}},
     3,
     0,
     SENDER_DONE,
     6,
     2,
     0,
     0,
     "4 delivered, 2 failed"},
    {{{HTTP_UNTRUSTED, 0, -1, NULL}, {HTTP_DONE, 200, -1, NULL}, {HTTP_DONE, 200, -1, NULL}},
     3,
     0,
     SENDER_UNTRUSTED,
     4,
     0,
     1,
     0,
     "3 delivered, 3 pending"},
    {{{HTTP_UNTRUSTED, 0, -1, NULL}, {HTTP_DONE, 200, -1, NULL}, {HTTP_DONE, 200, -1, NULL}},
     0,
     0,
     SENDER_DONE,
     7,
     0,
     1,
     0,
     "6 delivered"},
    {{{HTTP_DONE, 429, 30, NULL}, {HTTP_DONE, 200, -1, NULL}, {HTTP_DONE, 200, -1, NULL}},
     3,
     30000,
     SENDER_DONE,
     7,
     0,
     1,
     1,
     "6 delivered"},
    {{{HTTP_DONE, 429, 31, NULL}, {HTTP_DONE, 200, -1, NULL}, {HTTP_DONE, 200, -1, NULL}},
     3,
     30000,
     SENDER_PARKED,
     4,
     0,
     1,
     1,
     "3 delivered, 3 pending"},
    {{{HTTP_DONE, 503, 5, NULL}, {HTTP_DONE, 200, -1, NULL}, {HTTP_DONE, 200, -1, NULL}},
     3,
     0,
     SENDER_DONE,
     7,
     0,
     1,
     1,
     "6 delivered"},
    {{{HTTP_DONE, 503, -1, NULL}, {HTTP_DONE, 200, -1, NULL}, {HTTP_DONE, 200, -1, NULL}},
     3,
     0,
     SENDER_DONE,
     7,
     0,
     1,
     0,
     "6 delivered"},
    {{{HTTP_DONE, 429, -1, NULL}, {HTTP_DONE, 200, -1, NULL}, {HTTP_DONE, 200, -1, NULL}},
     3,
     0,
     SENDER_DONE,
     7,
     0,
     1,
     1,
     "6 delivered"},
};

static void how_a_sender_ends(void **state)
{
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        struct sender_options options = usual();
        struct sender_counts counts;
        enum sender_end ended;

        options.max_tries = endings[i].max_tries;
        options.max_wait_ms = endings[i].max_wait_ms;
        notify("a b c d e f");
        ended = play(&options, endings[i].replies, 3, 200, &counts);
        if (endings[i].end == SENDER_EXHAUSTED) {
            /* those that were in flight with the twentieth come to their end */
            assert_in_range(world.requests, 20, 20 + SLOTS - 1);
            assert_int_equal(counts.retried, world.requests);
            world.requests = 0;
            counts.retried = 0;
        }
        if (ended != endings[i].end || world.requests != endings[i].requests ||
            counts.failed != endings[i].failed || counts.retried != endings[i].retried ||
            counts.throttled != endings[i].throttled ||
            strcmp(deliveries(), endings[i].deliveries) != 0)
            fail_msg("case %zu: end %d, %u requests, %u failed, %u retried, %u throttled, %s:\n%s",
                     i, (int)ended, world.requests, (unsigned)counts.failed,
                     (unsigned)counts.retried, (unsigned)counts.throttled, deliveries(),
                     buf_text(&world.sent));
        end(state);
        begin(state);
    }
}

/* Notifications of so many records. */
static void notify_of(const char *prefix, unsigned records)
{
    struct buf text = {0};

    for (unsigned i = 0; i < records; i++)
        buf_printf(&text, "%s%u ", prefix, i);
    notify(buf_text(&text));
    buf_release(&text);
}

/* Delivers what is pending, with records that the ERP always answers 500; the second by which all
 * of the others are delivered. */
static long seconds_until_good(unsigned max_tries, unsigned turns)
{
    static const struct reply fine = {HTTP_DONE, 200, -1, NULL};
    struct sender_options options = usual();
    struct sender_counts counts;
    long last_s = 0;

    options.max_tries = max_tries;
    world.has_bad = true;
    play(&options, &fine, 1, turns, &counts);
    for (const char *line = buf_text(&world.sent); *line; line = strchr(line, '\n') + 1)
        if (!is_bad(line, strcspn(line, "\n")))
            last_s = strtol(line, NULL, 10);
    assert_string_equal(fixture_ask(world.fixture,
                                    "SELECT count(*) FROM outbox d JOIN notification n USING (id) "
                                    "WHERE d.state = 'pending' AND n.record_id NOT LIKE 'x%'"),
                        "0");
    return last_s;
}

static void records_that_fail_hold_up_no_others(void **state)
{
    (void)state;
    notify_of("x", 8);
    notify_of("a", 100);
    assert_in_range(seconds_until_good(0, 300), 0, 3);
    /* what comes later, while those that fail are tried again and again */
    for (unsigned i = 0; i < 3; i++) {
        skipped_s += 20;
        notify_of("b", 20);
        assert_in_range(seconds_until_good(0, 300), 0, 3);
    }
}

/* While those that fail are tried again, others that come are delivered at once: that ones that are
 * tried again fail shows nothing. */
static void what_comes_while_others_fail_leaves_at_once(void **state)
{
    static const struct reply fine = {HTTP_DONE, 200, -1, NULL};
    struct sender_options options = usual();
    struct sender *sender;
    enum sender_end end;

    (void)state;
    options.max_tries = 0;
    sender = sender_open(world.fixture->store, &options, &world.fixture->err);
    world.replies = &fine;
    world.reply_count = 1;
    world.has_bad = true;
    notify_of("x", 12);
    assert_true(sender_begin(sender, &world.fixture->err));
    for (unsigned round = 0; round < 20; round++) {
        uint64_t before = sender_counts(sender)->delivered;
        long from_s;

        for (unsigned i = 0; i < 12; i++)
            assert_true(sender_turn(sender, false, 1000, -1, &end, &world.fixture->err));
        notify("a b c");
        from_s = skipped_s;
        for (unsigned i = 0; i < 20 && sender_counts(sender)->delivered < before + 3; i++)
            assert_true(sender_turn(sender, false, 1000, -1, &end, &world.fixture->err));
        assert_int_equal(sender_counts(sender)->delivered, before + 3);
        /* the turn that settles them waits a second for more */
        assert_in_range(skipped_s - from_s, 0, round == 0 ? 20 : 1);
    }
    sender_close(sender);
}

/* Many that fail, all of them first: the sample is taken from the other end too. */
static void a_run_of_records_that_fail_is_passed(void **state)
{
    (void)state;
    notify_of("x", 60);
    notify_of("a", 40);
    assert_in_range(seconds_until_good(0, 600), 0, 30);
    end(state);
    begin(state);
    notify_of("x", 60);
    notify_of("a", 40);
    assert_in_range(seconds_until_good(3, 600), 0, 5);
}

/* For one that runs for good, an ERP without an answer is asked by one request at a time, after
 * pauses that grow. */
static void an_erp_in_trouble_is_asked_less_often(void **state)
{
    static const struct reply broken = {HTTP_CUT, 0, -1, NULL};
    struct sender_options options = usual();
    struct sender_counts counts;
    long before_s = 0, gap_s = 0;
    unsigned in_a_moment = 0;

    (void)state;
    options.max_tries = 0;
    notify_of("r", 40);
    assert_int_equal(play(&options, &broken, 1, 400, &counts), SENDER_AT_WORK);
    for (const char *line = buf_text(&world.sent); *line; line = strchr(line, '\n') + 1) {
        long at_s = strtol(line, NULL, 10);

        if (at_s == before_s)
            in_a_moment++;
        else if (at_s - before_s > gap_s)
            gap_s = at_s - before_s;
        before_s = at_s;
    }
    assert_int_equal(in_a_moment, HEALTH_TROUBLE_FROM);
    assert_in_range(gap_s, 60, 80);
    assert_int_equal(counts.retried, world.requests);
}

static void what_the_erp_said_last_is_known(void **state)
{
    static const struct reply busy = {HTTP_DONE, 503, 7200, "closed"};
    struct sender_options options = usual();
    struct sender_counts counts;
    struct sender *sender;

    (void)state;
    options.max_wait_ms = 1000;
    notify("a");
    assert_int_equal(play(&options, &busy, 1, 10, &counts), SENDER_PARKED);
    /* a later run begins with the wait, at most an hour of it */
    sender = sender_open(world.fixture->store, &options, &world.fixture->err);
    assert_string_equal(sender_trouble(sender), "");
    assert_true(sender_begin(sender, &world.fixture->err));
    assert_non_null(
        strstr(sender_trouble(sender), "status 503: closed, and asks to wait until 20"));
    sender_close(sender);
    skipped_s += 3601;
    options.max_wait_ms = 0;
    assert_int_equal(play(&options, &(struct reply){HTTP_DONE, 200, -1, NULL}, 1, 10, &counts),
                     SENDER_DONE);
    assert_string_equal(deliveries(), "1 delivered");
}

static void a_stop_waits_for_what_is_in_flight(void **state)
{
    static const struct reply fine = {HTTP_DONE, 200, -1, NULL};
    struct sender_options options = usual();
    struct sender *sender = sender_open(world.fixture->store, &options, &world.fixture->err);
    enum sender_end end;

    (void)state;
    world.replies = &fine;
    world.reply_count = 1;
    notify("a b c d e f");
    assert_true(sender_begin(sender, &world.fixture->err));
    assert_true(sender_turn(sender, false, 1000, -1, &end, &world.fixture->err));
    assert_int_equal(end, SENDER_AT_WORK);
    assert_int_equal(world.requests, SLOTS);
    memset(world.is_done, 0, sizeof world.is_done);
    assert_true(sender_turn(sender, true, 1000, -1, &end, &world.fixture->err));
    assert_int_equal(end, SENDER_AT_WORK);
    assert_true(sender_turn(sender, true, 1000, -1, &end, &world.fixture->err));
    assert_int_equal(end, SENDER_DONE);
    assert_int_equal(world.requests, SLOTS);
    sender_wake(sender);
    sender_close(sender);
    assert_string_equal(deliveries(), "4 delivered, 2 pending");
}

static void what_breaks_is_an_error(void **state)
{
    struct sender_options options = usual();
    struct err *err = &world.fixture->err;
    enum sender_end end;
    struct sender *sender;

    (void)state;
    sender_close(NULL);
    world.cannot_open = true;
    assert_null(sender_open(world.fixture->store, &options, err));
    assert_string_equal(err->text, "no such certificate file");
    world.cannot_open = false;
    notify("a");
    sender = sender_open(world.fixture->store, &options, err);
    world.cannot_start = true;
    assert_true(sender_begin(sender, err));
    assert_false(sender_turn(sender, false, 1000, -1, &end, err));
    assert_string_equal(err->text, "libcurl is broken");
    sender_close(sender);
    world.cannot_start = false;
    fixture_ask(world.fixture, "DELETE FROM outbox");
    notify("b={");
    sender = sender_open(world.fixture->store, &options, err);
    assert_true(sender_begin(sender, err));
    assert_false(sender_turn(sender, false, 1000, -1, &end, err));
    assert_int_equal(err->kind, ERR_INTERNAL);
    assert_non_null(strstr(err->text, "notification 2 cannot be read again: the body is not JSON"));
    sender_close(sender);
}

/* Each statement of a run once. */
static void a_database_that_fails_delivers_again(void **state)
{
    static const struct reply replies[] = {{HTTP_DONE, 429, 1, NULL}, {HTTP_DONE, 200, -1, NULL}};
    struct sender_options options = usual();
    bool fired = true;

    (void)state;
    for (unsigned n = 1; fired; n++) {
        struct sender *sender;
        enum sender_end end = SENDER_AT_WORK;
        struct sender_counts counts;
        bool fine;

        notify("a b");
        fixture_reopen(world.fixture);
        world.replies = replies;
        world.reply_count = 2;
        world.requests = 0;
        sender = sender_open(world.fixture->store, &options, &world.fixture->err);
        fault_sql_arm(world.fixture->store->db, FAULT_SQL_PREPARE, n);
        fine = sender_begin(sender, &world.fixture->err);
        while (fine && end == SENDER_AT_WORK)
            fine = sender_turn(sender, false, 1000, -1, &end, &world.fixture->err);
        fired = fault_sql_disarm(world.fixture->store->db);
        assert_int_equal(fine, !fired);
        if (!fine)
            assert_int_equal(world.fixture->err.kind, ERR_STORE);
        sender_close(sender);
        skipped_s += 10;
        assert_int_equal(play(&options, &replies[1], 1, 100, &counts), SENDER_DONE);
        assert_null(strstr(deliveries(), "pending"));
    }
}

#define WITH_ERP(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_status_delivers_fails_or_is_tried_again),
        cmocka_unit_test(without_a_complete_answer_it_is_tried_again),
        cmocka_unit_test(waits_double_from_a_second_and_have_a_ceiling),
        cmocka_unit_test(an_error_shows_what_the_erp_said),
        cmocka_unit_test(endpoints_are_https_or_local),
        WITH_ERP(records_in_order_and_several_at_a_time),
        WITH_ERP(how_a_sender_ends),
        WITH_ERP(records_that_fail_hold_up_no_others),
        WITH_ERP(what_comes_while_others_fail_leaves_at_once),
        WITH_ERP(a_run_of_records_that_fail_is_passed),
        WITH_ERP(an_erp_in_trouble_is_asked_less_often),
        WITH_ERP(what_the_erp_said_last_is_known),
        WITH_ERP(a_stop_waits_for_what_is_in_flight),
        WITH_ERP(what_breaks_is_an_error),
        WITH_ERP(a_database_that_fails_delivers_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
