#include "core/row/cell_form.h"

#include "core/row/violation.h"

enum { WORDS_SHOWN_MAX = 12 };

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* --- numbers --- */

static bool takes(struct span text, size_t at, struct span part)
{
    return part.size && text.size - at >= part.size &&
           memcmp(text.data + at, part.data, part.size) == 0;
}

/* The digits before the decimals, without what groups them, to *out. False where the groups are
 * wrong. */
static bool read_whole(struct span content, size_t *at, struct span thousands, char **out)
{
    size_t group = 0;
    bool grouped = false;

    for (;;) {
        if (*at < content.size && is_digit(content.data[*at])) {
            *(*out)++ = content.data[(*at)++];
            group++;
            continue;
        }
        if (grouped ? group != 3 : group == 0)
            return false;
        if (!takes(content, *at, thousands))
            return true;
        if (!grouped && group > 3)
            return false;
        grouped = true;
        group = 0;
        *at += thousands.size;
    }
}

static bool read_decimal(const struct cell_form *form, struct span content, struct buf *out)
{
    char *start = buf_reserve(out, content.size), *end = start;
    size_t at = 0;

    if (content.size && content.data[0] == '-')
        *end++ = content.data[at++];
    if (!read_whole(content, &at, form->thousands, &end))
        return false;
    if (at < content.size && content.data[at] == form->decimal) {
        *end++ = '.';
        at++;
    } else if (memchr(content.data + at, '.', content.size - at)) {
        return false; /* what JSON takes for the decimal point is nothing that was declared */
    }
    memcpy(end, content.data + at, content.size - at);
    end += content.size - at;
    out->size += (size_t)(end - start);
    /* what is left may hold nothing that JSON's grammar does not */
    return json_is_number((struct span){start, (size_t)(end - start)});
}

/* --- dates --- */

struct date {
    unsigned year, month, day;
};

/* The number of a part of the pattern; `least` to `most` digits. */
static bool read_part(struct span content, size_t *at, size_t least, size_t most, unsigned *value)
{
    size_t digits = 0;

    *value = 0;
    while (digits < most && *at < content.size && is_digit(content.data[*at])) {
        *value = *value * 10 + (unsigned)(content.data[(*at)++] - '0');
        digits++;
    }
    return digits >= least;
}

static size_t run_size(struct span pattern, size_t at)
{
    size_t size = 1;

    while (at + size < pattern.size && pattern.data[at + size] == pattern.data[at])
        size++;
    return size;
}

static bool read_parts(struct span pattern, struct span content, struct date *date)
{
    size_t at = 0;

    for (size_t i = 0; i < pattern.size;) {
        char letter = pattern.data[i];
        size_t size = letter == 'Y' || letter == 'M' || letter == 'D' ? run_size(pattern, i) : 1;
        bool fits;

        if (letter == 'Y')
            fits = read_part(content, &at, 4, 4, &date->year);
        else if (letter == 'M')
            fits = read_part(content, &at, size, 2, &date->month);
        else if (letter == 'D')
            fits = read_part(content, &at, size, 2, &date->day);
        else
            fits = at < content.size && content.data[at++] == letter;
        if (!fits)
            return false;
        i += size;
    }
    return at == content.size;
}

static bool in_calendar(const struct date *date)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = date->year % 4 == 0 && (date->year % 100 != 0 || date->year % 400 == 0);

    if (date->month < 1 || date->month > 12 || date->day < 1)
        return false;
    return date->day <= days[date->month - 1] + (leap && date->month == 2 ? 1U : 0U);
}

static void put_digits(struct buf *out, unsigned value, size_t count)
{
    char *digits = buf_reserve(out, count);

    out->size += count;
    while (count--) {
        digits[count] = (char)('0' + value % 10);
        value /= 10;
    }
}

static bool read_date(const struct cell_form *form, struct span content, struct buf *out)
{
    struct date date = {0};

    if (!read_parts(form->pattern, content, &date) || !in_calendar(&date))
        return false;
    put_digits(out, date.year, 4);
    buf_append_char(out, '-');
    put_digits(out, date.month, 2);
    buf_append_char(out, '-');
    put_digits(out, date.day, 2);
    return true;
}

const char *cell_form_pattern_fault(struct span pattern)
{
    static const char letters[] = "YMD";
    unsigned found[3] = {0};

    for (size_t i = 0; i < pattern.size;) {
        const char *letter = memchr(letters, pattern.data[i], 3);
        size_t size = letter ? run_size(pattern, i) : 1;
        unsigned char byte = (unsigned char)pattern.data[i];

        if (letter && *letter == 'Y' && size != 4)
            return "must write the year as YYYY";
        if (letter && size > 2 && *letter != 'Y')
            return "must write the month as MM or M and the day as DD or D";
        if (letter && size == 1 && i + 1 < pattern.size && memchr(letters, pattern.data[i + 1], 3))
            return "needs something between M or D and what follows";
        if (!letter && (byte < 0x20 || byte > 0x7E || is_digit(pattern.data[i]) ||
                        ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z')))
            return "may hold YYYY, MM, M, DD, D and what stands between them, like . / - or a "
                   "space";
        if (letter)
            found[letter - letters]++;
        i += size;
    }
    if (found[0] != 1 || found[1] != 1 || found[2] != 1)
        return "must hold the year, the month and the day once each, like DD.MM.YYYY";
    return NULL;
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
    case CELL_DECIMAL:
        *kind = JSON_NUMBER;
        fits = read_decimal(form, content, out);
        break;
    case CELL_DATE:
        *kind = JSON_STRING;
        fits = read_date(form, content, out);
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
    const char *point = memchr(text.data, '.', text.size);

    buf_append_span(out, text);
    if (point)
        out->data[out->size - text.size + (size_t)(point - text.data)] = form->decimal;
}

/* text: YYYY-MM-DD, or something that is not read back. */
static void write_date(const struct cell_form *form, struct span text, struct buf *out)
{
    static const struct {
        char letter;
        size_t at;
    } parts[] = {{'Y', 0}, {'M', 5}, {'D', 8}};

    for (size_t i = 0; text.size == 10 && i < form->pattern.size;) {
        char letter = form->pattern.data[i];
        size_t size = run_size(form->pattern, i), part = 0, short_by;

        while (part < 3 && parts[part].letter != letter)
            part++;
        if (part == 3) {
            buf_append_char(out, letter);
            i++;
            continue;
        }
        /* M and D are written without a zero in front */
        short_by = size == 1 && text.data[parts[part].at] == '0';
        buf_append(out, text.data + parts[part].at + short_by, (part ? 2 : 4) - short_by);
        i += size;
    }
}

static void write_word(const struct cell_form *form, enum json_kind kind, struct buf *out)
{
    size_t word = kind == JSON_TRUE ? 0 : form->true_count;

    if (word < form->word_count)
        buf_append_span(out, form->words[word]);
}

bool cell_form_write(const struct cell_form *form, enum json_kind kind, struct span text,
                     struct buf *out)
{
    size_t start = out->size, size;
    struct buf again = {0};
    enum json_kind again_kind;
    bool same;

    switch (form->kind) {
    case CELL_DECIMAL:
        write_decimal(form, text, out);
        break;
    case CELL_DATE:
        write_date(form, text, out);
        break;
    case CELL_BOOLEAN:
        write_word(form, kind, out);
        break;
    }
    /* what is read of it is the proof that it says this, and nothing else */
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

void cell_form_describe(const struct cell_form *form, bool integer, struct buf *out)
{
    switch (form->kind) {
    case CELL_DECIMAL:
        buf_append_text(out, integer ? "an integer like 1" : "a number like 1");
        buf_append_span(out, form->thousands);
        buf_append_text(out, "234");
        if (!integer)
            buf_printf(out, "%c50", form->decimal);
        return;
    case CELL_DATE:
        buf_printf(out, "a day of the calendar as %.*s", (int)form->pattern.size,
                   form->pattern.data);
        return;
    case CELL_BOOLEAN:
        describe_words(form, out);
        return;
    }
}
