/* The table in catalogue.c, the one for readers in login.proto, and, where it is at hand, Okta's own list. */
#include "record/catalogue.h"

#include "okta/connector/v1/login.pb-c.h"
#include "tests/rows.h"

#include <stdio.h>
#include <string.h>

#define PROTO          "proto/okta/connector/v1/login.proto"
#define LINE_BYTES_MAX 16384
#define LEFT_OUT_MAX   100

struct documented {
    char types[512][100];
    int kinds[512];
    size_t count;
    char left_out[LEFT_OUT_MAX][100];
    size_t left_out_count;
};

static int kind_named(const char *name)
{
    char full[128];
    const ProtobufCEnumValue *value;

    snprintf(full, sizeof full, "LOGIN_KIND_%s", name);
    value = protobuf_c_enum_descriptor_get_value_by_name(&okta__connector__v1__login_kind__descriptor, full);
    assert_non_null(value);
    return value->value;
}

/* A line of the first table is "//   type  KIND", one of the second "//   type  reason". */
static void read_line(struct documented *d, const char *line, bool is_left_out)
{
    char type[100], word[100];

    if (sscanf(line, "//   %99s %99s", type, word) != 2 || strncmp(line, "//   ", 5) != 0)
        return;
    if (is_left_out) {
        assert_true(d->left_out_count < LEFT_OUT_MAX);
        strcpy(d->left_out[d->left_out_count++], type);
    } else {
        assert_true(d->count < 512);
        strcpy(d->types[d->count], type);
        d->kinds[d->count++] = kind_named(word);
    }
}

static int read_proto(void **state)
{
    static struct documented d;
    FILE *file = fopen(PROTO, "r");
    char line[512];
    bool is_inside = false, is_left_out = false;

    assert_non_null(file);
    memset(&d, 0, sizeof d);
    while (fgets(line, sizeof line, file) != NULL && strncmp(line, "enum LoginKind", 14) != 0) {
        is_inside = is_inside || strncmp(line, "// The kinds of login events", 28) == 0;
        is_left_out = is_left_out || strncmp(line, "// Left out", 11) == 0;
        if (is_inside)
            read_line(&d, line, is_left_out);
    }
    fclose(file);
    *state = &d;
    return 0;
}

static void the_documentation_is_the_table(void **state)
{
    const struct documented *d = *state;
    size_t count;
    const struct catalogue_entry *entries = catalogue_entries(&count);

    assert_true(count > 90);
    assert_int_equal(d->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(d->types[i], entries[i].event_type);
        assert_int_equal(d->kinds[i], entries[i].kind);
    }
}

static void every_entry_is_found(void **state)
{
    size_t count;
    const struct catalogue_entry *entries = catalogue_entries(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(catalogue_kind(view_of(entries[i].event_type)), entries[i].kind);
        assert_true(i == 0 || strcmp(entries[i - 1].event_type, entries[i].event_type) < 0);
    }
}

static bool is_matched(const char *pattern, const char *type)
{
    size_t len = strlen(pattern);

    if (pattern[len - 1] == '*')
        return strncmp(pattern, type, len - 1) == 0;
    return strcmp(pattern, type) == 0;
}

static bool is_left_out(const struct documented *d, const char *type)
{
    for (size_t i = 0; i < d->left_out_count; i++)
        if (is_matched(d->left_out[i], type))
            return true;
    return false;
}

static void nothing_is_both_in_and_left_out(void **state)
{
    const struct documented *d = *state;

    assert_true(d->left_out_count > 30);
    for (size_t i = 0; i < d->count; i++)
        assert_false(is_left_out(d, d->types[i]));
}

/* What looks like a sign-in by its name. */
static bool is_alike(const char *type)
{
    static const struct {
        const char *prefix, *part;
    } groups[] = {
        { "user.session.", "" },
        { "user.authentication.", "" },
        { "user.mfa.", "" },
        { "policy.", "sign_on" },
        { "app.", "sso" },
        { "app.oauth2.", "" },
        { "app.generic.unauth", "" },
        { "app.kerberos_rich_client.", "" },
        { "app.inbound_del_auth.", "" },
        { "application.policy.sign_on.", "" },
        { "device.", "_sso." },
        { "device.desktop_mfa.", "" },
        { "device.", "authentication" },
        { "system.push.send_factor", "" },
        { "system.iwa_agentless", "" },
        { "system.ldapi.", "" },
    };

    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (strncmp(type, groups[i].prefix, strlen(groups[i].prefix)) == 0 && strstr(type, groups[i].part) != NULL)
            return true;
    return false;
}

static void every_type_of_okta_that_looks_alike_is_decided(void **state)
{
    const struct documented *d = *state;
    const char *path = getenv("OKTA_EVENT_TYPES");
    static char line[LINE_BYTES_MAX];
    size_t alike = 0, undecided = 0;
    FILE *file;

    if (path == NULL) {
        puts("SKIPPED: OKTA_EVENT_TYPES names no copy of Okta's event-types.csv");
        skip();
    }
    file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        char type[200];

        if (sscanf(line, "\"%199[^\"]\"", type) != 1 || !is_alike(type))
            continue;
        alike++;
        if (catalogue_kind(view_of(type)) == 0 && !is_left_out(d, type)) {
            printf("undecided: %s\n", type);
            undecided++;
        }
    }
    fclose(file);
    assert_true(alike > 100);
    assert_int_equal(undecided, 0);
}

/* The types of which it is known what they are not. */
static const struct kind_row {
    const char *name, *type, *kind;
} kind_rows[] = {
    { "a login", "user.session.start", "SESSION_START" },
    { "a logout", "user.session.end", "SESSION_END" },
    { "single sign-on", "user.authentication.sso", "APP_SIGN_ON" },
    { "OpenID Connect", "app.oauth2.signon", "APP_SIGN_ON" },
    { "single log-out", "user.authentication.slo", "APP_SIGN_OFF" },
    { "a second factor", "user.authentication.auth_via_mfa", "FACTOR" },
    { "a push refused", "user.mfa.okta_verify.deny_push", "FACTOR" },
    { "a policy", "policy.evaluate_sign_on", "POLICY_DECISION" },
    { "impersonation", "user.session.impersonation.grant", "IMPERSONATION" },
    { "a directory", "user.authentication.auth_via_AD_agent", "AUTHENTICATION" },
    { "a token", "app.oauth2.as.token.grant.access_token", "APP_AUTHORIZATION" },
    { "a way to authenticate that is new at Okta", "user.authentication.auth_via_telepathy", "AUTHENTICATION" },
    { "a session event that is new at Okta", "user.session.levitate", "SESSION_CHANGE" },
    { "the administration of factors", "user.mfa.factor.activate", "UNSPECIFIED" },
    { "a new user", "user.lifecycle.create", "UNSPECIFIED" },
    { "the beginning of a type", "user.session", "UNSPECIFIED" },
    { "a type and a dot", "policy.evaluate_sign_on.", "UNSPECIFIED" },
    { "capital letters", "USER.SESSION.START", "UNSPECIFIED" },
    { "nothing", "", "UNSPECIFIED" },
};

static void kinds(void **state)
{
    const struct kind_row *row = *state;

    assert_int_equal(catalogue_kind(view_of(row->type)), kind_named(row->kind));
}

static const struct result_row {
    const char *name, *want;
} result_rows[] = {
    { "SUCCESS", "SUCCESS" },    { "ALLOW", "SUCCESS" },      { "FAILURE", "FAILURE" },   { "ABANDONED", "FAILURE" },
    { "UNANSWERED", "FAILURE" }, { "RATE_LIMIT", "FAILURE" }, { "DENY", "DENIED" },       { "CHALLENGE", "CHALLENGED" },
    { "SKIPPED", "SKIPPED" },    { "DEFERRED", "PENDING" },   { "SCHEDULED", "PENDING" }, { "UNKNOWN", "UNKNOWN" },
    { "success", "UNKNOWN" },    { "SUCCESSFUL", "UNKNOWN" }, { "", "UNKNOWN" },
};

static void results(void **state)
{
    const struct result_row *row = *state;
    char full[64];
    const ProtobufCEnumValue *value;

    snprintf(full, sizeof full, "LOGIN_RESULT_%s", row->want);
    value = protobuf_c_enum_descriptor_get_value_by_name(&okta__connector__v1__login_result__descriptor, full);
    assert_non_null(value);
    assert_int_equal(catalogue_result(view_of(row->name)), value->value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_documentation_is_the_table, read_proto),
        cmocka_unit_test(every_entry_is_found),
        cmocka_unit_test_setup(nothing_is_both_in_and_left_out, read_proto),
        cmocka_unit_test_setup(every_type_of_okta_that_looks_alike_is_decided, read_proto),
    };

    return RUN_ROWS(kinds, kind_rows) + RUN_ROWS(results, result_rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
