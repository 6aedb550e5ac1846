/* server/connectors/reason.h: why a connector is in its state: the API's name for it, and what to do about it. */
#ifndef REASON_H
#define REASON_H

#include "connectors/connectors.h"

const char *state_name(enum connector_state state);    /* "LIVE"; "UNKNOWN" for what is none */
const char *reason_name(enum connector_reason reason); /* "OKTA_TOKEN_REFUSED"; "NONE" for none */

/* A sentence; "" where nothing has to be done. */
const char *reason_remedy(enum connector_reason reason);

#endif
