/* Runs (one for each command that works on the database), and the pause that one leaves to the
 * next. */
#pragma once

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

/* The row in `run` of this command. */
struct store_run {
    uint64_t requests, latency_avg_us, latency_p50_us, latency_p95_us, latency_p99_us;
    double error_rate; /* answers of 400 and above, and none at all, over requests */
    uint64_t validation_failures, throttled;
};

bool run_begin(struct store *store, const char *command, const char *version, int64_t now_ms,
               int64_t *run_id, struct err *err);

/* Notes where the run sends its requests, before the first one. If the run before it sent them to
 * another place, what is known of records is forgotten, because it is about others: *forgotten. */
bool run_place(struct store *store, int64_t run_id, const char *place, bool *forgotten,
               struct err *err);

bool run_end(struct store *store, int64_t run_id, int64_t now_ms, int exit_status,
             const struct store_run *run, struct err *err);

enum { PAUSE_MAX_MS = 86400000 }; /* no pause lasts longer than a day */

/* In the reason of a pause, before its end (clock_iso). */
#define PAUSE_UNTIL ", and asks to wait until "

struct pause_info {
    int64_t until_ms; /* 0: nothing is parked */
    int64_t ahead_ms; /* the stored end is this much later, because the clock was ahead when it was
                         set */
    char reason[512]; /* cut */
};

/* Who asked for a pause: the API, or an ERP, by a name of the caller's. */
#define PAUSE_OF_API "api"

/* Reads the pause at now_ms, which is never longer than it was set for, nor than PAUSE_MAX_MS. If
 * it ends earlier than stored, the reason names that end. */
bool pause_read(struct store *store, const char *scope, int64_t now_ms, struct pause_info *pause,
                struct err *err);

/* Sets a pause until until_ms, as of now_ms; 0 removes it. */
bool pause_write(struct store *store, const char *scope, int64_t now_ms, int64_t until_ms,
                 const char *reason, int64_t run_id, struct err *err);

struct run_info {
    int64_t id;
    char command[32];
    int64_t started_ms, ended_ms; /* ended_ms 0: it is running, or was killed */
    int exit_status;
    uint64_t requests;
};

/* The last run before that one; id 0: none. */
bool run_last(struct store *store, int64_t before_id, struct run_info *run, struct err *err);

/* The last run of a command that ended with that exit status (-1: any); id 0: none did. */
bool run_last_ended(struct store *store, const char *command, int exit_status, struct run_info *run,
                    struct err *err);
