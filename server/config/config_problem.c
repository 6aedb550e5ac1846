#include "config/config.h"

#include <stdarg.h>
#include <stdio.h>

static void tell(struct config_problems *p, bool is_warning, const char *format, va_list args)
{
    struct config_problem *one;

    if (p->count == CONFIG_PROBLEMS_MAX)
        return;
    one = &p->all[p->count++];
    one->is_warning = is_warning;
    vsnprintf(one->text, sizeof one->text, format, args);
}

void config_problem(struct config_problems *p, const char *format, ...)
{
    va_list args;

    p->errors++;
    va_start(args, format);
    tell(p, false, format, args);
    va_end(args);
}

void config_warning(struct config_problems *p, const char *format, ...)
{
    va_list args;

    p->warnings++;
    va_start(args, format);
    tell(p, true, format, args);
    va_end(args);
}
