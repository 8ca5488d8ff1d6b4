#include "tests/lib/settling_world.h"

#include "core/base/mem.h"

#include <stdlib.h>
#include <string.h>

/* A state on the path from the first one, with the states that follow from it. */
struct frame {
    uint32_t node;
    size_t next, end; /* in the walk's list of successors */
};

struct walk {
    struct onlooker onlooker; /* first, so that its pointer leads back here */
    struct model_result *result;
    struct world *worlds;
    uint8_t *done; /* everything after it has been seen */
    uint32_t count, capacity;
    uint32_t *table, table_size; /* index + 1 by hash */
    uint32_t *successors;
    size_t successor_count, successor_capacity;
    struct frame *path;
    size_t depth, depth_max;
};

static uint32_t hash_of(const struct world *world)
{
    const uint8_t *bytes = (const uint8_t *)world;
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < sizeof *world; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    return (uint32_t)(hash ^ (hash >> 32));
}

static void place(struct walk *walk, uint32_t node)
{
    uint32_t at = hash_of(&walk->worlds[node]) & (walk->table_size - 1);

    while (walk->table[at])
        at = (at + 1) & (walk->table_size - 1);
    walk->table[at] = node + 1;
}

static void grow(struct walk *walk)
{
    walk->capacity = walk->capacity ? walk->capacity * 2 : 1024;
    walk->worlds = mem_resize(walk->worlds, walk->capacity, sizeof *walk->worlds);
    walk->done = mem_resize(walk->done, walk->capacity, sizeof *walk->done);
    free(walk->table);
    walk->table_size = walk->capacity * 2;
    walk->table = mem_calloc(walk->table_size, sizeof *walk->table);
    for (uint32_t i = 0; i < walk->count; i++)
        place(walk, i);
}

/* The node of that state, which may be new. */
static uint32_t node_of(struct walk *walk, const struct world *world)
{
    uint32_t at;

    if (walk->count == walk->capacity)
        grow(walk);
    at = hash_of(world) & (walk->table_size - 1);
    for (; walk->table[at]; at = (at + 1) & (walk->table_size - 1))
        if (memcmp(&walk->worlds[walk->table[at] - 1], world, sizeof *world) == 0)
            return walk->table[at] - 1;
    walk->worlds[walk->count] = *world;
    walk->done[walk->count] = 0;
    walk->table[at] = ++walk->count;
    return walk->count - 1;
}

static void add(struct onlooker *onlooker, const struct world *world)
{
    struct walk *walk = (struct walk *)onlooker;
    uint32_t node = node_of(walk, world);

    if (walk->successor_count == walk->successor_capacity) {
        walk->successor_capacity = walk->successor_capacity ? walk->successor_capacity * 2 : 1024;
        walk->successors =
            mem_resize(walk->successors, walk->successor_capacity, sizeof *walk->successors);
    }
    walk->successors[walk->successor_count++] = node;
}

static void enter(struct walk *walk, uint32_t node)
{
    /* copied, because the list of states moves when it grows */
    struct world world = walk->worlds[node];
    struct frame *frame;

    if (walk->depth == walk->depth_max) {
        walk->depth_max = walk->depth_max ? walk->depth_max * 2 : 256;
        walk->path = mem_resize(walk->path, walk->depth_max, sizeof *walk->path);
    }
    walk->done[node] = 1; /* on the path */
    world_check(&walk->onlooker, &world);
    frame = &walk->path[walk->depth++];
    *frame = (struct frame){.node = node, .next = walk->successor_count};
    world_step(&walk->onlooker, &world);
    frame->end = walk->successor_count;
    if (frame->next < frame->end)
        return;
    walk->result->ends++;
    walk->result->job_states |= 1u << world.state;
    if (job_state_is_open((enum job_state)world.state) ||
        (world.copy == COPY_RUNS && job_state_is_open((enum job_state)world.other.state)))
        onlooker_complain(&walk->onlooker, "nothing can happen any more, and the job is open");
}

void model_walk(const struct model_settings *settings, struct model_result *result)
{
    struct walk walk = {.onlooker = {settings, add, NULL}, .result = result};
    struct world first;

    *result = (struct model_result){0};
    world_first(settings, &first);
    enter(&walk, node_of(&walk, &first));
    while (walk.depth && !walk.onlooker.violation) {
        struct frame *frame = &walk.path[walk.depth - 1];
        uint32_t node;

        if (frame->next == frame->end) {
            walk.done[frame->node] = 2;
            walk.depth--;
            continue;
        }
        /* nothing is kept after the last frame's successors */
        walk.successor_count = frame->end;
        node = walk.successors[frame->next++];
        if (walk.done[node] == 1)
            onlooker_complain(&walk.onlooker, "a run need not end");
        else if (!walk.done[node])
            enter(&walk, node);
    }
    result->states = walk.count;
    result->violation = walk.onlooker.violation;
    free(walk.worlds);
    free(walk.done);
    free(walk.table);
    free(walk.successors);
    free(walk.path);
}
