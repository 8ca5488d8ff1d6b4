/* Addresses to listen on, and which of them other machines can reach. */
#include "core/notify/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void a_port_alone_is_of_loopback(void **state)
{
    static const struct {
        const char *address, *beginning;
        bool is_local;
    } cases[] = {
        {"0", "127.0.0.1:", true},        {"127.0.0.1:0", "127.0.0.1:", true},
        {"localhost:0", "", true},        {"127.9.8.7:0", "127.9.8.7:", true},
        {"0.0.0.0:0", "0.0.0.0:", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf name = {0};
        struct err err = {0};
        bool is_local = !cases[i].is_local;
        int fd = address_listen(cases[i].address, &is_local, &err);

        assert_true(fd >= 0);
        assert_int_equal(is_local, cases[i].is_local);
        address_name(fd, &name);
        assert_memory_equal(buf_text(&name), cases[i].beginning, strlen(cases[i].beginning));
        buf_release(&name);
        close(fd);
    }
}

static void what_is_not_an_address_is_refused(void **state)
{
    static const char *const texts[] = {"",
                                        "x",
                                        "65536",
                                        "-1",
                                        "80x",
                                        ":80",
                                        "::1:80",
                                        "a:b:80",
                                        "host:",
                                        "[::1",
                                        "[]:x",
                                        "no.such.host.invalid:80",
                                        "198.51.100.7:80"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct err err = {0};
        bool is_local;

        assert_int_equal(address_listen(texts[i], &is_local, &err), -1);
        assert_int_equal(err.kind, ERR_CONFIG);
    }
}

static void a_port_that_is_taken_is_an_error(void **state)
{
    struct buf name = {0};
    struct err err = {0};
    bool is_local;
    int fd = address_listen("0", &is_local, &err);

    (void)state;
    address_name(fd, &name);
    assert_int_equal(address_listen(buf_text(&name), &is_local, &err), -1);
    assert_non_null(strstr(err.text, "Address already in use"));
    buf_release(&name);
    close(fd);
}

static void a_socket_that_is_handed_over_must_listen(void **state)
{
    const struct sockaddr_un path = {.sun_family = AF_UNIX,
                                     .sun_path = "/tmp/rowferry-address-test"};
    int datagram = socket(AF_INET, SOCK_DGRAM, 0), stream = socket(AF_INET, SOCK_STREAM, 0);
    int local = socket(AF_UNIX, SOCK_STREAM, 0);
    struct buf name = {0};
    struct err err = {0};
    bool is_local = false;

    (void)state;
    assert_false(address_adopt(datagram, &is_local, &err));
    assert_false(address_adopt(stream, &is_local, &err));
    assert_false(address_adopt(-1, &is_local, &err));
    address_name(-1, &name);
    assert_string_equal(buf_text(&name), "");
    unlink(path.sun_path);
    assert_int_equal(bind(local, (const struct sockaddr *)&path, sizeof path), 0);
    assert_int_equal(listen(local, 1), 0);
    assert_true(address_adopt(local, &is_local, &err));
    assert_true(is_local);
    address_name(local, &name);
    assert_string_equal(buf_text(&name), path.sun_path);
    buf_release(&name);
    unlink(path.sun_path);
    close(datagram);
    close(stream);
    close(local);
}

/* IPv6, where this machine has it. */
static void an_address_of_ipv6_has_brackets(void **state)
{
    static const struct {
        const char *address, *beginning;
        bool is_local;
    } cases[] = {
        {"[::1]:0", "[::1]:", true},
        {"[::]:0", "[::]:", false},
        {"[::ffff:127.0.0.1]:0", "[::ffff:127.0.0.1]:", true},
        {"[::ffff:0.0.0.0]:0", "[::ffff:0.0.0.0]:", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf name = {0};
        struct err err = {0};
        bool is_local = !cases[i].is_local;
        int fd = address_listen(cases[i].address, &is_local, &err);

        if (fd < 0) {
            assert_non_null(strstr(err.text, "cannot listen on '["));
            continue;
        }
        assert_int_equal(is_local, cases[i].is_local);
        address_name(fd, &name);
        assert_memory_equal(buf_text(&name), cases[i].beginning, strlen(cases[i].beginning));
        buf_release(&name);
        close(fd);
    }
}

static void a_host_has_at_most_255_bytes(void **state)
{
    char address[300];
    struct err err = {0};
    struct buf name = {0};
    bool is_local;

    (void)state;
    memset(address, '1', sizeof address);
    memcpy(address + 256, ":80", 4);
    assert_int_equal(address_listen(address, &is_local, &err), -1);
    assert_non_null(strstr(err.text, "is not an address: write PORT, HOST:PORT or [IPv6]:PORT"));
    memcpy(address + 255, ":80", 4);
    assert_int_equal(address_listen(address, &is_local, &err), -1);
    assert_non_null(strstr(err.text, "cannot listen on '111"));
    address_name(-1, &name);
    assert_int_equal(name.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_alone_is_of_loopback),
        cmocka_unit_test(what_is_not_an_address_is_refused),
        cmocka_unit_test(a_port_that_is_taken_is_an_error),
        cmocka_unit_test(an_address_of_ipv6_has_brackets),
        cmocka_unit_test(a_host_has_at_most_255_bytes),
        cmocka_unit_test(a_socket_that_is_handed_over_must_listen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
