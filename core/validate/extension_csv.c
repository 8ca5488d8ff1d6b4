/* The members and their values:
 *
 *     "csv": {
 *       "delimiter": ";",               default: from the header row
 *       "encoding": "windows-1252",     ROW_ENCODING_LIST
 *       "quote": null,                  text without quoting
 *       "skipLines": 1,                 before the header row
 *       "comment": "#",                 begins lines that are ignored
 *       "footer": "^Total",             matches the lines that end a file
 *       "absent": ["NULL"],             cells of absent values
 *       "quotedEmpty": "absent",        so does ""
 *       "shortRows": "absent",          cells may be missing at the end of a row
 *       "longRows": "empty",            there may be more of them, if they are empty
 *       "maxFieldBytes": 1048576,       of one quoted cell; beyond either limit,
 *       "maxFieldLines": 100            its closing quote is missing
 *     },
 *     "columns": {
 *       "Item No.": "sku",              heading -> property, record_id, version or tags
 *       "Comment": null                 ignored
 *     },
 *     "formats": {                      by property; other cells are violations
 *       "price": {"decimal": ",", "thousands": ".", "sign": "trailing", "padding": "0",
 *                 "unit": "EUR"},
 *       "countedOn": {"date": "DD.MM.YYYY", "absent": ["00.00.0000"]},
 *       "changedAt": {"datetime": "DD.MM.YYYY hh:mm:ss", "zone": "Europe/Berlin",
 *                     "fold": "earlier"},
 *       "blocked": {"boolean": {"true": ["ja", "J"], "false": ["nein", "N"]}}
 *     }
 */
#include "core/validate/extension_csv.h"

#include "core/base/mem.h"
#include "core/base/zone.h"
#include "core/row/cell_form.h"

#include <stdio.h>

enum { BELOW_SIZE = 256 /* bytes of the pointer below x-rowferry */ };

static struct row_dialect *dialect_of(const struct compiler *c)
{
    return &c->schema->shape.dialect;
}

/* Writes the pointer of a member below another. */
static const char *below_of(struct compiler *c, char out[BELOW_SIZE], const char *above,
                            uint32_t member)
{
    char name[BELOW_SIZE / 2 - 1];

    str_printable(compiler_string(c, member), name, sizeof name);
    snprintf(out, BELOW_SIZE, "%.*s/%s", BELOW_SIZE / 2 - 1, above, name);
    return out;
}

/* --- csv --- */

static bool csv_delimiter(struct compiler *c, uint32_t value, const char *below)
{
    struct span text = compiler_string(c, value);

    if (text.size != 1 || !dialect_is_delimiter(text.data[0]))
        return compiler_refuse(c, below,
                               "must be one byte, and not a letter, a digit, a quote or a line "
                               "end, like \",\", \";\", \"|\" or \"\\t\"");
    dialect_of(c)->delimiter = text.data[0];
    return true;
}

static bool csv_encoding(struct compiler *c, uint32_t value, const char *below)
{
    return encoding_find(compiler_string(c, value), &dialect_of(c)->encoding) ||
           compiler_refuse(c, below, "must be one of " ROW_ENCODING_LIST);
}

static bool csv_quote(struct compiler *c, uint32_t value, const char *below)
{
    dialect_of(c)->unquoted = compiler_is(c, value, JSON_NULL);
    return dialect_of(c)->unquoted || span_is(compiler_string(c, value), "\"") ||
           compiler_refuse(c, below, "must be null, for text without quoting, or \"\\\"\"");
}

/* Reads a setting that is `word`, or its default `otherwise`. */
static bool csv_word(struct compiler *c, uint32_t value, const char *below, const char *word,
                     const char *otherwise, bool *set)
{
    *set = span_is(compiler_string(c, value), word);
    return *set || span_is(compiler_string(c, value), otherwise) ||
           compiler_refuse(c, below, "must be \"%s\", or \"%s\" (the default)", word, otherwise);
}

static bool csv_quoted_empty(struct compiler *c, uint32_t value, const char *below)
{
    return csv_word(c, value, below, "absent", "empty", &dialect_of(c)->quoted_absent);
}

static bool csv_short_rows(struct compiler *c, uint32_t value, const char *below)
{
    return csv_word(c, value, below, "absent", "rejected", &dialect_of(c)->short_rows);
}

static bool csv_long_rows(struct compiler *c, uint32_t value, const char *below)
{
    return csv_word(c, value, below, "empty", "rejected", &dialect_of(c)->long_rows);
}

static bool csv_comment(struct compiler *c, uint32_t value, const char *below)
{
    struct span text = compiler_string(c, value);

    if (!text.size || text.size > DIALECT_COMMENT_MAX || memchr(",;\t|\"\r\n", text.data[0], 7) ||
        memchr(text.data, '\n', text.size))
        return compiler_refuse(c, below,
                               "must be what comment lines begin with, like \"#\" or \"//\": up to "
                               "%d bytes, no delimiter and no quote",
                               DIALECT_COMMENT_MAX);
    dialect_of(c)->comment = compiler_own(c, value);
    return true;
}

static bool is_footer(const void *footer, struct span line)
{
    struct matcher *matcher = matcher_open();
    bool found = pattern_search(footer, matcher, line) == PATTERN_FOUND;

    matcher_close(matcher);
    return found;
}

static bool csv_footer(struct compiler *c, uint32_t value, const char *below)
{
    struct span text = compiler_string(c, value);
    struct pattern *pattern;

    if (!text.size)
        return compiler_refuse(c, below, "must be a regular expression for the last lines");
    pattern = compiler_pattern(c, text, below);
    if (!pattern)
        return false;
    c->schema->footer = pattern;
    if (is_footer(pattern, (struct span){"", 0}))
        return compiler_refuse(c, below,
                               "matches an empty line, and so every line: anchor it, "
                               "like \"^Total\"");
    dialect_of(c)->is_footer = is_footer;
    dialect_of(c)->footer = pattern;
    return true;
}

/* Appends a list of words, which the plan owns, to others. */
static bool add_words(struct compiler *c, uint32_t list, const char *below, struct span *words,
                      size_t *count)
{
    if (!list || !compiler_is(c, list, JSON_ARRAY) || !compiler_token(c, list)->count)
        return compiler_refuse(c, below, "must be a list of words");
    for (uint32_t i = list + 1; i < compiler_end(c, list); i = compiler_token(c, i)->next) {
        if (!compiler_is(c, i, JSON_STRING) || !compiler_token(c, i)->size)
            return compiler_refuse(c, below, "must be a list of words");
        words[*count] = compiler_own(c, i);
        if (dialect_holds((struct row_words){words, *count}, words[*count]))
            return compiler_refuse(c, below, "lists a word twice");
        ++*count;
    }
    return true;
}

static bool read_words(struct compiler *c, uint32_t list, const char *below,
                       struct row_words *words)
{
    struct span *items =
        plan_own(c->plan, mem_calloc(compiler_token(c, list)->count, sizeof *items));

    *words = (struct row_words){.items = items};
    return add_words(c, list, below, items, &words->count);
}

static bool csv_absent(struct compiler *c, uint32_t value, const char *below)
{
    return read_words(c, value, below, &dialect_of(c)->absent);
}

static bool csv_limit(struct compiler *c, uint32_t value, const char *below, int64_t minimum,
                      int64_t maximum, uint32_t *limit)
{
    const struct json_token *token = compiler_token(c, value);
    struct span text = {c->plan->text + token->start, token->size};
    int64_t number;

    if (token->kind != JSON_NUMBER || !str_to_int64(text, minimum, maximum, &number))
        return compiler_refuse(c, below, "must be an integer from %lld to %lld", (long long)minimum,
                               (long long)maximum);
    *limit = (uint32_t)number;
    return true;
}

static bool csv_field_bytes(struct compiler *c, uint32_t value, const char *below)
{
    return csv_limit(c, value, below, 1, DIALECT_CELL_SIZE_MAX, &dialect_of(c)->cell_size_max);
}

static bool csv_field_lines(struct compiler *c, uint32_t value, const char *below)
{
    return csv_limit(c, value, below, 1, DIALECT_CELL_LINES_MAX, &dialect_of(c)->cell_lines_max);
}

static bool csv_skip_lines(struct compiler *c, uint32_t value, const char *below)
{
    return csv_limit(c, value, below, 0, DIALECT_SKIP_MAX, &dialect_of(c)->skip_lines);
}

static const struct {
    const char *name;
    bool (*compile)(struct compiler *c, uint32_t value, const char *below);
} csv_settings[] = {
    {"delimiter", csv_delimiter},
    {"encoding", csv_encoding},
    {"quote", csv_quote},
    {"skipLines", csv_skip_lines},
    {"comment", csv_comment},
    {"footer", csv_footer},
    {"absent", csv_absent},
    {"quotedEmpty", csv_quoted_empty},
    {"shortRows", csv_short_rows},
    {"longRows", csv_long_rows},
    {"maxFieldBytes", csv_field_bytes},
    {"maxFieldLines", csv_field_lines},
};

static bool csv_setting(struct compiler *c, uint32_t member)
{
    char below[BELOW_SIZE];

    below_of(c, below, "/csv", member);
    for (size_t i = 0; i < sizeof csv_settings / sizeof *csv_settings; i++)
        if (span_is(compiler_string(c, member), csv_settings[i].name))
            return csv_settings[i].compile(c, member + 1, below);
    return compiler_refuse(
        c, below,
        "is not a setting: use delimiter, encoding, quote, skipLines, comment, footer, "
        "absent, quotedEmpty, shortRows, longRows, maxFieldBytes and "
        "maxFieldLines");
}

/* Refuses settings that contradict each other. */
static bool csv_together(struct compiler *c, uint32_t value)
{
    const struct row_dialect *dialect = dialect_of(c);

    if (dialect->unquoted && compiler_member(c, value, "quotedEmpty"))
        return compiler_refuse(c, "/csv/quotedEmpty", "needs quotes, and \"quote\" is null");
    if (dialect->unquoted && (dialect->cell_size_max || dialect->cell_lines_max))
        return compiler_refuse(c,
                               dialect->cell_size_max ? "/csv/maxFieldBytes" : "/csv/maxFieldLines",
                               "is for cells in quotes, and \"quote\" is null");
    if (dialect->comment.size && dialect->comment.data[0] == dialect->delimiter)
        return compiler_refuse(c, "/csv/comment", "begins with the delimiter");
    return true;
}

bool extension_csv(struct compiler *c, uint32_t value)
{
    if (!compiler_is(c, value, JSON_OBJECT))
        return compiler_refuse(c, "/csv", "must be an object");
    for (uint32_t i = value + 1; i < compiler_end(c, value); i = compiler_next(c, i))
        if (!csv_setting(c, i))
            return false;
    return csv_together(c, value);
}

/* --- columns --- */

static bool column_compile(struct compiler *c, uint32_t member, struct row_column *column)
{
    const struct json_token *value = compiler_token(c, member + 1);
    char below[BELOW_SIZE];

    below_of(c, below, "/columns", member);
    if (value->kind != JSON_STRING && value->kind != JSON_NULL)
        return compiler_refuse(c, below, "must be the name of a property, or null");
    column->name = compiler_own(c, member);
    if (value->kind == JSON_NULL)
        return true;
    column->target = compiler_own(c, member + 1);
    if (row_is_reserved(column->target) || compiler_property(c, column->target))
        return true;
    return compiler_refuse(c, below,
                           "is neither declared in properties nor record_id, version or tags");
}

bool extension_columns(struct compiler *c, uint32_t value)
{
    struct row_column *columns;
    uint32_t count = compiler_token(c, value)->count, done = 0;

    if (!compiler_is(c, value, JSON_OBJECT))
        return compiler_refuse(c, "/columns", "must be an object");
    columns = plan_own(c->plan, mem_calloc(count + 1, sizeof *columns));
    for (uint32_t i = value + 1; i < compiler_end(c, value); i = compiler_next(c, i))
        if (!column_compile(c, i, &columns[done++]))
            return false;
    dialect_of(c)->columns = columns;
    dialect_of(c)->column_count = done;
    return true;
}

/* --- formats --- */

static bool format_decimal(struct compiler *c, uint32_t value, const char *below,
                           struct cell_form *form)
{
    form->kind = CELL_DECIMAL;
    if (!compiler_is(c, value, JSON_STRING) ||
        !span_is_one_of(compiler_string(c, value), (const char *const[]){",", "."}, 2))
        return compiler_refuse(c, below, "must be \",\" or \".\"");
    form->decimal = compiler_string(c, value).data[0];
    return true;
}

static bool format_thousands(struct compiler *c, uint32_t value, const char *below,
                             struct cell_form *form)
{
    /* the last four: a typographic apostrophe, a no-break space, a narrow one, a thin space */
    static const char *const texts[] = {
        ",", ".", "'", " ", "_", "\xE2\x80\x99", "\xC2\xA0", "\xE2\x80\xAF", "\xE2\x80\x89"};

    form->kind = CELL_DECIMAL;
    if (!compiler_is(c, value, JSON_STRING) ||
        !span_is_one_of(compiler_string(c, value), texts, sizeof texts / sizeof *texts))
        return compiler_refuse(c, below,
                               "must be \",\", \".\", an apostrophe, a space of some kind or "
                               "\"_\"");
    form->thousands = compiler_own(c, value);
    return true;
}

static bool format_sign(struct compiler *c, uint32_t value, const char *below,
                        struct cell_form *form)
{
    static const struct {
        const char *name;
        enum cell_sign sign;
    } signs[] = {{"leading", CELL_SIGN_LEADING},
                 {"trailing", CELL_SIGN_TRAILING},
                 {"parentheses", CELL_SIGN_PARENTHESES}};

    form->kind = CELL_DECIMAL;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (span_is(compiler_string(c, value), signs[i].name)) {
            form->sign = signs[i].sign;
            return true;
        }
    return compiler_refuse(c, below, "must be \"leading\", \"trailing\" or \"parentheses\"");
}

static bool format_padding(struct compiler *c, uint32_t value, const char *below,
                           struct cell_form *form)
{
    struct span text = compiler_string(c, value);

    form->kind = CELL_DECIMAL;
    if (text.size != 1 || (text.data[0] != '0' && text.data[0] != ' '))
        return compiler_refuse(c, below, "must be \"0\" or \" \"");
    form->padding = text.data[0];
    return true;
}

/* A unit may not begin or end like a number, or where either ends would not be clear. */
static bool format_unit(struct compiler *c, uint32_t value, const char *below,
                        struct cell_form *form)
{
    enum { UNIT_MAX = 32 };
    struct span text = compiler_string(c, value);
    char shown[4 * UNIT_MAX + 1];

    form->kind = CELL_DECIMAL;
    if (!text.size || text.size > UNIT_MAX || str_space_first(text) || str_space_last(text) ||
        memchr("0123456789+-(),.", text.data[0], 16) ||
        memchr("+-(),", text.data[text.size - 1], 5) || cell_form_has_sign(text) ||
        strlen(str_printable(text, shown, sizeof shown)) != text.size)
        return compiler_refuse(c, below,
                               "must be a unit like \"EUR\" or \"%%\", which does not begin with a "
                               "digit or space, and has no sign");
    form->unit = compiler_own(c, value);
    return true;
}

static bool format_pattern(struct compiler *c, uint32_t value, const char *below,
                           struct cell_form *form, bool with_time)
{
    enum { PATTERN_MAX = 40 };
    const char *fault;

    form->kind = with_time ? CELL_DATETIME : CELL_DATE;
    if (!compiler_is(c, value, JSON_STRING) || compiler_token(c, value)->size > PATTERN_MAX)
        return compiler_refuse(c, below, "must be a pattern like \"DD.MM.YYYY%s\"",
                               with_time ? " hh:mm:ss" : "");
    form->pattern = compiler_own(c, value);
    fault = cell_form_pattern_fault(form->pattern, with_time);
    if (fault)
        return compiler_refuse(c, below, "%s", fault);
    cell_form_place(form);
    return true;
}

static bool format_date(struct compiler *c, uint32_t value, const char *below,
                        struct cell_form *form)
{
    return format_pattern(c, value, below, form, false);
}

static bool format_datetime(struct compiler *c, uint32_t value, const char *below,
                            struct cell_form *form)
{
    return format_pattern(c, value, below, form, true);
}

static bool format_zone(struct compiler *c, uint32_t value, const char *below,
                        struct cell_form *form)
{
    struct err fault = {0};

    form->kind = CELL_DATETIME;
    form->zone = zone_open(compiler_string(c, value), &fault);
    return form->zone || compiler_refuse(c, below, "%s", fault.text);
}

static bool format_fold(struct compiler *c, uint32_t value, const char *below,
                        struct cell_form *form)
{
    struct span text = compiler_string(c, value);

    form->kind = CELL_DATETIME;
    if (span_is(text, "earlier"))
        form->fold = CELL_FOLD_EARLIER;
    else if (span_is(text, "later"))
        form->fold = CELL_FOLD_LATER;
    return form->fold || compiler_refuse(c, below, "must be \"earlier\" or \"later\"");
}

static bool format_absent(struct compiler *c, uint32_t value, const char *below,
                          struct cell_form *form)
{
    return read_words(c, value, below, &form->absent);
}

static bool format_boolean(struct compiler *c, uint32_t value, const char *below,
                           struct cell_form *form)
{
    char at[BELOW_SIZE + 16];
    struct span *words;

    form->kind = CELL_BOOLEAN;
    if (!compiler_is(c, value, JSON_OBJECT) || compiler_token(c, value)->count != 2)
        return compiler_refuse(c, below, "must be an object with true and false");
    words = plan_own(c->plan, mem_calloc(compiler_token(c, value)->next - value, sizeof *words));
    form->words = words;
    snprintf(at, sizeof at, "%s/true", below);
    if (!add_words(c, compiler_member(c, value, "true"), at, words, &form->word_count))
        return false;
    form->true_count = form->word_count;
    snprintf(at, sizeof at, "%s/false", below);
    return add_words(c, compiler_member(c, value, "false"), at, words, &form->word_count);
}

static const struct {
    const char *name;
    bool (*compile)(struct compiler *c, uint32_t value, const char *below, struct cell_form *form);
    enum cell_form_kind kind;
    unsigned types; /* the property must take one of them */
    const char *type_names;
} format_settings[] = {
    {"decimal", format_decimal, CELL_DECIMAL, ROW_NUMBER | ROW_INTEGER, "a number"},
    {"thousands", format_thousands, CELL_DECIMAL, ROW_NUMBER | ROW_INTEGER, "a number"},
    {"sign", format_sign, CELL_DECIMAL, ROW_NUMBER | ROW_INTEGER, "a number"},
    {"padding", format_padding, CELL_DECIMAL, ROW_NUMBER | ROW_INTEGER, "a number"},
    {"unit", format_unit, CELL_DECIMAL, ROW_NUMBER | ROW_INTEGER, "a number"},
    {"date", format_date, CELL_DATE, ROW_STRING, "a string"},
    {"datetime", format_datetime, CELL_DATETIME, ROW_STRING, "a string"},
    {"zone", format_zone, CELL_DATETIME, ROW_STRING, "a string"},
    {"fold", format_fold, CELL_DATETIME, ROW_STRING, "a string"},
    {"boolean", format_boolean, CELL_BOOLEAN, ROW_BOOLEAN, "a boolean"},
    {"absent", format_absent, CELL_PLAIN, ROW_ANY, "anything"},
};

static bool format_setting(struct compiler *c, uint32_t member, const char *above, unsigned types,
                           struct cell_form *form)
{
    enum cell_form_kind kind = form->kind;
    char below[BELOW_SIZE];

    below_of(c, below, above, member);
    for (size_t i = 0; i < sizeof format_settings / sizeof *format_settings; i++) {
        if (!span_is(compiler_string(c, member), format_settings[i].name))
            continue;
        if (!(types & format_settings[i].types))
            return compiler_refuse(c, below, "is for a property that can be %s",
                                   format_settings[i].type_names);
        if (kind && format_settings[i].kind && kind != format_settings[i].kind)
            return compiler_refuse(c, above, "must be of one kind");
        return format_settings[i].compile(c, member + 1, below, form);
    }
    return compiler_refuse(c, below,
                           "is not a setting: use decimal, thousands, sign, padding, unit, date, "
                           "datetime, zone, fold, boolean and absent");
}

/* Checks what one setting requires of another. */
static bool format_together(struct compiler *c, uint32_t value, const char *below, unsigned types,
                            struct cell_form *form)
{
    char at[BELOW_SIZE + 16];

    if (form->kind == CELL_DATETIME && !form->pattern.size)
        return compiler_refuse(c, below, "needs datetime, with zone and fold");
    if (form->kind == CELL_DATETIME && !form->zone)
        return compiler_refuse(c, below,
                               "needs zone with datetime: the time zone of the local times, like "
                               "\"Europe/Berlin\" or \"UTC\"");
    if (form->kind != CELL_DECIMAL)
        return true;
    if (!compiler_member(c, value, "decimal")) {
        bool integer = !(types & ROW_NUMBER);

        form->decimal = integer && span_is(form->thousands, ".") ? '\0' : '.';
    }
    if (form->thousands.size == 1 && form->thousands.data[0] == form->decimal)
        return compiler_refuse(c, below, "needs thousands that differ from decimal");
    snprintf(at, sizeof at, "%s/unit", below);
    if (form->unit.size == 1 &&
        (form->unit.data[0] == form->decimal || span_equal(form->unit, form->thousands)))
        return compiler_refuse(c, at, "must differ from decimal and thousands");
    return true;
}

static bool format_compile(struct compiler *c, uint32_t member, struct cell_form *form)
{
    const struct row_property *property = compiler_property(c, compiler_string(c, member));
    uint32_t value = member + 1;
    char below[BELOW_SIZE];

    below_of(c, below, "/formats", member);
    if (!property)
        return compiler_refuse(c, below, "is not declared in properties");
    if (!compiler_is(c, value, JSON_OBJECT) || !compiler_token(c, value)->count)
        return compiler_refuse(c, below,
                               "must be an object with decimal, date, datetime, boolean or absent");
    form->property = property->name;
    for (uint32_t i = value + 1; i < compiler_end(c, value); i = compiler_next(c, i))
        if (!format_setting(c, i, below, property->types, form))
            return false;
    return format_together(c, value, below, property->types, form);
}

bool extension_formats(struct compiler *c, uint32_t value)
{
    struct cell_form *forms;
    uint32_t count = compiler_token(c, value)->count, done = 0;

    if (!compiler_is(c, value, JSON_OBJECT))
        return compiler_refuse(c, "/formats", "must be an object");
    forms = plan_own(c->plan, mem_calloc(count + 1, sizeof *forms));
    dialect_of(c)->forms = forms;
    for (uint32_t i = value + 1; i < compiler_end(c, value); i = compiler_next(c, i)) {
        dialect_of(c)->form_count++; /* its zone is closed with the schema */
        if (!format_compile(c, i, &forms[done++]))
            return false;
    }
    return true;
}
