/* The poller's thread. One turn of its loop:
 *
 *     take messages from other threads -> each lane stores what came -> each lane asks what is due -> bytes move ->
 *     each lane stores what came -> publish the snapshot
 *
 * The thread sleeps in okta_run alone: until an answer, a wake-up, or the next time that something is due. Only
 * poller_stop ends the loop; whatever fails is tried again. */
#include "poller/poller.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "poller/poller_internal.h"

#include <string.h>

#define LETTERS_MAX 8     /* settings not taken yet: Configures of one connector come one at a time */
#define TURN_MS     30000 /* the longest sleep, should a due time ever be wrong */

/* ---- time ---- */

int64_t poller_mono_ms(const struct poller *p)
{
    return clock_mono_ms(p->options.clock);
}

int64_t poller_unix_ms(const struct poller *p)
{
    return clock_unix_ms(p->options.clock);
}

int64_t poller_okta_ms(const struct poller *p)
{
    return p->has_okta_time ? poller_mono_ms(p) + p->okta_minus_mono_ms : poller_unix_ms(p);
}

void poller_learn_okta_time(struct poller *p, const struct okta_answer *a)
{
    if (a->http_status > 0)
        p->has_answer = true;
    if (a->date_unix_s <= 0)
        return;
    p->has_okta_time = true;
    p->okta_minus_mono_ms = a->date_unix_s * 1000 - a->received_mono_ms;
}

int64_t poller_jitter_ms(struct poller *p, int64_t ms)
{
    p->random ^= p->random << 13;
    p->random ^= p->random >> 7;
    p->random ^= p->random << 17;
    return ms * (int64_t)(900 + p->random % 201) / 1000;
}

/* ---- the store ---- */

bool poller_commit(struct poller *p, struct store_txn **txn, struct error *err)
{
    p->is_dirty = true;
    if (!store_commit(txn, err))
        return false;
    p->store_reason[0] = '\0';
    p->store_retry_ms = 0;
    p->has_new_objects = true;
    return true;
}

/* ---- letters ---- */

struct reconfigure {
    struct letter letter;
    struct okta_url url;
    struct poller_settings settings;
    size_t token_len;
    char token[];
};

static void reconfigure_free(struct reconfigure *letter)
{
    explicit_bzero(letter->token, letter->token_len);
    free(letter);
}

static void poller_wake(void *ctx)
{
    struct poller *p = ctx;

    /* The lock keeps the client from being replaced meanwhile; okta_wake does not block. */
    pthread_mutex_lock(&p->shared.lock);
    if (p->shared.okta != NULL)
        okta_wake(p->shared.okta);
    pthread_mutex_unlock(&p->shared.lock);
}

static void poller_set_okta(struct poller *p, struct okta *okta)
{
    pthread_mutex_lock(&p->shared.lock);
    p->shared.okta = okta;
    pthread_mutex_unlock(&p->shared.lock);
    p->okta = okta;
}

static void poller_connect(struct poller *p)
{
    const struct okta_options options = {
        .url = p->url,
        .clock = p->options.clock,
        .transport = p->options.transport,
        .share_percent = p->options.share_percent,
        .user_agent = p->options.user_agent,
        .proxy = p->options.proxy,
        .ca_file = p->options.ca_file,
        .allow_private = p->options.allow_private,
    };

    poller_set_okta(p, okta_create(&options));
    okta_set_credential(p->okta, buf_view(&p->credential.token));
}

static void poller_disconnect(struct poller *p)
{
    struct okta *okta = p->okta;

    poller_set_okta(p, NULL);
    okta_destroy(okta);
}

static void poller_apply_settings(struct poller *p, const struct poller_settings *settings)
{
    p->settings = *settings;
    EACH_LANE(p, l)
    l->is_on = (settings->collections & collection_bit(l->collection)) != 0;
    history_settings_changed(p);
    p->is_dirty = true;
}

static void poller_take_settings(struct poller *p, const struct reconfigure *letter)
{
    bool has_moved = strcmp(letter->url.text, p->url.text) != 0;

    okta_cancel_all(p->okta); /* with the old token, to the old address */
    if (has_moved) {
        p->url = letter->url;
        poller_disconnect(p);
        poller_connect(p);
    }
    poller_apply_settings(p, &letter->settings);
    credential_renew(p, (struct view){ letter->token, letter->token_len });
}

static bool poller_take_letters(struct poller *p)
{
    struct letter *letter;
    bool any = false;

    while ((letter = mailbox_take(p->mailbox)) != NULL) {
        poller_take_settings(p, (struct reconfigure *)letter);
        reconfigure_free((struct reconfigure *)letter);
        any = true;
    }
    return any;
}

static bool poller_take_share(struct poller *p)
{
    int wanted = atomic_load(&p->share_percent);

    if (wanted == p->options.share_percent)
        return false;
    p->options.share_percent = wanted;
    okta_set_share(p->okta, wanted);
    p->is_dirty = true;
    return true;
}

static bool poller_take_poll_request(struct poller *p)
{
    bool wanted;

    pthread_mutex_lock(&p->shared.lock);
    wanted = p->shared.poll_wanted;
    p->shared.poll_wanted = false;
    pthread_mutex_unlock(&p->shared.lock);
    if (!wanted)
        return false;
    EACH_LANE(p, l)
    if (l != p->history_of_log)
        lane_hurry(l);
    if (!p->tail_of_log->is_on) {
        p->now.tail_rounds++; /* without a log, its head counts as reached */
        p->is_dirty = true;
    }
    return true;
}

/* Takes what other threads have sent or asked for. True when there was anything. */
static bool poller_take_requests(struct poller *p)
{
    bool any = poller_take_letters(p);

    any = poller_take_share(p) || any;
    return poller_take_poll_request(p) || any;
}

bool poller_wants_round(struct poller *p)
{
    bool wants;

    pthread_mutex_lock(&p->shared.lock);
    wants = p->now.tail_rounds < p->shared.rounds_wanted;
    pthread_mutex_unlock(&p->shared.lock);
    return wants;
}

/* ---- a turn ---- */

static void poller_step_lanes(struct poller *p)
{
    EACH_LANE(p, l)
    {
        lane_digest(l);
        l->kind->step(l);
    }
    retention_step(p);
}

static void poller_ask(struct poller *p)
{
    credential_step(p);
    EACH_LANE(p, l)
    lane_ask(l);
}

static int64_t poller_next_due_mono_ms(const struct poller *p)
{
    int64_t due = min_i64(p->retention_due_mono_ms, credential_due_mono_ms(p));

    for (size_t i = 0; i < p->lane_count; i++)
        due = min_i64(due, lane_due_mono_ms(&p->lanes[i]));
    return due;
}

static void poller_move_bytes(struct poller *p, int64_t wait_ms)
{
    int64_t left_ms = poller_next_due_mono_ms(p) - poller_mono_ms(p);

    if (left_ms < 0)
        left_ms = 0;
    okta_run(p->okta, wait_ms < left_ms ? wait_ms : left_ms);
    poller_step_lanes(p);
    show_publish(p);
}

int64_t poller_turn(struct poller *p, int64_t wait_ms)
{
    (void)poller_take_requests(p);
    poller_ask(p);
    poller_move_bytes(p, 0); /* sends, so that waits for a rate limit are published before the thread sleeps */
    if (atomic_load(&p->is_stopping))
        return poller_next_due_mono_ms(p);
    /* Look again: a request that came meanwhile has had its wake-up, which the run above used up. */
    if (poller_take_requests(p))
        poller_ask(p);
    poller_move_bytes(p, wait_ms);
    return poller_next_due_mono_ms(p);
}

static void *poller_thread(void *ctx)
{
    struct poller *p = ctx;

    while (!atomic_load(&p->is_stopping))
        poller_turn(p, TURN_MS);
    return NULL;
}

/* ---- life ---- */

static struct lane *poller_add_lane(struct poller *p, const struct collection *c, const struct lane_kind *kind,
                                    const char *name, const char *position)
{
    struct lane *l = &p->lanes[p->lane_count++];

    ASSERT(p->lane_count <= LANES_MAX);
    lane_init(l, p, c, kind, name, position);
    return l;
}

/* A lane for each collection, in the table's order, and one more for the log's history. */
static void poller_add_lanes(struct poller *p)
{
    const struct collection *c;

    for (size_t i = 0; (c = collection_at(i)) != NULL; i++)
        if (c->kind == COLLECTION_LOG)
            p->tail_of_log = poller_add_lane(p, c, &tail_lane, c->name, POLLER_STATE_TAIL);
        else
            poller_add_lane(p, c, &listing_lane, c->name, c->name);
    p->history_of_log = poller_add_lane(p, collection_log(), &history_lane, "history", POLLER_STATE_HISTORY);
}

static bool poller_load(struct poller *p, struct error *err)
{
    EACH_LANE(p, l)
    if (!l->kind->load(l, err))
        return false;
    return tail_keep_start(p->tail_of_log, err);
}

bool poller_create(struct poller **out, const struct poller_options *options, struct view token, struct error *err)
{
    struct poller *p = mem_zero(sizeof *p);
    const struct poller_settings settings = { options->collections, options->history_days, options->retention_days };

    p->options = *options;
    atomic_init(&p->share_percent, options->share_percent);
    p->url = options->url;
    p->settings = settings;
    p->store = options->store;
    p->created_mono_ms = p->retention_due_mono_ms = poller_mono_ms(p);
    p->random = (uint64_t)poller_unix_ms(p) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    p->has_new_objects = p->is_dirty = true;
    p->now.state_since_unix_ms = poller_unix_ms(p);
    pthread_mutex_init(&p->shared.lock, NULL);
    p->mailbox = mailbox_create(LETTERS_MAX, poller_wake, p);
    p->maker = record_maker_create(store_hash_key(p->store));
    buf_init(&p->credential.token, TOKEN_BYTES_MAX);
    buf_put(&p->credential.token, token.at, token.len);
    poller_add_lanes(p);
    poller_connect(p);
    if (!poller_load(p, err)) {
        poller_destroy(p);
        return error_wrap(err, "poller");
    }
    poller_apply_settings(p, &settings);
    show_publish(p);
    *out = p;
    return true;
}

static void reconfigure_frees(struct mailbox *mailbox)
{
    struct letter *letter;

    mailbox_close(mailbox);
    while ((letter = mailbox_take(mailbox)) != NULL)
        reconfigure_free((struct reconfigure *)letter);
    mailbox_destroy(mailbox);
}

void poller_destroy(struct poller *p)
{
    if (p == NULL)
        return;
    ASSERT(!p->has_thread);
    poller_disconnect(p);
    reconfigure_frees(p->mailbox);
    for (size_t i = 0; i < p->held_count; i++)
        page_drop(&p->held[i].page);
    EACH_LANE(p, l)
    lane_deinit(l);
    if (p->credential.token.at != NULL)
        explicit_bzero(p->credential.token.at, p->credential.token.room);
    buf_deinit(&p->credential.token);
    record_maker_destroy(p->maker);
    pthread_mutex_destroy(&p->shared.lock);
    free(p);
}

void poller_start(struct poller *p)
{
    ASSERT(pthread_create(&p->thread, NULL, poller_thread, p) == 0);
    p->has_thread = true;
}

void poller_stop(struct poller *p)
{
    atomic_store(&p->is_stopping, true);
    poller_wake(p);
}

void poller_join(struct poller *p)
{
    if (!p->has_thread)
        return;
    pthread_join(p->thread, NULL);
    p->has_thread = false;
}

/* ---- any thread ---- */

void poller_set_share(struct poller *p, int share_percent)
{
    atomic_store(&p->share_percent, share_percent);
    poller_wake(p);
}

void poller_snapshot(struct poller *p, struct poller_snapshot *out)
{
    pthread_mutex_lock(&p->shared.lock);
    *out = p->shared.shown;
    pthread_mutex_unlock(&p->shared.lock);
}

bool poller_poll_now(struct poller *p, uint64_t *tail_rounds, struct error *err)
{
    enum connector_state state;

    if (atomic_load(&p->is_stopping))
        return error_reason(err, ERROR_UNAVAILABLE, "SHUTTING_DOWN", "the connector is being stopped");
    pthread_mutex_lock(&p->shared.lock);
    state = p->shared.shown.state;
    if (state != CONNECTOR_RECONNECT_REQUIRED) {
        /* A poll under way may have begun before now: then the one after it is meant. */
        *tail_rounds = p->shared.shown.tail_rounds + (p->shared.tail_busy ? 1 : 0);
        p->shared.poll_wanted = true;
        if (p->shared.rounds_wanted < *tail_rounds + 1)
            p->shared.rounds_wanted = *tail_rounds + 1;
    }
    pthread_mutex_unlock(&p->shared.lock);
    if (state == CONNECTOR_RECONNECT_REQUIRED)
        return error_reason(err, ERROR_FAILED_PRECONDITION, "OKTA_TOKEN_REFUSED",
                            "Okta refuses the API token: configure the connector with a new one first");
    poller_wake(p);
    return true;
}

bool poller_reconfigure(struct poller *p, const struct okta_url *url, struct view token,
                        const struct poller_settings *settings, struct error *err)
{
    struct reconfigure *r;
    struct letter *letter;

    if (token.len > TOKEN_BYTES_MAX)
        return error_invalid(err, "TOKEN_INVALID", "api_token", "the API token is too long");
    r = mem_zero(sizeof *r + token.len);
    r->url = *url;
    r->settings = *settings;
    r->token_len = token.len;
    if (token.len > 0)
        memcpy(r->token, token.at, token.len);
    letter = &r->letter;
    if (mailbox_send(p->mailbox, &letter))
        return true;
    reconfigure_free(r);
    return error_reason(err, ERROR_RESOURCE_EXHAUSTED, "TOO_MANY_CHANGES",
                        "too many changes of this connector at once: try again");
}
