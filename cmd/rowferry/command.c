/* The table of commands. A new one is an entry here, a bit in option_table.h, and a file of its
 * own. */
#include "cmd/rowferry/command.h"

#include "core/base/str.h"

/* clang-format off */
/* What most commands end with, and what every command that a signal can stop does. */
#define DONE_OR_BUG {0, NULL}, {1, NULL}
#define STOPPED     {129, NULL}, {130, NULL}, {143, NULL}, {-1, NULL}
#define STATUSES    (const struct command_status[])

const struct command commands[] = {
    {
        .name = "run", .bit = FOR_RUN, .work = command_run,
        .arguments = "[PATH...]", .paths_min = 0, .paths_max = PATHS_MANY,
        .summary = "the nightly job: read every waiting file, send, sum up",
        .description =
            "Runs the nightly job: reads every waiting file into the database, sends what is "
            "pending, and reports what happened to each row. PATH is an inbox folder (default: "
            "inbox) or a file. Files of a folder are moved to its done/ or refused/, and their "
            "rejected rows are written next to them; a file that is named itself is not moved. It "
            "can be stopped at any moment: the same command again resumes.",
        .example = "rowferry run /srv/erp/inbox --db /srv/erp/rowferry.db",
        .statuses = STATUSES{
            DONE_OR_BUG,
            {2, "usage, a setting, a schema file, a certificate or the environment is wrong, or "
                "the inbox is missing"},
            {3, "finished, but rows or files were rejected, jobs were refused, failed or are in "
                "conflict, the audit log does not show an update, or the ERP refused a "
                "notification"},
            {4, "a file exceeded --max-errors or `rows` of its target, or missed --min-rows; the "
                "inbox missed --min-files, or the API refused more jobs than --max-refused"},
            {5, "incomplete: jobs, audits or notifications are left, the network is down, or a "
                "file is still being written; the same command again resumes"},
            {6, NULL}, {7, NULL}, {8, NULL}, STOPPED,
        },
    },
    {
        .name = "ingest", .bit = FOR_INGEST, .work = command_ingest,
        .arguments = "FILE...", .paths_min = 1, .paths_max = PATHS_MANY,
        .summary = "check rows and store them as jobs; no network",
        .description =
            "Checks the rows of files and stores them in the database as jobs, to be sent by "
            "drain or run. It uses no network and moves no file. FILE - is standard input, with "
            "--schema and --format.",
        .example = "rowferry ingest InventoryItem-2026-11-23.csv",
        .statuses = STATUSES{
            DONE_OR_BUG,
            {2, "usage, a setting or a schema file is wrong, or a file is missing"},
            {3, "finished, but rows were rejected, or a file was refused or cannot be read"},
            {4, "a file exceeded --max-errors or `rows` of its target, or missed --min-rows"},
            {5, "incomplete: a file is still being written, or --max-time is over; the same "
                "command again resumes"},
            {7, "another process is reading into this database"},
            {8, NULL}, STOPPED,
        },
    },
    {
        .name = "drain", .bit = FOR_DRAIN, .work = command_drain,
        .arguments = "", .paths_min = 0, .paths_max = 0,
        .summary = "send what is pending",
        .description =
            "Sends what is pending. It can be stopped and started again at any moment. With "
            "--batch it also sends the earlier rows of other batches that the rows of this batch "
            "wait for.",
        .example = "rowferry drain --batch 5 --rate 100/m",
        .statuses = STATUSES{
            DONE_OR_BUG,
            {2, "usage, a setting, a certificate or the environment is wrong, or the database or "
                "the batch does not exist"},
            {3, "finished, but the batches have rows that were rejected, refused, failed or are "
                "in conflict, or the audit log does not show an update"},
            {4, "the API refused more jobs than --max-refused"},
            {5, "incomplete: jobs or audits are left, or the network is down; the same command "
                "again resumes"},
            {6, NULL},
            {7, "another process is sending from this database"},
            {8, NULL}, STOPPED,
        },
    },
    {
        .name = "audit", .bit = FOR_AUDIT, .work = command_audit,
        .arguments = "", .paths_min = 0, .paths_max = 0,
        .summary = "look up applied updates in the API's audit log",
        .description =
            "Looks up applied updates in the audit log of the API, which shows whether the "
            "platform recorded each of them. run and drain do this at their end, unless --audit "
            "is none. This command does it for every batch or for one, and asks again for what "
            "was missing. It never changes the outcome of a job.",
        .example = "rowferry audit --batch 5",
        .statuses = STATUSES{
            {0, "every update that was looked up is in the audit log"},
            {1, NULL},
            {2, "usage, a setting, a certificate or the environment is wrong, or the database or "
                "the batch does not exist"},
            {3, "the audit log does not have an update, or has another update in its place"},
            {5, "incomplete: the audit log cannot be read, or the network is down; the same "
                "command again resumes"},
            {6, NULL},
            {7, "another process is sending from this database"},
            {8, NULL}, STOPPED,
        },
    },
    {
        .name = "validate", .bit = FOR_VALIDATE, .work = command_validate,
        .arguments = "FILE...", .paths_min = 1, .paths_max = PATHS_MANY,
        .summary = "report what ingest would accept and reject",
        .description =
            "Reports what ingest would accept and reject, and why. It writes nothing and needs no "
            "database. FILE - is standard input, with --schema and --format. --suggest prints a "
            "schema file that fits FILE instead.",
        .example = "rowferry validate --json InventoryItem-2026-11-23.csv",
        .statuses = STATUSES{
            {0, "ingest would accept every row"},
            {1, NULL},
            {2, "usage, a setting or a schema file is wrong, or a file is missing"},
            {3, "ingest would reject rows, or refuse a file, or cannot read it"},
            {4, "ingest would refuse a file because of --max-errors or --min-rows"},
            STOPPED,
        },
    },
    {
        .name = "status", .bit = FOR_STATUS, .work = command_status,
        .arguments = "[BATCH]", .paths_min = 0, .paths_max = 1,
        .summary = "show the state of every batch, and what would finish it",
        .description =
            "Shows the state of every batch, and the exact command that would finish it. It can "
            "be used at any time, also while a run works.",
        .example = "rowferry status 5",
        .statuses = STATUSES{
            DONE_OR_BUG,
            {2, "usage or a setting is wrong, or the database or the batch does not exist"},
            {8, NULL}, {-1, NULL},
        },
    },
    {
        .name = "history", .bit = FOR_HISTORY, .work = command_history,
        .arguments = "RECORD", .paths_min = 0, .paths_max = 1,
        .summary = "show everything that ever happened to one record",
        .description =
            "Shows everything that ever happened to one record, in order: the rows of files and "
            "their versions, what was sent and answered, conflicts and how they were settled, and "
            "the state of each row. RECORD is the record id as the files have it. It can be used "
            "at any time.",
        .example = "rowferry history ber-wh-1042 --schema InventoryItem",
        .statuses = STATUSES{
            DONE_OR_BUG,
            {2, "usage or a setting is wrong, the database does not exist or has no row of the "
                "record, or several schemas have it"},
            {8, NULL}, STOPPED,
        },
    },
    {
        .name = "retry", .bit = FOR_RETRY, .work = command_retry,
        .arguments = "[BATCH]", .paths_min = 0, .paths_max = 1,
        .summary = "put failed and refused jobs back to be sent",
        .description =
            "Puts a batch's jobs that failed or were refused back to be sent by the next drain. "
            "If the request of a job may have reached the API, the record is read back first. "
            "Their history stays, and --max-attempts counts from 0 again. Use --all instead of a "
            "batch for every batch. It can be used while a run works.",
        .example = "rowferry retry 5 --state failed --since 4h",
        .statuses = STATUSES{
            DONE_OR_BUG,
            {2, "usage or a setting is wrong, or the database or the batch does not exist"},
            {3, "jobs stay as they are, because a later row of their record supersedes them, or "
                "because the answer to the question was no"},
            {8, NULL}, STOPPED,
        },
    },
    {
        .name = "resolve", .bit = FOR_RESOLVE, .work = command_resolve,
        .arguments = "[JOB...]", .paths_min = 0, .paths_max = PATHS_MANY,
        .summary = "settle conflicts with our row or their record",
        .description =
            "Settles rows whose record somebody else has changed: --ours sends them again, with "
            "their fields set in the record as it is by then; --theirs dismisses them. JOB is "
            "BATCH/ROW (5/812); use --batch or --all instead of jobs. It can be used while a run "
            "works.",
        .example = "rowferry resolve --ours 5/812 5/813",
        .statuses = STATUSES{
            DONE_OR_BUG,
            {2, "usage or a setting is wrong, or the database, the batch or a job does not exist"},
            {3, "jobs stay as they are, because they are not in conflict, because a later row of "
                "their record supersedes them, or because the answer to the question was no"},
            {8, NULL}, STOPPED,
        },
    },
    {
        .name = "cancel", .bit = FOR_CANCEL, .work = command_cancel,
        .arguments = "BATCH", .paths_min = 1, .paths_max = 1,
        .summary = "withdraw what was not sent yet",
        .description =
            "Withdraws the jobs of a batch that were never sent, and lists them. It can be used "
            "while a run works.",
        .example = "rowferry cancel 5",
        .statuses = STATUSES{
            DONE_OR_BUG,
            {2, "usage or a setting is wrong, or the database or the batch does not exist"},
            {3, "jobs stay as they are, because they were sent, are being sent or are finished, "
                "or because the answer to the question was no"},
            {8, NULL}, STOPPED,
        },
    },
    {
        .name = "export", .bit = FOR_EXPORT, .work = command_export,
        .arguments = "BATCH", .paths_min = 1, .paths_max = 1,
        .summary = "write its rows with the outcome of each",
        .description =
            "Writes the rows of a batch to standard output, in their order: the columns of its "
            "file, written as the schema file declares, followed by rowferry_... columns with the "
            "outcome of each row (NDJSON: a member \"outcome\"). ingest reads such a file and "
            "ignores those columns.\n\n"
            "What the schema file ignores is empty in the rows of jobs. Rejected rows keep their "
            "cells; a row that has too few or too many cells, or wrong quotes, is only in "
            "rowferry_raw, and ingest rejects it again. It can be used while a run works.",
        .example = "rowferry export 5 --state rejected,failed >InventoryItem-again.csv",
        .statuses = STATUSES{
            DONE_OR_BUG,
            {2, "usage, a setting or a schema file is wrong, the database or the batch does not "
                "exist, or the rows cannot be written"},
            {3, "--undo leaves out jobs, because it is not known what their records held before, "
                "or whether they changed them"},
            {8, NULL}, STOPPED,
        },
    },
    {
        .name = "diff", .bit = FOR_DIFF, .work = command_diff,
        .arguments = "BATCH|FILE...", .paths_min = 1, .paths_max = PATHS_MANY,
        .summary = "show what would change on the server",
        .description =
            "Shows what the jobs of a batch that are still to be sent, or the rows of files, would "
            "change on the server, field by field. A number is a batch, unless there is a file of "
            "that name. The record of each row is read, at the pace of drain, and nothing is sent. "
            "Files are checked as validate does, and not stored; - is standard input. A later row "
            "of a record is compared with what the earlier one would leave. With \"version\": "
            "\"known\" in the schema file, a record that is known is not read, and what was read "
            "is kept, so that the next drain does not read it again.\n\nThe verdict on a row is "
            "update, unchanged, missing (there is no such record) or conflict (the record has "
            "another version than the row, or what would be sent breaks a rule). A field that only "
            "the record has is listed, too, if the update would remove it.",
        .example = "rowferry diff InventoryItem-2026-11-23.csv",
        .statuses = STATUSES{
            {0, "every row was compared; none is missing or in conflict"},
            {1, NULL},
            {2, "usage, a setting, a schema file, a certificate or the environment is wrong, or "
                "the database, the batch or a file does not exist"},
            {3, "rows have no record, are in conflict or would be rejected, or a file would be "
                "refused"},
            {4, "a file would be refused because of --max-errors or --min-rows"},
            {5, "incomplete: records could not be read, or the network is down"},
            {6, NULL},
            {7, "another process is sending from this database"},
            {8, NULL}, STOPPED,
        },
    },
    {
        .name = "forward", .bit = FOR_FORWARD, .work = command_forward,
        .arguments = "FILE|-", .paths_min = 1, .paths_max = 1,
        .summary = "deliver the notifications of a file to the ERP",
        .description =
            "Stores the notifications of a file (NDJSON, one per line; - is standard input) and "
            "posts them to the ERP endpoint, in order for each record, until the ERP has taken "
            "each one. A notification that is stored already is not delivered again, and neither "
            "is one that reports an update of our own. Without an endpoint, notifications are only "
            "stored. The same command again resumes.",
        .example = "rowferry forward notes.ndjson --erp-endpoint https://erp.example.com/",
        .statuses = STATUSES{
            DONE_OR_BUG,
            {2, "usage or a setting is wrong, the file cannot be read, or the ERP's certificate "
                "is not trusted"},
            {3, "finished, but lines are not notifications, or the ERP refused deliveries"},
            {5, "incomplete: deliveries are left; the same command again resumes"},
            {8, NULL}, STOPPED,
        },
    },
    {
        .name = "listen", .bit = FOR_LISTEN, .work = command_listen,
        .arguments = "[HOST:]PORT", .paths_min = 0, .paths_max = 1,
        .summary = "receive notifications, deliver them to the ERP",
        .description =
            "Receives notifications by POST to / and answers 2xx when they are stored, then "
            "delivers them as forward does, until a signal ends it. It listens on 127.0.0.1 "
            "unless HOST is given; an address that other machines can reach needs "
            "--webhook-secret-file. GET /healthz and GET /metrics answer monitoring. A socket "
            "that systemd hands over (LISTEN_FDS) is used instead of PORT. Runs can work on the "
            "same database at the same time.",
        .example = "rowferry listen 8080 --erp-endpoint https://erp.example.com/",
        .statuses = STATUSES{
            {1, NULL},
            {2, "usage or a setting is wrong, or the address cannot be used"},
            {8, NULL}, STOPPED,
        },
    },
    {
        .name = "prune", .bit = FOR_PRUNE, .work = command_prune,
        .arguments = "", .paths_min = 0, .paths_max = 0,
        .summary = "delete the rows of old batches and free their space",
        .description =
            "Deletes the rows and the history of batches that are finished and old enough, and "
            "notifications of that age that the ERP has taken, and frees their space. The batch "
            "itself stays, with its counts and its hash, so that "
            "rowferry still recognises its file. Batches that are open, need a decision, or are "
            "still to be looked up in the audit log (except with --audit none) stay, "
            "and are listed with the reason. It can be used while a run works, and stopped at any "
            "moment: the next prune resumes.",
        .example = "rowferry prune --older-than 90d --files",
        .statuses = STATUSES{
            DONE_OR_BUG,
            {2, "usage or a setting is wrong, the database does not exist, or a file cannot be "
                "deleted"},
            {3, "nothing was deleted, because the answer to the question was no"},
            {8, NULL}, STOPPED,
        },
    },
    {
        .name = "backup", .bit = FOR_BACKUP, .work = command_backup,
        .arguments = "FILE|FOLDER/", .paths_min = 1, .paths_max = 1,
        .summary = "copy the database, also during a run",
        .description =
            "Copies the database, as it is at one moment, to a file, or into a folder under a name "
            "with the time (rowferry-2026-11-30T010203Z.db). The copy is written under another "
            "name, checked as doctor checks the database, and then renamed; an earlier copy of "
            "that name is replaced as a whole. It is one file that can be opened anywhere, and "
            "that can replace the database. It can be used while a run works, and no other process "
            "waits for it. It does not change or upgrade the database.",
        .example = "rowferry backup /srv/backup/ --keep 14",
        .statuses = STATUSES{
            {0, "the copy is complete and checked, or --every says that none is due"},
            {1, NULL},
            {2, "usage or a setting is wrong, the database or the folder does not exist, the copy "
                "cannot be placed there, or an old copy cannot be deleted"},
            {8, "the database cannot be used or is damaged, or the disk of the copy is full"},
            STOPPED,
        },
    },
    {
        .name = "doctor", .bit = FOR_DOCTOR, .work = command_doctor,
        .arguments = "[INBOX]", .paths_min = 0, .paths_max = 1,
        .summary = "check everything that a nightly run needs",
        .description =
            "Checks everything that a nightly run needs, and says what to do about each fault: "
            "configuration, schema files, the database (and all its counters, by a full count), "
            "permissions, free space, the inbox (default: inbox), the login, one GET, and the "
            "clock. It changes nothing, here or at the API, except a record that --probe names: "
            "that one is updated and put back, to show whether its schema file describes the API "
            "correctly. It can be used while a run works.",
        .example = "rowferry doctor /srv/erp/inbox --db /srv/erp/rowferry.db",
        .statuses = STATUSES{
            {0, "every check is fine, or has only a remark"},
            {1, "a counter of the database is wrong: a bug, please report"},
            {2, "a setting, a schema file, a certificate, the inbox or the clock is wrong, or the "
                "database does not exist; with --probe: the target is not as the schema file "
                "describes it, or the record does not exist"},
            {3, "with --probe: an update was refused, the record could not be put back, or the "
                "answer was no"},
            {5, "the network is down, or the API does not answer; with --probe: a job of the "
                "record is still to be sent"},
            {6, "the API refuses the credentials or permissions"},
            {8, NULL}, STOPPED,
        },
    },
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
