#include "fault.h"

#include "base/mem.h"
#include "random.h"

#include <string.h>

#define MILLION 1000000u

static void free_rule(struct emulator_fault_rule *rule)
{
    free((void *)(uintptr_t)rule->prefix);
    free((void *)(uintptr_t)rule->method);
    free((void *)(uintptr_t)rule->what.code);
    free((void *)(uintptr_t)rule->what.body);
    free((void *)(uintptr_t)rule->what.headers);
}

void faults_deinit(struct faults *f)
{
    for (size_t i = 0; i < f->count; i++)
        free_rule(&f->at[i].rule);
    f->count = 0;
}

static bool is_over(const struct fault *fault)
{
    return fault->rule.count > 0 && fault->done >= fault->rule.count;
}

bool faults_add(struct faults *f, const struct emulator_fault_rule *rule)
{
    size_t i = 0;

    while (i < f->count && !is_over(&f->at[i]))
        i++;
    if (i == FAULTS_MAX)
        return false;
    /* What is over makes room, from the front: the order of the others is that of their adding. */
    if (i < f->count) {
        free_rule(&f->at[i].rule);
        memmove(&f->at[i], &f->at[i + 1], (f->count - i - 1) * sizeof f->at[0]);
        f->count--;
    }
    f->at[f->count] = (struct fault){ .rule = *rule };
    f->at[f->count].rule.prefix = mem_strdup(rule->prefix);
    f->at[f->count].rule.method = mem_strdup(rule->method);
    f->at[f->count].rule.what.code = mem_strdup(rule->what.code);
    f->at[f->count].rule.what.body = mem_strdup(rule->what.body);
    f->at[f->count].rule.what.headers = mem_strdup(rule->what.headers);
    f->count++;
    return true;
}

static bool is_for(const struct emulator_fault_rule *rule, const struct emulator_request *request)
{
    return (rule->prefix == NULL || view_starts(request->target, rule->prefix)) &&
           (rule->method == NULL || strcmp(rule->method, request->method) == 0);
}

/* Whether it is this one's turn, of all that it is for. */
static bool is_due(const struct fault *fault, uint64_t nth)
{
    const struct emulator_fault_rule *rule = &fault->rule;

    if (nth < rule->skip)
        return false;
    if (rule->every > 1 && (nth - rule->skip) % rule->every != rule->every - 1)
        return false;
    return rule->per_million == 0 || random_at(rule->seed, RANDOM_ERROR, nth) % MILLION < rule->per_million;
}

const struct emulator_fault *faults_pick(struct faults *f, const struct emulator_request *request)
{
    for (size_t i = 0; i < f->count; i++) {
        struct fault *fault = &f->at[i];

        if (is_over(fault) || !is_for(&fault->rule, request) || !is_due(fault, fault->seen++))
            continue;
        fault->done++;
        f->done++;
        return &fault->rule.what;
    }
    return NULL;
}
