/* tests/bench/fill.h: a data folder with stored events, and the server program on it. */
#ifndef BENCH_FILL_H
#define BENCH_FILL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Makes a data folder with one connector, "bench", that holds so many login events: made by the emulator, encoded by
 * the connector's own code. Retired, it is readable and polls nobody; else it has a token, and an org where nobody
 * answers. Like all here, ends the program with words when that fails. */
void fill_store(const char *data_dir, uint64_t events, bool is_retired);

/* Starts a program that dies with this one; its stderr goes to `log`. */
pid_t fill_start(const char *const argv[], const char *log);

/* Waits until somebody answers at the Unix socket, looking again each `every_us`. */
void fill_await_socket(const char *path, unsigned every_us);

/* SIGTERM, and waits until it is gone. */
void fill_end(pid_t child);

#endif
