#include "core/ingest/ingest.h"

#include "tests/unit/ingest_scene.h"

/* --- rows --- */

static void rows_become_jobs_and_rejected_rows_are_kept(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;

    put(scene, "Item-1.csv",
        ITEM_HEADER "a,1,S1,5,\"x, y\"\r\n"
                    "b,2,S2,-1,bad\n"
                    "c,,S3,2.5,worse\n"
                    "d,0,S4,7,\"two\nlines\"");
    bench_open(&bench, scene);
    ingest(&bench, scene, "Item-1.csv", &result);
    assert_int_equal(result.outcome, INGEST_LOADED);
    assert_int_equal(result.batch_id, 1);
    assert_int_equal(result.rows_read, 4);
    assert_int_equal(result.rows_rejected, 2);
    assert_int_equal(result.jobs, 2);
    assert_true(result.violations >= 2);
    assert_query(scene, "SELECT state FROM batch", "open");
    assert_query(scene,
                 "SELECT group_concat(row_no || ':' || line_no || ':' || record_id || ':' || "
                 "version || ':' || fields, ' ') FROM job ORDER BY row_no",
                 "1:2:a:1:{\"sku\":\"S1\",\"quantity\":5,\"note\":\"x, y\"} "
                 "4:5:d:0:{\"sku\":\"S4\",\"quantity\":7,\"note\":\"two\\nlines\"}");
    assert_query(scene,
                 "SELECT group_concat(row_no || ':' || line_no || ':' || record_id || ':' || "
                 "CAST(raw AS TEXT), '|') FROM rejected_row",
                 "2:3:b:b,2,S2,-1,bad\n|3:4:c:c,,S3,2.5,worse\n");
    assert_query(scene, "SELECT field || ' ' || rule FROM violation WHERE row_no = 2",
                 "quantity minimum");
    bench_close(&bench);
}

static void ndjson_rows_become_jobs(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;

    put(scene, "Item-1.JSONL",
        "{\"recordId\": \"a\", \"version\": 3, \"fields\": {\"sku\": \"S\", \"quantity\": 1}, "
        "\"tags\": [\"t\"]}\n\n"
        "{\"recordId\": \"b\", \"version\": 3, \"fields\": {\"sku\": \"S\", \"quantity\": -1}}\n"
        "nonsense");
    bench_open(&bench, scene);
    ingest(&bench, scene, "Item-1.JSONL", &result);
    assert_int_equal(result.rows_read, 3);
    assert_int_equal(result.jobs, 1);
    assert_query(scene, "SELECT format || ' ' || state FROM batch", "ndjson open");
    assert_query(scene, "SELECT tags FROM job", "[\"t\"]");
    assert_query(scene, "SELECT CAST(raw AS TEXT) FROM rejected_row WHERE row_no = 3", "nonsense");
    bench_close(&bench);
}

static void a_header_without_rows_is_a_batch_of_no_rows(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;

    put(scene, "Item-1.csv", ITEM_HEADER);
    bench_open(&bench, scene);
    ingest(&bench, scene, "Item-1.csv", &result);
    assert_int_equal(result.outcome, INGEST_LOADED);
    assert_int_equal(result.rows_read, 0);
    assert_query(scene, "SELECT state || ' ' || rows_read FROM batch", "done 0");
    bench_close(&bench);
}

static void rows_at_the_border_of_chunks_are_loaded(void **state)
{
    static const unsigned counts[] = {1, 16383, 16384, 16385, 32768, 32769};
    struct scene *scene = *state;
    struct bench bench;

    bench_open(&bench, scene);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct ingest_result result;
        char sql[256], expected[64];

        put_rows(scene, "Item-1.csv", counts[i]);
        ingest(&bench, scene, "Item-1.csv", &result);
        assert_int_equal(result.rows_read, counts[i]);
        assert_int_equal(result.rows_rejected, counts[i] / 100);
        assert_int_equal(result.jobs, counts[i] - counts[i] / 100);
        snprintf(sql, sizeof sql,
                 "SELECT count(*) || ' ' || max(row_no) || ' ' || sum(line_no - row_no = 1) FROM "
                 "(SELECT row_no, line_no FROM job WHERE batch_id = %d UNION ALL "
                 "SELECT row_no, line_no FROM rejected_row WHERE batch_id = %d)",
                 (int)result.batch_id, (int)result.batch_id);
        snprintf(expected, sizeof expected, "%u %u %u", counts[i], counts[i], counts[i]);
        assert_query(scene, sql, expected);
    }
    bench_close(&bench);
}

static void every_violation_is_stored_with_its_row(void **state)
{
    struct scene *scene = *state;
    FILE *file = fopen(at(scene, "Item-1.csv"), "w");
    struct ingest_result result;
    struct bench bench;

    fputs(ITEM_HEADER, file);
    for (int i = 1; i <= 20000; i++) /* two violations each: more than a chunk of violations */
        fprintf(file, "r%d,x,S,-1,\n", i);
    fclose(file);
    bench_open(&bench, scene);
    ingest(&bench, scene, "Item-1.csv", &result);
    assert_int_equal(result.rows_rejected, 20000);
    assert_int_equal(result.violations, 40000);
    assert_query(scene,
                 "SELECT count(*) FROM rejected_row r WHERE record_id = 'r' || row_no AND "
                 "(SELECT group_concat(v.field || v.rule) FROM violation v WHERE v.batch_id = 1 "
                 "AND v.row_no = r.row_no) IN ('versionversion,quantityminimum', "
                 "'quantityminimum,versionversion')",
                 "20000");
    assert_query(scene, "SELECT state FROM batch", "done");
    bench_close(&bench);
}

/* --- known files --- */

static void a_known_file_is_not_read_again_unless_forced(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;

    put_rows(scene, "Item-1.csv", 3);
    put_rows(scene, "Item-2.csv", 3); /* same content under another name */
    bench_open(&bench, scene);
    ingest(&bench, scene, "Item-1.csv", &result);
    ingest(&bench, scene, "Item-2.csv", &result);
    assert_int_equal(result.outcome, INGEST_KNOWN);
    assert_int_equal(result.batch_id, 1);
    assert_int_equal(result.rows_read, 0);
    bench.options.force = true;
    ingest(&bench, scene, "Item-2.csv", &result);
    assert_int_equal(result.outcome, INGEST_LOADED);
    assert_int_equal(result.batch_id, 2);
    bench_close(&bench);
}

static void a_file_is_read_again_after_another_of_its_schema(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;

    put_rows(scene, "Item-A.csv", 3);
    put_rows(scene, "Item-B.csv", 4);
    bench_open(&bench, scene);
    ingest(&bench, scene, "Item-A.csv", &result);
    ingest(&bench, scene, "Item-B.csv", &result);
    ingest(&bench, scene, "Item-A.csv", &result);
    assert_int_equal(result.outcome, INGEST_LOADED);
    assert_int_equal(result.batch_id, 3);
    bench_close(&bench);
}

static void a_refused_file_is_never_known(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;

    put(scene, "Item-1.csv", "record_id,colour\na,red\n");
    bench_open(&bench, scene);
    ingest(&bench, scene, "Item-1.csv", &result);
    ingest(&bench, scene, "Item-1.csv", &result);
    assert_int_equal(result.outcome, INGEST_REFUSED);
    assert_int_equal(result.batch_id, 2);
    bench_close(&bench);
}

/* --- files that are not read --- */

static void an_unknown_column_refuses_the_file_as_a_batch(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;

    put(scene, "Item-1.csv", "record_id,version,sku,colour\na,1,S,red\n");
    bench_open(&bench, scene);
    ingest(&bench, scene, "Item-1.csv", &result);
    assert_int_equal(result.outcome, INGEST_REFUSED);
    assert_int_equal(result.batch_id, 1);
    assert_non_null(strstr(result.reason, "Item-1.csv"));
    assert_non_null(strstr(result.reason, "colour"));
    assert_query(scene, "SELECT state FROM batch", "refused");
    assert_query(scene, "SELECT reason FROM batch", result.reason);
    bench_close(&bench);
}

static void an_empty_file_is_refused(void **state)
{
    static const char *const names[] = {"Item-1.csv", "Item-1.ndjson"};
    struct scene *scene = *state;
    struct bench bench;

    bench_open(&bench, scene);
    for (size_t i = 0; i < 2; i++) {
        struct ingest_result result;

        put(scene, names[i], "");
        ingest(&bench, scene, names[i], &result);
        assert_int_equal(result.outcome, INGEST_REFUSED);
        assert_non_null(strstr(result.reason, "empty"));
    }
    bench_close(&bench);
}

static void a_file_that_is_refused_in_its_middle_leaves_no_jobs(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;

    put_rows(scene, "Item-1.csv", 40000);
    put_more(scene, "Item-1.csv", "z,1,caf\xE9,1,\n"); /* not UTF-8 */
    bench_open(&bench, scene);
    ingest(&bench, scene, "Item-1.csv", &result);
    assert_int_equal(result.outcome, INGEST_REFUSED);
    assert_non_null(strstr(result.reason, "line 40002"));
    assert_int_equal(result.rows_read, 32768);
    assert_int_equal(result.jobs, 0);
    assert_query(scene, "SELECT count(*) FROM job", "0");
    assert_query(scene,
                 "SELECT state || ' ' || (rows_read = rows_rejected + rows_discarded) FROM batch",
                 "refused 1");
    bench_close(&bench);
}

static void a_name_without_schema_or_format_is_refused_without_a_batch(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;
    char expected[512];

    put(scene, "Items.csv", ITEM_HEADER);
    put(scene, "Item-1.xlsx", ITEM_HEADER);
    bench_open(&bench, scene);
    ingest(&bench, scene, "Items.csv", &result);
    assert_int_equal(result.outcome, INGEST_REFUSED);
    assert_int_equal(result.batch_id, 0);
    ingest(&bench, scene, "Item-1.xlsx", &result);
    assert_int_equal(result.outcome, INGEST_REFUSED);
    snprintf(expected, sizeof expected,
             "%s/Item-1.xlsx: a workbook is not read: save it as CSV (UTF-8)", scene->folder);
    assert_string_equal(result.reason, expected);
    assert_query(scene, "SELECT count(*) FROM batch", "0");
    bench.options.schema = "Item";
    bench.options.format = ROW_FORMAT_CSV;
    ingest(&bench, scene, "Item-1.xlsx", &result);
    assert_int_equal(result.outcome, INGEST_LOADED);
    bench_close(&bench);
}

static void an_invalid_schema_file_holds_its_files_back(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;

    put(scene, "schema/Wrong.json", "{\"type\": 5}");
    put(scene, "Wrong-1.csv", ITEM_HEADER);
    put_rows(scene, "Item-1.csv", 1);
    bench_open(&bench, scene);
    ingest(&bench, scene, "Wrong-1.csv", &result);
    assert_int_equal(result.outcome, INGEST_HELD);
    assert_non_null(strstr(result.reason, "Wrong.json"));
    ingest(&bench, scene, "Item-1.csv", &result);
    assert_int_equal(result.outcome, INGEST_LOADED);
    bench_close(&bench);
}

static void what_is_not_a_regular_file_is_unreadable(void **state)
{
    static const char *const names[] = {"Item-link.csv", "Item-pipe.csv", "inbox"};
    struct scene *scene = *state;
    struct bench bench;

    put_rows(scene, "Item-1.csv", 1);
    assert_int_equal(symlink("Item-1.csv", at(scene, "Item-link.csv")), 0);
    assert_int_equal(mkfifo(at(scene, "Item-pipe.csv"), 0600), 0);
    bench_open(&bench, scene);
    for (size_t i = 0; i < 3; i++) {
        struct ingest_result result;

        ingest(&bench, scene, names[i], &result);
        assert_int_equal(result.outcome, INGEST_UNREADABLE);
        assert_non_null(strstr(result.reason, names[i]));
    }
    bench_close(&bench);
}

static void a_missing_file_ends_the_command_except_in_an_inbox(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct err err = {0};
    struct bench bench;
    char expected[512];

    bench_open(&bench, scene);
    assert_false(ingest_file(bench.store, &bench.options, at(scene, "Item-1.csv"), BATCH_STAYS,
                             &result, &err));
    snprintf(expected, sizeof expected, "'%s/Item-1.csv' does not exist: check its path",
             scene->folder);
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.text, expected);
    ingest(&bench, scene, "inbox/Item-1.csv", &result);
    assert_int_equal(result.outcome, INGEST_UNREADABLE);
    bench_close(&bench);
}

static void a_tail_is_read_only_of_a_file_that_was_filed(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;
    struct err err = {0};
    char expected[512];

    put(scene, "Item-1.csv", ITEM_HEADER "a,1,S,5,\n");
    bench_open(&bench, scene);
    bench.options.tail = true;
    assert_false(ingest_file(bench.store, &bench.options, "-", BATCH_STAYS, &result, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.text, "--tail needs files, and not standard input");
    assert_false(ingest_file(bench.store, &bench.options, at(scene, "Item-1.csv"), BATCH_STAYS,
                             &result, &err));
    snprintf(expected, sizeof expected,
             "%s is not a file that this database has put into done/: --tail is for those that "
             "grew there",
             at(scene, "Item-1.csv"));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.text, expected);
    assert_query(scene, "SELECT count(*) FROM batch", "0");
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INGEST_TEST(rows_become_jobs_and_rejected_rows_are_kept),
        INGEST_TEST(ndjson_rows_become_jobs),
        INGEST_TEST(a_header_without_rows_is_a_batch_of_no_rows),
        INGEST_TEST(rows_at_the_border_of_chunks_are_loaded),
        INGEST_TEST(every_violation_is_stored_with_its_row),
        INGEST_TEST(a_known_file_is_not_read_again_unless_forced),
        INGEST_TEST(a_file_is_read_again_after_another_of_its_schema),
        INGEST_TEST(a_refused_file_is_never_known),
        INGEST_TEST(an_unknown_column_refuses_the_file_as_a_batch),
        INGEST_TEST(an_empty_file_is_refused),
        INGEST_TEST(a_file_that_is_refused_in_its_middle_leaves_no_jobs),
        INGEST_TEST(a_name_without_schema_or_format_is_refused_without_a_batch),
        INGEST_TEST(an_invalid_schema_file_holds_its_files_back),
        INGEST_TEST(what_is_not_a_regular_file_is_unreadable),
        INGEST_TEST(a_missing_file_ends_the_command_except_in_an_inbox),
        INGEST_TEST(a_tail_is_read_only_of_a_file_that_was_filed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
