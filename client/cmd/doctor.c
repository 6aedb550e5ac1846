/* doctor: what is wrong, and what to do about it.
 *
 * First what can be seen from here: the sockets, whether a server answers, its version. Then what only the server can
 * see, which it looks at itself (Diagnose). When none answers: what this host tells without it. */
#include "client/cli/cli.h"
#include "client/cmd/local.h"
#include "client/rpc/knock.h"
#include "client/term/text.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define STATUS_TIMEOUT_MS   10000
#define DIAGNOSE_TIMEOUT_MS 90000 /* the server gives itself a minute */
#define KNOCK_TIMEOUT_MS    1000

typedef Okta__Connector__V1__Check check;

#define OK      OKTA__CONNECTOR__V1__CHECK_VERDICT__CHECK_VERDICT_OK
#define WARN    OKTA__CONNECTOR__V1__CHECK_VERDICT__CHECK_VERDICT_WARN
#define FAIL    OKTA__CONNECTOR__V1__CHECK_VERDICT__CHECK_VERDICT_FAIL
#define SKIPPED OKTA__CONNECTOR__V1__CHECK_VERDICT__CHECK_VERDICT_SKIPPED

/* ---- from here ---- */

/* True when somebody answers at the socket. */
static bool look_at_socket(struct local *l, const char *path, bool was_named)
{
    struct error err;

    if (knock(path, KNOCK_TIMEOUT_MS, &err)) {
        local_add(l, "socket", OK, "", "unix:%s: somebody answers", path);
        return true;
    }
    if (err.code == ERROR_PERMISSION_DENIED)
        local_add(l, "socket", FAIL,
                  "run this as that user or as root (sudo); a reader's socket is opened to others with --reader-uid or "
                  "--reader-gid of okta-connectord",
                  "unix:%s: %s", path, err.text);
    else if (err.code == ERROR_DEADLINE_EXCEEDED)
        local_add(l, "socket", FAIL, "the server hangs: end it with SIGKILL; nothing that was stored is lost",
                  "unix:%s: %s", path, err.text);
    else if (local_exists(path))
        local_add(l, "socket", FAIL, "start okta-connectord: it removes a socket that nobody answers", "unix:%s: %s",
                  path, err.text);
    else
        local_add(l, "socket", was_named ? FAIL : SKIPPED,
                  was_named
                      ? "start okta-connectord, or say where it listens with --server; its log says so (event listen)"
                      : "",
                  "unix:%s: %s", path, was_named ? err.text : "it is not there");
    return false;
}

/* Where the server would be looked for. */
static void look_at_sockets(struct cli *cli, struct local *l)
{
    char path[ADDRESS_SIZE];
    struct error err;
    bool found = false;

    if (cli_is_named(cli)) {
        if (!cli_find_server(cli, &err))
            local_add(l, "socket", FAIL, "give it as unix:/path, /path or host:port", "%s", err.text);
        else if (strncmp(cli->address, "unix:", 5) == 0)
            look_at_socket(l, cli->address + 5, true);
        else
            local_add(l, "socket", SKIPPED, "", "%s is no Unix socket", cli->address);
        return;
    }
    for (size_t i = 0; !found && cli_default_socket(i, path, sizeof path); i++)
        found = look_at_socket(l, path, false);
}

/* True when it answers. */
static bool look_at_server(struct cli *cli, struct local *l, struct error *err)
{
    Okta__Connector__V1__StatusRequest request = OKTA__CONNECTOR__V1__STATUS_REQUEST__INIT;
    const Okta__Connector__V1__StatusResponse *r;
    ProtobufCMessage *response;
    bool is_same;

    if (!cli_call(cli, &method_status, &request.base, STATUS_TIMEOUT_MS, &response, err)) {
        local_add(l, "server", FAIL,
                  err->code == ERROR_PERMISSION_DENIED ? reason_advice(err)
                                                       : "see to the socket, and the process, of this list",
                  "%s", err->text);
        return false;
    }
    r = (const void *)response;
    is_same = strcmp(r->version, CLIENT_VERSION) == 0;
    local_add(l, "server", is_same ? OK : WARN,
              is_same ? "" : "restart okta-connectord after an upgrade, or install the command line of its version",
              "okta-connectord %s answers at %s; this is %s %s", r->version, cli->address, PROGRAM, CLIENT_VERSION);
    protobuf_c_message_free_unpacked(response, NULL);
    return true;
}

/* ---- what the server saw ---- */

static void skip_all(struct local *l, const char *why, const char *remedy)
{
    static const char *const names[] = { "disk", "dns", "proxy", "tls", "clock", "scope", "limits", "tail", "store" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        local_add(l, names[i], SKIPPED, i == 0 ? remedy : "", "%s", why);
}

/* False with what ends it: there is no such connector. Else *out, or NULL when the server cannot say: why is in `l`. */
static bool diagnose(struct cli *cli, struct local *l, Okta__Connector__V1__DiagnoseResponse **out, int *code,
                     struct error *err)
{
    Okta__Connector__V1__DiagnoseRequest request = OKTA__CONNECTOR__V1__DIAGNOSE_REQUEST__INIT;
    ProtobufCMessage *response;

    request.name = cli_name(cli);
    if (cli_call(cli, &method_diagnose, &request.base, DIAGNOSE_TIMEOUT_MS, &response, err)) {
        *out = (void *)response;
        return true;
    }
    *code = (int)reason_exit(err);
    if (*code == EXIT_NOT_FOUND)
        return false;
    skip_all(l, err->text, reason_advice(err));
    return true;
}

/* ---- the page ---- */

static const struct word {
    const char *text;
    enum style style;
} words[] = {
    { "?", STYLE_WARN }, { "ok", STYLE_GOOD }, { "WARN", STYLE_WARN }, { "FAIL", STYLE_BAD }, { "skipped", STYLE_DIM }
};

#define WORDS (sizeof words / sizeof words[0])

/* What was skipped for one reason is one line: how many of them, and their names. */
static size_t skipped_together(check *const *checks, size_t count, struct buf *names)
{
    size_t n = 0;

    while (n < count && checks[n]->verdict == SKIPPED && strcmp(checks[n]->detail, checks[0]->detail) == 0 &&
           strcmp(checks[n]->connector, checks[0]->connector) == 0) {
        buf_printf(names, "%s%s", n > 0 ? ", " : "", checks[n]->name);
        n++;
    }
    return n;
}

static void show_check(struct cli *cli, const check *c, const char *name)
{
    const struct word *w = &words[(size_t)c->verdict < WORDS ? (size_t)c->verdict : 0];

    output_printf(&cli->out, "%s%-7s%s  ", cli->has_color ? style_begin(w->style) : "", w->text,
                  cli->has_color ? STYLE_END : "");
    cli_say(cli, "%-10s  %s", name, c->detail);
    if (c->remedy[0] != '\0')
        cli_say(cli, "%-7s  %-10s  next: %s", "", "", c->remedy);
}

static void show(struct cli *cli, check *const *checks, size_t count)
{
    const char *connector = "";
    size_t counts[WORDS] = { 0 };

    for (size_t i = 0; i < count;) {
        AUTO_BUF struct buf names = BUF(1024);
        size_t n = skipped_together(checks + i, count - i, &names);

        if (strcmp(connector, checks[i]->connector) != 0)
            cli_say(cli, "%s:", checks[i]->connector);
        connector = checks[i]->connector;
        show_check(cli, checks[i], n > 1 ? buf_cstr(&names) : checks[i]->name);
        i += n > 1 ? n : 1;
    }
    for (size_t i = 0; i < count; i++)
        counts[(size_t)checks[i]->verdict < WORDS ? (size_t)checks[i]->verdict : 0]++;
    cli_say(cli, "%zu checks: %zu ok, %zu warnings, %zu failed, %zu skipped", count, counts[OK], counts[WARN],
            counts[FAIL], counts[SKIPPED]);
}

static bool any_fails(check *const *checks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (checks[i]->verdict == FAIL)
            return true;
    return false;
}

static void put(struct cli *cli, const Okta__Connector__V1__DiagnoseResponse *all)
{
    if (cli->format == FORMAT_TABLE)
        show(cli, all->checks, all->n_checks);
    else if (cli->format == FORMAT_JSON)
        cli_json(cli, &all->base);
    else
        for (size_t i = 0; i < all->n_checks; i++)
            cli_json(cli, &all->checks[i]->base);
}

static int finish(struct cli *cli, const struct local *l, const Okta__Connector__V1__DiagnoseResponse *server, int code)
{
    Okta__Connector__V1__DiagnoseResponse all = OKTA__CONNECTOR__V1__DIAGNOSE_RESPONSE__INIT;
    size_t from_server = server != NULL ? server->n_checks : 0;
    int done;

    all.checks = mem_array(l->count + from_server + 1, sizeof *all.checks);
    all.n_checks = l->count + from_server;
    for (size_t i = 0; i < l->count; i++)
        all.checks[i] = (check *)&l->checks[i];
    for (size_t i = 0; i < from_server; i++)
        all.checks[l->count + i] = server->checks[i];
    if (server != NULL) {
        all.version = server->version;
        all.now = server->now;
    }
    put(cli, &all);
    if (code == EXIT_OK && any_fails(all.checks, all.n_checks))
        code = EXIT_FAILED;
    free(all.checks);
    done = cli_done(cli);
    return done != EXIT_OK ? done : code;
}

static int run_doctor(struct cli *cli)
{
    static struct local l;
    Okta__Connector__V1__DiagnoseResponse *server = NULL;
    struct error err;
    int code = EXIT_OK;

    look_at_sockets(cli, &l);
    if (look_at_server(cli, &l, &err)) {
        if (!diagnose(cli, &l, &server, &code, &err)) {
            local_deinit(&l);
            return cli_fail(cli, &err, "doctor");
        }
    } else {
        code = (int)reason_exit(&err);
        local_without_server(&l);
        skip_all(&l, "only the server can look, and it does not answer", "");
    }
    if (cli_signal_exit() != 0)
        return cli_signal_exit();
    code = finish(cli, &l, server, code);
    if (server != NULL)
        protobuf_c_message_free_unpacked(&server->base, NULL);
    local_deinit(&l);
    return code;
}

static const struct option options[] = { { NULL, '\0', NULL, NULL } };

const struct command command_doctor = {
    .name = "doctor",
    .synopsis = "[NAME]",
    .summary = "look at all that a connector needs, and say what to do",
    .details =
        "Sockets and versions from here; disk, names, proxy, TLS, clock, credential, permissions, rate limits and\n"
        "store by the server, which needs its admin socket and some seconds. Without NAME: every connector. Each\n"
        "check is ok, WARN, FAIL or skipped, with what was seen and what to do next. -o json prints one document,\n"
        "-o jsonl one check a line. Exit codes: 0 nothing fails, 1 something does, 4 the server does not answer\n"
        "(then it says what can be seen without it), 7 this socket may not ask.",
    .operands_max = 1,
    .options = options,
    .run = run_doctor,
};
