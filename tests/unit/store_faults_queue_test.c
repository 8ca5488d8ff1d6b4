/* Decisions and turns of a drain, with each statement failing. */
#include "core/store/audit.h"
#include "core/store/before.h"
#include "core/store/cancel.h"
#include "core/store/decide.h"
#include "core/store/known.h"
#include "tests/unit/store_fault_scene.h"

/* --- decisions --- */

static bool take_decided(void *context, const struct decided *decided, struct err *err)
{
    (void)context, (void)decided, (void)err;
    return true;
}

/* One transaction, however slow the machine is. */
static struct decision decision_of(const struct fixture *fixture)
{
    return (struct decision){
        .now_ms = fixture->now_ms, .visit = take_decided, .hold_us = INT64_MAX};
}

static bool resolve(struct fixture *fixture, enum resolution resolution, struct err *err)
{
    struct decision decision = decision_of(fixture);
    struct resolve_sides sides = {0};
    struct id_list job_ids = {0};
    bool fine = resolve_find(fixture->store, 0, &job_ids, err) &&
                resolve_show(fixture->store, id_of(MIXED, 2), &sides, err) &&
                resolve_jobs(fixture->store, resolution, &decision, &job_ids, err);

    id_list_release(&job_ids);
    resolve_sides_release(&sides);
    return fine;
}

static bool resolve_ours(struct fixture *fixture, struct err *err)
{
    return resolve(fixture, RESOLVE_OURS, err);
}

static bool resolve_theirs(struct fixture *fixture, struct err *err)
{
    return resolve(fixture, RESOLVE_THEIRS, err);
}

static bool retry(struct fixture *fixture, const char *record_id, struct err *err)
{
    struct retry_choice choice = {.states = JOB_SET(JOB_RETRIABLE_LIST), .record_id = record_id};
    struct decision decision = decision_of(fixture);
    struct id_list job_ids = {0};
    bool fine = retry_find(fixture->store, &choice, &job_ids, err) &&
                retry_jobs(fixture->store, &decision, &job_ids, err);

    id_list_release(&job_ids);
    return fine;
}

static bool retry_all(struct fixture *fixture, struct err *err)
{
    return retry(fixture, NULL, err);
}

static bool retry_record(struct fixture *fixture, struct err *err)
{
    return retry(fixture, "c", err);
}

static bool cancel(struct fixture *fixture, struct err *err)
{
    struct decision decision = decision_of(fixture);

    return cancel_batch(fixture->store, &decision, MIXED, err) &&
           cancel_batch(fixture->store, &decision, LATER, err);
}

static void put_off(struct fixture *fixture)
{
    fixture->batch_id = LATER;
    fixture_claim(fixture, 4);
    fixture_settle_all(fixture, JOB_PENDING);
    fixture_claim(fixture, 0);
    fixture->batch_id = 0;
}

static void a_decision_is_whole_or_not_at_all(void **state)
{
    FAIL_EACH(state, {"resolve ours", resolve_ours, NULL, false},
              {"resolve theirs", resolve_theirs, NULL, false},
              {"retry_jobs", retry_all, NULL, false}, {"retry a record", retry_record, NULL, false},
              {"cancel_batch", cancel, put_off, true});
}

/* --- the drain --- */

static bool exchange(struct fixture *fixture, struct err *err)
{
    bool fine = fixture_try(fixture, 16);

    *err = fixture->err;
    return fine;
}

/* Every kind of outcome waits to be written. */
static void settle_mixed(struct fixture *fixture)
{
    static const enum job_state ends[] = {JOB_APPLIED, JOB_CONFLICT, JOB_PENDING, JOB_REFUSED,
                                          JOB_UNKNOWN};

    fixture_claim(fixture, 6);
    for (unsigned i = 0; fixture->in_hand_count; i++) {
        struct claim *claim = fixture->in_hand[0];
        enum job_state end = claim->request == REQUEST_FETCH ? JOB_PENDING : ends[i % 5];
        struct claim_outcome *outcome;
        char job[ID_TEXT_SIZE];

        outcome = fixture_settle_at(fixture, id_print(claim->job_id, job), end, claim->version + 1);
        if (claim->request == REQUEST_FETCH) {
            outcome->next = POLICY_NEXT_SEND;
            outcome->fields = mem_strdup("{}");
        }
        outcome->doubt = end == JOB_UNKNOWN;
        if (end == JOB_UNKNOWN)
            outcome->next = POLICY_NEXT_AUDIT;
        outcome->run_retries = end == JOB_PENDING ? 9 : 0;
        outcome->not_before_ms = fixture->now_ms;
        outcome->conflict = end == JOB_CONFLICT;
        if (end == JOB_REFUSED) {
            outcome->violations = mem_calloc(1, sizeof *outcome->violations);
            outcome->violations[0] =
                (struct claim_violation){mem_strdup("sku"), mem_strdup("bad"), mem_strdup("no")};
            outcome->violation_count = 1;
        }
    }
    fixture->now_ms++;
}

static void settle_untouched(struct fixture *fixture)
{
    fixture_claim(fixture, 4);
    while (fixture->in_hand_count) {
        char job[ID_TEXT_SIZE];

        fixture_put_back(fixture, id_print(fixture->in_hand[0]->job_id, job))->last = true;
    }
    fixture->now_ms++;
}

/* Each claim is followed by what asks the audit log next, until that is known. */
static void settle_asking(struct fixture *fixture)
{
    static const enum policy_next next[] = {
        [REQUEST_UPDATE] = POLICY_NEXT_AUDIT,
        [REQUEST_READ_BACK] = POLICY_NEXT_AUDIT,
        [REQUEST_AUDIT] = POLICY_NEXT_PAGE,
        [REQUEST_FETCH] = POLICY_NEXT_SEND,
    };

    fixture_claim(fixture, 8);
    while (fixture->in_hand_count) {
        const struct claim *claim = fixture->in_hand[0];
        bool fetch = claim->request == REQUEST_FETCH, ends = claim->page > 1;
        enum job_state end = ends ? JOB_APPLIED : fetch ? JOB_PENDING : JOB_UNKNOWN;
        struct claim_outcome *outcome;
        char job[ID_TEXT_SIZE];

        outcome = fixture_settle_at(fixture, id_print(claim->job_id, job), end, claim->version + 1);
        outcome->next = ends ? POLICY_BY_STATE : next[claim->request];
        outcome->fields = fetch ? mem_strdup("{}") : NULL;
        outcome->doubt = end == JOB_UNKNOWN;
        outcome->not_before_ms = fixture->now_ms;
        snprintf(outcome->own_user, sizeof outcome->own_user, "us");
    }
    fixture->now_ms++;
}

static void ask_for_pages(struct fixture *fixture)
{
    settle_asking(fixture);
    settle_asking(fixture);
}

static void ask_to_the_end(struct fixture *fixture)
{
    ask_for_pages(fixture);
    settle_asking(fixture);
}

/* What was put off and asked by a clock that was ahead. */
static void set_back_clock(struct fixture *fixture)
{
    settle_asking(fixture);
    fixture_claim(fixture, 0);
    fixture_ask(fixture, "UPDATE arbitration SET since_ms = since_ms + 1000000000");
    fixture_ask(fixture, "UPDATE job_state SET not_before_ms = not_before_ms + 100000000000 "
                         "WHERE job_id % 2 = 0 AND not_before_ms IS NOT NULL");
}

static void try_again(struct fixture *fixture)
{
    assert_true(retry_all(fixture, &fixture->err));
    assert_true(resolve_ours(fixture, &fixture->err));
}

static void settle_again(struct fixture *fixture)
{
    try_again(fixture);
    fixture_claim(fixture, 8);
    while (fixture->in_hand_count) {
        char job[ID_TEXT_SIZE];

        fixture_settle(fixture, id_print(fixture->in_hand[0]->job_id, job), JOB_UNCHANGED);
    }
    fixture->now_ms++;
}

static bool keeps(void *context, struct span schema)
{
    (void)context, (void)schema;
    return true;
}

static bool has_step(void *context, struct span schema, const struct target_parts *parts,
                     struct known_target *facts, struct err *err)
{
    (void)context, (void)schema, (void)parts, (void)err;
    *facts = (struct known_target){.lock = TARGET_STEP};
    return true;
}

/* One of the two records is skipped, the other sent with its fields. */
static bool decide(void *context, const struct claim *claim, const struct known *known,
                   int64_t now_ms, enum known_use *use, struct span *fields, struct err *err)
{
    (void)context, (void)known, (void)now_ms, (void)err;
    *use = span_is(claim_record_id(claim), "g") ? KNOWN_SKIP : KNOWN_SEND;
    *fields = span_of("{\"n\":1,\"x\":2}");
    return true;
}

/* Rows wait of which something is known. */
static void know(struct fixture *fixture)
{
    static const struct known_decider decider = {
        .keeps = keeps, .target = has_step, .decide = decide, .same = span_equal};

    fixture->decider = &decider;
    fixture_ask(fixture, "INSERT INTO known SELECT 'Item', value, 5, '{}', 1, 1, 'get' "
                         "FROM json_each('[\"g\",\"i\",\"h\"]')");
}

/* The outcomes of all requests show their records, contradict what is known, or leave it in doubt.
 */
static void learn(struct fixture *fixture)
{
    know(fixture);
    fixture_claim(fixture, 16);
    for (unsigned i = 0; fixture->in_hand_count; i++) {
        struct claim *claim = fixture->in_hand[0];
        struct claim_outcome *outcome;
        char job[ID_TEXT_SIZE];

        outcome = fixture_settle_at(fixture, id_print(claim->job_id, job), JOB_UNKNOWN, 3 + i);
        outcome->shows_record = i % 3 == 0;
        outcome->doubt = i % 3 == 1;
        outcome->http_status = i % 3 == 2 ? 409 : 200;
        outcome->not_before_ms = fixture->now_ms;
        if (claim->request == REQUEST_FETCH)
            outcome->state = JOB_UNCHANGED;
    }
    fixture->now_ms++;
}

static bool keeps_nothing(void *context, struct span schema)
{
    (void)context, (void)schema;
    return false;
}

static bool has_token(void *context, struct span schema, const struct target_parts *parts,
                      struct known_target *facts, struct err *err)
{
    (void)context, (void)schema, (void)parts, (void)err;
    *facts = (struct known_target){.lock = TARGET_OPAQUE, .reads_first = true};
    return true;
}

/* All that waits is fetched, and the GETs show tokens, which the PUTs carry. */
static void show_tokens(struct fixture *fixture)
{
    static const struct known_decider decider = {
        .keeps = keeps_nothing, .target = has_token, .decide = decide, .same = span_equal};

    fixture->decider = &decider;
    fixture_claim(fixture, 16);
    while (fixture->in_hand_count) {
        struct claim *claim = fixture->in_hand[0];
        bool fetch = claim->request == REQUEST_FETCH;
        struct claim_outcome *outcome;
        char job[ID_TEXT_SIZE];

        outcome = fixture_settle_at(fixture, id_print(claim->job_id, job),
                                    fetch ? JOB_PENDING : JOB_APPLIED, 9);
        outcome->next = fetch ? POLICY_NEXT_SEND : POLICY_BY_STATE;
        outcome->fields = fetch ? mem_strdup("{}") : NULL;
        outcome->under = fetch ? mem_strdup("{\"rest\":1}") : NULL;
        outcome->token = mem_strdup("\"t1\"");
    }
    fixture->now_ms++;
}

/* The PUTs with tokens are answered with other ones. */
static void answer_tokens(struct fixture *fixture)
{
    show_tokens(fixture);
    show_tokens(fixture);
}

/* Every update is preceded by a look at its record, which is kept. */
static void look_first(struct fixture *fixture)
{
    for (int64_t i = MIXED; i <= LATER; i++)
        assert_true(batch_mark(fixture->store, i, true, false, &fixture->err));
    fixture_claim(fixture, 16);
    for (unsigned i = 0; fixture->in_hand_count; i++) {
        struct claim *claim = fixture->in_hand[0];
        bool fetch = claim->request == REQUEST_FETCH;
        struct claim_outcome *outcome;
        char job[ID_TEXT_SIZE];

        outcome = fixture_settle_at(fixture, id_print(claim->job_id, job),
                                    fetch ? JOB_PENDING : JOB_UNKNOWN, claim->version);
        outcome->not_before_ms = fixture->now_ms;
        if (!fetch)
            continue;
        outcome->next = POLICY_NEXT_SEND;
        outcome->fields = claim->is_look ? NULL : mem_strdup("{}");
        outcome->before = i % 2 ? before_pack(span_of("{\"n\":1}")) : NULL;
    }
    fixture->now_ms++;
}

static void look_at_known(struct fixture *fixture)
{
    know(fixture);
    for (int64_t i = MIXED; i <= LATER; i++)
        assert_true(batch_mark(fixture->store, i, true, false, &fixture->err));
}

static void hold_one(struct fixture *fixture)
{
    know(fixture);
    fixture_claim(fixture, 1);
}

/* What another reader saw of a record, with the id of a job, is kept. */
static bool keep_known(struct fixture *fixture, struct err *err)
{
    struct known_sight sight = {.schema = span_of("Item"),
                                .record_id = span_of("g"),
                                .source = KNOWN_BY_GET,
                                .version = 6,
                                .fields = span_of("{\"n\":2}"),
                                .asked_ms = fixture->now_ms};
    bool fine = known_keep(fixture->store, &sight, fixture->now_ms, err);

    sight.record_id = span_of("h");
    sight.correlation = fixture->in_hand[0]->correlation;
    return fine && known_keep(fixture->store, &sight, fixture->now_ms, err);
}

static void sample(struct fixture *fixture)
{
    fixture->spread = true;
}

static void drain_later(struct fixture *fixture)
{
    fixture->batch_id = LATER;
}

static bool leave(struct fixture *fixture, struct err *err)
{
    static const int64_t job_ids[] = {1000000006, 1000000004};

    return jobs_leave(fixture->store, job_ids, 2, 8, err);
}

static void interrupt(struct fixture *fixture)
{
    fixture_claim(fixture, 6);
    while (fixture->in_hand_count)
        fixture->idle[fixture->idle_count++] = fixture->in_hand[--fixture->in_hand_count];
    fixture->interrupted = true;
    fixture->run_id++; /* the next process finds them */
}

static bool recover(struct fixture *fixture, struct err *err)
{
    uint64_t recovered;
    bool fine = jobs_recover(fixture->store, fixture->now_ms, &recovered, err);

    fixture->interrupted = !fine;
    return fine;
}

static bool uncount(struct fixture *fixture, struct err *err)
{
    struct lock_mark mark = {.run_id = FIXTURE_RUN, .attempt_id = 3};

    return jobs_uncount(fixture->store, &mark, fixture->now_ms, err);
}

static void a_turn_is_whole_or_not_at_all(void **state)
{
    FAIL_EACH(
        state, {"jobs_exchange", exchange, NULL, false}, {"settle", exchange, settle_mixed, false},
        {"put back", exchange, settle_untouched, false}, {"sample", exchange, sample, false},
        {"drain a batch", exchange, drain_later, false}, {"go on", exchange, put_off, false},
        {"ask for pages", exchange, ask_for_pages, false},
        {"ask to the end", exchange, ask_to_the_end, false},
        {"set back the clock", exchange, set_back_clock, false},
        {"use what is known", exchange, know, false}, {"learn", exchange, learn, false},
        {"known_keep", keep_known, hold_one, true}, {"show tokens", exchange, show_tokens, false},
        {"answer with tokens", exchange, answer_tokens, false},
        {"look first", exchange, look_first, false},
        {"look at what is known", exchange, look_at_known, false},
        {"try again", exchange, try_again, false}, {"settle again", exchange, settle_again, false},
        {"jobs_leave", leave, NULL, false}, {"jobs_recover", recover, interrupt, true});
}

static void what_never_left_is_uncounted_whole_or_not_at_all(void **state)
{
    FAIL_EACH(state, {"jobs_uncount", uncount, NULL, false});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(a_decision_is_whole_or_not_at_all),
        STORE_TEST(a_turn_is_whole_or_not_at_all),
        STORE_TEST(what_never_left_is_uncounted_whole_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
