#include "cmd/genesys-sim/resource.h"

#include "cmd/genesys-sim/strict.h"
#include "core/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>

enum lock { LOCK_NONE, LOCK_TEXT, LOCK_NUMBER, LOCK_ETAG };

/* Why a request about a record is refused. */
struct refusal {
    unsigned status;
    const char *code;
};

static const struct rules {
    enum lock lock;
    bool optional;    /* a write without a version is taken */
    bool created;     /* a record does not exist until it was created */
    bool upserted;    /* ... by the write itself */
    bool silent;      /* a write is answered with the id alone */
    const char *key;  /* the member that holds the id */
    const char *root; /* the member that must be an object of texts; NULL: none */
    struct refusal missing, conflict, exists;
} all_rules[RESOURCE_KINDS] = {
    [RESOURCE_VERSION] = {.lock = LOCK_TEXT,
                          .key = "id",
                          .missing = {404, NULL},
                          .conflict = {409, NULL},
                          .exists = {409, "already.exists"}},
    [RESOURCE_ETAG] = {.lock = LOCK_ETAG,
                       .key = "id",
                       .missing = {404, NULL},
                       .conflict = {412, "precondition.failed"},
                       .exists = {409, "already.exists"}},
    [RESOURCE_PLAIN] = {.key = "id", .missing = {404, NULL}, .exists = {409, "already.exists"}},
    [RESOURCE_USER] = {.lock = LOCK_NUMBER,
                       .key = "id",
                       .missing = {404, NULL},
                       .conflict = {409, "general.conflict"}},
    [RESOURCE_GROUP] = {.lock = LOCK_NUMBER,
                        .key = "id",
                        .missing = {404, NULL},
                        .conflict = {400, "general.conflict"}},
    [RESOURCE_ROW] = {.created = true,
                      .key = "key",
                      .missing = {404, "flows.datatables.row.not.found"},
                      .exists = {409, "flows.datatables.not.unique"}},
    [RESOURCE_ATTRIBUTES] = {.lock = LOCK_NUMBER,
                             .optional = true,
                             .created = true,
                             .upserted = true,
                             .silent = true,
                             .key = "id",
                             .missing = {404, "conversation.custom.attributes.not.found"},
                             .conflict = {409, "conversation.custom.attributes.version.conflict"}},
    [RESOURCE_CONTACT] = {.created = true, .missing = {404, "entity.not.found"}},
    [RESOURCE_ORGANIZATION] = {.created = true, .missing = {404, "entity.not.found"}},
    [RESOURCE_OUTBOUND] = {.created = true,
                           .key = "id",
                           .root = "data",
                           .missing = {404, "resource.not.found"}},
};

void resource_schema(struct buf *out, enum resource_kind kind, const char *table)
{
    buf_append_text(out, route_resource_name(kind));
    if (table)
        buf_printf(out, "/%s", table);
}

const char *resource_text(struct json_object *value)
{
    return json_object_to_json_string_ext(value,
                                          JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

struct json_object *resource_body(struct request *request, enum json_type type)
{
    struct json_object *body = NULL;

    request->payload_ok =
        request->body_size <= BODY_MAX && strict_check(buf_span(&request->body), &request->problem);
    if (!request_has_payload(request))
        return NULL;
    body = json_tokener_parse(buf_text(&request->body));
    if (body && json_object_is_type(body, type))
        return body;
    json_object_put(body);
    answer_error(&request->answer, 400, "bad.request",
                 type == json_type_array ? "The body must be an array."
                                         : "The body must be an object.",
                 NULL);
    return NULL;
}

struct json_object *resource_content(const struct sim *sim, enum resource_kind kind,
                                     const char *schema, const char *id, int64_t at_ms)
{
    const struct record *record = records_find(&sim->records, schema, id);
    const struct record_state *state = record ? record_at(record, at_ms) : NULL;

    /* there was none before its first update, unless it is a seed */
    if ((!state || !state->fields) && (all_rules[kind].created || sim->records.only_seeded))
        return NULL;
    return json_tokener_parse(state && state->fields ? state->fields : "{}");
}

bool resource_apply(struct sim *sim, struct request *request, const char *schema, const char *id,
                    struct json_object *sent, struct json_object *content)
{
    const struct record *record = records_find(&sim->records, schema, id);
    struct ledger_update update = {
        .request = request->seq,
        .schema = schema,
        .id = id,
        .submitted_version = record ? record->now.version : sim->records.base_version,
        .fields = span_of(resource_text(sent)),
        .state = span_of(resource_text(content)),
    };

    request->applied = sim_apply(sim, &update, (struct span){0});
    if (!request->applied)
        request->answer.end = ANSWER_CUT;
    return request->applied;
}

/* One request about one record. */
struct visit {
    const struct rules *rules;
    struct buf schema;
    char *id;
    struct json_object *content; /* NULL: the record does not exist */
    struct buf token;            /* its version as JSON text, or its ETag */
};

/* A version that says nothing about its order, but for numbers, which rise by 3 or more. */
static void append_token(struct visit *visit, const struct record_state *state, int64_t base)
{
    uint64_t version = (uint64_t)(state ? state->version : base), mixed;

    mixed = faults_mix(version, strlen(visit->id) + (unsigned char)visit->id[0]);
    if (visit->rules->lock == LOCK_NUMBER)
        buf_printf(&visit->token, "%" PRIu64, version * 5 + mixed % 3);
    else if (visit->rules->lock != LOCK_NONE)
        buf_printf(&visit->token, "\"%016" PRIx64 "\"", mixed);
}

/* Looks the record up as it was at at_ms. id is taken. */
static void visit_open(struct visit *visit, struct sim *sim, const struct route *route, char *id,
                       int64_t at_ms)
{
    const struct record *record;

    *visit = (struct visit){.rules = &all_rules[route->resource], .id = id};
    resource_schema(&visit->schema, route->resource, route->schema);
    record = records_find(&sim->records, buf_text(&visit->schema), id);
    visit->content = resource_content(sim, route->resource, buf_text(&visit->schema), id, at_ms);
    append_token(visit, record ? record_at(record, at_ms) : NULL, sim->records.base_version);
}

static void visit_close(struct visit *visit)
{
    json_object_put(visit->content);
    buf_release(&visit->schema);
    buf_release(&visit->token);
    free(visit->id);
}

static void refuse(struct request *request, const struct refusal *refusal)
{
    answer_error(&request->answer, refusal->status, refusal->code, NULL, NULL);
}

/* Answers with the record: its content, id and version. `manager` of a user is written as a text,
 * and read as an object. */
static void answer_record(struct request *request, struct visit *visit, unsigned status)
{
    struct json_object *shown = NULL, *manager = NULL;
    const struct rules *rules = visit->rules;

    json_object_deep_copy(visit->content, &shown, NULL);
    json_object_object_add(shown, rules->key, json_object_new_string(visit->id));
    if (rules->lock == LOCK_TEXT || rules->lock == LOCK_NUMBER)
        json_object_object_add(shown, "version", json_tokener_parse(buf_text(&visit->token)));
    if (request->route.resource == RESOURCE_USER &&
        json_object_object_get_ex(shown, "manager", &manager) &&
        json_object_is_type(manager, json_type_string)) {
        struct json_object *boss = json_object_new_object();

        json_object_object_add(boss, "id", json_object_get(manager));
        json_object_object_add(shown, "manager", boss);
    }
    answer_json(&request->answer, status);
    if (rules->lock == LOCK_ETAG)
        answer_header(&request->answer, "ETag", "%s", buf_text(&visit->token));
    buf_append_text(&request->answer.body, resource_text(shown));
    json_object_put(shown);
}

void resource_read(struct sim *sim, struct request *request)
{
    const struct route *route = &request->route;
    struct json_object *row;
    struct visit visit;

    if (sim_answer_fixed(sim, request, ANSWER_GET, route->id))
        return;
    visit_open(&visit, sim, route, mem_strdup(route->id),
               request->at_ms - sim->options->read_lag_ms);
    if (!visit.content) {
        refuse(request, &visit.rules->missing);
    } else if (route->resource == RESOURCE_ROW && !span_is(route->query, "showbrief=false")) {
        row = json_object_new_object();
        json_object_object_add(row, "key", json_object_new_string(visit.id));
        answer_json(&request->answer, 200);
        buf_append_text(&request->answer.body, resource_text(row));
        json_object_put(row);
    } else {
        answer_record(request, &visit, 200);
    }
    visit_close(&visit);
}

/* RFC 7396 */
static void merge(struct json_object *target, struct json_object *patch)
{
    json_object_object_foreach(patch, name, value)
    {
        struct json_object *old = NULL;

        if (!value)
            json_object_object_del(target, name);
        else if (json_object_is_type(value, json_type_object) &&
                 json_object_object_get_ex(target, name, &old) &&
                 json_object_is_type(old, json_type_object))
            merge(old, value);
        else
            json_object_object_add(target, name, json_object_get(value));
    }
}

/* Checks the version that a write names. Takes it out of the body. */
static bool check_lock(const struct sim *sim, struct request *request, struct visit *visit,
                       struct json_object *body)
{
    const struct rules *rules = visit->rules;
    struct json_object *version = NULL;
    const char *token = NULL;
    bool fits;

    if (rules->lock == LOCK_ETAG)
        token = request->if_match;
    else if (rules->lock != LOCK_NONE && json_object_object_get_ex(body, "version", &version))
        token = version ? resource_text(version) : NULL;
    /* who may create what is missing and names no version means to */
    if (!token && rules->lock == LOCK_TEXT && sim->options->upsert && visit->content &&
        request->route.kind == ROUTE_REPLACE) {
        refuse(request, &rules->conflict);
        return false;
    }
    if (!token && rules->lock != LOCK_NONE && !rules->optional && visit->content) {
        answer_error(&request->answer, rules->lock == LOCK_ETAG ? 428 : 400,
                     rules->lock == LOCK_ETAG ? "precondition.required" : "bad.request",
                     "A version is required.", NULL);
        return false;
    }
    if (!visit->content) {
        if (token && rules->lock != LOCK_NONE)
            refuse(request, &rules->missing);
        return !token || rules->lock == LOCK_NONE;
    }
    fits = !token || rules->lock == LOCK_NONE || strcmp(token, buf_text(&visit->token)) == 0;
    if (!fits)
        refuse(request, &rules->conflict);
    if (rules->lock == LOCK_TEXT || rules->lock == LOCK_NUMBER)
        json_object_object_del(body, "version");
    return fits;
}

/* Whether the write concerns a record that is there, or creates it. */
static bool check_presence(struct sim *sim, struct request *request, struct visit *visit)
{
    const struct rules *rules = visit->rules;
    enum route_kind kind = request->route.kind;

    if (kind == ROUTE_CREATE ? visit->content != NULL : visit->content && request->if_none_match) {
        refuse(request, kind == ROUTE_CREATE ? &rules->exists : &rules->conflict);
        return false;
    }
    if (visit->content || kind == ROUTE_CREATE || rules->upserted ||
        (kind == ROUTE_REPLACE && !rules->created && sim->options->upsert))
        return true;
    refuse(request, &rules->missing);
    return false;
}

bool resource_are_texts(struct json_object *object)
{
    bool texts = json_object_is_type(object, json_type_object);

    if (!texts)
        return false;
    json_object_object_foreach(object, name, value)
    {
        (void)name;
        texts = texts && json_object_is_type(value, json_type_string);
    }
    return texts;
}

/* Returns the id that the path and the body name, which the caller frees; NULL with the answer. */
static char *id_of(struct request *request, struct json_object *body)
{
    const struct rules *rules = &all_rules[request->route.resource];
    struct json_object *member = NULL;
    const char *named = NULL;

    if (json_object_object_get_ex(body, rules->key, &member) &&
        json_object_is_type(member, json_type_string))
        named = json_object_get_string(member);
    if (request->route.id && (!member || (named && strcmp(named, request->route.id) == 0)) &&
        (member || request->route.resource != RESOURCE_ROW))
        return mem_strdup(request->route.id);
    if (!request->route.id && named && *named)
        return mem_strdup(named);
    answer_error(&request->answer, 400, "bad.request",
                 "The id in the body is missing, or not that in the path.", NULL);
    return NULL;
}

/* Answers a write with what the record is now: with its id, its ETag (as WebDAV servers do), or
 * whole. */
static void answer_written(struct request *request, struct visit *now, bool existed)
{
    struct answer *answer = &request->answer;

    bool plain = existed || request->route.resource == RESOURCE_ROW;

    answer_record(request, now, plain ? 200 : 201);
    if (now->rules->silent) {
        buf_reset(&answer->body);
        buf_append_text(&answer->body, "{\"id\":\"");
        buf_append_json(&answer->body, span_of(now->id));
        buf_append_text(&answer->body, "\"}");
    } else if (now->rules->lock == LOCK_ETAG && request->route.kind == ROUTE_REPLACE) {
        buf_reset(&answer->body);
        answer->status = existed ? 204 : 201;
    }
}

static void write_record(struct sim *sim, struct request *request, struct visit *visit,
                         struct json_object *body)
{
    struct json_object *content = NULL, *root = NULL;
    struct visit now;

    if (!check_presence(sim, request, visit) || !check_lock(sim, request, visit, body))
        return;
    if (visit->rules->root && (!json_object_object_get_ex(body, visit->rules->root, &root) ||
                               !resource_are_texts(root))) {
        answer_error(&request->answer, 400, "invalid.value", "data must be an object of texts.",
                     NULL);
        return;
    }
    json_object_object_del(body, visit->rules->key);
    if (request->route.kind == ROUTE_MERGE && visit->content)
        json_object_deep_copy(visit->content, &content, NULL);
    else
        content = json_object_new_object();
    merge(content, body);
    if (resource_apply(sim, request, buf_text(&visit->schema), visit->id, body, content)) {
        visit_open(&now, sim, &request->route, mem_strdup(visit->id), INT64_MAX);
        answer_written(request, &now, visit->content);
        visit_close(&now);
    }
    json_object_put(content);
}

void resource_write(struct sim *sim, struct request *request)
{
    struct json_object *body = resource_body(request, json_type_object);
    char *id = body ? id_of(request, body) : NULL;
    struct visit visit;

    if (id && !sim_answer_fixed(sim, request, ANSWER_PUT, id)) {
        if (!request->route.id)
            request->route.id = mem_strdup(id);
        visit_open(&visit, sim, &request->route, id, INT64_MAX);
        write_record(sim, request, &visit, body);
        visit_close(&visit);
    } else {
        free(id);
    }
    json_object_put(body);
}

struct json_object *resource_write_item(struct sim *sim, struct request *request,
                                        struct json_object *item)
{
    struct request one = {.client = request->client,
                          .seq = request->seq,
                          .at_ms = request->at_ms,
                          .route = {.kind = ROUTE_REPLACE, .resource = request->route.resource}};
    struct json_object *result = json_object_new_object();
    char *id = id_of(&one, item);
    struct visit visit;

    if (id) {
        json_object_object_add(result, "id", json_object_new_string(id));
        visit_open(&visit, sim, &one.route, id, INT64_MAX);
        write_record(sim, &one, &visit, item);
        visit_close(&visit);
    }
    json_object_object_add(result, "status", json_object_new_int((int)one.answer.status));
    json_object_object_add(result, one.answer.status < 300 ? "record" : "error",
                           json_tokener_parse(buf_text(&one.answer.body)));
    request->applied = request->applied || one.applied;
    request_release(&one);
    return result;
}
