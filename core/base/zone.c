#include "core/base/zone.h"

#include "core/base/mem.h"

#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_MAX = 1 << 20, /* bytes of a TZif file; the largest current one has 4000 */
    HEADER_SIZE = 44,
    DAY_S = 86400,
    /* The calendar repeats after 400 years, which are whole weeks. */
    CYCLE_YEARS = 400,
    CYCLE_DAYS = 146097,
    OFFSET_MAX = 26 * 3600, /* RFC 8536 section 3.2 */
};

static const char folder[] = "/usr/share/zoneinfo";

struct change {
    int64_t moment;
    int32_t offset; /* from then on */
};

struct zone {
    struct change *changes; /* sorted; the first has no beginning */
    size_t count, capacity;
    int64_t cycle_from; /* the changes repeat every 400 years from here on; INT64_MAX: never */
    atomic_size_t last; /* the change found last: the times of a file are near each other */
};

/* --- the calendar; the algorithms are Howard Hinnant's (days_from_civil) --- */

int64_t zone_days(int64_t year, unsigned month, unsigned day)
{
    int64_t shifted = year - (month <= 2), era = (shifted >= 0 ? shifted : shifted - 399) / 400;
    int64_t of_era = shifted - era * 400;
    int64_t of_year = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * CYCLE_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

bool zone_has_day(int64_t year, int64_t month, int64_t day)
{
    static const int64_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month >= 1 && month <= 12 && day >= 1 &&
           day <= days[month - 1] + (month == 2 && is_leap(year));
}

void zone_date(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - (CYCLE_DAYS - 1)) / CYCLE_DAYS;
    int64_t of_era = shifted - era * CYCLE_DAYS;
    int64_t year_of_era =
        (of_era - of_era / 1460 + of_era / 36524 - of_era / (CYCLE_DAYS - 1)) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t place = (5 * of_year + 2) / 153;

    *day = (unsigned)(of_year - (153 * place + 2) / 5 + 1);
    *month = (unsigned)(place < 10 ? place + 3 : place - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

static void add_change(struct zone *zone, int64_t moment, int32_t offset)
{
    if (zone->count && zone->changes[zone->count - 1].offset == offset)
        return;
    if (zone->count == zone->capacity) {
        zone->capacity = zone->capacity ? 2 * zone->capacity : 64;
        zone->changes = mem_resize(zone->changes, zone->capacity, sizeof *zone->changes);
    }
    zone->changes[zone->count++] = (struct change){moment, offset};
}

/* --- the rule for later years: a TZ string of POSIX, as RFC 8536 section 3.3.1 extends it --- */

struct rule_date {
    char kind; /* M, J, or 0: a day of the year from 0 */
    int64_t month, week, day;
    int64_t time; /* seconds of that day, local by the offset until then */
};

static bool take_number(const char **at, int64_t *number)
{
    const char *start = *at;

    *number = 0;
    while (**at >= '0' && **at <= '9' && *at - start < 4)
        *number = *number * 10 + (*(*at)++ - '0');
    return *at > start;
}

/* Takes `[+-]hh[:mm[:ss]]`. */
static bool take_time(const char **at, int64_t *seconds)
{
    int64_t sign = 1, part, unit = 3600;

    if (**at == '+' || **at == '-')
        sign = *(*at)++ == '-' ? -1 : 1;
    *seconds = 0;
    for (;; unit /= 60, (*at)++) {
        if (!take_number(at, &part))
            return false;
        *seconds += sign * part * unit;
        if (**at != ':' || unit == 1)
            return true;
    }
}

static bool take_name(const char **at)
{
    const char *start = *at;

    if (**at == '<') {
        const char *end = strchr(*at, '>');

        *at = end ? end + 1 : *at;
        return end != NULL;
    }
    while ((**at | 0x20) >= 'a' && (**at | 0x20) <= 'z')
        (*at)++;
    return *at - start >= 3;
}

static bool take_rule_date(const char **at, struct rule_date *date)
{
    *date = (struct rule_date){.time = 7200};
    if (*(*at)++ != ',')
        return false;
    if (**at == 'M' || **at == 'J')
        date->kind = *(*at)++;
    if (!take_number(at, date->kind == 'M' ? &date->month : &date->day))
        return false;
    if (date->kind == 'M') {
        if (*(*at)++ != '.' || !take_number(at, &date->week) || *(*at)++ != '.' ||
            !take_number(at, &date->day) || date->month < 1 || date->month > 12 || date->week < 1 ||
            date->week > 5 || date->day > 6)
            return false;
    }
    if (**at != '/')
        return true;
    (*at)++;
    return take_time(at, &date->time);
}

/* Returns the moment in local time. */
static int64_t rule_moment(const struct rule_date *date, int64_t year)
{
    int64_t days = zone_days(year, 1, 1), first, next;

    if (date->kind == 'J')
        days += date->day - 1 + (is_leap(year) && date->day >= 60);
    else if (date->kind != 'M')
        days += date->day;
    if (date->kind != 'M')
        return days * DAY_S + date->time;
    first = zone_days(year, (unsigned)date->month, 1);
    next = date->month == 12 ? zone_days(year + 1, 1, 1)
                             : zone_days(year, (unsigned)date->month + 1, 1);
    /* 1970-01-01 was a Thursday */
    days = first + (date->day - (first + 4) % 7 + 7) % 7 + 7 * (date->week - 1);
    while (days >= next)
        days -= 7;
    return days * DAY_S + date->time;
}

struct rule {
    int64_t standard, summer; /* seconds east of UTC */
    struct rule_date begin, end;
};

/* Adds the changes of 400 years after the last one. */
static void repeat_rule(struct zone *zone, const struct rule *rule)
{
    int64_t last = zone->changes[zone->count - 1].moment, year;
    unsigned month, day;

    if (last == INT64_MIN)
        last = zone_days(1800, 1, 1) * DAY_S;
    zone_date(last / DAY_S, &year, &month, &day);
    zone->cycle_from = zone_days(year + 1, 1, 1) * DAY_S;
    for (int64_t i = 0; i <= CYCLE_YEARS + 1; i++) {
        struct change to_summer = {rule_moment(&rule->begin, year + i) - rule->standard,
                                   (int32_t)rule->summer},
                      to_standard = {rule_moment(&rule->end, year + i) - rule->summer,
                                     (int32_t)rule->standard};
        bool summer_first = to_summer.moment < to_standard.moment;
        const struct change both[] = {summer_first ? to_summer : to_standard,
                                      summer_first ? to_standard : to_summer};

        for (size_t k = 0; k < 2; k++)
            if (both[k].moment > last)
                add_change(zone, both[k].moment, both[k].offset);
    }
}

static bool add_rule(struct zone *zone, const char *at)
{
    struct rule rule;

    if (!*at)
        return true;
    if (!take_name(&at) || !take_time(&at, &rule.standard))
        return false;
    rule.standard = -rule.standard; /* in the string, west is positive */
    if (!*at) {
        add_change(zone, zone->changes[zone->count - 1].moment + 1, (int32_t)rule.standard);
        return true;
    }
    if (!take_name(&at))
        return false;
    rule.summer = -rule.standard - 3600;
    if (*at != ',' && !take_time(&at, &rule.summer))
        return false;
    rule.summer = -rule.summer;
    if (!take_rule_date(&at, &rule.begin) || !take_rule_date(&at, &rule.end) || *at)
        return false;
    repeat_rule(zone, &rule);
    return true;
}

/* --- the file --- */

static int64_t number_at(const unsigned char *bytes, size_t size)
{
    uint64_t number = bytes[0] & 0x80 ? UINT64_MAX : 0;

    for (size_t i = 0; i < size; i++)
        number = number << 8 | bytes[i];
    return (int64_t)number;
}

struct counts {
    uint32_t utc, standard, leaps, changes, types, characters;
};

static bool read_counts(const unsigned char *header, struct counts *counts)
{
    uint32_t *const all[] = {&counts->utc,     &counts->standard, &counts->leaps,
                             &counts->changes, &counts->types,    &counts->characters};

    for (size_t i = 0; i < 6; i++) {
        *all[i] = (uint32_t)number_at(header + 20 + 4 * i, 4);
        if (*all[i] > FILE_MAX)
            return false;
    }
    return true;
}

static size_t block_size(const struct counts *counts, size_t time_size)
{
    return (size_t)counts->changes * (time_size + 1) + (size_t)counts->types * 6 +
           counts->characters + (size_t)counts->leaps * (time_size + 4) + counts->standard +
           counts->utc;
}

/* Skips the block of version 1: the one after it has 64 bits and a rule for later years. */
static bool read_zone(struct zone *zone, const unsigned char *bytes, size_t size)
{
    struct counts counts;
    const unsigned char *types, *indices;
    size_t at;

    if (size < HEADER_SIZE || memcmp(bytes, "TZif", 4) != 0 || bytes[4] < '2' ||
        !read_counts(bytes, &counts))
        return false;
    at = HEADER_SIZE + block_size(&counts, 4);
    if (size < at + HEADER_SIZE || memcmp(bytes + at, "TZif", 4) != 0 ||
        !read_counts(bytes + at, &counts))
        return false;
    bytes += at + HEADER_SIZE;
    size -= at + HEADER_SIZE;
    at = block_size(&counts, 8);
    /* with leap seconds (right/...) its moments are not those of POSIX */
    if (counts.leaps || !counts.types || size < at + 2 || bytes[at] != '\n' ||
        bytes[size - 1] != '\n')
        return false;
    indices = bytes + (size_t)counts.changes * 8;
    types = indices + counts.changes;
    for (uint32_t i = 0; i <= counts.changes; i++) {
        int64_t moment = i ? number_at(bytes + (size_t)(i - 1) * 8, 8) : INT64_MIN;
        uint32_t type = i ? indices[i - 1] : 0;
        int64_t offset = type < counts.types ? number_at(types + (size_t)type * 6, 4) : INT64_MAX;

        if (offset > OFFSET_MAX || offset < -OFFSET_MAX)
            return false;
        add_change(zone, moment, (int32_t)offset);
    }
    return true;
}

/* Reads the rule, the line after the last block. */
static bool read_rule(struct zone *zone, const char *bytes, size_t size)
{
    const char *last = memrchr(bytes, '\n', size - 1);
    char rule[128];
    size_t length;

    if (!last)
        return false;
    length = (size_t)(bytes + size - 1 - (last + 1));
    if (length >= sizeof rule)
        return false;
    memcpy(rule, last + 1, length);
    rule[length] = '\0';
    return add_rule(zone, rule);
}

static bool is_zone_name(struct span name)
{
    if (!name.size || name.size > 100 || name.data[0] == '/' || name.data[0] == '.' ||
        memmem(name.data, name.size, "/.", 2) || memmem(name.data, name.size, "//", 2))
        return false;
    for (size_t i = 0; i < name.size; i++) {
        char letter = (char)(name.data[i] | 0x20);

        if (!(letter >= 'a' && letter <= 'z') && !memchr("0123456789_+-/.", name.data[i], 15))
            return false;
    }
    return true;
}

static size_t read_whole(int fd, char *bytes)
{
    size_t size = 0;
    ssize_t got;

    while (size < FILE_MAX && (got = read(fd, bytes + size, FILE_MAX - size)) > 0)
        size += (size_t)got;
    return size;
}

struct zone *zone_parse(struct span file)
{
    struct zone *zone = mem_calloc(1, sizeof *zone);

    zone->cycle_from = INT64_MAX;
    if (read_zone(zone, (const unsigned char *)file.data, file.size) &&
        read_rule(zone, file.data, file.size))
        return zone;
    zone_close(zone);
    return NULL;
}

struct zone *zone_open(struct span name, struct err *err)
{
    char path[PATH_MAX], *bytes;
    struct zone *zone = NULL;
    struct stat status;
    int fd = -1;

    if (is_zone_name(name)) {
        snprintf(path, sizeof path, "%s/%.*s", folder, (int)name.size, name.data);
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    }
    if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        bytes = mem_calloc(1, FILE_MAX);
        zone = zone_parse((struct span){bytes, read_whole(fd, bytes)});
        free(bytes);
    }
    if (fd >= 0)
        close(fd);
    if (!zone)
        err_set(err, ERR_CONFIG, "is not a time zone of this system's tz database (%s)%s", folder,
                access(folder, X_OK) == 0 ? "" : ", which is missing: install tzdata");
    return zone;
}

void zone_close(struct zone *zone)
{
    if (!zone)
        return;
    free(zone->changes);
    free(zone);
}

/* --- lookups --- */

/* Returns the last change up to a moment. */
static const struct change *find_change(struct zone *zone, int64_t moment)
{
    const int64_t cycle = (int64_t)CYCLE_DAYS * DAY_S;
    size_t low = atomic_load_explicit(&zone->last, memory_order_relaxed), high = zone->count - 1;

    if (zone->cycle_from != INT64_MAX && moment >= zone->cycle_from)
        moment = zone->cycle_from + (moment - zone->cycle_from) % cycle;
    if (zone->changes[low].moment <= moment &&
        (low == high || moment < zone->changes[low + 1].moment))
        return &zone->changes[low];
    low = 0;
    while (low < high) {
        size_t middle = low + (high - low + 1) / 2;

        if (zone->changes[middle].moment <= moment)
            low = middle;
        else
            high = middle - 1;
    }
    atomic_store_explicit(&zone->last, low, memory_order_relaxed);
    return &zone->changes[low];
}

int32_t zone_offset(struct zone *zone, int64_t moment)
{
    return find_change(zone, moment)->offset;
}

enum zone_moments zone_find(struct zone *zone, int64_t local, int32_t offsets[2])
{
    /* changes are never so close that a third offset would be between these two */
    const struct change *before = find_change(zone, local - OFFSET_MAX),
                        *after = find_change(zone, local + OFFSET_MAX);
    const int32_t candidates[] = {before->offset, after->offset};
    size_t found = 0;

    if (before == after) {
        offsets[0] = before->offset;
        return ZONE_ONE;
    }
    for (size_t i = 0; i < 2; i++)
        if (zone_offset(zone, local - candidates[i]) == candidates[i])
            offsets[found++] = candidates[i];
    return found == 2 ? ZONE_TWO : found == 1 ? ZONE_ONE : ZONE_NONE;
}
