#include "core/base/bar.h"

#include <stdbool.h>

enum { BAR_LEAST = 8, BAR_MOST = 32, GAP = 2, BAR_PARTS_MAX = 8 };

/* Width of the character that starts with this byte; 0 for a byte within a character. */
static size_t width_of(char byte)
{
    unsigned char value = (unsigned char)byte;

    return value < 0x80 ? 1 : (value & 0xC0) == 0x80 ? 0 : 2;
}

size_t bar_width(struct span text)
{
    size_t width = 0;

    for (size_t i = 0; i < text.size; i++)
        width += width_of(text.data[i]);
    return width;
}

size_t bar_fit(struct span text, size_t width)
{
    size_t end = 0;

    for (; end < text.size; end++) {
        size_t wide = width_of(text.data[end]);

        if (wide > width)
            break;
        width -= wide;
    }
    return end;
}

static void append_bar(struct buf *out, size_t width, double share)
{
    size_t inside = width - 2;
    size_t done = share >= 1 ? inside : (size_t)(share * (double)inside);

    buf_append_char(out, '[');
    for (size_t i = 0; i < inside; i++)
        buf_append_char(out, i < done ? '#' : '.');
    buf_append_char(out, ']');
}

void bar_render(struct buf *out, size_t columns, double share, const char *const *parts,
                size_t count)
{
    size_t room = columns > 0 ? columns - 1 : 0, taken = share >= 0 ? BAR_LEAST : 0, bar;
    bool shown[BAR_PARTS_MAX] = {false}, any = false;
    const char *gap = share >= 0 ? "  " : "";

    for (size_t i = 0; i < count && i < BAR_PARTS_MAX; i++) {
        size_t width = bar_width(span_of(parts[i])) + (taken > 0 ? GAP : 0);

        shown[i] = *parts[i] && taken + width <= room;
        taken += shown[i] ? width : 0;
        any |= shown[i];
    }
    if (!any && count > 0) {
        buf_append(out, parts[0], bar_fit(span_of(parts[0]), room));
        return;
    }
    bar = BAR_LEAST + room - taken;
    if (share >= 0)
        append_bar(out, bar < BAR_MOST ? bar : BAR_MOST, share);
    for (size_t i = 0; i < count && i < BAR_PARTS_MAX; i++) {
        if (!shown[i])
            continue;
        buf_append_text(out, gap);
        buf_append_text(out, parts[i]);
        gap = "  ";
    }
}
