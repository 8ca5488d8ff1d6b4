/* Where the API is, and how rowferry identifies itself to it, by the settings. */
#ifndef ROWFERRY_CMD_ACCESS_H
#define ROWFERRY_CMD_ACCESS_H

#include "cmd/rowferry/options.h"
#include "core/api/environment.h"

/* Zeroed before its first use. */
struct access {
    struct environment environment;
    char *secret, *key;         /* NULL: none set */
    struct token_client client; /* it points at these and at the settings */
};

/* Fills in environment. ERR_CONFIG as environment_resolve has it. */
bool access_resolve(struct access *access, const struct options *options, struct err *err);

/* Reads the API key, or else the client secret, and fills in client. ERR_CONFIG as secret_read has
 * it. access_release wipes both. */
bool access_identify(struct access *access, const struct options *options, struct err *err);
void access_release(struct access *access);

/* True with a key, or with a client id and its secret. */
bool access_complete(const struct access *access);

#endif
