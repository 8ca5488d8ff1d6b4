/* A column is decided by trying: each form of numbers or dates that a schema file can declare, the
 * plainest first, is compiled by the schema compiler and tried on an example of each kind of value.
 * So only what the reader understands is suggested. */
#include "core/ingest/suggest_column.h"

#include "core/base/mem.h"
#include "core/ingest/suggest_layout.h"
#include "core/row/cell_form.h"
#include "core/row/cell_hint.h"
#include "core/row/violation.h"
#include "core/validate/format.h"
#include "core/validate/schema.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { RUN_MAX = 4 /* longest run of digits that shapes distinguish */ };

static const char *const absent_words[COLUMN_ABSENT_WORDS] = {
    "NULL", "null", "\\N",      "#N/A",       "N/A",        "n/a",        "NA",
    "-",    "--",   "00000000", "00.00.0000", "0000-00-00", "01.01.1753", "1753-01-01"};

const char *column_absent_word(unsigned index)
{
    return absent_words[index];
}

/* --- forms --- */

/* A form as a schema file declares it: `"decimal": ","`. NULL if it cannot be declared. */
static struct schema *compile_form(const char *type, const char *form)
{
    struct buf text = {0};
    struct err ignored = {0};
    struct schema *schema;

    buf_printf(&text,
               "{\"properties\": {\"v\": {\"type\": \"%s\"}}, "
               "\"x-rowferry\": {\"formats\": {\"v\": {%s}}}}",
               type, form);
    schema = schema_parse("a trial", buf_span(&text), &ignored);
    buf_release(&text);
    return schema;
}

static bool reads(const struct schema *schema, struct span value, struct buf *out)
{
    enum json_kind kind;

    buf_reset(out);
    return cell_form_read(&schema_shape(schema)->dialect.forms[0], value, out, &kind);
}

/* In order of preference: the first that all values fit is suggested. Others are ambiguous if they
 * read the same digits differently. */
static const struct {
    const char *pattern;
    bool time;
} dates[COLUMN_DATES] = {
    {"YYYY-MM-DD", false},         {"DD.MM.YYYY", false},         {"D.M.YYYY", false},
    {"DD/MM/YYYY", false},         {"MM/DD/YYYY", false},         {"D/M/YYYY", false},
    {"M/D/YYYY", false},           {"DD-MM-YYYY", false},         {"MM-DD-YYYY", false},
    {"YYYY/MM/DD", false},         {"YYYYMMDD", false},           {"DD.MM.YYYY hh:mm:ss", true},
    {"DD.MM.YYYY hh:mm", true},    {"YYYY-MM-DD hh:mm:ss", true}, {"YYYY-MM-DD hh:mm", true},
    {"DD/MM/YYYY hh:mm:ss", true}, {"MM/DD/YYYY hh:mm:ss", true}, {"YYYY-MM-DDThh:mm:ss", true},
};

struct column_trials {
    char *forms[COLUMN_DATES];
    struct schema *schemas[COLUMN_DATES]; /* NULL: it cannot be declared */
    struct buf scratch;
};

struct column_trials *column_trials_open(const char *zone)
{
    struct column_trials *trials = mem_calloc(1, sizeof *trials);

    for (unsigned i = 0; i < COLUMN_DATES; i++) {
        struct buf form = {0};

        if (dates[i].time)
            buf_printf(&form, "\"datetime\": \"%s\", \"zone\": \"%s\"", dates[i].pattern, zone);
        else
            buf_printf(&form, "\"date\": \"%s\"", dates[i].pattern);
        buf_text(&form);
        trials->forms[i] = form.data;
        trials->schemas[i] = compile_form("string", form.data);
    }
    return trials;
}

void column_trials_close(struct column_trials *trials)
{
    for (unsigned i = 0; i < COLUMN_DATES; i++) {
        free(trials->forms[i]);
        schema_close(trials->schemas[i]);
    }
    buf_release(&trials->scratch);
    free(trials);
}

/* Returns the patterns of `set` that the value fits. */
static uint32_t fitting_dates(const struct column_trials *trials, uint32_t set, struct span text)
{
    struct buf scratch = {0};
    uint32_t fitting = 0;

    if (text.size < 6 || text.size > 25 || !isdigit((unsigned char)text.data[0]))
        return 0;
    for (unsigned i = 0; i < COLUMN_DATES; i++)
        if ((set & 1U << i) && trials->schemas[i] && reads(trials->schemas[i], text, &scratch))
            fitting |= 1U << i;
    buf_release(&scratch);
    return fitting;
}

/* --- taking values --- */

static void remember(struct column_example *example, struct span text, uint64_t line_no)
{
    memcpy(example->text, text.data, text.size);
    example->text[text.size] = '\0';
    example->size = text.size;
    example->line_no = line_no;
}

/* Writes the shape of a value: digits become 9 (a leading zero 0), in runs of at most four. */
static size_t shape_of(struct span text, char out[COLUMN_EXAMPLE_MAX])
{
    size_t size = 0, run = 0;

    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];

        if (!isdigit((unsigned char)byte)) {
            run = 0;
            out[size++] = byte;
        } else if (run++ < RUN_MAX) {
            out[size++] = byte == '0' && run == 1 ? '0' : '9';
        }
    }
    return size;
}

/* Returns whether at least half of a value is digits: some form of a number. */
static bool is_numeric(struct span text)
{
    size_t digits = 0;

    for (size_t i = 0; i < text.size; i++)
        digits += isdigit((unsigned char)text.data[i]) != 0;
    return digits > 0 && digits * 2 >= str_utf8_length(text);
}

static bool is_json(struct span text)
{
    struct json_tape tape = {0};
    struct json_fault fault;
    bool fine = json_scan(&tape, text, 0, &fault);

    json_tape_release(&tape);
    return fine;
}

static void take_shape(struct column *column, struct span text, uint64_t line_no)
{
    char shape[COLUMN_EXAMPLE_MAX], other[COLUMN_EXAMPLE_MAX];
    size_t size;

    if (column->free_text)
        return;
    if (text.size > COLUMN_EXAMPLE_MAX) {
        column->free_text = true;
        return;
    }
    size = shape_of(text, shape);
    for (unsigned i = 0; i < column->shape_count; i++) {
        struct span known = {column->shapes[i].text, column->shapes[i].size};

        if (shape_of(known, other) == size && memcmp(other, shape, size) == 0)
            return;
    }
    if (column->shape_count == COLUMN_SHAPES_MAX)
        column->free_text = true;
    else
        remember(&column->shapes[column->shape_count++], text, line_no);
}

static void take_word(struct column *column, struct span text, uint64_t line_no)
{
    if (column->word_count > COLUMN_WORDS_MAX)
        return;
    for (unsigned i = 0; i < column->word_count; i++)
        if (span_is(text, column->words[i].text))
            return;
    if (column->word_count < COLUMN_WORDS_MAX && text.size <= COLUMN_EXAMPLE_MAX)
        remember(&column->words[column->word_count], text, line_no);
    column->word_count++;
}

void column_take_cell(struct column *column, const struct column_trials *trials, struct span text,
                      uint64_t line_no)
{
    if (!text.size) {
        column->empty_line = column->empty_line ? column->empty_line : line_no;
        return;
    }
    for (unsigned i = 0; i < COLUMN_ABSENT_WORDS; i++) {
        if (!span_is(text, absent_words[i]))
            continue;
        if (!column->absent_lines[i])
            column->absent_lines[i] = line_no;
        return;
    }
    if (!column->values++)
        column->dates = UINT32_MAX;
    if (column->dates)
        column->dates = fitting_dates(trials, column->dates, text);
    if (is_numeric(text))
        column->numeric++;
    else if (!column->odd.line_no)
        remember(&column->odd,
                 (struct span){text.data,
                               text.size < COLUMN_EXAMPLE_MAX ? text.size : COLUMN_EXAMPLE_MAX},
                 line_no);
    column->arrays += text.data[0] == '[' && is_json(text);
    column->objects += text.data[0] == '{' && is_json(text);
    take_shape(column, text, line_no);
    take_word(column, text, line_no);
}

void column_take_value(struct column *column, enum json_kind kind, struct span text,
                       uint64_t line_no)
{
    column->values++;
    column->kinds |= 1U << kind;
    if (!column->kind_lines[kind])
        column->kind_lines[kind] = line_no;
    if (kind == JSON_NUMBER && memchr(text.data, '.', text.size))
        column->fractions = true;
    if (kind == JSON_STRING)
        take_shape(column, text, line_no);
}

/* --- deciding --- */

static bool all_shapes(const struct column *column, bool (*holds)(struct span text))
{
    for (unsigned i = 0; i < column->shape_count; i++)
        if (!holds((struct span){column->shapes[i].text, column->shapes[i].size}))
            return false;
    return column->shape_count && !column->free_text;
}

static bool is_integer(struct span text)
{
    return json_is_number(text) && !memchr(text.data, '.', text.size) &&
           !memchr(text.data, 'e', text.size) && !memchr(text.data, 'E', text.size);
}

/* Returns whether a value begins with a zero and more digits, like an article number. */
static bool has_leading_zero(const struct column *column)
{
    for (unsigned i = 0; i < column->shape_count; i++) {
        const char *text = column->shapes[i].text;

        if (text[0] == '0' && isdigit((unsigned char)text[1]))
            return true;
    }
    return false;
}

static void set_schema(struct column_decision *decision, const char *schema)
{
    buf_reset(&decision->schema);
    buf_append_text(&decision->schema, schema);
}

static bool decide_text(const struct column *column, struct column_decision *decision)
{
    char quoted[VIOLATION_QUOTE_SIZE];

    set_schema(decision, "\"type\": \"string\"");
    if (column->loosened_line)
        layout_remark(&decision->remarks, "a text because of line %llu",
                      (unsigned long long)column->loosened_line);
    else if (column->odd.line_no && column->numeric * 5 > column->values * 4)
        layout_remark(&decision->remarks,
                      "a text because of %s in line %llu; %llu of %llu values look like numbers",
                      violation_quote((struct span){column->odd.text, column->odd.size}, quoted),
                      (unsigned long long)column->odd.line_no, (unsigned long long)column->numeric,
                      (unsigned long long)column->values);
    for (unsigned i = 0; i < COLUMN_ABSENT_WORDS; i++)
        if (column->absent_lines[i])
            layout_remark(&decision->remarks,
                          "%s in line %llu may be a word for 'no value': \"absent\" declares it",
                          violation_quote(span_of(absent_words[i]), quoted),
                          (unsigned long long)column->absent_lines[i]);
    return true;
}

/* Words for true and false; the first letter of the words in the file decides their case. */
static const char *const boolean_words[][2] = {
    {"ja", "nein"},     {"j", "n"},        {"yes", "no"},    {"y", "n"},
    {"wahr", "falsch"}, {"oui", "non"},    {"o", "n"},       {"si", "no"},
    {"t", "f"},         {"true", "false"}, {"vrai", "faux"}, {"on", "off"},
};

static bool same_word(const struct column_example *example, const char *word)
{
    return example->size == strlen(word) && strncasecmp(example->text, word, example->size) == 0;
}

static void append_words(const struct column *column, const char *word, struct buf *out)
{
    size_t start = out->size;

    for (unsigned i = 0; i < column->word_count; i++) {
        if (!same_word(&column->words[i], word))
            continue;
        buf_append_text(out, out->size > start ? ", " : "");
        buf_append_quoted(out, (struct span){column->words[i].text, column->words[i].size});
    }
}

static bool decide_boolean(const struct column *column, struct column_decision *decision)
{
    unsigned count = column->word_count, plain = 0;

    if (count > COLUMN_WORDS_MAX)
        return false;
    for (unsigned i = 0; i < count; i++)
        plain += strcmp(column->words[i].text, "true") == 0 ||
                 strcmp(column->words[i].text, "false") == 0;
    if (count && plain == count) {
        set_schema(decision, "\"type\": \"boolean\"");
        return true;
    }
    for (size_t pair = 0; pair < sizeof boolean_words / sizeof *boolean_words; pair++) {
        unsigned yes = 0, no = 0;

        for (unsigned i = 0; i < count; i++) {
            yes += same_word(&column->words[i], boolean_words[pair][0]);
            no += same_word(&column->words[i], boolean_words[pair][1]);
        }
        if (!yes || !no || yes + no < count)
            continue;
        set_schema(decision, "\"type\": \"boolean\"");
        buf_append_text(&decision->format, "\"boolean\": {\"true\": [");
        append_words(column, boolean_words[pair][0], &decision->format);
        buf_append_text(&decision->format, "], \"false\": [");
        append_words(column, boolean_words[pair][1], &decision->format);
        buf_append_text(&decision->format, "]}");
        return true;
    }
    return false;
}

/* Returns whether each point is followed by three digits and preceded by at most three, so that it
 * can also group digits. *example: the first such value. */
static bool points_may_group(const struct column *column, const struct column_example **example)
{
    *example = NULL;
    for (unsigned i = 0; i < column->shape_count; i++) {
        const struct column_example *shape = &column->shapes[i];
        const char *digits = shape->text + (shape->text[0] == '-');
        const char *point = strchr(digits, '.');

        if (!point)
            continue;
        if (point - digits > 3 || *digits == '0' || strlen(point + 1) != 3)
            return false;
        *example = *example ? *example : shape;
    }
    return *example != NULL;
}

static bool decide_plain_number(const struct column *column, char prefer,
                                struct column_decision *decision)
{
    const struct column_example *example;
    bool unclear = points_may_group(column, &example);

    if (!all_shapes(column, json_is_number) || (unclear && prefer == ','))
        return false;
    if (all_shapes(column, is_integer)) {
        set_schema(decision, "\"type\": \"integer\"");
        return true;
    }
    set_schema(decision, "\"type\": \"number\"");
    if (unclear)
        layout_remark(&decision->remarks, "the point of %s in line %llu may also group digits",
                      example->text, (unsigned long long)example->line_no);
    else
        decision->decimal = '.';
    return true;
}

/* Finds the unit: letters or signs before or after the number, the same in all values that have
 * one. */
static bool find_unit(const struct column *column, char unit[COLUMN_EXAMPLE_MAX + 1])
{
    unit[0] = '\0';
    for (unsigned i = 0; i < column->shape_count; i++) {
        const char *text = column->shapes[i].text;
        size_t size = column->shapes[i].size, start = 0, end = size;
        struct span part;

        while (start < size && (unsigned char)text[start] > ' ' &&
               !isdigit((unsigned char)text[start]) && !strchr("+-(.,", text[start]))
            start++;
        while (end > start && !isdigit((unsigned char)text[end - 1]) &&
               !strchr("+-).,", text[end - 1]))
            end--;
        part = start ? (struct span){text, start} : (struct span){text + end, size - end};
        while (part.size && part.data[0] == ' ') {
            part.data++;
            part.size--;
        }
        while (part.size && part.data[part.size - 1] == ' ')
            part.size--;
        if (!part.size || !cell_hint_is_unit(part))
            continue;
        if (unit[0] && !span_is(part, unit))
            return false;
        memcpy(unit, part.data, part.size);
        unit[part.size] = '\0';
    }
    return unit[0] != '\0';
}

/* A form of numbers, as members of `formats`; NULL: not declared. */
struct number_form {
    const char *decimal, *thousands, *sign, *padding, *unit;
};

static void append_member(struct buf *out, const char *name, const char *value)
{
    if (!value)
        return;
    buf_printf(out, "%s\"%s\": ", out->size ? ", " : "", name);
    buf_append_quoted(out, span_of(value));
}

static const char *write_form(const struct number_form *form, struct buf *out)
{
    buf_reset(out);
    append_member(out, "decimal", form->decimal);
    append_member(out, "thousands", form->thousands);
    append_member(out, "sign", form->sign);
    append_member(out, "padding", form->padding);
    append_member(out, "unit", form->unit);
    return buf_text(out);
}

/* Reads every example in the form into `values`, one per line. */
static bool reads_all(const struct column *column, const char *type, const char *form,
                      struct buf *values)
{
    struct schema *schema = compile_form(type, form);
    struct buf value = {0};
    bool fine = schema != NULL;

    buf_reset(values);
    for (unsigned i = 0; fine && i < column->shape_count; i++) {
        fine = reads(schema, (struct span){column->shapes[i].text, column->shapes[i].size}, &value);
        /* a number that is not an integer is read as well, and refused later */
        fine = fine && (*type == 'n' || is_integer(buf_span(&value)));
        buf_append_span(values, buf_span(&value));
        buf_append_char(values, '\n');
    }
    buf_release(&value);
    schema_close(schema);
    return fine;
}

/* The search for the form of a number, from the plainest on. */
struct number_search {
    const struct column *column;
    struct column_decision *decision;
    char prefer; /* the decimal sign of other columns */
    struct buf form, values;
};

static bool has_point(const struct buf *values)
{
    return memchr(values->data, '.', values->size) != NULL;
}

/* Notes that another form fits as well, with other numbers. */
static void remark_form(struct number_search *search, const char *form, const struct buf *values)
{
    const struct column *column = search->column;
    size_t differs = 0;
    unsigned line = 0;

    if (search->decision->remarks.size)
        return;
    while (values->data[differs] == search->values.data[differs])
        line += values->data[differs++] == '\n';
    layout_remark(&search->decision->remarks, "%s in line %llu may also be written as {%s}",
                  column->shapes[line].text, (unsigned long long)column->shapes[line].line_no,
                  form);
    search->decision->decimal = '\0'; /* it proves nothing */
}

/* Takes a form that fits, or notes that it makes the one before ambiguous. */
static void try_form(struct number_search *search, const struct number_form *form)
{
    struct buf text = {0}, values = {0};
    bool fits = reads_all(search->column, "integer", write_form(form, &text), &values) ||
                reads_all(search->column, "number", buf_text(&text), &values);

    /* leading zeros are of an article number, not of a quantity */
    if (fits && form->padding && *form->padding == '0')
        fits = form->unit || has_point(&values);
    if (fits && search->form.size) {
        if (!span_equal(buf_span(&values), buf_span(&search->values)))
            remark_form(search, buf_text(&text), &values);
    } else if (fits) {
        search->form = text;
        search->values = values;
        text = values = (struct buf){0};
        search->decision->decimal = form->decimal ? *form->decimal : '\0';
        if (!form->decimal && !form->thousands && has_point(&search->values))
            search->decision->decimal = '.';
    }
    buf_release(&text);
    buf_release(&values);
}

static bool any_shape_has(const struct column *column, const char *bytes)
{
    for (unsigned i = 0; i < column->shape_count; i++)
        if (strpbrk(column->shapes[i].text, bytes))
            return true;
    return false;
}

/* Tries ways to group digits and to write decimals, those of other columns first. */
static void try_separators(struct number_search *search, struct number_form form)
{
    static const char curly[] = "\xE2\x80\x99"; /* a typographic apostrophe */
    static const char *const separators[][2] = {
        {NULL, NULL}, {",", NULL},   {".", NULL}, {NULL, "."},  {NULL, ","}, {NULL, " "},
        {NULL, "'"},  {NULL, curly}, {",", "."},  {".", ","},   {",", " "},  {".", " "},
        {",", "'"},   {".", "'"},    {",", "_"},  {",", curly},
    };
    size_t count = sizeof separators / sizeof *separators;

    for (int preferred = 1; preferred >= 0; preferred--) {
        if (search->prefer && search->form.size)
            return;
        for (size_t i = 0; i < count; i++) {
            const char *decimal = separators[i][0], *thousands = separators[i][1];
            bool agrees = !search->prefer || (decimal ? *decimal == search->prefer
                                                      : !thousands || *thousands != search->prefer);

            if (agrees != (preferred == 1))
                continue;
            if (thousands && !any_shape_has(search->column, thousands))
                continue;
            form.decimal = decimal;
            form.thousands = thousands;
            try_form(search, &form);
        }
    }
}

static bool decide_formed_number(const struct column *column, char prefer,
                                 struct column_decision *decision)
{
    static const struct {
        const char *sign, *bytes; /* that some value must have */
    } signs[] = {{NULL, NULL},
                 {"trailing", "-+" CELL_MINUS},
                 {"leading", "+" CELL_MINUS},
                 {"parentheses", "("}};
    static const char *const paddings[] = {NULL, "0", " "};
    struct number_search search = {.column = column, .decision = decision, .prefer = prefer};
    char unit[COLUMN_EXAMPLE_MAX + 1];
    bool found, has_unit = find_unit(column, unit);

    if (column->free_text || !any_shape_has(column, "0123456789"))
        return false;
    for (int with_unit = 0; with_unit <= (has_unit ? 1 : 0); with_unit++)
        for (size_t padding = 0; padding < 3; padding++)
            for (size_t sign = 0; sign < 4; sign++)
                if (!search.form.size &&
                    (!signs[sign].sign || any_shape_has(column, signs[sign].bytes)))
                    try_separators(&search, (struct number_form){.sign = signs[sign].sign,
                                                                 .padding = paddings[padding],
                                                                 .unit = with_unit ? unit : NULL});
    found = search.form.size > 0;
    if (found) {
        set_schema(decision,
                   has_point(&search.values) ? "\"type\": \"number\"" : "\"type\": \"integer\"");
        buf_append_span(&decision->format, buf_span(&search.form));
    }
    buf_release(&search.form);
    buf_release(&search.values);
    return found;
}

static void remark_dates(const struct column *column, const struct column_trials *trials,
                         unsigned chosen, struct column_decision *decision)
{
    struct buf ours = {0}, theirs = {0};

    for (unsigned i = chosen + 1; i < COLUMN_DATES && column->shape_count; i++) {
        struct span text = {column->shapes[0].text, column->shapes[0].size};

        if (!(column->dates & 1U << i) || !reads(trials->schemas[chosen], text, &ours) ||
            !reads(trials->schemas[i], text, &theirs) ||
            span_equal(buf_span(&ours), buf_span(&theirs)))
            continue;
        layout_remark(&decision->remarks, "%s in line %llu may also be %s", column->shapes[0].text,
                      (unsigned long long)column->shapes[0].line_no, dates[i].pattern);
        break;
    }
    if (dates[chosen].time)
        layout_remark(&decision->remarks, "the file does not name the zone of its times");
    buf_release(&ours);
    buf_release(&theirs);
}

/* Returns whether eight digits can be a date: only in plausible centuries. */
static bool is_near(const struct column *column)
{
    for (unsigned i = 0; i < column->shape_count; i++)
        if (strncmp(column->shapes[i].text, "19", 2) != 0 &&
            strncmp(column->shapes[i].text, "20", 2) != 0)
            return false;
    return true;
}

static bool decide_date(const struct column *column, const struct column_trials *trials,
                        struct column_decision *decision)
{
    unsigned chosen = 0;

    if (!column->dates || !column->values)
        return false;
    while (!(column->dates & 1U << chosen))
        chosen++;
    if (strcmp(dates[chosen].pattern, "YYYYMMDD") == 0 && !is_near(column))
        return false;
    set_schema(decision, dates[chosen].time ? "\"type\": \"string\", \"format\": \"date-time\""
                                            : "\"type\": \"string\", \"format\": \"date\"");
    if (chosen > 0)
        buf_append_text(&decision->format, trials->forms[chosen]);
    remark_dates(column, trials, chosen, decision);
    if (strcmp(dates[chosen].pattern, "YYYYMMDD") == 0)
        layout_remark(&decision->remarks, "%s in line %llu may also be an integer",
                      column->shapes[0].text, (unsigned long long)column->shapes[0].line_no);
    return true;
}

static bool decide_json(const struct column *column, struct column_decision *decision)
{
    if (column->arrays != column->values && column->objects != column->values)
        return false;
    set_schema(decision, column->arrays ? "\"type\": \"array\"" : "\"type\": \"object\"");
    return true;
}

static bool decide_moment(const struct column *column, struct column_decision *decision)
{
    if (!all_shapes(column, format_find(span_of("date-time"))->holds))
        return false;
    set_schema(decision, "\"type\": \"string\", \"format\": \"date-time\"");
    return true;
}

static void decide_cells(const struct column *column, const struct column_context *context,
                         struct column_decision *decision)
{
    bool typed = column->values && !column->loosened_line;

    if (typed && decide_date(column, context->trials, decision))
        return;
    if (typed && (decide_boolean(column, decision) || decide_json(column, decision) ||
                  decide_moment(column, decision)))
        return;
    if (typed && (decide_plain_number(column, context->decimal, decision) ||
                  decide_formed_number(column, context->decimal, decision)))
        return;
    decide_text(column, decision);
    if (typed && column->numeric == column->values && has_leading_zero(column))
        layout_remark(&decision->remarks, "digits with zeros before them are kept as a text");
}

static void decide_values(const struct column *column, struct column_decision *decision)
{
    static const char *const names[] = {
        [JSON_NULL] = "null",     [JSON_FALSE] = "boolean", [JSON_TRUE] = "boolean",
        [JSON_NUMBER] = "number", [JSON_STRING] = "string", [JSON_ARRAY] = "array",
        [JSON_OBJECT] = "object"};
    struct buf *out = &decision->schema;
    unsigned kinds = column->kinds, count = 0;

    if (column->loosened_line) {
        layout_remark(&decision->remarks, "of any type because of line %llu",
                      (unsigned long long)column->loosened_line);
        return;
    }
    if ((kinds & 1U << JSON_TRUE) && (kinds & 1U << JSON_FALSE))
        kinds &= ~(1U << JSON_TRUE);
    for (unsigned rest = kinds; rest; rest &= rest - 1)
        count++;
    buf_append_text(out, count > 1 ? "\"type\": [" : "\"type\": ");
    for (unsigned kind = 0; kind < sizeof names / sizeof *names; kind++) {
        if (!(kinds & 1U << kind))
            continue;
        if (out->data[out->size - 1] == '"')
            buf_append_text(out, ", ");
        buf_printf(out, "\"%s\"",
                   kind == JSON_NUMBER && !column->fractions ? "integer" : names[kind]);
        if (count > 1)
            layout_remark(&decision->remarks, "a%s %s in line %llu",
                          strchr("aio", *names[kind]) ? "n" : "", names[kind],
                          (unsigned long long)column->kind_lines[kind]);
    }
    buf_append_text(out, count > 1 ? "]" : "");
    if (kinds == 1U << JSON_STRING && all_shapes(column, format_find(span_of("date"))->holds))
        buf_append_text(out, ", \"format\": \"date\"");
    else if (kinds == 1U << JSON_STRING &&
             all_shapes(column, format_find(span_of("date-time"))->holds))
        buf_append_text(out, ", \"format\": \"date-time\"");
}

/* Declares the absent words of a column with a type; for a text column only remarks on them. */
static void decide_absent(const struct column *column, const struct column_context *context,
                          struct column_decision *decision)
{
    struct buf words = {0};

    if (strncmp(decision->schema.data, "\"type\": \"string\"", decision->schema.size) == 0)
        return;
    decision->quoted_empty = column->empty_line != 0;
    for (unsigned i = 0; i < COLUMN_ABSENT_WORDS; i++) {
        if (!column->absent_lines[i])
            continue;
        decision->absent |= 1U << i;
        if (context->absent_everywhere & 1U << i)
            continue;
        buf_append_text(&words, words.size ? ", " : "");
        buf_append_quoted(&words, span_of(absent_words[i]));
    }
    if (words.size)
        buf_printf(&decision->format, "%s\"absent\": [%s]", decision->format.size ? ", " : "",
                   buf_text(&words));
    buf_release(&words);
}

void column_decide(const struct column *column, const struct column_context *context,
                   struct column_decision *decision)
{
    *decision = (struct column_decision){0};
    if (column->kinds) {
        decide_values(column, decision);
        return;
    }
    decide_cells(column, context, decision);
    decide_absent(column, context, decision);
}

void column_decision_release(struct column_decision *decision)
{
    buf_release(&decision->schema);
    buf_release(&decision->format);
    buf_release(&decision->remarks);
}
