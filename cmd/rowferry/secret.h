/* The client secret: from the environment or a file that others cannot read, wiped after use. */
#ifndef ROWFERRY_CMD_SECRET_H
#define ROWFERRY_CMD_SECRET_H

#include "cmd/rowferry/options.h"

/* Reads the secret into *secret, the caller's until secret_release; NULL if none is set. ERR_CONFIG
 * names the file, its mode and the remedy. No error text has the secret. */
bool secret_read(const struct options *options, char **secret, struct err *err);
void secret_release(char *secret);

#endif
