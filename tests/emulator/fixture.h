/* tests/emulator/fixture.h: an emulator, a clock at hand, and its answers taken apart. */
#ifndef EMULATOR_FIXTURE_H
#define EMULATOR_FIXTURE_H

/* clang-format off: cmocka wants these before it */
#include "tests/rows.h"
/* clang-format on */
#include "emulator.h"

#include <jansson.h>

#define START_MS INT64_C(1773480412345) /* 2026-03-14T09:26:52.345Z */
#define DAY_MS   INT64_C(86400000)
#define BASE_URL "https://acme.okta.com"

struct fixture {
    struct emulator_options options;
    struct emulator *emulator;
    struct emulator_response answer;
    int64_t now_ms;
    const char *authorization, *method, *cookie, *content_type, *accept, *dpop, *sent; /* sent: a body */

    /* of the last answer */
    json_t *body;                /* NULL when it is no JSON */
    char next[2048], self[2048]; /* path and query; "" when there is none */
};

/* 40 users, 2,500 events in 30 days, none live, limits that nobody meets. Change f->options, then call fixture_begin.
 */
void fixture_init(struct fixture *f);
void fixture_begin(struct fixture *f);
void fixture_end(struct fixture *f);

/* One request. Returns its status. */
int fixture_ask(struct fixture *f, const char *target);
/* A header's value in the last answer: the nth of that name, "" when there is none. Valid until the next call. */
const char *fixture_header(const struct fixture *f, const char *name, size_t nth);
/* "E0000001" of the last answer, or "". */
const char *fixture_error(const struct fixture *f);
/* A member of the nth element, which is a string. */
const char *fixture_text(const struct fixture *f, size_t nth, const char *member);

/* Follows `next` from target, at most pages_max pages, and hands each element over. Returns how many pages there were;
 * the last may have a next. */
size_t fixture_walk(struct fixture *f, const char *target, size_t pages_max,
                    void (*visit)(void *ctx, const json_t *element), void *ctx);

/* A visitor that keeps uuids (or ids), for comparing. */
struct names {
    char (*at)[40];
    size_t count;
    const char *member;
};
void names_visit(void *ctx, const json_t *element);
void names_free(struct names *n);
/* Asserts that none is there twice. */
void names_assert_unique(const struct names *n);

#endif
