/* server/poller/belief.h: when a refusal is believed.
 *
 * Okta has been seen to refuse a good token or a permission that is there, once and again, while it moves an org or has
 * trouble of its own; and one endpoint may refuse what another takes. So nothing is concluded from one refusal. What is
 * refused BELIEF_REFUSALS times, over at least BELIEF_MS, with nothing accepted in between, is believed. A credential
 * (401) must have been refused by two endpoints, since a single one that refuses is no dead token. A permission (403)
 * is asked for at its own endpoint: what another one says of it means nothing. */
#ifndef BELIEF_H
#define BELIEF_H

#include <stdbool.h>
#include <stdint.h>

#define BELIEF_REFUSALS 3
#define BELIEF_MS       10000
#define BELIEF_AGAIN_MS 5000 /* until the next try, while in doubt: three of them are 10 s */

struct belief {
    int refusals;
    int64_t since_mono_ms; /* of the first */
    unsigned endpoints;    /* bit n: endpoint n refused */
};

/* Something was accepted, or there is something new to try. */
void belief_forget(struct belief *b);

/* One more refusal, by endpoint 0 to 31. True when it is believed: `endpoints_needed` of them have refused. */
bool belief_refused(struct belief *b, unsigned endpoint, int endpoints_needed, int64_t now_mono_ms);

#endif
