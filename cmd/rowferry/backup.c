/* Copies the database into a file, or into a folder of which it keeps the newest copies. */
#include "core/store/backup.h"
#include "cmd/rowferry/command.h"
#include "cmd/rowferry/json_line.h"
#include "cmd/rowferry/progress.h"
#include "cmd/rowferry/words.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/store/copies.h"
#include "core/store/store.h"

#include <stdlib.h>

struct work {
    struct report *report;
    struct copies copies;
    struct backup backup;
    struct progress progress;
    uint64_t deleted;
};

/* Writes a line of --json about a file in the folder of the copies. */
static void print_row(const struct work *work, const char *name, uint64_t bytes,
                      const char *outcome)
{
    char *path = mem_printf("%s/%s", work->copies.folder, name);
    struct buf line = {0};

    json_line_begin(&line, "row");
    json_line_text(&line, "file", span_of(path));
    json_line_text(&line, "outcome", span_of(outcome));
    if (bytes > 0)
        json_line_count(&line, "bytes", bytes);
    report_json(work->report, &line);
    buf_release(&line);
    free(path);
}

static void show_progress(void *context, uint64_t bytes, uint64_t bytes_total)
{
    struct work *work = context;

    progress_copying(&work->progress, bytes, bytes_total);
}

static void note_deleted(void *context, const char *name)
{
    struct work *work = context;

    work->deleted++;
    if (work->report->json)
        print_row(work, name, 0, "deleted");
}

/* Whether the newest copy in the folder is younger than --every; says so then. A copy from the
 * future does not count: the clock was ahead when it was made. */
static bool is_recent(struct work *work, int64_t every_ms, struct err *err)
{
    int64_t made_ms, age_ms;
    char age[WORDS_SIZE];

    if (every_ms == 0 || !copies_newest(&work->copies, &made_ms, err))
        return false;
    age_ms = clock_now_ms() - made_ms;
    if (age_ms < 0 || age_ms >= every_ms)
        return false;
    report_notice(work->report, "nothing to do: the newest copy in '%s' is %s old",
                  work->copies.folder, words_duration(age_ms, age));
    return true;
}

static bool write_copy(struct work *work, struct store *store, struct err *err)
{
    const struct backup_watch watch = {show_progress, work};
    int64_t begun_ms;
    char *path;
    bool fine;

    if (!backup_measure(store, &work->backup, err))
        return false;
    path = copies_begin(&work->copies, work->backup.bytes, err);
    if (!path)
        return false;
    progress_begin(&work->progress, work->report);
    begun_ms = clock_now_ms();
    fine = backup_copy(store, path, work->copies.fd, &watch, &work->backup, err) &&
           backup_check(path, &work->backup, err);
    progress_end(&work->progress);
    free(path);
    return fine && copies_place(&work->copies, begun_ms, err);
}

static void print_end(const struct work *work, int64_t started_us)
{
    int64_t took_ms = (clock_monotonic_us() - started_us) / 1000;
    char size[WORDS_SIZE], took[WORDS_SIZE], copies[WORDS_SIZE];
    struct buf out = {0};

    if (work->report->json || work->report->quiet)
        return;
    buf_printf(&out, "%s copied to ", words_bytes(work->backup.bytes, size));
    words_printable(&out, work->copies.folder);
    buf_append_char(&out, '/');
    words_printable(&out, work->copies.placed);
    buf_printf(&out, " in %s", words_duration(took_ms, took));
    if (work->copies.replaces)
        buf_append_text(&out, ", in place of the earlier copy");
    if (work->deleted > 0) {
        buf_append_text(&out, "; deleted ");
        buf_append_text(&out, words_count(work->deleted, "old copy", copies));
    }
    buf_append_char(&out, '\n');
    report_out(work->report, &out);
    buf_release(&out);
}

static bool back_up(struct work *work, struct cli *cli, struct store *store, struct err *err)
{
    const struct options *options = &cli->options;
    unsigned keep = (unsigned)options_number(options, OPT_KEEP_COPIES);
    int64_t every_ms = options_number(options, OPT_EVERY), started_us = clock_monotonic_us();
    bool fine;

    if (!copies_open(&work->copies, store_path(store), options->paths[0], err))
        return false;
    if (work->copies.name && (keep > 0 || every_ms > 0))
        return err_set(err, ERR_CONFIG, "%s needs a folder, and '%s' is not one: name %s/",
                       keep > 0 ? "--keep" : "--every", options->paths[0], options->paths[0]);
    if (is_recent(work, every_ms, err))
        return true;
    if (err->kind != ERR_NONE || !write_copy(work, store, err))
        return false;
    if (work->report->json)
        print_row(work, work->copies.placed, work->backup.bytes,
                  work->copies.replaces ? "replaced" : "written");
    fine = keep == 0 || copies_thin(&work->copies, keep, note_deleted, work, err);
    print_end(work, started_us);
    return fine;
}

void command_backup(struct cli *cli)
{
    struct work work = {.report = &cli->report, .copies = {.folder_fd = -1, .fd = -1}};
    struct err err = {0};
    bool created;
    struct store *store =
        store_open(options_text(&cli->options, OPT_DB), STORE_LOOKING, &created, &err);

    if (!store || !back_up(&work, cli, store, &err))
        report_fail(&cli->report, &err);
    copies_close(&work.copies);
    store_close(store);
}
