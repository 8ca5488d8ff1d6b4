#include "core/job/verdict.h"

#include <xxhash.h>

#define NAME(verdict, name) #name,

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[VERDICTS] = {"", VERDICT_LIST(NAME, NAME)};

    return names[verdict];
}

enum verdict verdict_of(const struct verdict_facts *facts)
{
    if (facts->is_ours)
        return VERDICT_VERIFIED;
    if (facts->is_anothers)
        return VERDICT_MISMATCH;
    return facts->is_unnamed && facts->is_answered ? VERDICT_VERIFIED : VERDICT_NONE;
}

bool verdict_samples(double share, const unsigned char correlation[16])
{
    return (double)(XXH3_64bits(correlation, 16) >> 11) < share * 9007199254740992.0; /* 2^53 */
}
