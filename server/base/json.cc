/* simdjson's DOM behind json.h. A document is simdjson's tape, and a `struct json` an index into it. The tape is walked
 * with simdjson's own tape_ref: dom::element would do the same with a wrapper that cannot be stored in a C struct. */
#include "base/json.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <simdjson.h>

/* Above this, memory that a much smaller document does not need is given back: a connector that has caught up reads
 * empty pages, and its process should look like it. */
#define KEEP_BYTES (256u << 10)
#define KEEP_TIMES 8

using simdjson::dom::document;
using simdjson::internal::tape_ref;
using simdjson::internal::tape_type;

struct json_parser {
    size_t bytes_max, depth_max;
    simdjson::dom::parser parser;
};

static const struct json none = { nullptr, 0 };

/* As base/mem.h: out of memory ends the process. Told apart from bad JSON, or good events would be taken for bad. */
[[noreturn]] static void out_of_memory()
{
    fputs("{\"level\":\"error\",\"event\":\"out-of-memory\"}\n", stderr);
    abort();
}

struct json_parser *json_parser_create(size_t bytes_max, size_t depth_max)
{
    struct json_parser *p = new (std::nothrow) json_parser();

    if (p == nullptr)
        out_of_memory();
    p->bytes_max = bytes_max;
    p->depth_max = depth_max;
    return p;
}

void json_parser_destroy(struct json_parser *p)
{
    delete p;
}

static bool make_room(struct json_parser *p, size_t len)
{
    size_t held = p->parser.capacity();

    if (held > KEEP_BYTES && held / KEEP_TIMES > len) {
        p->parser = simdjson::dom::parser();
        held = 0;
    }
    /* Without this the depth would be simdjson's default; later growth keeps it. simdjson counts one level more. */
    return held > 0 || p->parser.allocate(len, p->depth_max + 1) == simdjson::SUCCESS;
}

bool json_parse(struct json_parser *p, struct view text, struct json *out, struct error *err)
{
    simdjson::error_code code;

    if (text.len > p->bytes_max)
        return error_set(err, ERROR_INVALID_ARGUMENT, "JSON: larger than %zu bytes", p->bytes_max);
    if (text.len == 0)
        return error_set(err, ERROR_INVALID_ARGUMENT, "JSON: empty");
    if (!make_room(p, text.len))
        out_of_memory();
    code = p->parser.parse(text.at, text.len, true).error();
    if (code == simdjson::MEMALLOC)
        out_of_memory();
    if (code != simdjson::SUCCESS)
        return error_set(err, ERROR_INVALID_ARGUMENT, "JSON: %s", simdjson::error_message(code));
    *out = { &p->parser.doc, 1 }; /* 0 is the tape's own root mark */
    return true;
}

static tape_ref at(struct json v)
{
    return tape_ref(static_cast<const document *>(v.document), v.index);
}

enum json_type json_type(struct json v)
{
    if (v.document == nullptr)
        return JSON_NONE;
    switch (at(v).tape_ref_type()) {
    case tape_type::NULL_VALUE:
        return JSON_NULL;
    case tape_type::TRUE_VALUE:
    case tape_type::FALSE_VALUE:
        return JSON_BOOL;
    case tape_type::INT64:
    case tape_type::UINT64:
    case tape_type::DOUBLE:
        return JSON_NUMBER;
    case tape_type::STRING:
        return JSON_STRING;
    case tape_type::START_ARRAY:
        return JSON_ARRAY;
    case tape_type::START_OBJECT:
        return JSON_OBJECT;
    default:
        return JSON_NONE;
    }
}

static struct view text_of(tape_ref t)
{
    return { t.get_c_str(), t.get_string_length() };
}

bool json_string(struct json v, struct view *out)
{
    if (json_type(v) != JSON_STRING)
        return false;
    *out = text_of(at(v));
    return true;
}

bool json_bool(struct json v, bool *out)
{
    if (json_type(v) != JSON_BOOL)
        return false;
    *out = at(v).is_true();
    return true;
}

bool json_i64(struct json v, int64_t *out)
{
    if (json_type(v) != JSON_NUMBER)
        return false;
    /* simdjson calls unsigned only what does not fit into 63 bits. */
    if (!at(v).is_int64())
        return false;
    *out = at(v).next_tape_value<int64_t>();
    return true;
}

bool json_double(struct json v, double *out)
{
    if (json_type(v) != JSON_NUMBER)
        return false;
    if (at(v).is_double())
        *out = at(v).next_tape_value<double>();
    else if (at(v).is_int64())
        *out = static_cast<double>(at(v).next_tape_value<int64_t>());
    else
        *out = static_cast<double>(at(v).next_tape_value<uint64_t>());
    return true;
}

struct json_each json_each(struct json v)
{
    struct json_each e = { { nullptr, 0 }, none, v, 0, 0 };

    if (json_type(v) == JSON_ARRAY || json_type(v) == JSON_OBJECT) {
        e.at = v.index + 1;
        e.end = at(v).after_element() - 1;
    }
    return e;
}

bool json_next(struct json_each *e)
{
    if (e->at >= e->end)
        return false;
    e->name = { nullptr, 0 };
    e->value = { e->container.document, e->at };
    if (at(e->container).tape_ref_type() == tape_type::START_OBJECT) {
        e->name = text_of(at(e->value));
        e->value.index++;
    }
    e->at = at(e->value).after_element();
    return true;
}

struct json json_get(struct json v, const char *name)
{
    size_t len = strlen(name);

    if (json_type(v) != JSON_OBJECT)
        return none;
    for (struct json_each e = json_each(v); json_next(&e);)
        if (e.name.len == len && memcmp(e.name.at, name, len) == 0)
            return e.value;
    return none;
}
