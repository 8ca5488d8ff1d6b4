/* Records in answers, and whose updates they show (docs/api.md). */
#pragma once

#include "core/target/target.h"

#include <stdbool.h>
#include <stdint.h>

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

/* Reads a whole number from 0 on, as JSON text, by its value: 6, 6.0 and 60e-1 are the same JSON
 * number. False for anything else. */
bool api_read_version(struct span json, int64_t *version);

/* A record in an answer. What is not there is zero. */
struct api_record {
    bool has_version; /* the token is a version */
    int64_t version;
    struct span token; /* of the lock: JSON text, or a header field's value; or empty */
    struct api_id id;
    bool has_fields; /* an object with fields, which may be empty */
    struct span
        fields;        /* JSON text, as the server wrote it; in the body or the scratch; or empty */
    struct span under; /* what goes back with a write (target.h); in the scratch; or empty */
};

/* How a record is read. */
struct api_view {
    const struct target *target;
    bool is_answer;     /* ... to a write; else to a read */
    bool replaces;      /* a write of the schema replaces fields */
    struct span header; /* the header field that has the token, or empty */
};

/* Reads a record. False when the body is not a JSON object by the scanner of rows, which is strict
 * and limits depth and size. */
bool api_read_record(const struct api_view *view, struct span body, struct target_scratch *scratch,
                     struct api_record *record);

/* Appends what a record that was read lacks to be of use, and where it was looked for: `the token
 * of the lock at "/version"`. False when it lacks nothing. */
bool api_record_lack(const struct target *target, const struct api_record *record, struct buf *out);
