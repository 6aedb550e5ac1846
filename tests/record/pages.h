/* tests/record/pages.h: pages of Okta's JSON for the record tests, and what became of them. */
#ifndef RECORD_PAGES_H
#define RECORD_PAGES_H

#include "base/str.h"
#include "okta/connector/v1/directory.pb-c.h"
#include "okta/connector/v1/login.pb-c.h"
#include "record/record.h"

#define PAGES_PUBLISHED_MS INT64_C(1773480413589) /* "2026-03-14T09:26:53.589Z" */
#define PAGES_PUBLISHED    "2026-03-14T09:26:53.589Z"

/* The example of an event in Okta's form, whole. */
extern const char pages_example[];

/* {"uuid":"<uuid>","published":...,"eventType":"user.session.start",<members>} */
void pages_login(struct buf *out, const char *uuid, struct view members);

/* One element that was visited. */
struct pages_seen {
    enum record_outcome outcome;
    struct journal_record record;           /* event_type, uuid and encoded are copies */
    Okta__Connector__V1__LoginEvent *login; /* decoded by protobuf-c; NULL for RECORD_OTHER */
};

struct pages_read {
    struct pages_seen *seen;
    size_t count;
    struct record_page_result result;
};

/* Reads a page. Asserts what is true of every record. */
void pages_read(struct pages_read *out, struct record_maker *m, const struct record_page *page);
void pages_deinit(struct pages_read *r);

/* A page with one bad element between two good ones; `text` is freed by buf_deinit. */
void pages_between(struct buf *page, struct view element);

/* An element and what becomes of it. */
struct pages_hostile {
    const char *name;
    struct view members; /* of an event; none: `element` is the whole element */
    struct view element;
    void (*build)(struct buf *out); /* or it is built */
    enum record_outcome want;
    void (*check)(const struct pages_seen *seen); /* may be NULL */
};
extern const struct pages_hostile pages_hostile[];
extern const size_t pages_hostile_count;

/* The row's element. */
void pages_element(const struct pages_hostile *row, struct buf *out);

struct record_maker *pages_maker(void); /* with a fixed key */

#endif
