/* Inside core/store only: a claim is filled from the rows of its job. */
#pragma once

#include "core/store/claim.h"
#include "core/store/db.h"
#include "core/store/open_batches.h"

/* Fills a claim from the columns of its job_row, with the fields from the column of that name. A
 * row without a version is built on the record as it is fetched, unless the target of its batch has
 * no lock. */
void claim_row_read(struct db_statement *statement, const struct open_batch *batch,
                    enum db_name fields_name, struct claim *claim);

/* Fills a claim that was claimed before from the columns of CLAIM_JOB (claims.c), but for its
 * correlation id: what comes next for the record, and what earlier claims left. *sent: its PUT is
 * sent as it was before. */
void claim_row_read_again(struct db_statement *statement, const struct open_batch *batch,
                          int64_t run_id, int64_t now_ms, struct claim *claim, bool *sent);
