/* Retention: removes events older than retention_days, and the oldest ones when the store is larger than it may be. It
 * removes a few thousand at a time, since every commit delays the page behind it. */
#include "base/log.h"
#include "poller/poller_internal.h"

#define PRUNE_MAX   5000 /* a commit of some 20 ms */
#define INTERVAL_MS MINUTE_MS

/* Age is measured by Okta's clock: our own could jump ahead and empty the store. While the history is being read
 * nothing is removed for its age: a removal raises the store's floor, and no history can be stored below the floor, so
 * that one old event that the tail delivers late would end the history. The wait is bounded, since the history does not
 * go below that age either. */
static int64_t retention_oldest_kept_ms(struct poller *p)
{
    if (!p->has_okta_time || history_is_running(p))
        return JOURNAL_NO_TIME;
    return poller_okta_ms(p) - p->settings.retention_days * DAY_MS;
}

/* False when the store failed: then nothing was removed. */
static bool retention_prune(struct poller *p, struct journal_prune_result *result, struct error *err)
{
    struct store_txn *txn = NULL;
    bool ok =
        store_begin(p->store, &txn, err) && journal_prune(txn, retention_oldest_kept_ms(p), PRUNE_MAX, result, err);

    if (ok && result->removed > 0)
        ok = poller_commit(p, &txn, err);
    store_abort(&txn);
    return ok;
}

void retention_step(struct poller *p)
{
    struct journal_prune_result result = { 0 };
    struct error err;
    int64_t now = poller_mono_ms(p);

    if (now < p->retention_due_mono_ms)
        return;
    p->retention_due_mono_ms = now + INTERVAL_MS;
    store_reap(p->store);
    if (!retention_prune(p, &result, &err)) {
        log_warn("poller.retention", "org=%s error=%s", p->url.host, err.text);
        return;
    }
    if (result.removed >= PRUNE_MAX)
        p->retention_due_mono_ms = now;
    if (result.removed_by_size)
        history_limited_by_size(p);
}
