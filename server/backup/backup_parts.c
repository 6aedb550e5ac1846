#include "backup/backup_parts.h"

#include <stdio.h>
#include <string.h>

bool path_join(struct path *out, const char *dir, const char *name, struct error *err)
{
    int len = snprintf(out->at, sizeof out->at, "%s/%s", dir, name);

    return (len > 0 && (size_t)len < sizeof out->at) || error_set(err, ERROR_INVALID_ARGUMENT, "path too long");
}

bool path_clean(struct path *out, const char *path, struct error *err)
{
    size_t len = strlen(path);

    while (len > 1 && path[len - 1] == '/')
        len--;
    if (len == 0 || len >= sizeof out->at)
        return error_set(err, ERROR_INVALID_ARGUMENT, "the name of the folder is empty or too long");
    memcpy(out->at, path, len);
    out->at[len] = '\0';
    return true;
}

void path_split(const struct path *path, struct path *parent, const char **name)
{
    const char *slash = strrchr(path->at, '/');
    size_t len = slash != NULL ? (size_t)(slash - path->at) : 0;

    *name = slash != NULL ? slash + 1 : path->at;
    if (slash == NULL)
        memcpy(parent->at, ".", 2);
    else if (len == 0)
        memcpy(parent->at, "/", 2);
    else {
        memcpy(parent->at, path->at, len);
        parent->at[len] = '\0';
    }
}

struct child_listener parts_listener(const struct verify_listener *to)
{
    if (to == NULL)
        return (struct child_listener){ NULL, NULL, NULL };
    return (struct child_listener){ to->problem, to->progress, to->ctx };
}

bool parts_copy(const char *from, const char *to, bool is_env, const char *name, const struct verify_listener *to_tell,
                struct copied *out, struct error *err)
{
    const struct child_listener listener = parts_listener(to_tell);
    struct copy_job job = { from, to, name };

    return child_run(is_env ? copy_env : copy_file, &job, out, sizeof *out, &listener, err) ||
           error_wrap(err, "%s", name);
}

/* ---- the registry ---- */

struct registry_job {
    const char *dir;
    enum db_use use;
};

static bool parts_read_registry(struct child *child, void *arg, void *result, struct error *err)
{
    const struct registry_job *job = arg;
    struct parts_registry *out = result;

    (void)child;
    return readonly_registry(job->dir, job->use, out->entries, &out->count, err);
}

bool parts_registry(const char *dir, enum db_use use, struct parts_registry *out, struct error *err)
{
    struct registry_job job = { dir, use };

    return child_run(parts_read_registry, &job, out, sizeof *out, NULL, err) || error_wrap(err, "%s", dir);
}

bool parts_is_repeated(const struct registry_entry *entries, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(entries[i].org_id, entries[at].org_id) == 0)
            return true;
    return false;
}

/* ---- a store ---- */

bool parts_verify(const char *dir, const char *name, enum db_use use, const struct verify_meaning *meaning,
                  const struct verify_listener *listener, struct verify_found *out, struct error *err)
{
    const struct child_listener to = parts_listener(listener);
    struct verify_job job = { dir, name, use, meaning };

    return child_run(verify_store, &job, out, sizeof *out, &to, err);
}
