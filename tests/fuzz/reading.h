/* Properties of every file that is read, for the targets csv and ndjson. */
#pragma once

#include "core/row/reader.h"

struct reading {
    enum row_format format;
    const struct row_shape *shape;
    size_t chunk;          /* bytes per read in the second pass, or FEED_RANDOM */
    uint32_t resume_rows;  /* rows after which the third pass begins */
    unsigned gzip_members; /* number of gzip members; 0: the file is not compressed */
    bool stretched;        /* the first four bytes 0x01 become FUZZ_STRETCH bytes each */
    void (*visit)(const struct row *row, const struct violations *violations); /* or NULL */
};

enum {
    FUZZ_ROW_MAX = 1 << 10, /* set in the shapes of the targets, to keep files small */
    FUZZ_STRETCH = 330,
};

/* Reads the text as a file three times: at once, in chunks, and resumed at a position. Requires
 * that all three give the same rows and the same end; rows are numbered from 1; only blank lines,
 * comments and a footer are left out; raw bytes and line of a row are those of the file; its tape
 * is that of json_scan; a row without violations has all that a job needs; positions, hashes and
 * sizes are those of the bytes before them; a file is refused with ERR_INPUT and its name; and the
 * accepted rows of a CSV file are the same after an export. */
void reading_check(const struct reading *reading, struct span text);
