/* What records held before our updates, for `export --undo`. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stdint.h>

enum { BEFORE_SIZE_MAX = 4 << 20 }; /* more than the fields of any record */

/* A text as it is stored: a zlib stream, or the text itself where that is not longer. Made by
 * before_pack, and freed with free(). */
struct before {
    size_t size; /* of the text */
    size_t packed_size;
    unsigned char packed[];
};

/* Packs a text that is not empty. */
struct before *before_pack(struct span text);

/* Appends the text that was packed, of `size` bytes. False with ERR_STORE: these are not the bytes
 * of before_pack. */
bool before_unpack(struct span packed, size_t size, struct buf *out, struct err *err);

/* Inside a transaction: stores what the job's record holds at the version that its PUT carries, in
 * place of what was stored for the job before. before NULL: nothing could be kept. */
bool before_write(struct store *store, int64_t job_id, int64_t version, const struct before *before,
                  struct err *err);

/* Finds whether before_write was called for this version of the job's PUT. */
bool before_is_written(struct store *store, int64_t job_id, int64_t version, bool *written,
                       struct err *err);
