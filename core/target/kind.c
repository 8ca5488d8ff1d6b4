#include "core/target/kind.h"

static const char *const methods[TARGET_METHODS] = {
    [TARGET_GET] = "GET", [TARGET_PUT] = "PUT", [TARGET_PATCH] = "PATCH", [TARGET_POST] = "POST"};

static const char *const answers[] = {
    [TARGET_DONE] = "done",       [TARGET_UNCHANGED] = "unchanged", [TARGET_CONFLICT] = "conflict",
    [TARGET_MISSING] = "missing", [TARGET_EXISTS] = "exists",       [TARGET_REFUSED] = "refused",
    [TARGET_RETRY] = "retry",     [TARGET_THROTTLED] = "throttled", [TARGET_STOP] = "stop",
};

#define COUNT(names) (sizeof(names) / sizeof *(names))

/* Returns the index of the name, or count. */
static size_t find(const char *const *names, size_t count, struct span name)
{
    size_t i = 0;

    while (i < count && !(names[i] && span_is(name, names[i])))
        i++;
    return i;
}

const char *target_method_name(enum target_method method)
{
    return methods[method];
}

bool target_method_parse(struct span name, enum target_method *method)
{
    size_t found = find(methods, COUNT(methods), name);

    if (found < COUNT(methods))
        *method = (enum target_method)found;
    return found < COUNT(methods);
}

bool target_answer_parse(struct span name, enum target_answer *answer)
{
    size_t found = find(answers, COUNT(answers), name);

    if (found < COUNT(answers))
        *answer = (enum target_answer)found;
    return found < COUNT(answers);
}
