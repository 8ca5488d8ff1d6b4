/* The table of commands. A new one is an entry here, a bit in option_table.h, and a file of its
 * own. */
#include "cmd/rowferry/command.h"

#include "core/base/str.h"

static const int running_statuses[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 129, 130, 143, -1};
static const int sending_statuses[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 129, 130, 143, -1};
static const int reading_statuses[] = {0, 1, 2, 3, 4, 5, 7, 8, 129, 130, 143, -1};
static const int checking_statuses[] = {0, 1, 2, 3, 4, 129, 130, 143, -1};
static const int status_statuses[] = {0, 1, 2, 8, -1};
static const int telling_statuses[] = {0, 1, 2, 8, 129, 130, 143, -1};
static const int checkup_statuses[] = {0, 1, 2, 5, 6, 8, 129, 130, 143, -1};
static const int choice_statuses[] = {0, 1, 2, 3, 8, 129, 130, 143, -1};

/* clang-format off */
const struct command commands[] = {
    {"run", FOR_RUN, "[PATH...]", "the nightly job: read every waiting file, send, sum up",
        "The nightly job: reads every waiting file into the database, sends what is\n"
        "pending, and says what became of it. PATH is an inbox folder (inbox, where\n"
        "none is named) or a file. Files of a folder are moved to its done/ or refused/,\n"
        "with the rows that were rejected beside them; a file named itself stays.\n"
        "Stopped at any moment, the same command again resumes.",
        "rowferry run /srv/erp/inbox --db /srv/erp/rowferry.db",
        0, PATHS_MANY, running_statuses, command_run},
    {"ingest", FOR_INGEST, "FILE...", "check rows and keep them as jobs; no network",
        "Checks the rows of files and keeps them in the database as jobs, to be sent by\n"
        "drain or run. No network is used and no file is moved. FILE - is standard\n"
        "input, with --schema and --format.",
        "rowferry ingest InventoryItem-2026-11-23.csv",
        1, PATHS_MANY, reading_statuses, command_ingest},
    {"drain", FOR_DRAIN, "", "send what is pending",
        "Sends what is pending. Safe to stop and to start again at any moment. With\n"
        "--batch also the earlier rows, of other batches, that its rows wait for.",
        "rowferry drain --batch 5 --rate 100/m",
        0, 0, sending_statuses, command_drain},
    {"validate", FOR_VALIDATE, "FILE...", "say what ingest would accept and reject",
        "Says what ingest would accept and reject, and why. Writes nothing and needs no\n"
        "database. FILE - is standard input, with --schema and --format. --suggest prints\n"
        "the schema file that would read FILE instead.",
        "rowferry validate --json InventoryItem-2026-11-23.csv",
        1, PATHS_MANY, checking_statuses, command_validate},
    {"status", FOR_STATUS, "[BATCH]", "where every batch stands, and what would finish it",
        "Shows where every batch stands, and the exact command that would finish it.\n"
        "May be asked at any time, while a run works too.",
        "rowferry status 5",
        0, 1, status_statuses, command_status},
    {"history", FOR_HISTORY, "RECORD", "everything that ever happened to one record",
        "Tells everything that ever happened to one record, in order: the rows of files\n"
        "and their versions, what was sent and answered, conflicts and how they were\n"
        "settled, and how each row stands now. RECORD is the record id, as files have it.\n"
        "A record of which there is no row is exit status 2. May be asked at any time.",
        "rowferry history ber-wh-1042 --schema InventoryItem",
        0, 1, telling_statuses, command_history},
    {"retry", FOR_RETRY, "[BATCH]", "put failed and refused jobs back to be sent",
        "Has a batch's jobs that failed or were refused sent again by the next drain; one\n"
        "whose request may have landed is read back first. Their history stays, and\n"
        "--max-attempts counts anew. Instead of a batch, --all. A job that a later row of\n"
        "its record has superseded stays, is named, and is exit status 3. May be done\n"
        "while a run works.",
        "rowferry retry 5 --state failed --since 4h",
        0, 1, choice_statuses, command_retry},
    {"resolve", FOR_RESOLVE, "[JOB...]", "settle conflicts, for our row or for theirs",
        "Settles rows whose record someone else has changed: --ours sends them again,\n"
        "laid over the record as it is by then, --theirs dismisses them. JOB is\n"
        "BATCH/ROW (5/812); instead of jobs, --batch or --all. What stays in conflict\n"
        "is named, and is exit status 3. May be done while a run works.",
        "rowferry resolve --ours 5/812 5/813",
        0, PATHS_MANY, choice_statuses, command_resolve},
    {"cancel", FOR_CANCEL, "BATCH", "withdraw what has not been sent yet",
        "Withdraws the jobs of a batch that were never sent, and lists them. What was\n"
        "sent once, or is being sent, stays, is named, and is exit status 3. May be done\n"
        "while a run works.",
        "rowferry cancel 5",
        1, 1, choice_statuses, command_cancel},
    {"export", FOR_EXPORT, "BATCH", "write its rows with what became of each",
        "Writes the rows of a batch to standard output, in their order: the columns of\n"
        "its file, written as the schema file declares, and behind them rowferry_...\n"
        "columns with what became of each row (NDJSON: a member \"outcome\"). ingest takes\n"
        "such a file back and ignores those columns.\n"
        "\n"
        "What the schema file ignores is empty in the rows of jobs. Rejected rows keep\n"
        "their cells; one that has too few or too many, or whose quotes are wrong, stands\n"
        "in rowferry_raw alone, and is rejected again. May be done while a run works.",
        "rowferry export 5 --state rejected,failed >InventoryItem-again.csv",
        1, 1, telling_statuses, command_export},
    {"prune", FOR_PRUNE, "", "delete the rows of old batches, and give the space back",
        "Deletes the rows and the history of batches that are finished and old enough,\n"
        "and gives the space back. The batch itself stays, with its counts and its hash,\n"
        "so that its file stays known. What is open stays, and what a decision is still\n"
        "to be made about; it is named, with the reason. May be done while a run works,\n"
        "and stopped at any moment: the next prune goes on.",
        "rowferry prune --older-than 90d --files",
        0, 0, choice_statuses, command_prune},
    {"doctor", FOR_DOCTOR, "[INBOX]", "check everything that a night needs",
        "Checks everything that a night needs, and says what to do where something is\n"
        "wrong: configuration, schema files, the database (and all its counters, by a\n"
        "full count), rights, free space, the inbox (inbox, where none is named), the\n"
        "login, one GET, and the clock. Changes nothing, here or at the API. May be done\n"
        "while a run works.",
        "rowferry doctor /srv/erp/inbox --db /srv/erp/rowferry.db",
        0, 1, checkup_statuses, command_doctor},
    {0},
};
/* clang-format on */

const struct command *command_find(const char *name, const char **nearest)
{
    unsigned best = 3;

    *nearest = NULL;
    for (unsigned i = 0; commands[i].name; i++) {
        unsigned distance = str_distance(name, commands[i].name);

        if (distance == 0)
            return &commands[i];
        if (distance < best) {
            best = distance;
            *nearest = commands[i].name;
        }
    }
    return NULL;
}
