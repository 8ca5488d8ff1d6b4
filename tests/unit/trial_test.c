/* Whether the record or the run is at fault when the API denies requests. */
#include "core/job/trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* Plays answers, a letter each: f 403, p 301, n 404, b 400, v 422 with a code, w 422 with another
 * one, + a success; capitals (F, P, N, B, V) come from the sample. Returns the last ruling. */
static enum trial_ruling play(struct trial *trial, const char *answers)
{
    static const struct {
        char letter;
        enum policy_run run;
        long status;
        const char *code;
    } kinds[] = {
        {'f', POLICY_FORBIDDEN, 403, "not.authorized"}, {'p', POLICY_WRONG_PLACE, 301, ""},
        {'n', POLICY_REFUSING, 404, "not.found"},       {'b', POLICY_REFUSING, 400, "bad.request"},
        {'v', POLICY_REFUSING, 422, "invalid"},         {'w', POLICY_REFUSING, 422, "other"},
    };
    enum trial_ruling ruling = TRIAL_OPEN;

    for (; *answers; answers++) {
        if (*answers == '+')
            trial->works = true;
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
            if ((*answers | 0x20) == kinds[i].letter)
                ruling = trial_count(trial, kinds[i].run, kinds[i].status, kinds[i].code,
                                     !(*answers & 0x20));
    }
    return ruling;
}

#define TEN(x) x x x x x x x x x x

static void a_ruling_on_all_takes_twenty_jobs_of_which_twelve_are_sampled(void **state)
{
    static const struct {
        const char *answers;
        enum trial_ruling ruling;
        unsigned wants; /* after it */
    } rows[] = {
        {"f", TRIAL_OPEN, 0},
        {"ff", TRIAL_OPEN, 0},
        {"fff", TRIAL_OPEN, 17},
        {"fffF", TRIAL_OPEN, 16},
        {TEN("f") TEN("f"), TRIAL_OPEN, 12},
        {TEN("f") TEN("f") TEN("f"), TRIAL_OPEN, 12},
        {TEN("f") TEN("f") TEN("F"), TRIAL_OPEN, 2},
        {TEN("f") TEN("f") TEN("F") "FF", TRIAL_RUN, 0},
        {"fff" TEN("F") "FFFFFF", TRIAL_OPEN, 1},
        {"fff" TEN("F") "FFFFFFF", TRIAL_RUN, 0},
        {"ppp" TEN("P") "PPPPPPP", TRIAL_RUN, 0},
        {"fpf" TEN("P") "FFFFFFF", TRIAL_RUN, 0},
        {"nnn" TEN("N") "NNNNNNN", TRIAL_RUN, 0},
        {"vvv" TEN("V") "VVVVVVV", TRIAL_RUN, 0},
        {TEN("n") TEN("n"), TRIAL_OPEN, 12},
        /* refusals differ: each concerns its record */
        {"nnn" TEN("N") "NNNNNNb", TRIAL_RECORD, 0},
        {"vvv" TEN("V") "VVVVVVw", TRIAL_RECORD, 0},
        {"vvvw" TEN("V") TEN("V"), TRIAL_RECORD, 0},
        /* after a success the same, for 403s too */
        {"fff" TEN("F") "FFFFFF+F", TRIAL_RECORD, 0},
        {"nnn" TEN("N") "NNNNNN+N", TRIAL_RECORD, 0},
        {"+f", TRIAL_RECORD, 0},
        {"fff+", TRIAL_OPEN, 0},
        /* 403s and refusals are counted separately */
        {"fffnnn" TEN("N"), TRIAL_OPEN, 17},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct trial trial = {0};
        enum trial_ruling ruling = play(&trial, rows[i].answers);

        if (ruling != rows[i].ruling || trial_wants(&trial) != rows[i].wants)
            fail_msg("%s: %u, wants %u", rows[i].answers, ruling, trial_wants(&trial));
    }
}

static void held_jobs_are_ruled_by_what_is_known_later(void **state)
{
    static const struct {
        const char *answers;
        enum policy_run run;
        bool dry;
        enum trial_ruling ruling;
        unsigned doubtful;
    } rows[] = {
        {"ff", POLICY_FORBIDDEN, true, TRIAL_RUN, 1},
        {"ff", POLICY_FORBIDDEN, true, TRIAL_LEFT, 2},
        {"f+", POLICY_FORBIDDEN, true, TRIAL_RECORD, 9},
        {"f", POLICY_FORBIDDEN, false, TRIAL_OPEN, 9},
        {"pp", POLICY_WRONG_PLACE, true, TRIAL_LEFT, 3},
        {"n", POLICY_REFUSING, true, TRIAL_RECORD, 9},
        {"f", POLICY_FORBIDDEN, false, TRIAL_OPEN, 0},
        {"f", POLICY_FORBIDDEN, true, TRIAL_RUN, 0},
        {"p", POLICY_WRONG_PLACE, true, TRIAL_RUN, 0},
        {"f+", POLICY_FORBIDDEN, false, TRIAL_RECORD, 0},
        {"f+", POLICY_FORBIDDEN, true, TRIAL_RECORD, 0},
        {"fnb", POLICY_FORBIDDEN, false, TRIAL_OPEN, 0},
        {"n", POLICY_REFUSING, false, TRIAL_OPEN, 0},
        {"n", POLICY_REFUSING, true, TRIAL_RECORD, 0},
        {"nb", POLICY_REFUSING, false, TRIAL_RECORD, 0},
        {"n+", POLICY_REFUSING, false, TRIAL_RECORD, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct trial trial = {0};

        play(&trial, rows[i].answers);
        if (trial_rule(&trial, rows[i].run, rows[i].dry, rows[i].doubtful) != rows[i].ruling)
            fail_msg("%s, row %zu", rows[i].answers, i);
    }
}

static void codes_are_compared_up_to_their_kept_length(void **state)
{
    struct trial trial = {0};
    char code[200];

    (void)state;
    memset(code, 'x', sizeof code - 1);
    code[sizeof code - 1] = '\0';
    for (int i = 0; i < 5; i++)
        trial_count(&trial, POLICY_REFUSING, 422, code, false);
    assert_false(trial.varied);
    assert_int_equal(trial.alike.jobs, 5);
}

static void reads_and_fetches_are_one_kind_writes_another(void **state)
{
    (void)state;
    assert_int_equal(trial_kind_of(REQUEST_UPDATE), TRIAL_WRITE);
    assert_int_equal(trial_kind_of(REQUEST_FETCH), TRIAL_READ);
    assert_int_equal(trial_kind_of(REQUEST_READ_BACK), TRIAL_READ);
    assert_int_equal(trial_kind_of(REQUEST_AUDIT), TRIAL_AUDIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ruling_on_all_takes_twenty_jobs_of_which_twelve_are_sampled),
        cmocka_unit_test(held_jobs_are_ruled_by_what_is_known_later),
        cmocka_unit_test(codes_are_compared_up_to_their_kept_length),
        cmocka_unit_test(reads_and_fetches_are_one_kind_writes_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
