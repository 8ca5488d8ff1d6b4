#include "cmd/rowferry/log.h"

#include "cmd/rowferry/json_line.h"
#include "cmd/rowferry/words.h"
#include "core/base/clock.h"

#include <inttypes.h>

static const char *const levels[] = {
    [LOG_ERROR] = "error", [LOG_NOTICE] = "notice", [LOG_DEBUG] = "debug"};

void log_line(enum log_format format, const struct log_event *event, struct buf *out)
{
    char iso[CLOCK_ISO_SIZE];

    clock_iso(event->now_ms, iso);
    if (format != LOG_JSON) {
        buf_printf(out, "%s %s ", iso, levels[event->level]);
        if (event->run_id)
            buf_printf(out, "run=%" PRId64 " ", event->run_id);
        words_printable(out, event->text);
        buf_append_char(out, '\n');
        return;
    }
    buf_printf(out, "{\"time\": \"%s\"", iso);
    json_line_text(out, "level", span_of(levels[event->level]));
    json_line_id(out, "run", event->run_id);
    json_line_text(out, "command", span_of(event->command));
    if (event->event)
        json_line_text(out, "event", span_of(event->event));
    json_line_text(out, "message", span_of(event->text));
    buf_append_span(out, event->members);
    json_line_end(out);
}
