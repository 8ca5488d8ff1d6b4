/* A suggestion is made by reading the file as ingest does: first with every property a text, to see
 * all values; then with the types that these values fit, until the checker agrees. So every
 * suggestion was tried. */
#include "core/ingest/suggest.h"

#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/ingest/feed.h"
#include "core/ingest/suggest_column.h"
#include "core/ingest/suggest_layout.h"
#include "core/validate/checker.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    PROPERTIES_MAX = 2000,
    LOOK_EVERY_ROWS = 4096,
};

struct property {
    char *name;
    struct column column;
    struct column_decision decision;
};

struct suggest {
    const struct ingest_options *options;
    struct feed feed;
    enum row_format format;
    struct layout layout; /* of CSV */
    struct property *properties;
    size_t property_count;
    size_t next; /* probable index of the next member of a row */
    struct column_context context;
    struct buf title, text, scratch;
    bool record_ids_padded, versions_missing;
    struct suggestion *result;
};

/* --- the text of the schema file --- */

static void append_string(struct buf *out, const char *text)
{
    buf_append_quoted(out, span_of(text));
}

/* Begins a member of x-rowferry or csv, after a comma if it is not the first. */
static void begin_member(struct buf *out, size_t start, const char *indent, const char *name)
{
    buf_printf(out, "%s\n%s", out->size > start ? "," : "", indent);
    append_string(out, name);
    buf_append_text(out, ": ");
}

/* The same with a text as its value; without one there is no member. */
static void put_text(struct buf *out, size_t start, const char *indent, const char *name,
                     const char *text)
{
    if (!text)
        return;
    begin_member(out, start, indent, name);
    append_string(out, text);
}

static void append_csv(struct suggest *suggest, struct buf *out)
{
    static const char indent[] = "      ";
    struct layout *layout = &suggest->layout;
    char delimiter[2] = {layout->delimiter, '\0'};
    size_t start = out->size;
    bool quoted_empty = false;

    for (size_t i = 0; i < suggest->property_count; i++)
        quoted_empty = quoted_empty || suggest->properties[i].decision.quoted_empty;
    put_text(out, start, indent, "delimiter", delimiter);
    put_text(out, start, indent, "encoding",
             layout->encoding ? encoding_name(layout->encoding) : NULL);
    if (layout->skip_lines) {
        begin_member(out, start, indent, "skipLines");
        buf_printf(out, "%u", layout->skip_lines);
    }
    put_text(out, start, indent, "comment", *layout->comment ? layout->comment : NULL);
    put_text(out, start, indent, "footer", layout->footer.size ? buf_text(&layout->footer) : NULL);
    if (layout->quote_none) {
        begin_member(out, start, indent, "quote");
        buf_append_text(out, "null");
    }
    put_text(out, start, indent, "shortRows", layout->short_rows ? "absent" : NULL);
    put_text(out, start, indent, "longRows", layout->long_rows ? "empty" : NULL);
    if (suggest->context.absent_everywhere) {
        size_t first;

        begin_member(out, start, indent, "absent");
        buf_append_char(out, '[');
        first = out->size;
        for (unsigned i = 0; i < COLUMN_ABSENT_WORDS; i++) {
            if (!(suggest->context.absent_everywhere & 1U << i))
                continue;
            buf_append_text(out, out->size > first ? ", " : "");
            append_string(out, column_absent_word(i));
        }
        buf_append_char(out, ']');
    }
    put_text(out, start, indent, "quotedEmpty",
             quoted_empty && !layout->quote_none ? "absent" : NULL);
}

/* Writes the columns whose names differ from what they fill: that of the record id, and those
 * without a name. */
static void append_columns(const struct suggest *suggest, struct buf *out)
{
    const struct layout *layout = &suggest->layout;
    size_t start = out->size;
    bool nameless = false;

    for (size_t i = 0; i < layout->column_count; i++) {
        const char *name = layout->columns[i].name;
        bool is_record = i == layout->record_column && strcmp(name, "record_id") != 0;

        if (!is_record && (*name || layout->columns[i].empty || nameless))
            continue;
        nameless = nameless || !*name;
        begin_member(out, start, "      ", name);
        buf_append_text(out, is_record ? "\"record_id\"" : "null");
    }
}

static void append_object(struct buf *out, size_t start, const char *name,
                          const struct buf *members)
{
    if (!members->size)
        return;
    begin_member(out, start, "    ", name);
    buf_append_char(out, '{');
    buf_append_span(out, buf_span(members));
    buf_append_text(out, "\n    }");
}

static void append_extension(struct suggest *suggest, const struct buf *formats, struct buf *out)
{
    struct buf members = {0};
    size_t start;

    buf_append_text(out, "  \"x-rowferry\": {");
    start = out->size;
    if (suggest->format == ROW_FORMAT_CSV) {
        append_csv(suggest, &members);
        append_object(out, start, "csv", &members);
        buf_reset(&members);
        append_columns(suggest, &members);
        append_object(out, start, "columns", &members);
        append_object(out, start, "formats", formats);
    }
    if (suggest->record_ids_padded) {
        begin_member(out, start, "    ", "trim");
        buf_append_text(out, "true");
    }
    put_text(out, start, "    ", "version", suggest->versions_missing ? "fetch" : "required");
    buf_append_text(out, "\n  }\n");
    buf_release(&members);
}

static void append_property(const struct property *property, bool typed, struct buf *out,
                            struct buf *formats)
{
    const struct column_decision *decision = &property->decision;
    struct span schema = typed ? buf_span(&decision->schema) : span_of("\"type\": \"string\"");

    append_string(out, property->name);
    buf_append_text(out, ": {");
    buf_append_span(out, schema);
    if (typed && decision->remarks.size) {
        buf_append_text(out, schema.size ? ", \"$comment\": " : "\"$comment\": ");
        buf_append_quoted(out, buf_span(&decision->remarks));
    }
    buf_append_char(out, '}');
    if (typed && decision->format.size) {
        begin_member(formats, 0, "      ", property->name);
        buf_append_char(formats, '{');
        buf_append_span(formats, buf_span(&decision->format));
        buf_append_char(formats, '}');
    }
}

/* Writes the schema file into suggest->text: with types, or every property a text. */
static void write_schema(struct suggest *suggest, bool typed)
{
    struct buf *out = &suggest->text;
    struct buf formats = {0};

    buf_reset(out);
    buf_append_text(out, "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
                         "  \"title\": ");
    append_string(out, buf_text(&suggest->title));
    if (suggest->layout.remarks.size) {
        buf_append_text(out, ",\n  \"$comment\": ");
        buf_append_quoted(out, buf_span(&suggest->layout.remarks));
    }
    buf_append_text(out, ",\n  \"type\": \"object\",\n  \"properties\": {");
    for (size_t i = 0; i < suggest->property_count; i++) {
        buf_append_text(out, i > 0 ? ",\n    " : "\n    ");
        append_property(&suggest->properties[i], typed, out, &formats);
    }
    buf_append_text(out, "\n  },\n");
    append_extension(suggest, &formats, out);
    buf_append_text(out, "}\n");
    buf_release(&formats);
}

/* --- reading --- */

static struct property *add_property(struct suggest *suggest, struct span name)
{
    struct property *property;

    suggest->properties =
        mem_resize(suggest->properties, suggest->property_count + 1, sizeof *suggest->properties);
    property = &suggest->properties[suggest->property_count++];
    *property = (struct property){.name = mem_copy(name.data, name.size)};
    return property;
}

/* Finds a property; members are usually in the order of the properties. NULL: there is none. */
static struct property *find_property(struct suggest *suggest, struct span name)
{
    for (size_t i = 0; i < suggest->property_count; i++) {
        size_t at = (suggest->next + i) % suggest->property_count;

        if (span_is(name, suggest->properties[at].name)) {
            suggest->next = at + 1;
            return &suggest->properties[at];
        }
    }
    return NULL;
}

static void take_member(struct suggest *suggest, const struct row *row, uint32_t index)
{
    const struct json_token *name = &row->tape.tokens[index], *value = name + 1;
    struct span text = json_string(name, row->fields.data, &suggest->scratch);
    struct property *property = find_property(suggest, text);

    if (!property && suggest->format == ROW_FORMAT_NDJSON &&
        suggest->property_count < PROPERTIES_MAX)
        property = add_property(suggest, text);
    if (!property)
        return;
    text = value->kind == JSON_STRING ? json_string(value, row->fields.data, &suggest->scratch)
                                      : (struct span){row->fields.data + value->start, value->size};
    if (suggest->format == ROW_FORMAT_CSV)
        column_take_cell(&property->column, suggest->context.trials, text, row->line_no);
    else
        column_take_value(&property->column, (enum json_kind)value->kind, text, row->line_no);
}

/* Takes the values of a row that is read with every property a text. */
static void take_row(struct suggest *suggest, const struct row *row,
                     const struct violations *violations)
{
    struct span id = row->record_id;

    if (id.size && (id.data[0] == ' ' || id.data[id.size - 1] == ' '))
        suggest->record_ids_padded = true;
    for (size_t i = 0; i < violations->count && !row->has_version; i++)
        if (span_is(violation_field(violations, i), "version") &&
            strncmp(violation_message(violations, i).data, "is missing", 10) == 0)
            suggest->versions_missing = true;
    if (violations->count > 0 || !row->tape.count)
        return;
    for (uint32_t i = 1; i < row->tape.tokens[0].next; i = row->tape.tokens[i + 1].next)
        take_member(suggest, row, i);
}

/* Counts a row of the trial. The property of its first violation gets another type if possible. */
static void try_row(struct suggest *suggest, const struct row *row,
                    const struct violations *violations)
{
    struct suggestion *result = suggest->result;
    struct span message;

    result->rows++;
    if (violations->count == 0) {
        result->accepted++;
        return;
    }
    for (size_t i = 0; i < violations->count; i++) {
        struct span field = violation_field(violations, i);
        struct property *property = field.size ? find_property(suggest, field) : NULL;

        if (property && !property->column.loosened_line)
            property->column.loosened_line = row->line_no;
    }
    if (result->rejected_line)
        return;
    result->rejected_line = row->line_no;
    message = violation_message(violations, 0);
    snprintf(result->rejected_why, sizeof result->rejected_why, "%.*s", (int)message.size,
             message.data);
}

typedef void take_function(struct suggest *suggest, const struct row *row,
                           const struct violations *violations);

static bool read_rows(struct suggest *suggest, struct reader *reader, struct checker *checker,
                      take_function *take, struct err *err)
{
    struct violations violations = {0};
    struct row row = {0};
    enum row_step step;

    while ((step = reader_next(reader, &row, &violations, err)) == ROW_STEP_ROW) {
        if (checker && !checker_check(checker, &row, &violations, err))
            break;
        take(suggest, &row, &violations);
        if (row.row_no % LOOK_EVERY_ROWS == 0 && stop_requested()) {
            err_set(err, ERR_STOPPED, "stopped while reading %s", suggest->feed.source);
            break;
        }
    }
    violations_release(&violations);
    return step == ROW_STEP_END;
}

/* Reads the file with the schema file as it is written now. */
static bool read_file(struct suggest *suggest, bool typed, take_function *take, struct err *err)
{
    struct schema *schema;
    struct reader *reader = NULL;
    struct checker *checker = NULL;
    bool fine;

    suggest->next = 0;
    schema = schema_parse("the suggested schema file", buf_span(&suggest->text), err);
    if (!schema)
        return err_wrap(err, "internal error");
    fine = feed_rewind(&suggest->feed, err);
    if (fine)
        reader = reader_open(suggest->feed.fd, suggest->feed.source, suggest->format,
                             schema_shape(schema), err);
    if (reader && typed)
        checker = checker_open(schema, err);
    fine = reader && (checker || !typed) && read_rows(suggest, reader, checker, take, err);
    checker_close(checker);
    reader_close(reader);
    schema_close(schema);
    return fine;
}

/* --- all of it --- */

static size_t count_loosened(const struct suggest *suggest)
{
    size_t count = 0;

    for (size_t i = 0; i < suggest->property_count; i++)
        count += suggest->properties[i].column.loosened_line > 0;
    return count;
}

static void decide_columns(struct suggest *suggest)
{
    for (size_t i = 0; i < suggest->property_count; i++) {
        struct property *property = &suggest->properties[i];

        column_decision_release(&property->decision);
        column_decide(&property->column, &suggest->context, &property->decision);
    }
}

/* Decides each column alone, then with what one of them proves for all: the decimal sign, and
 * absent words of several columns. */
static void decide(struct suggest *suggest)
{
    uint32_t seen = 0, twice = 0;

    suggest->context.decimal = '\0';
    suggest->context.absent_everywhere = 0;
    decide_columns(suggest);
    for (size_t i = 0; i < suggest->property_count; i++) {
        const struct column_decision *decision = &suggest->properties[i].decision;

        if (!suggest->context.decimal)
            suggest->context.decimal = decision->decimal;
        twice |= seen & decision->absent;
        seen |= decision->absent;
    }
    suggest->context.absent_everywhere = twice;
    decide_columns(suggest);
}

/* Tries the decisions, and loosens types that do not fit, until nothing changes. */
static bool try_types(struct suggest *suggest, struct err *err)
{
    size_t before;

    do {
        before = count_loosened(suggest);
        suggest->result->rows = suggest->result->accepted = suggest->result->rejected_line = 0;
        decide(suggest);
        write_schema(suggest, true);
        if (!read_file(suggest, true, try_row, err))
            return false;
    } while (count_loosened(suggest) > before);
    return true;
}

static bool suggest_csv(struct suggest *suggest, struct err *err)
{
    struct layout *layout = &suggest->layout;

    if (!layout_find(&suggest->feed, suggest->options->delimiter, layout, err))
        return false;
    suggest->versions_missing = !layout->versioned;
    for (size_t i = 0; i < layout->column_count; i++) {
        struct span name = span_of(layout->columns[i].name);

        if (i != layout->record_column && name.size && !row_is_reserved(name))
            add_property(suggest, name);
    }
    return true;
}

/* Reads all values: again if the first reading shows that record ids are to be trimmed, or versions
 * fetched, because it rejects such rows. */
static bool read_values(struct suggest *suggest, struct err *err)
{
    bool fetched = suggest->versions_missing;

    write_schema(suggest, false);
    if (!read_file(suggest, false, take_row, err))
        return false;
    if (!suggest->record_ids_padded && suggest->versions_missing == fetched)
        return true;
    for (size_t i = 0; i < suggest->property_count; i++)
        suggest->properties[i].column = (struct column){0};
    write_schema(suggest, false);
    return read_file(suggest, false, take_row, err);
}

static bool run(struct suggest *suggest, struct err *err)
{
    const char *name = strrchr(suggest->feed.source, '/');
    size_t size;
    if (!suggest->feed.path)
        return err_set(err, ERR_CONFIG,
                       "standard input cannot be read twice: save it to a file and name that");
    if (!feed_format(&suggest->feed, suggest->options, &suggest->format, err))
        return false;
    /* the name of the object: what comes before the first digit or separator */
    name = name ? name + 1 : suggest->feed.source;
    size = strcspn(name, "-_. 0123456789");
    buf_append(&suggest->title, name, size ? size : strlen(name));
    if (suggest->format == ROW_FORMAT_CSV && !suggest_csv(suggest, err))
        return false;
    return read_values(suggest, err) && try_types(suggest, err);
}

bool ingest_suggest(const struct ingest_options *options, const char *path, const char *zone,
                    struct suggestion *suggestion, struct err *err)
{
    struct suggest *suggest = mem_calloc(1, sizeof *suggest);
    struct column_trials *trials = column_trials_open(zone);
    bool fine;

    *suggestion = (struct suggestion){0};
    suggest->options = options;
    suggest->result = suggestion;
    suggest->context.trials = trials;
    fine = feed_open(&suggest->feed, path, path, false, err) && run(suggest, err);
    if (fine) {
        suggestion->schema = suggest->text;
        suggest->text = (struct buf){0};
    }
    for (size_t i = 0; i < suggest->property_count; i++) {
        free(suggest->properties[i].name);
        column_decision_release(&suggest->properties[i].decision);
    }
    free(suggest->properties);
    column_trials_close(trials);
    layout_release(&suggest->layout);
    feed_close(&suggest->feed);
    buf_release(&suggest->title);
    buf_release(&suggest->text);
    buf_release(&suggest->scratch);
    free(suggest);
    return fine;
}
