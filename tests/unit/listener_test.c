/* The server for notifications over loopback: what each request is answered, what is stored before
 * it is, and the limits of time, memory and connections. */
#include "core/notify/listener.h"

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/notify/address.h"
#include "tests/lib/store_fixture.h"
#include "tests/unit/clock_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum { BODY_MAX = 1048576 };

/* --- what the program asks of the system --- */

static int stop_event;
static atomic_bool stopping;

int stop_fd(void)
{
    return stop_event;
}

bool stop_requested(void)
{
    eventfd_t wakes;

    eventfd_read(stop_event, &wakes);
    return stopping;
}

bool stop_noted(void)
{
    return stopping;
}

bool stop_wait_ms(int ms)
{
    (void)ms;
    return stopping;
}

/* Of the listener's next wait. */
static atomic_int poll_errno;

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    int code = count == 4 ? atomic_exchange(&poll_errno, 0) : 0;

    errno = code;
    return code ? -1 : (int)syscall(SYS_poll, fds, count, timeout_ms);
}

static atomic_bool counts_no_bytes;

int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict size)
{
    if (counts_no_bytes && level == IPPROTO_TCP && name == TCP_INFO)
        return -1;
    return (int)syscall(SYS_getsockopt, fd, level, name, value, size);
}

/* Bytes that the listener has read. The clients of these tests use read(2). */
static atomic_size_t heard;

ssize_t recv(int fd, void *bytes, size_t size, int flags)
{
    ssize_t got = syscall(SYS_recvfrom, fd, bytes, size, flags, NULL, NULL);

    if (got > 0)
        heard += (size_t)got;
    return got;
}

static struct rlimit descriptors;
static bool has_no_limit;

/* The address sanitizer calls both before it is ready itself. */
#define UNCHECKED __attribute__((no_sanitize("address", "undefined")))

UNCHECKED int getrlimit(__rlimit_resource_t resource, struct rlimit *limit)
{
    (void)resource;
    *limit = descriptors;
    return has_no_limit ? -1 : 0;
}

UNCHECKED int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
    (void)resource;
    descriptors = *limit;
    return 0;
}

/* --- the scene --- */

struct scene {
    struct fixture *fixture;
    struct listener_options options;
    struct listener *listener;
    pthread_t thread;
    char host[64];
    int port;
    bool fine;
    struct err err;
    atomic_int ticks, stores;
    struct listener_counts counts; /* when it has ended */
    struct buf answer;
    char *certificate, *key;
};

static void on_tick(void *context)
{
    ((struct scene *)context)->ticks++;
}

static void on_stored(void *context)
{
    ((struct scene *)context)->stores++;
}

static void print_more(void *context, struct buf *out)
{
    (void)context;
    buf_append_text(out, "of_the_caller 1\n");
}

static int begin(void **state)
{
    struct scene *scene = mem_calloc(1, sizeof *scene);
    void *fixture;

    fixture_begin(&fixture);
    scene->fixture = fixture;
    scene->options = (struct listener_options){.store = scene->fixture->store,
                                               .stored = on_stored,
                                               .tick = on_tick,
                                               .print_metrics = print_more,
                                               .context = scene};
    stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    stopping = false;
    descriptors = (struct rlimit){4096, 4096};
    *state = scene;
    return 0;
}

static void open_listener(struct scene *scene)
{
    struct buf name = {0};
    bool is_local;

    scene->options.fd = address_listen("0", &is_local, &scene->err);
    assert_true(scene->options.fd >= 0 && is_local);
    address_name(scene->options.fd, &name);
    snprintf(scene->host, sizeof scene->host, "%s", buf_text(&name));
    scene->port = (int)strtol(strrchr(scene->host, ':') + 1, NULL, 10);
    buf_release(&name);
    scene->listener = listener_open(&scene->options, &scene->err);
}

static void *serve(void *context)
{
    struct scene *scene = context;

    scene->fine = listener_run(scene->listener, &scene->err);
    return NULL;
}

static void start(struct scene *scene)
{
    open_listener(scene);
    assert_string_equal(scene->err.text, "");
    assert_int_equal(pthread_create(&scene->thread, NULL, serve, scene), 0);
    while (scene->ticks == 0)
        poll(NULL, 0, 1);
}

static void ask_to_stop(void)
{
    stopping = true;
    eventfd_write(stop_event, 1);
}

/* Waits for the end of the listener, which waits 5 s for requests that do not end; and counts. */
static void join(struct scene *scene)
{
    struct committer_counts commits;

    while (pthread_tryjoin_np(scene->thread, NULL) != 0) {
        poll(NULL, 0, 10);
        skipped_s++;
    }
    listener_end(scene->listener);
    listener_count(scene->listener, &scene->counts, &commits);
    listener_close(scene->listener);
    scene->listener = NULL;
}

static int end(void **state)
{
    struct scene *scene = *state;
    void *fixture = scene->fixture;

    if (scene->listener) {
        ask_to_stop();
        join(scene);
    }
    close(scene->options.fd);
    close(stop_event);
    buf_release(&scene->answer);
    free(scene->certificate);
    free(scene->key);
    free(scene);
    return fixture_end(&fixture);
}

/* --- a client --- */

static int dial(const struct scene *scene)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)scene->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static bool say(int fd, const void *bytes, size_t size)
{
    for (const char *at = bytes; size > 0;) {
        ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

static bool say_text(int fd, const char *text)
{
    return say(fd, text, strlen(text));
}

/* What comes on the connection until it is closed, or until its answer has ended with a line. */
static const char *hear(struct scene *scene, int fd, bool until_closed)
{
    struct pollfd waiting = {fd, POLLIN, 0};
    ssize_t got = 1;

    buf_reset(&scene->answer);
    while (got > 0 && (until_closed || !strstr(buf_text(&scene->answer), "}\n"))) {
        if (poll(&waiting, 1, 20000) <= 0)
            fail_msg("no answer but: %s", buf_text(&scene->answer));
        got = read(fd, buf_reserve(&scene->answer, 4096), 4096);
        if (got > 0)
            scene->answer.size += (size_t)got;
    }
    return buf_text(&scene->answer);
}

static const char *notification(const char *id)
{
    static char text[256];

    snprintf(text, sizeof text,
             "{\"action\":\"update\",\"schemaName\":\"Item\",\"record\":{\"id\":\"%s\","
             "\"modifiedTime\":\"2026-11-29T10:00:00Z\",\"fields\":{\"n\":1}}}",
             id);
    return text;
}

/* Sends one request on a connection of its own; the answer. head: lines that end in \r\n. */
static const char *ask(struct scene *scene, const char *request, const char *head, const char *body)
{
    int fd = dial(scene);
    struct buf text = {0};

    buf_printf(&text, "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s", request, head);
    if (body)
        buf_printf(&text, "Content-Length: %zu\r\n", strlen(body));
    buf_printf(&text, "\r\n%s", body ? body : "");
    say(fd, text.data, text.size);
    buf_release(&text);
    hear(scene, fd, true);
    close(fd);
    return buf_text(&scene->answer);
}

static void check_answer(const char *answer, int status, const char *part)
{
    char start[32];

    snprintf(start, sizeof start, "HTTP/1.1 %d ", status);
    if (strncmp(answer, start, strlen(start)) != 0 || !strstr(answer, part))
        fail_msg("not %d with %s: %s", status, part, answer);
}

static void posts(struct scene *scene, const char *id, int status, const char *part)
{
    check_answer(ask(scene, "POST /", "", notification(id)), status, part);
}

static const char *stored_ids(struct scene *scene)
{
    return fixture_ask(scene->fixture, "SELECT record_id FROM notification ORDER BY id");
}

/* --- time --- */

/* Moves the clock, at least 2 s, and waits until the listener has looked at it. */
static void pass(struct scene *scene, long seconds)
{
    int ticks = scene->ticks;

    skipped_s += seconds;
    eventfd_write(stop_event, 1);
    while (scene->ticks == ticks)
        poll(NULL, 0, 1);
}

/* --- requests --- */

static void each_request_has_its_answer(void **state)
{
    static const struct {
        const char *request, *head, *body;
        int status;
        const char *part;
    } cases[] = {
        {"GET /", "", NULL, 405, "Allow: POST"},
        {"PUT /", "", "{}", 405, "this method is not for this path"},
        {"POST /healthz", "", "{}", 405, "Allow: GET, HEAD"},
        {"DELETE /metrics", "", NULL, 405, "Allow: GET, HEAD"},
        {"GET /x", "", NULL, 404, "there is nothing here"},
        {"POST /x", "", "{}", 404, "there is nothing here"},
        {"GET /healthz", "", NULL, 200, "{\"status\":\"ok\"}"},
        {"HEAD /healthz", "", NULL, 200, "Content-Length: 16"},
        {"GET /metrics", "", NULL, 200, "of_the_caller 1"},
        {"GET /metrics", "", NULL, 200, "of_the_caller 1"},
        {"POST /", "", "{", 400, "{\"error\":\""},
        {"POST /", "", "", 400, "{\"error\":\""},
        {"POST /", "Content-Length: 1048577\r\nExpect: 100-continue\r\n", NULL, 413,
         "larger than 1048576 bytes"},
        {"POST /x", "Content-Length: 10\r\nExpect: 100-continue\r\n", NULL, 404, "nothing here"},
        {"POST /", "Content-Length: 16777217\r\n", NULL, 413, "Connection: close"},
        {"POST /x", "Content-Length: 16777217\r\n", NULL, 404, "nothing here"},
        {"POST http://x/", "", "{", 400, "error"},
        {"GET http://x/healthz", "", NULL, 200, "ok"},
        {"GET http://x", "", NULL, 405, "Allow: POST"},
        {"POST /", "Transfer-Encoding: gzip\r\n", NULL, 501, "error"},
        {"POST /", "Content-Encoding: gzip\r\n", "{}", 415, "error"},
        {"POST /", "Content-Encoding: identity\r\n", "{}", 400, "error"},
        {"POST /", "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", NULL, 400, "error"},
    };
    struct scene *scene = *state;

    start(scene);
    posts(scene, "a", 200, "{\"status\":\"stored\"}");
    posts(scene, "a", 200, "{\"status\":\"known\"}");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_answer(ask(scene, cases[i].request, cases[i].head, cases[i].body), cases[i].status,
                     cases[i].part);
    assert_string_equal(stored_ids(scene), "a");
    ask_to_stop();
    join(scene);
    assert_true(scene->fine);
    assert_int_equal(scene->counts.stored, 1);
    assert_int_equal(scene->counts.repeated, 1);
    assert_int_equal(scene->counts.refused, 18);
    assert_int_equal(scene->counts.unavailable, 0);
    assert_int_equal(scene->counts.connections, 2 + sizeof cases / sizeof *cases);
    assert_int_equal(scene->stores > 0, true);
}

/* Sends a body in chunks of 64 KiB, as long as the listener takes it; how many it took. */
static unsigned flood(int fd, unsigned count)
{
    static char chunk[65536 + 9];
    unsigned i = 0;

    memset(chunk, ' ', sizeof chunk);
    memcpy(chunk, "10000\r\n", 7);
    memcpy(chunk + sizeof chunk - 2, "\r\n", 2);
    while (i < count && say(fd, chunk, sizeof chunk))
        i++;
    return i;
}

/* Two parties could differ about the end of these, so that the connection is closed. */
static void a_header_that_leaves_the_end_in_doubt_is_refused(void **state)
{
    static const struct {
        const char *text;
        int status;
        const char *part;
    } cases[] = {
        {"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 400, "needs one Host"},
        {"POST / HTTP/1.1\r\nHost: x\r\nHost: y\r\nContent-Length: 2\r\n\r\n{}", 400,
         "needs one Host"},
        {"POST / HTTP/1.1\r\nHost: x/y\r\nContent-Length: 2\r\n\r\n{}", 400, "is not a host"},
        {"POST / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "neither Content-Length nor"},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400,
         "Content-Length"},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
         400, "together"},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
         "chunked\r\n\r\n0\r\n\r\n",
         400, "more than once"},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "not of HTTP/1.0"},
        {"POST / HTTP/1.1\r\nHost: x\r\nB@d: 1\r\nContent-Length: 2\r\n\r\n{}", 400,
         "the name of a header field"},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n , 3\r\n\r\n{}", 400, "header field"},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n x\r\n\r\n0\r\n\r\n", 400,
         "header field"},
        {"POST / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\nContent-Length: 2\r\n\r\n{}", 400,
         "header field"},
    };
    struct scene *scene = *state;

    start(scene);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int fd = dial(scene);

        say_text(fd, cases[i].text);
        hear(scene, fd, true);
        close(fd);
        check_answer(buf_text(&scene->answer), cases[i].status, cases[i].part);
    }
    assert_string_equal(stored_ids(scene), "");
    check_answer(ask(scene, "GET /healthz", "", NULL), 200, "ok");
    ask_to_stop();
    join(scene);
    assert_true(scene->fine);
}

static void a_body_has_a_limit_however_it_comes(void **state)
{
    static char blanks[65536];
    struct scene *scene = *state;
    int fd;

    memset(blanks, ' ', sizeof blanks);
    start(scene);
    fd = dial(scene);
    say_text(fd, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_int_equal(flood(fd, 15), 15);
    say_text(fd, "1\r\n{\r\n10000\r\n"); /* 65535 bytes are left, and 65536 come */
    assert_true(say(fd, blanks, sizeof blanks));
    say_text(fd, "\r\n0\r\n\r\n");
    check_answer(hear(scene, fd, false), 413, "the body is larger than 1048576 bytes");
    close(fd);
    fd = dial(scene);
    say_text(fd, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_int_equal(flood(fd, 16), 16);
    say_text(fd, "0\r\n\r\n");
    check_answer(hear(scene, fd, false), 400, "error");
    close(fd);
    /* nobody sends more than 16 MiB for an answer that is known */
    fd = dial(scene);
    say_text(fd, "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_true(flood(fd, 1000) < 1000);
    close(fd);
    posts(scene, "a", 200, "stored");
}

static void all_bodies_together_have_a_limit(void **state)
{
    enum { MOST = LISTENER_MEMORY_MAX / BODY_MAX, ALL = MOST + 2 };
    static char part[BODY_MAX - 1];
    struct scene *scene = *state;
    unsigned refused = 0;
    int fds[ALL];

    heard = 0;
    start(scene);
    for (unsigned i = 0; i < ALL; i++) {
        fds[i] = dial(scene);
        say_text(fds[i], "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n");
        say(fds[i], part, sizeof part);
    }
    while (heard < ALL * sizeof part)
        poll(NULL, 0, 1);
    pass(scene, 2);
    for (unsigned i = 0; i < ALL; i++) {
        say_text(fds[i], " ");
        if (strncmp(hear(scene, fds[i], false), "HTTP/1.1 503", 12) == 0) {
            check_answer(buf_text(&scene->answer), 503, "Retry-After: 1");
            check_answer(buf_text(&scene->answer), 503, "too much at once: try again");
            refused++;
        }
        close(fds[i]);
    }
    assert_int_equal(refused, ALL - MOST);
    posts(scene, "a", 200, "stored");
    ask_to_stop();
    join(scene);
    assert_int_equal(scene->counts.unavailable, refused);
}

/* --- signatures --- */

static const char *sign(const struct signature_keys *keys, const char *id, int64_t at_s,
                        const char *body)
{
    static char head[512];
    struct buf value = {0};

    signature_make(keys, id, at_s, span_of(body), &value);
    snprintf(head, sizeof head,
             "webhook-id: %s\r\nwebhook-timestamp: %lld\r\nwebhook-signature: %s\r\n", id,
             (long long)at_s, buf_text(&value));
    buf_release(&value);
    return head;
}

static void with_keys_only_what_is_signed_is_stored(void **state)
{
    struct scene *scene = *state;
    int64_t now_s = clock_now_ms() / 1000;
    struct signature_keys *keys =
        signature_keys_read(span_of("It's a Secret to Everybody"), &scene->err);
    struct signature_keys *others = signature_keys_read(span_of("something else"), &scene->err);

    scene->options.keys = keys;
    start(scene);
    posts(scene, "a", 401, "the request is not signed");
    check_answer(buf_text(&scene->answer), 401, "WWW-Authenticate: Webhook-Signature");
    check_answer(ask(scene, "POST /", "webhook-signature: v1,x\r\n", notification("a")), 401,
                 "the request is not signed");
    check_answer(ask(scene, "POST /", "webhook-signature: \r\n", notification("a")), 401,
                 "the request is not signed");
    check_answer(
        ask(scene, "POST /", sign(others, "m", now_s, notification("a")), notification("a")), 401,
        "the signature is wrong");
    check_answer(
        ask(scene, "POST /", sign(keys, "m", now_s - 301, notification("a")), notification("a")),
        401, "webhook-timestamp is more than 5 minutes");
    assert_string_equal(stored_ids(scene), "");
    check_answer(ask(scene, "POST /", sign(keys, "m", now_s, notification("a")), notification("a")),
                 200, "stored");
    /* the id decides what is the same */
    check_answer(ask(scene, "POST /", sign(keys, "m", now_s, notification("b")), notification("b")),
                 200, "known");
    /* a signature that covers the body alone, in the example of the header's inventor */
    check_answer(ask(scene, "POST /",
                     "webhook-id: m\r\nX-Hub-Signature-256: "
                     "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17\r\n",
                     "Hello, World!"),
                 400, "error");
    check_answer(ask(scene, "GET /healthz", "", NULL), 200, "ok");
    signature_keys_free(others);
    ask_to_stop();
    join(scene);
    signature_keys_free(keys);
}

static void header_body_and_idleness_have_their_times(void **state)
{
    struct scene *scene = *state;
    int idle, head, body, busy;

    start(scene);
    idle = dial(scene);
    head = dial(scene);
    body = dial(scene);
    busy = dial(scene);
    say_text(busy, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    check_answer(hear(scene, busy, false), 200, "ok");
    say_text(head, "POST / HTTP/1.1\r\nHost:");
    say_text(body, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{");
    pass(scene, 2); /* sees bytes of the header */
    pass(scene, LISTENER_HEADER_S - 2);
    assert_true(say_text(head, " x\r\n"));
    pass(scene, 4);
    check_answer(hear(scene, head, true), 408, "Connection: close");
    say_text(busy, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    check_answer(hear(scene, busy, false), 200, "ok");
    pass(scene, LISTENER_BODY_S - 14 - 2);
    assert_true(say_text(body, " "));
    pass(scene, 6);
    check_answer(hear(scene, body, true), 408, "");
    pass(scene, LISTENER_IDLE_S - 34 - 2);
    assert_true(say_text(idle, "\r\n"));
    pass(scene, 2);
    pass(scene, LISTENER_HEADER_S + 2);
    check_answer(hear(scene, idle, true), 408, "");
    /* where the kernel counts no bytes, the time of idleness counts */
    counts_no_bytes = true;
    pass(scene, LISTENER_IDLE_S - 58 + 14 - 2);
    assert_true(say_text(busy, "GET"));
    pass(scene, 4);
    assert_string_equal(hear(scene, busy, true), "");
    counts_no_bytes = false;
    assert_int_equal(scene->ticks, 11);
    close(idle);
    close(head);
    close(body);
    close(busy);
    ask_to_stop();
    join(scene);
    assert_int_equal(scene->counts.evicted, 4);
}

static void a_stop_answers_what_has_come(void **state)
{
    struct scene *scene = *state;
    char head[128], text[256];
    int half, quarter;

    start(scene);
    half = dial(scene);
    quarter = dial(scene);
    snprintf(text, sizeof text, "%s", notification("a"));
    snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
             strlen(text));
    say_text(half, head);
    say(half, text, 20);
    say_text(quarter, head);
    posts(scene, "b", 200, "stored");
    ask_to_stop();
    poll(NULL, 0, 50);
    say_text(half, text + 20);
    check_answer(hear(scene, half, false), 200, "stored");
    join(scene);
    assert_true(scene->fine);
    hear(scene, quarter, true);
    assert_string_equal(stored_ids(scene), "b; a");
    close(half);
    close(quarter);
}

/* --- what fails --- */

static void run_sql(struct scene *scene, const char *sql)
{
    assert_int_equal(sqlite3_exec(scene->fixture->eye, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void a_database_that_fails_is_503_until_it_works(void **state)
{
    struct scene *scene = *state;

    start(scene);
    run_sql(scene, "CREATE TRIGGER full BEFORE INSERT ON notification BEGIN "
                   "SELECT raise(ABORT, 'no room'); END");
    posts(scene, "a", 503, "the notification could not be stored: try again");
    check_answer(buf_text(&scene->answer), 503, "Retry-After: 1");
    check_answer(ask(scene, "GET /healthz", "", NULL), 503, "database failing");
    run_sql(scene, "DROP TRIGGER full");
    posts(scene, "a", 200, "stored");
    check_answer(ask(scene, "GET /healthz", "", NULL), 200, "ok");
    ask_to_stop();
    join(scene);
    assert_int_equal(scene->counts.unavailable, 1);
}

/* Its connection is reset, with a request that was sent whole. */
static void reset(int fd)
{
    const struct linger none = {1, 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close(fd);
}

/* The second request of a connection: from then on, MHD sees that it is reset. */
static int post_without_waiting(struct scene *scene, const char *id)
{
    struct buf text = {0};
    int fd = dial(scene);
    size_t before;

    say_text(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    check_answer(hear(scene, fd, false), 200, "ok");
    before = heard;

    buf_printf(&text, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s",
               strlen(notification(id)), notification(id));
    say(fd, text.data, text.size);
    while (heard < before + text.size)
        poll(NULL, 0, 1);
    buf_release(&text);
    return fd;
}

/* While the database is locked, a connection is first visited, then suspended. */
static void what_was_accepted_is_stored_without_its_client(void **state)
{
    struct scene *scene = *state;
    int patient, late;

    start(scene);
    run_sql(scene, "BEGIN IMMEDIATE");
    patient = post_without_waiting(scene, "a");
    late = post_without_waiting(scene, "b");
    reset(post_without_waiting(scene, "c"));
    check_answer(ask(scene, "GET /healthz", "", NULL), 200, "ok");
    poll(NULL, 0, 300);
    reset(late);
    say_text(patient, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    poll(NULL, 0, 50);
    run_sql(scene, "COMMIT");
    check_answer(hear(scene, patient, true), 200, "stored");
    check_answer(buf_text(&scene->answer), 200, "ok");
    posts(scene, "d", 200, "stored");
    ask_to_stop();
    join(scene);
    assert_int_equal(scene->counts.stored, 4);
    assert_string_equal(stored_ids(scene), "a; b; c; d");
    close(patient);
}

static void a_wait_that_fails_ends_it(void **state)
{
    struct scene *scene = *state;

    start(scene);
    poll_errno = EINTR;
    posts(scene, "a", 200, "stored");
    poll_errno = EBADF;
    eventfd_write(stop_event, 1);
    join(scene);
    assert_false(scene->fine);
    assert_int_equal(scene->err.kind, ERR_INTERNAL);
    assert_string_equal(scene->err.text, "poll: Bad file descriptor");
}

static void at_the_limit_the_longest_idle_connection_makes_room(void **state)
{
    static const struct {
        rlim_t now, most, after;
    } cases[] = {{100, 100, 100}, {200, 200, 200}, {100, 5000, 1064}, {1064, 1064, 1064}};
    struct scene *scene = *state;
    int fds[64], busy;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        descriptors = (struct rlimit){cases[i].now, cases[i].most};
        open_listener(scene);
        assert_non_null(scene->listener);
        assert_int_equal(descriptors.rlim_cur, cases[i].after);
        listener_close(scene->listener);
        close(scene->options.fd);
    }
    has_no_limit = true;
    open_listener(scene);
    assert_non_null(scene->listener);
    has_no_limit = false;
    listener_close(scene->listener);
    close(scene->options.fd);

    descriptors = (struct rlimit){100, 100};
    start(scene);
    busy = dial(scene);
    say_text(busy, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{");
    for (unsigned i = 0; i < 64; i++)
        fds[i] = dial(scene);
    posts(scene, "a", 200, "stored");
    assert_string_equal(hear(scene, fds[0], true), "");
    say_text(busy, "  ");
    for (unsigned i = 0; i < 64; i++)
        close(fds[i]);
    ask_to_stop();
    join(scene);
    assert_true(scene->counts.evicted >= 1);
    close(busy);
}

/* --- TLS --- */

static char *pem_of(bool (*write)(BIO *, void *), void *what)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *text, *bytes;
    long size;

    assert_true(write(memory, what));
    size = BIO_get_mem_data(memory, &bytes);
    text = mem_calloc(1, (size_t)size + 1);
    memcpy(text, bytes, (size_t)size);
    BIO_free(memory);
    return text;
}

static bool write_key(BIO *memory, void *key)
{
    return PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL) == 1;
}

static bool write_certificate(BIO *memory, void *certificate)
{
    return PEM_write_bio_X509(memory, certificate) == 1;
}

static void make_certificate(struct scene *scene)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();

    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    scene->key = pem_of(write_key, key);
    scene->certificate = pem_of(write_certificate, certificate);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static size_t take(char *bytes, size_t size, size_t count, void *context)
{
    buf_append(context, bytes, size * count);
    return size * count;
}

static void tls_is_served_and_has_the_same_times(void **state)
{
    struct scene *scene = *state;
    CURL *curl = curl_easy_init();
    char url[128];
    int plain;

    make_certificate(scene);
    scene->options.tls_certificate = scene->certificate;
    scene->options.tls_key = scene->key;
    start(scene);
    snprintf(url, sizeof url, "https://%s/healthz", scene->host);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &scene->answer);
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    assert_string_equal(buf_text(&scene->answer), "{\"status\":\"ok\"}\n");
    curl_easy_cleanup(curl);
    /* half a handshake is closed, without words that are not TLS */
    plain = dial(scene);
    say(plain, "\x16\x03\x01", 3);
    pass(scene, 2);
    pass(scene, 71);
    assert_string_equal(hear(scene, plain, true), "");
    close(plain);
}

static void a_certificate_that_is_none_is_an_error(void **state)
{
    struct scene *scene = *state;

    scene->options.tls_certificate = scene->options.tls_key = "x";
    open_listener(scene);
    assert_null(scene->listener);
    assert_int_equal(scene->err.kind, ERR_CONFIG);
    assert_string_equal(scene->err.text,
                        "cannot start the HTTP server with this certificate and key");
    listener_close(NULL);
}

#define LISTENER_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LISTENER_TEST(each_request_has_its_answer),
        LISTENER_TEST(a_header_that_leaves_the_end_in_doubt_is_refused),
        LISTENER_TEST(a_body_has_a_limit_however_it_comes),
        LISTENER_TEST(all_bodies_together_have_a_limit),
        LISTENER_TEST(with_keys_only_what_is_signed_is_stored),
        LISTENER_TEST(header_body_and_idleness_have_their_times),
        LISTENER_TEST(a_stop_answers_what_has_come),
        LISTENER_TEST(a_database_that_fails_is_503_until_it_works),
        LISTENER_TEST(what_was_accepted_is_stored_without_its_client),
        LISTENER_TEST(a_wait_that_fails_ends_it),
        LISTENER_TEST(at_the_limit_the_longest_idle_connection_makes_room),
        LISTENER_TEST(tls_is_served_and_has_the_same_times),
        LISTENER_TEST(a_certificate_that_is_none_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
