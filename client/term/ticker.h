/* client/term/ticker.h: one line that says how far things are.
 *
 * On a terminal it stays at the bottom and is rewritten in place: hide it before other lines are written, show it again
 * afterwards. Elsewhere it is a plain line now and then, when it has changed. Always on stderr. */
#ifndef CLIENT_TERM_TICKER_H
#define CLIENT_TERM_TICKER_H

#include "base/str.h"

struct ticker {
    bool is_terminal;
    bool is_shown;
    struct buf line; /* what is shown, or was last */
    int64_t next_plain_mono_ms;
};

void ticker_init(struct ticker *t);
void ticker_deinit(struct ticker *t); /* hides */

/* Text is made safe here. Off a terminal it is held back until enough time has passed, unless is_final. */
void ticker_show(struct ticker *t, struct view text, bool is_final);
void ticker_hide(struct ticker *t);
void ticker_again(struct ticker *t); /* shows what was hidden */

/* "[#####-----]", `done` of `whole` (> 0). */
void ticker_bar(uint64_t done, uint64_t whole, struct buf *out);

#endif
