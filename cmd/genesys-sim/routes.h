/* Method and target (RFC 9112 section 3.2.1) to the kind of request. */
#ifndef GENESYS_SIM_ROUTES_H
#define GENESYS_SIM_ROUTES_H

#include "core/base/str.h"

#include <stdbool.h>

enum route_kind {
    ROUTE_OTHER, /* answered with route.status */
    ROUTE_TOKEN,
    ROUTE_PUT,
    ROUTE_GET,
    ROUTE_AUDIT,
    ROUTE_ERP,
    ROUTE_SIM_STATS, /* from here on: control requests, not part of the API */
    ROUTE_SIM_READ,
    ROUTE_SIM_WRITE,
    ROUTE_SIM_REVOKE,
    ROUTE_SIM_CONFIG,
    ROUTE_KINDS
};

enum { ROUTE_NAME_MAX = 512 }; /* bytes of a schema name or a record id, decoded */

/* schema and id are decoded and owned; query points into the target, without the '?'. */
struct route {
    enum route_kind kind;
    unsigned status;     /* ROUTE_OTHER: 400, 404 or 405 */
    const char *problem; /* ROUTE_OTHER: why, or NULL */
    const char *allow;   /* the path's methods, or NULL */
    char *schema;
    char *id;
    struct span query;
};

/* Fills in route, which is zeroed; each path segment is decoded by itself, once. */
void route_find(struct route *route, const char *method, const char *target);

void route_release(struct route *route);

/* `token`, `put`, `get`, `audit`, `erp`, `other`; control requests are `other` too. */
const char *route_name(enum route_kind kind);

/* Decodes %XX, and '+' as a space when form is set. The caller frees the result. NULL when an
 * escape is malformed, or the result holds NUL or is not UTF-8. */
char *route_decode(struct span text, bool form);

/* Takes the next `name=value` from a query or form body, still encoded. False at its end. */
bool route_next_pair(struct span *rest, struct span *name, struct span *value);

#endif
