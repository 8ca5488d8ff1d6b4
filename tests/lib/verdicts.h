/* Facts for the policy, and its verdicts as lines of text. */
#ifndef ROWFERRY_TESTS_LIB_VERDICTS_H
#define ROWFERRY_TESTS_LIB_VERDICTS_H

#include "core/job/policy.h"

/* Sent once with version 5: the PUT itself, its read-back after a 409, and one with a doubt. */
extern const struct policy_job sent, asking, doubting;

/* 3 retries, 12 attempts, dice 0, in a run in which others succeed. */
extern const struct policy_limits limits;

/* A complete answer of that status, without a version or a time to wait. */
struct policy_answer answered(long status);

/* A 200 with a record of that version that says nothing of its writer. */
struct policy_answer record_of(int64_t version);

/* A transfer that ended so, without an answer. */
struct policy_answer ended(enum policy_end end);

/* The verdict under `limits`. */
struct policy_verdict judge(const struct policy_job *job, struct policy_answer answer);

/* `STATE RUN stayed doubt unsettled success costs proven NEXT retries N readbacks N delay MS`,
 * without what does not hold; valid until the next call. */
const char *told(const struct policy_verdict *verdict);

#endif
