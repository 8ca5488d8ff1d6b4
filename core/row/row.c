#include "core/row/row.h"

/* Eight bytes of which each is ASCII and neither a C0 nor DEL: the usual case, told at once. */
static bool eight_are_plain(const char *bytes)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones * 0x80;
    uint64_t eight, del;

    memcpy(&eight, bytes, sizeof eight);
    del = eight ^ ones * 0x7F;
    /* a byte below n borrows into its high bit when n is taken from it */
    return !((eight | (eight - ones * 0x20) | (del - ones)) & highs);
}

/* C0, DEL and C1: Unicode's category Cc. In UTF-8 a C1 is 0xC2 0x80 .. 0xC2 0x9F. */
static bool holds_control(struct span text)
{
    size_t i = 0;

    while (i < text.size) {
        unsigned char byte = (unsigned char)text.data[i];

        if (text.size - i >= 8 && eight_are_plain(text.data + i)) {
            i += 8;
            continue;
        }
        if (byte < 0x20 || byte == 0x7F)
            return true;
        if (byte == 0xC2 && i + 1 < text.size && ((unsigned char)text.data[i + 1] & 0xE0) == 0x80)
            return true;
        i++;
    }
    return false;
}

/* `.` and `..` are dot segments, which clients and proxies take out of a path (RFC 3986 section
 * 5.2.4); `auditlogs` in the place of a record id is another resource of the API. */
const char *row_record_id_fault(struct span record_id)
{
    if (record_id.size == 0)
        return "must not be empty";
    if (record_id.size > ROW_RECORD_ID_MAX)
        return "must not be longer than 512 bytes";
    if (span_is(record_id, ".") || span_is(record_id, ".."))
        return "must not be . or .., which no path can hold";
    if (span_is(record_id, "auditlogs"))
        return "must not be auditlogs, which is another path of the API";
    if (holds_control(record_id))
        return "must not hold control characters";
    return NULL;
}

bool row_version_read(struct span text, int64_t *version)
{
    if (text.size == 0 || text.data[0] == '-' || (text.size > 1 && text.data[0] == '0'))
        return false;
    return str_to_int64(text, 0, INT64_MAX, version);
}
