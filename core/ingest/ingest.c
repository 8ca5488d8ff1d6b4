#include "core/ingest/ingest.h"

#include "core/base/clock.h"
#include "core/base/crash.h"
#include "core/base/mem.h"
#include "core/ingest/checksum.h"
#include "core/ingest/work.h"
#include "core/store/filed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool settle(struct ingest_result *result, enum ingest_outcome outcome, const char *reason)
{
    result->outcome = outcome;
    snprintf(result->reason, sizeof result->reason, "%s", reason);
    return true;
}

/* Turns an error before there is a batch into the outcome of this file, if it concerns only the
 * file. */
static bool refuse(const struct work *work, struct ingest_result *result, const struct err *err)
{
    result->file = work->feed.identity;
    if (err->kind == ERR_INPUT)
        return settle(result, INGEST_REFUSED, err->text);
    /* standard input has no name: the options of the command are wrong */
    if (err->kind == ERR_CONFIG && work->feed.path)
        return settle(result, INGEST_HELD, err->text);
    return false;
}

/* Finds whether this file was read before: *known, and result has its outcome. */
static bool find_earlier(struct work *work, const struct batch_origin *origin,
                         struct ingest_result *result, bool *known, struct err *err)
{
    struct batch_waiting waiting = {0};
    int64_t earlier = 0;

    *known = false;
    if (!work->feed.path || work->options->force)
        return true;
    if (origin->filing != BATCH_STAYS && !batch_waiting(work->store, origin, &waiting, err))
        return false;
    if (!waiting.id && !batch_known(work->store, origin->schema, origin->content_hash,
                                    origin->size_bytes, &earlier, err))
        return false;
    *known = waiting.id || earlier;
    if (!*known)
        return true;
    *result = (struct ingest_result){
        .outcome = waiting.refused ? INGEST_REFUSED : INGEST_KNOWN,
        .batch_id = waiting.id ? waiting.id : earlier,
        .over_limit = waiting.over_limit,
        .has_sheets = waiting.rows_rejected > 0,
        .file = work->feed.identity,
    };
    snprintf(result->reason, sizeof result->reason, "%s", waiting.reason);
    return true;
}

/* Files of a schema are read one after the other: the rest of an earlier one must not follow a
 * later one. */
static bool find_unread(struct work *work, const struct batch_origin *origin,
                        struct ingest_result *result, bool *waits, struct err *err)
{
    char reason[ERR_TEXT_SIZE];
    const char *source;
    int64_t batch_id;

    if (!batch_loading(work->store, origin->schema, &batch_id, &source, err))
        return false;
    *waits = batch_id != 0;
    if (!*waits)
        return true;
    snprintf(reason, sizeof reason,
             "%.900s waits for batch %" PRId64 ", whose file %.900s is not read completely: let "
             "this user read that file, or move it away, then run the same command again",
             work->feed.source, batch_id, source);
    return settle(result, INGEST_WAITS, reason);
}

static void skip_what_was_read(struct work *work, const struct batch_read *batch, bool grew)
{
    work->own.skip_bytes = batch->bytes;
    memcpy(work->own.skip_hash, batch->prefix_hash, sizeof work->own.skip_hash);
    work->own.skip_rows = batch->rows;
    if (grew)
        notice_say(work->own.notices,
                   "%s grew since it was read as batch %" PRId64 ": only what came since is read",
                   work->feed.source, batch->id);
}

/* Finds the batch of a file that is in an inbox again, or still, because it grew. */
static bool find_shorter(struct work *work, const struct batch_origin *origin, struct err *err)
{
    struct batch_read batch;
    bool begins = false;

    if (work->filing == BATCH_STAYS || work->own.force)
        return true;
    if (!batch_read_shorter(work->store, origin, &batch, err))
        return false;
    if (!batch.id)
        return true;
    if (!work_begins_with(work, &batch, &begins, err))
        return false;
    if (begins)
        skip_what_was_read(work, &batch, true);
    return true;
}

static bool load_new(struct work *work, struct ingest_result *result, struct err *err)
{
    char reason[ERR_TEXT_SIZE];
    struct batch_origin origin;
    bool settled, fits = true;

    if ((work->filing != BATCH_STAYS && !checksum_check(&work->feed, &fits, reason, err)) ||
        !feed_fingerprint(&work->feed, err)) {
        if (err->kind != ERR_INPUT)
            return false;
        result->file = work->feed.identity;
        return settle(result, INGEST_UNREADABLE, err->text);
    }
    if (!fits)
        return settle(result, INGEST_WAITS, reason);
    origin = work_origin(work);
    if (!find_earlier(work, &origin, result, &settled, err))
        return false;
    if (settled)
        return true;
    if (!find_unread(work, &origin, result, &settled, err))
        return false;
    if (settled)
        return true;
    if (!find_shorter(work, &origin, err))
        return false;
    origin = work_origin(work);
    if (!batch_begin(work->store, &origin, work->options->run_id, clock_now_ms(), &work->batch_id,
                     err))
        return false;
    crash_point(CRASH_BATCH_BEGUN);
    return work_load(work, NULL, result, err);
}

/* Finds the batch that first read the file in done/. */
static bool find_filed(struct work *work, struct filed *filed, struct err *err)
{
    const char *name = strrchr(work->feed.path, '/') + 1;
    char *folder = mem_copy(work->feed.path, (size_t)(name - 1 - work->feed.path));
    bool found, ok = filed_at(work->store, folder, name, filed, &found, err);

    free(folder);
    if (!ok)
        return false;
    return (found && !filed->sheet && filed->batch_id) ||
           err_set(err, ERR_CONFIG,
                   "%s is not a file that this database has put into done/: --tail is for those "
                   "that grew there",
                   work->feed.source);
}

/* Notes that the file, as it is now, belongs to this batch. */
static bool note_tail(struct work *work, const struct ingest_result *result, struct err *err)
{
    const char *name = strrchr(work->feed.path, '/') + 1;
    char *folder = mem_copy(work->feed.path, (size_t)(name - 1 - work->feed.path));
    const struct filed filed = {
        .batch_id = result->batch_id,
        .folder = folder,
        .name = name,
        .device = result->file.device,
        .inode = result->file.inode,
        .size = result->file.size,
        .mtime_ns = result->file.mtime_ns,
    };
    bool ok = filed_note(work->store, &filed, clock_now_ms(), err);

    free(folder);
    return ok;
}

/* Schema, format and dialect are those of the batch; limits on rows are for whole files. */
static bool prepare_tail(struct work *work, struct ingest_result *result, bool *begins,
                         struct err *err)
{
    struct ingest_limits limits = work->own.limits;
    struct batch_read batch;
    struct filed filed;
    bool grew;

    if (!find_filed(work, &filed, err) || !batch_read_as(work->store, filed.batch_id, &batch, err))
        return false;
    if (!batch.id)
        return err_set(err, ERR_CONFIG, "%s: batch %" PRId64 " was not read completely",
                       work->feed.source, filed.batch_id);
    if (!feed_fingerprint(&work->feed, err))
        return false;
    grew = strcmp(work->feed.hash, batch.content_hash) != 0;
    work->schema = catalog_find(work->options->catalog, batch.schema, err);
    if (!work->schema)
        return false;
    work->format = feed_format_of(batch.format);
    work_read_options(batch.options, &work->own);
    work->own.limits = limits;
    work->own.limits.rows = 0;
    if (!work_begins_with(work, &batch, begins, err))
        return false;
    if (*begins)
        skip_what_was_read(work, &batch, grew);
    else
        snprintf(result->reason, sizeof result->reason,
                 "%.1000s does not begin with what batch %" PRId64
                 " has read of it: if it is another file, drop it into the inbox",
                 work->feed.source, batch.id);
    return true;
}

static bool ingest_tail(struct work *work, struct ingest_result *result, struct err *err)
{
    bool begins = false;

    if (!work->feed.path)
        return err_set(err, ERR_CONFIG, "--tail needs files, and not standard input");
    if (!prepare_tail(work, result, &begins, err))
        return false;
    if (!begins) {
        result->outcome = INGEST_UNREADABLE;
        return true;
    }
    if (!load_new(work, result, err))
        return false;
    return (result->outcome != INGEST_LOADED && result->outcome != INGEST_KNOWN) ||
           note_tail(work, result, err);
}

static bool ingest_feed(struct work *work, enum batch_filing filing, struct ingest_result *result,
                        struct err *err)
{
    work->schema = feed_schema(&work->feed, work->options, filing, err);
    if (!work->schema)
        return refuse(work, result, err);
    if (!feed_format(&work->feed, work->options, &work->format, err))
        return refuse(work, result, err);
    return load_new(work, result, err);
}

bool ingest_file(struct store *store, const struct ingest_options *options, const char *path,
                 enum batch_filing filing, struct ingest_result *result, struct err *err)
{
    bool keep = filing != BATCH_STAYS && options->leave_files;
    struct work work = {.store = store, .own = *options, .filing = keep ? BATCH_KEPT : filing};
    bool ok;

    work.options = &work.own;
    *result = (struct ingest_result){0};
    if (!feed_open(&work.feed, path, path, filing != BATCH_STAYS, err)) {
        /* others can remove files from an inbox */
        if (err->kind == ERR_INPUT || filing != BATCH_STAYS)
            return settle(result, INGEST_UNREADABLE, err->text);
        return false;
    }
    ok = options->tail ? ingest_tail(&work, result, err) : ingest_feed(&work, filing, result, err);
    feed_close(&work.feed);
    return ok;
}
