/* server/model/state.h: the states of a connector, and the reasons for them: the API's names, and what to do about
 * each. */
#ifndef MODEL_STATE_H
#define MODEL_STATE_H

/* Numbers are the API's (ConnectorState). */
enum connector_state {
    CONNECTOR_STARTING = 1,
    CONNECTOR_SYNCING,
    CONNECTOR_LIVE,
    CONNECTOR_DEGRADED,
    CONNECTOR_RECONNECT_REQUIRED,
    CONNECTOR_RETIRED,
};
enum connector_reason { /* numbers are the API's (Reason), which says what each means */
                        REASON_NONE,
                        REASON_NO_ANSWER_YET,
                        REASON_FIRST_SYNC,
                        REASON_TOKEN_REFUSED,
                        REASON_ENDPOINT_REFUSED,
                        REASON_SCOPE_MISSING,
                        REASON_ROLE_MISSING,
                        REASON_FEATURE_ABSENT,
                        REASON_UNREACHABLE,
                        REASON_SERVER_ERROR,
                        REASON_RATE_LIMITED,
                        REASON_ANSWER_UNUSABLE,
                        REASON_SUSPICIOUSLY_EMPTY,
                        REASON_STORE_FULL,
                        REASON_STORE_FAILED,
                        REASON_NOT_RUNNING,
                        REASON_NO_CREDENTIAL,
                        REASON_LOG_SILENT,
                        REASON_RETIRED,
                        REASONS_END,
};

const char *state_name(enum connector_state state);    /* "LIVE"; "UNKNOWN" for a value out of range */
const char *reason_name(enum connector_reason reason); /* "OKTA_TOKEN_REFUSED"; "NONE" for none */

/* A sentence; "" when there is nothing to do. */
const char *reason_remedy(enum connector_reason reason);

#endif
