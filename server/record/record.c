/* A page of Okta's JSON, element by element.
 *
 * A JSON parser rejects a whole document for one bad byte, and one bad event must not cost its neighbours. So
 * json_split, a scanner that looks at quotes and brackets alone, first cuts the page into its elements, and each
 * element is parsed by itself. The bytes are read twice for that. In return the parser's memory is that of one event
 * instead of a page, and the bytes of an element that does not parse are at hand.
 *
 * A body that is no array fails. A body that ends early ends the walk: its last element is left out. */
#include "record/record_parts.h"

#include "base/assert.h"
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

static bool record_is_array(struct view body)
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

static enum record_outcome record_read_event(struct page_walk *w, struct view bytes, struct journal_record *out)
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

static void record_visit_event(void *ctx, struct view bytes, bool is_whole)
{
    struct page_walk *w = ctx;
    struct journal_record record;
    enum record_outcome outcome;

    if (!is_whole || w->has_stopped)
        return;
    record_reset(w->m);
    outcome = record_read_event(w, bytes, &record);
    w->result->elements++;
    if (record.published_ms > w->result->published_max_ms)
        w->result->published_max_ms = record.published_ms;
    w->has_stopped = !w->visit(w->ctx, outcome, &record);
}

bool record_page(struct record_maker *m, const struct record_page *page, record_visit *visit, void *ctx,
                 struct record_page_result *result, struct error *err)
{
    struct page_walk w = { m, page, result, visit, ctx, false };

    if (!record_is_array(page->body))
        return error_set(err, ERROR_INVALID_ARGUMENT, "not a JSON array");
    *result = (struct record_page_result){ .published_max_ms = JOURNAL_NO_TIME };
    result->was_truncated = !json_split(page->body, record_visit_event, &w);
    return true;
}

/* ---- objects ---- */

static const struct record_kind *record_kind_of(const struct collection *collection)
{
    for (size_t i = 0; i < record_kind_count; i++)
        if (strcmp(record_kinds[i].collection, collection->name) == 0)
            return &record_kinds[i];
    ASSERT(!"every collection of objects has a record file");
    return NULL;
}

struct objects_walk {
    struct record_maker *m;
    const struct record_kind *kind;
    struct record_objects_result *result;
    record_row_visit *visit;
    void *ctx;
    bool has_stopped;
};

static void record_visit_object(void *ctx, struct view bytes, bool is_whole)
{
    struct objects_walk *w = ctx;
    struct directory_row row;
    struct json object;

    if (!is_whole || w->has_stopped)
        return;
    record_reset(w->m);
    w->result->elements++;
    if (!json_parse(w->m->parser, bytes, &object, NULL) || !w->kind->make(w->m, object, &row)) {
        w->result->skipped++;
        return;
    }
    if (row.last_updated_ms > w->result->last_updated_max_ms)
        w->result->last_updated_max_ms = row.last_updated_ms;
    w->has_stopped = !w->visit(w->ctx, &row);
}

bool record_objects(struct record_maker *m, const struct collection *collection, struct view body,
                    record_row_visit *visit, void *ctx, struct record_objects_result *result, struct error *err)
{
    struct objects_walk w = { m, record_kind_of(collection), result, visit, ctx, false };

    if (!record_is_array(body))
        return error_set(err, ERROR_INVALID_ARGUMENT, "not a JSON array");
    *result = (struct record_objects_result){ 0 };
    result->was_truncated = !json_split(body, record_visit_object, &w);
    return true;
}

bool record_row_is_sound(const struct collection *collection, const struct directory_row *row, struct error *err)
{
    return record_kind_of(collection)->check(row, err);
}
