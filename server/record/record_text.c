/* Memory and text of messages. The strings and structs of an event come from one block, which the next event uses
 * again: so a page of a thousand events costs hardly a malloc.
 *
 * Everything that becomes a string field goes through record_text: protobuf-c would cut a text at U+0000 and pass bad
 * UTF-8 on, and a strict client then refuses the whole batch. Bad bytes and U+0000 become U+FFFD, and the event is
 * flagged. */
#include "record/record_parts.h"

#include "base/assert.h"
#include "base/mem.h"

#include <protobuf-c/protobuf-c.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_BYTES   (32u << 10) /* an event takes about 4 KiB; a hostile one takes further blocks */
#define MASK_TEXT_MAX 64u

_Static_assert(STORE_HASH_KEY_SIZE >= 2 * crypto_shorthash_KEYBYTES, "two keys are made of one");
_Static_assert(crypto_shorthash_BYTES == sizeof(uint64_t), "hashes have 64 bits");

static struct record_block *block_create(size_t bytes, struct record_block *next)
{
    struct record_block *b = mem_alloc(sizeof *b + bytes);

    b->next = next;
    b->size = bytes;
    b->used = 0;
    return b;
}

void *record_take(struct record_maker *m, size_t bytes)
{
    struct record_block *b = m->blocks;
    void *at;

    bytes = (bytes + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (b == NULL || b->size - b->used < bytes)
        b = m->blocks = block_create(bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES, b);
    at = b->at + b->used;
    b->used += bytes;
    return at;
}

void record_reset(struct record_maker *m)
{
    while (m->blocks != NULL && m->blocks->next != NULL) {
        struct record_block *b = m->blocks;

        m->blocks = b->next;
        free(b);
    }
    if (m->blocks != NULL)
        m->blocks->used = 0;
    m->flags = 0;
}

static struct view record_cut(struct view text, size_t max)
{
    if (text.len <= max)
        return text;
    while (max > 0 && ((unsigned char)text.at[max] & 0xc0) == 0x80)
        max--;
    return (struct view){ text.at, max };
}

static char *record_copy(struct record_maker *m, struct view text)
{
    char *at = record_take(m, text.len + 1);

    memcpy(at, text.at, text.len);
    at[text.len] = '\0';
    return at;
}

/* Cut before cleaning too: cleaning only makes text longer. */
static char *record_mend(struct record_maker *m, struct view text, size_t max)
{
    AUTO_BUF struct buf clean = BUF(3 * max);

    if (text.len > max)
        text.len = max;
    utf8_clean(text, &clean);
    m->flags |= JOURNAL_REPLACED;
    return record_copy(m, record_cut(buf_view(&clean), max));
}

char *record_text(struct record_maker *m, struct view text, size_t max)
{
    if (text.len == 0)
        return RECORD_EMPTY;
    return utf8_is_clean(text) ? record_copy(m, record_cut(text, max)) : record_mend(m, text, max);
}

char *record_json_text(struct record_maker *m, struct json v, size_t max)
{
    struct view text = VIEW_NONE;

    if (!json_string(v, &text))
        text = VIEW_NONE;
    return record_text(m, text, max);
}

void record_fill(struct record_maker *m, struct json object, void *message, const struct record_field *fields,
                 size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *text = record_json_text(m, json_get(object, fields[i].member), fields[i].max);

        memcpy((char *)message + fields[i].offset, &text, sizeof text);
    }
}

bool record_time(struct json v, int64_t *unix_ms)
{
    struct view text;

    return json_string(v, &text) && time_parse(text, unix_ms);
}

Google__Protobuf__Timestamp *record_timestamp_of(struct record_maker *m, int64_t unix_ms)
{
    Google__Protobuf__Timestamp *t = record_take(m, sizeof *t);

    google__protobuf__timestamp__init(t);
    t->seconds = unix_ms / 1000;
    t->nanos = (int32_t)(unix_ms % 1000) * 1000000;
    return t;
}

Google__Protobuf__Timestamp *record_timestamp(struct record_maker *m, struct json v)
{
    int64_t unix_ms;

    return record_time(v, &unix_ms) ? record_timestamp_of(m, unix_ms) : NULL;
}

struct view record_lower(struct record_maker *m, struct view text)
{
    char *at = record_take(m, text.len + 1);

    for (size_t i = 0; i < text.len; i++)
        at[i] = text.at[i] >= 'A' && text.at[i] <= 'Z' ? (char)(text.at[i] + 32) : text.at[i];
    return (struct view){ at, text.len };
}

static uint64_t record_keyed_hash(const unsigned char *key, struct view text)
{
    unsigned char bytes[crypto_shorthash_BYTES];
    uint64_t n;

    crypto_shorthash(bytes, (const unsigned char *)text.at, text.len, key);
    memcpy(&n, bytes, sizeof n);
    return n;
}

uint64_t record_hash(const struct record_maker *m, struct view text)
{
    uint64_t n;

    if (text.len == 0)
        return 0;
    n = record_keyed_hash(m->key, text);
    return n != 0 ? n : 1;
}

char *record_mask(struct record_maker *m, struct view name)
{
    char *at = record_take(m, MASK_TEXT_MAX);

    snprintf(at, MASK_TEXT_MAX, "masked:%016llx:%zu",
             (unsigned long long)record_keyed_hash(m->key + crypto_shorthash_KEYBYTES, name), name.len);
    return at;
}

/* Writes a varint: at most 5 bytes, since sizes are below 2^32. */
static size_t put_varint(unsigned char *at, size_t n)
{
    size_t len = 0;

    for (; n >= 0x80; n >>= 7)
        at[len++] = (unsigned char)(n | 0x80);
    at[len++] = (unsigned char)n;
    return len;
}

struct view record_encode(struct record_maker *m, const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    unsigned char *at = record_take(m, 1 + 5 + size);
    size_t head = 1;

    at[0] = 1 << 3 | 2; /* field 1, a message */
    head += put_varint(at + 1, size);
    ASSERT(protobuf_c_message_pack(message, at + head) == size);
    return (struct view){ (char *)at, head + size };
}

bool record_message(struct view encoded, struct view *out)
{
    const unsigned char *at = (const unsigned char *)encoded.at;
    size_t head = 1;

    /* A tag of one byte, a length of which every byte but the last has its top bit set, the message. */
    while (head < encoded.len && (at[head] & 128) != 0)
        head++;
    head++;
    if (head > encoded.len)
        return false;
    *out = (struct view){ encoded.at + head, encoded.len - head };
    return true;
}

bool record_disagrees(struct error *err, const char *member)
{
    return error_set(err, ERROR_DATA_LOSS, "its %s is not what its header says", member);
}
