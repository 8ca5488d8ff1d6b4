#include "core/base/clock.h"

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
    struct tm parts = {0}, known;
    char copy[64];
    const char *at = copy;
    int64_t fraction = 0, unit = 100000000;
    int offset;
    time_t seconds;

    if (text.size >= sizeof copy || memchr(text.data ? text.data : "", '\0', text.size))
        return false;
    memcpy(copy, text.data ? text.data : "", text.size);
    copy[text.size] = '\0';
    if (!read_digits(&at, 4, '-', &parts.tm_year) || !read_digits(&at, 2, '-', &parts.tm_mon) ||
        !read_digits(&at, 2, '\0', &parts.tm_mday) || !*at || !strchr("Tt ", *at++) ||
        !read_digits(&at, 2, ':', &parts.tm_hour) || !read_digits(&at, 2, ':', &parts.tm_min) ||
        !read_digits(&at, 2, '\0', &parts.tm_sec))
        return false;
    if (*at == '.')
        for (at++; *at >= '0' && *at <= '9'; at++, unit /= 10)
            fraction += (*at - '0') * unit;
    parts.tm_year -= 1900;
    parts.tm_mon--;
    known = parts;
    seconds = timegm(&known);
    /* timegm reads the 31st of February as a day in March */
    if (!read_offset(at, &offset) || known.tm_mon != parts.tm_mon ||
        known.tm_mday != parts.tm_mday || parts.tm_year < 70 || parts.tm_year > 361 ||
        parts.tm_hour > 23 || parts.tm_min > 59 || parts.tm_sec > 59)
        return false;
    *ns = (seconds - offset) * INT64_C(1000000000) + fraction;
    return true;
}
