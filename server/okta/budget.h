/* server/okta/budget.h: what is left to spend of one Okta rate-limit bucket.
 *
 * Okta counts requests in windows of a minute and reports the count in every reply. The tenant's other programs draw on
 * the same bucket. Two rules protect them: we never spend more than our share of a window, and never the last of it.
 * One rule alone would starve us beside a busy neighbour. A budget belongs to one thread; it reads no clock and
 * allocates nothing. Every wait is positive and at most BUDGET_WAIT_MAX_MS. */
#ifndef OKTA_BUDGET_H
#define OKTA_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#define BUDGET_LIMIT_MAX   1000000 /* no bucket of Okta's comes near; keeps the arithmetic in 32 bits */
#define BUDGET_WAIT_MAX_MS 120000  /* two windows: a reset further ahead is not believed */

struct budget {
    int32_t share_percent; /* of limit, that we may spend in a window; one request at least */
    int32_t floor_percent; /* of limit, that stays unspent by anybody */
    int32_t limit;         /* requests per window; 0 until Okta has told us */
    int32_t remaining;     /* of those, unspent as far as we know */
    int32_t spent;         /* by us, in this window */
    int32_t in_flight;     /* taken and not yet ended: Okta may count them in this window or in the next */
    int64_t reset_unix_s;  /* names the window by its end, on Okta's clock; 0 until Okta has named one */
    int64_t reset_mono_ms; /* the end of the window on our clock, or a little later */
    bool is_guessed;       /* the window began by our clock; no reply has named it yet */
};

/* One reply's headers. All >= 0: the header parser has refused anything else. */
struct budget_reading {
    int32_t limit, remaining;
    int64_t reset_unix_s, date_unix_s;
};

/* Why a request has to wait. */
enum budget_state {
    BUDGET_OPEN,
    BUDGET_PROBING,  /* the limit is unknown and one request is out to learn it */
    BUDGET_SPENT,    /* our share of this window is used up */
    BUDGET_RESERVED, /* what is left of our share is kept for others of ours */
    BUDGET_FLOOR,    /* others have used the bucket up to the part that stays free */
};

void budget_init(struct budget *b, int32_t share_percent, int32_t floor_percent);

/* Spends one request and returns 0; or spends nothing and returns the milliseconds (> 0) until asking again can help. A
 * reply may help sooner. `reserve` requests of our share are left for others of ours. What was taken is given back by
 * budget_end. */
int64_t budget_take(struct budget *b, int32_t reserve, int64_t now_mono_ms);

/* Why the last budget_take with that reserve did not succeed. */
enum budget_state budget_state(const struct budget *b, int32_t reserve);

/* Corrects the budget from a reply to a request that has been taken and not yet ended. A window already over teaches
 * nothing, nor does a reset that lies in the past or further ahead than two windows. */
void budget_learn(struct budget *b, const struct budget_reading *r, int64_t now_mono_ms);

/* A request that was taken is over, answered or not. */
void budget_end(struct budget *b);

/* Requests a window that are ours: a cautious guess until the limit is known. At least 1. */
int32_t budget_share(const struct budget *b);

/* The time between polls at which an idle poller uses half of our share: 5 s to 30 s. */
int64_t budget_idle_interval_ms(const struct budget *b);

/* Who is in no hurry spreads what is left of our share over what is left of the window, once less than half of it is:
 * how long to wait (0: ask now) when the last such request went out at last_mono_ms. Never beyond the window's end. */
int64_t budget_pace_ms(const struct budget *b, int32_t reserve, int64_t last_mono_ms, int64_t now_mono_ms);

/* How many requests that poller wants until the window ends: half of our share at most. In *less_in_ms, when it will
 * want one fewer (> 0). */
int32_t budget_idle_reserve(const struct budget *b, int64_t now_mono_ms, int64_t *less_in_ms);

#endif
