/* server/config/config_table.h: what can be configured: one row each, and how its value is read from text.
 *
 * A new setting is a member of struct config and a row in config_table.c; everything else (flag, environment variable,
 * configuration file, ranges, --help) follows from the row. */
#ifndef CONFIG_TABLE_H
#define CONFIG_TABLE_H

#include "config/config.h"

#include <stddef.h>

#define CONFIG_NAME_BYTES_MAX 32
#define CONFIG_ENV_PREFIX     "OKTA_CONNECTOR_"
#define CONFIG_ENV_NAME_SIZE  (sizeof CONFIG_ENV_PREFIX + CONFIG_NAME_BYTES_MAX)

struct config_option;

/* One value. What is wrong with it is said without where it stands: INVALID_ARGUMENT. */
typedef bool config_parser(const struct config_option *o, struct view value, struct config *out, struct error *err);

struct config_type {
    config_parser *parse;
    bool is_switch; /* a flag that takes no value */
    bool is_list;   /* may be given several times; lists of two sources do not mix: the stronger one's counts */
};

struct config_option {
    const char *name;
    const struct config_type *type;
    size_t at, room; /* in struct config; of a connector's member, in struct config_declared */
    int64_t min, max;
    const char *fallback; /* as it would be given; NULL: worked out, or none */
    const char *meta, *help;
    bool is_live; /* a reload applies it; else it takes a restart */
};

/* The row's place: IN_CONFIG(drain_ms), in a designated initialiser. */
#define IN_CONFIG(member) .at = offsetof(struct config, member), .room = sizeof(((const struct config *)NULL)->member)
#define IN_CONNECTOR(member)                                                                                           \
    .at = offsetof(struct config_declared, member), .room = sizeof(((const struct config_declared *)NULL)->member)

/* int, int64_t and uint64_t within the row's range; char[CONFIG_PATH_MAX + 1]; bool; and what has a parser of its own.
 */
extern const struct config_type config_int, config_i64, config_bytes, config_path, config_switch, config_level,
    config_listen, config_http, config_proxy;
/* A member of the connector that is being declared: text, or a file's path. */
extern const struct config_type config_of_connector;

/* Ended by one without name. */
extern const struct config_option config_options[];

/* NULL when there is none. */
const struct config_option *config_find(struct view name);
/* The nearest name, or one that begins so; NULL when it would be a guess. */
const char *config_nearest(struct view name);
/* The environment variable of a row. */
void config_env_name(const struct config_option *o, char out[CONFIG_ENV_NAME_SIZE]);

/* Empties the list that the row belongs to. */
void config_list_clear(const struct config_option *o, struct config *out);
/* One more address. */
MUST_CHECK bool config_add_listen(struct view value, struct config *out, struct error *err);

/* ---- config_sources.c: each puts what it was given over what is there ---- */

MUST_CHECK bool config_take_fallbacks(struct config *out, struct error *err);
MUST_CHECK bool config_take_env(struct config *out, config_env *env, struct error *err);
MUST_CHECK bool config_take_flags(struct config *out, int argc, const char *const *argv, struct error *err);

/* ---- config_complete.c: what belongs together, and what is worked out where nothing was given ---- */

MUST_CHECK bool config_complete(struct config *out, config_env *env, struct error *err);

#endif
