/* base/assert.h: what must be true unless we made a mistake.
 *
 * Stays on in release builds. What others send is never asserted, but refused. */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

#define ASSERT(condition) ((condition) ? (void)0 : assert_failed(#condition, __FILE__, __LINE__))

/* Writes one line to stderr and aborts. */
_Noreturn void assert_failed(const char *condition, const char *file, int line);

#endif
