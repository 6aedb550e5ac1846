/* What the poller shows of itself: gathered on its thread, copied under the lock. */
#include "base/log.h"
#include "model/state.h"
#include "poller/poller_internal.h"

#include <stdio.h>
#include <string.h>

static void copy_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%.*s", (int)size - 1, text);
}

enum connector_reason show_reason_of(const struct okta_answer *a)
{
    switch (a->verdict) {
    case OKTA_CREDENTIAL_REFUSED:
        return REASON_TOKEN_REFUSED;
    case OKTA_SCOPE_MISSING:
        return REASON_SCOPE_MISSING;
    case OKTA_FORBIDDEN:
        return REASON_ROLE_MISSING;
    case OKTA_GONE:
    case OKTA_FEATURE_ABSENT:
        return REASON_FEATURE_ABSENT;
    default:
        break;
    }
    if (a->http_status == 0)
        return REASON_UNREACHABLE;
    if (a->http_status == 429)
        return REASON_RATE_LIMITED;
    return a->http_status >= 500 ? REASON_SERVER_ERROR : REASON_ANSWER_UNUSABLE;
}

void show_error(struct poller *p, const struct okta_answer *a)
{
    struct poller_snapshot *now = &p->now;

    now->error_unix_ms = poller_unix_ms(p);
    now->error_http_status = a->http_status;
    copy_text(now->error_message, sizeof now->error_message, a->message);
    copy_text(now->error_code, sizeof now->error_code, a->error_code);
    copy_text(now->error_request_id, sizeof now->error_request_id, a->request_id);
}

/* ---- state ---- */

static const struct lane *degraded_lane(const struct poller *p)
{
    for (int i = 0; i < LANES; i++)
        if (lane_is_degraded(&p->lanes[i]))
            return &p->lanes[i];
    return NULL;
}

static bool has_first_sync(const struct poller *p)
{
    return (!p->lanes[LANE_TAIL].is_on || p->now.tail_rounds > 0) &&
           (!p->lanes[LANE_USERS].is_on || p->users.is_complete);
}

/* What is to be shown of the state. */
struct standing {
    enum connector_state state;
    enum connector_reason why;
    char reason[REASON_MAX];
};

static void stand(struct standing *s, enum connector_state state, enum connector_reason why, const char *format, ...)
    PRINTF(4, 5);
static void stand(struct standing *s, enum connector_state state, enum connector_reason why, const char *format, ...)
{
    va_list args;

    s->state = state;
    s->why = why;
    va_start(args, format);
    vsnprintf(s->reason, sizeof s->reason, format, args);
    va_end(args);
}

/* While a refusal is not believed, nothing moves: what waits for it is among the waits. */
static void stand_still(const struct poller *p, struct standing *s)
{
    bool was_dead = p->now.state == CONNECTOR_RECONNECT_REQUIRED;

    if (was_dead)
        stand(s, CONNECTOR_DEGRADED, REASON_TOKEN_REFUSED, "Okta refused the new credential once: asking again");
    else
        stand(s, p->now.state, p->now.reason, "%s", p->now.state_reason);
}

static void stand_well(const struct poller *p, struct standing *s)
{
    if (!p->has_answer)
        stand(s, CONNECTOR_STARTING, REASON_NO_ANSWER_YET, "no answer from Okta yet");
    else if (!has_first_sync(p))
        stand(s, CONNECTOR_SYNCING, REASON_FIRST_SYNC, "the first sync is under way");
    else if (silence_is_on(&p->silence))
        stand(s, CONNECTOR_LIVE, REASON_LOG_SILENT,
              "Okta answers, but its log brings far fewer events than at this hour of the last weeks");
    else
        stand(s, CONNECTOR_LIVE, REASON_NONE, "%s", "");
}

static void find_standing(const struct poller *p, struct standing *s)
{
    const struct lane *degraded = degraded_lane(p);

    if (p->credential.state == CREDENTIAL_DEAD)
        stand(s, CONNECTOR_RECONNECT_REQUIRED, REASON_TOKEN_REFUSED,
              "Okta refuses the API token: make a new one and configure the connector with it");
    else if (p->store_reason[0] != '\0')
        stand(s, CONNECTOR_DEGRADED, p->store_why, "cannot write, trying again: %.200s", p->store_reason);
    else if (degraded != NULL)
        stand(s, CONNECTOR_DEGRADED, degraded->why, "%s: %.220s", degraded->row->name, degraded->reason);
    else if (p->credential.state == CREDENTIAL_SUSPECT)
        stand_still(p, s);
    else
        stand_well(p, s);
}

static void log_standing(const struct poller *p, const struct standing *s)
{
    enum log_level level = s->state == CONNECTOR_RECONNECT_REQUIRED                        ? LOG_ERROR
                           : s->state == CONNECTOR_DEGRADED || s->why == REASON_LOG_SILENT ? LOG_WARN
                                                                                           : LOG_INFO;

    log_write(level, "connector.state", "org=%s was=%s state=%s code=%s reason=%s remedy=%s", p->url.host,
              state_name(p->now.state), state_name(s->state), reason_name(s->why), s->reason, reason_remedy(s->why));
}

static void show_state(struct poller *p)
{
    struct poller_snapshot *now = &p->now;
    struct standing s;

    find_standing(p, &s);
    now->is_log_silent = silence_is_on(&p->silence);
    copy_text(now->state_reason, sizeof now->state_reason, s.reason);
    if (s.state == now->state && s.why == now->reason)
        return;
    log_standing(p, &s);
    if (s.state != now->state)
        now->state_since_unix_ms = poller_unix_ms(p);
    /* A silent log is counted for itself. */
    if (s.state != now->state || (s.why != REASON_LOG_SILENT && now->reason != REASON_LOG_SILENT))
        now->state_changes++;
    now->state = s.state;
    now->reason = s.why;
}

/* ---- waits ---- */

static int64_t unix_of(const struct poller *p, int64_t mono_ms)
{
    return poller_unix_ms(p) + mono_ms - poller_mono_ms(p);
}

static const char *lane_name(const struct poller *p, enum okta_lane priority)
{
    for (int i = 0; i < LANES; i++)
        if (p->lanes[i].row->priority == priority)
            return p->lanes[i].row->name;
    return "";
}

static void add_wait(struct poller *p, const char *what, const char *bucket, int64_t until_mono_ms, const char *reason)
{
    struct wait_snapshot *wait;

    if (p->now.wait_count == WAITS_MAX)
        return;
    wait = &p->now.waits[p->now.wait_count++];
    copy_text(wait->what, sizeof wait->what, what);
    copy_text(wait->bucket, sizeof wait->bucket, bucket);
    copy_text(wait->reason, sizeof wait->reason, reason);
    wait->until_unix_ms = unix_of(p, until_mono_ms);
}

static void show_waits(struct poller *p)
{
    struct poller_snapshot *now = &p->now;
    int64_t mono_ms = poller_mono_ms(p);

    memset(now->waits, 0, sizeof now->waits);
    now->wait_count = 0;
    now->bucket_count = okta_buckets(p->okta, now->buckets);
    for (size_t i = 0; i < now->bucket_count; i++) {
        const struct okta_bucket *b = &now->buckets[i];

        if (b->blocked_until_mono_ms > mono_ms)
            add_wait(p, lane_name(p, b->blocked_lane), b->name, b->blocked_until_mono_ms, b->reason);
    }
    for (int i = 0; i < LANES; i++) {
        const struct lane *l = &p->lanes[i];

        if (l->is_on && l->not_before_mono_ms > mono_ms && l->reason[0] != '\0')
            add_wait(p, l->row->name, "", l->not_before_mono_ms, l->reason);
    }
    if (p->yield_until_mono_ms > mono_ms)
        add_wait(p, "budget", "", p->yield_until_mono_ms,
                 "the org's log warns of its rate limits: we take half of our share, and history waits");
    if (p->credential.state != CREDENTIAL_GOOD && !p->credential.in_flight)
        add_wait(p, "credential", "", p->credential.due_mono_ms, "Okta refused the API token");
}

/* ---- what is held ---- */

static enum connector_history history_of(const struct poller *p)
{
    static const enum connector_history shown[] = {
        [BACKFILL_RUNNING] = HISTORY_RUNNING,
        [BACKFILL_COMPLETE] = HISTORY_COMPLETE,
        [BACKFILL_LIMITED] = HISTORY_LIMITED_BY_SIZE,
    };

    if (!p->lanes[LANE_BACKFILL].is_on || p->settings.history_days == 0)
        return HISTORY_OFF;
    return shown[p->backfill.status];
}

static void show_collections(struct poller *p)
{
    struct collection_snapshot *logins = &p->now.collections[COLLECTION_LOGINS];
    struct collection_snapshot *users = &p->now.collections[COLLECTION_USERS];

    logins->is_chosen = p->lanes[LANE_TAIL].is_on;
    logins->is_complete = p->tail.has_reached_head;
    users->is_chosen = p->lanes[LANE_USERS].is_on;
    users->is_complete = p->users.is_complete;
    users->pages = (uint64_t)p->users.pages;
    users->listed = (uint64_t)p->users.listed;
    p->now.history = history_of(p);
    p->now.history_target_ms = p->now.history == HISTORY_OFF ? 0 : backfill_target_ms(p);
    p->now.history_reached_ms =
        p->backfill.has_begun && p->backfill.reached_ms < p->tail.start_ms ? p->backfill.reached_ms : 0;
}

static void show_objects(struct poller *p)
{
    struct journal_bounds bounds;
    struct error err;

    if (!p->has_new_objects)
        return;
    if (journal_bounds(p->store, &bounds, &err)) {
        p->now.collections[COLLECTION_LOGINS].objects = bounds.count;
        p->now.history_stored = bounds.backfilled;
    }
    if (directory_count(p->store, DIRECTORY_USERS, &p->now.collections[COLLECTION_USERS].objects, &err))
        p->has_new_objects = false;
}

void show_publish(struct poller *p)
{
    const struct lane *tail = &p->lanes[LANE_TAIL];

    if (!p->is_dirty)
        return;
    p->is_dirty = false;
    show_collections(p);
    show_objects(p);
    show_waits(p);
    plan_show(p);
    show_state(p);
    p->now.counts = okta_counts(p->okta);
    p->now.grants = okta_grants(p->okta);
    p->now.version++;
    pthread_mutex_lock(&p->shared.lock);
    p->shared.shown = p->now;
    p->shared.tail_busy = tail->in_flight || tail->has_answer || tail->page.is_there;
    pthread_mutex_unlock(&p->shared.lock);
    if (p->options.changed != NULL)
        p->options.changed(p->options.ctx);
}
