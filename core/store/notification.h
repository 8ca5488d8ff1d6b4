/* Notifications of the platform: each stored once, with its delivery to the ERP where one is due.
 */
#pragma once

#include "core/base/err.h"
#include "core/base/str.h"
#include "core/job/state.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NOTIFICATION_KEY_SIZE = 16 };

enum notification_state {
    NOTIFICATION_ACCEPTED,
    NOTIFICATION_NOT_ACCEPTED,
    NOTIFICATION_ECHO,
    NOTIFICATION_STATES,
};

/* One notification. Texts are the caller's. */
struct notification {
    unsigned char
        key[NOTIFICATION_KEY_SIZE];        /* the same for notifications that count as the same */
    struct span action, schema, record_id; /* schema may be empty */
    struct span body;                      /* JSON, as it came */
    struct span fields;                    /* within it, a JSON object; or empty */
    int64_t modified_ms;                   /* 0: not known */
    const char *refusal;                   /* why it is not accepted, or NULL */

    /* of notifications_add */
    int64_t id; /* of the row */
    enum notification_state state;
    bool is_repeated; /* it was there already, and nothing was stored */
};

/* Whether an accepted notification is the echo of a job, and of which one. */
struct notification_verdict {
    enum { NOTIFICATION_FOREIGN, NOTIFICATION_OF_JOB, NOTIFICATION_WAITS } end;
    int64_t job_id; /* of all but FOREIGN; WAITS: whose end decides */
};

/* Decides that, inside the transaction, where it may use the functions below. False on error. */
struct notification_decider {
    bool (*decide)(void *context, const struct notification *notification,
                   struct notification_verdict *verdict, struct err *err);
    void *context;
    /* Whether the schema asks for known_record; or NULL: none does. */
    bool (*knows)(void *context, struct span schema);
    bool delivers_echoes; /* echoes are delivered like others, and nothing waits */
};

/* A job that sent, or may have sent, an update of the notification's record. */
struct notification_candidate {
    int64_t job_id;
    enum job_state state;
    const unsigned char *correlation; /* 16 bytes */
    struct span fields;               /* as its update carries them */
    /* its PUT that began nearest to the notification's time; 0: there is none, or no end of it */
    int64_t started_ms, ended_ms;
    int64_t echo_ms; /* when its change was made, by an earlier notification; 0: none came */
};

enum { NOTIFICATION_CANDIDATES_MAX = 64 };

/* Visits the jobs of the notification's record and schema that have been claimed, the newest first,
 * at most NOTIFICATION_CANDIDATES_MAX. *go_on false ends it. */
bool notification_candidates(struct store *store, const struct notification *notification,
                             int64_t modified_ms,
                             bool (*visit)(void *context,
                                           const struct notification_candidate *candidate,
                                           bool *go_on, struct err *err),
                             void *context, struct err *err);

/* Visits the bodies of stored notifications of a record that came at since_ms or later and speak of
 * changes between the two times (inclusive), the newest first, at most NOTIFICATION_CANDIDATES_MAX.
 */
bool notification_between(struct store *store, struct span record_id, int64_t since_ms,
                          int64_t after_ms, int64_t before_ms,
                          void (*visit)(void *context, struct span body), void *context,
                          struct err *err);

/* Stores all of them in one transaction, which is on the disk when this returns. Accepted ones get
 * a pending delivery unless they are echoes. */
bool notifications_add(struct store *store, struct notification *const *notifications, size_t count,
                       const struct notification_decider *decider, int64_t now_ms, struct err *err);

/* Decides again about notifications that waited for the end of a job, in one transaction; *decided:
 * how many do not wait any more. The decider gets the texts of the stored row. */
bool notifications_decide(struct store *store, const struct notification_decider *decider,
                          int64_t now_ms, uint64_t *decided, struct err *err);

struct notification_counts {
    uint64_t by_state[NOTIFICATION_STATES];
    uint64_t pending, delivered, failed; /* deliveries */
};

bool notification_count(struct store *store, struct notification_counts *counts, struct err *err);
