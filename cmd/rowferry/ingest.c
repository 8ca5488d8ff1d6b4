/* Loads files as jobs; sends nothing and moves no file. */
#include "cmd/rowferry/command.h"
#include "cmd/rowferry/load.h"
#include "cmd/rowferry/summary.h"

static void work(struct cli *cli, struct load *load)
{
    struct session session;

    if (!session_open(&session, cli, STORE_CREATE, SUMMARY_INTAKE, false))
        return;
    if (session_lock(&session, LOCK_INTAKE))
        load_work(load, &session, NULL, false);
    session_close(&session);
    summary_tell(cli);
    session_release(&session);
}

void command_ingest(struct cli *cli)
{
    struct load load = {0};

    if (!load_is_mistaken(cli, NULL, false) && load_open(&load, cli))
        work(cli, &load);
    load_release(&load);
}
