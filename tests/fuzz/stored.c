/* Bytes on disk, as a damaged disk or another program may have left them: the first byte says what they are. */
#include "tests/fuzz/fuzz.h"

#include "base/mem.h"
#include "poller/poller_state.h"
#include "poller/silence.h"
#include "registry/registry_entry.h"
#include "store/entry.h"
#include "store/identity.h"
#include "store/row.h"
#include "store/state.h"

#include <string.h>

static bool is_same(const struct identity *a, const struct identity *b)
{
    return a->tag == b->tag && memcmp(a->key, b->key, sizeof a->key) == 0;
}

static void event(struct view bytes)
{
    struct entry e, back;
    struct entry_glance glance;
    unsigned char *at;

    if (!entry_read(bytes, 7, &e)) {
        ASSERT(!entry_glance(bytes, &glance));
        return;
    }
    ASSERT(entry_glance(bytes, &glance) && view_eq(glance.encoded, e.record.encoded));
    ASSERT(fuzz_is_within(e.record.encoded, bytes) && glance.tag == e.record.tag);
    if ((uint64_t)e.record.sequence_at + ENTRY_SEQUENCE_LEN > e.record.encoded.len)
        return;
    at = mem_alloc(entry_bytes(&e));
    entry_write(&e, at);
    ASSERT(entry_read((struct view){ (const char *)at, entry_bytes(&e) }, 7, &back));
    ASSERT(back.record.published_ms == e.record.published_ms && back.type_id == e.type_id);
    ASSERT(is_same(&back.identity, &e.identity) && back.record.session == e.record.session);
    free(at);
}

static void row(struct view bytes)
{
    struct directory_row r, back;
    unsigned char *at;

    if (!row_read(bytes, VIEW("00u1"), &r))
        return;
    ASSERT(fuzz_is_within(r.alias, bytes) && fuzz_is_within(r.encoded, bytes));
    if (r.alias.len > ROW_ALIAS_MAX)
        return;
    at = mem_alloc(row_bytes(&r));
    row_write(&r, at);
    ASSERT(row_read((struct view){ (const char *)at, row_bytes(&r) }, r.id, &back));
    ASSERT(view_eq(back.alias, r.alias) && view_eq(back.encoded, r.encoded) && back.change == r.change);
    free(at);
}

static void state(struct view bytes)
{
    unsigned char at[STATE_BYTES];
    struct state s, back;

    if (!state_read(bytes, &s))
        return;
    ASSERT(state_oldest(&s) <= state_head(&s) + 1);
    ASSERT(state_count(&s) == state_head(&s) + 1 - state_oldest(&s));
    state_write(&s, at);
    ASSERT(state_read((struct view){ (const char *)at, sizeof at }, &back) && memcmp(&s, &back, sizeof s) == 0);
}

static void registry(struct view bytes)
{
    AUTO_BUF struct buf sealed = BUF(2 * REGISTRY_SECRET_MAX), again = BUF(2 * REGISTRY_SECRET_MAX);
    AUTO_BUF struct buf written = BUF(1u << 17);
    struct registry_entry entry, back;
    struct error err = { 0 };

    if (!registry_entry_read(bytes, VIEW("acme"), &entry, &sealed, &err)) {
        ASSERT(err.code == ERROR_DATA_LOSS && fuzz_is_sentence(err.text, ERROR_TEXT_MAX));
        return;
    }
    registry_entry_write(&entry, buf_view(&sealed), &written);
    ASSERT(buf_ok(&written));
    ASSERT(registry_entry_read(buf_view(&written), VIEW("acme"), &back, &again, &err));
    ASSERT(memcmp(&entry, &back, sizeof entry) == 0 && view_eq(buf_view(&sealed), buf_view(&again)));
}

static void lane(const struct poller_state_kind *kind, size_t size, struct view bytes)
{
    AUTO_BUF struct buf once = BUF(CURSOR_BYTES_MAX), twice = BUF(CURSOR_BYTES_MAX);
    AUTO_FREE void *one = mem_zero(size), *two = mem_zero(size);
    struct error err = { 0 };

    if (!poller_state_decode(kind, bytes, one, &err)) {
        ASSERT((err.code == ERROR_DATA_LOSS || err.code == ERROR_FAILED_PRECONDITION) && err.text[0] != '\0');
        return;
    }
    poller_state_encode(kind, one, &once);
    ASSERT(buf_ok(&once) && poller_state_decode(kind, buf_view(&once), two, &err));
    poller_state_encode(kind, two, &twice);
    ASSERT(view_eq(buf_view(&once), buf_view(&twice)));
}

static void silence(struct view bytes)
{
    AUTO_BUF struct buf once = BUF(CURSOR_BYTES_MAX), twice = BUF(CURSOR_BYTES_MAX);
    AUTO_FREE struct silence *s = mem_zero(sizeof *s), *back = mem_zero(sizeof *back);

    if (!silence_decode(s, bytes))
        return;
    silence_encode(s, &once);
    ASSERT(buf_ok(&once) && silence_decode(back, buf_view(&once)));
    silence_encode(back, &twice);
    ASSERT(view_eq(buf_view(&once), buf_view(&twice)));
    silence_count(s, INT64_C(1773480413589), 5);
    (void)silence_pass(s, INT64_C(1773480413589), true);
    (void)silence_pass(s, INT64_C(1773480413589) + 7 * SILENCE_BIN_MS, true);
}

static void identity(struct view bytes)
{
    struct identity one, two;

    if (!identity_of(bytes, &one)) {
        ASSERT(bytes.len == 0 || bytes.len > IDENTITY_TEXT_MAX);
        return;
    }
    ASSERT(one.tag != 0 && identity_of(bytes, &two) && is_same(&one, &two));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view rest = fuzz_view(data, size);

    switch (fuzz_byte(&rest)) {
    case 'e':
        event(rest);
        break;
    case 'r':
        row(rest);
        break;
    case 's':
        state(rest);
        break;
    case 'g':
        registry(rest);
        break;
    case 't':
        lane(&poller_state_tail, sizeof(struct tail_state), rest);
        break;
    case 'b':
        lane(&poller_state_history, sizeof(struct history_state), rest);
        break;
    case 'u':
        lane(&poller_state_listing, sizeof(struct listing_state), rest);
        break;
    case 'q':
        silence(rest);
        break;
    case 'i':
        identity(rest);
        break;
    default:
        return -1;
    }
    return 0;
}
