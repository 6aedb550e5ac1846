#include "okta/allowed.h"

#include "okta/url.h"

#include <string.h>

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("_-.[]$", c) != NULL;
}

/* name=value, with an "&" between two. */
static bool is_query(struct view query)
{
    size_t name = 0;
    bool in_value = false;

    for (size_t i = 0; i < query.len; i++) {
        char c = query.at[i];

        if (c == '&') {
            if (!in_value)
                return false;
            in_value = false;
            name = 0;
        } else if (!in_value && c == '=') {
            if (name == 0)
                return false;
            in_value = true;
        } else if (!in_value) {
            if (!is_name_char(c))
                return false;
            name++;
        }
    }
    return in_value;
}

static bool is_listed(const char *method, struct view path)
{
    const char *mark = path.len > 0 ? memchr(path.at, '?', path.len) : NULL;
    struct view query = VIEW_NONE;

    if (!url_path_ok(path))
        return false;
    if (mark != NULL) {
        query = (struct view){ mark + 1, path.len - (size_t)(mark + 1 - path.at) };
        path.len = (size_t)(mark - path.at);
    }
    for (size_t i = 0; i < allowed_count; i++)
        if (strcmp(allowed[i].method, method) == 0 && view_is(path, allowed[i].path))
            return mark == NULL || (allowed[i].has_query && is_query(query));
    return false;
}

bool allowed_path(struct view path)
{
    return is_listed("GET", path);
}

bool allowed_url(const struct okta_url *org, const char *url, bool is_post)
{
    size_t len = strlen(org->text);

    /* What follows begins with a slash, so it belongs to no longer host name, and to no port. */
    return len > 0 && strncmp(url, org->text, len) == 0 && url[len] == '/' &&
           is_listed(is_post ? "POST" : "GET", view_of(url + len));
}
