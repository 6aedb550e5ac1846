/* tests/emulator/inside.h: what the emulator's own files know of each other. */
#ifndef EMULATOR_INSIDE_H
#define EMULATOR_INSIDE_H

#include "content.h"
#include "emulator.h"
#include "events.h"
#include "fault.h"
#include "oauth.h"
#include "query.h"
#include "users.h"

#define BODY_BYTES_MAX (128u << 20)
#define HEAD_BYTES_MAX (64u << 10)
#define PATHS_MAX      20000 /* counted one by one; of any other only the endpoint is */
#define RETENTION_MS   (90 * INT64_C(86400000))
#define SINCE_MAX_MS   (180 * INT64_C(86400000))
#define WINDOW_S       60

enum bucket_name {
    BUCKET_LOGS,
    BUCKET_USERS,
    BUCKET_USER,
    BUCKET_GROUPS,
    BUCKET_APPS,
    BUCKET_OTHER,
    BUCKET_TOKEN,
    BUCKETS,
    BUCKET_UNLIMITED = BUCKETS,
};

/* What a role may see, or may not. */
enum data_kind { DATA_USERS, DATA_GROUPS, DATA_APPS, DATA_LOGS, DATA_ROLES, DATA_ORG, DATA_KINDS };

/* Requests of a minute that begins with the first. */
struct bucket {
    int32_t limit, spent;
    int64_t reset_unix_s;
};

struct path_count {
    char *path;
    uint64_t count;
};

/* Texts of one size that stay where they are once somebody has seen them. */
struct shelf {
    char (**blocks)[EVENT_UUID_SIZE];
    size_t blocks_count;
};

struct emulator {
    struct emulator_options options; /* its texts are in the next three */
    char *base_url, *token;
    char org_id[64];
    bool is_token_revoked, is_outside_zone;
    enum emulator_role role;
    struct oauth oauth;
    int64_t now_ms;
    uint32_t cursor_generation;
    uint64_t request_count, violations, answers_429;

    struct events events;
    struct users users;
    struct org org;
    struct bucket buckets[BUCKETS];
    struct faults faults;
    struct path_count *paths;
    size_t paths_count, paths_room;
    struct shelf *uuids, *user_ids; /* behind pointers: filled by those who only look */
    struct buf body;
};

/* One request, on its way to an endpoint. */
struct ask {
    const struct emulator_request *request;
    struct view path, item; /* item: the last segment, decoded, where the endpoint is of one thing */
    struct query *query;
};
typedef void endpoint(struct emulator *e, const struct ask *ask, struct emulator_response *out);

endpoint logs_list, users_list, users_one, groups_list, groups_one, apps_list, apps_one, org_one, well_known_one;
endpoint group_members, app_users, app_groups, user_factors, user_roles;
endpoint token_make;

/* ---- fault_answer.c ---- */

/* Whether the fault's answer took the place of the right one. */
bool fault_answers(struct emulator *e, const struct emulator_fault *fault, const struct emulator_request *request,
                   struct emulator_response *out);
/* Spoils what is in *out, and says what is to become of it. */
void fault_deliver(struct emulator *e, const struct emulator_fault *fault, struct emulator_response *out);
/* What the limit's headers say with it. */
void fault_rate(const struct emulator *e, const struct emulator_fault *fault, struct bucket *shown, int32_t *remaining);

/* ---- access.c ---- */

bool role_allows(enum emulator_role role, enum data_kind kind);
/* Checks the credential, and of an access token the scope. False: it was answered. */
bool access_check(struct emulator *e, const struct ask *ask, const char *scope, struct emulator_response *out);
/* What a WWW-Authenticate header says. */
struct challenge {
    int status;
    bool is_dpop;
    const char *error, *why, *scope; /* scope NULL: none is named */
};

/* ---- wire.c ---- */

/* The headers that every answer has. */
void wire_begin(struct emulator *e, struct emulator_response *out);
/* What is in e->body becomes the answer. */
void wire_finish(struct emulator *e, struct emulator_response *out, int status);
void wire_rate_headers(const struct bucket *bucket, int32_t remaining, struct emulator_response *out);
/* A Link header: to the same query, with these parameters put in place of its own. NULL names no parameter. */
struct link {
    const char *rel;
    const char *after; /* NULL: as it was asked, or none */
    const char *limit; /* likewise */
    bool after_first;
};
void wire_link(const struct emulator *e, const struct ask *ask, const struct link *link, struct emulator_response *out);

struct fail {
    int status;
    const char *code;
    bool has_uuid;     /* errorId is a uuid, and there are no causes: as the log's filter errors are */
    const char *cause; /* NULL: none */
    const char *other_cause;
};
void wire_fail(struct emulator *e, struct emulator_response *out, const struct fail *fail, const char *format, ...)
    PRINTF(4, 5);

#endif
