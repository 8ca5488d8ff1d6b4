/* One job, one record, and everything that can happen between them: a server of which PUTs land
 * late or not at all, that loses ids, values and fields, answers that get lost, reads and an audit
 * log that lag, a foreign writer, a clock, crashes, an older copy of our database. All
 * interleavings are walked; the verdicts are policy_assess's, and what of them is kept is what
 * core/store/exchange.c keeps. */
#ifndef ROWFERRY_TESTS_LIB_SETTLING_MODEL_H
#define ROWFERRY_TESTS_LIB_SETTLING_MODEL_H

#include "core/job/policy.h"

#include <stddef.h>

typedef void model_judge(const struct policy_job *job, const struct policy_answer *answer,
                         const struct policy_limits *limits, struct policy_verdict *verdict);

struct model_settings {
    model_judge *judge;
    enum policy_on_conflict on_conflict;
    bool fetched;          /* version: fetch; else the row declares a version */
    int declared;          /* ... so much above the record's */
    bool holds_ours;       /* the record has our values from the start */
    bool drops_record_ids; /* a GET may show a record without an id that could tell */
    bool drops_audit_ids;  /* ... the audit log an entry */
    bool knows_user;       /* ... of which the user tells whether it is ours */
    bool changes_values;   /* the server stores other values than it was sent */
    bool drops_fields;     /* a fault: a GET shows a record without its fields */
    bool lags;            /* a GET may show what the record was at any moment since the last tick */
    bool put_back;        /* our database may be put back once to the moment before the job began */
    bool foreign_same;    /* somebody else may write the values that we send */
    unsigned foreign;     /* how often somebody else writes at most */
    bool foreign_deletes; /* ... and may delete the record once */
    bool may_close;       /* from some moment on, the server refuses what we send */
    unsigned faults, crashes;
};

struct model_result {
    size_t states, ends;   /* all, and those in which nothing can happen any more */
    unsigned job_states;   /* set of 1 << enum job_state: how the job ended in some */
    const char *violation; /* the first that was found; NULL: none */
};

/* Walks until everything is seen or a violation is found. */
void model_walk(const struct model_settings *settings, struct model_result *result);

#endif
