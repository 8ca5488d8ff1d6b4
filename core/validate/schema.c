#include "core/validate/schema.h"

#include "core/base/mem.h"
#include "core/base/zone.h"
#include "core/row/cell_form.h"
#include "core/validate/compile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum {
    FILE_MAX = 8 << 20, /* bytes of a schema file */
    READ_LEAST = 2 << 10,
    READ_MOST = 64 << 10, /* bytes that a read asks for */
};

/* expected: the size of the file, as far as the system knows it. */
static bool read_whole(int fd, off_t expected, const char *path, struct plan *plan, struct err *err)
{
    size_t piece = expected < READ_LEAST ? READ_LEAST : READ_MOST;
    struct buf text = {0};
    ssize_t size = 1;

    while (size > 0 && text.size <= FILE_MAX) {
        size = read(fd, buf_reserve(&text, piece), piece);
        text.size += size > 0 ? (size_t)size : 0;
    }
    buf_text(&text);
    plan->text = text.data;
    plan->text_size = text.size;
    if (size < 0)
        return err_set(err, ERR_CONFIG, "%s: cannot be read: %s", path, strerror(errno));
    if (text.size > FILE_MAX)
        return err_set(err, ERR_CONFIG, "%s: is larger than %d bytes", path, FILE_MAX);
    return true;
}

/* Follows symbolic links: the operator's folder can consist of them. */
static bool read_file(const char *path, struct plan *plan, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status;
    bool done;

    if (fd < 0)
        return err_set(err, ERR_CONFIG, "%s: cannot be read: %s%s", path, strerror(errno),
                       errno == EACCES ? ": let this user read it" : "");
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        done = err_set(err, ERR_CONFIG, "%s: is not a regular file", path);
    else
        done = read_whole(fd, status.st_size, path, plan, err);
    close(fd);
    return done;
}

/* Returns the name of the file without folders and `.json`. */
static char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t size = strlen(name);

    if (str_ends(name, ".json"))
        size -= strlen(".json");
    return mem_copy(name, size);
}

static void hash_text(const struct plan *plan, char hash[33])
{
    XXH128_hash_t value = XXH3_128bits(plan->text, plan->text_size);

    snprintf(hash, 33, "%016llx%016llx", (unsigned long long)value.high64,
             (unsigned long long)value.low64);
}

/* Windows editors put a byte order mark at the start. */
static void skip_mark(struct plan *plan)
{
    if (!str_starts(plan->text, "\xEF\xBB\xBF"))
        return;
    plan->text_size -= 3;
    memmove(plan->text, plan->text + 3, plan->text_size + 1);
}

static bool schema_load(struct schema *schema, const char *path, struct err *err)
{
    schema->name = name_of(path);
    if (!*schema->name)
        return err_set(err, ERR_CONFIG, "%s: has no name before .json", path);
    if (!read_file(path, &schema->plan, err))
        return false;
    hash_text(&schema->plan, schema->hash);
    skip_mark(&schema->plan);
    return compile_schema(schema, path, err);
}

struct schema *schema_parse(const char *name, struct span text, struct err *err)
{
    struct schema *schema = mem_calloc(1, sizeof *schema);

    schema->name = mem_strdup(name);
    schema->plan.text = mem_copy(text.data, text.size);
    schema->plan.text_size = text.size;
    hash_text(&schema->plan, schema->hash);
    if (compile_schema(schema, name, err))
        return schema;
    schema_close(schema);
    return NULL;
}

struct schema *schema_open(const char *path, struct err *err)
{
    struct schema *schema = mem_calloc(1, sizeof *schema);

    if (schema_load(schema, path, err))
        return schema;
    schema_close(schema);
    return NULL;
}

void schema_close(struct schema *schema)
{
    if (!schema)
        return;
    rules_close(schema->rules);
    target_close(schema->target);
    pattern_close(schema->record_id);
    pattern_close(schema->footer);
    for (size_t i = 0; i < schema->shape.dialect.form_count; i++)
        zone_close(schema->shape.dialect.forms[i].zone);
    plan_release(&schema->plan);
    free(schema->properties);
    free(schema->name);
    free(schema);
}

const char *schema_name(const struct schema *schema)
{
    return schema->name;
}

const struct row_shape *schema_shape(const struct schema *schema)
{
    return &schema->shape;
}

const struct target *schema_target(const struct schema *schema)
{
    return schema->target ? schema->target : target_guide();
}

const char *schema_hash(const struct schema *schema)
{
    return schema->hash;
}
