#include "cmd/rowferry/deliver.h"

#include "cmd/rowferry/summary.h"
#include "cmd/rowferry/words.h"
#include "core/base/clock.h"
#include "core/base/stop.h"
#include "core/notify/echo.h"

#include <stdio.h>

bool deliver_open(struct deliver *deliver, struct cli *cli)
{
    const struct options *options = &cli->options;
    struct err err = {0};

    *deliver = (struct deliver){
        .endpoint = options_text(options, OPT_ERP_ENDPOINT),
        .client_id = options_text(options, OPT_CLIENT_ID),
        .delivers_echoes = options_number(options, OPT_ECHO) != 0,
    };
    /* without schema files nothing is known, and notifications go their way anyway */
    deliver->catalog = catalog_open(options_text(options, OPT_SCHEMAS), &(struct err){0});
    return ((!deliver->endpoint || sender_check(deliver->endpoint, &err)) &&
            signing_keys_read(options, OPT_ERP_SECRET, &deliver->keys, &deliver->keys_file,
                              &err)) ||
           report_fail(&cli->report, &err);
}

void deliver_release(struct deliver *deliver)
{
    signature_keys_free(deliver->keys);
    catalog_close(deliver->catalog);
    *deliver = (struct deliver){0};
}

void deliver_options(const struct deliver *deliver, const struct session *session,
                     unsigned max_tries, struct sender_options *options)
{
    const struct cli *cli = session->cli;

    *options = (struct sender_options){
        .endpoint = deliver->endpoint,
        .ca_file = options_text(&cli->options, OPT_CA_FILE),
        .user_agent = "rowferry/" ROWFERRY_VERSION,
        .keys = deliver->keys,
        .concurrency = (unsigned)options_number(&cli->options, OPT_CONCURRENCY),
        .max_tries = max_tries,
        .run_id = session->run_id,
        .max_wait_ms = max_tries > 0 ? options_number(&cli->options, OPT_MAX_WAIT) : 0,
    };
}

bool deliver_count(struct session *session, struct notification_counts *counts)
{
    struct err err = {0};

    return notification_count(session->store, counts, &err) ||
           report_fail(&session->cli->report, &err);
}

/* Jobs that notifications waited for may be finished. False: reported. */
static bool decide(const struct deliver *deliver, struct session *session)
{
    struct echo echo = {.store = session->store, .client_id = deliver->client_id};
    const struct notification_decider decider = {
        .decide = echo_of_store, .context = &echo, .delivers_echoes = deliver->delivers_echoes};
    struct err err = {0};
    uint64_t decided = 1;
    bool fine = true;

    while (fine && decided > 0)
        fine = notifications_decide(session->store, &decider, clock_now_ms(), &decided, &err);
    echo_release(&echo);
    return fine || report_fail(&session->cli->report, &err);
}

static void show_end(struct report *report, const struct sender *sender, enum sender_end end)
{
    const char *trouble = sender_trouble(sender);

    switch (end) {
    case SENDER_AT_WORK:
    case SENDER_DONE:
        break;
    case SENDER_EXHAUSTED:
        report_error(report, ERR_NETWORK,
                     "the ERP does not accept notifications (%s): run the same command again",
                     trouble);
        break;
    case SENDER_PARKED:
        report_error(report, ERR_NETWORK,
                     "the ERP asks to wait longer than --max-wait (%s): after that time, run the "
                     "same command again",
                     trouble);
        break;
    case SENDER_UNTRUSTED:
        report_error(report, ERR_CONFIG,
                     "the ERP's certificate is not trusted (%s): name its issuer with --ca-file",
                     trouble);
        break;
    }
}

/* Until nothing is due any more, or a signal comes. */
static bool run(struct sender *sender, struct session *session, struct lock *lock, struct err *err)
{
    enum sender_end end = SENDER_AT_WORK;
    bool fine = sender_begin(sender, err);

    while (fine && end == SENDER_AT_WORK) {
        bool stopping = stop_requested();

        fine = lock_look(lock, err) &&
               sender_turn(sender, stopping, 1000, stopping ? -1 : stop_fd(), &end, err);
    }
    if (stop_requested())
        report_stopped(&session->cli->report);
    if (fine)
        show_end(&session->cli->report, sender, end);
    return fine;
}

/* Under the lock, or not at all. False: another process delivers. */
static bool work(const struct deliver *deliver, struct session *session,
                 char trouble[DELIVERY_ERROR_SIZE])
{
    struct cli *cli = session->cli;
    int64_t tries = options_number(&cli->options, OPT_MAX_RETRIES);
    struct sender_options options;
    struct sender *sender;
    struct err err = {0};
    struct lock *lock = lock_take(store_path(session->store), LOCK_DELIVERY, session->run_id,
                                  cli->summary->started_ms, &err);
    bool fine = false;

    if (!lock && err.kind == ERR_BUSY) {
        report_detail(&cli->report, "notifications are left to the process that delivers them: %s",
                      err.text);
        return false;
    }
    deliver_options(deliver, session, tries > 0 ? (unsigned)tries : 1, &options);
    sender = lock ? sender_open(session->store, &options, &err) : NULL;
    if (sender) {
        fine = run(sender, session, lock, &err);
        cli->summary->notifications.delivered += sender_counts(sender)->delivered;
        cli->summary->notifications.failed += sender_counts(sender)->failed;
        snprintf(trouble, DELIVERY_ERROR_SIZE, "%s", sender_trouble(sender));
        sender_close(sender);
    }
    lock_release(lock);
    if (!fine)
        report_fail(&cli->report, &err);
    return true;
}

void deliver_work(const struct deliver *deliver, struct session *session)
{
    struct report *report = &session->cli->report;
    struct summary_notifications *summary = &session->cli->summary->notifications;
    struct notification_counts counts;
    char trouble[DELIVERY_ERROR_SIZE] = "", pending[WORDS_SIZE];

    if (!decide(deliver, session) || !deliver_count(session, &counts))
        return;
    if (counts.pending > 0 && deliver->endpoint && !stop_requested()) {
        if (!work(deliver, session, trouble) || !deliver_count(session, &counts))
            return;
        words_count(counts.pending, "notification", pending);
        if (counts.pending > 0 && report->status == EXIT_DONE && trouble[0])
            report_error(report, ERR_NETWORK,
                         "%s not delivered, the ERP's last answer: %s: run the same command again",
                         pending, trouble);
        else if (counts.pending > 0 && report->status == EXIT_DONE)
            report_error(report, ERR_NETWORK,
                         "%s not delivered before it is known whether an update of the same record "
                         "arrived: run `rowferry drain` first, then the same command again",
                         pending);
    } else if (counts.pending > 0 && !deliver->endpoint) {
        report_notice(report,
                      "%s stored and not delivered: set --erp-endpoint or ERP_ENDPOINT to the "
                      "ERP's URL",
                      words_count(counts.pending, "notification", pending));
    }
    summary->pending = counts.pending;
    if (counts.pending > 0)
        report_status(report, EXIT_INCOMPLETE);
    if (summary->failed > 0)
        report_status(report, EXIT_ROWS);
}
