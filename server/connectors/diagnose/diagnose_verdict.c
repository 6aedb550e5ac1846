#include "connectors/diagnose/diagnose_verdict.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

#define DISK_FAIL_BYTES  (64 * MIB) /* a full log page, its indexes and a commit, with room */
#define DISK_WARN_BYTES  GIB
#define INODES_FAIL      16
#define INODES_WARN      1024
#define NAMES_SLOW_MS    1000
#define CERTIFICATE_DAYS 14 /* a web site's certificate is renewed before that */
#define CLOCK_WARN_MS    INT64_C(60000)
#define CLOCK_FAIL_MS    INT64_C(300000) /* Okta refuses an assertion whose clock is further off */
#define TAIL_WARN_MS     INT64_C(60000)
#define TAIL_FAIL_MS     INT64_C(300000)
#define WAIT_WARN_MS     INT64_C(120000)
#define STORE_WARN       80 /* percent: where the history stops */
#define STORE_FAIL       99
#define TOKEN_OLD_DAYS   365
#define SHORT_PERCENT    10 /* percent of a limit: the rest is for other programs */
#define DAY_MS           INT64_C(86400000)

void check_set(struct check *out, const char *name, enum check_verdict verdict, const char *detail, ...)
{
    va_list args;

    snprintf(out->name, sizeof out->name, "%s", name);
    out->verdict = verdict;
    out->remedy[0] = '\0';
    va_start(args, detail);
    vsnprintf(out->detail, sizeof out->detail, detail, args);
    va_end(args);
}

void check_remedy(struct check *out, const char *remedy, ...)
{
    va_list args;

    va_start(args, remedy);
    vsnprintf(out->remedy, sizeof out->remedy, remedy, args);
    va_end(args);
}

/* ---- disk ---- */

static const struct file_system {
    long type;
    const char *name;
    const char *trouble; /* NULL: it is fine */
} file_systems[] = {
    { 0x6969, "NFS", "LMDB needs a local disk" },
    { 0x517b, "SMB", "LMDB needs a local disk" },
    { 0xff534d42, "CIFS", "LMDB needs a local disk" },
    { 0xfe534d42, "SMB2", "LMDB needs a local disk" },
    { 0x01021997, "9P", "LMDB needs a local disk" },
    { 0x00c36400, "Ceph", "LMDB needs a local disk" },
    { 0x5346414f, "AFS", "LMDB needs a local disk" },
    { 0x65735546, "FUSE", "LMDB needs a local disk, and it may be none" },
    { 0x01021994, "tmpfs", "it is memory, and gone after a restart" },
    { 0xef53, "ext4", NULL },
    { 0x58465342, "XFS", NULL },
    { 0x9123683e, "Btrfs", NULL },
    { 0x794c7630, "overlay", NULL },
};

static const struct file_system *find_file_system(long type)
{
    for (size_t i = 0; i < sizeof file_systems / sizeof file_systems[0]; i++)
        if ((file_systems[i].type & 0xffffffffL) == (type & 0xffffffffL))
            return &file_systems[i];
    return NULL;
}

static bool is_disk_full(const struct disk_facts *f)
{
    return f->free_bytes < DISK_FAIL_BYTES || (f->total_inodes > 0 && f->free_inodes < INODES_FAIL);
}

static bool is_disk_low(const struct disk_facts *f)
{
    return f->free_bytes < DISK_WARN_BYTES || (f->total_inodes > 0 && f->free_inodes < INODES_WARN);
}

void diagnose_disk(const struct disk_facts *f, const char *dir, struct check *out)
{
    const struct file_system *fs = find_file_system(f->type);
    const char *trouble = fs != NULL ? fs->trouble : NULL;
    bool is_stuck = f->is_readonly || !f->may_write;
    enum check_verdict verdict = is_stuck || is_disk_full(f)         ? CHECK_FAIL
                                 : is_disk_low(f) || trouble != NULL ? CHECK_WARN
                                                                     : CHECK_OK;

    check_set(out, "disk", verdict, "%s: %" PRIu64 " MiB of %" PRIu64 " MiB free, %" PRIu64 " inodes free, %s%s%s%s",
              dir, f->free_bytes / MIB, f->total_bytes / MIB, f->free_inodes,
              fs != NULL ? fs->name : "a file system that is not known here", trouble != NULL ? ": " : "",
              trouble != NULL ? trouble : "",
              f->is_readonly  ? ", mounted read-only"
              : !f->may_write ? ", not writable for this user"
                              : "");
    if (f->is_readonly)
        check_remedy(out,
                     "look for disk errors in the kernel's log, then mount it read-write; what was stored is whole");
    else if (!f->may_write)
        check_remedy(out, "give %s to the server's user: chown -R", dir);
    else if (is_disk_low(f))
        check_remedy(out, "make room on that file system, or move the data folder (--data-dir), or lower "
                          "--store-max-bytes and --retention-days");
    else if (trouble != NULL)
        check_remedy(out, "put the data folder (--data-dir) on a local disk such as ext4 or XFS");
}

/* ---- the way to the org ---- */

void diagnose_names(const struct inspect_names *n, const struct inspect_way *way, const char *host, struct check *out)
{
    if (way->proxy[0] != '\0' && !n->is_found) {
        check_set(out, "dns", CHECK_SKIPPED, "%s is not known here (%s); the proxy resolves it", host, n->failure);
        return;
    }
    if (n->timed_out) {
        check_set(out, "dns", CHECK_FAIL, "%s: the resolver gives %s", host, n->failure);
        check_remedy(out,
                     "check the name servers in /etc/resolv.conf of the server's host or pod, and that UDP and TCP "
                     "port 53 to them is open");
    } else if (!n->is_found) {
        check_set(out, "dns", CHECK_FAIL, "%s: %s", host, n->failure);
        check_remedy(out,
                     "check the org's spelling (status shows it), and that this host resolves names of the internet");
    } else if (n->refused[0] != '\0' && way->proxy[0] == '\0') {
        check_set(out, "dns", CHECK_FAIL, "%s leads to %s: %s", host, n->addresses, n->refused);
        check_remedy(out, "find out who answers for that name; where the org really is inside, start the server with "
                          "--allow-private-org");
    } else {
        check_set(out, "dns", n->took_ms > NAMES_SLOW_MS ? CHECK_WARN : CHECK_OK, "%s is %s, in %lld ms", host,
                  n->addresses, (long long)n->took_ms);
        if (n->took_ms > NAMES_SLOW_MS)
            check_remedy(out,
                         "one of the name servers in /etc/resolv.conf may be dead: the next is asked after a while");
    }
}

void diagnose_proxy(const struct inspect_way *way, const struct inspect_tls *tls, struct check *out)
{
    const char *from =
        way->from == INSPECT_CONFIGURED ? "the configuration (--proxy)" : "the environment (HTTPS_PROXY)";

    if (way->proxy[0] == '\0') {
        check_set(out, "proxy", CHECK_OK, "%s",
                  way->from == INSPECT_EXCEPTED ? "none is used: NO_PROXY names the org"
                                                : "none is used, nor asked for");
        return;
    }
    check_set(out, "proxy", tls->is_proxy_failure ? CHECK_FAIL : CHECK_OK, "%s, %s, from %s%s%.160s", way->proxy,
              way->has_user ? "with a password" : "without a password", from, tls->is_proxy_failure ? ": " : "",
              tls->is_proxy_failure ? tls->failure : "");
    if (tls->is_proxy_failure)
        check_remedy(out,
                     "check its address and that it runs, and that it lets this host CONNECT to the org's port 443; "
                     "NO_PROXY goes round it");
}

static void certificate_of(const struct inspect_tls *tls, int64_t now_unix_s, struct check *out)
{
    int64_t days = (tls->expires_unix_s - now_unix_s) / 86400;
    bool is_soon = tls->expires_unix_s > 0 && days < CERTIFICATE_DAYS;

    check_set(out, "tls", is_soon ? CHECK_WARN : CHECK_OK,
              "connected in %lld ms; the certificate is by %s, good for %lld days; trusted are %s",
              (long long)tls->took_ms, tls->issuer[0] != '\0' ? tls->issuer : "an unknown issuer", (long long)days,
              tls->ca);
    if (is_soon)
        check_remedy(out,
                     "Okta renews its certificates by itself; for an address of your own, or a proxy that looks into "
                     "TLS, ask who runs it");
}

void diagnose_tls(const struct inspect_tls *tls, int64_t now_unix_s, struct check *out)
{
    if (tls->is_proxy_failure) {
        check_set(out, "tls", CHECK_SKIPPED, "the proxy does not let us through");
    } else if (tls->is_connected && tls->is_plain) {
        check_set(out, "tls", CHECK_SKIPPED, "the org's address is plain http, as only an emulator's is");
    } else if (tls->is_connected) {
        certificate_of(tls, now_unix_s, out);
    } else {
        check_set(out, "tls", CHECK_FAIL, "%s; trusted are %s", tls->failure, tls->ca);
        if (tls->is_certificate)
            check_remedy(
                out, "a proxy that looks into TLS answers with a certificate of its own: give its CA with --ca-file; "
                     "an expired one, or a clock that is wrong, needs mending where it is");
        else
            check_remedy(out, "check that this host may connect to the org's port 443 (firewall, network policy), or "
                              "needs a proxy (--proxy)");
    }
}

void diagnose_clock(int64_t ahead_ms, bool is_service_app, struct check *out)
{
    int64_t off_ms = ahead_ms < 0 ? -ahead_ms : ahead_ms;
    enum check_verdict verdict = off_ms > CLOCK_FAIL_MS ? CHECK_FAIL : off_ms > CLOCK_WARN_MS ? CHECK_WARN : CHECK_OK;

    check_set(out, "clock", verdict, "this host's clock is %lld s %s Okta's", (long long)(off_ms / 1000),
              ahead_ms < 0 ? "behind" : "ahead of");
    if (verdict != CHECK_OK)
        check_remedy(out, "set the host's clock (timedatectl set-ntp true); %s",
                     is_service_app
                         ? "a service app's assertions are dated by Okta's clock once it has answered, and are "
                           "refused until then; ages in Status, and certificates, follow the host's"
                         : "ages in Status and alerts, and the verdict on certificates, are wrong until then");
}

/* ---- credential and permissions ---- */

void diagnose_credential(const struct credential_facts *c, const char *file, int mode, int64_t now_unix_ms,
                         struct check *out)
{
    const char *kind = c->kind == CREDENTIAL_SERVICE_APP ? "a service app" : "an API token";
    long long days = c->set_unix_ms > 0 ? (now_unix_ms - c->set_unix_ms) / DAY_MS : 0;

    if (c->kind == CREDENTIAL_NONE) {
        check_set(out, "credential", CHECK_FAIL, "there is none%s%s",
                  file[0] != '\0' ? " in use; it should be in " : "", file);
        check_remedy(out, "%s",
                     file[0] != '\0' ? "put the credential into that file, alone; the log says what is wrong with it"
                                     : "okta-connector reconnect NAME --token-file FILE");
        return;
    }
    check_set(out, "credential", CHECK_OK, "%s with fingerprint %s, set %lld days ago, %s%s", kind, c->fingerprint,
              days, file[0] != '\0' ? "from " : "sealed in the data folder", file);
    if (mode >= 0 && (mode & 077) != 0) {
        out->verdict = CHECK_WARN;
        check_remedy(out, "others can read %s (mode %04o): chmod 600; in Kubernetes, defaultMode: 0400", file,
                     (unsigned)mode & 07777u);
    } else if (days > TOKEN_OLD_DAYS) {
        out->verdict = CHECK_WARN;
        check_remedy(out, "it is old: make a new one in Okta and put it in place, then revoke this one");
    }
}

void diagnose_permission(const struct permission *p, struct check *out)
{
    static const char *const words[] = { "?",
                                         "works",
                                         "the credential is refused",
                                         "a role is missing",
                                         "a scope is missing",
                                         "the org has no such feature",
                                         "it is suspiciously empty",
                                         "no answer" };
    bool works = p->verdict == PERMISSION_WORKS;
    bool is_odd = p->verdict == PERMISSION_SUSPICIOUSLY_EMPTY || p->http_status == 429;

    check_set(out, p->collection == 0 ? "org" : "scope",
              works    ? CHECK_OK
              : is_odd ? CHECK_WARN
                       : CHECK_FAIL,
              "GET %s: %s (HTTP %d%s%s%s%s)", p->endpoint,
              words[p->verdict < sizeof words / sizeof *words ? p->verdict : 0], p->http_status,
              p->error_code[0] != '\0' ? " " : "", p->error_code, p->request_id[0] != '\0' ? ", request " : "",
              p->request_id);
    check_remedy(out, "%s", p->remedy);
}

/* ---- what the poller knows ---- */

bool diagnose_is_short(const struct poller_snapshot *s, struct view path)
{
    for (size_t i = 0; i < s->bucket_count; i++) {
        const struct okta_bucket *b = &s->buckets[i];

        if (view_starts(path, b->name) && b->limit > 0 &&
            (int64_t)b->remaining * 100 <= (int64_t)b->limit * SHORT_PERCENT)
            return true;
    }
    return false;
}

static void diagnose_put_waits(const struct poller_snapshot *s, int64_t now_unix_ms, struct check *out)
{
    for (size_t i = 0; i < s->wait_count; i++) {
        const struct wait_snapshot *w = &s->waits[i];
        size_t len = strlen(out->detail);
        int64_t left_ms = w->until_unix_ms - now_unix_ms;

        snprintf(out->detail + len, sizeof out->detail - len, "; %s waits %lld s: %.80s", w->what,
                 (long long)(left_ms > 0 ? left_ms / 1000 : 0), w->reason);
        if (left_ms > WAIT_WARN_MS)
            out->verdict = CHECK_WARN;
    }
}

void diagnose_limits(const struct poller_snapshot *s, int64_t now_unix_ms, struct check *out)
{
    if (s->bucket_count == 0) {
        check_set(out, "limits", CHECK_SKIPPED, "Okta has told of no rate limit yet");
        return;
    }
    check_set(out, "limits", CHECK_OK, "at most %d %% of each are ours", (int)s->buckets[0].share_percent);
    for (size_t i = 0; i < s->bucket_count; i++) {
        const struct okta_bucket *b = &s->buckets[i];
        size_t len = strlen(out->detail);

        snprintf(out->detail + len, sizeof out->detail - len, "; %s: %d of %d left, %d spent by us", b->name,
                 (int)b->remaining, (int)b->limit, (int)b->spent);
        if (b->limit > 0 && (int64_t)b->remaining * 100 <= (int64_t)b->limit * SHORT_PERCENT)
            out->verdict = CHECK_WARN;
    }
    diagnose_put_waits(s, now_unix_ms, out);
    if (out->verdict != CHECK_OK)
        check_remedy(out, "it goes on by itself when the window ends; if it stays so, another program uses the org's "
                          "limit: see Reports > Rate Limits in the Admin Console");
}

/* Something is collected, but not the log. Nothing at all is chosen before Okta has answered for the first time. */
static bool only_other_collections(const struct poller_snapshot *s)
{
    bool any = false;

    for (size_t i = 0; i < COLLECTION_IDS_MAX; i++)
        any = any || s->collections[i].is_chosen;
    return any && !s->collections[collection_log()->id].is_chosen;
}

void diagnose_tail(const struct poller_snapshot *s, int64_t now_unix_ms, struct check *out)
{
    int64_t age_ms = now_unix_ms - s->tail_success_unix_ms;

    if (s->state == CONNECTOR_RETIRED) {
        check_set(out, "tail", CHECK_SKIPPED, "it is retired: readable, and nothing is collected");
    } else if (only_other_collections(s) && s->tail_success_unix_ms == 0) {
        check_set(out, "tail", CHECK_SKIPPED, "no logins are collected");
    } else if (s->tail_success_unix_ms == 0) {
        check_set(out, "tail", CHECK_FAIL, "the log has not been read once; %.200s",
                  s->state_reason[0] != '\0' ? s->state_reason : s->error_message);
        check_remedy(out, "what fails above is why; else look at: okta-connector status");
    } else {
        check_set(out, "tail",
                  age_ms > TAIL_FAIL_MS   ? CHECK_FAIL
                  : age_ms > TAIL_WARN_MS ? CHECK_WARN
                                          : CHECK_OK,
                  "the log was read %lld s ago, %s%s%.200s", (long long)(age_ms / 1000),
                  s->tail_at_head ? "to its head" : "not to its head yet", s->state_reason[0] != '\0' ? "; " : "",
                  s->state_reason);
        if (out->verdict != CHECK_OK)
            check_remedy(out, "what fails above is why; else look at: okta-connector status");
        else if (s->is_log_silent) {
            out->verdict = CHECK_WARN;
            check_remedy(
                out,
                "far fewer events than usual at this hour: do people sign in elsewhere, or is the org's log late?");
        }
    }
}

void diagnose_store(const struct store_usage *u, const struct poller_snapshot *s, struct check *out)
{
    unsigned percent = u->max_bytes > 0 ? (unsigned)(u->bytes * 100 / u->max_bytes) : 0;
    bool is_failed = s->reason == REASON_STORE_FULL || s->reason == REASON_STORE_FAILED || percent >= STORE_FAIL;
    bool is_complete = true;

    for (size_t i = 0; i < COLLECTION_IDS_MAX; i++)
        is_complete = is_complete && (!s->collections[i].is_chosen || s->collections[i].is_complete);
    check_set(out, "store",
              is_failed               ? CHECK_FAIL
              : percent >= STORE_WARN ? CHECK_WARN
                                      : CHECK_OK,
              "%" PRIu64 " MiB of %" PRIu64 " MiB (%u %%); what was chosen is %s; the history %s", u->bytes / MIB,
              u->max_bytes / MIB, percent, is_complete ? "complete" : "not complete yet",
              s->history == HISTORY_COMPLETE          ? "is complete"
              : s->history == HISTORY_RUNNING         ? "is on its way"
              : s->history == HISTORY_LIMITED_BY_SIZE ? "ends where the store was full"
                                                      : "was not asked for");
    if (out->verdict != CHECK_OK)
        check_remedy(out, "raise --store-max-bytes, or lower --retention-days: the oldest events are removed first");
}
