/* One login and one request at a time, for `doctor`: whether login and API answer, and what. */
#pragma once

#include "core/base/err.h"
#include "core/http/pool.h"
#include "core/http/token.h"
#include "core/target/target.h"

#include <stdbool.h>
#include <stdint.h>

struct api_probe;
struct environment;

struct api_probe_options {
    const struct environment *environment;
    struct token_client client;
    const char *ca_file; /* NULL: the system's */
    const char *user_agent;
    int64_t timeout_ms; /* of each request */
};

/* An answer; zeroed before its first use. */
struct api_probe_answer {
    long status;
    int64_t latency_us;
    enum err_kind kind;           /* what the status means for a read: as api_probe_record has it */
    char code[128], message[512]; /* what the API says about an error; "" with a record */
    int64_t wait_ms;              /* what it asks us to wait; -1: nothing */
    char header[HTTP_WANTED_SIZE]; /* the header field that has the token; or "" */
    bool is_unread; /* of TARGET_SEVERAL: it does not say as described what happened to the row */
    struct buf body;
};

void api_probe_answer_release(struct api_probe_answer *answer);

/* NULL with ERR_CONFIG (the certificate file cannot be read) or ERR_INTERNAL. The texts of options
 * have to live until the probe is closed. */
struct api_probe *api_probe_open(const struct api_probe_options *options, struct err *err);
void api_probe_close(struct api_probe *probe);

/* From now on signals do not end requests: a record that was changed is to be put back. */
void api_probe_persist(struct api_probe *probe);

/* Asks for a token, once. False with ERR_AUTH or ERR_CONFIG as token_take has them, with
 * ERR_NETWORK where it should be asked again later, or with ERR_STOPPED. */
bool api_probe_login(struct api_probe *probe, struct api_probe_answer *answer, struct err *err);

/* Sends one request about a record, after a login, which it repeats when the token has expired, and
 * fills *answer: with TARGET_SEVERAL with the result of the row. True with a complete answer,
 * whatever its status. False: ERR_CONFIG (the certificate is not trusted, the answer is too large,
 * or the record id does not fit the target), ERR_NETWORK (no answer), ERR_STOPPED. */
bool api_probe_send(struct api_probe *probe, const struct target *target, enum target_request kind,
                    const struct target_row *row, struct api_probe_answer *answer, struct err *err);

/* Reads a record of a schema, as its target has it. True with 200, with a 404 of the API, and with
 * 429; see answer. False: ERR_AUTH (401, 403), ERR_CONFIG (it does not look like the API, or as
 * above), ERR_NETWORK (no answer, or 408 or 5xx), ERR_STOPPED. */
bool api_probe_record(struct api_probe *probe, const struct target *target, const char *schema,
                      const char *record_id, struct api_probe_answer *answer, struct err *err);

/* Computes how far our clock is ahead of the server's (negative: late), at least, by the Date of
 * the last answer that had one and by how long that answer took; 0 where both agree. False without
 * a Date. */
bool api_probe_clock_ahead_ms(const struct api_probe *probe, int64_t *ahead_ms);
