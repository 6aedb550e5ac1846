#include "client/term/ticker.h"

#include "client/term/terminal.h"
#include "client/term/text.h"

#include "base/clock.h"

#include <stdio.h>
#include <unistd.h>

#define LINE_BYTES_MAX 4096
#define PLAIN_EVERY_MS 3000
#define BAR_COLUMNS    20

void ticker_init(struct ticker *t)
{
    *t = (struct ticker){ .is_terminal = terminal_is(STDERR_FILENO) };
    buf_init(&t->line, LINE_BYTES_MAX);
}

void ticker_deinit(struct ticker *t)
{
    ticker_hide(t);
    buf_deinit(&t->line);
}

void ticker_hide(struct ticker *t)
{
    if (t->is_shown)
        fputs("\r\033[K", stderr);
    t->is_shown = false;
}

void ticker_again(struct ticker *t)
{
    if (!t->is_terminal || t->line.len == 0)
        return;
    fprintf(stderr, "\r\033[K%s", buf_cstr(&t->line));
    t->is_shown = true;
}

static void show_plain(struct ticker *t, struct view safe, bool is_final)
{
    int64_t now_mono_ms = clock_mono_ms(&clock_system);

    if (view_eq(safe, buf_view(&t->line)) || (!is_final && now_mono_ms < t->next_plain_mono_ms))
        return;
    t->next_plain_mono_ms = now_mono_ms + PLAIN_EVERY_MS;
    buf_reset(&t->line);
    buf_put(&t->line, safe.at, safe.len);
    fprintf(stderr, "%s\n", buf_cstr(&t->line));
}

void ticker_show(struct ticker *t, struct view text, bool is_final)
{
    AUTO_BUF struct buf safe = BUF(LINE_BYTES_MAX);

    text_safe(text, &safe, NULL);
    if (!t->is_terminal) {
        show_plain(t, buf_view(&safe), is_final);
        return;
    }
    buf_reset(&t->line);
    /* One column less than there are: a full line would wrap and could not be taken back. */
    text_clip(buf_view(&safe), terminal_columns(STDERR_FILENO) - 1, &t->line);
    ticker_again(t);
}

void ticker_bar(uint64_t done, uint64_t whole, struct buf *out)
{
    uint64_t full = done >= whole ? BAR_COLUMNS : (uint64_t)((double)done / (double)whole * BAR_COLUMNS);

    buf_putc(out, '[');
    for (uint64_t i = 0; i < BAR_COLUMNS; i++)
        buf_putc(out, i < full ? '#' : '-');
    buf_putc(out, ']');
}
