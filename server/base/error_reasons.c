#include "base/error_reasons.h"

#include <string.h>

#define SECOND 1000
#define MINUTE (60 * SECOND)

#define OKTA_TOKENS "https://developer.okta.com/docs/guides/create-an-api-token/main/"
#define OKTA_APPS   "https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/main/"
#define OKTA_ROLES  "https://help.okta.com/en-us/content/topics/security/administrators-admin-comparison.htm"
#define OKTA_DOMAIN "https://developer.okta.com/docs/guides/find-your-domain/main/"
#define OKTA_LIMITS "https://developer.okta.com/docs/reference/rate-limits/"

/* In the order of strcmp. Help is in the words of the API, which clients of all kinds speak. */
const struct error_meaning error_meanings[] = {
    { "ADMIN_HOST", ERROR_INVALID_ARGUMENT, .help = "Give the org's own host, without -admin.", .url = OKTA_DOMAIN },
    { "ADMIN_SOCKET_NEEDED", ERROR_PERMISSION_DENIED,
      .help = "Call it over the admin socket, as the server's own user or root." },
    { "ANSWER_TOO_LARGE", ERROR_RESOURCE_EXHAUSTED, .help = "Ask for less at a time, such as a smaller page_size.",
      .quota = "answer" },
    { "CALLER_GONE", ERROR_CANCELLED, .help = "Nothing: the caller left before the answer was there." },
    { "CERTIFICATE_NOT_LISTED", ERROR_PERMISSION_DENIED,
      .help = "Have one of your certificate's names (SANs) added to the server's list, or use another certificate." },
    { "COLLECTION_INVALID", ERROR_INVALID_ARGUMENT,
      .help = "Name collections that this server knows, or none for all." },
    { "CONFIGURE_TIMED_OUT", ERROR_DEADLINE_EXCEEDED,
      .help = "Look at Status whether it was done; if not, look at the server's way to Okta and configure again." },
    { "CONNECTION_AGED", ERROR_UNAVAILABLE,
      .help = "Connect again; a stream of logins goes on with the token in okta-resume-token.", .retry_ms = SECOND / 10,
      .spread_ms = 2 * SECOND },
    { "CONNECTOR_DECLARED", ERROR_FAILED_PRECONDITION,
      .help = "Put the new secret into the file that the declaration names; it is noticed within seconds." },
    { "CONNECTOR_DELETED", ERROR_UNAVAILABLE,
      .help = "Ask Status whether the connector is there again; if not, stop reading it.", .retry_ms = SECOND,
      .spread_ms = SECOND },
    { "CREDENTIAL_INVALID", ERROR_INVALID_ARGUMENT,
      .help = "Give the service app's client id, and its private key as PEM or JWK with the key's id.",
      .url = OKTA_APPS },
    { "DEADLINE_EXCEEDED", ERROR_DEADLINE_EXCEEDED,
      .help = "Ask with a later deadline; a stream without one goes on until it is ended." },
    { "DELETED_DATA_IN_USE", ERROR_UNAVAILABLE, .help = "Let its readers end, then delete it again.",
      .retry_ms = 5 * SECOND, .spread_ms = SECOND },
    { "FILTER_INVALID", ERROR_INVALID_ARGUMENT, .help = "Mend the filter that the field names, or leave it out." },
    { "HEALTH_UNKNOWN", ERROR_NOT_FOUND,
      .help = "Ask for \"\", a service's full name, \"upstream\" or \"upstream/NAME\" with a connector's name." },
    { "HISTORY_DAYS_INVALID", ERROR_INVALID_ARGUMENT,
      .help = "Choose 0 to 90 days of history, and not more than retention_days." },
    { "HISTORY_GONE", ERROR_OUT_OF_RANGE,
      .help = "Start again with from_beginning, since or last; what retention removed is gone." },
    { "HISTORY_INCOMPLETE", ERROR_FAILED_PRECONDITION,
      .help = "Run Sync with history first, follow (which waits), or start without require_complete_history." },
    { "INTERNAL_ERROR", ERROR_INTERNAL, .help = "Report it as a bug, with the server's log." },
    { "MAX_BATCH_INVALID", ERROR_INVALID_ARGUMENT, .help = "Choose a max_batch of at most 10000, or 0." },
    { "NAME_INVALID", ERROR_INVALID_ARGUMENT,
      .help = "Choose a name of 1 to 63 of a-z, 0-9 and \"-\" that begins with a letter or digit." },
    { "NAME_REQUIRED", ERROR_INVALID_ARGUMENT, .help = "Name the connector; Status lists them." },
    { "NOT_AN_OKTA_ORG", ERROR_FAILED_PRECONDITION,
      .help = "Give the address that people see when they sign in, and look for a proxy that answers in its place.",
      .url = OKTA_DOMAIN },
    { "NOT_COLLECTED_YET", ERROR_NOT_FOUND, .help = "Ask again when Status shows the collection as complete.",
      .retry_ms = 30 * SECOND, .spread_ms = 10 * SECOND },
    { "NOT_FOUND", ERROR_NOT_FOUND, .help = "Ask for something that is there; Status shows what is." },
    { "NOT_POSSIBLE_NOW", ERROR_FAILED_PRECONDITION, .help = "Put right what the text says, then ask again." },
    { "NOT_READY", ERROR_UNAVAILABLE, .help = "Wait until Okta has answered; Status says what is waited for.",
      .retry_ms = SECOND, .spread_ms = SECOND },
    { "NO_SUCH_CONNECTOR", ERROR_NOT_FOUND, .help = "Choose one of those that Status lists, or configure it." },
    { "NO_SUCH_USER", ERROR_NOT_FOUND,
      .help = "Look the user up by another id or login; deleted users are not shown." },
    { "OKTA_PERMISSION_MISSING", ERROR_FAILED_PRECONDITION,
      .help = "Give the token's owner the role, or the app the scope, that the text names; or configure with "
              "allow_partial.",
      .url = OKTA_ROLES },
    { "OKTA_TOKEN_REFUSED", ERROR_FAILED_PRECONDITION,
      .help = "Make a new credential in Okta and configure the connector with it.", .url = OKTA_TOKENS },
    { "OKTA_UNREACHABLE", ERROR_FAILED_PRECONDITION,
      .help = "Look at the server's way to Okta: name resolution, proxy, firewall, certificates." },
    { "ORG_ADDRESS_REFUSED", ERROR_FAILED_PRECONDITION,
      .help = "Mend the name resolution; or, when the org is at a private address, start the server with "
              "--allow-private-org." },
    { "ORG_CONFIGURED", ERROR_ALREADY_EXISTS, .help = "Use the connector that has the org, or delete that one first." },
    { "ORG_INVALID", ERROR_INVALID_ARGUMENT, .help = "Give the org as a subdomain, a host name or an https URL.",
      .url = OKTA_DOMAIN },
    { "ORG_MISMATCH", ERROR_FAILED_PRECONDITION,
      .help = "Choose another name for this org, or delete the connector first." },
    { "ORG_RATE_LIMITED", ERROR_RESOURCE_EXHAUSTED,
      .help = "Wait until the window is over; look which other program uses up the org's limit.", .url = OKTA_LIMITS,
      .retry_ms = MINUTE, .spread_ms = 5 * SECOND, .quota = "bucket" },
    { "PAGE_SIZE_INVALID", ERROR_INVALID_ARGUMENT, .help = "Choose a page_size of at most 1000, or 0." },
    { "PAGE_TOKEN_INVALID", ERROR_INVALID_ARGUMENT,
      .help = "Pass on next_page_token as it came, or begin without one." },
    { "PROGRESS_INTERVAL_INVALID", ERROR_INVALID_ARGUMENT, .help = "Choose between 1 s and 5 min, or leave it out." },
    { "REQUEST_INVALID", ERROR_INVALID_ARGUMENT,
      .help = "Send the message that the method takes; reflection describes it." },
    { "REQUEST_TOO_LARGE", ERROR_RESOURCE_EXHAUSTED, .help = "Send less: no request needs that much.",
      .quota = "request" },
    { "RESUME_TOKEN_INVALID", ERROR_INVALID_ARGUMENT, .help = "Pass on resume_token as it came, whole." },
    { "RETENTION_DAYS_INVALID", ERROR_INVALID_ARGUMENT, .help = "Choose 1 to 3650 days." },
    { "RETIRED", ERROR_FAILED_PRECONDITION, .help = "Configure the connector again, for the same org, to collect." },
    { "SEAL_KEY_MISSING", ERROR_FAILED_PRECONDITION,
      .help = "Put the seal key back where it was, or configure again." },
    { "SEAL_KEY_WRONG", ERROR_FAILED_PRECONDITION,
      .help = "Start the server with the seal key that the store was made with." },
    { "SECRET_FILE_UNREADABLE", ERROR_FAILED_PRECONDITION,
      .help = "Make the file a regular one that the server's user alone may read." },
    { "SHUTTING_DOWN", ERROR_UNAVAILABLE,
      .help = "Connect again after a moment; a stream goes on behind the token in okta-resume-token.",
      .retry_ms = SECOND / 2, .spread_ms = 2 * SECOND },
    { "START_INVALID", ERROR_INVALID_ARGUMENT,
      .help = "Choose one of the places to start at, with a value in its range." },
    { "STORE_DAMAGED", ERROR_DATA_LOSS,
      .help = "Restore the store from a backup, or delete the connector and configure it again." },
    { "STORE_FULL", ERROR_RESOURCE_EXHAUSTED,
      .help = "Make room on the disk of the data folder, or raise --store-max-bytes.", .retry_ms = MINUTE,
      .spread_ms = 5 * SECOND, .quota = "store" },
    { "STORE_REWOUND", ERROR_FAILED_PRECONDITION,
      .help = "Start again with from_beginning, since or last, and expect events that were seen before." },
    { "TOKEN_INVALID", ERROR_INVALID_ARGUMENT, .help = "Give the API token as Okta showed it, whole.",
      .url = OKTA_TOKENS },
    { "TOO_MANY_CHANGES", ERROR_RESOURCE_EXHAUSTED, .help = "Wait until the changes under way are done.",
      .retry_ms = SECOND, .spread_ms = SECOND, .quota = "changes" },
    { "TOO_MANY_CONNECTORS", ERROR_RESOURCE_EXHAUSTED, .help = "Delete a connector first.", .quota = "connectors" },
    { "TOO_MANY_PROBES", ERROR_RESOURCE_EXHAUSTED, .help = "Wait until one that is under way is done.",
      .retry_ms = 10 * SECOND, .spread_ms = 5 * SECOND, .quota = "probes" },
    { "UNAVAILABLE_NOW", ERROR_UNAVAILABLE, .help = "Ask again after a moment.", .retry_ms = SECOND,
      .spread_ms = SECOND },
    { "UNKNOWN_METHOD", ERROR_UNIMPLEMENTED,
      .help = "Call one of the methods that reflection lists; client and server may be of different versions." },
    { "UNTIL_INVALID", ERROR_INVALID_ARGUMENT, .help = "Choose a time after since, without follow, or leave it out." },
    { "USER_INVALID", ERROR_INVALID_ARGUMENT, .help = "Name a user by id or by login." },
};

const size_t error_meaning_count = sizeof error_meanings / sizeof error_meanings[0];

const struct error_meaning *error_meaning(const char *reason)
{
    if (reason == NULL)
        return NULL;
    for (size_t i = 0; i < error_meaning_count; i++)
        if (strcmp(error_meanings[i].reason, reason) == 0)
            return &error_meanings[i];
    return NULL;
}

/* Of an error whose maker knew no more than the code: mostly the store's, and what no caller can do anything about. */
static const char *reason_of_code(enum error_code code)
{
    switch (code) {
    case ERROR_CANCELLED:
        return "CALLER_GONE";
    case ERROR_INVALID_ARGUMENT:
        return "REQUEST_INVALID";
    case ERROR_DEADLINE_EXCEEDED:
        return "DEADLINE_EXCEEDED";
    case ERROR_NOT_FOUND:
        return "NOT_FOUND";
    case ERROR_RESOURCE_EXHAUSTED:
        return "TOO_MANY_CHANGES";
    case ERROR_FAILED_PRECONDITION:
        return "NOT_POSSIBLE_NOW";
    case ERROR_UNIMPLEMENTED:
        return "UNKNOWN_METHOD";
    case ERROR_UNAVAILABLE:
        return "UNAVAILABLE_NOW";
    case ERROR_DATA_LOSS:
        return "STORE_DAMAGED";
    default:
        return "INTERNAL_ERROR";
    }
}

const struct error_meaning *error_meaning_of(const struct error *err)
{
    const struct error_meaning *m = error_meaning(err->reason);

    return m != NULL ? m : error_meaning(reason_of_code(err->code));
}
