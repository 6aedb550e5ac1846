/* configure and reconnect: a name, an org and a credential go in; the permission table comes out. */
#include "client/cli/cli.h"
#include "client/cmd/collection.h"
#include "client/cmd/credential.h"
#include "client/term/terminal.h"

#include "base/assert.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROBE_TIMEOUT_MS 120000 /* every endpoint is probed, and Okta may be slow */
#define ANSWER_BYTES_MAX 1024
#define NAME_BYTES_MAX   63

/* What is asked for, and the memory behind it. */
struct wish {
    Okta__Connector__V1__ConfigureRequest request;
    Okta__Connector__V1__Collection collections[16]; /* more than there are */
    Google__Protobuf__UInt32Value history, retention;
    struct buf name, org;
    struct credential credential;
};

static void wish_init(struct wish *w)
{
    okta__connector__v1__configure_request__init(&w->request);
    google__protobuf__uint32_value__init(&w->history);
    google__protobuf__uint32_value__init(&w->retention);
    buf_init(&w->name, ANSWER_BYTES_MAX);
    buf_init(&w->org, ANSWER_BYTES_MAX);
    credential_init(&w->credential);
}

static void wish_deinit(struct wish *w)
{
    buf_deinit(&w->name);
    buf_deinit(&w->org);
    credential_deinit(&w->credential);
}

/* ---- what the command line says ---- */

static bool take_days(const struct args *a, const char *name, uint64_t min, uint64_t max,
                      Google__Protobuf__UInt32Value *value, Google__Protobuf__UInt32Value **field, struct error *err)
{
    uint64_t days;

    if (!args_has(a, name))
        return true;
    if (!args_number(a, name, min, max, &days, err))
        return false;
    value->value = (uint32_t)days;
    *field = value;
    return true;
}

static bool take_collection(struct wish *w, struct view word, struct error *err)
{
    AUTO_BUF struct buf known = BUF(256);
    Okta__Connector__V1__Collection which;

    collection_words(&known);
    if (!collection_named(word, &which))
        return error_set(err, ERROR_INVALID_ARGUMENT,
                         "--collect: there is no collection \"" VIEW_FMT "\"; there are %s, with a comma between",
                         VIEW_ARG(word), buf_cstr(&known));
    for (size_t i = 0; i < w->request.n_collections; i++)
        if (w->collections[i] == which)
            return error_set(err, ERROR_INVALID_ARGUMENT, "--collect: \"" VIEW_FMT "\" is named twice", VIEW_ARG(word));
    ASSERT(w->request.n_collections < sizeof w->collections / sizeof w->collections[0]);
    w->collections[w->request.n_collections++] = which;
    return true;
}

static bool take_collections(struct wish *w, const char *list, struct error *err)
{
    struct view rest = view_of(list);

    w->request.collections = w->collections;
    while (rest.len > 0) {
        const char *comma = memchr(rest.at, ',', rest.len);
        struct view word = { rest.at, comma != NULL ? (size_t)(comma - rest.at) : rest.len };

        if (!take_collection(w, word, err))
            return false;
        rest.at += word.len + (comma != NULL);
        rest.len -= word.len + (comma != NULL);
    }
    return true;
}

static bool take_options(const struct cli *cli, struct wish *w, struct error *err)
{
    const struct args *a = &cli->args;

    w->request.validate_only = args_has(a, "check");
    w->request.allow_partial = args_has(a, "allow-partial");
    buf_puts(&w->name, cli_name(cli));
    if (args_has(a, "org"))
        buf_puts(&w->org, args_value(a, "org"));
    if (args_has(a, "org") && view_trim(buf_view(&w->org)).len == 0)
        return error_set(err, ERROR_INVALID_ARGUMENT, "--org is empty: acme, acme.okta.com or https://acme.okta.com");
    return credential_check_options(a, err) &&
           take_days(a, "history-days", 0, 90, &w->history, &w->request.history_days, err) &&
           take_days(a, "retention-days", 1, 3650, &w->retention, &w->request.retention_days, err) &&
           (!args_has(a, "collect") || take_collections(w, args_value(a, "collect"), err));
}

/* ---- what a person says ---- */

/* "https://acme.okta.com/" -> "acme"; nothing when that is no name. */
static void name_from_org(struct view org, struct buf *name)
{
    if (view_starts(org, "https://")) {
        org.at += strlen("https://");
        org.len -= strlen("https://");
    }
    for (size_t i = 0; i < org.len && i < NAME_BYTES_MAX && strchr("./:", org.at[i]) == NULL; i++) {
        char c = (char)tolower((unsigned char)org.at[i]);

        if (!isalnum((unsigned char)c) && (c != '-' || i == 0)) {
            buf_reset(name);
            return;
        }
        buf_putc(name, c);
    }
}

static bool ask_name(struct wish *w, struct error *err)
{
    AUTO_BUF struct buf suggestion = BUF(ANSWER_BYTES_MAX);
    AUTO_BUF struct buf question = BUF(2 * ANSWER_BYTES_MAX);

    name_from_org(buf_view(&w->org), &suggestion);
    buf_printf(&question, suggestion.len > 0 ? "Name for it here [%s]: " : "Name for it here: ", buf_cstr(&suggestion));
    if (!terminal_ask(buf_cstr(&question), false, &w->name, err))
        return false;
    if (w->name.len == 0)
        buf_put(&w->name, suggestion.at, suggestion.len);
    return true;
}

static bool ask_org(struct wish *w, struct error *err)
{
    if (!terminal_ask("Okta org (acme, acme.okta.com or https://acme.okta.com): ", false, &w->org, err))
        return false;
    return w->org.len > 0 || error_set(err, ERROR_INVALID_ARGUMENT, "no org was given");
}

/* Without any option and in front of a person, everything is asked. An org without a credential: only that. */
static bool complete(const struct cli *cli, struct wish *w, struct error *err)
{
    const struct args *a = &cli->args;
    bool is_person = terminal_is(STDIN_FILENO);
    bool asks_all = is_person && !args_has(a, "org") && !credential_is_given(a) && !args_has(a, "collect") &&
                    !args_has(a, "history-days") && !args_has(a, "retention-days");

    if (asks_all && (!ask_org(w, err) || (w->name.len == 0 && !ask_name(w, err))))
        return false;
    if (w->name.len == 0)
        name_from_org(buf_view(&w->org), &w->name);
    if (w->name.len == 0)
        return error_set(err, ERROR_INVALID_ARGUMENT, "the connector needs a name: %s configure NAME --org URL",
                         PROGRAM);
    if (credential_is_given(a))
        return credential_read(&w->credential, a, err);
    return !is_person || !(asks_all || args_has(a, "org")) || credential_ask(&w->credential, err);
}

/* ---- the answer ---- */

static const char *verdict_words(Okta__Connector__V1__PermissionVerdict v, enum style *style)
{
    static const char *const words[] = { "?",
                                         "works",
                                         "credential refused",
                                         "role missing",
                                         "scope missing",
                                         "feature absent",
                                         "suspiciously empty",
                                         "no answer" };
    size_t i = (size_t)v < sizeof words / sizeof words[0] ? (size_t)v : 0;

    *style = v == OKTA__CONNECTOR__V1__PERMISSION_VERDICT__PERMISSION_VERDICT_WORKS ? STYLE_GOOD : STYLE_BAD;
    return words[i];
}

static void permission_row(struct table *t, const Okta__Connector__V1__Permission *p)
{
    enum style style;
    const char *words = verdict_words(p->verdict, &style);
    char answer[128] = "", word[COLLECTION_WORD_SIZE];
    const char *what = p->collection != 0 ? collection_word(p->collection, word) : "the org";

    if (p->http_status != 0)
        snprintf(answer, sizeof answer, "HTTP %u%s%.60s", p->http_status, p->error_code[0] != '\0' ? " " : "",
                 p->error_code);
    table_row(t, (const struct table_cell[]){ { view_of(what), STYLE_PLAIN },
                                              { view_of(p->endpoint), STYLE_PLAIN },
                                              { view_of(words), style },
                                              { view_of(answer), STYLE_DIM } });
}

static void print_permissions(struct cli *cli, const Okta__Connector__V1__ConfigureResponse *r)
{
    static const struct table_column columns[] = { { "FOR", 0 }, { "ENDPOINT", 0 }, { "VERDICT", 0 }, { "ANSWER", 0 } };
    static struct table t;

    table_init(&t, &cli->out, columns, 4, terminal_columns(STDOUT_FILENO), cli->has_color);
    for (size_t i = 0; i < r->n_permissions; i++)
        permission_row(&t, r->permissions[i]);
    table_flush(&t);
    table_deinit(&t);
    for (size_t i = 0; i < r->n_permissions; i++)
        if (r->permissions[i]->remedy[0] != '\0')
            cli_say(cli, "%s: %s", r->permissions[i]->endpoint, r->permissions[i]->remedy);
    for (size_t i = 0; i < r->n_warnings; i++)
        cli_say(cli, "note: %s", r->warnings[i]);
}

static bool all_works(const Okta__Connector__V1__ConfigureResponse *r)
{
    for (size_t i = 0; i < r->n_permissions; i++)
        if (r->permissions[i]->verdict != OKTA__CONNECTOR__V1__PERMISSION_VERDICT__PERMISSION_VERDICT_WORKS)
            return false;
    return true;
}

static void print_next(struct cli *cli, const Okta__Connector__V1__ConfigureResponse *r)
{
    if (!r->stored) {
        output_printf(&cli->out, "\nNothing was stored: that was a check.\n");
        return;
    }
    output_puts(&cli->out, "\n");
    cli_say(cli, "%s %s and runs.", r->name, r->created ? "is stored" : "was changed");
    cli_say(cli, "next: %s logins %s --follow", PROGRAM, r->name);
    cli_say(cli, "      %s status %s", PROGRAM, r->name);
}

static int show(struct cli *cli, const Okta__Connector__V1__ConfigureResponse *r, bool is_check)
{
    int code;

    if (cli->format == FORMAT_TABLE) {
        print_permissions(cli, r);
        print_next(cli, r);
    } else {
        cli_json(cli, &r->base);
    }
    code = cli_done(cli);
    return code == EXIT_OK && is_check && !all_works(r) ? EXIT_OKTA : code;
}

/* The refusal names what is missing; the table shows it in one look. It costs another round of probes, which is little
 * beside a person who wonders. */
static void show_what_is_missing(struct cli *cli, struct wish *w)
{
    ProtobufCMessage *response;
    struct error err;

    w->request.validate_only = true;
    if (!cli_call(cli, &method_configure, &w->request.base, PROBE_TIMEOUT_MS, &response, &err))
        return;
    print_permissions(cli, (const void *)response);
    protobuf_c_message_free_unpacked(response, NULL);
}

static int send(struct cli *cli, struct wish *w, const char *what)
{
    ProtobufCMessage *response;
    struct error err;
    int code;

    w->request.name = (char *)buf_cstr(&w->name);
    w->request.org = (char *)buf_cstr(&w->org);
    credential_put(&w->credential, &w->request);
    if (!cli_call(cli, &method_configure, &w->request.base, PROBE_TIMEOUT_MS, &response, &err)) {
        if (err.reason != NULL && strcmp(err.reason, "OKTA_PERMISSION_MISSING") == 0 && cli->format == FORMAT_TABLE)
            show_what_is_missing(cli, w);
        return cli_fail(cli, &err, what);
    }
    code = show(cli, (const void *)response, w->request.validate_only);
    protobuf_c_message_free_unpacked(response, NULL);
    return code;
}

static int run_configure(struct cli *cli)
{
    struct wish w;
    struct error err;
    int code;

    wish_init(&w);
    /* A file is checked before anything else; nobody is asked for a secret unless the server is there. */
    if (take_options(cli, &w, &err) && (credential_is_given(&cli->args) || cli_connect(cli, &err)) &&
        complete(cli, &w, &err))
        code = send(cli, &w, "configure");
    else
        code = cli_fail(cli, &err, "configure");
    wish_deinit(&w);
    return code;
}

static int run_reconnect(struct cli *cli)
{
    struct wish w;
    struct error err;
    bool ok;
    int code;

    wish_init(&w);
    buf_puts(&w.name, cli_name(cli));
    if (credential_is_given(&cli->args))
        ok = credential_check_options(&cli->args, &err) && credential_read(&w.credential, &cli->args, &err);
    else if (terminal_is(STDIN_FILENO))
        ok = credential_ask(&w.credential, &err);
    else
        ok = error_set(&err, ERROR_INVALID_ARGUMENT,
                       "give the new token with --token-file FILE, or - for stdin; or a service app with --client-id "
                       "and --private-key-file");
    code = ok ? send(cli, &w, "reconnect") : cli_fail(cli, &err, "reconnect");
    wish_deinit(&w);
    return code;
}

static const struct option configure_options[] = {
    { "org", '\0', "URL", "acme, acme.okta.com or https://acme.okta.com" },
    CREDENTIAL_OPTIONS,
    { "history-days", '\0', "N", "days of past logins to fetch, 0 to 90 (30)" },
    { "retention-days", '\0', "N", "days to keep logins, 1 to 3650 (90)" },
    { "collect", '\0', "LIST", "what to collect, with a comma between, such as logins,users (all)" },
    { "allow-partial", '\0', NULL, "store it although something cannot be listed" },
    { "check", '\0', NULL, "show the permission table and store nothing" },
    { NULL, '\0', NULL, NULL },
};

const struct command command_configure = {
    .name = "configure",
    .synopsis = "[NAME] --org URL (--token-file FILE | --client-id ID --private-key-file FILE)",
    .summary = "connect an Okta org, or change how it is read",
    .details = "Probes every endpoint that it will need, shows what the credential can do, and starts to collect. In\n"
               "a terminal and without options it asks for everything. Without NAME the name is made of the org's.\n"
               "The secret goes to the server, which seals it; it comes back from nowhere.",
    .operands_max = 1,
    .options = configure_options,
    .run = run_configure,
};

static const struct option reconnect_options[] = {
    CREDENTIAL_OPTIONS,
    { NULL, '\0', NULL, NULL },
};

const struct command command_reconnect = {
    .name = "reconnect",
    .synopsis = "NAME (--token-file FILE | --client-id ID --private-key-file FILE)",
    .summary = "give a connector a new credential; it goes on where it stopped",
    .operands_min = 1,
    .operands_max = 1,
    .options = reconnect_options,
    .run = run_reconnect,
};
