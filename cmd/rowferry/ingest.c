/* Loads files as jobs; sends nothing and moves no file. */
#include "cmd/rowferry/command.h"
#include "cmd/rowferry/load.h"

void command_ingest(struct cli *cli)
{
    struct load load = {0};
    struct session session;

    if (!load_is_mistaken(cli, NULL, false) && load_open(&load, cli) &&
        session_open(&session, cli, STORE_CREATE, SUMMARY_INTAKE, false)) {
        if (session_lock(&session, LOCK_INTAKE))
            load_work(&load, &session, NULL, false);
        session_end(&session);
    }
    load_release(&load);
}
