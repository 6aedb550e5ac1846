#include "connectors/configure/probe.h"
#include "connectors/connectors_internal.h"

#include <stdio.h>
#include <string.h>

#define ADMINS    "Okta Admin Console > Security > Administrators"
#define APP_PAGE  "Okta Admin Console > Applications > the app > "
#define TRY_AGAIN "then configure again."

const struct collection *probe_subject(size_t index)
{
    const struct collection *c;

    for (size_t i = 0; (c = collection_at(i)) != NULL; i++)
        if (c->kind != COLLECTION_LOG && c->parent == 0 && index-- == 0)
            return c;
    return index == 0 ? collection_log() : NULL;
}

/* Only an admin who can do more than read may see the roles of others: a read-only admin gets 403 here. */
const char probe_overreach_path[] = "/api/v1/iam/assignees/users?limit=1";

/* ---- scopes ---- */

/* Takes the first scope off the list; empty at the end. */
static struct view probe_next_scope(struct view *rest)
{
    struct view scope;
    size_t len = 0;

    *rest = view_trim(*rest);
    while (len < rest->len && rest->at[len] != ' ')
        len++;
    scope = (struct view){ rest->at, len };
    rest->at += len;
    rest->len -= len;
    return scope;
}

bool probe_has_scope(const char *scopes, const char *scope)
{
    struct view rest = view_of(scopes);

    for (struct view one = probe_next_scope(&rest); one.len > 0; one = probe_next_scope(&rest))
        if (view_is(one, scope))
            return true;
    return false;
}

/* ---- the verdict on an answer ---- */

/* Looks at the text alone: one malformed element must not make the list unreadable. */
static enum permission_verdict probe_verdict_of_list(struct view body, const struct collection *c)
{
    struct view v = view_trim(body);

    if (v.len < 2 || v.at[0] != '[')
        return PERMISSION_NO_ANSWER;
    v = view_trim((struct view){ v.at + 1, v.len - 1 });
    return c->is_never_empty && view_is(v, "]") ? PERMISSION_SUSPICIOUSLY_EMPTY : PERMISSION_WORKS;
}

enum permission_verdict probe_verdict_of(const struct collection *c, const struct okta_answer *answer, struct view body,
                                         const struct okta_grants *grants)
{
    switch (answer->verdict) {
    case OKTA_DONE:
        return probe_verdict_of_list(body, c);
    case OKTA_CREDENTIAL_REFUSED:
        return PERMISSION_CREDENTIAL_REFUSED;
    case OKTA_FORBIDDEN:
        /* No role helps without the scope, so say that first. */
        return grants->is_known && !probe_has_scope(grants->granted, c->scope) ? PERMISSION_SCOPE_MISSING
                                                                               : PERMISSION_ROLE_MISSING;
    case OKTA_SCOPE_MISSING:
        return PERMISSION_SCOPE_MISSING;
    case OKTA_FEATURE_ABSENT:
        return PERMISSION_FEATURE_ABSENT;
    default:
        return PERMISSION_NO_ANSWER;
    }
}

/* ---- remedies ---- */

void probe_advise_no_answer(const struct okta_answer *answer, struct permission *row)
{
    const char *what = answer->message[0] != '\0' ? answer->message : "it makes no sense";

    if (answer->http_status == 0)
        snprintf(row->remedy, sizeof row->remedy, "No answer (%.200s): put that right, and try again.", what);
    else
        snprintf(row->remedy, sizeof row->remedy,
                 "No usable answer (%.160s): try again, and if it stays so, look at https://status.okta.com.", what);
}

static void probe_advise_refused(bool is_app, const struct okta_answer *answer, struct permission *row)
{
    if (is_app)
        snprintf(row->remedy, sizeof row->remedy,
                 "Okta refuses this service app (%.70s): check that the client id is of this org, that the app is "
                 "active, and that it has the public half of this key (" APP_PAGE "General > Client Credentials).",
                 answer->message);
    else
        snprintf(row->remedy, sizeof row->remedy,
                 "Okta refuses this token: revoked, mistyped, unused for 30 days, of another org, or bound to a "
                 "network zone without this host. Create a new one as a Read-only Administrator: Okta Admin Console > "
                 "Security > API > Tokens.");
}

static void probe_advise_role(const struct collection *c, bool is_app, struct permission *row)
{
    if (is_app)
        snprintf(row->remedy, sizeof row->remedy,
                 "The app may not %s: assign it the Read-only Administrator role (" APP_PAGE "Admin roles), " TRY_AGAIN,
                 c->action);
    else
        snprintf(row->remedy, sizeof row->remedy,
                 "The token's owner may not %s: give that admin the Read-only Administrator role (" ADMINS
                 "), " TRY_AGAIN,
                 c->action);
}

static void probe_advise_scope(const struct collection *c, const struct okta_answer *answer, struct permission *row)
{
    snprintf(row->missing_scope, sizeof row->missing_scope, "%s",
             answer->missing_scope[0] != '\0' ? answer->missing_scope : c->scope);
    snprintf(row->remedy, sizeof row->remedy,
             "The app lacks the scope %s: grant it (" APP_PAGE "Okta API Scopes), " TRY_AGAIN, row->missing_scope);
}

static void probe_advise_empty(bool is_app, struct permission *row)
{
    snprintf(row->remedy, sizeof row->remedy,
             "Okta answers that there is not one user, which cannot be: most likely the %s has no admin role. Give it "
             "the Read-only Administrator role (%s), " TRY_AGAIN,
             is_app ? "app" : "token's owner", is_app ? APP_PAGE "Admin roles" : ADMINS);
}

void probe_advise(const struct collection *c, enum credential_kind kind, const struct okta_answer *answer,
                  struct permission *row)
{
    bool is_app = kind == CREDENTIAL_SERVICE_APP;

    switch (row->verdict) {
    case PERMISSION_CREDENTIAL_REFUSED:
        probe_advise_refused(is_app, answer, row);
        break;
    case PERMISSION_ROLE_MISSING:
        probe_advise_role(c, is_app, row);
        break;
    case PERMISSION_SCOPE_MISSING:
        probe_advise_scope(c, answer, row);
        break;
    case PERMISSION_SUSPICIOUSLY_EMPTY:
        probe_advise_empty(is_app, row);
        break;
    case PERMISSION_FEATURE_ABSENT:
        snprintf(row->remedy, sizeof row->remedy,
                 "This org does not have this feature: configure without this collection.");
        break;
    case PERMISSION_NO_ANSWER:
        probe_advise_no_answer(answer, row);
        break;
    case PERMISSION_WORKS:
        break;
    }
}

/* ---- a credential that can do more than read ---- */

void probe_warn_of_scopes(const struct okta_grants *grants, struct configure_result *result)
{
    struct view rest = view_of(grants->granted);
    AUTO_BUF struct buf names = BUF(160);
    char sentence[sizeof result->warnings[0]];

    for (struct view one = probe_next_scope(&rest); one.len > 0; one = probe_next_scope(&rest))
        if (!view_ends(one, ".read")) {
            if (names.len > 0)
                buf_putc(&names, ' ');
            buf_put(&names, one.at, one.len);
        }
    if (names.len == 0)
        return;
    snprintf(sentence, sizeof sentence,
             "This app can do more than read (%s): take those scopes away (" APP_PAGE "Okta API Scopes).",
             buf_cstr(&names));
    configure_warn(result, sentence);
}

void probe_warn_of_role(struct configure_result *result)
{
    configure_warn(result, "This token belongs to an admin who can do more than read: use one of a Read-only "
                           "Administrator (" ADMINS ").");
}
