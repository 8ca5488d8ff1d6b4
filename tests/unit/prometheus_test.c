#include "core/base/prometheus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct prometheus_label common[] = {{"database", "/srv/erp/rowferry.db"},
                                                 {"command", "run"}};
static const struct prometheus_labels labels = {common, 2, {NULL, NULL}};

static void assert_text(struct buf *out, const char *expected)
{
    assert_string_equal(buf_text(out), expected);
    buf_release(out);
}

static void a_family_begins_with_its_help_and_type(void **state)
{
    struct buf out = {0};

    (void)state;
    prometheus_family(&out, "rowferry_jobs", "gauge", "Jobs by state.");
    assert_text(&out, "# HELP rowferry_jobs Jobs by state.\n# TYPE rowferry_jobs gauge\n");
}

static void a_sample_has_the_common_labels_and_its_own(void **state)
{
    struct prometheus_labels own = {common, 2, {"state", "pending"}};
    struct prometheus_labels alone = {NULL, 0, {"state", "pending"}};
    struct prometheus_labels none = {NULL, 0, {NULL, NULL}};
    struct buf out = {0};

    (void)state;
    prometheus_sample(&out, "a", &labels, 1);
    prometheus_sample(&out, "a", &own, 2);
    prometheus_sample(&out, "a", &alone, 3);
    prometheus_sample(&out, "a", &none, 4);
    assert_text(&out, "a{database=\"/srv/erp/rowferry.db\",command=\"run\"} 1\n"
                      "a{database=\"/srv/erp/rowferry.db\",command=\"run\",state=\"pending\"} 2\n"
                      "a{state=\"pending\"} 3\n"
                      "a 4\n");
}

static void values_keep_every_digit_that_they_need(void **state)
{
    struct prometheus_labels none = {NULL, 0, {NULL, NULL}};
    struct buf out = {0};

    (void)state;
    prometheus_sample(&out, "a", &none, 0);
    prometheus_sample(&out, "a", &none, 123456789012);
    prometheus_sample(&out, "a", &none, 1795485600.123);
    prometheus_sample(&out, "a", &none, 0.0421);
    assert_text(&out, "a 0\na 123456789012\na 1795485600.123\na 0.0421\n");
}

static void a_label_can_have_any_value(void **state)
{
    struct prometheus_labels odd = {NULL, 0, {"path", "a\\b\"c\nd \u00fc\xFF\xC3"}};
    struct buf out = {0};

    (void)state;
    prometheus_sample(&out, "a", &odd, 1);
    assert_text(&out, "a{path=\"a\\\\b\\\"c\\nd \u00fc\uFFFD\uFFFD\"} 1\n");
}

static void a_histogram_adds_its_buckets_up_in_seconds(void **state)
{
    struct prometheus_labels none = {NULL, 0, {NULL, NULL}};
    struct histogram histogram = {0};
    struct buf out = {0};

    (void)state;
    histogram_add(&histogram, 4000);
    histogram_add(&histogram, 20000);
    histogram_add(&histogram, 20000);
    histogram_add(&histogram, 700000);
    histogram_add(&histogram, 90000000);
    prometheus_histogram(&out, "a", &none, &histogram);
    assert_text(&out, "a_bucket{le=\"0.005\"} 1\n"
                      "a_bucket{le=\"0.01\"} 1\n"
                      "a_bucket{le=\"0.025\"} 3\n"
                      "a_bucket{le=\"0.05\"} 3\n"
                      "a_bucket{le=\"0.1\"} 3\n"
                      "a_bucket{le=\"0.25\"} 3\n"
                      "a_bucket{le=\"0.5\"} 3\n"
                      "a_bucket{le=\"1\"} 4\n"
                      "a_bucket{le=\"2.5\"} 4\n"
                      "a_bucket{le=\"5\"} 4\n"
                      "a_bucket{le=\"10\"} 4\n"
                      "a_bucket{le=\"30\"} 4\n"
                      "a_bucket{le=\"60\"} 4\n"
                      "a_bucket{le=\"+Inf\"} 5\n"
                      "a_sum 90.744\n"
                      "a_count 5\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_family_begins_with_its_help_and_type),
        cmocka_unit_test(a_sample_has_the_common_labels_and_its_own),
        cmocka_unit_test(values_keep_every_digit_that_they_need),
        cmocka_unit_test(a_label_can_have_any_value),
        cmocka_unit_test(a_histogram_adds_its_buckets_up_in_seconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
