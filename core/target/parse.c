#include "core/target/parse.h"

#include "core/base/mem.h"

#include <stdarg.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

void parse_below(char pointer[PARSE_POINTER_SIZE], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(pointer, PARSE_POINTER_SIZE, format, args);
    va_end(args);
}

bool parse_refuse(struct parse *r, const char *pointer, const char *format, ...)
{
    va_list args;

    snprintf(r->fault->pointer, sizeof r->fault->pointer, "%s", pointer);
    va_start(args, format);
    vsnprintf(r->fault->text, sizeof r->fault->text, format, args);
    va_end(args);
    return false;
}

const struct json_token *parse_token(const struct parse *r, uint32_t i)
{
    return &r->to->tape.tokens[i];
}

bool parse_is(const struct parse *r, uint32_t i, enum json_kind kind)
{
    return parse_token(r, i)->kind == kind;
}

void *parse_own(struct parse *r, void *memory)
{
    r->to->owned = mem_resize(r->to->owned, r->to->owned_count + 1, sizeof *r->to->owned);
    return r->to->owned[r->to->owned_count++] = memory;
}

struct span parse_string(struct parse *r, uint32_t i)
{
    struct span text = json_string(parse_token(r, i), r->to->text, &r->scratch);

    return (struct span){parse_own(r, mem_copy(text.data, text.size)), text.size};
}

struct span parse_json(const struct parse *r, uint32_t i)
{
    return json_written(parse_token(r, i), r->to->text);
}

uint32_t parse_member(struct parse *r, uint32_t object, const char *name)
{
    uint32_t found = pointer_member(span_of(name), &r->to->tape, r->to->text, object, &r->scratch);

    return found == POINTER_NOTHING || parse_is(r, found, JSON_NULL) ? 0 : found;
}

bool parse_members(struct parse *r, uint32_t object, const char *pointer, const char *const *names)
{
    if (!parse_is(r, object, JSON_OBJECT))
        return parse_refuse(r, pointer, "must be an object");
    for (uint32_t i = object + 1; i < parse_token(r, object)->next;
         i = parse_token(r, i + 1)->next) {
        struct span name = json_string(parse_token(r, i), r->to->text, &r->scratch);
        const char *const *known = names;
        char shown[64];

        while (*known && !span_is(name, *known))
            known++;
        if (*known)
            continue;
        str_printable(name, shown, sizeof shown);
        PARSE_BELOW(at, "%s/%s", pointer, shown);
        return parse_refuse(r, at, "the member \"%s\" is not supported", shown);
    }
    return true;
}

bool parse_pointer(struct parse *r, uint32_t value, const char *pointer, struct pointer *out)
{
    if (!parse_is(r, value, JSON_STRING) || !pointer_add(out, parse_string(r, value)))
        return parse_refuse(r, pointer,
                            "must be a JSON pointer: \"\" or a text that begins with \"/\"");
    return true;
}

bool parse_is_place(struct parse *r, const char *pointer, const struct pointer *place)
{
    for (uint32_t i = 0; i < place->count; i++) {
        struct span name = place->names[i];
        size_t digits = 0;

        while (digits < name.size && str_is_digit(name.data[digits]))
            digits++;
        if ((name.size && digits == name.size) || span_is(name, "-"))
            return parse_refuse(r, pointer,
                                "leads to item %.*s of an array, and items cannot be sent one by "
                                "one: give the place of the whole array",
                                (int)name.size, name.data);
    }
    return true;
}

bool parse_place(struct parse *r, uint32_t value, const char *pointer, struct pointer *out)
{
    return parse_pointer(r, value, pointer, out) && parse_is_place(r, pointer, out);
}

bool parse_is_field_name(struct span name)
{
    for (size_t i = 0; i < name.size; i++)
        if (!str_is_letter(name.data[i]) && !str_is_digit(name.data[i]) &&
            !str_has("!#$%&'*+-.^_`|~", name.data[i]))
            return false;
    return name.size > 0 && name.size <= 64;
}

bool parse_spot(struct parse *r, uint32_t value, const char *pointer, struct description_spot *spot)
{
    static const struct span prefix = {"header:", 7};
    struct span text = {0};

    spot->is_there = true;
    if (parse_is(r, value, JSON_STRING))
        text = parse_string(r, value);
    if (!span_starts(text, prefix))
        return parse_pointer(r, value, pointer, &spot->pointer);
    text = span_from(text, prefix.size);
    if (!parse_is_field_name(text))
        return parse_refuse(r, pointer, "does not name a header field after \"header:\"");
    spot->header = parse_own(r, mem_copy(text.data, text.size));
    return true;
}

/* Returns the number of a placeholder's value, or -1: a parameter hides what is built in. context:
 * the struct parse. */
static int find_value(const void *context, struct span name)
{
    static const char *const known[] = {
        [BODY_NAME] = "name",
        [BODY_PATH] = "path",
        [BODY_VALUE] = "value",
        [DESCRIPTION_ID] = "id",
        [DESCRIPTION_SCHEMA] = "schema",
        [DESCRIPTION_SOURCE] = "source",
        [DESCRIPTION_TAGS] = "tags",
    };
    const struct parse *r = context;

    for (uint32_t i = 0; i < r->to->param_count; i++)
        if (span_equal(r->to->params[i].name, name))
            return (int)(DESCRIPTION_FIRST_PARAM + i);
    for (unsigned i = r->in_item ? 0 : BODY_VALUES; i < COUNT(known); i++)
        if (span_is(name, known[i]))
            return (int)i;
    return -1;
}

static bool refuse_unknown(struct parse *r, const char *pointer, struct span name)
{
    return parse_refuse(r, pointer, "nothing fills {%.*s}: declare it in params", (int)name.size,
                        name.data);
}

bool parse_text(struct parse *r, uint32_t value, const char *pointer, enum template_use use,
                struct template *out)
{
    struct span unknown = {0};

    if (!parse_is(r, value, JSON_STRING))
        return parse_refuse(r, pointer, "must be a string");
    return template_add_text(out, parse_string(r, value), use, find_value, r, &unknown) ||
           refuse_unknown(r, pointer, unknown);
}

bool parse_constant(struct parse *r, uint32_t value, const char *pointer, struct template *out)
{
    struct span unknown = {0};

    return template_add_json(out, r->to->text, &r->to->tape, value, find_value, r, &unknown) ||
           refuse_unknown(r, pointer, unknown);
}

/* A segment . or .. is taken out of a URL before it is sent, with the segment before it. */
static bool has_dots(struct span path)
{
    const char *end = path.data + path.size;

    for (const char *c = path.data; c < end && *c != '?'; c++) {
        size_t dots = 0;

        while (*c == '/' && c + 1 + dots < end && c[1 + dots] == '.')
            dots++;
        if ((dots == 1 || dots == 2) && (c + 1 + dots == end || str_has("/?", c[1 + dots])))
            return true;
    }
    return false;
}

bool parse_path(struct parse *r, uint32_t value, const char *pointer, bool query,
                struct template *path)
{
    struct span text, unknown;
    const char *end;

    if (!parse_is(r, value, JSON_STRING) || parse_string(r, value).size == 0 ||
        parse_string(r, value).data[0] != '/')
        return parse_refuse(r, pointer, "must be a path that begins with \"/\"");
    text = parse_string(r, value);
    for (size_t i = 0; i < text.size; i++)
        if ((signed char)text.data[i] <= ' ' || text.data[i] == 0x7f || text.data[i] == '#')
            return parse_refuse(
                r, pointer,
                "must not have blanks, control characters, # or letters beyond ASCII: "
                "percent-encode them");
    end = query ? NULL : memchr(text.data, '?', text.size);
    text.size = end ? (size_t)(end - text.data) : text.size;
    if (has_dots(text))
        return parse_refuse(r, pointer, "must not have a segment . or ..");
    if (!template_add_text(path, text, TEMPLATE_SEGMENT, find_value, r, &unknown))
        return refuse_unknown(r, pointer, unknown);
    for (uint32_t i = 0; i < path->count; i++) {
        const struct template_piece *piece = &path->pieces[i];
        const struct description_param *param;

        if (piece->use != TEMPLATE_SEGMENT || piece->value < DESCRIPTION_FIRST_PARAM)
            continue;
        param = &r->to->params[piece->value - DESCRIPTION_FIRST_PARAM];
        if (span_is(param->value.text, ".") || span_is(param->value.text, ".."))
            return parse_refuse(r, pointer, "cannot have \"%s\" in place of {%.*s}",
                                span_is(param->value.text, ".") ? "." : "..", (int)param->name.size,
                                param->name.data);
    }
    return true;
}
