#include "cmd/rowferry/grown.h"

#include "cmd/rowferry/words.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/inbox/place.h"
#include "core/store/filed.h"

#include <stdlib.h>
#include <sys/stat.h>

enum fate { FATE_SAME, FATE_GONE, FATE_GROWN, FATE_CHANGED };

static enum fate fate_of(const struct filed *file, const char *path, struct inbox_identity *now)
{
    const struct inbox_identity then = {file->device, file->inode, file->size, file->mtime_ns};
    struct stat status;

    if (lstat(path, &status) != 0)
        return FATE_GONE;
    *now = inbox_identity_of(&status);
    if (inbox_identity_equal(now, &then))
        return FATE_SAME;
    return now->device == then.device && now->inode == then.inode && now->size > then.size
               ? FATE_GROWN
               : FATE_CHANGED;
}

static void report_change(struct cli *cli, const struct filed *file, const char *path,
                          enum fate fate, const struct inbox_identity *now)
{
    unsigned long long then = file->size, size = now->size;
    long long batch = file->batch_id;
    struct buf command = {0};

    cli_other(cli, FOR_INGEST, &command);
    buf_append_text(&command, " --tail ");
    words_quote(&command, path);
    if (str_ends(file->folder, "/refused"))
        report_error(
            &cli->report, ERR_INPUT,
            "'%s' has %llu bytes, and had %llu when it was refused: if it is complete now, "
            "move it back into the inbox",
            path, size, then);
    else if (fate == FATE_GROWN)
        report_error(
            &cli->report, ERR_INPUT,
            "'%s' grew by %llu bytes after it was read as batch %lld (%llu bytes then, %llu "
            "now): when it is complete, read the rest with %s",
            path, size - then, batch, then, size, buf_text(&command));
    else
        report_error(
            &cli->report, ERR_INPUT,
            "'%s' was changed after it was read as batch %lld (%llu bytes then, %llu now): to "
            "read it again, move it back into the inbox",
            path, batch, then, size);
    buf_release(&command);
}

static bool look_at(struct session *session, const struct filed *file, int64_t since_ms, bool first,
                    struct err *err)
{
    char *path = mem_printf("%s/%s", file->folder, file->name ? file->name : "");
    struct inbox_identity now = {0};
    enum fate fate = fate_of(file, path, &now);
    bool reported =
        (fate == FATE_GROWN || fate == FATE_CHANGED) && (first || file->filed_ms >= since_ms);

    if (reported)
        report_change(session->cli, file, path, fate, &now);
    free(path);
    /* a file that grew is reported until its rows are read, or it is moved */
    return !first || fate == FATE_GROWN || filed_unwatch(session->store, file->id, err);
}

void grown_look(struct session *session, int64_t since_ms, bool first)
{
    struct filed file = {0};
    struct err err = {0};
    bool found = true;

    while (found) {
        if (!filed_next_watched(session->store, file.id, &file, &found, &err) ||
            (found && !look_at(session, &file, since_ms, first, &err))) {
            report_fail(&session->cli->report, &err);
            return;
        }
    }
}
