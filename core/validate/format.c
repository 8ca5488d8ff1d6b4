/* The formats: dates and times here, names and addresses in address.c. */
#include "core/validate/format.h"

/* A fixed number of digits at an offset, or -1 where there is anything else. */
static int digits_at(struct span text, size_t offset, size_t count)
{
    int value = 0;

    if (text.size < offset + count)
        return -1;
    for (size_t i = offset; i < offset + count; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return -1;
        value = value * 10 + (text.data[i] - '0');
    }
    return value;
}

static bool is_between(int value, int minimum, int maximum)
{
    return value >= minimum && value <= maximum;
}

static struct span part(struct span text, size_t offset, size_t size)
{
    return (struct span){text.data + offset, size};
}

/* RFC 3339 section 5.6, full-date; appendix C for leap years. */
static bool is_date(struct span text)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = digits_at(text, 0, 4), month = digits_at(text, 5, 2), day = digits_at(text, 8, 2);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    if (text.size != 10 || text.data[4] != '-' || text.data[7] != '-')
        return false;
    return year >= 0 && is_between(month, 1, 12) &&
           is_between(day, 1, days[month - 1] + (month == 2 && leap));
}

/* time-offset: `Z` or `+hh:mm`; in minutes east of UTC. */
static bool read_offset(struct span text, int *minutes)
{
    int hour = digits_at(text, 1, 2), minute = digits_at(text, 4, 2);

    *minutes = 0;
    if (text.size == 1)
        return text.data[0] == 'Z' || text.data[0] == 'z';
    if (text.size != 6 || (text.data[0] != '+' && text.data[0] != '-') || text.data[3] != ':')
        return false;
    *minutes = (hour * 60 + minute) * (text.data[0] == '-' ? -1 : 1);
    return is_between(hour, 0, 23) && is_between(minute, 0, 59);
}

/* RFC 3339 section 5.6, full-time. Second 60 only where a leap second can be: 23:59:60 UTC. */
static bool is_time(struct span text)
{
    int hour = digits_at(text, 0, 2), minute = digits_at(text, 3, 2);
    int second = digits_at(text, 6, 2), offset;
    size_t end = 8;

    if (second < 0 || text.data[2] != ':' || text.data[5] != ':')
        return false;
    if (text.size > end && text.data[end] == '.') {
        for (end++; digits_at(text, end, 1) >= 0; end++)
            ;
        if (end == 9)
            return false;
    }
    if (text.size == end || !read_offset(part(text, end, text.size - end), &offset))
        return false;
    if (!is_between(hour, 0, 23) || !is_between(minute, 0, 59))
        return false;
    if (second == 60)
        return (hour * 60 + minute - offset + 2 * 1440) % 1440 == 1439;
    return second < 60;
}

/* RFC 3339 section 5.6, date-time. */
static bool is_date_time(struct span text)
{
    if (text.size < 11 || (text.data[10] != 'T' && text.data[10] != 't'))
        return false;
    return is_date(part(text, 0, 10)) && is_time(part(text, 11, text.size - 11));
}

/* RFC 9562 section 4. */
static bool is_uuid(struct span text)
{
    if (text.size != 36)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        char byte = text.data[i], letter = (char)(byte | 0x20);

        if (dash ? byte != '-' : !(byte >= '0' && byte <= '9') && !(letter >= 'a' && letter <= 'f'))
            return false;
    }
    return true;
}

static const struct format formats[] = {
    {"date", "a date like 2026-11-23", is_date},
    {"time", "a time like 23:05:00Z or 23:05:00+01:00", is_time},
    {"date-time", "a time like 2026-11-23T23:05:00Z", is_date_time},
    {"email", "an e-mail address", format_is_email},
    {"hostname", "a host name", format_is_hostname},
    {"ipv4", "an IPv4 address", format_is_ipv4},
    {"ipv6", "an IPv6 address", format_is_ipv6},
    {"uri", "a URI with a scheme, like https://example.org/", format_is_uri},
    {"uuid", "a UUID like 123e4567-e89b-12d3-a456-426614174000", is_uuid},
};

const struct format *format_find(struct span name)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (span_is(name, formats[i].name))
            return &formats[i];
    return NULL;
}

const char *format_names(void)
{
    return "date, time, date-time, email, hostname, ipv4, ipv6, uri and uuid";
}
