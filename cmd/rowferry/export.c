/* Writes the rows of a batch with the outcome of each, as a file that can be loaded again. Takes no
 * lock. */
#include "core/store/export.h"
#include "cmd/rowferry/choice.h"
#include "cmd/rowferry/command.h"
#include "cmd/rowferry/session.h"
#include "cmd/rowferry/undo.h"
#include "cmd/rowferry/words.h"
#include "core/base/clock.h"
#include "core/base/stop.h"
#include "core/job/id.h"
#include "core/row/writer.h"
#include "core/validate/catalog.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WRITE_AT_ONCE = 1 << 18, NUMBER_SIZE = 24 };

struct exporting {
    struct session session; /* without a run and without a lock */
    int64_t batch_id;
    unsigned states;
    char name[32]; /* of the batch, for messages */
    struct export_batch batch;
    struct catalog *catalog;
    struct writer_options form;
    struct writer *writer;
    uint64_t jobs, rejected;
    struct buf out, job;
};

/* --- one row --- */

static struct span number_text(const struct export_number *number, char text[NUMBER_SIZE])
{
    if (!number->known)
        return (struct span){0};
    snprintf(text, NUMBER_SIZE, "%" PRId64, number->value);
    return span_of(text);
}

static bool put_row(struct exporting *exporting, const struct export_row *found, struct err *err)
{
    struct export_number attempts = {!found->rejected, found->attempts};
    char status[NUMBER_SIZE], version[NUMBER_SIZE], count[NUMBER_SIZE], updated[CLOCK_ISO_SIZE];
    struct row row = {.row_no = found->row_no,
                      .raw = found->raw,
                      .record_id = found->record_id,
                      .has_version = found->version.known,
                      .version = found->version.value,
                      .is_undo = exporting->batch.undoes,
                      .fields = found->fields,
                      .tags = found->tags};
    struct outcome outcome = {
        .parts = {
            [OUTCOME_STATE] = span_of(found->rejected ? "rejected" : job_state_name(found->state)),
            [OUTCOME_HTTP_STATUS] = number_text(&found->http_status, status),
            [OUTCOME_SERVER_VERSION] = number_text(&found->server_version, version),
            [OUTCOME_ERROR_CODE] = found->error_code,
            [OUTCOME_ERROR] = found->error,
            [OUTCOME_ATTEMPTS] = number_text(&attempts, count),
            [OUTCOME_UPDATED] = span_of(clock_iso(found->updated_ms, updated)),
            [OUTCOME_AUDIT] = found->audit,
        }};

    buf_reset(&exporting->job);
    choice_name(&exporting->job, id_of(exporting->batch_id, found->row_no));
    outcome.parts[OUTCOME_JOB] = buf_span(&exporting->job);
    if (!found->rejected)
        return writer_job(exporting->writer, &row, &outcome, &exporting->out, err);
    writer_rejected(exporting->writer, &row, &outcome, &exporting->out);
    return true;
}

static bool take_row(void *context, const struct export_row *row, bool *enough, struct err *err)
{
    struct exporting *exporting = context;

    exporting->jobs += !row->rejected;
    exporting->rejected += row->rejected;
    if (!put_row(exporting, row, err))
        return false;
    *enough = exporting->out.size >= WRITE_AT_ONCE;
    return true;
}

/* --- all of them --- */

/* Writes nothing while it reads the database, so that a slow reader of the output blocks nobody. */
static bool write_rows(struct exporting *exporting, struct err *err)
{
    struct report *report = &exporting->session.cli->report;
    struct export_page page = {.batch_id = exporting->batch_id,
                               .states = exporting->states,
                               .record_id =
                                   options_text(&exporting->session.cli->options, OPT_RECORD),
                               .visit = take_row,
                               .context = exporting};

    writer_begin(exporting->writer, &exporting->out);
    while (page.after < exporting->batch.rows) {
        if (stop_requested())
            return err_set(err, ERR_STOPPED, "stopped");
        if (!export_next(exporting->session.store, &page, err) ||
            (exporting->out.size >= WRITE_AT_ONCE && !report_stream(report, &exporting->out, err)))
            return false;
    }
    return report_stream(report, &exporting->out, err);
}

static bool choose_format(struct exporting *exporting, const struct options *options,
                          struct err *err)
{
    enum row_format asked = (enum row_format)options_number(options, OPT_EXPORT_FORMAT);
    bool json = options_flag(options, OPT_JSON);
    struct writer_options *form = &exporting->form;
    const char *format = buf_text(&exporting->batch.format);

    form->source = strcmp(format, "csv") == 0 ? ROW_FORMAT_CSV : ROW_FORMAT_NDJSON;
    form->format = asked ? asked : form->source;
    form->for_spreadsheet = options_flag(options, OPT_FOR_SPREADSHEET);
    form->opening = json ? "{\"message_type\": \"row\", " : "{";
    if (form->for_spreadsheet && !asked)
        form->format = ROW_FORMAT_CSV;
    if (form->for_spreadsheet && (json || form->format != ROW_FORMAT_CSV))
        return err_set(err, ERR_CONFIG, "--for-spreadsheet writes CSV only: leave out %s",
                       json ? "--json" : "--format ndjson");
    if (json && asked == ROW_FORMAT_CSV)
        return err_set(err, ERR_CONFIG,
                       "--json writes JSON lines, not CSV: leave out --json or --format csv");
    if (json)
        form->format = ROW_FORMAT_NDJSON;
    if (json || form->format == form->source || !exporting->batch.rejected ||
        !(exporting->states & EXPORT_REJECTED))
        return true;
    return err_set(
        err, ERR_CONFIG,
        "%s: rejected rows can only be written in the format of their file: use --format "
        "%s, or leave them out with --state jobs",
        exporting->name, format);
}

/* Finds the shape of the batch's schema. Without a schema file there is none, and that is an error
 * only where it is needed. */
static bool find_shape(struct exporting *exporting, bool needed, struct err *err)
{
    const struct options *options = &exporting->session.cli->options;
    const struct schema *schema = NULL;

    exporting->catalog = catalog_open(options_text(options, OPT_SCHEMAS), err);
    if (exporting->catalog)
        schema = catalog_find(exporting->catalog, buf_text(&exporting->batch.schema), err);
    if (!schema && needed)
        return false;
    *err = (struct err){0};
    if (schema && !target_check_parts(schema_target(schema), buf_span(&exporting->batch.schema),
                                      &exporting->batch.parts, err))
        return false;
    exporting->form.shape = schema ? schema_shape(schema) : NULL;
    return true;
}

static bool open_writer(struct exporting *exporting, struct err *err)
{
    struct writer_options *form = &exporting->form;
    bool csv = form->format == ROW_FORMAT_CSV || form->source == ROW_FORMAT_CSV;

    form->name = exporting->name;
    form->header = buf_span(&exporting->batch.header);
    if (!find_shape(exporting, csv, err))
        return false;
    exporting->writer = writer_open(form, err);
    return exporting->writer != NULL;
}

static bool work(struct exporting *exporting, struct err *err)
{
    struct session *session = &exporting->session;
    const struct options *options = &session->cli->options;

    bool undo = options_flag(options, OPT_UNDO);

    return export_batch(session->store, exporting->batch_id, &exporting->batch, err) &&
           (undo ? find_shape(exporting, false, err) &&
                       undo_write(session, exporting->batch_id, &exporting->batch, exporting->name,
                                  exporting->form.shape, err)
                 : choose_format(exporting, options, err) && open_writer(exporting, err) &&
                       write_rows(exporting, err)) &&
           summary_batches(session->store, SUMMARY_ONE, exporting->batch_id, session_count_batch,
                           session, err);
}

void command_export(struct cli *cli)
{
    const struct options *options = &cli->options;
    struct exporting exporting = {
        .session = {.cli = cli},
        .states = (unsigned)options_number(options, OPT_EXPORT_STATE),
    };
    char jobs[WORDS_SIZE], rejected[WORDS_SIZE];
    enum batch_state state;
    struct err err = {0};

    if (!choice_batch(cli, &exporting.batch_id))
        return;
    snprintf(exporting.name, sizeof exporting.name, "batch %" PRId64, exporting.batch_id);
    if (session_look(&exporting.session) &&
        session_find_read_batch(&exporting.session, exporting.batch_id, "export", &state) &&
        !work(&exporting, &err))
        report_fail(&cli->report, &err);
    else if (cli->report.status == EXIT_DONE && !options_flag(options, OPT_UNDO))
        report_notice(&cli->report, "%s: %s and %s", exporting.name,
                      words_count(exporting.jobs, "job", jobs),
                      words_count(exporting.rejected, "rejected row", rejected));
    writer_close(exporting.writer);
    catalog_close(exporting.catalog);
    export_batch_release(&exporting.batch);
    buf_release(&exporting.out);
    buf_release(&exporting.job);
    session_release(&exporting.session);
}
