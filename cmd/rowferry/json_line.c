#include "cmd/rowferry/json_line.h"

#include "core/base/clock.h"

#include <inttypes.h>

void json_line_begin(struct buf *line, const char *message_type)
{
    buf_reset(line);
    buf_printf(line, "{\"message_type\": \"%s\"", message_type);
}

void json_line_end(struct buf *line)
{
    buf_append_text(line, "}\n");
}

void json_line_string(struct buf *line, struct span text)
{
    buf_append_char(line, '"');
    buf_append_json(line, text);
    buf_append_char(line, '"');
}

void json_line_text(struct buf *line, const char *name, struct span text)
{
    buf_printf(line, ", \"%s\": ", name);
    if (text.data)
        json_line_string(line, text);
    else
        buf_append_text(line, "null");
}

void json_line_count(struct buf *line, const char *name, uint64_t value)
{
    buf_printf(line, ", \"%s\": %" PRIu64, name, value);
}

void json_line_id(struct buf *line, const char *name, int64_t id)
{
    if (id)
        json_line_count(line, name, (uint64_t)id);
    else
        json_line_text(line, name, (struct span){0});
}

void json_line_number(struct buf *line, const char *name, double value, int digits)
{
    buf_printf(line, ", \"%s\": %.*f", name, digits, value);
}

void json_line_time(struct buf *line, const char *name, int64_t now_ms)
{
    char iso[CLOCK_ISO_SIZE];

    json_line_text(line, name, now_ms ? span_of(clock_iso(now_ms, iso)) : (struct span){0});
}
