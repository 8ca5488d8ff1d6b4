/* Rows compared with their records in simulated time: verdicts, what is read, and how it ends. */
#include "core/drain/diff.h"

#include "core/store/known.h"
#include "core/store/lock.h"
#include "tests/lib/fault_sql.h"
#include "tests/lib/scratch.h"
#include "tests/unit/drain_scene.h"

#include "core/store/db.h"

/* A row: record, version (-1: none) and fields; `others` if its record has other rows. */
struct given {
    const char *schema, *id;
    int64_t version;
    const char *fields;
    bool others, whole;
    int64_t source;
};

#define ROW(schema_, id_, version_, fields_)                                                       \
    .schema = (schema_), .id = (id_), .version = (version_), .fields = (fields_)

static struct desk {
    char folder[SCRATCH_SIZE];
    const struct given *rows;
    unsigned count, visited;
    const char *fails; /* "feed" or "visit" */
    struct buf seen;   /* `RECORD VERDICT vVERSION OURS THEIRS: WHY`, a line per row */
} desk;

static bool feed(void *context, struct diff *diff, struct err *err)
{
    (void)context;
    for (unsigned i = 0; i < desk.count; i++) {
        const struct given *row = &desk.rows[i];
        struct diff_row given = {.schema = span_of(row->schema),
                                 .record_id = span_of(row->id),
                                 .fields = span_of(row->fields),
                                 .has_version = row->version >= 0,
                                 .is_whole = row->whole,
                                 .has_others = row->others,
                                 .version = row->version,
                                 .source = row->source,
                                 .row_no = i + 1};

        if (desk.fails && strcmp(desk.fails, "feed") == 0)
            return err_set(err, ERR_CONFIG, "no such file");
        if (!diff_add(diff, &given, err))
            return false;
    }
    return true;
}

static bool visit(void *context, const struct difference *found, struct err *err)
{
    static const char *const names[] = {"update", "unchanged", "missing", "conflict", "unread"};

    (void)context;
    if (desk.fails && strcmp(desk.fails, "visit") == 0)
        return err_set(err, ERR_CONFIG, "cannot write");
    assert_int_equal(found->row->row_no, ++desk.visited);
    buf_printf(&desk.seen, "%.*s %s v%" PRId64 " %.*s %.*s: %s\n", (int)found->row->record_id.size,
               found->row->record_id.data, names[found->verdict], found->version,
               (int)found->ours.size, found->ours.data, (int)found->theirs.size, found->theirs.data,
               found->verdict == DIFF_CONFLICT || found->verdict == DIFF_UNREAD ? found->why : "");
    return true;
}

static struct diff_options compares = {.feed = feed, .visit = visit};

static bool run(const struct given *rows, unsigned count, const struct drain_options *options,
                const struct reply *replies, struct drain_result *result)
{
    struct drain_options own = *options;

    own.diff = &compares;
    own.schemas = desk.folder;
    desk.rows = rows;
    desk.count = count;
    desk.visited = 0;
    buf_reset(&desk.seen);
    return drain(&own, replies, result);
}

/* All rows are compared, as expected. */
#define COMPARED(options, replies, expected, ...)                                                  \
    do {                                                                                           \
        static const struct given rows[] = {__VA_ARGS__};                                          \
        struct drain_result result;                                                                \
                                                                                                   \
        if (!run(rows, sizeof rows / sizeof *rows, options, replies, &result))                     \
            fail_msg("%s", world.fixture->err.text);                                               \
        assert_int_equal(result.end, DRAIN_FINISHED);                                              \
        assert_string_equal(buf_text(&desk.seen), expected);                                       \
        assert_int_equal(requests("PUT"), 0);                                                      \
    } while (0)

#define PROPERTIES "\"n\": {\"type\": \"number\"}, \"price\": {\"type\": \"number\"}"

static int begin_diff(void **state)
{
    begin(state);
    desk = (struct desk){0};
    compares.read = false;
    compares.rows = 0;
    scratch_make(desk.folder);
    scratch_schema(desk.folder, "Item", PROPERTIES, "");
    scratch_schema(desk.folder, "Whole", PROPERTIES, "\"write\": \"replace\"");
    scratch_schema(desk.folder, "Known", PROPERTIES,
                   "\"version\": \"known\", \"knownFor\": \"1h\"");
    scratch_schema(desk.folder, "Ruled", PROPERTIES,
                   "\"rules\": [{\"check\": \"price * n <= 100\", \"message\": \"too dear\"}]");
    return 0;
}

static int end_diff(void **state)
{
    buf_release(&desk.seen);
    scratch_remove(desk.folder);
    return end(state);
}

/* The record as the API has it. */
static void hold(const char *id, int64_t version, const char *fields)
{
    struct record *record = find_record(id, version);

    record->version = version;
    snprintf(record->rest, sizeof record->rest, ",\"fields\":%s}", fields);
}

static void a_row_with_a_version_is_compared_with_the_record(void **state)
{
    struct drain_options options = usual();

    (void)state;
    hold("a", 5, "{\"n\":1}");
    hold("b", 5, "{\"n\":2.0,\"x\":1}");
    hold("c", 7, "{\"n\":1}");
    hold("d", 7, "{\"n\":2,\"x\":1}");
    compares.rows = 9;
    COMPARED(&options, NULL,
             "a update v5 {\"n\":2} {\"n\":1}: \n"
             "b update v5 {\"n\":2} {\"n\":2.0,\"x\":1}: \n"
             "c conflict v7 {\"n\":2} {\"n\":1}: the row has version 5, the record 7\n"
             "d unchanged v7 {\"n\":2} {\"n\":2,\"x\":1}: \n"
             "d conflict v7 {\"n\":2} {\"n\":2,\"x\":1}: the row has version 5, the record 7\n"
             "e missing v-1  : \n"
             "a update v5 {\"n\":2} {\"n\":1}: \n"
             "c unchanged v7 {\"n\":1} {\"n\":1}: \n"
             "d conflict v7 {\"n\":2} {\"n\":2,\"x\":1}: the row has version 8, the record 7\n",
             {ROW("Item", "a", 5, "{\"n\":2}")}, {ROW("Item", "b", 5, "{\"n\":2}")},
             {ROW("Item", "c", 5, "{\"n\":2}")}, {ROW("Item", "d", 5, "{\"n\":2}")},
             {ROW("Whole", "d", 5, "{\"n\":2}")}, {ROW("Item", "e", 5, "{\"n\":2}")},
             {ROW("Whole", "a", 5, "{\"n\":2}")}, {ROW("Whole", "c", 5, "{\"n\":1}")},
             {ROW("Item", "d", 8, "{\"n\":2}"), .whole = true});
    assert_int_equal(world.progress.left, 0);
    assert_in_range(world.most_left, 1, 9);
}

/* 0 is a version like others. */
static void a_record_can_be_at_version_0(void **state)
{
    struct drain_options options = usual();

    (void)state;
    hold("z", 0, "{\"n\":1}");
    COMPARED(&options, NULL,
             "z update v0 {\"n\":2} {\"n\":1}: \n"
             "z update v1 {\"n\":3} {\"n\":2}: \n",
             {ROW("Item", "z", 0, "{\"n\":2}"), .others = true},
             {ROW("Item", "z", 0, "{\"n\":3}"), .others = true});
}

static void a_row_without_a_version_is_built_on_the_record(void **state)
{
    struct drain_options options = usual();

    (void)state;
    hold("a", 5, "{\"n\":1,\"x\":1}");
    hold("b", 5, "{\"n\":2,\"x\":1}");
    hold("c", 5, "{\"n\":2,\"price\":50}");
    COMPARED(&options, NULL,
             "a update v5 {\"n\":2,\"x\":1} {\"n\":1,\"x\":1}: \n"
             "b unchanged v5 {\"n\":2,\"x\":1} {\"n\":2,\"x\":1}: \n"
             "b update v5 {\"n\":2} {\"n\":2,\"x\":1}: \n"
             "c conflict v5 {\"n\":3,\"price\":50} {\"n\":2,\"price\":50}: too dear\n"
             "c update v5 {\"n\":1,\"price\":50} {\"n\":2,\"price\":50}: \n",
             {ROW("Item", "a", -1, "{\"n\":2}")}, {ROW("Item", "b", -1, "{\"n\":2}")},
             {ROW("Item", "b", -1, "{\"n\":2}"), .whole = true},
             {ROW("Ruled", "c", -1, "{\"n\":3}")}, {ROW("Ruled", "c", -1, "{\"n\":1}")});
}

/* The record is read once; the rows after that are compared with what it would hold. */
static void rows_of_one_record_are_compared_one_after_another(void **state)
{
    struct drain_options options = usual();

    (void)state;
    hold("a", 5, "{\"n\":1}");
    hold("b", 7, "{\"n\":1}");
    COMPARED(&options, NULL,
             "a update v5 {\"n\":2} {\"n\":1}: \n"
             "a update v6 {\"n\":3} {\"n\":2}: \n"
             /* of the same file: its rows are chained */
             "a update v7 {\"n\":4} {\"n\":3}: \n"
             "a conflict v8 {\"n\":5} {\"n\":4}: the row has version 9, the record 8\n"
             "a conflict v8 {\"n\":6} {\"n\":4}: the row has version 4, the record 8\n"
             /* of another file */
             "a conflict v8 {\"n\":7} {\"n\":4}: the row has version 5, the record 8\n"
             "a update v8 {\"n\":8} {\"n\":4}: \n"
             "a update v9 {\"n\":9} {\"n\":8}: \n"
             "b conflict v7 {\"n\":2} {\"n\":1}: the row has version 5, the record 7\n"
             "b conflict v7 {\"n\":3} {\"n\":1}: the row has version 5, the record 7\n"
             "b update v7 {\"n\":4} {\"n\":1}: \n"
             "c missing v-1  : \n"
             "c missing v-1  : \n",
             {ROW("Item", "a", 5, "{\"n\":2}"), .others = true},
             {ROW("Item", "a", 6, "{\"n\":3}"), .others = true},
             {ROW("Item", "a", 5, "{\"n\":4}"), .others = true},
             {ROW("Item", "a", 9, "{\"n\":5}"), .others = true},
             {ROW("Item", "a", 4, "{\"n\":6}"), .others = true},
             {ROW("Item", "a", 5, "{\"n\":7}"), .others = true, .source = 1},
             {ROW("Item", "a", 8, "{\"n\":8}"), .others = true, .source = 1},
             {ROW("Item", "a", -1, "{\"n\":9}"), .others = true, .source = 2},
             {ROW("Item", "b", 5, "{\"n\":2}"), .others = true},
             {ROW("Item", "b", 5, "{\"n\":3}"), .others = true},
             {ROW("Item", "b", 7, "{\"n\":4}"), .others = true},
             {ROW("Item", "c", 1, "{\"n\":1}"), .others = true},
             {ROW("Item", "c", 1, "{\"n\":1}"), .others = true});
    assert_int_equal(requests("GET a"), 1);
    assert_int_equal(requests("GET b"), 1);
    assert_int_equal(requests("GET c"), 1);
}

static void a_record_that_cannot_be_read_is_said_so_for_each_of_its_rows(void **state)
{
    static const struct reply replies[] = {
        {.to = "GET a", .status = 400, .body = "{\"code\":\"bad.id\",\"message\":\"what\"}"},
        {.to = "GET b", .status = 500},
        {.to = "GET c", .status = 200, .body = "{\"version\":\"x\"}"},
        {.to = "GET d", .end = HTTP_CUT},
        {.to = "GET h", .status = 200, .body = "{\"version\":5}"},
        {.to = "GET e", .times = 1, .status = 500},
        {.to = "GET f", .times = 1, .end = HTTP_CUT},
        {0}};
    struct drain_options options = usual();

    (void)state;
    hold("e", 5, "{\"n\":1}");
    hold("f", 5, "{\"n\":1}");
    hold("g", 5, "{\"n\":1}");
    COMPARED(&options, replies,
             "g update v5 {\"n\":2} {\"n\":1}: \n"
             "a unread v-1  : 400 bad.id (what)\n"
             "a unread v-1  : an earlier row shows why\n"
             "b unread v-1  : 500 (no)\n"
             "c unread v-1  : 200 (the record lacks a version, which is a whole number, at "
             "\"/version\")\n"
             "d unread v-1  : the cable was cut\n"
             "e update v5 {\"n\":2} {\"n\":1}: \n"
             "f update v5 {\"n\":2} {\"n\":1}: \n"
             "h unread v-1  : 200 (the record lacks an object with fields at \"/fields\")\n",
             {ROW("Item", "g", 5, "{\"n\":2}")}, {ROW("Item", "a", 5, "{\"n\":2}"), .others = true},
             {ROW("Item", "a", 5, "{\"n\":2}"), .others = true}, {ROW("Item", "b", 5, "{\"n\":2}")},
             {ROW("Item", "c", 5, "{\"n\":2}")}, {ROW("Item", "d", 5, "{\"n\":2}")},
             {ROW("Item", "e", 5, "{\"n\":2}")}, {ROW("Item", "f", 5, "{\"n\":2}")},
             {ROW("Item", "h", 5, "{\"n\":2}")});
    assert_int_equal(requests("GET h"), 1 + options.max_retries);
    assert_int_equal(requests("GET a"), 1);
    assert_int_equal(requests("GET b"), 1 + options.max_retries);
    assert_int_equal(requests("GET c"), 1 + options.max_retries);
    assert_int_equal(requests("GET d"), 1 + options.max_retries);
    assert_int_equal(requests("GET e"), 2);
    assert_int_equal(requests("GET f"), 2);
}

static void a_token_is_fetched_anew_and_a_pause_is_waited_for(void **state)
{
    static const struct reply replies[] = {
        {.to = "GET a", .times = 1, .status = 401},
        {.to = "GET b", .times = 1, .status = 429, .retry_after_s = 7},
        {0}};
    struct drain_options options = usual();

    (void)state;
    hold("a", 5, "{\"n\":2}");
    hold("b", 5, "{\"n\":2}");
    COMPARED(&options, replies,
             "a unchanged v5 {\"n\":2} {\"n\":2}: \n"
             "b unchanged v5 {\"n\":2} {\"n\":2}: \n",
             {ROW("Item", "a", 5, "{\"n\":2}")}, {ROW("Item", "b", 5, "{\"n\":2}")});
    assert_int_equal(world.logins, 2);
    assert_int_equal(requests("GET a"), 2);
    assert_int_equal(requests("GET b"), 2);
    assert_true(world.now_us >= 7000000);
}

static const struct given two[] = {{ROW("Item", "a", 5, "{\"n\":2}")},
                                   {ROW("Item", "b", 5, "{\"n\":2}")}};

/* The error of a run over two rows. */
static void assert_error(const struct reply *replies, enum err_kind kind, const char *text)
{
    struct drain_options options = usual();
    struct drain_result result;

    assert_false(run(two, 2, &options, replies, &result));
    assert_int_equal(world.fixture->err.kind, kind);
    if (!strstr(world.fixture->err.text, text))
        fail_msg("%s: does not hold '%s'", world.fixture->err.text, text);
}

static void reads_that_are_all_denied_end_the_run(void **state)
{
    static const struct reply forbidden[] = {{.to = "GET", .status = 403}, {0}};
    static const struct reply elsewhere[] = {{.to = "GET", .status = 301}, {0}};
    static const struct reply one[] = {{.to = "GET a", .status = 403}, {0}};
    struct drain_options options = usual();

    (void)state;
    assert_error(forbidden, ERR_AUTH, "the API does not let us read records: 403 (no)");
    assert_error(elsewhere, ERR_CONFIG, "http://api answered 301 (no) to a read");
    hold("b", 5, "{\"n\":2}");
    COMPARED(&options, one,
             "a unread v-1  : 403 (no)\n"
             "b unchanged v5 {\"n\":2} {\"n\":2}: \n",
             {ROW("Item", "a", 5, "{\"n\":2}")}, {ROW("Item", "b", 5, "{\"n\":2}")});
}

/* Twenty in a row are enough, though more could follow. */
static void many_denied_reads_end_the_run_early(void **state)
{
    static const struct reply forbidden[] = {{.to = "GET", .status = 403}, {0}};
    static char ids[400][8];
    static struct given rows[400];
    struct drain_options options = usual();
    struct drain_result result;

    (void)state;
    for (unsigned i = 0; i < 400; i++) {
        snprintf(ids[i], sizeof ids[i], "r%u", i);
        rows[i] = (struct given){ROW("Item", ids[i], 5, "{\"n\":2}")};
    }
    assert_false(run(rows, 400, &options, forbidden, &result));
    assert_int_equal(world.fixture->err.kind, ERR_AUTH);
    assert_in_range(world.requests, 20, 30);
    /* and all of them are compared, in their order, where reads are taken */
    assert_true(run(rows, 400, &options, NULL, &result));
    assert_int_equal(desk.visited, 400);
    assert_int_equal(requests("GET"), 400);
}

static void what_breaks_ends_the_run(void **state)
{
    static const char *const parts[] = {"start", "wait"};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        world.fails = parts[i];
        assert_error(NULL, ERR_INTERNAL, "libcurl is broken");
    }
    world.fails = NULL;
    desk.fails = "feed";
    assert_error(NULL, ERR_CONFIG, "no such file");
    desk.fails = "visit";
    assert_error(NULL, ERR_CONFIG, "cannot write");
}

static void a_schema_file_that_is_missing_ends_the_run(void **state)
{
    static const struct given rows[] = {{ROW("Nothing", "a", -1, "{\"n\":2}")}};
    struct drain_options options = usual();
    struct drain_result result;

    (void)state;
    hold("a", 5, "{\"n\":1}");
    assert_false(run(rows, 1, &options, NULL, &result));
    assert_int_equal(world.fixture->err.kind, ERR_CONFIG);
    assert_non_null(strstr(world.fixture->err.text, "Nothing.json"));
}

static void a_signal_ends_it(void **state)
{
    struct drain_options options = usual();
    struct drain_result result;

    (void)state;
    world.stop_us = 60000;
    assert_true(run(two, 2, &options, NULL, &result));
    assert_int_equal(result.end, DRAIN_STOPPED);
    assert_int_equal(desk.visited, 0);
}

static void a_drain_that_begins_ends_it(void **state)
{
    static const struct reply late[] = {{.to = "GET", .latency_ms = 5000}, {0}};
    struct err err = {0};
    struct lock *lock = lock_take(world.fixture->path, LOCK_DRAIN, 1, 1, &err);

    (void)state;
    assert_non_null(lock);
    assert_error(late, ERR_BUSY, "is sending from this database");
    lock_release(lock);
}

/* What is known counts as the record, unless every record is to be read. */
static void a_record_that_is_known_is_not_read(void **state)
{
    struct drain_options options = usual();
    char *known;

    (void)state;
    hold("k", 5, "{\"n\":1}");
    for (unsigned i = 0; i < 3; i++) {
        compares.read = i == 2;
        COMPARED(&options, NULL,
                 "k update v5 {\"n\":2} {\"n\":1}: \n"
                 "k update v5 {\"n\":3} {\"n\":1}: \n",
                 {ROW("Known", "k", 5, "{\"n\":2}")}, {ROW("Known", "k", -1, "{\"n\":3}")});
        assert_int_equal(requests("GET"), i == 0 ? 2 : i == 1 ? 0 : 2);
    }
    known = strdup(fixture_ask(world.fixture, "SELECT record_id, version, fields FROM known"));
    assert_string_equal(known, "k|5|{\"n\":1}");
    free(known);
    /* for an hour, less what is due early */
    world.now_us += 3700 * (int64_t)1000000;
    compares.read = false;
    hold("k", 6, "{\"n\":2}");
    COMPARED(&options, NULL,
             "k conflict v6 {\"n\":3} {\"n\":2}: the row has version 5, the record 6\n",
             {ROW("Known", "k", 5, "{\"n\":3}")});
    assert_int_equal(requests("GET"), 1);
}

/* Each statement fails in turn: the run ends, and says which database it is. */
static void a_database_that_fails_ends_the_run(void **state)
{
    static const struct given rows[] = {{ROW("Known", "k", 5, "{\"n\":2}"), .others = true},
                                        {ROW("Known", "k", 6, "{\"n\":3}"), .others = true},
                                        {ROW("Known", "l", -1, "{\"n\":3}")}};
    struct drain_options options = usual();
    struct drain_result result;
    bool fired = true;

    (void)state;
    hold("k", 5, "{\"n\":1}");
    hold("l", 5, "{\"n\":1}");
    world.fails = "";
    for (unsigned n = 1; fired; n++) {
        bool fine;

        fixture_ask(world.fixture, "DELETE FROM known_record");
        fault_sql_arm(world.fixture->store->db, FAULT_SQL_PREPARE, n);
        fine = run(rows, 3, &options, NULL, &result);
        fired = fault_sql_disarm(world.fixture->store->db);
        if (fine == fired)
            fail_msg("fault %u: %s", n, fired ? "it was not reported" : world.fixture->err.text);
        if (!fine)
            assert_int_equal(world.fixture->err.kind, ERR_STORE);
        fixture_reopen(world.fixture);
    }
    assert_int_equal(desk.visited, 3);
}

#define DIFF_TEST(name) cmocka_unit_test_setup_teardown(name, begin_diff, end_diff)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIFF_TEST(a_row_with_a_version_is_compared_with_the_record),
        DIFF_TEST(a_record_can_be_at_version_0),
        DIFF_TEST(a_row_without_a_version_is_built_on_the_record),
        DIFF_TEST(rows_of_one_record_are_compared_one_after_another),
        DIFF_TEST(a_record_that_cannot_be_read_is_said_so_for_each_of_its_rows),
        DIFF_TEST(a_token_is_fetched_anew_and_a_pause_is_waited_for),
        DIFF_TEST(reads_that_are_all_denied_end_the_run),
        DIFF_TEST(many_denied_reads_end_the_run_early),
        DIFF_TEST(what_breaks_ends_the_run),
        DIFF_TEST(a_schema_file_that_is_missing_ends_the_run),
        DIFF_TEST(a_signal_ends_it),
        DIFF_TEST(a_drain_that_begins_ends_it),
        DIFF_TEST(a_record_that_is_known_is_not_read),
        DIFF_TEST(a_database_that_fails_ends_the_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
