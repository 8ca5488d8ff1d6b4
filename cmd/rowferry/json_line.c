#include "cmd/rowferry/json_line.h"

#include "core/base/clock.h"
#include "core/job/id.h"

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

void json_line_status(struct buf *line, const char *event)
{
    json_line_begin(line, "status");
    json_line_text(line, "event", span_of(event));
}

void json_line_text(struct buf *line, const char *name, struct span text)
{
    buf_printf(line, ", \"%s\": ", name);
    if (text.data)
        buf_append_quoted(line, text);
    else
        buf_append_text(line, "null");
}

void json_line_count(struct buf *line, const char *name, uint64_t value)
{
    buf_printf(line, ", \"%s\": %" PRIu64, name, value);
}

void json_line_known(struct buf *line, const char *name, bool is_known, int64_t value)
{
    if (is_known)
        buf_printf(line, ", \"%s\": %" PRId64, name, value);
    else
        json_line_text(line, name, (struct span){0});
}

void json_line_id(struct buf *line, const char *name, int64_t id)
{
    json_line_known(line, name, id != 0, id);
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

void json_line_job(struct buf *line, const char *name, int64_t job_id)
{
    char text[ID_TEXT_SIZE];

    json_line_text(line, name, job_id ? span_of(id_print(job_id, text)) : (struct span){0});
}
