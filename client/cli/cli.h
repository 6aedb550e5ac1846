/* client/cli/cli.h: what every subcommand works with. */
#ifndef CLIENT_CLI_CLI_H
#define CLIENT_CLI_CLI_H

#include "client/cli/args.h"
#include "client/rpc/reason.h"
#include "client/rpc/session.h"
#include "client/term/json.h"
#include "client/term/output.h"
#include "client/term/table.h"

#include "okta/connector/v1/connector.pb-c.h"
#include "okta/connector/v1/directory.pb-c.h"

#define PROGRAM        "okta-connector"
#define CLIENT_VERSION "0.1.0"

#define ADDRESS_SIZE 256

enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_JSONL };

struct cli {
    struct args args;
    const char *server; /* as asked for; NULL: search */
    struct tls tls;     /* to a server over TCP */
    int64_t timeout_ms; /* 0: each command's own */
    enum format format;
    bool has_color; /* on stdout */
    struct output out;
    struct session *session; /* from cli_connect */
    char address[ADDRESS_SIZE];
    size_t items; /* of the JSON list under way */
};

struct command {
    const char *name;
    const char *synopsis; /* what follows the name */
    const char *summary;
    const char *details; /* NULL: none */
    size_t operands_min, operands_max;
    const struct option *options;
    int (*run)(struct cli *cli); /* returns the exit code */
};

extern const struct command command_configure, command_reconnect, command_status, command_sync, command_logins,
    command_users, command_delete, command_probe, command_doctor, command_completion, command_version, command_help;

extern const struct method method_configure, method_sync, method_status, method_stream_logins, method_delete,
    method_list_users, method_diagnose;

/* ---- connecting ---- */

/* The address to use, in gRPC's form, in cli->address: as asked for, or the first default socket that answers. */
MUST_CHECK bool cli_find_server(struct cli *cli, struct error *err);

/* Whether --server or OKTA_CONNECTOR_SERVER says where it is; else the default sockets are tried, one after the other.
 */
bool cli_is_named(const struct cli *cli);
bool cli_default_socket(size_t index, char *path, size_t size); /* false: there are no more */

/* Finds and connects, once. */
MUST_CHECK bool cli_connect(struct cli *cli, struct error *err);

/* Connects, asks, waits (--timeout, else default_ms). The response is the caller's. */
MUST_CHECK bool cli_call(struct cli *cli, const struct method *m, const ProtobufCMessage *request, int64_t default_ms,
                         ProtobufCMessage **response, struct error *err);

/* ---- saying ---- */

/* Says what was wrong and what to do next on stderr, and returns the exit code: also for Ctrl-C, which says nothing.
 * `what` is what was being done. */
int cli_fail(struct cli *cli, const struct error *err, const char *what);

/* The exit code of a run that went well: flushes, and looks at whether all was written. */
int cli_done(struct cli *cli);

/* 128 and the signal's number after a signal, else 0. */
int cli_signal_exit(void);

/* A line on stderr, and on stdout, made safe. */
void cli_note(const char *format, ...) PRINTF(1, 2);
void cli_say(struct cli *cli, const char *format, ...) PRINTF(2, 3);

/* One JSON document, or one line of -o jsonl. */
void cli_json(struct cli *cli, const ProtobufCMessage *message);

/* A list of objects: an array for -o json, lines for -o jsonl. */
void cli_list_begin(struct cli *cli);
void cli_list_item(struct cli *cli, const ProtobufCMessage *message);
void cli_list_end(struct cli *cli);

/* The first operand, or "". */
char *cli_name(const struct cli *cli);

/* -1 when absent. */
int64_t cli_unix_ms(const Google__Protobuf__Timestamp *t);

#endif
