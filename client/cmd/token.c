#include "client/cmd/token.h"

#include "client/term/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define USUAL_LEN 42

void token_wipe(struct buf *token)
{
    if (token->at != NULL)
        explicit_bzero(token->at, token->room);
    buf_deinit(token);
}

bool token_is_usual(struct view token)
{
    if (token.len != USUAL_LEN || !view_starts(token, "00"))
        return false;
    for (size_t i = 0; i < token.len; i++) {
        char c = token.at[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_'))
            return false;
    }
    return true;
}

/* What people leave in a file that they copied from an example. */
static bool is_placeholder(struct view t)
{
    static const char *const words[] = { "token",    "api_token", "apitoken", "api-token",  "your_token", "your-token",
                                         "changeme", "change-me", "secret",   "password",   "example",    "todo",
                                         "none",     "null",      "test",     "okta_token", "placeholder" };
    static const char *const starts[] = { "<", "${", "{{", "$(", "%", "your", "YOUR", "xxx", "XXX", "..." };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (view_eq_nocase(t, view_of(words[i])))
            return true;
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        if (view_starts(t, starts[i]))
            return true;
    for (size_t i = 1; i < t.len; i++)
        if (t.at[i] != t.at[0])
            return false;
    return true;
}

static bool is_plain(struct view t)
{
    for (size_t i = 0; i < t.len; i++)
        if (t.at[i] <= ' ' || t.at[i] > '~')
            return false;
    return true;
}

static void keep(struct buf *token, struct view part)
{
    if (part.len > 0)
        memmove(token->at, part.at, part.len);
    token->len = part.len;
}

bool token_check(struct buf *token, struct error *err)
{
    struct view t = view_trim(buf_view(token));

    if (t.len >= 5 && view_eq_nocase((struct view){ t.at, 5 }, VIEW("SSWS ")))
        t = view_trim((struct view){ t.at + 5, t.len - 5 });
    if (t.len == 0 || view_is(t, "SSWS"))
        return error_set(
            err, ERROR_INVALID_ARGUMENT,
            "the token is empty: give the API token itself, which Okta shows once when it is made (Admin Console > "
            "Security > API > Tokens)");
    if (memchr(t.at, '\n', t.len) != NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT, "the token has more than one line: give the API token alone");
    if (view_starts(t, "-----BEGIN") || view_starts(t, "{"))
        return error_set(err, ERROR_INVALID_ARGUMENT, "that is a key and not an API token");
    if (view_starts(t, "Bearer ") || view_starts(t, "eyJ"))
        return error_set(err, ERROR_INVALID_ARGUMENT,
                         "that is an OAuth access token, which ends within the hour, and not an API token");
    if (is_placeholder(t))
        return error_set(err, ERROR_INVALID_ARGUMENT, "the token is a placeholder: put the real one in its place");
    if (!is_plain(t))
        return error_set(err, ERROR_INVALID_ARGUMENT,
                         "the token has blanks or other characters that no token has: give it as Okta showed it");
    keep(token, t);
    return true;
}

bool key_check(struct buf *key, struct error *err)
{
    struct view v = view_trim(buf_view(key));

    if (v.len == 0)
        return error_set(err, ERROR_INVALID_ARGUMENT, "the private key is empty: give the key in PEM or as a JWK");
    if (memmem(v.at, v.len, "-----BEGIN CERTIFICATE", 22) != NULL ||
        memmem(v.at, v.len, "-----BEGIN PUBLIC KEY", 21) != NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT,
                         "that is the public half: the private key is the one that Okta shows once, when it is made");
    if (view_starts(v, "{{") || is_placeholder(v))
        return error_set(err, ERROR_INVALID_ARGUMENT,
                         "the private key is a placeholder: put the real one in its place");
    if (!view_starts(v, "{") && memmem(v.at, v.len, "-----BEGIN ", 11) == NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT,
                         "that is no private key: it is PEM (\"-----BEGIN PRIVATE KEY-----\") or a JWK (\"{...}\")");
    keep(key, v);
    return true;
}

static bool read_all(int fd, const char *what, struct buf *token, struct error *err)
{
    char bytes[256];
    ssize_t n;
    bool ok = true;

    while (ok && (n = read(fd, bytes, sizeof bytes)) != 0) {
        if (n < 0 && errno == EINTR && interrupt_signal() == 0)
            continue;
        if (n < 0)
            ok = error_set(err, errno == EINTR ? ERROR_CANCELLED : ERROR_INVALID_ARGUMENT, "%s", strerror(errno));
        else
            buf_put(token, bytes, (size_t)n);
        if (ok && !buf_ok(token))
            ok =
                error_set(err, ERROR_INVALID_ARGUMENT, "it is longer than %zu bytes, so it is no %s", token->cap, what);
    }
    explicit_bzero(bytes, sizeof bytes);
    return ok;
}

static void warn_when_open(const char *file, int fd)
{
    struct stat st;

    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & (S_IRGRP | S_IROTH)) != 0)
        fprintf(stderr, "warning: others on this machine can read %s (mode %04o): chmod 600 %s\n", file,
                (unsigned)st.st_mode & 07777u, file);
}

static bool read_secret(const char *file, const char *what, struct buf *secret,
                        bool (*check)(struct buf *secret, struct error *err), struct error *err)
{
    bool is_stdin = strcmp(file, "-") == 0, ok;
    int fd = is_stdin ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return error_set(err, ERROR_INVALID_ARGUMENT, "cannot read the %s file %s: %s", what, file, strerror(errno));
    if (!is_stdin)
        warn_when_open(file, fd);
    /* Room at once: a buffer that grows would leave copies behind. */
    ok = buf_extend(secret, secret->cap) != NULL;
    buf_reset(secret);
    ok = ok && read_all(fd, what, secret, err) && check(secret, err);
    if (!is_stdin)
        close(fd);
    return ok || (is_stdin ? error_wrap(err, "the %s on stdin", what) : error_wrap(err, "%s", file));
}

bool token_read(const char *file, struct buf *token, struct error *err)
{
    return read_secret(file, "token", token, token_check, err);
}

bool key_read(const char *file, struct buf *key, struct error *err)
{
    return read_secret(file, "private key", key, key_check, err);
}
