#include "content.h"

#include "random.h"

#include <stdio.h>
#include <string.h>

#define SESSION_MS          (8 * INT64_C(3600000))
#define LONG_AGENT_BYTES    4096u
#define LONGEST_AGENT_BYTES 65536u

static void choose_outcome(struct content *c, struct dice *d)
{
    static const char *const failures[] = { "INVALID_CREDENTIALS", "INVALID_CREDENTIALS", "INVALID_CREDENTIALS",
                                            "VERIFICATION_ERROR",  "LOCKED_OUT",          "GENERAL_NONSUCCESS" };
    uint32_t percent = dice_roll(d, 100);

    c->result = "SUCCESS";
    switch (c->kind->outcome) {
    case OUTCOME_SUCCESS:
        break;
    case OUTCOME_MOSTLY:
    case OUTCOME_SESSION:
        if (percent < (c->kind->outcome == OUTCOME_SESSION ? 15u : 4u)) {
            c->result = "FAILURE";
            c->reason = failures[dice_roll(d, 6)];
        }
        break;
    case OUTCOME_POLICY:
        c->result = percent < 70 ? "ALLOW" : percent < 95 ? "CHALLENGE" : "DENY";
        c->reason = percent < 70   ? "Sign-on policy evaluation resulted in ALLOW"
                    : percent < 95 ? "Sign-on policy evaluation resulted in CHALLENGE"
                                   : "Sign-on policy evaluation resulted in DENY";
        break;
    case OUTCOME_FAILURE:
        c->result = "FAILURE";
        c->reason = "GENERAL_NONSUCCESS";
        break;
    }
    if (c->kind->outcome != OUTCOME_SESSION && dice_once_in(d, 200))
        c->result = NULL;
}

/* A login to Okta that failed has no session and no target, and may be of nobody that Okta knows: then the name is what
 * was typed. */
static void choose_failure(struct content *c, struct dice *d)
{
    snprintf(c->session, sizeof c->session, "unknown");
    c->has_targets = false;
    c->legacy = "core.user_auth.login_failed";
    if (!dice_once_in(d, 5))
        return;
    c->reason = "INVALID_CREDENTIALS";
    snprintf(c->actor.id, sizeof c->actor.id, "unknown");
    snprintf(c->actor.login, sizeof c->actor.login, "%s", strangers[dice_roll(d, (uint32_t)strangers_count)]);
    c->actor_name = "unknown";
}

static void put_hex16(char *to, uint64_t value)
{
    for (int i = 0; i < 16; i++)
        to[i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
    to[16] = '\0';
}

static void choose_client(struct content *c, struct dice *d)
{
    static const char *const zones[] = { "LegacyIpZone", "Büro Berlin", "BlockedIpZone" };
    static const char *const nets[] = { "192.0.2", "198.51.100", "203.0.113" };

    c->agent = &agents[dice_roll(d, (uint32_t)agents_count)];
    c->place = &places[dice_roll(d, (uint32_t)places_count)];
    c->zone = dice_once_in(d, 10) ? NULL : dice_once_in(d, 6) ? zones[dice_roll(d, 3)] : "null";
    c->is_ipv6 = dice_once_in(d, 8);
    if (c->is_ipv6)
        snprintf(c->ip, sizeof c->ip, "2001:db8:%x::%x", dice_roll(d, 0x10000), 1 + dice_roll(d, 0xfff0));
    else
        snprintf(c->ip, sizeof c->ip, "%s.%u", nets[dice_roll(d, 3)], dice_roll(d, 256));
    c->has_client = !dice_once_in(d, 300);
    if (dice_once_in(d, 20000))
        c->agent_padding = LONGEST_AGENT_BYTES;
    else if (dice_once_in(d, 1000))
        c->agent_padding = LONG_AGENT_BYTES;
}

static void choose_people(struct content *c, struct dice *d, int64_t published_ms)
{
    size_t count = c->org->users->generated;
    size_t user = dice_roll(d, count > 0 ? (uint32_t)count : 1);
    uint64_t session;

    /* Who has left or never came does not sign in. */
    if (user % 20 == 13 || user % 20 == 7)
        user = user > 0 ? user - 1 : 0;
    c->subject = user;
    /* What is no login is done by one of three admins to somebody. */
    if (!c->kind->is_login)
        user = user % 3;
    users_person(c->org->users, user, &c->actor);
    c->actor_type = "User";
    if (c->kind->target == TARGET_APP_MEMBER && dice_once_in(d, 4)) {
        c->actor_type = "SystemPrincipal";
        snprintf(c->actor.id, sizeof c->actor.id, "okta-system");
        snprintf(c->actor.login, sizeof c->actor.login, "system@okta.com");
        c->actor_name = "Okta System";
    }
    session = random_at(c->org->seed, RANDOM_SESSION, (uint64_t)user << 32 ^ (uint64_t)(published_ms / SESSION_MS));
    memcpy(c->session, "idx", 3);
    put_hex16(c->session + 3, session);
}

void content_make(struct content *c, const struct org *org, size_t index)
{
    const struct event *event = &org->events->at[index];
    struct dice d = { random_at(org->seed, RANDOM_CONTENT, index) };

    *c = (struct content){ .org = org, .kind = events_kind(org->events, index), .has_targets = true };
    c->noise = dice_next(&d);
    c->legacy = c->kind->legacy;
    choose_outcome(c, &d);
    choose_client(c, &d);
    choose_people(c, &d, event->published_ms);
    c->app = dice_roll(&d, org->apps);
    if (c->kind->target == TARGET_SESSION)
        c->has_targets = dice_once_in(&d, 2);
    else if (dice_once_in(&d, 150) || c->kind->target == TARGET_NONE)
        c->has_targets = false;
    if (c->kind->outcome == OUTCOME_SESSION && strcmp(c->result, "FAILURE") == 0)
        choose_failure(c, &d);
    events_uuid(org->events, index, c->uuid);
    time_format(event->published_ms, c->published);
    put_hex16(c->request_id, dice_next(&d));
    put_hex16(c->request_id + 16, dice_next(&d));
}
