/* A target: which resource the rows of a schema file update, and how. It builds the requests and
 * reads the answers (docs/targets.md). Constant once it is open, so threads can share it. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/target/body.h"
#include "core/target/description.h"
#include "core/target/kind.h"

#include <stdbool.h>
#include <stdint.h>

struct target;

enum { TARGET_HEADERS = DESCRIPTION_HEADERS + 2 };

/* Sets where parameters `{"env": ...}` come from, once, before the first target is opened. Without
 * it there is no environment. */
void target_set_environment(const char *(*environment)(const char *name));

/* Opens the target of a description, which is the value at a token: the name of a preset, or an
 * object. tape NULL: the guide's. properties: the names of the schema file's. NULL with *fault. The
 * caller closes it. */
struct target *target_open(const char *text, const struct json_tape *tape, uint32_t token,
                           const struct span *properties, size_t property_count,
                           struct description_fault *fault);
void target_close(struct target *target);

/* The guide's target, as far as it does not depend on a schema file. Valid for ever. */
const struct target *target_guide(void);

/* Returns the name of a target for the database; NULL for the guide's as it is: it needs no schema
 * file. */
const char *target_own_name(const struct target *target);

/* Returns the parameters that columns fill, in the order of the record id's parts, for the
 * database: a JSON array of pairs, `[["shop","store"]]`, or `[]`. */
const char *target_columns(const struct target *target);

/* Checks that the record ids of a batch are made of what the target has now. False with ERR_CONFIG,
 * which names the schema file and the batch. */
bool target_check_parts(const struct target *target, struct span schema,
                        const struct target_parts *parts, struct err *err);

/* Returns what cannot be known or prevented with the lock of a target, for people; NULL: with a
 * step, nothing. */
const char *target_limit(const struct target *target);

/* Returns how many rows one request takes at most, 1 where the target has no bulk requests. */
uint32_t target_request_rows(const struct target *target);

/* What of a description other parts of the program decide by. */
const struct description *target_description(const struct target *target);

/* Whether a write is built on the record whatever the lock: something of it goes back. With a step,
 * a version that a row brings means that the row has all of the record. A bulk request leaves alone
 * what goes back with other writes. */
bool target_reads_first(const struct target *target, bool replaces);

/* What a request is made of. */
struct target_row {
    struct span schema, record_id, fields; /* fields: a JSON object */
    struct span tags;                      /* a JSON array */
    struct span source;
    struct span token;                /* as it was read, or the digits of a version; or empty */
    struct span under;                /* what goes back of the record that was read; or empty */
    const unsigned char *correlation; /* 16 bytes */
};

/* Memory that is used for one request or answer after another; zeroed is empty. */
struct target_scratch {
    struct body_scratch body;
    struct json_tape tape;
    struct buf parts, name, token, fields, under;
};

void target_scratch_release(struct target_scratch *scratch);

/* TARGET_SEVERAL: an update of several records, whose body is an item of the list. */
enum target_request { TARGET_WRITE_IT, TARGET_CREATE_IT, TARGET_READ_IT, TARGET_SEVERAL };

/* Appends path and body of a request, and sets its method. False when the record id does not have
 * the parts that the target needs. */
bool target_request(const struct target *target, enum target_request request,
                    const struct target_row *row, struct target_scratch *scratch,
                    enum target_method *method, struct buf *path, struct buf *body);

/* Appends what {id} of a record is: the last part of its id, decoded. False when the record id does
 * not have the parts that the target needs. */
bool target_own_id(const struct target *target, struct span record_id,
                   struct target_scratch *scratch, struct buf *out);

/* A header field of a request; texts live as long as target and scratch. */
struct target_header {
    const char *name, *value;
};

/* Fills the header fields of a request, and ends them with one without a name. *content_type: of
 * the body, where the description names one; else as it was. */
void target_headers(const struct target *target, enum target_request request, struct span token,
                    struct target_scratch *scratch, struct target_header headers[TARGET_HEADERS],
                    const char **content_type);

/* Appends the path that asks the audit log about records. Only of a target that has one. */
void target_audit_path(const struct target *target, struct span schema, const struct span *ids,
                       size_t id_count, struct buf *path);

/* A record in an answer. What is not there is empty. */
struct target_record {
    struct span token;  /* JSON text, or a header field's value */
    struct span mark;   /* text; valid until the scratch is used again */
    bool has_fields;    /* an object with fields, which can be empty */
    struct span fields; /* a JSON object of the schema file's properties by name, in the body or in
                           the scratch */
    struct span under;  /* what goes back with a write; in the scratch */
};

/* Reads a record. answer: of a write, whose token can be in another place. header: the value of the
 * field that target_token_header names, or empty. False when the body is not a JSON object by the
 * scanner of rows, which is strict and limits depth. */
bool target_read(const struct target *target, bool answer, struct span body, struct span header,
                 bool replaces, struct target_scratch *scratch, struct target_record *record);

/* Returns the name of the header field that has the token of an answer; NULL: none has. */
const char *target_token_header(const struct target *target, bool answer);

/* True of two tokens that are the same, of which none is empty. A weak ETag is the same as a strong
 * one with its text. */
bool target_same_token(struct span a, struct span b);

/* Returns `fields` as they are compared with a record: without those that the description says to
 * ignore, and as texts where the target has only texts. In the scratch, or as they are. */
struct span target_comparable(const struct target *target, struct span fields,
                              struct target_scratch *scratch);

/* The code of an error whose body is not JSON, where the target's answers of that status differ by
 * code. */
#define TARGET_UNREADABLE "(unreadable)"

/* True where the target's answers of that status differ by code. */
bool target_needs_code(const struct target *target, long status);

/* Returns what the description says about an answer with that status and code. */
enum target_answer target_answer_of(const struct target *target, long status, const char *code);
