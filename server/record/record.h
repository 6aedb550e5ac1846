/* server/record/record.h: converts Okta's JSON objects into encoded messages, once, when they arrive.
 *
 * record/ is the only writer of string fields: they are valid UTF-8 without U+0000, whatever came in. Members are
 * allow-listed: a member that the API does not name is not kept, so no secret that Okta sends is stored. A maker is
 * used by one thread. */
#ifndef RECORD_H
#define RECORD_H

#include "base/json.h"
#include "model/collection.h"
#include "store/directory.h"
#include "store/journal.h"

struct record_maker;

/* `hash_key`: store_hash_key, STORE_HASH_KEY_SIZE bytes, copied. */
struct record_maker *record_maker_create(const unsigned char *hash_key);
void record_maker_destroy(struct record_maker *m);

/* How one element of a log page was read. */
enum record_outcome {
    RECORD_LOGIN,    /* in the catalogue: `out` is filled */
    RECORD_UNPARSED, /* not readable, or a login event without uuid or time: `out` holds an UNPARSED event */
    RECORD_OTHER,    /* not a login event: only published_ms and event_type of `out` are filled */
};

/* Reads a log page: calls visit for each element in the page's order. An element that cannot be parsed is
 * RECORD_UNPARSED and does not affect its neighbours. `watermark_ms` is the newest published time stored before this
 * page (JOURNAL_NO_TIME: none); it decides which events are late. History is never late. Views in the record are valid
 * within the visit. Returns false with an error when the body is no array at all; nothing was visited then. When visit
 * returns false the walk stops, and record_page returns true. */
typedef bool record_visit(void *ctx, enum record_outcome outcome, const struct journal_record *record);
struct record_page {
    struct view body;
    int64_t watermark_ms;
    enum journal_source source;
};
struct record_page_result {
    size_t elements;
    bool was_cut;       /* an element is not JSON: the page as a whole would not have parsed */
    bool was_truncated; /* its closing bracket is missing, so the transport cut it: the last element is left out, and
                           the page must be asked for again */
    int64_t published_max_ms; /* JOURNAL_NO_TIME: none readable */
};
MUST_CHECK bool record_page(struct record_maker *m, const struct record_page *page, record_visit *visit, void *ctx,
                            struct record_page_result *result, struct error *err);

/* A page of a collection's objects, likewise. An element without a readable id is skipped and counted. */
typedef bool record_row_visit(void *ctx, const struct directory_row *row);
struct record_objects_result {
    size_t elements, skipped;
    int64_t last_updated_max_ms; /* 0: none */
    bool was_truncated;
};
MUST_CHECK bool record_objects(struct record_maker *m, const struct collection *collection, struct view body,
                               record_row_visit *visit, void *ctx, struct record_objects_result *result,
                               struct error *err);

/* For verify: whether a stored row's message agrees with its header. False with the difference. */
MUST_CHECK bool record_row_is_sound(const struct collection *collection, const struct directory_row *row,
                                    struct error *err);

/* ---- which file converts which collection ---- */

/* One object, already parsed. False when it has no readable id. */
typedef bool record_object(struct record_maker *m, struct json object, struct directory_row *out);
typedef bool record_row_check(const struct directory_row *row, struct error *err);
struct record_kind {
    const char *collection; /* its name */
    record_object *make;
    record_row_check *check; /* for record_row_is_sound */
};
/* The dispatch table, in an object file of its own, so that a test can link another one. */
extern const struct record_kind record_kinds[];
extern const size_t record_kind_count;

#endif
