/* What an answer means where the lock is not a step: tokens, no lock, records that are created, and
 * what a target says about its statuses. */
#include "tests/lib/verdicts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

struct row {
    const char *name;
    struct policy_job job;
    struct policy_answer answer;
    const char *expected;
};

/* The verdict with what else an update of another lock depends on. */
static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct policy_job job = rows[i].job;
        struct policy_answer answer = rows[i].answer;
        struct policy_verdict verdict;
        char text[512];

        job.version = 5;
        job.attempts = job.attempts ? job.attempts : 1;
        answer.code = "";
        if (!answer.retry_after_ms)
            answer.retry_after_ms = -1;
        verdict = assess(&job, answer);
        snprintf(text, sizeof text, "%s%s%s%s%s: %s", verdict_text(&verdict),
                 verdict.creates == CREATES_MISSING ? " creates"
                 : verdict.creates                  ? " creates-again"
                                                    : "",
                 verdict.refused ? " refused" : "", verdict.works ? " works" : "",
                 verdict.looks_again ? " again" : "", verdict.evidence);
        if (strcmp(text, rows[i].expected) != 0)
            fail_msg("%s: %s, expected %s", rows[i].name, text, rows[i].expected);
    }
}

#define CHECK(...)                                                                                 \
    do {                                                                                           \
        static const struct row rows[] = {__VA_ARGS__};                                            \
        check(rows, sizeof rows / sizeof *rows);                                                   \
    } while (0)

static void a_record_that_is_not_there_is_created_where_the_target_says_so(void **state)
{
    (void)state;
    CHECK({"refused by default",
           {.lock = TARGET_OPAQUE},
           {.status = 404},
           "refused retries 0 readbacks 0 delay 0 refused: "},
          {"a create",
           {.lock = TARGET_OPAQUE, .missing = TARGET_CREATE},
           {.status = 404},
           "pending send retries 0 readbacks 0 delay 0 creates: "},
          {"of a target with versions",
           {.missing = TARGET_CREATE},
           {.status = 404},
           "pending send retries 0 readbacks 0 delay 0 creates: "},
          {"an upsert",
           {.lock = TARGET_NONE, .missing = TARGET_UPSERT},
           {.status = 404},
           "pending send retries 0 readbacks 0 delay 0 creates-again: "},
          {"a create that was said to miss once",
           {.lock = TARGET_OPAQUE, .missing = TARGET_CREATE, .creates = CREATES_MISSING},
           {.status = 404},
           "refused retries 0 readbacks 0 delay 0 refused: "},
          {"an upsert that was said to miss once",
           {.lock = TARGET_NONE, .missing = TARGET_UPSERT, .creates = CREATES_MISSING},
           {.status = 404},
           "pending send retries 0 readbacks 0 delay 0 creates-again: "},
          {"an upsert that was said to miss twice",
           {.lock = TARGET_NONE, .missing = TARGET_UPSERT, .creates = CREATES_AGAIN},
           {.status = 404},
           "refused retries 0 readbacks 0 delay 0 refused: "},
          {"the last round but one",
           {.lock = TARGET_OPAQUE, .missing = TARGET_CREATE, .rounds = POLICY_ROUNDS_MAX - 1},
           {.status = 404},
           "pending send retries 0 readbacks 0 delay 0 creates: "},
          {"after the last round",
           {.lock = TARGET_OPAQUE, .missing = TARGET_CREATE, .rounds = POLICY_ROUNDS_MAX},
           {.status = 404},
           "refused retries 0 readbacks 0 delay 0 refused: "},
          {"a fetch that finds nothing",
           {.request = REQUEST_FETCH, .lock = TARGET_OPAQUE, .missing = TARGET_CREATE},
           {.status = 404},
           "pending success send retries 0 readbacks 0 delay 0 creates works: there is no such "
           "record: it is created"},
          {"a fetch that finds nothing, refused",
           {.request = REQUEST_FETCH, .lock = TARGET_OPAQUE},
           {.status = 404},
           "refused retries 0 readbacks 0 delay 0: there is no such record"});
}

static void a_record_that_was_to_be_created_and_is_there_is_updated(void **state)
{
    (void)state;
    CHECK({"it is there",
           {.lock = TARGET_OPAQUE, .creates = CREATES_MISSING},
           {.status = 409, .said = TARGET_EXISTS},
           "pending send retries 0 readbacks 0 delay 0 works: "},
          {"it is there, and updates are built on the record",
           {.lock = TARGET_OPAQUE, .creates = CREATES_MISSING, .reads_first = true},
           {.status = 409, .said = TARGET_EXISTS},
           "pending fetch retries 0 readbacks 0 delay 1000 works: "},
          {"the last round but one",
           {.lock = TARGET_OPAQUE, .creates = CREATES_AGAIN, .rounds = POLICY_ROUNDS_MAX - 1},
           {.status = 409, .said = TARGET_EXISTS},
           "pending send retries 0 readbacks 0 delay 0 works: "},
          {"after the last round",
           {.lock = TARGET_OPAQUE, .creates = CREATES_MISSING, .rounds = POLICY_ROUNDS_MAX},
           {.status = 409, .said = TARGET_EXISTS},
           "refused retries 0 readbacks 0 delay 0 refused: "},
          {"perhaps by ourselves",
           {.lock = TARGET_OPAQUE, .creates = CREATES_MISSING, .doubt = true},
           {.status = 409, .said = TARGET_EXISTS},
           "unknown doubt retries 0 readbacks 0 delay 0: "},
          {"an update is not a create",
           {.lock = TARGET_OPAQUE},
           {.status = 409, .said = TARGET_EXISTS},
           "refused retries 0 readbacks 0 delay 0 refused: "});
}

static void a_target_says_what_its_answers_mean(void **state)
{
    (void)state;
    CHECK({"unchanged",
           {.lock = TARGET_OPAQUE},
           {.status = 304, .said = TARGET_UNCHANGED},
           "unchanged success retries 0 readbacks 0 delay 0 works: the server says that the record "
           "holds these values"},
          {"unchanged, after an attempt that may have landed",
           {.lock = TARGET_OPAQUE, .doubt = true},
           {.status = 304, .said = TARGET_UNCHANGED},
           "applied doubt success retries 0 readbacks 0 delay 0 works: the server says that the "
           "record holds these values"},
          {"throttled without a time",
           {.lock = TARGET_OPAQUE},
           {.status = 400, .said = TARGET_THROTTLED},
           "pending pause excused retries 0 readbacks 0 delay 0: "},
          {"the target is wrong",
           {.lock = TARGET_OPAQUE},
           {.status = 404, .said = TARGET_STOP},
           "pending stop-target excused retries 0 readbacks 0 delay 0: "},
          {"a precondition is required",
           {.lock = TARGET_OPAQUE},
           {.status = 428},
           "pending stop-target excused retries 0 readbacks 0 delay 0: "},
          {"the same of a read-back",
           {.lock = TARGET_OPAQUE, .request = REQUEST_READ_BACK, .doubt = true},
           {.status = 428},
           "unknown stop-target excused doubt retries 0 readbacks 0 delay 0: "},
          {"try again",
           {.lock = TARGET_OPAQUE},
           {.status = 418, .said = TARGET_RETRY},
           "pending doubt costs retries 1 readbacks 0 delay 1000: "},
          {"not known",
           {.lock = TARGET_OPAQUE},
           {.status = 404, .said = TARGET_UNSURE},
           "unknown doubt costs retries 0 readbacks 0 delay 0: "},
          {"refused",
           {.lock = TARGET_OPAQUE},
           {.status = 200, .said = TARGET_REFUSED},
           "refused retries 0 readbacks 0 delay 0 refused: "},
          {"missing",
           {.lock = TARGET_OPAQUE},
           {.status = 400, .said = TARGET_MISSING},
           "refused retries 0 readbacks 0 delay 0 refused: "});
}

static void an_answer_counts_by_the_lock(void **state)
{
    (void)state;
    CHECK({"done",
           {.lock = TARGET_OPAQUE},
           {.status = 202, .said = TARGET_DONE},
           "applied success retries 0 readbacks 0 delay 0 works: "},
          {"created",
           {.lock = TARGET_NONE},
           {.status = 201},
           "applied success retries 0 readbacks 0 delay 0 works: "},
          {"accepted, which proves nothing",
           {.lock = TARGET_NONE},
           {.status = 202},
           "unknown doubt costs retries 0 readbacks 0 delay 0: "},
          {"without content",
           {.lock = TARGET_OPAQUE},
           {.status = 204},
           "applied success retries 0 readbacks 0 delay 0 works: "},
          {"garbled",
           {.lock = TARGET_OPAQUE},
           {.status = 200, .is_garbled = true},
           "unknown doubt costs retries 0 readbacks 0 delay 0: "},
          {"a token that is not the record's",
           {.lock = TARGET_OPAQUE},
           {.status = 412},
           "unknown retries 0 readbacks 0 delay 0 works: "},
          {"... after a fetch",
           {.lock = TARGET_OPAQUE, .rounds = 1},
           {.status = 412},
           "pending fetch retries 0 readbacks 0 delay 0 works: "},
          {"... after the last one",
           {.lock = TARGET_OPAQUE, .rounds = POLICY_ROUNDS_MAX},
           {.status = 412},
           "unknown retries 0 readbacks 0 delay 0 works: "},
          {"... of the row",
           {.lock = TARGET_OPAQUE, .rounds = 1, .is_declared = true},
           {.status = 412},
           "unknown retries 0 readbacks 0 delay 0 works: "},
          {"... after an attempt that may have landed",
           {.lock = TARGET_OPAQUE, .rounds = 1, .doubt = true},
           {.status = 412},
           "unknown doubt retries 0 readbacks 0 delay 0 works: "},
          {"without a lock, a 409 is a refusal",
           {.lock = TARGET_NONE},
           {.status = 409},
           "refused retries 0 readbacks 0 delay 0 refused: "});
}

/* 503 and its like: what no lock would notice is read back before it is sent again. */
static void what_the_server_did_not_do_is_sent_again(void **state)
{
    (void)state;
    CHECK({"with a token",
           {.lock = TARGET_OPAQUE},
           {.status = 503},
           "pending doubt costs retries 1 readbacks 0 delay 1000: "},
          {"without a lock",
           {.lock = TARGET_NONE},
           {.status = 503},
           "unknown doubt costs retries 1 readbacks 0 delay 1000: "},
          {"without a lock, in the target's words",
           {.lock = TARGET_NONE},
           {.status = 503, .said = TARGET_RETRY},
           "pending doubt costs retries 1 readbacks 0 delay 1000: "},
          {"the last attempt",
           {.lock = TARGET_OPAQUE, .attempts = 12},
           {.status = 503},
           "unknown doubt costs retries 0 readbacks 0 delay 1000: "});
}

static void a_read_back_compares_tokens(void **state)
{
    (void)state;
#define BACK  .request = REQUEST_READ_BACK, .lock = TARGET_OPAQUE
#define SHOWN .status = 200, .has_record = true
    CHECK({"ours by its id",
           {BACK, .doubt = true},
           {SHOWN, .is_ours = true},
           "applied doubt success retries 0 readbacks 0 delay 0 works: the record carries our "
           "correlation id"},
          {"the token that was sent",
           {BACK, .doubt = true},
           {SHOWN, .token_is_sent = true},
           "pending doubt success retries 1 readbacks 0 delay 1000 works: the record shows that it "
           "did not land"},
          {"... twice",
           {BACK, .doubt = true, .looks_again = true},
           {SHOWN, .token_is_sent = true},
           "pending doubt success retries 1 readbacks 0 delay 1000 works: the record shows that it "
           "did not land"},
          {"another token, our fields",
           {BACK, .doubt = true},
           {SHOWN, .fields_are_ours = true},
           "applied doubt success retries 0 readbacks 0 delay 0 works: the record has changed "
           "since, and holds our fields"},
          {"... and nothing of ours landed",
           {BACK},
           {SHOWN, .fields_are_ours = true},
           "unchanged success retries 0 readbacks 0 delay 0 works: the record holds these values "
           "already"},
          {"another token, other fields",
           {BACK, .doubt = true},
           {SHOWN},
           "conflict doubt success unproven retries 0 readbacks 0 delay 0 works: unproven: the "
           "record has changed, and holds other fields"},
          {"... and nothing of ours landed",
           {BACK},
           {SHOWN},
           "conflict success proven retries 0 readbacks 0 delay 0 works: the record has changed, "
           "and no attempt of ours landed"});
}

static void a_read_that_lags_is_told_from_a_change_by_somebody_else(void **state)
{
    (void)state;
    CHECK({"the token that an earlier row of ours made",
           {BACK, .doubt = true, .rounds = 1},
           {SHOWN, .next_is_known = true, .is_behind = true},
           "pending success fetch retries 0 readbacks 0 delay 1000 works: an earlier job of ours "
           "made "
           "the record newer than the one that was fetched"},
          {"... with our fields",
           {BACK, .doubt = true, .rounds = 1},
           {SHOWN, .next_is_known = true, .is_behind = true, .fields_are_ours = true},
           "applied doubt success retries 0 readbacks 0 delay 0 works: the record has changed "
           "since, and holds our fields"},
          {"... after the last attempt",
           {BACK, .doubt = true, .rounds = 1, .attempts = 12},
           {SHOWN, .next_is_known = true, .is_behind = true},
           "conflict doubt success unproven retries 0 readbacks 0 delay 0 works: unproven: the "
           "record has changed, and holds other fields"},
          {"... and a later one made it",
           {BACK, .doubt = true, .rounds = 1},
           {SHOWN, .next_is_known = true},
           "conflict doubt success unproven retries 0 readbacks 0 delay 0 works: unproven: the "
           "record has changed, and holds other fields"},
          {"... and the row has the token itself",
           {BACK, .doubt = true, .rounds = 1, .is_declared = true},
           {SHOWN, .next_is_known = true, .is_behind = true},
           "conflict doubt success unproven retries 0 readbacks 0 delay 0 works: unproven: the "
           "record has changed, and holds other fields"},
          {"a version that an earlier row of ours made, after a fetch",
           {.request = REQUEST_READ_BACK, .doubt = true, .rounds = 1},
           {.status = 200,
            .has_version = true,
            .version = 7,
            .next_is_known = true,
            .is_behind = true},
           "pending success fetch retries 0 readbacks 0 delay 1000 works: an earlier job of ours "
           "made "
           "the record newer than the one that was fetched"},
          {"... and without one",
           {.request = REQUEST_READ_BACK, .doubt = true},
           {.status = 200,
            .has_version = true,
            .version = 7,
            .next_is_known = true,
            .is_behind = true},
           "conflict doubt success proven retries 0 readbacks 0 delay 0 works: another job of ours "
           "made the next version"});
}

static void a_conflict_and_a_record_that_is_gone(void **state)
{
    (void)state;
    CHECK({"a conflict on the first fetch",
           {.lock = TARGET_OPAQUE, .rounds = 1},
           {.status = 412},
           "pending fetch retries 0 readbacks 0 delay 0 works: "},
          {"... on the second",
           {.lock = TARGET_OPAQUE, .rounds = 2},
           {.status = 412},
           "pending fetch retries 0 readbacks 0 delay 1000 works: "},
          {"no record in the answer",
           {BACK, .doubt = true},
           {.status = 200},
           "unknown doubt costs retries 1 readbacks 1 delay 1000: "},
          {"a record that was created has no version to compare",
           {.request = REQUEST_READ_BACK, .creates = CREATES_MISSING, .doubt = true},
           {.status = 200, .has_version = true, .version = 1},
           "conflict doubt success unproven retries 0 readbacks 0 delay 0 works: unproven: the "
           "record has changed, and holds other fields"},
          {"gone",
           {BACK},
           {.status = 404},
           "refused retries 0 readbacks 0 delay 0: the record is gone"},
          {"gone, perhaps after ours",
           {BACK, .doubt = true},
           {.status = 404},
           "refused doubt retries 0 readbacks 0 delay 0: unproven: the record is gone"},
          {"gone, of a target with versions and no log",
           {.request = REQUEST_READ_BACK, .doubt = true, .no_audit = true},
           {.status = 404},
           "refused doubt retries 0 readbacks 0 delay 0: unproven: the record is gone"},
          {"gone, of a target with versions and a log",
           {.request = REQUEST_READ_BACK, .doubt = true},
           {.status = 404},
           "unknown doubt audit retries 0 readbacks 0 delay 0: the record is gone"},
          {"not created",
           {BACK, .doubt = true, .creates = CREATES_MISSING},
           {.status = 404},
           "pending doubt retries 1 readbacks 0 delay 1000: the record is not there: it did not "
           "land"});
#undef BACK
}

#define BACK .request = REQUEST_READ_BACK, .lock = TARGET_NONE, .doubt = true

static void without_a_lock_only_the_values_show_what_happened(void **state)
{
    (void)state;
    CHECK(
        {"our fields",
         {BACK},
         {SHOWN, .fields_are_ours = true},
         "applied doubt success retries 0 readbacks 0 delay 0 works: the record holds our fields"},
        {"refused before, other fields",
         {BACK, .put_status = 400},
         {SHOWN},
         "refused doubt success retries 0 readbacks 0 delay 0 refused works: unproven: refused, "
         "and the record holds other fields"},
        {"forbidden before, other fields",
         {BACK, .put_status = 403},
         {SHOWN},
         "refused doubt success retries 0 readbacks 0 delay 0 refused works: unproven: refused, "
         "and the record holds other fields"},
        {"at a wrong place before, other fields",
         {BACK, .put_status = 405},
         {SHOWN},
         "refused doubt success retries 0 readbacks 0 delay 0 refused works: unproven: refused, "
         "and the record holds other fields"},
        {"a failure before, other fields",
         {BACK, .put_status = 500},
         {SHOWN},
         "unknown doubt success retries 0 readbacks 0 delay 0 works again: the record holds other "
         "fields so far"},
        {"other fields",
         {BACK},
         {SHOWN},
         "unknown doubt success retries 0 readbacks 0 delay 0 works again: the record holds other "
         "fields so far"},
        {"other fields again",
         {BACK, .looks_again = true},
         {SHOWN},
         "pending doubt success retries 1 readbacks 0 delay 1000 works: the record holds other "
         "fields: sent again, because there is no lock"},
        {"... of a target that is read first",
         {BACK, .looks_again = true, .reads_first = true},
         {SHOWN},
         "pending doubt success fetch retries 1 readbacks 0 delay 1000 works: the record holds "
         "other fields: sent again, because there is no lock"},
        {"gone",
         {BACK},
         {.status = 404},
         "refused doubt retries 0 readbacks 0 delay 0: unproven: the record is gone"},
        {"gone, of an upsert",
         {BACK, .missing = TARGET_UPSERT},
         {.status = 404},
         "unknown doubt retries 0 readbacks 0 delay 0 again: the record is not there so far"},
        {"... and still gone when no stray request can land",
         {BACK, .missing = TARGET_UPSERT, .looks_again = true},
         {.status = 404},
         "pending doubt retries 1 readbacks 0 delay 1000: the record is not there: it did not "
         "land"},
        {"gone, of an upsert that was refused",
         {BACK, .missing = TARGET_UPSERT, .put_status = 422},
         {.status = 404},
         "refused doubt retries 0 readbacks 0 delay 0 refused: unproven: refused, and there is no "
         "such record"});
#undef BACK
}

/* Without a log nothing else can show who made the next version. */
static void without_an_audit_log_the_record_alone_decides(void **state)
{
    (void)state;
#define BACK  .request = REQUEST_READ_BACK, .no_audit = true, .doubt = true
#define AT(n) .status = 200, .has_version = true, .version = n
    CHECK({"the next version, our fields",
           {BACK},
           {AT(6), .fields_are_ours = true},
           "applied doubt success retries 0 readbacks 0 delay 0 works: the next version holds our "
           "fields, without a correlation id"},
          {"a later one, our fields",
           {BACK},
           {AT(8), .fields_are_ours = true},
           "applied doubt success retries 0 readbacks 0 delay 0 works: the record holds our "
           "fields, without a correlation id"},
          {"the next version, other fields",
           {BACK},
           {AT(6)},
           "conflict doubt success proven retries 0 readbacks 0 delay 0 works: the next version "
           "holds other fields"},
          {"a later one, other fields",
           {BACK},
           {AT(7)},
           "conflict doubt success unproven retries 0 readbacks 0 delay 0 works: unproven: the "
           "record has moved on beyond the next version"});
#undef BACK
}

static void a_fetch_shows_what_is_built_on(void **state)
{
    (void)state;
#define FETCH .request = REQUEST_FETCH, .lock = TARGET_OPAQUE
    CHECK({"a record",
           {FETCH},
           {SHOWN},
           "pending success send retries 0 readbacks 0 delay 0 works: "},
          {"a record that holds our fields",
           {FETCH},
           {SHOWN, .is_there = true},
           "unchanged success retries 0 readbacks 0 delay 0 works: the record holds these values "
           "already"},
          {"a record with our id",
           {FETCH},
           {SHOWN, .is_ours = true},
           "applied success retries 0 readbacks 0 delay 0 works: the record carries our "
           "correlation id"},
          {"a rule that is broken",
           {FETCH},
           {SHOWN, .rule_broken = true},
           "conflict success unproven retries 0 readbacks 0 delay 0 works: our fields over the "
           "record's break a rule of the schema"},
          {"no record in the answer",
           {FETCH},
           {.status = 200},
           "pending costs retries 1 readbacks 0 delay 1000: "},
          {"refused", {FETCH}, {.status = 400}, "refused retries 0 readbacks 0 delay 0: "},
          {"unchanged, which is not a record",
           {FETCH},
           {.status = 304, .said = TARGET_UNCHANGED},
           "pending costs retries 1 readbacks 0 delay 1000: "});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_that_is_not_there_is_created_where_the_target_says_so),
        cmocka_unit_test(a_record_that_was_to_be_created_and_is_there_is_updated),
        cmocka_unit_test(a_target_says_what_its_answers_mean),
        cmocka_unit_test(an_answer_counts_by_the_lock),
        cmocka_unit_test(what_the_server_did_not_do_is_sent_again),
        cmocka_unit_test(a_read_back_compares_tokens),
        cmocka_unit_test(a_read_that_lags_is_told_from_a_change_by_somebody_else),
        cmocka_unit_test(a_conflict_and_a_record_that_is_gone),
        cmocka_unit_test(without_a_lock_only_the_values_show_what_happened),
        cmocka_unit_test(without_an_audit_log_the_record_alone_decides),
        cmocka_unit_test(a_fetch_shows_what_is_built_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
