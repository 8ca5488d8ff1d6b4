#include "core/http/pool.h"

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/http/headers.h"
#include "core/http/redact.h"
#include "core/http/url.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    BODY_KEPT = 64 << 10,    /* the memory of a larger answer is freed */
    EXPECT_FROM = 512 << 10, /* libcurl asks before it sends a larger body, from 1 MiB on */
};

/* One request at a time. Options that are the same for all requests are set once. */
struct slot {
    CURL *easy;
    CURLU *place;     /* scheme, host and port of the last request */
    char *place_text; /* the same, as it is before the path; NULL: libcurl has a whole URL */
    size_t place_size;
    struct slot *next;                  /* in the list of free ones or of answers */
    struct curl_slist *request_headers; /* the last request's, used again while they fit */
    bool has_fields;                    /* ... and it had fields of its own */
    bool is_large;                      /* ... and a large body */
    const char *key_field;              /* the name of the field of authorization */
    const char *authorization;          /* the values in there, or NULL */
    const char *content_type;
    const char *user_agent; /* the whole field */
    enum http_method method;
    bool no_proxy;
    unsigned departures; /* how often libcurl was about to send this request */
    size_t body_max;     /* bytes of an answer that are kept */
    bool body_over;
    int64_t started_us;
    struct http_headers headers;
    struct buf body;
    char error[CURL_ERROR_SIZE];
    struct http_answer answer;
};

struct http_pool {
    CURLM *multi;
    struct curl_slist *agent; /* the User-Agent */
    struct slot *slots;
    unsigned slot_count, free_count;
    struct slot *free;
    struct slot *answers, *last_answer; /* in the order in which they came */
    int wake_fd;
};

/* CURLOPT_PREREQFUNCTION: there is a connection, and the request is about to leave. libcurl sends a
 * request again, also a PUT, when a reused connection dies before the first byte of the answer.
 * Whether the first one was applied is unknown then, so the second is stopped here. */
static int on_departure(void *context, char *remote_ip, char *local_ip, int remote_port,
                        int local_port)
{
    struct slot *slot = context;

    (void)remote_ip;
    (void)local_ip;
    (void)remote_port;
    (void)local_port;
    slot->departures++;
    return slot->departures == 1 ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

/* CURLOPT_HEADERFUNCTION: a whole line */
static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct slot *slot = context;

    return headers_take(&slot->headers, (struct span){bytes, size * count}) ? size * count : 0;
}

/* CURLOPT_WRITEFUNCTION: takes decoded bytes, so that the limit holds for compressed answers, too
 */
static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct slot *slot = context;
    size_t got = size * count;

    if (got > slot->body_max - slot->body.size) {
        slot->body_over = true;
        return 0;
    }
    buf_append(&slot->body, bytes, got);
    return got;
}

static const struct {
    CURLoption option;
    long value;
} fixed_options[] = {
    {CURLOPT_NOSIGNAL, 1},
    {CURLOPT_PATH_AS_IS, 1},
    {CURLOPT_FOLLOWLOCATION, 0},
    {CURLOPT_NETRC, CURL_NETRC_IGNORED},
    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS},
    {CURLOPT_HTTP09_ALLOWED, 0},
    {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
    {CURLOPT_SSL_VERIFYPEER, 1},
    {CURLOPT_SSL_VERIFYHOST, 2},
    {CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
    {CURLOPT_TCP_KEEPALIVE, 1},
    {CURLOPT_QUICK_EXIT, 1}, /* otherwise a name server that hangs stalls every slot */
};

/* Each option returns CURLE_OK, which is 0. */
static bool slot_open(struct slot *slot, const struct http_options *options,
                      struct curl_slist *agent)
{
    CURL *easy = curl_easy_init();
    unsigned failed = 0;

    slot->easy = easy;
    slot->place = curl_url();
    slot->user_agent = agent->data;
    slot->method = HTTP_GET;
    slot->key_field = options->key_field ? options->key_field : "Authorization";
    for (size_t i = 0; i < sizeof fixed_options / sizeof *fixed_options; i++)
        failed |= curl_easy_setopt(easy, fixed_options[i].option, fixed_options[i].value);
    failed |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    failed |= curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    failed |= curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, ""); /* all that libcurl decodes */
    failed |= curl_easy_setopt(easy, CURLOPT_PRIVATE, slot);
    failed |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, slot->error);
    failed |= curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_departure);
    failed |= curl_easy_setopt(easy, CURLOPT_PREREQDATA, slot);
    failed |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    failed |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, slot);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot);
    failed |= curl_easy_setopt(easy, CURLOPT_PROXYHEADER, agent);
    if (options->ca_file)
        failed |= curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
    return slot->place && !failed;
}

/* The list holds a token. */
static void list_release(struct curl_slist *headers)
{
    for (struct curl_slist *item = headers; item && item->data; item = item->next)
        explicit_bzero(item->data, strlen(item->data));
    curl_slist_free_all(headers);
}

static void slot_close(struct slot *slot)
{
    curl_easy_cleanup(slot->easy);
    curl_url_cleanup(slot->place);
    free(slot->place_text);
    list_release(slot->request_headers);
    if (slot->body.data)
        explicit_bzero(slot->body.data, slot->body.capacity);
    buf_release(&slot->body);
}

static bool pool_setup(struct http_pool *pool, const struct http_options *options, struct err *err)
{
    char *agent = mem_printf("User-Agent: %s", options->user_agent);

    pool->agent = curl_slist_append(NULL, agent);
    free(agent);
    if (pool->wake_fd < 0)
        return err_set(err, ERR_INTERNAL, "eventfd: %s", strerror(errno));
    pool->multi = curl_multi_init();
    if (!pool->multi || !pool->agent ||
        curl_multi_setopt(pool->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)options->slots) ||
        curl_multi_setopt(pool->multi, CURLMOPT_MAXCONNECTS, (long)options->slots))
        return err_set(err, ERR_INTERNAL, "libcurl's multi handle could not be created");
    for (unsigned i = 0; i < options->slots; i++) {
        struct slot *slot = &pool->slots[i];

        pool->slot_count++;
        if (!slot_open(slot, options, pool->agent))
            return err_set(err, ERR_INTERNAL, "libcurl %s lacks an option that is needed",
                           curl_version_info(CURLVERSION_NOW)->version);
        slot->next = pool->free;
        pool->free = slot;
    }
    pool->free_count = pool->slot_count;
    return true;
}

struct http_pool *http_pool_open(const struct http_options *options, struct err *err)
{
    struct http_pool *pool;

    if (options->ca_file && access(options->ca_file, R_OK) != 0) {
        err_set(err, ERR_CONFIG, "certificate file %s: %s", options->ca_file, strerror(errno));
        return NULL;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        err_set(err, ERR_INTERNAL, "libcurl could not be started");
        return NULL;
    }
    pool = mem_calloc(1, sizeof *pool);
    pool->slots = mem_calloc(options->slots, sizeof *pool->slots);
    pool->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (pool_setup(pool, options, err))
        return pool;
    http_pool_close(pool);
    return NULL;
}

void http_pool_close(struct http_pool *pool)
{
    if (!pool)
        return;
    for (unsigned i = 0; i < pool->slot_count; i++) {
        curl_multi_remove_handle(pool->multi, pool->slots[i].easy);
        slot_close(&pool->slots[i]);
    }
    curl_multi_cleanup(pool->multi);
    curl_slist_free_all(pool->agent);
    if (pool->wake_fd >= 0)
        close(pool->wake_fd);
    free(pool->slots);
    free(pool);
    curl_global_cleanup();
}

unsigned http_pool_free(const struct http_pool *pool)
{
    return pool->free_count;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct curl_slist *append_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);

    if (longer)
        *list = longer;
    return longer;
}

/* Appends `name: value`, or without a value `name:`, which keeps libcurl from sending its own.
 * Returns the value in the list, or NULL. */
static const char *append_header(struct curl_slist **list, const char *name, const char *value)
{
    char *line = mem_printf("%s:%s%s", name, value ? " " : "", value ? value : "");
    struct curl_slist *longer = append_line(list, line);
    const char *kept = NULL;

    if (longer) {
        while (longer->next)
            longer = longer->next;
        kept = value ? longer->data + strlen(name) + 2 : NULL;
    }
    explicit_bzero(line, strlen(line));
    free(line);
    return kept;
}

/* Sets the header list for the request: the last one, if both values are the same and neither
 * request has further fields. Each line costs libcurl 20 comparisons. Returns 0 or the error of
 * libcurl. */
static unsigned slot_list(struct slot *slot, const struct http_request *request)
{
    struct curl_slist *list = NULL;
    const char *authorization = NULL, *content_type;
    bool is_large = request->body.size >= EXPECT_FROM, complete;

    if (slot->request_headers && same_text(slot->authorization, request->authorization) &&
        same_text(slot->content_type, request->content_type) && slot->is_large == is_large &&
        !slot->has_fields && !request->fields)
        return 0;
    complete =
        append_line(&list, slot->user_agent) && append_header(&list, "Accept", "application/json");
    if (is_large)
        complete = append_line(&list, "Expect:") && complete;
    /* answers to updates are short: no compression is asked for, but it is decoded if it comes */
    if (request->content_type)
        complete = append_line(&list, "Accept-Encoding:") && complete;
    content_type = append_header(&list, "Content-Type", request->content_type);
    if (request->authorization)
        authorization = append_header(&list, slot->key_field, request->authorization);
    for (const struct http_field *field = request->fields; field && field->name; field++)
        complete = append_header(&list, field->name, field->value) && complete;
    if (!complete || !same_text(authorization, request->authorization) ||
        !same_text(content_type, request->content_type)) {
        list_release(list);
        return CURLE_OUT_OF_MEMORY;
    }
    list_release(slot->request_headers);
    slot->request_headers = list;
    slot->authorization = authorization;
    slot->content_type = content_type;
    slot->has_fields = request->fields;
    slot->is_large = is_large;
    return curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, list);
}

/* PUT and PATCH are libcurl's POST under another name: so the body stays where it is, uncopied.
 * Returns 0 or libcurl's error. */
static unsigned slot_method(struct slot *slot, const struct http_request *request)
{
    static const char *const names[HTTP_METHODS] = {[HTTP_PUT] = "PUT", [HTTP_PATCH] = "PATCH"};
    unsigned failed = 0;

    if (slot->method != request->method) {
        failed |= curl_easy_setopt(slot->easy, CURLOPT_CUSTOMREQUEST, names[request->method]);
        if (request->method == HTTP_GET)
            failed |= curl_easy_setopt(slot->easy, CURLOPT_HTTPGET, 1L);
        slot->method = request->method;
    }
    if (request->method == HTTP_GET)
        return failed;
    failed |= curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS,
                               request->body.size ? request->body.data : "");
    failed |=
        curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
    return failed;
}

/* True when path and query can be sent as they are: with a slash first, no fragment, and nothing
 * that libcurl would refuse or encode. */
static bool is_target(const char *text)
{
    if (text[0] != '/')
        return false;
    while (*text > ' ' && *text < 0x7f && *text != '#')
        text++;
    return !*text;
}

/* Takes scheme, host and port of the URL for this and later requests. The proxy of the environment
 * is used for all hosts except loopback; plain http through a proxy needs the whole URL in the
 * request. Returns 0 or libcurl's error. */
static unsigned slot_move(struct slot *slot, const char *text)
{
    struct url url = {0};
    bool understood = url_parse(span_of(text), &url);
    bool no_proxy = understood && url_host_is_loopback(url.host);
    unsigned failed = 0;

    free(slot->place_text);
    slot->place_text = NULL;
    if (understood && !url.has_user && (no_proxy || url.scheme.size == 5) &&
        is_target(url.rest.data)) {
        slot->place_size = (size_t)(url.rest.data - text);
        slot->place_text = mem_printf("%.*s", (int)slot->place_size, text);
        if (curl_url_set(slot->place, CURLUPART_URL, slot->place_text, 0) != CURLUE_OK) {
            free(slot->place_text);
            slot->place_text = NULL;
        }
    }
    failed |= curl_easy_setopt(slot->easy, CURLOPT_CURLU, slot->place_text ? slot->place : NULL);
    if (slot->no_proxy != no_proxy)
        failed |= curl_easy_setopt(slot->easy, CURLOPT_NOPROXY, no_proxy ? "*" : NULL);
    slot->no_proxy = no_proxy;
    return failed;
}

/* Sets the URL. What is before the path is parsed once for all requests to one place: libcurl takes
 * it apart and prints it again for each request that has a whole URL, which is a quarter of what a
 * request costs. Returns 0 or libcurl's error. */
static unsigned slot_url(struct slot *slot, const char *text)
{
    unsigned failed = 0;

    if (!slot->place_text || strncmp(text, slot->place_text, slot->place_size) != 0 ||
        !is_target(text + slot->place_size))
        failed |= slot_move(slot, text);
    if (!slot->place_text)
        failed |= curl_easy_setopt(slot->easy, CURLOPT_URL, text);
    failed |= curl_easy_setopt(slot->easy, CURLOPT_REQUEST_TARGET,
                               slot->place_text ? text + slot->place_size : NULL);
    return failed;
}

static void slot_reset(struct slot *slot, unsigned index)
{
    slot->departures = 0;
    slot->body_over = false;
    headers_reset(&slot->headers);
    slot->error[0] = '\0';
    buf_reset(&slot->body);
    slot->answer.slot = index;
}

bool http_pool_start(struct http_pool *pool, const struct http_request *request, struct err *err)
{
    struct slot *slot = pool->free;
    unsigned failed = 0;

    if (!slot)
        return err_set(err, ERR_INTERNAL, "a request was started without a free slot");
    slot_reset(slot, (unsigned)(slot - pool->slots));
    slot->headers.wanted_name = request->wanted;
    slot->body_max = request->answer_max ? request->answer_max : HTTP_BODY_MAX;
    failed |= slot_list(slot, request);
    failed |= slot_method(slot, request);
    failed |= slot_url(slot, request->url);
    failed |= curl_easy_setopt(slot->easy, CURLOPT_FRESH_CONNECT, (long)request->new_connection);
    failed |= curl_easy_setopt(slot->easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    if (failed)
        return err_set(err, ERR_INTERNAL, "libcurl refuses an option of a request");
    slot->answer.context = request->context;
    slot->answer.started_ms = clock_now_ms();
    slot->started_us = clock_monotonic_us();
    if (curl_multi_add_handle(pool->multi, slot->easy) != CURLM_OK)
        return err_set(err, ERR_INTERNAL, "libcurl does not start a request");
    pool->free = slot->next;
    slot->next = NULL;
    pool->free_count--;
    return true;
}

/* True of the errors that mean a certificate which is not trusted. */
static bool is_untrusted(CURLcode code)
{
    static const CURLcode codes[] = {CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE,
                                     CURLE_SSL_ISSUER_ERROR, CURLE_SSL_PINNEDPUBKEYNOTMATCH,
                                     CURLE_SSL_INVALIDCERTSTATUS};

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i] == code)
            return true;
    return false;
}

/* A server can answer before it has read the whole request, and then close or read no more (RFC
 * 9112 section 9.3). The answer counts if its whole Content-Length came. */
static bool answered_early(const struct slot *slot, CURLcode code)
{
    curl_off_t length = -1, got = 0;

    if (code != CURLE_SEND_ERROR && code != CURLE_OPERATION_TIMEDOUT)
        return false;
    curl_easy_getinfo(slot->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    curl_easy_getinfo(slot->easy, CURLINFO_SIZE_DOWNLOAD_T, &got);
    return length == got;
}

static enum http_end slot_end(const struct slot *slot, CURLcode code)
{
    long connect_status = 0;

    curl_easy_getinfo(slot->easy, CURLINFO_HTTP_CONNECTCODE, &connect_status);
    if (slot->departures == 0 && connect_status == 407)
        return HTTP_PROXY;
    if (slot->departures == 0)
        return is_untrusted(code) ? HTTP_UNTRUSTED : HTTP_NEVER_LEFT;
    if (slot->body_over)
        return HTTP_TOO_LARGE;
    /* libcurl takes headers that were cut off for a complete answer without a body */
    if (slot->departures > 1 || !slot->answer.status || !slot->headers.ended)
        return HTTP_CUT;
    return code == CURLE_OK || answered_early(slot, code) ? HTTP_DONE : HTTP_CUT;
}

/* Says why there is no complete answer, in our words where those of libcurl would mislead. */
static void slot_explain(struct slot *slot, CURLcode code)
{
    const char *text = slot->error[0] ? slot->error : curl_easy_strerror(code);
    char own[HTTP_ERROR_SIZE] = "";
    struct span said;

    if (slot->departures > 1)
        snprintf(own, sizeof own, "the connection closed before an answer came");
    else if (slot->body_over)
        snprintf(own, sizeof own, "the answer is longer than %zu bytes", slot->body_max);
    else if (slot->headers.size > HEADERS_MAX || code == CURLE_OUT_OF_MEMORY)
        snprintf(own, sizeof own, "the answer's headers are longer than %d bytes", HEADERS_MAX);
    else if (strncmp(text, "Unsupported proxy", 17) == 0) /* quotes the URL, cut somewhere */
        snprintf(own, sizeof own, "the proxy that the environment names cannot be used");
    else if (code == CURLE_OK)
        snprintf(own, sizeof own, "the connection closed within the headers of an answer");
    said = span_of(own[0] ? own : text);
    while (said.size && said.data[said.size - 1] == ' ') /* some texts of libcurl end with blanks */
        said.size--;
    str_printable(said, slot->answer.error, HTTP_ERROR_SIZE);
    redact_user_info(slot->answer.error);
}

static void slot_finish(struct slot *slot, CURLcode code)
{
    struct http_answer *answer = &slot->answer;
    char *correlation = slot->headers.kept[HEADERS_CORRELATION];
    long status = 0;

    answer->ended_ms = clock_now_ms();
    answer->latency_us = clock_monotonic_us() - slot->started_us;
    curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
    answer->status = status >= 200 ? status : 0; /* not of an interim answer */
    answer->end = slot_end(slot, code);
    answer->error[0] = '\0';
    answer->body = (struct span){0};
    redact(slot->body.data, slot->body.size, slot->authorization);
    redact(correlation, strlen(correlation), slot->authorization);
    redact(slot->headers.wanted, strlen(slot->headers.wanted), slot->authorization);
    answer->wanted = slot->headers.wanted;
    if (answer->end == HTTP_DONE)
        answer->body = buf_span(&slot->body);
    else
        slot_explain(slot, code);
    answer->retry_after_ms = headers_retry_after_ms(&slot->headers, answer->ended_ms);
    str_printable(span_of(correlation), answer->correlation, HTTP_HEADER_SIZE);
}

static bool pool_perform(struct http_pool *pool, struct err *err)
{
    CURLMcode result;
    CURLMsg *message;
    int count;

    result = curl_multi_perform(pool->multi, &count);
    if (result != CURLM_OK)
        return err_set(err, ERR_INTERNAL, "libcurl: %s", curl_multi_strerror(result));
    while ((message = curl_multi_info_read(pool->multi, &count))) {
        CURLcode code = message->data.result; /* gone with the handle's removal */
        CURL *easy = message->easy_handle;
        struct slot *slot = NULL;

        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &slot);
        slot_finish(slot, code);
        curl_multi_remove_handle(pool->multi, easy);
        if (pool->answers)
            pool->last_answer->next = slot;
        else
            pool->answers = slot;
        pool->last_answer = slot;
    }
    return true;
}

bool http_pool_wait(struct http_pool *pool, int timeout_ms, int fd, struct err *err)
{
    int64_t end_us = clock_monotonic_us() + (int64_t)timeout_ms * 1000;
    uint64_t wakes;

    for (;;) {
        struct curl_waitfd extra[] = {{.fd = pool->wake_fd, .events = CURL_WAIT_POLLIN},
                                      {.fd = fd, .events = CURL_WAIT_POLLIN}};
        CURLMcode result;
        int64_t left_us;

        if (!pool_perform(pool, err))
            return false;
        left_us = end_us - clock_monotonic_us();
        if (pool->answers || left_us <= 0)
            return true;
        result = curl_multi_poll(pool->multi, extra, fd >= 0 ? 2 : 1, (int)((left_us + 999) / 1000),
                                 NULL);
        if (result != CURLM_OK)
            return err_set(err, ERR_INTERNAL, "libcurl: %s", curl_multi_strerror(result));
        /* what else is ready is looked at by the next call, since libcurl looks at all transfers */
        if (extra[0].revents && read(pool->wake_fd, &wakes, sizeof wakes) == sizeof wakes)
            return true;
        if (extra[1].revents)
            return pool_perform(pool, err);
    }
}

void http_pool_wake(struct http_pool *pool)
{
    static const uint64_t one = 1;

    /* fails only if the counter is full, which ends the wait as well */
    if (write(pool->wake_fd, &one, sizeof one) < 0)
        return;
}

struct http_answer *http_pool_next(struct http_pool *pool)
{
    struct slot *slot = pool->answers;

    if (!slot)
        return NULL;
    pool->answers = slot->next;
    return &slot->answer;
}

int64_t http_pool_date_ms(const struct http_pool *pool, const struct http_answer *answer)
{
    return headers_date_ms(&pool->slots[answer->slot].headers);
}

void http_pool_release(struct http_pool *pool, struct http_answer *answer)
{
    struct slot *slot = &pool->slots[answer->slot];

    /* the answer to a POST may hold a token */
    if (slot->method == HTTP_POST && slot->body.size)
        explicit_bzero(slot->body.data, slot->body.size);
    if (slot->body.capacity > BODY_KEPT)
        buf_release(&slot->body);
    slot->next = pool->free;
    pool->free = slot;
    pool->free_count++;
}

/* The schemes of parse_proxy in libcurl (lib/url.c). */
static bool proxy_scheme_is_known(const char *scheme)
{
    static const char *const schemes[] = {"http",    "socks",  "socks4",
                                          "socks4a", "socks5", "socks5h"};
    bool https = curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTPS_PROXY;

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strcasecmp(scheme, schemes[i]) == 0)
            return true;
    return https && strcasecmp(scheme, "https") == 0;
}

/* True when the part can be decoded or is missing. CURLU_URLDECODE refuses control characters. */
static bool proxy_part_decodes(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    CURLUcode code = curl_url_get(url, part, &text, CURLU_URLDECODE);

    if (text)
        explicit_bzero(text, strlen(text));
    curl_free(text);
    return code == CURLUE_OK || code == CURLUE_NO_USER || code == CURLUE_NO_PASSWORD;
}

static const char *proxy_fault(CURLU *url, const char *text)
{
    CURLUcode code =
        curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME);
    const char *start = strstr(text, "://"), *authority = start ? start + 3 : text;
    char *scheme = NULL;
    bool known;

    if (code != CURLUE_OK)
        return curl_url_strerror(code);
    if (strchr(authority + strcspn(authority, "/?#"), '@'))
        return "there is an @ after the host";
    if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
        return "it has no scheme";
    known = proxy_scheme_is_known(scheme);
    curl_free(scheme);
    if (!known)
        return "the scheme is not http, https, socks4, socks4a, socks5 or socks5h";
    if (!proxy_part_decodes(url, CURLUPART_USER) || !proxy_part_decodes(url, CURLUPART_PASSWORD))
        return "the user name or the password holds a control character";
    return NULL;
}

bool http_proxy_check(const char *name, const char *text, struct err *err)
{
    CURLU *url = curl_url();
    const char *fault = url ? proxy_fault(url, text) : "out of memory";

    curl_url_cleanup(url);
    return !fault ||
           err_set(err, ERR_CONFIG,
                   "%s is not the URL of a proxy (%s): write http://HOST:PORT or "
                   "http://USER:PASSWORD@HOST:PORT, and # / ? @ and blanks within user name and "
                   "password as %%23 %%2F %%3F %%40 %%20",
                   name, fault);
}
