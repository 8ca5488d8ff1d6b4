#include "core/ingest/ingest.h"

#include "core/base/clock.h"
#include "core/base/crash.h"
#include "core/base/stop.h"
#include "core/ingest/work.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool settle(struct ingest_result *result, enum ingest_outcome outcome, const char *reason)
{
    result->outcome = outcome;
    snprintf(result->reason, sizeof result->reason, "%s", reason);
    return true;
}

/* Turns an error before there is a batch into the outcome of this file, where it is one. */
static bool judge(const struct work *work, struct ingest_result *result, const struct err *err)
{
    result->file = work->feed.identity;
    if (err->kind == ERR_INPUT)
        return settle(result, INGEST_REFUSED, err->text);
    /* without a name of its own, standard input has only the options to blame: the command's */
    if (err->kind == ERR_CONFIG && work->feed.path)
        return settle(result, INGEST_HELD, err->text);
    return false;
}

/* Whether this file was read before: *known, and result says what became of it. */
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

/* Files of a schema are read one after the other, for a later one must not be overtaken by the rest
 * of an earlier one. */
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
             "%.900s waits for batch %" PRId64 ", whose file %.900s is not read to its end: let "
             "this user read that file, or move it away, then run the same command again",
             work->feed.source, batch_id, source);
    return settle(result, INGEST_WAITS, reason);
}

static bool load_new(struct work *work, struct ingest_result *result, struct err *err)
{
    struct batch_origin origin;
    bool settled;

    if (!feed_fingerprint(&work->feed, err)) {
        result->file = work->feed.identity;
        return settle(result, INGEST_UNREADABLE, err->text);
    }
    origin = work_origin(work);
    if (!find_earlier(work, &origin, result, &settled, err))
        return false;
    if (settled)
        return true;
    if (!find_unread(work, &origin, result, &settled, err))
        return false;
    if (settled)
        return true;
    if (!batch_begin(work->store, &origin, work->options->run_id, clock_now_ms(), &work->batch_id,
                     err))
        return false;
    crash_point(CRASH_BATCH_BEGUN);
    return work_load(work, NULL, result, err);
}

static bool ingest_feed(struct work *work, enum batch_filing filing, struct ingest_result *result,
                        struct err *err)
{
    work->schema = feed_schema(&work->feed, work->options, filing, err);
    if (!work->schema)
        return judge(work, result, err);
    if (!feed_format(&work->feed, work->options, &work->format, err))
        return judge(work, result, err);
    return load_new(work, result, err);
}

bool ingest_file(struct store *store, const struct ingest_options *options, const char *path,
                 enum batch_filing filing, struct ingest_result *result, struct err *err)
{
    bool keep = filing != BATCH_STAYS && options->leave_files;
    struct work work = {.store = store, .options = options, .filing = keep ? BATCH_KEPT : filing};
    bool ok;

    *result = (struct ingest_result){0};
    if (!feed_open(&work.feed, path, path, err)) {
        /* in an inbox others may take files away again */
        if (err->kind == ERR_INPUT || filing != BATCH_STAYS)
            return settle(result, INGEST_UNREADABLE, err->text);
        return false;
    }
    ok = ingest_feed(&work, filing, result, err);
    feed_close(&work.feed);
    return ok;
}
