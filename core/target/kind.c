#include "core/target/kind.h"

static const char *const methods[TARGET_METHODS] = {
    [TARGET_GET] = "GET", [TARGET_PUT] = "PUT", [TARGET_PATCH] = "PATCH", [TARGET_POST] = "POST"};

static const char *const answers[] = {
    [TARGET_DONE] = "done",       [TARGET_UNCHANGED] = "unchanged", [TARGET_CONFLICT] = "conflict",
    [TARGET_MISSING] = "missing", [TARGET_EXISTS] = "exists",       [TARGET_REFUSED] = "refused",
    [TARGET_RETRY] = "retry",     [TARGET_THROTTLED] = "throttled", [TARGET_STOP] = "stop",
};

#define COUNT(names) (sizeof(names) / sizeof *(names))

const char *target_method_name(enum target_method method)
{
    return methods[method];
}

bool target_method_parse(struct span name, enum target_method *method)
{
    size_t found = span_index(name, methods, COUNT(methods));

    if (found < COUNT(methods))
        *method = (enum target_method)found;
    return found < COUNT(methods);
}

bool target_answer_parse(struct span name, enum target_answer *answer)
{
    size_t found = span_index(name, answers, COUNT(answers));

    if (found < COUNT(answers))
        *answer = (enum target_answer)found;
    return found < COUNT(answers);
}
