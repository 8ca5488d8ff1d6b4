/* relay NAMESPACE PORT: listens on 127.0.0.1:PORT of a network namespace (a file, as `ip netns`
 * makes it) and passes all connections on to the same address of the namespace that it was started
 * in. A relay that is stopped by SIGSTOP is a link that is cut: nothing is answered, and what was
 * on its way arrives after SIGCONT. Prints `ready` when it listens. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINKS_MAX = 256 };

/* Two ends of a connection are next to each other: 1 and 2, 3 and 4 ... */
static struct pollfd ends[1 + 2 * LINKS_MAX];

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int enter(const char *namespace)
{
    int fd = open(namespace, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || setns(fd, CLONE_NEWNET) != 0)
        fail(namespace);
    return fd;
}

static int tcp_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        fail("socket");
    return fd;
}

static void add_link(const struct sockaddr_in *server)
{
    int client = accept(ends[0].fd, NULL, NULL), there = tcp_socket();
    int i = 1;

    while (i < 2 * LINKS_MAX && ends[i].fd >= 0)
        i += 2;
    if (client < 0 || i >= 2 * LINKS_MAX ||
        connect(there, (const struct sockaddr *)server, sizeof *server) != 0) {
        close(client);
        close(there);
        return;
    }
    ends[i] = (struct pollfd){.fd = client, .events = POLLIN};
    ends[i + 1] = (struct pollfd){.fd = there, .events = POLLIN};
}

static bool pass(int from, int to)
{
    char bytes[16384];
    ssize_t size = read(from, bytes, sizeof bytes), sent = 0;

    while (size > 0 && sent < size) {
        ssize_t more = write(to, bytes + sent, (size_t)(size - sent));

        if (more <= 0)
            return false;
        sent += more;
    }
    return size > 0;
}

int main(int count, char **words)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), one = 1;

    if (count != 3 || home < 0)
        return 2;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    address.sin_port = htons((unsigned short)strtoul(words[2], NULL, 10));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    close(enter(words[1]));
    for (int i = 0; i < 1 + 2 * LINKS_MAX; i++)
        ends[i].fd = -1;
    ends[0] = (struct pollfd){.fd = tcp_socket(), .events = POLLIN};
    setsockopt(ends[0].fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(ends[0].fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(ends[0].fd, LINKS_MAX) != 0 || setns(home, CLONE_NEWNET) != 0)
        fail("listen");
    puts("ready");
    fclose(stdout);
    while (poll(ends, 1 + 2 * LINKS_MAX, -1) > 0) {
        for (int i = 1; i < 1 + 2 * LINKS_MAX; i++) {
            int other = i % 2 ? i + 1 : i - 1;

            if (ends[i].fd < 0 || !ends[i].revents || pass(ends[i].fd, ends[other].fd))
                continue;
            close(ends[i].fd);
            close(ends[other].fd);
            ends[i].fd = ends[other].fd = -1;
        }
        if (ends[0].revents)
            add_link(&address);
    }
    return 1;
}
