/* One line of --json: begin it with its message_type, add members, end it. */
#pragma once

#include "core/base/buf.h"

#include <stdint.h>

void json_line_begin(struct buf *line, const char *message_type);
void json_line_end(struct buf *line);

/* Begins a `status` line about that kind of event. */
void json_line_status(struct buf *line, const char *event);

/* Appends a string member; NULL data becomes null. */
void json_line_text(struct buf *line, const char *name, struct span text);
void json_line_count(struct buf *line, const char *name, uint64_t value);

/* Appends a number; null if it is not known. */
void json_line_known(struct buf *line, const char *name, bool is_known, int64_t value);

/* Appends the id of a batch or run; 0 becomes null. */
void json_line_id(struct buf *line, const char *name, int64_t id);

void json_line_number(struct buf *line, const char *name, double value, int digits);

/* Appends a moment as ISO 8601; 0 becomes null. */
void json_line_time(struct buf *line, const char *name, int64_t now_ms);

/* Appends the name of a job, `5/812`; 0 becomes null. */
void json_line_job(struct buf *line, const char *name, int64_t job_id);
