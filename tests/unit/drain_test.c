/* The loop of a drain in simulated time: what is claimed, sent and settled, and how a run ends. */
#include "core/store/runs.h"
#include "tests/unit/drain_scene.h"

#include <unistd.h>

static void every_job_is_claimed_sent_and_settled_once(void **state)
{
    struct drain_options options = usual();
    struct drain_result result;

    (void)state;
    BATCH("a:5 b:6 c:7");
    assert_true(drain(&options, NULL, &result));
    assert_int_equal(result.end, DRAIN_FINISHED);
    /* two at a time, once the login has answered and the turn that claimed them is committed */
    assert_string_equal(buf_text(&world.sent), "0 login\n"
                                               "50 PUT a v5\n"
                                               "50 PUT b v6\n"
                                               "100 PUT c v7\n");
    assert_string_equal(jobs(), "3 applied");
    assert_int_equal(result.run.requests, 3);
    assert_int_equal(result.meter.answers[2], 3);
    assert_int_equal(result.run.latency_avg_us, ANSWER_MS * 1000);
    assert_string_equal(buf_text(&world.said), "");
    assert_int_equal(world.progress.settled, 3);
    assert_int_equal(world.progress.left, 0);
}

static void nothing_is_sent_without_jobs(void **state)
{
    struct drain_options options = usual();

    (void)state;
    assert_ends(&options, NULL, DRAIN_FINISHED);
    assert_int_equal(requests("PUT"), 0);
    assert_int_equal(requests("GET"), 0);
}

static void updates_of_one_record_follow_each_other(void **state)
{
    struct drain_options options = usual();

    (void)state;
    BATCH("a:5 a:6 a:7 b:1");
    assert_ends(&options, NULL, DRAIN_FINISHED);
    assert_string_equal(jobs(), "4 applied");
    assert_int_equal(find_record("a", 0)->version, 8);
    assert_int_equal(requests("PUT"), 4);
}

static void a_conflict_is_read_back_and_kept(void **state)
{
    struct drain_options options = usual();
    static const char record[] =
        "{\"version\":6,\"fields\":{\"n\":0},\"metadata\":{\"requestCorrelationId\":"
        "\"11111111-2222-4333-8444-555555555555\"}}";
    static const struct reply replies[] = {
        {.to = "PUT a", .status = 409, .body = "{\"code\":\"conflict\",\"version\":6}"},
        {.to = "GET a", .status = 200, .body = record},
        {0}};

    (void)state;
    BATCH("a:5 b:5");
    assert_ends(&options, replies, DRAIN_FINISHED);
    assert_string_equal(jobs(), "1 applied, 1 conflict");
    assert_int_equal(requests("a"), 2);
    assert_string_equal(fixture_ask(world.fixture, "SELECT server_version, http_status FROM job "
                                                   "WHERE state = 'conflict'"),
                        "6|409");
}

static void a_401_fetches_another_token_and_costs_no_attempt(void **state)
{
    static const struct reply replies[] = {{.to = "PUT a", .times = 1, .status = 401}, {0}};
    struct drain_options options = usual();

    (void)state;
    BATCH("a:5 b:6");
    assert_ends(&options, replies, DRAIN_FINISHED);
    assert_string_equal(jobs(), "2 applied");
    assert_int_equal(world.logins, 2);
    assert_int_equal(requests("PUT a"), 2);
}

static void three_tokens_refused_in_a_row_end_the_run(void **state)
{
    static const struct reply replies[] = {{.to = "PUT", .status = 401}, {0}};
    struct drain_options options = usual();

    (void)state;
    BATCH("a:5 b:6 c:7 d:8 e:9 f:1 g:2 h:3");
    assert_fails(&options, replies, ERR_AUTH, "the API refused us with 401");
    assert_true(world.logins <= 3);
    assert_true(requests("PUT") <= 6);
    assert_string_equal(jobs(), "8 pending");
}

static void no_answer_is_read_back_before_anything_is_sent_again(void **state)
{
    static const struct reply replies[] = {
        {.to = "PUT a", .times = 1, .end = HTTP_CUT, .applied = true},
        {.to = "PUT b", .times = 1, .end = HTTP_TOO_LARGE},
        {0}};
    struct drain_options options = usual();

    (void)state;
    BATCH("a:5 b:6");
    /* what the server has for b is older than the update: it did not land */
    find_record("b", 6);
    assert_ends(&options, replies, DRAIN_FINISHED);
    assert_string_equal(jobs(), "2 applied");
    assert_int_equal(requests("PUT a"), 1);
    assert_int_equal(requests("GET a"), 1);
    assert_int_equal(requests("PUT b"), 2);
    assert_true(strstr(buf_text(&world.sent), "GET b") <
                    strstr(buf_text(&world.sent), "PUT b v6\n") ||
                requests("GET b") == 1);
    assert_int_equal(find_record("b", 0)->version, 7);
}

static void a_certificate_that_is_not_trusted_ends_the_run_at_once(void **state)
{
    static const struct reply replies[] = {{.to = "PUT", .end = HTTP_UNTRUSTED}, {0}};
    struct drain_options options = usual();

    (void)state;
    BATCH("a:5 b:6 c:7 d:8");
    assert_fails(&options, replies, ERR_CONFIG, "the certificate of http://api is not trusted");
    assert_int_equal(requests("PUT"), 2);
    assert_string_equal(jobs(), "4 pending");
}

static void a_proxy_that_wants_credentials_ends_the_run(void **state)
{
    static const struct reply tunnel[] = {{.to = "PUT", .end = HTTP_PROXY}, {0}};
    static const struct reply plain[] = {{.to = "PUT", .status = 407}, {0}};
    static const struct reply login[] = {{.to = "login", .status = 407}, {0}};
    static const struct reply tunnel_of_login[] = {{.to = "login", .end = HTTP_PROXY}, {0}};
    struct drain_options options = usual();

    (void)state;
    BATCH("a:5");
    assert_fails(&options, tunnel, ERR_CONFIG, "a proxy before http://api wants credentials (407)");
    options = usual();
    options.proxy = "http://proxy:3128";
    assert_fails(&options, plain, ERR_CONFIG, "the proxy http://proxy:3128 wants credentials");
    options = usual();
    assert_fails(&options, login, ERR_CONFIG, "a proxy before http://api wants credentials (407)");
    options = usual();
    assert_fails(&options, tunnel_of_login, ERR_CONFIG, "wants credentials (407)");
    assert_string_equal(jobs(), "1 pending");
}

static void a_service_that_only_fails_ends_the_run_not_the_jobs(void **state)
{
    static const struct reply replies[] = {
        {.to = "PUT", .status = 500, .body = "{\"message\":\"out of order\"}"},
        {.to = "GET", .status = 500, .body = "{\"message\":\"out of order\"}"},
        {0}};
    struct drain_options options = usual();
    struct drain_result result;

    (void)state;
    add_batch_of(100);
    options.concurrency = 8;
    assert_true(drain(&options, replies, &result));
    assert_int_equal(result.end, DRAIN_EXHAUSTED);
    assert_string_equal(result.reason, "the API answers, but too few requests succeed for their "
                                       "retries (last: out of order)");
    assert_in_range(requests("PUT"), 20, 40);
    assert_string_equal(fixture_ask(world.fixture, "SELECT count(*) FROM job WHERE state NOT IN "
                                                   "('pending', 'unknown')"),
                        "0");
}

static void a_403_to_all_stops_the_run_and_one_after_a_success_refuses_its_job(void **state)
{
    static const char denied[] = "{\"code\":\"not.authorized\",\"message\":\"no permission\"}";
    static const struct reply all[] = {{.to = "PUT", .status = 403, .body = denied}, {0}};
    static const struct reply one[] = {{.to = "PUT r7 ", .status = 403, .body = denied}, {0}};
    struct drain_options options = usual();

    (void)state;
    add_batch_of(60);
    assert_fails(
        &options, all, ERR_AUTH,
        "the API refused us with 403 not.authorized (no permission): give the OAuth client");
    assert_in_range(requests("PUT"), 20, 30);
    assert_string_equal(jobs(), "60 pending");

    options = usual();
    assert_ends(&options, one, DRAIN_FINISHED);
    assert_string_equal(jobs(), "59 applied, 1 refused");
}

static void an_answer_that_is_not_the_apis_ends_the_run(void **state)
{
    static const struct reply replies[] = {
        {.to = "PUT", .status = 301, .body = "<html>moved</html>"}, {0}};
    struct drain_options options = usual();

    (void)state;
    BATCH("a:5 b:6");
    /* too few for a sample: nothing else is left to try */
    assert_fails(&options, replies, ERR_CONFIG, "http://api answered 301 to an update");
    assert_string_equal(jobs(), "2 pending");
}

static void the_same_refusal_to_all_jobs_ends_the_run(void **state)
{
    static const struct reply replies[] = {
        {.to = "PUT", .status = 404, .body = "{\"code\":\"not.found\",\"message\":\"no\"}"}, {0}};
    struct drain_options options = usual();

    (void)state;
    add_batch_of(60);
    assert_fails(&options, replies, ERR_CONFIG,
                 "jobs were answered 404 not.found (no), and none succeeded");
    assert_string_equal(jobs(), "60 pending");
}

static void more_refusals_than_allowed_end_the_run(void **state)
{
    static const struct reply replies[] = {
        {.to = "PUT r1", .status = 400, .body = "{\"message\":\"bad\"}"}, {0}};
    struct drain_options options = usual();

    (void)state;
    add_batch_of(240);
    options.has_max_refused = true;
    options.max_refused = 2;
    assert_fails(&options, replies, ERR_LIMIT, "jobs were refused, and --max-refused allows 2");
    assert_string_equal(
        fixture_ask(world.fixture,
                    "SELECT count(*) BETWEEN 3 AND 4 FROM job WHERE state = 'refused'"),
        "1");

    options = usual();
    options.has_max_refused_percent = true;
    options.max_refused_percent = 7.5;
    assert_fails(&options, replies, ERR_LIMIT, "jobs were refused, and --max-refused allows 7.5%");
}

static void answers_of_the_login_end_the_run_too(void **state)
{
    static const struct reply wrong[] = {
        {.to = "login", .status = 401, .body = "{\"error\":\"invalid_client\"}"}, {0}};
    static const struct reply busy[] = {{.to = "login", .times = 2, .status = 503}, {0}};
    static const struct reply broken[] = {{.to = "login", .status = 503}, {0}};
    static const struct reply later[] = {{.to = "login", .status = 429, .retry_after_s = 600}, {0}};
    struct drain_options options = usual();
    struct drain_result result;

    (void)state;
    BATCH("a:5");
    assert_fails(&options, wrong, ERR_AUTH, "wrong client secret");
    assert_int_equal(requests("\n"), 1);
    options = usual();
    assert_fails(&options, broken, ERR_NETWORK, "no token: login at http://login: HTTP 503");
    assert_int_equal(requests("login"), 4);
    assert_int_equal(requests("PUT"), 0);
    options = usual();
    assert_ends(&options, busy, DRAIN_FINISHED);
    assert_int_equal(requests("login"), 3);
    assert_string_equal(jobs(), "1 applied");
    BATCH("b:5");
    options = usual();
    assert_true(drain(&options, later, &result));
    assert_int_equal(result.end, DRAIN_PARKED);
    assert_non_null(strstr(result.reason, "login at http://login: HTTP 429"));
}

static void a_job_that_waits_for_its_retry_is_sent_when_it_is_due(void **state)
{
    static const struct reply replies[] = {{.to = "PUT a", .times = 2, .status = 408}, {0}};
    struct drain_options options = usual();

    (void)state;
    BATCH("a:5");
    assert_ends(&options, replies, DRAIN_FINISHED);
    assert_string_equal(jobs(), "1 applied");
    assert_in_range(sent_ms(2) - sent_ms(1), 1000, 1400);
    assert_in_range(sent_ms(3) - sent_ms(2), 2000, 2700);
}

static void jobs_of_an_interrupted_run_are_read_back_first(void **state)
{
    struct drain_options options = usual();

    (void)state;
    BATCH("a:5 b:6");
    fixture_claim(world.fixture, 1); /* and the process ends */
    fixture_reopen(world.fixture);
    world.fixture->interrupted = true;
    find_record("a", 5);
    assert_ends(&options, NULL, DRAIN_FINISHED);
    assert_string_equal(jobs(), "2 applied");
    assert_int_equal(requests("GET a"), 1);
    assert_non_null(strstr(buf_text(&world.said), "1 jobs were interrupted while they were sent"));
}

static void a_lock_that_is_lost_ends_the_run(void **state)
{
    struct drain_options options = usual();
    char path[SCRATCH_SIZE + 32];

    (void)state;
    snprintf(path, sizeof path, "%s.drain", world.fixture->path);
    BATCH("a:5 b:6");
    options.lock = lock_take(world.fixture->path, LOCK_DRAIN, 1, 1, &world.fixture->err);
    assert_non_null(options.lock);
    assert_int_equal(unlink(path), 0);
    world.now_us += 2000000;
    assert_fails(&options, NULL, ERR_BUSY, "");
    assert_int_equal(requests("PUT"), 0);
    assert_string_equal(jobs(), "2 pending");
    lock_release(options.lock);
}

static void a_job_that_another_process_changed_ends_the_run(void **state)
{
    struct drain_options options = usual();

    (void)state;
    BATCH("a:5 b:6");
    world.fails = "lock";
    assert_fails(&options, NULL, ERR_BUSY, "was changed by another process while this one worked");
}

static void a_store_or_a_network_that_breaks_ends_the_run(void **state)
{
    static const struct {
        const char *fails;
        enum err_kind kind;
    } parts[] = {{"pool", ERR_CONFIG},   {"keeper", ERR_STORE},   {"turn", ERR_STORE},
                 {"wait", ERR_INTERNAL}, {"start", ERR_INTERNAL}, {"update", ERR_INTERNAL}};

    (void)state;
    BATCH("a:5");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct drain_options options = usual();

        world.fails = parts[i].fails;
        assert_fails(&options, NULL, parts[i].kind, "");
    }
}

static void rows_of_other_batches_that_must_go_first_are_reported(void **state)
{
    struct drain_options options = usual();

    (void)state;
    options.concurrency = 1;
    BATCH("a:5 b:5 c:5 d:5 e:5 f:5 g:5 h:5");
    options.batch_id = BATCH("a:6 b:6 c:6 d:6 e:6 f:6 g:6 i:7");
    assert_ends(&options, NULL, DRAIN_FINISHED);
    assert_string_equal(jobs(), "15 applied, 1 pending");
    assert_string_equal(buf_text(&world.said), "rows of batch 2 wait for earlier rows of their "
                                               "records in other batches: those are sent first\n");
}

static void an_address_that_is_not_allowed_ends_the_run_at_once(void **state)
{
    static const struct reply replies[] = {
        {.to = "PUT", .status = 401, .body = "{\"code\":\"ip.not.authorized\"}"}, {0}};
    struct drain_options options = usual();

    (void)state;
    BATCH("a:5 b:6 c:7");
    assert_fails(&options, replies, ERR_AUTH, "check the OAuth client and the address that it may");
    assert_int_equal(world.logins, 1);
    assert_string_equal(jobs(), "3 pending");
}

/* Someone else has changed the record, and --on-conflict rebase. */
static void a_rebase_needs_the_schema_file_and_builds_on_what_is_fetched(void **state)
{
    struct drain_options options = usual();

    (void)state;
    BATCH("a:5");
    find_record("a", 6);
    snprintf(world.records[0].rest, sizeof world.records[0].rest,
             ",\"fields\":{\"n\":0,\"note\":\"theirs\"},\"metadata\":{\"requestCorrelationId\":"
             "\"11111111-2222-4333-8444-555555555555\"}}");
    options.on_conflict = POLICY_REBASE;
    options.schemas = "/nonexistent";
    assert_fails(&options, NULL, ERR_CONFIG, "/nonexistent/InventoryItem.json");
    assert_string_equal(jobs(), "1 pending");

    options = usual();
    options.on_conflict = POLICY_REBASE;
    assert_ends(&options, NULL, DRAIN_FINISHED);
    assert_string_equal(jobs(), "1 applied");
    assert_non_null(strstr(world.records[0].rest, "\"n\":1,\"note\":\"theirs\""));
    assert_int_equal(world.records[0].version, 7);
}

/* At one point a job is due, few claims are not worth a turn, and all requests wait for their
 * answers: the loop has to sleep there. */
static void jobs_that_fail_at_the_head_of_the_queue_do_not_end_the_run(void **state)
{
    static const struct reply replies[] = {{.to = "PUT r1", .status = 500}, {0}};
    struct drain_options options = usual();
    struct drain_result result;
    char id[16];

    (void)state;
    options.concurrency = 4;
    for (int i = 0; i < 20; i++) {
        snprintf(id, sizeof id, "r1%d", i);
        find_record(id, 5);
    }
    BATCH("r10:5 r11:5 r12:5 r13:5 r14:5 r15:5 r16:5 r17:5 r18:5 r19:5 r110:5 r111:5 r112:5");
    for (int i = 0; i < 4; i++)
        BATCH("a:1 b:1 c:1 d:1 e:1 f:1 g:1 h:1 i:1 j:1 k:1 l:1 m:1 n:1 o:1 p:1");
    world.record_count = 20; /* each batch meets the records as its rows expect them */
    assert_true(drain(&options, replies, &result));
    assert_int_equal(result.end, DRAIN_FINISHED);
    assert_string_equal(fixture_ask(world.fixture, "SELECT count(*) FROM job WHERE record_id LIKE "
                                                   "'r1%' AND state IN ('pending', 'unknown')"),
                        "13");
    assert_int_equal(result.run.requests,
                     result.meter.answers[2] + result.meter.answers[4] + result.meter.answers[5]);
}

static const char theirs_in_the_log[] =
    "{\"entities\":[{\"entityId\":\"a\",\"version\":6,\"requestCorrelationId\":"
    "\"11111111-2222-4333-8444-555555555555\"}],\"total\":1}";

static void the_audit_log_is_asked_where_the_record_has_moved_on(void **state)
{
    static const struct reply theirs[] = {{.to = "PUT a", .times = 1, .end = HTTP_CUT},
                                          {.to = "AUDIT", .status = 200, .body = theirs_in_the_log},
                                          {0}};
    static const struct reply silent[] = {
        {.to = "PUT b", .times = 1, .end = HTTP_CUT},
        {.to = "AUDIT", .status = 200, .body = "{\"entities\":[],\"total\":0}"},
        {0}};
    struct drain_options options = usual();
    int64_t began_us;

    (void)state;
    BATCH("a:5");
    find_record("a", 8);
    assert_ends(&options, theirs, DRAIN_FINISHED);
    assert_string_equal(jobs(), "1 conflict");
    assert_int_equal(requests("AUDIT"), 1);

    options = usual();
    began_us = world.now_us;
    BATCH("b:5");
    find_record("b", 8);
    assert_ends(&options, silent, DRAIN_FINISHED);
    assert_string_equal(jobs(), "2 conflict");
    /* a missing entry counts only after --audit-wait */
    assert_in_range(world.now_us - began_us, 10000000, 12000000);
    assert_in_range(requests("AUDIT"), 4, 10);
}

static void refusals_beyond_the_limit_are_final_though_nothing_was_taken(void **state)
{
    static const struct reply replies[] = {
        {.to = "PUT", .status = 400, .body = "{\"code\":\"bad\",\"message\":\"no\"}"}, {0}};
    struct drain_options options = usual();

    (void)state;
    options.has_max_refused = true;
    options.max_refused = 2;
    BATCH("a:5 b:6 c:7 d:8 e:9");
    assert_fails(&options, replies, ERR_LIMIT, "3 of 3 jobs were refused");
    assert_int_equal(requests("PUT"), 4);
    assert_string_equal(jobs(), "1 pending, 4 refused");
}

static void refusals_that_differ_refuse_their_jobs(void **state)
{
    static const struct reply replies[] = {
        {.to = "PUT a", .status = 400, .body = "{\"code\":\"bad\"}"},
        {.to = "PUT b", .status = 404, .body = "{\"code\":\"not.found\"}"},
        {0}};
    struct drain_options options = usual();

    (void)state;
    BATCH("a:5 b:6");
    assert_ends(&options, replies, DRAIN_FINISHED);
    assert_string_equal(jobs(), "2 refused");
}

static void a_claim_that_was_not_handed_over_does_not_count_as_an_attempt(void **state)
{
    struct lock_mark mark;
    struct drain_options options = usual();

    (void)state;
    BATCH("a:5 b:6");
    options.lock = interrupted_drain();
    find_record("a", 5);
    find_record("b", 6);
    assert_ends(&options, NULL, DRAIN_FINISHED);
    assert_string_equal(jobs(), "2 applied");
    assert_string_equal(fixture_ask(world.fixture, "SELECT record_id, attempts FROM job"),
                        "a|2; b|1");
    assert_true(lock_read_mark(options.lock, &mark));
    assert_int_equal(mark.run_id, options.run_id);
    assert_int_equal(mark.attempt_id,
                     strtol(fixture_ask(world.fixture, "SELECT max(id) FROM attempt"), NULL, 10));
    lock_release(options.lock);
}

static void counts_of_earlier_drains_of_the_run_are_added_to(void **state)
{
    struct drain_options options = usual();
    struct meter before = {.requests = 7, .throttled = 2};
    struct drain_result result;

    (void)state;
    options.before = &before;
    options.progress = NULL;
    BATCH("a:5");
    assert_true(drain(&options, NULL, &result));
    assert_int_equal(result.run.requests, 8);
    assert_int_equal(result.run.throttled, 2);
    assert_int_equal(world.reports, 0);
}

static void only_the_first_reason_to_stop_is_reported(void **state)
{
    static const struct reply replies[] = {
        {.to = "PUT a", .end = HTTP_UNTRUSTED},
        {.to = "PUT b",
         .status = 401,
         .body = "{\"code\":\"ip.not.authorized\"}",
         .latency_ms = 60},
        {.to = "PUT c", .status = 407, .latency_ms = 70},
        {.to = "PUT d", .end = HTTP_NEVER_LEFT, .latency_ms = 80},
        {.to = "PUT e", .status = 429, .retry_after_s = 600, .latency_ms = 90},
        {.to = "PUT f", .status = 500, .latency_ms = 100},
        {0}};
    struct drain_options options = usual();

    (void)state;
    options.concurrency = 7;
    BATCH("a:5 b:6 c:7 d:8 e:9 f:10 g:11");
    assert_fails(&options, replies, ERR_CONFIG, "the certificate of http://api is not trusted");
    assert_string_equal(jobs(), "1 applied, 5 pending, 1 unknown");
    /* how long the server asked to wait is remembered anyway */
    assert_string_equal(fixture_ask(world.fixture, "SELECT count(*) FROM pause"), "1");
}

static const char *verdicts(void)
{
    return fixture_ask(world.fixture, "SELECT group_concat(n || ' ' || verdict, ', ') FROM (SELECT "
                                      "count(*) AS n, verdict FROM audit GROUP BY verdict)");
}

static void applied_jobs_are_looked_up_in_the_audit_log(void **state)
{
    static const struct reply silent[] = {
        {.to = "AUDIT", .status = 200, .body = "{\"entities\":[],\"total\":0}"}, {0}};
    static const struct reply theirs[] = {{.to = "AUDIT", .status = 200, .body = theirs_in_the_log},
                                          {0}};
    struct drain_options options = usual();
    int64_t began_us;

    (void)state;
    BATCH("b:5 c:6 d:7");
    options.audit_share = 1;
    options.audit_ids = 2;
    assert_ends(&options, NULL, DRAIN_FINISHED);
    assert_string_equal(jobs(), "3 applied");
    assert_string_equal(verdicts(), "3 verified");
    assert_int_equal(requests("AUDIT"), 2);
    assert_true(world.progress.auditing);

    /* what the log does not show is missing after --audit-wait, and not before */
    BATCH("e:5");
    options = usual();
    options.audit_share = 1;
    options.audit_ids = 2;
    began_us = world.now_us;
    assert_ends(&options, silent, DRAIN_FINISHED);
    assert_string_equal(verdicts(), "1 missing, 3 verified");
    assert_in_range(world.now_us - began_us, 10000000, 20000000);

    BATCH("a:5");
    options = usual();
    options.audit_share = 1;
    options.audit_ids = 1;
    assert_ends(&options, theirs, DRAIN_FINISHED);
    assert_string_equal(verdicts(), "1 mismatch, 1 missing, 3 verified");
}

/* Later audits of the same jobs send no updates. */
static void an_audit_alone_sends_nothing(void **state)
{
    struct drain_options options = usual();

    (void)state;
    BATCH("a:5 b:6");
    assert_ends(&options, NULL, DRAIN_FINISHED);
    BATCH("c:6");
    fixture_claim(world.fixture, 1); /* and the process ends */
    fixture_reopen(world.fixture);
    world.fixture->interrupted = true;
    options = usual();
    options.audit_share = 1;
    options.audit_ids = 50;
    options.audit_only = true;
    assert_ends(&options, NULL, DRAIN_FINISHED);
    assert_string_equal(verdicts(), "2 verified");
    assert_int_equal(requests("PUT"), 0);
    assert_string_equal(jobs(), "2 applied, 1 sending");
}

/* A sample needs few requests in flight, even where many are allowed. */
static void a_sample_limits_what_is_in_flight(void **state)
{
    static const struct reply replies[] = {{.to = "PUT", .status = 403}, {0}};
    struct drain_options options = usual();

    (void)state;
    options.concurrency = 100;
    add_batch_of(240);
    assert_fails(&options, replies, ERR_AUTH, "the API refused us with 403");
    assert_in_range(requests("PUT"), 100, 140);
    assert_in_range(world.spread_wanted, 1, 20);
    assert_string_equal(jobs(), "240 pending");
}

static void a_service_that_never_answers_ends_the_run(void **state)
{
    static const struct reply replies[] = {
        {.to = "PUT", .end = HTTP_CUT}, {.to = "GET", .end = HTTP_CUT}, {0}};
    struct drain_options options = usual();
    struct drain_result result;

    (void)state;
    options.concurrency = 4;
    add_batch_of(60);
    assert_true(drain(&options, replies, &result));
    assert_int_equal(result.end, DRAIN_EXHAUSTED);
    assert_string_equal(result.reason, "the API answers, but too few requests succeed for their "
                                       "retries (last: no answer)");
}

static void a_database_that_cannot_store_a_pause_is_an_error(void **state)
{
    static const struct reply replies[] = {{.to = "PUT", .status = 429, .retry_after_s = 600}, {0}};
    struct drain_options options = usual();

    (void)state;
    BATCH("a:5");
    fixture_ask(world.fixture, "CREATE TRIGGER full BEFORE INSERT ON pause BEGIN SELECT "
                               "RAISE(ABORT, 'full'); END");
    assert_fails(&options, replies, ERR_STORE, "full");
    fixture_ask(world.fixture, "DROP TRIGGER full");
    fixture_ask(world.fixture, "ALTER TABLE pause RENAME TO paused");
    options = usual();
    assert_fails(&options, NULL, ERR_STORE, "pause");
    assert_string_equal(buf_text(&world.sent), "");
    fixture_ask(world.fixture, "ALTER TABLE paused RENAME TO pause");
}

static void tokens_that_are_refused_now_and_then_do_not_end_the_run(void **state)
{
    static const struct reply replies[] = {{.to = "PUT b", .times = 1, .status = 401},
                                           {.to = "PUT e", .times = 1, .status = 401},
                                           {.to = "PUT h", .times = 1, .status = 401},
                                           {0}};
    struct drain_options options = usual();

    (void)state;
    options.concurrency = 1;
    BATCH("a:5 b:5 c:5 d:5 e:5 f:5 g:5 h:5 i:5");
    assert_ends(&options, replies, DRAIN_FINISHED);
    assert_string_equal(jobs(), "9 applied");
    assert_int_equal(world.logins, 4);
}

/* The second token works for another job before it is refused to this one. */
static void a_second_401_to_a_job_does_not_end_a_run_whose_token_works(void **state)
{
    static const struct reply replies[] = {
        {.to = "PUT a", .times = 1, .status = 401},
        {.to = "PUT a", .times = 1, .status = 401, .latency_ms = 400},
        {0}};
    struct drain_options options = usual();

    (void)state;
    BATCH("a:5 b:5 c:5 d:5 e:5");
    assert_ends(&options, replies, DRAIN_FINISHED);
    assert_string_equal(jobs(), "5 applied");
    assert_int_equal(requests("PUT a"), 3);
}

/* What is known holds for one API and one client. */
static void another_client_or_api_forgets_what_is_known(void **state)
{
    struct drain_options options = usual();

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        fixture_ask(world.fixture,
                    "INSERT OR REPLACE INTO known VALUES ('Item', 'a', 5, '{}', 1, 1, 'get')");
        options = usual();
        assert_true(run_begin(world.fixture->store, "run", "1.0", clock_now_ms(), &options.run_id,
                              &world.fixture->err));
        options.client.id = i < 2 ? "client" : "other";
        if (i == 3)
            snprintf(options.environment.api_url, sizeof options.environment.api_url,
                     "http://other");
        assert_ends(&options, NULL, DRAIN_FINISHED);
        assert_string_equal(fixture_ask(world.fixture, "SELECT count(*) FROM known"),
                            i < 2 ? "1" : "0");
        assert_int_equal(strstr(buf_text(&world.said), "is forgotten") != NULL, i >= 2);
    }
}

static void what_was_claimed_before_a_sample_comes_last(void **state)
{
    static const struct reply replies[] = {{.to = "PUT x", .status = 403}, {0}};
    struct drain_options options = usual();
    const char *sent;

    (void)state;
    options.concurrency = 4;
    BATCH("x1:5 x2:5 x3:5 x4:5 x5:5 x6:5 x7:5 x8:5 x9:5 x10:5 x11:5 x12:5 x13:5 x14:5 x15:5 x16:5");
    add_batch_of(150);
    assert_ends(&options, replies, DRAIN_FINISHED);
    assert_string_equal(jobs(), "150 applied, 16 refused");
    sent = buf_text(&world.sent);
    /* x12 was claimed with the first ones, and had not left when three had been denied */
    assert_true(strstr(sent, "PUT x12 ") > strstr(sent, "PUT r120 "));
}

/* 50 leave at first; the rest of the budget is not spent on requests that are in flight together.
 */
static void few_requests_are_in_flight_while_the_budget_is_low(void **state)
{
    static const struct reply replies[] = {
        {.to = "PUT", .status = 500}, {.to = "GET", .status = 500}, {0}};
    struct drain_options options = usual();

    (void)state;
    options.concurrency = 50;
    add_batch_of(200);
    assert_ends(&options, replies, DRAIN_EXHAUSTED);
    assert_in_range(world.busy_late, 1, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TIME(every_job_is_claimed_sent_and_settled_once),
        IN_TIME(nothing_is_sent_without_jobs),
        IN_TIME(updates_of_one_record_follow_each_other),
        IN_TIME(a_conflict_is_read_back_and_kept),
        IN_TIME(a_401_fetches_another_token_and_costs_no_attempt),
        IN_TIME(three_tokens_refused_in_a_row_end_the_run),
        IN_TIME(no_answer_is_read_back_before_anything_is_sent_again),
        IN_TIME(a_certificate_that_is_not_trusted_ends_the_run_at_once),
        IN_TIME(a_proxy_that_wants_credentials_ends_the_run),
        IN_TIME(a_service_that_only_fails_ends_the_run_not_the_jobs),
        IN_TIME(a_403_to_all_stops_the_run_and_one_after_a_success_refuses_its_job),
        IN_TIME(an_answer_that_is_not_the_apis_ends_the_run),
        IN_TIME(the_same_refusal_to_all_jobs_ends_the_run),
        IN_TIME(more_refusals_than_allowed_end_the_run),
        IN_TIME(answers_of_the_login_end_the_run_too),
        IN_TIME(a_job_that_waits_for_its_retry_is_sent_when_it_is_due),
        IN_TIME(jobs_of_an_interrupted_run_are_read_back_first),
        IN_TIME(a_lock_that_is_lost_ends_the_run),
        IN_TIME(a_job_that_another_process_changed_ends_the_run),
        IN_TIME(a_store_or_a_network_that_breaks_ends_the_run),
        IN_TIME(rows_of_other_batches_that_must_go_first_are_reported),
        IN_TIME(an_address_that_is_not_allowed_ends_the_run_at_once),
        IN_TIME(a_rebase_needs_the_schema_file_and_builds_on_what_is_fetched),
        IN_TIME(jobs_that_fail_at_the_head_of_the_queue_do_not_end_the_run),
        IN_TIME(the_audit_log_is_asked_where_the_record_has_moved_on),
        IN_TIME(refusals_beyond_the_limit_are_final_though_nothing_was_taken),
        IN_TIME(refusals_that_differ_refuse_their_jobs),
        IN_TIME(a_claim_that_was_not_handed_over_does_not_count_as_an_attempt),
        IN_TIME(counts_of_earlier_drains_of_the_run_are_added_to),
        IN_TIME(only_the_first_reason_to_stop_is_reported),
        IN_TIME(applied_jobs_are_looked_up_in_the_audit_log),
        IN_TIME(an_audit_alone_sends_nothing),
        IN_TIME(a_sample_limits_what_is_in_flight),
        IN_TIME(a_service_that_never_answers_ends_the_run),
        IN_TIME(a_database_that_cannot_store_a_pause_is_an_error),
        IN_TIME(tokens_that_are_refused_now_and_then_do_not_end_the_run),
        IN_TIME(a_second_401_to_a_job_does_not_end_a_run_whose_token_works),
        IN_TIME(another_client_or_api_forgets_what_is_known),
        IN_TIME(what_was_claimed_before_a_sample_comes_last),
        IN_TIME(few_requests_are_in_flight_while_the_budget_is_low),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
