/* The body of a request as a tree of members, built when a description is loaded and written for
 * each job. */
#pragma once

#include "core/target/pointer.h"
#include "core/target/template.h"

#include <stdbool.h>
#include <stdint.h>

enum body_kind {
    BODY_OBJECT,
    BODY_CONSTANT, /* a JSON value with placeholders */
    BODY_TOKEN,    /* of the lock; left out without one */
    BODY_FIELD,    /* the field of that name; left out where the row has none */
    BODY_LIST,     /* an item for each field of the row */
    BODY_MARK,     /* the correlation id */
};

/* A member, with its own name. */
struct body_node {
    enum body_kind kind;
    struct span name, key; /* key: as it is written, with its colon */
    struct body_node *children;
    uint32_t count;
    bool has_fields;          /* of an object: fields without a place of their own are in it */
    bool is_kept;             /* ... and it is written even if it is empty */
    uint32_t place;           /* of BODY_FIELD: which of the form's */
    struct template constant; /* of BODY_CONSTANT; of BODY_LIST: the item */
};

/* A field with a place of its own. */
struct body_place {
    struct span field;
    struct pointer at; /* from the root of the body on */
    struct span path;  /* names of the place from the root of the fields on, with dots */
};

/* What all bodies of a target share. */
struct body_form {
    struct body_place *places;
    uint32_t place_count;
    struct span path; /* of fields without a place of their own, with a dot at its end; or empty */
    bool text;        /* numbers and booleans are written as strings */
    bool reads;       /* the fields have to be taken apart for it */
};

struct body_values {
    struct span fields; /* a JSON object */
    struct span token;  /* JSON text; empty: none */
    struct span mark;   /* text without anything that JSON escapes */
    struct span under;  /* a JSON object that the body is applied over; or empty */
    template_get *get;  /* of constants */
    const void *context;
};

/* Of the values that an item of a BODY_LIST has; get has all others. */
enum { BODY_NAME, BODY_PATH, BODY_VALUE, BODY_VALUES };

/* Memory that is used for one body after another; zeroed is empty. */
struct body_scratch {
    struct json_tape fields, under;
    struct buf name;
};

void body_scratch_release(struct body_scratch *scratch);

void body_release(struct body_node *node);

/* Adds a node at a pointer, with the objects that lead to it. NULL when a node that is not an
 * object is in the way, or when one is at the pointer already; an object that is there already is
 * returned if an object is to be added. */
struct body_node *body_add(struct body_node *root, const struct pointer *at, enum body_kind kind);

/* Returns the node at the pointer, or at the first part of it that is not an object; or NULL. */
const struct body_node *body_find(const struct body_node *root, const struct pointer *at);

/* Appends the body. */
void body_write(const struct body_node *root, const struct body_form *form,
                const struct body_values *values, struct body_scratch *scratch, struct buf *out);

/* Appends a JSON value, with `text` as a string if it is a number or a boolean. */
void body_write_value(struct buf *out, const struct json_token *token, const char *from, bool text);
