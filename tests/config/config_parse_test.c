#include "rows.h"

#include "config/config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ARGS_MAX 12

/* "NAME=value" each; the row under test sets it. */
static const char *const *environment;

static const char *env(const char *name)
{
    size_t len = strlen(name);

    for (const char *const *at = environment; at != NULL && *at != NULL; at++)
        if (strncmp(*at, name, len) == 0 && (*at)[len] == '=')
            return *at + len + 1;
    /* Whatever file this machine has is not ours. */
    return strcmp(name, "OKTA_CONNECTOR_CONFIG") == 0 ? "/dev/null" : NULL;
}

static struct config config;
static struct config_problems problems;

static bool parse(const char *const *args, const char *const *variables)
{
    static const char *const home[] = { "HOME=/home/nobody", "XDG_RUNTIME_DIR=/run/user/7", NULL };
    const char *argv[ARGS_MAX + 1] = { "okta-connectord" };
    int argc = 1;

    for (; args[argc - 1] != NULL; argc++)
        argv[argc] = args[argc - 1];
    environment = variables != NULL && variables[0] != NULL ? variables : home;
    memset(&problems, 0, sizeof problems);
    return config_load(&config, argc, argv, env, &problems);
}

/* ---- what is refused, and how it is said ---- */

static const struct refusal {
    const char *name;
    const char *args[ARGS_MAX];
    const char *env[4];
    const char *says;
} refusals[] = {
    { "an unknown flag names the nearest", { "--data-dri", "/d" }, { NULL }, "did you mean --data-dir?" },
    { "a beginning names the rest", { "--retention" }, { NULL }, "did you mean --retention-days?" },
    { "a short word is not bent into another", { "--frob" }, { NULL }, "there is no flag --frob (see --help)" },
    { "a flag like none names nothing", { "--frobnicate" }, { NULL }, "there is no flag --frobnicate (see --help)" },
    { "a bare word", { "start" }, { NULL }, "\"start\" is no flag" },
    { "two dashes", { "--" }, { NULL }, "is no flag" },
    { "a value that is missing", { "--data-dir" }, { NULL }, "--data-dir needs a value" },
    { "a value that is empty", { "--data-dir=" }, { NULL }, "--data-dir: must be a path" },
    { "days below the range",
      { "--retention-days", "0" },
      { NULL },
      "must be a whole number from 1 to 3650, not \"0\"" },
    { "days above the range", { "--history-days=91" }, { NULL }, "must be a whole number from 0 to 90, not \"91\"" },
    { "days that are no number", { "--history-days", "all" }, { NULL }, "not \"all\"" },
    { "more history than is kept",
      { "--history-days=20", "--retention-days=10" },
      { NULL },
      "--history-days 20 is more than the 10 days" },
    { "a share above all", { "--org-share=101" }, { NULL }, "from 1 to 100" },
    { "a share of nothing", { "--org-share=0" }, { NULL }, "from 1 to 100" },
    { "a store too small", { "--store-max-bytes=15M" }, { NULL }, "must be a size from 16M to 16T" },
    { "a store too large", { "--store-max-bytes=17T" }, { NULL }, "must be a size from 16M to 16T" },
    { "a store of words", { "--store-max-bytes=M" }, { NULL }, "must be a size from 16M to 16T" },
    { "a size that overflows", { "--store-max-bytes=99999999999999999999" }, { NULL }, "must be a size from 16M" },
    { "a level that is none", { "--log-level", "loud" }, { NULL }, "debug, info, warn or error" },
    { "neither on nor off", { "--sandbox=true" }, { NULL }, "on or off" },
    { "a switch with another value", { "--allow-http-loopback-org=maybe" }, { NULL }, "true or false" },
    { "metrics beyond loopback", { "--http", "10.0.0.1:9090" }, { NULL }, "--http: " },
    { "metrics with a role", { "--http", "reader=127.0.0.1:0" }, { NULL }, "--http" },
    { "a host's name", { "--listen", "api.example:5000" }, { NULL }, "--listen: " },
    { "beyond loopback without TLS", { "--data-dir=/d", "--listen", "10.0.0.1:5000" }, { NULL }, "--tls-cert-file" },
    { "TLS for nowhere", { "--data-dir=/d", "--tls-reader-san=DNS:a.example" }, { NULL }, "no address" },
    { "a name without its kind", { "--tls-admin-san", "a.example" }, { NULL }, "--tls-admin-san: " },
    { "an age that is none", { "--max-connection-age", "old" }, { NULL }, "1s to 7d" },
    { "an age that is too little", { "--max-connection-age", "10ms" }, { NULL }, "1s to 7d" },
    { "an age that is too much", { "--max-connection-age", "8d" }, { NULL }, "1s to 7d" },
    { "an org without token",
      { "--org", "acme" },
      { NULL },
      "(or --client-id and --private-key-file); --org acme is alone" },
    { "a token without org", { "--token-file", "/t" }, { NULL }, "--token-file /t is alone" },
    { "a name alone", { "--name", "n" }, { NULL }, "--name n is alone" },
    { "an app without org", { "--client-id=0oa1", "--private-key-file=/k" }, { NULL }, "--client-id 0oa1 is alone" },
    { "an app without key", { "--org=acme", "--client-id=0oa1" }, { NULL }, "both --client-id and --private-key-file" },
    { "a key without app", { "--org=acme", "--private-key-file=/k" }, { NULL }, "both --client-id and" },
    { "a key's id without app", { "--org=acme", "--token-file=/t", "--key-id=k" }, { NULL }, "not both" },
    { "a token and an app",
      { "--org=acme", "--token-file=/t", "--client-id=0oa1", "--private-key-file=/k" },
      { NULL },
      "--token-file /t is not alone" },
    { "a proxy that is none", { "--proxy=ftp://proxy.example" }, { NULL }, "http://proxy.example:3128" },
    { "a password that everybody can read",
      { "--proxy", "http://ann:hunter22@proxy.example:3128" },
      { NULL },
      "OKTA_CONNECTOR_PROXY" },
    { "a CA file that is not there", { "--data-dir=/d", "--ca-file=/nowhere/ca.pem" }, { NULL }, "/nowhere/ca.pem" },
    { "an admin host", { "--org=acme-admin.okta.com", "--token-file=/t" }, { NULL }, "acme.okta.com" },
    { "http without the switch", { "--org=http://127.0.0.1:1", "--token-file=/t" }, { NULL }, "--org: " },
    { "the environment is named", { NULL }, { "OKTA_CONNECTOR_ORG_SHARE=0" }, "OKTA_CONNECTOR_ORG_SHARE: " },
    { "no home and no data folder", { NULL }, { "X=" }, "--data-dir" },
};

static void is_refused(void **state)
{
    const struct refusal *row = *state;

    if (strcmp(row->name, "no home and no data folder") == 0 && geteuid() == 0)
        skip(); /* root has a folder of its own */
    assert_false(parse(row->args, row->env));
    assert_int_equal(problems.errors, 1);
    if (strstr(problems.all[0].text, row->says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", problems.all[0].text, row->says);
    assert_null(strstr(problems.all[0].text, "hunter22"));
}

/* ---- what is taken ---- */

static const struct size {
    const char *name;
    uint64_t want;
} sizes[] = {
    { "16777216", UINT64_C(16777216) }, { "16M", UINT64_C(16) << 20 }, { "2g", UINT64_C(2) << 30 },
    { "65536K", UINT64_C(64) << 20 },   { "16T", UINT64_C(16) << 40 },
};

static void check_bytes(void **state)
{
    const struct size *row = *state;
    const char *const args[] = { "--store-max-bytes", row->name, NULL };

    assert_true(parse(args, NULL));
    assert_int_equal(config.store_max_bytes, row->want);
}

static void nothing_given_has_defaults(void **state)
{
    const char *const args[] = { NULL };

    (void)state;
    assert_true(parse(args, NULL));
    assert_string_equal(config.data_dir,
                        geteuid() == 0 ? "/var/lib/okta-connector" : "/home/nobody/.local/share/okta-connector");
    assert_int_equal(config.listen_count, 2);
    assert_true(config.listens_by_default);
    assert_int_equal(config.listen[0].role, NET_ADMIN);
    assert_string_equal(config.listen[0].path, "/run/user/7/okta-connector/admin.sock");
    assert_int_equal(config.listen[1].role, NET_READER);
    assert_string_equal(config.listen[1].path, "/run/user/7/okta-connector/reader.sock");
    assert_int_equal(config.store_max_bytes, UINT64_C(16) << 30);
    assert_int_equal(config.org_share_percent, 50);
    assert_int_equal(config.drain_ms, 5000);
    assert_int_equal(config.connection_age_ms, 30 * 60 * 1000);
    assert_int_equal(config.history_days, -1);
    assert_int_equal(config.retention_days, -1);
    assert_int_equal(config.reader_uid, -1);
    assert_int_equal(config.reader_gid, -1);
    assert_int_equal(config.log_level, LOG_INFO);
    assert_int_equal(config.declared_count, 0);
    assert_false(config.allow_http_loopback_org);
    assert_false(config.allow_private_org);
}

static void a_flag_wins_over_the_environment(void **state)
{
    const char *const args[] = { "--drain-ms=7", "--data-dir", "/flag", NULL };
    const char *const variables[] = { "OKTA_CONNECTOR_DRAIN_MS=9", "OKTA_CONNECTOR_ORG_SHARE=33",
                                      "OKTA_CONNECTOR_ALLOW_HTTP_LOOPBACK_ORG=true", NULL };

    (void)state;
    assert_true(parse(args, variables));
    assert_int_equal(config.drain_ms, 7);
    assert_int_equal(config.org_share_percent, 33);
    assert_true(config.allow_http_loopback_org);
    assert_string_equal(config.data_dir, "/flag");
}

static void listens_do_not_mix_with_the_environments(void **state)
{
    const char *const args[] = { "--data-dir=/d", "--listen", "unix:/a", "--listen=reader=127.0.0.1:0", NULL };
    const char *const variables[] = { "OKTA_CONNECTOR_LISTEN=unix:/x, reader=unix:/y", NULL };

    (void)state;
    assert_true(parse(args, variables));
    assert_int_equal(config.listen_count, 2);
    assert_string_equal(config.listen[0].path, "/a");
    assert_int_equal(config.listen[0].role, NET_ADMIN);
    assert_int_equal(config.listen[1].role, NET_READER);
    assert_false(config.listens_by_default);
}

#define TLS_FILES "--tls-cert-file=/c", "--tls-key-file=/k", "--tls-client-ca-file=/a"

static void tls_is_as_given(void **state)
{
    const char *const args[] = { "--data-dir=/d", "--listen=admin=0.0.0.0:8443",
                                 "--tls-admin-san=URI:spiffe://example.org/admin/*", TLS_FILES, NULL };
    const char *const variables[] = { "OKTA_CONNECTOR_TLS_ADMIN_SAN=DNS:x.example",
                                      "OKTA_CONNECTOR_TLS_READER_SAN=DNS:a.example, IP:10.0.0.7",
                                      "OKTA_CONNECTOR_MAX_CONNECTION_AGE=0", NULL };

    (void)state;
    assert_true(parse(args, variables));
    assert_true(config.listen[0].is_tls);
    assert_int_equal(config.listen[0].role, NET_ADMIN);
    assert_string_equal(config.tls.cert_file, "/c");
    assert_string_equal(config.tls.key_file, "/k");
    assert_string_equal(config.tls.client_ca_file, "/a");
    assert_int_equal(config.tls.admin_count, 1);
    assert_int_equal(config.tls.admins[0].kind, CERT_NAME_URI);
    assert_int_equal(config.tls.reader_count, 2);
    assert_int_equal(config.tls.readers[1].kind, CERT_NAME_IP);
    assert_int_equal(config.connection_age_ms, 0);
}

static void an_environment_lists_by_comma(void **state)
{
    const char *const args[] = { "--data-dir=/d", NULL };
    const char *const variables[] = { "OKTA_CONNECTOR_LISTEN=unix:/x, reader=unix:/y", NULL };

    (void)state;
    assert_true(parse(args, variables));
    assert_int_equal(config.listen_count, 2);
    assert_string_equal(config.listen[1].path, "/y");
}

static void groups_declare_connectors(void **state)
{
    const char *const args[] = {
        "--data-dir=/d", "--org=acme.okta.com", "--token-file=/a",      "--name=one",      "--name=two",
        "--org=beta",    "--token-file=/b",     "--org=Gamma.okta.com", "--token-file=/c", NULL
    };

    (void)state;
    assert_true(parse(args, NULL));
    assert_int_equal(config.declared_count, 3);
    assert_string_equal(config.declared[0].name, "one");
    assert_string_equal(config.declared[0].token_file, "/a");
    assert_string_equal(config.declared[1].name, "two");
    assert_string_equal(config.declared[1].org, "beta");
    assert_string_equal(config.declared[2].name, "gamma"); /* by itself: the host's first label */
}

static void the_environment_declares_one(void **state)
{
    const char *const args[] = { "--data-dir=/d", NULL };
    const char *const variables[] = { "OKTA_CONNECTOR_ORG=https://acme.okta.com/", "OKTA_CONNECTOR_TOKEN_FILE=/t",
                                      NULL };

    (void)state;
    assert_true(parse(args, variables));
    assert_int_equal(config.declared_count, 1);
    assert_string_equal(config.declared[0].name, "acme");
}

static void a_service_app_is_declared_with_its_key(void **state)
{
    const char *const args[] = { "--data-dir=/d",
                                 "--org=acme",
                                 "--client-id=0oa1",
                                 "--private-key-file=/k",
                                 "--key-id=kid1",
                                 "--client-id=0oa2",
                                 "--org=beta",
                                 "--private-key-file=/l",
                                 NULL };

    (void)state;
    assert_true(parse(args, NULL));
    assert_int_equal(config.declared_count, 2);
    assert_string_equal(config.declared[0].client_id, "0oa1");
    assert_string_equal(config.declared[0].private_key_file, "/k");
    assert_string_equal(config.declared[0].key_id, "kid1");
    assert_string_equal(config.declared[0].token_file, "");
    assert_string_equal(config.declared[1].client_id, "0oa2");
    assert_string_equal(config.declared[1].key_id, "");
}

static void the_environment_declares_an_app_too(void **state)
{
    const char *const args[] = { "--data-dir=/d", NULL };
    const char *const variables[] = { "OKTA_CONNECTOR_ORG=acme", "OKTA_CONNECTOR_CLIENT_ID=0oa1",
                                      "OKTA_CONNECTOR_PRIVATE_KEY_FILE=/k", "OKTA_CONNECTOR_KEY_ID=kid1", NULL };

    (void)state;
    assert_true(parse(args, variables));
    assert_int_equal(config.declared_count, 1);
    assert_string_equal(config.declared[0].client_id, "0oa1");
    assert_string_equal(config.declared[0].key_id, "kid1");
}

static void a_proxy_has_its_password_from_the_environment(void **state)
{
    const char *const args[] = { "--data-dir=/d", NULL };
    const char *const variables[] = { "OKTA_CONNECTOR_PROXY=http://ann:hunter22@proxy.example:3128", NULL };

    (void)state;
    assert_true(parse(args, variables));
    assert_string_equal(config.proxy, "http://ann:hunter22@proxy.example:3128");
}

static void flags_declare_instead_of_the_environment(void **state)
{
    const char *const args[] = { "--data-dir=/d", "--org=beta", "--token-file=/b", NULL };
    const char *const variables[] = { "OKTA_CONNECTOR_ORG=acme", "OKTA_CONNECTOR_TOKEN_FILE=/t",
                                      "OKTA_CONNECTOR_NAME=n", NULL };

    (void)state;
    assert_true(parse(args, variables));
    assert_int_equal(config.declared_count, 1);
    assert_string_equal(config.declared[0].name, "beta");
}

static void help_needs_nothing_else(void **state)
{
    const char *const args[] = { "--org=acme", "--help", NULL };
    char text[8192] = "";
    FILE *to = fmemopen(text, sizeof text, "w");

    (void)state;
    assert_true(parse(args, NULL));
    assert_true(config.wants_help);
    config_help(to);
    fclose(to);
    assert_non_null(strstr(text, "--store-max-bytes SIZE"));
    assert_non_null(strstr(text, "default 16G"));
    assert_non_null(strstr(text, "Exit codes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_given_has_defaults),
        cmocka_unit_test(a_flag_wins_over_the_environment),
        cmocka_unit_test(listens_do_not_mix_with_the_environments),
        cmocka_unit_test(an_environment_lists_by_comma),
        cmocka_unit_test(tls_is_as_given),
        cmocka_unit_test(groups_declare_connectors),
        cmocka_unit_test(the_environment_declares_one),
        cmocka_unit_test(a_service_app_is_declared_with_its_key),
        cmocka_unit_test(the_environment_declares_an_app_too),
        cmocka_unit_test(a_proxy_has_its_password_from_the_environment),
        cmocka_unit_test(flags_declare_instead_of_the_environment),
        cmocka_unit_test(help_needs_nothing_else),
    };

    return RUN_ROWS(is_refused, refusals) + RUN_ROWS(check_bytes, sizes) + cmocka_run_group_tests(tests, NULL, NULL);
}
