#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "{\"level\":\"error\",\"event\":\"assert\",\"at\":\"%s:%d\",\"condition\":\"%s\"}\n", file, line,
            condition);
    abort();
}
