/* A server of raw sockets that plays steps, and a pool that sends to it. */
#pragma once

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/http/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the server does after its answer. */
enum ending { KEEP, CLOSE, RESET, HOLD };

/* The answer to one request: `repeat` is written `times` after it. */
struct step {
    const char *answer;
    enum ending ending;
    const char *repeat;
    int times;
    bool head_only; /* answers without having read the request's body */
};

#define STEP(answer, ending)                                                                       \
    {                                                                                              \
        answer, ending, NULL, 0, false                                                             \
    }
#define FLOOD(answer, repeat, times)                                                               \
    {                                                                                              \
        answer, HOLD, repeat, times, false                                                         \
    }
#define EARLY(answer, ending)                                                                      \
    {                                                                                              \
        answer, ending, NULL, 0, true                                                              \
    }

/* A server of raw sockets in a thread: one connection after the other, one step per request. */
struct server {
    int listener, stop_fd, port;
    pthread_t thread;
    const struct step *steps;
    unsigned step_count;
    unsigned requests; /* read after the thread has ended, or after `settled` */
    struct buf reading;
    struct buf last; /* the newest request that is complete, byte by byte */
    sem_t settled;   /* posted when a step is done */
};

static inline bool readable(const struct server *server, int fd)
{
    struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = server->stop_fd, .events = POLLIN}};

    return poll(fds, 2, 20000) > 0 && fds[0].revents && !fds[1].revents;
}

/* Reads one request. False when the client closed, or the test ended. */
static inline bool read_request(struct server *server, int fd, bool head_only)
{
    size_t wanted = 0;

    buf_reset(&server->reading);
    while (wanted == 0 || server->reading.size < wanted) {
        char *room = buf_reserve(&server->reading, 4096);
        ssize_t got = readable(server, fd) ? recv(fd, room, 4096, 0) : 0;
        const char *text, *end, *length;

        if (got <= 0)
            return false;
        server->reading.size += (size_t)got;
        text = buf_text(&server->reading);
        end = strstr(text, "\r\n\r\n");
        length = strstr(text, "Content-Length: ");
        if (end)
            wanted = (size_t)(end - text) + 4;
        if (end && length && !head_only)
            wanted += (size_t)strtoul(length + 16, NULL, 10);
    }
    buf_reset(&server->last);
    buf_append_span(&server->last, buf_span(&server->reading));
    server->requests++;
    return true;
}

static inline bool write_all(int fd, const char *text)
{
    size_t size = text ? strlen(text) : 0;

    for (size_t done = 0; done < size;) {
        ssize_t sent = send(fd, text + done, size - done, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        done += (size_t)sent;
    }
    return true;
}

/* Plays steps on a connection until one of them ends it. */
static inline void serve(struct server *server, int fd)
{
    static const struct linger at_once = {.l_onoff = 1};
    enum ending ending = KEEP;

    while (ending == KEEP && server->requests < server->step_count) {
        const struct step *step = &server->steps[server->requests];
        bool open;

        if (!read_request(server, fd, step->head_only))
            break;
        ending = step->ending;
        open = write_all(fd, step->answer);
        for (int i = 0; open && i < step->times; i++)
            open = write_all(fd, step->repeat);
        if (ending == KEEP)
            sem_post(&server->settled);
    }
    if (ending == HOLD)
        (void)readable(server, server->stop_fd);
    if (ending == RESET)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
    sem_post(&server->settled);
}

static inline void *server_main(void *context)
{
    struct server *server = context;

    while (readable(server, server->listener)) {
        int fd = accept(server->listener, NULL, NULL);

        if (fd >= 0)
            serve(server, fd);
    }
    return NULL;
}

static inline int listen_anywhere(int *port)
{
    static const int small = 4096;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static inline void server_start(struct server *server, const struct step *steps, unsigned count)
{
    *server = (struct server){.steps = steps, .step_count = count};
    server->listener = listen_anywhere(&server->port);
    server->stop_fd = eventfd(0, EFD_CLOEXEC);
    sem_init(&server->settled, 0, 0);
    assert_int_equal(pthread_create(&server->thread, NULL, server_main, server), 0);
}

static inline void server_stop(struct server *server)
{
    eventfd_write(server->stop_fd, 1);
    pthread_join(server->thread, NULL);
    close(server->listener);
    close(server->stop_fd);
    sem_destroy(&server->settled);
    buf_release(&server->reading);
    buf_release(&server->last);
}

/* A server with its steps, and a pool. */
struct stage {
    struct server server;
    struct http_pool *pool;
    char url[64];
    struct http_request request; /* a small PUT to the server, for the test to change */
};

static inline void stage_open(struct stage *stage, const struct step *steps, unsigned count,
                              unsigned slots)
{
    struct http_options options = {.slots = slots, .user_agent = "rowferry-test"};
    struct err err = {0};

    server_start(&stage->server, steps, count);
    stage->pool = http_pool_open(&options, &err);
    assert_string_equal(err.text, "");
    snprintf(stage->url, sizeof stage->url, "http://127.0.0.1:%d/record", stage->server.port);
    stage->request = (struct http_request){.method = HTTP_PUT,
                                           .url = stage->url,
                                           .authorization = "Bearer top-secret",
                                           .content_type = "application/json",
                                           .body = span_of("{}"),
                                           .timeout_ms = 10000};
}

/* Returns how many requests the server has read. */
static inline unsigned stage_close(struct stage *stage)
{
    http_pool_close(stage->pool);
    server_stop(&stage->server);
    return stage->server.requests;
}

/* Starts the stage's request and waits for its answer, which the caller may release. */
static inline struct http_answer *fetch(struct stage *stage)
{
    int64_t end_us = clock_monotonic_us() + 20000000;
    struct http_answer *answer = NULL;
    struct err err = {0};

    assert_true(http_pool_start(stage->pool, &stage->request, &err));
    while (!answer && clock_monotonic_us() < end_us) {
        assert_true(http_pool_wait(stage->pool, 1000, -1, &err));
        answer = http_pool_next(stage->pool);
    }
    assert_non_null(answer);
    return answer;
}

/* An expected text that ends in `*` is a prefix. */
static inline void assert_text(const char *text, const char *expected)
{
    size_t size = strlen(expected);

    if (size && expected[size - 1] == '*' && strncmp(text, expected, size - 1) == 0)
        return;
    assert_string_equal(text, expected);
}

#define OK       "HTTP/1.1 200 OK\r\n"
#define OK_EMPTY OK "Content-Length: 0\r\n\r\n"
