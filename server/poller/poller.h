/* server/poller/poller.h: the thread of one connector: what to ask Okta next; page -> records -> store -> wake the
 * streams.
 *
 * It is the only writer of its store. Everybody else reaches it through poller_* below, from any thread. */
#ifndef POLLER_H
#define POLLER_H

#include "model/snapshot.h"
#include "store/store.h"

struct poller;

struct poller_options {
    struct store *store; /* borrowed until poller_destroy */
    struct okta_url url;
    const struct clock *clock;
    struct okta_transport *transport; /* borrowed; NULL: the network */
    uint32_t collections;             /* bit n: Collection n */
    int history_days, retention_days, share_percent;
    const char *user_agent;
    const char *proxy, *ca_file; /* as in okta_options; borrowed until poller_destroy */
    bool allow_private;          /* likewise */
    void (*changed)(void *ctx);  /* after a commit or a change of the snapshot; on the poller's thread */
    /* Okta refused the token: is there a newer one? True, with the token appended to out, when there is one that
     * differs from `used`. May be NULL. On the poller's thread; may read a file. */
    bool (*fresh_token)(void *ctx, struct view used, struct buf *out);
    void *ctx;
};

/* Nothing runs yet. `token` is copied. */
MUST_CHECK bool poller_create(struct poller **out, const struct poller_options *options, struct view token,
                              struct error *err);
void poller_destroy(struct poller *p); /* has been joined, or was never started */

void poller_start(struct poller *p); /* the thread */
void poller_stop(struct poller *p);  /* begins the end; returns at once */
void poller_join(struct poller *p);  /* at most some 2 s after poller_stop */

/* One turn of the thread's loop, for tests that drive time themselves instead of starting the thread: does what is due,
 * moves bytes for at most wait_ms, and returns the mono_ms at which it wants to be called again. */
int64_t poller_turn(struct poller *p, int64_t wait_ms);

/* ---- any thread ---- */
void poller_snapshot(struct poller *p, struct poller_snapshot *out);
/* As connector_poll_now. */
MUST_CHECK bool poller_poll_now(struct poller *p, uint64_t *tail_rounds, struct error *err);
/* Another share of Okta's buckets, 1 to 100 percent. */
void poller_set_share(struct poller *p, int share_percent);
/* A new token, and settings: takes effect at once, from the kept cursor. */
struct poller_settings {
    uint32_t collections;
    int history_days, retention_days;
};
MUST_CHECK bool poller_reconfigure(struct poller *p, const struct okta_url *url, struct view token,
                                   const struct poller_settings *settings, struct error *err);

#endif
