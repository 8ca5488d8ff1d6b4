/* Custom object records on the wire: paths, bodies and answers (docs/api.md). */
#ifndef ROWFERRY_API_RECORD_H
#define ROWFERRY_API_RECORD_H

#include "core/base/buf.h"
#include "core/row/json.h"

#include <stdbool.h>
#include <stdint.h>

/* Appends `{api}/api/v2/customobjects/schemas/{schema}/records/`, the schema encoded. */
void api_records_url(struct buf *out, const char *api_url, struct span schema);

/* Appends the URL of a record: api_records_url and the id, encoded as one path segment. */
void api_record_url(struct buf *out, const char *api_url, struct span schema, struct span id);

/* Appends the update body. fields: a JSON object, copied byte by byte. tags: a JSON array.
 * correlation: 16 bytes of a UUID. */
void api_update_body(struct buf *out, int64_t version, struct span fields, struct span tags,
                     const char *source, const unsigned char correlation[16]);

/* The id of an update as a server shows it; zeroed: none. */
struct api_id {
    bool has_bytes; /* the 32 hexadecimal digits of a UUID, whatever is around and between them */
    bool is_uuid;   /* ... and written as RFC 9562 section 4 says, in upper or lower case */
    unsigned char bytes[16];
};

/* Reads what a server shows as the id of an update. */
void api_read_id(struct span text, struct api_id *id);

enum api_owner { API_OWNER_UNKNOWN, API_OURS, API_ANOTHERS };

/* Returns whose update an id names. The digits of our own id cannot be there by chance, so they
 * count in any form (braces, urn:uuid:, blanks, without hyphens). Only a complete UUID that differs
 * is API_ANOTHERS: anything else can be what a server made of ours. The nil and the max UUID mean
 * 'none' (RFC 9562 sections 5.9 and 5.10), and are unknown. */
enum api_owner api_owner(const struct api_id *id, const unsigned char correlation[16]);

/* Reads a whole number from 0 on by its value: 6, 6.0 and 60e-1 are the same JSON number. False for
 * anything else. */
bool api_read_version(const struct json_token *token, const char *text, int64_t *version);

/* A record in the answer to a GET or a PUT. What is not there is zero. */
struct api_record {
    bool has_version;
    int64_t version;
    struct api_id id;
    bool has_fields;    /* a `fields` object, which may be empty */
    struct span fields; /* JSON text within the body, as the server wrote it; or empty */
};

/* Reads a record. False when the body is not a JSON object by the scanner of rows, which is strict
 * and limits depth and size. */
bool api_read_record(struct span body, struct api_record *record);

#endif
