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
    for (at++; at < text.len; at++) {
        if (text.at[at] == '\\')
            at++;
        else if (text.at[at] == '"')
            return at + 1;
    }
    return text.len;
}

/* The index of the comma or bracket that ends the element which begins at `at`; the text's length when there is none.
 */
static size_t find_end(struct view text, size_t at)
{
    size_t depth = 0;

    while (at < text.len) {
        char c = text.at[at];

        if (depth == 0 && (c == ',' || c == ']'))
            return at;
        if (c == '"') {
            at = skip_string(text, at);
            continue;
        }
        if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && depth > 0)
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
