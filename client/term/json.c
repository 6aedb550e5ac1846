#include "client/term/json.h"

#include "base/assert.h"

#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/struct.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "google/protobuf/wrappers.pb-c.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DEPTH_MAX     100 /* protobuf's own limit on nesting */
#define EXACT_INTEGER 9007199254740992.0
#define TEXT_BYTES    64

/* How many digits the doubles of one document need: 15 print 0.1 as 0.1, 17 print every double exactly. */
struct writer {
    int digits;
    int depth;
};

static json_t *message_value(struct writer *w, const ProtobufCMessage *m);

static json_t *string_value(struct view text)
{
    AUTO_BUF struct buf clean = BUF(text.len * 3 + 1);

    utf8_clean(text, &clean);
    return json_stringn_nocheck(buf_cstr(&clean), clean.len);
}

static int digits_needed(double n)
{
    for (int digits = 15; digits < 17; digits++) {
        char text[TEXT_BYTES];

        snprintf(text, sizeof text, "%.*g", digits, n);
        if (strtod(text, NULL) == n)
            return digits;
    }
    return 17;
}

static json_t *double_value(struct writer *w, double n)
{
    int digits;

    if (isnan(n) || isinf(n))
        return json_string(isnan(n) ? "NaN" : n < 0 ? "-Infinity" : "Infinity");
    if (n == trunc(n) && fabs(n) < EXACT_INTEGER && !(n == 0 && signbit(n)))
        return json_integer((json_int_t)n);
    digits = digits_needed(n);
    if (digits > w->digits)
        w->digits = digits;
    return json_real(n);
}

static json_t *i64_value(int64_t n)
{
    return json_sprintf("%" PRId64, n);
}

static json_t *u64_value(uint64_t n)
{
    return json_sprintf("%" PRIu64, n);
}

static json_t *bytes_value(const ProtobufCBinaryData *data)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    AUTO_BUF struct buf out = BUF(data->len * 4 / 3 + 8);

    for (size_t i = 0; i < data->len; i += 3) {
        size_t left = data->len - i;
        uint32_t bits = (uint32_t)data->data[i] << 16;

        if (left > 1)
            bits |= (uint32_t)data->data[i + 1] << 8;
        if (left > 2)
            bits |= data->data[i + 2];
        buf_putc(&out, letters[bits >> 18]);
        buf_putc(&out, letters[bits >> 12 & 63]);
        buf_putc(&out, left > 1 ? letters[bits >> 6 & 63] : '=');
        buf_putc(&out, left > 2 ? letters[bits & 63] : '=');
    }
    return json_stringn_nocheck(buf_cstr(&out), out.len);
}

static json_t *enum_value(const ProtobufCEnumDescriptor *d, int number)
{
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(d, number);

    return v != NULL ? json_string(v->name) : json_integer(number);
}

/* ".5", ".589", ".000000001" or nothing: 3, 6 or 9 digits. */
static void put_nanos(int32_t nanos, struct buf *out)
{
    if (nanos % 1000000 == 0 && nanos != 0)
        buf_printf(out, ".%03d", nanos / 1000000);
    else if (nanos % 1000 == 0 && nanos != 0)
        buf_printf(out, ".%06d", nanos / 1000);
    else if (nanos != 0)
        buf_printf(out, ".%09d", nanos);
}

/* Null for what no protobuf time can be (years 1 to 9999). */
static json_t *timestamp_value(const Google__Protobuf__Timestamp *t)
{
    AUTO_BUF struct buf out = BUF(TEXT_BYTES);
    time_t seconds = t->seconds;
    struct tm tm;

    if (t->seconds < INT64_C(-62135596800) || t->seconds > INT64_C(253402300799) || t->nanos < 0 ||
        t->nanos > 999999999 || gmtime_r(&seconds, &tm) == NULL)
        return json_null();
    buf_printf(&out, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
               tm.tm_min, tm.tm_sec);
    put_nanos(t->nanos, &out);
    buf_putc(&out, 'Z');
    return json_string(buf_cstr(&out));
}

static json_t *duration_value(const Google__Protobuf__Duration *d)
{
    AUTO_BUF struct buf out = BUF(TEXT_BYTES);
    bool is_negative = d->seconds < 0 || d->nanos < 0;

    if (d->nanos < -999999999 || d->nanos > 999999999)
        return json_null();
    buf_printf(&out, "%s%" PRIu64, is_negative ? "-" : "",
               d->seconds < 0 ? 0 - (uint64_t)d->seconds : (uint64_t)d->seconds);
    put_nanos(abs(d->nanos), &out);
    buf_putc(&out, 's');
    return json_string(buf_cstr(&out));
}

static json_t *struct_value(struct writer *w, const Google__Protobuf__Struct *s)
{
    json_t *object = json_object();

    for (size_t i = 0; i < s->n_fields; i++) {
        AUTO_BUF struct buf key = BUF(strlen(s->fields[i]->key) * 3 + 1);
        json_t *value = s->fields[i]->value != NULL ? message_value(w, &s->fields[i]->value->base) : json_null();

        utf8_clean(view_of(s->fields[i]->key), &key);
        json_object_set_new_nocheck(object, buf_cstr(&key), value);
    }
    return object;
}

static json_t *list_value(struct writer *w, const Google__Protobuf__ListValue *l)
{
    json_t *array = json_array();

    for (size_t i = 0; i < l->n_values; i++)
        json_array_append_new(array, message_value(w, &l->values[i]->base));
    return array;
}

static json_t *any_value(struct writer *w, const Google__Protobuf__Value *v)
{
    switch (v->kind_case) {
    case GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE:
        return double_value(w, v->number_value);
    case GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE:
        return string_value(view_of(v->string_value));
    case GOOGLE__PROTOBUF__VALUE__KIND_BOOL_VALUE:
        return json_boolean(v->bool_value);
    case GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE:
        return message_value(w, &v->struct_value->base);
    case GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE:
        return message_value(w, &v->list_value->base);
    default:
        return json_null();
    }
}

static json_t *scalar_value(struct writer *w, const ProtobufCFieldDescriptor *f, const void *at)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return json_integer(*(const int32_t *)at);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return json_integer(*(const uint32_t *)at);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return i64_value(*(const int64_t *)at);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return u64_value(*(const uint64_t *)at);
    case PROTOBUF_C_TYPE_FLOAT:
        return double_value(w, (double)*(const float *)at);
    case PROTOBUF_C_TYPE_DOUBLE:
        return double_value(w, *(const double *)at);
    case PROTOBUF_C_TYPE_BOOL:
        return json_boolean(*(const protobuf_c_boolean *)at);
    case PROTOBUF_C_TYPE_ENUM:
        return enum_value(f->descriptor, *(const int *)at);
    case PROTOBUF_C_TYPE_STRING:
        return string_value(view_of(*(char *const *)at));
    case PROTOBUF_C_TYPE_BYTES:
        return bytes_value(at);
    case PROTOBUF_C_TYPE_MESSAGE:
        return message_value(w, *(const ProtobufCMessage *const *)at);
    }
    return json_null();
}

/* Bytes of one element in memory. */
static size_t element_size(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return 4;
    }
}

static json_t *repeated_value(struct writer *w, const ProtobufCFieldDescriptor *f, const char *at, size_t count)
{
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, scalar_value(w, f, at + i * element_size(f->type)));
    return array;
}

/* A field without presence of its own is absent at its default. */
static bool is_default(const ProtobufCFieldDescriptor *f, const void *at)
{
    static const char zeros[8];

    if (f->type == PROTOBUF_C_TYPE_STRING)
        return *(char *const *)at == NULL || **(char *const *)at == '\0';
    if (f->type == PROTOBUF_C_TYPE_MESSAGE)
        return *(const ProtobufCMessage *const *)at == NULL;
    if (f->type == PROTOBUF_C_TYPE_BYTES)
        return ((const ProtobufCBinaryData *)at)->len == 0;
    return memcmp(at, zeros, element_size(f->type)) == 0;
}

static void put_field(struct writer *w, json_t *object, const ProtobufCFieldDescriptor *f, const char *message)
{
    const void *at = message + f->offset;
    const void *quantifier = message + f->quantifier_offset;

    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count = *(const size_t *)quantifier;

        if (count > 0)
            json_object_set_new(object, f->name, repeated_value(w, f, *(const char *const *)at, count));
        return;
    }
    if ((f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 ? *(const uint32_t *)quantifier != f->id : is_default(f, at))
        return;
    if (f->type == PROTOBUF_C_TYPE_MESSAGE && is_default(f, at))
        return;
    json_object_set_new(object, f->name, scalar_value(w, f, at));
}

static json_t *plain_value(struct writer *w, const ProtobufCMessage *m)
{
    json_t *object = json_object();

    for (unsigned i = 0; i < m->descriptor->n_fields; i++)
        put_field(w, object, &m->descriptor->fields[i], (const char *)m);
    return object;
}

/* Wrappers are their one field. */
static bool is_wrapper(const ProtobufCMessageDescriptor *d)
{
    static const ProtobufCMessageDescriptor *const wrappers[] = {
        &google__protobuf__double_value__descriptor, &google__protobuf__float_value__descriptor,
        &google__protobuf__int64_value__descriptor,  &google__protobuf__uint64_value__descriptor,
        &google__protobuf__int32_value__descriptor,  &google__protobuf__uint32_value__descriptor,
        &google__protobuf__bool_value__descriptor,   &google__protobuf__string_value__descriptor,
        &google__protobuf__bytes_value__descriptor,
    };

    for (size_t i = 0; i < sizeof wrappers / sizeof wrappers[0]; i++)
        if (wrappers[i] == d)
            return true;
    return false;
}

static json_t *shaped_value(struct writer *w, const ProtobufCMessage *m)
{
    const ProtobufCMessageDescriptor *d = m->descriptor;

    if (d == &google__protobuf__timestamp__descriptor)
        return timestamp_value((const void *)m);
    if (d == &google__protobuf__duration__descriptor)
        return duration_value((const void *)m);
    if (d == &google__protobuf__struct__descriptor)
        return struct_value(w, (const void *)m);
    if (d == &google__protobuf__value__descriptor)
        return any_value(w, (const void *)m);
    if (d == &google__protobuf__list_value__descriptor)
        return list_value(w, (const void *)m);
    if (is_wrapper(d))
        return scalar_value(w, &d->fields[0], (const char *)m + d->fields[0].offset);
    return plain_value(w, m);
}

static json_t *message_value(struct writer *w, const ProtobufCMessage *m)
{
    json_t *value;

    if (w->depth == DEPTH_MAX)
        return json_null();
    w->depth++;
    value = shaped_value(w, m);
    w->depth--;
    return value;
}

/* Outside of strings JSON is ASCII, so what is replaced here stands in a string. */
static void put_escaped(struct view text, struct buf *out)
{
    const unsigned char *at = (const unsigned char *)text.at;

    for (size_t i = 0; i < text.len; i++) {
        bool is_c1 = at[i] == 0xc2 && i + 1 < text.len && at[i + 1] < 0xa0;
        /* U+200B to U+200F, U+2028 to U+202E, U+2060 to U+206F */
        bool is_mark = at[i] == 0xe2 && i + 2 < text.len &&
                       ((at[i + 1] == 0x80 &&
                         ((at[i + 2] >= 0x8b && at[i + 2] <= 0x8f) || (at[i + 2] >= 0xa8 && at[i + 2] <= 0xae))) ||
                        (at[i + 1] == 0x81 && at[i + 2] >= 0xa0 && at[i + 2] <= 0xaf));

        if (at[i] == 0x7f) {
            buf_puts(out, "\\u007f");
        } else if (is_c1) {
            buf_printf(out, "\\u%04x", at[i + 1]);
            i++;
        } else if (is_mark) {
            buf_printf(out, "\\u%04x", 0x2000 | (at[i + 1] & 0x3f) << 6 | (at[i + 2] & 0x3f));
            i += 2;
        } else {
            buf_putc(out, (char)at[i]);
        }
    }
}

void json_message(const ProtobufCMessage *message, enum json_layout layout, struct buf *out)
{
    struct writer w = { .digits = 15 };
    json_t *value = message_value(&w, message);
    size_t flags =
        (layout == JSON_INDENTED ? JSON_INDENT(2) : JSON_COMPACT) | JSON_REAL_PRECISION(w.digits) | JSON_ENCODE_ANY;
    char *text = json_dumps(value, flags);

    ASSERT(text != NULL); /* all strings are clean: only want of memory is left */
    put_escaped(view_of(text), out);
    free(text);
    json_decref(value);
}
