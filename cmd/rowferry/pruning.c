/* What is in done/ and refused/ of batches that are pruned. */
#include "cmd/rowferry/pruning.h"

#include "cmd/rowferry/json_line.h"
#include "cmd/rowferry/words.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/store/filed.h"

#include <stdlib.h>
#include <string.h>

static void tell_file(struct pruning *pruning, const struct filed *file, const char *path,
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
        if (file->batch_id)
            json_line_count(&line, "batch", (uint64_t)file->batch_id);
        else
            json_line_text(&line, "batch", (struct span){0});
        json_line_text(&line, "file", span_of(path));
        json_line_text(&line, "outcome", span_of(ends[end][pruning->dry_run]));
        json_line_end(&line);
        report_out(report, &line);
    } else if (end == INBOX_CHANGED) {
        words_printable(&line, path);
        report_notice(report, "%s was changed since it was filed, and stays", buf_text(&line));
    } else if (end == INBOX_DELETED && pruning->dry_run &&
               pruning->files_by_end[end] <= PRUNING_LINES) {
        words_printable(&pruning->filed, path);
        buf_append_char(&pruning->filed, '\n');
    }
    buf_release(&line);
}

/* Sheets go without a word, unless somebody has changed them. */
static void count_file(struct pruning *pruning, const struct filed *file, const char *path,
                       bool rehearsed, enum inbox_deletion end)
{
    if (file->sheet && end != INBOX_CHANGED)
        return;
    pruning->files_by_end[end]++;
    if (rehearsed == pruning->dry_run)
        tell_file(pruning, file, path, end);
}

static bool see_to_file(struct pruning *pruning, const struct filed *file, bool rehearsed,
                        struct err *err)
{
    const struct inbox_identity identity = {file->device, file->inode, file->size, file->mtime_ns};
    char found[INBOX_NAME_SIZE], *path;
    enum inbox_deletion end;

    if (!inbox_filed_delete(file->folder, file->name, &identity, rehearsed, found, &end, err))
        return false;
    path = mem_printf("%s/%s", file->folder, *found ? found : "?");
    count_file(pruning, file, path, rehearsed, end);
    free(path);
    return rehearsed || filed_forget(pruning->session.store, file->id, err);
}

/* Whether the plan, which is ascending, has that batch among those that go. */
static bool plan_has(const struct prune_plan *plan, int64_t batch_id)
{
    size_t low = 0, high = plan->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (plan->items[middle].batch_id < batch_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < plan->count && plan->items[low].batch_id == batch_id &&
           plan->items[low].fate == PRUNE_GOES;
}

bool pruning_files(struct pruning *pruning, bool rehearsed, struct err *err)
{
    struct filed file = {0};
    bool found = pruning->files;

    memset(pruning->files_by_end, 0, sizeof pruning->files_by_end);
    while (found) {
        struct err fault = {0};

        if (stop_requested())
            return err_set(err, ERR_STOPPED, "stopped");
        if (!filed_next(pruning->session.store, file.id, pruning->before_ms, &file, &found, err))
            return false;
        if (!found || !(file.pruned || (rehearsed && plan_has(&pruning->plan, file.batch_id))))
            continue;
        if (!see_to_file(pruning, &file, rehearsed, &fault) && rehearsed == pruning->dry_run)
            report_fail(pruning_report(pruning), &fault);
    }
    return true;
}
