#include "core/target/target.h"

#include "core/base/mem.h"
#include "core/base/percent.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <uuid/uuid.h>

struct target {
    struct description description;
    char *columns;
};

static const char *(*environment_of)(const char *name);
static struct target guide;
static pthread_once_t guide_once = PTHREAD_ONCE_INIT;

/* A request while it is built. */
struct building {
    const struct description *description;
    const struct target_row *row;
    struct span id;
    struct span columns[DESCRIPTION_PARAMS]; /* by the number of the parameter */
};

void target_set_environment(const char *(*environment)(const char *name))
{
    environment_of = environment;
}

static struct template_value constant_of(const void *context, unsigned value)
{
    const struct description *description = context;

    return description->params[value - DESCRIPTION_FIRST_PARAM].value;
}

/* Writes header fields once: their parameters are the same for all rows. */
static void write_headers(struct description *description, struct description_call *call)
{
    for (uint32_t i = 0; i < call->header_count; i++) {
        struct buf text = {0};

        template_write(&call->headers[i].value, constant_of, description, &text);
        call->headers[i].text = mem_copy(text.data, text.size);
        buf_release(&text);
    }
}

static char *write_columns(const struct description *description)
{
    struct buf text = {0};

    buf_append_char(&text, '[');
    for (uint32_t i = 0; i < description->param_count; i++) {
        const struct description_param *param = &description->params[i];

        if (!param->is_column)
            continue;
        buf_append_text(&text, text.size > 1 ? ",[" : "[");
        buf_append_quoted(&text, param->name);
        buf_append_char(&text, ',');
        buf_append_quoted(&text, param->column);
        buf_append_char(&text, ']');
    }
    buf_append_char(&text, ']');
    buf_text(&text);
    return text.data;
}

static bool open_target(struct target *target, const struct description_source *source,
                        struct description_fault *fault)
{
    if (!description_read(&target->description, source, fault))
        return false;
    write_headers(&target->description, &target->description.write);
    write_headers(&target->description, &target->description.create);
    target->columns = write_columns(&target->description);
    return true;
}

struct target *target_open(const char *text, const struct json_tape *tape, uint32_t token,
                           const struct span *properties, size_t property_count,
                           struct description_fault *fault)
{
    const struct description_source source = {text,       tape,           token,
                                              properties, property_count, environment_of};
    struct target *target = mem_calloc(1, sizeof *target);

    if (open_target(target, &source, fault))
        return target;
    target_close(target);
    return NULL;
}

void target_close(struct target *target)
{
    if (!target)
        return;
    description_release(&target->description);
    free(target->columns);
    free(target);
}

static void open_guide(void)
{
    struct description_fault fault;

    open_target(&guide, &(struct description_source){0}, &fault);
}

const struct target *target_guide(void)
{
    pthread_once(&guide_once, open_guide);
    return &guide;
}

const char *target_own_name(const struct target *target)
{
    return target->description.is_guide ? NULL : target->description.name;
}

const char *target_columns(const struct target *target)
{
    return target->columns;
}

bool target_check_parts(const struct target *target, struct span schema,
                        const struct target_parts *parts, struct err *err)
{
    const char *then = parts->columns || parts->is_named ? parts->columns : "[]";

    if (!then)
        return err_set(err, ERR_CONFIG,
                       "batch %lld of %.*s was read by an earlier version, which did not store the "
                       "columns that fill the parameters of its target: run `rowferry cancel "
                       "%lld`, then ingest its file again",
                       (long long)parts->batch_id, (int)schema.size, schema.data,
                       (long long)parts->batch_id);
    if (strcmp(then, target->columns) == 0)
        return true;
    return err_set(err, ERR_CONFIG,
                   "the schema file of %.*s fills the parameters of its target from other columns "
                   "than when batch %lld was read, %s instead of %s: change `params` back, or run "
                   "`rowferry cancel %lld`, then ingest the file again",
                   (int)schema.size, schema.data, (long long)parts->batch_id, target->columns, then,
                   (long long)parts->batch_id);
}

const char *target_limit(const struct target *target)
{
    const struct description *d = &target->description;

    if (d->lock == TARGET_NONE)
        return "has no lock: the last writer wins, and changes by others are not seen";
    if (d->lock == TARGET_OPAQUE && !d->mark.is_there)
        return "has a lock that does not show who changed a record: where an answer is lost and "
               "others write too, the row can wait for a decision";
    return NULL;
}

uint32_t target_request_rows(const struct target *target)
{
    return target->description.bulk.max ? target->description.bulk.max : 1;
}

const struct description *target_description(const struct target *target)
{
    return &target->description;
}

bool target_reads_first(const struct target *target, bool replaces)
{
    const struct description *description = &target->description;

    return (description->back_count && !description->bulk.max) ||
           (description->lock != TARGET_STEP && !replaces && !description->keeps);
}

void target_scratch_release(struct target_scratch *scratch)
{
    body_scratch_release(&scratch->body);
    json_tape_release(&scratch->tape);
    buf_release(&scratch->parts);
    buf_release(&scratch->name);
    buf_release(&scratch->token);
    buf_release(&scratch->fields);
    buf_release(&scratch->under);
}

/* Takes a record id apart into the column parameters and the id, decoded (core/row/parts.h). */
static bool split_id(struct building *b, struct target_scratch *scratch)
{
    const struct description *d = b->description;
    struct span rest = b->row->record_id;
    size_t ends[DESCRIPTION_PARAMS + 1] = {0}, part = 0, from = 0;

    b->id = rest;
    if (!d->column_count)
        return true;
    buf_reset(&scratch->parts);
    for (; part <= d->column_count; part++) {
        const char *slash = rest.size ? memchr(rest.data, '/', rest.size) : NULL;
        size_t size = slash ? (size_t)(slash - rest.data) : rest.size;

        if ((slash != NULL) != (part < d->column_count) ||
            !percent_decode(&scratch->parts, (struct span){rest.data, size}))
            return false;
        ends[part] = scratch->parts.size;
        if (slash)
            rest = (struct span){slash + 1, rest.size - size - 1};
    }
    part = 0;
    for (uint32_t i = 0; i < d->param_count; i++) {
        if (!d->params[i].is_column)
            continue;
        b->columns[i] = (struct span){scratch->parts.data + from, ends[part] - from};
        from = ends[part++];
    }
    b->id = (struct span){scratch->parts.data + from, ends[part] - from};
    return true;
}

static struct template_value value_of(const void *context, unsigned value)
{
    const struct building *b = context;

    switch (value) {
    case DESCRIPTION_ID:
        return (struct template_value){.text = b->id};
    case DESCRIPTION_SCHEMA:
        return (struct template_value){.text = b->row->schema};
    case DESCRIPTION_SOURCE:
        return (struct template_value){.text = b->row->source};
    case DESCRIPTION_TAGS:
        return (struct template_value){b->row->tags, b->row->tags};
    default:
        value -= DESCRIPTION_FIRST_PARAM;
        if (b->description->params[value].is_column)
            return (struct template_value){.text = b->columns[value]};
        return b->description->params[value].value;
    }
}

static const struct description_call *call_of(const struct description *description,
                                              enum target_request request)
{
    if (request == TARGET_READ_IT)
        return &description->read;
    if (request == TARGET_SEVERAL)
        return &description->bulk.call;
    return request == TARGET_CREATE_IT ? &description->create : &description->write;
}

/* Returns the token as the request carries it. It is JSON text if it was read in a body, and a text
 * if it was read in a header field. A text that a header field cannot carry stays JSON text. */
static struct span token_sent(const struct description *d, struct span token, struct buf *scratch)
{
    bool quoted = token.size > 1 && token.data[0] == '"';

    if (!token.size || (d->lock_read.header != NULL) == (d->lock_write.header != NULL) ||
        (d->lock_write.header && !quoted))
        return token;
    buf_reset(scratch);
    if (!d->lock_write.header) {
        buf_append_quoted(scratch, token);
        return buf_span(scratch);
    }
    json_decode(scratch, (struct span){token.data + 1, token.size - 2});
    for (size_t i = 0; i < scratch->size; i++)
        if ((unsigned char)scratch->data[i] < 0x20 || scratch->data[i] == 0x7F)
            return token;
    return buf_span(scratch);
}

bool target_request(const struct target *target, enum target_request request,
                    const struct target_row *row, struct target_scratch *scratch,
                    enum target_method *method, struct buf *path, struct buf *body)
{
    const struct description *d = &target->description;
    const struct description_call *call = call_of(d, request);
    struct building b = {.description = d, .row = row};
    char mark[UUID_STR_LEN] = "";

    if (!split_id(&b, scratch))
        return false;
    *method = call->method;
    template_write(&call->path, value_of, &b, path);
    if (request == TARGET_READ_IT) {
        template_write(&call->content, value_of, &b, body);
        return true;
    }
    if (d->mark.is_there)
        uuid_unparse_lower(row->correlation, mark);
    body_write(&call->body, &d->form,
               &(struct body_values){.fields = row->fields,
                                     .token = token_sent(d, row->token, &scratch->token),
                                     .mark = span_of(mark),
                                     .under = row->under,
                                     .get = value_of,
                                     .context = &b},
               &scratch->body, body);
    return true;
}

bool target_own_id(const struct target *target, struct span record_id,
                   struct target_scratch *scratch, struct buf *out)
{
    const struct target_row row = {.record_id = record_id};
    struct building b = {.description = &target->description, .row = &row};

    if (!split_id(&b, scratch))
        return false;
    buf_append_span(out, b.id);
    return true;
}

void target_headers(const struct target *target, enum target_request request, struct span token,
                    struct target_scratch *scratch, struct target_header headers[TARGET_HEADERS],
                    const char **content_type)
{
    const struct description *d = &target->description;
    /* those of a bulk request are those of the write */
    const struct description_call *call =
        call_of(d, request == TARGET_SEVERAL ? TARGET_WRITE_IT : request);
    size_t count = 0;

    for (uint32_t i = 0; i < call->header_count; i++) {
        if (strcasecmp(call->headers[i].name, "Content-Type") == 0)
            *content_type = call->headers[i].text;
        else
            headers[count++] = (struct target_header){call->headers[i].name, call->headers[i].text};
    }
    if (request == TARGET_WRITE_IT && d->lock_write.header && token.size) {
        struct span sent = token_sent(d, token, &scratch->token);

        if (sent.data != scratch->token.data) {
            buf_reset(&scratch->token);
            buf_append_span(&scratch->token, sent);
        }
        headers[count++] = (struct target_header){d->lock_write.header, buf_text(&scratch->token)};
    } else if (request == TARGET_WRITE_IT && d->missing == TARGET_UPSERT && d->lock_write.header &&
               strcasecmp(d->lock_write.header, "If-Match") == 0) {
        /* what it creates is not to overwrite what somebody else created (RFC 9110, 13.1.2) */
        headers[count++] = (struct target_header){"If-None-Match", "*"};
    }
    headers[count] = (struct target_header){0};
}

void target_audit_path(const struct target *target, struct span schema, const struct span *ids,
                       size_t id_count, struct buf *path)
{
    const struct description *d = &target->description;
    const struct target_row row = {.schema = schema};
    struct building b = {.description = d, .row = &row};

    for (uint32_t i = 0; i < d->audit.count; i++) {
        const struct template_piece *piece = &d->audit.pieces[i];

        if (piece->use == TEMPLATE_LITERAL) {
            buf_append_span(path, piece->literal);
        } else if (piece->value == DESCRIPTION_ID) {
            for (size_t id = 0; id < id_count; id++) {
                if (id)
                    buf_append_char(path, ',');
                percent_encode(path, ids[id]);
            }
        } else {
            percent_encode(path, value_of(&b, piece->value).text);
        }
    }
}

const char *target_token_header(const struct target *target, bool answer)
{
    const struct description *d = &target->description;

    return answer ? d->lock_answer.header : d->lock_read.header;
}

static struct span strong(struct span token)
{
    return token.size > 2 && memcmp(token.data, "W/", 2) == 0 ? span_from(token, 2) : token;
}

bool target_same_token(struct span a, struct span b)
{
    return a.size && span_equal(strong(a), strong(b));
}

bool target_needs_code(const struct target *target, long status)
{
    const struct description *d = &target->description;

    for (uint32_t i = 0; i < d->answer_count; i++)
        if (d->answers[i].status == status && d->answers[i].code.size)
            return true;
    return false;
}

enum target_answer target_answer_of(const struct target *target, long status, const char *code)
{
    const struct description *d = &target->description;
    enum target_answer by_status = TARGET_UNTOLD, by_code = TARGET_UNTOLD;

    if (strcmp(code, TARGET_UNREADABLE) == 0)
        return TARGET_UNSURE;
    for (uint32_t i = 0; i < d->answer_count; i++) {
        const struct description_answer *answer = &d->answers[i];

        if (answer->status && answer->status != status)
            continue;
        if (!answer->code.size)
            by_status = answer->answer;
        else if (span_is(answer->code, code) && answer->status)
            return answer->answer;
        else if (span_is(answer->code, code))
            by_code = answer->answer;
    }
    return by_code != TARGET_UNTOLD ? by_code : by_status;
}

/* Part of a record that goes back: where it is in the write, and its value. */
struct part {
    const struct pointer *at;
    uint32_t token;
};

/* Writes an object with the parts that share the first `depth` names of their pointers. */
static void write_parts(const struct part *parts, size_t count, uint32_t depth, const char *text,
                        const struct json_tape *tape, struct buf *out)
{
    bool done[DESCRIPTION_BACK + 1] = {false};

    buf_append_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        struct part same[DESCRIPTION_BACK + 1];
        size_t same_count = 0;

        if (done[i])
            continue;
        if (out->data[out->size - 1] != '{')
            buf_append_char(out, ',');
        buf_append_quoted(out, parts[i].at->names[depth]);
        buf_append_char(out, ':');
        for (size_t j = i; j < count; j++) {
            if (!span_equal(parts[j].at->names[depth], parts[i].at->names[depth]))
                continue;
            done[j] = true;
            same[same_count++] = parts[j];
        }
        if (parts[i].at->count == depth + 1)
            buf_append_span(out, json_written(&tape->tokens[parts[i].token], text));
        else
            write_parts(same, same_count, depth + 1, text, tape, out);
    }
    buf_append_char(out, '}');
}

/* Writes what goes back with a write: the pointers of `back`, and with a merge into a target that
 * clears what is not sent, all under the root of the fields. */
static void read_under(const struct description *d, bool replaces, const char *text,
                       struct target_scratch *scratch)
{
    struct part parts[DESCRIPTION_BACK + 1];
    bool whole = !replaces && !d->keeps && d->root.count && !d->reads_whole;
    size_t count = 0;

    if (whole) {
        parts[0] = (struct part){
            &d->root, pointer_find(&d->read_root, &scratch->tape, text, 0, &scratch->name)};
        count = parts[0].token != POINTER_NOTHING;
    }
    for (uint32_t i = 0; i < d->back_count; i++) {
        uint32_t token = pointer_find(&d->back[i], &scratch->tape, text, 0, &scratch->name);
        bool covered = token == POINTER_NOTHING;
        size_t kept = 0;

        for (size_t j = 0; j < count; j++)
            covered = covered || pointer_is_within(parts[j].at, &d->back[i]);
        if (covered)
            continue;
        for (size_t j = 0; j < count; j++)
            if (!pointer_is_within(&d->back[i], parts[j].at))
                parts[kept++] = parts[j];
        parts[kept++] = (struct part){&d->back[i], token};
        count = kept;
    }
    if (count)
        write_parts(parts, count, 0, text, &scratch->tape, &scratch->under);
}

/* Writes the properties of a record by name. */
static void read_properties(const struct description *d, const char *text,
                            struct target_scratch *scratch)
{
    struct buf *out = &scratch->fields;

    buf_append_char(out, '{');
    for (uint32_t i = 0; i < d->property_count; i++) {
        uint32_t token =
            pointer_find(&d->properties[i].at, &scratch->tape, text, 0, &scratch->name);

        if (token == POINTER_NOTHING)
            continue;
        if (out->data[out->size - 1] != '{')
            buf_append_char(out, ',');
        buf_append_quoted(out, d->properties[i].name);
        buf_append_char(out, ':');
        buf_append_span(out, json_written(&scratch->tape.tokens[token], text));
    }
    buf_append_char(out, '}');
}

bool target_read(const struct target *target, bool answer, struct span body, struct span header,
                 bool replaces, struct target_scratch *scratch, struct target_record *record)
{
    const struct description *d = &target->description;
    const struct description_spot *spot = answer ? &d->lock_answer : &d->lock_read;
    const struct json_token *tokens;
    struct json_fault fault;
    uint32_t found;

    scratch->tape.count = 0;
    buf_reset(&scratch->fields);
    buf_reset(&scratch->under);
    if (!json_scan(&scratch->tape, body, 0, &fault) || scratch->tape.tokens[0].kind != JSON_OBJECT)
        return false;
    tokens = scratch->tape.tokens;
    *record = (struct target_record){0};
    if (spot->header) {
        record->token = header;
    } else if (spot->is_there) {
        found = pointer_find(&spot->pointer, &scratch->tape, body.data, 0, &scratch->name);
        if (found != POINTER_NOTHING && tokens[found].kind != JSON_NULL)
            record->token = json_written(&tokens[found], body.data);
    }
    found = pointer_find(&d->read_root, &scratch->tape, body.data, 0, &scratch->name);
    record->has_fields = found != POINTER_NOTHING && tokens[found].kind == JSON_OBJECT;
    if (record->has_fields && d->reads_whole)
        record->fields = json_written(&tokens[found], body.data);
    if (!answer && record->has_fields) {
        if (!d->reads_whole) {
            read_properties(d, body.data, scratch);
            record->fields = buf_span(&scratch->fields);
        }
        read_under(d, replaces, body.data, scratch);
        record->under = buf_span(&scratch->under);
    }
    if (!d->mark.is_there)
        return true;
    found = pointer_find(&d->mark.pointer, &scratch->tape, body.data, 0, &scratch->name);
    if (found != POINTER_NOTHING && tokens[found].kind == JSON_STRING)
        record->mark = json_string(&tokens[found], body.data, &scratch->name);
    return true;
}

struct span target_comparable(const struct target *target, struct span fields,
                              struct target_scratch *scratch)
{
    const struct description *d = &target->description;
    const struct json_token *tokens;
    struct json_fault fault;
    struct buf *out = &scratch->parts;
    bool ignores = false;

    for (uint32_t i = 0; i < d->property_count; i++)
        ignores = ignores || d->properties[i].is_ignored;
    scratch->body.fields.count = 0;
    if ((!ignores && !d->form.text) || !json_scan(&scratch->body.fields, fields, 0, &fault))
        return fields;
    tokens = scratch->body.fields.tokens;
    buf_reset(out);
    buf_append_char(out, '{');
    for (uint32_t i = 1; i < tokens[0].next; i = tokens[i + 1].next) {
        struct span name = json_string(&tokens[i], fields.data, &scratch->name);
        bool ignored = false;

        for (uint32_t j = 0; j < d->property_count; j++)
            ignored =
                ignored || (d->properties[j].is_ignored && span_equal(d->properties[j].name, name));
        if (ignored)
            continue;
        if (out->data[out->size - 1] != '{')
            buf_append_char(out, ',');
        body_write_value(out, &tokens[i], fields.data, false);
        buf_append_char(out, ':');
        body_write_value(out, &tokens[i + 1], fields.data, d->form.text);
    }
    buf_append_char(out, '}');
    return buf_span(out);
}
