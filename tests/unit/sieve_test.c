#include "core/ingest/sieve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

static struct span id_of(unsigned number)
{
    static char text[32];

    snprintf(text, sizeof text, "record-%u", number);
    return span_of(text);
}

static void a_file_without_repeated_ids_has_none(void **state)
{
    struct sieve *sieve = sieve_open(SIEVE_IDS_MAX);

    (void)state;
    for (unsigned i = 0; i < 200000; i++)
        assert_true(sieve_add(sieve, id_of(i)));
    assert_false(sieve_end(sieve));
    assert_false(sieve_holds(sieve, id_of(5)));
    sieve_close(sieve);
}

static void every_repeated_id_is_found(void **state)
{
    enum { IDS = 200000, EVERY = 7 };
    struct sieve *sieve = sieve_open(SIEVE_IDS_MAX);

    (void)state;
    for (unsigned i = 0; i < IDS; i++)
        assert_true(sieve_add(sieve, id_of(i)));
    for (unsigned i = 0; i < IDS; i += EVERY)
        assert_true(sieve_add(sieve, id_of(i)));
    assert_true(sieve_add(sieve, id_of(EVERY)));
    assert_true(sieve_end(sieve));
    for (unsigned i = 0; i < IDS; i++)
        assert_int_equal(sieve_holds(sieve, id_of(i)), i % EVERY == 0);
    assert_false(sieve_holds(sieve, span_of("never seen")));
    sieve_close(sieve);
}

static void more_ids_than_are_held_are_compared_as_well(void **state)
{
    enum { IDS = SIEVE_IDS_HELD * 2 + 12345, EVERY = 100003 };
    struct sieve *sieve = sieve_open(SIEVE_IDS_MAX);
    unsigned wrong = 0;

    (void)state;
    for (unsigned i = 0; i < IDS; i++)
        assert_true(sieve_add(sieve, id_of(i)));
    for (unsigned i = 0; i < IDS; i += EVERY)
        assert_true(sieve_add(sieve, id_of(i)));
    assert_true(sieve_end(sieve));
    for (unsigned i = 0; i < IDS; i++)
        wrong += sieve_holds(sieve, id_of(i)) != (i % EVERY == 0);
    assert_int_equal(wrong, 0);
    sieve_close(sieve);
}

static void two_ids_are_enough(void **state)
{
    struct sieve *sieve = sieve_open(SIEVE_IDS_MAX);

    (void)state;
    assert_true(sieve_add(sieve, span_of("a")));
    assert_true(sieve_add(sieve, span_of("a")));
    assert_true(sieve_end(sieve));
    assert_true(sieve_holds(sieve, span_of("a")));
    assert_false(sieve_holds(sieve, span_of("b")));
    sieve_close(sieve);
}

static void a_sieve_of_no_ids_holds_none(void **state)
{
    struct sieve *sieve = sieve_open(SIEVE_IDS_MAX);

    (void)state;
    assert_false(sieve_end(sieve));
    assert_false(sieve_holds(sieve, span_of("a")));
    sieve_close(sieve);
    sieve_close(NULL);
}

static void ids_that_do_not_fit_are_refused(void **state)
{
    struct sieve *sieve = sieve_open(3);

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        assert_true(sieve_add(sieve, id_of(i)));
    assert_false(sieve_add(sieve, id_of(1)));
    assert_false(sieve_add(sieve, id_of(7)));
    assert_false(sieve_end(sieve));
    sieve_close(sieve);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_without_repeated_ids_has_none),
        cmocka_unit_test(every_repeated_id_is_found),
        cmocka_unit_test(more_ids_than_are_held_are_compared_as_well),
        cmocka_unit_test(two_ids_are_enough),
        cmocka_unit_test(a_sieve_of_no_ids_holds_none),
        cmocka_unit_test(ids_that_do_not_fit_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
