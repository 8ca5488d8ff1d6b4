/* What is at fault when the API denies a request and has accepted none of its kind so far: the
 * record, or the run (the client's permissions, the environment, the object). A ruling about the
 * whole queue rests on a sample of the whole queue. Pure functions over values. */
#pragma once

#include "core/job/policy.h"

enum {
    TRIAL_JOBS = 20,      /* so many were denied, and none was accepted: it is the run */
    TRIAL_SAMPLED = 12,   /* of these, from places all over the queue */
    TRIAL_FEW = 3,        /* so many from the head of the queue begin the sample */
    TRIAL_CODE_SIZE = 64, /* of an error code that is compared */
};

/* Kinds of requests: one can be allowed and another denied. */
enum trial_kind { TRIAL_WRITE, TRIAL_READ, TRIAL_AUDIT, TRIAL_KINDS };

/* Jobs whose request was denied. */
struct trial_count {
    unsigned jobs, sampled;
};

/* One kind of request in one run; starts zeroed. */
struct trial {
    bool works;                       /* a request was accepted */
    bool varied;                      /* refusals differ: each is its record's */
    struct trial_count denied, alike; /* 403s and wrong places; refusals of the same sort */
    long status;                      /* of these refusals */
    char code[TRIAL_CODE_SIZE];
};

enum trial_ruling {
    TRIAL_RECORD, /* the record is at fault */
    TRIAL_OPEN,   /* unclear so far: the job is held */
    TRIAL_RUN,    /* the run is at fault and stops */
    TRIAL_LEFT,   /* unclear to the end: the job is left to the next run */
};

enum trial_kind trial_kind_of(enum job_request request);

/* Counts an answer that the policy left open. run: POLICY_FORBIDDEN, POLICY_WRONG_PLACE or
 * POLICY_REFUSING. sampled: the job was taken from somewhere in the queue, not from its head. */
enum trial_ruling trial_count(struct trial *trial, enum policy_run run, long status,
                              const char *code, bool sampled);

/* The ruling on a job that is held, by what is known now. dry: nothing else is left to try.
 * doubtful: so many other jobs ended in doubt, each of which may have been accepted; a dry run is
 * at fault only if more were denied. */
enum trial_ruling trial_rule(const struct trial *trial, enum policy_run run, bool dry,
                             unsigned doubtful);

/* How many further jobs of the sample decide; 0: there is nothing to decide, or the head of the
 * queue has not been denied often enough. */
unsigned trial_wants(const struct trial *trial);
