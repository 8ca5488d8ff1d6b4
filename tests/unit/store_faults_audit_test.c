/* Pruning, audits, notifications and deliveries, with each statement failing. */
#include "core/store/audit.h"
#include "core/store/delivery.h"
#include "core/store/notification.h"
#include "core/store/prune.h"
#include "core/store/sweep.h"
#include "tests/unit/store_fault_scene.h"

/* --- pruning and audits --- */

static bool prune(struct fixture *fixture, struct err *err)
{
    struct prune_plan plan = {0};
    bool marked;
    bool fine = prune_plan_make(fixture->store, LATE_MS, true, &plan, err) &&
                prune_mark(fixture->store, &plan, LATE_MS, &marked, err);

    prune_plan_release(&plan);
    return fine;
}

static void mark(struct fixture *fixture)
{
    assert_true(prune(fixture, &fixture->err));
}

static bool sweep(struct fixture *fixture, struct err *err)
{
    struct sweep *sweep = sweep_open(fixture->store, (struct sweep_watch){0}, err);
    bool fine = sweep && sweep_batch(sweep, OLD, LATE_MS, err) && sweep_shrink(sweep, err);

    sweep_close(sweep);
    return fine;
}

static bool sweep_notes(struct fixture *fixture, struct err *err)
{
    struct sweep *sweep = sweep_open(fixture->store, (struct sweep_watch){0}, err);
    uint64_t count;
    bool fine = sweep && sweep_count_notifications(fixture->store, LATE_MS, &count, err) &&
                sweep_notifications(sweep, LATE_MS, err);

    sweep_close(sweep);
    return fine;
}

static void keep_notes(struct fixture *fixture);

static const struct audit_scope scope = {.run_id = 9, .again = true, .share = 1};

static bool expect_audits(struct fixture *fixture, struct err *err)
{
    return audit_expect(fixture->store, err);
}

static bool begin_audits(struct fixture *fixture, struct err *err)
{
    uint64_t jobs;
    bool due;

    return audit_is_due(fixture->store, 0, &due, err) &&
           audit_begin(fixture->store, &scope, &jobs, err);
}

static void take_audits(struct fixture *fixture)
{
    assert_true(begin_audits(fixture, &fixture->err));
}

static bool read_audits(struct fixture *fixture, struct err *err)
{
    struct buf schema = {0}, texts = {0};
    struct audit_job jobs[4];
    int64_t batch_id = 0;
    unsigned count;
    bool fine =
        audit_next_batch(fixture->store, &scope, &batch_id, &schema, err) &&
        audit_next_jobs(fixture->store, &scope, id_before(MIXED), jobs, 4, &count, &texts, err);

    buf_release(&schema);
    buf_release(&texts);
    return fine;
}

static bool write_audits(struct fixture *fixture, struct err *err)
{
    const struct audit_result results[] = {
        {.job_id = id_of(MIXED, 1), .verdict = VERDICT_VERIFIED},
        {.job_id = id_of(OLD, 1), .verdict = VERDICT_MISSING},
    };

    return audit_write(fixture->store, results, 2, "", 9, 1, err);
}

static bool end_audits(struct fixture *fixture, struct err *err)
{
    return audit_end_batch(fixture->store, MIXED, err);
}

static void pruning_and_audits_go_on_where_they_failed(void **state)
{
    FAIL_EACH(state, {"prune_mark", prune, NULL, false}, {"sweep_batch", sweep, mark, true},
              {"sweep_notifications", sweep_notes, keep_notes, true},
              {"audit_expect", expect_audits, NULL, false},
              {"audit_begin", begin_audits, NULL, true},
              {"read audits", read_audits, take_audits, false},
              {"audit_write", write_audits, take_audits, false},
              {"audit_end_batch", end_audits, take_audits, false});
}

/* --- notifications and their deliveries --- */

static bool answer_verdict(void *context, const struct notification *notification,
                           struct notification_verdict *verdict, struct err *err)
{
    (void)notification, (void)err;
    *verdict = *(const struct notification_verdict *)context;
    return true;
}

static bool knows_schema(void *context, struct span schema)
{
    (void)context, (void)schema;
    return true;
}

static struct notification_verdict foreign = {NOTIFICATION_FOREIGN, 0},
                                   waits = {NOTIFICATION_WAITS, 1000000001},
                                   echo = {NOTIFICATION_OF_JOB, 1000000001};

/* Two notifications of one record, and one that is not accepted. */
static bool add_notifications(struct fixture *fixture, struct notification_verdict *verdict,
                              const char *record_id, struct err *err)
{
    struct notification_decider decider = {
        .decide = answer_verdict, .context = verdict, .knows = knows_schema};
    struct notification notifications[3], *list[3];

    for (size_t i = 0; i < 3; i++) {
        notifications[i] = (struct notification){.action = span_of("update"),
                                                 .schema = span_of("Item"),
                                                 .record_id = span_of(record_id),
                                                 .body = span_of("{}"),
                                                 .modified_ms = FIXTURE_NOW_MS,
                                                 .refusal = i == 2 ? "no" : NULL};
        notifications[i].key[0] = (unsigned char)record_id[0];
        notifications[i].key[1] = (unsigned char)i;
        list[i] = &notifications[i];
    }
    return notifications_add(fixture->store, list, 3, &decider, fixture->now_ms, err);
}

static bool add_foreign(struct fixture *fixture, struct err *err)
{
    return add_notifications(fixture, &foreign, "a", err);
}

static bool add_echoes(struct fixture *fixture, struct err *err)
{
    return add_notifications(fixture, &echo, "a", err);
}

static void store_notifications(struct fixture *fixture)
{
    assert_true(add_notifications(fixture, &waits, "b", &fixture->err));
    assert_true(add_notifications(fixture, &foreign, "c", &fixture->err));
}

/* Some are old and at their end. */
static void keep_notes(struct fixture *fixture)
{
    store_notifications(fixture);
    assert_true(add_notifications(fixture, &echo, "d", &fixture->err));
}

static bool decide_as(struct fixture *fixture, struct notification_verdict *verdict,
                      struct err *err)
{
    struct notification_decider decider = {
        .decide = answer_verdict, .context = verdict, .knows = knows_schema};
    uint64_t decided;

    return notifications_decide(fixture->store, &decider, fixture->now_ms, &decided, err);
}

static bool decide_foreign(struct fixture *fixture, struct err *err)
{
    return decide_as(fixture, &foreign, err);
}

static bool decide_echo(struct fixture *fixture, struct err *err)
{
    return decide_as(fixture, &echo, err);
}

/* They are to be delivered although they are echoes. */
static bool deliver_all(struct fixture *fixture, struct err *err)
{
    struct notification_decider decider = {.decide = answer_verdict,
                                           .context = &waits,
                                           .knows = knows_schema,
                                           .delivers_echoes = true};
    uint64_t decided;
    bool fine = notifications_decide(fixture->store, &decider, fixture->now_ms, &decided, err);

    assert_true(!fine || decided == 2);
    return fine;
}

static bool take_candidate(void *context, const struct notification_candidate *candidate,
                           bool *go_on, struct err *err)
{
    (void)context, (void)candidate, (void)err;
    *go_on = true;
    return true;
}

static void take_body(void *context, struct span body)
{
    (void)context, (void)body;
}

static void take_failed(void *context, const struct delivery_failed *failed)
{
    (void)context, (void)failed;
}

static bool read_notifications(struct fixture *fixture, struct err *err)
{
    const struct notification about = {.schema = span_of("Item"), .record_id = span_of("a")};
    struct store *store = fixture->store;
    struct notification_counts counts;
    struct delivery delivery = {0};
    struct delivery_due due[4];
    struct delivery_list list = {due, 4, 0};
    int64_t next_due_ms;
    bool fine = notification_candidates(store, &about, FIXTURE_NOW_MS, take_candidate, NULL, err) &&
                notification_between(store, span_of("c"), 0, 0, LATE_MS, take_body, NULL, err) &&
                notification_count(store, &counts, err) &&
                deliveries_due(store, LATE_MS, 3, &list, 4, &next_due_ms, err) && list.count &&
                deliveries_newest(store, LATE_MS, &list, err) && list.count &&
                delivery_read(store, due[0].id, &delivery, err) &&
                deliveries_failed(store, &(struct delivery_choice){0}, take_failed, NULL, err);

    delivery_release(&delivery);
    return fine;
}

static bool begin_deliveries(struct fixture *fixture, struct err *err)
{
    return deliveries_begin(fixture->store, LATE_MS, err);
}

/* The first delivery that is due, and the next of its record. */
static bool settle_deliveries(struct fixture *fixture, enum delivery_state state, struct err *err)
{
    struct delivery_outcome outcome = {
        .state = state, .attempts = 1, .http_status = 500, .error = "no"};

    outcome.id = strtoll(fixture_ask(fixture, "SELECT min(id) FROM outbox WHERE state = 'pending' "
                                              "AND not_before_ms IS NOT NULL"),
                         NULL, 10);
    outcome.not_before_ms = LATE_MS + 1;
    return deliveries_settle(fixture->store, &outcome, 1, LATE_MS, err);
}

static bool deliver(struct fixture *fixture, struct err *err)
{
    return settle_deliveries(fixture, DELIVERY_DELIVERED, err);
}

static bool put_off_delivery(struct fixture *fixture, struct err *err)
{
    return settle_deliveries(fixture, DELIVERY_PENDING, err);
}

static void fail_delivery(struct fixture *fixture)
{
    store_notifications(fixture);
    assert_true(settle_deliveries(fixture, DELIVERY_FAILED, &fixture->err));
}

static bool retry_deliveries(struct fixture *fixture, struct err *err)
{
    uint64_t count;

    return deliveries_retry(fixture->store, &(struct delivery_choice){0}, LATE_MS, &count, err);
}

static void a_notification_is_stored_whole_or_not_at_all(void **state)
{
    FAIL_EACH(state, {"notifications_add", add_foreign, NULL, false},
              {"add echoes", add_echoes, NULL, false},
              {"notifications_decide", decide_foreign, store_notifications, false},
              {"decide that it is an echo", decide_echo, store_notifications, false},
              {"decide that all are delivered", deliver_all, store_notifications, false},
              {"read notifications", read_notifications, fail_delivery, false},
              {"deliveries_begin", begin_deliveries, store_notifications, false},
              {"deliveries_settle", deliver, store_notifications, false},
              {"put a delivery off", put_off_delivery, store_notifications, false},
              {"deliveries_retry", retry_deliveries, fail_delivery, false});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(a_notification_is_stored_whole_or_not_at_all),
        STORE_TEST(pruning_and_audits_go_on_where_they_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
