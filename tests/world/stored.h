/* tests/world/stored.h: a real store with login events in it, for the service's tests. */
#ifndef WORLD_STORED_H
#define WORLD_STORED_H

#include "store/journal.h"

/* A new, empty store in a folder of its own below TEST_TMPDIR. */
struct store *stored_open(void);
void stored_close(struct store *s);

/* Adds `count` events at the live end (or, negative, at the far end), published one second apart from `published_ms` on
 * (backwards for history). Their uuids are made from the running number, and
 * every second one failed. */
void stored_add(struct store *s, int64_t count, int64_t published_ms);

/* Removes what was published before that. */
void stored_prune(struct store *s, int64_t before_ms);

#endif
