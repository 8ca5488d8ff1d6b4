/* Requests and answers byte by byte, and what a pool makes of a server that is at fault. */
#include "core/base/mem.h"

#include "tests/unit/pool_scene.h"

#include <curl/curl.h>
#include <sys/resource.h>

#define HEAD_TEN     OK "Content-Length: 10\r\n\r\n"
#define CHUNKED      OK "Transfer-Encoding: chunked\r\n\r\n"
#define SIXTY_FOUR   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n"
#define HEADER       "X-Flood: " SIXTY_FOUR
#define LONG_BODY    "the answer is longer than 1048576 bytes"
#define LONG_HEADERS "the answer's headers are longer than 65536 bytes"
#define CUT_HEADERS  "the connection closed within the headers of an answer"
#define TIMED_OUT    "Operation timed out after *"

/* Every way an answer can end, and what it counts as. */
static const struct {
    struct step step;
    enum http_end end;
    long status;
    const char *body, *error;
} endings[] = {
    {STEP(HEAD_TEN "0123456789", KEEP), HTTP_DONE, 200, "0123456789", ""},
    {STEP(CHUNKED "4\r\nabcd\r\n0\r\n\r\n", KEEP), HTTP_DONE, 200, "abcd", ""},
    {STEP(OK "\r\nuntil the end", CLOSE), HTTP_DONE, 200, "until the end", ""},
    {STEP("HTTP/1.1 204 No Content\r\n\r\n", KEEP), HTTP_DONE, 204, "", ""},
    {STEP("HTTP/1.1 100 Continue\r\n\r\n" OK_EMPTY, KEEP), HTTP_DONE, 200, "", ""},
    {STEP("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", CLOSE), HTTP_DONE, 302, "", ""},
    {STEP(HEAD_TEN "0123456789and more", CLOSE), HTTP_DONE, 200, "0123456789", ""},
    {STEP(NULL, CLOSE), HTTP_CUT, 0, "", "Empty reply from server"},
    {STEP(NULL, RESET), HTTP_CUT, 0, "", "Recv failure: Connection reset by peer"},
    {STEP("HTTP/1.1 20", CLOSE), HTTP_CUT, 0, "", "Empty reply from server"},
    {STEP("HTTP/1.1 100 Continue\r\n\r\n", CLOSE), HTTP_CUT, 0, "", "Empty reply from server"},
    {STEP("HTTP/1.1 101 Switching\r\n\r\n", CLOSE), HTTP_CUT, 0, "", "Empty reply from server"},
    {STEP(OK, CLOSE), HTTP_CUT, 200, "", CUT_HEADERS},
    {STEP(OK "Content-Le", CLOSE), HTTP_CUT, 200, "", CUT_HEADERS},
    {STEP(HEAD_TEN "01234", CLOSE), HTTP_CUT, 200, "",
     "transfer closed with 5 bytes remaining to read"},
    {STEP(HEAD_TEN "01234", RESET), HTTP_CUT, 200, "", "Recv failure: Connection reset by peer"},
    {STEP(CHUNKED "4\r\nabcd\r\n", CLOSE), HTTP_CUT, 200, "",
     "transfer closed with outstanding read data remaining"},
    {STEP(CHUNKED "zz\r\nabcd\r\n", KEEP), HTTP_CUT, 200, "",
     "Illegal or missing hexadecimal sequence in chunked-encoding"},
    {STEP(OK "Content-Length: many\r\n\r\n", KEEP), HTTP_CUT, 200, "",
     "Invalid Content-Length: value"},
    {STEP(OK "Content-Length: -1\r\n\r\n", KEEP), HTTP_CUT, 200, "",
     "Invalid Content-Length: value"},
    {STEP("\x1b[2J what is this\r\n\r\n", CLOSE), HTTP_CUT, 0, "",
     "Received HTTP/0.9 when not allowed"},
    {FLOOD(OK "\r\n", SIXTY_FOUR, 16385), HTTP_TOO_LARGE, 200, "", LONG_BODY},
    {FLOOD(OK "Content-Length: 9000000\r\n\r\n", SIXTY_FOUR, 20000), HTTP_TOO_LARGE, 200, "",
     LONG_BODY},
    {FLOOD(OK, HEADER, 2000), HTTP_CUT, 200, "", LONG_HEADERS},
    {FLOOD(OK "X-Flood: ", "0123456789012345678901234567890123456789", 5000), HTTP_CUT, 200, "",
     LONG_HEADERS},
    {FLOOD("", "HTTP/1.1 100 Continue\r\n\r\n", 4000), HTTP_CUT, 0, "", LONG_HEADERS},
    {FLOOD(CHUNKED "0\r\n", HEADER, 2000), HTTP_CUT, 200, "", LONG_HEADERS},
    {STEP(NULL, HOLD), HTTP_CUT, 0, "", TIMED_OUT},
    {STEP(OK, HOLD), HTTP_CUT, 200, "", TIMED_OUT},
    {STEP(HEAD_TEN, HOLD), HTTP_CUT, 200, "", TIMED_OUT},
    {STEP(HEAD_TEN "01234", HOLD), HTTP_CUT, 200, "", TIMED_OUT},
};

static void every_way_an_answer_ends_has_its_verdict(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        struct http_answer *answer;
        struct stage stage;

        stage_open(&stage, &endings[i].step, 1, 1);
        if (strcmp(endings[i].error, TIMED_OUT) == 0)
            stage.request.timeout_ms = 300;
        answer = fetch(&stage);
        assert_int_equal(answer->end, endings[i].end);
        assert_int_equal(answer->status, endings[i].status);
        assert_int_equal(answer->body.size, strlen(endings[i].body));
        assert_memory_equal(answer->body.data, endings[i].body, answer->body.size);
        assert_text(answer->error, endings[i].error);
        assert_int_equal(stage_close(&stage), 1);
    }
}

#define TARGET "/a%2f/../x%2F%7e/./%C3%A9?b"

static const struct {
    enum http_method method;
    const char *authorization, *content_type, *body, *line, *rest;
} requests[] = {
    {HTTP_PUT, "Bearer top-secret", "application/json", "{}", "PUT " TARGET,
     "Content-Type: application/json\r\nAuthorization: Bearer top-secret\r\n"
     "Content-Length: 2\r\n\r\n{}"},
    {HTTP_GET, "Bearer another", NULL, NULL, "GET " TARGET,
     "Authorization: Bearer another\r\n\r\n"},
    {HTTP_POST, NULL, "text/plain", NULL, "POST " TARGET,
     "Content-Type: text/plain\r\nContent-Length: 0\r\n\r\n"},
    {HTTP_PUT, NULL, "text/plain", "[1]", "PUT " TARGET,
     "Content-Type: text/plain\r\nContent-Length: 3\r\n\r\n[1]"},
};

/* Removes the line with the codings that this build of libcurl decodes. */
static void cut_accept_encoding(struct buf *request)
{
    char *line = strstr(buf_text(request), "Accept-Encoding: "), *next;

    assert_non_null(line);
    next = strstr(line, "\r\n") + 2;
    assert_non_null(memmem(line, (size_t)(next - line), "gzip", 4));
    memmove(line, next, request->size - (size_t)(next - request->data));
    request->size -= (size_t)(next - line);
}

static void a_request_leaves_byte_by_byte_as_asked(void **state)
{
    static const struct step steps[] = {STEP(OK_EMPTY, KEEP), STEP(OK_EMPTY, KEEP),
                                        STEP(OK_EMPTY, KEEP), STEP(OK_EMPTY, KEEP)};
    struct stage stage;

    (void)state;
    stage_open(&stage, steps, 4, 1);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct buf url = {0}, expected = {0};

        buf_printf(&url, "http://127.0.0.1:%d%s", stage.server.port, TARGET);
        buf_printf(&expected,
                   "%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: rowferry-test\r\n"
                   "Accept: application/json\r\n%s",
                   requests[i].line, stage.server.port, requests[i].rest);
        stage.request = (struct http_request){.method = requests[i].method,
                                              .url = buf_text(&url),
                                              .authorization = requests[i].authorization,
                                              .content_type = requests[i].content_type,
                                              .body = span_of(requests[i].body),
                                              .timeout_ms = 5000};
        http_pool_release(stage.pool, fetch(&stage));
        sem_wait(&stage.server.settled);
        if (requests[i].content_type)
            assert_null(strstr(buf_text(&stage.server.last), "Accept-Encoding"));
        else
            cut_accept_encoding(&stage.server.last);
        assert_string_equal(buf_text(&stage.server.last), buf_text(&expected));
        buf_release(&url);
        buf_release(&expected);
    }
    stage_close(&stage);
}

static void each_request_of_a_slot_goes_where_its_own_url_says(void **state)
{
    static const struct {
        const char *host, *rest, *target;
    } urls[] = {
        {"127.0.0.1", "/a", "/a"},       {"127.0.0.1", "?b", "/?b"},
        {"127.0.0.1", "/c?d#e", "/c?d"}, {"localhost", "/f", "/f"},
        {"127.0.0.1", "", "/"},          {"127.0.0.1", "/g", "/g"},
        {"x@localhost", "/h", "/h"},     {"127.0.0.1", "/\xc3\xa9", "/%c3%a9"},
        {"127.0.0.1", "/i", "/i"},
    };
    struct step steps[sizeof urls / sizeof *urls];
    struct http_answer *answer;
    struct stage stage;

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        steps[i] = (struct step)STEP(OK_EMPTY, KEEP);
    stage_open(&stage, steps, sizeof steps / sizeof *steps, 1);
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        const char *host = strchr(urls[i].host, '@');
        struct buf expected = {0};

        snprintf(stage.url, sizeof stage.url, "http://%s:%d%s", urls[i].host, stage.server.port,
                 urls[i].rest);
        buf_printf(&expected, "PUT %s HTTP/1.1\r\nHost: %s:%d\r\n*", urls[i].target,
                   host ? host + 1 : urls[i].host, stage.server.port);
        http_pool_release(stage.pool, fetch(&stage));
        sem_wait(&stage.server.settled);
        assert_text(buf_text(&stage.server.last), buf_text(&expected));
        buf_release(&expected);
    }
    /* what cannot be in a request line never leaves, and the slot can be used again */
    snprintf(stage.url, sizeof stage.url, "http://127.0.0.1:%d/k HTTP/1.1\r\nX: y",
             stage.server.port);
    answer = fetch(&stage);
    assert_int_equal(answer->end, HTTP_NEVER_LEFT);
    http_pool_release(stage.pool, answer);
    assert_int_equal(stage_close(&stage), sizeof urls / sizeof *urls);
}

static void a_reused_connection_that_dies_is_not_sent_to_again(void **state)
{
    static const struct step steps[] = {STEP(OK_EMPTY, KEEP), STEP(NULL, CLOSE),
                                        STEP(OK_EMPTY, KEEP)};
    static const char *const errors[] = {"", "the connection closed before an answer came", ""};
    struct stage stage;

    (void)state;
    stage_open(&stage, steps, 3, 1);
    for (unsigned i = 0; i < 3; i++) {
        struct http_answer *answer = fetch(&stage);

        assert_int_equal(answer->end, i == 1 ? HTTP_CUT : HTTP_DONE);
        assert_string_equal(answer->error, errors[i]);
        http_pool_release(stage.pool, answer);
        sem_wait(&stage.server.settled);
        assert_int_equal(stage.server.requests, i + 1);
    }
    assert_int_equal(stage_close(&stage), 3);
}

static void credentials_that_an_answer_echoes_are_replaced_by_stars(void **state)
{
    static const struct step steps[] = {
        STEP("HTTP/1.1 400 Bad\r\nININ-Correlation-Id: top-secret\r\nContent-Length: 35\r\n\r\n"
             "{\"got\":\"Bearer top-secrettop-secret",
             CLOSE)};
    struct http_answer *answer;
    struct stage stage;

    (void)state;
    stage_open(&stage, steps, 1, 1);
    answer = fetch(&stage);
    assert_int_equal(answer->end, HTTP_DONE);
    assert_int_equal(answer->body.size, 35);
    assert_memory_equal(answer->body.data, "{\"got\":\"Bearer ********************", 35);
    assert_string_equal(answer->correlation, "**********");
    stage_close(&stage);
}

/* A server that sends more than it declares could answer the next request before it is made. */
static void what_follows_an_answer_is_never_taken_for_the_next_one(void **state)
{
    static const struct {
        struct step steps[2];
    } cases[] = {
        {{STEP(OK_EMPTY HEAD_TEN "smuggled in", KEEP), STEP(HEAD_TEN "abcdefghij", KEEP)}},
        {{STEP(HEAD_TEN "0123456789" HEAD_TEN "smuggled in", KEEP),
          STEP(HEAD_TEN "abcdefghij", KEEP)}},
        {{STEP(CHUNKED "4\r\nabcd\r\n0\r\n\r\n" HEAD_TEN "smuggled in", KEEP),
          STEP(HEAD_TEN "abcdefghij", KEEP)}},
        {{STEP("HTTP/1.1 204 No Content\r\n\r\n" HEAD_TEN "smuggled in", KEEP),
          STEP(HEAD_TEN "abcdefghij", KEEP)}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_answer *answer;
        struct stage stage;

        stage_open(&stage, cases[i].steps, 2, 1);
        answer = fetch(&stage);
        assert_int_equal(answer->end, HTTP_DONE);
        http_pool_release(stage.pool, answer);
        sem_wait(&stage.server.settled);
        answer = fetch(&stage);
        assert_int_equal(answer->end, HTTP_DONE);
        assert_memory_equal(answer->body.data, "abcdefghij", 10);
        assert_int_equal(stage_close(&stage), 2);
    }
}

static void a_connection_closed_while_idle_costs_nothing(void **state)
{
    static const struct step steps[] = {STEP(OK_EMPTY, CLOSE), STEP(OK_EMPTY, CLOSE)};
    struct stage stage;

    (void)state;
    stage_open(&stage, steps, 2, 1);
    for (unsigned i = 0; i < 2; i++) {
        struct http_answer *answer = fetch(&stage);

        assert_int_equal(answer->end, HTTP_DONE);
        http_pool_release(stage.pool, answer);
        sem_wait(&stage.server.settled);
    }
    assert_int_equal(stage_close(&stage), 2);
}

static void an_answer_before_the_whole_request_counts_when_it_is_complete(void **state)
{
    static const struct {
        struct step step;
        enum http_end end;
        long status;
    } cases[] = {
        {EARLY("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n", HOLD), HTTP_DONE, 413},
        {EARLY(OK_EMPTY, HOLD), HTTP_DONE, 200},
        {EARLY(HEAD_TEN "012345678", HOLD), HTTP_CUT, 200},
    };
    char *body = mem_calloc(8 << 20, 1);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_answer *answer;
        struct stage stage;

        stage_open(&stage, &cases[i].step, 1, 1);
        stage.request.body = (struct span){body, 8 << 20};
        stage.request.timeout_ms = 1000;
        answer = fetch(&stage);
        assert_int_equal(answer->end, cases[i].end);
        assert_int_equal(answer->status, cases[i].status);
        stage_close(&stage);
    }
    free(body);
}

static void requests_that_did_not_leave_are_recognised(void **state)
{
    static const struct {
        const char *origin, *error;
    } cases[] = {
        {"http://127.0.0.1", "Failed to connect to 127.0.0.1 port *"},
        {"http://nonexistent.invalid", "*"}, /* the resolver's words, or that it took too long */
        {"ftp://127.0.0.1", "Protocol \"ftp\" not supported or disabled in libcurl"},
    };
    struct stage stage;
    int port;

    (void)state;
    close(listen_anywhere(&port));
    unsetenv("http_proxy");
    stage_open(&stage, NULL, 0, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_answer *answer;

        snprintf(stage.url, sizeof stage.url, "%s:%d/", cases[i].origin, port);
        stage.request.timeout_ms = 2000;
        answer = fetch(&stage);
        assert_int_equal(answer->end, HTTP_NEVER_LEFT);
        assert_int_equal(answer->status, 0);
        assert_text(answer->error, cases[i].error);
        assert_true(answer->error[0] != '\0');
        http_pool_release(stage.pool, answer);
    }
    stage_close(&stage);
}

static void a_connection_that_is_not_accepted_in_time_never_left(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int port, listener = listen_anywhere(&port), waiting[8];
    struct http_answer *answer;
    struct stage stage;

    (void)state;
    assert_int_equal(listen(listener, 0), 0); /* room for one; the others fill the queue up */
    address.sin_port = htons((uint16_t)port);
    for (size_t i = 0; i < 8; i++) {
        waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(waiting[i], (struct sockaddr *)&address, sizeof address);
    }
    stage_open(&stage, NULL, 0, 1);
    snprintf(stage.url, sizeof stage.url, "http://127.0.0.1:%d/", port);
    stage.request.timeout_ms = 300;
    answer = fetch(&stage);
    assert_int_equal(answer->end, HTTP_NEVER_LEFT);
    assert_text(answer->error, "Connection timed out after *");
    stage_close(&stage);
    for (size_t i = 0; i < 8; i++)
        close(waiting[i]);
    close(listener);
}

static void certificates_are_checked_before_anything_leaves(void **state)
{
    static const struct step steps[] = {STEP(OK_EMPTY, KEEP)};
    struct http_options options = {.slots = 1, .ca_file = "/nonexistent/ca.pem"};
    struct http_answer *answer;
    struct stage stage;
    struct err err = {0};

    (void)state;
    assert_null(http_pool_open(&options, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.text,
                        "certificate file /nonexistent/ca.pem: No such file or directory");
    stage_open(&stage, steps, 1, 1);
    http_pool_close(stage.pool);
    options.ca_file = "/dev/null"; /* no certificate in it */
    stage.pool = http_pool_open(&options, &err);
    assert_non_null(stage.pool);
    snprintf(stage.url, sizeof stage.url, "https://127.0.0.1:%d/", stage.server.port);
    answer = fetch(&stage);
    assert_int_equal(answer->end, HTTP_UNTRUSTED);
    assert_text(answer->error, "error *");
    assert_int_equal(stage_close(&stage), 0);
}

/* The answer to a POST may hold a token: nothing of it stays in memory that is used again. */
static void the_answer_to_a_post_is_wiped_and_a_large_one_freed(void **state)
{
    enum { LINES = 2048 }; /* 128 KiB */
    static const struct step steps[] = {
        STEP(OK "Content-Length: 12\r\n\r\ntop-secret-1", KEEP),
        {OK "Content-Length: 131072\r\n\r\n", KEEP, SIXTY_FOUR, LINES, false},
        STEP(HEAD_TEN "0123456789", KEEP),
    };
    struct http_answer *answer;
    const char *body;
    struct stage stage;

    (void)state;
    stage_open(&stage, steps, 3, 1);
    stage.request.method = HTTP_POST;
    answer = fetch(&stage);
    assert_int_equal(answer->body.size, 12);
    body = answer->body.data;
    http_pool_release(stage.pool, answer);
    assert_memory_equal(body, "\0\0\0\0\0\0\0\0\0\0\0\0", 12);
    stage.request.method = HTTP_PUT;
    answer = fetch(&stage);
    assert_int_equal(answer->body.size, 64 * LINES);
    http_pool_release(stage.pool, answer);
    assert_int_equal(fetch(&stage)->body.size, 10);
    stage_close(&stage);
}

#define TWENTY_SEVEN "012345678901234567890123456"
#define HUNDRED                                                                                    \
    "01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901" \
    "23456789"
#define BUSY "HTTP/1.1 429 Busy\r\nContent-Length: 0\r\n"

/* libcurl would wait a second for leave to send a body of more than 1 MiB. The slot that sent one
 * sends others as before. */
static void no_request_waits_for_leave(void **state)
{
    static const size_t sizes[] = {2, (1 << 20) + 1, 3 << 20, 2};
    static const struct step steps[] = {STEP(OK_EMPTY, KEEP), STEP(OK_EMPTY, KEEP),
                                        STEP(OK_EMPTY, KEEP), STEP(OK_EMPTY, KEEP)};
    char *body = mem_calloc(1, 3 << 20);
    struct stage stage;

    (void)state;
    memset(body, ' ', 3 << 20);
    stage_open(&stage, steps, sizeof sizes / sizeof *sizes, 1);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        stage.request.body = (struct span){body, sizes[i]};
        http_pool_release(stage.pool, fetch(&stage));
        sem_wait(&stage.server.settled);
        assert_null(strstr(buf_text(&stage.server.last), "Expect:"));
        assert_int_equal(stage.server.last.size > 1 << 20, sizes[i] > 1 << 20);
    }
    assert_int_equal(stage_close(&stage), sizeof sizes / sizeof *sizes);
    free(body);
}

/* They are sent with that request alone. */
static void a_request_can_have_further_fields(void **state)
{
    static const struct step steps[] = {STEP(OK_EMPTY, KEEP), STEP(OK_EMPTY, KEEP)};
    static const struct http_field fields[] = {{"X-One", "1"}, {"X-Two", "2 3"}, {NULL, NULL}};
    struct stage stage;

    (void)state;
    stage_open(&stage, steps, 2, 1);
    stage.request.fields = fields;
    for (int i = 0; i < 2; i++) {
        http_pool_release(stage.pool, fetch(&stage));
        sem_wait(&stage.server.settled);
        assert_int_equal(
            strstr(buf_text(&stage.server.last), "\r\nX-One: 1\r\nX-Two: 2 3\r\n") != NULL, i == 0);
        stage.request.fields = NULL;
    }
    stage_close(&stage);
}

static void headers_that_matter_are_kept(void **state)
{
    static const struct {
        const char *answer;
        int64_t retry_after_ms;
        const char *correlation;
    } cases[] = {
        {BUSY "\r\n", -1, ""},
        {BUSY "retry-after:  7 \r\n\r\n", 7000, ""},
        {BUSY "Retry-After: 86400\r\n\r\n", 86400000, ""},
        {BUSY "Retry-After: soon\r\n\r\n", -1, ""},
        {BUSY "Retry-After: -3\r\n\r\n", -1, ""},
        {BUSY "Retry-After: 86401\r\n\r\n", 86400000, ""},
        {BUSY "Retry-After: 2147483647\r\n\r\n", 86400000, ""},
        {BUSY "Retry-After: 99999999999\r\n\r\n", 86400000, ""},
        {BUSY "Retry-After: 99999999999999999999\r\n\r\n", 86400000, ""},
        {BUSY "Date: Mon, 23 Nov 2026 02:00:00 GMT\r\n"
              "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n\r\n",
         86400000, ""},
        {BUSY "Date: Mon, 23 Nov 2026 02:00:00 GMT\r\n"
              "Retry-After: Mon, 23 Nov 2026 02:01:30 GMT\r\n\r\n",
         90000, ""},
        {BUSY "Retry-After: Monday, 23-Nov-26 02:01:30 GMT\r\n"
              "Date: Mon Nov 23 02:00:00 2026\r\n\r\n",
         90000, ""},
        {BUSY "Retry-After: Mon, 23 Nov 2020 02:01:30 GMT\r\n\r\n", 0, ""},
        {"HTTP/1.1 100 X\r\nRetry-After: 9\r\nININ-Correlation-Id: a\r\n\r\n" OK_EMPTY, -1, ""},
        {BUSY "Inin-Correlation-ID: 6f1c-\x1b[2J\r\n\r\n", -1, "6f1c-\\x1b[2J"},
        {CHUNKED "0\r\nRetry-After: 9\r\n\r\n", -1, ""},
        {BUSY "ININ-Correlation-Id: " HUNDRED HUNDRED "\r\n\r\n", -1, HUNDRED TWENTY_SEVEN},
        {BUSY "Retry-After: Mon, 23 Nov 2026 02:01:30 GMT, or later\r\n\r\n", -1, ""},
        /* a gateway added its own: the longer wait holds */
        {BUSY "Retry-After: 3600\r\nRetry-After: 1\r\n\r\n", 3600000, ""},
        {BUSY "Retry-After: 1\r\nRetry-After: 3600\r\n\r\n", 3600000, ""},
        {BUSY "Retry-After: 5\r\nRetry-After: soon\r\n\r\n", 5000, ""},
        {BUSY "Date-of-birth: 9\r\nRetry-Afterwards: 9\r\n\r\n", -1, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct step step = STEP(cases[i].answer, KEEP);
        struct http_answer *answer;
        struct stage stage;

        stage_open(&stage, &step, 1, 1);
        answer = fetch(&stage);
        assert_int_equal(answer->end, HTTP_DONE);
        assert_int_equal(answer->retry_after_ms, cases[i].retry_after_ms);
        assert_string_equal(answer->correlation, cases[i].correlation);
        stage_close(&stage);
    }
}

static void an_answer_gives_the_time_of_the_server(void **state)
{
    static const struct {
        const char *answer;
        int64_t date_ms;
    } cases[] = {
        {BUSY "Date: Mon, 23 Nov 2026 02:00:00 GMT\r\n\r\n", INT64_C(1795399200000)},
        {BUSY "date: Monday, 23-Nov-26 02:00:00 GMT\r\n\r\n", INT64_C(1795399200000)},
        {BUSY "Date: today\r\n\r\n", 0},
        {BUSY "\r\n", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct step step = STEP(cases[i].answer, KEEP);
        struct stage stage;

        stage_open(&stage, &step, 1, 1);
        assert_int_equal(http_pool_date_ms(stage.pool, fetch(&stage)), cases[i].date_ms);
        stage_close(&stage);
    }
}

static void slots_limit_what_is_in_flight_and_answers_carry_their_context(void **state)
{
    static const struct step steps[] = {STEP(OK_EMPTY, CLOSE), STEP(OK_EMPTY, CLOSE),
                                        STEP(OK_EMPTY, CLOSE)};
    int64_t begin_ms = clock_now_ms();
    struct http_answer *answer;
    struct stage stage;
    struct err err = {0};
    int seen[3] = {0};

    (void)state;
    stage_open(&stage, steps, 3, 3);
    for (int i = 0; i < 3; i++) {
        stage.request.context = &seen[i];
        assert_int_equal(http_pool_free(stage.pool), 3 - i);
        assert_true(http_pool_start(stage.pool, &stage.request, &err));
    }
    assert_false(http_pool_start(stage.pool, &stage.request, &err));
    assert_string_equal(err.text, "a request was started without a free slot");
    for (int answered = 0; answered < 3;) {
        answer = http_pool_next(stage.pool);
        if (!answer) {
            assert_true(http_pool_wait(stage.pool, 5000, -1, &err));
            continue;
        }
        assert_int_equal(http_pool_free(stage.pool), answered++);
        ++*(int *)answer->context;
        assert_int_equal(answer->end, HTTP_DONE);
        assert_in_range(answer->started_ms, begin_ms, answer->ended_ms);
        assert_in_range(answer->latency_us, 1, 10000000);
        http_pool_release(stage.pool, answer);
    }
    assert_int_equal(http_pool_free(stage.pool), 3);
    assert_true(seen[0] == 1 && seen[1] == 1 && seen[2] == 1);
    stage_close(&stage);
}

static void a_wait_ends_with_a_wake_a_readable_descriptor_or_its_time(void **state)
{
    int fd = eventfd(1, EFD_CLOEXEC);
    int64_t begin_us = clock_monotonic_us();
    struct stage stage;
    struct err err = {0};

    (void)state;
    stage_open(&stage, NULL, 0, 1);
    http_pool_wake(stage.pool);
    assert_true(http_pool_wait(stage.pool, 60000, -1, &err));
    assert_true(http_pool_wait(stage.pool, 60000, fd, &err));
    assert_true(clock_monotonic_us() - begin_us < 30000000);
    begin_us = clock_monotonic_us();
    assert_true(http_pool_wait(stage.pool, 20, -1, &err));
    assert_true(clock_monotonic_us() - begin_us >= 20000);
    close(fd);
    stage_close(&stage);
}

static void a_pool_closes_with_requests_in_flight(void **state)
{
    static const struct step steps[] = {STEP(NULL, HOLD)};
    struct stage stage;
    struct err err = {0};

    (void)state;
    stage_open(&stage, steps, 1, 2);
    assert_true(http_pool_start(stage.pool, &stage.request, &err));
    assert_true(http_pool_start(stage.pool, &stage.request, &err));
    assert_true(http_pool_wait(stage.pool, 20, -1, &err));
    stage_close(&stage);
    http_pool_close(NULL);
}

/* Allocations of libcurl still granted; below 0: all are. */
static int granted = -1;

static bool is_granted(void)
{
    if (granted < 0)
        return true;
    if (granted == 0)
        return false;
    granted--;
    return true;
}

static void *scant_malloc(size_t size)
{
    return is_granted() ? malloc(size) : NULL;
}

static void *scant_calloc(size_t count, size_t size)
{
    return is_granted() ? calloc(count, size) : NULL;
}

static void *scant_realloc(void *memory, size_t size)
{
    return is_granted() ? realloc(memory, size) : NULL;
}

static char *scant_strdup(const char *text)
{
    return is_granted() ? strdup(text) : NULL;
}

/* One request of a pool whose libcurl gets `count` allocations. True when all went well. */
static bool try_with(int count)
{
    static const struct step step = STEP(HEAD_TEN "0123456789", KEEP);
    static const struct http_field fields[] = {{"X-One", "1"}, {NULL, NULL}};
    struct http_options options = {.slots = 1, .user_agent = "rowferry-test"};
    struct http_answer *answer = NULL;
    struct stage stage;
    struct err err = {0};
    bool fine;

    stage_open(&stage, &step, 1, 1);
    http_pool_close(stage.pool);
    granted = count;
    stage.request.fields = fields;
    stage.pool = http_pool_open(&options, &err);
    fine = stage.pool && http_pool_start(stage.pool, &stage.request, &err);
    for (int i = 0; fine && !answer && i < 20; i++) {
        fine = http_pool_wait(stage.pool, 1000, -1, &err);
        answer = http_pool_next(stage.pool);
    }
    granted = -1;
    if (fine) {
        assert_non_null(answer);
        fine = answer->end == HTTP_DONE && answer->body.size == 10;
        assert_true(fine || answer->error[0]);
    } else {
        assert_int_equal(err.kind, ERR_INTERNAL);
    }
    stage_close(&stage);
    return fine;
}

static void every_allocation_of_libcurl_can_fail(void **state)
{
    struct err err = {0};
    int count = 0;
    bool fine;

    (void)state;
    assert_int_equal(curl_global_init_mem(CURL_GLOBAL_DEFAULT, scant_malloc, free, scant_realloc,
                                          scant_strdup, scant_calloc),
                     CURLE_OK);
    while (!try_with(count))
        assert_true(++count < 2000);
    assert_true(count > 10);
    for (count = 0, fine = false; !fine; count++) {
        granted = count;
        fine = http_proxy_check("http_proxy", "http://user:pass%23@proxy:3128/", &err);
        granted = -1;
        assert_int_equal(err.kind, fine ? ERR_NONE : ERR_CONFIG);
        err = (struct err){0};
    }
    assert_true(count > 5);
    curl_global_cleanup();
}

static void a_pool_needs_a_descriptor(void **state)
{
    struct http_options options = {.slots = 1, .user_agent = "rowferry-test"};
    struct rlimit limit, none;
    struct err err = {0};

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_null(http_pool_open(&options, &err));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(err.kind, ERR_INTERNAL);
    assert_text(err.text, "eventfd: *");
    http_pool_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_an_answer_ends_has_its_verdict),
        cmocka_unit_test(a_request_leaves_byte_by_byte_as_asked),
        cmocka_unit_test(each_request_of_a_slot_goes_where_its_own_url_says),
        cmocka_unit_test(a_reused_connection_that_dies_is_not_sent_to_again),
        cmocka_unit_test(credentials_that_an_answer_echoes_are_replaced_by_stars),
        cmocka_unit_test(what_follows_an_answer_is_never_taken_for_the_next_one),
        cmocka_unit_test(a_connection_closed_while_idle_costs_nothing),
        cmocka_unit_test(an_answer_before_the_whole_request_counts_when_it_is_complete),
        cmocka_unit_test(requests_that_did_not_leave_are_recognised),
        cmocka_unit_test(a_connection_that_is_not_accepted_in_time_never_left),
        cmocka_unit_test(certificates_are_checked_before_anything_leaves),
        cmocka_unit_test(the_answer_to_a_post_is_wiped_and_a_large_one_freed),
        cmocka_unit_test(no_request_waits_for_leave),
        cmocka_unit_test(a_request_can_have_further_fields),
        cmocka_unit_test(headers_that_matter_are_kept),
        cmocka_unit_test(an_answer_gives_the_time_of_the_server),
        cmocka_unit_test(slots_limit_what_is_in_flight_and_answers_carry_their_context),
        cmocka_unit_test(a_wait_ends_with_a_wake_a_readable_descriptor_or_its_time),
        cmocka_unit_test(a_pool_closes_with_requests_in_flight),
        cmocka_unit_test(every_allocation_of_libcurl_can_fail),
        cmocka_unit_test(a_pool_needs_a_descriptor),
    };

    setenv("http_proxy", "http://127.0.0.1:1", 1); /* loopback does without */
    alarm(120);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
