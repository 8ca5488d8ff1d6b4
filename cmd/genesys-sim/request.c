#include "cmd/genesys-sim/request.h"

#include <stdlib.h>
#include <strings.h>

void request_release(struct request *request)
{
    free(request->target);
    buf_release(&request->body);
    route_release(&request->route);
    answer_release(&request->answer);
}

bool request_has_type(const struct request *request, const char *type)
{
    const char *value = request->content_type;
    size_t size = strlen(type);

    return value && strncasecmp(value, type, size) == 0 &&
           (value[size] == '\0' || value[size] == ';' || value[size] == ' ');
}

bool request_lists(const char *list, struct span word)
{
    while (*list) {
        size_t size = strcspn(list, " ");

        if (span_equal((struct span){list, size}, word))
            return true;
        list += size;
        list += strspn(list, " ");
    }
    return false;
}

bool request_has_payload(struct request *request)
{
    struct answer *answer = &request->answer;

    if (!request_has_type(request, "application/json"))
        answer_error(answer, 400, NULL, "Content-Type must be application/json.", NULL);
    else if (request->body_size > BODY_MAX)
        answer_error(answer, 413, NULL, NULL, NULL);
    else if (!request->payload_ok)
        answer_error(answer, 400, "invalid.payload", request->problem.text, NULL);
    else
        return true;
    return false;
}
