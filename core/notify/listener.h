/* The HTTP server for notifications: POST / stores one and answers 2xx when it is on the disk; GET
 * /healthz and GET /metrics. One thread serves the connections, a committer stores. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/notify/committer.h"
#include "core/notify/signature.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    LISTENER_HEADER_S = 10, /* that the header of a request may take */
    LISTENER_BODY_S = 30,   /* ... its body */
    LISTENER_IDLE_S = 60,   /* between two requests of a connection */
    LISTENER_CONNECTIONS = 1000,
    LISTENER_MEMORY_MAX = 64 << 20, /* of all bodies together */
};

struct catalog;

struct listener_options {
    int fd;                            /* a listening socket */
    struct store *store;               /* the committer's until listener_end */
    const struct signature_keys *keys; /* NULL: requests need no signature */
    const char *client_id;             /* NULL: not known */
    const struct catalog *catalog;     /* of schema files; NULL: none */
    bool delivers_echoes;
    const char *tls_certificate, *tls_key; /* PEM; NULL: plain HTTP */
    void (*stored)(void *context);         /* from another thread: a delivery may be due */
    void (*tick)(void *context);           /* about once a second */
    void (*print_metrics)(void *context, struct buf *out); /* the text of /metrics */
    void *context;
};

struct listener_counts {
    uint64_t stored, repeated;     /* answered 2xx */
    uint64_t refused;              /* answered 4xx */
    uint64_t unavailable;          /* answered 503: the database or the memory failed */
    uint64_t connections, evicted; /* accepted; closed for a newer one, or because of a limit */
    unsigned open;                 /* connections now */
};

struct listener;

struct listener *listener_open(const struct listener_options *options, struct err *err);

/* Checks signatures with these keys from now on, which stay the caller's; from the tick alone. */
void listener_use_keys(struct listener *listener, const struct signature_keys *keys);

/* Serves until stopping is asked for (stop.h) and what was accepted by then is answered. */
bool listener_run(struct listener *listener, struct err *err);

/* Stores and answers what has come, and closes all connections. The counts stay. */
void listener_end(struct listener *listener);
void listener_close(struct listener *listener);

void listener_count(const struct listener *listener, struct listener_counts *counts,
                    struct committer_counts *commits);
