#include "base/roff.h"

static void put_char(char c, struct buf *out)
{
    switch (c) {
    case '\\':
        buf_puts(out, "\\e");
        break;
    case '-':
        buf_puts(out, "\\-");
        break;
    case '\'':
        buf_puts(out, "\\(aq");
        break;
    case '`':
        buf_puts(out, "\\(ga");
        break;
    case '^':
        buf_puts(out, "\\(ha");
        break;
    case '~':
        buf_puts(out, "\\(ti");
        break;
    case '"':
        buf_puts(out, "\\(dq");
        break;
    default:
        buf_putc(out, c);
    }
}

static void put_words(struct view text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++)
        put_char(text.at[i], out);
}

void roff_text(struct view text, struct buf *out)
{
    bool begins = true;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];

        if (c == '\n' && i + 1 < text.len && text.at[i + 1] == '\n') {
            buf_puts(out, "\n.PP\n");
            begins = true;
            i++;
            continue;
        }
        if (begins && c == '.')
            buf_puts(out, "\\&");
        put_char(c, out);
        begins = c == '\n';
    }
    buf_putc(out, '\n');
}

void roff_item(const char *name, const char *value, const char *text, struct buf *out)
{
    buf_puts(out, ".TP\n\\fB");
    put_words(view_of(name), out);
    buf_puts(out, "\\fR");
    if (value != NULL) {
        buf_puts(out, " \\fI");
        put_words(view_of(value), out);
        buf_puts(out, "\\fR");
    }
    buf_putc(out, '\n');
    roff_text(view_of(text), out);
}

void roff_heading(const char *text, struct buf *out)
{
    buf_puts(out, ".SS \"");
    put_words(view_of(text), out);
    buf_puts(out, "\"\n");
}
