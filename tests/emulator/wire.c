/* What Okta's answers look like from outside: headers, links, errors. */
#include "inside.h"

#include "json_text.h"
#include "random.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Several kilobytes, as recorded: a client that has small header buffers must notice here. */
#define CSP_HOSTS 40

static void put_csp(const struct emulator *e, struct buf *head)
{
    static const char *const directives[] = { "default-src", "connect-src", "script-src", "style-src",
                                              "frame-src",   "img-src",     "font-src" };

    buf_puts(head, "Content-Security-Policy: ");
    for (size_t i = 0; i < sizeof directives / sizeof directives[0]; i++) {
        buf_printf(head, "%s 'self' %s", directives[i], e->base_url);
        for (int host = 0; i < 2 && host < CSP_HOSTS; host++)
            buf_printf(head, " https://cdn-%02d.%s.acme.example", host, directives[i]);
        buf_puts(head, "; ");
    }
    buf_puts(head, "frame-ancestors 'self'\r\n");
}

static void put_date(int64_t now_ms, struct buf *head)
{
    time_t now_s = (time_t)(now_ms / 1000);
    struct tm tm;
    char text[64];

    gmtime_r(&now_s, &tm);
    strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    buf_printf(head, "Date: %s\r\n", text);
}

void wire_begin(struct emulator *e, struct emulator_response *out)
{
    uint64_t a = random_at(e->options.seed, RANDOM_ERROR, e->request_count * 2);
    uint64_t b = random_at(e->options.seed, RANDOM_ERROR, e->request_count * 2 + 1);

    buf_reset(&out->head);
    buf_reset(&e->body);
    out->has_link = false;
    put_date(e->now_ms, &out->head);
    buf_printf(&out->head, "Server: nginx\r\nX-Okta-Request-Id: %016llx%016llx\r\n", (unsigned long long)a,
               (unsigned long long)b);
    buf_puts(&out->head,
             "X-XSS-Protection: 0\r\nP3P: CP=\"HONK\"\r\nReferrer-Policy: no-referrer\r\n"
             "Accept-CH: Sec-CH-UA-Platform-Version\r\nCache-Control: no-cache, no-store\r\nPragma: no-cache\r\n"
             "Expires: 0\r\nX-Content-Type-Options: nosniff\r\nVary: Origin,Accept-Encoding\r\n"
             "Strict-Transport-Security: max-age=315360000; includeSubDomains\r\n");
    buf_printf(&out->head, "Set-Cookie: JSESSIONID=%016llX; Path=/; Secure; HttpOnly\r\n", (unsigned long long)a);
    buf_puts(&out->head, "Set-Cookie: sid=\"\"; Expires=Thu, 01-Jan-1970 00:00:10 GMT; Path=/\r\n");
    put_csp(e, &out->head);
}

void wire_finish(struct emulator *e, struct emulator_response *out, int status)
{
    static const struct fail timed_out = { 500, "E0000009", false, NULL, NULL };

    if (!buf_ok(&e->body)) {
        buf_reset(&e->body);
        wire_fail(e, out, &timed_out, "Internal Server Error");
        return;
    }
    if (e->body.len > 0)
        buf_printf(&out->head, "Content-Type: %s\r\n", e->body.at[0] == '<' ? "text/html" : "application/json");
    out->status = status;
    out->body = buf_view(&e->body);
}

void wire_rate_headers(const struct bucket *bucket, int32_t remaining, struct emulator_response *out)
{
    buf_printf(&out->head, "X-Rate-Limit-Limit: %d\r\nX-Rate-Limit-Remaining: %d\r\nX-Rate-Limit-Reset: %lld\r\n",
               bucket->limit, remaining, (long long)bucket->reset_unix_s);
}

static void put_param(struct buf *head, bool *is_first, const char *name, struct view value)
{
    buf_printf(head, "%s%s=", *is_first ? "?" : "&", name);
    query_escape(value, head);
    *is_first = false;
}

/* Onto the line of the link before, where links are folded: links of an answer follow each other. */
static void begin_link(const struct emulator *e, struct emulator_response *out)
{
    bool is_folded = e->options.links == EMULATOR_LINKS_FOLDED && out->has_link;

    if (is_folded)
        out->head.len -= 2;
    buf_puts(&out->head, is_folded ? ", " : e->options.links == EMULATOR_LINKS_LOWER ? "link: " : "Link: ");
    out->has_link = true;
}

bool emulator_links_named(struct view name, enum emulator_links *out)
{
    static const char *const names[] = { "plain", "folded", "lower", "unquoted" };

    for (int i = 0; i < 4; i++) {
        if (!view_is(name, names[i]))
            continue;
        *out = (enum emulator_links)i;
        return true;
    }
    return false;
}

void wire_link(const struct emulator *e, const struct ask *ask, const struct link *link, struct emulator_response *out)
{
    bool is_first = true;

    begin_link(e, out);
    buf_printf(&out->head, "<%s%.*s", e->base_url, (int)ask->path.len, ask->path.at);
    if (link->after != NULL && link->after_first)
        put_param(&out->head, &is_first, "after", view_of(link->after));
    for (size_t i = 0; i < ask->query->count; i++) {
        const struct param *p = &ask->query->params[i];
        AUTO_FREE char *name = view_dup(p->name);

        if (!(link->after != NULL && view_is(p->name, "after")) && !(link->limit != NULL && view_is(p->name, "limit")))
            put_param(&out->head, &is_first, name, p->value);
    }
    if (link->limit != NULL)
        put_param(&out->head, &is_first, "limit", view_of(link->limit));
    if (link->after != NULL && !link->after_first)
        put_param(&out->head, &is_first, "after", view_of(link->after));
    buf_printf(&out->head, e->options.links == EMULATOR_LINKS_UNQUOTED ? ">; rel=%s\r\n" : ">; rel=\"%s\"\r\n",
               link->rel);
}

/* ---- errors ---- */

static void put_error_id(const struct emulator *e, bool has_uuid, struct buf *body)
{
    uint64_t a = random_at(e->options.seed, RANDOM_ERROR, e->request_count * 2 + 1), b = random_mix(a);

    if (has_uuid)
        buf_printf(body, "%08x-%04x-4%03x-a%03x-%012llx", (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff),
                   (unsigned)(a & 0xfff), (unsigned)(b >> 52), (unsigned long long)(b & 0xffffffffffff));
    else
        buf_printf(body, "oae%016llx%06llx", (unsigned long long)a, (unsigned long long)(b & 0xffffff));
}

void wire_fail(struct emulator *e, struct emulator_response *out, const struct fail *fail, const char *format, ...)
{
    const char *const causes[] = { fail->cause, fail->other_cause };
    char summary[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(summary, sizeof summary, format, args);
    va_end(args);
    buf_reset(&e->body);
    buf_printf(&e->body, "{\"errorCode\":\"%s\",\"errorSummary\":\"", fail->code);
    json_text_put(view_of(summary), &e->body);
    buf_printf(&e->body, "\",\"errorLink\":\"%s\",\"errorId\":\"", fail->code);
    put_error_id(e, fail->has_uuid, &e->body);
    buf_puts(&e->body, "\",\"errorCauses\":[");
    for (size_t i = 0; i < 2 && causes[i] != NULL; i++) {
        buf_puts(&e->body, i > 0 ? ",{\"errorSummary\":\"" : "{\"errorSummary\":\"");
        json_text_put(view_of(causes[i]), &e->body);
        buf_puts(&e->body, "\"}");
    }
    buf_puts(&e->body, "]}");
    wire_finish(e, out, fail->status);
}
