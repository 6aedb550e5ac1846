#include "service/stream/token.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define VERSION     1
#define EPOCH_BYTES 16
#define TOKEN_BYTES (1 + EPOCH_BYTES + 8 + 4)

static unsigned token_nibble(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
}

static void put_epoch(const char *hex, unsigned char *at)
{
    ASSERT(strlen(hex) == (size_t)EPOCH_BYTES * 2);
    for (size_t i = 0; i < EPOCH_BYTES; i++)
        at[i] = (unsigned char)(token_nibble(hex[2 * i]) << 4 | token_nibble(hex[2 * i + 1]));
}

static void put_be(unsigned char *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (unsigned char)(value >> (8 * (bytes - 1 - i)));
}

static uint64_t get_be(const unsigned char *at, size_t bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

void token_format(const char *epoch, struct token_place place, char text[TOKEN_TEXT_SIZE])
{
    unsigned char bytes[TOKEN_BYTES] = { VERSION };
    AUTO_BUF struct buf out = BUF(TOKEN_TEXT_SIZE);

    put_epoch(epoch, bytes + 1);
    put_be(bytes + 1 + EPOCH_BYTES, place.sequence, 8);
    put_be(bytes + 1 + EPOCH_BYTES + 8, place.tag, 4);
    base64url_encode((struct view){ (const char *)bytes, sizeof bytes }, &out);
    ASSERT(buf_ok(&out) && out.len == TOKEN_TEXT_SIZE - 1);
    memcpy(text, buf_cstr(&out), TOKEN_TEXT_SIZE);
}

bool token_history_gone(const struct journal_bounds *bounds, uint64_t after, struct error *err)
{
    char oldest[TIME_TEXT_SIZE] = "none", sequence[24];

    if (bounds->oldest_published_ms != JOURNAL_NO_TIME)
        time_format(bounds->oldest_published_ms, oldest);
    snprintf(sequence, sizeof sequence, "%" PRIu64, bounds->oldest);
    error_reason(err, ERROR_OUT_OF_RANGE, "HISTORY_GONE",
                 "the events after sequence %" PRIu64 " were removed by retention (%" PRIu64
                 " removed so far): the oldest that is held has sequence %" PRIu64
                 " and was published at %s; start again with from_beginning, since or last",
                 after, bounds->pruned, bounds->oldest, oldest);
    error_fact(err, "oldest_sequence", sequence);
    return error_fact(err, "oldest_published", oldest);
}

static bool token_rewound(struct error *err, const char *why)
{
    return error_reason(err, ERROR_FAILED_PRECONDITION, "STORE_REWOUND",
                        "the resume token does not belong to this store: %s; start again with from_beginning, since or "
                        "last, and expect events that were seen before",
                        why);
}

/* The token's members, before it is compared with a store. */
static bool token_parse(struct view text, unsigned char epoch[EPOCH_BYTES], struct token_place *place,
                        struct error *err)
{
    AUTO_BUF struct buf bytes = BUF(TOKEN_BYTES);
    const unsigned char *at;

    if (!base64url_decode(text, &bytes) || bytes.len != TOKEN_BYTES || bytes.at[0] != VERSION)
        return error_invalid(err, "RESUME_TOKEN_INVALID", "resume_token",
                             "resume_token is not one that this service gave: pass it on as it came, whole");
    at = (const unsigned char *)bytes.at + 1;
    memcpy(epoch, at, EPOCH_BYTES);
    place->sequence = get_be(at + EPOCH_BYTES, 8);
    place->tag = (uint32_t)get_be(at + EPOCH_BYTES + 8, 4);
    return true;
}

bool token_resolve(struct store *s, struct view text, struct token_place *out, struct error *err)
{
    unsigned char epoch[EPOCH_BYTES], ours[EPOCH_BYTES];
    struct journal_bounds bounds;
    struct token_place place;
    uint32_t tag;
    bool found;

    if (!token_parse(text, epoch, &place, err))
        return false;
    put_epoch(store_epoch(s), ours);
    if (memcmp(epoch, ours, EPOCH_BYTES) != 0)
        return token_rewound(err, "it was given for another store, or before this one was restored");
    if (!journal_bounds(s, &bounds, err))
        return false;
    if (place.sequence < bounds.floor)
        return token_history_gone(&bounds, place.sequence, err);
    if (place.sequence >= JOURNAL_FIRST && place.sequence > bounds.head && place.sequence > bounds.floor)
        return token_rewound(err, "it is beyond the newest event that is held");
    if (place.tag != 0 && place.sequence != bounds.floor) {
        if (!journal_tag(s, place.sequence, &found, &tag, err))
            return false;
        if (!found || tag != place.tag)
            return token_rewound(err, "another event is at its place");
    }
    *out = place;
    return true;
}
