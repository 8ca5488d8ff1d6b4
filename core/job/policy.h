/* What an answer means for its job and for the run: docs/api.md#what-each-answer-means as a pure
 * function over values. */
#pragma once

#include "core/job/assess.h"

/* Fills *verdict. */
void policy_assess(const struct policy_job *job, const struct policy_answer *answer,
                   const struct policy_limits *limits, struct policy_verdict *verdict);

/* The state of a job whose answer concerned the whole run: as before the request. */
enum job_state policy_spared_state(const struct policy_job *job);
