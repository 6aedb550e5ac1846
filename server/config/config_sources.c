/* server/config/config_sources.c: where values come from: defaults, environment, flags; each through the row's parser.
 * (The file: config_file.c.)
 *
 * Connectors are declared by --org, --name and --token-file (or --client-id, --private-key-file and --key-id); a group
 * ends where one of these comes a second time. */
#include "config/config_table.h"

#include <string.h>

/* One source that is being read. */
struct source {
    struct config *out;
    struct config_problems *problems;
    enum config_from from;
    bool has_begun[CONFIG_OPTIONS_MAX]; /* by row: this list is this source's already */
};

/* ---- defaults ---- */

void config_take_defaults(struct config *out)
{
    struct error unused;

    for (const struct config_option *o = config_options; o->name != NULL; o++)
        if (o->fallback != NULL && !o->type->parse(o, view_of(o->fallback), out, &unused))
            continue; /* a test tries them all */
    out->history_days = out->retention_days = -1;
    out->reader_uid = out->reader_gid = -1;
}

/* ---- what environment and flags share ---- */

static bool is_given(const struct config_option *o, const struct config_declared *d)
{
    const char *at = (const char *)d + o->at;

    for (size_t i = 0; i < o->room; i++)
        if (at[i] != '\0')
            return true;
    return false;
}

/* The connector that a member is of: the last one, unless that has it already. */
static struct config_declared *group_for(const struct config_option *o, struct config *out)
{
    struct config_declared *last = out->declared_count > 0 ? &out->declared[out->declared_count - 1] : NULL;

    return last != NULL && !is_given(o, last) ? last : config_add_declared(out);
}

/* The first value of a list puts away what weaker sources gave: lists do not mix. */
static void begin_list(struct source *s, const struct config_option *o)
{
    const struct config_option *list = &config_options[config_row(o)];

    if (list->type->clear == NULL || s->has_begun[config_row(o)])
        return;
    list->type->clear(s->out);
    s->has_begun[config_row(o)] = true;
}

static bool take(struct source *s, const struct config_option *o, struct view value, struct error *err)
{
    void *into = s->out;

    begin_list(s, o);
    s->out->origins[config_row(o)] = (struct config_origin){ .from = s->from };
    if (config_is_member(o)) {
        struct config_declared *d = group_for(o, s->out);

        if (d == NULL)
            return error_set(err, ERROR_INVALID_ARGUMENT, "at most %d connectors can be declared", CONFIG_DECLARED_MAX);
        d->origin.from = s->from;
        into = d;
    }
    return o->type->parse(o, value, into, err);
}

/* ---- the environment ---- */

void config_take_env(struct config *out, config_env *env, struct config_problems *problems)
{
    struct source s = { .out = out, .problems = problems, .from = CONFIG_FROM_ENV };

    for (const struct config_option *o = config_options; o->name != NULL; o++) {
        char name[CONFIG_ENV_NAME_SIZE];
        const char *value;
        struct error err;

        if (!config_is_at(o, CONFIG_AS_VARIABLE))
            continue;
        config_env_name(o, name);
        value = env(name);
        if (value != NULL && value[0] != '\0' && !take(&s, o, view_of(value), &err))
            config_problem(problems, "%s: %s", name, err.text);
    }
}

/* ---- flags ---- */

/* One argument, or two. */
struct flag {
    struct view name, value;
    bool has_value;
    const struct config_option *o; /* NULL: there is none of that name */
};

/* The flag at argv[*at], which is moved on by what belongs to it. False: it is none. */
static bool next_flag(int argc, const char *const *argv, int *at, struct flag *out)
{
    struct view text = view_of(argv[(*at)++]);
    const char *equals;

    if (!view_starts(text, "--") || text.len == 2)
        return false;
    *out = (struct flag){ .name = { text.at + 2, text.len - 2 } };
    equals = memchr(out->name.at, '=', out->name.len);
    if (equals != NULL) {
        out->value = view_of(equals + 1);
        out->name.len = (size_t)(equals - out->name.at);
        out->has_value = true;
    }
    out->o = config_find(out->name, CONFIG_AS_FLAG);
    if (out->o == NULL && !out->has_value && *at < argc && !view_starts(view_of(argv[*at]), "--"))
        ++*at; /* what was meant as its value is no second mistake */
    if (out->o == NULL || out->has_value)
        return true;
    if (out->o->type->is_switch)
        out->value = VIEW("true");
    else if (*at < argc)
        out->value = view_of(argv[(*at)++]);
    else
        return true;
    out->has_value = true;
    return true;
}

static void unknown_flag(struct view name, struct config_problems *problems)
{
    const char *nearest = config_nearest(name, CONFIG_AS_FLAG);

    if (view_is(name, "connectors"))
        config_problem(problems, "there is no flag --connectors: declare each with --org and --token-file");
    else if (nearest == NULL)
        config_problem(problems, "there is no flag --%.*s (see --help)", (int)(name.len < 80 ? name.len : 80), name.at);
    else
        config_problem(problems, "there is no flag --" VIEW_FMT "; did you mean --%s?", VIEW_ARG(name), nearest);
}

/* Everybody on this host can read our arguments. */
static bool is_fit_for_argv(const struct flag *f, struct error *err)
{
    return !f->o->type->is_secret || f->value.len == 0 || memchr(f->value.at, '@', f->value.len) == NULL ||
           error_set(err, ERROR_INVALID_ARGUMENT,
                     "with a user name and password can be read by everybody on this host: put it into the "
                     "environment, as " CONFIG_ENV_PREFIX "PROXY");
}

static void take_flag(struct source *s, const struct flag *f)
{
    struct error err;

    if (f->o == NULL)
        unknown_flag(f->name, s->problems);
    else if (!f->has_value)
        config_problem(s->problems, "--%s needs a value: %s", f->o->name, f->o->help);
    else if (!is_fit_for_argv(f, &err) || !take(s, f->o, f->value, &err))
        config_problem(s->problems, "--%s: %s", f->o->name, err.text);
}

void config_take_flags(struct config *out, int argc, const char *const *argv, struct config_problems *problems)
{
    struct source s = { .out = out, .problems = problems, .from = CONFIG_FROM_FLAG };

    for (int i = 1; i < argc;) {
        const char *text = argv[i];
        struct flag f;

        if (next_flag(argc, argv, &i, &f))
            take_flag(&s, &f);
        else
            config_problem(problems, "\"%.80s\" is no flag (see --help)", text);
    }
}

void config_take_commands(struct config *out, int argc, const char *const *argv)
{
    struct source s = { .out = out, .from = CONFIG_FROM_FLAG };

    for (int i = 1; i < argc;) {
        struct error told_later;
        struct flag f;

        if (next_flag(argc, argv, &i, &f) && f.o != NULL && f.has_value &&
            (f.o->scope == CONFIG_COMMAND || f.o->scope == CONFIG_LOCATION) && !take(&s, f.o, f.value, &told_later))
            continue;
    }
}
