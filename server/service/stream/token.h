/* server/service/stream/token.h: a place on the line of login events, as the opaque text that clients keep.
 *
 * base64url of: version (1 byte), the store's epoch (16), the sequence (8, big-endian), the first four bytes of that
 * event's identity (4, big-endian; 0 where the place is no event's). A function of the place alone: not of the filter,
 * the connection or the time. The place is exclusive: reading resumes after it. */
#ifndef SERVICE_STREAM_TOKEN_H
#define SERVICE_STREAM_TOKEN_H

#include "store/journal.h"

#define TOKEN_TEXT_SIZE 40 /* 29 bytes as base64url, and a NUL */

struct token_place {
    uint64_t sequence;
    uint32_t tag;
};

void token_format(const char *epoch, struct token_place place, char text[TOKEN_TEXT_SIZE]);

/* Checks the token against the store, so that a reader who resumes misses nothing unnoticed.
 * INVALID_ARGUMENT / RESUME_TOKEN_INVALID: not a token of ours. FAILED_PRECONDITION / STORE_REWOUND: of another store,
 * beyond its head, or another event is at that place. OUT_OF_RANGE / HISTORY_GONE: retention has passed it. */
MUST_CHECK bool token_resolve(struct store *s, struct view text, struct token_place *out, struct error *err);

/* OUT_OF_RANGE / HISTORY_GONE, with the oldest that is held and how much is gone. Returns false. */
bool token_history_gone(const struct journal_bounds *bounds, uint64_t after, struct error *err);

#endif
