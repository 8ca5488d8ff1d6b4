#include "core/inbox/inbox.h"

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/base/str.h"
#include "core/inbox/file_name.h"
#include "core/inbox/place.h"
#include "core/inbox/writers.h"
#include "core/validate/catalog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOK_GAP_MS = 1000 };

/* A file or a sub-folder, as it was when it was last found changed. */
struct candidate {
    char *name; /* NULL: it became ready, or it no longer exists */
    struct inbox_identity identity;
    int64_t seen_us;          /* when that was */
    enum inbox_reason reason; /* why it is not ready */
    bool past;                /* it was read before */
};

struct candidates {
    struct candidate *items;
    size_t count, capacity;
};

/* A look at one inbox. */
struct scan {
    const char *inbox;
    const struct inbox_rules *rules;
    struct candidates files, folders;
    struct inbox_look found;
};

static void candidates_release(struct candidates *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].name);
    free(list->items);
}

static void candidates_add(struct candidates *list, char *name, const struct stat *status)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 64;
        list->items = mem_resize(list->items, list->capacity, sizeof list->items[0]);
    }
    list->items[list->count++] = (struct candidate){
        .name = name, .identity = inbox_identity_of(status), .seen_us = clock_monotonic_us()};
}

static int name_order(const char *left, const char *right)
{
    const char *left_slash = strrchr(left, '/'), *right_slash = strrchr(right, '/');
    int order = strcmp(left_slash ? left_slash + 1 : left, right_slash ? right_slash + 1 : right);

    return order ? order : strcmp(left, right);
}

static int candidate_compare(const void *a, const void *b)
{
    const struct candidate *left = a, *right = b;

    return name_order(left->name, right->name);
}

static int name_compare(const void *a, const void *b)
{
    return name_order(*(char *const *)a, *(char *const *)b);
}

static void add_unready(struct inbox_look *look, char *name, enum inbox_reason reason)
{
    look->unready = mem_resize(look->unready, look->unready_count + 1, sizeof look->unready[0]);
    look->unready[look->unready_count++] = (struct inbox_unready){name, reason};
}

static void add_left(struct inbox_look *look, char *name)
{
    look->left = mem_resize(look->left, look->left_count + 1, sizeof look->left[0]);
    look->left[look->left_count++] = name;
}

/* True if a file of that name is read, or refused because it can be an export. */
static bool is_wanted(const struct scan *scan, const char *sub, const char *entry)
{
    const struct inbox_rules *rules = scan->rules;

    if (file_name_is_ignored(entry, rules->ignore) || file_name_is_side(entry) ||
        (rules->done_suffix && str_ends(entry, rules->done_suffix)))
        return false;
    if (file_name_format(entry) != ROW_FORMAT_NONE || rules->any_name)
        return true;
    return file_name_advice(entry) &&
           (sub || rules->any_schema || (rules->catalog && catalog_fits(rules->catalog, entry)));
}

/* Replaces the status of a link by that of its target; false if the link is not followed. */
static bool read_link(int folder_fd, const char *entry, struct stat *status)
{
    struct stat folder, link = *status;

    return fstatat(folder_fd, entry, status, 0) == 0 && S_ISREG(status->st_mode) &&
           status->st_uid == link.st_uid && fstat(folder_fd, &folder) == 0 &&
           status->st_dev == folder.st_dev;
}

/* Adds a file as a candidate, or as one that is left; takes the name. */
static bool add_file(struct scan *scan, char *name, bool wanted, const struct stat *status,
                     struct err *err)
{
    const struct inbox_rules *rules = scan->rules;
    struct inbox_identity identity = inbox_identity_of(status);

    if (!wanted) {
        add_left(&scan->found, name);
        return true;
    }
    if (scan->files.count == INBOX_FILES_MAX) {
        free(name);
        return err_set(err, ERR_CONFIG, "inbox %s contains more than %d files", scan->inbox,
                       INBOX_FILES_MAX);
    }
    candidates_add(&scan->files, name, status);
    scan->files.items[scan->files.count - 1].past =
        rules->is_past && rules->is_past(rules->context, name, &identity);
    return true;
}

/* Adds a sub-folder with the name of a schema, and takes the name. sub: the folder above, or NULL.
 */
static void add_folder(struct scan *scan, char *name, const char *sub, const struct stat *status)
{
    if (!sub && scan->rules->catalog && catalog_has(scan->rules->catalog, name)) {
        candidates_add(&scan->folders, name, status);
        return;
    }
    notice_say(scan->rules->notices, "%s/%s is a folder%s: ignored", scan->inbox, name,
               sub ? "" : " without a schema of that name");
    free(name);
}

/* Adds an entry of the inbox, or of its sub-folder sub. */
static bool add_entry(struct scan *scan, int folder_fd, const char *sub, const char *entry,
                      struct err *err)
{
    bool wanted = is_wanted(scan, sub, entry);
    struct stat status;
    char *name;

    if (entry[0] == '.')
        return true;
    if (fstatat(folder_fd, entry, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return true; /* removed since the folder was read */
    if (S_ISDIR(status.st_mode) && !sub &&
        (strcmp(entry, "done") == 0 || strcmp(entry, "refused") == 0))
        return true;
    name = mem_printf("%s%s%s", sub ? sub : "", sub ? "/" : "", entry);
    if (S_ISLNK(status.st_mode) && !read_link(folder_fd, entry, &status) &&
        (wanted || !S_ISREG(status.st_mode))) {
        add_unready(&scan->found, name, INBOX_LINK);
        return true;
    }
    if (S_ISREG(status.st_mode))
        return add_file(scan, name, wanted, &status, err);
    if (S_ISDIR(status.st_mode)) {
        add_folder(scan, name, sub, &status);
        return true;
    }
    add_left(&scan->found, name);
    return true;
}

static bool scan_folder(struct scan *scan, DIR *stream, const char *sub, struct err *err)
{
    const struct dirent *entry;

    while (errno = 0, (entry = readdir(stream)) != NULL) {
        if (!add_entry(scan, dirfd(stream), sub, entry->d_name, err))
            return false;
    }
    return errno == 0 || err_set(err, ERR_CONFIG, "cannot read inbox %s%s%s: %s", scan->inbox,
                                 sub ? "/" : "", sub ? sub : "", strerror(errno));
}

/* Takes the folder's name. If it cannot be used, the others are still read. */
static bool scan_subfolder(struct scan *scan, int inbox_fd, struct candidate *folder,
                           struct err *err)
{
    int fd = openat(inbox_fd, folder->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    struct stat inbox;
    bool ok = true;

    if (!stream) {
        if (fd >= 0)
            close(fd);
        add_unready(&scan->found, folder->name, INBOX_CLOSED);
        folder->name = NULL;
        return true;
    }
    if (fstat(inbox_fd, &inbox) == 0 && inbox.st_dev != folder->identity.device) {
        add_unready(&scan->found, folder->name, INBOX_ELSEWHERE);
        folder->name = NULL;
    } else {
        ok = scan_folder(scan, stream, folder->name, err);
    }
    closedir(stream);
    return ok;
}

/* True if the name is that of a file plus the suffix, or with the suffix instead of its ending. */
static bool belongs_to_file(const struct scan *scan, const char *name, const char *suffix,
                            bool or_stem)
{
    static const char *const endings[] = {"",    ".csv",    ".tsv",    ".ndjson",    ".jsonl",
                                          ".gz", ".csv.gz", ".tsv.gz", ".ndjson.gz", ".jsonl.gz"};
    bool found = false;

    if (!str_ends(name, suffix))
        return false;
    for (size_t i = 0; !found && i < (or_stem ? sizeof endings / sizeof *endings : 1); i++) {
        char *file = mem_printf("%.*s%s", (int)(strlen(name) - strlen(suffix)), name, endings[i]);

        found = scan->files.count > 0 &&
                bsearch(&(struct candidate){.name = file}, scan->files.items, scan->files.count,
                        sizeof scan->files.items[0], candidate_compare);
        free(file);
    }
    return found;
}

/* True for a marker or a checksum of a file, which is not reported. */
static bool goes_along(const struct scan *scan, const char *name)
{
    const char *ending;

    for (size_t n = 0; (ending = file_name_checksum(n, NULL)); n++)
        if (belongs_to_file(scan, name, ending, false))
            return true;
    return scan->rules->done_suffix && belongs_to_file(scan, name, scan->rules->done_suffix, true);
}

static void drop_companions(struct scan *scan)
{
    struct inbox_look *found = &scan->found;
    size_t kept = 0;

    for (size_t i = 0; i < found->left_count; i++) {
        if (goes_along(scan, found->left[i]))
            free(found->left[i]);
        else
            found->left[kept++] = found->left[i];
    }
    found->left_count = kept;
    if (kept > 0)
        qsort(found->left, kept, sizeof found->left[0], name_compare);
}

static bool scan_all(struct scan *scan, DIR *stream, struct err *err)
{
    bool ok = scan_folder(scan, stream, NULL, err);

    for (size_t i = 0; ok && i < scan->folders.count; i++)
        ok = scan_subfolder(scan, dirfd(stream), &scan->folders.items[i], err);
    if (scan->files.count > 0)
        qsort(scan->files.items, scan->files.count, sizeof scan->files.items[0], candidate_compare);
    drop_companions(scan);
    return ok;
}

/* Reads the status of the file, or of the target of its link. False if it no longer exists. */
static bool status_of(int folder_fd, const char *name, struct stat *status)
{
    if (fstatat(folder_fd, name, status, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    return S_ISREG(status->st_mode) ||
           (S_ISLNK(status->st_mode) && read_link(folder_fd, name, status));
}

static bool has_marker(int folder_fd, const char *name, const char *suffix)
{
    char *marker = mem_printf("%s%s", name, suffix), stem[PATH_MAX];
    bool there = faccessat(folder_fd, marker, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
                 (file_name_stem_marker(name, suffix, stem, sizeof stem) &&
                  faccessat(folder_fd, stem, F_OK, AT_SYMLINK_NOFOLLOW) == 0);

    free(marker);
    return there;
}

/* Returns the time between two looks. */
static int64_t look_gap_ms(const struct inbox_rules *rules)
{
    bool is_short = rules->min_age_ms >= 0 && rules->min_age_ms < LOOK_GAP_MS;

    return is_short ? rules->min_age_ms : LOOK_GAP_MS;
}

/* Returns the minimum age, which is higher for a file whose writers cannot be seen. */
static int64_t age_wanted(const struct inbox_rules *rules, enum writers writers)
{
    if (rules->min_age_ms >= 0)
        return rules->min_age_ms;
    return writers == WRITERS_UNSEEN ? INBOX_AGE_UNSEEN_MS : INBOX_AGE_MS;
}

/* Returns the time since the last change; a modification time in the future does not count. */
static int64_t age_of(const struct candidate *file)
{
    int64_t seen_ms = (clock_monotonic_us() - file->seen_us) / 1000;
    int64_t age_ms = clock_now_ms() - file->identity.mtime_ns / 1000000;

    return age_ms < 0 ? seen_ms : age_ms;
}

/* True if a file that is unchanged since the last look is complete; else sets its reason. */
static bool is_complete(const struct scan *scan, int folder_fd, struct candidate *file,
                        int64_t *wanted_ms)
{
    const struct inbox_rules *rules = scan->rules;
    enum writers writers = writers_look(folder_fd, file->name);
    int64_t age_ms = age_wanted(rules, writers);

    if (age_ms > *wanted_ms)
        *wanted_ms = age_ms;
    file->reason = INBOX_GROWING;
    if (age_ms > 0 &&
        (age_of(file) < age_ms || clock_monotonic_us() - file->seen_us < 1000 * look_gap_ms(rules)))
        return false;
    if (writers == WRITERS_SOME)
        file->reason = INBOX_OPEN;
    else if (rules->done_suffix && !has_marker(folder_fd, file->name, rules->done_suffix))
        file->reason = INBOX_UNMARKED;
    else
        return true;
    return false;
}

/* Looks again: files that are complete become ready. Returns the number of the others; *wanted_ms
 * is the highest of their minimum ages. */
static size_t look_again(int folder_fd, struct scan *scan, int64_t *wanted_ms)
{
    struct inbox_look *look = &scan->found;
    size_t young = 0;

    *wanted_ms = 0;
    for (size_t i = 0; i < scan->files.count; i++) {
        struct candidate *file = &scan->files.items[i];
        struct inbox_identity now;
        struct stat status;

        if (!file->name || file->past)
            continue;
        if (!status_of(folder_fd, file->name, &status)) {
            free(file->name);
            file->name = NULL;
            continue;
        }
        now = inbox_identity_of(&status);
        if (!inbox_identity_equal(&now, &file->identity)) {
            file->identity = now;
            file->seen_us = clock_monotonic_us();
            file->reason = INBOX_GROWING;
            young++;
        } else if (is_complete(scan, folder_fd, file, wanted_ms)) {
            look->ready[look->ready_count++] = file->name;
            file->name = NULL;
        } else {
            young++;
        }
    }
    return young;
}

static bool wait_ms(int64_t ms)
{
    while (ms > 0) {
        int64_t step = ms < INT_MAX ? ms : INT_MAX;

        if (stop_wait_ms((int)step))
            return false;
        ms -= step;
    }
    return !stop_requested();
}

static bool wait_for_files(struct scan *scan, int folder_fd, struct err *err)
{
    const struct inbox_rules *rules = scan->rules;
    int64_t begun_us = clock_monotonic_us(), gap_ms = look_gap_ms(rules), until_us, wanted_ms;
    struct inbox_look *look = &scan->found;
    size_t young = 0;

    for (size_t i = 0; i < scan->files.count; i++)
        young += !scan->files.items[i].past;
    look->ready = mem_calloc(scan->files.count + 1, sizeof look->ready[0]);
    while (young > 0) {
        if (!wait_ms(gap_ms))
            return err_set(err, ERR_STOPPED, "stopped while waiting for files to be complete");
        young = look_again(folder_fd, scan, &wanted_ms);
        until_us = begun_us + 1000 * (wanted_ms + gap_ms + rules->wait_ms);
        if (rules->min_age_ms == 0 || clock_monotonic_us() > until_us)
            break;
    }
    for (size_t i = 0; i < scan->files.count; i++) {
        struct candidate *file = &scan->files.items[i];

        if (file->name && !file->past) {
            add_unready(look, file->name, file->reason);
            file->name = NULL;
        }
    }
    qsort(look->ready, look->ready_count, sizeof look->ready[0], name_compare);
    return true;
}

bool inbox_look(const char *folder, const struct inbox_rules *rules, struct inbox_look *look,
                struct err *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    struct scan scan = {.inbox = folder, .rules = rules};
    bool ok;

    if (!stream) {
        err_set(err, ERR_CONFIG, "cannot open inbox %s: %s", folder, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    ok = scan_all(&scan, stream, err) && wait_for_files(&scan, fd, err);
    closedir(stream);
    candidates_release(&scan.files);
    candidates_release(&scan.folders);
    if (!ok) {
        inbox_look_release(&scan.found);
        return false;
    }
    *look = scan.found;
    return true;
}

void inbox_look_release(struct inbox_look *look)
{
    for (size_t i = 0; i < look->ready_count; i++)
        free(look->ready[i]);
    free(look->ready);
    for (size_t i = 0; i < look->unready_count; i++)
        free(look->unready[i].name);
    free(look->unready);
    for (size_t i = 0; i < look->left_count; i++)
        free(look->left[i]);
    free(look->left);
    *look = (struct inbox_look){0};
}

/* --- whether a folder can be an inbox --- */

static const char give_access[] =
    "give the user who runs rowferry the right to read, write and enter it (chown, chmod)";

/* Effective rights, as for open(2) and rename(2). */
static bool may(int folder_fd, const char *path, int rights)
{
    return faccessat(folder_fd, path, rights, AT_EACCESS) == 0;
}

/* Checks a folder that files are moved to; it is fine if it does not exist yet. */
static bool check_sub(int folder_fd, const char *folder, const char *sub, const struct stat *parent,
                      const char **advice, struct err *err)
{
    struct stat status;

    if (fstatat(folder_fd, sub, &status, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
        return true;
    *advice = "rename it: `rowferry run` makes the folder itself";
    if (!S_ISDIR(status.st_mode))
        return err_set(err, ERR_CONFIG, "%s/%s is not a folder", folder, sub);
    *advice = "files are renamed into it, not copied: put it on the same file system";
    if (status.st_dev != parent->st_dev)
        return err_set(err, ERR_CONFIG, "%s/%s is on another file system", folder, sub);
    *advice = give_access;
    if (!may(folder_fd, sub, R_OK | W_OK | X_OK))
        return err_set(err, ERR_CONFIG, "%s/%s: %s", folder, sub, strerror(errno));
    return true;
}

/* Only the owner of the file, that of the folder, and root can move a file out of a sticky folder
 * (inode(7)). */
static bool check_files(int folder_fd, const char *folder, const struct stat *parent,
                        const struct inbox_look *look, const char **advice, struct err *err)
{
    uid_t user = geteuid();
    bool sticky = (parent->st_mode & S_ISVTX) && parent->st_uid != user && user != 0;
    struct stat status;

    for (size_t i = 0; i < look->ready_count; i++) {
        const char *name = look->ready[i];

        if (fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
            continue; /* removed */
        *advice = "remove the sticky bit of the folder (chmod -t), or give the folder to this user";
        if (sticky && status.st_uid != user)
            return err_set(err, ERR_CONFIG,
                           "%s is sticky: %s, of another user, cannot be moved to done/", folder,
                           name);
        *advice = "give the user who runs rowferry the right to read it (chown, chmod)";
        if (!may(folder_fd, name, R_OK))
            return err_set(err, ERR_CONFIG, "%s/%s: %s", folder, name, strerror(errno));
    }
    return true;
}

static bool check_folder(int folder_fd, const char *folder, const struct catalog *catalog,
                         size_t *waiting, const char **advice, struct err *err)
{
    struct inbox_look look = {0};
    struct stat parent;
    bool fine;

    *advice = give_access;
    if (fstat(folder_fd, &parent) != 0 || !may(folder_fd, ".", R_OK | W_OK | X_OK))
        return err_set(err, ERR_CONFIG, "%s: %s", folder, strerror(errno));
    if (!check_sub(folder_fd, folder, "done", &parent, advice, err) ||
        !check_sub(folder_fd, folder, "refused", &parent, advice, err) ||
        !inbox_look(folder, &(struct inbox_rules){.catalog = catalog}, &look, err))
        return false;
    *waiting = look.ready_count;
    fine = check_files(folder_fd, folder, &parent, &look, advice, err);
    inbox_look_release(&look);
    return fine;
}

bool inbox_usable(const char *folder, const struct catalog *catalog, size_t *waiting,
                  const char **advice, struct err *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool fine;

    *advice = errno == EACCES ? give_access : "name a folder: rowferry doctor FOLDER";
    if (fd < 0)
        return err_set(err, ERR_CONFIG, "%s: %s", folder, strerror(errno));
    fine = check_folder(fd, folder, catalog, waiting, advice, err);
    close(fd);
    return fine;
}
