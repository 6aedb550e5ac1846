#include "users.h"

#include "base/assert.h"
#include "base/mem.h"
#include "names.h"
#include "random.h"

#include <stdio.h>
#include <string.h>

#define DAY_MS          INT64_C(86400000)
#define ORG_AGE_MS      (1000 * DAY_MS) /* the first users are that old when the emulator starts */
#define ID_PLACE_DIGITS 6               /* base 36: two thousand million */
#define ID_NOISE_DIGITS 11

const char *const user_status_names[USER_STATUSES] = {
    "ACTIVE", "STAGED", "PROVISIONED", "RECOVERY", "LOCKED_OUT", "PASSWORD_EXPIRED", "SUSPENDED", "DEPROVISIONED",
};

/* ---- ids ---- */

void id_make(char id[ID_SIZE], const char *prefix, uint64_t seed, uint64_t place)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    uint64_t noise = random_at(seed, RANDOM_ID, place ^ (uint64_t)(unsigned char)prefix[2] << 40);
    char *to = stpcpy(id, prefix);

    for (int i = ID_PLACE_DIGITS - 1; i >= 0; i--, place /= 36)
        to[i] = digits[place % 36];
    to += ID_PLACE_DIGITS;
    for (int i = 0; i < ID_NOISE_DIGITS; i++, noise /= 62)
        *to++ = digits[noise % 62];
    *to = '\0';
}

bool id_read(struct view id, const char *prefix, uint64_t seed, uint64_t *place)
{
    size_t skip = strlen(prefix);
    char again[ID_SIZE];
    uint64_t n = 0;

    if (id.len != ID_SIZE - 1 || !view_starts(id, prefix))
        return false;
    for (size_t i = skip; i < skip + ID_PLACE_DIGITS; i++) {
        char c = id.at[i];

        if (c >= '0' && c <= '9')
            n = n * 36 + (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'z')
            n = n * 36 + (uint64_t)(c - 'a') + 10;
        else
            return false;
    }
    id_make(again, prefix, seed, n);
    *place = n;
    return view_is(id, again);
}

/* ---- the people ---- */

/* One in 20 has left; one in 20 is in some other state, each of them in turn. The first, whose token it is, works. */
static enum user_status status_at(size_t index)
{
    if (index % 20 == 13)
        return USER_DEPROVISIONED;
    if (index % 20 == 7)
        return (enum user_status)(USER_STAGED + index / 20 % (USER_DEPROVISIONED - USER_STAGED));
    return USER_ACTIVE;
}

void users_init(struct users *users, const struct emulator_options *options)
{
    size_t count = options->users;
    int64_t slot_ms = ORG_AGE_MS / (int64_t)(count + 1);

    ASSERT(count <= USERS_MAX && options->start_unix_ms > ORG_AGE_MS);
    *users = (struct users){ .seed = options->seed, .count = count, .room = count + 64, .generated = count };
    users->at = mem_array(users->room, sizeof *users->at);
    for (size_t i = 0; i < count; i++) {
        struct dice d = { random_at(options->seed, RANDOM_USER, i) };
        struct user *user = &users->at[i];

        user->status = (uint8_t)status_at(i);
        user->created_ms = options->start_unix_ms - ORG_AGE_MS + (int64_t)i * slot_ms +
                           (int64_t)(dice_next(&d) % (uint64_t)slot_ms) / 1000 * 1000;
        user->updated_ms =
            user->created_ms +
            (int64_t)(dice_next(&d) % (uint64_t)(options->start_unix_ms - user->created_ms)) / 1000 * 1000;
    }
}

void users_deinit(struct users *users)
{
    for (size_t i = users->generated; i < users->count; i++)
        free(users->at[i].login);
    free(users->at);
}

bool users_login_is_fit(struct view login)
{
    for (size_t i = 0; i < login.len; i++)
        if ((unsigned char)login.at[i] < 0x20 || login.at[i] == '"' || login.at[i] == '\\')
            return false;
    return login.len > 0 && login.len < LOGIN_SIZE && utf8_is_clean(login);
}

void users_add(struct users *users, int64_t now_ms, const char *login)
{
    ASSERT(users_login_is_fit(view_of(login)) && users->count < USERS_MAX);
    if (users->count == users->room) {
        users->room *= 2;
        users->at = mem_grow(users->at, users->room * sizeof *users->at);
    }
    users->at[users->count++] =
        (struct user){ .created_ms = now_ms, .updated_ms = now_ms, .login = mem_strdup(login), .status = USER_ACTIVE };
}

void users_change(struct users *users, size_t index, int64_t now_ms, enum emulator_user_change change)
{
    struct user *user = &users->at[index];

    ASSERT(index < users->count);
    user->indexed_update_ms = user->updated_ms;
    user->indexed_status = user->status;
    user->updated_ms = now_ms;
    switch (change) {
    case EMULATOR_USER_UPDATE:
        user->revision++;
        break;
    case EMULATOR_USER_SUSPEND:
        user->status = USER_SUSPENDED;
        break;
    case EMULATOR_USER_DEACTIVATE:
        user->status = USER_DEPROVISIONED;
        break;
    case EMULATOR_USER_ACTIVATE:
        user->status = USER_ACTIVE;
        break;
    case EMULATOR_USER_DELETE:
        user->is_deleted = true;
        break;
    }
}

void users_person(const struct users *users, size_t index, struct person *out)
{
    uint64_t random = random_at(users->seed, RANDOM_USER, index);
    const struct name *first = &first_names[random % first_names_count];
    const struct name *last = &last_names[(random >> 20) % last_names_count];

    id_make(out->id, "00u", users->seed, index);
    out->first = first->shown;
    out->last = last->shown;
    if (index < users->count && users->at[index].login != NULL)
        snprintf(out->login, sizeof out->login, "%s", users->at[index].login);
    else
        snprintf(out->login, sizeof out->login, "%s.%s%zu@" USERS_DOMAIN, first->plain, last->plain, index);
}

/* Whether `name` is that login, or what stands before its @. */
static bool is_login_of(struct view name, const char *login)
{
    struct view whole = view_of(login);
    const char *at = strchr(login, '@');

    return view_eq_nocase(name, whole) ||
           (at != NULL && view_eq_nocase(name, (struct view){ login, (size_t)(at - login) }));
}

static bool find(const struct users *users, struct view name, size_t *index)
{
    const char *at = name.len > 0 ? memchr(name.at, '@', name.len) : NULL;
    size_t end = at != NULL ? (size_t)(at - name.at) : name.len, digits = end;
    struct person person;
    uint64_t n;

    if (id_read(name, "00u", users->seed, &n)) {
        *index = (size_t)n;
        return n < users->count;
    }
    /* A generated login ends in the place. */
    while (digits > 0 && name.at[digits - 1] >= '0' && name.at[digits - 1] <= '9')
        digits--;
    if (view_u64((struct view){ name.at + digits, end - digits }, 0, USERS_MAX, &n) && n < users->generated) {
        users_person(users, (size_t)n, &person);
        *index = (size_t)n;
        if (is_login_of(name, person.login))
            return true;
    }
    for (size_t i = users->generated; i < users->count; i++) {
        *index = i;
        if (is_login_of(name, users->at[i].login))
            return true;
    }
    return false;
}

bool users_find(const struct users *users, struct view name, size_t *index)
{
    return find(users, name, index) && !users->at[*index].is_deleted;
}

/* ---- as JSON ---- */

static void put_time(struct buf *out, const char *name, bool is_there, int64_t ms)
{
    char text[TIME_TEXT_SIZE];

    if (!is_there) {
        buf_printf(out, "\"%s\":null,", name);
        return;
    }
    time_format(ms, text);
    buf_printf(out, "\"%s\":\"%s\",", name, text);
}

static void put_profile(const struct person *p, uint64_t random, unsigned revision, struct buf *out)
{
    buf_printf(out,
               "\"profile\":{\"firstName\":\"%s\",\"lastName\":\"%s\",\"mobilePhone\":%s,\"secondEmail\":null,"
               "\"login\":\"%s\",\"email\":\"%s\",\"department\":\"%s\",\"employeeNumber\":\"%u\"",
               p->first, p->last, random % 3 == 0 ? "\"+46 70 555 01 23\"" : "null", p->login, p->login,
               departments[random % departments_count], (unsigned)(random >> 40 & 0xffff));
    /* What a customer adds to the schema: arrays, numbers, booleans; left out where unset. */
    if (random % 2 == 0)
        buf_printf(out, ",\"badgeColours\":[\"blue\",\"grün\"],\"payGrade\":%u", (unsigned)(random >> 8 & 15));
    if (random % 5 == 0)
        buf_puts(out, ",\"isContractor\":true");
    if (revision > 0)
        buf_printf(out, ",\"title\":\"Engineer %u\"", revision);
    buf_puts(out, "},");
}

void users_render(const struct users *users, size_t index, const struct user_view *view, struct buf *out)
{
    const struct user *user = &users->at[index];
    uint64_t random = random_at(users->seed, RANDOM_USER, index);
    bool was_activated = user->status != USER_STAGED;
    bool has_password = was_activated && user->status != USER_PROVISIONED;
    struct person person;

    ASSERT(index < users->count);
    users_person(users, index, &person);
    buf_printf(out, "{\"id\":\"%s\",\"status\":\"%s\",", person.id, user_status_names[user->status]);
    put_time(out, "created", true, user->created_ms);
    put_time(out, "activated", was_activated, user->created_ms);
    put_time(out, "statusChanged", was_activated, user->updated_ms);
    put_time(out, "lastLogin", has_password && random % 10 != 0, user->updated_ms);
    put_time(out, "lastUpdated", true, user->updated_ms);
    put_time(out, "passwordChanged", has_password, user->created_ms);
    if (!view->omit_credentials)
        buf_puts(out, "\"transitioningToStatus\":null,");
    buf_puts(out, "\"type\":{\"id\":\"otyDefault000000001d7\"},");
    put_profile(&person, random, user->revision, out);
    if (!view->omit_credentials)
        buf_printf(out,
                   "\"credentials\":{%s\"emails\":[{\"value\":\"%s\",\"status\":\"VERIFIED\",\"type\":\"PRIMARY\"}],"
                   "\"provider\":{\"type\":\"OKTA\",\"name\":\"OKTA\"}},",
                   has_password ? "\"password\":{}," : "", person.login);
    buf_printf(out, "\"_links\":{\"self\":{\"href\":\"%s/api/v1/users/%s\"}}}", view->base_url, person.id);
}
