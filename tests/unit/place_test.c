#include "core/inbox/place.h"

#include "tests/unit/scene.h"

#include <errno.h>
#include <grp.h>
#include <sys/syscall.h>

/* What renameat2 says instead of doing anything; 0: nothing. */
static int rename_fault;

/* In the place of the C library's, for the programs of this test. */
int renameat2(int from, const char *name, int to, const char *target, unsigned flags)
{
    if (!rename_fault)
        return (int)syscall(SYS_renameat2, from, name, to, target, flags);
    errno = rename_fault;
    return -1;
}

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
    struct inbox_identity file = {0};
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
    struct inbox_identity file = {0};
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
    struct inbox_identity file = {0};
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
    struct inbox_identity file = {0};
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
    struct inbox_identity file = {0};
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
    struct inbox_identity file = {0};
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
    struct inbox_identity file = {0};
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
    struct inbox_identity file = {0};
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
    const struct inbox_identity gone = {0};
    struct inbox_place place = place_of(scene, "a.csv", "done", 5, &gone);
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
    const struct inbox_identity gone = {0};
    struct inbox_place place = place_of(scene, "a.csv", "done", 5, &gone);
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
    const struct inbox_identity gone = {0};
    struct inbox_place place = place_of(scene, "a.csv", "done", 5, &gone);
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

static void sheets_of_long_names_are_told_apart_by_their_batch(void **state)
{
    const struct inbox_identity file = {0};
    struct inbox_place place = place_of(*state, NULL, "done", 5, &file);
    char name[256], sheet[INBOX_NAME_SIZE];

    memset(name, 'n', sizeof name);
    name[241] = '\0';
    place.name = name;
    inbox_place_sheet(&place, name, ".rejected.csv", sheet);
    assert_int_equal(strlen(sheet), 254);
    assert_string_equal(sheet + 240, "n.rejected.csv");
    name[241] = 'n';
    name[255] = '\0';
    inbox_place_sheet(&place, name, ".rejected.csv", sheet);
    assert_int_equal(strlen(sheet), 255);
    assert_string_equal(sheet + 239, "n.5.rejected.csv");
    place.batch_id = 0; /* of a file that is refused before it is a batch */
    inbox_place_sheet(&place, name, ".error.txt", sheet);
    assert_string_equal(sheet + 244, "n.error.txt");
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
    assert_moves(&place, true);
    assert_found(&place, "a.csv", INBOX_MOVED);
    assert_holds(scene, "done/a.csv", "one");
    assert_holds(scene, "a.csv", "another");
    assert_int_equal(rmdir(at(scene, "Item")), 0);
    assert_found(&place, "a.csv", INBOX_MOVED);
    assert_moves(&place, false);
}

static void a_link_in_place_of_a_sub_folder_is_not_followed(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file = {0};
    struct inbox_place place;
    struct err err = {0};
    char expected[256];
    bool moved;

    mkdir(at(scene, "elsewhere"), 0700);
    put(scene, "elsewhere/a.csv", "one");
    assert_int_equal(symlink("elsewhere", at(scene, "Item")), 0);
    file = identity_at(scene, "elsewhere/a.csv");
    place = place_of(scene, "a.csv", "done", 5, &file);
    place.from = "Item";
    assert_false(inbox_place_move(&place, &moved, &err));
    snprintf(expected, sizeof expected, "cannot open folder %s/Item: Not a directory",
             scene->folder);
    assert_string_equal(err.text, expected);
}

/* --- file systems --- */

static void without_a_rename_that_replaces_nothing_a_link_is_made(void **state)
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
        assert_moves(&place, true);
        assert_missing(scene, "a.csv");
    }
    rename_fault = 0;
    assert_holds(scene, "done/a.csv", "one");
    assert_holds(scene, "done/a.csv.5", "two");
    assert_int_equal(names_in(scene, "done"), 2);
}

static void a_file_that_cannot_be_moved_stays_and_the_error_says_what_to_do(void **state)
{
    static const struct {
        int fault;
        const char *text;
    } cases[] = {
        {EACCES, "Permission denied: let this user write in both folders"},
        {EPERM, "Operation not permitted: this user may not take a file of another out of a sticky "
                "folder: take the sticky bit off the folder, or let this user own it"},
        {EXDEV, "Invalid cross-device link: they are different file systems: move the file by "
                "hand, and put no mount below the inbox"},
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
        bool moved;

        rename_fault = cases[i].fault;
        assert_false(inbox_place_move(&place, &moved, &err));
        rename_fault = 0;
        snprintf(expected, sizeof expected, "cannot move %s/Item/a.csv to %s/done/a.csv: %s",
                 scene->folder, scene->folder, cases[i].text);
        assert_int_equal(err.kind, ERR_CONFIG);
        assert_string_equal(err.text, expected);
        assert_found(&place, "a.csv", INBOX_WAITING);
    }
}

/* --- who may read it --- */

static void assert_like(const struct scene *scene, const char *name, mode_t mode, uid_t user,
                        gid_t group)
{
    struct stat status;

    assert_int_equal(stat(at(scene, name), &status), 0);
    assert_int_equal(status.st_mode & 07777, mode);
    assert_int_equal(status.st_uid, user);
    assert_int_equal(status.st_gid, group);
}

static void who_may_use_the_inbox_may_use_what_is_made_in_it(void **state)
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
        assert_moves(&place, true);
        assert_like(scene, "done", modes[i], user, group);
        unlink(at(scene, "done/a.csv"));
        assert_int_equal(rmdir(at(scene, "done")), 0);
    }
    umask(mask);
}

static void a_folder_that_a_crash_left_half_made_is_used(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file = {0};
    struct inbox_place place = place_of(scene, "a.csv", "done", 5, &file);

    assert_int_equal(chmod(scene->folder, 0755), 0);
    mkdir(at(scene, ".rowferry.new"), 0700);
    put(scene, "a.csv", "one");
    file = identity_at(scene, "a.csv");
    assert_moves(&place, true);
    assert_missing(scene, ".rowferry.new");
    assert_like(scene, "done", 0755, getuid(), getgid());
}

static void a_folder_that_is_there_already_is_left_as_it_is(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity file = {0};
    struct inbox_place place = place_of(scene, "a.csv", "done", 5, &file);

    assert_int_equal(chmod(scene->folder, 0777), 0);
    mkdir(at(scene, "done"), 0700);
    put(scene, "a.csv", "one");
    file = identity_at(scene, "a.csv");
    assert_moves(&place, true);
    assert_like(scene, "done", 0700, getuid(), getgid());
}

static void who_may_read_a_file_may_read_what_is_written_about_it(void **state)
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
        assert_true(inbox_place_write(&place, "a.csv", ".errors.tsv", write_text, text, &err));
        assert_like(scene, "done/a.csv.errors.tsv", modes[i][1], user, group);
    }
    assert_int_equal(chmod(at(scene, "a.csv"), 0644), 0);
    assert_moves(&place, true);
    assert_true(inbox_place_write(&place, "a.csv", ".late", write_text, text, &err));
    assert_like(scene, "done/a.csv.late", 0644, user, group);
    unlink(at(scene, "done/a.csv"));
    assert_true(inbox_place_write(&place, "a.csv", ".later", write_text, text, &err));
    assert_like(scene, "done/a.csv.later", 0600, getuid(), getgid());
}

/* What a user who is in no group of the file's writes about it: the mode of each, as digits. */
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
            !inbox_place_write(&place, "a.csv", name, write_text, text, &err))
            _exit(1);
    }
    _exit(0);
}

static void a_group_that_cannot_be_given_lets_nobody_read_more_than_before(void **state)
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

/* --- deleted again --- */

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
        SCENE_TEST(sheets_of_long_names_are_told_apart_by_their_batch),
        SCENE_TEST(a_file_of_a_sub_folder_moves_to_the_folder_of_the_inbox),
        SCENE_TEST(a_link_in_place_of_a_sub_folder_is_not_followed),
        SCENE_TEST(without_a_rename_that_replaces_nothing_a_link_is_made),
        SCENE_TEST(a_file_that_cannot_be_moved_stays_and_the_error_says_what_to_do),
        SCENE_TEST(who_may_use_the_inbox_may_use_what_is_made_in_it),
        SCENE_TEST(a_folder_that_a_crash_left_half_made_is_used),
        SCENE_TEST(a_folder_that_is_there_already_is_left_as_it_is),
        SCENE_TEST(who_may_read_a_file_may_read_what_is_written_about_it),
        SCENE_TEST(a_group_that_cannot_be_given_lets_nobody_read_more_than_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
