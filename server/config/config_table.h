/* server/config/config_table.h: what can be configured: one row each, and how its value is read from text and written.
 *
 * A new setting is a member of struct config and a row in config_table.c; everything else (flag, environment variable,
 * the file's key, ranges, --help, --print-config, what a reload says) follows from the row. */
#ifndef CONFIG_TABLE_H
#define CONFIG_TABLE_H

#include "config/config.h"

#include <stddef.h>

#define CONFIG_NAME_BYTES_MAX 32
#define CONFIG_ENV_PREFIX     "OKTA_CONNECTOR_"
#define CONFIG_ENV_NAME_SIZE  (sizeof CONFIG_ENV_PREFIX + CONFIG_NAME_BYTES_MAX)

struct config_option;

/* One value, into the struct config (of a connector's member: the struct config_declared). What is wrong with it is
 * said as a sentence that goes on after its name ("must be ..."): INVALID_ARGUMENT. */
typedef bool config_parser(const struct config_option *o, struct view value, void *into, struct error *err);
/* Appends the value as the parser takes it, of a list the one at `index`; false when it is not set, or no more are. */
typedef bool config_writer(const struct config_option *o, const void *from, size_t index, struct buf *out);

struct config_type {
    config_parser *parse;
    config_writer *write;
    void (*clear)(struct config *out); /* of a list: empties it. NULL: it is none */
    bool is_switch;                    /* a flag that takes no value */
    bool is_path;                      /* in the file, relative ones count from its folder */
    bool is_secret;                    /* may hold a password: never in the file or on the command line, nor shown */
};

/* Where a row may stand. */
enum config_scope {
    CONFIG_SETTING,       /* flag, environment and file */
    CONFIG_COMMAND,       /* flag alone */
    CONFIG_LOCATION,      /* flag and environment */
    CONFIG_CONNECTOR,     /* flag and environment; in the file, within an entry of `connectors` */
    CONFIG_IN_CONNECTORS, /* in the file alone, within an entry of `connectors` */
    CONFIG_IN_FILE,       /* in the file alone */
};
/* Who looks for a row. */
enum config_place { CONFIG_AS_FLAG, CONFIG_AS_VARIABLE, CONFIG_AS_KEY, CONFIG_AS_MEMBER };

struct config_option {
    const char *name;
    const struct config_type *type;
    enum config_scope scope;
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

/* int, int64_t (-1: not set) and uint64_t within the row's range; char[CONFIG_PATH_MAX + 1]; bool, as true or false, or
 * on or off; text of the row's room; a duration in int64_t ms; and what has a parser of its own. */
extern const struct config_type config_int, config_i64, config_bytes, config_path, config_switch, config_on_off,
    config_text, config_level, config_listen, config_http, config_proxy, config_collect, config_connectors,
    config_admin_names, config_reader_names, config_duration;

/* Ended by one without name. */
extern const struct config_option config_options[];

/* The rows of `place`; NULL when there is none of that name. */
const struct config_option *config_find(struct view name, enum config_place place);
bool config_is_at(const struct config_option *o, enum config_place place);
/* The nearest name there, or one that begins so; NULL when it would be a guess. */
const char *config_nearest(struct view name, enum config_place place);
/* The environment variable of a row. */
void config_env_name(const struct config_option *o, char out[CONFIG_ENV_NAME_SIZE]);
/* The row's number, for struct config's origins. Of a connector's member: that of `connectors`. */
size_t config_row(const struct config_option *o);
bool config_is_member(const struct config_option *o);

/* One more connector, with nothing set; NULL when there are CONFIG_DECLARED_MAX. */
struct config_declared *config_add_declared(struct config *out);

/* ---- config_sources.c: each puts what it was given over what is there ---- */

void config_take_defaults(struct config *out);
void config_take_env(struct config *out, config_env *env, struct config_problems *problems);
/* Of the flags: all; or the commands and locations alone, silently. */
void config_take_flags(struct config *out, int argc, const char *const *argv, struct config_problems *problems);
void config_take_commands(struct config *out, int argc, const char *const *argv);

/* ---- config_file.c ---- */

/* Reads and parses. A file that is not there: an error, or nothing when it `may_be_missing`. */
void config_take_file(struct config *out, const char *path, bool may_be_missing, struct config_problems *problems);

/* ---- config_complete.c: what belongs together, and what is worked out where nothing was given ---- */

void config_complete(struct config *out, config_env *env, struct config_problems *problems);

#endif
