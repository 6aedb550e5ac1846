#include "world/weather.h"

#include "base/assert.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NESTED_DEPTH 100000
#define RESET_S      20 /* of WEATHER_WINDOW_FULL */
#define CROWD_S      120

struct under_way {
    struct okta_exchange *x; /* NULL: free */
    struct weather_seen seen;
};

struct weather {
    struct okta_transport base;
    struct okta_transport *inner;
    struct weather_options options;
    enum weather_kind kind;
    uint32_t left;
    struct under_way under_way[OKTA_IN_FLIGHT_MAX];
};

#define JSON "Content-Type: application/json\r\n"
#define HTML "Content-Type: text/html; charset=utf-8\r\n"

/* What the org is made to say. Without a status: see spoil. */
static const struct row {
    const char *name;
    enum transport_fault fault;
    int status;
    const char *headers, *body;
} rows[WEATHER_KINDS] = {
    [WEATHER_CALM] = { "calm", TRANSPORT_OK, 0, NULL, NULL },
    [WEATHER_TIMEOUT] = { "timeout", TRANSPORT_TIMEOUT, 0, NULL, NULL },
    [WEATHER_RESET] = { "reset", TRANSPORT_RESET, 0, NULL, NULL },
    [WEATHER_CUT_OFF] = { "cut-off", TRANSPORT_TRUNCATED, 0, NULL, NULL },
    [WEATHER_STALE] = { "stale", TRANSPORT_STALE, 0, NULL, NULL },
    [WEATHER_HALF_JSON] = { "half-json", TRANSPORT_OK, 0, NULL, NULL },
    [WEATHER_GARBAGE] = { "garbage", TRANSPORT_OK, 200, JSON, "\x1f\x8b\x08\xff\xfe\x80 not what was asked for" },
    [WEATHER_OBJECT] = { "object", TRANSPORT_OK, 200, JSON, "{\"status\":\"ok\"}" },
    [WEATHER_NESTED] = { "nested", TRANSPORT_OK, 0, NULL, NULL },
    [WEATHER_EMPTY] = { "empty", TRANSPORT_OK, 200, JSON, "" },
    [WEATHER_UNTYPED] = { "untyped", TRANSPORT_OK, 200, "Content-Type: text/plain\r\n", "[]" },
    [WEATHER_HUGE] = { "huge", TRANSPORT_OK, 0, NULL, NULL },
    [WEATHER_LOGIN_PAGE] = { "login-page", TRANSPORT_OK, 200, HTML, "<!doctype html><title>Sign in</title>" },
    [WEATHER_REDIRECT] = { "redirect", TRANSPORT_OK, 302, "Location: https://proxy.example/login\r\n", "" },
    [WEATHER_TOO_SLOW] = { "too-slow", TRANSPORT_OK, 500, JSON, "{\"errorCode\":\"E0000009\",\"errorSummary\":\"x\"}" },
    [WEATHER_QUERY_FAILED] = { "query-failed", TRANSPORT_OK, 500, JSON, "{\"errorCode\":\"E0000053\"}" },
    [WEATHER_BAD_GATEWAY] = { "bad-gateway", TRANSPORT_OK, 502, HTML, "<html><h1>502 Bad Gateway</h1></html>" },
    [WEATHER_READ_ONLY] = { "read-only", TRANSPORT_OK, 503, JSON, "{\"errorCode\":\"E0000010\"}" },
    [WEATHER_SEARCH_DOWN] = { "search-down", TRANSPORT_OK, 503, JSON, "{\"errorCode\":\"E0000100\"}" },
    [WEATHER_GATEWAY_TIMEOUT] = { "gateway-timeout", TRANSPORT_OK, 504, "", "" },
    [WEATHER_WINDOW_FULL] = { "window-full", TRANSPORT_OK, 429, JSON, "{\"errorCode\":\"E0000047\"}" },
    [WEATHER_WINDOW_UNKNOWN] = { "window-unknown", TRANSPORT_OK, 429, JSON, "{\"errorCode\":\"E0000047\"}" },
    [WEATHER_CROWD] = { "crowd", TRANSPORT_OK, 429, JSON, "{\"errorCode\":\"E0000047\"}" },
    [WEATHER_BAD_CURSOR] = { "bad-cursor", TRANSPORT_OK, 400, JSON, "{\"errorCode\":\"E0000031\"}" },
    [WEATHER_CURSOR_REFUSED] = { "cursor-refused", TRANSPORT_OK, 400, JSON, "{\"errorCode\":\"E0000029\"}" },
    [WEATHER_CURSORS_EXPIRE] = { "cursors-expire", TRANSPORT_OK, 0, NULL, NULL },
    [WEATHER_UNAUTHORIZED] = { "unauthorized", TRANSPORT_OK, 401, JSON, "{\"errorCode\":\"E0000011\"}" },
    [WEATHER_NO_SESSION] = { "no-session", TRANSPORT_OK, 403, JSON, "{\"errorCode\":\"E0000005\"}" },
    [WEATHER_FORBIDDEN] = { "forbidden", TRANSPORT_OK, 403, JSON, "{\"errorCode\":\"E0000006\"}" },
    [WEATHER_NOT_FOUND] = { "not-found", TRANSPORT_OK, 404, JSON, "{\"errorCode\":\"E0000007\"}" },
};

const char *weather_name(enum weather_kind kind)
{
    return rows[kind].name;
}

/* ---- spoiling ---- */

static void put_date(const struct weather *w, struct buf *head)
{
    time_t now_s = (time_t)(w->options.clock->unix_ms / 1000);
    struct tm tm;
    char text[64];

    gmtime_r(&now_s, &tm);
    strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    buf_printf(head, "Date: %s\r\n", text);
}

static void put_limits(struct okta_exchange *x, int32_t limit, int64_t reset_unix_s)
{
    buf_printf(&x->head, "X-Rate-Limit-Limit: %d\r\nX-Rate-Limit-Remaining: 0\r\nX-Rate-Limit-Reset: %lld\r\n", limit,
               (long long)reset_unix_s);
}

static void answer(struct weather *w, struct under_way *u)
{
    const struct row *row = &rows[u->seen.kind];
    struct okta_exchange *x = u->x;
    int64_t now_s = w->options.clock->unix_ms / 1000;

    x->http_status = row->status;
    buf_reset(&x->head);
    put_date(w, &x->head);
    buf_puts(&x->head, row->headers);
    if (u->seen.kind == WEATHER_WINDOW_FULL)
        put_limits(x, u->seen.limit > 0 ? u->seen.limit : 60, now_s + RESET_S);
    if (u->seen.kind == WEATHER_CROWD)
        put_limits(x, 0, now_s + CROWD_S);
    buf_reset(&x->body);
    buf_puts(&x->body, row->body);
}

static void fill(struct buf *body, char c, size_t count)
{
    static char block[1 << 16];

    memset(block, c, sizeof block);
    buf_reset(body);
    for (size_t part; count > 0; count -= part) {
        part = count < sizeof block ? count : sizeof block;
        buf_put(body, block, part);
    }
}

static void spoil(struct weather *w, struct under_way *u)
{
    struct okta_exchange *x = u->x;

    if (rows[u->seen.kind].status != 0) {
        answer(w, u);
        return;
    }
    switch (u->seen.kind) {
    case WEATHER_HALF_JSON:
        x->body.len /= 2;
        break;
    case WEATHER_NESTED:
        fill(&x->body, '[', NESTED_DEPTH);
        break;
    case WEATHER_HUGE:
        fill(&x->body, ' ', x->body_bytes_max + 1);
        break;
    default:
        break; /* the transport has seen to it, or nothing is to be done */
    }
}

/* ---- the transport ---- */

static struct under_way *find(struct weather *w, const struct okta_exchange *x)
{
    for (size_t i = 0; i < OKTA_IN_FLIGHT_MAX; i++)
        if (w->under_way[i].x == x)
            return &w->under_way[i];
    ASSERT(!"at most OKTA_IN_FLIGHT_MAX are under way");
    return NULL;
}

static enum weather_kind next_kind(struct weather *w, const struct okta_exchange *x)
{
    bool wants_cursor = w->kind == WEATHER_BAD_CURSOR || w->kind == WEATHER_CURSOR_REFUSED;

    if (w->left == 0 || (wants_cursor && strstr(x->url, "after=") == NULL))
        return WEATHER_CALM;
    w->left--;
    return w->kind;
}

static void begin(struct okta_transport *t, struct okta_exchange *x)
{
    struct weather *w = (struct weather *)t;
    struct under_way *u = find(w, NULL);
    bool is_logs = strstr(x->url, "/api/v1/logs?") != NULL;

    u->x = x;
    u->seen = (struct weather_seen){ .kind = next_kind(w, x),
                                     .is_logs = is_logs,
                                     .is_tail = is_logs && strstr(x->url, "until=") == NULL,
                                     .is_users = strstr(x->url, "/api/v1/users") != NULL,
                                     .sent_mono_ms = w->options.clock->mono_ms };
    if (rows[u->seen.kind].fault != TRANSPORT_OK)
        emulator_transport_fault(w->inner, rows[u->seen.kind].fault, 1);
    w->inner->start(w->inner, x);
}

static int64_t header_number(const struct okta_exchange *x, const char *name)
{
    const char *at = x->head.len > 0 ? memmem(x->head.at, x->head.len, name, strlen(name)) : NULL;

    return at != NULL ? strtoll(at + strlen(name), NULL, 10) : 0;
}

static void finished(void *ctx, struct okta_exchange *x)
{
    struct weather *w = ctx;
    struct under_way *u = find(w, x);

    u->seen.limit = (int32_t)header_number(x, "X-Rate-Limit-Limit: ");
    u->seen.reset_unix_s = header_number(x, "X-Rate-Limit-Reset: ");
    spoil(w, u);
    u->seen.status = x->http_status;
    u->seen.ended_mono_ms = w->options.clock->mono_ms;
    u->x = NULL;
    if (w->options.seen != NULL)
        w->options.seen(w->options.ctx, &u->seen);
    w->base.finished(w->base.ctx, x);
}

static void cancel(struct okta_transport *t, struct okta_exchange *x)
{
    struct weather *w = (struct weather *)t;

    find(w, x)->x = NULL;
    w->inner->cancel(w->inner, x);
}

static void run(struct okta_transport *t, int64_t timeout_ms)
{
    struct weather *w = (struct weather *)t;

    w->inner->run(w->inner, timeout_ms);
}

static void wake(struct okta_transport *t)
{
    struct weather *w = (struct weather *)t;

    w->inner->wake(w->inner);
}

static void destroy(struct okta_transport *t)
{
    struct weather *w = (struct weather *)t;

    w->inner->destroy(w->inner);
    free(w);
}

struct okta_transport *weather_create(struct okta_transport *inner, const struct weather_options *options)
{
    struct weather *w = mem_zero(sizeof *w);

    w->base = (struct okta_transport){ .start = begin, .cancel = cancel, .run = run, .wake = wake, .destroy = destroy };
    w->inner = inner;
    w->inner->finished = finished;
    w->inner->ctx = w;
    w->options = *options;
    return &w->base;
}

void weather_turn(struct okta_transport *t, enum weather_kind kind, uint32_t count)
{
    struct weather *w = (struct weather *)t;

    if (kind == WEATHER_CURSORS_EXPIRE) {
        emulator_expire_cursors(w->options.emulator);
        return;
    }
    w->kind = kind;
    w->left = kind == WEATHER_CALM ? 0 : count;
}

uint32_t weather_left(const struct okta_transport *t)
{
    return ((const struct weather *)t)->left;
}
