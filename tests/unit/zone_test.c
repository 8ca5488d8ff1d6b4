#include "core/base/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* Compares a zone with what the C library makes of TZ, at other times of the day each. */
static void assert_offsets_of(struct zone *zone, const char *tz, time_t from)
{
    setenv("TZ", tz, 1);
    tzset();
    for (time_t moment = from; moment < 13569465600; moment += 86400 * 3 + 1777) {
        struct tm parts;

        localtime_r(&moment, &parts);
        if (zone_offset(zone, moment) != parts.tm_gmtoff)
            fail_msg("%s at %lld: %d, not %ld", tz, (long long)moment, zone_offset(zone, moment),
                     parts.tm_gmtoff);
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

        assert_offsets_of(zone, names[i], -8520336000); /* from 1700 to 2400 */
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

static void unknown_zones_are_refused(void **state)
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

/* A TZif file of version 2 with one offset, one change in 1970 to another, and this rule. */
static struct span file_of(const char *rule, int32_t before, int32_t after)
{
    static char file[512];
    /* two headers: after the first 20 bytes the counts of utc, standard, leaps, changes, types,
     * characters */
    static const unsigned char headers[2][6] = {{0, 0, 0, 0, 1, 1}, {0, 0, 0, 1, 2, 1}};
    char *at = file;

    memset(file, 0, sizeof file);
    for (int i = 0; i < 2; i++) {
        memcpy(at, "TZif2", 5);
        for (int k = 0; k < 6; k++)
            at[23 + 4 * k] = (char)headers[i][k];
        at += 44;
        if (i)
            at += 8 + 1; /* the change at 0, to type 1 */
        for (int k = 0; k <= i; k++, at += 6)
            for (int byte = 0; byte < 4; byte++)
                at[byte] = (char)((uint32_t)(k ? after : before) >> (24 - 8 * byte) & 255);
        at += 1;
    }
    file[2 * 44 + 6 + 1 + 8] = 1;
    at += snprintf(at, (size_t)(file + sizeof file - at), "\n%s\n", rule);
    return (struct span){file, (size_t)(at - file)};
}

/* The C library reads the same rules. */
static void rules_of_every_form_are_those_of_the_c_library(void **state)
{
    static const char *const rules[] = {
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "<+03>-3",
        "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1",
        "AAA5BBB,J60/0,J300/25:30:15",
        "AAA-5:45BBB,59,300",
        "AAA3BBB2:30,M12.1.6/1,M2.4.3",
        "EST5EDT,M3.2.0,M11.1.0",
        "NZST-12NZDT,M9.5.0,M4.1.0/3",
    };

    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct zone *zone = zone_parse(file_of(rules[i], 0, 0));

        if (!zone)
            fail_msg("%s is refused", rules[i]);
        assert_offsets_of(zone, rules[i], 86400 * 400);
        zone_close(zone);
    }
}

/* RFC 8536 section 3.3.1: daylight saving all year. */
static void a_rule_can_last_all_year(void **state)
{
    struct zone *zone = zone_parse(file_of("AAA3BBB+2:30:30,0/0,J365/25", 0, 0));

    (void)state;
    assert_non_null(zone);
    for (int64_t moment = 86400 * 400; moment < 13569465600; moment += 86400 * 2 + 1777)
        assert_int_equal(zone_offset(zone, moment), -9030);
    zone_close(zone);
}

static void invalid_rules_are_refused(void **state)
{
    static const char *const rules[] = {
        "C",
        "CE-1",
        "CET",
        "CET-x",
        "<+03-3",
        "CET-1C",
        "CET-1CEST,",
        "CET-1CESTx",
        "CET-1CEST,M3",
        "CET-1CEST,M13.1.0,M1.1.0",
        "CET-1CEST,M0.1.0,M1.1.0",
        "CET-1CEST,M1.0.0,M1.1.0",
        "CET-1CEST,M1.6.0,M1.1.0",
        "CET-1CEST,M1.1.7,M1.1.0",
        "CET-1CEST,M1.1.0",
        "CET-1CEST,M1.1.0,M2.1.0,",
        "CET-1CEST,M1-1.0,M2.1.0",
        "CET-1CEST,M1.1-0,M2.1.0",
        "CET-1CEST,x,M2.1.0",
        "CET-1CEST,M1.1.0/x,M2.1.0",
        "CET-1CEST,M1.x.0,M2.1.0",
        "CET-1CEST,M1.1.x,M2.1.0",
    };

    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (zone_parse(file_of(rules[i], 0, 3600)))
            fail_msg("%s is taken", rules[i]);
}

static void without_a_rule_the_last_offset_stays(void **state)
{
    struct zone *zone = zone_parse(file_of("", -3600, 7200));

    (void)state;
    assert_non_null(zone);
    assert_int_equal(zone_offset(zone, -1), -3600);
    assert_int_equal(zone_offset(zone, 0), 7200);
    assert_int_equal(zone_offset(zone, INT64_C(1) << 40), 7200);
    zone_close(zone);
}

/* Each byte of the counts, the types and the ends is wrong once, and the file ends early. */
static void damaged_files_are_refused(void **state)
{
    char copy[512];
    struct span file = file_of("", 0, 3600);
    static const struct {
        size_t at;
        unsigned char byte;
    } damages[] = {
        {0, 'x'},
        {4, '1'},
        {32, 1},
        {35, 200},
        {51, 'x'},
        {51 + 28, 1},
        {51 + 31, 1},
        {51 + 39, 0},
        {51 + 36, 1},
        {51 + 44 + 8, 7},
        {51 + 44 + 9, 0x7F},
        {51 + 44 + 9 + 6, 0x7F},
        {51 + 44 + 9 + 6, 0x80},
    };

    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        memcpy(copy, file.data, file.size);
        copy[damages[i].at] = (char)damages[i].byte;
        if (zone_parse((struct span){copy, file.size}))
            fail_msg("byte %zu as %u is taken", damages[i].at, damages[i].byte);
    }
    for (size_t size = 0; size < file.size; size++)
        if (zone_parse((struct span){file.data, size}))
            fail_msg("%zu bytes are taken", size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_are_those_of_the_calendar),
        cmocka_unit_test(offsets_are_those_of_the_c_library),
        cmocka_unit_test(a_local_time_has_one_moment_or_none_or_two),
        cmocka_unit_test(unknown_zones_are_refused),
        cmocka_unit_test(rules_of_every_form_are_those_of_the_c_library),
        cmocka_unit_test(a_rule_can_last_all_year),
        cmocka_unit_test(invalid_rules_are_refused),
        cmocka_unit_test(without_a_rule_the_last_offset_stays),
        cmocka_unit_test(damaged_files_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
