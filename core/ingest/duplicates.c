#include "core/ingest/duplicates.h"

#include "core/base/buf.h"
#include "core/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <xxhash.h>

/* A record by its first row; its id follows. */
struct record {
    uint64_t line_no;
    int64_t version;
    uint32_t chained; /* later rows that are sent with the returned version */
    uint16_t shown;   /* 0: one row; SHOWN_NOT; else its index in shown, from 1 */
    uint16_t id_size;
};

enum {
    SLOT_BITS_FIRST = 8,
    RECORD_UNIT = 8,        /* records are aligned to it and counted in it */
    SHOWN_NOT = UINT16_MAX, /* has several rows, and is only counted */
};

/* A record that is reported by itself. */
struct shown {
    size_t record; /* its offset */
    uint64_t rows, outside;
    uint64_t lines[DUPLICATES_LINES];
    uint64_t outside_line; /* the first row whose version does not follow, */
    int64_t outside_version;
    uint64_t follows_max; /* and the highest version that would have followed */
};

struct duplicates {
    size_t bytes_max;
    bool versioned;
    /* Open addressing: the upper half of a slot is the tag, whose first bits say where the search
     * begins; the lower is the record's offset in units, plus 1. 0 is free. */
    uint64_t *slots;
    unsigned slot_bits;
    size_t count;
    XXH64_hash_t seed;
    struct buf records;
    struct shown shown[DUPLICATES_SHOWN];
    unsigned shown_count;
    uint64_t others, other_rows, other_outside;
    uint64_t missed_line; /* 0: none */
};

static size_t slots_of(const struct duplicates *duplicates)
{
    return (size_t)1 << duplicates->slot_bits;
}

struct duplicates *duplicates_open(size_t bytes_max, bool versioned)
{
    struct duplicates *duplicates = mem_calloc(1, sizeof *duplicates);

    duplicates->bytes_max = bytes_max;
    duplicates->versioned = versioned;
    duplicates->slot_bits = SLOT_BITS_FIRST;
    duplicates->slots = mem_calloc(slots_of(duplicates), sizeof *duplicates->slots);
    /* the seed is an address, which differs from run to run: no file can be made to hit one slot */
    duplicates->seed = (XXH64_hash_t)(uintptr_t)duplicates;
    return duplicates;
}

void duplicates_close(struct duplicates *duplicates)
{
    if (!duplicates)
        return;
    free(duplicates->slots);
    buf_release(&duplicates->records);
    free(duplicates);
}

static struct record *record_at(const struct duplicates *duplicates, size_t offset)
{
    return (struct record *)(void *)(duplicates->records.data + offset);
}

static struct span record_id(const struct record *record)
{
    return (struct span){(const char *)(record + 1), record->id_size};
}

static size_t next_slot(const struct duplicates *duplicates, size_t slot)
{
    return (slot + 1) & (slots_of(duplicates) - 1);
}

static void set_slot(struct duplicates *duplicates, uint64_t value)
{
    size_t slot = value >> (64 - duplicates->slot_bits);

    while (duplicates->slots[slot])
        slot = next_slot(duplicates, slot);
    duplicates->slots[slot] = value;
}

static void grow(struct duplicates *duplicates)
{
    uint64_t *slots = duplicates->slots;
    size_t size = slots_of(duplicates);

    duplicates->slot_bits++;
    duplicates->slots = mem_calloc(2 * size, sizeof *slots);
    for (size_t i = 0; i < size; i++)
        if (slots[i])
            set_slot(duplicates, slots[i]);
    free(slots);
}

void duplicates_miss(struct duplicates *duplicates, uint64_t line_no)
{
    if (!duplicates->missed_line || line_no < duplicates->missed_line)
        duplicates->missed_line = line_no;
}

static void keep(struct duplicates *duplicates, uint32_t tag, const struct row *row)
{
    struct record first = {
        .line_no = row->line_no,
        .version = row->version,
        .id_size = (uint16_t)row->record_id.size,
    };
    size_t offset = duplicates->records.size, size = sizeof first + first.id_size;

    size = (size + RECORD_UNIT - 1) / RECORD_UNIT * RECORD_UNIT;
    if (offset + size > duplicates->bytes_max) {
        duplicates_miss(duplicates, row->line_no);
        return;
    }
    buf_reserve(&duplicates->records, size);
    buf_append(&duplicates->records, (const char *)&first, sizeof first);
    buf_append_span(&duplicates->records, row->record_id);
    duplicates->records.size = offset + size;
    if (++duplicates->count > slots_of(duplicates) / 2)
        grow(duplicates);
    set_slot(duplicates, (uint64_t)tag << 32 | (offset / RECORD_UNIT + 1));
}

static void begin_shown(struct duplicates *duplicates, struct record *first, size_t offset)
{
    if (duplicates->shown_count == DUPLICATES_SHOWN) {
        first->shown = SHOWN_NOT;
        duplicates->others++;
        duplicates->other_rows++;
        return;
    }
    duplicates->shown[duplicates->shown_count] =
        (struct shown){.record = offset, .rows = 1, .lines = {first->line_no}};
    first->shown = (uint16_t)++duplicates->shown_count;
}

static void show(struct shown *shown, const struct record *first, const struct row *row,
                 bool chained)
{
    if (shown->rows < DUPLICATES_LINES)
        shown->lines[shown->rows] = row->line_no;
    shown->rows++;
    if (chained || shown->outside++ > 0)
        return;
    shown->outside_line = row->line_no;
    shown->outside_version = row->version;
    shown->follows_max = (uint64_t)first->version + first->chained + 1;
}

static void note_repeat(struct duplicates *duplicates, size_t offset, const struct row *row)
{
    struct record *first = record_at(duplicates, offset);
    int64_t step = row->version - first->version;
    /* it is sent with the version that the row before returned */
    bool chained = !duplicates->versioned || (step >= 0 && step <= (int64_t)first->chained + 1);

    if (!first->shown)
        begin_shown(duplicates, first, offset);
    if (first->shown == SHOWN_NOT) {
        duplicates->other_rows++;
        duplicates->other_outside += !chained;
    } else {
        show(&duplicates->shown[first->shown - 1], first, row, chained);
    }
    first->chained += chained;
}

void duplicates_add(struct duplicates *duplicates, const struct row *row)
{
    uint32_t tag = (uint32_t)(XXH3_64bits_withSeed(row->record_id.data, row->record_id.size,
                                                   duplicates->seed) >>
                              32);
    size_t slot = tag >> (32 - duplicates->slot_bits);
    uint64_t value;

    for (; (value = duplicates->slots[slot]); slot = next_slot(duplicates, slot)) {
        size_t offset = ((uint32_t)value - 1) * (size_t)RECORD_UNIT;

        if (value >> 32 == tag &&
            span_equal(record_id(record_at(duplicates, offset)), row->record_id)) {
            note_repeat(duplicates, offset, row);
            return;
        }
    }
    keep(duplicates, tag, row);
}

static void append_lines(struct buf *out, const struct shown *shown)
{
    uint64_t count = shown->rows < DUPLICATES_LINES ? shown->rows : DUPLICATES_LINES;

    buf_append_text(out, "lines ");
    for (uint64_t i = 0; i < count; i++)
        buf_printf(out, "%s%" PRIu64,
                   i == 0                 ? ""
                   : i + 1 == shown->rows ? " and "
                                          : ", ",
                   shown->lines[i]);
    if (shown->rows > count)
        buf_printf(out, " and %" PRIu64 " more", shown->rows - count);
}

static void append_outside(struct buf *out, const struct shown *shown, const struct record *first)
{
    if (shown->outside == 0)
        return;
    buf_printf(
        out, "; but version %" PRId64 " of line %" PRIu64 " is not one of %" PRId64 " to %" PRIu64,
        shown->outside_version, shown->outside_line, first->version, shown->follows_max);
    if (shown->outside == 1)
        buf_append_text(out, ": this row goes out as declared, and would conflict");
    else
        buf_printf(out, ", and %" PRIu64 " more: these rows go out as declared, and would conflict",
                   shown->outside - 1);
}

static void report_shown(const struct duplicates *duplicates, const struct shown *shown,
                         const char *source, const struct notice_sink *notices)
{
    const struct record *first = record_at(duplicates, shown->record);
    struct span id = record_id(first);
    struct buf rest = {0};

    append_lines(&rest, shown);
    buf_append_text(&rest, "): they go out in this order, each with the version that ");
    buf_append_text(&rest,
                    duplicates->versioned ? "the one before came back with" : "is fetched for it");
    append_outside(&rest, shown, first);
    notice_say(notices, "%.1000s: record %.*s has %" PRIu64 " rows (%s", source, (int)id.size,
               id.data, shown->rows, buf_text(&rest));
    buf_release(&rest);
}

static void report_others(const struct duplicates *duplicates, const char *source,
                          const struct notice_sink *notices)
{
    struct buf rest = {0};

    if (duplicates->other_outside > 0)
        buf_printf(&rest, "; %" PRIu64 " of these rows go out as declared, and would conflict",
                   duplicates->other_outside);
    notice_say(notices,
               "%.1000s: %" PRIu64 " more records have several rows, %" PRIu64 " together%s",
               source, duplicates->others, duplicates->other_rows, buf_text(&rest));
    buf_release(&rest);
}

void duplicates_tell(const struct duplicates *duplicates, const char *source,
                     const struct notice_sink *notices)
{
    for (unsigned i = 0; i < duplicates->shown_count; i++)
        report_shown(duplicates, &duplicates->shown[i], source, notices);
    if (duplicates->others > 0)
        report_others(duplicates, source, notices);
    if (duplicates->missed_line > 0)
        notice_say(notices,
                   "%.1000s: it has too many records to compare all: of those that first appear on "
                   "line %" PRIu64 " or after it, repeated rows were not looked for",
                   source, duplicates->missed_line);
}
