/* Inside the settling model only: one of its states, and the steps to others. */
#pragma once

#include "tests/lib/settling_model.h"

enum {
    WORLD_VERSIONS = 10, /* more than can be made */
    WORLD_FLYING = 4,    /* PUTs on their way at most */
};

/* A copy of our database and the process that drains it. */
#define WORLD_HOST                                                                                 \
    /* the store, by the names of its columns */                                                   \
    uint8_t state, attempts, readbacks, doubt, sent_version, put_status;                           \
    uint8_t has_rebase, rounds, has_base, base_version;                                            \
    uint8_t arbitrates, asked, look, page, is_gone; /* ticks that the log has been asked for */    \
    uint8_t was_there, is_copied, looks_again;                                                     \
    uint8_t found;  /* an entry on a page before, enum policy_entry */                             \
    uint8_t waits;  /* not due before the next tick */                                             \
    uint8_t proven; /* the verdict that ended the job is */                                        \
    /* the process */                                                                              \
    uint8_t hand, request, awaited, claim_version, claim_asked; /* awaited: place in flying */     \
    uint8_t status, end, shows_version, shows, entry, has_more,                                    \
        elsewhere;         /* the answer, before its commit */                                     \
    uint8_t shared, whole; /* ... it is that of all rows; it refuses their request as a whole */   \
    /* known only to the model */                                                                  \
    uint8_t blind;  /* a PUT ended without an answer, and nothing was read since */                \
    uint8_t missed; /* the audit log had shown who made the version before the wait was over */

struct host {
    WORLD_HOST
};

enum copy { COPY_NONE, COPY_KEPT, COPY_RUNS, COPY_RESTORED };

/* Only bytes, so that states compare as memory. */
struct world {
    /* the server */
    uint8_t version, makers[WORLD_VERSIONS], visible[WORLD_VERSIONS], gone, closed;
    uint8_t readable;             /* the oldest version that a GET may show */
    uint8_t flying[WORLD_FLYING]; /* the version that each PUT carries, 0: none */
    /* us, and another copy of our database, which is kept for later or drained, too */
    union {
        struct {
            WORLD_HOST
        };
        struct host host;
    };
    struct host other;
    uint8_t copy; /* enum copy: what other is */
    /* what can still go wrong */
    uint8_t foreign, faults, crashes, deletes, closes, later, splits;
    /* known only to the model */
    uint8_t applied;  /* how often our update was applied */
    uint8_t lockless; /* the server applies every PUT; the same in all states of a walk */
};

/* Receives the states that follow, and violations. */
struct onlooker {
    const struct model_settings *settings;
    void (*add)(struct onlooker *onlooker, const struct world *world); /* a state that follows */
    const char *violation;                                             /* the first; NULL: none */
};

void world_first(const struct model_settings *settings, struct world *world);

/* Adds every state that can follow. */
void world_step(struct onlooker *onlooker, const struct world *world);

/* Checks what must hold in every state. */
void world_check(struct onlooker *onlooker, const struct world *world);

/* Notes a violation; the first one counts. */
void onlooker_complain(struct onlooker *onlooker, const char *text);
