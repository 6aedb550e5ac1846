/* help: what there is, one command, or the exit codes. */
#include "client/cli/commands.h"

#include <stdio.h>
#include <string.h>

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

static void print_exit_codes(void)
{
    puts("Exit codes:");
    for (const struct exit_meaning *e = exit_meanings; e->code != NULL; e++)
        printf("  %3s  %s\n", e->code, e->text);
}

void help_all(void)
{
    printf("okta-connector: %s.\n\nUsage: %s [OPTIONS] COMMAND [ARGUMENTS]\n\nCommands:\n", PROGRAM_SUMMARY, PROGRAM);
    for (size_t i = 0; commands[i] != NULL; i++)
        printf("  %-10s  %s\n", commands[i]->name, commands[i]->summary);
    puts("\nEverywhere:");
    print_options(global_options);
    puts("\nThe server is --server, else $OKTA_CONNECTOR_SERVER, else the first of admin.sock and reader.sock in\n"
         "$XDG_RUNTIME_DIR/okta-connector/ and /run/okta-connector/ that answers. Colours follow NO_COLOR.\n"
         "By TLS, $OKTA_CONNECTOR_SERVER_CA_FILE, $OKTA_CONNECTOR_CLIENT_CERT_FILE, $OKTA_CONNECTOR_CLIENT_KEY_FILE "
         "and\n"
         "$OKTA_CONNECTOR_SERVER_NAME stand in for the flags.\n");
    print_exit_codes();
}

void help_command(const struct command *c)
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

static int run_help(struct cli *cli)
{
    const char *name = cli_name(cli);
    const struct command *c = command_find(name);

    if (name[0] == '\0')
        help_all();
    else if (strcmp(name, "exit-codes") == 0)
        print_exit_codes();
    else if (c == NULL)
        return command_unknown(name);
    else
        help_command(c);
    return EXIT_OK;
}

static const struct option options[] = { { NULL, '\0', NULL, NULL } };

const struct command command_help = {
    .name = "help",
    .synopsis = "[COMMAND | exit-codes]",
    .summary = "all commands; with a command's name, all about that one",
    .operands_max = 1,
    .options = options,
    .run = run_help,
};
