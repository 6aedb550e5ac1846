#include "rpc/error_status.h"

#include "base/assert.h"
#include "base/error_reasons.h"
#include "base/str.h"
#include "rpc/wire.h"

#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"

#include <grpc/status.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ERROR_DOMAIN "okta.connector.v1"
#define URL_PREFIX   "type.googleapis.com/google.rpc."
#define DETAILS_MAX  5
#define CLEAN_MAX    (3 * ERROR_TEXT_MAX) /* each invalid byte becomes U+FFFD, three bytes */

_Static_assert((int)ERROR_OK == (int)GRPC_STATUS_OK, "codes");
_Static_assert((int)ERROR_CANCELLED == (int)GRPC_STATUS_CANCELLED, "codes");
_Static_assert((int)ERROR_UNKNOWN == (int)GRPC_STATUS_UNKNOWN, "codes");
_Static_assert((int)ERROR_INVALID_ARGUMENT == (int)GRPC_STATUS_INVALID_ARGUMENT, "codes");
_Static_assert((int)ERROR_DEADLINE_EXCEEDED == (int)GRPC_STATUS_DEADLINE_EXCEEDED, "codes");
_Static_assert((int)ERROR_NOT_FOUND == (int)GRPC_STATUS_NOT_FOUND, "codes");
_Static_assert((int)ERROR_ALREADY_EXISTS == (int)GRPC_STATUS_ALREADY_EXISTS, "codes");
_Static_assert((int)ERROR_PERMISSION_DENIED == (int)GRPC_STATUS_PERMISSION_DENIED, "codes");
_Static_assert((int)ERROR_RESOURCE_EXHAUSTED == (int)GRPC_STATUS_RESOURCE_EXHAUSTED, "codes");
_Static_assert((int)ERROR_FAILED_PRECONDITION == (int)GRPC_STATUS_FAILED_PRECONDITION, "codes");
_Static_assert((int)ERROR_ABORTED == (int)GRPC_STATUS_ABORTED, "codes");
_Static_assert((int)ERROR_OUT_OF_RANGE == (int)GRPC_STATUS_OUT_OF_RANGE, "codes");
_Static_assert((int)ERROR_UNIMPLEMENTED == (int)GRPC_STATUS_UNIMPLEMENTED, "codes");
_Static_assert((int)ERROR_INTERNAL == (int)GRPC_STATUS_INTERNAL, "codes");
_Static_assert((int)ERROR_UNAVAILABLE == (int)GRPC_STATUS_UNAVAILABLE, "codes");
_Static_assert((int)ERROR_DATA_LOSS == (int)GRPC_STATUS_DATA_LOSS, "codes");
_Static_assert((int)ERROR_UNAUTHENTICATED == (int)GRPC_STATUS_UNAUTHENTICATED, "codes");

enum error_code error_status_code(const struct error *err)
{
    return error_meaning_of(err)->code;
}

/* ---- text ---- */

/* Appends at most `max` bytes of the text as valid UTF-8, cut between characters: a byte 10xxxxxx continues one. */
static void error_status_put_clean(const char *text, size_t max, struct buf *out)
{
    AUTO_BUF struct buf whole = BUF(CLEAN_MAX);
    size_t len;

    utf8_clean(view_of(text), &whole);
    len = whole.len < max ? whole.len : max;
    while (len < whole.len && len > 0 && ((unsigned char)whole.at[len] & 0xc0) == 0x80)
        len--;
    buf_put(out, whole.at, len);
}

static void error_status_put_text(const struct error *err, struct buf *out)
{
    error_status_put_clean(err->text, ERROR_TEXT_MAX - 1, out);
    if (out->len == 0)
        buf_puts(out, error_code_name(err->code));
}

grpc_slice error_status_text(const struct error *err)
{
    AUTO_BUF struct buf text = BUF(ERROR_TEXT_MAX);

    error_status_put_text(err, &text);
    return grpc_slice_from_copied_buffer(text.at, text.len);
}

/* ---- details ---- */

/* The details, each encoded already. */
struct details {
    Google__Protobuf__Any any[DETAILS_MAX];
    Google__Protobuf__Any *list[DETAILS_MAX];
    struct buf bytes[DETAILS_MAX];
    char urls[DETAILS_MAX][64];
    size_t count;
};

static struct buf *details_add(struct details *d, const char *type)
{
    size_t at = d->count++;

    ASSERT(at < DETAILS_MAX);
    snprintf(d->urls[at], sizeof d->urls[at], URL_PREFIX "%s", type);
    d->bytes[at] = (struct buf)BUF(ERROR_STATUS_BYTES_MAX);
    return &d->bytes[at];
}

static void details_add_message(struct details *d, const char *type, const ProtobufCMessage *m)
{
    struct buf *out = details_add(d, type);
    size_t bytes = protobuf_c_message_get_packed_size(m);
    void *at = buf_extend(out, bytes);

    if (at != NULL)
        protobuf_c_message_pack(m, at);
}

/* Appends a length-delimited field: text, or an encoded message. The length must fit two varint bytes (16 KiB). */
static void details_put_bytes(int number, struct view v, struct buf *out)
{
    buf_putc(out, (char)(number << 3 | WIRE_BYTES));
    if (v.len >= 0x80)
        buf_putc(out, (char)((v.len & 0x7f) | 0x80));
    ASSERT(v.len < 0x4000);
    buf_putc(out, (char)(v.len >= 0x80 ? v.len >> 7 : v.len));
    buf_put(out, v.at, v.len);
}

/* google.rpc.ErrorInfo { string reason = 1; string domain = 2; map<string, string> metadata = 3; }, by hand: Debian's
 * copy of Google's error_details.proto is older than that message. */
static void details_add_error_info(struct details *d, const struct error *err, const char *reason)
{
    struct buf *out = details_add(d, "ErrorInfo");

    details_put_bytes(1, view_of(reason), out);
    details_put_bytes(2, view_of(ERROR_DOMAIN), out);
    for (unsigned i = 0; i < err->fact_count; i++) {
        AUTO_BUF struct buf value = BUF(ERROR_DETAIL_MAX);
        AUTO_BUF struct buf entry = BUF(2 * ERROR_DETAIL_MAX);

        error_status_put_clean(err->facts[i].value, ERROR_DETAIL_MAX - 1, &value);
        details_put_bytes(1, view_of(err->facts[i].key), &entry);
        details_put_bytes(2, buf_view(&value), &entry);
        details_put_bytes(3, buf_view(&entry), out);
    }
}

static void details_add_bad_request(struct details *d, const struct error *err)
{
    Google__Rpc__BadRequest bad = GOOGLE__RPC__BAD_REQUEST__INIT;
    Google__Rpc__BadRequest__FieldViolation rows[ERROR_FIELDS_MAX], *list[ERROR_FIELDS_MAX];
    struct buf texts[ERROR_FIELDS_MAX];
    unsigned count = err->field_count > 0 ? err->field_count : 1;

    if (err->field_count == 0 && err->code != ERROR_INVALID_ARGUMENT)
        return;
    for (unsigned i = 0; i < count; i++) {
        /* Without a field, the violation is about the whole request. */
        bool is_whole = err->field_count == 0;

        texts[i] = (struct buf)BUF(ERROR_DETAIL_MAX);
        error_status_put_clean(is_whole ? err->text : err->fields[i].text, ERROR_DETAIL_MAX - 1, &texts[i]);
        google__rpc__bad_request__field_violation__init(&rows[i]);
        rows[i].field = (char *)(uintptr_t)(is_whole ? "" : err->fields[i].path);
        rows[i].description = (char *)(uintptr_t)buf_cstr(&texts[i]);
        list[i] = &rows[i];
    }
    bad.n_field_violations = count;
    bad.field_violations = list;
    details_add_message(d, "BadRequest", &bad.base);
    for (unsigned i = 0; i < count; i++)
        buf_deinit(&texts[i]);
}

static void details_add_quota_failure(struct details *d, const struct error *err, const struct error_meaning *m)
{
    Google__Rpc__QuotaFailure failure = GOOGLE__RPC__QUOTA_FAILURE__INIT;
    Google__Rpc__QuotaFailure__Violation row = GOOGLE__RPC__QUOTA_FAILURE__VIOLATION__INIT, *list[] = { &row };
    AUTO_BUF struct buf text = BUF(ERROR_DETAIL_MAX);
    bool is_named = err->quota.subject[0] != '\0';

    if (!is_named && m->quota == NULL)
        return;
    error_status_put_clean(is_named ? err->quota.text : err->text, ERROR_DETAIL_MAX - 1, &text);
    row.subject = (char *)(uintptr_t)(is_named ? err->quota.subject : m->quota);
    row.description = (char *)(uintptr_t)buf_cstr(&text);
    failure.n_violations = 1;
    failure.violations = list;
    details_add_message(d, "QuotaFailure", &failure.base);
}

/* Jitter: spread_ms, so that clients which failed together do not return together. */
static void details_add_retry_info(struct details *d, const struct error *err, const struct error_meaning *m)
{
    Google__Rpc__RetryInfo retry = GOOGLE__RPC__RETRY_INFO__INIT;
    Google__Protobuf__Duration delay = GOOGLE__PROTOBUF__DURATION__INIT;
    int64_t ms = err->retry_ms > 0 ? err->retry_ms : m->retry_ms;

    if (ms <= 0)
        return;
    ms += (int64_t)arc4random_uniform((uint32_t)m->spread_ms + 1);
    delay.seconds = ms / 1000;
    delay.nanos = (int32_t)(ms % 1000) * 1000000;
    retry.retry_delay = &delay;
    details_add_message(d, "RetryInfo", &retry.base);
}

static void details_add_help(struct details *d, const struct error_meaning *m)
{
    Google__Rpc__Help help = GOOGLE__RPC__HELP__INIT;
    Google__Rpc__Help__Link link = GOOGLE__RPC__HELP__LINK__INIT, *list[] = { &link };

    link.description = (char *)(uintptr_t)m->help;
    link.url = (char *)(uintptr_t)(m->url != NULL ? m->url : "");
    help.n_links = 1;
    help.links = list;
    details_add_message(d, "Help", &help.base);
}

static void details_gather(struct details *d, const struct error *err)
{
    const struct error_meaning *m = error_meaning_of(err);

    details_add_error_info(d, err, err->reason != NULL ? err->reason : m->reason);
    details_add_retry_info(d, err, m);
    details_add_quota_failure(d, err, m);
    details_add_bad_request(d, err);
    details_add_help(d, m);
    for (size_t i = 0; i < d->count; i++) {
        google__protobuf__any__init(&d->any[i]);
        d->any[i].type_url = d->urls[i];
        d->any[i].value = (ProtobufCBinaryData){ d->bytes[i].len, (uint8_t *)d->bytes[i].at };
        d->list[i] = &d->any[i];
    }
}

grpc_slice error_status_details(const struct error *err)
{
    AUTO_BUF struct buf text = BUF(ERROR_TEXT_MAX);
    Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
    struct details d = { .count = 0 };
    grpc_slice out;

    error_status_put_text(err, &text);
    details_gather(&d, err);
    status.code = (int32_t)error_status_code(err);
    status.message = (char *)(uintptr_t)buf_cstr(&text);
    status.n_details = d.count;
    status.details = d.list;
    ASSERT(google__rpc__status__get_packed_size(&status) <= ERROR_STATUS_BYTES_MAX);
    out = grpc_slice_malloc(google__rpc__status__get_packed_size(&status));
    google__rpc__status__pack(&status, GRPC_SLICE_START_PTR(out));
    for (size_t i = 0; i < d.count; i++)
        buf_deinit(&d.bytes[i]);
    return out;
}
