#include "cmd/rowferry/findings.h"

#include "cmd/rowferry/words.h"
#include "core/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void findings_release(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        free(findings->items[i].field);
        free(findings->items[i].rule);
    }
    free(findings->items);
    *findings = (struct findings){0};
}

/* True when an earlier violation of the row is of the same kind. */
static bool is_repeated(const struct violations *violations, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (span_equal(violation_field(violations, i), violation_field(violations, index)) &&
            span_equal(violation_rule(violations, i), violation_rule(violations, index)))
            return true;
    return false;
}

static struct finding *find(struct findings *findings, struct span field, struct span rule)
{
    for (size_t i = 0; i < findings->count; i++)
        if (span_is(field, findings->items[i].field) && span_is(rule, findings->items[i].rule))
            return &findings->items[i];
    if (findings->count == FINDINGS_MAX)
        return NULL;
    if (findings->count == findings->capacity) {
        findings->capacity = findings->capacity ? 2 * findings->capacity : 16;
        findings->items =
            mem_resize(findings->items, findings->capacity, sizeof findings->items[0]);
    }
    findings->items[findings->count] =
        (struct finding){mem_copy(field.data, field.size), mem_copy(rule.data, rule.size), 0};
    return &findings->items[findings->count++];
}

void findings_add(struct findings *findings, const struct violations *violations)
{
    for (size_t i = 0; i < violations->count; i++) {
        struct finding *finding;

        if (is_repeated(violations, i))
            continue;
        finding = find(findings, violation_field(violations, i), violation_rule(violations, i));
        if (finding)
            finding->rows++;
        else
            findings->others++;
    }
}

static int compare(const void *a, const void *b)
{
    const struct finding *left = a, *right = b;
    int order;

    if (left->rows != right->rows)
        return left->rows < right->rows ? 1 : -1;
    order = strcmp(left->field, right->field);
    return order ? order : strcmp(left->rule, right->rule);
}

void findings_print(struct findings *findings, struct buf *out)
{
    uint64_t others = findings->others;

    qsort(findings->items, findings->count, sizeof findings->items[0], compare);
    buf_append_text(out, "      ROWS  RULE                  FIELD\n");
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];

        if (i >= FINDINGS_SHOWN) {
            others += finding->rows;
            continue;
        }
        buf_printf(out, "%10" PRIu64 "  %-20s  ", finding->rows, finding->rule);
        words_printable(out, *finding->field ? finding->field : "(the row)");
        buf_append_char(out, '\n');
    }
    if (others > 0)
        buf_printf(out, "%10" PRIu64 "  other kinds\n", others);
}
