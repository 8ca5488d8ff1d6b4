#include "core/target/description.h"

#include "core/base/mem.h"
#include "core/row/row.h"
#include "core/target/parse.h"
#include "core/target/places.h"
#include "core/target/preset.h"

#include <stdlib.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Reads `{"env": "VAR"}` or `{"column": "C"}`. */
static bool read_filled(struct parse *r, uint32_t value, const char *pointer,
                        struct description_param *param)
{
    /* columns of CSV files, and members of NDJSON ones */
    static const char *const own[] = {"record_id", "recordId", "version", "tags", "fields"};
    uint32_t env = parse_member(r, value, "env"), column = parse_member(r, value, "column");
    uint32_t given = env ? env : column;
    const char *text;

    if (parse_token(r, value)->count != 1 || !given || !parse_is(r, given, JSON_STRING) ||
        !parse_token(r, given)->size)
        return parse_refuse(r, pointer,
                            "must be a text, a number, true, false, {\"env\": \"VARIABLE\"} "
                            "or {\"column\": \"COLUMN\"}");
    if (column) {
        for (size_t i = 0; i < COUNT(own); i++)
            if (span_is(parse_string(r, column), own[i]))
                return parse_refuse(r, pointer,
                                    "cannot be the column \"%s\": it has another meaning", own[i]);
        param->is_column = true;
        param->column = parse_string(r, column);
        r->to->column_count++;
        return true;
    }
    text = r->source->environment ? r->source->environment(parse_string(r, env).data) : NULL;
    if (!text || !*text)
        return parse_refuse(r, pointer, "the environment variable \"%s\" is not set",
                            parse_string(r, env).data);
    param->value.text = (struct span){parse_own(r, mem_strdup(text)), strlen(text)};
    return true;
}

static bool read_param(struct parse *r, uint32_t name)
{
    struct description_param *param = &r->to->params[r->to->param_count];
    uint32_t value = name + 1;
    char shown[64];

    str_printable(parse_string(r, name), shown, sizeof shown);
    PARSE_BELOW(at, "/params/%s", shown);
    if (r->to->param_count == DESCRIPTION_PARAMS)
        return parse_refuse(r, at, "is one of more than %d parameters", DESCRIPTION_PARAMS);
    *param = (struct description_param){.name = parse_string(r, name)};
    switch ((enum json_kind)parse_token(r, value)->kind) {
    case JSON_NULL:
        return parse_refuse(r, at,
                            "must be given: a text, a number, {\"env\": \"VARIABLE\"} or "
                            "{\"column\": \"COLUMN\"}");
    case JSON_STRING:
        param->value.text = parse_string(r, value);
        break;
    case JSON_NUMBER:
    case JSON_TRUE:
    case JSON_FALSE:
        param->value.text = param->value.json = parse_json(r, value);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        if (!read_filled(r, value, at, param))
            return false;
        break;
    }
    r->to->param_count++;
    return true;
}

static bool read_params(struct parse *r, uint32_t value)
{
    if (!parse_is(r, value, JSON_OBJECT))
        return parse_refuse(r, "/params", "must be an object");
    for (uint32_t i = value + 1; i < parse_token(r, value)->next; i = parse_token(r, i + 1)->next)
        if (!read_param(r, i))
            return false;
    return true;
}

static bool read_method(struct parse *r, uint32_t value, const char *pointer, bool is_read,
                        enum target_method *method)
{
    return (parse_is(r, value, JSON_STRING) &&
            target_method_parse(parse_string(r, value), method) &&
            (is_read ? *method == TARGET_GET || *method == TARGET_POST : *method != TARGET_GET)) ||
           parse_refuse(r, pointer,
                        is_read ? "must be \"GET\" or \"POST\""
                                : "must be \"PUT\", \"PATCH\" or \"POST\"");
}

/* Reads a header field. What a row brings is not allowed in one: it could begin another field. A
 * second field of a request's own would put another login, or another end of the body, in place of
 * the right one. */
static bool read_header(struct parse *r, uint32_t name, const char *pointer,
                        struct description_call *call)
{
    static const char *const taken[] = {"Authorization", "Connection", "Content-Length",
                                        "Expect",        "Host",       "Transfer-Encoding"};
    struct description_header *header = &call->headers[call->header_count];
    struct span text = parse_string(r, name);

    PARSE_BELOW(at, "%s/%s", pointer, parse_is_field_name(text) ? text.data : "");
    if (!parse_is_field_name(text))
        return parse_refuse(r, at, "must be the name of a header field");
    for (size_t i = 0; i < COUNT(taken); i++)
        if (strcasecmp(text.data, taken[i]) == 0)
            return parse_refuse(r, at,
                                i ? "is not for a target: requests have it already"
                                  : "is not for a target: the login, or --api-key-file, sets it");
    if (call->header_count == DESCRIPTION_HEADERS)
        return parse_refuse(r, at, "is one of more than %d header fields", DESCRIPTION_HEADERS);
    call->header_count++;
    header->name = parse_own(r, mem_copy(text.data, text.size));
    if (!parse_text(r, name + 1, at, TEMPLATE_TEXT, &header->value))
        return false;
    for (uint32_t i = 0; i < header->value.count; i++) {
        const struct template_piece *piece = &header->value.pieces[i];
        struct span part = piece->literal;

        if (piece->use != TEMPLATE_LITERAL) {
            uint32_t param = piece->value - DESCRIPTION_FIRST_PARAM;

            if (piece->value < DESCRIPTION_FIRST_PARAM || r->to->params[param].is_column)
                return parse_refuse(r, at,
                                    "can only have parameters that are the same for all rows");
            part = r->to->params[param].value.text;
        }
        for (size_t byte = 0; byte < part.size; byte++)
            if ((unsigned char)part.data[byte] < ' ' || part.data[byte] == 0x7f)
                return parse_refuse(r, at, "must not have control characters");
    }
    return true;
}

static bool read_headers(struct parse *r, uint32_t value, const char *pointer,
                         struct description_call *call)
{
    if (!parse_is(r, value, JSON_OBJECT))
        return parse_refuse(r, pointer, "must be an object");
    for (uint32_t i = value + 1; i < parse_token(r, value)->next; i = parse_token(r, i + 1)->next)
        if (!read_header(r, i, pointer, call))
            return false;
    return true;
}

static bool read_body(struct parse *r, uint32_t value, const char *pointer)
{
    return !value || parse_is(r, value, JSON_OBJECT) ||
           parse_refuse(r, pointer, "must be an object");
}

/* Reads what a write has, or a create, which takes from the write what it leaves out (`from`). */
static bool read_call(struct parse *r, uint32_t value, uint32_t from, const char *pointer,
                      struct description_call *call)
{
    uint32_t method = parse_member(r, value, "method"), path = parse_member(r, value, "path");
    uint32_t headers = parse_member(r, value, "headers"), body = parse_member(r, value, "body");
    PARSE_BELOW(method_at, "%s/method", pointer);
    PARSE_BELOW(path_at, "%s/path", pointer);
    PARSE_BELOW(headers_at, "%s/headers", pointer);
    PARSE_BELOW(body_at, "%s/body", pointer);

    method = method ? method : parse_member(r, from, "method");
    path = path ? path : parse_member(r, from, "path");
    headers = headers ? headers : parse_member(r, from, "headers");
    if (!method)
        return parse_refuse(r, method_at, "must be given");
    if (!path)
        return parse_refuse(r, path_at, "must be given: the path of a record, with {id}");
    return read_method(r, method, method_at, false, &call->method) &&
           parse_path(r, path, path_at, true, &call->path) &&
           (!headers || read_headers(r, headers, headers_at, call)) && read_body(r, body, body_at);
}

static bool read_write(struct parse *r, uint32_t value)
{
    static const char *const names[] = {"method", "path", "headers", "body",
                                        "absent", "back", NULL};
    uint32_t absent, back, index = 0;
    struct span choice = {0};

    if (!value)
        return parse_refuse(r, "/write", "must be given: the request that updates a record");
    if (!parse_members(r, value, "/write", names) ||
        !read_call(r, value, value, "/write", &r->to->write))
        return false;
    absent = parse_member(r, value, "absent");
    if (absent && parse_is(r, absent, JSON_STRING))
        choice = parse_string(r, absent);
    r->to->keeps = span_is(choice, "keep");
    if (absent && !r->to->keeps && !span_is(choice, "clear"))
        return parse_refuse(r, "/write/absent", "must be \"keep\" or \"clear\"");
    back = parse_member(r, value, "back");
    if (back && !parse_is(r, back, JSON_ARRAY))
        return parse_refuse(r, "/write/back", "must be an array of JSON pointers");
    for (uint32_t i = back + 1; back && i < parse_token(r, back)->next;
         i = parse_token(r, i)->next) {
        PARSE_BELOW(at, "/write/back/%u", index++);

        if (r->to->back_count == DESCRIPTION_BACK)
            return parse_refuse(r, at, "is one of more than %d pointers", DESCRIPTION_BACK);
        if (!parse_place(r, i, at, &r->to->back[r->to->back_count++]))
            return false;
        if (!r->to->back[r->to->back_count - 1].count)
            return parse_refuse(r, at, "cannot be the whole record: name what goes back");
    }
    return true;
}

static bool read_read(struct parse *r, uint32_t value, uint32_t write)
{
    static const char *const names[] = {"method", "path", "body", "as", "ignore", "root", NULL};
    struct description_call *call = &r->to->read;
    uint32_t method = 0, path = 0, body = 0;

    if (value && !parse_members(r, value, "/read", names))
        return false;
    if (value) {
        method = parse_member(r, value, "method");
        path = parse_member(r, value, "path");
        body = parse_member(r, value, "body");
    }
    if (method && !read_method(r, method, "/read/method", true, &call->method))
        return false;
    if (!(path ? parse_path(r, path, "/read/path", true, &call->path)
               : parse_path(r, parse_member(r, write, "path"), "/write/path", false, &call->path)))
        return false;
    if (!body)
        return true;
    if (call->method != TARGET_POST)
        return parse_refuse(r, "/read/body", "needs the method \"POST\"");
    return read_body(r, body, "/read/body") &&
           parse_constant(r, body, "/read/body", &call->content);
}

static bool read_lock(struct parse *r, uint32_t value)
{
    static const char *const names[] = {"read", "write", "answer", "step", NULL};
    struct description *to = r->to;
    uint32_t read, write, answer, step;

    to->lock = value ? TARGET_OPAQUE : TARGET_NONE;
    if (!value)
        return true;
    if (!parse_members(r, value, "/lock", names))
        return false;
    read = parse_member(r, value, "read");
    write = parse_member(r, value, "write");
    step = parse_member(r, value, "step");
    answer = pointer_member(span_of("answer"), &to->tape, to->text, value, &r->scratch);
    answer = answer == POINTER_NOTHING ? read : answer;
    if (!read || !write)
        return parse_refuse(r, read ? "/lock/write" : "/lock/read", "must be given");
    if (!parse_spot(r, read, "/lock/read", &to->lock_read) ||
        !parse_spot(r, write, "/lock/write", &to->lock_write) ||
        !parse_is_place(r, "/lock/write", &to->lock_write.pointer) ||
        (!parse_is(r, answer, JSON_NULL) &&
         !parse_spot(r, answer, "/lock/answer", &to->lock_answer)))
        return false;
    for (uint32_t i = 0; to->lock_write.header && i < to->write.header_count; i++)
        if (strcasecmp(to->lock_write.header, to->write.headers[i].name) == 0)
            return parse_refuse(r, "/lock/write",
                                "is a header field that \"headers\" of the write has too");
    if (!step)
        return true;
    if (!span_is(parse_json(r, step), "1"))
        return parse_refuse(r, "/lock/step", "must be 1: no other step is supported");
    if (to->lock_read.header || to->lock_write.header || to->lock_answer.header ||
        !to->lock_answer.is_there)
        return parse_refuse(r, "/lock/step", "needs a version in the body, of the answer too");
    to->lock = TARGET_STEP;
    return true;
}

static bool read_missing(struct parse *r, uint32_t value, uint32_t write)
{
    static const char *const names[] = {"method", "path", "headers", "body", NULL};

    if (!value)
        return true;
    if (parse_is(r, value, JSON_STRING)) {
        struct span choice = parse_string(r, value);

        r->to->missing = span_is(choice, "upsert") ? TARGET_UPSERT : TARGET_REFUSE;
        if (r->to->missing == TARGET_UPSERT || span_is(choice, "refuse"))
            return true;
    }
    if (!parse_is(r, value, JSON_OBJECT))
        return parse_refuse(r, "/missing",
                            "must be \"refuse\", \"upsert\" or the request that "
                            "creates a record");
    r->to->missing = TARGET_CREATE;
    return parse_members(r, value, "/missing", names) &&
           read_call(r, value, write, "/missing", &r->to->create);
}

/* Reads `STATUS`, `STATUS CODE` or `CODE`. */
static void read_answer_key(struct span key, struct description_answer *answer)
{
    int64_t status;
    size_t digits = 0;

    while (digits < key.size && str_is_digit(key.data[digits]))
        digits++;
    answer->code = key;
    if (digits != 3 || (key.size > 3 && key.data[3] != ' '))
        return;
    str_to_int64((struct span){key.data, 3}, 0, 999, &status);
    answer->status = (long)status;
    answer->code = key.size > 4 ? span_from(key, 4) : (struct span){0};
}

static bool read_answers(struct parse *r, uint32_t value)
{
    if (!value)
        return true;
    if (!parse_is(r, value, JSON_OBJECT))
        return parse_refuse(r, "/answers", "must be an object");
    for (uint32_t i = value + 1; i < parse_token(r, value)->next; i = parse_token(r, i + 1)->next) {
        struct description_answer *answer = &r->to->answers[r->to->answer_count];
        struct span key = parse_string(r, i);
        char shown[96];

        PARSE_BELOW(at, "/answers/%s", str_printable(key, shown, sizeof shown));
        if (r->to->answer_count == DESCRIPTION_ANSWERS)
            return parse_refuse(r, at, "is one of more than %d answers", DESCRIPTION_ANSWERS);
        read_answer_key(key, answer);
        if ((!answer->status && !answer->code.size) || !parse_is(r, i + 1, JSON_STRING) ||
            !target_answer_parse(parse_string(r, i + 1), &answer->answer))
            return parse_refuse(r, at,
                                "must be done, unchanged, conflict, missing, exists, "
                                "refused, retry, throttled or stop, for a status, a code, "
                                "or both with a blank between them");
        r->to->answer_count++;
    }
    return true;
}

static bool read_error(struct parse *r, uint32_t value)
{
    static const char *const names[] = {"code", "message", "list", NULL};
    struct description_spot *const spots[] = {&r->to->error_code, &r->to->error_message,
                                              &r->to->error_list};

    if (!value)
        return true;
    if (!parse_members(r, value, "/error", names))
        return false;
    for (size_t i = 0; names[i]; i++) {
        uint32_t at = parse_member(r, value, names[i]);
        PARSE_BELOW(pointer, "/error/%s", names[i]);

        if (!at)
            continue;
        spots[i]->is_there = true;
        if (!parse_pointer(r, at, pointer, &spots[i]->pointer))
            return false;
    }
    return true;
}

static bool read_audit(struct parse *r, uint32_t value)
{
    r->to->has_audit = value != 0;
    if (value && (!parse_path(r, value, "/audit", true, &r->to->audit) ||
                  !template_has(&r->to->audit, DESCRIPTION_ID)))
        return r->fault->text[0]
                   ? false
                   : parse_refuse(r, "/audit", "must have {id}, in place of which ids are sent");
    if (value && r->to->lock != TARGET_STEP)
        return parse_refuse(r, "/audit", "needs a lock with a step: entries are found by version");
    return true;
}

/* Reads where an answer has its results, and where a result has its parts. */
static bool read_results(struct parse *r, uint32_t value)
{
    static const char *const names[] = {"list", "id", "ok", "status", "error", "record", NULL};
    struct description_bulk *bulk = &r->to->bulk;
    struct description_spot list = {0};
    struct description_spot *const spots[] = {&list,         &bulk->id,    &bulk->ok,
                                              &bulk->status, &bulk->error, &bulk->record};

    if (!value)
        return parse_refuse(r, "/bulk/results", "must be given");
    if (!parse_members(r, value, "/bulk/results", names))
        return false;
    for (size_t i = 0; names[i]; i++) {
        uint32_t at = parse_member(r, value, names[i]);
        PARSE_BELOW(pointer, "/bulk/results/%s", names[i]);

        if (!at && i < 2)
            return parse_refuse(r, pointer, "must be given");
        spots[i]->is_there = at;
        if (at && !parse_pointer(r, at, pointer, i ? &spots[i]->pointer : &bulk->results))
            return false;
    }
    return bulk->record.is_there || r->to->lock != TARGET_STEP ||
           parse_refuse(r, "/bulk/results/record", "must be given: an answer's version is in it");
}

/* Writes what is around the items: the objects that lead to their list. */
static void write_frame(struct parse *r, const struct pointer *list)
{
    struct buf head = {0}, tail = {0};

    for (uint32_t i = 0; i < list->count; i++) {
        buf_append_text(&head, "{\"");
        buf_append_json(&head, list->names[i]);
        buf_append_text(&head, "\":");
    }
    buf_append_text(&head, "[");
    buf_append_text(&tail, "]");
    for (uint32_t i = 0; i < list->count; i++)
        buf_append_text(&tail, "}");
    r->to->bulk.head = parse_own(r, mem_strdup(buf_text(&head)));
    r->to->bulk.tail = parse_own(r, mem_strdup(buf_text(&tail)));
    buf_release(&head);
    buf_release(&tail);
}

/* Reads a bulk request but for its items. A header field cannot have the tokens of several rows. */
static bool read_bulk(struct parse *r, uint32_t value)
{
    static const char *const names[] = {"method", "path",    "list",    "max",
                                        "item",   "creates", "results", NULL};
    struct description *to = r->to;
    struct pointer list = {0};
    uint32_t creates;
    int64_t max = 0;
    bool good;

    if (!value)
        return true;
    if (!parse_members(r, value, "/bulk", names))
        return false;
    for (size_t i = 0; i < 4; i++) {
        PARSE_BELOW(at, "/bulk/%s", names[i]);

        if (!parse_member(r, value, names[i]))
            return parse_refuse(r, at, "must be given");
    }
    if (!str_to_int64(parse_json(r, parse_member(r, value, "max")), 1, DESCRIPTION_ROWS, &max))
        return parse_refuse(r, "/bulk/max", "must be a number of rows from 1 to %d",
                            DESCRIPTION_ROWS);
    creates = parse_member(r, value, "creates");
    if (creates && !parse_is(r, creates, JSON_TRUE) && !parse_is(r, creates, JSON_FALSE))
        return parse_refuse(r, "/bulk/creates", "must be true or false");
    if (creates && parse_is(r, creates, JSON_TRUE))
        to->missing = TARGET_UPSERT;
    if (to->lock_write.header || to->lock_answer.header)
        return parse_refuse(r, to->lock_write.header ? "/lock/write" : "/lock/answer",
                            "cannot be a header field with \"bulk\": it is one for several rows");
    good = read_method(r, parse_member(r, value, "method"), "/bulk/method", false,
                       &to->bulk.call.method) &&
           parse_path(r, parse_member(r, value, "path"), "/bulk/path", true, &to->bulk.call.path) &&
           parse_place(r, parse_member(r, value, "list"), "/bulk/list", &list) &&
           read_body(r, parse_member(r, value, "item"), "/bulk/item") &&
           read_results(r, parse_member(r, value, "results"));
    if (good)
        write_frame(r, &list);
    pointer_release(&list);
    if (good && template_has(&to->bulk.call.path, DESCRIPTION_ID))
        return parse_refuse(r, "/bulk/path", "must not have {id}: a request has several rows");
    to->bulk.max = (uint32_t)max;
    return good;
}

static bool read_limits(struct parse *r, uint32_t value)
{
    static const char *const names[] = {"bytes", "rows", "fields", NULL};
    static const int64_t most[] = {DESCRIPTION_BODY_MAX, ROW_COUNT_MAX, ROW_COLUMNS_MAX};
    uint64_t *const limits[] = {&r->to->limits.bytes, &r->to->limits.rows, &r->to->limits.fields};

    if (value && !parse_members(r, value, "/limits", names))
        return false;
    for (size_t i = 0; value && names[i]; i++) {
        uint32_t member = parse_member(r, value, names[i]);
        int64_t limit = 0;

        PARSE_BELOW(at, "/limits/%s", names[i]);

        if (member && !str_to_int64(parse_json(r, member), 1, most[i], &limit))
            return parse_refuse(r, at, "must be a number from 1 to %lld", (long long)most[i]);
        *limits[i] = (uint64_t)limit;
    }
    return true;
}

/* Lays the description over its preset, and scans the result. */
static bool lay_over_preset(struct parse *r)
{
    const struct description_source *source = r->source;
    const struct json_token *given = source->tape ? &source->tape->tokens[source->token] : NULL;
    struct json_tape base = {0};
    struct json_fault scan;
    struct buf text = {0}, names = {0};
    struct span name = span_of("guide");
    const char *preset = "{}";
    uint32_t member = POINTER_NOTHING;
    bool good = true;

    if (given && given->kind == JSON_OBJECT)
        member = pointer_member(span_of("preset"), source->tape, source->text, source->token,
                                &r->scratch);
    else if (given && given->kind == JSON_STRING)
        member = source->token;
    if (given && given->kind != JSON_OBJECT && given->kind != JSON_STRING)
        return parse_refuse(r, "", "must be the name of a preset, or an object");
    if (given && member != POINTER_NOTHING)
        name = json_string(&source->tape->tokens[member], source->text, &r->scratch);
    if (!given || member != POINTER_NOTHING)
        preset = preset_find(name);
    if (given && given->kind == JSON_OBJECT && member == POINTER_NOTHING)
        name = span_of("own");
    if (!preset) {
        preset_list(&names);
        good = parse_refuse(r, member == source->token ? "" : "/preset",
                            "\"%.*s\" is not a preset: use one of %s",
                            (int)(name.size < 64 ? name.size : 64), name.data, buf_text(&names));
        buf_release(&names);
        return good;
    }
    snprintf(r->to->name, sizeof r->to->name, "%.*s", (int)name.size, name.data);
    r->to->is_guide = span_is(name, "guide") && (!given || given->kind == JSON_STRING);
    json_scan(&base, span_of(preset), 0, &scan);
    if (given && given->kind == JSON_OBJECT)
        preset_lay_over(&text, preset, &base, source->text, source->tape, source->token);
    else
        preset_lay_over(&text, preset, &base, preset, &base, 0);
    json_tape_release(&base);
    if (text.size > DESCRIPTION_BYTES_MAX)
        good = parse_refuse(r, "", "is longer than %d bytes", DESCRIPTION_BYTES_MAX);
    r->to->text = mem_copy(text.data, text.size);
    good = good && (json_scan(&r->to->tape, buf_span(&text), 0, &scan) ||
                    parse_refuse(r, "", "%s", scan.message));
    buf_release(&text);
    return good;
}

bool description_read(struct description *description, const struct description_source *source,
                      struct description_fault *fault)
{
    static const char *const names[] = {"preset", "params", "write",   "fields",  "read",
                                        "lock",   "mark",   "missing", "answers", "error",
                                        "bulk",   "audit",  "limits",  NULL};
    struct parse r = {.to = description, .source = source, .fault = fault};
    uint32_t write, params, mark;
    bool good;

    fault->pointer[0] = fault->text[0] = '\0';
    if (!lay_over_preset(&r) || !parse_members(&r, 0, "", names)) {
        buf_release(&r.scratch);
        return false;
    }
    params = parse_member(&r, 0, "params");
    write = parse_member(&r, 0, "write");
    mark = parse_member(&r, 0, "mark");
    description->mark.is_there = mark;
    good = (!params || read_params(&r, params)) && read_write(&r, write) &&
           read_read(&r, parse_member(&r, 0, "read"), write) &&
           read_lock(&r, parse_member(&r, 0, "lock")) &&
           (!mark || parse_place(&r, mark, "/mark", &description->mark.pointer)) &&
           read_missing(&r, parse_member(&r, 0, "missing"), write) &&
           read_answers(&r, parse_member(&r, 0, "answers")) &&
           read_error(&r, parse_member(&r, 0, "error")) &&
           read_audit(&r, parse_member(&r, 0, "audit")) &&
           read_bulk(&r, parse_member(&r, 0, "bulk")) &&
           read_limits(&r, parse_member(&r, 0, "limits")) && places_read(&r);
    /* the name of the guide promises its log */
    if (!description->has_audit && span_is(span_of(description->name), "guide"))
        snprintf(description->name, sizeof description->name, "own");
    buf_release(&r.scratch);
    return good;
}

static void release_call(struct description_call *call)
{
    template_release(&call->path);
    template_release(&call->content);
    body_release(&call->body);
    for (uint32_t i = 0; i < call->header_count; i++) {
        free(call->headers[i].text);
        template_release(&call->headers[i].value);
    }
}

void description_release(struct description *d)
{
    struct description_spot *const spots[] = {&d->lock_read,   &d->lock_write, &d->lock_answer,
                                              &d->mark,        &d->error_code, &d->error_message,
                                              &d->error_list,  &d->bulk.id,    &d->bulk.ok,
                                              &d->bulk.status, &d->bulk.error, &d->bulk.record};
    struct pointer *const pointers[] = {&d->root, &d->rest, &d->read_root, &d->read_rest,
                                        &d->bulk.results};

    release_call(&d->write);
    release_call(&d->create);
    release_call(&d->read);
    release_call(&d->bulk.call);
    template_release(&d->audit);
    for (size_t i = 0; i < COUNT(spots); i++)
        pointer_release(&spots[i]->pointer);
    for (size_t i = 0; i < COUNT(pointers); i++)
        pointer_release(pointers[i]);
    for (uint32_t i = 0; i < d->back_count; i++)
        pointer_release(&d->back[i]);
    for (uint32_t i = 0; i < d->form.place_count; i++)
        pointer_release(&d->form.places[i].at);
    for (uint32_t i = 0; i < d->property_count; i++)
        pointer_release(&d->properties[i].at);
    for (uint32_t i = 0; i < d->owned_count; i++)
        free(d->owned[i]);
    json_tape_release(&d->tape);
    free(d->form.places);
    free(d->properties);
    free(d->taken);
    free(d->owned);
    free(d->text);
    *d = (struct description){0};
}
