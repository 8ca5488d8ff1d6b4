/* Correlation ids: the layout to the byte, and what makes two of them differ. The expected ids come
 * from another implementation of the layout in core/job/correlation.h. */
#include "core/job/correlation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <uuid/uuid.h>

static const char content[] = "99aa06d3014798d86001c324468d497f";

static void make(const char *schema, const char *hash, int64_t occurrence, int64_t rows_before,
                 int64_t row_no, char text[37])
{
    unsigned char id[CORRELATION_SIZE];
    struct correlation_key key;

    correlation_key_make(span_of(schema), span_of(hash), occurrence, rows_before, &key);
    correlation_make(&key, row_no, id);
    uuid_unparse_lower(id, text);
}

static void an_id_is_made_of_schema_content_occurrence_and_row(void **state)
{
    static const struct {
        const char *schema, *hash;
        int64_t occurrence, row_no;
        const char *id;
    } rows[] = {
        {"InventoryItem", content, 0, 1, "4a4a9724-89c1-8449-b50d-75648d19ebe0"},
        {"InventoryItem", content, 0, 2, "d69ad369-98d4-895a-b1bb-e1defe84a4c5"},
        {"InventoryItem", content, 1, 1, "84f5effd-da75-8473-a1bf-7e03bc5cbdbe"},
        {"Inv", content, 0, 999999999, "4a458425-c6ff-8f2a-8ea6-745446b474d8"},
        {"", "", 0, 1, "c1b49c24-d1ba-8a73-84fd-671b0d7412c3"},
    };
    char text[37];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        make(rows[i].schema, rows[i].hash, rows[i].occurrence, 0, rows[i].row_no, text);
        assert_string_equal(text, rows[i].id);
    }
}

static void the_rows_of_a_grown_file_count_from_its_beginning(void **state)
{
    char whole[37], rest[37];

    (void)state;
    make("Inv", content, 0, 0, 105, whole);
    make("Inv", content, 0, 100, 5, rest);
    assert_string_equal(whole, rest);
}

static void an_end_of_the_schema_is_not_a_beginning_of_the_hash(void **state)
{
    char one[37], other[37];

    (void)state;
    make("Inv9", content + 1, 0, 0, 1, one);
    make("Inv", content, 0, 0, 1, other);
    assert_string_not_equal(one, other);
}

static void an_id_is_a_uuid_of_version_8(void **state)
{
    char text[37];
    uuid_t id;

    (void)state;
    for (int64_t row_no = 1; row_no < 1000; row_no++) {
        make("Inv", content, 0, 0, row_no, text);
        assert_int_equal(uuid_parse(text, id), 0);
        assert_int_equal(text[14], '8');
        assert_non_null(strchr("89ab", text[19]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_made_of_schema_content_occurrence_and_row),
        cmocka_unit_test(the_rows_of_a_grown_file_count_from_its_beginning),
        cmocka_unit_test(an_end_of_the_schema_is_not_a_beginning_of_the_hash),
        cmocka_unit_test(an_id_is_a_uuid_of_version_8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
