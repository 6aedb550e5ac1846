/* Converts one of Okta's users into a User. The attributes of Okta's base profile are a table; those that the org has
 * added go into a google.protobuf.Struct, within a budget of bytes, entries and depth, since their number and size are
 * the org's choice. */
#include "record/record_parts.h"

#include "base/assert.h"
#include "okta/connector/v1/directory.pb-c.h"

#include <google/protobuf/struct.pb-c.h>
#include <string.h>

#define CUSTOM_COUNT_MAX      256u
#define CUSTOM_DEPTH_MAX      8
#define CUSTOM_BYTES_MAX      (112u << 10) /* of all of them together, encoded */
#define CUSTOM_TEXT_BYTES_MAX 16384u
#define CUSTOM_ENTRY_BYTES    24u /* more than tags and lengths of an entry and its value take */
#define ALIAS_BYTES_MAX       RECORD_ID_BYTES_MAX

#define FIELD(member, field)                                                                                           \
    {                                                                                                                  \
        member, offsetof(Okta__Connector__V1__UserProfile, field), RECORD_PROFILE_BYTES_MAX                            \
    }

/* Okta's base profile: https://developer.okta.com/docs/concepts/user-profiles/ */
static const struct record_field base_profile[] = {
    FIELD("login", login),
    FIELD("email", email),
    FIELD("secondEmail", second_email),
    FIELD("firstName", first_name),
    FIELD("lastName", last_name),
    FIELD("middleName", middle_name),
    FIELD("honorificPrefix", honorific_prefix),
    FIELD("honorificSuffix", honorific_suffix),
    FIELD("title", title),
    FIELD("displayName", display_name),
    FIELD("nickName", nick_name),
    FIELD("profileUrl", profile_url),
    FIELD("primaryPhone", primary_phone),
    FIELD("mobilePhone", mobile_phone),
    FIELD("streetAddress", street_address),
    FIELD("city", city),
    FIELD("state", state),
    FIELD("zipCode", zip_code),
    FIELD("countryCode", country_code),
    FIELD("postalAddress", postal_address),
    FIELD("preferredLanguage", preferred_language),
    FIELD("locale", locale),
    FIELD("timezone", timezone),
    FIELD("userType", user_type),
    FIELD("employeeNumber", employee_number),
    FIELD("costCenter", cost_center),
    FIELD("organization", organization),
    FIELD("division", division),
    FIELD("department", department),
    FIELD("managerId", manager_id),
    FIELD("manager", manager),
};
#define BASE_COUNT (sizeof base_profile / sizeof base_profile[0])

_Static_assert(BASE_COUNT *(RECORD_PROFILE_BYTES_MAX + 8) + CUSTOM_BYTES_MAX + 16 * RECORD_ID_BYTES_MAX <
                   DIRECTORY_ROW_MAX,
               "every user fits");

/* What is left for the custom attributes of one user. */
struct budget {
    struct record_maker *m;
    size_t bytes;
};

static bool user_spend(struct budget *b, size_t bytes)
{
    if (b->bytes < bytes)
        return false;
    b->bytes -= bytes;
    return true;
}

static Google__Protobuf__Struct *make_struct(struct budget *b, struct json object, int depth, bool is_profile);
static Google__Protobuf__ListValue *make_list(struct budget *b, struct json array, int depth);

static void user_put_text(struct budget *b, struct json v, Google__Protobuf__Value *out)
{
    char *text = record_json_text(b->m, v, CUSTOM_TEXT_BYTES_MAX);

    if (!user_spend(b, strlen(text)))
        return;
    out->string_value = text;
    out->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE;
}

/* A value that is nested too deep, or too large for the budget, becomes null. */
static Google__Protobuf__Value *make_value(struct budget *b, struct json v, int depth)
{
    Google__Protobuf__Value *out = record_take(b->m, sizeof *out);
    bool flag = false;

    google__protobuf__value__init(out);
    out->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_NULL_VALUE;
    switch (json_type(v)) {
    case JSON_BOOL:
        if (json_bool(v, &flag))
            out->bool_value = flag;
        out->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_BOOL_VALUE;
        break;
    case JSON_NUMBER:
        if (json_double(v, &out->number_value))
            out->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE;
        break;
    case JSON_STRING:
        user_put_text(b, v, out);
        break;
    case JSON_ARRAY:
        if (depth < CUSTOM_DEPTH_MAX) {
            out->list_value = make_list(b, v, depth + 1);
            out->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE;
        }
        break;
    case JSON_OBJECT:
        if (depth < CUSTOM_DEPTH_MAX) {
            out->struct_value = make_struct(b, v, depth + 1, false);
            out->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE;
        }
        break;
    case JSON_NULL:
    case JSON_NONE:
        break;
    }
    return out;
}

static size_t count_elements(struct json v)
{
    size_t count = 0;

    for (struct json_each e = json_each(v); json_next(&e);)
        count++;
    return count;
}

static Google__Protobuf__ListValue *make_list(struct budget *b, struct json array, int depth)
{
    Google__Protobuf__ListValue *list = record_take(b->m, sizeof *list);
    size_t count_max = b->bytes / CUSTOM_ENTRY_BYTES; /* bounds the pointers before they are allocated */
    size_t count = count_elements(array);

    google__protobuf__list_value__init(list);
    list->values = record_take(b->m, (count < count_max ? count : count_max) * sizeof list->values[0]);
    for (struct json_each e = json_each(array); json_next(&e);) {
        if (!user_spend(b, CUSTOM_ENTRY_BYTES))
            break;
        list->values[list->n_values++] = make_value(b, e.value, depth);
    }
    return list;
}

static bool is_base(struct view name)
{
    for (size_t i = 0; i < BASE_COUNT; i++)
        if (view_is(name, base_profile[i].member))
            return true;
    return false;
}

/* A protobuf map has each key once. Okta's JSON should have, too; a repeated key is dropped. */
static bool has_key(const Google__Protobuf__Struct *s, const char *key)
{
    for (size_t i = 0; i < s->n_fields; i++)
        if (strcmp(s->fields[i]->key, key) == 0)
            return true;
    return false;
}

static void user_put_entry(struct budget *b, Google__Protobuf__Struct *s, const struct json_each *e, int depth)
{
    char *key = record_text(b->m, e->name, RECORD_ID_BYTES_MAX);
    Google__Protobuf__Struct__FieldsEntry *entry;

    if (has_key(s, key) || !user_spend(b, CUSTOM_ENTRY_BYTES + strlen(key)))
        return;
    entry = record_take(b->m, sizeof *entry);
    google__protobuf__struct__fields_entry__init(entry);
    entry->key = key;
    entry->value = make_value(b, e->value, depth);
    s->fields[s->n_fields++] = entry;
}

/* At the top level, only attributes that are not in Okta's base profile, and that are set. */
static Google__Protobuf__Struct *make_struct(struct budget *b, struct json object, int depth, bool is_profile)
{
    Google__Protobuf__Struct *s = record_take(b->m, sizeof *s);
    size_t count = count_elements(object);

    google__protobuf__struct__init(s);
    count = count < CUSTOM_COUNT_MAX ? count : CUSTOM_COUNT_MAX;
    s->fields = record_take(b->m, count * sizeof s->fields[0]);
    for (struct json_each e = json_each(object); s->n_fields < count && json_next(&e);)
        if (!is_profile || (json_type(e.value) != JSON_NULL && !is_base(e.name)))
            user_put_entry(b, s, &e, depth);
    return s;
}

static Okta__Connector__V1__UserProfile *make_profile(struct record_maker *m, struct json profile)
{
    struct budget b = { m, CUSTOM_BYTES_MAX };
    Okta__Connector__V1__UserProfile *p;
    Google__Protobuf__Struct *custom;

    if (json_type(profile) != JSON_OBJECT)
        return NULL;
    p = record_take(m, sizeof *p);
    okta__connector__v1__user_profile__init(p);
    record_fill(m, profile, p, base_profile, BASE_COUNT);
    custom = make_struct(&b, profile, 1, true);
    p->custom = custom->n_fields > 0 ? custom : NULL;
    return p;
}

static void put_times(struct record_maker *m, struct json user, Okta__Connector__V1__User *u)
{
    u->created = record_timestamp(m, json_get(user, "created"));
    u->activated = record_timestamp(m, json_get(user, "activated"));
    u->status_changed = record_timestamp(m, json_get(user, "statusChanged"));
    u->last_login = record_timestamp(m, json_get(user, "lastLogin"));
    u->last_updated = record_timestamp(m, json_get(user, "lastUpdated"));
    u->password_changed = record_timestamp(m, json_get(user, "passwordChanged"));
}

static void put_strings(struct record_maker *m, struct json user, Okta__Connector__V1__User *u)
{
    struct json provider = json_get(json_get(user, "credentials"), "provider");

    u->id = record_json_text(m, json_get(user, "id"), DIRECTORY_ID_MAX);
    u->status = record_json_text(m, json_get(user, "status"), RECORD_ID_BYTES_MAX);
    u->type_id = record_json_text(m, json_get(json_get(user, "type"), "id"), RECORD_ID_BYTES_MAX);
    u->realm_id = record_json_text(m, json_get(user, "realmId"), RECORD_ID_BYTES_MAX);
    u->transitioning_to_status = record_json_text(m, json_get(user, "transitioningToStatus"), RECORD_ID_BYTES_MAX);
    u->credential_provider_type = record_json_text(m, json_get(provider, "type"), RECORD_ID_BYTES_MAX);
}

/* The id is the key of the row. It is neither cut nor repaired, or two users could become one. */
static bool has_id(struct json user)
{
    struct view id;

    return json_string(json_get(user, "id"), &id) && id.len > 0 && id.len <= DIRECTORY_ID_MAX && utf8_is_clean(id);
}

bool record_user(struct record_maker *m, struct json user, struct directory_row *out)
{
    Okta__Connector__V1__User *u;

    if (!has_id(user))
        return false;
    u = record_take(m, sizeof *u);
    okta__connector__v1__user__init(u);
    put_strings(m, user, u);
    put_times(m, user, u);
    u->profile = make_profile(m, json_get(user, "profile"));
    *out = (struct directory_row){ .id = view_of(u->id), .facets = DIRECTORY_FACET_OBJECT };
    if (!record_time(json_get(user, "lastUpdated"), &out->last_updated_ms))
        out->last_updated_ms = 0;
    if (u->profile != NULL && strlen(u->profile->login) <= ALIAS_BYTES_MAX)
        out->alias = record_lower(m, view_of(u->profile->login));
    out->encoded = record_encode(m, &u->base);
    ASSERT(out->encoded.len <= DIRECTORY_ROW_MAX);
    return true;
}

/* The alias is the login in lower case; a login that is too long has none. */
static bool user_alias_is_login(struct view alias, const char *login)
{
    return alias.len == 0 || view_eq_nocase(alias, view_of(login));
}

bool record_user_check(const struct directory_row *row, struct error *err)
{
    Okta__Connector__V1__User *u = NULL;
    struct view message;
    bool ok;

    if (record_message(row->encoded, &message))
        u = okta__connector__v1__user__unpack(NULL, message.len, (const uint8_t *)message.at);
    if (u == NULL)
        return error_set(err, ERROR_DATA_LOSS, "it does not decode");
    ok = view_is(row->id, u->id) || record_disagrees(err, "id");
    if (ok && !user_alias_is_login(row->alias, u->profile != NULL ? u->profile->login : ""))
        ok = record_disagrees(err, "login");
    okta__connector__v1__user__free_unpacked(u, NULL);
    return ok;
}
