#include "query.h"

#include <string.h>

void query_init(struct query *q)
{
    *q = (struct query){ .text = BUF(QUERY_BYTES_MAX), .segment = BUF(QUERY_BYTES_MAX) };
}

void query_deinit(struct query *q)
{
    buf_deinit(&q->text);
    buf_deinit(&q->segment);
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef0123456789ABCDEF";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;

    return at == NULL ? -1 : (int)(at - digits) % 16;
}

static bool decode(struct view in, bool plus_is_blank, char *to, size_t *len)
{
    *len = 0;
    for (size_t i = 0; i < in.len; i++) {
        char c = in.at[i] == '+' && plus_is_blank ? ' ' : in.at[i];

        if (c == '%') {
            int high = i + 1 < in.len ? hex_digit(in.at[i + 1]) : -1;
            int low = i + 2 < in.len ? hex_digit(in.at[i + 2]) : -1;

            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        to[(*len)++] = c;
    }
    return true;
}

static bool add_param(struct query *q, struct view piece)
{
    const char *equals = memchr(piece.at, '=', piece.len);
    struct view name = { piece.at, equals != NULL ? (size_t)(equals - piece.at) : piece.len };
    struct view value = { piece.at + name.len, piece.len - name.len };
    struct param *param = &q->params[q->count];
    char *to = q->text.at + q->text.len;

    if (value.len > 0)
        value.at++, value.len--;
    if (q->count == QUERY_PARAMS_MAX || !decode(name, true, to, &param->name.len) ||
        !decode(value, true, to + param->name.len, &param->value.len))
        return false;
    param->name.at = to;
    param->value.at = to + param->name.len;
    q->text.len += param->name.len + param->value.len;
    for (size_t i = 0; i < q->count; i++)
        if (view_eq(q->params[i].name, param->name))
            q->doubled = param->name;
    q->count++;
    return true;
}

bool query_parse(struct query *q, struct view text)
{
    if (text.len > QUERY_BYTES_MAX / 2)
        return false;
    /* What is decoded is never longer, so the room is made once and the views stay where they are. */
    buf_reset(&q->text);
    if (buf_extend(&q->text, text.len + 1) == NULL)
        return false;
    q->text.len = 0;
    while (text.len > 0) {
        const char *end = memchr(text.at, '&', text.len);
        struct view piece = { text.at, end != NULL ? (size_t)(end - text.at) : text.len };

        if (piece.len > 0 && !add_param(q, piece))
            return false;
        text.at += piece.len + (end != NULL);
        text.len -= piece.len + (end != NULL);
    }
    return true;
}

bool query_get(const struct query *q, const char *name, struct view *value)
{
    for (size_t i = 0; i < q->count; i++) {
        if (!view_is(q->params[i].name, name))
            continue;
        *value = q->params[i].value;
        return true;
    }
    return false;
}

struct view query_value(const struct query *q, const char *name)
{
    struct view value = VIEW_NONE;

    (void)query_get(q, name, &value);
    return value;
}

static bool is_among(struct view name, const char *names)
{
    while (*names != '\0') {
        size_t len = strcspn(names, " ");

        if (view_eq(name, (struct view){ names, len }))
            return true;
        names += len + (names[len] == ' ');
    }
    return false;
}

struct view query_unknown(const struct query *q, const char *names)
{
    for (size_t i = 0; i < q->count; i++)
        if (!is_among(q->params[i].name, names))
            return q->params[i].name;
    return VIEW_NONE;
}

bool query_decode_segment(struct view segment, struct buf *out)
{
    size_t len, before = out->len;
    char *to = buf_extend(out, segment.len);
    bool is_read = to != NULL && decode(segment, false, to, &len);

    out->len = is_read ? before + len : before;
    return is_read;
}

void query_escape(struct view value, struct buf *out)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.at[i];

        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
            (c != 0 && strchr("-_.~", c) != NULL))
            buf_putc(out, (char)c);
        else if (c == ' ')
            buf_putc(out, '+');
        else
            buf_printf(out, "%%%02X", c);
    }
}
