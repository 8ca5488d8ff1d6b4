#include "core/inbox/inbox.h"

#include "core/base/err.h"
#include "tests/unit/scene.h"

/* Returns the error without the path of the folder, and the advice; or `N waiting`. */
static const char *said_of(struct scene *scene, const char *folder)
{
    const char *advice = NULL, *text;
    struct err err = {0};
    size_t waiting = 0;

    if (inbox_usable(folder, NULL, &waiting, &advice, &err)) {
        snprintf(scene->said, sizeof scene->said, "%zu waiting", waiting);
        return scene->said;
    }
    assert_int_equal(err.kind, ERR_CONFIG);
    text = strncmp(err.text, scene->folder, strlen(scene->folder)) == 0
               ? err.text + strlen(scene->folder)
               : err.text;
    snprintf(scene->said, sizeof scene->said, "%s -> %s", text, advice);
    return scene->said;
}

static void waiting_files_are_counted_and_nothing_is_created(void **state)
{
    struct scene *scene = *state;

    assert_string_equal(said_of(scene, scene->folder), "0 waiting");
    put(scene, "a.csv", "");
    put(scene, "b.csv", "");
    put(scene, "c.csv.part", "");
    assert_string_equal(said_of(scene, scene->folder), "2 waiting");
    assert_int_equal(access(at(scene, "done"), F_OK), -1);
}

static void what_is_not_a_folder_is_reported(void **state)
{
    struct scene *scene = *state;

    put(scene, "a.csv", "");
    assert_string_equal(said_of(scene, at(scene, "a.csv")),
                        "/a.csv: Not a directory -> name a folder: rowferry doctor FOLDER");
    assert_string_equal(
        said_of(scene, at(scene, "none")),
        "/none: No such file or directory -> name a folder: rowferry doctor FOLDER");
}

static void done_and_refused_must_be_folders_not_links(void **state)
{
    struct scene *scene = *state;

    mkdir(at(scene, "done"), 0700);
    assert_string_equal(said_of(scene, scene->folder), "0 waiting");
    assert_int_equal(symlink("done", at(scene, "refused")), 0);
    assert_string_equal(
        said_of(scene, scene->folder),
        "/refused is not a folder -> rename it: `rowferry run` makes the folder itself");
}

/* As a user who is not root and owns none of it. */
static void missing_rights_are_reported(void **state)
{
    static const struct {
        mode_t folder, done, file;
        const char *said;
    } rows[] = {
        {0777, 0777, 0644, "1 waiting"},
        {0755, 0777, 0644,
         ": Permission denied -> give the user who runs rowferry the right to read, write and "
         "enter it (chown, chmod)"},
        {0777, 0755, 0644,
         "/done: Permission denied -> give the user who runs rowferry the right to read, write and "
         "enter it (chown, chmod)"},
        {0777, 0777, 0600,
         "/a.csv: Permission denied -> give the user who runs rowferry the right to read it "
         "(chown, chmod)"},
        {01777, 0777, 0644,
         " is sticky: a.csv, of another user, cannot be moved to done/ -> remove the sticky bit of "
         "the folder (chmod -t), or give the folder to this user"},
    };
    struct scene *scene = *state;

    if (geteuid() != 0)
        skip();
    put(scene, "a.csv", "");
    mkdir(at(scene, "done"), 0700);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(chmod(at(scene, "a.csv"), rows[i].file), 0);
        assert_int_equal(chmod(at(scene, "done"), rows[i].done), 0);
        assert_int_equal(chmod(scene->folder, rows[i].folder), 0);
        assert_int_equal(seteuid(65534), 0);
        said_of(scene, scene->folder);
        assert_int_equal(seteuid(0), 0);
        assert_string_equal(scene->said, rows[i].said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(waiting_files_are_counted_and_nothing_is_created),
        SCENE_TEST(what_is_not_a_folder_is_reported),
        SCENE_TEST(done_and_refused_must_be_folders_not_links),
        SCENE_TEST(missing_rights_are_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
