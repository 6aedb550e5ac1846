/* server/registry/registry_entry.h: a registry entry and its sealed secret <-> the bytes of registry_record.proto.
 * Private to this folder. */
#ifndef REGISTRY_REGISTRY_ENTRY_H
#define REGISTRY_REGISTRY_ENTRY_H

#include "registry/registry.h"

/* Appends the record. `sealed` may be none; entry's has_secret is not looked at. */
void registry_entry_write(const struct registry_entry *entry, struct view sealed, struct buf *out);

/* Fills the entry under its name, and appends the sealed secret to `sealed` (NULL: not wanted). */
MUST_CHECK bool registry_entry_read(struct view stored, struct view name, struct registry_entry *out,
                                    struct buf *sealed, struct error *err);

#endif
