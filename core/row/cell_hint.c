/* What to declare so that a cell which does not fit is read. */
#include "core/row/cell_hint.h"
#include "core/base/zone.h"
#include "core/row/row.h"

#include <stdio.h>

/* What programs write for an absent value. */
static const char *const absent_words[] = {
    "NULL", "null",     "Null",       "(null)",     "\\N",        "#N/A",       "#NV",
    "N/A",  "n/a",      "NA",         "nan",        "NaN",        "None",       "nil",
    "-",    "--",       "---",        ".",          "?",          "*",          "n.a.",
    "k.A.", "00000000", "0000-00-00", "00.00.0000", "01.01.1753", "1753-01-01",
};

static bool is_number(unsigned types)
{
    return types & (ROW_NUMBER | ROW_INTEGER);
}

/* Zeros and what is between them, as in 00000000 for a date. */
static bool is_zeros(struct span content)
{
    size_t zeros = 0;

    for (size_t i = 0; i < content.size; i++) {
        zeros += content.data[i] == '0';
        if (!memchr("0./-: T", content.data[i], 7))
            return false;
    }
    return zeros >= 6;
}

static bool means_absent(const struct cell_form *form, unsigned types, struct span content)
{
    return span_is_one_of(content, absent_words, sizeof absent_words / sizeof *absent_words) ||
           (is_zeros(content) && (form || !is_number(types)));
}

static void begin(struct buf *out, struct span property)
{
    buf_append_text(out, "; if that is meant, declare \"formats\": {\"");
    buf_append_json(out, property);
    buf_append_text(out, "\": {");
}

/* Appends a member of that object. first: it is the first. */
static void put_text(struct buf *out, bool *first, const char *name, struct span value)
{
    buf_printf(out, "%s\"%s\": ", *first ? "" : ", ", name);
    buf_append_quoted(out, value);
    *first = false;
}

static bool is_of_number(char byte)
{
    return str_is_digit(byte) || memchr("+-(),.' \t", byte, 9) != NULL;
}

bool cell_hint_is_unit(struct span text)
{
    /* debit or credit: the sign of the number */
    static const char *const sides[] = {"CR", "Cr", "cr", "DR", "Dr", "dr", "C", "D", "S", "H"};
    enum { UNIT_MAX = 16 };
    char shown[4 * UNIT_MAX + 1];

    return text.size <= UNIT_MAX && !cell_form_has_sign(text) &&
           !span_is_one_of(text, sides, sizeof sides / sizeof *sides) &&
           strlen(str_printable(text, shown, sizeof shown)) == text.size;
}

/* Takes the unit: letters and signs at one end of the digits. */
static struct span find_unit(struct span content)
{
    size_t first = 0, last = content.size;
    struct span unit;

    while (first < last && !is_of_number(content.data[first]) &&
           !str_space_first((struct span){content.data + first, last - first}))
        first++;
    if (first) {
        unit = (struct span){content.data, first};
    } else {
        while (last && !is_of_number(content.data[last - 1]))
            last--;
        unit = span_from(content, last);
        /* a space of several bytes is not part of it */
        while (unit.size && str_space_first(unit))
            unit = span_from(unit, str_space_first(unit));
    }
    return cell_hint_is_unit(unit) ? unit : (struct span){0};
}

/* Finds what separates groups of digits and decimals: the last of several different separators is
 * the decimal sign, and so is a single comma or point. */
static void find_separators(struct span digits, struct cell_form *form)
{
    static const struct span apostrophes[] = {{"'", 1}, {"\xE2\x80\x99", 3}};
    const char *comma = memrchr(digits.data, ',', digits.size),
               *point = memrchr(digits.data, '.', digits.size);

    form->decimal = comma && (!point || comma > point) ? ',' : '.';
    if (comma && point)
        form->thousands = form->decimal == ',' ? (struct span){".", 1} : (struct span){",", 1};
    for (size_t i = 0; i < 2 && !form->thousands.size; i++)
        if (memmem(digits.data, digits.size, apostrophes[i].data, apostrophes[i].size))
            form->thousands = apostrophes[i];
    for (size_t i = 0; i < digits.size && !form->thousands.size; i++)
        if (str_space_first(span_from(digits, i)))
            form->thousands = (struct span){" ", 1};
    /* two of the same group digits */
    if (comma && !point && memchr(digits.data, ',', (size_t)(comma - digits.data))) {
        form->decimal = '.';
        form->thousands = (struct span){",", 1};
    }
}

/* Guesses the form of a number from a cell. */
static struct cell_form guess(struct span content)
{
    struct cell_form form = {.kind = CELL_DECIMAL, .unit = find_unit(content)};
    struct span rest = content;

    if (str_space_first(rest) || str_space_last(rest))
        form.padding = ' ';
    rest = str_trim(rest);
    if (form.unit.size && rest.size > form.unit.size) {
        if (memcmp(rest.data, form.unit.data, form.unit.size) == 0)
            rest = span_from(rest, form.unit.size);
        else
            rest.size -= form.unit.size;
        rest = str_trim(rest);
    }
    if (rest.size > 1 && rest.data[0] == '(')
        form.sign = CELL_SIGN_PARENTHESES;
    else if (rest.size > 1 && rest.data[0] == '+')
        form.sign = CELL_SIGN_LEADING;
    else if (rest.size > 1 && memchr("+-", rest.data[rest.size - 1], 2))
        form.sign = CELL_SIGN_TRAILING;
    while (rest.size && memchr("+-( ", rest.data[0], 4))
        rest = span_from(rest, 1);
    while (rest.size && memchr("+-) ", rest.data[rest.size - 1], 4))
        rest.size--;
    if (!form.padding && rest.size > 1 && rest.data[0] == '0' && str_is_digit(rest.data[1]))
        form.padding = '0';
    find_separators(rest, &form);
    return form;
}

/* The same where the minus may be U+2212, which only a declared sign reads. plain: holds the text
 * of the form. */
static struct cell_form guess_sign(struct span content, struct buf *plain)
{
    const char *minus = memmem(content.data, content.size, CELL_MINUS, sizeof CELL_MINUS - 1);
    size_t before = minus ? (size_t)(minus - content.data) : content.size;
    struct cell_form form;

    buf_append_span(plain, (struct span){content.data, before});
    if (minus) {
        buf_append_char(plain, '-');
        buf_append_span(plain, span_from(content, before + sizeof CELL_MINUS - 1));
    }
    form = guess(buf_span(plain));
    if (minus && form.sign == CELL_SIGN_PLAIN)
        form.sign = CELL_SIGN_LEADING;
    return form;
}

/* Appends the form of a number. declared: the column has a form that the cell does not fit. */
static bool hint_number(struct span property, bool declared, struct span content, struct buf *out)
{
    static const char *const signs[] = {NULL, "leading", "trailing", "parentheses"};
    struct buf read = {0}, plain = {0};
    struct cell_form form = guess_sign(content, &plain);
    enum json_kind kind;
    bool fits, first = true;

    fits =
        cell_form_read(&form, content, &read, &kind) &&
        (form.decimal != '.' || form.thousands.size || form.sign || form.padding || form.unit.size);
    if (fits) {
        begin(out, property);
        if (form.decimal == ',')
            put_text(out, &first, "decimal", (struct span){",", 1});
        if (form.thousands.size)
            put_text(out, &first, "thousands", form.thousands);
        if (form.sign)
            put_text(out, &first, "sign", span_of(signs[form.sign]));
        if (form.padding)
            put_text(out, &first, "padding", (struct span){&form.padding, 1});
        if (form.unit.size)
            put_text(out, &first, "unit", form.unit);
        buf_append_text(out, "}} under x-rowferry");
        if (declared)
            buf_append_text(out, " instead of what is there");
    }
    buf_release(&read);
    buf_release(&plain);
    return fits;
}

/* Appends why a local time in the declared form has no moment, or two. */
static void hint_moment(const struct cell_form *form, struct span content, struct buf *out)
{
    struct cell_form folded = *form;
    enum json_kind kind;
    struct buf read = {0};

    folded.fold = CELL_FOLD_EARLIER;
    if (cell_form_read(&folded, content, &read, &kind)) {
        buf_append_text(out,
                        ", which came twice, as clocks were put back: \"fold\": \"earlier\" or "
                        "\"later\" says which is meant");
    } else {
        /* in UTC every local time has its moment */
        struct err ignored = {0};
        struct zone *utc = zone_open((struct span){"UTC", 3}, &ignored);

        folded.zone = utc;
        if (utc && cell_form_read(&folded, content, &read, &kind))
            buf_append_text(out, ", which never came, as clocks were put forward over it");
        zone_close(utc);
    }
    buf_release(&read);
}

static void hint_absent(struct span property, struct span content, struct buf *out)
{
    begin(out, property);
    buf_append_text(out, "\"absent\": [");
    buf_append_quoted(out, content);
    buf_append_text(out, "]}} under x-rowferry");
}

/* How programs write days and times; from LOOSE on without leading zeros. */
static const char *const date_patterns[] = {"DD.MM.YYYY", "DD/MM/YYYY", "MM/DD/YYYY", "DD-MM-YYYY",
                                            "YYYY/MM/DD", "YYYY.MM.DD", "YYYYMMDD",   "YYYY-MM-DD",
                                            "D.M.YYYY",   "D/M/YYYY",   "M/D/YYYY"};
enum { LOOSE = 8 };
static const char *const time_patterns[] = {" hh:mm:ss", " hh:mm", "Thh:mm:ss",
                                            "Thh:mm",    "hhmmss", " hhmmss"};

static bool fits_pattern(const char *date, const char *time, struct span content)
{
    char pattern[32];
    int size = snprintf(pattern, sizeof pattern, "%s%s", date, time);

    return cell_form_fits((struct span){pattern, (size_t)size}, *time != '\0', content);
}

void cell_hint_date(struct span property, bool with_time, struct span content, struct buf *out)
{
    static const char *const no_time[] = {""};
    const char *const *times = with_time ? time_patterns : no_time;
    size_t time_count = with_time ? sizeof time_patterns / sizeof *time_patterns : 1, found = 0;

    if (means_absent(NULL, ROW_STRING, content)) {
        hint_absent(property, content, out);
        return;
    }
    for (size_t i = 0; i < sizeof date_patterns / sizeof *date_patterns; i++) {
        if (i == LOOSE && found)
            break;
        for (size_t j = 0; j < time_count; j++) {
            if (!fits_pattern(date_patterns[i], times[j], content))
                continue;
            if (found++)
                buf_printf(out, " or \"%s%s\"", date_patterns[i], times[j]);
            else
                begin(out, property);
            if (found == 1)
                buf_printf(out, "\"%s\": \"%s%s\"", with_time ? "datetime" : "date",
                           date_patterns[i], times[j]);
        }
    }
    if (found)
        buf_append_text(out,
                        with_time ? ", \"zone\": ...}} under x-rowferry" : "}} under x-rowferry");
}

void cell_hint(const struct cell_form *form, struct span property, unsigned types,
               struct span content, struct buf *out)
{
    if (!content.size) {
        buf_append_text(out, "; an empty cell without quotes is absent, and \"csv\": "
                             "{\"quotedEmpty\": \"absent\"} under x-rowferry makes \"\" so too");
        return;
    }
    if (means_absent(form, types, content)) {
        hint_absent(property, content, out);
        return;
    }
    if (!form && types == ROW_BOOLEAN) {
        begin(out, property);
        buf_append_text(out, "\"boolean\": {\"true\": [...], \"false\": [...]}}} under x-rowferry");
    } else if (form && form->kind == CELL_DATETIME) {
        hint_moment(form, content, out);
    } else if (is_number(types) && (!form || form->kind == CELL_DECIMAL)) {
        hint_number(property, form != NULL, content, out);
    }
}
