#include "registry/registry_entry.h"
#include "base/mem.h"
#include "registry_record.pb-c.h"

#include <string.h>

void registry_entry_write(const struct registry_entry *entry, struct view sealed, struct buf *out)
{
    Okta__Connector__Store__RegistryRecord record = OKTA__CONNECTOR__STORE__REGISTRY_RECORD__INIT;
    void *at;

    record.org_id = (char *)(uintptr_t)entry->org_id;
    record.org_url = (char *)(uintptr_t)entry->org_url;
    record.is_retired = entry->is_retired;
    record.is_declared = entry->is_declared;
    record.collections = entry->collections;
    record.history_days = entry->history_days;
    record.retention_days = entry->retention_days;
    record.created_unix_ms = entry->created_unix_ms;
    record.changed_unix_ms = entry->changed_unix_ms;
    record.history_from_unix_ms = entry->history_from_unix_ms;
    record.credential_set_unix_ms = entry->credential_set_unix_ms;
    record.sealed_secret.data = (uint8_t *)(uintptr_t)sealed.at;
    record.sealed_secret.len = sealed.len;
    at = buf_extend(out, okta__connector__store__registry_record__get_packed_size(&record));
    if (at != NULL)
        okta__connector__store__registry_record__pack(&record, at);
}

static bool registry_copy_text(char *to, size_t size, const char *from)
{
    size_t len = strlen(from);

    if (len >= size)
        return false;
    memcpy(to, from, len + 1);
    return true;
}

static bool registry_copy_record(const Okta__Connector__Store__RegistryRecord *record, struct view name,
                                 struct registry_entry *out)
{
    if (name.len > REGISTRY_NAME_MAX || !registry_copy_text(out->org_id, sizeof out->org_id, record->org_id) ||
        !registry_copy_text(out->org_url, sizeof out->org_url, record->org_url))
        return false;
    memcpy(out->name, name.at, name.len);
    out->is_retired = record->is_retired;
    out->is_declared = record->is_declared;
    out->has_secret = record->sealed_secret.len > 0;
    out->collections = record->collections;
    out->history_days = record->history_days;
    out->retention_days = record->retention_days;
    out->created_unix_ms = record->created_unix_ms;
    out->changed_unix_ms = record->changed_unix_ms;
    out->history_from_unix_ms = record->history_from_unix_ms;
    out->credential_set_unix_ms = record->credential_set_unix_ms;
    return true;
}

bool registry_entry_read(struct view stored, struct view name, struct registry_entry *out, struct buf *sealed,
                         struct error *err)
{
    Okta__Connector__Store__RegistryRecord *record =
        okta__connector__store__registry_record__unpack(NULL, stored.len, (const uint8_t *)stored.at);
    struct registry_entry entry = { 0 };
    bool is_fine = record != NULL && registry_copy_record(record, name, &entry);

    if (is_fine && sealed != NULL) {
        buf_put(sealed, record->sealed_secret.data, record->sealed_secret.len);
        is_fine = buf_ok(sealed);
    }
    if (record != NULL)
        okta__connector__store__registry_record__free_unpacked(record, NULL);
    if (!is_fine)
        return error_set(err, ERROR_DATA_LOSS, "registry: the entry of " VIEW_FMT " is damaged", VIEW_ARG(name));
    *out = entry;
    return true;
}
