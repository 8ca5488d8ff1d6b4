#include "core/row/formula.h"

#include "core/row/json.h"

/* Returns the size of a blank that a spreadsheet can skip, or 0. */
static size_t blank_size(struct span text)
{
    static const char *const blanks[] = {
        " ",  "\t",       "\r",           "\n",           "\v",
        "\f", "\xC2\xA0", "\xE2\x80\x8B", "\xE3\x80\x80", "\xEF\xBB\xBF"};

    for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++)
        if (span_starts(text, span_of(blanks[i])))
            return strlen(blanks[i]);
    return 0;
}

static bool begins_formula(struct span text)
{
    static const char *const signs[] = {
        "=", "+", "-", "@", "\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D", "\xEF\xBC\xA0"};

    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (span_starts(text, span_of(signs[i])))
            return true;
    return false;
}

/* Returns whether a text is a minus followed by digits and separators: `-1234.50`, `-1.234,50`. */
static bool is_plain_number(struct span text)
{
    if (json_is_number(text))
        return true;
    if (text.size < 2 || text.data[0] != '-' || text.data[1] < '0' || text.data[1] > '9')
        return false;
    for (size_t i = 1; i < text.size; i++)
        if ((text.data[i] < '0' || text.data[i] > '9') && text.data[i] != ',' &&
            text.data[i] != '.')
            return false;
    return true;
}

bool formula_is(struct span content)
{
    struct span left = content;
    size_t blank;

    if (content.size && (content.data[0] == '\t' || content.data[0] == '\r'))
        return true;
    while ((blank = blank_size(left)))
        left = span_from(left, blank);
    return begins_formula(left) && !is_plain_number(content);
}
