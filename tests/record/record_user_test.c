/* One of Okta's users -> one User and its row. */
#include "record/record.h"

#include "base/mem.h"
#include "tests/record/pages.h"
#include "tests/rows.h"

#include <google/protobuf/struct.pb-c.h>
#include <string.h>

#define PAGE_BYTES_MAX (4u << 20)
#define KIND(name)     GOOGLE__PROTOBUF__VALUE__KIND_##name

static const char example[] =
    "{\"id\":\"00uAnna00000000001d7\",\"status\":\"ACTIVE\",\"created\":\"2025-11-02T08:14:05.000Z\","
    "\"activated\":\"2025-11-02T08:15:00.000Z\",\"statusChanged\":\"2025-11-02T08:20:11.000Z\","
    "\"lastLogin\":null,\"lastUpdated\":\"2026-03-14T09:26:53.589Z\",\"passwordChanged\":\"2025-11-02T08:20:12.000Z\","
    "\"type\":{\"id\":\"otyDefault000000001d7\"},\"realmId\":\"guo1\",\"transitioningToStatus\":null,"
    "\"profile\":{\"firstName\":\"Anna\",\"lastName\":\"Berg\",\"mobilePhone\":null,\"login\":\"Anna.Berg@Acme."
    "example\","
    "\"email\":\"anna.berg@acme.example\",\"managerId\":\"7\",\"badgeColours\":[\"blue\",1.5,true,null],"
    "\"cardNumber\":42,\"isRemote\":false,\"room\":{\"floor\":3},\"unset\":null},"
    "\"credentials\":{\"password\":{\"value\":\"Secret\"},\"recovery_question\":{\"question\":\"Secret?\"},"
    "\"provider\":{\"type\":\"OKTA\",\"name\":\"OKTA\"}},\"_links\":{\"self\":{\"href\":\"https://x\"}}}";

struct seen {
    size_t count;
    struct directory_row row; /* of the last; its views are copies */
    Okta__Connector__V1__User *user;
};

static void forget(struct seen *s)
{
    free((char *)(uintptr_t)s->row.id.at);
    free((char *)(uintptr_t)s->row.alias.at);
    free((char *)(uintptr_t)s->row.encoded.at);
    if (s->user != NULL)
        okta__connector__v1__user__free_unpacked(s->user, NULL);
    s->user = NULL;
}

static struct view copy(struct view v)
{
    return (struct view){ mem_copy(v.at, v.len), v.len };
}

static bool see(void *ctx, const struct directory_row *row)
{
    struct seen *s = ctx;
    const unsigned char *at = (const unsigned char *)row->encoded.at;
    size_t head = 1;

    forget(s);
    s->count++;
    s->row = *row;
    s->row.id = copy(row->id);
    s->row.alias = copy(row->alias);
    s->row.encoded = copy(row->encoded);
    assert_int_equal(at[0], 0x0a);
    while (at[head++] >= 0x80)
        continue;
    s->user = okta__connector__v1__user__unpack(NULL, row->encoded.len - head, at + head);
    assert_non_null(s->user);
    assert_true(view_is(row->id, s->user->id));
    return true;
}

static void read_body(struct seen *s, struct view body, struct record_objects_result *result)
{
    struct record_maker *m = pages_maker();
    struct error err;

    *s = (struct seen){ 0 };
    assert_true(record_objects(m, collection_by_name(VIEW("users")), body, see, s, result, &err));
    record_maker_destroy(m);
}

/* One user with this profile. */
static void read_profile(struct seen *s, const char *profile)
{
    AUTO_BUF struct buf body = BUF(PAGE_BYTES_MAX);
    struct record_objects_result result;

    buf_printf(&body, "[{\"id\":\"00u1\",\"profile\":%s}]", profile);
    read_body(s, buf_view(&body), &result);
    assert_int_equal(s->count, 1);
}

static void read_example(struct seen *s)
{
    AUTO_BUF struct buf body = BUF(PAGE_BYTES_MAX);
    struct record_objects_result result;

    buf_printf(&body, "[%s]", example);
    read_body(s, buf_view(&body), &result);
    assert_int_equal(s->count, 1);
    assert_true(result.last_updated_max_ms == PAGES_PUBLISHED_MS);
}

static void the_example_is_read_whole(void **state)
{
    struct seen s;

    (void)state;
    read_example(&s);
    assert_string_equal(s.user->id, "00uAnna00000000001d7");
    assert_string_equal(s.user->status, "ACTIVE");
    assert_true(s.user->created->seconds == 1762071245);
    assert_true(s.user->activated->seconds == 1762071300);
    assert_true(s.user->status_changed->seconds == 1762071611);
    assert_true(s.user->password_changed->seconds == 1762071612);
    assert_null(s.user->last_login);
    assert_int_equal(s.user->last_updated->nanos, 589000000);
    assert_string_equal(s.user->type_id, "otyDefault000000001d7");
    assert_string_equal(s.user->realm_id, "guo1");
    assert_string_equal(s.user->transitioning_to_status, "");
    assert_string_equal(s.user->credential_provider_type, "OKTA");
    assert_string_equal(s.user->profile->first_name, "Anna");
    assert_string_equal(s.user->profile->last_name, "Berg");
    assert_string_equal(s.user->profile->mobile_phone, "");
    assert_string_equal(s.user->profile->login, "Anna.Berg@Acme.example");
    assert_string_equal(s.user->profile->manager_id, "7");
    forget(&s);
}

static void the_row_says_what_the_store_needs(void **state)
{
    struct seen s;

    (void)state;
    read_example(&s);
    assert_true(view_is(s.row.id, "00uAnna00000000001d7"));
    assert_true(view_is(s.row.alias, "anna.berg@acme.example"));
    assert_true(s.row.last_updated_ms == PAGES_PUBLISHED_MS);
    assert_int_equal(s.row.facets, DIRECTORY_FACET_OBJECT);
    assert_int_equal(s.row.deleted_ms, 0);
    forget(&s);
}

static void what_the_api_does_not_name_is_not_kept(void **state)
{
    struct seen s;

    (void)state;
    read_example(&s);
    assert_null(memmem(s.row.encoded.at, s.row.encoded.len, "Secret", 6));
    assert_null(memmem(s.row.encoded.at, s.row.encoded.len, "https", 5));
    forget(&s);
}

static const Google__Protobuf__Value *find(const Google__Protobuf__Struct *s, const char *key)
{
    for (size_t i = 0; s != NULL && i < s->n_fields; i++)
        if (strcmp(s->fields[i]->key, key) == 0)
            return s->fields[i]->value;
    return NULL;
}

static void custom_attributes_keep_their_types(void **state)
{
    struct seen s;
    const Google__Protobuf__Struct *c;
    const Google__Protobuf__ListValue *list;

    (void)state;
    read_example(&s);
    c = s.user->profile->custom;
    assert_int_equal(c->n_fields, 4);
    assert_int_equal(find(c, "cardNumber")->kind_case, KIND(NUMBER_VALUE));
    assert_true(find(c, "cardNumber")->number_value == 42);
    assert_int_equal(find(c, "isRemote")->kind_case, KIND(BOOL_VALUE));
    assert_false(find(c, "isRemote")->bool_value);
    assert_true(find(find(c, "room")->struct_value, "floor")->number_value == 3);
    list = find(c, "badgeColours")->list_value;
    assert_int_equal(list->n_values, 4);
    assert_string_equal(list->values[0]->string_value, "blue");
    assert_true(list->values[1]->number_value == 1.5);
    assert_true(list->values[2]->bool_value);
    assert_int_equal(list->values[3]->kind_case, KIND(NULL_VALUE));
    assert_null(find(c, "unset"));
    assert_null(find(c, "login"));
    forget(&s);
}

static void no_custom_attributes(void **state)
{
    struct seen s;

    (void)state;
    read_profile(&s, "{\"login\":\"a\",\"x\":null}");
    assert_null(s.user->profile->custom);
    forget(&s);
}

static void a_name_twice_is_kept_once(void **state)
{
    struct seen s;

    (void)state;
    read_profile(&s, "{\"x\":1,\"x\":2,\"y\\u0000\":3,\"y\\ufffd\":4}");
    assert_int_equal(s.user->profile->custom->n_fields, 2);
    assert_true(find(s.user->profile->custom, "x")->number_value == 1);
    assert_true(find(s.user->profile->custom, "y\xef\xbf\xbd")->number_value == 3);
    forget(&s);
}

static void at_most_256_custom_attributes(void **state)
{
    AUTO_BUF struct buf profile = BUF(PAGE_BYTES_MAX);
    struct seen s;

    (void)state;
    buf_puts(&profile, "{\"login\":\"a\"");
    for (int i = 0; i < 300; i++)
        buf_printf(&profile, ",\"x%d\":%d", i, i);
    buf_puts(&profile, ",\"email\":\"e\"}");
    read_profile(&s, buf_cstr(&profile));
    assert_int_equal(s.user->profile->custom->n_fields, 256);
    assert_string_equal(s.user->profile->email, "e");
    forget(&s);
}

static void nested_at_most_8_deep(void **state)
{
    struct seen s;
    const Google__Protobuf__Value *v;
    int depth = 0;

    (void)state;
    read_profile(&s, "{\"x\":[[[[[[[[[[[[1]]]]]]]]]]]]}");
    for (v = find(s.user->profile->custom, "x"); v->kind_case == KIND(LIST_VALUE); v = v->list_value->values[0])
        depth++;
    assert_int_equal(v->kind_case, KIND(NULL_VALUE));
    assert_int_equal(depth, 7); /* the struct that holds x is the first */
    forget(&s);
}

/* Whatever an org keeps in profiles, a row fits: text, a long list, many deep objects. */
static const struct large_row {
    const char *name, *begin, *unit, *end;
    size_t count;
} large_rows[] = {
    { "a long text", "\"x\":\"", "0123456789abcdef", "\"", 50000 },
    { "many long texts", "\"x\":[\"\"", ",\"0123456789abcdef0123456789abcdef\"", "]", 20000 },
    { "many numbers", "\"x\":[0", ",1", "]", 300000 },
    { "many empty lists", "\"x\":[0", ",[]", "]", 200000 },
    { "many small objects", "\"x\":[0", ",{\"a\":{\"b\":{}}}", "]", 50000 },
    { "long base attributes", "\"title\":\"", "0123456789abcdef", "\"", 50000 },
};

static void every_row_fits(void **state)
{
    const struct large_row *row = *state;
    AUTO_BUF struct buf profile = BUF(PAGE_BYTES_MAX);
    struct seen s;

    buf_printf(&profile, "{\"login\":\"a@b.c\",%s", row->begin);
    for (size_t i = 0; i < row->count; i++)
        buf_puts(&profile, row->unit);
    buf_printf(&profile, "%s}", row->end);
    assert_true(buf_ok(&profile));
    read_profile(&s, buf_cstr(&profile));
    assert_true(s.row.encoded.len <= DIRECTORY_ROW_MAX);
    assert_string_equal(s.user->profile->login, "a@b.c");
    forget(&s);
}

static const struct page_row {
    const char *name, *body;
    size_t elements, skipped;
    bool was_truncated;
    const char *last_id;
} page_rows[] = {
    { "empty", "[]", 0, 0, false, NULL },
    { "two", "[{\"id\":\"1\"},{\"id\":\"2\"}]", 2, 0, false, "2" },
    { "bad JSON in between", "[{\"id\":\"1\"},{x},{\"id\":\"2\"}]", 3, 1, false, "2" },
    { "bad UTF-8 in between", "[{\"id\":\"1\"},{\"id\":\"\xff\"},{\"id\":\"2\"}]", 3, 1, false, "2" },
    { "no id", "[{\"status\":\"ACTIVE\"},{\"id\":\"2\"}]", 2, 1, false, "2" },
    { "an empty id", "[{\"id\":\"\"}]", 1, 1, false, NULL },
    { "an id that is a number", "[{\"id\":7}]", 1, 1, false, NULL },
    { "an id with a NUL", "[{\"id\":\"a\\u0000\"}]", 1, 1, false, NULL },
    { "an element that is no object", "[7,null,\"x\",[]]", 4, 4, false, NULL },
    { "the last is half", "[{\"id\":\"1\"},{\"id\":\"2\",\"prof", 1, 0, true, "1" },
    { "a profile that is none", "[{\"id\":\"1\",\"profile\":[]}]", 1, 0, false, "1" },
    { "a NUL in a name is replaced", "[{\"id\":\"1\",\"profile\":{\"firstName\":\"a\\u0000\"}}]", 1, 0, false, "1" },
};

static void pages(void **state)
{
    const struct page_row *row = *state;
    struct record_objects_result result;
    struct seen s;

    read_body(&s, view_of(row->body), &result);
    assert_int_equal(result.elements, row->elements);
    assert_int_equal(result.skipped, row->skipped);
    assert_int_equal(result.was_truncated, row->was_truncated);
    assert_true(result.last_updated_max_ms == 0);
    assert_int_equal(s.count, row->elements - row->skipped);
    if (row->last_id != NULL)
        assert_true(view_is(s.row.id, row->last_id));
    forget(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_is_read_whole),
        cmocka_unit_test(the_row_says_what_the_store_needs),
        cmocka_unit_test(what_the_api_does_not_name_is_not_kept),
        cmocka_unit_test(custom_attributes_keep_their_types),
        cmocka_unit_test(no_custom_attributes),
        cmocka_unit_test(a_name_twice_is_kept_once),
        cmocka_unit_test(at_most_256_custom_attributes),
        cmocka_unit_test(nested_at_most_8_deep),
    };

    return RUN_ROWS(every_row_fits, large_rows) + RUN_ROWS(pages, page_rows) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
