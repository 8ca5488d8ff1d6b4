#include "core/inbox/place.h"

#include "tests/unit/scene.h"

static struct inbox_place place_of(const struct scene *scene, const char *name, const char *sub,
                                   int64_t batch_id, const struct inbox_identity *file)
{
    return (struct inbox_place){scene->folder, NULL, name, sub, batch_id, file};
}

static void assert_moves(const struct inbox_place *place, bool expected)
{
    struct err err = {0};
    bool moved = !expected;

    if (!inbox_place_move(place, &moved, &err))
        fail_msg("%s", err.text);
    assert_int_equal(moved, expected);
}

static void assert_found(const struct inbox_place *place, const char *expected,
                         enum inbox_whereabouts where)
{
    enum inbox_whereabouts found;
    char name[INBOX_NAME_SIZE];
    struct err err = {0};

    if (!inbox_place_find(place, name, &found, &err))
        fail_msg("%s", err.text);
    assert_string_equal(name, expected);
    assert_int_equal(found, where);
}

static void a_file_moves_into_a_folder_made_for_it(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file;
    struct inbox_place place;
    struct stat status;

    put(scene, "a.csv", "one");
    file = identity_at(scene, "a.csv");
    place = place_of(scene, "a.csv", "done", 5, &file);
    assert_found(&place, "a.csv", INBOX_WAITING);
    assert_moves(&place, true);
    assert_missing(scene, "a.csv");
    assert_holds(scene, "done/a.csv", "one");
    assert_int_equal(stat(at(scene, "done"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
}

static void a_second_move_of_the_same_file_does_nothing(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file;
    struct inbox_place place;

    put(scene, "a.csv", "one");
    file = identity_at(scene, "a.csv");
    place = place_of(scene, "a.csv", "done", 5, &file);
    assert_moves(&place, true);
    assert_found(&place, "a.csv", INBOX_MOVED);
    assert_moves(&place, false);
    assert_int_equal(names_in(scene, "done"), 1);
}

static void names_that_are_taken_get_the_batch_and_then_a_number(void **state)
{
    static const char *const expected[] = {"a.csv", "a.csv.5", "a.csv.5.2", "a.csv.5.3"};
    struct scene *scene = *state;

    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct inbox_identity file;
        struct inbox_place place;

        put(scene, "a.csv", expected[i]);
        file = identity_at(scene, "a.csv");
        place = place_of(scene, "a.csv", "done", 5, &file);
        assert_found(&place, expected[i], INBOX_WAITING);
        assert_moves(&place, true);
        assert_found(&place, expected[i], INBOX_MOVED);
    }
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        char name[64];

        snprintf(name, sizeof name, "done/%s", expected[i]);
        assert_holds(scene, name, expected[i]);
    }
}

static void names_that_are_taken_without_a_batch_get_a_number(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file;
    struct inbox_place place;

    mkdir(at(scene, "refused"), 0700);
    put(scene, "refused/a.csv", "old");
    put(scene, "a.csv", "new");
    file = identity_at(scene, "a.csv");
    place = place_of(scene, "a.csv", "refused", 0, &file);
    assert_moves(&place, true);
    assert_holds(scene, "refused/a.csv", "old");
    assert_holds(scene, "refused/a.csv.2", "new");
}

static void another_file_under_the_old_name_stays(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file;
    struct inbox_place place;

    put(scene, "a.csv", "one");
    file = identity_at(scene, "a.csv");
    place = place_of(scene, "a.csv", "done", 5, &file);
    put(scene, "a.csv.new", "two");
    assert_int_equal(rename(at(scene, "a.csv.new"), at(scene, "a.csv")), 0);
    assert_found(&place, "a.csv", INBOX_GONE);
    assert_moves(&place, false);
    assert_holds(scene, "a.csv", "two");
}

static void a_file_that_was_changed_since_stays(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file;
    struct inbox_place place;

    put(scene, "a.csv", "one");
    file = identity_at(scene, "a.csv");
    place = place_of(scene, "a.csv", "done", 5, &file);
    put(scene, "a.csv", "one and more");
    assert_moves(&place, false);
    assert_holds(scene, "a.csv", "one and more");
}

static void a_move_by_link_that_was_cut_short_is_completed(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file;
    struct inbox_place place;

    put(scene, "a.csv", "one");
    mkdir(at(scene, "done"), 0700);
    assert_int_equal(link(at(scene, "a.csv"), at(scene, "done/a.csv")), 0);
    file = identity_at(scene, "a.csv");
    place = place_of(scene, "a.csv", "done", 5, &file);
    assert_found(&place, "a.csv", INBOX_WAITING);
    assert_moves(&place, true);
    assert_missing(scene, "a.csv");
    assert_holds(scene, "done/a.csv", "one");
    assert_int_equal(names_in(scene, "done"), 1);
}

static void a_link_in_place_of_done_is_not_followed(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file;
    struct inbox_place place;
    struct err err = {0};
    char expected[256];
    bool moved;

    put(scene, "a.csv", "one");
    mkdir(at(scene, "elsewhere"), 0700);
    assert_int_equal(symlink("elsewhere", at(scene, "done")), 0);
    file = identity_at(scene, "a.csv");
    place = place_of(scene, "a.csv", "done", 5, &file);
    assert_false(inbox_place_move(&place, &moved, &err));
    snprintf(expected, sizeof expected,
             "cannot use %s/done, which must be a folder: Not a directory", scene->folder);
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.text, expected);
    assert_holds(scene, "a.csv", "one");
    assert_int_equal(names_in(scene, "elsewhere"), 0);
}

static void a_name_of_255_bytes_finds_room_for_its_ending(void **state)
{
    struct scene *scene = *state;
    char name[256], filed[INBOX_NAME_SIZE];
    enum inbox_whereabouts where;
    struct inbox_identity file;
    struct inbox_place place;
    struct err err = {0};

    memset(name, 'n', sizeof name);
    memcpy(name + 246,
           "\xE2\x82\xAC"
           "end.csv",
           10); /* a code point that a cut would halve */
    name[255] = '\0';
    mkdir(at(scene, "done"), 0700);
    put(scene, name, "one");
    file = identity_at(scene, name);
    place = place_of(scene, name, "done", 123456, &file);
    assert_moves(&place, true);
    assert_true(inbox_place_find(&place, filed, &where, &err));
    assert_string_equal(filed, name);
    put(scene, name, "two");
    file = identity_at(scene, name);
    assert_true(inbox_place_find(&place, filed, &where, &err));
    assert_int_equal(strlen(filed), 246 + strlen(".123456"));
    assert_string_equal(filed + 245, "n.123456");
    assert_moves(&place, true);
}

/* --- what is written beside --- */

static bool write_text(void *context, int fd, struct err *err)
{
    const char *text = context;

    if (!text)
        return err_set(err, ERR_CONFIG, "No space left on device");
    return write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static void a_file_is_written_whole_over_an_older_one(void **state)
{
    struct scene *scene = *state;
    struct inbox_place place = place_of(scene, "a.csv", "done", 5, NULL);
    struct err err = {0};
    char first[] = "first", second[] = "2nd";
    struct stat status;

    assert_true(inbox_place_write(&place, "a.csv", ".errors.tsv", write_text, first, &err));
    assert_holds(scene, "done/a.csv.errors.tsv", "first");
    assert_true(inbox_place_write(&place, "a.csv", ".errors.tsv", write_text, second, &err));
    assert_holds(scene, "done/a.csv.errors.tsv", "2nd");
    assert_int_equal(stat(at(scene, "done/a.csv.errors.tsv"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(names_in(scene, "done"), 1);
}

static void what_a_crash_left_of_a_writing_is_swept_away(void **state)
{
    struct scene *scene = *state;
    struct inbox_place place = place_of(scene, "a.csv", "done", 5, NULL);
    struct err err = {0};
    char text[] = "text";

    mkdir(at(scene, "done"), 0700);
    put(scene, "done/.rowferry.tmp", "half of an older one");
    assert_true(inbox_place_write(&place, "a.csv", ".errors.tsv", write_text, text, &err));
    assert_holds(scene, "done/a.csv.errors.tsv", "text");
    assert_int_equal(names_in(scene, "done"), 1);
}

static void a_writing_that_fails_leaves_the_older_file(void **state)
{
    struct scene *scene = *state;
    struct inbox_place place = place_of(scene, "a.csv", "done", 5, NULL);
    struct err err = {0};
    char text[] = "text", expected[256];

    assert_true(inbox_place_write(&place, "a.csv", ".errors.tsv", write_text, text, &err));
    assert_false(inbox_place_write(&place, "a.csv", ".errors.tsv", write_text, NULL, &err));
    snprintf(expected, sizeof expected,
             "cannot write %s/done/a.csv.errors.tsv: No space left on device", scene->folder);
    assert_string_equal(err.text, expected);
    assert_holds(scene, "done/a.csv.errors.tsv", "text");
    assert_int_equal(names_in(scene, "done"), 1);
}

static const char *const sheets[] = {".rejected.csv", ".errors.tsv", NULL};

static void assert_deletes(const struct inbox_place *place, bool rehearsed,
                           enum inbox_deletion expected, const char *expected_name)
{
    char name[INBOX_NAME_SIZE];
    enum inbox_deletion end;
    struct err err = {0};

    if (!inbox_place_delete(place, sheets, rehearsed, name, &end, &err))
        fail_msg("%s", err.text);
    assert_int_equal(end, expected);
    assert_string_equal(name, expected_name);
}

static void a_file_is_deleted_with_its_sheets_under_the_name_it_got(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file;
    struct inbox_place place;

    mkdir(at(scene, "done"), 0700);
    put(scene, "done/a.csv", "another");
    put(scene, "done/a.csv.errors.tsv", "of another");
    put(scene, "a.csv", "one");
    file = identity_at(scene, "a.csv");
    place = place_of(scene, "a.csv", "done", 5, &file);
    assert_moves(&place, true);
    put(scene, "done/a.csv.5.errors.tsv", "ours");
    assert_deletes(&place, true, INBOX_DELETED, "a.csv.5");
    assert_int_equal(names_in(scene, "done"), 4);
    assert_deletes(&place, false, INBOX_DELETED, "a.csv.5");
    assert_missing(scene, "done/a.csv.5");
    assert_missing(scene, "done/a.csv.5.errors.tsv");
    assert_holds(scene, "done/a.csv", "another");
    assert_holds(scene, "done/a.csv.errors.tsv", "of another");
    assert_deletes(&place, false, INBOX_MISSING, "a.csv.5");
}

static void a_file_that_was_changed_stays_with_its_sheets(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file;
    struct inbox_place place;

    put(scene, "a.csv", "one");
    file = identity_at(scene, "a.csv");
    place = place_of(scene, "a.csv", "done", 5, &file);
    assert_moves(&place, true);
    put(scene, "done/a.csv.errors.tsv", "ours");
    put(scene, "done/a.csv", "mended");
    assert_deletes(&place, false, INBOX_CHANGED, "a.csv");
    assert_holds(scene, "done/a.csv", "mended");
    assert_holds(scene, "done/a.csv.errors.tsv", "ours");
}

static void what_is_not_there_is_not_made_to_be_deleted(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file = {1, 2, 3, 4};
    struct inbox_place place = place_of(scene, "a.csv", "done", 5, &file);

    assert_deletes(&place, false, INBOX_MISSING, "a.csv");
    assert_missing(scene, "done");
    place.folder = at(scene, "none");
    assert_deletes(&place, false, INBOX_MISSING, "a.csv");
}

static void no_link_is_followed_to_what_is_deleted(void **state)
{
    struct scene *scene = *state;
    char name[INBOX_NAME_SIZE], expected[600];
    struct inbox_identity file;
    struct inbox_place place;
    enum inbox_deletion end;
    struct err err = {0};

    mkdir(at(scene, "elsewhere"), 0700);
    put(scene, "elsewhere/a.csv", "one");
    file = identity_at(scene, "elsewhere/a.csv");
    place = place_of(scene, "a.csv", "done", 5, &file);
    assert_int_equal(symlink("elsewhere", at(scene, "done")), 0);
    assert_false(inbox_place_delete(&place, sheets, false, name, &end, &err));
    snprintf(expected, sizeof expected, "cannot look into %s/done: Not a directory", scene->folder);
    assert_string_equal(err.text, expected);
    assert_int_equal(unlink(at(scene, "done")), 0);
    mkdir(at(scene, "done"), 0700);
    assert_int_equal(symlink("../elsewhere/a.csv", at(scene, "done/a.csv")), 0);
    assert_deletes(&place, false, INBOX_MISSING, "a.csv.5");
    assert_holds(scene, "elsewhere/a.csv", "one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(a_file_moves_into_a_folder_made_for_it),
        SCENE_TEST(a_second_move_of_the_same_file_does_nothing),
        SCENE_TEST(names_that_are_taken_get_the_batch_and_then_a_number),
        SCENE_TEST(names_that_are_taken_without_a_batch_get_a_number),
        SCENE_TEST(another_file_under_the_old_name_stays),
        SCENE_TEST(a_file_that_was_changed_since_stays),
        SCENE_TEST(a_move_by_link_that_was_cut_short_is_completed),
        SCENE_TEST(a_link_in_place_of_done_is_not_followed),
        SCENE_TEST(a_name_of_255_bytes_finds_room_for_its_ending),
        SCENE_TEST(a_file_is_written_whole_over_an_older_one),
        SCENE_TEST(what_a_crash_left_of_a_writing_is_swept_away),
        SCENE_TEST(a_writing_that_fails_leaves_the_older_file),
        SCENE_TEST(a_file_is_deleted_with_its_sheets_under_the_name_it_got),
        SCENE_TEST(a_file_that_was_changed_stays_with_its_sheets),
        SCENE_TEST(what_is_not_there_is_not_made_to_be_deleted),
        SCENE_TEST(no_link_is_followed_to_what_is_deleted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
