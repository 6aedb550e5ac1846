/* base/error.h: why something failed, for the program (code, reason, details) and for a person (text).
 *
 * What can fail returns bool and takes a `struct error *` last. On success it is untouched; on failure the other
 * outputs are. An error is a value: copy it, drop it, no ownership.
 *
 * A reason is a literal from the catalogue (base/error_reasons.c), which says its code and what to do next. Further
 * details are added to an error that was just made:
 *
 *     error_reason(err, ERROR_RESOURCE_EXHAUSTED, "TOO_MANY_PROBES", "%d probes are under way", n);
 *     return error_quota(err, "probes", "at most %d at a time", PROBES_MAX);
 *
 * They travel to clients as the messages of google/rpc/error_details.proto. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>
#include <stdint.h>

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

/* All that is longer is cut, between two characters. Together they fit the 8 KiB that gRPC allows for trailers. */
#define ERROR_TEXT_MAX   512
#define ERROR_DETAIL_MAX 160 /* one sentence of a field or a quota, or one value of the metadata */
#define ERROR_NAME_MAX   64  /* a field's path, a quota's subject */
#define ERROR_FIELDS_MAX 4
#define ERROR_FACTS_MAX  6

struct error {
    enum error_code code;
    const char *reason; /* a literal such as "ORG_MISMATCH", for google.rpc.ErrorInfo; NULL: the code's own */
    char text[ERROR_TEXT_MAX];

    int64_t retry_ms; /* RetryInfo: when asking again may help; 0: as the catalogue says */

    unsigned field_count;
    struct error_field { /* BadRequest: what is wrong in which field */
        char path[ERROR_NAME_MAX];
        char text[ERROR_DETAIL_MAX];
    } fields[ERROR_FIELDS_MAX];

    unsigned fact_count;
    struct error_fact {  /* ErrorInfo.metadata */
        const char *key; /* a literal such as "connector" */
        char value[ERROR_DETAIL_MAX];
    } facts[ERROR_FACTS_MAX];

    struct error_quota { /* QuotaFailure: which limit was reached; no subject: none */
        char subject[ERROR_NAME_MAX];
        char text[ERROR_DETAIL_MAX];
    } quota;
};

/* Each fills `*err` (which may be NULL) and returns false, so that failing is one line. */
bool error_set(struct error *err, enum error_code code, const char *format, ...) PRINTF(3, 4);
bool error_reason(struct error *err, enum error_code code, const char *reason, const char *format, ...) PRINTF(4, 5);

/* INVALID_ARGUMENT because of one field of the request: its path ("service_app.key_id", "collections[2]"). The sentence
 * is the error's text and the field's. */
bool error_invalid(struct error *err, const char *reason, const char *path, const char *format, ...) PRINTF(4, 5);

/* ---- details of an error that is there; each returns false. What finds no room is dropped. ---- */

bool error_field(struct error *err, const char *path, const char *format, ...) PRINTF(3, 4);
/* `subject`: "connectors", "bucket:/api/v1/logs". A later one replaces an earlier. */
bool error_quota(struct error *err, const char *subject, const char *format, ...) PRINTF(3, 4);
/* The key is a literal. An empty value is left out. */
bool error_fact(struct error *err, const char *key, const char *value);
bool error_retry(struct error *err, int64_t retry_ms);

/* Its fields are those of a message at this path: "service_app" makes "key_id" "service_app.key_id". */
bool error_within(struct error *err, const char *path);

/* Gathers what is wrong with one request. `ok`: nothing was until now, and *err becomes `why`; else its fields and
 * sentence are added, and the first one's code and reason stay.
 *
 *     if (!check_name(request, &why))
 *         ok = error_also(err, ok, &why);
 */
bool error_also(struct error *err, bool ok, const struct error *why);

/* Puts "format: " before the text and keeps the rest. */
bool error_wrap(struct error *err, const char *format, ...) PRINTF(2, 3);

/* "INVALID_ARGUMENT"; "UNKNOWN" for what is no code. */
const char *error_code_name(enum error_code code);

#ifdef __cplusplus
}
#endif

#endif
