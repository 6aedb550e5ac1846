#include "connectors/diagnose/diagnose_verdict.h"

#include "tests/rows.h"
#include "world/collections.h"

#include <string.h>

#define MIB    (UINT64_C(1) << 20)
#define NOW_MS INT64_C(1773480413000)
#define EXT4   0xef53
#define NFS    0x6969
#define TMPFS  0x01021994
#define DAY_S  INT64_C(86400)

/* A remedy exactly where something is to be done, and the word that matters in it. */
static void is_check(const struct check *c, enum check_verdict verdict, const char *says)
{
    assert_int_equal(c->verdict, verdict);
    assert_true(c->detail[0] != '\0');
    if (verdict == CHECK_WARN || verdict == CHECK_FAIL)
        assert_true(c->remedy[0] != '\0');
    if (says != NULL && strstr(c->detail, says) == NULL && strstr(c->remedy, says) == NULL)
        fail_msg("'%s' is neither in '%s' nor in '%s'", says, c->detail, c->remedy);
}

static const struct disk_row {
    const char *name;
    struct disk_facts facts;
    enum check_verdict want;
    const char *says;
} disk_rows[] = {
    { "room enough", { 5000 * MIB, 9000 * MIB, 100000, 200000, EXT4, false, true }, CHECK_OK, "ext4" },
    { "less than a GiB", { 1000 * MIB, 9000 * MIB, 100000, 200000, EXT4, false, true }, CHECK_WARN, "make room" },
    { "nearly nothing", { 63 * MIB, 9000 * MIB, 100000, 200000, EXT4, false, true }, CHECK_FAIL, "make room" },
    { "few inodes", { 5000 * MIB, 9000 * MIB, 100, 200000, EXT4, false, true }, CHECK_WARN, "make room" },
    { "no inodes", { 5000 * MIB, 9000 * MIB, 3, 200000, EXT4, false, true }, CHECK_FAIL, "make room" },
    { "a file system that counts no inodes", { 5000 * MIB, 9000 * MIB, 0, 0, EXT4, false, true }, CHECK_OK, NULL },
    { "read-only", { 5000 * MIB, 9000 * MIB, 100000, 200000, EXT4, true, true }, CHECK_FAIL, "read-write" },
    { "another's", { 5000 * MIB, 9000 * MIB, 100000, 200000, EXT4, false, false }, CHECK_FAIL, "chown" },
    { "on the network", { 5000 * MIB, 9000 * MIB, 100000, 200000, NFS, false, true }, CHECK_WARN, "local disk" },
    { "in memory", { 5000 * MIB, 9000 * MIB, 100000, 200000, TMPFS, false, true }, CHECK_WARN, "restart" },
    { "unknown", { 5000 * MIB, 9000 * MIB, 100000, 200000, 0x1234, false, true }, CHECK_OK, "not known" },
};

static void disk(void **state)
{
    const struct disk_row *row = *state;
    struct check c = { .connector = "" };

    diagnose_disk(&row->facts, "/data", &c);
    is_check(&c, row->want, row->says);
}

static const struct names_row {
    const char *name;
    struct inspect_names names;
    const char *proxy;
    enum check_verdict want;
    const char *says;
} names_rows[] = {
    { "found", { .is_found = true, .addresses = "192.0.2.1" }, "", CHECK_OK, "192.0.2.1" },
    { "found late", { .is_found = true, .addresses = "192.0.2.1", .took_ms = 4000 }, "", CHECK_WARN, "resolv.conf" },
    { "no such name", { .failure = "Name or service not known" }, "", CHECK_FAIL, "spelling" },
    { "nobody answers", { .timed_out = true, .failure = "no answer within 5000 ms" }, "", CHECK_FAIL, "port 53" },
    { "an address inside",
      { .is_found = true, .addresses = "10.0.0.1", .refused = "10.0.0.1 is a private address" },
      "",
      CHECK_FAIL,
      "--allow-private-org" },
    { "the proxy knows it", { .failure = "Name or service not known" }, "http://p:1", CHECK_SKIPPED, "proxy" },
};

static void names(void **state)
{
    const struct names_row *row = *state;
    struct inspect_way way = { .from = row->proxy[0] != '\0' ? INSPECT_CONFIGURED : INSPECT_DIRECT };
    struct check c = { .connector = "" };

    strcpy(way.proxy, row->proxy);
    diagnose_names(&row->names, &way, "acme.okta.com", &c);
    is_check(&c, row->want, row->says);
}

static const struct tls_row {
    const char *name;
    struct inspect_tls tls;
    enum check_verdict want;
    const char *says;
} tls_rows[] = {
    { "a good certificate",
      { .is_connected = true, .issuer = "CN = DigiCert", .expires_unix_s = NOW_MS / 1000 + 90 * DAY_S },
      CHECK_OK,
      "90 days" },
    { "one that ends soon",
      { .is_connected = true, .expires_unix_s = NOW_MS / 1000 + 3 * DAY_S },
      CHECK_WARN,
      "3 days" },
    { "one of which nothing is known", { .is_connected = true }, CHECK_OK, "unknown issuer" },
    { "a stranger's certificate",
      { .is_certificate = true, .failure = "self-signed certificate" },
      CHECK_FAIL,
      "--ca-file" },
    { "no connection", { .failure = "Connection refused" }, CHECK_FAIL, "firewall" },
    { "no TLS", { .is_connected = true, .is_plain = true }, CHECK_SKIPPED, "plain" },
    { "not past the proxy", { .is_proxy_failure = true, .failure = "refused" }, CHECK_SKIPPED, "proxy" },
};

static void tls(void **state)
{
    const struct tls_row *row = *state;
    struct check c = { .connector = "" };

    diagnose_tls(&row->tls, NOW_MS / 1000, &c);
    is_check(&c, row->want, row->says);
}

static const struct proxy_row {
    const char *name;
    struct inspect_way way;
    bool fails;
    enum check_verdict want;
    const char *says;
} proxy_rows[] = {
    { "none", { INSPECT_DIRECT, "", false }, false, CHECK_OK, "none is used" },
    { "one that is not for the org", { INSPECT_EXCEPTED, "", false }, false, CHECK_OK, "NO_PROXY" },
    { "one by flag", { INSPECT_CONFIGURED, "http://p:1", false }, false, CHECK_OK, "--proxy" },
    { "one by the environment", { INSPECT_ENVIRONMENT, "http://p:1", true }, false, CHECK_OK, "HTTPS_PROXY" },
    { "one that is dead", { INSPECT_CONFIGURED, "http://p:1", false }, true, CHECK_FAIL, "it runs" },
};

static void proxy(void **state)
{
    const struct proxy_row *row = *state;
    const struct inspect_tls t = { .is_proxy_failure = row->fails, .failure = "Connection refused" };
    struct check c = { .connector = "" };

    diagnose_proxy(&row->way, &t, &c);
    is_check(&c, row->want, row->says);
}

static const struct clock_row {
    const char *name;
    int64_t ahead_ms;
    bool is_app;
    enum check_verdict want;
    const char *says;
} clock_rows[] = {
    { "right", 400, false, CHECK_OK, "0 s" },
    { "a minute is fine", 60000, false, CHECK_OK, "ahead" },
    { "a bit more is not", 61000, false, CHECK_WARN, "61 s ahead" },
    { "nor behind", -61000, true, CHECK_WARN, "61 s behind" },
    { "an hour ahead", 3600000, true, CHECK_FAIL, "assertions" },
    { "an hour behind", -3600000, false, CHECK_FAIL, "timedatectl" },
};

static void wall_clock(void **state)
{
    const struct clock_row *row = *state;
    struct check c = { .connector = "" };

    diagnose_clock(row->ahead_ms, row->is_app, &c);
    is_check(&c, row->want, row->says);
}

static const struct credential_row {
    const char *name;
    enum credential_kind kind;
    int64_t days;
    const char *file;
    int mode;
    enum check_verdict want;
    const char *says;
} credential_rows[] = {
    { "sealed", CREDENTIAL_API_TOKEN, 3, "", -1, CHECK_OK, "3 days" },
    { "from a file", CREDENTIAL_SERVICE_APP, 0, "/s/key", 0600, CHECK_OK, "/s/key" },
    { "a file that others can read", CREDENTIAL_API_TOKEN, 0, "/s/token", 0644, CHECK_WARN, "chmod 600" },
    { "an old one", CREDENTIAL_API_TOKEN, 400, "", -1, CHECK_WARN, "revoke" },
    { "none", CREDENTIAL_NONE, 0, "", -1, CHECK_FAIL, "reconnect" },
    { "none in the file", CREDENTIAL_NONE, 0, "/s/token", 0600, CHECK_FAIL, "that file" },
};

static void credential(void **state)
{
    const struct credential_row *row = *state;
    struct credential_facts facts = { .kind = row->kind, .set_unix_ms = NOW_MS - row->days * DAY_S * 1000 };
    struct check c = { .connector = "" };

    diagnose_credential(&facts, row->file, row->mode, NOW_MS, &c);
    is_check(&c, row->want, row->says);
}

static const struct permission_row {
    const char *name;
    enum permission_verdict verdict;
    int http_status;
    enum check_verdict want;
    const char *says;
} permission_rows[] = {
    { "works", PERMISSION_WORKS, 200, CHECK_OK, "works" },
    { "a scope is missing", PERMISSION_SCOPE_MISSING, 403, CHECK_FAIL, "do this" },
    { "a role is missing", PERMISSION_ROLE_MISSING, 403, CHECK_FAIL, "role" },
    { "refused", PERMISSION_CREDENTIAL_REFUSED, 401, CHECK_FAIL, "HTTP 401" },
    { "empty", PERMISSION_SUSPICIOUSLY_EMPTY, 200, CHECK_WARN, "empty" },
    { "told to slow down", PERMISSION_NO_ANSWER, 429, CHECK_WARN, "HTTP 429" },
    { "no answer", PERMISSION_NO_ANSWER, 0, CHECK_FAIL, "no answer" },
};

static void permission(void **state)
{
    const struct permission_row *row = *state;
    struct permission p = { .collection = COLLECTION_USERS,
                            .endpoint = "/api/v1/users",
                            .verdict = row->verdict,
                            .http_status = row->http_status };
    struct check c = { .connector = "" };

    strcpy(p.remedy, row->verdict == PERMISSION_WORKS ? "" : "do this");
    diagnose_permission(&p, &c);
    assert_string_equal(c.name, "scope");
    is_check(&c, row->want, row->says);
}

static const struct limits_row {
    const char *name;
    int32_t limit, remaining;
    int64_t wait_ms; /* 0: none */
    enum check_verdict want;
    bool is_short;
} limits_rows[] = {
    { "plenty", 120, 100, 0, CHECK_OK, false },
    { "the last tenth", 120, 12, 0, CHECK_WARN, true },
    { "nothing", 120, 0, 0, CHECK_WARN, true },
    { "a short wait", 120, 100, 30000, CHECK_OK, false },
    { "a long wait", 120, 100, 600000, CHECK_WARN, false },
    { "not known", 0, 0, 0, CHECK_OK, false },
};

static void limits(void **state)
{
    const struct limits_row *row = *state;
    struct poller_snapshot s = { .bucket_count = 1, .wait_count = row->wait_ms > 0 };
    struct check c = { .connector = "" };

    strcpy(s.buckets[0].name, "/api/v1/logs");
    s.buckets[0].limit = row->limit;
    s.buckets[0].remaining = row->remaining;
    s.waits[0] =
        (struct wait_snapshot){ .what = "tail", .reason = "half is spent", .until_unix_ms = NOW_MS + row->wait_ms };
    diagnose_limits(&s, NOW_MS, &c);
    is_check(&c, row->want, "/api/v1/logs");
    assert_int_equal(diagnose_is_short(&s, VIEW("/api/v1/logs?limit=1")), row->is_short);
    assert_false(diagnose_is_short(&s, VIEW("/api/v1/users?limit=1")));
}

static const struct tail_row {
    const char *name;
    int64_t age_ms; /* -1: never */
    enum connector_state state;
    bool is_silent;
    enum check_verdict want;
    const char *says;
} tail_rows[] = {
    { "just now", 3000, CONNECTOR_LIVE, false, CHECK_OK, "3 s ago" },
    { "two minutes ago", 120000, CONNECTOR_DEGRADED, false, CHECK_WARN, "status" },
    { "long ago", 3600000, CONNECTOR_RECONNECT_REQUIRED, false, CHECK_FAIL, "status" },
    { "never", -1, CONNECTOR_STARTING, false, CHECK_FAIL, "not been read" },
    { "retired", -1, CONNECTOR_RETIRED, false, CHECK_SKIPPED, "retired" },
    { "silent", 3000, CONNECTOR_LIVE, true, CHECK_WARN, "fewer events" },
};

static void tail(void **state)
{
    const struct tail_row *row = *state;
    struct poller_snapshot s = { .state = row->state, .is_log_silent = row->is_silent, .tail_at_head = true };
    struct check c = { .connector = "" };

    s.tail_success_unix_ms = row->age_ms >= 0 ? NOW_MS - row->age_ms : 0;
    s.collections[COLLECTION_LOGINS].is_chosen = true;
    diagnose_tail(&s, NOW_MS, &c);
    is_check(&c, row->want, row->says);
}

static const struct store_row {
    const char *name;
    uint64_t bytes;
    enum connector_reason reason;
    bool is_complete;
    enum check_verdict want;
    const char *says;
} store_rows[] = {
    { "half full", 50 * MIB, REASON_NONE, true, CHECK_OK, "is complete" },
    { "not complete", 50 * MIB, REASON_NONE, false, CHECK_OK, "not complete" },
    { "nearly full", 80 * MIB, REASON_NONE, true, CHECK_WARN, "--store-max-bytes" },
    { "full", 99 * MIB, REASON_NONE, true, CHECK_FAIL, "--retention-days" },
    { "full, says the poller", 50 * MIB, REASON_STORE_FULL, true, CHECK_FAIL, "--store-max-bytes" },
};

static void store(void **state)
{
    const struct store_row *row = *state;
    const struct store_usage usage = { row->bytes, 100 * MIB };
    struct poller_snapshot s = { .reason = row->reason };
    struct check c = { .connector = "" };

    s.collections[COLLECTION_USERS] =
        (struct collection_snapshot){ .is_chosen = true, .is_complete = row->is_complete };
    diagnose_store(&usage, &s, &c);
    is_check(&c, row->want, row->says);
}

int main(void)
{
    return RUN_ROWS(disk, disk_rows) + RUN_ROWS(names, names_rows) + RUN_ROWS(tls, tls_rows) +
           RUN_ROWS(proxy, proxy_rows) + RUN_ROWS(wall_clock, clock_rows) + RUN_ROWS(credential, credential_rows) +
           RUN_ROWS(permission, permission_rows) + RUN_ROWS(limits, limits_rows) + RUN_ROWS(tail, tail_rows) +
           RUN_ROWS(store, store_rows);
}
