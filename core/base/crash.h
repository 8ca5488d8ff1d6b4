/* Named places at which a test build can kill itself, to prove that the next start recovers. Only
 * the profiles for tests have them (-DROWFERRY_CRASH_POINTS), not the shipped build, so that no
 * setting can end a process in production. */
#pragma once

#include "core/base/err.h"

/* In the order in which a run passes them, then those of prune and of notifications; crash.c
 * describes them. */
enum crash_place {
    CRASH_DATABASE_MADE,
    CRASH_DATABASE_SET_UP,
    CRASH_RUN_BEGUN,
    CRASH_BATCH_BEGUN,
    CRASH_CHUNK_COMMITTED,
    CRASH_BATCH_READ,
    CRASH_KEYS_COMMITTED,
    CRASH_BATCH_OPENED,
    CRASH_BATCH_REFUSED,
    CRASH_DISCARD_COMMITTED,
    CRASH_REJECTS_FORGOTTEN,
    CRASH_FOLDER_MADE,
    CRASH_SHEET_WRITTEN,
    CRASH_SHEET_RENAMED,
    CRASH_FILE_RENAMED,
    CRASH_FILE_MOVED,
    CRASH_FILE_RECORDED,
    CRASH_RECOVER_COMMITTED,
    CRASH_DRAIN_RECOVERED,
    CRASH_TOKEN_TAKEN,
    CRASH_TURN_WRITTEN,
    CRASH_TURN_COMMITTED,
    CRASH_CLAIMS_TAKEN,
    CRASH_REQUEST_STARTED,
    CRASH_ANSWER_TAKEN,
    CRASH_ANSWER_DECIDED,
    CRASH_TURN_READY,
    CRASH_PAUSE_WRITTEN,
    CRASH_AUDITS_BEGUN,
    CRASH_AUDIT_STARTED,
    CRASH_AUDIT_ANSWERED,
    CRASH_AUDITS_WRITTEN,
    CRASH_AUDITS_DONE,
    CRASH_RUN_ENDED,
    CRASH_PRUNE_MARKED,
    CRASH_PRUNE_COMMITTED,
    CRASH_NOTIFICATION_READ,
    CRASH_NOTIFICATION_COMMITTED,
    CRASH_DELIVERY_STARTED,
    CRASH_DELIVERY_ANSWERED,
    CRASH_DELIVERY_SETTLED,
    CRASH_PLACES
};

#ifdef ROWFERRY_CRASH_POINTS

/* Reads `NAME[:N]`: the process kills itself when it passes that place for the N-th time (default
 * 1). Called before any thread starts. ERR_CONFIG if N is not a number of 1 or more, or there is no
 * such place; then the text lists all of them. */
bool crash_arm(const char *text, struct err *err);

/* Marks a place where the process can end; any thread. */
void crash_point(enum crash_place place);

#else

static inline void crash_point(enum crash_place place)
{
    (void)place;
}

#endif
