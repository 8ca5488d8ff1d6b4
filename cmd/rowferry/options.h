/* The settings of one command: from its arguments, the environment, .env and the defaults, in this
 * order (docs/operations.md#settings). */
#pragma once

#include "cmd/rowferry/dotenv.h"
#include "cmd/rowferry/option_value.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/notice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct options {
    unsigned command; /* one of FOR_... */
    const char *command_name;
    struct option_value values[OPT_COUNT];
    char **paths; /* the arguments that are not options, in order; point into argv */
    size_t path_count;
    struct dotenv dotenv;
};

/* Reads the arguments after the command's name. ERR_CONFIG with a remedy in the text. */
bool options_read_arguments(struct options *options, int argc, char **argv, struct err *err);

/* Adds environment, .env and defaults, and checks every value that the command takes. If it fails,
 * err has the first fault; wrong values count as not set, and so does all of a .env that cannot be
 * read or trusted. */
bool options_resolve(struct options *options, const struct notice_sink *notices, struct err *err);
void options_release(struct options *options);

static inline const char *options_text(const struct options *options, enum option_id id)
{
    return options->values[id].text;
}

static inline int64_t options_number(const struct options *options, enum option_id id)
{
    return options->values[id].number;
}

static inline bool options_flag(const struct options *options, enum option_id id)
{
    return options->values[id].number != 0;
}

/* Appends where a value comes from: `--rate`, `ROWFERRY_RATE`, `.env: ROWFERRY_RATE`. */
void options_describe(const struct options *options, enum option_id id, struct buf *out);

/* Appends the options that were given as arguments and that another command (FOR_...) takes too,
 * quoted for a shell. */
void options_repeat(const struct options *options, unsigned command, struct buf *out);
