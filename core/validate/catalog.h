/* The folder of schema files, and the choice of a schema by a file's name. */
#pragma once

#include "core/validate/schema.h"

#include <stddef.h>

struct catalog;

/* Opens the folder and loads every NAME.json in it. An invalid schema file is kept with its error,
 * because it affects only the files of its object. ERR_CONFIG if the folder cannot be read or
 * contains no schema file. */
struct catalog *catalog_open(const char *folder, struct err *err);
void catalog_close(struct catalog *catalog);

/* Returns the schema of that name. NULL with ERR_CONFIG if there is none (the message lists the
 * names) or its file is invalid (the message of loading it). */
const struct schema *catalog_find(const struct catalog *catalog, const char *name, struct err *err);

/* True if there is a schema file of that name, valid or not. */
bool catalog_has(const struct catalog *catalog, const char *name);

/* True if catalog_match finds a schema, valid or not. */
bool catalog_fits(const struct catalog *catalog, const char *file_name);

/* Returns the schema with the longest name that file_name (without folders) starts with, followed
 * by a character that is not a letter or digit (docs/guide.md#input-files). NULL as above, but with
 * ERR_INPUT if no schema name matches. */
const struct schema *catalog_match(const struct catalog *catalog, const char *file_name,
                                   struct err *err);

/* The number of schema files, and the name of the n-th schema, sorted by name. */
size_t catalog_count(const struct catalog *catalog);
const char *catalog_name(const struct catalog *catalog, size_t index);

/* The number of invalid schema files, and the error of the n-th of them. */
size_t catalog_fault_count(const struct catalog *catalog);
const char *catalog_fault(const struct catalog *catalog, size_t index);
