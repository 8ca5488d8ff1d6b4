#include "core/job/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const names[JOB_STATES] = {"pending",   "sending",  "unknown", "applied",
                                              "unchanged", "conflict", "refused", "failed",
                                              "dismissed", "cancelled"};

/* The table of docs/design.md#the-states-of-a-job, a row a state, a column what may follow it in
 * the order of names: # by that table; o: stays, put off (pending) or asked again (unknown). */
static const char *const moves[JOB_STATES] = {
    /* pending   */ "o#..#....#",
    /* sending   */ "#.#####...",
    /* unknown   */ "#.o#####..",
    /* applied   */ "..........",
    /* unchanged */ "..........",
    /* conflict  */ "#.......#.",
    /* refused   */ "#.........",
    /* failed    */ "#.#.......",
    /* dismissed */ "..........",
    /* cancelled */ "..........",
};

static void every_move_is_legal_exactly_where_the_contract_says(void **state)
{
    (void)state;
    for (unsigned from = 0; from < JOB_STATES; from++)
        for (unsigned to = 0; to < JOB_STATES; to++)
            if (job_state_can_move((enum job_state)from, (enum job_state)to) !=
                (moves[from][to] != '.'))
                fail_msg("from %s to %s", names[from], names[to]);
}

static void names_go_round_and_are_those_of_the_contract(void **state)
{
    (void)state;
    for (unsigned i = 0; i < JOB_STATES; i++) {
        enum job_state parsed = JOB_STATES;

        assert_string_equal(job_state_name((enum job_state)i), names[i]);
        assert_true(job_state_parse(names[i], &parsed));
        assert_int_equal(parsed, i);
    }
}

static void other_names_are_no_states(void **state)
{
    static const char *const others[] = {"", "Pending", "pending ", "pendin", "done", "open"};
    enum job_state parsed = JOB_STATES;

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(job_state_parse(others[i], &parsed));
    assert_int_equal(parsed, JOB_STATES);
}

static void a_drain_works_on_pending_sending_and_unknown_alone(void **state)
{
    (void)state;
    for (unsigned i = 0; i < JOB_STATES; i++)
        assert_int_equal(job_state_is_open((enum job_state)i), i <= JOB_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_move_is_legal_exactly_where_the_contract_says),
        cmocka_unit_test(names_go_round_and_are_those_of_the_contract),
        cmocka_unit_test(other_names_are_no_states),
        cmocka_unit_test(a_drain_works_on_pending_sending_and_unknown_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
