#include "world/orgs.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/mem.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct org {
    unsigned port, alias;
    bool is_held;
    struct emulator *emulator;
};

struct orgs {
    pthread_mutex_t lock; /* guards the emulators, and what clients wait for */
    pthread_cond_t moved;
    struct org orgs[ORGS_MAX];
    size_t count;
    struct emulator_response response;
};

/* In the order of asking; a client has at most OKTA_IN_FLIGHT_MAX of them. */
#define ASKED_MAX 64

struct way {
    struct okta_transport transport; /* first */
    struct orgs *orgs;

    /* under the lock */
    struct okta_exchange *asked[ASKED_MAX];
    size_t asked_count;
    bool is_woken;
};

/* ---- the service app's keys ---- */

struct pair {
    char private_key[512], public_key[512];
};

static void take(BIO *bio, char *out, size_t size)
{
    int len = BIO_read(bio, out, (int)size - 1);

    ASSERT(len > 0);
    out[len] = '\0';
    BIO_free(bio);
}

/* Made once, before there are threads that ask. */
static const struct pair *pair(size_t which)
{
    static struct pair pairs[2];
    struct pair *p = &pairs[which];
    EVP_PKEY *key;
    BIO *secret = NULL, *open = NULL;

    if (p->private_key[0] != '\0')
        return p;
    key = EVP_EC_gen("P-256");
    secret = BIO_new(BIO_s_mem());
    open = BIO_new(BIO_s_mem());
    ASSERT(key != NULL && PEM_write_bio_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL) == 1 &&
           PEM_write_bio_PUBKEY(open, key) == 1);
    take(secret, p->private_key, sizeof p->private_key);
    take(open, p->public_key, sizeof p->public_key);
    EVP_PKEY_free(key);
    return p;
}

const char *orgs_private_key(void)
{
    return pair(0)->private_key;
}

const char *orgs_other_key(void)
{
    return pair(1)->private_key;
}

struct orgs *orgs_create(void)
{
    struct orgs *o = mem_zero(sizeof *o);
    pthread_condattr_t attr;

    pthread_mutex_init(&o->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&o->moved, &attr);
    pthread_condattr_destroy(&attr);
    emulator_response_init(&o->response);
    return o;
}

void orgs_destroy(struct orgs *o)
{
    for (size_t i = 0; i < o->count; i++)
        emulator_destroy(o->orgs[i].emulator);
    emulator_response_deinit(&o->response);
    pthread_cond_destroy(&o->moved);
    pthread_mutex_destroy(&o->lock);
    free(o);
}

void orgs_add(struct orgs *o, unsigned port, const char *org_id)
{
    char base[64];
    const struct emulator_options options = {
        .seed = port,
        .base_url = base,
        .org_id = org_id,
        .token = ORG_TOKEN,
        .client_id = ORG_CLIENT_ID,
        .scopes = "okta.users.read okta.logs.read",
        .dpop = EMULATOR_DPOP_REQUIRED,
        .users = 5,
        .apps = 2,
        .history_events = 20,
        .history_days = 3,
        .start_unix_ms = clock_unix_ms(&clock_system),
        .logs_limit = 6000,
        .users_limit = 6000,
        .other_limit = 6000,
    };

    snprintf(base, sizeof base, "http://127.0.0.1:%u", port);
    ASSERT(o->count < ORGS_MAX);
    o->orgs[o->count] = (struct org){ .port = port, .emulator = emulator_create(&options) };
    ASSERT(emulator_add_key(o->orgs[o->count].emulator, VIEW(ORG_KEY_ID), view_of(pair(0)->public_key), NULL));
    o->count++;
}

/* The lock is held. */
static struct org *find(struct orgs *o, unsigned port)
{
    for (size_t i = 0; i < o->count; i++)
        if (o->orgs[i].port == port || (o->orgs[i].alias != 0 && o->orgs[i].alias == port))
            return &o->orgs[i];
    return NULL;
}

void orgs_alias(struct orgs *o, unsigned port, unsigned to)
{
    pthread_mutex_lock(&o->lock);
    find(o, port)->alias = to;
    pthread_mutex_unlock(&o->lock);
}

/* ---- a client's way ---- */

static struct view header_value(const struct okta_exchange *x, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; x->headers[i] != NULL; i++)
        if (strncasecmp(x->headers[i], name, len) == 0 && x->headers[i][len] == ':')
            return view_trim(view_of(x->headers[i] + len + 1));
    return VIEW_NONE;
}

static void answer(struct orgs *o, struct org *org, struct okta_exchange *x)
{
    const char *target = strchr(x->url + strlen("http://"), '/');
    const struct emulator_request request = {
        .method = x->post_body != NULL ? "POST" : "GET",
        .target = view_of(target),
        .authorization = header_value(x, "Authorization"),
        .cookie = header_value(x, "Cookie"),
        .content_type = header_value(x, "Content-Type"),
        .accept = header_value(x, "Accept"),
        .dpop = header_value(x, "DPoP"),
        .body = view_of(x->post_body),
        .now_unix_ms = clock_unix_ms(&clock_system),
    };

    emulator_answer(org->emulator, &request, &o->response);
    x->http_status = o->response.status;
    buf_put(&x->head, o->response.head.at, o->response.head.len);
    buf_put(&x->body, o->response.body.at, o->response.body.len);
}

static void start(struct okta_transport *t, struct okta_exchange *x)
{
    struct way *w = (struct way *)t;

    x->http_status = 0;
    x->failure[0] = '\0';
    x->was_stale_connection = x->timed_out = false;
    buf_deinit(&x->head);
    buf_init(&x->head, x->header_bytes_max);
    buf_deinit(&x->body);
    buf_init(&x->body, x->body_bytes_max);
    pthread_mutex_lock(&w->orgs->lock);
    ASSERT(w->asked_count < ASKED_MAX);
    w->asked[w->asked_count++] = x;
    pthread_mutex_unlock(&w->orgs->lock);
}

static void drop(struct way *w, size_t at)
{
    w->asked_count--;
    memmove(&w->asked[at], &w->asked[at + 1], (w->asked_count - at) * sizeof(struct okta_exchange *));
}

static void cancel(struct okta_transport *t, struct okta_exchange *x)
{
    struct way *w = (struct way *)t;

    pthread_mutex_lock(&w->orgs->lock);
    for (size_t i = 0; i < w->asked_count; i++)
        if (w->asked[i] == x) {
            drop(w, i);
            break;
        }
    pthread_mutex_unlock(&w->orgs->lock);
}

/* The first that can be answered, answered; NULL when none can. The lock is held. */
static struct okta_exchange *next_answered(struct way *w)
{
    for (size_t i = 0; i < w->asked_count; i++) {
        struct okta_exchange *x = w->asked[i];
        unsigned port = 0;
        struct org *org;

        ASSERT(sscanf(x->url, "http://127.0.0.1:%u/", &port) == 1);
        org = find(w->orgs, port);
        if (org != NULL && org->is_held)
            continue;
        if (org != NULL)
            answer(w->orgs, org, x);
        else
            snprintf(x->failure, sizeof x->failure, "could not connect");
        drop(w, i);
        return x;
    }
    return NULL;
}

static void wait_until(struct orgs *o, struct way *w, int64_t until_mono_ms)
{
    struct timespec until = { .tv_sec = until_mono_ms / 1000, .tv_nsec = until_mono_ms % 1000 * 1000000 };

    while (!w->is_woken && clock_mono_ms(&clock_system) < until_mono_ms) {
        pthread_cond_timedwait(&o->moved, &o->lock, &until);
        if (w->asked_count > 0)
            return; /* it may be answered now */
    }
}

static void run(struct okta_transport *t, int64_t timeout_ms)
{
    struct way *w = (struct way *)t;
    int64_t until = clock_mono_ms(&clock_system) + timeout_ms;
    struct okta_exchange *x;

    pthread_mutex_lock(&w->orgs->lock);
    x = next_answered(w);
    if (x == NULL && timeout_ms > 0) {
        wait_until(w->orgs, w, until);
        x = next_answered(w);
    }
    w->is_woken = false;
    while (x != NULL) {
        pthread_mutex_unlock(&w->orgs->lock);
        t->finished(t->ctx, x);
        pthread_mutex_lock(&w->orgs->lock);
        x = next_answered(w);
    }
    pthread_mutex_unlock(&w->orgs->lock);
}

static void wake(struct okta_transport *t)
{
    struct way *w = (struct way *)t;

    pthread_mutex_lock(&w->orgs->lock);
    w->is_woken = true;
    pthread_cond_broadcast(&w->orgs->moved);
    pthread_mutex_unlock(&w->orgs->lock);
}

static void destroy(struct okta_transport *t)
{
    struct way *w = (struct way *)t;

    ASSERT(w->asked_count == 0);
    free(w);
}

struct okta_transport *orgs_transport(void *orgs)
{
    struct way *w = mem_zero(sizeof *w);

    w->orgs = orgs;
    w->transport.start = start;
    w->transport.cancel = cancel;
    w->transport.run = run;
    w->transport.wake = wake;
    w->transport.destroy = destroy;
    return &w->transport;
}

/* ---- changes ---- */

#define WITH_ORG(o, port, org, statement)                                                                              \
    do {                                                                                                               \
        struct org *org;                                                                                               \
        pthread_mutex_lock(&(o)->lock);                                                                                \
        org = find((o), (port));                                                                                       \
        ASSERT(org != NULL);                                                                                           \
        statement;                                                                                                     \
        pthread_cond_broadcast(&(o)->moved);                                                                           \
        pthread_mutex_unlock(&(o)->lock);                                                                              \
    } while (0)

void orgs_revoke_token(struct orgs *o, unsigned port)
{
    WITH_ORG(o, port, org, emulator_revoke_token(org->emulator));
}

void orgs_set_token(struct orgs *o, unsigned port, const char *token)
{
    WITH_ORG(o, port, org, emulator_set_token(org->emulator, token));
}

void orgs_set_role(struct orgs *o, unsigned port, enum emulator_role role)
{
    WITH_ORG(o, port, org, emulator_set_role(org->emulator, role));
}

void orgs_set_scopes(struct orgs *o, unsigned port, const char *scopes)
{
    WITH_ORG(o, port, org, emulator_set_scopes(org->emulator, scopes));
}

void orgs_fault(struct orgs *o, unsigned port, const char *prefix, uint32_t count, int status, const char *body)
{
    WITH_ORG(o, port, org, emulator_fault(org->emulator, prefix, count, status, body));
}

void orgs_add_login(struct orgs *o, unsigned port)
{
    int64_t now = clock_unix_ms(&clock_system);

    WITH_ORG(o, port, org, emulator_add_event(org->emulator, now, now, "user.session.start", VIEW_NONE));
}

uint64_t orgs_requests(struct orgs *o, unsigned port, const char *prefix)
{
    uint64_t count = 0;

    WITH_ORG(o, port, org, count = emulator_requests(org->emulator, prefix));
    return count;
}

void orgs_hold(struct orgs *o, unsigned port, bool is_held)
{
    WITH_ORG(o, port, org, org->is_held = is_held);
}
