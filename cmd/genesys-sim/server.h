/* The sockets: HTTP/1.1 on the loopback, with or without TLS, one thread, one loop that nothing
 * blocks. */
#ifndef GENESYS_SIM_SERVER_H
#define GENESYS_SIM_SERVER_H

#include "core/base/buf.h"
#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct MHD_Daemon;
struct sim;

struct server {
    struct sim *sim;
    struct MHD_Daemon *daemon;
    int epoll_fd;
    uint16_t port;
    struct buf certificate, key; /* PEM; empty: plain http */
    bool closing;                /* nothing is answered any more */
};

/* Listens on 127.0.0.1:port, 0 for a free one, which is in server->port then. On failure
 * server_close is still due. */
bool server_open(struct server *server, struct sim *sim, uint16_t port, struct err *err);

/* Serves until a signal comes (stop.h), max_seconds are over or the ledger cannot be written;
 * only the last is an error. */
bool server_run(struct server *server, int64_t max_seconds, struct err *err);

/* Cuts every connection; timers that wait for their time are dropped. */
void server_close(struct server *server);

#endif
