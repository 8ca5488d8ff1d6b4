#include "core/job/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void the_entries_of_a_record_give_a_verdict(void **state)
{
    static const struct {
        struct verdict_facts facts; /* ours, another's, unnamed, answered */
        enum verdict verdict;
    } rows[] = {
        {{false, false, false, true}, VERDICT_NONE},
        {{false, false, false, false}, VERDICT_NONE},
        {{true, false, false, false}, VERDICT_VERIFIED},
        {{true, true, true, false}, VERDICT_VERIFIED},
        {{false, true, false, true}, VERDICT_MISMATCH},
        {{false, true, false, false}, VERDICT_MISMATCH},
        {{false, true, true, true}, VERDICT_MISMATCH},
        /* no id: ours by the answer; of an update in doubt it shows nothing */
        {{false, false, true, true}, VERDICT_VERIFIED},
        {{false, false, true, false}, VERDICT_NONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(verdict_of(&rows[i].facts), rows[i].verdict);
}

static void each_verdict_has_its_name(void **state)
{
    (void)state;
    assert_string_equal(verdict_name(VERDICT_NONE), "");
    assert_string_equal(verdict_name(VERDICT_VERIFIED), "verified");
    assert_string_equal(verdict_name(VERDICT_MISSING), "missing");
    assert_string_equal(verdict_name(VERDICT_MISMATCH), "mismatch");
}

/* How many of 100000 ids the sample has; every id of a smaller sample is in a larger one. */
static unsigned sampled(double share, double larger)
{
    unsigned count = 0;

    for (unsigned i = 0; i < 100000; i++) {
        unsigned char id[16] = {0x40};
        bool has;

        memcpy(id + 12, &i, sizeof i);
        has = verdict_samples(share, id);
        assert_true(!has || verdict_samples(larger, id));
        assert_int_equal(has, verdict_samples(share, id));
        count += has;
    }
    return count;
}

static void a_sample_has_its_share_and_is_always_the_same(void **state)
{
    (void)state;
    assert_int_equal(sampled(0, 0), 0);
    assert_int_equal(sampled(1, 1), 100000);
    assert_in_range(sampled(0.05, 0.06), 4700, 5300);
    assert_in_range(sampled(0.5, 0.9), 49000, 51000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_entries_of_a_record_give_a_verdict),
        cmocka_unit_test(each_verdict_has_its_name),
        cmocka_unit_test(a_sample_has_its_share_and_is_always_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
