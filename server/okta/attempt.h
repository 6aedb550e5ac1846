/* server/okta/attempt.h: a request from okta_send until done, and lists of them. */
#ifndef OKTA_ATTEMPT_H
#define OKTA_ATTEMPT_H

#include "okta/okta.h"

#define ATTEMPT_HEADERS_MAX 7

/* Hangs at okta_request.exchange. */
struct attempt {
    struct okta_exchange x; /* owner is the request */
    const char *headers[ATTEMPT_HEADERS_MAX];
    char *authorization, *proof;                               /* lines, or NULL; wiped */
    char *body;                                                /* of a POST; wiped */
    char retry_for[24 + OKTA_REQUEST_ID_MAX], retry_count[40]; /* lines; "" the first time */
    size_t bucket;
    bool is_fresh;                    /* on a connection of its own: a kept one failed it before */
    uint64_t access;                  /* which credential it went out with */
    bool was_renewed, was_challenged; /* a new access token, a new proof, has been tried */
    int strays;                       /* tries with an access token that had been replaced */
    int64_t sent_mono_ms, received_mono_ms;
    bool is_refused; /* it is not sent at all */
    struct okta_answer refused;
};

struct attempt *attempt_create(void);
void attempt_destroy(struct attempt *a);

/* Makes the exchange ready for the transport, with the lines and the body that are there. */
void attempt_prepare(struct attempt *a, struct okta_request *r, const struct okta_url *url);

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
