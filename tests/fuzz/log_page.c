/* A page of the System Log -> records: what is stored and sent, whatever Okta, or who stands in for it, has sent. */
#include "tests/fuzz/fuzz.h"

#include "record/record.h"
#include "rpc/message.h"
#include "rpc/wire.h"
#include "store/entry.h"
#include "store/identity.h"

#include "okta/connector/v1/login.pb-c.h"

#include <string.h>

#define WATERMARK_MS INT64_C(1773480413589) /* of the examples: some events are late */
#define SEQUENCE     UINT64_C(0x0102030405060708)
#define FLAGS        (JOURNAL_LATE | JOURNAL_MORE_APPS | JOURNAL_MASKED | JOURNAL_REPLACED)

struct seen {
    size_t count;
    int64_t newest_ms;
};

/* The message behind its tag and length, which are those of one field of number 1. */
static struct view inner(struct view encoded)
{
    struct view rest = encoded;
    struct wire_field field;

    ASSERT(wire_next(&rest, &field) && rest.len == 0);
    ASSERT(field.number == 1 && field.type == WIRE_BYTES);
    return field.bytes;
}

static bool is_country(const char country[2])
{
    return (country[0] == '\0' && country[1] == '\0') ||
           (country[0] >= 'A' && country[0] <= 'Z' && country[1] >= 'A' && country[1] <= 'Z');
}

static void check_message(const struct journal_record *r, const Okta__Connector__V1__LoginEvent *e)
{
    ASSERT(e->sequence == SEQUENCE);
    ASSERT((int)e->kind == r->kind && (int)e->result == r->result);
    ASSERT((e->published != NULL) == (r->published_ms != JOURNAL_NO_TIME));
    if (e->published != NULL)
        ASSERT(e->published->seconds * 1000 + e->published->nanos / 1000000 == r->published_ms);
    ASSERT(view_is(r->uuid, e->uuid) && view_is(r->event_type, e->event_type));
}

/* What the journal does with it: it must not be refused, or a page could never be stored. */
static void store(const struct journal_record *r)
{
    struct entry entry = { .record = *r }, back;
    struct entry_glance glance;
    Okta__Connector__V1__LoginEvent *e;
    unsigned char *at;
    struct view bytes, message;

    ASSERT(identity_of(r->uuid, &entry.identity));
    entry.record.sequence = SEQUENCE;
    at = malloc(entry_bytes(&entry));
    entry_write(&entry, at);
    bytes = (struct view){ (const char *)at, entry_bytes(&entry) };
    ASSERT(entry_read(bytes, SEQUENCE, &back) && entry_glance(bytes, &glance));
    ASSERT(view_eq(back.record.encoded, glance.encoded) && back.record.published_ms == r->published_ms);

    message = inner(glance.encoded);
    ASSERT(message_check(&okta__connector__v1__login_event__descriptor, message, NULL));
    e = okta__connector__v1__login_event__unpack(NULL, message.len, (const uint8_t *)message.at);
    ASSERT(e != NULL);
    check_message(r, e);
    okta__connector__v1__login_event__free_unpacked(e, NULL);
    free(at);
}

static bool visit(void *ctx, enum record_outcome outcome, const struct journal_record *r)
{
    struct seen *seen = ctx;

    seen->count++;
    if (r->published_ms > seen->newest_ms)
        seen->newest_ms = r->published_ms;
    if (outcome == RECORD_OTHER)
        return true;
    ASSERT(r->encoded.len <= JOURNAL_RECORD_MAX && (r->flags & ~FLAGS) == 0 && is_country(r->country));
    ASSERT(outcome == RECORD_LOGIN || r->kind == OKTA__CONNECTOR__V1__LOGIN_KIND__LOGIN_KIND_UNPARSED);
    store(r);
    return true;
}

static void read_page(struct record_maker *m, struct view body, enum journal_source source)
{
    struct record_page page = { body, WATERMARK_MS, source };
    struct record_page_result result;
    struct seen seen = { 0, JOURNAL_NO_TIME };
    struct error err = { 0 };

    if (!record_page(m, &page, visit, &seen, &result, &err)) {
        ASSERT(seen.count == 0 && fuzz_is_sentence(err.text, ERROR_TEXT_MAX));
        return;
    }
    ASSERT(result.elements == seen.count && result.published_max_ms == seen.newest_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned char key[STORE_HASH_KEY_SIZE] = { 7 };
    static struct record_maker *m;

    if (m == NULL)
        m = record_maker_create(key);
    read_page(m, fuzz_view(data, size), JOURNAL_TAIL);
    read_page(m, fuzz_view(data, size), JOURNAL_BACKFILL);
    return 0;
}
