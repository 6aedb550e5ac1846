/* A restore grows in DATA_DIR/.restore. While that folder exists, no server starts on DATA_DIR. The steps:
 *
 *     1. lock DATA_DIR, and check that it is empty
 *     2. verify the backup
 *     3. copy each file to .restore, and compare its sum with the manifest
 *     4. give each store a new epoch; keep or remove the credentials
 *     5. sync, rename the two folders into DATA_DIR, and sync again
 *     6. remove .restore
 *
 * A failure removes what was copied. A crash leaves .restore behind, and the next restore into the same folder begins
 * again. The marker goes last: at every moment DATA_DIR is either whole, or marked as incomplete. */
#include "backup/backup_parts.h"
#include "base/assert.h"
#include "base/mem.h"
#include "registry/registry_env.h"
#include "store/files.h"
#include "store/meta.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct restore_job {
    const struct backup_options *options;
    struct backup_result *result;
    struct path data, half;
    int lock_fd;
    struct manifest manifest;
};

static const char *const parts[] = { "orgs", "registry" };

/* ---- the folder ---- */

struct restore_contents {
    bool is_half, is_used;
    char name[NAME_MAX + 1]; /* one of the names found, for the message */
};

static bool restore_inspect_name(void *ctx, const char *name, struct error *err)
{
    struct restore_contents *c = ctx;

    (void)err;
    if (strcmp(name, "lock") == 0 || strcmp(name, "lost+found") == 0)
        return true;
    if (strcmp(name, REGISTRY_RESTORE_NAME) == 0) {
        c->is_half = true;
        return true;
    }
    c->is_used = true;
    snprintf(c->name, sizeof c->name, "%s", name);
    return true;
}

static bool restore_lock_folder(struct restore_job *r, struct error *err)
{
    struct path lock;

    return path_clean(&r->data, r->options->data_dir, err) &&
           path_join(&r->half, r->data.at, REGISTRY_RESTORE_NAME, err) && path_join(&lock, r->data.at, "lock", err) &&
           files_make_dir(r->data.at, true, err) && files_lock(&r->lock_fd, lock.at, err);
}

/* Empties the folder if an interrupted restore left something, and refuses any other content. While .restore exists no
 * server can have run here, so everything beside it comes from that restore and may be removed. */
static bool restore_clear_folder(struct restore_job *r, struct error *err)
{
    struct restore_contents c = { .is_used = false };

    if (!files_each(r->data.at, restore_inspect_name, &c, err))
        return false;
    if (c.is_used && !c.is_half)
        return error_set(err, ERROR_FAILED_PRECONDITION,
                         "%s is not empty (it contains %s): restore into a new or empty folder", r->data.at, c.name);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (!files_remove_tree(r->data.at, parts[i], err))
            return false;
    return files_remove_tree(r->data.at, REGISTRY_RESTORE_NAME, err);
}

/* ---- the copies ---- */

static bool restore_copy_file(struct restore_job *r, const struct manifest_file *file, struct error *err)
{
    struct path from, to, dir;
    struct copied copied;
    const char *name;

    if (!path_join(&from, r->options->dir, file->path, err) || !path_join(&to, r->half.at, file->path, err))
        return false;
    path_split(&to, &dir, &name);
    if (!files_make_dir(dir.at, true, err) ||
        !parts_copy(from.at, to.at, false, file->path, r->options->listener, &copied, err))
        return false;
    r->result->bytes += copied.bytes;
    return (copied.bytes == file->bytes && memcmp(copied.sha256, file->sha256, sizeof copied.sha256) == 0) ||
           error_reason(err, ERROR_DATA_LOSS, "STORE_DAMAGED", "%s changed while it was read", file->path);
}

/* In a child. */
/* Gives a copied store a new epoch, in a child.
 *
 * The restored line ends where the backup was taken. The server will assign the following sequences again, to other
 * events than those that clients have already read under these numbers. With the old epoch, a resume token from before
 * would seem valid, and its client would silently skip or repeat events. With a new one, such tokens are answered with
 * STORE_REWOUND. */
static bool restore_new_epoch(struct child *child, void *arg, void *result, struct error *err)
{
    struct store *s = NULL;
    bool is_done = readonly_store(&s, arg, DB_WRITE, err) && meta_new_epoch(s, err);

    (void)child;
    (void)result;
    readonly_close(s);
    return is_done;
}

struct restore_secrets_job {
    const char *dir, *key_file;
};

static bool restore_secrets(struct child *child, void *arg, void *result, struct error *err)
{
    const struct restore_secrets_job *job = arg;

    (void)child;
    return readonly_secrets(job->dir, job->key_file, result, err);
}

/* Turns a copied file into one of this data folder: a new epoch for a store, checked or removed credentials for the
 * registry. */
static bool restore_adopt_file(struct restore_job *r, const struct manifest_file *file, struct error *err)
{
    struct path to, dir;
    struct restore_secrets_job job = { dir.at, r->options->seal_key_file };
    size_t count = 0;
    const char *name;
    bool is_done;

    if (!path_join(&to, r->half.at, file->path, err))
        return false;
    path_split(&to, &dir, &name);
    is_done = file->is_store ? child_run(restore_new_epoch, dir.at, &count, sizeof count, NULL, err)
                             : child_run(restore_secrets, &job, &count, sizeof count, NULL, err);
    if (!file->is_store)
        *(job.key_file != NULL ? &r->result->secrets_kept : &r->result->secrets_lost) = (unsigned)count;
    return (is_done && files_sync_dir(dir.at, err)) || error_wrap(err, "%s", file->path);
}

static bool restore_fill(struct restore_job *r, struct error *err)
{
    struct path orgs;

    if (!path_join(&orgs, r->half.at, "orgs", err) || !files_make_dir(r->half.at, false, err) ||
        !files_make_dir(orgs.at, false, err))
        return false;
    for (size_t i = 0; i < r->manifest.count; i++)
        if (!restore_copy_file(r, &r->manifest.files[i], err) || !restore_adopt_file(r, &r->manifest.files[i], err))
            return false;
    return files_sync_dir(orgs.at, err) && files_sync_dir(r->half.at, err) && files_sync_dir(r->data.at, err);
}

static bool restore_move_in(struct restore_job *r, struct error *err)
{
    struct path from, to;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!path_join(&from, r->half.at, parts[i], err) || !path_join(&to, r->data.at, parts[i], err))
            return false;
        if (rename(from.at, to.at) != 0)
            return error_set(err, ERROR_FAILED_PRECONDITION, "rename to %s: %s", to.at, strerror(errno));
    }
    return files_sync_dir(r->data.at, err) && files_remove_tree(r->data.at, REGISTRY_RESTORE_NAME, err) &&
           files_sync_dir(r->data.at, err);
}

static bool restore_check_backup(struct restore_job *r, struct error *err)
{
    struct verify_result found;

    if (!parts_verify_backup(r->options->dir, r->options->meaning, r->options->listener, &r->manifest, &found, err))
        return false;
    r->result->stores = found.stores;
    r->result->events = found.events;
    memcpy(r->result->rows, found.rows, sizeof found.rows);
    r->result->problems = found.problems;
    return found.problems == 0 || error_reason(err, ERROR_DATA_LOSS, "STORE_DAMAGED",
                                               "the backup is damaged in %llu places: nothing was restored",
                                               (unsigned long long)found.problems);
}

static bool restore_locked(struct restore_job *r, struct error *err)
{
    struct error why = { 0 };
    bool is_done;

    if (!restore_lock_folder(r, err) || !restore_clear_folder(r, err) || !restore_check_backup(r, err))
        return false;
    is_done = restore_fill(r, err) && restore_move_in(r, err);
    if (!is_done && !restore_clear_folder(r, &why))
        return error_wrap(err, "the partial restore could not be removed either (%s)", why.text);
    return is_done;
}

bool backup_restore(const struct backup_options *options, struct backup_result *result, struct error *err)
{
    struct restore_job *r = mem_zero(sizeof *r);
    bool is_done;

    ASSERT(sodium_init() >= 0);
    *r = (struct restore_job){ .options = options, .result = result, .lock_fd = -1 };
    *result = (struct backup_result){ 0 };
    is_done = restore_locked(r, err);
    files_unlock(r->lock_fd);
    free(r);
    return is_done || error_wrap(err, "restore to %s", options->data_dir);
}
