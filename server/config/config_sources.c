/* server/config/config_sources.c: where values come from: defaults, environment, flags; each through the row's parser.
 *
 * Connectors are declared by --org, --name and --token-file (or --client-id, --private-key-file and --key-id); a group
 * ends where one of these comes a second time. */
#include "config/config_table.h"

#include <string.h>

bool config_take_fallbacks(struct config *out, struct error *err)
{
    for (const struct config_option *o = config_options; o->name != NULL; o++)
        if (o->fallback != NULL && !o->type->parse(o, view_of(o->fallback), out, err))
            return false;
    out->history_days = out->retention_days = -1;
    out->reader_uid = out->reader_gid = -1;
    return true;
}

bool config_take_env(struct config *out, config_env *env, struct error *err)
{
    for (const struct config_option *o = config_options; o->name != NULL; o++) {
        char name[CONFIG_ENV_NAME_SIZE];
        const char *value;

        config_env_name(o, name);
        value = env(name);
        if (value != NULL && value[0] != '\0' && !o->type->parse(o, view_of(value), out, err))
            return error_wrap(err, "%s", name);
    }
    return true;
}

static bool unknown_flag(struct view name, struct error *err)
{
    const char *nearest = config_nearest(name);

    if (nearest == NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT, "there is no flag --%.*s (see --help)",
                         (int)(name.len < 80 ? name.len : 80), name.at);
    return error_set(err, ERROR_INVALID_ARGUMENT, "there is no flag --" VIEW_FMT "; did you mean --%s?", VIEW_ARG(name),
                     nearest);
}

/* The first flag of a list puts away what the environment gave: lists do not mix. */
static void begin_list(const struct config_option *o, struct config *out, bool *has_listen, bool *has_declared)
{
    bool *has = o->type == &config_listen ? has_listen : has_declared;

    if (!*has)
        config_list_clear(o, out);
    *has = true;
}

/* Everybody on this host can read our arguments. */
static bool is_fit_for_argv(const struct config_option *o, struct view value, struct error *err)
{
    return o->type != &config_proxy || value.len == 0 || memchr(value.at, '@', value.len) == NULL ||
           error_set(err, ERROR_INVALID_ARGUMENT,
                     "--proxy with a user name and password can be read by everybody on this host: put it into the "
                     "environment, as " CONFIG_ENV_PREFIX "PROXY");
}

bool config_take_flags(struct config *out, int argc, const char *const *argv, struct error *err)
{
    bool has_listen = false, has_declared = false;

    for (int i = 1; i < argc; i++) {
        struct view name = view_of(argv[i]), value = VIEW("true");
        const char *equals;
        const struct config_option *o;

        if (!view_starts(name, "--") || name.len == 2)
            return error_set(err, ERROR_INVALID_ARGUMENT, "\"%.80s\" is no flag (see --help)", argv[i]);
        name = (struct view){ name.at + 2, name.len - 2 };
        equals = memchr(name.at, '=', name.len);
        if (equals != NULL) {
            value = view_of(equals + 1);
            name.len = (size_t)(equals - name.at);
        }
        o = config_find(name);
        if (o == NULL)
            return unknown_flag(name, err);
        if (equals == NULL && !o->type->is_switch) {
            if (++i == argc)
                return error_set(err, ERROR_INVALID_ARGUMENT, "--%s needs a value: %s", o->name, o->help);
            value = view_of(argv[i]);
        }
        if (o->type->is_list)
            begin_list(o, out, &has_listen, &has_declared);
        if (!o->type->parse(o, value, out, err) || !is_fit_for_argv(o, value, err))
            return false;
    }
    return true;
}
