#include "core/inbox/inbox.h"

#include "core/base/clock.h"
#include "core/base/stop.h"
#include "core/validate/catalog.h"
#include "tests/unit/scene.h"

#include <sys/socket.h>
#include <sys/un.h>

static void look_by(struct scene *scene, const struct inbox_rules *rules, struct inbox_look *found)
{
    struct err err = {0};

    if (!inbox_look(scene->folder, rules, found, &err))
        fail_msg("%s", err.text);
}

static void look(struct scene *scene, int64_t min_age_ms, struct inbox_look *found)
{
    struct notice_sink sink = ears(scene);
    struct inbox_rules rules = {
        .min_age_ms = min_age_ms, .wait_ms = INBOX_WAIT_MS, .notices = &sink};

    look_by(scene, &rules, found);
}

static void ready_files_are_sorted_by_name(void **state)
{
    struct scene *scene = *state;
    struct inbox_look found;

    put(scene, "b.csv", "");
    put(scene, "a.csv", "");
    put(scene, "B.csv", "");
    put(scene, "a.csv.gz", "");
    look(scene, 0, &found);
    assert_int_equal(found.ready_count, 4);
    assert_string_equal(found.ready[0], "B.csv");
    assert_string_equal(found.ready[1], "a.csv");
    assert_string_equal(found.ready[2], "a.csv.gz");
    assert_string_equal(found.ready[3], "b.csv");
    assert_int_equal(found.unready_count, 0);
    assert_string_equal(scene->said, "");
    inbox_look_release(&found);
}

static void an_empty_folder_needs_no_wait(void **state)
{
    struct scene *scene = *state;
    struct inbox_look found;

    put(scene, ".hidden.csv", "");
    look(scene, 3600000, &found);
    assert_int_equal(found.ready_count + found.unready_count, 0);
    inbox_look_release(&found);
}

static void assert_left(const struct inbox_look *found, const char *const *names, size_t count)
{
    assert_int_equal(found->left_count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(found->left[i], names[i]);
}

static void other_files_are_left_and_counted(void **state)
{
    static const char *const left[] = {
        "README",           "Thumbs.db",  "_SUCCESS",       "a.csv.1a2b.partial", "a.csv.bak",
        "a.csv.crdownload", "a.csv.done", "a.csv.filepart", "a.csv.inprogress",   "a.csv.ok",
        "a.csv.part",       "a.csv.swp",  "a.csv.tmp",      "a.csv.upload",       "a.csv.writing",
        "a.csv~",           "a.xlsx",     "b.csv.md5",      "desktop.INI",        "~$a.csv"};
    struct scene *scene = *state;
    struct inbox_look found;

    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        put(scene, left[i], "");
    put(scene, ".a.csv", "");
    mkdir(at(scene, "done"), 0700);
    mkdir(at(scene, "refused"), 0700);
    put(scene, "a.csv", "");
    put(scene, "a.csv.md5", ""); /* belongs to its file */
    put(scene, "a.csv.SHA256", "");
    unlink(at(scene, "a.csv.SHA256"));
    put(scene, "a.csv.sha256", "");
    look(scene, 0, &found);
    assert_int_equal(found.ready_count, 1);
    assert_string_equal(found.ready[0], "a.csv");
    assert_left(&found, left, sizeof left / sizeof *left);
    assert_string_equal(scene->said, "");
    inbox_look_release(&found);
}

static void patterns_exclude_names_and_a_given_format_allows_any_name(void **state)
{
    static const char *const left[] = {"a.csv.part", "b.csv", "test-a.csv"};
    struct scene *scene = *state;
    struct inbox_look found;

    put(scene, "a.csv", "");
    put(scene, "a.csv.part", "");
    put(scene, "a.dat", "");
    put(scene, "b.csv", "");
    put(scene, "test-a.csv", "");
    look_by(scene, &(struct inbox_rules){.any_name = true, .ignore = "test-*,b.???"}, &found);
    assert_int_equal(found.ready_count, 2);
    assert_string_equal(found.ready[1], "a.dat");
    assert_left(&found, left, 3);
    inbox_look_release(&found);
}

static void a_file_waits_for_its_marker(void **state)
{
    static const char *const left[] = {"other.csv.go"};
    struct scene *scene = *state;
    const struct inbox_rules rules = {.done_suffix = ".go"};
    struct inbox_look found;

    put(scene, "a.csv", "");
    put(scene, "a.csv.go", "");
    put(scene, "b.csv.gz", "");
    put(scene, "b.go", "");
    put(scene, "c.csv", "");
    put(scene, "other.csv.go", "");
    look_by(scene, &rules, &found);
    assert_int_equal(found.ready_count, 2);
    assert_string_equal(found.ready[0], "a.csv");
    assert_string_equal(found.ready[1], "b.csv.gz");
    assert_int_equal(found.unready_count, 1);
    assert_string_equal(found.unready[0].name, "c.csv");
    assert_int_equal(found.unready[0].reason, INBOX_UNMARKED);
    assert_left(&found, left, 1);
    inbox_look_release(&found);
}

static void a_link_to_a_file_of_the_same_owner_is_that_file(void **state)
{
    struct scene *scene = *state;
    struct inbox_look found;

    mkdir(at(scene, "..2026"), 0700); /* as in volumes of Kubernetes */
    put(scene, "..2026/a.csv", "");
    assert_int_equal(symlink("..2026", at(scene, "..data")), 0);
    assert_int_equal(symlink("..data/a.csv", at(scene, "a.csv")), 0);
    assert_int_equal(symlink("nowhere", at(scene, "b.csv")), 0);
    assert_int_equal(symlink("/proc/self/status", at(scene, "c.csv")), 0);
    assert_int_equal(symlink("..2026", at(scene, "d")), 0);
    look(scene, 0, &found);
    assert_int_equal(found.ready_count, 1);
    assert_string_equal(found.ready[0], "a.csv");
    assert_int_equal(found.unready_count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(found.unready[i].reason, INBOX_LINK);
    inbox_look_release(&found);
}

static bool is_past(void *context, const char *name, const struct inbox_identity *file)
{
    const struct inbox_identity *past = context;

    (void)name;
    return inbox_identity_equal(past, file);
}

static void files_that_were_read_before_are_skipped_until_they_change(void **state)
{
    struct scene *scene = *state;
    struct inbox_identity past;
    struct inbox_rules rules = {.is_past = is_past, .context = &past};
    struct inbox_look found;

    put(scene, "a.csv", "");
    put(scene, "a.csv.md5", "");
    past = identity_at(scene, "a.csv");
    for (size_t i = 0; i < 2; i++) {
        look_by(scene, &rules, &found);
        assert_int_equal(found.ready_count, i);
        assert_int_equal(found.unready_count + found.left_count, 0);
        inbox_look_release(&found);
        put(scene, "a.csv", "more");
    }
}

static void a_modification_time_in_the_future_does_not_delay_a_file(void **state)
{
    struct scene *scene = *state;
    const struct timespec future[2] = {{4000000000, 0}, {4000000000, 0}};
    int64_t begun_us = clock_monotonic_us();
    struct inbox_look found;

    put(scene, "a.csv", "");
    assert_int_equal(utimensat(AT_FDCWD, at(scene, "a.csv"), future, 0), 0);
    look(scene, 300, &found);
    assert_int_equal(found.ready_count, 1);
    assert_true(clock_monotonic_us() - begun_us >= 300000);
    inbox_look_release(&found);
}

static void only_regular_files_are_used(void **state)
{
    static const char *const left[] = {"pipe.csv", "socket.csv"};
    struct scene *scene = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct inbox_look found;
    char expected[512];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    put(scene, "real.csv", "");
    mkdir(at(scene, "folder"), 0700);
    assert_int_equal(mkfifo(at(scene, "pipe.csv"), 0600), 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", at(scene, "socket.csv"));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    put(scene, "done.csv", "");
    look(scene, 0, &found);
    assert_int_equal(found.ready_count, 2);
    assert_string_equal(found.ready[0], "done.csv");
    assert_string_equal(found.ready[1], "real.csv");
    snprintf(expected, sizeof expected,
             "%s/folder is a folder without a schema of that name: ignored\n", scene->folder);
    assert_string_equal(scene->said, expected);
    assert_left(&found, left, 2);
    inbox_look_release(&found);
}

static void a_file_that_grew_between_looks_is_looked_at_again(void **state)
{
    struct scene *scene = *state;
    int64_t begun_us = clock_monotonic_us();
    struct inbox_look found;
    pid_t child;

    put(scene, "growing.csv", "");
    put(scene, "still.csv", "");
    child = start_writer(scene, "growing.csv", 50, NULL);
    look(scene, 300, &found);
    assert_true(clock_monotonic_us() - begun_us >= 600000);
    waitpid(child, NULL, 0);
    assert_int_equal(found.ready_count, 2);
    assert_string_equal(found.ready[0], "growing.csv");
    assert_string_equal(found.ready[1], "still.csv");
    assert_int_equal(found.unready_count, 0);
    inbox_look_release(&found);
}

static void an_old_modification_time_does_not_prove_that_a_file_is_complete(void **state)
{
    struct scene *scene = *state;
    const struct timespec old[2] = {{1000, 0}, {1000, 0}};
    int64_t begun_us = clock_monotonic_us();
    struct inbox_look found;
    pid_t child;

    put(scene, "copied.csv", "");
    child = start_writer(scene, "copied.csv", 50, old);
    look(scene, 300, &found);
    assert_true(clock_monotonic_us() - begun_us >= 600000);
    waitpid(child, NULL, 0);
    assert_int_equal(found.ready_count, 1);
    inbox_look_release(&found);
}

static void a_file_that_never_stops_changing_is_growing(void **state)
{
    struct scene *scene = *state;
    struct inbox_look found;
    struct err err = {0};
    pid_t child;

    put(scene, "growing.csv", "");
    put(scene, "still.csv", "");
    child = start_writer(scene, "growing.csv", 0, NULL);
    assert_true(inbox_look(scene->folder, &(struct inbox_rules){.min_age_ms = 200, .wait_ms = 500},
                           &found, &err));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(found.ready_count, 1);
    assert_string_equal(found.ready[0], "still.csv");
    assert_int_equal(found.unready_count, 1);
    assert_string_equal(found.unready[0].name, "growing.csv");
    assert_int_equal(found.unready[0].reason, INBOX_GROWING);
    inbox_look_release(&found);
}

static void a_signal_ends_the_wait(void **state)
{
    struct scene *scene = *state;
    struct inbox_look found;
    struct err err = {0};
    int status;
    pid_t child = fork();

    if (child == 0) { /* in its own process, because a stop cannot be undone */
        put(scene, "a.csv", "");
        if (!stop_init(&err) || raise(SIGTERM) != 0)
            _exit(1);
        if (inbox_look(scene->folder, &(struct inbox_rules){.min_age_ms = 3600000}, &found, &err))
            _exit(2);
        _exit(err.kind == ERR_STOPPED ? 0 : 3);
    }
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

static void a_file_that_disappears_during_the_wait_is_ignored(void **state)
{
    struct scene *scene = *state;
    struct inbox_look found;
    pid_t child;

    put(scene, "a.csv", "");
    put(scene, "b.csv", "");
    child = fork();
    if (child == 0) {
        usleep(20000);
        _exit(unlink(at(scene, "a.csv")) != 0);
    }
    look(scene, 200, &found);
    waitpid(child, NULL, 0);
    assert_int_equal(found.ready_count, 1);
    assert_string_equal(found.ready[0], "b.csv");
    assert_int_equal(found.unready_count, 0);
    inbox_look_release(&found);
}

static void a_missing_folder_is_an_error_of_configuration(void **state)
{
    struct scene *scene = *state;
    struct inbox_look found;
    struct err err = {0};
    char expected[256];

    assert_false(inbox_look(at(scene, "nowhere"), &(struct inbox_rules){0}, &found, &err));
    snprintf(expected, sizeof expected, "cannot open inbox %s/nowhere: No such file or directory",
             scene->folder);
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.text, expected);
    put(scene, "file", "");
    assert_false(inbox_look(at(scene, "file"), &(struct inbox_rules){0}, &found, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

/* --- open for writing --- */

/* True if the kernel knows the writers of files here. */
static bool writers_are_reported(const struct scene *scene)
{
    int fd;
    bool known;

    put(scene, ".probe", "");
    fd = open(at(scene, ".probe"), O_RDONLY | O_CLOEXEC);
    known = fcntl(fd, F_SETLEASE, F_RDLCK) == 0;
    close(fd);
    return known;
}

static void a_file_that_is_open_for_writing_is_not_ready(void **state)
{
    struct scene *scene = *state;
    struct inbox_look found;
    int writer, reader;

    if (!writers_are_reported(scene))
        skip();
    put(scene, "read.csv", "");
    put(scene, "written.csv", "");
    reader = open(at(scene, "read.csv"), O_RDONLY | O_CLOEXEC);
    writer = open(at(scene, "written.csv"), O_WRONLY | O_CLOEXEC);
    look(scene, 0, &found);
    assert_int_equal(found.ready_count, 1);
    assert_string_equal(found.ready[0], "read.csv");
    assert_int_equal(found.unready_count, 1);
    assert_string_equal(found.unready[0].name, "written.csv");
    assert_int_equal(found.unready[0].reason, INBOX_OPEN);
    inbox_look_release(&found);
    close(writer);
    close(reader);
    look(scene, 0, &found);
    assert_int_equal(found.ready_count, 2);
    assert_int_equal(found.unready_count, 0);
    inbox_look_release(&found);
    /* no lease remains that a writer would have to wait for */
    writer = open(at(scene, "written.csv"), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(writer >= 0);
    close(writer);
}

static void the_wait_includes_files_open_for_writing(void **state)
{
    struct scene *scene = *state;
    int64_t begun_us = clock_monotonic_us();
    struct inbox_look found;
    pid_t child;
    int writer;

    if (!writers_are_reported(scene))
        skip();
    put(scene, "written.csv", "");
    writer = open(at(scene, "written.csv"), O_WRONLY | O_CLOEXEC);
    child = fork();
    if (child == 0) {
        usleep(300000);
        _exit(0);
    }
    close(writer); /* the child has it open, and writes nothing */
    look(scene, 200, &found);
    waitpid(child, NULL, 0);
    assert_true(clock_monotonic_us() - begun_us >= 400000);
    assert_int_equal(found.ready_count, 1);
    assert_int_equal(found.unready_count, 0);
    inbox_look_release(&found);
}

/* --- sub-folders --- */

static struct catalog *open_catalog(const struct scene *scene)
{
    struct catalog *catalog;
    struct err err = {0};

    mkdir(at(scene, ".schema"), 0700);
    put(scene, ".schema/Item.json", "{}");
    put(scene, ".schema/Broken.json", "{\"type\": 5}");
    catalog = catalog_open(at(scene, ".schema"), &err);
    if (!catalog)
        fail_msg("%s", err.text);
    return catalog;
}

static void look_with(struct scene *scene, const struct catalog *catalog, struct inbox_look *found)
{
    struct notice_sink sink = ears(scene);

    look_by(scene, &(struct inbox_rules){.catalog = catalog, .notices = &sink}, found);
}

static void sub_folders_named_like_a_schema_are_read(void **state)
{
    static const char *const expected[] = {
        "Item/2026-11-22.csv", "Item-2026-11-23.csv", "Item/Item-2026-11-24.csv",
        "Broken/a.csv",        "Item/a.csv",          "a.csv"};
    struct scene *scene = *state;
    struct catalog *catalog = open_catalog(scene);
    struct inbox_look found;

    mkdir(at(scene, "Item"), 0700);
    mkdir(at(scene, "Broken"), 0700);
    for (size_t i = 6; i-- > 0;)
        put(scene, expected[i], "");
    put(scene, "Item/.hidden.csv", "");
    put(scene, "Item/b.csv.part", "");
    look_with(scene, catalog, &found);
    assert_int_equal(found.ready_count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(found.ready[i], expected[i]);
    assert_string_equal(scene->said, "");
    inbox_look_release(&found);
    catalog_close(catalog);
}

static void other_folders_are_named_and_ignored(void **state)
{
    struct scene *scene = *state;
    struct catalog *catalog = open_catalog(scene);
    struct inbox_look found;
    char expected[1024];

    mkdir(at(scene, ".git"), 0700);
    mkdir(at(scene, "done"), 0700);
    mkdir(at(scene, "Item"), 0700);
    mkdir(at(scene, "Item/Item"), 0700);
    put(scene, "Item/Item/a.csv", "");
    mkdir(at(scene, "Item/done"), 0700);
    mkdir(at(scene, "item"), 0700);
    put(scene, "item/a.csv", "");
    put(scene, "done/a.csv", "");
    assert_int_equal(symlink("Item", at(scene, "Broken")), 0);
    look_with(scene, catalog, &found);
    assert_int_equal(found.ready_count, 0);
    assert_int_equal(found.unready_count, 1);
    assert_string_equal(found.unready[0].name, "Broken");
    inbox_look_release(&found);
    catalog_close(catalog);
    for (int i = 0; i < 3; i++) {
        static const char *const said[] = {
            "item is a folder without a schema of that name: ignored",
            "Item/Item is a folder: ignored", "Item/done is a folder: ignored"};

        snprintf(expected, sizeof expected, "%s/%s\n", scene->folder, said[i]);
        assert_non_null(strstr(scene->said, expected));
    }
}

static void an_export_in_another_format_counts_if_its_schema_is_known(void **state)
{
    struct scene *scene = *state;
    struct catalog *catalog = open_catalog(scene);
    struct inbox_look found;

    put(scene, "Item-1.xlsx", "");
    put(scene, "Other.xlsx", "");
    look_by(scene, &(struct inbox_rules){0}, &found);
    assert_int_equal(found.ready_count, 0);
    assert_int_equal(found.left_count, 2);
    inbox_look_release(&found);
    look_by(scene, &(struct inbox_rules){.catalog = catalog}, &found);
    assert_int_equal(found.ready_count, 1);
    assert_string_equal(found.ready[0], "Item-1.xlsx");
    inbox_look_release(&found);
    look_by(scene, &(struct inbox_rules){.any_schema = true}, &found);
    assert_int_equal(found.ready_count, 2);
    inbox_look_release(&found);
    catalog_close(catalog);
}

static void without_an_age_an_old_file_is_ready_after_two_looks(void **state)
{
    static const struct timespec old[2] = {{1000000000, 0}, {1000000000, 0}};
    struct scene *scene = *state;
    int64_t begun_us = clock_monotonic_us();
    struct inbox_look found;

    put(scene, "a.csv", "");
    put(scene, "new.csv", "");
    assert_int_equal(utimensat(AT_FDCWD, at(scene, "a.csv"), old, 0), 0);
    look_by(scene, &(struct inbox_rules){.min_age_ms = -1}, &found);
    assert_true(clock_monotonic_us() - begun_us >= 1000000);
    assert_true(found.ready_count >= 1);
    assert_string_equal(found.ready[0], "a.csv");
    inbox_look_release(&found);
}

static void a_marker_without_its_file_is_left(void **state)
{
    struct scene *scene = *state;
    struct inbox_look found;

    put(scene, "a.csv.done", "");
    look_by(scene, &(struct inbox_rules){.done_suffix = ".done"}, &found);
    assert_int_equal(found.ready_count + found.unready_count, 0);
    assert_int_equal(found.left_count, 1);
    inbox_look_release(&found);
}

static void a_link_of_another_user_is_not_followed(void **state)
{
    struct scene *scene = *state;
    struct inbox_look found;

    if (geteuid() != 0)
        skip();
    put(scene, "a.csv", "");
    assert_int_equal(symlink("a.csv", at(scene, "b.csv")), 0);
    assert_int_equal(lchown(at(scene, "b.csv"), 65534, 65534), 0);
    look(scene, 0, &found);
    assert_int_equal(found.ready_count, 1);
    assert_int_equal(found.unready_count, 1);
    assert_int_equal(found.unready[0].reason, INBOX_LINK);
    inbox_look_release(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(ready_files_are_sorted_by_name),
        SCENE_TEST(an_empty_folder_needs_no_wait),
        SCENE_TEST(other_files_are_left_and_counted),
        SCENE_TEST(patterns_exclude_names_and_a_given_format_allows_any_name),
        SCENE_TEST(a_file_waits_for_its_marker),
        SCENE_TEST(a_link_to_a_file_of_the_same_owner_is_that_file),
        SCENE_TEST(files_that_were_read_before_are_skipped_until_they_change),
        SCENE_TEST(a_modification_time_in_the_future_does_not_delay_a_file),
        SCENE_TEST(only_regular_files_are_used),
        SCENE_TEST(a_file_that_grew_between_looks_is_looked_at_again),
        SCENE_TEST(an_old_modification_time_does_not_prove_that_a_file_is_complete),
        SCENE_TEST(a_file_that_never_stops_changing_is_growing),
        SCENE_TEST(a_signal_ends_the_wait),
        SCENE_TEST(a_file_that_disappears_during_the_wait_is_ignored),
        SCENE_TEST(a_missing_folder_is_an_error_of_configuration),
        SCENE_TEST(a_file_that_is_open_for_writing_is_not_ready),
        SCENE_TEST(the_wait_includes_files_open_for_writing),
        SCENE_TEST(sub_folders_named_like_a_schema_are_read),
        SCENE_TEST(other_folders_are_named_and_ignored),
        SCENE_TEST(an_export_in_another_format_counts_if_its_schema_is_known),
        SCENE_TEST(without_an_age_an_old_file_is_ready_after_two_looks),
        SCENE_TEST(a_marker_without_its_file_is_left),
        SCENE_TEST(a_link_of_another_user_is_not_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
