/* okta-connector: the command line.
 *
 * main.c finds the subcommand and the global options; cli.c is what every subcommand works with; each subcommand has a
 * file of its own. session.c and reply.c are the connection, json.c and table.c what comes out. */
#include "client/cli.h"
#include "client/interrupt.h"
#include "client/terminal.h"
#include "client/text.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static const struct command *const commands[] = {
    &command_configure, &command_reconnect, &command_status, &command_sync,    &command_logins,
    &command_users,     &command_delete,    &command_probe,  &command_version,
};
#define COMMANDS (sizeof commands / sizeof commands[0])

static const struct option global_options[] = {
    { "server", '\0', "ADDR", "unix:/path, /path or host:port" },
    { "timeout", '\0', "TIME", "how long to wait for an answer, such as 30s or 2m" },
    { "output", 'o', "FORMAT", "table, json (one document) or jsonl (one object a line)" },
    { "color", '\0', "WHEN", "auto, always or never" },
    { "help", 'h', NULL, "this text" },
    { NULL, '\0', NULL, NULL },
};

static const char exit_codes[] =
    "Exit codes:\n"
    "    0  it went well; also when whoever read the output went away\n"
    "    1  it failed; the message says why\n"
    "    2  the command line, or a value in it, is wrong\n"
    "    3  there is no such connector\n"
    "    4  the server cannot be reached, stopped, or did not answer in time\n"
    "    5  the history that was asked for is not there: removed, incomplete, or of another store\n"
    "    6  Okta refused: the org, the token or a permission\n"
    "    7  the server refused: this socket or user may not do that\n"
    "    8  probe: it answered, and is not serving\n"
    "    9  probe: it did not answer in time\n"
    "  130  ended by Ctrl-C (143: by SIGTERM)\n";

static void print_options(const struct option *o)
{
    for (; o->name != NULL; o++) {
        char names[64];

        snprintf(names, sizeof names, "--%s%s%s", o->name, o->value != NULL ? " " : "",
                 o->value != NULL ? o->value : "");
        if (o->letter != '\0')
            printf("  -%c, %-26s  %s\n", o->letter, names, o->help);
        else
            printf("      %-26s  %s\n", names, o->help);
    }
}

static void print_help(void)
{
    puts("Reads Okta orgs through okta-connectord: login events and users.\n\n"
         "Usage: " PROGRAM " [OPTIONS] COMMAND [ARGUMENTS]\n\nCommands:");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-10s  %s\n", commands[i]->name, commands[i]->summary);
    printf("  %-10s  %s\n\nEverywhere:\n", "help", "this text; with a command's name, all about that command");
    print_options(global_options);
    puts("\nThe server is --server, else $OKTA_CONNECTOR_SERVER, else the first of admin.sock and reader.sock in\n"
         "$XDG_RUNTIME_DIR/okta-connector/ and /run/okta-connector/ that answers. Colours follow NO_COLOR.\n");
    fputs(exit_codes, stdout);
}

static void print_command_help(const struct command *c)
{
    printf("%s\n\nUsage: %s %s %s\n", c->summary, PROGRAM, c->name, c->synopsis);
    if (c->details != NULL)
        printf("\n%s\n", c->details);
    if (c->options[0].name != NULL) {
        puts("\nOptions:");
        print_options(c->options);
    }
    puts("\nEverywhere:");
    print_options(global_options);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int unknown_command(const char *name)
{
    const char *nearest = NULL;
    size_t distance = 4;

    for (size_t i = 0; i < COMMANDS; i++) {
        size_t d = text_distance(view_of(name), view_of(commands[i]->name));

        if (d < distance) {
            distance = d;
            nearest = commands[i]->name;
        }
    }
    if (nearest != NULL)
        cli_note("%s: there is no command '%s'; did you mean '%s'?", PROGRAM, name, nearest);
    else
        cli_note("%s: there is no command '%s'; %s help lists them", PROGRAM, name, PROGRAM);
    return EXIT_USAGE;
}

static int help(const struct args *args)
{
    const struct command *c;

    if (args->operand_count == 0) {
        print_help();
        return EXIT_OK;
    }
    if (strcmp(args->operands[0], "exit-codes") == 0) {
        fputs(exit_codes, stdout);
        return EXIT_OK;
    }
    c = find_command(args->operands[0]);
    if (c == NULL)
        return unknown_command(args->operands[0]);
    print_command_help(c);
    return EXIT_OK;
}

static bool one_of(const char *option, const char *value, const char *const *words, size_t *index, struct error *err)
{
    for (size_t i = 0; value != NULL && words[i] != NULL; i++)
        if (strcmp(value, words[i]) == 0) {
            *index = i;
            return true;
        }
    return value == NULL || error_set(err, ERROR_INVALID_ARGUMENT, "--%s %s: it must be %s, %s or %s", option, value,
                                      words[0], words[1], words[2]);
}

static bool take_globals(struct cli *cli, struct error *err)
{
    static const char *const formats[] = { "table", "json", "jsonl", NULL };
    static const char *const colors[] = { "auto", "always", "never", NULL };
    size_t format = FORMAT_TABLE, color = 0;

    cli->server = args_value(&cli->args, "server");
    if (!args_duration(&cli->args, "timeout", &cli->timeout_ms, err) ||
        !one_of("output", args_value(&cli->args, "output"), formats, &format, err) ||
        !one_of("color", args_value(&cli->args, "color"), colors, &color, err))
        return false;
    cli->format = (enum format)format;
    cli->has_color = terminal_color(STDOUT_FILENO, colors[color]);
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
        return error_set(err, ERROR_INVALID_ARGUMENT, "%s wants a name: %s %s %s", c->name, PROGRAM, c->name,
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
        print_command_help(c);
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
        print_help();
        return args_has(&cli->args, "help") ? EXIT_OK : EXIT_USAGE;
    }
    if (strcmp(argv[at], "help") == 0) {
        at++;
        return args_parse(&cli->args, argc, argv, &at, false, &err) ? help(&cli->args) : usage(&err, NULL);
    }
    c = find_command(argv[at]);
    if (c == NULL)
        return unknown_command(argv[at]);
    return run_command(cli, c, argc, argv, at + 1);
}

/* A token passes through: no core of it. */
static void keep_secrets(void)
{
    const struct rlimit none = { 0, 0 };

    setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
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
