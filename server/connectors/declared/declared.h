/* server/connectors/declared/declared.h: one declaration, shared by declarations.c (the set of them) and
 * declared_thread.c (its thread). */
#ifndef CONNECTORS_DECLARED_DECLARED_H
#define CONNECTORS_DECLARED_DECLARED_H

#include "connectors/connectors_internal.h"

/* Where a secret is kept. */
struct source {
    char *file;
    char *client_id,
        *key_id; /* of a service app, whose private key is in the file; NULL: the file has a whole credential */
};

struct declared {
    struct declared *next; /* in the set's list, under the set's lock */

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
    bool is_changed;   /* since the thread last looked */
    bool is_withdrawn; /* the configuration does not declare it any more */

    /* its thread */
    bool is_dormant;           /* withdrawn, and its poller has ended */
    struct secret_stamp tried; /* the stamp of the secret that was tried last */
    bool is_settled;           /* that secret is in use, or was refused for good */
    bool is_running;           /* its connector has a running poller */
    int64_t retry_after_ms, retry_mono_ms;
};

void source_free(struct source *s);
/* Appends the credential from its files, in the form in which it is used. The caller wipes it. */
MUST_CHECK bool source_credential(const struct source *s, struct buf *out, struct error *err);

/* Its thread. */
void *declared_thread(void *declared);
/* Sets the reason that a connector without a poller shows. */
void declared_show(struct declared *d, const char *reason);

#endif
