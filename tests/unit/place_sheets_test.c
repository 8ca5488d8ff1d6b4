/* Sheets that are written next to files of an inbox, and who can read them. */
#include "tests/unit/place_scene.h"

/* --- sheets --- */

static bool ours = true;

static bool is_ours(void *context, const char *name, const struct inbox_identity *file,
                    bool *replaced, struct err *err)
{
    (void)context;
    (void)name;
    (void)file;
    (void)err;
    *replaced = ours;
    return true;
}

static bool write_sheet(const struct inbox_place *place, const char *suffix, char *text,
                        struct err *err)
{
    const struct inbox_sheet sheet = {suffix, write_text, is_ours, NULL, text};
    char name[INBOX_NAME_SIZE];

    return inbox_place_write(place, "a.csv", &sheet, name, err);
}

static void a_sheet_replaces_an_older_one(void **state)
{
    struct scene *scene = *state;
    const struct inbox_identity gone = {0};
    struct inbox_place place = place_of(scene, "a.csv", "done", 5, &gone);
    struct err err = {0};
    char first[] = "first", second[] = "2nd";
    struct stat status;

    assert_true(write_sheet(&place, ".errors.tsv", first, &err));
    assert_holds(scene, "done/a.csv.errors.tsv", "first");
    assert_true(write_sheet(&place, ".errors.tsv", second, &err));
    assert_holds(scene, "done/a.csv.errors.tsv", "2nd");
    assert_int_equal(stat(at(scene, "done/a.csv.errors.tsv"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(names_in(scene, "done"), 1);
}

static void an_unfinished_sheet_of_a_crash_is_removed(void **state)
{
    struct scene *scene = *state;
    const struct inbox_identity gone = {0};
    struct inbox_place place = place_of(scene, "a.csv", "done", 5, &gone);
    struct err err = {0};
    char text[] = "text";

    mkdir(at(scene, "done"), 0700);
    put(scene, "done/.rowferry.tmp", "half of an older one");
    assert_true(write_sheet(&place, ".errors.tsv", text, &err));
    assert_holds(scene, "done/a.csv.errors.tsv", "text");
    assert_int_equal(names_in(scene, "done"), 1);
}

static void a_sheet_that_fails_leaves_the_older_one(void **state)
{
    struct scene *scene = *state;
    const struct inbox_identity gone = {0};
    struct inbox_place place = place_of(scene, "a.csv", "done", 5, &gone);
    struct err err = {0};
    char text[] = "text", expected[256];

    assert_true(write_sheet(&place, ".errors.tsv", text, &err));
    assert_false(write_sheet(&place, ".errors.tsv", NULL, &err));
    snprintf(expected, sizeof expected,
             "cannot write %s/done/a.csv.errors.tsv: No space left on device", scene->folder);
    assert_string_equal(err.text, expected);
    assert_holds(scene, "done/a.csv.errors.tsv", "text");
    assert_int_equal(names_in(scene, "done"), 1);
}

static void assert_sheet(const struct inbox_place *place, const char *filed, const char *suffix,
                         size_t size, const char *end)
{
    char text[] = "text", name[INBOX_NAME_SIZE];
    const struct inbox_sheet sheet = {suffix, write_text, NULL, NULL, text};
    struct err err = {0};

    if (!inbox_place_write(place, filed, &sheet, name, &err))
        fail_msg("%s", err.text);
    assert_int_equal(strlen(name), size);
    assert_string_equal(name + size - strlen(end), end);
}

static void sheets_of_long_names_have_their_batch(void **state)
{
    const struct inbox_identity file = {0};
    struct inbox_place place = place_of(*state, NULL, "done", 5, &file);
    char name[256];

    memset(name, 'n', sizeof name);
    name[241] = '\0';
    place.name = name;
    assert_sheet(&place, name, ".rejected.csv", 254, "n.rejected.csv");
    name[241] = 'n';
    name[255] = '\0';
    assert_sheet(&place, name, ".rejected.csv", 255, "n.5.rejected.csv");
    place.batch_id = 0; /* of a file that is refused before it has a batch */
    assert_sheet(&place, name, ".error.txt", 255, "n.error.txt");
}

static void no_sheet_replaces_a_file_of_somebody_else(void **state)
{
    struct scene *scene = *state;
    const struct inbox_identity gone = {0};
    struct inbox_place place = place_of(scene, "a.csv", "done", 5, &gone);
    char text[] = "text";
    struct err err = {0};

    mkdir(at(scene, "done"), 0700);
    put(scene, "done/a.csv.rejected.csv", "another's");
    put(scene, "done/a.csv.5.rejected.csv", "another's");
    ours = false;
    assert_true(write_sheet(&place, ".rejected.csv", text, &err));
    ours = true;
    assert_holds(scene, "done/a.csv.rejected.csv", "another's");
    assert_holds(scene, "done/a.csv.5.rejected.csv", "another's");
    assert_holds(scene, "done/a.csv.5.2.rejected.csv", "text");
}

/* --- permissions --- */

static void assert_like(const struct scene *scene, const char *name, mode_t mode, uid_t user,
                        gid_t group)
{
    struct stat status;

    assert_int_equal(stat(at(scene, name), &status), 0);
    assert_int_equal(status.st_mode & 07777, mode);
    assert_int_equal(status.st_uid, user);
    assert_int_equal(status.st_gid, group);
}

static void users_of_the_inbox_can_use_folders_made_in_it(void **state)
{
    static const mode_t modes[] = {0755, 0750, 02770, 01777, 0700};
    struct scene *scene = *state;
    struct inbox_identity file = {0};
    struct inbox_place place = place_of(scene, "a.csv", "done", 5, &file);
    gid_t group = getuid() == 0 ? 12345 : getgid();
    uid_t user = getuid() == 0 ? 12346 : getuid();
    mode_t mask = umask(077);

    assert_int_equal(chown(scene->folder, user, group), 0);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(chmod(scene->folder, modes[i]), 0);
        put(scene, "a.csv", "one");
        file = identity_at(scene, "a.csv");
        assert_moves(&place, INBOX_MOVE_DONE);
        assert_like(scene, "done", modes[i], user, group);
        unlink(at(scene, "done/a.csv"));
        assert_int_equal(rmdir(at(scene, "done")), 0);
    }
    umask(mask);
}

static void a_half_made_folder_of_a_crash_is_used(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file = {0};
    struct inbox_place place = place_of(scene, "a.csv", "done", 5, &file);

    assert_int_equal(chmod(scene->folder, 0755), 0);
    mkdir(at(scene, ".rowferry.new"), 0700);
    put(scene, "a.csv", "one");
    file = identity_at(scene, "a.csv");
    assert_moves(&place, INBOX_MOVE_DONE);
    assert_missing(scene, ".rowferry.new");
    assert_like(scene, "done", 0755, getuid(), getgid());
}

static void an_existing_folder_is_not_changed(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file = {0};
    struct inbox_place place = place_of(scene, "a.csv", "done", 5, &file);

    assert_int_equal(chmod(scene->folder, 0777), 0);
    mkdir(at(scene, "done"), 0700);
    put(scene, "a.csv", "one");
    file = identity_at(scene, "a.csv");
    assert_moves(&place, INBOX_MOVE_DONE);
    assert_like(scene, "done", 0700, getuid(), getgid());
}

static void readers_of_a_file_can_read_its_sheets(void **state)
{
    static const mode_t modes[][2] = {{0644, 0644}, {0640, 0640}, {0664, 0644}, {0777, 0644},
                                      {0604, 0604}, {0600, 0600}, {0440, 0640}};
    struct scene *scene = *state;
    struct inbox_identity file = {0};
    struct inbox_place place = place_of(scene, "a.csv", "done", 5, &file);
    gid_t group = getuid() == 0 ? 12345 : getgid();
    uid_t user = getuid() == 0 ? 12346 : getuid();
    char text[] = "text";
    struct err err = {0};

    put(scene, "a.csv", "one");
    assert_int_equal(chown(at(scene, "a.csv"), user, group), 0);
    file = identity_at(scene, "a.csv");
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(chmod(at(scene, "a.csv"), modes[i][0]), 0);
        assert_true(write_sheet(&place, ".errors.tsv", text, &err));
        assert_like(scene, "done/a.csv.errors.tsv", modes[i][1], user, group);
    }
    assert_int_equal(chmod(at(scene, "a.csv"), 0644), 0);
    assert_moves(&place, INBOX_MOVE_DONE);
    assert_true(write_sheet(&place, ".late", text, &err));
    assert_like(scene, "done/a.csv.late", 0644, user, group);
    unlink(at(scene, "done/a.csv"));
    assert_true(write_sheet(&place, ".later", text, &err));
    assert_like(scene, "done/a.csv.later", 0600, getuid(), getgid());
}

/* Writes a sheet as a user who is not in the group of the file. */
static void write_as_nobody(const struct scene *scene)
{
    static const mode_t modes[] = {0644, 0640, 0604, 0600};
    struct inbox_identity file = {0};
    struct inbox_place place = place_of(scene, "a.csv", "done", 5, &file);
    char text[] = "text";
    struct err err = {0};

    file = identity_at(scene, "a.csv");
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        char name[16];

        snprintf(name, sizeof name, ".%o", (unsigned)modes[i]);
        if (seteuid(0) != 0 || chmod(at(scene, "a.csv"), modes[i]) != 0 || seteuid(12346) != 0 ||
            !write_sheet(&place, name, text, &err))
            _exit(1);
    }
    _exit(0);
}

static void if_the_group_cannot_be_set_nobody_can_read_more(void **state)
{
    struct scene *scene = *state;
    pid_t child;
    int status;

    if (getuid() != 0)
        skip();
    put(scene, "a.csv", "one");
    assert_int_equal(chown(at(scene, "a.csv"), 1, 1), 0);
    assert_int_equal(chown(scene->folder, 1, 1), 0);
    assert_int_equal(chmod(scene->folder, 0757), 0);
    child = fork();
    if (child == 0) {
        if (setgroups(0, NULL) != 0 || setegid(12345) != 0 || seteuid(12346) != 0)
            _exit(2);
        write_as_nobody(scene);
    }
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_like(scene, "done", 0755, 12346, 12345);
    assert_like(scene, "done/a.csv.644", 0644, 12346, 12345);
    assert_like(scene, "done/a.csv.640", 0600, 12346, 12345);
    assert_like(scene, "done/a.csv.604", 0600, 12346, 12345);
    assert_like(scene, "done/a.csv.600", 0600, 12346, 12345);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(a_sheet_replaces_an_older_one),
        SCENE_TEST(an_unfinished_sheet_of_a_crash_is_removed),
        SCENE_TEST(a_sheet_that_fails_leaves_the_older_one),
        SCENE_TEST(no_sheet_replaces_a_file_of_somebody_else),
        SCENE_TEST(sheets_of_long_names_have_their_batch),
        SCENE_TEST(users_of_the_inbox_can_use_folders_made_in_it),
        SCENE_TEST(a_half_made_folder_of_a_crash_is_used),
        SCENE_TEST(an_existing_folder_is_not_changed),
        SCENE_TEST(readers_of_a_file_can_read_its_sheets),
        SCENE_TEST(if_the_group_cannot_be_set_nobody_can_read_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
