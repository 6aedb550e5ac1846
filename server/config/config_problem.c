#include "config/config.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A file's own words may be repeated, and go to a terminal: as UTF-8 without control characters, cut between two
 * characters. */
static void make_plain(char text[ERROR_TEXT_MAX])
{
    AUTO_BUF struct buf clean = BUF(3 * ERROR_TEXT_MAX);
    size_t len;

    utf8_clean(view_of(text), &clean);
    for (size_t i = 0; i < clean.len; i++)
        if ((unsigned char)clean.at[i] < ' ' || clean.at[i] == 0x7f)
            clean.at[i] = '?';
    len = clean.len < ERROR_TEXT_MAX ? clean.len : ERROR_TEXT_MAX - 1;
    while (len < clean.len && len > 0 && (clean.at[len] & 0xc0) == 0x80)
        len--;
    if (len > 0)
        memcpy(text, clean.at, len);
    text[len] = '\0';
}

static void tell(struct config_problems *p, bool is_warning, const char *format, va_list args)
{
    struct config_problem *one;

    if (p->count == CONFIG_PROBLEMS_MAX)
        return;
    one = &p->all[p->count++];
    one->is_warning = is_warning;
    vsnprintf(one->text, sizeof one->text, format, args);
    make_plain(one->text);
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
