/* Where the API is, and how rowferry identifies itself to it, by the settings. */
#pragma once

#include "cmd/rowferry/options.h"
#include "core/api/environment.h"

/* Zeroed before its first use. */
struct credentials {
    struct environment environment;
    char *secret, *key;         /* NULL: none set */
    struct token_client client; /* it points at these and at the settings */
};

/* Fills in environment. ERR_CONFIG as environment_resolve has it. */
bool credentials_resolve(struct credentials *credentials, const struct options *options,
                         struct err *err);

/* Reads the API key, or else the client secret, and fills in client. ERR_CONFIG as secret_read has
 * it. credentials_release wipes both. */
bool credentials_identify(struct credentials *credentials, const struct options *options,
                          struct err *err);
void credentials_release(struct credentials *credentials);

/* True with a key, or with a client id and its secret. */
bool credentials_complete(const struct credentials *credentials);
