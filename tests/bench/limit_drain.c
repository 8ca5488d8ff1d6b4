/* What libcurl and the server can do at best: PUTs the bodies that `rowferry drain` would send,
 * over kept connections, and stores nothing. The reference of `make bench`.
 *
 *   limit_drain URL COUNT CONCURRENCY [ROWS]    (CA_FILE: whom to trust where the URL is https)
 *
 * With ROWS, COUNT requests of so many rows each are POSTed to an outbound contact list.
 * Each slot has one easy handle for the whole run, with everything constant set once. Bodies are
 * printed into the slot when they are due, so that no time is spent on memory. */
#include <curl/curl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct slot {
    CURL *easy;
    char url[256];
    char *body;
};

enum { ROW_MAX = 512 };

struct bench {
    CURLM *multi;
    struct curl_slist *headers;
    const char *base;
    struct slot *slots;
    long rows; /* of a request; 0: one row, in a PUT */
    long count, started, finished, failed;
};

static void check(int code, const char *what)
{
    if (code == 0)
        return;
    fprintf(stderr, "limit_drain: %s: %d\n", what, code);
    exit(1);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes;
    (void)context;
    return size * count;
}

/* The fields of row n, as the file of tests/bench/rows.awk has it; quote: around numbers. */
static int put_fields(char *at, long n, const char *quote)
{
    return snprintf(at, ROW_MAX,
                    "{\"sku\":\"WH-%04ld\",\"quantity\":%s%ld%s,\"price\":%s%ld.%02ld%s,"
                    "\"status\":\"active\",\"warehouseLocation\":\"%c-%02ld-%02ld\"}",
                    n % 10000, quote, n % 500, quote, quote, n % 90 + 1, n % 100, quote,
                    (int)('A' + n % 26), n % 20, n % 30);
}

static int put_update(char *at, long n)
{
    int size = snprintf(at, ROW_MAX, "{\"version\":1,\"fields\":");

    size += put_fields(at + size, n, "");
    return size + snprintf(at + size, ROW_MAX,
                           ",\"metadata\":{\"tags\":[\"api-update\"],\"source\":\"rowferry\","
                           "\"requestCorrelationId\":\"%08lx-1111-4222-8333-%012lx\"}}",
                           n, n);
}

/* Returns the size of a request of several rows. */
static int put_rows(char *at, long first, long count)
{
    int size = 0;

    for (long n = first; n < first + count; n++) {
        size += snprintf(at + size, ROW_MAX, "%c{\"data\":", n == first ? '[' : ',');
        size += put_fields(at + size, n, "\"");
        size += snprintf(at + size, ROW_MAX,
                         ",\"id\":\"%08lx-0000-4000-8000-%012lx\",\"contactListId\":\"L\"}", n, n);
    }
    at[size] = ']';
    return size + 1;
}

static void begin_next(struct bench *bench, struct slot *slot)
{
    long n = bench->started++;
    int size;

    if (bench->rows) {
        size = put_rows(slot->body, n * bench->rows, bench->rows);
    } else {
        snprintf(
            slot->url, sizeof slot->url,
            "%s/api/v2/customobjects/schemas/InventoryItem/records/%08lx-0000-4000-8000-%012lx",
            bench->base, n, n);
        check(curl_easy_setopt(slot->easy, CURLOPT_URL, slot->url), "url");
        size = put_update(slot->body, n);
    }
    check(curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE, (long)size), "size");
    check(curl_multi_add_handle(bench->multi, slot->easy), "add");
}

static void open_slot(struct bench *bench, struct slot *slot)
{
    slot->easy = curl_easy_init();
    slot->body = malloc((size_t)(bench->rows + 1) * ROW_MAX);
    check(slot->easy && slot->body ? 0 : 1, "memory");
    check(curl_easy_setopt(slot->easy, CURLOPT_PRIVATE, slot), "private");
    snprintf(slot->url, sizeof slot->url,
             "%s/api/v2/outbound/contactlists/L/contacts?doNotQueue=true", bench->base);
    check(curl_easy_setopt(slot->easy, CURLOPT_URL, slot->url), "url");
    check(curl_easy_setopt(slot->easy, CURLOPT_CUSTOMREQUEST, bench->rows ? "POST" : "PUT"),
          "method");
    check(curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, slot->body), "body");
    check(curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, bench->headers), "headers");
    check(curl_easy_setopt(slot->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS), "http");
    check(curl_easy_setopt(slot->easy, CURLOPT_PIPEWAIT, 1L), "pipewait");
    if (getenv("CA_FILE"))
        check(curl_easy_setopt(slot->easy, CURLOPT_CAINFO, getenv("CA_FILE")), "ca");
    check(curl_easy_setopt(slot->easy, CURLOPT_WRITEFUNCTION, on_body), "write");
    check(curl_easy_setopt(slot->easy, CURLOPT_NOSIGNAL, 1L), "nosignal");
    check(curl_easy_setopt(slot->easy, CURLOPT_PROXY, ""), "proxy");
}

static void end_one(struct bench *bench, const CURLMsg *message)
{
    CURL *easy = message->easy_handle;
    CURLcode code = message->data.result;
    struct slot *slot = NULL;
    long status = 0;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &slot);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK || status != 200) {
        if (bench->failed++ == 0)
            fprintf(stderr, "limit_drain: %s, status %ld\n", curl_easy_strerror(code), status);
    }
    bench->finished++;
    check(curl_multi_remove_handle(bench->multi, easy), "remove");
    if (bench->started < bench->count)
        begin_next(bench, slot);
}

static void drain(struct bench *bench)
{
    const CURLMsg *message;
    int running, left;

    while (bench->finished < bench->count) {
        check(curl_multi_perform(bench->multi, &running), "perform");
        while ((message = curl_multi_info_read(bench->multi, &left)))
            if (message->msg == CURLMSG_DONE)
                end_one(bench, message);
        if (bench->finished < bench->count)
            check(curl_multi_poll(bench->multi, NULL, 0, 1000, NULL), "poll");
    }
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    long concurrency = 0;

    if (argc == 4 || argc == 5) {
        bench.base = argv[1];
        bench.count = strtol(argv[2], NULL, 10);
        concurrency = strtol(argv[3], NULL, 10);
        bench.rows = argc == 5 ? strtol(argv[4], NULL, 10) : 0;
    }
    if (bench.count < 1 || bench.rows < 0 || concurrency < 1 || concurrency > bench.count) {
        fprintf(stderr, "usage: limit_drain URL COUNT CONCURRENCY [ROWS]\n");
        return 2;
    }
    check(curl_global_init(CURL_GLOBAL_DEFAULT), "curl");
    bench.multi = curl_multi_init();
    check(bench.multi ? 0 : 1, "multi");
    check(curl_multi_setopt(bench.multi, CURLMOPT_MAXCONNECTS, concurrency), "connections");
    bench.headers = curl_slist_append(bench.headers, "Content-Type: application/json");
    bench.headers = curl_slist_append(bench.headers, "Accept: application/json");
    bench.headers = curl_slist_append(bench.headers, "Authorization: Bearer bench-token");
    bench.slots = calloc((size_t)concurrency, sizeof *bench.slots);
    check(bench.headers && bench.slots ? 0 : 1, "memory");

    for (long i = 0; i < concurrency; i++) {
        open_slot(&bench, &bench.slots[i]);
        begin_next(&bench, &bench.slots[i]);
    }
    drain(&bench);

    for (long i = 0; i < concurrency; i++) {
        curl_easy_cleanup(bench.slots[i].easy);
        free(bench.slots[i].body);
    }
    curl_multi_cleanup(bench.multi);
    curl_slist_free_all(bench.headers);
    free(bench.slots);
    if (bench.failed)
        fprintf(stderr, "limit_drain: %ld of %ld failed\n", bench.failed, bench.count);
    return bench.failed ? 1 : 0;
}
