/* The sockets: HTTP/1.1 on the loopback, with or without TLS, in one thread and one loop that does
 * not block. */
#pragma once

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
    int both_fd; /* epoll: epoll_fd and the one that signals are seen at */
    uint16_t port;
    struct buf certificate, key; /* PEM; empty: plain http */
    bool closing;                /* no more answers */
};

/* Listens on 127.0.0.1:port; 0 picks a free port and sets server->port. The caller calls
 * server_close after a failure too. */
bool server_open(struct server *server, struct sim *sim, uint16_t port, struct err *err);

/* Serves until a signal (stop.h), for max_seconds, or until the ledger cannot be written, which is
 * an error. */
bool server_run(struct server *server, int64_t max_seconds, struct err *err);

/* Closes every connection and drops all timers. */
void server_close(struct server *server);
