/* What libmicrohttpd and the kernel can do at best: answers each POST as `rowferry listen` does, on
 * one thread, and stores nothing. A reference of `make bench`. Prints where it listens on stderr.
 */
#include <microhttpd.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

static char stored[] = "{\"status\":\"stored\"}\n";

static enum MHD_Result on_request(void *context, struct MHD_Connection *handle, const char *path,
                                  const char *method, const char *version, const char *part,
                                  size_t *part_size, void **slot)
{
    (void)path, (void)method, (void)version, (void)part;
    if (*slot && *part_size == 0)
        return MHD_queue_response(handle, MHD_HTTP_OK, context);
    *slot = stored;
    *part_size = 0;
    return MHD_YES;
}

int main(void)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(stored), stored, MHD_RESPMEM_PERSISTENT);
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_TURBO, 0, NULL, NULL, on_request, response,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)8192, MHD_OPTION_END);
    struct pollfd fd = {.events = POLLIN};

    if (!daemon)
        return 1;
    fd.fd = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    fprintf(stderr, "listening on http://127.0.0.1:%u\n",
            (unsigned)MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    while (MHD_run(daemon) == MHD_YES) {
        MHD_UNSIGNED_LONG_LONG ms;

        poll(&fd, 1, MHD_get_timeout(daemon, &ms) == MHD_YES && ms < 500 ? (int)ms : 500);
    }
    return 1;
}
