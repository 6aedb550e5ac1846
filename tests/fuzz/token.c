/* A resume token: text from a client; or, behind "=", a place that becomes one; or, behind "@", the bytes of one, into
 * which the store's epoch is put: it is another in each run. */
#include "tests/fuzz/fuzz.h"

#include "service/stream/token.h"
#include "tests/world/stored.h"

#include <string.h>

#define T0 INT64_C(1773480000000)

/* Live events, history, and some of that gone. */
static struct store *make_store(void)
{
    struct store *s = stored_open();

    stored_add(s, 10, T0);
    stored_add(s, -5, T0 - 1000);
    stored_prune(s, T0 - 2000);
    return s;
}

static void check_refusal(const struct error *err)
{
    ASSERT(err->code == ERROR_INVALID_ARGUMENT || err->code == ERROR_FAILED_PRECONDITION ||
           err->code == ERROR_OUT_OF_RANGE);
    ASSERT(err->reason != NULL && fuzz_is_sentence(err->text, ERROR_TEXT_MAX));
}

/* There is one text for a place, so that a token can be compared. */
static void text(struct store *s, struct view v)
{
    struct error err = { 0 };
    struct token_place place;
    char again[TOKEN_TEXT_SIZE];

    if (!token_resolve(s, v, &place, &err)) {
        check_refusal(&err);
        return;
    }
    token_format(store_epoch(s), place, again);
    ASSERT(view_is(v, again));
}

static void place(struct store *s, struct view rest)
{
    struct token_place place = { fuzz_u64(&rest), 0 }, back;
    struct journal_bounds bounds;
    char token[TOKEN_TEXT_SIZE];
    struct error err = { 0 };
    uint64_t after;

    place.tag = (uint32_t)fuzz_u64(&rest);
    token_format(store_epoch(s), place, token);
    ASSERT(journal_bounds(s, &bounds, &err));
    if (!token_resolve(s, view_of(token), &back, &err)) {
        check_refusal(&err);
        return;
    }
    ASSERT(back.sequence == place.sequence && back.tag == place.tag);
    ASSERT(back.sequence >= bounds.floor && journal_count_after(s, back.sequence, &after, &err));
    ASSERT(after <= bounds.count);
}

static unsigned hex(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
}

/* The last character's bits that stand for nothing are the input's too. */
static void bytes(struct store *s, struct view rest)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    AUTO_BUF struct buf raw = BUF(256), token = BUF(512);
    const char *epoch = store_epoch(s);
    uint8_t last = fuzz_byte(&rest);

    buf_putc(&raw, (char)fuzz_byte(&rest));
    for (size_t i = 0; i < 16; i++)
        buf_putc(&raw, (char)(hex(epoch[2 * i]) << 4 | hex(epoch[2 * i + 1])));
    if (rest.len > 0)
        buf_put(&raw, rest.at, rest.len < 64 ? rest.len : 64);
    base64url_encode(buf_view(&raw), &token);
    token.at[token.len - 1] = letters[(uint8_t)(strchr(letters, token.at[token.len - 1]) - letters + last) % 64];
    text(s, buf_view(&token));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct store *s;
    struct view v = fuzz_view(data, size);

    if (s == NULL)
        s = make_store();
    if (v.len > 0 && v.at[0] == '=') {
        (void)fuzz_byte(&v);
        place(s, v);
    } else if (v.len > 0 && v.at[0] == '@') {
        (void)fuzz_byte(&v);
        bytes(s, v);
    } else {
        text(s, v);
    }
    return 0;
}
