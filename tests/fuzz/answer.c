/* One answer of Okta's, or of a proxy in between: header lines, an empty line, the body; before them one line with the
 * status and the path that was asked for. */
#include "tests/fuzz/fuzz.h"

#include "okta/answer.h"
#include "okta/url.h"

#include <stdio.h>
#include <string.h>

#define CAP_MS INT64_C(300000)
#define NOW_MS INT64_C(1000000)

static const struct okta_url orgs[] = {
    { "https://acme.okta.com", "acme.okta.com" },
    { "http://127.0.0.1:8080", "127.0.0.1" },
};

/* ---- headers ---- */

static void check_budget(const struct headers *h)
{
    struct budget_reading reading;
    struct budget b;
    int64_t wait_ms;

    if (!headers_reading(h, &reading))
        return;
    budget_init(&b, 50, 10);
    (void)!budget_take(&b, 0, NOW_MS);
    budget_learn(&b, &reading, NOW_MS);
    budget_end(&b);
    wait_ms = budget_take(&b, 0, NOW_MS + 1);
    ASSERT(wait_ms >= 0 && wait_ms <= BUDGET_WAIT_MAX_MS);
    ASSERT(budget_share(&b) >= 1);
    wait_ms = budget_idle_interval_ms(&b);
    ASSERT(wait_ms >= 5000 && wait_ms <= 30000);
}

static void check_headers(struct view head, const struct okta_url *org)
{
    struct headers h;

    headers_read(head, org, &h);
    ASSERT(h.rate_limit >= -1 && h.rate_limit <= BUDGET_LIMIT_MAX);
    ASSERT(h.rate_remaining >= -1 && h.rate_remaining <= BUDGET_LIMIT_MAX);
    ASSERT(h.rate_reset_unix_s >= -1 && h.rate_reset_unix_s <= INT64_C(253402300799));
    ASSERT(h.date_unix_s >= 0 && h.date_unix_s <= INT64_C(253402300799));
    ASSERT(h.retry_after_s >= -1 && h.retry_after_s <= HEADERS_RETRY_AFTER_MAX_S);
    ASSERT(fuzz_is_within(h.content_type, head) && fuzz_is_within(h.request_id, head));
    ASSERT(fuzz_is_within(h.missing_scope, head) && fuzz_is_within(h.auth_error, head));
    ASSERT(fuzz_is_within(h.dpop_nonce, head) && h.dpop_nonce.len <= HEADERS_NONCE_MAX);
    ASSERT(fuzz_is_within(h.next, head) && (h.link == HEADERS_LINK_OK) == (h.next.len > 0));
    ASSERT(h.next.len == 0 || url_path_ok(h.next));
    check_budget(&h);
}

/* ---- what it means ---- */

static bool is_visible(const char *text)
{
    return text[0] == '\0' || (fuzz_is_sentence(text, 1024) && strchr(text, ' ') == NULL);
}

static void check_answer(const struct okta_exchange *x, const struct okta_url *org, struct view path, uint64_t random)
{
    struct backoff backoff = { (uint32_t)(random & 63), 0 };
    struct answer a;

    answer_read(x, org, path, &a);
    ASSERT((int)a.told.verdict >= OKTA_DONE && (int)a.told.verdict <= OKTA_CANCELLED);
    ASSERT(is_visible(a.told.error_code) && is_visible(a.told.request_id) && is_visible(a.told.missing_scope));
    if (a.told.verdict == OKTA_DONE) {
        ASSERT(x->http_status == 200 && a.told.message[0] == '\0');
        ASSERT(a.told.next.len == 0 || url_path_ok(a.told.next));
        ASSERT(fuzz_is_within(a.told.body, buf_view(&x->body)));
    } else {
        ASSERT(fuzz_is_sentence(a.told.message, sizeof a.told.message));
        ASSERT(a.told.body.len == 0 && a.told.next.len == 0);
    }
    backoff_count(&backoff, &a);
    if (a.told.verdict == OKTA_RETRY) {
        int64_t wait_ms = backoff_wait_ms(&backoff, &a, CAP_MS, random);

        ASSERT(wait_ms > 0 && wait_ms <= 2 * HEADERS_RETRY_AFTER_MAX_S * 1000);
    }
}

/* The length of the header lines, with the empty one. */
static size_t head_len(struct view rest)
{
    const char *end = rest.len > 0 ? memmem(rest.at, rest.len, "\r\n\r\n", 4) : NULL;

    return end != NULL ? (size_t)(end - rest.at) + 4 : rest.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct okta_exchange x = { .body_bytes_max = OKTA_BODY_BYTES_MAX, .head = BUF(OKTA_HEADER_BYTES_MAX) };
    struct view rest = fuzz_view(data, size), line = fuzz_until(&rest, '\n');
    struct view status = fuzz_until(&line, ' ');
    uint64_t number = 200;
    size_t head;

    (void)!view_u64(status, 0, 999, &number);
    head = head_len(rest);
    buf_init(&x.body, OKTA_BODY_BYTES_MAX);
    buf_put(&x.head, rest.at, head);
    if (rest.len > head)
        buf_put(&x.body, rest.at + head, rest.len - head);
    x.http_status = (int)number;
    x.is_fresh_connection = size % 2 == 0;
    for (size_t i = 0; i < sizeof orgs / sizeof orgs[0]; i++) {
        check_headers(buf_view(&x.head), &orgs[i]);
        check_answer(&x, &orgs[i], line, size);
    }
    buf_deinit(&x.head);
    buf_deinit(&x.body);
    return 0;
}
