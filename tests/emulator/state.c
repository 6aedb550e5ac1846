/* What the emulator is made of, and how it is changed and looked at from outside, beside its requests. */
#include "inside.h"

#include "base/assert.h"
#include "base/mem.h"
#include "random.h"

#include <stdio.h>
#include <string.h>

#define SHELF_BLOCK 1024

/* ---- control ---- */

void emulator_advance(struct emulator *e, int64_t now_unix_ms)
{
    if (now_unix_ms > e->now_ms)
        e->now_ms = now_unix_ms;
    events_advance(&e->events, e->now_ms);
}

void emulator_stop_logins(struct emulator *e)
{
    e->events.is_live = false;
}

void emulator_add_event(struct emulator *e, int64_t now_unix_ms, int64_t published_ms, const char *event_type,
                        struct view json)
{
    emulator_advance(e, now_unix_ms);
    events_add(&e->events, e->now_ms, published_ms, event_type, json);
}

void emulator_add_user(struct emulator *e, int64_t now_unix_ms, const char *login)
{
    emulator_advance(e, now_unix_ms);
    users_add(&e->users, e->now_ms, login);
}

bool emulator_change_user(struct emulator *e, int64_t now_unix_ms, struct view name, enum emulator_user_change change)
{
    size_t index;

    emulator_advance(e, now_unix_ms);
    if (!users_find(&e->users, name, &index))
        return false;
    users_change(&e->users, index, e->now_ms, change);
    return true;
}

bool emulator_login_is_fit(struct view login)
{
    return users_login_is_fit(login);
}

void emulator_revoke_token(struct emulator *e)
{
    e->is_token_revoked = true;
}

void emulator_set_token(struct emulator *e, const char *token)
{
    free(e->token);
    e->token = mem_strdup(token);
    e->is_token_revoked = false;
}

bool emulator_add_key(struct emulator *e, struct view kid, struct view text, struct error *err)
{
    return oauth_add_key(&e->oauth, kid, text, err);
}

void emulator_set_role(struct emulator *e, enum emulator_role role)
{
    e->role = role;
}

void emulator_set_scopes(struct emulator *e, const char *scopes)
{
    free(e->oauth.scopes);
    e->oauth.scopes = mem_strdup(scopes);
}

void emulator_set_dpop(struct emulator *e, enum emulator_dpop dpop)
{
    e->oauth.dpop = dpop;
}

void emulator_set_client_active(struct emulator *e, bool is_active)
{
    e->oauth.is_inactive = !is_active;
}

void emulator_revoke_access_tokens(struct emulator *e)
{
    e->oauth.token_generation++;
}

void emulator_rotate_nonce(struct emulator *e)
{
    e->oauth.nonce_generation++;
}

void emulator_set_outside_zone(struct emulator *e, bool is_outside)
{
    e->is_outside_zone = is_outside;
}

void emulator_set_base_url(struct emulator *e, const char *base_url)
{
    if (e->options.is_base_url_fixed)
        return;
    free(e->base_url);
    e->base_url = mem_strdup(base_url);
}

void emulator_expire_cursors(struct emulator *e)
{
    e->cursor_generation++;
}

bool emulator_fault(struct emulator *e, const char *prefix, uint32_t count, int status, const char *body)
{
    const struct emulator_fault_rule rule = { .what = { EMULATOR_FAULT_STATUS, .status = status, .body = body },
                                              .prefix = prefix,
                                              .count = count };

    return emulator_add_fault(e, &rule);
}

bool emulator_add_fault(struct emulator *e, const struct emulator_fault_rule *rule)
{
    return faults_add(&e->faults, rule);
}

bool emulator_load_faults(struct emulator *e, struct view script, struct error *err)
{
    return faults_load(&e->faults, script, err);
}

void emulator_clear_faults(struct emulator *e)
{
    faults_deinit(&e->faults);
}

uint64_t emulator_faults_done(const struct emulator *e)
{
    return e->faults.done;
}

/* ---- counts ---- */

uint64_t emulator_requests(const struct emulator *e, const char *prefix)
{
    uint64_t sum = 0;

    if (*prefix == '\0')
        return e->request_count;
    for (size_t i = 0; i < e->paths_count; i++)
        if (view_starts(view_of(e->paths[i].path), prefix))
            sum += e->paths[i].count;
    return sum;
}

size_t emulator_path_count(const struct emulator *e)
{
    return e->paths_count;
}

const char *emulator_path_at(const struct emulator *e, size_t index)
{
    return e->paths[index].path;
}

uint64_t emulator_violations(const struct emulator *e)
{
    return e->violations;
}

uint64_t emulator_answers_429(const struct emulator *e)
{
    return e->answers_429;
}

/* ---- the truth ---- */

/* Room for the text at that place; `is_new` when nothing is in it. */
static char *shelf_place(struct shelf *s, size_t index, bool *is_new)
{
    size_t block = index / SHELF_BLOCK;
    char *place;

    if (block >= s->blocks_count) {
        s->blocks = mem_grow(s->blocks, (block + 1) * sizeof *s->blocks);
        memset(s->blocks + s->blocks_count, 0, (block + 1 - s->blocks_count) * sizeof *s->blocks);
        s->blocks_count = block + 1;
    }
    if (s->blocks[block] == NULL)
        s->blocks[block] = mem_array(SHELF_BLOCK, sizeof *s->blocks[block]);
    place = s->blocks[block][index % SHELF_BLOCK];
    *is_new = *place == '\0';
    return place;
}

static void shelf_destroy(struct shelf *s)
{
    for (size_t i = 0; i < s->blocks_count; i++)
        free(s->blocks[i]);
    free(s->blocks);
    free(s);
}

size_t emulator_truth_count(const struct emulator *e)
{
    return e->events.count;
}

struct emulator_truth emulator_truth_at(const struct emulator *e, size_t index)
{
    const struct event *event = &e->events.at[index];
    bool is_new;
    char *uuid = shelf_place(e->uuids, index, &is_new);

    ASSERT(index < e->events.count);
    if (is_new)
        events_uuid(&e->events, index, uuid);
    return (struct emulator_truth){ uuid, events_type(&e->events, index), event->published_ms, event->persisted_ms,
                                    events_is_login(&e->events, index) };
}

size_t emulator_user_count(const struct emulator *e)
{
    return e->users.count;
}

const char *emulator_user_id(const struct emulator *e, size_t index)
{
    bool is_new;
    char *id = shelf_place(e->user_ids, index, &is_new);

    ASSERT(index < e->users.count);
    if (is_new)
        id_make(id, "00u", e->users.seed, index);
    return id;
}

/* ---- begin and end ---- */

static void set_limits(struct emulator *e)
{
    const struct emulator_options *o = &e->options;
    int32_t other = o->other_limit > 0 ? o->other_limit : 300;

    for (int i = 0; i < BUCKETS; i++)
        e->buckets[i].limit = other;
    e->buckets[BUCKET_LOGS].limit = o->logs_limit > 0 ? o->logs_limit : 60;
    e->buckets[BUCKET_USERS].limit = o->users_limit > 0 ? o->users_limit : 300;
}

struct emulator *emulator_create(const struct emulator_options *options)
{
    struct emulator *e = mem_zero(sizeof *e);

    e->options = *options;
    e->base_url = mem_strdup(options->base_url != NULL ? options->base_url : "http://127.0.0.1");
    e->token = mem_strdup(options->token != NULL ? options->token : "00emulatorTokenNotReal");
    e->now_ms = options->start_unix_ms;
    if (options->org_id != NULL)
        snprintf(e->org_id, sizeof e->org_id, "%s", options->org_id);
    else
        snprintf(e->org_id, sizeof e->org_id, "00oemulator%09llu",
                 (unsigned long long)(random_at(options->seed, RANDOM_ORG, 0) % 1000000000));
    e->role = options->role;
    oauth_init(&e->oauth, options);
    users_init(&e->users, options);
    events_init(&e->events, options);
    e->org = (struct org){ options->seed, &e->events, &e->users, options->apps > 0 ? options->apps : 1 };
    e->uuids = mem_zero(sizeof *e->uuids);
    e->user_ids = mem_zero(sizeof *e->user_ids);
    buf_init(&e->body, BODY_BYTES_MAX);
    set_limits(e);
    return e;
}

void emulator_destroy(struct emulator *e)
{
    if (e == NULL)
        return;
    faults_deinit(&e->faults);
    for (size_t i = 0; i < e->paths_count; i++)
        free(e->paths[i].path);
    free(e->paths);
    shelf_destroy(e->uuids);
    shelf_destroy(e->user_ids);
    events_deinit(&e->events);
    users_deinit(&e->users);
    oauth_deinit(&e->oauth);
    buf_deinit(&e->body);
    free(e->base_url);
    free(e->token);
    free(e);
}
