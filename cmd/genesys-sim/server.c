#include "cmd/genesys-sim/server.h"

#include "cmd/genesys-sim/dispatch.h"
#include "cmd/genesys-sim/sim.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/stop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 1000, CONNECTION_MEMORY = 64 * 1024 };

/* One HTTP request and its connection. */
struct exchange {
    struct request request;
    struct MHD_Connection *connection;
    bool decided;
};

/* A body that ends after its first half, or never. */
struct broken {
    struct buf body;
};

static struct client *client_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **slot,
                          enum MHD_ConnectionNotificationCode code)
{
    struct server *server = context;
    struct client *client;

    (void)connection;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        free(*slot);
        *slot = NULL;
        return;
    }
    client = mem_calloc(1, sizeof *client);
    client->number = ++server->sim->stats.connections;
    *slot = client;
}

/* Begins an exchange; target is not decoded. */
static void *on_target(void *context, const char *target, struct MHD_Connection *connection)
{
    struct exchange *exchange = mem_calloc(1, sizeof *exchange);

    (void)context;
    (void)connection;
    exchange->request.target = mem_strdup(target);
    return exchange;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **slot,
                         enum MHD_RequestTerminationCode code)
{
    struct server *server = context;
    struct exchange *exchange = *slot;
    struct client *client = client_of(connection);

    if (!exchange)
        return;
    dispatch_end(server->sim, &exchange->request);
    if (client && code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
        client->served++;
    request_release(&exchange->request);
    free(exchange);
    *slot = NULL;
}

/* Gives the body, then spaces, which JSON ignores. */
static ssize_t read_endless(void *context, uint64_t at, char *out, size_t size)
{
    const struct broken *broken = context;

    if (at < broken->body.size) {
        if (size > broken->body.size - at)
            size = broken->body.size - (size_t)at;
        memcpy(out, broken->body.data + at, size);
    } else {
        memset(out, ' ', size);
    }
    return (ssize_t)size;
}

static ssize_t read_broken(void *context, uint64_t at, char *out, size_t size)
{
    const struct broken *broken = context;
    size_t half = broken->body.size / 2;

    if (at >= half)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (size > half - at)
        size = half - (size_t)at;
    memcpy(out, broken->body.data + at, size);
    return (ssize_t)size;
}

static void free_broken(void *context)
{
    struct broken *broken = context;

    buf_release(&broken->body);
    free(broken);
}

/* Makes the response of libmicrohttpd, which takes the body over. */
static struct MHD_Response *make_response(struct answer *answer)
{
    struct MHD_Response *response;

    if (answer->end == ANSWER_BROKEN || answer->end == ANSWER_ENDLESS) {
        struct broken *broken = mem_calloc(1, sizeof *broken);
        bool endless = answer->end == ANSWER_ENDLESS;

        broken->body = answer->body;
        response = MHD_create_response_from_callback(endless ? MHD_SIZE_UNKNOWN : broken->body.size,
                                                     4096, endless ? read_endless : read_broken,
                                                     broken, free_broken);
    } else if (answer->body.data) {
        response = MHD_create_response_from_buffer(answer->body.size, answer->body.data,
                                                   MHD_RESPMEM_MUST_FREE);
    } else {
        response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    }
    answer->body = (struct buf){0};
    return response;
}

/* Makes close send RST instead of FIN. */
static void arm_reset(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    if (info)
        setsockopt(info->connect_fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

/* Writes to the socket, as libmicrohttpd cannot send such answers. What does not fit into the
 * buffer of the socket is lost, which is one more way to break off. */
static void send_raw(struct MHD_Connection *connection, struct span bytes)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    int size = 2 * (int)bytes.size;

    if (info && setsockopt(info->connect_fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) == 0)
        send(info->connect_fd, bytes.data, bytes.size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* MHD_NO closes the connection. */
static enum MHD_Result deliver(struct exchange *exchange)
{
    struct answer *answer = &exchange->request.answer;
    struct MHD_Response *response;
    enum MHD_Result result;

    if (answer->end == ANSWER_RESET)
        arm_reset(exchange->connection);
    if (answer->end == ANSWER_RESET || answer->end == ANSWER_CUT || answer->end == ANSWER_RAW)
        return MHD_NO;
    response = make_response(answer);
    if (!response)
        return MHD_NO;
    if (answer->status != MHD_HTTP_NO_CONTENT)
        MHD_add_response_header(response, "Content-Type", answer->type);
    for (unsigned i = 0; i < answer->header_count; i++)
        MHD_add_response_header(response, answer->header[i].name, answer->header[i].value);
    result = MHD_queue_response(exchange->connection, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static void wake(void *context, void *subject, bool stopping)
{
    const struct exchange *exchange = subject;

    (void)context;
    (void)stopping;
    MHD_resume_connection(exchange->connection);
}

static enum MHD_Result decide(struct server *server, struct exchange *exchange)
{
    struct request *request = &exchange->request;

    exchange->decided = true;
    dispatch_answer(server->sim, request);
    /* after an early answer the rest of the body is read and ignored */
    if (request->answer.end == ANSWER_RAW)
        send_raw(exchange->connection, buf_span(&request->answer.body));
    if (request->early)
        return MHD_YES;
    if (request->delay_us == 0)
        return deliver(exchange);
    MHD_suspend_connection(exchange->connection);
    timers_add(&server->sim->timers,
               (struct timer){.due_us = clock_monotonic_us() + request->delay_us,
                              .run = wake,
                              .subject = exchange});
    return MHD_YES;
}

/* Returns the value of a header field, or NULL. */
static const char *field(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static void begin(struct server *server, struct exchange *exchange,
                  struct MHD_Connection *connection, const char *method)
{
    struct request *request = &exchange->request;
    const char *api_key = server->sim->options->api_key; /* NAME:VALUE */
    char *key_name = api_key ? mem_copy(api_key, strcspn(api_key, ":")) : NULL;

    exchange->connection = connection;
    request->client = client_of(connection);
    request->method = method;
    request->authorization = field(connection, "Authorization");
    request->key = key_name ? field(connection, key_name) : NULL;
    request->content_type = field(connection, "Content-Type");
    request->if_match = field(connection, "If-Match");
    request->if_none_match = field(connection, "If-None-Match");
    request->idempotency_key = field(connection, "Idempotency-Key");
    request->webhook_id = field(connection, "webhook-id");
    request->webhook_timestamp = field(connection, "webhook-timestamp");
    request->webhook_signature = field(connection, "webhook-signature");
    free(key_name);
    dispatch_begin(server->sim, request);
}

/* Called when the headers are complete, for each part of the body, at its end, and again when a
 * suspended connection is resumed. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *part,
                                  size_t *part_size, void **slot)
{
    struct server *server = context;
    struct exchange *exchange = *slot;
    struct request *request = &exchange->request;

    (void)url;
    (void)version;
    if (!exchange->connection) {
        begin(server, exchange, connection, method);
        return request->early ? decide(server, exchange) : MHD_YES;
    }
    if (*part_size) {
        request->body_size += *part_size;
        if (request->body_size <= BODY_MAX)
            buf_append(&request->body, part, *part_size);
        *part_size = 0;
        return MHD_YES;
    }
    if (server->closing)
        return MHD_NO;
    return exchange->decided ? deliver(exchange) : decide(server, exchange);
}

/* routes.c decodes targets, segment by segment. */
static size_t leave_encoded(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

static int open_socket(uint16_t *port, struct err *err)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(*port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t size = sizeof address;
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, (struct sockaddr *)&address, size) == 0 && listen(fd, CONNECTIONS_MAX) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &size) == 0) {
        *port = ntohs(address.sin_port);
        return fd;
    }
    err_set(err, ERR_CONFIG, "cannot listen on 127.0.0.1:%u: %s", *port, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool read_pem(struct buf *out, const char *path, struct err *err)
{
    enum { PEM_MAX = 1 << 20 };
    FILE *file = fopen(path, "re");

    if (!file)
        return err_set(err, ERR_CONFIG, "cannot read %s: %s", path, strerror(errno));
    out->size = fread(buf_reserve(out, PEM_MAX), 1, PEM_MAX, file);
    fclose(file);
    return true;
}

bool server_open(struct server *server, struct sim *sim, uint16_t port, struct err *err)
{
    const union MHD_DaemonInfo *info;
    struct MHD_OptionItem tls_options[] = {
        {MHD_OPTION_END, 0, NULL}, {MHD_OPTION_HTTPS_MEM_CERT, 0, NULL}, {MHD_OPTION_END, 0, NULL}};
    unsigned flags = MHD_USE_EPOLL | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME;
    const char *certificate = sim->options->tls_cert_path, *key = sim->options->tls_key_path;
    struct epoll_event readable = {.events = EPOLLIN};
    int fd;

    *server = (struct server){.sim = sim, .port = port, .epoll_fd = -1, .both_fd = -1};
    if (!certificate != !key)
        return err_set(err, ERR_CONFIG, "--tls-cert and --tls-key must be given together");
    if (key) {
        if (!read_pem(&server->certificate, certificate, err) || !read_pem(&server->key, key, err))
            return false;
        flags |= MHD_USE_TLS;
        tls_options[0].option = MHD_OPTION_HTTPS_MEM_KEY;
        tls_options[0].ptr_value = (void *)buf_text(&server->key);
        tls_options[1].ptr_value = (void *)buf_text(&server->certificate);
    }
    fd = open_socket(&server->port, err);
    if (fd < 0)
        return false;
    server->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, server, MHD_OPTION_ARRAY, tls_options,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_URI_LOG_CALLBACK, on_target,
        server, MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, NULL, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_END);
    if (!server->daemon) {
        close(fd);
        return err_set(err, key ? ERR_CONFIG : ERR_INTERNAL, "cannot start the HTTP server%s",
                       key ? " with this certificate and key" : "");
    }
    info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info)
        return err_set(err, ERR_INTERNAL, "the HTTP server has no epoll descriptor");
    server->epoll_fd = info->epoll_fd;
    server->both_fd = epoll_create1(EPOLL_CLOEXEC);
    if (server->both_fd < 0 ||
        epoll_ctl(server->both_fd, EPOLL_CTL_ADD, server->epoll_fd, &readable) != 0 ||
        epoll_ctl(server->both_fd, EPOLL_CTL_ADD, stop_fd(), &readable) != 0)
        return err_set(err, ERR_INTERNAL, "epoll: %s", strerror(errno));
    return true;
}

/* Returns the microseconds that the loop can sleep. */
static int64_t wait_us(const struct server *server, int64_t now_us, int64_t end_us)
{
    int64_t wait = end_us - now_us, next = timers_wait_us(&server->sim->timers, now_us);
    MHD_UNSIGNED_LONG_LONG timeout_ms;

    if (next >= 0 && next < wait)
        wait = next;
    next = webhooks_wait_us(&server->sim->webhooks, now_us);
    if (next >= 0 && next < wait)
        wait = next;
    if (MHD_get_timeout(server->daemon, &timeout_ms) == MHD_YES &&
        timeout_ms < (MHD_UNSIGNED_LONG_LONG)(wait / 1000))
        wait = (int64_t)timeout_ms * 1000;
    return wait > 0 ? wait : 0;
}

/* Sleeps until a socket, a signal or sleep_us; while notifications can be in flight, with libcurl,
 * which can wait for one more descriptor. */
static bool sleep_for(struct server *server, int64_t sleep_us, struct err *err)
{
    struct pollfd waiting[] = {{server->epoll_fd, POLLIN, 0}, {stop_fd(), POLLIN, 0}};
    struct timespec timeout = {.tv_sec = sleep_us / 1000000, .tv_nsec = sleep_us % 1000000 * 1000};

    if (server->sim->webhooks.in_flight > 0)
        return webhooks_work(&server->sim->webhooks, (int)((sleep_us + 999) / 1000),
                             server->both_fd, err);
    return ppoll(waiting, 2, &timeout, NULL) >= 0 || errno == EINTR ||
           err_set(err, ERR_INTERNAL, "poll: %s", strerror(errno));
}

bool server_run(struct server *server, int64_t max_seconds, struct err *err)
{
    int64_t now_us = clock_monotonic_us(), end_us = now_us + max_seconds * 1000000;
    struct sim *sim = server->sim;

    while (now_us < end_us && !sim->failed) {
        if (!webhooks_send(&sim->webhooks, now_us, err) ||
            !sleep_for(server, wait_us(server, now_us, end_us), err))
            return false;
        if (stop_requested())
            return true;
        now_us = clock_monotonic_us();
        timers_run(&sim->timers, now_us);
        if (MHD_run(server->daemon) != MHD_YES)
            return err_set(err, ERR_INTERNAL, "the HTTP server failed");
    }
    if (sim->failed)
        *err = sim->err;
    return !sim->failed;
}

void server_close(struct server *server)
{
    if (server->daemon) {
        /* suspended connections must run again before the daemon can stop */
        server->closing = true;
        timers_release(&server->sim->timers);
        MHD_run(server->daemon);
        MHD_stop_daemon(server->daemon);
        server->daemon = NULL;
    }
    if (server->both_fd >= 0)
        close(server->both_fd);
    buf_release(&server->certificate);
    buf_release(&server->key);
}
