/* Files in a sub-folder of an inbox that is named like their schema, and files that stay where they
 * were read. */
#include "core/ingest/filing.h"
#include "core/ingest/ingest.h"
#include "core/ingest/recover.h"

#include "tests/unit/ingest_scene.h"

/* As much of `run` as concerns one file. */
static void file_away(struct bench *bench, const struct scene *scene, const char *name,
                      const struct ingest_result *result)
{
    struct err err = {0};

    if (!ingest_file_away(bench->store, &bench->options, at(scene, "inbox"), name, result, &err))
        fail_msg("%s", err.text);
}

/* In addition to Item, a schema Part with the same rules, and a folder for each. */
static void add_part(const struct scene *scene)
{
    put(scene, "schema/Part.json", ITEM_SCHEMA);
    mkdir(at(scene, "inbox/Item"), 0700);
    mkdir(at(scene, "inbox/Part"), 0700);
}

static void the_sub_folder_sets_the_schema_and_the_option_overrides_it(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;

    add_part(scene);
    put(scene, "inbox/Part/export.csv", ITEM_HEADER "a,1,S,5,\n");
    put(scene, "inbox/Part/Item-1.csv", ITEM_HEADER "b,1,S,5,\n");
    put(scene, "inbox/Part/Part-1.csv", ITEM_HEADER "c,1,S,5,\n");
    bench_open(&bench, scene);
    ingest(&bench, scene, "inbox/Part/export.csv", &result);
    ingest(&bench, scene, "inbox/Part/Item-1.csv", &result);
    bench.options.schema = "Item";
    ingest(&bench, scene, "inbox/Part/Part-1.csv", &result);
    assert_query(scene, "SELECT group_concat(schema || ' ' || filing, ', ') FROM batch",
                 "Part 2, Part 2, Item 2");
    assert_string_equal(query(scene, "SELECT source FROM batch"),
                        at(scene, "inbox/Part/export.csv"));
    bench_close(&bench);
}

static void an_invalid_schema_file_holds_back_the_files_of_its_sub_folder(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;

    add_part(scene);
    put(scene, "schema/Part.json", "{\"type\": 5}");
    put(scene, "inbox/Part/Item-1.csv", ITEM_HEADER "a,1,S,5,\n");
    bench_open(&bench, scene);
    ingest(&bench, scene, "inbox/Part/Item-1.csv", &result);
    assert_int_equal(result.outcome, INGEST_HELD);
    file_away(&bench, scene, "Part/Item-1.csv", &result);
    assert_holds(scene, "inbox/Part/Item-1.csv", ITEM_HEADER "a,1,S,5,\n");
    bench_close(&bench);
}

static void files_of_one_name_in_two_sub_folders_do_not_mix(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;
    char expected[512];

    add_part(scene);
    put(scene, "inbox/Item/export.csv", ITEM_HEADER "a,1,S,-1,\n");
    put(scene, "inbox/Part/export.csv", ITEM_HEADER "b,1,S,-2,\n");
    bench_open(&bench, scene);
    ingest(&bench, scene, "inbox/Item/export.csv", &result);
    file_away(&bench, scene, "Item/export.csv", &result);
    ingest(&bench, scene, "inbox/Part/export.csv", &result);
    scene->said[0] = '\0';
    file_away(&bench, scene, "Part/export.csv", &result);
    assert_int_equal(names_in(scene, "inbox/Item") + names_in(scene, "inbox/Part"), 0);
    assert_holds(scene, "inbox/done/export.csv", ITEM_HEADER "a,1,S,-1,\n");
    assert_holds(scene, "inbox/done/export.csv.rejected.csv", ITEM_HEADER "a,1,S,-1,\n");
    assert_holds(scene, "inbox/done/export.2.csv", ITEM_HEADER "b,1,S,-2,\n");
    assert_holds(scene, "inbox/done/export.2.csv.rejected.csv", ITEM_HEADER "b,1,S,-2,\n");
    snprintf(
        expected, sizeof expected,
        "%s/inbox/done/export.2.csv.rejected.csv has the rejected rows: fix them and put the file "
        "into %s/inbox/Part; export.2.csv.errors.tsv says what is wrong with "
        "them\n",
        scene->folder, scene->folder);
    assert_string_equal(scene->said, expected);
    bench_close(&bench);
}

static void a_file_of_a_sub_folder_that_was_read_and_not_moved_is_moved(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;

    add_part(scene);
    put(scene, "inbox/Part/export.csv", ITEM_HEADER "a,1,S,-1,\n");
    bench_open(&bench, scene);
    ingest(&bench, scene, "inbox/Part/export.csv", &result);
    recover(&bench, NULL, NULL);
    assert_missing(scene, "inbox/Part/export.csv");
    assert_holds(scene, "inbox/done/export.csv", ITEM_HEADER "a,1,S,-1,\n");
    assert_int_equal(names_in(scene, "inbox/done"), 3);
    assert_missing(scene, "inbox/Part/done");
    assert_query(scene, "SELECT filed_ms > 0 FROM batch", "1");
    bench_close(&bench);
}

static void an_inbox_that_is_itself_named_like_a_schema_has_its_own_done(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;
    struct err err = {0};

    mkdir(at(scene, "Item"), 0700);
    put(scene, "Item/Item-1.csv", ITEM_HEADER "a,1,S,5,\n");
    bench_open(&bench, scene);
    assert_true(ingest_file(bench.store, &bench.options, at(scene, "Item/Item-1.csv"), BATCH_INBOX,
                            &result, &err));
    recover(&bench, NULL, NULL);
    assert_holds(scene, "Item/done/Item-1.csv", ITEM_HEADER "a,1,S,5,\n");
    assert_missing(scene, "done");
    bench_close(&bench);
}

/* --- files that stay --- */

/* Two inboxes, of which the first has something else in the place of done/. */
static void a_file_that_cannot_be_moved_does_not_block_others(void **state)
{
    struct scene *scene = *state;
    struct ingest_result result;
    struct visits visits = {0};
    struct bench bench;
    struct err err = {0};
    char expected[512];

    mkdir(at(scene, "other"), 0700);
    put(scene, "inbox/done", "no folder");
    put(scene, "inbox/Item-1.csv", ITEM_HEADER "a,1,S,5,\n");
    put(scene, "other/Item-2.csv", ITEM_HEADER "b,1,S,5,\n");
    bench_open(&bench, scene);
    ingest(&bench, scene, "inbox/Item-1.csv", &result);
    assert_true(ingest_file(bench.store, &bench.options, at(scene, "other/Item-2.csv"), BATCH_INBOX,
                            &result, &err));
    assert_false(ingest_recover(bench.store, &bench.options, keep_visit, &visits, &err));
    snprintf(expected, sizeof expected,
             "cannot use %s/inbox/done, which must be a folder: Not a directory", scene->folder);
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.text, expected);
    assert_int_equal(visits.count, 2);
    assert_query(scene, "SELECT group_concat(filed_ms > 0) FROM (SELECT * FROM batch ORDER BY id)",
                 "1");
    assert_holds(scene, "other/done/Item-2.csv", ITEM_HEADER "b,1,S,5,\n");
    assert_holds(scene, "inbox/Item-1.csv", ITEM_HEADER "a,1,S,5,\n");
    /* another batch of its schema came after it, and still it is not taken again */
    ingest(&bench, scene, "inbox/Item-1.csv", &result);
    assert_int_equal(result.outcome, INGEST_KNOWN);
    assert_int_equal(result.batch_id, 1);
    unlink(at(scene, "inbox/done"));
    file_away(&bench, scene, "Item-1.csv", &result);
    assert_query(scene, "SELECT count(*) || ' ' || sum(filed_ms > 0) FROM batch", "2 2");
    bench_close(&bench);
}

/* Two files of one schema, of which each would make the other one new. */
static void kept_files_are_not_read_again_until_they_are_moved_or_changed(void **state)
{
    static const char *const names[] = {"inbox/Item-1.csv", "inbox/Item-2.csv"};
    struct scene *scene = *state;
    struct ingest_result result;
    struct bench bench;

    put(scene, names[0], ITEM_HEADER "a,1,S,5,\n");
    put(scene, names[1], ITEM_HEADER "b,1,S,5,\n");
    bench_open(&bench, scene);
    bench.options.leave_files = true;
    for (int night = 0; night < 3; night++) {
        for (int i = 0; i < 2; i++) {
            ingest(&bench, scene, names[i], &result);
            assert_int_equal(result.outcome, night == 0 ? INGEST_LOADED : INGEST_KNOWN);
            assert_int_equal(result.batch_id, i + 1);
        }
    }
    bench.options.leave_files = false;
    recover(&bench, NULL, NULL);
    assert_holds(scene, names[0], ITEM_HEADER "a,1,S,5,\n"); /* kept is not left over */
    ingest(&bench, scene, names[0], &result);
    assert_int_equal(result.outcome, INGEST_KNOWN);
    file_away(&bench, scene, "Item-1.csv", &result);
    /* put into the inbox again, the very same file */
    assert_int_equal(rename(at(scene, "inbox/done/Item-1.csv"), at(scene, names[0])), 0);
    ingest(&bench, scene, names[0], &result);
    assert_int_equal(result.outcome, INGEST_LOADED);
    put(scene, names[1], ITEM_HEADER "b,2,S,6,\n");
    ingest(&bench, scene, names[1], &result);
    assert_int_equal(result.outcome, INGEST_LOADED);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INGEST_TEST(the_sub_folder_sets_the_schema_and_the_option_overrides_it),
        INGEST_TEST(an_invalid_schema_file_holds_back_the_files_of_its_sub_folder),
        INGEST_TEST(files_of_one_name_in_two_sub_folders_do_not_mix),
        INGEST_TEST(a_file_of_a_sub_folder_that_was_read_and_not_moved_is_moved),
        INGEST_TEST(an_inbox_that_is_itself_named_like_a_schema_has_its_own_done),
        INGEST_TEST(a_file_that_cannot_be_moved_does_not_block_others),
        INGEST_TEST(kept_files_are_not_read_again_until_they_are_moved_or_changed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
