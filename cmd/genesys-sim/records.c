#include "cmd/genesys-sim/records.h"

#include "cmd/genesys-sim/strict.h"
#include "core/base/mem.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>

/* FNV-1a (64 bits) over both names; the NUL between them keeps (a, bc) and (ab, c) apart. */
static uint64_t hash_names(const char *schema, const char *id)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    const char *names[] = {schema, id};

    for (size_t n = 0; n < 2; n++) {
        const char *byte = names[n];

        do {
            hash = (hash ^ (unsigned char)*byte) * UINT64_C(0x100000001B3);
        } while (*byte++);
    }
    return hash;
}

/* Frees every state that is older than this one. */
static void forget_older(struct record_state *state)
{
    while (state->older) {
        struct record_state *older = state->older;

        state->older = older->older;
        free(older->fields);
        free(older->metadata);
        free(older);
    }
}

static void state_release(struct record_state *state)
{
    forget_older(state);
    free(state->fields);
    free(state->metadata);
    *state = (struct record_state){0};
}

static void free_record(void *node)
{
    struct record *record = node;

    free(record->schema);
    free(record->id);
    state_release(&record->now);
    free(record->audit);
    free(record);
}

void records_release(struct records *records)
{
    tdestroy(records->tree, free_record);
    *records = (struct records){0};
}

/* Compares by hash first, because ids often begin alike. */
static int compare(const void *a, const void *b)
{
    const struct record *left = a, *right = b;
    int order = (left->hash > right->hash) - (left->hash < right->hash);

    if (!order)
        order = strcmp(left->schema, right->schema);
    return order ? order : strcmp(left->id, right->id);
}

struct record *records_find(const struct records *records, const char *schema, const char *id)
{
    const struct record key = {
        .schema = (char *)schema, .id = (char *)id, .hash = hash_names(schema, id)};
    struct record *const *found = tfind(&key, &records->tree, compare);

    return found ? *found : NULL;
}

int64_t records_version(const struct records *records, const char *schema, const char *id)
{
    const struct record *record = records_find(records, schema, id);

    if (record)
        return record->now.version;
    return records->only_seeded ? -1 : records->base_version;
}

static struct record *find_or_add(struct records *records, const char *schema, const char *id)
{
    struct record *record = records_find(records, schema, id);

    if (record)
        return record;
    record = mem_calloc(1, sizeof *record);
    record->schema = mem_strdup(schema);
    record->id = mem_strdup(id);
    record->now.version = records->base_version;
    record->hash = hash_names(schema, id);
    if (!tsearch(record, &records->tree, compare))
        abort(); /* no memory */
    records->count++;
    return record;
}

static char *copy_text(struct span span)
{
    return span.data ? mem_copy(span.data, span.size) : NULL;
}

const struct record_state *record_at(const struct record *record, int64_t at_ms)
{
    const struct record_state *state = &record->now;

    while (state->since_ms > at_ms && state->older)
        state = state->older;
    return state;
}

/* Makes the current state the older one of the next, and frees states that no lagging read needs.
 */
static void keep_state(struct record *record, int64_t seen_ms)
{
    struct record_state *kept = mem_calloc(1, sizeof *kept), *last = kept;

    *kept = record->now;
    while (last->since_ms > seen_ms && last->older)
        last = last->older;
    forget_older(last);
    record->now.older = kept;
}

void records_update(struct records *records, const char *schema, const char *id, struct span fields,
                    struct span metadata, const struct audit_entry *audit, int64_t lag_ms)
{
    struct record *record = find_or_add(records, schema, id);
    int64_t version = record->now.version + 1;

    if (lag_ms > 0)
        keep_state(record, audit->at_ms - lag_ms);
    else
        state_release(&record->now);
    record->now = (struct record_state){.version = version,
                                        .since_ms = audit->at_ms,
                                        .fields = copy_text(fields),
                                        .metadata = copy_text(metadata),
                                        .older = record->now.older};
    if (record->audit_count == record->audit_capacity) {
        record->audit_capacity = record->audit_capacity ? record->audit_capacity * 2 : 1;
        record->audit = mem_resize(record->audit, record->audit_capacity, sizeof *record->audit);
    }
    record->audit[record->audit_count] = *audit;
    record->audit[record->audit_count].version = version;
    record->audit[record->audit_count].seq = ++records->audit_seq;
    record->audit_count++;
}

static bool load_line(struct records *records, struct span line, struct err *err)
{
    static const char *const names[] = {"schema", "id", "version", "fields", "metadata", NULL};
    struct strict_object object;
    struct span fields, metadata;
    struct record *record;
    int64_t version;
    char *schema, *id;

    if (!strict_check(line, err) || !strict_split(&object, line, err) ||
        !strict_only(&object, names, err))
        return false;
    fields = strict_find(&object, "fields");
    metadata = strict_find(&object, "metadata");
    if (!str_to_int64(strict_find(&object, "version"), 0, INT64_MAX / 2, &version))
        return err_set(err, ERR_CONFIG, "version must be an integer, 0 or more");
    if (!strict_is_object(fields) || (metadata.data && !strict_is_object(metadata)))
        return err_set(err, ERR_CONFIG, "fields and metadata must be objects");
    schema = strict_text(strict_find(&object, "schema"));
    id = strict_text(strict_find(&object, "id"));
    if (schema && id) {
        record = find_or_add(records, schema, id);
        state_release(&record->now);
        record->now = (struct record_state){
            .version = version, .fields = copy_text(fields), .metadata = copy_text(metadata)};
    }
    free(schema);
    free(id);
    return schema && id ? true : err_set(err, ERR_CONFIG, "schema and id must be strings");
}

bool records_load(struct records *records, const char *path, struct err *err)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t capacity = 0;
    bool ok = true;
    ssize_t size;

    if (!file)
        return err_set(err, ERR_CONFIG, "cannot read %s: %s", path, strerror(errno));
    for (size_t number = 1; ok && (size = getline(&line, &capacity, file)) > 0; number++) {
        ok = load_line(records, (struct span){line, (size_t)size}, err);
        if (!ok)
            err_wrap(err, "%s: line %zu", path, number);
    }
    if (ok && ferror(file))
        ok = err_set(err, ERR_CONFIG, "cannot read %s: %s", path, strerror(errno));
    free(line);
    fclose(file);
    return ok;
}
