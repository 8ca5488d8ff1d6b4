/* What holds for every file that is read, whatever is in it; for the targets csv and ndjson. */
#ifndef ROWFERRY_TESTS_FUZZ_READING_H
#define ROWFERRY_TESTS_FUZZ_READING_H

#include "core/row/reader.h"

struct reading {
    enum row_format format;
    const struct row_shape *shape;
    size_t chunk;          /* bytes that a read gets the second time, or FEED_RANDOM */
    uint32_t resume_rows;  /* after so many rows the third reading goes on */
    unsigned gzip_members; /* as which the file is compressed; 0: it is as it is */
    bool stretched;        /* the first four bytes 0x01 stand for FUZZ_STRETCH bytes each */
    void (*visit)(const struct row *row, const struct violations *violations); /* or NULL */
};

enum {
    FUZZ_ROW_MAX = 1 << 10, /* what the shapes of the targets set: files stay small */
    FUZZ_STRETCH = 330,
};

/* Reads the text as a file three times: at once, in chunks, and from a position in its middle on.
 * What must hold: all three give the same rows and end alike; rows are numbered from 1; between
 * rows nothing but blank lines, comments and a footer is left out; a row's raw bytes and line are
 * those of the file; its tape is what json_scan makes of its fields; a row without violations has
 * all that a job needs; positions, hashes and sizes are those of the bytes before them; a file is
 * refused with ERR_INPUT and its name; and the accepted rows of a CSV file come back the same
 * through an export. */
void reading_check(const struct reading *reading, struct span text);

#endif
