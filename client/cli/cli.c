#include "client/cli/cli.h"

#include "client/rpc/knock.h"
#include "client/term/interrupt.h"
#include "client/term/terminal.h"
#include "client/term/text.h"

#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_MS 10000
#define KNOCK_TIMEOUT_MS   50 /* each, while searching */
#define NOTE_BYTES_MAX     8192
#define JSON_BYTES_MAX     (48u << 20) /* a message of 8 MiB, its bytes escaped */

#define CONNECTOR "/okta.connector.v1.Connector/"
#define DIRECTORY "/okta.connector.v1.Directory/"

const struct method method_configure = { CONNECTOR "Configure", &okta__connector__v1__configure_response__descriptor };
const struct method method_sync = { CONNECTOR "Sync", &okta__connector__v1__sync_response__descriptor };
const struct method method_status = { CONNECTOR "Status", &okta__connector__v1__status_response__descriptor };
const struct method method_stream_logins = { CONNECTOR "StreamLogins",
                                             &okta__connector__v1__stream_logins_response__descriptor };
const struct method method_delete = { CONNECTOR "Delete", &okta__connector__v1__delete_response__descriptor };
const struct method method_list_users = { DIRECTORY "ListUsers",
                                          &okta__connector__v1__list_users_response__descriptor };
const struct method method_diagnose = { CONNECTOR "Diagnose", &okta__connector__v1__diagnose_response__descriptor };

/* ---- connecting ---- */

/* "/path" and "unix:/path" are sockets, all else is host:port. */
static bool set_address(struct cli *cli, const char *server, struct error *err)
{
    int n = snprintf(cli->address, sizeof cli->address, server[0] == '/' ? "unix:%s" : "%s", server);

    if (n < 0 || (size_t)n >= sizeof cli->address)
        return error_set(err, ERROR_INVALID_ARGUMENT, "--server: the address is longer than %d bytes", ADDRESS_SIZE);
    if (strncmp(cli->address, "unix:", 5) != 0 && strchr(cli->address, ':') == NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT, "--server %s: it must be unix:/path, /path or host:port", server);
    return true;
}

/* Somebody who is too busy to take us is there as well. */
static bool answers(const char *path)
{
    struct error err;

    return knock(path, KNOCK_TIMEOUT_MS, &err) || err.code == ERROR_DEADLINE_EXCEEDED;
}

bool cli_default_socket(size_t index, char *path, size_t size)
{
    static const char *const sockets[] = { "admin.sock", "reader.sock" };
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    const char *folders[] = { runtime, "/run" };
    size_t folder = index / 2 + (runtime == NULL);

    if (folder >= sizeof folders / sizeof folders[0])
        return false;
    snprintf(path, size, "%s/okta-connector/%s", folders[folder], sockets[index % 2]);
    return true;
}

static bool search(struct cli *cli, struct error *err)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char path[ADDRESS_SIZE - 8];

    for (size_t i = 0; cli_default_socket(i, path, sizeof path); i++)
        if (answers(path))
            return set_address(cli, path, err);
    return error_set(err, ERROR_UNAVAILABLE,
                     "no server answers at %s%s/run/okta-connector/{admin,reader}.sock: start okta-connectord, or say "
                     "where it is with --server or OKTA_CONNECTOR_SERVER",
                     runtime != NULL ? runtime : "", runtime != NULL ? "/okta-connector/{admin,reader}.sock or " : "");
}

static const char *named(const struct cli *cli)
{
    const char *server = cli->server != NULL ? cli->server : getenv("OKTA_CONNECTOR_SERVER");

    return server != NULL && server[0] != '\0' ? server : NULL;
}

bool cli_is_named(const struct cli *cli)
{
    return named(cli) != NULL;
}

bool cli_find_server(struct cli *cli, struct error *err)
{
    const char *server = named(cli);

    if (cli->address[0] != '\0')
        return true;
    if (server != NULL ? !set_address(cli, server, err) : !search(cli, err))
        return false;
    return tls_complete(&cli->tls, strncmp(cli->address, "unix:", 5) == 0, err);
}

bool cli_connect(struct cli *cli, struct error *err)
{
    if (cli->session != NULL)
        return true;
    return cli_find_server(cli, err) && session_open(&cli->session, cli->address, &cli->tls,
                                                     cli->timeout_ms > 0 ? cli->timeout_ms : CONNECT_TIMEOUT_MS, err);
}

bool cli_call(struct cli *cli, const struct method *m, const ProtobufCMessage *request, int64_t default_ms,
              ProtobufCMessage **response, struct error *err)
{
    return cli_connect(cli, err) &&
           session_call(cli->session, m, request, cli->timeout_ms > 0 ? cli->timeout_ms : default_ms, response, err);
}

/* ---- saying ---- */

static void make_line(struct buf *line, const char *format, va_list args)
{
    AUTO_BUF struct buf text = BUF(NOTE_BYTES_MAX);

    buf_vprintf(&text, format, args);
    text_safe(buf_view(&text), line, NULL);
    buf_putc(line, '\n');
}

void cli_note(const char *format, ...)
{
    AUTO_BUF struct buf line = BUF(NOTE_BYTES_MAX * 6);
    va_list args;

    va_start(args, format);
    make_line(&line, format, args);
    va_end(args);
    fputs(buf_cstr(&line), stderr);
}

void cli_say(struct cli *cli, const char *format, ...)
{
    AUTO_BUF struct buf line = BUF(NOTE_BYTES_MAX * 6);
    va_list args;

    va_start(args, format);
    make_line(&line, format, args);
    va_end(args);
    output_put(&cli->out, buf_view(&line));
}

int cli_signal_exit(void)
{
    return interrupt_signal() == 0 ? 0 : EXIT_SIGNAL + interrupt_signal();
}

/* What to do, and when it may work again. */
static void put_next(const struct error *err)
{
    const char *advice = reason_advice(err);
    char later[64] = "";

    if (err->retry_ms > 0)
        snprintf(later, sizeof later, "try again in %lld s", (long long)((err->retry_ms + 999) / 1000));
    if (advice != NULL || later[0] != '\0')
        cli_note("  next: %s%s%s", advice != NULL ? advice : "", advice != NULL && later[0] != '\0' ? "; " : "", later);
}

int cli_fail(struct cli *cli, const struct error *err, const char *what)
{
    output_flush(&cli->out);
    if (cli_signal_exit() != 0)
        return cli_signal_exit();
    if (err->field_count > 1) {
        cli_note("%s: %s%s%u things are wrong:", PROGRAM, what != NULL ? what : "", what != NULL ? ": " : "",
                 err->field_count);
        for (unsigned i = 0; i < err->field_count; i++)
            cli_note("  %s: %s", err->fields[i].path, err->fields[i].text);
    } else {
        cli_note("%s: %s%s%s", PROGRAM, what != NULL ? what : "", what != NULL ? ": " : "", err->text);
    }
    put_next(err);
    return (int)reason_exit(err);
}

int cli_done(struct cli *cli)
{
    output_flush(&cli->out);
    if (cli->out.broken_errno != 0) {
        cli_note("%s: cannot write the output: %s", PROGRAM, strerror(cli->out.broken_errno));
        return EXIT_FAILED;
    }
    return cli_signal_exit();
}

static void put_json(struct cli *cli, const ProtobufCMessage *message, enum json_layout layout)
{
    AUTO_BUF struct buf text = BUF(JSON_BYTES_MAX);

    json_message(message, layout, &text);
    output_put(&cli->out, buf_view(&text));
}

void cli_json(struct cli *cli, const ProtobufCMessage *message)
{
    put_json(cli, message, cli->format == FORMAT_JSON ? JSON_INDENTED : JSON_ONE_LINE);
    output_puts(&cli->out, "\n");
}

void cli_list_begin(struct cli *cli)
{
    cli->items = 0;
    if (cli->format == FORMAT_JSON)
        output_puts(&cli->out, "[");
}

void cli_list_item(struct cli *cli, const ProtobufCMessage *message)
{
    if (cli->format == FORMAT_JSON)
        output_puts(&cli->out, cli->items > 0 ? ",\n" : "\n");
    put_json(cli, message, JSON_ONE_LINE);
    if (cli->format == FORMAT_JSONL)
        output_puts(&cli->out, "\n");
    cli->items++;
}

void cli_list_end(struct cli *cli)
{
    if (cli->format == FORMAT_JSON)
        output_puts(&cli->out, cli->items > 0 ? "\n]\n" : "]\n");
}

char *cli_name(const struct cli *cli)
{
    return (char *)(cli->args.operand_count > 0 ? cli->args.operands[0] : "");
}

int64_t cli_unix_ms(const Google__Protobuf__Timestamp *t)
{
    const int64_t seconds_max = INT64_C(253402300799); /* year 9999 */

    if (t == NULL || t->seconds < 0 || t->seconds > seconds_max)
        return -1;
    return t->seconds * 1000 + t->nanos / 1000000;
}
