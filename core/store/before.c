#include "core/store/before.h"

#include "core/base/mem.h"
#include "core/store/db.h"

#include <zlib.h>

enum { BEFORE_WRITE, BEFORE_VERSION };

static const char *const sql[] = {
    [BEFORE_WRITE] =
        "INSERT INTO before_update (job_id, version, size, fields) VALUES (:job_id, :version, "
        ":size, iif(:size IS NULL, NULL, :fields)) ON CONFLICT (job_id) DO UPDATE SET "
        "version = excluded.version, size = excluded.size, fields = excluded.fields",
    [BEFORE_VERSION] = "SELECT version FROM before_update WHERE job_id = :job_id",
};

const struct db_statements before_statements = {sql, sizeof sql / sizeof *sql};

struct before *before_pack(struct span text)
{
    uLongf size = compressBound(text.size);
    struct before *before = mem_calloc(1, sizeof *before + size);

    /* it fails only without memory, and then the text is stored as it is */
    if (compress2(before->packed, &size, (const Bytef *)text.data, text.size, Z_BEST_SPEED) !=
            Z_OK ||
        size >= text.size) {
        size = text.size;
        memcpy(before->packed, text.data, text.size);
    }
    before->size = text.size;
    before->packed_size = size;
    return before;
}

bool before_unpack(struct span packed, size_t size, struct buf *out, struct err *err)
{
    uLongf got = size;
    char *at;

    if (size > BEFORE_SIZE_MAX)
        return err_set(err, ERR_STORE, "what a record held before has a wrong size");
    at = buf_reserve(out, size);
    if (packed.size == size)
        memcpy(at, packed.data, size);
    else if (uncompress((Bytef *)at, &got, (const Bytef *)packed.data, packed.size) != Z_OK ||
             got != size)
        return err_set(err, ERR_STORE, "what a record held before cannot be unpacked");
    out->size += size;
    return true;
}

bool before_write(struct store *store, int64_t job_id, int64_t version, const struct before *before,
                  struct err *err)
{
    struct db_statement *statement = db_get(store, DB_BEFORES, BEFORE_WRITE, err);

    db_bind_int64(statement, DB_JOB_ID, job_id);
    db_bind_int64(statement, DB_VERSION, version);
    db_bind_known(statement, DB_SIZE, before != NULL, before ? (int64_t)before->size : 0);
    db_bind_blob(statement, DB_FIELDS, before ? before->packed : NULL,
                 before ? before->packed_size : 0);
    return db_run(store, statement, err, "keep what a record held");
}

bool before_is_written(struct store *store, int64_t job_id, int64_t version, bool *written,
                       struct err *err)
{
    struct db_statement *statement = db_get(store, DB_BEFORES, BEFORE_VERSION, err);
    bool fine = true;

    db_bind_int64(statement, DB_JOB_ID, job_id);
    *written = db_next(store, statement, &fine, err, "look for what a record held") &&
               db_column_int64(statement, DB_VERSION) == version;
    db_reset(statement);
    return fine;
}
