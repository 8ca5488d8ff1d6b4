#include "cmd/genesys-sim/audit.h"

#include "core/base/clock.h"
#include "core/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>

enum { AUDIT_PAGE_SIZE = 25, AUDIT_PAGE_MAX = 500, INVENTED_VERSION = 1000000 };

/* ids points into the query, still encoded: a comma between two ids is a comma, one inside an id is
 * %2C. */
struct audit_query {
    struct span ids;
    int64_t page_size;
    int64_t page_number;
};

struct found {
    const struct record *record;
    const struct audit_entry *entry;
};

static bool read_query(struct audit_query *query, struct span rest, struct err *err)
{
    struct span name, value;

    *query = (struct audit_query){.page_size = 0};
    while (route_next_pair(&rest, &name, &value)) {
        bool ok = false;

        if (span_is(name, "entityIds") && !query->ids.size) {
            query->ids = value;
            ok = value.size > 0;
        } else if (span_is(name, "pageSize") && !query->page_size) {
            ok = str_to_int64(value, 1, AUDIT_PAGE_MAX, &query->page_size);
        } else if (span_is(name, "pageNumber") && !query->page_number) {
            ok = str_to_int64(value, 1, INT32_MAX, &query->page_number);
        }
        if (!ok)
            return err_set(err, ERR_INPUT, "query parameter '%.*s' is unknown, repeated or invalid",
                           (int)(name.size < 64 ? name.size : 64), name.data);
    }
    if (!query->ids.size)
        return err_set(err, ERR_INPUT, "query parameter 'entityIds' is missing");
    if (!query->page_size)
        query->page_size = AUDIT_PAGE_SIZE;
    if (!query->page_number)
        query->page_number = 1;
    return true;
}

static int by_seq(const void *a, const void *b)
{
    uint64_t left = ((const struct found *)a)->entry->seq;
    uint64_t right = ((const struct found *)b)->entry->seq;

    return (left > right) - (left < right);
}

/* Collects the visible entries of every id, and the first id. The caller frees found and first_id.
 * False when an id is malformed. */
static bool collect(struct sim *sim, const struct request *request, struct span ids,
                    struct found **found, size_t *count, char **first_id)
{
    struct distortions *distortions = &sim->options->distortions;

    while (ids.size) {
        const char *comma = memchr(ids.data, ',', ids.size);
        struct span one = {ids.data, comma ? (size_t)(comma - ids.data) : ids.size};
        char *id = route_decode(one, true);
        const struct record *record;

        if (!id)
            return false;
        record = records_find(&sim->records, request->route.schema, id);
        if (*first_id)
            free(id);
        else
            *first_id = id;
        for (size_t i = 0; record && i < record->audit_count; i++) {
            if (record->audit[i].visible_ms > request->at_ms ||
                distort_draws(distortions, DISTORT_AUDIT, DISTORT_LOST, record->audit[i].seq))
                continue;
            *found = mem_resize(*found, *count + 1, sizeof **found);
            (*found)[(*count)++] = (struct found){record, &record->audit[i]};
        }
        ids.data += comma ? one.size + 1 : one.size;
        ids.size -= comma ? one.size + 1 : one.size;
    }
    return true;
}

static void append_user(struct buf *out, struct sim *sim, const struct audit_entry *entry)
{
    enum distort_kind kind = distort_draw_one(&sim->options->distortions, DISTORT_AUDIT,
                                              DISTORT_NO_USER, DISTORT_OUR_USER, entry->seq);
    bool foreign = entry->foreign;

    if (kind == DISTORT_NO_USER)
        return;
    if (kind == DISTORT_OTHER_USER)
        foreign = !foreign;
    else if (kind == DISTORT_OUR_USER)
        foreign = false;
    buf_append_text(out, ",\"user\":{\"id\":\"");
    buf_append_json(out, span_of(foreign ? "someone-else" : sim->options->client_id));
    buf_append_text(out, "\"}");
}

static void append_entity(struct buf *out, struct sim *sim, const struct found *found)
{
    const struct audit_entry *entry = found->entry;
    char at[CLOCK_ISO_SIZE];

    buf_printf(out, "{\"id\":\"00000000-0000-4000-8000-%012llx\",\"entityId\":\"",
               (unsigned long long)entry->seq);
    buf_append_json(out, span_of(found->record->id));
    buf_printf(out, "\",\"action\":\"update\",\"version\":%lld,\"timestamp\":\"%s\"",
               (long long)entry->version, clock_iso(entry->at_ms, at));
    append_user(out, sim, entry);
    if (entry->correlation_id[0]) {
        char id[UUID_TEXT_SIZE + 2];
        size_t before = out->size;

        snprintf(
            id, sizeof id, "\"%s\"",
            distort_draws(&sim->options->distortions, DISTORT_AUDIT, DISTORT_OTHER_ID, entry->seq)
                ? "0e0e0e0e-0e0e-4e0e-8e0e-0e0e0e0e0e0e"
                : entry->correlation_id);
        buf_append_char(out, ',');
        if (!distort_append_id(&sim->options->distortions, DISTORT_AUDIT, entry->seq, out,
                               span_of(id)))
            out->size = before;
    }
    buf_append_char(out, '}');
}

/* Appends a full page of versions that nobody made, other ones on each page. */
static void append_invented(struct buf *body, const struct audit_query *query, const char *id)
{
    int64_t first = INVENTED_VERSION + query->page_number * query->page_size;

    for (int64_t i = 0; i < query->page_size; i++) {
        buf_append_text(body, i ? ",{\"entityId\":\"" : "{\"entityId\":\"");
        buf_append_json(body, span_of(id));
        buf_printf(body, "\",\"action\":\"update\",\"version\":%" PRId64 "}", first + i);
    }
}

static void append_page(struct request *request, struct sim *sim, const struct audit_query *query,
                        const struct found *found, size_t count, const char *first_id)
{
    struct buf *body = &request->answer.body;
    struct span path = {request->target, strcspn(request->target, "?")};
    struct distortions *distortions = &sim->options->distortions;
    bool repeated = query->page_number > 1 &&
                    distort_draws(distortions, DISTORT_AUDIT, DISTORT_REPEATED, request->seq);
    bool endless = distort_draws(distortions, DISTORT_AUDIT, DISTORT_ENDLESS, request->seq);
    uint64_t first = repeated ? 0 : (uint64_t)(query->page_size * (query->page_number - 1));
    uint64_t last = first + (uint64_t)query->page_size;
    size_t total = count;

    buf_append_text(body, "{\"entities\":[");
    if (endless)
        append_invented(body, query, first_id);
    for (uint64_t i = first; !endless && i < last && i < count; i++) {
        if (i > first)
            buf_append_char(body, ',');
        append_entity(body, sim, &found[i]);
    }
    buf_printf(body, "],\"pageSize\":%lld,\"pageNumber\":%lld", (long long)query->page_size,
               (long long)query->page_number);
    if (distort_draws(distortions, DISTORT_AUDIT, DISTORT_LOW_TOTAL, request->seq))
        total = count / 2;
    else if (distort_draws(distortions, DISTORT_AUDIT, DISTORT_HIGH_TOTAL, request->seq))
        total = count * 2 + 1;
    if (!endless && !distort_draws(distortions, DISTORT_AUDIT, DISTORT_NO_TOTAL, request->seq))
        buf_printf(body, ",\"total\":%zu", total);
    if (endless || (last < count &&
                    !distort_draws(distortions, DISTORT_AUDIT, DISTORT_NO_NEXT, request->seq))) {
        buf_append_text(body, ",\"nextUri\":\"");
        buf_append_json(body, path);
        buf_append_text(body, "?entityIds=");
        buf_append_json(body, query->ids);
        buf_printf(body, "&pageSize=%lld&pageNumber=%lld\"", (long long)query->page_size,
                   (long long)query->page_number + 1);
    }
    buf_append_char(body, '}');
}

void audit_answer(struct sim *sim, struct request *request)
{
    struct audit_query query;
    struct found *found = NULL;
    size_t count = 0;
    char *first_id = NULL;
    struct err err;

    if (!read_query(&query, request->route.query, &err)) {
        answer_error(&request->answer, 400, NULL, err.text, NULL);
    } else if (!collect(sim, request, query.ids, &found, &count, &first_id)) {
        answer_error(&request->answer, 400, NULL, "entityIds is not percent-encoded UTF-8", NULL);
    } else if (!sim_answer_fixed(sim, request, ANSWER_AUDIT, first_id)) {
        if (count)
            qsort(found, count, sizeof *found, by_seq);
        answer_json(&request->answer, 200);
        append_page(request, sim, &query, found, count, first_id);
    }
    free(found);
    free(first_id);
}
