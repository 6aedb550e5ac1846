/* server/service/stream/token.h: the resume token: a place on the line of login events, as an opaque text.
 *
 * It is base64url of: the version (1 byte), by which a later format can be told apart; the store's epoch (16), which a
 * restore changes; the sequence (8, big-endian); the first four bytes of that event's identity (4, big-endian; 0 when
 * the place is no event's), by which a store that was rolled back is noticed. It depends on the place alone: not on the
 * filter, the connection or the time. The place is exclusive: reading resumes after it. */
#ifndef SERVICE_STREAM_TOKEN_H
#define SERVICE_STREAM_TOKEN_H

#include "store/journal.h"

#define TOKEN_TEXT_SIZE 40 /* 29 bytes as base64url, and a NUL */

struct token_place {
    uint64_t sequence;
    uint32_t tag;
};

void token_format(const char *epoch, struct token_place place, char text[TOKEN_TEXT_SIZE]);

/* Checks the token against the store, so that a reader that resumes cannot miss an event unnoticed. INVALID_ARGUMENT /
 * RESUME_TOKEN_INVALID: not a token of this service. FAILED_PRECONDITION / STORE_REWOUND: it is from another store,
 * beyond the head, or another event is at that place. OUT_OF_RANGE / HISTORY_GONE: retention has passed it. */
MUST_CHECK bool token_resolve(struct store *s, struct view text, struct token_place *out, struct error *err);

/* Fills OUT_OF_RANGE / HISTORY_GONE, with the oldest event in the store and how many are gone. Returns false. */
bool token_history_gone(const struct journal_bounds *bounds, uint64_t after, struct error *err);

#endif
