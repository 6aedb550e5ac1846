/* The configuration file: what is read, and how each mistake is told: where, what, and what to do. */
#include "rows.h"

#include "base/mem.h"
#include "config/config.h"

#include <stdio.h>
#include <string.h>

static struct config config;
static struct config_problems problems;

static bool parse(struct view bytes)
{
    memset(&config, 0, sizeof config);
    memset(&problems, 0, sizeof problems);
    return config_file_parse(bytes, "/etc/c.yaml", &config, &problems);
}

/* ---- what is refused ---- */

static const struct refusal {
    const char *name, *text, *says; /* begins so */
} refusals[] = {
    /* names */
    { "an unknown name, with the nearest", "drain: 1\ndata-dri: /d\n",
      "/etc/c.yaml:1:1: there is no setting \"drain\"; did you mean drain-ms?" },
    { "where it stands", "drain-ms: 1\n\n  \n# x\ndata-dri: /d\n",
      "/etc/c.yaml:5:1: there is no setting \"data-dri\"; did you mean data-dir?" },
    { "underscores", "data_dir: /d\n", "/etc/c.yaml:1:1: there is no setting \"data_dir\"; did you mean data-dir?" },
    { "a name that a terminal would obey", "\"\\e[2J\\n\": 1\n", "/etc/c.yaml:1:1: there is no setting \"?[2J?\"" },
    { "dashes before it", "--data-dir: /d\n",
      "/etc/c.yaml:1:1: there is no setting \"--data-dir\"; did you mean data-dir?" },
    { "a name like none", "frobnicate: 1\n", "/etc/c.yaml:1:1: there is no setting \"frobnicate\" (see --help)" },
    { "an empty name", "\"\": 1\n", "/etc/c.yaml:1:1: there is no setting \"\"" },
    { "a merge key", "<<: {drain-ms: 1}\n", "/etc/c.yaml:1:1: there is no setting \"<<\"" },
    { "a member of a connector", "org: acme\n", "/etc/c.yaml:1:1: \"org\" belongs into an entry of connectors" },
    { "a setting in a connector", "connectors:\n  - org: acme\n    listen: unix:/a\n",
      "/etc/c.yaml:3:5: \"listen\" is of the whole server, not of a connector" },
    { "an unknown member, with the nearest", "connectors:\n  - org: acme\n    token-fiel: t\n",
      "/etc/c.yaml:3:5: there is no setting \"token-fiel\"; did you mean token-file?" },
    { "a member like none", "connectors:\n  - frobnicate: t\n",
      "/etc/c.yaml:2:5: there is no setting \"frobnicate\" of a connector" },
    { "a flag", "help: true\n", "/etc/c.yaml:1:1: \"help\" is a flag, and does not belong into a file" },
    { "another file", "config: /etc/d.yaml\n", "/etc/c.yaml:1:1: \"config\" is a flag" },
    { "a name twice", "drain-ms: 1\norg-share: 5\ndrain-ms: 2\n",
      "/etc/c.yaml:3:1: drain-ms is there already, in line 1: keep one of them" },
    { "a list twice", "listen:\n  - unix:/a\nlisten:\n  - unix:/b\n",
      "/etc/c.yaml:3:1: listen is there already, in line 1" },
    { "a member twice", "connectors:\n  - org: a\n    org: b\n", "/etc/c.yaml:3:5: org is there already, in line 2" },
    { "a list for a name", "[a, b]: 1\n", "/etc/c.yaml:1:1: the name of a setting is wanted here, not a list" },
    { "a mapping for a name", "{a: b}: 1\n", "/etc/c.yaml:1:1: the name of a setting is wanted here, not a mapping" },

    /* secrets */
    { "a token", "token: 00secretsecretsecret\n",
      "/etc/c.yaml:1:1: \"token\": secrets do not stand here: put it alone into a file that only the server can read, "
      "and give the file's path, with token-file in an entry of connectors" },
    { "a connector's token", "connectors:\n  - org: a\n    token: 00secretsecretsecret\n",
      "/etc/c.yaml:3:5: \"token\": secrets do not stand here: put it alone into a file that only the server can read, "
      "and give the file's path, with token-file" },
    { "a connector's key", "connectors:\n  - org: a\n    private-key: 00secretsecretsecret\n",
      "/etc/c.yaml:3:5: \"private-key\": secrets do not stand here: put it alone into a file that only the server can "
      "read, and give the file's path, with private-key-file" },
    { "a client secret", "connectors:\n  - client_secret: 00secretsecretsecret\n",
      "/etc/c.yaml:2:5: \"client_secret\": secrets do not stand here" },
    { "a token for its file", "connectors:\n  - token-file: 00secretsecretsecretsecretsecretsecretsecr\n",
      "/etc/c.yaml:2:17: token-file: takes a file's path, and was given what looks like a secret itself" },
    { "a proxy's password", "proxy: http://ann:00secretsecretsecret@proxy.example:3128\n",
      "/etc/c.yaml:1:8: proxy with a user name and password does not belong into a file" },

    /* values */
    { "below the range", "org-share: 0\n",
      "/etc/c.yaml:1:12: org-share: must be a whole number from 1 to 100, not \"0\"" },
    { "above the range", "drain-ms: 600001\n",
      "/etc/c.yaml:1:11: drain-ms: must be a whole number from 0 to 600000, not \"600001\"" },
    { "octal and hex are no numbers of ours", "drain-ms: 0x10\n",
      "/etc/c.yaml:1:11: drain-ms: must be a whole number" },
    { "a size", "store-max-bytes: 1K\n", "/etc/c.yaml:1:18: store-max-bytes: must be a size from 16M to 16T" },
    { "a level", "log-level: loud\n", "/etc/c.yaml:1:12: log-level: must be debug, info, warn or error" },
    { "a switch", "allow-http-loopback-org: on\n",
      "/etc/c.yaml:1:26: allow-http-loopback-org: must be true or false, not \"on\"" },
    { "an address", "listen:\n  - unix:/a\n  - 10.0.0.1\n", "/etc/c.yaml:3:5: listen: " },
    { "an address too many",
      "listen: [unix:/1, unix:/2, unix:/3, unix:/4, unix:/5, unix:/6, unix:/7, unix:/8, unix:/9]\n",
      "/etc/c.yaml:1:82: listen: is given more than 8 times" },
    { "for metrics", "http: reader=unix:/a\n", "/etc/c.yaml:1:7: http: must be 127.0.0.1:PORT" },
    { "no value", "data-dir:\n", "/etc/c.yaml:1:10: data-dir has no value: write one, or remove the line" },
    { "null", "data-dir: null\n", "/etc/c.yaml:1:11: data-dir has no value" },
    { "a tilde", "data-dir: ~\n", "/etc/c.yaml:1:11: data-dir has no value" },
    { "an empty text", "data-dir: \"\"\n", "/etc/c.yaml:1:11: data-dir: must be a path" },
    { "a NUL", "data-dir: \"/a\\0b\"\n", "/etc/c.yaml:1:11: data-dir holds a NUL character" },
    { "what a connector collects", "connectors:\n  - collect: groups\n",
      "/etc/c.yaml:2:14: collect: must be one of logins, users, or several with a comma between, not \"groups\"" },
    { "one thing that a connector collects", "connectors:\n  - collect: [logins, groups]\n",
      "/etc/c.yaml:2:23: collect: must be" },
    { "a connector's days", "connectors:\n  - history-days: 91\n",
      "/etc/c.yaml:2:19: history-days: must be a whole number from 0 to 90" },

    /* kinds */
    { "a list for a value", "drain-ms: [1]\n", "/etc/c.yaml:1:11: drain-ms takes a single value, not a list" },
    { "a mapping for a value", "drain-ms:\n  a: 1\n", "/etc/c.yaml:2:3: drain-ms takes a single value, not a mapping" },
    { "a value for a list", "listen: unix:/a\n",
      "/etc/c.yaml:1:9: listen is a list, not a single value: write \"- VALUE\"" },
    { "a mapping for a list", "listen: {admin: unix:/a}\n", "/etc/c.yaml:1:9: listen is a list, not a mapping" },
    { "a list in a list", "listen:\n  - [unix:/a]\n", "/etc/c.yaml:2:5: listen takes a single value, not a list" },
    { "an empty list", "listen: []\n", "/etc/c.yaml:1:9: listen is empty" },
    { "a value for connectors", "connectors: acme\n",
      "/etc/c.yaml:1:13: connectors is a list, not a single value: write \"- org: acme\"" },
    { "a mapping for connectors", "connectors:\n  org: acme\n",
      "/etc/c.yaml:2:3: connectors is a list, not a mapping" },
    { "a value for a connector", "connectors:\n  - acme\n", "/etc/c.yaml:2:5: an entry of connectors is a mapping" },
    { "a list for a connector", "connectors:\n  - [acme]\n", "/etc/c.yaml:2:5: an entry of connectors is a mapping" },
    { "a list for a member", "connectors:\n  - org: [acme]\n",
      "/etc/c.yaml:2:10: org takes a single value, not a list" },
    { "a value for the file", "hello\n",
      "/etc/c.yaml:1:1: the file is a mapping of names to values, such as \"drain-ms: 5000\", not a single value" },
    { "a list for the file", "- drain-ms: 1\n",
      "/etc/c.yaml:1:1: the file is a mapping of names to values, such as \"drain-ms: 5000\", not a list" },

    /* of YAML, what is not read */
    { "an anchor at a value", "drain-ms: &a 1\n", "/etc/c.yaml:1:11: anchors (&name) are not read" },
    { "an anchor at a list", "listen: &a [unix:/a]\n", "/etc/c.yaml:1:9: anchors (&name) are not read" },
    { "an anchor at the whole", "&a\ndrain-ms: 1\n", "/etc/c.yaml:1:1: anchors (&name) are not read" },
    { "an anchor at a name", "&a drain-ms: 1\n", "/etc/c.yaml:1:1: anchors (&name) are not read" },
    { "an alias", "drain-ms: *a\n", "/etc/c.yaml:1:11: aliases (*name) are not read: write the value itself" },
    { "an alias in a list", "listen: [*a]\n", "/etc/c.yaml:1:10: aliases (*name) are not read" },
    { "an alias for a name", "*a : 1\n", "/etc/c.yaml:1:1: aliases (*name) are not read" },
    { "an alias for a connector", "connectors:\n  - *a\n", "/etc/c.yaml:2:5: aliases (*name) are not read" },
    { "an alias for the file", "*a\n", "/etc/c.yaml:1:1: aliases (*name) are not read" },
    { "a tag", "drain-ms: !!int 1\n", "/etc/c.yaml:1:11: tags (!type) are not read" },
    { "a tag of one's own", "data-dir: !env HOME\n", "/etc/c.yaml:1:11: tags (!type) are not read" },
    { "a tag at a connector", "connectors:\n  - !x {org: a}\n", "/etc/c.yaml:2:5: tags (!type) are not read" },
    { "a tag at what is collected", "connectors:\n  - collect: !x [users]\n",
      "/etc/c.yaml:2:14: tags (!type) are not read" },
    { "a version", "%YAML 1.1\n---\ndrain-ms: 1\n", "/etc/c.yaml:1:1: directives (%YAML, %TAG) are not read" },
    { "a second document", "drain-ms: 1\n---\ndrain-ms: 2\n",
      "/etc/c.yaml:2:1: the file has a second document (---): keep one" },

    /* what is no YAML */
    { "a tab", "listen:\n\t- unix:/a\n",
      "/etc/c.yaml:2:1: it is no YAML: found character that cannot start any token: indent with blanks, not tabs" },
    { "indented wrongly", "drain-ms: 1\n  org-share: 5\n",
      "/etc/c.yaml:1:11: drain-ms goes on over several lines: write its value in one, and begin each setting at" },
    { "a block of text", "data-dir: |\n  /a\n", "/etc/c.yaml:1:11: data-dir goes on over several lines" },
    { "a colon in a value", "data-dir: a: b\n",
      "/etc/c.yaml:1:12: it is no YAML: mapping values are not allowed in this context: check the indentation" },
    { "an open list", "listen: [unix:/a\n",
      "/etc/c.yaml:2:1: it is no YAML: did not find expected ',' or ']': check the indentation, and that each list and "
      "quote is closed" },
    { "an open quote", "data-dir: \"/a\n", "/etc/c.yaml:2:1: it is no YAML: found unexpected end of stream" },
    { "no UTF-8", "data-dir: /\xff\n", "/etc/c.yaml: it is not UTF-8 text (invalid leading UTF-8 octet, at byte 11)" },
    { "a control character", "data-dir: /\x01\n",
      "/etc/c.yaml: it is not UTF-8 text (control characters are not allowed" },
    { "too deep", "frob: [[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]\n", "/etc/c.yaml:1:1: there is no setting" },
};

static void is_refused(void **state)
{
    const struct refusal *row = *state;

    assert_false(parse(view_of(row->text)));
    assert_true(problems.errors > 0);
    if (strncmp(problems.all[0].text, row->says, strlen(row->says)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", problems.all[0].text, row->says);
    for (size_t i = 0; i < problems.count; i++)
        assert_null(strstr(problems.all[i].text, "00secret"));
}

/* ---- what is read ---- */

static const char whole[] = "---\n"
                            "# a comment\n"
                            "data-dir: /srv/okta\n"
                            "listen:\n"
                            "  - unix:/run/okta/admin.sock\n"
                            "  - \"reader=[::1]:50051\"\n"
                            "http: 127.0.0.1:9090\n"
                            "history-days: 7\n"
                            "retention-days: \"40\"\n"
                            "store-max-bytes: 2G\n"
                            "org-share: 33\n"
                            "proxy: http://proxy.example:3128\n"
                            "ca-file: ca.pem\n"
                            "reader-uid: 1000\n"
                            "reader-gid: 0\n"
                            "threads: 2\n"
                            "seal-key-file: /secrets/seal\n"
                            "log-level: debug\n"
                            "drain-ms: 7000\n"
                            "allow-http-loopback-org: yes\n"
                            "connectors:\n"
                            "  - org: acme\n"
                            "    token-file: secrets/token\n"
                            "  - {name: two, org: beta.okta.com, client-id: 0oa1, private-key-file: /k, key-id: kid,\n"
                            "     collect: logins, history-days: 0, retention-days: 5}\n"
                            "  - name: three\n"
                            "    org: https://gamma.okta.com\n"
                            "    token-file: /t\n"
                            "    collect: [logins, users]\n"
                            "...\n";

static void every_setting_is_read(void **state)
{
    (void)state;
    if (!parse(VIEW(whole)))
        fail_msg("%s", problems.all[0].text);
    assert_string_equal(config.data_dir, "/srv/okta");
    assert_int_equal(config.listen_count, 2);
    assert_string_equal(config.listen[0].path, "/run/okta/admin.sock");
    assert_string_equal(config.listen[1].host, "::1");
    assert_true(config.has_http);
    assert_int_equal(config.http.port, 9090);
    assert_int_equal(config.history_days, 7);
    assert_int_equal(config.retention_days, 40);
    assert_int_equal(config.store_max_bytes, UINT64_C(2) << 30);
    assert_int_equal(config.org_share_percent, 33);
    assert_string_equal(config.proxy, "http://proxy.example:3128");
    assert_string_equal(config.ca_file, "/etc/ca.pem");
    assert_int_equal(config.reader_uid, 1000);
    assert_int_equal(config.reader_gid, 0);
    assert_int_equal(config.threads, 2);
    assert_string_equal(config.seal_key_file, "/secrets/seal");
    assert_int_equal(config.log_level, LOG_DEBUG);
    assert_int_equal(config.drain_ms, 7000);
    assert_true(config.allow_http_loopback_org);
}

static void connectors_are_read(void **state)
{
    const struct config_declared *d = config.declared;

    (void)state;
    assert_true(parse(VIEW(whole)));
    assert_int_equal(config.declared_count, 3);
    assert_string_equal(d[0].org, "acme");
    assert_string_equal(d[0].token_file, "/etc/secrets/token");
    assert_int_equal(d[0].collections, 0);
    assert_int_equal(d[0].history_days, -1);
    assert_int_equal(d[0].retention_days, -1);
    assert_int_equal(d[0].origin.from, CONFIG_FROM_FILE);
    assert_int_equal(d[0].origin.line, 22);
    assert_int_equal(d[0].origin.column, 5);
    assert_string_equal(d[1].name, "two");
    assert_string_equal(d[1].client_id, "0oa1");
    assert_string_equal(d[1].private_key_file, "/k");
    assert_string_equal(d[1].key_id, "kid");
    assert_int_equal(d[1].collections, 1 << 1);
    assert_int_equal(d[1].history_days, 0);
    assert_int_equal(d[1].retention_days, 5);
    assert_int_equal(d[2].collections, 1 << 1 | 1 << 2);
}

static const struct nothing {
    const char *name, *text;
} nothings[] = {
    { "no bytes", "" },
    { "a blank line", "\n" },
    { "comments", "# a\n#b\n" },
    { "a beginning", "---\n" },
    { "both ends", "---\n...\n" },
    { "an empty mapping", "{}\n" },
    { "no connectors", "connectors: []\n" },
    { "a mark of byte order", "\xef\xbb\xbf# a\n" },
};

static void says_nothing(void **state)
{
    const struct nothing *row = *state;

    if (!parse(view_of(row->text)))
        fail_msg("%s", problems.all[0].text);
    assert_int_equal(config.declared_count, 0);
    assert_int_equal(config.listen_count, 0);
}

static void every_mistake_is_told_at_once(void **state)
{
    static const char text[] = "drain-ms: -1\nfrob: {a: [1, 2]}\nlisten: [x, unix:/a]\norg-share: 7\n"
                               "connectors:\n  - org: [acme]\n    name: a\n    token: x\n  - 7\nthreads: 65\n";
    static const unsigned lines[] = { 1, 2, 3, 6, 8, 9, 10 };

    (void)state;
    assert_false(parse(VIEW(text)));
    assert_int_equal(problems.errors, sizeof lines / sizeof lines[0]);
    for (size_t i = 0; i < problems.count; i++) {
        char begins[64];

        snprintf(begins, sizeof begins, "/etc/c.yaml:%u:", lines[i]);
        if (strncmp(problems.all[i].text, begins, strlen(begins)) != 0)
            fail_msg("\"%s\" is not of line %u", problems.all[i].text, lines[i]);
    }
    /* What was right is there. */
    assert_int_equal(config.org_share_percent, 7);
    assert_string_equal(config.listen[0].path, "/a");
    assert_string_equal(config.declared[0].name, "a");
}

static void seventeen_connectors_are_too_many(void **state)
{
    AUTO_BUF struct buf text = BUF(4096);

    (void)state;
    buf_puts(&text, "connectors:\n");
    for (int i = 0; i <= CONFIG_DECLARED_MAX; i++)
        buf_printf(&text, "  - {org: acme%d, token-file: /t}\n", i);
    assert_false(parse(buf_view(&text)));
    assert_int_equal(problems.errors, 1);
    assert_string_equal(problems.all[0].text, "/etc/c.yaml:18:5: at most 16 connectors can be declared");
}

static void a_path_is_bounded_with_its_folder(void **state)
{
    AUTO_BUF struct buf text = BUF(4096);

    (void)state;
    buf_puts(&text, "data-dir: ");
    for (int i = 0; i < CONFIG_PATH_MAX; i++)
        buf_putc(&text, 'a');
    assert_false(parse(buf_view(&text)));
    assert_non_null(strstr(problems.all[0].text, "longer than 1023 bytes"));
}

/* ---- what is hostile ---- */

/* A piece, as often as it fits into the largest file. */
static const struct flood {
    const char *name, *begins, *piece;
} floods[] = {
    { "brackets", "x: ", "[" },
    { "braces", "x: ", "{" },
    { "braces with keys", "x: ", "{a: " },
    { "brackets for keys", "", "[" },
    { "questions", "", "? " },
    { "dashes", "", "- " },
    { "unknown names", "", "a:\n" },
    { "connectors", "connectors:\n", "- {}\n" },
    { "addresses", "listen:\n", "- unix:/a\n" },
    { "a long name", "", "a" },
    { "a long value", "data-dir: ", "a" },
    { "a long quote", "data-dir: \"", "\\u0041" },
    { "anchors", "", "&a " },
    { "documents", "", "---\n" },
    { "comments", "", "#\n" },
    { "blanks", "", " " },
    { "colons", "", ": " },
    { "tags", "%TAG ! a\n---\n", "!a " },
    { "deeper lines", "x:\n", " a:\n " },
};

static void ends_soon(void **state)
{
    const struct flood *row = *state;
    AUTO_BUF struct buf text = BUF(CONFIG_FILE_BYTES_MAX);

    buf_puts(&text, row->begins);
    while (text.len + strlen(row->piece) <= CONFIG_FILE_BYTES_MAX)
        buf_puts(&text, row->piece);
    (void)!parse(buf_view(&text));
    assert_true(problems.count <= CONFIG_PROBLEMS_MAX);
}

static void a_larger_file_is_not_read(void **state)
{
    char *text = mem_alloc(CONFIG_FILE_BYTES_MAX + 1);

    (void)state;
    memset(text, '#', CONFIG_FILE_BYTES_MAX + 1);
    assert_false(parse((struct view){ text, CONFIG_FILE_BYTES_MAX + 1 }));
    assert_string_equal(problems.all[0].text, "/etc/c.yaml: it is larger than 1048576 bytes");
    assert_true(parse((struct view){ text, CONFIG_FILE_BYTES_MAX }));
    free(text);
}

/* Any cut of a good file ends, and says where. */
static void a_file_that_was_cut(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof whole; len++) {
        /* Alone in its memory: who reads beyond it is found. */
        char *cut = mem_copy(whole, len > 0 ? len : 1);

        if (!parse((struct view){ cut, len }))
            assert_true(strncmp(problems.all[0].text, "/etc/c.yaml:", 12) == 0);
        free(cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_setting_is_read),
        cmocka_unit_test(connectors_are_read),
        cmocka_unit_test(every_mistake_is_told_at_once),
        cmocka_unit_test(seventeen_connectors_are_too_many),
        cmocka_unit_test(a_path_is_bounded_with_its_folder),
        cmocka_unit_test(a_larger_file_is_not_read),
        cmocka_unit_test(a_file_that_was_cut),
    };

    return RUN_ROWS(is_refused, refusals) + RUN_ROWS(says_nothing, nothings) + RUN_ROWS(ends_soon, floods) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
