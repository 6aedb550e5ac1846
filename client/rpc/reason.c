#include "client/rpc/reason.h"

#include "base/error_reasons.h"

#include <string.h>

#define NEW_TOKEN                                                                                                      \
    "with a new token in FILE: okta-connector reconnect NAME --token-file FILE, or with a service app: --client-id "   \
    "ID "                                                                                                              \
    "--private-key-file FILE (for a new connector: configure)"

/* Of reasons whose exit code is not that of their status code, or where there is more to say than the server does: in
 * the words of this program. No advice: the text says it all. */
static const struct meaning {
    const char *reason;
    enum exit_code exit;
    const char *advice;
} meanings[] = {
    { "ADMIN_HOST", EXIT_USAGE, NULL },
    { "CERTIFICATE_NOT_LISTED", EXIT_DENIED,
      "have a name of your certificate added to the server's --tls-admin-san or --tls-reader-san" },
    { "COLLECTION_INVALID", EXIT_USAGE, NULL },
    { "CONNECTION_AGED", EXIT_UNREACHABLE, NULL },
    { "CONNECTOR_DECLARED", EXIT_FAILED, NULL },
    { "CONNECTOR_DELETED", EXIT_NOT_FOUND, NULL },
    { "CREDENTIAL_INVALID", EXIT_USAGE, NULL },
    { "HISTORY_DAYS_INVALID", EXIT_USAGE, NULL },
    { "HISTORY_GONE", EXIT_HISTORY,
      "start again with --from-beginning (everything that is still held) or with --last N; what was removed is gone" },
    { "HISTORY_INCOMPLETE", EXIT_HISTORY,
      "wait for it with: okta-connector sync NAME --history, or follow with --follow, which waits" },
    { "NAME_INVALID", EXIT_USAGE, NULL },
    { "NAME_REQUIRED", EXIT_USAGE, "name one; okta-connector status lists them" },
    { "NOT_AN_OKTA_ORG", EXIT_OKTA, "check the org's address in a browser" },
    { "NOT_READY", EXIT_UNREACHABLE, "okta-connector status says what it waits for" },
    { "NO_SUCH_CONNECTOR", EXIT_NOT_FOUND, "okta-connector status lists those that exist" },
    { "OKTA_PERMISSION_MISSING", EXIT_OKTA,
      "give the token's owner or the app what is missing, or take what works with --allow-partial" },
    { "OKTA_TOKEN_REFUSED", EXIT_OKTA, NEW_TOKEN },
    { "OKTA_UNREACHABLE", EXIT_OKTA, "check the server's way to Okta: name resolution, proxy, firewall" },
    { "ORG_ADDRESS_REFUSED", EXIT_OKTA, "check the org's spelling and this host's name resolution" },
    { "ORG_CONFIGURED", EXIT_FAILED, NULL },
    { "ORG_INVALID", EXIT_USAGE, NULL },
    { "ORG_MISMATCH", EXIT_FAILED, "choose another name for this org" },
    { "RESUME_TOKEN_INVALID", EXIT_USAGE, "take the whole token, as --show-token printed it" },
    { "RETENTION_DAYS_INVALID", EXIT_USAGE, NULL },
    { "RETIRED", EXIT_FAILED, "it is readable but no longer collects; configure it again to go on" },
    { "SHUTTING_DOWN", EXIT_UNREACHABLE, NULL },
    { "START_INVALID", EXIT_USAGE, NULL },
    { "STORE_REWOUND", EXIT_HISTORY,
      "the store is not the one that the token came from: start again with --from-beginning or --since" },
    { "TOKEN_INVALID", EXIT_USAGE, NULL },
    { "TOO_MANY_CONNECTORS", EXIT_FAILED, NULL },
    { "TOO_MANY_PROBES", EXIT_FAILED, NULL },
};

static const struct meaning *meaning_of(struct view reason)
{
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (view_is(reason, meanings[i].reason))
            return &meanings[i];
    return NULL;
}

const char *reason_known(struct view reason)
{
    for (size_t i = 0; i < error_meaning_count; i++)
        if (view_is(reason, error_meanings[i].reason))
            return error_meanings[i].reason;
    return NULL;
}

const char *reason_at(size_t i)
{
    return i < sizeof meanings / sizeof meanings[0] ? meanings[i].reason : NULL;
}

static enum exit_code code_exit(enum error_code code)
{
    switch (code) {
    case ERROR_OK:
        return EXIT_OK;
    case ERROR_INVALID_ARGUMENT:
        return EXIT_USAGE;
    case ERROR_NOT_FOUND:
        return EXIT_NOT_FOUND;
    case ERROR_UNAVAILABLE:
    case ERROR_DEADLINE_EXCEEDED:
        return EXIT_UNREACHABLE;
    case ERROR_OUT_OF_RANGE:
        return EXIT_HISTORY;
    case ERROR_PERMISSION_DENIED:
    case ERROR_UNAUTHENTICATED:
        return EXIT_DENIED;
    default:
        return EXIT_FAILED;
    }
}

enum exit_code reason_exit(const struct error *err)
{
    const struct meaning *m = meaning_of(view_of(err->reason));

    return m != NULL ? m->exit : code_exit(err->code);
}

/* What the server says is to be done, of a newer one maybe for a reason that is new; NULL for nothing. */
static const char *server_help(const struct error *err)
{
    for (unsigned i = 0; i < err->fact_count; i++)
        if (strcmp(err->facts[i].key, "help") == 0)
            return err->facts[i].value;
    return NULL;
}

const char *reason_advice(const struct error *err)
{
    const struct meaning *m = meaning_of(view_of(err->reason));

    if (m != NULL)
        return m->advice;
    switch (err->code) {
    case ERROR_INVALID_ARGUMENT:
        return NULL; /* what the server would say is in the words of the API, and has said it in the text */
    case ERROR_PERMISSION_DENIED:
        return "use the server's admin socket: --server unix:/run/okta-connector/admin.sock, as the server's user";
    case ERROR_DEADLINE_EXCEEDED:
        return "give it longer with --timeout, or look at: okta-connector doctor";
    case ERROR_UNIMPLEMENTED:
        return "client and server are of different versions: okta-connector version";
    default:
        return server_help(err);
    }
}

bool reason_is_passing(const struct error *err)
{
    const struct error_meaning *m = error_meaning(err->reason);

    if (m != NULL)
        return (m->retry_ms > 0 && strcmp(m->reason, "CONNECTOR_DELETED") != 0) || m->code == ERROR_DEADLINE_EXCEEDED;
    switch (err->code) {
    /* What gRPC and the proxies between make of a connection that breaks, and what we make of silence. */
    case ERROR_UNAVAILABLE:
    case ERROR_CANCELLED:
    case ERROR_UNKNOWN:
    case ERROR_INTERNAL:
    case ERROR_DEADLINE_EXCEEDED:
    case ERROR_RESOURCE_EXHAUSTED:
        return true;
    default:
        return false;
    }
}
