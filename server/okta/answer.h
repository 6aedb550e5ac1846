/* server/okta/answer.h: one exchange that is over -> what the asker is told, and how long to wait before asking again.
 *
 * Pure functions, but for struct backoff, which remembers how often in a row. */
#ifndef OKTA_ANSWER_H
#define OKTA_ANSWER_H

#include "okta/classify.h"
#include "okta/headers.h"

/* What one exchange said. Views borrow from it. */
struct answer {
    struct headers headers;
    struct okta_answer told; /* all but the times of sending and receiving, and of asking again */
    enum classify_wait wait;
    bool is_too_big;
};
void answer_read(const struct okta_exchange *x, const struct okta_url *org, struct view path, struct answer *out);

/* Requests of one kind that failed in a row. Zeroed to begin with. */
struct backoff {
    uint32_t failures;
    uint32_t too_big; /* of which the last so many were too much for Okta */
};

/* Counts the answer; turns the second that was too big in a row from RETRY into SMALLER. */
void backoff_count(struct backoff *b, struct answer *a);

/* How long to wait after an answer that says RETRY: > 0, bounded. `random` is any number. */
int64_t backoff_wait_ms(const struct backoff *b, const struct answer *a, int64_t cap_ms, uint64_t random);

#endif
