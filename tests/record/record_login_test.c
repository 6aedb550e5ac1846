/* One event of Okta's -> one LoginEvent and its header. */
#include "record/record.h"

#include "record/catalogue.h"
#include "tests/record/pages.h"
#include "tests/rows.h"

#include <stdio.h>
#include <string.h>

#define PAGE_BYTES_MAX (1u << 20)
#define KIND(name)     OKTA__CONNECTOR__V1__LOGIN_KIND__LOGIN_KIND_##name
#define RESULT(name)   OKTA__CONNECTOR__V1__LOGIN_RESULT__LOGIN_RESULT_##name

/* A page of one event: of the example, or of these members. */
static void read_one(struct pages_read *r, const char *members, const struct record_page *like)
{
    AUTO_BUF struct buf body = BUF(PAGE_BYTES_MAX);
    struct record_maker *m = pages_maker();
    struct record_page page = { VIEW_NONE, JOURNAL_NO_TIME, JOURNAL_TAIL };

    if (like != NULL)
        page = *like;
    buf_puts(&body, "[");
    if (members != NULL)
        pages_login(&body, "u", view_of(members));
    else
        buf_puts(&body, pages_example);
    buf_puts(&body, "]");
    page.body = buf_view(&body);
    pages_read(r, m, &page);
    assert_int_equal(r->count, 1);
    assert_int_equal(r->seen[0].outcome, RECORD_LOGIN);
    record_maker_destroy(m);
}

static void the_example_is_read_whole(void **state)
{
    struct pages_read r;
    const Okta__Connector__V1__LoginEvent *l;

    (void)state;
    read_one(&r, NULL, NULL);
    l = r.seen[0].login;
    assert_string_equal(l->uuid, "7c0b1a3e-1f87-11f1-9c3a-5b2e9d6f0a11");
    assert_true(l->published->seconds == PAGES_PUBLISHED_MS / 1000);
    assert_int_equal(l->published->nanos, 589000000);
    assert_string_equal(l->event_type, "user.authentication.sso");
    assert_int_equal(l->kind, KIND(APP_SIGN_ON));
    assert_int_equal(l->result, RESULT(SUCCESS));
    assert_string_equal(l->outcome->result, "SUCCESS");
    assert_string_equal(l->outcome->reason, "");
    assert_string_equal(l->display_message, "User single sign on to app");
    assert_string_equal(l->severity, "INFO");
    assert_string_equal(l->transaction_id, "0a1b2c3d4e5f60718293a4b5c6d7e8f9");
    assert_string_equal(l->legacy_event_type, "app.auth.sso");
    assert_int_equal(l->catalogue_version, CATALOGUE_VERSION);
    assert_int_equal(l->raw.len, 0);
    assert_false(l->late);
    assert_null(l->delay);
    pages_deinit(&r);
}

static void who_and_to_what(void **state)
{
    struct pages_read r;
    const Okta__Connector__V1__LoginEvent *l;

    (void)state;
    read_one(&r, NULL, NULL);
    l = r.seen[0].login;
    assert_string_equal(l->actor->id, "00uAnna00000000001d7");
    assert_string_equal(l->actor->type, "User");
    assert_string_equal(l->actor->alternate_id, "anna.berg@Acme.example");
    assert_string_equal(l->actor->display_name, "Anna Berg");
    assert_false(l->actor->masked);
    assert_string_equal(l->app->id, "0oaWiki00000000001d7");
    assert_string_equal(l->app->label, "Acme Wiki");
    assert_string_equal(l->app->display_name, "Wiki");
    assert_string_equal(l->app->sign_on_mode, "SAML_2_0");
    assert_int_equal(l->n_targets, 2);
    assert_string_equal(l->targets[0]->type, "AppInstance");
    assert_string_equal(l->targets[1]->id, "0uaWikiAnna0000001d7");
    assert_string_equal(l->targets[1]->alternate_id, "anna.berg@acme.example");
    assert_string_equal(l->targets[1]->display_name, "Anna Berg");
    pages_deinit(&r);
}

static void from_what(void **state)
{
    struct pages_read r;
    const Okta__Connector__V1__LoginEvent *l;

    (void)state;
    read_one(&r, NULL, NULL);
    l = r.seen[0].login;
    assert_string_equal(l->client->ip_address, "192.0.2.44");
    assert_string_equal(l->client->device, "Computer");
    assert_string_equal(l->client->zone, "");
    assert_string_equal(l->client->id, "");
    assert_string_equal(l->client->user_agent->os, "Linux");
    assert_string_equal(l->client->user_agent->browser, "FIREFOX");
    assert_string_equal(l->client->user_agent->raw_user_agent, "Mozilla/5.0 (X11; Linux x86_64) ExampleBrowser/1.0");
    assert_string_equal(l->client->geographical_context->city, "Uppsala");
    assert_string_equal(l->client->geographical_context->state, "Uppsala County");
    assert_string_equal(l->client->geographical_context->country, "Sweden");
    assert_string_equal(l->client->geographical_context->postal_code, "752 20");
    assert_true(l->client->geographical_context->geolocation->lat == 59.85);
    assert_true(l->client->geographical_context->geolocation->lon == 17.63);
    assert_string_equal(l->authentication_context->external_session_id, "idxExampleSession00001");
    assert_string_equal(l->authentication_context->root_session_id, "idxExampleRootSession01");
    assert_int_equal(l->security_context->as_number, 64500);
    assert_string_equal(l->security_context->as_org, "example net");
    assert_string_equal(l->security_context->isp, "example isp");
    assert_string_equal(l->security_context->domain, "example.net");
    assert_string_equal(l->security_context->risk_level, "LOW");
    assert_false(l->security_context->is_proxy);
    pages_deinit(&r);
}

static void the_header_says_what_filters_need(void **state)
{
    static const uint8_t ip[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 44 };
    struct pages_read r;
    const struct journal_record *h;

    (void)state;
    read_one(&r, NULL, NULL);
    h = &r.seen[0].record;
    assert_true(h->published_ms == PAGES_PUBLISHED_MS);
    assert_int_equal(h->kind, KIND(APP_SIGN_ON));
    assert_int_equal(h->result, RESULT(SUCCESS));
    assert_int_equal(h->source, JOURNAL_TAIL);
    assert_int_equal(h->flags, 0);
    assert_memory_equal(h->country, "SE", 2);
    assert_memory_equal(h->ip, ip, sizeof ip);
    assert_true(h->actor != 0 && h->email_domain != 0 && h->app != 0 && h->session != 0);
    assert_true(h->actor != h->email_domain && h->app != h->session && h->actor != h->app);
    pages_deinit(&r);
}

static void nothing_in_the_header_for_what_is_not_there(void **state)
{
    static const uint8_t none[16] = { 0 };
    struct pages_read r;
    const struct journal_record *h;

    (void)state;
    read_one(&r, "\"client\":{\"ipAddress\":\"not an address\"}", NULL);
    h = &r.seen[0].record;
    assert_true(h->actor == 0 && h->email_domain == 0 && h->app == 0 && h->session == 0);
    assert_memory_equal(h->ip, none, sizeof none);
    assert_memory_equal(h->country, none, 2);
    pages_deinit(&r);
}

/* ---- hashes: two events, of which one member differs ---- */

enum hash { ACTOR, DOMAIN, APP, SESSION };
static const struct hash_row {
    const char *name;
    enum hash hash;
    const char *a, *b;
    bool same;
} hash_rows[] = {
    { "one actor", ACTOR, "\"actor\":{\"id\":\"00u1\"}", "\"actor\":{\"id\":\"00u1\",\"alternateId\":\"x\"}", true },
    { "two actors", ACTOR, "\"actor\":{\"id\":\"00u1\"}", "\"actor\":{\"id\":\"00u2\"}", false },
    { "one domain, in capitals", DOMAIN, "\"actor\":{\"id\":\"00u1\",\"alternateId\":\"a@Acme.Example\"}",
      "\"actor\":{\"id\":\"00u2\",\"alternateId\":\"b@acme.example\"}", true },
    { "the last at sign counts", DOMAIN, "\"actor\":{\"id\":\"00u1\",\"alternateId\":\"a@b@acme.example\"}",
      "\"actor\":{\"id\":\"00u2\",\"alternateId\":\"c@acme.example\"}", true },
    { "two domains", DOMAIN, "\"actor\":{\"id\":\"00u1\",\"alternateId\":\"a@acme.example\"}",
      "\"actor\":{\"id\":\"00u1\",\"alternateId\":\"a@acme.example.net\"}", false },
    { "one app", APP, "\"target\":[{\"type\":\"AppInstance\",\"id\":\"0oa1\"}]",
      "\"target\":[{\"type\":\"User\",\"id\":\"00u\"},{\"type\":\"AppInstance\",\"id\":\"0oa1\"}]", true },
    { "two apps", APP, "\"target\":[{\"type\":\"AppInstance\",\"id\":\"0oa1\"}]",
      "\"target\":[{\"type\":\"AppInstance\",\"id\":\"0oa2\"}]", false },
    { "one session", SESSION, "\"authenticationContext\":{\"externalSessionId\":\"s1\"}",
      "\"authenticationContext\":{\"externalSessionId\":\"s1\",\"rootSessionId\":\"r\"}", true },
    { "two sessions", SESSION, "\"authenticationContext\":{\"externalSessionId\":\"s1\"}",
      "\"authenticationContext\":{\"externalSessionId\":\"s2\"}", false },
    { "a session called unknown is none", SESSION, "\"authenticationContext\":{\"externalSessionId\":\"unknown\"}",
      "\"authenticationContext\":{}", true },
    { "an actor called unknown is none", ACTOR, "\"actor\":{\"id\":\"unknown\"}", "\"actor\":{\"id\":null}", true },
    { "the domain of an unknown actor is none", DOMAIN,
      "\"actor\":{\"id\":\"unknown\",\"alternateId\":\"a@acme.example\"}", "\"actor\":{\"id\":\"00u1\"}", true },
};

static uint64_t hash_of(const struct pages_seen *s, enum hash hash)
{
    const uint64_t hashes[] = { s->record.actor, s->record.email_domain, s->record.app, s->record.session };

    return hashes[hash];
}

static void hashes(void **state)
{
    const struct hash_row *row = *state;
    struct pages_read a, b;

    read_one(&a, row->a, NULL);
    read_one(&b, row->b, NULL);
    assert_int_equal(hash_of(&a.seen[0], row->hash) == hash_of(&b.seen[0], row->hash), row->same);
    pages_deinit(&a);
    pages_deinit(&b);
}

static void several_apps_are_told(void **state)
{
    struct pages_read r;

    (void)state;
    read_one(&r, "\"target\":[{\"type\":\"AppInstance\",\"id\":\"1\"},{\"type\":\"AppInstance\",\"id\":\"2\"}]", NULL);
    assert_true((r.seen[0].record.flags & JOURNAL_MORE_APPS) != 0);
    assert_string_equal(r.seen[0].login->app->id, "1");
    pages_deinit(&r);
}

/* ---- what is late ---- */

static const struct late_row {
    const char *name;
    int64_t watermark_ms;
    enum journal_source source;
    bool is_late;
    int64_t delay_s;
    int32_t delay_ns;
} late_rows[] = {
    { "nothing was there before", JOURNAL_NO_TIME, JOURNAL_TAIL, false, 0, 0 },
    { "newer than all", PAGES_PUBLISHED_MS - 1, JOURNAL_TAIL, false, 0, 0 },
    { "a minute older", PAGES_PUBLISHED_MS + 60000, JOURNAL_TAIL, false, 0, 0 },
    { "a minute and a millisecond older", PAGES_PUBLISHED_MS + 60001, JOURNAL_TAIL, true, 60, 1000000 },
    { "a day older", PAGES_PUBLISHED_MS + 86400000, JOURNAL_TAIL, true, 86400, 0 },
    { "a repair is late", PAGES_PUBLISHED_MS + 86400000, JOURNAL_AUDIT, true, 86400, 0 },
    { "history is not late", PAGES_PUBLISHED_MS + 86400000, JOURNAL_BACKFILL, false, 0, 0 },
};

static void lateness(void **state)
{
    const struct late_row *row = *state;
    const struct record_page like = { VIEW_NONE, row->watermark_ms, row->source };
    struct pages_read r;
    const struct pages_seen *s;

    read_one(&r, NULL, &like);
    s = &r.seen[0];
    assert_int_equal(s->login->late, row->is_late);
    assert_int_equal((s->record.flags & JOURNAL_LATE) != 0, row->is_late);
    assert_int_equal(s->record.source, row->source);
    assert_int_equal(s->login->delay != NULL, row->is_late);
    if (row->is_late) {
        assert_true(s->login->delay->seconds == row->delay_s);
        assert_int_equal(s->login->delay->nanos, row->delay_ns);
    }
    pages_deinit(&r);
}

/* ---- names that must not be kept: "Secret" is what was typed ---- */

static const struct mask_row {
    const char *name, *members;
    bool is_masked;
} mask_rows[] = {
    { "an actor that Okta does not know",
      "\"actor\":{\"id\":\"unknown\",\"type\":\"User\",\"alternateId\":\"Secret\",\"displayName\":\"Secret\"}", true },
    { "an actor without an id", "\"actor\":{\"type\":\"User\",\"alternateId\":\"Secret\"}", true },
    { "an id that is null", "\"actor\":{\"id\":null,\"alternateId\":\"Secret\"}", true },
    { "an id that is empty", "\"actor\":{\"id\":\"\",\"alternateId\":\"Secret\"}", true },
    { "a display name alone", "\"actor\":{\"id\":\"unknown\",\"displayName\":\"Secret\"}", true },
    { "a target repeats it, without id",
      "\"actor\":{\"id\":\"unknown\",\"alternateId\":\"Secret\"},"
      "\"target\":[{\"type\":\"User\",\"alternateId\":\"Secret\",\"displayName\":\"Secret\"}]",
      true },
    { "a target repeats it, with an id and another type",
      "\"actor\":{\"id\":\"unknown\",\"alternateId\":\"Secret\"},"
      "\"target\":[{\"id\":\"00u1\",\"type\":\"Thing\",\"alternateId\":\"Secret\"}]",
      true },
    { "a target repeats it in small letters, as its name",
      "\"actor\":{\"id\":\"unknown\",\"alternateId\":\"SECRET\"},"
      "\"target\":[{\"id\":\"00u1\",\"type\":\"Thing\",\"displayName\":\"Secret\"}]",
      true },
    { "a target repeats it as its id",
      "\"actor\":{\"id\":\"unknown\",\"alternateId\":\"Secret\"},\"target\":[{\"id\":\"Secret\",\"type\":\"User\"}]",
      true },
    { "a target that Okta does not know, of an actor that it knows",
      "\"actor\":{\"id\":\"00u1\",\"alternateId\":\"system@okta.com\"},"
      "\"target\":[{\"id\":\"unknown\",\"type\":\"User\",\"alternateId\":\"Secret\",\"displayName\":\"Secret\"}]",
      false },
};

static bool holds(struct view v, const char *text)
{
    return memmem(v.at, v.len, text, strlen(text)) != NULL;
}

static void is_not_kept(void **state)
{
    const struct mask_row *row = *state;
    struct pages_read r;
    const struct pages_seen *s;

    read_one(&r, row->members, NULL);
    s = &r.seen[0];
    assert_false(holds(s->record.encoded, "Secret") || holds(s->record.encoded, "SECRET"));
    assert_int_equal(s->login->actor->masked, row->is_masked);
    assert_int_equal((s->record.flags & JOURNAL_MASKED) != 0, row->is_masked);
    assert_true(!row->is_masked || s->record.email_domain == 0);
    pages_deinit(&r);
}

static void equal_names_have_equal_masks(void **state)
{
    struct pages_read a, b, c;

    (void)state;
    read_one(&a, "\"actor\":{\"id\":\"unknown\",\"alternateId\":\"hunter2\"}", NULL);
    read_one(&b, "\"actor\":{\"id\":null,\"alternateId\":\"hunter2\",\"displayName\":\"x\"}", NULL);
    read_one(&c, "\"actor\":{\"id\":\"unknown\",\"alternateId\":\"hunter3\"}", NULL);
    assert_string_equal(a.seen[0].login->actor->alternate_id, b.seen[0].login->actor->alternate_id);
    assert_string_not_equal(a.seen[0].login->actor->alternate_id, c.seen[0].login->actor->alternate_id);
    assert_int_equal(strlen(a.seen[0].login->actor->alternate_id), strlen("masked:0123456789abcdef:7"));
    assert_memory_equal(a.seen[0].login->actor->alternate_id, "masked:", 7);
    assert_true(view_ends(view_of(a.seen[0].login->actor->alternate_id), ":7"));
    assert_string_equal(b.seen[0].login->actor->display_name, "");
    pages_deinit(&a);
    pages_deinit(&b);
    pages_deinit(&c);
}

static void apps_keep_their_names(void **state)
{
    struct pages_read r;

    (void)state;
    read_one(&r,
             "\"actor\":{\"id\":\"unknown\",\"alternateId\":\"wiki\"},"
             "\"target\":[{\"id\":\"0oa1\",\"type\":\"AppInstance\",\"alternateId\":\"Wiki\"}]",
             NULL);
    assert_string_equal(r.seen[0].login->targets[0]->alternate_id, "Wiki");
    pages_deinit(&r);
}

static void the_word_unknown_is_no_name(void **state)
{
    struct pages_read r;

    (void)state;
    read_one(&r,
             "\"actor\":{\"id\":\"unknown\",\"alternateId\":\"unknown\"},"
             "\"target\":[{\"id\":\"unknown\",\"type\":\"PolicyEntity\",\"alternateId\":\"unknown\"}]",
             NULL);
    assert_true(r.seen[0].login->actor->masked);
    assert_string_equal(r.seen[0].login->targets[0]->id, "unknown");
    assert_string_equal(r.seen[0].login->targets[0]->alternate_id, "unknown");
    pages_deinit(&r);
}

/* ---- places ---- */

static const struct country_row {
    const char *name, *code;
} country_rows[] = {
    { "Sweden", "SE" },
    { "SWEDEN", "SE" },
    { "sweden", "SE" },
    { "United States", "US" },
    { "Afghanistan", "AF" },
    { "Zimbabwe", "ZW" },
    { "South Korea", "KR" },
    { "C\xc3\xb4te d'Ivoire", "CI" },
    { "Russian Federation", "RU" },
    { "Russia", "RU" },
    { "Hong Kong", "HK" },
    { "The Netherlands", "NL" },
    { "Netherlands", "NL" },
    { "T\xc3\xbcrkiye", "TR" },
    { "Turkey", "TR" },
    { "DE", "DE" },
    { "de", "\0\0" },
    { "Swede", "\0\0" },
    { "Swedens", "\0\0" },
    { "Atlantis", "\0\0" },
    { "", "\0\0" },
    { "D1", "\0\0" },
    { "Guinea", "GN" },
    { "Guinea-Bissau", "GW" },
    { "Niger", "NE" },
    { "Nigeria", "NG" },
    { "Dominica", "DM" },
    { "Dominican Republic", "DO" },
};

static void countries(void **state)
{
    const struct country_row *row = *state;
    struct pages_read r;
    char members[200];

    snprintf(members, sizeof members, "\"client\":{\"geographicalContext\":{\"country\":\"%s\"}}", row->name);
    read_one(&r, members, NULL);
    assert_memory_equal(r.seen[0].record.country, row->code, 2);
    assert_string_equal(r.seen[0].login->client->geographical_context->country, row->name);
    pages_deinit(&r);
}

static const struct ip_row {
    const char *name;
    uint8_t want[16];
} ip_rows[] = {
    { "192.0.2.44", { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 44 } },
    { "2001:db8::1", { 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 } },
    { "::ffff:192.0.2.44", { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 44 } },
    { "192.0.2", { 0 } },
    { "192.0.2.256", { 0 } },
    { "2001:db8::g", { 0 } },
    { "", { 0 } },
};

static void addresses(void **state)
{
    const struct ip_row *row = *state;
    struct pages_read r;
    char members[200];

    snprintf(members, sizeof members, "\"client\":{\"ipAddress\":\"%s\"}", row->name);
    read_one(&r, members, NULL);
    assert_memory_equal(r.seen[0].record.ip, row->want, 16);
    assert_string_equal(r.seen[0].login->client->ip_address, row->name);
    pages_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_is_read_whole),
        cmocka_unit_test(who_and_to_what),
        cmocka_unit_test(from_what),
        cmocka_unit_test(the_header_says_what_filters_need),
        cmocka_unit_test(nothing_in_the_header_for_what_is_not_there),
        cmocka_unit_test(several_apps_are_told),
        cmocka_unit_test(equal_names_have_equal_masks),
        cmocka_unit_test(apps_keep_their_names),
        cmocka_unit_test(the_word_unknown_is_no_name),
    };

    return RUN_ROWS(hashes, hash_rows) + RUN_ROWS(lateness, late_rows) + RUN_ROWS(is_not_kept, mask_rows) +
           RUN_ROWS(countries, country_rows) + RUN_ROWS(addresses, ip_rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
