#include "core/job/id.h"

#include "core/base/mem.h"
#include "core/base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *id_print(int64_t job_id, char text[ID_TEXT_SIZE])
{
    snprintf(text, ID_TEXT_SIZE, "%" PRId64 "/%" PRIu32, id_batch(job_id), id_row(job_id));
    return text;
}

bool id_parse(const char *text, int64_t *job_id)
{
    const char *slash = strchr(text, '/');
    int64_t batch_id, row_no;

    if (!slash ||
        !str_to_int64((struct span){text, (size_t)(slash - text)}, 1, INT32_MAX, &batch_id) ||
        !str_to_int64(span_of(slash + 1), 1, ID_ROWS - 1, &row_no))
        return false;
    *job_id = id_of(batch_id, row_no);
    return true;
}

void id_list_add(struct id_list *list, int64_t job_id)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 64;
        list->items = mem_resize(list->items, list->capacity, sizeof *list->items);
    }
    list->items[list->count++] = job_id;
}

void id_list_release(struct id_list *list)
{
    free(list->items);
    *list = (struct id_list){0};
}

static int compare(const void *a, const void *b)
{
    const int64_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

void id_list_sort(struct id_list *list)
{
    size_t kept = 0;

    if (list->count)
        qsort(list->items, list->count, sizeof *list->items, compare);
    for (size_t i = 0; i < list->count; i++)
        if (i == 0 || list->items[i] != list->items[kept - 1])
            list->items[kept++] = list->items[i];
    list->count = kept;
}

void id_list_drop(struct id_list *list, size_t count)
{
    list->count -= count;
    if (list->count)
        memmove(list->items, list->items + count, list->count * sizeof *list->items);
}
