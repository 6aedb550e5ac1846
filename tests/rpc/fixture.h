/* tests/rpc/fixture.h: a server with test methods, on Unix sockets in a folder of its own and on loopback. */
#ifndef TESTS_RPC_FIXTURE_H
#define TESTS_RPC_FIXTURE_H

#include "rpc/server.h"
#include "tests/rpc/client.h"

#include <pthread.h>
#include <stdatomic.h>

#define TEST_ECHO   "/test.Test/Echo"   /* echoes the request */
#define TEST_FAIL   "/test.Test/Fail"   /* FAILED_PRECONDITION, reason ORG_MISMATCH, a trailer; text from the request */
#define TEST_HUGE   "/test.Test/Huge"   /* answers more than the limit */
#define TEST_BYTES  "/test.Test/Bytes"  /* echoes the request, by call_reply_bytes */
#define TEST_WHO    "/test.Test/Who"    /* answers role, peer and whether there is a deadline */
#define TEST_ADMIN  "/test.Test/Admin"  /* Echo, for admins */
#define TEST_LATER  "/test.Test/Later"  /* leaves a ticket in the fixture */
#define TEST_FEED   "/test.Test/Feed"   /* streams the fixture's numbers, and waits for more by topic */
#define TEST_QUIET  "/test.Test/Quiet"  /* a stream without drain that never writes */
#define TEST_TICK   "/test.Test/Tick"   /* three messages, each when its timer is due */
#define TEST_FLOOD  "/test.Test/Flood"  /* writes endlessly */
#define TEST_REFUSE "/test.Test/Refuse" /* fails before it becomes a stream */
#define TEST_TALK   "/test.Test/Talk"   /* bidi: answers each message with "you said ..." */

#define FEED_TOPIC 63

struct fixture {
    char folder[32];
    char admin[64], reader[64]; /* addresses of the Unix sockets */
    struct rpc *rpc;
    struct client client; /* to the admin socket */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct call_ticket *ticket;         /* of TEST_LATER, under lock */
    unsigned started, ended, cancelled; /* streams, under lock; cancelled: they were not asked to finish */
    _Atomic uint32_t fed;               /* numbers 1 to fed are there for TEST_FEED */
    _Atomic uint32_t most_flooded;      /* bytes TEST_FLOOD has handed over, in KiB */
};

extern const struct call_method fixture_methods[];

/* cmocka's setup and teardown; *state is the fixture. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* The same without a server: for fixture_options, something changed in them, and fixture_start. */
struct fixture *fixture_create(void);

/* Fills options for two listeners in the fixture's folder and one on loopback; for rpc_start with something changed. */
void fixture_options(struct fixture *f, struct rpc_options *options, struct net_address listen[3]);
void fixture_start(struct fixture *f, const struct rpc_options *options);

/* Each waits, bounded. */
struct call_ticket *fixture_ticket(struct fixture *f);
void fixture_await_started(struct fixture *f, unsigned count);
void fixture_await_ended(struct fixture *f, unsigned count);

unsigned fixture_count(struct fixture *f, const unsigned *count); /* of those under lock */

void fixture_feed(struct fixture *f, uint32_t count);

#endif
