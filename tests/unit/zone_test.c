#include "core/base/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <time.h>

static struct zone *zone_of(const char *name)
{
    struct err err = {0};
    struct zone *zone = zone_open(span_of(name), &err);

    if (!zone)
        fail_msg("%s: %s", name, err.text);
    return zone;
}

static int64_t local(int64_t year, unsigned month, unsigned day, int hour, int minute)
{
    return zone_days(year, month, day) * 86400 + hour * 3600 + minute * 60;
}

static void days_are_those_of_the_calendar(void **state)
{
    (void)state;
    assert_int_equal(zone_days(1970, 1, 1), 0);
    assert_int_equal(zone_days(2000, 3, 1), 11017);
    assert_int_equal(zone_days(1969, 12, 31), -1);
    for (int64_t days = -800000; days < 3000000; days += 97) {
        unsigned month, day;
        int64_t year;

        zone_date(days, &year, &month, &day);
        assert_int_equal(zone_days(year, month, day), days);
        assert_in_range(month, 1, 12);
        assert_in_range(day, 1, 31);
    }
}

/* The C library reads the same database. */
static void offsets_are_those_of_the_c_library(void **state)
{
    static const char *const names[] = {"Europe/Berlin",       "America/New_York",
                                        "Australia/Lord_Howe", "Asia/Kathmandu",
                                        "Europe/Dublin",       "Pacific/Apia",
                                        "America/Sao_Paulo",   "Antarctica/Troll",
                                        "Asia/Kolkata",        "UTC",
                                        "Etc/GMT+5",           "America/Nuuk",
                                        "Africa/Casablanca",   "Asia/Gaza",
                                        "Asia/Jerusalem"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct zone *zone = zone_of(names[i]);

        setenv("TZ", names[i], 1);
        tzset();
        /* from 1700 to 2400, at other times of the day each */
        for (time_t moment = -8520336000; moment < 13569465600; moment += 86400 * 3 + 1777) {
            struct tm parts;

            localtime_r(&moment, &parts);
            if (zone_offset(zone, moment) != parts.tm_gmtoff)
                fail_msg("%s at %lld: %d, not %ld", names[i], (long long)moment,
                         zone_offset(zone, moment), parts.tm_gmtoff);
        }
        zone_close(zone);
    }
}

static void a_local_time_has_one_moment_or_none_or_two(void **state)
{
    struct zone *berlin = zone_of("Europe/Berlin"), *howe = zone_of("Australia/Lord_Howe");
    int32_t offsets[2];

    (void)state;
    assert_int_equal(zone_find(berlin, local(2026, 11, 23, 10, 0), offsets), ZONE_ONE);
    assert_int_equal(offsets[0], 3600);
    assert_int_equal(zone_find(berlin, local(2026, 7, 1, 10, 0), offsets), ZONE_ONE);
    assert_int_equal(offsets[0], 7200);
    assert_int_equal(zone_find(berlin, local(2026, 3, 29, 1, 59), offsets), ZONE_ONE);
    assert_int_equal(zone_find(berlin, local(2026, 3, 29, 2, 0), offsets), ZONE_NONE);
    assert_int_equal(zone_find(berlin, local(2026, 3, 29, 2, 59), offsets), ZONE_NONE);
    assert_int_equal(zone_find(berlin, local(2026, 3, 29, 3, 0), offsets), ZONE_ONE);
    assert_int_equal(zone_find(berlin, local(2026, 10, 25, 1, 59), offsets), ZONE_ONE);
    assert_int_equal(zone_find(berlin, local(2026, 10, 25, 2, 0), offsets), ZONE_TWO);
    assert_int_equal(offsets[0], 7200);
    assert_int_equal(offsets[1], 3600);
    assert_int_equal(zone_find(berlin, local(2026, 10, 25, 3, 0), offsets), ZONE_ONE);
    /* by the rule for later years, also where 400 years are over */
    assert_int_equal(zone_find(berlin, local(2199, 3, 31, 2, 30), offsets), ZONE_NONE);
    assert_int_equal(zone_find(berlin, local(2599, 3, 31, 2, 30), offsets), ZONE_NONE);
    assert_int_equal(zone_find(berlin, local(2599, 7, 1, 0, 0), offsets), ZONE_ONE);
    assert_int_equal(offsets[0], 7200);
    /* half an hour */
    assert_int_equal(zone_find(howe, local(2026, 10, 4, 2, 15), offsets), ZONE_NONE);
    assert_int_equal(zone_find(howe, local(2026, 10, 4, 2, 30), offsets), ZONE_ONE);
    assert_int_equal(zone_find(howe, local(2026, 4, 5, 1, 45), offsets), ZONE_TWO);
    zone_close(berlin);
    zone_close(howe);
}

static void what_is_no_zone_is_refused(void **state)
{
    static const char *const names[] = {
        "",         "Europe/Berlim", "../../etc/passwd", "/etc/passwd",
        "Europe",   "zone.tab",      "Europe/../UTC",    "UTC ",
        "right/UTC"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct err err = {0};

        assert_null(zone_open(span_of(names[i]), &err));
        assert_int_equal(err.kind, ERR_CONFIG);
        assert_string_equal(err.text, "is not a time zone of this system's tz database "
                                      "(/usr/share/zoneinfo)");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_are_those_of_the_calendar),
        cmocka_unit_test(offsets_are_those_of_the_c_library),
        cmocka_unit_test(a_local_time_has_one_moment_or_none_or_two),
        cmocka_unit_test(what_is_no_zone_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
