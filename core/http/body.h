/* Bodies of answers that are read for what they say, not copied: through json-c. */
#ifndef ROWFERRY_HTTP_BODY_H
#define ROWFERRY_HTTP_BODY_H

#include "core/base/str.h"

struct json_object;

enum { BODY_DEPTH_MAX = 64 };

/* The JSON object that the body is, all of it; NULL when it is anything else, or nested deeper than
 * BODY_DEPTH_MAX. The caller puts it (json_object_put). */
struct json_object *body_parse(struct span body);

/* The member of that name where it is a string; else an empty span with data NULL. Valid as long as
 * the object. */
struct span body_string(struct json_object *object, const char *name);

#endif
