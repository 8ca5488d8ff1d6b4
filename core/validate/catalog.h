/* The folder of schema files, and which of them a file name means. */
#ifndef ROWFERRY_VALIDATE_CATALOG_H
#define ROWFERRY_VALIDATE_CATALOG_H

#include "core/validate/schema.h"

#include <stddef.h>

struct catalog;

/* Opens the folder and loads every NAME.json in it. A schema file that is wrong does not fail the
 * catalog: it is kept with its error, because it holds back only the files of its object. A folder
 * that cannot be read or holds no schema file is an ERR_CONFIG. */
struct catalog *catalog_open(const char *folder, struct err *err);
void catalog_close(struct catalog *catalog);

/* The schema of that name. NULL with ERR_CONFIG: there is none (the message lists what there is),
 * or its file is wrong (the message of its loading). */
const struct schema *catalog_find(const struct catalog *catalog, const char *name, struct err *err);

/* Whether there is a schema file of that name, be it right or wrong. */
bool catalog_has(const struct catalog *catalog, const char *name);

/* Whether some schema's name begins the file name, as catalog_match has it. */
bool catalog_fits(const struct catalog *catalog, const char *file_name);

/* The schema whose name is the longest that file_name (no folders) starts with, followed by a
 * character that is not a letter or digit (docs/guide.md#input-files). NULL as above, with
 * ERR_INPUT when no schema name fits. */
const struct schema *catalog_match(const struct catalog *catalog, const char *file_name,
                                   struct err *err);

/* How many schema files there are, and the name of the n-th schema, by name. */
size_t catalog_count(const struct catalog *catalog);
const char *catalog_name(const struct catalog *catalog, size_t index);

/* How many schema files are wrong, and what is wrong with the n-th of them. */
size_t catalog_fault_count(const struct catalog *catalog);
const char *catalog_fault(const struct catalog *catalog, size_t index);

#endif
