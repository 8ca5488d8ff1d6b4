/* JSON pointers (RFC 6901). */
#pragma once

#include "core/base/buf.h"
#include "core/row/json.h"

#include <stdbool.h>
#include <stdint.h>

#define POINTER_NOTHING UINT32_MAX

/* Zeroed is the pointer to the whole document. */
struct pointer {
    struct span *names; /* decoded */
    uint32_t count;
};

/* Reads a pointer after those of *pointer, which grows. False when the text is not one. */
bool pointer_add(struct pointer *pointer, struct span text);

/* Appends a member's name. */
void pointer_add_name(struct pointer *pointer, struct span name);

void pointer_release(struct pointer *pointer);

/* Returns the token that the pointer leads to from the value at `from`, or POINTER_NOTHING. */
uint32_t pointer_find(const struct pointer *pointer, const struct json_tape *tape, const char *text,
                      uint32_t from, struct buf *scratch);

/* Returns the value of that member of an object, or POINTER_NOTHING. */
uint32_t pointer_member(struct span name, const struct json_tape *tape, const char *text,
                        uint32_t object, struct buf *scratch);

/* Returns the member of that name of an object, or the item of that number of an array, or
 * POINTER_NOTHING. */
uint32_t pointer_step(struct span name, const struct json_tape *tape, const char *text,
                      uint32_t from, struct buf *scratch);

/* Returns true when the first is the second, or leads to what contains it. */
bool pointer_is_within(const struct pointer *first, const struct pointer *second);

/* Appends a name as one step of a pointer, without the slash. */
void pointer_print_name(struct span name, struct buf *out);

/* Appends the pointer as text. */
void pointer_print(const struct pointer *pointer, struct buf *out);
