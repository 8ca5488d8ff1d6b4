/* The compilation of one schema file: its state, and what the parts of the compiler share. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/validate/plan.h"
#include "core/validate/value.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    DRAFT_04 = 1,
    DRAFT_06 = 2,
    DRAFT_07 = 4,
    DRAFT_2019 = 8,
    DRAFT_2020 = 16,
    SINCE_2019 = DRAFT_2019 | DRAFT_2020,
    SINCE_07 = DRAFT_07 | SINCE_2019,
    SINCE_06 = DRAFT_06 | SINCE_07,
    BEFORE_2019 = DRAFT_04 | DRAFT_06 | DRAFT_07,
    BEFORE_2020 = BEFORE_2019 | DRAFT_2019,
    DRAFT_ANY = DRAFT_04 | SINCE_06,
};

/* A part of the file with an address of its own (2020-12 core, section 4.3.5); the first one is the
 * file. */
struct resource {
    const char *uri; /* without a fragment, relative if `$id` is; owned by the plan */
    uint32_t node;   /* its root */
    unsigned draft;  /* one of the above */
};

/* A schema that a fragment names. */
struct anchor {
    const char *name; /* owned by the plan; "" of $recursiveAnchor */
    uint32_t resource, node;
    bool dynamic; /* $dynamicAnchor, $recursiveAnchor */
};

/* A $ref, which is resolved when the schemas of the file are known. */
struct reference {
    const char *keyword;
    uint32_t node;  /* with the $ref */
    uint32_t check; /* to fill in */
    uint32_t value; /* the token with the target */
};

/* The origin of a node. */
struct origin {
    uint32_t resource; /* that it belongs to, or begins */
    bool is_inside;    /* it has the keywords of a node that enters its resource */
};

struct compiler {
    struct schema *schema;
    struct plan *plan;      /* of the schema */
    const char *path;       /* of the file, for messages */
    unsigned draft;         /* one of the above */
    uint32_t node;          /* being compiled */
    uint32_t resource;      /* of that node */
    const char *keyword;    /* being compiled; "" for the node as a whole */
    uint32_t *node_of;      /* per token of the file: its node, or NODE_NONE */
    size_t pointer_size;    /* bytes of all nodes' pointers */
    struct list resources;  /* struct resource */
    struct list anchors;    /* struct anchor */
    struct list references; /* struct reference */
    struct list origins;    /* struct origin, one per node */
    bool is_dynamic;        /* the file has $dynamicRef or $recursiveRef */
    bool is_evaluated;      /* the file has unevaluatedItems or unevaluatedProperties */
    struct buf scratch;     /* of compiler_string */
    struct err *err;
};

/* A keyword of some drafts; keywords.c has the table. */
struct keyword {
    const char *name;
    unsigned drafts;
    uint8_t on;    /* the kinds of values that its check looks at; 0 for an annotation */
    uint8_t check; /* enum check_kind */
    /* value: the keyword's value in the plan's tape. False after compiler_refuse. */
    bool (*compile)(struct compiler *c, const struct keyword *keyword, uint32_t value);
};

/* Sets an ERR_CONFIG that begins with the file and the JSON pointer of the keyword being compiled;
 * below is the rest of that pointer ("/1/check") or "". Returns false. */
bool compiler_refuse(struct compiler *c, const char *below, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Returns a token of the schema file. */
const struct json_token *compiler_token(const struct compiler *c, uint32_t index);
struct value compiler_value(const struct compiler *c, uint32_t index);
bool compiler_is(const struct compiler *c, uint32_t index, enum json_kind kind);

/* Returns the text of a string, valid until the next call; data NULL for any other value. */
struct span compiler_string(struct compiler *c, uint32_t index);

/* Returns the text of a string, valid as long as the plan. */
struct span compiler_own(struct compiler *c, uint32_t index);

/* Returns the value of a member of an object, or 0 if it is missing. */
uint32_t compiler_member(struct compiler *c, uint32_t object, const char *name);

/* Returns the value of a keyword next to the one being compiled, or 0 if it is missing. */
uint32_t compiler_sibling(struct compiler *c, const char *keyword);

/* The loop over the members of an object: `for (i = object + 1; i < compiler_end(c, object); i =
 * compiler_next(c, i))` has i on each name, and i + 1 is the value. */
uint32_t compiler_end(const struct compiler *c, uint32_t container);
uint32_t compiler_next(const struct compiler *c, uint32_t name);

/* True if the schema has a $ref in a draft before 2019-09, where other keywords next to it mean
 * nothing. */
bool compiler_is_reference(struct compiler *c, uint32_t token);

/* Reads a whole number of 0 or more with at most DECIMAL_SHORT digits; false after
 * compiler_refuse. */
bool compiler_count(struct compiler *c, uint32_t value, uint64_t *count);

/* Compiles a regular expression; below: where it is under the keyword. NULL after
 * compiler_refuse. */
struct pattern *compiler_pattern(struct compiler *c, struct span source, const char *below);

/* Reads `$schema`; false after compiler_refuse. */
bool compiler_read_draft(struct compiler *c, uint32_t value, unsigned *draft);

/* Returns the name of a draft for messages. */
const char *compiler_draft_name(unsigned draft);

/* Queues a schema to be compiled, unless it is queued already, and returns its node. pointer_tail:
 * its place below the pointer of the node being compiled. */
uint32_t compiler_add_schema(struct compiler *c, uint32_t token, const char *pointer_tail);

/* The same with a pointer from the root on. */
uint32_t compiler_add_schema_at(struct compiler *c, uint32_t token, struct span pointer);

/* The same for a schema that is applied to the same value as the node being compiled. */
uint32_t compiler_add_branch(struct compiler *c, uint32_t token, const char *pointer_tail);

/* Notes that node `to` is applied to the same value as node `from`. */
void compiler_add_link(struct compiler *c, uint32_t from, uint32_t to);

/* Adds a node for the keywords of the one being compiled, which itself enters its resource. */
uint32_t compiler_add_inside(struct compiler *c, uint32_t token);

/* Returns the property of the shape with that name, or NULL. */
const struct row_property *compiler_property(const struct compiler *c, struct span name);

/* Adds a check of the keyword's kind to the node being compiled; valid until the next is added. */
struct check *compiler_add_check(struct compiler *c, const struct keyword *keyword, uint32_t value);

/* Returns the object of the node being compiled, which the first of its keywords makes. */
struct object *compiler_object(struct compiler *c, const struct keyword *keyword, uint32_t value);
