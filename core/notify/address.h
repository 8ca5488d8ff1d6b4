/* Addresses to listen on. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"

#include <stdbool.h>

/* Opens a listening socket on HOST:PORT, [HOST]:PORT or PORT (of 127.0.0.1). *is_local: it is not
 * reached from another machine. -1 on error. */
int address_listen(const char *address, bool *is_local, struct err *err);

/* The same of a socket that is listening already. False: it is not a stream socket that listens. */
bool address_adopt(int fd, bool *is_local, struct err *err);

/* `127.0.0.1:8080` or a path, of a listening socket. */
void address_name(int fd, struct buf *out);
