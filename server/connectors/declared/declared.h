/* server/connectors/declared/declared.h: one declaration, for declare.c (where it comes from) and declared.c (what its
 * thread does). */
#ifndef CONNECTORS_DECLARED_DECLARED_H
#define CONNECTORS_DECLARED_DECLARED_H

#include "connectors/connectors_internal.h"

/* Where a secret lies. */
struct source {
    char *file;
    char *client_id, *key_id; /* of a service app, whose private key the file holds; NULL: it holds a credential */
};

struct declared {
    struct declared *next; /* of the set's list; under its lock */

    /* set before its thread starts, then read-only */
    struct connectors *set;
    char name[REGISTRY_NAME_MAX + 1];
    pthread_t thread;

    atomic_bool is_ended;

    /* under the set's lock */
    struct source source;
    struct okta_url url;
    struct configure_request settings; /* without views */
    bool look_now;
    bool is_changed;   /* since its thread last looked */
    bool is_withdrawn; /* declared no more */

    /* its thread */
    bool is_dormant;           /* withdrawn, and its poller has ended */
    struct secret_stamp tried; /* of the secret that was tried last */
    bool is_settled;           /* what was tried last is at work, or was refused for good */
    bool is_running;           /* a poller of ours runs */
    int64_t retry_after_ms, retry_mono_ms;
};

void source_free(struct source *s);
/* Appends the credential that its files make, as it is used; wipe it. */
MUST_CHECK bool source_credential(const struct source *s, struct buf *out, struct error *err);

/* Its thread. */
void *declared_thread(void *declared);
/* What the row of a connector without poller says. */
void declared_show(struct declared *d, const char *reason);

#endif
