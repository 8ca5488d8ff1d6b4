#include "core/row/cell_form.h"

#include "core/base/zone.h"
#include "core/row/violation.h"

#include <stddef.h>

enum { WORDS_SHOWN_MAX = 12 };

/* part: not empty. */
static bool begins(struct span text, struct span part)
{
    return text.size >= part.size && text.data[0] == part.data[0] &&
           memcmp(text.data, part.data, part.size) == 0;
}

/* --- numbers --- */

/* Return the size of the blank at either end, or 0. Most cells have none; the bytes of a space
 * other than U+0020 and tab are above 0x7f. */
static inline size_t blank_first(struct span text)
{
    if (!text.size || (signed char)text.data[0] > ' ')
        return 0;
    return text.data[0] == ' ' ? 1 : str_space_first(text);
}

static inline size_t blank_last(struct span text)
{
    if (!text.size || (signed char)text.data[text.size - 1] > ' ')
        return 0;
    return text.data[text.size - 1] == ' ' ? 1 : str_space_last(text);
}

/* Returns the size of the group separator that begins the text, or 0. A declared space is any
 * space. */
static size_t group_size(struct span text, struct span thousands)
{
    if (!thousands.size)
        return 0;
    if (text.size && span_is(thousands, " "))
        return text.data[0] == '\t' ? 0 : blank_first(text);
    return begins(text, thousands) ? thousands.size : 0;
}

/* Writes the digits before the decimals to *out, without separators. False if a group is wrong. */
static bool read_whole(struct span content, size_t *at, struct span thousands, char **out)
{
    size_t group = 0;
    bool grouped = false;

    for (;;) {
        size_t size;

        if (*at < content.size && str_is_digit(content.data[*at])) {
            *(*out)++ = content.data[(*at)++];
            group++;
            continue;
        }
        if (grouped ? group != 3 : group == 0)
            return false;
        size = group_size(span_from(content, *at), thousands);
        if (!size)
            return true;
        if (!grouped && group > 3)
            return false;
        grouped = true;
        group = 0;
        *at += size;
    }
}

/* Takes the unit and the space between it and the number. */
static bool take_unit(struct span *text, struct span unit)
{
    if (!unit.size || text->size < unit.size)
        return false;
    if (begins(*text, unit)) {
        *text = span_from(*text, unit.size);
        *text = span_from(*text, blank_first(*text));
        return true;
    }
    if (!begins(span_from(*text, text->size - unit.size), unit))
        return false;
    text->size -= unit.size;
    text->size -= blank_last(*text);
    return true;
}

bool cell_form_has_sign(struct span text)
{
    static const char *const signs[] = {"<",
                                        ">",
                                        "~",
                                        "\xC2\xB1",
                                        "\xE2\x80\x90",
                                        "\xE2\x80\x91",
                                        "\xE2\x80\x92",
                                        "\xE2\x80\x93",
                                        "\xE2\x80\x94",
                                        "\xE2\x80\x95",
                                        CELL_MINUS,
                                        "\xE2\x89\x88",
                                        "\xE2\x89\xA4",
                                        "\xE2\x89\xA5",
                                        "\xEF\xB9\xA3",
                                        "\xEF\xBC\x8B",
                                        "\xEF\xBC\x8D"};

    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (memmem(text.data, text.size, signs[i], strlen(signs[i])))
            return true;
    return false;
}

static bool take_sign(struct span *text, enum cell_sign sign, bool *negative)
{
    static const struct span minus = {CELL_MINUS, sizeof CELL_MINUS - 1};
    bool last = sign == CELL_SIGN_TRAILING;
    char byte = text->size ? text->data[last ? text->size - 1 : 0] : '\0';
    size_t end = last && text->size > minus.size ? text->size - minus.size : 0;

    if (sign == CELL_SIGN_PARENTHESES) {
        if (byte != '(' || text->size < 2 || text->data[text->size - 1] != ')')
            return false;
        *text = (struct span){text->data + 1, text->size - 2};
        return *negative = true;
    }
    if (sign != CELL_SIGN_PLAIN && text->size > minus.size &&
        begins(span_from(*text, end), minus)) {
        *text = (struct span){text->data + (last ? 0 : minus.size), text->size - minus.size};
        return *negative = true;
    }
    if (byte != '-' && (byte != '+' || sign == CELL_SIGN_PLAIN))
        return false;
    *negative = byte == '-';
    *text = (struct span){text->data + !last, text->size - 1};
    return true;
}

/* Removes what is around the digits, from the outside in: sign and unit once each. */
static void peel(const struct cell_form *form, struct span *content, bool *negative)
{
    bool sign_left = true, unit_left = form->unit.size > 0, taken = true;
    size_t size;

    *negative = false;
    while (taken) {
        taken = false;
        while (form->padding == ' ' && (size = blank_first(*content)))
            *content = span_from(*content, size);
        while (form->padding == ' ' && (size = blank_last(*content)))
            content->size -= size;
        if (sign_left && take_sign(content, form->sign, negative)) {
            sign_left = false;
            taken = true;
        }
        if (unit_left && take_unit(content, form->unit)) {
            unit_left = false;
            taken = true;
        }
    }
}

static bool read_decimal(const struct cell_form *form, struct span content, struct buf *out)
{
    char *start = buf_reserve(out, content.size + 1), *end = start, *digits;
    bool negative;
    size_t at = 0, zeros = 0;

    peel(form, &content, &negative);
    if (negative)
        *end++ = '-';
    digits = end;
    if (!read_whole(content, &at, form->thousands, &end))
        return false;
    while (form->padding == '0' && digits + zeros + 1 < end && digits[zeros] == '0')
        zeros++;
    if (zeros)
        memmove(digits, digits + zeros, (size_t)(end - digits) - zeros);
    end -= zeros;
    if (at < content.size && form->decimal && content.data[at] == form->decimal) {
        *end++ = '.';
        at++;
    } else if (memchr(content.data + at, '.', content.size - at)) {
        return false; /* JSON's decimal point is not the declared one */
    }
    memcpy(end, content.data + at, content.size - at);
    end += content.size - at;
    out->size += (size_t)(end - start);
    /* the rest must follow JSON's grammar */
    return json_is_number((struct span){start, (size_t)(end - start)});
}

/* --- dates --- */

struct date {
    unsigned year, month, day, hour, minute, second;
};

/* The parts of a pattern, in the order of struct date. */
static const struct part {
    char letter;
    size_t place; /* in struct date */
    bool time;
    size_t at, size; /* in RFC 3339 */
} parts[] = {
    {'Y', offsetof(struct date, year), false, 0, 4},
    {'M', offsetof(struct date, month), false, 5, 2},
    {'D', offsetof(struct date, day), false, 8, 2},
    {'h', offsetof(struct date, hour), true, 11, 2},
    {'m', offsetof(struct date, minute), true, 14, 2},
    {'s', offsetof(struct date, second), true, 17, 2},
};

enum { PARTS = sizeof parts / sizeof *parts, DATE_SIZE = 10, SECOND_PART = 5 };

/* Returns NULL for a literal character. */
static inline const struct part *find_part(char letter, bool with_time)
{
    switch (letter) {
    case 'Y':
        return &parts[0];
    case 'M':
        return &parts[1];
    case 'D':
        return &parts[2];
    case 'h':
        return with_time ? &parts[3] : NULL;
    case 'm':
        return with_time ? &parts[4] : NULL;
    case 's':
        return with_time ? &parts[SECOND_PART] : NULL;
    default:
        return NULL;
    }
}

/* Reads the number of a part of the pattern: `least` to `most` digits. */
static inline bool read_part(struct span content, size_t *at, size_t least, size_t most,
                             unsigned *value)
{
    size_t digits = 0;

    *value = 0;
    while (digits < most && *at < content.size && str_is_digit(content.data[*at])) {
        *value = *value * 10 + (unsigned)(content.data[(*at)++] - '0');
        digits++;
    }
    return digits >= least;
}

static inline size_t run_size(struct span pattern, size_t at)
{
    size_t size = 1;

    while (at + size < pattern.size && pattern.data[at + size] == pattern.data[at])
        size++;
    return size;
}

void cell_form_place(struct cell_form *form)
{
    bool with_time = form->kind == CELL_DATETIME;

    form->placed = true;
    for (size_t i = 0; i < form->pattern.size;) {
        const struct part *part = find_part(form->pattern.data[i], with_time);
        size_t size = part ? run_size(form->pattern, i) : 1;

        if (part && size == part->size)
            form->places[part - parts] = (unsigned char)i;
        else if (part || form->literal_count == CELL_LITERALS)
            form->placed = false;
        else
            form->literals[form->literal_count++] = (unsigned char)i;
        i += size;
    }
    form->has_second = with_time && memchr(form->pattern.data, 's', form->pattern.size);
}

static inline unsigned two_digits(const char *at, bool *wrong)
{
    unsigned tens = (unsigned)at[0] - '0', ones = (unsigned)at[1] - '0';

    *wrong |= tens > 9 || ones > 9;
    return tens * 10 + ones;
}

/* Reads a date as read_parts does, from parts at fixed places. */
static bool read_placed(const struct cell_form *form, struct span content, struct date *date)
{
    const char *text = content.data;
    const unsigned char *places = form->places;
    bool wrong = content.size != form->pattern.size;

    for (size_t i = 0; !wrong && i < form->literal_count; i++)
        wrong = text[form->literals[i]] != form->pattern.data[form->literals[i]];
    if (wrong)
        return false;
    date->year = two_digits(text + places[0], &wrong) * 100;
    date->year += two_digits(text + places[0] + 2, &wrong);
    date->month = two_digits(text + places[1], &wrong);
    date->day = two_digits(text + places[2], &wrong);
    if (form->kind == CELL_DATETIME) {
        date->hour = two_digits(text + places[3], &wrong);
        date->minute = two_digits(text + places[4], &wrong);
    }
    if (form->has_second)
        date->second = two_digits(text + places[SECOND_PART], &wrong);
    return !wrong;
}

static bool read_parts(struct span pattern, bool with_time, struct span content, struct date *date)
{
    size_t at = 0;

    for (size_t i = 0; i < pattern.size;) {
        const struct part *part = find_part(pattern.data[i], with_time);
        size_t size = part ? run_size(pattern, i) : 1;

        if (part && !read_part(content, &at, size, part->size,
                               (unsigned *)(void *)((char *)date + part->place)))
            return false;
        if (!part && (at == content.size || content.data[at++] != pattern.data[i]))
            return false;
        i += size;
    }
    return at == content.size;
}

static bool read_form(const struct cell_form *form, struct span content, struct date *date)
{
    if (form->placed)
        return read_placed(form, content, date);
    return read_parts(form->pattern, form->kind == CELL_DATETIME, content, date);
}

static bool in_calendar(const struct date *date)
{
    return zone_has_day(date->year, date->month, date->day) && date->hour < 24 &&
           date->minute < 60 && date->second < 60;
}

/* Writes two digits; returns the place after them. */
static inline char *put_two(char *out, unsigned value)
{
    out[0] = (char)('0' + value / 10);
    out[1] = (char)('0' + value % 10);
    return out + 2;
}

enum { DATETIME_SIZE = 25 };

/* Writes DATE_SIZE bytes. */
static char *put_date(char *out, const struct date *date)
{
    out = put_two(put_two(out, date->year / 100), date->year % 100);
    *out++ = '-';
    out = put_two(out, date->month);
    *out++ = '-';
    return put_two(out, date->day);
}

bool cell_form_fits(struct span pattern, bool with_time, struct span content)
{
    struct date date = {0};

    return read_parts(pattern, with_time, content, &date) && in_calendar(&date);
}

static int64_t seconds_of(const struct date *date)
{
    return zone_days(date->year, date->month, date->day) * 86400 + (int64_t)date->hour * 3600 +
           (int64_t)date->minute * 60 + date->second;
}

/* Sets the local time that is so many seconds after 1970. */
static void set_seconds(struct date *date, int64_t seconds)
{
    int64_t days = (seconds >= 0 ? seconds : seconds - 86399) / 86400, year;
    unsigned rest = (unsigned)(seconds - days * 86400);

    zone_date(days, &year, &date->month, &date->day);
    date->year = (unsigned)year;
    date->hour = rest / 3600;
    date->minute = rest / 60 % 60;
    date->second = rest % 60;
}

/* Appends a date-time of RFC 3339 section 5.6: the local time with its offset, or UTC if the offset
 * has seconds, which RFC 3339 cannot express. */
static void put_datetime(struct date *date, int32_t offset, struct buf *out)
{
    unsigned minutes = (unsigned)(offset < 0 ? -offset : offset) / 60;
    char *at = buf_reserve(out, DATETIME_SIZE);

    if (offset % 60) {
        set_seconds(date, seconds_of(date) - offset);
        offset = 0;
    }
    at = put_date(at, date);
    *at++ = 'T';
    at = put_two(at, date->hour);
    *at++ = ':';
    at = put_two(at, date->minute);
    *at++ = ':';
    at = put_two(at, date->second);
    if (!offset) {
        *at++ = 'Z';
    } else {
        *at++ = offset < 0 ? '-' : '+';
        at = put_two(at, minutes / 60);
        *at++ = ':';
        at = put_two(at, minutes % 60);
    }
    out->size = (size_t)(at - out->data);
}

static bool read_date(const struct cell_form *form, struct span content, struct buf *out)
{
    struct date date = {0};

    if (!read_form(form, content, &date) || !in_calendar(&date))
        return false;
    put_date(buf_reserve(out, DATE_SIZE), &date);
    out->size += DATE_SIZE;
    return true;
}

static bool read_datetime(const struct cell_form *form, struct span content, struct buf *out)
{
    struct date date = {0};
    enum zone_moments moments;
    int32_t offsets[2] = {0}, offset;

    if (!read_form(form, content, &date) || !in_calendar(&date) || !date.year)
        return false;
    moments = zone_find(form->zone, seconds_of(&date), offsets);
    offset = offsets[form->fold == CELL_FOLD_LATER && moments == ZONE_TWO];
    if (moments == ZONE_NONE || (moments == ZONE_TWO && form->fold == CELL_FOLD_NONE))
        return false;
    put_datetime(&date, offset, out);
    return true;
}

/* Returns what is wrong with one part of a pattern, or NULL. next: the letter after it, or '\0'. */
static const char *part_fault(const struct part *part, size_t size, char next, bool with_time)
{
    if (part->letter == 'Y')
        return size == 4 ? NULL : "must write the year as YYYY";
    if (size > 2)
        return part->time ? "must write the time as hh or h, mm or m, ss or s"
                          : "must write the month as MM or M and the day as DD or D";
    if (size == 1 && next && find_part(next, with_time))
        return "needs something between M or D and what follows";
    return NULL;
}

static const char *count_fault(const unsigned found[PARTS], bool with_time)
{
    for (size_t i = 0; i < PARTS; i++)
        if (found[i] > 1 || (!found[i] && i < SECOND_PART && (with_time || !parts[i].time)))
            return with_time ? "must hold the year, the month, the day, the hour and the minute "
                               "once each, like DD.MM.YYYY hh:mm:ss"
                             : "must hold the year, the month and the day once each, like "
                               "DD.MM.YYYY";
    return NULL;
}

const char *cell_form_pattern_fault(struct span pattern, bool with_time)
{
    unsigned found[PARTS] = {0};

    for (size_t i = 0; i < pattern.size;) {
        char letter = pattern.data[i];
        const struct part *part = find_part(letter, with_time);
        size_t size = part ? run_size(pattern, i) : 1;
        const char *fault = NULL;

        if (part)
            fault = part_fault(part, size, i + size < pattern.size ? pattern.data[i + size] : '\0',
                               with_time);
        else if (letter < 0x20 || letter > 0x7E || str_is_digit(letter) ||
                 ((letter | 0x20) >= 'a' && (letter | 0x20) <= 'z' &&
                  !(with_time && letter == 'T')))
            fault = with_time ? "may hold YYYY, MM, M, DD, D, hh, h, mm, m, ss, s and separators "
                                "like . / - : T or a space"
                              : "may hold YYYY, MM, M, DD, D and separators like . "
                                "/ - or a space";
        if (fault)
            return fault;
        if (part)
            found[part - parts]++;
        i += size;
    }
    return count_fault(found, with_time);
}

/* --- words --- */

static bool read_word(const struct cell_form *form, struct span content, struct buf *out,
                      enum json_kind *kind)
{
    for (size_t i = 0; i < form->word_count; i++) {
        if (!span_equal(form->words[i], content))
            continue;
        *kind = i < form->true_count ? JSON_TRUE : JSON_FALSE;
        buf_append_text(out, i < form->true_count ? "true" : "false");
        return true;
    }
    return false;
}

bool cell_form_read(const struct cell_form *form, struct span content, struct buf *out,
                    enum json_kind *kind)
{
    size_t start = out->size;
    bool fits = false;

    switch (form->kind) {
    case CELL_PLAIN:
        break;
    case CELL_DECIMAL:
        *kind = JSON_NUMBER;
        fits = read_decimal(form, content, out);
        break;
    case CELL_DATE:
        *kind = JSON_STRING;
        fits = read_date(form, content, out);
        break;
    case CELL_DATETIME:
        *kind = JSON_STRING;
        fits = read_datetime(form, content, out);
        break;
    case CELL_BOOLEAN:
        fits = read_word(form, content, out, kind);
        break;
    }
    if (!fits)
        out->size = start;
    return fits;
}

/* --- and back --- */

static void write_decimal(const struct cell_form *form, struct span text, struct buf *out)
{
    static const char *const before[] = {"-", "-", "", "("}, *const after[] = {"", "", "-", ")"};
    bool negative = text.size && text.data[0] == '-';
    const char *point;
    size_t start;

    if (negative)
        text = span_from(text, 1);
    buf_append_text(out, negative ? before[form->sign] : "");
    start = out->size;
    buf_append_span(out, text);
    point = memchr(text.data, '.', text.size);
    if (point && form->decimal)
        out->data[start + (size_t)(point - text.data)] = form->decimal;
    buf_append_text(out, negative ? after[form->sign] : "");
    if (form->unit.size) {
        buf_append_char(out, ' ');
        buf_append_span(out, form->unit);
    }
}

/* Writes the parts of an RFC 3339 text; anything else fails when it is read back. */
static void write_parts(const struct cell_form *form, struct span text, struct buf *out)
{
    bool with_time = form->kind == CELL_DATETIME;

    for (size_t i = 0; i < form->pattern.size;) {
        const struct part *part = find_part(form->pattern.data[i], with_time);
        size_t size = part ? run_size(form->pattern, i) : 1, short_by;

        if (!part) {
            buf_append_char(out, form->pattern.data[i++]);
            continue;
        }
        /* M, D, h, m and s are written without a zero in front */
        short_by = size == 1 && text.data[part->at] == '0';
        buf_append(out, text.data + part->at + short_by, part->size - short_by);
        i += size;
    }
}

/* Understands only what cell_form_read writes. */
static void write_datetime(const struct cell_form *form, struct span text, struct buf *out)
{
    static const struct span rfc_3339 = {"YYYY-MM-DDThh:mm:ss", 19};
    struct date date = {0};
    struct buf local = {0};
    int32_t offset;

    if (text.size < rfc_3339.size ||
        !read_parts(rfc_3339, true, (struct span){text.data, rfc_3339.size}, &date) ||
        !in_calendar(&date))
        return;
    if (text.data[text.size - 1] == 'Z') {
        offset = zone_offset(form->zone, seconds_of(&date));
        set_seconds(&date, seconds_of(&date) + offset);
    }
    put_datetime(&date, 0, &local);
    write_parts(form, buf_span(&local), out);
    buf_release(&local);
}

bool cell_form_write(const struct cell_form *form, enum json_kind kind, struct span text,
                     struct buf *out)
{
    size_t start = out->size, size, word;
    struct buf again = {0};
    enum json_kind again_kind;
    bool same;

    switch (form->kind) {
    case CELL_PLAIN:
        break;
    case CELL_DECIMAL:
        write_decimal(form, text, out);
        break;
    case CELL_DATE:
        if (text.size == DATE_SIZE)
            write_parts(form, text, out);
        break;
    case CELL_DATETIME:
        write_datetime(form, text, out);
        break;
    case CELL_BOOLEAN:
        word = kind == JSON_TRUE ? 0 : form->true_count;
        if (word < form->word_count)
            buf_append_span(out, form->words[word]);
        break;
    }
    /* reading it back proves that it means this value and no other */
    size = out->size - start;
    same = size &&
           cell_form_read(form, (struct span){out->data + start, size}, &again, &again_kind) &&
           again_kind == kind && span_equal(buf_span(&again), text);
    buf_release(&again);
    if (!same)
        out->size = start;
    return same;
}

static void describe_words(const struct cell_form *form, struct buf *out)
{
    char quoted[VIOLATION_QUOTE_SIZE];

    for (size_t i = 0; i < form->word_count; i++) {
        if (i == WORDS_SHOWN_MAX) {
            buf_append_text(out, " or another declared word");
            return;
        }
        if (i)
            buf_append_text(out, i + 1 == form->word_count ? " or " : ", ");
        buf_append_text(out, violation_quote(form->words[i], quoted));
    }
}

static void describe_number(const struct cell_form *form, bool integer, struct buf *out)
{
    static const char *const negative[] = {"", "", ", negative as 5-", ", negative as (5)"};
    char unit[VIOLATION_QUOTE_SIZE];

    buf_append_text(out, integer ? "an integer like 1" : "a number like 1");
    buf_append_span(out, form->thousands);
    buf_append_text(out, "234");
    if (!integer && form->decimal)
        buf_printf(out, "%c50", form->decimal);
    buf_append_text(out, negative[form->sign]);
    if (form->padding)
        buf_append_text(out, form->padding == '0' ? ", padded with zeros" : ", padded with blanks");
    if (form->unit.size)
        buf_printf(out, ", with or without %s", violation_quote(form->unit, unit));
}

void cell_form_describe(const struct cell_form *form, bool integer, struct buf *out)
{
    switch (form->kind) {
    case CELL_PLAIN:
        return;
    case CELL_DECIMAL:
        describe_number(form, integer, out);
        return;
    case CELL_DATE:
        buf_printf(out, "a day of the calendar as %.*s", (int)form->pattern.size,
                   form->pattern.data);
        return;
    case CELL_DATETIME:
        buf_printf(out, "a local time as %.*s", (int)form->pattern.size, form->pattern.data);
        return;
    case CELL_BOOLEAN:
        describe_words(form, out);
        return;
    }
}
