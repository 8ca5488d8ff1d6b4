/* What is pending is sent; safe to stop and to start again at any moment. */
#include "cmd/rowferry/ending.h"
#include "cmd/rowferry/sending.h"

#include <stdio.h>
#include <string.h>

struct found {
    char state[16];
};

static bool note_state(void *context, const struct batch_counts *batch, struct err *err)
{
    struct found *found = context;

    (void)err;
    snprintf(found->state, sizeof found->state, "%s", batch->state);
    return true;
}

/* Narrows the session down to --batch. False when there is nothing to do for it; it is told. */
static bool choose_batch(struct session *session, int64_t batch_id)
{
    struct cli *cli = session->cli;
    struct found found = {""};
    struct err err = {0};

    session->scope = SUMMARY_ONE;
    session->scope_id = batch_id;
    if (!summary_batches(session->store, SUMMARY_ONE, batch_id, note_state, &found, &err)) {
        report_fail(&cli->report, &err);
        return false;
    }
    if (!found.state[0]) {
        report_error(&cli->report, ERR_CONFIG,
                     "there is no batch %lld in %s; `rowferry status` "
                     "lists them",
                     (long long)batch_id, store_path(session->store));
        return false;
    }
    if (strcmp(found.state, "open") == 0)
        return true;
    session->judged = strcmp(found.state, "loading") == 0;
    report_notice(&cli->report, "batch %lld is %s: nothing to send", (long long)batch_id,
                  session->judged ? "still being read" : found.state);
    return false;
}

void command_drain(struct cli *cli)
{
    int64_t batch_id = options_number(&cli->options, OPT_BATCH);
    struct sending sending = {0};
    struct session session;

    if (sending_open(&sending, cli) &&
        session_open(&session, cli, STORE_EXISTING, SUMMARY_DRAINED, true)) {
        if (batch_id == 0 || choose_batch(&session, batch_id))
            sending_work(&sending, &session, batch_id);
        session_close(&session);
        ending_tell(&session);
        session_release(&session);
    }
    sending_release(&sending);
}
