#include "cmd/rowferry/ending.h"

#include "cmd/rowferry/words.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { REPLIES_SHOWN = 5 };

#define JOBS_WHERE   "SELECT * FROM job_history WHERE "
#define FAILED_WHERE "SELECT * FROM failed_job WHERE "

void ending_forecast(const struct cli *cli, uint64_t left, struct buf *out)
{
    const struct tally *tally = &cli->tally;
    int64_t forecast_ms = tally_forecast_ms(tally, left, cli->options.values[OPT_RATE].rate);
    char span[WORDS_SIZE];

    if (left == 0)
        return;
    if (tally->batches_loading > 0)
        buf_append_text(out, "at least ");
    words_count(out, left, "request");
    buf_append_text(out, " left");
    if (forecast_ms >= 0)
        buf_printf(out, ", about %s at ", words_duration(forecast_ms, span));
    if (tally->learned_per_s > 0)
        buf_printf(out, "%.1f/s, as the API allows", tally->learned_per_s);
    else if (forecast_ms >= 0)
        buf_append_text(out, options_text(&cli->options, OPT_RATE));
    buf_append_char(out, '\n');
}

/* Each member that is not 0, as ` (2 known already, 1 refused)`. */
static void append_files(const struct tally *tally, struct buf *out)
{
    const struct {
        uint64_t count;
        const char *what;
    } kinds[] = {
        {tally->files_known, "known already"},   {tally->files_refused, "refused"},
        {tally->files_held, "held back"},        {tally->files_unreadable, "unreadable"},
        {tally->files_growing, "still growing"}, {tally->files_left, "left alone"},
    };
    const char *separator = " (";

    words_count(out, tally->files, "file");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i].count == 0)
            continue;
        buf_printf(out, "%s%" PRIu64 " %s", separator, kinds[i].count, kinds[i].what);
        separator = ", ";
    }
    if (*separator == ',')
        buf_append_char(out, ')');
}

static void append_head(const struct session *session, struct buf *out)
{
    const struct cli *cli = session->cli;
    const struct tally *tally = &cli->tally;
    char span[WORDS_SIZE];

    buf_printf(out, "%s took %s (run %" PRId64 ")", cli->command->name,
               words_duration(tally_duration_ms(tally), span), session->run_id);
    if (cli->command->bit != FOR_DRAIN) {
        buf_append_text(out, ": ");
        append_files(tally, out);
    }
    buf_append_char(out, '\n');
}

/* What the API said when it did not do as asked, the most frequent first. */
static void append_replies(const struct meter_replies *replies, struct buf *out)
{
    uint64_t others = replies->others;

    for (unsigned i = 0; i < replies->count; i++) {
        const struct meter_reply *reply = &replies->items[i];

        if (i >= REPLIES_SHOWN) {
            others += reply->count;
            continue;
        }
        buf_printf(out, "%8" PRIu64 " x ", reply->count);
        if (reply->status)
            buf_printf(out, "%ld", reply->status);
        else
            buf_append_text(out, "no answer");
        if (reply->code[0]) {
            buf_append_char(out, ' ');
            words_printable(out, reply->code);
        }
        buf_append_text(out, ": ");
        words_printable(out, reply->message);
        buf_append_text(out, reply->varies ? " (and other messages)\n" : "\n");
    }
    if (others > 0)
        buf_printf(out, "%8" PRIu64 " x other answers\n", others);
}

static void append_metrics(const struct tally *tally, struct buf *out)
{
    const struct store_run *run = &tally->run;

    if (run->requests == 0)
        return;
    buf_append_char(out, '\n');
    words_count(out, run->requests, "request");
    buf_printf(out, ", %.1f%% errors, %" PRIu64 " throttled\n", 100 * run->error_rate,
               run->throttled);
    buf_printf(out, "latency in ms: %.1f on average, p50 %.1f, p95 %.1f, p99 %.1f\n",
               (double)run->latency_avg_us / 1000, (double)run->latency_p50_us / 1000,
               (double)run->latency_p95_us / 1000, (double)run->latency_p99_us / 1000);
    append_replies(&tally->replies, out);
}

/* A query to paste, for what a person will want to look at. */
static void append_query(const struct session *session, const char *what, bool retried,
                         const char *query, struct buf *out)
{
    struct buf text = {0};

    buf_append_text(&text, query);
    if (session->table.count == 1)
        buf_printf(&text, " %s batch_id = %" PRId64, strstr(query, "WHERE") ? "AND" : "WHERE",
                   session->table.lines[0].id);
    buf_printf(out, "\n%s", what);
    if (retried && session->table.count == 1)
        buf_printf(out, ", which `rowferry retry %" PRId64 "` sends again",
                   session->table.lines[0].id);
    else if (retried)
        buf_append_text(out, ", which `rowferry retry BATCH` sends again");
    buf_append_text(out, ":\n  sqlite3 ");
    words_quote(out, options_text(&session->cli->options, OPT_DB));
    buf_printf(out, " \"%s\"\n", buf_text(&text));
    buf_release(&text);
}

void ending_queries(const struct session *session, struct buf *out)
{
    static const struct {
        enum job_state state;
        const char *what, *query;
        bool retried; /* what `rowferry retry` is for */
    } kinds[] = {
        {JOB_CONFLICT, "The conflicts, which `rowferry resolve` settles",
         "SELECT * FROM open_conflict", false},
        {JOB_REFUSED, "The jobs that the API refused", FAILED_WHERE "state = 'refused'", true},
        {JOB_FAILED, "The jobs that failed", FAILED_WHERE "state = 'failed'", true},
        {JOB_UNKNOWN, "The jobs whose answer is missing", JOBS_WHERE "state = 'unknown'", false},
        {JOB_PENDING, "The jobs to be tried again", JOBS_WHERE "state = 'pending' AND attempts > 0",
         false},
    };
    const struct tally *tally = &session->cli->tally;

    if (tally->rows_rejected > 0)
        append_query(session, "The rejected rows", false, "SELECT * FROM rejection", out);
    /* a pending job is only a riddle when the run came to its end without it */
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (tally->by_state[kinds[i].state] > 0 &&
            (kinds[i].state != JOB_PENDING ||
             (tally->run.requests > 0 && session->cli->report.status == EXIT_INCOMPLETE)))
            append_query(session, kinds[i].what, kinds[i].retried, kinds[i].query, out);
}

/* When the same command has something left to do, what introduces it; else NULL. */
static const char *resumption(const struct tally *tally, int status)
{
    static const struct {
        int status;
        bool always; /* or only when something is known to be left */
        const char *purpose;
    } purposes[] = {
        {EXIT_INCOMPLETE, true, "To go on, the same command again:"},
        {EXIT_SIGHUP, true, "To go on, the same command again:"},
        {EXIT_SIGINT, true, "To go on, the same command again:"},
        {EXIT_SIGTERM, true, "To go on, the same command again:"},
        {EXIT_LIMIT, false, "Once that is fixed, the same command goes on:"},
        {EXIT_AUTH, true, "Once that is mended, the same command goes on:"},
        {EXIT_CONFIG, false, "Once that is mended, the same command goes on:"},
        {EXIT_STORE, false, "Once that is mended, the same command goes on:"},
        {EXIT_BUSY, true, "Once the other process has ended, the same command goes on:"},
    };
    bool left = tally_left(tally) > 0 || tally->files_held > 0 || tally->batches_loading > 0;

    for (size_t i = 0; i < sizeof purposes / sizeof *purposes; i++)
        if (purposes[i].status == status && (left || purposes[i].always))
            return purposes[i].purpose;
    return NULL;
}

/* Notes tally.next and returns what it is for, or NULL. */
static const char *note_next(struct session *session)
{
    struct cli *cli = session->cli;
    const char *purpose = resumption(&cli->tally, cli->report.status);

    if (purpose) {
        command_repeat(cli, &cli->tally.next);
        return purpose;
    }
    if (cli->command->bit == FOR_INGEST && tally_left(&cli->tally) > 0) {
        command_other(cli, FOR_DRAIN, &cli->tally.next);
        return "To send them:";
    }
    return NULL;
}

static void append_work(const struct session *session, struct buf *out)
{
    append_head(session, out);
    if (session->table.count > 0) {
        buf_append_char(out, '\n');
        batch_table_print(&session->table, report_columns(STDOUT_FILENO), out);
    }
    append_metrics(&session->cli->tally, out);
    ending_queries(session, out);
}

void ending_tell(struct session *session)
{
    struct cli *cli = session->cli;
    const char *purpose;
    struct buf out = {0};

    if (!session->store)
        return;
    purpose = note_next(session);
    if (!cli->report.json && !(cli->report.quiet && cli->report.status == EXIT_DONE)) {
        if (session->table.count > 0 || cli->tally.files > 0 || cli->report.status == EXIT_DONE)
            append_work(session, &out);
        if (out.size > 0 && (tally_left(&cli->tally) > 0 || purpose))
            buf_append_char(&out, '\n');
        ending_forecast(cli, tally_left(&cli->tally), &out);
        if (purpose)
            buf_printf(&out, "%s\n  %s\n", purpose, buf_text(&cli->tally.next));
        report_out(&cli->report, &out);
        report_flush(&cli->report);
    }
    buf_release(&out);
}
