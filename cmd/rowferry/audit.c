/* The audit log shows for each applied job whether the platform recorded it; what is missing is
 * asked for again. */
#include "cmd/rowferry/command.h"
#include "cmd/rowferry/send.h"

void command_audit(struct cli *cli)
{
    int64_t batch_id = options_number(&cli->options, OPT_BATCH);
    struct credentials credentials = {0};
    struct session session;

    if (cli->options.values[OPT_AUDIT].rate == 0 &&
        cli->options.values[OPT_AUDIT].origin == FROM_ARGUMENT)
        report_error(&cli->report, ERR_CONFIG,
                     "--audit none leaves nothing to do: use --audit all or N%%, or leave it out");
    else if (send_open(&credentials, cli) &&
             session_open(&session, cli, STORE_EXISTING, SUMMARY_AUDITED, false)) {
        if (batch_id == 0 || session_find_batch(&session, batch_id, NULL))
            send_audit(&credentials, &session, batch_id);
        session_end(&session);
    }
    credentials_release(&credentials);
}
