#include "core/drain/meter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static void count(struct meter *meter, enum http_end end, long status, int64_t latency_us)
{
    const struct http_answer answer = {.end = end, .status = status, .latency_us = latency_us};

    meter_count(meter, &answer);
}

static struct store_run report(const struct meter *meter)
{
    struct store_run run = {.validation_failures = 42};

    meter_report(meter, &run);
    assert_int_equal(run.validation_failures, 42); /* not the drain's to say */
    return run;
}

static void a_drain_without_requests_reports_zeros(void **state)
{
    struct meter meter = {0};
    struct store_run run = report(&meter);

    (void)state;
    assert_int_equal(run.requests + run.throttled, 0);
    assert_int_equal(run.latency_avg_us + run.latency_p50_us + run.latency_p99_us, 0);
    assert_true(run.error_rate == 0);
}

static void requests_that_never_left_do_not_count(void **state)
{
    struct meter meter = {0};

    (void)state;
    count(&meter, HTTP_NEVER_LEFT, 0, 1000);
    count(&meter, HTTP_UNTRUSTED, 0, 1000);
    assert_int_equal(report(&meter).requests, 0);
}

static void errors_are_answers_of_400_and_above_and_none_at_all(void **state)
{
    static const struct {
        enum http_end end;
        long status;
        bool error, throttled;
    } rows[] = {
        {HTTP_DONE, 200, false, false},     {HTTP_DONE, 204, false, false},
        {HTTP_DONE, 302, false, false},     {HTTP_DONE, 399, false, false},
        {HTTP_DONE, 400, true, false},      {HTTP_DONE, 409, true, false},
        {HTTP_DONE, 429, true, true},       {HTTP_DONE, 503, true, false},
        {HTTP_CUT, 0, true, false},         {HTTP_CUT, 200, true, false},
        {HTTP_TOO_LARGE, 200, true, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct meter meter = {0};

        count(&meter, rows[i].end, rows[i].status, 10);
        assert_int_equal(report(&meter).requests, 1);
        assert_true(report(&meter).error_rate == (rows[i].error ? 1 : 0));
        assert_int_equal(report(&meter).throttled, rows[i].throttled);
    }
}

static void answers_are_counted_by_the_hundreds_of_their_status(void **state)
{
    static const uint64_t expected[METER_CLASSES] = {4, 0, 2, 1, 3, 1};
    static const long statuses[] = {200, 204, 302, 400, 409, 429, 503, 0, 999, -1};
    struct meter meter = {0};

    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        count(&meter, HTTP_DONE, statuses[i], 10);
    count(&meter, HTTP_CUT, 200, 10);
    count(&meter, HTTP_NEVER_LEFT, 0, 10);
    assert_memory_equal(meter.answers, expected, sizeof expected);
}

static void the_rate_is_errors_over_requests(void **state)
{
    struct meter meter = {0};

    (void)state;
    for (int i = 0; i < 8; i++)
        count(&meter, HTTP_DONE, i < 2 ? 500 : 200, 10);
    assert_int_equal(report(&meter).requests, 8);
    assert_true(report(&meter).error_rate == 0.25);
}

static void latencies_are_those_of_all_requests(void **state)
{
    struct meter meter = {0};
    struct store_run run;

    (void)state;
    for (int i = 1; i <= 100; i++)
        count(&meter, i == 100 ? HTTP_CUT : HTTP_DONE, 200, i * 1000);
    run = report(&meter);
    assert_int_equal(run.latency_avg_us, 50500);
    assert_in_range(run.latency_p50_us, 46850, 53150);
    assert_in_range(run.latency_p95_us, 89015, 100985);
    assert_in_range(run.latency_p99_us, 92763, 105237);
}

/* --- bad answers by their texts --- */

static void note(struct meter *meter, long status, const char *code, const char *message)
{
    const struct http_answer answer = {.end = status ? HTTP_DONE : HTTP_CUT, .status = status};

    meter_note(meter, &answer, code, message);
}

static void bad_answers_are_counted_by_status_code_and_message(void **state)
{
    struct meter meter = {0};
    const struct meter_reply *items = meter.replies.items;

    (void)state;
    note(&meter, 500, "internal", "broken");
    for (int i = 0; i < 3; i++) {
        note(&meter, 409, "", "conflict");
        note(&meter, 0, "", "timed out");
    }
    note(&meter, 0, "", "timed out");
    note(&meter, 500, "internal", "very broken");
    note(&meter, 500, "other", "broken");
    meter_sort(&meter.replies);
    assert_int_equal(meter.replies.count, 5);
    assert_int_equal(items[0].status, 0);
    assert_int_equal(items[0].count, 4);
    assert_string_equal(items[0].message, "timed out");
    assert_int_equal(items[1].status, 409);
    assert_int_equal(items[1].count, 3);
    for (int i = 2; i < 5; i++)
        assert_int_equal(items[i].count, 1);
    assert_int_equal(meter.replies.others, 0);
}

/* A text that names the record differs each time. */
static void a_message_that_differs_each_time_does_not_fill_the_table(void **state)
{
    struct meter meter = {0};
    uint64_t sum = 0;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        char message[64];

        snprintf(message, sizeof message, "no record %d", i);
        note(&meter, 404, "not.found", message);
    }
    note(&meter, 500, "", "broken");
    assert_int_equal(meter.replies.count, 4);
    assert_true(meter.replies.items[0].varies);
    assert_int_equal(meter.replies.items[0].count, 998);
    assert_int_equal(meter.replies.items[3].status, 500);
    for (int status = 400; status < 450; status++)
        note(&meter, status, "", "x");
    assert_int_equal(meter.replies.count, METER_REPLIES);
    for (unsigned i = 0; i < meter.replies.count; i++)
        sum += meter.replies.items[i].count;
    assert_int_equal(sum + meter.replies.others, 1051);
}

static void texts_of_any_length_are_cut(void **state)
{
    struct meter meter = {0};
    char text[1000];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    note(&meter, 500, text, text);
    note(&meter, 500, text, text);
    assert_int_equal(meter.replies.count, 1);
    assert_int_equal(meter.replies.items[0].count, 2);
    assert_int_equal(strlen(meter.replies.items[0].message), 159);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_answers_are_counted_by_status_code_and_message),
        cmocka_unit_test(a_message_that_differs_each_time_does_not_fill_the_table),
        cmocka_unit_test(texts_of_any_length_are_cut),
        cmocka_unit_test(a_drain_without_requests_reports_zeros),
        cmocka_unit_test(requests_that_never_left_do_not_count),
        cmocka_unit_test(errors_are_answers_of_400_and_above_and_none_at_all),
        cmocka_unit_test(answers_are_counted_by_the_hundreds_of_their_status),
        cmocka_unit_test(the_rate_is_errors_over_requests),
        cmocka_unit_test(latencies_are_those_of_all_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
