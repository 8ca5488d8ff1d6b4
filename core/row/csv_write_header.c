/* The columns of a CSV file that is to be written: those of the file that its rows came in, or
 * those that the shape has a use for. */
#include "core/row/csv_write.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

/* The name of the column that fills a target: as declared, or its own. False: no column does. */
static bool find_heading(const struct row_shape *shape, struct span target, struct span *heading)
{
    const struct row_dialect *dialect = &shape->dialect;

    for (size_t i = 0; i < dialect->column_count; i++)
        if (dialect->columns[i].target.data && span_equal(dialect->columns[i].target, target)) {
            *heading = dialect->columns[i].name;
            return true;
        }
    *heading = target;
    for (size_t i = 0; i < dialect->column_count; i++)
        if (span_equal(dialect->columns[i].name, target))
            return false;
    return true;
}

static void put_heading(const struct row_shape *shape, struct span target, char delimiter,
                        struct buf *out)
{
    struct span heading;

    if (!find_heading(shape, target, &heading))
        return;
    if (out->size && out->data[out->size - 1] != '\n')
        buf_append_char(out, delimiter);
    if (shape->dialect.unquoted)
        buf_append_span(out, heading);
    else
        csv_write_cell(heading, delimiter, false, out);
}

static bool is_reserved(struct span name)
{
    return span_is(name, "record_id") || span_is(name, "version") || span_is(name, "tags");
}

/* One column for whatever a row that did not come from a CSV file can hold. */
static void put_header(const struct row_shape *shape, char delimiter, struct buf *out)
{
    for (uint32_t i = 0; i < shape->dialect.skip_lines; i++)
        buf_append_char(out, '\n');
    put_heading(shape, span_of("record_id"), delimiter, out);
    put_heading(shape, span_of("version"), delimiter, out);
    for (size_t i = 0; i < shape->count; i++)
        if (!is_reserved(shape->properties[i].name))
            put_heading(shape, shape->properties[i].name, delimiter, out);
    put_heading(shape, span_of("tags"), delimiter, out);
    buf_append_char(out, '\n');
}

/* Reads the header row as ingest would read it at the head of a file. */
static bool read_header(struct csv_writer *writer, struct span header, struct err *err)
{
    const struct row_dialect *dialect = &writer->shape.dialect;
    struct source_kind kind = {.utf8 = true,
                               .encoding = dialect->encoding,
                               .delimiter = dialect->delimiter,
                               .row_max = dialect->row_max ? dialect->row_max : ROW_SIZE_MAX};
    int fd = memfd_create("header", MFD_CLOEXEC);
    struct source source = {0};
    bool done;

    if (fd < 0 || write(fd, header.data, header.size) != (ssize_t)header.size ||
        lseek(fd, 0, SEEK_SET) != 0) {
        err_set(err, ERR_CONFIG, "cannot keep the header row in memory: %s", strerror(errno));
        done = false;
    } else {
        done = source_init(&source, fd, writer->options->name, &kind, err) &&
               csv_init(&writer->csv, &source, &writer->shape, err);
    }
    source_release(&source);
    if (fd >= 0)
        close(fd);
    return done;
}

/* The declared delimiter may not be the one that the file was read with. */
static bool read_file_header(struct csv_writer *writer, struct err *err)
{
    struct err other = {0};

    if (read_header(writer, writer->options->header, err))
        return true;
    csv_release(&writer->csv);
    if (!writer->shape.dialect.delimiter)
        return false;
    writer->shape.dialect.delimiter = '\0';
    return read_header(writer, writer->options->header, &other);
}

static bool make_header(struct csv_writer *writer, struct err *err)
{
    struct row_dialect *dialect = &writer->shape.dialect;
    struct buf header = {0};
    bool done;

    dialect->encoding = ROW_ENCODING_NONE;
    if (!dialect->delimiter)
        dialect->delimiter = ',';
    put_header(&writer->shape, dialect->delimiter, &header);
    done = read_header(writer, buf_span(&header), err);
    buf_release(&header);
    return done;
}

bool csv_writer_read_header(struct csv_writer *writer, struct err *err)
{
    return writer->options->header.size ? read_file_header(writer, err) : make_header(writer, err);
}
