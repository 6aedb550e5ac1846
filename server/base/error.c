#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Text that was cut is not cut within a character: errors travel as UTF-8. */
static void mend_end(char *text, size_t size)
{
    size_t len = strlen(text), at = len;

    if (len + 1 < size)
        return;
    while (at > 0 && ((unsigned char)text[at - 1] & 0xc0) == 0x80)
        at--;
    if (at > 0 && (unsigned char)text[at - 1] >= 0xc0)
        text[at - 1] = '\0';
}

static void print(char *text, size_t size, const char *format, va_list args) PRINTF(3, 0);
static void print(char *text, size_t size, const char *format, va_list args)
{
    vsnprintf(text, size, format, args);
    mend_end(text, size);
}

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
    mend_end(to, size);
}

static void begin(struct error *err, enum error_code code, const char *reason)
{
    err->code = code;
    err->reason = reason;
    err->retry_ms = 0;
    err->field_count = err->fact_count = 0;
    err->quota.subject[0] = '\0';
}

bool error_set(struct error *err, enum error_code code, const char *format, ...)
{
    va_list args;

    if (err == NULL)
        return false;
    begin(err, code, NULL);
    va_start(args, format);
    print(err->text, sizeof err->text, format, args);
    va_end(args);
    return false;
}

bool error_reason(struct error *err, enum error_code code, const char *reason, const char *format, ...)
{
    va_list args;

    if (err == NULL)
        return false;
    begin(err, code, reason);
    va_start(args, format);
    print(err->text, sizeof err->text, format, args);
    va_end(args);
    return false;
}

/* ---- details ---- */

/* A new row; NULL without room. */
static struct error_field *add_field(struct error *err, const char *path)
{
    struct error_field *field;

    if (err->field_count == ERROR_FIELDS_MAX)
        return NULL;
    field = &err->fields[err->field_count++];
    copy(field->path, sizeof field->path, path);
    return field;
}

bool error_invalid(struct error *err, const char *reason, const char *path, const char *format, ...)
{
    va_list args;

    if (err == NULL)
        return false;
    begin(err, ERROR_INVALID_ARGUMENT, reason);
    va_start(args, format);
    print(err->text, sizeof err->text, format, args);
    va_end(args);
    return error_field(err, path, "%s", err->text);
}

bool error_field(struct error *err, const char *path, const char *format, ...)
{
    struct error_field *field = err != NULL ? add_field(err, path) : NULL;
    va_list args;

    if (field == NULL)
        return false;
    va_start(args, format);
    print(field->text, sizeof field->text, format, args);
    va_end(args);
    return false;
}

bool error_quota(struct error *err, const char *subject, const char *format, ...)
{
    va_list args;

    if (err == NULL)
        return false;
    copy(err->quota.subject, sizeof err->quota.subject, subject);
    va_start(args, format);
    print(err->quota.text, sizeof err->quota.text, format, args);
    va_end(args);
    return false;
}

bool error_fact(struct error *err, const char *key, const char *value)
{
    struct error_fact *fact;

    if (err == NULL || value[0] == '\0' || err->fact_count == ERROR_FACTS_MAX)
        return false;
    fact = &err->facts[err->fact_count++];
    fact->key = key;
    copy(fact->value, sizeof fact->value, value);
    return false;
}

bool error_retry(struct error *err, int64_t retry_ms)
{
    if (err != NULL)
        err->retry_ms = retry_ms;
    return false;
}

bool error_within(struct error *err, const char *path)
{
    for (unsigned i = 0; err != NULL && i < err->field_count; i++) {
        char inner[ERROR_NAME_MAX], *to = err->fields[i].path;

        memcpy(inner, to, sizeof inner);
        if (snprintf(to, ERROR_NAME_MAX, "%s.%s", path, inner) >= ERROR_NAME_MAX)
            mend_end(to, ERROR_NAME_MAX);
    }
    return false;
}

bool error_also(struct error *err, bool ok, const struct error *why)
{
    size_t used;

    if (err == NULL)
        return false;
    if (ok) {
        *err = *why;
        return false;
    }
    for (unsigned i = 0; i < why->field_count; i++) {
        struct error_field *field = add_field(err, why->fields[i].path);

        if (field != NULL)
            copy(field->text, sizeof field->text, why->fields[i].text);
    }
    used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, "; %s", why->text);
    mend_end(err->text, sizeof err->text);
    return false;
}

/* ---- the text ---- */

bool error_wrap(struct error *err, const char *format, ...)
{
    char inner[ERROR_TEXT_MAX];
    va_list args;
    size_t used;

    if (err == NULL)
        return false;
    memcpy(inner, err->text, sizeof inner);
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, ": %s", inner);
    mend_end(err->text, sizeof err->text);
    return false;
}

const char *error_code_name(enum error_code code)
{
    static const char *const names[] = {
        "OK",        "CANCELLED",       "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
        "NOT_FOUND", "ALREADY_EXISTS",  "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
        "ABORTED",   "OUT_OF_RANGE",    "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
        "DATA_LOSS", "UNAUTHENTICATED",
    };

    return (unsigned)code < sizeof names / sizeof names[0] ? names[code] : "UNKNOWN";
}
