#include "core/job/meaning.h"

#include <stddef.h>

/* The first line that fits counts (docs/api.md#what-each-answer-means). */
static const struct {
    short first, last;
    enum meaning meaning;
} statuses[] = {
    {200, 200, MEANS_DONE},        {201, 299, MEANS_AMBIGUOUS},   {300, 399, MEANS_WRONG_PLACE},
    {401, 401, MEANS_TOKEN},       {403, 403, MEANS_FORBIDDEN},   {404, 404, MEANS_MISSING},
    {405, 405, MEANS_WRONG_PLACE}, {407, 407, MEANS_PROXY},       {408, 408, MEANS_NOT_DONE},
    {409, 409, MEANS_CONFLICT},    {421, 421, MEANS_NOT_DONE},    {425, 425, MEANS_NOT_DONE},
    {429, 429, MEANS_THROTTLED},   {400, 499, MEANS_REFUSED},     {501, 501, MEANS_WRONG_PLACE},
    {503, 503, MEANS_NOT_DONE},    {505, 505, MEANS_WRONG_PLACE},
};

/* What other statuses mean where the lock is not a step. */
static const struct {
    short status;
    enum meaning with_lock, without;
} lock_statuses[] = {
    {201, MEANS_DONE, MEANS_DONE},        {204, MEANS_DONE, MEANS_DONE},
    {409, MEANS_CONFLICT, MEANS_REFUSED}, {412, MEANS_CONFLICT, MEANS_REFUSED},
    {428, MEANS_STOP, MEANS_STOP},
};

/* What an answer means in the words of targets. */
static const enum meaning told_meanings[] = {
    [TARGET_DONE] = MEANS_DONE,         [TARGET_UNCHANGED] = MEANS_UNCHANGED,
    [TARGET_CONFLICT] = MEANS_CONFLICT, [TARGET_MISSING] = MEANS_MISSING,
    [TARGET_EXISTS] = MEANS_EXISTS,     [TARGET_REFUSED] = MEANS_REFUSED,
    [TARGET_RETRY] = MEANS_NOT_DONE,    [TARGET_THROTTLED] = MEANS_THROTTLED,
    [TARGET_STOP] = MEANS_STOP,         [TARGET_UNSURE] = MEANS_AMBIGUOUS,
};

static enum meaning meaning_of(long status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (status >= statuses[i].first && status <= statuses[i].last)
            return statuses[i].meaning;
    return MEANS_AMBIGUOUS;
}

enum meaning meaning_of_answer(enum target_lock lock, long status, enum target_answer said,
                               bool is_garbled)
{
    enum meaning meaning = meaning_of(status);

    if (said != TARGET_UNTOLD)
        return told_meanings[said];
    for (size_t i = 0; lock != TARGET_STEP && i < sizeof lock_statuses / sizeof *lock_statuses; i++)
        if (lock_statuses[i].status == status)
            meaning = lock == TARGET_NONE ? lock_statuses[i].without : lock_statuses[i].with_lock;
    return meaning == MEANS_DONE && is_garbled ? MEANS_AMBIGUOUS : meaning;
}

bool meaning_splits(enum target_lock lock, long status, enum target_answer said, bool works)
{
    enum meaning meaning = meaning_of_answer(lock, status, said, false);
    bool is_about_rows = meaning == MEANS_REFUSED || meaning == MEANS_CONFLICT ||
                         meaning == MEANS_EXISTS || meaning == MEANS_UNCHANGED;

    /* where other rows are taken, it is not the address or the client that is refused */
    bool is_about_one = works && (meaning == MEANS_FORBIDDEN || meaning == MEANS_WRONG_PLACE);

    return status > 399 && (is_about_rows || is_about_one ||
                            (meaning == MEANS_MISSING && (works || status != 404)));
}
