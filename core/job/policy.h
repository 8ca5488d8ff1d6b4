/* What an answer means for a job and for the run: a pure function over values, the API's
 * documentation as tables. */
#ifndef ROWFERRY_JOB_POLICY_H
#define ROWFERRY_JOB_POLICY_H

#include "core/job/state.h"

#include <stdbool.h>
#include <stdint.h>

/* How the transfer ended. */
enum policy_end {
    POLICY_ANSWERED,   /* complete final answer: status counts */
    POLICY_NEVER_LEFT, /* no byte of it went out */
    POLICY_UNTRUSTED,  /* never left: certificate */
    POLICY_NO_ANSWER,  /* it left, and no complete answer came */
};

struct policy_answer {
    enum policy_end end;
    long status;
    const char *code;       /* of an API error, or "" */
    int64_t retry_after_ms; /* -1 without */
    bool has_version;       /* the body is an object that holds an integer `version` */
    int64_t version;
    bool has_correlation; /* the record carries a correlation id */
    bool is_ours;         /* ... and it is this job's */
    bool fields_are_ours; /* the record holds our fields by value */
};

/* The job that asked, as it was claimed. */
struct policy_job {
    bool read_back;     /* a GET, after an ambiguous PUT or a 409 */
    bool doubt;         /* an earlier attempt may have landed */
    bool refused_token; /* this run's last answer to this job was a 401 */
    int64_t version;    /* that the PUT in question carried */
    unsigned attempts, readbacks, run_retries;
};

struct policy_limits {
    unsigned max_retries, max_attempts;
    bool run_succeeded;  /* some request of this run was answered 2xx */
    bool token_accepted; /* ... and one with the token that this request carried */
    double dice;         /* 0 to 1, for jitter */
};

/* What the run as a whole does. */
enum policy_run {
    POLICY_GO_ON,
    POLICY_NEW_TOKEN,   /* fetch one, then the same request again */
    POLICY_PAUSE,       /* nothing leaves for pause_ms (-1: the server named no time) */
    POLICY_UNREACHABLE, /* nothing was reached: try again, end when nothing works */
    POLICY_FORBIDDEN,   /* a 403 while nothing has succeeded: us, or this record alone? */
    POLICY_STOP_AUTH,
    POLICY_STOP_CONFIG,
};

struct policy_verdict {
    enum job_state state;
    enum policy_run run;
    bool left; /* the request counts as an attempt that may have left */
    bool doubt, unsettled;
    bool success; /* a 2xx with a body that we understand: refills the retry budget */
    bool retry;   /* costs the retry budget */
    unsigned readbacks, run_retries;
    int64_t delay_ms; /* of pending and unknown: not before now + this */
    int64_t pause_ms;
    bool has_server_version;
    int64_t server_version;
    const char *evidence; /* what a read-back's verdict rests on, or "" */
};

void policy_judge(const struct policy_job *job, const struct policy_answer *answer,
                  const struct policy_limits *limits, struct policy_verdict *verdict);

/* A 403 that POLICY_FORBIDDEN left open, once other requests have succeeded. */
enum job_state policy_forbidden_state(const struct policy_job *job);

/* 1 s doubled with each retry after the first, at most 60 s, plus up to a quarter of jitter. */
int64_t policy_backoff_ms(unsigned retries, double dice);

#endif
