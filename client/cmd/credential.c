#include "client/cmd/credential.h"

#include "client/cli/cli.h"
#include "client/term/terminal.h"

#include <string.h>

#define ANSWER_BYTES_MAX 1024

void credential_init(struct credential *c)
{
    buf_init(&c->token, TOKEN_BYTES_MAX);
    buf_init(&c->client_id, ANSWER_BYTES_MAX);
    buf_init(&c->key, KEY_BYTES_MAX);
    buf_init(&c->key_id, ANSWER_BYTES_MAX);
    okta__connector__v1__service_app__init(&c->app);
}

void credential_deinit(struct credential *c)
{
    token_wipe(&c->token);
    token_wipe(&c->key);
    buf_deinit(&c->client_id);
    buf_deinit(&c->key_id);
}

/* ---- the command line ---- */

bool credential_is_given(const struct args *a)
{
    return args_has(a, "token-file") || args_has(a, "client-id") || args_has(a, "private-key-file") ||
           args_has(a, "key-id");
}

bool credential_check_options(const struct args *a, struct error *err)
{
    bool is_app = args_has(a, "client-id") || args_has(a, "private-key-file") || args_has(a, "key-id");

    if (is_app && args_has(a, "token-file"))
        return error_set(err, ERROR_INVALID_ARGUMENT,
                         "give either --token-file (an API token) or --client-id and --private-key-file (a service "
                         "app), not both");
    if (is_app && !(args_has(a, "client-id") && args_has(a, "private-key-file")))
        return error_set(err, ERROR_INVALID_ARGUMENT, "a service app needs both --client-id and --private-key-file");
    return true;
}

bool credential_read(struct credential *c, const struct args *a, struct error *err)
{
    if (args_has(a, "token-file"))
        return token_read(args_value(a, "token-file"), &c->token, err);
    buf_puts(&c->client_id, args_value(a, "client-id"));
    if (args_has(a, "key-id"))
        buf_puts(&c->key_id, args_value(a, "key-id"));
    if (!buf_ok(&c->client_id) || !buf_ok(&c->key_id))
        return error_set(err, ERROR_INVALID_ARGUMENT, "--client-id and --key-id have at most %d letters",
                         ANSWER_BYTES_MAX);
    return key_read(args_value(a, "private-key-file"), &c->key, err);
}

/* ---- a person ---- */

static bool ask_token(struct credential *c, struct error *err)
{
    return buf_extend(&c->token, TOKEN_BYTES_MAX) != NULL && (buf_reset(&c->token), true) &&
           terminal_ask("API token (not shown; Okta admin console, Security > API > Tokens): ", true, &c->token, err) &&
           token_check(&c->token, err);
}

static bool ask_app(struct credential *c, struct error *err)
{
    AUTO_BUF struct buf file = BUF(ANSWER_BYTES_MAX);

    return terminal_ask("Client id of the app (0oa...): ", false, &c->client_id, err) &&
           terminal_ask("File with its private key (PEM or JWK): ", false, &file, err) &&
           key_read(buf_cstr(&file), &c->key, err) &&
           terminal_ask("Key id (empty where the key is a JWK that names it): ", false, &c->key_id, err);
}

bool credential_ask(struct credential *c, struct error *err)
{
    AUTO_BUF struct buf kind = BUF(ANSWER_BYTES_MAX);

    if (!terminal_ask("Sign in with an API token, or as a service app? token or app [token]: ", false, &kind, err))
        return false;
    if (kind.len == 0 || view_eq_nocase(buf_view(&kind), VIEW("token")))
        return ask_token(c, err);
    if (view_eq_nocase(buf_view(&kind), VIEW("app")))
        return ask_app(c, err);
    return error_set(err, ERROR_INVALID_ARGUMENT, "the answer is token or app");
}

/* ---- the request ---- */

void credential_put(struct credential *c, Okta__Connector__V1__ConfigureRequest *request)
{
    if (c->key.len > 0) {
        c->app.client_id = (char *)buf_cstr(&c->client_id);
        c->app.private_key = (char *)buf_cstr(&c->key);
        c->app.key_id = (char *)buf_cstr(&c->key_id);
        request->credential_case = OKTA__CONNECTOR__V1__CONFIGURE_REQUEST__CREDENTIAL_SERVICE_APP;
        request->service_app = &c->app;
    } else if (c->token.len > 0) {
        if (!token_is_usual(buf_view(&c->token)))
            cli_note("note: this does not look like an Okta API token (42 letters and digits that begin with 00); "
                     "trying it all the same");
        request->credential_case = OKTA__CONNECTOR__V1__CONFIGURE_REQUEST__CREDENTIAL_API_TOKEN;
        request->api_token = (char *)buf_cstr(&c->token);
    }
}
