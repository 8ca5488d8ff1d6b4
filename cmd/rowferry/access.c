#include "cmd/rowferry/access.h"

#include "cmd/rowferry/secret.h"

/* Of the platform's login. */
static const char custom_objects[] = "customobjects:write customobjects:read";

bool access_resolve(struct access *access, const struct options *options, struct err *err)
{
    const struct option_value *login = &options->values[OPT_LOGIN_URL];
    const struct option_value *token = &options->values[OPT_TOKEN_URL];

    return environment_resolve(
        &(struct environment_names){
            .api = options_text(options, OPT_ENVIRONMENT),
            .login_url = login->text,
            .token_url = token->text,
            .login_is_option = login->origin == FROM_ARGUMENT,
            .token_is_option = token->origin == FROM_ARGUMENT,
        },
        &access->environment, err);
}

bool access_identify(struct access *access, const struct options *options, struct err *err)
{
    const char *scope = options_text(options, OPT_SCOPE);

    if (!secret_read(options, OPT_API_KEY, &access->key, err) ||
        (!access->key && !secret_read(options, OPT_CLIENT_SECRET, &access->secret, err)))
        return false;
    if (!scope && !options_text(options, OPT_TOKEN_URL))
        scope = custom_objects;
    access->client = (struct token_client){
        .id = options_text(options, OPT_CLIENT_ID),
        .secret = access->secret,
        .scope = scope && *scope ? scope : NULL,
        .key = access->key,
        .key_field = access->key ? options_text(options, OPT_API_KEY_HEADER) : NULL,
    };
    return true;
}

void access_release(struct access *access)
{
    secret_release(access->secret);
    secret_release(access->key);
    *access = (struct access){0};
}

bool access_complete(const struct access *access)
{
    return access->client.key || (access->client.id && access->client.secret);
}
