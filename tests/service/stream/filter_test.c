/* Which events a stream's filters let through, over events as they lie in the store; and what is refused. */
#include "rows.h"

#include "service/stream/filter.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

typedef Okta__Connector__V1__StreamLoginsRequest request_type;
typedef Okta__Connector__V1__LoginFilter filter_type;

/* ---- one event ---- */

/* anna@Acme.example fails from 198.51.100.7 in Sweden at Slack (and a second app); or what a row says instead. */
struct event {
    const char *login, *ip; /* NULL: as above; "": none */
    bool has_no_targets;
};

static struct journal_record encode(const struct event *e, unsigned char bytes[2048])
{
    Okta__Connector__V1__LoginEvent event = OKTA__CONNECTOR__V1__LOGIN_EVENT__INIT;
    Okta__Connector__V1__Actor actor = OKTA__CONNECTOR__V1__ACTOR__INIT;
    Okta__Connector__V1__Target targets[3] = { OKTA__CONNECTOR__V1__TARGET__INIT, OKTA__CONNECTOR__V1__TARGET__INIT,
                                               OKTA__CONNECTOR__V1__TARGET__INIT };
    Okta__Connector__V1__Target *all[] = { &targets[0], &targets[1], &targets[2] };
    struct journal_record r = { .kind = OKTA__CONNECTOR__V1__LOGIN_KIND__LOGIN_KIND_APP_SIGN_ON,
                                .result = OKTA__CONNECTOR__V1__LOGIN_RESULT__LOGIN_RESULT_FAILURE,
                                .country = { 'S', 'E' } };
    const char *ip = e->ip != NULL ? e->ip : "::ffff:198.51.100.7";
    size_t len;

    event.event_type = (char *)"user.authentication.sso";
    actor.id = (char *)"00u1anna";
    actor.alternate_id = (char *)(e->login != NULL ? e->login : "anna@Acme.example");
    event.actor = &actor;
    targets[0].type = (char *)"User";
    targets[0].id = (char *)"0oaNoApp";
    targets[1].type = targets[2].type = (char *)"AppInstance";
    targets[1].id = (char *)"0oa1slack";
    targets[1].alternate_id = (char *)"Slack";
    targets[2].id = (char *)"0oa2wiki";
    targets[2].alternate_id = (char *)"The Wiki, intern";
    event.targets = all;
    event.n_targets = e->has_no_targets ? 0 : 3;
    if (ip[0] != '\0')
        assert_int_equal(inet_pton(AF_INET6, ip, r.ip), 1);
    len = protobuf_c_message_get_packed_size(&event.base);
    assert_true(len < 2000);
    bytes[0] = 0x0a;
    bytes[1] = (unsigned char)(len | 0x80);
    bytes[2] = (unsigned char)(len >> 7);
    protobuf_c_message_pack(&event.base, bytes + 3);
    r.encoded = (struct view){ (char *)bytes, len + 3 };
    return r;
}

/* ---- one filter, by the field's name ---- */

#define VALUES_MAX 128

static void set_field(filter_type *f, const char *field, char **values, size_t count)
{
    const struct {
        const char *name;
        char ***at;
        size_t *count;
    } fields[] = {
        { "event_types", &f->event_types, &f->n_event_types },       { "users", &f->users, &f->n_users },
        { "email_domains", &f->email_domains, &f->n_email_domains }, { "apps", &f->apps, &f->n_apps },
        { "ip_addresses", &f->ip_addresses, &f->n_ip_addresses },    { "countries", &f->countries, &f->n_countries },
    };

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (strcmp(fields[i].name, field) == 0) {
            *fields[i].at = values;
            *fields[i].count = count;
            return;
        }
    }
    fail_msg("no field %s", field);
}

static const struct row {
    const char *name;
    struct event event;
    const char *field;
    const char *values[3];
    bool want;
} rows[] = {
    { "a type", { 0 }, "event_types", { "user.authentication.sso" }, true },
    { "another type", { 0 }, "event_types", { "user.authentication" }, false },
    { "types from the front", { 0 }, "event_types", { "user.authentication.*" }, true },
    { "the front alone is none of them", { 0 }, "event_types", { "user.authentication.sso.*" }, false },
    { "any of several", { 0 }, "event_types", { "user.session.start", "user.authentication.sso" }, true },
    { "a user by id", { 0 }, "users", { "00u1anna" }, true },
    { "a user by login, whatever its case", { 0 }, "users", { "ANNA@acme.example" }, true },
    { "part of a login", { 0 }, "users", { "anna" }, false },
    { "a domain", { 0 }, "email_domains", { "acme.example" }, true },
    { "part of a domain", { 0 }, "email_domains", { "example" }, false },
    { "a domain is behind the last @", { .login = "\"a@b\"@c.example" }, "email_domains", { "c.example" }, true },
    { "a login without a domain", { .login = "anna" }, "email_domains", { "anna" }, false },
    { "an app by id", { 0 }, "apps", { "0oa1slack" }, true },
    { "an app by label", { 0 }, "apps", { "slack" }, true },
    { "the second app", { 0 }, "apps", { "The Wiki, intern" }, true },
    { "a target that is no app", { 0 }, "apps", { "0oaNoApp" }, false },
    { "no targets", { .has_no_targets = true }, "apps", { "Slack" }, false },
    { "an address", { 0 }, "ip_addresses", { "198.51.100.7" }, true },
    { "another address", { 0 }, "ip_addresses", { "198.51.100.8" }, false },
    { "a network", { 0 }, "ip_addresses", { "198.51.100.0/29" }, true },
    { "a network next to it", { 0 }, "ip_addresses", { "198.51.100.8/29" }, false },
    { "bits behind the network are nothing", { 0 }, "ip_addresses", { "198.51.100.200/24" }, true },
    { "every IPv4 address", { 0 }, "ip_addresses", { "0.0.0.0/0" }, true },
    { "IPv6", { .ip = "2001:db8::1" }, "ip_addresses", { "2001:db8::/32" }, true },
    { "IPv4 is not in an IPv6 network", { 0 }, "ip_addresses", { "2001:db8::/32" }, false },
    { "IPv6 is not in an IPv4 network", { .ip = "2001:db8::1" }, "ip_addresses", { "0.0.0.0/0" }, false },
    { "no address is in no network", { .ip = "" }, "ip_addresses", { "::/0" }, false },
    { "a country", { 0 }, "countries", { "se" }, true },
    { "another country", { 0 }, "countries", { "NO", "DK" }, false },
};

static bool takes(const struct event *e, filter_type **allow, size_t allow_count, filter_type **deny, size_t deny_count)
{
    request_type request = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__INIT;
    unsigned char bytes[2048];
    const struct journal_record record = encode(e, bytes);
    struct login_filter *f = NULL;
    struct error err;
    bool is_taken;

    request.allow = allow;
    request.n_allow = allow_count;
    request.deny = deny;
    request.n_deny = deny_count;
    if (!login_filter_create(&f, &request, &err))
        fail_msg("%s", err.text);
    is_taken = login_filter_takes(f, &record);
    login_filter_destroy(f);
    return is_taken;
}

static void allow_and_deny_read_a_field_alike(void **state)
{
    const struct row *row = *state;
    filter_type filter = OKTA__CONNECTOR__V1__LOGIN_FILTER__INIT, *one[] = { &filter };
    size_t count = row->values[1] == NULL ? 1 : row->values[2] == NULL ? 2 : 3;

    set_field(&filter, row->field, (char **)(uintptr_t)row->values, count);
    assert_int_equal(takes(&row->event, one, 1, NULL, 0), row->want);
    assert_int_equal(takes(&row->event, NULL, 0, one, 1), !row->want);
}

/* ---- how they go together ---- */

static void fields_are_anded_filters_ored_and_deny_wins(void **state)
{
    static const struct event anna = { 0 };
    Okta__Connector__V1__LoginResult failure = OKTA__CONNECTOR__V1__LOGIN_RESULT__LOGIN_RESULT_FAILURE;
    Okta__Connector__V1__LoginResult success = OKTA__CONNECTOR__V1__LOGIN_RESULT__LOGIN_RESULT_SUCCESS;
    Okta__Connector__V1__LoginKind sign_on = OKTA__CONNECTOR__V1__LOGIN_KIND__LOGIN_KIND_APP_SIGN_ON;
    char *slack[] = { (char *)"Slack" };
    filter_type failed = OKTA__CONNECTOR__V1__LOGIN_FILTER__INIT, went_well = failed, at_slack = failed;
    filter_type *both[] = { &went_well, &failed }, *well[] = { &went_well }, *deny[] = { &at_slack };

    (void)state;
    failed.n_results = went_well.n_results = failed.n_kinds = 1;
    failed.results = &failure;
    failed.kinds = &sign_on;
    went_well.results = &success;
    at_slack.apps = slack;
    at_slack.n_apps = 1;
    assert_true(takes(&anna, both, 2, NULL, 0));
    assert_false(takes(&anna, well, 1, NULL, 0));
    assert_false(takes(&anna, both, 2, deny, 1));
    went_well.apps = slack;
    went_well.n_apps = 1;
    assert_false(takes(&anna, well, 1, NULL, 0)); /* the app alone is not enough */
}

static void no_filter_at_all_is_none(void **state)
{
    request_type request = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__INIT;
    struct login_filter *f = (struct login_filter *)&request;
    struct error err;

    (void)state;
    assert_true(login_filter_create(&f, &request, &err));
    assert_null(f);
}

/* ---- what is refused ---- */

static const struct refusal {
    const char *name, *field, *value;
    size_t times; /* 0: once */
    const char *where;
} refusals[] = {
    { "an empty value", "users", "", 0, "allow[0].users[0]" },
    { "a star in the middle", "event_types", "user.*.start", 0, "allow[0].event_types[0]" },
    { "a star without a dot", "event_types", "user*", 0, "allow[0].event_types[0]" },
    { "a lone star", "event_types", "*", 0, "allow[0].event_types[0]" },
    { "no address", "ip_addresses", "198.51.100", 0, "allow[0].ip_addresses[0]" },
    { "too wide a network", "ip_addresses", "198.51.100.0/33", 0, "allow[0].ip_addresses[0]" },
    { "a network without its width", "ip_addresses", "198.51.100.0/", 0, "allow[0].ip_addresses[0]" },
    { "a name for an address", "ip_addresses", "localhost", 0, "allow[0].ip_addresses[0]" },
    { "a country by name", "countries", "Sweden", 0, "allow[0].countries[0]" },
    { "a country that is no letters", "countries", "1\t", 0, "allow[0].countries[0]" },
    { "one value too many", "users", "anna", 101, "allow[0].users[100]" },
};

static void is_refused_with(const request_type *request, const char *where)
{
    struct login_filter *f = NULL;
    struct error err;

    assert_false(login_filter_create(&f, request, &err));
    assert_int_equal(err.code, ERROR_INVALID_ARGUMENT);
    assert_string_equal(err.reason, "FILTER_INVALID");
    if (strstr(err.text, where) == NULL)
        fail_msg("\"%s\" does not say %s", err.text, where);
}

static void a_bad_value_is_refused_by_its_place(void **state)
{
    const struct refusal *row = *state;
    request_type request = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__INIT;
    filter_type filter = OKTA__CONNECTOR__V1__LOGIN_FILTER__INIT, *one[] = { &filter };
    char *values[VALUES_MAX];

    for (size_t i = 0; i < VALUES_MAX; i++)
        values[i] = (char *)(uintptr_t)row->value;
    set_field(&filter, row->field, values, row->times > 0 ? row->times : 1);
    request.allow = one;
    request.n_allow = 1;
    is_refused_with(&request, row->where);
}

static void too_much_and_too_little_is_refused(void **state)
{
    request_type request = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__INIT;
    filter_type empty = OKTA__CONNECTOR__V1__LOGIN_FILTER__INIT, full = empty, *many[17];
    char longest[257], *values[100];

    (void)state;
    for (size_t i = 0; i < 17; i++)
        many[i] = &empty;
    request.deny = many;
    request.n_deny = 1;
    is_refused_with(&request, "deny[0] is empty");
    request.n_deny = 17;
    is_refused_with(&request, "at most 16");
    memset(longest, 'a', sizeof longest - 1);
    longest[256] = '\0';
    for (size_t i = 0; i < 100; i++)
        values[i] = longest;
    set_field(&full, "users", values, 100);
    many[0] = &full;
    request.n_deny = 1;
    is_refused_with(&request, "16384");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_anded_filters_ored_and_deny_wins),
        cmocka_unit_test(no_filter_at_all_is_none),
        cmocka_unit_test(too_much_and_too_little_is_refused),
    };

    return RUN_ROWS(allow_and_deny_read_a_field_alike, rows) + RUN_ROWS(a_bad_value_is_refused_by_its_place, refusals) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
