#include "core/http/redact.h"

#include <string.h>

void redact(char *text, size_t size, const char *authorization)
{
    const char *space = authorization ? strchr(authorization, ' ') : NULL;
    const char *secret = space && strlen(space + 1) >= REDACT_MIN ? space + 1 : authorization;
    size_t secret_size = secret ? strlen(secret) : 0;
    char *end = text + size;

    if (size == 0 || secret_size < REDACT_MIN)
        return;
    while ((text = memmem(text, (size_t)(end - text), secret, secret_size)))
        memset(text, '*', secret_size);
}

void redact_user_info(char *text)
{
    char *at = strrchr(text, '@'), *start = strstr(text, "://");
    size_t hidden;

    if (!at)
        return;
    if (start && start < at) {
        start += 3;
    } else {
        start = strpbrk(text, "'\"");
        start = start && start < at ? start + 1 : text;
    }
    hidden = (size_t)(at - start) < 3 ? (size_t)(at - start) : 3;
    memset(start, '*', hidden);
    memmove(start + hidden, at, strlen(at) + 1);
}
