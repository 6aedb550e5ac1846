/* server/store/entry.h: one event as stored: a header with fixed offsets, then the encoded event as streams send it.
 *
 * README.md lists the bytes. These are pure functions over bytes, without LMDB. Shared with backup/, by way of
 * sequence.h. */
#ifndef STORE_ENTRY_H
#define STORE_ENTRY_H

#include "store/identity.h"
#include "store/journal.h"

#define ENTRY_VERSION      1
#define ENTRY_HEADER_BYTES 104
#define ENTRY_SEQUENCE_LEN 8 /* of the sequence inside the encoded event */

struct entry {
    struct journal_record record; /* without uuid and event_type, which are not stored; sequence comes from the key */
    struct identity identity;
    uint32_t type_id;
};

size_t entry_bytes(const struct entry *e);

/* Writes entry_bytes(e) bytes, and the record's sequence at its place in the encoded event. */
void entry_write(const struct entry *e, unsigned char *at);

/* Reads what entry_write wrote; views point into `stored`. False if the bytes are too short, of another version, or
 * damaged. */
MUST_CHECK bool entry_read(struct view stored, uint64_t sequence, struct entry *out);

/* The few members that a batch or a search needs; cheaper than reading the whole header. */
struct entry_glance {
    int64_t time_ms; /* published; the watermark if that is unknown */
    int64_t watermark_ms;
    uint32_t tag;
    struct view encoded;
};
MUST_CHECK bool entry_glance(struct view stored, struct entry_glance *out);

#endif
