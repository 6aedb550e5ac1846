/* server/config/config.c: what the process was told, put together:
 *
 *     defaults < environment < flags     each over the one before, through one table (config_table.c, config_sources.c)
 *     complete                           what belongs together, and what is worked out (config_complete.c) */
#include "config/config_table.h"

#include "base/mem.h"

bool config_parse(struct config *out, int argc, const char *const *argv, config_env *env, struct error *err)
{
    AUTO_FREE struct config *c = mem_zero(sizeof *c);

    if (!config_take_fallbacks(c, err) || !config_take_env(c, env, err) || !config_take_flags(c, argc, argv, err))
        return false;
    if (!c->wants_help && !c->wants_version && !config_complete(c, env, err))
        return false;
    *out = *c;
    return true;
}

void config_help(FILE *to)
{
    fputs("okta-connectord: reads Okta orgs, read-only, and streams their logins over gRPC.\n\n", to);
    for (const struct config_option *o = config_options; o->name != NULL; o++) {
        char left[64];

        snprintf(left, sizeof left, "--%s%s%s", o->name, o->meta != NULL ? " " : "", o->meta != NULL ? o->meta : "");
        fprintf(to, "  %-26s %s", left, o->help);
        if (o->fallback != NULL && !o->type->is_switch)
            fprintf(to, "; default %s", o->fallback);
        fputc('\n', to);
    }
    fputs("\nEach flag can also be given in the environment: --data-dir as " CONFIG_ENV_PREFIX "DATA_DIR; flags win.\n"
          "Exit codes: 0 stopped cleanly, 1 failed, 2 wrong usage.\n"
          "SIGTERM and SIGINT stop it; SIGHUP re-reads token and key files.\n",
          to);
}
