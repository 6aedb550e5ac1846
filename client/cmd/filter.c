#include "client/cmd/filter.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define NAMES "kind, result, type, user, domain, app, ip or country"

typedef Okta__Connector__V1__LoginFilter filter_type;

/* ---- one value ---- */

/* "app-sign-on" is LOGIN_KIND_APP_SIGN_ON. */
static bool enum_value(const ProtobufCEnumDescriptor *type, const char *prefix, const char *word, int *out)
{
    const ProtobufCEnumValue *value;
    char name[64];
    size_t at = strlen(prefix);

    if (at + strlen(word) >= sizeof name)
        return false;
    memcpy(name, prefix, at);
    for (; *word != '\0'; word++)
        name[at++] = *word == '-' ? '_' : (char)toupper((unsigned char)*word);
    name[at] = '\0';
    value = protobuf_c_enum_descriptor_get_value_by_name(type, name);
    if (value == NULL || value->value == 0)
        return false;
    *out = value->value;
    return true;
}

/* What there is, for the message: "success, failure, ...". */
static void enum_words(const ProtobufCEnumDescriptor *type, const char *prefix, char *out, size_t room)
{
    size_t at = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < type->n_values; i++) {
        const char *name = type->values[i].name + strlen(prefix);

        if (type->values[i].value == 0 || at + strlen(name) + 3 > room)
            continue;
        if (at > 0)
            at += (size_t)snprintf(out + at, room - at, ", ");
        for (; *name != '\0'; name++)
            out[at++] = *name == '_' ? '-' : (char)tolower((unsigned char)*name);
        out[at] = '\0';
    }
}

static bool take_enum(const char *option, const char *what, const ProtobufCEnumDescriptor *type, const char *prefix,
                      const char *word, int *out, struct error *err)
{
    char words[256];

    if (enum_value(type, prefix, word, out))
        return true;
    enum_words(type, prefix, words, sizeof words);
    return error_set(err, ERROR_INVALID_ARGUMENT, "--%s: there is no %s \"%.64s\"; there are %s", option, what, word,
                     words);
}

/* ---- one condition ---- */

static bool take_values(struct filter *f, const char *option, const char *name, char *values, size_t *count,
                        struct error *err)
{
    char *rest = values, *word;

    *count = 0;
    while ((word = strsep(&rest, ",")) != NULL) {
        struct view trimmed = view_trim(view_of(word));

        if (trimmed.len == 0)
            return error_set(err, ERROR_INVALID_ARGUMENT, "--%s: %s= has an empty value", option, name);
        if (f->used + *count == FILTER_VALUES_MAX)
            return error_set(err, ERROR_INVALID_ARGUMENT, "--%s: more than %d values", option, FILTER_VALUES_MAX);
        word += trimmed.at - word;
        word[trimmed.len] = '\0';
        f->strings[f->used + (*count)++] = word;
    }
    return true;
}

static bool put_enums(struct filter *f, const char *option, filter_type *m, bool is_kind, size_t count,
                      struct error *err)
{
    int value;

    for (size_t i = 0; i < count; i++) {
        const char *word = f->strings[f->used + i];

        if (!(is_kind ? take_enum(option, "kind", &okta__connector__v1__login_kind__descriptor, "LOGIN_KIND_", word,
                                  &value, err)
                      : take_enum(option, "result", &okta__connector__v1__login_result__descriptor, "LOGIN_RESULT_",
                                  word, &value, err)))
            return false;
        if (is_kind)
            f->kinds[f->used + i] = (Okta__Connector__V1__LoginKind)value;
        else
            f->results[f->used + i] = (Okta__Connector__V1__LoginResult)value;
    }
    if (is_kind) {
        m->kinds = &f->kinds[f->used];
        m->n_kinds = count;
    } else {
        m->results = &f->results[f->used];
        m->n_results = count;
    }
    return true;
}

static bool put_condition(struct filter *f, const char *option, filter_type *m, char *condition, struct error *err)
{
    const struct {
        const char *name;
        char ***strings; /* NULL: an enum */
        size_t *count;
    } fields[] = {
        { "kind", NULL, &m->n_kinds },
        { "result", NULL, &m->n_results },
        { "type", &m->event_types, &m->n_event_types },
        { "user", &m->users, &m->n_users },
        { "domain", &m->email_domains, &m->n_email_domains },
        { "app", &m->apps, &m->n_apps },
        { "ip", &m->ip_addresses, &m->n_ip_addresses },
        { "country", &m->countries, &m->n_countries },
    };
    char *values = strchr(condition, '=');
    size_t at = 0, count;
    struct view name;

    if (values == NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT,
                         "--%s: \"%.80s\" is no condition: write NAME=VALUE[,VALUE], such as result=failure,denied",
                         option, condition);
    name = view_trim((struct view){ condition, (size_t)(values - condition) });
    while (at < sizeof fields / sizeof fields[0] && !view_is(name, fields[at].name))
        at++;
    if (at == sizeof fields / sizeof fields[0])
        return error_set(err, ERROR_INVALID_ARGUMENT, "--%s: nothing is called \"%.*s\": it is " NAMES, option,
                         (int)(name.len < 64 ? name.len : 64), name.at);
    if (*fields[at].count > 0)
        return error_set(err, ERROR_INVALID_ARGUMENT, "--%s: %s is given twice: divide its values by commas", option,
                         fields[at].name);
    if (!take_values(f, option, fields[at].name, values + 1, &count, err))
        return false;
    if (fields[at].strings == NULL) {
        if (!put_enums(f, option, m, at == 0, count, err))
            return false;
    } else {
        *fields[at].strings = &f->strings[f->used];
        *fields[at].count = count;
    }
    f->used += count;
    return true;
}

bool filter_parse(struct filter *f, const char *option, const char *text, bool each_alone, struct error *err)
{
    char *rest = f->text, *condition;

    f->used = f->count = 0;
    if (strlen(text) >= sizeof f->text)
        return error_set(err, ERROR_INVALID_ARGUMENT, "--%s is longer than %zu bytes", option, sizeof f->text - 1);
    strcpy(f->text, text);
    while ((condition = strsep(&rest, ";")) != NULL) {
        if (each_alone || f->count == 0) {
            if (f->count == FILTER_CONDITIONS_MAX)
                return error_set(err, ERROR_INVALID_ARGUMENT, "--%s has more than %d conditions", option,
                                 FILTER_CONDITIONS_MAX);
            okta__connector__v1__login_filter__init(&f->messages[f->count]);
            f->list[f->count] = &f->messages[f->count];
            f->count++;
        }
        if (!put_condition(f, option, f->list[f->count - 1], condition, err))
            return false;
    }
    return true;
}
