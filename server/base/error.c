#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void fill(struct error *err, enum error_code code, const char *reason, const char *format, va_list args)
{
    if (err == NULL)
        return;
    err->code = code;
    err->reason = reason;
    vsnprintf(err->text, sizeof err->text, format, args);
}

bool error_set(struct error *err, enum error_code code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fill(err, code, NULL, format, args);
    va_end(args);
    return false;
}

bool error_reason(struct error *err, enum error_code code, const char *reason, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fill(err, code, reason, format, args);
    va_end(args);
    return false;
}

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
