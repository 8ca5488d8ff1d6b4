#include "core/row/violation.h"

#include "core/base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void violations_release(struct violations *list)
{
    free(list->items);
    buf_release(&list->text);
    *list = (struct violations){0};
}

/* Returns how many of size bytes fit into maximum without cutting a code point. */
static size_t whole_size(const char *text, size_t size, size_t maximum)
{
    if (size <= maximum)
        return size;
    while (maximum && ((unsigned char)text[maximum] & 0xC0) == 0x80)
        maximum--;
    return maximum;
}

static size_t keep(struct violations *list, const char *text, size_t size, size_t *at)
{
    *at = list->text.size;
    buf_append(&list->text, text, size);
    return size;
}

static struct violation *next_item(struct violations *list)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 8;
        list->items = mem_resize(list->items, list->capacity, sizeof *list->items);
    }
    return &list->items[list->count++];
}

/* Turns the last item into one that says how many are left out, including the item it replaces. */
static void leave_out(struct violations *list)
{
    struct violation *last = &list->items[list->count - 1];
    char text[64];
    int size;

    list->left_out += list->left_out ? 1 : 2;
    list->text.size = last->field;
    size = snprintf(text, sizeof text, "%zu more violations are left out", list->left_out);
    last->field_size = 0;
    last->rule_size = keep(list, "row", 3, &last->rule);
    last->message_size = keep(list, text, (size_t)size, &last->message);
}

void violations_add(struct violations *list, struct span field, const char *rule,
                    const char *format, ...)
{
    /* one byte more than the longest message, so that a cut one is recognized */
    char message[VIOLATION_MESSAGE_MAX + 2];
    struct violation *item;
    va_list args;
    size_t size;

    if (list->count == VIOLATIONS_MAX) {
        leave_out(list);
        return;
    }
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    size = strlen(message);

    item = next_item(list);
    size_t field_size = whole_size(field.data, field.size, VIOLATION_FIELD_MAX);
    item->field_size = keep(list, field.data, field_size, &item->field);
    item->rule_size = keep(list, rule, strlen(rule), &item->rule);
    size = whole_size(message, size, VIOLATION_MESSAGE_MAX);
    item->message_size = keep(list, message, size, &item->message);
}

struct span violation_field(const struct violations *list, size_t index)
{
    const struct violation *item = &list->items[index];

    return (struct span){list->text.data + item->field, item->field_size};
}

struct span violation_rule(const struct violations *list, size_t index)
{
    const struct violation *item = &list->items[index];

    return (struct span){list->text.data + item->rule, item->rule_size};
}

struct span violation_message(const struct violations *list, size_t index)
{
    const struct violation *item = &list->items[index];

    return (struct span){list->text.data + item->message, item->message_size};
}

char *violation_show(struct span value, char out[VIOLATION_QUOTE_SIZE])
{
    size_t size = whole_size(value.data, value.size, VIOLATION_QUOTE_MAX);

    str_printable((struct span){value.data, size}, out, 4 * VIOLATION_QUOTE_MAX + 1);
    if (size < value.size)
        memcpy(out + strlen(out), "...", 4);
    return out;
}

/* Returns words for blanks at the ends of a quoted text. */
static const char *blank_ends(struct span value)
{
    bool first = value.size && value.data[0] == ' ';
    bool last = value.size && value.data[value.size - 1] == ' ';

    if (first && last)
        return " (begins and ends with a blank)";
    return first ? " (begins with a blank)" : last ? " (ends with a blank)" : "";
}

char *violation_quote(struct span value, char out[VIOLATION_QUOTE_SIZE])
{
    size_t size;

    violation_show(value, out);
    size = strlen(out);
    memmove(out + 1, out, size);
    out[0] = '"';
    snprintf(out + 1 + size, VIOLATION_QUOTE_SIZE - 1 - size, "\"%s", blank_ends(value));
    return out;
}
