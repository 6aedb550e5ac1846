#include "net/cert_name.h"

#include <arpa/inet.h>
#include <string.h>

static const struct {
    const char *prefix; /* as `openssl x509 -ext subjectAltName` prints it */
    enum cert_name_kind kind;
} kinds[] = {
    { "DNS:", CERT_NAME_DNS },       { "URI:", CERT_NAME_URI },     { "IP:", CERT_NAME_IP },
    { "IP Address:", CERT_NAME_IP }, { "email:", CERT_NAME_EMAIL },
};

/* ---- reading ---- */

static bool take_kind(struct view *text, enum cert_name_kind *kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t len = strlen(kinds[i].prefix);

        if (text->len < len || !view_eq_nocase((struct view){ text->at, len }, view_of(kinds[i].prefix)))
            continue;
        *text = (struct view){ text->at + len, text->len - len };
        *kind = kinds[i].kind;
        return true;
    }
    return false;
}

static bool parse_ip(struct view text, struct cert_name *out, struct error *err)
{
    char plain[INET6_ADDRSTRLEN];

    if (text.len < sizeof plain) {
        memcpy(plain, text.at, text.len);
        plain[text.len] = '\0';
        out->len = inet_pton(AF_INET, plain, out->text) == 1 ? 4 : inet_pton(AF_INET6, plain, out->text) == 1 ? 16 : 0;
    }
    return out->len > 0 || error_set(err, ERROR_INVALID_ARGUMENT, "that is no IP address");
}

/* Takes the asterisk off: at the front of a DNS name as a label of its own, at the end of a URI as what follows a "/".
 * "URI:spiffe" and its authority must be said, or anybody's would do. */
static bool take_asterisk(enum cert_name_kind kind, struct view *text, bool *is_pattern)
{
    const char *path;

    *is_pattern = false;
    if (text->len == 0 || memchr(text->at, '*', text->len) == NULL)
        return true;
    *is_pattern = true;
    if (kind == CERT_NAME_DNS && view_starts(*text, "*.")) {
        *text = (struct view){ text->at + 1, text->len - 1 };
        return memchr(text->at + 1, '.', text->len - 1) != NULL && memchr(text->at, '*', text->len) == NULL;
    }
    if (kind != CERT_NAME_URI || !view_ends(*text, "/*"))
        return false;
    text->len--;
    path = memmem(text->at, text->len, "://", 3);
    return path != NULL && path + 3 < text->at + text->len && path[3] != '/' &&
           memchr(text->at, '*', text->len) == NULL;
}

static bool is_printable(struct view text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= ' ' || text.at[i] > '~')
            return false;
    return true;
}

static bool parse_text(struct view text, struct cert_name *out, struct error *err)
{
    if (text.len == 0 || text.len > sizeof out->text || !is_printable(text))
        return error_set(err, ERROR_INVALID_ARGUMENT, "a name has 1 to %zu letters, digits and signs, no blanks",
                         sizeof out->text);
    if (out->kind == CERT_NAME_URI && memmem(text.at, text.len, ":", 1) == NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT, "a URI has a scheme, such as spiffe://");
    if (out->kind == CERT_NAME_EMAIL && memchr(text.at, '@', text.len) == NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT, "an e-mail address has an @");
    if (!take_asterisk(out->kind, &text, &out->is_pattern))
        return error_set(err, ERROR_INVALID_ARGUMENT,
                         "an asterisk can be the first label of a DNS name (DNS:*.pods.example) or end the path of a "
                         "URI (URI:spiffe://example/ns/prod/*), nothing else");
    memcpy(out->text, text.at, text.len);
    out->len = text.len;
    return true;
}

bool cert_name_parse(struct view text, struct cert_name *out, struct error *err)
{
    struct cert_name n = { 0 };
    struct view rest = text;
    bool is_parsed;

    if (!take_kind(&rest, &n.kind))
        is_parsed = error_set(err, ERROR_INVALID_ARGUMENT,
                              "say which kind of name it is: DNS:, URI:, IP: or email:, as openssl x509 -noout -ext "
                              "subjectAltName shows it");
    else
        is_parsed = n.kind == CERT_NAME_IP ? parse_ip(rest, &n, err) : parse_text(rest, &n, err);
    if (!is_parsed)
        return error_wrap(err, "certificate name \"" VIEW_FMT "\"", VIEW_ARG(text));
    *out = n;
    return true;
}

void cert_name_format(const struct cert_name *name, struct buf *out)
{
    char address[INET6_ADDRSTRLEN] = "";
    size_t i = 0;

    while (kinds[i].kind != name->kind)
        i++;
    buf_puts(out, kinds[i].prefix);
    if (name->kind == CERT_NAME_IP) {
        buf_puts(out, inet_ntop(name->len == 4 ? AF_INET : AF_INET6, name->text, address, sizeof address));
        return;
    }
    if (name->is_pattern && name->kind == CERT_NAME_DNS)
        buf_putc(out, '*');
    buf_put(out, name->text, name->len);
    if (name->is_pattern && name->kind == CERT_NAME_URI)
        buf_putc(out, '*');
}

/* ---- comparing ---- */

/* Host names compare without regard to case. */
static bool is_dns(struct view name, const struct cert_name *known)
{
    struct view want = { known->text, known->len };

    if (known->is_pattern) {
        const char *dot = name.len > 0 ? memchr(name.at, '.', name.len) : NULL;

        if (dot == NULL || dot == name.at)
            return false;
        name = (struct view){ dot, name.len - (size_t)(dot - name.at) };
    }
    return view_eq_nocase(name, want);
}

static bool is_uri(struct view name, const struct cert_name *known)
{
    if (known->is_pattern)
        return name.len > known->len && memcmp(name.at, known->text, known->len) == 0 &&
               memmem(name.at, name.len, "/..", 3) == NULL; /* nor leave it again */
    return view_eq(name, (struct view){ known->text, known->len });
}

/* Only the part after the @ compares without regard to case. */
static bool is_email(struct view name, const struct cert_name *known)
{
    struct view want = { known->text, known->len };
    const char *at = memrchr(want.at, '@', want.len);
    size_t local = (size_t)(at - want.at);

    return name.len == want.len && memcmp(name.at, want.at, local) == 0 && view_eq_nocase(name, want);
}

static bool is_same(const struct presented_name *n, const struct cert_name *known)
{
    if (n->kind != known->kind || n->text.len == 0)
        return false;
    switch (n->kind) {
    case CERT_NAME_DNS:
        return is_dns(n->text, known);
    case CERT_NAME_URI:
        return is_uri(n->text, known);
    case CERT_NAME_EMAIL:
        return is_email(n->text, known);
    case CERT_NAME_IP:
        return view_eq(n->text, (struct view){ known->text, known->len });
    }
    return false;
}

/* An asterisk in the certificate itself matches nothing: it is not known that its holder owns every name that it
 * covers. A NUL is part of no name except an address. */
static bool is_name(const struct presented_name *n)
{
    return n->kind == CERT_NAME_IP ||
           (n->text.len > 0 && is_printable(n->text) && memchr(n->text.at, '*', n->text.len) == NULL);
}

bool cert_name_is_listed(const struct presented_name *n, const struct cert_name *list, size_t count)
{
    if (!is_name(n))
        return false;
    for (size_t i = 0; i < count; i++)
        if (is_same(n, &list[i]))
            return true;
    return false;
}
