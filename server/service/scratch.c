#include "service/scratch.h"

#include "base/mem.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 4096 /* an answer of Status for one connector fits */

struct scratch_block {
    struct scratch_block *next;
    size_t used, room;
    max_align_t at[];
};

void *scratch_zero(struct scratch *s, size_t bytes)
{
    size_t rounded = (bytes + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    struct scratch_block *b = s->first;
    void *at;

    if (b == NULL || b->room - b->used < rounded) {
        size_t room = rounded > BLOCK_BYTES ? rounded : BLOCK_BYTES;

        b = mem_zero(sizeof *b + room);
        b->room = room;
        b->next = s->first;
        s->first = b;
    }
    at = (char *)b->at + b->used;
    b->used += rounded;
    return at;
}

char *scratch_text(struct scratch *s, const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(scratch_zero(s, size), text, size);
}

void scratch_deinit(struct scratch *s)
{
    struct scratch_block *next;

    for (struct scratch_block *b = s->first; b != NULL; b = next) {
        next = b->next;
        free(b);
    }
    s->first = NULL;
}
