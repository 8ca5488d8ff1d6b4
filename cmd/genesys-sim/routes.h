/* Method and target (RFC 9112 section 3.2.1) to the kind of request. */
#pragma once

#include "core/base/str.h"

#include <stdbool.h>

enum route_kind {
    ROUTE_OTHER, /* answered with route.status */
    ROUTE_TOKEN,
    ROUTE_PUT,
    ROUTE_GET,
    ROUTE_AUDIT,
    ROUTE_ERP,
    ROUTE_READ, /* from here on: of other resources */
    ROUTE_REPLACE,
    ROUTE_MERGE,
    ROUTE_CREATE,
    ROUTE_ENRICH,
    ROUTE_BULK,
    ROUTE_LOOKUP,
    ROUTE_SIM_STATS, /* from here on: control requests, not part of the API */
    ROUTE_SIM_READ,
    ROUTE_SIM_WRITE,
    ROUTE_SIM_REVOKE,
    ROUTE_SIM_CONFIG,
    ROUTE_KINDS
};

/* The resources that are not records of a custom object. */
enum resource_kind {
    RESOURCE_NONE,
    RESOURCE_VERSION,
    RESOURCE_ETAG,
    RESOURCE_PLAIN,
    RESOURCE_USER,
    RESOURCE_GROUP,
    RESOURCE_ROW,
    RESOURCE_ATTRIBUTES,
    RESOURCE_CONTACT,
    RESOURCE_ORGANIZATION,
    RESOURCE_OUTBOUND,
    RESOURCE_KINDS
};

/* `rest-etag`, and what it is. */
const char *route_resource_name(enum resource_kind kind);
const char *route_resource_help(enum resource_kind kind);

enum { ROUTE_NAME_MAX = 512 }; /* bytes of a schema name or a record id, decoded */

/* schema and id are decoded and owned; query points into the target, without the '?'. schema of a
 * resource: the table, list or conversation that it is in, or NULL. */
struct route {
    enum route_kind kind;
    enum resource_kind resource;
    unsigned status;     /* ROUTE_OTHER: 400, 404 or 405 */
    const char *problem; /* ROUTE_OTHER: why, or NULL */
    char allow[24];      /* the path's methods */
    char *schema;
    char *id;
    struct span query;
};

/* Fills in route, which is zeroed; each path segment is decoded by itself, once. */
void route_find(struct route *route, const char *method, const char *target);

void route_release(struct route *route);

/* `token`, `put`, `get`, `audit`, `erp`, `read`, `replace`, `merge`, `create`, `enrich`, `bulk`,
 * `lookup`, `other`; control requests are `other` too. */
const char *route_name(enum route_kind kind);

/* Decodes %XX, and '+' as a space when form is set. The caller frees the result. NULL when an
 * escape is malformed, or the result holds NUL or is not UTF-8. */
char *route_decode(struct span text, bool form);

/* Takes the next `name=value` from a query or form body, still encoded. False at its end. */
bool route_next_pair(struct span *rest, struct span *name, struct span *value);
