/* Resources with other locks than that of custom objects: an opaque version in the body, an ETag,
 * none; records that a POST or a PUT creates. Their records are in sim->records, under schemas of
 * their own. */
#pragma once

#include "cmd/genesys-sim/sim.h"

#include <json-c/json.h>

/* Appends the schema of the resource in a table, list, conversation or source: `rest-etag`,
 * `genesys-datatable-rows/TABLE`. */
void resource_schema(struct buf *out, enum resource_kind kind, const char *table);

/* Answer GET; PUT, PATCH and POST of one record. */
void resource_read(struct sim *sim, struct request *request);
void resource_write(struct sim *sim, struct request *request);

/* Writes one document of a bulk request like a PUT of it. Returns its result, which the caller
 * puts:
 * {"id", "status", "record" or "error"}. */
struct json_object *resource_write_item(struct sim *sim, struct request *request,
                                        struct json_object *item);

/* Parses the JSON body of a request; the caller puts it. NULL, with the answer, if it is not JSON,
 * too large, or not of the type. */
struct json_object *resource_body(struct request *request, enum json_type type);

/* Sets the content of a record and writes the ledger: sent is what came, in the form that the
 * record has, content what it is now. False: the ledger could not be written. */
bool resource_apply(struct sim *sim, struct request *request, const char *schema, const char *id,
                    struct json_object *sent, struct json_object *content);

/* Returns the content of a record, which the caller puts; NULL if it does not exist. Of a record
 * that was neither seeded nor written: {} where such records exist. */
struct json_object *resource_content(const struct sim *sim, enum resource_kind kind,
                                     const char *schema, const char *id, int64_t at_ms);

/* True for an object whose values are texts. */
bool resource_are_texts(struct json_object *object);

/* The text of a value, until the value is put. */
const char *resource_text(struct json_object *value);
