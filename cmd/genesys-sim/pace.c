#include "cmd/genesys-sim/pace.h"

#include "core/base/str.h"

bool pace_parse(struct pace *pace, const char *text, struct err *err)
{
    static const struct {
        const char *suffix;
        int64_t ms;
    } periods[] = {{"/s", 1000}, {"/m", 60000}, {"/h", 3600000}};
    struct span count = span_of(text);
    int64_t limit;

    if (strcmp(text, "none") == 0) {
        *pace = (struct pace){0};
        return true;
    }
    for (size_t i = 0; i < sizeof periods / sizeof *periods; i++) {
        if (!str_ends(text, periods[i].suffix))
            continue;
        count.size -= strlen(periods[i].suffix);
        if (!str_to_int64(count, 1, INT64_MAX, &limit))
            break;
        *pace = (struct pace){.limit = limit, .period_ms = periods[i].ms};
        return true;
    }
    return err_set(err, ERR_CONFIG, "'%s' is not N/s, N/m, N/h or none", text);
}

bool pace_take(struct pace *pace, int64_t now_ms, int64_t *wait_ms)
{
    int64_t window;

    if (!pace->limit)
        return true;
    window = now_ms / pace->period_ms;
    if (window != pace->window) {
        pace->window = window;
        pace->used = 0;
    }
    if (pace->used < pace->limit) {
        pace->used++;
        return true;
    }
    *wait_ms = pace_wait_ms(pace, now_ms);
    return false;
}

int64_t pace_wait_ms(const struct pace *pace, int64_t now_ms)
{
    return pace->limit ? pace->period_ms - now_ms % pace->period_ms : 1000;
}
