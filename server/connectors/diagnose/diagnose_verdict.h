/* server/connectors/diagnose/diagnose_verdict.h: from a fact to a check: verdict, sentence, remedy. Pure functions;
 * diagnose.c gathers the facts. Each fills a check whose `connector` is already set. */
#ifndef CONNECTORS_DIAGNOSE_DIAGNOSE_VERDICT_H
#define CONNECTORS_DIAGNOSE_DIAGNOSE_VERDICT_H

#include "connectors/diagnose/diagnose.h"
#include "model/credential.h"
#include "model/permission.h"
#include "model/snapshot.h"
#include "okta/inspect.h"

struct disk_facts {
    uint64_t free_bytes, total_bytes, free_inodes,
        total_inodes; /* total_inodes 0: the file system does not count inodes */
    long type;        /* f_type of statfs */
    bool is_readonly, may_write;
};
void diagnose_disk(const struct disk_facts *f, const char *dir, struct check *out);

void diagnose_names(const struct inspect_names *n, const struct inspect_way *way, const char *host, struct check *out);
void diagnose_proxy(const struct inspect_way *way, const struct inspect_tls *tls, struct check *out);
void diagnose_tls(const struct inspect_tls *tls, int64_t now_unix_s, struct check *out);

/* `ahead_ms`: our clock less Okta's. */
void diagnose_clock(int64_t ahead_ms, bool is_service_app, struct check *out);

/* `mode`: of the file it comes from, or -1. */
void diagnose_credential(const struct credential_facts *c, const char *file, int mode, int64_t now_unix_ms,
                         struct check *out);
void diagnose_permission(const struct permission *p, struct check *out);
/* Whether a bucket has so little left that diagnosing must not spend any of it. */
bool diagnose_is_short(const struct poller_snapshot *s, struct view path);
void diagnose_limits(const struct poller_snapshot *s, int64_t now_unix_ms, struct check *out);
void diagnose_tail(const struct poller_snapshot *s, int64_t now_unix_ms, struct check *out);
void diagnose_store(const struct store_usage *u, const struct poller_snapshot *s, struct check *out);

/* Both cut texts that are too long. */
void check_set(struct check *out, const char *name, enum check_verdict verdict, const char *detail, ...) PRINTF(4, 5);
void check_remedy(struct check *out, const char *remedy, ...) PRINTF(2, 3);

#endif
