/* Checks a file without a database. */
#include "core/ingest/validate.h"

#include "core/base/stop.h"
#include "core/ingest/duplicates.h"
#include "core/ingest/feed.h"
#include "core/ingest/sieve.h"
#include "core/validate/checker.h"

#include <stdio.h>

enum { LOOK_EVERY_ROWS = 4096 };

/* A file that is checked. */
struct trial {
    const struct target *target;
    const struct ingest_options *options;
    struct feed feed;
    struct reader *reader;
    struct checker *checker;
    struct sieve *sieve; /* NULL: standard input, which cannot be read twice */
    uint64_t sieve_full_line;
    struct duplicates *duplicates;
    bool (*visit)(void *context, const struct row *row, const struct violations *violations,
                  struct err *err);
    void *context;
    struct ingest_result *result;
    const char *schema;
};

static bool look_up(const struct trial *trial, struct err *err)
{
    const struct ingest_options *options = trial->options;
    struct reader_position position;

    if (options->progress) {
        reader_position(trial->reader, &position);
        options->progress(options->progress_context, trial->feed.source, position.bytes,
                          reader_is_compressed(trial->reader) ? 0 : trial->feed.identity.size,
                          position.rows);
    }
    if (stop_requested())
        return err_set(err, ERR_STOPPED, "stopped after row %llu",
                       (unsigned long long)trial->result->rows_read);
    return true;
}

/* Notes the record id of a row. Ids of standard input are compared at once; those of a file first
 * by hashes, at half the cost, which is enough if none is repeated. */
static void note_record(struct trial *trial, const struct row *row)
{
    if (!trial->sieve)
        duplicates_add(trial->duplicates, row);
    else if (!sieve_add(trial->sieve, row->record_id) && !trial->sieve_full_line)
        trial->sieve_full_line = row->line_no;
}

static bool try_row(struct trial *trial, const struct row *row, struct violations *violations,
                    struct err *err)
{
    struct ingest_result *result = trial->result;

    if (!checker_check(trial->checker, row, violations, err))
        return false;
    result->rows_read++;
    if (violations->count == 0) {
        result->jobs++;
        note_record(trial, row);
        if (trial->options->accept &&
            !trial->options->accept(trial->options->accept_context, trial->schema, row, err))
            return false;
    } else {
        result->rows_rejected++;
        result->violations += violations->count;
        if (trial->visit && !trial->visit(trial->context, row, violations, err))
            return false;
    }
    return result->rows_read % LOOK_EVERY_ROWS != 0 || look_up(trial, err);
}

/* Compares a row of the second reading if its id can be repeated. */
static bool compare_row(struct trial *trial, const struct row *row, struct violations *violations,
                        struct err *err)
{
    if (row->row_no % LOOK_EVERY_ROWS == 0 && !look_up(trial, err))
        return false;
    if (violations->count > 0 || !sieve_holds(trial->sieve, row->record_id))
        return true;
    if (!checker_check(trial->checker, row, violations, err))
        return false;
    if (violations->count == 0)
        duplicates_add(trial->duplicates, row);
    return true;
}

static bool each_row(struct trial *trial,
                     bool (*take)(struct trial *trial, const struct row *row,
                                  struct violations *violations, struct err *err),
                     struct err *err)
{
    struct violations violations = {0};
    struct row row = {0};
    enum row_step step = ROW_STEP_ROW;
    bool ok = true;

    while (ok && step == ROW_STEP_ROW) {
        step = reader_next(trial->reader, &row, &violations, err);
        if (step == ROW_STEP_ROW)
            ok = take(trial, &row, &violations, err);
    }
    violations_release(&violations);
    return ok && step == ROW_STEP_END;
}

static bool compare_again(struct trial *trial, enum row_format format,
                          const struct row_shape *shape, struct err *err)
{
    reader_close(trial->reader);
    trial->reader = NULL;
    if (!feed_rewind(&trial->feed, err))
        return false;
    trial->reader = reader_open(trial->feed.fd, trial->feed.source, format, shape, err);
    return trial->reader && each_row(trial, compare_row, err);
}

static bool report_duplicates(struct trial *trial, enum row_format format,
                              const struct row_shape *shape, struct err *err)
{
    bool again = trial->sieve && sieve_end(trial->sieve);
    bool same;

    feed_report_end(&trial->feed, trial->options, trial->reader, trial->target);
    same = !again || compare_again(trial, format, shape, err);

    if (!same && err->kind != ERR_INPUT)
        return false;
    /* a file that was read just now can only be invalid if it has changed */
    if (!same || (again && feed_changed(&trial->feed))) {
        notice_say(trial->options->notices,
                   "%s: changed while it was read, so records with several rows are not reported",
                   trial->feed.source);
        return true;
    }
    if (trial->sieve_full_line > 0)
        duplicates_miss(trial->duplicates, trial->sieve_full_line);
    duplicates_tell(trial->duplicates, trial->feed.source, trial->options->notices);
    return true;
}

static bool try_rows(struct trial *trial, enum row_format format, const struct row_shape *shape,
                     struct err *err)
{
    const struct ingest_result *result = trial->result;
    struct ingest_limits limits = trial->options->limits;
    bool ok;

    limits.most = target_description(trial->target)->limits.rows;
    trial->sieve = trial->feed.path ? sieve_open(SIEVE_IDS_MAX) : NULL;
    trial->duplicates = duplicates_open(DUPLICATES_BYTES_MAX, shape->version_required);
    ok =
        each_row(trial, try_row, err) &&
        limits_accept(&limits, trial->feed.source, result->rows_read, result->rows_rejected, err) &&
        report_duplicates(trial, format, shape, err);
    duplicates_close(trial->duplicates);
    sieve_close(trial->sieve);
    return ok;
}

static bool try_feed(struct trial *trial, struct err *err)
{
    const struct schema *schema = feed_schema(&trial->feed, trial->options, BATCH_STAYS, err);
    struct row_shape shape;
    enum row_format format;
    bool ok;

    if (!schema || !feed_format(&trial->feed, trial->options, &format, err))
        return false;
    trial->schema = schema_name(schema);
    trial->target = schema_target(schema);
    feed_shape(&trial->feed, trial->options, schema, &shape);
    trial->reader = reader_open(trial->feed.fd, trial->feed.source, format, &shape, err);
    if (trial->reader)
        feed_tell(&trial->feed, trial->options, trial->reader);
    trial->checker = trial->reader ? checker_open(schema, err) : NULL;
    ok = trial->checker && try_rows(trial, format, &shape, err);
    checker_close(trial->checker);
    reader_close(trial->reader);
    return ok;
}

static bool settle(struct ingest_result *result, enum ingest_outcome outcome, const struct err *err)
{
    result->outcome = outcome;
    result->over_limit = err->kind == ERR_LIMIT;
    result->jobs = 0;
    snprintf(result->reason, sizeof result->reason, "%s", err->text);
    return true;
}

bool ingest_validate(const struct ingest_options *options, const char *path,
                     bool (*visit)(void *context, const struct row *row,
                                   const struct violations *violations, struct err *err),
                     void *context, struct ingest_result *result, struct err *err)
{
    struct trial trial = {.options = options, .visit = visit, .context = context, .result = result};
    bool ok, named;

    *result = (struct ingest_result){0};
    if (!feed_open(&trial.feed, path, path, false, err))
        return err->kind == ERR_INPUT && settle(result, INGEST_UNREADABLE, err);
    ok = try_feed(&trial, err);
    result->file = trial.feed.identity;
    named = trial.feed.path != NULL;
    feed_close(&trial.feed);
    if (!ok && (err->kind == ERR_INPUT || err->kind == ERR_LIMIT))
        return settle(result, INGEST_REFUSED, err);
    if (!ok && err->kind == ERR_CONFIG && named)
        return settle(result, INGEST_HELD, err);
    return ok;
}
