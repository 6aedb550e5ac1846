/* One turn of the loop:
 *
 *     letters from outside -> each lane: store what came, ask what is due -> bytes move -> store what came -> show it
 *
 * The thread sleeps in okta_run only: until an answer, a wake-up, or the next time something is due. Nothing here ends
 * the loop but poller_stop; what fails is tried again. */
#include "poller/poller.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "poller/poller_internal.h"

#include <string.h>

#define LETTERS_MAX 8     /* settings that nobody has taken yet: one Configure at a time and some haste */
#define TURN_MS     30000 /* nothing is due: look around all the same */

/* Adding a collection is adding a row. The tail comes first: the first login is not to wait for anything. */
static const struct lane_row lane_rows[LANES] = {
    [LANE_TAIL] = { "logins", PATH_LOGS, COLLECTION_LOGINS, OKTA_LANE_TAIL, 1000, 50, tail_path, tail_step,
                    tail_restart, NULL, tail_load },
    [LANE_USERS] = { "users", PATH_USERS, COLLECTION_USERS, OKTA_LANE_SYNC, 200, 25, users_path, users_step,
                     users_restart, NULL, users_load },
    [LANE_BACKFILL] = { "history", PATH_LOGS, COLLECTION_LOGINS, OKTA_LANE_BACKFILL, 1000, 50, backfill_path,
                        backfill_step, backfill_restart, backfill_narrow, backfill_load },
};

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

static void free_letter(struct reconfigure *letter)
{
    explicit_bzero(letter->token, letter->token_len);
    free(letter);
}

static void wake(void *ctx)
{
    struct poller *p = ctx;

    /* Under the lock, so that the client is not replaced meanwhile; a wake-up does not block. */
    pthread_mutex_lock(&p->shared.lock);
    if (p->shared.okta != NULL)
        okta_wake(p->shared.okta);
    pthread_mutex_unlock(&p->shared.lock);
}

static void set_okta(struct poller *p, struct okta *okta)
{
    pthread_mutex_lock(&p->shared.lock);
    p->shared.okta = okta;
    pthread_mutex_unlock(&p->shared.lock);
    p->okta = okta;
}

static void connect_okta(struct poller *p)
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

    set_okta(p, okta_create(&options));
    okta_set_credential(p->okta, buf_view(&p->credential.token));
}

static void disconnect_okta(struct poller *p)
{
    struct okta *okta = p->okta;

    set_okta(p, NULL);
    okta_destroy(okta);
}

static void apply_settings(struct poller *p, const struct poller_settings *settings)
{
    p->settings = *settings;
    for (int i = 0; i < LANES; i++)
        p->lanes[i].is_on = (settings->collections & 1u << lane_rows[i].collection) != 0;
    backfill_settings_changed(p);
    p->is_dirty = true;
}

static void reconfigure(struct poller *p, const struct reconfigure *letter)
{
    bool has_moved = strcmp(letter->url.text, p->url.text) != 0;

    okta_cancel_all(p->okta); /* with the old token, to the old address */
    if (has_moved) {
        p->url = letter->url;
        disconnect_okta(p);
        connect_okta(p);
    }
    apply_settings(p, &letter->settings);
    credential_renew(p, (struct view){ letter->token, letter->token_len });
}

static bool take_letters(struct poller *p)
{
    struct letter *letter;
    bool any = false;

    while ((letter = mailbox_take(p->mailbox)) != NULL) {
        reconfigure(p, (struct reconfigure *)letter);
        free_letter((struct reconfigure *)letter);
        any = true;
    }
    return any;
}

static bool take_share(struct poller *p)
{
    int wanted = atomic_load(&p->share_percent);

    if (wanted == p->options.share_percent)
        return false;
    p->options.share_percent = wanted;
    okta_set_share(p->okta, wanted);
    p->is_dirty = true;
    return true;
}

static bool take_poll_wish(struct poller *p)
{
    bool wanted;

    pthread_mutex_lock(&p->shared.lock);
    wanted = p->shared.poll_wanted;
    p->shared.poll_wanted = false;
    pthread_mutex_unlock(&p->shared.lock);
    if (!wanted)
        return false;
    lane_hurry(&p->lanes[LANE_TAIL]);
    lane_hurry(&p->lanes[LANE_USERS]);
    if (!p->lanes[LANE_TAIL].is_on) {
        p->now.tail_rounds++; /* there is no log to be behind of */
        p->is_dirty = true;
    }
    return true;
}

/* Whatever was sent or asked from outside; true when there was anything. */
static bool take_wishes(struct poller *p)
{
    bool any = take_letters(p);

    any = take_share(p) || any;
    return take_poll_wish(p) || any;
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

static void step(struct poller *p)
{
    for (int i = 0; i < LANES; i++) {
        lane_digest(&p->lanes[i]);
        p->lanes[i].row->step(&p->lanes[i]);
    }
    retention_step(p);
}

static void ask(struct poller *p)
{
    credential_step(p);
    for (int i = 0; i < LANES; i++)
        lane_ask(&p->lanes[i]);
}

static int64_t next_due_mono_ms(const struct poller *p)
{
    int64_t due = p->retention_due_mono_ms;

    if (credential_due_mono_ms(p) < due)
        due = credential_due_mono_ms(p);
    for (int i = 0; i < LANES; i++)
        if (lane_due_mono_ms(&p->lanes[i]) < due)
            due = lane_due_mono_ms(&p->lanes[i]);
    return due;
}

static void move_bytes(struct poller *p, int64_t wait_ms)
{
    int64_t left_ms = next_due_mono_ms(p) - poller_mono_ms(p);

    if (left_ms < 0)
        left_ms = 0;
    okta_run(p->okta, wait_ms < left_ms ? wait_ms : left_ms);
    step(p);
    show_publish(p);
}

int64_t poller_turn(struct poller *p, int64_t wait_ms)
{
    (void)take_wishes(p);
    ask(p);
    move_bytes(p, 0); /* sends, so that what has to wait is shown before we do */
    if (atomic_load(&p->is_stopping))
        return next_due_mono_ms(p);
    /* What came meanwhile: the run above has taken its wake-up. */
    if (take_wishes(p))
        ask(p);
    move_bytes(p, wait_ms);
    return next_due_mono_ms(p);
}

static void *run(void *ctx)
{
    struct poller *p = ctx;

    while (!atomic_load(&p->is_stopping))
        poller_turn(p, TURN_MS);
    return NULL;
}

/* ---- life ---- */

static bool load(struct poller *p, struct error *err)
{
    for (int i = 0; i < LANES; i++) {
        lane_init(&p->lanes[i], &lane_rows[i], p);
        p->lanes[i].due_mono_ms = poller_mono_ms(p);
    }
    for (int i = 0; i < LANES; i++)
        if (!lane_rows[i].load(&p->lanes[i], err))
            return false;
    return tail_keep_start(&p->lanes[LANE_TAIL], err);
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
    p->mailbox = mailbox_create(LETTERS_MAX, wake, p);
    p->maker = record_maker_create(store_hash_key(p->store));
    buf_init(&p->credential.token, TOKEN_BYTES_MAX);
    buf_put(&p->credential.token, token.at, token.len);
    connect_okta(p);
    if (!load(p, err)) {
        poller_destroy(p);
        return error_wrap(err, "poller");
    }
    apply_settings(p, &settings);
    show_publish(p);
    *out = p;
    return true;
}

static void free_letters(struct mailbox *mailbox)
{
    struct letter *letter;

    mailbox_close(mailbox);
    while ((letter = mailbox_take(mailbox)) != NULL)
        free_letter((struct reconfigure *)letter);
    mailbox_destroy(mailbox);
}

void poller_destroy(struct poller *p)
{
    if (p == NULL)
        return;
    ASSERT(!p->has_thread);
    disconnect_okta(p);
    free_letters(p->mailbox);
    for (size_t i = 0; i < p->held_count; i++)
        page_drop(&p->held[i].page);
    for (int i = 0; i < LANES; i++)
        lane_deinit(&p->lanes[i]);
    if (p->credential.token.at != NULL)
        explicit_bzero(p->credential.token.at, p->credential.token.room);
    buf_deinit(&p->credential.token);
    record_maker_destroy(p->maker);
    pthread_mutex_destroy(&p->shared.lock);
    free(p);
}

void poller_start(struct poller *p)
{
    ASSERT(pthread_create(&p->thread, NULL, run, p) == 0);
    p->has_thread = true;
}

void poller_stop(struct poller *p)
{
    atomic_store(&p->is_stopping, true);
    wake(p);
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
    wake(p);
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
    wake(p);
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
    free_letter(r);
    return error_reason(err, ERROR_RESOURCE_EXHAUSTED, "TOO_MANY_CHANGES",
                        "too many changes of this connector at once: try again");
}
