#include "client/cmd/progress.h"

#include "client/cmd/collection.h"

#include "client/cli/cli.h"
#include "client/term/text.h"

unsigned progress_history_permille(const Okta__Connector__V1__HistoryStatus *h, int64_t now_unix_ms)
{
    int64_t reached_ms, target_ms;

    if (h == NULL || h->state != OKTA__CONNECTOR__V1__HISTORY_STATE__HISTORY_STATE_RUNNING)
        return 1000;
    reached_ms = cli_unix_ms(h->reached);
    target_ms = cli_unix_ms(h->target);
    if (reached_ms < 0 || target_ms < 0 || reached_ms >= now_unix_ms)
        return 0;
    if (reached_ms <= target_ms)
        return 999; /* all read, and not yet said to be complete */
    return (unsigned)((double)(now_unix_ms - reached_ms) / (double)(now_unix_ms - target_ms) * 999);
}

/* Each part counts alike: nobody knows beforehand how many users an org has. */
unsigned progress_permille(const struct progress *p)
{
    unsigned sum = p->is_at_head ? 1000 : 0, parts = 1;

    for (size_t i = 0; i < p->collection_count; i++) {
        if (collection_is_log(p->collections[i]->collection))
            continue;
        sum += p->collections[i]->complete ? 1000 : 0;
        parts++;
    }
    if (p->counts_history && p->history != NULL &&
        p->history->state != OKTA__CONNECTOR__V1__HISTORY_STATE__HISTORY_STATE_OFF) {
        sum += progress_history_permille(p->history, p->now_unix_ms);
        parts++;
    }
    return sum / parts;
}

static void collection_text(const Okta__Connector__V1__CollectionStatus *c, struct buf *out)
{
    char count[TEXT_SHORT_SIZE], word[COLLECTION_WORD_SIZE];

    text_count(!c->complete && c->listed > c->objects ? c->listed : c->objects, count);
    buf_printf(out, "%s %s%s", collection_word(c->collection, word), count,
               c->complete || collection_is_log(c->collection) ? "" : "…");
}

static void history_text(const struct progress *p, struct buf *out)
{
    char date[TEXT_SHORT_SIZE];

    if (p->history == NULL || p->history->state == OKTA__CONNECTOR__V1__HISTORY_STATE__HISTORY_STATE_OFF)
        return;
    if (p->history->state == OKTA__CONNECTOR__V1__HISTORY_STATE__HISTORY_STATE_COMPLETE) {
        buf_puts(out, " · history complete");
        return;
    }
    buf_printf(out, " · history %u %%", progress_history_permille(p->history, p->now_unix_ms) / 10);
    if (p->history->reached == NULL)
        return;
    text_date(cli_unix_ms(p->history->reached), date);
    buf_printf(out, " back to %s", date);
}

/* History is not waited for by everybody; then how long it takes is nobody's business. */
static void plan_text(const struct progress *p, struct buf *out)
{
    char span[TEXT_SHORT_SIZE];

    if (p->plan == NULL || p->plan->left == NULL || !p->counts_history)
        return;
    text_span(p->plan->left->seconds * 1000, span);
    buf_printf(out, " · about %s left", span);
}

void progress_text(const struct progress *p, struct buf *out)
{
    for (size_t i = 0; i < p->collection_count; i++) {
        collection_text(p->collections[i], out);
        buf_puts(out, " · ");
    }
    buf_puts(out, p->is_at_head ? "tail at the head" : "tail catching up");
    history_text(p, out);
    plan_text(p, out);
    if (p->wait_count > 0)
        buf_printf(out, " · %s waits: %s", p->waits[0]->what, p->waits[0]->reason);
}
