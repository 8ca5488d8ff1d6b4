#include "core/ingest/filing.h"

#include "tests/unit/ingest_scene.h"

static void file_away(struct bench *bench, const struct scene *scene, const char *name,
                      const struct ingest_result *result)
{
    struct err err = {0};

    if (!ingest_file_away(bench->store, &bench->options, at(scene, "inbox"), name, result, &err))
        fail_msg("%s", err.text);
}

static void a_loaded_file_goes_to_done_and_its_batch_is_filed(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;

    put(scene, "inbox/Item-1.csv", ITEM_HEADER "a,1,S,5,\n");
    bench_open(&bench, scene);
    ingest(&bench, scene, "inbox/Item-1.csv", &result);
    file_away(&bench, scene, "Item-1.csv", &result);
    assert_missing(scene, "inbox/Item-1.csv");
    assert_holds(scene, "inbox/done/Item-1.csv", ITEM_HEADER "a,1,S,5,\n");
    assert_int_equal(names_in(scene, "inbox/done"), 1);
    assert_query(scene, "SELECT filing || ' ' || (filed_ms > 0) FROM batch", "1 1");
    assert_string_equal(scene->said, "");
    bench_close(&bench);
}

static void rejected_rows_come_back_with_their_header_and_bytes(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;
    char expected[1024];

    put(scene, "inbox/Item-1.csv",
        "\xEF\xBB\xBF" ITEM_HEADER "a,1,S,5,\n"
        "b,2,S2,-1,\"one\r\ntwo\"\r\n"
        "c,1,S,5,\n"
        "=d,1,S,-4,last");
    bench_open(&bench, scene);
    ingest(&bench, scene, "inbox/Item-1.csv", &result);
    file_away(&bench, scene, "Item-1.csv", &result);
    assert_holds(scene, "inbox/done/Item-1.csv.rejected.csv",
                 ITEM_HEADER "b,2,S2,-1,\"one\r\ntwo\"\r\n"
                             "=d,1,S,-4,last\n");
    snprintf(expected, sizeof expected,
             "line\trow\trecord_id\tfield\trule\tmessage\n"
             "3\t2\tb\tquantity\tminimum\t%s\n"
             "6\t4\t'=d\tquantity\tminimum\t%s\n",
             query(scene, "SELECT message FROM violation WHERE row_no = 2"),
             query(scene, "SELECT message FROM violation WHERE row_no = 4"));
    assert_holds(scene, "inbox/done/Item-1.csv.errors.tsv", expected);
    snprintf(expected, sizeof expected,
             "%s/inbox/done/Item-1.csv.rejected.csv has the rejected rows: fix them and put the "
             "file into %s/inbox; Item-1.csv.errors.tsv says what is wrong with them\n",
             scene->folder, scene->folder);
    assert_string_equal(scene->said, expected);
    bench_close(&bench);
}

static void rejected_lines_of_ndjson_come_back_without_a_header(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;

    put(scene, "inbox/Item-1.ndjson",
        "{\"recordId\": \"a\", \"version\": 1, \"fields\": {\"sku\": \"S\"}}\nno\tjson\nnor this");
    bench_open(&bench, scene);
    ingest(&bench, scene, "inbox/Item-1.ndjson", &result);
    file_away(&bench, scene, "Item-1.ndjson", &result);
    assert_holds(scene, "inbox/done/Item-1.ndjson.rejected.ndjson", "no\tjson\nnor this\n");
    bench_close(&bench);
}

static void a_refused_file_goes_to_refused_with_the_reason(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;
    char expected[ERR_TEXT_SIZE + 2];

    put(scene, "inbox/Item-1.csv", "record_id,colour\na,red\n");
    put(scene, "inbox/Other.csv", "");
    bench_open(&bench, scene);
    ingest(&bench, scene, "inbox/Item-1.csv", &result);
    file_away(&bench, scene, "Item-1.csv", &result);
    assert_missing(scene, "inbox/Item-1.csv");
    assert_holds(scene, "inbox/refused/Item-1.csv", "record_id,colour\na,red\n");
    snprintf(expected, sizeof expected, "%s\n", result.reason);
    assert_holds(scene, "inbox/refused/Item-1.csv.error.txt", expected);
    assert_query(scene, "SELECT filed_ms > 0 FROM batch", "1");
    ingest(&bench, scene, "inbox/Other.csv", &result);
    assert_int_equal(result.batch_id, 0);
    file_away(&bench, scene, "Other.csv", &result);
    assert_int_equal(names_in(scene, "inbox/refused"), 4);
    bench_close(&bench);
}

static void a_known_file_goes_to_done_under_its_own_name(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;

    bench_open(&bench, scene);
    for (int i = 0; i < 2; i++) {
        put_rows(scene, "inbox/Item-1.csv", 100);
        ingest(&bench, scene, "inbox/Item-1.csv", &result);
        assert_int_equal(result.outcome, i == 0 ? INGEST_LOADED : INGEST_KNOWN);
        file_away(&bench, scene, "Item-1.csv", &result);
    }
    assert_int_equal(names_in(scene, "inbox"), 1);
    assert_int_equal(names_in(scene, "inbox/done"), 4);
    identity_at(scene, "inbox/done/Item-1.1.csv");
    bench_close(&bench);
}

static void rejected_rows_of_two_files_of_one_name_do_not_mix(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;

    bench_open(&bench, scene);
    put(scene, "inbox/Item-1.csv", ITEM_HEADER "a,1,S,-1,\n");
    ingest(&bench, scene, "inbox/Item-1.csv", &result);
    file_away(&bench, scene, "Item-1.csv", &result);
    put(scene, "inbox/Item-1.csv", ITEM_HEADER "b,1,S,-2,\n");
    ingest(&bench, scene, "inbox/Item-1.csv", &result);
    file_away(&bench, scene, "Item-1.csv", &result);
    assert_holds(scene, "inbox/done/Item-1.csv.rejected.csv", ITEM_HEADER "a,1,S,-1,\n");
    assert_holds(scene, "inbox/done/Item-1.2.csv.rejected.csv", ITEM_HEADER "b,1,S,-2,\n");
    bench_close(&bench);
}

static void filing_twice_leaves_the_same_files(void **state)
{
    struct scene *scene = *state;
    struct ingest_result loaded, refused;
    struct bench bench;

    put(scene, "inbox/Item-1.csv", ITEM_HEADER "a,1,S,-1,\n");
    put(scene, "inbox/Item-2.csv", "record_id,colour\n");
    bench_open(&bench, scene);
    ingest(&bench, scene, "inbox/Item-1.csv", &loaded);
    ingest(&bench, scene, "inbox/Item-2.csv", &refused);
    for (int i = 0; i < 2; i++) {
        file_away(&bench, scene, "Item-1.csv", &loaded);
        file_away(&bench, scene, "Item-2.csv", &refused);
        assert_int_equal(names_in(scene, "inbox"), 2);
        assert_int_equal(names_in(scene, "inbox/done"), 3);
        assert_int_equal(names_in(scene, "inbox/refused"), 2);
    }
    bench_close(&bench);
}

static void held_and_unreadable_files_stay(void **state)
{
    struct scene *scene = *state;
    struct ingest_result held = {.outcome = INGEST_HELD};
    struct ingest_result unreadable = {.outcome = INGEST_UNREADABLE};
    struct bench bench;

    put_rows(scene, "inbox/Item-1.csv", 1);
    held.file = unreadable.file = identity_at(scene, "inbox/Item-1.csv");
    bench_open(&bench, scene);
    file_away(&bench, scene, "Item-1.csv", &held);
    file_away(&bench, scene, "Item-1.csv", &unreadable);
    assert_int_equal(names_in(scene, "inbox"), 1);
    bench_close(&bench);
}

static void cells_that_a_spreadsheet_would_evaluate_are_quoted_in_errors_only(void **state)
{
    static const char *const ids[] = {"=1+1", "+1", "-1", "@x", "a=1"};
    static const char *const cells[] = {"'=1+1", "'+1", "'-1", "'@x", "a=1"};
    struct scene *scene = *state;
    FILE *file = fopen(at(scene, "inbox/Item-1.csv"), "w");
    struct ingest_result result;
    struct bench bench;
    char expected[1024] = ITEM_HEADER;

    fputs(ITEM_HEADER, file);
    for (size_t i = 0; i < 5; i++) {
        size_t size = strlen(expected);

        fprintf(file, "%s,1,S,-1,\n", ids[i]);
        snprintf(expected + size, sizeof expected - size, "%s,1,S,-1,\n", ids[i]);
    }
    fclose(file);
    bench_open(&bench, scene);
    ingest(&bench, scene, "inbox/Item-1.csv", &result);
    file_away(&bench, scene, "Item-1.csv", &result);
    assert_holds(scene, "inbox/done/Item-1.csv.rejected.csv", expected);
    snprintf(expected, sizeof expected, "line\trow\trecord_id\tfield\trule\tmessage\n");
    for (unsigned i = 0; i < 5; i++) {
        size_t size = strlen(expected);

        snprintf(expected + size, sizeof expected - size, "%u\t%u\t%s\tquantity\tminimum\t%s\n",
                 i + 2, i + 1, cells[i], query(scene, "SELECT message FROM violation LIMIT 1"));
    }
    assert_holds(scene, "inbox/done/Item-1.csv.errors.tsv", expected);
    bench_close(&bench);
}

static void control_characters_are_escaped_in_errors(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;
    char found[1024];
    FILE *file;
    size_t size;

    put(scene, "inbox/Item-1.csv", ITEM_HEADER "\"a\tb\x1b[31m\",1,S,-1,\n");
    bench_open(&bench, scene);
    ingest(&bench, scene, "inbox/Item-1.csv", &result);
    file_away(&bench, scene, "Item-1.csv", &result);
    file = fopen(at(scene, "inbox/done/Item-1.csv.errors.tsv"), "r");
    size = fread(found, 1, sizeof found - 1, file);
    fclose(file);
    found[size] = '\0';
    assert_null(strchr(found, '\x1b'));
    for (const char *at_line = found; *at_line; at_line = strchr(at_line, '\n') + 1) {
        unsigned tabs = 0;

        for (const char *byte = at_line; *byte != '\n'; byte++)
            tabs += *byte == '\t';
        assert_int_equal(tabs, 5);
    }
    bench_close(&bench);
}

static void many_rejected_rows_are_all_written(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;
    struct stat status;
    FILE *file = fopen(at(scene, "inbox/Item-1.csv"), "w");

    fputs(ITEM_HEADER, file);
    for (int i = 1; i <= 30000; i++)
        fprintf(file, "r%05d,1,S,-1,\n", i);
    fclose(file);
    bench_open(&bench, scene);
    ingest(&bench, scene, "inbox/Item-1.csv", &result);
    file_away(&bench, scene, "Item-1.csv", &result);
    assert_int_equal(stat(at(scene, "inbox/done/Item-1.csv.rejected.csv"), &status), 0);
    assert_int_equal((uint64_t)status.st_size, result.file.size);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INGEST_TEST(a_loaded_file_goes_to_done_and_its_batch_is_filed),
        INGEST_TEST(rejected_rows_come_back_with_their_header_and_bytes),
        INGEST_TEST(rejected_lines_of_ndjson_come_back_without_a_header),
        INGEST_TEST(a_refused_file_goes_to_refused_with_the_reason),
        INGEST_TEST(a_known_file_goes_to_done_under_its_own_name),
        INGEST_TEST(rejected_rows_of_two_files_of_one_name_do_not_mix),
        INGEST_TEST(filing_twice_leaves_the_same_files),
        INGEST_TEST(held_and_unreadable_files_stay),
        INGEST_TEST(cells_that_a_spreadsheet_would_evaluate_are_quoted_in_errors_only),
        INGEST_TEST(control_characters_are_escaped_in_errors),
        INGEST_TEST(many_rejected_rows_are_all_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
