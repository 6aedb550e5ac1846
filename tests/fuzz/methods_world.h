/* tests/fuzz/methods_world.h: what methods.c plays with: one connector that is a stand-in, on a real store. */
#ifndef TESTS_FUZZ_METHODS_WORLD_H
#define TESTS_FUZZ_METHODS_WORLD_H

#include "service/service.h"
#include "store/directory.h"

#define T0    INT64_C(1773480000000)
#define TOPIC 3

struct connector {
    struct store *store;
    struct poller_snapshot snapshot;
    bool is_deleted;
    int refs;
};

extern struct connector acme;
extern struct service service;
extern int64_t now_ms;  /* both clocks */
extern bool is_changed; /* the store, by this input: the next gets a new one */
extern char folder[300];

/* A store with logins, history, some of it gone, and users; a new one, where there is none or it was changed. */
void make_store(void);

#endif
