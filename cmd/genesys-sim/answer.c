#include "cmd/genesys-sim/answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static const struct usual {
    unsigned status;
    const char *code;
    const char *message;
} usual[] = {
    {301, "moved.permanently", "The resource has another address."},
    {400, "bad.request", "The request could not be understood by the server."},
    {401, "bad.credentials", "Invalid login credentials."},
    {403, "missing.permissions", "You do not have permission to perform the requested action."},
    {404, "not.found", "The requested resource was not found."},
    {405, "method.not.allowed", "The method is not allowed for this resource."},
    {407, "proxy.authentication.required", "The proxy wants credentials."},
    {408, "request.timeout", "The request timed out."},
    {409, "version.conflict", "The record was changed by another request."},
    {413, "request.entity.too.large", "The request body is larger than 512000 bytes."},
    {421, "misdirected.request", "The connection does not serve this host."},
    {422, "validation.failed", "The record violates its schema."},
    {425, "too.early", "The request was sent too early on this connection."},
    {429, "too.many.requests", "Rate limit exceeded the maximum."},
    {500, "internal.server.error", "The server encountered an unexpected condition."},
    {501, "not.implemented", "The method is not implemented."},
    {502, "bad.gateway", "The server received no usable answer from upstream."},
    {503, "service.unavailable", "The service is unavailable."},
    {504, "gateway.timeout", "The request timed out upstream."},
};

static struct usual usual_of(unsigned status)
{
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (usual[i].status == status)
            return usual[i];
    return (struct usual){status, "unspecified", "The simulator answers so because of an option."};
}

void answer_init(struct answer *answer, uint64_t high, uint64_t low)
{
    answer_release(answer);
    /* version 4, variant 1 (RFC 4122 section 4.4) */
    snprintf(answer->context_id, sizeof answer->context_id, "%08x-%04x-4%03x-%04x-%012llx",
             (unsigned)(high >> 32), (unsigned)(high >> 16 & 0xFFFF), (unsigned)(high & 0xFFF),
             (unsigned)(low >> 48 & 0x3FFF) | 0x8000u,
             (unsigned long long)(low & UINT64_C(0xFFFFFFFFFFFF)));
}

void answer_release(struct answer *answer)
{
    buf_release(&answer->body);
    *answer = (struct answer){0};
}

void answer_json(struct answer *answer, unsigned status)
{
    answer->end = ANSWER_WHOLE;
    answer->status = status;
    answer->type = "application/json";
    answer->header_count = 0;
    buf_reset(&answer->body);
    answer_header(answer, "ININ-Correlation-Id", "%s", answer->context_id);
}

void answer_error(struct answer *answer, unsigned status, const char *code, const char *message,
                  const char *more)
{
    struct buf *body = &answer->body;

    answer_json(answer, status);
    buf_append_text(body, "{\"message\":\"");
    buf_append_json(body, span_of(message ? message : usual_of(status).message));
    buf_append_text(body, "\",\"code\":\"");
    buf_append_json(body, span_of(code ? code : usual_of(status).code));
    buf_printf(body, "\",\"status\":%u,\"contextId\":\"%s\"", status, answer->context_id);
    if (more)
        buf_printf(body, ",%s", more);
    if (!more || !strstr(more, "\"details\""))
        buf_append_text(body, ",\"details\":[]");
    if (!more || !strstr(more, "\"errors\""))
        buf_append_text(body, ",\"errors\":[]");
    buf_append_char(body, '}');
}

void answer_login_error(struct answer *answer, unsigned status, const char *error,
                        const char *description)
{
    struct buf *body = &answer->body;

    answer_json(answer, status);
    buf_printf(body, "{\"error\":\"%s\",\"description\":\"", error);
    buf_append_json(body, span_of(description));
    buf_append_text(body, "\",\"error_description\":\"");
    buf_append_json(body, span_of(description));
    buf_append_text(body, "\"}");
}

void answer_html(struct answer *answer, unsigned status)
{
    answer_json(answer, status);
    answer->type = "text/html";
    answer->header_count = 0;
    buf_printf(&answer->body,
               "<html>\r\n<head><title>%u</title></head>\r\n<body>\r\n<center><h1>%u "
               "Gateway</h1></center>\r\n</body>\r\n</html>\r\n",
               status, status);
}

void answer_lace(struct answer *answer, struct span member)
{
    struct buf plain = answer->body;

    if (!plain.size || plain.data[0] != '{')
        return;
    answer->body = (struct buf){0};
    buf_append_char(&answer->body, '{');
    buf_append_span(&answer->body, member);
    buf_append_char(&answer->body, ',');
    buf_append_span(&answer->body, span_from(buf_span(&plain), 1));
    buf_release(&plain);
}

void answer_raw(struct answer *answer, size_t padding, size_t length, size_t body_size)
{
    struct buf plain = answer->body, *out = &answer->body;

    *out = (struct buf){0};
    buf_printf(out, "HTTP/1.1 %u Answer\r\n", answer->status);
    for (size_t enough = out->size + padding; out->size < enough;)
        buf_append_text(out, "X-Padding: 0123456789abcdef0123456789abcdef0123456789abcdef\r\n");
    for (unsigned i = 0; i < answer->header_count; i++)
        buf_printf(out, "%s: %s\r\n", answer->header[i].name, answer->header[i].value);
    buf_printf(out, "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n", answer->type, length);
    buf_append_span(out, (struct span){plain.data, body_size});
    buf_release(&plain);
    answer->end = ANSWER_RAW;
}

void answer_date(struct answer *answer, const char *name, int64_t at_ms)
{
    time_t at = (time_t)((at_ms + 999) / 1000);
    char text[ANSWER_VALUE_SIZE];
    struct tm date;

    gmtime_r(&at, &date);
    strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &date);
    answer_header(answer, name, "%s", text);
}

void answer_header(struct answer *answer, const char *name, const char *format, ...)
{
    va_list args;

    if (answer->header_count == ANSWER_HEADERS)
        return;
    va_start(args, format);
    vsnprintf(answer->header[answer->header_count].value, ANSWER_VALUE_SIZE, format, args);
    va_end(args);
    answer->header[answer->header_count++].name = name;
}
