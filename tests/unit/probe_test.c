/* What `doctor` learns from one request: what an answer means, what it says, and the clocks. */
#include "core/api/probe.h"

#include "core/api/environment.h"
#include "core/base/stop.h"
#include "tests/lib/scratch.h"
#include "tests/unit/pool_scene.h"
#include "tests/unit/target_scene.h"

#include <signal.h>

#define LOGIN_BODY             "{\"access_token\":\"t\",\"expires_in\":3600}"
#define LOGIN                  OK "Content-Length: 38\r\n\r\n" LOGIN_BODY
#define JSON(line, size, body) "HTTP/1.1 " line "\r\nContent-Length: " size "\r\n\r\n" body
#define BARE(line)             JSON(line, "0", "")

/* A probe of a server that plays steps. With a key no login is asked for. */
struct view {
    struct server server;
    struct environment environment;
    struct api_probe *probe;
    struct api_probe_answer answer;
    struct err err;
};

static void open_view(struct view *view, const struct step *steps, unsigned count, const char *key)
{
    struct api_probe_options options = {
        .environment = &view->environment,
        .client = {.id = "i", .secret = "s", .key = key, .key_field = key ? "X-Key" : NULL},
        .user_agent = "rowferry-test",
        .timeout_ms = 10000};
    char url[64];

    *view = (struct view){0};
    server_start(&view->server, steps, count);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", view->server.port);
    assert_true(environment_resolve(&(struct environment_names){.api = url}, &view->environment,
                                    &view->err));
    view->probe = api_probe_open(&options, &view->err);
    assert_non_null(view->probe);
}

/* Returns how many requests the server has read. */
static unsigned close_view(struct view *view)
{
    api_probe_close(view->probe);
    api_probe_answer_release(&view->answer);
    server_stop(&view->server);
    return view->server.requests;
}

static bool read_record(struct view *view)
{
    view->err = (struct err){0};
    return api_probe_record(view->probe, target_guide(), "Item", "a/1", &view->answer, &view->err);
}

static void a_status_says_what_is_wrong(void **state)
{
    static const struct {
        const char *answer;
        bool fine;
        enum err_kind kind;
        const char *text;
        long wait_ms;
    } cases[] = {
        {JSON("200 OK", "2", "{}"), true, ERR_NONE, "", -1},
        {JSON("404 Not Found", "2", "{}"), true, ERR_NONE, "", -1},
        {BARE("429 Slow"), true, ERR_NONE, "", -1},
        {"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", true, ERR_NONE, "",
         7000},
        {JSON("200 OK", "6", "<html>"), false, ERR_CONFIG, "200*", -1},
        {JSON("404 Not Found", "6", "<html>"), false, ERR_CONFIG, "404*", -1},
        {JSON("401 No", "33", "{\"code\":\"bad.token\",\"message\":\"\"}"), false, ERR_AUTH,
         "401 bad.token*", -1},
        {JSON("403 No", "16", "{\"message\":\"no\"}"), false, ERR_AUTH, "403 (no)", -1},
        {BARE("408 Late"), false, ERR_NETWORK, "408*", -1},
        {BARE("500 Oh"), false, ERR_NETWORK, "500*", -1},
        {BARE("599 Oh"), false, ERR_NETWORK, "599*", -1},
        {BARE("501 No"), false, ERR_CONFIG, "501*", -1},
        {BARE("505 No"), false, ERR_CONFIG, "505*", -1},
        {BARE("302 There"), false, ERR_CONFIG, "302*", -1},
        {BARE("204 Nothing"), false, ERR_CONFIG, "204*", -1},
        {BARE("418 Pot"), false, ERR_CONFIG, "418*", -1},
        {BARE("999 Odd"), false, ERR_CONFIG, "999*", -1},
    };
    struct view view;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct step step = STEP(cases[i].answer, CLOSE);

        open_view(&view, &step, 1, "k");
        if (read_record(&view) != cases[i].fine || view.err.kind != cases[i].kind)
            fail_msg("%s: kind %d, %s", cases[i].answer, view.err.kind, view.err.text);
        assert_text(view.err.text, cases[i].text);
        assert_int_equal(view.answer.kind, cases[i].kind);
        assert_int_equal(view.answer.wait_ms, cases[i].wait_ms);
        assert_int_equal(view.answer.status, strtol(cases[i].answer + 9, NULL, 10));
        assert_int_equal(close_view(&view), 1);
    }
}

static void an_answer_that_is_not_complete_has_no_status(void **state)
{
    static const struct step cut[] = {STEP(OK "Content-Length: 9\r\n\r\n{", CLOSE)};
    static const struct step large[] = {
        FLOOD(OK "Content-Length: 2097152\r\n\r\n", "0123456789abcdef0123456789abcdef", 40000)};
    struct view view;

    (void)state;
    open_view(&view, cut, 1, "k");
    assert_false(read_record(&view));
    assert_int_equal(view.err.kind, ERR_NETWORK);
    assert_true(view.err.text[0] != '\0');
    assert_int_equal(view.answer.body.size, 0);
    close_view(&view);
    open_view(&view, large, 1, "k");
    assert_false(read_record(&view));
    assert_int_equal(view.err.kind, ERR_CONFIG);
    close_view(&view);
}

static void a_server_without_a_trusted_certificate_is_a_wrong_setting(void **state)
{
    struct view view;

    (void)state;
    open_view(&view, NULL, 0, "k");
    memcpy(view.environment.api_url, "https", 5);
    snprintf(view.environment.api_url, sizeof view.environment.api_url, "https://127.0.0.1:%d",
             view.server.port);
    api_probe_close(view.probe);
    view.probe =
        api_probe_open(&(struct api_probe_options){.environment = &view.environment,
                                                   .client = {.key = "k", .key_field = "X-Key"},
                                                   .ca_file = "/dev/null",
                                                   .timeout_ms = 10000},
                       &view.err);
    assert_non_null(view.probe);
    assert_false(read_record(&view));
    assert_int_equal(view.err.kind, ERR_CONFIG);
    assert_text(view.err.text, "the server's certificate is not trusted: error *");
    assert_int_equal(close_view(&view), 0);
    assert_null(api_probe_open(&(struct api_probe_options){.environment = &view.environment,
                                                           .ca_file = "/nonexistent/ca.pem"},
                               &view.err));
    assert_int_equal(view.err.kind, ERR_CONFIG);
    api_probe_close(NULL);
}

static void the_first_request_asks_for_a_token(void **state)
{
    static const struct step steps[] = {STEP(LOGIN, KEEP), STEP(JSON("200 OK", "2", "{}"), KEEP),
                                        STEP(JSON("200 OK", "2", "{}"), KEEP)};
    static const struct step refused[] = {STEP(BARE("401 No"), CLOSE)};
    static const struct step busy[] = {STEP(BARE("503 Busy"), CLOSE)};
    struct view view;

    (void)state;
    open_view(&view, steps, 3, NULL);
    assert_true(read_record(&view));
    assert_non_null(strstr(buf_text(&view.server.last), "\r\nAuthorization: Bearer t\r\n"));
    assert_true(read_record(&view));
    assert_int_equal(close_view(&view), 3);
    open_view(&view, refused, 1, NULL);
    assert_false(read_record(&view));
    assert_int_equal(view.err.kind, ERR_AUTH);
    assert_int_equal(close_view(&view), 1);
    open_view(&view, busy, 1, NULL);
    assert_false(read_record(&view));
    assert_int_equal(view.err.kind, ERR_NETWORK);
    assert_text(view.err.text, "login at http://127.0.0.1:*");
    assert_int_equal(view.answer.status, 503);
    assert_int_equal(close_view(&view), 1);
}

/* A key is in its field, and the token of a record in the answer's. */
static void a_request_is_built_from_the_target(void **state)
{
    static const char text[] =
        "{\"params\":{\"shop\":{\"column\":\"shop\"}},\"write\":{\"method\":\"PUT\","
        "\"path\":\"/s/{shop}/"
        "{id}\"},\"lock\":{\"read\":\"header:ETag\",\"write\":\"header:If-Match\"}}";
    static const struct step steps[] = {
        STEP(OK "ETag: \"e 1\"\r\nContent-Length: 7\r\n\r\n{\"a\":1}", KEEP)};
    const struct target_row row = {.schema = {"Item", 4}, .record_id = {"d/2", 3}};
    const struct target_row alone = {.schema = {"Item", 4}, .record_id = {"d", 1}};
    struct target *target = target_of(text, NULL, 0);
    struct view view;

    (void)state;
    open_view(&view, steps, 1, "k 1");
    assert_false(
        api_probe_send(view.probe, target, TARGET_READ_IT, &alone, &view.answer, &view.err));
    assert_int_equal(view.err.kind, ERR_CONFIG);
    assert_string_equal(view.err.text, "the target of Item needs record ids of several parts");
    view.err = (struct err){0};
    assert_true(api_probe_send(view.probe, target, TARGET_READ_IT, &row, &view.answer, &view.err));
    assert_string_equal(view.answer.header, "\"e 1\"");
    assert_string_equal(buf_text(&view.answer.body), "{\"a\":1}");
    assert_text(buf_text(&view.server.last), "GET /s/d/2 HTTP/1.1\r\n*");
    assert_non_null(strstr(buf_text(&view.server.last), "\r\nX-Key: k 1\r\n"));
    assert_int_equal(close_view(&view), 1);
    target_close(target);
}

/* The Date of an answer, `ahead_s` before now; 0 seconds to spare on either side. */
static int64_t clock_ahead_ms(int ahead_s)
{
    time_t then = (time_t)(clock_now_ms() / 1000 - ahead_s);
    struct step step = {.ending = CLOSE};
    char text[160], date[64];
    struct view view;
    struct tm parts;
    int64_t ahead_ms = 1234567;

    gmtime_r(&then, &parts);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    snprintf(text, sizeof text, OK "%s%s\r\nContent-Length: 2\r\n\r\n{}", "Date: ", date);
    step.answer = text;
    open_view(&view, &step, 1, "k");
    assert_false(api_probe_clock_ahead_ms(view.probe, &ahead_ms));
    assert_int_equal(ahead_ms, 1234567);
    assert_true(read_record(&view));
    assert_true(api_probe_clock_ahead_ms(view.probe, &ahead_ms));
    close_view(&view);
    return ahead_ms;
}

static void clocks_are_compared_by_the_date_of_an_answer(void **state)
{
    static const struct step bare[] = {STEP(JSON("200 OK", "2", "{}"), CLOSE)};
    struct view view;
    int64_t ahead_ms = 5;

    (void)state;
    assert_in_range(clock_ahead_ms(100), 99001, 140000);
    assert_in_range(-clock_ahead_ms(-100), 60000, 100000);
    open_view(&view, bare, 1, "k");
    assert_true(read_record(&view));
    assert_false(api_probe_clock_ahead_ms(view.probe, &ahead_ms));
    assert_int_equal(ahead_ms, 5);
    close_view(&view);
}

/* In a process of its own, because a stop is for good: 0 where all is as it should be. */
static int stopped_child(bool persists)
{
    static const struct step silent[] = {STEP(NULL, HOLD)};
    static const struct step steps[] = {STEP(JSON("200 OK", "2", "{}"), CLOSE)};
    struct view view;
    struct err err = {0};
    bool fine;

    if (!stop_init(&err))
        return 1;
    open_view(&view, persists ? steps : silent, 1, "k");
    if (persists)
        api_probe_persist(view.probe);
    kill(getpid(), SIGTERM);
    fine = read_record(&view);
    if (persists ? !fine : fine || view.err.kind != ERR_STOPPED)
        return 2;
    close_view(&view);
    return 0;
}

static void a_signal_ends_a_request_unless_a_record_is_to_be_put_back(void **state)
{
    (void)state;
    for (int persists = 0; persists < 2; persists++) {
        pid_t child = scratch_fork();

        if (child == 0)
            _exit(stopped_child(persists != 0));
        assert_int_equal(scratch_join(child), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_status_says_what_is_wrong),
        cmocka_unit_test(an_answer_that_is_not_complete_has_no_status),
        cmocka_unit_test(a_server_without_a_trusted_certificate_is_a_wrong_setting),
        cmocka_unit_test(the_first_request_asks_for_a_token),
        cmocka_unit_test(a_request_is_built_from_the_target),
        cmocka_unit_test(clocks_are_compared_by_the_date_of_an_answer),
        cmocka_unit_test(a_signal_ends_a_request_unless_a_record_is_to_be_put_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
