/* Proxies that the environment names. */
#include "tests/unit/pool_scene.h"

static void the_proxy_of_the_environment_serves_other_hosts_only(void **state)
{
    static const struct step steps[] = {STEP(OK_EMPTY, KEEP), STEP(OK_EMPTY, KEEP)};
    static const char *const lines[] = {"PUT http://nonexistent.invalid/x *", "PUT /record *"};
    struct stage stage;
    char local[64];

    (void)state;
    stage_open(&stage, steps, 2, 1);
    memcpy(local, stage.url, sizeof local);
    setenv("http_proxy", local, 1);
    snprintf(stage.url, sizeof stage.url, "http://nonexistent.invalid/x");
    for (int i = 0; i < 2; i++) {
        http_pool_release(stage.pool, fetch(&stage));
        sem_wait(&stage.server.settled);
        assert_text(buf_text(&stage.server.last), lines[i]);
        memcpy(stage.url, local, sizeof local);
    }
    stage_close(&stage);
}

static void no_text_shows_the_password_of_a_proxy(void **state)
{
    static const char *const proxies[] = {
        "http://user:Sec#ret@127.0.0.1:1",
        "http://user:Sec/ret@127.0.0.1:1",
        "http://user:Sec?ret@127.0.0.1:1",
        "http://user:Sec@ret@127.0.0.1:1",
        "http://user:Sec ret@127.0.0.1:1",
        "http://user:Secret@127.0.0.1:99999",
        "http://user:Secret@127.0.0.1:one",
        "gopher://user:Secret@127.0.0.1:1",
        "http://user:Sec\tret@127.0.0.1:1",
        "http://user:Sec%0aret@127.0.0.1:1",
        "http://:Secret@:1",
        "http://user:1/Secret@127.0.0.1:1",
        "user:Sec#ret@127.0.0.1",
    };
    struct stage stage;

    (void)state;
    stage_open(&stage, NULL, 0, 1);
    snprintf(stage.url, sizeof stage.url, "http://nonexistent.invalid/x");
    stage.request.timeout_ms = 2000;
    for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++) {
        struct err err = {0};
        struct http_answer *answer;

        setenv("http_proxy", proxies[i], 1);
        answer = fetch(&stage);
        assert_int_equal(answer->end, HTTP_NEVER_LEFT);
        assert_null(strstr(answer->error, "Sec"));
        assert_null(strstr(answer->error, "ret"));
        http_pool_release(stage.pool, answer);
        assert_false(http_proxy_check("http_proxy", proxies[i], &err));
        assert_int_equal(err.kind, ERR_CONFIG);
        assert_text(err.text, "http_proxy is not the URL of a proxy (*");
        assert_null(strstr(err.text, "Sec"));
        assert_null(strstr(err.text, "ret"));
    }
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    stage_close(&stage);
}

static void proxies_that_libcurl_accepts_are_accepted(void **state)
{
    static const char *const proxies[] = {
        "http://proxy:3128",
        "proxy",
        "proxy:3128",
        "user:pa%23ss%2f@proxy:3128",
        "http://proxy.example/",
        "HTTP://u@proxy",
        "socks5h://[::1]:1080",
        "socks4a://10.0.0.1",
        "http://u:p%40@proxy:80",
        "SOCKS5://u:p@proxy",
    };

    (void)state;
    for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++) {
        struct err err = {0};

        assert_true(http_proxy_check("http_proxy", proxies[i], &err));
    }
}

/* The server is reached only through a tunnel of the proxy, which wants a password. */
static void a_tunnel_that_is_denied_differs_from_a_server_that_is_not_reached(void **state)
{
    static const struct step steps[] = {
        STEP("HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=x\r\n"
             "Content-Length: 0\r\n\r\n",
             CLOSE),
        STEP("HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n", CLOSE),
    };
    static const enum http_end ends[] = {HTTP_PROXY, HTTP_NEVER_LEFT};

    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct http_answer *answer;
        struct stage stage;

        stage_open(&stage, &steps[i], 1, 1);
        setenv("https_proxy", stage.url, 1);
        snprintf(stage.url, sizeof stage.url, "https://nonexistent.invalid/x");
        answer = fetch(&stage);
        assert_int_equal(answer->end, ends[i]);
        assert_text(buf_text(&stage.server.last), "CONNECT nonexistent.invalid:443 *");
        assert_int_equal(stage_close(&stage), 1);
        unsetenv("https_proxy");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_proxy_of_the_environment_serves_other_hosts_only),
        cmocka_unit_test(no_text_shows_the_password_of_a_proxy),
        cmocka_unit_test(proxies_that_libcurl_accepts_are_accepted),
        cmocka_unit_test(a_tunnel_that_is_denied_differs_from_a_server_that_is_not_reached),
    };

    setenv("http_proxy", "http://127.0.0.1:1", 1); /* loopback does without */
    alarm(120);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
