/* LMDB's lock file: two headers, then a slot a reader: the number of the commit that it reads, then its process. A slot
 * is free while that number is the largest. */
#include "tests/fuzz/readers.h"

#include "base/assert.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOT_BYTES  64
#define SLOTS_BEGIN 2 /* behind the headers, which have a slot's size each */

struct slot {
    volatile uint64_t commit;
    volatile uint32_t pid;
};

static size_t count(const unsigned char *at, size_t size)
{
    size_t open = 0;

    for (size_t i = SLOTS_BEGIN; (i + 1) * SLOT_BYTES <= size; i++) {
        const struct slot *slot = (const struct slot *)(const void *)(at + i * SLOT_BYTES);

        open += slot->pid != 0 && slot->commit != UINT64_MAX;
    }
    return open;
}

size_t readers_open(const char *store_dir)
{
    char path[600];
    struct stat st;
    size_t open_count;
    void *at;
    int fd;

    snprintf(path, sizeof path, "%s/lock.mdb", store_dir);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ASSERT(fstat(fd, &st) == 0 && st.st_size > 0);
    at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    ASSERT(at != MAP_FAILED);
    close(fd);
    open_count = count(at, (size_t)st.st_size);
    munmap(at, (size_t)st.st_size);
    return open_count;
}
