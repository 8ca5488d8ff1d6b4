/* Values of options: where they come from, and their parsing for each kind of option. */
#pragma once

#include "cmd/rowferry/option_table.h"
#include "core/base/buf.h"
#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum option_origin { FROM_NOWHERE, FROM_DEFAULT, FROM_DOTENV, FROM_ENVIRONMENT, FROM_ARGUMENT };

struct option_value {
    const char *text; /* NULL: not set */
    enum option_origin origin;
    const char *env; /* the variable it came from, or NULL */
    int64_t number;  /* integers, milliseconds, an enumeration, the delimiter, 1 for a flag */
    double rate;     /* per second; 0: none */
};

/* Fills value->number or value->rate from value->text. ERR_CONFIG says what is expected; the caller
 * puts the name before it. */
bool option_value_parse(const struct option *option, struct option_value *value, struct err *err);

/* Appends `["a", "b"]` for `a,b`, a text that option_value_parse accepts. */
void option_value_tags(const char *text, struct buf *out);
