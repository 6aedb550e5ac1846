/* server/config/config.h: what the process was told, by a file, the environment and flags: one table, one immutable
 * value.
 *
 * A flag --some-name has the environment variable OKTA_CONNECTOR_SOME_NAME and the key some-name in the file. The
 * environment wins over the file, a flag over both; lists (addresses, connectors) do not mix: the strongest source that
 * names any names all. */
#ifndef CONFIG_H
#define CONFIG_H

#include "base/log.h"
#include "base/str.h"
#include "net/address.h"

#include <stdio.h>

#define CONFIG_PATH_MAX       1023
#define CONFIG_PROXY_MAX      511
#define CONFIG_DECLARED_MAX   16
#define CONFIG_OPTIONS_MAX    64         /* rows of the table */
#define CONFIG_FILE_BYTES_MAX (1u << 20) /* sixteen connectors take some kilobytes */
#define CONFIG_FILE_DEFAULT   "/etc/okta-connector/config.yaml"
#define CONFIG_PROBLEMS_MAX   64 /* told; more are counted */

/* ---- the value ---- */

/* Who said it. From the weakest to the strongest. */
enum config_from { CONFIG_FROM_DEFAULT, CONFIG_FROM_FILE, CONFIG_FROM_ENV, CONFIG_FROM_FLAG };
struct config_origin {
    enum config_from from;
    unsigned line, column; /* in the file, from 1 */
};

/* A connector that is to run from the start. */
struct config_declared {
    char name[64]; /* made from the org's host when none was given */
    char org[513];
    char token_file[CONFIG_PATH_MAX + 1];                                    /* either this, */
    char client_id[128], private_key_file[CONFIG_PATH_MAX + 1], key_id[128]; /* or these: a service app */
    uint32_t collections;                                                    /* bit n: the API's Collection n; 0: all */
    int history_days, retention_days;                                        /* -1: not given, here or for all */
    struct config_origin origin;                                             /* where it begins */
};

struct config {
    char data_dir[CONFIG_PATH_MAX + 1];
    struct net_address listen[NET_ADDRESSES_MAX];
    size_t listen_count;
    struct net_address http; /* for /metrics */
    bool has_http;
    struct net_tls tls;
    int64_t connection_age_ms; /* over TCP; 0: no limit */
    bool listens_by_default;   /* the folder of the sockets is ours to make */

    struct config_declared declared[CONFIG_DECLARED_MAX];
    size_t declared_count;
    int history_days, retention_days; /* of connectors that do not say themselves; -1: not given */

    uint64_t store_max_bytes;
    int org_share_percent;
    char proxy[CONFIG_PROXY_MAX + 1];  /* "": as the environment says. May hold a password */
    char ca_file[CONFIG_PATH_MAX + 1]; /* "": the system's CAs alone */
    bool allow_http_loopback_org;
    bool sandbox;
    bool allow_private_org;                  /* its name may lead to an address of a private network */
    char seal_key_file[CONFIG_PATH_MAX + 1]; /* "": one in the data folder */

    unsigned threads;               /* 0: one a core, at most 4 */
    int64_t reader_uid, reader_gid; /* -1: nobody more */
    int drain_ms;
    enum log_level log_level;

    char file[CONFIG_PATH_MAX + 1]; /* that was read; "": none */
    bool wants_help, wants_version, wants_check, wants_print;

    struct config_origin origins[CONFIG_OPTIONS_MAX]; /* by row */
};

/* ---- what is wrong with it ---- */

struct config_problem {
    bool is_warning; /* it can be run with */
    char text[ERROR_TEXT_MAX];
};
/* Begins as zeros. Large: not for a stack. */
struct config_problems {
    size_t errors, warnings; /* in all */
    size_t count;            /* of them are told: */
    struct config_problem all[CONFIG_PROBLEMS_MAX];
};
void config_problem(struct config_problems *p, const char *format, ...) PRINTF(2, 3);
void config_warning(struct config_problems *p, const char *format, ...) PRINTF(2, 3);

/* ---- reading it ---- */

/* Looks up an environment variable; NULL when it is not set. */
typedef const char *config_env(const char *name);

/* Puts together defaults, the file, the environment and the flags. `argv` is as main's. The file is what --config or
 * OKTA_CONNECTOR_CONFIG names (/dev/null: none), or else CONFIG_FILE_DEFAULT, where that exists.
 *
 * False when `problems` has got an error: an unknown name (with the nearest one), a value out of range, a secret where
 * only its path may stand, a connector of which something is missing; each with where it stands, and as many as there
 * are, not the first alone. `out` is only written on success. With --help or --version nothing else is looked at. */
MUST_CHECK bool config_load(struct config *out, int argc, const char *const *argv, config_env *env,
                            struct config_problems *problems);

/* The file alone: puts what the bytes say over what is in `out`. `path` is how problems call it, and relative paths in
 * it count from its folder. Whatever the bytes are, it ends soon. False when there were errors; `out` has what was
 * right. */
MUST_CHECK bool config_file_parse(struct view bytes, const char *path, struct config *out,
                                  struct config_problems *problems);

/* ---- showing it ---- */

/* Every flag with its meaning, range and default. */
void config_help(FILE *to);

/* Every value with where it is from, as a configuration file that says the same. Secrets are not in it. */
void config_print(const struct config *c, FILE *to);

/* Appends the names of the settings that differ, of those that a reload applies or of those that take a restart, with a
 * comma between. Returns how many. */
size_t config_changes(const struct config *was, const struct config *now, bool of_live, struct buf *names);

/* Whether they declare the same; where is no matter. */
bool config_declared_eq(const struct config_declared *a, const struct config_declared *b);

#endif
