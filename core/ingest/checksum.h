/* Checksums that a sender writes next to a file: X.csv.md5, X.csv.sha256. Private to core/ingest.
 */
#pragma once

#include "core/ingest/feed.h"

/* Compares the file with each checksum next to it. *fits: all agree, or there is none; else reason
 * says which differs and what to do. Leaves the file at its first byte. False: the file, or a
 * checksum, cannot be read (ERR_INPUT), or a bug (ERR_INTERNAL). */
bool checksum_check(struct feed *feed, bool *fits, char reason[ERR_TEXT_SIZE], struct err *err);
