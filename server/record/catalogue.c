/* The login catalogue. The comment of LoginKind in login.proto has the same table for readers, together with the types
 * that look alike but are left out, and why. A test compares the two. */
#include "record/catalogue.h"

#include "okta/connector/v1/login.pb-c.h"

#include <string.h>

#define KIND(name)   OKTA__CONNECTOR__V1__LOGIN_KIND__LOGIN_KIND_##name
#define RESULT(name) OKTA__CONNECTOR__V1__LOGIN_RESULT__LOGIN_RESULT_##name

/* Sorted by bytes, for the binary search. */
static const struct catalogue_entry entries[] = {
    { "app.generic.unauth_app_access_attempt", KIND(APP_SIGN_ON) },
    { "app.inbound_del_auth.login_success", KIND(AUTHENTICATION) },
    { "app.kerberos_rich_client.account_not_found", KIND(AUTHENTICATION) },
    { "app.kerberos_rich_client.instance_not_found", KIND(AUTHENTICATION) },
    { "app.kerberos_rich_client.multiple_accounts_found", KIND(AUTHENTICATION) },
    { "app.kerberos_rich_client.user_authentication_successful", KIND(AUTHENTICATION) },
    { "app.oauth2.as.authorize", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.as.authorize.code", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.as.authorize.implicit.access_token", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.as.authorize.implicit.id_token", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.as.authorize.scope_denied", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.as.consent.grant", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.as.evaluate.claim", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.as.interact.interaction_code", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.as.interact.interaction_handle", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.as.token.detect_reuse", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.as.token.grant", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.as.token.grant.access_token", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.as.token.grant.device_secret", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.as.token.grant.id_token", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.as.token.grant.interclient_token", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.as.token.grant.refresh_token", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.as.token.revoke", KIND(APP_SIGN_OFF) },
    { "app.oauth2.authorize", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.authorize.code", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.authorize.implicit.access_token", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.authorize.implicit.id_token", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.consent.grant", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.interact.interaction_code", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.interact.interaction_handle", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.invalid_client_credentials", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.signon", KIND(APP_SIGN_ON) },
    { "app.oauth2.token.detect_reuse", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.token.grant", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.token.grant.access_token", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.token.grant.id_jag", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.token.grant.id_token", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.token.grant.interclient_token", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.token.grant.oauth_sts", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.token.grant.refresh_token", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.token.grant.service_account", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.token.grant.vaulted_secret", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.token.oauth_sts.request_token", KIND(APP_AUTHORIZATION) },
    { "app.oauth2.token.revoke", KIND(APP_SIGN_OFF) },
    { "application.policy.sign_on.deny_access", KIND(POLICY_DECISION) },
    { "device.custom_push.send_notification", KIND(FACTOR) },
    { "device.desktop_mfa.device_logout.completed", KIND(SESSION_END) },
    { "device.password_sync.authentication", KIND(AUTHENTICATION) },
    { "device.platform_sso.authentication", KIND(AUTHENTICATION) },
    { "policy.auth_reevaluate.enforce", KIND(POLICY_DECISION) },
    { "policy.auth_reevaluate.fail", KIND(POLICY_DECISION) },
    { "policy.continuous_access.evaluate", KIND(POLICY_DECISION) },
    { "policy.evaluate_sign_on", KIND(POLICY_DECISION) },
    { "security.session.detect_client_roaming", KIND(SESSION_CHANGE) },
    { "system.email.challenge_factor_redeemed", KIND(FACTOR) },
    { "system.email.send_factor_verify_message", KIND(FACTOR) },
    { "system.iwa_agentless.auth", KIND(AUTHENTICATION) },
    { "system.iwa_agentless.auth_after_redirect", KIND(AUTHENTICATION) },
    { "system.iwa_agentless.redirect", KIND(AUTHENTICATION) },
    { "system.iwa_agentless.user.not_found", KIND(AUTHENTICATION) },
    { "system.ldapi.bind", KIND(AUTHENTICATION) },
    { "system.ldapi.unbind", KIND(SESSION_END) },
    { "system.push.send_factor_verify_push", KIND(FACTOR) },
    { "system.sms.send_factor_verify_message", KIND(FACTOR) },
    { "system.voice.send_mfa_challenge_call", KIND(FACTOR) },
    { "user.authentication.auth", KIND(AUTHENTICATION) },
    { "user.authentication.auth_identifier_not_in_policy", KIND(AUTHENTICATION) },
    { "user.authentication.auth_unconfigured_identifier", KIND(AUTHENTICATION) },
    { "user.authentication.auth_via_AD_agent", KIND(AUTHENTICATION) },
    { "user.authentication.auth_via_IDP", KIND(AUTHENTICATION) },
    { "user.authentication.auth_via_LDAP_agent", KIND(AUTHENTICATION) },
    { "user.authentication.auth_via_inbound_SAML", KIND(AUTHENTICATION) },
    { "user.authentication.auth_via_inbound_delauth", KIND(AUTHENTICATION) },
    { "user.authentication.auth_via_iwa", KIND(AUTHENTICATION) },
    { "user.authentication.auth_via_mfa", KIND(FACTOR) },
    { "user.authentication.auth_via_radius", KIND(AUTHENTICATION) },
    { "user.authentication.auth_via_richclient", KIND(AUTHENTICATION) },
    { "user.authentication.auth_via_social", KIND(AUTHENTICATION) },
    { "user.authentication.authenticate", KIND(AUTHENTICATION) },
    { "user.authentication.dsso_via_non_priority_source", KIND(AUTHENTICATION) },
    { "user.authentication.slo", KIND(APP_SIGN_OFF) },
    { "user.authentication.sso", KIND(APP_SIGN_ON) },
    { "user.authentication.universal_logout", KIND(APP_SIGN_OFF) },
    { "user.authentication.universal_logout.scheduled", KIND(APP_SIGN_OFF) },
    { "user.authentication.verify", KIND(FACTOR) },
    { "user.device_session.end", KIND(SESSION_END) },
    { "user.device_session.start", KIND(AUTHENTICATION) },
    { "user.mfa.attempt_bypass", KIND(FACTOR) },
    { "user.mfa.okta_verify", KIND(FACTOR) },
    { "user.mfa.okta_verify.deny_push", KIND(FACTOR) },
    { "user.mfa.okta_verify.deny_push_upgrade_needed", KIND(FACTOR) },
    { "user.session.access_admin_app", KIND(SESSION_CHANGE) },
    { "user.session.clear", KIND(SESSION_END) },
    { "user.session.context.change", KIND(SESSION_CHANGE) },
    { "user.session.end", KIND(SESSION_END) },
    { "user.session.expire", KIND(SESSION_END) },
    { "user.session.impersonation.end", KIND(IMPERSONATION) },
    { "user.session.impersonation.extend", KIND(IMPERSONATION) },
    { "user.session.impersonation.grant", KIND(IMPERSONATION) },
    { "user.session.impersonation.initiate", KIND(IMPERSONATION) },
    { "user.session.impersonation.revoke", KIND(IMPERSONATION) },
    { "user.session.start", KIND(SESSION_START) },
};

const struct catalogue_entry *catalogue_entries(size_t *count)
{
    *count = sizeof entries / sizeof entries[0];
    return entries;
}

/* As strcmp, of a view and a string. */
static int catalogue_compare(struct view a, const char *b)
{
    size_t len = strlen(b);
    size_t both = a.len < len ? a.len : len;
    int order = both > 0 ? memcmp(a.at, b, both) : 0;

    return order != 0 ? order : (a.len > len) - (a.len < len);
}

int catalogue_kind(struct view event_type)
{
    size_t low = 0, high = sizeof entries / sizeof entries[0];

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = catalogue_compare(event_type, entries[middle].event_type);

        if (order == 0)
            return entries[middle].kind;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    if (view_starts(event_type, "user.authentication."))
        return KIND(AUTHENTICATION);
    if (view_starts(event_type, "user.session."))
        return KIND(SESSION_CHANGE);
    return KIND(UNSPECIFIED);
}

int catalogue_result(struct view outcome_result)
{
    static const struct {
        const char *outcome;
        int result;
    } table[] = {
        { "SUCCESS", RESULT(SUCCESS) },   { "ALLOW", RESULT(SUCCESS) },        { "FAILURE", RESULT(FAILURE) },
        { "ABANDONED", RESULT(FAILURE) }, { "UNANSWERED", RESULT(FAILURE) },   { "RATE_LIMIT", RESULT(FAILURE) },
        { "DENY", RESULT(DENIED) },       { "CHALLENGE", RESULT(CHALLENGED) }, { "SKIPPED", RESULT(SKIPPED) },
        { "DEFERRED", RESULT(PENDING) },  { "SCHEDULED", RESULT(PENDING) },
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (view_is(outcome_result, table[i].outcome))
            return table[i].result;
    return RESULT(UNKNOWN);
}
