/* The metrics page: the values are right, and the format is valid. */
#include "metrics/metrics.h"

#include "rows.h"

#include "base/mem.h"
#include "world/collections.h"

#include <stdio.h>
#include <string.h>

#define NOW_MS         INT64_C(1773480000000)
#define LINES_MAX      2000
#define PAGE_BYTES_MAX (1u << 20)

static struct metrics *sample(void)
{
    struct metrics *m = mem_zero(sizeof *m + 2 * sizeof m->connectors[0]);
    struct metrics_connector *c = &m->connectors[0];

    m->version = "1.2\"\\\n3";
    m->started_unix_ms = NOW_MS - 5500;
    m->now_unix_ms = NOW_MS;
    m->streams = (struct subscribers_totals){ 3, 1000, 250000 };
    m->method_count = 2;
    m->methods[0] = (struct rpc_method_counts){ "/a.b.C/D", CALL_SERVER_STREAM, 7, { [0] = 5, [14] = 2 } };
    m->methods[1] = (struct rpc_method_counts){ NULL, CALL_UNARY, 1, { [12] = 1 } };
    m->certificate_expiry_unix_s = 1803859200;
    m->connector_count = 2;
    snprintf(c->name, sizeof c->name, "acme");
    c->now.state = CONNECTOR_RECONNECT_REQUIRED;
    c->now.reason = REASON_TOKEN_REFUSED;
    c->now.state_since_unix_ms = NOW_MS - 1001;
    c->now.tail_success_unix_ms = NOW_MS - 61234;
    c->now.late = 9;
    c->now.history = HISTORY_RUNNING;
    c->now.counts = (struct okta_counts){ .requests = 20, .answers_429 = 3, .answers = { 1, 0, 10, 0, 5, 4 } };
    c->now.collections[COLLECTION_USERS] =
        (struct collection_snapshot){ .is_chosen = true, .objects = 12, .is_complete = false };
    c->now.bucket_count = 1;
    c->now.buckets[0] =
        (struct okta_bucket){ .name = "/api/v1/logs", .limit = 120, .remaining = 55, .spent = 7, .share_percent = 50 };
    c->now.wait_count = 2;
    for (int i = 0; i < 2; i++)
        c->now.waits[i] =
            (struct wait_snapshot){ .what = "users", .bucket = "/api/v1/users", .until_unix_ms = NOW_MS + 2500 };
    c->streams = 4;
    c->has_store = true;
    c->store_bytes = 4096;
    snprintf(m->connectors[1].name, sizeof m->connectors[1].name, "beta");
    m->connectors[1].now.state = CONNECTOR_LIVE;
    return m;
}

static const struct row {
    const char *name, *line;
    bool want;
} rows[] = {
    { "the certificate's end", "okta_connector_tls_certificate_expiry_timestamp_seconds 1803859200", true },
    { "the version, escaped", "okta_connector_build_info{version=\"1.2\\\"\\\\\\n3\"} 1", true },
    { "the start", "process_start_time_seconds 1773479994.500", true },
    { "the state", "okta_connector_state{connector=\"acme\",state=\"RECONNECT_REQUIRED\"} 1", true },
    { "no other state", "okta_connector_state{connector=\"acme\",state=\"LIVE\"} 0", true },
    { "the other's state", "okta_connector_state{connector=\"beta\",state=\"LIVE\"} 1", true },
    { "the reason", "okta_connector_state_reason{connector=\"acme\",reason=\"OKTA_TOKEN_REFUSED\"} 1", true },
    { "an age", "okta_connector_tail_last_success_age_seconds{connector=\"acme\"} 61.234", true },
    { "no age of what never was", "okta_connector_tail_last_success_age_seconds{connector=\"beta\"} 1773480000.000",
      false },
    { "late events", "okta_connector_events_late_total{connector=\"acme\"} 9", true },
    { "429 by itself", "okta_connector_okta_answers_total{connector=\"acme\",class=\"429\"} 3", true },
    { "4xx without it", "okta_connector_okta_answers_total{connector=\"acme\",class=\"4xx\"} 2", true },
    { "no answer", "okta_connector_okta_answers_total{connector=\"acme\",class=\"none\"} 1", true },
    { "incomplete is no success", "okta_connector_collection_complete{connector=\"acme\",collection=\"users\"} 0",
      true },
    { "a collection that was not chosen",
      "okta_connector_collection_complete{connector=\"acme\",collection=\"logins\"} 0", false },
    { "a bucket", "okta_connector_rate_limit_remaining_requests{connector=\"acme\",bucket=\"/api/v1/logs\"} 55", true },
    { "its share", "okta_connector_rate_limit_share_ratio{connector=\"acme\",bucket=\"/api/v1/logs\"} 0.50", true },
    { "a wait", "okta_connector_wait_seconds{connector=\"acme\",what=\"users\",bucket=\"/api/v1/users\"} 2.500", true },
    { "a store", "okta_connector_store_bytes{connector=\"acme\"} 4096", true },
    { "no store is not an empty one", "okta_connector_store_bytes{connector=\"beta\"} 0", false },
    { "streams", "okta_connector_streams{connector=\"acme\"} 4", true },
    { "events sent", "okta_connector_stream_events_sent_total 1000", true },
    { "calls", "grpc_server_started_total{grpc_type=\"server_stream\",grpc_service=\"a.b.C\",grpc_method=\"D\"} 7",
      true },
    { "calls by status",
      "grpc_server_handled_total{grpc_type=\"server_stream\",grpc_service=\"a.b.C\",grpc_method=\"D\",grpc_code="
      "\"Unavailable\"} 2",
      true },
    { "calls of what is not there",
      "grpc_server_handled_total{grpc_type=\"unary\",grpc_service=\"unknown\",grpc_method=\"unknown\",grpc_code="
      "\"Unimplemented\"} 1",
      true },
};

static void has_line(void **state)
{
    const struct row *row = *state;
    AUTO_BUF struct buf page = BUF(PAGE_BYTES_MAX), line = BUF(1000);
    AUTO_FREE struct metrics *m = sample();

    metrics_render(m, &page);
    assert_true(buf_ok(&page));
    buf_printf(&line, "\n%s\n", row->line);
    assert_int_equal(strstr(buf_cstr(&page), buf_cstr(&line)) != NULL, row->want);
}

/* A family is HELP, TYPE and its samples, once; a series is there once; a counter is a total, and only a counter. */
static void the_format_has_no_fault(void **state)
{
    AUTO_BUF struct buf page = BUF(PAGE_BYTES_MAX);
    AUTO_FREE struct metrics *m = sample();
    static char *lines[LINES_MAX];
    char family[128] = "", type[16] = "", *at = NULL;
    int count = 0;

    (void)state;
    metrics_render(m, &page);
    for (char *line = strtok_r((char *)(uintptr_t)buf_cstr(&page), "\n", &at); line != NULL;
         line = strtok_r(NULL, "\n", &at)) {
        size_t len = strcspn(line, "{ ");

        assert_true(count < LINES_MAX);
        lines[count++] = line;
        if (strncmp(line, "# HELP ", 7) == 0) {
            assert_int_equal(sscanf(line + 7, "%127s", family), 1);
            type[0] = '\0';
            continue;
        }
        if (strncmp(line, "# TYPE ", 7) == 0) {
            char name[128];

            assert_int_equal(sscanf(line + 7, "%127s %15s", name, type), 2);
            assert_string_equal(name, family);
            assert_int_equal(strcmp(name + strlen(name) - 6, "_total") == 0, strcmp(type, "counter") == 0);
            continue;
        }
        assert_true(type[0] != '\0' && strlen(family) == len && strncmp(line, family, len) == 0);
    }
    for (int i = 0; i < count; i++)
        for (int j = 0; j < i; j++) {
            size_t a = (size_t)(strrchr(lines[i], ' ') - lines[i]), b = (size_t)(strrchr(lines[j], ' ') - lines[j]);

            assert_false(lines[i][0] != '#' && a == b && strncmp(lines[i], lines[j], a) == 0);
            assert_false(lines[i][0] == '#' && strcmp(lines[i], lines[j]) == 0);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_format_has_no_fault) };

    return RUN_ROWS(has_line, rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
