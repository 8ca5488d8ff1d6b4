/* Files -> batches, for `run` and `ingest`: under the intake lock, with what an earlier process
 * left taken up first. */
#ifndef ROWFERRY_CMD_LOAD_H
#define ROWFERRY_CMD_LOAD_H

#include "cmd/rowferry/progress.h"
#include "cmd/rowferry/session.h"
#include "core/inbox/inbox.h"
#include "core/ingest/ingest.h"

#include <stdbool.h>

/* A file that recovery worked on. */
struct recovered {
    char *source;
    bool loaded;
};

/* A file that this run has dealt with, and that stays where it is. */
struct past {
    char *path;
    struct inbox_identity identity;
};

/* What the last look at an inbox found. */
struct last_look {
    char *folder;
    struct inbox_look look;
};

struct load {
    struct session *session;
    struct catalog *catalog;
    struct notice_sink notices;
    struct progress progress;
    struct ingest_options options;
    struct recovered *recovered;
    size_t recovered_count;
    struct past *past;
    size_t past_count;
    struct last_look *looks;
    size_t look_count;
    uint64_t found; /* files of inboxes that were ready */
    bool again;     /* looking at the inboxes once more */
};

/* Loads the schemas. False when that failed; it is told already. */
bool load_open(struct load *load, struct cli *cli);
void load_release(struct load *load);

/* Reads the paths of the command line (or `fallback` where there are none); folders: they may be
 * inbox folders. What goes wrong is told; false when the command should not go on (the database, a
 * bug, a signal). */
bool load_work(struct load *load, struct session *session, const char *fallback, bool folders);

/* Reads what has come into the inboxes since: under the intake lock again. True: some files were
 * ready. */
bool load_again(struct load *load);

/* Says what was left in the inboxes, and that too few files were there. */
void load_end(struct load *load);

/* Counts a file by what became of it. */
void load_count(struct summary *summary, const struct ingest_result *result);

/* The `status` line of --json about one file. */
void load_tell_json(struct report *report, const char *source, const struct ingest_result *result);

/* The error that a file is which was not read: refused, held back, unreadable. */
void load_tell_fault(struct report *report, const char *source, const struct ingest_result *result);

/* True when one of the paths is missing and so is the database: told, and nothing is made. */
bool load_is_mistaken(struct cli *cli, const char *fallback, bool folders);

/* --max-errors and --min-rows. */
struct ingest_limits load_limits(const struct options *options);

#endif
