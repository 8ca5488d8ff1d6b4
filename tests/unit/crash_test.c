/* Each case in its own child, which the crash point ends. */
#include "core/base/crash.h"

#include "tests/lib/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef ROWFERRY_CRASH_POINTS

enum { LIVED = 42 };

/* Returns how a child ends that passes batch-opened twice and file-moved once. */
static int ends_with(const char *armed)
{
    struct err err = {0};
    pid_t child = scratch_fork();

    if (child == 0) {
        if (armed && !crash_arm(armed, &err))
            _exit(1);
        crash_point(CRASH_BATCH_OPENED);
        crash_point(CRASH_FILE_MOVED);
        crash_point(CRASH_BATCH_OPENED);
        _exit(LIVED);
    }
    return scratch_join(child);
}

static void nothing_ends_at_a_point_that_is_not_armed(void **state)
{
    (void)state;
    assert_int_equal(ends_with(NULL), LIVED);
    assert_int_equal(ends_with("turn-committed"), LIVED);
}

static void the_process_kills_itself_at_the_given_passage(void **state)
{
    (void)state;
    assert_int_equal(ends_with("batch-opened"), -SIGKILL);
    assert_int_equal(ends_with("file-moved:1"), -SIGKILL);
    assert_int_equal(ends_with("batch-opened:2"), -SIGKILL);
    assert_int_equal(ends_with("batch-opened:3"), LIVED);
}

static void assert_refused(const char *text, const char *reason)
{
    struct err err = {0};

    assert_false(crash_arm(text, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_memory_equal(err.text, reason, strlen(reason));
}

static void an_unknown_point_is_refused_and_all_of_them_are_listed(void **state)
{
    struct err err = {0};

    (void)state;
    assert_refused("list", "ROWFERRY_CRASH: 'list' is not one of: database-made database-set-up ");
    assert_refused("", "ROWFERRY_CRASH: '' is not one of: database-made ");
    assert_false(crash_arm("x", &err));
    assert_non_null(strstr(err.text, " run-ended prune-marked prune-committed"
                                     " notification-read notification-committed"
                                     " delivery-started delivery-answered delivery-settled"));
}

static void other_points_and_earlier_passages_do_nothing(void **state)
{
    struct err err = {0};

    (void)state;
    assert_true(crash_arm("run-ended:3", &err));
    crash_point(CRASH_RUN_ENDED);
    crash_point(CRASH_BATCH_BEGUN);
    crash_point(CRASH_RUN_ENDED);
}

static void a_passage_is_a_number_from_1_on(void **state)
{
    (void)state;
    assert_refused("file-moved:0", "ROWFERRY_CRASH: 'file-moved:0' is not NAME:N");
    assert_refused("file-moved:", "ROWFERRY_CRASH: 'file-moved:' is not NAME:N");
    assert_refused("file-moved:x", "ROWFERRY_CRASH: 'file-moved:x' is not NAME:N");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_ends_at_a_point_that_is_not_armed),
        cmocka_unit_test(the_process_kills_itself_at_the_given_passage),
        cmocka_unit_test(an_unknown_point_is_refused_and_all_of_them_are_listed),
        cmocka_unit_test(other_points_and_earlier_passages_do_nothing),
        cmocka_unit_test(a_passage_is_a_number_from_1_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void a_build_without_crash_points_ignores_all_of_them(void **state)
{
    (void)state;
    for (int place = 0; place < CRASH_PLACES; place++)
        crash_point((enum crash_place)place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_build_without_crash_points_ignores_all_of_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
