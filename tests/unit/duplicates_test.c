#include "core/ingest/duplicates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ear {
    char said[8192];
};

static void hear(void *context, const char *text)
{
    struct ear *ear = context;
    size_t size = strlen(ear->said);

    snprintf(ear->said + size, sizeof ear->said - size, "%s\n", text);
}

/* Adds rows `ID:VERSION ...`, the first on line 2. */
static void add(struct duplicates *duplicates, const char *words)
{
    char *copy = strdup(words), *rest = copy;
    uint64_t line_no = 2;

    for (char *word; (word = strsep(&rest, " ")); line_no++) {
        char *id = strsep(&word, ":");
        struct row row = {
            .line_no = line_no,
            .record_id = span_of(id),
            .has_version = true,
            .version = strtoll(word, NULL, 10),
        };

        duplicates_add(duplicates, &row);
    }
    free(copy);
}

static void assert_reported(const struct duplicates *duplicates, const char *expected)
{
    struct ear ear = {""};
    struct notice_sink sink = {hear, &ear};

    duplicates_tell(duplicates, "x.csv", &sink);
    assert_string_equal(ear.said, expected);
}

static void check(const char *words, const char *expected)
{
    struct duplicates *duplicates = duplicates_open(DUPLICATES_BYTES_MAX, true);

    add(duplicates, words);
    assert_reported(duplicates, expected);
    duplicates_close(duplicates);
}

#define CHAIN "they go out in this order, each with the version that the one before came back with"

static void rows_of_one_record_are_reported_with_their_lines(void **state)
{
    (void)state;
    check("a:5 b:5 c:5", "");
    check("a:5 b:5 a:5", "x.csv: record a has 2 rows (lines 2 and 4): " CHAIN "\n");
    check("a:5 b:1 a:5 b:1 a:6", "x.csv: record a has 3 rows (lines 2, 4 and 6): " CHAIN "\n"
                                 "x.csv: record b has 2 rows (lines 3 and 5): " CHAIN "\n");
    check("a:5 a:5 a:5 a:5 a:5",
          "x.csv: record a has 5 rows (lines 2, 3, 4, 5 and 6): " CHAIN "\n");
    check("a:5 a:5 a:5 a:5 a:5 a:5 a:5",
          "x.csv: record a has 7 rows (lines 2, 3, 4, 5, 6 and 2 more): " CHAIN "\n");
}

/* What chains is what record_order_test.c shows of the claims, when every row is applied. */
static void a_version_that_does_not_follow_is_reported(void **state)
{
    static const struct {
        const char *words, *outside;
    } rows[] = {
        {"a:5 a:5 a:6", ""},
        {"a:5 a:6 a:7", ""},
        {"a:0 a:0 a:0", ""},
        {"a:9223372036854775807 a:9223372036854775807 a:9223372036854775807", ""},
        {"a:5 a:4 a:5", "; but version 4 of line 3 is not one of 5 to 6: this row goes out as "
                        "declared, and would conflict"},
        {"a:5 a:7 a:6", "; but version 7 of line 3 is not one of 5 to 6: this row goes out as "
                        "declared, and would conflict"},
        {"a:5 a:5 a:9", "; but version 9 of line 4 is not one of 5 to 7: this row goes out as "
                        "declared, and would conflict"},
        {"a:5 a:8 a:7", "; but version 8 of line 3 is not one of 5 to 6, and 1 more: these rows go "
                        "out as declared, and would conflict"},
        {"a:9223372036854775807 a:0 a:9223372036854775807",
         "; but version 0 of line 3 is not one of 9223372036854775807 to 9223372036854775808: "
         "this row goes out as declared, and would conflict"},
    };
    char expected[512];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(expected, sizeof expected,
                 "x.csv: record a has 3 rows (lines 2, 3 and 4): " CHAIN "%s\n", rows[i].outside);
        check(rows[i].words, expected);
    }
}

static void fetched_versions_follow_whatever_the_rows_declare(void **state)
{
    struct duplicates *duplicates = duplicates_open(DUPLICATES_BYTES_MAX, false);

    (void)state;
    add(duplicates, "a:5 a:9");
    assert_reported(duplicates, "x.csv: record a has 2 rows (lines 2 and 3): they go out in this "
                                "order, each with the version that is fetched for it\n");
    duplicates_close(duplicates);
}

/* So many ids that some of them share the part of the hash which the table knows. */
static void many_records_are_distinguished(void **state)
{
    struct duplicates *duplicates = duplicates_open(DUPLICATES_BYTES_MAX, true);

    (void)state;
    for (unsigned i = 0; i < 400000; i++) {
        char id[32];
        struct row row = {.line_no = i + 2};

        snprintf(id, sizeof id, "record-%u", i);
        row.record_id = span_of(id);
        duplicates_add(duplicates, &row);
    }
    assert_reported(duplicates, "");
    duplicates_close(duplicates);
}

static void beyond_twenty_records_the_others_are_counted(void **state)
{
    struct duplicates *duplicates = duplicates_open(DUPLICATES_BYTES_MAX, true);
    struct ear ear = {""};
    struct notice_sink sink = {hear, &ear};
    char words[4096] = "r0:1";

    (void)state;
    for (int i = 1; i < 66; i++)
        snprintf(words + strlen(words), sizeof words - strlen(words), " r%d:%d", i % 22, 1);
    add(duplicates, words);
    add(duplicates, "r20:1 r21:9 r21:0");
    duplicates_tell(duplicates, "x.csv", &sink);
    assert_non_null(strstr(ear.said, "x.csv: record r19 has 3 rows (lines 21, 43 and 65)"));
    assert_null(strstr(ear.said, "record r20"));
    assert_non_null(strstr(ear.said, "\nx.csv: 2 more records have several rows, 9 together; 2 of "
                                     "these rows go out as declared, and would conflict\n"));
    duplicates_close(duplicates);
}

static void records_that_do_not_fit_are_reported_by_line(void **state)
{
    struct duplicates *duplicates = duplicates_open(96, true);

    (void)state;
    add(duplicates, "a:1 b:1 c:1 d:1 a:1 d:1");
    assert_reported(duplicates,
                    "x.csv: record a has 2 rows (lines 2 and 6): " CHAIN "\n"
                    "x.csv: it has too many records to compare all: of those that first appear on "
                    "line 5 or after it, repeated rows were not looked for\n");
    duplicates_miss(duplicates, 9);
    duplicates_miss(duplicates, 4);
    duplicates_miss(duplicates, 7);
    assert_reported(duplicates,
                    "x.csv: record a has 2 rows (lines 2 and 6): " CHAIN "\n"
                    "x.csv: it has too many records to compare all: of those that first appear on "
                    "line 4 or after it, repeated rows were not looked for\n");
    duplicates_close(duplicates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_one_record_are_reported_with_their_lines),
        cmocka_unit_test(a_version_that_does_not_follow_is_reported),
        cmocka_unit_test(fetched_versions_follow_whatever_the_rows_declare),
        cmocka_unit_test(many_records_are_distinguished),
        cmocka_unit_test(beyond_twenty_records_the_others_are_counted),
        cmocka_unit_test(records_that_do_not_fit_are_reported_by_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
