/* What an answer of the ERP means for a delivery, and which endpoints are taken. */
#include "core/notify/sender.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

enum { NOW_MS = 5000000 };

static struct delivery_outcome settle(enum http_end end, long status, unsigned tries, double dice)
{
    struct http_answer answer = {.end = end, .status = status, .retry_after_ms = -1};
    struct delivery_outcome outcome = {0};

    if (end != HTTP_DONE)
        snprintf(answer.error, sizeof answer.error, "cut off");
    sender_settle(&outcome, &answer, tries, dice, NOW_MS);
    return outcome;
}

static void a_status_delivers_fails_or_is_tried_again(void **state)
{
    static const struct {
        int status;
        enum delivery_state state;
    } cases[] = {
        {200, DELIVERY_DELIVERED}, {201, DELIVERY_DELIVERED}, {204, DELIVERY_DELIVERED},
        {299, DELIVERY_DELIVERED}, {301, DELIVERY_FAILED},    {308, DELIVERY_FAILED},
        {400, DELIVERY_FAILED},    {401, DELIVERY_FAILED},    {404, DELIVERY_FAILED},
        {408, DELIVERY_PENDING},   {409, DELIVERY_FAILED},    {422, DELIVERY_FAILED},
        {425, DELIVERY_PENDING},   {429, DELIVERY_PENDING},   {499, DELIVERY_FAILED},
        {500, DELIVERY_PENDING},   {501, DELIVERY_PENDING},   {503, DELIVERY_PENDING},
        {599, DELIVERY_PENDING},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct delivery_outcome outcome = settle(HTTP_DONE, cases[i].status, 0, 0);

        assert_int_equal(outcome.state, cases[i].state);
        assert_int_equal(outcome.http_status, cases[i].status);
        assert_int_equal(outcome.error[0] != '\0', outcome.state != DELIVERY_DELIVERED);
    }
}

static void without_a_complete_answer_it_is_tried_again(void **state)
{
    static const enum http_end ends[] = {HTTP_NEVER_LEFT, HTTP_UNTRUSTED, HTTP_CUT, HTTP_PROXY};

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const struct delivery_outcome outcome = settle(ends[i], 0, 0, 0);

        assert_int_equal(outcome.state, DELIVERY_PENDING);
        assert_string_equal(outcome.error, "cut off");
        assert_int_equal(outcome.http_status, 0);
    }
    /* a status that came before the connection broke promises nothing */
    assert_int_equal(settle(HTTP_CUT, 200, 0, 0).state, DELIVERY_PENDING);
    assert_int_equal(settle(HTTP_CUT, 400, 0, 0).state, DELIVERY_PENDING);
    /* of an answer that is too long, the status is enough */
    assert_int_equal(settle(HTTP_TOO_LARGE, 200, 0, 0).state, DELIVERY_DELIVERED);
    assert_int_equal(settle(HTTP_TOO_LARGE, 500, 0, 0).state, DELIVERY_PENDING);
}

static int64_t wait_of(unsigned tries, double dice)
{
    return settle(HTTP_DONE, 500, tries, dice).not_before_ms - NOW_MS;
}

static void waits_double_from_a_second_and_have_a_ceiling(void **state)
{
    (void)state;
    assert_int_equal(wait_of(0, 0), 1000);
    assert_int_equal(wait_of(1, 0), 2000);
    assert_int_equal(wait_of(2, 0), 4000);
    assert_int_equal(wait_of(8, 0), 256000);
    assert_int_equal(wait_of(9, 0), 300000);
    assert_int_equal(wait_of(63, 0), 300000);
    assert_int_equal(wait_of(4000000000U, 0), 300000);
    /* jitter: up to half as much again */
    assert_int_equal(wait_of(0, 1), 1500);
    assert_int_equal(wait_of(1, 0.5), 2500);
}

static void an_error_shows_what_the_erp_said(void **state)
{
    struct http_answer answer = {.end = HTTP_DONE, .status = 422, .retry_after_ms = -1};
    struct delivery_outcome outcome = {0};

    (void)state;
    answer.body = span_of("no such \x1b[1m item");
    sender_settle(&outcome, &answer, 0, 0, NOW_MS);
    assert_string_equal(outcome.error, "status 422: no such \\x1b[1m item");
}

static void endpoints_are_https_or_local(void **state)
{
    static const struct {
        const char *url;
        bool fine;
    } cases[] = {
        {"https://erp.example.com/hook?a=b", true},
        {"http://127.0.0.1:8080/erp", true},
        {"http://localhost/erp", true},
        {"http://[::1]:9/erp", true},
        {"http://erp.example.com/hook", false},
        {"https://user:password@erp.example.com/", false},
        {"erp.example.com", false},
        {"ftp://erp.example.com/", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};

        assert_int_equal(sender_check(cases[i].url, &err), cases[i].fine);
        if (!cases[i].fine)
            assert_int_equal(err.kind, ERR_CONFIG);
        assert_null(strstr(err.text, "password@"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_status_delivers_fails_or_is_tried_again),
        cmocka_unit_test(without_a_complete_answer_it_is_tried_again),
        cmocka_unit_test(waits_double_from_a_second_and_have_a_ceiling),
        cmocka_unit_test(an_error_shows_what_the_erp_said),
        cmocka_unit_test(endpoints_are_https_or_local),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
