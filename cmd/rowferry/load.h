/* Loads files into batches, for `run` and `ingest`, under the intake lock. It first finishes what
 * an earlier process left. */
#pragma once

#include "cmd/rowferry/progress.h"
#include "cmd/rowferry/session.h"
#include "core/inbox/inbox.h"
#include "core/ingest/intake.h"

#include <stdbool.h>

/* A file that recovery worked on. */
struct recovered {
    char *source;
    bool loaded;
};

/* A file that this run has loaded or left, and that stays where it is. */
struct past {
    char *path;
    struct inbox_identity identity;
};

/* What the last scan of an inbox found. */
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
    bool again;     /* this is not the first scan of the inboxes */
};

/* Opens the schema files. Returns false after reporting the error. */
bool load_open(struct load *load, struct cli *cli);
void load_release(struct load *load);

/* Loads the paths of the command line (or `fallback` without any); folders: they can be inbox
 * folders. Reports errors. Returns false if the command must not go on (the database, a bug, a
 * signal). */
bool load_work(struct load *load, struct session *session, const char *fallback, bool folders);

/* Loads what has come into the inboxes since, under the intake lock again. Returns true if files
 * were ready. */
bool load_again(struct load *load);

/* Reports what was left in the inboxes, and whether there were too few files. */
void load_end(struct load *load);

/* Counts and reports a file that was checked and not loaded; status 3 if it has wrong rows. */
void load_report_checked(struct cli *cli, const char *source, const struct ingest_result *result);

/* Returns true after reporting that a path is missing, if the database is missing too: then nothing
 * is created. */
bool load_is_mistaken(struct cli *cli, const char *fallback, bool folders);

/* Returns what the settings say about reading files; load stays the caller's, and where it is. */
struct ingest_options load_options(const struct load *load, const struct options *options);
