/* What a request gets in place of its answer, and what is done to an answer before it goes out. */
#include "inside.h"

#include "random.h"

#include <string.h>

#define HUGE_BYTES    (100u << 20)
#define DEEP_LEVELS   100000
#define DRIP_BYTES    512
#define DRIP_MS       100
#define CONCURRENCY_S 120 /* too long by about as much as was reported */
#define GARBAGE_BYTES 4096

static const struct usual {
    int status;
    const char *code, *summary;
} usual[] = {
    { 400, "E0000001", "Api validation failed" },
    { 401, "E0000011", "Invalid token provided" },
    { 403, "E0000006", "You do not have permission to perform the requested action" },
    { 404, "E0000007", "Not found: Resource not found" },
    { 429, "E0000047", "API call exceeded rate limit due to too many requests." },
    { 500, "E0000009", "Internal Server Error" },
    { 503, "E0000010", "Service is in read only mode" },
};

static void answer_status(struct emulator *e, const struct emulator_fault *fault, struct emulator_response *out)
{
    struct fail fail = { fault->status, fault->code, false, NULL, NULL };
    const char *summary = "Something is wrong";

    if (fault->headers != NULL)
        buf_puts(&out->head, fault->headers);
    if (fault->body != NULL) {
        buf_puts(&e->body, fault->body);
        wire_finish(e, out, fault->status);
        return;
    }
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) {
        if (usual[i].status != fault->status)
            continue;
        fail.code = fail.code != NULL ? fail.code : usual[i].code;
        summary = usual[i].summary;
    }
    if (fail.code != NULL)
        wire_fail(e, out, &fail, "%s", summary);
    else
        wire_finish(e, out, fault->status);
}

static void put_garbage(struct emulator *e)
{
    for (uint64_t i = 0; i < GARBAGE_BYTES / 8; i++) {
        uint64_t random = random_at(e->options.seed, RANDOM_ERROR, e->request_count * 4096 + i);

        buf_put(&e->body, &random, sizeof random);
    }
    e->body.at[0] = '{'; /* which is how it looks at first */
}

static uint64_t limit_of(struct view target)
{
    const char *at = target.len > 0 ? memmem(target.at, target.len, "limit=", 6) : NULL;
    uint64_t limit = 0;

    for (; at != NULL && at + 6 < target.at + target.len && at[6] >= '0' && at[6] <= '9' && limit < 1000000; at++)
        limit = limit * 10 + (uint64_t)(at[6] - '0');
    return limit;
}

bool fault_answers(struct emulator *e, const struct emulator_fault *fault, const struct emulator_request *request,
                   struct emulator_response *out)
{
    static const struct fail timed_out = { 500, "E0000009", false, NULL, NULL };

    switch (fault->kind) {
    case EMULATOR_FAULT_STATUS:
        answer_status(e, fault, out);
        return true;
    case EMULATOR_FAULT_CONCURRENCY:
        answer_status(e, &(struct emulator_fault){ .status = 429 }, out);
        return true;
    case EMULATOR_FAULT_LIMIT:
        if (limit_of(request->target) <= fault->limit)
            return false;
        wire_fail(e, out, &timed_out, "Internal Server Error");
        return true;
    case EMULATOR_FAULT_HTML:
        buf_puts(&e->body, "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Proxy</body></html>");
        break;
    case EMULATOR_FAULT_GARBAGE:
        put_garbage(e);
        break;
    case EMULATOR_FAULT_DEEP:
        if (buf_extend(&e->body, 2 * DEEP_LEVELS) != NULL) {
            memset(e->body.at, '[', DEEP_LEVELS);
            memset(e->body.at + DEEP_LEVELS, ']', DEEP_LEVELS);
        }
        break;
    case EMULATOR_FAULT_HUGE:
        buf_puts(&e->body, "[]");
        out->delivery.blanks = fault->bytes > 0 ? fault->bytes : HUGE_BYTES;
        break;
    default:
        return false;
    }
    wire_finish(e, out, 200);
    return true;
}

/* ---- what is done to an answer ---- */

static void insert(struct buf *body, size_t at, struct view text)
{
    size_t tail = body->len - at;

    if (buf_extend(body, text.len) == NULL)
        return;
    memmove(body->at + at + text.len, body->at + at, tail);
    memcpy(body->at + at, text.at, text.len);
}

/* The first object's uuid or id stands there twice. */
static void double_key(struct buf *body)
{
    AUTO_BUF struct buf member = BUF(256);
    const char *at = memmem(body->at, body->len, "\"uuid\":\"", 8), *end = NULL;

    if (at == NULL)
        at = memmem(body->at, body->len, "\"id\":\"", 6);
    if (at != NULL)
        end = memmem(at, body->len - (size_t)(at - body->at), "\",", 2);
    if (end == NULL)
        return;
    buf_put(&member, at, (size_t)(end + 2 - at));
    if (buf_ok(&member))
        insert(body, (size_t)(at - body->at), buf_view(&member));
}

/* In the first object's message, or in a member of its own. */
static void spoil_utf8(struct buf *body)
{
    const char *at = memmem(body->at, body->len, "\"displayMessage\":\"", 18);

    if (at != NULL) {
        insert(body, (size_t)(at + 18 - body->at), VIEW("\xff\xc0\x80"));
        return;
    }
    at = memchr(body->at, '{', body->len);
    if (at != NULL)
        insert(body, (size_t)(at + 1 - body->at), VIEW("\"spoilt\":\"\xff\xfe\","));
}

static void rename_type(struct buf *head)
{
    char *at = memmem(head->at, head->len, "Content-Type: application/json\r\n", 32);

    if (at != NULL)
        memcpy(at + 14, "text/plain;oops=", 16); /* of the same length */
}

void fault_deliver(struct emulator *e, const struct emulator_fault *fault, struct emulator_response *out)
{
    out->delivery.delay_ms = fault->delay_ms;
    if (fault->kind >= EMULATOR_FAULT_DRIP)
        out->delivery.how = fault->kind;
    if (fault->kind == EMULATOR_FAULT_DRIP) {
        out->delivery.drip_bytes = fault->drip_bytes > 0 ? fault->drip_bytes : DRIP_BYTES;
        out->delivery.drip_ms = fault->drip_ms > 0 ? fault->drip_ms : DRIP_MS;
    }
    if (out->body.len == 0)
        return;
    if (fault->kind == EMULATOR_FAULT_DUPLICATE)
        double_key(&e->body);
    else if (fault->kind == EMULATOR_FAULT_UTF8)
        spoil_utf8(&e->body);
    else if (fault->kind == EMULATOR_FAULT_TYPE)
        rename_type(&out->head);
    out->body = buf_view(&e->body);
}

void fault_rate(const struct emulator *e, const struct emulator_fault *fault, struct bucket *shown, int32_t *remaining)
{
    if (fault->kind == EMULATOR_FAULT_CONCURRENCY) {
        shown->limit = 0;
        shown->reset_unix_s = e->now_ms / 1000 + CONCURRENCY_S;
    }
    if (fault->kind == EMULATOR_FAULT_CONCURRENCY || (fault->kind == EMULATOR_FAULT_STATUS && fault->status == 429))
        *remaining = 0;
}
