#include "core/validate/ecma.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* WhiteSpace and LineTerminator (ECMA-262 sections 12.2, 12.3), and everything else. */
#define SPACES                                                                                     \
    "\\t-\\r\\x{20}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}"        \
    "\\x{3000}\\x{FEFF}"
#define NOT_SPACES                                                                                 \
    "\\x{0}-\\x{8}\\x{E}-\\x{1F}\\x{21}-\\x{9F}\\x{A1}-\\x{167F}\\x{1681}-\\x{1FFF}"               \
    "\\x{200B}-\\x{2027}\\x{202A}-\\x{202E}\\x{2030}-\\x{205E}\\x{2060}-\\x{2FFF}"                 \
    "\\x{3001}-\\x{FEFE}\\x{FF00}-\\x{10FFFF}"

struct translator {
    const char *at, *end;
    struct buf *out;
    char *fault;
};

static bool refuse(struct translator *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(struct translator *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(t->fault, ECMA_FAULT_SIZE, format, args);
    va_end(args);
    return false;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_one_of(char byte, const char *set)
{
    return byte && strchr(set, byte);
}

static bool next_is(const struct translator *t, const char *text)
{
    size_t size = strlen(text);

    return (size_t)(t->end - t->at) >= size && memcmp(t->at, text, size) == 0;
}

/* Takes count hexadecimal digits; -1 where they are not there. */
static long take_hex(struct translator *t, size_t count)
{
    char digits[9] = {0};

    if ((size_t)(t->end - t->at) < count)
        return -1;
    memcpy(digits, t->at, count);
    if (strspn(digits, "0123456789abcdefABCDEF") != count)
        return -1;
    t->at += count;
    return strtol(digits, NULL, 16);
}

/* Behind `\u`: four digits, two such escapes that form a surrogate pair, or {1 to 6 digits}. */
static long take_unicode(struct translator *t)
{
    const char *close;
    long code, low;

    if (t->at < t->end && *t->at == '{') {
        close = memchr(t->at, '}', (size_t)(t->end - t->at));
        if (!close || close - t->at < 2 || close - t->at > 7)
            return -1;
        t->at++;
        code = take_hex(t, (size_t)(close - t->at));
        t->at++;
        return code > 0x10FFFF ? -1 : code;
    }
    code = take_hex(t, 4);
    if (code < 0xD800 || code > 0xDBFF || !next_is(t, "\\u"))
        return code;
    t->at += 2;
    low = take_hex(t, 4);
    return low < 0xDC00 || low > 0xDFFF ? -1 : 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
}

static bool escape_code(struct translator *t, char letter)
{
    long code = letter == 'x' ? take_hex(t, 2) : take_unicode(t);

    if (code < 0 || (code >= 0xD800 && code <= 0xDFFF))
        return refuse(t, "\\%c is not followed by a code point", letter);
    buf_printf(t->out, "\\x{%lX}", (unsigned long)code);
    return true;
}

/* ECMA-262's names of general categories (table 68), of which PCRE2 knows the short ones alone. */
static const char *short_category(struct span name)
{
    static const char *const names[][2] = {
        {"Cased_Letter", "L&"},
        {"LC", "L&"},
        {"Close_Punctuation", "Pe"},
        {"Connector_Punctuation", "Pc"},
        {"Control", "Cc"},
        {"cntrl", "Cc"},
        {"Currency_Symbol", "Sc"},
        {"Dash_Punctuation", "Pd"},
        {"Decimal_Number", "Nd"},
        {"digit", "Nd"},
        {"Enclosing_Mark", "Me"},
        {"Final_Punctuation", "Pf"},
        {"Format", "Cf"},
        {"Initial_Punctuation", "Pi"},
        {"Letter", "L"},
        {"Letter_Number", "Nl"},
        {"Line_Separator", "Zl"},
        {"Lowercase_Letter", "Ll"},
        {"Mark", "M"},
        {"Combining_Mark", "M"},
        {"Math_Symbol", "Sm"},
        {"Modifier_Letter", "Lm"},
        {"Modifier_Symbol", "Sk"},
        {"Nonspacing_Mark", "Mn"},
        {"Number", "N"},
        {"Open_Punctuation", "Ps"},
        {"Other", "C"},
        {"Other_Letter", "Lo"},
        {"Other_Number", "No"},
        {"Other_Punctuation", "Po"},
        {"Other_Symbol", "So"},
        {"Paragraph_Separator", "Zp"},
        {"Private_Use", "Co"},
        {"Punctuation", "P"},
        {"punct", "P"},
        {"Separator", "Z"},
        {"Space_Separator", "Zs"},
        {"Spacing_Mark", "Mc"},
        {"Surrogate", "Cs"},
        {"Symbol", "S"},
        {"Titlecase_Letter", "Lt"},
        {"Unassigned", "Cn"},
        {"Uppercase_Letter", "Lu"},
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (span_is(name, names[i][0]))
            return names[i][1];
    return NULL;
}

/* Behind \p or \P: {Letter}, {General_Category=Lu}, {Script=Greek}, {Alphabetic}. */
static bool escape_property(struct translator *t, char letter)
{
    static const char *const prefixes[][2] = {
        {"General_Category=", ""},      {"gc=", ""},      {"Script=", "sc:"}, {"sc=", "sc:"},
        {"Script_Extensions=", "scx:"}, {"scx=", "scx:"},
    };
    const char *close = memchr(t->at, '}', (size_t)(t->end - t->at)), *prefix = "", *category;
    struct span name;

    if (!close || *t->at != '{')
        return refuse(t, "\\%c is not followed by {a property}", letter);
    t->at++;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        if (next_is(t, prefixes[i][0])) {
            t->at += strlen(prefixes[i][0]);
            prefix = prefixes[i][1];
            break;
        }
    }
    name = (struct span){t->at, (size_t)(close - t->at)};
    category = short_category(name);
    buf_printf(t->out, "\\%c{%s", letter, prefix);
    buf_append_span(t->out, category && !*prefix ? span_of(category) : name);
    buf_append_char(t->out, '}');
    t->at = close + 1;
    return true;
}

/* \1 to \99 and \k<name>: never the octal code that PCRE2 makes of \12 where there is no group 12.
 */
static bool escape_reference(struct translator *t, char letter)
{
    const char *close = memchr(t->at, '>', (size_t)(t->end - t->at));

    if (letter == 'k') {
        if (!close || *t->at != '<')
            return refuse(t, "\\k is not followed by <a name>");
        buf_append_text(t->out, "\\k");
        buf_append(t->out, t->at, (size_t)(close + 1 - t->at));
        t->at = close + 1;
        return true;
    }
    buf_printf(t->out, "\\g{%c", letter);
    while (t->at < t->end && is_digit(*t->at))
        buf_append_char(t->out, *t->at++);
    buf_append_char(t->out, '}');
    return true;
}

/* The escapes that mean the same inside and outside of a class. t->at stands behind the letter. */
static bool escape_common(struct translator *t, char letter)
{
    if (is_one_of(letter, "dDwWtnrf")) {
        buf_printf(t->out, "\\%c", letter);
        return true;
    }
    if (letter == 'v') {
        buf_append_text(t->out, "\\x{B}"); /* to PCRE2, \v is a set */
        return true;
    }
    if (letter == '0' && (t->at == t->end || !is_digit(*t->at))) {
        buf_append_text(t->out, "\\x{0}");
        return true;
    }
    if (letter == 'c' && t->at < t->end && is_letter(*t->at)) {
        buf_printf(t->out, "\\x{%X}", (unsigned)*t->at++ & 31U);
        return true;
    }
    if (letter == 'x' || letter == 'u')
        return escape_code(t, letter);
    if (letter == 'p' || letter == 'P')
        return escape_property(t, letter);
    if (letter > ' ' && letter < 0x7F && !is_letter(letter) && !is_digit(letter)) {
        buf_printf(t->out, "\\%c", letter);
        return true;
    }
    return refuse(t, "the escape \\%c is not of ECMA-262", letter > ' ' ? letter : '?');
}

static bool take_letter(struct translator *t, char *letter)
{
    if (t->end - t->at < 2)
        return refuse(t, "nothing follows the last \\");
    *letter = t->at[1];
    t->at += 2;
    return true;
}

static bool escape_outside(struct translator *t)
{
    char letter = '\0';

    if (!take_letter(t, &letter))
        return false;
    if (letter == 's' || letter == 'S') {
        buf_append_text(t->out, letter == 's' ? "[" SPACES "]" : "[" NOT_SPACES "]");
        return true;
    }
    if (letter == 'b' || letter == 'B') {
        buf_printf(t->out, "\\%c", letter);
        return true;
    }
    if (letter == 'k' || (letter >= '1' && letter <= '9'))
        return escape_reference(t, letter);
    return escape_common(t, letter);
}

static bool escape_inside(struct translator *t)
{
    char letter = '\0';

    if (!take_letter(t, &letter))
        return false;
    if (letter == 's' || letter == 'S')
        buf_append_text(t->out, letter == 's' ? SPACES : NOT_SPACES);
    else if (letter == 'b')
        buf_append_text(t->out, "\\x{8}");
    else
        return escape_common(t, letter);
    return true;
}

/* Where a class stands: in front of an atom, behind one that may begin a range, behind its '-'. */
enum class_state { CLASS_FRESH, CLASS_ATOM, CLASS_RANGE };

/* A set such as \w: no end of a range, because \s becomes several here and ECMA-262 forbids it. */
static bool class_set(struct translator *t, enum class_state *state)
{
    bool range = *state == CLASS_RANGE;

    if (!escape_inside(t))
        return false;
    if (range || (t->end - t->at >= 2 && t->at[0] == '-' && t->at[1] != ']'))
        return refuse(t, "a set such as \\w is no end of a range; a hyphen is written \\-");
    *state = CLASS_FRESH;
    return true;
}

static bool class_atom(struct translator *t, enum class_state *state)
{
    bool last = t->end - t->at >= 2 && t->at[1] == ']';

    if (*t->at == '\\' && t->end - t->at >= 2 && is_one_of(t->at[1], "dDwWsSpP"))
        return class_set(t, state);
    if (*t->at == '-' && *state == CLASS_ATOM && !last) {
        *state = CLASS_RANGE;
        buf_append_char(t->out, *t->at++);
        return true;
    }
    *state = *state == CLASS_RANGE ? CLASS_FRESH : CLASS_ATOM;
    if (*t->at == '\\')
        return escape_inside(t);
    if (*t->at == '[' || *t->at == '-') /* to PCRE2, [: may begin the name of a set */
        buf_append_char(t->out, '\\');
    do { /* all bytes of one code point */
        buf_append_char(t->out, *t->at++);
    } while (t->at < t->end && ((unsigned char)*t->at & 0xC0) == 0x80);
    return true;
}

static bool take_class(struct translator *t)
{
    enum class_state state = CLASS_FRESH;

    buf_append_char(t->out, *t->at++);
    if (t->at < t->end && *t->at == '^')
        buf_append_char(t->out, *t->at++);
    while (t->at < t->end && *t->at != ']')
        if (!class_atom(t, &state))
            return false;
    if (t->at == t->end)
        return refuse(t, "a [ is not closed");
    buf_append_char(t->out, *t->at++);
    return true;
}

/* Bytes of {n}, {n,} or {n,m} at t->at; 0 where a brace is only a brace. */
static size_t braces_size(const struct translator *t)
{
    const char *at = t->at + 1;
    const char *digits = at;

    if (t->at == t->end || *t->at != '{')
        return 0;
    while (at < t->end && is_digit(*at))
        at++;
    if (at == digits)
        return 0;
    if (at < t->end && *at == ',')
        at++;
    while (at < t->end && is_digit(*at))
        at++;
    return at < t->end && *at == '}' ? (size_t)(at + 1 - t->at) : 0;
}

static size_t quantifier_size(const struct translator *t)
{
    if (t->at < t->end && is_one_of(*t->at, "*+?"))
        return 1;
    return braces_size(t);
}

static bool take_quantifier(struct translator *t)
{
    size_t size = quantifier_size(t);

    buf_append(t->out, t->at, size);
    t->at += size;
    if (t->at < t->end && *t->at == '?')
        buf_append_char(t->out, *t->at++);
    if (quantifier_size(t))
        return refuse(t, "a quantifier follows a quantifier");
    return true;
}

static bool take_group(struct translator *t)
{
    static const char *const openings[] = {"(?:", "(?=", "(?!", "(?<=", "(?<!"};

    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
        if (next_is(t, openings[i])) {
            buf_append_text(t->out, openings[i]);
            t->at += strlen(openings[i]);
            return true;
        }
    }
    if (next_is(t, "(*") || (next_is(t, "(?") && !next_is(t, "(?<")))
        return refuse(t, "a group that begins with (%c is not of ECMA-262", t->at[1]);
    buf_append_char(t->out, *t->at++);
    return true;
}

static bool take_one(struct translator *t)
{
    switch (*t->at) {
    case '\\':
        return escape_outside(t);
    case '[':
        return take_class(t);
    case '(':
        return take_group(t);
    case '.': /* LineTerminator, of which PCRE2's newline options know other sets */
        buf_append_text(t->out, "[^\\n\\r\\x{2028}\\x{2029}]");
        t->at++;
        return true;
    default:
        break;
    }
    if (quantifier_size(t))
        return take_quantifier(t);
    if (*t->at == '{') /* later versions of PCRE2 take {,3} for a quantifier */
        buf_append_char(t->out, '\\');
    buf_append_char(t->out, *t->at++);
    return true;
}

bool ecma_translate(struct span pattern, struct buf *out, char fault[ECMA_FAULT_SIZE])
{
    struct translator t = {pattern.data, pattern.data + pattern.size, out, fault};

    while (t.at < t.end)
        if (!take_one(&t))
            return false;
    return true;
}
