/* server/record/record_parts.h: shared by the files of record/: memory for one message at a time, and the only way from
 * foreign bytes to a string field. */
#ifndef RECORD_PARTS_H
#define RECORD_PARTS_H

#include "okta/connector/v1/login.pb-c.h"
#include "record/record.h"

#include <google/protobuf/timestamp.pb-c.h>

/* Maximum sizes of string fields, in bytes; longer text is cut between two characters. Together with RECORD_TARGETS_MAX
 * they keep the largest possible event below JOURNAL_RECORD_MAX, and the largest user below DIRECTORY_ROW_MAX. */
#define RECORD_ID_BYTES_MAX         256u  /* Okta's ids have 20 bytes, its event types at most 70 */
#define RECORD_TEXT_BYTES_MAX       1024u /* Okta's own limit for a reason is 255 characters */
#define RECORD_USER_AGENT_BYTES_MAX 4096u
#define RECORD_MESSAGE_BYTES_MAX    8192u
#define RECORD_PROFILE_BYTES_MAX    4096u /* of one attribute of the base profile */
#define RECORD_TARGETS_MAX          64u
#define RECORD_RAW_BYTES_MAX        65536u

struct record_block {
    struct record_block *next;
    size_t size, used;
    _Alignas(max_align_t) unsigned char at[];
};

struct record_maker {
    unsigned char key[STORE_HASH_KEY_SIZE];
    struct json_parser *parser;
    struct record_block *blocks; /* the newest first; the first ever made stays */
    uint16_t flags;              /* enum journal_flag, of the event being made */
};

/* Memory until record_reset, not zeroed. */
void *record_take(struct record_maker *m, size_t bytes);
void record_reset(struct record_maker *m);

/* Makes a string field: valid UTF-8 without U+0000, at most max bytes. A replaced byte sets JOURNAL_REPLACED. JSON that
 * is no string gives the empty string. */
char *record_text(struct record_maker *m, struct view text, size_t max);
char *record_json_text(struct record_maker *m, struct json v, size_t max);

/* Several string fields of one message, from members of one object. */
struct record_field {
    const char *member;
    size_t offset; /* of the char * in the message */
    size_t max;
};
void record_fill(struct record_maker *m, struct json object, void *message, const struct record_field *fields,
                 size_t count);

/* A time, or NULL when there is no readable one. */
Google__Protobuf__Timestamp *record_timestamp(struct record_maker *m, struct json v);
Google__Protobuf__Timestamp *record_timestamp_of(struct record_maker *m, int64_t unix_ms);
bool record_time(struct json v, int64_t *unix_ms);

/* A copy with ASCII letters in lower case. */
struct view record_lower(struct record_maker *m, struct view text);

/* A keyed hash of the text: never 0, but 0 for an empty text. */
uint64_t record_hash(const struct record_maker *m, struct view text);

/* "masked:", a keyed hash, ":" and the length. The key differs from record_hash's, since this hash is shown to readers.
 */
char *record_mask(struct record_maker *m, struct view name);

/* The encoded message, with its tag (field 1) and length in front: the form that it has in every response. */
struct view record_encode(struct record_maker *m, const ProtobufCMessage *message);

/* The state of one conversion. */
struct record_work {
    struct record_maker *m;
    struct json event;
    Okta__Connector__V1__LoginEvent *login;
    struct journal_record *out;
    struct view hidden_name, hidden_display; /* of an actor that Okta does not know; may be none */
};

/* record_who.c: actor first, then targets and app, since the actor decides which names are masked in the targets. */
void record_put_actor(struct record_work *w);
void record_put_targets(struct record_work *w);

/* record_where.c */
void record_put_client(struct record_work *w);

/* Whether the value is absent, empty, or "unknown", which Okta writes for an actor that it does not know. */
bool record_is_unknown(struct json id);

/* A field of a login message, for record_fill. */
#define RECORD_FIELD(type, member, field, max)                                                                         \
    {                                                                                                                  \
        member, offsetof(Okta__Connector__V1__##type, field), max                                                      \
    }
#define RECORD_FILL(m, object, message, fields)                                                                        \
    record_fill(m, object, message, fields, sizeof(fields) / sizeof(fields)[0])

#define RECORD_EMPTY ((char *)(uintptr_t)protobuf_c_empty_string)

/* The text of a JSON string; empty for anything else. */
static inline struct view record_view(struct json v)
{
    struct view text;

    return json_string(v, &text) ? text : VIEW_NONE;
}

/* record_login.c: converts an element that is a JSON object. After RECORD_UNPARSED the caller calls record_unparsed
 * with the element's bytes. */
enum record_outcome record_login(struct record_maker *m, const struct record_page *page, struct json event,
                                 struct journal_record *out);
void record_unparsed(struct record_maker *m, const struct record_page *page, struct view bytes,
                     struct journal_record *out);

/* The message in a row or record as it is stored: without its tag and length. False when they are damaged. */
bool record_message(struct view encoded, struct view *out);
/* DATA_LOSS: the header of a stored row or record says something else than its message. Returns false. */
bool record_disagrees(struct error *err, const char *member);

/* record_user.c */
record_object record_user;
record_row_check record_user_check;

#endif
