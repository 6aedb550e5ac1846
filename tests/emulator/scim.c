#include "scim.h"

#include "base/assert.h"

#include <ctype.h>
#include <string.h>

static const char *const op_names[SCIM_OPS] = { "eq", "ne", "gt", "ge", "lt", "le", "co", "sw", "ew", "pr" };

struct reader {
    struct scim *s;
    struct view source;
    size_t at;
    unsigned depth;
    scim_allow *allow;
    struct scim_fault *fault;
};

/* ---- words ---- */

static bool fail(struct reader *r, enum scim_fault_kind kind, struct view word)
{
    *r->fault = (struct scim_fault){ kind, word.at != NULL ? (size_t)(word.at - r->source.at) : r->at, word };
    return false;
}

static void skip_blanks(struct reader *r)
{
    while (r->at < r->source.len && r->source.at[r->at] == ' ')
        r->at++;
}

static bool take_char(struct reader *r, char c)
{
    skip_blanks(r);
    if (r->at == r->source.len || r->source.at[r->at] != c)
        return false;
    r->at++;
    return true;
}

/* Up to a blank, bracket, quote or the end; may be empty. */
static struct view peek_word(struct reader *r)
{
    size_t end;

    skip_blanks(r);
    for (end = r->at; end < r->source.len && strchr(" ()\"", r->source.at[end]) == NULL; end++)
        ;
    return (struct view){ r->source.at + r->at, end - r->at };
}

static bool take_keyword(struct reader *r, const char *keyword)
{
    struct view word = peek_word(r);

    if (!view_eq_nocase(word, view_of(keyword)))
        return false;
    r->at += word.len;
    return true;
}

/* ---- the grammar ---- */

static bool read_or(struct reader *r, uint8_t *out);

static bool add_node(struct reader *r, struct scim_node node, uint8_t *out)
{
    if (r->s->count == SCIM_NODES_MAX)
        return fail(r, SCIM_SYNTAX, VIEW_NONE);
    *out = (uint8_t)r->s->count;
    r->s->nodes[r->s->count++] = node;
    return true;
}

static bool keep_char(struct reader *r, char c)
{
    if (r->s->text_len == SCIM_TEXT_SIZE)
        return fail(r, SCIM_SYNTAX, VIEW_NONE);
    r->s->text[r->s->text_len++] = c;
    return true;
}

static bool read_literal(struct reader *r, struct scim_literal *out)
{
    struct view word = peek_word(r);
    size_t begin = r->s->text_len;

    if (take_char(r, '"')) {
        while (r->at < r->source.len && r->source.at[r->at] != '"') {
            if (r->source.at[r->at] == '\\' && r->at + 1 < r->source.len)
                r->at++;
            if (!keep_char(r, r->source.at[r->at++]))
                return false;
        }
        if (!take_char(r, '"'))
            return fail(r, SCIM_SYNTAX, VIEW_NONE);
        out->text = (struct view){ r->s->text + begin, r->s->text_len - begin };
    } else if (word.len > 0) { /* true, 64500 */
        r->at += word.len;
        out->text = word;
    } else {
        return fail(r, SCIM_SYNTAX, VIEW_NONE);
    }
    out->is_time = time_parse(out->text, &out->time_ms);
    return true;
}

static bool read_op(struct reader *r, enum scim_op *op)
{
    struct view word = peek_word(r);

    for (int i = 0; i < SCIM_OPS; i++) {
        if (!view_eq_nocase(word, view_of(op_names[i])))
            continue;
        *op = (enum scim_op)i;
        r->at += word.len;
        return true;
    }
    return fail(r, SCIM_SYNTAX, word);
}

static bool read_test(struct reader *r, uint8_t *out)
{
    struct scim_node node = { .kind = SCIM_TEST, .path = peek_word(r) };
    enum scim_fault_kind kind = SCIM_FIELD;

    if (node.path.len == 0 || node.path.len >= SCIM_PATH_SIZE)
        return fail(r, SCIM_SYNTAX, node.path);
    r->at += node.path.len;
    if (!read_op(r, &node.op) || (node.op != SCIM_PR && !read_literal(r, &node.literal)))
        return false;
    if (!r->allow(node.path, node.op, &node.literal, &kind))
        return fail(r, kind, node.path);
    return add_node(r, node, out);
}

static bool read_bracket(struct reader *r, uint8_t *out)
{
    bool is_read;

    if (++r->depth > SCIM_DEPTH_MAX)
        return fail(r, SCIM_SYNTAX, VIEW_NONE);
    is_read = read_or(r, out);
    r->depth--;
    return is_read && (take_char(r, ')') || fail(r, SCIM_SYNTAX, VIEW_NONE));
}

static bool read_unary(struct reader *r, uint8_t *out)
{
    struct scim_node node = { .kind = SCIM_NOT };

    if (take_char(r, '('))
        return read_bracket(r, out);
    if (!take_keyword(r, "not"))
        return read_test(r, out);
    r->s->has_not = true;
    if (!take_char(r, '('))
        return fail(r, SCIM_SYNTAX, peek_word(r));
    return read_bracket(r, &node.left) && add_node(r, node, out);
}

static bool read_and(struct reader *r, uint8_t *out)
{
    if (!read_unary(r, out))
        return false;
    while (take_keyword(r, "and")) {
        struct scim_node node = { .kind = SCIM_AND, .left = *out };

        if (!read_unary(r, &node.right) || !add_node(r, node, out))
            return false;
    }
    return true;
}

static bool read_or(struct reader *r, uint8_t *out)
{
    if (!read_and(r, out))
        return false;
    while (take_keyword(r, "or")) {
        struct scim_node node = { .kind = SCIM_OR, .left = *out };

        if (!read_and(r, &node.right) || !add_node(r, node, out))
            return false;
    }
    return true;
}

bool scim_parse(struct scim *s, struct view source, scim_allow *allow, struct scim_fault *fault)
{
    struct reader r = { .s = s, .source = source, .allow = allow, .fault = fault };

    s->count = 0;
    s->text_len = 0;
    s->has_not = false;
    if (!read_or(&r, &s->root))
        return false;
    skip_blanks(&r);
    return r.at == source.len || fail(&r, SCIM_SYNTAX, peek_word(&r));
}

/* ---- matching ---- */

static int compare_text(struct view a, struct view b, bool ignore_case)
{
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        int left = (unsigned char)a.at[i], right = (unsigned char)b.at[i];

        if (ignore_case) {
            left = tolower(left);
            right = tolower(right);
        }
        if (left != right)
            return left < right ? -1 : 1;
    }
    return (a.len > b.len) - (a.len < b.len);
}

static bool contains(struct view whole, struct view part, bool ignore_case)
{
    for (size_t at = 0; at + part.len <= whole.len; at++)
        if (compare_text((struct view){ whole.at + at, part.len }, part, ignore_case) == 0)
            return true;
    return false;
}

static bool test_value(const struct scim_node *node, const struct scim_value *v, bool ignore_case)
{
    struct view part = node->literal.text;
    int order;

    if (v->is_time && node->literal.is_time)
        order = (v->time_ms > node->literal.time_ms) - (v->time_ms < node->literal.time_ms);
    else
        order = compare_text(v->text, part, ignore_case);
    switch (node->op) {
    case SCIM_EQ:
        return order == 0;
    case SCIM_NE:
        return order != 0;
    case SCIM_GT:
        return order > 0;
    case SCIM_GE:
        return order >= 0;
    case SCIM_LT:
        return order < 0;
    case SCIM_LE:
        return order <= 0;
    case SCIM_CO:
        return contains(v->text, part, ignore_case);
    case SCIM_SW:
        return v->text.len >= part.len && compare_text((struct view){ v->text.at, part.len }, part, ignore_case) == 0;
    case SCIM_EW:
        return v->text.len >= part.len &&
               compare_text((struct view){ v->text.at + v->text.len - part.len, part.len }, part, ignore_case) == 0;
    default:
        return true; /* present */
    }
}

static bool match_node(const struct scim *s, uint8_t at, scim_get *get, void *ctx, bool ignore_case)
{
    const struct scim_node *node = &s->nodes[at];
    struct scim_value value = { .is_time = false };

    ASSERT(at < s->count);
    switch (node->kind) {
    case SCIM_AND:
        return match_node(s, node->left, get, ctx, ignore_case) && match_node(s, node->right, get, ctx, ignore_case);
    case SCIM_OR:
        return match_node(s, node->left, get, ctx, ignore_case) || match_node(s, node->right, get, ctx, ignore_case);
    case SCIM_NOT:
        return !match_node(s, node->left, get, ctx, ignore_case);
    default:
        for (size_t nth = 0; get(ctx, node->path, nth, &value); nth++)
            if (test_value(node, &value, ignore_case))
                return true;
        return false;
    }
}

bool scim_match(const struct scim *s, scim_get *get, void *ctx, bool ignore_case)
{
    return match_node(s, s->root, get, ctx, ignore_case);
}
