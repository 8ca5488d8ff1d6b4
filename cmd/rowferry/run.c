/* The nightly job: whatever waits in the inbox is read, whatever is pending is sent. */
#include "cmd/rowferry/ending.h"
#include "cmd/rowferry/grown.h"
#include "cmd/rowferry/reading.h"
#include "cmd/rowferry/sending.h"
#include "core/base/stop.h"

static const char inbox_default[] = "inbox";

/* What came while the run was sending is taken in the same night. Where another process reads into
 * the database, that takes it. */
static bool look_again(struct reading *reading, struct session *session)
{
    char holder[LOCK_HOLDER_SIZE];
    bool more;

    if (reading->look_count == 0 || stop_requested() ||
        lock_is_held(store_path(session->store), LOCK_INTAKE, holder) ||
        !session_lock(session, LOCK_INTAKE))
        return false;
    more = reading_again(reading);
    session_unlock(session);
    return more;
}

static void work(struct cli *cli, struct reading *reading, struct sending *sending)
{
    struct session session;

    if (!session_open(&session, cli, STORE_CREATE, SUMMARY_WORKED, true))
        return;
    if (session_lock(&session, LOCK_INTAKE)) {
        bool more;

        grown_look(&session, cli->tally.started_ms, true);
        more = reading_work(reading, &session, inbox_default, true);

        session_unlock(&session);
        while (more && sending_work(sending, &session, 0))
            more = look_again(reading, &session);
        reading_end(reading);
        grown_look(&session, cli->tally.started_ms, false);
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
