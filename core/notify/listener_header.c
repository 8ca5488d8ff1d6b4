#include "core/notify/listener_header.h"

#include <ctype.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* What is counted of a header. */
struct header {
    unsigned hosts, lengths, codings;
    const char *coding, *content; /* values of Transfer-Encoding and Content-Encoding, or NULL */
    bool has_bad_name, has_bad_value, has_bad_host;
};

/* A token (RFC 9110 section 5.6.2). */
static bool is_token(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("!#$%&'*+-.^_`|~", text[i]))
            return false;
    return size > 0;
}

/* libmicrohttpd 0.9.75 appends the second line of a folded field to the field's name. */
static bool is_folded(const char *name, const char *known)
{
    size_t size = strlen(known);

    return strncasecmp(name, known, size) == 0 && name[size] != '\0';
}

static enum MHD_Result count(void *context, enum MHD_ValueKind kind, const char *name,
                             size_t name_size, const char *value, size_t size)
{
    struct header *header = context;

    (void)kind;
    header->has_bad_name |= !is_token(name, name_size) || is_folded(name, "Content-Length") ||
                            is_folded(name, "Transfer-Encoding");
    if (!value)
        return MHD_YES;
    header->has_bad_value |= strlen(value) != size || strpbrk(value, "\r\n");
    if (strcasecmp(name, "Host") == 0) {
        header->hosts++;
        header->has_bad_host |= strpbrk(value, " \t\"#,/<>?@\\^`{|}") != NULL;
    } else if (strcasecmp(name, "Content-Length") == 0) {
        header->lengths++;
    } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        header->codings++;
        header->coding = value;
    } else if (strcasecmp(name, "Content-Encoding") == 0) {
        header->content = value;
    }
    return MHD_YES;
}

struct listener_header_problem listener_header_check(struct MHD_Connection *handle,
                                                     const char *method, const char *version)
{
    bool is_old = strcmp(version, "HTTP/1.0") == 0;
    struct header header = {0};

    MHD_get_connection_values_n(handle, MHD_HEADER_KIND, count, &header);
    {
        const struct {
            bool is_wrong;
            struct listener_header_problem problem;
        } rules[] = {
            {header.has_bad_name, {400, "the name of a header field is wrong"}},
            {header.has_bad_value, {400, "the value of a header field has a control character"}},
            {header.hosts > 1 || (header.hosts == 0 && !is_old),
             {400, "a request needs one Host header field"}},
            {header.has_bad_host, {400, "the Host header field is not a host"}},
            {header.lengths > 1, {400, "Content-Length is there more than once"}},
            {header.codings > 0 && header.lengths > 0,
             {400, "Transfer-Encoding and Content-Length cannot be used together"}},
            {header.codings == 0 && header.lengths == 0 && strcmp(method, "POST") == 0,
             {400, "the body has neither Content-Length nor Transfer-Encoding"}},
            {header.codings > 0 && is_old, {400, "Transfer-Encoding is not of HTTP/1.0"}},
            {header.codings > 1, {400, "Transfer-Encoding is there more than once"}},
            {header.coding && strcasecmp(header.coding, "chunked") != 0,
             {501, "this Transfer-Encoding is not known: chunked is"}},
            {header.content && strcasecmp(header.content, "identity") != 0,
             {415, "a body with a Content-Encoding is not read: send it as it is"}},
        };

        for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
            if (rules[i].is_wrong)
                return rules[i].problem;
    }
    return (struct listener_header_problem){0};
}
