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

/* A label's value, as the format wants it. */
static void put_value(struct buf *out, const char *text)
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

/* name{connector="..." and, where there is one, another label. A third is put before sample_end. */
static void sample(struct buf *out, const char *name, const struct metrics_connector *c, const char *label,
                   const char *value)
{
    buf_printf(out, "%s{connector=\"%s\"", name, c->name);
    if (label == NULL)
        return;
    buf_printf(out, ",%s=\"", label);
    put_value(out, value);
    buf_putc(out, '"');
}

static void end_count(struct buf *out, uint64_t n)
{
    buf_printf(out, "} %" PRIu64 "\n", n);
}

static void put_seconds(struct buf *out, int64_t ms)
{
    buf_printf(out, "%s%" PRId64 ".%03d", ms < 0 ? "-" : "", ms < 0 ? -(ms / 1000) : ms / 1000,
               (int)(ms < 0 ? -(ms % 1000) : ms % 1000));
}

static void end_seconds(struct buf *out, int64_t ms)
{
    buf_puts(out, "} ");
    put_seconds(out, ms);
    buf_putc(out, '\n');
}

/* ---- one value a connector ---- */

enum kind {
    COUNT,   /* uint64_t */
    YES,     /* bool */
    SECONDS, /* int64_t, milliseconds */
    AGE,     /* int64_t, a Unix time in milliseconds; left out while it is 0 */
};

static const struct {
    const char *name, *type, *help;
    enum kind kind;
    size_t at;
    bool of_store;
} singles[] = {
#define NOW(member)   offsetof(struct metrics_connector, now.member), false
#define STORE(member) offsetof(struct metrics_connector, member), true
    { "state_changes_total", "counter", "Changes of the state or its reason.", COUNT, NOW(state_changes) },
    { "state_age_seconds", "gauge", "How long it has been in its state.", AGE, NOW(state_since_unix_ms) },
    { "log_silent", "gauge", "1 while the log brings far fewer events than usual.", YES, NOW(is_log_silent) },
    { "log_silences_total", "counter", "Times that the log fell silent.", COUNT, NOW(log_silences) },
    { "tail_last_success_age_seconds", "gauge", "Since the last poll of the log that was answered.", AGE,
      NOW(tail_success_unix_ms) },
    { "tail_last_attempt_age_seconds", "gauge", "Since the last poll of the log that was sent.", AGE,
      NOW(tail_attempt_unix_ms) },
    { "tail_last_published_age_seconds", "gauge", "Since the newest time in the log as far as read.", AGE,
      NOW(tail_published_ms) },
    { "tail_at_head", "gauge", "1 when the last poll brought everything there was.", YES, NOW(tail_at_head) },
    { "tail_interval_seconds", "gauge", "Time between polls while idle.", SECONDS, NOW(tail_interval_ms) },
    { "tail_rounds_total", "counter", "Times that the tail reached the head.", COUNT, NOW(tail_rounds) },
    { "events_read_total", "counter", "Events read from the log.", COUNT, NOW(events_read) },
    { "events_stored_total", "counter", "Of these, login events that were stored.", COUNT, NOW(logins_stored) },
    { "events_duplicate_total", "counter", "Of these, known already.", COUNT, NOW(duplicates_dropped) },
    { "events_late_total", "counter", "Of these, published more than a minute before others that were there.", COUNT,
      NOW(late) },
    { "events_unparsed_total", "counter", "Of these, unreadable and kept as they are.", COUNT, NOW(unparsed) },
    { "history_events_stored", "gauge", "Login events that the back-fill stored.", COUNT, NOW(history_stored) },
    { "history_reached_age_seconds", "gauge", "How far back the history has come.", AGE, NOW(history_reached_ms) },
    { "history_target_age_seconds", "gauge", "How far back the history is to go.", AGE, NOW(history_target_ms) },
    { "last_error_age_seconds", "gauge", "Since the newest failure.", AGE, NOW(error_unix_ms) },
    { "okta_requests_total", "counter", "Requests sent to Okta.", COUNT, NOW(counts.requests) },
    { "streams", "gauge", "Open StreamLogins calls.", COUNT, offsetof(struct metrics_connector, streams), false },
    { "store_events", "gauge", "Login events held.", COUNT, STORE(store_events) },
    { "store_events_pruned_total", "counter", "Login events that retention removed.", COUNT, STORE(store_pruned) },
    { "store_bytes", "gauge", "Of the store in use.", COUNT, STORE(store_bytes) },
    { "store_limit_bytes", "gauge", "The most that the store may be.", COUNT, STORE(store_bytes_max) },
};

static void put_single(struct buf *out, const char *name, size_t i, const struct metrics_connector *c,
                       int64_t now_unix_ms)
{
    const char *at = (const char *)c + singles[i].at;

    if ((singles[i].of_store && !c->has_store) || (singles[i].kind == AGE && *(const int64_t *)at <= 0))
        return;
    sample(out, name, c, NULL, NULL);
    switch (singles[i].kind) {
    case COUNT:
        end_count(out, *(const uint64_t *)at);
        break;
    case YES:
        end_count(out, *(const bool *)at);
        break;
    case SECONDS:
        end_seconds(out, *(const int64_t *)at);
        break;
    case AGE:
        end_seconds(out, now_unix_ms - *(const int64_t *)at);
        break;
    }
}

static void put_singles(const struct metrics *m, struct buf *out)
{
    char name[80] = PREFIX;

    for (size_t i = 0; i < sizeof singles / sizeof singles[0]; i++) {
        strcpy(name + sizeof PREFIX - 1, singles[i].name); /* ours, and short */
        metrics_family(out, name, singles[i].type, singles[i].help);
        for (size_t j = 0; j < m->connector_count; j++)
            put_single(out, name, i, &m->connectors[j], m->now_unix_ms);
    }
}

/* ---- several a connector ---- */

typedef void put_many(struct buf *out, const char *name, const struct metrics_connector *c, int64_t now_unix_ms);

static void put_state(struct buf *out, const char *name, const struct metrics_connector *c, int64_t now_unix_ms)
{
    (void)now_unix_ms;
    for (int state = CONNECTOR_STARTING; state <= CONNECTOR_RETIRED; state++) {
        sample(out, name, c, "state", state_name((enum connector_state)state));
        end_count(out, c->now.state == (enum connector_state)state);
    }
}

static void put_reason(struct buf *out, const char *name, const struct metrics_connector *c, int64_t now_unix_ms)
{
    (void)now_unix_ms;
    sample(out, name, c, "reason", reason_name(c->now.reason));
    end_count(out, 1);
}

static void put_history(struct buf *out, const char *name, const struct metrics_connector *c, int64_t now_unix_ms)
{
    static const char *const names[] = { [HISTORY_OFF] = "OFF",
                                         [HISTORY_RUNNING] = "RUNNING",
                                         [HISTORY_COMPLETE] = "COMPLETE",
                                         [HISTORY_LIMITED_BY_SIZE] = "LIMITED_BY_SIZE" };

    (void)now_unix_ms;
    for (int state = HISTORY_OFF; state <= HISTORY_LIMITED_BY_SIZE; state++) {
        sample(out, name, c, "state", names[state]);
        end_count(out, c->now.history == (enum connector_history)state);
    }
}

static void put_answers(struct buf *out, const char *name, const struct metrics_connector *c, int64_t now_unix_ms)
{
    static const char *const classes[] = { "none", "other", "2xx", "3xx", "4xx", "5xx" };
    const struct okta_counts *counts = &c->now.counts;

    (void)now_unix_ms;
    for (int i = 0; i < 6; i++) {
        sample(out, name, c, "class", classes[i]);
        /* 429 is a class of its own: it is what an org feels of us. */
        end_count(out, i == 4 ? counts->answers[4] - counts->answers_429 : counts->answers[i]);
    }
    sample(out, name, c, "class", "429");
    end_count(out, counts->answers_429);
}

/* The chosen collections, in the table's order. */
#define EACH_COLLECTION(c, row, s)                                                                                     \
    for (size_t i_ = 0; i_ < collection_table_count; i_++)                                                             \
        for (const struct collection *row = collection_at(i_); row != NULL; row = NULL)                                \
            for (const struct collection_snapshot *s = &(c)->now.collections[row->id]; s != NULL && s->is_chosen;      \
                 s = NULL)

static void put_objects(struct buf *out, const char *name, const struct metrics_connector *c, int64_t now_unix_ms)
{
    (void)now_unix_ms;
    EACH_COLLECTION(c, row, s)
    {
        sample(out, name, c, "collection", row->name);
        end_count(out, s->objects);
    }
}

static void put_complete(struct buf *out, const char *name, const struct metrics_connector *c, int64_t now_unix_ms)
{
    (void)now_unix_ms;
    EACH_COLLECTION(c, row, s)
    {
        sample(out, name, c, "collection", row->name);
        end_count(out, s->is_complete);
    }
}

static void put_listed_age(struct buf *out, const char *name, const struct metrics_connector *c, int64_t now_unix_ms)
{
    EACH_COLLECTION(c, row, s)
    {
        if (s->last_success_unix_ms <= 0)
            continue;
        sample(out, name, c, "collection", row->name);
        end_seconds(out, now_unix_ms - s->last_success_unix_ms);
    }
}

/* ---- buckets and waits ---- */

static void put_bucket_value(struct buf *out, const char *name, const struct metrics_connector *c, size_t at)
{
    for (size_t i = 0; i < c->now.bucket_count && i < OKTA_BUCKETS_MAX; i++) {
        int32_t value = *(const int32_t *)((const char *)&c->now.buckets[i] + at);

        sample(out, name, c, "bucket", c->now.buckets[i].name);
        end_count(out, value > 0 ? (uint64_t)value : 0);
    }
}

#define BUCKET_VALUE(member)                                                                                           \
    static void put_##member(struct buf *out, const char *name, const struct metrics_connector *c,                     \
                             int64_t now_unix_ms)                                                                      \
    {                                                                                                                  \
        (void)now_unix_ms;                                                                                             \
        put_bucket_value(out, name, c, offsetof(struct okta_bucket, member));                                          \
    }
BUCKET_VALUE(limit)
BUCKET_VALUE(remaining)
BUCKET_VALUE(spent)

static void put_share(struct buf *out, const char *name, const struct metrics_connector *c, int64_t now_unix_ms)
{
    (void)now_unix_ms;
    for (size_t i = 0; i < c->now.bucket_count && i < OKTA_BUCKETS_MAX; i++) {
        sample(out, name, c, "bucket", c->now.buckets[i].name);
        buf_printf(out, "} %d.%02d\n", c->now.buckets[i].share_percent / 100, c->now.buckets[i].share_percent % 100);
    }
}

static bool is_repeated(const struct poller_snapshot *now, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (strcmp(now->waits[i].what, now->waits[j].what) == 0 &&
            strcmp(now->waits[i].bucket, now->waits[j].bucket) == 0)
            return true;
    return false;
}

static void put_waits(struct buf *out, const char *name, const struct metrics_connector *c, int64_t now_unix_ms)
{
    for (size_t i = 0; i < c->now.wait_count && i < WAITS_MAX; i++) {
        const struct wait_snapshot *w = &c->now.waits[i];

        if (is_repeated(&c->now, i))
            continue; /* the format takes no series twice */
        sample(out, name, c, "what", w->what);
        buf_puts(out, ",bucket=\"");
        put_value(out, w->bucket);
        buf_putc(out, '"');
        end_seconds(out, w->until_unix_ms > now_unix_ms ? w->until_unix_ms - now_unix_ms : 0);
    }
}

static const struct {
    const char *name, *type, *help;
    put_many *put;
} manys[] = {
    { PREFIX "state", "gauge", "1 for the state that the connector is in.", put_state },
    { PREFIX "state_reason", "gauge", "1, with why it is in its state.", put_reason },
    { PREFIX "history_state", "gauge", "1 for the state that the back-fill of history is in.", put_history },
    { PREFIX "okta_answers_total", "counter", "Answers from Okta by class; none: no answer came.", put_answers },
    { PREFIX "collection_objects", "gauge", "Held in the store.", put_objects },
    { PREFIX "collection_complete", "gauge", "1 when a full listing has finished.", put_complete },
    { PREFIX "collection_last_success_age_seconds", "gauge", "Since the last listing or poll that finished.",
      put_listed_age },
    { PREFIX "rate_limit_requests", "gauge", "Requests a minute that Okta grants.", put_limit },
    { PREFIX "rate_limit_remaining_requests", "gauge", "Of these, not used in this window by anybody.", put_remaining },
    { PREFIX "rate_limit_spent_requests", "gauge", "Of these, used in this window by us.", put_spent },
    { PREFIX "rate_limit_share_ratio", "gauge", "The share of the limit that we allow ourselves.", put_share },
    { PREFIX "wait_seconds", "gauge", "For how long what does not move will still wait.", put_waits },
};

static void put_manys(const struct metrics *m, struct buf *out)
{
    for (size_t i = 0; i < sizeof manys / sizeof manys[0]; i++) {
        metrics_family(out, manys[i].name, manys[i].type, manys[i].help);
        for (size_t j = 0; j < m->connector_count; j++)
            manys[i].put(out, manys[i].name, &m->connectors[j], m->now_unix_ms);
    }
}

/* ---- calls, with the names that gRPC's own exporters use ---- */

static void sample_method(struct buf *out, const char *name, const struct rpc_method_counts *of)
{
    static const char *const types[] = { "unary", "server_stream", "bidi_stream" };
    const char *path = of->path != NULL ? of->path : "/unknown/unknown";
    const char *slash = strrchr(path, '/');

    buf_printf(out, "%s{grpc_type=\"%s\",grpc_service=\"%.*s\",grpc_method=\"%s\"", name, types[of->kind],
               (int)(slash - path - 1), path + 1, slash + 1);
}

static void put_started(const struct metrics *m, struct buf *out)
{
    static const char name[] = "grpc_server_started_total";

    metrics_family(out, name, "counter", "Calls that began.");
    for (size_t i = 0; i < m->method_count; i++) {
        sample_method(out, name, &m->methods[i]);
        end_count(out, m->methods[i].started);
    }
}

static void put_handled(const struct metrics *m, struct buf *out)
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
            sample_method(out, name, &m->methods[i]);
            buf_printf(out, ",grpc_code=\"%s\"", codes[code]);
            end_count(out, m->methods[i].handled[code]);
        }
    }
}

/* ---- the process ---- */

static void put_process(const struct metrics *m, struct buf *out)
{
    metrics_family(out, PREFIX "build_info", "gauge", "1, with the version.");
    buf_puts(out, PREFIX "build_info{version=\"");
    put_value(out, m->version);
    buf_puts(out, "\"} 1\n");
    metrics_family(out, "process_start_time_seconds", "gauge", "When the process started, as a Unix time.");
    buf_puts(out, "process_start_time_seconds ");
    put_seconds(out, m->started_unix_ms);
    buf_putc(out, '\n');
    metrics_family(out, PREFIX "config_last_reload_successful", "gauge",
                   "1 when the configuration was read without fault the last time: at the start, or on SIGHUP.");
    buf_printf(out, PREFIX "config_last_reload_successful %d\n", m->reload.is_successful);
    metrics_family(out, PREFIX "config_last_reload_success_timestamp_seconds", "gauge",
                   "When that was, the last time without fault, as a Unix time.");
    buf_puts(out, PREFIX "config_last_reload_success_timestamp_seconds ");
    put_seconds(out, m->reload.success_unix_ms);
    buf_putc(out, '\n');
    metrics_family(out, PREFIX "connectors", "gauge", "Connectors that there are.");
    buf_printf(out, PREFIX "connectors %zu\n", m->connector_count);
    if (m->certificate_expiry_unix_s > 0) {
        metrics_family(out, PREFIX "tls_certificate_expiry_timestamp_seconds", "gauge",
                       "When our TLS certificate expires.");
        buf_printf(out, PREFIX "tls_certificate_expiry_timestamp_seconds %" PRId64 "\n", m->certificate_expiry_unix_s);
    }
    metrics_family(out, PREFIX "streams_opened_total", "counter", "StreamLogins calls that began to read.");
    buf_printf(out, PREFIX "streams_opened_total %" PRIu64 "\n", m->streams.opened);
    metrics_family(out, PREFIX "stream_events_sent_total", "counter", "Login events sent, to all streams.");
    buf_printf(out, PREFIX "stream_events_sent_total %" PRIu64 "\n", m->streams.events_sent);
    metrics_family(out, PREFIX "stream_sent_bytes_total", "counter", "Of login events sent, to all streams.");
    buf_printf(out, PREFIX "stream_sent_bytes_total %" PRIu64 "\n", m->streams.bytes_sent);
}

void metrics_render(const struct metrics *m, struct buf *out)
{
    put_process(m, out);
    put_singles(m, out);
    put_manys(m, out);
    put_started(m, out);
    put_handled(m, out);
}
