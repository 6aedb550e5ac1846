/* server/connectors/configure/configure.h: Configure: creates, changes or reconnects a connector. */
#ifndef CONNECTORS_CONFIGURE_H
#define CONNECTORS_CONFIGURE_H

#include "base/error.h"
#include "model/permission.h"
#include "registry/registry.h"

struct connectors;

#define CONFIGURE_WARNINGS_MAX 4
#define CONFIGURES_MAX         8 /* probing at once */

struct configure_request {
    struct view name, org;  /* org: none to keep */
    struct view credential; /* as credential.h has it; none to keep */
    bool has_credential;
    bool validate_only, allow_partial;
    bool is_declared;                     /* by flags or environment: the secret is in a file and is not stored */
    uint32_t collections;                 /* bit n: Collection n; 0: all, or as it was */
    int64_t history_days, retention_days; /* -1: default, or as it was */
    bool (*is_cancelled)(void *ctx);      /* whether the caller is gone: ends the probes, stores nothing. May be NULL.
                                             Any thread, with done's ctx, never after done */
};
struct configure_result {
    char name[REGISTRY_NAME_MAX + 1], org_id[REGISTRY_ORG_ID_MAX + 1], org_url[REGISTRY_URL_MAX + 1];
    struct permission permissions[PERMISSIONS_MAX];
    size_t permission_count;
    char warnings[CONFIGURE_WARNINGS_MAX][320];
    size_t warning_count;
    bool stored, created;
    int64_t okta_date_unix_s, date_seen_unix_ms; /* Okta's clock in an answer, and ours then; 0: it did not say */
};
/* Checks, then probes on a thread of its own, then stores and starts. The request is copied. `done` is called once,
 * from any thread (also from within): err is NULL on success. With a permission table that refuses, err is set and
 * result->permissions filled; with validate_only that table is the answer, and no error. */
typedef void configure_done(void *ctx, const struct configure_result *result, const struct error *err);
void connectors_configure(struct connectors *cs, const struct configure_request *request, configure_done *done,
                          void *ctx);

#endif
