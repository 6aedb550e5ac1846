/* Configure, Sync, Status and Delete. The call and the connectors around them are stand-ins: what a request becomes,
 * and what an answer says, needs no socket and no Okta. */
#include "rows.h"
#include "world/stored.h"

#include "base/assert.h"
#include "base/mem.h"
#include "service/service.h"

#include "connectors/configure/configure.h"
#include "connectors/delete.h"
#include "model/permission.h"
#include "okta/connector/v1/connector.pb-c.h"
#include "store/journal.h"
#include "world/collections.h"

#include <stdio.h>
#include <string.h>

#define PACKED_MAX (1u << 20)

typedef Okta__Connector__V1__ConfigureRequest configure_type;
typedef Okta__Connector__V1__SyncResponse sync_type;
typedef Okta__Connector__V1__StatusResponse status_type;

/* ---- stand-ins ---- */

struct connector {
    const char *name;
    struct store *store;
    struct poller_snapshot snapshot;
    struct credential_facts credential;
    bool is_deleted;
    int refs;
};

struct call {
    const struct call_stream_ops *ops;
    void *stream;
    int64_t timer_ms;
    bool is_over, is_cancelled;
    struct error end; /* code ERROR_OK: ended well */
    int topic;
    bool wrote;
    unsigned messages;
    unsigned char *packed; /* the last answer or message */
    size_t packed_len;
};

/* A ticket is its call. */
struct call_ticket {
    struct call call;
};

static struct connector acme, beta;
static struct call *call;
static int64_t now_ms;
static uint64_t rounds_at_poll; /* what poll_now says is to be exceeded */
static struct error poll_error; /* code ERROR_OK: it polls */

static int64_t read_now(void *self)
{
    (void)self;
    return now_ms;
}
static const struct clock hand = { read_now, read_now, NULL };
static struct service service = { .clock = &hand, .version = "test", .started_unix_ms = 5000 };

struct connector *connectors_find(struct connectors *cs, struct view name, struct error *err)
{
    struct connector *c = name.len == 0 || view_is(name, "acme") ? &acme : view_is(name, "beta") ? &beta : NULL;

    (void)cs;
    if (c != NULL)
        c->refs++;
    else
        error_reason(err, ERROR_NOT_FOUND, "NO_SUCH_CONNECTOR", "no such connector");
    return c;
}
size_t connectors_all(struct connectors *cs, struct connector *out[CONNECTORS_MAX])
{
    (void)cs;
    out[0] = &acme;
    out[1] = &beta;
    acme.refs++;
    beta.refs++;
    return 2;
}
void connector_release(struct connector *c)
{
    if (c != NULL)
        c->refs--;
}
const char *connector_name(const struct connector *c)
{
    return c->name;
}
const char *connector_org_id(const struct connector *c)
{
    return c == &acme ? "00oacme" : "";
}
void connector_org_url(struct connector *c, char out[REGISTRY_URL_MAX + 1])
{
    snprintf(out, REGISTRY_URL_MAX + 1, "https://%s.okta.com", c->name);
}
struct store *connector_store(const struct connector *c)
{
    return c->store;
}
unsigned connector_topic(const struct connector *c)
{
    return c == &acme ? 3 : 4;
}
void connector_snapshot(struct connector *c, struct poller_snapshot *out)
{
    *out = c->snapshot;
}
void connector_credential(struct connector *c, struct credential_facts *out)
{
    *out = c->credential;
}
bool connector_is_deleted(const struct connector *c)
{
    return c->is_deleted;
}
bool connector_poll_now(struct connector *c, uint64_t *tail_rounds, struct error *err)
{
    (void)c;
    if (poll_error.code != ERROR_OK) {
        *err = poll_error;
        return false;
    }
    *tail_rounds = rounds_at_poll;
    return true;
}

bool connector_collects(const struct connector *c, const struct poller_snapshot *now, struct error *err)
{
    (void)c;
    return now->state != CONNECTOR_RECONNECT_REQUIRED ||
           error_reason(err, ERROR_FAILED_PRECONDITION, "OKTA_TOKEN_REFUSED", "%s", now->state_reason);
}

static void take(struct call *c, const ProtobufCMessage *m)
{
    ASSERT(!c->is_over && !c->wrote);
    c->packed_len = protobuf_c_message_get_packed_size(m);
    ASSERT(c->packed_len <= PACKED_MAX);
    free(c->packed);
    c->packed = mem_alloc(c->packed_len + 1);
    protobuf_c_message_pack(m, c->packed);
    c->messages++;
}

static void end(struct call *c, const struct error *err)
{
    ASSERT(!c->is_over);
    c->is_over = true;
    c->end = err != NULL ? *err : (struct error){ .code = ERROR_OK };
}

void call_reply(struct call *c, const ProtobufCMessage *response)
{
    take(c, response);
    end(c, NULL);
}
void call_fail(struct call *c, const struct error *err)
{
    end(c, err);
}
struct call_ticket *call_defer(struct call *c)
{
    return (struct call_ticket *)c;
}
bool call_ticket_is_cancelled(const struct call_ticket *t)
{
    return t->call.is_cancelled;
}
void call_ticket_reply(struct call_ticket **t, const ProtobufCMessage *response)
{
    call_reply(&(*t)->call, response);
    *t = NULL;
}
void call_ticket_fail(struct call_ticket **t, const struct error *err)
{
    end(&(*t)->call, err);
    *t = NULL;
}
void call_stream(struct call *c, const struct call_stream_ops *ops, void *stream)
{
    c->ops = ops;
    c->stream = stream;
}
void call_write_message(struct call *c, const ProtobufCMessage *m)
{
    take(c, m);
    c->wrote = true;
}
void call_finish(struct call *c, const struct error *err)
{
    end(c, err);
}
void call_timer(struct call *c, int64_t at_mono_ms)
{
    c->timer_ms = at_mono_ms;
}
void call_topic(struct call *c, unsigned topic)
{
    c->topic = (int)topic;
}

/* ---- what connectors are asked to do ---- */

static struct {
    struct configure_request configure;
    char name[80], org[80], token[800];
    bool keep_data, was_cancelled;
    struct error refuse; /* code ERROR_OK: taken */
} asked;

void connectors_configure(struct connectors *cs, const struct configure_request *r, configure_done *done, void *ctx)
{
    static struct configure_result result;

    (void)cs;
    asked.configure = *r;
    snprintf(asked.name, sizeof asked.name, VIEW_FMT, VIEW_ARG(r->name));
    snprintf(asked.org, sizeof asked.org, VIEW_FMT, VIEW_ARG(r->org));
    snprintf(asked.token, sizeof asked.token, VIEW_FMT, VIEW_ARG(r->credential));
    asked.was_cancelled = r->is_cancelled(ctx);
    result = (struct configure_result){ .name = "acme",
                                        .org_id = "00oacme",
                                        .org_url = "https://acme.okta.com",
                                        .permission_count = 1,
                                        .permissions = { { .collection = COLLECTION_USERS,
                                                           .endpoint = "/api/v1/users",
                                                           .verdict = PERMISSION_ROLE_MISSING,
                                                           .remedy = "Give it.",
                                                           .http_status = 403,
                                                           .error_code = "E0000006",
                                                           .request_id = "abc" } },
                                        .warnings = { "Look out." },
                                        .warning_count = 1,
                                        .stored = true,
                                        .created = true };
    done(ctx, &result, asked.refuse.code != ERROR_OK ? &asked.refuse : NULL);
}

void connectors_delete(struct connectors *cs, struct view name, bool keep_data, delete_done *done, void *ctx)
{
    static const struct delete_result result = { .purged = true,
                                                 .remaining = { "Revoke it.", "And the user." },
                                                 .remaining_count = 2 };

    (void)cs;
    snprintf(asked.name, sizeof asked.name, VIEW_FMT, VIEW_ARG(name));
    asked.keep_data = keep_data;
    done(ctx, &result, asked.refuse.code != ERROR_OK ? &asked.refuse : NULL);
}

/* ---- a call ---- */

static void new_call(void)
{
    call = mem_zero(sizeof(struct call_ticket));
    call->topic = -1;
}

static void drop_call(struct call *c)
{
    if (c->stream != NULL)
        c->ops->ended(c->stream);
    free(c->packed);
    free(c);
}

static int setup(void **state)
{
    (void)state;
    acme = (struct connector){ .name = "acme" };
    beta = (struct connector){ .name = "beta" };
    acme.snapshot.state = CONNECTOR_LIVE;
    acme.snapshot.history = HISTORY_COMPLETE;
    for (int i = 1; i < COLLECTION_IDS_MAX; i++)
        acme.snapshot.collections[i] = (struct collection_snapshot){ .is_chosen = true, .is_complete = true };
    acme.snapshot.tail_rounds = 7;
    acme.snapshot.version = 1;
    rounds_at_poll = 7;
    poll_error = (struct error){ .code = ERROR_OK };
    memset(&asked, 0, sizeof asked);
    now_ms = 100000;
    service.sync_runs = sync_runs_create();
    service.subscribers = subscribers_create();
    new_call();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    drop_call(call);
    sync_runs_destroy(service.sync_runs);
    subscribers_destroy(service.subscribers);
    assert_int_equal(acme.refs, 0);
    assert_int_equal(beta.refs, 0);
    return 0;
}

/* ---- Configure and Delete ---- */

static void configure_hands_on_what_was_asked(void **state)
{
    configure_type request = OKTA__CONNECTOR__V1__CONFIGURE_REQUEST__INIT;
    Google__Protobuf__UInt32Value days = GOOGLE__PROTOBUF__UINT32_VALUE__INIT;
    Okta__Connector__V1__Collection collections[] = { OKTA__CONNECTOR__V1__COLLECTION__COLLECTION_USERS };
    Okta__Connector__V1__ConfigureResponse *response;

    (void)state;
    days.value = 0;
    request.name = (char *)"acme";
    request.org = (char *)"acme.okta.com";
    request.credential_case = OKTA__CONNECTOR__V1__CONFIGURE_REQUEST__CREDENTIAL_API_TOKEN;
    request.api_token = (char *)"00t";
    request.allow_partial = true;
    request.history_days = &days;
    request.n_collections = 1;
    request.collections = collections;
    call->is_cancelled = true;
    service_configure(&service, call, &request.base);

    assert_string_equal(asked.name, "acme");
    assert_string_equal(asked.org, "acme.okta.com");
    assert_string_equal(asked.token, "00t");
    assert_true(asked.configure.has_credential);
    assert_true(asked.configure.allow_partial);
    assert_false(asked.configure.validate_only);
    assert_false(asked.configure.is_declared);
    assert_int_equal(asked.configure.collections, 1 << COLLECTION_USERS);
    assert_int_equal(asked.configure.history_days, 0); /* said: none */
    assert_int_equal(asked.configure.retention_days, -1);
    assert_true(asked.was_cancelled);

    response = okta__connector__v1__configure_response__unpack(NULL, call->packed_len, call->packed);
    assert_non_null(response);
    assert_string_equal(response->org_id, "00oacme");
    assert_true(response->stored && response->created);
    assert_int_equal(response->n_permissions, 1);
    assert_int_equal(response->permissions[0]->verdict,
                     OKTA__CONNECTOR__V1__PERMISSION_VERDICT__PERMISSION_VERDICT_ROLE_MISSING);
    assert_string_equal(response->permissions[0]->remedy, "Give it.");
    assert_int_equal(response->permissions[0]->http_status, 403);
    assert_string_equal(response->permissions[0]->error_code, "E0000006");
    assert_int_equal(response->n_warnings, 1);
    okta__connector__v1__configure_response__free_unpacked(response, NULL);
}

static void configure_hands_on_a_service_app_as_one_text(void **state)
{
    configure_type request = OKTA__CONNECTOR__V1__CONFIGURE_REQUEST__INIT;
    Okta__Connector__V1__ServiceApp app = OKTA__CONNECTOR__V1__SERVICE_APP__INIT;

    (void)state;
    app.client_id = (char *)" 0oa1\n";
    app.private_key = (char *)"-----BEGIN\nMIIE\n";
    app.key_id = (char *)"kid1";
    request.name = (char *)"acme";
    request.credential_case = OKTA__CONNECTOR__V1__CONFIGURE_REQUEST__CREDENTIAL_SERVICE_APP;
    request.service_app = &app;
    service_configure(&service, call, &request.base);
    assert_true(asked.configure.has_credential);
    assert_string_equal(asked.token,
                        "{\"client_id\":\"0oa1\",\"private_key\":\"-----BEGIN\\nMIIE\",\"key_id\":\"kid1\"}");
}

static void a_private_key_has_a_size(void **state)
{
    configure_type request = OKTA__CONNECTOR__V1__CONFIGURE_REQUEST__INIT;
    Okta__Connector__V1__ServiceApp app = OKTA__CONNECTOR__V1__SERVICE_APP__INIT;
    static char large[OKTA_CREDENTIAL_BYTES_MAX];

    (void)state;
    memset(large, 'a', sizeof large - 1);
    app.client_id = (char *)"0oa1";
    app.private_key = large;
    request.name = (char *)"acme";
    request.credential_case = OKTA__CONNECTOR__V1__CONFIGURE_REQUEST__CREDENTIAL_SERVICE_APP;
    request.service_app = &app;
    service_configure(&service, call, &request.base);
    assert_int_equal(call->end.code, ERROR_INVALID_ARGUMENT);
    assert_string_equal(call->end.reason, "CREDENTIAL_INVALID");
    assert_string_equal(asked.name, ""); /* nobody was asked */
}

static void configure_without_a_token_keeps_it(void **state)
{
    configure_type request = OKTA__CONNECTOR__V1__CONFIGURE_REQUEST__INIT;

    (void)state;
    request.name = (char *)"acme";
    service_configure(&service, call, &request.base);
    assert_false(asked.configure.has_credential);
    assert_int_equal(asked.configure.collections, 0);
    assert_int_equal(asked.configure.history_days, -1);
}

static void a_collection_that_nobody_knows_is_refused(void **state)
{
    configure_type request = OKTA__CONNECTOR__V1__CONFIGURE_REQUEST__INIT;
    Okta__Connector__V1__Collection collections[] = { (Okta__Connector__V1__Collection)33 };

    (void)state;
    request.name = (char *)"acme";
    request.n_collections = 1;
    request.collections = collections;
    service_configure(&service, call, &request.base);
    assert_int_equal(call->end.code, ERROR_INVALID_ARGUMENT);
    assert_string_equal(asked.name, "");
}

static void a_refused_configure_says_why(void **state)
{
    configure_type request = OKTA__CONNECTOR__V1__CONFIGURE_REQUEST__INIT;

    (void)state;
    error_reason(&asked.refuse, ERROR_FAILED_PRECONDITION, "OKTA_TOKEN_REFUSED", "dead");
    service_configure(&service, call, &request.base);
    assert_int_equal(call->end.code, ERROR_FAILED_PRECONDITION);
    assert_string_equal(call->end.reason, "OKTA_TOKEN_REFUSED");
}

static void delete_says_what_remains(void **state)
{
    Okta__Connector__V1__DeleteRequest request = OKTA__CONNECTOR__V1__DELETE_REQUEST__INIT;
    Okta__Connector__V1__DeleteResponse *response;

    (void)state;
    request.name = (char *)"acme";
    request.keep_data = true;
    service_delete(&service, call, &request.base);
    assert_string_equal(asked.name, "acme");
    assert_true(asked.keep_data);
    response = okta__connector__v1__delete_response__unpack(NULL, call->packed_len, call->packed);
    assert_int_equal(response->n_remaining, 2);
    assert_string_equal(response->remaining[1], "And the user.");
    assert_true(response->purged);
    okta__connector__v1__delete_response__free_unpacked(response, NULL);
}

/* ---- Status ---- */

static status_type *status(const char *name)
{
    Okta__Connector__V1__StatusRequest request = OKTA__CONNECTOR__V1__STATUS_REQUEST__INIT;

    request.name = (char *)name;
    service_status(&service, call, &request.base);
    if (call->end.code != ERROR_OK)
        return NULL;
    return okta__connector__v1__status_response__unpack(NULL, call->packed_len, call->packed);
}

static void status_lists_all_also_those_without_a_store(void **state)
{
    status_type *s;

    (void)state;
    beta.snapshot.state = CONNECTOR_STARTING;
    snprintf(beta.snapshot.state_reason, sizeof beta.snapshot.state_reason, "not yet");
    s = status("");
    assert_int_equal(s->n_connectors, 2);
    assert_string_equal(s->version, "test");
    assert_int_equal(s->started->seconds, 5);
    assert_int_equal(s->now->seconds, 100);
    assert_string_equal(s->connectors[0]->name, "acme");
    assert_string_equal(s->connectors[1]->name, "beta");
    assert_string_equal(s->connectors[1]->org_id, "");
    assert_string_equal(s->connectors[1]->state_reason, "not yet");
    assert_null(s->connectors[1]->store);
    assert_int_equal(s->connectors[1]->n_collections, 0);
    okta__connector__v1__status_response__free_unpacked(s, NULL);
}

static void status_knows_one_by_name(void **state)
{
    status_type *s = status("beta");

    (void)state;
    assert_int_equal(s->n_connectors, 1);
    assert_string_equal(s->connectors[0]->org_url, "https://beta.okta.com");
    okta__connector__v1__status_response__free_unpacked(s, NULL);
}

static void status_says_what_is_signed_in_with(void **state)
{
    status_type *s;
    const Okta__Connector__V1__CredentialStatus *c;

    (void)state;
    acme.credential = (struct credential_facts){ .kind = CREDENTIAL_SERVICE_APP,
                                                 .client_id = "0oa1",
                                                 .fingerprint = "0123abcd",
                                                 .set_unix_ms = 5000,
                                                 .is_from_file = true };
    snprintf(acme.snapshot.grants.granted, sizeof acme.snapshot.grants.granted, "okta.logs.read okta.users.read");
    snprintf(acme.snapshot.grants.missing, sizeof acme.snapshot.grants.missing, "okta.groups.read");
    s = status("");
    c = s->connectors[0]->credential;
    assert_non_null(c);
    assert_int_equal(c->kind, OKTA__CONNECTOR__V1__CREDENTIAL_KIND__CREDENTIAL_KIND_SERVICE_APP);
    assert_string_equal(c->client_id, "0oa1");
    assert_string_equal(c->fingerprint, "0123abcd");
    assert_int_equal(c->set_since->seconds, 5);
    assert_true(c->from_file);
    assert_int_equal(c->n_scopes_granted, 2);
    assert_string_equal(c->scopes_granted[0], "okta.logs.read");
    assert_string_equal(c->scopes_granted[1], "okta.users.read");
    assert_int_equal(c->n_scopes_missing, 1);
    assert_string_equal(c->scopes_missing[0], "okta.groups.read");
    assert_null(s->connectors[1]->credential); /* it has none */
    okta__connector__v1__status_response__free_unpacked(s, NULL);
}

static void status_of_nobody(void **state)
{
    (void)state;
    assert_null(status("gamma"));
    assert_int_equal(call->end.code, ERROR_NOT_FOUND);
}

static void what_never_happened_is_absent(void **state)
{
    status_type *s = status("acme");

    (void)state;
    assert_null(s->connectors[0]->last_error);
    assert_null(s->connectors[0]->tail->last_success);
    assert_null(s->connectors[0]->history->reached);
    assert_null(s->connectors[0]->collections[0]->last_success);
    okta__connector__v1__status_response__free_unpacked(s, NULL);
}

static void status_says_what_a_poller_shows(void **state)
{
    struct poller_snapshot *p = &acme.snapshot;
    Okta__Connector__V1__ConnectorStatus *c;
    status_type *s;

    (void)state;
    p->state = CONNECTOR_DEGRADED;
    p->state_since_unix_ms = 1500;
    p->tail_success_unix_ms = 2500;
    p->tail_interval_ms = 7250;
    p->late = 11;
    p->history = HISTORY_LIMITED_BY_SIZE;
    p->history_stored = 12;
    p->collections[COLLECTION_USERS].is_chosen = false;
    p->collections[COLLECTION_LOGINS].objects = 13;
    p->bucket_count = 1;
    p->buckets[0] = (struct okta_bucket){ .name = "/api/v1/logs", .limit = 60, .remaining = 59, .reset_unix_s = 9 };
    p->wait_count = 1;
    p->waits[0] = (struct wait_snapshot){ .what = "tail", .reason = "Because.", .until_unix_ms = 3000 };
    p->plan =
        (struct sync_plan){ .count = 2, .parts = { { .what = "users" }, { .what = "history", .is_known = true } } };
    p->plan.parts[1].calls_left = 21;
    p->plan.parts[1].ms = 22500;
    p->counts = (struct okta_counts){ .requests = 14, .answers_429 = 15, .failed = 16 };
    p->error_unix_ms = 4000;
    p->error_http_status = 503;
    snprintf(p->error_request_id, sizeof p->error_request_id, "rid");
    s = status("acme");
    c = s->connectors[0];
    assert_int_equal(c->state, OKTA__CONNECTOR__V1__CONNECTOR_STATE__CONNECTOR_STATE_DEGRADED);
    assert_int_equal(c->state_since->nanos, 500000000);
    assert_int_equal(c->tail->last_success->seconds, 2);
    assert_int_equal(c->tail->interval->seconds, 7);
    assert_int_equal(c->tail->interval->nanos, 250000000);
    assert_int_equal(c->tail->late, 11);
    assert_int_equal(c->history->state, OKTA__CONNECTOR__V1__HISTORY_STATE__HISTORY_STATE_LIMITED_BY_SIZE);
    assert_int_equal(c->history->logins_stored, 12);
    assert_int_equal(c->n_collections, 1);
    assert_int_equal(c->collections[0]->objects, 13);
    assert_int_equal(c->n_budgets, 1);
    assert_string_equal(c->budgets[0]->bucket, "/api/v1/logs");
    assert_int_equal(c->budgets[0]->reset->seconds, 9);
    assert_int_equal(c->n_waits, 1);
    assert_string_equal(c->waits[0]->reason, "Because.");
    assert_int_equal(c->plan->n_calls, 2);
    assert_null(c->plan->left);
    assert_null(c->plan->eta);
    assert_false(c->plan->calls[0]->known);
    assert_null(c->plan->calls[0]->left);
    assert_int_equal(c->plan->calls[1]->calls_left, 21);
    assert_int_equal(c->plan->calls[1]->left->seconds, 22);
    assert_int_equal(c->requests_429, 15);
    assert_int_equal(c->last_error->http_status, 503);
    assert_string_equal(c->last_error->request_id, "rid");
    okta__connector__v1__status_response__free_unpacked(s, NULL);
}

static void status_shows_the_store_and_its_readers(void **state)
{
    Okta__Connector__V1__ConnectorStatus *c;
    struct subscriber *reader;
    status_type *s;

    (void)state;
    acme.store = stored_open();
    stored_add(acme.store, 5, 1773480000000);
    reader = subscriber_join(service.subscribers, connector_topic(&acme), "admin unix:/a", 6000, JOURNAL_FIRST + 1);
    subscriber_sent(reader, JOURNAL_FIRST + 1, 2, 600);
    s = status("acme");
    c = s->connectors[0];
    assert_int_equal(c->store->events, 5);
    assert_int_equal(c->store->head_sequence, JOURNAL_FIRST + 4);
    assert_int_equal(c->store->oldest_sequence, JOURNAL_FIRST);
    assert_string_equal(c->store->epoch, store_epoch(acme.store));
    assert_true(c->store->bytes > 0);
    assert_int_equal(c->n_subscribers, 1);
    assert_string_equal(c->subscribers[0]->peer, "admin unix:/a");
    assert_int_equal(c->subscribers[0]->lag_events, 3);
    assert_int_equal(c->subscribers[0]->events_sent, 2);
    assert_int_equal(c->subscribers[0]->bytes_sent, 600);
    okta__connector__v1__status_response__free_unpacked(s, NULL);
    subscriber_leave(service.subscribers, reader);
    stored_close(acme.store);
}

/* ---- Sync ---- */

static void begin_sync(bool with_history)
{
    Okta__Connector__V1__SyncRequest request = OKTA__CONNECTOR__V1__SYNC_REQUEST__INIT;

    request.name = (char *)"acme";
    request.history = with_history;
    service_sync(&service, call, &request.base);
}

/* The stream may write: true when it wrote. */
static bool turn(struct call *c)
{
    unsigned before = c->messages;

    c->wrote = false;
    c->ops->ready(c->stream, c);
    return c->messages > before;
}

static sync_type *said(struct call *c)
{
    sync_type *s = okta__connector__v1__sync_response__unpack(NULL, c->packed_len, c->packed);

    assert_non_null(s);
    return s;
}

static bool says_done(struct call *c)
{
    sync_type *s = said(c);
    bool done = s->done;

    okta__connector__v1__sync_response__free_unpacked(s, NULL);
    return done;
}

static const struct end {
    const char *name;
    bool with_history, users_complete, logins_chosen;
    uint64_t rounds; /* since the call */
    enum connector_history history;
    bool is_done;
} ends[] = {
    { "everything is there", false, true, true, 1, HISTORY_COMPLETE, true },
    { "the tail has not been polled since", false, true, true, 0, HISTORY_COMPLETE, false },
    { "users are missing", false, false, true, 1, HISTORY_COMPLETE, false },
    { "history runs, nobody asked for it", false, true, true, 1, HISTORY_RUNNING, true },
    { "history runs, and was asked for", true, true, true, 1, HISTORY_RUNNING, false },
    { "history is complete", true, true, true, 1, HISTORY_COMPLETE, true },
    { "history is off", true, true, true, 1, HISTORY_OFF, true },
    { "history has come to its limit", true, true, true, 1, HISTORY_LIMITED_BY_SIZE, true },
    { "no logins are collected", false, true, false, 0, HISTORY_OFF, true },
};

static void check_end(void **state)
{
    const struct end *row = *state;

    setup(NULL);
    begin_sync(row->with_history);
    assert_int_equal(call->topic, connector_topic(&acme));
    acme.snapshot.tail_rounds += row->rounds;
    acme.snapshot.history = row->history;
    acme.snapshot.collections[COLLECTION_USERS].is_complete = row->users_complete;
    acme.snapshot.collections[COLLECTION_LOGINS].is_chosen = row->logins_chosen;
    assert_true(turn(call));
    assert_int_equal(says_done(call), row->is_done);
    turn(call);
    assert_int_equal(call->is_over, row->is_done);
    if (row->is_done)
        assert_int_equal(call->end.code, ERROR_OK);
    teardown(NULL);
}

static void progress_has_a_pace(void **state)
{
    (void)state;
    begin_sync(false);
    assert_true(turn(call));  /* at the start */
    assert_false(turn(call)); /* nothing changed */
    acme.snapshot.version++;
    now_ms += 99;
    assert_false(turn(call)); /* too soon: ten a second */
    assert_int_equal(call->timer_ms, 100100);
    now_ms += 1;
    assert_true(turn(call));
    assert_false(says_done(call));
}

static void the_end_does_not_wait_for_the_pace(void **state)
{
    (void)state;
    begin_sync(false);
    assert_true(turn(call));
    acme.snapshot.version++;
    acme.snapshot.tail_rounds++;
    assert_true(turn(call));
    assert_true(says_done(call));
    assert_false(turn(call));
    assert_true(call->is_over);
    assert_int_equal(call->messages, 2);
}

static void a_second_caller_joins_the_run(void **state)
{
    struct call *first = call;
    sync_type *one, *two;

    (void)state;
    begin_sync(false);
    turn(call);
    new_call();
    rounds_at_poll = 8; /* a poll was under way: the one after it is meant */
    begin_sync(false);
    turn(call);
    one = said(first);
    two = said(call);
    assert_false(one->joined);
    assert_true(two->joined);
    assert_string_equal(one->sync_id, two->sync_id);
    assert_int_equal(strlen(one->sync_id), 32);
    okta__connector__v1__sync_response__free_unpacked(one, NULL);
    okta__connector__v1__sync_response__free_unpacked(two, NULL);

    acme.snapshot.tail_rounds = 8;
    acme.snapshot.version++;
    assert_true(turn(first));
    assert_true(says_done(first));
    now_ms += 1000;
    turn(call);
    assert_false(says_done(call)); /* its own poll has not come back */
    drop_call(first);
}

static void a_run_that_is_done_is_not_joined(void **state)
{
    struct call *first = call;
    sync_type *one, *two;

    (void)state;
    begin_sync(false);
    acme.snapshot.tail_rounds++;
    turn(call);
    new_call();
    rounds_at_poll = acme.snapshot.tail_rounds;
    begin_sync(false);
    turn(call);
    one = said(first);
    two = said(call);
    assert_false(two->joined);
    assert_string_not_equal(one->sync_id, two->sync_id);
    okta__connector__v1__sync_response__free_unpacked(one, NULL);
    okta__connector__v1__sync_response__free_unpacked(two, NULL);
    drop_call(first);
}

static void a_run_outlives_its_callers(void **state)
{
    sync_type *s;

    (void)state;
    begin_sync(false);
    turn(call);
    drop_call(call); /* it left early */
    new_call();
    begin_sync(false);
    turn(call);
    s = said(call);
    assert_true(s->joined);
    okta__connector__v1__sync_response__free_unpacked(s, NULL);
}

static void a_dead_token_ends_it(void **state)
{
    (void)state;
    begin_sync(false);
    turn(call);
    acme.snapshot.state = CONNECTOR_RECONNECT_REQUIRED;
    turn(call);
    assert_int_equal(call->end.code, ERROR_FAILED_PRECONDITION);
    assert_string_equal(call->end.reason, "OKTA_TOKEN_REFUSED");
}

static void a_delete_ends_it(void **state)
{
    (void)state;
    begin_sync(false);
    turn(call);
    acme.is_deleted = true;
    turn(call);
    assert_int_equal(call->end.code, ERROR_UNAVAILABLE);
    assert_string_equal(call->end.reason, "CONNECTOR_DELETED");
}

static void a_shutdown_ends_it(void **state)
{
    const struct error going = { .code = ERROR_UNAVAILABLE, .reason = "SHUTTING_DOWN", .text = "going" };

    (void)state;
    begin_sync(false);
    turn(call);
    call->ops->drain(call->stream, call, &going);
    assert_int_equal(call->end.code, ERROR_UNAVAILABLE);
    assert_string_equal(call->end.reason, "SHUTTING_DOWN");
}

static void the_callers_deadline_ends_it(void **state)
{
    const struct error late = { .code = ERROR_DEADLINE_EXCEEDED, .reason = "DEADLINE_EXCEEDED", .text = "late" };

    (void)state;
    begin_sync(false);
    turn(call);
    call->ops->drain(call->stream, call, &late);
    assert_int_equal(call->end.code, ERROR_DEADLINE_EXCEEDED);
    assert_string_equal(call->end.reason, "DEADLINE_EXCEEDED");
}

static void one_that_cannot_poll_says_so(void **state)
{
    (void)state;
    error_reason(&poll_error, ERROR_FAILED_PRECONDITION, "RETIRED", "retired");
    begin_sync(false);
    assert_true(call->is_over);
    assert_string_equal(call->end.reason, "RETIRED");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(configure_hands_on_what_was_asked),
        TEST(configure_hands_on_a_service_app_as_one_text),
        TEST(a_private_key_has_a_size),
        TEST(configure_without_a_token_keeps_it),
        TEST(a_collection_that_nobody_knows_is_refused),
        TEST(a_refused_configure_says_why),
        TEST(delete_says_what_remains),
        TEST(status_lists_all_also_those_without_a_store),
        TEST(status_knows_one_by_name),
        TEST(status_says_what_is_signed_in_with),
        TEST(status_of_nobody),
        TEST(what_never_happened_is_absent),
        TEST(status_says_what_a_poller_shows),
        TEST(status_shows_the_store_and_its_readers),
        TEST(progress_has_a_pace),
        TEST(the_end_does_not_wait_for_the_pace),
        TEST(a_second_caller_joins_the_run),
        TEST(a_run_that_is_done_is_not_joined),
        TEST(a_run_outlives_its_callers),
        TEST(a_dead_token_ends_it),
        TEST(a_delete_ends_it),
        TEST(a_shutdown_ends_it),
        TEST(the_callers_deadline_ends_it),
        TEST(one_that_cannot_poll_says_so),
    };

    return RUN_ROWS(check_end, ends) + cmocka_run_group_tests(tests, NULL, NULL);
}
