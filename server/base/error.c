#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Text that was cut is not cut within a character: errors travel as UTF-8. */
static void mend_end(char text[ERROR_TEXT_MAX])
{
    size_t len = strlen(text), at = len;

    if (len + 1 < ERROR_TEXT_MAX)
        return;
    while (at > 0 && ((unsigned char)text[at - 1] & 0xc0) == 0x80)
        at--;
    if (at > 0 && (unsigned char)text[at - 1] >= 0xc0)
        text[at - 1] = '\0';
}

static void fill(struct error *err, enum error_code code, const char *reason, const char *format, va_list args)
{
    if (err == NULL)
        return;
    err->code = code;
    err->reason = reason;
    vsnprintf(err->text, sizeof err->text, format, args);
    mend_end(err->text);
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
    mend_end(err->text);
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
