/* server/poller/belief.h: when a refusal is believed.
 *
 * Okta has been seen to refuse a good token, or a permission that is there, now and then: while it moves an org, or has
 * trouble of its own. One endpoint may also refuse what another accepts. So one refusal proves nothing. Something
 * counts as refused after BELIEF_REFUSALS refusals over at least BELIEF_MS without an acceptance in between. A
 * credential (401) must have been refused by two endpoints, since a single endpoint that refuses is no dead token. A
 * permission (403) is checked at its own endpoint only: another endpoint says nothing about it. */
#ifndef BELIEF_H
#define BELIEF_H

#include <stdbool.h>
#include <stdint.h>

#define BELIEF_REFUSALS 3
#define BELIEF_MS       10000
#define BELIEF_AGAIN_MS 5000 /* until the next try, while in doubt: three tries take 10 s */

struct belief {
    int refusals;
    int64_t since_mono_ms; /* of the first */
    unsigned endpoints;    /* bit n: endpoint n refused */
};

/* After an acceptance, or when there is a new credential to try. */
void belief_forget(struct belief *b);

/* Counts a refusal by endpoint 0 to 31. True once it is believed: enough refusals, over enough time, by at least
 * `endpoints_needed` endpoints. */
bool belief_refused(struct belief *b, unsigned endpoint, int endpoints_needed, int64_t now_mono_ms);

#endif
