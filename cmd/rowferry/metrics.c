#include "cmd/rowferry/metrics.h"

#include "cmd/rowferry/exit.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/prometheus.h"

#include <stdlib.h>
#include <string.h>

/* Every sample has both labels, so that the files of two databases, or of two commands on one
 * database, can be in one folder: the collector refuses a sample that it already has. */
struct page {
    struct buf *out;
    struct prometheus_label common[2];
    struct prometheus_labels labels;
};

void metrics_release(struct metrics *metrics)
{
    free(metrics->database);
    metrics->database = NULL;
}

static bool count_batch(void *context, const struct batch_counts *batch, struct err *err)
{
    struct metrics *metrics = context;

    (void)err;
    metrics->batches[batch->state]++;
    for (unsigned state = 0; state < JOB_STATES; state++)
        metrics->jobs[state] += batch->by_state[state];
    for (unsigned verdict = 0; verdict < VERDICTS; verdict++)
        metrics->audits[verdict] += batch->by_verdict[verdict];
    return true;
}

static bool count_rows(void *context, const struct batch_counts *batch, struct err *err)
{
    struct metrics *metrics = context;

    (void)err;
    metrics->rows_read += batch->rows_read;
    metrics->rows_rejected += batch->rows_rejected;
    return true;
}

bool metrics_ask(struct metrics *metrics, struct store *store, const char *command,
                 enum summary_scope scope, int64_t id, struct err *err)
{
    struct metrics asked = {.database = metrics->database, .known = true, .meter = metrics->meter};
    struct pause_info pause;

    if (!asked.database)
        asked.database = metrics->database = mem_strdup(store_path(store));
    if (!summary_batches(store, SUMMARY_ALL, 0, count_batch, &asked, err) ||
        !summary_batches(store, scope, id, count_rows, &asked, err) ||
        !pause_read(store, PAUSE_OF_API, clock_now_ms(), &pause, err) ||
        !notification_count(store, &asked.notifications, err) ||
        !run_last_ended(store, command, -1, &asked.last, err) ||
        !run_last_ended(store, command, EXIT_DONE, &asked.succeeded, err) ||
        !run_last_ended(store, command, EXIT_ROWS, &asked.finished, err))
        return false;
    asked.parked_until_ms = pause.until_ms;
    if (asked.finished.id < asked.succeeded.id)
        asked.finished = asked.succeeded;
    *metrics = asked;
    return true;
}

static void put_gauge(struct page *page, const char *name, const char *help, double value)
{
    prometheus_family(page->out, name, "gauge", help);
    prometheus_sample(page->out, name, &page->labels, value);
}

static void put_moment(struct page *page, const char *name, const char *help, int64_t moment_ms)
{
    put_gauge(page, name, help, (double)moment_ms / 1000);
}

static void put_own(struct page *page, const char *name, const char *label, const char *value,
                    uint64_t count)
{
    struct prometheus_labels labels = page->labels;

    labels.own = (struct prometheus_label){label, value};
    prometheus_sample(page->out, name, &labels, (double)count);
}

static void put_run(struct page *page, const struct metrics *metrics, const struct metrics_run *run)
{
    int64_t until_ms = run->ended_ms ? run->ended_ms : clock_now_ms();

    put_gauge(page, "rowferry_run_active", "1 while a run is working.", run->ended_ms == 0);
    put_moment(page, "rowferry_run_start_timestamp_seconds", "When this run began.",
               run->started_ms);
    put_gauge(page, "rowferry_run_duration_seconds", "How long this run has taken so far.",
              (double)(until_ms - run->started_ms) / 1000);
    if (run->ended_ms || metrics->last.id)
        put_gauge(page, "rowferry_last_exit_status",
                  "Exit status of the last run that ended: 0 done, 3 rows were rejected or failed, "
                  "5 incomplete; see the manual.",
                  run->ended_ms ? run->exit_status : metrics->last.exit_status);
    if (metrics->succeeded.id)
        put_moment(page, "rowferry_last_success_timestamp_seconds",
                   "End of the last run with exit status 0.", metrics->succeeded.ended_ms);
    if (metrics->finished.id)
        put_moment(page, "rowferry_last_finish_timestamp_seconds",
                   "End of the last run with exit status 0 or 3: nothing was left to do.",
                   metrics->finished.ended_ms);
}

static void put_database(struct page *page, const struct metrics *metrics)
{
    static const char jobs[] = "rowferry_jobs", batches[] = "rowferry_batches",
                      audits[] = "rowferry_audits";

    prometheus_family(page->out, jobs, "gauge", "Jobs in the database by state.");
    for (unsigned state = 0; state < JOB_STATES; state++)
        put_own(page, jobs, "state", job_state_name((enum job_state)state), metrics->jobs[state]);
    prometheus_family(page->out, batches, "gauge", "Batches in the database by state.");
    for (unsigned state = 0; state < BATCH_STATES; state++)
        put_own(page, batches, "state", batch_state_name((enum batch_state)state),
                metrics->batches[state]);
    prometheus_family(page->out, audits, "gauge",
                      "Applied jobs in the database by what the audit log shows.");
    for (unsigned verdict = VERDICT_NONE + 1; verdict < VERDICTS; verdict++)
        put_own(page, audits, "verdict", verdict_name((enum verdict)verdict),
                metrics->audits[verdict]);
    put_moment(page, "rowferry_parked_until_timestamp_seconds",
               "Nothing is sent before this time, which the API asked for; 0 if it did not.",
               metrics->parked_until_ms);
    put_gauge(page, "rowferry_run_rows_read", "Rows of the batches that this run worked on.",
              (double)metrics->rows_read);
    put_gauge(page, "rowferry_run_rows_rejected", "Of these, the rows that were rejected.",
              (double)metrics->rows_rejected);
}

void metrics_notifications(const struct notification_counts *counts,
                           const struct prometheus_labels *labels, struct buf *out)
{
    static const char notifications[] = "rowferry_notifications";
    static const char deliveries[] = "rowferry_deliveries";
    struct page page = {.out = out, .labels = *labels};

    prometheus_family(out, notifications, "gauge", "Notifications in the database by state.");
    put_own(&page, notifications, "state", "accepted", counts->by_state[NOTIFICATION_ACCEPTED]);
    put_own(&page, notifications, "state", "not_accepted",
            counts->by_state[NOTIFICATION_NOT_ACCEPTED]);
    put_own(&page, notifications, "state", "echo", counts->by_state[NOTIFICATION_ECHO]);
    prometheus_family(out, deliveries, "gauge", "Deliveries to the ERP in the database by state.");
    put_own(&page, deliveries, "state", "pending", counts->pending);
    put_own(&page, deliveries, "state", "delivered", counts->delivered);
    put_own(&page, deliveries, "state", "failed", counts->failed);
}

static void put_requests(struct page *page, const struct meter *meter)
{
    static const char *const classes[METER_CLASSES] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
    static const char responses[] = "rowferry_run_responses";
    static const char duration[] = "rowferry_run_request_duration_seconds";

    put_gauge(page, "rowferry_run_rows_skipped",
              "Rows of this run that were not sent, because their values are known to be there.",
              (double)meter->skipped);
    put_gauge(page, "rowferry_run_rows_fetched", "Rows of this run whose record was read first.",
              (double)meter->fetched);
    put_gauge(page, "rowferry_run_rows_drifted",
              "Rows of this run whose record somebody else had changed since it was known.",
              (double)meter->drifted);
    put_gauge(page, "rowferry_run_requests", "Requests of this run.", (double)meter->requests);
    prometheus_family(page->out, responses, "gauge",
                      "Their answers by class of status; none: no complete one came.");
    for (unsigned i = 0; i < METER_CLASSES; i++)
        put_own(page, responses, "class", classes[i], meter->answers[i]);
    put_gauge(page, "rowferry_run_throttled", "Their answers that were 429.",
              (double)meter->throttled);
    prometheus_family(page->out, duration, "histogram", "How long they took.");
    prometheus_histogram(page->out, duration, &page->labels, &meter->latencies);
}

void metrics_print(const struct metrics *metrics, const struct metrics_run *run, struct buf *out)
{
    struct page page = {.out = out,
                        .common = {{"database", run->database}, {"command", run->command}}};
    struct prometheus_labels labels = {page.common, 2, {"version", ROWFERRY_VERSION}};

    prometheus_family(out, "rowferry_info", "gauge", "Which rowferry wrote this.");
    prometheus_sample(out, "rowferry_info", &labels, 1);
    labels.own = (struct prometheus_label){NULL, NULL};
    page.labels = labels;
    put_run(&page, metrics, run);
    if (metrics->known)
        put_database(&page, metrics);
    if (metrics->known)
        metrics_notifications(&metrics->notifications, &page.labels, out);
    put_requests(&page, &metrics->meter);
}
