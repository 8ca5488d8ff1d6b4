#include "core/validate/request_limits.h"

#include "core/base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct request_limits {
    const struct row_shape *shape;
    const struct target *target;
    struct description_limits most;
    bool spreads;               /* a field can have a place or an item of its own */
    size_t text, shared, times; /* of the estimate */
    struct target_scratch scratch;
    struct buf path, body;
};

enum {
    ESCAPE_MAX = 6, /* bytes of one as JSON */
    FRAME = 256,    /* the correlation id, a version, the braces and names around them */
};

/* Counts what the estimate needs. */
static void prepare_estimate(struct request_limits *limits)
{
    const struct description *d = target_description(limits->target);

    limits->spreads = d->form.reads || d->form.place_count;
    limits->text = strlen(d->text);
    limits->times = ESCAPE_MAX;
    for (const char *at = d->text; *at; at++)
        limits->times += *at == '{' ? ESCAPE_MAX : 0;
    limits->shared = strlen(limits->shape->schema_name);
    for (uint32_t i = 0; i < d->param_count; i++)
        limits->shared += d->params[i].value.text.size + d->params[i].value.json.size;
}

/* Returns no less than the bytes of the request, so that few have to be built: the description once
 * and for each field, with each value at each placeholder. */
static size_t estimate(const struct request_limits *limits, const struct row *row)
{
    size_t values = limits->shared + row->record_id.size + row->tags.size;
    size_t frame = 2 * limits->text + limits->times * values + FRAME;

    if (!limits->spreads)
        return frame + row->fields.size;
    return frame * (1 + row->tape.tokens[0].count) + limits->times * row->fields.size;
}

struct request_limits *request_limits_open(const struct row_shape *shape,
                                           const struct target *target)
{
    const struct description_limits most = target_description(target)->limits;
    struct request_limits *limits;

    if (!most.bytes && !most.fields)
        return NULL;
    limits = mem_calloc(1, sizeof *limits);
    limits->shape = shape;
    limits->target = target;
    limits->most = most;
    prepare_estimate(limits);
    return limits;
}

void request_limits_close(struct request_limits *limits)
{
    if (!limits)
        return;
    target_scratch_release(&limits->scratch);
    buf_release(&limits->path);
    buf_release(&limits->body);
    free(limits);
}

/* Returns the bytes of the body that the row is sent with. */
static size_t measure(struct request_limits *limits, const struct row *row)
{
    static const unsigned char correlation[16];
    const struct description *d = target_description(limits->target);
    struct target_row sent = {.schema = span_of(limits->shape->schema_name),
                              .record_id = row->record_id,
                              .fields = row->fields,
                              .tags = row->tags.size ? row->tags : span_of("[]"),
                              .source = span_of(""),
                              .correlation = correlation};
    enum target_method method;
    char digits[24];
    size_t frame = d->bulk.max ? strlen(d->bulk.head) + strlen(d->bulk.tail) : 0;

    if (row->has_version && d->lock != TARGET_NONE && !limits->shape->version_fetched) {
        snprintf(digits, sizeof digits, "%" PRId64, row->version);
        sent.token = span_of(digits);
    }
    buf_reset(&limits->path);
    buf_reset(&limits->body);
    target_request(limits->target, d->bulk.max ? TARGET_SEVERAL : TARGET_WRITE_IT, &sent,
                   &limits->scratch, &method, &limits->path, &limits->body);
    return limits->body.size + frame;
}

/* Names the limit of bytes, and the field that is longest. */
static void refuse_bytes(const struct request_limits *limits, const struct row *row, size_t bytes,
                         struct violations *violations)
{
    const struct json_token *tokens = row->tape.tokens;
    char name[VIOLATION_QUOTE_SIZE];
    uint32_t longest = 0;

    for (uint32_t i = 1; i < tokens[0].next; i = tokens[i + 1].next)
        if (!longest || tokens[i + 1].size > tokens[longest + 1].size)
            longest = i;
    violation_quote(
        longest ? (struct span){row->fields.data + tokens[longest].start, tokens[longest].size}
                : row->record_id,
        name);
    violations_add(violations, (struct span){0}, "limits",
                   "would be sent with %zu bytes, and the target takes %" PRIu64
                   " in a request (`bytes` of its `limits`): shorten its fields, of which %s is "
                   "the longest",
                   bytes, limits->most.bytes, name);
}

void request_limits_check(struct request_limits *limits, const struct row *row,
                          struct violations *violations)
{
    size_t bytes;
    uint32_t fields = row->tape.tokens[0].count;

    if (limits->most.fields && fields > limits->most.fields)
        violations_add(violations, (struct span){0}, "limits",
                       "has %" PRIu32 " fields, and the target takes %" PRIu64
                       " (`fields` of its `limits`): leave columns out, or leave their cells empty",
                       fields, limits->most.fields);
    if (!limits->most.bytes || estimate(limits, row) <= limits->most.bytes)
        return;
    bytes = measure(limits, row);
    if (bytes > limits->most.bytes)
        refuse_bytes(limits, row, bytes, violations);
}
