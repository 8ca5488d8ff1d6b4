/* `csv`, `columns` and `formats` of the extension keyword `x-rowferry`: how the CSV files of an
 * object are written.
 *
 *     "csv": {
 *       "delimiter": ";",               , ; | or a tab; told from the header row without it
 *       "encoding": "windows-1252",     UTF-8, UTF-16, windows-1252, ISO-8859-1 or ISO-8859-15
 *       "maxFieldBytes": 1048576,       of one quoted cell: beyond either, its closing quote is
 *       "maxFieldLines": 100            taken for lost
 *     },
 *     "columns": {
 *       "Item No.": "sku",              heading -> property, record_id, version or tags
 *       "Comment": null                 ignored
 *     },
 *     "formats": {                      by property; what does not fit is a violation
 *       "price": {"decimal": ",", "thousands": "."},
 *       "countedOn": {"date": "DD.MM.YYYY"},
 *       "blocked": {"boolean": {"true": ["ja", "J"], "false": ["nein", "N"]}}
 *     }
 */
#include "core/base/mem.h"
#include "core/row/cell_form.h"
#include "core/validate/compiler.h"

#include <stdio.h>

enum { BELOW_SIZE = 256 /* bytes of the pointer below x-rowferry */ };

static struct row_dialect *dialect_of(const struct compiler *c)
{
    return &c->schema->shape.dialect;
}

/* The pointer of a member below another. */
static const char *below_of(struct compiler *c, char out[BELOW_SIZE], const char *above,
                            uint32_t member)
{
    char name[BELOW_SIZE / 2 - 1];

    str_printable(compiler_string(c, member), name, sizeof name);
    snprintf(out, BELOW_SIZE, "%.*s/%s", BELOW_SIZE / 2 - 1, above, name);
    return out;
}

static uint32_t next_member(const struct compiler *c, uint32_t member)
{
    return compiler_token(c, member + 1)->next;
}

static const struct row_property *find_property(const struct compiler *c, struct span name)
{
    for (size_t i = 0; i < c->schema->shape.count; i++)
        if (span_equal(c->schema->shape.properties[i].name, name))
            return &c->schema->shape.properties[i];
    return NULL;
}

/* --- csv --- */

static bool csv_delimiter(struct compiler *c, uint32_t value, const char *below)
{
    struct span text = {0};

    if (compiler_token(c, value)->kind == JSON_STRING)
        text = compiler_string(c, value);
    if (text.size != 1 || !memchr(",;\t|", text.data[0], 4))
        return compiler_refuse(c, below, "must be \",\", \";\", \"|\" or \"\\t\"");
    dialect_of(c)->delimiter = text.data[0];
    return true;
}

static bool csv_encoding(struct compiler *c, uint32_t value, const char *below)
{
    if (compiler_token(c, value)->kind == JSON_STRING &&
        encoding_find(compiler_string(c, value), &dialect_of(c)->encoding))
        return true;
    return compiler_refuse(c, below,
                           "must be \"UTF-8\", \"UTF-16\", \"windows-1252\", \"ISO-8859-1\" or "
                           "\"ISO-8859-15\"");
}

static bool csv_limit(struct compiler *c, uint32_t value, const char *below, int64_t maximum,
                      uint32_t *limit)
{
    const struct json_token *token = compiler_token(c, value);
    struct span text = {c->plan->text + token->start, token->size};
    int64_t number;

    if (token->kind != JSON_NUMBER || !str_to_int64(text, 1, maximum, &number))
        return compiler_refuse(c, below, "must be an integer from 1 to %lld", (long long)maximum);
    *limit = (uint32_t)number;
    return true;
}

static bool csv_field_bytes(struct compiler *c, uint32_t value, const char *below)
{
    return csv_limit(c, value, below, DIALECT_CELL_SIZE_MAX, &dialect_of(c)->cell_size_max);
}

static bool csv_field_lines(struct compiler *c, uint32_t value, const char *below)
{
    return csv_limit(c, value, below, DIALECT_CELL_LINES_MAX, &dialect_of(c)->cell_lines_max);
}

static const struct {
    const char *name;
    bool (*compile)(struct compiler *c, uint32_t value, const char *below);
} csv_settings[] = {
    {"delimiter", csv_delimiter},
    {"encoding", csv_encoding},
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
    return compiler_refuse(c, below,
                           "there are delimiter, encoding, maxFieldBytes and maxFieldLines");
}

bool extension_csv(struct compiler *c, uint32_t value)
{
    if (compiler_token(c, value)->kind != JSON_OBJECT)
        return compiler_refuse(c, "/csv", "must be an object");
    for (uint32_t i = value + 1; i < compiler_token(c, value)->next; i = next_member(c, i))
        if (!csv_setting(c, i))
            return false;
    return true;
}

/* --- columns --- */

static bool is_target(const struct compiler *c, struct span name)
{
    return span_is(name, "record_id") || span_is(name, "version") || span_is(name, "tags") ||
           find_property(c, name);
}

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
    if (is_target(c, column->target))
        return true;
    return compiler_refuse(c, below,
                           "is neither declared in properties nor record_id, version or tags");
}

bool extension_columns(struct compiler *c, uint32_t value)
{
    struct row_column *columns;
    uint32_t count = compiler_token(c, value)->count, done = 0;

    if (compiler_token(c, value)->kind != JSON_OBJECT)
        return compiler_refuse(c, "/columns", "must be an object");
    columns = plan_own(c->plan, mem_calloc(count + 1, sizeof *columns));
    for (uint32_t i = value + 1; i < compiler_token(c, value)->next; i = next_member(c, i))
        if (!column_compile(c, i, &columns[done++]))
            return false;
    dialect_of(c)->columns = columns;
    dialect_of(c)->column_count = done;
    return true;
}

/* --- formats --- */

static bool is_one_of(struct span text, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_is(text, texts[i]))
            return true;
    return false;
}

static bool format_decimal(struct compiler *c, uint32_t value, const char *below,
                           struct cell_form *form)
{
    form->kind = CELL_DECIMAL;
    if (compiler_token(c, value)->kind != JSON_STRING ||
        !is_one_of(compiler_string(c, value), (const char *const[]){",", "."}, 2))
        return compiler_refuse(c, below, "must be \",\" or \".\"");
    form->decimal = compiler_string(c, value).data[0];
    return true;
}

static bool format_thousands(struct compiler *c, uint32_t value, const char *below,
                             struct cell_form *form)
{
    /* the last four: a typographic apostrophe, no-break spaces as they are and narrow, a thin one
     */
    static const char *const texts[] = {
        ",", ".", "'", " ", "_", "\xE2\x80\x99", "\xC2\xA0", "\xE2\x80\xAF", "\xE2\x80\x89"};

    form->kind = CELL_DECIMAL;
    if (compiler_token(c, value)->kind != JSON_STRING ||
        !is_one_of(compiler_string(c, value), texts, sizeof texts / sizeof *texts))
        return compiler_refuse(c, below,
                               "must be \",\", \".\", an apostrophe, a space of some kind or "
                               "\"_\"");
    form->thousands = compiler_own(c, value);
    return true;
}

static bool format_date(struct compiler *c, uint32_t value, const char *below,
                        struct cell_form *form)
{
    enum { PATTERN_MAX = 40 };
    const char *fault;

    form->kind = CELL_DATE;
    if (compiler_token(c, value)->kind != JSON_STRING ||
        compiler_token(c, value)->size > PATTERN_MAX)
        return compiler_refuse(c, below, "must be a pattern like \"DD.MM.YYYY\"");
    form->pattern = compiler_own(c, value);
    fault = cell_form_pattern_fault(form->pattern);
    return !fault || compiler_refuse(c, below, "%s", fault);
}

/* Adds the words of one truth value. */
static bool add_words(struct compiler *c, uint32_t list, const char *below, struct span *words,
                      size_t *count)
{
    if (!list || compiler_token(c, list)->kind != JSON_ARRAY || !compiler_token(c, list)->count)
        return compiler_refuse(c, below, "must be a list of words");
    for (uint32_t i = list + 1; i < compiler_token(c, list)->next; i = compiler_token(c, i)->next) {
        if (compiler_token(c, i)->kind != JSON_STRING || !compiler_token(c, i)->size)
            return compiler_refuse(c, below, "must be a list of words");
        words[*count] = compiler_own(c, i);
        for (size_t j = 0; j < *count; j++)
            if (span_equal(words[j], words[*count]))
                return compiler_refuse(c, below, "holds a word that stands there twice");
        ++*count;
    }
    return true;
}

static bool format_boolean(struct compiler *c, uint32_t value, const char *below,
                           struct cell_form *form)
{
    char at[BELOW_SIZE + 16];
    struct span *words;

    form->kind = CELL_BOOLEAN;
    if (compiler_token(c, value)->kind != JSON_OBJECT || compiler_token(c, value)->count != 2)
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
    {"date", format_date, CELL_DATE, ROW_STRING, "a string"},
    {"boolean", format_boolean, CELL_BOOLEAN, ROW_BOOLEAN, "a boolean"},
};

static bool format_setting(struct compiler *c, uint32_t member, const char *above, unsigned types,
                           struct cell_form *form, bool first)
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
        if (!first && kind != format_settings[i].kind)
            return compiler_refuse(c, above, "must be of one kind");
        return format_settings[i].compile(c, member + 1, below, form);
    }
    return compiler_refuse(c, below, "there are decimal, thousands, date and boolean");
}

static bool format_compile(struct compiler *c, uint32_t member, struct cell_form *form)
{
    const struct row_property *property = find_property(c, compiler_string(c, member));
    uint32_t value = member + 1;
    char below[BELOW_SIZE];

    below_of(c, below, "/formats", member);
    if (!property)
        return compiler_refuse(c, below, "is not declared in properties");
    if (compiler_token(c, value)->kind != JSON_OBJECT || !compiler_token(c, value)->count)
        return compiler_refuse(c, below, "must be an object with decimal, date or boolean");
    form->property = property->name;
    form->decimal = '.';
    for (uint32_t i = value + 1; i < compiler_token(c, value)->next; i = next_member(c, i))
        if (!format_setting(c, i, below, property->types, form, i == value + 1))
            return false;
    if (form->thousands.size == 1 && form->thousands.data[0] == form->decimal)
        return compiler_refuse(c, below, "needs thousands that differ from decimal");
    return true;
}

bool extension_formats(struct compiler *c, uint32_t value)
{
    struct cell_form *forms;
    uint32_t count = compiler_token(c, value)->count, done = 0;

    if (compiler_token(c, value)->kind != JSON_OBJECT)
        return compiler_refuse(c, "/formats", "must be an object");
    forms = plan_own(c->plan, mem_calloc(count + 1, sizeof *forms));
    for (uint32_t i = value + 1; i < compiler_token(c, value)->next; i = next_member(c, i))
        if (!format_compile(c, i, &forms[done++]))
            return false;
    dialect_of(c)->forms = forms;
    dialect_of(c)->form_count = done;
    return true;
}
