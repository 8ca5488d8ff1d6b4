#include "core/job/id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

static void an_id_is_made_of_batch_and_row(void **state)
{
    char text[ID_TEXT_SIZE], rows[ID_TEXT_SIZE];

    (void)state;
    assert_int_equal(id_of(5, 812), 5000000812);
    assert_int_equal(id_batch(5000000812), 5);
    assert_int_equal(id_row(5000000812), 812);
    assert_string_equal(id_print(5000000812, text), "5/812");
    assert_string_equal(id_print(id_of(INT32_MAX, ID_ROWS - 1), text), "2147483647/999999999");
    snprintf(rows, sizeof rows, "%d", ID_ROWS);
    assert_string_equal(ID_ROWS_SQL, rows);
}

static void the_ids_of_a_batch_are_between_its_ends(void **state)
{
    (void)state;
    assert_int_equal(id_before(5), id_of(5, 1) - 1);
    assert_int_equal(id_end(5), id_of(5, ID_ROWS - 1) + 1);
    assert_int_equal(id_before(0), 0);
    assert_true(id_end(0) > id_end(INT32_MAX));
}

static void batch_and_row_are_read_and_nothing_else_is(void **state)
{
    static const struct {
        const char *text;
        int64_t job_id; /* 0: the text is not an id */
    } rows[] = {
        {"5/812", 5000000812},
        {"2147483647/999999999", 2147483647999999999},
        {"1/1", 1000000001},
        {"5", 0},
        {"5/", 0},
        {"/812", 0},
        {"5/0", 0},
        {"0/1", 0},
        {"5/x", 0},
        {"5/812/1", 0},
        {"5/1000000000", 0},
        {"2147483648/1", 0},
        {"", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t job_id = 0;

        if (id_parse(rows[i].text, &job_id) != (rows[i].job_id != 0) || job_id != rows[i].job_id)
            fail_msg("'%s' is %lld", rows[i].text, (long long)job_id);
    }
}

static void a_list_is_sorted_and_has_each_id_once(void **state)
{
    struct id_list list = {0};

    (void)state;
    id_list_sort(&list);
    id_list_drop(&list, 0);
    assert_int_equal(list.count, 0);
    for (int i = 0; i < 300; i++)
        id_list_add(&list, (i * 7) % 100 + 1);
    id_list_sort(&list);
    assert_int_equal(list.count, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(list.items[i], i + 1);
    id_list_drop(&list, 98);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[0], 99);
    id_list_drop(&list, 2);
    assert_int_equal(list.count, 0);
    id_list_release(&list);
    assert_null(list.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_made_of_batch_and_row),
        cmocka_unit_test(the_ids_of_a_batch_are_between_its_ends),
        cmocka_unit_test(batch_and_row_are_read_and_nothing_else_is),
        cmocka_unit_test(a_list_is_sorted_and_has_each_id_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
