#include "cmd/rowferry/undo.h"

#include "cmd/rowferry/choice.h"
#include "cmd/rowferry/words.h"
#include "core/base/stop.h"
#include "core/row/writer.h"
#include "core/store/undo.h"

enum { WRITE_AT_ONCE = 1 << 18, NAMED_MAX = 10 };

struct undoing {
    struct report *report;
    const struct row_shape *shape;
    const char *opening; /* of each line */
    struct buf out;
    uint64_t records, jobs;                                        /* that the rows put back */
    uint64_t open, unsettled, without_change, not_kept, overtaken; /* jobs that are left out */
    struct buf names; /* of the first that were not kept */
};

static bool take_job(void *context, const struct undo_job *job, bool *enough, struct err *err)
{
    struct undoing *undoing = context;
    const struct row row = {.record_id = job->record_id,
                            .has_version = true,
                            .version = job->version,
                            .is_undo = true,
                            .fields = job->fields};

    (void)err;
    undoing->overtaken += job->overtaken;
    if (job_state_is_open(job->state)) {
        undoing->open++;
    } else if (job->unsettled) {
        undoing->unsettled++;
    } else if (job->state != JOB_APPLIED) {
        undoing->without_change++;
    } else if (!job->kept) {
        if (undoing->not_kept < NAMED_MAX || undoing->report->verbose) {
            buf_append_text(&undoing->names, undoing->names.size ? ", " : "");
            choice_name(&undoing->names, job->job_id);
        }
        undoing->not_kept += job->jobs;
    } else {
        undoing->records++;
        undoing->jobs += job->jobs;
        writer_undo(undoing->opening, undoing->shape, &row, &undoing->out);
    }
    *enough = undoing->out.size >= WRITE_AT_ONCE;
    return true;
}

static void report_left_out(const struct undoing *undoing, const char *name)
{
    struct report *report = undoing->report;
    struct buf text = {0};
    char count[WORDS_SIZE], jobs[WORDS_SIZE];

    buf_printf(&text, "%s, which %s changed", words_count(undoing->records, "record", count),
               words_count(undoing->jobs, "job", jobs));
    if (undoing->without_change > 0)
        buf_printf(&text, "; left out: %s without a change",
                   words_count(undoing->without_change, "job", jobs));
    report_notice(report, "%s: %s", name, buf_text(&text));
    if (undoing->open > 0)
        report_notice(report,
                      "%s: left out: %s still to be sent or read back: cancel or drain the batch, "
                      "and export again",
                      name, words_count(undoing->open, "job", jobs));
    if (undoing->unsettled > 0) {
        report_notice(report,
                      "%s: left out: %s that may have changed the record: `rowferry retry` the "
                      "batch, drain it, and export again",
                      name, words_count(undoing->unsettled, "failed job", jobs));
        report_status(report, EXIT_ROWS);
    }
    if (undoing->overtaken > 0)
        report_notice(
            report, "%s: left out: %s, because someone else changed the record between our updates",
            name, words_count(undoing->overtaken, "earlier job", jobs));
    if (undoing->not_kept > 0) {
        report_notice(report, "%s: it is not known what the record held before %s: %s%s", name,
                      words_count(undoing->not_kept, "job", jobs),
                      buf_text((struct buf *)&undoing->names),
                      undoing->not_kept > NAMED_MAX && !report->verbose ? ", ..." : "");
        report_status(report, EXIT_ROWS);
    }
    buf_release(&text);
}

bool undo_write(struct session *session, int64_t batch_id, const struct export_batch *batch,
                const char *name, const struct row_shape *shape, struct err *err)
{
    const struct options *options = &session->cli->options;
    struct report *report = &session->cli->report;
    struct undoing undoing = {.report = report,
                              .shape = shape,
                              .opening = report->json ? "{\"message_type\": \"row\", " : "{"};
    struct undo_page page = {.batch_id = batch_id,
                             .states = (unsigned)options_number(options, OPT_EXPORT_STATE),
                             .record_id = options_text(options, OPT_RECORD),
                             .visit = take_job,
                             .context = &undoing};
    bool fine = true;

    if (options_number(options, OPT_EXPORT_FORMAT) == ROW_FORMAT_CSV ||
        options_flag(options, OPT_FOR_SPREADSHEET))
        return err_set(err, ERR_CONFIG, "--undo writes NDJSON only: leave out %s",
                       options_flag(options, OPT_FOR_SPREADSHEET) ? "--for-spreadsheet"
                                                                  : "--format csv");
    if (!batch->keeps_before)
        return err_set(err, ERR_CONFIG,
                       "%s: what its records held before was not kept: set \"keepBefore\": true in "
                       "the schema file before the next file is read",
                       name);
    while (fine && page.after < batch->rows) {
        if (stop_requested())
            fine = err_set(err, ERR_STOPPED, "stopped");
        fine = fine && undo_next(session->store, &page, err);
        if (fine && (undoing.out.size >= WRITE_AT_ONCE || page.after >= batch->rows))
            fine = report_stream(report, &undoing.out, err);
    }
    if (fine)
        report_left_out(&undoing, name);
    buf_release(&undoing.out);
    buf_release(&undoing.names);
    return fine;
}
