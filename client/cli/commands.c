#include "client/cli/commands.h"

#include "client/term/text.h"

#include <string.h>

const struct command *const commands[] = {
    &command_configure,
    &command_reconnect,
    &command_status,
    &command_sync,
    &command_logins,
    &command_users,
    &command_delete,
    &command_probe,
    &command_doctor,
    &command_completion,
    &command_version,
    &command_help,
    NULL,
};

const struct option global_options[] = {
    { "server", '\0', "ADDR", "unix:/path, /path or host:port" },
    { "tls", '\0', NULL, "by TLS, to a host:port; any of these four means it, too:" },
    { "tls-ca-file", '\0', "FILE", "who vouches for the server (the system's CAs)" },
    { "tls-cert-file", '\0', "FILE", "our certificate, which a server wants" },
    { "tls-key-file", '\0', "FILE", "its key" },
    { "tls-server-name", '\0', "NAME", "that the server's certificate bears, where it is not the host" },
    { "timeout", '\0', "TIME", "how long to wait for an answer, such as 30s or 2m" },
    { "output", 'o', "table|json|jsonl", "for people, one JSON document, or one JSON object a line" },
    { "color", '\0', "auto|always|never", "whether there are colours (auto)" },
    { "help", 'h', NULL, "this text" },
    { NULL, '\0', NULL, NULL },
};

const struct exit_meaning exit_meanings[] = {
    { "0", "it went well; also when whoever read the output went away" },
    { "1", "it failed; the message says why" },
    { "2", "the command line, or a value in it, is wrong" },
    { "3", "there is no such connector" },
    { "4", "the server cannot be reached, stopped, or did not answer in time" },
    { "5", "the history that was asked for is not there: removed, incomplete, or of another store" },
    { "6", "Okta refused: the org, the token or a permission" },
    { "7", "the server refused: this socket or user may not do that" },
    { "8", "probe: it answered, and is not serving" },
    { "9", "probe: it did not answer in time" },
    { "130", "ended by Ctrl-C (143: by SIGTERM)" },
    { NULL, NULL },
};

const struct command *command_find(const char *name)
{
    for (size_t i = 0; commands[i] != NULL; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

int command_unknown(const char *name)
{
    const char *nearest = NULL;
    size_t distance = 4;

    for (size_t i = 0; commands[i] != NULL; i++) {
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
