/* Renders the gathered values in Prometheus' text format (version 0.0.4).
 *
 * The format wants each family once: HELP, TYPE, then all its samples together. So the outer loop is over families and
 * the inner one over connectors, never the other way round. Values of one member each are rows of a table that names
 * the member by its offset; families with a label of their own have a function each.
 *
 * A value that does not exist is left out, not shown as 0: an age before the first success, a store that cannot be
 * read. An alert on absence can tell the two apart. A time in the future (after the wall clock was set back) gives a
 * negative age. */
#include "metrics/metrics.h"

#include "model/state.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#define PREFIX "okta_connector_"

/* ---- the format ---- */

static void metrics_family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value, escaped: backslash, quote and newline. */
static void metrics_put_value(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\' || *text == '"')
            buf_putc(out, '\\');
        if (*text == '\n')
            buf_puts(out, "\\n");
        else
            buf_putc(out, *text);
    }
}

/* Begins a sample: name{connector="..." and, if `label` is set, another label. Further labels may follow; metrics_end_*
 * closes it. */
static void metrics_begin_sample(struct buf *out, const char *name, const struct metrics_connector *c,
                                 const char *label, const char *value)
{
    buf_printf(out, "%s{connector=\"%s\"", name, c->name);
    if (label == NULL)
        return;
    buf_printf(out, ",%s=\"", label);
    metrics_put_value(out, value);
    buf_putc(out, '"');
}

static void metrics_end_count(struct buf *out, uint64_t n)
{
    buf_printf(out, "} %" PRIu64 "\n", n);
}

static void metrics_put_seconds(struct buf *out, int64_t ms)
{
    buf_printf(out, "%s%" PRId64 ".%03d", ms < 0 ? "-" : "", ms < 0 ? -(ms / 1000) : ms / 1000,
               (int)(ms < 0 ? -(ms % 1000) : ms % 1000));
}

static void metrics_end_seconds(struct buf *out, int64_t ms)
{
    buf_puts(out, "} ");
    metrics_put_seconds(out, ms);
    buf_putc(out, '\n');
}

/* ---- families with one value per connector ---- */

enum metrics_kind {
    METRICS_COUNT,   /* uint64_t */
    METRICS_BOOL,    /* bool */
    METRICS_SECONDS, /* int64_t, milliseconds */
    METRICS_AGE,     /* int64_t, a Unix time in milliseconds; left out while 0 */
};

static const struct {
    const char *name, *type, *help;
    enum metrics_kind kind;
    size_t at;
    bool needs_store;
} single_values[] = {
#define NOW(member)   offsetof(struct metrics_connector, now.member), false
#define STORE(member) offsetof(struct metrics_connector, member), true
    { "state_changes_total", "counter", "Changes of the state or its reason.", METRICS_COUNT, NOW(state_changes) },
    { "state_age_seconds", "gauge", "Seconds since the connector entered its state.", METRICS_AGE,
      NOW(state_since_unix_ms) },
    { "log_silent", "gauge", "1 while the log delivers far fewer events than usual.", METRICS_BOOL,
      NOW(is_log_silent) },
    { "log_silences_total", "counter", "How many times the log fell silent.", METRICS_COUNT, NOW(log_silences) },
    { "tail_last_success_age_seconds", "gauge", "Seconds since the last poll of the log that was answered.",
      METRICS_AGE, NOW(tail_success_unix_ms) },
    { "tail_last_attempt_age_seconds", "gauge", "Seconds since the last poll of the log that was sent.", METRICS_AGE,
      NOW(tail_attempt_unix_ms) },
    { "tail_last_published_age_seconds", "gauge", "Seconds since the newest publication time in the log that was read.",
      METRICS_AGE, NOW(tail_published_ms) },
    { "tail_at_head", "gauge", "1 if the last poll returned everything up to the head of the log.", METRICS_BOOL,
      NOW(tail_at_head) },
    { "tail_interval_seconds", "gauge", "Seconds between polls while idle.", METRICS_SECONDS, NOW(tail_interval_ms) },
    { "tail_rounds_total", "counter", "How many times the tail reached the head of the log.", METRICS_COUNT,
      NOW(tail_rounds) },
    { "events_read_total", "counter", "Events read from the log.", METRICS_COUNT, NOW(events_read) },
    { "events_stored_total", "counter", "Of these, login events that were stored.", METRICS_COUNT, NOW(logins_stored) },
    { "events_duplicate_total", "counter", "Of these, events that were already known.", METRICS_COUNT,
      NOW(duplicates_dropped) },
    { "events_late_total", "counter",
      "Of these, events published more than a minute before others that were already there.", METRICS_COUNT,
      NOW(late) },
    { "events_unparsed_total", "counter", "Of these, events that could not be parsed and were stored as they are.",
      METRICS_COUNT, NOW(unparsed) },
    { "history_events_stored", "gauge", "Login events that the back-fill has stored.", METRICS_COUNT,
      NOW(history_stored) },
    { "history_reached_age_seconds", "gauge", "Age in seconds of the oldest point that the back-fill has reached.",
      METRICS_AGE, NOW(history_reached_ms) },
    { "history_target_age_seconds", "gauge", "Age in seconds of the point where the back-fill is to end.", METRICS_AGE,
      NOW(history_target_ms) },
    { "last_error_age_seconds", "gauge", "Seconds since the last failure.", METRICS_AGE, NOW(error_unix_ms) },
    { "okta_requests_total", "counter", "Requests sent to Okta.", METRICS_COUNT, NOW(counts.requests) },
    { "streams", "gauge", "Open StreamLogins calls.", METRICS_COUNT, offsetof(struct metrics_connector, streams),
      false },
    { "store_events", "gauge", "Login events in the store.", METRICS_COUNT, STORE(store_events) },
    { "store_events_pruned_total", "counter", "Login events that retention removed.", METRICS_COUNT,
      STORE(store_pruned) },
    { "store_bytes", "gauge", "Bytes of the store that are in use.", METRICS_COUNT, STORE(store_bytes) },
    { "store_limit_bytes", "gauge", "Size limit of the store, in bytes.", METRICS_COUNT, STORE(store_bytes_max) },
};

static void metrics_put_single(struct buf *out, const char *name, size_t i, const struct metrics_connector *c,
                               int64_t now_unix_ms)
{
    const char *at = (const char *)c + single_values[i].at;

    if ((single_values[i].needs_store && !c->has_store) ||
        (single_values[i].kind == METRICS_AGE && *(const int64_t *)at <= 0))
        return;
    metrics_begin_sample(out, name, c, NULL, NULL);
    switch (single_values[i].kind) {
    case METRICS_COUNT:
        metrics_end_count(out, *(const uint64_t *)at);
        break;
    case METRICS_BOOL:
        metrics_end_count(out, *(const bool *)at);
        break;
    case METRICS_SECONDS:
        metrics_end_seconds(out, *(const int64_t *)at);
        break;
    case METRICS_AGE:
        metrics_end_seconds(out, now_unix_ms - *(const int64_t *)at);
        break;
    }
}

static void metrics_put_single_values(const struct metrics *m, struct buf *out)
{
    char name[80] = PREFIX;

    for (size_t i = 0; i < sizeof single_values / sizeof single_values[0]; i++) {
        strcpy(name + sizeof PREFIX - 1, single_values[i].name); /* a literal, and short */
        metrics_family(out, name, single_values[i].type, single_values[i].help);
        for (size_t j = 0; j < m->connector_count; j++)
            metrics_put_single(out, name, i, &m->connectors[j], m->now_unix_ms);
    }
}

/* ---- families with several values per connector ---- */

typedef void metrics_put_labelled(struct buf *out, const char *name, const struct metrics_connector *c,
                                  int64_t now_unix_ms);

static void metrics_put_state(struct buf *out, const char *name, const struct metrics_connector *c, int64_t now_unix_ms)
{
    (void)now_unix_ms;
    for (int state = CONNECTOR_STARTING; state <= CONNECTOR_RETIRED; state++) {
        metrics_begin_sample(out, name, c, "state", state_name((enum connector_state)state));
        metrics_end_count(out, c->now.state == (enum connector_state)state);
    }
}

static void metrics_put_reason(struct buf *out, const char *name, const struct metrics_connector *c,
                               int64_t now_unix_ms)
{
    (void)now_unix_ms;
    metrics_begin_sample(out, name, c, "reason", reason_name(c->now.reason));
    metrics_end_count(out, 1);
}

static void metrics_put_history(struct buf *out, const char *name, const struct metrics_connector *c,
                                int64_t now_unix_ms)
{
    static const char *const names[] = { [HISTORY_OFF] = "OFF",
                                         [HISTORY_RUNNING] = "RUNNING",
                                         [HISTORY_COMPLETE] = "COMPLETE",
                                         [HISTORY_LIMITED_BY_SIZE] = "LIMITED_BY_SIZE" };

    (void)now_unix_ms;
    for (int state = HISTORY_OFF; state <= HISTORY_LIMITED_BY_SIZE; state++) {
        metrics_begin_sample(out, name, c, "state", names[state]);
        metrics_end_count(out, c->now.history == (enum connector_history)state);
    }
}

static void metrics_put_answers(struct buf *out, const char *name, const struct metrics_connector *c,
                                int64_t now_unix_ms)
{
    static const char *const classes[] = { "none", "other", "2xx", "3xx", "4xx", "5xx" };
    const struct okta_counts *counts = &c->now.counts;

    (void)now_unix_ms;
    for (int i = 0; i < 6; i++) {
        metrics_begin_sample(out, name, c, "class", classes[i]);
        /* 429 is a class of its own, and not counted in 4xx: it shows how often we hit the org's rate limits. */
        metrics_end_count(out, i == 4 ? counts->answers[4] - counts->answers_429 : counts->answers[i]);
    }
    metrics_begin_sample(out, name, c, "class", "429");
    metrics_end_count(out, counts->answers_429);
}

/* The chosen collections, in the table's order. */
#define EACH_COLLECTION(c, row, s)                                                                                     \
    for (size_t i_ = 0; i_ < collection_table_count; i_++)                                                             \
        for (const struct collection *row = collection_at(i_); row != NULL; row = NULL)                                \
            for (const struct collection_snapshot *s = &(c)->now.collections[row->id]; s != NULL && s->is_chosen;      \
                 s = NULL)

static void metrics_put_objects(struct buf *out, const char *name, const struct metrics_connector *c,
                                int64_t now_unix_ms)
{
    (void)now_unix_ms;
    EACH_COLLECTION(c, row, s)
    {
        metrics_begin_sample(out, name, c, "collection", row->name);
        metrics_end_count(out, s->objects);
    }
}

static void metrics_put_complete(struct buf *out, const char *name, const struct metrics_connector *c,
                                 int64_t now_unix_ms)
{
    (void)now_unix_ms;
    EACH_COLLECTION(c, row, s)
    {
        metrics_begin_sample(out, name, c, "collection", row->name);
        metrics_end_count(out, s->is_complete);
    }
}

static void metrics_put_listed_age(struct buf *out, const char *name, const struct metrics_connector *c,
                                   int64_t now_unix_ms)
{
    EACH_COLLECTION(c, row, s)
    {
        if (s->last_success_unix_ms <= 0)
            continue;
        metrics_begin_sample(out, name, c, "collection", row->name);
        metrics_end_seconds(out, now_unix_ms - s->last_success_unix_ms);
    }
}

/* ---- buckets and waits ---- */

static void metrics_put_bucket_value(struct buf *out, const char *name, const struct metrics_connector *c, size_t at)
{
    for (size_t i = 0; i < c->now.bucket_count && i < OKTA_BUCKETS_MAX; i++) {
        int32_t value = *(const int32_t *)((const char *)&c->now.buckets[i] + at);

        metrics_begin_sample(out, name, c, "bucket", c->now.buckets[i].name);
        metrics_end_count(out, value > 0 ? (uint64_t)value : 0);
    }
}

#define BUCKET_VALUE(member)                                                                                           \
    static void metrics_put_##member(struct buf *out, const char *name, const struct metrics_connector *c,             \
                                     int64_t now_unix_ms)                                                              \
    {                                                                                                                  \
        (void)now_unix_ms;                                                                                             \
        metrics_put_bucket_value(out, name, c, offsetof(struct okta_bucket, member));                                  \
    }
BUCKET_VALUE(limit)
BUCKET_VALUE(remaining)
BUCKET_VALUE(spent)

static void metrics_put_share(struct buf *out, const char *name, const struct metrics_connector *c, int64_t now_unix_ms)
{
    (void)now_unix_ms;
    for (size_t i = 0; i < c->now.bucket_count && i < OKTA_BUCKETS_MAX; i++) {
        metrics_begin_sample(out, name, c, "bucket", c->now.buckets[i].name);
        buf_printf(out, "} %d.%02d\n", c->now.buckets[i].share_percent / 100, c->now.buckets[i].share_percent % 100);
    }
}

static bool metrics_wait_is_repeated(const struct poller_snapshot *now, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (strcmp(now->waits[i].what, now->waits[j].what) == 0 &&
            strcmp(now->waits[i].bucket, now->waits[j].bucket) == 0)
            return true;
    return false;
}

static void metrics_put_waits(struct buf *out, const char *name, const struct metrics_connector *c, int64_t now_unix_ms)
{
    for (size_t i = 0; i < c->now.wait_count && i < WAITS_MAX; i++) {
        const struct wait_snapshot *w = &c->now.waits[i];

        if (metrics_wait_is_repeated(&c->now, i))
            continue; /* the format allows each series once; two lanes may wait for the same */
        metrics_begin_sample(out, name, c, "what", w->what);
        buf_puts(out, ",bucket=\"");
        metrics_put_value(out, w->bucket);
        buf_putc(out, '"');
        metrics_end_seconds(out, w->until_unix_ms > now_unix_ms ? w->until_unix_ms - now_unix_ms : 0);
    }
}

static const struct {
    const char *name, *type, *help;
    metrics_put_labelled *put;
} labelled_values[] = {
    { PREFIX "state", "gauge", "1 for the state that the connector is in, else 0.", metrics_put_state },
    { PREFIX "state_reason", "gauge", "1, with the reason of the state as a label.", metrics_put_reason },
    { PREFIX "history_state", "gauge", "1 for the state of the back-fill, else 0.", metrics_put_history },
    { PREFIX "okta_answers_total", "counter", "Responses from Okta by status class; none: no response arrived.",
      metrics_put_answers },
    { PREFIX "collection_objects", "gauge", "Objects in the store.", metrics_put_objects },
    { PREFIX "collection_complete", "gauge", "1 once a full listing has finished.", metrics_put_complete },
    { PREFIX "collection_last_success_age_seconds", "gauge", "Seconds since the last listing or poll that finished.",
      metrics_put_listed_age },
    { PREFIX "rate_limit_requests", "gauge", "Requests a minute that Okta allows.", metrics_put_limit },
    { PREFIX "rate_limit_remaining_requests", "gauge", "Of these, how many are left in the current window.",
      metrics_put_remaining },
    { PREFIX "rate_limit_spent_requests", "gauge", "Of these, how many this connector has used in the current window.",
      metrics_put_spent },
    { PREFIX "rate_limit_share_ratio", "gauge", "Share of the limit that this connector may use.", metrics_put_share },
    { PREFIX "wait_seconds", "gauge", "Seconds until stalled work goes on.", metrics_put_waits },
};

static void metrics_put_labelled_values(const struct metrics *m, struct buf *out)
{
    for (size_t i = 0; i < sizeof labelled_values / sizeof labelled_values[0]; i++) {
        metrics_family(out, labelled_values[i].name, labelled_values[i].type, labelled_values[i].help);
        for (size_t j = 0; j < m->connector_count; j++)
            labelled_values[i].put(out, labelled_values[i].name, &m->connectors[j], m->now_unix_ms);
    }
}

/* ---- calls, named as by the common gRPC exporters, so that their dashboards work ---- */

static void metrics_begin_method_sample(struct buf *out, const char *name, const struct rpc_method_counts *of)
{
    static const char *const types[] = { "unary", "server_stream", "bidi_stream" };
    const char *path = of->path != NULL ? of->path : "/unknown/unknown";
    const char *slash = strrchr(path, '/');

    buf_printf(out, "%s{grpc_type=\"%s\",grpc_service=\"%.*s\",grpc_method=\"%s\"", name, types[of->kind],
               (int)(slash - path - 1), path + 1, slash + 1);
}

static void metrics_put_started(const struct metrics *m, struct buf *out)
{
    static const char name[] = "grpc_server_started_total";

    metrics_family(out, name, "counter", "Calls that started.");
    for (size_t i = 0; i < m->method_count; i++) {
        metrics_begin_method_sample(out, name, &m->methods[i]);
        metrics_end_count(out, m->methods[i].started);
    }
}

static void metrics_put_handled(const struct metrics *m, struct buf *out)
{
    static const char name[] = "grpc_server_handled_total";
    static const char *const codes[RPC_CODES] = {
        "OK",       "Canceled",        "Unknown",          "InvalidArgument",   "DeadlineExceeded",
        "NotFound", "AlreadyExists",   "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
        "Aborted",  "OutOfRange",      "Unimplemented",    "Internal",          "Unavailable",
        "DataLoss", "Unauthenticated",
    };

    metrics_family(out, name, "counter", "Calls that ended, by status.");
    for (size_t i = 0; i < m->method_count; i++) {
        for (int code = 0; code < RPC_CODES; code++) {
            if (m->methods[i].handled[code] == 0 && code != 0)
                continue;
            metrics_begin_method_sample(out, name, &m->methods[i]);
            buf_printf(out, ",grpc_code=\"%s\"", codes[code]);
            metrics_end_count(out, m->methods[i].handled[code]);
        }
    }
}

/* ---- the process ---- */

static void metrics_put_process(const struct metrics *m, struct buf *out)
{
    metrics_family(out, PREFIX "build_info", "gauge", "1, with the version as a label.");
    buf_puts(out, PREFIX "build_info{version=\"");
    metrics_put_value(out, m->version);
    buf_puts(out, "\"} 1\n");
    metrics_family(out, "process_start_time_seconds", "gauge", "Unix time at which the process started.");
    buf_puts(out, "process_start_time_seconds ");
    metrics_put_seconds(out, m->started_unix_ms);
    buf_putc(out, '\n');
    metrics_family(out, PREFIX "config_last_reload_successful", "gauge",
                   "1 if the last load of the configuration (at start, or on SIGHUP) succeeded.");
    buf_printf(out, PREFIX "config_last_reload_successful %d\n", m->reload.is_successful);
    metrics_family(out, PREFIX "config_last_reload_success_timestamp_seconds", "gauge",
                   "Unix time of the last load that succeeded.");
    buf_puts(out, PREFIX "config_last_reload_success_timestamp_seconds ");
    metrics_put_seconds(out, m->reload.success_unix_ms);
    buf_putc(out, '\n');
    metrics_family(out, PREFIX "connectors", "gauge", "Number of connectors.");
    buf_printf(out, PREFIX "connectors %zu\n", m->connector_count);
    if (m->certificate_expiry_unix_s > 0) {
        metrics_family(out, PREFIX "tls_certificate_expiry_timestamp_seconds", "gauge",
                       "Unix time at which the server's TLS certificate expires.");
        buf_printf(out, PREFIX "tls_certificate_expiry_timestamp_seconds %" PRId64 "\n", m->certificate_expiry_unix_s);
    }
    metrics_family(out, PREFIX "streams_opened_total", "counter", "StreamLogins calls that started to read.");
    buf_printf(out, PREFIX "streams_opened_total %" PRIu64 "\n", m->streams.opened);
    metrics_family(out, PREFIX "stream_events_sent_total", "counter", "Login events sent, to all streams.");
    buf_printf(out, PREFIX "stream_events_sent_total %" PRIu64 "\n", m->streams.events_sent);
    metrics_family(out, PREFIX "stream_sent_bytes_total", "counter", "Bytes of login events sent, to all streams.");
    buf_printf(out, PREFIX "stream_sent_bytes_total %" PRIu64 "\n", m->streams.bytes_sent);
}

void metrics_render(const struct metrics *m, struct buf *out)
{
    metrics_put_process(m, out);
    metrics_put_single_values(m, out);
    metrics_put_labelled_values(m, out);
    metrics_put_started(m, out);
    metrics_put_handled(m, out);
}
