#include "core/inbox/place.h"

#include "core/inbox/writers.h"
#include "tests/unit/scene.h"

#include <errno.h>
#include <grp.h>
#include <sys/syscall.h>

/* The errno that renameat2 fails with; 0: it works. */
static int rename_fault;

/* What others do right before and right after the next rename. */
static void (*meanwhile)(const struct scene *scene), (*afterwards)(const struct scene *scene);
static const struct scene *meanwhile_scene;
static int held_fd = -1;

static void replace_it(const struct scene *scene)
{
    put(scene, "a.csv.new", "two");
    assert_int_equal(rename(at(scene, "a.csv.new"), at(scene, "a.csv")), 0);
}

static void put_another(const struct scene *scene)
{
    put(scene, "a.csv", "three");
}

static void append_to_it(const struct scene *scene)
{
    FILE *file = fopen(at(scene, "a.csv"), "a");

    fputs(", two", file);
    fclose(file);
}

static void open_it(const struct scene *scene)
{
    held_fd = open(at(scene, "a.csv"), O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_true(held_fd >= 0);
}

static void happen(void (**what)(const struct scene *scene))
{
    void (*once)(const struct scene *scene) = *what;

    *what = NULL;
    if (once)
        once(meanwhile_scene);
}

/* In place of that of the C library, for this program. */
int renameat2(int from, const char *name, int to, const char *target, unsigned flags)
{
    int end;

    happen(&meanwhile);
    if (!rename_fault) {
        end = (int)syscall(SYS_renameat2, from, name, to, target, flags);
        happen(&afterwards);
        return end;
    }
    errno = rename_fault;
    return -1;
}

static struct inbox_place place_of(const struct scene *scene, const char *name, const char *sub,
                                   int64_t batch_id, const struct inbox_identity *file)
{
    return (struct inbox_place){scene->folder, NULL, name, sub, batch_id, file};
}

static void assert_moves(const struct inbox_place *place, enum inbox_move expected)
{
    char name[INBOX_NAME_SIZE];
    enum inbox_move end;
    struct err err = {0};

    if (!inbox_place_move(place, name, &end, &err))
        fail_msg("%s", err.text);
    assert_int_equal(end, expected);
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

/* --- sheets --- */

static bool write_text(void *context, int fd, struct err *err)
{
    const char *text = context;

    if (!text)
        return err_set(err, ERR_CONFIG, "No space left on device");
    return write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

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
        SCENE_TEST(a_sheet_replaces_an_older_one),
        SCENE_TEST(an_unfinished_sheet_of_a_crash_is_removed),
        SCENE_TEST(a_sheet_that_fails_leaves_the_older_one),
        SCENE_TEST(no_sheet_replaces_a_file_of_somebody_else),
        SCENE_TEST(a_file_that_was_replaced_while_it_was_moved_goes_back),
        SCENE_TEST(a_file_that_grew_while_it_was_moved_goes_back),
        SCENE_TEST(a_file_that_was_opened_for_writing_while_it_was_moved_goes_back),
        SCENE_TEST(what_cannot_go_back_is_named),
        SCENE_TEST(a_name_keeps_its_ending),
        SCENE_TEST(a_file_is_deleted_under_any_name),
        SCENE_TEST(a_file_that_was_changed_is_not_deleted),
        SCENE_TEST(a_missing_folder_is_not_created_for_a_deletion),
        SCENE_TEST(a_deletion_follows_no_link),
        SCENE_TEST(sheets_of_long_names_have_their_batch),
        SCENE_TEST(a_file_of_a_sub_folder_moves_to_the_folder_of_the_inbox),
        SCENE_TEST(a_link_in_place_of_a_sub_folder_is_not_followed),
        SCENE_TEST(without_rename_noreplace_a_link_is_made),
        SCENE_TEST(a_file_that_cannot_be_moved_stays_and_the_error_says_what_to_do),
        SCENE_TEST(users_of_the_inbox_can_use_folders_made_in_it),
        SCENE_TEST(a_half_made_folder_of_a_crash_is_used),
        SCENE_TEST(an_existing_folder_is_not_changed),
        SCENE_TEST(readers_of_a_file_can_read_its_sheets),
        SCENE_TEST(if_the_group_cannot_be_set_nobody_can_read_more),
        SCENE_TEST(when_every_name_is_taken_the_file_stays),
        SCENE_TEST(whose_writers_are_seen),
        SCENE_TEST(files_are_the_same_by_device_inode_size_and_time),
        SCENE_TEST(a_path_is_cut_into_inbox_and_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
