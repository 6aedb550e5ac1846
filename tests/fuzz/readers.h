/* tests/fuzz/readers.h: how many read transactions of a store are open, as its lock file says. */
#ifndef TESTS_FUZZ_READERS_H
#define TESTS_FUZZ_READERS_H

#include <stddef.h>

/* `store_dir` is that of an open store. ASSERTs that LMDB's lock file is there. */
size_t readers_open(const char *store_dir);

#endif
