/* Ids of jobs, BATCH * 1000000000 + ROW, so that 5000000812 reads as 5/812; and lists of them. A
 * row that is loaded twice is a duplicate key. The rejected row of that number has the id of the
 * job that it would have been. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In statements: the indexes of the database are over the same number. */
#define ID_ROWS_SQL "1000000000"

enum {
    ID_ROWS = 1000000000, /* no batch has so many rows */
    ID_TEXT_SIZE = 24,    /* of what id_print writes */
};

static inline int64_t id_of(int64_t batch_id, int64_t row_no)
{
    return batch_id * ID_ROWS + row_no;
}

static inline int64_t id_batch(int64_t job_id)
{
    return job_id / ID_ROWS;
}

static inline uint32_t id_row(int64_t job_id)
{
    return (uint32_t)(job_id % ID_ROWS);
}

/* The jobs of a batch are after id_before and before id_end; with batch 0, those of all batches. */
static inline int64_t id_before(int64_t batch_id)
{
    return id_of(batch_id, 0);
}

static inline int64_t id_end(int64_t batch_id)
{
    return batch_id ? id_of(batch_id + 1, 0) : INT64_MAX;
}

/* Writes BATCH/ROW, and returns it. */
const char *id_print(int64_t job_id, char text[ID_TEXT_SIZE]);

/* Reads BATCH/ROW. Returns false when text is anything else. */
bool id_parse(const char *text, int64_t *job_id);

/* Zeroed means empty. */
struct id_list {
    int64_t *items;
    size_t count, capacity;
};

void id_list_add(struct id_list *list, int64_t job_id);
void id_list_release(struct id_list *list);

/* Sorts the ids, lowest first, and keeps one of each. */
void id_list_sort(struct id_list *list);

/* Removes the first ids of the list. */
void id_list_drop(struct id_list *list, size_t count);
