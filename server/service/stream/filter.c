/* A filter is the request's own message, kept, with its networks in binary form. Members of the record's header are
 * compared first. Texts are found in the encoded event by walking over its fields: nothing is decoded and nothing is
 * allocated. */
#include "service/stream/filter.h"

#include "base/assert.h"
#include "base/mem.h"
#include "rpc/wire.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define FILTERS_MAX     16
#define VALUES_MAX      100
#define VALUE_BYTES_MAX 256
#define BYTES_MAX       16384 /* of all filters of a stream, encoded: each stream holds its own */
#define FIELD_MAX       64    /* of a field's name in an error */

typedef Okta__Connector__V1__StreamLoginsRequest request_type;
typedef Okta__Connector__V1__LoginFilter filter_type;

/* Fields of LoginEvent, Actor and Target. */
enum { EVENT_IN_RESPONSE = 1, EVENT_TYPE = 4, EVENT_ACTOR = 8, EVENT_TARGET = 11 };
enum { ACTOR_ID = 1, ACTOR_LOGIN = 3 };
enum { TARGET_ID = 1, TARGET_TYPE = 2, TARGET_LABEL = 3 };

struct network {
    uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d, as in the record */
    unsigned bits;
};

struct rule {
    const filter_type *want;
    struct network *networks; /* want->n_ip_addresses of them */
};

struct login_filter {
    request_type *kept; /* with allow and deny alone */
    struct rule allow[FILTERS_MAX], deny[FILTERS_MAX];
};

/* ---- checking ---- */

static bool invalid_filter(const char *list, size_t at, const char *what, struct error *err)
{
    char path[ERROR_NAME_MAX];

    snprintf(path, sizeof path, "%s[%zu]", list, at);
    return error_invalid(err, "FILTER_INVALID", path, "%s %s", path, what);
}

static bool filter_invalid(const char *list, size_t at, const char *field, size_t value, const char *what,
                           struct error *err)
{
    char path[ERROR_NAME_MAX];

    snprintf(path, sizeof path, "%s[%zu].%s[%zu]", list, at, field, value);
    return error_invalid(err, "FILTER_INVALID", path, "%s %s", path, what);
}

static bool parse_network(struct view text, struct network *out)
{
    static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };
    const char *slash = memchr(text.at, '/', text.len);
    char address[INET6_ADDRSTRLEN];
    struct view host = { text.at, slash != NULL ? (size_t)(slash - text.at) : text.len };
    uint64_t bits, most = 128;

    if (host.len >= sizeof address)
        return false;
    memcpy(address, host.at, host.len);
    address[host.len] = '\0';
    if (inet_pton(AF_INET, address, out->address + 12) == 1) {
        memcpy(out->address, v4_mapped, sizeof v4_mapped);
        most = 32;
    } else if (inet_pton(AF_INET6, address, out->address) != 1) {
        return false;
    }
    bits = most;
    if (slash != NULL && !view_u64((struct view){ slash + 1, text.len - host.len - 1 }, 0, most, &bits))
        return false;
    out->bits = (unsigned)(bits + 128 - most);
    return true;
}

static bool is_type_pattern(struct view v)
{
    const char *star = memchr(v.at, '*', v.len);

    return star == NULL || (v.len > 2 && star == v.at + v.len - 1 && star[-1] == '.');
}

static bool is_country(struct view v)
{
    return v.len == 2 && isalpha((unsigned char)v.at[0]) && isalpha((unsigned char)v.at[1]);
}

static bool is_any(struct view v)
{
    (void)v;
    return true;
}

static bool is_network(struct view v)
{
    struct network ignored;

    return parse_network(v, &ignored);
}

static bool check_values(const char *list, size_t at, const filter_type *f, struct error *err)
{
    const struct {
        const char *name;
        char **values;
        size_t count;
        bool (*is_fit)(struct view v);
        const char *want;
    } fields[] = {
        { "event_types", f->event_types, f->n_event_types, is_type_pattern,
          "may hold \"*\" at its end alone, behind a dot" },
        { "users", f->users, f->n_users, is_any, "" },
        { "email_domains", f->email_domains, f->n_email_domains, is_any, "" },
        { "apps", f->apps, f->n_apps, is_any, "" },
        { "ip_addresses", f->ip_addresses, f->n_ip_addresses, is_network,
          "is no address and no network such as 198.51.100.0/24" },
        { "countries", f->countries, f->n_countries, is_country, "is no ISO 3166-1 alpha-2 code such as SE" },
    };
    size_t given = f->n_kinds + f->n_results;

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (fields[i].count > VALUES_MAX)
            return filter_invalid(list, at, fields[i].name, VALUES_MAX, "is one too many: a field has at most 100",
                                  err);
        for (size_t v = 0; v < fields[i].count; v++) {
            struct view value = view_of(fields[i].values[v]);

            if (value.len == 0 || value.len > VALUE_BYTES_MAX)
                return filter_invalid(list, at, fields[i].name, v, "has not 1 to 256 bytes", err);
            if (!fields[i].is_fit(value))
                return filter_invalid(list, at, fields[i].name, v, fields[i].want, err);
        }
        given += fields[i].count;
    }
    return given > 0 || invalid_filter(list, at, "is empty: it would match every event", err);
}

static bool check_list(const char *list, filter_type *const *filters, size_t count, struct error *err)
{
    if (count > FILTERS_MAX)
        return error_invalid(err, "FILTER_INVALID", list, "%s has %zu filters: at most %d", list, count, FILTERS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (filters[i]->n_kinds > VALUES_MAX || filters[i]->n_results > VALUES_MAX)
            return invalid_filter(list, i, "has more than 100 kinds or results", err);
        if (!check_values(list, i, filters[i], err))
            return false;
    }
    return true;
}

/* ---- keeping ---- */

static void keep_rules(struct rule *rules, filter_type *const *filters, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        rules[i].want = filters[i];
        rules[i].networks = mem_array(filters[i]->n_ip_addresses + 1, sizeof *rules[i].networks);
        for (size_t n = 0; n < filters[i]->n_ip_addresses; n++)
            ASSERT(parse_network(view_of(filters[i]->ip_addresses[n]), &rules[i].networks[n]));
    }
}

/* The request belongs to the call: copy both lists by encoding and decoding them. */
static request_type *copy_lists(const request_type *request, struct error *err)
{
    request_type lists = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__INIT, *copy;
    uint8_t bytes[BYTES_MAX];
    size_t len;

    lists.n_allow = request->n_allow;
    lists.allow = request->allow;
    lists.n_deny = request->n_deny;
    lists.deny = request->deny;
    len = protobuf_c_message_get_packed_size(&lists.base);
    if (len > sizeof bytes) {
        error_invalid(err, "FILTER_INVALID", "allow", "allow and deny take %zu bytes: at most %d", len, BYTES_MAX);
        error_field(err, "deny", "the same");
        return NULL;
    }
    protobuf_c_message_pack(&lists.base, bytes);
    copy = okta__connector__v1__stream_logins_request__unpack(NULL, len, bytes);
    ASSERT(copy != NULL);
    return copy;
}

bool login_filter_create(struct login_filter **out, const request_type *request, struct error *err)
{
    struct login_filter *f;
    request_type *kept;

    if (!check_list("allow", request->allow, request->n_allow, err) ||
        !check_list("deny", request->deny, request->n_deny, err))
        return false;
    *out = NULL;
    if (request->n_allow + request->n_deny == 0)
        return true;
    kept = copy_lists(request, err);
    if (kept == NULL)
        return false;
    f = mem_zero(sizeof *f);
    f->kept = kept;
    keep_rules(f->allow, kept->allow, kept->n_allow);
    keep_rules(f->deny, kept->deny, kept->n_deny);
    *out = f;
    return true;
}

void login_filter_destroy(struct login_filter *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < FILTERS_MAX; i++) {
        free(f->allow[i].networks);
        free(f->deny[i].networks);
    }
    okta__connector__v1__stream_logins_request__free_unpacked(f->kept, NULL);
    free(f);
}

/* ---- matching ---- */

static bool is_one_of(struct view v, char *const *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (view_eq_nocase(v, view_of(values[i])))
            return true;
    }
    return false;
}

static bool is_type(struct view type, const char *pattern)
{
    struct view want = view_of(pattern);

    if (want.len == 0 || want.at[want.len - 1] != '*')
        return view_eq_nocase(type, want);
    want.len--;
    return type.len > want.len && view_eq_nocase((struct view){ type.at, want.len }, want);
}

static bool matches_type(const filter_type *want, struct view event)
{
    struct view type = wire_find(event, EVENT_TYPE);

    for (size_t i = 0; i < want->n_event_types; i++) {
        if (is_type(type, want->event_types[i]))
            return true;
    }
    return want->n_event_types == 0;
}

static bool matches_actor(const filter_type *want, struct view event)
{
    struct view actor, login, domain = VIEW_NONE;
    const char *at;

    if (want->n_users + want->n_email_domains == 0)
        return true;
    actor = wire_find(event, EVENT_ACTOR);
    login = wire_find(actor, ACTOR_LOGIN);
    at = login.len > 0 ? memrchr(login.at, '@', login.len) : NULL;
    if (at != NULL)
        domain = (struct view){ at + 1, login.len - (size_t)(at + 1 - login.at) };
    return (want->n_users == 0 || is_one_of(wire_find(actor, ACTOR_ID), want->users, want->n_users) ||
            is_one_of(login, want->users, want->n_users)) &&
           (want->n_email_domains == 0 || is_one_of(domain, want->email_domains, want->n_email_domains));
}

static bool matches_app(const filter_type *want, struct view event)
{
    struct wire_field field;

    while (want->n_apps > 0 && wire_next(&event, &field)) {
        if (field.number == EVENT_TARGET && field.type == WIRE_BYTES &&
            view_is(wire_find(field.bytes, TARGET_TYPE), "AppInstance") &&
            (is_one_of(wire_find(field.bytes, TARGET_ID), want->apps, want->n_apps) ||
             is_one_of(wire_find(field.bytes, TARGET_LABEL), want->apps, want->n_apps)))
            return true;
    }
    return want->n_apps == 0;
}

static bool filter_is_in(const uint8_t ip[16], const struct network *n)
{
    unsigned whole = n->bits / 8, rest = n->bits % 8;

    return memcmp(ip, n->address, whole) == 0 && (rest == 0 || (ip[whole] ^ n->address[whole]) >> (8 - rest) == 0);
}

static bool matches_ip(const struct rule *rule, const uint8_t ip[16])
{
    static const uint8_t none[16];

    for (size_t i = 0; i < rule->want->n_ip_addresses; i++) {
        if (memcmp(ip, none, sizeof none) != 0 && filter_is_in(ip, &rule->networks[i]))
            return true;
    }
    return rule->want->n_ip_addresses == 0;
}

static bool matches_header(const struct rule *rule, const struct journal_record *record)
{
    const filter_type *want = rule->want;
    bool is_kind = want->n_kinds == 0, is_result = want->n_results == 0;

    for (size_t i = 0; i < want->n_kinds; i++)
        is_kind = is_kind || (int)want->kinds[i] == record->kind;
    for (size_t i = 0; i < want->n_results; i++)
        is_result = is_result || (int)want->results[i] == record->result;
    return is_kind && is_result &&
           (want->n_countries == 0 ||
            is_one_of((struct view){ record->country, sizeof record->country }, want->countries, want->n_countries)) &&
           matches_ip(rule, record->ip);
}

static bool matches_any(const struct rule *rules, size_t count, const struct journal_record *record, struct view event)
{
    for (size_t i = 0; i < count; i++) {
        if (matches_header(&rules[i], record) && matches_type(rules[i].want, event) &&
            matches_actor(rules[i].want, event) && matches_app(rules[i].want, event))
            return true;
    }
    return false;
}

bool login_filter_takes(const void *filter, const struct journal_record *record)
{
    const struct login_filter *f = filter;
    struct view event = wire_find(record->encoded, EVENT_IN_RESPONSE);

    return (f->kept->n_allow == 0 || matches_any(f->allow, f->kept->n_allow, record, event)) &&
           !matches_any(f->deny, f->kept->n_deny, record, event);
}
