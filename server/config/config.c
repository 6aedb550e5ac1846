/* server/config/config.c: what the process was told, put together:
 *
 *     commands                               --help and the like, and where the file is
 *     defaults < file < environment < flags  each over the one before, through one table (config_table.c,
 * config_file.c, config_sources.c) complete                               what belongs together, and what is worked out
 * (config_complete.c)
 *
 * What is wrong is written down, and the next is looked at: who mends one thing wants to know of the others. */
#include "config/config_table.h"

#include "base/mem.h"

#include <string.h>

/* The file that is to be read, by the strongest source that names one; "" for none. True: it must be there. */
static bool choose_file(char path[CONFIG_PATH_MAX + 1], const struct config *commands, config_env *env)
{
    const char *named = commands->file[0] != '\0' ? commands->file : env(CONFIG_ENV_PREFIX "CONFIG");
    bool is_named = named != NULL && named[0] != '\0';

    snprintf(path, CONFIG_PATH_MAX + 1, "%s", is_named ? named : CONFIG_FILE_DEFAULT);
    return is_named;
}

bool config_load(struct config *out, int argc, const char *const *argv, config_env *env,
                 struct config_problems *problems)
{
    AUTO_FREE struct config *c = mem_zero(sizeof *c);
    size_t errors_before = problems->errors;
    char path[CONFIG_PATH_MAX + 1];
    bool is_named;

    config_take_defaults(c);
    config_take_commands(c, argc, argv);
    if (!c->wants_help && !c->wants_version) {
        is_named = choose_file(path, c, env);
        config_take_file(c, path, !is_named, problems);
        config_take_env(c, env, problems);
        config_take_flags(c, argc, argv, problems);
        config_complete(c, env, problems);
    }
    if (problems->errors > errors_before)
        return false;
    *out = *c;
    return true;
}
