/* server/okta/client.c: the client of one org.
 *
 * A request: okta_send puts it in its lane's queue -> dispatch (lane by lane, when its bucket's budget and the number
 * in flight allow) -> the transport -> on_finished puts it among the ended -> okta_run reads the answer, teaches the
 * budget, and calls back. Callbacks run only there, with no list half-changed, so they may send and cancel.
 *
 * A service app's requests stay in their queues while there is no access token; the client's own request for one goes
 * the same way as the others, but for what is made of its answer.
 *
 * How it fails: a kept connection that turns out to be dead sends the request to the front of its queue again, once.
 * So does an access token that Okta no longer takes, or a proof that lacks its nonce. Everything else is a verdict; who
 * asks decides whether to ask again. */
#include "okta/okta.h"

#include "base/assert.h"
#include "base/mem.h"
#include "okta/answer.h"
#include "okta/attempt.h"
#include "okta/auth.h"
#include "okta/bucket.h"
#include "okta/gate.h"
#include "okta/url.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define SHARE_PERCENT_DEFAULT 50

/* Callers keep a handful of requests each; more is a loop that has gone wrong. */
#define QUEUED_MAX 4096

/* Half again as long as a request may take. */
#define OVERDUE_MS (OKTA_TIMEOUT_MS + OKTA_TIMEOUT_MS / 2)

/* What Okta's own programs tell it when they ask again. */
struct repeat {
    char request_id[OKTA_REQUEST_ID_MAX + 1]; /* of the first answer that said "later" */
    unsigned count;                           /* of such answers in a row */
};

struct okta {
    /* set once */
    struct okta_url url;
    struct clock clock;
    struct okta_transport *transport;
    bool owns_transport;

    struct auth auth;
    struct okta_request token_request; /* the client's own; in a list when auth.is_asking */
    uint64_t random;
    bool is_running; /* within okta_run */

    struct attempt_list queued[OKTA_PRIORITIES], running, ended;
    size_t queued_count;
    struct gate gate;
    struct okta_counts counts;
    struct repeat repeats[OKTA_BUCKETS_MAX][OKTA_PRIORITIES];
};

static int64_t now_mono_ms(const struct okta *o)
{
    return clock_mono_ms(&o->clock);
}

/* splitmix64: for jitter, where all that matters is that no two connectors wait alike. */
static uint64_t random_next(struct okta *o)
{
    uint64_t z = o->random += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static void note_repeat(struct okta *o, const struct okta_request *r, const struct okta_answer *told)
{
    const struct attempt *a = r->exchange;
    struct repeat *repeat = &o->repeats[a->bucket][r->priority];

    if (told->verdict != OKTA_RETRY)
        repeat->count = 0;
    else if (told->request_id[0] != '\0' && repeat->count++ == 0)
        memcpy(repeat->request_id, told->request_id, sizeof repeat->request_id);
}

static void tell_repeat(const struct okta *o, const struct okta_request *r)
{
    struct attempt *a = r->exchange;
    const struct repeat *repeat = &o->repeats[a->bucket][r->priority];

    if (repeat->count == 0)
        return;
    snprintf(a->retry_for, sizeof a->retry_for, "X-Okta-Retry-For: %s", repeat->request_id);
    snprintf(a->retry_count, sizeof a->retry_count, "X-Okta-Retry-Count: %u", repeat->count);
}

static void start(struct okta *o, struct okta_request *r)
{
    struct attempt *a = r->exchange;

    if (r == &o->token_request)
        auth_ask(&o->auth, a);
    else if (!r->is_anonymous)
        auth_sign(&o->auth, a, r->path);
    tell_repeat(o, r);
    attempt_prepare(a, r, &o->url);
    a->sent_mono_ms = now_mono_ms(o);
    o->counts.requests++;
    attempt_append(&o->running, r);
    o->transport->start(o->transport, &a->x);
}

static void on_finished(void *ctx, struct okta_exchange *x)
{
    struct okta *o = ctx;
    struct okta_request *r = x->owner;
    struct attempt *a = r->exchange;

    a->received_mono_ms = now_mono_ms(o);
    attempt_remove(&o->running, r);
    attempt_append(&o->ended, r);
}

/* ---- what may be sent ---- */

static void refuse(struct okta *o, struct okta_request *r, const struct okta_answer *told)
{
    struct attempt *a = r->exchange;

    a->is_refused = true;
    a->refused = *told;
    attempt_append(&o->ended, r);
}

static const struct okta_answer no_credential = { .verdict = OKTA_CREDENTIAL_REFUSED,
                                                  .message = "there is no credential" };

static void dispatch_lane(struct okta *o, enum okta_priority lane, int64_t now, bool *waits)
{
    enum auth_state state = auth_state(&o->auth, now);
    struct okta_request **at = &o->queued[lane].first;

    while (*at != NULL && gate_has_place(&o->gate, lane)) {
        const struct attempt *a = (*at)->exchange;
        bool is_ready = (*at)->is_anonymous || state == AUTH_READY;

        *waits |= !(*at)->is_anonymous;
        if (!is_ready && state != AUTH_WAITING) {
            o->queued_count--;
            refuse(o, attempt_take(at), state == AUTH_NONE ? &no_credential : &o->auth.failure);
        } else if (is_ready && gate_take(&o->gate, a->bucket, lane, now)) {
            o->queued_count--;
            start(o, attempt_take(at));
        } else {
            at = &(*at)->next;
        }
    }
}

/* Asks for an access token, before every other request that may go out. */
static void dispatch_token(struct okta *o, int64_t now, bool is_again)
{
    struct okta_request *r = &o->token_request;
    size_t bucket = bucket_of(r->path);

    if (!auth_wants_token(&o->auth, now) || !gate_has_place(&o->gate, r->priority) ||
        !gate_take(&o->gate, bucket, r->priority, now))
        return;
    if (r->exchange == NULL)
        r->exchange = attempt_create();
    ((struct attempt *)r->exchange)->bucket = bucket;
    ((struct attempt *)r->exchange)->is_fresh = is_again;
    start(o, r);
}

/* Sends what may be sent. */
static void dispatch(struct okta *o)
{
    int64_t now = now_mono_ms(o);
    bool waits = false;

    gate_begin_round(&o->gate);
    for (int lane = 0; lane < OKTA_PRIORITIES; lane++)
        dispatch_lane(o, (enum okta_priority)lane, now, &waits);
    if (waits)
        dispatch_token(o, now, false);
}

/* ---- what has ended ---- */

static void tell(struct okta_request *r, const struct okta_answer *answer)
{
    struct attempt *a = r->exchange;

    r->exchange = NULL; /* it may be sent again from the callback */
    r->done(r, answer);
    attempt_destroy(a);
}

static void tell_refused(struct okta_request *r, enum okta_verdict verdict, const char *text)
{
    struct okta_answer answer = { .verdict = verdict };

    snprintf(answer.message, sizeof answer.message, "%s", text);
    tell(r, &answer);
}

/* To the front of its queue; `is_fresh`: for a connection of its own. */
static void send_again(struct okta *o, struct okta_request *r, bool is_fresh)
{
    struct attempt *a = r->exchange;

    attempt_clear(a);
    a->is_fresh |= is_fresh;
    o->queued_count++;
    attempt_prepend(&o->queued[r->priority], r);
}

static void count(struct okta *o, const struct answer *a)
{
    int digit = a->told.http_status / 100;

    o->counts.answers[a->told.http_status == 0 ? 0 : digit >= 2 && digit <= 5 ? digit : 1]++;
    if (a->told.http_status == 429)
        o->counts.answers_429++;
    else if (a->told.verdict != OKTA_DONE)
        o->counts.failed++;
}

/* ---- the access token ---- */

static void token_done(struct okta_request *r, const struct okta_answer *answer)
{
    struct okta *o = r->ctx;

    (void)answer;
    auth_dropped(&o->auth);
}

/* What waited for the access token is told why there is none. */
static void tell_waiting(struct okta *o)
{
    for (int lane = 0; lane < OKTA_PRIORITIES; lane++) {
        struct okta_request **at = &o->queued[lane].first;

        while (*at != NULL) {
            if ((*at)->is_anonymous) {
                at = &(*at)->next;
                continue;
            }
            o->queued_count--;
            refuse(o, attempt_take(at), &o->auth.failure);
        }
    }
}

static void forget_attempt(struct okta *o)
{
    attempt_destroy(o->token_request.exchange);
    o->token_request.exchange = NULL;
}

static void complete_token(struct okta *o, struct answer *a)
{
    struct attempt *attempt = o->token_request.exchange;
    int64_t now = attempt->received_mono_ms;
    bool was_stale = attempt->x.was_stale_connection && !attempt->is_fresh;
    enum auth_next next = auth_answered(&o->auth, attempt, a);

    if (next != AUTH_AGAIN) /* to be asked for a nonce is no failure */
        count(o, a);
    if (next == AUTH_FAILED && !was_stale) {
        gate_judge(&o->gate, attempt->bucket, o->token_request.priority, a, now, random_next(o));
        note_repeat(o, &o->token_request, &a->told);
        auth_settle(&o->auth, &a->told, now);
        if (auth_state(&o->auth, now) != AUTH_READY)
            tell_waiting(o);
    } else if (next == AUTH_GOT) {
        gate_judge(&o->gate, attempt->bucket, o->token_request.priority, a, now, random_next(o));
        note_repeat(o, &o->token_request, &a->told);
    }
    forget_attempt(o);
    if (was_stale && next != AUTH_GOT)
        dispatch_token(o, now, true);
}

/* The one for a credential that is no longer ours: its answer would be taken for the new one's. */
static void drop_token_request(struct okta *o)
{
    struct okta_request *r = &o->token_request;
    struct attempt *a = r->exchange;

    if (a == NULL)
        return;
    for (struct okta_request *at = o->running.first; at != NULL; at = at->next)
        if (at == r) {
            o->transport->cancel(o->transport, &a->x);
            attempt_remove(&o->running, r);
            gate_end(&o->gate, a->bucket, NULL, 0);
            forget_attempt(o);
            return;
        }
    attempt_remove(&o->ended, r);
    gate_end(&o->gate, a->bucket, NULL, 0);
    forget_attempt(o);
}

/* ---- any answer ---- */

static bool is_worth_again(struct okta *o, struct okta_request *r, const struct answer *a)
{
    struct attempt *attempt = r->exchange;

    if (!attempt->is_fresh && (attempt->x.was_stale_connection || a->wait == CLASSIFY_WAIT_FRESH)) {
        send_again(o, r, true);
        return true;
    }
    if (r->is_anonymous || !auth_can_cure(&o->auth, attempt, a))
        return false;
    send_again(o, r, false);
    return true;
}

static void complete(struct okta *o, struct okta_request *r)
{
    struct attempt *attempt = r->exchange;
    struct answer a;

    answer_read(&attempt->x, &o->url, r->path, &a);
    gate_end(&o->gate, attempt->bucket, &a.headers, attempt->received_mono_ms);
    auth_learn(&o->auth, &a.headers);
    if (r == &o->token_request) {
        complete_token(o, &a);
        return;
    }
    count(o, &a);
    if (is_worth_again(o, r, &a))
        return;
    gate_judge(&o->gate, attempt->bucket, r->priority, &a, attempt->received_mono_ms, random_next(o));
    a.told.sent_mono_ms = attempt->sent_mono_ms;
    a.told.received_mono_ms = attempt->received_mono_ms;
    note_repeat(o, r, &a.told);
    tell(r, &a.told);
}

/* Calls back for what has ended. Only what has ended by now: a callback that sends and fails at once must not keep us.
 */
static bool complete_ended(struct okta *o)
{
    size_t left = 0;
    bool any = o->ended.first != NULL;

    for (struct okta_request *r = o->ended.first; r != NULL; r = r->next)
        left++;
    for (; left > 0 && o->ended.first != NULL; left--) {
        struct okta_request *r = attempt_take(&o->ended.first);
        const struct attempt *a = r->exchange;

        if (a->is_refused)
            tell(r, &a->refused);
        else
            complete(o, r);
    }
    return any;
}

/* ---- okta.h ---- */

struct okta *okta_create(const struct okta_options *options)
{
    struct okta *o = mem_zero(sizeof *o);
    int share_percent = options->share_percent != 0 ? options->share_percent : SHARE_PERCENT_DEFAULT;

    o->url = options->url;
    o->clock = *options->clock;
    o->owns_transport = options->transport == NULL;
    o->transport = o->owns_transport ? okta_transport_curl(options) : options->transport;
    o->transport->finished = on_finished;
    o->transport->ctx = o;
    o->token_request = (struct okta_request){
        .path = VIEW(OKTA_TOKEN_PATH), .priority = OKTA_PRIORITY_TAIL, .done = token_done, .ctx = o
    };
    auth_init(&o->auth, &o->url, &o->clock);
    gate_init(&o->gate, share_percent);
    if (getrandom(&o->random, sizeof o->random, GRND_NONBLOCK) != (ssize_t)sizeof o->random)
        o->random = (uint64_t)clock_unix_ms(&o->clock) ^ (uint64_t)(uintptr_t)o;
    return o;
}

void okta_destroy(struct okta *o)
{
    if (o == NULL)
        return;
    ASSERT(!o->is_running);
    okta_cancel_all(o);
    ASSERT(o->queued_count == 0); /* nobody sends again what was cancelled by the end */
    if (o->owns_transport)
        o->transport->destroy(o->transport);
    auth_deinit(&o->auth);
    free(o);
}

void okta_set_credential(struct okta *o, struct view credential)
{
    drop_token_request(o);
    auth_set(&o->auth, credential);
}

void okta_set_share(struct okta *o, int share_percent)
{
    gate_set_share(&o->gate, share_percent);
}

struct okta_grants okta_grants(const struct okta *o)
{
    return o->auth.grants;
}

static const struct okta_answer bad_path = { .verdict = OKTA_BROKEN,
                                             .message = "the path of the request is not usable" };

void okta_send(struct okta *o, struct okta_request *r)
{
    struct attempt *a = attempt_create();

    ASSERT(r->exchange == NULL && r->priority < OKTA_PRIORITIES && o->queued_count < QUEUED_MAX);
    r->exchange = a;
    if (!url_path_ok(r->path)) {
        refuse(o, r, &bad_path);
        return;
    }
    a->bucket = bucket_of(r->path);
    gate_want(&o->gate, a->bucket, r->priority, now_mono_ms(o));
    o->queued_count++;
    attempt_append(&o->queued[r->priority], r);
}

/* How long nothing will be there to do, as far as we know. */
static int64_t idle_ms(const struct okta *o, int64_t timeout_ms)
{
    int64_t due = gate_due_mono_ms(&o->gate), auth_due = auth_due_mono_ms(&o->auth, now_mono_ms(o));
    int64_t idle = due != INT64_MAX ? due - now_mono_ms(o) : timeout_ms;

    if (o->ended.first != NULL)
        return 0;
    if (auth_due < due && o->queued_count > 0 && auth_due - now_mono_ms(o) < idle)
        idle = auth_due - now_mono_ms(o);
    if (idle > timeout_ms)
        idle = timeout_ms;
    return idle > 0 ? idle : 0;
}

/* Every transfer has a deadline, which the transport keeps. Should it ever forget one, nobody waits for that for ever.
 */
static void end_overdue(struct okta *o)
{
    struct okta_request *next;

    for (struct okta_request *r = o->running.first; r != NULL; r = next) {
        struct attempt *a = r->exchange;

        next = r->next;
        if (now_mono_ms(o) - a->sent_mono_ms <= OVERDUE_MS)
            continue;
        o->transport->cancel(o->transport, &a->x);
        a->x.http_status = 0;
        a->x.timed_out = true;
        snprintf(a->x.failure, sizeof a->x.failure, "it was given up after %d s", OVERDUE_MS / 1000);
        on_finished(o, &a->x);
    }
}

void okta_run(struct okta *o, int64_t timeout_ms)
{
    bool any;

    ASSERT(!o->is_running);
    o->is_running = true;
    any = complete_ended(o);
    dispatch(o);
    o->transport->run(o->transport, any ? 0 : idle_ms(o, timeout_ms));
    end_overdue(o);
    (void)complete_ended(o);
    dispatch(o);
    o->is_running = false;
}

void okta_wake(struct okta *o)
{
    o->transport->wake(o->transport);
}

void okta_cancel_all(struct okta *o)
{
    struct attempt_list all = { NULL };

    for (struct okta_request *r = o->running.first; r != NULL; r = r->next) {
        struct attempt *a = r->exchange;

        o->transport->cancel(o->transport, &a->x);
        gate_end(&o->gate, a->bucket, NULL, 0);
    }
    for (struct okta_request *r = o->ended.first; r != NULL; r = r->next) {
        const struct attempt *a = r->exchange;

        if (!a->is_refused)
            gate_end(&o->gate, a->bucket, NULL, 0);
    }
    attempt_move(&all, &o->running);
    attempt_move(&all, &o->ended);
    for (int lane = 0; lane < OKTA_PRIORITIES; lane++)
        attempt_move(&all, &o->queued[lane]);
    o->queued_count = 0;
    while (all.first != NULL)
        tell_refused(attempt_take(&all.first), OKTA_CANCELLED, "cancelled");
}

void okta_yield(struct okta *o, int64_t until_mono_ms)
{
    gate_yield(&o->gate, until_mono_ms, now_mono_ms(o));
}

/* The first request of the blocked priority that waits in the bucket. */
static const struct okta_request *client_first_blocked(const struct okta *o, const struct okta_bucket *b)
{
    const struct okta_request *r = o->queued[b->blocked_priority].first;

    while (r != NULL && strcmp(bucket_name(bucket_of(r->path)), b->name) != 0)
        r = r->next;
    return r;
}

size_t okta_buckets(const struct okta *o, struct okta_bucket out[OKTA_BUCKETS_MAX])
{
    size_t count = gate_buckets(&o->gate, now_mono_ms(o), out);

    for (size_t i = 0; i < count; i++) {
        const struct okta_request *r = out[i].blocked_until_mono_ms != 0 ? client_first_blocked(o, &out[i]) : NULL;

        if (r != NULL && r->who != NULL)
            snprintf(out[i].blocked_who, sizeof out[i].blocked_who, "%s", r->who);
    }
    return count;
}

struct okta_counts okta_counts(const struct okta *o)
{
    return o->counts;
}

int64_t okta_idle_interval_ms(const struct okta *o, struct view path)
{
    return budget_idle_interval_ms(&o->gate.buckets[bucket_of(path)].budget);
}
