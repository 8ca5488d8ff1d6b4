#include "core/store/projection.h"

#include "core/base/mem.h"
#include "core/store/db.h"

#include <stdlib.h>

struct projections {
    struct store *store;
    struct db_statement *find, *keep;
};

static const char find_sql[] =
    "SELECT state, version, source, first_version, returned, fields FROM temp.projection "
    "WHERE schema = :schema AND record_id = :record_id";

static const char keep_sql[] =
    "INSERT OR REPLACE INTO temp.projection (schema, record_id, state, version, source, "
    "first_version, returned, fields) VALUES (:schema, :record_id, :state, :version, :source, "
    ":first_version, :returned, :fields)";

struct projections *projections_open(struct store *store, struct err *err)
{
    struct projections *projections = mem_calloc(1, sizeof *projections);

    projections->store = store;
    if (db_exec(store, "PRAGMA temp.journal_mode = OFF", err) &&
        db_exec(store,
                "CREATE TEMP TABLE IF NOT EXISTS projection (schema TEXT, record_id TEXT, "
                "state INTEGER, version INTEGER, source INTEGER, first_version INTEGER, "
                "returned INTEGER, fields TEXT, PRIMARY KEY (schema, record_id)) WITHOUT ROWID",
                err) &&
        db_exec(store, "DELETE FROM temp.projection", err)) {
        projections->find = db_prepare(store, find_sql, err);
        projections->keep = projections->find ? db_prepare(store, keep_sql, err) : NULL;
    }
    if (projections->keep)
        return projections;
    projections_close(projections);
    return NULL;
}

void projections_close(struct projections *projections)
{
    if (!projections)
        return;
    db_finalize(projections->find);
    db_finalize(projections->keep);
    free(projections);
}

bool projection_find(struct projections *projections, struct span schema, struct span record_id,
                     struct projection *projection, struct err *err)
{
    struct db_statement *statement = projections->find;
    bool fine = true;

    buf_reset(&projection->fields);
    db_bind_span(statement, DB_SCHEMA, schema);
    db_bind_span(statement, DB_RECORD_ID, record_id);
    projection->is_there =
        db_next(projections->store, statement, &fine, err, "look for earlier rows of a record");
    if (projection->is_there) {
        projection->state = db_column_int64(statement, DB_STATE);
        projection->version = db_column_int64(statement, DB_VERSION);
        projection->source = db_column_int64(statement, DB_SOURCE);
        projection->first_version = db_column_int64(statement, DB_FIRST_VERSION);
        projection->returned = db_column_int64(statement, DB_RETURNED);
        buf_append_span(&projection->fields, db_column_span(statement, DB_FIELDS));
    }
    db_reset(statement);
    return fine;
}

bool projection_keep(struct projections *projections, struct span schema, struct span record_id,
                     const struct projection *projection, struct err *err)
{
    struct db_statement *statement = projections->keep;

    db_bind_span(statement, DB_SCHEMA, schema);
    db_bind_span(statement, DB_RECORD_ID, record_id);
    db_bind_int64(statement, DB_STATE, projection->state);
    db_bind_int64(statement, DB_VERSION, projection->version);
    db_bind_int64(statement, DB_SOURCE, projection->source);
    db_bind_int64(statement, DB_FIRST_VERSION, projection->first_version);
    db_bind_int64(statement, DB_RETURNED, projection->returned);
    db_bind_span(statement, DB_FIELDS, buf_span(&projection->fields));
    return db_run(projections->store, statement, err, "note what a record would hold");
}
