/* The extension keyword `x-rowferry` (rowferry-schema(5)). */
#include "core/validate/extension.h"

#include "core/base/mem.h"
#include "core/validate/extension_csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BELOW_SIZE = 256 /* bytes of the pointer below x-rowferry */ };

#define KNOWN_FOR_MS (INT64_C(30) * 86400000) /* by default */

/* Reads the members of a rule, which are strings. */
static bool read_rule(struct compiler *c, uint32_t value, const char *below, struct rule *rule)
{
    struct {
        const char *name;
        struct span *text;
    } members[] = {{"check", &rule->check}, {"field", &rule->field}, {"message", &rule->message}};
    uint32_t known = 0, text;
    char at[BELOW_SIZE + 16];

    if (!compiler_is(c, value, JSON_OBJECT))
        return compiler_refuse(c, below, "must be an object with check, field and message");
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        text = compiler_member(c, value, members[i].name);
        if (!text)
            continue;
        known++;
        snprintf(at, sizeof at, "%s/%s", below, members[i].name);
        if (!compiler_is(c, text, JSON_STRING))
            return compiler_refuse(c, at, "must be a string");
        *members[i].text = compiler_own(c, text);
    }
    if (known != compiler_token(c, value)->count)
        return compiler_refuse(c, below, "can only have check, field and message");
    if (!rule->check.size || !rule->message.size)
        return compiler_refuse(c, below, "needs check and message");
    return true;
}

static bool compile_rule(struct compiler *c, uint32_t value, uint32_t index)
{
    struct rule rule = {0};
    struct err fault = {0};
    char below[BELOW_SIZE], at[BELOW_SIZE + 16];

    snprintf(below, sizeof below, "/rules/%u", index);
    if (!read_rule(c, value, below, &rule))
        return false;
    snprintf(at, sizeof at, "%s/field", below);
    if (rule.field.size && !compiler_property(c, rule.field))
        return compiler_refuse(c, at, "is not declared in properties");
    snprintf(at, sizeof at, "%s/check", below);
    if (!rules_add(c->schema->rules, &rule, &fault))
        return compiler_refuse(c, at, "%s", fault.text);
    return true;
}

static bool compile_rules(struct compiler *c, uint32_t value)
{
    struct err fault = {0};
    uint32_t index = 0;

    if (!compiler_is(c, value, JSON_ARRAY))
        return compiler_refuse(c, "/rules", "must be an array");
    if (!compiler_token(c, value)->count)
        return true;
    if (!c->schema->shape.count)
        return compiler_refuse(c, "/rules", "need declared properties");
    c->schema->rules = rules_open(&c->schema->shape, &fault);
    if (!c->schema->rules)
        return compiler_refuse(c, "/rules", "%s", fault.text);
    for (uint32_t i = value + 1; i < compiler_end(c, value); i = compiler_token(c, i)->next)
        if (!compile_rule(c, i, index++))
            return false;
    return rules_finish(c->schema->rules, &fault) ||
           compiler_refuse(c, "/rules", "are too complex together: %s", fault.text);
}

/* Reads a setting with two values; sets *is_second for the second one. */
static bool compile_choice(struct compiler *c, uint32_t value, const char *below, const char *first,
                           const char *second, bool *is_second)
{
    struct span choice = compiler_string(c, value);

    *is_second = span_is(choice, second);
    return *is_second || span_is(choice, first) ||
           compiler_refuse(c, below, "must be \"%s\" or \"%s\"", first, second);
}

static bool compile_version(struct compiler *c, uint32_t value)
{
    struct row_shape *shape = &c->schema->shape;
    struct span choice = compiler_string(c, value);

    shape->version_known = span_is(choice, "known");
    shape->version_fetched = shape->version_known || span_is(choice, "fetch");
    shape->version_required = !shape->version_fetched;
    shape->known_for_ms = KNOWN_FOR_MS;
    return shape->version_fetched || span_is(choice, "required") ||
           compiler_refuse(c, "/version", "must be \"required\", \"fetch\" or \"known\"");
}

static bool compile_write(struct compiler *c, uint32_t value)
{
    return compile_choice(c, value, "/write", "merge", "replace", &c->schema->shape.write_replaces);
}

/* Reads a time like `12h`; 0 is for ever. */
static bool compile_known_for(struct compiler *c, uint32_t value)
{
    const struct json_token *token = compiler_token(c, value);
    bool is_text = compiler_is(c, value, JSON_STRING);
    char text[32] = "";

    if (!c->schema->shape.version_known)
        return compiler_refuse(c, "/knownFor", "is for \"version\": \"known\"");
    if ((is_text || compiler_is(c, value, JSON_NUMBER)) && token->size < sizeof text)
        memcpy(text, c->plan->text + token->start, token->size);
    return ((is_text || strcmp(text, "0") == 0) &&
            str_to_duration_ms(text, &c->schema->shape.known_for_ms)) ||
           compiler_refuse(c, "/knownFor",
                           "must be a time like \"30d\" or \"12h\", or 0, for ever");
}

static bool compile_unchanged(struct compiler *c, uint32_t value)
{
    if (!c->schema->shape.version_fetched)
        return compiler_refuse(c, "/unchanged", "is for \"version\": \"known\" or \"fetch\"");
    return compile_choice(c, value, "/unchanged", "skip", "send",
                          &c->schema->shape.sends_unchanged);
}

static bool compile_record_id(struct compiler *c, uint32_t value)
{
    uint32_t pattern =
        compiler_is(c, value, JSON_OBJECT) ? compiler_member(c, value, "pattern") : 0;

    if (!pattern || compiler_token(c, value)->count != 1)
        return compiler_refuse(c, "/recordId", "must be an object with pattern");
    if (!compiler_is(c, pattern, JSON_STRING))
        return compiler_refuse(c, "/recordId/pattern", "must be a string");
    c->schema->record_id = compiler_pattern(c, compiler_string(c, pattern), "/recordId/pattern");
    return c->schema->record_id != NULL;
}

static bool compile_flag(struct compiler *c, uint32_t value, const char *below, bool *flag)
{
    *flag = compiler_is(c, value, JSON_TRUE);
    return *flag || compiler_is(c, value, JSON_FALSE) ||
           compiler_refuse(c, below, "must be true or false");
}

static bool compile_trim(struct compiler *c, uint32_t value)
{
    return compile_flag(c, value, "/trim", &c->schema->shape.trim);
}

static bool compile_keep_before(struct compiler *c, uint32_t value)
{
    return compile_flag(c, value, "/keepBefore", &c->schema->shape.keeps_before);
}

/* Has readers make record ids of the columns that are parameters. */
static void take_parts(struct compiler *c, const struct description *target)
{
    struct row_shape *shape = &c->schema->shape;
    struct span *parts = plan_own(c->plan, mem_calloc(ROW_PARTS_MAX, sizeof *parts));

    for (uint32_t i = 0; i < target->param_count; i++)
        if (target->params[i].is_column)
            parts[shape->part_count++] = target->params[i].column;
    shape->parts = parts;
}

/* What the lock makes of `version`, and what is not sent of `write`. */
static bool check_target(struct compiler *c, const struct description *target)
{
    struct row_shape *shape = &c->schema->shape;

    take_parts(c, target);
    if (shape->write_replaces && target->keeps)
        return compiler_refuse(c, "/write",
                               "cannot be \"replace\": the target keeps what is not "
                               "sent (\"absent\": \"keep\")");
    if (shape->version_known && target->lock != TARGET_STEP)
        return compiler_refuse(c, "/version",
                               "cannot be \"known\": the target's lock is not a "
                               "version that each update raises by 1");
    if (shape->keeps_before && target->lock != TARGET_STEP)
        return compiler_refuse(c, "/keepBefore",
                               "needs a target whose lock is a version that each "
                               "update raises by 1");
    if (shape->keeps_before && target->keeps)
        return compiler_refuse(c, "/keepBefore",
                               "cannot be true: the target keeps what is not sent, so that no "
                               "update removes a field again");
    if (target->lock == TARGET_NONE) {
        shape->version_required = false;
        shape->version_fetched = true;
    }
    if (shape->version_required && target->lock == TARGET_OPAQUE && target->lock_write.header)
        return compiler_refuse(c, "/version",
                               "must be \"fetch\": a column cannot have the token of "
                               "a header field");
    return true;
}

/* Compiles the target, which depends on the properties and on `version` and `write`. */
static bool compile_target(struct compiler *c, uint32_t value)
{
    const struct row_shape *shape = &c->schema->shape;
    struct span *properties = mem_calloc(shape->count + 1, sizeof *properties);
    struct description_fault fault;
    char below[BELOW_SIZE + 16];

    for (size_t i = 0; i < shape->count; i++)
        properties[i] = shape->properties[i].name;
    c->schema->target =
        target_open(c->plan->text, &c->plan->tape, value, properties, shape->count, &fault);
    free(properties);
    if (c->schema->target)
        return check_target(c, target_description(c->schema->target));
    snprintf(below, sizeof below, "/target%s", fault.pointer);
    return compiler_refuse(c, below, "%s", fault.text);
}

static const struct {
    const char *name;
    bool (*compile)(struct compiler *c, uint32_t value);
} settings[] = {
    {"columns", extension_columns},
    {"formats", extension_formats},
    {"csv", extension_csv},
    {"rules", compile_rules},
    {"version", compile_version},
    {"write", compile_write},
    {"recordId", compile_record_id},
    {"trim", compile_trim},
    {"keepBefore", compile_keep_before},
    /* after version, on which they depend */
    {"knownFor", compile_known_for},
    {"unchanged", compile_unchanged},
    {"target", compile_target},
};

/* Refuses a member that is not a setting. */
static bool check_setting(struct compiler *c, uint32_t member)
{
    struct span name = compiler_string(c, member);
    char printable[BELOW_SIZE - 1], below[BELOW_SIZE];

    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (span_is(name, settings[i].name))
            return true;
    str_printable(name, printable, sizeof printable);
    snprintf(below, sizeof below, "/%s", printable);
    return compiler_refuse(c, below, "the setting \"%s\" is not supported", printable);
}

bool extension_compile(struct compiler *c, uint32_t value)
{
    c->keyword = "x-rowferry";
    if (!compiler_is(c, value, JSON_OBJECT))
        return compiler_refuse(c, "", "must be an object");
    for (uint32_t i = value + 1; i < compiler_end(c, value); i = compiler_next(c, i))
        if (!check_setting(c, i))
            return false;
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        uint32_t member = compiler_member(c, value, settings[i].name);

        if (member && !settings[i].compile(c, member))
            return false;
    }
    return true;
}
