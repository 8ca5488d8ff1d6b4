/* Files become jobs; nothing is sent and no file is moved. */
#include "cmd/rowferry/ending.h"
#include "cmd/rowferry/reading.h"

static void work(struct cli *cli, struct reading *reading)
{
    struct session session;

    if (!session_open(&session, cli, STORE_CREATE, SUMMARY_INTAKE, false))
        return;
    if (session_lock(&session, LOCK_INTAKE))
        reading_work(reading, &session, NULL, false);
    session_close(&session);
    ending_tell(&session);
    session_release(&session);
}

void command_ingest(struct cli *cli)
{
    struct reading reading = {0};

    if (!reading_is_mistaken(cli, NULL, false) && reading_open(&reading, cli))
        work(cli, &reading);
    reading_release(&reading);
}
