#include "core/http/headers.h"

#include <strings.h>
#include <time.h>

static const struct span kept_names[HEADERS_KEPT] = {
    [HEADERS_RETRY_AFTER] = {"Retry-After", 11},
    [HEADERS_DATE] = {"Date", 4},
    [HEADERS_CORRELATION] = {"ININ-Correlation-Id", 19},
};

void headers_reset(struct http_headers *headers)
{
    headers->size = 0;
    headers->interim = headers->ended = false;
    for (size_t i = 0; i < HEADERS_KEPT; i++)
        headers->kept[i][0] = '\0';
    headers->wanted[0] = '\0';
}

static struct span trimmed(struct span text)
{
    while (text.size && (unsigned char)text.data[text.size - 1] <= ' ')
        text.size--;
    while (text.size && (unsigned char)text.data[0] <= ' ')
        text = span_from(text, 1);
    return text;
}

/* True when the line is a field of that name; *value: its value. */
static bool is_field(struct span line, struct span name, struct span *value)
{
    if (line.size <= name.size || line.data[name.size] != ':' ||
        strncasecmp(line.data, name.data, name.size) != 0)
        return false;
    *value = trimmed((struct span){line.data + name.size + 1, line.size - name.size - 1});
    return true;
}

static void keep(struct http_headers *headers, struct span line)
{
    struct span value;

    if (headers->wanted_name && is_field(line, span_of(headers->wanted_name), &value) &&
        value.size < HTTP_WANTED_SIZE) {
        memcpy(headers->wanted, value.data, value.size);
        headers->wanted[value.size] = '\0';
    }
    for (size_t i = 0; i < HEADERS_KEPT; i++) {
        if (!is_field(line, kept_names[i], &value))
            continue;
        /* a gateway can add its own wait: the longer one holds */
        if (i == HEADERS_RETRY_AFTER &&
            headers_wait_ms(value) < headers_wait_ms(span_of(headers->kept[i])))
            return;
        if (value.size >= HTTP_HEADER_SIZE)
            value.size = HTTP_HEADER_SIZE - 1;
        memcpy(headers->kept[i], value.data, value.size);
        headers->kept[i][value.size] = '\0';
        return;
    }
}

/* `HTTP/1.1 100 Continue` */
static bool is_interim(struct span status_line)
{
    const char *space = memchr(status_line.data, ' ', status_line.size);

    return space && space + 1 < status_line.data + status_line.size && space[1] == '1';
}

bool headers_take(struct http_headers *headers, struct span line)
{
    headers->size += line.size;
    if (headers->size > HEADERS_MAX)
        return false;
    if (headers->ended)
        return true;
    if (span_starts(line, span_of("HTTP/")))
        headers->interim = is_interim(line);
    else if (!headers->interim && trimmed(line).size == 0)
        headers->ended = true;
    else if (!headers->interim)
        keep(headers, line);
    return true;
}

/* Reads an HTTP date in any of its three forms (RFC 9110 section 5.6.7), in seconds since 1970. */
static bool parse_date(const char *text, int64_t *seconds)
{
    static const char *const forms[] = {
        "%a, %d %b %Y %H:%M:%S GMT",
        "%A, %d-%b-%y %H:%M:%S GMT",
        "%a %b %e %H:%M:%S %Y",
    };

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm parts = {0};
        const char *end = strptime(text, forms[i], &parts);

        if (!end || *end)
            continue;
        *seconds = timegm(&parts);
        return true;
    }
    return false;
}

int64_t headers_date_ms(const struct http_headers *headers)
{
    int64_t seconds;

    return parse_date(headers->kept[HEADERS_DATE], &seconds) ? seconds * 1000 : 0;
}

int64_t headers_wait_ms(struct span seconds)
{
    const int64_t most = HEADERS_WAIT_MAX_MS / 1000;
    int64_t wait = 0;

    if (seconds.size == 0)
        return -1;
    for (size_t i = 0; i < seconds.size; i++) {
        if (seconds.data[i] < '0' || seconds.data[i] > '9')
            return -1;
        wait = wait * 10 + (seconds.data[i] - '0');
        wait = wait < most ? wait : most;
    }
    return wait * 1000;
}

int64_t headers_retry_after_ms(const struct http_headers *headers, int64_t now_ms)
{
    const char *text = headers->kept[HEADERS_RETRY_AFTER];
    int64_t wait_ms = headers_wait_ms(span_of(text)), seconds, now;

    if (wait_ms >= 0 || !text[0] || !parse_date(text, &seconds))
        return wait_ms;
    if (!parse_date(headers->kept[HEADERS_DATE], &now))
        now = now_ms / 1000;
    if (seconds <= now)
        return 0;
    return seconds - now < HEADERS_WAIT_MAX_MS / 1000 ? (seconds - now) * 1000
                                                      : HEADERS_WAIT_MAX_MS;
}
