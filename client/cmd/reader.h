/* client/cmd/reader.h: one reading of a login stream, over as many connections as it takes.
 *
 * The place is the token of the last message that was handed on whole; a new connection goes on behind it. So nothing
 * is handed on twice and nothing is left out, whatever breaks in between. */
#ifndef CLIENT_CMD_READER_H
#define CLIENT_CMD_READER_H

#include "client/cli/cli.h"
#include "client/rpc/backoff.h"

struct reader {
    /* set before reader_run */
    struct cli *cli;                                   /* connected */
    Okta__Connector__V1__StreamLoginsRequest *request; /* as asked for; borrowed */
    int64_t until_mono_ms;                             /* ends by itself; INT64_MAX: never */
    int64_t silence_ms;                                /* a stream that says nothing for so long is given up */
    void (*message)(void *ctx, const Okta__Connector__V1__StreamLoginsResponse *m);
    void (*note)(void *ctx, const char *text); /* about the connection */
    /* Called between messages; returns when it wants to be called again, on the monotonic clock. NULL: none. */
    int64_t (*tick)(void *ctx, struct session *session);
    void (*disconnected)(void *ctx); /* the session is about to close: drop what is under way on it. NULL: none */
    void *ctx;
    /* the reader's own */
    struct stream *stream;
    struct backoff backoff;
    char *token;     /* NULL: none yet */
    uint64_t events; /* handed on */
    int64_t heard_mono_ms, opened_mono_ms;
    bool is_lost; /* the connection, and that was said */
};

/* Reads until the end of the stream (without follow), until_mono_ms, a signal, or an output that nobody reads. Then it
 * is true; false with an error that trying again does not help. */
MUST_CHECK bool reader_run(struct reader *r, struct error *err);
void reader_deinit(struct reader *r);

#endif
