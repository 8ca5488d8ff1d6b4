/* Bytes in memory that core reads like a file. The programs are linked with -Wl,--wrap=read (open,
 * poll, fstat): system calls took two fifths of the time of an execution. */
#pragma once

#include "core/base/str.h"

enum {
    FEED_WHOLE = 0,        /* a read returns as much as it asks for */
    FEED_RANDOM = 1 << 30, /* reads return 1 to 40 bytes */
};

/* Makes bytes the content of a file until the next call, and returns its descriptor, which need not
 * be closed. chunk: the most bytes that a read returns. */
int feed_open(struct span bytes, size_t chunk);

/* The path of such a file. */
extern const char feed_path[];
