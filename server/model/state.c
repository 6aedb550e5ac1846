#include "model/state.h"

static const char *const states[] = {
    [CONNECTOR_STARTING] = "STARTING", [CONNECTOR_SYNCING] = "SYNCING",
    [CONNECTOR_LIVE] = "LIVE",         [CONNECTOR_DEGRADED] = "DEGRADED",
    [CONNECTOR_RETIRED] = "RETIRED",   [CONNECTOR_RECONNECT_REQUIRED] = "RECONNECT_REQUIRED",
};

static const struct {
    const char *name, *remedy;
} reasons[REASONS_END] = {
    [REASON_NONE] = { "NONE", "" },
    [REASON_NO_ANSWER_YET] = { "NO_ANSWER_YET", "" },
    [REASON_FIRST_SYNC] = { "FIRST_SYNC", "" },
    [REASON_TOKEN_REFUSED] = { "OKTA_TOKEN_REFUSED", "Look in Okta whether the credential is still active and its "
                                                     "network zone lets this host "
                                                     "in; else make a new one and configure the connector with it. It "
                                                     "goes on where it was." },
    [REASON_ENDPOINT_REFUSED] = { "OKTA_ENDPOINT_REFUSED",
                                  "Okta takes the credential elsewhere: it is tried again. If it stays so, give the "
                                  "request id in last_error to Okta's support." },
    [REASON_SCOPE_MISSING] = { "OKTA_SCOPE_MISSING", "Grant the OAuth app the scope that last_error names." },
    [REASON_ROLE_MISSING] = { "OKTA_ROLE_MISSING", "Give the credential's owner an admin role that may read this, such "
                                                   "as Read-only Administrator." },
    [REASON_FEATURE_ABSENT] = { "OKTA_FEATURE_ABSENT",
                                "Configure the connector without this collection: the org does not have it." },
    [REASON_UNREACHABLE] = { "OKTA_UNREACHABLE", "Look whether this host reaches the org: name resolution, proxy, "
                                                 "firewall, certificates. It is tried again by itself." },
    [REASON_SERVER_ERROR] = { "OKTA_SERVER_ERROR",
                              "Look at status.okta.com. It is tried again by itself, and nothing is lost meanwhile." },
    [REASON_RATE_LIMITED] = { "ORG_RATE_LIMITED",
                              "Look in Okta's rate limit dashboard for what else uses the limit up. "
                              "It is tried again by itself." },
    [REASON_ANSWER_UNUSABLE] = { "OKTA_ANSWER_UNUSABLE", "Look whether a proxy or login page stands between this host "
                                                         "and the org. It is tried again by itself." },
    [REASON_SUSPICIOUSLY_EMPTY] = { "SUSPICIOUSLY_EMPTY", "Give the credential's owner an admin role that may view all "
                                                          "users: none at all are listed." },
    [REASON_STORE_FULL] = { "STORE_FULL", "Make room on the disk of the data folder, or raise --store-max-bytes." },
    [REASON_STORE_FAILED] = { "STORE_FAILED", "Look at the disk of the data folder; last lines of the log say more." },
    [REASON_NOT_RUNNING] = { "NOT_RUNNING", "Put right what the sentence says; it is tried again, or configure the "
                                            "connector anew." },
    [REASON_NO_CREDENTIAL] = { "NO_CREDENTIAL", "Configure the connector with a credential." },
    [REASON_LOG_SILENT] = { "LOG_SILENT",
                            "Compare with the System Log in Okta's Admin Console: if it shows newer events "
                            "than last_published, tell Okta's support; else people just do not log in." },
    [REASON_RETIRED] = { "RETIRED", "Configure it again to collect." },
};

const char *state_name(enum connector_state state)
{
    return state >= CONNECTOR_STARTING && state <= CONNECTOR_RETIRED ? states[state] : "UNKNOWN";
}

static enum connector_reason state_known(enum connector_reason reason)
{
    return (int)reason >= 0 && reason < REASONS_END ? reason : REASON_NONE;
}

const char *reason_name(enum connector_reason reason)
{
    return reasons[state_known(reason)].name;
}

const char *reason_remedy(enum connector_reason reason)
{
    return reasons[state_known(reason)].remedy;
}
