#include "service/stream/notices.h"

#include "model/state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define SOON 10 /* a reader that will be overtaken within so many minutes is warned */

static void notices_say(struct notice *out, enum notice_kind kind, uint64_t count, const char *format, ...)
    PRINTF(4, 5);
static void notices_say(struct notice *out, enum notice_kind kind, uint64_t count, const char *format, ...)
{
    va_list args;

    *out = (struct notice){ .kind = kind, .count = count };
    va_start(args, format);
    vsnprintf(out->text, sizeof out->text, format, args);
    va_end(args);
}

/* Whether a notice of this kind may be sent now. If not, it is due when its minute is over. */
static bool may_tell(struct notices *n, enum notice_kind kind, int64_t mono_ms)
{
    int64_t due_mono_ms = n->told_mono_ms[kind] + NOTICES_EVERY_MS;

    if (!n->has_told[kind] || mono_ms >= due_mono_ms)
        return true;
    if (due_mono_ms < n->due_mono_ms)
        n->due_mono_ms = due_mono_ms;
    return false;
}

static void notices_told(struct notices *n, enum notice_kind kind, int64_t mono_ms)
{
    n->has_told[kind] = true;
    n->told_mono_ms[kind] = mono_ms;
}

/* Counters begin again with a new poller. */
static uint64_t notices_more(uint64_t now, uint64_t before)
{
    return now >= before ? now - before : now;
}

/* ---- the state ---- */

/* A log that falls silent has a kind of its own. */
static enum connector_reason reason_of(const struct poller_snapshot *now)
{
    return now->reason == REASON_LOG_SILENT ? REASON_NONE : now->reason;
}

static bool state_changed(struct notices *n, const struct poller_snapshot *now, int64_t mono_ms, struct notice *out)
{
    enum connector_reason reason = reason_of(now);
    uint64_t changes = notices_more(now->state_changes, n->state_changes);
    bool is_other = now->state != n->state || reason != n->reason;

    if ((changes == 0 && !is_other) || !may_tell(n, NOTICE_STATE_CHANGED, mono_ms))
        return false;
    notices_say(out, NOTICE_STATE_CHANGED, changes > 0 ? changes : 1, "the connector is %s%s%.256s",
                state_name(now->state), reason != REASON_NONE ? ": " : "",
                reason != REASON_NONE ? now->state_reason : "");
    out->old_state = n->state;
    out->new_state = now->state;
    out->reason = reason;
    n->state = now->state;
    n->reason = reason;
    n->state_changes = now->state_changes;
    notices_told(n, NOTICE_STATE_CHANGED, mono_ms);
    return true;
}

/* ---- the log ---- */

static bool late_events(struct notices *n, const struct poller_snapshot *now, int64_t mono_ms, struct notice *out)
{
    uint64_t late = notices_more(now->late, n->late);

    if (late == 0) {
        n->late = now->late;
        return false;
    }
    if (!may_tell(n, NOTICE_LATE_EVENTS, mono_ms))
        return false;
    notices_say(out, NOTICE_LATE_EVENTS, late,
                "%" PRIu64
                " login events came late: Okta published them more than a minute before others that were here",
                late);
    n->late = now->late;
    notices_told(n, NOTICE_LATE_EVENTS, mono_ms);
    return true;
}

static bool notices_silence(struct notices *n, const struct poller_snapshot *now, int64_t mono_ms, struct notice *out)
{
    enum notice_kind kind = now->is_log_silent ? NOTICE_LOG_SILENT : NOTICE_LOG_SPEAKS_AGAIN;

    if (now->is_log_silent == n->is_silent || !may_tell(n, kind, mono_ms))
        return false;
    if (now->is_log_silent)
        notices_say(out, kind, notices_more(now->log_silences, n->silences), "%s",
                    "Okta answers, but its log brings far fewer events than at this hour of the last weeks");
    else
        notices_say(out, kind, 1, "%s", "Okta's log brings about as many events as usual again");
    out->reason = now->is_log_silent ? REASON_LOG_SILENT : REASON_NONE;
    n->is_silent = now->is_log_silent;
    n->silences = now->log_silences;
    notices_told(n, kind, mono_ms);
    return true;
}

/* ---- the whole ---- */

void notices_init(struct notices *n, const struct poller_snapshot *now)
{
    bool is_well = now->state != CONNECTOR_DEGRADED && now->state != CONNECTOR_RECONNECT_REQUIRED;

    *n = (struct notices){ .due_mono_ms = INT64_MAX };
    n->late = now->late;
    n->state_changes = now->state_changes;
    n->silences = now->log_silences - (now->is_log_silent && now->log_silences > 0);
    if (is_well) {
        n->state = now->state;
        n->reason = reason_of(now);
    }
}

bool notices_next(struct notices *n, const struct poller_snapshot *now, int64_t mono_ms, struct notice *out)
{
    n->due_mono_ms = INT64_MAX;
    return state_changed(n, now, mono_ms, out) || notices_silence(n, now, mono_ms, out) ||
           late_events(n, now, mono_ms, out);
}

int64_t notices_due_mono_ms(const struct notices *n)
{
    return n->due_mono_ms;
}

bool notices_wants_bounds(const struct notices *n, int64_t mono_ms)
{
    return !n->has_looked || mono_ms - n->looked_mono_ms >= NOTICES_EVERY_MS;
}

/* Retention and the reader both move upwards. When the number of events between them shrinks, retention is the faster
 * one. */
bool notices_ending(struct notices *n, const struct journal_bounds *bounds, uint64_t after, int64_t mono_ms,
                    struct notice *out)
{
    uint64_t ahead = bounds->count > after ? bounds->count - after : 0;
    uint64_t lost = n->has_looked && n->ahead > ahead ? n->ahead - ahead : 0;

    n->has_looked = true;
    n->looked_mono_ms = mono_ms;
    n->ahead = ahead;
    if (after == 0 || lost == 0 || ahead / SOON >= lost)
        return false;
    notices_say(out, NOTICE_HISTORY_ENDING, ahead,
                "retention removes events faster than this stream reads: it is %" PRIu64
                " events ahead, and will end with HISTORY_GONE in about %" PRIu64 " minutes",
                ahead, ahead / lost + 1);
    return true;
}

void notices_draining(struct notice *out)
{
    notices_say(out, NOTICE_DRAINING, 1, "%s",
                "the server is shutting down: this stream ends now; connect again and resume with the token");
}
