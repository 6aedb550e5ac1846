/* tests/fuzz/readers.h: how many read transactions of a store are open, as its lock file says. */
#ifndef TESTS_FUZZ_READERS_H
#define TESTS_FUZZ_READERS_H

#include <stddef.h>

/* 0 where there is no store, or where it is being removed. */
size_t readers_open(const char *store_dir);

#endif
