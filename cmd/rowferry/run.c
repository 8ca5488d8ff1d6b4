/* The nightly job: loads the files of the inbox, and sends what is pending to the API and to the
 * ERP. */
#include "cmd/rowferry/command.h"
#include "cmd/rowferry/deliver.h"
#include "cmd/rowferry/grown.h"
#include "cmd/rowferry/load.h"
#include "cmd/rowferry/send.h"
#include "cmd/rowferry/summary.h"
#include "core/base/stop.h"

static const char inbox_default[] = "inbox";

/* Loads files that came while the run was sending, unless another process reads into the database,
 * which loads them then. */
static bool look_again(struct load *load, struct session *session)
{
    char holder[LOCK_HOLDER_SIZE];
    bool more;

    if (load->look_count == 0 || stop_requested() ||
        lock_is_held(store_path(session->store), LOCK_INTAKE, holder) ||
        !session_lock(session, LOCK_INTAKE))
        return false;
    more = load_again(load);
    session_unlock(session);
    return more;
}

static void work(struct cli *cli, struct load *load, const struct credentials *credentials,
                 const struct deliver *deliver)
{
    struct session session;

    if (!session_open(&session, cli, STORE_CREATE, SUMMARY_WORKED, true))
        return;
    if (session_lock(&session, LOCK_INTAKE)) {
        bool more;

        grown_look(&session, cli->summary->started_ms, true);
        more = load_work(load, &session, inbox_default, true);

        session_unlock(&session);
        while (more && send_work(credentials, &session, 0))
            more = look_again(load, &session);
        deliver_work(deliver, &session);
        load_end(load);
        grown_look(&session, cli->summary->started_ms, false);
    }
    session_end(&session);
}

void command_run(struct cli *cli)
{
    struct load load = {0};
    struct credentials credentials = {0};
    struct deliver deliver = {0};

    if (!load_is_mistaken(cli, inbox_default, true) && send_open(&credentials, cli) &&
        load_open(&load, cli) && deliver_open(&deliver, cli))
        work(cli, &load, &credentials, &deliver);
    deliver_release(&deliver);
    load_release(&load);
    credentials_release(&credentials);
}
