/* Assertions about the items of an array. */
#include "core/base/mem.h"
#include "core/validate/checker.h"

#include <stdlib.h>

enum { FEW = 8 /* items that are compared each with each */ };

struct item_hash {
    uint64_t hash;
    uint32_t token, item;
};

bool check_prefix_holds(struct checker *c, const struct check *check, uint32_t token)
{
    const struct json_token *tokens = c->row->tape.tokens;
    const uint32_t *nodes = plan_branches(c->plan) + check->with.nodes.first;
    uint32_t at = token + 1;
    bool good = true;

    for (uint32_t i = 0; i < tokens[token].count && i < check->with.nodes.count; i++) {
        check_enter_item(c, i);
        good &= check_value(c, nodes[i], at);
        check_leave(c);
        if (!good && c->quiet)
            return false;
        at = tokens[at].next;
    }
    return good;
}

bool check_items_holds(struct checker *c, const struct check *check, uint32_t token)
{
    const struct json_token *tokens = c->row->tape.tokens;
    uint32_t at = token + 1;
    bool good = true;

    for (uint32_t i = 0; i < tokens[token].count; i++, at = tokens[at].next) {
        if (i < check->with.items.from)
            continue;
        check_enter_item(c, i);
        good &= check_value(c, check->with.items.node, at);
        check_leave(c);
        if (!good && c->quiet)
            return false;
    }
    return good;
}

static uint64_t count_fitting(struct checker *c, const struct check *check, uint32_t token)
{
    const struct json_token *tokens = c->row->tape.tokens;
    uint64_t count = 0;

    for (uint32_t i = token + 1; i < tokens[token].next; i = tokens[i].next)
        count += check_quietly(c, check->with.contains.node, i);
    return count;
}

bool check_contains_holds(struct checker *c, const struct check *check, uint32_t token)
{
    uint64_t count = count_fitting(c, check, token);

    return count >= check->with.contains.least &&
           (!check->with.contains.most_given || count <= check->with.contains.most);
}

void check_contains_tell(struct checker *c, const struct check *check, uint32_t token)
{
    uint64_t count = count_fitting(c, check, token);
    bool few = count < check->with.contains.least;
    uint64_t limit = few ? check->with.contains.least : check->with.contains.most;
    const char *keyword = few ? "minContains" : "maxContains";

    if (few && !check->with.contains.least_given)
        keyword = "contains";
    violations_add(c->violations, check_field(c), keyword,
                   "must have at %s %llu item%s that fit%s %s, has %llu", few ? "least" : "most",
                   (unsigned long long)limit, limit == 1 ? "" : "s", limit == 1 ? "s" : "",
                   check_show_schema(c, check->with.contains.node), (unsigned long long)count);
}

static int hash_order(const void *a, const void *b)
{
    const struct item_hash *left = a, *right = b;

    if (left->hash != right->hash)
        return left->hash < right->hash ? -1 : 1;
    return (left->item > right->item) - (left->item < right->item);
}

/* Two items that are equal: first and second, the earliest second; false where there are none. */
static bool find_pair(struct checker *c, const struct item_hash *hashes, uint32_t count,
                      bool by_hash, struct item_hash pair[2])
{
    bool found = false;

    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = i + 1; j < count; j++) {
            if (by_hash && hashes[j].hash != hashes[i].hash)
                break;
            if (found && hashes[j].item >= pair[1].item)
                break;
            check_work(c, 1);
            if (!c->work_left)
                return false;
            if (!value_equal(check_at(c, hashes[i].token), check_at(c, hashes[j].token)))
                continue;
            pair[0] = hashes[i];
            pair[1] = hashes[j];
            found = true;
            break;
        }
    }
    return found;
}

static bool find_equal(struct checker *c, uint32_t token, struct item_hash pair[2])
{
    const struct json_token *tokens = c->row->tape.tokens;
    uint32_t count = tokens[token].count, item = 0;
    bool many = count > FEW;

    if (c->hash_capacity < count) {
        c->hashes = mem_resize(c->hashes, count, sizeof *c->hashes);
        c->hash_capacity = count;
    }
    for (uint32_t i = token + 1; i < tokens[token].next; i = tokens[i].next, item++)
        c->hashes[item] = (struct item_hash){many ? value_hash(check_at(c, i)) : 0, i, item};
    if (many)
        qsort(c->hashes, count, sizeof *c->hashes, hash_order);
    return find_pair(c, c->hashes, count, many, pair);
}

bool check_unique_holds(struct checker *c, const struct check *check, uint32_t token)
{
    struct item_hash pair[2];

    (void)check;
    check_work(c, c->row->tape.tokens[token].size >> 6);
    return !find_equal(c, token, pair);
}

void check_unique_tell(struct checker *c, const struct check *check, uint32_t token)
{
    struct item_hash pair[2];

    if (find_equal(c, token, pair))
        violations_add(c->violations, check_field(c), check->keyword,
                       "must not hold a value twice, items %u and %u are both %s", pair[0].item,
                       pair[1].item, check_show(c, check_at(c, pair[1].token)));
}
