/* server/registry/registry_entry.h: encodes and decodes a registry entry and its sealed secret, as
 * registry_record.proto.
 *
 * Shared with backup/; no other folder includes it. */
#ifndef REGISTRY_REGISTRY_ENTRY_H
#define REGISTRY_REGISTRY_ENTRY_H

#include "registry/registry.h"

/* Appends the encoded record. `sealed` may be empty; entry's has_secret is ignored. */
void registry_entry_write(const struct registry_entry *entry, struct view sealed, struct buf *out);

/* Decodes the record stored under `name`, and appends its sealed secret to `sealed` (NULL: not wanted). DATA_LOSS: the
 * bytes are damaged. */
MUST_CHECK bool registry_entry_read(struct view stored, struct view name, struct registry_entry *out,
                                    struct buf *sealed, struct error *err);

#endif
