/* One record's whole story: its rows, what was sent, what came back, what was decided. */
#pragma once

#include "core/base/err.h"
#include "core/base/str.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* In the order of events of one job at the same time. */
enum history_kind {
    HISTORY_READ,     /* a row of a file became a job */
    HISTORY_REJECTED, /* a row of a file did not */
    HISTORY_REQUEST,
    HISTORY_CONFLICT,
    HISTORY_SETTLED,      /* the conflict */
    HISTORY_STATE,        /* the state of the job, and since when */
    HISTORY_AUDIT,        /* what the audit log shows of it */
    HISTORY_NOTIFICATION, /* the platform reported a change of the record; without a job */
};

/* Not every number is known: NULL in the database. */
struct history_number {
    bool known;
    int64_t value;
};

/* What an event does not mention is empty or not known. Texts are valid during the visit. */
struct history_event {
    enum history_kind kind;
    int64_t at_ms;
    int64_t job_id; /* a rejected row has the id that its job would have */
    int64_t id;     /* NOTIFICATION */
    struct span schema;
    struct span source, fields; /* READ, REJECTED: the file; READ: as the row has them */
    struct history_number line_no;
    struct history_number version; /* READ: declared; REQUEST: sent; CONFLICT: submitted */
    struct history_number server_version;
    struct history_number run_id, ended_ms, latency_us, http_status; /* REQUEST; ended_ms not
                                                                        known: nobody saw its end */
    struct span
        what; /* REQUEST: method; CONFLICT: empty if the record is gone; SETTLED: ours, theirs,
                 rebase, dismiss; STATE: its name; AUDIT: the verdict; NOTIFICATION: its state */
    struct span code;     /* REQUEST: the token that was sent; STATE; NOTIFICATION: the state of its
                             delivery, or empty */
    struct span error;    /* REJECTED: the violations; REQUEST: why no answer; STATE: message */
    struct span evidence; /* REQUEST; STATE: what the server says of the fields, `; ` between;
                             AUDIT: the entry; NOTIFICATION: the reason of its state */
    struct span correlation;                           /* REQUEST: the id that support asks for */
    struct history_number attempts, due_ms, waits_for; /* STATE; waits_for: a job */
};

/* Calls visit for each event of the records of that id, schema by schema, in the order of time.
 * Rows of a file that was refused as a whole are not among them. schema: of this one alone, or
 * NULL. Memory does not grow with the number of events. */
bool history_record(struct store *store, struct span record_id, const char *schema,
                    bool (*visit)(void *context, const struct history_event *event,
                                  struct err *err),
                    void *context, struct err *err);
