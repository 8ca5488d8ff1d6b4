#include "core/drain/knowledge.h"

#include "core/api/fields.h"
#include "core/base/mem.h"
#include "core/drain/rebase.h"
#include "core/job/freshness.h"

#include <stdlib.h>

struct knowledge {
    struct rebase *rebase;
    struct known_decider decider;
};

static bool keeps(void *context, struct span schema)
{
    struct knowledge *knowledge = context;
    const struct row_shape *shape = rebase_shape(knowledge->rebase, schema);

    return shape && shape->version_known;
}

static bool target(void *context, struct span schema, const struct target_parts *parts,
                   struct known_target *facts, struct err *err)
{
    struct knowledge *knowledge = context;
    const struct row_shape *shape = rebase_shape(knowledge->rebase, schema);
    const struct target *found = rebase_batch_target(knowledge->rebase, schema, parts, err);

    if (!found)
        return false;
    *facts = (struct known_target){
        .lock = target_description(found)->lock,
        .reads_first = target_reads_first(found, shape && shape->write_replaces),
        .bulk = target_description(found)->bulk.max,
        .schema_hash = rebase_hash(knowledge->rebase, schema),
    };
    return true;
}

/* Builds the PUT. The rules of the schema file hold for the row alone; with other fields of the
 * record they can be broken, and the record as it is now decides that. */
static bool build(struct knowledge *knowledge, const struct claim *claim, struct span theirs,
                  enum known_use *use, struct span *fields, struct err *err)
{
    struct rebased rebased;

    if (!rebase_build(knowledge->rebase, claim_schema(claim), claim->is_exact, claim_fields(claim),
                      theirs, &rebased, err))
        return false;
    *use = rebased.broken ? KNOWN_FETCH : KNOWN_SEND;
    *fields = rebased.fields;
    return true;
}

static bool decide(void *context, const struct claim *claim, const struct known *known,
                   int64_t now_ms, enum known_use *use, struct span *fields, struct err *err)
{
    struct knowledge *knowledge = context;
    struct span schema = claim_schema(claim), theirs = buf_span(&known->fields);
    const struct row_shape *shape = rebase_shape(knowledge->rebase, schema);
    struct api_fields_relation relation;

    *use = KNOWN_FETCH;
    if (!shape || !freshness_counts(shape->known_for_ms, schema, claim_record_id(claim),
                                    known->seen_ms, now_ms))
        return true;
    relation = api_fields_relate(claim_fields(claim), theirs);
    if (relation.is_within && !(shape->write_replaces && relation.has_others) &&
        !shape->sends_unchanged) {
        *use = KNOWN_SKIP;
    } else if (known->has_version && (shape->write_replaces || !relation.has_others)) {
        *use = KNOWN_SEND;
        *fields = claim_fields(claim);
    } else if (known->has_version) {
        return build(knowledge, claim, theirs, use, fields, err);
    }
    return true;
}

static bool same(struct span a, struct span b)
{
    struct api_fields_relation relation = api_fields_relate(a, b);

    return relation.is_within && !relation.has_others;
}

struct knowledge *knowledge_open(const char *folder)
{
    struct knowledge *knowledge = mem_calloc(1, sizeof *knowledge);

    knowledge->rebase = rebase_open(folder);
    knowledge->decider = (struct known_decider){keeps, target, decide, same, knowledge};
    return knowledge;
}

void knowledge_close(struct knowledge *knowledge)
{
    if (!knowledge)
        return;
    rebase_close(knowledge->rebase);
    free(knowledge);
}

const struct known_decider *knowledge_decider(const struct knowledge *knowledge)
{
    return &knowledge->decider;
}
