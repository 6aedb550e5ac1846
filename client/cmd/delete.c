/* delete: stops a connector; asks first. */
#include "client/cli/cli.h"
#include "client/term/terminal.h"

#include <string.h>
#include <unistd.h>

#define DELETE_TIMEOUT_MS 60000 /* the store's folder is removed meanwhile */

/* What cannot be taken back is confirmed by typing the name, the rest by "y". */
static bool confirm(const char *name, bool keeps_data, struct error *err)
{
    AUTO_BUF struct buf question = BUF(1024);
    AUTO_BUF struct buf answer = BUF(256);
    bool is_yes;

    if (!terminal_is(STDIN_FILENO))
        return error_set(err, ERROR_INVALID_ARGUMENT, "nobody is there to ask: say --yes if you mean it");
    if (keeps_data)
        buf_printf(&question, "Stop %.63s and forget its token? What it collected stays readable. [y/N] ", name);
    else
        buf_printf(&question,
                   "Delete %.63s, its token and everything it collected? This cannot be taken back.\n"
                   "Type the name to confirm: ",
                   name);
    if (!terminal_ask(buf_cstr(&question), false, &answer, err))
        return false;
    is_yes = keeps_data ? view_eq_nocase(buf_view(&answer), VIEW("y")) || view_eq_nocase(buf_view(&answer), VIEW("yes"))
                        : view_is(buf_view(&answer), name);
    return is_yes || error_set(err, ERROR_CANCELLED, "not confirmed: nothing was changed");
}

static int show(struct cli *cli, const Okta__Connector__V1__DeleteResponse *r)
{
    if (cli->format != FORMAT_TABLE) {
        cli_json(cli, &r->base);
        return cli_done(cli);
    }
    output_puts(&cli->out, r->purged ? "Deleted, with everything it had collected.\n"
                                     : "Stopped. Its token is gone; what it collected stays readable.\n");
    if (r->n_remaining > 0)
        output_puts(&cli->out, "What remains to be done in Okta:\n");
    for (size_t i = 0; i < r->n_remaining; i++)
        cli_say(cli, "  - %s", r->remaining[i]);
    return cli_done(cli);
}

static int run_delete(struct cli *cli)
{
    Okta__Connector__V1__DeleteRequest request = OKTA__CONNECTOR__V1__DELETE_REQUEST__INIT;
    ProtobufCMessage *response;
    struct error err;
    int code;

    request.name = cli_name(cli);
    request.keep_data = args_has(&cli->args, "keep-data");
    if ((!args_has(&cli->args, "yes") && !confirm(request.name, request.keep_data, &err)) ||
        !cli_call(cli, &method_delete, &request.base, DELETE_TIMEOUT_MS, &response, &err))
        return cli_fail(cli, &err, "delete");
    code = show(cli, (const void *)response);
    protobuf_c_message_free_unpacked(response, NULL);
    return code;
}

static const struct option options[] = {
    { "keep-data", '\0', NULL, "keep what was collected, readable" },
    { "yes", 'y', NULL, "do not ask" },
    { NULL, '\0', NULL, NULL },
};

const struct command command_delete = {
    .name = "delete",
    .synopsis = "NAME [--keep-data] [--yes]",
    .summary = "stop a connector, and remove what it collected",
    .details = "Says what remains to be revoked in Okta. Without a terminal to ask on, --yes is needed.",
    .operands_min = 1,
    .operands_max = 1,
    .options = options,
    .run = run_delete,
};
