/* --only and --not: the text, and the filters that it becomes. */
#include "tests/rows.h"

#include "client/cmd/filter.h"

#include <string.h>

typedef Okta__Connector__V1__LoginFilter filter_type;

static void put_strings(struct buf *out, const char *name, char *const *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s:%s ", name, values[i]);
}

/* Every filter with what is in it, in the order of the message's fields. */
static void describe(const struct filter *f, struct buf *out)
{
    for (size_t i = 0; i < f->count; i++) {
        const filter_type *m = f->list[i];

        buf_puts(out, i > 0 ? "| " : "");
        for (size_t k = 0; k < m->n_kinds; k++)
            buf_printf(out, "kind:%d ", (int)m->kinds[k]);
        for (size_t k = 0; k < m->n_results; k++)
            buf_printf(out, "result:%d ", (int)m->results[k]);
        put_strings(out, "type", m->event_types, m->n_event_types);
        put_strings(out, "user", m->users, m->n_users);
        put_strings(out, "domain", m->email_domains, m->n_email_domains);
        put_strings(out, "app", m->apps, m->n_apps);
        put_strings(out, "ip", m->ip_addresses, m->n_ip_addresses);
        put_strings(out, "country", m->countries, m->n_countries);
    }
}

static const struct row {
    const char *name, *text, *want; /* what --only makes of it */
    const char *want_each;          /* what --not makes of it; NULL: the same */
} rows[] = {
    { "a result", "result=failure", "result:2 ", NULL },
    { "several values", "result=failure,denied", "result:2 result:3 ", NULL },
    { "a kind of several words", "kind=app-sign-on,app_sign_off", "kind:5 kind:6 ", NULL },
    { "case is nothing", "kind=FACTOR", "kind:8 ", NULL },
    { "several conditions", "user=a@b.example; country=SE,NO", "user:a@b.example country:SE country:NO ",
      "user:a@b.example | country:SE country:NO " },
    { "every name", "type=user.session.*;domain=b.example;app=The Wiki, Slack;ip=198.51.100.0/24",
      "type:user.session.* domain:b.example app:The Wiki app:Slack ip:198.51.100.0/24 ",
      "type:user.session.* | domain:b.example | app:The Wiki app:Slack | ip:198.51.100.0/24 " },
    { "an equals sign in a value", "app=a=b", "app:a=b ", NULL },
};

static void a_text_becomes_filters(void **state)
{
    const struct row *row = *state;
    static struct filter f;
    struct error err;

    for (int each = 0; each < 2; each++) {
        AUTO_BUF struct buf got = BUF(4096);

        if (!filter_parse(&f, "only", row->text, each != 0, &err))
            fail_msg("%s", err.text);
        describe(&f, &got);
        assert_string_equal(buf_cstr(&got), each != 0 && row->want_each != NULL ? row->want_each : row->want);
    }
}

static const struct refusal {
    const char *name, *text, *says;
} refusals[] = {
    { "no value", "result=", "--only: result= has an empty value" },
    { "an empty value", "user=a,,b", "empty value" },
    { "no condition", "failure", "\"failure\" is no condition" },
    { "nothing", "", "is no condition" },
    { "an end without a condition", "result=failure;", "is no condition" },
    { "an unknown name", "city=Oslo", "nothing is called \"city\": it is kind, result, type" },
    { "an unknown result", "result=ok", "there is no result \"ok\"; there are success, failure, denied" },
    { "an unknown kind", "kind=login", "there is no kind \"login\"; there are unparsed, session-start" },
    { "no kind", "kind=unspecified", "there is no kind" },
    { "a name twice", "user=a;user=b", "user is given twice" },
};

static void what_is_wrong_is_said(void **state)
{
    const struct refusal *row = *state;
    static struct filter f;
    struct error err;

    assert_false(filter_parse(&f, "only", row->text, false, &err));
    assert_int_equal(err.code, ERROR_INVALID_ARGUMENT);
    if (strstr(err.text, row->says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, row->says);
}

static void its_sizes_have_an_end(void **state)
{
    static struct filter f;
    static char text[FILTER_TEXT_MAX + 1];
    struct error err;

    (void)state;
    memset(text, 'x', FILTER_TEXT_MAX);
    assert_false(filter_parse(&f, "only", text, false, &err));
    memcpy(text, "user=", 5);
    for (size_t i = 5; i < 5 + 2 * (FILTER_VALUES_MAX + 1); i++)
        text[i] = i % 2 == 0 ? ',' : 'a';
    text[5 + 2 * FILTER_VALUES_MAX - 1] = '\0';
    assert_true(filter_parse(&f, "only", text, false, &err));
    assert_int_equal(f.messages[0].n_users, FILTER_VALUES_MAX);
    text[5 + 2 * FILTER_VALUES_MAX - 1] = ',';
    text[5 + 2 * FILTER_VALUES_MAX + 1] = '\0';
    assert_false(filter_parse(&f, "only", text, false, &err));
    text[0] = '\0';
    for (int i = 0; i < FILTER_CONDITIONS_MAX + 1; i++)
        strcat(text, i == 0 ? "user=a" : ";user=a");
    assert_false(filter_parse(&f, "not", text, true, &err));
    text[strlen(text) - strlen(";user=a")] = '\0';
    assert_true(filter_parse(&f, "not", text, true, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(its_sizes_have_an_end) };

    return RUN_ROWS(a_text_becomes_filters, rows) + RUN_ROWS(what_is_wrong_is_said, refusals) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
