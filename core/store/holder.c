#include "core/store/holder.h"

#include "core/base/mem.h"
#include "core/base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum {
    WAL_WRITE_BYTE = 120, /* in FILE-shm (sqlite.org/walformat.html, section 2.3) */
    LINE_SIZE = 256,
    PLACE_SIZE = 64, /* of a file's device and inode, as /proc/locks writes them */
};

/* One lock: `1: POSIX  ADVISORY  WRITE 4711 fe:00:11331753 120 120`. */
enum { FIELD_CLASS = 1, FIELD_TYPE = 3, FIELD_PID, FIELD_PLACE, FIELD_FIRST, FIELD_LAST, FIELDS };

static void place_of(const char *path, char place[PLACE_SIZE])
{
    struct stat status;

    place[0] = '\0';
    if (stat(path, &status) == 0)
        snprintf(place, PLACE_SIZE, "%02x:%02x:%ju", major(status.st_dev), minor(status.st_dev),
                 (uintmax_t)status.st_ino);
}

static bool split(const char *line, struct span field[FIELDS])
{
    for (unsigned i = 0; i < FIELDS; i++) {
        line += strspn(line, " ");
        field[i] = (struct span){line, strcspn(line, " \n")};
        if (field[i].size == 0)
            return false;
        line += field[i].size;
    }
    return true;
}

static bool covers(const struct span field[FIELDS], int64_t byte)
{
    int64_t first, last = INT64_MAX;

    return str_to_int64(field[FIELD_FIRST], 0, INT64_MAX, &first) && first <= byte &&
           (span_is(field[FIELD_LAST], "EOF") ||
            (str_to_int64(field[FIELD_LAST], 0, INT64_MAX, &last) && last >= byte));
}

/* Returns the other process that writes according to this line: in WAL mode it has locked one byte
 * of FILE-shm; in any other mode, or when it has locked everything, the file. 0: none. */
static int64_t writer_of(const char *line, const char *file, const char *index)
{
    struct span field[FIELDS];
    int64_t pid;

    if (!split(line, field) || !span_is(field[FIELD_CLASS], "POSIX") ||
        !span_is(field[FIELD_TYPE], "WRITE") ||
        !str_to_int64(field[FIELD_PID], 1, INT64_MAX, &pid) || pid == getpid())
        return 0;
    if (span_is(field[FIELD_PLACE], file) ||
        (span_is(field[FIELD_PLACE], index) && covers(field, WAL_WRITE_BYTE)))
        return pid;
    return 0;
}

static void describe(int64_t pid, char *out, size_t size)
{
    char path[64], name[32] = "";
    FILE *file;

    snprintf(path, sizeof path, "/proc/%" PRId64 "/comm", pid);
    file = fopen(path, "re");
    if (file) {
        if (fgets(name, sizeof name, file))
            name[strcspn(name, "\n")] = '\0';
        fclose(file);
    }
    snprintf(out, size, "process %" PRId64 "%s%s%s", pid, name[0] ? " (" : "", name,
             name[0] ? ")" : "");
}

bool holder_find(const char *database, char *out, size_t size)
{
    char place[PLACE_SIZE], index_place[PLACE_SIZE], line[LINE_SIZE];
    char *index = mem_printf("%s-shm", database);
    FILE *locks = fopen("/proc/locks", "re");
    int64_t pid = 0;

    place_of(database, place);
    place_of(index, index_place);
    free(index);
    if (!locks)
        return false;
    while (!pid && fgets(line, sizeof line, locks))
        pid = writer_of(line, place, index_place);
    fclose(locks);
    if (pid)
        describe(pid, out, size);
    return pid != 0;
}
