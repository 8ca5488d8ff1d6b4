/* The compiler's inside: what compile.c, its keywords, graph.c and extension.c share. */
#ifndef ROWFERRY_VALIDATE_COMPILER_H
#define ROWFERRY_VALIDATE_COMPILER_H

#include "core/base/err.h"
#include "core/validate/plan.h"
#include "core/validate/value.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    DRAFT_04 = 1,
    DRAFT_07 = 2,
    DRAFT_2020 = 4,
    SINCE_07 = DRAFT_07 | DRAFT_2020,
    BEFORE_2020 = DRAFT_04 | DRAFT_07,
    DRAFT_ANY = DRAFT_04 | SINCE_07,
};

struct compiler {
    struct schema *schema;
    struct plan *plan;   /* of the schema */
    const char *path;    /* of the file, for messages */
    unsigned draft;      /* one of the above */
    uint32_t node;       /* being compiled */
    const char *keyword; /* being compiled; "" for the node as a whole */
    uint32_t *node_of;   /* per token of the file: its node, or NODE_NONE */
    size_t pointer_size; /* bytes of all nodes' pointers */
    struct buf scratch;  /* of compiler_string */
    struct err *err;
};

/* One line of the table in keywords.c. */
struct keyword {
    const char *name;
    unsigned drafts;
    uint8_t on;    /* what its check looks at; 0 for an annotation */
    uint8_t check; /* enum check_kind */
    /* value: the keyword's value in the plan's tape. False after compiler_refuse. */
    bool (*compile)(struct compiler *c, const struct keyword *keyword, uint32_t value);
};

extern const struct keyword keywords[];
extern const size_t keyword_count;

/* Sets an ERR_CONFIG that begins with the file and the JSON pointer of the keyword being compiled;
 * below is the rest of that pointer ("/1/check") or "". Returns false. */
bool compiler_refuse(struct compiler *c, const char *below, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A token of the schema file. */
const struct json_token *compiler_token(const struct compiler *c, uint32_t index);
struct value compiler_value(const struct compiler *c, uint32_t index);

/* What a string says; valid until the next call. */
struct span compiler_string(struct compiler *c, uint32_t index);

/* The value of an object's member, or 0 where there is none. */
uint32_t compiler_member(struct compiler *c, uint32_t object, const char *name);

/* Queues a schema to be compiled, unless it is already; pointer_tail: where it stands below the
 * node's own pointer. Returns its node. */
uint32_t compiler_add_schema(struct compiler *c, uint32_t token, const char *pointer_tail);

/* The same with a pointer from the root on. */
uint32_t compiler_add_schema_at(struct compiler *c, uint32_t token, struct span pointer);

/* The same for a schema that is applied to the same value as the node being compiled. */
uint32_t compiler_add_branch(struct compiler *c, uint32_t token, const char *pointer_tail);

/* Says that a node is such a schema. */
void compiler_add_link(struct compiler *c, uint32_t to);

/* Adds a check of the keyword's kind to the node being compiled; valid until the next is added. */
struct check *compiler_add_check(struct compiler *c, const struct keyword *keyword, uint32_t value);

/* The object of the node being compiled, made at the first call for any of its keywords. */
struct object *compiler_object(struct compiler *c, const struct keyword *keyword, uint32_t value);

/* Whether a token of the file is of a kind. */
bool compiler_is(const struct compiler *c, uint32_t index, enum json_kind kind);

/* A whole number of 0 or more with at most DECIMAL_SHORT digits; false after compiler_refuse. */
bool compiler_count(struct compiler *c, uint32_t value, uint64_t *count);

/* A regular expression; below: where it stands under the keyword. NULL after compiler_refuse. */
struct pattern *compiler_pattern(struct compiler *c, struct span source, const char *below);

/* Once all nodes are compiled: refuses schemas that apply to a value without end, and finds the
 * types that each node leaves and the properties of the shape. */
bool graph_compile(struct compiler *c);

/* What a string says, as long as the plan lives. */
struct span compiler_own(struct compiler *c, uint32_t index);

/* Members of x-rowferry: extension_csv.c has their form. */
bool extension_columns(struct compiler *c, uint32_t value);
bool extension_formats(struct compiler *c, uint32_t value);
bool extension_csv(struct compiler *c, uint32_t value);

/* `x-rowferry` at the root, once everything else is compiled. */
bool extension_compile(struct compiler *c, uint32_t value);

#endif
