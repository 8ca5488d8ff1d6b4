/* What a page of the audit log means for a job whose update may have landed. */
#pragma once

#include "core/job/assess.h"

/* Fills *out, of which nothing is set before. */
void assess_audit(const struct facts *in, struct policy_verdict *out);
