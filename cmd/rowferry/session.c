#include "cmd/rowferry/session.h"

#include "cmd/rowferry/progress.h"
#include "cmd/rowferry/summary.h"
#include "cmd/rowferry/unattended.h"
#include "cmd/rowferry/words.h"
#include "core/base/clock.h"
#include "core/base/crash.h"
#include "core/store/migrate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Opens the database; an upgrade from an earlier version shows its progress. */
static struct store *open_store(struct cli *cli, enum store_mode mode, bool *created,
                                struct err *err)
{
    struct progress progress;
    struct store *store;

    progress_begin(&progress, &cli->report);
    migrate_watch(progress_upgrading, &progress);
    store = store_open(options_text(&cli->options, OPT_DB), mode, created, err);
    migrate_watch(NULL, NULL);
    progress_end(&progress);
    return store;
}

bool session_open(struct session *session, struct cli *cli, enum store_mode mode,
                  enum summary_scope scope, bool sends)
{
    struct err err = {0};
    bool created = false;

    *session = (struct session){.cli = cli, .scope = scope, .sends = sends, .sets_status = true};
    session->store = open_store(cli, mode, &created, &err);
    if (!session->store)
        return report_fail(&cli->report, &err);
    if (created)
        report_notice(&cli->report, "created the database %s", store_path(session->store));
    else
        report_detail(&cli->report, "the database is %s", store_path(session->store));
    if (!run_begin(session->store, cli->command->name, ROWFERRY_VERSION, cli->summary->started_ms,
                   &session->run_id, &err)) {
        report_fail(&cli->report, &err);
        store_close(session->store);
        session->store = NULL;
        return false;
    }
    crash_point(CRASH_RUN_BEGUN);
    cli->summary->run_id = session->run_id;
    cli->report.run_id = session->run_id;
    session->scope_id = session->run_id;
    report_event(&cli->report, "began", NULL, "%s began: rowferry %s, database %s",
                 cli->command->name, ROWFERRY_VERSION, store_path(session->store));
    unattended_begin(cli, session->store, scope, session->scope_id);
    return true;
}

bool session_look(struct session *session)
{
    struct cli *cli = session->cli;
    struct err err = {0};
    bool reads = cli->command->bit & (FOR_STATUS | FOR_HISTORY | FOR_EXPORT), created;

    session->store = open_store(cli, reads ? STORE_READING : STORE_EXISTING, &created, &err);
    if (!session->store)
        report_fail(&cli->report, &err);
    return session->store != NULL;
}

bool session_lock(struct session *session, enum lock_kind kind)
{
    struct err err = {0};

    session->lock = lock_take(store_path(session->store), kind, session->run_id,
                              session->cli->summary->started_ms, &err);
    if (!session->lock)
        report_fail(&session->cli->report, &err);
    return session->lock != NULL;
}

void session_unlock(struct session *session)
{
    lock_release(session->lock);
    session->lock = NULL;
}

/* What session_find_batch looks for. */
struct sought {
    bool found;
    enum batch_state state;
    int64_t pruned_ms;
};

static bool note_sought(void *context, const struct batch_counts *batch, struct err *err)
{
    struct sought *sought = context;

    (void)err;
    *sought = (struct sought){true, batch->state, batch->pruned_ms};
    return true;
}

bool session_find_batch(struct session *session, int64_t batch_id, enum batch_state *state)
{
    struct report *report = &session->cli->report;
    struct sought sought = {0};
    char moment[WORDS_SIZE];
    struct err err = {0};

    if (!summary_batches(session->store, SUMMARY_ONE, batch_id, note_sought, &sought, &err))
        return report_fail(report, &err);
    if (!sought.found)
        return report_error(report, ERR_CONFIG,
                            "there is no batch %" PRId64 " in '%s': `rowferry status` lists them",
                            batch_id, store_path(session->store));
    if (sought.pruned_ms)
        return report_error(report, ERR_CONFIG,
                            "batch %" PRId64 " was pruned on %.10s: its rows are deleted", batch_id,
                            words_time(sought.pruned_ms, moment));
    if (state)
        *state = sought.state;
    return true;
}

bool session_find_read_batch(struct session *session, int64_t batch_id, const char *what,
                             enum batch_state *state)
{
    return session_find_batch(session, batch_id, state) &&
           (*state != BATCH_LOADING ||
            report_error(&session->cli->report, ERR_CONFIG,
                         "batch %" PRId64 " is still being read: %s it when that has ended",
                         batch_id, what));
}

static bool add_left(void *context, const struct batch_counts *batch, struct err *err)
{
    uint64_t *left = context;

    (void)err;
    for (unsigned state = 0; batch->state == BATCH_OPEN && state < JOB_STATES; state++)
        if (job_state_is_open((enum job_state)state))
            *left += batch->by_state[state];
    return true;
}

bool session_count_left(struct session *session, uint64_t *left)
{
    struct err err = {0};

    *left = 0;
    return summary_batches(session->store, session->scope, session->scope_id, add_left, left,
                           &err) ||
           report_fail(&session->cli->report, &err);
}

/* Returns the exit status that a batch means (README.md#exit-status). A refused batch means none:
 * its file was reported when it was refused, and a stream that rowferry already knew is not an
 * error. */
static int batch_status(const struct session *session, const struct batch_counts *batch)
{
    int status = EXIT_DONE;

    if (batch->state == BATCH_REFUSED)
        return EXIT_DONE;
    if (batch->state == BATCH_LOADING)
        return EXIT_INCOMPLETE;
    if (batch->by_verdict[VERDICT_MISSING] > 0 || batch->by_verdict[VERDICT_MISMATCH] > 0)
        status = EXIT_ROWS;
    if (session->cli->command->bit == FOR_AUDIT)
        return status;
    if (batch->rows_rejected > 0 || batch->by_state[JOB_REFUSED] > 0 ||
        batch->by_state[JOB_FAILED] > 0 || batch->by_state[JOB_CONFLICT] > 0)
        status = EXIT_ROWS;
    for (unsigned state = 0; session->sends && state < JOB_STATES; state++)
        if (job_state_is_open((enum job_state)state) && batch->by_state[state] > 0)
            status = session->over ? EXIT_LIMIT : EXIT_INCOMPLETE;
    return status;
}

/* Logs a batch of the summary as the command leaves it. */
static void log_batch(struct report *report, const struct batch_counts *batch)
{
    struct buf members = {0}, text = {0};
    const char *separator = ", ";

    if (!report->log)
        return;
    summary_batch_members(batch, &members);
    buf_printf(&text, "%" PRIu64 " rows, %" PRIu64 " rejected", batch->rows_read,
               batch->rows_rejected);
    for (unsigned state = 0; state < JOB_STATES; state++)
        words_listed(&text, &separator, batch->by_state[state],
                     job_state_name((enum job_state)state));
    report_event(report, "batch", &members, "batch %" PRId64 " is %s: %s: %s", batch->id,
                 batch_state_name(batch->state), batch->source, buf_text(&text));
    buf_release(&members);
    buf_release(&text);
}

bool session_count_batch(void *context, const struct batch_counts *batch, struct err *err)
{
    struct session *session = context;
    struct err fault = {0};

    (void)err;
    summary_add(session->cli->summary, batch);
    log_batch(&session->cli->report, batch);
    if (!summary_balance(batch, &fault))
        report_fail(&session->cli->report, &fault);
    if (session->sets_status)
        report_status(&session->cli->report, batch_status(session, batch));
    return true;
}

void session_end(struct session *session)
{
    struct cli *cli = session->cli;
    struct err err = {0};

    session_unlock(session);
    if (!summary_batches(session->store, session->scope, session->scope_id, session_count_batch,
                         session, &err))
        report_fail(&cli->report, &err);
    if (!run_end(session->store, session->run_id, clock_now_ms(), cli->report.status,
                 &cli->summary->run, &err))
        report_fail(&cli->report, &err);
    crash_point(CRASH_RUN_ENDED);
    unattended_ask(cli, session->store, session->scope, session->scope_id);
    summary_print(cli);
    session_release(session);
}

void session_release(struct session *session)
{
    store_close(session->store);
    *session = (struct session){0};
}
