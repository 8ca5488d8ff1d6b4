#include "cmd/genesys-sim/contacts.h"

#include "cmd/genesys-sim/put_get.h"
#include "cmd/genesys-sim/resource.h"
#include "core/base/mem.h"

#include <ctype.h>

enum { ENRICH_MAX = 10, OUTBOUND_MAX = 1000, PATH_SIZE = 256 };

/* What happened to one item. */
struct outcome {
    unsigned status; /* 200, 201 or of an error */
    const char *code, *message;
    unsigned results;           /* that the answer to a bulk request has for it: 1 as a rule */
    bool misnamed;              /* ... with another id */
    struct json_object *entity; /* of 200 and 201; owned */
};

static struct json_object *member_of(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;

    if (object && json_object_is_type(object, json_type_object))
        json_object_object_get_ex(object, name, &value);
    return value;
}

static const char *text_of(struct json_object *object, const char *name)
{
    struct json_object *value = member_of(object, name);

    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static bool fail(struct outcome *outcome, unsigned status, const char *code, const char *message)
{
    outcome->status = status;
    outcome->code = code;
    outcome->message = message;
    return false;
}

/* --- identifiers --- */

/* Reads {"type", "value", "externalSource": {"id"}}: the schema of the source, and the key. */
static bool read_identifier(enum resource_kind kind, struct json_object *identifier,
                            struct buf *schema, const char **key)
{
    const char *type = text_of(identifier, "type");
    const char *source = text_of(member_of(identifier, "externalSource"), "id");

    *key = text_of(identifier, "value");
    if (!type || strcmp(type, "ExternalId") != 0 || !source || !*source || !*key || !**key)
        return false;
    resource_schema(schema, kind, source);
    return true;
}

/* --- the rules of enrichment --- */

/* Returns the rule about `$.a.b`, or NULL. */
static struct json_object *rule_for(struct json_object *rules, const char *path)
{
    size_t count =
        json_object_is_type(rules, json_type_array) ? json_object_array_length(rules) : 0;

    for (size_t i = 0; i < count; i++) {
        struct json_object *rule = json_object_array_get_idx(rules, i);
        const char *field = text_of(rule, "field");

        if (field && strncmp(field, "$.", 2) == 0 && strcmp(field + 2, path) == 0)
            return rule;
    }
    return NULL;
}

static bool rule_is(struct json_object *rule, const char *name, const char *word)
{
    const char *value = text_of(rule, name);

    return value && strcmp(value, word) == 0;
}

/* Returns a text without the blanks around it. */
static struct json_object *trimmed(struct json_object *text)
{
    const char *from = json_object_get_string(text);
    size_t size = strlen(from);

    for (; *from == ' '; from++, size--)
        ;
    while (size && from[size - 1] == ' ')
        size--;
    return json_object_new_string_len(from, (int)size);
}

/* Sets a text. The platform rewrites `display` of a phone number, and keeps what came in
 * `userInput`. */
static void set_text(struct json_object *object, const char *name, struct json_object *value)
{
    struct json_object *text = trimmed(value);
    char digits[64] = "";
    size_t size = 0;

    if (strcmp(name, "display") != 0) {
        json_object_object_add(object, name, text);
        return;
    }
    for (const char *c = json_object_get_string(text); *c && size < sizeof digits - 1; c++)
        if (isdigit((unsigned char)*c) || *c == '+')
            digits[size++] = *c;
    json_object_object_add(object, "userInput", text);
    json_object_object_add(object, name, json_object_new_string(digits));
}

/* Appends what is not there yet. */
static void fill_array(struct json_object *old, struct json_object *given)
{
    for (size_t i = 0; i < json_object_array_length(given); i++) {
        struct json_object *item = json_object_array_get_idx(given, i);
        bool there = false;

        for (size_t k = 0; k < json_object_array_length(old); k++)
            there = there || json_object_equal(json_object_array_get_idx(old, k), item);
        if (!there)
            json_object_array_add(old, json_object_get(item));
    }
}

/* Lays given over old: absent and null keep (PreferProvided), unless a rule about the field says
 * AlwaysUseProvided; then null clears. Arrays are filled, or replaced. */
static void enrich(struct json_object *old, struct json_object *given, struct json_object *rules,
                   const char *parent)
{
    json_object_object_foreach(given, name, value)
    {
        struct json_object *before = member_of(old, name), *rule;
        char path[PATH_SIZE];

        snprintf(path, sizeof path, "%s%s%s", parent, *parent ? "." : "", name);
        rule = rule_for(rules, path);
        if (!value) {
            if (rule_is(rule, "action", "AlwaysUseProvided"))
                json_object_object_del(old, name);
        } else if (json_object_is_type(value, json_type_object)) {
            if (!json_object_is_type(before, json_type_object)) {
                before = json_object_new_object();
                json_object_object_add(old, name, before);
            }
            enrich(before, value, rules, path);
        } else if (json_object_is_type(value, json_type_array) &&
                   json_object_is_type(before, json_type_array) &&
                   !rule_is(rule, "arrayAction", "Replace")) {
            fill_array(before, value);
        } else if (json_object_is_type(value, json_type_string)) {
            set_text(old, name, value);
        } else {
            json_object_object_add(old, name, json_object_get(value));
        }
    }
}

/* --- one item --- */

/* Returns the content with an id of the server's, which the caller puts. */
static struct json_object *entity_of(enum resource_kind kind, const char *schema, const char *key,
                                     struct json_object *content)
{
    struct json_object *entity = NULL;
    uint64_t high = 0, low = 0;
    char id[UUID_TEXT_SIZE];

    for (const char *c = schema; *c; c++)
        high = faults_mix(high, (unsigned char)*c);
    for (const char *c = key; *c; c++)
        low = faults_mix(low ^ high, (unsigned char)*c);
    snprintf(id, sizeof id, "%08x-%04x-4%03x-8%03x-%012llx", (unsigned)(high >> 32),
             (unsigned)(high >> 16 & 0xFFFF), (unsigned)(high & 0xFFF), (unsigned)(low >> 52),
             (unsigned long long)(low & 0xFFFFFFFFFFFF));
    json_object_deep_copy(content, &entity, NULL);
    json_object_object_add(entity, "id", json_object_new_string(id));
    json_object_object_add(
        entity, "type",
        json_object_new_string(kind == RESOURCE_CONTACT ? "Contact" : "ExternalOrganization"));
    return entity;
}

/* A fixed answer for the key. 202 is applied, and not named, with the code `twice` named twice, and
 * with `other` named by another id; 204 is neither applied nor named. */
static bool take_fixed(struct sim *sim, const struct request *request, const char *key,
                       struct outcome *outcome)
{
    struct fixed_answer *fixed =
        options_answer(sim->options, ANSWER_PUT, key, request->client->served > 0);

    if (!fixed)
        return false;
    if (fixed->times > 0)
        fixed->times--;
    outcome->misnamed = fixed->code && strcmp(fixed->code, "other") == 0;
    if (fixed->status == 202 || fixed->status == 204)
        outcome->results = outcome->misnamed ? 1 : fixed->code && fixed->status == 202 ? 2 : 0;
    if (fixed->status != 202)
        fail(outcome, fixed->status, fixed->code ? fixed->code : "fixed",
             "the simulator answers so because of an option");
    return fixed->status != 202;
}

static void write_entity(struct sim *sim, struct request *request, const char *schema,
                         const char *key, struct json_object *item, struct outcome *outcome)
{
    enum resource_kind kind = request->route.resource;
    struct json_object *given =
        member_of(item, kind == RESOURCE_CONTACT ? "contact" : "externalOrganization");
    struct json_object *content = resource_content(sim, kind, schema, key, INT64_MAX);
    bool there = content;

    if (!there && rule_is(item, "action", "Update")) {
        fail(outcome, 404, "matching.contact.not.found", "There is no such entity.");
    } else if (there && rule_is(item, "action", "Insert")) {
        fail(outcome, 409, "matching.contact.found", "There is such an entity.");
    } else if (!text_of(item, "action") || !json_object_is_type(given, json_type_object)) {
        fail(outcome, 400, "bad.request", "action and the entity are required.");
    } else if (kind == RESOURCE_ORGANIZATION && !there && !text_of(given, "name")) {
        fail(outcome, 422, "validation.failed", "name is required.");
    } else {
        if (!there)
            content = json_object_new_object();
        enrich(content, given, member_of(member_of(item, "fieldRules"), "rules"), "");
        outcome->status = there ? 200 : 201;
        if (resource_apply(sim, request, schema, key, given, content))
            outcome->entity = entity_of(kind, schema, key, content);
    }
    json_object_put(content);
}

/* Enriches one entity. */
static void enrich_item(struct sim *sim, struct request *request, struct json_object *item,
                        struct outcome *outcome)
{
    struct json_object *identifiers = member_of(item, "matchingIdentifiers");
    struct buf schema = {0};
    const char *key = NULL;

    *outcome = (struct outcome){.results = 1};
    if (!json_object_is_type(identifiers, json_type_array) ||
        json_object_array_length(identifiers) < 1 || json_object_array_length(identifiers) > 25 ||
        !read_identifier(request->route.resource, json_object_array_get_idx(identifiers, 0),
                         &schema, &key))
        fail(outcome, 400, "bad.request", "matchingIdentifiers must have an ExternalId.");
    else if (!take_fixed(sim, request, key, outcome))
        write_entity(sim, request, buf_text(&schema), key, item, outcome);
    buf_release(&schema);
}

/* --- requests --- */

void contacts_enrich(struct sim *sim, struct request *request)
{
    struct json_object *body = resource_body(request, json_type_object);
    struct json_object *identifiers = member_of(body, "matchingIdentifiers");
    struct outcome outcome;
    const char *key = NULL;

    if (!body)
        return;
    if (json_object_is_type(identifiers, json_type_array))
        key = text_of(json_object_array_get_idx(identifiers, 0), "value");
    if (key)
        request->route.id = mem_strdup(key);
    enrich_item(sim, request, body, &outcome);
    if (outcome.entity) {
        answer_json(&request->answer, outcome.status);
        buf_append_text(&request->answer.body, resource_text(outcome.entity));
    } else if (!sim->failed && outcome.status == 429) {
        sim_answer_throttled(sim, request, 1000);
    } else if (!sim->failed) {
        answer_error(&request->answer, outcome.status, outcome.code, outcome.message, NULL);
    }
    json_object_put(outcome.entity);
    json_object_put(body);
}

/* Returns {"id", "success", "status", "entity" or "error"}. */
static struct json_object *result_of(struct json_object *item, const struct outcome *outcome)
{
    struct json_object *result = json_object_new_object(), *error;
    const char *id = text_of(item, "id");

    if (id)
        json_object_object_add(result, "id",
                               json_object_new_string(outcome->misnamed ? "other" : id));
    json_object_object_add(result, "success", json_object_new_boolean(outcome->entity != NULL));
    json_object_object_add(result, "status", json_object_new_int((int)outcome->status));
    if (outcome->entity) {
        json_object_object_add(result, "entity", json_object_get(outcome->entity));
        return result;
    }
    error = json_object_new_object();
    json_object_object_add(error, "code", json_object_new_string(outcome->code));
    json_object_object_add(error, "message", json_object_new_string(outcome->message));
    json_object_object_add(
        error, "retryable",
        json_object_new_boolean(outcome->status == 429 || outcome->status > 499));
    json_object_object_add(result, "error", error);
    return result;
}

/* True of more rows than --bulk-max allows: answered 413. */
static bool has_too_many(const struct sim *sim, struct request *request, size_t count)
{
    request->rows = (unsigned)count;
    if (!sim->options->bulk_max || count <= (size_t)sim->options->bulk_max)
        return false;
    answer_error(&request->answer, 413, "request.entity.too.large", NULL, NULL);
    return true;
}

/* Answers with the results from the last item to the first, so that their order says nothing. */
static void bulk_enrich(struct sim *sim, struct request *request)
{
    struct json_object *body = resource_body(request, json_type_object), *results;
    struct json_object *items = member_of(body, "entities");
    size_t count =
        json_object_is_type(items, json_type_array) ? json_object_array_length(items) : 0;
    unsigned errors = 0;

    if (has_too_many(sim, request, count)) {
        json_object_put(body);
        return;
    }
    if (body && (count < 1 || count > ENRICH_MAX))
        answer_error(&request->answer, 400, "bad.request", "entities must have 1 to 10 items.",
                     NULL);
    results = json_object_new_array();
    for (size_t i = count <= ENRICH_MAX ? count : 0; i-- > 0 && !sim->failed;) {
        struct json_object *item = json_object_array_get_idx(items, i);
        struct outcome outcome;

        enrich_item(sim, request, item, &outcome);
        errors += !outcome.entity;
        for (unsigned k = 0; k < outcome.results; k++)
            json_object_array_add(results, result_of(item, &outcome));
        json_object_put(outcome.entity);
    }
    if (count >= 1 && count <= ENRICH_MAX && !sim->failed) {
        answer_json(&request->answer, 200);
        buf_printf(&request->answer.body, "{\"results\":%s,\"errorCount\":%u}",
                   resource_text(results), errors);
    }
    json_object_put(results);
    json_object_put(body);
}

/* --- outbound lists --- */

/* Checks one contact of an outbound list; the first that is wrong refuses the whole request. */
static bool check_contact(struct sim *sim, const struct request *request, struct json_object *item,
                          struct outcome *outcome)
{
    const char *id = text_of(item, "id"), *list = text_of(item, "contactListId");

    if (!id || !*id)
        return fail(outcome, 400, "bad.request", "id is required.");
    if (!list || strcmp(list, request->route.schema) != 0)
        return fail(outcome, 400, "bad.request", "contactListId is not that in the path.");
    if (!resource_are_texts(member_of(item, "data")))
        return fail(outcome, 400, "invalid.value", "data must be an object of texts.");
    return !take_fixed(sim, request, id, outcome);
}

/* Without clearSystemData, what the platform has of a contact stays as it was. */
static void keep_system_data(struct json_object *content, struct json_object *before)
{
    static const char *const names[] = {"callable", "phoneNumberStatus"};

    for (size_t i = 0; i < 2; i++) {
        struct json_object *kept = member_of(before, names[i]);

        if (kept && !member_of(content, names[i]))
            json_object_object_add(content, names[i], json_object_get(kept));
    }
    if (!member_of(content, "callable"))
        json_object_object_add(content, "callable", json_object_new_boolean(true));
}

/* Writes one contact, which passed check_contact. Returns it as it is answered. */
static struct json_object *write_contact(struct sim *sim, struct request *request,
                                         const char *schema, struct json_object *item)
{
    struct json_object *content = NULL, *shown = NULL, *before;
    const char *id = text_of(item, "id");

    before = resource_content(sim, RESOURCE_OUTBOUND, schema, id, INT64_MAX);
    json_object_deep_copy(item, &content, NULL);
    json_object_object_del(content, "id");
    keep_system_data(content, before);
    json_object_put(before);
    if (!resource_apply(sim, request, schema, id, member_of(item, "data"), content)) {
        json_object_put(content);
        return NULL;
    }
    json_object_deep_copy(content, &shown, NULL);
    json_object_object_add(shown, "id", json_object_new_string(id));
    json_object_put(content);
    return shown;
}

static void bulk_outbound(struct sim *sim, struct request *request)
{
    struct json_object *items = resource_body(request, json_type_array), *shown;
    size_t count = items ? json_object_array_length(items) : 0;
    struct outcome outcome = {0};
    struct buf schema = {0};
    bool fine = items;

    if (has_too_many(sim, request, count)) {
        json_object_put(items);
        return;
    }
    if (items && (count < 1 || count > OUTBOUND_MAX))
        fine = fail(&outcome, 400, "bad.request", "The body must have 1 to 1000 contacts.");
    for (size_t i = 0; fine && i < count; i++)
        fine = check_contact(sim, request, json_object_array_get_idx(items, i), &outcome);
    if (items && !fine)
        answer_error(&request->answer, outcome.status, outcome.code, outcome.message, NULL);
    shown = json_object_new_array();
    resource_schema(&schema, RESOURCE_OUTBOUND, request->route.schema);
    for (size_t i = 0; fine && i < count && !sim->failed; i++)
        json_object_array_add(shown, write_contact(sim, request, buf_text(&schema),
                                                   json_object_array_get_idx(items, i)));
    if (fine && !sim->failed) {
        answer_json(&request->answer, 200);
        buf_append_text(&request->answer.body, resource_text(shown));
    }
    buf_release(&schema);
    json_object_put(shown);
    json_object_put(items);
}

/* Answers with a result for each document, in their order. */
static void bulk_documents(struct sim *sim, struct request *request)
{
    struct json_object *body = resource_body(request, json_type_object), *results;
    struct json_object *items = member_of(body, "documents");
    size_t count =
        json_object_is_type(items, json_type_array) ? json_object_array_length(items) : 0;
    bool fine = body && !has_too_many(sim, request, count);

    if (fine && !count)
        answer_error(&request->answer, 400, "bad.request", "documents must have items.", NULL);
    results = json_object_new_array();
    for (size_t i = 0; fine && i < count && !sim->failed; i++)
        json_object_array_add(
            results, resource_write_item(sim, request, json_object_array_get_idx(items, i)));
    if (fine && count && !sim->failed) {
        answer_json(&request->answer, 200);
        buf_append_text(&request->answer.body, resource_text(results));
    }
    json_object_put(results);
    json_object_put(body);
}

void contacts_bulk(struct sim *sim, struct request *request)
{
    if (request->route.resource == RESOURCE_NONE)
        put_several(sim, request);
    else if (request->route.resource == RESOURCE_VERSION)
        bulk_documents(sim, request);
    else if (request->route.resource == RESOURCE_OUTBOUND)
        bulk_outbound(sim, request);
    else
        bulk_enrich(sim, request);
}

void contacts_lookup(struct sim *sim, struct request *request)
{
    enum resource_kind kind = request->route.resource;
    struct json_object *body = resource_body(request, json_type_object);
    struct json_object *content = NULL, *entity;
    struct buf schema = {0};
    const char *key = NULL;

    if (body && !read_identifier(kind, body, &schema, &key)) {
        answer_error(&request->answer, 400, "bad.request", "An ExternalId is required.", NULL);
    } else if (body && !sim_answer_fixed(sim, request, ANSWER_GET, key)) {
        request->route.id = mem_strdup(key);
        content = resource_content(sim, kind, buf_text(&schema), key,
                                   request->at_ms - sim->options->read_lag_ms);
        if (!content) {
            answer_error(&request->answer, 404, "not.found", NULL, NULL);
        } else {
            entity = entity_of(kind, buf_text(&schema), key, content);
            answer_json(&request->answer, 200);
            buf_append_text(&request->answer.body, resource_text(entity));
            json_object_put(entity);
            json_object_put(content);
        }
    }
    buf_release(&schema);
    json_object_put(body);
}
