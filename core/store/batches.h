/* Batches while their file is read: known, begun, opened or refused. chunk.h and keys.h load their
 * rows, and unfiled.h finds those that an earlier process left. */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stdint.h>

enum { BATCH_HASH_SIZE = 33 };

/* Where the file of a batch was, which decides where it goes after intake. A number in the
 * database. */
enum batch_filing {
    BATCH_STAYS = 0,     /* it was named itself */
    BATCH_INBOX = 1,     /* in an inbox: it moves to done/ or refused/ */
    BATCH_SUBFOLDER = 2, /* the same, from a sub-folder whose name is its schema */
    BATCH_KEPT = 3,      /* in an inbox or its sub-folder, and left there (--keep) */
};

/* What a batch is made from: all that a later start needs to decide whether it can continue. Texts
 * belong to the caller; those of out-parameters belong to the store and are valid until its next
 * call here. */
struct batch_origin {
    const char *source; /* as the user named it */
    const char *path;   /* absolute; NULL: standard input */
    const char *schema;
    const char *target;         /* of its rows; NULL: the guide's */
    const char *target_columns; /* that its record ids are made of; NULL likewise */
    uint32_t request_rows;      /* rows that one request takes at most */
    const char *schema_hash;
    const char *format;       /* `csv`, `ndjson` */
    const char *options;      /* what changes the reading of the file, as text */
    const char *content_hash; /* "" until it is known (standard input) */
    uint64_t size_bytes;
    uint64_t device, inode;
    int64_t mtime_ns;
    enum batch_filing filing;
    int64_t rows_before; /* of the file, that earlier batches have read */
};

/* How far a batch was read, as of its last chunk. */
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

/* A batch whose file is still where it was read. */
struct batch_waiting {
    int64_t id; /* 0: there is none */
    bool refused, over_limit;
    uint64_t rows_rejected;
    char reason[ERR_TEXT_SIZE]; /* of a refused one */
};

/* Finds the batch that was made from this same file, which was neither moved nor changed, because a
 * move failed or --keep was given: with the schema, path and identity of origin, from an inbox and
 * not filed; open or done, or refused with the same schema file and options. Other batches of the
 * schema may have been opened after it. */
bool batch_waiting(struct store *store, const struct batch_origin *origin,
                   struct batch_waiting *waiting, struct err *err);

/* A batch that was read completely, and how far that was. Texts belong to the store and are valid
 * until its next call here. */
struct batch_read {
    int64_t id; /* 0: there is none */
    const char *schema, *format, *options, *content_hash;
    uint64_t size_bytes; /* of the file */
    uint64_t bytes;      /* of its content, and their hash */
    char prefix_hash[BATCH_HASH_SIZE];
    int64_t rows; /* of the file, up to there */
};

/* Reads that batch, which is open or done. */
bool batch_read_as(struct store *store, int64_t batch_id, struct batch_read *batch,
                   struct err *err);

/* Finds the latest batch that was read from this file of an inbox when it was shorter: with the
 * schema, path, device and inode of origin. */
bool batch_read_shorter(struct store *store, const struct batch_origin *origin,
                        struct batch_read *batch, struct err *err);

/* Finds the batch of the schema that is being read, and the name of its file, which belongs to the
 * store and is valid until its next call here. Under the intake lock, an earlier process left it.
 * *batch_id 0: none. */
bool batch_loading(struct store *store, const char *schema, int64_t *batch_id, const char **source,
                   struct err *err);

/* Finds a batch of the schema that is open or done and was begun after this one. *newer 0: none. */
bool batch_newer(struct store *store, const char *schema, int64_t batch_id, int64_t *newer,
                 struct err *err);

/* Step 1: begins a batch in state `loading`. */
bool batch_begin(struct store *store, const struct batch_origin *origin, int64_t run_id,
                 int64_t now_ms, int64_t *batch_id, struct err *err);

/* Stores the bytes of a CSV header row, for the file of rejected rows. */
bool batch_set_header(struct store *store, int64_t batch_id, struct span header, struct err *err);

/* Stores how the jobs of a batch are to be sent: with what their records held before kept, and,
 * where the file is one of `export --undo`, exactly as their rows say. */
bool batch_mark(struct store *store, int64_t batch_id, bool keeps_before, bool undoes,
                struct err *err);

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

/* Deletes the jobs of a refused batch in bounded transactions, and counts them as discarded rows.
 * rows_read does not change. Safe to repeat. */
bool batch_discard(struct store *store, int64_t batch_id, struct err *err);

/* Begins a `loading` batch again: deletes all its rows, resets its progress and replaces its
 * origin. Safe to repeat. */
bool batch_restart(struct store *store, int64_t batch_id, const struct batch_origin *origin,
                   struct err *err);

/* Appends the bytes that batch_set_header stored. */
bool batch_header(struct store *store, int64_t batch_id, struct buf *header, struct err *err);
