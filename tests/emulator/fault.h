/* tests/emulator/fault.h: rules for what happens to which requests, and the script that they are written in. */
#ifndef EMULATOR_FAULT_H
#define EMULATOR_FAULT_H

#include "emulator.h"

#define FAULTS_MAX 32

/* A rule with texts of its own, and how far it has come. */
struct fault {
    struct emulator_fault_rule rule;
    uint64_t seen, done; /* requests that it is for; those of them that it was done to */
};

struct faults {
    struct fault at[FAULTS_MAX];
    size_t count;
    uint64_t done;
};

void faults_deinit(struct faults *f);
/* False when there are too many that are not over. Copies the texts. */
MUST_CHECK bool faults_add(struct faults *f, const struct emulator_fault_rule *rule);
MUST_CHECK bool faults_load(struct faults *f, struct view script, struct error *err);

/* What is to happen to this request, by the first rule that says something; NULL: nothing. */
const struct emulator_fault *faults_pick(struct faults *f, const struct emulator_request *request);

#endif
