#include "model/collection.h"

#include "base/assert.h"

#include <string.h>

#define QUERY_BYTES_MAX 512 /* of the part in braces */

const struct collection *collection_at(size_t index)
{
    return index < collection_table_count ? &collection_table[index] : NULL;
}

const struct collection *collection_by_id(unsigned id)
{
    for (size_t i = 0; i < collection_table_count; i++)
        if (collection_table[i].id == id)
            return &collection_table[i];
    return NULL;
}

const struct collection *collection_by_name(struct view name)
{
    for (size_t i = 0; i < collection_table_count; i++)
        if (view_is(name, collection_table[i].name))
            return &collection_table[i];
    return NULL;
}

const struct collection *collection_by_store_number(unsigned number)
{
    for (size_t i = 0; i < collection_table_count && number != 0; i++)
        if (collection_table[i].store_number == number)
            return &collection_table[i];
    return NULL;
}

const struct collection *collection_log(void)
{
    for (size_t i = 0; i < collection_table_count; i++)
        if (collection_table[i].kind == COLLECTION_LOG)
            return &collection_table[i];
    ASSERT(!"the table has a row for the log");
    return NULL;
}

collection_set collection_all(void)
{
    collection_set all = 0;

    for (size_t i = 0; i < collection_table_count; i++)
        all |= collection_bit(&collection_table[i]);
    return all;
}

void collection_names(collection_set set, const char *separator, struct buf *out)
{
    const char *between = "";

    for (size_t i = 0; i < collection_table_count; i++)
        if ((set & collection_bit(&collection_table[i])) != 0) {
            buf_printf(out, "%s%s", between, collection_table[i].name);
            between = separator;
        }
}

/* Puts the template's text up to `end`, or to its end, with the placeholders replaced; returns where it stopped. */
static const char *query_expand(const char *at, char end, int64_t since_ms, uint32_t limit, struct buf *out)
{
    static const char since[] = "$since", page[] = "$limit";
    char text[TIME_TEXT_SIZE];

    while (*at != '\0' && *at != end && *at != '{') {
        if (strncmp(at, since, sizeof since - 1) == 0) {
            time_format(since_ms, text);
            buf_puts(out, text);
            at += sizeof since - 1;
        } else if (strncmp(at, page, sizeof page - 1) == 0) {
            buf_printf(out, "%u", limit);
            at += sizeof page - 1;
        } else {
            buf_putc(out, *at++);
        }
    }
    return at;
}

void collection_query(const struct collection *c, const char *query, int64_t since_ms, uint32_t limit, struct buf *out)
{
    buf_printf(out, "%s?", c->path);
    for (const char *at = query; *at != '\0';) {
        AUTO_BUF struct buf part = BUF(QUERY_BYTES_MAX);

        at = query_expand(at, '\0', since_ms, limit, out);
        if (*at != '{')
            continue;
        at = query_expand(at + 1, '}', since_ms, limit, &part);
        url_encode(buf_view(&part), out);
        at += *at == '}';
    }
}
