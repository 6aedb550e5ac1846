#include "okta/headers.h"

#include "okta/url.h"

#include <stdio.h>
#include <string.h>

#define UNIX_S_MAX 253402300799 /* the last second of the year 9999 */

static struct view from(struct view v, size_t start)
{
    return start < v.len ? (struct view){ v.at + start, v.len - start } : VIEW_NONE;
}

static size_t find(struct view v, char c)
{
    const char *at = v.len > 0 ? memchr(v.at, c, v.len) : NULL;

    return at != NULL ? (size_t)(at - v.at) : v.len;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Takes what stands before `c` off the front of *rest, and `c` with it. */
static struct view cut(struct view *rest, char c)
{
    size_t len = find(*rest, c);
    struct view head = { rest->at, len };

    *rest = from(*rest, len + 1);
    return head;
}

/* ---- numbers and times ---- */

/* "60", or "60, 60" where somebody folded two lines: each is handed to `keep`. */
static void each_number(struct view value, uint64_t max, int64_t *kept, bool keep_largest)
{
    while (value.len > 0) {
        uint64_t n;

        if (!view_u64(view_trim(cut(&value, ',')), 0, max, &n))
            continue;
        if (*kept < 0 || (keep_largest ? (int64_t)n > *kept : (int64_t)n < *kept))
            *kept = (int64_t)n;
    }
}

static void smallest(struct view value, int32_t *kept)
{
    int64_t n = *kept;

    each_number(value, BUDGET_LIMIT_MAX, &n, false);
    *kept = (int32_t)n;
}

static int month_of(struct view name)
{
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

    for (int i = 0; i < 12; i++)
        if (view_eq_nocase(name, view_of(months[i])))
            return i + 1;
    return 0;
}

/* "Sat, 14 Mar 2026 09:26:53 GMT": the one form that HTTP has servers send. */
static bool http_date(struct view v, int64_t *unix_s)
{
    char text[TIME_TEXT_SIZE];
    int64_t unix_ms;
    int month;

    v = view_trim(v);
    if (v.len != 29 || v.at[3] != ',' || !view_ends(v, " GMT"))
        return false;
    month = month_of((struct view){ v.at + 8, 3 });
    snprintf(text, sizeof text, "%.4s-%02d-%.2sT%.8sZ", v.at + 12, month, v.at + 5, v.at + 17);
    if (month == 0 || !time_parse(view_of(text), &unix_ms))
        return false;
    *unix_s = unix_ms / 1000;
    return true;
}

/* Seconds or a date; a date needs the answer's own Date, so it is read last. */
static int64_t retry_after(struct view value, int64_t date_unix_s)
{
    int64_t seconds = -1, at_unix_s;

    value = view_trim(value);
    if (value.len == 0)
        return -1;
    if (http_date(value, &at_unix_s))
        seconds = date_unix_s > 0 && at_unix_s > date_unix_s ? at_unix_s - date_unix_s : 0;
    else
        each_number(value, UNIX_S_MAX, &seconds, true);
    return seconds > HEADERS_RETRY_AFTER_MAX_S ? HEADERS_RETRY_AFTER_MAX_S : seconds;
}

/* ---- parameters: name=value or name="value" ---- */

/* The length of the quoted string at the front of v, quotes included; all of v when it does not end. */
static size_t quoted(struct view v)
{
    for (size_t i = 1; i < v.len; i++) {
        if (v.at[i] == '\\')
            i++;
        else if (v.at[i] == '"')
            return i + 1;
    }
    return v.len;
}

/* Takes the next parameter, of a list separated by ';', ',' or blanks. */
static bool next_param(struct view *rest, struct view *name, struct view *value)
{
    size_t len = 0;

    while (rest->len > 0 && (is_blank(rest->at[0]) || rest->at[0] == ';' || rest->at[0] == ','))
        *rest = from(*rest, 1);
    while (len < rest->len && strchr(" \t;,=", rest->at[len]) == NULL)
        len++;
    *name = (struct view){ rest->at, len };
    *rest = from(*rest, len);
    *value = VIEW_NONE;
    while (rest->len > 0 && is_blank(rest->at[0]))
        *rest = from(*rest, 1);
    if (rest->len == 0 || rest->at[0] != '=')
        return len > 0;

    *rest = from(*rest, 1);
    while (rest->len > 0 && is_blank(rest->at[0]))
        *rest = from(*rest, 1);
    if (rest->len > 0 && rest->at[0] == '"') {
        size_t all = quoted(*rest);

        *value = (struct view){ rest->at + 1, all > 1 ? all - 2 : 0 };
        *rest = from(*rest, all);
        return true;
    }
    for (len = 0; len < rest->len && strchr(" \t;,", rest->at[len]) == NULL;)
        len++;
    *value = (struct view){ rest->at, len };
    *rest = from(*rest, len);
    return true;
}

static void read_challenge(struct view value, struct headers *out)
{
    struct view name, v, scope = VIEW_NONE;
    bool is_missing = false;

    while (next_param(&value, &name, &v)) {
        if (view_eq_nocase(name, VIEW("error")))
            out->auth_error = v;
        if (view_eq_nocase(name, VIEW("error")) && view_eq_nocase(v, VIEW("insufficient_scope")))
            is_missing = true;
        else if (view_eq_nocase(name, VIEW("scope")))
            scope = v;
    }
    if (is_missing) {
        out->is_scope_missing = true;
        out->missing_scope = scope;
    }
}

/* A nonce goes into what we sign: of the characters that RFC 9449 allows, and not of any length. */
static struct view nonce_of(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.at[i] <= ' ' || v.at[i] >= 0x7f || v.at[i] == '"' || v.at[i] == '\\')
            return VIEW_NONE;
    return v.len <= HEADERS_NONCE_MAX ? v : VIEW_NONE;
}

/* ---- Link ---- */

static bool names_relation(struct view params, const char *relation)
{
    struct view name, value;

    while (next_param(&params, &name, &value)) {
        if (!view_eq_nocase(name, VIEW("rel")))
            continue;
        while (value.len > 0)
            if (view_eq_nocase(cut(&value, ' '), view_of(relation)))
                return true;
    }
    return false;
}

static bool is_org(struct view origin, const struct okta_url *org)
{
    struct view text = view_of(org->text);
    struct view port = VIEW(":443");

    if (view_starts(text, "https:") && view_ends(origin, ":443") && !view_ends(text, ":443"))
        origin.len -= port.len;
    return view_eq_nocase(origin, text);
}

/* A link is asked for at the configured host, whatever it says: only its path and query are taken. */
static void take_next(struct view target, const struct okta_url *org, struct headers *out)
{
    struct view path = target;

    target = view_trim(target);
    if (target.len > 1 && target.at[0] == '/' && target.at[1] != '/') {
        path = target;
    } else {
        size_t host = find(target, ':') + 3;
        size_t end = host;

        if (host > target.len || memcmp(target.at + host - 3, "://", 3) != 0)
            end = target.len;
        while (end < target.len && strchr("/?#", target.at[end]) == NULL)
            end++;
        path = from(target, end); /* not usable when it does not begin with a slash */
        out->next_was_foreign = !is_org((struct view){ target.at, end }, org);
    }
    path.len = find(path, '#');
    out->link = url_path_ok(path) ? HEADERS_LINK_OK : HEADERS_LINK_UNUSABLE;
    out->next = out->link == HEADERS_LINK_OK ? path : VIEW_NONE;
}

/* <url>; rel="next", <url>; rel="self": cut at the angle brackets, since URLs hold commas. */
static void read_link(struct view value, const struct okta_url *org, struct headers *out)
{
    while (value.len > 0 && out->link == HEADERS_LINK_NONE) {
        struct view target, params;
        size_t end = 0;

        (void)cut(&value, '<');
        target = cut(&value, '>');
        while (end < value.len && value.at[end] != '<')
            end += value.at[end] == '"' ? quoted(from(value, end)) : 1;
        params = (struct view){ value.at, end };
        value = from(value, end);
        if (names_relation(params, "next"))
            take_next(target, org, out);
    }
}

/* ---- the block ---- */

static void read_line(struct view name, struct view value, const struct okta_url *org, struct headers *out,
                      struct view *retry_after_text)
{
    if (view_eq_nocase(name, VIEW("x-rate-limit-limit")))
        smallest(value, &out->rate_limit);
    else if (view_eq_nocase(name, VIEW("x-rate-limit-remaining")))
        smallest(value, &out->rate_remaining);
    else if (view_eq_nocase(name, VIEW("x-rate-limit-reset")))
        each_number(value, UNIX_S_MAX, &out->rate_reset_unix_s, true);
    else if (view_eq_nocase(name, VIEW("date")))
        (void)!http_date(value, &out->date_unix_s);
    else if (view_eq_nocase(name, VIEW("retry-after")))
        *retry_after_text = value;
    else if (view_eq_nocase(name, VIEW("content-type")))
        out->content_type = view_trim(cut(&value, ';'));
    else if (view_eq_nocase(name, VIEW("x-okta-request-id")))
        out->request_id = value;
    else if (view_eq_nocase(name, VIEW("www-authenticate")))
        read_challenge(value, out);
    else if (view_eq_nocase(name, VIEW("dpop-nonce")))
        out->dpop_nonce = nonce_of(value);
    else if (view_eq_nocase(name, VIEW("link")))
        read_link(value, org, out);
}

void headers_read(struct view head, const struct okta_url *org, struct headers *out)
{
    struct view retry_after_text = VIEW_NONE;
    bool was_link = false;

    *out = (struct headers){ .rate_limit = -1, .rate_remaining = -1, .rate_reset_unix_s = -1 };
    while (head.len > 0) {
        struct view value = cut(&head, '\n');

        /* A line that continues the one before it is a form long withdrawn: of links alone we must not miss one. */
        if (value.len > 0 && is_blank(value.at[0])) {
            if (was_link && out->link == HEADERS_LINK_NONE)
                out->link = HEADERS_LINK_UNUSABLE;
            continue;
        }
        struct view name = view_trim(cut(&value, ':'));

        was_link = view_eq_nocase(name, VIEW("link"));
        read_line(name, view_trim(value), org, out, &retry_after_text);
    }
    out->retry_after_s = retry_after(retry_after_text, out->date_unix_s);
}

bool headers_reading(const struct headers *h, struct budget_reading *out)
{
    if (h->rate_limit < 0 || h->rate_remaining < 0 || h->rate_reset_unix_s < 0 || h->date_unix_s <= 0)
        return false;
    *out = (struct budget_reading){ h->rate_limit, h->rate_remaining, h->rate_reset_unix_s, h->date_unix_s };
    return true;
}

bool headers_is_concurrency(const struct headers *h)
{
    return h->rate_limit == 0 && h->rate_remaining == 0;
}
