/* --max-errors, --min-rows and the rows that a target takes: when a file is refused as a whole. */
#pragma once

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Zeroed means no limit. */
struct ingest_limits {
    bool has_errors;  /* --max-errors N */
    uint64_t errors;  /* more rejected rows refuse the file while it is read */
    bool has_percent; /* --max-errors N% */
    double percent;   /* a larger share of rejected rows refuses it at its end */
    uint64_t rows;    /* --min-rows: fewer refuse it at its end */
    uint64_t most;    /* `limits` of the target: more rows that can be sent refuse it */
};

/* Checks the limits while rows are read; ERR_LIMIT if too many were accepted or rejected. */
bool limits_allow(const struct ingest_limits *limits, const char *source, uint64_t accepted,
                  uint64_t rejected, struct err *err);

/* Checks all limits at the end of the file; ERR_LIMIT. */
bool limits_accept(const struct ingest_limits *limits, const char *source, uint64_t rows,
                   uint64_t rejected, struct err *err);
