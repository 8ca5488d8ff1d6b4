/* What a person sees of the conflicts that wait for a decision. */
#include "core/base/mem.h"
#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* Parks job 1/1, of which the row holds those fields, with the record that the server showed. */
static void park(struct fixture *fixture, const char *fields, const char *record)
{
    char *sql = mem_printf("UPDATE job_row SET fields = '%s'", fields);

    fixture_batch(fixture, "Item", "a:5");
    fixture_ask(fixture, sql);
    fixture_claim(fixture, 1);
    fixture_settle_at(fixture, "1/1", JOB_CONFLICT, 8)->server_record =
        record ? mem_strdup(record) : NULL;
    fixture_claim(fixture, 0);
    free(sql);
}

static const char lines_sql[] = "SELECT field, ours, theirs FROM open_conflict ORDER BY field";

/* The lines of a conflict between those fields. */
static void assert_lines(void **state, const char *ours, const char *theirs, const char *lines)
{
    struct fixture *fixture = *state;
    char *record = mem_printf("{\"version\": 8, \"fields\": %s}", theirs);

    park(fixture, ours, record);
    assert_asked(fixture, lines_sql, lines);
    free(record);
}

static void a_line_tells_whose_values_differ_and_when_it_was_found(void **state)
{
    struct fixture *fixture = *state;

    park(fixture, "{\"sku\":\"A\"}", "{\"fields\":{\"sku\":\"B\"}}");
    assert_asked(fixture,
                 "SELECT job_id, batch_id, row_no, schema, record_id, submitted_version, "
                 "server_version, field, ours, theirs, detected FROM open_conflict",
                 "1000000001|1|1|Item|a|5|8|sku|\"A\"|\"B\"|1970-01-01T00:16:40.000Z");
}

static void fields_that_one_side_alone_has_differ(void **state)
{
    assert_lines(state, "{\"both\":1,\"ours\":null}", "{\"theirs\":[1],\"both\":1}",
                 "ours|null|NULL; theirs|NULL|[1]");
}

static void values_differ_by_type_and_by_what_they_mean(void **state)
{
    assert_lines(state,
                 "{\"a\":1.0,\"b\":45.50,\"c\":\"x\\u0041\",\"d\":1,\"e\":true,\"f\":null,"
                 "\"g\":{\"x\":1},\"h\":\"1\",\"i\":true,\"j\":10}",
                 "{\"a\":1,\"b\":4.55e1,\"c\":\"xA\",\"d\":\"1\",\"e\":1,\"f\":null,"
                 "\"g\":{ \"x\" : 1 },\"h\":\"1\",\"i\":false,\"j\":10.001}",
                 "d|1|\"1\"; e|true|1; i|true|false; j|10|10.001");
}

/* As written, because a reader of this decides by it. */
static void digits_are_shown_as_both_sides_wrote_them(void **state)
{
    assert_lines(state, "{\"n\":12345678901234567890,\"p\":45.50}",
                 "{\"n\":12345678901234567891,\"p\":45.6000}",
                 "n|12345678901234567890|12345678901234567891; p|45.50|45.6000");
}

static void any_name_can_be_that_of_a_field(void **state)
{
    assert_lines(
        state,
        "{\"a.b\":1,\"a\\\"b\":1,\"a[0]\":1,\"a\\\\b\":\"x\",\"\":1,\"$\":1,\"caf\\u00e9\":1,"
        "\"\xC3\xBC\":[1],\"sp ace\":true}",
        "{\"a.b\":2,\"a\\\"b\":2,\"a[0]\":2,\"a\\\\b\":false,\"\":2,\"$\":2,"
        "\"caf\xC3\xA9\":2,\"\\u00fc\":[2],\"sp ace\":null}",
        "|1|2; $|1|2; a\"b|1|2; a.b|1|2; a[0]|1|2; a\\b|\"x\"|false; caf\xC3\xA9|1|2; "
        "sp ace|true|null; \xC3\xBC|[1]|[2]");
}

static void a_name_written_in_two_ways_is_one_field(void **state)
{
    assert_lines(state, "{\"caf\\u00e9\":1,\"a\\u002fb\":2}", "{\"caf\xC3\xA9\":1,\"a/b\":2}",
                 "NULL|NULL|NULL");
}

static void a_conflict_in_the_version_alone_is_one_line_without_a_field(void **state)
{
    assert_lines(state, "{\"sku\":\"A\",\"n\":1}", "{\"n\":1.0,\"sku\":\"A\"}", "NULL|NULL|NULL");
}

static void a_record_without_an_object_of_fields_has_none(void **state)
{
    static const char *const records[] = {"{\"version\":8}", "{\"fields\":null}",
                                          "{\"fields\":[1,2]}", "{\"fields\":\"x\"}", NULL};
    struct fixture *fixture = *state;

    park(fixture, "{\"sku\":\"A\"}", records[0]);
    for (size_t i = 1; i < sizeof records / sizeof *records; i++) {
        char *sql = records[i] ? mem_printf("UPDATE conflict SET server_record = '%s'", records[i])
                               : mem_strdup("UPDATE conflict SET server_record = NULL");

        assert_asked(fixture, lines_sql, "sku|\"A\"|NULL");
        fixture_ask(fixture, sql);
        free(sql);
    }
    assert_asked(fixture, lines_sql, "sku|\"A\"|NULL");
}

/* Not what the row says, but what was applied over the record and sent. */
static void what_was_sent_is_compared(void **state)
{
    struct fixture *fixture = *state;

    park(fixture, "{\"sku\":\"A\"}", "{\"fields\":{\"sku\":\"A\",\"n\":2}}");
    fixture_ask(fixture, "INSERT INTO rebase (job_id, rounds, version, fields) VALUES (1000000001, "
                         "3, 7, '{\"sku\":\"A\",\"n\":1}')");
    assert_asked(fixture, lines_sql, "n|1|2");
    /* a fetch comes next: nothing has been built */
    fixture_ask(fixture, "UPDATE rebase SET version = NULL, fields = NULL");
    assert_asked(fixture, lines_sql, "n|NULL|2");
}

static void every_open_conflict_has_its_lines_and_no_settled_one(void **state)
{
    struct fixture *fixture = *state;

    fixture_batch(fixture, "Item", "a:5 b:5 c:5");
    fixture_claim(fixture, 3);
    for (int i = 0; i < 3; i++) {
        static const char *const jobs[] = {"1/1", "1/2", "1/3"};

        fixture_settle_at(fixture, jobs[i], i == 1 ? JOB_DISMISSED : JOB_CONFLICT, 6 + i)
            ->server_record = mem_strdup("{\"fields\":{\"n\":9,\"m\":1}}");
        fixture->settling[i]->outcome.conflict = true;
    }
    fixture_claim(fixture, 0);
    assert_asked(fixture,
                 "SELECT row_no, record_id, server_version, field, ours, theirs FROM open_conflict "
                 "ORDER BY row_no, field",
                 "1|a|6|m|NULL|1; 1|a|6|n|1|9; 3|c|8|m|NULL|1; 3|c|8|n|3|9");
    assert_asked(fixture, "SELECT DISTINCT job_id FROM open_conflict WHERE job_id = 1000000003",
                 "1000000003");
}

/* Jobs are found from their conflicts, of which few are open, and not the other way round. */
static void open_conflicts_are_found_without_a_walk_over_the_jobs(void **state)
{
    static const char *const questions[] = {
        "EXPLAIN QUERY PLAN SELECT * FROM open_conflict",
        "EXPLAIN QUERY PLAN SELECT * FROM open_conflict WHERE batch_id = 5",
        "EXPLAIN QUERY PLAN SELECT * FROM open_conflict WHERE job_id = 5000000001",
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        const char *plan = fixture_ask(fixture, questions[i]);

        assert_null(strstr(plan, "SCAN r"));
        assert_null(strstr(plan, "SCAN b"));
        assert_non_null(strstr(plan, "SEARCH r USING INTEGER PRIMARY KEY"));
        assert_non_null(strstr(plan, "c USING INDEX conflict_open"));
    }
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_line_tells_whose_values_differ_and_when_it_was_found),
        WITH_STORE(fields_that_one_side_alone_has_differ),
        WITH_STORE(values_differ_by_type_and_by_what_they_mean),
        WITH_STORE(digits_are_shown_as_both_sides_wrote_them),
        WITH_STORE(any_name_can_be_that_of_a_field),
        WITH_STORE(a_name_written_in_two_ways_is_one_field),
        WITH_STORE(a_conflict_in_the_version_alone_is_one_line_without_a_field),
        WITH_STORE(a_record_without_an_object_of_fields_has_none),
        WITH_STORE(what_was_sent_is_compared),
        WITH_STORE(every_open_conflict_has_its_lines_and_no_settled_one),
        WITH_STORE(open_conflicts_are_found_without_a_walk_over_the_jobs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
