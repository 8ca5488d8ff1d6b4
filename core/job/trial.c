#include "core/job/trial.h"

#include <stdio.h>
#include <string.h>

enum trial_kind trial_kind_of(enum job_request request)
{
    static const enum trial_kind kinds[] = {
        [REQUEST_UPDATE] = TRIAL_WRITE,
        [REQUEST_READ_BACK] = TRIAL_READ,
        [REQUEST_AUDIT] = TRIAL_AUDIT,
        [REQUEST_FETCH] = TRIAL_READ,
    };

    return kinds[request];
}

static bool is_conclusive(const struct trial_count *count)
{
    return count->jobs >= TRIAL_JOBS && count->sampled >= TRIAL_SAMPLED;
}

static void add(struct trial_count *count, bool sampled)
{
    count->jobs++;
    count->sampled += sampled;
}

/* True where the refusal is the same as those before it. */
static bool is_alike(struct trial *trial, long status, const char *code)
{
    char kept[TRIAL_CODE_SIZE];

    snprintf(kept, sizeof kept, "%s", code);
    if (!trial->alike.jobs) {
        trial->status = status;
        memcpy(trial->code, kept, sizeof kept);
    }
    return trial->status == status && strcmp(trial->code, kept) == 0;
}

enum trial_ruling trial_count(struct trial *trial, enum policy_run run, long status,
                              const char *code, bool sampled)
{
    bool refusing = run == POLICY_REFUSING;

    if (!refusing)
        add(&trial->denied, sampled);
    else if (!trial->varied && is_alike(trial, status, code))
        add(&trial->alike, sampled);
    else
        trial->varied = true;
    if (!trial->works && is_conclusive(refusing ? &trial->alike : &trial->denied) &&
        !(refusing && trial->varied))
        return TRIAL_RUN;
    return trial_rule(trial, run, false, 0);
}

enum trial_ruling trial_rule(const struct trial *trial, enum policy_run run, bool dry,
                             unsigned doubtful)
{
    if (trial->works)
        return TRIAL_RECORD;
    if (run == POLICY_REFUSING)
        return trial->varied || dry ? TRIAL_RECORD : TRIAL_OPEN;
    if (!dry)
        return TRIAL_OPEN;
    return trial->denied.jobs > doubtful ? TRIAL_RUN : TRIAL_LEFT;
}

static unsigned wants(const struct trial_count *count)
{
    unsigned jobs = count->jobs < TRIAL_JOBS ? TRIAL_JOBS - count->jobs : 0;
    unsigned sampled = count->sampled < TRIAL_SAMPLED ? TRIAL_SAMPLED - count->sampled : 0;

    if (count->jobs - count->sampled < TRIAL_FEW)
        return 0;
    return jobs > sampled ? jobs : sampled;
}

unsigned trial_wants(const struct trial *trial)
{
    unsigned denied = wants(&trial->denied), alike = trial->varied ? 0 : wants(&trial->alike);

    if (trial->works)
        return 0;
    return denied > alike ? denied : alike;
}
