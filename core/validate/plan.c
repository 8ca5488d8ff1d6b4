#include "core/validate/plan.h"

#include "core/base/mem.h"

#include <stdlib.h>
#include <xxhash.h>

void plan_release(struct plan *plan)
{
    for (uint32_t i = 0; i < plan->check_count; i++) {
        if (plan->checks[i].kind == CHECK_PATTERN)
            pattern_close(plan->checks[i].with.pattern);
        else if (plan->checks[i].kind == CHECK_FORMAT)
            pattern_close(plan->checks[i].with.format.pattern);
    }
    for (uint32_t i = 0; i < plan->patterns.count; i++)
        pattern_close(plan_patterns(plan)[i].pattern);
    for (uint32_t i = 0; i < plan->object_count; i++) {
        free(plan->objects[i].members);
        free(plan->objects[i].table);
    }
    for (size_t i = 0; i < plan->owned_count; i++)
        free(plan->owned[i]);
    json_tape_release(&plan->tape);
    free(plan->nodes);
    free(plan->checks);
    free(plan->objects);
    free(plan->branches.items);
    free(plan->dependencies.items);
    free(plan->patterns.items);
    free(plan->links.items);
    free(plan->targets.items);
    free(plan->owned);
    free(plan->text);
    *plan = (struct plan){0};
}

void *plan_own(struct plan *plan, void *memory)
{
    if (plan->owned_count == plan->owned_capacity) {
        plan->owned_capacity = plan->owned_capacity ? plan->owned_capacity * 2 : 16;
        plan->owned = mem_resize(plan->owned, plan->owned_capacity, sizeof *plan->owned);
    }
    return plan->owned[plan->owned_count++] = memory;
}

/* Makes room for one more item of item_size bytes. */
static void *room(void *items, uint32_t count, uint32_t *capacity, size_t item_size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity ? *capacity * 2 : 16;
    return mem_resize(items, *capacity, item_size);
}

uint32_t plan_add_node(struct plan *plan)
{
    plan->nodes = room(plan->nodes, plan->node_count, &plan->node_capacity, sizeof *plan->nodes);
    plan->nodes[plan->node_count] = (struct node){0};
    return plan->node_count++;
}

uint32_t plan_add_check(struct plan *plan)
{
    plan->checks =
        room(plan->checks, plan->check_count, &plan->check_capacity, sizeof *plan->checks);
    plan->checks[plan->check_count] = (struct check){0};
    return plan->check_count++;
}

uint32_t plan_add_object(struct plan *plan)
{
    plan->objects =
        room(plan->objects, plan->object_count, &plan->object_capacity, sizeof *plan->objects);
    plan->objects[plan->object_count] = (struct object){.additional = NODE_NONE};
    return plan->object_count++;
}

/* Returns the slot of the name in the table, or the one where it would go. */
static uint32_t slot_of(const struct object *object, struct span name, uint64_t hash)
{
    uint32_t slot = (uint32_t)hash & (object->table_size - 1);

    for (;; slot = (slot + 1) & (object->table_size - 1)) {
        uint32_t index = object->table[slot];

        if (index == MEMBER_NONE)
            return slot;
        if (object->members[index].hash == hash && span_equal(object->members[index].name, name))
            return slot;
    }
}

/* Doubles both arrays and enters all members again. */
static void object_grow(struct object *object)
{
    object->table_size = object->table_size ? object->table_size * 2 : 16;
    object->table = mem_resize(object->table, object->table_size, sizeof *object->table);
    object->members = mem_resize(object->members, object->table_size / 2, sizeof *object->members);
    for (uint32_t i = 0; i < object->table_size; i++)
        object->table[i] = MEMBER_NONE;
    for (uint32_t i = 0; i < object->count; i++) {
        const struct member *member = &object->members[i];

        object->table[slot_of(object, member->name, member->hash)] = i;
    }
}

uint32_t object_find(const struct object *object, struct span name)
{
    if (!object->count)
        return MEMBER_NONE;
    return object->table[slot_of(object, name, XXH3_64bits(name.data, name.size))];
}

uint32_t object_add(struct plan *plan, struct object *object, struct span name)
{
    uint64_t hash = XXH3_64bits(name.data, name.size);
    uint32_t index = object_find(object, name);

    if (index != MEMBER_NONE)
        return index;
    if (object->count + 1 > object->table_size / 2)
        object_grow(object);
    index = object->count;
    object->table[slot_of(object, name, hash)] = index;
    object->members[index] = (struct member){
        .name = {plan_own(plan, mem_copy(name.data, name.size)), name.size},
        .hash = hash,
        .node = NODE_NONE,
    };
    object->count++;
    return index;
}

const struct object *plan_object_of(const struct plan *plan, uint32_t node)
{
    const struct node *at = &plan->nodes[node];

    for (uint32_t i = at->first_check; i < at->first_check + at->check_count; i++)
        if (plan->checks[i].kind == CHECK_OBJECT)
            return &plan->objects[plan->checks[i].with.object];
    return NULL;
}

uint32_t list_add(struct list *list, const void *item, size_t size)
{
    list->items = room(list->items, list->count, &list->capacity, size);
    memcpy((char *)list->items + list->count * size, item, size);
    return list->count++;
}
