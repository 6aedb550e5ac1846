/* server/service/scratch.h: memory for the parts of one response, freed together after it has been encoded. */
#ifndef SERVICE_SCRATCH_H
#define SERVICE_SCRATCH_H

#include <stddef.h>

struct scratch {
    struct scratch_block *first;
};

void *scratch_zero(struct scratch *s, size_t bytes);
char *scratch_text(struct scratch *s, const char *text); /* a copy */
void scratch_deinit(struct scratch *s);

#define AUTO_SCRATCH __attribute__((cleanup(scratch_deinit)))

#endif
