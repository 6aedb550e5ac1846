/* server/poller/poller.h: the thread of one connector: it asks Okta, turns pages into records, stores them, and wakes
 * the streams.
 *
 * The poller is the only writer of its store. Other threads reach it through the functions under "any thread" below. */
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
    /* Okta has refused the credential: asks for a newer one. Returns true, and appends it to out, when there is one
     * that differs from `used`. May be NULL. Called on the poller's thread; may read a file. */
    bool (*fresh_token)(void *ctx, struct view used, struct buf *out);
    void *ctx;
};

/* Makes a poller that does not run yet. `token` is copied. */
MUST_CHECK bool poller_create(struct poller **out, const struct poller_options *options, struct view token,
                              struct error *err);
void poller_destroy(struct poller *p); /* after poller_join, or if it was never started */

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
/* A new credential and new settings. They take effect at once, and every position is kept. */
struct poller_settings {
    uint32_t collections;
    int history_days, retention_days;
};
MUST_CHECK bool poller_reconfigure(struct poller *p, const struct okta_url *url, struct view token,
                                   const struct poller_settings *settings, struct error *err);

#endif
