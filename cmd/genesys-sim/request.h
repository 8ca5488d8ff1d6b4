/* One request and its answer, without the sockets. */
#pragma once

#include "cmd/genesys-sim/answer.h"
#include "cmd/genesys-sim/payload.h"
#include "cmd/genesys-sim/routes.h"
#include "core/base/err.h"

/* One connection; served counts the complete answers that it got. */
struct client {
    uint64_t number;
    uint64_t served;
};

/* Header values and method are borrowed from the connection, NULL where the header is missing.
 * body holds what fits into BODY_MAX; body_size counts all of it. */
struct request {
    const char *method;
    const char *authorization;
    const char *key; /* of the header field that --api-key names */
    const char *content_type;
    const char *if_match, *if_none_match;
    const char *idempotency_key, *webhook_id, *webhook_timestamp, *webhook_signature;
    char *target;
    const struct client *client;
    struct buf body;
    size_t body_size;

    uint64_t seq;
    int64_t at_ms;
    struct route route;
    struct payload payload;
    bool payload_ok;
    struct err problem; /* why payload_ok is false */
    const char *fault;  /* NULL: none */
    bool applied;
    unsigned rows; /* of a bulk request */
    bool early;    /* answered before its body is read */
    bool late;     /* applied after the connection was closed */

    struct answer answer;
    int64_t delay_us; /* before the answer, or the cut */
};

void request_release(struct request *request);

/* True when the Content-Type is this media type, with or without parameters. */
bool request_has_type(const struct request *request, const char *type);

/* True when a list with spaces between its words, as of scopes or signatures, has the word. */
bool request_lists(const char *list, struct span word);

/* True when the request has a JSON body of at most BODY_MAX that was read without a problem; else
 * the answer is an error. */
bool request_has_payload(struct request *request);
