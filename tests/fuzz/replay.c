/* A fuzz target without a fuzzer: each file of its corpus is a test case, whole and cut short in some places.
 *
 *     TARGET_corpus_test FOLDER */
#include "tests/fuzz/fuzz.h"
#include "tests/rows.h"

#include "base/mem.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define FILES_MAX 512
#define CUTS      8

struct seed {
    const char *name;
    uint8_t *bytes;
    size_t size;
};

/* In a block of its own size, so that a byte too far is seen. */
static void run(const uint8_t *bytes, size_t size)
{
    uint8_t *exact = mem_copy(bytes, size);

    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static void survives(void **state)
{
    const struct seed *seed = *state;

    run(seed->bytes, seed->size);
    for (size_t i = 0; i < CUTS; i++)
        run(seed->bytes, seed->size * i / CUTS);
}

static struct seed read_seed(const char *folder, const char *name)
{
    struct seed seed = { .name = mem_strdup(name) };
    char path[1024];
    FILE *f;
    long size;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "rb");
    ASSERT(f != NULL && fseek(f, 0, SEEK_END) == 0);
    size = ftell(f);
    ASSERT(size >= 0 && fseek(f, 0, SEEK_SET) == 0);
    seed.size = (size_t)size;
    seed.bytes = mem_alloc(seed.size + 1);
    ASSERT(fread(seed.bytes, 1, seed.size, f) == seed.size);
    fclose(f);
    return seed;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct seed *)a)->name, ((const struct seed *)b)->name);
}

static size_t read_folder(const char *folder, struct seed *seeds)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    size_t count = 0;

    ASSERT(dir != NULL);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        ASSERT(count < FILES_MAX);
        seeds[count++] = read_seed(folder, entry->d_name);
    }
    closedir(dir);
    qsort(seeds, count, sizeof seeds[0], by_name);
    return count;
}

int main(int argc, char **argv)
{
    static struct seed seeds[FILES_MAX];
    size_t count;
    int failed;

    ASSERT(argc == 2);
    count = read_folder(argv[1], seeds);
    ASSERT(count > 0);
    failed = rows_run(argv[1], survives, seeds, sizeof seeds[0], count);
    for (size_t i = 0; i < count; i++) {
        free((char *)(uintptr_t)seeds[i].name);
        free(seeds[i].bytes);
    }
    return failed;
}
