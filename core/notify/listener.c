#include "core/notify/listener.h"

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/notify/listener_header.h"
#include "core/notify/payload.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECTION_MEMORY = 8 << 10, /* so much header a request may have, about */
    ACCEPTS_AT_ONCE = 64,
    RESERVED_FDS = 64,        /* for the database and the ERP */
    DISCARDED_MAX = 16 << 20, /* of a body that is refused anyway */
    KEPT = 16 << 10,          /* a request gives back the memory of a larger body */
    FINISH_US = 5000000,      /* for what has come when stopping is asked for */
    SWEEP_US = 500000,
    SECOND_US = 1000000,
    GATHER_MS =
        1, /* from the end of a commit to the next look at connections; then twice as long */
    GATHER_MAX_MS = 16,
    VISITS_MAX = 8, /* of MHD to a request that is being stored, before it is suspended */
};

enum route { ROUTE_NONE, ROUTE_NOTIFICATIONS, ROUTE_HEALTH, ROUTE_METRICS };

/* A connection, in the list of those without a request (idle) or of those with one. */
struct connection {
    struct connection *previous, *next;
    struct connection_list *list;
    int fd;
    int64_t since_us;  /* in the list */
    int64_t header_us; /* first bytes of a request were seen; 0: none */
    int64_t received;  /* bytes, when it was looked at first; -1: it was not */
    bool is_new;       /* no request has come to its end */
    bool is_waiting;   /* its request is with the committer */
    bool is_cut;
};

struct connection_list {
    struct connection *first, *last; /* the oldest first */
    unsigned count;
};

/* A request; used again. */
struct request {
    struct commit_item item; /* first, so that an item is its request */
    struct MHD_Connection *handle;
    struct connection *connection;
    enum route route;
    unsigned status;      /* that is known already; 0: none is */
    bool ends_connection; /* it is not known where the next request begins */
    const char *allow;
    char problem[PAYLOAD_PROBLEM_SIZE];
    struct buf body;
    size_t counted; /* bytes of body that are counted as memory in use */
    uint64_t discarded;
    bool is_submitted, is_done; /* it was given to the committer; it came back */
    bool is_suspended;
    unsigned visits;
    struct payload_reader reader;
    struct request *next_free;
};

struct listener {
    struct listener_options options;
    struct MHD_Daemon *daemon;
    struct committer *committer;
    int epoll_fd, done_fd;
    struct connection_list idle, busy;
    struct request *free;
    struct commit_item *submitted, **last; /* since MHD ran last, for the committer */
    unsigned gathering;                    /* requests with the committer that are not suspended */
    int gather_ms;
    struct MHD_Response *stored, *repeated, *healthy;
    size_t memory; /* of bodies */
    unsigned connections_max;
    struct listener_counts counts;
    int64_t swept_us, ticked_us;
    bool has_tls;
};

/* --- connections --- */

static void list_remove(struct connection *connection)
{
    struct connection_list *list = connection->list;

    if (!list)
        return;
    *(connection->previous ? &connection->previous->next : &list->first) = connection->next;
    *(connection->next ? &connection->next->previous : &list->last) = connection->previous;
    list->count--;
    connection->list = NULL;
}

/* Moves it to the end of the list, from now on. */
static void list_move(struct connection *connection, struct connection_list *list)
{
    list_remove(connection);
    connection->previous = list->last;
    connection->next = NULL;
    *(list->last ? &list->last->next : &list->first) = connection;
    list->last = connection;
    list->count++;
    connection->list = list;
    connection->since_us = clock_monotonic_us();
    connection->header_us = 0;
    connection->received = -1;
}

static void on_connection(void *context, struct MHD_Connection *handle, void **slot,
                          enum MHD_ConnectionNotificationCode code)
{
    struct listener *listener = context;
    struct connection *connection = *slot;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        connection = mem_calloc(1, sizeof *connection);
        connection->fd =
            MHD_get_connection_info(handle, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        connection->is_new = !listener->has_tls; /* whose handshake are bytes, too */
        list_move(connection, &listener->idle);
        *slot = connection;
    } else {
        list_remove(connection);
        free(connection);
    }
}

/* Ends a connection; MHD sees that when it runs next. late: a request took too long. */
static void cut(struct listener *listener, struct connection *connection, bool late)
{
    static const char text[] = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n"
                               "Connection: close\r\n\r\n";

    if (late && !listener->has_tls)
        send(connection->fd, text, sizeof text - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(connection->fd, SHUT_RDWR);
    listener->counts.evicted++;
    connection->is_cut = true;
}

/* Bytes that have come on the connection; -1: not known. */
static int64_t received(const struct connection *connection)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;

    if (getsockopt(connection->fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
        size < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received)
        return -1;
    return (int64_t)info.tcpi_bytes_received;
}

/* MHD reports when a header is complete, and not when one begins: the kernel's count of bytes does.
 */
static void sweep_idle(struct listener *listener, struct connection *connection, int64_t now_us)
{
    int64_t bytes = received(connection), age_us = now_us - connection->since_us;

    if (connection->received < 0)
        connection->received = connection->is_new ? 0 : bytes;
    if (bytes > connection->received && connection->header_us == 0)
        connection->header_us = now_us;
    if (connection->header_us > 0 &&
        now_us - connection->header_us > LISTENER_HEADER_S * (int64_t)SECOND_US)
        cut(listener, connection, true);
    else if (connection->header_us == 0 && age_us > LISTENER_IDLE_S * (int64_t)SECOND_US)
        cut(listener, connection, false);
}

static void sweep(struct listener *listener, int64_t now_us)
{
    if (now_us - listener->swept_us < SWEEP_US)
        return;
    listener->swept_us = now_us;
    for (struct connection *each = listener->idle.first; each; each = each->next)
        if (!each->is_cut)
            sweep_idle(listener, each, now_us);
    for (struct connection *each = listener->busy.first; each; each = each->next)
        if (!each->is_cut && !each->is_waiting &&
            now_us - each->since_us > LISTENER_BODY_S * (int64_t)SECOND_US)
            cut(listener, each, true);
}

static bool is_full(const struct listener *listener)
{
    return listener->idle.count + listener->busy.count >= listener->connections_max;
}

/* Closes those that have been idle longest. */
static void make_room(struct listener *listener)
{
    unsigned count = 0;

    for (struct connection *each = listener->idle.first; each && count < ACCEPTS_AT_ONCE;
         each = each->next, count++)
        if (!each->is_cut)
            cut(listener, each, false);
}

/* Takes waiting connections. At the limit, those that have been idle longest make room. */
static void accept_all(struct listener *listener)
{
    while (!is_full(listener)) {
        struct sockaddr_storage address;
        socklen_t size = sizeof address;
        int on = 1, fd = accept4(listener->options.fd, (struct sockaddr *)&address, &size,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0)
            return;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (MHD_add_connection(listener->daemon, fd, (struct sockaddr *)&address, size) == MHD_YES)
            listener->counts.connections++;
    }
    make_room(listener);
}

/* --- answers --- */

static enum MHD_Result answer_json(struct request *request, unsigned status, const char *member,
                                   const char *text)
{
    struct MHD_Response *response;
    enum MHD_Result result;
    struct buf body = {0};

    buf_printf(&body, "{\"%s\":\"", member);
    buf_append_json(&body, span_of(text));
    buf_append_text(&body, "\"}\n");
    response = MHD_create_response_from_buffer(body.size, body.data, MHD_RESPMEM_MUST_FREE);
    MHD_add_response_header(response, "Content-Type", "application/json");
    if (request->allow)
        MHD_add_response_header(response, "Allow", request->allow);
    if (status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(response, "WWW-Authenticate", "Webhook-Signature");
    if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
        MHD_add_response_header(response, "Retry-After", "1");
    if (status == MHD_HTTP_UNSUPPORTED_MEDIA_TYPE)
        MHD_add_response_header(response, "Accept-Encoding", "identity");
    if (status == MHD_HTTP_CONTENT_TOO_LARGE || request->ends_connection)
        MHD_add_response_header(response, "Connection", "close");
    result = MHD_queue_response(request->handle, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_problem(struct listener *listener, struct request *request,
                                      unsigned status, const char *text)
{
    if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
        listener->counts.unavailable++;
    else
        listener->counts.refused++;
    return answer_json(request, status, "error", text);
}

static enum MHD_Result answer_metrics(struct listener *listener, struct request *request)
{
    struct MHD_Response *response;
    enum MHD_Result result;
    struct buf out = {0};

    if (listener->options.print_metrics)
        listener->options.print_metrics(listener->options.context, &out);
    response = MHD_create_response_from_buffer(out.size, out.data, MHD_RESPMEM_MUST_FREE);
    MHD_add_response_header(response, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    result = MHD_queue_response(request->handle, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_health(struct listener *listener, struct request *request)
{
    struct committer_counts commits;

    committer_count(listener->committer, &commits);
    return commits.is_failing
               ? answer_json(request, MHD_HTTP_SERVICE_UNAVAILABLE, "status", "database failing")
               : MHD_queue_response(request->handle, MHD_HTTP_OK, listener->healthy);
}

/* --- requests --- */

static struct request *request_take(struct listener *listener)
{
    struct request *request = listener->free;

    if (!request)
        return mem_calloc(1, sizeof *request);
    listener->free = request->next_free;
    return request;
}

static void request_give_back(struct listener *listener, struct request *request)
{
    struct payload_reader reader = request->reader;
    struct buf body = request->body;

    listener->memory -= request->counted;
    if (body.capacity > KEPT || reader.tape.capacity > KEPT / sizeof(struct json_token)) {
        buf_release(&body);
        payload_reader_release(&reader);
        reader = (struct payload_reader){0};
    }
    buf_reset(&body);
    *request = (struct request){.reader = reader, .body = body, .next_free = listener->free};
    listener->free = request;
}

static void refuse(struct request *request, unsigned status, const char *text)
{
    request->status = status;
    snprintf(request->problem, sizeof request->problem, "%s", text);
}

/* The path of a request target, which can be in absolute form (RFC 9112 section 3.2.2). */
static const char *path_of(const char *target)
{
    const char *authority = strstr(target, "://"), *path;

    if (!authority || target[0] == '/')
        return target;
    path = strchr(authority + 3, '/');
    return path ? path : "/";
}

static void choose_target(struct request *request, const char *path, const char *method)
{
    bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;

    if (strcmp(path, "/") == 0)
        request->route = ROUTE_NOTIFICATIONS;
    else if (strcmp(path, "/healthz") == 0)
        request->route = ROUTE_HEALTH;
    else if (strcmp(path, "/metrics") == 0)
        request->route = ROUTE_METRICS;
    if (request->route == ROUTE_NONE) {
        refuse(request, MHD_HTTP_NOT_FOUND, "there is nothing here: POST notifications to /");
    } else if (request->route == ROUTE_NOTIFICATIONS ? strcmp(method, "POST") != 0 : !reads) {
        request->allow = request->route == ROUTE_NOTIFICATIONS ? "POST" : "GET, HEAD";
        refuse(request, MHD_HTTP_METHOD_NOT_ALLOWED, "this method is not for this path");
    }
}

static const char *header(const struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->handle, MHD_HEADER_KIND, name);
}

static enum MHD_Result begin(struct listener *listener, struct MHD_Connection *handle,
                             const char *target, const char *method, const char *version,
                             void **slot)
{
    struct listener_header_problem problem = listener_header_check(handle, method, version);
    struct request *request = request_take(listener);
    const char *length;
    int64_t size = 0;

    *slot = request;
    request->handle = handle;
    request->connection =
        MHD_get_connection_info(handle, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    list_move(request->connection, &listener->busy);
    choose_target(request, path_of(target), method);
    length = header(request, "Content-Length");
    if (length && !str_to_int64(span_of(length), 0, INT64_MAX, &size))
        size = INT64_MAX;
    if (!request->status && size > PAYLOAD_MAX)
        refuse(request, MHD_HTTP_CONTENT_TOO_LARGE, "the body is larger than 1048576 bytes");
    /* of a request that is not signed, no body is kept */
    if (!request->status && request->route == ROUTE_NOTIFICATIONS && listener->options.keys &&
        !header(request, "webhook-signature") && !header(request, "X-Hub-Signature-256"))
        refuse(request, MHD_HTTP_UNAUTHORIZED, "the request is not signed");
    request->ends_connection =
        problem.status == MHD_HTTP_BAD_REQUEST || problem.status == MHD_HTTP_NOT_IMPLEMENTED;
    if (problem.status && (!request->status || request->ends_connection))
        refuse(request, problem.status, problem.text);
    /* who waits to be asked for the body, or would send for long, is answered at once; so is a body
     * whose end cannot be found */
    if (request->status &&
        (size > DISCARDED_MAX || header(request, "Expect") || request->ends_connection))
        return answer_problem(listener, request, request->status, request->problem);
    return MHD_YES;
}

/* A part of the body. */
static enum MHD_Result take_part(struct listener *listener, struct request *request,
                                 const char *part, size_t size)
{
    if (!request->status && request->body.size + size > PAYLOAD_MAX)
        refuse(request, MHD_HTTP_CONTENT_TOO_LARGE, "the body is larger than 1048576 bytes");
    if (!request->status && listener->memory + size > LISTENER_MEMORY_MAX)
        refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, "too much at once: try again");
    if (!request->status) {
        buf_append(&request->body, part, size);
        request->counted += size;
        listener->memory += size;
        return MHD_YES;
    }
    listener->memory -= request->counted;
    request->counted = 0;
    buf_release(&request->body);
    request->discarded += size;
    return request->discarded > DISCARDED_MAX ? MHD_NO : MHD_YES;
}

/* False: the request is refused. */
static bool check_signature(const struct listener *listener, struct request *request,
                            const char **webhook_id)
{
    const struct signature_headers headers = {
        header(request, "webhook-id"), header(request, "webhook-timestamp"),
        header(request, "webhook-signature"), header(request, "X-Hub-Signature-256")};

    *webhook_id = headers.id && *headers.id ? headers.id : NULL;
    if (!listener->options.keys)
        return true;
    switch (signature_check(listener->options.keys, &headers, buf_span(&request->body),
                            clock_now_ms() / 1000)) {
    case SIGNATURE_WITH_ID:
        return true;
    case SIGNATURE_OF_BODY: /* anybody may have put another id on it */
        *webhook_id = NULL;
        return true;
    case SIGNATURE_MISSING:
        refuse(request, MHD_HTTP_UNAUTHORIZED, "the request is not signed");
        return false;
    case SIGNATURE_EXPIRED:
        refuse(request, MHD_HTTP_UNAUTHORIZED,
               "webhook-timestamp is more than 5 minutes from this machine's time");
        return false;
    case SIGNATURE_WRONG:
        break;
    }
    refuse(request, MHD_HTTP_UNAUTHORIZED, "the signature is wrong");
    return false;
}

/* The body is complete: to the committer with it. */
static enum MHD_Result submit(struct listener *listener, struct request *request)
{
    struct payload payload;
    const char *webhook_id;

    if (check_signature(listener, request, &webhook_id) &&
        !payload_read(&request->reader, buf_span(&request->body), webhook_id, &payload,
                      request->problem))
        request->status = MHD_HTTP_BAD_REQUEST;
    if (request->status)
        return answer_problem(listener, request, request->status, request->problem);
    request->item.notification = payload.notification;
    request->is_submitted = true;
    request->connection->is_waiting = true;
    request->item.next = NULL;
    *listener->last = &request->item;
    listener->last = &request->item.next;
    listener->gathering++;
    return MHD_YES;
}

/* MHD asks again for the answer of a request that is being stored. To suspend a connection costs
 * three system calls, which those that are answered soon are spared. */
static enum MHD_Result visit(struct listener *listener, struct request *request)
{
    if (++request->visits > VISITS_MAX) {
        request->is_suspended = true;
        listener->gathering--;
        MHD_suspend_connection(request->handle);
    }
    return MHD_YES;
}

static void count_stored(struct listener *listener, const struct request *request)
{
    if (request->item.notification.is_repeated)
        listener->counts.repeated++;
    else
        listener->counts.stored++;
}

static enum MHD_Result finish(struct listener *listener, struct request *request)
{
    request->connection->is_waiting = false;
    if (!request->item.is_stored)
        return answer_problem(listener, request, MHD_HTTP_SERVICE_UNAVAILABLE,
                              "the notification could not be stored: try again");
    count_stored(listener, request);
    return MHD_queue_response(request->handle, MHD_HTTP_OK,
                              request->item.notification.is_repeated ? listener->repeated
                                                                     : listener->stored);
}

/* MHD calls it when the header is there, for each part of the body, at its end, and again each time
 * that it runs until there is an answer, unless the connection is suspended. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *handle, const char *path,
                                  const char *method, const char *version, const char *part,
                                  size_t *part_size, void **slot)
{
    struct listener *listener = context;
    struct request *request = *slot;

    if (!request)
        return begin(listener, handle, path, method, version, slot);
    if (*part_size > 0) {
        size_t size = *part_size;

        *part_size = 0;
        return take_part(listener, request, part, size);
    }
    if (request->is_submitted)
        return request->is_done ? finish(listener, request) : visit(listener, request);
    if (request->status)
        return answer_problem(listener, request, request->status, request->problem);
    if (request->route == ROUTE_HEALTH)
        return answer_health(listener, request);
    if (request->route == ROUTE_METRICS)
        return answer_metrics(listener, request);
    return submit(listener, request);
}

static void on_completed(void *context, struct MHD_Connection *handle, void **slot,
                         enum MHD_RequestTerminationCode code)
{
    struct listener *listener = context;
    struct request *request = *slot;

    (void)handle;
    (void)code;
    request->connection->is_new = false;
    request->connection->is_waiting = false;
    list_move(request->connection, &listener->idle);
    request->connection = NULL;
    /* whose client reset the connection, is stored anyway */
    if (!request->is_submitted || request->is_done)
        request_give_back(listener, request);
    *slot = NULL;
}

/* --- the loop --- */

static void on_done(void *context)
{
    static const uint64_t one = 1;
    struct listener *listener = context;

    /* fails only where the counter is full: then a wake waits already */
    if (write(listener->done_fd, &one, sizeof one) < 0)
        return;
    if (listener->options.stored)
        listener->options.stored(listener->options.context);
}

static void take_done(struct listener *listener)
{
    struct commit_item *item = committer_take_done(listener->committer), *next;

    for (; item; item = next) {
        struct request *request = (struct request *)(void *)item;

        next = item->next;
        request->is_done = true;
        if (request->is_suspended)
            MHD_resume_connection(request->handle);
        else
            listener->gathering--;
        if (request->connection)
            continue;
        if (item->is_stored)
            count_stored(listener, request);
        request_give_back(listener, request);
    }
}

/* Gives the committer at once what came. */
static bool run_daemon(struct listener *listener, struct err *err)
{
    bool fine = MHD_run(listener->daemon) == MHD_YES;

    if (listener->submitted)
        committer_add(listener->committer, listener->submitted);
    listener->submitted = NULL;
    listener->last = &listener->submitted;
    return fine || err_set(err, ERR_INTERNAL, "the HTTP server failed");
}

/* So many connections as the limit of descriptors leaves, which is raised where that may be. */
static unsigned connections_max(void)
{
    struct rlimit limit;
    rlim_t wanted = LISTENER_CONNECTIONS + RESERVED_FDS;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return LISTENER_CONNECTIONS;
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
        setrlimit(RLIMIT_NOFILE, &limit);
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= wanted)
        return LISTENER_CONNECTIONS;
    return limit.rlim_cur > (rlim_t)2 * RESERVED_FDS ? (unsigned)limit.rlim_cur - RESERVED_FDS
                                                     : RESERVED_FDS;
}

static struct MHD_Response *fixed(const char *text)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_PERSISTENT);

    MHD_add_response_header(response, "Content-Type", "application/json");
    return response;
}

static bool start_daemon(struct listener *listener, struct err *err)
{
    unsigned flags = MHD_USE_EPOLL | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_USE_NO_LISTEN_SOCKET | (listener->has_tls ? MHD_USE_TLS : 0);
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)listener->options.tls_certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)listener->options.tls_key},
        /* RFC 8996: neither TLS 1.0 nor 1.1 */
        {MHD_OPTION_HTTPS_PRIORITIES, 0, "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_END, 0, NULL}};

    listener->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, listener, MHD_OPTION_ARRAY,
        listener->has_tls ? tls : tls + 3, MHD_OPTION_NOTIFY_CONNECTION, on_connection, listener,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, listener, MHD_OPTION_CONNECTION_LIMIT,
        listener->connections_max, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_END);
    if (!listener->daemon)
        return err_set(err, listener->has_tls ? ERR_CONFIG : ERR_INTERNAL,
                       "cannot start the HTTP server%s",
                       listener->has_tls ? " with this certificate and key" : "");
    listener->epoll_fd = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    return true;
}

struct listener *listener_open(const struct listener_options *options, struct err *err)
{
    struct listener *listener = mem_calloc(1, sizeof *listener);

    listener->options = *options;
    listener->last = &listener->submitted;
    listener->has_tls = options->tls_certificate != NULL;
    listener->connections_max = connections_max();
    listener->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    listener->stored = fixed("{\"status\":\"stored\"}\n");
    listener->repeated = fixed("{\"status\":\"known\"}\n");
    listener->healthy = fixed("{\"status\":\"ok\"}\n");
    if (start_daemon(listener, err)) {
        listener->committer =
            committer_open(&(struct committer_options){.store = options->store,
                                                       .client_id = options->client_id,
                                                       .catalog = options->catalog,
                                                       .delivers_echoes = options->delivers_echoes,
                                                       .done = on_done,
                                                       .context = listener},
                           err);
        if (listener->committer)
            return listener;
    }
    listener_close(listener);
    return NULL;
}

void listener_use_keys(struct listener *listener, const struct signature_keys *keys)
{
    listener->options.keys = keys;
}

static int wait_ms(const struct listener *listener)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;

    if (listener->gathering > 0)
        return listener->gather_ms;
    if (MHD_get_timeout(listener->daemon, &timeout_ms) == MHD_YES && timeout_ms < 500)
        return (int)timeout_ms;
    return 500;
}

/* One turn of the loop; is_ending: no connection is accepted any more. */
static bool turn(struct listener *listener, bool is_ending, struct err *err)
{
    struct pollfd fds[] = {{listener->gathering > 0 ? -1 : listener->epoll_fd, POLLIN, 0},
                           {listener->done_fd, POLLIN, 0},
                           {stop_fd(), POLLIN, 0},
                           {is_ending || is_full(listener) ? -1 : listener->options.fd, POLLIN, 0}};
    uint64_t wakes;
    int64_t now_us;

    if (poll(fds, 4, wait_ms(listener)) < 0 && errno != EINTR)
        return err_set(err, ERR_INTERNAL, "poll: %s", strerror(errno));
    if (fds[3].revents)
        accept_all(listener);
    if (fds[0].fd >= 0 || fds[1].revents)
        listener->gather_ms = GATHER_MS;
    else if (listener->gather_ms < GATHER_MAX_MS)
        listener->gather_ms *= 2;
    if (fds[1].revents && read(listener->done_fd, &wakes, sizeof wakes) > 0) {
        /* MHD takes the answers in one run, and sends them in the next */
        take_done(listener);
        if (!run_daemon(listener, err))
            return false;
    }
    if (!run_daemon(listener, err))
        return false;
    now_us = clock_monotonic_us();
    sweep(listener, now_us);
    if (listener->options.tick && now_us - listener->ticked_us > SECOND_US) {
        listener->ticked_us = now_us;
        listener->options.tick(listener->options.context);
    }
    return true;
}

bool listener_run(struct listener *listener, struct err *err)
{
    int64_t end_us = 0;

    fcntl(listener->options.fd, F_SETFL, fcntl(listener->options.fd, F_GETFL) | O_NONBLOCK);
    while (!end_us || (listener->busy.count > 0 && clock_monotonic_us() < end_us)) {
        if (!turn(listener, end_us, err))
            return false;
        if (stop_requested() && !end_us)
            end_us = clock_monotonic_us() + FINISH_US;
    }
    return true;
}

void listener_end(struct listener *listener)
{
    if (listener->committer) {
        committer_end(listener->committer);
        take_done(listener);
    }
    if (listener->daemon) {
        /* a suspended connection has to run before the daemon may stop; the second run sends */
        MHD_run(listener->daemon);
        MHD_run(listener->daemon);
        MHD_stop_daemon(listener->daemon);
        listener->daemon = NULL;
    }
}

void listener_close(struct listener *listener)
{
    if (!listener)
        return;
    listener_end(listener);
    committer_close(listener->committer);
    MHD_destroy_response(listener->stored);
    MHD_destroy_response(listener->repeated);
    MHD_destroy_response(listener->healthy);
    while (listener->free) {
        struct request *request = listener->free;

        listener->free = request->next_free;
        buf_release(&request->body);
        payload_reader_release(&request->reader);
        free(request);
    }
    close(listener->done_fd);
    free(listener);
}

void listener_count(const struct listener *listener, struct listener_counts *counts,
                    struct committer_counts *commits)
{
    *counts = listener->counts;
    counts->open = listener->idle.count + listener->busy.count;
    committer_count(listener->committer, commits);
}
