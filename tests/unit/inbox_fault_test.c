/* Each system call that core/inbox makes fails once: the error is reported, no file is lost, and
 * the same call again succeeds. */
#include "core/inbox/inbox.h"

#include "core/inbox/writers.h"
#include "core/validate/catalog.h"
#include "tests/unit/fault_scene.h"

static const int faults[] = {EIO, EINVAL, ENOENT, EEXIST};

/* Calls round for every fault of every call, until it makes fewer calls than countdown says. */
static void each_fault(struct scene *scene, void (*round)(struct scene *scene, unsigned call))
{
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        unsigned call = 0;

        fault = faults[i];
        do {
            countdown = ++call;
            round(scene, call);
        } while (countdown == 0);
        assert_true(call > 2);
        countdown = 0;
    }
}

static bool holds(const struct scene *scene, const char *name, const char *text)
{
    char found[64] = "";
    FILE *file = fopen(at(scene, name), "r");

    if (!file)
        return false;
    found[fread(found, 1, sizeof found - 1, file)] = '\0';
    fclose(file);
    return strcmp(found, text) == 0;
}

static void remove_all(const struct scene *scene, const char *folder)
{
    scratch_remove(at(scene, folder));
}

/* Moves a file with one fault and then without. */
static void move_round(struct scene *scene, const char *from, const char *link)
{
    unsigned left = disarm();
    char name[INBOX_NAME_SIZE], source[64];
    struct inbox_identity file;
    struct inbox_place place = {scene->folder, from, "a.csv", "done", 5, &file};
    enum inbox_whereabouts where;
    enum inbox_move end;
    struct err err = {0};
    bool moved;

    remove_all(scene, "done");
    snprintf(source, sizeof source, "%s%sa.csv", from ? from : "", from ? "/" : "");
    unlink(at(scene, source));
    put(scene, link ? "target" : source, "one");
    file = identity_at(scene, link ? "target" : source);
    if (link)
        assert_int_equal(symlink(link, at(scene, source)), 0);
    countdown = left;
    moved = inbox_place_move(&place, name, &end, &err);
    left = disarm();
    assert_int_equal(err.kind, moved ? ERR_NONE : ERR_CONFIG);
    /* what cannot be looked at is not gone */
    assert_true(!moved || fault == ENOENT || end == INBOX_MOVE_DONE || end == INBOX_MOVE_BUSY);
    if (!holds(scene, source, "one") && !holds(scene, "done/a.csv", "one") &&
        !holds(scene, "done/a.5.csv", "one"))
        fail_msg("the file is lost after a fault of call %u", left);
    if (!inbox_place_move(&place, name, &end, &err))
        fail_msg("%s", err.text);
    assert_int_equal(end, INBOX_MOVE_DONE);
    assert_missing(scene, source);
    unlink(at(scene, "done/.rowferry.tmp")); /* which the next file in done/ would replace */
    assert_int_equal(names_in(scene, "done"), 1);
    countdown = left;
    if (inbox_place_find(&place, name, &where, &err) && (disarm() == left || fault != ENOENT))
        assert_int_equal(where, INBOX_MOVED);
    countdown = left;
}

static void move_plain(struct scene *scene, unsigned call)
{
    (void)call;
    move_round(scene, NULL, NULL);
}

static void move_from_sub_folder(struct scene *scene, unsigned call)
{
    (void)call;
    move_round(scene, "Item", NULL);
}

static void move_link(struct scene *scene, unsigned call)
{
    (void)call;
    move_round(scene, NULL, "target");
}

static void move_link_of_sub_folder(struct scene *scene, unsigned call)
{
    (void)call;
    move_round(scene, "Item", "../target");
}

static void move_absolute_link(struct scene *scene, unsigned call)
{
    (void)call;
    move_round(scene, NULL, at(scene, "target"));
}

static void a_file_survives_any_fault_of_a_move(void **state)
{
    struct scene *scene = *state;

    mkdir(at(scene, "Item"), 0700);
    each_fault(scene, move_plain);
    each_fault(scene, move_from_sub_folder);
    each_fault(scene, move_link);
    each_fault(scene, move_link_of_sub_folder);
    each_fault(scene, move_absolute_link);
}

static void a_folder_that_another_process_makes_first_is_used(void **state)
{
    struct scene *scene = *state;
    char name[INBOX_NAME_SIZE];
    struct inbox_identity file;
    struct inbox_place place = {scene->folder, NULL, "a.csv", "done", 5, &file};
    enum inbox_whereabouts where;
    struct err err = {0};

    put(scene, "a.csv", "one");
    file = identity_at(scene, "a.csv");
    assert_int_equal(mkdir(at(scene, "done"), 0700), 0);
    put(scene, "done/b.csv", "of the other process");
    /* the look at done/, after the inbox is opened */
    fault = ENOENT;
    countdown = 2;
    assert_true(inbox_place_find(&place, name, &where, &err));
    assert_int_equal(countdown, 0);
    assert_int_equal(where, INBOX_WAITING);
    assert_missing(scene, ".rowferry.new");
}

static bool write_text(void *context, int fd, struct err *err)
{
    (void)err;
    return write(fd, context, strlen(context)) == (ssize_t)strlen(context);
}

static bool replace_any(void *context, const char *name, const struct inbox_identity *file,
                        bool *ours, struct err *err)
{
    (void)context;
    (void)name;
    (void)file;
    (void)err;
    return *ours = true;
}

static bool fail_by_itself;

static bool note(void *context, const char *name, const struct inbox_identity *file,
                 struct err *err)
{
    (void)context;
    (void)name;
    (void)file;
    return !fail_by_itself || err_set(err, ERR_CONFIG, "cannot be noted");
}

static void write_round(struct scene *scene, unsigned call)
{
    static char text[] = "whole";
    unsigned left = disarm();
    const struct inbox_sheet sheet = {".errors.tsv", write_text, replace_any, note, text};
    const struct inbox_identity file = {0};
    struct inbox_place place = {scene->folder, NULL, "a.csv", "done", 5, &file};
    char name[INBOX_NAME_SIZE];
    struct err err = {0};
    bool written;

    remove_all(scene, "done");
    if (call % 2) {
        mkdir(at(scene, "done"), 0700);
        put(scene, "done/a.csv.errors.tsv", "older");
    }
    countdown = left;
    written = inbox_place_write(&place, "a.csv", &sheet, name, &err);
    left = disarm();
    assert_int_equal(err.kind, written ? ERR_NONE : ERR_CONFIG);
    if (written)
        assert_holds(scene, "done/a.csv.errors.tsv", "whole");
    else if (holds(scene, "done/a.csv.errors.tsv", ""))
        fail_msg("call %u left a part of a sheet", call);
    assert_true(inbox_place_write(&place, "a.csv", &sheet, name, &err));
    assert_holds(scene, "done/a.csv.errors.tsv", "whole");
    assert_int_equal(names_in(scene, "done"), 1);
    countdown = left;
}

static void a_sheet_is_complete_or_missing_after_any_fault(void **state)
{
    static char text[] = "text";
    const struct inbox_sheet sheet = {".errors.tsv", write_text, replace_any, note, text};
    struct scene *scene = *state;
    const struct inbox_identity file = {0};
    struct inbox_place place = {scene->folder, NULL, "a.csv", "done", 5, &file};
    char name[INBOX_NAME_SIZE];
    struct err err = {0};

    each_fault(scene, write_round);
    fail_by_itself = true;
    assert_false(inbox_place_write(&place, "a.csv", &sheet, name, &err));
    fail_by_itself = false;
    assert_string_equal(err.text, "cannot be noted");
    assert_holds(scene, "done/a.csv.errors.tsv", "whole");
}

static void delete_round(struct scene *scene, unsigned call)
{
    unsigned left = disarm();
    char found[INBOX_NAME_SIZE];
    struct inbox_identity file;
    enum inbox_deletion end;
    struct err err = {0};
    bool done;

    put(scene, "renamed.csv", "one");
    file = identity_at(scene, "renamed.csv");
    countdown = left;
    done = inbox_filed_delete(scene->folder, call % 2 ? "renamed.csv" : "a.csv", &file, false,
                              found, &end, &err);
    left = disarm();
    assert_int_equal(err.kind, done ? ERR_NONE : ERR_CONFIG);
    assert_true(inbox_filed_delete(scene->folder, NULL, &file, false, found, &end, &err));
    assert_missing(scene, "renamed.csv");
    countdown = left;
}

static void a_deletion_that_failed_can_be_repeated(void **state)
{
    each_fault(*state, delete_round);
}

static struct catalog *catalog;

static void look_round(struct scene *scene, unsigned call)
{
    static const struct inbox_rules no_rules = {0};
    struct inbox_rules rules = no_rules;
    struct inbox_look look = {0};
    const char *advice;
    size_t waiting;
    struct err err = {0};
    bool ok;

    (void)call;
    rules.catalog = catalog;
    rules.done_suffix = ".done";
    ok = inbox_look(scene->folder, &rules, &look, &err);
    assert_int_equal(err.kind, ok ? ERR_NONE : ERR_CONFIG);
    assert_true(look.ready_count <= 3);
    inbox_look_release(&look);
    if (countdown) {
        ok = inbox_usable(scene->folder, catalog, &waiting, &advice, &err);
        assert_int_equal(err.kind, ok ? ERR_NONE : ERR_CONFIG);
        assert_true(ok || *advice);
    }
    if (countdown)
        writers_seen_in(scene->folder);
}

static void a_look_reports_every_fault_and_changes_nothing(void **state)
{
    struct scene *scene = *state;
    struct inbox_look look = {0};
    struct err err = {0};
    size_t waiting;
    const char *advice;

    mkdir(at(scene, "schema"), 0700);
    put(scene, "schema/Item.json", "{}");
    catalog = catalog_open(at(scene, "schema"), &err);
    if (!catalog)
        fail_msg("%s", err.text);
    mkdir(at(scene, "Item"), 0700);
    mkdir(at(scene, "done"), 0700);
    put(scene, "a.csv", "one");
    put(scene, "a.csv.done", "");
    put(scene, "Item/b.csv", "two");
    put(scene, "Item/b.done", "");
    assert_int_equal(symlink("a.csv", at(scene, "link.csv")), 0);
    put(scene, "link.csv.done", "");
    each_fault(scene, look_round);
    assert_true(inbox_look(scene->folder,
                           &(struct inbox_rules){.catalog = catalog, .done_suffix = ".done"}, &look,
                           &err));
    assert_int_equal(look.ready_count, 3);
    inbox_look_release(&look);
    assert_true(inbox_usable(scene->folder, catalog, &waiting, &advice, &err));
    assert_int_equal(waiting, 3);
    catalog_close(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(a_file_survives_any_fault_of_a_move),
        SCENE_TEST(a_folder_that_another_process_makes_first_is_used),
        SCENE_TEST(a_sheet_is_complete_or_missing_after_any_fault),
        SCENE_TEST(a_deletion_that_failed_can_be_repeated),
        SCENE_TEST(a_look_reports_every_fault_and_changes_nothing),
    };

    signal(SIGIO, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
