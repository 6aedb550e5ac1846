/* Times and durations as text. */
#include "base/assert.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define YEAR_10000_MS INT64_C(253402300800000)

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static bool digits(struct view *v, size_t count, int64_t max, int64_t *out)
{
    uint64_t n;

    if (v->len < count || !view_u64((struct view){ v->at, count }, 0, (uint64_t)max, &n))
        return false;
    v->at += count;
    v->len -= count;
    *out = (int64_t)n;
    return true;
}

static bool literal(struct view *v, char c)
{
    if (v->len == 0 || v->at[0] != c)
        return false;
    v->at++;
    v->len--;
    return true;
}

static bool fraction(struct view *v, int64_t *ms)
{
    int64_t scale = 100;
    size_t count = 0;

    *ms = 0;
    if (!literal(v, '.'))
        return true;
    for (; v->len > 0 && v->at[0] >= '0' && v->at[0] <= '9'; v->at++, v->len--, count++) {
        *ms += (v->at[0] - '0') * scale;
        scale /= 10;
    }
    return count > 0 && count <= 9;
}

static bool offset(struct view *v, int64_t *minutes)
{
    bool is_west = v->len > 0 && v->at[0] == '-';
    int64_t h, m;

    *minutes = 0;
    if (literal(v, 'Z') || literal(v, 'z'))
        return true;
    if (!literal(v, '+') && !literal(v, '-'))
        return false;
    if (!digits(v, 2, 23, &h) || !literal(v, ':') || !digits(v, 2, 59, &m))
        return false;
    *minutes = is_west ? -(h * 60 + m) : h * 60 + m;
    return true;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    static const int64_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && is_leap ? 29 : days[month - 1];
}

bool time_parse(struct view v, int64_t *unix_ms)
{
    int64_t year, month, day, h, m, s, ms, offset_minutes, at;

    if (!digits(&v, 4, 9999, &year) || !literal(&v, '-') || !digits(&v, 2, 12, &month) || !literal(&v, '-') ||
        !digits(&v, 2, 31, &day) || !(literal(&v, 'T') || literal(&v, 't')) || !digits(&v, 2, 23, &h) ||
        !literal(&v, ':') || !digits(&v, 2, 59, &m) || !literal(&v, ':') || !digits(&v, 2, 60, &s) ||
        !fraction(&v, &ms) || !offset(&v, &offset_minutes) || v.len > 0)
        return false;
    if (year < 1970 || month < 1 || day < 1 || day > days_in_month(year, month))
        return false;
    at = (((days_of(year, month, day) * 24 + h) * 60 + m - offset_minutes) * 60 + s) * 1000 + ms;
    /* An offset or a leap second can lead out of the years we can write. */
    if (at < 0 || at >= YEAR_10000_MS)
        return false;
    *unix_ms = at;
    return true;
}

void time_format(int64_t unix_ms, char text[TIME_TEXT_SIZE])
{
    int64_t days, z, era, day_of_era, year_of_era, day_of_year, month_from_march, year, month, day, ms;

    ASSERT(unix_ms >= 0 && unix_ms < YEAR_10000_MS);
    days = unix_ms / 86400000;
    ms = unix_ms % 86400000;
    z = days + 719468;
    era = z / 146097;
    day_of_era = z - era * 146097;
    year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    month_from_march = (5 * day_of_year + 2) / 153;
    day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
    snprintf(text, TIME_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)year % 10000u,
             (unsigned)month % 100u, (unsigned)day % 100u, (unsigned)(ms / 3600000) % 100u, (unsigned)(ms / 60000 % 60),
             (unsigned)(ms / 1000 % 60), (unsigned)(ms % 1000));
}

bool duration_parse(struct view v, int64_t *ms)
{
    static const struct {
        const char *suffix;
        int64_t ms;
    } units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 }, { "", 1000 } };
    const int64_t most = INT64_C(36525) * 86400000;

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        struct view number = v;
        uint64_t n;

        if (!view_ends(v, units[i].suffix))
            continue;
        number.len -= strlen(units[i].suffix);
        if (!view_u64(number, 0, (uint64_t)(most / units[i].ms), &n))
            continue;
        *ms = (int64_t)n * units[i].ms;
        return true;
    }
    return false;
}
