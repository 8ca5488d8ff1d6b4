/* The audit of a drain: which pages of the log are asked for, what an answer without one means, and
 * that the verdicts are complete whatever fails. */
#include "tests/lib/fault_sql.h"
#include "tests/unit/drain_scene.h"

#include "core/store/db.h"

/* A later audit of all that is applied, which asks for so many records at once. */
static struct drain_options audit_alone(unsigned ids)
{
    struct drain_options options = usual();

    options.audit_share = 1;
    options.audit_ids = ids;
    options.audit_only = true;
    return options;
}

static const char *verdicts(void)
{
    return fixture_ask(world.fixture,
                       "SELECT coalesce(group_concat(n || ' ' || verdict, ', '), '') FROM (SELECT "
                       "count(*) AS n, verdict FROM audit GROUP BY verdict)");
}

static void forget_audits(void)
{
    fixture_ask(world.fixture, "DELETE FROM audit");
    fixture_ask(world.fixture, "DELETE FROM batch_audit");
}

/* The n-th request for the log, counted from 0. */
static const char *asked(unsigned n)
{
    const char *at = buf_text(&world.sent);

    do {
        at = strstr(at, "AUDIT ");
        assert_non_null(at);
        at += strlen("AUDIT ");
    } while (n--);
    return at;
}

static int64_t asked_ms(unsigned n)
{
    const char *at = asked(n);

    while (at > world.sent.data && at[-1] != '\n')
        at--;
    return strtoll(at, NULL, 10);
}

/* Applies rows without an audit. */
static void apply_rows(const char *words)
{
    struct drain_options options = usual();

    BATCH(words);
    assert_ends(&options, NULL, DRAIN_FINISHED);
}

#define ENTRY_OF(id, version)                                                                      \
    "{\"entityId\":\"" id "\",\"version\":" version ",\"requestCorrelationId\":"                   \
    "\"11111111-2222-4333-8444-555555555555\"}"
#define STRANGER ENTRY_OF("z", "1")
#define NOTHING  "{\"entities\":[],\"total\":0}"
#define FULL     "{\"entities\":[" STRANGER "],\"total\":2}"

/* --- pages --- */

static void further_pages_are_asked_for_as_the_log_says(void **state)
{
    static const struct {
        const char *first; /* the first page; later ones are those of a correct log */
        const char *then;  /* how the request for the second page goes on; NULL: there is none */
    } cases[] = {
        {NOTHING, NULL},
        {"{\"entities\":[" STRANGER "],\"total\":1}", NULL},
        {FULL, "auditlogs?entityIds=a&pageSize=25&pageNumber=2"},
        {"{\"entities\":[" STRANGER "],\"nextUri\":\"/api/v2/auditlogs?entityIds=a&x=7\"}",
         "auditlogs?entityIds=a&x=7"},
        {"{\"entities\":[" STRANGER "],\"nextUri\":\"http://else/auditlogs?entityIds=a&x=7\"}",
         "auditlogs?entityIds=a&pageSize=25&pageNumber=2"},
        /* a page that is full is not believed to be the last one */
        {"{\"entities\":[" STRANGER "],\"total\":1,\"pageSize\":1}",
         "auditlogs?entityIds=a&pageSize=25&pageNumber=2"},
    };

    (void)state;
    apply_rows("a:5");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct drain_options options = audit_alone(2);
        const struct reply replies[] = {
            {.to = "AUDIT", .times = 1, .status = 200, .body = cases[i].first}, {0}};
        const char *second;

        forget_audits();
        assert_ends(&options, replies, DRAIN_FINISHED);
        assert_string_equal(verdicts(), "1 verified");
        assert_int_equal(requests("AUDIT"), 2);
        second = asked(1);
        if (!cases[i].then)
            assert_non_null(strstr(second, "entityIds=a&pageSize="));
        else if (strncmp(second, cases[i].then, strlen(cases[i].then)) != 0)
            fail_msg("case %zu: %s", i, second);
        /* without a further page, the log is asked again later */
        if (cases[i].then)
            assert_in_range(asked_ms(1) - asked_ms(0), 50, 100);
        else
            assert_in_range(asked_ms(1) - asked_ms(0), 550, i ? 10000 : 700);
    }
}

static void pages_that_repeat_are_asked_for_again_later(void **state)
{
    static const struct reply twice[] = {{.to = "AUDIT", .times = 2, .status = 200, .body = FULL},
                                         {0}};
    static const struct reply always[] = {{.to = "AUDIT", .status = 200, .body = FULL}, {0}};
    struct drain_options options;

    (void)state;
    apply_rows("a:5 b:5");
    options = audit_alone(2);
    assert_ends(&options, twice, DRAIN_FINISHED);
    assert_string_equal(verdicts(), "2 verified");
    forget_audits();
    options = audit_alone(2);
    assert_fails(&options, always, ERR_NETWORK,
                 "the audit log of http://api cannot be read: its pages repeat or do not end: all "
                 "updates stay as they are, and 2 of them are still to be looked up: run the same "
                 "command again");
    assert_string_equal(verdicts(), "");
}

/* ... also where the first page comes after the last one. */
static void pages_that_begin_again_are_asked_for_again_later(void **state)
{
#define PAGE_OF(n) "{\"entities\":[" ENTRY_OF("z", #n) "],\"total\":99}"
    static const struct reply replies[] = {
        {.to = "AUDIT", .times = 1, .status = 200, .body = PAGE_OF(1)},
        {.to = "AUDIT", .times = 1, .status = 200, .body = PAGE_OF(2)},
        {.to = "AUDIT", .times = 1, .status = 200, .body = PAGE_OF(3)},
        {.to = "AUDIT", .times = 1, .status = 200, .body = PAGE_OF(1)},
        {0}};
    struct drain_options options;

    (void)state;
    apply_rows("a:5");
    options = audit_alone(1);
    assert_ends(&options, replies, DRAIN_FINISHED);
    assert_string_equal(verdicts(), "1 verified");
    assert_int_equal(requests("AUDIT"), 5);
    assert_in_range(asked_ms(3) - asked_ms(0), 150, 200);
    assert_true(asked_ms(4) - asked_ms(3) >= 550);
}

/* A full page is not the last one only where a job is absent. */
static void no_page_is_asked_for_once_all_is_known(void **state)
{
    static const struct reply theirs[] = {
        {.to = "AUDIT",
         .status = 200,
         .body = "{\"entities\":[" ENTRY_OF("a", "6") "],\"total\":1,\"pageSize\":1}"},
        {0}};
    struct drain_options options;

    (void)state;
    apply_rows("a:5");
    options = audit_alone(1);
    assert_ends(&options, theirs, DRAIN_FINISHED);
    assert_string_equal(verdicts(), "1 mismatch");
    assert_int_equal(requests("AUDIT"), 1);
}

static void pages_without_an_end_are_given_up(void **state)
{
    static const struct reply endless[] = {
        {.to = "AUDIT auditlogs?entityIds=b", .times = 1, .status = 200, .body = NOTHING},
        {.to = "AUDIT auditlogs?entityIds=a",
         .status = 200,
         .body = "{\"entities\":[{\"entityId\":\"z\",\"version\":#}],\"total\":2000000000}"},
        {0}};
    struct drain_options options;

    (void)state;
    apply_rows("a:5 b:5");
    options = audit_alone(1);
    assert_fails(&options, endless, ERR_NETWORK, "its pages repeat or do not end");
    /* what has no end is not asked for again in the same run, and others are */
    assert_int_equal(requests("AUDIT auditlogs?entityIds=a"), 1000);
    assert_int_equal(requests("AUDIT auditlogs?entityIds=b"), 2);
    assert_string_equal(verdicts(), "1 verified");
    options = audit_alone(2);
    assert_ends(&options, NULL, DRAIN_FINISHED);
    assert_string_equal(verdicts(), "2 verified");
}

/* --- answers without a page --- */

static void what_is_no_page_is_asked_for_again(void **state)
{
    static const struct {
        struct reply reply;
        const char *trouble; /* how it is named where it does not end */
        bool at_once;        /* the same request again */
        bool fewer;          /* next with fewer ids */
    } cases[] = {
        {{.status = 200, .body = "{"},
         "200 (the answer is not a page of the audit log)",
         .at_once = false},
        {{.status = 500, .body = "{\"code\":\"x\",\"message\":\"y\"}"},
         "500 x (y)",
         .at_once = false},
        {{.status = 400}, "400 (no)", .fewer = true},
        {{.status = 414}, "414 (no)", .fewer = true},
        {{.status = 499}, "499 (no)", .fewer = true},
        {{.status = 408}, "408 (no)", .fewer = false},
        {{.end = HTTP_TOO_LARGE, .status = 200}, "the cable was cut", .fewer = true},
        {{.status = 429, .retry_after_s = 3}, NULL, .at_once = true},
        {{.end = HTTP_CUT}, NULL, .at_once = true},
        {{.end = HTTP_NEVER_LEFT}, NULL, .at_once = true},
    };

    (void)state;
    apply_rows("a:5 b:5 c:5 d:5 e:5 f:5");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct drain_options options = audit_alone(6);
        struct reply replies[2] = {cases[i].reply};
        unsigned more = cases[i].fewer ? 4 : 2;

        forget_audits();
        replies[0].to = "AUDIT";
        replies[0].times = 1;
        assert_ends(&options, replies, DRAIN_FINISHED);
        assert_string_equal(verdicts(), "6 verified");
        /* six ids, or three times two */
        if (requests("AUDIT") != more)
            fail_msg("case %zu: %s", i, buf_text(&world.sent));
        if (!cases[i].trouble)
            continue;
        forget_audits();
        options = audit_alone(6);
        replies[0].times = 0;
        assert_fails(&options, replies, ERR_NETWORK, cases[i].trouble);
        assert_string_equal(verdicts(), "");
    }
}

/* What a drain was asked to look up is due until all of it is known. */
static void audits_of_a_drain_are_due_until_they_are_done(void **state)
{
    static const struct reply silent[] = {{.to = "AUDIT", .status = 500}, {0}};
    struct drain_options options = usual();

    (void)state;
    options.audit_share = 1;
    options.audit_ids = 2;
    BATCH("a:5");
    assert_fails(&options, silent, ERR_NETWORK, "the audit log of http://api cannot be read");
    BATCH("b:5");
    options = usual();
    options.audit_share = 1;
    options.audit_ids = 2;
    assert_string_equal(fixture_ask(world.fixture, "SELECT sum(due) FROM batch_audit"), "1");
    assert_ends(&options, NULL, DRAIN_FINISHED);
    assert_string_equal(verdicts(), "2 verified");
    assert_string_equal(fixture_ask(world.fixture, "SELECT sum(due) FROM batch_audit"), "0");
}

static void a_refused_token_is_replaced(void **state)
{
    static const struct reply replies[] = {{.to = "AUDIT", .times = 1, .status = 401}, {0}};
    struct drain_options options;

    (void)state;
    apply_rows("a:5");
    options = audit_alone(2);
    assert_ends(&options, replies, DRAIN_FINISHED);
    assert_int_equal(requests("login"), 2);
    assert_int_equal(requests("AUDIT"), 2);
    assert_string_equal(verdicts(), "1 verified");
}

/* 403 for each record alone is our permission; with anything else in between it is not. */
static void a_log_that_is_denied_is_an_error_of_permission(void **state)
{
    static const struct reply denied[] = {{.to = "AUDIT", .status = 403}, {0}};
    static const struct reply mixed[] = {
        {.to = "AUDIT", .times = 1, .status = 500}, {.to = "AUDIT", .status = 403}, {0}};
    static const struct reply partly[] = {{.to = "AUDIT auditlogs?entityIds=b", .status = 403},
                                          {0}};
    struct drain_options options;

    (void)state;
    apply_rows("a:5 b:5");
    options = audit_alone(1);
    assert_fails(&options, denied, ERR_AUTH,
                 "the API does not let us read the audit log: 403 (no): give the OAuth client a "
                 "role with the permission to view it, or use --audit none");
    options = audit_alone(1);
    assert_fails(&options, mixed, ERR_NETWORK, "cannot be read: 403 (no)");
    options = audit_alone(1);
    assert_fails(&options, partly, ERR_NETWORK, "1 of them are still to be looked up");
    assert_string_equal(verdicts(), "1 verified");
}

/* --- what is asked for --- */

static void ids_share_a_request_as_far_as_there_is_room(void **state)
{
    char words[4096], id[512];
    struct drain_options options;
    size_t size = 0;

    (void)state;
    /* a record once, though it has two jobs; an id with a comma alone */
    apply_rows("a:5 a:6 c:5 b,b:5 d:5 e:5");
    options = audit_alone(3);
    options.audit_wait_ms = 0;
    assert_ends(&options, NULL, DRAIN_FINISHED);
    assert_int_equal(requests("AUDIT auditlogs?entityIds="), 3);
    assert_int_equal(requests("AUDIT auditlogs?entityIds=a,c&"), 1);
    assert_int_equal(requests("AUDIT auditlogs?entityIds=b%2Cb&"), 1);
    assert_int_equal(requests("AUDIT auditlogs?entityIds=d,e&"), 1);
    /* the log of this world has the newest entry of each record, and no decoded ids */
    assert_string_equal(verdicts(), "2 missing, 4 verified");

    /* 2000 bytes of ids */
    forget_audits();
    memset(id, 'x', sizeof id);
    for (int i = 0; i < 5; i++)
        size += (size_t)snprintf(words + size, sizeof words - size, "%d%.*s:5 ", i, 499, id);
    apply_rows(words);
    options = audit_alone(50);
    options.batch_id = 2;
    assert_ends(&options, NULL, DRAIN_FINISHED);
    assert_int_equal(requests("AUDIT auditlogs?entityIds="), 2);
}

static void each_schema_has_requests_of_its_own(void **state)
{
    struct drain_options options;

    (void)state;
    apply_rows("a:5");
    fixture_batch(world.fixture, "Other", "b:5 c:5");
    apply_rows("d:5");
    options = audit_alone(50);
    assert_ends(&options, NULL, DRAIN_FINISHED);
    assert_int_equal(requests("AUDIT auditlogs?entityIds=a&"), 1);
    assert_int_equal(requests("AUDIT auditlogs?entityIds=b,c&"), 1);
    assert_int_equal(requests("AUDIT auditlogs?entityIds=d&"), 1);
    assert_string_equal(verdicts(), "4 verified");
}

static void many_verdicts_are_written_together(void **state)
{
    struct drain_options options = usual();

    (void)state;
    options.concurrency = 64;
    add_batch_of(1200);
    assert_ends(&options, NULL, DRAIN_FINISHED);
    options = audit_alone(100);
    options.concurrency = 12;
    assert_ends(&options, NULL, DRAIN_FINISHED);
    assert_string_equal(verdicts(), "1200 verified");
    assert_int_equal(requests("AUDIT"), 12);
    assert_string_equal(fixture_ask(world.fixture, "SELECT count(*) FROM audit WHERE entry IS NULL "
                                                   "OR entry NOT LIKE '%\"r' || "
                                                   "(job_id % 1000000000 - 1) || '\"%'"),
                        "0");
}

static void an_entry_that_is_long_is_not_kept(void **state)
{
    static char body[70000];
    struct reply replies[] = {{.to = "AUDIT", .status = 200, .body = body}, {0}};
    struct drain_options options;
    size_t size;

    (void)state;
    apply_rows("a:5");
    for (int fits = 0; fits < 2; fits++) {
        size = (size_t)snprintf(body, sizeof body,
                                "{\"total\":1,\"entities\":[{\"entityId\":\"a\",\"version\":6,"
                                "\"requestCorrelationId\":\"11111111-2222-4333-8444-555555555555\","
                                "\"x\":\"");
        memset(body + size, 'x', 66000);
        /* the entry has 65537 bytes, or one less */
        size = (size_t)(strstr(body, "{\"entityId") - body) + 65537 - (size_t)fits - 2;
        snprintf(body + size, sizeof body - size, "\"}]}");
        forget_audits();
        options = audit_alone(2);
        assert_ends(&options, replies, DRAIN_FINISHED);
        assert_string_equal(verdicts(), "1 mismatch");
        assert_string_equal(
            fixture_ask(world.fixture, "SELECT coalesce(length(entry), 0) FROM audit"),
            fits ? "65536" : "0");
    }
}

/* --- ends --- */

static void a_stop_keeps_what_is_known(void **state)
{
    static const struct reply replies[] = {
        {.to = "AUDIT auditlogs?entityIds=b", .status = 200, .body = NOTHING}, {0}};
    struct drain_options options;

    (void)state;
    apply_rows("a:5 b:5");
    options = audit_alone(1);
    world.stop_us = world.now_us + 2000000;
    assert_ends(&options, replies, DRAIN_STOPPED);
    assert_string_equal(verdicts(), "1 verified");
    assert_int_equal(world.progress.left, 1);
    assert_true(world.now_us >= world.stop_us);
    assert_true(world.now_us < world.stop_us + 100000);
}

/* An entry without an id that identifies anybody proves what the answer to the update said. */
static void an_entry_without_an_id_is_ours_where_the_update_was_answered(void **state)
{
    static const struct reply replies[] = {
        {.to = "AUDIT",
         .status = 200,
         .body = "{\"total\":1,\"entities\":[{\"entityId\":\"a\",\"version\":6}]}"},
        {0}};
    struct drain_options options;

    (void)state;
    apply_rows("a:5");
    options = audit_alone(2);
    assert_ends(&options, replies, DRAIN_FINISHED);
    assert_string_equal(verdicts(), "1 verified");
}

/* What is known when a stop comes is written, or the run fails. */
static void verdicts_that_cannot_be_written_at_the_end_are_an_error(void **state)
{
    struct drain_result result;
    struct drain_options options;
    bool fired = true;

    (void)state;
    apply_rows("a:5 b:5");
    for (unsigned n = 1; fired; n++) {
        bool fine;

        forget_audits();
        fixture_reopen(world.fixture);
        options = audit_alone(2);
        world.fixture->err = (struct err){0};
        world.stop_us = world.now_us + 110000; /* 10 ms after the answer */
        fault_sql_arm(world.fixture->store->db, FAULT_SQL_PREPARE, n);
        world.fails = "database";
        fine = drain(&options, NULL, &result);
        world.fails = NULL;
        fired = fault_sql_disarm(world.fixture->store->db);
        assert_int_equal(fine, !fired);
        if (fine)
            assert_string_equal(verdicts(), "2 verified");
    }
}

static void what_breaks_ends_the_audit(void **state)
{
    static const char *const parts[] = {"start", "wait"};
    struct drain_options options;

    (void)state;
    apply_rows("a:5");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        world.fails = parts[i];
        options = audit_alone(2);
        assert_fails(&options, NULL, ERR_INTERNAL, "libcurl is broken");
        world.fails = NULL;
    }
    options = audit_alone(2);
    assert_ends(&options, NULL, DRAIN_FINISHED);
    assert_string_equal(verdicts(), "1 verified");
}

/* Each statement of an audit once. */
static void a_database_that_fails_ends_the_audit(void **state)
{
    struct drain_result result;
    struct drain_options options = usual();
    bool fired = true;
    unsigned n = 1;

    (void)state;
    options.concurrency = 64;
    add_batch_of(600);
    assert_ends(&options, NULL, DRAIN_FINISHED);
    for (; fired; n++) {
        bool fine;

        forget_audits();
        fixture_reopen(world.fixture);
        options = audit_alone(100);
        options.concurrency = 6;
        world.fixture->err = (struct err){0};
        fault_sql_arm(world.fixture->store->db, FAULT_SQL_PREPARE, n);
        world.fails = "database";
        fine = drain(&options, NULL, &result);
        world.fails = NULL;
        fired = fault_sql_disarm(world.fixture->store->db);
        if (fine == fired)
            fail_msg("fault %u: %s", n, fired ? "it was not reported" : world.fixture->err.text);
        if (!fine)
            assert_int_equal(world.fixture->err.kind, ERR_STORE);
        options = audit_alone(100);
        assert_ends(&options, NULL, DRAIN_FINISHED);
        assert_string_equal(verdicts(), "600 verified");
    }
    assert_true(n > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TIME(further_pages_are_asked_for_as_the_log_says),
        IN_TIME(pages_that_repeat_are_asked_for_again_later),
        IN_TIME(pages_that_begin_again_are_asked_for_again_later),
        IN_TIME(no_page_is_asked_for_once_all_is_known),
        IN_TIME(pages_without_an_end_are_given_up),
        IN_TIME(what_is_no_page_is_asked_for_again),
        IN_TIME(audits_of_a_drain_are_due_until_they_are_done),
        IN_TIME(a_refused_token_is_replaced),
        IN_TIME(a_log_that_is_denied_is_an_error_of_permission),
        IN_TIME(ids_share_a_request_as_far_as_there_is_room),
        IN_TIME(each_schema_has_requests_of_its_own),
        IN_TIME(many_verdicts_are_written_together),
        IN_TIME(an_entry_that_is_long_is_not_kept),
        IN_TIME(a_stop_keeps_what_is_known),
        IN_TIME(an_entry_without_an_id_is_ours_where_the_update_was_answered),
        IN_TIME(verdicts_that_cannot_be_written_at_the_end_are_an_error),
        IN_TIME(what_breaks_ends_the_audit),
        IN_TIME(a_database_that_fails_ends_the_audit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
