/* tests/emulator/scim.h: Okta's filter expressions: `status eq "ACTIVE" and (created gt "..." or not (id pr))`. */
#ifndef EMULATOR_SCIM_H
#define EMULATOR_SCIM_H

#include "base/str.h"

#define SCIM_NODES_MAX 64
#define SCIM_DEPTH_MAX 16
#define SCIM_PATH_SIZE 96
#define SCIM_TEXT_SIZE 2048 /* of all literals together */

enum scim_op { SCIM_EQ, SCIM_NE, SCIM_GT, SCIM_GE, SCIM_LT, SCIM_LE, SCIM_CO, SCIM_SW, SCIM_EW, SCIM_PR, SCIM_OPS };

enum scim_fault_kind { SCIM_SYNTAX, SCIM_FIELD, SCIM_OPERATOR, SCIM_VALUE };
struct scim_fault {
    enum scim_fault_kind kind;
    size_t at;        /* where in the text */
    struct view word; /* what was not understood: of the text */
};

/* What is compared with. */
struct scim_literal {
    struct view text;
    bool is_time;
    int64_t time_ms;
};

struct scim_value {
    struct view text;
    bool is_time;
    int64_t time_ms;
};

/* What a listing allows: fills `kind` and returns false when it does not. */
typedef bool scim_allow(struct view path, enum scim_op op, const struct scim_literal *literal,
                        enum scim_fault_kind *kind);
/* The nth value of a path, in the object behind ctx; false: no more. */
typedef bool scim_get(void *ctx, struct view path, size_t nth, struct scim_value *out);

struct scim_node {
    enum { SCIM_AND, SCIM_OR, SCIM_NOT, SCIM_TEST } kind;
    uint8_t left, right; /* nodes */
    enum scim_op op;
    struct view path;
    struct scim_literal literal;
};

struct scim {
    struct scim_node nodes[SCIM_NODES_MAX];
    size_t count;
    uint8_t root;
    char text[SCIM_TEXT_SIZE]; /* literals, unescaped */
    size_t text_len;
    bool has_not;
};

/* `source` is borrowed for as long as *s is used. */
MUST_CHECK bool scim_parse(struct scim *s, struct view source, scim_allow *allow, struct scim_fault *fault);

/* Several values match when any of them does. */
bool scim_match(const struct scim *s, scim_get *get, void *ctx, bool ignore_case);

#endif
