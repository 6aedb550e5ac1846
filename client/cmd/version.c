/* version: of this program, and of the server if one answers. */
#include "client/cli/cli.h"

#define ASK_TIMEOUT_MS 5000

static int run_version(struct cli *cli)
{
    Okta__Connector__V1__StatusRequest request = OKTA__CONNECTOR__V1__STATUS_REQUEST__INIT;
    ProtobufCMessage *response;
    struct error err;

    output_printf(&cli->out, "%s %s\n", PROGRAM, CLIENT_VERSION);
    output_flush(&cli->out);
    if (!cli_call(cli, &method_status, &request.base, ASK_TIMEOUT_MS, &response, &err)) {
        cli_note("server: %s", err.text);
        return cli_done(cli);
    }
    cli_say(cli, "okta-connectord %s at %s",
            ((const Okta__Connector__V1__StatusResponse *)(const void *)response)->version, cli->address);
    protobuf_c_message_free_unpacked(response, NULL);
    return cli_done(cli);
}

static const struct option options[] = { { NULL, '\0', NULL, NULL } };

const struct command command_version = {
    .name = "version",
    .synopsis = "",
    .summary = "versions of this program and of the server",
    .operands_max = 0,
    .options = options,
    .run = run_version,
};
