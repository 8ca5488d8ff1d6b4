#include "cmd/rowferry/load.h"

#include "cmd/rowferry/json_line.h"
#include "cmd/rowferry/summary.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/inbox/inbox.h"
#include "core/ingest/filing.h"
#include "core/ingest/ingest.h"
#include "core/ingest/recover.h"
#include "core/validate/catalog.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LEFT_NAMED_MAX = 20 }; /* files that are left alone, by name */

enum path_kind { PATH_MISSING, PATH_FOLDER, PATH_FILE };

static enum path_kind path_kind(const char *path)
{
    struct stat status;

    if (strcmp(path, "-") == 0)
        return PATH_FILE;
    if (stat(path, &status) != 0)
        return PATH_MISSING;
    return S_ISDIR(status.st_mode) ? PATH_FOLDER : PATH_FILE;
}

/* Reports a path that cannot be read, and returns true; false for one that can. */
static bool is_mistaken(struct cli *cli, const char *path, bool folders)
{
    enum path_kind kind = path_kind(path);

    if (kind == PATH_FOLDER && !folders)
        report_error(&cli->report, ERR_CONFIG,
                     "'%s' is a folder: use `rowferry run %s`, which reads its files", path, path);
    else if (kind == PATH_MISSING && folders && cli->options.path_count == 0)
        report_error(&cli->report, ERR_CONFIG,
                     "there is no inbox folder '%s' here: create it, or name another: rowferry run "
                     "FOLDER",
                     path);
    else if (kind == PATH_MISSING)
        report_error(&cli->report, ERR_CONFIG, "'%s' does not exist: check its path", path);
    else
        return false;
    return true;
}

bool load_is_mistaken(struct cli *cli, const char *fallback, bool folders)
{
    const struct options *options = &cli->options;
    bool mistaken = false;

    if (access(options_text(options, OPT_DB), F_OK) == 0)
        return false;
    if (options->path_count == 0)
        return fallback && is_mistaken(cli, fallback, folders);
    for (size_t i = 0; i < options->path_count; i++)
        mistaken |= is_mistaken(cli, options->paths[i], folders);
    return mistaken;
}

bool load_open(struct load *load, struct cli *cli)
{
    struct err err = {0};

    *load = (struct load){.notices = report_sink(&cli->report)};
    load->catalog = catalog_open(options_text(&cli->options, OPT_SCHEMAS), &err);
    if (!load->catalog)
        return report_fail(&cli->report, &err);
    for (size_t i = 0; i < catalog_fault_count(load->catalog); i++)
        report_detail(&cli->report, "%s", catalog_fault(load->catalog, i));
    return true;
}

void load_release(struct load *load)
{
    for (size_t i = 0; i < load->recovered_count; i++)
        free(load->recovered[i].source);
    free(load->recovered);
    for (size_t i = 0; i < load->past_count; i++)
        free(load->past[i].path);
    free(load->past);
    for (size_t i = 0; i < load->look_count; i++) {
        free(load->looks[i].folder);
        inbox_look_release(&load->looks[i].look);
    }
    free(load->looks);
    catalog_close(load->catalog);
    *load = (struct load){0};
}

/* The outcomes of a file: for --json, as an error, and for people. */
static const struct {
    const char *name;
    enum err_kind kind; /* ERR_NONE: no error */
    const char *phrase;
    size_t counter; /* in struct summary, in addition to `files` */
} outcomes[] = {
    [INGEST_LOADED] = {"loaded", ERR_NONE, "", 0},
    [INGEST_KNOWN] = {"known", ERR_NONE, "", offsetof(struct summary, files_known)},
    [INGEST_REFUSED] = {"refused", ERR_INPUT, "refused", offsetof(struct summary, files_refused)},
    [INGEST_HELD] = {"held", ERR_CONFIG, "held back", offsetof(struct summary, files_held)},
    [INGEST_WAITS] = {"waits", ERR_NETWORK, "held back", offsetof(struct summary, files_held)},
    [INGEST_UNREADABLE] = {"unreadable", ERR_INPUT, "left alone",
                           offsetof(struct summary, files_unreadable)},
};

/* Counts a file by its outcome. */
static void count(struct summary *summary, const struct ingest_result *result)
{
    size_t counter = outcomes[result->outcome].counter;

    summary->files++;
    summary->run.validation_failures += result->violations;
    if (counter)
        ++*(uint64_t *)((char *)summary + counter);
}

static void file_members(const char *source, const struct ingest_result *result, struct buf *line)
{
    json_line_text(line, "source", span_of(source));
    json_line_text(line, "outcome", span_of(outcomes[result->outcome].name));
    json_line_id(line, "batch", result->batch_id);
    json_line_count(line, "rows_read", result->rows_read);
    json_line_count(line, "rows_rejected", result->rows_rejected);
    json_line_count(line, "jobs", result->jobs);
}

/* Writes the `status` line of --json about one file. */
static void report_json_line(struct report *report, const char *source,
                             const struct ingest_result *result)
{
    struct buf line = {0};

    json_line_status(&line, "file");
    file_members(source, result, &line);
    report_json(report, &line);
    report_flush(report);
    buf_release(&line);
}

/* Logs each file; a file with a fault is also reported as an error. */
static void log_file(struct report *report, const char *source, const struct ingest_result *result)
{
    struct buf members = {0};
    char batch[32] = "";

    if (result->batch_id)
        snprintf(batch, sizeof batch, ", batch %lld", (long long)result->batch_id);
    file_members(source, result, &members);
    report_event(report, "file", &members, "%s: %s: %llu rows, %llu rejected%s", source,
                 outcomes[result->outcome].name, (unsigned long long)result->rows_read,
                 (unsigned long long)result->rows_rejected, batch);
    buf_release(&members);
}

/* Reports the error of a file that was not read: refused, held back or unreadable. */
static void report_fault(struct report *report, const char *source,
                         const struct ingest_result *result)
{
    bool named = str_starts(result->reason, source);

    report_error(report, result->over_limit ? ERR_LIMIT : outcomes[result->outcome].kind,
                 "%s: %s%s%s", outcomes[result->outcome].phrase, named ? "" : source,
                 named ? "" : ": ", result->reason);
}

static void report_outcome(struct load *load, const char *source,
                           const struct ingest_result *result)
{
    struct cli *cli = load->session->cli;

    count(cli->summary, result);
    if (cli->report.json)
        report_json_line(&cli->report, source, result);
    log_file(&cli->report, source, result);
    if (outcomes[result->outcome].kind != ERR_NONE)
        report_fault(&cli->report, source, result);
    else if (result->outcome == INGEST_KNOWN && load->options.tail)
        report_notice(&cli->report, "'%s' has nothing new: it was read before, as batch %lld",
                      source, (long long)result->batch_id);
    else if (result->outcome == INGEST_KNOWN)
        report_notice(&cli->report, "'%s' was read before, as batch %lld; --force reads it again",
                      source, (long long)result->batch_id);
    else
        report_detail(&cli->report, "%s: batch %lld, %llu rows, %llu rejected", source,
                      (long long)result->batch_id, (unsigned long long)result->rows_read,
                      (unsigned long long)result->rows_rejected);
}

void load_report_checked(struct cli *cli, const char *source, const struct ingest_result *result)
{
    count(cli->summary, result);
    cli->summary->rows_read += result->rows_read;
    cli->summary->rows_rejected += result->rows_rejected;
    if (result->rows_rejected > 0)
        report_status(&cli->report, EXIT_ROWS);
    if (result->outcome != INGEST_LOADED)
        report_fault(&cli->report, source, result);
    if (cli->report.json)
        report_json_line(&cli->report, source, result);
}

static bool note_recovered(void *context, const char *source, const struct ingest_result *result,
                           struct err *err)
{
    struct load *load = context;

    (void)err;
    report_outcome(load, source, result);
    load->recovered =
        mem_resize(load->recovered, load->recovered_count + 1, sizeof load->recovered[0]);
    load->recovered[load->recovered_count++] =
        (struct recovered){mem_strdup(source), result->outcome == INGEST_LOADED};
    return true;
}

/* Reports an error of core. Returns false if it stops the command and not only one file. */
static bool survive(struct load *load, const struct err *err)
{
    report_fail(&load->session->cli->report, err);
    return err->kind == ERR_CONFIG || err->kind == ERR_INPUT || err->kind == ERR_NETWORK;
}

static bool read_file(struct load *load, const char *path, enum batch_filing filing,
                      struct ingest_result *result, bool *done)
{
    struct err err = {0};

    *done = false;
    if (stop_requested()) {
        report_stopped(&load->session->cli->report);
        return false;
    }
    *result = (struct ingest_result){0};
    load->progress.source = NULL;
    if (!ingest_file(load->session->store, &load->options, path, filing, result, &err))
        return survive(load, &err);
    progress_end(&load->progress);
    report_outcome(load, path, result);
    *done = true;
    return true;
}

/* The context of is_past: the folder that is scanned. */
struct folder_look {
    struct load *load;
    const char *folder;
};

static bool is_past(void *context, const char *name, const struct inbox_identity *file)
{
    const struct folder_look *look = context;
    const struct load *load = look->load;
    size_t size = strlen(look->folder);

    for (size_t i = 0; i < load->past_count; i++) {
        const char *path = load->past[i].path;

        if (inbox_identity_equal(&load->past[i].identity, file) &&
            strncmp(path, look->folder, size) == 0 && strcmp(path + size + 1, name) == 0)
            return true;
    }
    return false;
}

static bool read_inbox_file(struct load *load, const char *folder, struct inbox_look *look,
                            const char *name)
{
    bool keep = options_flag(&load->session->cli->options, OPT_KEEP);
    enum batch_filing filing = strchr(name, '/') ? BATCH_SUBFOLDER : BATCH_INBOX;
    char *path = mem_printf("%s/%s", folder, name);
    struct ingest_result result = {0};
    struct stat status;
    struct err err = {0};
    bool done, fine = read_file(load, path, filing, &result, &done);

    if (done && !keep &&
        !ingest_file_away(load->session->store, &load->options, folder, name, &result, &err))
        fine = err.kind == ERR_NETWORK || survive(load, &err);
    load->found++;
    if (err.kind == ERR_NETWORK) { /* the next scan finds it again */
        look->unready = mem_resize(look->unready, look->unready_count + 1, sizeof look->unready[0]);
        look->unready[look->unready_count++] = (struct inbox_unready){mem_strdup(name), INBOX_OPEN};
        free(path);
        return fine;
    }
    /* if it is still there, this run does not read it again unless it changes */
    if (result.file.inode == 0 && stat(path, &status) == 0)
        result.file = inbox_identity_of(&status);
    load->past = mem_resize(load->past, load->past_count + 1, sizeof load->past[0]);
    load->past[load->past_count++] = (struct past){path, result.file};
    return fine;
}

/* Files that are left in an inbox: the kind of error, and the text for people. */
static const struct {
    enum err_kind kind;
    const char *phrase;
    size_t counter; /* in struct summary, or 0 */
} unready[] = {
    [INBOX_GROWING] = {ERR_NETWORK,
                       "is still being written: run the same command again when it is complete",
                       offsetof(struct summary, files_growing)},
    [INBOX_OPEN] = {ERR_NETWORK,
                    "is still open for writing: run the same command again when it is complete",
                    offsetof(struct summary, files_growing)},
    [INBOX_UNMARKED] =
        {ERR_NETWORK,
         "has no marker yet (--done-file): run the same command again when it is complete",
         offsetof(struct summary, files_growing)},
    [INBOX_CLOSED] =
        {ERR_INPUT,
         "cannot be read: let this user read the folder, then run the same command again", 0},
    [INBOX_ELSEWHERE] =
        {ERR_CONFIG,
         "is on another file system, so that no file of it can move to done/: make it an "
         "inbox of its own, with --schema",
         0},
    [INBOX_LINK] =
        {ERR_INPUT,
         "is a link that is not followed: link to a regular file of the same owner on the file "
         "system of the inbox",
         offsetof(struct summary, files_left)},
};

/* Reports the files that were left alone, in one line. */
static void report_left(struct cli *cli, const char *folder, const struct inbox_look *look)
{
    struct buf names = {0};

    cli->summary->files_left += look->left_count;
    for (size_t i = 0; i < look->left_count && i < LEFT_NAMED_MAX; i++)
        buf_printf(&names, "%s%s/%s", i ? ", " : "", folder, look->left[i]);
    if (look->left_count > LEFT_NAMED_MAX)
        buf_printf(&names, " and %zu more", look->left_count - LEFT_NAMED_MAX);
    if (look->left_count > 0)
        report_notice(&cli->report, "left alone: %s", buf_text(&names));
    buf_release(&names);
}

/* Keeps the last scan of each folder, which has what is left. */
static void keep_look(struct load *load, char *folder, struct inbox_look *look)
{
    struct last_look *last = NULL;

    for (size_t i = 0; !last && i < load->look_count; i++)
        if (strcmp(load->looks[i].folder, folder) == 0)
            last = &load->looks[i];
    if (last) {
        inbox_look_release(&last->look);
        free(folder);
    } else {
        load->looks = mem_resize(load->looks, load->look_count + 1, sizeof load->looks[0]);
        last = &load->looks[load->look_count++];
        last->folder = folder;
    }
    last->look = *look;
}

/* Of --max-time, most is for reading and sending the files that are ready. */
static int64_t longest_wait_ms(const struct options *options)
{
    int64_t most_ms = options_number(options, OPT_MAX_TIME) / 4;

    return most_ms > 0 && most_ms < INBOX_WAIT_MS ? most_ms : INBOX_WAIT_MS;
}

static bool read_folder(struct load *load, const char *path)
{
    const struct options *options = &load->session->cli->options;
    char *folder = mem_strdup(path);
    struct folder_look context = {load, folder};
    const struct option_value *age = &options->values[OPT_MIN_AGE];
    const struct inbox_rules rules = {
        .catalog = load->catalog,
        .any_name = options_text(options, OPT_FORMAT),
        .any_schema = options_text(options, OPT_SCHEMA),
        .ignore = options_text(options, OPT_IGNORE),
        .done_suffix = options_text(options, OPT_DONE_FILE),
        .min_age_ms = age->text ? age->number : -1,
        .wait_ms = load->again ? 0 : longest_wait_ms(options),
        .is_past = is_past,
        .context = &context,
        .notices = load->again ? NULL : &load->notices,
    };
    struct inbox_look look = {0};
    struct err err = {0};
    bool fine = true;

    for (size_t size = strlen(folder); size > 1 && folder[size - 1] == '/'; size--)
        folder[size - 1] = '\0';
    if (!inbox_look(folder, &rules, &look, &err)) {
        free(folder);
        return survive(load, &err);
    }
    for (size_t i = 0; fine && i < look.ready_count; i++)
        fine = read_inbox_file(load, folder, &look, look.ready[i]);
    keep_look(load, folder, &look);
    return fine;
}

bool load_again(struct load *load)
{
    uint64_t before = load->found;
    bool fine = true;

    load->again = true;
    load->options.lock = load->session->lock;
    for (size_t i = 0; fine && i < load->look_count; i++) {
        char *folder = mem_strdup(load->looks[i].folder);

        fine = read_folder(load, folder);
        free(folder);
    }
    progress_end(&load->progress);
    return fine && load->found > before;
}

void load_end(struct load *load)
{
    struct cli *cli = load->session->cli;
    uint64_t wanted = (uint64_t)options_number(&cli->options, OPT_MIN_FILES);

    for (size_t i = 0; i < load->look_count; i++) {
        const struct inbox_look *look = &load->looks[i].look;

        for (size_t j = 0; j < look->unready_count; j++) {
            const struct inbox_unready *found = &look->unready[j];
            size_t counter = unready[found->reason].counter;

            if (counter)
                ++*(uint64_t *)((char *)cli->summary + counter);
            report_error(&cli->report, unready[found->reason].kind, "%s/%s %s",
                         load->looks[i].folder, found->name, unready[found->reason].phrase);
        }
        report_left(cli, load->looks[i].folder, look);
    }
    if (load->look_count > 0 && load->found < wanted)
        report_error(&cli->report, ERR_LIMIT,
                     "%" PRIu64 " file%s in the inbox, fewer than --min-files %" PRIu64
                     ": check whether an export is missing",
                     load->found, load->found == 1 ? " was" : "s were", wanted);
}

/* Whether recovery finished this path: then it is not read again, and can be missing because it was
 * moved. */
static bool was_recovered(const struct load *load, const char *path, bool missing)
{
    for (size_t i = 0; i < load->recovered_count; i++)
        if (strcmp(load->recovered[i].source, path) == 0)
            return missing || load->recovered[i].loaded;
    return false;
}

static bool read_path(struct load *load, const char *path, bool folders)
{
    enum path_kind kind = path_kind(path);
    struct ingest_result result;
    bool done;

    /* with --tail, the size of the file in done/ still has to be recorded */
    if (!load->options.tail && was_recovered(load, path, kind == PATH_MISSING))
        return true;
    if (is_mistaken(load->session->cli, path, folders))
        return true;
    return kind == PATH_FOLDER ? read_folder(load, path)
                               : read_file(load, path, BATCH_STAYS, &result, &done);
}

struct ingest_options load_options(const struct load *load, const struct options *options)
{
    const struct option_value *errors = &options->values[OPT_MAX_ERRORS];
    bool percent = errors->text && str_ends(errors->text, "%");

    return (struct ingest_options){
        .catalog = load->catalog,
        .schema = options_text(options, OPT_SCHEMA),
        .format = (enum row_format)options_number(options, OPT_FORMAT),
        .delimiter = (char)options_number(options, OPT_DELIMITER),
        .force = options_flag(options, OPT_FORCE),
        .limits = {.has_errors = errors->text && !percent,
                   .errors = (uint64_t)errors->number,
                   .has_percent = percent,
                   .percent = errors->rate,
                   .rows = (uint64_t)options_number(options, OPT_MIN_ROWS)},
        .notices = &load->notices,
    };
}

bool load_work(struct load *load, struct session *session, const char *fallback, bool folders)
{
    const struct options *options = &session->cli->options;
    struct err err = {0};
    bool fine;

    load->session = session;
    progress_begin(&load->progress, &session->cli->report);
    load->options = load_options(load, options);
    load->options.lock = session->lock;
    load->options.tail = options_flag(options, OPT_TAIL);
    load->options.leave_files = !folders || options_flag(options, OPT_KEEP);
    load->options.run_id = session->run_id;
    load->options.progress = progress_reading;
    load->options.progress_context = &load->progress;
    if (options_text(options, OPT_DONE_FILE))
        snprintf(load->options.done_suffix, sizeof load->options.done_suffix, "%s",
                 options_text(options, OPT_DONE_FILE));
    fine = ingest_recover(session->store, &load->options, note_recovered, load, &err) ||
           survive(load, &err);
    if (fine && options->path_count == 0)
        fine = read_path(load, fallback, folders);
    for (size_t i = 0; fine && i < options->path_count; i++)
        fine = read_path(load, options->paths[i], folders);
    progress_end(&load->progress);
    return fine;
}
