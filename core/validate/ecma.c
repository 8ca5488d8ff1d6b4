#include "core/validate/ecma.h"

#include "core/validate/ecma_group.h"

#include <stdlib.h>

/* WhiteSpace and LineTerminator (ECMA-262 sections 12.2, 12.3), and all other characters. */
#define SPACES                                                                                     \
    "\\t-\\r\\x{20}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}"        \
    "\\x{3000}\\x{FEFF}"
#define NOT_SPACES                                                                                 \
    "\\x{0}-\\x{8}\\x{E}-\\x{1F}\\x{21}-\\x{9F}\\x{A1}-\\x{167F}\\x{1681}-\\x{1FFF}"               \
    "\\x{200B}-\\x{2027}\\x{202A}-\\x{202E}\\x{2030}-\\x{205E}\\x{2060}-\\x{2FFF}"                 \
    "\\x{3001}-\\x{FEFE}\\x{FF00}-\\x{10FFFF}"

#define NOT_DIGITS "\\x{0}-\\x{2F}\\x{3A}-\\x{10FFFF}"
#define NOT_WORDS  "\\x{0}-\\x{2F}\\x{3A}-\\x{40}\\x{5B}-\\x{5E}\\x{60}\\x{7B}-\\x{10FFFF}"
#define NOTHING    "(?:(?!))"

/* Takes count hexadecimal digits; -1 if they are missing. */
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

/* Takes what follows `\u`: four digits, a surrogate pair of two such escapes, or {1 to 6 digits}.
 */
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
        return ecma_refuse(t, "\\%c is not followed by a code point", letter);
    buf_printf(t->out, "\\x{%lX}", (unsigned long)code);
    return true;
}

/* Names of general categories in ECMA-262 (table 68), of which PCRE2 knows only the short ones. */
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

/* Takes what follows \p or \P: {Letter}, {General_Category=Lu}, {Script=Greek}, {Alphabetic}. */
static bool escape_property(struct translator *t, char letter)
{
    static const char *const prefixes[][2] = {
        {"General_Category=", ""},      {"gc=", ""},      {"Script=", "sc:"}, {"sc=", "sc:"},
        {"Script_Extensions=", "scx:"}, {"scx=", "scx:"},
    };
    const char *close = memchr(t->at, '}', (size_t)(t->end - t->at)), *prefix = "", *category;
    struct span name;

    if (!close || *t->at != '{')
        return ecma_refuse(t, "\\%c is not followed by {a property}", letter);
    t->at++;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        if (next_is(t, prefixes[i][0])) {
            t->at += strlen(prefixes[i][0]);
            prefix = prefixes[i][1];
            break;
        }
    }
    name = (struct span){t->at, (size_t)(close - t->at)};
    for (size_t i = 0; i < name.size; i++)
        if (!str_is_letter(name.data[i]) && !str_is_digit(name.data[i]) && name.data[i] != '_' &&
            name.data[i] != '=')
            return ecma_refuse(t, "\\%c is not followed by {a property}", letter);
    category = short_category(name);
    buf_printf(t->out, "\\%c{%s", letter, prefix);
    buf_append_span(t->out, category && !*prefix ? span_of(category) : name);
    buf_append_char(t->out, '}');
    t->at = close + 1;
    return true;
}

/* Returns the content of a class for a set that PCRE2 defines differently, or NULL. Its \W and \D
 * are incomplete if a property such as \p{Ll} is in the same class. */
static const char *set_of(char letter, bool in_class)
{
    static const struct {
        char letter;
        bool always;
        const char *inside;
    } sets[] = {{'s', true, SPACES},
                {'S', true, NOT_SPACES},
                {'D', false, NOT_DIGITS},
                {'W', false, NOT_WORDS}};

    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (sets[i].letter == letter && (sets[i].always || in_class))
            return sets[i].inside;
    return NULL;
}

/* Takes the escapes that mean the same inside and outside of a class. t->at is after the letter. */
static bool escape_common(struct translator *t, char letter)
{
    if (str_has("dDwWtnrf", letter)) {
        buf_printf(t->out, "\\%c", letter);
        return true;
    }
    if (letter == 'v') {
        buf_append_text(t->out, "\\x{B}"); /* \v is a set in PCRE2 */
        return true;
    }
    if (letter == '0' && (t->at == t->end || !str_is_digit(*t->at))) {
        buf_append_text(t->out, "\\x{0}");
        return true;
    }
    if (letter == 'c' && t->at < t->end && str_is_letter(*t->at)) {
        buf_printf(t->out, "\\x{%X}", (unsigned)*t->at++ & 31U);
        return true;
    }
    if (letter == 'x' || letter == 'u')
        return escape_code(t, letter);
    if (letter == 'p' || letter == 'P')
        return escape_property(t, letter);
    if (letter > ' ' && letter < 0x7F && !str_is_letter(letter) && !str_is_digit(letter)) {
        buf_printf(t->out, "\\%c", letter);
        return true;
    }
    return ecma_refuse(t, "\\%c is not an escape of ECMA-262", letter > ' ' ? letter : '?');
}

static bool take_letter(struct translator *t, char *letter)
{
    if (t->end - t->at < 2)
        return ecma_refuse(t, "nothing follows the last \\");
    *letter = t->at[1];
    t->at += 2;
    return true;
}

static bool escape_outside(struct translator *t)
{
    char letter = '\0';

    if (!take_letter(t, &letter))
        return false;
    if (set_of(letter, false)) {
        buf_printf(t->out, "[%s]", set_of(letter, false));
        return true;
    }
    if (letter == 'b' || letter == 'B') {
        buf_printf(t->out, "\\%c", letter);
        return true;
    }
    if (letter == 'k' || (letter >= '1' && letter <= '9'))
        return ecma_take_reference(t, letter);
    return escape_common(t, letter);
}

static bool escape_inside(struct translator *t)
{
    char letter = '\0';

    if (!take_letter(t, &letter))
        return false;
    if (set_of(letter, true))
        buf_append_text(t->out, set_of(letter, true));
    else if (letter == 'b')
        buf_append_text(t->out, "\\x{8}");
    else
        return escape_common(t, letter);
    return true;
}

/* Within a class: before an atom, after one that can begin a range, after the '-' of a range. */
enum class_state { CLASS_FRESH, CLASS_ATOM, CLASS_RANGE };

/* Takes a set such as \w, which cannot end a range: ECMA-262 forbids it, and \s is several here. */
static bool class_set(struct translator *t, enum class_state *state)
{
    bool range = *state == CLASS_RANGE;

    if (!escape_inside(t))
        return false;
    if (range || (t->end - t->at >= 2 && t->at[0] == '-' && t->at[1] != ']'))
        return ecma_refuse(t, "a set such as \\w cannot end a range: write \\- for a hyphen");
    *state = CLASS_FRESH;
    return true;
}

static bool class_atom(struct translator *t, enum class_state *state)
{
    bool last = t->end - t->at >= 2 && t->at[1] == ']';

    if (*t->at == '\\' && t->end - t->at >= 2 && str_has("dDwWsSpP", t->at[1]))
        return class_set(t, state);
    if (*t->at == '-' && *state == CLASS_ATOM && !last) {
        *state = CLASS_RANGE;
        buf_append_char(t->out, *t->at++);
        return true;
    }
    *state = *state == CLASS_RANGE ? CLASS_FRESH : CLASS_ATOM;
    if (*t->at == '\\')
        return escape_inside(t);
    if (str_has("[-.:=", *t->at)) /* [: [. and [= can begin a name in PCRE2 */
        buf_append_char(t->out, '\\');
    do { /* all bytes of one code point */
        buf_append_char(t->out, *t->at++);
    } while (t->at < t->end && ((unsigned char)*t->at & 0xC0) == 0x80);
    return true;
}

static bool take_class(struct translator *t)
{
    enum class_state state = CLASS_FRESH;

    if (next_is(t, "[]") || next_is(t, "[^]")) { /* [] cannot be optional in PCRE2 */
        buf_append_text(t->out, next_is(t, "[]") ? NOTHING : ECMA_ANYTHING);
        t->at += next_is(t, "[]") ? 2 : 3;
        return true;
    }
    buf_append_char(t->out, *t->at++);
    if (t->at < t->end && *t->at == '^')
        buf_append_char(t->out, *t->at++);
    while (t->at < t->end && *t->at != ']')
        if (!class_atom(t, &state))
            return false;
    if (t->at == t->end)
        return ecma_refuse(t, "a [ is not closed");
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
        return ecma_take_group(t);
    case '.': /* LineTerminator is another set than any newline option of PCRE2 */
        buf_append_text(t->out, "[^\\n\\r\\x{2028}\\x{2029}]");
        t->at++;
        return true;
    default:
        break;
    }
    if (ecma_quantifier_at(t).size)
        return ecma_take_quantifier(t);
    if (*t->at == '{') /* {,3} is a quantifier in later versions of PCRE2 */
        buf_append_char(t->out, '\\');
    buf_append_char(t->out, *t->at++);
    return true;
}

bool ecma_translate(struct span pattern, struct buf *out, char fault[ECMA_FAULT_SIZE])
{
    const char *start = pattern.size ? pattern.data : "";
    struct translator t = {
        .at = start, .end = start + pattern.size, .out = out, .fault = fault, .take_one = take_one};
    bool done = ecma_find_groups(&t);

    t.at = start;
    while (done && t.at < t.end)
        done = take_one(&t);
    free(t.groups);
    return done;
}
