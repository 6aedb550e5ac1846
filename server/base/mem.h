/* base/mem.h: memory that is there or ends the process.
 *
 * Out of memory ends the process here and nowhere else: the supervisor restarts us, and the store makes that cheap.
 * Sizes that others choose are capped before they come here, so this is never in a peer's power. Free with free(). */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t bytes);                /* not zeroed */
void *mem_zero(size_t bytes);                 /* zeroed */
void *mem_array(size_t count, size_t bytes);  /* zeroed; the product is checked */
void *mem_grow(void *at, size_t bytes);       /* realloc */
void *mem_copy(const void *at, size_t bytes); /* a copy; at may be NULL when bytes is 0 */
char *mem_strdup(const char *text);           /* NULL stays NULL */

#endif
