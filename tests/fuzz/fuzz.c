#include "tests/fuzz/fuzz.h"

#include "core/base/buf.h"

#include <stdio.h>
#include <stdlib.h>

void fuzz_must(bool holds, const char *property)
{
    if (holds)
        return;
    fprintf(stderr, "does not hold: %s\n", property);
    abort();
}

void fuzz_must_be_printable(const char *text)
{
    struct buf shown = {0};
    size_t size = 4 * strlen(text) + 1;

    str_printable(span_of(text), buf_reserve(&shown, size), size);
    fuzz_must_equal(span_of(text), span_of(shown.data), "a message is printable");
    buf_release(&shown);
}

void fuzz_must_equal(struct span is, struct span expected, const char *property)
{
    if (span_equal(is, expected))
        return;
    fprintf(stderr, "-- is:\n%.*s\n-- not:\n%.*s\n", (int)is.size, is.data, (int)expected.size,
            expected.data);
    fuzz_must(false, property);
}

struct span fuzz_take_part(struct span *text, const char *line)
{
    size_t size = strlen(line);
    const char *found = text->size ? memmem(text->data, text->size, line, size) : NULL;
    struct span part = *text;

    if (!found) {
        *text = (struct span){0};
        return part;
    }
    part.size = (size_t)(found - part.data);
    *text = (struct span){found + size, text->size - part.size - size};
    return part;
}
