#include "cmd/genesys-sim/routes.h"

#include "core/base/mem.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name, *help;
} resources[RESOURCE_KINDS] = {
    [RESOURCE_VERSION] = {"rest-version",
                          "GET, PUT, PATCH /rest-version/ID, POST: an opaque version in the\n"
                          "body; POST /rest-version-bulk is a PUT of each of `documents`,\n"
                          "and POST /records-bulk/SCHEMA one of each of `records`, which are\n"
                          "custom objects"},
    [RESOURCE_ETAG] = {"rest-etag", "the same under /rest-etag with ETag and If-Match"},
    [RESOURCE_PLAIN] = {"rest-plain", "the same under /rest-plain without a lock"},
    [RESOURCE_USER] = {"genesys-users",
                       "GET, PATCH /api/v2/users/ID: a version that does not rise by 1"},
    [RESOURCE_GROUP] = {"genesys-groups",
                        "GET, PUT /api/v2/groups/ID: the same; a conflict is 400"},
    [RESOURCE_ROW] = {"genesys-datatable-rows",
                      "GET, PUT .../flows/datatables/T/rows/KEY, POST creates"},
    [RESOURCE_ATTRIBUTES] = {"genesys-conversation-attributes",
                             "PUT .../conversations/C/customattributes creates, GET .../ID;\n"
                             "an optional version, and none in the answer"},
    [RESOURCE_CONTACT] = {"genesys-external-contacts",
                          "POST .../externalcontacts/contacts/enrich, the bulk of 10, and\n"
                          "identifierlookup"},
    [RESOURCE_ORGANIZATION] = {"genesys-external-organizations", "the same with organizations"},
    [RESOURCE_OUTBOUND] = {"genesys-outbound-contacts",
                           "GET, PUT .../outbound/contactlists/L/contacts/ID, and the bulk\n"
                           "of 1000, which creates"},
};

const char *route_resource_name(enum resource_kind kind)
{
    return resources[kind].name;
}

const char *route_resource_help(enum resource_kind kind)
{
    return resources[kind].help;
}

enum { VERBS_MAX = 3 };

/* '*' is any one segment: the first is the schema, the second the record id; '@' is the id where
 * there is no schema. The first path that matches is used. */
static const struct path {
    enum resource_kind resource;
    const char *pattern;
    struct {
        const char *method;
        enum route_kind kind;
    } verb[VERBS_MAX];
} paths[] = {
    {RESOURCE_NONE, "/api/v2/customobjects/schemas/*/records/auditlogs", {{"GET", ROUTE_AUDIT}}},
    {RESOURCE_NONE,
     "/api/v2/customobjects/schemas/*/records/*",
     {{"GET", ROUTE_GET}, {"PUT", ROUTE_PUT}}},
    {RESOURCE_NONE, "/records-bulk/*", {{"POST", ROUTE_BULK}}},
    {RESOURCE_NONE, "/oauth/token", {{"POST", ROUTE_TOKEN}}},
    {RESOURCE_NONE, "/erp", {{"POST", ROUTE_ERP}}},
    {RESOURCE_NONE, "/sim/stats", {{"GET", ROUTE_SIM_STATS}}},
    {RESOURCE_NONE, "/sim/records/*/*", {{"GET", ROUTE_SIM_READ}, {"POST", ROUTE_SIM_WRITE}}},
    {RESOURCE_NONE, "/sim/revoke", {{"POST", ROUTE_SIM_REVOKE}}},
    {RESOURCE_NONE, "/sim/config", {{"POST", ROUTE_SIM_CONFIG}}},
    {RESOURCE_VERSION,
     "/rest-version/@",
     {{"GET", ROUTE_READ}, {"PATCH", ROUTE_MERGE}, {"PUT", ROUTE_REPLACE}}},
    {RESOURCE_VERSION, "/rest-version", {{"POST", ROUTE_CREATE}}},
    {RESOURCE_VERSION, "/rest-version-bulk", {{"POST", ROUTE_BULK}}},
    {RESOURCE_ETAG,
     "/rest-etag/@",
     {{"GET", ROUTE_READ}, {"PATCH", ROUTE_MERGE}, {"PUT", ROUTE_REPLACE}}},
    {RESOURCE_ETAG, "/rest-etag", {{"POST", ROUTE_CREATE}}},
    {RESOURCE_PLAIN,
     "/rest-plain/@",
     {{"GET", ROUTE_READ}, {"PATCH", ROUTE_MERGE}, {"PUT", ROUTE_REPLACE}}},
    {RESOURCE_PLAIN, "/rest-plain", {{"POST", ROUTE_CREATE}}},
    {RESOURCE_USER, "/api/v2/users/@", {{"GET", ROUTE_READ}, {"PATCH", ROUTE_MERGE}}},
    {RESOURCE_GROUP, "/api/v2/groups/@", {{"GET", ROUTE_READ}, {"PUT", ROUTE_REPLACE}}},
    {RESOURCE_ROW,
     "/api/v2/flows/datatables/*/rows/*",
     {{"GET", ROUTE_READ}, {"PUT", ROUTE_REPLACE}}},
    {RESOURCE_ROW, "/api/v2/flows/datatables/*/rows", {{"POST", ROUTE_CREATE}}},
    {RESOURCE_ATTRIBUTES, "/api/v2/conversations/*/customattributes", {{"PUT", ROUTE_REPLACE}}},
    {RESOURCE_ATTRIBUTES, "/api/v2/conversations/*/customattributes/*", {{"GET", ROUTE_READ}}},
    {RESOURCE_CONTACT, "/api/v2/externalcontacts/contacts/enrich", {{"POST", ROUTE_ENRICH}}},
    {RESOURCE_CONTACT, "/api/v2/externalcontacts/bulk/contacts/enrich", {{"POST", ROUTE_BULK}}},
    {RESOURCE_CONTACT,
     "/api/v2/externalcontacts/identifierlookup/contacts",
     {{"POST", ROUTE_LOOKUP}}},
    {RESOURCE_ORGANIZATION,
     "/api/v2/externalcontacts/organizations/enrich",
     {{"POST", ROUTE_ENRICH}}},
    {RESOURCE_ORGANIZATION,
     "/api/v2/externalcontacts/bulk/organizations/enrich",
     {{"POST", ROUTE_BULK}}},
    {RESOURCE_ORGANIZATION,
     "/api/v2/externalcontacts/identifierlookup/organizations",
     {{"POST", ROUTE_LOOKUP}}},
    {RESOURCE_OUTBOUND,
     "/api/v2/outbound/contactlists/*/contacts/*",
     {{"GET", ROUTE_READ}, {"PUT", ROUTE_REPLACE}}},
    {RESOURCE_OUTBOUND, "/api/v2/outbound/contactlists/*/contacts", {{"POST", ROUTE_BULK}}},
};

char *route_decode(struct span text, bool form)
{
    char *out = mem_calloc(text.size + 1, 1);
    size_t size = 0;
    bool ok = true;

    for (size_t i = 0; i < text.size && ok; i++) {
        char byte = text.data[i];

        if (byte == '%') {
            int high = i + 2 < text.size ? str_hex_value(text.data[i + 1]) : -1;
            int low = i + 2 < text.size ? str_hex_value(text.data[i + 2]) : -1;

            ok = high >= 0 && low >= 0 && high + low > 0;
            byte = ok ? (char)(high * 16 + low) : '\0';
            i += 2;
        } else if (byte == '+' && form) {
            byte = ' ';
        }
        out[size++] = byte;
    }
    if (ok && str_utf8_valid((struct span){out, size}) == size)
        return out;
    free(out);
    return NULL;
}

bool route_next_pair(struct span *rest, struct span *name, struct span *value)
{
    const char *end, *equals;
    size_t size;

    if (rest->size == 0)
        return false;
    end = memchr(rest->data, '&', rest->size);
    size = end ? (size_t)(end - rest->data) : rest->size;
    equals = memchr(rest->data, '=', size);
    *name = (struct span){rest->data, equals ? (size_t)(equals - rest->data) : size};
    *value = equals ? (struct span){equals + 1, size - name->size - 1} : (struct span){NULL, 0};
    rest->data += end ? size + 1 : size;
    rest->size -= end ? size + 1 : size;
    return true;
}

/* True for pchars of RFC 3986 section 3.3; other characters must be written as %XX. */
static bool is_segment(struct span segment)
{
    static const char marks[] = "-._~!$&'()*+,;=:@%";

    for (size_t i = 0; i < segment.size; i++) {
        char byte = segment.data[i];

        if (!str_is_letter(byte) && !str_is_digit(byte) && !str_has(marks, byte))
            return false;
    }
    return true;
}

/* Takes "/segment" off the front of path; false when there is none. */
static bool next_segment(struct span *path, struct span *segment)
{
    const char *slash;

    if (path->size == 0 || path->data[0] != '/')
        return false;
    path->data++;
    path->size--;
    slash = memchr(path->data, '/', path->size);
    *segment = (struct span){path->data, slash ? (size_t)(slash - path->data) : path->size};
    path->data += segment->size;
    path->size -= segment->size;
    return true;
}

/* True when path matches the pattern; name gets the segments at '*', data NULL for none. */
static bool path_fits(const char *pattern, struct span path, struct span name[2])
{
    struct span rest = span_of(pattern), want, segment;
    size_t count = 0;

    name[0] = (struct span){NULL, 0};
    name[1] = (struct span){NULL, 0};
    while (next_segment(&rest, &want)) {
        if (!next_segment(&path, &segment))
            return false;
        if (!span_is(want, "*") && !span_is(want, "@")) {
            if (!span_equal(want, segment))
                return false;
        } else if (segment.size == 0 || span_is(segment, ".") || span_is(segment, "..")) {
            return false;
        } else {
            name[span_is(want, "@") ? 1 : count++] = segment;
        }
    }
    return path.size == 0;
}

static bool refuse(struct route *route, unsigned status, const char *problem)
{
    route->kind = ROUTE_OTHER;
    route->status = status;
    route->problem = problem;
    return false;
}

static bool take_name(struct route *route, struct span segment, char **name)
{
    if (!segment.data)
        return true;
    if (is_segment(segment))
        *name = route_decode(segment, false);
    if (!*name)
        return refuse(route, 400, "a path segment is not percent-encoded UTF-8");
    if (strlen(*name) > ROUTE_NAME_MAX)
        return refuse(route, 400, "a path segment is too long");
    /* a gateway would have resolved these */
    if (strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0)
        return refuse(route, 404, NULL);
    return true;
}

void route_find(struct route *route, const char *method, const char *target)
{
    struct span path = span_of(target);
    const char *mark = strchr(target, '?');
    const struct path *found = NULL;
    struct span name[2] = {0};
    size_t size = 0;

    if (mark) {
        path.size = (size_t)(mark - target);
        route->query = span_of(mark + 1);
    }
    for (size_t i = 0; i < sizeof paths / sizeof *paths && !found; i++)
        if (path_fits(paths[i].pattern, path, name))
            found = &paths[i];
    if (!found) {
        refuse(route, 404, "no such path");
        return;
    }
    route->resource = found->resource;
    for (size_t i = 0; i < VERBS_MAX && found->verb[i].method; i++) {
        if (strcmp(found->verb[i].method, method) == 0)
            route->kind = found->verb[i].kind;
        size += (size_t)snprintf(route->allow + size, sizeof route->allow - size, "%s%s",
                                 i ? ", " : "", found->verb[i].method);
    }
    if (take_name(route, name[0], &route->schema) && take_name(route, name[1], &route->id) &&
        route->kind == ROUTE_OTHER)
        refuse(route, 405, NULL);
}

void route_release(struct route *route)
{
    free(route->schema);
    free(route->id);
    *route = (struct route){0};
}

const char *route_name(enum route_kind kind)
{
    static const char *const names[ROUTE_KINDS] = {
        [ROUTE_TOKEN] = "token",     [ROUTE_PUT] = "put",     [ROUTE_GET] = "get",
        [ROUTE_AUDIT] = "audit",     [ROUTE_ERP] = "erp",     [ROUTE_READ] = "read",
        [ROUTE_REPLACE] = "replace", [ROUTE_MERGE] = "merge", [ROUTE_CREATE] = "create",
        [ROUTE_ENRICH] = "enrich",   [ROUTE_BULK] = "bulk",   [ROUTE_LOOKUP] = "lookup",
    };

    return names[kind] ? names[kind] : "other";
}
