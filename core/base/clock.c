#include "core/base/clock.h"

#include "core/base/zone.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t clock_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_monotonic_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

char *clock_iso(int64_t now_ms, char out[CLOCK_ISO_SIZE])
{
    int ms = (int)((now_ms % 1000 + 1000) % 1000); /* also positive before 1970 */
    time_t seconds = (time_t)((now_ms - ms) / 1000);
    struct tm parts;
    size_t size;

    gmtime_r(&seconds, &parts);
    size = strftime(out, CLOCK_ISO_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out + size, CLOCK_ISO_SIZE - size, ".%03dZ", ms);
    return out;
}

/* Reads so many digits at *at, and what has to follow them; after '\0': anything. */
static bool read_digits(const char **at, unsigned count, char after, int *value)
{
    *value = 0;
    for (; count > 0; count--, ++*at) {
        if (**at < '0' || **at > '9')
            return false;
        *value = *value * 10 + (**at - '0');
    }
    return !after || *(*at)++ == after;
}

/* Seconds east of UTC at the end of a text. */
static bool read_offset(const char *at, int *seconds)
{
    int sign = *at == '-' ? -1 : 1, hours, minutes;

    *seconds = 0;
    if (*at == 'Z' || *at == 'z')
        return at[1] == '\0';
    if (*at != '+' && *at != '-')
        return false;
    at++;
    if (!read_digits(&at, 2, ':', &hours) || !read_digits(&at, 2, '\0', &minutes) || *at ||
        hours > 23 || minutes > 59)
        return false;
    *seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

bool clock_read_iso(struct span text, int64_t *ns)
{
    int year, month, day, hour, minute, second, offset;
    int64_t fraction = 0, unit = 100000000;
    char copy[64];
    const char *at = copy;

    if (text.size >= sizeof copy || memchr(text.data ? text.data : "", '\0', text.size))
        return false;
    memcpy(copy, text.data ? text.data : "", text.size);
    copy[text.size] = '\0';
    if (!read_digits(&at, 4, '-', &year) || !read_digits(&at, 2, '-', &month) ||
        !read_digits(&at, 2, '\0', &day) || !str_has("Tt ", *at++) ||
        !read_digits(&at, 2, ':', &hour) || !read_digits(&at, 2, ':', &minute) ||
        !read_digits(&at, 2, '\0', &second))
        return false;
    if (*at == '.')
        for (at++; str_is_digit(*at); at++, unit /= 10)
            fraction += (*at - '0') * unit;
    if (!read_offset(at, &offset) || !zone_has_day(year, month, day) || year < 1970 ||
        year > 2261 || hour > 23 || minute > 59 || second > 59)
        return false;
    *ns = (zone_days(year, (unsigned)month, (unsigned)day) * 86400 + hour * INT64_C(3600) +
           minute * INT64_C(60) + second - offset) *
              INT64_C(1000000000) +
          fraction;
    return true;
}
