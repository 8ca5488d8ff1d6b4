/* Removes our credentials from texts of others: of a server that echoes requests, or of a library
 * that quotes a URL. Otherwise they would get into messages and the database. */
#pragma once

#include <stddef.h>

enum { REDACT_MIN = 8 }; /* bytes of a secret; a shorter one is found in any text */

/* Replaces the credentials of an Authorization value (`Bearer SECRET`, or a key without a scheme;
 * NULL: none) by stars wherever the text contains them. */
void redact(char *text, size_t size, const char *authorization);

/* Replaces what may be the user name and password of a URL in the text: everything between `://`
 * (or, without it, the first quote, or the start) and the last '@'. */
void redact_user_info(char *text);
