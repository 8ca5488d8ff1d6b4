/* Text -> value, for each kind of option. */
#ifndef ROWFERRY_CMD_OPTION_VALUE_H
#define ROWFERRY_CMD_OPTION_VALUE_H

#include "cmd/rowferry/options.h"

/* Fills value.number or value.rate from value.text. ERR_CONFIG says what is expected; the caller
 * wraps it with the name. */
bool option_value_parse(const struct option *option, struct option_value *value, struct err *err);

/* `a,b` -> `["a", "b"]`. The text has passed option_value_parse. */
void option_value_tags(const char *text, struct buf *out);

#endif
