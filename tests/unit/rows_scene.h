/* Rows as readers make them of bytes, for the tests of formats, encodings and lines. */
#pragma once

#include "tests/lib/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* Compares what a reader makes of the bytes, however they arrive. */
static inline void assert_read(struct span bytes, enum row_format format,
                               const struct row_shape *shape, const char *expected)
{
    static const size_t chunks[] = {ROWS_FILE, 1, 3, 7, ROWS_RANDOM};

    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        char *dump = rows_dump(bytes, format, shape, chunks[i]);

        assert_string_equal(dump, expected);
        free(dump);
        if (bytes.size > 100000)
            break;
    }
}

static inline struct reader *open_feed(struct rows_feed *feed, enum row_format format)
{
    struct err err = {0};
    struct reader *reader = reader_open(feed->fd, "in", format, &rows_shape, &err);

    if (!reader)
        fail_msg("%s", err.text);
    return reader;
}

/* The is_footer of a dialect. */
static inline bool begins_with_total(const void *footer, struct span line)
{
    (void)footer;
    return line.size >= 5 && memcmp(line.data, "Total", 5) == 0;
}
