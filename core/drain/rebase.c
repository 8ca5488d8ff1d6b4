#include "core/drain/rebase.h"

#include "core/api/fields.h"
#include "core/base/mem.h"
#include "core/validate/checker.h"

#include <stdlib.h>

/* A schema file that was needed. */
struct base {
    struct base *next;
    struct schema *schema;
    struct checker *checker;
    struct rebase_rows rows;
};

struct rebase {
    char *folder;
    char *unreadable; /* the schema whose file was looked for last, and is missing or wrong */
    struct target_scratch scratch, other;
    struct base *bases;
    struct buf fields, broken;
    struct json_tape tape;
    struct violations violations;
};

struct rebase *rebase_open(const char *folder)
{
    struct rebase *rebase = mem_calloc(1, sizeof *rebase);

    rebase->folder = mem_strdup(folder);
    return rebase;
}

void rebase_close(struct rebase *rebase)
{
    if (!rebase)
        return;
    while (rebase->bases) {
        struct base *base = rebase->bases;

        rebase->bases = base->next;
        checker_close(base->checker);
        schema_close(base->schema);
        free(base);
    }
    violations_release(&rebase->violations);
    json_tape_release(&rebase->tape);
    buf_release(&rebase->fields);
    buf_release(&rebase->broken);
    target_scratch_release(&rebase->scratch);
    target_scratch_release(&rebase->other);
    free(rebase->unreadable);
    free(rebase->folder);
    free(rebase);
}

static struct base *load(struct rebase *rebase, struct span name, struct err *err)
{
    struct base *base = mem_calloc(1, sizeof *base);
    struct buf path = {0};

    buf_printf(&path, "%s/%.*s.json", rebase->folder, (int)name.size, name.data);
    base->schema = schema_open(buf_text(&path), err);
    buf_release(&path);
    if (base->schema)
        base->checker = checker_open(base->schema, err);
    if (!base->checker) {
        schema_close(base->schema);
        free(base);
        return NULL;
    }
    base->next = rebase->bases;
    rebase->bases = base;
    return base;
}

static struct base *find_loaded(const struct rebase *rebase, struct span name)
{
    struct base *base = rebase->bases;

    while (base && !span_is(name, schema_name(base->schema)))
        base = base->next;
    return base;
}

static struct base *find(struct rebase *rebase, struct span name, struct err *err)
{
    struct base *base = find_loaded(rebase, name);

    return base ? base : load(rebase, name, err);
}

/* The same for those who can do without. A file that is missing or wrong is looked for once, until
 * another one is. */
static struct base *find_if_readable(struct rebase *rebase, struct span name)
{
    struct base *base = find_loaded(rebase, name);
    struct err ignored;

    if (base || (rebase->unreadable && span_is(name, rebase->unreadable)))
        return base;
    base = load(rebase, name, &ignored);
    if (!base) {
        free(rebase->unreadable);
        rebase->unreadable = mem_copy(name.data, name.size);
    }
    return base;
}

/* Checks the rules of the schema file with rebase->fields; *broken: the message of the first one
 * that is broken, or NULL. */
static bool check_rules(struct rebase *rebase, struct base *base, const char **broken,
                        struct err *err)
{
    struct row row = {.fields = buf_span(&rebase->fields)};
    struct json_fault fault;

    *broken = NULL;
    rebase->tape.count = 0;
    violations_reset(&rebase->violations);
    if (!json_scan(&rebase->tape, row.fields, 0, &fault))
        return err_set(err, ERR_INTERNAL, "fields applied over others: %s", fault.message);
    row.tape = rebase->tape;
    if (!checker_check_rules(base->checker, &row, &rebase->violations, err))
        return false;
    if (!rebase->violations.count)
        return true;
    buf_reset(&rebase->broken);
    buf_append_span(&rebase->broken, violation_message(&rebase->violations, 0));
    *broken = buf_text(&rebase->broken);
    return true;
}

bool rebase_build(struct rebase *rebase, struct span schema, bool whole, struct span ours,
                  struct span theirs, struct rebased *rebased, struct err *err)
{
    struct base *base = whole ? NULL : find(rebase, schema, err);
    const struct target *target = target_guide();
    bool replaces = whole;

    if (!base && !whole)
        return false;
    if (base) {
        target = schema_target(base->schema);
        replaces = schema_shape(base->schema)->write_replaces;
    }
    buf_reset(&rebase->fields);
    if (replaces)
        buf_append_span(&rebase->fields, ours);
    else
        api_fields_merge(&rebase->fields, ours, theirs);
    /* what is not sent stays as it is */
    rebased->fields = target_description(target)->keeps ? ours : buf_span(&rebase->fields);
    ours = target_comparable(target, ours, &rebase->scratch);
    rebased->is_there =
        theirs.size &&
        (target_description(target)->lock == TARGET_STEP ? api_fields_within
                                                         : api_fields_held)(ours, theirs) &&
        (!replaces || api_fields_within(target_comparable(target, theirs, &rebase->other), ours));
    rebased->broken = NULL;
    return whole || check_rules(rebase, base, &rebased->broken, err);
}

struct rebase_rows *rebase_rows(struct rebase *rebase, struct span schema)
{
    struct base *base = find_if_readable(rebase, schema);

    return base ? &base->rows : NULL;
}

const struct target *rebase_target(struct rebase *rebase, struct span schema)
{
    struct base *base = find_if_readable(rebase, schema);

    return base ? schema_target(base->schema) : target_guide();
}

const struct target *rebase_batch_target(struct rebase *rebase, struct span schema,
                                         const struct target_parts *parts, struct err *err)
{
    const struct target *target = rebase_target(rebase, schema);

    if (parts->is_named && !find_if_readable(rebase, schema))
        err_set(err, ERR_CONFIG,
                "the schema file of %.*s is missing or wrong, so it is not known which resource "
                "its rows update: run `rowferry doctor`, which reports what is wrong",
                (int)schema.size, schema.data);
    else if (target_check_parts(target, schema, parts, err))
        return target;
    return NULL;
}

const struct row_shape *rebase_shape(struct rebase *rebase, struct span schema)
{
    struct base *base = find_if_readable(rebase, schema);

    return base ? schema_shape(base->schema) : NULL;
}

const char *rebase_hash(struct rebase *rebase, struct span schema)
{
    struct base *base = find_if_readable(rebase, schema);

    return base ? schema_hash(base->schema) : NULL;
}

bool rebase_merges(struct rebase *rebase, struct span schema)
{
    const struct row_shape *shape = rebase_shape(rebase, schema);

    return shape && !shape->write_replaces;
}

bool rebase_sends_unchanged(struct rebase *rebase, struct span schema)
{
    const struct row_shape *shape = rebase_shape(rebase, schema);

    return shape && shape->sends_unchanged;
}
