/* server/config/config.h: what the process was told, by flags and environment: one table, one immutable value.
 *
 * A flag --some-name has the environment variable OKTA_CONNECTOR_SOME_NAME; the flag wins. */
#ifndef CONFIG_H
#define CONFIG_H

#include "base/log.h"
#include "rpc/server.h"

#include <stdio.h>

#define CONFIG_PATH_MAX     1023
#define CONFIG_PROXY_MAX    511
#define CONFIG_DECLARED_MAX 16

/* A connector that is to run from the start. */
struct config_declared {
    char name[64]; /* made from the org's host when none was given */
    char org[513];
    char token_file[CONFIG_PATH_MAX + 1];                                    /* either this, */
    char client_id[128], private_key_file[CONFIG_PATH_MAX + 1], key_id[128]; /* or these: a service app */
};

struct config {
    char data_dir[CONFIG_PATH_MAX + 1];
    struct rpc_listen listen[RPC_LISTEN_MAX];
    size_t listen_count;
    struct rpc_listen http; /* for /metrics */
    bool has_http;
    bool listens_by_default; /* the folder of the sockets is ours to make */

    struct config_declared declared[CONFIG_DECLARED_MAX];
    size_t declared_count;
    int history_days, retention_days; /* of declared connectors; -1: not given */

    uint64_t store_max_bytes;
    int org_share_percent;
    char proxy[CONFIG_PROXY_MAX + 1];  /* "": as the environment says. May hold a password */
    char ca_file[CONFIG_PATH_MAX + 1]; /* "": the system's CAs alone */
    bool allow_http_loopback_org;
    char seal_key_file[CONFIG_PATH_MAX + 1]; /* "": one in the data folder */

    unsigned threads;               /* 0: one a core, at most 4 */
    int64_t reader_uid, reader_gid; /* -1: nobody more */
    int drain_ms;
    enum log_level log_level;

    bool wants_help, wants_version;
};

/* Looks up an environment variable; NULL when it is not set. */
typedef const char *config_env(const char *name);

/* INVALID_ARGUMENT with a sentence: an unknown flag (with the nearest name), a value out of range, a token file without
 * an org, a password where everybody on this host can read it. `argv` is as main's. What was not given has its default,
 * also under wants_help. */
MUST_CHECK bool config_parse(struct config *out, int argc, const char *const *argv, config_env *env, struct error *err);

/* Every flag with its meaning, range and default. */
void config_help(FILE *to);

#endif
