/* The nightly job: whatever waits in the inbox is read, whatever is pending is sent. */
#include "cmd/rowferry/ending.h"
#include "cmd/rowferry/reading.h"
#include "cmd/rowferry/sending.h"

static const char inbox_default[] = "inbox";

static void work(struct cli *cli, struct reading *reading, struct sending *sending)
{
    struct session session;

    if (!session_open(&session, cli, STORE_CREATE, SUMMARY_WORKED, true))
        return;
    if (session_lock(&session, LOCK_INTAKE)) {
        bool fine = reading_work(reading, &session, inbox_default, true);

        session_unlock(&session);
        if (fine)
            sending_work(sending, &session, 0);
    }
    session_close(&session);
    ending_tell(&session);
    session_release(&session);
}

void command_run(struct cli *cli)
{
    struct reading reading = {0};
    struct sending sending = {0};

    if (!reading_is_mistaken(cli, inbox_default, true) && sending_open(&sending, cli) &&
        reading_open(&reading, cli))
        work(cli, &reading, &sending);
    reading_release(&reading);
    sending_release(&sending);
}
