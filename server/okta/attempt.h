/* server/okta/attempt.h: a request from okta_send until done, and lists of them. */
#ifndef OKTA_ATTEMPT_H
#define OKTA_ATTEMPT_H

#include "okta/okta.h"

#define ATTEMPT_HEADERS_MAX 4

/* Hangs at okta_request.exchange. */
struct attempt {
    struct okta_exchange x; /* owner is the request */
    const char *headers[ATTEMPT_HEADERS_MAX];
    char *authorization; /* wiped */
    size_t bucket;
    bool is_fresh; /* on a connection of its own: a kept one failed it before */
    int64_t sent_mono_ms, received_mono_ms;
    const char *refusal; /* why it is not sent at all; NULL */
    enum okta_verdict refused_as;
};

struct attempt *attempt_create(void);
void attempt_destroy(struct attempt *a);

/* Makes the exchange ready for the transport. `token` is NULL for an anonymous request. */
void attempt_prepare(struct attempt *a, struct okta_request *r, const struct okta_url *url, const char *token);

/* Forgets the exchange; the attempt can be prepared again. */
void attempt_clear(struct attempt *a);

/* Overwrites a secret and frees it; NULL does nothing. */
void attempt_wipe(char *secret);

/* Linked by okta_request.next. A request is in one list at most. */
struct attempt_list {
    struct okta_request *first;
};
void attempt_append(struct attempt_list *l, struct okta_request *r);
void attempt_prepend(struct attempt_list *l, struct okta_request *r);
void attempt_remove(struct attempt_list *l, const struct okta_request *r); /* is in it */
struct okta_request *attempt_take(struct okta_request **at);               /* the one that *at points to */
void attempt_move(struct attempt_list *to, struct attempt_list *from);     /* all, to the end */

#endif
