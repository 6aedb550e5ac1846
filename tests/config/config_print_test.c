/* The effective configuration: each value with where it is from, no secret, and read back it is the same. */
#include "rows.h"

#include "config/config_table.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARGS_MAX  16
#define PRINT_MAX (64u << 10)

static const char *const *environment;
static const char *file; /* OKTA_CONNECTOR_CONFIG */

static const char *env(const char *name)
{
    size_t len = strlen(name);

    for (const char *const *at = environment; at != NULL && *at != NULL; at++)
        if (strncmp(*at, name, len) == 0 && (*at)[len] == '=')
            return *at + len + 1;
    if (strcmp(name, "OKTA_CONNECTOR_CONFIG") == 0)
        return file;
    return strcmp(name, "XDG_RUNTIME_DIR") == 0 ? "/run/user/7" : strcmp(name, "HOME") == 0 ? "/home/nobody" : NULL;
}

static struct config_problems problems;

static void load(struct config *out, const char *const *args, const char *const *variables, const char *path)
{
    const char *argv[ARGS_MAX + 1] = { "okta-connectord" };
    int argc = 1;

    for (; args != NULL && args[argc - 1] != NULL; argc++)
        argv[argc] = args[argc - 1];
    environment = variables;
    file = path;
    memset(&problems, 0, sizeof problems);
    if (!config_load(out, argc, argv, env, &problems))
        fail_msg("%s", problems.all[0].text);
}

/* The caller frees it. */
static char *print(const struct config *c)
{
    char *text = mem_zero(PRINT_MAX);
    FILE *to = fmemopen(text, PRINT_MAX, "w");

    config_print(c, to);
    fclose(to);
    return text;
}

static char folder[] = "/tmp/config_print.XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/config.yaml", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void write_file(const char *text)
{
    FILE *to = fopen(path, "w");

    assert_non_null(to);
    fputs(text, to);
    assert_int_equal(fclose(to), 0);
}

/* ---- there and back ---- */

static const struct way {
    const char *name;
    const char *args[ARGS_MAX], *env[4], *text;
} ways[] = {
    { "defaults", { NULL }, { NULL }, "" },
    { "flags",
      { "--data-dir=/d", "--listen=unix:/a", "--listen=reader=127.0.0.1:0", "--listen=reader=[::1]:7",
        "--http=[::1]:9090", "--org-share=7", "--store-max-bytes=20000000", "--threads=3", "--reader-uid=0",
        "--reader-gid=4294967295", "--log-level=warn", "--drain-ms=0", "--history-days=0", "--retention-days=3650" },
      { NULL },
      "" },
    { "TLS",
      { "--data-dir=/d", "--listen=admin=[::]:8443", "--listen=reader=tls:127.0.0.1:1", "--tls-cert-file=/c",
        "--tls-key-file=/k", "--tls-client-ca-file=/a", "--tls-admin-san=URI:spiffe://a.example/ns/*",
        "--tls-admin-san=DNS:*.b.example", "--tls-reader-san=IP:::1", "--tls-reader-san=email:c@d.example",
        "--max-connection-age=90s" },
      { NULL },
      "" },
    { "what YAML would take for something else",
      { "--data-dir=/a b/#c: \"d\" \\ 'e' \xc3\xa9\xc2\x85\xef\xbb\xbf\x01\x7f {[*&!|>%@`", "--seal-key-file=null",
        "--org=acme", "--token-file=- x", "--name=true", "--org=beta", "--token-file=~", "--name=0x10" },
      { NULL },
      "" },
    { "connectors of the file",
      { NULL },
      { NULL },
      "history-days: 3\nconnectors:\n  - {org: acme, token-file: t, collect: users}\n"
      "  - {org: beta, client-id: a, private-key-file: k, key-id: x, history-days: 1, retention-days: 2, name: b}\n" },
    { "no connectors", { NULL }, { "OKTA_CONNECTOR_LOG_LEVEL=error", NULL }, "connectors: []\n" },
    { "the default sockets, by name",
      { NULL },
      { NULL },
      "listen: [admin=unix:/run/user/7/okta-connector/admin.sock, reader=unix:/run/user/7/okta-connector/"
      "reader.sock]\n" },
};

static void read_back_it_is_the_same(void **state)
{
    const struct way *row = *state;
    AUTO_FREE struct config *was = mem_zero(sizeof *was);
    AUTO_FREE struct config *now = mem_zero(sizeof *now);
    AUTO_BUF struct buf names = BUF(4096);
    char *first, *again;

    write_file(row->text);
    load(was, row->args, row->env, path);
    first = print(was);
    write_file(first);
    load(now, NULL, NULL, path);
    assert_int_equal(now->listens_by_default, was->listens_by_default);
    /* A relative path has become absolute: that apart, nothing differs, and printed again it stands still. */
    again = print(now);
    write_file(again);
    load(was, NULL, NULL, path);
    assert_int_equal(config_changes(was, now, true, &names) + config_changes(was, now, false, &names), 0);
    free(first);
    free(again);
}

static void relative_paths_become_absolute(void **state)
{
    static const char *const args[] = { "--data-dir=d", NULL };
    AUTO_FREE struct config *c = mem_zero(sizeof *c);
    char want[4200], here[4096], *text;

    (void)state;
    write_file("seal-key-file: s/k\n");
    load(c, args, NULL, path);
    text = print(c);
    assert_non_null(getcwd(here, sizeof here));
    snprintf(want, sizeof want, "\ndata-dir: %s/d ", here);
    assert_non_null(strstr(text, want));
    snprintf(want, sizeof want, "\nseal-key-file: %s/s/k ", folder);
    assert_non_null(strstr(text, want));
    free(text);
}

/* ---- where it is from ---- */

/* Without the run of blanks before the comment. */
static void squeeze(char *text)
{
    char *to = text;

    for (const char *at = text; *at != '\0'; at++)
        if (!(at[0] == ' ' && at[1] == ' ' && to > text && to[-1] != '\n'))
            *to++ = *at;
    *to = '\0';
}

static void each_value_has_its_origin(void **state)
{
    static const char *const args[] = { "--drain-ms=7", "--listen=unix:/a", NULL };
    static const char *const variables[] = { "OKTA_CONNECTOR_ORG_SHARE=33", "OKTA_CONNECTOR_ORG=acme",
                                             "OKTA_CONNECTOR_TOKEN_FILE=/t", NULL };
    static const char *const lines[] = {
        "\nlisten: # flag --listen\n  - admin=unix:/a\n",
        "\n# http: # not set\n",
        "\nconnectors: # environment, OKTA_CONNECTOR_ORG\n  - org: acme # environment, OKTA_CONNECTOR_ORG\n"
        "  token-file: /t\n",
        "\nstore-max-bytes: 16G # default\n",
        "\norg-share: 33 # environment, OKTA_CONNECTOR_ORG_SHARE\n",
        "\ndrain-ms: 7 # flag --drain-ms\n",
    };
    AUTO_FREE struct config *c = mem_zero(sizeof *c);
    char want[128], *text;

    (void)state;
    write_file("\nthreads: 2\norg-share: 5\ndrain-ms: 9\nconnectors: [{org: b, token-file: /b}]\n");
    load(c, args, variables, path);
    text = print(c);
    squeeze(text);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (strstr(text, lines[i]) == NULL)
            fail_msg("no \"%s\" in:\n%s", lines[i], text);
    snprintf(want, sizeof want, "\nthreads: 2 # %s:2\n", path);
    assert_non_null(strstr(text, want));
    snprintf(want, sizeof want, "The file that was read: %s\n", path);
    assert_non_null(strstr(text, want));
    free(text);
}

static const struct masked {
    const char *name, *line;
} masks[] = {
    { "OKTA_CONNECTOR_PROXY=http://ann:hunter22@proxy.example:3128",
      "\n# proxy: \"http://ann:***@proxy.example:3128\" " },
    { "OKTA_CONNECTOR_PROXY=http://hunter22@proxy.example:3128", "\n# proxy: \"http://***@proxy.example:3128\" " },
    { "OKTA_CONNECTOR_PROXY=http://proxy.example:3128", "\nproxy: http://proxy.example:3128 " },
};

static void no_password_is_shown(void **state)
{
    const struct masked *row = *state;
    const char *const variables[] = { row->name, NULL };
    AUTO_FREE struct config *c = mem_zero(sizeof *c);
    char *text;

    load(c, NULL, variables, "/dev/null");
    text = print(c);
    squeeze(text);
    if (strstr(text, row->line) == NULL)
        fail_msg("no \"%s\" in:\n%s", row->line, text);
    assert_null(strstr(text, "hunter22"));
    free(text);
}

/* ---- what differs ---- */

static const struct change {
    const char *name, *was, *now, *live, *restart;
} changes[] = {
    { "nothing", "", "", "", "" },
    { "what a reload applies", "",
      "drain-ms: 1\norg-share: 1\nreader-uid: 1\nreader-gid: 1\nlog-level: debug\nhistory-days: 1\n",
      "history-days,org-share,reader-uid,reader-gid,log-level,drain-ms", "" },
    { "what takes a restart", "",
      "data-dir: /x\nthreads: 1\nproxy: http://p.example:1\nhttp: 127.0.0.1:1\nseal-key-file: /s\n", "",
      "data-dir,http,proxy,threads,seal-key-file" },
    { "one address more", "listen: [unix:/a]\n", "listen: [unix:/a, unix:/b]\n", "", "listen" },
    { "another address", "listen: [unix:/a]\n", "listen: [unix:/b]\n", "", "listen" },
    { "another file", "connectors: [{org: a, token-file: /t}]\n", "connectors: [{org: a, token-file: /u}]\n",
      "connectors", "" },
    { "one connector less", "connectors: [{org: a, token-file: /t}]\n", "connectors: []\n", "connectors", "" },
    { "the same in other words", "connectors: [{org: a, token-file: /t}]\n",
      "\n\nconnectors:\n  - {token-file: /t, name: a, org: a}\n", "", "" },
};

static void what_differs_is_named(void **state)
{
    const struct change *row = *state;
    AUTO_FREE struct config *was = mem_zero(sizeof *was);
    AUTO_FREE struct config *now = mem_zero(sizeof *now);
    AUTO_BUF struct buf live = BUF(4096);
    AUTO_BUF struct buf restart = BUF(4096);

    write_file(row->was);
    load(was, NULL, NULL, path);
    write_file(row->now);
    load(now, NULL, NULL, path);
    config_changes(was, now, true, &live);
    config_changes(was, now, false, &restart);
    assert_string_equal(buf_cstr(&live), row->live);
    assert_string_equal(buf_cstr(&restart), row->restart);
}

/* A row that nobody can write is one that a reload does not see. */
static void every_row_is_complete(void **state)
{
    (void)state;
    for (const struct config_option *o = config_options; o->name != NULL; o++) {
        assert_true(strlen(o->name) <= CONFIG_NAME_BYTES_MAX);
        assert_non_null(o->help);
        assert_true(o->type == &config_connectors || (o->type->parse != NULL && o->type->write != NULL));
        assert_true(o->type->is_switch || o->type == &config_connectors || o->scope == CONFIG_IN_CONNECTORS ||
                    o->meta != NULL);
        if (o->fallback != NULL) {
            AUTO_FREE struct config *c = mem_zero(sizeof *c);
            struct error err;

            assert_true(o->type->parse(o, view_of(o->fallback), c, &err));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relative_paths_become_absolute),
        cmocka_unit_test(each_value_has_its_origin),
        cmocka_unit_test(every_row_is_complete),
    };
    int failed;

    make_folder(NULL);
    failed = RUN_ROWS(read_back_it_is_the_same, ways) + RUN_ROWS(no_password_is_shown, masks) +
             RUN_ROWS(what_differs_is_named, changes) + cmocka_run_group_tests(tests, NULL, NULL);
    remove_folder(NULL);
    return failed;
}
