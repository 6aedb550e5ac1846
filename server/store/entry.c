#include "store/entry.h"
#include "base/assert.h"
#include "store/bytes.h"

/* Offsets in the header. This is the format on disk: never move a member. Add new ones at the end and let the header
 * grow; its length is in the header, so older versions step over what they do not know. */
enum entry_place {
    AT_VERSION = 0,
    AT_HEADER_WORDS = 1, /* length of the header, in units of eight bytes */
    AT_KIND = 2,
    AT_RESULT = 3,
    AT_SOURCE = 4,
    AT_IDENTITY_TYPE = 5,
    AT_FLAGS = 6,
    AT_PUBLISHED = 8,
    AT_WATERMARK = 16,
    AT_IDENTITY = 24,
    AT_TAG = 40,
    AT_TYPE = 44,
    AT_SEQUENCE_AT = 48,
    AT_CATALOGUE = 52,
    AT_COUNTRY = 54,
    AT_IP = 56,
    AT_ACTOR = 72,
    AT_EMAIL_DOMAIN = 80,
    AT_APP = 88,
    AT_SESSION = 96,
};

_Static_assert(AT_SESSION + 8 == ENTRY_HEADER_BYTES, "the last member ends the header");
_Static_assert(ENTRY_HEADER_BYTES % 8 == 0, "its length is stored in units of eight");

size_t entry_bytes(const struct entry *e)
{
    return ENTRY_HEADER_BYTES + e->record.encoded.len;
}

void entry_write(const struct entry *e, unsigned char *at)
{
    const struct journal_record *r = &e->record;

    ASSERT((uint64_t)r->sequence_at + ENTRY_SEQUENCE_LEN <= r->encoded.len);
    at[AT_VERSION] = ENTRY_VERSION;
    at[AT_HEADER_WORDS] = ENTRY_HEADER_BYTES / 8;
    at[AT_KIND] = r->kind;
    at[AT_RESULT] = r->result;
    at[AT_SOURCE] = r->source;
    at[AT_IDENTITY_TYPE] = e->identity.key[0];
    bytes_put_u16(at + AT_FLAGS, r->flags);
    bytes_put_u64(at + AT_PUBLISHED, (uint64_t)r->published_ms);
    bytes_put_u64(at + AT_WATERMARK, (uint64_t)r->watermark_ms);
    memcpy(at + AT_IDENTITY, e->identity.key + 1, IDENTITY_BYTES - 1);
    bytes_put_u32(at + AT_TAG, e->identity.tag);
    bytes_put_u32(at + AT_TYPE, e->type_id);
    bytes_put_u32(at + AT_SEQUENCE_AT, r->sequence_at);
    bytes_put_u16(at + AT_CATALOGUE, r->catalogue_version);
    memcpy(at + AT_COUNTRY, r->country, sizeof r->country);
    memcpy(at + AT_IP, r->ip, sizeof r->ip);
    bytes_put_u64(at + AT_ACTOR, r->actor);
    bytes_put_u64(at + AT_EMAIL_DOMAIN, r->email_domain);
    bytes_put_u64(at + AT_APP, r->app);
    bytes_put_u64(at + AT_SESSION, r->session);
    memcpy(at + ENTRY_HEADER_BYTES, r->encoded.at, r->encoded.len);
    bytes_put_u64(at + ENTRY_HEADER_BYTES + r->sequence_at, r->sequence);
}

/* Separates the header from the event. A later version may have written a longer header: members beyond ours are
 * stepped over. The bytes may be damaged, so every length is checked. */
static bool entry_split(struct view stored, struct view *encoded)
{
    const unsigned char *at = (const unsigned char *)stored.at;
    size_t header;

    if (stored.len < ENTRY_HEADER_BYTES || at[AT_VERSION] != ENTRY_VERSION)
        return false;
    header = (size_t)at[AT_HEADER_WORDS] * 8;
    if (header < ENTRY_HEADER_BYTES || header > stored.len)
        return false;
    *encoded = (struct view){ stored.at + header, stored.len - header };
    return true;
}

bool entry_read(struct view stored, uint64_t sequence, struct entry *out)
{
    const unsigned char *at = (const unsigned char *)stored.at;
    struct journal_record *r = &out->record;

    memset(out, 0, sizeof *out);
    if (!entry_split(stored, &r->encoded))
        return false;
    r->sequence = sequence;
    r->kind = at[AT_KIND];
    r->result = at[AT_RESULT];
    r->source = at[AT_SOURCE];
    out->identity.key[0] = at[AT_IDENTITY_TYPE];
    r->flags = bytes_u16(at + AT_FLAGS);
    r->published_ms = (int64_t)bytes_u64(at + AT_PUBLISHED);
    r->watermark_ms = (int64_t)bytes_u64(at + AT_WATERMARK);
    memcpy(out->identity.key + 1, at + AT_IDENTITY, IDENTITY_BYTES - 1);
    out->identity.tag = r->tag = bytes_u32(at + AT_TAG);
    out->type_id = bytes_u32(at + AT_TYPE);
    r->sequence_at = bytes_u32(at + AT_SEQUENCE_AT);
    r->catalogue_version = bytes_u16(at + AT_CATALOGUE);
    memcpy(r->country, at + AT_COUNTRY, sizeof r->country);
    memcpy(r->ip, at + AT_IP, sizeof r->ip);
    r->actor = bytes_u64(at + AT_ACTOR);
    r->email_domain = bytes_u64(at + AT_EMAIL_DOMAIN);
    r->app = bytes_u64(at + AT_APP);
    r->session = bytes_u64(at + AT_SESSION);
    return true;
}

bool entry_glance(struct view stored, struct entry_glance *out)
{
    const unsigned char *at = (const unsigned char *)stored.at;
    int64_t published_ms;

    if (!entry_split(stored, &out->encoded))
        return false;
    published_ms = (int64_t)bytes_u64(at + AT_PUBLISHED);
    out->watermark_ms = (int64_t)bytes_u64(at + AT_WATERMARK);
    out->time_ms = published_ms != JOURNAL_NO_TIME ? published_ms : out->watermark_ms;
    out->tag = bytes_u32(at + AT_TAG);
    return true;
}
