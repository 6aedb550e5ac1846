/* server/check.c: what a configuration names, looked at: files can be read and hold what they ought to, folders can be
 * written, addresses are free of each other. Whether an address is taken by somebody else is not asked: mostly it is
 * our own server, which runs while its next configuration is checked. */
#include "check.h"

#include "connectors/connectors.h"
#include "connectors/declared/declarations.h"
#include "registry/registry.h"
#include "rpc/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- connectors ---- */

void check_declared(const struct config *c, const struct config_declared *d, struct config_problems *problems)
{
    const struct declared_source source = { d->token_file, d->client_id, d->private_key_file, d->key_id };
    const char *file = d->token_file[0] != '\0' ? d->token_file : d->private_key_file;
    char at[CONFIG_PATH_MAX + 32] = "";
    struct error err;
    struct stat st;

    if (d->origin.from == CONFIG_FROM_FILE)
        snprintf(at, sizeof at, "%s:%u:%u: ", c->file, d->origin.line, d->origin.column);
    if (!connectors_check_declared(d->name, &source, &err))
        config_problem(problems, "%s%s", at, err.text);
    else if (stat(file, &st) == 0 && (st.st_mode & 077) != 0)
        config_warning(problems, "%sothers than its owner may read %s (mode %03o): chmod 600 it", at, file,
                       (unsigned)(st.st_mode & 0777));
}

/* ---- folders ---- */

/* Cuts the last part off a path; "/" stays. */
static void to_parent(char *path)
{
    char *slash;

    for (size_t len = strlen(path); len > 1 && path[len - 1] == '/'; len--)
        path[len - 1] = '\0';
    slash = strrchr(path, '/');
    if (slash == NULL)
        memcpy(path, ".", 2);
    else if (slash == path)
        slash[1] = '\0';
    else
        *slash = '\0';
}

/* A folder that we can write in, or that can be made, with at most `levels` above it. */
static void check_folder(const char *what, const char *folder, unsigned levels, struct config_problems *problems)
{
    char path[CONFIG_PATH_MAX + 1];
    struct stat st;
    bool is_there;

    snprintf(path, sizeof path, "%s", folder);
    is_there = stat(path, &st) == 0;
    for (unsigned i = 0; !is_there && errno == ENOENT && i < levels; i++) {
        to_parent(path);
        is_there = stat(path, &st) == 0;
    }
    if (!is_there)
        config_problem(problems, "%s: the folder %s cannot be used or made: %s", what, path, strerror(errno));
    else if (!S_ISDIR(st.st_mode))
        config_problem(problems, "%s: %s is no folder", what, path);
    else if (faccessat(AT_FDCWD, path, R_OK | W_OK | X_OK, AT_EACCESS) != 0)
        config_problem(problems, "%s: we may not write in the folder %s: %s", what, path, strerror(errno));
}

/* ---- addresses ---- */

static void check_socket(const char *what, const struct net_address *l, struct config_problems *problems)
{
    char folder[sizeof l->path];
    struct stat st;

    if (!l->is_unix)
        return;
    memcpy(folder, l->path, sizeof folder);
    to_parent(folder);
    check_folder(what, folder, 1, problems);
    if (lstat(l->path, &st) == 0 && !S_ISSOCK(st.st_mode))
        config_problem(problems, "%s: %s is there and is no socket: choose another path", what, l->path);
}

static bool is_same(const struct net_address *a, const struct net_address *b)
{
    if (a->is_unix != b->is_unix)
        return false;
    return a->is_unix ? strcmp(a->path, b->path) == 0
                      : a->port != 0 && a->port == b->port && strcmp(a->host, b->host) == 0;
}

static void check_addresses(const struct config *c, struct config_problems *problems)
{
    for (size_t i = 0; i < c->listen_count; i++) {
        check_socket("listen", &c->listen[i], problems);
        for (size_t j = 0; j < i; j++)
            if (is_same(&c->listen[i], &c->listen[j]))
                config_problem(problems, "listen: the %zu. address is the %zu. again", i + 1, j + 1);
        if (c->has_http && is_same(&c->listen[i], &c->http))
            config_problem(problems, "http: it is the %zu. address of listen again", i + 1);
    }
    if (c->has_http)
        check_socket("http", &c->http, problems);
}

void check_config(const struct config *c, struct config_problems *problems)
{
    struct error err;

    for (size_t i = 0; i < c->declared_count; i++)
        check_declared(c, &c->declared[i], problems);
    check_folder("data-dir", c->data_dir, CONFIG_PATH_MAX, problems);
    if (c->seal_key_file[0] != '\0' && !registry_seal_key_check(c->seal_key_file, &err))
        config_problem(problems, "seal-key-file: %s", err.text);
    if (!rpc_tls_files_check(&c->tls, &err))
        config_problem(problems, "%s", err.text);
    check_addresses(c, problems);
}
