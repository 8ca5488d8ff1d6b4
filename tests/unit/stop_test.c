/* Each case in its own child, because a second signal ends the process. */
#include "core/base/stop.h"

#include "core/base/clock.h"
#include "tests/lib/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* Exit statuses of a part. */
enum { FINE = 0, WRONG = 1, NO_INIT = 2 };

/* Runs the part in a child and returns how that ended. */
static int ends_with(int (*part)(void))
{
    struct err err = {0};
    pid_t child = scratch_fork();

    if (child == 0) {
        if (!stop_init(&err))
            _exit(NO_INIT);
        _exit(part());
    }
    return scratch_join(child);
}

static int no_signal(void)
{
    return stop_fd() >= 0 && !stop_requested() && stop_signal() == 0 && !stop_wait_ms(1) ? FINE
                                                                                         : WRONG;
}

static void nothing_is_requested_before_a_signal(void **state)
{
    (void)state;
    assert_int_equal(ends_with(no_signal), FINE);
}

static int first_interrupt(void)
{
    kill(getpid(), SIGINT);
    return stop_requested() && stop_signal() == SIGINT && stop_requested() ? FINE : WRONG;
}

static int first_termination(void)
{
    kill(getpid(), SIGTERM);
    return stop_requested() && stop_signal() == SIGTERM ? FINE : WRONG;
}

static int first_hangup(void)
{
    kill(getpid(), SIGHUP);
    return stop_requested() && stop_signal() == SIGHUP ? FINE : WRONG;
}

static int hangup_after_nohup(void)
{
    kill(getpid(), SIGHUP);
    return !stop_requested() && stop_signal() == 0 ? FINE : WRONG;
}

static void a_hangup_stops_unless_it_was_ignored_at_the_start(void **state)
{
    (void)state;
    assert_int_equal(ends_with(first_hangup), FINE);
    signal(SIGHUP, SIG_IGN);
    assert_int_equal(ends_with(hangup_after_nohup), FINE);
    signal(SIGHUP, SIG_DFL);
}

static int file_beyond_the_limit(void)
{
    raise(SIGXFSZ);
    return stop_requested() ? WRONG : FINE;
}

static void a_file_beyond_the_size_limit_does_not_end_the_process(void **state)
{
    (void)state;
    assert_int_equal(ends_with(file_beyond_the_limit), FINE);
}

static void the_first_signal_requests_a_stop_for_good(void **state)
{
    (void)state;
    assert_int_equal(ends_with(first_interrupt), FINE);
    assert_int_equal(ends_with(first_termination), FINE);
}

static int two_interrupts(void)
{
    kill(getpid(), SIGINT);
    if (!stop_requested())
        return WRONG;
    kill(getpid(), SIGINT);
    stop_requested();
    return WRONG;
}

static int interrupt_then_termination(void)
{
    kill(getpid(), SIGINT);
    if (!stop_requested())
        return WRONG;
    kill(getpid(), SIGTERM);
    stop_requested();
    return WRONG;
}

static void the_second_signal_ends_the_process_with_its_number(void **state)
{
    (void)state;
    assert_int_equal(ends_with(two_interrupts), 128 + SIGINT);
    assert_int_equal(ends_with(interrupt_then_termination), 128 + SIGTERM);
}

static int both_at_once(void)
{
    kill(getpid(), SIGTERM);
    kill(getpid(), SIGINT);
    stop_requested();
    return WRONG;
}

static void two_pending_signals_count_as_two(void **state)
{
    int status = ends_with(both_at_once);

    (void)state;
    assert_true(status == 128 + SIGINT || status == 128 + SIGTERM);
}

static int readable_descriptor(void)
{
    struct pollfd look = {stop_fd(), POLLIN, 0};

    if (poll(&look, 1, 0) != 0)
        return WRONG;
    kill(getpid(), SIGTERM);
    if (poll(&look, 1, 0) != 1)
        return WRONG;
    stop_requested();
    return poll(&look, 1, 0) == 0 ? FINE : WRONG;
}

static void the_descriptor_is_readable_while_a_signal_waits(void **state)
{
    (void)state;
    assert_int_equal(ends_with(readable_descriptor), FINE);
}

static int waiting_ends(void)
{
    int64_t before = clock_monotonic_us();
    pid_t parent = getpid(), child = fork();
    bool asked;

    if (child == 0) {
        kill(parent, SIGINT);
        _exit(0);
    }
    asked = stop_wait_ms(60000);
    scratch_join(child);
    return asked && clock_monotonic_us() - before < 30000000 && stop_wait_ms(60000) ? FINE : WRONG;
}

static void a_signal_ends_a_wait_and_prevents_later_ones(void **state)
{
    (void)state;
    assert_int_equal(ends_with(waiting_ends), FINE);
}

static void *idle(void *context)
{
    pthread_barrier_t *met = context;

    pthread_barrier_wait(met);
    pthread_barrier_wait(met);
    return NULL;
}

static int with_a_thread(void)
{
    pthread_barrier_t met;
    pthread_t thread;
    bool asked;

    pthread_barrier_init(&met, NULL, 2);
    if (pthread_create(&thread, NULL, idle, &met) != 0)
        return WRONG;
    pthread_barrier_wait(&met);
    kill(getpid(), SIGTERM);
    asked = stop_requested();
    pthread_barrier_wait(&met);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&met);
    return asked ? FINE : WRONG;
}

static void later_threads_do_not_take_the_signals(void **state)
{
    (void)state;
    assert_int_equal(ends_with(with_a_thread), FINE);
}

static int twice(void)
{
    struct err err = {0};
    int fd = stop_fd();

    return stop_init(&err) && stop_fd() == fd ? FINE : WRONG;
}

static void a_second_init_keeps_the_descriptor(void **state)
{
    (void)state;
    assert_int_equal(ends_with(twice), FINE);
}

static int time_over(void)
{
    bool asked;

    stop_after_ms(1);
    asked = stop_wait_ms(60000);
    return asked && stop_noted() && stop_requested() && stop_signal() == 0 ? FINE : WRONG;
}

static int signal_after_the_time(void)
{
    stop_after_ms(1);
    if (!stop_wait_ms(60000))
        return WRONG;
    kill(getpid(), SIGINT);
    return stop_requested() && stop_signal() == SIGINT ? FINE : WRONG;
}

static int time_over_after_a_signal(void)
{
    struct pollfd look = {stop_fd(), POLLIN, 0};

    kill(getpid(), SIGTERM);
    if (!stop_requested())
        return WRONG;
    stop_after_ms(1);
    if (poll(&look, 1, 60000) != 1)
        return WRONG;
    return stop_requested() && stop_signal() == SIGTERM ? FINE : WRONG;
}

static void the_time_limit_requests_a_stop_without_a_signal(void **state)
{
    (void)state;
    assert_int_equal(ends_with(time_over), FINE);
    assert_int_equal(ends_with(signal_after_the_time), FINE);
    assert_int_equal(ends_with(time_over_after_a_signal), FINE);
}

static int lease_wanted_back(void)
{
    raise(SIGIO);
    return stop_requested() ? WRONG : FINE;
}

static void sigio_of_a_lease_does_not_end_the_process(void **state)
{
    (void)state;
    assert_int_equal(ends_with(lease_wanted_back), FINE);
}

static void without_init_nothing_is_requested(void **state)
{
    (void)state;
    assert_int_equal(stop_fd(), -1);
    assert_false(stop_requested());
    assert_false(stop_wait_ms(0));
    assert_false(stop_noted());
    assert_int_equal(stop_signal(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_requested_before_a_signal),
        cmocka_unit_test(the_first_signal_requests_a_stop_for_good),
        cmocka_unit_test(a_hangup_stops_unless_it_was_ignored_at_the_start),
        cmocka_unit_test(a_file_beyond_the_size_limit_does_not_end_the_process),
        cmocka_unit_test(the_second_signal_ends_the_process_with_its_number),
        cmocka_unit_test(two_pending_signals_count_as_two),
        cmocka_unit_test(the_descriptor_is_readable_while_a_signal_waits),
        cmocka_unit_test(a_signal_ends_a_wait_and_prevents_later_ones),
        cmocka_unit_test(later_threads_do_not_take_the_signals),
        cmocka_unit_test(a_second_init_keeps_the_descriptor),
        cmocka_unit_test(the_time_limit_requests_a_stop_without_a_signal),
        cmocka_unit_test(sigio_of_a_lease_does_not_end_the_process),
        cmocka_unit_test(without_init_nothing_is_requested),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
