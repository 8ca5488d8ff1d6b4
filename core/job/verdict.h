/* What the audit log of the API says about an applied job. */
#pragma once

#include <stdbool.h>

/* As the lists in core/job/state.h: enumerators, names and counters are made from it. */
/* clang-format off */
#define VERDICT_LIST(FIRST, NEXT)                                                                  \
    FIRST(VERIFIED, verified)   /* the log has our update */                                       \
    NEXT(MISSING,   missing)    /* it has not, though it had the time to show it */                \
    NEXT(MISMATCH,  mismatch)   /* it has another update for our version */
/* clang-format on */

#define VERDICT_ENTRY(verdict, name) VERDICT_##verdict,

enum verdict {
    VERDICT_NONE, /* not looked up, or not known yet */
    VERDICT_LIST(VERDICT_ENTRY, VERDICT_ENTRY) VERDICTS
};

/* As the database and everything public spells it; "" for VERDICT_NONE. */
const char *verdict_name(enum verdict verdict);

/* What the entries of a job's record show, all pages together. */
struct verdict_facts {
    bool is_ours;     /* one has our correlation id */
    bool is_anothers; /* one of our version has another correlation id */
    bool is_unnamed;  /* one of our version has no id that could show whose it is */
    bool is_answered; /* the job is applied because the answer to its PUT gave the version */
};

/* VERDICT_NONE: the entries show nothing (docs/api.md#audit). A version is made by one update, so
 * that an entry without an id is ours where the server has said that we made its version. An update
 * in doubt has no such answer. */
enum verdict verdict_of(const struct verdict_facts *facts);

/* Whether the sample of `share` of all jobs (0 to 1) has the job with this correlation id. The same
 * id gives the same answer, and a larger share holds the smaller ones. */
bool verdict_samples(double share, const unsigned char correlation[16]);
