#include "rows.h"

#include "connectors/configure/configure.h"
#include "connectors/connector.h"
#include "connectors/connectors.h"
#include "model/credential.h"
#include "model/permission.h"
#include "model/snapshot.h"
#include "model/state.h"
#include "registry/registry.h"
#include "world/collections.h"
#include "world/connectors_world.h"

#include <string.h>

#define OTHER_TOKEN "00otherTokenNotReal0123456789abcdefghijklm"

static int setup(void **state)
{
    *state = world_create();
    return 0;
}

static int teardown(void **state)
{
    world_destroy(*state);
    return 0;
}

/* ---- the happy path ---- */

static void a_new_org_is_stored_and_runs(void **state)
{
    struct world *w = *state;
    const struct configure_request r = request_of("acme", ACME_URL, " " ORG_TOKEN "\n");
    struct answer *a = world_configure(w, &r);
    struct connector *c;

    assert_taken(a);
    assert_true(a->configured.stored);
    assert_true(a->configured.created);
    assert_string_equal(a->configured.name, "acme");
    assert_string_equal(a->configured.org_id, ACME_ID);
    assert_string_equal(a->configured.org_url, ACME_URL);
    assert_int_equal(a->configured.permission_count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(a->configured.permissions[i].verdict, PERMISSION_WORKS);
    assert_string_equal(a->configured.permissions[1].endpoint, "/api/v1/users");
    assert_string_equal(a->configured.permissions[2].endpoint, "/api/v1/logs");

    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
    assert_true(world_wait_health(w, "acme", 'f'));
    c = connectors_find(world_connectors(w), VIEW_NONE, NULL);
    assert_non_null(c);
    assert_string_equal(connector_org_id(c), ACME_ID);
    assert_non_null(connector_store(c));
    connector_release(c);
    assert_int_equal(world_entry(w, "acme").history_days, 30);
    assert_int_equal(world_entry(w, "acme").retention_days, 90);
    assert_int_equal(world_entry(w, "acme").collections, 1 << COLLECTION_LOGINS | 1 << COLLECTION_USERS);
}

/* ---- what is wrong by itself: Okta is not asked ---- */

static struct world *shared;

static const struct wrong {
    const char *name, *connector, *org, *token;
    int64_t history_days, retention_days;
    const char *reason;
} wrongs[] = {
    { "no name", "", ACME_URL, ORG_TOKEN, -1, -1, "NAME_INVALID" },
    { "a name in capitals", "Acme", ACME_URL, ORG_TOKEN, -1, -1, "NAME_INVALID" },
    { "a name with a path", "../acme", ACME_URL, ORG_TOKEN, -1, -1, "NAME_INVALID" },
    { "a name that begins with a dash", "-acme", ACME_URL, ORG_TOKEN, -1, -1, "NAME_INVALID" },
    { "a name of 64", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ACME_URL, ORG_TOKEN, -1, -1,
      "NAME_INVALID" },
    { "an org that is none", "acme", "ftp://acme.okta.com", ORG_TOKEN, -1, -1, "ORG_INVALID" },
    { "an admin host", "acme", "acme-admin.okta.com", ORG_TOKEN, -1, -1, "ADMIN_HOST" },
    { "no org for a new one", "acme", "", ORG_TOKEN, -1, -1, "ORG_INVALID" },
    { "an empty token", "acme", ACME_URL, "", -1, -1, "TOKEN_INVALID" },
    { "a placeholder for a token", "acme", ACME_URL, "${OKTA_TOKEN}", -1, -1, "TOKEN_INVALID" },
    { "no token for a new one", "acme", ACME_URL, NULL, -1, -1, "TOKEN_INVALID" },
    { "more history than Okta keeps", "acme", ACME_URL, ORG_TOKEN, 91, -1, "HISTORY_DAYS_INVALID" },
    { "more history than is kept", "acme", ACME_URL, ORG_TOKEN, 31, 30, "HISTORY_DAYS_INVALID" },
    { "nothing kept", "acme", ACME_URL, ORG_TOKEN, -1, 0, "RETENTION_DAYS_INVALID" },
    { "kept for ever", "acme", ACME_URL, ORG_TOKEN, -1, 3651, "RETENTION_DAYS_INVALID" },
};

static void is_wrong_by_itself(void **state)
{
    const struct wrong *row = *state;
    struct configure_request r = request_of(row->connector, row->org, row->token);
    struct answer *a;

    r.history_days = row->history_days;
    r.retention_days = row->retention_days;
    a = world_configure(shared, &r);
    assert_refused(a, ERROR_INVALID_ARGUMENT, row->reason);
    assert_int_equal(orgs_requests(world_orgs(shared), ACME_PORT, ""), 0);
}

/* ---- what Okta's answers come to ---- */

#define FORBIDDEN                                                                                                      \
    "{\"errorCode\":\"E0000006\",\"errorSummary\":\"You do not have permission to perform the requested action\","     \
    "\"errorLink\":\"E0000006\",\"errorId\":\"oae1\",\"errorCauses\":[]}"
#define DEAD                                                                                                           \
    "{\"errorCode\":\"E0000011\",\"errorSummary\":\"Invalid token provided\",\"errorLink\":\"E0000011\","              \
    "\"errorId\":\"oae2\",\"errorCauses\":[]}"

static const struct refusal {
    const char *name;
    const char *prefix; /* of the requests that get: */
    int status;
    const char *body;
    const char *reason; /* NULL: taken */
    enum permission_verdict users, logs;
    const char *says; /* the error, or the users' remedy */
} refusals[] = {
    { "a web site", "/.well-known", 200, "<html></html>", "NOT_AN_OKTA_ORG", 0, 0, "check the spelling" },
    { "no such org", "/.well-known", 404, "{}", "NOT_AN_OKTA_ORG", 0, 0, "HTTP 404" },
    { "an id that is a path", "/.well-known", 200, "{\"id\":\"../../x\"}", "NOT_AN_OKTA_ORG", 0, 0, "spelling" },
    { "a dead token", "/api/v1/users", 401, DEAD, "OKTA_TOKEN_REFUSED", PERMISSION_CREDENTIAL_REFUSED, PERMISSION_WORKS,
      "Security > API > Tokens" },
    { "no role for users", "/api/v1/users", 403, FORBIDDEN, "OKTA_PERMISSION_MISSING", PERMISSION_ROLE_MISSING,
      PERMISSION_WORKS, "Read-only Administrator" },
    { "no role for the log", "/api/v1/logs", 403, FORBIDDEN, "OKTA_PERMISSION_MISSING", PERMISSION_WORKS,
      PERMISSION_ROLE_MISSING, "System Log" },
    { "an org without one user", "/api/v1/users", 200, " [ ] ", "OKTA_PERMISSION_MISSING",
      PERMISSION_SUSPICIOUSLY_EMPTY, PERMISSION_WORKS, "cannot be" },
    { "a quiet log", "/api/v1/logs", 200, "[]", NULL, PERMISSION_WORKS, PERMISSION_WORKS, "" },
    { "a page that is no list", "/api/v1/users", 200, "{}", "OKTA_UNREACHABLE", PERMISSION_NO_ANSWER, PERMISSION_WORKS,
      "status.okta.com" },
};

static void check_refusal(void **state)
{
    const struct refusal *row = *state;
    struct world *w = world_create();
    struct configure_request r = request_of("acme", ACME_URL, ORG_TOKEN);
    struct answer *a;
    enum permission_verdict verdicts[COLLECTION_IDS_MAX] = { 0 };

    orgs_fault(world_orgs(w), ACME_PORT, row->prefix, 9, row->status, row->body);
    a = world_configure(w, &r);
    for (size_t i = 0; i < a->configured.permission_count; i++) {
        const struct permission *p = &a->configured.permissions[i];

        verdicts[p->collection] = p->verdict;
        assert_int_equal(p->verdict == PERMISSION_WORKS, p->remedy[0] == '\0');
        if (p->remedy[0] != '\0')
            assert_int_equal(p->remedy[strlen(p->remedy) - 1], '.'); /* a whole sentence: not cut */
    }
    assert_int_equal(verdicts[COLLECTION_USERS], row->users);
    assert_int_equal(verdicts[COLLECTION_LOGINS], row->logs);
    if (row->reason == NULL) {
        assert_taken(a);
    } else {
        assert_refused(a, ERROR_FAILED_PRECONDITION, row->reason);
        assert_non_null(strstr(a->err.text, row->says));
        assert_null(strstr(a->err.text, ORG_TOKEN));
        assert_false(world_is_stored(w, "acme"));
        assert_false(world_exists(w, "acme"));
    }
    world_destroy(w);
}

/* ---- a service app ---- */

/* The document of the orgs' app, with that key. */
static struct configure_request request_of_app(const char *private_key)
{
    static struct buf text = BUF(4096);
    struct configure_request r = request_of("acme", ACME_URL, NULL);

    buf_reset(&text);
    assert_true(credential_of_app(VIEW(ORG_CLIENT_ID), view_of(private_key), VIEW(ORG_KEY_ID), &text));
    r.credential = buf_view(&text);
    r.has_credential = true;
    return r;
}

static void a_service_app_is_stored_and_runs(void **state)
{
    struct world *w = *state;
    const struct configure_request r = request_of_app(orgs_private_key());
    struct answer *a = world_configure(w, &r);
    struct credential_facts facts;
    struct connector *c;

    assert_taken(a);
    assert_int_equal(a->configured.permission_count, 3);
    assert_int_equal(a->configured.warning_count, 0);
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
    c = connectors_find(world_connectors(w), VIEW_NONE, NULL);
    connector_credential(c, &facts);
    connector_release(c);
    assert_int_equal(facts.kind, CREDENTIAL_SERVICE_APP);
    assert_string_equal(facts.client_id, ORG_CLIENT_ID);
    assert_int_equal(strlen(facts.fingerprint), 8);
    assert_true(facts.set_unix_ms > 0);
    assert_false(facts.is_from_file);

    /* It is read from the store as it was given. */
    world_stop(w);
    world_start(w);
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
}

static bool has_grants(struct world *w, const void *ctx)
{
    struct connector *c = connectors_find(world_connectors(w), VIEW("acme"), NULL);
    struct poller_snapshot now;

    connector_snapshot(c, &now);
    connector_release(c);
    return strcmp(now.grants.granted, ctx) == 0;
}

static void what_was_granted_is_shown(void **state)
{
    struct world *w = *state;
    const struct configure_request r = request_of_app(orgs_private_key());

    assert_taken(world_configure(w, &r));
    assert_true(world_wait(w, has_grants, "okta.users.read okta.logs.read"));
}

static const struct app_refusal {
    const char *name;
    const char *scopes;
    enum emulator_role role;
    bool has_other_key;
    const char *reason;
    enum permission_verdict users;
    const char *missing_scope, *says;
} app_refusals[] = {
    { "an app without the scope for users", "okta.logs.read", EMULATOR_ROLE_READ_ONLY, false, "OKTA_PERMISSION_MISSING",
      PERMISSION_SCOPE_MISSING, "okta.users.read", "okta.users.read: grant it" },
    { "an app without a role", "okta.users.read okta.logs.read", EMULATOR_ROLE_NONE, false, "OKTA_PERMISSION_MISSING",
      PERMISSION_SUSPICIOUSLY_EMPTY, "", "most likely the app has no admin role" },
    { "a key that the app does not have", "okta.users.read okta.logs.read", EMULATOR_ROLE_READ_ONLY, true,
      "OKTA_TOKEN_REFUSED", PERMISSION_CREDENTIAL_REFUSED, "", "public half of this key" },
};

static void check_app_refusal(void **state)
{
    const struct app_refusal *row = *state;
    struct world *w = world_create();
    const struct configure_request r = request_of_app(row->has_other_key ? orgs_other_key() : orgs_private_key());
    const struct permission *users;
    struct answer *a;

    orgs_set_scopes(world_orgs(w), ACME_PORT, row->scopes);
    orgs_set_role(world_orgs(w), ACME_PORT, row->role);
    a = world_configure(w, &r);
    assert_refused(a, ERROR_FAILED_PRECONDITION, row->reason);
    users = &a->configured.permissions[1];
    assert_int_equal(users->verdict, row->users);
    assert_string_equal(users->missing_scope, row->missing_scope);
    if (strstr(users->remedy, row->says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", users->remedy, row->says);
    assert_null(strstr(users->remedy, "token's owner"));
    assert_int_equal(users->remedy[strlen(users->remedy) - 1], '.');
    assert_false(world_is_stored(w, "acme"));
    world_destroy(w);
}

static const struct no_app {
    const char *name, *text;
} no_apps[] = {
    { "an app without key", "{\"client_id\":\"0oa1\"}" },
    { "a key that is none", "{\"client_id\":\"0oa1\",\"private_key\":\"hunter22\",\"key_id\":\"k\"}" },
    { "half a document", "{\"client_id\":\"0oa1\"" },
};

static void is_no_app(void **state)
{
    const struct no_app *row = *state;
    struct configure_request r = request_of("acme", ACME_URL, row->text);
    struct answer *a = world_configure(shared, &r);

    assert_refused(a, ERROR_INVALID_ARGUMENT, "CREDENTIAL_INVALID");
    assert_null(strstr(a->err.text, "hunter22"));
    assert_int_equal(orgs_requests(world_orgs(shared), ACME_PORT, ""), 0);
}

/* ---- more than read ---- */

#define OVERREACH "/api/v1/iam/assignees/users"

static const struct power {
    const char *name;
    int status;
    const char *body;
    bool warns;
} powers[] = {
    { "a read-only admin", 403, FORBIDDEN, false },
    { "one who can do more", 200, "{\"value\":[]}", true },
    { "an org that does not know the question", 404, "{}", false },
    { "an answer that says nothing", 500, "", false },
    { "a refusal of this alone", 401, DEAD, false },
};

static void check_power(void **state)
{
    const struct power *row = *state;
    struct world *w = world_create();
    const struct configure_request r = request_of("acme", ACME_URL, ORG_TOKEN);
    struct answer *a;

    orgs_fault(world_orgs(w), ACME_PORT, OVERREACH, 9, row->status, row->body);
    a = world_configure(w, &r);
    assert_taken(a); /* it is a warning, no more */
    assert_int_equal(orgs_requests(world_orgs(w), ACME_PORT, OVERREACH), 1);
    assert_int_equal(a->configured.warning_count, row->warns);
    if (row->warns)
        assert_non_null(strstr(a->configured.warnings[0], "do more than read"));
    world_destroy(w);
}

static void a_token_that_nothing_takes_is_not_asked_for_more(void **state)
{
    struct world *w = *state;
    const struct configure_request r = request_of("acme", ACME_URL, OTHER_TOKEN);

    assert_refused(world_configure(w, &r), ERROR_FAILED_PRECONDITION, "OKTA_TOKEN_REFUSED");
    assert_int_equal(orgs_requests(world_orgs(w), ACME_PORT, OVERREACH), 0);
}

static void an_app_is_not_asked_for_an_admins_rights(void **state)
{
    struct world *w = *state;
    const struct configure_request r = request_of_app(orgs_private_key());

    assert_taken(world_configure(w, &r));
    assert_int_equal(orgs_requests(world_orgs(w), ACME_PORT, OVERREACH), 0);
}

static void an_org_that_does_not_answer_is_unreachable(void **state)
{
    struct world *w = *state;
    const struct configure_request r = request_of("acme", "http://127.0.0.1:9", ORG_TOKEN);

    assert_refused(world_configure(w, &r), ERROR_FAILED_PRECONDITION, "OKTA_UNREACHABLE");
    assert_false(world_is_stored(w, "acme"));
}

static void only_what_is_chosen_is_probed(void **state)
{
    struct world *w = *state;
    struct configure_request r = request_of("acme", ACME_URL, ORG_TOKEN);
    struct answer *a;

    r.collections = 1u << COLLECTION_LOGINS;
    r.validate_only = true;
    a = world_configure(w, &r);
    assert_taken(a);
    assert_int_equal(a->configured.permission_count, 2);
    assert_int_equal(orgs_requests(world_orgs(w), ACME_PORT, "/api/v1/users"), 0);
}

static void validating_shows_the_table_and_stores_nothing(void **state)
{
    struct world *w = *state;
    struct configure_request r = request_of("acme", ACME_URL, ORG_TOKEN);
    struct answer *a;

    orgs_fault(world_orgs(w), ACME_PORT, "/api/v1/users", 1, 403, FORBIDDEN);
    r.validate_only = true;
    a = world_configure(w, &r);
    assert_taken(a);
    assert_false(a->configured.stored);
    assert_int_equal(a->configured.permissions[1].verdict, PERMISSION_ROLE_MISSING);
    assert_int_equal(a->configured.permissions[1].http_status, 403);
    assert_string_equal(a->configured.permissions[1].error_code, "E0000006");
    assert_false(world_is_stored(w, "acme"));
    assert_false(world_exists(w, "acme"));
}

static void partly_is_enough_when_it_was_said(void **state)
{
    struct world *w = *state;
    struct configure_request r = request_of("acme", ACME_URL, ORG_TOKEN);

    orgs_fault(world_orgs(w), ACME_PORT, "/api/v1/users", 1, 403, FORBIDDEN);
    r.allow_partial = true;
    assert_taken(world_configure(w, &r));
    assert_true(world_is_stored(w, "acme"));
}

/* ---- whose org is it ---- */

static void configure_acme(struct world *w)
{
    const struct configure_request r = request_of("acme", ACME_URL, ORG_TOKEN);

    assert_taken(world_configure(w, &r));
}

static void a_name_stays_with_its_org(void **state)
{
    struct world *w = *state;
    const struct configure_request r = request_of("acme", BETA_URL, ORG_TOKEN);

    configure_acme(w);
    assert_refused(world_configure(w, &r), ERROR_FAILED_PRECONDITION, "ORG_MISMATCH");
    assert_string_equal(world_entry(w, "acme").org_id, ACME_ID);
}

static void an_org_has_one_name(void **state)
{
    struct world *w = *state;
    const struct configure_request r = request_of("second", ACME_URL, ORG_TOKEN);

    configure_acme(w);
    assert_refused(world_configure(w, &r), ERROR_ALREADY_EXISTS, "ORG_CONFIGURED");
    assert_false(world_is_stored(w, "second"));
}

static void another_host_of_the_same_org_is_a_rename(void **state)
{
    struct world *w = *state;
    const struct configure_request r = request_of("acme", "http://127.0.0.1:21009", ORG_TOKEN);
    char url[REGISTRY_URL_MAX + 1];
    struct connector *c;
    struct answer *a;

    configure_acme(w);
    orgs_alias(world_orgs(w), ACME_PORT, 21009);
    c = connectors_find(world_connectors(w), VIEW("acme"), NULL);
    a = world_configure(w, &r);
    assert_taken(a);
    assert_false(a->configured.created);
    assert_false(connector_is_deleted(c)); /* its readers go on */
    connector_org_url(c, url);
    assert_string_equal(url, "http://127.0.0.1:21009");
    connector_release(c);
    assert_string_equal(world_entry(w, "acme").org_url, "http://127.0.0.1:21009");
}

/* ---- changing ---- */

static void what_is_left_out_stays(void **state)
{
    struct world *w = *state;
    struct configure_request r = request_of("acme", NULL, NULL);
    struct answer *a;

    configure_acme(w);
    r.retention_days = 45;
    a = world_configure(w, &r);
    assert_taken(a);
    assert_true(a->configured.stored);
    assert_false(a->configured.created);
    assert_int_equal(world_entry(w, "acme").retention_days, 45);
    assert_int_equal(world_entry(w, "acme").history_days, 30);
    assert_string_equal(world_entry(w, "acme").org_url, ACME_URL);
    assert_true(world_entry(w, "acme").has_secret);
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
}

static void less_retention_cuts_the_history_and_says_so(void **state)
{
    struct world *w = *state;
    struct configure_request r = request_of("acme", ACME_URL, ORG_TOKEN);
    struct answer *a;

    r.retention_days = 7;
    a = world_configure(w, &r);
    assert_taken(a);
    assert_int_equal(world_entry(w, "acme").history_days, 7);
    assert_int_equal(a->configured.warning_count, 1);
}

static void a_new_token_reconnects_the_running_connector(void **state)
{
    struct world *w = *state;
    const struct configure_request r = request_of("acme", NULL, OTHER_TOKEN);
    struct buf secret = BUF(REGISTRY_SECRET_MAX);
    struct connector *c;

    configure_acme(w);
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
    c = connectors_find(world_connectors(w), VIEW("acme"), NULL);
    orgs_set_token(world_orgs(w), ACME_PORT, OTHER_TOKEN);
    assert_taken(world_configure(w, &r));
    assert_false(connector_is_deleted(c));
    connector_release(c);
    orgs_add_login(world_orgs(w), ACME_PORT);
    assert_true(world_wait_logins(w, "acme", 1));
    assert_true(registry_secret(world_registry(w), "acme", &secret, NULL));
    assert_true(view_is(buf_view(&secret), OTHER_TOKEN));
    buf_deinit(&secret);
}

static void a_dead_token_does_not_replace_a_good_one(void **state)
{
    struct world *w = *state;
    const struct configure_request r = request_of("acme", NULL, OTHER_TOKEN);
    struct buf secret = BUF(REGISTRY_SECRET_MAX);

    configure_acme(w);
    assert_refused(world_configure(w, &r), ERROR_FAILED_PRECONDITION, "OKTA_TOKEN_REFUSED");
    assert_true(registry_secret(world_registry(w), "acme", &secret, NULL));
    assert_true(view_is(buf_view(&secret), ORG_TOKEN));
    buf_deinit(&secret);
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
}

/* ---- several at once ---- */

static void two_configures_of_one_name_take_turns(void **state)
{
    struct world *w = *state;
    const struct configure_request r = request_of("acme", ACME_URL, ORG_TOKEN);
    struct answer first, second;

    orgs_hold(world_orgs(w), ACME_PORT, true);
    world_configure_begin(w, &first, &r);
    world_configure_begin(w, &second, &r);
    orgs_hold(world_orgs(w), ACME_PORT, false);
    world_answered(&first);
    world_answered(&second);
    assert_taken(&first);
    assert_taken(&second);
    assert_int_equal(first.configured.created + second.configured.created, 1);
}

static void two_names_for_one_org_at_once_make_one_connector(void **state)
{
    struct world *w = *state;
    const struct configure_request one = request_of("one", ACME_URL, ORG_TOKEN);
    const struct configure_request two = request_of("two", ACME_URL, ORG_TOKEN);
    struct answer first, second;

    orgs_hold(world_orgs(w), ACME_PORT, true);
    world_configure_begin(w, &first, &one);
    world_configure_begin(w, &second, &two);
    orgs_hold(world_orgs(w), ACME_PORT, false);
    world_answered(&first);
    world_answered(&second);
    assert_int_equal(first.ok + second.ok, 1);
    assert_refused(first.ok ? &second : &first, ERROR_ALREADY_EXISTS, "ORG_CONFIGURED");
}

static void an_org_that_hangs_does_not_keep_another_waiting(void **state)
{
    struct world *w = *state;
    const struct configure_request hangs = request_of("acme", ACME_URL, ORG_TOKEN);
    const struct configure_request works = request_of("beta", BETA_URL, ORG_TOKEN);
    struct answer first;

    orgs_hold(world_orgs(w), ACME_PORT, true);
    world_configure_begin(w, &first, &hangs);
    assert_taken(world_configure(w, &works));
    assert_false(first.is_there);
    orgs_hold(world_orgs(w), ACME_PORT, false);
    world_answered(&first);
    assert_taken(&first);
}

static void probes_at_once_are_bounded(void **state)
{
    struct world *w = *state;
    static const char *const names[CONFIGURES_MAX] = { "a", "b", "c", "d", "e", "f", "g", "h" };
    struct configure_request r = request_of("ninth", BETA_URL, ORG_TOKEN);
    struct answer *answers = calloc(CONFIGURES_MAX, sizeof *answers);

    orgs_hold(world_orgs(w), ACME_PORT, true);
    for (size_t i = 0; i < CONFIGURES_MAX; i++) {
        const struct configure_request one = request_of(names[i], ACME_URL, ORG_TOKEN);

        world_configure_begin(w, &answers[i], &one);
    }
    assert_refused(world_configure(w, &r), ERROR_RESOURCE_EXHAUSTED, "TOO_MANY_PROBES");
    orgs_hold(world_orgs(w), ACME_PORT, false);
    for (size_t i = 0; i < CONFIGURES_MAX; i++)
        world_answered(&answers[i]);
    assert_taken(world_configure(w, &r));
    free(answers);
}

static void a_caller_that_leaves_changes_nothing(void **state)
{
    struct world *w = *state;
    const struct configure_request r = request_of("acme", ACME_URL, ORG_TOKEN);
    struct answer a;

    orgs_hold(world_orgs(w), ACME_PORT, true);
    world_configure_begin(w, &a, &r);
    atomic_store(&a.is_cancelled, true);
    world_answered(&a);
    assert_int_equal(a.err.code, ERROR_CANCELLED);
    assert_false(world_is_stored(w, "acme"));
}

static void a_configure_takes_no_longer_than_its_bound(void **state)
{
    struct world *w = *state;
    const struct configure_request r = request_of("acme", ACME_URL, ORG_TOKEN);
    struct answer a;

    orgs_hold(world_orgs(w), ACME_PORT, true);
    world_configure_begin(w, &a, &r);
    world_skip_ms(w, 61000);
    world_answered(&a);
    assert_false(a.ok);
    assert_false(world_is_stored(w, "acme"));
}

static void stopping_ends_a_probe(void **state)
{
    struct world *w = *state;
    const struct configure_request r = request_of("acme", ACME_URL, ORG_TOKEN);
    struct answer a;

    orgs_hold(world_orgs(w), ACME_PORT, true);
    world_configure_begin(w, &a, &r);
    connectors_stop(world_connectors(w));
    world_answered(&a);
    assert_refused(&a, ERROR_UNAVAILABLE, "SHUTTING_DOWN");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static int run_wrongs(void)
{
    int failed;

    shared = world_create();
    failed = RUN_ROWS(is_wrong_by_itself, wrongs) + RUN_ROWS(is_no_app, no_apps);
    world_destroy(shared);
    return failed;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_org_is_stored_and_runs),
        TEST(a_service_app_is_stored_and_runs),
        TEST(what_was_granted_is_shown),
        TEST(a_token_that_nothing_takes_is_not_asked_for_more),
        TEST(an_app_is_not_asked_for_an_admins_rights),
        TEST(an_org_that_does_not_answer_is_unreachable),
        TEST(only_what_is_chosen_is_probed),
        TEST(validating_shows_the_table_and_stores_nothing),
        TEST(partly_is_enough_when_it_was_said),
        TEST(a_name_stays_with_its_org),
        TEST(an_org_has_one_name),
        TEST(another_host_of_the_same_org_is_a_rename),
        TEST(what_is_left_out_stays),
        TEST(less_retention_cuts_the_history_and_says_so),
        TEST(a_new_token_reconnects_the_running_connector),
        TEST(a_dead_token_does_not_replace_a_good_one),
        TEST(two_configures_of_one_name_take_turns),
        TEST(two_names_for_one_org_at_once_make_one_connector),
        TEST(an_org_that_hangs_does_not_keep_another_waiting),
        TEST(probes_at_once_are_bounded),
        TEST(a_caller_that_leaves_changes_nothing),
        TEST(a_configure_takes_no_longer_than_its_bound),
        TEST(stopping_ends_a_probe),
    };

    return run_wrongs() + RUN_ROWS(check_refusal, refusals) + RUN_ROWS(check_app_refusal, app_refusals) +
           RUN_ROWS(check_power, powers) + cmocka_run_group_tests(tests, NULL, NULL);
}
