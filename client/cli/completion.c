/* completion: what a shell has to know to complete our command lines, as a script that it reads. */
#include "client/cli/completion.h"

#include "base/assert.h"

#include <string.h>

#define SCRIPT_BYTES_MAX (256u << 10)

enum completes completes_value(const char *value)
{
    if (strcmp(value, "FILE") == 0)
        return COMPLETES_FILE;
    if (strcmp(value, "ADDR") == 0)
        return COMPLETES_ADDRESS;
    if (strcmp(value, "SERVICE") == 0)
        return COMPLETES_SERVICE;
    return strchr(value, '|') != NULL ? COMPLETES_CHOICE : COMPLETES_NOTHING;
}

enum completes completes_operand(const struct command *c, struct view *words)
{
    const char *at = c->synopsis + strspn(c->synopsis, "[");

    *words = (struct view){ at, strcspn(at, " ]") };
    if (c->operands_max == 0)
        return COMPLETES_NOTHING;
    if (view_is(*words, "NAME"))
        return COMPLETES_NAME;
    if (view_is(*words, "COMMAND"))
        return COMPLETES_COMMAND;
    return words->len > 0 && memchr(words->at, '|', words->len) != NULL ? COMPLETES_CHOICE : COMPLETES_NOTHING;
}

void completion_words(struct view words, struct buf *out)
{
    struct view word;

    for (bool is_first = true; args_word(&words, &word); is_first = false) {
        if (!is_first)
            buf_putc(out, ' ');
        buf_put(out, word.at, word.len);
    }
}

static int run_completion(struct cli *cli)
{
    static void (*const scripts[])(struct buf *) = { completion_bash, completion_zsh, completion_fish };
    AUTO_BUF struct buf script = BUF(SCRIPT_BYTES_MAX);
    struct view shells, shell;
    struct error err;

    ASSERT(completes_operand(&command_completion, &shells) == COMPLETES_CHOICE);
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0] && args_word(&shells, &shell); i++)
        if (view_is(shell, cli_name(cli))) {
            scripts[i](&script);
            output_put(&cli->out, buf_view(&script));
            return cli_done(cli);
        }
    error_set(&err, ERROR_INVALID_ARGUMENT, "there is none for '%s': it must be bash, zsh or fish", cli_name(cli));
    return cli_fail(cli, &err, "completion");
}

static const struct option options[] = { { NULL, '\0', NULL, NULL } };

const struct command command_completion = {
    .name = "completion",
    .synopsis = "bash|zsh|fish",
    .summary = "print the script by which a shell completes these commands",
    .details =
        "For this shell: source <(okta-connector completion bash); fish: okta-connector completion fish | source.\n"
        "To stay: /usr/share/bash-completion/completions/okta-connector, _okta-connector in a folder of zsh's\n"
        "$fpath, or ~/.config/fish/completions/okta-connector.fish. The package brings them.\n"
        "Names of connectors are asked of the server, which has a second for it.",
    .operands_min = 1,
    .operands_max = 1,
    .options = options,
    .run = run_completion,
};
