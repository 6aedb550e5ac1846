/* tests/emulator/users.h: the people of the emulated org. Names and profile come from the seed and the user's place;
 * what changes is kept. */
#ifndef EMULATOR_USERS_H
#define EMULATOR_USERS_H

#include "emulator.h"

#define USERS_MAX    1000000u
#define ID_SIZE      21  /* "00u" and 17 characters */
#define LOGIN_SIZE   201 /* with its NUL */
#define USERS_DOMAIN "acme.example"

enum user_status {
    USER_ACTIVE,
    USER_STAGED,
    USER_PROVISIONED,
    USER_RECOVERY,
    USER_LOCKED_OUT,
    USER_PASSWORD_EXPIRED,
    USER_SUSPENDED,
    USER_DEPROVISIONED,
    USER_STATUSES,
};
extern const char *const user_status_names[USER_STATUSES];

struct user {
    int64_t created_ms, updated_ms;
    char *login; /* of one that was added; NULL: from its place */
    uint8_t status;
    bool is_deleted;
    uint16_t revision;         /* how often the profile was changed */
    int64_t indexed_update_ms; /* of the change before the last: what the index knows until it has caught up */
    uint8_t indexed_status;
};

struct users {
    uint64_t seed;
    struct user *at; /* ascending by creation, and so by id */
    size_t count, room;
    size_t generated; /* of these, from the start */
};

/* Who somebody is. Nothing in here needs escaping in JSON. */
struct person {
    char id[ID_SIZE];
    char login[LOGIN_SIZE];
    const char *first, *last;
};

void users_init(struct users *users, const struct emulator_options *options);
void users_deinit(struct users *users);
/* ASSERTs users_login_is_fit. */
void users_add(struct users *users, int64_t now_ms, const char *login);
bool users_login_is_fit(struct view login);
void users_change(struct users *users, size_t index, int64_t now_ms, enum emulator_user_change change);

/* An index at or after count is a person too, of whom the org has no record. */
void users_person(const struct users *users, size_t index, struct person *out);
/* By id, login, or what stands before the login's @. */
bool users_find(const struct users *users, struct view name, size_t *index);

/* An id whose 17 characters are the place, so that it can be found, and noise, so that it looks like one. Ascending in
 * place. */
void id_make(char id[ID_SIZE], const char *prefix, uint64_t seed, uint64_t place);
bool id_read(struct view id, const char *prefix, uint64_t seed, uint64_t *place);

/* One User object. */
struct user_view {
    const char *base_url;
    bool omit_credentials; /* and what else okta-response leaves out */
};
void users_render(const struct users *users, size_t index, const struct user_view *view, struct buf *out);

#endif
