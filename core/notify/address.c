#include "core/notify/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static bool is_local_address(const struct sockaddr_storage *address)
{
    const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)address;

    if (address->ss_family == AF_INET)
        return ntohl(four->sin_addr.s_addr) >> 24 == 127;
    if (address->ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr) ||
               (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr) && six->sin6_addr.s6_addr[12] == 127);
    return address->ss_family == AF_UNIX;
}

bool address_adopt(int fd, bool *is_local, struct err *err)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    int type = 0, listens = 0;
    socklen_t int_size = sizeof(int);

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &int_size) != 0 || type != SOCK_STREAM ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &int_size) != 0 || !listens ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return err_set(err, ERR_CONFIG, "descriptor %d is not a listening stream socket", fd);
    *is_local = is_local_address(&address);
    return true;
}

/* Takes HOST:PORT apart. host stays empty where there is none. */
static bool split_address(const char *address, char host[256], char port[8])
{
    const char *colon = strrchr(address, ':');
    size_t size = colon ? (size_t)(colon - address) : 0;
    int64_t number;

    if (!str_to_int64(span_of(colon ? colon + 1 : address), 0, 65535, &number) ||
        (colon && size == 0) || size >= 256)
        return false;
    snprintf(port, 8, "%" PRId64, number);
    if (size >= 2 && address[0] == '[' && colon[-1] == ']') {
        address++;
        size -= 2;
    } else if (memchr(address, ':', size)) {
        return false; /* IPv6 without brackets */
    }
    memcpy(host, address, size);
    host[size] = '\0';
    return true;
}

static int bind_first(const struct addrinfo *found)
{
    int fd = -1, on = 1;

    for (; found && fd < 0; found = found->ai_next) {
        fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd >= 0 &&
            (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
             bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, SOMAXCONN) != 0)) {
            int code = errno;

            close(fd);
            fd = -1;
            errno = code;
        }
    }
    return fd;
}

int address_listen(const char *address, bool *is_local, struct err *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char host[256] = "", port[8];
    int code, fd;

    if (!split_address(address, host, port)) {
        err_set(err, ERR_CONFIG, "'%s' is not an address: write PORT, HOST:PORT or [IPv6]:PORT",
                address);
        return -1;
    }
    code = getaddrinfo(host[0] ? host : "127.0.0.1", port, &hints, &found);
    if (code != 0) {
        err_set(err, ERR_CONFIG, "cannot listen on '%s': %s", address, gai_strerror(code));
        return -1;
    }
    fd = bind_first(found);
    if (fd < 0)
        err_set(err, ERR_CONFIG, "cannot listen on '%s': %s", address, strerror(errno));
    freeaddrinfo(found);
    if (fd >= 0 && !address_adopt(fd, is_local, err)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

void address_name(int fd, struct buf *out)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    char host[INET6_ADDRSTRLEN + 16], port[8];

    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return;
    if (address.ss_family == AF_UNIX)
        buf_append_text(out, ((const struct sockaddr_un *)(const void *)&address)->sun_path);
    else if (getnameinfo((struct sockaddr *)&address, size, host, sizeof host, port, sizeof port,
                         NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        buf_printf(out, address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}
