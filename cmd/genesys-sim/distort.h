/* Answers that are not as the API gives them: ids and users that are missing or spoiled, fields
 * that are no object, audit pages that do not lead on, coded bodies. Each way has a probability of
 * its own for each kind of request, and several ways can meet in one answer. */
#ifndef GENESYS_SIM_DISTORT_H
#define GENESYS_SIM_DISTORT_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* The answers that a probability applies to. */
enum distort_scope { DISTORT_PUT, DISTORT_GET, DISTORT_AUDIT, DISTORT_TOKEN, DISTORT_SCOPES };

enum distort_kind {
    /* of the correlation id in a record or an audit entry: at most one of these, the first */
    DISTORT_NO_ID,
    DISTORT_BLANK_ID,
    DISTORT_GARBLED_ID,
    DISTORT_UPPER_ID,
    /* of a record */
    DISTORT_NO_METADATA,
    DISTORT_NO_FIELDS,
    DISTORT_NULL_FIELDS,
    DISTORT_TEXT_FIELDS,
    DISTORT_ARRAY_FIELDS,
    /* of an audit entry */
    DISTORT_NO_USER,
    DISTORT_OTHER_USER,
    DISTORT_OUR_USER,
    /* of an audit page */
    DISTORT_NO_NEXT,
    DISTORT_REPEATED,
    DISTORT_NO_TOTAL,
    DISTORT_LOW_TOTAL,
    DISTORT_HIGH_TOTAL,
    /* of the body as it is sent */
    DISTORT_GZIP,
    DISTORT_DEFLATE,
    DISTORT_BROTLI,
    DISTORT_BOMB,
    DISTORT_BROKEN_GZIP,
    DISTORT_UNKNOWN_CODING,
    DISTORT_KINDS
};

/* Zeroed means that no answer is distorted. */
struct distortions {
    double probability[DISTORT_SCOPES][DISTORT_KINDS];
    uint64_t seed;
    uint64_t drawn[DISTORT_KINDS]; /* counts for the statistics */
};

/* Reads `SCOPE:KIND=P`, or `none`, which sets every probability to 0. */
bool distort_parse(struct distortions *distortions, const char *text, struct err *err);

/* True when the answer numbered n gets this kind. It depends on nothing but probability, seed,
 * scope, kind and n: a number that belongs to a version of a record or to an audit entry gives the
 * same at every reading. */
bool distort_draws(struct distortions *distortions, enum distort_scope scope,
                   enum distort_kind kind, uint64_t n);

/* The first of the kinds from first to last that is drawn, or DISTORT_KINDS for none. */
enum distort_kind distort_draw_one(struct distortions *distortions, enum distort_scope scope,
                                   enum distort_kind first, enum distort_kind last, uint64_t n);

/* Appends `"requestCorrelationId":VALUE` with the id as drawn for n, or nothing when it is dropped;
 * false then. id is a JSON string with its quotes. */
bool distort_append_id(struct distortions *distortions, enum distort_scope scope, uint64_t n,
                       struct buf *out, struct span id);

/* Replaces body by its coded form (RFC 9110 section 8.4.1). The value of Content-Encoding, or NULL
 * when none is drawn and the body is as it was. */
const char *distort_code(struct distortions *distortions, enum distort_scope scope, uint64_t n,
                         struct buf *body);

const char *distort_name(enum distort_kind kind);
const char *distort_help(enum distort_kind kind);

#endif
