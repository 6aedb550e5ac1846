/* A JSON object a line; blank lines and those that begin with # say nothing. */
#include "fault.h"

#include "base/json.h"
#include "base/mem.h"

#include <string.h>

#define LINE_BYTES_MAX (4u << 20)
#define HEADERS_MAX    8192
#define NESTING_MAX    8

static const char *const kind_names[EMULATOR_FAULTS] = {
    [EMULATOR_FAULT_ANSWER] = "answer",
    [EMULATOR_FAULT_STATUS] = "status",
    [EMULATOR_FAULT_LIMIT] = "limit",
    [EMULATOR_FAULT_CONCURRENCY] = "concurrency",
    [EMULATOR_FAULT_HTML] = "html",
    [EMULATOR_FAULT_GARBAGE] = "garbage",
    [EMULATOR_FAULT_DEEP] = "deep",
    [EMULATOR_FAULT_HUGE] = "huge",
    [EMULATOR_FAULT_TYPE] = "type",
    [EMULATOR_FAULT_DUPLICATE] = "duplicate",
    [EMULATOR_FAULT_UTF8] = "utf8",
    [EMULATOR_FAULT_DRIP] = "drip",
    [EMULATOR_FAULT_STALL] = "stall",
    [EMULATOR_FAULT_RESET] = "reset",
    [EMULATOR_FAULT_RESET_BODY] = "reset-body",
    [EMULATOR_FAULT_TRUNCATED] = "truncate",
    [EMULATOR_FAULT_TRUNCATED_GZIP] = "gzip",
    [EMULATOR_FAULT_CLOSE] = "close",
};

/* One line being read: the rule's texts are borrowed from here. */
struct line {
    struct emulator_fault_rule rule;
    struct buf prefix, method, code, body, headers;
};

static bool read_number(struct json v, int64_t min, int64_t max, int64_t *out)
{
    return json_i64(v, out) && *out >= min && *out <= max;
}

static bool read_u32(struct json v, uint32_t *out)
{
    int64_t n;

    if (!read_number(v, 0, UINT32_MAX, &n))
        return false;
    *out = (uint32_t)n;
    return true;
}

static bool read_text(struct json v, struct buf *to, const char **out)
{
    struct view text;

    if (!json_string(v, &text) || (text.len > 0 && memchr(text.at, '\0', text.len) != NULL))
        return false;
    buf_put(to, text.at, text.len);
    *out = buf_cstr(to);
    return buf_ok(to);
}

static bool read_headers(struct json v, struct line *line)
{
    struct view value;

    if (json_type(v) != JSON_OBJECT)
        return false;
    for (struct json_each each = json_each(v); json_next(&each);) {
        if (!json_string(each.value, &value))
            return false;
        buf_printf(&line->headers, VIEW_FMT ": " VIEW_FMT "\r\n", VIEW_ARG(each.name), VIEW_ARG(value));
    }
    line->rule.what.headers = buf_cstr(&line->headers);
    return buf_ok(&line->headers) && strlen(line->rule.what.headers) == line->headers.len;
}

static bool read_kind(struct json v, enum emulator_fault_kind *out)
{
    struct view name;

    if (!json_string(v, &name))
        return false;
    for (int i = 0; i < EMULATOR_FAULTS; i++) {
        if (!view_is(name, kind_names[i]))
            continue;
        *out = (enum emulator_fault_kind)i;
        return true;
    }
    return false;
}

static bool read_probability(struct json v, uint32_t *per_million)
{
    double share;

    if (!json_double(v, &share) || !(share > 0 && share <= 1))
        return false;
    *per_million = (uint32_t)(share * 1000000);
    return *per_million > 0;
}

static bool read_what(struct view name, struct json v, struct line *line)
{
    struct emulator_fault *what = &line->rule.what;
    int64_t n = 0;
    bool is_read;

    if (view_is(name, "fault"))
        return read_kind(v, &what->kind);
    if (view_is(name, "code"))
        return read_text(v, &line->code, &what->code);
    if (view_is(name, "body"))
        return read_text(v, &line->body, &what->body);
    if (view_is(name, "headers"))
        return read_headers(v, line);
    if (view_is(name, "delay_ms"))
        return read_number(v, 0, 3600000, &what->delay_ms);
    if (view_is(name, "drip_ms"))
        return read_u32(v, &what->drip_ms);
    if (view_is(name, "drip_bytes"))
        return read_u32(v, &what->drip_bytes);
    if (view_is(name, "limit"))
        return read_u32(v, &what->limit);
    is_read = view_is(name, "status") ? read_number(v, 200, 599, &n) : false;
    what->status = is_read ? (int)n : what->status;
    if (!is_read && view_is(name, "bytes") && read_number(v, 1, INT64_C(1) << 32, &n)) {
        what->bytes = (uint64_t)n;
        is_read = true;
    }
    return is_read;
}

static bool read_member(struct view name, struct json v, struct line *line)
{
    struct emulator_fault_rule *rule = &line->rule;
    int64_t n;

    if (view_is(name, "prefix"))
        return read_text(v, &line->prefix, &rule->prefix);
    if (view_is(name, "method"))
        return read_text(v, &line->method, &rule->method);
    if (view_is(name, "count"))
        return read_u32(v, &rule->count);
    if (view_is(name, "skip"))
        return read_u32(v, &rule->skip);
    if (view_is(name, "every"))
        return read_u32(v, &rule->every);
    if (view_is(name, "probability"))
        return read_probability(v, &rule->per_million);
    if (!view_is(name, "seed"))
        return read_what(name, v, line);
    if (!read_number(v, 0, INT64_MAX, &n))
        return false;
    rule->seed = (uint64_t)n;
    return true;
}

static bool read_rule(struct json v, struct line *line, struct error *err)
{
    if (json_type(json_get(v, "fault")) == JSON_NONE)
        return error_set(err, ERROR_INVALID_ARGUMENT, "\"fault\" is missing");
    for (struct json_each each = json_each(v); json_next(&each);)
        if (!read_member(each.name, each.value, line))
            return error_set(err, ERROR_INVALID_ARGUMENT, "\"" VIEW_FMT "\" is unknown, or its value is none for it",
                             VIEW_ARG(each.name));
    if (line->rule.what.kind == EMULATOR_FAULT_STATUS && line->rule.what.status == 0)
        return error_set(err, ERROR_INVALID_ARGUMENT, "\"status\" is missing");
    return true;
}

static bool load_line(struct faults *f, struct json_parser *parser, struct view text, struct error *err)
{
    AUTO_BUF struct buf prefix = BUF(8192), method = BUF(64), code = BUF(64), body = BUF(LINE_BYTES_MAX),
                        headers = BUF(HEADERS_MAX);
    struct line line = { .prefix = prefix, .method = method, .code = code, .body = body, .headers = headers };
    struct json v;
    bool is_read;

    is_read = json_parse(parser, text, &v, err) && read_rule(v, &line, err) &&
              (faults_add(f, &line.rule) || error_set(err, ERROR_RESOURCE_EXHAUSTED, "too many faults are waiting"));
    prefix = line.prefix;
    method = line.method;
    code = line.code;
    body = line.body;
    headers = line.headers;
    return is_read;
}

bool faults_load(struct faults *f, struct view script, struct error *err)
{
    struct json_parser *parser = json_parser_create(LINE_BYTES_MAX, NESTING_MAX);
    bool is_read = true;

    for (unsigned number = 1; is_read && script.len > 0; number++) {
        const char *end = memchr(script.at, '\n', script.len);
        struct view line = { script.at, end != NULL ? (size_t)(end - script.at) : script.len };

        script.at += line.len + (end != NULL);
        script.len -= line.len + (end != NULL);
        line = view_trim(line);
        if (line.len == 0 || line.at[0] == '#')
            continue;
        is_read = load_line(f, parser, line, err) || error_wrap(err, "line %u", number);
    }
    json_parser_destroy(parser);
    return is_read;
}
