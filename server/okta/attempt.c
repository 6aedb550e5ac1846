#include "okta/attempt.h"

#include "base/assert.h"
#include "base/mem.h"

#include <string.h>

struct attempt *attempt_create(void)
{
    return mem_zero(sizeof(struct attempt));
}

void attempt_wipe(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

void attempt_clear(struct attempt *a)
{
    attempt_wipe(a->authorization);
    attempt_wipe(a->proof);
    attempt_wipe(a->body);
    free(a->x.url);
    buf_deinit(&a->x.head);
    buf_deinit(&a->x.body);
    a->x = (struct okta_exchange){ .owner = NULL };
    a->authorization = a->proof = a->body = NULL;
}

void attempt_destroy(struct attempt *a)
{
    attempt_clear(a);
    free(a);
}

static char *concat(const char *head, struct view tail)
{
    size_t len = strlen(head);
    char *text = mem_alloc(len + tail.len + 1);

    memcpy(text, head, len);
    memcpy(text + len, tail.at, tail.len);
    text[len + tail.len] = '\0';
    return text;
}

/* The content type of a GET is Okta's way to be asked for less: with okta-response="omitCredentials,..." lists of users
 * come faster, without the credential provider and transitioningToStatus. We serve both, so we do not ask for it. */
static void fill_headers(struct attempt *a)
{
    const char *const lines[] = {
        "Accept: application/json",
        a->body != NULL ? "Content-Type: application/x-www-form-urlencoded" : "Content-Type: application/json",
        a->authorization,
        a->proof,
        a->retry_for[0] != '\0' ? a->retry_for : NULL,
        a->retry_count[0] != '\0' ? a->retry_count : NULL,
    };
    size_t count = 0;

    _Static_assert(sizeof lines / sizeof lines[0] < ATTEMPT_HEADERS_MAX, "and NULL");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (lines[i] != NULL)
            a->headers[count++] = lines[i];
    a->headers[count] = NULL;
}

void attempt_prepare(struct attempt *a, struct okta_request *r, const struct okta_url *url)
{
    fill_headers(a);
    a->x = (struct okta_exchange){
        .url = concat(url->text, r->path),
        .headers = a->headers,
        .post_body = a->body,
        .connect_ms = OKTA_CONNECT_MS,
        .timeout_ms = OKTA_TIMEOUT_MS,
        .body_bytes_max = OKTA_BODY_BYTES_MAX,
        .header_bytes_max = OKTA_HEADER_BYTES_MAX,
        .is_fresh_connection = a->is_fresh,
        .owner = r,
    };
    buf_init(&a->x.head, OKTA_HEADER_BYTES_MAX);
    buf_init(&a->x.body, OKTA_BODY_BYTES_MAX);
}

void attempt_append(struct attempt_list *l, struct okta_request *r)
{
    struct okta_request **at = &l->first;

    while (*at != NULL)
        at = &(*at)->next;
    r->next = NULL;
    *at = r;
}

void attempt_prepend(struct attempt_list *l, struct okta_request *r)
{
    r->next = l->first;
    l->first = r;
}

struct okta_request *attempt_take(struct okta_request **at)
{
    struct okta_request *r = *at;

    *at = r->next;
    r->next = NULL;
    return r;
}

void attempt_remove(struct attempt_list *l, const struct okta_request *r)
{
    struct okta_request **at = &l->first;

    while (*at != NULL && *at != r)
        at = &(*at)->next;
    ASSERT(*at == r);
    (void)attempt_take(at);
}

void attempt_move(struct attempt_list *to, struct attempt_list *from)
{
    struct okta_request **at = &to->first;

    while (*at != NULL)
        at = &(*at)->next;
    *at = from->first;
    from->first = NULL;
}
