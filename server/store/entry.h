/* server/store/entry.h: one event as it lies on disk: a header of fixed places, then the event as it is sent.
 *
 * README.md has the table of the bytes. Pure functions over bytes; LMDB is not known here. */
#ifndef STORE_ENTRY_H
#define STORE_ENTRY_H

#include "store/identity.h"
#include "store/journal.h"

#define ENTRY_VERSION      1
#define ENTRY_HEADER_BYTES 104
#define ENTRY_SEQUENCE_LEN 8 /* of the sequence inside the encoded event */

struct entry {
    struct journal_record record; /* uuid and event_type are not in the bytes; sequence is the key's */
    struct identity identity;
    uint32_t type_id;
};

size_t entry_bytes(const struct entry *e);

/* Writes entry_bytes(e) bytes, and the record's sequence at its place in the encoded event. */
void entry_write(const struct entry *e, unsigned char *at);

/* Reads what entry_write wrote; views point into `stored`. False when these are not such bytes. */
MUST_CHECK bool entry_read(struct view stored, uint64_t sequence, struct entry *out);

/* The few things that a batch needs, without reading the rest. */
struct entry_glance {
    int64_t time_ms; /* published; or, when that is unknown, the watermark */
    int64_t watermark_ms;
    uint32_t tag;
    struct view encoded;
};
MUST_CHECK bool entry_glance(struct view stored, struct entry_glance *out);

#endif
