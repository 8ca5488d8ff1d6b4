/* Where the fields of a row are in a write and in a record, and the bodies that follow from that.
 */
#pragma once

#include "core/target/parse.h"

/* Reads `fields` and the places of `read`, and builds the bodies of the write and of the create,
 * after all other members were read. False after parse_refuse: two things share a place, or nothing
 * in a request names the record. */
bool places_read(struct parse *r);
