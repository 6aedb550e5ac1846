/* Finding the elements of an array that does not parse. Nothing is believed but quotes, escapes and brackets; brackets
 * are counted, not matched, so that an element with the wrong ones spoils itself only. */
#include "base/json.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_blanks(struct view text, size_t at)
{
    while (at < text.len && is_blank(text.at[at]))
        at++;
    return at;
}

/* The index behind the string that begins at `at`; the text's length when it does not end. */
static size_t skip_string(struct view text, size_t at)
{
    const char *end = text.at + text.len, *quote = text.at + at;

    while ((quote = memchr(quote + 1, '"', (size_t)(end - quote - 1))) != NULL) {
        size_t escapes = 0;

        while (quote[-1 - (ptrdiff_t)escapes] == '\\')
            escapes++;
        if (escapes % 2 == 0)
            return (size_t)(quote - text.at) + 1;
    }
    return text.len;
}

/* What a byte outside strings means; most bytes mean nothing, and one look at a table says so. */
enum sense { SENSE_NONE, SENSE_OPEN, SENSE_CLOSE, SENSE_CLOSE_ARRAY, SENSE_COMMA, SENSE_QUOTE };
static const unsigned char senses[256] = {
    ['{'] = SENSE_OPEN,        ['['] = SENSE_OPEN,  ['}'] = SENSE_CLOSE,
    [']'] = SENSE_CLOSE_ARRAY, [','] = SENSE_COMMA, ['"'] = SENSE_QUOTE,
};

/* The index of the comma or bracket that ends the element which begins at `at`; the text's length when there is none.
 */
static size_t find_end(struct view text, size_t at)
{
    size_t depth = 0;

    while (at < text.len) {
        enum sense sense = (enum sense)senses[(unsigned char)text.at[at]];

        if (depth == 0 && (sense == SENSE_COMMA || sense == SENSE_CLOSE_ARRAY))
            return at;
        if (sense == SENSE_QUOTE) {
            at = skip_string(text, at);
            continue;
        }
        if (sense == SENSE_OPEN)
            depth++;
        else if ((sense == SENSE_CLOSE || sense == SENSE_CLOSE_ARRAY) && depth > 0)
            depth--;
        at++;
    }
    return text.len;
}

static struct view cut(struct view text, size_t from, size_t to)
{
    from = skip_blanks(text, from);
    while (to > from && is_blank(text.at[to - 1]))
        to--;
    return (struct view){ text.at + from, to > from ? to - from : 0 };
}

bool json_split(struct view text, void (*visit)(void *ctx, struct view element, bool is_whole), void *ctx)
{
    size_t at = skip_blanks(text, 0);

    if (at == text.len || text.at[at] != '[')
        return false;
    for (at++;; at++) {
        size_t end = find_end(text, at);
        struct view element = cut(text, at, end);

        if (element.len > 0)
            visit(ctx, element, end < text.len);
        if (end == text.len)
            return false;
        at = end;
        if (text.at[end] == ']')
            break;
    }
    /* What follows the array should not be there, and is not dropped unseen. */
    if (skip_blanks(text, at + 1) < text.len)
        visit(ctx, cut(text, at + 1, text.len), true);
    return true;
}
