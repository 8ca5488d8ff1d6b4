/* Lines of a CSV file that are not rows: what is before the header row, blank lines, comments, and
 * a footer. Private to core/row. */
#pragma once

#include "core/row/row.h"
#include "core/row/source.h"

struct csv_lines {
    const struct row_shape *shape;
    char separator; /* of a line `sep=;`; 0: there is none */
    bool screened;  /* some lines are skipped: comments, a footer */
    struct buf
        header; /* the bytes of the header row and of the lines before it that belong to it */
    struct buf preamble; /* those lines, in UTF-8 */
    size_t footer_size;  /* bytes at the end of the window; set with footer_known */
    bool footer_known;
    uint64_t footer_lines, footer_first; /* their number, and the first line */
};

/* Takes the lines before the header row: skipped lines, `sep=;`, comments and blank lines. Call
 * release also after an error. */
bool csv_lines_begin(struct csv_lines *lines, struct source *source, const struct row_shape *shape,
                     struct err *err);
void csv_lines_release(struct csv_lines *lines);

/* Takes blank lines. At the end of the file the window is then empty. */
bool csv_lines_skip_blank(struct source *source, struct err *err);

/* Takes comments, blank lines and the footer at the beginning of the window. */
bool csv_lines_screen(struct csv_lines *lines, struct source *source, struct err *err);

/* Returns how many bytes of a line of dashes, such as `----+------`, a schema file can declare as
 * the beginning of comments. 0: the line is a row. */
size_t csv_lines_dashes(struct span line, char delimiter);

/* Appends which of the next lines can be the header row, and what to declare for it. False: none.
 */
bool csv_lines_hint(const struct csv_lines *lines, struct source *source, struct buf *text);
