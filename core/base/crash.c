#include "core/base/crash.h"

#ifdef ROWFERRY_CRASH_POINTS

#include "core/base/buf.h"
#include "core/base/str.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

/* tests/crash/points.bash has a scene that reaches each of them. */
/* clang-format off */
static const char *const places[] = {
    /* the file exists and is empty */
    [CRASH_DATABASE_MADE] = "database-made",
    /* it is marked and in WAL mode, without a table */
    [CRASH_DATABASE_SET_UP] = "database-set-up",
    /* the run has its row, but no lock yet */
    [CRASH_RUN_BEGUN] = "run-begun",
    /* step 1: the batch is `loading`, without a row */
    [CRASH_BATCH_BEGUN] = "batch-begun",
    /* step 2: some rows of the file are stored */
    [CRASH_CHUNK_COMMITTED] = "chunk-committed",
    /* before step 3: all rows are stored, the batch is not open */
    [CRASH_BATCH_READ] = "batch-read",
    /* before step 3: record ids are entered */
    [CRASH_KEYS_COMMITTED] = "keys-committed",
    /* step 3: the batch is open, its file is in the inbox */
    [CRASH_BATCH_OPENED] = "batch-opened",
    /* the batch is refused, and still has its jobs */
    [CRASH_BATCH_REFUSED] = "batch-refused",
    /* some jobs of a refused batch are deleted */
    [CRASH_DISCARD_COMMITTED] = "discard-committed",
    /* some rejected rows of a batch that starts again are deleted */
    [CRASH_REJECTS_FORGOTTEN] = "rejects-forgotten",
    /* before step 4: done/ or refused/ has its temporary name */
    [CRASH_FOLDER_MADE] = "folder-made",
    /* step 4: a sheet is written under its temporary name */
    [CRASH_SHEET_WRITTEN] = "sheet-written",
    /* step 4: a sheet has its name */
    [CRASH_SHEET_RENAMED] = "sheet-renamed",
    /* step 5: the file is moved, but its folders are not synced */
    [CRASH_FILE_RENAMED] = "file-renamed",
    /* step 5: that is done, but not recorded */
    [CRASH_FILE_MOVED] = "file-moved",
    /* step 6: intake is complete */
    [CRASH_FILE_RECORDED] = "file-recorded",
    /* some interrupted jobs are `unknown`, perhaps not all */
    [CRASH_RECOVER_COMMITTED] = "recover-committed",
    /* interrupted jobs are `unknown`, none is read back */
    [CRASH_DRAIN_RECOVERED] = "drain-recovered",
    /* there is a token, and nothing was sent with it */
    [CRASH_TOKEN_TAKEN] = "token-taken",
    /* a turn of the drain is written, not committed */
    [CRASH_TURN_WRITTEN] = "turn-written",
    /* it is committed, but the loop does not know it */
    [CRASH_TURN_COMMITTED] = "turn-committed",
    /* the loop has the claims, but no request was sent */
    [CRASH_CLAIMS_TAKEN] = "claims-taken",
    /* libcurl has a request, others were sent */
    [CRASH_REQUEST_STARTED] = "request-started",
    /* an answer arrived, and its verdict is not known */
    [CRASH_ANSWER_TAKEN] = "answer-taken",
    /* it has a verdict, and waits to be settled */
    [CRASH_ANSWER_DECIDED] = "answer-decided",
    /* outcomes are about to go to the store */
    [CRASH_TURN_READY] = "turn-ready",
    /* the run is parked, but has not reported it */
    [CRASH_PAUSE_WRITTEN] = "pause-written",
    /* the batches to be audited are the run's, and nothing is asked */
    [CRASH_AUDITS_BEGUN] = "audits-begun",
    /* a question to the audit log is with libcurl, others have left */
    [CRASH_AUDIT_STARTED] = "audit-started",
    /* a page of the audit log came, and is not read */
    [CRASH_AUDIT_ANSWERED] = "audit-answered",
    /* some verdicts are committed */
    [CRASH_AUDITS_WRITTEN] = "audits-written",
    /* all of them are, and the batches are still due */
    [CRASH_AUDITS_DONE] = "audits-done",
    /* the run's row is complete, its process is not */
    [CRASH_RUN_ENDED] = "run-ended",
    /* batches are marked as pruned, but still have all rows */
    [CRASH_PRUNE_MARKED] = "prune-marked",
    /* some rows of a pruned batch are deleted, or some free pages returned */
    [CRASH_PRUNE_COMMITTED] = "prune-committed",
    /* a group of notifications is written, and not committed */
    [CRASH_NOTIFICATION_READ] = "notification-read",
    /* it is committed, and nobody was answered */
    [CRASH_NOTIFICATION_COMMITTED] = "notification-committed",
    /* a delivery is with libcurl */
    [CRASH_DELIVERY_STARTED] = "delivery-started",
    /* the ERP answered, and nothing is written */
    [CRASH_DELIVERY_ANSWERED] = "delivery-answered",
    /* what it answered is written */
    [CRASH_DELIVERY_SETTLED] = "delivery-settled",
};
/* clang-format on */

_Static_assert(sizeof places / sizeof *places == CRASH_PLACES, "a line for each place");

/* Set once, before threads start, except the count. */
static struct {
    bool armed;
    enum crash_place place;
    int64_t passage;
    atomic_llong passed;
} crash;

static bool say_places(const char *text, struct err *err)
{
    struct buf names = {0};

    for (unsigned i = 0; i < CRASH_PLACES; i++)
        buf_printf(&names, " %s", places[i]);
    err_set(err, ERR_CONFIG, "ROWFERRY_CRASH: '%s' is not one of:%s", text, buf_text(&names));
    buf_release(&names);
    return false;
}

bool crash_arm(const char *text, struct err *err)
{
    struct span name = {text, strcspn(text, ":")};
    int64_t passage = 1;

    if (text[name.size] && !str_to_int64(span_of(text + name.size + 1), 1, INT64_MAX, &passage))
        return err_set(err, ERR_CONFIG, "ROWFERRY_CRASH: '%s' is not NAME:N", text);
    for (unsigned i = 0; i < CRASH_PLACES; i++) {
        if (!span_is(name, places[i]))
            continue;
        crash.place = (enum crash_place)i;
        crash.passage = passage;
        crash.armed = true;
        return true;
    }
    return say_places(text, err);
}

void crash_point(enum crash_place place)
{
    if (!crash.armed || place != crash.place ||
        atomic_fetch_add(&crash.passed, 1) + 1 != crash.passage)
        return;
    kill(getpid(), SIGKILL); /* GCOVR_EXCL_LINE: nothing is counted after it */
    for (;;)                 /* GCOVR_EXCL_LINE */
        pause();             /* GCOVR_EXCL_LINE */
}

#endif
