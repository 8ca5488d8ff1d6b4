/* Whose fault it is when the API denies a request and has taken none of its kind so far: the
 * record's, or ours (the client's permissions, the environment, the object). A verdict on all of
 * the queue rests on a sample of all of the queue. Pure functions over values. */
#ifndef ROWFERRY_JOB_TRIAL_H
#define ROWFERRY_JOB_TRIAL_H

#include "core/job/policy.h"

enum {
    TRIAL_JOBS = 20,      /* as many were denied, and none was taken: it is us */
    TRIAL_SAMPLED = 12,   /* of these, from places all over the queue */
    TRIAL_FEW = 3,        /* as many from the head of the queue begin the sample */
    TRIAL_CODE_SIZE = 64, /* of an error code that is compared */
};

/* Success of one kind is no proof for another. */
enum trial_kind { TRIAL_WRITE, TRIAL_READ, TRIAL_AUDIT, TRIAL_KINDS };

/* Jobs whose request was denied. */
struct trial_count {
    unsigned jobs, sampled;
};

/* One kind of request in one run; zeroed at first. */
struct trial {
    bool works;                       /* a request was taken */
    bool varied;                      /* refusals differ: each is its record's */
    struct trial_count denied, alike; /* 403s and wrong places; refusals of the same sort */
    long status;                      /* of these refusals */
    char code[TRIAL_CODE_SIZE];
};

enum trial_ruling {
    TRIAL_RECORD, /* it is this record */
    TRIAL_OPEN,   /* it is not clear yet: the job is held */
    TRIAL_US,     /* it is us: the run stops */
};

enum trial_kind trial_kind_of(enum job_request request);

/* Counts an answer that the policy left open. run: POLICY_FORBIDDEN, POLICY_WRONG_PLACE or
 * POLICY_REFUSING. sampled: the job was taken from somewhere in the queue, not from its head. */
enum trial_ruling trial_count(struct trial *trial, enum policy_run run, long status,
                              const char *code, bool sampled);

/* What became of a job that is held, by what is known now; `dry`: nothing else is left to try. */
enum trial_ruling trial_rule(const struct trial *trial, enum policy_run run, bool dry);

/* How many further jobs of the sample decide; 0: there is nothing to decide, or the head of the
 * queue has not been denied often enough. */
unsigned trial_wants(const struct trial *trial);

#endif
