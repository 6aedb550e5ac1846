#include "base/template.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define GAPS_MAX  16
#define BYTES_MAX (1u << 20) /* a manual page has some ten kilobytes */

static struct view take_line(struct view *rest)
{
    const char *end = memchr(rest->at, '\n', rest->len);
    struct view line = { rest->at, end != NULL ? (size_t)(end - rest->at) : rest->len };
    size_t taken = line.len + (end != NULL);

    rest->at += taken;
    rest->len -= taken;
    return line;
}

static bool is_gap(struct view line)
{
    return line.len > 2 && line.at[0] == '@' && line.at[line.len - 1] == '@' && memchr(line.at, ' ', line.len) == NULL;
}

static bool fill(struct view line, const struct template_gap *gaps, bool *filled, struct buf *out, struct error *err)
{
    struct view name = { line.at + 1, line.len - 2 };

    for (size_t i = 0; gaps[i].name != NULL && i < GAPS_MAX; i++)
        if (view_is(name, gaps[i].name)) {
            filled[i] = true;
            gaps[i].fill(out);
            return true;
        }
    return error_set(err, ERROR_INVALID_ARGUMENT, "nothing fills @" VIEW_FMT "@", VIEW_ARG(name));
}

bool template_fill(struct view text, const struct template_gap *gaps, struct buf *out, struct error *err)
{
    bool filled[GAPS_MAX] = { false };

    while (text.len > 0) {
        struct view line = take_line(&text);

        if (!is_gap(line)) {
            buf_put(out, line.at, line.len);
            buf_putc(out, '\n');
        } else if (!fill(line, gaps, filled, out, err)) {
            return false;
        }
    }
    for (size_t i = 0; gaps[i].name != NULL; i++)
        if (i >= GAPS_MAX || !filled[i])
            return error_set(err, ERROR_INVALID_ARGUMENT, "there is no place for @%s@", gaps[i].name);
    return buf_ok(out) || error_set(err, ERROR_RESOURCE_EXHAUSTED, "it is longer than %zu bytes", out->cap);
}

static bool read_file(const char *path, struct buf *out, struct error *err)
{
    FILE *f = fopen(path, "r");
    char bytes[4096];
    size_t n;

    if (f == NULL)
        return error_set(err, ERROR_NOT_FOUND, "%s", strerror(errno));
    while ((n = fread(bytes, 1, sizeof bytes, f)) > 0)
        buf_put(out, bytes, n);
    fclose(f);
    return buf_ok(out) || error_set(err, ERROR_RESOURCE_EXHAUSTED, "it is longer than %zu bytes", out->cap);
}

int template_main(int argc, char **argv, const struct template_gap *gaps)
{
    AUTO_BUF struct buf text = BUF(BYTES_MAX);
    AUTO_BUF struct buf out = BUF(BYTES_MAX);
    struct error err;

    if (argc != 2) {
        fprintf(stderr, "usage: %s TEMPLATE\n", argv[0]);
        return 2;
    }
    if (!read_file(argv[1], &text, &err) || !template_fill(buf_view(&text), gaps, &out, &err)) {
        fprintf(stderr, "%s: %s\n", argv[1], err.text);
        return 1;
    }
    return fwrite(out.at, 1, out.len, stdout) == out.len && fflush(stdout) == 0 ? 0 : 1;
}
