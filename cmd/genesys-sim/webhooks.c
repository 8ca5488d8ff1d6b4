#include "cmd/genesys-sim/webhooks.h"

#include "core/base/base64.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/http/pool.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLOTS = 8,
    LOOK_AHEAD = 256,
    RETRY_US = 1000000,
    POSTPONED_US = 1000000,
    TIMEOUT_MS = 5000,
    ID_SIZE = 64
};

struct notification {
    struct notification *next;
    uint64_t number;
    char webhook_id[ID_SIZE];
    char *record_id;
    struct buf body;
    enum distort_kind kind; /* DISTORT_KINDS: as it should be */
    int64_t due_us, at_ms;
    unsigned attempt; /* so far */
    char timestamp[24];
    struct buf signature, hub; /* of the last attempt; empty: none */
    bool in_flight, ended;
};

void webhooks_init(struct webhooks *webhooks, struct options *options, struct ledger *ledger)
{
    *webhooks = (struct webhooks){.options = options, .ledger = ledger, .end = &webhooks->first};
}

static void free_one(struct notification *notification)
{
    free(notification->record_id);
    buf_release(&notification->body);
    buf_release(&notification->signature);
    buf_release(&notification->hub);
    free(notification);
}

void webhooks_release(struct webhooks *webhooks)
{
    http_pool_close(webhooks->pool);
    while (webhooks->first) {
        struct notification *next = webhooks->first->next;

        free_one(webhooks->first);
        webhooks->first = next;
    }
    if (webhooks->postponed)
        free_one(webhooks->postponed);
    *webhooks = (struct webhooks){0};
}

/* HMAC-SHA256. */
static void mac(const char *secret, struct span text, unsigned char digest[EVP_MAX_MD_SIZE],
                unsigned *size)
{
    static const char prefix[] = "whsec_";
    struct buf key = {0};

    if (!str_starts(secret, prefix) ||
        !base64_decode(&key, span_of(secret + strlen(prefix)), BASE64_PADDED)) {
        buf_reset(&key);
        buf_append_text(&key, secret);
    }
    HMAC(EVP_sha256(), buf_text(&key), (int)key.size, (const unsigned char *)text.data, text.size,
         digest, size);
    buf_release(&key);
}

void webhooks_sign(const char *secret, const char *id, const char *timestamp, struct span body,
                   struct buf *out)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct buf text = {0};
    unsigned size;

    buf_printf(&text, "%s.%s.", id, timestamp);
    buf_append_span(&text, body);
    mac(secret, buf_span(&text), digest, &size);
    buf_append_text(out, "v1,");
    base64_encode(out, (struct span){(const char *)digest, size}, BASE64_PADDED);
    buf_release(&text);
}

static void sign_hub(const char *secret, struct span body, struct buf *out)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char digits[2 * EVP_MAX_MD_SIZE + 1];
    unsigned size;

    mac(secret, body, digest, &size);
    str_hex(digest, size, digits);
    buf_printf(out, "sha256=%s", digits);
}

/* Builds the body that docs/api.md describes, with the metadata of the record, which shows whose
 * update it was. */
static void build(struct webhooks *webhooks, struct notification *notification,
                  const struct ledger_update *update, struct span metadata)
{
    struct buf *body = &notification->body;
    char at[CLOCK_ISO_SIZE];

    buf_append_text(body, "{\"action\":\"update\",\"schemaName\":\"");
    buf_append_json(body, span_of(update->schema));
    buf_append_text(body, "\",\"record\":{\"id\":\"");
    buf_append_json(body, span_of(update->id));
    buf_printf(body, "\",\"modifiedTime\":\"%s\",\"modifiedBy\":{\"id\":\"",
               clock_iso(update->at_ms, at));
    buf_append_json(body, span_of(update->foreign ? "someone-else" : webhooks->options->client_id));
    buf_append_text(body, "\"},\"fields\":");
    buf_append_json_text(body, update->fields);
    if (metadata.size && !distort_draws(&webhooks->options->distortions, DISTORT_WEBHOOK,
                                        DISTORT_NO_METADATA, notification->number)) {
        buf_append_text(body, ",\"metadata\":");
        buf_append_json_text(body, metadata);
    }
    buf_append_text(body, "}}");
}

static void append(struct webhooks *webhooks, struct notification *notification)
{
    *webhooks->end = notification;
    webhooks->end = &notification->next;
    webhooks->count++;
}

static struct notification *copy_of(const struct notification *notification)
{
    struct notification *copy = mem_calloc(1, sizeof *copy);

    *copy = *notification;
    copy->record_id = mem_strdup(notification->record_id);
    copy->body = (struct buf){0};
    buf_append_span(&copy->body, buf_span(&notification->body));
    return copy;
}

void webhooks_add(struct webhooks *webhooks, const struct ledger_update *update,
                  struct span metadata)
{
    struct distortions *distortions = &webhooks->options->distortions;
    struct notification *notification, *postponed = webhooks->postponed;
    uint64_t number = ++webhooks->numbers;

    if (!webhooks->options->webhook_url || !*webhooks->options->webhook_url ||
        distort_draws(distortions, DISTORT_WEBHOOK, DISTORT_LOST, number))
        return;
    notification = mem_calloc(1, sizeof *notification);
    notification->number = number;
    snprintf(notification->webhook_id, ID_SIZE, "msg_%016" PRIx64 "%08" PRIx64,
             faults_mix((uint64_t)webhooks->options->seed, number), number);
    notification->record_id = mem_strdup(update->id);
    notification->due_us = clock_monotonic_us() + webhooks->options->webhook_delay_ms * 1000;
    notification->kind = distort_draw_one(distortions, DISTORT_WEBHOOK, DISTORT_NO_WEBHOOK_ID,
                                          DISTORT_BAD_SIGNATURE, number);
    build(webhooks, notification, update, metadata);
    webhooks->postponed = NULL;
    if (distort_draws(distortions, DISTORT_WEBHOOK, DISTORT_REORDERED, number)) {
        webhooks->postponed = notification;
    } else {
        append(webhooks, notification);
        if (distort_draws(distortions, DISTORT_WEBHOOK, DISTORT_DUPLICATED, number))
            append(webhooks, copy_of(notification));
    }
    if (postponed)
        append(webhooks, postponed);
}

/* --- sending --- */

/* Whether an earlier one of the record is in flight or waits to be sent again. */
static bool is_behind(const struct webhooks *webhooks, const struct notification *notification)
{
    for (const struct notification *one = webhooks->first; one != notification; one = one->next)
        if (!one->ended && strcmp(one->record_id, notification->record_id) == 0)
            return true;
    return false;
}

/* The header fields of the next attempt, the last without a name. */
static void list_fields(struct webhooks *webhooks, struct notification *notification,
                        struct http_field fields[5])
{
    const char *secret = webhooks->options->webhook_secret;
    bool with_id = notification->kind != DISTORT_NO_WEBHOOK_ID;
    unsigned count = 0;

    snprintf(notification->timestamp, sizeof notification->timestamp, "%" PRId64,
             clock_now_ms() / 1000);
    buf_reset(&notification->signature);
    buf_reset(&notification->hub);
    if (with_id) {
        fields[count++] = (struct http_field){"webhook-id", notification->webhook_id};
        fields[count++] = (struct http_field){"webhook-timestamp", notification->timestamp};
    }
    if (notification->kind == DISTORT_BAD_SIGNATURE)
        secret = "not the secret";
    if (secret && notification->kind != DISTORT_UNSIGNED) {
        sign_hub(secret, buf_span(&notification->body), &notification->hub);
        fields[count++] = (struct http_field){"X-Hub-Signature-256", buf_text(&notification->hub)};
    }
    if (with_id && notification->hub.size) {
        webhooks_sign(secret, notification->webhook_id, notification->timestamp,
                      buf_span(&notification->body), &notification->signature);
        fields[count++] =
            (struct http_field){"webhook-signature", buf_text(&notification->signature)};
    }
    fields[count] = (struct http_field){NULL, NULL};
}

static bool start(struct webhooks *webhooks, struct notification *notification, struct err *err)
{
    const struct http_options pool = {.slots = SLOTS, .user_agent = "genesys-sim"};
    struct http_field fields[5];

    if (!webhooks->pool)
        webhooks->pool = http_pool_open(&pool, err);
    if (!webhooks->pool)
        return false;
    list_fields(webhooks, notification, fields);
    notification->in_flight = true;
    notification->attempt++;
    notification->at_ms = clock_now_ms();
    webhooks->in_flight++;
    return http_pool_start(webhooks->pool,
                           &(struct http_request){.method = HTTP_POST,
                                                  .url = webhooks->options->webhook_url,
                                                  .content_type = "application/json",
                                                  .fields = fields,
                                                  .body = buf_span(&notification->body),
                                                  .timeout_ms = TIMEOUT_MS,
                                                  .context = notification},
                           err);
}

bool webhooks_send(struct webhooks *webhooks, int64_t now_us, struct err *err)
{
    unsigned looked_at = 0;

    while (webhooks->first && webhooks->first->ended) {
        struct notification *ended = webhooks->first;

        webhooks->first = ended->next;
        if (!webhooks->first)
            webhooks->end = &webhooks->first;
        webhooks->count--;
        free_one(ended);
    }
    if (webhooks->postponed && webhooks->postponed->due_us + POSTPONED_US <= now_us) {
        append(webhooks, webhooks->postponed);
        webhooks->postponed = NULL;
    }
    for (struct notification *one = webhooks->first;
         one && webhooks->in_flight < SLOTS && looked_at++ < LOOK_AHEAD; one = one->next)
        if (!one->in_flight && !one->ended && one->due_us <= now_us && !is_behind(webhooks, one) &&
            !start(webhooks, one, err))
            return false;
    return true;
}

int64_t webhooks_wait_us(const struct webhooks *webhooks, int64_t now_us)
{
    const struct notification *postponed = webhooks->postponed;
    int64_t wait_us = -1;
    unsigned looked_at = 0;

    if (postponed) {
        wait_us = postponed->due_us + POSTPONED_US - now_us;
        wait_us = wait_us > 0 ? wait_us : 0;
    }
    for (const struct notification *one = webhooks->first;
         one && webhooks->in_flight < SLOTS && looked_at++ < LOOK_AHEAD; one = one->next) {
        int64_t left_us = one->due_us > now_us ? one->due_us - now_us : 0;

        if (!one->in_flight && !one->ended && (wait_us < 0 || left_us < wait_us) &&
            !is_behind(webhooks, one))
            wait_us = left_us;
    }
    return wait_us;
}

/* Done when it was answered 2xx, or was sent often enough. */
static bool take_answer(struct webhooks *webhooks, const struct http_answer *answer,
                        struct err *err)
{
    struct notification *notification = answer->context;
    bool accepted = answer->end == HTTP_DONE && answer->status / 100 == 2;
    const struct ledger_notification line = {
        .number = notification->number,
        .webhook_id = notification->kind == DISTORT_NO_WEBHOOK_ID ? NULL : notification->webhook_id,
        .id = notification->record_id,
        .attempt = notification->attempt,
        .status = answer->end == HTTP_DONE ? answer->status : 0,
        .error = answer->error,
        .distorted = notification->kind < DISTORT_KINDS ? distort_name(notification->kind) : NULL,
        .at_ms = notification->at_ms,
        .ended_ms = clock_now_ms(),
        .timestamp = notification->timestamp,
        .signature = notification->signature.size ? buf_text(&notification->signature) : NULL,
        .hub = notification->hub.size ? buf_text(&notification->hub) : NULL,
        .body = buf_span(&notification->body),
    };

    webhooks->in_flight--;
    notification->in_flight = false;
    notification->due_us = clock_monotonic_us() + RETRY_US;
    notification->ended = accepted || notification->attempt > webhooks->options->webhook_retries;
    return ledger_add_notification(webhooks->ledger, &line, err);
}

bool webhooks_work(struct webhooks *webhooks, int wait_ms, int fd, struct err *err)
{
    struct http_answer *answer;
    bool fine = http_pool_wait(webhooks->pool, wait_ms, fd, err);

    while (fine && (answer = http_pool_next(webhooks->pool))) {
        fine = take_answer(webhooks, answer, err);
        http_pool_release(webhooks->pool, answer);
    }
    return fine;
}
