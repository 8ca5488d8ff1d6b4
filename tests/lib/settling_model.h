/* A model of one job and one record, with everything that can happen to them: PUTs that land late
 * or not at all, a server that loses ids, values and fields, answers that get lost, reads and an
 * audit log that lag, a foreign writer, a clock, crashes, a database that is put back to any
 * earlier moment, two copies of it that are drained at the same time, later rows of ours, requests
 * that it shares with other rows. All interleavings are walked. The verdicts are those of
 * policy_assess, and the model keeps of them what core/store/exchange.c keeps. */
#pragma once

#include "core/drain/bulk.h"

#include <stddef.h>

typedef void model_policy(const struct policy_job *job, const struct policy_answer *answer,
                          const struct policy_limits *limits, struct policy_verdict *verdict);

typedef void model_split(struct task *first, const struct http_answer *answer, const char *message);

struct model_settings {
    model_policy *policy;
    model_split *split; /* of a request that was refused as a whole; NULL: bulk_split */
    enum policy_on_conflict on_conflict;
    enum target_lock lock;
    bool shows_no_ids;     /* the target has no place for an id, and no audit log */
    bool strays_die;       /* a PUT whose answer nobody awaits does not outlive a tick */
    bool fetched;          /* version: fetch; else the row declares a version */
    int declared;          /* ... so much above that of the record */
    bool holds_ours;       /* the record has our values from the start */
    bool drops_record_ids; /* a GET can show a record without an id */
    bool drops_audit_ids;  /* ... and the audit log an entry without one */
    bool knows_user;       /* ... whose user shows whether it is ours */
    bool changes_values;   /* the server stores other values than it was sent */
    bool drops_fields;     /* a fault: a GET shows a record without its fields */
    bool lags;             /* a GET can show the record of any moment since the last tick */
    bool put_back;         /* our database can be restored once, to any earlier moment */
    bool copied;           /* it can be copied once, at any moment, and both copies are drained */
    bool later;            /* who is done with the job can send a later row of ours, once */
    bool foreign_same;     /* the foreign writer can write the values that we send */
    unsigned foreign;      /* how often the foreign writer writes at most */
    bool foreign_deletes;  /* ... and can delete the record once */
    unsigned splits; /* the PUT is one row of several, whose request can be refused so often */
    bool in_part;    /* ... and then have been done in part */
    bool may_close;  /* from some moment on, the server can refuse what we send */
    unsigned faults, crashes;
};

struct model_result {
    size_t states, ends;   /* all, and those in which nothing can happen any more */
    unsigned job_states;   /* set of 1 << enum job_state: the final states that were found */
    const char *violation; /* the first one; NULL: none */
};

/* Walks until everything is seen or a violation is found. */
void model_walk(const struct model_settings *settings, struct model_result *result);
