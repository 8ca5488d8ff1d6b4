/* What is known of a claim's record: used when the job is claimed, and stored when it is settled.
 */
#pragma once

#include "core/store/claim.h"
#include "core/store/known.h"
#include "core/target/kind.h"

/* What a row becomes by what is known of its record. */
enum known_use {
    KNOWN_FETCH, /* that is not enough: the record is fetched */
    KNOWN_SKIP,  /* its values are there: it ends `unchanged`, without a request */
    KNOWN_SEND,  /* a PUT with the known version */
};

/* What claims depend on of a target. */
struct known_target {
    enum target_lock lock;
    bool reads_first;        /* updates are built on the record, whatever the lock */
    unsigned bulk;           /* rows that an update can have; 0: each is a request of its own */
    const char *schema_hash; /* of the schema file, valid as long as the decider; NULL: none */
};

/* Decides what is made of it, inside the transaction of a turn. */
struct known_decider {
    /* Whether what is known of the schema's records is stored and used. */
    bool (*keeps)(void *context, struct span schema);
    /* Fills *facts about the target of the rows of a batch. ERR_CONFIG: a target of its own needs
     * the schema file, which is missing or wrong; or it makes record ids of other parts. */
    bool (*target)(void *context, struct span schema, const struct target_parts *parts,
                   struct known_target *facts, struct err *err);
    /* *fields, of KNOWN_SEND: what the PUT carries, valid until the next call. */
    bool (*decide)(void *context, const struct claim *claim, const struct known *known,
                   int64_t now_ms, enum known_use *use, struct span *fields, struct err *err);
    /* Whether two JSON objects have the same members with the same values. */
    bool (*same)(struct span a, struct span b);
    void *context;
};

/* Decides about a claim whose row has no version, and which was never sent. KNOWN_SEND: the claim
 * becomes that PUT, and is stored as such; where what the record held is to be kept, only a GET
 * shows it as it is. known: zeroed at first, used again. */
bool known_claim_use(struct store *store, const struct known_decider *decider, struct claim *claim,
                     int64_t now_ms, struct known *known, enum known_use *use, struct err *err);

/* Writes the job of a KNOWN_SKIP as `unchanged`. fresh: it was never claimed before. */
bool known_claim_skip(struct store *store, const struct claim *claim, const struct known *known,
                      bool fresh, int64_t run_id, int64_t now_ms, struct err *err);

/* Stores what the outcome of a claim with keeps_record shows. *drifted becomes true if a fetch
 * shows that somebody else has made the record another than was known of it. */
bool known_claim_learn(struct store *store, const struct known_decider *decider,
                       const struct claim *claim, int64_t now_ms, bool *drifted, struct err *err);
