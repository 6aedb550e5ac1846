/* server/connectors/diagnose/diagnose.h: Diagnose: everything that can be checked, with what to do about it. */
#ifndef CONNECTORS_DIAGNOSE_H
#define CONNECTORS_DIAGNOSE_H

#include "base/error.h"
#include "registry/registry.h"

struct connectors;

enum check_verdict { CHECK_OK = 1, CHECK_WARN, CHECK_FAIL, CHECK_SKIPPED }; /* numbers are the API's */
struct check {
    char connector[REGISTRY_NAME_MAX + 1]; /* "": the server itself */
    char name[16];
    enum check_verdict verdict;
    char detail[640], remedy[400];
};
#define DIAGNOSE_CHECKS_MAX 1024 /* a dozen a connector */
#define DIAGNOSES_MAX       2    /* at once */
struct diagnosis {
    struct check checks[DIAGNOSE_CHECKS_MAX];
    size_t count;
};
/* Looks at one connector, or (an empty name) at all, on a thread of its own, for a minute at most. `done` is called
 * once, from any thread (also from within): with a diagnosis that is valid until it returns, or with err. */
typedef void diagnose_done(void *ctx, const struct diagnosis *diagnosis, const struct error *err);
void connectors_diagnose(struct connectors *cs, struct view name, bool (*is_cancelled)(void *ctx), diagnose_done *done,
                         void *ctx);

#endif
