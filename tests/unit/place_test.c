/* Where a file of an inbox goes when its batch has ended, and what stops it. */
#include "tests/unit/place_scene.h"

static void a_file_moves_into_a_folder_made_for_it(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file = {0};
    struct inbox_place place;
    struct stat status;

    put(scene, "a.csv", "one");
    file = identity_at(scene, "a.csv");
    place = place_of(scene, "a.csv", "done", 5, &file);
    assert_found(&place, "a.csv", INBOX_WAITING);
    assert_moves(&place, INBOX_MOVE_DONE);
    assert_missing(scene, "a.csv");
    assert_holds(scene, "done/a.csv", "one");
    assert_int_equal(stat(at(scene, "done"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
}

static void a_second_move_of_the_same_file_does_nothing(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file = {0};
    struct inbox_place place;

    put(scene, "a.csv", "one");
    file = identity_at(scene, "a.csv");
    place = place_of(scene, "a.csv", "done", 5, &file);
    assert_moves(&place, INBOX_MOVE_DONE);
    assert_found(&place, "a.csv", INBOX_MOVED);
    assert_moves(&place, INBOX_MOVE_DONE);
    assert_int_equal(names_in(scene, "done"), 1);
}

static void names_that_are_taken_get_the_batch_and_then_a_number(void **state)
{
    static const char *const expected[] = {"a.csv", "a.5.csv", "a.5.2.csv", "a.5.3.csv"};
    struct scene *scene = *state;

    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct inbox_identity file;
        struct inbox_place place;

        put(scene, "a.csv", expected[i]);
        file = identity_at(scene, "a.csv");
        place = place_of(scene, "a.csv", "done", 5, &file);
        assert_found(&place, expected[i], INBOX_WAITING);
        assert_moves(&place, INBOX_MOVE_DONE);
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
    struct inbox_identity file = {0};
    struct inbox_place place;

    mkdir(at(scene, "refused"), 0700);
    put(scene, "refused/a.csv", "old");
    put(scene, "a.csv", "new");
    file = identity_at(scene, "a.csv");
    place = place_of(scene, "a.csv", "refused", 0, &file);
    assert_moves(&place, INBOX_MOVE_DONE);
    assert_holds(scene, "refused/a.csv", "old");
    assert_holds(scene, "refused/a.2.csv", "new");
}

static void another_file_under_the_old_name_stays(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file = {0};
    struct inbox_place place;

    put(scene, "a.csv", "one");
    file = identity_at(scene, "a.csv");
    place = place_of(scene, "a.csv", "done", 5, &file);
    put(scene, "a.csv.new", "two");
    assert_int_equal(rename(at(scene, "a.csv.new"), at(scene, "a.csv")), 0);
    assert_found(&place, "a.csv", INBOX_GONE);
    assert_moves(&place, INBOX_MOVE_LATE);
    assert_holds(scene, "a.csv", "two");
}

static void a_file_that_was_changed_since_stays(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file = {0};
    struct inbox_place place;

    put(scene, "a.csv", "one");
    file = identity_at(scene, "a.csv");
    place = place_of(scene, "a.csv", "done", 5, &file);
    put(scene, "a.csv", "one and more");
    assert_moves(&place, INBOX_MOVE_LATE);
    assert_holds(scene, "a.csv", "one and more");
}

static void a_move_by_link_that_was_interrupted_is_completed(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file = {0};
    struct inbox_place place;

    put(scene, "a.csv", "one");
    mkdir(at(scene, "done"), 0700);
    assert_int_equal(link(at(scene, "a.csv"), at(scene, "done/a.csv")), 0);
    file = identity_at(scene, "a.csv");
    place = place_of(scene, "a.csv", "done", 5, &file);
    assert_found(&place, "a.csv", INBOX_WAITING);
    assert_moves(&place, INBOX_MOVE_DONE);
    assert_missing(scene, "a.csv");
    assert_holds(scene, "done/a.csv", "one");
    assert_int_equal(names_in(scene, "done"), 1);
}

static void a_link_in_place_of_done_is_not_followed(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file = {0};
    struct inbox_place place;
    struct err err = {0};
    char expected[256];
    char name[INBOX_NAME_SIZE];
    enum inbox_move end;

    put(scene, "a.csv", "one");
    mkdir(at(scene, "elsewhere"), 0700);
    assert_int_equal(symlink("elsewhere", at(scene, "done")), 0);
    file = identity_at(scene, "a.csv");
    place = place_of(scene, "a.csv", "done", 5, &file);
    assert_false(inbox_place_move(&place, name, &end, &err));
    snprintf(expected, sizeof expected,
             "cannot use %s/done, which must be a folder: Not a directory", scene->folder);
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.text, expected);
    assert_holds(scene, "a.csv", "one");
    assert_int_equal(names_in(scene, "elsewhere"), 0);
}

static void a_name_of_255_bytes_keeps_its_ending(void **state)
{
    struct scene *scene = *state;
    char name[256], filed[INBOX_NAME_SIZE];
    enum inbox_whereabouts where;
    struct inbox_identity file = {0};
    struct inbox_place place;
    struct err err = {0};

    memset(name, 'n', sizeof name);
    memcpy(name + 243,
           "\xE2\x82\xAC"
           "ended.csv",
           12); /* a code point that a cut would divide */
    name[255] = '\0';
    mkdir(at(scene, "done"), 0700);
    put(scene, name, "one");
    file = identity_at(scene, name);
    place = place_of(scene, name, "done", 123456, &file);
    assert_moves(&place, INBOX_MOVE_DONE);
    assert_true(inbox_place_find(&place, filed, &where, &err));
    assert_string_equal(filed, name);
    put(scene, name, "two");
    file = identity_at(scene, name);
    assert_true(inbox_place_find(&place, filed, &where, &err));
    assert_int_equal(strlen(filed), 243 + strlen(".123456.csv"));
    assert_string_equal(filed + 242, "n.123456.csv");
    assert_moves(&place, INBOX_MOVE_DONE);
}

/* --- changes during the move --- */

static void assert_goes_back(struct scene *scene, void (*what)(const struct scene *scene),
                             const char *text)
{
    struct inbox_identity file;
    struct inbox_place place;

    put(scene, "a.csv", "one");
    file = identity_at(scene, "a.csv");
    place = place_of(scene, "a.csv", "done", 5, &file);
    meanwhile = what;
    meanwhile_scene = scene;
    assert_moves(&place, INBOX_MOVE_LATE);
    assert_holds(scene, "a.csv", text);
    assert_int_equal(names_in(scene, "done"), 0);
}

static void a_file_that_was_replaced_while_it_was_moved_goes_back(void **state)
{
    assert_goes_back(*state, replace_it, "two");
}

static void a_file_that_grew_while_it_was_moved_goes_back(void **state)
{
    assert_goes_back(*state, append_to_it, "one, two");
}

static void a_file_that_was_opened_for_writing_while_it_was_moved_goes_back(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file;
    struct inbox_place place;
    int fd;

    put(scene, "a.csv", "one");
    file = identity_at(scene, "a.csv");
    if (writers_look(AT_FDCWD, at(scene, "a.csv")) == WRITERS_UNSEEN)
        skip();
    place = place_of(scene, "a.csv", "done", 5, &file);
    meanwhile = open_it;
    meanwhile_scene = scene;
    assert_moves(&place, INBOX_MOVE_BUSY);
    assert_holds(scene, "a.csv", "one");
    assert_found(&place, "a.csv", INBOX_WRITTEN);
    assert_moves(&place, INBOX_MOVE_BUSY);
    close(held_fd);
    assert_moves(&place, INBOX_MOVE_DONE);
    fd = open(at(scene, "done/a.csv"), O_RDONLY);
    assert_true(fd >= 0);
    close(fd);
}

static void what_cannot_go_back_is_named(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file;
    struct inbox_place place;

    put(scene, "a.csv", "one");
    file = identity_at(scene, "a.csv");
    place = place_of(scene, "a.csv", "done", 5, &file);
    meanwhile = replace_it;
    afterwards = put_another;
    meanwhile_scene = scene;
    assert_moves(&place, INBOX_MOVE_LOST);
    assert_holds(scene, "a.csv", "three");
    assert_holds(scene, "done/a.csv", "two");
}

/* --- sub-folders --- */

static void a_file_of_a_sub_folder_moves_to_the_folder_of_the_inbox(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file = {0};
    struct inbox_place place;

    mkdir(at(scene, "Item"), 0700);
    put(scene, "a.csv", "another");
    put(scene, "Item/a.csv", "one");
    file = identity_at(scene, "Item/a.csv");
    place = place_of(scene, "a.csv", "done", 5, &file);
    assert_found(&place, "a.csv", INBOX_GONE);
    place.from = "Item";
    assert_found(&place, "a.csv", INBOX_WAITING);
    assert_moves(&place, INBOX_MOVE_DONE);
    assert_found(&place, "a.csv", INBOX_MOVED);
    assert_holds(scene, "done/a.csv", "one");
    assert_holds(scene, "a.csv", "another");
    assert_int_equal(rmdir(at(scene, "Item")), 0);
    assert_found(&place, "a.csv", INBOX_MOVED);
    assert_moves(&place, INBOX_MOVE_DONE);
}

static void a_link_in_place_of_a_sub_folder_is_not_followed(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file = {0};
    struct inbox_place place;
    struct err err = {0};
    char expected[256];
    char name[INBOX_NAME_SIZE];
    enum inbox_move end;

    mkdir(at(scene, "elsewhere"), 0700);
    put(scene, "elsewhere/a.csv", "one");
    assert_int_equal(symlink("elsewhere", at(scene, "Item")), 0);
    file = identity_at(scene, "elsewhere/a.csv");
    place = place_of(scene, "a.csv", "done", 5, &file);
    place.from = "Item";
    assert_false(inbox_place_move(&place, name, &end, &err));
    snprintf(expected, sizeof expected, "cannot open folder %s/Item: Not a directory",
             scene->folder);
    assert_string_equal(err.text, expected);
}

/* --- file systems --- */

static void without_rename_noreplace_a_link_is_made(void **state)
{
    static const int faults[] = {EINVAL, ENOSYS};
    struct scene *scene = *state;
    struct inbox_identity file = {0};
    struct inbox_place place;

    for (int i = 0; i < 2; i++) {
        rename_fault = faults[i];
        put(scene, "a.csv", i == 0 ? "one" : "two");
        file = identity_at(scene, "a.csv");
        place = place_of(scene, "a.csv", "done", 5, &file);
        assert_moves(&place, INBOX_MOVE_DONE);
        assert_missing(scene, "a.csv");
    }
    rename_fault = 0;
    assert_holds(scene, "done/a.csv", "one");
    assert_holds(scene, "done/a.5.csv", "two");
    assert_int_equal(names_in(scene, "done"), 2);
}

static void a_file_that_cannot_be_moved_stays_and_the_error_says_what_to_do(void **state)
{
    static const struct {
        int fault;
        const char *text;
    } cases[] = {
        {EACCES, "Permission denied: let this user write in both folders"},
        {EPERM, "Operation not permitted: only its owner can move a file out of a sticky "
                "folder: remove the sticky bit of the folder, or let this user own it"},
        {EXDEV, "Invalid cross-device link: they are different file systems: move the file by "
                "hand, and mount nothing below the inbox"},
        {EIO, "Input/output error"},
    };
    struct scene *scene = *state;
    struct inbox_identity file = {0};
    struct inbox_place place;

    mkdir(at(scene, "Item"), 0700);
    put(scene, "Item/a.csv", "one");
    file = identity_at(scene, "Item/a.csv");
    place = place_of(scene, "a.csv", "done", 5, &file);
    place.from = "Item";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        char expected[512];
        char name[INBOX_NAME_SIZE];
        enum inbox_move end;

        rename_fault = cases[i].fault;
        assert_false(inbox_place_move(&place, name, &end, &err));
        rename_fault = 0;
        snprintf(expected, sizeof expected, "cannot move %s/Item/a.csv to %s/done/a.csv: %s",
                 scene->folder, scene->folder, cases[i].text);
        assert_int_equal(err.kind, ERR_CONFIG);
        assert_string_equal(err.text, expected);
        assert_found(&place, "a.csv", INBOX_WAITING);
    }
}

/* --- deletion --- */

static void assert_deletes(const struct scene *scene, const char *name,
                           const struct inbox_identity *file, bool rehearsed,
                           enum inbox_deletion expected, const char *expected_name)
{
    char found[INBOX_NAME_SIZE];
    enum inbox_deletion end;
    struct err err = {0};

    if (!inbox_filed_delete(at(scene, "done"), name, file, rehearsed, found, &end, &err))
        fail_msg("%s", err.text);
    assert_int_equal(end, expected);
    assert_string_equal(found, expected_name);
}

static void a_file_is_deleted_under_any_name(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file;

    mkdir(at(scene, "done"), 0700);
    put(scene, "done/a.csv", "one");
    file = identity_at(scene, "done/a.csv");
    assert_int_equal(rename(at(scene, "done/a.csv"), at(scene, "done/old.csv")), 0);
    put(scene, "done/a.csv", "another");
    assert_deletes(scene, "a.csv", &file, true, INBOX_DELETED, "old.csv");
    assert_int_equal(names_in(scene, "done"), 2);
    assert_deletes(scene, NULL, &file, false, INBOX_DELETED, "old.csv");
    assert_holds(scene, "done/a.csv", "another");
    assert_int_equal(names_in(scene, "done"), 1);
    assert_deletes(scene, "a.csv", &file, false, INBOX_CHANGED, "a.csv");
    assert_deletes(scene, NULL, &file, false, INBOX_MISSING, "");
    assert_holds(scene, "done/a.csv", "another");
}

static void a_file_that_was_changed_is_not_deleted(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file;

    mkdir(at(scene, "done"), 0700);
    put(scene, "done/a.csv", "one");
    file = identity_at(scene, "done/a.csv");
    put(scene, "done/a.csv", "changed");
    assert_deletes(scene, "a.csv", &file, false, INBOX_CHANGED, "a.csv");
    assert_holds(scene, "done/a.csv", "changed");
}

static void a_missing_folder_is_not_created_for_a_deletion(void **state)
{
    const struct inbox_identity file = {1, 2, 3, 4};

    assert_deletes(*state, "a.csv", &file, false, INBOX_MISSING, "a.csv");
    assert_missing(*state, "done");
}

static void a_deletion_follows_no_link(void **state)
{
    struct scene *scene = *state;
    char found[INBOX_NAME_SIZE], expected[600];
    struct inbox_identity file;
    enum inbox_deletion end;
    struct err err = {0};

    mkdir(at(scene, "elsewhere"), 0700);
    put(scene, "elsewhere/a.csv", "one");
    file = identity_at(scene, "elsewhere/a.csv");
    assert_int_equal(symlink("elsewhere", at(scene, "done")), 0);
    assert_false(inbox_filed_delete(at(scene, "done"), "a.csv", &file, false, found, &end, &err));
    snprintf(expected, sizeof expected, "cannot read %s/done: Not a directory", scene->folder);
    assert_string_equal(err.text, expected);
    assert_int_equal(unlink(at(scene, "done")), 0);
    mkdir(at(scene, "done"), 0700);
    assert_int_equal(symlink("../elsewhere/a.csv", at(scene, "done/a.csv")), 0);
    assert_deletes(scene, "a.csv", &file, false, INBOX_CHANGED, "a.csv");
    assert_holds(scene, "elsewhere/a.csv", "one");
}

static void a_name_keeps_its_ending(void **state)
{
    static const char *const names[][2] = {
        {"x.csv", "x.5.csv"},
        {"x.csv.gz", "x.5.csv.gz"},
        {"x.y.NDJSON", "x.y.5.NDJSON"},
        {"x.csv.GZ", "x.5.csv.GZ"},
        {"x", "x.5"},
        {"x.gz", "x.5.gz"},
        {"a b.tsv", "a b.5.tsv"},
        {"x.", "x.5."},
        {".csv", ".csv.5"},
        {"x.jsonl.gz", "x.5.jsonl.gz"},
    };
    struct scene *scene = *state;

    mkdir(at(scene, "done"), 0700);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char taken[64];
        struct inbox_identity file;
        struct inbox_place place;

        snprintf(taken, sizeof taken, "done/%s", names[i][0]);
        put(scene, taken, "another");
        put(scene, names[i][0], "one");
        file = identity_at(scene, names[i][0]);
        place = place_of(scene, names[i][0], "done", 5, &file);
        assert_found(&place, names[i][1], INBOX_WAITING);
    }
}

/* Gives another file 10000 names: `first`, then those of the batch and a number. */
static void take_names(const struct scene *scene, const char *first, const char *stem,
                       const char *ending)
{
    char name[64];

    put(scene, "done/.other", "other");
    assert_int_equal(link(at(scene, "done/.other"), at(scene, first)), 0);
    for (int n = 1; n < 10000; n++) {
        if (n == 1)
            snprintf(name, sizeof name, "done/%s.5%s", stem, ending);
        else
            snprintf(name, sizeof name, "done/%s.5.%d%s", stem, n, ending);
        assert_int_equal(link(at(scene, "done/.other"), at(scene, name)), 0);
    }
}

static void when_every_name_is_taken_the_file_stays(void **state)
{
    struct scene *scene = *state;
    char name[INBOX_NAME_SIZE], expected[256], text[] = "text";
    const struct inbox_sheet sheet = {".errors.tsv", write_text, NULL, NULL, text};
    struct inbox_identity file = {0};
    struct inbox_place place;
    enum inbox_move end;
    struct err err = {0};

    mkdir(at(scene, "done"), 0700);
    take_names(scene, "done/a.csv", "a", ".csv");
    put(scene, "a.csv", "one");
    file = identity_at(scene, "a.csv");
    place = place_of(scene, "a.csv", "done", 5, &file);
    assert_false(inbox_place_move(&place, name, &end, &err));
    snprintf(expected, sizeof expected, "too many files named a.csv in %s/done: remove some",
             scene->folder);
    assert_string_equal(err.text, expected);
    assert_holds(scene, "a.csv", "one");
    take_names(scene, "done/a.csv.errors.tsv", "a.csv", ".errors.tsv");
    err = (struct err){0};
    assert_false(inbox_place_write(&place, "a.csv", &sheet, name, &err));
    assert_string_equal(err.text, expected);
}

/* The kernel knows the writers of files of this user, in a folder of this user. */
static void whose_writers_are_seen(void **state)
{
    struct scene *scene = *state;

    if (geteuid() != 0)
        skip();
    assert_true(writers_seen_in(scene->folder));
    assert_false(writers_seen_in(at(scene, "missing")));
    assert_int_equal(chown(scene->folder, 65534, 65534), 0);
    put(scene, "a.csv", "one");
    assert_int_equal(chown(at(scene, "a.csv"), 65534, 65534), 0);
    mkdir(at(scene, "done"), 0700);
    assert_int_equal(seteuid(65534), 0);
    assert_true(writers_seen_in(scene->folder));
    assert_int_equal(seteuid(0), 0);
    put(scene, "b.csv", "two");
    assert_int_equal(seteuid(65534), 0);
    assert_false(writers_seen_in(scene->folder));
    assert_int_equal(seteuid(0), 0);
    unlink(at(scene, "b.csv"));
    assert_int_equal(chown(scene->folder, 0, 65534), 0);
    assert_int_equal(chmod(scene->folder, 0750), 0);
    assert_int_equal(setegid(65534), 0);
    assert_int_equal(seteuid(65534), 0);
    assert_false(writers_seen_in(scene->folder));
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(setegid(0), 0);
}

static void files_are_the_same_by_device_inode_size_and_time(void **state)
{
    const struct inbox_identity file = {1, 2, 3, 4},
                                others[] = {{9, 2, 3, 4}, {1, 9, 3, 4}, {1, 2, 9, 4}, {1, 2, 3, 9}};

    (void)state;
    assert_true(inbox_identity_equal(&file, &file));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(inbox_identity_equal(&file, &others[i]));
}

static void a_path_is_cut_into_inbox_and_name(void **state)
{
    char plain[] = "/in/box/a.csv", below[] = "/in/box/Item/a.csv", root[] = "/a.csv";

    (void)state;
    assert_string_equal(inbox_cut_name(plain, false), "a.csv");
    assert_string_equal(plain, "/in/box");
    assert_string_equal(inbox_cut_name(below, true), "Item/a.csv");
    assert_string_equal(below, "/in/box");
    assert_string_equal(inbox_cut_name(root, false), "a.csv");
    assert_string_equal(root, "");
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
        SCENE_TEST(a_move_by_link_that_was_interrupted_is_completed),
        SCENE_TEST(a_link_in_place_of_done_is_not_followed),
        SCENE_TEST(a_name_of_255_bytes_keeps_its_ending),
        SCENE_TEST(a_file_that_was_replaced_while_it_was_moved_goes_back),
        SCENE_TEST(a_file_that_grew_while_it_was_moved_goes_back),
        SCENE_TEST(a_file_that_was_opened_for_writing_while_it_was_moved_goes_back),
        SCENE_TEST(what_cannot_go_back_is_named),
        SCENE_TEST(a_name_keeps_its_ending),
        SCENE_TEST(a_file_is_deleted_under_any_name),
        SCENE_TEST(a_file_that_was_changed_is_not_deleted),
        SCENE_TEST(a_missing_folder_is_not_created_for_a_deletion),
        SCENE_TEST(a_deletion_follows_no_link),
        SCENE_TEST(a_file_of_a_sub_folder_moves_to_the_folder_of_the_inbox),
        SCENE_TEST(a_link_in_place_of_a_sub_folder_is_not_followed),
        SCENE_TEST(without_rename_noreplace_a_link_is_made),
        SCENE_TEST(a_file_that_cannot_be_moved_stays_and_the_error_says_what_to_do),
        SCENE_TEST(when_every_name_is_taken_the_file_stays),
        SCENE_TEST(whose_writers_are_seen),
        SCENE_TEST(files_are_the_same_by_device_inode_size_and_time),
        SCENE_TEST(a_path_is_cut_into_inbox_and_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
