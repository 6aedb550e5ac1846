#include "world/stored.h"

#include "base/assert.h"
#include "base/mem.h"

#include "okta/connector/v1/login.pb-c.h"
#include "store/journal.h"
#include "store/store.h"

#include <stdio.h>
#include <string.h>

static unsigned made; /* events so far: each uuid is new */
static char folder[512];

struct store *stored_open(void)
{
    const char *parent = getenv("TEST_TMPDIR");
    struct store_options options = { .dir = folder, .max_bytes = STORE_BYTES_MIN };
    struct store *s;
    struct error err;

    snprintf(folder, sizeof folder, "%s/store-XXXXXX", parent != NULL ? parent : "/tmp");
    ASSERT(mkdtemp(folder) != NULL);
    ASSERT(store_open(&s, &options, &err));
    return s;
}

void stored_close(struct store *s)
{
    store_close(s);
}

static void add(struct store_txn *txn, int64_t published_ms, bool is_history)
{
    Okta__Connector__V1__LoginEvent event = OKTA__CONNECTOR__V1__LOGIN_EVENT__INIT;
    struct journal_record record = { .published_ms = published_ms,
                                     .source = is_history ? JOURNAL_BACKFILL : JOURNAL_TAIL };
    char uuid[64];
    unsigned char bytes[256];
    enum journal_fate fate;
    uint64_t sequence;
    struct error err;
    size_t len;

    snprintf(uuid, sizeof uuid, "%08x-1f87-11f1-9c3a-5b2e9d6f0a11", ++made * 2654435761u | 1);
    event.sequence = 1;
    event.uuid = uuid;
    len = protobuf_c_message_pack(&event.base, bytes + 2);
    ASSERT(len < 128);
    bytes[0] = 0x0a;
    bytes[1] = (unsigned char)len;
    record.result = made % 2 == 0 ? OKTA__CONNECTOR__V1__LOGIN_RESULT__LOGIN_RESULT_FAILURE
                                  : OKTA__CONNECTOR__V1__LOGIN_RESULT__LOGIN_RESULT_SUCCESS;
    record.event_type = VIEW("user.session.start");
    record.uuid = view_of(uuid);
    record.encoded = (struct view){ (char *)bytes, len + 2 };
    record.sequence_at = 3;
    if (!(is_history ? journal_prepend(txn, &record, &fate, &sequence, &err)
                     : journal_append(txn, &record, false, &fate, &sequence, &err)))
        fprintf(stderr, "%s\n", err.text), abort();
    ASSERT(fate == JOURNAL_STORED);
}

void stored_add(struct store *s, int64_t count, int64_t published_ms)
{
    bool is_history = count < 0;
    struct store_txn *txn;
    struct error err;

    ASSERT(store_begin(s, &txn, &err));
    for (int64_t i = 0; i < (is_history ? -count : count); i++)
        add(txn, published_ms + (is_history ? -i : i) * 1000, is_history);
    ASSERT(store_commit(&txn, &err));
}

void stored_prune(struct store *s, int64_t before_ms)
{
    struct journal_prune_result result;
    struct store_txn *txn;
    struct error err;

    ASSERT(store_begin(s, &txn, &err));
    ASSERT(journal_prune(txn, before_ms, UINT64_MAX, &result, &err));
    ASSERT(store_commit(&txn, &err));
}
