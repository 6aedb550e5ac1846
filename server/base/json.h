/* base/json.h: reading JSON that somebody else wrote.
 *
 * A parser owns its memory and is used by one thread. A document, and every `struct json` and view got from it, is
 * valid until the parser's next parse. Reading never fails half-way: what is not there, or has another type, is
 * JSON_NONE or false, so that a tolerant reader is the short one. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

enum json_type { JSON_NONE, JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* A value in a document. Copy freely. */
struct json {
    const void *document;
    size_t index;
};

struct json_parser;

/* Documents larger than bytes_max, or nested deeper than depth_max, are refused. */
struct json_parser *json_parser_create(size_t bytes_max, size_t depth_max);
void json_parser_destroy(struct json_parser *p);

/* Parses one whole document. INVALID_ARGUMENT with the kind of the fault (never the content) when it is not JSON in
 * strict UTF-8. `text` is copied. */
MUST_CHECK bool json_parse(struct json_parser *p, struct view text, struct json *out, struct error *err);

enum json_type json_type(struct json v);

/* The first member of that name; JSON_NONE when v is no object or has none. */
struct json json_get(struct json v, const char *name);

/* May hold U+0000. jansson has a function of the same name, which the libraries on top of it would find in our program
 * in place of their own: so for the linker it has another. */
MUST_CHECK bool json_string(struct json v, struct view *out) __asm__("base_json_string");
MUST_CHECK bool json_bool(struct json v, bool *out);
MUST_CHECK bool json_i64(struct json v, int64_t *out);   /* an integer within range */
MUST_CHECK bool json_double(struct json v, double *out); /* any number */

/* Elements of an array or members of an object, in order:
 *     for (struct json_each e = json_each(v); json_next(&e);) use(e.name, e.value);
 * Nothing for any other type. */
struct json_each {
    struct view name; /* of the member; none in an array */
    struct json value;
    struct json container;
    size_t at, end; /* internal */
};
struct json_each json_each(struct json v);
bool json_next(struct json_each *e);

/* Cuts the text of a JSON array into the texts of its top-level elements, without parsing them: it knows strings,
 * escapes and brackets only, so that one bad element does not cost its neighbours. Calls visit for each, in order, with
 * its bytes (trimmed). Returns true when the closing bracket was found, false when the text is no array or ends early:
 * then the unfinished last element, if any, was visited too, with is_whole false. */
bool json_split(struct view text, void (*visit)(void *ctx, struct view element, bool is_whole), void *ctx);

#ifdef __cplusplus
}
#endif

#endif
