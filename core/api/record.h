/* Custom object records on the wire: paths, payloads and answers, as the API's documentation has
 * them. */
#ifndef ROWFERRY_API_RECORD_H
#define ROWFERRY_API_RECORD_H

#include "core/base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { API_BODY_MAX = 512000 }; /* bytes of a request body that the platform takes */

/* Appends `{api}/api/v2/customobjects/schemas/{schema}/records/{id}`, both percent-encoded as one
 * path segment (RFC 3986: everything but unreserved characters). */
void api_record_url(struct buf *out, const char *api_url, struct span schema, struct span id);

/* Appends the update body. fields: a JSON object, copied byte by byte. tags: a JSON array.
 * correlation: 16 bytes of a UUID. */
void api_update_body(struct buf *out, int64_t version, struct span fields, struct span tags,
                     const char *source, const unsigned char correlation[16]);

/* The id of an update as a server shows it; zeroed: it shows none. */
struct api_id {
    bool has_bytes; /* the 32 hexadecimal digits of a UUID, whatever is around and between them */
    bool is_uuid;   /* ... and written as RFC 9562 section 4 says, in upper or lower case */
    unsigned char bytes[16];
};

enum api_owner { API_OWNER_UNKNOWN, API_OURS, API_ANOTHERS };

/* Whose update an id names. The digits of our own id cannot be there by chance, so they count in
 * any form (braces, urn:uuid:, blanks, without hyphens). Only a complete UUID that differs is
 * another's: anything else may be what a server made of ours. So are the nil and the max UUID,
 * which stand for 'none' (RFC 9562 sections 5.9 and 5.10). */
enum api_owner api_owner(const struct api_id *id, const unsigned char correlation[16]);

/* A record as a GET or a PUT answered it. What is not there is zero. */
struct api_record {
    bool has_version;
    int64_t version;
    struct api_id id;
    bool has_fields;    /* a `fields` object, which may be empty */
    struct span fields; /* JSON text within the body, as the server wrote it; or empty */
};

/* Reads a record. False when the body is no JSON object (the row scanner is the judge: strict,
 * depth and size limited). */
bool api_read_record(struct span body, struct api_record *record);

/* True when every member of `ours` is in `theirs` with an equal JSON value: numbers by decimal
 * value, objects regardless of order. Both are JSON objects. */
bool api_fields_within(struct span ours, struct span theirs);

/* Appends `theirs` with the members of `ours` in place of, or behind, its own: values and digits as
 * both sides wrote them. Both are JSON objects; theirs may be empty. */
void api_fields_merge(struct buf *out, struct span ours, struct span theirs);

/* Tells the names of the members in which the two differ, decoded: first those of ours, then those
 * that only theirs has. Numbers are equal by value. */
void api_fields_differing(struct span ours, struct span theirs,
                          void (*visit)(void *context, struct span name), void *context);

/* One error that the server names. Texts are cut to their arrays. */
struct api_violation {
    char field[256];
    char code[128];
    char message[512];
};

enum { API_VIOLATIONS_MAX = 100 };

/* An error body, taken apart as far as it can be; every member is optional and a gateway's HTML
 * gives code "" and a message that says so. */
struct api_fault {
    char code[128];
    char message[512]; /* never empty */
    bool has_version;  /* a 409 that carries the server's version */
    int64_t version;
    int64_t retry_after_ms; /* `Retry the request in [N] seconds` in the message; -1 without */
    size_t violation_count;
    struct api_violation
        violations[API_VIOLATIONS_MAX]; /* validationErrors, else details, errors */
};

void api_read_fault(struct span body, long status, struct api_fault *fault);

#endif
