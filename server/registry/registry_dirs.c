/* The folders of the stores, and how one is removed:
 *
 *     lock the store -> rename its folder to .purge-RANDOM -> sync the parent -> empty and remove it
 *
 * The rename is atomic: before it the store is whole, after it the org has no store. If a crash comes later, the next
 * registry_open recognises the prefix and finishes. The random part lets an org be added and purged again meanwhile. */
#include "registry/registry_env.h"
#include "store/files.h"

#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define PURGE_ID_BYTES 8

bool registry_org_id_is_valid(struct view org_id)
{
    static const char plain[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-";

    for (size_t i = 0; i < org_id.len; i++)
        if (memchr(plain, org_id.at[i], sizeof plain - 1) == NULL)
            return false;
    return org_id.len > 0 && org_id.len <= REGISTRY_ORG_ID_MAX;
}

bool registry_store_dir(struct registry *r, const char *org_id, struct buf *out, struct error *err)
{
    if (!registry_org_id_is_valid(view_of(org_id)))
        return error_set(err, ERROR_INVALID_ARGUMENT, "an org id has 1 to %d letters, digits, _ and -",
                         REGISTRY_ORG_ID_MAX);
    return registry_path(r, out, "/orgs/", org_id, err);
}

/* An open store holds its lock, so taking the lock shows that no process has the store open, ours included. It is held
 * until the folder is gone, so that none can open it meanwhile. */
static bool registry_check_store_closed(const char *dir, int *lock, struct error *err)
{
    AUTO_BUF struct buf path = BUF(PATH_MAX);

    buf_printf(&path, "%s/%s", dir, STORE_LOCK_NAME);
    if (!buf_ok(&path))
        return error_set(err, ERROR_INVALID_ARGUMENT, "path too long");
    return files_lock(lock, buf_cstr(&path), err);
}

static bool registry_rename_for_purge(struct registry *r, const char *dir, struct buf *name, struct error *err)
{
    AUTO_BUF struct buf aside = BUF(PATH_MAX);
    AUTO_BUF struct buf orgs = BUF(PATH_MAX);
    unsigned char id[PURGE_ID_BYTES];
    char hex[2 * PURGE_ID_BYTES + 1];

    randombytes_buf(id, sizeof id);
    sodium_bin2hex(hex, sizeof hex, id, sizeof id);
    buf_printf(name, "%s%s", REGISTRY_PURGE_PREFIX, hex);
    if (!registry_path(r, &aside, "/orgs/", buf_cstr(name), err) || !registry_path(r, &orgs, "/", "orgs", err))
        return false;
    if (rename(dir, buf_cstr(&aside)) != 0)
        return error_set(err, ERROR_FAILED_PRECONDITION, "rename: %s", strerror(errno));
    return files_sync_dir(buf_cstr(&orgs), err);
}

static bool registry_purge_dir(struct registry *r, const char *dir, struct error *err)
{
    AUTO_BUF struct buf orgs = BUF(PATH_MAX);
    AUTO_BUF struct buf name = BUF(NAME_MAX);
    bool exists, is_done;
    int lock = -1;

    if (!files_exists(dir, &exists, err))
        return false;
    if (!exists)
        return true;
    is_done = registry_check_store_closed(dir, &lock, err) && registry_rename_for_purge(r, dir, &name, err) &&
              registry_path(r, &orgs, "/", "orgs", err) && files_remove_tree(buf_cstr(&orgs), buf_cstr(&name), err);
    files_unlock(lock);
    return is_done;
}

bool registry_purge_store(struct registry *r, const char *org_id, struct error *err)
{
    AUTO_BUF struct buf dir = BUF(PATH_MAX);
    bool is_done;

    if (!registry_store_dir(r, org_id, &dir, err))
        return false;
    pthread_mutex_lock(&r->lock);
    is_done = registry_purge_dir(r, buf_cstr(&dir), err);
    pthread_mutex_unlock(&r->lock);
    return is_done || error_wrap(err, "purge %s", buf_cstr(&dir));
}
