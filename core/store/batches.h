/* Batches while their file is read: known, begun, opened or refused. chunk.h and keys.h load their
 * rows, and unfiled.h finds those that an earlier process left. */
#ifndef ROWFERRY_STORE_BATCHES_H
#define ROWFERRY_STORE_BATCHES_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stdint.h>

enum { BATCH_HASH_SIZE = 33 };

/* Where the file of a batch lay, and so what becomes of it after intake. In the database as a
 * number.
 */
enum batch_filing {
    BATCH_STAYS = 0,     /* it was named itself */
    BATCH_INBOX = 1,     /* in an inbox: it moves to done/ or refused/ */
    BATCH_SUBFOLDER = 2, /* the same from a sub-folder, which tells its schema */
    BATCH_KEPT = 3,      /* in an inbox or its sub-folder, where it was left (--keep) */
};

/* What a batch is made from: everything a later start needs to tell whether it can go on. Texts
 * are the caller's; out-parameters of this type point into the store until its next call here. */
struct batch_origin {
    const char *source; /* as the user named it */
    const char *path;   /* absolute; NULL: standard input */
    const char *schema;
    const char *schema_hash;
    const char *format;       /* `csv`, `ndjson` */
    const char *options;      /* what changes the reading of the file, as text */
    const char *content_hash; /* "" until it is known (standard input) */
    uint64_t size_bytes;
    uint64_t device, inode;
    int64_t mtime_ns;
    enum batch_filing filing;
};

/* Where the reading of a batch stands, as of its last chunk. */
struct batch_progress {
    uint64_t bytes, lines;
    uint32_t rows;
    uint32_t rejected;
    char prefix_hash[BATCH_HASH_SIZE];
};

/* The batch that makes a file known: same schema, size and hash, open or done, and no batch of
 * that schema opened after it (docs/guide.md#the-same-file-again). *batch_id is 0 if there is
 * none. */
bool batch_known(struct store *store, const char *schema, const char *content_hash,
                 uint64_t size_bytes, int64_t *batch_id, struct err *err);

/* A batch whose file is where it was read. */
struct batch_waiting {
    int64_t id; /* 0: there is none */
    bool refused, over_limit;
    uint64_t rows_rejected;
    char reason[ERR_TEXT_SIZE]; /* of a refused one */
};

/* The batch that was made from this very file, unmoved and unchanged, since a move failed or it was
 * to be kept: of the origin's schema, path and identity, of an inbox and not filed; open or done,
 * or refused under the same schema file and options. Other batches of the schema may have been
 * opened after it, since nobody has dropped it again. */
bool batch_waiting(struct store *store, const struct batch_origin *origin,
                   struct batch_waiting *waiting, struct err *err);

/* A batch that was read to its end, and how far that was. Texts point into the store, until its
 * next call here. */
struct batch_read {
    int64_t id; /* 0: there is none */
    const char *schema, *format, *options, *content_hash;
    uint64_t size_bytes; /* of the file */
    uint64_t bytes;      /* of its content, and their hash */
    char prefix_hash[BATCH_HASH_SIZE];
};

/* That batch, open or done. */
bool batch_read_as(struct store *store, int64_t batch_id, struct batch_read *batch,
                   struct err *err);

/* The latest one that was read from this file of an inbox when it was shorter: of the origin's
 * schema, path, device and inode. */
bool batch_read_shorter(struct store *store, const struct batch_origin *origin,
                        struct batch_read *batch, struct err *err);

/* The batch of the schema that is being read, which under the intake lock an earlier process has
 * left, and the name of its file (into the store, until its next call here). *batch_id 0: none. */
bool batch_loading(struct store *store, const char *schema, int64_t *batch_id, const char **source,
                   struct err *err);

/* A batch of the schema that is open or done and was begun after this one. *newer 0: none. */
bool batch_newer(struct store *store, const char *schema, int64_t batch_id, int64_t *newer,
                 struct err *err);

/* Step 1: a batch in state `loading`. header: bytes of a CSV header row, or empty. */
bool batch_begin(struct store *store, const struct batch_origin *origin, int64_t run_id,
                 int64_t now_ms, int64_t *batch_id, struct err *err);

/* Kept for the rejected file. Written with the first chunk's transaction or before it. */
bool batch_set_header(struct store *store, int64_t batch_id, struct span header, struct err *err);

/* Step 3: counts the rows independently (jobs and rejects in the tables against rows read), enters
 * the record ids into their index where batch_load_keys did not bring all of them through this
 * store (as one sorted run, a bounded transaction at a time), and makes the batch `open`, or `done`
 * when it has no jobs. A difference is ERR_INTERNAL and leaves the batch as it is: the caller
 * refuses it. content_hash as it came out at the end. Safe to repeat after a crash inside. The
 * commit that opens the batch is durable. */
bool batch_open(struct store *store, int64_t batch_id, const char *content_hash,
                uint64_t size_bytes, int64_t run_id, int64_t now_ms, struct err *err);

/* Marks the batch refused (committed first), for batch_discard to empty. over_limit: by a limit on
 * rows or rejected rows. */
bool batch_refuse(struct store *store, int64_t batch_id, const char *reason, bool over_limit,
                  int64_t run_id, int64_t now_ms, struct err *err);

/* Deletes jobs of a refused batch, a chunk a transaction, counting them as rows discarded, until
 * none is left. rows_read stays what was read. Safe to repeat. */
bool batch_discard(struct store *store, int64_t batch_id, struct err *err);

/* A `loading` batch begun anew: all its rows are deleted and its progress set to nothing, the
 * origin replaced. Safe to repeat. */
bool batch_restart(struct store *store, int64_t batch_id, const struct batch_origin *origin,
                   struct err *err);

/* Appends the header bytes kept by batch_set_header. */
bool batch_header(struct store *store, int64_t batch_id, struct buf *header, struct err *err);

#endif
