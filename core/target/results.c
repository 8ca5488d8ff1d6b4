#include "core/target/results.h"

#include "core/base/mem.h"

#include <stdlib.h>

/* An answer while it is read. */
struct reading {
    const struct description *description;
    const char *text;
    const struct json_tape *tape;
    struct buf *scratch;
};

static int compare_rows(const void *a, const void *b)
{
    return span_compare((*(struct result *const *)a)->id, (*(struct result *const *)b)->id);
}

/* The rows that were sent: in their order, and sorted once an answer has another one. */
struct sent {
    struct result *rows;
    size_t count, next;
    struct result **sorted;
};

static struct result *find_row(struct sent *sent, struct span id)
{
    const struct result wanted = {.id = id}, *key = &wanted;
    struct result **found;

    if (sent->next < sent->count && span_equal(sent->rows[sent->next].id, id))
        return &sent->rows[sent->next++];
    if (!sent->sorted) {
        sent->sorted = mem_calloc(sent->count, sizeof(struct result *));
        for (size_t i = 0; i < sent->count; i++)
            sent->sorted[i] = &sent->rows[i];
        qsort(sent->sorted, sent->count, sizeof(struct result *), compare_rows);
    }
    found = bsearch(&key, sent->sorted, sent->count, sizeof(struct result *), compare_rows);
    if (found)
        sent->next = (size_t)(*found - sent->rows) + 1;
    return found ? *found : NULL;
}

/* Returns the part of a result, or NULL: it is not described, missing, or null. */
static const struct json_token *find_part(const struct reading *r,
                                          const struct description_spot *spot, uint32_t result)
{
    uint32_t found = spot->is_there
                         ? pointer_find(&spot->pointer, r->tape, r->text, result, r->scratch)
                         : POINTER_NOTHING;

    return found == POINTER_NOTHING || r->tape->tokens[found].kind == JSON_NULL
               ? NULL
               : &r->tape->tokens[found];
}

static struct span text_of(const struct reading *r, const struct json_token *token)
{
    return token ? json_written(token, r->text) : (struct span){0};
}

/* Returns what is at a spot of an error, or at a member where no spot is described. */
static uint32_t find_in(const struct reading *r, uint32_t error,
                        const struct description_spot *spot, const char *member)
{
    return spot->is_there ? pointer_find(&spot->pointer, r->tape, r->text, error, r->scratch)
                          : pointer_member(span_of(member), r->tape, r->text, error, r->scratch);
}

/* True unless a part of an error is null, false, zero or an empty text. */
static bool says_something(const struct reading *r, const struct json_token *part)
{
    return part->kind != JSON_NULL && part->kind != JSON_FALSE &&
           !span_is(text_of(r, part), "\"\"") && !span_is(text_of(r, part), "0");
}

/* True when an error is a text, or has a code or a message where the target has them. */
static bool names_fault(const struct reading *r, const struct json_token *error)
{
    uint32_t at = error ? (uint32_t)(error - r->tape->tokens) : 0;
    uint32_t found[2];

    if (!error || error->kind == JSON_STRING)
        return error && says_something(r, error);
    found[0] = find_in(r, at, &r->description->error_code, "code");
    found[1] = find_in(r, at, &r->description->error_message, "message");
    for (size_t i = 0; i < 2; i++)
        if (found[i] != POINTER_NOTHING && says_something(r, &r->tape->tokens[found[i]]))
            return true;
    return false;
}

/* Returns the status of a result; 0: none that can be relied on. Without one of its own it is 200
 * or 400, by its success. */
static long status_of(const struct reading *r, uint32_t result)
{
    const struct description_bulk *bulk = &r->description->bulk;
    const struct json_token *status = find_part(r, &bulk->status, result);
    const struct json_token *ok = find_part(r, &bulk->ok, result);
    bool succeeded = ok && ok->kind == JSON_TRUE;
    bool fails = names_fault(r, find_part(r, &bulk->error, result));
    int64_t number = 0;

    if (ok && !succeeded && ok->kind != JSON_FALSE)
        return 0;
    if (status &&
        (status->kind != JSON_NUMBER || !str_to_int64(text_of(r, status), 200, 599, &number) ||
         (ok && succeeded != (number < 300))))
        return 0;
    if (!status && !ok && bulk->ok.is_there)
        return fails ? 400 : 0;
    if (!status)
        number = succeeded || (!ok && !fails) ? 200 : 400;
    return number < 300 && fails ? 0 : (long)number;
}

/* Reads what a result says about its row, if that was sent and not named before. */
static void read_result(const struct reading *r, uint32_t result, struct sent *sent)
{
    const struct description_bulk *bulk = &r->description->bulk;
    const struct json_token *id = find_part(r, &bulk->id, result);
    struct result *row = NULL;

    if (id && (id->kind == JSON_STRING || id->kind == JSON_NUMBER))
        row = find_row(sent, id->kind == JSON_STRING ? json_string(id, r->text, r->scratch)
                                                     : text_of(r, id));
    if (!row)
        return;
    row->status = row->named++ ? 0 : status_of(r, result);
    row->body = (struct span){0};
    if (row->status)
        row->body =
            text_of(r, find_part(r, row->status < 300 ? &bulk->record : &bulk->error, result));
}

bool results_read(const struct target *target, struct span body, struct result *rows, size_t count,
                  struct target_scratch *scratch)
{
    const struct description *description = target_description(target);
    struct json_tape *tape = &scratch->tape;
    struct reading r = {description, body.data, tape, &scratch->name};
    struct sent sent = {.rows = rows, .count = count};
    struct json_fault fault;
    uint32_t list;

    for (size_t i = 0; i < count; i++)
        rows[i] = (struct result){.id = rows[i].id};
    tape->count = 0;
    if (!json_scan(tape, body, 0, &fault))
        return false;
    list = pointer_find(&description->bulk.results, tape, body.data, 0, &scratch->name);
    if (list == POINTER_NOTHING || tape->tokens[list].kind != JSON_ARRAY)
        return false;
    for (uint32_t i = list + 1; i < tape->tokens[list].next; i = tape->tokens[i].next)
        read_result(&r, i, &sent);
    free(sent.sorted);
    return true;
}
