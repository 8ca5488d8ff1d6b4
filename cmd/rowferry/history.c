/* Shows the history of one record in order: its rows, requests, answers and decisions. Takes no
 * lock. */
#include "core/store/history.h"
#include "cmd/rowferry/choice.h"
#include "cmd/rowferry/command.h"
#include "cmd/rowferry/json_line.h"
#include "cmd/rowferry/session.h"
#include "cmd/rowferry/words.h"
#include "core/base/clock.h"
#include "core/base/stop.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

struct showing {
    struct session session; /* without a run and without a lock */
    struct span record_id;
    uint64_t events;
    struct buf schema; /* of the event before */
    struct buf out;    /* a line, or a line of --json */
    int margin;        /* column of further lines of an event */
};

/* --- for people --- */

/* Appends a further line of the event, unless text is empty. */
static void append_line(struct showing *showing, const char *what, struct span text)
{
    struct buf *out = &showing->out;

    if (!text.size)
        return;
    buf_printf(out, "\n%*s%s", showing->margin, "", what);
    words_printable_span(out, text);
}

static void append_version(struct buf *out, const char *before, struct history_number version)
{
    if (version.known)
        buf_printf(out, "%sversion %" PRId64, before, version.value);
}

static void show_read(struct showing *showing, const struct history_event *event)
{
    struct buf *out = &showing->out;

    buf_append_text(out, event->kind == HISTORY_REJECTED ? "row rejected" : "row read");
    append_version(out, ": ", event->version);
    buf_printf(out, ", line %" PRId64 " of", event->line_no.value);
    append_line(showing, "", event->source);
    append_line(showing, "", event->error);
    if (showing->session.cli->report.verbose)
        append_line(showing, "", event->fields);
}

static void show_request(struct showing *showing, const struct history_event *event)
{
    struct buf *out = &showing->out;

    words_printable_span(out, event->what);
    append_version(out, " ", event->version);
    if (event->code.size && !event->version.known) {
        buf_append_text(out, " with token ");
        words_printable_span(out, event->code);
    }
    if (event->http_status.known && event->http_status.value)
        buf_printf(out, ": %" PRId64, event->http_status.value);
    else
        buf_append_text(out, event->ended_ms.known ? ": no answer"
                                                   : ": the process ended before the answer");
    if (event->latency_us.known)
        buf_printf(out, " after %.1f ms", (double)event->latency_us.value / 1000);
    buf_printf(out, ", run %" PRId64, event->run_id.value);
    append_line(showing, "", event->error);
    append_line(showing, "", event->evidence);
    append_line(showing, "correlation id ", event->correlation);
}

static void show_conflict(struct showing *showing, const struct history_event *event)
{
    struct buf *out = &showing->out;

    buf_append_text(out, "conflict: ");
    append_version(out, "submitted ", event->version);
    append_version(out, ", the server has ", event->server_version);
    if (!event->what.size)
        buf_append_text(out, ", and the record is gone");
    else if (!event->version.known && !event->server_version.known)
        buf_append_text(out, "the record has another token");
}

static void show_settled(struct showing *showing, const struct history_event *event)
{
    buf_append_text(&showing->out, "conflict settled: ");
    words_printable_span(&showing->out, event->what);
}

static void show_state(struct showing *showing, const struct history_event *event)
{
    struct buf *out = &showing->out;
    char moment[WORDS_SIZE], count[WORDS_SIZE];

    buf_append_text(out, "state: ");
    words_printable_span(out, event->what);
    append_version(out, ", server ", event->server_version);
    if (span_is(event->what, "unchanged") && !event->http_status.known)
        buf_append_text(out, ", by what was known: no request was sent");
    if (event->attempts.value)
        buf_printf(out, ", after %s",
                   words_count((uint64_t)event->attempts.value, "update", count));
    if (event->due_ms.known && event->due_ms.value > clock_now_ms())
        buf_printf(out, ", not before %s", words_time(event->due_ms.value, moment));
    if (event->waits_for.known) {
        buf_append_text(out, ", waits for ");
        choice_name(out, event->waits_for.value);
    }
    append_line(showing, "", event->code);
    append_line(showing, "", event->error);
    append_line(showing, "", event->evidence);
}

static void show_audit(struct showing *showing, const struct history_event *event)
{
    buf_append_text(&showing->out, "audit log: ");
    words_printable_span(&showing->out, event->what);
    append_line(showing, "", event->evidence);
}

static void show_notification(struct showing *showing, const struct history_event *event)
{
    struct buf *out = &showing->out;
    char count[WORDS_SIZE];

    buf_printf(out, "notification %" PRId64 ": ", event->id);
    words_printable_span(out, event->what);
    if (event->code.size) {
        buf_append_text(out, ", delivery ");
        words_printable_span(out, event->code);
    }
    if (event->attempts.known && event->attempts.value > 1)
        buf_printf(out, " after %s",
                   words_count((uint64_t)event->attempts.value, "attempt", count));
    append_line(showing, "", event->evidence);
    append_line(showing, "", event->error);
    if (showing->session.cli->report.verbose)
        append_line(showing, "", event->fields);
}

static void show_event(struct showing *showing, const struct history_event *event)
{
    static void (*const show[])(struct showing *, const struct history_event *) = {
        [HISTORY_READ] = show_read,       [HISTORY_REJECTED] = show_read,
        [HISTORY_REQUEST] = show_request, [HISTORY_CONFLICT] = show_conflict,
        [HISTORY_SETTLED] = show_settled, [HISTORY_STATE] = show_state,
        [HISTORY_AUDIT] = show_audit,     [HISTORY_NOTIFICATION] = show_notification,
    };
    struct buf *out = &showing->out;
    char moment[CLOCK_ISO_SIZE];
    size_t begin;

    if (!showing->events || !span_equal(event->schema, buf_span(&showing->schema))) {
        buf_append_text(out, showing->events > 0 ? "\n" : "");
        words_printable_span(out, event->schema);
        buf_append_char(out, ' ');
        words_printable_span(out, showing->record_id);
        buf_append_text(out, "\n\n");
    }
    begin = out->size;
    buf_printf(out, "  %s  ", clock_iso(event->at_ms, moment));
    if (event->job_id)
        choice_name(out, event->job_id);
    else
        buf_append_char(out, '-');
    buf_append_text(out, "  ");
    showing->margin = (int)(out->size - begin);
    show[event->kind](showing, event);
    buf_append_char(out, '\n');
}

/* --- for scripts --- */

#define OF(kind) (1U << HISTORY_##kind)
#define AT(name) offsetof(struct history_event, name)

enum form { FORM_TEXT, FORM_NUMBER, FORM_TIME, FORM_JOB, FORM_FIELDS };

/* The members of an event's line, in order: their kinds of event, and where the value is. */
static const struct {
    unsigned kinds;
    const char *name;
    enum form form;
    size_t place;
} members[] = {
    {OF(READ) | OF(REJECTED), "source", FORM_TEXT, AT(source)},
    {OF(READ) | OF(REJECTED), "line", FORM_NUMBER, AT(line_no)},
    {OF(READ), "version", FORM_NUMBER, AT(version)},
    {OF(READ), "fields", FORM_FIELDS, AT(fields)},
    {OF(REJECTED), "messages", FORM_TEXT, AT(error)},
    {OF(REQUEST), "method", FORM_TEXT, AT(what)},
    {OF(REQUEST), "sent_version", FORM_NUMBER, AT(version)},
    {OF(REQUEST), "sent_token", FORM_TEXT, AT(code)},
    {OF(REQUEST), "run", FORM_NUMBER, AT(run_id)},
    {OF(REQUEST), "ended", FORM_TIME, AT(ended_ms)},
    {OF(REQUEST), "latency_us", FORM_NUMBER, AT(latency_us)},
    {OF(CONFLICT), "submitted_version", FORM_NUMBER, AT(version)},
    {OF(SETTLED), "resolution", FORM_TEXT, AT(what)},
    {OF(STATE), "state", FORM_TEXT, AT(what)},
    {OF(CONFLICT) | OF(STATE), "server_version", FORM_NUMBER, AT(server_version)},
    {OF(REQUEST) | OF(STATE), "http_status", FORM_NUMBER, AT(http_status)},
    {OF(STATE), "error_code", FORM_TEXT, AT(code)},
    {OF(STATE), "error_message", FORM_TEXT, AT(error)},
    {OF(REQUEST), "error", FORM_TEXT, AT(error)},
    {OF(REQUEST), "evidence", FORM_TEXT, AT(evidence)},
    {OF(REQUEST), "correlation_header", FORM_TEXT, AT(correlation)},
    {OF(STATE), "server_violations", FORM_TEXT, AT(evidence)},
    {OF(STATE), "attempts", FORM_NUMBER, AT(attempts)},
    {OF(STATE), "not_before", FORM_TIME, AT(due_ms)},
    {OF(STATE), "waits_for", FORM_JOB, AT(waits_for)},
    {OF(NOTIFICATION), "state", FORM_TEXT, AT(what)},
    {OF(NOTIFICATION), "reason", FORM_TEXT, AT(evidence)},
    {OF(NOTIFICATION), "delivery", FORM_TEXT, AT(code)},
    {OF(NOTIFICATION), "attempts", FORM_NUMBER, AT(attempts)},
    {OF(NOTIFICATION), "not_before", FORM_TIME, AT(due_ms)},
    {OF(NOTIFICATION), "http_status", FORM_NUMBER, AT(http_status)},
    {OF(NOTIFICATION), "error", FORM_TEXT, AT(error)},
    {OF(NOTIFICATION), "body", FORM_TEXT, AT(fields)},
    {OF(AUDIT), "verdict", FORM_TEXT, AT(what)},
    {OF(AUDIT), "run", FORM_NUMBER, AT(run_id)},
    {OF(AUDIT), "entry", FORM_TEXT, AT(evidence)},
};

static void add_number(struct buf *line, const char *name, enum form form,
                       const struct history_number *number)
{
    if (number->known && form == FORM_TIME)
        json_line_time(line, name, number->value);
    else if (number->known && form == FORM_JOB)
        json_line_job(line, name, number->value);
    else
        json_line_known(line, name, number->known, number->value);
}

/* Every line has all members of its kind of event. */
static void show_json(struct showing *showing, const struct history_event *event)
{
    static const char *const names[] = {
        [HISTORY_READ] = "read",       [HISTORY_REJECTED] = "rejected",
        [HISTORY_REQUEST] = "request", [HISTORY_CONFLICT] = "conflict",
        [HISTORY_SETTLED] = "settled", [HISTORY_STATE] = "state",
        [HISTORY_AUDIT] = "audit",     [HISTORY_NOTIFICATION] = "notification",
    };
    struct buf *line = &showing->out;

    json_line_begin(line, "row");
    json_line_text(line, "event", span_of(names[event->kind]));
    json_line_time(line, "at", event->at_ms);
    json_line_text(line, "schema", event->schema);
    json_line_text(line, "record_id", showing->record_id);
    if (event->job_id)
        json_line_job(line, "job", event->job_id);
    else
        json_line_count(line, "notification", (uint64_t)event->id);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const void *value = (const char *)event + members[i].place;

        if (!(members[i].kinds & 1U << event->kind))
            continue;
        if (members[i].form == FORM_TEXT) {
            json_line_text(line, members[i].name, *(const struct span *)value);
        } else if (members[i].form == FORM_FIELDS) { /* an object already */
            buf_append_text(line, ", \"fields\": ");
            buf_append_json_text(line, event->fields);
        } else {
            add_number(line, members[i].name, members[i].form, value);
        }
    }
    json_line_end(line);
}

/* --- both --- */

static bool take_event(void *context, const struct history_event *event, struct err *err)
{
    struct showing *showing = context;
    struct report *report = &showing->session.cli->report;

    if (stop_requested())
        return err_set(err, ERR_STOPPED, "stopped");
    if (report->json)
        show_json(showing, event);
    else
        show_event(showing, event);
    report_out(report, &showing->out);
    showing->events++;
    buf_reset(&showing->schema);
    buf_append_span(&showing->schema, event->schema);
    return true;
}

static bool show_all(struct showing *showing, struct err *err)
{
    const struct options *options = &showing->session.cli->options;
    const char *schema = options_text(options, OPT_SCHEMA);
    struct report *report = &showing->session.cli->report;
    struct buf record = {0};
    bool fine;

    report_hold(report);
    fine = history_record(showing->session.store, showing->record_id, schema, take_event, showing,
                          err);
    if (!report_release(report, fine, err))
        return false;
    if (showing->events > 0)
        return true;
    words_printable_span(&record, showing->record_id);
    err_set(err, ERR_CONFIG, "record '%s'%s%s has no row in '%s': check its id", buf_text(&record),
            schema ? " of " : "", schema ? schema : "", store_path(showing->session.store));
    buf_release(&record);
    return false;
}

void command_history(struct cli *cli)
{
    const struct options *options = &cli->options;
    struct showing showing = {.session = {.cli = cli}};
    struct err err = {0};

    if (options->path_count == 0) {
        report_error(&cli->report, ERR_CONFIG, "no record is named: see rowferry history --help");
        return;
    }
    showing.record_id = span_of(options->paths[0]);
    if (session_look(&showing.session) && !show_all(&showing, &err))
        report_fail(&cli->report, &err);
    buf_release(&showing.schema);
    buf_release(&showing.out);
    session_release(&showing.session);
}
