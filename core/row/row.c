#include "core/row/row.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* Returns whether eight bytes are all printable ASCII: the usual case, checked at once. */
static bool eight_are_plain(const char *bytes)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones * 0x80;
    uint64_t eight, del;

    memcpy(&eight, bytes, sizeof eight);
    del = eight ^ ones * 0x7F;
    /* a byte below n borrows into its high bit when n is taken from it */
    return !((eight | (eight - ones * 0x20) | (del - ones)) & highs);
}

/* Returns whether a text is printable ASCII without blanks at its ends: the usual case. */
static bool is_plain(struct span text)
{
    size_t i = 0;

    if (text.data[0] == ' ' || text.data[text.size - 1] == ' ')
        return false;
    while (text.size - i >= 8)
        if (eight_are_plain(text.data + i))
            i += 8;
        else
            return false;
    for (; i < text.size; i++)
        if ((unsigned char)text.data[i] < 0x20 || (unsigned char)text.data[i] >= 0x7F)
            return false;
    return true;
}

static const char *find_unseen(struct span text, char fault[ROW_FAULT_SIZE])
{
    size_t size;

    for (struct span left = text; left.size;) {
        uint32_t character = str_character(left, &size);
        enum str_sight sight = str_sight(character);
        bool at_end = left.size == text.size || left.size == size;

        if (sight == STR_CONTROL)
            return "must not hold control characters";
        if (sight == STR_INVISIBLE)
            snprintf(fault, ROW_FAULT_SIZE, "must not hold U+%04X, which is invisible", character);
        else if (sight == STR_SPACE && at_end)
            snprintf(fault, ROW_FAULT_SIZE, "must not %s with a blank (U+%04X)%s",
                     left.size == text.size ? "begin" : "end", character,
                     character == ' ' || character == 0xA0
                         ? "; \"trim\": true under x-rowferry takes space, tab and U+00A0 off"
                         : "");
        if (sight == STR_INVISIBLE || (sight == STR_SPACE && at_end))
            return fault;
        left = span_from(left, size);
    }
    return NULL;
}

/* `.` and `..` are dot segments, which clients and proxies remove from a path (RFC 3986 section
 * 5.2.4); `auditlogs` in place of a record id is another resource of the API. */
const char *row_record_id_fault(struct span record_id, char fault[ROW_FAULT_SIZE])
{
    if (record_id.size == 0)
        return "must not be empty";
    if (record_id.size > ROW_RECORD_ID_MAX)
        return "must not be longer than 512 bytes";
    if (span_is(record_id, ".") || span_is(record_id, ".."))
        return "must not be . or .., which no path can hold";
    if (span_is(record_id, "auditlogs"))
        return "must not be auditlogs, which is another path of the API";
    return is_plain(record_id) ? NULL : find_unseen(record_id, fault);
}

bool row_version_read(struct span text, int64_t *version)
{
    if (text.size == 0 || text.data[0] == '-' || (text.size > 1 && text.data[0] == '0'))
        return false;
    return str_to_int64(text, 0, INT64_MAX, version);
}

void row_check_record_id(const struct row *row, struct violations *violations)
{
    char text[ROW_FAULT_SIZE];
    const char *fault = row_record_id_fault(row->record_id, text);

    if (fault)
        violations_add(violations, span_of("record_id"), "record_id", "%s", fault);
}

void row_refuse_version(const char *shown, struct violations *violations)
{
    violations_add(violations, span_of("version"), "version",
                   "must be an integer from 0 to 9223372036854775807, is %s", shown);
}

void row_miss_version(struct violations *violations)
{
    violations_add(violations, span_of("version"), "version",
                   "is missing; it is required for optimistic locking");
}

void row_refuse(struct violations *violations, const char *format, ...)
{
    char text[VIOLATION_MESSAGE_MAX + 2];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    violations_add(violations, (struct span){0}, "row", "%s", text);
}

void row_refuse_nul(size_t count, uint64_t first, struct violations *violations)
{
    if (count == 1)
        row_refuse(violations, "holds a NUL byte, at byte %" PRIu64 " of the file", first);
    else
        row_refuse(violations,
                   "holds %zu NUL bytes, the first at byte %" PRIu64 " of the file: was it cut off "
                   "by a crash?",
                   count, first);
}

void row_refuse_length(size_t row_max, struct violations *violations)
{
    row_refuse(violations, "is longer than %zu bytes; only those at its beginning are kept",
               row_max);
}
