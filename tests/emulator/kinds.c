/* The types are those of https://developer.okta.com/docs/reference/api/event-types/, but for one that Okta does not
 * have: an org may send types that are newer than whoever reads them. */
#include "kinds.h"

const struct kind kinds[] = {
    /* clang-format off: a table */
    /* logins */
    { "user.session.start", 220, true, OUTCOME_SESSION, TARGET_SESSION, "INFO", "User login to Okta",
      "core.user_auth.login_success" },
    { "user.authentication.sso", 340, true, OUTCOME_MOSTLY, TARGET_SSO, "INFO", "User single sign on to app",
      "app.auth.sso" },
    { "user.authentication.auth_via_mfa", 140, true, OUTCOME_MOSTLY, TARGET_FACTOR, "INFO",
      "Authentication of user via MFA", "core.user.factor.attempt_success" },
    { "user.authentication.verify", 40, true, OUTCOME_MOSTLY, TARGET_VERIFY, "INFO", "Verify user identity", NULL },
    { "policy.evaluate_sign_on", 120, true, OUTCOME_POLICY, TARGET_POLICY, "INFO", "Evaluation of sign-on policy",
      NULL },
    { "user.session.end", 50, true, OUTCOME_SUCCESS, TARGET_NONE, "INFO", "User logout from Okta",
      "core.user_auth.logout_success" },
    { "app.oauth2.token.grant.access_token", 30, true, OUTCOME_SUCCESS, TARGET_ACCESS_TOKEN, "INFO",
      "OIDC access token is granted", NULL },
    { "app.oauth2.token.grant.id_token", 20, true, OUTCOME_SUCCESS, TARGET_ID_TOKEN, "INFO", "OIDC id token is granted",
      NULL },
    { "user.authentication.slo", 10, true, OUTCOME_SUCCESS, TARGET_SSO, "INFO", "User single sign out from app", NULL },
    { "user.session.access_admin_app", 10, true, OUTCOME_SUCCESS, TARGET_APP, "INFO", "User accessing Okta admin app",
      "app.admin.sso.login.success" },
    { "user.authentication.auth_via_AD_agent", 10, true, OUTCOME_MOSTLY, TARGET_USER, "INFO",
      "Authenticate user with AD agent", "app.ad.login.success" },
    { "user.authentication.auth_via_hologram", 3, true, OUTCOME_SUCCESS, TARGET_USER, "INFO",
      "Authentication of user via hologram", NULL },
    /* others */
    { "group.user_membership.add", 30, false, OUTCOME_SUCCESS, TARGET_GROUP_MEMBER, "INFO",
      "Add user to group membership", "core.user_group_member.user_add" },
    { "group.user_membership.remove", 15, false, OUTCOME_SUCCESS, TARGET_GROUP_MEMBER, "INFO",
      "Remove user from group membership", "core.user_group_member.user_remove" },
    { "application.user_membership.add", 30, false, OUTCOME_SUCCESS, TARGET_APP_MEMBER, "INFO",
      "Add user to application membership", "app.generic.provision.assign_user_to_app" },
    { "application.user_membership.remove", 10, false, OUTCOME_SUCCESS, TARGET_APP_MEMBER, "INFO",
      "Remove user's application membership", "app.generic.provision.deactivate_user_from_app" },
    { "user.account.update_profile", 25, false, OUTCOME_SUCCESS, TARGET_USER, "INFO", "Update user profile for Okta",
      "core.user.config.profile.update" },
    { "user.account.update_password", 15, false, OUTCOME_SUCCESS, TARGET_USER, "INFO", "User update password for Okta",
      "core.user.config.password_update.success" },
    { "user.lifecycle.create", 8, false, OUTCOME_SUCCESS, TARGET_USER, "INFO", "Create Okta user",
      "core.user.config.user_creation.success" },
    { "user.lifecycle.activate", 8, false, OUTCOME_SUCCESS, TARGET_USER, "INFO", "Activate Okta user",
      "core.user.config.user_activated" },
    { "user.lifecycle.suspend", 3, false, OUTCOME_SUCCESS, TARGET_USER, "INFO", "Suspend Okta user",
      "core.user.config.user_status.suspended" },
    { "user.lifecycle.deactivate", 4, false, OUTCOME_SUCCESS, TARGET_USER, "INFO", "Deactivate Okta user",
      "core.user.config.user_deactivated" },
    { "application.lifecycle.update", 4, false, OUTCOME_SUCCESS, TARGET_APP, "INFO", "Update application",
      "app.generic.config.app_updated" },
    { "policy.lifecycle.update", 2, false, OUTCOME_SUCCESS, TARGET_POLICY, "INFO", "Update policy", NULL },
    { "system.email.new_device_notification.sent_message", 6, false, OUTCOME_SUCCESS, TARGET_USER, "INFO",
      "Send new device notification email", NULL },
    /* clang-format on */
};
const size_t kinds_count = sizeof kinds / sizeof kinds[0];

/* A name that ends in a star is the beginning of many. */
static const char *const login_types[] = {
    "user.session.*",
    "user.authentication.*",
    "user.device_session.*",
    "policy.evaluate_sign_on",
    "policy.auth_reevaluate.enforce",
    "policy.auth_reevaluate.fail",
    "security.session.detect_client_roaming",
    "system.push.send_factor_verify_push",
    "user.mfa.attempt_bypass",
    "user.mfa.okta_verify",
    "user.mfa.okta_verify.*",
    "app.generic.unauth_app_access_attempt",
    "app.oauth2.signon",
    "app.oauth2.authorize",
    "app.oauth2.authorize.*",
    "app.oauth2.as.authorize",
    "app.oauth2.as.authorize.*",
    "app.oauth2.consent.grant",
    "app.oauth2.as.consent.grant",
    "app.oauth2.token.grant",
    "app.oauth2.token.grant.*",
    "app.oauth2.as.token.grant",
    "app.oauth2.as.token.grant.*",
    "app.oauth2.token.revoke",
    "app.oauth2.as.token.revoke",
};

bool kinds_is_login(struct view event_type)
{
    for (size_t i = 0; i < sizeof login_types / sizeof login_types[0]; i++) {
        struct view type = view_of(login_types[i]);

        if (view_eq(event_type, type))
            return true;
        if (type.at[type.len - 1] == '*' && event_type.len >= type.len - 1 &&
            view_eq((struct view){ event_type.at, type.len - 1 }, (struct view){ type.at, type.len - 1 }))
            return true;
    }
    return false;
}
