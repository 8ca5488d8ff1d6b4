/* A drain in simulated time: libcurl, the store's thread, the clocks and the signals are replaced
 * by what is here, in the one program that includes it. The database, the token, the pace and the
 * policy are the real ones. */
#pragma once

#include "core/drain/drain.h"

#include "core/base/clock.h"
#include "core/base/stop.h"
#include "core/drain/keeper.h"
#include "core/http/pool.h"
#include "core/store/lock.h"
#include "core/store/open_batches.h"
#include "core/store/summary.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLOTS_MAX = 257,
    RECORDS_MAX = 2048,
    WAITS_MAX = 100000, /* a loop that waits more often does not wait at all */
    TURN_US = 2000,     /* of one transaction */
    ANSWER_MS = 50,     /* from a request to its answer, unless the reply says otherwise */
    TRACE_SIZE = 256,   /* of a request in the trace */
};

/* An answer in place of that of a correct server. The first reply that fits the request and is not
 * used up counts. */
struct reply {
    const char *to;        /* how the request begins, as in the trace */
    unsigned times;        /* 0: always */
    long status;           /* 0: as a correct server answers, after latency_ms */
    const char *body;      /* `#` in it is the number of requests so far */
    int64_t retry_after_s; /* 0: none is named */
    enum http_end end;
    bool applied; /* an update takes effect anyway */
    int64_t latency_ms;
};

struct record {
    char id[512];
    int64_t version; /* -1: it does not exist */
    char rest[512];  /* the record's JSON text after the version, or all of it if it has none */
};

struct flight {
    bool used, done;
    int64_t end_us;
    struct http_answer answer;
    struct buf body;
};

struct http_pool {
    unsigned slots;
    struct flight flights[SLOTS_MAX];
};

static struct world {
    struct fixture *fixture;
    int64_t now_us;           /* since the test began */
    int64_t stop_us, step_us; /* when stopping is asked for; when the wall clock is set; 0: never */
    int64_t step_ms;          /* ... and by how much */
    const struct reply *replies; /* the last one's `to` is NULL */
    unsigned used[16];
    struct record records[RECORDS_MAX];
    unsigned record_count, logins, waits, requests;
    struct buf sent;   /* `MS METHOD RECORD vVERSION`, or `MS BULK RECORD ...`, for each request */
    struct buf said;   /* notices, a line each */
    const char *fails; /* what breaks: "turn", "wait", "start"; "lock": another process drains, too;
                          "schema": the schema file of Plain is damaged once its rows are claimed;
                          "schema hash": it is another one then */
    struct exchange *turn;
    int64_t turn_us;
    struct drain_progress progress;
    int64_t paused_ms;  /* the longest that progress showed of a pause */
    uint64_t most_left; /* the most jobs that progress showed to be left */
    unsigned reports;
    int64_t settled_us;     /* when progress showed the first settled job; 0: never */
    int sending_in_pause;   /* jobs in hand when progress was reported in a pause last */
    unsigned spread_wanted; /* the largest claim for a sample */
    unsigned busy_late;     /* the most requests in flight once the first answers have come */
} world;

int64_t clock_monotonic_us(void)
{
    return world.now_us;
}

int64_t clock_now_ms(void)
{
    return FIXTURE_NOW_MS + world.now_us / 1000 +
           (world.step_us && world.now_us >= world.step_us ? world.step_ms : 0);
}

/* `+SECONDS` since the test began */
char *clock_iso(int64_t now_ms, char out[CLOCK_ISO_SIZE])
{
    snprintf(out, CLOCK_ISO_SIZE, "+%.3f", (double)(now_ms - FIXTURE_NOW_MS) / 1000);
    return out;
}

bool stop_requested(void)
{
    return world.stop_us && world.now_us >= world.stop_us;
}

bool stop_noted(void)
{
    return stop_requested();
}

bool stop_wait_ms(int ms)
{
    world.now_us += (int64_t)ms * 1000;
    return stop_requested();
}

int stop_fd(void)
{
    return 0;
}

static bool is_broken(const char *part)
{
    return world.fails && strcmp(world.fails, part) == 0;
}

struct keeper {
    bool idle;
};

static struct keeper the_keeper;

struct keeper *keeper_open(const char *database, void (*wake)(void *context), void *context,
                           struct err *err)
{
    assert_string_equal(database, world.fixture->path);
    if (is_broken("keeper")) {
        err_set(err, ERR_STORE, "no second connection");
        return NULL;
    }
    wake(context);
    the_keeper.idle = true;
    return &the_keeper;
}

void keeper_close(struct keeper *keeper)
{
    assert_true(!keeper || keeper->idle || world.fails);
    open_batches_forget(world.fixture->store); /* as with a store of its own */
}

bool keeper_is_idle(const struct keeper *keeper)
{
    return keeper->idle;
}

void keeper_hand(struct keeper *keeper, struct exchange *exchange)
{
    assert_true(keeper->idle);
    assert_true(exchange->wanted || exchange->settled_count);
    if (exchange->spread && exchange->wanted > world.spread_wanted)
        world.spread_wanted = exchange->wanted;
    keeper->idle = false;
    world.turn = exchange;
    world.turn_us = world.now_us + TURN_US;
}

bool keeper_take(struct keeper *keeper, bool *done, struct err *err)
{
    uint64_t recovered;
    char path[SCRATCH_SIZE + 16];

    *done = world.now_us >= world.turn_us;
    if (!*done)
        return true;
    keeper->idle = true;
    if (is_broken("turn"))
        return err_set(err, ERR_STORE, "the disk is full");
    if (is_broken("lock") && world.turn->settled_count)
        assert_true(jobs_recover(world.fixture->store, clock_now_ms(), &recovered, err));
    if (!jobs_exchange(world.fixture->store, world.turn, err))
        return false;
    if ((is_broken("schema") || is_broken("schema hash")) && world.turn->claimed) {
        char *text;
        size_t size;

        snprintf(path, sizeof path, "%s/Plain.json", world.fixture->folder);
        text = scratch_read(path);
        size = strlen(text);
        text[is_broken("schema") ? 0 : size++] = ' ';
        scratch_write(path, text, size);
        free(text);
    }
    return true;
}

struct http_pool *http_pool_open(const struct http_options *options, struct err *err)
{
    struct http_pool *pool;

    if (is_broken("pool")) {
        err_set(err, ERR_CONFIG, "no such certificate file");
        return NULL;
    }
    pool = calloc(1, sizeof *pool);
    assert_true(options->slots <= SLOTS_MAX);
    pool->slots = options->slots;
    return pool;
}

void http_pool_close(struct http_pool *pool)
{
    for (unsigned i = 0; pool && i < pool->slots; i++)
        buf_release(&pool->flights[i].body);
    free(pool);
}

unsigned http_pool_free(const struct http_pool *pool)
{
    unsigned count = 0;

    for (unsigned i = 0; i < pool->slots; i++)
        count += !pool->flights[i].used;
    return count;
}

static struct record *find_record(const char *id, int64_t version)
{
    struct record *record = world.records;

    for (unsigned i = 0; i < world.record_count; i++, record++)
        if (strcmp(record->id, id) == 0)
            return record;
    assert_true(world.record_count < RECORDS_MAX);
    world.record_count++;
    *record = (struct record){.version = version, .rest = ",\"fields\":{\"n\":0}}"};
    snprintf(record->id, sizeof record->id, "%s", id);
    return record;
}

/* Applies an update as a correct server does, and answers it. */
static void apply(struct record *record, int64_t version, struct span body, struct flight *flight)
{
    const char *rest;

    if (record->version != version) {
        flight->answer.status = record->version < 0 ? 404 : 409;
        buf_printf(&flight->body, "{\"code\":\"%s\",\"message\":\"no\"}",
                   record->version < 0 ? "not.found" : "conflict");
        return;
    }
    record->version++;
    rest = memchr(body.data, ',', body.size);
    snprintf(record->rest, sizeof record->rest, "%.*s", (int)(body.data + body.size - rest), rest);
    flight->answer.status = 200;
    buf_printf(&flight->body, "{\"version\":%" PRId64 "}", record->version);
}

/* Takes the next item `{"k":"ID",...}` from the body of a request of several rows. */
static bool take_item(struct span *body, struct span *id, struct span *rest)
{
    const char *end = body->data + body->size, *item = memmem(body->data, body->size, "{\"k\":", 5);

    if (!item)
        return false;
    id->data = item + strlen("{\"k\":\"");
    id->size = strcspn(id->data, "\"");
    rest->data = id->data + id->size + strlen("\",");
    rest->size = strcspn(rest->data, "}");
    body->data = rest->data + rest->size;
    body->size = (size_t)(end - body->data);
    return true;
}

/* Applies each item, and answers with a list of results. The version of such a record says how
 * often it was written. */
static void apply_several(struct span body, struct flight *flight)
{
    struct span id, rest;
    char separator = '[';

    for (; take_item(&body, &id, &rest); separator = ',') {
        char name[64];
        struct record *record;

        snprintf(name, sizeof name, "%.*s", (int)id.size, id.data);
        record = find_record(name, 0);
        record->version++;
        snprintf(record->rest, sizeof record->rest, "{%.*s}", (int)rest.size, rest.data);
        buf_printf(&flight->body, "%c{\"k\":\"%s\",\"ok\":true}", separator, name);
    }
    buf_append_char(&flight->body, ']');
    flight->answer.status = 200;
}

static bool is_login(const struct http_request *request)
{
    return request->method == HTTP_POST && strncmp(request->url, "http://login/", 13) == 0;
}

/* The page of the audit log for the records that the URL names: one entry for each record, of the
 * version that it is at. */
static void answer_audit(const char *url, struct flight *flight)
{
    const char *id = strstr(url, "entityIds=") + strlen("entityIds=");
    unsigned count = 0;

    buf_append_text(&flight->body, "{\"entities\":[");
    while (*id && *id != '&') {
        size_t size = strcspn(id, ",&");

        for (unsigned i = 0; i < world.record_count; i++) {
            const struct record *record = &world.records[i];
            const char *uuid = strstr(record->rest, "\"requestCorrelationId\"");

            if (strlen(record->id) != size || strncmp(record->id, id, size) != 0 || !uuid)
                continue;
            buf_printf(&flight->body, "%s{\"entityId\":\"%s\",\"version\":%" PRId64 ",%.*s}",
                       count++ ? "," : "", record->id, record->version, (int)strcspn(uuid, "}"),
                       uuid);
        }
        id += size + (id[size] == ',');
    }
    buf_printf(&flight->body, "],\"total\":%u}", count);
    flight->answer.status = 200;
}

static void answer_correctly(const struct http_request *request, const char *id,
                             struct flight *flight)
{
    int64_t version = 0;
    struct record *record;

    if (is_login(request)) {
        flight->answer.status = 200;
        buf_printf(&flight->body, "{\"access_token\":\"token%u\",\"expires_in\":3600}",
                   ++world.logins);
        return;
    }
    if (request->method == HTTP_POST) {
        apply_several(request->body, flight);
        return;
    }
    if (strstr(request->url, "/auditlogs?")) {
        answer_audit(request->url, flight);
        return;
    }
    if (request->method == HTTP_PUT)
        version = strtoll(request->body.data + strlen("{\"version\":"), NULL, 10);
    record = find_record(id, request->method == HTTP_PUT ? version : -1);
    if (request->method == HTTP_PUT) {
        apply(record, version, request->body, flight);
    } else if (record->version < 0) {
        flight->answer.status = 404;
        buf_append_text(&flight->body, "{\"code\":\"not.found\",\"message\":\"no\"}");
    } else if (record->rest[0] == '{') {
        flight->answer.status = 200;
        buf_append_text(&flight->body, record->rest);
    } else {
        flight->answer.status = 200;
        buf_printf(&flight->body, "{\"version\":%" PRId64 "%s", record->version, record->rest);
    }
}

static const struct reply *find_reply(const char *text)
{
    for (unsigned i = 0; world.replies && world.replies[i].to; i++) {
        const struct reply *reply = &world.replies[i];

        if (strncmp(text, reply->to, strlen(reply->to)) != 0 ||
            (reply->times && world.used[i] >= reply->times))
            continue;
        world.used[i]++;
        return reply;
    }
    return NULL;
}

/* The request as the trace has it, without its time. */
static void describe(const struct http_request *request, const char *id, char text[TRACE_SIZE])
{
    struct span body = request->body, item, rest;

    if (is_login(request)) {
        snprintf(text, TRACE_SIZE, "login");
    } else if (request->method == HTTP_POST) {
        snprintf(text, TRACE_SIZE, "BULK");
        while (take_item(&body, &item, &rest))
            snprintf(text + strlen(text), TRACE_SIZE - strlen(text), " %.*s", (int)item.size,
                     item.data);
    } else if (request->method == HTTP_PUT) {
        snprintf(text, TRACE_SIZE, "PUT %s v%" PRId64, id,
                 (int64_t)strtoll(request->body.data + strlen("{\"version\":"), NULL, 10));
    } else {
        snprintf(text, TRACE_SIZE, "%s %s", strstr(request->url, "auditlogs") ? "AUDIT" : "GET",
                 id);
    }
}

static void append_body(struct buf *out, const char *body)
{
    for (; *body; body++)
        if (*body == '#')
            buf_printf(out, "%u", world.requests);
        else
            buf_append_char(out, *body);
}

bool http_pool_start(struct http_pool *pool, const struct http_request *request, struct err *err)
{
    struct flight *flight = pool->flights;
    const char *id = strrchr(request->url, '/') + 1;
    const struct reply *reply;
    char text[TRACE_SIZE];

    while (flight->used)
        flight++;
    assert_true(flight < pool->flights + pool->slots);
    if (is_broken("start"))
        return err_set(err, ERR_INTERNAL, "libcurl is broken");
    describe(request, id, text);
    if (is_broken("update") && request->method == HTTP_PUT)
        return err_set(err, ERR_INTERNAL, "libcurl is broken");
    buf_printf(&world.sent, "%" PRId64 " %s\n", world.now_us / 1000, text);
    world.requests++;
    reply = find_reply(text);
    if (world.now_us > 101000 && pool->slots - http_pool_free(pool) + 1 > world.busy_late)
        world.busy_late = pool->slots - http_pool_free(pool) + 1;
    *flight = (struct flight){.used = true, .body = flight->body};
    buf_reset(&flight->body);
    flight->answer = (struct http_answer){.context = request->context,
                                          .retry_after_ms = -1,
                                          .started_ms = clock_now_ms(),
                                          .slot = (unsigned)(flight - pool->flights)};
    if (!reply || reply->applied || (!reply->status && !reply->end))
        answer_correctly(request, id, flight);
    if (reply && (reply->status || reply->end)) {
        flight->answer.end = reply->end;
        flight->answer.status = reply->status;
        flight->answer.retry_after_ms = reply->retry_after_s ? reply->retry_after_s * 1000 : -1;
        if (reply->end != HTTP_DONE)
            snprintf(flight->answer.error, sizeof flight->answer.error, "the cable was cut");
        buf_reset(&flight->body);
        append_body(&flight->body, reply->body ? reply->body : "{\"message\":\"no\"}");
    }
    flight->answer.latency_us = (reply && reply->latency_ms ? reply->latency_ms : ANSWER_MS) * 1000;
    flight->end_us = world.now_us + flight->answer.latency_us;
    return true;
}

/* Moves the clock to the next event: an answer, the end of a turn, a signal, or the time-out. */
bool http_pool_wait(struct http_pool *pool, int timeout_ms, int fd, struct err *err)
{
    int64_t until_us = world.now_us + (int64_t)timeout_ms * 1000;

    assert_int_equal(fd, stop_fd());
    assert_true(++world.waits < WAITS_MAX);
    if (is_broken("wait"))
        return err_set(err, ERR_INTERNAL, "libcurl is broken");
    for (unsigned i = 0; i < pool->slots; i++)
        if (pool->flights[i].used && pool->flights[i].end_us < until_us)
            until_us = pool->flights[i].end_us;
    if (!the_keeper.idle && world.turn_us < until_us)
        until_us = world.turn_us;
    if (world.stop_us > world.now_us && world.stop_us < until_us)
        until_us = world.stop_us;
    if (until_us > world.now_us)
        world.now_us = until_us;
    for (unsigned i = 0; i < pool->slots; i++)
        pool->flights[i].done = pool->flights[i].used && pool->flights[i].end_us <= world.now_us;
    return true;
}

void http_pool_wake(struct http_pool *pool)
{
    (void)pool;
}

struct http_answer *http_pool_next(struct http_pool *pool)
{
    for (unsigned i = 0; i < pool->slots; i++) {
        struct flight *flight = &pool->flights[i];

        if (!flight->done)
            continue;
        flight->done = false;
        flight->answer.ended_ms = clock_now_ms();
        if (flight->answer.end == HTTP_DONE)
            flight->answer.body = buf_span(&flight->body);
        return &flight->answer;
    }
    return NULL;
}

void http_pool_release(struct http_pool *pool, struct http_answer *answer)
{
    assert_true(pool->flights[answer->slot].used);
    pool->flights[answer->slot].used = false;
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
    buf_release(&world.said);
    return fixture_end(state);
}

static inline void hear(void *context, const char *text)
{
    (void)context;
    buf_append_text(&world.said, text);
    buf_append_char(&world.said, '\n');
}

static inline void look_on(void *context, const struct drain_progress *progress)
{
    (void)context;
    world.progress = *progress;
    world.reports++;
    if (progress->settled && !world.settled_us)
        world.settled_us = world.now_us;
    if (progress->left > world.most_left)
        world.most_left = progress->left;
    if (progress->paused_ms > world.paused_ms)
        world.paused_ms = progress->paused_ms;
    if (progress->pause != DRAIN_PAUSE_NONE)
        world.sending_in_pause = (int)strtol(
            fixture_ask(world.fixture, "SELECT sum(sending) FROM batch_tally"), NULL, 10);
}

static inline struct drain_options usual(void)
{
    static const struct notice_sink notices = {hear, NULL};
    struct drain_options options = {
        .client = {.id = "client", .secret = "secret-of-the-client"},
        .user_agent = "test",
        .source = "test",
        .tags = "[]",
        .concurrency = 2,
        .timeout_ms = 30000,
        .max_retries = 3,
        .max_attempts = 10,
        .max_wait_ms = 60000,
        .audit_wait_ms = 10000,
        .schemas = "schema",
        .run_id = world.fixture->run_id++,
        .notices = &notices,
        .progress = look_on,
    };

    snprintf(options.environment.api_url, sizeof options.environment.api_url, "http://api");
    snprintf(options.environment.login_url, sizeof options.environment.login_url, "http://login");
    snprintf(options.environment.token_url, sizeof options.environment.token_url,
             "http://login/oauth/token");
    return options;
}

/* Leaves two claimed jobs of a drain that was killed, the first of them handed over. Returns the
 * drain lock with its mark, to be released. */
static inline struct lock *interrupted_drain(void)
{
    struct lock *lock = lock_take(world.fixture->path, LOCK_DRAIN, 1, 1, &world.fixture->err);

    assert_non_null(lock);
    fixture_ask(world.fixture, "INSERT INTO run(id, command, version, started_ms) "
                               "VALUES(8, 'drain', '1', 1)");
    lock_begin_mark(lock, world.fixture->run_id);
    fixture_claim(world.fixture, 2);
    lock_mark(lock, world.fixture->in_hand[0]->attempt_id);
    fixture_reopen(world.fixture);
    world.fixture->interrupted = true;
    return lock;
}

/* Drains with these replies, and checks the database afterwards. */
static inline bool drain(const struct drain_options *options, const struct reply *replies,
                         struct drain_result *result)
{
    bool fine;

    world.replies = replies;
    memset(world.used, 0, sizeof world.used);
    buf_reset(&world.sent);
    buf_reset(&world.said);
    world.fixture->err = (struct err){0};
    fine = drain_run(world.fixture->store, options, result, &world.fixture->err);
    assert_int_equal(fine, world.fixture->err.kind == ERR_NONE);
    if (!world.fails)
        fixture_check(world.fixture);
    return fine;
}

static inline void assert_ends(const struct drain_options *options, const struct reply *replies,
                               enum drain_end expected)
{
    struct drain_result result;

    if (!drain(options, replies, &result))
        fail_msg("%s", world.fixture->err.text);
    assert_int_equal(result.end, expected);
}

static inline void assert_fails(const struct drain_options *options, const struct reply *replies,
                                enum err_kind kind, const char *text)
{
    struct drain_result result;

    assert_false(drain(options, replies, &result));
    assert_int_equal(world.fixture->err.kind, kind);
    if (!strstr(world.fixture->err.text, text))
        fail_msg("%s: does not hold '%s'", world.fixture->err.text, text);
}

/* Jobs by state: `2 applied, 1 pending`. */
static inline const char *jobs(void)
{
    return fixture_ask(world.fixture, "SELECT group_concat(n || ' ' || state, ', ') FROM (SELECT "
                                      "count(*) AS n, state FROM job GROUP BY state)");
}

static inline unsigned requests(const char *text)
{
    unsigned count = 0;

    for (const char *at = buf_text(&world.sent); (at = strstr(at, text)); at++)
        count++;
    return count;
}

/* When the n-th request, counted from 0, left (ms); -1 when there were fewer. */
static inline int64_t sent_ms(unsigned n)
{
    const char *line = buf_text(&world.sent);

    for (; n > 0 && line[0]; n--)
        line = strchr(line, '\n') + 1;
    return line[0] ? strtoll(line, NULL, 10) : -1;
}

#define IN_TIME(name) cmocka_unit_test_setup_teardown(name, begin, end)

#define BATCH(words)  fixture_batch(world.fixture, "InventoryItem", words)

/* A batch of records r0, r1, ... at version 5. */
static inline void add_batch_of(int rows)
{
    struct buf words = {0};

    for (int i = 0; i < rows; i++)
        buf_printf(&words, "r%d:5 ", i);
    BATCH(buf_text(&words));
    buf_release(&words);
}
