#include "service/convert.h"

#include "model/state.h"
#include "store/journal.h"

#include <string.h>

Google__Protobuf__Timestamp *convert_time(struct scratch *s, int64_t unix_ms)
{
    Google__Protobuf__Timestamp *t;

    if (unix_ms <= 0)
        return NULL;
    t = scratch_zero(s, sizeof *t);
    google__protobuf__timestamp__init(t);
    t->seconds = unix_ms / 1000;
    t->nanos = (int32_t)(unix_ms % 1000) * 1000000;
    return t;
}

static Google__Protobuf__Duration *convert_duration(struct scratch *s, int64_t ms)
{
    Google__Protobuf__Duration *d = scratch_zero(s, sizeof *d);

    google__protobuf__duration__init(d);
    d->seconds = ms / 1000;
    d->nanos = (int32_t)(ms % 1000) * 1000000;
    return d;
}

static Okta__Connector__V1__TailStatus *convert_tail(struct scratch *s, const struct poller_snapshot *p)
{
    Okta__Connector__V1__TailStatus *t = scratch_zero(s, sizeof *t);

    okta__connector__v1__tail_status__init(t);
    t->last_success = convert_time(s, p->tail_success_unix_ms);
    t->last_attempt = convert_time(s, p->tail_attempt_unix_ms);
    t->last_published = convert_time(s, p->tail_published_ms);
    t->at_head = p->tail_at_head;
    t->interval = convert_duration(s, p->tail_interval_ms);
    t->events_read = p->events_read;
    t->logins_stored = p->logins_stored;
    t->duplicates_dropped = p->duplicates_dropped;
    t->late = p->late;
    t->unparsed = p->unparsed;
    return t;
}

Okta__Connector__V1__HistoryStatus *convert_history(struct scratch *s, const struct poller_snapshot *p)
{
    Okta__Connector__V1__HistoryStatus *h = scratch_zero(s, sizeof *h);

    okta__connector__v1__history_status__init(h);
    h->state = (Okta__Connector__V1__HistoryState)p->history;
    h->reached = convert_time(s, p->history_reached_ms);
    h->target = convert_time(s, p->history_target_ms);
    h->logins_stored = p->history_stored;
    return h;
}

Okta__Connector__V1__CollectionStatus **convert_collections(struct scratch *s, const struct poller_snapshot *p,
                                                            size_t *count)
{
    const struct collection *c;
    Okta__Connector__V1__CollectionStatus **rows = scratch_zero(s, COLLECTION_IDS_MAX * sizeof(*rows));

    *count = 0;
    for (size_t i = 0; (c = collection_at(i)) != NULL; i++) {
        const struct collection_snapshot *from = &p->collections[c->id];
        Okta__Connector__V1__CollectionStatus *row;

        if (!from->is_chosen)
            continue;
        row = rows[(*count)++] = scratch_zero(s, sizeof *row);
        okta__connector__v1__collection_status__init(row);
        row->collection = (Okta__Connector__V1__Collection)c->id;
        row->objects = from->objects;
        row->complete = from->is_complete;
        row->last_success = convert_time(s, from->last_success_unix_ms);
        row->pages = from->pages;
        row->listed = from->listed;
    }
    return rows;
}

Okta__Connector__V1__Wait **convert_waits(struct scratch *s, const struct poller_snapshot *p, size_t *count)
{
    Okta__Connector__V1__Wait **rows = scratch_zero(s, WAITS_MAX * sizeof(*rows));

    *count = p->wait_count;
    for (size_t i = 0; i < p->wait_count; i++) {
        const struct wait_snapshot *from = &p->waits[i];
        Okta__Connector__V1__Wait *row = rows[i] = scratch_zero(s, sizeof *row);

        okta__connector__v1__wait__init(row);
        row->what = scratch_text(s, from->what);
        row->bucket = scratch_text(s, from->bucket);
        row->until = convert_time(s, from->until_unix_ms);
        row->reason = scratch_text(s, from->reason);
    }
    return rows;
}

Okta__Connector__V1__Plan *convert_plan(struct scratch *s, const struct poller_snapshot *p)
{
    Okta__Connector__V1__Plan *plan;

    if (p->plan.count == 0)
        return NULL;
    plan = scratch_zero(s, sizeof *plan);
    okta__connector__v1__plan__init(plan);
    plan->calls = scratch_zero(s, PLAN_PARTS_MAX * sizeof *plan->calls);
    plan->n_calls = p->plan.count;
    for (size_t i = 0; i < p->plan.count; i++) {
        const struct plan_part *from = &p->plan.parts[i];
        Okta__Connector__V1__PlannedCalls *row = plan->calls[i] = scratch_zero(s, sizeof *row);

        okta__connector__v1__planned_calls__init(row);
        row->what = scratch_text(s, from->what);
        row->bucket = scratch_text(s, from->bucket);
        row->known = from->is_known;
        row->calls_left = from->calls_left;
        row->left = from->is_known ? convert_duration(s, from->ms) : NULL;
    }
    plan->left = p->plan.is_known ? convert_duration(s, p->plan.ms) : NULL;
    plan->eta = convert_time(s, p->plan_eta_unix_ms);
    return plan;
}

static uint32_t convert_natural(int32_t n)
{
    return n > 0 ? (uint32_t)n : 0;
}

static Okta__Connector__V1__BudgetStatus **convert_budgets(struct scratch *s, const struct poller_snapshot *p)
{
    Okta__Connector__V1__BudgetStatus **rows = scratch_zero(s, OKTA_BUCKETS_MAX * sizeof(*rows));

    for (size_t i = 0; i < p->bucket_count; i++) {
        const struct okta_bucket *from = &p->buckets[i];
        Okta__Connector__V1__BudgetStatus *row = rows[i] = scratch_zero(s, sizeof *row);

        okta__connector__v1__budget_status__init(row);
        row->bucket = scratch_text(s, from->name);
        row->limit = convert_natural(from->limit);
        row->remaining = convert_natural(from->remaining);
        row->reset = convert_time(s, from->reset_unix_s * 1000);
        row->spent = convert_natural(from->spent);
        row->share_percent = convert_natural(from->share_percent);
    }
    return rows;
}

static Okta__Connector__V1__LastError *last_error(struct scratch *s, const struct poller_snapshot *p)
{
    Okta__Connector__V1__LastError *e;

    if (p->error_unix_ms <= 0)
        return NULL;
    e = scratch_zero(s, sizeof *e);
    okta__connector__v1__last_error__init(e);
    e->when = convert_time(s, p->error_unix_ms);
    e->message = scratch_text(s, p->error_message);
    e->http_status = convert_natural(p->error_http_status);
    e->error_code = scratch_text(s, p->error_code);
    e->request_id = scratch_text(s, p->error_request_id);
    return e;
}

static void put_poller(struct scratch *s, const struct poller_snapshot *p, Okta__Connector__V1__ConnectorStatus *out)
{
    out->state = (Okta__Connector__V1__ConnectorState)p->state;
    out->state_since = convert_time(s, p->state_since_unix_ms);
    out->state_reason = scratch_text(s, p->state_reason);
    out->state_reason_code = (Okta__Connector__V1__Reason)p->reason;
    out->remedy = (char *)reason_remedy(p->reason);
    out->tail = convert_tail(s, p);
    out->history = convert_history(s, p);
    out->collections = convert_collections(s, p, &out->n_collections);
    out->budgets = convert_budgets(s, p);
    out->n_budgets = p->bucket_count;
    out->waits = convert_waits(s, p, &out->n_waits);
    out->plan = convert_plan(s, p);
    out->last_error = last_error(s, p);
    out->requests = p->counts.requests;
    out->requests_429 = p->counts.answers_429;
    out->requests_failed = p->counts.failed;
}

static bool put_store(struct scratch *s, struct store *store, Okta__Connector__V1__ConnectorStatus *out,
                      struct error *err)
{
    Okta__Connector__V1__StoreStatus *t;
    struct journal_bounds bounds;
    struct store_usage usage;

    if (store == NULL)
        return true;
    if (!journal_bounds(store, &bounds, err) || !store_usage(store, &usage, err))
        return false;
    t = out->store = scratch_zero(s, sizeof *t);
    okta__connector__v1__store_status__init(t);
    t->epoch = scratch_text(s, store_epoch(store));
    t->oldest_sequence = bounds.oldest;
    t->head_sequence = bounds.head;
    t->events = bounds.count;
    t->oldest_published =
        bounds.oldest_published_ms == JOURNAL_NO_TIME ? NULL : convert_time(s, bounds.oldest_published_ms);
    t->events_pruned = bounds.pruned;
    t->bytes = usage.bytes;
    t->max_bytes = usage.max_bytes;
    return true;
}

/* Bounded, since an answer has a maximum size. */
#define SUBSCRIBERS_MAX 256

static bool put_subscribers(struct scratch *s, const struct service *service, struct connector *c,
                            Okta__Connector__V1__ConnectorStatus *out, struct error *err)
{
    struct subscriber_snapshot *from = scratch_zero(s, SUBSCRIBERS_MAX * sizeof *from);
    size_t count = subscribers_list(service->subscribers, connector_topic(c), from, SUBSCRIBERS_MAX);

    out->n_subscribers = count < SUBSCRIBERS_MAX ? count : SUBSCRIBERS_MAX;
    out->subscribers = scratch_zero(s, (out->n_subscribers + 1) * sizeof *out->subscribers);
    for (size_t i = 0; i < out->n_subscribers; i++) {
        Okta__Connector__V1__Subscriber *row = out->subscribers[i] = scratch_zero(s, sizeof *row);

        okta__connector__v1__subscriber__init(row);
        row->peer = from[i].peer;
        row->since = convert_time(s, from[i].since_unix_ms);
        row->sequence = from[i].sequence;
        row->events_sent = from[i].events_sent;
        row->bytes_sent = from[i].bytes_sent;
        if (!journal_count_after(connector_store(c), row->sequence, &row->lag_events, err))
            return false;
    }
    return true;
}

/* Splits a blank-separated list of scopes. */
static char **convert_scopes(struct scratch *s, const char *text, size_t *count)
{
    char *copy = scratch_text(s, text), *place = NULL;
    char **rows = scratch_zero(s, (strlen(text) / 2 + 1) * sizeof *rows);

    *count = 0;
    for (char *one = strtok_r(copy, " ", &place); one != NULL; one = strtok_r(NULL, " ", &place))
        rows[(*count)++] = one;
    return rows;
}

static Okta__Connector__V1__CredentialStatus *convert_credential(struct scratch *s, struct connector *c,
                                                                 const struct poller_snapshot *now)
{
    Okta__Connector__V1__CredentialStatus *row = scratch_zero(s, sizeof *row);
    struct credential_facts facts;

    connector_credential(c, &facts);
    if (facts.kind == CREDENTIAL_NONE)
        return NULL;
    okta__connector__v1__credential_status__init(row);
    row->kind = (Okta__Connector__V1__CredentialKind)facts.kind;
    row->client_id = scratch_text(s, facts.client_id);
    row->fingerprint = scratch_text(s, facts.fingerprint);
    row->set_since = convert_time(s, facts.set_unix_ms);
    row->from_file = facts.is_from_file;
    if (facts.kind == CREDENTIAL_SERVICE_APP) {
        row->scopes_granted = convert_scopes(s, now->grants.granted, &row->n_scopes_granted);
        row->scopes_missing = convert_scopes(s, now->grants.missing, &row->n_scopes_missing);
    }
    return row;
}

bool convert_connector(struct scratch *s, const struct service *service, struct connector *c,
                       Okta__Connector__V1__ConnectorStatus **out, struct error *err)
{
    struct poller_snapshot *now = scratch_zero(s, sizeof *now);
    char *url = scratch_zero(s, REGISTRY_URL_MAX + 1);

    *out = scratch_zero(s, sizeof **out);
    okta__connector__v1__connector_status__init(*out);
    connector_snapshot(c, now);
    connector_org_url(c, url);
    (*out)->name = (char *)connector_name(c);
    (*out)->org_id = (char *)connector_org_id(c);
    (*out)->org_url = url;
    put_poller(s, now, *out);
    (*out)->credential = convert_credential(s, c, now);
    return put_store(s, connector_store(c), *out, err) &&
           (connector_store(c) == NULL || put_subscribers(s, service, c, *out, err));
}

Okta__Connector__V1__ConfigureResponse *convert_configured(struct scratch *s, const struct configure_result *result)
{
    Okta__Connector__V1__ConfigureResponse *out = scratch_zero(s, sizeof *out);

    okta__connector__v1__configure_response__init(out);
    out->name = (char *)result->name;
    out->org_id = (char *)result->org_id;
    out->org_url = (char *)result->org_url;
    out->stored = result->stored;
    out->created = result->created;
    out->n_permissions = result->permission_count;
    out->permissions = scratch_zero(s, PERMISSIONS_MAX * sizeof *out->permissions);
    for (size_t i = 0; i < result->permission_count; i++) {
        const struct permission *from = &result->permissions[i];
        Okta__Connector__V1__Permission *row = out->permissions[i] = scratch_zero(s, sizeof *row);

        okta__connector__v1__permission__init(row);
        row->collection = (Okta__Connector__V1__Collection)from->collection;
        row->endpoint = (char *)from->endpoint;
        row->verdict = (Okta__Connector__V1__PermissionVerdict)from->verdict;
        row->remedy = (char *)from->remedy;
        row->http_status = convert_natural(from->http_status);
        row->error_code = (char *)from->error_code;
        row->request_id = (char *)from->request_id;
        row->missing_scope = (char *)from->missing_scope;
    }
    out->n_warnings = result->warning_count;
    out->warnings = scratch_zero(s, CONFIGURE_WARNINGS_MAX * sizeof *out->warnings);
    for (size_t i = 0; i < result->warning_count; i++)
        out->warnings[i] = (char *)result->warnings[i];
    return out;
}
