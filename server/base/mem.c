#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_end(void *at)
{
    if (at == NULL) {
        fputs("{\"level\":\"error\",\"event\":\"out-of-memory\"}\n", stderr);
        abort();
    }
    return at;
}

void *mem_alloc(size_t bytes)
{
    return or_end(malloc(bytes > 0 ? bytes : 1));
}

void *mem_zero(size_t bytes)
{
    return mem_array(1, bytes);
}

void *mem_array(size_t count, size_t bytes)
{
    return or_end(calloc(count > 0 ? count : 1, bytes > 0 ? bytes : 1));
}

void *mem_grow(void *at, size_t bytes)
{
    return or_end(realloc(at, bytes > 0 ? bytes : 1));
}

void *mem_copy(const void *at, size_t bytes)
{
    void *copy = mem_alloc(bytes);

    if (bytes > 0)
        memcpy(copy, at, bytes);
    return copy;
}

char *mem_strdup(const char *text)
{
    return text == NULL ? NULL : mem_copy(text, strlen(text) + 1);
}
