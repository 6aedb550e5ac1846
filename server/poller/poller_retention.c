/* Retention: what is older than retention_days goes, and the oldest when the store is larger than it may be. A bit at a
 * time, since every commit holds up the page behind it. */
#include "base/log.h"
#include "poller/poller_internal.h"

#define PRUNE_MAX   5000 /* a commit of some 20 ms */
#define INTERVAL_MS MINUTE_MS

/* Age is told by Okta's clock alone: one of ours that jumps ahead must not empty the store. While the back-fill is on
 * its way down nothing goes for its age, since no history goes in below what was removed, and one event that Okta
 * delivered very late would be enough; what it waits for is bounded, as it does not go below that age either. */
static int64_t oldest_kept_ms(struct poller *p)
{
    if (!p->has_okta_time || backfill_is_running(p))
        return JOURNAL_NO_TIME;
    return poller_okta_ms(p) - p->settings.retention_days * DAY_MS;
}

/* False: nothing was removed, and nothing written. */
static bool prune(struct poller *p, struct journal_prune_result *result, struct error *err)
{
    struct store_txn *txn = NULL;
    bool ok = store_begin(p->store, &txn, err) && journal_prune(txn, oldest_kept_ms(p), PRUNE_MAX, result, err);

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
    if (!prune(p, &result, &err)) {
        log_warn("poller.retention", "org=%s error=%s", p->url.host, err.text);
        return;
    }
    if (result.removed >= PRUNE_MAX)
        p->retention_due_mono_ms = now;
    if (result.removed_by_size)
        backfill_limited_by_size(p);
}
