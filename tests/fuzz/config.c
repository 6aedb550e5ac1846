/* Flags and environment: a line that begins with a dash is a flag, or else what follows one; one that holds "=" before
 * any dash or blank is a variable. */
#include "tests/fuzz/fuzz.h"

#include "base/mem.h"
#include "config/config.h"
#include "okta/okta.h"

#include <string.h>

#define ARGS_MAX 32

static char *args[ARGS_MAX + 1], *variables[ARGS_MAX];
static int arg_count, variable_count;

static const char *env(const char *name)
{
    size_t len = strlen(name);

    for (int i = 0; i < variable_count; i++)
        if (strncmp(variables[i], name, len) == 0 && variables[i][len] == '=')
            return variables[i] + len + 1;
    return strcmp(name, "OKTA_CONNECTOR_CONFIG") == 0 ? "/dev/null" : strcmp(name, "HOME") == 0 ? "/home/nobody" : NULL;
}

static bool is_variable(const char *line)
{
    size_t len = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");

    return len > 0 && line[len] == '=';
}

static void read_lines(struct view text)
{
    args[0] = mem_strdup("okta-connectord");
    arg_count = 1;
    variable_count = 0;
    while (text.len > 0 && arg_count < ARGS_MAX && variable_count < ARGS_MAX) {
        struct view line = fuzz_until(&text, '\n');
        char *copy = mem_zero(line.len + 1);

        memcpy(copy, line.at, line.len);
        if (is_variable(copy))
            variables[variable_count++] = copy;
        else
            args[arg_count++] = copy;
    }
    args[arg_count] = NULL;
}

static void forget_lines(void)
{
    while (arg_count > 0)
        free(args[--arg_count]);
    while (variable_count > 0)
        free(variables[--variable_count]);
}

static void check(const struct config *c)
{
    ASSERT(c->data_dir[0] != '\0' && c->listen_count >= 1 && c->listen_count <= NET_ADDRESSES_MAX);
    ASSERT(c->declared_count <= CONFIG_DECLARED_MAX);
    ASSERT(c->org_share_percent >= 1 && c->org_share_percent <= 100);
    ASSERT(c->drain_ms >= 0 && c->drain_ms <= 600000 && c->threads <= 64);
    for (size_t i = 0; i < c->declared_count; i++) {
        const struct config_declared *d = &c->declared[i];
        struct okta_url url;

        ASSERT(okta_url_parse(view_of(d->org), c->allow_http_loopback_org, &url, NULL));
        ASSERT(d->name[0] != '\0' && (d->token_file[0] != '\0') != (d->client_id[0] != '\0'));
    }
    ASSERT(c->proxy[0] == '\0' || okta_proxy_check(c->proxy, NULL));
}

/* Files of the machine are not part of the input. */
static bool names_a_device(struct view text)
{
    static const char *const folders[] = { "dev", "proc", "sys" };

    for (size_t i = 0; i < 3; i++)
        if (text.len > 0 && memmem(text.at, text.len, folders[i], strlen(folders[i])) != NULL)
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE struct config *c = mem_zero(sizeof *c);
    AUTO_FREE struct config_problems *problems = mem_zero(sizeof *problems);
    bool ok;

    if (names_a_device(fuzz_view(data, size)))
        return -1;
    read_lines(fuzz_view(data, size));
    ok = config_load(c, arg_count, (const char *const *)args, env, problems);
    ASSERT(ok == (problems->errors == 0) && problems->count <= CONFIG_PROBLEMS_MAX);
    for (size_t i = 0; i < problems->count; i++)
        ASSERT(problems->all[i].text[0] != '\0');
    if (ok && !c->wants_help && !c->wants_version)
        check(c);
    forget_lines();
    return 0;
}
