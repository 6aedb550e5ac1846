#include "tests/record/pages.h"

#include "base/mem.h"
#include "tests/rows.h"

#include <string.h>

#define SEEN_MAX 8192

const char pages_example[] =
    "{\"actor\":{\"id\":\"00uAnna00000000001d7\",\"type\":\"User\",\"alternateId\":\"anna.berg@Acme.example\","
    "\"displayName\":\"Anna Berg\",\"detailEntry\":null},"
    "\"client\":{\"userAgent\":{\"rawUserAgent\":\"Mozilla/5.0 (X11; Linux x86_64) ExampleBrowser/1.0\","
    "\"os\":\"Linux\",\"browser\":\"FIREFOX\"},\"zone\":\"null\",\"device\":\"Computer\",\"id\":null,"
    "\"ipAddress\":\"192.0.2.44\",\"geographicalContext\":{\"city\":\"Uppsala\",\"state\":\"Uppsala County\","
    "\"country\":\"Sweden\",\"postalCode\":\"752 20\",\"geolocation\":{\"lat\":59.85,\"lon\":17.63}}},"
    "\"device\":null,\"authenticationContext\":{\"authenticationProvider\":null,\"credentialProvider\":null,"
    "\"credentialType\":null,\"issuer\":null,\"interface\":null,\"authenticationStep\":0,"
    "\"rootSessionId\":\"idxExampleRootSession01\",\"externalSessionId\":\"idxExampleSession00001\"},"
    "\"displayMessage\":\"User single sign on to app\",\"eventType\":\"user.authentication.sso\","
    "\"outcome\":{\"result\":\"SUCCESS\",\"reason\":null},\"published\":\"" PAGES_PUBLISHED "\","
    "\"securityContext\":{\"asNumber\":64500,\"asOrg\":\"example net\",\"isp\":\"example isp\","
    "\"domain\":\"example.net\",\"isProxy\":false,\"risk\":{\"level\":\"LOW\"}},\"severity\":\"INFO\","
    "\"debugContext\":{\"debugData\":{\"requestId\":\"0a1b2c3d4e5f60718293a4b5c6d7e8f9\","
    "\"requestUri\":\"/app/acme_wiki_1/exk1/sso/saml\"}},\"legacyEventType\":\"app.auth.sso\","
    "\"transaction\":{\"type\":\"WEB\",\"id\":\"0a1b2c3d4e5f60718293a4b5c6d7e8f9\",\"detail\":{}},"
    "\"uuid\":\"7c0b1a3e-1f87-11f1-9c3a-5b2e9d6f0a11\",\"version\":\"0\","
    "\"request\":{\"ipChain\":[{\"ip\":\"192.0.2.44\",\"version\":\"V4\",\"source\":null}]},"
    "\"target\":[{\"id\":\"0oaWiki00000000001d7\",\"type\":\"AppInstance\",\"alternateId\":\"Acme Wiki\","
    "\"displayName\":\"Wiki\",\"detailEntry\":{\"signOnModeType\":\"SAML_2_0\"}},"
    "{\"id\":\"0uaWikiAnna0000001d7\",\"type\":\"AppUser\",\"alternateId\":\"anna.berg@acme.example\","
    "\"displayName\":\"Anna Berg\",\"detailEntry\":null}]}";

struct record_maker *pages_maker(void)
{
    unsigned char key[STORE_HASH_KEY_SIZE];

    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (unsigned char)i;
    return record_maker_create(key);
}

void pages_login(struct buf *out, const char *uuid, struct view members)
{
    buf_printf(out, "{\"uuid\":\"%s\",\"published\":\"" PAGES_PUBLISHED "\",\"eventType\":\"user.session.start\"",
               uuid);
    if (members.len > 0) {
        buf_putc(out, ',');
        buf_put(out, members.at, members.len);
    }
    buf_putc(out, '}');
}

static struct view copy(struct view v)
{
    return (struct view){ mem_copy(v.at, v.len), v.len };
}

/* Every string of every message, by protobuf-c's own description of it. */
static void assert_clean(const ProtobufCMessage *m)
{
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        const char *at = (const char *)m + f->offset;

        if (f->type == PROTOBUF_C_TYPE_STRING) {
            assert_true(utf8_is_clean(view_of(*(char *const *)at)));
        } else if (f->type == PROTOBUF_C_TYPE_MESSAGE && f->label == PROTOBUF_C_LABEL_REPEATED) {
            size_t count = *(const size_t *)((const char *)m + f->quantifier_offset);

            for (size_t n = 0; n < count; n++)
                assert_clean((*(ProtobufCMessage *const *const *)at)[n]);
        } else if (f->type == PROTOBUF_C_TYPE_MESSAGE && *(ProtobufCMessage *const *)at != NULL) {
            assert_clean(*(ProtobufCMessage *const *)at);
        }
    }
}

static void decode(struct pages_seen *s)
{
    const unsigned char *at = (const unsigned char *)s->record.encoded.at;
    size_t len = 0, head = 1;
    uint64_t sequence;

    assert_true(s->record.encoded.len <= JOURNAL_RECORD_MAX);
    assert_int_equal(at[0], 0x0a);
    for (unsigned shift = 0;; shift += 7) {
        len |= (size_t)(at[head] & 0x7f) << shift;
        if (at[head++] < 0x80)
            break;
    }
    assert_int_equal(head + len, s->record.encoded.len);
    s->login = okta__connector__v1__login_event__unpack(NULL, len, at + head);
    assert_non_null(s->login);
    memcpy(&sequence, at + s->record.sequence_at, sizeof sequence);
    assert_true(sequence == s->login->sequence && sequence != 0);
    assert_clean(&s->login->base);
}

/* Header and message say the same. */
static void assert_agrees(const struct pages_seen *s)
{
    assert_int_equal(s->record.kind, s->login->kind);
    assert_int_equal(s->record.result, s->login->result);
    assert_true(s->record.kind != 0 && s->record.result != 0);
    assert_true(view_is(s->record.uuid, s->login->uuid));
    assert_true(view_is(s->record.event_type, s->login->event_type));
    assert_int_equal(s->record.catalogue_version, s->login->catalogue_version);
    assert_int_equal(s->record.flags & JOURNAL_LATE ? 1 : 0, s->login->late);
    assert_int_equal(s->login->published != NULL, s->record.published_ms != JOURNAL_NO_TIME);
    if (s->login->published != NULL)
        assert_true(s->login->published->seconds * 1000 + s->login->published->nanos / 1000000 ==
                    s->record.published_ms);
}

static bool see(void *ctx, enum record_outcome outcome, const struct journal_record *record)
{
    struct pages_read *r = ctx;
    struct pages_seen *s = &r->seen[r->count];

    assert_true(r->count < SEEN_MAX);
    r->count++;
    s->outcome = outcome;
    s->record = *record;
    s->record.event_type = copy(record->event_type);
    s->record.uuid = copy(record->uuid);
    s->record.encoded = copy(record->encoded);
    if (outcome == RECORD_OTHER)
        return true;
    decode(s);
    assert_agrees(s);
    return true;
}

void pages_read(struct pages_read *out, struct record_maker *m, const struct record_page *page)
{
    struct error err;

    out->seen = mem_array(SEEN_MAX, sizeof *out->seen);
    out->count = 0;
    assert_true(record_page(m, page, see, out, &out->result, &err));
    assert_int_equal(out->result.elements, out->count);
}

void pages_deinit(struct pages_read *r)
{
    for (size_t i = 0; i < r->count; i++) {
        struct pages_seen *s = &r->seen[i];

        free((char *)(uintptr_t)s->record.event_type.at);
        free((char *)(uintptr_t)s->record.uuid.at);
        free((char *)(uintptr_t)s->record.encoded.at);
        if (s->login != NULL)
            okta__connector__v1__login_event__free_unpacked(s->login, NULL);
    }
    free(r->seen);
}

void pages_between(struct buf *page, struct view element)
{
    buf_puts(page, "[");
    pages_login(page, "good-1", VIEW_NONE);
    buf_puts(page, ",");
    buf_put(page, element.at, element.len);
    buf_puts(page, ",");
    pages_login(page, "good-2", VIEW_NONE);
    buf_puts(page, "]");
}

void pages_element(const struct pages_hostile *row, struct buf *out)
{
    if (row->build != NULL)
        row->build(out);
    else if (row->element.at != NULL)
        buf_put(out, row->element.at, row->element.len);
    else
        pages_login(out, "bad", row->members);
}
