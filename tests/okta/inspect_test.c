#include "okta/inspect.h"

#include "tests/rows.h"

#include <string.h>

static struct okta_options options_for(const char *text)
{
    struct okta_options o = { .clock = &clock_system };
    struct error err;

    assert_true(okta_url_parse(view_of(text), true, &o.url, &err));
    return o;
}

static bool always(void *ctx)
{
    (void)ctx;
    return true;
}

/* What a resolver that answers nobody comes to: nobody waits longer than was allowed. */
static void names_are_given_up(void **state)
{
    const struct okta_options o = options_for("no-such-org.invalid");
    const struct inspect_limit now = { 0, NULL, NULL }, nobody = { 60000, always, NULL };
    struct inspect_names n;

    (void)state;
    inspect_names(&o, &now, &n);
    assert_false(n.is_found);
    assert_true(n.failure[0] != '\0');
    inspect_names(&o, &nobody, &n);
    assert_false(n.is_found);
}

static void names_are_found(void **state)
{
    const struct okta_options o = options_for("http://127.0.0.1:1");
    const struct inspect_limit limit = { 10000, NULL, NULL };
    struct inspect_names n;

    (void)state;
    inspect_names(&o, &limit, &n);
    assert_true(n.is_found);
    assert_string_equal(n.addresses, "127.0.0.1");
    assert_string_equal(n.refused, "");
}

static void nobody_there_is_said(void **state)
{
    const struct okta_options o = options_for("http://127.0.0.1:1");
    const struct inspect_limit limit = { 10000, NULL, NULL };
    struct inspect_tls t;

    (void)state;
    inspect_tls(&o, &limit, &t);
    assert_false(t.is_connected);
    assert_false(t.is_proxy_failure);
    assert_true(t.failure[0] != '\0');
}

static void a_connection_is_given_up(void **state)
{
    const struct okta_options o = options_for("http://127.0.0.1:1");
    const struct inspect_limit nobody = { 60000, always, NULL };
    struct inspect_tls t;

    (void)state;
    inspect_tls(&o, &nobody, &t);
    assert_false(t.is_connected);
}

static void a_proxy_that_is_dead_is_told_from_the_org(void **state)
{
    struct okta_options o = options_for("acme");
    const struct inspect_limit limit = { 10000, NULL, NULL };
    struct inspect_way way;
    struct inspect_tls t;

    (void)state;
    unsetenv("no_proxy");
    unsetenv("NO_PROXY");
    o.proxy = "http://ann:secret@127.0.0.1:1";
    inspect_way(&o, &way);
    assert_int_equal(way.from, INSPECT_CONFIGURED);
    assert_true(way.has_user);
    assert_null(strstr(way.proxy, "secret"));
    inspect_tls(&o, &limit, &t);
    assert_true(t.is_proxy_failure);
    assert_null(strstr(t.failure, "secret"));
    setenv("NO_PROXY", "okta.com", 1);
    inspect_way(&o, &way);
    assert_int_equal(way.from, INSPECT_EXCEPTED);
    assert_string_equal(way.proxy, "");
    unsetenv("NO_PROXY");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_given_up),
        cmocka_unit_test(names_are_found),
        cmocka_unit_test(nobody_there_is_said),
        cmocka_unit_test(a_connection_is_given_up),
        cmocka_unit_test(a_proxy_that_is_dead_is_told_from_the_org),
    };

    struct error err;

    return okta_global_init(&err) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
