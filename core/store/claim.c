#include "core/store/claim.h"

#include <stdlib.h>

struct span claim_schema(const struct claim *claim)
{
    return (struct span){claim->text.data, claim->schema_size};
}

struct span claim_record_id(const struct claim *claim)
{
    return (struct span){claim->text.data + claim->schema_size, claim->record_id_size};
}

struct span claim_fields(const struct claim *claim)
{
    return (struct span){claim->text.data + claim->schema_size + claim->record_id_size,
                         claim->fields_size};
}

struct span claim_tags(const struct claim *claim)
{
    size_t before = claim->schema_size + claim->record_id_size + claim->fields_size;

    return (struct span){claim->text.data + before, claim->tags_size};
}

struct span claim_token(const struct claim *claim)
{
    return (struct span){claim->base.data, claim->token_size};
}

struct span claim_under(const struct claim *claim)
{
    return (struct span){claim->base.data + claim->token_size, claim->under_size};
}

struct span claim_row_fields(const struct claim *claim)
{
    size_t before = claim->token_size + claim->under_size;

    if (claim->base.size == before)
        return claim_fields(claim);
    return span_from(buf_span(&claim->base), before);
}

void claim_release_outcome(struct claim_outcome *outcome)
{
    for (size_t i = 0; i < outcome->violation_count; i++) {
        free(outcome->violations[i].field);
        free(outcome->violations[i].code);
        free(outcome->violations[i].message);
    }
    free(outcome->violations);
    free(outcome->server_record);
    free(outcome->fields);
    free(outcome->token);
    free(outcome->under);
    free(outcome->audit_entry);
    free(outcome->before);
    outcome->violations = NULL;
    outcome->violation_count = 0;
    outcome->server_record = outcome->fields = outcome->audit_entry = outcome->token =
        outcome->under = NULL;
    outcome->before = NULL;
}

void claim_release(struct claim *claim)
{
    claim_release_outcome(&claim->outcome);
    buf_release(&claim->text);
    buf_release(&claim->base);
    buf_release(&claim->siblings);
    buf_release(&claim->record);
}
