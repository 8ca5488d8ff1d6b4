#include "core/base/clock.h"

#include <stdio.h>
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
