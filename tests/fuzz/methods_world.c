#include "tests/fuzz/methods_world.h"

#include "tests/fuzz/fuzz.h"

#include "connectors/configure/configure.h"
#include "connectors/delete.h"
#include "connectors/diagnose/diagnose.h"
#include "record/record.h"
#include "tests/fuzz/readers.h"
#include "tests/world/stored.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- the connector ---- */

static int64_t read_now(void *self)
{
    (void)self;
    return now_ms;
}
static const struct clock hand = { read_now, read_now, NULL };

struct connector acme;
struct service service = { .clock = &hand, .version = "test", .started_unix_ms = 5000 };
int64_t now_ms;
bool is_changed;
char folder[300];

struct connector *connectors_find(struct connectors *cs, struct view name, struct error *err)
{
    (void)cs;
    if (name.len == 0 || view_is(name, "acme")) {
        acme.refs++;
        return &acme;
    }
    error_reason(err, ERROR_NOT_FOUND, "NO_SUCH_CONNECTOR", "no such connector");
    return NULL;
}
size_t connectors_all(struct connectors *cs, struct connector *out[CONNECTORS_MAX])
{
    (void)cs;
    acme.refs++;
    out[0] = &acme;
    return 1;
}
void connector_release(struct connector *c)
{
    if (c != NULL)
        c->refs--;
}
const char *connector_name(const struct connector *c)
{
    (void)c;
    return "acme";
}
const char *connector_org_id(const struct connector *c)
{
    (void)c;
    return "00oacme";
}
void connector_org_url(struct connector *c, char out[REGISTRY_URL_MAX + 1])
{
    (void)c;
    snprintf(out, REGISTRY_URL_MAX + 1, "https://acme.okta.com");
}
struct store *connector_store(const struct connector *c)
{
    return c->store;
}
unsigned connector_topic(const struct connector *c)
{
    (void)c;
    return TOPIC;
}
void connector_snapshot(struct connector *c, struct poller_snapshot *out)
{
    *out = c->snapshot;
}
void connector_credential(struct connector *c, struct credential_facts *out)
{
    (void)c;
    *out = (struct credential_facts){ .kind = CREDENTIAL_NONE };
}
bool connector_is_deleted(const struct connector *c)
{
    return c->is_deleted;
}
bool connector_poll_now(struct connector *c, uint64_t *tail_rounds, struct error *err)
{
    *tail_rounds = c->snapshot.tail_rounds;
    return c->snapshot.state != CONNECTOR_RETIRED || error_set(err, ERROR_FAILED_PRECONDITION, "retired");
}
bool connector_collects(const struct connector *c, const struct poller_snapshot *now, struct error *err)
{
    (void)c;
    return now->state != CONNECTOR_RECONNECT_REQUIRED || error_set(err, ERROR_FAILED_PRECONDITION, "dead token");
}

/* What the API hands on has been cut to size by then. */
void connectors_configure(struct connectors *cs, const struct configure_request *r, configure_done *done, void *ctx)
{
    static const struct configure_result result = { .name = "acme", .stored = true };
    struct error err;

    (void)cs;
    ASSERT(utf8_is_clean(r->name) && utf8_is_clean(r->org) && utf8_is_clean(r->credential));
    ASSERT(r->history_days >= -1 && r->retention_days >= -1);
    error_reason(&err, ERROR_FAILED_PRECONDITION, "OKTA_UNREACHABLE", "no answer");
    done(ctx, &result, r->validate_only ? NULL : &err);
}
void connectors_delete(struct connectors *cs, struct view name, bool keep_data, delete_done *done, void *ctx)
{
    static const struct delete_result result = { .remaining = { "Revoke it." }, .remaining_count = 1 };

    (void)cs;
    (void)keep_data;
    ASSERT(utf8_is_clean(name));
    done(ctx, &result, NULL);
}

void connectors_diagnose(struct connectors *cs, struct view name, bool (*is_cancelled)(void *ctx), diagnose_done *done,
                         void *ctx)
{
    static const struct diagnosis found = {
        .checks = { { .connector = "acme", .name = "dns", .verdict = CHECK_OK, .detail = "It is known." } }, .count = 1
    };

    (void)cs;
    ASSERT(utf8_is_clean(name) && !is_cancelled(ctx));
    done(ctx, &found, NULL);
}

/* ---- the store ---- */

static const char users[] = "[{\"id\":\"00u1\",\"profile\":{\"login\":\"Anna@acme.example\"}},{\"id\":\"00u2\"}]";
static const char logins[] =
    "[{\"uuid\":\"a\",\"published\":\"2026-03-14T09:20:00.000Z\",\"eventType\":\"user.session.start\","
    "\"actor\":{\"id\":\"00u1\",\"type\":\"User\",\"alternateId\":\"anna@acme.example\"},"
    "\"client\":{\"ipAddress\":\"192.0.2.44\",\"geographicalContext\":{\"country\":\"Sweden\"}},"
    "\"outcome\":{\"result\":\"SUCCESS\"}},"
    "{\"uuid\":\"b\",\"published\":\"2026-03-14T09:20:01.000Z\",\"eventType\":\"user.authentication.sso\","
    "\"target\":[{\"id\":\"0oa1\",\"type\":\"AppInstance\",\"alternateId\":\"Wiki\"}],"
    "\"outcome\":{\"result\":\"FAILURE\"}},7]";

static bool keep_user(void *ctx, const struct directory_row *row)
{
    bool changed;

    ASSERT(directory_put(ctx, 1 /* users */, row, &changed, NULL));
    return true;
}

static bool keep_login(void *ctx, enum record_outcome outcome, const struct journal_record *record)
{
    enum journal_fate fate;
    uint64_t sequence;

    ASSERT(outcome == RECORD_OTHER || journal_append(ctx, record, false, &fate, &sequence, NULL));
    return true;
}

static void fill(struct store *s)
{
    struct record_maker *m = record_maker_create(store_hash_key(s));
    const struct record_page page = { VIEW(logins), JOURNAL_NO_TIME, JOURNAL_TAIL };
    struct record_page_result result;
    struct record_objects_result users_result;
    struct store_txn *txn;

    ASSERT(store_begin(s, &txn, NULL));
    ASSERT(record_page(m, &page, keep_login, txn, &result, NULL));
    ASSERT(record_objects(m, collection_by_name(VIEW("users")), VIEW(users), keep_user, txn, &users_result, NULL));
    ASSERT(store_commit(&txn, NULL));
    record_maker_destroy(m);
    stored_add(s, 20, T0);
    stored_add(s, -6, T0 - 1000);
    stored_prune(s, T0 - 5000);
}

static bool count_reader(void *ctx, const struct journal_record *record)
{
    (void)record;
    *(size_t *)ctx = readers_open(folder);
    return false;
}

/* A new one, where there is none or the last input has changed it. */
void make_store(void)
{
    static const char *const files[] = { "data.mdb", "lock.mdb", "store.lock" };
    struct store_options options = { .dir = folder, .max_bytes = STORE_BYTES_MIN };
    const struct journal_range all = { 0, UINT64_MAX, false };
    const char *parent = getenv("TEST_TMPDIR");
    size_t open = 0;

    if (acme.store != NULL && !is_changed)
        return;
    store_close(acme.store);
    if (folder[0] == '\0') {
        snprintf(folder, sizeof folder, "%.200s/methods-XXXXXX", parent != NULL ? parent : "/tmp");
        ASSERT(mkdtemp(folder) != NULL);
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[400];

        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        (void)unlink(path);
    }
    ASSERT(store_open(&acme.store, &options, NULL));
    fill(acme.store);
    ASSERT(journal_scan(acme.store, &all, count_reader, &open, NULL));
    ASSERT(open == 1 && readers_open(folder) == 0); /* it can be seen */
    is_changed = false;
}
