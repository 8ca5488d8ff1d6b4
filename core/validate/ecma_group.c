#include "core/validate/ecma_group.h"

#include "core/base/mem.h"
#include "core/validate/ecma.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    NESTING_MAX = 200,   /* groups within one another */
    OUT_MAX = 64 * 1024, /* bytes: what is repeated is written down several times */
    NO_GROUP = INT_MAX,
    FOREVER = INT_MAX, /* of a quantifier without an upper limit */
};

bool ecma_refuse(struct translator *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(t->fault, ECMA_FAULT_SIZE, format, args);
    va_end(args);
    return false;
}

/* Takes a number at *at; a large one is cut. False if there is none. */
static bool take_number(const struct translator *t, const char **at, unsigned *number)
{
    const char *digits = *at;

    for (*number = 0; *at < t->end && str_is_digit(**at); ++*at)
        *number = *number < USHRT_MAX ? *number * 10 + (unsigned)(**at - '0') : *number;
    return *at > digits;
}

/* Reads {n}, {n,} or {n,m} at t->at; a literal brace has size 0. */
static struct quantifier braces_at(const struct translator *t)
{
    struct quantifier quantifier = {0};
    const char *at = t->at + 1;

    if (!take_number(t, &at, &quantifier.least))
        return quantifier;
    quantifier.most = quantifier.least;
    if (at < t->end && *at == ',') {
        at++;
        if (!take_number(t, &at, &quantifier.most))
            quantifier.most = FOREVER;
    }
    if (at < t->end && *at == '}')
        quantifier.size = (size_t)(at + 1 - t->at);
    return quantifier;
}

struct quantifier ecma_quantifier_at(const struct translator *t)
{
    if (t->at == t->end)
        return (struct quantifier){0};
    switch (*t->at) {
    case '*':
        return (struct quantifier){0, FOREVER, false, 1};
    case '+':
        return (struct quantifier){1, FOREVER, false, 1};
    case '?':
        return (struct quantifier){0, 1, false, 1};
    case '{':
        return braces_at(t);
    default:
        return (struct quantifier){0};
    }
}

/* Skips the quantifier at t->at, with its '?'. */
static struct quantifier pass_quantifier(struct translator *t)
{
    struct quantifier quantifier = ecma_quantifier_at(t);

    t->at += quantifier.size;
    if (quantifier.size && t->at < t->end && *t->at == '?') {
        quantifier.is_lazy = true;
        quantifier.size++;
        t->at++;
    }
    return quantifier;
}

bool ecma_take_quantifier(struct translator *t)
{
    const char *from = t->at;
    struct quantifier quantifier = pass_quantifier(t);

    buf_append(t->out, from, quantifier.size);
    if (ecma_quantifier_at(t).size)
        return ecma_refuse(t, "a quantifier follows a quantifier");
    return true;
}

/* Takes a \1 or \k<name> at t->at and returns its group, or NO_GROUP; letter follows the '\'. */
static int take_reference(struct translator *t, char letter)
{
    const char *close = memchr(t->at, '>', (size_t)(t->end - t->at));
    struct span name = {0};
    unsigned number = (unsigned)(letter - '0');

    if (letter == 'k' && close && *t->at == '<') {
        name = (struct span){t->at + 1, (size_t)(close - t->at) - 1};
        t->at = close + 1;
    }
    while (letter != 'k' && t->at < t->end && str_is_digit(*t->at) && number < USHRT_MAX)
        number = number * 10 + (unsigned)(*t->at++ - '0');
    for (int i = 0; i < t->count; i++) {
        if (letter == 'k' && name.size && span_equal(t->groups[i].name, name))
            return i;
        if (letter != 'k' && t->groups[i].captures && --number == 0)
            return i;
    }
    return NO_GROUP;
}

/* True if a place and a group are in one lookbehind, which ECMA-262 matches backwards. */
static bool is_read_backwards(const struct translator *t, const char *place, int group)
{
    for (int i = t->groups[group].parent; i != NO_GROUP; i = t->groups[i].parent)
        if (t->groups[i].looks_behind && t->groups[i].open < place && place < t->groups[i].close)
            return true;
    return false;
}

/* Never the octal code that PCRE2 makes of \12 if there is no group 12. A group that is not closed
 * yet is unset, because each round starts without it, and a reference to it matches the empty text.
 * The JIT compiler of PCRE2 treats only the first of several repeated references to an unset group
 * so, unless they are in a group. */
bool ecma_take_reference(struct translator *t, char letter)
{
    const char *place = t->at;
    int group = take_reference(t, letter);

    if (group == NO_GROUP && t->at == place && letter == 'k')
        return ecma_refuse(t, "\\k is not followed by <a name>");
    if (group == NO_GROUP)
        return ecma_refuse(t, "\\%.*s does not refer to a group", (int)(t->at - place) + 1,
                           place - 1);
    if (is_read_backwards(t, place, group))
        return ecma_refuse(t, "a lookbehind of variable length is not supported");
    if (place < t->groups[group].close || !t->groups[group].number)
        buf_append_text(t->out, "(?:)");
    else
        buf_printf(t->out, "(?:\\g{%u})", t->groups[group].number);
    return true;
}

/* Skips a character, an escape or a class. */
static void skip_one(struct translator *t)
{
    bool is_class = *t->at == '[';

    do {
        if (*t->at == '\\' && t->end - t->at >= 2)
            t->at++;
        t->at++;
    } while (is_class && t->at < t->end && *t->at != ']');
    if (is_class && t->at < t->end)
        t->at++;
}

static bool is_name_byte(char byte, bool first)
{
    return str_is_letter(byte) || (unsigned char)byte >= 0x80 || str_has("_$", byte) ||
           (str_is_digit(byte) && !first);
}

/* Takes the name after "(?<". */
static bool take_name(struct translator *t, struct group *group)
{
    const char *from = t->at;

    while (t->at < t->end && is_name_byte(*t->at, t->at == from))
        t->at++;
    group->name = (struct span){from, (size_t)(t->at - from)};
    if (!group->name.size || t->at == t->end || *t->at != '>')
        return ecma_refuse(t, "(?< is not followed by a name and >");
    t->at++;
    for (int i = 0; i < t->count; i++)
        if (span_equal(t->groups[i].name, group->name))
            return ecma_refuse(t, "two groups are named %.*s", (int)group->name.size, from);
    return true;
}

/* Takes the opening of a group, up to its content. */
static bool take_opening(struct translator *t, struct group *group)
{
    static const struct {
        const char *text;
        bool looks, looks_behind;
    } openings[] = {{"(?:", false, false},
                    {"(?=", true, false},
                    {"(?!", true, false},
                    {"(?<=", true, true},
                    {"(?<!", true, true}};

    group->open = t->at;
    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
        if (next_is(t, openings[i].text)) {
            group->looks = openings[i].looks;
            group->looks_behind = openings[i].looks_behind;
            t->at += strlen(openings[i].text);
            return true;
        }
    }
    if (next_is(t, "(*") || (next_is(t, "(?") && !next_is(t, "(?<")))
        return ecma_refuse(t, "a group that starts with (%c is not part of ECMA-262", t->at[1]);
    group->captures = true;
    t->at += next_is(t, "(?<") ? 3 : 1;
    return group->open + 1 == t->at || take_name(t, group);
}

static bool add_group(struct translator *t, int parent, unsigned depth)
{
    struct group group = {.parent = parent, .close = t->end};

    if (depth > NESTING_MAX)
        return ecma_refuse(t, "more than %d groups are nested", NESTING_MAX);
    if (!take_opening(t, &group))
        return false;
    if (t->count == t->capacity) {
        t->capacity = t->capacity ? t->capacity * 2 : 16;
        t->groups = mem_resize(t->groups, (size_t)t->capacity, sizeof *t->groups);
    }
    t->groups[t->count++] = group;
    return true;
}

/* Unbalanced brackets are left for PCRE2 to find. */
static bool find_groups(struct translator *t)
{
    int open = NO_GROUP;
    unsigned depth = 0;

    while (t->at < t->end) {
        if (*t->at == '(') {
            if (!add_group(t, open, ++depth))
                return false;
            open = t->count - 1;
        } else if (*t->at == ')' && open != NO_GROUP) {
            struct group *group = &t->groups[open];

            t->at++;
            depth--;
            group->close = t->at;
            group->quantifier = pass_quantifier(t);
            open = group->parent;
        } else {
            skip_one(t);
        }
    }
    return true;
}

static void note_reference(struct translator *t, const char *place, int group)
{
    t->groups[group].is_referenced = true;
    for (; group != NO_GROUP; group = t->groups[group].parent) {
        struct group *at = &t->groups[group];
        const struct quantifier *quantifier = &at->quantifier;

        at->leaks |= at->looks && !(at->open < place && place < at->close);
        at->is_reset = quantifier->size && !at->looks && quantifier->most &&
                       quantifier->least <= quantifier->most &&
                       (quantifier->least != 1 || quantifier->most != 1);
    }
}

/* Finds the groups that forget their captures in each round. */
static void find_resets(struct translator *t)
{
    while (t->at < t->end) {
        const char *place = t->at;
        int group = NO_GROUP;

        if (*t->at == '\\' && t->end - t->at >= 2 &&
            (t->at[1] == 'k' || (t->at[1] >= '1' && t->at[1] <= '9'))) {
            t->at += 2;
            group = take_reference(t, t->at[-1]);
        } else {
            skip_one(t);
        }
        if (group != NO_GROUP)
            note_reference(t, place, group);
    }
}

static struct group *group_at(const struct translator *t, const char *open)
{
    int low = 0, high = t->count - 1;

    while (low < high) {
        int middle = (low + high) / 2;

        if (t->groups[middle].open < open)
            low = middle + 1;
        else
            high = middle;
    }
    return &t->groups[low];
}

static void write_opening(struct translator *t, struct group *group)
{
    if (group->captures) {
        group->number = ++t->numbers;
        buf_append_char(t->out, '(');
        t->at += group->name.size ? group->name.size + 4 : 1;
        return;
    }
    do {
        buf_append_char(t->out, *t->at++);
    } while (!str_has(":=!", t->at[-1]));
}

/* Writes the group without its quantifier. */
static bool write_group(struct translator *t, struct group *group)
{
    t->at = group->open;
    write_opening(t, group);
    while (t->at < group->close)
        if (!t->take_one(t))
            return false;
    return t->out->size <= OUT_MAX ||
           ecma_refuse(t, "repeated groups with references make it too long");
}

/* Captures the rest of the text before a round, which must differ from the rest after it: by
 * ECMA-262, a round that takes nothing does not count once there were enough. */
static unsigned write_guard(struct translator *t)
{
    buf_append_text(t->out, "(?=(" ECMA_ANYTHING "*))");
    return ++t->numbers;
}

static void write_guard_end(struct translator *t, unsigned guard)
{
    buf_printf(t->out, "(?!\\g{%u}\\z)", guard);
}

/* Writes at most count rounds as calls of the subroutine, and one in full, which keeps its
 * captures. */
static bool write_rounds(struct translator *t, struct group *group, unsigned subroutine,
                         unsigned count)
{
    const char *lazy = group->quantifier.is_lazy ? "?" : "";
    unsigned guard;

    buf_append_text(t->out, "(?:");
    guard = write_guard(t);
    buf_printf(t->out, "(?%u)", subroutine);
    write_guard_end(t, guard);
    if (group->quantifier.most == FOREVER)
        buf_printf(t->out, ")*%s", lazy);
    else
        buf_printf(t->out, "){0,%u}%s", count, lazy);
    guard = write_guard(t);
    if (!write_group(t, group))
        return false;
    write_guard_end(t, guard);
    return true;
}

/* Writes the minimum of rounds. */
static bool write_least(struct translator *t, struct group *group, unsigned subroutine)
{
    buf_append_text(t->out, "()()"); /* in place of the guards of write_rounds */
    t->numbers += 2;
    if (group->quantifier.least > 1)
        buf_printf(t->out, "(?%u){%u}", subroutine, group->quantifier.least - 1);
    return write_group(t, group);
}

static bool write_more(struct translator *t, struct group *group, unsigned subroutine)
{
    const struct quantifier *quantifier = &group->quantifier;

    if (quantifier->least)
        buf_printf(t->out, "(?%u){%u}", subroutine, quantifier->least);
    return write_rounds(t, group, subroutine, quantifier->most - quantifier->least - 1);
}

/* PCRE2 keeps what a group captured in an earlier round, ECMA-262 does not (section 22.2.2.3.1).
 * So all rounds but the last are calls of a subroutine, which forget their captures, and the last
 * is written in full. The same texts match, but in another order: a lookahead, which keeps the
 * first match, is refused. */
static bool write_reset(struct translator *t, struct group *group)
{
    const struct quantifier *quantifier = &group->quantifier;
    unsigned subroutine = ++t->numbers, numbers;
    bool done;

    for (int i = group->parent; i != NO_GROUP; i = t->groups[i].parent)
        if (t->groups[i].looks_behind || t->groups[i].leaks)
            return ecma_refuse(t, "a reference to a repeated group in a %s is not supported",
                               t->groups[i].looks_behind ? "lookbehind" : "lookahead");
    buf_append_text(t->out, "(?:(?(DEFINE)(");
    done = write_group(t, group);
    buf_append_text(t->out, "))(?|");
    numbers = t->numbers;
    for (int i = 0; i < 2 && done; i++) {
        bool more = (i == 0) != quantifier->is_lazy;

        if (more && quantifier->most == quantifier->least)
            continue;
        if (i && quantifier->most > quantifier->least)
            buf_append_char(t->out, '|');
        t->numbers = more || quantifier->least ? numbers : t->numbers;
        if (more)
            done = write_more(t, group, subroutine);
        else if (quantifier->least)
            done = write_least(t, group, subroutine);
    }
    buf_append_text(t->out, "))");
    t->at = group->close + quantifier->size;
    return done;
}

/* Leaves out a group with {0}, after checking it; nothing in it is ever set. */
static bool drop_group(struct translator *t, struct group *group)
{
    size_t size = t->out->size;
    unsigned numbers = t->numbers;

    if (!write_group(t, group))
        return false;
    t->out->size = size;
    t->numbers = numbers;
    for (struct group *at = group; at < t->groups + t->count && at->open < group->close; at++)
        at->number = 0;
    t->at += group->quantifier.size;
    buf_append_text(t->out, "(?:)");
    return true;
}

bool ecma_take_group(struct translator *t)
{
    struct group *group = group_at(t, t->at);
    bool never = group->quantifier.size && !group->quantifier.most && !group->looks;

    if (!never && !group->is_reset) {
        write_opening(t, group);
        return true;
    }
    if (!(never ? drop_group(t, group) : write_reset(t, group)))
        return false;
    return !ecma_quantifier_at(t).size || ecma_refuse(t, "a quantifier follows a quantifier");
}

bool ecma_find_groups(struct translator *t)
{
    const char *start = t->at;

    if (!find_groups(t))
        return false;
    t->at = start;
    find_resets(t);
    return true;
}
