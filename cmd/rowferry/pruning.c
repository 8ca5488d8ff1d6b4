/* What lies in done/ of batches that are pruned. */
#include "cmd/rowferry/pruning.h"

#include "cmd/rowferry/json_line.h"
#include "cmd/rowferry/words.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/stop.h"

#include <stdlib.h>
#include <string.h>

static void tell_file(struct pruning *pruning, const struct prune_file *file, const char *filed,
                      enum inbox_deletion end)
{
    static const char *const ends[][2] = {
        [INBOX_DELETED] = {"deleted", "would_delete"},
        [INBOX_MISSING] = {"missing", "missing"},
        [INBOX_CHANGED] = {"changed", "changed"},
    };
    struct report *report = pruning_report(pruning);
    struct buf line = {0};

    if (report->json) {
        json_line_begin(&line, "row");
        json_line_count(&line, "batch", (uint64_t)file->batch_id);
        json_line_text(&line, "file", span_of(filed));
        json_line_text(&line, "outcome", span_of(ends[end][pruning->dry_run]));
        json_line_end(&line);
        report_out(report, &line);
    } else if (end == INBOX_CHANGED) {
        words_printable(&line, filed);
        report_notice(report, "%s was changed since it was read, and stays", buf_text(&line));
    } else if (end == INBOX_DELETED && pruning->dry_run &&
               pruning->files_by_end[end] <= PRUNING_LINES) {
        words_printable(&pruning->filed, filed);
        buf_append_char(&pruning->filed, '\n');
    }
    buf_release(&line);
}

/* From done/ of the inbox that it came from. */
static bool see_to_file(struct pruning *pruning, const struct prune_file *file, bool rehearsed,
                        struct err *err)
{
    static const char *const sheets[] = {".rejected.csv", ".rejected.ndjson", ".errors.tsv", NULL};
    const struct inbox_identity identity = {file->device, file->inode, file->size, file->mtime_ns};
    char *path = mem_strdup(file->path), *name = inbox_cut_name(path, file->in_sub_folder);
    const char *slash = strrchr(name, '/');
    struct inbox_place place = {.folder = *path ? path : "/",
                                .name = slash ? slash + 1 : name,
                                .sub = "done",
                                .batch_id = file->batch_id,
                                .file = &identity};
    char found[INBOX_NAME_SIZE], *filed;
    enum inbox_deletion end;
    bool fine =
        inbox_place_delete(&place, file->has_sheets ? sheets : sheets + 3, rehearsed, found, &end,
                           err) &&
        (rehearsed || prune_file_done(pruning->session.store, file->batch_id, clock_now_ms(), err));

    filed = mem_printf("%s/done/%s", path, found);
    if (fine) {
        pruning->files_by_end[end]++;
        if (rehearsed == pruning->dry_run)
            tell_file(pruning, file, filed, end);
    }
    free(filed);
    free(path);
    return fine;
}

/* Whether the plan, which is ascending, has that batch among those that go. */
static bool plan_has(const struct prune_plan *plan, int64_t batch_id, size_t *at)
{
    while (*at < plan->count && plan->items[*at].batch_id < batch_id)
        ++*at;
    return *at < plan->count && plan->items[*at].batch_id == batch_id &&
           plan->items[*at].fate == PRUNE_GOES;
}

bool pruning_files(struct pruning *pruning, bool rehearsed, struct err *err)
{
    struct prune_file file = {0};
    bool found = pruning->files;
    size_t at = 0;

    memset(pruning->files_by_end, 0, sizeof pruning->files_by_end);
    while (found) {
        struct err fault = {0};

        if (stop_requested())
            return err_set(err, ERR_STOPPED, "stopped");
        if (!prune_next_file(pruning->session.store, file.batch_id, pruning->before_ms, &file,
                             &found, err))
            return false;
        if (!found || !(file.pruned || (rehearsed && plan_has(&pruning->plan, file.batch_id, &at))))
            continue;
        if (!see_to_file(pruning, &file, rehearsed, &fault) && rehearsed == pruning->dry_run)
            report_fail(pruning_report(pruning), &fault);
    }
    return true;
}
