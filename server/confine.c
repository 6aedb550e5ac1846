#include "confine.h"

#include "base/mem.h"
#include "config/config_table.h"
#include "sandbox/sandbox.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- what is needed ---- */

/* What cannot be made here cannot be made where it is needed either, and that says why. */
static void make_folder(const char *path, mode_t mode)
{
    if (mkdir(path, mode) == 0)
        (void)chmod(path, mode); /* the umask is ours */
}

static void make_with_parents(const char *path, mode_t mode)
{
    AUTO_FREE char *part = mem_strdup(path);

    for (char *at = part; *at != '\0' && (at = strchr(at + 1, '/')) != NULL;) {
        *at = '\0';
        make_folder(part, mode);
        *at = '/';
    }
    make_folder(path, mode);
}

static void allow_socket(struct sandbox *s, const struct net_address *where, mode_t mode)
{
    char folder[sizeof where->path];
    char *slash;

    if (!where->is_unix) {
        sandbox_allow_port(s, where->port);
        return;
    }
    memcpy(folder, where->path, sizeof folder);
    slash = strrchr(folder, '/');
    if (slash == NULL)
        return;
    slash[slash == folder] = '\0';
    make_folder(folder, mode);
    sandbox_allow(s, SANDBOX_SOCKETS, folder);
}

static void allow_sockets(struct sandbox *s, const struct config *config)
{
    for (size_t i = 0; i < config->listen_count; i++)
        allow_socket(s, &config->listen[i],
                     config->listen[i].role == NET_ADMIN && !config->listens_by_default ? 0700 : 0755);
    if (config->has_http)
        allow_socket(s, &config->http, 0755);
}

/* Every file that a setting names, whatever it is for: they are read again when they change, and often change by taking
 * each other's place. */
static void allow_named_files(struct sandbox *s, const struct config *config)
{
    for (const struct config_option *o = config_options; o->name != NULL; o++)
        if (o->type->is_path && !config_is_member(o))
            sandbox_allow_folder_of(s, SANDBOX_READ, (const char *)config + o->at);
    for (size_t i = 0; i < config->declared_count; i++) {
        sandbox_allow_folder_of(s, SANDBOX_READ, config->declared[i].token_file);
        sandbox_allow_folder_of(s, SANDBOX_READ, config->declared[i].private_key_file);
    }
}

static void allow_authorities(struct sandbox *s)
{
    static const char *const files[] = { "CURL_CA_BUNDLE", "SSL_CERT_FILE" };
    const char *folder = getenv("SSL_CERT_DIR");

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (getenv(files[i]) != NULL)
            sandbox_allow_folder_of(s, SANDBOX_READ, getenv(files[i]));
    if (folder != NULL)
        sandbox_allow(s, SANDBOX_READ, folder);
}

static void allow_all(struct sandbox *s, const struct config *config)
{
    make_with_parents(config->data_dir, 0700);
    sandbox_allow(s, SANDBOX_WRITE, config->data_dir);
    allow_sockets(s, config);
    allow_named_files(s, config);
    allow_authorities(s);
    sandbox_allow_system(s);
}

/* ---- in and on ---- */

static void tell(const struct sandbox_state *state)
{
    log_info("sandbox", "no_new_privs=yes capabilities=none seccomp=%s landlock=%d%s",
             state->has_seccomp ? "yes" : "no", state->landlock_abi,
             state->landlock_abi == 0 ? " landlock_why=the kernel has none" : "");
    if (!state->has_seccomp)
        log_warn("sandbox.partial", "text=this kernel has no seccomp filters: every system call stays open");
    if (state->is_root)
        log_warn("sandbox.root", "text=the server runs as root, whose files it can read; give it a user of its own "
                                 "(User= or DynamicUser= of systemd, USER of an image, runAsNonRoot of a pod)");
}

bool confine(const struct config *config, struct error *err)
{
    struct sandbox s = { .rule_count = 0 };
    struct sandbox_state state;
    bool ok;

    if (!config->sandbox) {
        log_warn("sandbox.off", "text=--sandbox=off: the server can do whatever its user can; for debugging alone");
        return true;
    }
    allow_all(&s, config);
    ok = sandbox_enter(&s, &state, err);
    sandbox_deinit(&s);
    if (ok)
        tell(&state);
    return ok;
}
