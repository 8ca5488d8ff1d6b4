/* Inside core/api only: values that several answers and paths have in common. */
#ifndef ROWFERRY_API_MEMBER_H
#define ROWFERRY_API_MEMBER_H

#include "core/api/record.h"
#include "core/base/buf.h"
#include "core/row/json.h"

/* A whole number from 0 on, by value: 6, 6.0 and 60e-1 are the same JSON number. */
bool member_version(const struct json_token *token, const char *text, int64_t *version);

/* Reads what a server shows as the id of an update. */
void member_id(struct span text, struct api_id *id);

/* Appends text percent-encoded but for RFC 3986's unreserved characters. */
void member_encode(struct buf *out, struct span text);

/* Appends `{api}/api/v2/customobjects/schemas/{schema}/records/`. */
void member_records_url(struct buf *out, const char *api_url, struct span schema);

#endif
