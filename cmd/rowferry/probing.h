/* One record that `doctor --probe` reads, updates and puts back: the requests about it, and what
 * they showed. */
#pragma once

#include "cmd/rowferry/checkup.h"
#include "core/api/comparison.h"
#include "core/api/probe.h"
#include "core/job/meaning.h"
#include "core/validate/schema.h"

#include <stdbool.h>
#include <stdint.h>

/* A record as it was read. */
struct seen {
    struct buf body, fields, token;
    struct buf under;          /* what goes back with an update that is merged */
    struct buf back;           /* ... with one that has only its own fields */
    bool is_ours, is_anothers; /* by the mark */
    int64_t version;           /* with a step */
};

struct probing {
    struct checkup *checkup;
    const struct schema *schema;
    const struct target *target;
    const struct description *description;
    struct target_row row;
    unsigned char correlation[16]; /* of all updates */
    struct buf tags, given;        /* given: by --fields, or empty */
    struct seen first, last;       /* before the first update, and the last that was read */
    struct buf older;              /* a token that the record had before; or empty */
    struct buf answered, shown; /* tokens of the answer to the last update: where the target looks
                                   for it, and where a read has it; or empty */
    struct buf before, sent;    /* fields: of the record before the last update, and of that */
    struct buf shown_fields;    /* ... and of a record in the answer to it; or empty */
    struct api_probe_answer answer;
    enum meaning meaning; /* of the answer, as a run takes it */
    bool is_ready;        /* the record was read, and can be updated */
    bool wrote;           /* an update may have landed */
    bool in_doubt;        /* ... and no answer or read shows whether the last one has */
    bool is_foreign;      /* somebody else has changed the record since */
    bool is_unclear;      /* ... or the API has: nothing shows which */
    bool updated;         /* the first one was accepted, and the record was read after it */
};

/* NULL after the finding. The caller closes it. */
struct probing *probing_open(struct checkup *checkup, const struct schema *schema,
                             const char *record_id);
void probing_close(struct probing *probing);

enum probing_look { PROBING_FAILED, PROBING_MISSING, PROBING_SEEN };

/* Reads the record into probing->last. PROBING_FAILED: after the finding. */
enum probing_look probing_read(struct probing *probing);

/* Keeps the record that was read as the one that is put back in the end. */
void probing_begin(struct probing *probing);

/* Appends the fields of a record that an update can carry: without nulls, which are the same as
 * nothing, without `leave_out`, and, if the target keeps what is not sent, without those that it
 * ignores. */
void probing_fields(const struct probing *probing, struct span fields, struct span leave_out,
                    struct buf *out);

/* Sends an update, with the signals that would end it held back from now on. False after the
 * finding: no complete answer. */
bool probing_write(struct probing *probing, struct span fields, struct span under,
                   struct span token);

/* The same without a finding. False with ERR_NETWORK: no complete answer, or as api_probe_send has
 * it. */
bool probing_send(struct probing *probing, struct span fields, struct span under, struct span token,
                  struct err *err);

/* Whether the last answer means that the record holds the update. */
bool probing_is_accepted(const struct probing *probing);

/* Returns the last answer for messages, `409 general.conflict (message)`, in the buffer. */
const char *probing_answer(const struct probing *probing, struct buf *out);

/* The kind of error that an answer is which was not wanted. */
enum err_kind probing_kind(const struct probing *probing);

/* Reads the record after an update; again, a few times, while it is not as it was sent or has the
 * token that it had, because a read can lag. False after the finding: that failed, or somebody else
 * has changed the record. */
bool probing_read_after(struct probing *probing);

/* The last update and the record that was read after it, to be compared. */
struct comparison_sides probing_sides(const struct probing *probing);

/* Whether the record that was read is as the last update and the API may have left it, by its
 * values. */
bool probing_is_explained(const struct probing *probing);

/* Whether fields have one of that name that is not null. */
bool probing_has(struct span fields, struct span name);

/* Whether two records have the same fields, as the target compares them. */
bool probing_same(const struct probing *probing, struct span a, struct span b);
