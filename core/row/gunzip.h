/* gzip files (RFC 1952) as streams of what they hold: private to source. */
#ifndef ROWFERRY_ROW_GUNZIP_H
#define ROWFERRY_ROW_GUNZIP_H

#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gunzip;

/* Whether the first bytes of a file are those of gzip. No UTF-8 text begins so. */
bool gunzip_knows(struct span first);

/* fd stands behind `first`, the first bytes of the file; ended: nothing comes behind them. name is
 * for messages and kept as pointer. */
struct gunzip *gunzip_open(int fd, const char *name, struct span first, bool ended);
void gunzip_close(struct gunzip *gunzip);

/* Up to `room` bytes of what was compressed; 0 at the end. Members that follow each other are read
 * as one. ERR_INPUT: it cannot be read, is damaged, is cut off, or something else follows. */
bool gunzip_read(struct gunzip *gunzip, char *out, size_t room, size_t *size, struct err *err);

/* Hash (as source_hash) and size of the file itself, as far as it was read. */
void gunzip_file(struct gunzip *gunzip, char hash[33], uint64_t *bytes);

#endif
