/* One curl multi handle with a fixed number of slots: requests in, answers out, no threads. */
#pragma once

#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct http_pool;

enum {
    HTTP_BODY_MAX = 1 << 20, /* bytes of an answer, decoded, that are kept; beyond it the transfer
                                ends */
    HTTP_SEVERAL_MAX = 8 << 20, /* of an answer to a request of several rows */
    HTTP_ERROR_SIZE = 256,
    HTTP_HEADER_SIZE = 128,
    HTTP_WANTED_SIZE = 1024, /* of a header field that a request asks for; a longer one counts as
                                missing */
};

enum http_method { HTTP_GET, HTTP_PUT, HTTP_PATCH, HTTP_POST, HTTP_METHODS };

struct http_options {
    unsigned slots;      /* requests in flight at most, 1 or more */
    const char *ca_file; /* NULL: the system's */
    const char *user_agent;
    const char *key_field; /* that authorization values belong in; NULL: Authorization */
};

/* A header field of a request. */
struct http_field {
    const char *name, *value;
};

/* The texts are copied when the request starts. The body is not: it has to stay unchanged until the
 * answer came. */
struct http_request {
    enum http_method method;
    const char *url;                 /* absolute, path already encoded; sent as is */
    const char *authorization;       /* a whole header value (`Bearer ...`, a key), or NULL */
    const char *content_type;        /* of the body; NULL without one */
    const struct http_field *fields; /* further header fields, the last without a name; or NULL */
    struct span body;
    const char *wanted;  /* a header field of the answer, constant; or NULL */
    size_t answer_max;   /* bytes of an answer; 0: HTTP_BODY_MAX */
    int64_t timeout_ms;  /* of the whole transfer */
    bool new_connection; /* do not reuse one (RFC 9110 section 15.5.20) */
    void *context;       /* handed back with the answer */
};

/* How a transfer ended. */
enum http_end {
    HTTP_DONE,       /* a complete final answer, with status, headers and body */
    HTTP_NEVER_LEFT, /* no byte of the request went out: DNS, connect, TLS handshake, proxy */
    HTTP_UNTRUSTED,  /* never left, because the server's certificate is not trusted */
    HTTP_CUT,        /* left, and no complete answer came: ambiguous, whatever the cause */
    HTTP_TOO_LARGE,  /* left, and the answer exceeded what is kept: ambiguous */
    HTTP_PROXY,      /* never left, because the proxy wants credentials: 407 to CONNECT */
};

/* Valid until http_pool_release. The credentials of the request are replaced by stars in body and
 * correlation. */
struct http_answer {
    void *context;
    enum http_end end;
    long status;            /* 0 unless a final status line came */
    struct span body;       /* empty unless HTTP_DONE */
    int64_t retry_after_ms; /* from Retry-After, see headers_retry_after_ms; -1 without */
    char correlation[HTTP_HEADER_SIZE]; /* ININ-Correlation-Id, or "" */
    const char *wanted;                 /* the value of the field that was asked for, or "" */
    char error[HTTP_ERROR_SIZE];        /* why there is no complete answer, or "" */
    int64_t started_ms, ended_ms;       /* wall clock */
    int64_t latency_us;
    unsigned slot;
};

/* Only http and https, no redirects, no netrc, no proxy to loopback, compressed answers are
 * decoded, keep-alive, HTTP/2 where TLS offers it. Each transfer counts its departures
 * (CURLOPT_PREREQFUNCTION): none means HTTP_NEVER_LEFT, and a second one by libcurl is stopped.
 * NULL with ERR_CONFIG (the certificate file cannot be read) or ERR_INTERNAL. */
struct http_pool *http_pool_open(const struct http_options *options, struct err *err);

/* Ends what is in flight without an answer. */
void http_pool_close(struct http_pool *pool);

unsigned http_pool_free(const struct http_pool *pool); /* slots without a request */

/* Starts a request in a free slot; its first bytes can leave at once. False with ERR_INTERNAL. */
bool http_pool_start(struct http_pool *pool, const struct http_request *request, struct err *err);

/* Transfers until an answer has come, timeout_ms has passed, fd (-1: none) is readable, or
 * http_pool_wake was called. It returns before it looks at fd when an answer is there already.
 * False with ERR_INTERNAL. */
bool http_pool_wait(struct http_pool *pool, int timeout_ms, int fd, struct err *err);

/* Ends the http_pool_wait that is running, or the next one. For any thread. */
void http_pool_wake(struct http_pool *pool);

/* Returns the next answer that has come, or NULL. http_pool_release frees its slot. */
struct http_answer *http_pool_next(struct http_pool *pool);
void http_pool_release(struct http_pool *pool, struct http_answer *answer);

/* Returns the Date of an answer that is not released, in whole seconds; 0 without one. */
int64_t http_pool_date_ms(const struct http_pool *pool, const struct http_answer *answer);

/* Checks the URL of a proxy as environment variables have it,
 * [SCHEME://][USER:PASSWORD@]HOST[:PORT]. name: of the variable, for the message. ERR_CONFIG when
 * libcurl would refuse it, or would take a part of a password for a host or a path. err contains
 * nothing of the text, because a password can be in it. */
bool http_proxy_check(const char *name, const char *text, struct err *err);
