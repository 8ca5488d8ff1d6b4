#include "core/row/json_names.h"

#include "core/base/mem.h"

#include <stdlib.h>
#include <xxhash.h>

/* Up to here comparing each with each is cheaper than a table. */
enum { FEW_NAMES = 16 };

struct json_scratch {
    struct span *names; /* of one object, in order, decoded */
    uint32_t names_capacity;
    uint32_t *slots; /* open addressing; 0 is free, else index of a name + 1 */
    uint32_t slots_capacity;
    struct buf decoded;
};

void json_scratch_release(struct json_scratch *scratch)
{
    if (!scratch)
        return;
    free(scratch->names);
    free(scratch->slots);
    buf_release(&scratch->decoded);
    free(scratch);
}

static void *grow(void *memory, uint32_t *capacity, uint32_t needed, size_t item_size)
{
    if (*capacity >= needed)
        return memory;
    while (*capacity < needed)
        *capacity = *capacity ? *capacity * 2 : 64;
    return mem_resize(memory, *capacity, item_size);
}

/* Decodes the escaped ones of names. Decoded text is never longer than what it stands for, so one
 * reservation holds all of it and the buffer does not move. */
static void decode_names(struct json_scratch *scratch, const struct json_tape *tape,
                         uint32_t object, size_t escaped_size)
{
    uint32_t index = object + 1;

    buf_reset(&scratch->decoded);
    buf_reserve(&scratch->decoded, escaped_size);
    for (uint32_t i = 0; i < tape->tokens[object].count; i++) {
        const struct json_token *name = &tape->tokens[index];

        if (name->escaped) {
            size_t start = scratch->decoded.size;

            json_decode(&scratch->decoded, scratch->names[i]);
            scratch->names[i] =
                (struct span){scratch->decoded.data + start, scratch->decoded.size - start};
        }
        index = tape->tokens[name->next].next;
    }
}

static void collect_names(struct json_scratch *scratch, const struct json_tape *tape,
                          uint32_t object, const char *text, uint32_t base)
{
    uint32_t count = tape->tokens[object].count, index = object + 1;
    size_t escaped_size = 0;

    scratch->names = grow(scratch->names, &scratch->names_capacity, count, sizeof(struct span));
    for (uint32_t i = 0; i < count; i++) {
        const struct json_token *name = &tape->tokens[index];

        scratch->names[i] = (struct span){text + (name->start - base), name->size};
        if (name->escaped)
            escaped_size += name->size;
        index = tape->tokens[name->next].next;
    }
    if (escaped_size)
        decode_names(scratch, tape, object, escaped_size);
}

/* One of 64 classes: names of two classes differ. */
static unsigned name_class(struct span name)
{
    size_t mixed = name.size;

    if (name.size)
        mixed += (size_t)(unsigned char)name.data[0] * 7 +
                 (size_t)(unsigned char)name.data[name.size - 1] * 29 +
                 (size_t)(unsigned char)name.data[name.size / 2] * 11;
    return mixed & 63;
}

/* Index of the first name that was there before, or count. */
static uint32_t find_repeat_few(const struct span *names, uint32_t count)
{
    uint64_t seen = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t class = UINT64_C(1) << name_class(names[i]);

        for (uint32_t j = 0; (seen & class) && j < i; j++)
            if (span_equal(names[i], names[j]))
                return i;
        seen |= class;
    }
    return count;
}

static uint32_t find_repeat_many(struct json_scratch *scratch, uint32_t count)
{
    /* an address differs from run to run: a file cannot be made to hit one slot */
    XXH64_hash_t seed = (XXH64_hash_t)(uintptr_t)scratch->names;
    uint32_t mask = 64;

    while (mask < count * 2)
        mask *= 2;
    scratch->slots = grow(scratch->slots, &scratch->slots_capacity, mask, sizeof(uint32_t));
    memset(scratch->slots, 0, mask * sizeof(uint32_t));
    mask--;
    for (uint32_t i = 0; i < count; i++) {
        struct span name = scratch->names[i];
        uint32_t slot = (uint32_t)XXH3_64bits_withSeed(name.data, name.size, seed) & mask;

        for (; scratch->slots[slot]; slot = (slot + 1) & mask)
            if (span_equal(scratch->names[scratch->slots[slot] - 1], name))
                return i;
        scratch->slots[slot] = i + 1;
    }
    return count;
}

bool json_names_repeat(struct json_tape *tape, uint32_t object, const char *text, uint32_t base,
                       uint32_t *name_index)
{
    uint32_t count = tape->tokens[object].count, found, index = object + 1;

    if (count < 2)
        return false;
    if (!tape->scratch)
        tape->scratch = mem_calloc(1, sizeof *tape->scratch);
    collect_names(tape->scratch, tape, object, text, base);
    found = count <= FEW_NAMES ? find_repeat_few(tape->scratch->names, count)
                               : find_repeat_many(tape->scratch, count);
    if (found == count)
        return false;
    while (found--)
        index = tape->tokens[tape->tokens[index].next].next;
    *name_index = index;
    return true;
}
