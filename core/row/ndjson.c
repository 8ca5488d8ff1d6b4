#include "core/row/ndjson.h"

#include "core/row/row.h"

enum { RECORD_SEPARATOR = 0x1E /* before each text of a JSON sequence (RFC 7464) */ };

/* Returns how many objects and arrays the line leaves open. */
static size_t depth_of(struct span line)
{
    bool in_string = false;
    size_t depth = 0;

    for (size_t i = 0; i < line.size; i++) {
        char byte = line.data[i];

        if (in_string && byte == '\\')
            i++;
        else if (byte == '"')
            in_string = !in_string;
        else if (!in_string && (byte == '{' || byte == '['))
            depth++;
        else if (!in_string && (byte == '}' || byte == ']'))
            depth -= depth > 0;
    }
    return depth;
}

/* Finds the first line that is not blank in the window. False: there is none yet. */
static bool find_first_line(const struct source *source, struct span *line)
{
    const char *at = source->data + source->begin, *end = source->data + source->end, *feed;

    while (at < end && memchr(" \t\r\n\x1E", *at, 5))
        at++;
    feed = memchr(at, '\n', (size_t)(end - at));
    *line = (struct span){at, (size_t)((feed ? feed : end) - at)};
    return feed || source->ended || source->end - source->begin > source->row_max;
}

/* Returns true if the line is an object with a member `undo`. */
static bool has_undo(struct ndjson *ndjson, struct span line)
{
    struct json_tape *tape = &ndjson->tape;
    struct json_fault fault;

    if (!line.size || line.data[0] != '{' || !json_scan(tape, span_without_end(line), 0, &fault))
        return false;
    for (uint32_t i = 1; i < tape->tokens[0].next; i = tape->tokens[i + 1].next)
        if (span_is(json_string(&tape->tokens[i], line.data, &ndjson->scratch), "undo"))
            return true;
    return false;
}

bool ndjson_init(struct ndjson *ndjson, struct source *source, const struct row_shape *shape,
                 struct err *err)
{
    struct span line;
    size_t before; /* bytes before it; what is beyond row_max is ignored, whether it is in the
                      window or not */

    *ndjson = (struct ndjson){.shape = shape};
    while (!find_first_line(source, &line))
        if (!source_fill(source, err))
            return false;
    before = (size_t)(line.data - (source->data + source->begin));
    if (line.size && before <= source->row_max && line.data[0] == '[')
        return err_set(err, ERR_INPUT,
                       "%s: is a JSON array, but NDJSON has one object per line: convert it with "
                       "jq -c '.[]' and use its output",
                       source->name);
    if (line.size && line.data[0] == '{' && before + line.size <= source->row_max && depth_of(line))
        return err_set(err, ERR_INPUT,
                       "%s: its first object continues on the next line, but NDJSON has one object "
                       "per line: convert it with jq -c . and use its output",
                       source->name);
    ndjson->undoes = before + line.size <= source->row_max && has_undo(ndjson, line);
    return true;
}

void ndjson_release(struct ndjson *ndjson)
{
    buf_release(&ndjson->tags);
    json_tape_release(&ndjson->tape);
    buf_release(&ndjson->record_id);
    parts_release(&ndjson->parts);
    buf_release(&ndjson->scratch);
}

static void take_record_id(struct ndjson *ndjson, struct span line, const struct json_token *token,
                           struct row *row, struct violations *violations)
{
    char shown[VIOLATION_QUOTE_SIZE];

    if (token->kind != JSON_STRING) {
        violations_add(violations, span_of("record_id"), "record_id",
                       "recordId must be a string, is %s",
                       violation_show(json_written(token, line.data), shown));
        return;
    }
    row->record_id = json_string(token, line.data, &ndjson->record_id);
    if (ndjson->shape->trim)
        row->record_id = str_trim(row->record_id);
    row_check_record_id(row, violations);
}

static void take_version(struct span line, const struct json_token *token, struct row *row,
                         struct violations *violations)
{
    struct span text = json_written(token, line.data);
    char shown[VIOLATION_QUOTE_SIZE];

    row->has_version = token->kind == JSON_NUMBER && row_version_read(text, &row->version);
    if (!row->has_version)
        row_refuse_version(violation_show(text, shown), violations);
}

/* Makes the tokens of fields a tape of their own, relative to fields. */
static void take_fields(struct ndjson *ndjson, struct span line, uint32_t index, struct row *row,
                        struct violations *violations)
{
    struct json_token *tokens = &ndjson->tape.tokens[index];
    uint32_t start = tokens->start, count = tokens->next - index;
    char shown[VIOLATION_QUOTE_SIZE];

    if (tokens->kind != JSON_OBJECT) {
        row_refuse(violations, "fields must be an object, is %s",
                   violation_show(json_written(tokens, line.data), shown));
        return;
    }
    row->fields = (struct span){line.data + start, tokens->size};
    for (uint32_t i = 0; i < count; i++) {
        tokens[i].start -= start;
        tokens[i].next -= index;
    }
    row->tape = (struct json_tape){.tokens = tokens, .count = count, .capacity = count};
}

/* Writes the array again with trimmed tags, without empty ones. */
static struct span trim_tags(struct ndjson *ndjson, struct span line, uint32_t index)
{
    const struct json_token *tokens = ndjson->tape.tokens;

    buf_reset(&ndjson->tags);
    for (uint32_t i = index + 1; i < tokens[index].next; i = tokens[i].next) {
        struct span tag = str_trim(json_string(&tokens[i], line.data, &ndjson->scratch));

        if (!tag.size)
            continue;
        buf_append_text(&ndjson->tags, ndjson->tags.size ? ",\"" : "[\"");
        buf_append_json(&ndjson->tags, tag);
        buf_append_char(&ndjson->tags, '"');
    }
    if (ndjson->tags.size)
        buf_append_char(&ndjson->tags, ']');
    return buf_span(&ndjson->tags);
}

static void take_tags(struct ndjson *ndjson, struct span line, uint32_t index, struct row *row,
                      struct violations *violations)
{
    const struct json_token *tokens = ndjson->tape.tokens;
    bool strings = tokens[index].kind == JSON_ARRAY;

    for (uint32_t i = index + 1; strings && i < tokens[index].next; i = tokens[i].next)
        strings = tokens[i].kind == JSON_STRING;
    if (!strings)
        row_refuse(violations, "tags must be an array of strings");
    else if (tokens[index].count && ndjson->shape->trim)
        row->tags = trim_tags(ndjson, line, index);
    else if (tokens[index].count)
        row->tags = json_written(&tokens[index], line.data);
}

/* Ignores what an export reports about an earlier batch. */
static void take_outcome(struct ndjson *ndjson, struct span line, uint32_t index,
                         struct violations *violations)
{
    const struct json_token *token = &ndjson->tape.tokens[index];
    char shown[VIOLATION_QUOTE_SIZE];

    if (token->kind == JSON_OBJECT)
        ndjson->outcome_ignored = true;
    else
        row_refuse(violations, "outcome must be an object, is %s",
                   violation_show(json_written(token, line.data), shown));
}

/* Members that a line has. */
enum { HAS_RECORD_ID = 1, HAS_VERSION = 2, HAS_FIELDS = 4, HAS_UNDO = 8 };

/* Takes a part of the record id: a string, or a number as it is written. */
static void take_part(struct ndjson *ndjson, struct span line, uint32_t index, size_t part,
                      struct violations *violations)
{
    const struct json_token *token = &ndjson->tape.tokens[index];
    struct span name = ndjson->shape->parts[part], text;
    char shown[VIOLATION_QUOTE_SIZE];

    if (token->kind != JSON_STRING && token->kind != JSON_NUMBER) {
        violations_add(violations, name, "record_id", "must be a string or a number, is %s",
                       violation_show(json_written(token, line.data), shown));
        ndjson->parts.given |= 1u << part;
        return;
    }
    text = token->kind == JSON_STRING ? json_string(token, line.data, &ndjson->scratch)
                                      : json_written(token, line.data);
    if (ndjson->shape->trim)
        text = str_trim(text);
    parts_take(&ndjson->parts, ndjson->shape, part, text, violations);
}

static unsigned take_member(struct ndjson *ndjson, struct span line, uint32_t name_index,
                            struct row *row, struct violations *violations)
{
    const struct json_token *name = &ndjson->tape.tokens[name_index];
    uint32_t value = name->next;
    struct span text = json_string(name, line.data, &ndjson->scratch);
    char quoted[VIOLATION_QUOTE_SIZE];
    size_t part;

    if (span_is(text, "recordId")) {
        take_record_id(ndjson, line, &ndjson->tape.tokens[value], row, violations);
        return HAS_RECORD_ID;
    }
    if (span_is(text, "version")) {
        if (ndjson->shape->version_fetched && !ndjson->undoes)
            ndjson->version_ignored = true;
        else
            take_version(line, &ndjson->tape.tokens[value], row, violations);
        return HAS_VERSION;
    }
    if (span_is(text, "fields")) {
        take_fields(ndjson, line, value, row, violations);
        return HAS_FIELDS;
    }
    if (span_is(text, "undo")) {
        if (ndjson->tape.tokens[value].kind != JSON_TRUE)
            row_refuse(
                violations, "undo must be true, is %s",
                violation_show(json_written(&ndjson->tape.tokens[value], line.data), quoted));
        return HAS_UNDO;
    }
    part = parts_find(ndjson->shape, text);
    if (part < ndjson->shape->part_count)
        take_part(ndjson, line, value, part, violations);
    else if (span_is(text, "tags"))
        take_tags(ndjson, line, value, row, violations);
    else if (span_is(text, "outcome"))
        take_outcome(ndjson, line, value, violations);
    else
        row_refuse(violations, "unknown member %s; there are recordId, version, fields and tags",
                   violation_quote(text, quoted));
    return 0;
}

static void take_members(struct ndjson *ndjson, struct span line, struct row *row,
                         struct violations *violations)
{
    uint32_t index = 1, count = ndjson->tape.tokens[0].count;
    unsigned found = 0;

    parts_begin(&ndjson->parts);
    while (count--) {
        /* taking the fields changes their tokens */
        uint32_t next = ndjson->tape.tokens[ndjson->tape.tokens[index].next].next;

        found |= take_member(ndjson, line, index, row, violations);
        index = next;
    }
    parts_end(&ndjson->parts, ndjson->shape, row, violations);
    if (!(found & HAS_RECORD_ID))
        violations_add(violations, span_of("record_id"), "record_id", "recordId is missing");
    row->is_undo = ndjson->undoes;
    if (row->is_undo != ((found & HAS_UNDO) != 0))
        row_refuse(violations, "\"undo\": true must be in each line of a file, or in none");
    if (!(found & HAS_VERSION) && (ndjson->shape->version_required || row->is_undo))
        row_miss_version(violations);
    if (!(found & HAS_FIELDS))
        row_refuse(violations, "fields is missing");
}

/* Returns the number of separators before the text; several in a row are one. */
static size_t separators(struct span line)
{
    size_t count = 0;

    while (count < line.size && line.data[count] == RECORD_SEPARATOR)
        count++;
    return count;
}

static bool is_blank(struct span line)
{
    size_t before = separators(line);

    line = span_from(line, before);
    return line.size == 0 || line.data[0] == '\n' ||
           (line.data[0] == '\r' && (line.size == 1 || line.data[1] == '\n'));
}

/* Refuses a line for a reason that explains more than the place where it stops being JSON. */
static bool refuse_known(const struct source *source, struct span raw,
                         struct violations *violations)
{
    const char *first = memchr(raw.data, '\0', raw.size);
    size_t count = 0;

    if (span_starts(raw, span_of("\xEF\xBB\xBF"))) {
        row_refuse(violations, "begins with a byte order mark (U+FEFF), which is allowed only at "
                               "the beginning of a file: remove it");
        return true;
    }
    if (!first)
        return false;
    for (size_t i = 0; i < raw.size; i++)
        count += raw.data[i] == '\0';
    row_refuse_nul(count, source->bytes - raw.size + (size_t)(first - raw.data), violations);
    return true;
}

/* Notes whether a line that was not scanned as JSON has a character of several bytes. */
static void note_text(struct ndjson *ndjson, struct span line)
{
    for (size_t at = 0; at < line.size && !ndjson->tape.several; at++)
        at += str_utf8_scan(span_from(line, at), &ndjson->tape.several);
}

/* Refuses a line that is not JSON; it begins `before` bytes into its row. If nothing so far was
 * UTF-8 with several bytes, the file can be in another encoding. */
static void refuse_text(const struct ndjson *ndjson, struct span line, size_t before,
                        const struct json_fault *fault, struct violations *violations)
{
    bool several = ndjson->tape.several;
    size_t valid = str_utf8_scan(line, &several);
    enum row_encoding likely;
    const char *names = NULL;

    if (valid == fault->offset && valid < line.size && !several)
        names = encoding_guess_single_byte(line, &likely);
    if (names)
        row_refuse(violations,
                   "not JSON: column %zu: %s (looks like %s; convert the file with iconv -f %s -t "
                   "UTF-8)",
                   fault->offset + before + 1, fault->message, names, encoding_name(likely));
    else
        row_refuse(violations, "not JSON: column %zu: %s", fault->offset + before + 1,
                   fault->message);
}

static void take_line(struct ndjson *ndjson, const struct source *source, struct row *row,
                      struct violations *violations)
{
    /* separators before the text shift its columns */
    size_t before = separators(row->raw);
    struct span line = {row->raw.data + before, row->raw.size - before};
    struct json_fault fault;

    /* without it, an early end of the text is reported at the end of the line */
    if (!json_scan(&ndjson->tape, span_without_end(line), 0, &fault)) {
        if (!refuse_known(source, row->raw, violations))
            refuse_text(ndjson, span_without_end(line), before, &fault, violations);
        note_text(ndjson, row->raw);
    } else if (ndjson->tape.tokens[0].kind != JSON_OBJECT) {
        row_refuse(violations, "must be a JSON object");
    } else {
        take_members(ndjson, line, row, violations);
    }
}

enum row_step ndjson_next(struct ndjson *ndjson, struct source *source, struct row *row,
                          struct violations *violations, struct err *err)
{
    char fault[SOURCE_FAULT_SIZE]; /* stays empty: the scanner checks UTF-8 */
    bool whole;

    violations_reset(violations);
    do {
        if (source->begin == source->end && !source->ended && !source_fill(source, err))
            return ROW_STEP_ERROR;
        if (source->begin == source->end)
            return source_finish(source, err) ? ROW_STEP_END : ROW_STEP_ERROR;
        row->line_no = source->lines + 1;
        if (!source_take_line(source, &row->raw, &whole, fault, err))
            return ROW_STEP_ERROR;
    } while (is_blank(row->raw));

    if (whole && source->ended && source->begin == source->end && str_utf8_cut(row->raw)) {
        err_set(
            err, ERR_INPUT,
            "%s: line %llu: the file ends within a UTF-8 character: it is cut off: export it again",
            source->name, (unsigned long long)row->line_no);
        return ROW_STEP_ERROR;
    }
    row->record_id = row->tags = row->fields = (struct span){0};
    row->tape = (struct json_tape){0};
    row->has_version = row->is_undo = false;
    row->version = 0;
    ndjson->tape.count = 0;
    if (whole) {
        take_line(ndjson, source, row, violations);
    } else {
        note_text(ndjson, row->raw);
        row_refuse_length(source->row_max, violations);
    }
    return ROW_STEP_ROW;
}

bool ndjson_skip_to(struct ndjson *ndjson, struct source *source, uint64_t bytes, struct err *err)
{
    char fault[SOURCE_FAULT_SIZE];
    struct span line;
    bool whole;

    while (source->bytes < bytes && !(source->ended && source->begin == source->end)) {
        if (!source_take_line(source, &line, &whole, fault, err))
            return false;
        note_text(ndjson, line);
    }
    return source_skip_to(source, bytes, err);
}
