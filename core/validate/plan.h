/* A compiled schema file: flat arrays that refer to each other by index. A node is a (sub)schema, a
 * run of checks; a check is one assertion about some kinds of values, with its operand. Built by
 * compile.c, read by checker.c. */
#pragma once

#include "core/row/json.h"
#include "core/row/row.h"
#include "core/target/target.h"
#include "core/validate/decimal.h"
#include "core/validate/format.h"
#include "core/validate/pattern.h"
#include "core/validate/rules.h"

#include <stdbool.h>
#include <stdint.h>

enum check_kind {
    CHECK_NEVER, /* the schema `false` */
    CHECK_TYPE,
    CHECK_INTEGER_04, /* `type` of draft-04, where 5.0 is not an integer */
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
    CHECK_FORMAT,
    CHECK_PREFIX, /* the first items, with a schema each */
    CHECK_ITEMS,  /* the items after those */
    CHECK_CONTAINS,
    CHECK_MIN_ITEMS,
    CHECK_MAX_ITEMS,
    CHECK_UNIQUE,
    CHECK_OBJECT, /* properties, patternProperties, required and additionalProperties: one pass over
                     the members */
    CHECK_PROPERTY_NAMES,
    CHECK_MIN_PROPERTIES,
    CHECK_MAX_PROPERTIES,
    CHECK_DEPENDENT, /* dependentRequired, dependentSchemas, dependencies */
    CHECK_REF,
    CHECK_ENTER,   /* the schema of another resource */
    CHECK_DYNAMIC, /* $dynamicRef, $recursiveRef: the schema depends on the resources entered */
    CHECK_ALL_OF,
    CHECK_ANY_OF,
    CHECK_ONE_OF,
    CHECK_NOT,
    CHECK_IF,
    CHECK_UNEVALUATED_ITEMS, /* items that no other check of the value evaluates */
    CHECK_UNEVALUATED_PROPERTIES,
    CHECK_KINDS,
};

/* The kinds of values that a check applies to; others pass it. */
enum {
    ON_NUMBERS = 1 << JSON_NUMBER,
    ON_STRINGS = 1 << JSON_STRING,
    ON_ARRAYS = 1 << JSON_ARRAY,
    ON_OBJECTS = 1 << JSON_OBJECT,
    ON_ALL = (1 << (JSON_OBJECT + 1)) - 1,
};

/* A part of one of the plan's lists. */
struct run {
    uint32_t first, count;
};

struct check {
    uint8_t kind;        /* enum check_kind */
    uint8_t on;          /* set of the above */
    uint32_t token;      /* the keyword's value in the plan's tape */
    const char *keyword; /* for violations; constant text */
    union {
        unsigned types;          /* set of enum row_type */
        uint64_t count;          /* a length */
        struct decimal number;   /* points into the plan's text */
        struct pattern *pattern; /* closed by the plan */
        uint32_t object;         /* of the plan's objects */
        uint32_t node;           /* the one schema */
        struct run nodes;        /* of the plan's branches: the schemas */
        struct run targets;      /* of the plan's targets; the first one applies if no
                                    resource that was entered has another */
        struct {
            const struct format *is; /* of the table in format.c */
            struct pattern *pattern; /* NULL: it has none; closed by the plan */
        } format;
        struct {
            uint32_t node, resource;
        } enter;
        struct {
            uint32_t node, from; /* the schema of the items from that index on */
        } items;
        struct {
            uint32_t node;
            bool least_given, most_given; /* by minContains, maxContains */
            bool evaluates;               /* items that fit count as evaluated */
            uint64_t least, most;
        } contains;
        struct {
            uint32_t node, owner; /* the schema of the rest, and the one with this keyword */
        } unevaluated;
        struct {
            uint32_t when, then, otherwise; /* NODE_NONE: none */
        } choice;
        struct {
            uint32_t object;         /* with the names */
            struct run dependencies; /* of the plan's dependencies */
        } dependent;
    } with;
};

struct node {
    uint32_t token; /* the schema in the plan's tape */
    uint32_t first_check, check_count;
    const char *pointer; /* JSON pointer of the schema, "" of the root */
    const char *keyword; /* that it is the value of; constant text */
};

/* Indexes that mean none. */
#define NODE_NONE   UINT32_MAX
#define MEMBER_NONE UINT32_MAX

/* If one member is present, another is required, or a schema applies. */
struct dependency {
    uint32_t trigger;  /* a member of the check's object */
    uint32_t required; /* likewise, or MEMBER_NONE */
    uint32_t node;     /* or NODE_NONE */
};

/* A schema that a dynamic reference can lead to. */
struct target {
    uint32_t resource, node;
};

/* A member of patternProperties. */
struct pattern_member {
    struct pattern *pattern;
    uint32_t node;
};

/* Schema `from` applies schema `to` to the same value. */
struct link {
    uint32_t from, to;
};

struct member {
    struct span name; /* decoded */
    uint64_t hash;
    uint32_t node; /* NODE_NONE if only `required` names it */
    bool required;
};

/* Members of `properties` come first, in its order; then those that only `required` names. */
struct object {
    struct member *members;
    uint32_t count, declared_count, required_count;
    uint32_t *table;     /* open addressing: index of a member, or MEMBER_NONE */
    uint32_t table_size; /* a power of 2, more than twice count */
    uint32_t order_at;   /* members of the objects before this one */
    uint32_t node;       /* the schema it belongs to */
    uint32_t additional; /* node of other members, or NODE_NONE */
    struct run patterns; /* of the plan's pattern members */
    bool closed;         /* additionalProperties: false */
    bool is_complete;    /* has additionalProperties, whatever its value */
};

/* A list of items of one size. */
struct list {
    void *items;
    uint32_t count, capacity;
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
    uint32_t member_count;    /* of all objects */
    struct list branches;     /* uint32_t: nodes */
    struct list dependencies; /* struct dependency */
    struct list patterns;     /* struct pattern_member */
    struct list links;        /* struct link */
    struct list targets;      /* struct target */
    uint32_t shape_object;    /* the object that declares all of the shape's properties */
    bool shape_is_own;        /* the root's own slots are valid after a row was checked */
    void **owned;             /* memory that lives as long as the plan */
    size_t owned_count, owned_capacity;
};

struct schema {
    char *name;
    char hash[33];
    struct plan plan;
    struct row_property *properties;
    struct row_shape shape;
    struct rules *rules;                /* NULL without any */
    struct target *target;              /* NULL: the guide's, without a description */
    struct pattern *record_id, *footer; /* of x-rowferry; NULL: not declared */
};

void plan_release(struct plan *plan);

/* Makes the plan the owner of memory; returns it. */
void *plan_own(struct plan *plan, void *memory);

/* Append one, zeroed, and return its index; pointers into that array become invalid. */
uint32_t plan_add_node(struct plan *plan);
uint32_t plan_add_check(struct plan *plan);
uint32_t plan_add_object(struct plan *plan);

/* Returns the index of the member of that name, which is added if it is missing. */
uint32_t object_add(struct plan *plan, struct object *object, struct span name);

/* Returns the index of the member of that name, or MEMBER_NONE. */
uint32_t object_find(const struct object *object, struct span name);

/* Returns the object of a node's properties, or NULL. */
const struct object *plan_object_of(const struct plan *plan, uint32_t node);

/* Returns the schema that a CHECK_REF or CHECK_ENTER applies. */
static inline uint32_t plan_entered(const struct check *check)
{
    return check->kind == CHECK_REF ? check->with.node : check->with.enter.node;
}

/* Appends a copy of an item and returns its index; size is the same for all of a list. */
uint32_t list_add(struct list *list, const void *item, size_t size);

static inline const uint32_t *plan_branches(const struct plan *plan)
{
    return plan->branches.items;
}

static inline const struct dependency *plan_dependencies(const struct plan *plan)
{
    return plan->dependencies.items;
}

static inline const struct pattern_member *plan_patterns(const struct plan *plan)
{
    return plan->patterns.items;
}

static inline const struct target *plan_targets(const struct plan *plan)
{
    return plan->targets.items;
}

static inline const struct link *plan_links(const struct plan *plan)
{
    return plan->links.items;
}
