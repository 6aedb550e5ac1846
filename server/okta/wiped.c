#include "okta/wiped.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static void wiped_free(void *at)
{
    if (at != NULL)
        explicit_bzero(at, malloc_usable_size(at));
    free(at);
}

/* Never in place: what is left of the old one is wiped as well. */
static void *wiped_realloc(void *at, size_t size)
{
    void *copy = malloc(size > 0 ? size : 1);
    size_t old = at != NULL ? malloc_usable_size(at) : 0;

    if (copy == NULL)
        return NULL;
    if (at != NULL)
        memcpy(copy, at, old < size ? old : size);
    wiped_free(at);
    return copy;
}

CURLcode wiped_curl_init(void)
{
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wiped_free, wiped_realloc, strdup, calloc);
}
