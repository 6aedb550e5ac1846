/* A backup grows in DIR.partial, and gets its name when all of it is on the disk:
 *
 *     copy the registry -> list its orgs -> copy each store and verify the copy -> manifest -> sync -> rename
 *
 * The running backup holds a lock on the partial folder. An unlocked one belongs to a process that died; the next
 * backup to the same place empties it. If a connector is deleted meanwhile, the backup begins again. After a failure
 * the partial folder is removed. */
#include "backup/backup.h"
#include "backup/backup_parts.h"
#include "base/mem.h"
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES_MAX 3 /* each retry means that a connector was deleted while we copied */

struct backup_job {
    const struct backup_options *options;
    struct backup_result *result;
    struct path to, partial, parent;
    const char *partial_name;
    int lock_fd;
    struct manifest manifest;
};

static bool backup_fail(const char *doing, const char *path, struct error *err)
{
    int why = errno;

    if (why == ENOSPC || why == EDQUOT)
        return error_reason(err, ERROR_RESOURCE_EXHAUSTED, "STORE_FULL", "%s %s: %s", doing, path, strerror(why));
    return error_set(err, ERROR_FAILED_PRECONDITION, "%s %s: %s", doing, path, strerror(why));
}

/* ---- the partial folder ---- */

static bool backup_remove_one(void *ctx, const char *name, struct error *err)
{
    return files_remove_tree(ctx, name, err);
}

static bool backup_open_partial(struct backup_job *m, struct error *err)
{
    if (mkdir(m->partial.at, 0700) != 0 && errno != EEXIST)
        return backup_fail("make folder", m->partial.at, err);
    m->lock_fd = open(m->partial.at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (m->lock_fd < 0)
        return backup_fail("open", m->partial.at, err);
    if (flock(m->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (errno == EWOULDBLOCK)
        (void)error_set(err, ERROR_FAILED_PRECONDITION, "another backup to %s is under way: %s is locked", m->to.at,
                        m->partial.at);
    else
        (void)backup_fail("lock", m->partial.at, err);
    close(m->lock_fd);
    m->lock_fd = -1;
    return false;
}

static bool backup_empty_partial(struct backup_job *m, struct error *err)
{
    m->manifest = (struct manifest){ .count = 0 };
    *m->result = (struct backup_result){ 0 };
    return files_each(m->partial.at, backup_remove_one, m->partial.at, err);
}

/* After a failure. A folder that cannot be removed is mentioned in the error; the next backup to this place tries again
 * to remove it. */
static void backup_drop_partial(struct backup_job *m, struct error *err)
{
    struct error why = { 0 };

    if (m->lock_fd < 0)
        return;
    if (!files_remove_tree(m->parent.at, m->partial_name, &why))
        (void)error_wrap(err, "the partial backup could not be removed either (%s)", why.text);
    close(m->lock_fd);
}

static bool backup_prepare(struct backup_job *m, struct error *err)
{
    struct path unused;
    const char *name;
    bool exists;
    int len;

    if (!path_clean(&m->to, m->options->dir, err))
        return false;
    path_split(&m->to, &m->parent, &name);
    len = snprintf(m->partial.at, sizeof m->partial.at, "%s.partial", m->to.at);
    if (len < 0 || (size_t)len >= sizeof m->partial.at)
        return error_set(err, ERROR_INVALID_ARGUMENT, "path too long");
    path_split(&m->partial, &unused, &m->partial_name);
    if (!files_exists(m->to.at, &exists, err))
        return false;
    if (exists)
        return error_set(err, ERROR_ALREADY_EXISTS, "%s exists already: a backup overwrites nothing", m->to.at);
    return backup_open_partial(m, err);
}

/* ---- the copies ---- */

/* Copies name/data.mdb of the data folder to the same place in the backup. */
static bool backup_copy_one(struct backup_job *m, const char *name, struct manifest_file *file, struct error *err)
{
    struct path from, dir, to;
    struct copied copied;

    if (!path_join(&from, m->options->data_dir, name, err) || !path_join(&dir, m->partial.at, name, err) ||
        !path_join(&to, dir.at, "data.mdb", err) || !files_make_dir(dir.at, true, err) ||
        !parts_copy(from.at, to.at, true, name, m->options->listener, &copied, err) || !files_sync_dir(dir.at, err))
        return false;
    snprintf(file->path, sizeof file->path, "%.*s/data.mdb", (int)(sizeof file->path - sizeof "/data.mdb"), name);
    file->bytes = copied.bytes;
    memcpy(file->sha256, copied.sha256, sizeof file->sha256);
    m->result->bytes += copied.bytes;
    return true;
}

static bool backup_check_store(struct backup_job *m, const char *name, struct manifest_file *file, struct error *err)
{
    struct verify_found found = { .problems = 0 };
    struct path dir;

    if (!path_join(&dir, m->partial.at, name, err) ||
        !parts_verify(dir.at, name, DB_LOOK_ALONE, m->options->meaning, m->options->listener, &found, err))
        return false;
    file->is_store = true;
    file->facts = found.facts;
    m->result->stores++;
    m->result->events += found.facts.events;
    store_facts_add_rows(&found.facts, m->result->rows);
    m->result->problems += found.problems;
    return true;
}

/* Whether the live registry still lists the org. */
static bool backup_is_org_listed(struct backup_job *m, const char *org_id, bool *is_listed, struct error *err)
{
    AUTO_FREE struct parts_registry *registry = mem_zero(sizeof *registry);
    struct path dir;

    *is_listed = false;
    if (!path_join(&dir, m->options->data_dir, "registry", err) || !parts_registry(dir.at, DB_LOOK, registry, err))
        return false;
    for (size_t i = 0; i < registry->count; i++)
        *is_listed |= strcmp(registry->entries[i].org_id, org_id) == 0;
    return true;
}

/* Copies one store and verifies the copy. The server may delete the connector between our copy of the registry and this
 * one of its store. So a copy that fails is no failure if the live registry no longer lists the org: must_restart is
 * set, and the backup begins again with the new list. A full disk is always a failure. */
static bool backup_take_store(struct backup_job *m, const char *org_id, bool *must_restart, struct error *err)
{
    struct manifest_file *file = &m->manifest.files[m->manifest.count];
    char name[MANIFEST_PATH_MAX];
    struct error why = { 0 }, registry_why = { 0 };
    bool is_listed;

    snprintf(name, sizeof name, "orgs/%s", org_id);
    if (backup_copy_one(m, name, file, &why)) {
        m->manifest.count++;
        return backup_check_store(m, name, file, err);
    }
    if (why.code == ERROR_RESOURCE_EXHAUSTED)
        return error_also(err, true, &why);
    if (!backup_is_org_listed(m, org_id, &is_listed, &registry_why)) {
        (void)error_also(&why, false, &registry_why);
        return error_also(err, true, &why);
    }
    if (is_listed)
        return error_also(err, true, &why);
    *must_restart = true;
    return true;
}

static bool backup_take_all(struct backup_job *m, bool *must_restart, struct error *err)
{
    AUTO_FREE struct parts_registry *registry = mem_zero(sizeof *registry);
    struct path dir;

    *must_restart = false;
    if (!backup_empty_partial(m, err) || !path_join(&dir, m->partial.at, "registry", err) ||
        !backup_copy_one(m, "registry", &m->manifest.files[m->manifest.count++], err) ||
        !parts_registry(dir.at, DB_LOOK_ALONE, registry, err) || !path_join(&dir, m->partial.at, "orgs", err) ||
        !files_make_dir(dir.at, false, err))
        return false;
    for (size_t i = 0; i < registry->count && !*must_restart; i++)
        if (!parts_is_repeated(registry->entries, i) &&
            !backup_take_store(m, registry->entries[i].org_id, must_restart, err))
            return false;
    m->result->connectors = (unsigned)registry->count;
    return files_sync_dir(dir.at, err);
}

/* ---- finishing ---- */

static bool backup_finish(struct backup_job *m, struct error *err)
{
    if (m->result->problems > 0)
        return error_reason(err, ERROR_DATA_LOSS, "STORE_DAMAGED",
                            "the data folder is damaged in %llu places: no backup was made",
                            (unsigned long long)m->result->problems);
    snprintf(m->manifest.program, sizeof m->manifest.program, "%s", m->options->program);
    m->manifest.made_unix_ms = m->options->now_unix_ms;
    if (!manifest_write(&m->manifest, m->partial.at, err) || !files_sync_dir(m->partial.at, err))
        return false;
    /* Everything is synced before the rename, so the final name never stands for less than the whole. NOREPLACE: a
     * folder of that name may have appeared since backup_prepare looked. */
    if (renameat2(AT_FDCWD, m->partial.at, AT_FDCWD, m->to.at, RENAME_NOREPLACE) != 0)
        return backup_fail("rename to", m->to.at, err);
    close(m->lock_fd);
    m->lock_fd = -1;
    return files_sync_dir(m->parent.at, err);
}

static bool backup_make_all(struct backup_job *m, struct error *err)
{
    bool must_restart = true;

    for (int i = 0; i < TRIES_MAX && must_restart; i++)
        if (!backup_take_all(m, &must_restart, err))
            return false;
    if (must_restart)
        return error_set(err, ERROR_ABORTED,
                         "a connector was deleted during each of %d attempts to copy the data folder: try again",
                         TRIES_MAX);
    return backup_finish(m, err);
}

bool backup_make(const struct backup_options *options, struct backup_result *result, struct error *err)
{
    struct backup_job *m = mem_zero(sizeof *m);
    struct path registry;
    bool is_done, exists;

    *m = (struct backup_job){ .options = options, .result = result, .lock_fd = -1 };
    *result = (struct backup_result){ 0 };
    is_done =
        path_join(&registry, options->data_dir, "registry/data.mdb", err) && files_exists(registry.at, &exists, err) &&
        (exists || error_set(err, ERROR_NOT_FOUND, "%s is not a data folder: it has no registry", options->data_dir)) &&
        backup_prepare(m, err) && backup_make_all(m, err);
    backup_drop_partial(m, err);
    free(m);
    return is_done || error_wrap(err, "backup of %s", options->data_dir);
}
