/* Is the credential dead? One refusal is not enough: belief.h says what is. While it is in doubt nothing else is asked;
 * the endpoints take turns, five seconds apart, since one endpoint that refuses is no dead credential.
 *
 *     GOOD --refused, and there is no newer one--> SUSPECT --refused again until it is believed--> DEAD
 *     SUSPECT, DEAD --any other answer, or a newer credential--> GOOD
 *
 * DEAD asks every quarter of an hour: more often would alarm the org's admins. Every position is kept, so collecting
 * goes on from there. */
#include "poller/poller_internal.h"

#include <stdio.h>
#include <string.h>

#define DEAD_MS          (15 * MINUTE_MS)
#define ENDPOINTS_NEEDED 2

/* The endpoints to ask: those of the collections that can be listed by themselves. NULL beyond the last. */
static const struct collection *credential_endpoint(unsigned n)
{
    const struct collection *c;

    for (size_t i = 0; (c = collection_at(i)) != NULL; i++)
        if (c->parent == 0 && n-- == 0)
            return c;
    return NULL;
}

static unsigned credential_endpoint_of(const struct lane *l)
{
    unsigned id = l->collection->parent != 0 ? l->collection->parent : l->collection->id, n = 0;

    while (credential_endpoint(n)->id != id)
        n++;
    return n;
}

static void credential_wipe_token(struct buf *token)
{
    if (token->at != NULL)
        explicit_bzero(token->at, token->room);
    buf_reset(token);
}

static void credential_become(struct poller *p, enum credential_state state, int64_t wait_ms)
{
    p->credential.state = state;
    p->credential.due_mono_ms = poller_mono_ms(p) + wait_ms;
    p->is_dirty = true;
}

static void credential_resume(struct poller *p)
{
    credential_become(p, CREDENTIAL_GOOD, 0);
    belief_forget(&p->credential.belief);
    p->credential.refused = NULL;
    EACH_LANE(p, l)
    lane_hurry(l);
}

void credential_renew(struct poller *p, struct view token)
{
    struct buf *kept = &p->credential.token;

    if (token.len > 0) {
        credential_wipe_token(kept);
        buf_put(kept, token.at, token.len);
        okta_set_credential(p->okta, buf_view(kept));
    }
    EACH_LANE(p, l)
    {
        l->failures = 0;
        l->is_barred = false;
        belief_forget(&l->belief);
        l->not_before_mono_ms = 0;
    }
    credential_resume(p);
}

/* True when there was a newer credential; it is in use now. */
static bool credential_try_newer(struct poller *p)
{
    struct buf fresh = BUF(TOKEN_BYTES_MAX);
    bool found = p->options.fresh_token != NULL &&
                 p->options.fresh_token(p->options.ctx, buf_view(&p->credential.token), &fresh) && buf_ok(&fresh) &&
                 fresh.len > 0 && !view_eq(buf_view(&fresh), buf_view(&p->credential.token));

    if (found)
        credential_renew(p, buf_view(&fresh));
    credential_wipe_token(&fresh);
    buf_deinit(&fresh);
    return found;
}

/* One more refusal. The next endpoint is asked next. */
static void credential_doubt(struct poller *p, unsigned endpoint)
{
    struct credential *c = &p->credential;

    c->endpoint = credential_endpoint(endpoint + 1) != NULL ? endpoint + 1 : 0;
    if (belief_refused(&c->belief, endpoint, ENDPOINTS_NEEDED, poller_mono_ms(p)))
        credential_become(p, CREDENTIAL_DEAD, poller_jitter_ms(p, DEAD_MS));
    else
        credential_become(p, CREDENTIAL_SUSPECT, BELIEF_AGAIN_MS);
}

void credential_refused(struct lane *l)
{
    struct poller *p = l->p;

    lane_hurry(l);
    if (p->credential.state != CREDENTIAL_GOOD || credential_try_newer(p))
        return;
    p->credential.refused = l;
    credential_doubt(p, credential_endpoint_of(l));
}

/* ---- the probe ---- */

static void credential_probe_refused(struct poller *p)
{
    if (!credential_try_newer(p))
        credential_doubt(p, p->credential.endpoint);
}

static void credential_probe_accepted(struct poller *p)
{
    struct lane *refused = p->credential.refused;

    if (refused != NULL && p->credential.state == CREDENTIAL_SUSPECT)
        lane_failed(refused, REASON_ENDPOINT_REFUSED, 0, "Okta refuses the token here, though not elsewhere");
    credential_resume(p);
}

static void credential_probed(struct okta_request *r, const struct okta_answer *a)
{
    struct poller *p = r->ctx;
    bool is_dead = p->credential.state == CREDENTIAL_DEAD;

    p->credential.in_flight = false;
    p->is_dirty = true;
    poller_learn_okta_time(p, a);
    if (a->verdict != OKTA_DONE && a->verdict != OKTA_CANCELLED)
        show_error(p, a);
    if (p->credential.state == CREDENTIAL_GOOD)
        return; /* a newer credential came meanwhile */
    switch (a->verdict) {
    case OKTA_CREDENTIAL_REFUSED:
        credential_probe_refused(p);
        break;
    case OKTA_DONE:
    case OKTA_GONE:
    case OKTA_FORBIDDEN:
    case OKTA_SCOPE_MISSING:
    case OKTA_FEATURE_ABSENT:
        credential_probe_accepted(p); /* Okta knows whose credential it is */
        break;
    default:
        credential_become(p, p->credential.state, is_dead ? DEAD_MS : BELIEF_AGAIN_MS);
        break;
    }
}

void credential_step(struct poller *p)
{
    struct credential *c = &p->credential;

    if (c->in_flight || credential_due_mono_ms(p) > poller_mono_ms(p))
        return;
    if (c->state == CREDENTIAL_DEAD && credential_try_newer(p))
        return;
    c->in_flight = true;
    snprintf(c->path, sizeof c->path, "%s?limit=1", credential_endpoint(c->endpoint)->path);
    c->probe = (struct okta_request){ .path = view_of(c->path),
                                      .priority = OKTA_PRIORITY_TAIL,
                                      .who = "credential",
                                      .done = credential_probed,
                                      .ctx = p };
    okta_send(p->okta, &c->probe);
}

int64_t credential_due_mono_ms(const struct poller *p)
{
    const struct credential *c = &p->credential;

    return c->state == CREDENTIAL_GOOD || c->in_flight ? INT64_MAX : c->due_mono_ms;
}
