/* The check of one row: its state, and what all assertions need. */
#pragma once

#include "core/validate/plan.h"
#include "core/validate/value.h"

enum { NESTING_MAX = 512 /* schemas within one another */ };

/* One step down into the row's fields: a member, or an item of an array. */
struct step {
    struct span name; /* of the member; data NULL for an item */
    uint32_t item;
    bool escaped; /* name is as in the row, to be decoded */
};

struct checker {
    const struct schema *schema;
    const struct plan *plan;
    struct matcher *matcher;
    struct rule_checker *rules;    /* NULL without rules */
    struct request_limits *limits; /* NULL without limits of the target */
    uint32_t *order;               /* per object and position: its member there in the last row */
    uint32_t *slots;               /* a stack, see check_push */
    uint32_t slot_count, slot_capacity;
    uint32_t scope[2 * NESTING_MAX]; /* the resources entered; the file itself is the first */
    uint32_t scope_count;
    struct buf decoded; /* a string with escapes */
    struct buf field, shown;
    struct violations tried; /* of the alternatives of anyOf, oneOf */
    struct buf reasons;      /* of those, for a message */
    struct item_hash *hashes;
    size_t hash_capacity;
    /* of the row being checked */
    const struct row *row;
    struct violations *violations;
    struct step path[JSON_DEPTH_MAX + 2];
    unsigned depth;     /* steps in path */
    unsigned nesting;   /* schemas within one another */
    uint64_t work_left; /* before the row is given up */
    bool quiet;         /* no violations are added */
    bool trying;        /* violations go to `tried` */
};

/* Takes work from what the row has left, so that no row takes for ever; without any left every
 * value is valid, and checker_check reports it. */
static inline void check_work(struct checker *c, uint64_t work)
{
    c->work_left -= work < c->work_left ? work : c->work_left;
}

/* Step down to a member by its name in the row, to an item, and back up. */
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

/* Pushes count zeroed slots and returns the index of the first; setting c->slot_count to it pops
 * them. Indices, because the stack moves when it grows. */
uint32_t check_push(struct checker *c, uint32_t count);

/* Returns the member that a name token means, or MEMBER_NONE. Rows of a file mostly have their
 * members in the same order, so the member of the last row at that position is tried first. */
uint32_t check_find_member(struct checker *c, const struct object *object, uint32_t token,
                           uint32_t position);

/* Pushes a slot for each member of the object: the token of its value, or 0 if it is missing. */
uint32_t check_push_members(struct checker *c, const struct object *object, uint32_t token);

/* Matches a pattern within the work that the row has left. */
enum pattern_verdict check_search(struct checker *c, const struct pattern *pattern,
                                  struct span text);

/* Returns where the value is: the property, a JSON pointer if nested, "" for all fields. */
struct span check_field(struct checker *c);

/* Adds the violation that a member is missing, unless the reader could not read its cell and has
 * reported that. trigger: the member that requires it, for the message, or "". */
void check_report_missing(struct checker *c, struct span name, const char *keyword,
                          const char *trigger);

/* Returns the value for a message; valid until the next call. */
const char *check_show(struct checker *c, struct value value);

/* Returns the schema of a node for a message, cut; valid until the next call. */
const char *check_show_schema(struct checker *c, uint32_t node);
