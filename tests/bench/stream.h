/* tests/bench/stream.h: the two ends of a measured stream, on the bare C core. */
#ifndef BENCH_STREAM_H
#define BENCH_STREAM_H

#include <stdint.h>

struct stream_read {
    const char *address;   /* "unix:/path" */
    const char *name;      /* the connector; "" where there is only one */
    const char *record_to; /* NULL, or a file that gets each message behind its length (8 bytes, little-endian) */
    uint64_t events, bytes, messages;
    double seconds; /* from the call to its status */
};

/* Reads StreamLogins from the beginning to its end; ends the program, with words, when that fails. */
void stream_read(struct stream_read *read);

/* Serves the messages of such a file to whoever calls, until SIGTERM. */
int stream_serve(const char *address, const char *messages);

#endif
