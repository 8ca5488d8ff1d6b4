/* Files of a schema whose versions are fetched: versions in the file are ignored. */
#include "tests/lib/rows.h"
#include "tests/unit/ingest_scene.h"

#define FETCHING                                                                                   \
    "{\"type\": \"object\", \"properties\": {\"sku\": {\"type\": \"string\"}}, "                   \
    "\"x-rowferry\": {\"version\": \"fetch\"}}"
#define IGNORED ": its versions are ignored: the schema file has them fetched\n"

static void assert_dump(const char *bytes, enum row_format format, const char *expected)
{
    struct row_shape shape = rows_shape;
    char *dump;

    shape.version_fetched = true;
    dump = rows_dump(span_of(bytes), format, &shape, ROWS_FILE);
    assert_string_equal(dump, expected);
    free(dump);
}

/* Even a version that would reject its row is ignored. */
static void a_reader_skips_versions(void **state)
{
    (void)state;
    assert_dump("record_id,version,sku\nr1,5,a\nr2,,b\nr3,-1,c\nr4,five,d\nr5,\"\",e\n",
                ROW_FORMAT_CSV,
                "1@2 [r1] {\"sku\":\"a\"}\n2@3 [r2] {\"sku\":\"b\"}\n3@4 [r3] {\"sku\":\"c\"}\n"
                "4@5 [r4] {\"sku\":\"d\"}\n5@6 [r5] {\"sku\":\"e\"}\nend\n");
    assert_dump("{\"recordId\":\"r1\",\"version\":5,\"fields\":{\"sku\":\"a\"}}\n"
                "{\"recordId\":\"r2\",\"fields\":{\"sku\":\"b\"}}\n"
                "{\"version\":\"x\",\"recordId\":\"r3\",\"fields\":{\"sku\":\"c\"}}\n"
                "{\"recordId\":\"r4\",\"version\":null,\"fields\":{\"sku\":\"d\"}}\n",
                ROW_FORMAT_NDJSON,
                "1@1 [r1] {\"sku\":\"a\"}\n2@2 [r2] {\"sku\":\"b\"}\n3@3 [r3] {\"sku\":\"c\"}\n"
                "4@4 [r4] {\"sku\":\"d\"}\nend\n");
}

/* Loads one file: how many rows became jobs without a version, and which notices came. */
static void take_in(struct scene *scene, const char *name, const char *text, const char *said)
{
    char expected[512] = "", *at_folder;
    struct ingest_result result;
    struct bench bench;

    put(scene, name, text);
    put(scene, "schema/Item.json", FETCHING);
    bench_open(&bench, scene);
    ingest(&bench, scene, name, &result);
    assert_query(scene, "SELECT count(*) || ' ' || count(version) FROM job_row", "3 0");
    assert_query(scene, "SELECT count(*) FROM rejected_row", "0");
    if (*said)
        snprintf(expected, sizeof expected, "%s%s", at(scene, name), said);
    at_folder = strstr(scene->said, "ignored");
    assert_int_equal(at_folder != NULL, *said != '\0');
    if (at_folder)
        assert_non_null(strstr(scene->said, expected));
    /* once per file, not per row */
    if (at_folder)
        assert_null(strstr(at_folder + 1, "ignored"));
    bench_close(&bench);
}

static void a_csv_file_with_versions_is_taken_without_them_and_says_so_once(void **state)
{
    take_in(*state, "Item-a.csv", "record_id,version,sku\na,5,x\nb,6,y\nc,,z\n", IGNORED);
}

static void a_csv_file_without_versions_says_nothing(void **state)
{
    take_in(*state, "Item-a.csv", "record_id,sku\na,x\nb,y\nc,z\n", "");
}

static void an_ndjson_file_with_versions_is_taken_without_them_and_says_so_once(void **state)
{
    take_in(*state, "Item-a.ndjson",
            "{\"recordId\":\"a\",\"version\":5,\"fields\":{}}\n{\"recordId\":\"b\",\"fields\":{}}\n"
            "{\"recordId\":\"c\",\"version\":7,\"fields\":{}}\n",
            IGNORED);
}

static void an_ndjson_file_without_versions_says_nothing(void **state)
{
    take_in(*state, "Item-a.ndjson",
            "{\"recordId\":\"a\",\"fields\":{}}\n{\"recordId\":\"b\",\"fields\":{}}\n"
            "{\"recordId\":\"c\",\"fields\":{}}\n",
            "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_skips_versions),
        INGEST_TEST(a_csv_file_with_versions_is_taken_without_them_and_says_so_once),
        INGEST_TEST(a_csv_file_without_versions_says_nothing),
        INGEST_TEST(an_ndjson_file_with_versions_is_taken_without_them_and_says_so_once),
        INGEST_TEST(an_ndjson_file_without_versions_says_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
