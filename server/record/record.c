/* A page of Okta's JSON, element by element.
 *
 * One bad byte spoils a whole document for a JSON parser, and one bad event must not cost its neighbours. So a page is
 * cut into its elements first, by a scanner that believes nothing but quotes and brackets, and each element is parsed
 * alone. That costs a second look at the bytes; in return the parser's memory is an event's and not a page's, and the
 * bytes of an element that does not parse are at hand.
 *
 * It fails only where the body is no array. It ends early where the body does: the last element is then left out. */
#include "record/record_parts.h"

#include "base/mem.h"

#include <string.h>

#define ELEMENT_BYTES_MAX (1u << 20) /* Okta's events have 2 to 5 KiB; a hundred times that is still read */
#define ELEMENT_DEPTH_MAX 128        /* they nest 6 deep */

struct record_maker *record_maker_create(const unsigned char *hash_key)
{
    struct record_maker *m = mem_zero(sizeof *m);

    memcpy(m->key, hash_key, sizeof m->key);
    m->parser = json_parser_create(ELEMENT_BYTES_MAX, ELEMENT_DEPTH_MAX);
    return m;
}

void record_maker_destroy(struct record_maker *m)
{
    if (m == NULL)
        return;
    record_reset(m);
    free(m->blocks);
    json_parser_destroy(m->parser);
    free(m);
}

static bool is_array(struct view body)
{
    body = view_trim(body);
    return body.len > 0 && body.at[0] == '[';
}

struct page_walk {
    struct record_maker *m;
    const struct record_page *page;
    struct record_page_result *result;
    record_visit *visit;
    void *ctx;
    bool has_stopped;
};

static enum record_outcome read_event(struct page_walk *w, struct view bytes, struct journal_record *out)
{
    enum record_outcome outcome = RECORD_UNPARSED;
    struct json event;

    *out = (struct journal_record){ .published_ms = JOURNAL_NO_TIME };
    if (!json_parse(w->m->parser, bytes, &event, NULL))
        w->result->was_cut = true;
    else if (json_type(event) == JSON_OBJECT)
        outcome = record_login(w->m, w->page, event, out);
    if (outcome == RECORD_UNPARSED)
        record_unparsed(w->m, w->page, bytes, out);
    return outcome;
}

static void visit_event(void *ctx, struct view bytes, bool is_whole)
{
    struct page_walk *w = ctx;
    struct journal_record record;
    enum record_outcome outcome;

    if (!is_whole || w->has_stopped)
        return;
    record_reset(w->m);
    outcome = read_event(w, bytes, &record);
    w->result->elements++;
    if (record.published_ms > w->result->published_max_ms)
        w->result->published_max_ms = record.published_ms;
    w->has_stopped = !w->visit(w->ctx, outcome, &record);
}

bool record_page(struct record_maker *m, const struct record_page *page, record_visit *visit, void *ctx,
                 struct record_page_result *result, struct error *err)
{
    struct page_walk w = { m, page, result, visit, ctx, false };

    if (!is_array(page->body))
        return error_set(err, ERROR_INVALID_ARGUMENT, "not a JSON array");
    *result = (struct record_page_result){ .published_max_ms = JOURNAL_NO_TIME };
    result->was_truncated = !json_split(page->body, visit_event, &w);
    return true;
}

struct users_walk {
    struct record_maker *m;
    struct record_users_result *result;
    record_user_visit *visit;
    void *ctx;
    bool has_stopped;
};

static void visit_user(void *ctx, struct view bytes, bool is_whole)
{
    struct users_walk *w = ctx;
    struct directory_row row;
    struct json user;

    if (!is_whole || w->has_stopped)
        return;
    record_reset(w->m);
    w->result->elements++;
    if (!json_parse(w->m->parser, bytes, &user, NULL) || !record_user(w->m, user, &row)) {
        w->result->skipped++;
        return;
    }
    if (row.last_updated_ms > w->result->last_updated_max_ms)
        w->result->last_updated_max_ms = row.last_updated_ms;
    w->has_stopped = !w->visit(w->ctx, &row);
}

bool record_users(struct record_maker *m, struct view body, record_user_visit *visit, void *ctx,
                  struct record_users_result *result, struct error *err)
{
    struct users_walk w = { m, result, visit, ctx, false };

    if (!is_array(body))
        return error_set(err, ERROR_INVALID_ARGUMENT, "not a JSON array");
    *result = (struct record_users_result){ 0 };
    result->was_truncated = !json_split(body, visit_user, &w);
    return true;
}
