/* The audit log of a record, which tells whose each of its versions is. */
#ifndef ROWFERRY_API_AUDIT_H
#define ROWFERRY_API_AUDIT_H

#include "core/base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* Appends `{api}/api/v2/customobjects/schemas/{schema}/records/auditlogs?entityIds={id}&...` for a
 * page from 1 on. One record a request: a comma between ids cannot be told from one inside. */
void api_audit_url(struct buf *out, const char *api_url, struct span schema, struct span id,
                   int64_t page);

/* What one page says of one version of one record. */
struct api_audit {
    bool has_entry; /* it is there */
    bool is_ours;   /* ... with this correlation id */
    bool has_more;  /* there are more pages */
};

/* False when the body is no page of the audit log. */
bool api_read_audit(struct span body, struct span id, int64_t version,
                    const unsigned char correlation[16], struct api_audit *audit);

#endif
