/* Is the token dead? One refusal is not enough: belief.h says what is. While it is being found out, nothing else is
 * asked; two endpoints take turns, five seconds apart.
 *
 *     GOOD --refused, and there is no newer token--> SUSPECT --refused again until it is believed--> DEAD
 *     SUSPECT, DEAD --another answer, or a newer token--> GOOD
 *
 * DEAD asks once a quarter of an hour: hammering with a dead token alarms the org's admins. All positions are kept. */
#include "poller/poller_internal.h"

#include <string.h>

#define DEAD_MS          (15 * MINUTE_MS)
#define ENDPOINTS_NEEDED 2

enum { ENDPOINT_LOGS, ENDPOINT_USERS, ENDPOINTS };

static const char *const probe_paths[ENDPOINTS] = { PATH_LOGS "?limit=1", PATH_USERS "?limit=1" };

static void wipe(struct buf *token)
{
    if (token->at != NULL)
        explicit_bzero(token->at, token->room);
    buf_reset(token);
}

static void become(struct poller *p, enum credential_state state, int64_t wait_ms)
{
    p->credential.state = state;
    p->credential.due_mono_ms = poller_mono_ms(p) + wait_ms;
    p->is_dirty = true;
}

static void resume(struct poller *p)
{
    become(p, CREDENTIAL_GOOD, 0);
    belief_forget(&p->credential.belief);
    p->credential.refused = NULL;
    for (int i = 0; i < LANES; i++)
        lane_hurry(&p->lanes[i]);
}

void credential_renew(struct poller *p, struct view token)
{
    struct buf *kept = &p->credential.token;

    if (token.len > 0) {
        wipe(kept);
        buf_put(kept, token.at, token.len);
        okta_set_credential(p->okta, buf_view(kept));
    }
    for (int i = 0; i < LANES; i++) {
        p->lanes[i].failures = 0;
        p->lanes[i].is_barred = false;
        belief_forget(&p->lanes[i].belief);
        p->lanes[i].not_before_mono_ms = 0;
    }
    resume(p);
}

/* True when there was a newer token, which is in use now. */
static bool try_fresh_token(struct poller *p)
{
    struct buf fresh = BUF(TOKEN_BYTES_MAX);
    bool found = p->options.fresh_token != NULL &&
                 p->options.fresh_token(p->options.ctx, buf_view(&p->credential.token), &fresh) && buf_ok(&fresh) &&
                 fresh.len > 0 && !view_eq(buf_view(&fresh), buf_view(&p->credential.token));

    if (found)
        credential_renew(p, buf_view(&fresh));
    wipe(&fresh);
    buf_deinit(&fresh);
    return found;
}

/* One more refusal; the next is asked of the other endpoint. */
static void doubt(struct poller *p, unsigned endpoint)
{
    struct credential *c = &p->credential;

    c->endpoint = (endpoint + 1) % ENDPOINTS;
    if (belief_refused(&c->belief, endpoint, ENDPOINTS_NEEDED, poller_mono_ms(p)))
        become(p, CREDENTIAL_DEAD, poller_jitter_ms(p, DEAD_MS));
    else
        become(p, CREDENTIAL_SUSPECT, BELIEF_AGAIN_MS);
}

void credential_refused(struct lane *l)
{
    struct poller *p = l->p;

    lane_hurry(l);
    if (p->credential.state != CREDENTIAL_GOOD || try_fresh_token(p))
        return;
    p->credential.refused = l;
    doubt(p, strcmp(l->row->bucket, PATH_USERS) == 0 ? ENDPOINT_USERS : ENDPOINT_LOGS);
}

/* ---- the probe ---- */

static void was_refused(struct poller *p)
{
    if (!try_fresh_token(p))
        doubt(p, p->credential.endpoint);
}

static void was_accepted(struct poller *p)
{
    struct lane *refused = p->credential.refused;

    if (refused != NULL && p->credential.state == CREDENTIAL_SUSPECT) {
        lane_failed(refused, 0, "Okta refuses the token here, though not elsewhere");
        refused->why = REASON_ENDPOINT_REFUSED;
    }
    resume(p);
}

static void probed(struct okta_request *r, const struct okta_answer *a)
{
    struct poller *p = r->ctx;
    bool is_dead = p->credential.state == CREDENTIAL_DEAD;

    p->credential.in_flight = false;
    p->is_dirty = true;
    poller_learn_okta_time(p, a);
    if (a->verdict != OKTA_DONE && a->verdict != OKTA_CANCELLED)
        show_error(p, a);
    if (p->credential.state == CREDENTIAL_GOOD)
        return; /* a new token came meanwhile */
    switch (a->verdict) {
    case OKTA_CREDENTIAL_REFUSED:
        was_refused(p);
        break;
    case OKTA_DONE:
    case OKTA_GONE:
    case OKTA_FORBIDDEN:
    case OKTA_SCOPE_MISSING:
    case OKTA_FEATURE_ABSENT:
        was_accepted(p); /* it knows who we are */
        break;
    default:
        become(p, p->credential.state, is_dead ? DEAD_MS : BELIEF_AGAIN_MS);
        break;
    }
}

void credential_step(struct poller *p)
{
    struct credential *c = &p->credential;

    if (c->in_flight || credential_due_mono_ms(p) > poller_mono_ms(p))
        return;
    if (c->state == CREDENTIAL_DEAD && try_fresh_token(p))
        return;
    c->in_flight = true;
    c->probe = (struct okta_request){
        .path = view_of(probe_paths[c->endpoint]), .lane = OKTA_LANE_TAIL, .done = probed, .ctx = p
    };
    okta_send(p->okta, &c->probe);
}

int64_t credential_due_mono_ms(const struct poller *p)
{
    const struct credential *c = &p->credential;

    return c->state == CREDENTIAL_GOOD || c->in_flight ? INT64_MAX : c->due_mono_ms;
}
