#include "okta/answer.h"

#include "okta/allowed.h"

#include <stdio.h>
#include <string.h>

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_LEAST_MS 100 /* full jitter may draw next to nothing; never none at all */

/* Okta's stamps are whole seconds, so the end that they give may be a second early. */
#define WINDOW_MARGIN_MS 1000
#define WINDOW_JITTER_MS 1000

/* A 429 that does not say how long. */
#define WINDOW_UNKNOWN_MS 5000

#define CONCURRENCY_MIN_MS 1000
#define CONCURRENCY_MAX_MS 5000

/* Copies what is visible ASCII, up to the first byte that is not. */
static void copy_visible(char *to, size_t size, struct view from)
{
    size_t len = 0;

    while (len < from.len && len + 1 < size && from.at[len] > ' ' && from.at[len] < 0x7f)
        len++;
    if (len > 0)
        memcpy(to, from.at, len);
    to[len] = '\0';
}

/* There is a next page, and it cannot be asked for, or is none of ours to ask for. */
static bool is_bad_link(const struct headers *h)
{
    return h->link == HEADERS_LINK_UNUSABLE || (h->link == HEADERS_LINK_OK && !allowed_path(h->next));
}

static int facts_of(const struct headers *h, struct view path, struct view body)
{
    return (classify_has_cursor(path) ? CLASSIFY_CURSOR : 0) |
           (classify_is_json(h->content_type, body) ? CLASSIFY_JSON : 0) |
           (h->is_scope_missing ? CLASSIFY_NO_SCOPE : 0) | (headers_is_concurrency(h) ? CLASSIFY_CONCURRENCY : 0) |
           (is_bad_link(h) ? CLASSIFY_BAD_LINK : 0);
}

static void describe(struct answer *a, const char *text)
{
    struct okta_answer *told = &a->told;
    const char *blank = told->error_code[0] != '\0' ? " " : "";

    if (told->verdict == OKTA_DONE)
        return;
    if (told->verdict == OKTA_SCOPE_MISSING)
        copy_visible(told->missing_scope, sizeof told->missing_scope, a->headers.missing_scope);
    if (told->missing_scope[0] != '\0')
        snprintf(told->message, sizeof told->message, "%s: %s (HTTP %d)", text, told->missing_scope, told->http_status);
    else
        snprintf(told->message, sizeof told->message, "%s (HTTP %d%s%s)", text, told->http_status, blank,
                 told->error_code);
}

/* There is no whole answer: whatever part came, even a status, is not to be acted on. */
static void read_failure(const struct okta_exchange *x, struct answer *out)
{
    struct okta_answer *told = &out->told;

    if (!buf_ok(&x->body)) {
        told->verdict = OKTA_SMALLER;
        snprintf(told->message, sizeof told->message, "the answer is larger than %zu MiB", x->body_bytes_max >> 20);
        return;
    }
    told->verdict = x->is_off_list ? OKTA_BROKEN : OKTA_RETRY;
    out->wait = x->is_off_list ? CLASSIFY_WAIT_NONE : CLASSIFY_WAIT_BACKOFF;
    out->is_too_big = x->timed_out;
    told->is_address_refused = x->is_address_refused;
    snprintf(told->message, sizeof told->message, "%s%s",
             x->is_off_list || x->is_address_refused ? "not asked: " : "no answer from Okta: ", x->failure);
}

void answer_read(const struct okta_exchange *x, const struct okta_url *org, struct view path, struct answer *out)
{
    const struct classify_rule *rule;
    struct okta_answer *told = &out->told;
    struct view code = VIEW_NONE;

    *out = (struct answer){ .told.http_status = x->http_status };
    headers_read(buf_view(&x->head), org, &out->headers);
    told->date_unix_s = out->headers.date_unix_s;
    copy_visible(told->request_id, sizeof told->request_id, out->headers.request_id);
    if (x->failure[0] != '\0' || !buf_ok(&x->body) || !buf_ok(&x->head)) {
        read_failure(x, out);
        return;
    }

    if (x->http_status >= 400)
        code = classify_code(buf_view(&x->body));
    copy_visible(told->error_code, sizeof told->error_code, code);
    rule = classify(x->http_status, code, facts_of(&out->headers, path, buf_view(&x->body)), x->is_fresh_connection);
    told->verdict = rule->verdict;
    out->wait = rule->wait;
    out->is_too_big = rule->is_too_big;
    describe(out, rule->text);
    if (told->verdict == OKTA_DONE) {
        told->body = buf_view(&x->body);
        told->next = out->headers.next;
        told->next_was_foreign = out->headers.next_was_foreign;
    }
}

void backoff_count(struct backoff *b, struct answer *a)
{
    if (a->told.verdict == OKTA_SMALLER)
        return;
    if (a->told.verdict != OKTA_RETRY) {
        *b = (struct backoff){ 0, 0 };
        return;
    }
    b->failures++;
    b->too_big = a->is_too_big ? b->too_big + 1 : 0;
    if (b->too_big == 2) {
        b->too_big = 0;
        a->told.verdict = OKTA_SMALLER;
    }
}

static int64_t draw(int64_t min, int64_t max, uint64_t random)
{
    return min + (int64_t)(random % (uint64_t)(max - min + 1));
}

/* Exponential, with full jitter: an outage ends for all its victims at once, and they must not come back at once. */
static int64_t exponential_ms(uint32_t failures, int64_t cap_ms, uint64_t random)
{
    uint32_t doublings = failures > 1 ? failures - 1 : 0;
    int64_t ceiling_ms = doublings < 20 ? (int64_t)BACKOFF_FIRST_MS << doublings : cap_ms;

    return draw(BACKOFF_LEAST_MS, ceiling_ms < cap_ms ? ceiling_ms : cap_ms, random);
}

/* Both stamps are Okta's, so our own clock may be wrong without harm. */
static int64_t window_ms(const struct headers *h, int64_t otherwise_ms, uint64_t random)
{
    int64_t left_ms = (h->rate_reset_unix_s - h->date_unix_s) * 1000;

    if (h->rate_reset_unix_s < 0 || h->date_unix_s == 0 || left_ms < 0 || left_ms > BUDGET_WAIT_MAX_MS)
        return WINDOW_UNKNOWN_MS + otherwise_ms;
    return left_ms + WINDOW_MARGIN_MS + draw(0, WINDOW_JITTER_MS, random);
}

int64_t backoff_wait_ms(const struct backoff *b, const struct answer *a, int64_t cap_ms, uint64_t random)
{
    int64_t asked_ms = a->headers.retry_after_s * 1000;
    int64_t wait_ms = exponential_ms(b->failures, cap_ms, random);

    if (a->wait == CLASSIFY_WAIT_CONCURRENCY)
        return draw(CONCURRENCY_MIN_MS, CONCURRENCY_MAX_MS, random);
    if (a->wait == CLASSIFY_WAIT_WINDOW)
        wait_ms = window_ms(&a->headers, wait_ms, random);
    return asked_ms > wait_ms ? asked_ms : wait_ms;
}
