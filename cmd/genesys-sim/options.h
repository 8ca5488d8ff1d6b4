/* Options of the command line, some of which can be changed while the simulator runs. */
#pragma once

#include "cmd/genesys-sim/distort.h"
#include "cmd/genesys-sim/faults.h"
#include "cmd/genesys-sim/pace.h"
#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* How a 429 gives the wait. */
enum wait_form { WAIT_SECONDS, WAIT_FIXED, WAIT_DATE, WAIT_MESSAGE, WAIT_NONE };

/* The requests that a fixed answer applies to, as bits. */
enum answer_scope {
    ANSWER_PUT = 1,
    ANSWER_GET = 2,
    ANSWER_ERP = 4,
    ANSWER_EARLY = 8,  /* an update, before its body is read */
    ANSWER_TOKEN = 16, /* the prefix is compared with the client id */
    ANSWER_AUDIT = 32  /* ... with the first id of the query */
};

/* Every request in scopes for a record whose id starts with prefix gets status; status 0: it is
 * handled as usual. */
struct fixed_answer {
    unsigned scopes;
    unsigned status;
    int64_t times; /* answers still to give; negative: any number */
    bool reused;   /* only on a connection that has served a request */
    char *prefix;
    char *code; /* NULL: the status's usual one */
};

/* Owns its texts. A text that was not given is NULL, except where noted. */
struct options {
    int64_t port;                    /* 0: a free one */
    char *client_id, *client_secret; /* never NULL */
    char *jwt_issuer;
    char *api_key; /* NAME:VALUE of a header field that is wanted instead of a token */
    char *records_path, *ledger_path, *requests_path, *notifications_path;
    char *webhook_url, *webhook_secret, *erp_secret;
    char *tls_cert_path, *tls_key_path; /* both, or neither: plain http */
    int64_t token_lifetime_us;
    int64_t base_version;
    int64_t latency_ms, login_latency_ms, stall_ms, late_ms, audit_lag_ms, read_lag_ms;
    int64_t webhook_delay_ms, webhook_retries, erp_latency_ms;
    int64_t expires_in;    /* of a login's answer; INT64_MIN: the lifetime */
    int64_t date_offset_s; /* added to the Date of answers */
    int64_t retry_after_s; /* for WAIT_FIXED */
    int64_t max_seconds;
    int64_t bulk_max; /* rows of a bulk request, then 413; 0: what the API allows */
    int64_t seed;
    int64_t fault_limit; /* faults still to come; negative: any number */
    bool upsert;         /* a PUT creates a REST record that is missing */
    bool only_seeded, bare_conflicts, with_parent, help;
    enum wait_form wait_form;
    struct pace token_limit, rate_limit;
    struct faults faults;
    struct distortions distortions;
    struct fixed_answer *answer;
    size_t answer_count;
};

/* Sets the defaults. */
void options_init(struct options *options);

void options_release(struct options *options);

/* Reads `--name value`, `--name=value` and flags. After an error options can only be released. */
bool options_parse(struct options *options, int argc, char *const *argv, struct err *err);

/* Changes one option while the simulator runs, if the help marks it with *. On an error the old
 * value stays. */
bool options_change(struct options *options, const char *name, const char *value, struct err *err);

/* Writes the help text with the lists of faults, distortions and control requests. */
void options_help(FILE *out);

/* Returns the fixed answer for a request of this scope (one bit) about id, on a connection that is
 * reused or not: the last option that matches. NULL when the request is handled as usual. */
struct fixed_answer *options_answer(const struct options *options, enum answer_scope scope,
                                    const char *id, bool reused);
