/* JSON bodies of answers, read with json-c. */
#pragma once

#include "core/base/str.h"

struct json_object;

enum { BODY_DEPTH_MAX = 64 };

/* Parses the body. NULL when it is anything but one JSON object, or nested deeper than
 * BODY_DEPTH_MAX. The caller puts it (json_object_put). */
struct json_object *body_parse(struct span body);

/* Returns the member of that name if it is a string; else an empty span with data NULL. Valid as
 * long as the object. */
struct span body_string(struct json_object *object, const char *name);
