#include "cmd/genesys-sim/tls.h"

#include <errno.h>
#include <stdio.h>

enum { PEM_MAX = 1 << 20 };

static bool read_file(struct buf *out, const char *path, struct err *err)
{
    FILE *file = fopen(path, "re");

    if (!file)
        return err_set(err, ERR_CONFIG, "cannot read %s: %s", path, strerror(errno));
    out->size = fread(buf_reserve(out, PEM_MAX), 1, PEM_MAX, file);
    fclose(file);
    return true;
}

bool tls_read(struct tls *tls, const char *certificate_path, const char *key_path, struct err *err)
{
    *tls = (struct tls){0};
    if (!certificate_path && !key_path)
        return true;
    if (!certificate_path || !key_path)
        return err_set(err, ERR_CONFIG, "--tls-cert and --tls-key belong together");
    return read_file(&tls->certificate, certificate_path, err) &&
           read_file(&tls->key, key_path, err);
}

void tls_release(struct tls *tls)
{
    buf_release(&tls->certificate);
    buf_release(&tls->key);
}

bool tls_is_on(const struct tls *tls)
{
    return tls->certificate.data != NULL;
}
