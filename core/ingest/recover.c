/* Batches that an earlier process left half loaded, half discarded, or not filed. */
#include "core/ingest/recover.h"

#include "core/base/mem.h"
#include "core/ingest/filing.h"
#include "core/ingest/work.h"
#include "core/store/unfiled.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A copy of a batch_unfinished, which is valid while the store is used. */
struct leftover {
    struct batch_unfinished batch;
    char *source, *path, *schema, *schema_hash, *format, *options, *content_hash, *reason;
};

static void leftover_keep(struct leftover *left, const struct batch_unfinished *batch)
{
    left->batch = *batch;
    left->source = mem_strdup(batch->origin.source);
    left->path = mem_strdup(batch->origin.path);
    left->schema = mem_strdup(batch->origin.schema);
    left->schema_hash = mem_strdup(batch->origin.schema_hash);
    left->format = mem_strdup(batch->origin.format);
    left->options = mem_strdup(batch->origin.options);
    left->content_hash = mem_strdup(batch->origin.content_hash);
    left->reason = mem_strdup(batch->reason);
}

static void leftover_release(struct leftover *left)
{
    free(left->source);
    free(left->path);
    free(left->schema);
    free(left->schema_hash);
    free(left->format);
    free(left->options);
    free(left->content_hash);
    free(left->reason);
}

static struct inbox_identity identity_of(const struct leftover *left)
{
    return (struct inbox_identity){
        .device = left->batch.origin.device,
        .inode = left->batch.origin.inode,
        .size = left->batch.origin.size_bytes,
        .mtime_ns = left->batch.origin.mtime_ns,
    };
}

static void fill_result(const struct leftover *left, enum ingest_outcome outcome,
                        const char *reason, struct ingest_result *result)
{
    const struct batch_progress *progress = &left->batch.progress;

    *result = (struct ingest_result){
        .outcome = outcome,
        .batch_id = left->batch.id,
        .rows_read = progress->rows,
        .rows_rejected = progress->rejected,
        .jobs = outcome == INGEST_LOADED ? progress->rows - progress->rejected : 0,
        .over_limit = left->batch.over_limit,
        .has_sheets = progress->rejected > 0,
        .file = identity_of(left),
    };
    snprintf(result->reason, sizeof result->reason, "%s", reason);
}

static bool refuse(struct work *work, const struct leftover *left, const char *reason,
                   struct ingest_result *result, struct err *err)
{
    if (!work_refuse(work, &left->batch.progress, reason, false, result, err))
        return false;
    result->file = identity_of(left);
    return true;
}

/* Refuses a batch that cannot be completed: its file is gone, or was a stream. */
static bool vanished(struct work *work, const struct leftover *left, struct ingest_result *result,
                     struct err *err)
{
    char reason[ERR_TEXT_SIZE];

    snprintf(reason, sizeof reason, "%.1900s: source vanished at row %u; give the whole file again",
             left->source, left->batch.progress.rows);
    return refuse(work, left, reason, result, err);
}

/* Refuses a batch whose rows would be sent after newer ones. Older databases can have one. */
static bool overtaken(struct work *work, const struct leftover *left, int64_t newer,
                      struct ingest_result *result, struct err *err)
{
    char reason[ERR_TEXT_SIZE];

    snprintf(reason, sizeof reason,
             "%.1800s: batch %" PRId64 " of its schema was read after it was begun, and can hold "
             "newer values: if its rows are still wanted, put it into the inbox again",
             left->source, newer);
    return refuse(work, left, reason, result, err);
}

/* Finds whether the file at the path was replaced by one that a batch has already. */
static bool replaced_by_known(struct work *work, const struct leftover *left, bool *known,
                              struct err *err)
{
    int64_t earlier = 0;

    *known = false;
    if (strcmp(work->feed.hash, left->content_hash) == 0 || work->options->force)
        return true;
    if (!batch_known(work->store, left->schema, work->feed.hash, work->feed.identity.size, &earlier,
                     err))
        return false;
    *known = earlier != 0;
    return true;
}

static bool restart(struct work *work, const struct leftover *left, struct ingest_result *result,
                    struct err *err)
{
    bool known;

    if (!feed_fingerprint(&work->feed, err))
        return err->kind == ERR_INPUT ? vanished(work, left, result, err) : false;
    if (!replaced_by_known(work, left, &known, err))
        return false;
    if (known)
        return vanished(work, left, result, err);
    return work_restart(work, err) && work_load(work, NULL, result, err);
}

static bool load_open_feed(struct work *work, const struct leftover *left,
                           struct ingest_result *result, struct err *err)
{
    struct inbox_identity begun = identity_of(left);
    bool same;

    work->format = feed_format_of(left->format);
    work->schema = catalog_find(work->options->catalog, left->schema, err);
    if (!work->schema && err->kind != ERR_CONFIG)
        return false;
    if (!work->schema) {
        fill_result(left, INGEST_HELD, err->text, result);
        return true;
    }
    same = inbox_identity_equal(&work->feed.identity, &begun) &&
           strcmp(schema_hash(work->schema), left->schema_hash) == 0;
    notice_say(work->options->notices, "batch %lld: %s of %s from row %u",
               (long long)left->batch.id, same ? "resumes reading" : "starts again", left->source,
               same ? left->batch.progress.rows + 1 : 1);
    if (!same)
        return restart(work, left, result, err);
    memcpy(work->feed.hash, left->content_hash, sizeof work->feed.hash);
    return work_load(work, left->batch.progress.rows > 0 ? &left->batch.progress : NULL, result,
                     err);
}

static bool recover_loading(struct work *work, const struct leftover *left,
                            struct ingest_result *result, struct err *err)
{
    int64_t newer;
    bool ok;

    work->batch_id = left->batch.id;
    work->filing = left->batch.origin.filing;
    work->feed.source = left->source;
    work->feed.fd = -1;
    if (!batch_newer(work->store, left->schema, left->batch.id, &newer, err))
        return false;
    if (newer)
        return overtaken(work, left, newer, result, err);
    if (!left->path)
        return vanished(work, left, result, err);
    if (!feed_open(&work->feed, left->source, left->path, work->filing != BATCH_STAYS, err)) {
        if (err->kind == ERR_CONFIG)
            return vanished(work, left, result, err);
        fill_result(left, INGEST_UNREADABLE, err->text, result);
        return true;
    }
    ok = load_open_feed(work, left, result, err);
    feed_close(&work->feed);
    return ok;
}

/* Files by the path of the batch. If the inbox is gone, there is nothing to file. */
static bool file_leftover(struct store *store, const struct ingest_options *options,
                          const struct leftover *left, const struct ingest_result *result,
                          struct err *err)
{
    char *path = mem_strdup(left->path);
    const char *name = inbox_cut_name(path, left->batch.origin.filing == BATCH_SUBFOLDER);
    const char *folder = *path ? path : "/";
    struct stat status;
    bool ok;

    if (stat(folder, &status) == 0 || errno != ENOENT)
        ok = ingest_file_away(store, options, folder, name, result, err);
    else
        ok = filing_mark(store, result, err);
    free(path);
    return ok;
}

static bool recover_one(struct store *store, const struct ingest_options *options,
                        const struct leftover *left, struct ingest_result *result, struct err *err)
{
    struct work work = {.store = store, .options = options};

    if (left->batch.state == BATCH_LOADING) {
        if (!recover_loading(&work, left, result, err))
            return false;
    } else if (left->batch.state == BATCH_REFUSED) {
        fill_result(left, INGEST_REFUSED, left->reason, result);
        if (!batch_discard(store, left->batch.id, err))
            return false;
    } else {
        fill_result(left, INGEST_LOADED, "", result);
    }
    return true;
}

/* Returns whether this command files the file. */
static bool is_filed(const struct ingest_options *options, const struct leftover *left)
{
    enum batch_filing filing = left->batch.origin.filing;

    return (filing == BATCH_INBOX || filing == BATCH_SUBFOLDER) && left->path &&
           !options->leave_files;
}

/* Takes up one batch. unmoved: the first error that concerns only one file. */
static bool recover_file(struct store *store, const struct ingest_options *options,
                         const struct leftover *left, const struct ingest_result *result,
                         struct err *unmoved, struct err *err)
{
    struct err fault = {0};

    if (!is_filed(options, left) || file_leftover(store, options, left, result, &fault))
        return true;
    if (fault.kind != ERR_CONFIG && fault.kind != ERR_INPUT && fault.kind != ERR_NETWORK) {
        *err = fault;
        return false;
    }
    if (unmoved->kind == ERR_NONE)
        *unmoved = fault;
    return true;
}

bool ingest_recover(struct store *store, const struct ingest_options *options,
                    bool (*visit)(void *context, const char *source,
                                  const struct ingest_result *result, struct err *err),
                    void *context, struct err *err)
{
    struct batch_unfinished batch;
    struct err unmoved = {0};
    int64_t after = 0;
    bool found, ok = true;

    while (ok) {
        struct leftover left;
        struct ingest_result result = {0};
        struct ingest_options begun = *options;

        if (!batch_next_unfinished(store, after, &batch, &found, err))
            return false;
        if (!found)
            break;
        after = batch.id;
        leftover_keep(&left, &batch);
        work_read_options(left.options, &begun);
        ok = recover_one(store, &begun, &left, &result, err) &&
             recover_file(store, &begun, &left, &result, &unmoved, err);
        /* one that only waits to be filed is not filed with leave_files */
        if (ok && visit && (!options->leave_files || left.batch.state == BATCH_LOADING))
            ok = visit(context, left.source, &result, err);
        leftover_release(&left);
    }
    if (ok && unmoved.kind != ERR_NONE) {
        *err = unmoved;
        return false;
    }
    return ok;
}
