/* tests/world/orgs.h: some Okta orgs for a whole process under test: emulators behind okta.h that any number of
 * clients, each on its own thread, may ask at once. No socket, no wait: an answer is there when it is asked for. */
#ifndef WORLD_ORGS_H
#define WORLD_ORGS_H

#include "emulator/emulator.h"
#include "okta/okta.h"

#define ORGS_MAX  4
#define ORG_TOKEN "00orgsTokenNotReal0123456789abcdefghijklmn"

/* Each org has this service app too, which may read users and the log; its tokens are bound to a key. */
#define ORG_CLIENT_ID "0oaOrgsServiceApp0001"
#define ORG_KEY_ID    "orgs-1"
/* The app's private key, made for this run, and one that no org knows; PEM. */
const char *orgs_private_key(void);
const char *orgs_other_key(void);

struct orgs;

struct orgs *orgs_create(void);
void orgs_destroy(struct orgs *o); /* no client is left */

/* An org at http://127.0.0.1:PORT with that id, five users and no logins by itself. */
void orgs_add(struct orgs *o, unsigned port, const char *org_id);
/* The same org at another port as well. */
void orgs_alias(struct orgs *o, unsigned port, unsigned to);

/* One client's way there; ctx is the orgs. A URL that is no org's cannot be connected to. */
struct okta_transport *orgs_transport(void *orgs);

/* Changes and counts, whatever threads ask meanwhile. */
void orgs_revoke_token(struct orgs *o, unsigned port);
void orgs_set_token(struct orgs *o, unsigned port, const char *token);
void orgs_set_role(struct orgs *o, unsigned port, enum emulator_role role);
/* Of access tokens made from now on. */
void orgs_set_scopes(struct orgs *o, unsigned port, const char *scopes);
void orgs_fault(struct orgs *o, unsigned port, const char *prefix, uint32_t count, int status, const char *body);
void orgs_add_login(struct orgs *o, unsigned port);
uint64_t orgs_requests(struct orgs *o, unsigned port, const char *prefix);
/* While held, requests to that port get no answer. */
void orgs_hold(struct orgs *o, unsigned port, bool is_held);

#endif
