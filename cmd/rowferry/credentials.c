#include "cmd/rowferry/credentials.h"

#include "cmd/rowferry/secret.h"

/* Of the platform's login. */
static const char custom_objects[] = "customobjects:write customobjects:read";

bool credentials_resolve(struct credentials *credentials, const struct options *options,
                         struct err *err)
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
        &credentials->environment, err);
}

bool credentials_identify(struct credentials *credentials, const struct options *options,
                          struct err *err)
{
    const char *scope = options_text(options, OPT_SCOPE);

    if (!secret_read(options, OPT_API_KEY, &credentials->key, err) ||
        (!credentials->key && !secret_read(options, OPT_CLIENT_SECRET, &credentials->secret, err)))
        return false;
    if (credentials->key && options_text(options, OPT_TOKEN_URL))
        return err_set(err, ERR_CONFIG,
                       "--api-key-file (or ROWFERRY_API_KEY) and --token-url (or "
                       "ROWFERRY_TOKEN_URL) are both set, and a key needs no login: unset one of "
                       "them");
    if (!scope && !options_text(options, OPT_TOKEN_URL))
        scope = custom_objects;
    credentials->client = (struct token_client){
        .id = options_text(options, OPT_CLIENT_ID),
        .secret = credentials->secret,
        .scope = scope && *scope ? scope : NULL,
        .key = credentials->key,
        .key_field = credentials->key ? options_text(options, OPT_API_KEY_HEADER) : NULL,
    };
    return true;
}

void credentials_release(struct credentials *credentials)
{
    secret_release(credentials->secret);
    secret_release(credentials->key);
    *credentials = (struct credentials){0};
}

bool credentials_complete(const struct credentials *credentials)
{
    return credentials->client.key || (credentials->client.id && credentials->client.secret);
}
