/* What a schema file compiles into: flat arrays that refer to each other by index. A node is a
 * (sub)schema, a run of checks; a check is one assertion, which looks at some kinds of values and
 * holds its operand ready. Built by compile.c, walked by check.c, constant in between. */
#ifndef ROWFERRY_VALIDATE_PLAN_H
#define ROWFERRY_VALIDATE_PLAN_H

#include "core/row/json.h"
#include "core/row/row.h"
#include "core/validate/decimal.h"
#include "core/validate/pattern.h"
#include "core/validate/rules.h"

#include <stdbool.h>
#include <stdint.h>

enum check_kind {
    CHECK_NEVER, /* the schema `false` */
    CHECK_TYPE,
    CHECK_ENUM,
    CHECK_CONST,
    CHECK_MINIMUM,
    CHECK_MAXIMUM,
    CHECK_EXCLUSIVE_MINIMUM,
    CHECK_EXCLUSIVE_MAXIMUM,
    CHECK_MULTIPLE_OF,
    CHECK_MIN_LENGTH,
    CHECK_MAX_LENGTH,
    CHECK_PATTERN,
    CHECK_OBJECT, /* properties, required and additionalProperties: one pass over the members */
    CHECK_KINDS,
};

/* The kinds of values that a check looks at; others pass it. */
enum {
    ON_NUMBERS = 1 << JSON_NUMBER,
    ON_STRINGS = 1 << JSON_STRING,
    ON_ARRAYS = 1 << JSON_ARRAY,
    ON_OBJECTS = 1 << JSON_OBJECT,
    ON_ALL = (1 << (JSON_OBJECT + 1)) - 1,
};

struct check {
    uint8_t kind;   /* enum check_kind */
    uint8_t on;     /* set of the above */
    uint32_t token; /* the keyword's value in the plan's tape */
    union {
        unsigned types;          /* set of enum row_type */
        uint64_t count;          /* a length */
        struct decimal number;   /* points into the plan's text */
        struct pattern *pattern; /* closed by the plan */
        uint32_t object;         /* of the plan's objects */
    } with;
};

struct node {
    uint32_t token; /* the schema in the plan's tape */
    uint32_t first_check, check_count;
    unsigned types;      /* set of enum row_type; ROW_ANY without `type` */
    const char *pointer; /* JSON pointer of the schema, "" of the root */
};

/* What an index is that means none. */
#define NODE_NONE   UINT32_MAX
#define MEMBER_NONE UINT32_MAX

struct member {
    struct span name; /* decoded */
    uint64_t hash;
    uint32_t node; /* NODE_NONE where `required` alone names it */
    bool required;
};

/* Members that `properties` declares come first, in its order; then those that `required` alone
 * names. */
struct object {
    struct member *members;
    uint32_t count, declared_count, required_count;
    uint32_t *table;     /* open addressing: index of a member, or MEMBER_NONE */
    uint32_t table_size; /* a power of 2, more than twice count */
    uint32_t order_at;   /* members of the objects before this one */
    uint32_t node;       /* the schema it belongs to */
    uint32_t additional; /* node of other members, or NODE_NONE */
    bool closed;         /* additionalProperties: false */
};

struct plan {
    char *text; /* the schema file; terminated */
    size_t text_size;
    struct json_tape tape;
    struct node *nodes; /* nodes[0] is the root */
    struct check *checks;
    struct object *objects;
    uint32_t node_count, node_capacity;
    uint32_t check_count, check_capacity;
    uint32_t object_count, object_capacity;
    uint32_t member_count; /* of all objects */
    void **owned;          /* memory that lives as long as the plan */
    size_t owned_count, owned_capacity;
};

struct schema {
    char *name;
    char hash[33];
    struct plan plan;
    struct row_property *properties;
    struct row_shape shape;
    struct rules *rules; /* NULL without any */
};

void plan_release(struct plan *plan);

/* Hands memory to the plan, which frees it; returns it. */
void *plan_own(struct plan *plan, void *memory);

/* Each appends one, zeroed, and returns its index; pointers into that array are then stale. */
uint32_t plan_add_node(struct plan *plan);
uint32_t plan_add_check(struct plan *plan);
uint32_t plan_add_object(struct plan *plan);

/* The index of the member of that name, added if it is not there. */
uint32_t object_add(struct plan *plan, struct object *object, struct span name);

/* The index of the member of that name, or MEMBER_NONE. */
uint32_t object_find(const struct object *object, struct span name);

/* The root's object, or NULL where the root says nothing about members. */
const struct object *plan_root_object(const struct plan *plan);

#endif
