/* okta-connector: the command line.
 *
 * main.c finds the subcommand in commands.c's table and the global options; cli.c is what every subcommand works with;
 * each subcommand has a file of its own. session.c and reply.c are the connection, json.c and table.c what comes out.
 * help.c, completion.c and manual.c make the help, the shells' completions and the manual page of the tables. */
#include "client/cli/commands.h"
#include "client/term/interrupt.h"
#include "client/term/terminal.h"
#include "client/term/text.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static bool take_globals(struct cli *cli, struct error *err)
{
    size_t format = FORMAT_TABLE, color = 0;

    cli->server = args_value(&cli->args, "server");
    cli->tls = (struct tls){
        .is_on = args_has(&cli->args, "tls"),
        .ca_file = args_value(&cli->args, "tls-ca-file"),
        .cert_file = args_value(&cli->args, "tls-cert-file"),
        .key_file = args_value(&cli->args, "tls-key-file"),
        .server_name = args_value(&cli->args, "tls-server-name"),
    };
    if (!args_duration(&cli->args, "timeout", &cli->timeout_ms, err) ||
        !args_choice(&cli->args, "output", &format, err) || !args_choice(&cli->args, "color", &color, err))
        return false;
    cli->format = (enum format)format;
    cli->has_color = terminal_color(STDOUT_FILENO, color == 0 ? NULL : args_value(&cli->args, "color"));
    return true;
}

static int usage(const struct error *err, const char *command)
{
    cli_note("%s: %s", PROGRAM, err->text);
    cli_note("  next: %s help%s%s", PROGRAM, command != NULL ? " " : "", command != NULL ? command : "");
    return EXIT_USAGE;
}

static bool check_operands(const struct command *c, const struct args *a, struct error *err)
{
    if (a->operand_count < c->operands_min)
        return error_set(err, ERROR_INVALID_ARGUMENT, "%s wants a word more: %s %s %s", c->name, PROGRAM, c->name,
                         c->synopsis);
    if (a->operand_count > c->operands_max)
        return error_set(err, ERROR_INVALID_ARGUMENT, "'%s' is one word too many", a->operands[c->operands_max]);
    return true;
}

static int run_command(struct cli *cli, const struct command *c, int argc, char *const *argv, int at)
{
    struct error err;

    args_learn(&cli->args, c->options);
    if (!args_parse(&cli->args, argc, argv, &at, false, &err))
        return usage(&err, c->name);
    if (args_has(&cli->args, "help")) {
        help_command(c);
        return EXIT_OK;
    }
    if (!check_operands(c, &cli->args, &err) || !take_globals(cli, &err))
        return usage(&err, c->name);
    return c->run(cli);
}

static int run(struct cli *cli, int argc, char *const *argv)
{
    const struct command *c;
    struct error err;
    int at = 1;

    args_learn(&cli->args, global_options);
    if (!args_parse(&cli->args, argc, argv, &at, true, &err))
        return usage(&err, NULL);
    if (at == argc) {
        help_all();
        return args_has(&cli->args, "help") ? EXIT_OK : EXIT_USAGE;
    }
    c = command_find(argv[at]);
    if (c == NULL)
        return command_unknown(argv[at]);
    return run_command(cli, c, argc, argv, at + 1);
}

/* A token passes through: no core of it. */
static void keep_secrets(void)
{
    const struct rlimit none = { 0, 0 };

    setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int main(int argc, char **argv)
{
    static struct cli cli;
    struct error err;
    int code;

    keep_secrets();
    text_init();
    if (!interrupt_install(&err)) {
        cli_note("%s: %s", PROGRAM, err.text);
        return EXIT_FAILED;
    }
    output_init(&cli.out, STDOUT_FILENO);
    code = run(&cli, argc, argv);
    session_close(cli.session);
    output_deinit(&cli.out);
    return code;
}
