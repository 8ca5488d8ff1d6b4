/* Sends what is pending. It can be stopped and started again at any moment. */
#include "cmd/rowferry/command.h"
#include "cmd/rowferry/send.h"
#include "core/store/audit.h"

#include <string.h>

/* Limits the session to --batch. Returns false after reporting that there is nothing to do. */
static bool choose_batch(struct session *session, int64_t batch_id)
{
    struct cli *cli = session->cli;
    enum batch_state state;
    struct err err = {0};
    bool due = false;

    session->scope = SUMMARY_ONE;
    session->scope_id = batch_id;
    if (!session_find_batch(session, batch_id, &state))
        return false;
    if (state == BATCH_OPEN)
        return true;
    if (cli->options.values[OPT_AUDIT].rate > 0 &&
        !audit_is_due(session->store, batch_id, &due, &err))
        report_fail(&cli->report, &err);
    if (due)
        return true;
    session->sets_status = state == BATCH_LOADING;
    report_notice(&cli->report, "batch %lld is %s: nothing to send", (long long)batch_id,
                  session->sets_status ? "still being read" : batch_state_name(state));
    return false;
}

void command_drain(struct cli *cli)
{
    int64_t batch_id = options_number(&cli->options, OPT_BATCH);
    struct credentials credentials = {0};
    struct session session;

    if (send_open(&credentials, cli) &&
        session_open(&session, cli, STORE_EXISTING, SUMMARY_DRAINED, true)) {
        if (batch_id == 0 || choose_batch(&session, batch_id))
            send_work(&credentials, &session, batch_id);
        session_end(&session);
    }
    credentials_release(&credentials);
}
