#include "control.h"

#include "json_text.h"
#include "query.h"

#include <string.h>

#define ANSWER_BYTES_MAX 65536
#define LINES_BYTES      65536 /* of the truth made at a time */

struct act {
    struct emulator *emulator;
    const struct query *query;
    struct view body;
    int64_t now_ms;
    struct control_answer *out;
};
/* False: refused. */
typedef bool action(const struct act *a);

static bool refuse(struct control_answer *out, int status, const char *why)
{
    out->status = status;
    buf_reset(&out->body);
    buf_printf(&out->body, "{\"error\":\"%s\"}\n", why);
    return false;
}

/* ---- asking ---- */

static bool show_truth(const struct act *a)
{
    struct view since;
    uint64_t begin = 0;

    if (query_get(a->query, "since_index", &since) && !view_u64(since, 0, SIZE_MAX, &begin))
        return refuse(a->out, 400, "since_index is a number");
    a->out->is_truth = true;
    a->out->truth = (struct truth_reader){ .emulator = a->emulator,
                                           .at = (size_t)begin,
                                           .end = emulator_truth_count(a->emulator),
                                           .logins_only = view_is(query_value(a->query, "logins"), "1"),
                                           .lines = BUF(4 * LINES_BYTES) };
    return true;
}

static void put_line(struct truth_reader *r, const struct emulator_truth *t)
{
    char published[TIME_TEXT_SIZE], persisted[TIME_TEXT_SIZE];

    time_format(t->published_ms, published);
    time_format(t->persisted_ms, persisted);
    buf_puts(&r->lines, "{\"uuid\":\"");
    json_text_put(view_of(t->uuid), &r->lines);
    buf_puts(&r->lines, "\",\"event_type\":\"");
    json_text_put(view_of(t->event_type), &r->lines);
    buf_printf(&r->lines, "\",\"published\":\"%s\",\"persisted\":\"%s\",\"is_login\":%s}\n", published, persisted,
               t->is_login ? "true" : "false");
}

size_t truth_read(struct truth_reader *r, char *to, size_t len)
{
    if (r->taken == r->lines.len) {
        r->taken = 0;
        buf_reset(&r->lines);
        for (; r->at < r->end && r->lines.len < LINES_BYTES; r->at++) {
            struct emulator_truth t = emulator_truth_at(r->emulator, r->at);

            if (t.is_login || !r->logins_only)
                put_line(r, &t);
        }
    }
    len = len < r->lines.len - r->taken ? len : r->lines.len - r->taken;
    if (len > 0)
        memcpy(to, r->lines.at + r->taken, len);
    r->taken += len;
    return len;
}

static bool show_stats(const struct act *a)
{
    static const char *const prefixes[] = { "/api/v1/logs",   "/api/v1/users",    "/api/v1/users/",
                                            "/api/v1/groups", "/api/v1/apps",     "/api/v1/org",
                                            "/.well-known/",  "/oauth2/v1/token", "" };

    buf_puts(&a->out->body, "{\"requests\":{");
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        buf_printf(&a->out->body, "%s\"%s\":%llu", i > 0 ? "," : "", prefixes[i],
                   (unsigned long long)emulator_requests(a->emulator, prefixes[i]));
    buf_puts(&a->out->body, "},\"paths\":{");
    for (size_t i = 0; i < emulator_path_count(a->emulator); i++) {
        buf_puts(&a->out->body, i > 0 ? "," : "");
        json_quote(view_of(emulator_path_at(a->emulator, i)), &a->out->body);
        buf_printf(&a->out->body, ":%llu",
                   (unsigned long long)emulator_requests(a->emulator, emulator_path_at(a->emulator, i)));
    }
    buf_printf(&a->out->body,
               "},\"violations\":%llu,\"answers_429\":%llu,\"faults\":%llu,"
               "\"events\":%zu,\"users\":%zu}\n",
               (unsigned long long)emulator_violations(a->emulator),
               (unsigned long long)emulator_answers_429(a->emulator),
               (unsigned long long)emulator_faults_done(a->emulator), emulator_truth_count(a->emulator),
               emulator_user_count(a->emulator));
    return true;
}

/* ---- doing ---- */

static bool stop_logins(const struct act *a)
{
    emulator_stop_logins(a->emulator);
    return true;
}

static bool add_event(const struct act *a)
{
    emulator_add_event(a->emulator, a->now_ms, a->now_ms, NULL, a->body);
    return true;
}

static bool add_user(const struct act *a)
{
    struct view login = query_value(a->query, "login");
    AUTO_FREE char *text = NULL;

    if (!emulator_login_is_fit(login))
        return refuse(a->out, 400, "login is 1 to 200 bytes without quotes, backslashes and control characters");
    text = view_dup(login);
    emulator_add_user(a->emulator, a->now_ms, text);
    return true;
}

static bool change_user(const struct act *a)
{
    static const struct {
        const char *name;
        enum emulator_user_change change;
    } changes[] = { { "update", EMULATOR_USER_UPDATE },
                    { "suspend", EMULATOR_USER_SUSPEND },
                    { "deactivate", EMULATOR_USER_DEACTIVATE },
                    { "activate", EMULATOR_USER_ACTIVATE },
                    { "delete", EMULATOR_USER_DELETE } };

    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        if (!view_is(query_value(a->query, "do"), changes[i].name))
            continue;
        return emulator_change_user(a->emulator, a->now_ms, query_value(a->query, "user"), changes[i].change) ||
               refuse(a->out, 404, "no such user");
    }
    return refuse(a->out, 400, "do is update, suspend, deactivate, activate or delete");
}

static bool revoke_token(const struct act *a)
{
    emulator_revoke_token(a->emulator);
    return true;
}

static bool set_token(const struct act *a)
{
    struct view value = query_value(a->query, "value");
    AUTO_FREE char *text = NULL;

    if (value.len == 0 || memchr(value.at, '\0', value.len) != NULL)
        return refuse(a->out, 400, "value is the new token");
    text = view_dup(value);
    emulator_set_token(a->emulator, text);
    return true;
}

static bool expire_cursors(const struct act *a)
{
    emulator_expire_cursors(a->emulator);
    return true;
}

static bool set_role(const struct act *a)
{
    enum emulator_role role;

    if (!emulator_role_named(query_value(a->query, "value"), &role))
        return refuse(a->out, 400, "value is read-only, report, super, org, app, help-desk or none");
    emulator_set_role(a->emulator, role);
    return true;
}

static bool set_scopes(const struct act *a)
{
    struct view value = query_value(a->query, "value");
    AUTO_FREE char *text = NULL;

    if (memchr(value.at != NULL ? value.at : "", '\0', value.len) != NULL)
        return refuse(a->out, 400, "value holds a NUL");
    text = view_dup(value);
    emulator_set_scopes(a->emulator, text);
    return true;
}

static bool set_dpop(const struct act *a)
{
    enum emulator_dpop dpop;

    if (!emulator_dpop_named(query_value(a->query, "value"), &dpop))
        return refuse(a->out, 400, "value is off, required or strict");
    emulator_set_dpop(a->emulator, dpop);
    return true;
}

static bool set_client(const struct act *a)
{
    struct view active = query_value(a->query, "active");

    if (!view_is(active, "0") && !view_is(active, "1"))
        return refuse(a->out, 400, "active is 0 or 1");
    emulator_set_client_active(a->emulator, view_is(active, "1"));
    return true;
}

static bool set_zone(const struct act *a)
{
    struct view outside = query_value(a->query, "outside");

    if (!view_is(outside, "0") && !view_is(outside, "1"))
        return refuse(a->out, 400, "outside is 0 or 1");
    emulator_set_outside_zone(a->emulator, view_is(outside, "1"));
    return true;
}

static bool revoke_access_tokens(const struct act *a)
{
    emulator_revoke_access_tokens(a->emulator);
    return true;
}

static bool rotate_nonce(const struct act *a)
{
    emulator_rotate_nonce(a->emulator);
    return true;
}

static bool fault(const struct act *a)
{
    struct view prefix = query_value(a->query, "prefix"), text;
    AUTO_FREE char *prefix_text = NULL, *body_text = NULL;
    uint64_t count, status;

    if (!view_u64(query_value(a->query, "count"), 1, UINT32_MAX, &count) ||
        !view_u64(query_value(a->query, "status"), 200, 599, &status) || prefix.len == 0 ||
        memchr(prefix.at, '\0', prefix.len) != NULL)
        return refuse(a->out, 400, "prefix, count (1 and more) and status (200 to 599) are needed");
    if (query_get(a->query, "body", &text)) {
        if (memchr(text.at, '\0', text.len) != NULL)
            return refuse(a->out, 400, "body holds a NUL");
        body_text = view_dup(text);
    }
    prefix_text = view_dup(prefix);
    if (!emulator_fault(a->emulator, prefix_text, (uint32_t)count, (int)status, body_text))
        return refuse(a->out, 429, "too many faults are waiting");
    return true;
}

static bool faults(const struct act *a)
{
    struct view clear = query_value(a->query, "clear");
    AUTO_BUF struct buf text = BUF(ANSWER_BYTES_MAX);
    struct error err;

    if (clear.len > 0 && !view_is(clear, "1"))
        return refuse(a->out, 400, "clear is 1");
    if (clear.len > 0)
        emulator_clear_faults(a->emulator);
    if (emulator_load_faults(a->emulator, a->body, &err))
        return true;
    json_text_put(view_of(err.text), &text);
    return refuse(a->out, 400, buf_cstr(&text));
}

/* ---- which ---- */

static const struct {
    const char *path, *method, *params;
    action *act;
} actions[] = {
    { "/__truth", "GET", "logins since_index", show_truth },
    { "/__stats", "GET", "", show_stats },
    { "/__stop-logins", "POST", "", stop_logins },
    { "/__add-event", "POST", "", add_event },
    { "/__add-user", "POST", "login", add_user },
    { "/__change-user", "POST", "user do", change_user },
    { "/__revoke-token", "POST", "", revoke_token },
    { "/__token", "POST", "value", set_token },
    { "/__expire-cursors", "POST", "", expire_cursors },
    { "/__role", "POST", "value", set_role },
    { "/__scopes", "POST", "value", set_scopes },
    { "/__dpop", "POST", "value", set_dpop },
    { "/__client", "POST", "active", set_client },
    { "/__zone", "POST", "outside", set_zone },
    { "/__revoke-access-tokens", "POST", "", revoke_access_tokens },
    { "/__rotate-nonce", "POST", "", rotate_nonce },
    { "/__faults", "POST", "clear", faults },
    { "/__fault", "POST", "prefix count status body", fault },
};

bool control_is_for(struct view target)
{
    return view_starts(target, "/__");
}

static void run(size_t i, const char *method, struct view query_text, struct act *a)
{
    struct query q;

    query_init(&q);
    a->query = &q;
    if (strcmp(method, actions[i].method) != 0)
        (void)refuse(a->out, 405, "another method");
    else if (!query_parse(&q, query_text) || q.doubled.len > 0 || query_unknown(&q, actions[i].params).len > 0)
        (void)refuse(a->out, 400, "the parameters cannot be read, or one is unknown");
    else if (actions[i].act(a) && !a->out->is_truth && a->out->body.len == 0)
        buf_puts(&a->out->body, "{}\n");
    query_deinit(&q);
}

void control_answer(struct emulator *e, const char *method, struct view target, struct view body, int64_t now_unix_ms,
                    struct control_answer *out)
{
    const char *mark = memchr(target.at, '?', target.len);
    struct view path = { target.at, mark != NULL ? (size_t)(mark - target.at) : target.len };
    struct view query_text = { path.at + path.len, target.len - path.len };
    struct act a = { .emulator = e, .body = body, .now_ms = now_unix_ms, .out = out };

    if (query_text.len > 0)
        query_text.at++, query_text.len--;
    *out = (struct control_answer){ .status = 200, .body = BUF(ANSWER_BYTES_MAX) };
    emulator_advance(e, now_unix_ms);
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (!view_is(path, actions[i].path))
            continue;
        run(i, method, query_text, &a);
        return;
    }
    (void)refuse(out, 404, "no such endpoint");
}

void control_answer_deinit(struct control_answer *out)
{
    buf_deinit(&out->body);
    buf_deinit(&out->truth.lines);
}
