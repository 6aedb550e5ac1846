/* base/error_reasons.h: the catalogue of reasons: what each means for a caller. proto/okta/connector/v1/errors.proto is
 * the same for clients; a test compares the two. */
#ifndef BASE_ERROR_REASONS_H
#define BASE_ERROR_REASONS_H

#include "base/error.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct error_meaning {
    const char *reason;
    enum error_code code;
    const char *help;  /* what to do next, as a sentence */
    const char *url;   /* a public page of Okta's about it; NULL: none */
    int32_t retry_ms;  /* when asking again may help; 0: it does not by itself */
    int32_t spread_ms; /* on top of it, at random, so that many callers do not come back at once */
    const char *quota; /* of RESOURCE_EXHAUSTED: the limit that was reached, where the error does not name it */
};

/* Ordered by reason; `count` is theirs. */
extern const struct error_meaning error_meanings[];
extern const size_t error_meaning_count;

/* Of this reason; NULL when it is none of the catalogue. */
const struct error_meaning *error_meaning(const char *reason);

/* Of this error: its reason's, or, where it has none, its code's own. Never NULL. */
const struct error_meaning *error_meaning_of(const struct error *err);

#ifdef __cplusplus
}
#endif

#endif
