#include "core/ingest/key_run.h"

#include "core/base/mem.h"

#include <endian.h>
#include <stdlib.h>

enum { DIGITS = sizeof(uint64_t), DIGIT_VALUES = 256 };

/* Precedes the bytes of a key. */
struct head {
    uint32_t row_no;
    uint32_t size;
};

void key_run_init(struct key_run *run, size_t capacity)
{
    *run = (struct key_run){.capacity = capacity};
}

void key_run_release(struct key_run *run)
{
    buf_release(&run->text);
    free(run->entries);
    free(run->spare);
    *run = (struct key_run){.capacity = run->capacity};
}

void key_run_reset(struct key_run *run)
{
    run->count = 0;
    buf_reset(&run->text);
}

uint64_t key_run_prefix(struct span key)
{
    uint64_t prefix = 0;

    memcpy(&prefix, key.data, key.size < sizeof prefix ? key.size : sizeof prefix);
    return be64toh(prefix);
}

void key_run_add(struct key_run *run, struct span key, uint32_t row_no)
{
    const struct head head = {row_no, (uint32_t)key.size};

    if (!run->entries) {
        run->entries = mem_calloc(run->capacity, sizeof run->entries[0]);
        run->spare = mem_calloc(run->capacity, sizeof run->spare[0]);
    }
    run->entries[run->count++] = (struct key_entry){key_run_prefix(key), (uint32_t)run->text.size};
    buf_append(&run->text, (const char *)&head, sizeof head);
    buf_append_span(&run->text, key);
}

static struct span key_at(const char *text, uint32_t start)
{
    struct head head;

    memcpy(&head, text + start, sizeof head);
    return (struct span){text + start + sizeof head, head.size};
}

struct span key_run_packed(const struct key_run *run, size_t index)
{
    uint32_t start = run->entries[index].start;

    return (struct span){run->text.data + start,
                         sizeof(struct head) + key_at(run->text.data, start).size};
}

size_t key_run_unpack(struct span bytes, struct span *key, uint32_t *row_no)
{
    struct head head;

    if (bytes.size < sizeof head)
        return 0;
    memcpy(&head, bytes.data, sizeof head);
    if (bytes.size - sizeof head < head.size)
        return 0;
    *key = (struct span){bytes.data + sizeof head, head.size};
    *row_no = head.row_no;
    return sizeof head + head.size;
}

/* Compares keys; equal ones are in the order of their rows. */
static int compare(const void *a, const void *b, void *text)
{
    const struct key_entry *left = a, *right = b;
    int order;

    if (left->prefix != right->prefix)
        return left->prefix < right->prefix ? -1 : 1;
    order = span_compare(key_at(text, left->start), key_at(text, right->start));
    return order ? order : (left->start > right->start) - (left->start < right->start);
}

static bool is_sorted(const struct key_run *run)
{
    for (size_t i = 1; i < run->count; i++)
        if (compare(&run->entries[i - 1], &run->entries[i], run->text.data) > 0)
            return false;
    return true;
}

static unsigned digit_of(uint64_t prefix, unsigned digit)
{
    return prefix >> (8 * digit) & (DIGIT_VALUES - 1);
}

/* Does one pass of a radix sort by a digit into the spare array; the order is stable. */
static void pass(struct key_run *run, unsigned digit, const uint32_t counts[DIGIT_VALUES])
{
    struct key_entry *entries = run->entries;
    uint32_t ends[DIGIT_VALUES], sum = 0;

    for (unsigned value = 0; value < DIGIT_VALUES; value++) {
        ends[value] = sum;
        sum += counts[value];
    }
    for (size_t i = 0; i < run->count; i++)
        run->spare[ends[digit_of(entries[i].prefix, digit)]++] = entries[i];
    run->entries = run->spare;
    run->spare = entries;
}

/* Sorts the keys with the same prefix. */
static void sort_groups(struct key_run *run)
{
    size_t begin = 0;

    for (size_t i = 1; i <= run->count; i++) {
        if (i < run->count && run->entries[i].prefix == run->entries[begin].prefix)
            continue;
        if (i - begin > 1)
            qsort_r(run->entries + begin, i - begin, sizeof run->entries[0], compare,
                    run->text.data);
        begin = i;
    }
}

void key_run_sort(struct key_run *run)
{
    uint32_t counts[DIGITS][DIGIT_VALUES] = {0};

    if (is_sorted(run))
        return;
    for (size_t i = 0; i < run->count; i++)
        for (unsigned digit = 0; digit < DIGITS; digit++)
            counts[digit][digit_of(run->entries[i].prefix, digit)]++;
    /* from the last digit to the first, without digits that are the same in all keys */
    for (unsigned digit = 0; digit < DIGITS; digit++)
        if (counts[digit][digit_of(run->entries[0].prefix, digit)] < run->count)
            pass(run, digit, counts[digit]);
    sort_groups(run);
}
