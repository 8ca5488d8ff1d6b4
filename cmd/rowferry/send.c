#include "cmd/rowferry/send.h"

#include "cmd/rowferry/json_line.h"
#include "cmd/rowferry/option_value.h"
#include "cmd/rowferry/progress.h"
#include "cmd/rowferry/proxy.h"
#include "cmd/rowferry/summary.h"
#include "cmd/rowferry/unattended.h"
#include "cmd/rowferry/words.h"
#include "core/base/clock.h"
#include "core/drain/drain.h"
#include "core/store/audit.h"

#include <inttypes.h>
#include <stdio.h>

bool send_open(struct credentials *credentials, struct cli *cli)
{
    const struct options *options = &cli->options;
    struct err err = {0};

    *credentials = (struct credentials){0};
    return (credentials_resolve(credentials, options, &err) &&
            proxy_check(&credentials->environment, &err) &&
            credentials_identify(credentials, options, &err)) ||
           report_fail(&cli->report, &err);
}

/* what: the credentials are needed for. */
static bool has_credentials(const struct credentials *credentials, struct cli *cli,
                            const char *what)
{
    const struct token_client *client = &credentials->client;

    if (credentials_complete(credentials))
        return true;
    return report_error(
        &cli->report, ERR_CONFIG,
        "%s, but there are no credentials: set %s%s%s in the environment or in .env", what,
        client->id ? "" : "GENESYS_CLIENT_ID", client->id || client->secret ? "" : " and ",
        client->secret ? "" : "GENESYS_CLIENT_SECRET (or GENESYS_CLIENT_SECRET_FILE)");
}

static void log_parking(struct cli *cli, const struct drain_result *result)
{
    struct buf members = {0};
    char moment[WORDS_SIZE];

    json_line_time(&members, "until", result->parked_until_ms);
    json_line_text(&members, "reason", span_of(result->reason));
    report_event(&cli->report, "parked", &members, "parked until %s: %s",
                 words_time(result->parked_until_ms, moment), result->reason);
    buf_release(&members);
}

static void report_end(struct cli *cli, const struct drain_result *result)
{
    char span[WORDS_SIZE];

    switch (result->end) {
    case DRAIN_FINISHED:
        break;
    case DRAIN_PARKED:
        log_parking(cli, result);
        words_duration(result->parked_until_ms - clock_now_ms(), span);
        report_error(&cli->report, ERR_NETWORK, "parked for %s, longer than --max-wait %s: %s",
                     span, options_text(&cli->options, OPT_MAX_WAIT), result->reason);
        break;
    case DRAIN_EXHAUSTED:
        report_error(&cli->report, ERR_NETWORK, "%s", result->reason);
        break;
    case DRAIN_STOPPED:
        report_stopped(&cli->report);
        break;
    }
}

/* The progress of the drain goes to the progress line and to the metrics. */
struct watcher {
    struct session *session;
    struct progress progress;
};

static void watch_drain(void *context, const struct drain_progress *drain)
{
    struct watcher *watcher = context;
    struct session *session = watcher->session;

    progress_sending(&watcher->progress, drain);
    unattended_at_work(session->cli, session->store, session->scope, session->scope_id,
                       drain->meter);
}

/* Keeps the counts of this drain and of those before it in the run. */
static void keep_counts(struct cli *cli, struct drain_result *result)
{
    result->run.validation_failures += cli->summary->run.validation_failures;
    cli->summary->run = result->run;
    cli->summary->replies = result->meter.replies;
    cli->summary->skipped = result->meter.skipped;
    cli->summary->fetched = result->meter.fetched;
    cli->summary->drifted = result->meter.drifted;
    meter_sort(&cli->summary->replies);
    cli->unattended->metrics.meter = result->meter;
    cli->summary->learned_per_s = result->learned_per_s;
}

/* A variable that keeps run and drain from auditing does not bind `rowferry audit`. */
static double audit_share(const struct cli *cli)
{
    double share = cli->options.values[OPT_AUDIT].rate;

    return share == 0 && cli->command->bit == FOR_AUDIT ? 1 : share;
}

/* Returns what the settings say about a drain; the two texts are in the caller's buffers. */
static struct drain_options drain_options(const struct credentials *credentials,
                                          struct session *session, int64_t batch_id,
                                          struct buf *tags, struct buf *proxy)
{
    struct cli *cli = session->cli;
    const struct options *options = &cli->options;
    const struct option_value *refused = &options->values[OPT_MAX_REFUSED];

    option_value_tags(options_text(options, OPT_TAGS), tags);
    proxy_name(credentials->environment.api_url, proxy);
    return (struct drain_options){
        .lock = session->lock,
        .environment = credentials->environment,
        .client = credentials->client,
        .ca_file = options_text(options, OPT_CA_FILE),
        .proxy = proxy->size ? buf_text(proxy) : NULL,
        .user_agent = "rowferry/" ROWFERRY_VERSION,
        .source = options_text(options, OPT_SOURCE),
        .tags = buf_text(tags),
        .concurrency = (unsigned)options_number(options, OPT_CONCURRENCY),
        .rate_per_s = options->values[OPT_RATE].rate,
        .timeout_ms = options_number(options, OPT_TIMEOUT),
        .max_retries = (unsigned)options_number(options, OPT_MAX_RETRIES),
        .max_attempts = (unsigned)options_number(options, OPT_MAX_ATTEMPTS),
        .max_wait_ms = options_number(options, OPT_MAX_WAIT),
        .ignore_pause = options_flag(options, OPT_IGNORE_PAUSE),
        .has_max_refused = refused->text && !str_ends(refused->text, "%"),
        .has_max_refused_percent = refused->text && str_ends(refused->text, "%"),
        .max_refused = (uint64_t)refused->number,
        .max_refused_percent = refused->rate,
        .on_conflict = (enum policy_on_conflict)options_number(options, OPT_ON_CONFLICT),
        .audit_wait_ms = options_number(options, OPT_AUDIT_WAIT),
        .audit_share = audit_share(cli),
        .audit_ids = (unsigned)options_number(options, OPT_AUDIT_IDS),
        .audit_only = cli->command->bit == FOR_AUDIT,
        .schemas = options_text(options, OPT_SCHEMAS),
        .batch_id = batch_id,
        .run_id = session->run_id,
        .before = &cli->unattended->metrics.meter,
    };
}

static bool drain(const struct credentials *credentials, struct session *session, int64_t batch_id,
                  const struct diff_options *diff)
{
    struct cli *cli = session->cli;
    struct notice_sink notices = report_sink(&cli->report);
    struct watcher watcher = {.session = session};
    struct drain_result result = {0};
    struct buf tags = {0}, proxy = {0};
    struct drain_options options = drain_options(credentials, session, batch_id, &tags, &proxy);
    struct err err = {0};
    bool fine;

    options.diff = diff;
    if (diff)
        options.audit_share = 0;
    options.notices = &notices;
    options.progress = watch_drain;
    options.progress_context = &watcher;
    progress_begin(&watcher.progress, &cli->report);
    fine = drain_run(session->store, &options, &result, &err);
    progress_end(&watcher.progress);
    buf_release(&tags);
    buf_release(&proxy);
    keep_counts(cli, &result);
    session->over |= !fine && err.kind == ERR_LIMIT;
    if (!fine)
        return report_fail(&cli->report, &err);
    report_end(cli, &result);
    return result.end == DRAIN_FINISHED;
}

static const char looked_up[] = "applied updates are to be looked up in the audit log";

bool send_work(const struct credentials *credentials, struct session *session, int64_t batch_id)
{
    bool due = false, fine;
    struct err err = {0};
    char waiting[64] = "";
    uint64_t left;

    if (!session_count_left(session, &left))
        return false;
    if (session->cli->options.values[OPT_AUDIT].rate > 0 &&
        !audit_is_due(session->store, batch_id, &due, &err))
        return report_fail(&session->cli->report, &err);
    if (left == 0 && !due)
        return true;
    if (left)
        snprintf(waiting, sizeof waiting, "%" PRIu64 " %s waiting", left,
                 left == 1 ? "job is" : "jobs are");
    if (!has_credentials(credentials, session->cli, left ? waiting : looked_up) ||
        !session_lock(session, LOCK_DRAIN))
        return false;
    fine = drain(credentials, session, batch_id, NULL);
    session_unlock(session);
    return fine;
}

void send_audit(const struct credentials *credentials, struct session *session, int64_t batch_id)
{
    struct audit_scope scope = {.run_id = session->run_id, .batch_id = batch_id, .again = true};
    struct err err = {0};
    uint64_t jobs;

    if (!session_lock(session, LOCK_DRAIN))
        return;
    if (!audit_begin(session->store, &scope, &jobs, &err))
        report_fail(&session->cli->report, &err);
    else if (jobs > 0 && has_credentials(credentials, session->cli, looked_up))
        drain(credentials, session, batch_id, NULL);
    session_unlock(session);
}

bool send_compare(const struct credentials *credentials, struct session *session,
                  const struct diff_options *diff)
{
    return has_credentials(credentials, session->cli, "records are to be read") &&
           drain(credentials, session, 0, diff);
}
