/* Facts for the policy, and its verdicts as lines of text. */
#pragma once

#include "core/job/policy.h"

/* Jobs sent once with version 5: the PUT, its read-back after a 409, and a read-back in doubt. */
extern const struct policy_job sent, asking, doubting;

/* 3 retries, 12 attempts, dice 0, in a run in which others succeed. */
extern const struct policy_limits limits;

/* A complete answer of that status, without a version or a time to wait. */
struct policy_answer answered(long status);

/* A 200 with a record of that version, without a writer. */
struct policy_answer record_of(int64_t version);

/* The end of a transfer without an answer. */
struct policy_answer ended(enum policy_end end);

/* The verdict under `limits`. */
struct policy_verdict assess(const struct policy_job *job, struct policy_answer answer);

/* `STATE RUN stayed doubt unsettled success costs proven NEXT retries N readbacks N delay MS`,
 * without words that do not apply; valid until the next call. */
const char *verdict_text(const struct policy_verdict *verdict);
