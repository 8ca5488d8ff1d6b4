#include "core/ingest/work.h"

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/crash.h"
#include "core/base/str.h"
#include "core/ingest/pipeline.h"
#include "core/store/unfiled.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RESTARTS_MAX = 1 }; /* of a file that changes while it is read */

/* Hash and size of the file when it was read completely, compressed or not. */
struct file_end {
    uint64_t bytes;
    char hash[BATCH_HASH_SIZE];
};

/* The end of one reading of the file. */
enum reading {
    READING_DONE,
    READING_CHANGED, /* the content is not that of the fingerprint */
    READING_REFUSED, /* err says why */
    READING_FAILED,  /* err says why, and the command ends */
};

void work_write_options(const struct ingest_options *options, char text[WORK_OPTIONS_SIZE])
{
    const struct ingest_limits *limits = &options->limits;
    struct buf out = {0};

    /* schema and format have their own columns */
    if (options->delimiter)
        buf_printf(&out, "delimiter=0x%02x ", (unsigned char)options->delimiter);
    if (limits->has_errors)
        buf_printf(&out, "max-errors=%" PRIu64 " ", limits->errors);
    if (limits->has_percent)
        buf_printf(&out, "max-errors-percent=%.17g ", limits->percent);
    if (limits->rows)
        buf_printf(&out, "min-rows=%" PRIu64 " ", limits->rows);
    if (options->force)
        buf_append_text(&out, "force ");
    if (options->skip_bytes)
        buf_printf(&out, "skip=%" PRIu64 ":%s ", options->skip_bytes, options->skip_hash);
    if (*options->done_suffix)
        buf_printf(&out, "done-file=%s ", options->done_suffix);
    snprintf(text, WORK_OPTIONS_SIZE, "%s", buf_text(&out));
    buf_release(&out);
}

/* Reads a delimiter: 0x3b, or `;` or `tab` in older databases. */
static char read_delimiter(const char *text)
{
    if (strncmp(text, "0x", 2) == 0)
        return (char)strtoul(text, NULL, 16);
    return strncmp(text, "tab", 3) == 0 ? '\t' : *text;
}

void work_read_options(const char *text, struct ingest_options *options)
{
    struct ingest_limits *limits = &options->limits;

    options->delimiter = 0;
    options->force = options->tail = false;
    options->skip_bytes = 0;
    *options->done_suffix = '\0';
    *limits = (struct ingest_limits){0};
    for (; *text; text += strcspn(text, " "), text += *text == ' ') {
        const char *value = text + strcspn(text, "= ");

        value += *value == '=';
        if (str_starts(text, "delimiter=")) {
            options->delimiter = read_delimiter(value);
        } else if (str_starts(text, "max-errors=")) {
            limits->has_errors = true;
            limits->errors = strtoull(value, NULL, 10);
        } else if (str_starts(text, "max-errors-percent=")) {
            limits->has_percent = true;
            limits->percent = strtod(value, NULL);
        } else if (str_starts(text, "min-rows=")) {
            limits->rows = strtoull(value, NULL, 10);
        } else if (str_starts(text, "skip=")) {
            options->skip_bytes = strtoull(value, NULL, 10);
            value += strcspn(value, ": ");
            snprintf(options->skip_hash, sizeof options->skip_hash, "%.*s",
                     (int)strcspn(value + (*value == ':'), " "), value + (*value == ':'));
        } else if (str_starts(text, "done-file=")) {
            snprintf(options->done_suffix, sizeof options->done_suffix, "%.*s",
                     (int)strcspn(value, " "), value);
        } else if (str_starts(text, "force")) {
            options->force = true;
        }
    }
}

struct batch_origin work_origin(struct work *work)
{
    const struct feed *feed = &work->feed;
    const struct target *target = schema_target(work->schema);

    work_write_options(work->options, work->options_text);
    return (struct batch_origin){
        .source = feed->source,
        .path = feed->path,
        .schema = schema_name(work->schema),
        .target = target_own_name(target),
        .target_columns = target_own_name(target) ? target_columns(target) : NULL,
        .request_rows = target_request_rows(target),
        .schema_hash = schema_hash(work->schema),
        .format = feed_format_name(work->format),
        .options = work->options_text,
        .content_hash = feed->hash,
        .size_bytes = feed->identity.size,
        .device = feed->identity.device,
        .inode = feed->identity.inode,
        .mtime_ns = feed->identity.mtime_ns,
        .filing = work->filing,
        .rows_before = work->options->skip_rows,
    };
}

bool work_restart(struct work *work, struct err *err)
{
    struct batch_origin origin;

    if (!feed_fingerprint(&work->feed, err))
        return false;
    origin = work_origin(work);
    return batch_restart(work->store, work->batch_id, &origin, err);
}

static void report_progress(void *context, const struct batch_progress *progress)
{
    const struct work *work = context;
    const struct ingest_options *options = work->options;
    uint64_t total = work->compressed ? 0 : work->feed.identity.size, done = progress->bytes;

    if (total && done > total)
        done = total; /* it has grown */
    if (options->progress)
        options->progress(options->progress_context, work->feed.source, done, total,
                          progress->rows);
}

static enum reading failed(const struct err *err)
{
    return err->kind == ERR_INPUT || err->kind == ERR_LIMIT ? READING_REFUSED : READING_FAILED;
}

/* Moves the reader to the position of the tables; READING_DONE: it is there. */
static enum reading position_reader(struct work *work, struct reader *reader,
                                    const struct batch_progress *resume, struct err *err)
{
    struct reader_position position;
    struct span header = reader_header(reader);

    if (!resume) {
        bool keeps = schema_shape(work->schema)->keeps_before, undoes = reader_undoes(reader);

        if ((header.size > 0 && !batch_set_header(work->store, work->batch_id, header, err)) ||
            ((keeps || undoes) && !batch_mark(work->store, work->batch_id, keeps, undoes, err)))
            return READING_FAILED;
        return READING_DONE;
    }
    position = (struct reader_position){
        .bytes = resume->bytes,
        .lines = resume->lines,
        .rows = resume->rows,
    };
    memcpy(position.hash, resume->prefix_hash, sizeof position.hash);
    if (reader_resume(reader, &position, err))
        return READING_DONE;
    if (err->kind == ERR_INPUT && !err->fault)
        return READING_CHANGED;
    return failed(err);
}

/* Returns the folder of the database, which has room. */
static const char *database_folder(const struct work *work, char folder[PATH_MAX])
{
    char *slash;

    snprintf(folder, PATH_MAX, "%s", store_path(work->store));
    slash = strrchr(folder, '/');
    if (!slash)
        return ".";
    slash[slash == folder] = '\0';
    return folder;
}

static struct ingest_limits limits_of(const struct work *work)
{
    struct ingest_limits limits = work->options->limits;

    limits.most = target_description(schema_target(work->schema))->limits.rows;
    return limits;
}

static enum reading read_with(struct work *work, struct reader *reader,
                              const struct batch_progress *resume, struct pipeline_totals *totals,
                              struct file_end *end, struct err *err)
{
    enum reading reading = position_reader(work, reader, resume, err);
    const struct ingest_limits limits = limits_of(work);
    char folder[PATH_MAX];
    struct pipeline pipeline = {
        .reader = reader,
        .store = work->store,
        .lock = work->options->lock,
        .batch_id = work->batch_id,
        .limits = &limits,
        .source = work->feed.source,
        .sort_folder = resume ? NULL : database_folder(work, folder),
        .skip_bytes = resume ? 0 : work->options->skip_bytes,
        .endless = !work->feed.path,
        .committed = report_progress,
        .context = work,
    };

    if (reading != READING_DONE)
        return reading;
    if (resume && resume->rows > 0)
        totals->progress = *resume;
    pipeline.checker = checker_open(work->schema, err);
    if (!pipeline.checker)
        return READING_FAILED;
    if (!pipeline_run(&pipeline, totals, err))
        reading = failed(err);
    checker_close(pipeline.checker);
    if (reading == READING_DONE)
        feed_report_end(&work->feed, work->options, reader, schema_target(work->schema));
    reader_file(reader, end->hash, &end->bytes);
    return reading;
}

bool work_begins_with(struct work *work, const struct batch_read *batch, bool *begins,
                      struct err *err)
{
    struct reader_position position = {.bytes = batch->bytes};
    struct row_shape shape;
    struct reader *reader;

    memcpy(position.hash, batch->prefix_hash, sizeof position.hash);
    feed_shape(&work->feed, work->options, work->schema, &shape);
    if (!feed_rewind(&work->feed, err))
        return false;
    reader = reader_open(work->feed.fd, work->feed.source, work->format, &shape, err);
    *begins = reader && reader_resume(reader, &position, err);
    reader_close(reader);
    if (!*begins && (err->kind != ERR_INPUT || err->fault))
        return false;
    *err = (struct err){0};
    return feed_rewind(&work->feed, err);
}

/* Checks that the file begins with what is to be skipped: it may have been replaced. */
static bool may_skip(struct work *work, struct err *err)
{
    struct batch_read batch = {.bytes = work->options->skip_bytes};
    bool begins;

    memcpy(batch.prefix_hash, work->options->skip_hash, sizeof batch.prefix_hash);
    return work_begins_with(work, &batch, &begins, err) &&
           (begins || err_set(err, ERR_INPUT,
                              "%s no longer begins with what was read of it before: put it into "
                              "the inbox again to read all of it",
                              work->feed.source));
}

/* Reads the file once. The hash of what was read proves that it has not changed, even if size and
 * modification time are the same. */
static enum reading read_once(struct work *work, const struct batch_progress *resume,
                              struct pipeline_totals *totals, struct file_end *end, struct err *err)
{
    struct row_shape shape;
    struct reader *reader;
    enum reading reading;

    if (work->options->skip_bytes && !resume && !may_skip(work, err))
        return failed(err);
    feed_shape(&work->feed, work->options, work->schema, &shape);
    reader = reader_open(work->feed.fd, work->feed.source, work->format, &shape, err);
    if (!reader) {
        reading = failed(err);
    } else {
        feed_tell(&work->feed, work->options, reader);
        work->compressed = reader_is_compressed(reader);
        reading = read_with(work, reader, resume, totals, end, err);
    }
    reader_close(reader);
    if (reading == READING_FAILED || !work->feed.path)
        return reading;
    if (feed_changed(&work->feed) ||
        (reading == READING_DONE && strcmp(end->hash, work->feed.hash) != 0))
        return READING_CHANGED;
    return reading;
}

bool work_refuse(struct work *work, const struct batch_progress *progress, const char *reason,
                 bool over_limit, struct ingest_result *result, struct err *err)
{
    result->over_limit = over_limit;
    result->outcome = INGEST_REFUSED;
    result->batch_id = work->batch_id;
    result->rows_read = progress->rows;
    result->rows_rejected = progress->rejected;
    result->file = work->feed.identity;
    snprintf(result->reason, sizeof result->reason, "%s", reason);
    if (!store_set_durable(work->store, true, err) ||
        !batch_refuse(work->store, work->batch_id, result->reason, over_limit,
                      work->options->run_id, clock_now_ms(), err))
        return false;
    crash_point(CRASH_BATCH_REFUSED);
    return batch_discard(work->store, work->batch_id, err);
}

/* Finds whether standard input was read before: its hash is known only at its end. */
static bool known_at_end(struct work *work, const struct batch_progress *progress,
                         const struct file_end *end, struct ingest_result *result, bool *known,
                         struct err *err)
{
    char reason[128];
    int64_t earlier = 0;

    *known = false;
    if (work->feed.path || work->options->force)
        return true;
    if (!batch_known(work->store, schema_name(work->schema), end->hash, end->bytes, &earlier, err))
        return false;
    if (!earlier)
        return true;
    snprintf(reason, sizeof reason, "the same content is batch %" PRId64, earlier);
    if (!work_refuse(work, progress, reason, false, result, err))
        return false;
    *known = true;
    *result = (struct ingest_result){.outcome = INGEST_KNOWN, .batch_id = earlier};
    return true;
}

/* Opens the batch (step 3). Row counts that do not add up are a bug, and such a batch must not be
 * sent. */
static bool open_batch(struct work *work, const struct pipeline_totals *totals,
                       const struct file_end *end, struct ingest_result *result, struct err *err)
{
    struct err second = {0};
    bool known;

    if (!known_at_end(work, &totals->progress, end, result, &known, err))
        return false;
    if (known)
        return true;
    if (!store_set_durable(work->store, true, err))
        return false;
    crash_point(CRASH_BATCH_READ);
    if (!batch_open(work->store, work->batch_id, end->hash, end->bytes, work->options->run_id,
                    clock_now_ms(), err)) {
        if (err->kind == ERR_INTERNAL)
            work_refuse(work, &totals->progress, err->text, false, result, &second);
        return false;
    }
    crash_point(CRASH_BATCH_OPENED);
    *result = (struct ingest_result){
        .outcome = INGEST_LOADED,
        .batch_id = work->batch_id,
        .rows_read = totals->progress.rows,
        .rows_rejected = totals->progress.rejected,
        .jobs = totals->progress.rows - totals->progress.rejected,
        .violations = totals->violations,
        .has_sheets = totals->progress.rejected > 0,
        .file = work->feed.identity,
    };
    return true;
}

static bool count_violation(void *context, const struct rejection *rejection, struct err *err)
{
    uint64_t *count = context;

    (void)rejection;
    (void)err;
    (*count)++;
    return true;
}

/* Reads again until the file no longer changes. */
static enum reading read_steady(struct work *work, const struct batch_progress *resume,
                                struct pipeline_totals *totals, struct file_end *end,
                                struct err *err)
{
    int restarts_left = RESTARTS_MAX + (resume ? 1 : 0);

    for (;;) {
        enum reading reading;

        *totals = (struct pipeline_totals){0};
        if (resume && !batch_rejections(work->store, work->batch_id, count_violation,
                                        &totals->violations, err))
            return READING_FAILED;
        reading = read_once(work, resume, totals, end, err);
        if (reading != READING_CHANGED)
            return reading;
        if (restarts_left-- == 0) {
            err_set(err, ERR_INPUT, "%s: changed while it was read", work->feed.source);
            return READING_REFUSED;
        }
        notice_say(work->options->notices, "%s is not what it was: read from its beginning",
                   work->feed.source);
        if (!work_restart(work, err))
            return failed(err);
        resume = NULL;
    }
}

bool work_load(struct work *work, const struct batch_progress *resume, struct ingest_result *result,
               struct err *err)
{
    const struct ingest_limits limits = limits_of(work);
    struct pipeline_totals totals;
    struct file_end end = {0};
    enum reading reading;
    struct err second;
    bool ok;

    if (!store_set_durable(work->store, false, err))
        return false;
    reading = read_steady(work, resume, &totals, &end, err);
    if (reading == READING_DONE && !limits_accept(&limits, work->feed.source, totals.progress.rows,
                                                  totals.progress.rejected, err))
        reading = READING_REFUSED;
    switch (reading) {
    case READING_DONE:
        ok = open_batch(work, &totals, &end, result, err);
        break;
    case READING_REFUSED:
        ok = work_refuse(work, &totals.progress, err->text, err->kind == ERR_LIMIT, result, err);
        break;
    case READING_CHANGED:
    case READING_FAILED:
    default:
        ok = false;
        break;
    }
    if (!ok)
        store_set_durable(work->store, true, &second);
    return ok;
}
