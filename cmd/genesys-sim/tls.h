/* Certificate and key for https, as libmicrohttpd wants them: PEM texts in memory. */
#ifndef GENESYS_SIM_TLS_H
#define GENESYS_SIM_TLS_H

#include "core/base/buf.h"
#include "core/base/err.h"

#include <stdbool.h>

/* Zeroed means plain http. */
struct tls {
    struct buf certificate, key;
};

/* Reads both files; two NULL paths leave tls zeroed. ERR_CONFIG when only one is given, or one
 * cannot be read. tls_release is due in either case. */
bool tls_read(struct tls *tls, const char *certificate_path, const char *key_path, struct err *err);

void tls_release(struct tls *tls);

bool tls_is_on(const struct tls *tls);

#endif
