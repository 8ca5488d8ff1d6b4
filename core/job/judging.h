/* Inside core/job only: what the verdicts on PUTs and on GETs share. */
#ifndef ROWFERRY_JOB_JUDGING_H
#define ROWFERRY_JOB_JUDGING_H

#include "core/job/policy.h"

/* A read can lag so long behind what was done. */
enum { JUDGE_LAG_MS = 1000 };

/* What a status says, whichever request it answers. */
enum meaning {
    MEANS_DONE,        /* 200: applied, or here is the record */
    MEANS_AMBIGUOUS,   /* may have landed */
    MEANS_NOT_DONE,    /* not done, says the server, and asks to try again */
    MEANS_TOKEN,       /* 401 */
    MEANS_FORBIDDEN,   /* 403 */
    MEANS_MISSING,     /* 404 */
    MEANS_CONFLICT,    /* 409 */
    MEANS_PROXY,       /* 407 */
    MEANS_THROTTLED,   /* 429 */
    MEANS_WRONG_PLACE, /* the environment is wrong */
    MEANS_REFUSED,     /* this request is wrong */
};

/* The facts of one case, and the verdict that grows. */
struct judging {
    const struct policy_job *job;
    const struct policy_answer *answer;
    const struct policy_limits *limits;
    struct policy_verdict *verdict;
    enum meaning meaning; /* of the answer's status */
};

/* No attempt is left. */
bool judge_is_exhausted(const struct judging *judging);

/* The job goes back to be sent, or fetched, again, counted against the run and over all runs. */
void judge_send_again(const struct judging *judging);

/* The fate stays open; asked again later. Only requests without an answer ever end that. */
void judge_ask_again(const struct judging *judging);

/* True of what says that the same PUT will never be taken. */
bool judge_is_refusal(long status);

/* 503 with Retry-After: everybody waits. */
void judge_pause(const struct judging *judging);

/* What a GET that was answered says: of the record after an ambiguous PUT or a 409; of a page of
 * the audit log; of the record that a PUT is to be built on. */
void judge_read_back(const struct judging *judging);
void judge_audit(const struct judging *judging);
void judge_fetch(const struct judging *judging);

#endif
