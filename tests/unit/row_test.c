#include "core/row/row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

static const char *fault_of(const char *record_id)
{
    static char text[ROW_FAULT_SIZE];

    return row_record_id_fault(span_of(record_id), text);
}

static void ordinary_record_ids_have_no_fault(void **state)
{
    static const char *const ids[] = {"WH-1042",
                                      "0",
                                      "...",
                                      ".a",
                                      "auditlog",
                                      "auditlogs2",
                                      "AuditLogs",
                                      "a b",
                                      "a/b?c#d%20",
                                      "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
                                      "gr\xC3\xB6\xC3\x9F"
                                      "e",
                                      "\xE2\x82\xAC",
                                      "1234567\xC2\xA0"
                                      "8",
                                      "a\xE3\x80\x80z",
                                      "\xF0\x9F\x98\x80",
                                      "~~~~~~~~"};

    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (fault_of(ids[i]))
            fail_msg("%s: %s", ids[i], fault_of(ids[i]));
}

static void ids_that_no_path_can_carry_have_their_own_reasons(void **state)
{
    static const char dots[] = "must not be . or .., which no path can hold";

    (void)state;
    assert_string_equal(fault_of(""), "must not be empty");
    assert_string_equal(fault_of("."), dots);
    assert_string_equal(fault_of(".."), dots);
    assert_string_equal(fault_of("auditlogs"),
                        "must not be auditlogs, which is another path of the API");
}

static void ids_longer_than_512_bytes_are_refused(void **state)
{
    char id[ROW_RECORD_ID_MAX + 1], fault[ROW_FAULT_SIZE];

    (void)state;
    memset(id, 'a', sizeof id);
    assert_null(row_record_id_fault((struct span){id, ROW_RECORD_ID_MAX}, fault));
    assert_string_equal(row_record_id_fault((struct span){id, ROW_RECORD_ID_MAX + 1}, fault),
                        "must not be longer than 512 bytes");
}

static void control_characters_are_found_at_every_place(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        for (size_t place = 0; place < 20; place++) {
            char id[20], text[ROW_FAULT_SIZE];
            const char *fault;
            bool control = byte < 0x20 || byte == 0x7F;

            if (byte == ' ' && place % (sizeof id - 1) == 0)
                continue;

            memset(id, 'a', sizeof id);
            id[place] = (char)byte;
            fault = row_record_id_fault((struct span){id, sizeof id}, text);
            assert_int_equal(fault != NULL, control);
            if (fault)
                assert_string_equal(fault, "must not hold control characters");
        }
    }
    for (unsigned second = 0x80; second < 0xC0; second++) {
        char id[] = "abcdefg\xC2?hij";

        id[8] = (char)second;
        assert_int_equal(fault_of(id) != NULL, second < 0xA0 || second == 0xAD);
    }
}

static void invisible_characters_are_reported_with_their_code_points(void **state)
{
    static const struct {
        const char *id, *fault;
    } invisible[] = {
        {"\xEF\xBB\xBFWH-1042", "U+FEFF"},
        {"WH\xE2\x80\x8B-1042", "U+200B"},
        {"WH-1042\xE2\x80\x8F", "U+200F"},
        {"W\xE2\x80\xA8H", "U+2028"},
        {"W\xE2\x80\xA9H", "U+2029"},
        {"\xE2\x80\xAE"
         "1042",
         "U+202E"},
        {"W\xE2\x81\xA4H", "U+2064"},
        {"W\xC2\xADH", "U+00AD"},
        {"W\xE1\xA0\x8EH", "U+180E"},
        {"W\xE2\x81\xA6H", "U+2066"},
        {"W\xD8\x9CH", "U+061C"},
        {"W\xF3\xA0\x80\xA0H", "U+E0020"},
        {"W\xE3\x85\xA4H", "U+3164"},
        {"W\xEF\xB8\x8F", "U+FE0F"},
    };
    static const struct {
        const char *id, *fault;
    } blank[] = {
        {" WH-1042", "begin with a blank (U+0020)"},
        {"WH-1042 ", "end with a blank (U+0020)"},
        {"\xC2\xA0WH", "begin with a blank (U+00A0)"},
        {"WH-1042\xC2\xA0", "end with a blank (U+00A0)"},
        {"WH\xE3\x80\x80", "end with a blank (U+3000)"},
        {"WH\xE2\x80\x89", "end with a blank (U+2009)"},
        {" ", "begin with a blank (U+0020)"},
    };
    char text[ROW_FAULT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof invisible / sizeof *invisible; i++) {
        snprintf(text, sizeof text, "must not hold %s, which is invisible", invisible[i].fault);
        assert_string_equal(fault_of(invisible[i].id), text);
    }
    for (size_t i = 0; i < sizeof blank / sizeof *blank; i++) {
        bool trimmed = strstr(blank[i].fault, "U+0020") || strstr(blank[i].fault, "U+00A0");

        snprintf(text, sizeof text, "must not %s%s", blank[i].fault,
                 trimmed ? "; \"trim\": true under x-rowferry takes space, tab and U+00A0 off"
                         : "");
        assert_string_equal(fault_of(blank[i].id), text);
    }
}

static void versions_are_only_digits_within_int64(void **state)
{
    static const char *const wrong[] = {
        "",         "-1",  "-0", "+1",  "00",   "01", "1.0",
        "1e2",      " 1",  "1 ", "abc", "0x10", "-",  "9223372036854775808",
        "\xD9\xA1", "null"};
    int64_t version = -1;

    (void)state;
    assert_true(row_version_read(span_of("0"), &version));
    assert_int_equal(version, 0);
    assert_true(row_version_read(span_of("42"), &version));
    assert_int_equal(version, 42);
    assert_true(row_version_read(span_of("9223372036854775807"), &version));
    assert_true(version == INT64_MAX);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (row_version_read(span_of(wrong[i]), &version))
            fail_msg("'%s' is taken for a version", wrong[i]);
    assert_true(version == INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_record_ids_have_no_fault),
        cmocka_unit_test(ids_that_no_path_can_carry_have_their_own_reasons),
        cmocka_unit_test(ids_longer_than_512_bytes_are_refused),
        cmocka_unit_test(control_characters_are_found_at_every_place),
        cmocka_unit_test(invisible_characters_are_reported_with_their_code_points),
        cmocka_unit_test(versions_are_only_digits_within_int64),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
