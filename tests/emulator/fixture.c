#include "fixture.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

void fixture_init(struct fixture *f)
{
    *f = (struct fixture){ .options = { .seed = 1,
                                        .base_url = BASE_URL,
                                        .token = "00token",
                                        .users = 40,
                                        .apps = 25,
                                        .history_events = 2500,
                                        .history_days = 30,
                                        .start_unix_ms = START_MS,
                                        .logs_limit = 100000,
                                        .users_limit = 100000,
                                        .other_limit = 100000 },
                           .now_ms = START_MS,
                           .authorization = "SSWS 00token",
                           .method = "GET" };
}

void fixture_begin(struct fixture *f)
{
    f->emulator = emulator_create(&f->options);
    emulator_response_init(&f->answer);
}

void fixture_end(struct fixture *f)
{
    json_decref(f->body);
    emulator_response_deinit(&f->answer);
    emulator_destroy(f->emulator);
}

const char *fixture_header(const struct fixture *f, const char *name, size_t nth)
{
    static char value[16384];
    struct view head = buf_view(&f->answer.head);
    size_t len = strlen(name);

    while (head.len > 0) {
        const char *end = memmem(head.at, head.len, "\r\n", 2);
        size_t line = (size_t)(end - head.at);

        assert_non_null(end);
        if (line > len && strncasecmp(head.at, name, len) == 0 && head.at[len] == ':' && nth-- == 0) {
            snprintf(value, sizeof value, "%.*s", (int)(line - len - 2), head.at + len + 2);
            return value;
        }
        head.at += line + 2;
        head.len -= line + 2;
    }
    return "";
}

static void read_link(struct fixture *f, const char *rel, char *to, size_t size)
{
    char tail[32];

    *to = '\0';
    snprintf(tail, sizeof tail, ">; rel=\"%s\"", rel);
    for (size_t i = 0; *fixture_header(f, "Link", i) != '\0'; i++) {
        const char *link = fixture_header(f, "Link", i), *end = strstr(link, tail);

        if (end == NULL)
            continue;
        assert_int_equal(strncmp(link, "<" BASE_URL "/", strlen("<" BASE_URL "/")), 0);
        link += strlen("<" BASE_URL);
        snprintf(to, size, "%.*s", (int)(end - link), link);
    }
}

int fixture_ask(struct fixture *f, const char *target)
{
    struct emulator_request request = { .method = f->method,
                                        .target = view_of(target),
                                        .authorization = view_of(f->authorization),
                                        .cookie = view_of(f->cookie),
                                        .content_type = view_of(f->content_type),
                                        .accept = view_of(f->accept),
                                        .dpop = view_of(f->dpop),
                                        .body = view_of(f->sent),
                                        .now_unix_ms = f->now_ms };

    emulator_answer(f->emulator, &request, &f->answer);
    json_decref(f->body);
    f->body = f->answer.body.len > 0 ? json_loadb(f->answer.body.at, f->answer.body.len, 0, NULL) : NULL;
    read_link(f, "next", f->next, sizeof f->next);
    read_link(f, "self", f->self, sizeof f->self);
    return f->answer.status;
}

const char *fixture_error(const struct fixture *f)
{
    const char *code = json_string_value(json_object_get(f->body, "errorCode"));

    return code != NULL ? code : "";
}

const char *fixture_text(const struct fixture *f, size_t nth, const char *member)
{
    const char *text = json_string_value(json_object_get(json_array_get(f->body, nth), member));

    return text != NULL ? text : "";
}

size_t fixture_walk(struct fixture *f, const char *target, size_t pages_max,
                    void (*visit)(void *ctx, const json_t *element), void *ctx)
{
    AUTO_FREE char *link = mem_strdup(target);
    size_t pages = 0;

    while (pages < pages_max) {
        assert_int_equal(fixture_ask(f, link), 200);
        pages++;
        for (size_t i = 0; i < json_array_size(f->body); i++)
            visit(ctx, json_array_get(f->body, i));
        if (f->next[0] == '\0')
            break;
        free(link);
        link = mem_strdup(f->next);
    }
    return pages;
}

void names_visit(void *ctx, const json_t *element)
{
    struct names *n = ctx;
    const char *name = json_string_value(json_object_get(element, n->member));

    assert_non_null(name);
    n->at = mem_grow(n->at, (n->count + 1) * sizeof *n->at);
    snprintf(n->at[n->count++], sizeof *n->at, "%s", name);
}

void names_free(struct names *n)
{
    free(n->at);
    *n = (struct names){ .member = n->member };
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

void names_assert_unique(const struct names *n)
{
    char(*sorted)[40] = mem_copy(n->at, n->count * sizeof *n->at);

    qsort(sorted, n->count, sizeof *sorted, compare);
    for (size_t i = 1; i < n->count; i++)
        assert_string_not_equal(sorted[i - 1], sorted[i]);
    free(sorted);
}
