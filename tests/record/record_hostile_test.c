/* Whatever an element of a page is, it is accounted for, and its neighbours survive in their order. */
#include "record/record.h"

#include "base/mem.h"
#include "tests/record/pages.h"
#include "tests/rows.h"

#include <string.h>

#define PAGE_BYTES_MAX (8u << 20)
#define ROUNDS         3000
#define ELEMENTS       6

static struct record_page page_of(const struct buf *body)
{
    return (struct record_page){ buf_view(body), JOURNAL_NO_TIME, JOURNAL_TAIL };
}

static void neighbours_survive(void **state)
{
    const struct pages_hostile *row = *state;
    struct record_maker *m = pages_maker();
    AUTO_BUF struct buf element = BUF(PAGE_BYTES_MAX);
    AUTO_BUF struct buf body = BUF(PAGE_BYTES_MAX);
    struct record_page page;
    struct pages_read r;

    pages_element(row, &element);
    pages_between(&body, buf_view(&element));
    page = page_of(&body);
    pages_read(&r, m, &page);
    assert_int_equal(r.count, 3);
    assert_false(r.result.was_truncated);
    assert_int_equal(r.seen[0].outcome, RECORD_LOGIN);
    assert_true(view_is(r.seen[0].record.uuid, "good-1"));
    assert_int_equal(r.seen[1].outcome, row->want);
    if (row->want == RECORD_LOGIN)
        assert_true(view_is(r.seen[1].record.uuid, "bad"));
    if (row->check != NULL)
        row->check(&r.seen[1]);
    assert_int_equal(r.seen[2].outcome, RECORD_LOGIN);
    assert_true(view_is(r.seen[2].record.uuid, "good-2"));
    pages_deinit(&r);
    record_maker_destroy(m);
}

/* xorshift64*: the same corruption in every run. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static void count_element(void *ctx, struct view element, bool is_whole)
{
    (void)element;
    if (is_whole)
        ++*(size_t *)ctx;
}

static void corrupt(struct buf *body, uint64_t *seed)
{
    static const char spice[] = "\"\\{}[],:\0\xff\x80u0d8e9";
    size_t flips = 1 + next_random(seed) % 4;

    for (size_t i = 0; i < flips; i++) {
        size_t at = next_random(seed) % body->len;
        uint64_t how = next_random(seed) % 4;

        if (how == 0)
            body->at[at] = (char)next_random(seed);
        else if (how == 1)
            body->at[at] = spice[next_random(seed) % (sizeof spice - 1)];
        else if (how == 2)
            body->len = at > 1 ? at : 1;
        else
            memmove(body->at + at, body->at + at / 2, body->len - at);
    }
}

/* Never a crash (the sanitizers watch), never a record that does not decode (pages_read asserts), and each element of
 * the page is visited, once. */
static void corrupted_pages_are_accounted_for(void **state)
{
    struct record_maker *m = pages_maker();
    uint64_t seed = 88172645463325252;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        AUTO_BUF struct buf body = BUF(PAGE_BYTES_MAX);
        struct record_page page;
        struct pages_read r;
        size_t elements = 0;

        for (int i = 0; i < ELEMENTS; i++) {
            buf_puts(&body, i == 0 ? "[" : ",");
            buf_puts(&body, pages_example);
        }
        buf_puts(&body, "]");
        corrupt(&body, &seed);
        page = page_of(&body);
        if (view_trim(buf_view(&body)).len == 0 || view_trim(buf_view(&body)).at[0] != '[')
            continue;
        pages_read(&r, m, &page);
        json_split(buf_view(&body), count_element, &elements);
        assert_int_equal(r.count, elements);
        pages_deinit(&r);
    }
    record_maker_destroy(m);
}

static bool see_user(void *ctx, const struct directory_row *row)
{
    assert_true(row->id.len > 0 && row->encoded.len <= DIRECTORY_ROW_MAX);
    ++*(size_t *)ctx;
    return true;
}

static void corrupted_pages_of_users_as_well(void **state)
{
    static const char user[] = "{\"id\":\"00u1\",\"status\":\"ACTIVE\",\"lastUpdated\":\"2026-02-01T12:00:00.000Z\","
                               "\"profile\":{\"login\":\"a@b.c\",\"x\":[1,{\"y\":null,\"z\":[[\"\\u00e5\"]]}]}}";
    struct record_maker *m = pages_maker();
    uint64_t seed = 362436069362436069;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        AUTO_BUF struct buf body = BUF(PAGE_BYTES_MAX);
        struct record_objects_result result;
        size_t seen = 0, elements = 0;
        struct error err;

        for (int i = 0; i < ELEMENTS; i++) {
            buf_puts(&body, i == 0 ? "[" : ",");
            buf_puts(&body, user);
        }
        buf_puts(&body, "]");
        corrupt(&body, &seed);
        if (!record_objects(m, collection_by_name(VIEW("users")), buf_view(&body), see_user, &seen, &result, &err))
            continue;
        json_split(buf_view(&body), count_element, &elements);
        assert_int_equal(result.elements, elements);
        assert_int_equal(seen + result.skipped, elements);
    }
    record_maker_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corrupted_pages_are_accounted_for),
        cmocka_unit_test(corrupted_pages_of_users_as_well),
    };

    return rows_run("neighbours_survive", neighbours_survive, pages_hostile, sizeof pages_hostile[0],
                    pages_hostile_count) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
