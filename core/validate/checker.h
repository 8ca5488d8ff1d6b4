/* The checker's inside: what check.c and the files with its assertions share. */
#ifndef ROWFERRY_VALIDATE_CHECKER_H
#define ROWFERRY_VALIDATE_CHECKER_H

#include "core/validate/plan.h"
#include "core/validate/schema.h"
#include "core/validate/value.h"

enum { NESTING_MAX = 512 /* schemas over one another */ };

/* One step down into the row's fields: a member, or an item of an array. */
struct step {
    struct span name; /* of the member; its data is NULL for an item */
    uint32_t item;
    bool escaped; /* as in the row, to be decoded; else as it is */
};

struct checker {
    const struct schema *schema;
    const struct plan *plan;
    struct matcher *matcher;
    struct rule_checker *rules; /* NULL without rules */
    uint32_t *order; /* per object and position: the member that the last row had there */
    uint32_t *slots; /* a stack of the members of open objects: token of the value, or 0 */
    uint32_t slot_count, slot_capacity;
    uint8_t *marks; /* a stack: members and items that open values were looked at by */
    uint32_t mark_count, mark_capacity;
    uint32_t scope[2 * NESTING_MAX]; /* the resources entered; the file itself is the first */
    uint32_t scope_count;
    struct buf decoded; /* a string with escapes */
    struct buf field, shown;
    struct violations tried; /* what alternatives of anyOf, oneOf say of a value */
    struct buf reasons;      /* of those, for a message */
    struct item_hash *hashes;
    size_t hash_capacity;
    /* of the row being checked */
    const struct row *row;
    struct violations *violations;
    struct step path[JSON_DEPTH_MAX + 2];
    unsigned depth;     /* steps in path */
    unsigned nesting;   /* schemas over one another */
    uint64_t work_left; /* before the row is given up */
    bool quiet;         /* nothing is told: only whether a value is good is asked for */
    bool trying;        /* what is told goes to `tried` */
};

/* Whether the value is good. What is not is told, unless the checker is quiet. */
bool check_value(struct checker *c, uint32_t node, uint32_t token);

/* The same without telling anything. */
bool check_quietly(struct checker *c, uint32_t node, uint32_t token);

/* Enters a resource, at most one per schema that is being checked, and leaves it. */
static inline void check_enter(struct checker *c, uint32_t resource)
{
    c->scope[c->scope_count++] = resource;
}

static inline void check_exit(struct checker *c)
{
    c->scope_count--;
}

/* Where a CHECK_DYNAMIC leads from here. */
struct target check_target(const struct checker *c, const struct check *check);

/* Takes work away from what the row has left, so that costly values do not take for ever; once all
 * of it is gone every value is good, and checker_check tells it. */
static inline void check_work(struct checker *c, uint64_t work)
{
    c->work_left -= work < c->work_left ? work : c->work_left;
}

/* Appends why a value does not fit the node, as it was found, to c->reasons. Not while trying: what
 * is inside of an alternative is told without reasons of its own. */
void check_append_reason(struct checker *c, uint32_t node, uint32_t token);

/* Steps down to a member by its name in the row, to an item, and back up. */
static inline void check_enter_member(struct checker *c, uint32_t name)
{
    const struct json_token *token = &c->row->tape.tokens[name];
    struct step *step = &c->path[c->depth++];

    step->name = (struct span){c->row->fields.data + token->start, token->size};
    step->escaped = token->escaped;
}

static inline void check_enter_item(struct checker *c, uint32_t item)
{
    c->path[c->depth++] = (struct step){.item = item};
}

static inline void check_leave(struct checker *c)
{
    c->depth--;
}

/* Where the value is: the property, a JSON pointer where nested, "" for the fields as a whole. */
struct span check_field(struct checker *c);

/* The value for a message; valid until the next call. */
const char *check_show(struct checker *c, struct value value);

/* The schema of a node for a message, cut; valid until the next call. */
const char *check_show_schema(struct checker *c, uint32_t node);

static inline struct value check_at(const struct checker *c, uint32_t token)
{
    return (struct value){c->row->fields.data, c->row->tape.tokens, token};
}

static inline struct value check_operand(const struct checker *c, const struct check *check)
{
    return (struct value){c->plan->text, c->plan->tape.tokens, check->token};
}

static inline struct span check_string(struct checker *c, uint32_t token)
{
    return json_string(&c->row->tape.tokens[token], c->row->fields.data, &c->decoded);
}

/* pattern_search, at the row's expense. */
enum pattern_verdict check_search(struct checker *c, const struct pattern *pattern,
                                  struct span text);

/* Finds the members that an object's value has: pushes a slot for each of the object's members,
 * to be popped by setting c->slot_count to what is returned. */
uint32_t check_push_slots(struct checker *c, const struct object *object);
uint32_t check_find_member(struct checker *c, const struct object *object, uint32_t token,
                           uint32_t position);

/* Fills these slots without checking anything. */
void check_fill_slots(struct checker *c, const struct object *object, uint32_t base,
                      uint32_t token);

/* One assertion. Where tell is NULL, holds has told already what is wrong inside of the value. */
struct assertion {
    bool (*holds)(struct checker *c, const struct check *check, uint32_t token);
    void (*tell)(struct checker *c, const struct check *check, uint32_t token);
};

#define ASSERTION(name)                                                                            \
    bool name##_holds(struct checker *c, const struct check *check, uint32_t token);               \
    void name##_tell(struct checker *c, const struct check *check, uint32_t token)

ASSERTION(check_never);
ASSERTION(check_type);
ASSERTION(check_integer_04);
ASSERTION(check_enum);
ASSERTION(check_const);
ASSERTION(check_limit);
ASSERTION(check_multiple);
ASSERTION(check_length);
ASSERTION(check_pattern);
ASSERTION(check_format);
ASSERTION(check_count); /* minItems, maxItems, minProperties, maxProperties */
ASSERTION(check_contains);
ASSERTION(check_unique);
ASSERTION(check_any_of);
ASSERTION(check_one_of);
ASSERTION(check_not);

#define WALK(name) bool name##_holds(struct checker *c, const struct check *check, uint32_t token)

WALK(check_prefix);
WALK(check_items);
WALK(check_object);
WALK(check_property_names);
WALK(check_dependent);
WALK(check_ref);
WALK(check_enter_resource);
WALK(check_dynamic);
WALK(check_all_of);
WALK(check_if);
WALK(check_unevaluated);

#endif
