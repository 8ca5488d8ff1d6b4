#include "core/ingest/key_run.h"

#include "tests/unit/scene.h"

/* Sorts the keys, each added with its place from 1 as its row, and returns the rows in order. */
static const char *order_of(const struct span *keys, uint32_t count)
{
    static char text[256];
    struct key_run run;
    size_t size = 0;

    key_run_init(&run, 16);
    for (uint32_t i = 0; i < count; i++)
        key_run_add(&run, keys[i], i + 1);
    key_run_sort(&run);
    for (uint32_t i = 0; i < count; i++) {
        struct span key, packed = key_run_packed(&run, i);
        uint32_t row_no;

        assert_int_equal(key_run_unpack(packed, &key, &row_no), packed.size);
        assert_true(span_equal(key, keys[row_no - 1]));
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%u", i ? " " : "", row_no);
    }
    key_run_release(&run);
    return text;
}

static void keys_are_compared_as_bytes(void **state)
{
    static const struct span keys[] = {
        {"a\0b", 3}, {"a", 1}, {"\xFFz", 2}, {"a\0", 2}, {"B", 1}, {"\xC3\xA4", 2},
    };

    (void)state;
    assert_string_equal(order_of(keys, 6), "5 2 4 1 6 3");
}

static void keys_with_the_same_beginning_are_ordered_by_the_rest(void **state)
{
    static const struct span keys[] = {
        {"an order, the 3rd", 17}, {"an order, the 1st", 17}, {"an order", 8}, {"an orde", 7},
        {"an order, the 2nd", 17}, {"an order\0", 9},
    };

    (void)state;
    assert_string_equal(order_of(keys, 6), "4 3 6 2 5 1");
}

static void equal_keys_stay_in_the_order_of_their_rows(void **state)
{
    static const struct span keys[] = {
        {"b", 1}, {"a", 1}, {"a longer key", 12}, {"b", 1}, {"a longer key", 12}, {"a", 1},
    };

    (void)state;
    assert_string_equal(order_of(keys, 6), "2 6 3 5 1 4");
}

static void sorted_keys_stay_as_they_are(void **state)
{
    static const struct span keys[] = {{"a", 1}, {"b", 1}, {"b", 1}, {"c", 1}};

    (void)state;
    assert_string_equal(order_of(keys, 4), "1 2 3 4");
}

static void a_truncated_key_is_not_returned(void **state)
{
    struct key_run run;
    struct span packed, key = {0};
    uint32_t row_no = 0;

    (void)state;
    key_run_init(&run, 1);
    key_run_add(&run, span_of("cut me"), 7);
    packed = key_run_packed(&run, 0);
    for (size_t size = 0; size < packed.size; size++)
        assert_int_equal(key_run_unpack((struct span){packed.data, size}, &key, &row_no), 0);
    assert_int_equal(key_run_unpack(packed, &key, &row_no), packed.size);
    assert_true(span_is(key, "cut me"));
    assert_int_equal(row_no, 7);
    key_run_release(&run);
}

static void a_run_is_reused(void **state)
{
    struct key_run run;

    (void)state;
    key_run_init(&run, 2);
    for (uint32_t i = 0; i < 3; i++) {
        key_run_add(&run, span_of("b"), 1);
        key_run_add(&run, span_of("a"), 2);
        key_run_sort(&run);
        assert_int_equal(run.count, 2);
        key_run_reset(&run);
    }
    key_run_release(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_compared_as_bytes),
        cmocka_unit_test(keys_with_the_same_beginning_are_ordered_by_the_rest),
        cmocka_unit_test(equal_keys_stay_in_the_order_of_their_rows),
        cmocka_unit_test(sorted_keys_stay_as_they_are),
        cmocka_unit_test(a_truncated_key_is_not_returned),
        cmocka_unit_test(a_run_is_reused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
