#include "core/ingest/validate.h"
#include "tests/unit/ingest_scene.h"

static bool note_line(void *context, const struct row *row, const struct violations *violations,
                      struct err *err)
{
    char *lines = context;
    size_t size = strlen(lines);

    (void)err;
    snprintf(lines + size, 256 - size, "%d:%d ", (int)row->line_no, (int)violations->count);
    return true;
}

static void validate_reports_each_row_that_would_be_rejected(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;
    struct err err = {0};
    char lines[256] = "";

    put(scene, "Item-1.csv", ITEM_HEADER "a,1,S,5,\nb,x,S,-1,\nc,1,S,5,\nd,1,S,-1,\n");
    bench_open(&bench, scene);
    assert_true(
        ingest_validate(&bench.options, at(scene, "Item-1.csv"), note_line, lines, &result, &err));
    assert_int_equal(result.outcome, INGEST_LOADED);
    assert_int_equal(result.rows_read, 4);
    assert_int_equal(result.rows_rejected, 2);
    assert_int_equal(result.jobs, 2);
    assert_int_equal(result.violations, 3);
    assert_string_equal(lines, "3:2 5:1 ");
    assert_query(scene, "SELECT count(*) FROM batch", "0");
    bench_close(&bench);
}

static void validate_refuses_what_ingest_would_refuse(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;
    struct err err = {0};

    put(scene, "Item-1.csv", "record_id,colour\n");
    put(scene, "schema/Wrong.json", "{\"type\": 5}");
    put(scene, "Wrong-1.csv", ITEM_HEADER);
    bench_open(&bench, scene);
    assert_true(
        ingest_validate(&bench.options, at(scene, "Item-1.csv"), NULL, NULL, &result, &err));
    assert_int_equal(result.outcome, INGEST_REFUSED);
    assert_true(
        ingest_validate(&bench.options, at(scene, "Wrong-1.csv"), NULL, NULL, &result, &err));
    assert_int_equal(result.outcome, INGEST_HELD);
    assert_true(ingest_validate(&bench.options, at(scene, "schema"), NULL, NULL, &result, &err));
    assert_int_equal(result.outcome, INGEST_UNREADABLE);
    assert_false(
        ingest_validate(&bench.options, at(scene, "Item-2.csv"), NULL, NULL, &result, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    bench_close(&bench);
}

/* --- several rows of one record --- */

#define TWICE                                                                                      \
    "they go out in this order, each with the version that the one before came back with\n"

static void validate_looks_at(struct scene *scene, const char *name)
{
    struct ingest_result result;
    struct bench bench;
    struct err err = {0};

    scene->said[0] = '\0';
    bench_open(&bench, scene);
    bench.options.schema = "Item";
    bench.options.format = ROW_FORMAT_CSV;
    assert_true(ingest_validate(&bench.options, name, NULL, NULL, &result, &err));
    assert_int_equal(result.outcome, INGEST_LOADED);
    bench_close(&bench);
}

/* Rejected rows become no jobs, so they are none of the record's. */
static void validate_reports_rows_for_one_record(void **state)
{
    struct scene *scene = *state;
    char expected[512];

    put(scene, "Item-1.csv",
        ITEM_HEADER "a,5,S,5,\nb,1,S,5,\na,5,S,-5,\na,6,S,5,\nb,x,S,5,\nc,1,S,5,\n");
    validate_looks_at(scene, at(scene, "Item-1.csv"));
    snprintf(expected, sizeof expected, "%s: record a has 2 rows (lines 2 and 5): " TWICE,
             at(scene, "Item-1.csv"));
    assert_string_equal(scene->said, expected);
    put(scene, "Item-1.csv", ITEM_HEADER "a,5,S,5,\nb,1,S,5,\na,5,S,-5,\n");
    validate_looks_at(scene, at(scene, "Item-1.csv"));
    assert_string_equal(scene->said, "");
}

static void validate_reports_them_on_standard_input_as_well(void **state)
{
    struct scene *scene = *state;
    int kept = dup(STDIN_FILENO);

    put(scene, "rows", ITEM_HEADER "a,5,S,5,\nb,1,S,5,\na,5,S,-5,\na,6,S,5,\n");
    assert_non_null(freopen(at(scene, "rows"), "r", stdin));
    validate_looks_at(scene, "-");
    assert_true(dup2(kept, STDIN_FILENO) >= 0);
    close(kept);
    assert_string_equal(scene->said, "-: record a has 2 rows (lines 2 and 5): " TWICE);
}

static void validate_does_not_report_them_if_the_file_is_refused(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;
    struct err err = {0};

    put(scene, "Item-1.csv", ITEM_HEADER "a,5,S,5,\na,5,S,5,\n");
    bench_open(&bench, scene);
    bench.options.limits.rows = 3;
    assert_true(
        ingest_validate(&bench.options, at(scene, "Item-1.csv"), NULL, NULL, &result, &err));
    assert_int_equal(result.outcome, INGEST_REFUSED);
    assert_true(result.over_limit);
    assert_string_equal(scene->said, "");
    bench_close(&bench);
}

/* Adds to the file as soon as its first chunk was looked at. */
static void add_a_row(void *context, const char *source, uint64_t bytes_done, uint64_t bytes_total,
                      uint64_t rows)
{
    FILE *file = fopen(source, "a");

    (void)context;
    (void)bytes_done;
    (void)bytes_total;
    (void)rows;
    assert_non_null(file);
    fputs("z,1,S,5,\n", file);
    fclose(file);
}

static void validate_reports_a_file_that_changed_between_its_two_readings(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;
    struct err err = {0};
    char expected[1024], path[512];

    snprintf(path, sizeof path, "%s", at(scene, "Item-1.csv"));
    put_rows(scene, "Item-1.csv", 5000);
    FILE *file = fopen(path, "a");
    fputs("R-7919,1,S,5,\n", file);
    fclose(file);
    bench_open(&bench, scene);
    bench.options.progress = add_a_row;
    assert_true(ingest_validate(&bench.options, path, NULL, NULL, &result, &err));
    snprintf(expected, sizeof expected,
             "%s: changed while it was read, so records with several rows are not reported\n",
             path);
    assert_string_equal(scene->said, expected);
    bench_close(&bench);
}

static void count_calls(void *context, const char *source, uint64_t bytes_done,
                        uint64_t bytes_total, uint64_t rows)
{
    (void)source;
    assert_true(bytes_done <= bytes_total);
    assert_int_equal(rows % 4096, 0);
    ++*(unsigned *)context;
}

static void progress_is_shown_every_4096_rows(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;
    struct err err = {0};
    unsigned calls = 0;

    put_rows(scene, "Item-1.csv", 10000);
    bench_open(&bench, scene);
    bench.options.progress = count_calls;
    bench.options.progress_context = &calls;
    assert_true(
        ingest_validate(&bench.options, at(scene, "Item-1.csv"), NULL, NULL, &result, &err));
    assert_int_equal(result.rows_read, 10000);
    assert_int_equal(result.rows_rejected, 100);
    assert_int_equal(calls, 2);
    bench_close(&bench);
}

static bool give_up(void *context, const struct row *row, const struct violations *violations,
                    struct err *err)
{
    (void)context, (void)row, (void)violations;
    return err_set(err, ERR_STOPPED, "no more");
}

static void validate_ends_where_its_caller_gives_up(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;
    struct err err = {0};

    put_rows(scene, "Item-1.csv", 1000);
    bench_open(&bench, scene);
    assert_false(
        ingest_validate(&bench.options, at(scene, "Item-1.csv"), give_up, NULL, &result, &err));
    assert_string_equal(err.text, "no more");
    assert_int_equal(result.rows_read, 100);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INGEST_TEST(validate_reports_each_row_that_would_be_rejected),
        INGEST_TEST(validate_refuses_what_ingest_would_refuse),
        INGEST_TEST(progress_is_shown_every_4096_rows),
        INGEST_TEST(validate_ends_where_its_caller_gives_up),
        INGEST_TEST(validate_reports_rows_for_one_record),
        INGEST_TEST(validate_reports_them_on_standard_input_as_well),
        INGEST_TEST(validate_does_not_report_them_if_the_file_is_refused),
        INGEST_TEST(validate_reports_a_file_that_changed_between_its_two_readings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
