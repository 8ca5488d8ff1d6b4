/* Answers that differ from those of the API: ids and users that are missing or invalid, fields that
 * are not an object, audit pages without a next one, encoded bodies. Each kind has its own
 * probability for each scope, and one answer can be distorted in several ways. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* The answers that a probability applies to. */
enum distort_scope {
    DISTORT_PUT,
    DISTORT_GET,
    DISTORT_AUDIT,
    DISTORT_TOKEN,
    DISTORT_WEBHOOK,
    DISTORT_SCOPES
};

enum distort_kind {
    /* of the correlation id in a record or an audit entry; the first that is drawn applies */
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
    DISTORT_ENDLESS,
    DISTORT_NO_TOTAL,
    DISTORT_LOW_TOTAL,
    DISTORT_HIGH_TOTAL,
    /* of the body as sent */
    DISTORT_GZIP,
    DISTORT_DEFLATE,
    DISTORT_BROTLI,
    DISTORT_BOMB,
    DISTORT_BROKEN_GZIP,
    DISTORT_UNKNOWN_CODING,
    /* of a notification */
    DISTORT_LOST,
    DISTORT_DUPLICATED,
    DISTORT_REORDERED,
    DISTORT_NO_WEBHOOK_ID,
    DISTORT_UNSIGNED,
    DISTORT_BAD_SIGNATURE,
    /* of an audit entry; so is DISTORT_LOST */
    DISTORT_OTHER_ID,
    DISTORT_KINDS
};

/* Zeroed: no answer is distorted. */
struct distortions {
    double probability[DISTORT_SCOPES][DISTORT_KINDS];
    uint64_t seed;
    uint64_t drawn[DISTORT_KINDS]; /* counts for the statistics */
};

/* Reads `SCOPE:KIND=P`, or `none`, which sets every probability to 0. */
bool distort_parse(struct distortions *distortions, const char *text, struct err *err);

/* True when the answer numbered n is distorted in this way. It depends only on probability, seed,
 * scope, kind and n, so that a number which belongs to a version of a record or to an audit entry
 * gives the same result at every request. DISTORT_SCOPES: never. */
bool distort_draws(struct distortions *distortions, enum distort_scope scope,
                   enum distort_kind kind, uint64_t n);

/* Returns the first of the kinds from first to last that is drawn, or DISTORT_KINDS for none. */
enum distort_kind distort_draw_one(struct distortions *distortions, enum distort_scope scope,
                                   enum distort_kind first, enum distort_kind last, uint64_t n);

/* Appends `"requestCorrelationId":VALUE` with the id as drawn for n. False, and nothing is
 * appended, when the id is dropped. id is a JSON string with its quotes. */
bool distort_append_id(struct distortions *distortions, enum distort_scope scope, uint64_t n,
                       struct buf *out, struct span id);

/* Replaces body by its encoded form (RFC 9110 section 8.4.1) and returns the value of
 * Content-Encoding. NULL when none is drawn and body is unchanged. */
const char *distort_code(struct distortions *distortions, enum distort_scope scope, uint64_t n,
                         struct buf *body);

const char *distort_name(enum distort_kind kind);
const char *distort_help(enum distort_kind kind);
