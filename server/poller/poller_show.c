/* The snapshot: gathered on the poller's thread, copied under the lock. */
#include "base/assert.h"
#include "base/log.h"
#include "model/state.h"
#include "poller/poller_internal.h"

#include <stdio.h>
#include <string.h>

static void show_text(char *out, size_t size, const char *text)
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
    show_text(now->error_message, sizeof now->error_message, a->message);
    show_text(now->error_code, sizeof now->error_code, a->error_code);
    show_text(now->error_request_id, sizeof now->error_request_id, a->request_id);
}

/* ---- state ---- */

static const struct lane *show_degraded_lane(const struct poller *p)
{
    for (size_t i = 0; i < p->lane_count; i++)
        if (lane_is_degraded(&p->lanes[i]))
            return &p->lanes[i];
    return NULL;
}

/* The tail has reached the head once, and every first listing has finished. */
static bool show_is_synced(const struct poller *p)
{
    for (size_t i = 0; i < p->lane_count; i++) {
        const struct lane *l = &p->lanes[i];

        if (l->is_on && l->kind == &listing_lane && !l->listing.is_complete)
            return false;
    }
    return !p->tail_of_log->is_on || p->now.tail_rounds > 0;
}

struct standing {
    enum connector_state state;
    enum connector_reason why;
    char reason[REASON_MAX];
};

static void standing_set(struct standing *s, enum connector_state state, enum connector_reason why, const char *format,
                         ...) PRINTF(4, 5);
static void standing_set(struct standing *s, enum connector_state state, enum connector_reason why, const char *format,
                         ...)
{
    va_list args;

    s->state = state;
    s->why = why;
    va_start(args, format);
    vsnprintf(s->reason, sizeof s->reason, format, args);
    va_end(args);
}

/* While a refusal of the credential is not believed yet, the state stays; the waits show that nothing is asked
 * meanwhile. */
static void standing_while_in_doubt(const struct poller *p, struct standing *s)
{
    bool was_dead = p->now.state == CONNECTOR_RECONNECT_REQUIRED;

    if (was_dead)
        standing_set(s, CONNECTOR_DEGRADED, REASON_TOKEN_REFUSED, "Okta refused the new credential once: asking again");
    else
        standing_set(s, p->now.state, p->now.reason, "%s", p->now.state_reason);
}

static void standing_without_trouble(const struct poller *p, struct standing *s)
{
    if (!p->has_answer)
        standing_set(s, CONNECTOR_STARTING, REASON_NO_ANSWER_YET, "no answer from Okta yet");
    else if (!show_is_synced(p))
        standing_set(s, CONNECTOR_SYNCING, REASON_FIRST_SYNC, "the first sync is under way");
    else if (silence_is_on(&p->silence))
        standing_set(s, CONNECTOR_LIVE, REASON_LOG_SILENT,
                     "Okta answers, but its log brings far fewer events than at this hour of the last weeks");
    else
        standing_set(s, CONNECTOR_LIVE, REASON_NONE, "%s", "");
}

static void standing_find(const struct poller *p, struct standing *s)
{
    const struct lane *degraded = show_degraded_lane(p);

    if (p->credential.state == CREDENTIAL_DEAD)
        standing_set(s, CONNECTOR_RECONNECT_REQUIRED, REASON_TOKEN_REFUSED,
                     "Okta refuses the API token: make a new one and configure the connector with it");
    else if (p->store_reason[0] != '\0')
        standing_set(s, CONNECTOR_DEGRADED, p->store_why, "cannot write, trying again: %.200s", p->store_reason);
    else if (degraded != NULL)
        standing_set(s, CONNECTOR_DEGRADED, degraded->why, "%s: %.220s", degraded->name, degraded->reason);
    else if (p->credential.state == CREDENTIAL_SUSPECT)
        standing_while_in_doubt(p, s);
    else
        standing_without_trouble(p, s);
}

static void standing_log(const struct poller *p, const struct standing *s)
{
    enum log_level level = s->state == CONNECTOR_RECONNECT_REQUIRED                        ? LOG_ERROR
                           : s->state == CONNECTOR_DEGRADED || s->why == REASON_LOG_SILENT ? LOG_WARN
                                                                                           : LOG_INFO;

    log_write(level, "connector.state", "org=%s was=%s state=%s code=%s reason=%s remedy=%s", p->url.host,
              state_name(p->now.state), state_name(s->state), reason_name(s->why), s->reason, reason_remedy(s->why));
}

static void show_fill_state(struct poller *p)
{
    struct poller_snapshot *now = &p->now;
    struct standing s;

    standing_find(p, &s);
    now->is_log_silent = silence_is_on(&p->silence);
    show_text(now->state_reason, sizeof now->state_reason, s.reason);
    if (s.state == now->state && s.why == now->reason)
        return;
    standing_log(p, &s);
    if (s.state != now->state)
        now->state_since_unix_ms = poller_unix_ms(p);
    /* A log that falls silent is counted in log_silences instead. */
    if (s.state != now->state || (s.why != REASON_LOG_SILENT && now->reason != REASON_LOG_SILENT))
        now->state_changes++;
    now->state = s.state;
    now->reason = s.why;
}

/* ---- waits ---- */

static int64_t show_unix_of(const struct poller *p, int64_t mono_ms)
{
    return poller_unix_ms(p) + mono_ms - poller_mono_ms(p);
}

static void show_wait(struct poller *p, const char *what, const char *bucket, int64_t until_mono_ms, const char *reason)
{
    struct wait_snapshot *wait;

    ASSERT(p->now.wait_count < WAITS_MAX);
    wait = &p->now.waits[p->now.wait_count++];
    show_text(wait->what, sizeof wait->what, what);
    show_text(wait->bucket, sizeof wait->bucket, bucket);
    show_text(wait->reason, sizeof wait->reason, reason);
    wait->until_unix_ms = show_unix_of(p, until_mono_ms);
}

static void show_fill_waits(struct poller *p)
{
    struct poller_snapshot *now = &p->now;
    int64_t mono_ms = poller_mono_ms(p);

    memset(now->waits, 0, sizeof now->waits);
    now->wait_count = 0;
    now->bucket_count = okta_buckets(p->okta, now->buckets);
    for (size_t i = 0; i < now->bucket_count; i++) {
        const struct okta_bucket *b = &now->buckets[i];

        if (b->blocked_until_mono_ms > mono_ms)
            show_wait(p, b->blocked_who, b->name, b->blocked_until_mono_ms, b->reason);
    }
    EACH_LANE(p, l)
    if (l->is_on && l->not_before_mono_ms > mono_ms && l->reason[0] != '\0')
        show_wait(p, l->name, "", l->not_before_mono_ms, l->reason);
    if (p->yield_until_mono_ms > mono_ms)
        show_wait(p, "budget", "", p->yield_until_mono_ms,
                  "the org's log warns of its rate limits: we spend half of our share, and the history pauses");
    if (p->credential.state != CREDENTIAL_GOOD && !p->credential.in_flight)
        show_wait(p, "credential", "", p->credential.due_mono_ms, "Okta refused the API token");
}

/* ---- what is held ---- */

static enum connector_history show_history_state(const struct poller *p)
{
    static const enum connector_history shown[] = {
        [HISTORY_GOES_ON] = HISTORY_RUNNING,
        [HISTORY_IS_COMPLETE] = HISTORY_COMPLETE,
        [HISTORY_IS_LIMITED] = HISTORY_LIMITED_BY_SIZE,
    };

    if (!p->history_of_log->is_on || p->settings.history_days == 0)
        return HISTORY_OFF;
    return shown[p->history.progress];
}

static void show_fill_collections(struct poller *p)
{
    struct collection_snapshot *log = &p->now.collections[p->tail_of_log->collection->id];

    log->is_chosen = p->tail_of_log->is_on;
    log->is_complete = p->tail.has_reached_head;
    EACH_LANE(p, l)
    {
        struct collection_snapshot *shown = &p->now.collections[l->collection->id];

        if (l->kind != &listing_lane)
            continue;
        shown->is_chosen = l->is_on;
        shown->is_complete = l->listing.is_complete;
        shown->pages = (uint64_t)l->listing.pages;
        shown->listed = (uint64_t)l->listing.listed;
    }
    p->now.history = show_history_state(p);
    p->now.history_target_ms = p->now.history == HISTORY_OFF ? 0 : history_target_ms(p);
    p->now.history_reached_ms =
        p->history.has_begun && p->history.reached_ms < p->tail.start_ms ? p->history.reached_ms : 0;
}

/* How many objects the store holds: read again after each commit. */
static void show_objects(struct poller *p)
{
    struct journal_bounds bounds;
    struct error err;
    bool ok;

    if (!p->has_new_objects)
        return;
    ok = journal_bounds(p->store, &bounds, &err);
    if (ok) {
        p->now.collections[p->tail_of_log->collection->id].objects = bounds.count;
        p->now.history_stored = bounds.backfilled;
    }
    EACH_LANE(p, l)
    if (l->kind == &listing_lane)
        ok = directory_count(p->store, l->collection->store_number, &p->now.collections[l->collection->id].objects,
                             &err) &&
             ok;
    p->has_new_objects = !ok;
}

void show_publish(struct poller *p)
{
    const struct lane *tail = p->tail_of_log;

    if (!p->is_dirty)
        return;
    p->is_dirty = false;
    show_fill_collections(p);
    show_objects(p);
    show_fill_waits(p);
    plan_show(p);
    show_fill_state(p);
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
