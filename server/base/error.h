/* base/error.h: why something failed, for the program (code, reason) and for a person (text).
 *
 * What can fail returns bool and takes a `struct error *` last. On success it is untouched; on failure the other
 * outputs are. An error is a value: copy it, drop it, no ownership. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" { /* for json.cc */
#endif

#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF(text, arg) __attribute__((format(printf, text, arg)))

/* gRPC's numbers (rpc/ asserts that they agree). The code says what the caller can do. */
enum error_code {
    ERROR_OK = 0,
    ERROR_CANCELLED = 1,           /* nothing: the caller went away */
    ERROR_UNKNOWN = 2,             /* nothing known */
    ERROR_INVALID_ARGUMENT = 3,    /* fix the request */
    ERROR_DEADLINE_EXCEEDED = 4,   /* ask for less, or wait longer */
    ERROR_NOT_FOUND = 5,           /* nothing: it is not there */
    ERROR_ALREADY_EXISTS = 6,      /* use the one that exists */
    ERROR_PERMISSION_DENIED = 7,   /* use another socket or user */
    ERROR_RESOURCE_EXHAUSTED = 8,  /* wait, or raise a limit */
    ERROR_FAILED_PRECONDITION = 9, /* put something else right first */
    ERROR_ABORTED = 10,            /* start the larger thing again */
    ERROR_OUT_OF_RANGE = 11,       /* choose another place */
    ERROR_UNIMPLEMENTED = 12,      /* nothing: it does not exist here */
    ERROR_INTERNAL = 13,           /* report a bug */
    ERROR_UNAVAILABLE = 14,        /* try again */
    ERROR_DATA_LOSS = 15,          /* restore from a backup */
    ERROR_UNAUTHENTICATED = 16,    /* present credentials to us */
};

#define ERROR_TEXT_MAX 512

struct error {
    enum error_code code;
    const char *reason; /* a literal such as "ORG_MISMATCH", for google.rpc.ErrorInfo; NULL for none */
    char text[ERROR_TEXT_MAX];
};

/* Each fills `*err` (which may be NULL) and returns false, so that failing is one line. */
bool error_set(struct error *err, enum error_code code, const char *format, ...) PRINTF(3, 4);
bool error_reason(struct error *err, enum error_code code, const char *reason, const char *format, ...) PRINTF(4, 5);

/* Puts "format: " before the text and keeps code and reason. */
bool error_wrap(struct error *err, const char *format, ...) PRINTF(2, 3);

/* "INVALID_ARGUMENT"; "UNKNOWN" for what is no code. */
const char *error_code_name(enum error_code code);

#ifdef __cplusplus
}
#endif

#endif
