/* tests/fuzz/fuzz.h: what every fuzz target is made of.
 *
 * A target is one file with LLVMFuzzerTestOneInput in it. It ASSERTs what must be true whatever the bytes are: not only
 * that nothing crashes. It keeps nothing from one input to the next that could change what the next one does. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "base/assert.h"
#include "base/str.h"

/* libFuzzer's name for it. Returns 0; -1: not worth keeping. The bytes lie in a block of exactly that size. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline struct view fuzz_view(const uint8_t *data, size_t size)
{
    return (struct view){ (const char *)data, size };
}

/* Takes the first byte; 0 when there is none. */
static inline uint8_t fuzz_byte(struct view *rest)
{
    uint8_t byte = 0;

    if (rest->len > 0) {
        byte = (uint8_t)rest->at[0];
        rest->at++;
        rest->len--;
    }
    return byte;
}

/* Takes the next 8 bytes, least significant first; what is missing is 0. */
static inline uint64_t fuzz_u64(struct view *rest)
{
    uint64_t value = 0;

    for (int i = 0; i < 64; i += 8)
        value |= (uint64_t)fuzz_byte(rest) << i;
    return value;
}

/* Takes what stands before the first `mark`, and the mark with it; all when there is none. */
static inline struct view fuzz_until(struct view *rest, char mark)
{
    struct view head = *rest;

    for (size_t i = 0; i < rest->len; i++)
        if (rest->at[i] == mark) {
            head.len = i;
            *rest = (struct view){ rest->at + i + 1, rest->len - i - 1 };
            return head;
        }
    *rest = VIEW_NONE;
    return head;
}

/* A view that was cut from the other, or an empty one. */
static inline bool fuzz_is_within(struct view part, struct view whole)
{
    return part.len == 0 || (part.at >= whole.at && part.at + part.len <= whole.at + whole.len);
}

/* Text as we hand it on: UTF-8 without control characters, not longer than `max`. */
static inline bool fuzz_is_sentence(const char *text, size_t max)
{
    struct view v = view_of(text);

    for (size_t i = 0; i < v.len; i++)
        if ((unsigned char)v.at[i] < ' ' || v.at[i] == 0x7f)
            return false;
    return v.len > 0 && v.len <= max && utf8_is_clean(v);
}

#endif
