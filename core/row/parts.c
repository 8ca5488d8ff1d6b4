#include "core/row/parts.h"

#include "core/base/percent.h"

void parts_release(struct parts *parts)
{
    for (size_t i = 0; i < ROW_PARTS_MAX; i++)
        buf_release(&parts->texts[i]);
    buf_release(&parts->joined);
}

size_t parts_find(const struct row_shape *shape, struct span name)
{
    size_t i = 0;

    while (i < shape->part_count && !span_equal(shape->parts[i], name))
        i++;
    return i;
}

void parts_begin(struct parts *parts)
{
    parts->given = 0;
}

void parts_take(struct parts *parts, const struct row_shape *shape, size_t index, struct span text,
                struct violations *violations)
{
    char room[ROW_FAULT_SIZE];
    const char *fault = row_record_id_fault(text, room);

    parts->given |= 1u << index;
    buf_reset(&parts->texts[index]);
    buf_append_span(&parts->texts[index], text);
    if (fault)
        violations_add(violations, shape->parts[index], "record_id", "%s", fault);
}

void parts_end(struct parts *parts, const struct row_shape *shape, struct row *row,
               struct violations *violations)
{
    struct span texts[ROW_PARTS_MAX + 1];

    if (!shape->part_count)
        return;
    for (size_t i = 0; i < shape->part_count; i++) {
        texts[i] = buf_span(&parts->texts[i]);
        if (!(parts->given & 1u << i))
            violations_add(violations, shape->parts[i], "record_id",
                           "is missing; it is part of what names the record");
    }
    if (!row->record_id.size)
        return;
    texts[shape->part_count] = row->record_id;
    buf_reset(&parts->joined);
    parts_join(texts, shape->part_count + 1, &parts->joined);
    row->record_id = buf_span(&parts->joined);
}

void parts_join(const struct span *texts, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_append_char(out, '/');
        percent_encode(out, texts[i]);
    }
}

struct span parts_pick(const struct row_shape *shape, struct span record_id, size_t index,
                       struct buf *scratch)
{
    if (!shape->part_count)
        return record_id;
    for (size_t i = 0; i <= index; i++) {
        const char *slash = record_id.size ? memchr(record_id.data, '/', record_id.size) : NULL;
        size_t size = slash ? (size_t)(slash - record_id.data) : record_id.size;

        buf_reset(scratch);
        if (i == index && !percent_decode(scratch, (struct span){record_id.data, size}))
            return (struct span){0};
        size += slash != NULL;
        record_id = span_from(record_id, size);
    }
    return buf_span(scratch);
}
